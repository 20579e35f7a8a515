/*
 * Public keys of a node, then a statement that others follow them, as a stranger may
 * send both. Keys and signatures that are read are written as the same bytes; a statement
 * that holds does not hold with one bit changed, cut, or for other keys.
 */
#include <stdlib.h>

#include "crypto/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void check_signature(struct bw_slice in)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_NODE_SIGNATURE_BYTES);
	struct bw_cursor c = bw_cursor_over(in);
	struct bw_node_signature signature;

	if (bw_node_signature_take(&c, &signature) != BW_OK) {
		check(c.at == 0);
		return;
	}
	check(c.at == BW_NODE_SIGNATURE_BYTES && bw_node_signature_add(&again, &signature) == BW_OK);
	check(bw_slice_equals(bw_buf_slice(&again), bw_slice_sub(in, 0, c.at)));
}

static void check_that_it_holds_alone(struct bw_slice statement, const struct bw_node_public *old,
				      const struct bw_node_rotation *first)
{
	struct bw_node_rotation rotation;
	uint8_t *other = malloc(statement.len);
	const size_t at = (size_t)(first->time_us % (int64_t)statement.len); /* somewhere, the same for the same one */

	check(other != NULL && first->time_us >= 0);
	memcpy(other, statement.ptr, statement.len);
	other[at] ^= 1;
	check(bw_node_rotation_check(bw_slice_of(other, statement.len), old, &rotation) != BW_OK);
	free(other);
	check(bw_node_rotation_check(bw_slice_sub(statement, 0, statement.len - 1), old, &rotation) != BW_OK);
	check(bw_node_rotation_check(statement, &first->now, &rotation) != BW_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_NODE_PUBLIC_BYTES);
	struct bw_cursor c = bw_cursor_over(bw_slice_of(data, size));
	struct bw_node_rotation rotation;
	struct bw_node_public old;
	struct bw_slice statement;

	check_signature(bw_slice_of(data, size));
	if (bw_node_public_take(&c, &old) != BW_OK) {
		check(c.at == 0);
		return 0;
	}
	check(bw_node_public_add(&again, &old) == BW_OK);
	check(bw_slice_equals(bw_buf_slice(&again), bw_slice_of(data, BW_NODE_PUBLIC_BYTES)));
	statement = bw_slice_from(bw_slice_of(data, size), BW_NODE_PUBLIC_BYTES);
	if (bw_node_rotation_check(statement, &old, &rotation) == BW_OK)
		check_that_it_holds_alone(statement, &old, &rotation);
	return 0;
}
