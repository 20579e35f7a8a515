#include "codec/http.h"

#include "base/num.h"
#include "base/text.h"
#include "codec/chars.h"

/* The head as far as it has been read. */
struct scan {
	struct bw_slice in; /* cut at BW_HTTP_HEAD_MAX */
	size_t at;
	bool full; /* `in` is as long as a head may be: no more is coming */
	struct bw_fault *fault;
};

struct known_row {
	const char *name;
	bool once;
};

static const struct known_row known_rows[] = {
#define X(symbol, name, once) { (name), (once) },
	BW_HTTP_KNOWN_ROWS(X)
#undef X
};

/* `lower` has the token's length and only lower-case letters and dashes: setting bit 5 folds case then. */
static bool token_is(struct bw_slice token, const char *lower)
{
	for (size_t i = 0; i < token.len; i++) {
		if ((token.ptr[i] | 0x20) != (uint8_t)lower[i])
			return false;
	}
	return true;
}

static enum bw_err ask_for_more(const struct scan *s)
{
	return s->full ? bw_fault_set(s->fault, BW_ERR_TOO_MANY, s->in.len, "the head is longer than the limit")
		       : BW_ERR_TRUNCATED;
}

/*
 * Refuses a line only once its end is here. A head that arrives in pieces is
 * looked at when a line ends, so the verdict does not depend on how it was cut.
 */
static enum bw_err refuse(const struct scan *s, enum bw_err err, size_t at, const char *reason)
{
	const struct bw_slice rest = bw_slice_from(s->in, at);

	if (memchr(rest.ptr, '\n', rest.len) == NULL)
		return ask_for_more(s);
	return bw_fault_set(s->fault, err, at, reason);
}

static enum bw_err take_line_end(struct scan *s)
{
	if (s->at >= s->in.len)
		return ask_for_more(s);
	if (s->in.ptr[s->at] != '\r')
		return refuse(s, BW_ERR_SYNTAX, s->at, "a line ends in CR LF and holds no control character");
	if (s->at + 1 >= s->in.len)
		return ask_for_more(s);
	if (s->in.ptr[s->at + 1] != '\n')
		return refuse(s, BW_ERR_SYNTAX, s->at, "CR without LF");
	s->at += 2;
	return BW_OK;
}

/* Fields */

/* 1 + the known name, or 0. Names are told apart by length first: at most three share one. */
static unsigned known_of(struct bw_slice name)
{
	enum { LENGTHS = 18, SHARE = 3 };
	static const uint8_t by_length[LENGTHS][SHARE] = {
		[4] = { 1 + BW_HTTP_HOST, 1 + BW_HTTP_DATE, 1 + BW_HTTP_ETAG },
		[6] = { 1 + BW_HTTP_ACCEPT, 1 + BW_HTTP_EXPECT, 1 + BW_HTTP_ORIGIN },
		[8] = { 1 + BW_HTTP_LOCATION },
		[10] = { 1 + BW_HTTP_CONNECTION, 1 + BW_HTTP_USER_AGENT },
		[11] = { 1 + BW_HTTP_RETRY_AFTER },
		[12] = { 1 + BW_HTTP_CONTENT_TYPE },
		[13] = { 1 + BW_HTTP_AUTHORIZATION, 1 + BW_HTTP_IF_NONE_MATCH },
		[14] = { 1 + BW_HTTP_CONTENT_LENGTH },
		[15] = { 1 + BW_HTTP_ACCEPT_ENCODING },
		[16] = { 1 + BW_HTTP_CONTENT_ENCODING, 1 + BW_HTTP_WWW_AUTHENTICATE },
		[17] = { 1 + BW_HTTP_TRANSFER_ENCODING },
	};

	for (size_t i = 0; name.len < LENGTHS && i < SHARE; i++) {
		const unsigned known = by_length[name.len][i];

		if (known == 0 || token_is(name, known_rows[known - 1].name))
			return known;
	}
	return 0;
}

static enum bw_err note_known(struct scan *s, struct bw_http_head *head, struct bw_slice name, size_t name_at)
{
	const unsigned known = known_of(name);

	if (known == 0)
		return BW_OK;
	if (head->known[known - 1] == 0)
		head->known[known - 1] = (uint8_t)(head->fields_n + 1);
	else if (known_rows[known - 1].once)
		return refuse(s, BW_ERR_DUPLICATE, name_at, "this field may stand only once");
	return BW_OK;
}

