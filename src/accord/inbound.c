#include "accord/inbound.h"

#include <stdlib.h>

enum {
	INPUT_MAX = BW_PASSAGE_HEAD_BYTES + 16 + BW_PASSAGE_BODY_MAX + 64 * 1024,
	STEP = 256 * 1024, /* taken from what is fed at once */
};

/* An entry of the chunk that is being collected: where it lies in `bytes`. */
struct held {
	size_t at;
	size_t len; /* 0: it is gone, and `leaf` is all there is */
	struct bw_hash leaf;
};

/* A checkpoint that was signed and cosigned as it has to be. */
struct seen {
	struct bw_buf note; /* empty: none */
	uint64_t size;
	struct bw_hash root;
};

struct bw_inbound {
	struct bw_buf origin;
	const struct bw_trust *trust;
	struct bw_tree tree; /* of all entries of chunks that ended */
	struct seen known;   /* the latest that the log goes on from */
	struct seen current; /* of this connection */
	bool is_continuous;  /* current goes on from known, as was proved */

	struct bw_buf input;   /* a record that is not whole yet */
	struct bw_buf partial; /* what an earlier connection brought of the next entry's body */
	struct bw_buf bytes;
	size_t count;
	struct held held[BW_CHUNK_ENTRIES_MAX];
	struct bw_inbound_entry entries[BW_CHUNK_ENTRIES_MAX];
	struct bw_buf state;
	struct bw_buf reason;
	enum bw_err broken;

	enum bw_err (*take)(void *ctx, const struct bw_inbound_chunk *chunk);
	void *ctx;
};

/* ---- states: "BWI1" | origin block | tree block | checkpoint block -------------------------------- */

static const uint8_t state_magic[4] = "BWI1";

static enum bw_err set_seen(struct seen *seen, struct bw_slice bytes, struct bw_slice origin)
{
	struct bw_checkpoint checkpoint;

	BW_TRY(bw_checkpoint_parse(bytes, &checkpoint));
	BW_NEED(bw_slice_equals(checkpoint.origin, origin), DENIED);
	bw_buf_clear(&seen->note);
	BW_TRY(bw_buf_add(&seen->note, bytes));
	seen->size = checkpoint.size;
	seen->root = checkpoint.root;
	return BW_OK;
}

static enum bw_err read_state(struct bw_inbound *in, struct bw_slice state)
{
	struct bw_cursor c = bw_cursor_over(state);
	struct bw_slice part;

	if (state.len == 0)
		return BW_OK;
	BW_TRY(bw_take(&c, sizeof(state_magic), &part));
	BW_NEED(bw_slice_equals(part, bw_slice_of(state_magic, sizeof(state_magic))), VERSION);
	BW_TRY(bw_take_block(&c, BW_ORIGIN_MAX, &part));
	BW_NEED(bw_slice_equals(part, bw_buf_slice(&in->origin)), CORRUPT);
	BW_TRY(bw_take_block(&c, BW_TREE_PACKED_MAX, &part));
	BW_TRY(bw_tree_unpack(part, &in->tree));
	BW_TRY(bw_take_block(&c, BW_NOTE_MAX, &part));
	BW_TRY(set_seen(&in->known, part, bw_buf_slice(&in->origin)));
	BW_NEED(bw_cursor_left(&c) == 0 && in->known.size >= in->tree.size, CORRUPT);
	return BW_OK;
}

static enum bw_err write_state(struct bw_inbound *in)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf tree = BW_BUF_INIT(BW_TREE_PACKED_MAX);

	BW_TRY(bw_tree_pack(&in->tree, &tree));
	bw_buf_clear(&in->state);
	BW_TRY(bw_buf_add(&in->state, bw_slice_of(state_magic, sizeof(state_magic))));
	BW_TRY(bw_buf_add_block(&in->state, bw_buf_slice(&in->origin)));
	BW_TRY(bw_buf_add_block(&in->state, bw_buf_slice(&tree)));
	return bw_buf_add_block(&in->state, bw_buf_slice(&in->known.note));
}

/* ---- life ---------------------------------------------------------------------------------------- */

enum bw_err bw_inbound_new(struct bw_slice origin, const struct bw_trust *trust, struct bw_slice state,
			   struct bw_inbound **out)
{
	struct bw_inbound *in = calloc(1, sizeof(*in));
	enum bw_err err;

