/*
 * An answer without a known end: pieces go to the client as the owner brings them. Between
 * two pieces a stream holds nothing but its place in a ring of deadlines: thousands of them rest here.
 */
#include <stdlib.h>

#include "net/conn_steps.h"
#include "net/reply_inner.h"

enum step bw_conn_begin_stream(struct conn *conn)
{
	bw_work_give(conn->server, conn->work); /* what the client said behind its request is of no interest */
	conn->work = NULL;
	conn->state = CONN_STREAM;
	conn->readable = true;
	bw_conn_set_deadline(conn, DEADLINE_STREAM);
	return STEP_ON;
}

void bw_conn_drop_stream(struct conn *conn)
{
	struct stream *stream = conn->x.stream;

	conn->x.stream = NULL;
	if (stream == NULL)
		return;
	for (; stream->count > 0; stream->count--)
		bw_reply_drop(stream->pieces[stream->first++ % BW_COUNT(stream->pieces)]);
	free(stream);
}

void bw_conn_finish_stream(struct conn *conn)
{
	struct stream *stream = conn->x.stream;
	struct bw_reply *last;

	if (stream->finished)
		return;
	stream->finished = true;
	if (bw_reply_new_piece(bw_slice_empty, &last) == BW_OK)
		stream->pieces[(stream->first + stream->count++) % BW_COUNT(stream->pieces)] = last;
	else
		conn->x.aborted = true; /* the close must do */
	bw_conn_soon(conn);
}

static enum step end_stream(struct conn *conn)
{
	bw_conn_end_exchange(conn, BW_EXCHANGE_SENT);
	bw_wire_finish(&conn->wire);
	if (conn->ended)
		return STEP_CLOSE;
	conn->state = CONN_LINGER;
	conn->readable = true;
	bw_conn_set_deadline(conn, DEADLINE_LINGER);
	return STEP_ON;
}

/* Whoever hears a stream has nothing to say; its goodbye is heard, also one that closes only its own side. */
static enum step hear_client(struct conn *conn)
{
	while (conn->readable) {
		size_t n;
		const enum bw_wire_step step = bw_conn_read_some(conn, conn->server->scratch,
								 sizeof(conn->server->scratch), &n);

		if (step == BW_WIRE_WANT_READ || step == BW_WIRE_WANT_WRITE)
			break;
		if (step != BW_WIRE_DONE)
			return STEP_CLOSE;
		conn->x.stream->chatter += (uint32_t)n;
		if (conn->x.stream->chatter > BW_HTTP_STREAM_CHATTER)
			return STEP_CLOSE;
	}
	bw_wire_rest(&conn->wire); /* of thousands, few have something to say at a time */
	return STEP_WAIT;
}

/* A part of the first piece that waits. */
static enum bw_wire_step send_some(struct conn *conn, size_t *out_sent)
{
	struct stream *stream = conn->x.stream;
	const struct bw_slice rest = bw_slice_from(stream->pieces[stream->first]->body, stream->sent);
	struct iovec part = { (void *)(uintptr_t)rest.ptr,
			      rest.len < BW_HTTP_WRITE_BURST ? rest.len : BW_HTTP_WRITE_BURST };
	const enum bw_wire_step step = bw_wire_write(&conn->wire, &part, 1, out_sent);

	if (step != BW_WIRE_DONE)
		return step;
	conn->x.sent += *out_sent;
	conn->window_bytes += *out_sent;
	conn->server->stats.bytes_out += *out_sent;
	stream->sent += *out_sent;
	if (*out_sent < rest.len)
		return step;
	bw_reply_drop(stream->pieces[stream->first]);
	stream->first = (stream->first + 1) % BW_COUNT(stream->pieces);
	stream->count--;
	stream->sent = 0;
	return step;
}

enum step bw_conn_step_stream(struct conn *conn)
{
	struct stream *stream = conn->x.stream;
	size_t burst = 0;
	size_t n;

	conn->blocked = false;
	while (stream->count > 0) {
		enum bw_wire_step step;

		if (burst >= BW_HTTP_WRITE_BURST)
			return bw_conn_wait_to_send(conn); /* as an answer that is long */
		step = send_some(conn, &n);
		if (step == BW_WIRE_WANT_WRITE)
			return bw_conn_wait_to_send(conn);
		if (step != BW_WIRE_DONE)
			return STEP_CLOSE;
		burst += n;
	}
	if (stream->finished)
		return end_stream(conn);
	if (conn->deadline != DEADLINE_STREAM || burst > 0)
		bw_conn_set_deadline(conn, DEADLINE_STREAM);
	return hear_client(conn);
}
