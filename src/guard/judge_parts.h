/* What the judge's files share. */
#ifndef BW_GUARD_JUDGE_PARTS_H
#define BW_GUARD_JUDGE_PARTS_H

#include <stdatomic.h>

#include "guard/guard.h"
#include "guard/job.h"
#include "guard/record.h"
#include "guard/trace.h"
#include "sys/memfile.h"

enum {
	JUDGE_INCIDENTS_MAX = 256, /* open at a time; the oldest is no longer followed, but stays open for people */
	JUDGE_RESTORES_MAX = 16,
	JUDGE_JOBS_MAX = 24, /* as many as can ask scribe at a time */
	JUDGE_TARGETS_MAX = 8 * BW_STOP_PROCESSES_MAX,
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
	uint64_t proof_ns; /* the newest evidence: what its actor does near it belongs to it */
	bool is_kept_out;
	size_t root_count;
	uint32_t roots[BW_SCORE_ROOTS_MAX]; /* condemned and pinned */
};

/* A signed job that runs. */
struct judge_job {
	struct bw_job_word word; /* number 0: free */
	struct bw_mapped folders;
	struct bw_job job;
};

struct judge {
	struct bw_seat *seat;
	const struct bw_guard *guard;
	struct bw_guard_board *board;
	struct bw_actors *actors;
	struct bw_score *score;
	struct bw_trace *trace;
	uint64_t last_id;
	uint64_t now_ns;
	int64_t wall_us;
	unsigned asks_left; /* of Samba, who is who */
	uint64_t next_ask_ns;
	uint32_t restores[JUDGE_RESTORES_MAX]; /* processes whose writes are root's own restore */
	struct judge_job jobs[JUDGE_JOBS_MAX];
	struct judge_incident incidents[JUDGE_INCIDENTS_MAX];
	struct bw_actor_target targets[JUDGE_TARGETS_MAX];
	struct bw_record record;
	struct bw_buf bytes;
};

/* judge_act.c: what follows from evidence */
void judge_outcome(struct judge *judge, const struct bw_outcome *outcome);
void judge_stop_one(struct judge *judge, const struct bw_process_event *born, uint64_t incident);
void judge_traced(struct judge *judge, uint64_t incident, uint64_t time_ns); /* a condemned process did something */
void judge_named(struct judge *judge, uint32_t actor);
void judge_close(struct judge *judge, uint64_t incident, bool is_approved);
void judge_tell(struct judge *judge, const char *peer, uint8_t kind, struct bw_slice body);
void judge_ask_samba(struct judge *judge, unsigned times);

/* judge_job.c: signed jobs */
enum bw_err judge_job(struct judge *judge, struct bw_slice body, int fd); /* PROTOCOL */
void judge_jobs_forget(struct judge *judge);                              /* scribe is another one */

#endif
