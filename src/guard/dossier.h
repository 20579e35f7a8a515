/*
 * The dossier of an incident: what the ledger's records of it, and a look at the files it names, add up to. And its
 * writers: the page for whoever answers for the place, the fields of the duties to report, a STIX 2.1 bundle for
 * home and one that may leave, the facts. Pure but for the time zone.
 *
 * All names in it (files, programs, users, addresses, notes) were chosen by whoever destroyed the files. Every writer
 * escapes them for its own form.
 *
 * What is not known stays unknown, and is written so. Errors: TOO_BIG, MEMORY, CRYPTO.
 */
#ifndef BW_GUARD_DOSSIER_H
#define BW_GUARD_DOSSIER_H

#include "base/arena.h"
#include "crypto/hash.h"
#include "guard/doer.h"
#include "guard/incident.h"
#include "guard/record.h"

enum {
	BW_DOSSIER_FILES_MAX = 512,    /* listed; more are counted */
	BW_DOSSIER_PROCESSES_MAX = 64, /* as above */
	BW_DOSSIER_NOTES_MAX = 8,
	BW_DOSSIER_MADE_MAX = 128, /* new files of the actor's that are looked at */
	BW_DOSSIER_WARNINGS_MAX = 16,
	BW_DOSSIER_FAILURES_MAX = 8,              /* told; the timeline has all */
	BW_DOSSIER_STEPS_MAX = 512,               /* of the timeline, beside the files */
	BW_DOSSIER_ROWS_BYTES = 16 * 1024 * 1024, /* of records that make one dossier */
	BW_DOSSIER_PAPER_BYTES = 8 * 1024 * 1024, /* of anything written */
	BW_DOSSIER_COPY_BYTES = 48,               /* the name of a copy in the evidence folder */
};

/* One content: `is_hashed` when it was read to its end, `is_known` when at least its size is known. */
struct bw_digest {
	bool is_known;
	bool is_hashed;
	uint64_t size;
	uint8_t sha256[BW_SHA256_BYTES];
};

struct bw_dossier_file {
	struct bw_proof proof; /* the gravest of this file */
	struct bw_finding finding;
	uint8_t gravity;                  /* enum bw_gravity */
	uint32_t record;                  /* the judge's record that named it first, from 1 */
	struct bw_slice path;             /* absolute: where it lay; empty: not known */
	struct bw_slice path_now;         /* where what stands for it now lies; empty: nowhere, or not known */
	struct bw_digest before;          /* the good version that is kept */
	struct bw_digest after;           /* what stands there now */
	char copy[BW_DOSSIER_COPY_BYTES]; /* the sample of it in the folder; "": none */
};

struct bw_dossier_process {
	uint64_t start_ns;
	uint32_t pid;
	uint32_t uid;
	uint32_t files; /* that it destroyed */
	char comm[BW_COMM_BYTES];
	struct bw_slice program; /* its executable; empty: not known (it had ended) */
	struct bw_slice command; /* its command line, as the process gave it; empty: not known */
	struct bw_digest image;
	char copy[BW_DOSSIER_COPY_BYTES];
};

struct bw_dossier_note {
	struct bw_slice path;
	struct bw_slice name;
	struct bw_slice text; /* its first bytes */
	struct bw_digest content;
	uint32_t places; /* folders that hold the same one */
	char copy[BW_DOSSIER_COPY_BYTES];
};

/* What others warned of, and was seen here (guard/foreign.h). */
struct bw_dossier_warning {
	struct bw_slice id; /* of their indicator */
	struct bw_slice peer;
	struct bw_slice value;
};

struct bw_dossier_step {
	int64_t wall_us;
	struct bw_slice words; /* a sentence, names in it as they are */
	struct bw_slice undo;  /* the command that undoes it; empty: none */
};

struct bw_dossier {
	uint64_t incident;
	uint32_t number; /* of the report: each supersedes the one before */
	int64_t made_us;
	const char *node; /* "bw1…"; "" while the node has no keys */
	int64_t node_since_us;

	int64_t began_us;    /* the first act that destroyed something */
	int64_t decided_us;  /* the first verdict: the guard was aware of it */
	uint64_t decided_ns; /* the same by CLOCK_MONOTONIC, of the machine's run then */
	int64_t last_us;     /* the last destructive act known */
	int64_t closed_us;   /* approved or closed; 0: open */
	int64_t restored_us;
	int64_t kept_out_us; /* the actor's address was kept out; 0: not, or not known */
	enum bw_incident_state state;
	uint8_t mode;    /* enum bw_guard_mode */
	uint8_t measure; /* enum bw_measure: the gravest thing done */
	uint8_t scope;   /* enum bw_scope */
	struct bw_verdict verdict;
	struct bw_actor actor; /* as it was known last */
	struct bw_ledger_restored restored;
	uint32_t restores;
	uint32_t records;    /* of the judge */
	uint32_t strange;    /* records that could not be read */
	uint32_t evidence;   /* the judge's, those that could not be read too */
	uint32_t of_drill;   /* the first so many of these were found to be a drill's when an earlier report was made */
	uint64_t left_out;   /* records, because there were too many */
	uint64_t files_more; /* files beyond those listed */

