/*
 * A TAXII request as it comes off the socket. Properties: parsing a prefix never
 * contradicts parsing the whole; a head that trickles in ends as the whole does;
 * every slice lies inside the input; path and query decode or are refused.
 */
#include <assert.h>
#include <stdlib.h>

#include "codec/http.h"
#include "codec/media.h"
#include "codec/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void check_inside(struct bw_slice whole, struct bw_slice part)
{
	check(part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len));
}

static void check_head(struct bw_slice in, const struct bw_http_head *head)
{
	check(head->head_bytes >= 4 && head->head_bytes <= in.len && head->head_bytes <= BW_HTTP_HEAD_MAX);
	check(memcmp(in.ptr + head->head_bytes - 4, "\r\n\r\n", 4) == 0);
	check(head->fields_n <= BW_HTTP_FIELDS_MAX);
	for (size_t i = 0; i < head->fields_n; i++) {
		check_inside(in, head->fields[i].name);
		check_inside(in, head->fields[i].value);
		check(bw_http_is_token(head->fields[i].name) && bw_http_is_field_value(head->fields[i].value));
	}
	check(!(bw_http_has(head, BW_HTTP_CONTENT_LENGTH) && bw_http_has(head, BW_HTTP_TRANSFER_ENCODING)));
}

static void read_target(const struct bw_http_request *request)
{
	struct bw_arena arena = BW_ARENA_INIT(64 * BW_KIB);
	struct bw_query query;
	struct bw_path path;

	if (bw_path_parse(request->path, &arena, &path, NULL) == BW_OK) {
		for (size_t i = 0; i < path.n; i++)
			check(path.segments[i].len > 0 && !bw_slice_is(path.segments[i], ".."));
	}
	if (bw_query_parse(request->query, &arena, &query, NULL) == BW_OK)
		check(query.n <= BW_QUERY_PAIRS_MAX);
	bw_arena_release(&arena);
}

static void check_request(struct bw_slice in, const struct bw_http_request *request)
{
	check_head(in, &request->head);
	check_inside(in, request->target);
	check(request->target.len > 0 && request->path.len > 0);
	check(request->head.minor == 0 || bw_http_has(&request->head, BW_HTTP_HOST));
	check(request->head.body != BW_HTTP_BODY_UNTIL_CLOSE);
	read_target(request);
}

/* The verdict on the first `n` bytes; an exact copy, so that a sanitizer sees one byte too far. */
static enum bw_err parse_prefix(struct bw_slice in, size_t n, size_t *seen)
{
	static struct bw_http_request request;
	uint8_t *copy = malloc(n + 1);
	enum bw_err err;

	check(copy != NULL);
	memcpy(copy, in.ptr, n);
	err = bw_http_request_parse(bw_slice_of(copy, n), seen, &request, NULL);
	free(copy);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bw_http_request request;
	static struct bw_http_response response;
	const struct bw_slice in = bw_slice_of(data, size);
	struct bw_fault fault = { 0, NULL };
	size_t whole_seen = 0;
	size_t seen = 0;
	size_t answer_seen = 0;
	const enum bw_err whole = bw_http_request_parse(in, &whole_seen, &request, &fault);
	enum bw_err err = BW_ERR_TRUNCATED;

	check(whole == BW_OK || whole == BW_ERR_TRUNCATED || (fault.reason != NULL && fault.offset <= size));
	if (whole == BW_OK)
		check_request(in, &request);
	for (size_t n = 0; n <= size && n < 2048 && err == BW_ERR_TRUNCATED; n++) {
		size_t fresh = 0;

		err = parse_prefix(in, n, &seen);
		check(parse_prefix(in, n, &fresh) == err);
		check(err == BW_ERR_TRUNCATED || err == whole);
	}
	if (bw_http_response_parse(in, false, &answer_seen, &response, NULL) == BW_OK)
		check_head(in, &response.head);
	return 0;
}
