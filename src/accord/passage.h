/*
 * What one node sends another of its log: records, one after another.
 *
 *   kind u8 | length be32 | body
 *
 *   1 CHECKPOINT  the delivered checkpoint, with cosignatures; first, and again when there is a newer one
 *   2 ENTRY       index be64 | salt (32 bytes) | text of the crossing (accord/crossing.h)
 *   3 GONE        index be64 | leaf hash: its content is erased
 *   4 PROOF       size be64 | hashes: that the first `size` entries are those of the latest checkpoint
 *   5 END         nothing: that was all; or in words why no more comes
 *   6 REST        index be64 | offset be64 | bytes: an ENTRY's body from that byte on, its end included
 *
 * A PROOF about the size that the receiver has verified follows each CHECKPOINT (where that is not 0): it shows that
 * the log goes on from there. Every other PROOF ends a *chunk*: the entries since the one before, which count from
 * then on. Who lost the connection asks again from the entry, and from the byte of its body, so that nothing comes
 * twice, whatever its size. Pure.
 */
#ifndef BW_ACCORD_PASSAGE_H
#define BW_ACCORD_PASSAGE_H

#include "accord/crossing.h"
#include "base/cursor.h"
#include "tlog/checkpoint.h"

enum bw_passage_kind {
	BW_PASSAGE_CHECKPOINT = 1,
	BW_PASSAGE_ENTRY,
	BW_PASSAGE_GONE,
	BW_PASSAGE_PROOF,
	BW_PASSAGE_END,
	BW_PASSAGE_REST,
};

#define BW_PASSAGE_CONTENT_TYPE "application/vnd.breakwater.passage"

enum {
	BW_PASSAGE_HEAD_BYTES = 5,
	BW_PASSAGE_ENTRY_FRAME = 8 + BW_CROSSING_SALT_BYTES, /* of an ENTRY's body, before the text */
	BW_PASSAGE_BODY_MAX = BW_PASSAGE_ENTRY_FRAME + BW_CROSSING_MAX,
	BW_PASSAGE_WORDS_MAX = 500,
	BW_CHUNK_ENTRIES_MAX = 4096,
	BW_CHUNK_BYTES_MAX = 8 * 1024 * 1024, /* then no further entry begins; the last one may be larger */
};

/* Where a receiver is: it has all entries before `entry`, and `byte` bytes of the body of that one's record. */
struct bw_passage_place {
	uint64_t entry;
	uint64_t byte;
	uint64_t verified; /* <= entry: up to there a chunk has ended; 0 at the start */
	/* The sender's own notes of one connection, no part of the words; 0 when it begins. */
	uint64_t told;        /* the size of the checkpoint it was sent */
	uint64_t chunk_bytes; /* since the last proof */
};

struct bw_passage_record {
	enum bw_passage_kind kind;
	struct bw_slice body;
	uint64_t number;      /* the index, or the size */
	uint64_t offset;      /* REST */
	struct bw_slice rest; /* behind the numbers: the entry (salt and text), a leaf, hashes, bytes; END: words */
};

/* The next whole record. TRUNCATED: more bytes are needed; TYPE, TOO_BIG, SYNTAX: final. Borrows. */
BW_MUST_USE enum bw_err bw_passage_take(struct bw_cursor *in, struct bw_passage_record *out);

BW_MUST_USE enum bw_err bw_passage_add(struct bw_buf *out, enum bw_passage_kind kind, struct bw_slice body);
/* The head alone; the body, of that length, is added by the caller. */
BW_MUST_USE enum bw_err bw_passage_add_head(struct bw_buf *out, enum bw_passage_kind kind, size_t len);
BW_MUST_USE enum bw_err bw_passage_add_proof(struct bw_buf *out, uint64_t size, const struct bw_proof *proof);
/* SYNTAX, TOO_MANY. */
BW_MUST_USE enum bw_err bw_passage_proof(const struct bw_passage_record *record, struct bw_proof *out);

/*
 * A place as the words of a request, and back: "ENTRY.BYTE.VERIFIED", decimal. SYNTAX, RANGE.
 */
enum { BW_PASSAGE_PLACE_CHARS = 62 };

void bw_passage_place_format(const struct bw_passage_place *place, char out[BW_PASSAGE_PLACE_CHARS + 1]);
BW_MUST_USE enum bw_err bw_passage_place_parse(struct bw_slice text, struct bw_passage_place *out);

#endif
