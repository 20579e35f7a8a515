/*
 * The front worker: accepts, frames TLS and HTTP, and hands requests on. It
 * holds the TLS key and nothing else: no file, no account, no object.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/tls.h"
#include "desk/form.h"
#include "serve/front_inner.h"
#include "serve/limits.h"
#include "serve/workers.h"

enum {
	START_WAIT_MS = 20000,
};

static const char *const peer_names[PEER_COUNT] = {
	[PEER_GATE] = "gate",
	[PEER_READER] = "reader",
	[PEER_KEEPER] = "keeper",
	[PEER_PAGER] = "pager",
};

/* ---- channels ---------------------------------------------------------- */

static void want(struct peer *peer)
{
	const unsigned wants = bw_channel_has_output(peer->channel) ? BW_WATCH_READ | BW_WATCH_WRITE : BW_WATCH_READ;

	/* fails only for a closed fd, which the next read shows */
	bw_err_drop(bw_watch_set(peer->watch, wants));
}

static void lose_peer(struct front *front, enum peer_name name)
{
	struct peer *peer = &front->peers[name];

	if (peer->channel == NULL)
		return;
	bw_watch_free(peer->watch);
	peer->watch = NULL;
	peer->channel = NULL; /* the seat tells us when there is a new one */
	front_peer_lost(front, name);
	if (name == PEER_KEEPER)
		front_seen_lost_keeper(front);
}

void front_flush(struct front *front, enum peer_name name)
{
	struct peer *peer = &front->peers[name];

	if (peer->channel == NULL)
		return;
	/* a broken channel shows itself at the next read, where all who wait are answered */
	bw_err_drop(bw_channel_flush(peer->channel));
	want(peer);
}

bool front_ask(struct request *r, enum peer_name name, enum stage stage, uint8_t kind, const struct bw_buf *form,
	       int fd)
{
	struct peer *peer = &r->front->peers[name];
	enum bw_err err = BW_ERR_CLOSED;

	r->stage = stage;
	r->waits_for = name;
	if (peer->channel != NULL)
		err = bw_channel_put(peer->channel, kind, bw_buf_slice(form), fd);
	if (err != BW_OK) {
		front_answer_status(r, 503, "Busy",
				    err == BW_ERR_CLOSED ? "a part of this server is being started; try again"
							 : "this server is busy; try again");
		return false;
	}
	front_flush(r->front, name);
	return true;
}

static void read_answered(struct front *front, struct bw_slice body, int fd)
{
	struct bw_form form;
	struct request *r;
	uint64_t id;
	uint64_t status;
	uint64_t collection;

	if (bw_form_take(body, BW_FIELDS_ANS_REPLY, &form) != BW_OK ||
	    bw_form_num(&form, 0, UINT64_MAX, &id) != BW_OK || bw_form_num(&form, 1, 599, &status) != BW_OK ||
	    bw_form_num(&form, 2, UINT16_MAX, &collection) != BW_OK) {
		bw_log(BW_ERROR, "a worker gave a malformed answer", { 0 });
		return;
	}
	r = front_find(front, id);
	if (r == NULL)
		return;
	if (r->hearing != NULL)
		front_events_answered(r, body, fd);
	else if (r->stage == STAGE_ALLOWED && status == 0)
		front_write_allowed(r, collection);
	else if (r->stage == STAGE_ALLOWED || r->stage == STAGE_READ || r->stage == STAGE_STORE)
		front_answer_reply_form(r, &body, fd);
}

/* What came with the answer found no room in this process: better none than half of it. */
static void answer_lost(struct front *front, struct bw_slice body)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct request *r;
	struct bw_slice field;
	uint64_t id;

	if (bw_take_block(&c, sizeof(id), &field) != BW_OK)
		return;
	c = bw_cursor_over(field);
	if (bw_take_be64(&c, &id) != BW_OK)
		return;
	r = front_find(front, id);
	if (r != NULL && front_events_hears(r))
		front_events_lost_pager(r); /* asked again */
	else if (r != NULL && r->stage != STAGE_DONE)
		front_answer_status(r, 503, "Busy", "no descriptor left for the answer; try again");
}

