/*
 * HTTP/1.1 framing (RFC 9112) as pure functions: bytes in, slices out. The
 * slices borrow from the bytes that were given; nothing is copied or allocated.
 *
 * Strict where request smuggling lives: CR LF ends every line and appears
 * nowhere else, no folded lines, no blank between a field's name and its colon,
 * never both Content-Length and Transfer-Encoding, never either of them twice,
 * no list in Content-Length, no coding but chunked.
 *
 * Errors, and the status a server answers (bw_http_status_of):
 *   TRUNCATED    the head is not complete: call again with more bytes    (408 if it never comes)
 *   SYNTAX       not HTTP                                                400
 *   DUPLICATE    a field that may stand once stands twice                400
 *   MISSING      HTTP/1.1 request without Host                           400
 *   CONFLICT     Content-Length together with Transfer-Encoding          400
 *   TOO_BIG      request line longer than BW_HTTP_LINE_MAX               414
 *   TOO_MANY     too many field lines, or they are too long together     431
 *   RANGE        an expectation other than 100-continue                  417
 *   UNSUPPORTED  a transfer coding other than chunked                    501
 *   VERSION      neither HTTP/1.0 nor HTTP/1.x                           505
 * While a body is read: SYNTAX 400, TOO_BIG 413 (use bw_http_body_status_of).
 * All but TRUNCATED are final: answer and close.
 */
#ifndef BW_CODEC_HTTP_H
#define BW_CODEC_HTTP_H

#include "base/bytes.h"

enum {
	BW_HTTP_LINE_MAX = 8 * 1024,  /* request line; RFC 9112 3 asks for 8000 at least */
	BW_HTTP_HEAD_MAX = 24 * 1024, /* request line and all field lines, blank lines included */
	BW_HTTP_FIELDS_MAX = 64,      /* field lines in one head; browsers send about 20 */
	BW_HTTP_CHUNK_LINE_MAX = 256, /* a chunk's size with its extensions */
	BW_HTTP_TRAILER_MAX = 4096,   /* all trailer lines together; checked, then dropped */
};

/* X(symbol, lower-case name, may stand once only: what decides framing, place or identity) */
#define BW_HTTP_KNOWN_ROWS(X)                           \
	X(HOST, "host", true)                           \
	X(CONTENT_LENGTH, "content-length", true)       \
	X(TRANSFER_ENCODING, "transfer-encoding", true) \
	X(CONNECTION, "connection", false)              \
	X(EXPECT, "expect", true)                       \
	X(ACCEPT, "accept", false)                      \
	X(ACCEPT_ENCODING, "accept-encoding", false)    \
	X(AUTHORIZATION, "authorization", true)         \
	X(CONTENT_TYPE, "content-type", true)           \
	X(CONTENT_ENCODING, "content-encoding", false)  \
	X(ORIGIN, "origin", true)                       \
	X(USER_AGENT, "user-agent", false)              \
	X(IF_NONE_MATCH, "if-none-match", false)        \
	X(ETAG, "etag", false)                          \
	X(LOCATION, "location", true)                   \
	X(RETRY_AFTER, "retry-after", false)            \
	X(DATE, "date", false)                          \
	X(WWW_AUTHENTICATE, "www-authenticate", false)

enum bw_http_known {
#define X(symbol, name, once) BW_HTTP_##symbol,
	BW_HTTP_KNOWN_ROWS(X)
#undef X
		BW_HTTP_KNOWN_COUNT
};

enum bw_http_method {
	BW_HTTP_OTHER, /* any other token; the server says 405 or 501 */
	BW_HTTP_GET,
	BW_HTTP_HEAD,
	BW_HTTP_POST,
	BW_HTTP_PUT,
	BW_HTTP_DELETE,
	BW_HTTP_OPTIONS,
};

enum bw_http_body_kind {
	BW_HTTP_BODY_NONE,
	BW_HTTP_BODY_LENGTH,
	BW_HTTP_BODY_CHUNKED,
	BW_HTTP_BODY_UNTIL_CLOSE, /* responses only */
};

struct bw_http_field {
	struct bw_slice name;  /* as sent; compare without case */
	struct bw_slice value; /* without the blanks around it; may hold bytes >= 0x80 */
};

struct bw_http_head {
	size_t head_bytes; /* length of the head: the body starts there */
	size_t fields_n;
	uint8_t minor;        /* 0 for HTTP/1.0, else 1 */
	bool keep_alive;      /* the connection may serve another exchange after this one */
	bool expect_continue; /* an HTTP/1.1 client waits for "100 Continue" before its body */
	enum bw_http_body_kind body;
	uint64_t content_length;                         /* when body is LENGTH */
	uint8_t known[BW_HTTP_KNOWN_COUNT];              /* 1 + index of the first such field, or 0 */
	struct bw_http_field fields[BW_HTTP_FIELDS_MAX]; /* only the first fields_n are set */
};

