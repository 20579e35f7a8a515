#include "codec/http.h"

#include "base/test.h"

#define GET_LINE "GET /a HTTP/1.1\r\n"
#define HOST "Host: h\r\n"

static const char poll_request[] = "GET /api/collections/1/objects/?limit=10&match[type]=indicator HTTP/1.1\r\n"
				   "Host: taxii.example:8443\r\n"
				   "User-Agent: taxii2-client/2.3.0\r\n"
				   "accept:application/taxii+json;version=2.1\r\n"
				   "X-Empty:\r\n"
				   "X-Blanks: \t a \t b\t \r\n"
				   "Authorization: Basic dXNlcjpwYXNz\r\n"
				   "\r\n";

static enum bw_err parse(const char *text, struct bw_http_request *out, struct bw_fault *fault)
{
	size_t seen = 0;

	return bw_http_request_parse(bw_slice_text(text), &seen, out, fault);
}

static enum bw_err parse_answer(const char *text, bool was_head, struct bw_http_response *out)
{
	size_t seen = 0;

	return bw_http_response_parse(bw_slice_text(text), was_head, &seen, out, NULL);
}

static void a_request_is_taken_apart_without_copying(void **state)
{
	struct bw_http_request r;
	struct bw_slice value;
	size_t at = 0;

	(void)state;
	assert_ok(parse(poll_request, &r, NULL));
	assert_int_equal(r.method, BW_HTTP_GET);
	assert_slice(r.method_text, "GET");
	assert_slice(r.path, "/api/collections/1/objects/");
	assert_slice(r.query, "limit=10&match[type]=indicator");
	assert_slice(r.authority, "taxii.example:8443");
	assert_ptr_equal(r.target.ptr, poll_request + 4);
	assert_int_equal(r.head.head_bytes, sizeof(poll_request) - 1);
	assert_int_equal(r.head.fields_n, 6);
	assert_int_equal(r.head.body, BW_HTTP_BODY_NONE);
	assert_true(r.head.keep_alive);
	assert_slice(bw_http_known_value(&r.head, BW_HTTP_ACCEPT), "application/taxii+json;version=2.1");
	assert_false(bw_http_has(&r.head, BW_HTTP_CONTENT_TYPE));
	assert_true(bw_http_each(&r.head, "x-blanks", &at, &value));
	assert_slice(value, "a \t b");
	assert_false(bw_http_each(&r.head, "x-blanks", &at, &value));
	at = 0;
	assert_true(bw_http_each(&r.head, "X-EMPTY", &at, &value));
	assert_int_equal(value.len, 0);
}

static void every_known_field_is_found_by_its_row(void **state)
{
	static const char *const names[] = {
#define X(symbol, name, once) name,
		BW_HTTP_KNOWN_ROWS(X)
#undef X
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(names); i++) {
		struct bw_buf text = BW_BUF_INIT(1000);
		struct bw_http_response r;
		size_t known = 0;

		assert_ok(bw_buf_addf(&text, "HTTP/1.1 204 x\r\nX: y\r\n%s: 1\r\n\r\n", names[i]));
		if (i != BW_HTTP_TRANSFER_ENCODING) {
			assert_ok(parse_answer(bw_buf_text(&text), false, &r));
			for (size_t k = 0; k < BW_HTTP_KNOWN_COUNT; k++)
				known += r.head.known[k] != 0 ? 1 : 0;
			assert_int_equal(r.head.known[i], 2);
			assert_int_equal(known, 1);
		}
		bw_buf_release(&text);
	}
}

static void every_prefix_asks_for_more(void **state)
{
	struct bw_http_request r;

	(void)state;
	for (size_t n = 0; n < sizeof(poll_request) - 1; n++) {
		size_t seen = 0;

		assert_int_equal(bw_http_request_parse(bw_slice_of(poll_request, n), &seen, &r, NULL),
				 BW_ERR_TRUNCATED);
		assert_int_equal(seen, n);
	}
}

