#include "codec/chars.h"
#include "codec/http.h"

#include "base/text.h"

/* Where the chunk reader stands: RFC 9112 7.1. */
enum chunk_state {
	SIZE,       /* hexadecimal digits */
	BEFORE_EXT, /* blanks, which only an extension may follow */
	EXT,        /* extensions, ignored */
	SIZE_LF,    /* CR was seen */
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER_START, /* a trailer line or the end */
	TRAILER_NAME,
	TRAILER_VALUE,
	TRAILER_LF,
	END_LF,
};

enum bw_err bw_http_body_init(struct bw_http_body *body, const struct bw_http_head *head, uint64_t max)
{
	BW_NEED(head->body != BW_HTTP_BODY_LENGTH || head->content_length <= max, TOO_BIG);
	*body = (struct bw_http_body){ .kind = head->body, .max = max };
	if (head->body == BW_HTTP_BODY_LENGTH)
		body->left = head->content_length;
	body->done = head->body == BW_HTTP_BODY_NONE || (head->body == BW_HTTP_BODY_LENGTH && body->left == 0);
	return BW_OK;
}

/* What one step of the chunk reader says. */
static enum bw_err chunk_size_digit(struct bw_http_body *b, uint8_t c)
{
	BW_NEED(b->left <= UINT64_MAX >> 4, TOO_BIG);
	b->left = b->left << 4 | (uint64_t)bw_hex_value(c);
	b->digits = 1;
	return BW_OK;
}

static enum bw_err step_size(struct bw_http_body *b, uint8_t c)
{
	if (bw_hex_value(c) >= 0)
		return chunk_size_digit(b, c);
	BW_NEED(b->digits > 0, SYNTAX);
	if (c == '\r')
		b->state = SIZE_LF;
	else if (c == ';')
		b->state = EXT;
	else if (bw_is_blank(c))
		b->state = BEFORE_EXT;
	else
		return BW_ERR_SYNTAX;
	return BW_OK;
}

static enum bw_err step_size_lf(struct bw_http_body *b, uint8_t c)
{
	BW_NEED(c == '\n', SYNTAX);
	BW_NEED(b->left <= b->max - b->received, TOO_BIG);
	b->state = b->left == 0 ? TRAILER_START : DATA;
	b->line = 0;
	b->digits = 0;
	return BW_OK;
}

static enum bw_err step_ext(struct bw_http_body *b, uint8_t c)
{
	if (b->state == BEFORE_EXT) {
		BW_NEED(c == ';' || bw_is_blank(c), SYNTAX);
		b->state = c == ';' ? EXT : BEFORE_EXT;
		return BW_OK;
	}
	BW_NEED(c == '\r' || bw_char_is(c, BW_CHAR_VALUE), SYNTAX);
	b->state = c == '\r' ? SIZE_LF : EXT;
	return BW_OK;
}

static enum bw_err step_trailer(struct bw_http_body *b, uint8_t c)
{
	switch (b->state) {
	case TRAILER_START:
		BW_NEED(c == '\r' || bw_char_is(c, BW_CHAR_TOKEN), SYNTAX);
		b->state = c == '\r' ? END_LF : TRAILER_NAME;
		return BW_OK;
	case TRAILER_NAME:
		BW_NEED(c == ':' || bw_char_is(c, BW_CHAR_TOKEN), SYNTAX);
		b->state = c == ':' ? TRAILER_VALUE : TRAILER_NAME;
		return BW_OK;
	case TRAILER_VALUE:
		BW_NEED(c == '\r' || bw_char_is(c, BW_CHAR_VALUE), SYNTAX);
		b->state = c == '\r' ? TRAILER_LF : TRAILER_VALUE;
		return BW_OK;
	case TRAILER_LF:
		BW_NEED(c == '\n', SYNTAX);
		b->state = TRAILER_START;
		return BW_OK;
	default: /* END_LF */
		BW_NEED(c == '\n', SYNTAX);
		b->done = true;
		return BW_OK;
	}
}

static enum bw_err step_after_data(struct bw_http_body *b, uint8_t c)
{
	BW_NEED(c == (b->state == DATA_CR ? '\r' : '\n'), SYNTAX);
	b->state = b->state == DATA_CR ? DATA_LF : SIZE;
	return BW_OK;
}

