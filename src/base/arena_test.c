#include "base/arena.h"

#include "base/test.h"

static void what_an_arena_gives_is_aligned_and_does_not_overlap(void **state)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	uint8_t *last = NULL;

	(void)state;
	for (size_t bytes = 1; bytes < 600; bytes++) {
		uint8_t *taken = bw_arena_take(&arena, bytes);

		assert_non_null(taken);
		assert_int_equal((uintptr_t)taken % 16, 0);
		if (last != NULL)
			assert_int_equal(last[0], (uint8_t)(bytes - 1));
		memset(taken, (int)(uint8_t)bytes, bytes);
		last = taken;
	}
}

static void the_budget_is_the_most_ever_given(void **state)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(64);

	(void)state;
	assert_non_null(bw_arena_take(&arena, 48));
	assert_null(bw_arena_take(&arena, 17));
	assert_non_null(bw_arena_take(&arena, 16));
	assert_null(bw_arena_take(&arena, 1));
	bw_arena_reset(&arena);
	assert_non_null(bw_arena_take(&arena, 64));
}

static void sizes_that_overflow_are_refused(void **state)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(SIZE_MAX);

	(void)state;
	assert_null(bw_arena_take(&arena, SIZE_MAX));
	assert_null(bw_arena_zero(&arena, SIZE_MAX / 2, 3));
}

static void copies_end_with_a_nul_and_zeroed_memory_is_zero_after_a_reset(void **state)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct bw_slice copy;
	const uint8_t *zeroed;

	(void)state;
	assert_ok(bw_arena_copy(&arena, BW_LIT("hello"), &copy));
	assert_string_equal((const char *)copy.ptr, "hello");
	assert_ok(bw_arena_copy(&arena, bw_slice_empty, &copy));
	assert_int_equal(copy.len, 0);
	memset(bw_arena_take(&arena, 200000), 0xaa, 200000); /* a chunk of its own */
	bw_arena_reset(&arena);
	assert_int_equal(arena.used, 0);
	zeroed = bw_arena_zero(&arena, 10, 10);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(zeroed[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_an_arena_gives_is_aligned_and_does_not_overlap),
		cmocka_unit_test(the_budget_is_the_most_ever_given),
		cmocka_unit_test(sizes_that_overflow_are_refused),
		cmocka_unit_test(copies_end_with_a_nul_and_zeroed_memory_is_zero_after_a_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
