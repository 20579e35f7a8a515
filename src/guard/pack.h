/*
 * Packs: append-only files that hold many small contents, because a file of its own
 * for each costs an inode and four times the time.
 *
 *   magic be32 "BWPK" | length be32 | version be64 | sum[16] | bytes[length], then the next
 *
 * A pack's number never comes again. What a power cut tears is cut off at the next start, behind the
 * last record the catalogue knows. Emptied packs are removed whole; a pack with few live
 * contents is emptied by copying them onward (bw_shadow_tidy).
 */
#ifndef BW_GUARD_PACK_H
#define BW_GUARD_PACK_H

#include "sys/files.h"

enum {
	BW_PACK_HEAD_BYTES = 32,
	BW_PACK_CONTENT_MAX = 128 * 1024, /* the largest content worth packing: guard-shadow.md 4 */
	BW_PACK_BYTES_MAX = 256 * 1024 * 1024,
	BW_SUM_BYTES = 16,
};

/* XXH3-128: finds damage, not forgery; the store is root's alone. */
struct bw_sum {
	uint8_t bytes[BW_SUM_BYTES];
};

struct bw_sum bw_sum_of(struct bw_slice bytes);

struct bw_packs;

/* The folder exists. Goes on with pack `number` at `end` (what the catalogue knows); cuts what lies behind. */
BW_MUST_USE enum bw_err bw_packs_open(const char *folder, bool read_only, uint32_t number, uint64_t end,
				      struct bw_packs **out, struct bw_why *why);
void bw_packs_close(struct bw_packs *packs); /* NULL allowed */

/* Appends; gathered until flush. DISK_FULL: nothing of it counts. */
BW_MUST_USE enum bw_err bw_packs_add(struct bw_packs *packs, uint64_t version, struct bw_slice content,
				     struct bw_sum *out_sum, uint32_t *out_pack, uint64_t *out_at);
BW_MUST_USE enum bw_err bw_packs_flush(struct bw_packs *packs); /* to the kernel */
BW_MUST_USE enum bw_err bw_packs_sync(struct bw_packs *packs);  /* and to the disk */

/* Where the next record would go. */
uint32_t bw_packs_number(const struct bw_packs *packs);
uint64_t bw_packs_end(const struct bw_packs *packs);

/* Reads and checks one record. CORRUPT; NOT_FOUND when the pack is gone. */
BW_MUST_USE enum bw_err bw_packs_read(struct bw_packs *packs, uint32_t pack, uint64_t at, uint64_t version,
				      struct bw_buf *out);

BW_MUST_USE enum bw_err bw_packs_remove(struct bw_packs *packs, uint32_t pack);

#endif
