/* Checkpoints: asked for, signed, cosigned, delivered. Who might know more is heard first. */
#include "accord/outbound_inner.h"
#include "tlog/witness.h"

enum { MARK_MODE = 0600 };

/* ---- on disk ------------------------------------------------------------------------------------- */

static enum bw_err read_mark(const struct bw_outbound *out, const char *name, struct bw_outbound_mark *mark,
			     struct bw_why *why)
{
	struct bw_checkpoint checkpoint;
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(bw_outbound_path(out, name, path));
	bw_buf_clear(&mark->note);
	err = bw_file_read(path, &mark->note, why);
	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	if (bw_checkpoint_parse(bw_buf_slice(&mark->note), &checkpoint) != BW_OK ||
	    !bw_slice_equals(checkpoint.origin, bw_buf_slice(&out->origin)))
		return bw_why_set(why, BW_ERR_CORRUPT, "'%s' is no checkpoint of this log", path);
	mark->size = checkpoint.size;
	mark->root = checkpoint.root;
	return BW_OK;
}

enum bw_err bw_outbound_marks_open(struct bw_outbound *out, struct bw_why *why)
{
	BW_TRY(read_mark(out, "checkpoint", &out->delivered, why));
	return read_mark(out, "signed", &out->signed_, why);
}

static enum bw_err write_mark(const struct bw_outbound *out, const char *name, struct bw_slice note, struct bw_why *why)
{
	char path[BW_PATH_BYTES];

	BW_TRY(bw_outbound_path(out, name, path));
	return bw_file_write(path, note, MARK_MODE, why);
}

static enum bw_err root_at(struct bw_outbound *out, uint64_t size, struct bw_hash *root)
{
	struct bw_tlog_reader *reader;

	BW_TRY(bw_outbound_nodes(out, &reader));
	return bw_tlog_reader_root_at(reader, size, root);
}

static enum bw_err check_mark(struct bw_outbound *out, const struct bw_outbound_mark *mark, struct bw_why *why)
{
	struct bw_hash root;
	enum bw_err err;

	if (mark->note.len == 0)
		return BW_OK;
	if (mark->size > out->size)
		return bw_why_set(why, BW_ERR_CUT_SHORT, "the log in '%s' has %llu entries and was signed with %llu",
				  out->folder, (unsigned long long)out->size, (unsigned long long)mark->size);
	err = root_at(out, mark->size, &root);
	if (err == BW_OK && !bw_hash_equals(&root, &mark->root))
		err = BW_ERR_EDITED;
	return err == BW_OK ? BW_OK
			    : bw_why_set(why, err, "the log in '%s' is not the one that was signed: %s", out->folder,
					 bw_err_text(err));
}

/* A reader has no tiles of what is not signed yet: for it the log ends there. */
static enum bw_err end_where_signed(struct bw_outbound *out, struct bw_why *why)
{
	const struct bw_outbound_mark *mark = out->signed_.size >= out->delivered.size ? &out->signed_
										       : &out->delivered;

	if (mark->size > out->size)
		return check_mark(out, mark, why);
	out->size = mark->size;
	out->root = mark->root;
	return BW_OK;
}

enum bw_err bw_outbound_marks_check(struct bw_outbound *out, struct bw_why *why)
{
	if (out->is_reader)
		BW_TRY(end_where_signed(out, why));
	BW_TRY(check_mark(out, &out->delivered, why));
	return check_mark(out, &out->signed_, why);
}

/* ---- asking -------------------------------------------------------------------------------------- */

enum bw_err bw_outbound_heard(struct bw_outbound *out, uint64_t size, const struct bw_hash *root)
{
	struct bw_hash ours;
	enum bw_err err = size > out->size ? BW_ERR_ROLLBACK : BW_OK;

	if (err == BW_OK && root != NULL && size > 0) {
		BW_TRY(root_at(out, size, &ours));
		err = bw_hash_equals(&ours, root) ? BW_OK : BW_ERR_SPLIT_VIEW;
	}
	if (err != BW_OK)
		out->is_refused = true;
	out->is_heard = true;
	return err;
}

enum bw_err bw_outbound_ask_from(struct bw_outbound *out, uint64_t old_size, struct bw_outbound_ask *ask)
{
	struct bw_tlog_reader *reader;

	BW_NEED(old_size <= out->size, RANGE);
	BW_NEED(out->is_heard && !out->is_refused, AGAIN);
	BW_TRY(bw_outbound_nodes(out, &reader));
	*ask = (struct bw_outbound_ask){
		.origin = bw_buf_slice(&out->origin), .old_size = old_size, .size = out->size, .root = out->root
	};
	return bw_tlog_reader_consistency(reader, old_size, &ask->proof);
}

enum bw_err bw_outbound_ask(struct bw_outbound *out, struct bw_outbound_ask *ask)
{
	BW_NEED(out->size > out->signed_.size, NOT_FOUND);
	return bw_outbound_ask_from(out, out->signed_.size, ask);
}

/* ---- what comes back ----------------------------------------------------------------------------- */

static enum bw_err check_signed(struct bw_outbound *out, const struct bw_checkpoint *checkpoint)
{
	struct bw_hash root;
	enum bw_err err;

