/*
 * A sheet for people, as plain text or as HTML: one walk writes either. Words of ours go in as they are; whatever a
 * stranger chose goes through bw_sheet_name, which no name can break out of: controls, bytes that are no UTF-8 and
 * signs that turn the direction of writing are escaped, in HTML also the five signs it is made of.
 */
#ifndef BW_GUARD_SHEET_H
#define BW_GUARD_SHEET_H

#include "base/bytes.h"

struct bw_sheet {
	struct bw_buf *out;
	bool is_html;
};

/* `title` is ours. HTML: the head with a policy that allows no script and fetches nothing. */
BW_MUST_USE enum bw_err bw_sheet_begin(struct bw_sheet *sheet, const char *title);
BW_MUST_USE enum bw_err bw_sheet_end(struct bw_sheet *sheet);

BW_MUST_USE enum bw_err bw_sheet_heading(struct bw_sheet *sheet, const char *words);

/* A paragraph is what stands between; an item is one of a list, a number before it unless that is 0. */
BW_MUST_USE enum bw_err bw_sheet_open(struct bw_sheet *sheet);
BW_MUST_USE enum bw_err bw_sheet_close(struct bw_sheet *sheet);
BW_MUST_USE enum bw_err bw_sheet_list(struct bw_sheet *sheet, bool begins);
BW_MUST_USE enum bw_err bw_sheet_item(struct bw_sheet *sheet, unsigned number);
BW_MUST_USE enum bw_err bw_sheet_item_end(struct bw_sheet *sheet);

/* Text of a sheet, its lines broken at blanks so that they fit 80 columns; what hangs below an item is set in. */
BW_MUST_USE enum bw_err bw_sheet_wrap(struct bw_slice text, struct bw_buf *out);

BW_MUST_USE enum bw_err bw_sheet_words(struct bw_sheet *sheet, const char *words);                     /* ours */
BW_MUST_USE enum bw_err bw_sheet_wordsf(struct bw_sheet *sheet, const char *fmt, ...) BW_PRINTF(2, 3); /* ours */
BW_MUST_USE enum bw_err bw_sheet_name(struct bw_sheet *sheet, struct bw_slice name);   /* a stranger's */
BW_MUST_USE enum bw_err bw_sheet_command(struct bw_sheet *sheet, const char *command); /* ours, to be typed */

#endif
