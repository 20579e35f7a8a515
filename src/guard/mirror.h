/*
 * The mirror: versions, and where the ledger stands, kept by another machine that only ever adds.
 *
 * The guarded machine sends records in batches; the other one appends them to a journal, one for each sender:
 *
 *   record   length be32 (of the body) | kind u8 | zero[3] | body
 *     VERSION  store[16] | number be64 | taken be64 | size be64 | type be32 | state u8 | path (block) |
 *              metadata (block)
 *     CONTENT  at be64 | bytes: of the version before it, without gaps
 *     WHOLE    SHA-256 of its content: now it counts
 *     LEDGER   id[16] | number be64 | chain[32]: where the sender's ledger stood
 *   journal  "BWMJ" | version be32 = 1, then batches:  length be32 | records | chain[32]
 *
 * The chain is SHA-256 over the chain before (zeros at first), the length and the records. Numbers of a store only
 * rise. Size is 0 for what is no regular file. Pure.
 */
#ifndef BW_GUARD_MIRROR_H
#define BW_GUARD_MIRROR_H

#include "base/cursor.h"
#include "crypto/hash.h"
#include "sys/why.h"

enum {
	BW_MIRROR_STORE_BYTES = 16,
	BW_MIRROR_PIECE_MAX = 1024 * 1024, /* of a content */
	BW_MIRROR_BODY_MAX = BW_MIRROR_PIECE_MAX + 8,
	BW_MIRROR_BATCH_MAX = 8 * 1024 * 1024,
	BW_MIRROR_PATH_MAX = 64 * 1024,
	BW_MIRROR_META_MAX = 128 * 1024,
	BW_MIRROR_STORES_MAX = 64,
	BW_MIRROR_HEAD_BYTES_MAX = 64 * 1024,
	BW_MIRROR_JOURNAL_HEAD_BYTES = 8,
};

enum bw_mirror_kind {
	BW_MIRROR_VERSION = 1,
	BW_MIRROR_CONTENT,
	BW_MIRROR_WHOLE,
	BW_MIRROR_LEDGER,
};

struct bw_mirror_version {
	uint8_t store[BW_MIRROR_STORE_BYTES];
	uint64_t number;
	int64_t taken_us;
	uint64_t size;
	uint32_t type; /* S_IFREG, S_IFLNK */
	uint8_t state; /* enum bw_shelf_state */
	struct bw_slice path;
	struct bw_slice meta; /* guard/meta.h */
};

struct bw_mirror_ledger {
	uint8_t id[16];
	uint64_t number;
	uint8_t chain[BW_SHA256_BYTES];
};

/* One record, checked by itself; slices borrow. */
struct bw_mirror_record {
	uint8_t kind;
	struct bw_mirror_version version; /* VERSION */
	uint64_t at;                      /* CONTENT */
	struct bw_slice bytes;
	uint8_t sum[BW_SHA256_BYTES];   /* WHOLE */
	struct bw_mirror_ledger ledger; /* LEDGER */
};

/* TRUNCATED, TOO_BIG, SYNTAX, RANGE. On failure nothing has moved. */
BW_MUST_USE enum bw_err bw_mirror_next(struct bw_cursor *in, struct bw_mirror_record *out);
BW_MUST_USE enum bw_err bw_mirror_add(struct bw_buf *out, const struct bw_mirror_record *record); /* TOO_BIG, MEMORY */

/* The chain behind a batch. */
BW_MUST_USE enum bw_err bw_mirror_chain(const uint8_t before[BW_SHA256_BYTES], struct bw_slice records,
					uint8_t out[BW_SHA256_BYTES]);

/* ---- in order ---------------------------------------------------------------------------- */

/* Whether records make sense one after the other. A version that another one follows was given up. */
struct bw_mirror_check {
	bool is_open; /* between VERSION and WHOLE */
	uint8_t store[BW_MIRROR_STORE_BYTES];
	uint64_t number;
	uint64_t size;
	uint64_t at;
	struct bw_sha256_run *run;
};

BW_MUST_USE enum bw_err bw_mirror_check_init(struct bw_mirror_check *check); /* MEMORY, CRYPTO */
void bw_mirror_check_release(struct bw_mirror_check *check);

/* CONFLICT: out of order. CORRUPT: the content is not what its sum says. Either closes the version. */
BW_MUST_USE enum bw_err bw_mirror_check_feed(struct bw_mirror_check *check, const struct bw_mirror_record *record);

/* ---- where a journal stands ------------------------------------------------------------------ */

struct bw_mirror_head {
	uint64_t bytes; /* of the journal */
	uint64_t versions;
	uint8_t chain[BW_SHA256_BYTES];
	struct bw_mirror_ledger ledger; /* number 0: none yet */
	size_t store_count;
	struct {
		uint8_t store[BW_MIRROR_STORE_BYTES];
		uint64_t number; /* the last whole version */
	} stores[BW_MIRROR_STORES_MAX];
};

BW_MUST_USE enum bw_err bw_mirror_head_parse(struct bw_slice bytes, struct bw_mirror_head *out);
BW_MUST_USE enum bw_err bw_mirror_head_write(const struct bw_mirror_head *head, struct bw_buf *out);
uint64_t bw_mirror_head_number(const struct bw_mirror_head *head, const uint8_t store[BW_MIRROR_STORE_BYTES]);

/* Takes a record in that was checked. TOO_MANY; CONFLICT: a number that is not above the last. */
BW_MUST_USE enum bw_err bw_mirror_head_feed(struct bw_mirror_head *head, const struct bw_mirror_check *check,
					    const struct bw_mirror_record *record);

#endif
