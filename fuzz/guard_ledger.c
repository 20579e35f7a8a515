/*
 * A guard's ledger, as somebody might have left it. Properties: what is accepted is written again byte for byte;
 * a refused record moves neither cursor nor chain; and a ledger with records that hash rightly is refused as soon
 * as one bit of it is another.
 */
#include <stdlib.h>

#include "guard/ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

/* How many records are accepted; each is written again. */
static size_t accept(struct bw_slice bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(bytes.len + 1);
	struct bw_cursor c = bw_cursor_over(bytes);
	struct bw_ledger_record record;
	struct bw_ledger_head head;
	struct bw_ledger_link link;
	struct bw_ledger_link mine;

	if (bw_ledger_head_parse(&c, &head, &link) != BW_OK)
		return 0;
	check(c.at == BW_LEDGER_HEAD_BYTES && bw_ledger_head_write(&head, &again, &mine) == BW_OK);
	for (;;) {
		const struct bw_ledger_link before = link;
		const size_t at = c.at;

		if (bw_ledger_next(&c, &link, &record) != BW_OK) {
			check(c.at == at && memcmp(&link, &before, sizeof(link)) == 0);
			break;
		}
		check(link.number == before.number + 1 && record.number == link.number);
		if (record.kind >= BW_LEDGER_KINDS)
			return (size_t)link.number; /* a newer one's: ours cannot write it */
		check(bw_ledger_write(&record, &mine, &again) == BW_OK);
	}
	check(bw_slice_equals(bw_buf_slice(&again), bw_slice_sub(bytes, 0, c.at)));
	return (size_t)link.number;
}

/* Hashes cannot be guessed, so a ledger is made of the input, and one bit of it flipped. */
static void make_and_break(struct bw_slice input)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf made = BW_BUF_INIT(4 * BW_MIB);
	const struct bw_ledger_head head = { .began_us = (int64_t)input.len };
	struct bw_ledger_link link;
	size_t bit;

	check(bw_ledger_head_write(&head, &made, &link) == BW_OK);
	for (size_t at = 0; at < input.len; at += 40) {
		const struct bw_ledger_record record = { .kind = (uint8_t)(1 + input.ptr[at] % (BW_LEDGER_KINDS - 1)),
							 .incident = at,
							 .body = bw_slice_sub(input, at, 40) };

		check(bw_ledger_write(&record, &link, &made) == BW_OK);
	}
	check(accept(bw_buf_slice(&made)) == link.number);
	bit = (size_t)input.ptr[0] * 131 + input.len * 7;
	made.ptr[bit / 8 % made.len] ^= (uint8_t)(1u << bit % 8);
	check(accept(bw_buf_slice(&made)) < link.number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice input = bw_slice_of(data, size);

	(void)accept(input);
	if (size > 0 && size <= 64 * 1024)
		make_and_break(input);
	return 0;
}
