/*
 * The note of a line that claims to be a seal of the audit log. Properties: only the
 * node's own signature over exactly this place of the chain seals it; the
 * words that are signed say the place and nothing else.
 */
#include <stdlib.h>

#include "codec/base64.h"
#include "serve/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

/* The input begins with the node's public keys, as in the seeds; the note is the rest. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t hash[BW_SHA256_BYTES] = { 7 };
	struct bw_cursor c = bw_cursor_over(bw_slice_of(data, size));
	struct bw_slice note = bw_slice_from(bw_slice_of(data, size), BW_NODE_PUBLIC_BYTES);
	struct bw_node_public node;
	uint8_t other[BW_SHA256_BYTES] = { 8 };
	enum bw_err err;

	if (bw_node_public_take(&c, &node) != BW_OK)
		return 0;
	err = bw_seal_check(&node, 1, hash, note);
	check(err == BW_OK || err == BW_ERR_SIGNATURE || err == BW_ERR_SYNTAX || err == BW_ERR_TRUNCATED ||
	      err == BW_ERR_TOO_BIG);
	if (err != BW_OK)
		return 0;
	check(bw_seal_check(&node, 2, hash, note) == BW_ERR_SIGNATURE);
	check(bw_seal_check(&node, 1, other, note) == BW_ERR_SIGNATURE);
	check(bw_seal_check(&node, 1, hash, bw_slice_sub(note, 0, note.len - 4)) != BW_OK);
	return 0;
}
