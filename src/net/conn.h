/*
 * One connection of the server: what it holds and the steps it takes. Shared by
 * server.c (which accepts and watches the clock), the steps (conn_steps.h) and
 * exchange.c (what the owner may do). For this room only.
 */
#ifndef BW_NET_CONN_H
#define BW_NET_CONN_H

#include "net/clients.h"
#include "net/list.h"
#include "net/server.h"
#include "net/wire.h"

/* Each class has one duration, so its ring is always in order of deadlines. */
enum deadline {
	DEADLINE_HANDSHAKE,
	DEADLINE_HEAD,
	DEADLINE_IDLE,
	DEADLINE_BODY,
	DEADLINE_OWNER,
	DEADLINE_SEND,
	DEADLINE_LINGER,
	DEADLINE_STREAM,
	DEADLINE_CLASSES,
};

enum conn_state {
	CONN_HANDSHAKE,
	CONN_HEAD,     /* between exchanges, or a head is arriving */
	CONN_OWNER,    /* the owner has the request and will answer, or take the body */
	CONN_CONTINUE, /* "100 Continue" is being sent */
	CONN_BODY,
	CONN_SEND,
	CONN_LINGER, /* answered; reading what the client had under way */
	CONN_STREAM, /* the head of a stream is out; pieces go as they come */
};

/* Room behind the longest head, so that a chunked body can always be read on. */
enum { WORK_SPARE_BYTES = 2048 };

/* What a connection needs only while it is busy; kept by the server for the next when it idles. */
struct work {
	struct work *next_spare;
	size_t seen; /* of the head's parser */
	size_t at;   /* first byte not yet consumed */
	size_t len;  /* bytes held */
	size_t tail_bytes;
	char tail[128]; /* Date, Connection and the blank line of this answer */
	struct bw_http_request request;
	struct bw_http_body body;
	uint8_t bytes[BW_HTTP_HEAD_MAX + WORK_SPARE_BYTES];
};

/* The pieces that wait, first in first out; there is always room for the one that ends the stream. */
struct stream {
	struct bw_reply *pieces[BW_HTTP_STREAM_PIECES + 1];
	size_t first;
	size_t count;
	size_t sent; /* bytes of the first one */
	uint32_t chatter;
	bool finished;
};

struct bw_exchange {
	uint64_t id;
	void *data;
	struct bw_reply *reply; /* NULL until answered */
	struct stream *stream;  /* NULL unless it is one */
	uint64_t sent;          /* bytes of the answer written */
	uint64_t started_ms;
	bool active;    /* between on_head and on_end */
	bool receiving; /* the owner took the body */
	bool body_done; /* nothing of it is left on the connection */
	bool body_told; /* on_body_end was called */
	bool close_after;
	bool aborted;
	bool only_head; /* HEAD: no body goes out */
};

struct conn {
	struct bw_link in_class; /* always in one of server->classes */
	struct bw_link in_soon;  /* in server->soon, or alone */
	struct bw_http_server *server;
	struct bw_watch *watch;
	struct bw_wire wire;
	struct work *work; /* NULL while idle */
	uint64_t deadline_ms;
	uint64_t body_started_ms;
	uint64_t window_bytes; /* moved since the body's or answer's window began */
	uint32_t requests;
	uint32_t lingered;
	uint8_t state;
	uint8_t deadline;
	uint8_t continue_sent; /* bytes of the interim answer */
	bool running;          /* conn_run is on the stack */
	bool readable;         /* a read is worth trying */
	bool writable;
	bool wants_write; /* a read or handshake waits for the socket to take bytes */
	bool blocked;     /* a write waits */
	bool ended;       /* the client sends no more */
	struct bw_net_address peer;
	uint8_t client[16];
	struct bw_exchange x;
};

struct listener {
	struct bw_link in_server;
	struct bw_http_server *server;
	struct bw_watch *watch;
	struct bw_tls_context *tls;
	int fd;
};

struct bw_http_server {
	struct bw_loop *loop;
	struct bw_http_limits limits;
	struct bw_http_calls calls;
	void *ctx;
	uint32_t durations_ms[DEADLINE_CLASSES];
	struct bw_link classes[DEADLINE_CLASSES];
	struct bw_link soon; /* to run in this round */
	struct bw_link listeners;
	struct bw_timer *soon_timer;
	struct bw_timer *tick_timer;
	struct bw_timer *rest_timer;
	struct bw_clients clients;
	struct work *spare;
	size_t spares;
	int reserve_fd; /* given up for a moment when descriptors run out */
	bool in_soon;   /* soon's connections are running */
	bool ticking;
	bool draining;
	bool drained;
	uint64_t (*clock)(void);
	int64_t date_second;
	size_t date_bytes;
	char date[48]; /* "Date: ...\r\n" */
	struct bw_http_stats stats;
	uint8_t gather[BW_HTTP_GATHER_BYTES];
	uint8_t scratch[BW_HTTP_READ_BYTES];
};

/* Takes steps until the connection has to wait; may free it. */
void bw_conn_run(struct conn *conn);

/* Its deadline has passed; may free it. */
void bw_conn_expire(struct conn *conn);

/* Ends it now, telling the owner when an exchange is open. */
void bw_conn_free(struct conn *conn);

/* Runs it later in this round, unless it is running now. */
void bw_conn_soon(struct conn *conn);

void bw_conn_ready(void *ctx, int fd, unsigned ready);

/* The state it is in decides which deadline it is under; starts that anew. */
void bw_conn_set_deadline(struct conn *conn, enum deadline deadline);

/* A work block; NULL when memory is gone. Gives it back. */
struct work *bw_work_take(struct bw_http_server *server);
void bw_work_give(struct bw_http_server *server, struct work *work);

/* The Date line for this second. */
void bw_server_refresh_date(struct bw_http_server *server);

/* A connection went away: the last one ends a drain. */
void bw_server_conn_gone(struct bw_http_server *server);

/* A stream's last piece is put behind those that wait, once. Without memory for it the end comes at once. */
void bw_conn_finish_stream(struct conn *conn);

/* Looks at deadlines; the tick's work, and the tests' way to move time. */
void bw_server_sweep(struct bw_http_server *server);

/* NULL when memory is gone. */
struct bw_reply *bw_server_refusal(struct bw_http_server *server, unsigned status, const char *reason);

#endif
