/*
 * The running guard: what its parent makes before it forks, and its workers find
 * with bw_guard_of. ARCHITECTURE.md shows who holds what.
 *
 * The parent opens nothing that strangers fill. Rings and index outlive any worker;
 * which of them each worker keeps is in the table of share.c.
 */
#ifndef BW_GUARD_GUARD_H
#define BW_GUARD_GUARD_H

#include "crypto/keys.h"
#include "guard/ears.h"
#include "guard/event.h"
#include "guard/foreign.h"
#include "guard/ring.h"
#include "guard/settings.h"
#include "guard/volume.h"
#include "sys/worker.h"

struct bw_guard {
	const char *data;
	struct bw_guard_settings settings;
	size_t volume_count;
	struct bw_volume volumes[BW_VOLUMES_MAX]; /* number i is volumes[i].number */
	struct bw_ears ears;                      /* watch reads */
	struct bw_index *index;                   /* keep writes; watch and judge read */
	struct bw_ring *events;                   /* watch -> judge */
	struct bw_ring *work;                     /* watch -> keep */
	struct bw_ring *stops;                    /* judge -> watch */
	struct bw_ring *samples;                  /* keep -> sampler */
	struct bw_ring *features;                 /* sampler -> keep */
	struct bw_shared *board; /* struct bw_guard_board: what status shows, each field one writer's */
	bool require_sandbox;
	char node[BW_NODE_NAME_CHARS + 1]; /* whose keys seal the evidence; "" without any */
	size_t exchange_count;             /* collections it listens to (guard/exchange.h); 0: to none */
	char exchange[BW_FOREIGN_LINES_MAX][BW_FOREIGN_PEER_BYTES + 1]; /* their names */
	bool reports;                               /* to an exchange it was told (--report-to) … */
	bool reports_when_approved;                 /* … not before a person says so */
	char reports_to[BW_FOREIGN_PEER_BYTES + 1]; /* that collection's name */
};

enum { BW_BOARD_STOPS = 256 };

/* Counters in shared memory, so that `status` costs nobody anything. Monotonic unless said. */
struct bw_guard_board {
	/* watch */
	_Atomic uint64_t events;      /* read from the kernel */
	_Atomic uint64_t samples;     /* taken */
	_Atomic uint64_t lost;        /* times something was lost and the trees were walked again */
	_Atomic uint64_t stops;       /* processes signalled */
	_Atomic uint64_t stop_p50_us; /* now: from the evidence that decided to the last signal */
	_Atomic uint64_t stop_max_us; /* now */
	_Atomic uint64_t stop_count;  /* verdicts carried out; the newest ones' times below */
	_Atomic uint32_t stop_us[BW_BOARD_STOPS];
	_Atomic uint64_t processes_known; /* now */
	/* judge */
	_Atomic uint64_t findings;
	_Atomic uint64_t verdicts;
	_Atomic uint64_t actors; /* now */
	_Atomic uint64_t open_incidents;
	/* keep */
	_Atomic uint64_t files;       /* now, in the index */
	_Atomic uint64_t versions;    /* taken since the start */
	_Atomic uint64_t queued;      /* now: files that wait to be shadowed, folders that wait to be noted */
	_Atomic uint64_t exposure_us; /* now: the longest wait of any of them */
	_Atomic uint64_t exposure_p99_new_us;
	_Atomic uint64_t exposure_p99_again_us;
	_Atomic uint64_t kept_bytes;  /* now */
	_Atomic uint64_t quota_bytes; /* now */
	_Atomic uint64_t kept_inodes; /* now */
	_Atomic uint64_t refused;     /* files that could not be kept (too large, quota, error) */
	_Atomic uint64_t unwritten;   /* now: file systems without a block for the catalogue; what changes waits */
	_Atomic uint64_t share_us;    /* CLOCK_MONOTONIC: when there was too little room for somebody last; 0: never */
	_Atomic uint64_t share_owner; /* then: 1 + the user who held most of what was copied of late; 0: nobody */
	_Atomic uint64_t share_bytes; /* what he held */
	_Atomic uint64_t share_inodes;
	_Atomic uint64_t share_gone;    /* newest copies that went for others' */
	_Atomic uint64_t share_refused; /* copies that found no room within a fair share */
	_Atomic uint64_t rescans;
	_Atomic uint64_t second_looks; /* contents laid before the sampler (guard/second.h) */
	_Atomic uint64_t enrolling;    /* now: files of a walk still to come; 0: caught up */
};

/*
 * The first thing a worker does: lets go of all that its row of the table in share.c does not name, and makes its
 * view of the index (and the board) read-only unless it is the writer. What it may not have is NULL, and the
 * volumes' roots are -1.
 */
struct bw_guard *bw_guard_of(struct bw_seat *seat);

/* Every descriptor of it, for bw_crew_plan.keep: a worker closes those it lets go of by itself. */
size_t bw_guard_fds(const struct bw_guard *guard, int *out, size_t max);

/*
 * A volume that came while the guard runs. The parent opens it, puts it behind the others, gives it ears
 * (bw_ears_add) and tells watch and keep with a message BW_GUARD_VOLUME that passes the volume's root, before
 * their RELOAD. What a worker has of volumes before it stays as it is.
 */
enum { BW_GUARD_VOLUME = 1 };

BW_MUST_USE enum bw_err bw_guard_volume_write(const struct bw_guard *guard, const struct bw_volume *volume,
					      struct bw_buf *out);

/* The worker's side: the next of its volumes, whose root is then *fd, which becomes -1. PROTOCOL: not the next one. */
BW_MUST_USE enum bw_err bw_guard_take_volume(struct bw_guard *guard, struct bw_slice body, int *fd);

int bw_watch_run(struct bw_seat *seat);
int bw_judge_run(struct bw_seat *seat);
int bw_keep_run(struct bw_seat *seat);
int bw_sampler_run(struct bw_seat *seat);
int bw_scribe_run(struct bw_seat *seat);
int bw_hand_run(struct bw_seat *seat);
int bw_reporter_run(struct bw_seat *seat);
int bw_witness_run(struct bw_seat *seat);
int bw_sealer_run(struct bw_seat *seat);
int bw_caller_run(struct bw_seat *seat);
int bw_foreign_reader_run(struct bw_seat *seat);

#endif
