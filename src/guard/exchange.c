#include "guard/exchange.h"

#include "base/cursor.h"
#include "crypto/cert.h"
#include "crypto/secret_input.h"
#include "net/client.h"
#include "sys/files.h"

enum { KEY_MAX = 4096, PEM_MAX = 256 * 1024, HEADER_MAX = 8 * 1024 };

void bw_exchange_release(struct bw_exchange *exchange)
{
	bw_buf_wipe(&exchange->header);
	bw_buf_release(&exchange->ca);
	*exchange = (struct bw_exchange){ 0 };
}

static void begin(struct bw_exchange *out)
{
	*out = (struct bw_exchange){ .ca = BW_BUF_INIT(PEM_MAX), .header = BW_BUF_INIT(HEADER_MAX) };
}

/* ---- one line ------------------------------------------------------------------------ */

/* ".../collections/NAME/": its last segment names it. */
static enum bw_err name_line(struct bw_slice target, char name[BW_FOREIGN_PEER_BYTES + 1])
{
	struct bw_slice last;
	size_t at;

	BW_NEED(target.len > 1 && target.ptr[target.len - 1] == '/' && memchr(target.ptr, '?', target.len) == NULL,
		SYNTAX);
	last = bw_slice_sub(target, 0, target.len - 1);
	at = last.len;
	while (at > 0 && last.ptr[at - 1] != '/')
		at--;
	BW_NEED(at >= sizeof("/collections/") - 1 &&
			bw_slice_is(bw_slice_sub(last, at - (sizeof("/collections/") - 1), sizeof("/collections/") - 1),
				    "/collections/"),
		SYNTAX);
	last = bw_slice_from(last, at);
	BW_NEED(last.len > 0 && last.len <= BW_FOREIGN_PEER_BYTES, SYNTAX);
	memcpy(name, last.ptr, last.len);
	name[last.len] = '\0';
	return BW_OK;
}

static bool is_here(const struct bw_url *url)
{
	return strcmp(url->host, "localhost") == 0 || strcmp(url->host, "::1") == 0 ||
	       strncmp(url->host, "127.", 4) == 0;
}

static enum bw_err read_url(const char *text, struct bw_url *url, char name[BW_FOREIGN_PEER_BYTES + 1],
			    struct bw_why *why)
{
	struct bw_fault fault = { 0 };

	if (bw_url_parse(bw_slice_text(text), url, &fault) != BW_OK)
		return bw_why_set(why, BW_ERR_USAGE, "'%s' is not a URL to go to: %s", text, fault.reason);
	if (name_line(bw_slice_text(url->target), name) != BW_OK)
		return bw_why_set(why, BW_ERR_USAGE, "'%s' names no collection: it ends like /api/collections/NAME/",
				  text);
	if (!url->tls && !is_here(url))
		return bw_why_set(why, BW_ERR_USAGE, "'%s' is not https: the key would cross the network in the open",
				  text);
	return BW_OK;
}

static enum bw_err add_line(struct bw_exchange *exchange, const char *text, struct bw_why *why)
{
	if (exchange->count == BW_FOREIGN_LINES_MAX)
		return bw_why_set(why, BW_ERR_USAGE, "--exchange can be given %d times", BW_FOREIGN_LINES_MAX);
	BW_TRY(read_url(text, &exchange->urls[exchange->count], exchange->names[exchange->count], why));
	for (size_t i = 0; i < exchange->count; i++) {
		if (strcmp(exchange->names[i], exchange->names[exchange->count]) == 0)
			return bw_why_set(why, BW_ERR_USAGE, "two of --exchange name a collection '%s'",
					  exchange->names[i]);
	}
	exchange->count++;
	return BW_OK;
}

/* ---- the command line ------------------------------------------------------------------- */

static enum bw_err read_key(const struct bw_call *call, struct bw_exchange *out, struct bw_why *why)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret key = { 0 };
	const char *path = bw_call_text(call, "key");
	enum bw_err err;

	if (path == NULL)
		return BW_OK;
	BW_TRY(bw_secret_from_file(path, KEY_MAX, &key, why));
	/* room first: growing would leave copies of the key behind in freed memory */
	BW_TRY(bw_buf_reserve(&out->header, HEADER_MAX - 1));
	err = bw_http_bearer(bw_secret_slice(&key), &out->header);
	return err == BW_OK ? err : bw_why_set(why, err, "the key in '%s' is not one word", path);
}

static enum bw_err read_trust(const struct bw_call *call, struct bw_exchange *out, struct bw_why *why)
{
	const char *pin = bw_call_text(call, "pin");
	const char *ca = bw_call_text(call, "cacert");

	if (pin != NULL && bw_fingerprint_parse(bw_slice_text(pin), out->pin) != BW_OK)
		return bw_why_set(why, BW_ERR_USAGE, "--pin is 64 hexadecimal digits, as breakwater init prints them");
	out->has_pin = pin != NULL;
	return ca == NULL ? BW_OK : bw_file_read(ca, &out->ca, why);
}

