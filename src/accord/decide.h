/*
 * May this object cross? One direction of one accord, made ready to answer that
 * a million times a second, and to say afterwards why.
 *
 * What an object's markings, its collection's default, its path and the accord
 * say is met (intel/policy.h); the accord then asks its own questions. The sender
 * withholds what is not allowed, the receiver refuses it: the same questions, asked
 * twice by two who need not trust each other.
 *
 * Pure: no clock, no files. A gate remembers its ruling for each class of inputs
 * (intel/policy_book.h), so one gate belongs to one thread at a time.
 */
#ifndef BW_ACCORD_DECIDE_H
#define BW_ACCORD_DECIDE_H

#include "accord/accord.h"
#include "accord/lexicon.h"
#include "intel/policy_book.h"

enum bw_side { BW_SIDE_SENDER, BW_SIDE_RECEIVER };

enum bw_verdict {
	BW_VERDICT_SENT,     /* as it is */
	BW_VERDICT_DERIVED,  /* without parts of it, under a new id */
	BW_VERDICT_HELD,     /* a person decides */
	BW_VERDICT_WITHHELD, /* by the sender */
	BW_VERDICT_REFUSED,  /* by the receiver */
	BW_VERDICT_COUNT
};

/* The question that settled it, about in the order in which they are asked. Append, never reorder: in the audit log. */
#define BW_CLAUSE_ROWS(X)               \
	X(FREE, "allowed")              \
	X(STOPPED, "stopped")           \
	X(NOT_IN_FORCE, "not-in-force") \
	X(RETURNS, "came-from-there")   \
	X(COLLECTION, "collection")     \
	X(KIND, "kind")                 \
	X(TYPE, "type")                 \
	X(LABEL, "label")               \
	X(SECTOR, "sector")             \
	X(STRANGE, "unknown-marking")   \
	X(UNMARKED, "unmarked")         \
	X(COLOUR, "highest-tlp")        \
	X(NAMED, "red-names-nobody")    \
	X(RECIPIENT, "recipients")      \
	X(PURPOSE, "purposes")          \
	X(NOT_YET, "not-before")        \
	X(EXPIRED, "not-after")         \
	X(ATTRIBUTION, "attribution")   \
	X(CONFIDENCE, "confidence")     \
	X(PERSONAL, "personal-data")    \
	X(UNSURE, "unsure")             \
	X(REFERENCE, "reference")       \
	X(PART, "marked-part")          \
	X(COPY, "copy")

enum bw_clause {
#define X(name, text) BW_CLAUSE_##name,
	BW_CLAUSE_ROWS(X)
#undef X
		BW_CLAUSE_COUNT
};

/* What a decision needs to know of an object; made once when it is taken in. */
struct bw_facts {
	uint32_t policy_class;  /* bw_policy_class */
	uint32_t collection;    /* a word */
	uint32_t came_from;     /* the caller's number of the peer it came from; BW_WORD_NONE: nobody */
	uint8_t type;           /* enum bw_stix_type */
	uint8_t tiding;         /* enum bw_tiding */
	uint8_t confidence;     /* 0 when the object has none */
	bool by_sender;         /* created by the node that sends it */
	bool is_copy;           /* here by another way than its creator's: it does not go on from there */
	int64_t keep_until_us;  /* what retention agreed on the way leaves; INT64_MAX */
	const uint32_t *labels; /* words */
	const uint32_t *sectors;
	uint16_t label_count;
	uint16_t sector_count;
};

/* What a derived object goes without. */
enum bw_takes {
	BW_TAKES_PARTS = 1,      /* the parts that are marked more strictly */
	BW_TAKES_MAKER = 2,      /* who made it */
	BW_TAKES_PERSONAL = 4,   /* personal data (accord/redact.h) */
	BW_TAKES_REFERENCES = 8, /* references to what was withheld (accord/refs.h) */
};

struct bw_decision {
	uint8_t verdict;    /* enum bw_verdict */
	uint8_t clause;     /* enum bw_clause */
	uint8_t source;     /* enum bw_source: whose word it was */
	uint8_t tlp;        /* enum bw_tlp: the effective colour */
	uint8_t duties;     /* bits of enum bw_duty that travel with it */
	uint8_t confidence; /* what may be claimed */
	uint8_t actions;    /* enum bw_action that its readers may take */
	uint8_t tiding;
	uint32_t policy_class;
	uint32_t takes; /* bits of enum bw_takes; 0 unless derived */
	int64_t saw;    /* what the clause met: a colour, a number, an instant, bits */
	int64_t limit;  /* and what it allows */
};

struct bw_gate;

/*
 * `from`: the party that tells. `peer`: the caller's number of the other node. The lexicon and the classes must
 * outlive the gate; the accord need not. Adds the accord's words to the lexicon. TOO_MANY, MEMORY, RANGE.
 */
BW_MUST_USE enum bw_err bw_gate_new(const struct bw_accord *accord, size_t from, enum bw_side side, uint32_t peer,
				    struct bw_lexicon *lexicon, const struct bw_policy_classes *classes,
				    struct bw_gate **out);
void bw_gate_free(struct bw_gate *gate);

/* Suspended or ended: nothing crosses from now on. */
void bw_gate_stop(struct bw_gate *gate, bool is_stopped);

void bw_gate_decide(struct bw_gate *gate, const struct bw_facts *facts, int64_t now_us, struct bw_decision *out);

/*
 * The policy under which the receiver has it, for his INHERITED: the effective one (of what is left, when
 * BW_TAKES_PARTS is among `takes`), met with the accord's: onward sharing, purposes, retention from `received_us`.
 */
void bw_gate_carry(const struct bw_gate *gate, const struct bw_policy_inputs *inputs, uint32_t takes,
		   int64_t received_us, struct bw_policy *out);

/* ---- why ---- */

const char *bw_verdict_name(enum bw_verdict verdict);
const char *bw_clause_name(enum bw_clause clause);

/* One sentence: "withheld: it is TLP:RED, which goes only to those whom its marking names". */
BW_MUST_USE enum bw_err bw_decision_say(const struct bw_gate *gate, const struct bw_facts *facts,
					const struct bw_decision *decision, struct bw_buf *out);

/* What went in, a line each: what each source says. For `accord explain`. */
BW_MUST_USE enum bw_err bw_inputs_say(const struct bw_policy_inputs *inputs, struct bw_buf *out);

#endif
