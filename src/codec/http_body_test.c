#include "codec/http.h"

#include "base/test.h"

static const struct bw_http_head chunked = { .body = BW_HTTP_BODY_CHUNKED };

/* Decodes `wire`, given in pieces of `step` bytes, into `out`; `rest`: what belongs to the next message. */
static enum bw_err decode(struct bw_http_body *body, struct bw_slice wire, size_t step, struct bw_buf *out,
			  struct bw_slice *rest)
{
	size_t at = 0;

	while (at < wire.len && !body->done) {
		struct bw_slice piece = bw_slice_sub(wire, at, step);

		while (piece.len > 0 && !body->done) {
			struct bw_slice data;
			size_t used;

			BW_TRY(bw_http_body_take(body, piece, &used, &data, NULL));
			assert_in_range(used, 1, piece.len);
			BW_TRY(bw_buf_add(out, data));
			piece = bw_slice_from(piece, used);
			at += used;
		}
	}
	*rest = bw_slice_from(wire, at);
	return BW_OK;
}

static enum bw_err decode_chunks(const char *text, size_t max, struct bw_buf *out, bool *done)
{
	struct bw_http_body body;
	struct bw_slice rest;

	BW_TRY(bw_http_body_init(&body, &chunked, max));
	BW_TRY(decode(&body, bw_slice_text(text), SIZE_MAX, out, &rest));
	*done = body.done;
	return BW_OK;
}

static void chunks_come_out_whole_however_they_are_cut(void **state)
{
	static const char wire[] = "4\r\nWiki\r\n"
				   "005 \t;name=value;q=\"a;b\"\r\npedia\r\n"
				   "E;x\r\n in\r\n\r\nchunks.\r\n"
				   "0\r\nTrailer: v\r\nOther:\r\n\r\nNEXT";
	const struct bw_slice text = bw_slice_text(wire);

	(void)state;
	for (size_t step = 1; step <= text.len; step++) {
		struct bw_buf out = BW_BUF_INIT(100);
		struct bw_http_body body;
		struct bw_slice rest;

		assert_ok(bw_http_body_init(&body, &chunked, 23));
		assert_ok(decode(&body, text, step, &out, &rest));
		assert_true(body.done);
		assert_string_equal(bw_buf_text(&out), "Wikipedia in\r\n\r\nchunks.");
		assert_true(bw_slice_is(rest, "NEXT"));
		bw_buf_release(&out);
	}
}

static void every_prefix_of_a_chunked_body_waits(void **state)
{
	static const char wire[] = "3;e\r\nabc\r\n0\r\nT: v\r\n\r\n";

	(void)state;
	for (size_t n = 0; n < sizeof(wire) - 1; n++) {
		struct bw_buf out = BW_BUF_INIT(100);
		struct bw_http_body body;
		struct bw_slice rest;

		assert_ok(bw_http_body_init(&body, &chunked, 3));
		assert_ok(decode(&body, bw_slice_of(wire, n), 7, &out, &rest));
		assert_false(body.done);
		bw_buf_release(&out);
	}
}

static void malformed_chunks_are_refused(void **state)
{
	static const char *const rows[] = {
		"\r\n",           "x\r\n",           "-1\r\n",      "+1\r\n",       "0x1\r\n",
		" 1\r\n",         ";a\r\n",          "1 \r\na\r\n", "1\na\r\n",     "1\r\r",
		"1\r\nab",        "1\r\na\n",        "1\r\na\rx",   "1;\x01\r\na",  "1;\na",
		"0\r\nx\r\n\r\n", "0\r\n :\r\n\r\n", "0\r\nx:\n",   "0\r\nx: \x01", "0\r\n\rx",
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct bw_buf out = BW_BUF_INIT(100);
		bool done;

		if (decode_chunks(rows[i], 100, &out, &done) != BW_ERR_SYNTAX)
			fail_msg("row %zu", i);
		bw_buf_release(&out);
	}
}