static enum bw_err take_field(struct scan *s, struct bw_http_head *head)
{
	const size_t name_at = s->at;
	const size_t name_end = bw_char_span(s->in, name_at, BW_CHAR_TOKEN);
	const struct bw_slice name = bw_slice_sub(s->in, name_at, name_end - name_at);
	size_t value_at = name_end + 1;
	size_t value_end;

	if (name_end >= s->in.len)
		return ask_for_more(s);
	if (s->in.ptr[name_end] != ':' || name.len == 0)
		return refuse(s, BW_ERR_SYNTAX, name_end, "a field is a name, a colon right behind it, and a value");
	while (value_at < s->in.len && bw_is_blank(s->in.ptr[value_at]))
		value_at++;
	value_end = bw_char_span_value(s->in, value_at);
	s->at = value_end;
	BW_TRY(take_line_end(s));

	if (head->fields_n == BW_HTTP_FIELDS_MAX)
		return refuse(s, BW_ERR_TOO_MANY, name_at, "more field lines than the limit");
	BW_TRY(note_known(s, head, name, name_at));
	while (value_end > value_at && bw_is_blank(s->in.ptr[value_end - 1]))
		value_end--;
	head->fields[head->fields_n].name = name;
	head->fields[head->fields_n].value = bw_slice_sub(s->in, value_at, value_end - value_at);
	head->fields_n++;
	return BW_OK;
}

static enum bw_err take_fields(struct scan *s, struct bw_http_head *head)
{
	head->fields_n = 0;
	memset(head->known, 0, sizeof(head->known));
	while (s->at < s->in.len && s->in.ptr[s->at] != '\r')
		BW_TRY(take_field(s, head));
	BW_TRY(take_line_end(s));
	head->head_bytes = s->at;
	return BW_OK;
}

bool bw_http_each(const struct bw_http_head *head, const char *name, size_t *at, struct bw_slice *value)
{
	for (size_t i = *at; i < head->fields_n; i++) {
		if (bw_slice_is_nocase(head->fields[i].name, name)) {
			*value = head->fields[i].value;
			*at = i + 1;
			return true;
		}
	}
	*at = head->fields_n;
	return false;
}

/* What the fields say about the body and the connection: RFC 9112 6 and 9.3 */

static size_t offset_of(const struct scan *s, struct bw_slice part)
{
	return (size_t)(part.ptr - s->in.ptr);
}

static enum bw_err refuse_field(const struct scan *s, const struct bw_http_head *head, enum bw_http_known which,
				enum bw_err err, const char *reason)
{
	return bw_fault_set(s->fault, err, offset_of(s, head->fields[head->known[which] - 1].name), reason);
}

static enum bw_err read_length(const struct scan *s, struct bw_http_head *head)
{
	const enum bw_err err = bw_parse_u64(bw_http_known_value(head, BW_HTTP_CONTENT_LENGTH), &head->content_length);

	if (err == BW_ERR_OVERFLOW)
		head->content_length = UINT64_MAX; /* digits, but beyond every limit: the body is TOO_BIG */
	else if (err != BW_OK)
		return refuse_field(s, head, BW_HTTP_CONTENT_LENGTH, BW_ERR_SYNTAX, "Content-Length is digits only");
	head->body = BW_HTTP_BODY_LENGTH;
	return BW_OK;
}

static enum bw_err read_coding(const struct scan *s, struct bw_http_head *head)
{
	if (head->minor == 0) /* RFC 9112 6.1: the framing of such a message is faulty */
		return refuse_field(s, head, BW_HTTP_TRANSFER_ENCODING, BW_ERR_SYNTAX,
				    "HTTP/1.0 has no Transfer-Encoding");
	if (bw_http_has(head, BW_HTTP_CONTENT_LENGTH))
		return refuse_field(s, head, BW_HTTP_TRANSFER_ENCODING, BW_ERR_CONFLICT,
				    "Content-Length and Transfer-Encoding together");
	if (!bw_slice_is_nocase(bw_http_known_value(head, BW_HTTP_TRANSFER_ENCODING), "chunked"))
		return refuse_field(s, head, BW_HTTP_TRANSFER_ENCODING, BW_ERR_UNSUPPORTED,
				    "the only transfer coding known here is chunked");
	head->body = BW_HTTP_BODY_CHUNKED;
	return BW_OK;
}

