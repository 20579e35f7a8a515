/*
 * Every access on its way to the audit log. Equal ones are counted together for half
 * a second; batches of lines go to the keeper and are kept until it has them on disk.
 * When there is no room left, because the keeper has been away or unable to write
 * for long, accesses are counted, and their number becomes a line of its own.
 */
#include "base/log.h"
#include "desk/form.h"
#include "serve/front_inner.h"

enum {
	SEEN_EVERY_MS = 500,
	SEEN_LAST_TICKS = 10, /* a front that ends waits so many of them for the keeper's word */
};

/* Moves the list into the outbox. False: there is no room, and nothing has changed. */
static bool seal(struct front *front)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf batch = BW_BUF_INIT(BW_FRAME_BODY_MAX);

	if (bw_seen_count(front->seen) == 0)
		return true;
	if (!bw_outbox_has_room(&front->outbox) || bw_seen_write(front->seen, &batch) != BW_OK ||
	    bw_outbox_add(&front->outbox, &batch) != BW_OK)
		return false;
	bw_seen_forget(front->seen);
	return true;
}

static void send_batches(struct front *front)
{
	struct peer *keeper = &front->peers[PEER_KEEPER];
	struct bw_slice lines;
	uint64_t number;

	if (keeper->channel == NULL)
		return;
	while (bw_outbox_next(&front->outbox, &number, &lines)) {
		BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);

		if (bw_form_add_num(&form, number) != BW_OK || bw_buf_add(&form, lines) != BW_OK ||
		    bw_channel_put(keeper->channel, BW_ASK_SEEN, bw_buf_slice(&form), -1) != BW_OK)
			break; /* its queue is full: at the next tick */
		bw_outbox_sent(&front->outbox);
	}
	front_flush(front, PEER_KEEPER);
}

/* The number of those that could not be noted is a line, as soon as there is room for one. */
static void note_unrecorded(struct front *front)
{
	const struct bw_seen_line line = {
		.name = bw_slice_empty,
		.address = bw_slice_empty,
		.action = BW_LIT("unrecorded"),
		.target = BW_LIT("accesses that found no room here"),
		.count = front->unrecorded,
	};

	if (front->unrecorded > 0 && bw_seen_note(front->seen, &line) == BW_OK)
		front->unrecorded = 0;
}

static void count_unrecorded(struct front *front)
{
	if (front->unrecorded++ == 0)
		bw_log(BW_ERROR,
		       "no room for the audit log's lines: accesses are only counted until the keeper "
		       "has stored what waits",
		       { 0 });
	front->unrecorded_total++;
}

void front_note_access(struct request *r)
{
	const struct bw_http_request *http = bw_exchange_head(r->x);
	struct front *front = r->front;
	const struct bw_seen_line line = {
		.name = bw_slice_text(r->who.name),
		.address = bw_slice_of(bw_exchange_peer(r->x)->ip, 16),
		.action = http->method_text,
		.target = http->target,
		.status = bw_exchange_status(r->x),
		.count = 1,
	};
	enum bw_err err;

	/* health checks are not accesses to anything */
	if (r->taxii.what == BW_TAXII_HEALTHZ || r->taxii.what == BW_TAXII_READYZ)
		return;
	err = bw_seen_note(front->seen, &line);
	if (err == BW_ERR_TOO_MANY && seal(front)) {
		send_batches(front);
		note_unrecorded(front);
		err = bw_seen_note(front->seen, &line);
	}
	if (err != BW_OK)
		count_unrecorded(front);
}

static bool everything_is_stored(const struct front *front)
{
	return bw_seen_count(front->seen) == 0 && front->outbox.count == 0 && front->unrecorded == 0;
}

/* What cannot be stored any more is told to the journal, at least. */
static void leave(struct front *front)
{
	if (!everything_is_stored(front))
		bw_log(BW_ERROR, "front ends before the audit log had all it saw",
		       BW_NUM("lines", bw_seen_count(front->seen)), BW_NUM("batches", front->outbox.count),
		       BW_NUM("unrecorded", front->unrecorded));
	bw_loop_stop(front->loop);
}

static void on_tick(void *ctx)
{
	struct front *front = ctx;
	uint64_t number;
	struct bw_slice lines;

	note_unrecorded(front);
	/* while something waits, equal accesses go on being counted together */
	if (!bw_outbox_next(&front->outbox, &number, &lines))
		(void)seal(front); /* without room the list waits, and counts */
	send_batches(front);
	if (front->leaving && (everything_is_stored(front) || front->last_ticks-- == 0))
		leave(front);
	else
		bw_timer_set(front->seen_timer, SEEN_EVERY_MS);
}

void front_seen_answered(struct front *front, struct bw_slice body)
{
	struct bw_form form;
	uint64_t number;
	uint64_t stored;

	if (bw_form_take(body, BW_FIELDS_ANS_SEEN, &form) != BW_OK ||
	    bw_form_num(&form, 0, UINT64_MAX, &number) != BW_OK || bw_form_num(&form, 1, 1, &stored) != BW_OK) {
		bw_log(BW_ERROR, "keeper gave a malformed answer", { 0 });
		return;
	}
	if (stored == 0 || bw_outbox_stored(&front->outbox, number) != BW_OK)
		bw_outbox_send_again(&front->outbox); /* at the next tick */
	else if (front->leaving && everything_is_stored(front))
		leave(front);
}

void front_seen_lost_keeper(struct front *front)
{
	bw_outbox_send_again(&front->outbox);
}

void front_seen_leave(struct front *front)
{
	front->leaving = true;
	front->last_ticks = SEEN_LAST_TICKS;
	on_tick(front);
}

enum bw_err front_seen_open(struct front *front)
{
	bw_outbox_init(&front->outbox);
	BW_TRY(bw_seen_new(&front->seen));
	BW_TRY(bw_timer_new(front->loop, on_tick, front, &front->seen_timer));
	bw_timer_set(front->seen_timer, SEEN_EVERY_MS);
	return BW_OK;
}

void front_seen_close(struct front *front)
{
	bw_timer_free(front->seen_timer);
	bw_seen_free(front->seen);
	bw_outbox_release(&front->outbox);
}
