/*
 * What whoever decides about an object has to know of it, and nothing more: of what type it is, what its markings say,
 * its words. Pure.
 *
 * The text must be an object that the object check accepted (intel/object.h); of another the gist says less, never
 * something wider: what is no list of texts counts as an unknown marking.
 */
#ifndef BW_INTEL_GIST_H
#define BW_INTEL_GIST_H

#include "base/arena.h"
#include "intel/policy_book.h"
#include "intel/types.h"

enum { BW_GIST_WORDS_MAX = 64 }; /* labels, sectors, markings of one object */

struct bw_gist_words {
	struct bw_slice of[BW_GIST_WORDS_MAX];
	size_t count;
};

struct bw_gist {
	struct bw_slice id;
	struct bw_slice creator; /* created_by_ref; empty: nobody is named */
	enum bw_stix_type type;
	uint8_t confidence; /* STIX 2.1 §3.2: 0 when it is not said */
	bool revoked;
	bool by_guard;    /* an incident that Breakwater's guard reports: by the incident core extension */
	bool is_advisory; /* a vulnerability, a course of action, or a report about vulnerabilities */
	struct bw_gist_words labels;
	struct bw_gist_words sectors;   /* of an identity: STIX 2.1 §4.5.1 */
	struct bw_gist_words strange;   /* markings that the book does not know, or knows to be closed */
	struct bw_policy_inputs inputs; /* OWN, FIXED, LOOSE; the others open */
};

/*
 * Texts borrow from the parser until its next parse. TYPE: no object, or it has no type or id. TOO_MANY: more words
 * than a gist holds. SYNTAX and others of bw_json_parse.
 */
BW_MUST_USE enum bw_err bw_gist_of(struct bw_json_parser *parser, const struct bw_marking_book *book,
				   struct bw_slice object, struct bw_gist *out);

#endif