	BW_NEED(in != NULL, MEMORY);
	in->trust = trust;
	in->origin = BW_BUF_INIT(BW_ORIGIN_MAX);
	in->known.note = BW_BUF_INIT(BW_NOTE_MAX);
	in->current.note = BW_BUF_INIT(BW_NOTE_MAX);
	in->known.root = in->current.root = bw_hash_empty();
	in->input = BW_BUF_INIT(INPUT_MAX);
	in->partial = BW_BUF_INIT(BW_PASSAGE_BODY_MAX);
	in->bytes = BW_BUF_INIT((size_t)BW_CHUNK_BYTES_MAX + BW_PASSAGE_BODY_MAX);
	in->state = BW_BUF_INIT(BW_INBOUND_STATE_MAX);
	in->reason = BW_BUF_INIT(BW_PASSAGE_WORDS_MAX);
	err = bw_buf_add(&in->origin, origin);
	if (err == BW_OK)
		err = read_state(in, state);
	if (err != BW_OK) {
		bw_inbound_free(in);
		return err == BW_ERR_MEMORY || err == BW_ERR_VERSION ? err : BW_ERR_CORRUPT;
	}
	*out = in;
	return BW_OK;
}

void bw_inbound_free(struct bw_inbound *in)
{
	if (in == NULL)
		return;
	bw_buf_release(&in->origin);
	bw_buf_release(&in->known.note);
	bw_buf_release(&in->current.note);
	bw_buf_release(&in->input);
	bw_buf_release(&in->partial);
	bw_buf_release(&in->bytes);
	bw_buf_release(&in->state);
	bw_buf_release(&in->reason);
	free(in);
}

void bw_inbound_known(const struct bw_inbound *in, uint64_t *out_size, struct bw_hash *out_root)
{
	*out_size = in->known.size;
	*out_root = in->known.root;
}

struct bw_slice bw_inbound_checkpoint(const struct bw_inbound *in)
{
	return bw_buf_slice(&in->known.note);
}

void bw_inbound_verified(const struct bw_inbound *in, uint64_t *out_size, struct bw_hash *out_root)
{
	*out_size = in->tree.size;
	*out_root = bw_tree_root(&in->tree);
}

void bw_inbound_evidence(const struct bw_inbound *in, struct bw_slice *out_old, struct bw_slice *out_new)
{
	const bool is_there = in->broken == BW_ERR_SPLIT_VIEW || in->broken == BW_ERR_ROLLBACK;

	*out_old = is_there ? bw_buf_slice(&in->known.note) : bw_slice_empty;
	*out_new = is_there ? bw_buf_slice(&in->current.note) : bw_slice_empty;
}

struct bw_slice bw_inbound_reason(const struct bw_inbound *in)
{
	return bw_buf_slice(&in->reason);
}

/* ---- checkpoints --------------------------------------------------------------------------------- */

static void accept(struct bw_inbound *in)
{
	struct bw_buf old = in->known.note;

	in->known.note = in->current.note;
	in->known.size = in->current.size;
	in->known.root = in->current.root;
	in->current.note = old;
	bw_buf_clear(&in->current.note);
	in->is_continuous = true;
}

/* What this connection is about from now on: known where it was accepted, else current. */
static const struct seen *head(const struct bw_inbound *in)
{
	return in->is_continuous ? &in->known : &in->current;
}

static enum bw_err on_checkpoint(struct bw_inbound *in, const struct bw_passage_record *record)
{
	struct bw_checkpoint checkpoint;

	BW_TRY(bw_checkpoint_parse(record->body, &checkpoint));
	BW_NEED(bw_slice_equals(checkpoint.origin, bw_buf_slice(&in->origin)), DENIED);
	BW_TRY(bw_trust_check_all(in->trust, &checkpoint, NULL));
	BW_TRY(set_seen(&in->current, record->body, bw_buf_slice(&in->origin)));
	in->is_continuous = false;
	BW_NEED(in->current.size >= in->known.size, ROLLBACK);
	if (in->current.size == in->known.size)
		BW_NEED(bw_hash_equals(&in->current.root, &in->known.root), SPLIT_VIEW);
	if (in->tree.size == 0)
		accept(in); /* every log goes on from nothing */
	return BW_OK;
}

static enum bw_err on_continuity(struct bw_inbound *in, const struct bw_proof *proof)
{
	const struct bw_hash root = bw_tree_root(&in->tree);
	const enum bw_err err = bw_checkpoint_follows(in->tree.size, &root, in->current.size, &in->current.root, proof);

