/*
 * Inside of the object check, shared by the files check*.c, marking.c, scoid.c
 * and object.c of this room; no door.
 */
#ifndef BW_INTEL_CHECK_H
#define BW_INTEL_CHECK_H

#include "codec/jcs.h"
#include "intel/formats.h"
#include "intel/object.h"
#include "intel/schema.h"

/* Where we are: a chain on the stack, written out only when something is found. */
struct bw_at {
	const struct bw_at *up;
	struct bw_slice name; /* of a member */
	size_t index;         /* of a list element; SIZE_MAX: a member */
};

struct bw_terms {
	struct bw_slice *rows;
	size_t count;
	size_t cap;
};

struct bw_checker {
	unsigned flags;
	enum bw_wrapping wrapping;
	struct bw_schema *schema;
	struct bw_json_parser parser;
	struct bw_buf body;       /* minified */
	struct bw_buf canonical;  /* RFC 8785 */
	struct bw_buf path;       /* of a finding */
	struct bw_arena patterns; /* trees of indicator patterns */
	struct bw_terms values;
	struct bw_terms texts;
	/* the object under check */
	struct bw_report *report;
	bool warn;
	bool want_terms;
	yyjson_val *root;       /* the outermost object */
	yyjson_val *object;     /* the object, or the observable inside a container */
	yyjson_val *container;  /* the container around `object`, or NULL */
	enum bw_stix_type type; /* of `object` */
	enum bw_shape_id shape;
	bool is_sco;
	bool spec_20;
	bool told_extref;         /* extref-hashes once an object */
	unsigned extension_types; /* bits of enum bw_extension_use; UINT_MAX: not looked yet */
	uint64_t work;            /* steps of look-ups that an object's maker could make long */
	struct bw_slice id;
	struct bw_slice modified;
};

enum bw_extension_use {
	BW_USE_NEW = 1,      /* new-sdo, new-sco, new-sro */
	BW_USE_PROPERTY = 2, /* property-extension */
	BW_USE_TOPLEVEL = 4, /* toplevel-property-extension */
	BW_USE_NEW_SCO = 8,
};

/* The members of one shape that were found, by row. */
struct bw_members {
	const struct bw_shape_ready *ready;
	uint64_t seen;
	yyjson_val *row[BW_PROPS_MAX]; /* valid where `seen` has the bit */
};

#define BW_AT_NAME(up, name) ((struct bw_at){ (up), (name), SIZE_MAX })
#define BW_AT_INDEX(up, index) ((struct bw_at){ (up), { (const uint8_t *)"", 0 }, (index) })

/* ---- check_find.c: findings ---- */

/* `at` NULL: the object itself. `value` NULL: nothing to show. `detail`, `clause` NULL: none, the code's own. */
void bw_find(struct bw_checker *c, enum bw_finding_code code, const struct bw_at *at, yyjson_val *value,
	     const char *detail);
void bw_find_at(struct bw_checker *c, enum bw_finding_code code, const struct bw_at *at, yyjson_val *value,
		const char *detail, const char *clause);
/* The same about a member that is not there, or a name. */
void bw_find_name(struct bw_checker *c, enum bw_finding_code code, const struct bw_at *up, const char *name,
		  const char *clause);
/* A warning with an error's code. */
void bw_find_mild(struct bw_checker *c, enum bw_finding_code code, const struct bw_at *at, yyjson_val *value);

/*
 * Counts steps of a look-up through `value`. False, and told once, when one object
 * asks for more than any honest one: selectors and references into huge lists are quadratic.
 */
bool bw_may_look(struct bw_checker *c, yyjson_val *value);

/* ---- check_value.c ---- */

void bw_check_prop(struct bw_checker *c, const struct bw_prop *prop, yyjson_val *value, const struct bw_at *at);

/* ---- check_custom.c: what no row describes ---- */

/* A value that no row describes: empty lists inside it are still wrong. */
void bw_check_any(struct bw_checker *c, yyjson_val *value, const struct bw_at *at);
/* A property that no row describes; true when its name and kind are fine. */
void bw_check_unknown(struct bw_checker *c, yyjson_val *name, yyjson_val *value, const struct bw_at *at);

/* ---- check_dict.c ---- */

void bw_check_dict(struct bw_checker *c, enum bw_dict dict, yyjson_val *value, const struct bw_at *at);
void bw_check_hashes(struct bw_checker *c, yyjson_val *value, const struct bw_at *at, bool index);
void bw_check_extensions(struct bw_checker *c, yyjson_val *value, const struct bw_at *at);
unsigned bw_extension_uses(struct bw_checker *c);
/* SHOULD: lower-case keys everywhere in an observable (§2.3). */
void bw_check_key_case(struct bw_checker *c, yyjson_val *object, const struct bw_at *at);

/* ---- check_rules.c ---- */

void bw_check_rules(struct bw_checker *c, const struct bw_members *m, const struct bw_at *at);
void bw_check_special(struct bw_checker *c, enum bw_shape_id shape, const struct bw_members *m, const struct bw_at *at);
void bw_check_id(struct bw_checker *c, yyjson_val *value, const struct bw_at *at);

/* ---- relation.c ---- */

/* SHOULD: is this relationship one of §5.1.1? */
bool bw_relation_known(enum bw_stix_type source, struct bw_slice name, enum bw_stix_type target);

/* ---- marking.c ---- */

void bw_check_marking_definition(struct bw_checker *c, const struct bw_members *m);
void bw_check_granular(struct bw_checker *c, const struct bw_members *m, const struct bw_at *at);

/* ---- scoid.c ---- */

/* The contributing properties of a type, separated by blanks; "" when it has none (§3.4). */
const char *bw_sco_contributing(enum bw_stix_type type);
bool bw_sco_contributes(yyjson_val *object, enum bw_stix_type type);

/* ---- object.c ---- */

/* Checks the members of `object` against a shape. */
void bw_check_shape(struct bw_checker *c, enum bw_shape_id shape, yyjson_val *object, const struct bw_at *at);
/* A whole object inside another: an observable in a container. */
void bw_check_embedded(struct bw_checker *c, yyjson_val *object, const struct bw_at *at);

/* The value of a row, NULL when absent. */
yyjson_val *bw_member(const struct bw_checker *c, enum bw_shape_id shape, const struct bw_members *m, const char *name);

void bw_terms_add(struct bw_terms *terms, struct bw_slice text);

static inline bool bw_is_text(yyjson_val *value)
{
	return value != NULL && unsafe_yyjson_is_str(value);
}

#endif
