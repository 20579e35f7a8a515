/* What the score's files share. */
#ifndef BW_GUARD_SCORE_PARTS_H
#define BW_GUARD_SCORE_PARTS_H

#include "guard/score.h"

/* Names as joins need them: a new name that goes on where the old one ends, or begins as it does. */
struct score_name {
	uint64_t whole;
	uint64_t stem;  /* up to the last dot */
	uint64_t stem2; /* up to the one before */
};

struct score_gone {
	uint64_t time_ns; /* 0: free */
	int64_t wall_us;
	struct bw_file_key file;
	struct bw_file_key folder;
	struct bw_file_key pair; /* the file that took its name; ino 0: it was removed */
	struct bw_content content;
	struct score_name names;
	uint64_t version;
	uint32_t process; /* pinned */
	uint32_t turn;    /* the actor's acts, counted */
	uint8_t flags;
	bool is_used;
	bool is_loss; /* nothing excuses it (score_clear) */
	bool is_told;
	uint8_t name_len;
	uint8_t name[BW_EVENT_NAME_BYTES];
};

struct score_made {
	uint64_t time_ns; /* 0: free */
	struct bw_file_key file;
	struct bw_file_key folder;
	struct bw_content content; /* size 0: not known yet */
	struct score_name names;
	uint64_t version;   /* its first in the index; 0: not known yet */
	uint64_t swallowed; /* bytes of removed files it could hold */
	uint64_t packed;    /* the same, of an archive that anybody can read */
	uint32_t swallowed_files;
	uint32_t process;
	uint32_t turn;
	bool is_used;
};

enum { SCORE_CLEARINGS = 32, SCORE_COPIES = 4096 };

/* A new file whose place in `made` newer ones took: whether a removed file was copied there is asked of the index. */
struct score_copy {
	struct bw_file_key file; /* its number 0: free */
	uint64_t name;           /* hashed */
	bool was_known;          /* its features, when it lost its place */
};

/* A folder out of which one actor takes files. */
struct score_clearing {
	uint64_t time_ns; /* of the last; 0: free */
	struct bw_file_key folder;
	uint32_t removed;
	uint32_t process;
	uint32_t path;   /* hashed; 0: not known */
	bool is_cleared; /* nearly all of it is gone */
	bool is_open;    /* and he is below it now: perhaps he comes back and takes it away too */
};

/* What one actor made and removed of late. */
struct score_trail {
	uint32_t actor; /* held */
	uint32_t turn;
	uint64_t used_ns;
	uint64_t waits_ns; /* until then features of a new file may still come */
	uint32_t next_gone;
	uint32_t next_made;
	uint32_t next_clearing;
	struct score_clearing clearings[SCORE_CLEARINGS];
	struct score_gone gone[BW_SCORE_GONE_MAX];
	struct score_made made[BW_SCORE_MADE_MAX];
	struct score_copy *copies; /* SCORE_COPIES, by name; NULL until one is needed */
};

/* A removed file found its new one. */
struct score_match {
	const struct score_gone *gone;
	const struct score_made *made;
	enum bw_proof_kind kind;
};

struct score_entry;

struct score_name score_name_of(struct bw_slice name);

/* The trail of an actor, made when there is none; the one not used for longest gives way. NULL: no memory. */
struct score_trail *score_trail_of(struct bw_score *score, uint32_t actor, uint64_t now_ns);

/* Forgets all of it. */
void score_trail_end(struct bw_actors *actors, struct score_trail *trail);

struct score_made *score_trail_made(struct score_trail *trail, const struct score_made *made);
struct score_gone *score_trail_gone(struct bw_actors *actors, struct score_trail *trail, const struct score_gone *gone);
struct score_made *score_trail_find(struct score_trail *trail, const struct bw_file_key *file);

/* How features of new files are looked up, and when it is. */
struct score_trail_eye {
	bw_score_look *look; /* may be NULL */
	void *context;
	uint64_t now_ns;
};

/* The same name and content as a new file of before those in `made`; its content may be still to come. */
bool score_trail_had(const struct score_trail *trail, const struct score_trail_eye *eye, const struct score_gone *gone);

