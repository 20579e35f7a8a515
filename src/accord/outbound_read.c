/* What a receiver gets, from any byte; what caches may have; single entries and their proofs. */
#include "accord/outbound_inner.h"
#include "tlog/proof.h"

struct bw_slice bw_outbound_checkpoint(const struct bw_outbound *out)
{
	return bw_buf_slice(&out->delivered.note);
}

/* ---- entries ------------------------------------------------------------------------------------- */

/* Appends salt and text. ERASED: its time is over, or its key was destroyed. CORRUPT: it is not what was sealed. */
static enum bw_err add_entry(struct bw_outbound *out, uint64_t index, const struct bw_journal_row *row, int64_t now_us,
			     struct bw_buf *buf, struct bw_why *why)
{
	uint8_t nonce[BW_AEAD_NONCE_BYTES];
	uint8_t with[8 + BW_SHA256_BYTES];
	struct bw_slice sealed;
	struct bw_aead *aead;
	enum bw_err err;

	BW_NEED(row->keep_until_us > now_us && index >= out->erased, ERASED);
	err = bw_outbound_key(out, bw_outbound_day(row->keep_until_us), false, &aead, NULL);
	BW_NEED(err != BW_ERR_NOT_FOUND, ERASED);
	if (err != BW_OK)
		return bw_why_doing(why, err, "open the key of an entry");
	BW_TRY(bw_journal_sealed(out, row, &sealed, why));
	bw_journal_nonce(out, index, nonce);
	bw_journal_with(index, &row->leaf, with);
	BW_TRY(bw_buf_reserve(buf, sealed.len));
	err = bw_aead_open(aead, nonce, bw_slice_of(with, sizeof(with)), sealed, buf->ptr + buf->len);
	if (err == BW_ERR_LOCKED)
		return bw_why_set(why, BW_ERR_CORRUPT, "entry %llu of the journal in '%s' is damaged",
				  (unsigned long long)index, out->folder);
	BW_TRY(err);
	buf->len += sealed.len - BW_AEAD_TAG_BYTES;
	buf->ptr[buf->len] = 0; /* base/bytes.h */
	return BW_OK;
}

enum bw_err bw_outbound_entry(struct bw_outbound *out, uint64_t index, int64_t now_us, struct bw_buf *entry,
			      struct bw_why *why)
{
	struct bw_journal_row row;

	BW_TRY(bw_journal_row(out, index, &row, why));
	return add_entry(out, index, &row, now_us, entry, why);
}

enum bw_err bw_outbound_prove(struct bw_outbound *out, uint64_t index, struct bw_buf *proof)
{
	struct bw_tlog_reader *reader;
	struct bw_proof path;
	struct bw_nodes nodes;

	BW_NEED(index < out->size, RANGE);
	BW_NEED(index < out->delivered.size, AGAIN);
	BW_TRY(bw_outbound_nodes(out, &reader));
	nodes = bw_tlog_reader_nodes(reader);
	BW_TRY(bw_inclusion_make(&nodes, index, out->delivered.size, &path));
	return bw_proof_file_add(proof, bw_slice_empty, index, &path, bw_buf_slice(&out->delivered.note));
}

/* ---- a passage ----------------------------------------------------------------------------------- */

static enum bw_err add_gone(struct bw_buf *passage, uint64_t index, const struct bw_hash *leaf)
{
	BW_TRY(bw_buf_reserve(passage, BW_PASSAGE_HEAD_BYTES + 8 + BW_SHA256_BYTES));
	BW_TRY(bw_passage_add_head(passage, BW_PASSAGE_GONE, 8 + BW_SHA256_BYTES));
	BW_TRY(bw_buf_add_be64(passage, index));
	return bw_buf_add(passage, bw_hash_slice(leaf));
}

static enum bw_err add_whole(struct bw_outbound *out, uint64_t index, const struct bw_journal_row *row, int64_t now_us,
			     struct bw_buf *passage, struct bw_why *why)
{
	const size_t before = passage->len;
	const size_t len = 8 + row->len - BW_AEAD_TAG_BYTES;
	enum bw_err err;

	BW_TRY(bw_buf_reserve(passage, BW_PASSAGE_HEAD_BYTES + len + BW_AEAD_TAG_BYTES));
	BW_TRY(bw_passage_add_head(passage, BW_PASSAGE_ENTRY, len));
	BW_TRY(bw_buf_add_be64(passage, index));
	err = add_entry(out, index, row, now_us, passage, why);
	if (err != BW_OK)
		passage->len = before;
	return err;
}

/* What is left of an entry behind `byte` bytes of its body. RANGE: it has no more. */
static enum bw_err add_rest(struct bw_outbound *out, const struct bw_passage_place *place,
			    const struct bw_journal_row *row, int64_t now_us, struct bw_buf *passage,
			    struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf whole = BW_BUF_INIT(BW_PASSAGE_BODY_MAX + 64);
	struct bw_slice rest;

	BW_TRY(add_whole(out, place->entry, row, now_us, &whole, why));
	rest = bw_slice_from(bw_buf_slice(&whole), BW_PASSAGE_HEAD_BYTES);
	BW_NEED(place->byte < rest.len, RANGE);
	rest = bw_slice_from(rest, (size_t)place->byte);
	BW_TRY(bw_buf_reserve(passage, BW_PASSAGE_HEAD_BYTES + 16 + rest.len));
	BW_TRY(bw_passage_add_head(passage, BW_PASSAGE_REST, 16 + rest.len));
	BW_TRY(bw_buf_add_be64(passage, place->entry));
	BW_TRY(bw_buf_add_be64(passage, place->byte));
	return bw_buf_add(passage, rest);
}

