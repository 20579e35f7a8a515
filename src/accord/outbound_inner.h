/*
 * Between the files outbound*.c; no door.
 *
 * The journal, in segments journal/NNNNNNNN, each a row of batches; numbers are big-endian:
 *
 *   head (128 bytes) | source | items | rows | sealed | SHA-256 of all before
 *
 *   head   "BWBATCH1" | number 8 | first entry 8 | entries 4 | items 4 | bytes of items 4 | of source 4 | of sealed 8 |
 *          time 8 | latest end of retention 8 | nonce 8 | hash of the batch before 32 | zeros
 *   item   tag of the id 16 | of the version 8 | verdict, clause, source, tlp, duties, confidence, actions, tiding |
 *          takes 4 | saw 8 | limit 8 | 1 + place among the entries, or 0: 4 | length 2, id of the derived object
 *   row    end of retention 8 | leaf 32 | offset in sealed 8 | length 4
 *   sealed AES-256-GCM under the key of the day of its end, nonce: the head's | place 4; with index 8 | leaf
 *
 * A tag is a keyed hash: who has the journal and not `secret` cannot guess which ids are in it, and the id of an
 * observable says what it is about. Sealed bytes may be gone (a hole) when their time is over; the rest stays.
 */
#ifndef BW_ACCORD_OUTBOUND_INNER_H
#define BW_ACCORD_OUTBOUND_INNER_H

#include <unistd.h>

#include "accord/outbound.h"
#include "crypto/aead.h"
#include "sys/files.h"
#include "tlog/reader.h"
#include "tlog/writer.h"

enum {
	BW_JOURNAL_HEAD_BYTES = 128,
	BW_JOURNAL_ITEM_BYTES = 16 + 8 + 8 + 4 + 8 + 8 + 4 + 2,
	BW_JOURNAL_ROW_BYTES = 8 + BW_SHA256_BYTES + 8 + 4,
	BW_JOURNAL_SEGMENT_BYTES = 128 * 1024 * 1024, /* then the next one begins */
	BW_JOURNAL_BATCH_MAX = 512 * 1024 * 1024,
	BW_JOURNAL_WINDOW_BYTES = 1024 * 1024, /* of sealed bytes, read at once */
	BW_OUTBOUND_SECRET_BYTES = 3 * BW_SIPHASH_KEY_BYTES,
	BW_OUTBOUND_KEYS_OPEN = 32,
	BW_OUTBOUND_SYNC_ENTRIES = 65536, /* tiles made anew at most, after a crash */
	BW_OUTBOUND_SLOTS = 256,
};

#define BW_OUTBOUND_DAY_US INT64_C(86400000000)

struct bw_journal_head {
	uint64_t number;
	uint64_t from;
	uint32_t entries;
	uint32_t items;
	uint32_t items_bytes;
	uint32_t source_bytes;
	uint64_t sealed_bytes;
	int64_t time_us;
	int64_t latest_us; /* 0: no entries */
	uint8_t nonce[8];
	uint8_t previous[BW_SHA256_BYTES];
};

/* Where a batch lies. */
struct bw_journal_batch {
	uint64_t from;
	uint64_t offset;
	uint32_t segment;
	uint32_t entries;
};

struct bw_journal_row {
	int64_t keep_until_us;
	struct bw_hash leaf;
	uint64_t offset;
	uint32_t len;
};

struct bw_outbound_key {
	int64_t day;
	struct bw_aead *aead; /* NULL: the slot is free */
};

/* A size and root that somebody stands for. */
struct bw_outbound_mark {
	uint64_t size;
	struct bw_hash root;
	struct bw_buf note; /* of a checkpoint; empty: none yet */
};

struct bw_outbound {
	char folder[BW_PATH_BYTES];
	struct bw_buf origin;
	const struct bw_trust *trust;
	bool is_reader;
	int lock_fd;
	enum bw_err broken; /* of a write that failed: nothing is certain until it is opened again */

	/* journal */
	struct bw_journal_batch *batches;
	size_t batch_count;
	size_t batch_cap;
	uint32_t segment; /* the one appended to, from 0 */
	uint64_t segment_end;
	int append_fd;
	uint8_t last_hash[BW_SHA256_BYTES];
	struct bw_buf source;
	uint64_t size;

	/* what was read last */
	int read_fd;
	uint32_t read_segment;
	size_t read_batch; /* whose head and rows these are; batch_count: none */
	struct bw_journal_head read_head;
	struct bw_buf rows;
	struct bw_buf window;
	uint64_t window_at; /* in sealed */

	/* tiles */
	struct bw_tile_store tiles;
	struct bw_tlog_writer *writer;
	struct bw_tlog_reader *reader;
	struct bw_hash root; /* of size */
	struct bw_outbound_mark synced;

	/* checkpoints */
	struct bw_outbound_mark signed_;
	struct bw_outbound_mark delivered;
	bool is_heard;
	bool is_refused; /* somebody knows another history */

	/* the newest decision about each id: made when first asked for (outbound_latest.c) */
	struct bw_latest *latest;

	/* keys */
	struct bw_secret secret;
	struct bw_outbound_key keys[BW_OUTBOUND_KEYS_OPEN];
	size_t next_key;
	uint64_t erased; /* entries before it are gone whatever their day, also if that day has another key by now */
};

