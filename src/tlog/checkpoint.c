#include "tlog/checkpoint.h"

#include "base/num.h"
#include "base/text.h"
#include "codec/base64.h"

enum { HASH_CHARS = 44 };

enum bw_err bw_size_parse(struct bw_slice text, uint64_t *out)
{
	uint64_t size;
	enum bw_err err;

	BW_NEED(text.len == 1 || (text.len > 1 && text.ptr[0] != '0'), SYNTAX);
	err = bw_parse_u64(text, &size);
	BW_NEED(err != BW_ERR_OVERFLOW, RANGE);
	BW_TRY(err);
	BW_NEED(size <= BW_TREE_SIZE_MAX, RANGE);
	*out = size;
	return BW_OK;
}

enum bw_err bw_hash_parse(struct bw_slice text, struct bw_hash *out)
{
	uint8_t bytes[HASH_CHARS / 4 * 3];
	size_t len;

	BW_NEED(text.len == HASH_CHARS, SYNTAX);
	BW_TRY(bw_base64_decode(text, bytes, sizeof(bytes), &len));
	BW_NEED(len == sizeof(out->bytes), SYNTAX);
	memcpy(out->bytes, bytes, len);
	return BW_OK;
}

enum bw_err bw_hash_add_line(struct bw_buf *out, const struct bw_hash *hash)
{
	BW_TRY(bw_buf_reserve(out, HASH_CHARS + 1)); /* all or nothing */
	BW_TRY(bw_base64_add(out, bw_hash_slice(hash)));
	return bw_buf_add_u8(out, '\n');
}

enum bw_err bw_proof_parse(struct bw_slice lines, size_t max, struct bw_proof *out, struct bw_slice *rest)
{
	struct bw_slice left = lines;
	struct bw_slice line;

	out->count = 0;
	for (;;) {
		BW_NEED(bw_slice_cut(left, '\n', &line, &left), SYNTAX);
		if (line.len == 0)
			break;
		BW_NEED(out->count < max && out->count < BW_PROOF_HASHES_MAX, TOO_MANY);
		BW_TRY(bw_hash_parse(line, &out->hashes[out->count]));
		out->count++;
	}
	*rest = left;
	return BW_OK;
}

static bool is_origin(struct bw_slice origin)
{
	if (origin.len == 0 || origin.len > BW_ORIGIN_MAX || !bw_utf8_is_valid(origin, NULL))
		return false;
	for (size_t i = 0; i < origin.len; i++)
		if (origin.ptr[i] < 0x20)
			return false;
	return true;
}

enum bw_err bw_checkpoint_add_text(struct bw_buf *out, struct bw_slice origin, uint64_t size,
				   const struct bw_hash *root)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(1024);

	BW_NEED(is_origin(origin), SYNTAX);
	BW_NEED(size <= BW_TREE_SIZE_MAX, RANGE);
	BW_TRY(bw_buf_addf(&text, "%.*s\n%llu\n", BW_ARG(origin), (unsigned long long)size));
	BW_TRY(bw_hash_add_line(&text, root));
	return bw_buf_add(out, bw_buf_slice(&text));
}

static enum bw_err parse_text(struct bw_checkpoint *checkpoint)
{
	struct bw_slice rest = checkpoint->note.text;
	struct bw_slice line;

	BW_NEED(bw_slice_cut(rest, '\n', &checkpoint->origin, &rest), SYNTAX);
	BW_NEED(is_origin(checkpoint->origin), SYNTAX);
	BW_NEED(bw_slice_cut(rest, '\n', &line, &rest), SYNTAX);
	BW_TRY(bw_size_parse(line, &checkpoint->size));
	BW_NEED(bw_slice_cut(rest, '\n', &line, &rest), SYNTAX);
	BW_TRY(bw_hash_parse(line, &checkpoint->root));
	checkpoint->extensions = rest;
	while (bw_slice_cut(rest, '\n', &line, &rest))
		BW_NEED(line.len > 0, SYNTAX);
	return BW_OK;
}

enum bw_err bw_checkpoint_parse(struct bw_slice bytes, struct bw_checkpoint *out)
{
	BW_TRY(bw_note_parse(bytes, &out->note));
	return parse_text(out);
}

enum bw_err bw_checkpoint_follows(uint64_t old_size, const struct bw_hash *old_root, uint64_t size,
				  const struct bw_hash *root, const struct bw_proof *proof)
{
	BW_NEED(size >= old_size, ROLLBACK);
	if (size == old_size)
		BW_NEED(bw_hash_equals(root, old_root), SPLIT_VIEW);
	if (size == old_size || old_size == 0)
		return proof->count == 0 ? BW_OK : BW_ERR_PROOF;
	return bw_consistency_verify(old_size, old_root, size, root, proof);
}
