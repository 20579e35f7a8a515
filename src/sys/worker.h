/*
 * Workers: a parent forks them from a table, joins them by channels as a second
 * table says, starts those again that die, and stops all in order. The parent
 * parses nothing from strangers; what workers ask of it stands in a third table.
 *
 *   static const struct bw_worker serve_workers[] = {
 *           { "front",  front_run,  BW_MAY_ACCEPT },
 *           { "reader", reader_run, BW_MAY_COMPUTE },
 *           { NULL, NULL, 0 },
 *   };
 *   static const struct bw_link serve_links[] = { { "front", "reader" }, { NULL, NULL } };
 *
 * A link joins every copy of one end with every copy of the other. Fork
 * happens in bw_crew_run, so nothing may have started a thread before it.
 */
#ifndef BW_SYS_WORKER_H
#define BW_SYS_WORKER_H

#include "sys/channel.h"
#include "sys/sandbox.h"

enum {
	BW_CREW_WORKERS_MAX = 16, /* rows */
	BW_CREW_COPIES_MAX = 128, /* of one row */
	BW_CREW_SEATS_MAX = 192,  /* processes in all; each costs its parent a descriptor */
	BW_CREW_KEEP_MAX = 96,    /* descriptors one worker keeps from the parent */
};

struct bw_seat; /* a worker's place: its channels */
struct bw_crew; /* the parent's view of all */

struct bw_worker {
	const char *name;                 /* up to 15 bytes: shows in ps as "bw-NAME"; the list ends with NULL */
	int (*run)(struct bw_seat *seat); /* returns the process's exit status */
	unsigned promises;                /* bw_may, applied by bw_seat_confine */
};

struct bw_link {
	const char *a; /* the list ends with NULL */
	const char *b;
};

/* ---- the parent ------------------------------------------------------- */

/* Who asks or is told. */
struct bw_member {
	const char *name;
	unsigned copy; /* 0.. */
};

/*
 * What a worker may ask of the parent. The answer goes back as a message of the same kind.
 * `fd` (or -1) stays the framework's. An error ends the asker, as does
 * a kind that is not in the table.
 */
struct bw_ask {
	const char *from; /* the list ends with NULL */
	uint8_t kind;
	enum bw_err (*answer)(void *shared, const struct bw_member *from, struct bw_slice body, int fd,
			      struct bw_buf *reply, int *reply_fd);
};

struct bw_crew_plan {
	const struct bw_worker *workers;
	const struct bw_link *links; /* may be NULL */
	const struct bw_ask *asks;   /* may be NULL */
	const unsigned *copies;      /* one number a row of `workers`; NULL: one each */
	void *shared;                /* given to every hook; workers see it as it was at their fork */
	int stop_ms;                 /* from TERM to KILL; 0: 10 s */
	/*
	 * One number a row of `workers`: who does not read its seat for so long hangs, and is killed and started again.
	 * Negative: it is only named in the log, since its work may take that long. 0 or NULL: nobody asks.
	 */
	const int *silent_ms;
	/* The descriptors (listening sockets …) this worker keeps; all others are closed in it. May be NULL. */
	size_t (*keep)(void *shared, const struct bw_member *who, int out[BW_CREW_KEEP_MAX]);
	/* Just forked, also after a restart: tell it what it needs (keys) with bw_crew_tell. May be NULL. */
	enum bw_err (*started)(void *shared, struct bw_crew *crew, const struct bw_member *who);
	/* Every worker said ready, the first time. READY=1 goes out after it. May be NULL. */
	void (*ready)(void *shared, struct bw_crew *crew);
	/* SIGHUP: re-read, tell. Every worker gets BW_SEAT_RELOAD after it. May be NULL. */
	void (*reload)(void *shared, struct bw_crew *crew);
};

