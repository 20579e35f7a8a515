/*
 * A crossing: one object on its way to a partner, with the reason and the conditions. Its text is what the log
 * commits to: the entry is  salt (32 bytes) | text,  its leaf SHA-256(0x00 | entry) (RFC 6962 §2.1).
 *
 *   {"accord":HASH,"clause":NAME,"collection":NAME,"crossing":1,"derived":BOOL,"from":["bw1…"],
 *    "handling":{"actions":NAME,"confidence":N,"duties":N,"not_after":T|null,"not_before":T|null,"purposes":[NAME],
 *    "recipients":["bw1…"]|null,"tlp":NAME|null},"kind":NAME,"object":OBJECT}
 *
 * Canonical JSON but for the object, which stands last and as the store keeps it, so that both ends hash the same
 * bytes. "handling" is the policy under which the receiver has it, its end the end of retention; "from" the nodes it
 * came through, its origin first and the sender last. Reading does not look into the object. Pure.
 */
#ifndef BW_ACCORD_CROSSING_H
#define BW_ACCORD_CROSSING_H

#include "accord/decide.h"
#include "base/arena.h"

enum {
	BW_CROSSING_PATH_MAX = 16,                 /* nodes; who passes more on makes a loop */
	BW_CROSSING_OBJECT_MAX = 64 * 1024 * 1024, /* the store's own (intel/batch.h) */
	BW_CROSSING_FRAME_MAX = 16 * 1024,         /* all but the object: 48 names of nodes, and a collection's */
	BW_CROSSING_MAX = BW_CROSSING_OBJECT_MAX + BW_CROSSING_FRAME_MAX,
	BW_CROSSING_SALT_BYTES = 32,
};

struct bw_crossing {
	uint8_t accord[BW_SHA256_BYTES]; /* of its text */
	uint8_t clause;                  /* enum bw_clause */
	uint8_t tiding;                  /* enum bw_tiding */
	bool is_derived;
	struct bw_slice collection; /* at the sender */
	size_t path_count;          /* 1.. */
	uint8_t path[BW_CROSSING_PATH_MAX][BW_SHA256_BYTES];
	struct bw_policy policy;
	struct bw_slice object;
};

/* Appends the text. RANGE: a value that no crossing may have; TOO_BIG, MEMORY. */
BW_MUST_USE enum bw_err bw_crossing_add(struct bw_buf *out, const struct bw_crossing *crossing);

/* Borrows from `text` and `arena`. SYNTAX, RANGE, UTF8, TOO_BIG, TOO_MANY, TRUNCATED, MEMORY; `fault` may be NULL. */
BW_MUST_USE enum bw_err bw_crossing_parse(struct bw_slice text, struct bw_arena *arena, struct bw_crossing *out,
					  struct bw_fault *fault);

/* ---- the receiver's side ---- */

/* What a crossing has to keep to, whatever the object says. */
struct bw_crossing_terms {
	const struct bw_accord *accord;           /* in force */
	size_t from;                              /* the party that tells */
	const uint8_t (*hashes)[BW_SHA256_BYTES]; /* of this version's text, and of earlier ones that both signed */
	size_t hash_count;
	int64_t now_us;
};

/*
 * Is it what the accord allows? CONFLICT: under no version of this accord. DENIED: it does not come from the partner,
 * or has been here. ERASED: its time is over. `out_what` (may be NULL): in words. What the object itself says is
 * asked with bw_gate_decide, and what it may be kept as follows from bw_gate_carry, whatever the sender's clock and
 * policy say.
 */
BW_MUST_USE enum bw_err bw_crossing_check(const struct bw_crossing *crossing, const struct bw_crossing_terms *terms,
					  const char **out_what);

/*
 * Puts what came with the object among what is said of it (INHERITED), and fills what the facts take from the
 * crossing: collection, by_sender, keep_until_us. The caller fills the rest from the object (its tiding too: the
 * crossing's is the sender's word), and policy_class from `inputs` (accord/decide.h).
 */
void bw_crossing_tell(const struct bw_crossing *crossing, const struct bw_lexicon *lexicon,
		      struct bw_policy_inputs *inputs, struct bw_facts *facts);

#endif
