#include "store/audit_line.h"

#include "base/cursor.h"
#include "base/num.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "sys/clock.h"

/* ---- writing ------------------------------------------------------------------ */

static const char escapes[32] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };

static enum bw_err add_byte(struct bw_buf *out, uint8_t c)
{
	if (c == '"' || c == '\\')
		BW_TRY(bw_buf_add_u8(out, '\\'));
	else if (c < 0x20)
		return escapes[c] != 0 ? bw_buf_addf(out, "\\%c", escapes[c]) : bw_buf_addf(out, "\\u%04x", c);
	return bw_buf_add_u8(out, c);
}

static enum bw_err add_valid(struct bw_buf *out, struct bw_slice text)
{
	for (size_t i = 0; i < text.len; i++)
		BW_TRY(add_byte(out, text.ptr[i]));
	return BW_OK;
}

/* At most BW_AUDIT_FIELD_MAX bytes, never in the middle of a character. */
static struct bw_slice cut(struct bw_slice text)
{
	size_t len = text.len;

	if (len <= BW_AUDIT_FIELD_MAX)
		return text;
	for (len = BW_AUDIT_FIELD_MAX; len > BW_AUDIT_FIELD_MAX - 4 && (text.ptr[len] & 0xc0) == 0x80;)
		len--;
	return bw_slice_sub(text, 0, len);
}

static enum bw_err add_string(struct bw_buf *out, struct bw_slice text)
{
	struct bw_slice rest = cut(text);
	size_t bad;

	BW_TRY(bw_buf_add_u8(out, '"'));
	while (!bw_utf8_is_valid(rest, &bad)) {
		BW_TRY(add_valid(out, bw_slice_sub(rest, 0, bad)));
		BW_TRY(bw_buf_add_text(out, "\xef\xbf\xbd"));
		rest = bw_slice_from(rest, bad + 1);
	}
	BW_TRY(add_valid(out, rest));
	return bw_buf_add_u8(out, '"');
}

static enum bw_err add_text(struct bw_buf *out, const char *before, struct bw_slice text)
{
	BW_TRY(bw_buf_add_text(out, before));
	return add_string(out, text);
}

static enum bw_err add_number(struct bw_buf *out, const char *before, uint64_t number)
{
	return bw_buf_addf(out, "%s%llu", before, (unsigned long long)number);
}

static enum bw_err add_hash(struct bw_buf *out, const char *before, const uint8_t hash[BW_AUDIT_HASH_BYTES])
{
	char hex[2 * BW_AUDIT_HASH_BYTES + 1];

	bw_hex_encode(bw_slice_of(hash, BW_AUDIT_HASH_BYTES), hex);
	return bw_buf_addf(out, "%s\"%s\"", before, hex);
}

static enum bw_err chain_hash(const uint8_t prev[BW_AUDIT_HASH_BYTES], struct bw_slice text,
			      uint8_t out[BW_AUDIT_HASH_BYTES])
{
	BW_CLEANUP(bw_buf_release) struct bw_buf whole = BW_BUF_INIT(BW_AUDIT_LINE_MAX + BW_AUDIT_HASH_BYTES);

	BW_TRY(bw_buf_add(&whole, bw_slice_of(prev, BW_AUDIT_HASH_BYTES)));
	BW_TRY(bw_buf_add(&whole, text));
	return bw_sha256(bw_buf_slice(&whole), out);
}

enum bw_err bw_audit_line_write(struct bw_audit_line *line, struct bw_buf *out)
{
	const size_t from = out->len;
	char time[BW_TIME_BYTES];

	bw_time_format(line->time_us, time);
	BW_TRY(add_text(out, "{\"account\":", line->account));
	BW_TRY(add_text(out, ",\"action\":", line->action));
	BW_TRY(add_text(out, ",\"address\":", line->address));
	BW_TRY(add_number(out, ",\"count\":", line->count));
	BW_TRY(add_text(out, ",\"note\":", line->note));
	BW_TRY(add_hash(out, ",\"prev\":", line->prev));
	BW_TRY(add_number(out, ",\"seq\":", line->seq));
	BW_TRY(add_number(out, ",\"status\":", line->status));
	BW_TRY(add_text(out, ",\"target\":", line->target));
	BW_TRY(add_text(out, ",\"time\":", bw_slice_text(time)));
	BW_TRY(chain_hash(line->prev, bw_slice_from(bw_buf_slice(out), from), line->hash));
	BW_TRY(add_hash(out, ",\"hash\":", line->hash));
	return bw_buf_add_u8(out, '}');
}

