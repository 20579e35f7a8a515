#include "tlog/proof.h"

#include "codec/base64.h"

static const char version[] = "c2sp.org/tlog-proof@v1";

enum bw_err bw_proof_file_add(struct bw_buf *out, struct bw_slice extra, uint64_t index, const struct bw_proof *proof,
			      struct bw_slice checkpoint)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf file = BW_BUF_INIT(BW_PROOF_FILE_MAX);

	BW_NEED(index < BW_TREE_SIZE_MAX, RANGE);
	BW_NEED(extra.len <= BW_PROOF_EXTRA_MAX, TOO_BIG);
	BW_TRY(bw_buf_addf(&file, "%s\n", version));
	if (extra.len > 0) {
		BW_TRY(bw_buf_add_text(&file, "extra "));
		BW_TRY(bw_base64_add(&file, extra));
		BW_TRY(bw_buf_add_u8(&file, '\n'));
	}
	BW_TRY(bw_buf_addf(&file, "index %llu\n", (unsigned long long)index));
	for (size_t i = 0; i < proof->count; i++)
		BW_TRY(bw_hash_add_line(&file, &proof->hashes[i]));
	BW_TRY(bw_buf_add_u8(&file, '\n'));
	BW_TRY(bw_buf_add(&file, checkpoint));
	return bw_buf_add(out, bw_buf_slice(&file));
}

static enum bw_err take_extra(struct bw_slice *rest, struct bw_proof_file *out)
{
	struct bw_slice line;
	struct bw_slice after;
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_PROOF_EXTRA_MAX);

	out->extra = bw_slice_empty;
	BW_NEED(bw_slice_cut(*rest, '\n', &line, &after), SYNTAX);
	if (!bw_slice_starts(line, BW_LIT("extra ")))
		return BW_OK;
	out->extra = bw_slice_from(line, 6);
	BW_NEED(out->extra.len > 0, SYNTAX);
	BW_TRY(bw_proof_file_extra(out, &bytes));
	*rest = after;
	return BW_OK;
}

enum bw_err bw_proof_file_parse(struct bw_slice file, struct bw_proof_file *out)
{
	struct bw_slice rest = file;
	struct bw_slice line;

	BW_NEED(file.len <= BW_PROOF_FILE_MAX, TOO_BIG);
	BW_NEED(bw_slice_cut(rest, '\n', &line, &rest) && bw_slice_is(line, version), VERSION);
	BW_TRY(take_extra(&rest, out));
	BW_NEED(bw_slice_cut(rest, '\n', &line, &rest) && bw_slice_starts(line, BW_LIT("index ")), SYNTAX);
	BW_TRY(bw_size_parse(bw_slice_from(line, 6), &out->index));
	BW_TRY(bw_proof_parse(rest, BW_PROOF_HASHES_MAX, &out->proof, &rest));
	out->checkpoint_bytes = rest;
	return bw_checkpoint_parse(rest, &out->checkpoint);
}

enum bw_err bw_proof_file_extra(const struct bw_proof_file *file, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_PROOF_EXTRA_MAX + 2); /* room for padding */

	BW_NEED(file->extra.len / 4 * 3 <= bytes.max, TOO_BIG);
	BW_TRY(bw_buf_reserve(&bytes, bytes.max));
	BW_TRY(bw_base64_decode(file->extra, bytes.ptr, bytes.max, &bytes.len));
	BW_NEED(bytes.len <= BW_PROOF_EXTRA_MAX, TOO_BIG);
	return bw_buf_add(out, bw_buf_slice(&bytes));
}

enum bw_err bw_proof_file_verify(const struct bw_proof_file *file, const struct bw_hash *leaf,
				 const struct bw_trust *policy, const struct bw_vkey *log,
				 struct bw_trust_result *result)
{
	BW_TRY(bw_trust_check(policy, log, &file->checkpoint, result));
	return bw_inclusion_verify(file->index, file->checkpoint.size, leaf, &file->checkpoint.root, &file->proof);
}