struct bw_http_request {
	enum bw_http_method method;
	struct bw_slice method_text;
	struct bw_slice target;    /* as sent: visible ASCII without '#' */
	struct bw_slice path;      /* of origin-form and absolute-form, still percent-encoded; "*" for OPTIONS */
	struct bw_slice query;     /* after the '?', still percent-encoded; empty when absent */
	struct bw_slice authority; /* from absolute-form, else Host; empty for HTTP/1.0 without Host */
	struct bw_http_head head;
};

struct bw_http_response {
	unsigned status; /* 100..599 */
	struct bw_slice reason;
	struct bw_http_head head;
};

/*
 * Parses a head at the start of `in` (everything received for this message so
 * far). `*seen` starts at 0 for each message and is the parser's own: it lets a
 * head that trickles in byte by byte cost no more than its lines. Feed the
 * same bytes again with more behind them; they may have moved in memory.
 *
 * One empty line before a request is skipped (RFC 9112 2.2) and counts in
 * head_bytes. `out` is undefined unless BW_OK; `fault` may be NULL.
 */
BW_MUST_USE enum bw_err bw_http_request_parse(struct bw_slice in, size_t *seen, struct bw_http_request *out,
					      struct bw_fault *fault);

/* The same for the answer to a request; `was_head`: the request's method was HEAD. */
BW_MUST_USE enum bw_err bw_http_response_parse(struct bw_slice in, bool was_head, size_t *seen,
					       struct bw_http_response *out, struct bw_fault *fault);

/* The first field of that kind; an empty slice when absent (see bw_http_has). */
static inline struct bw_slice bw_http_known_value(const struct bw_http_head *head, enum bw_http_known which)
{
	const uint8_t at = head->known[which];

	return at == 0 ? bw_slice_empty : head->fields[at - 1].value;
}

static inline bool bw_http_has(const struct bw_http_head *head, enum bw_http_known which)
{
	return head->known[which] != 0;
}

/*
 * Walks all fields called `name` (any case), in order: start with `*at` = 0,
 * true while there is another. For lists such as Accept, which may be spread
 * over several lines, and for fields that are not in the rows above.
 */
bool bw_http_each(const struct bw_http_head *head, const char *name, size_t *at, struct bw_slice *value);

/*
 * Decodes a body as it arrives, whichever way it is framed.
 *
 *   bw_http_body_init(&body, &request.head, limit);
 *   while (!body.done && in.len > 0) {
 *           BW_TRY(bw_http_body_take(&body, in, &used, &data, &fault));
 *           (keep `data`, which borrows from `in` and may be empty)
 *           in = bw_slice_from(in, used);
 *   }
 *
 * When `done` is set, what is left of `in` belongs to the next message.
 * UNTIL_CLOSE never sets it: the close of the connection does.
 */
struct bw_http_body {
	enum bw_http_body_kind kind;
	bool done;
	uint8_t state; /* of the chunk reader; its own */
	uint8_t digits;
	uint16_t line;     /* bytes of the current chunk or trailer line */
	uint16_t trailer;  /* bytes of trailer lines so far */
	uint64_t left;     /* bytes of the body (LENGTH) or chunk (CHUNKED) still to come */
	uint64_t received; /* body bytes handed out */
	uint64_t max;      /* most body bytes ever handed out */
};

/* TOO_BIG at once when a Content-Length is above `max`. */
BW_MUST_USE enum bw_err bw_http_body_init(struct bw_http_body *body, const struct bw_http_head *head, uint64_t max);

/*
 * Never asks for more: takes what there is. `*used` > 0 unless `in` is empty or
 * the body is done. SYNTAX, TOO_BIG (a chunk announces more than `max` in all,
 * or its line or the trailer is too long): final, outputs untouched.
 */
BW_MUST_USE enum bw_err bw_http_body_take(struct bw_http_body *body, struct bw_slice in, size_t *used,
					  struct bw_slice *data, struct bw_fault *fault);

/* The status to answer when a head or a body was refused. */
unsigned bw_http_status_of(enum bw_err err);
unsigned bw_http_body_status_of(enum bw_err err);

/* "Not Found" for 404; "Unknown" for a status we do not know. Static. */
const char *bw_http_reason(unsigned status);

/* May stand as a field name (a token), or as a field value in a head we write. */
bool bw_http_is_token(struct bw_slice text);
bool bw_http_is_field_value(struct bw_slice text);

#endif