static enum bw_err read_all(const struct bw_call *call, struct bw_exchange *out, struct bw_why *why)
{
	const size_t count = bw_call_count(call, "exchange");

	out->reports = bw_call_has(call, "report-to");
	if (count == 0 && !out->reports &&
	    (bw_call_has(call, "key") || bw_call_has(call, "cacert") || bw_call_has(call, "pin")))
		return bw_why_set(why, BW_ERR_USAGE, "--key, --cacert and --pin go with --exchange or --report-to");
	if (!out->reports && bw_call_has(call, "report-when"))
		return bw_why_set(why, BW_ERR_USAGE, "--report-when goes with --report-to");
	for (size_t i = 0; i < count; i++)
		BW_TRY(add_line(out, bw_call_nth(call, "exchange", i), why));
	if (out->reports)
		BW_TRY(read_url(bw_call_text(call, "report-to"), &out->report_to, out->report_name, why));
	BW_TRY(read_key(call, out, why));
	return read_trust(call, out, why);
}

enum bw_err bw_exchange_read(const struct bw_call *call, struct bw_exchange *out, struct bw_why *why)
{
	enum bw_err err;

	begin(out);
	err = read_all(call, out, why);
	if (err != BW_OK)
		bw_exchange_release(out);
	return err;
}

/* ---- to the caller --------------------------------------------------------------------------- */

static enum bw_err add_url(struct bw_buf *out, const struct bw_url *url)
{
	char text[BW_URL_TEXT_BYTES];

	bw_url_text(url, text);
	return bw_buf_add_block(out, bw_slice_text(text));
}

enum bw_err bw_exchange_add(struct bw_buf *out, const struct bw_exchange *exchange)
{
	BW_TRY(bw_buf_add_u8(out, (uint8_t)exchange->count));
	for (size_t i = 0; i < exchange->count; i++)
		BW_TRY(add_url(out, &exchange->urls[i]));
	if (exchange->reports)
		BW_TRY(add_url(out, &exchange->report_to));
	else
		BW_TRY(bw_buf_add_block(out, bw_slice_empty));
	BW_TRY(bw_buf_add_block(out, bw_slice_of(exchange->pin, exchange->has_pin ? sizeof(exchange->pin) : 0)));
	BW_TRY(bw_buf_add_block(out, bw_buf_slice(&exchange->ca)));
	return bw_buf_add_block(out, bw_buf_slice(&exchange->header));
}

static enum bw_err take_url(struct bw_cursor *c, struct bw_url *url, char name[BW_FOREIGN_PEER_BYTES + 1], bool *is_one)
{
	struct bw_slice text;

	BW_TRY(bw_take_block(c, BW_URL_TEXT_BYTES, &text));
	*is_one = text.len > 0;
	if (!*is_one)
		return BW_OK;
	BW_TRY(bw_url_parse(text, url, NULL));
	return name_line(bw_slice_text(url->target), name);
}

static enum bw_err take_lines(struct bw_cursor *c, struct bw_exchange *out)
{
	bool is_one;
	uint8_t count;

	BW_TRY(bw_take_u8(c, &count));
	BW_NEED(count <= BW_FOREIGN_LINES_MAX, PROTOCOL);
	for (size_t i = 0; i < count; i++) {
		BW_TRY(take_url(c, &out->urls[i], out->names[i], &is_one));
		BW_NEED(is_one, PROTOCOL);
	}
	out->count = count;
	return take_url(c, &out->report_to, out->report_name, &out->reports);
}

static enum bw_err take_all(struct bw_cursor *c, struct bw_exchange *out)
{
	struct bw_slice pin;
	struct bw_slice ca;
	struct bw_slice header;

	BW_TRY(take_lines(c, out));
	BW_TRY(bw_take_block(c, sizeof(out->pin), &pin));
	BW_TRY(bw_take_block(c, PEM_MAX, &ca));
	BW_TRY(bw_take_block(c, HEADER_MAX, &header));
	BW_NEED((pin.len == 0 || pin.len == sizeof(out->pin)) && bw_cursor_left(c) == 0, PROTOCOL);
	out->has_pin = pin.len > 0;
	memcpy(out->pin, pin.ptr, pin.len);
	BW_TRY(bw_buf_add(&out->ca, ca));
	BW_TRY(bw_buf_reserve(&out->header, HEADER_MAX - 1));
	return bw_buf_add(&out->header, header);
}

enum bw_err bw_exchange_parse(struct bw_slice body, struct bw_exchange *out)
{
	struct bw_cursor c = bw_cursor_over(body);
	enum bw_err err;

	begin(out);
	err = take_all(&c, out);
	if (err != BW_OK) {
		bw_exchange_release(out);
		return BW_ERR_PROTOCOL;
	}
	return BW_OK;
}
