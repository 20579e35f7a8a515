/* The door of a witness: frames HTTP, knows one path, and asks the notary. It has no files and no keys. */
#include <stdlib.h>

#include "accord/line.h"
#include "accord/run_words.h"
#include "accord/witness_inner.h"
#include "base/command.h"
#include "base/log.h"
#include "net/server.h"
#include "tlog/witness.h"

enum { OPEN_MAX = 256 };

struct visit {
	struct bw_exchange *x; /* NULL: free */
	uint64_t id;
	struct bw_buf body;
};

struct door {
	struct bw_line line;
	struct bw_loop *loop;
	struct bw_http_server *server;
	bool may_accept;
	bool accepts;
	struct visit visits[OPEN_MAX];
};

static void answer(struct bw_exchange *x, unsigned status, const char *type, struct bw_slice content)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf headers = BW_BUF_INIT(BW_KIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_NOTE_MAX);
	struct bw_reply *reply;

	if (bw_buf_addf(&headers, "Content-Type: %s\r\nCache-Control: no-store\r\n", type) == BW_OK &&
	    bw_buf_add(&body, content) == BW_OK && bw_reply_new(status, bw_buf_slice(&headers), &body, &reply) == BW_OK)
		bw_exchange_answer(x, reply);
	else
		bw_exchange_abort(x);
}

static void refuse(struct bw_exchange *x, unsigned status, const char *words)
{
	answer(x, status, "text/plain; charset=utf-8", bw_slice_text(words));
}

/* ---- requests ------------------------------------------------------------------------------ */

static void on_head(void *ctx, struct bw_exchange *x)
{
	const struct bw_http_request *request = bw_exchange_head(x);
	struct door *door = ctx;

	bw_exchange_set_data(x, NULL);
	if (!bw_slice_is(request->path, "/add-checkpoint")) {
		refuse(x, 404, "a witness (c2sp.org/tlog-witness): POST /add-checkpoint\n");
		return;
	}
	if (request->method != BW_HTTP_POST) {
		refuse(x, 405, "POST it\n");
		return;
	}
	for (size_t i = 0; i < OPEN_MAX; i++) {
		struct visit *visit = &door->visits[i];

		if (visit->x != NULL)
			continue;
		if (bw_exchange_receive(x, BW_WITNESS_BODY_MAX) != BW_OK) {
			refuse(x, 413, "longer than a request may be\n");
			return;
		}
		*visit = (struct visit){ .x = x, .id = bw_exchange_id(x), .body = BW_BUF_INIT(BW_WITNESS_BODY_MAX) };
		bw_exchange_set_data(x, visit);
		return;
	}
	refuse(x, 503, "busy; try again\n");
}

static void on_body(void *ctx, struct bw_exchange *x, struct bw_slice bytes)
{
	struct visit *visit = bw_exchange_data(x);

	(void)ctx;
	if (visit != NULL && bw_buf_add(&visit->body, bytes) != BW_OK)
		bw_exchange_abort(x);
}

static enum bw_err ask(struct door *door, const struct visit *visit)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(BW_FRAME_BODY_MAX);

	BW_TRY(bw_form_add_num(&form, visit->id));
	BW_TRY(bw_form_add(&form, bw_buf_slice(&visit->body)));
	return bw_line_put(&door->line, BW_NOTARY_WITNESS, bw_buf_slice(&form), -1);
}

static void on_body_end(void *ctx, struct bw_exchange *x)
{
	struct visit *visit = bw_exchange_data(x);

	if (visit != NULL && ask(ctx, visit) != BW_OK)
		refuse(x, 503, "busy; try again\n");
}

static void on_end(void *ctx, struct bw_exchange *x, enum bw_exchange_end how)
{
	struct visit *visit = bw_exchange_data(x);

	(void)ctx;
	(void)how;
	if (visit == NULL)
		return;
	bw_buf_release(&visit->body);
	visit->x = NULL;
}

static void on_drained(void *ctx)
{
	struct door *door = ctx;

	bw_loop_stop(door->loop);
}

/* ---- the notary ----------------------------------------------------------------------------- */

