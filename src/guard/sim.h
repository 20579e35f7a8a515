/*
 * The harmless simulator: what ransomware does to files, done to files that the simulator made itself.
 * `guard drill`, the tests and the bench share it.
 *
 * Safety, held by every function here and tested in sim_test.c:
 * - It works only below a sandbox: a folder that bw_sim_seed made or found empty, and marked with a
 *   private folder ".breakwater-sim" (0700) that names a random id, the owner and the sandbox's own inode.
 *   A marker that was copied elsewhere, belongs to another user or is writable by others is refused.
 * - Every path goes through openat2 beneath the sandbox: no symlinks, no other file system, no "..".
 * - It touches a seeded file only while size and time of change are those of the manifest (or the same run
 *   touched it before), and makes new names only where there was nothing. Anything else is left alone and counted.
 * - Content is changed by XOR with a key stream stored beside the marker. bw_sim_undo brings everything back:
 *   every file can be made again from its seed, and is checked against the SHA-256 in the manifest.
 * - No network, but for an SMB share the caller names, and that must prove to be the same sandbox.
 *
 * Errors: DENIED (not a sandbox, or not ours; `why` says which rule), EXISTS (seeding a folder that is not
 * empty), NOT_FOUND, CORRUPT (manifest), UNSUPPORTED (this kernel or file system cannot do the pattern),
 * USAGE, DISK_FULL, IO, MEMORY, SYSTEM.
 */
#ifndef BW_GUARD_SIM_H
#define BW_GUARD_SIM_H

#include <sys/types.h>

#include "sys/why.h"

enum {
	BW_SIM_FILES_MAX = 2 * 1000 * 1000,
	BW_SIM_ACTORS_MAX = 256,
	BW_SIM_OWNERS_MAX = 16,
	BW_SIM_PATTERNS_MAX = 64, /* in one run */
};

/* ---- making a sandbox --------------------------------------------------------------- */

struct bw_sim_seed {
	uint64_t seed;
	uint32_t files;
	uint32_t homes;  /* folders of made-up people; 0: one for every 50 files */
	const char *mix; /* "school" (default), "text", "structured", "tiny", "large", "hostile", or "docx=3,text=1" */
	uint64_t big_bytes; /* size of the files of kind "big"; 0: 4 MiB */
	size_t owner_count; /* the homes go to these users in turn (needs root); 0: to the caller */
	uid_t owners[BW_SIM_OWNERS_MAX];
};

/* Makes `dir` (or takes it when empty) and fills it. The same seed makes the same names and bytes. */
BW_MUST_USE enum bw_err bw_sim_seed(const char *dir, const struct bw_sim_seed *how, struct bw_why *why);

struct bw_sim_box;

/* Opens a sandbox after every check above. DENIED: not one, or not ours. */
BW_MUST_USE enum bw_err bw_sim_open(const char *dir, struct bw_sim_box **out, struct bw_why *why);
void bw_sim_free(struct bw_sim_box *box);

size_t bw_sim_rows(const struct bw_sim_box *box); /* rows of the manifest: slots of a report */

/* The row's path below the sandbox (any bytes but NUL), and whether it is a regular file. */
struct bw_slice bw_sim_row_name(const struct bw_sim_box *box, size_t row, bool *out_is_file);

/* ---- patterns: one row each ----------------------------------------------------------- */

struct bw_sim_pattern; /* guard/sim_parts.h */

size_t bw_sim_pattern_count(void);
const char *bw_sim_pattern_id(size_t n);    /* "S08" */
const char *bw_sim_pattern_words(size_t n); /* "16 bytes of every 32" */

enum bw_sim_shape {
	BW_SIM_USUAL,         /* what the pattern's row says; else processes */
	BW_SIM_PROCESSES,     /* one group, files dealt in turn */
	BW_SIM_THREADS,       /* of one process */
	BW_SIM_FORK_PER_FILE, /* a child for every file */
	BW_SIM_SETSID,        /* every actor double-forked, in a session of its own */
	BW_SIM_SPLIT,         /* lister, reader, writer, renamer, deleter: five processes to each line */
	BW_SIM_UIDS,          /* every actor as the owner of its files (needs root and owners) */
	BW_SIM_SHAPES
};

enum bw_sim_walk {
	BW_SIM_WALK_USUAL,
	BW_SIM_DFS,
	BW_SIM_BFS,
	BW_SIM_REVERSE,
	BW_SIM_SIZE,      /* small ones first */
	BW_SIM_SIZE_DOWN, /* large ones first */
	BW_SIM_NEWEST,
	BW_SIM_EXTENSION, /* documents, then databases, then the rest */
	BW_SIM_RANDOM,
	BW_SIM_BREADTH, /* one file of every home in turn */
	BW_SIM_WALKS
};

/*
 * Whether bw_sim_run would take this list, before anything is made for it. `over_share`: it goes through a share, for
 * which only some patterns are. USAGE with a sentence. Pure.
 */
BW_MUST_USE enum bw_err bw_sim_patterns_check(const char *patterns, bool over_share, struct bw_why *why);

