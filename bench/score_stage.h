/*
 * A stage for tests of the score: processes that are born and end, files that are known, and what is done to them,
 * as the events watch would send. Only in tests.
 */
#ifndef BW_BENCH_SCORE_STAGE_H
#define BW_BENCH_SCORE_STAGE_H

#include "guard/score.h"

enum { STAGE_GUARD = 900, STAGE_HARNESS = 800 };

struct stage {
	struct bw_actors *actors;
	struct bw_score *score;
	uint64_t now_ns;
	uint64_t next_ino;
	struct bw_event_left left; /* of the next removal; many */
	uint32_t writer;           /* who was seen to write what the next acts close or rename; 0: nobody was */
	bool was_told;             /* the last act added evidence */
	struct bw_outcome outcome;
	struct bw_verdict worst; /* of all acts */
	unsigned told;           /* acts until the first verdict of the two highest gravities, 0: none yet */
	unsigned acts;
};

struct stage_file {
	struct bw_index_file known;
	struct bw_file_key folder;
	struct bw_buf bytes;
	char name[64];
};

void stage_open(struct stage *stage);
void stage_close(struct stage *stage);
void stage_wait(struct stage *stage, uint64_t seconds);

/* A fork with the parent's user and group, or as told; and what may follow. */
uint64_t stage_fork(struct stage *stage, uint32_t parent, uint32_t pid, const char *comm);
uint64_t stage_fork_as(struct stage *stage, const struct bw_process_event *as);
void stage_exec(struct stage *stage, uint32_t pid, const char *comm);
void stage_exit(struct stage *stage, uint32_t pid);

/* A known file of one of the makers of bench/content_files.h. */
struct stage_file stage_file(struct stage *stage, const char *maker, size_t bytes, const char *name);
void stage_file_release(struct stage_file *file);

/* Acts. `bytes` is what stands there afterwards. */
void stage_write(struct stage *stage, uint32_t pid, enum bw_act act, const struct stage_file *file,
		 struct bw_slice bytes);
struct bw_file_key stage_new(struct stage *stage, uint32_t pid, const struct bw_file_key *folder, const char *name,
			     struct bw_slice bytes);
void stage_remove(struct stage *stage, uint32_t pid, const struct stage_file *file);
void stage_folder_gone(struct stage *stage, uint32_t pid, const struct bw_file_key *folder);
void stage_move_over(struct stage *stage, uint32_t pid, const struct bw_file_key *moved, const char *name,
		     const struct stage_file *replaced);

/* What a shape of bench/content_patterns.h makes of the file. */
struct bw_buf stage_shaped(const struct stage_file *file, const char *shape);

#endif