static enum bw_err take(void *ctx, const struct bw_frame *frame, int fd)
{
	struct door *door = ctx;
	struct bw_form form;
	uint64_t id;
	uint64_t status;
	uint64_t tells_size;

	(void)fd;
	BW_NEED(frame->kind == BW_NOTARY_COSIGNED, PROTOCOL);
	BW_TRY(bw_form_take(frame->body, BW_FIELDS_NOTARY_COSIGNED, &form));
	BW_TRY(bw_form_num(&form, 0, UINT64_MAX, &id));
	BW_TRY(bw_form_num(&form, 1, 599, &status));
	BW_TRY(bw_form_num(&form, 3, 1, &tells_size));
	BW_NEED(status >= 200, PROTOCOL);
	for (size_t i = 0; i < OPEN_MAX; i++)
		if (door->visits[i].x != NULL && door->visits[i].id == id)
			answer(door->visits[i].x, (unsigned)status,
			       tells_size != 0 ? BW_WITNESS_SIZE_TYPE : "text/plain; charset=utf-8", form.fields[4]);
	return BW_OK;
}

static void lost(void *ctx)
{
	struct door *door = ctx;

	for (size_t i = 0; i < OPEN_MAX; i++)
		if (door->visits[i].x != NULL)
			refuse(door->visits[i].x, 503, "a part of this witness is being started; try again\n");
}

/* ---- start ------------------------------------------------------------------------------------ */

static enum bw_err accept_visitors(struct door *door)
{
	const struct bw_run_shared *shared = bw_seat_shared(door->line.seat);

	door->may_accept = true;
	if (door->server == NULL || door->accepts)
		return BW_OK;
	door->accepts = true;
	for (size_t i = 0; i < shared->cache_count; i++)
		BW_TRY(bw_http_server_listen(door->server, shared->caches[i], NULL));
	return BW_OK;
}

static enum bw_err told(void *ctx, const struct bw_frame *message, int fd)
{
	(void)fd;
	return message->kind == BW_RUN_TELL_BEGIN ? accept_visitors(ctx) : BW_OK;
}

static void stop(void *ctx)
{
	struct door *door = ctx;

	bw_http_server_drain(door->server);
}

static enum bw_err run_door(struct door *door, struct bw_seat *seat)
{
	static const struct bw_http_calls http = { .on_head = on_head,
						   .on_body = on_body,
						   .on_body_end = on_body_end,
						   .on_end = on_end,
						   .on_drained = on_drained };
	static const struct bw_line_calls calls = { take, lost, told, stop };
	const struct bw_run_shared *shared = bw_seat_shared(seat);
	struct bw_http_limits limits = BW_HTTP_LIMITS_DEFAULT;
	struct bw_why why = { 0 };

	limits.connections = OPEN_MAX;
	BW_TRY(bw_loop_new(&door->loop));
	door->line =
		(struct bw_line){ .seat = seat, .peer = "notary", .loop = door->loop, .calls = &calls, .ctx = door };
	BW_TRY(bw_http_server_new(door->loop, &limits, &http, door, &door->server));
	BW_TRY(bw_line_open(&door->line));
	BW_TRY(bw_seat_confine(seat, NULL, shared->require_sandbox, &why));
	BW_TRY(bw_seat_ready(seat));
	if (door->may_accept)
		BW_TRY(accept_visitors(door));
	return bw_loop_run(door->loop);
}

int bw_door_run(struct bw_seat *seat)
{
	struct door *door = calloc(1, sizeof(*door));
	enum bw_err err;

	if (door == NULL)
		return BW_EXIT_FAILED;
	err = run_door(door, seat);
	if (err != BW_OK && err != BW_ERR_CLOSED)
		bw_log(BW_ERROR, "door ends", BW_TEXT("why", bw_err_text(err)));
	bw_http_server_free(door->server);
	bw_line_close(&door->line);
	bw_loop_free(door->loop);
	free(door);
	return err == BW_OK || err == BW_ERR_CLOSED ? BW_EXIT_OK : BW_EXIT_FAILED;
}
