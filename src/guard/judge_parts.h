/* What the judge's files share. */
#ifndef BW_GUARD_JUDGE_PARTS_H
#define BW_GUARD_JUDGE_PARTS_H

#include <stdatomic.h>

#include "guard/guard.h"
#include "guard/job.h"
#include "guard/record.h"
#include "guard/trace.h"
#include "intel/exact.h"
#include "sys/memfile.h"

enum {
	JUDGE_INCIDENTS_MAX = 256, /* open at a time; the oldest is no longer followed, but stays open for people */
	JUDGE_PAST_MAX = 32,
	JUDGE_RESTORES_MAX = 16,
	JUDGE_JOBS_MAX = 24, /* as many as can ask scribe at a time */
	JUDGE_TARGETS_MAX = 8 * BW_STOP_PROCESSES_MAX,
};

/* Somebody of an incident whom Samba serves: kept out by hand, even when no process of his lives any more. */
struct judge_client {
	uint32_t actor; /* held */
	bool is_address_told;
	bool is_user_told; /* or there are several, and none is told */
};

struct judge_incident {
	uint64_t id;    /* 0: free */
	uint32_t actor; /* held; 0: nobody can be named */
	enum bw_scope scope;
	uint64_t place;
	uint32_t volume;
	enum bw_gravity gravity;
	enum bw_measure measure;
	uint64_t last_ns;
	uint64_t proof_ns;      /* the newest evidence: what its actor does near it belongs to it */
	uint64_t kept_until_ns; /* until then a client of it that is back is cut off at once */
	size_t client_count;
	struct judge_client clients[BW_SCORE_ROOTS_MAX];
	size_t root_count;
	uint32_t roots[BW_SCORE_ROOTS_MAX]; /* condemned and pinned */
};

/* Who was held for an incident that is closed: a person may still say that it was meant. The oldest is forgotten. */
struct judge_past {
	uint64_t id; /* 0: free */
	size_t root_count;
	uint32_t roots[BW_SCORE_ROOTS_MAX]; /* pinned */
};

/* A signed job that runs. */
struct judge_job {
	struct bw_job_word word; /* number 0: free */
	struct bw_mapped folders;
	struct bw_job job;
};

enum { JUDGE_IMAGES_MAX = 64 };

/* A process whose program was asked for. */
struct judge_image {
	uint32_t pid;
	uint64_t start_ns;
};

/* What others warned of (guard/foreign.h): by the number in the set. */
struct judge_foreign {
	struct bw_mapped mapped;
	uint32_t number;
	struct bw_exact set; /* count 0: nobody warned of anything */
	uint8_t *seen;       /* bits of enum judge_foreign_seen, one a value */
};

enum judge_foreign_seen {
	JUDGE_FOREIGN_MET = 1, /* somebody showed it */
	JUDGE_FOREIGN_OWN = 2, /* it is what good files here are called: it says nothing */
};

struct judge {
	struct bw_seat *seat;
	const struct bw_guard *guard;
	struct bw_guard_board *board;
	struct bw_actors *actors;
	struct bw_score *score;
	struct bw_trace *trace;
	struct bw_pass passes[BW_SCORE_PASSES_MAX];
	uint64_t last_id;
	uint64_t now_ns;
	int64_t wall_us;
	unsigned asks_left; /* of Samba, who is who */
	uint64_t next_ask_ns;
	uint32_t restores[JUDGE_RESTORES_MAX]; /* processes whose writes are root's own restore */
	struct judge_job jobs[JUDGE_JOBS_MAX];
	struct judge_incident incidents[JUDGE_INCIDENTS_MAX];
	struct judge_past past[JUDGE_PAST_MAX];
	size_t past_at;
	struct bw_actor_target targets[JUDGE_TARGETS_MAX];
	struct judge_image images[JUDGE_IMAGES_MAX];
	size_t image_at;
	struct judge_foreign foreign;
	struct bw_record record;
	struct bw_buf bytes;
};

/* judge_act.c: what follows from evidence */
void judge_outcome(struct judge *judge, const struct bw_outcome *outcome);
void judge_stop_one(struct judge *judge, const struct bw_process_event *born, uint64_t incident);
void judge_traced(struct judge *judge, uint64_t incident, uint64_t time_ns); /* a condemned process did something */
void judge_stop(struct judge *judge, struct judge_incident *incident, const uint32_t *processes, size_t count,
		uint64_t decided_ns);
void judge_add_late(struct judge *judge, struct judge_incident *incident, const struct bw_outcome *outcome);
void judge_write_down(struct judge *judge, const struct judge_incident *incident, uint32_t actor);
BW_MUST_USE enum bw_err judge_approve(struct judge *judge, struct bw_slice body); /* judge_approval.c */
void judge_remember(struct judge *judge, const struct judge_incident *incident);  /* the same: it is closed now */
void judge_close(struct judge *judge, uint64_t incident, bool is_approved);
void judge_tell(struct judge *judge, const char *peer, uint8_t kind, struct bw_slice body);

/* judge_samba.c: whom Samba serves, and who is kept out */
void judge_ask_samba(struct judge *judge, unsigned times);
void judge_ask_samba_now(struct judge *judge);
void judge_ask_peer(struct judge *judge, uint32_t process); /* of an smbd child whose client is not known */
void judge_ask_peers(struct judge *judge);                  /* of all of them */
BW_MUST_USE enum bw_err judge_hear_peer(struct judge *judge, struct bw_slice body);
BW_MUST_USE enum bw_err judge_hear_sessions(struct judge *judge, const struct bw_frame *frame, int fd);
void judge_keep_out(struct judge *judge, struct judge_incident *incident, const uint32_t *processes, size_t count);
void judge_let_clients(struct judge *judge, struct judge_incident *incident);

/* judge_image.c: what program it was, for the report */
void judge_look_at_program(struct judge *judge, const struct bw_outcome *outcome);

/* judge_foreign.c: what others warned of */
BW_MUST_USE enum bw_err judge_foreign_set(struct judge *judge, struct bw_slice body, int fd); /* PROTOCOL */
void judge_foreign_event(struct judge *judge, const struct bw_event_view *view);
void judge_foreign_client(struct judge *judge, uint32_t child); /* its address has become known */
void judge_foreign_harm(struct judge *judge, const struct bw_outcome *outcome, bool is_client);
void judge_foreign_release(struct judge *judge);

/* judge_job.c: signed jobs */
enum bw_err judge_job(struct judge *judge, struct bw_slice body, int fd); /* PROTOCOL */
void judge_jobs_forget(struct judge *judge);                              /* scribe is another one */

#endif
