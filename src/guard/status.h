/*
 * What `guard status` shows: gathered from the settings, the shadow stores, the ledger and, while the guard runs, its
 * board; and written for people and machines. Nothing of it is asked of a worker at work but the socket's one answer.
 */
#ifndef BW_GUARD_STATUS_H
#define BW_GUARD_STATUS_H

#include "guard/ask.h"
#include "guard/held.h"
#include "guard/incident.h"
#include "guard/job_book.h"
#include "guard/volumes.h"
#include "store/shelf.h"

#define BW_STATUS_ROWS(X)        \
	X(events)                \
	X(samples)               \
	X(lost)                  \
	X(stops)                 \
	X(stop_p50_us)           \
	X(stop_max_us)           \
	X(processes_known)       \
	X(findings)              \
	X(verdicts)              \
	X(actors)                \
	X(open_incidents)        \
	X(files)                 \
	X(versions)              \
	X(queued)                \
	X(exposure_us)           \
	X(exposure_p99_new_us)   \
	X(exposure_p99_again_us) \
	X(kept_bytes)            \
	X(quota_bytes)           \
	X(kept_inodes)           \
	X(refused)               \
	X(unwritten)             \
	X(share_us)              \
	X(share_owner)           \
	X(share_bytes)           \
	X(share_inodes)          \
	X(share_gone)            \
	X(share_refused)         \
	X(rescans)               \
	X(enrolling)

/* The board, once: each number as it stood when it was read. */
struct bw_status_board {
#define X(name) uint64_t name;
	BW_STATUS_ROWS(X)
#undef X
};

struct bw_status_volume {
	const struct bw_volume *volume;
	struct bw_shelf_totals totals;
	uint64_t quota_bytes;
	uint64_t quota_inodes; /* UINT64_MAX: none */
	bool is_known;         /* the store could be read */
	char why[128];         /* else */
};

enum { BW_STATUS_JOBS_MAX = 2 * BW_JOBS_MAX };

struct bw_status {
	const char *data;
	struct bw_arena arena;
	struct bw_guard_settings settings;
	size_t volume_count;
	struct bw_volume volumes[BW_VOLUMES_MAX];
	struct bw_status_volume stores[BW_VOLUMES_MAX];
	struct bw_incidents incidents;
	size_t open; /* incidents */
	struct bw_holds holds;
	size_t baits; /* files laid as bait (guard/bait_book.h) */
	bool are_baits_known;
	bool are_holds_known;
	bool is_ledger_whole;
	struct bw_why ledger_why;
	uint64_t ledger_bytes;
	size_t job_count;
	const char *job_names[BW_STATUS_JOBS_MAX];
	enum bw_job_worth job_worths[BW_STATUS_JOBS_MAX];
	struct bw_job_book jobs; /* what became of them */
	/* the running guard */
	struct bw_channel *channel;
	bool is_running;
	char lost
		[BW_WHY_BYTES]; /* a guard runs, and has lost this data folder: what is wrong and what to do; else "" */
	enum bw_guard_mode mode;
	int64_t started_us;
	struct bw_status_board board;
};

/* NOT_FOUND: nothing is guarded. A guard that does not run is no error. */
BW_MUST_USE enum bw_err bw_status_gather(const char *data, struct bw_status *out, struct bw_why *why);
void bw_status_release(struct bw_status *status);

/*
 * Whether a person must look: an open incident, somebody who stands still, a tree that is left out,
 * a ledger that is not whole, too little room for copies within the last hour, no guard.
 */
bool bw_status_needs_somebody(const struct bw_status *status);

/* One object. */
BW_MUST_USE enum bw_err bw_status_json(const struct bw_status *status, struct bw_buf *out);

/* A page of lines. `brief`: without what is not covered. */
BW_MUST_USE enum bw_err bw_status_text(const struct bw_status *status, bool brief, struct bw_buf *out);

#endif
