/*
 * Memory files: bytes too big for a frame, handed over as a descriptor.
 *
 * A sealed file can neither change nor shrink, so a reader may map it and parse
 * in place. A reader that maps without checking could be killed (SIGBUS) by a peer
 * that truncates, or fooled by one that rewrites between check and use;
 * bw_mapped_open checks seals and size first.
 */
#ifndef BW_SYS_MEMFILE_H
#define BW_SYS_MEMFILE_H

#include "base/bytes.h"

struct bw_memfile {
	int fd; /* -1 when none */
	size_t len;
	size_t max;
};

#define BW_MEMFILE_NONE ((struct bw_memfile){ -1, 0, 0 })

/* Empty, close-on-exec; `name` shows in /proc for people. TOO_MANY (descriptors), SYSTEM. */
BW_MUST_USE enum bw_err bw_memfile_new(const char *name, size_t max, struct bw_memfile *out);

/* TOO_BIG past max (nothing written), MEMORY, SYSTEM. */
BW_MUST_USE enum bw_err bw_memfile_append(struct bw_memfile *file, struct bw_slice bytes);

/* No writes, growth, shrinking or further seals from here on. SYSTEM (BUSY while mapped writable). */
BW_MUST_USE enum bw_err bw_memfile_seal(struct bw_memfile *file);

void bw_memfile_release(struct bw_memfile *file); /* closes; {-1} afterwards */

/* New, append, seal in one. */
BW_MUST_USE enum bw_err bw_memfile_of(const char *name, struct bw_slice bytes, struct bw_memfile *out);

/* ---- the reading side ------------------------------------------------- */

struct bw_mapped {
	struct bw_slice bytes; /* read-only */
};

/*
 * Maps a file somebody else made. TYPE: not a memory file, or not sealed
 * against write, growth and shrinking. TOO_BIG: more than max. An empty file
 * maps to an empty slice. `fd` stays the caller's and may be closed at once.
 */
BW_MUST_USE enum bw_err bw_mapped_open(int fd, size_t max, struct bw_mapped *out);
void bw_mapped_release(struct bw_mapped *mapped);

/* ---- memory one process writes and others watch ----------------------- */

struct bw_shared {
	uint8_t *ptr;
	size_t len;
	int fd; /* the writer's; -1 in a reader */
};

/*
 * `bytes` of zeroed memory that cannot shrink or grow (pages are taken when touched, so a
 * generous size costs address space only). The writer keeps ptr writable.
 */
BW_MUST_USE enum bw_err bw_shared_new(const char *name, size_t bytes, struct bw_shared *out);

/* Read-only view. TYPE when it could shrink under us; TOO_BIG. Content may change at any time: check it. */
BW_MUST_USE enum bw_err bw_shared_open(int fd, size_t max, struct bw_shared *out);
void bw_shared_release(struct bw_shared *shared);

#endif
