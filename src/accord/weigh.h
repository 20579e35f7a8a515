/*
 * From facts to decisions: a batch of objects of one direction of an accord, weighed together, because what one object
 * names may keep it at home (accord/refs.h). The ledger, `accord preview` and `accord explain` all decide here.
 *
 * What a person has released from the hold queue (accord/hold.h) is held no more for what was unsure; nothing else
 * is forgiven: markings, the accord, and what is sure stay as they are.
 */
#ifndef BW_ACCORD_WEIGH_H
#define BW_ACCORD_WEIGH_H

#include "accord/source.h"

struct bw_weighed {
	struct bw_facts facts;
	struct bw_decision decision;
	bool is_released;      /* set by the caller before: a person let it go */
	bool is_refused;       /* … or said no: withheld */
	struct bw_slice *drop; /* after weighing, of one that is derived: references it goes without */
	size_t drop_count;
	struct bw_ref_swap *swap; /* … and those it names anew; `node` is a row of the batch */
	size_t swap_count;
	/* of one that goes: what the receiver has it under (bw_gate_carry), met with the end it came with */
	const struct bw_policy *carried;
};

struct bw_weighing {
	struct bw_gate *gate;
	struct bw_source_peer peer;
	struct bw_lexicon *lexicon;
	struct bw_policy_classes *classes;
	enum bw_redaction profile;
	int64_t now_us;
	struct bw_refs_elsewhere elsewhere; /* of what is not in the batch */
};

/*
 * `rows`, `told` and `out` have `count` each, in the same order. MEMORY, TOO_MANY: nothing may go. A row about which
 * nothing could be told is withheld.
 */
BW_MUST_USE enum bw_err bw_weigh(const struct bw_weighing *weighing, const struct bw_source_row *rows,
				 const struct bw_told *told, size_t count, struct bw_arena *arena,
				 struct bw_weighed *out);

#endif