/*
 * Runs until SIGTERM or SIGINT (then OK), or until a worker fails so often at start that
 * going on is pointless (SYSTEM). Workers stop in the order of the table:
 * each row is asked to stop when the rows before it have ended.
 */
BW_MUST_USE enum bw_err bw_crew_run(const struct bw_crew_plan *plan, struct bw_why *why);

/* A message for one worker: BW_SEAT_MESSAGE there. NOT_FOUND when it is not running. */
BW_MUST_USE enum bw_err bw_crew_tell(struct bw_crew *crew, const struct bw_member *who, uint8_t kind,
				     struct bw_slice body, int pass_fd);

/* The same for every running copy of a row. */
BW_MUST_USE enum bw_err bw_crew_tell_all(struct bw_crew *crew, const char *name, uint8_t kind, struct bw_slice body,
					 int pass_fd);

/* Asks for an orderly stop, as SIGTERM does. */
void bw_crew_stop(struct bw_crew *crew);

/*
 * The same, but bw_crew_run gives AGAIN when all have ended, and the service manager is not told: what is shared may be
 * made anew then, and bw_crew_run called again.
 */
void bw_crew_begin_again(struct bw_crew *crew);

/* ---- a worker --------------------------------------------------------- */

enum bw_seat_event_kind {
	BW_SEAT_NOTHING, /* nothing more now */
	BW_SEAT_MESSAGE, /* from the parent: kind, body, fd */
	BW_SEAT_PEER,    /* `peer` has a new channel (it was started again, or started late) */
	BW_SEAT_RELOAD,
	BW_SEAT_STOP, /* finish what is in flight and return from run */
};

struct bw_seat_event {
	enum bw_seat_event_kind kind;
	struct bw_frame message; /* body borrows until the next call */
	int fd;                  /* MESSAGE: the caller closes; -1 when none */
	struct bw_member peer;   /* PEER */
	struct bw_channel *old;  /* PEER: drop its events, then bw_channel_free it; NULL when none */
	struct bw_channel *now;  /* PEER: owned by the seat */
};

const char *bw_seat_name(const struct bw_seat *seat);
unsigned bw_seat_copy(const struct bw_seat *seat);
void *bw_seat_shared(const struct bw_seat *seat);

/*
 * The channel to that peer is no good any more, though the peer is not known to have ended: somebody broke the
 * protocol. Both get a new one (BW_SEAT_PEER), soon or, when it happens often, after up to five seconds.
 */
BW_MUST_USE enum bw_err bw_seat_renew(struct bw_seat *seat, const char *name, unsigned copy);

/* How many copies of `name` this seat is joined with, and the channel to one of them; NULL when none. */
unsigned bw_seat_peers(const struct bw_seat *seat, const char *name);
struct bw_channel *bw_seat_peer(const struct bw_seat *seat, const char *name, unsigned copy);

/* Watch this for reading and call bw_seat_next until NOTHING. CLOSED: the parent is gone: return. */
int bw_seat_fd(const struct bw_seat *seat);
BW_MUST_USE enum bw_err bw_seat_next(struct bw_seat *seat, struct bw_seat_event *out);

/* The same, waiting; for what a worker needs before it can start. TIMEOUT. */
BW_MUST_USE enum bw_err bw_seat_wait(struct bw_seat *seat, int timeout_ms, struct bw_seat_event *out);

/* Applies the row's promises. Logs what was granted; SANDBOX when `require` and there is a gap. */
BW_MUST_USE enum bw_err bw_seat_confine(struct bw_seat *seat, const struct bw_sandbox_paths *paths, bool require,
					struct bw_why *why);

/* Ready to serve. The parent counts. */
BW_MUST_USE enum bw_err bw_seat_ready(struct bw_seat *seat);

/* Asks the parent; the answer comes as a MESSAGE of the same kind. */
BW_MUST_USE enum bw_err bw_seat_ask(struct bw_seat *seat, uint8_t kind, struct bw_slice body, int pass_fd);

#endif
