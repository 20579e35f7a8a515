/*
 * What a mirror is sent, and the head it sends back. Properties: records that are read write as the same bytes, in one
 * way only; whatever their order, a version counts only with all its bytes and their sum; heads read and written are
 * the same.
 */
#include <stdlib.h>

#include "guard/mirror.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void records(struct bw_slice bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_MIRROR_BATCH_MAX);
	struct bw_mirror_head head = { .bytes = BW_MIRROR_JOURNAL_HEAD_BYTES };
	struct bw_cursor c = bw_cursor_over(bytes);
	struct bw_mirror_record record;
	struct bw_mirror_check order;

	check(bw_mirror_check_init(&order) == BW_OK);
	for (;;) {
		const size_t from = c.at;
		const uint64_t versions = head.versions;

		if (bw_mirror_next(&c, &record) != BW_OK) {
			check(c.at == from);
			break;
		}
		bw_buf_clear(&again);
		check(bw_mirror_add(&again, &record) == BW_OK);
		check(bw_slice_equals(bw_buf_slice(&again), bw_slice_sub(bytes, from, c.at - from)));
		if (bw_mirror_check_feed(&order, &record) != BW_OK)
			continue;
		check(order.at <= order.size && (record.kind != BW_MIRROR_WHOLE || order.at == order.size));
		if (bw_mirror_head_feed(&head, &order, &record) == BW_OK && record.kind == BW_MIRROR_WHOLE)
			check(head.versions == versions + 1 &&
			      bw_mirror_head_number(&head, order.store) == order.number);
	}
	bw_mirror_check_release(&order);
}

static void heads(struct bw_slice bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_MIRROR_HEAD_BYTES_MAX);
	struct bw_mirror_head head;

	if (bw_mirror_head_parse(bytes, &head) != BW_OK)
		return;
	check(bw_mirror_head_write(&head, &again) == BW_OK && bw_slice_equals(bw_buf_slice(&again), bytes));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice bytes = bw_slice_of(data, size);

	records(bytes);
	heads(bytes);
	return 0;
}
