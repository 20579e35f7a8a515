/*
 * What the hand is asked, and the book of what it did. Properties: a body that is read and written again is the same
 * bytes (but for times that were brought into range); a book that is read, written and read again is the same text; no
 * address that is accepted leaves anything but itself in the words for nft.
 */
#include <stdlib.h>

#include "guard/hand_book.h"
#include "guard/notice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 4 * 1024 * 1024 };

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void keep_out(struct bw_slice body)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(ROOM);
	struct bw_keep_out what;

	if (bw_keep_out_parse(body, &what) != BW_OK)
		return;
	check(what.seconds >= 1 && what.seconds <= BW_HAND_SECONDS_MAX);
	check(bw_keep_out_add(&again, &what) == BW_OK && again.len == body.len);
	check(memcmp(again.ptr + 12, body.ptr + 12, body.len - 12) == 0);
}

static void others(struct bw_slice body)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(ROOM);
	struct bw_freeze freeze;
	struct bw_notice notice;
	struct bw_acted acted;

	if (bw_freeze_parse(body, &freeze) == BW_OK) {
		for (uint32_t n = 0; n < freeze.count; n++)
			(void)bw_freeze_process(&freeze, n);
	}
	if (bw_acted_parse(body, &acted) == BW_OK)
		check(bw_acted_add(&again, &acted) == BW_OK && bw_slice_equals(bw_buf_slice(&again), body));
	bw_buf_clear(&again);
	if (bw_notice_parse(body, &notice) == BW_OK) {
		check(bw_notice_add(&again, &notice) == BW_OK && bw_slice_equals(bw_buf_slice(&again), body));
		bw_buf_clear(&again);
		check(bw_notice_mail(&notice, BW_LIT("root"), &again) == BW_OK);
		for (size_t i = 0; i < again.len; i++)
			check(again.ptr[i] == '\n' || again.ptr[i] == '\t' ||
			      (again.ptr[i] >= 0x20 && again.ptr[i] != 0x7f));
	}
}

static void address(struct bw_slice text)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf script = BW_BUF_INIT(ROOM);
	char written[BW_ADDRESS_TEXT_BYTES];
	struct bw_address first;
	struct bw_address again;

	if (bw_address_parse(text, &first) != BW_OK)
		return;
	bw_address_write(&first, written);
	check(strspn(written, "0123456789abcdef.:") == strlen(written));
	check(bw_address_parse(bw_slice_text(written), &again) == BW_OK && bw_address_equals(&first, &again));
	check(bw_keep_out_script(&first, 1, 1, &script) == BW_OK);
}

static void book(struct bw_slice text)
{
	BW_CLEANUP(bw_hand_book_release) struct bw_hand_book first = { 0 };
	BW_CLEANUP(bw_hand_book_release) struct bw_hand_book second = { 0 };
	BW_CLEANUP(bw_buf_release) struct bw_buf once = BW_BUF_INIT(ROOM);
	BW_CLEANUP(bw_buf_release) struct bw_buf twice = BW_BUF_INIT(ROOM);

	check(bw_hand_book_init(&first) == BW_OK && bw_hand_book_init(&second) == BW_OK);
	bw_err_drop(bw_hand_book_read(text, 0, &first)); /* the deeds before a bad line are there */
	check(bw_hand_book_write(&first, &once) == BW_OK);
	check(bw_hand_book_read(bw_buf_slice(&once), 0, &second) == BW_OK);
	check(bw_hand_book_write(&second, &twice) == BW_OK);
	check(bw_slice_equals(bw_buf_slice(&once), bw_buf_slice(&twice)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice body = bw_slice_of(data, size);

	keep_out(body);
	others(body);
	address(body);
	book(body);
	return 0;
}
