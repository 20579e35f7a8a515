#include "crypto/treehash.h"

#include "base/test.h"

static void one_hash_is_as_bw_sha256_says_at_every_length(void **state)
{
	uint8_t message[300];
	uint8_t want[BW_SHA256_BYTES];
	uint8_t got[BW_SHA256_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)(i * 7 + 3);
	for (size_t len = 0; len < sizeof(message); len++) {
		message[0] = (uint8_t)len;
		assert_ok(bw_sha256(bw_slice_of(message, len + 1), want));
		bw_treehash_leaf((uint8_t)len, bw_slice_of(message + 1, len), got);
		assert_memory_equal(got, want, sizeof(want));
	}
}

static void a_node_is_as_bw_sha256_says(void **state)
{
	uint8_t message[1 + 2 * BW_SHA256_BYTES] = { 1 };
	uint8_t want[BW_SHA256_BYTES];
	uint8_t got[BW_SHA256_BYTES];

	(void)state;
	bw_random(message + 1, sizeof(message) - 1);
	assert_ok(bw_sha256(bw_slice_of(message, sizeof(message)), want));
	bw_treehash_node(1, message + 1, message + 1 + BW_SHA256_BYTES, got);
	assert_memory_equal(got, want, sizeof(want));
	bw_treehash_node(1, message + 1, message + 1 + BW_SHA256_BYTES, message + 1);
	assert_memory_equal(message + 1, want, sizeof(want));
}

static void many_nodes_are_the_single_ones_also_in_place(void **state)
{
	enum { COUNT = 33 };
	uint8_t pairs[COUNT * 64];
	uint8_t want[COUNT * 32];

	(void)state;
	bw_random(pairs, sizeof(pairs));
	for (size_t i = 0; i < COUNT; i++)
		bw_treehash_node(1, pairs + 64 * i, pairs + 64 * i + 32, want + 32 * i);
	bw_treehash_nodes(1, pairs, COUNT, pairs);
	assert_memory_equal(pairs, want, sizeof(want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_hash_is_as_bw_sha256_says_at_every_length),
		cmocka_unit_test(a_node_is_as_bw_sha256_says),
		cmocka_unit_test(many_nodes_are_the_single_ones_also_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