	struct bw_dossier_file *files;
	size_t file_count;
	struct bw_dossier_process processes[BW_DOSSIER_PROCESSES_MAX];
	size_t process_count;
	struct bw_file_key made[BW_DOSSIER_MADE_MAX]; /* by the actor, beside what stands for a destroyed file */
	size_t made_count;
	struct bw_dossier_note notes[BW_DOSSIER_NOTES_MAX];
	size_t note_count;
	struct bw_dossier_warning warnings[BW_DOSSIER_WARNINGS_MAX];
	size_t warning_count;
	struct bw_slice failures[BW_DOSSIER_FAILURES_MAX]; /* of the hand: "10.0.0.9: there is no nft here" */
	size_t failure_count;
	struct bw_dossier_step steps[BW_DOSSIER_STEPS_MAX];
	size_t step_count;
	struct bw_record *record; /* room for one */
	struct bw_arena arena;    /* words and names */
};

/* ---- reading: dossier.c ---------------------------------------------------------------------- */

/* One record of the ledger, as rows of a dossier hold it: kind u8 | wall be64 | body block. */
BW_MUST_USE enum bw_err bw_dossier_row_add(struct bw_buf *rows, uint8_t kind, int64_t wall_us, struct bw_slice body);

/* MEMORY. */
BW_MUST_USE enum bw_err bw_dossier_new(uint64_t incident, struct bw_dossier **out);
void bw_dossier_free(struct bw_dossier *dossier); /* NULL allowed */

/*
 * Takes rows in. Records that cannot be read are counted; the rest counts. MISSING: there is no verdict among them.
 * PROTOCOL: these are no rows.
 */
BW_MUST_USE enum bw_err bw_dossier_read(struct bw_dossier *dossier, struct bw_slice rows);

/* ---- saying: dossier_say.c ------------------------------------------------------------------- */

/* The name of a file: the end of its path now known, else as the record has it. */
struct bw_slice bw_dossier_name(const struct bw_dossier_file *file);

/* Bytes that are gone by count and restored: what a person must know first. */
struct bw_dossier_sum {
	uint64_t files;  /* destroyed, as far as known */
	uint64_t kept;   /* of these: a good version is kept */
	uint64_t back;   /* brought back by a restore */
	uint64_t failed; /* could not be brought back */
	uint64_t bytes;  /* of the good versions of those listed */
};
void bw_dossier_add_up(const struct bw_dossier *dossier, struct bw_dossier_sum *out);

/* The programs that destroyed the files, as far as they are listed, and their users. */
void bw_dossier_doers(const struct bw_dossier *dossier, struct bw_doers *out);

/* "the Samba session of eve at 10.0.0.9" as bw_doers_say, unescaped; "was ended", "is frozen", "was only observed". */
BW_MUST_USE enum bw_err bw_dossier_who(const struct bw_dossier *dossier, struct bw_buf *out);
const char *bw_dossier_done(const struct bw_dossier *dossier);

/*
 * All of it lies in folders of `guard drill`: then it stays out of the exchange. Of a file of which nobody can
 * tell any more where it lay, it counts what an earlier report found (bw_dossier.of_drill).
 */
bool bw_dossier_is_drill(const struct bw_dossier *dossier);

/* Surely none: at least one file's path is known, and none that is known lies in such a folder. */
bool bw_dossier_is_no_drill(const struct bw_dossier *dossier);

/* ---- writing ------------------------------------------------------------------------------------- */

enum bw_paper { BW_PAPER_TEXT, BW_PAPER_HTML };

/* dossier_page.c: one page in plain words. HTML: one file, no scripts, nothing fetched, a policy that forbids both. */
BW_MUST_USE enum bw_err bw_dossier_page(const struct bw_dossier *dossier, enum bw_paper paper, struct bw_buf *out);

/* dossier_duty.c: the fields that the duties to report ask for within 24 and 72 hours; "unknown" where nobody said. */
BW_MUST_USE enum bw_err bw_dossier_duties(const struct bw_dossier *dossier, bool json, struct bw_buf *out);

/* dossier_facts.c: all of it, as JSON: timeline, sessions, processes, files with their hashes, notes. */
BW_MUST_USE enum bw_err bw_dossier_facts(const struct bw_dossier *dossier, struct bw_buf *out);

/* dossier_stix.c */
enum bw_stix_reach {
	BW_STIX_HOME,   /* everything; marked TLP:RED */
	BW_STIX_LEAVES, /* no path, no name of a user, host or file of ours, no private address; TLP:AMBER */
};
BW_MUST_USE enum bw_err bw_dossier_bundle(const struct bw_dossier *dossier, enum bw_stix_reach reach,
					  struct bw_buf *out);

/* The indicators alone: what can be acted on before anything was looked at. A bundle, marked TLP:RED. */
BW_MUST_USE enum bw_err bw_dossier_indicators(const struct bw_dossier *dossier, struct bw_buf *out);

/*
 * Those of them that may leave, and sightings of what others warned of: the same objects that the report's bundle holds
 * later in a newer version. Empty when there are none, or when it may be a drill: not all paths are known yet.
 */
BW_MUST_USE enum bw_err bw_dossier_first(const struct bw_dossier *dossier, struct bw_buf *out);

#endif