static enum bw_err read_framing(const struct scan *s, struct bw_http_head *head, enum bw_http_body_kind otherwise)
{
	head->body = otherwise;
	head->content_length = 0;
	if (bw_http_has(head, BW_HTTP_TRANSFER_ENCODING))
		return read_coding(s, head);
	if (bw_http_has(head, BW_HTTP_CONTENT_LENGTH))
		return read_length(s, head);
	return BW_OK;
}

/* Notes "close" and "keep-alive" of one Connection line; other options concern nobody here. */
static void read_options(struct bw_slice value, bool *says_close, bool *says_keep)
{
	struct bw_slice rest = value;

	while (rest.len > 0) {
		struct bw_slice option = rest;
		struct bw_slice tail = bw_slice_empty;

		(void)bw_slice_cut(rest, ',', &option, &tail); /* the last one has no comma */
		option = bw_slice_trim(option);
		*says_close |= bw_slice_is_nocase(option, "close");
		*says_keep |= bw_slice_is_nocase(option, "keep-alive");
		rest = tail;
	}
}

static void read_connection(struct bw_http_head *head)
{
	bool says_close = false;
	bool says_keep = false;
	size_t at = head->known[BW_HTTP_CONNECTION];
	struct bw_slice value;

	if (at > 0) {
		at--;
		while (bw_http_each(head, "connection", &at, &value))
			read_options(value, &says_close, &says_keep);
	}
	head->keep_alive = !says_close && (head->minor > 0 || says_keep) && head->body != BW_HTTP_BODY_UNTIL_CLOSE;
}

/* Start lines */

static enum bw_err take_version(struct scan *s, uint8_t *minor)
{
	static const char name[] = "HTTP/1.";
	const size_t len = sizeof(name) - 1;
	const struct bw_slice text = bw_slice_sub(s->in, s->at, len + 1);

	if (bw_slice_starts(text, BW_LIT("HTTP/")) && text.len > 5 && bw_is_digit(text.ptr[5]) && text.ptr[5] != '1')
		return refuse(s, BW_ERR_VERSION, s->at, "only HTTP/1.x is spoken here");
	if (text.len < len + 1 || memcmp(text.ptr, name, len) != 0 || !bw_is_digit(text.ptr[len]))
		return refuse(s, BW_ERR_SYNTAX, s->at, "no HTTP version");
	*minor = text.ptr[len] == '0' ? 0 : 1; /* a later 1.x is answered as 1.1: RFC 9110 2.5 */
	s->at += len + 1;
	return BW_OK;
}

static enum bw_http_method method_of(struct bw_slice text)
{
	static const struct {
		const char *name;
		enum bw_http_method method;
	} rows[] = {
		{ "GET", BW_HTTP_GET }, { "POST", BW_HTTP_POST },     { "HEAD", BW_HTTP_HEAD },
		{ "PUT", BW_HTTP_PUT }, { "DELETE", BW_HTTP_DELETE }, { "OPTIONS", BW_HTTP_OPTIONS },
	};

	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		if (bw_slice_is(text, rows[i].name))
			return rows[i].method;
	}
	return BW_HTTP_OTHER;
}

/* Cuts "path?query"; an absolute form may have an empty path, which means "/". */
static void split_target(struct bw_slice text, struct bw_http_request *out)
{
	out->path = text;
	out->query = bw_slice_empty;
	(void)bw_slice_cut(text, '?', &out->path, &out->query);
	if (out->path.len == 0)
		out->path = BW_LIT("/");
}

static enum bw_err split_absolute(const struct scan *s, struct bw_slice text, struct bw_http_request *out)
{
	const size_t scheme = bw_slice_is_nocase(bw_slice_sub(text, 0, 7), "http://")    ? 7
			      : bw_slice_is_nocase(bw_slice_sub(text, 0, 8), "https://") ? 8
											 : 0;
	const size_t end = bw_char_span(text, scheme, BW_CHAR_HOST);