static inline void bw_close_fd(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

/* FOLDER/name */
BW_MUST_USE enum bw_err bw_outbound_path(const struct bw_outbound *out, const char *name, char path[BW_PATH_BYTES]);

/* ---- outbound_journal.c: what lies where ---- */

/* Finds every batch, without changing anything. `out_cut`: bytes behind the last whole one, of a batch that is not. */
BW_MUST_USE enum bw_err bw_journal_scan(struct bw_outbound *out, uint64_t *out_cut, struct bw_why *why);

/* Cuts off what scan said. */
BW_MUST_USE enum bw_err bw_journal_cut(struct bw_outbound *out, uint64_t cut, struct bw_why *why);

BW_MUST_USE enum bw_err bw_journal_head_add(struct bw_buf *buf, const struct bw_journal_head *head);
BW_MUST_USE enum bw_err bw_journal_head_parse(struct bw_slice bytes, struct bw_journal_head *out);
uint64_t bw_journal_len(const struct bw_journal_head *head);

/* One append and one sync. `bytes`: a whole batch with its hash. */
BW_MUST_USE enum bw_err bw_journal_append(struct bw_outbound *out, const struct bw_journal_head *head,
					  struct bw_slice bytes, struct bw_why *why);

/* Makes this batch the one that was read last: its head and rows. */
BW_MUST_USE enum bw_err bw_journal_load(struct bw_outbound *out, size_t batch, struct bw_why *why);
/* Its decisions; or one of them, from that byte on, and what follows it. Both clear the buf first. */
BW_MUST_USE enum bw_err bw_journal_items(struct bw_outbound *out, size_t batch, struct bw_journal_head *head,
					 struct bw_buf *items, struct bw_why *why);
BW_MUST_USE enum bw_err bw_journal_item(struct bw_outbound *out, size_t batch, uint32_t offset,
					struct bw_journal_head *head, struct bw_buf *item, struct bw_why *why);

/* RANGE. */
BW_MUST_USE enum bw_err bw_journal_row(struct bw_outbound *out, uint64_t index, struct bw_journal_row *row,
				       struct bw_why *why);
BW_MUST_USE enum bw_err bw_journal_sealed(struct bw_outbound *out, const struct bw_journal_row *row,
					  struct bw_slice *sealed, struct bw_why *why);
void bw_journal_nonce(const struct bw_outbound *out, uint64_t index, uint8_t nonce[BW_AEAD_NONCE_BYTES]);
void bw_journal_with(uint64_t index, const struct bw_hash *leaf, uint8_t with[8 + BW_SHA256_BYTES]);

/* Gives the disk back what sealed bytes of a loaded batch take. */
BW_MUST_USE enum bw_err bw_journal_punch(struct bw_outbound *out, size_t batch, struct bw_why *why);

/* ---- outbound_keys.c: the key of a day ---- */

/* `make`: when there is none. NOT_FOUND: it was destroyed. */
BW_MUST_USE enum bw_err bw_outbound_key(struct bw_outbound *out, int64_t day, bool make, struct bw_aead **aead,
					struct bw_why *why);
BW_MUST_USE enum bw_err bw_outbound_keys_destroy(struct bw_outbound *out, int64_t before_day, size_t *out_count,
						 struct bw_why *why);
void bw_outbound_keys_close(struct bw_outbound *out);
static inline int64_t bw_outbound_day(int64_t time_us)
{
	return time_us / BW_OUTBOUND_DAY_US;
}

/* ---- outbound_erase.c ---- */

BW_MUST_USE enum bw_err bw_outbound_erased_open(struct bw_outbound *out, struct bw_why *why);

/* ---- outbound_tiles.c: hashes on disk ---- */

/* Reads `synced`; before the journal is scanned. */
BW_MUST_USE enum bw_err bw_outbound_synced_open(struct bw_outbound *out, struct bw_why *why);
/* Makes the tiles behind it again from the journal; a reader believes what is there. */
BW_MUST_USE enum bw_err bw_outbound_tiles_open(struct bw_outbound *out, struct bw_why *why);
BW_MUST_USE enum bw_err bw_outbound_tiles_add(struct bw_outbound *out, const struct bw_hash *leaves, size_t count,
					      struct bw_why *why);
BW_MUST_USE enum bw_err bw_outbound_tiles_sync(struct bw_outbound *out, struct bw_why *why);
/* Partial tiles of which the whole one is delivered now. */
void bw_outbound_tiles_prune(struct bw_outbound *out, uint64_t old_size);
/* A reader of all that is there. */
BW_MUST_USE enum bw_err bw_outbound_nodes(struct bw_outbound *out, struct bw_tlog_reader **reader);

/* ---- outbound_find.c ---- */

/* The next decision. `tag` and `found->became` borrow. */
BW_MUST_USE enum bw_err bw_outbound_item_take(struct bw_cursor *c, const struct bw_journal_head *head,
					      struct bw_slice *tag, struct bw_outbound_found *found);

/* ---- outbound_latest.c ---- */

void bw_latest_free(struct bw_latest *latest);

/* ---- outbound_sign.c ---- */

/* Reads both checkpoints; and holds them against the log. */
BW_MUST_USE enum bw_err bw_outbound_marks_open(struct bw_outbound *out, struct bw_why *why);
BW_MUST_USE enum bw_err bw_outbound_marks_check(struct bw_outbound *out, struct bw_why *why);

#endif