static void take_frame(struct front *front, enum peer_name from, const struct bw_frame *frame, int fd)
{
	if (frame->has_fd && fd < 0)
		answer_lost(front, frame->body);
	else if (from == PEER_GATE && frame->kind == BW_ANS_AUTH)
		front_auth_answered(front, frame->body);
	else if (from == PEER_READER && frame->kind == BW_ANS_PARSED)
		front_parsed(front, frame->body, fd);
	else if ((from == PEER_PAGER || from == PEER_KEEPER) && frame->kind == BW_ANS_REPLY)
		read_answered(front, frame->body, fd);
	else if (from == PEER_KEEPER && frame->kind == BW_ANS_SEEN)
		front_seen_answered(front, frame->body);
	else
		bw_log(BW_ERROR, "unexpected frame", BW_TEXT("from", peer_names[from]), BW_NUM("kind", frame->kind));
}

static enum bw_err take_frames(struct front *front, enum peer_name name)
{
	struct peer *peer = &front->peers[name];
	enum bw_err err = BW_OK;

	while (err == BW_OK && peer->channel != NULL) {
		struct bw_frame frame;
		int fd = -1;

		err = bw_channel_next(peer->channel, &frame, &fd);
		if (err == BW_ERR_AGAIN)
			err = bw_channel_fill(peer->channel);
		else if (err == BW_OK)
			take_frame(front, name, &frame, fd);
		if (fd >= 0)
			close(fd);
	}
	return err == BW_ERR_AGAIN ? BW_OK : err;
}

static void on_peer(void *ctx, int fd, unsigned ready)
{
	struct peer *peer = ctx;
	struct front *front = peer->front;
	const enum peer_name name = (enum peer_name)(peer - front->peers);
	enum bw_err err = BW_OK;

	(void)fd;
	if ((ready & BW_WATCH_WRITE) != 0)
		err = bw_channel_flush(peer->channel);
	if (err == BW_OK || err == BW_ERR_AGAIN)
		err = take_frames(front, name);
	if (err == BW_OK && peer->channel != NULL)
		want(peer);
	if (err == BW_OK)
		return;
	lose_peer(front, name);
	/* CLOSED: it has ended, or has given us up and says so itself */
	if (err != BW_ERR_CLOSED && bw_seat_renew(front->seat, peer_names[name], 0) != BW_OK)
		bw_log(BW_ERROR, "the parent does not listen", BW_TEXT("peer", peer_names[name]));
}

static enum bw_err join_peer(struct front *front, enum peer_name name, struct bw_channel *channel)
{
	struct peer *peer = &front->peers[name];

	lose_peer(front, name);
	if (channel == NULL)
		return BW_OK;
	BW_TRY(bw_watch_new(front->loop, bw_channel_fd(channel), BW_WATCH_READ, on_peer, peer, &peer->watch));
	peer->channel = channel;
	return BW_OK;
}

/* ---- what the parent tells --------------------------------------------- */

static enum bw_err take_certificate(struct front *front, struct bw_slice body)
{
	struct bw_why why = { 0 };
	struct bw_tls_context *fresh;
	struct bw_tls_server_options options = { 0 };
	struct bw_form form;
	enum bw_err err;

	BW_TRY(bw_form_take(body, 3, &form));
	options.cert_pem = form.fields[0];
	options.key_pem = form.fields[1];
	options.client_ca_pem = form.fields[2];
	options.client_cert = BW_TLS_CLIENT_OPTIONAL;
	err = bw_tls_server_new(&options, &fresh, &why);
	explicit_bzero((void *)(uintptr_t)form.fields[1].ptr, form.fields[1].len);
	if (err != BW_OK) {
		bw_log(BW_ERROR, "certificate not taken", BW_TEXT("why", why.text));
		return err;
	}
	if (front->server != NULL)
		bw_http_server_set_tls(front->server, fresh);
	bw_tls_context_free(front->tls);
	front->tls = fresh;
	return BW_OK;
}

static enum bw_err take_memory(struct front *front, const struct bw_seat_event *event)
{
	struct bw_form form;
	uint64_t what;

	BW_TRY(bw_form_take(event->message.body, 1, &form));
	BW_TRY(bw_form_num(&form, 0, 1, &what));
	if (what != BW_MEMORY_BULLETIN)
		return BW_OK;
	bw_bulletin_release(&front->bulletin);
	front->has_bulletin = false;
	BW_TRY(bw_bulletin_open(event->fd, &front->bulletin));
	front->has_bulletin = true;
	return BW_OK;
}

/* The parent says when: not before all workers are ready. */
static enum bw_err accept_clients(struct front *front)
{
	const struct bw_serve_shared *shared = bw_seat_shared(front->seat);

