#include "base/cursor.h"

#include "base/test.h"

static void integers_come_in_with_the_big_end_first(void **state)
{
	struct bw_cursor c = bw_cursor_over(SLICE(9, 1, 2, 1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8));
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	(void)state;
	assert_ok(bw_take_u8(&c, &u8));
	assert_ok(bw_take_be16(&c, &u16));
	assert_ok(bw_take_be32(&c, &u32));
	assert_ok(bw_take_be64(&c, &u64));
	assert_int_equal(u8, 9);
	assert_int_equal(u16, 0x0102);
	assert_int_equal(u32, 0x01020304);
	assert_true(u64 == 0x0102030405060708);
	assert_int_equal(bw_cursor_left(&c), 0);
}

static void every_prefix_of_a_block_asks_for_more_and_leaves_the_cursor(void **state)
{
	const struct bw_slice whole = SLICE(0, 0, 0, 3, 'a', 'b', 'c');
	struct bw_slice body;
	struct bw_cursor c;

	(void)state;
	for (size_t n = 0; n < whole.len; n++) {
		c = bw_cursor_over(bw_slice_sub(whole, 0, n));
		assert_int_equal(bw_take_block(&c, 10, &body), BW_ERR_TRUNCATED);
		assert_int_equal(c.at, 0);
	}
	c = bw_cursor_over(whole);
	assert_ok(bw_take_block(&c, 10, &body));
	assert_slice(body, "abc");
}

static void a_block_beyond_its_limit_is_refused_before_it_is_awaited(void **state)
{
	struct bw_cursor c = bw_cursor_over(SLICE(0xff, 0xff, 0xff, 0xff));
	struct bw_slice body;

	(void)state;
	assert_int_equal(bw_take_block(&c, 10, &body), BW_ERR_TOO_BIG);
	assert_int_equal(c.at, 0);
}

static void a_block_written_reads_back(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(64);
	struct bw_slice body;
	struct bw_cursor c;

	(void)state;
	assert_ok(bw_buf_add_block(&buf, BW_LIT("hello")));
	assert_ok(bw_buf_add_block(&buf, bw_slice_empty));
	c = bw_cursor_over(bw_buf_slice(&buf));
	assert_ok(bw_take_block(&c, 64, &body));
	assert_slice(body, "hello");
	assert_ok(bw_take_block(&c, 64, &body));
	assert_int_equal(body.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_come_in_with_the_big_end_first),
		cmocka_unit_test(every_prefix_of_a_block_asks_for_more_and_leaves_the_cursor),
		cmocka_unit_test(a_block_beyond_its_limit_is_refused_before_it_is_awaited),
		cmocka_unit_test(a_block_written_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
