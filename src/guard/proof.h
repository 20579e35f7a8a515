/*
 * Proofs: one file each that somebody destroyed, or seems to have; and the rules by which proofs make
 * a verdict. Pure and without memory: the same proofs give the same verdict, on any machine, for
 * ever. That is what a record replays (guard/record.h).
 *
 * A proof is never "this looks random": it holds the features of the good content and of what stands there
 * now, and what it weighs follows from comparing them again. Points fade with time and nothing else: good work
 * by the same actor pays for nothing.
 *
 * The rules with their reasons: docs/guard-verdict.md.
 */
#ifndef BW_GUARD_PROOF_H
#define BW_GUARD_PROOF_H

#include "guard/event.h"
#include "guard/second.h"

enum bw_proof_kind {
	BW_PROOF_CHANGED = 1, /* the file itself, in place */
	BW_PROOF_REPLACED,    /* another file was moved over it */
	BW_PROOF_JOINED,      /* it is gone; a new file with its name holds what it held */
	BW_PROOF_BESIDE,      /* it is gone; the same process wrote a new file of its size just before or after */
	BW_PROOF_SWALLOWED,   /* it is gone; a sealed archive, large enough for it and all others, was made before */
	BW_PROOF_BAIT_GONE,   /* a canary was removed by itself */
	BW_PROOF_CLEARED,     /* it is gone, with nearly all its folder held, and the folder stands */
	BW_PROOF_WARNED, /* of no file: others warned of this name, address or way (guard/foreign.h), and it is here */
	BW_PROOF_KINDS,
};

enum bw_proof_flag {
	BW_PROOF_CANARY = 1,
	BW_PROOF_OPEN = 2,   /* seen while it was still being written, and not closed since */
	BW_PROOF_GENTLE = 4, /* by a tool that ordered work uses (shred, gpg, 7z): a person is asked, never killed */
	BW_PROOF_SIGNED = 8, /* a signed job's, or approved by a person: written down, weighs nothing */
};

struct bw_proof {
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	int64_t wall_us;
	struct bw_file_key file; /* that held the good content */
	struct bw_file_key folder;
	struct bw_file_key made; /* the new file, when that is another one */
	uint64_t version;        /* of the good content; 0: none is kept */
	uint64_t start_ns;       /* of the process */
	uint32_t pid;
	uint32_t uid;
	uint32_t actor; /* a number that tells actors apart within one record */
	uint8_t kind;   /* enum bw_proof_kind */
	uint8_t flags;  /* enum bw_proof_flag */
	uint8_t name_len;
	uint8_t seen_count;
	struct bw_content old;
	struct bw_content new;
	/* what a second look saw: its tests need whole contents and are not found again from features */
	struct bw_evidence seen[BW_SECOND_TESTS];
	char comm[BW_COMM_BYTES];
	uint8_t name[BW_EVENT_NAME_BYTES];
};

/*
 * All numbers of the rules. A record carries those it was judged by; what a record does not have, because it is older
 * than the rule, is 0, and the rule is not in force.
 */
#define BW_RULES_ROWS(X)   \
	X(sure)            \
	X(strong)          \
	X(beside)          \
	X(sealed)          \
	X(weak)            \
	X(slight)          \
	X(wide)            \
	X(wide_window)     \
	X(decisive)        \
	X(lasting)         \
	X(ordered)         \
	X(ordered_lasting) \
	X(unusual)         \
	X(folder)          \
	X(volume)          \
	X(volume_lasting)  \
	X(files_least)     \
	X(actors_least)    \
	X(open_least)      \
	X(fast_half_s)     \
	X(slow_half_s)     \
	X(wide_changed)    \
	X(cleared_folders) \
	X(cleared_formats) \
	X(cleared_files)   \
	X(cleared_s)       \
	X(bait)            \
	X(warned)          \
	X(warned_enough)

struct bw_rules {
#define X(name) uint32_t name;
	BW_RULES_ROWS(X)
#undef X
};

extern const struct bw_rules bw_rules_default;

/* What is judged together. */
enum bw_scope {
	BW_SCOPE_ACTOR = 1,
	BW_SCOPE_FOLDER, /* whoever did it */
	BW_SCOPE_VOLUME,
	BW_SCOPE_KERNEL, /* what NFS clients did through the kernel: no process to name */
	BW_SCOPE_COUNT,
};

