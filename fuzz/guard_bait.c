/*
 * What bait is made of: the list of those that are laid, documents and texts of strangers, names of folders.
 * Properties: a list that is accepted is written again as the same bytes; what is made of a document can be a model
 * itself; a name is never one of those it was made of. The first byte says which.
 */
#include <stdlib.h>

#include "guard/bait_book.h"
#include "guard/bait_form.h"
#include "guard/bait_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void read_list(struct bw_slice text)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(2 * text.len + BW_MIB);
	struct bw_bait_book book;
	bool read;

	check(bw_bait_book_init(&book) == BW_OK);
	read = bw_bait_book_parse(text, &book) == BW_OK;
	check(bw_bait_book_write(&book, &again) == BW_OK);
	bw_bait_book_release(&book);
	if (!read)
		return;
	check(bw_bait_book_init(&book) == BW_OK);
	bw_buf_clear(&again);
	check(bw_bait_book_parse(text, &book) == BW_OK && bw_bait_book_write(&book, &again) == BW_OK);
	check(again.len == text.len);
	bw_bait_book_release(&book);
}

static void form(enum bw_bait_kind kind, struct bw_slice model)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf made = BW_BUF_INIT(BW_BAIT_BYTES_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_BAIT_BYTES_MAX);
	struct bw_bait_dice dice = { .rolled = 0 };
	enum bw_err err;

	if (bw_bait_form(kind, model, &dice, &made) != BW_OK)
		return;
	check(made.len <= BW_BAIT_BYTES_MAX);
	if (kind != BW_BAIT_DOCUMENT || made.len < BW_BAIT_MODEL_BYTES_MIN || made.len > BW_BAIT_MODEL_BYTES_MAX)
		return;
	err = bw_bait_form(kind, bw_buf_slice(&made), &dice, &again);
	/* by chance too few different words may be left */
	check(err == BW_OK || err == BW_ERR_UNSUPPORTED || err == BW_ERR_TOO_BIG);
}

enum { NAMES_MAX = 64 };

static void name(struct bw_slice lines)
{
	struct bw_slice names[NAMES_MAX];
	struct bw_bait_dice dice = { .rolled = 0 };
	char out[BW_BAIT_NAME_BYTES];
	size_t count = 0;

	while (count < NAMES_MAX && bw_slice_cut(lines, '\n', &names[count], &lines))
		count += names[count].len > 0;
	if (count == 0 || bw_bait_name(names, count, names[0], BW_BAIT_FIRST, &dice, out) != BW_OK)
		return;
	for (size_t i = 0; i < count; i++)
		check(!bw_slice_is_nocase(names[i], out));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice rest = size > 1 ? bw_slice_of(data + 1, size - 1) : bw_slice_empty;

	if (size == 0)
		return 0;
	switch (data[0]) {
	case 'l':
		read_list(rest);
		break;
	case 'n':
		name(rest);
		break;
	case 't':
		form(BW_BAIT_TEXT, rest);
		break;
	case 'c':
		form(BW_BAIT_TABLE, rest);
		break;
	default:
		form(BW_BAIT_DOCUMENT, rest);
	}
	return 0;
}
