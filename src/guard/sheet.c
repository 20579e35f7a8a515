#include "guard/sheet.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

enum { WORDS_BYTES = 2048, NAME_BYTES = 4096, COLUMNS = 78 };

static const char html_head[] =
	"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta name=\"referrer\" content=\"no-referrer\">\n<title>";

static const char html_style[] =
	"</title>\n<style>\n"
	"body { font: 17px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; "
	"color: #1a1a1a; background: #fff; }\n"
	"h1 { font-size: 1.6rem; line-height: 1.25; }\n"
	"h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #bbb; }\n"
	"code { background: #f0f0f0; padding: .1em .3em; }\n"
	"bdi { font-weight: 600; overflow-wrap: anywhere; }\n"
	"@media print { body { margin: 0; max-width: none; } }\n"
	"</style>\n</head>\n<body>\n<h1>";

/* ---- words ---------------------------------------------------------------------------------- */

static const char *html_of(uint8_t c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

static enum bw_err add_byte(const struct bw_sheet *sheet, uint8_t c)
{
	const char *instead = sheet->is_html ? html_of(c) : NULL;

	return instead != NULL ? bw_buf_add_text(sheet->out, instead) : bw_buf_add_u8(sheet->out, c);
}

static enum bw_err add_plain(const struct bw_sheet *sheet, struct bw_slice text)
{
	for (size_t i = 0; i < text.len; i++)
		BW_TRY(add_byte(sheet, text.ptr[i]));
	return BW_OK;
}

/* Marks that turn the direction of what follows: U+061C, U+200E..F, U+202A..E, U+2066..9 (Unicode UAX 9 §2). */
static size_t turning(struct bw_slice at, unsigned *out_code)
{
	const uint8_t *p = at.ptr;

	if (at.len >= 2 && p[0] == 0xd8 && p[1] == 0x9c) {
		*out_code = 0x061c;
		return 2;
	}
	if (at.len < 3 || p[0] != 0xe2 || (p[1] != 0x80 && p[1] != 0x81))
		return 0;
	*out_code = 0x2000u | (unsigned)(p[1] & 0x3f) << 6 | (p[2] & 0x3fu);
	return *out_code == 0x200e || *out_code == 0x200f || (*out_code >= 0x202a && *out_code <= 0x202e) ||
			       (*out_code >= 0x2066 && *out_code <= 0x2069)
		       ? 3
		       : 0;
}

/* Escaped for a terminal first; quotes and backslashes do no harm, and users are called SCHOOL\eve. */
static enum bw_err add_safe(const struct bw_sheet *sheet, struct bw_slice name)
{
	while (name.len > 0) {
		BW_CLEANUP(bw_buf_release) struct bw_buf piece = BW_BUF_INIT(8 * NAME_BYTES);
		unsigned code = 0;
		size_t len = 0;
		size_t turn = 0;

		while (len < name.len && name.ptr[len] != '"' && name.ptr[len] != '\\' &&
		       (turn = turning(bw_slice_from(name, len), &code)) == 0)
			len++;
		BW_TRY(bw_text_escape(&piece, bw_slice_sub(name, 0, len)));
		BW_TRY(add_plain(sheet, bw_buf_slice(&piece)));
		if (turn > 0)
			BW_TRY(bw_buf_addf(sheet->out, "\\u%04x", code));
		else if (len < name.len)
			BW_TRY(add_byte(sheet, name.ptr[len]));
		name = bw_slice_from(name, len + (turn > 0 ? turn : 1));
	}
	return BW_OK;
}

enum bw_err bw_sheet_name(struct bw_sheet *sheet, struct bw_slice name)
{
	const struct bw_slice shown = bw_slice_sub(name, 0, NAME_BYTES);

	BW_TRY(bw_buf_add_text(sheet->out, sheet->is_html ? "<bdi>" : ""));
	BW_TRY(add_safe(sheet, shown));
	if (shown.len < name.len)
		BW_TRY(bw_buf_add_text(sheet->out, "..."));
	return bw_buf_add_text(sheet->out, sheet->is_html ? "</bdi>" : "");
}

enum bw_err bw_sheet_words(struct bw_sheet *sheet, const char *words)
{
	return add_plain(sheet, bw_slice_text(words));
}

enum bw_err bw_sheet_wordsf(struct bw_sheet *sheet, const char *fmt, ...)
{
	char words[WORDS_BYTES];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	return bw_sheet_words(sheet, words);
}

enum bw_err bw_sheet_command(struct bw_sheet *sheet, const char *command)
{
	BW_TRY(bw_buf_add_text(sheet->out, sheet->is_html ? "<code>" : ""));
	BW_TRY(bw_sheet_words(sheet, command));
	return bw_buf_add_text(sheet->out, sheet->is_html ? "</code>" : "");
}

/* ---- the frame -------------------------------------------------------------------------------- */

enum bw_err bw_sheet_begin(struct bw_sheet *sheet, const char *title)
{
	if (!sheet->is_html) {
		BW_TRY(bw_buf_addf(sheet->out, "%s\n", title));
		for (size_t i = 0; title[i] != '\0'; i++)
			BW_TRY(bw_buf_add_u8(sheet->out, '='));
		return bw_buf_add_u8(sheet->out, '\n');
	}
	BW_TRY(bw_buf_add_text(sheet->out, html_head));
	BW_TRY(bw_sheet_words(sheet, title));
	BW_TRY(bw_buf_add_text(sheet->out, html_style));
	BW_TRY(bw_sheet_words(sheet, title));
	return bw_buf_add_text(sheet->out, "</h1>\n");
}

enum bw_err bw_sheet_end(struct bw_sheet *sheet)
{
	return bw_buf_add_text(sheet->out, sheet->is_html ? "</body>\n</html>\n" : "");
}

enum bw_err bw_sheet_heading(struct bw_sheet *sheet, const char *words)
{
	if (sheet->is_html) {
		BW_TRY(bw_buf_add_text(sheet->out, "<h2>"));
		BW_TRY(bw_sheet_words(sheet, words));
		return bw_buf_add_text(sheet->out, "</h2>\n");
	}
	BW_TRY(bw_buf_addf(sheet->out, "\n%s\n", words));
	for (size_t i = 0; words[i] != '\0'; i++)
		BW_TRY(bw_buf_add_u8(sheet->out, '-'));
	return bw_buf_add_u8(sheet->out, '\n');
}

enum bw_err bw_sheet_open(struct bw_sheet *sheet)
{
	return bw_buf_add_text(sheet->out, sheet->is_html ? "<p>" : "");
}

enum bw_err bw_sheet_close(struct bw_sheet *sheet)
{
	return bw_buf_add_text(sheet->out, sheet->is_html ? "</p>\n" : "\n");
}

enum bw_err bw_sheet_list(struct bw_sheet *sheet, bool begins)
{
	if (!sheet->is_html)
		return BW_OK;
	return bw_buf_add_text(sheet->out, begins ? "<ul style=\"list-style: none; padding-left: 0\">\n" : "</ul>\n");
}

enum bw_err bw_sheet_item(struct bw_sheet *sheet, unsigned number)
{
	BW_TRY(bw_buf_add_text(sheet->out, sheet->is_html ? "<li>" : "  "));
	return number > 0 ? bw_buf_addf(sheet->out, "%u. ", number) : bw_buf_add_text(sheet->out, "- ");
}

enum bw_err bw_sheet_item_end(struct bw_sheet *sheet)
{
	return bw_buf_add_text(sheet->out, sheet->is_html ? "</li>\n" : "\n");
}

/* ---- lines ------------------------------------------------------------------------------------- */

/* How far what follows the first line of an item is set in: below its first word. */
static size_t hang_of(struct bw_slice line)
{
	size_t at = 0;

	while (at < line.len && line.ptr[at] == ' ')
		at++;
	if (at == 0)
		return 0;
	while (at < line.len && line.ptr[at] != ' ')
		at++;
	return at + 1;
}

static enum bw_err wrap_line(struct bw_slice line, struct bw_buf *out)
{
	const size_t hang = hang_of(line);
	size_t least = hang; /* the first line may not be cut before its own words */
	size_t room = COLUMNS;

	while (line.len > room) {
		size_t cut = room;

		while (cut > least && line.ptr[cut] != ' ')
			cut--;
		if (cut <= least) /* one word that is longer than a line */
			break;
		BW_TRY(bw_buf_add(out, bw_slice_sub(line, 0, cut)));
		BW_TRY(bw_buf_addf(out, "\n%*s", (int)hang, ""));
		line = bw_slice_from(line, cut + 1);
		room = COLUMNS - hang;
		least = 0;
	}
	BW_TRY(bw_buf_add(out, line));
	return bw_buf_add_u8(out, '\n');
}

enum bw_err bw_sheet_wrap(struct bw_slice text, struct bw_buf *out)
{
	struct bw_slice line;

	while (bw_slice_cut(text, '\n', &line, &text))
		BW_TRY(wrap_line(line, out));
	return text.len > 0 ? wrap_line(text, out) : BW_OK;
}
