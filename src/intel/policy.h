/*
 * What may be done with an object: one value, and one operation on it.
 *
 * A policy is a point of a lattice. Its meet keeps of two policies the more
 * restrictive of everything they say, so it is commutative, associative and
 * idempotent, and its result is never wider than either: whoever only ever
 * meets cannot widen. The one way to something wider is bw_policy_supersede:
 * the creator's own newer version.
 *
 *   TLP 2.0 and 1.0 (STIX 2.1 §7.2.1.4; white is clear)         the darker colour
 *   IEP 2.0 (FIRST, 6 November 2019)                             per statement, below
 *   recipients (node fingerprints) and purposes                  what both allow
 *   in force from, until                                         the later, the earlier
 *   confidence (0..100): the most that may be claimed onward     the lower
 *
 * Pure values; equal policies are equal bytes (no padding is left unset), so
 * that they can be interned and compared with memcmp.
 */
#ifndef BW_INTEL_POLICY_H
#define BW_INTEL_POLICY_H

#include "crypto/hash.h"
#include "intel/marking.h"

enum {
	BW_POLICY_RECIPIENTS_MAX = 32, /* nodes one marking may name; a longer list is read as nobody */
	BW_CONFIDENCE_MAX = 100,       /* STIX 2.1 §3.2 */
};

#define BW_POLICY_EVERYONE UINT32_MAX

/* IEP 2.0 permitted_actions, most restrictive first. */
#define BW_ACTION_ROWS(X)                                                                                            \
	X(NONE, "none", "not to act on it")                                                                          \
	X(CONTACT, "contact-for-instruction", "to ask before acting on it")                                          \
	X(INTERNAL, "internally-visible-actions", "to act on it only where nobody outside can see")                  \
	X(INDIRECT, "externally-visible-indirect-actions", "to act on it, without reaching for the attacker's side") \
	X(DIRECT, "externally-visible-direct-actions", "to act on it in any lawful way")

enum bw_action {
#define X(name, text, words) BW_ACTION_##name,
	BW_ACTION_ROWS(X)
#undef X
		BW_ACTION_COUNT
};

/* What a recipient must or must not do. More bits are more restrictive; the meet is their union. */
enum bw_duty {
	BW_DUTY_ENCRYPT = 1,   /* encrypt_in_transit: must */
	BW_DUTY_SILENT = 2,    /* affected_party_notifications: must-not */
	BW_DUTY_ATTRIBUTE = 4, /* attribution: must */
	BW_DUTY_ANONYMOUS = 8, /* attribution: must-not; with ATTRIBUTE nothing can be passed on */
	BW_DUTY_NO_RESALE = 16,
	BW_DUTY_STRANGE = 32, /* a marking nobody here understands took part: RED, to nobody */
	BW_DUTY_ALL = 63,
};

/* What it may be used for. The wire names are part of the format: append, never reorder. */
#define BW_PURPOSE_ROWS(X)                                              \
	X(DEFENCE, "defence", "to defend networks and systems")         \
	X(RESPONSE, "incident-response", "to respond to incidents")     \
	X(SUPPLY, "supply-chain", "to keep supply chains secure")       \
	X(RESEARCH, "research", "for research")                         \
	X(STATISTICS, "statistics", "for statistics")                   \
	X(LAW, "law-enforcement", "to investigate and prosecute crime") \
	X(OVERSIGHT, "oversight", "for oversight by courts and parliaments")

enum bw_purpose {
#define X(name, text, words) BW_PURPOSE_##name,
	BW_PURPOSE_ROWS(X)
#undef X
		BW_PURPOSE_COUNT
};

#define BW_PURPOSE_BIT(name) (UINT32_C(1) << BW_PURPOSE_##name)
#define BW_PURPOSES_ALL ((UINT32_C(1) << BW_PURPOSE_COUNT) - 1)

struct bw_policy {
	int64_t not_before_us;    /* INT64_MIN: always */
	int64_t not_after_us;     /* INT64_MAX: for ever */
	uint32_t purposes;        /* bits of enum bw_purpose */
	uint32_t recipient_count; /* BW_POLICY_EVERYONE, or that many below */
	uint8_t tlp;              /* enum bw_tlp, CLEAR..RED, or NONE: nobody has said, which a decision reads as RED */
	uint8_t actions;          /* enum bw_action */
	uint8_t duties;           /* bits of enum bw_duty */
	uint8_t confidence;
	uint8_t reserved[4];                                           /* 0 */
	uint8_t recipients[BW_POLICY_RECIPIENTS_MAX][BW_SHA256_BYTES]; /* ascending; the rest 0 */
};

/* Nothing is forbidden, no colour said: the neutral element of the meet. */
void bw_policy_open(struct bw_policy *out);

/* Everything is forbidden: what an unknown marking means. Nothing met with it becomes wider. */
void bw_policy_closed(struct bw_policy *out);

/* `out` may be one of the two. */
void bw_policy_meet(const struct bw_policy *a, const struct bw_policy *b, struct bw_policy *out);

/* `a` allows nothing that `b` does not: the meet of the two is `a`. */
bool bw_policy_within(const struct bw_policy *a, const struct bw_policy *b);

bool bw_policy_equals(const struct bw_policy *a, const struct bw_policy *b);

/* Is this node among the recipients? */
bool bw_policy_names(const struct bw_policy *policy, const uint8_t node[BW_SHA256_BYTES]);

/* Adds a recipient to a policy that names its recipients. TOO_MANY; the same twice is fine. */
BW_MUST_USE enum bw_err bw_policy_add_recipient(struct bw_policy *policy, const uint8_t node[BW_SHA256_BYTES]);

/* The colour a decision uses: NONE counts as RED. */
static inline enum bw_tlp bw_policy_colour(const struct bw_policy *policy)
{
	return policy->tlp == BW_TLP_NONE ? BW_TLP_RED : (enum bw_tlp)policy->tlp;
}

/*
 * The policy of an object of which `old` is known when a version with `now`
 * arrives. The creator's own newer version (`by_creator`: shown by signatures that
 * the caller has checked) says anew; anything else only narrows.
 */
void bw_policy_supersede(const struct bw_policy *old, const struct bw_policy *now, bool by_creator,
			 struct bw_policy *out);

/* ---- words ---- */

const char *bw_action_name(enum bw_action action);  /* as on the wire; "" when out of range */
const char *bw_action_words(enum bw_action action); /* "not to act on it" */
const char *bw_purpose_name(enum bw_purpose purpose);
const char *bw_purpose_words(enum bw_purpose purpose);
const char *bw_tlp_name(enum bw_tlp tlp); /* "TLP:AMBER+STRICT"; NONE: "no TLP marking" */

/* The bit of a purpose's wire name, 0 when unknown. */
uint32_t bw_purpose_bit(struct bw_slice name);

#endif