	BW_NEED(bw_slice_equals(checkpoint->origin, bw_buf_slice(&out->origin)), DENIED);
	BW_NEED(checkpoint->size <= out->size && checkpoint->size >= out->signed_.size, RANGE);
	BW_TRY(root_at(out, checkpoint->size, &root));
	BW_NEED(bw_hash_equals(&root, &checkpoint->root), EDITED);
	err = bw_trust_check_all(out->trust, checkpoint, NULL);
	return err == BW_ERR_MISSING ? BW_OK : err; /* witnesses come later */
}

static enum bw_err set_mark(struct bw_outbound_mark *mark, const struct bw_checkpoint *checkpoint, struct bw_slice note)
{
	struct bw_buf copy = BW_BUF_INIT(BW_NOTE_MAX);

	BW_TRY(bw_buf_add(&copy, note));
	mark->size = checkpoint->size;
	mark->root = checkpoint->root;
	bw_buf_release(&mark->note);
	mark->note = copy;
	return BW_OK;
}

enum bw_err bw_outbound_signed(struct bw_outbound *out, struct bw_slice bytes, struct bw_why *why)
{
	struct bw_checkpoint checkpoint;

	BW_TRY(out->broken);
	BW_NEED(!out->is_reader, USAGE);
	BW_TRY(bw_checkpoint_parse(bytes, &checkpoint));
	BW_TRY(check_signed(out, &checkpoint));
	BW_TRY(write_mark(out, "signed", bytes, why));
	return set_mark(&out->signed_, &checkpoint, bytes);
}

enum bw_err bw_outbound_witness_body(struct bw_outbound *out, uint64_t old_size, struct bw_buf *body)
{
	struct bw_tlog_reader *reader;
	struct bw_nodes nodes;
	struct bw_proof proof;

	BW_NEED(out->signed_.note.len > 0, NOT_FOUND);
	BW_NEED(old_size <= out->signed_.size, RANGE);
	BW_TRY(bw_outbound_nodes(out, &reader));
	nodes = bw_tlog_reader_nodes(reader);
	BW_TRY(bw_consistency_make(&nodes, old_size, out->signed_.size, &proof));
	return bw_witness_request_add(body, old_size, &proof, bw_buf_slice(&out->signed_.note));
}

static bool has_line(const struct bw_checkpoint *checkpoint, const struct bw_vkey *vkey)
{
	for (size_t i = 0; i < checkpoint->note.count; i++)
		if (bw_note_signature_is_by(&checkpoint->note.signatures[i], vkey))
			return true;
	return false;
}

/* The lines of witnesses of the policy that are not there yet. NOT_FOUND: none. */
static enum bw_err add_lines(const struct bw_outbound *out, const struct bw_checkpoint *checkpoint,
			     struct bw_slice answer, struct bw_buf *note)
{
	const size_t before = note->len;

	for (size_t i = 0; i < bw_trust_witness_count(out->trust); i++) {
		const struct bw_vkey *vkey = &bw_trust_witness(out->trust, i)->vkey;
		enum bw_err err;

		if (has_line(checkpoint, vkey))
			continue;
		err = bw_witness_answer_take(checkpoint, answer, vkey, 1, note);
		if (err != BW_ERR_NOT_FOUND)
			BW_TRY(err);
	}
	return note->len > before ? BW_OK : BW_ERR_NOT_FOUND;
}

static enum bw_err deliver(struct bw_outbound *out, const struct bw_checkpoint *checkpoint, struct bw_slice note,
			   struct bw_why *why)
{
	const uint64_t old_size = out->delivered.size;

	BW_TRY(write_mark(out, "checkpoint", note, why));
	BW_TRY(set_mark(&out->delivered, checkpoint, note));
	bw_outbound_tiles_prune(out, old_size);
	return BW_OK;
}

enum bw_err bw_outbound_cosigned(struct bw_outbound *out, struct bw_slice answer, bool *is_delivered,
				 struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf note = BW_BUF_INIT(BW_NOTE_MAX);
	struct bw_checkpoint checkpoint;
	enum bw_err err;

	BW_TRY(out->broken);
	BW_NEED(!out->is_reader, USAGE);
	BW_NEED(out->signed_.note.len > 0, NOT_FOUND);
	BW_TRY(bw_checkpoint_parse(bw_buf_slice(&out->signed_.note), &checkpoint));
	BW_TRY(bw_buf_add(&note, bw_buf_slice(&out->signed_.note)));
	BW_TRY(add_lines(out, &checkpoint, answer, &note));
	BW_TRY(bw_checkpoint_parse(bw_buf_slice(&note), &checkpoint));
	err = bw_trust_check_all(out->trust, &checkpoint, NULL);
	if (err != BW_ERR_MISSING)
		BW_TRY(err);
	if (err == BW_OK)
		BW_TRY(deliver(out, &checkpoint, bw_buf_slice(&note), why));
	if (is_delivered != NULL)
		*is_delivered = err == BW_OK;
	return set_mark(&out->signed_, &checkpoint, bw_buf_slice(&note));
}