static enum bw_err add_next(struct bw_outbound *out, struct bw_passage_place *place, int64_t now_us,
			    struct bw_buf *passage, struct bw_why *why)
{
	struct bw_journal_row row;
	enum bw_err err;

	BW_TRY(bw_journal_row(out, place->entry, &row, why));
	err = place->byte > 0 ? add_rest(out, place, &row, now_us, passage, why)
			      : add_whole(out, place->entry, &row, now_us, passage, why);
	if (err == BW_ERR_ERASED)
		err = add_gone(passage, place->entry, &row.leaf);
	BW_TRY(err);
	place->entry++;
	place->byte = 0;
	place->chunk_bytes += row.len;
	return BW_OK;
}

static enum bw_err add_proof(struct bw_outbound *out, uint64_t size, struct bw_buf *passage)
{
	struct bw_tlog_reader *reader;
	struct bw_nodes nodes;
	struct bw_proof proof;

	BW_TRY(bw_outbound_nodes(out, &reader));
	nodes = bw_tlog_reader_nodes(reader);
	BW_TRY(bw_consistency_make(&nodes, size, out->delivered.size, &proof));
	return bw_passage_add_proof(passage, size, &proof);
}

static enum bw_err end_chunk(struct bw_outbound *out, struct bw_passage_place *place, struct bw_buf *passage)
{
	BW_TRY(add_proof(out, place->entry, passage));
	place->verified = place->entry;
	place->chunk_bytes = 0;
	return BW_OK;
}

/* The checkpoint that the connection has not seen, and that the log goes on from what the receiver has. */
static enum bw_err add_checkpoint(struct bw_outbound *out, struct bw_passage_place *place, struct bw_buf *passage)
{
	const bool is_first = place->told == 0;

	BW_TRY(bw_passage_add(passage, BW_PASSAGE_CHECKPOINT, bw_buf_slice(&out->delivered.note)));
	if (place->verified > 0)
		BW_TRY(add_proof(out, place->verified, passage));
	place->told = out->delivered.size;
	/* how much of a chunk the receiver holds is not known here: it ends now */
	return is_first && place->entry > place->verified ? end_chunk(out, place, passage) : BW_OK;
}

static bool has_all(const struct bw_outbound *out, const struct bw_passage_place *place)
{
	return place->entry == out->delivered.size && place->verified == place->entry;
}

static enum bw_err read_on(struct bw_outbound *out, struct bw_passage_place *place, int64_t now_us, size_t end,
			   struct bw_buf *passage, struct bw_why *why)
{
	if (place->told != out->delivered.size)
		BW_TRY(add_checkpoint(out, place, passage));
	while (place->entry < out->delivered.size && passage->len < end) {
		BW_TRY(add_next(out, place, now_us, passage, why));
		if (place->entry == out->delivered.size || place->entry - place->verified >= BW_CHUNK_ENTRIES_MAX ||
		    place->chunk_bytes >= BW_CHUNK_BYTES_MAX)
			BW_TRY(end_chunk(out, place, passage));
	}
	return BW_OK;
}

enum bw_err bw_outbound_read(struct bw_outbound *out, struct bw_passage_place *place, int64_t now_us, size_t max,
			     struct bw_buf *passage, struct bw_why *why)
{
	const size_t before = passage->len;
	struct bw_passage_place next = *place;
	enum bw_err err;

	BW_NEED(place->entry <= out->delivered.size && place->verified <= place->entry, RANGE);
	BW_NEED(place->byte == 0 || place->entry < out->delivered.size, RANGE);
	if (has_all(out, place))
		return BW_OK;
	err = read_on(out, &next, now_us, before + max, passage, why);
	if (err == BW_OK)
		*place = next;
	else
		passage->len = before;
	return err;
}

/* ---- caches -------------------------------------------------------------------------------------- */

enum bw_err bw_outbound_public(struct bw_outbound *out, struct bw_slice path, struct bw_buf *bytes, bool *is_tile)
{
	struct bw_tile tile;

	if (bw_slice_is(path, "checkpoint")) {
		BW_NEED(out->delivered.note.len > 0, NOT_FOUND);
		*is_tile = false;
		return bw_buf_add(bytes, bw_buf_slice(&out->delivered.note));
	}
	BW_NEED(bw_tile_parse(path, &tile) == BW_OK && !tile.is_entries, NOT_FOUND);
	BW_NEED(bw_tile_is_public(&tile, out->delivered.size), NOT_FOUND);
	*is_tile = true;
	return out->tiles.get(out->tiles.ctx, &tile, bytes);
}