/* One byte of the frame, never of the data. */
static enum bw_err chunk_step(struct bw_http_body *b, uint8_t c)
{
	if (b->state >= TRAILER_START) {
		BW_NEED(b->trailer < BW_HTTP_TRAILER_MAX, TOO_BIG);
		b->trailer++;
		return step_trailer(b, c);
	}
	if (b->state == DATA_CR || b->state == DATA_LF)
		return step_after_data(b, c);
	BW_NEED(b->line < BW_HTTP_CHUNK_LINE_MAX, TOO_BIG);
	b->line++;
	if (b->state == SIZE)
		return step_size(b, c);
	return b->state == SIZE_LF ? step_size_lf(b, c) : step_ext(b, c);
}

/* As many data bytes as are due and here. */
static struct bw_slice take_data(struct bw_http_body *b, struct bw_slice in, size_t at)
{
	const struct bw_slice data = bw_slice_sub(in, at, b->left > SIZE_MAX ? SIZE_MAX : (size_t)b->left);

	b->left -= data.len;
	b->received += data.len;
	return data;
}

static enum bw_err take_chunked(struct bw_http_body *b, struct bw_slice in, size_t *used, struct bw_slice *data,
				struct bw_fault *fault)
{
	size_t at = 0;
	struct bw_slice part = bw_slice_empty;

	while (at < in.len && !b->done && b->state != DATA) {
		const enum bw_err err = chunk_step(b, in.ptr[at]);

		if (err != BW_OK)
			return bw_fault_set(fault, err, at,
					    err == BW_ERR_TOO_BIG ? "the chunk, its line or the trailer is too long"
								  : "malformed chunk");
		at++;
	}
	if (b->state == DATA && at < in.len) {
		part = take_data(b, in, at);
		at += part.len;
		if (b->left == 0)
			b->state = DATA_CR;
	}
	*used = at;
	*data = part;
	return BW_OK;
}

static enum bw_err take_until_close(struct bw_http_body *b, struct bw_slice in, size_t *used, struct bw_slice *data,
				    struct bw_fault *fault)
{
	if (in.len > b->max - b->received)
		return bw_fault_set(fault, BW_ERR_TOO_BIG, 0, "the body is longer than the limit");
	b->received += in.len;
	*used = in.len;
	*data = in;
	return BW_OK;
}

enum bw_err bw_http_body_take(struct bw_http_body *body, struct bw_slice in, size_t *used, struct bw_slice *data,
			      struct bw_fault *fault)
{
	if (body->done) {
		*used = 0;
		*data = bw_slice_empty;
		return BW_OK;
	}
	if (body->kind == BW_HTTP_BODY_CHUNKED)
		return take_chunked(body, in, used, data, fault);
	if (body->kind == BW_HTTP_BODY_UNTIL_CLOSE)
		return take_until_close(body, in, used, data, fault);
	*data = take_data(body, in, 0);
	*used = data->len;
	body->done = body->left == 0;
	return BW_OK;
}

/* Statuses */

unsigned bw_http_status_of(enum bw_err err)
{
	switch (err) {
	case BW_ERR_TRUNCATED:
	case BW_ERR_TIMEOUT:
		return 408;
	case BW_ERR_TOO_BIG:
		return 414;
	case BW_ERR_TOO_MANY:
		return 431;
	case BW_ERR_RANGE:
		return 417;
	case BW_ERR_UNSUPPORTED:
		return 501;
	case BW_ERR_VERSION:
		return 505;
	default:
		return 400;
	}
}

unsigned bw_http_body_status_of(enum bw_err err)
{
	return err == BW_ERR_TOO_BIG ? 413 : bw_http_status_of(err);
}

const char *bw_http_reason(unsigned status)
{
	static const struct {
		unsigned status;
		const char *words;
	} rows[] = {
		{ 100, "Continue" },
		{ 200, "OK" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 301, "Moved Permanently" },
		{ 304, "Not Modified" },
		{ 308, "Permanent Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 421, "Misdirected Request" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
		{ 507, "Insufficient Storage" },
	};

	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		if (rows[i].status == status)
			return rows[i].words;
	}
	return "Unknown";
}

bool bw_http_is_token(struct bw_slice text)
{
	return text.len > 0 && bw_char_span(text, 0, BW_CHAR_TOKEN) == text.len;
}

bool bw_http_is_field_value(struct bw_slice text)
{
	return bw_char_span_value(text, 0) == text.len &&
	       (text.len == 0 || (!bw_is_blank(text.ptr[0]) && !bw_is_blank(text.ptr[text.len - 1])));
}
