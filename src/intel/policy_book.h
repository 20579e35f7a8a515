/*
 * From markings to policies: a book of the marking definitions that are known
 * here, and the policies of objects, interned.
 *
 * What a definition means:
 *   a TLP id (1.0 or 2.0)                  its colour, whatever else the definition says
 *   an IEP 2.0 policy                      each statement; one that is absent or unknown counts as
 *                                          its most restrictive value (attribution: as `may`)
 *   a statement (STIX 2.1 §7.2.1.3)        nothing a machine could enforce: it travels with the object
 *   Breakwater's handling extension        recipients, purposes, until when
 *   anything else, and an id not in the book: closed (RED, to nobody)
 *
 * An IEP policy is the definition of a `definition_type` "iep", or the member `iep` of the
 * handling extension. One definition may say several things; they meet.
 */
#ifndef BW_INTEL_POLICY_BOOK_H
#define BW_INTEL_POLICY_BOOK_H

#include "codec/json.h"
#include "intel/policy.h"
#include "intel/types.h"

#define BW_HANDLING_EXTENSION "extension-definition--230f8a5c-6c81-464a-b35e-71a2a0b507ba"

enum {
	BW_MARKINGS_MAX = 65536,       /* definitions in one book */
	BW_POLICY_CLASSES_MAX = 16384, /* different sets of inputs; real data has dozens */
};

/* ---- marking definitions ---- */

struct bw_marking_book;

BW_MUST_USE enum bw_err bw_marking_book_new(struct bw_marking_book **out);
void bw_marking_book_free(struct bw_marking_book *book);

/*
 * Reads a marking definition that the object check accepted. A second definition
 * under an id that is known only narrows: definitions have no newer versions
 * (STIX 2.1 §7.2.1). The book's parser is used: values of an earlier parse by it are gone.
 * SYNTAX and others of bw_json_parse, TYPE (no id), TOO_MANY, MEMORY.
 */
BW_MUST_USE enum bw_err bw_marking_book_add(struct bw_marking_book *book, struct bw_slice definition);

/* What a marking means; closed when the book does not know it. */
void bw_marking_book_look(const struct bw_marking_book *book, struct bw_slice id, struct bw_policy *out);

/* The policy of one definition by itself. Pure. */
void bw_policy_of_definition(yyjson_val *definition, struct bw_policy *out);

/* ---- objects ---- */

/* Where a restriction comes from. Append, never reorder: written to the audit log. */
#define BW_SOURCE_ROWS(X)                                                                     \
	X(OWN, "object marking", "the object's own marking")                                  \
	X(FIXED, "granular marking", "a marking on a part that the object cannot be without") \
	X(LOOSE, "granular marking of a part", "a marking on a part of the object")           \
	X(COLLECTION, "collection default", "the default of its collection")                  \
	X(INHERITED, "inherited", "the conditions under which it came here")                  \
	X(ACCORD, "accord", "the accord")                                                     \
	X(CONTENT, "content", "what the object says")

enum bw_source {
#define X(name, text, words) BW_SOURCE_##name,
	BW_SOURCE_ROWS(X)
#undef X
		BW_SOURCE_COUNT
};

enum { BW_POLICY_INPUTS = 5 }; /* OWN .. INHERITED */

const char *bw_source_name(enum bw_source source);
const char *bw_source_words(enum bw_source source);

/* All that is said about an object, by enum bw_source. Equal inputs are equal bytes. */
struct bw_policy_inputs {
	struct bw_policy of[BW_POLICY_INPUTS];
};

/* All five open. */
void bw_policy_inputs_init(struct bw_policy_inputs *out);

/*
 * Sets OWN, FIXED and LOOSE from object_marking_refs and granular_markings, wherever in the object
 * they stand. A granular marking is loose when each of its selectors begins with a property that
 * the object may be without (STIX 2.1 §7.2.3; the type's table in intel/schema.h). Language markings say nothing.
 */
void bw_policy_inputs_mark(const struct bw_marking_book *book, yyjson_val *object, struct bw_policy_inputs *out);

/* May an object of this type be without that property at its top? False for types the standard does not know. */
bool bw_marking_may_lack(const struct bw_marking_book *book, enum bw_stix_type type, struct bw_slice property);

/* The effective policy of the whole object; of what is left without the loosely marked parts. */
void bw_policy_whole(const struct bw_policy_inputs *inputs, struct bw_policy *out);
void bw_policy_kept(const struct bw_policy_inputs *inputs, struct bw_policy *out);

/* ---- classes: inputs under a number, so that a verdict is found once for all objects alike ---- */

struct bw_policy_classes;

BW_MUST_USE enum bw_err bw_policy_classes_new(struct bw_policy_classes **out);
void bw_policy_classes_free(struct bw_policy_classes *classes);

/* The number of these inputs, the same for equal inputs. TOO_MANY, MEMORY. */
BW_MUST_USE enum bw_err bw_policy_class(struct bw_policy_classes *classes, const struct bw_policy_inputs *inputs,
					uint32_t *out_class);
const struct bw_policy_inputs *bw_policy_class_inputs(const struct bw_policy_classes *classes, uint32_t number);
uint32_t bw_policy_class_count(const struct bw_policy_classes *classes);

#endif
