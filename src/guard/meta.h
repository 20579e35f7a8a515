/*
 * What a file is besides its bytes: owner, mode, times, extended attributes
 * (POSIX ACLs and Samba's DOS attributes are such), the target of a symbolic
 * link. It is read from a file, kept as bytes in the catalogue, and given to
 * a file again; the shadow's own files carry none of it.
 *
 *   version u8 = 1 | mode be32 | uid be32 | gid be32 | links be32 | flags be32 (FS_IOC_GETFLAGS) |
 *   atime s be64, ns be32 | mtime s be64, ns be32 | target be16, bytes |
 *   attributes be16, each: name u8, bytes, value be32, bytes
 */
#ifndef BW_GUARD_META_H
#define BW_GUARD_META_H

#include <sys/stat.h>

#include "base/arena.h"
#include "sys/why.h"

enum {
	BW_META_BYTES_MAX = 128 * 1024,
	BW_META_ATTRIBUTES_MAX = 64,
};

struct bw_attribute {
	struct bw_slice name;
	struct bw_slice value;
};

struct bw_meta {
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint32_t links;
	uint32_t flags;
	struct timespec atime;
	struct timespec mtime;
	struct bw_slice target; /* symbolic links only */
	size_t attribute_count;
	struct bw_attribute attributes[BW_META_ATTRIBUTES_MAX];
};

/*
 * Of an open file whose status is known already; bytes into `out`. A symbolic link is
 * opened with O_PATH|O_NOFOLLOW. Attributes that cannot be read or are more than fit are left out, and
 * *out_whole says so. TOO_BIG, IO, MEMORY.
 */
BW_MUST_USE enum bw_err bw_meta_read(int fd, const struct stat *status, struct bw_buf *out, bool *out_whole);

/* Borrows from `bytes`. VERSION, TRUNCATED, TOO_MANY, SYNTAX. */
BW_MUST_USE enum bw_err bw_meta_parse(struct bw_slice bytes, struct bw_meta *out);
BW_MUST_USE enum bw_err bw_meta_write(const struct bw_meta *meta, struct bw_buf *out);

/*
 * Makes an open regular file or folder what `meta` says; times last. Attributes it has
 * and `meta` has not are removed. The first failure is told, the rest is still done.
 */
BW_MUST_USE enum bw_err bw_meta_apply(int fd, const struct bw_meta *meta, struct bw_why *why);

/* Whether two are the same but for access time and link count; the first difference as a word, else NULL. */
const char *bw_meta_differs(const struct bw_meta *a, const struct bw_meta *b);

#endif
