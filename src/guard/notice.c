#include "guard/notice.h"

#include "base/text.h"
#include "codec/base64.h"

enum {
	SUBJECT_CHARS = 160, /* more is cut: a subject is one line in a list */
	WORD_BYTES = 42,  /* of text in one encoded word: 56 characters and its 12 of frame, under RFC 2047 §2's 75 */
	LINE_BYTES = 900, /* RFC 5322 §2.1.1: 998 */
};

bool bw_notice_address_is_plain(struct bw_slice address)
{
	size_t ats = 0;

	if (address.len == 0 || address.len > 254 || address.ptr[0] == '-')
		return false;
	for (size_t i = 0; i < address.len; i++) {
		const uint8_t c = address.ptr[i];

		ats += c == '@';
		if (!bw_is_alnum(c) && (c == 0 || strchr("@.!#$%&'*+/=?^_`{|}~-", c) == NULL))
			return false;
	}
	return ats <= 1;
}

/* ---- text ------------------------------------------------------------------------------------- */

/* Escaped but for tabs, quotes and backslashes, which do no harm here: users are called SCHOOL\eve. */
static enum bw_err add_safe(struct bw_slice text, struct bw_buf *out)
{
	while (text.len > 0) {
		size_t len = 0;

		while (len < text.len && text.ptr[len] != '\t' && text.ptr[len] != '"' && text.ptr[len] != '\\')
			len++;
		BW_TRY(bw_text_escape(out, bw_slice_sub(text, 0, len)));
		BW_TRY(bw_buf_add(out, bw_slice_sub(text, len, 1)));
		text = bw_slice_from(text, len + 1);
	}
	return BW_OK;
}

/* One line, broken where mail would break it. */
static enum bw_err add_line(struct bw_slice line, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf safe = BW_BUF_INIT(BW_NOTICE_BYTES);
	struct bw_slice left;

	BW_TRY(add_safe(line, &safe));
	for (left = bw_buf_slice(&safe); left.len > LINE_BYTES;) {
		size_t cut = LINE_BYTES;

		while (cut > LINE_BYTES - 4 && (left.ptr[cut] & 0xc0) == 0x80) /* not within a character */
			cut--;
		BW_TRY(bw_buf_add(out, bw_slice_sub(left, 0, cut)));
		BW_TRY(bw_buf_add_u8(out, '\n'));
		left = bw_slice_from(left, cut);
	}
	BW_TRY(bw_buf_add(out, left));
	return bw_buf_add_u8(out, '\n');
}

enum bw_err bw_notice_text(const struct bw_notice *notice, struct bw_buf *out)
{
	struct bw_slice rest = notice->text;
	struct bw_slice line;

	while (bw_slice_cut(rest, '\n', &line, &rest))
		BW_TRY(add_line(line, out));
	return rest.len > 0 ? add_line(rest, out) : BW_OK;
}

/* ---- mail -------------------------------------------------------------------------------------- */

static bool is_ascii(struct bw_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] >= 0x80)
			return false;
	}
	return true;
}

/* RFC 2047 §2, each word whole characters (§5). `text` is valid UTF-8. */
static enum bw_err add_encoded(struct bw_slice text, struct bw_buf *out)
{
	for (size_t at = 0; at < text.len;) {
		size_t len = text.len - at < WORD_BYTES ? text.len - at : WORD_BYTES;

		while (at + len < text.len && (text.ptr[at + len] & 0xc0) == 0x80)
			len--;
		BW_TRY(bw_buf_add_text(out, at == 0 ? "=?UTF-8?B?" : "\n =?UTF-8?B?"));
		BW_TRY(bw_base64_add(out, bw_slice_sub(text, at, len)));
		BW_TRY(bw_buf_add_text(out, "?="));
		at += len;
	}
	return BW_OK;
}

static enum bw_err add_subject(struct bw_slice subject, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf safe = BW_BUF_INIT(BW_NOTICE_BYTES);
	struct bw_slice text;
	size_t len;

	BW_TRY(bw_text_escape(&safe, subject));
	len = safe.len < SUBJECT_CHARS ? safe.len : SUBJECT_CHARS;
	while (len < safe.len && (safe.ptr[len] & 0xc0) == 0x80)
		len--;
	text = bw_slice_sub(bw_buf_slice(&safe), 0, len);
	return is_ascii(text) ? bw_buf_add(out, text) : add_encoded(text, out);
}

enum bw_err bw_notice_mail(const struct bw_notice *notice, struct bw_slice to, struct bw_buf *out)
{
	BW_NEED(bw_notice_address_is_plain(to), SYNTAX);
	BW_TRY(bw_buf_add_text(out, "To: "));
	BW_TRY(bw_buf_add(out, to));
	BW_TRY(bw_buf_add_text(out, "\nSubject: "));
	BW_TRY(add_subject(notice->subject, out));
	BW_TRY(bw_buf_add_text(out, "\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n"
				    "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"));
	return bw_notice_text(notice, out);
}