enum bw_gravity {
	BW_GRAVITY_NONE,
	BW_GRAVITY_UNUSUAL,   /* written down, never acted on */
	BW_GRAVITY_ORDERED,   /* destroyed as ordered work destroys: sealed, wiped, emptied. A person is asked */
	BW_GRAVITY_DESTROYED, /* the highest: known-good content is gone and nothing good stands there */
};

/* code, short name for machines, sentence */
#define BW_RULE_ROWS(X)                                                                                      \
	X(NONE, "none", "nothing")                                                                           \
	X(BAIT, "canary", "a bait file, which nobody has a reason to change, was destroyed")                 \
	X(MANY, "destroyed", "several known-good files were destroyed within hours")                         \
	X(LASTING, "destroyed-slowly", "known-good files were destroyed one by one over days")               \
	X(TREE, "destroyed-together", "several actors destroyed known-good files in the same place")         \
	X(TREE_LASTING, "destroyed-together-slowly",                                                         \
	  "several actors destroyed known-good files in the same place over days")                           \
	X(ORDERED, "sealed-or-wiped", "files were sealed, wiped or emptied and their originals are gone")    \
	X(ORDERED_LASTING, "sealed-or-wiped-slowly",                                                         \
	  "files were sealed, wiped or emptied and their originals are gone, over days")                     \
	X(UNUSUAL, "unusual", "many files changed in unusual ways, each of which has innocent causes")       \
	X(CLEARED, "cleared",                                                                                \
	  "folder after folder was emptied of all kinds of files, faster than hands are, and left standing") \
	X(WARNED, "warned", "others warned of what was seen here, and that is not all that was seen")

enum bw_rule {
#define X(name, word, sentence) BW_RULE_##name,
	BW_RULE_ROWS(X)
#undef X
		BW_RULE_COUNT
};

struct bw_weight {
	uint32_t points;
	uint8_t gravity; /* enum bw_gravity: what it can add to */
	bool is_pending; /* counts only beside others of its kind: it may be half of a good write */
	bool is_gentle;  /* sealed or wiped: people do that to their own files on purpose */
	uint16_t files;  /* as many as it counts for: parts of one large file count as files */
};

/* What one proof weighs, undecayed, and the tests it rests on. A proof whose numbers make no sense weighs 0. */
void bw_proof_weigh(const struct bw_rules *rules, const struct bw_proof *proof, struct bw_weight *out,
		    struct bw_finding *out_finding);

struct bw_verdict {
	uint8_t gravity; /* enum bw_gravity */
	uint8_t rule;    /* enum bw_rule */
	bool gentle;     /* all that decides was done by tools of ordered work, sealed or wiped: freeze, never kill */
	uint16_t files;
	uint32_t points; /* of the rule, when it was met */
	uint32_t needed;
};

/*
 * Judges proofs together, as of `now_ns`; `weights` has one for each (bw_proof_weigh). The same file counts once. A
 * verdict of gravity NONE says rule NONE.
 */
void bw_rules_judge(const struct bw_rules *rules, enum bw_scope scope, uint64_t now_ns,
		    const struct bw_proof *const *proofs, const struct bw_weight *weights, size_t count,
		    struct bw_verdict *out);

/* `points` after `age_ns` with this half-life: halves by shifts and straight lines between, integers only. In 1/256. */
uint64_t bw_points_fade(uint32_t points, uint64_t age_ns, uint32_t half_s);

const char *bw_rule_name(enum bw_rule rule);
const char *bw_rule_words(enum bw_rule rule);
const char *bw_gravity_name(enum bw_gravity gravity); /* "destroyed" */

/* What is done about it. */
enum bw_measure {
	BW_MEASURE_NONE,
	BW_MEASURE_FREEZE,
	BW_MEASURE_KILL,
};

/*
 * `is_first_day`: within a day of enrolment, with no mode set. Then known-good files destroyed are acted on, and of
 * what was sealed, wiped or emptied only many; the rest is written down for the report at the day's end.
 */
enum { BW_FIRST_DAY_FILES = 10 };
enum bw_measure bw_verdict_measure(const struct bw_verdict *verdict, uint32_t mode, bool is_first_day);

/* Whether a program of this name is a tool of ordered work. A name is no alibi: it turns killing into freezing. */
bool bw_comm_is_gentle(const char comm[BW_COMM_BYTES]);

#endif
