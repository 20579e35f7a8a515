/*
 * What a stranger says when two nodes meet. Properties: a card that is taken is written as the same bytes; a
 * message that is no part of this meeting never brings codes, and ends it.
 */
#include <stdlib.h>

#include "accord/meet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bw_node_keys *keys;
static struct bw_meet_card mine;

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void read_card(struct bw_slice bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_MEET_MESSAGE_MAX);
	struct bw_meet_card card;

	if (bw_meet_card_take(bytes, &card) != BW_OK)
		return;
	check(bw_meet_card_add(&again, &card) == BW_OK);
	check(bw_slice_equals(bw_buf_slice(&again), bytes));
}

/* `bytes` as what the other side says first. */
static void hear(enum bw_meet_side side, struct bw_slice bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_MEET_MESSAGE_MAX);
	static const uint8_t exported[BW_MEET_EXPORT_BYTES];
	struct bw_meet *meet;
	enum bw_err err;

	check(bw_meet_new(side, keys, &mine, exported, &meet) == BW_OK);
	if (side == BW_MEET_GUEST)
		check(bw_meet_begin(meet, &out) == BW_OK);
	else /* any 32 bytes are a commitment: the opening is what can be wrong */
		check(bw_meet_take(meet, bw_slice_of(exported, sizeof(exported)), &out) == BW_OK);
	bw_buf_clear(&out);
	err = bw_meet_take(meet, bytes, &out);
	check(!bw_meet_is_done(meet));
	check(err == BW_OK || bw_meet_take(meet, bytes, &out) == BW_ERR_PROTOCOL);
	check(!bw_meet_check_code(meet, BW_LIT("00000000")));
	bw_meet_free(meet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice bytes = bw_slice_of(data, size);

	if (keys == NULL) {
		check(bw_node_keys_make(&keys) == BW_OK);
		bw_node_keys_public(keys, &mine.node);
		mine.label = mine.address = mine.papers = bw_slice_empty;
	}
	read_card(bytes);
	hear(BW_MEET_HOST, bytes);
	hear(BW_MEET_GUEST, bytes);
	return 0;
}