static void chunks_are_held_to_the_limit_as_soon_as_they_announce_themselves(void **state)
{
	struct bw_buf out = BW_BUF_INIT(100);
	bool done;

	(void)state;
	assert_int_equal(decode_chunks("5\r\n", 4, &out, &done), BW_ERR_TOO_BIG);
	assert_int_equal(decode_chunks("4\r\nabcd\r\n1\r\n", 4, &out, &done), BW_ERR_TOO_BIG);
	assert_int_equal(decode_chunks("ffffffffffffffff\r\n", UINT64_MAX - 1, &out, &done), BW_ERR_TOO_BIG);
	assert_int_equal(decode_chunks("10000000000000000\r\n", UINT64_MAX, &out, &done), BW_ERR_TOO_BIG);
	bw_buf_release(&out);
}

static void lines_between_chunks_are_held_to_a_limit(void **state)
{
	struct bw_buf out = BW_BUF_INIT(100);
	struct bw_buf wire = BW_BUF_INIT(2 * BW_HTTP_TRAILER_MAX);
	bool done;

	(void)state;
	assert_int_equal(bw_buf_add_text(&wire, "1;"), BW_OK);
	for (size_t i = 0; i < BW_HTTP_CHUNK_LINE_MAX; i++)
		assert_ok(bw_buf_add_u8(&wire, 'x'));
	assert_int_equal(decode_chunks(bw_buf_text(&wire), 9, &out, &done), BW_ERR_TOO_BIG);
	wire.len = 0;
	assert_ok(bw_buf_add_text(&wire, "0\r\n"));
	while (wire.len <= BW_HTTP_TRAILER_MAX)
		assert_ok(bw_buf_add_text(&wire, "a: b\r\n"));
	assert_int_equal(decode_chunks(bw_buf_text(&wire), 9, &out, &done), BW_ERR_TOO_BIG);
	bw_buf_release(&wire);
	bw_buf_release(&out);
}

static void a_counted_body_ends_where_it_said(void **state)
{
	const struct bw_http_head head = { .body = BW_HTTP_BODY_LENGTH, .content_length = 5 };

	(void)state;
	for (size_t step = 1; step < 10; step++) {
		struct bw_buf out = BW_BUF_INIT(100);
		struct bw_http_body body;
		struct bw_slice rest;

		assert_ok(bw_http_body_init(&body, &head, 5));
		assert_ok(decode(&body, BW_LIT("helloNEXT"), step, &out, &rest));
		assert_true(body.done);
		assert_string_equal(bw_buf_text(&out), "hello");
		assert_true(bw_slice_is(rest, "NEXT"));
		bw_buf_release(&out);
	}
}

static void no_body_is_done_at_once(void **state)
{
	const struct bw_http_head none = { .body = BW_HTTP_BODY_NONE };
	const struct bw_http_head empty = { .body = BW_HTTP_BODY_LENGTH, .content_length = 0 };
	struct bw_http_body body;
	struct bw_slice data;
	size_t used;

	(void)state;
	assert_ok(bw_http_body_init(&body, &none, 0));
	assert_true(body.done);
	assert_ok(bw_http_body_init(&body, &empty, 0));
	assert_true(body.done);
	assert_ok(bw_http_body_take(&body, BW_LIT("NEXT"), &used, &data, NULL));
	assert_int_equal(used, 0);
	assert_int_equal(data.len, 0);
}

static void a_body_until_close_is_held_to_the_limit(void **state)
{
	const struct bw_http_head head = { .body = BW_HTTP_BODY_UNTIL_CLOSE };
	struct bw_http_body body;
	struct bw_slice data;
	size_t used;

	(void)state;
	assert_ok(bw_http_body_init(&body, &head, 5));
	assert_ok(bw_http_body_take(&body, BW_LIT("hello"), &used, &data, NULL));
	assert_true(bw_slice_is(data, "hello"));
	assert_false(body.done);
	assert_int_equal(bw_http_body_take(&body, BW_LIT("!"), &used, &data, NULL), BW_ERR_TOO_BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunks_come_out_whole_however_they_are_cut),
		cmocka_unit_test(every_prefix_of_a_chunked_body_waits),
		cmocka_unit_test(malformed_chunks_are_refused),
		cmocka_unit_test(chunks_are_held_to_the_limit_as_soon_as_they_announce_themselves),
		cmocka_unit_test(lines_between_chunks_are_held_to_a_limit),
		cmocka_unit_test(a_counted_body_ends_where_it_said),
		cmocka_unit_test(no_body_is_done_at_once),
		cmocka_unit_test(a_body_until_close_is_held_to_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
