/*
 * The record of a verdict: everything it was made of, so that anybody can judge again. Binary, read as a
 * stranger's bytes: names in it were chosen by attackers.
 *
 *   "BWGR" | version u8 = 5 | kind u8 | mode u8 | first day u8 | incident be64 | decided be64 (ns) | wall be64 (us)
 *   scope u8 | place be64 | rules: count u8, be32 each | verdict | measure u8 | actor | proofs: count u8, a block each
 *
 * Versions 2 to 4 had fewer rules: they are read, judged again without them, and written as they were.
 *
 * Features, numbers and rules stand in it, not what was thought of them, except what replaying must give again. Of a
 * second look (guard/second.h) the tests themselves are the numbers: whole contents are in the store, not here.
 */
#ifndef BW_GUARD_RECORD_H
#define BW_GUARD_RECORD_H

#include "base/cursor.h"
#include "guard/score.h"

enum {
	BW_RECORD_VERSION = 5,
	BW_RECORD_VERSION_OLDEST = 2,
	BW_RECORD_BYTES_MAX = 256 * 1024,
	BW_RECORD_PROOF_BYTES_MAX = 2048,
};

enum bw_record_kind {
	BW_RECORD_VERDICT = 1, /* opens an incident, or makes it graver */
	BW_RECORD_LATE,        /* what was found after that: proofs only, the verdict is repeated */
};

struct bw_recorded_proof {
	struct bw_proof proof;
	struct bw_weight weight;
	struct bw_finding finding;
};

struct bw_record {
	uint8_t version; /* an older one's own; else the newest */
	uint8_t kind;    /* enum bw_record_kind */
	uint8_t mode;    /* enum bw_guard_mode */
	uint8_t scope;   /* enum bw_scope */
	uint8_t measure; /* enum bw_measure: what was done */
	bool is_first_day;
	uint8_t count;
	uint64_t incident;
	uint64_t decided_ns; /* CLOCK_MONOTONIC of the last proof */
	int64_t wall_us;
	uint64_t place;
	struct bw_rules rules;
	struct bw_verdict verdict;
	struct bw_actor actor; /* kind NONE: nobody can be named */
	struct bw_recorded_proof proofs[BW_SCORE_ACTOR_MAX];
};

/* How many rules a record of this version has; 0: there is no such version. */
uint8_t bw_record_rules(uint8_t version);

/* Takes down an outcome. The rest (incident, mode, measure, actor …) is the caller's to set. */
void bw_record_of(const struct bw_outcome *outcome, struct bw_record *out);

/* The same of the newest proof alone, of kind LATE. */
void bw_record_late(const struct bw_outcome *outcome, struct bw_record *out);

BW_MUST_USE enum bw_err bw_record_write(const struct bw_record *record,
					struct bw_buf *out); /* SCHEMA: of no version; TOO_BIG, MEMORY */

/* SYNTAX: no record. SCHEMA: a newer one. TRUNCATED, TOO_BIG, TOO_MANY, RANGE (a number no record has). */
BW_MUST_USE enum bw_err bw_record_parse(struct bw_slice bytes, struct bw_record *out);

/*
 * Judges again by what stands in the record. CONFLICT with the place in `fault` when anything comes out otherwise: a
 * finding, a weight, the verdict or the measure.
 */
BW_MUST_USE enum bw_err bw_record_replay(const struct bw_record *record, struct bw_fault *fault);

/*
 * The sentences of `guard explain`: who, what, by which rule, each file with its tests and numbers, what was decided.
 * Names are escaped, times local. TOO_BIG, MEMORY.
 */
BW_MUST_USE enum bw_err bw_record_explain(const struct bw_record *record, struct bw_buf *out);

/* "the Samba session of eve at 10.0.0.9", without what is not known. */
BW_MUST_USE enum bw_err bw_actor_say(const struct bw_actor *actor, struct bw_buf *out);

#endif