/* ---- reading ------------------------------------------------------------------- */

static enum bw_err expect(struct bw_cursor *c, const char *words)
{
	const struct bw_slice want = bw_slice_text(words);
	struct bw_slice got;

	BW_NEED(bw_take(c, want.len, &got) == BW_OK && bw_slice_equals(got, want), SYNTAX);
	return BW_OK;
}

/* One escape, of those the writer uses. */
static enum bw_err take_escape(struct bw_cursor *c, uint8_t *out)
{
	struct bw_slice digits;
	uint8_t mark;
	uint8_t code = 0;

	BW_NEED(bw_take_u8(c, &mark) == BW_OK, SYNTAX);
	if (mark == '"' || mark == '\\') {
		*out = mark;
		return BW_OK;
	}
	for (size_t i = 0; i < sizeof(escapes); i++) {
		if (escapes[i] != 0 && (uint8_t)escapes[i] == mark) {
			*out = (uint8_t)i;
			return BW_OK;
		}
	}
	BW_NEED(mark == 'u' && bw_take(c, 4, &digits) == BW_OK, SYNTAX);
	BW_NEED(digits.ptr[0] == '0' && digits.ptr[1] == '0', SYNTAX);
	BW_NEED(!bw_is_upper(digits.ptr[2]) && !bw_is_upper(digits.ptr[3]), SYNTAX);
	BW_TRY(bw_hex_decode(bw_slice_from(digits, 2), &code, 1));
	BW_NEED(code < 0x20 && escapes[code] == 0, SYNTAX);
	*out = code;
	return BW_OK;
}

static enum bw_err take_string(struct bw_cursor *c, struct bw_arena *arena, struct bw_slice *out)
{
	uint8_t *text = bw_arena_take(arena, BW_AUDIT_FIELD_MAX + 4);
	size_t len = 0;

	BW_NEED(text != NULL, MEMORY);
	BW_TRY(expect(c, "\""));
	for (;;) {
		uint8_t byte;

		BW_NEED(bw_take_u8(c, &byte) == BW_OK, SYNTAX);
		if (byte == '"')
			break;
		BW_NEED(byte >= 0x20, SYNTAX);
		if (byte == '\\')
			BW_TRY(take_escape(c, &byte));
		BW_NEED(len < BW_AUDIT_FIELD_MAX, TOO_BIG);
		text[len++] = byte;
	}
	*out = bw_slice_of(text, len);
	BW_NEED(bw_utf8_is_valid(*out, NULL), UTF8);
	return BW_OK;
}

static enum bw_err take_text(struct bw_cursor *c, const char *before, struct bw_arena *arena, struct bw_slice *out)
{
	BW_TRY(expect(c, before));
	return take_string(c, arena, out);
}

static enum bw_err take_number(struct bw_cursor *c, const char *before, uint64_t *out)
{
	const struct bw_slice rest = (expect(c, before) == BW_OK) ? bw_slice_from(c->over, c->at) : bw_slice_empty;
	struct bw_slice digits;
	size_t len = 0;

	while (len < rest.len && bw_is_digit(rest.ptr[len]))
		len++;
	BW_NEED(len > 0 && (len == 1 || rest.ptr[0] != '0'), SYNTAX);
	BW_TRY(bw_take(c, len, &digits));
	BW_NEED(bw_parse_u64(digits, out) == BW_OK, SYNTAX);
	return BW_OK;
}

static enum bw_err take_hash(struct bw_cursor *c, const char *before, uint8_t out[BW_AUDIT_HASH_BYTES])
{
	struct bw_slice hex;

