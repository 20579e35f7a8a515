#include <assert.h>
#include <stdlib.h>

#include "net/conn.h"

static struct conn *conn_of(const struct bw_exchange *x)
{
	return BW_LINK_OWNER((struct bw_link *)(uintptr_t)x, struct conn, x);
}

const struct bw_http_request *bw_exchange_head(const struct bw_exchange *x)
{
	assert(conn_of(x)->work != NULL);
	return &conn_of(x)->work->request;
}

uint64_t bw_exchange_id(const struct bw_exchange *x)
{
	return x->id;
}

void bw_exchange_set_data(struct bw_exchange *x, void *data)
{
	x->data = data;
}

void *bw_exchange_data(const struct bw_exchange *x)
{
	return x->data;
}

const struct bw_net_address *bw_exchange_peer(const struct bw_exchange *x)
{
	return &conn_of(x)->peer;
}

const struct bw_tls *bw_exchange_tls(const struct bw_exchange *x)
{
	return conn_of(x)->wire.tls;
}

enum bw_err bw_exchange_receive(struct bw_exchange *x, uint64_t max_bytes)
{
	struct conn *conn = conn_of(x);

	assert(x->active && !x->receiving);
	if (x->reply != NULL) /* our own deadline was faster */
		return BW_OK;
	BW_TRY(bw_http_body_init(&conn->work->body, &conn->work->request.head, max_bytes));
	x->receiving = true;
	bw_conn_soon(conn);
	return BW_OK;
}

void bw_exchange_answer(struct bw_exchange *x, struct bw_reply *reply)
{
	assert(x->active);
	if (x->reply != NULL) { /* the server answered by itself meanwhile: on_end says so */
		bw_reply_drop(reply);
		return;
	}
	x->reply = reply;
	bw_conn_soon(conn_of(x));
}

enum bw_err bw_exchange_stream(struct bw_exchange *x, struct bw_reply *head)
{
	struct conn *conn = conn_of(x);

	assert(x->active && x->stream == NULL);
	if (x->reply != NULL) { /* as above */
		bw_reply_drop(head);
		return BW_OK;
	}
	if (x->only_head || conn->work->request.head.minor == 0) {
		bw_reply_drop(head);
		return BW_ERR_UNSUPPORTED;
	}
	x->stream = calloc(1, sizeof(*x->stream));
	if (x->stream == NULL) {
		bw_reply_drop(head);
		return BW_ERR_MEMORY;
	}
	x->reply = head;
	x->close_after = true;
	bw_conn_soon(conn);
	return BW_OK;
}

enum bw_err bw_exchange_push(struct bw_exchange *x, struct bw_reply *piece)
{
	struct stream *stream = x->stream;
	enum bw_err err = BW_OK;

	assert(x->active);
	if (stream == NULL || stream->finished) /* the server ended it meanwhile: on_end says so */
		err = BW_ERR_CLOSED;
	else if (stream->count >= BW_HTTP_STREAM_PIECES)
		err = BW_ERR_TOO_MANY;
	if (err != BW_OK) {
		bw_reply_drop(piece);
		return err;
	}
	stream->pieces[(stream->first + stream->count++) % BW_COUNT(stream->pieces)] = piece;
	bw_conn_soon(conn_of(x));
	return BW_OK;
}

size_t bw_exchange_waiting(const struct bw_exchange *x)
{
	return x->stream == NULL ? 0 : x->stream->count;
}

void bw_exchange_finish(struct bw_exchange *x)
{
	assert(x->active);
	if (x->stream != NULL)
		bw_conn_finish_stream(conn_of(x));
}

void bw_exchange_close_after(struct bw_exchange *x)
{
	x->close_after = true;
}

void bw_exchange_abort(struct bw_exchange *x)
{
	x->aborted = true;
	bw_conn_soon(conn_of(x));
}

uint64_t bw_exchange_bytes_out(const struct bw_exchange *x)
{
	return x->sent;
}

unsigned bw_exchange_status(const struct bw_exchange *x)
{
	return x->reply == NULL ? 0 : bw_reply_status(x->reply);
}

uint64_t bw_exchange_age_ms(const struct bw_exchange *x)
{
	return conn_of(x)->server->clock() - x->started_ms;
}
