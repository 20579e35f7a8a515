#include "tlog/witness.h"

/* ---- requests ----------------------------------------------------------------------------------------- */

enum bw_err bw_witness_request_add(struct bw_buf *out, uint64_t old_size, const struct bw_proof *proof,
				   struct bw_slice checkpoint)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_WITNESS_BODY_MAX);

	BW_NEED(old_size <= BW_TREE_SIZE_MAX, RANGE);
	BW_NEED(proof->count <= BW_WITNESS_PROOF_MAX, TOO_MANY);
	BW_TRY(bw_buf_addf(&body, "old %llu\n", (unsigned long long)old_size));
	for (size_t i = 0; i < proof->count; i++)
		BW_TRY(bw_hash_add_line(&body, &proof->hashes[i]));
	BW_TRY(bw_buf_add_u8(&body, '\n'));
	BW_TRY(bw_buf_add(&body, checkpoint));
	return bw_buf_add(out, bw_buf_slice(&body));
}

enum bw_err bw_witness_request_parse(struct bw_slice body, struct bw_witness_request *out)
{
	struct bw_slice rest = body;
	struct bw_slice line;
	struct bw_slice word;
	struct bw_slice size;

	BW_NEED(body.len <= BW_WITNESS_BODY_MAX, TOO_BIG);
	BW_NEED(bw_slice_cut(rest, '\n', &line, &rest), SYNTAX);
	BW_NEED(bw_slice_cut(line, ' ', &word, &size) && bw_slice_is(word, "old"), SYNTAX);
	BW_TRY(bw_size_parse(size, &out->old_size));
	BW_TRY(bw_proof_parse(rest, BW_WITNESS_PROOF_MAX, &out->proof, &rest));
	out->checkpoint_bytes = rest;
	return bw_checkpoint_parse(rest, &out->checkpoint);
}

/* ---- the rule ------------------------------------------------------------------------------------------ */

static bool is_signed(const struct bw_witness_log *log, const struct bw_checkpoint *checkpoint)
{
	bool is = false;
	uint64_t time;

	for (size_t i = 0; i < log->key_count; i++) {
		const enum bw_err err = bw_checkpoint_verify(checkpoint, &log->keys[i], &time);

		if (err != BW_OK && err != BW_ERR_NOT_FOUND)
			return false;
		is |= err == BW_OK;
	}
	return is;
}

static struct bw_witness_verdict judge(const struct bw_witness_log *log, const struct bw_witness_request *request)
{
	const struct bw_checkpoint *checkpoint = &request->checkpoint;
	enum bw_err why;

	if (log == NULL)
		return (struct bw_witness_verdict){ 404, BW_ERR_NOT_FOUND, false, 0 };
	if (!is_signed(log, checkpoint))
		return (struct bw_witness_verdict){ 403, BW_ERR_SIGNATURE, false, 0 };
	if (request->old_size > checkpoint->size)
		return (struct bw_witness_verdict){ 400, BW_ERR_ROLLBACK, false, 0 };
	if (request->old_size != log->size)
		return (struct bw_witness_verdict){ 409, BW_ERR_CONFLICT, true, log->size };
	why = bw_checkpoint_follows(log->size, &log->root, checkpoint->size, &checkpoint->root, &request->proof);
	if (why == BW_ERR_SPLIT_VIEW)
		return (struct bw_witness_verdict){ 409, why, false, 0 };
	return (struct bw_witness_verdict){ why == BW_OK ? 200 : 422, why, false, 0 };
}

void bw_witness_judge(const struct bw_witness_log *log, const struct bw_witness_request *request,
		      struct bw_witness_verdict *out)
{
	*out = judge(log, request);
}

enum bw_err bw_witness_size_add(struct bw_buf *out, uint64_t size)
{
	return bw_buf_addf(out, "%llu\n", (unsigned long long)size);
}

enum bw_err bw_witness_size_parse(struct bw_slice body, uint64_t *out)
{
	BW_NEED(body.len > 1 && body.ptr[body.len - 1] == '\n', SYNTAX);
	return bw_size_parse(bw_slice_sub(body, 0, body.len - 1), out);
}

/* ---- answers -------------------------------------------------------------------------------------------- */

static enum bw_err take_lines(const struct bw_checkpoint *checkpoint, const struct bw_note *note,
			      const struct bw_vkey *vkey, struct bw_checkpoint *one, struct bw_buf *out)
{
	uint64_t time;

	for (size_t i = 0; i < note->count; i++) {
		uint8_t bytes[BW_NOTE_SIGNATURE_MAX];

		if (!bw_note_signature_is_by(&note->signatures[i], vkey))
			continue;
		*one = *checkpoint;
		one->note.count = 1;
		one->note.signatures[0] = note->signatures[i];
		BW_TRY(bw_checkpoint_verify(one, vkey, &time));
		BW_TRY(bw_note_add_signature(out, vkey, bw_note_signature_bytes(&note->signatures[i], bytes)));
	}
	return BW_OK;
}

enum bw_err bw_witness_answer_take(const struct bw_checkpoint *checkpoint, struct bw_slice answer,
				   const struct bw_vkey *keys, size_t key_count, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf lines = BW_BUF_INIT(BW_NOTE_MAX);
	struct bw_checkpoint one;
	struct bw_note note;

	BW_TRY(bw_note_parse_signatures(answer, &note));
	for (size_t i = 0; i < key_count; i++)
		BW_TRY(take_lines(checkpoint, &note, &keys[i], &one, &lines));
	BW_NEED(lines.len > 0, NOT_FOUND);
	return bw_buf_add(out, bw_buf_slice(&lines));
}