/* The first match of this removed file, of this new one, or of any two. Each file is used once. */
bool score_trail_match_gone(struct score_trail *trail, const struct score_trail_eye *eye, struct score_gone *gone,
			    struct score_match *out);
bool score_trail_match_made(struct score_trail *trail, const struct score_trail_eye *eye, struct score_made *made,
			    struct score_match *out);
bool score_trail_match_any(struct score_trail *trail, const struct score_trail_eye *eye, struct score_match *out);

/* Whether an archive that this actor made before could hold it with all the others. */
bool score_trail_swallow(struct score_trail *trail, const struct score_trail_eye *eye, struct score_gone *gone,
			 struct score_match *out);

/* Whether the features of a new file are known by now. */
bool score_trail_knows(struct score_made *made, const struct score_trail_eye *eye);

/*
 * score_clear.c: a file was removed, and `left` of its folder stands. True: there may be files that went with nearly
 * all that their folder held, and nothing excuses it. score_clear_next gives each once; NULL: no more. `undo`: the
 * folder went too.
 */
bool score_clear(struct bw_score *score, struct score_trail *trail, const struct score_trail_eye *eye,
		 struct score_gone *gone, const struct bw_event_left *left);
struct score_gone *score_clear_next(struct score_trail *trail);
void score_clear_undo(struct bw_score *score, const struct bw_file_key *folder);

/* A new file whose features are not known: they come from keep, or not at all (too large, gone). */
void score_trail_wait(struct score_trail *trail, const struct score_made *made);

/* A file that waits for a second look, or for its answer. */
struct score_second {
	uint64_t token; /* 0: free */
	uint64_t since_ns;
	uint64_t size; /* of what stands there */
	struct bw_file_key now;
	uint32_t process; /* pinned */
	bool is_asked;
	bool is_parts; /* places are looked at, not the whole: a large file of no format of its own, at first */
	struct bw_proof proof;
};

enum { SCORE_SPENDERS = 64 };

struct score_doubts {
	uint64_t last_token;
	uint64_t refilled_ns;
	uint64_t spent;       /* bytes */
	uint64_t spent_large; /* of these, on large files of no format of their own */
	uint64_t spent_parts; /* besides: on places of such files */
	/* and of that, by the number of the actor, whoever shares it: a guess about cost, not about guilt */
	uint64_t spent_by[SCORE_SPENDERS];
	struct score_second seconds[BW_SCORE_SECONDS_MAX];
};

/*
 * What the first look said of a known file. `now` is the file that stands there; a newer event of it takes the
 * place of an older one.
 */
void score_doubt(struct bw_score *score, const struct bw_proof *proof, const struct bw_finding *finding,
		 const struct bw_file_key *now, uint32_t process);
void score_doubts_end(struct bw_score *score);

/* score_book.c: of this actor and file; NULL: none. And one goes. */
struct score_entry *score_entry_of(struct bw_score *score, uint32_t actor, const struct bw_file_key *file);
void score_drop(struct bw_score *score, struct score_entry *entry);
bool score_has(const void *context, uint32_t actor); /* of the score: any evidence against this actor */

/* Books the proof and judges. False: it weighs nothing. */
bool score_book(struct bw_score *score, struct bw_proof *proof, uint32_t process, uint64_t now_ns,
		struct bw_outcome *out);

struct score_entry {
	struct bw_proof proof;
	struct bw_weight weight;
	uint32_t process; /* pinned */
	uint32_t owner;   /* actor, held */
	bool used;
};

struct bw_score {
	struct bw_actors *actors;
	bw_score_look *look;
	void *context;
	size_t count;
	size_t top;     /* no entry is used from here on */
	bool left_good; /* of the last event */
	const struct bw_pass *passes;
	size_t pass_count;
	size_t job_count;
	struct bw_job *jobs[BW_SCORE_JOBS_MAX];
	struct score_trail *trails[BW_SCORE_TRAILS_MAX];
	struct score_doubts doubts;
	struct score_entry entries[BW_SCORE_PROOFS_MAX];
};

#endif
