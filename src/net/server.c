#include "net/server.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "crypto/tls.h"
#include "net/conn.h"
#include "net/sockaddr.h"

/* ---- small services for the connections -------------------------------- */

struct work *bw_work_take(struct bw_http_server *server)
{
	struct work *work = server->spare;

	if (work != NULL) {
		server->spare = work->next_spare;
		server->spares--;
	} else {
		work = malloc(sizeof(*work));
		if (work == NULL)
			return NULL;
	}
	work->seen = work->at = work->len = 0;
	return work;
}

void bw_work_give(struct bw_http_server *server, struct work *work)
{
	if (server->spares >= BW_HTTP_SPARE_WORK) {
		free(work);
		return;
	}
	work->next_spare = server->spare;
	server->spare = work;
	server->spares++;
}

/* RFC 9110 5.6.7, IMF-fixdate; never the locale's names. */
void bw_server_refresh_date(struct bw_http_server *server)
{
	static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	const time_t now = time(NULL);
	struct tm t;
	int n;

	if (now == server->date_second || gmtime_r(&now, &t) == NULL)
		return;
	n = snprintf(server->date, sizeof(server->date), "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n",
		     days[t.tm_wday], t.tm_mday, months[t.tm_mon], t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
	server->date_bytes = n > 0 && (size_t)n < sizeof(server->date) ? (size_t)n : 0;
	server->date_second = now;
}

struct bw_reply *bw_server_refusal(struct bw_http_server *server, unsigned status, const char *reason)
{
	static const char headers[] = "Content-Type: text/plain; charset=utf-8\r\n";
	struct bw_buf body = BW_BUF_INIT(1024);
	struct bw_reply *reply = NULL;

	if (reason == NULL)
		reason = bw_http_reason(status);
	if (server->calls.refusal != NULL)
		reply = server->calls.refusal(server->ctx, status, reason);
	if (reply == NULL && bw_buf_addf(&body, "%u %s: %s\n", status, bw_http_reason(status), reason) == BW_OK)
		bw_err_drop(bw_reply_new(status, bw_slice_text(headers), &body, &reply)); /* stays NULL */
	bw_buf_release(&body);
	return reply;
}

/* ---- the clock ---------------------------------------------------------- */

void bw_server_sweep(struct bw_http_server *server)
{
	bw_server_refresh_date(server);
	for (size_t i = 0; i < DEADLINE_CLASSES; i++) {
		struct bw_link *ring = &server->classes[i];
		const uint64_t now = server->clock();

		while (!bw_link_is_alone(ring)) {
			struct conn *conn = BW_LINK_OWNER(ring->next, struct conn, in_class);

			if (conn->deadline_ms > now)
				break;
			bw_conn_expire(conn);
		}
	}
}

static void tick(void *ctx)
{
	struct bw_http_server *server = ctx;

	bw_server_sweep(server);
	server->ticking = server->stats.connections_now > 0;
	if (server->ticking)
		bw_timer_set(server->tick_timer, BW_HTTP_TICK_MS);
}

/* An idle server sleeps: the first connection starts the ticks. */
static void start_ticking(struct bw_http_server *server)
{
	if (server->ticking)
		return;
	server->ticking = true;
	bw_server_refresh_date(server);
	bw_timer_set(server->tick_timer, BW_HTTP_TICK_MS);
}

static void run_soon(void *ctx)
{
	struct bw_http_server *server = ctx;
	struct bw_link now;

	if (bw_link_is_alone(&server->soon))
		return;
	now = server->soon;
	now.next->prev = &now;
	now.prev->next = &now;
	bw_link_init(&server->soon);
	server->in_soon = true;
	while (!bw_link_is_alone(&now))
		bw_conn_run(BW_LINK_OWNER(now.next, struct conn, in_soon));
	server->in_soon = false;
	/* Whoever came back is busy with much: the sockets go first. */
	if (!bw_link_is_alone(&server->soon))
		bw_timer_set(server->soon_timer, 1);
}

/* ---- connections come and go -------------------------------------------- */

static enum bw_err make_conn(struct bw_http_server *server, int fd, struct bw_tls_context *tls,
			     const struct bw_net_address *peer, struct conn **out)
{
	struct conn *conn = calloc(1, sizeof(*conn));
	enum bw_err err = BW_OK;

	BW_NEED(conn != NULL, MEMORY);
	conn->server = server;
	conn->wire.fd = fd;
	conn->peer = *peer;
	conn->state = tls == NULL ? CONN_HEAD : CONN_HANDSHAKE;
	bw_link_init(&conn->in_class);
	bw_link_init(&conn->in_soon);
	if (tls != NULL)
		err = bw_tls_accept(tls, fd, &conn->wire.tls);
	if (err == BW_OK)
		err = bw_watch_new(server->loop, fd, BW_WATCH_READ, bw_conn_ready, conn, &conn->watch);
	if (err != BW_OK) {
		bw_tls_free(conn->wire.tls);
		free(conn);
		return err;
	}
	*out = conn;
	return BW_OK;
}

/* A full house lets the guest go that has said nothing for longest. */
static enum bw_err make_room(struct bw_http_server *server)
{
	struct bw_link *idle = &server->classes[DEADLINE_IDLE];

	if (server->stats.connections_now < server->limits.connections)
		return BW_OK;
	BW_NEED(!bw_link_is_alone(idle), TOO_MANY);
	bw_conn_expire(BW_LINK_OWNER(idle->next, struct conn, in_class));
	return BW_OK;
}

static enum bw_err add_conn(struct bw_http_server *server, int fd, struct bw_tls_context *tls,
			    const struct bw_net_address *peer)
{
	struct conn *conn;
	uint8_t client[16];
	enum bw_err err;

	BW_NEED(!server->draining, CLOSED);
	BW_TRY(make_room(server));
	bw_net_address_client(peer, client);
	BW_TRY(bw_clients_enter(&server->clients, client, server->limits.connections_each));
	err = make_conn(server, fd, tls, peer, &conn);
	if (err != BW_OK) {
		bw_clients_leave(&server->clients, client);
		return err;
	}
	memcpy(conn->client, client, sizeof(client));
	server->stats.connections_now++;
	server->stats.connections_total++;
	bw_conn_set_deadline(conn, tls == NULL ? DEADLINE_HEAD : DEADLINE_HANDSHAKE);
	start_ticking(server);
	return BW_OK;
}

enum bw_err bw_http_server_adopt(struct bw_http_server *server, int fd, struct bw_tls_context *tls)
{
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof(from);
	struct bw_net_address peer;
	enum bw_err err;

	if (getpeername(fd, (struct sockaddr *)&from, &len) != 0)
		from.ss_family = AF_UNSPEC;
	bw_net_address_from(&from, &peer);
	err = add_conn(server, fd, tls, &peer);
	if (err != BW_OK) {
		server->stats.connections_refused++;
		close(fd);
	}
	return err;
}

void bw_server_conn_gone(struct bw_http_server *server)
{
	if (!server->draining || server->drained || server->stats.connections_now > 0)
		return;
	server->drained = true;
	if (server->calls.on_drained != NULL)
		server->calls.on_drained(server->ctx);
}

/* ---- accepting ---------------------------------------------------------- */

static void keep_reserve(struct bw_http_server *server, int like)
{
	if (server->reserve_fd < 0)
		server->reserve_fd = fcntl(like, F_DUPFD_CLOEXEC, 0);
}

static void set_listening(struct bw_http_server *server, bool on)
{
	for (struct bw_link *at = server->listeners.next; at != &server->listeners; at = at->next) {
		struct listener *listener = BW_LINK_OWNER(at, struct listener, in_server);

		bw_err_drop(bw_watch_set(listener->watch,
					 on ? BW_WATCH_READ : BW_WATCH_NONE)); /* tried again after the next rest */
	}
}

static void rested(void *ctx)
{
	struct bw_http_server *server = ctx;

	if (!server->draining)
		set_listening(server, true);
}

/*
 * No descriptor is left. The reserve lets us take one connection and close it,
 * so that its client learns at once; then accepting rests, or the listener
 * would stay ready and burn the processor.
 */
static void out_of_descriptors(struct listener *listener)
{
	struct bw_http_server *server = listener->server;

	server->stats.connections_refused++;
	if (server->reserve_fd >= 0) {
		int fd;

		close(server->reserve_fd);
		server->reserve_fd = -1;
		fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			close(fd);
		keep_reserve(server, listener->fd);
	}
	set_listening(server, false);
	bw_timer_set(server->rest_timer, BW_HTTP_ACCEPT_REST_MS);
}

static bool is_out_of_descriptors(int saved_errno)
{
	return saved_errno == EMFILE || saved_errno == ENFILE || saved_errno == ENOBUFS || saved_errno == ENOMEM;
}

static void listener_ready(void *ctx, int fd, unsigned ready)
{
	struct listener *listener = ctx;
	struct bw_http_server *server = listener->server;

	(void)ready;
	for (int i = 0; i < BW_HTTP_ACCEPT_BURST; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t len = sizeof(from);
		struct bw_net_address peer;
		const int taken = accept4(fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (taken < 0 && (errno == ECONNABORTED || errno == EINTR))
			continue;
		if (taken < 0) {
			if (is_out_of_descriptors(errno))
				out_of_descriptors(listener);
			return;
		}
		bw_net_address_from(&from, &peer);
		if (add_conn(server, taken, listener->tls, &peer) != BW_OK) {
			server->stats.connections_refused++;
			close(taken);
		}
	}
}

enum bw_err bw_http_server_listen(struct bw_http_server *server, int fd, struct bw_tls_context *tls)
{
	static const int on = 1;
	struct listener *listener = calloc(1, sizeof(*listener));
	enum bw_err err = BW_ERR_MEMORY;

	if (listener != NULL) {
		*listener = (struct listener){ .server = server, .tls = tls, .fd = fd };
		bw_link_init(&listener->in_server);
		err = bw_watch_new(server->loop, fd, BW_WATCH_READ, listener_ready, listener, &listener->watch);
	}
	if (err != BW_OK) {
		close(fd);
		free(listener);
		return err;
	}
	/* Accepted sockets inherit both: an answer goes out at once, and a dead peer is noticed some day. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	bw_link_append(&server->listeners, &listener->in_server);
	keep_reserve(server, fd);
	return BW_OK;
}

void bw_http_server_set_tls(struct bw_http_server *server, struct bw_tls_context *tls)
{
	for (struct bw_link *at = server->listeners.next; at != &server->listeners; at = at->next) {
		struct listener *listener = BW_LINK_OWNER(at, struct listener, in_server);

		if (listener->tls != NULL)
			listener->tls = tls;
	}
}

static void close_listeners(struct bw_http_server *server)
{
	while (!bw_link_is_alone(&server->listeners)) {
		struct listener *listener = BW_LINK_OWNER(server->listeners.next, struct listener, in_server);

		bw_link_remove(&listener->in_server);
		bw_watch_free(listener->watch);
		close(listener->fd);
		free(listener);
	}
}

/* ---- the server --------------------------------------------------------- */

static void set_durations(struct bw_http_server *server)
{
	const struct bw_http_limits *limits = &server->limits;

	server->durations_ms[DEADLINE_HANDSHAKE] = limits->handshake_ms;
	server->durations_ms[DEADLINE_HEAD] = limits->head_ms;
	server->durations_ms[DEADLINE_IDLE] = limits->idle_ms;
	server->durations_ms[DEADLINE_BODY] = limits->body_window_ms;
	server->durations_ms[DEADLINE_OWNER] = limits->owner_ms;
	server->durations_ms[DEADLINE_SEND] = limits->write_window_ms;
	server->durations_ms[DEADLINE_LINGER] = limits->linger_ms;
	server->durations_ms[DEADLINE_STREAM] = limits->stream_ms;
}

static enum bw_err make_parts(struct bw_http_server *server)
{
	BW_TRY(bw_clients_init(&server->clients, server->limits.connections));
	BW_TRY(bw_timer_new(server->loop, run_soon, server, &server->soon_timer));
	BW_TRY(bw_timer_new(server->loop, tick, server, &server->tick_timer));
	return bw_timer_new(server->loop, rested, server, &server->rest_timer);
}

enum bw_err bw_http_server_new(struct bw_loop *loop, const struct bw_http_limits *limits,
			       const struct bw_http_calls *calls, void *ctx, struct bw_http_server **out)
{
	struct bw_http_server *server = calloc(1, sizeof(*server));
	enum bw_err err;

	BW_NEED(server != NULL, MEMORY);
	server->loop = loop;
	server->limits = limits == NULL ? BW_HTTP_LIMITS_DEFAULT : *limits;
	server->calls = *calls;
	server->ctx = ctx;
	server->reserve_fd = -1;
	server->clock = bw_loop_now_ms;
	server->date_second = -1;
	set_durations(server);
	for (size_t i = 0; i < DEADLINE_CLASSES; i++)
		bw_link_init(&server->classes[i]);
	bw_link_init(&server->soon);
	bw_link_init(&server->listeners);
	bw_server_refresh_date(server);
	err = make_parts(server);
	if (err != BW_OK) {
		bw_http_server_free(server);
		return err;
	}
	*out = server;
	return BW_OK;
}

void bw_http_server_free(struct bw_http_server *server)
{
	if (server == NULL)
		return;
	close_listeners(server);
	server->drained = true; /* nobody is told: the caller knows */
	for (size_t i = 0; i < DEADLINE_CLASSES; i++)
		while (!bw_link_is_alone(&server->classes[i]))
			bw_conn_free(BW_LINK_OWNER(server->classes[i].next, struct conn, in_class));
	while (server->spare != NULL) {
		struct work *work = server->spare;

		server->spare = work->next_spare;
		free(work);
	}
	if (server->reserve_fd >= 0)
		close(server->reserve_fd);
	bw_timer_free(server->soon_timer);
	bw_timer_free(server->tick_timer);
	bw_timer_free(server->rest_timer);
	bw_clients_release(&server->clients);
	free(server);
}

/* Those between two requests; whoever is in the middle of one is answered first. */
static void close_idle(struct bw_http_server *server, enum deadline class)
{
	struct bw_link *ring = &server->classes[class];
	struct bw_link *next;

	for (struct bw_link *at = ring->next; at != ring; at = next) {
		struct conn *conn = BW_LINK_OWNER(at, struct conn, in_class);

		next = at->next;
		if (conn->state == CONN_HEAD && conn->work == NULL && !conn->running) {
			bw_wire_finish(&conn->wire);
			bw_conn_free(conn);
		}
	}
}

static void finish_streams(struct bw_http_server *server, enum deadline class)
{
	struct bw_link *ring = &server->classes[class];

	for (struct bw_link *at = ring->next; at != ring; at = at->next) {
		struct conn *conn = BW_LINK_OWNER(at, struct conn, in_class);

		if (conn->x.active && conn->x.stream != NULL)
			bw_conn_finish_stream(conn);
	}
}

void bw_http_server_drain(struct bw_http_server *server)
{
	if (server->draining)
		return;
	server->draining = true;
	close_listeners(server);
	close_idle(server, DEADLINE_IDLE);
	close_idle(server, DEADLINE_HEAD);
	finish_streams(server, DEADLINE_STREAM);
	finish_streams(server, DEADLINE_SEND);
	finish_streams(server, DEADLINE_OWNER);
	bw_server_conn_gone(server);
}

void bw_http_server_stats(const struct bw_http_server *server, struct bw_http_stats *out)
{
	*out = server->stats;
}