/* The words of the command line: "setsid", "newest"; NULL past the end. */
const char *bw_sim_shape_name(enum bw_sim_shape shape);
const char *bw_sim_walk_name(enum bw_sim_walk walk);

struct bw_sim_share {
	const char *url;        /* "//127.0.0.1/share" */
	const char *folder;     /* the sandbox within the share, "" at its top */
	const char *login_file; /* smbclient's authentication file */
	uint16_t port;          /* 0: 445 */
	const char *dialect;    /* "SMB3", "NT1"; NULL: smbclient's own */
};

struct bw_sim_run {
	const char *patterns; /* "S01" or "S01,S22": files are dealt to them in turn */
	uint64_t strain;      /* 0: the parameters of the literature; else drawn, with new names and notes */
	uint32_t actors;      /* 0: what the row says, else 1 */
	enum bw_sim_shape shape;
	enum bw_sim_walk walk;
	uint64_t pace_ns;                 /* between files, all actors together; 0: as fast as can be */
	uint32_t burst;                   /* files before each pause of pace_ns; 0 and 1: one */
	int step_fd;                      /* one byte read from it releases one file (a simulated clock); -1: none */
	uint32_t limit;                   /* files at most; 0: all */
	const char *report;               /* file for times; NULL: none */
	const char *only;                 /* a kind of file, "docx"; NULL: any the pattern takes */
	const struct bw_sim_share *share; /* over SMB instead of by local calls; NULL: local */
};

#define BW_SIM_RUN_INIT ((struct bw_sim_run){ .step_fd = -1 })

struct bw_sim_tally {
	uint64_t touched;    /* a destructive act began */
	uint64_t finished;   /* and ended */
	uint64_t left;       /* not as seeded, so left alone */
	uint64_t failed;     /* refused by the system: what a guard's block looks like */
	uint64_t impossible; /* this file system or kernel cannot */
};

/*
 * Runs and waits until every actor has ended, however it ended; a guard that kills
 * the actors makes an ordinary, short run. USAGE names a pattern or parameter that is wrong.
 */
BW_MUST_USE enum bw_err bw_sim_run(struct bw_sim_box *box, const struct bw_sim_run *how, struct bw_sim_tally *out,
				   struct bw_why *why);

/*
 * In memory, touching nothing: a file as bw_sim_seed makes them, and what the pattern leaves of it; both appended.
 * UNSUPPORTED: the pattern does not change the bytes of one file where they are.
 */
BW_MUST_USE enum bw_err bw_sim_harm(const char *pattern, uint64_t strain, uint64_t seed, struct bw_buf *out_old,
				    struct bw_buf *out_new);

/* ---- afterwards ------------------------------------------------------------------------- */

struct bw_sim_check {
	uint64_t untouched; /* bytes and metadata as in the manifest */
	uint64_t changed;   /* bytes differ */
	uint64_t metadata;  /* bytes are right; owner, mode, time, links or attributes are not */
	uint64_t missing;
	uint64_t extra;  /* names that are not in the manifest */
	char first[256]; /* the first that is not as it was, escaped, with the reason; "" when none */
};

/* Compares everything with the manifest. OK also when much is wrong: the counts say. */
BW_MUST_USE enum bw_err bw_sim_verify(struct bw_sim_box *box, struct bw_sim_check *out, struct bw_why *why);

/* Puts back what runs changed and takes away what they made; foreign files stay. Run again after a crash. */
BW_MUST_USE enum bw_err bw_sim_undo(struct bw_sim_box *box, uint64_t *out_restored, struct bw_why *why);

/* Takes every seeded file, everything runs made and the marker away; the folder itself stays when foreign files do. */
BW_MUST_USE enum bw_err bw_sim_remove(const char *dir, struct bw_why *why);

/* ---- reports ------------------------------------------------------------------------------ */

/*
 * A report is memory mapped by every actor, so that SIGKILL loses nothing. In the byte
 * order of the machine: a head of 64 bytes, then for every row of the manifest 16 bytes: when its first
 * destructive act began and when its last ended, CLOCK_MONOTONIC in nanoseconds, 0 for never.
 */
struct bw_sim_report_head {
	char magic[8]; /* "BWSIMRP1" */
	uint64_t rows;
	uint64_t began_ns; /* the run */
	uint64_t ended_ns; /* 0: it was killed */
	uint64_t left;
	uint64_t failed;
	uint64_t impossible;
	uint64_t strain;
};

struct bw_sim_times {
	uint64_t began_ns;
	uint64_t ended_ns;
};

struct bw_sim_report {
	struct bw_sim_report_head head;
	struct bw_sim_times *times; /* head.rows */
};

/* CORRUPT: not a report. */
BW_MUST_USE enum bw_err bw_sim_report_read(const char *path, struct bw_sim_report *out, struct bw_why *why);
void bw_sim_report_release(struct bw_sim_report *report);
void bw_sim_report_tally(const struct bw_sim_report *report, struct bw_sim_tally *out);

#endif
