/*
 * The slate: the latest size and root of each log that somebody signed for, so that nobody ever signs backwards. One
 * file, opened with O_DSYNC before the sandbox closes: what bw_slate_put has returned is on disk.
 *
 *   128 bytes: "BWSLATE1", zeros        then for each log twice 128 bytes, written in turn:
 *   turn be64 | SHA-256 of the log's name | size be64 | root | zeros | SHA-256 of the 96 bytes before
 *
 * A slot lies within one sector and changes as a whole. One that is damaged is not taken for an earlier one: the file
 * is refused (CORRUPT), because whoever forgets what he signed may sign a fork.
 */
#ifndef BW_ACCORD_SLATE_H
#define BW_ACCORD_SLATE_H

#include "sys/why.h"
#include "tlog/merkle.h"

enum { BW_SLATE_LOGS_MAX = 4096 };

struct bw_slate;

/* The descriptor for bw_slate_open; the file is made when it is missing. */
BW_MUST_USE enum bw_err bw_slate_file(const char *path, int *out_fd, struct bw_why *why);

/* `fd` stays the caller's. CORRUPT, VERSION, TOO_MANY, IO, MEMORY. */
BW_MUST_USE enum bw_err bw_slate_open(int fd, struct bw_slate **out);
void bw_slate_free(struct bw_slate *slate); /* NULL allowed */

/* Never put: size 0 and the empty tree's root. CRYPTO. */
BW_MUST_USE enum bw_err bw_slate_get(const struct bw_slate *slate, struct bw_slice name, uint64_t *out_size,
				     struct bw_hash *out_root);

/* ROLLBACK: smaller than what is there. SPLIT_VIEW: of the same size with another root. TOO_MANY, IO, DISK_FULL … */
BW_MUST_USE enum bw_err bw_slate_put(struct bw_slate *slate, struct bw_slice name, uint64_t size,
				     const struct bw_hash *root);

#endif