	front->may_accept = true;
	if (front->server == NULL || front->accepts || front->stopping)
		return BW_OK;
	front->accepts = true;
	for (size_t i = 0; i < shared->listener_count; i++)
		BW_TRY(bw_http_server_listen(front->server, shared->listeners[i],
					     front->settings.plain ? NULL : front->tls));
	return BW_OK;
}

static enum bw_err take_event(struct front *front, const struct bw_seat_event *event)
{
	switch (event->kind) {
	case BW_SEAT_MESSAGE:
		if (event->message.kind == BW_TELL_SETTINGS)
			return bw_settings_take(event->message.body, &front->settings);
		if (event->message.kind == BW_TELL_CERT)
			return take_certificate(front, event->message.body);
		if (event->message.kind == BW_TELL_MEMORY)
			return take_memory(front, event);
		if (event->message.kind == BW_TELL_OPEN)
			return accept_clients(front);
		return BW_OK;
	case BW_SEAT_PEER:
		for (size_t i = 0; i < PEER_COUNT; i++) {
			if (strcmp(event->peer.name, peer_names[i]) == 0)
				BW_TRY(join_peer(front, (enum peer_name)i, event->now));
		}
		bw_channel_free(event->old);
		return BW_OK;
	case BW_SEAT_STOP:
		front->stopping = true;
		if (front->server != NULL)
			bw_http_server_drain(front->server);
		return BW_OK;
	default:
		return BW_OK;
	}
}

static void on_drained(void *ctx)
{
	struct front *front = ctx;

	front_seen_leave(front);
}

static void on_seat(void *ctx, int fd, unsigned ready)
{
	struct front *front = ctx;
	struct bw_seat_event event = { 0 };
	enum bw_err err = BW_OK;

	(void)fd;
	(void)ready;
	do {
		err = bw_seat_next(front->seat, &event);
		if (err != BW_OK)
			break;
		if (take_event(front, &event) != BW_OK)
			bw_log(BW_ERROR, "message of the parent not taken", BW_NUM("kind", event.message.kind));
		if (event.kind == BW_SEAT_MESSAGE && event.fd >= 0)
			close(event.fd);
	} while (event.kind != BW_SEAT_NOTHING);
	if (err != BW_OK) /* the parent is gone, and we with it */
		bw_loop_stop(front->loop);
}

/* What came together with the message that was waited for lies in memory, where no descriptor tells of it. */
static void on_first(void *ctx)
{
	on_seat(ctx, -1, BW_WATCH_READ);
}

/* ---- start ------------------------------------------------------------- */

static bool has_what_it_needs(const struct front *front)
{
	return front->settings.title[0] != 0 && (front->settings.plain || front->tls != NULL);
}

static enum bw_err wait_for_settings(struct front *front)
{
	while (!has_what_it_needs(front)) {
		struct bw_seat_event event = { 0 };
		enum bw_err err;

		BW_TRY(bw_seat_wait(front->seat, START_WAIT_MS, &event));
		err = take_event(front, &event);
		if (event.kind == BW_SEAT_MESSAGE && event.fd >= 0)
			close(event.fd);
		BW_TRY(err);
		BW_NEED(event.kind != BW_SEAT_STOP, CLOSED);
	}
	return BW_OK;
}

static enum bw_err open_front(struct front *front)
{
	static const struct bw_http_calls calls = {
		.on_head = front_on_head,
		.on_body = front_on_body,
		.on_body_end = front_on_body_end,
		.on_end = front_on_end,
		.refusal = front_refusal,
		.on_drained = on_drained,
	};

	BW_TRY(bw_auth_cache_new(&front->auth));
	BW_TRY(bw_reply_cache_new(BW_CACHE_BYTES_MAX, &front->replies));
	BW_TRY(bw_held_new(BW_HELD_ACCOUNT_MAX, BW_HELD_MAX, &front->held));
	BW_TRY(front_seen_open(front));
	BW_TRY(bw_http_server_new(front->loop, NULL, &calls, front, &front->server));
	for (size_t i = 0; i < PEER_COUNT; i++)
		BW_TRY(join_peer(front, (enum peer_name)i, bw_seat_peer(front->seat, peer_names[i], 0)));
	BW_TRY(bw_timer_new(front->loop, on_first, front, &front->first));
	bw_timer_set(front->first, 0);
	return bw_watch_new(front->loop, bw_seat_fd(front->seat), BW_WATCH_READ, on_seat, front, &front->seat_watch);
}

