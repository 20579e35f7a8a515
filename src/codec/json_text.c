#include "codec/json_text.h"

#include "base/text.h"

/* Length of the run from `at` that needs no escape. */
static size_t plain_run(struct bw_slice text, size_t at)
{
	size_t to = at;

	while (to < text.len) {
		const uint8_t c = text.ptr[to];

		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			break;
		to++;
	}
	return to - at;
}

/* Length of the well-formed sequence at `at` that may stand as it is, or 0. */
static size_t wide_run(struct bw_slice text, size_t at)
{
	static const size_t by_lead[16] = { [12] = 2, [13] = 2, [14] = 3, [15] = 4 };
	const size_t len = by_lead[text.ptr[at] >> 4];
	const struct bw_slice one = bw_slice_sub(text, at, len);

	if (len == 0 || one.len != len || !bw_utf8_is_valid(one, NULL))
		return 0;
	if (len == 3 && one.ptr[0] == 0xe2 && one.ptr[1] == 0x80 && (one.ptr[2] == 0xa8 || one.ptr[2] == 0xa9))
		return 0;
	return len;
}

static enum bw_err add_escaped(struct bw_buf *out, struct bw_slice text, size_t at, size_t *step)
{
	const uint8_t c = text.ptr[at];

	*step = 1;
	switch (c) {
	case '"':
		return bw_buf_add_text(out, "\\\"");
	case '\\':
		return bw_buf_add_text(out, "\\\\");
	case '\n':
		return bw_buf_add_text(out, "\\n");
	case '\r':
		return bw_buf_add_text(out, "\\r");
	case '\t':
		return bw_buf_add_text(out, "\\t");
	default:
		break;
	}
	if (c <= 0x7f)
		return bw_buf_addf(out, "\\u%04x", c);
	if (c == 0xe2 && bw_utf8_is_valid(bw_slice_sub(text, at, 3), NULL)) {
		*step = 3;
		return bw_buf_addf(out, "\\u20%02x", text.ptr[at + 2] - 0x80U);
	}
	return bw_buf_add_text(out, "\\ufffd");
}

enum bw_err bw_json_add_string(struct bw_buf *out, struct bw_slice text)
{
	size_t at = 0;

	BW_TRY(bw_buf_add_u8(out, '"'));
	while (at < text.len) {
		size_t step = plain_run(text, at);

		if (step == 0)
			step = text.ptr[at] >= 0x80 ? wide_run(text, at) : 0;
		if (step == 0)
			BW_TRY(add_escaped(out, text, at, &step));
		else
			BW_TRY(bw_buf_add(out, bw_slice_sub(text, at, step)));
		at += step;
	}
	return bw_buf_add_u8(out, '"');
}

enum bw_err bw_json_add_name(struct bw_buf *out, const char *name)
{
	const uint8_t last = out->len == 0 ? '{' : out->ptr[out->len - 1];

	if (last != '{' && last != '[')
		BW_TRY(bw_buf_add_u8(out, ','));
	return bw_buf_addf(out, "\"%s\":", name);
}

enum bw_err bw_json_add_text(struct bw_buf *out, const char *name, struct bw_slice value)
{
	BW_TRY(bw_json_add_name(out, name));
	return bw_json_add_string(out, value);
}

enum bw_err bw_json_add_bool(struct bw_buf *out, const char *name, bool value)
{
	BW_TRY(bw_json_add_name(out, name));
	return bw_buf_add_text(out, value ? "true" : "false");
}

enum bw_err bw_json_add_num(struct bw_buf *out, const char *name, int64_t value)
{
	BW_TRY(bw_json_add_name(out, name));
	return bw_buf_addf(out, "%lld", (long long)value);
}