	/* made by somebody who has the log, a proof that shows nothing means that there is none (tlog/checkpoint.h) */
	BW_NEED(err != BW_ERR_PROOF, SPLIT_VIEW);
	BW_TRY(err);
	accept(in);
	return BW_OK;
}

/* ---- entries ------------------------------------------------------------------------------------- */

static enum bw_err need_place(const struct bw_inbound *in, uint64_t index)
{
	BW_NEED(in->is_continuous && in->known.note.len > 0, PROTOCOL);
	BW_NEED(index == in->tree.size + in->count && index < in->known.size, PROTOCOL);
	BW_NEED(in->count < BW_CHUNK_ENTRIES_MAX, TOO_MANY);
	BW_NEED(in->bytes.len < BW_CHUNK_BYTES_MAX, TOO_BIG);
	return BW_OK;
}

static enum bw_err hold(struct bw_inbound *in, struct bw_slice entry)
{
	struct held *held = &in->held[in->count];

	*held = (struct held){ in->bytes.len, entry.len, bw_hash_leaf(entry) };
	BW_TRY(bw_buf_add(&in->bytes, entry));
	bw_buf_clear(&in->partial);
	in->count++;
	return BW_OK;
}

static enum bw_err on_gone(struct bw_inbound *in, const struct bw_passage_record *record)
{
	struct held *held = &in->held[in->count];

	*held = (struct held){ .at = in->bytes.len };
	memcpy(held->leaf.bytes, record->rest.ptr, sizeof(held->leaf.bytes));
	bw_buf_clear(&in->partial);
	in->count++;
	return BW_OK;
}

/* The end of an entry whose beginning an earlier connection brought. */
static enum bw_err on_rest(struct bw_inbound *in, const struct bw_passage_record *record)
{
	struct bw_slice body;

	BW_NEED(record->offset == in->partial.len && in->partial.len >= 8, PROTOCOL);
	BW_TRY(bw_buf_add(&in->partial, record->rest));
	body = bw_buf_slice(&in->partial);
	BW_NEED(body.len > BW_PASSAGE_ENTRY_FRAME, PROTOCOL);
	return hold(in, bw_slice_from(body, 8));
}

/* ---- chunks -------------------------------------------------------------------------------------- */

static enum bw_err give(struct bw_inbound *in, uint64_t from)
{
	const struct bw_slice bytes = bw_buf_slice(&in->bytes);

	for (size_t i = 0; i < in->count; i++) {
		const struct held *held = &in->held[i];
		const struct bw_slice entry = bw_slice_sub(bytes, held->at, held->len);

		in->entries[i] = (struct bw_inbound_entry){
			.index = from + i,
			.is_gone = held->len == 0,
			.leaf = held->leaf,
			.entry = entry,
			.text = bw_slice_from(entry, BW_CROSSING_SALT_BYTES),
		};
	}
	return in->take(in->ctx, &(struct bw_inbound_chunk){
					 .from = from,
					 .count = in->count,
					 .entries = in->entries,
					 .checkpoint = bw_buf_slice(&in->known.note),
					 .state = bw_buf_slice(&in->state),
				 });
}

static enum bw_err on_chunk_end(struct bw_inbound *in, const struct bw_proof *proof)
{
	const uint64_t from = in->tree.size;
	struct bw_tree tree = in->tree;
	struct bw_hash root;

	for (size_t i = 0; i < in->count; i++)
		BW_TRY(bw_tree_add(&tree, 0, &in->held[i].leaf));
	root = bw_tree_root(&tree);
	BW_NEED(bw_checkpoint_follows(tree.size, &root, in->known.size, &in->known.root, proof) == BW_OK, EDITED);
	in->tree = tree;
	BW_TRY(write_state(in));
	BW_TRY(give(in, from));
	in->count = 0;
	bw_buf_clear(&in->bytes);
	return BW_OK;
}

static enum bw_err on_proof(struct bw_inbound *in, const struct bw_passage_record *record)
{
	struct bw_proof proof;

	BW_TRY(bw_passage_proof(record, &proof));
	BW_NEED(head(in)->note.len > 0, PROTOCOL);
	if (!in->is_continuous) {
		BW_NEED(record->number == in->tree.size, PROTOCOL);
		return on_continuity(in, &proof);
	}
	BW_NEED(record->number == in->tree.size + in->count && in->count > 0, PROTOCOL);
	return on_chunk_end(in, &proof);
}

