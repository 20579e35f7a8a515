/*
 * Which programs destroyed the files, and whose processes they were. The actor (guard/actor.h) is what is stopped and
 * may begin far above them, at somebody's shell; people are told of both. Pure.
 */
#ifndef BW_GUARD_DOER_H
#define BW_GUARD_DOER_H

#include "guard/record.h"

enum { BW_DOERS_MAX = 8, BW_DOERS_PROCESSES_MAX = 64 };

/* One program of one user. */
struct bw_doer {
	uint32_t uid;
	uint32_t pid; /* of the first process of it */
	uint32_t processes;
	uint32_t files;
	char comm[BW_COMM_BYTES];
};

/* Begin with { 0 }. */
struct bw_doers {
	struct bw_doer list[BW_DOERS_MAX]; /* who destroyed most first */
	size_t count;
	size_t more; /* programs beyond those listed were seen so often */
	struct {
		uint64_t start_ns;
		uint32_t pid;
	} seen[BW_DOERS_PROCESSES_MAX];
	size_t seen_count;
};

/* A process destroyed so many files; of pid, start, user and program alone. pid 0: nobody knows, nothing is added. */
void bw_doers_add(struct bw_doers *doers, const struct bw_proof *proof, uint32_t files);

/* All of a record. */
void bw_doers_of(const struct bw_record *record, struct bw_doers *out);

/* Whether they are more than the actor's own first process, whom bw_actor_say names. Never of Samba's sessions. */
bool bw_doers_tell(const struct bw_doers *doers, const struct bw_actor *actor);

/* "'python3' (process 9400, user 1006) and 'dd' (3 processes, user 1006), of " and then bw_actor_say; escaped. */
BW_MUST_USE enum bw_err bw_doers_say(const struct bw_doers *doers, const struct bw_actor *actor, struct bw_buf *out);

/* "1006, 1007": each user once. */
BW_MUST_USE enum bw_err bw_doers_users(const struct bw_doers *doers, struct bw_buf *out);

#endif