static void close_front(struct front *front)
{
	for (size_t i = 0; i < PEER_COUNT; i++)
		bw_watch_free(front->peers[i].watch);
	bw_http_server_free(front->server);
	bw_watch_free(front->seat_watch);
	bw_timer_free(front->first);
	front_events_close(front);
	front_seen_close(front);
	bw_auth_cache_free(front->auth);
	bw_reply_cache_free(front->replies);
	bw_held_free(front->held);
	bw_bulletin_release(&front->bulletin);
	bw_tls_context_free(front->tls);
	bw_loop_free(front->loop);
	free(front);
}

static enum bw_err run_front(struct front *front)
{
	struct bw_why why = { 0 };

	BW_TRY(bw_loop_new(&front->loop));
	BW_TRY(wait_for_settings(front));
	BW_TRY(open_front(front));
	BW_TRY(bw_seat_confine(front->seat, NULL, front->settings.require_sandbox, &why));
	BW_TRY(bw_seat_ready(front->seat));
	if (front->may_accept) /* told already: this one was started again */
		BW_TRY(accept_clients(front));
	return bw_loop_run(front->loop);
}

int bw_front_run(struct bw_seat *seat)
{
	struct front *front = calloc(1, sizeof(*front));
	enum bw_err err;

	if (front == NULL)
		return BW_EXIT_FAILED;
	front->seat = seat;
	for (size_t i = 0; i < PEER_COUNT; i++)
		front->peers[i] = (struct peer){ .front = front, .name = peer_names[i] };
	err = run_front(front);
	if (err != BW_OK && err != BW_ERR_CLOSED)
		bw_log(BW_ERROR, "front ends", BW_TEXT("why", bw_err_text(err)));
	close_front(front);
	return err == BW_OK ? BW_EXIT_OK : BW_EXIT_FAILED;
}

/* ---- metrics ----------------------------------------------------------- */

static enum bw_err add_metric(struct bw_buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
	return bw_buf_addf(out, "# HELP breakwater_%s %s\n# TYPE breakwater_%s %s\nbreakwater_%s %llu\n", name, help,
			   name, type, name, (unsigned long long)value);
}

enum bw_err front_metrics(struct front *front, struct bw_buf *out)
{
	struct bw_http_stats s;

	bw_http_server_stats(front->server, &s);
	BW_TRY(bw_buf_addf(out, "# worker front %u; each front counts its own connections\n",
			   bw_seat_copy(front->seat)));
	BW_TRY(add_metric(out, "connections", "gauge", "connections open now", s.connections_now));
	BW_TRY(add_metric(out, "connections_total", "counter", "connections accepted", s.connections_total));
	BW_TRY(add_metric(out, "connections_refused_total", "counter", "connections over a limit",
			  s.connections_refused));
	BW_TRY(add_metric(out, "tls_handshakes_failed_total", "counter", "TLS handshakes that failed",
			  s.handshakes_failed));
	BW_TRY(add_metric(out, "requests_total", "counter", "requests framed", s.requests_total));
	BW_TRY(add_metric(out, "refusals_total", "counter", "requests refused before they reached TAXII",
			  s.refusals_total));
	BW_TRY(add_metric(out, "timeouts_total", "counter", "connections closed by a deadline", s.timeouts_total));
	BW_TRY(add_metric(out, "requests_in_flight", "gauge", "requests being worked on", s.in_flight));
	BW_TRY(add_metric(out, "hearers", "gauge", "clients that hear events", front->hearer_count));
	BW_TRY(add_metric(out, "received_bytes_total", "counter", "bytes of HTTP received", s.bytes_in));
	BW_TRY(add_metric(out, "sent_bytes_total", "counter", "bytes of HTTP sent", s.bytes_out));
	BW_TRY(add_metric(out, "unread_answer_bytes", "gauge", "answers that clients have yet to take",
			  bw_held_bytes(front->held)));
	BW_TRY(add_metric(out, "audit_batches_waiting", "gauge", "batches of accesses not yet in the audit log",
			  front->outbox.count));
	BW_TRY(add_metric(out, "audit_unrecorded_total", "counter", "accesses the audit log knows by number only",
			  front->unrecorded_total));
	if (front->has_bulletin)
		BW_TRY(add_metric(out, "last_added_microseconds", "gauge", "date_added of the newest object",
				  (uint64_t)bw_bulletin_last_added_us(&front->bulletin)));
	return BW_OK;
}