	if (scheme == 0)
		return refuse(s, BW_ERR_SYNTAX, offset_of(s, text), "the request target is a path or an http URL");
	if (end == scheme || (end < text.len && text.ptr[end] != '/' && text.ptr[end] != '?'))
		return refuse(s, BW_ERR_SYNTAX, offset_of(s, text) + end, "the request target's host is malformed");
	out->authority = bw_slice_sub(text, scheme, end - scheme);
	split_target(bw_slice_from(text, end), out);
	return BW_OK;
}

static enum bw_err read_target(const struct scan *s, struct bw_http_request *out)
{
	const struct bw_slice target = out->target;

	out->authority = bw_slice_empty;
	if (target.ptr[0] == '/') {
		split_target(target, out);
		return BW_OK;
	}
	if (out->method == BW_HTTP_OPTIONS && bw_slice_is(target, "*")) {
		out->path = target;
		out->query = bw_slice_empty;
		return BW_OK;
	}
	return split_absolute(s, target, out);
}

static enum bw_err take_word(struct scan *s, unsigned classes, const char *reason, struct bw_slice *out)
{
	const size_t end = bw_char_span(s->in, s->at, classes);

	if (end == s->at || end >= s->in.len || s->in.ptr[end] != ' ')
		return refuse(s, BW_ERR_SYNTAX, end, reason);
	*out = bw_slice_sub(s->in, s->at, end - s->at);
	s->at = end + 1;
	return BW_OK;
}

/* Longer than the limit, whether or not its end has come. */
static enum bw_err check_line_length(const struct scan *s)
{
	const size_t limit = BW_HTTP_LINE_MAX;
	const struct bw_slice line = bw_slice_sub(s->in, 0, limit);

	if (s->in.len < limit)
		return BW_OK;
	if (memchr(&line.ptr[s->at], '\n', line.len - s->at) != NULL)
		return BW_OK;
	return bw_fault_set(s->fault, BW_ERR_TOO_BIG, limit, "the request line is longer than the limit");
}

static enum bw_err take_request_line(struct scan *s, struct bw_http_request *out)
{
	if (s->in.len >= 2 && s->in.ptr[0] == '\r' && s->in.ptr[1] == '\n')
		s->at = 2;
	BW_TRY(check_line_length(s));
	BW_TRY(take_word(s, BW_CHAR_TOKEN, "a request starts with a method and one blank", &out->method_text));
	BW_TRY(take_word(s, BW_CHAR_TARGET, "behind the method stand a target and one blank", &out->target));
	out->method = method_of(out->method_text);
	BW_TRY(read_target(s, out));
	BW_TRY(take_version(s, &out->head.minor));
	return take_line_end(s);
}

/* Heads */

static struct scan scan_over(struct bw_slice in, struct bw_fault *fault)
{
	return (struct scan){ bw_slice_sub(in, 0, BW_HTTP_HEAD_MAX), 0, in.len >= BW_HTTP_HEAD_MAX, fault };
}

/* False when the new bytes cannot have changed the verdict: no line ended, no limit was reached. */
static bool worth_a_look(struct bw_slice in, size_t seen)
{
	const struct bw_slice fresh = bw_slice_from(in, seen);
	const bool limit = (seen < BW_HTTP_LINE_MAX && in.len >= BW_HTTP_LINE_MAX) || in.len >= BW_HTTP_HEAD_MAX;

	return seen == 0 || limit || memchr(fresh.ptr, '\n', fresh.len) != NULL;
}

/* Host, for a request: RFC 9112 3.2. The host of an absolute target goes before it. */
static enum bw_err read_host(const struct scan *s, struct bw_http_request *out)
{
	const struct bw_slice host = bw_http_known_value(&out->head, BW_HTTP_HOST);

	if (!bw_http_has(&out->head, BW_HTTP_HOST)) {
		if (out->head.minor > 0)
			return bw_fault_set(s->fault, BW_ERR_MISSING, s->at, "an HTTP/1.1 request needs Host");
		return BW_OK;
	}
	if (bw_char_span(host, 0, BW_CHAR_HOST) != host.len)
		return refuse_field(s, &out->head, BW_HTTP_HOST, BW_ERR_SYNTAX, "Host is malformed");
	if (out->authority.len == 0)
		out->authority = host;
	return BW_OK;
}

static enum bw_err read_expect(const struct scan *s, struct bw_http_head *head)
{
	const bool body = head->body == BW_HTTP_BODY_CHUNKED || head->content_length > 0;

