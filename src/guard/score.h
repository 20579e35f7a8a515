/*
 * The ledger of evidence: file events in, verdicts out. Pure memory of bounded size; the clock comes
 * with the events.
 *
 * What an event proves is booked three times: to the actor, to the folder and to the file system it
 * happened on, whoever did it. Evidence fades over hours and days (guard/proof.h); it is never paid off.
 *
 * Removed and replaced files wait for a new file that holds what they held, new files for a
 * removed one, both for as long as BW_SCORE_WAIT_NS and in limited number; which of a new file's features are known
 * may come late, from the index.
 */
#ifndef BW_GUARD_SCORE_H
#define BW_GUARD_SCORE_H

#include "guard/actor.h"
#include "guard/approval.h"
#include "guard/proof.h"

enum {
	BW_SCORE_PROOFS_MAX = 4096, /* in all; the lightest and oldest give way */
	BW_SCORE_ACTOR_MAX = 64,    /* of one actor, and in one verdict */
	BW_SCORE_TRAILS_MAX = 128,  /* actors whose new and removed files are followed */
	BW_SCORE_GONE_MAX = 64,     /* removed files that one actor's trail holds */
	BW_SCORE_MADE_MAX = 256,    /* and new ones */
	BW_SCORE_JOBS_MAX = 64,
	BW_SCORE_PASSES_MAX = 64,
	BW_SCORE_ROOTS_MAX = 64,
	BW_SCORE_SECONDS_MAX = 64, /* files that wait for a second look */
};

#define BW_SCORE_WAIT_NS UINT64_C(600000000000)
#define BW_SCORE_SECONDS_AT_ONCE (UINT64_C(64) * 1024 * 1024)
#define BW_SCORE_SECONDS_A_SECOND (UINT64_C(8) * 1024 * 1024)

/* What an administrator signed (guard/job.h): whoever descends from this process may destroy what lies there. */
struct bw_job {
	int64_t until_us;
	uint32_t uid;    /* and is this user */
	uint32_t root;   /* guard/actor.h; pinned by the caller */
	uint32_t volume; /* where the folders lie */
	size_t folder_count;
	const struct bw_file_key *folders; /* ordered by bw_file_key_compare; borrowed for as long as the job stands */
	uint64_t passed;                   /* files whose destruction weighed nothing */
};

/* What a person approved: the actor it describes, and these processes (pinned by the caller) with all born of them. */
struct bw_pass {
	struct bw_approval approval; /* until_us 0: none */
	size_t root_count;
	uint32_t roots[BW_SCORE_ROOTS_MAX];
};

struct bw_score;

/* A file as the index has it now; false: not known. May be NULL: then only samples tell. */
typedef bool bw_score_look(void *context, const struct bw_file_key *key, struct bw_index_file *out);

/* Borrows `actors`. MEMORY. */
BW_MUST_USE enum bw_err bw_score_new(struct bw_actors *actors, bw_score_look *look, void *context,
				     struct bw_score **out);
void bw_score_free(struct bw_score *score); /* NULL allowed */

/* Replaces the signed jobs, which are borrowed and whose `passed` counts. TOO_MANY. */
BW_MUST_USE enum bw_err bw_score_jobs(struct bw_score *score, struct bw_job *const *jobs, size_t count);

/* The approvals, borrowed: what changes in them counts from the next event on. */
void bw_score_passes(struct bw_score *score, const struct bw_pass *passes, size_t count);

/* What an event led to. */
struct bw_outcome {
	enum bw_scope scope;
	uint32_t actor; /* whose evidence was the last; 0: none that can be named */
	uint64_t now_ns;
	uint64_t place; /* FOLDER and VOLUME: names the place */
	struct bw_verdict verdict;
	size_t count;
	const struct bw_proof *proofs[BW_SCORE_ACTOR_MAX]; /* what the verdict was made of; until the next call */
	uint32_t processes[BW_SCORE_ACTOR_MAX];            /* who (guard/actor.h), 0 where nobody can be named */
	const struct bw_proof *newest; /* what this event added or made heavier; NULL: nothing did */
	uint32_t newest_process;
};

/*
 * Books one event. True: it added evidence, and `out` says what all evidence with it amounts to, the
 * gravest scope first; the verdict may be NONE.
 */
bool bw_score_event(struct bw_score *score, const struct bw_event_view *event, struct bw_outcome *out);

/* Whether the last event was a write that left readable content of a format we know, and proves nothing. */
bool bw_score_left_good(const struct bw_score *score);

/* Looks again for the features of new files that joins wait for. Call until false; at every tick, or sooner. */
bool bw_score_again(struct bw_score *score, uint64_t now_ns, struct bw_outcome *out);

/* After an actor was joined with another: what both together amount to. False: no evidence. */
bool bw_score_actor(struct bw_score *score, uint32_t actor, uint64_t now_ns, struct bw_outcome *out);

/* A person approved of what this actor did: its evidence is forgotten. */
void bw_score_forgive(struct bw_score *score, uint32_t actor);

/* Others warned of what this process just showed (guard/foreign.h). */
struct bw_score_warning {
	uint64_t now_ns;
	int64_t wall_us;
	uint32_t process;
	uint32_t volume;
	struct bw_file_key folder; /* where; all 0: nowhere */
	uint64_t value;            /* what was met, hashed: the same counts once for an actor */
	struct bw_slice name;      /* what is written down of it (bw_foreign_hit_write) */
};

/* As bw_score_event. The same again within a minute is nothing new. */
bool bw_score_warned(struct bw_score *score, const struct bw_score_warning *warning, struct bw_outcome *out);

size_t bw_score_count(const struct bw_score *score); /* proofs held */

/* ---- second looks (guard/second.h) ------------------------------------------------------------- */

/*
 * The next file whose first look said too little, to be asked of keep. False: none, or what looking costs (bytes of
 * both contents: BW_SCORE_SECONDS_AT_ONCE, and so many a second) is spent for now.
 */
bool bw_score_wish(struct bw_score *score, uint64_t now_ns, struct bw_second_ask *out);

/* What was seen. As bw_score_event; an answer to a question that was not asked, or is stale, is nothing. */
bool bw_score_seen(struct bw_score *score, const struct bw_second_answer *answer, uint64_t now_ns,
		   struct bw_outcome *out);

#endif
