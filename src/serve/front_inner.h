/*
 * Inside the front: what its files share. The front owns sockets, TLS and HTTP,
 * knows accounts by number only, and no STIX at all.
 */
#ifndef BW_SERVE_FRONT_INNER_H
#define BW_SERVE_FRONT_INNER_H

#include "net/server.h"
#include "serve/ask.h"
#include "serve/auth_cache.h"
#include "serve/held.h"
#include "serve/outbox.h"
#include "serve/reply_cache.h"
#include "serve/seen.h"
#include "serve/settings.h"
#include "serve/taxii.h"
#include "store/bulletin.h"
#include "sys/memfile.h"
#include "sys/worker.h"

/* Another worker as the front sees it. */
struct peer {
	struct front *front;
	const char *name;
	struct bw_channel *channel; /* NULL while it is down; owned by the seat */
	struct bw_watch *watch;
	/* parts of the answer's kind table */
	uint8_t answer_kind;
};

enum peer_name { PEER_GATE, PEER_READER, PEER_KEEPER, PEER_PAGER, PEER_COUNT };

enum stage {
	STAGE_NEW,
	STAGE_AUTH,    /* waits for the gate */
	STAGE_READ,    /* waits for the pager */
	STAGE_ALLOWED, /* waits for the pager's word on a POST */
	STAGE_BODY,    /* receives the body */
	STAGE_PARSE,   /* waits for the reader */
	STAGE_STORE,   /* waits for the keeper */
	STAGE_DONE,
};

struct request {
	struct front *front;
	struct request *next_same_slot;
	struct request *next_waiting; /* for the reader */
	uint64_t id;
	struct bw_exchange *x;
	enum stage stage;
	enum peer_name waits_for;
	struct bw_arena arena;
	struct bw_taxii_request taxii;
	struct bw_identity who;
	enum bw_auth_way way;
	struct bw_slice credential; /* in the arena, wiped at the end; empty: none */
	struct bw_slice cache_key;  /* account and target, once known */
	uint64_t accounts;          /* their generation when the pager was asked */
	uint64_t collection;        /* number, once the pager told it */
	struct bw_memfile body;
	size_t body_reserved;    /* of the front's budget for bodies */
	uint64_t total;          /* objects in the body */
	bool holds;              /* its answer is counted in front->held … */
	size_t held_bytes;       /* … with so much */
	struct hearing *hearing; /* front_events.c; NULL unless it asked for events */
};

enum { REQUEST_SLOTS = 4096 };

struct front {
	struct bw_seat *seat;
	struct bw_loop *loop;
	struct bw_http_server *server;
	struct bw_watch *seat_watch;
	struct bw_timer *first; /* at the loop's beginning */
	struct bw_timer *seen_timer;
	struct bw_tls_context *tls;
	struct peer peers[PEER_COUNT];
	struct request *requests[REQUEST_SLOTS]; /* by id */
	size_t in_flight;
	size_t uploads;
	size_t upload_bytes;
	struct bw_auth_cache *auth;
	struct bw_reply_cache *replies;
	struct bw_held *held;    /* answers on their way to clients */
	struct bw_seen *seen;    /* accesses of the last half second */
	struct bw_outbox outbox; /* those before, until the keeper has stored them */
	uint64_t unrecorded;     /* that found no room in either */
	uint64_t unrecorded_total;
	bool leaving; /* drained; only the audit log holds it */
	unsigned last_ticks;
	struct bw_bulletin bulletin;
	bool has_bulletin; /* the keeper has shared it */
	struct bw_serve_settings settings;
	struct request **hearers; /* those whose stream has begun; room for BW_HEARERS_MAX */
	size_t hearer_count;
	size_t hearers_ask;      /* pages on their way for them */
	size_t hearer_turn;      /* who is looked at first next time */
	uint64_t hearers_fed_ms; /* when all were last told that we are here */
	struct bw_timer *events_timer;
	bool stopping;
	bool may_accept; /* the parent said so */
	bool accepts;
};

/* front_request.c */
void front_on_head(void *ctx, struct bw_exchange *x);
void front_on_body(void *ctx, struct bw_exchange *x, struct bw_slice bytes);
void front_on_body_end(void *ctx, struct bw_exchange *x);
void front_on_end(void *ctx, struct bw_exchange *x, enum bw_exchange_end how);
struct request *front_find(struct front *front, uint64_t id);
void front_identified(struct request *r);

/* Ends every request that waits for a peer that is gone. */
void front_peer_lost(struct front *front, enum peer_name peer);

/* front_answer.c */
void front_answer_problem(struct request *r, const struct bw_problem *problem, const char *more_headers);
void front_answer_status(struct request *r, unsigned status, const char *title, const char *words);
void front_answer_text(struct request *r, unsigned status, const char *text);
struct bw_reply *front_refusal(void *ctx, unsigned status, const char *reason);
void front_answer_reply_form(struct request *r, const struct bw_slice *body, int fd);

/* True: the account's clients have not read what they asked for, and this request has been answered so. */
bool front_refuse_unread(struct request *r);
void front_release_answer(struct request *r);

/* front_auth.c */
void front_authenticate(struct request *r);
void front_auth_answered(struct front *front, struct bw_slice body);

/* front_write.c: POST and DELETE */
void front_write_start(struct request *r);
void front_write_allowed(struct request *r, uint64_t collection);
void front_parsed(struct front *front, struct bw_slice body, int fd);
void front_release_body(struct request *r);

/* front_events.c: who stays connected and hears what is new in a collection */
void front_events_start(struct request *r);
void front_events_answered(struct request *r, struct bw_slice body, int fd);
bool front_events_hears(const struct request *r); /* its stream has begun */
void front_events_lost_pager(struct request *r);  /* … and the page it waits for will not come */
void front_events_end(struct request *r);         /* NULL hearing is fine */
void front_events_close(struct front *front);

/* front_seen.c: accesses on their way to the audit log */
BW_MUST_USE enum bw_err front_seen_open(struct front *front);
void front_seen_close(struct front *front);
void front_note_access(struct request *r);
void front_seen_answered(struct front *front, struct bw_slice body);
void front_seen_lost_keeper(struct front *front);

/* Stops the loop when the keeper has all lines on disk, or after some seconds. */
void front_seen_leave(struct front *front);

/* front.c: sends what is queued for a worker. */
void front_flush(struct front *front, enum peer_name peer);

/* front.c: queues a frame for a worker; on failure the request has been answered with 503. */
bool front_ask(struct request *r, enum peer_name peer, enum stage stage, uint8_t kind, const struct bw_buf *form,
	       int fd);

/* Metrics in Prometheus' text format. */
BW_MUST_USE enum bw_err front_metrics(struct front *front, struct bw_buf *out);

#endif