	head->expect_continue = false;
	if (head->minor == 0 || !bw_http_has(head, BW_HTTP_EXPECT)) /* RFC 9110 10.1.1: 1.0 is ignored */
		return BW_OK;
	if (!bw_slice_is_nocase(bw_http_known_value(head, BW_HTTP_EXPECT), "100-continue"))
		return refuse_field(s, head, BW_HTTP_EXPECT, BW_ERR_RANGE,
				    "the only expectation known is 100-continue");
	head->expect_continue = body;
	return BW_OK;
}

static enum bw_err parse_request(struct scan *s, struct bw_http_request *out)
{
	if (s->in.len == 0)
		return BW_ERR_TRUNCATED;
	if (!bw_char_is(s->in.ptr[0], BW_CHAR_TOKEN) && s->in.ptr[0] != '\r')
		return bw_fault_set(s->fault, BW_ERR_SYNTAX, 0, "this is not HTTP");
	BW_TRY(take_request_line(s, out));
	BW_TRY(take_fields(s, &out->head));
	BW_TRY(read_host(s, out));
	BW_TRY(read_framing(s, &out->head, BW_HTTP_BODY_NONE));
	BW_TRY(read_expect(s, &out->head));
	read_connection(&out->head);
	return BW_OK;
}

enum bw_err bw_http_request_parse(struct bw_slice in, size_t *seen, struct bw_http_request *out, struct bw_fault *fault)
{
	struct scan s = scan_over(in, fault);
	enum bw_err err = BW_ERR_TRUNCATED;

	if (worth_a_look(in, *seen))
		err = parse_request(&s, out);
	if (err == BW_ERR_TRUNCATED)
		*seen = in.len;
	return err;
}

static enum bw_err take_status(struct scan *s, struct bw_http_response *out)
{
	const struct bw_slice text = bw_slice_sub(s->in, s->at, 5);
	const uint8_t *c = text.ptr;
	size_t end;

	if (text.len < 5 || c[0] != ' ' || !bw_is_digit(c[1]) || !bw_is_digit(c[2]) || !bw_is_digit(c[3]))
		return refuse(s, BW_ERR_SYNTAX, s->at, "behind the version stands a status of three digits");
	out->status = (unsigned)((c[1] - '0') * 100 + (c[2] - '0') * 10 + (c[3] - '0'));
	if (out->status < 100 || out->status > 599)
		return refuse(s, BW_ERR_SYNTAX, s->at, "the status is not between 100 and 599");
	s->at += 4;
	/* the blank before an empty reason is often forgotten, and harmless */
	if (c[4] == ' ')
		s->at++;
	else if (c[4] != '\r')
		return refuse(s, BW_ERR_SYNTAX, s->at, "behind the version stands a status of three digits");
	end = bw_char_span_value(s->in, s->at);
	out->reason = bw_slice_sub(s->in, s->at, end - s->at);
	s->at = end;
	return take_line_end(s);
}

static bool has_no_body(unsigned status, bool was_head)
{
	return was_head || status < 200 || status == 204 || status == 304;
}

static enum bw_err parse_response(struct scan *s, bool was_head, struct bw_http_response *out)
{
	if (s->in.len == 0)
		return BW_ERR_TRUNCATED;
	if (s->in.ptr[0] != 'H')
		return bw_fault_set(s->fault, BW_ERR_SYNTAX, 0, "this is not HTTP");
	BW_TRY(check_line_length(s));
	BW_TRY(take_version(s, &out->head.minor));
	BW_TRY(take_status(s, out));
	BW_TRY(take_fields(s, &out->head));
	BW_TRY(read_framing(s, &out->head, BW_HTTP_BODY_UNTIL_CLOSE));
	out->head.expect_continue = false;
	if (has_no_body(out->status, was_head))
		out->head.body = BW_HTTP_BODY_NONE;
	read_connection(&out->head);
	return BW_OK;
}

enum bw_err bw_http_response_parse(struct bw_slice in, bool was_head, size_t *seen, struct bw_http_response *out,
				   struct bw_fault *fault)
{
	struct scan s = scan_over(in, fault);
	enum bw_err err = BW_ERR_TRUNCATED;

	if (worth_a_look(in, *seen))
		err = parse_response(&s, was_head, out);
	if (err == BW_ERR_TRUNCATED)
		*seen = in.len;
	return err;
}
