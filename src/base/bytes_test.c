#include "base/bytes.h"

#include "base/test.h"

static void an_empty_slice_still_points_at_a_byte(void **state)
{
	(void)state;
	assert_non_null(bw_slice_empty.ptr);
	assert_non_null(bw_slice_of(NULL, 0).ptr);
	assert_non_null(bw_slice_text("").ptr);
	assert_non_null(bw_slice_from(BW_LIT("abc"), 9).ptr);
}

static void parts_of_a_slice_are_clamped(void **state)
{
	const struct bw_slice whole = BW_LIT("breakwater");

	(void)state;
	assert_slice(bw_slice_sub(whole, 5, 99), "water");
	assert_slice(bw_slice_sub(whole, 0, 5), "break");
	assert_slice(bw_slice_from(whole, 99), "");
	assert_slice(bw_slice_sub(whole, SIZE_MAX, SIZE_MAX), "");
}

static void comparison_is_by_bytes_and_shorter_comes_first(void **state)
{
	(void)state;
	assert_true(bw_slice_compare(BW_LIT("ab"), BW_LIT("abc")) < 0);
	assert_true(bw_slice_compare(BW_LIT("\xff"), BW_LIT("a")) > 0);
	assert_int_equal(bw_slice_compare(BW_LIT("same"), BW_LIT("same")), 0);
	assert_true(bw_slice_is_nocase(BW_LIT("Content-TYPE"), "content-type"));
	assert_false(bw_slice_is_nocase(BW_LIT("@"), "`"));
	assert_true(bw_slice_starts(BW_LIT("abc"), BW_LIT("")));
	assert_false(bw_slice_starts(BW_LIT("ab"), BW_LIT("abc")));
}

static void a_cut_takes_the_first_mark_only(void **state)
{
	struct bw_slice head;
	struct bw_slice tail;

	(void)state;
	assert_true(bw_slice_cut(BW_LIT("a=b=c"), '=', &head, &tail));
	assert_slice(head, "a");
	assert_slice(tail, "b=c");
	assert_true(bw_slice_cut(BW_LIT("="), '=', &head, &tail));
	assert_slice(head, "");
	assert_slice(tail, "");
	assert_false(bw_slice_cut(BW_LIT("abc"), '=', &head, &tail));
	assert_slice(bw_slice_trim(BW_LIT(" \t a b\t ")), "a b");
	assert_slice(bw_slice_trim(BW_LIT(" \t ")), "");
}

static void a_buf_grows_to_its_maximum_and_not_one_byte_further(void **state)
{
	for (size_t max = 0; max < 300; max++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(max);

		(void)state;
		for (size_t i = 0; i < max; i++)
			assert_ok(bw_buf_add_u8(&buf, (uint8_t)i));
		assert_int_equal(bw_buf_add_u8(&buf, 0), BW_ERR_TOO_BIG);
		assert_int_equal(buf.len, max);
		for (size_t i = 0; i < max; i++)
			assert_int_equal(buf.ptr[i], (uint8_t)i);
	}
}

static void a_buf_ends_with_a_nul_that_does_not_count(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(100);

	(void)state;
	assert_string_equal(bw_buf_text(&buf), "");
	assert_ok(bw_buf_addf(&buf, "%s-%d", "a", 1));
	assert_ok(bw_buf_add_text(&buf, "z"));
	assert_string_equal(bw_buf_text(&buf), "a-1z");
	bw_buf_eat(&buf, 2);
	assert_string_equal(bw_buf_text(&buf), "1z");
	assert_int_equal(bw_buf_addf(&buf, "%200d", 1), BW_ERR_TOO_BIG);
	assert_string_equal(bw_buf_text(&buf), "1z");
	bw_buf_eat(&buf, 0);
	bw_buf_eat(&buf, 2);
	assert_string_equal(bw_buf_text(&buf), "");
}

static void integers_go_out_with_the_big_end_first(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(100);
	const struct bw_slice want = SLICE(1, 2, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8);

	(void)state;
	assert_ok(bw_buf_add_be16(&buf, 0x0102));
	assert_ok(bw_buf_add_be32(&buf, 0x01020304));
	assert_ok(bw_buf_add_be64(&buf, 0x0102030405060708));
	assert_true(bw_slice_equals(bw_buf_slice(&buf), want));
}

static void a_moved_buf_is_empty_and_keeps_its_limit(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf from = BW_BUF_INIT(8);
	BW_CLEANUP(bw_buf_wipe) struct bw_buf to = BW_BUF_INIT(0);

	(void)state;
	assert_ok(bw_buf_add_text(&from, "secret"));
	to = bw_buf_move(&from);
	assert_null(from.ptr);
	assert_int_equal(from.max, 8);
	assert_string_equal(bw_buf_text(&to), "secret");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_slice_still_points_at_a_byte),
		cmocka_unit_test(parts_of_a_slice_are_clamped),
		cmocka_unit_test(comparison_is_by_bytes_and_shorter_comes_first),
		cmocka_unit_test(a_cut_takes_the_first_mark_only),
		cmocka_unit_test(a_buf_grows_to_its_maximum_and_not_one_byte_further),
		cmocka_unit_test(a_buf_ends_with_a_nul_that_does_not_count),
		cmocka_unit_test(integers_go_out_with_the_big_end_first),
		cmocka_unit_test(a_moved_buf_is_empty_and_keeps_its_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
