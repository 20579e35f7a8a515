/*
 * Measuring the guard: file systems of its own in loop images, the program itself as anybody
 * starts it, and rows of one form (codec/bench_row.h). Everything happens in a mount namespace of its
 * own and below one folder, so nothing stays when it ends, however it ends.
 */
#ifndef BW_GUARD_BENCH_GUARD_H
#define BW_GUARD_BENCH_GUARD_H

#include "base/command.h"
#include "codec/bench_row.h"
#include "guard/guard.h"
#include "guard/program.h"

enum {
	BW_PLACES = 3,           /* ext4, XFS, Btrfs */
	BW_GBENCH_STOPS = 16384, /* times gathered in one bench */
	BW_GBENCH_NAME = 256,
	BW_GBENCH_PATH = BW_PATH_BYTES + 64,
};

struct bw_gbench {
	const struct bw_call *call;
	const char *folder; /* removed afterwards */
	char program[BW_PATH_BYTES];
	size_t runs;
	uint32_t files;
	int64_t image_bytes; /* of the next place; 0: the usual size */
	struct bw_why why;
	size_t stop_count;
	uint32_t stops[BW_GBENCH_STOPS]; /* microseconds, of all drills */
};

/* One file system, mounted. */
struct bw_place {
	const char *type; /* "ext4" */
	char image[BW_PATH_BYTES];
	char mount[BW_PATH_BYTES];
	char tree[BW_PATH_BYTES]; /* the folder that is guarded */
	char data[BW_PATH_BYTES]; /* --data; on the bench's own file system */
	struct bw_program_run guard;
	uint64_t stops_seen; /* of the running guard */
};

/* ---- rows --------------------------------------------------------------------------------------- */

/* Prints at once: a bench that is cut short has shown what it has. A row without runs prints nothing. */
void bw_gbench_print(const struct bw_gbench *bench, const struct bw_bench_row *row);

/* "not run, because". */
void bw_gbench_absent(const struct bw_gbench *bench, const char *name, const char *unit, const char *why);

/* Times with the guard beside those without, then the 95 % bound of how many times as long it takes. */
void bw_gbench_print_pair(const struct bw_gbench *bench, const struct bw_place *place, const char *what, double most,
			  struct bw_bench_row *row);

/* "ext4: WHAT", for bw_bench_row.name. */
const char *bw_gbench_name(const struct bw_place *place, const char *what, char out[BW_GBENCH_NAME]);

/* ---- places and programs ------------------------------------------------------------------------------ */

/* UNSUPPORTED: this machine cannot make such a file system; why tells what is missing. */
BW_MUST_USE enum bw_err bw_place_make(const struct bw_gbench *bench, const char *type, struct bw_place *out,
				      struct bw_why *why);
void bw_place_drop(struct bw_place *place);

/* The place's own disk: a sync of everything would wait for other people's files. */
BW_MUST_USE enum bw_err bw_place_sync(const struct bw_place *place, struct bw_why *why);

/* Removes everything below `dir`, and `dir`. */
void bw_place_clear(const char *dir);

/*
 * Runs a program to its end with the words of `line` (separated by spaces; the bench's folders hold none), found where
 * the system keeps programs unless it begins with '/'. `out_us` and `out_output` may be NULL. SYSTEM: it failed, `why`
 * has its last words.
 */
BW_MUST_USE enum bw_err bw_place_run(const char *line, int64_t *out_us, struct bw_buf *out_output, struct bw_why *why);

/* As bw_place_run, of our own commands whose exit status 1 is a finding (BW_EXIT_FOUND) and no failure. */
BW_MUST_USE enum bw_err bw_place_run_found(const char *line, struct bw_buf *out_output, struct bw_why *why);

/* `breakwater guard enroll` on the place's tree. */
BW_MUST_USE enum bw_err bw_place_enroll(const struct bw_gbench *bench, struct bw_place *place, int64_t *out_us,
					struct bw_why *why);

/*
 * `breakwater guard run`, until it is ready *and* has proved that it guards: a new file came into the store. A guard
 * that does nothing would have the best figures. UNSUPPORTED: it did not.
 */
BW_MUST_USE enum bw_err bw_place_guard(const struct bw_gbench *bench, struct bw_place *place, const char *mode,
				       struct bw_why *why);
void bw_place_unguard(struct bw_place *place);

/* What the running guard's board says. */
BW_MUST_USE enum bw_err bw_place_board(const struct bw_place *place, struct bw_guard_board *out);

