#include "serve/outbox.h"

#include <assert.h>

void bw_outbox_init(struct bw_outbox *box)
{
	*box = (struct bw_outbox){ .number = 1 };
}

static void drop_first(struct bw_outbox *box)
{
	bw_buf_release(&box->batches[box->first]);
	box->first = (box->first + 1) % BW_OUTBOX_MAX;
	box->count--;
	box->number++;
}

void bw_outbox_release(struct bw_outbox *box)
{
	while (box->count > 0)
		drop_first(box);
	box->sent = 0;
}

bool bw_outbox_has_room(const struct bw_outbox *box)
{
	return box->count < BW_OUTBOX_MAX;
}

enum bw_err bw_outbox_add(struct bw_outbox *box, struct bw_buf *batch)
{
	BW_NEED(bw_outbox_has_room(box), TOO_MANY);
	box->batches[(box->first + box->count) % BW_OUTBOX_MAX] = bw_buf_move(batch);
	box->count++;
	return BW_OK;
}

bool bw_outbox_next(const struct bw_outbox *box, uint64_t *number, struct bw_slice *out)
{
	if (box->sent == box->count)
		return false;
	*number = box->number + box->sent;
	*out = bw_buf_slice(&box->batches[(box->first + box->sent) % BW_OUTBOX_MAX]);
	return true;
}

void bw_outbox_sent(struct bw_outbox *box)
{
	assert(box->sent < box->count);
	box->sent++;
}

enum bw_err bw_outbox_stored(struct bw_outbox *box, uint64_t number)
{
	BW_NEED(box->sent > 0 && number == box->number, PROTOCOL);
	drop_first(box);
	box->sent--;
	return BW_OK;
}

void bw_outbox_send_again(struct bw_outbox *box)
{
	box->sent = 0;
}
