/*
 * Packs: append-only files that hold many small contents, because a file of its own
 * for each costs an inode and four times the time.
 *
 *   magic be32 "BWPK" | length be32 | version be64 | sum[16] | bytes[length], then the next
 *
 * A pack's number never comes again. What was written and never committed is cut off at the next start, behind the
 * last record the catalogue knows; a pack that a power cut left shorter than that is not written to any more. Emptied
 * packs are removed whole; a pack with few live contents is emptied by copying them onward (guard/shadow_tidy.c).
 */
#ifndef BW_GUARD_PACK_H
#define BW_GUARD_PACK_H

#include "sys/files.h"

enum {
	BW_PACK_HEAD_BYTES = 32,
	BW_PACK_CONTENT_MAX = 128 * 1024,      /* the largest content worth packing: guard-shadow.md 4 */
	BW_PACK_BYTES_MAX = 256 * 1024 * 1024, /* of one pack; on small file systems less: bw_pack_bytes */
	BW_PACK_BYTES_MIN = 4 * 1024 * 1024,
	BW_SUM_BYTES = 16,
};

/* XXH3-128: finds damage, not forgery; the store is root's alone. */
struct bw_sum {
	uint8_t bytes[BW_SUM_BYTES];
};

struct bw_sum bw_sum_of(struct bw_slice bytes);

/* How large a pack grows on a file system of so many bytes: what waits to be tidied is a small part of it. Pure. */
uint64_t bw_pack_bytes(uint64_t volume_bytes);

struct bw_packs;

struct bw_packs_plan {
	const char *folder; /* exists */
	bool read_only;
	uint32_t number;    /* goes on with this pack … */
	uint64_t end;       /* … here: what the catalogue knows. What lies behind is cut */
	uint64_t bytes_max; /* bw_pack_bytes */
};

/* A pack that ends before `end` is left as it is, and the next one begun. */
BW_MUST_USE enum bw_err bw_packs_open(const struct bw_packs_plan *plan, struct bw_packs **out, struct bw_why *why);
void bw_packs_close(struct bw_packs *packs); /* NULL allowed */

/* Appends; gathered until flush. DISK_FULL: nothing of it counts. */
BW_MUST_USE enum bw_err bw_packs_add(struct bw_packs *packs, uint64_t version, struct bw_slice content,
				     struct bw_sum *out_sum, uint32_t *out_pack, uint64_t *out_at);
BW_MUST_USE enum bw_err bw_packs_flush(struct bw_packs *packs); /* to the kernel */
BW_MUST_USE enum bw_err bw_packs_sync(struct bw_packs *packs);  /* and to the disk */

/*
 * The same for somebody who waits for the disk beside the writer: flushes, and hands out what has to be synced. The
 * caller closes all of it, and has to end when a sync of it fails: these packs count it as done.
 */
enum { BW_PACKS_DUE_MAX = 9 };

struct bw_packs_due {
	int files[BW_PACKS_DUE_MAX];
	size_t count;
	int folder; /* new names lie in it; -1: none do */
};
BW_MUST_USE enum bw_err bw_packs_hand_out(struct bw_packs *packs, struct bw_packs_due *out);

/* Where the next record would go. */
uint32_t bw_packs_number(const struct bw_packs *packs);
uint64_t bw_packs_end(const struct bw_packs *packs);

/* The growing pack is full, whatever it holds. DISK_FULL, IO. */
BW_MUST_USE enum bw_err bw_packs_turn(struct bw_packs *packs);

/* Reads and checks one record. CORRUPT; NOT_FOUND when the pack is gone. */
BW_MUST_USE enum bw_err bw_packs_read(struct bw_packs *packs, uint32_t pack, uint64_t at, uint64_t version,
				      struct bw_buf *out);

/* BUSY: the growing one. */
BW_MUST_USE enum bw_err bw_packs_remove(struct bw_packs *packs, uint32_t pack);

/* What lies in the folder, in no order. An error of `see` ends it and is passed up. */
BW_MUST_USE enum bw_err bw_packs_list(struct bw_packs *packs,
				      enum bw_err (*see)(void *context, uint32_t pack, uint64_t bytes), void *context);

/*
 * The head of the record at `at`: whose content it was and where the next one begins. NOT_FOUND: the pack ends here.
 * CORRUPT: no head.
 */
BW_MUST_USE enum bw_err bw_packs_head(struct bw_packs *packs, uint32_t pack, uint64_t at, uint64_t *out_version,
				      uint64_t *out_next);

/* Gives the room of these bytes back before the pack goes, where the file system can; reading them is CORRUPT. */
void bw_packs_punch(struct bw_packs *packs, uint32_t pack, uint64_t at, uint64_t len);

#endif