static void a_head_that_trickles_in_gives_the_same_result(void **state)
{
	struct bw_http_request r;
	size_t seen = 0;

	(void)state;
	for (size_t n = 0; n < sizeof(poll_request) - 1; n++)
		assert_int_equal(bw_http_request_parse(bw_slice_of(poll_request, n), &seen, &r, NULL),
				 BW_ERR_TRUNCATED);
	assert_ok(bw_http_request_parse(bw_slice_text(poll_request), &seen, &r, NULL));
	assert_int_equal(r.head.fields_n, 6);
}

static void bytes_behind_the_head_belong_to_the_body_or_the_next_request(void **state)
{
	struct bw_http_request r;

	(void)state;
	assert_ok(parse(GET_LINE HOST "\r\nGET /b", &r, NULL));
	assert_int_equal(r.head.head_bytes, strlen(GET_LINE HOST "\r\n"));
	assert_ok(parse("\r\n" GET_LINE HOST "\r\n", &r, NULL));
	assert_int_equal(r.head.head_bytes, strlen("\r\n" GET_LINE HOST "\r\n"));
	assert_slice(r.path, "/a");
}

struct refused {
	const char *text;
	enum bw_err err;
};

static void what_smells_of_smuggling_is_refused(void **state)
{
	static const struct refused rows[] = {
		{ "GET /a HTTP/1.1\nHost: h\r\n\r\n", BW_ERR_SYNTAX },
		{ GET_LINE "Host: h\n\r\n", BW_ERR_SYNTAX },
		{ GET_LINE HOST "\n", BW_ERR_SYNTAX },
		{ GET_LINE HOST "A: b\rc\r\n\r\n", BW_ERR_SYNTAX },
		{ GET_LINE HOST "A: b\r\n c\r\n\r\n", BW_ERR_SYNTAX },
		{ GET_LINE HOST "A : b\r\n\r\n", BW_ERR_SYNTAX },
		{ GET_LINE HOST " A: b\r\n\r\n", BW_ERR_SYNTAX },
		{ GET_LINE HOST ": b\r\n\r\n", BW_ERR_SYNTAX },
		{ GET_LINE HOST "A\r\n\r\n", BW_ERR_SYNTAX },
		{ GET_LINE HOST "A: \x01\r\n\r\n", BW_ERR_SYNTAX },
		{ GET_LINE HOST "A: \x7f\r\n\r\n", BW_ERR_SYNTAX },
		{ GET_LINE HOST HOST "\r\n", BW_ERR_DUPLICATE },
		{ GET_LINE HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", BW_ERR_DUPLICATE },
		{ GET_LINE HOST "Content-Length: 1, 1\r\n\r\n", BW_ERR_SYNTAX },
		{ GET_LINE HOST "Content-Length: +1\r\n\r\n", BW_ERR_SYNTAX },
		{ GET_LINE HOST "Content-Length: 0x1\r\n\r\n", BW_ERR_SYNTAX },
		{ GET_LINE HOST "Content-Length:\r\n\r\n", BW_ERR_SYNTAX },
		{ GET_LINE HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", BW_ERR_CONFLICT },
		{ GET_LINE HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", BW_ERR_DUPLICATE },
		{ GET_LINE HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", BW_ERR_UNSUPPORTED },
		{ GET_LINE HOST "Transfer-Encoding: xchunked\r\n\r\n", BW_ERR_UNSUPPORTED },
		{ "GET /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", BW_ERR_SYNTAX },
		{ GET_LINE "\r\n", BW_ERR_MISSING },
		{ GET_LINE "Host: a b\r\n\r\n", BW_ERR_SYNTAX },
		{ GET_LINE "Host: u@h\r\n\r\n", BW_ERR_SYNTAX },
		{ GET_LINE HOST "Expect: the-unexpected\r\n\r\n", BW_ERR_RANGE },
		{ GET_LINE HOST "Authorization: a\r\nAuthorization: b\r\n\r\n", BW_ERR_DUPLICATE },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct bw_fault fault = { 0, NULL };
		struct bw_http_request r;

		if (parse(rows[i].text, &r, &fault) != rows[i].err)
			fail_msg("row %zu: %s", i, rows[i].text);
		assert_non_null(fault.reason);
		assert_in_range(fault.offset, 0, strlen(rows[i].text));
	}
}

/* Feeds one byte more at a time until there is a verdict. */
static enum bw_err parse_trickling(const char *text)
{
	struct bw_http_request r;
	enum bw_err err = BW_ERR_TRUNCATED;
	size_t seen = 0;

	for (size_t n = 0; n <= strlen(text) && err == BW_ERR_TRUNCATED; n++)
		err = bw_http_request_parse(bw_slice_of(text, n), &seen, &r, NULL);
	return err;
}

static void a_refusal_does_not_depend_on_how_the_bytes_came(void **state)
{
	static const struct refused rows[] = {
		{ "GET /a HTTP/1.1\nHost: h\r\n\r\n", BW_ERR_SYNTAX },
		{ GET_LINE HOST "A: b\rc\r\n\r\n", BW_ERR_SYNTAX },
		{ GET_LINE HOST HOST "\r\n", BW_ERR_DUPLICATE },
		{ GET_LINE HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", BW_ERR_CONFLICT },
		{ GET_LINE "\r\n", BW_ERR_MISSING },
		{ "GET /a HTTP/2\nHost: h\r\n", BW_ERR_VERSION },
		{ "GET /a HTTP/1\nHost: h\r\n", BW_ERR_SYNTAX },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct bw_http_request r;

		assert_int_equal(parse_trickling(rows[i].text), rows[i].err);
		assert_int_equal(parse(rows[i].text, &r, NULL), rows[i].err);
	}
}

static void a_malformed_request_line_is_refused(void **state)
{
	static const struct refused rows[] = {
		{ "\x16\x03\x01", BW_ERR_SYNTAX },
		{ " GET /a HTTP/1.1\r\n", BW_ERR_SYNTAX },
		{ "GET  /a HTTP/1.1\r\n", BW_ERR_SYNTAX },
		{ "GET /a  HTTP/1.1\r\n", BW_ERR_SYNTAX },
		{ "GET /a HTTP/1.1 \r\n", BW_ERR_SYNTAX },
		{ "GET /a\r\n", BW_ERR_SYNTAX },
		{ "GET a HTTP/1.1\r\n", BW_ERR_SYNTAX },
		{ "GET /a#b HTTP/1.1\r\n", BW_ERR_SYNTAX },
		{ "GET /\xc3\xa5 HTTP/1.1\r\n", BW_ERR_SYNTAX },
		{ "GET * HTTP/1.1\r\n", BW_ERR_SYNTAX },
		{ "GET ftp://h/ HTTP/1.1\r\n", BW_ERR_SYNTAX },
		{ "GET http:///a HTTP/1.1\r\n", BW_ERR_SYNTAX },
		{ "GET http://u@h/a HTTP/1.1\r\n", BW_ERR_SYNTAX },
		{ "CONNECT h:443 HTTP/1.1\r\n", BW_ERR_SYNTAX },
		{ "GET /a http/1.1\r\n", BW_ERR_SYNTAX },
		{ "GET /a HTTP/1.x\r\n", BW_ERR_SYNTAX },
		{ "GET /a HTTP/1.10\r\n", BW_ERR_SYNTAX },
		{ "GET /a HTTP/2.0\r\n", BW_ERR_VERSION },
		{ "PRI * HTTP/2.0\r\n", BW_ERR_SYNTAX },
		{ "GET /a HTTP/0.9\r\n", BW_ERR_VERSION },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct bw_http_request r;

		if (parse(rows[i].text, &r, NULL) != rows[i].err)
			fail_msg("row %zu: %s", i, rows[i].text);
	}
}

static void all_forms_of_a_target_are_understood(void **state)
{
	struct bw_http_request r;

	(void)state;
	assert_ok(parse("GET http://a.example:80/b?c=d HTTP/1.1\r\n" HOST "\r\n", &r, NULL));
	assert_slice(r.authority, "a.example:80");
	assert_slice(r.path, "/b");
	assert_slice(r.query, "c=d");
	assert_ok(parse("GET HTTPS://[::1]:8443 HTTP/1.1\r\n" HOST "\r\n", &r, NULL));
	assert_slice(r.authority, "[::1]:8443");
	assert_slice(r.path, "/");
	assert_ok(parse("GET http://a?b HTTP/1.1\r\n" HOST "\r\n", &r, NULL));
	assert_slice(r.path, "/");
	assert_slice(r.query, "b");
	assert_ok(parse("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", &r, NULL));
	assert_slice(r.path, "*");
	assert_ok(parse("GET /a? HTTP/1.1\r\n" HOST "\r\n", &r, NULL));
	assert_int_equal(r.query.len, 0);
	assert_ok(parse("BREW /pot HTTP/1.1\r\n" HOST "\r\n", &r, NULL));
	assert_int_equal(r.method, BW_HTTP_OTHER);
}

struct kept {
	const char *text;
	bool keep;
};

static void the_connection_lives_on_when_both_versions_agree(void **state)
{
	static const struct kept rows[] = {
		{ GET_LINE HOST "\r\n", true },
		{ GET_LINE HOST "Connection: close\r\n\r\n", false },
		{ GET_LINE HOST "Connection: Upgrade, CLOSE\r\n\r\n", false },
		{ GET_LINE HOST "Connection: keep-alive\r\nConnection: close\r\n\r\n", false },
		{ "GET /a HTTP/1.0\r\n\r\n", false },
		{ "GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true },
		{ "GET /a HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false },
		{ "GET /a HTTP/1.7\r\n" HOST "\r\n", true },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct bw_http_request r;

		assert_ok(parse(rows[i].text, &r, NULL));
		if (r.head.keep_alive != rows[i].keep)
			fail_msg("row %zu: %s", i, rows[i].text);
	}
}

static void only_a_client_with_a_body_to_send_waits_for_continue(void **state)
{
	struct bw_http_request r;

	(void)state;
	assert_ok(parse(GET_LINE HOST "Expect: 100-Continue\r\nContent-Length: 5\r\n\r\n", &r, NULL));
	assert_true(r.head.expect_continue);
	assert_int_equal(r.head.body, BW_HTTP_BODY_LENGTH);
	assert_int_equal(r.head.content_length, 5);
	assert_ok(parse(GET_LINE HOST "Expect: 100-continue\r\nTransfer-Encoding: Chunked\r\n\r\n", &r, NULL));
	assert_true(r.head.expect_continue);
	assert_int_equal(r.head.body, BW_HTTP_BODY_CHUNKED);
	assert_ok(parse(GET_LINE HOST "Expect: 100-continue\r\n\r\n", &r, NULL));
	assert_false(r.head.expect_continue);
	assert_ok(parse("POST /a HTTP/1.0\r\nExpect: x\r\nContent-Length: 5\r\n\r\n", &r, NULL));
	assert_false(r.head.expect_continue);
}

static void a_content_length_beyond_numbers_is_a_body_that_is_too_big(void **state)
{
	struct bw_http_request r;
	struct bw_http_body body;

	(void)state;
	assert_ok(parse(GET_LINE HOST "Content-Length: 99999999999999999999999\r\n\r\n", &r, NULL));
	assert_int_equal(bw_http_body_init(&body, &r.head, UINT64_MAX - 1), BW_ERR_TOO_BIG);
	assert_int_equal(bw_http_body_status_of(BW_ERR_TOO_BIG), 413);
}

/* A head of `bytes` bytes that never ends: `start`, then x without end. */
static enum bw_err parse_endless(const char *start, size_t bytes, bool trickle)
{
	static uint8_t text[2 * BW_HTTP_HEAD_MAX];
	struct bw_http_request r;
	size_t seen = 0;
	enum bw_err err = BW_ERR_TRUNCATED;

	memset(text, 'x', sizeof(text));
	memcpy(text, start, strlen(start));
	for (size_t n = trickle ? 1 : bytes; n <= bytes && err == BW_ERR_TRUNCATED; n++)
		err = bw_http_request_parse(bw_slice_of(text, n), &seen, &r, NULL);
	return err;
}

static void what_never_ends_meets_a_limit(void **state)
{
	(void)state;
	for (int trickle = 0; trickle < 2; trickle++) {
		assert_int_equal(parse_endless("GET /", BW_HTTP_LINE_MAX - 1, trickle), BW_ERR_TRUNCATED);
		assert_int_equal(parse_endless("GET /", BW_HTTP_LINE_MAX, trickle), BW_ERR_TOO_BIG);
		assert_int_equal(parse_endless(GET_LINE "a: ", BW_HTTP_HEAD_MAX - 1, trickle), BW_ERR_TRUNCATED);
		assert_int_equal(parse_endless(GET_LINE "a: ", BW_HTTP_HEAD_MAX, trickle), BW_ERR_TOO_MANY);
		assert_int_equal(parse_endless(GET_LINE "a", BW_HTTP_HEAD_MAX + 9, trickle), BW_ERR_TOO_MANY);
	}
}

static void field_lines_are_counted(void **state)
{
	for (size_t n = BW_HTTP_FIELDS_MAX; n <= BW_HTTP_FIELDS_MAX + 1; n++) {
		struct bw_buf text = BW_BUF_INIT(BW_HTTP_HEAD_MAX);
		struct bw_http_request r;

		(void)state;
		assert_ok(bw_buf_add_text(&text, GET_LINE HOST));
		for (size_t i = 1; i < n; i++)
			assert_ok(bw_buf_addf(&text, "X-%zu: v\r\n", i));
		assert_ok(bw_buf_add_text(&text, "\r\n"));
		assert_int_equal(parse(bw_buf_text(&text), &r, NULL),
				 n == BW_HTTP_FIELDS_MAX ? BW_OK : BW_ERR_TOO_MANY);
		bw_buf_release(&text);
	}
}

static void an_answer_tells_how_its_body_is_framed(void **state)
{
	struct bw_http_response r;

	(void)state;
	assert_ok(parse_answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", false, &r));
	assert_int_equal(r.status, 200);
	assert_slice(r.reason, "OK");
	assert_int_equal(r.head.body, BW_HTTP_BODY_LENGTH);
	assert_true(r.head.keep_alive);
	assert_ok(parse_answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, &r));
	assert_int_equal(r.head.body, BW_HTTP_BODY_NONE);
	assert_ok(parse_answer("HTTP/1.1 204\r\n\r\n", false, &r));
	assert_int_equal(r.reason.len, 0);
	assert_int_equal(r.head.body, BW_HTTP_BODY_NONE);
	assert_ok(parse_answer("HTTP/1.1 100 Continue\r\n\r\n", false, &r));
	assert_int_equal(r.head.body, BW_HTTP_BODY_NONE);
	assert_ok(parse_answer("HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n", false, &r));
	assert_int_equal(r.head.body, BW_HTTP_BODY_CHUNKED);
	assert_ok(parse_answer("HTTP/1.1 200 fine as it is\r\n\r\n", false, &r));
	assert_int_equal(r.head.body, BW_HTTP_BODY_UNTIL_CLOSE);
	assert_false(r.head.keep_alive);
}

static void a_malformed_answer_is_refused(void **state)
{
	struct bw_http_response r;

	(void)state;
	assert_int_equal(parse_answer("SSH-2.0-OpenSSH\r\n", false, &r), BW_ERR_SYNTAX);
	assert_int_equal(parse_answer("HTTP/1.1 20 OK\r\n\r\n", false, &r), BW_ERR_SYNTAX);
	assert_int_equal(parse_answer("HTTP/1.1 2000 OK\r\n\r\n", false, &r), BW_ERR_SYNTAX);
	assert_int_equal(parse_answer("HTTP/1.1 099 OK\r\n\r\n", false, &r), BW_ERR_SYNTAX);
	assert_int_equal(parse_answer("HTTP/1.1 600 OK\r\n\r\n", false, &r), BW_ERR_SYNTAX);
	assert_int_equal(parse_answer("HTTP/1.1  200 OK\r\n\r\n", false, &r), BW_ERR_SYNTAX);
	assert_int_equal(parse_answer("HTTP/2 200\r\n\r\n", false, &r), BW_ERR_VERSION);
	assert_int_equal(parse_answer("HTTP/1.1 200 O\x01K\r\n\r\n", false, &r), BW_ERR_SYNTAX);
}

static void each_refusal_has_its_status(void **state)
{
	(void)state;
	assert_int_equal(bw_http_status_of(BW_ERR_SYNTAX), 400);
	assert_int_equal(bw_http_status_of(BW_ERR_MISSING), 400);
	assert_int_equal(bw_http_status_of(BW_ERR_TRUNCATED), 408);
	assert_int_equal(bw_http_status_of(BW_ERR_TOO_BIG), 414);
	assert_int_equal(bw_http_status_of(BW_ERR_RANGE), 417);
	assert_int_equal(bw_http_status_of(BW_ERR_TOO_MANY), 431);
	assert_int_equal(bw_http_status_of(BW_ERR_UNSUPPORTED), 501);
	assert_int_equal(bw_http_status_of(BW_ERR_VERSION), 505);
	assert_string_equal(bw_http_reason(404), "Not Found");
	assert_string_equal(bw_http_reason(999), "Unknown");
}

static void what_would_forge_a_head_is_no_field_value(void **state)
{
	(void)state;
	assert_true(bw_http_is_field_value(BW_LIT("application/taxii+json;version=2.1")));
	assert_true(bw_http_is_field_value(BW_LIT("")));
	assert_false(bw_http_is_field_value(BW_LIT("a\r\nSet-Cookie: b")));
	assert_false(bw_http_is_field_value(BW_LIT(" a")));
	assert_true(bw_http_is_token(BW_LIT("X-Api-Key")));
	assert_false(bw_http_is_token(BW_LIT("")));
	assert_false(bw_http_is_token(BW_LIT("a b")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_taken_apart_without_copying),
		cmocka_unit_test(every_known_field_is_found_by_its_row),
		cmocka_unit_test(every_prefix_asks_for_more),
		cmocka_unit_test(a_head_that_trickles_in_gives_the_same_result),
		cmocka_unit_test(bytes_behind_the_head_belong_to_the_body_or_the_next_request),
		cmocka_unit_test(what_smells_of_smuggling_is_refused),
		cmocka_unit_test(a_refusal_does_not_depend_on_how_the_bytes_came),
		cmocka_unit_test(a_malformed_request_line_is_refused),
		cmocka_unit_test(all_forms_of_a_target_are_understood),
		cmocka_unit_test(the_connection_lives_on_when_both_versions_agree),
		cmocka_unit_test(only_a_client_with_a_body_to_send_waits_for_continue),
		cmocka_unit_test(a_content_length_beyond_numbers_is_a_body_that_is_too_big),
		cmocka_unit_test(what_never_ends_meets_a_limit),
		cmocka_unit_test(field_lines_are_counted),
		cmocka_unit_test(an_answer_tells_how_its_body_is_framed),
		cmocka_unit_test(a_malformed_answer_is_refused),
		cmocka_unit_test(each_refusal_has_its_status),
		cmocka_unit_test(what_would_forge_a_head_is_no_field_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