static enum bw_err on_end(struct bw_inbound *in, const struct bw_passage_record *record)
{
	if (record->body.len > 0) {
		BW_TRY(bw_buf_add(&in->reason, record->body));
		return BW_ERR_CLOSED;
	}
	BW_NEED(head(in)->note.len == 0 || in->tree.size == head(in)->size, CUT_SHORT);
	return BW_OK;
}

/* ---- bytes --------------------------------------------------------------------------------------- */

static enum bw_err on_record(struct bw_inbound *in, const struct bw_passage_record *record)
{
	switch (record->kind) {
	case BW_PASSAGE_CHECKPOINT:
		return on_checkpoint(in, record);
	case BW_PASSAGE_PROOF:
		return on_proof(in, record);
	case BW_PASSAGE_END:
		return on_end(in, record);
	case BW_PASSAGE_ENTRY:
		BW_TRY(need_place(in, record->number));
		return hold(in, record->rest);
	case BW_PASSAGE_GONE:
		BW_TRY(need_place(in, record->number));
		return on_gone(in, record);
	case BW_PASSAGE_REST:
		BW_TRY(need_place(in, record->number));
		return on_rest(in, record);
	}
	return BW_ERR_TYPE;
}

/* All records that are whole. */
static enum bw_err drain(struct bw_inbound *in)
{
	struct bw_cursor c = bw_cursor_over(bw_buf_slice(&in->input));
	struct bw_passage_record record;
	enum bw_err err;

	while ((err = bw_passage_take(&c, &record)) == BW_OK)
		BW_TRY(on_record(in, &record));
	bw_buf_eat(&in->input, c.at);
	return err == BW_ERR_TRUNCATED ? BW_OK : err;
}

static enum bw_err feed(struct bw_inbound *in, struct bw_slice bytes)
{
	while (bytes.len > 0) {
		const size_t room = in->input.max - in->input.len;
		const size_t step = bytes.len < STEP ? bytes.len : STEP;

		BW_NEED(step <= room, TOO_BIG);
		BW_TRY(bw_buf_add(&in->input, bw_slice_sub(bytes, 0, step)));
		BW_TRY(drain(in));
		bytes = bw_slice_from(bytes, step);
	}
	return BW_OK;
}

enum bw_err bw_inbound_feed(struct bw_inbound *in, struct bw_slice bytes,
			    enum bw_err (*take)(void *ctx, const struct bw_inbound_chunk *chunk), void *ctx)
{
	BW_TRY(in->broken);
	in->take = take;
	in->ctx = ctx;
	in->broken = feed(in, bytes);
	return in->broken;
}

/* ---- connections --------------------------------------------------------------------------------- */

/* What came of an entry's body when the connection ended; nothing else that was cut off is worth keeping. */
static enum bw_err keep_partial(struct bw_inbound *in)
{
	struct bw_slice input = bw_buf_slice(&in->input);
	struct bw_cursor c = bw_cursor_over(bw_slice_from(input, BW_PASSAGE_HEAD_BYTES));
	uint64_t index;
	uint64_t offset;

	if (input.len <= BW_PASSAGE_HEAD_BYTES || bw_take_be64(&c, &index) != BW_OK)
		return BW_OK;
	if (need_place(in, index) != BW_OK)
		return BW_OK;
	if (input.ptr[0] == BW_PASSAGE_ENTRY) {
		bw_buf_clear(&in->partial);
		return bw_buf_add(&in->partial, bw_slice_from(input, BW_PASSAGE_HEAD_BYTES));
	}
	if (input.ptr[0] == BW_PASSAGE_REST && bw_take_be64(&c, &offset) == BW_OK && offset == in->partial.len)
		return bw_buf_add(&in->partial, bw_slice_from(input, BW_PASSAGE_HEAD_BYTES + 16));
	return BW_OK;
}

enum bw_err bw_inbound_connect(struct bw_inbound *in, struct bw_passage_place *out)
{
	BW_TRY(in->broken);
	BW_TRY(keep_partial(in));
	bw_buf_clear(&in->input);
	bw_buf_clear(&in->current.note);
	in->is_continuous = false;
	*out = (struct bw_passage_place){
		.entry = in->tree.size + in->count,
		.byte = in->partial.len,
		.verified = in->tree.size,
	};
	return BW_OK;
}
