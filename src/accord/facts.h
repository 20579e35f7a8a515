/*
 * What the clerk does with objects: it parses each one and says what a decision has to know of it. Whoever decides
 * (the ledger, `accord explain`, `accord preview`) parses no object; he writes a *question*, a process that holds
 * nothing works it (bw_facts_work), and he reads the *answer* with the care given to a stranger.
 *
 *   question   "BWQ1" | item*      scope, definition, object, derive; one answer for each object and derive, in order
 *   answer     "BWA1" | item*
 *
 * A *scope* is where marking definitions count: 0 are those of this node's own collections; each inbound collection
 * has one more, by its number, in which the definitions that its partner sent count beside those of scope 0. So nobody
 * says from outside what a marking of ours means. Opening a scope forgets what it knew; the worker
 * remembers scopes from one question to the next, until it ends: a new worker has to be told again (accord/source.h
 * does).
 *
 * All pure, but for random bytes (keys of tables).
 */
#ifndef BW_ACCORD_FACTS_H
#define BW_ACCORD_FACTS_H

#include "accord/redact.h"
#include "accord/refs.h"
#include "base/cursor.h"
#include "intel/policy_book.h"

enum {
	BW_SCOPES_MAX = 64,                  /* this node's own, and partners' */
	BW_FACTS_WORDS_MAX = 64,             /* labels, sectors, unknown markings of one object; more withhold it */
	BW_QUESTION_MAX = 128 * 1024 * 1024, /* one object of the largest size fits */
	BW_ANSWER_MAX = 128 * 1024 * 1024,
	BW_ANSWER_OBJECTS_MAX = 65536,
};

/* ---- writing a question ---- */

BW_MUST_USE enum bw_err bw_question_begin(struct bw_buf *out);

/* Opens a scope anew, with what scope 0 knows (scope 0: with nothing). */
BW_MUST_USE enum bw_err bw_question_scope(struct bw_buf *out, uint16_t scope);

/* A marking definition that counts in that scope; one of scope 0 counts in all. */
BW_MUST_USE enum bw_err bw_question_definition(struct bw_buf *out, uint16_t scope, struct bw_slice definition);

/*
 * What of this object? `marking`: the id of the definition that is its collection's default, empty when there is none.
 * `profile`: enum bw_redaction, what is looked for.
 */
struct bw_question_object {
	uint16_t scope;
	uint8_t profile;
	struct bw_slice marking;
	struct bw_slice object;
};
BW_MUST_USE enum bw_err bw_question_object(struct bw_buf *out, const struct bw_question_object *item);

/* A derived object (accord/redact.h), checked like any other. */
BW_MUST_USE enum bw_err bw_question_derive(struct bw_buf *out, const struct bw_redact_plan *plan,
					   struct bw_slice object);

/* ---- working it: the clerk ---- */

struct bw_facts_worker;

BW_MUST_USE enum bw_err bw_facts_worker_new(struct bw_facts_worker **out);
void bw_facts_worker_free(struct bw_facts_worker *worker);

/* Appends the answer. PROTOCOL, TRUNCATED, VERSION: that was no question. TOO_BIG, MEMORY, CRYPTO. */
BW_MUST_USE enum bw_err bw_facts_work(struct bw_facts_worker *worker, struct bw_slice question, struct bw_buf *answer);

/* ---- reading an answer ---- */

/* What was told of one object. Everything borrows from the answer and the arena. */
struct bw_told {
	enum bw_err problem; /* OK, or why nothing can be said: the object must be withheld */
	struct bw_slice id;
	struct bw_slice creator; /* created_by_ref; may be empty */
	uint8_t type;            /* enum bw_stix_type */
	uint8_t tiding;          /* enum bw_tiding */
	uint8_t confidence;
	bool revoked;
	bool is_derived; /* the answer to a derive: `text` is the object */
	struct bw_slice text;
	struct bw_policy_inputs inputs; /* OWN, FIXED, LOOSE, COLLECTION; INHERITED is open */
	struct bw_words labels;         /* as they stand; not sorted */
	struct bw_words sectors;
	struct bw_words strange; /* marking definitions that nobody knew: judge it again when one comes */
	struct bw_ref_list refs;
	bool has_sure;         /* personal data that is sure: who releases what is unsure does not release that */
	uint8_t personal;      /* enum bw_redact_outcome */
	struct bw_words found; /* sentences: "telephone number in description (certainty 95 of 100)" */
};

struct bw_answer {
	struct bw_cursor in;
};

BW_MUST_USE enum bw_err bw_answer_open(struct bw_slice bytes, struct bw_answer *out);

/* NOT_FOUND at the end; PROTOCOL, TRUNCATED, TOO_MANY, MEMORY. */
BW_MUST_USE enum bw_err bw_answer_next(struct bw_answer *answer, struct bw_arena *arena, struct bw_told *out);

/* What kind of tidings an object is, from its type and words. Pure; for the receiver's side too. */
enum bw_tiding bw_tiding_of(enum bw_stix_type type, bool by_guard, bool is_advisory);

#endif