/* Until nothing is queued, no tree is walked and so many versions were taken in all. TIMEOUT. */
BW_MUST_USE enum bw_err bw_place_settle(const struct bw_place *place, uint64_t versions, int wait_ms);

/*
 * Until a guard that has started does nothing any more but wait: it walks, sets marks and syncs for a moment, which is
 * no part of what it costs later. Without a guard the same two seconds pass. TIMEOUT.
 */
BW_MUST_USE enum bw_err bw_place_quiet(const struct bw_place *place);

/* Of the guard and all its workers: memory (shared pages counted once) and processor time. */
struct bw_place_use {
	uint64_t memory_kib;
	uint64_t cpu_us;
	size_t processes;
};

BW_MUST_USE enum bw_err bw_place_use(const struct bw_place *place, struct bw_place_use *out);

/*
 * The processor time of a process and of all it starts from now on, those that have ended too: a descriptor, which the
 * caller closes, and what it says by now. UNSUPPORTED: this kernel does not tell.
 */
BW_MUST_USE enum bw_err bw_place_meter(pid_t pid, int *out_fd);
BW_MUST_USE enum bw_err bw_place_metered(int fd, int64_t *out_us);

/* The processor time of all programs the bench ran to their ends. */
int64_t bw_place_spent_us(void);

/* ---- small files (bench_tree.c) --------------------------------------------------------------------------- */

/* So many text files of 1 to 64 KiB, in folders of 200, below papers/ in the tree. */
BW_MUST_USE enum bw_err bw_gbench_papers(const struct bw_place *place, unsigned count, struct bw_why *why);

/* The path of one and its size; and what it holds: words drawn by its number. */
size_t bw_gbench_paper(const struct bw_place *place, unsigned number, char out[BW_GBENCH_PATH]);
void bw_gbench_paper_text(unsigned number, uint8_t *text, size_t len);

/* ---- drills (bench_drill.c) -------------------------------------------------------------------------------- */

struct bw_drill_words {
	const char *pattern;
	const char *options; /* of `guard drill`; NULL: none */
	uint64_t strain;
	uint32_t files;
	double most; /* files touched */
};

/* What drills of one kind came to. */
struct bw_drills {
	struct bw_bench_row touched;
	size_t count;
	double lost;      /* bytes differ, or missing */
	double metadata;  /* of files and folders */
	double stopped;   /* drills whose attacker was ended or held */
	char missed[256]; /* the patterns that were not */
	size_t within;    /* drills of at most as many files as they may touch */
	char beyond[256]; /* the patterns with more, and how many */
};

/* One drill on a guarded place. A pattern that the file system cannot do counts nothing. */
BW_MUST_USE enum bw_err bw_gbench_drill(struct bw_gbench *bench, struct bw_place *place,
					const struct bw_drill_words *words, struct bw_drills *drills);
void bw_gbench_print_drills(const struct bw_gbench *bench, const struct bw_place *place, const char *who,
			    struct bw_drills *drills);

/* The number of a name in one line of our own JSON; -1 when it is not there. */
double bw_gbench_number(const char *json, const char *name);

/* Takes over the stops' times that the running guard's board shows. */
BW_MUST_USE enum bw_err bw_gbench_gather_stops(struct bw_gbench *bench, struct bw_place *place);
void bw_gbench_print_stops(struct bw_gbench *bench);

/* ---- parts: each prints its rows for one place ----------------------------------------------------------- */

BW_MUST_USE enum bw_err bw_gbench_enroll(struct bw_gbench *bench, struct bw_place *place);
BW_MUST_USE enum bw_err bw_gbench_cost(struct bw_gbench *bench, struct bw_place *place);
BW_MUST_USE enum bw_err bw_gbench_window(struct bw_gbench *bench, struct bw_place *place);
BW_MUST_USE enum bw_err bw_gbench_attack(struct bw_gbench *bench, struct bw_place *place);
BW_MUST_USE enum bw_err bw_gbench_patterns(struct bw_gbench *bench, struct bw_place *place);
BW_MUST_USE enum bw_err bw_gbench_smb(struct bw_gbench *bench, struct bw_place *place);
BW_MUST_USE enum bw_err bw_gbench_restore(struct bw_gbench *bench, struct bw_place *place);
int64_t bw_gbench_restore_room(const struct bw_gbench *bench, const char *type); /* how large an image it needs */
BW_MUST_USE enum bw_err bw_gbench_benign(struct bw_gbench *bench, struct bw_place *place);
BW_MUST_USE enum bw_err bw_gbench_slow(struct bw_gbench *bench, struct bw_place *place); /* needs none */

#endif
