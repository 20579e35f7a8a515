/*
 * The copier: keeps one file's present version, has the sampler compute its features and
 * brings the index up to date. What keep (one file at a time) and enroll (all of a tree) have in common.
 */
#ifndef BW_GUARD_COPIER_H
#define BW_GUARD_COPIER_H

#include "guard/guard.h"
#include "guard/shadow.h"

struct bw_copier;

struct bw_copier_plan {
	const struct bw_guard_settings *settings;
	struct bw_index *index; /* written */
	struct bw_ring *samples;
	struct bw_ring *features;
	/* A copy finds no room. OK: there is some by now, and it is tried once more. DISK_FULL. May be NULL */
	enum bw_err (*make_way)(void *context, uint32_t volume, const struct bw_shadow_wish *wish);
	void *context;
};

/* MEMORY. Borrows all of the plan. */
BW_MUST_USE enum bw_err bw_copier_new(const struct bw_copier_plan *plan, struct bw_copier **out);
void bw_copier_free(struct bw_copier *copier); /* NULL allowed; the shadows stay open */

/* Opens the volume's store for writing and puts all that it knows into the index. As bw_shadow_open. */
BW_MUST_USE enum bw_err bw_copier_open(struct bw_copier *copier, const struct bw_volume *volume, struct bw_why *why);
struct bw_index *bw_copier_index(struct bw_copier *copier);
struct bw_shadow *bw_copier_shadow(struct bw_copier *copier, uint32_t volume);

/* A bait file (guard/bait_book.h) as it was laid. Who writes to it makes it a file like others. */
struct bw_copier_bait {
	struct bw_file_key key;
	uint64_t size;
	int64_t mtime_us;
};

/* These are bait from now on, and no others. Copied. MEMORY, TOO_MANY. */
BW_MUST_USE enum bw_err bw_copier_baits(struct bw_copier *copier, const struct bw_copier_bait *baits, size_t count);

/* One file to keep. */
struct bw_copy {
	int fd; /* open for reading; of a symbolic link: O_PATH|O_NOFOLLOW */
	struct bw_file_key key;
	struct bw_file_key folder_key;
	uint32_t folder; /* bw_shelf_folder_put */
	struct bw_slice name;
	uint64_t incident;         /* pinned by it; 0: none */
	enum bw_shelf_state state; /* GOOD becomes DOUBTFUL when the index says that it is part of an open incident */
	uint32_t maker;            /* as in bw_take */
	bool restored;             /* … unless this is what a restore wrote */
};

/*
 * Whether the newest kept version is what stands there: same time, same size, and not changed since it was taken
 * by the one time nobody can set (ctime). What has another name since is not asked here. `walked_us`: a whole walk
 * began then.
 */
bool bw_copier_keeps(struct bw_copier *copier, const struct bw_index_file *known, const struct stat *status,
		     int64_t walked_us);

/*
 * As bw_shadow_take. A DOUBTFUL version leaves the index as it is: what was good there is what the file
 * is compared with. TOO_BIG (settings): the index knows the file and that nothing is kept of it.
 */
BW_MUST_USE enum bw_err bw_copier_take(struct bw_copier *copier, const struct bw_copy *copy, struct bw_taken *out);

/* The file is as the index has it, but its features are missing: asks for them. IO. */
BW_MUST_USE enum bw_err bw_copier_sample(struct bw_copier *copier, int fd, uint64_t size,
					 const struct bw_index_file *known);

/*
 * Takes in what the sampler has answered by now; as bw_shelf_features. The sampler learns in groups of what it was
 * asked, and here at the latest: who stops taking files for a while calls this.
 */
BW_MUST_USE enum bw_err bw_copier_answers(struct bw_copier *copier);

/* Waits for all answers, for at most so long: a sampler that died answers nothing. */
BW_MUST_USE enum bw_err bw_copier_settle(struct bw_copier *copier, int most_ms);

/* The index flag that says: seen in the present walk of this volume. It changes its meaning with each walk. */
uint8_t bw_copier_pass(const struct bw_copier *copier, uint32_t volume);
void bw_copier_next_pass(struct bw_copier *copier, uint32_t volume);

#endif
