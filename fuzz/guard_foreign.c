/*
 * What others saw, on its way through the guard's workers, and the book of it. Properties: news that is read says only
 * values of a known kind, in one line of text each; a book takes it within its limits, is written and read again as
 * the same book; a set for the judge made of it opens. A book of hostile bytes that reads is written again as it is.
 */
#include <stdlib.h>

#include "guard/foreign_book.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 16 * 1024 * 1024 };

#define NOW_US INT64_C(1795392000000000)

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void write_and_read(struct bw_foreign_book *book)
{
	BW_CLEANUP(bw_foreign_book_release) struct bw_foreign_book again = { 0 };
	BW_CLEANUP(bw_buf_release) struct bw_buf first = BW_BUF_INIT(ROOM);
	BW_CLEANUP(bw_buf_release) struct bw_buf second = BW_BUF_INIT(ROOM);
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(ROOM);
	struct bw_exact set;
	size_t count;

	check(bw_foreign_book_write(book, &first) == BW_OK);
	check(bw_foreign_book_parse(bw_buf_slice(&first), &again, NULL) == BW_OK);
	check(bw_foreign_book_write(&again, &second) == BW_OK);
	check(bw_slice_equals(bw_buf_slice(&first), bw_buf_slice(&second)));
	check(bw_foreign_book_set(book, BW_FOREIGN_FOR_WITNESS, &bytes, &count) == BW_OK);
	check(bw_exact_open(bw_buf_slice(&bytes), &set) == BW_OK && set.count <= count);
	bw_foreign_book_check(book, &set);
	bw_buf_clear(&bytes);
	check(bw_foreign_book_set(book, BW_FOREIGN_FOR_WITNESS, &bytes, &count) == BW_OK && count == 0);
}

static void read_news(struct bw_slice bytes)
{
	BW_CLEANUP(bw_foreign_book_release) struct bw_foreign_book book = { 0 };
	bool changed = false;

	if (bw_foreign_book_take(&book, bytes, NOW_US, &changed) != BW_OK)
		return;
	check(changed == (book.count > 0) || changed);
	for (size_t i = 0; i < book.count; i++) {
		check(book.entries[i].until_us > NOW_US && book.entries[i].until_us <= NOW_US + BW_FOREIGN_LASTS_US);
		check(book.entries[i].peer < BW_FOREIGN_PEERS_MAX && book.entries[i].value_len > 0);
	}
	write_and_read(&book);
	(void)bw_foreign_book_expire(&book, NOW_US + BW_FOREIGN_LASTS_US);
	check(book.count == 0);
}

static void read_book(struct bw_slice bytes)
{
	BW_CLEANUP(bw_foreign_book_release) struct bw_foreign_book book = { 0 };

	if (bw_foreign_book_parse(bytes, &book, NULL) == BW_OK)
		write_and_read(&book);
}

static void read_sent(struct bw_slice bytes)
{
	static const uint8_t kinds[] = { BW_FOREIGN_SEND, BW_FOREIGN_SAID, BW_FOREIGN_SENT };
	struct bw_foreign_seen seen;

	for (size_t i = 0; i < sizeof(kinds); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(ROOM);
		struct bw_foreign_sent sent;

		if (bw_foreign_sent_parse(bytes, kinds[i], &sent) == BW_OK)
			check(bw_foreign_sent_add(&again, kinds[i], &sent) == BW_OK &&
			      bw_slice_equals(bw_buf_slice(&again), bytes));
	}
	if (bw_foreign_seen_parse(bytes, &seen) == BW_OK)
		check(bw_slice_starts(seen.id, BW_LIT("indicator--")) && seen.id.len <= BW_FOREIGN_ID_BYTES);
}

static void read_answers(struct bw_slice bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf words = BW_BUF_INIT(BW_FOREIGN_WORDS_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf id = BW_BUF_INIT(BW_FOREIGN_ID_BYTES + 1);
	const enum bw_err err = bw_foreign_answer_read(bytes, &words);

	check((err == BW_OK || err == BW_ERR_CONFLICT) == (words.len > 0));
	if (bw_foreign_sighting_read(bytes, &id) == BW_OK)
		check(bw_slice_starts(bw_buf_slice(&id), BW_LIT("indicator--")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice bytes = bw_slice_of(data, size);
	struct bw_foreign_told told;
	struct bw_foreign_hit hit;

	if (size > ROOM / 32)
		return 0;
	if (bw_foreign_told_parse(bytes, true, &told) == BW_OK)
		check(told.line < BW_FOREIGN_LINES_MAX && told.data.len <= BW_FOREIGN_DATA_BYTES);
	if (bw_foreign_hit_parse(bytes, &hit))
		check(hit.peer.len + hit.id.len + hit.value.len + 2 == size);
	read_sent(bytes);
	read_answers(bytes);
	read_news(bytes);
	read_book(bytes);
	return 0;
}