	BW_TRY(expect(c, before));
	BW_TRY(expect(c, "\""));
	BW_NEED(bw_take(c, (size_t)2 * BW_AUDIT_HASH_BYTES, &hex) == BW_OK, SYNTAX);
	for (size_t i = 0; i < hex.len; i++)
		BW_NEED(!bw_is_upper(hex.ptr[i]), SYNTAX);
	BW_TRY(bw_hex_decode(hex, out, BW_AUDIT_HASH_BYTES));
	return expect(c, "\"");
}

static enum bw_err take_line(struct bw_cursor *c, struct bw_arena *arena, struct bw_audit_line *out)
{
	struct bw_slice time;

	BW_TRY(take_text(c, "{\"account\":", arena, &out->account));
	BW_TRY(take_text(c, ",\"action\":", arena, &out->action));
	BW_TRY(take_text(c, ",\"address\":", arena, &out->address));
	BW_TRY(take_number(c, ",\"count\":", &out->count));
	BW_TRY(take_text(c, ",\"note\":", arena, &out->note));
	BW_TRY(take_hash(c, ",\"prev\":", out->prev));
	BW_TRY(take_number(c, ",\"seq\":", &out->seq));
	BW_TRY(take_number(c, ",\"status\":", &out->status));
	BW_TRY(take_text(c, ",\"target\":", arena, &out->target));
	BW_TRY(take_text(c, ",\"time\":", arena, &time));
	BW_NEED(bw_time_parse(time, &out->time_us) == BW_OK, SYNTAX);
	BW_TRY(take_hash(c, ",\"hash\":", out->hash));
	BW_TRY(expect(c, "}"));
	BW_NEED(bw_cursor_left(c) == 0, SYNTAX);
	return BW_OK;
}

enum bw_err bw_audit_line_parse(struct bw_slice text, struct bw_arena *arena, struct bw_audit_line *out,
				struct bw_fault *fault)
{
	struct bw_cursor c = bw_cursor_over(text);
	struct bw_audit_line line = { 0 };
	enum bw_err err;

	if (text.len > BW_AUDIT_LINE_MAX)
		return bw_fault_set(fault, BW_ERR_TOO_BIG, 0, "the line is longer than any audit line");
	err = take_line(&c, arena, &line);
	if (err != BW_OK)
		return bw_fault_set(fault, err, c.at, "not an audit line");
	*out = line;
	return BW_OK;
}

/* ---- the chain ------------------------------------------------------------------- */

/* `,"hash":"…"}` at the end of every line. */
enum { TAIL_BYTES = 8 + 2 + 2 * BW_AUDIT_HASH_BYTES + 1 };

static enum bw_err check_link(const struct bw_audit_chain *chain, const struct bw_audit_line *line,
			      struct bw_fault *fault)
{
	static const uint8_t zeros[BW_AUDIT_HASH_BYTES];
	const uint8_t *before = chain->begun ? chain->hash : zeros;

	if (line->seq == 0 || (chain->begun && line->seq != chain->seq + 1))
		return bw_fault_set(fault, BW_ERR_CORRUPT, 0, "the number does not follow the line before");
	if ((chain->begun || line->seq == 1) && memcmp(line->prev, before, BW_AUDIT_HASH_BYTES) != 0)
		return bw_fault_set(fault, BW_ERR_CORRUPT, 0, "the line before is not the one it was written after");
	return BW_OK;
}

enum bw_err bw_audit_chain_next(struct bw_audit_chain *chain, struct bw_slice text, struct bw_fault *fault)
{
	uint8_t hash[BW_AUDIT_HASH_BYTES];
	struct bw_audit_line line = { 0 };

	bw_arena_reset(&chain->arena);
	BW_TRY(bw_audit_line_parse(text, &chain->arena, &line, fault));
	BW_TRY(check_link(chain, &line, fault));
	BW_TRY(chain_hash(line.prev, bw_slice_sub(text, 0, text.len - TAIL_BYTES), hash));
	if (memcmp(hash, line.hash, sizeof(hash)) != 0)
		return bw_fault_set(fault, BW_ERR_CORRUPT, 0, "the text is not the one its hash was made from");
	if (!chain->begun)
		chain->first_seq = line.seq;
	chain->begun = true;
	chain->seq = line.seq;
	memcpy(chain->hash, hash, sizeof(hash));
	return BW_OK;
}
