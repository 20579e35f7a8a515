/*
 * References: an object never goes out pointing at something that stays at home for a reason.
 *
 * The id of an observable is made of what it says (STIX 2.1 §2.9), so whoever has the id can guess the
 * content; the id of any other object tells that it exists, of what type it is, and what it belongs to. A reference is
 * therefore a secret when what it points at
 *   was withheld for its markings, for personal data, for its own references, or waits for a person;
 *   went as a derived object: the old id would tell which one became which;
 *   is an observable that does not cross, for whatever reason.
 * What merely is not covered by the accord (its type, its collection …), or came from the partner, is no secret.
 *
 * A reference to what went as a derived object is written anew, to its new id, wherever the id stands alone in a
 * string: at the end of a relationship, in a sighting, nested. Any other secret reference is taken out where the
 * object can be without it: a property at the top that the standard does not require, or one of several in a list.
 * What is left is a derived object in both cases. Where neither can be done (what was withheld at an end of a
 * relationship, as what a sighting saw, as the only object of a report, nested; an id inside a sentence; any
 * reference of an observable), the whole stays at home, and its own id is a secret: so on until nothing changes.
 */
#ifndef BW_ACCORD_REFS_H
#define BW_ACCORD_REFS_H

#include "accord/decide.h"
#include "base/arena.h"

enum { BW_REFS_MAX = 65536 }; /* references of one object; a report of more than that stays at home */

enum bw_ref_use {
	BW_REF_OPTIONAL,  /* the property may go, or this one of its list */
	BW_REF_LISTED,    /* of a list that must not become empty */
	BW_REF_ESSENTIAL, /* without it there is no object */
};

struct bw_ref {
	struct bw_slice id; /* borrows from the object's text */
	uint32_t group;     /* LISTED: which list */
	uint8_t use;        /* enum bw_ref_use */
	bool is_whole;      /* the string says this id and nothing else: another may stand in its place */
};

struct bw_ref_list {
	const struct bw_ref *of;
	size_t count;
};

/* Every id that an object names, its own excepted. TOO_MANY, TOO_DEEP, SYNTAX …, MEMORY: withhold the object then. */
BW_MUST_USE enum bw_err bw_refs_find(struct bw_slice object, struct bw_arena *arena, struct bw_ref_list *out);

/* One object about to cross, with its decision so far. */
struct bw_ref_node {
	struct bw_slice id;
	struct bw_ref_list refs;
	struct bw_decision decision; /* verdict, clause and takes may change */
	uint8_t type;                /* enum bw_stix_type */
	bool may_derive;             /* the accord's redaction profile is to derive */
};

/* Is the id of an object a secret after this decision about it? */
bool bw_refs_is_secret(const struct bw_decision *decision, uint8_t type);

/* Of ids that are not among the nodes. Both may be NULL: nothing is a secret; nothing became anything. */
struct bw_refs_elsewhere {
	bool (*is_secret)(void *with, struct bw_slice id);
	bool (*became)(void *with, struct bw_slice id, struct bw_slice *out); /* out: lives as long as the nodes */
	void *with;
};

/*
 * Settles a batch: afterwards no node whose verdict is SENT names a secret, and one that is DERIVED with
 * BW_TAKES_REFERENCES must go without them, or with new ones (bw_refs_drops, bw_redact_derive). Verdicts only become
 * more restrictive. `elsewhere` may be NULL. MEMORY: nothing may go.
 */
BW_MUST_USE enum bw_err bw_refs_settle(struct bw_ref_node *nodes, size_t count,
				       const struct bw_refs_elsewhere *elsewhere);

/* A reference that is written anew. */
struct bw_ref_swap {
	struct bw_slice from;
	uint32_t node; /* to whatever this one becomes; UINT32_MAX: to `to` */
	struct bw_slice to;
};

/*
 * After settling: what each node that is DERIVED goes without, and what it names anew; for bw_redact_plan. In `arena`.
 * MEMORY.
 */
struct bw_ref_drops {
	struct bw_slice *of;
	size_t count;
	struct bw_ref_swap *swaps;
	size_t swap_count;
};
BW_MUST_USE enum bw_err bw_refs_drops(const struct bw_ref_node *nodes, size_t count,
				      const struct bw_refs_elsewhere *elsewhere, struct bw_arena *arena,
				      struct bw_ref_drops *out);

#endif
