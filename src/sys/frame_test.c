#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "sys/frame.h"

#define SLICE(...) bw_slice_of((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void every_prefix_asks_for_more_and_leaves_the_cursor(void **state)
{
	const struct bw_slice whole = SLICE(1, 7, 0, 0, 0, 2, 'h', 'i');

	(void)state;
	for (size_t n = 0; n < whole.len; n++) {
		struct bw_cursor c = bw_cursor_over(bw_slice_sub(whole, 0, n));
		struct bw_frame frame;

		assert_int_equal(bw_frame_parse(&c, &frame), BW_ERR_TRUNCATED);
		assert_int_equal(c.at, 0);
	}
}

static void what_is_written_is_read_back_and_the_cursor_stands_behind_it(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(64);
	const struct bw_frame in = { BW_FRAME_KIND_MAX, true, BW_LIT("hi") };
	struct bw_frame out;
	struct bw_cursor c;

	(void)state;
	assert_int_equal(bw_frame_add(&buf, &in), BW_OK);
	assert_int_equal(bw_buf_add_u8(&buf, 1), BW_OK);
	c = bw_cursor_over(bw_buf_slice(&buf));
	assert_int_equal(bw_frame_parse(&c, &out), BW_OK);
	assert_int_equal(out.kind, BW_FRAME_KIND_MAX);
	assert_true(out.has_fd);
	assert_true(bw_slice_is(out.body, "hi"));
	assert_int_equal(bw_cursor_left(&c), 1);
}

static void a_bad_head_is_refused_before_its_body_arrives(void **state)
{
	static const struct {
		uint8_t head[6];
		enum bw_err want;
	} rows[] = {
		{ { 2, 7, 0, 0, 0, 0 }, BW_ERR_VERSION },
		{ { 1, 0, 0, 0, 0, 0 }, BW_ERR_RANGE },
		{ { 1, BW_FRAME_WITH_FD, 0, 0, 0, 0 }, BW_ERR_RANGE },
		{ { 1, 7, 0, 0x10, 0, 1 }, BW_ERR_TOO_BIG },
		{ { 1, 7, 0xff, 0xff, 0xff, 0xff }, BW_ERR_TOO_BIG },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct bw_cursor c = bw_cursor_over(bw_slice_of(rows[i].head, sizeof(rows[i].head)));
		struct bw_frame frame;

		assert_int_equal(bw_frame_parse(&c, &frame), rows[i].want);
		assert_int_equal(c.at, 0);
	}
}

static void a_frame_that_does_not_fit_changes_nothing(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(7);
	const struct bw_frame frame = { 1, false, BW_LIT("hi") };
	const struct bw_frame nameless = { 0, false, BW_LIT("") };

	(void)state;
	assert_int_equal(bw_frame_add(&buf, &frame), BW_ERR_TOO_BIG);
	assert_int_equal(bw_frame_add(&buf, &nameless), BW_ERR_RANGE);
	assert_int_equal(buf.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_prefix_asks_for_more_and_leaves_the_cursor),
		cmocka_unit_test(what_is_written_is_read_back_and_the_cursor_stands_behind_it),
		cmocka_unit_test(a_bad_head_is_refused_before_its_body_arrives),
		cmocka_unit_test(a_frame_that_does_not_fit_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
