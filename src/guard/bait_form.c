#include "guard/bait_form.h"

#include <stdlib.h>

#include "base/text.h"
#include "guard/bait_name.h"
#include "guard/bait_words.h"
#include "guard/bait_zip.h"

enum {
	LETTERS_PER_DIGIT = 2, /* fewer: it is a table of numbers */
	LONG_LINE = 4096,      /* no text that people wrote */
	LEAST_LINES_KEPT = 60, /* of a hundred */
};

enum bw_bait_kind bw_bait_kind_of(struct bw_slice name)
{
	static const struct {
		const char *ending;
		enum bw_bait_kind kind;
	} rows[] = {
		{ "txt", BW_BAIT_TEXT },      { "csv", BW_BAIT_TABLE },     { "tsv", BW_BAIT_TABLE },
		{ "docx", BW_BAIT_DOCUMENT }, { "pptx", BW_BAIT_DOCUMENT }, { "odt", BW_BAIT_DOCUMENT },
		{ "odp", BW_BAIT_DOCUMENT },
	};

	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		if (bw_slice_is_nocase(bw_bait_ending(name), rows[i].ending))
			return rows[i].kind;
	}
	return BW_BAIT_NONE;
}

bool bw_bait_is_paper(struct bw_slice name)
{
	static const char *const endings[] = { "doc", "dot",  "rtf",  "xls", "xlsx", "ods", "ppt",  "odg",  "pdf",
					       "pub", "vsdx", "jpg",  "png", "jpeg", "gif", "tif",  "tiff", "heic",
					       "bmp", "svg",  "webp", "mp3", "m4a",  "mp4", "mov",  "avi",  "wav",
					       "eml", "msg",  "zip",  "odf", "epub", "md",  "html", "dcm" };

	for (size_t i = 0; i < BW_COUNT(endings); i++) {
		if (bw_slice_is_nocase(bw_bait_ending(name), endings[i]))
			return true;
	}
	return bw_bait_kind_of(name) != BW_BAIT_NONE;
}

/* ---- texts ---------------------------------------------------------------------------------------------- */

static bool is_text(struct bw_slice text)
{
	size_t line = 0;
	size_t at;

	if (!bw_utf8_is_valid(text, &at))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		const uint8_t c = text.ptr[i];

		if ((c < ' ' && !bw_is_space(c)) || c == 0x7f || ++line > LONG_LINE)
			return false;
		if (c == '\n')
			line = 0;
	}
	return true;
}

/* Some of its lines, from somewhere on: another file of the folder is seldom exactly as long. */
static struct bw_slice some_lines(struct bw_slice text, struct bw_bait_dice *dice)
{
	const uint64_t share = LEAST_LINES_KEPT + bw_bait_roll(dice, 100 - LEAST_LINES_KEPT + 1);
	const size_t len = (size_t)(text.len * share / 100);
	struct bw_slice cut = bw_slice_sub(text, 0, len);

	while (cut.len > 0 && cut.ptr[cut.len - 1] != '\n')
		cut.len--;
	return cut.len > 0 ? cut : text;
}

static enum bw_err form_text(bool table, struct bw_slice model, struct bw_bait_pool *pool, struct bw_bait_dice *dice,
			     struct bw_buf *out)
{
	struct bw_slice rest = model;
	struct bw_slice head;
	size_t letters;
	size_t digits;

	BW_NEED(is_text(model), UNSUPPORTED);
	bw_bait_tally(model, &letters, &digits);
	BW_NEED(letters >= LETTERS_PER_DIGIT * digits, UNSUPPORTED);
	bw_bait_pool_add(pool, model);
	BW_NEED(pool->different >= BW_BAIT_WORDS_MIN, UNSUPPORTED);
	if (table && bw_slice_cut(model, '\n', &head, &rest)) {
		bw_bait_tally(head, &letters, &digits);
		if (digits > 0) /* no heading */
			rest = model;
		else
			BW_TRY(bw_buf_add(out, bw_slice_sub(model, 0, head.len + 1)));
	}
	return bw_bait_stir(pool, some_lines(rest, dice), dice, out);
}

enum bw_err bw_bait_form(enum bw_bait_kind kind, struct bw_slice model, struct bw_bait_dice *dice, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf made = BW_BUF_INIT(BW_BAIT_BYTES_MAX);
	struct bw_bait_pool *pool;
	enum bw_err err;

	BW_NEED(kind != BW_BAIT_NONE, UNSUPPORTED);
	BW_NEED(model.len >= BW_BAIT_MODEL_BYTES_MIN && model.len <= BW_BAIT_MODEL_BYTES_MAX, UNSUPPORTED);
	pool = calloc(1, sizeof(*pool));
	BW_NEED(pool != NULL, MEMORY);
	err = kind == BW_BAIT_DOCUMENT ? bw_bait_zip(model, pool, dice, &made)
				       : form_text(kind == BW_BAIT_TABLE, model, pool, dice, &made);
	free(pool);
	BW_TRY(err);
	BW_NEED(!bw_slice_equals(bw_buf_slice(&made), model), UNSUPPORTED);
	return bw_buf_add(out, bw_buf_slice(&made));
}
