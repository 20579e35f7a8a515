#include "base/text.h"
#include "intel/check.h"
#include "intel/pattern.h"

yyjson_val *bw_member(const struct bw_checker *c, enum bw_shape_id shape, const struct bw_members *m, const char *name)
{
	const size_t row = bw_schema_row(c->schema, shape, name);

	return row < BW_PROPS_MAX && (m->seen >> row & 1) ? m->row[row] : NULL;
}

/* ---- rows that must come together -------------------------------------------------- */

static const char *name_of(const struct bw_members *m, unsigned row)
{
	return m->ready->props[row].name;
}

static void check_order(struct bw_checker *c, const struct bw_members *m, unsigned later, unsigned earlier, bool strict,
			const struct bw_at *up)
{
	const struct bw_at at = BW_AT_NAME(up, bw_slice_text(name_of(m, later)));
	struct bw_slice a;
	struct bw_slice b;
	int order;

	if (!(m->seen >> later & 1) || !(m->seen >> earlier & 1) || !bw_is_text(m->row[later]) ||
	    !bw_is_text(m->row[earlier]))
		return;
	a = bw_json_text(m->row[later]);
	b = bw_json_text(m->row[earlier]);
	if (!bw_is_timestamp(a, NULL) || !bw_is_timestamp(b, NULL))
		return;
	order = bw_timestamp_compare(a, b);
	if (strict ? order <= 0 : order < 0)
		bw_find_at(c, BW_FINDING_ORDER, &at, m->row[later],
			   strict ? "it must be after its other end" : "it must not be before its other end",
			   m->ready->shape->clause);
}

static void check_rule(struct bw_checker *c, const struct bw_members *m, size_t i, const struct bw_at *at)
{
	const uint64_t rows = m->ready->rules[i].rows;
	const unsigned first = m->ready->rules[i].first;
	const unsigned second = m->ready->rules[i].second;
	const char *names = m->ready->shape->rules[i].names;
	const char *clause = m->ready->shape->clause;
	const uint64_t there = m->seen & rows;

	switch (m->ready->rules[i].op) {
	case BW_RULE_ANY:
		if (there == 0)
			bw_find_at(c, BW_FINDING_ONE_OF, at, NULL, names, clause);
		break;
	case BW_RULE_ANY_OWN:
		if ((m->seen & m->ready->own) == 0)
			bw_find_at(c, BW_FINDING_ONE_OF, at, NULL, "any of its own", clause);
		break;
	case BW_RULE_ONE:
		if (there == 0 || (there & (there - 1)) != 0)
			bw_find_at(c, BW_FINDING_EXACTLY_ONE, at, NULL, names, clause);
		break;
	case BW_RULE_NEEDS:
		if ((m->seen >> first & 1) && there != rows)
			bw_find_at(c, BW_FINDING_NEEDS, at, NULL, names, clause);
		break;
	case BW_RULE_GE:
	case BW_RULE_GT:
		check_order(c, m, first, second, m->ready->rules[i].op == BW_RULE_GT, at);
		break;
	default:
		break;
	}
}

void bw_check_rules(struct bw_checker *c, const struct bw_members *m, const struct bw_at *at)
{
	const uint64_t missing = (c->spec_20 ? m->ready->required_20 : m->ready->required) & ~m->seen;

	if (BW_UNLIKELY(missing != 0)) {
		for (unsigned row = 0; row < BW_PROPS_MAX; row++) {
			if (missing >> row & 1)
				bw_find_name(c, BW_FINDING_MISSING, at, name_of(m, row), m->ready->shape->clause);
		}
	}
	for (size_t i = 0; i < m->ready->rule_count; i++)
		check_rule(c, m, i, at);
}

/* ---- ids (§2.9, §3.4) ------------------------------------------------------------------ */

static void check_uuid_version(struct bw_checker *c, const struct bw_id_parts *parts, yyjson_val *value,
			       const struct bw_at *at)
{
	const bool must_v4 = c->is_sco && c->type != BW_STIX_CUSTOM && parts->version != 4 &&
			     !bw_sco_contributes(c->object, c->type);

	if (must_v4) {
		bw_find(c, BW_FINDING_ID_MUST_V4, at, value, NULL);
		return;
	}
	if (!c->warn || c->shape == BW_SHAPE_CUSTOM_SCO)
		return;
	if (parts->version != (c->is_sco && c->type != BW_STIX_PROCESS ? 5U : 4U))
		bw_find(c, BW_FINDING_UUID_CHECK, at, value, NULL);
}

void bw_check_id(struct bw_checker *c, yyjson_val *value, const struct bw_at *at)
{
	const struct bw_slice text = bw_json_text(value);
	yyjson_val *type = yyjson_obj_get(c->object, "type");
	struct bw_id_parts parts;

	if (!bw_is_id(text, &parts)) {
		bw_find(c, BW_FINDING_ID, at, value, NULL);
		return;
	}
	if (bw_is_text(type) && !bw_slice_equals(parts.type_name, bw_json_text(type))) {
		bw_find(c, BW_FINDING_ID_TYPE, at, value, NULL);
		return;
	}
	check_uuid_version(c, &parts, value, at);
}

/* ---- what fits no row ------------------------------------------------------------------ */

static bool text_is(yyjson_val *value, const char *text)
{
	return bw_is_text(value) && bw_slice_is(bw_json_text(value), text);
}

/* §2.5.2; CVE and CAPEC entries carry their registries' own names and forms. */
static void check_external_reference(struct bw_checker *c, const struct bw_members *m, const struct bw_at *at)
{
	enum { SOURCE_NAME, DESCRIPTION, URL, HASHES, EXTERNAL_ID }; /* rows of external_reference, schema.c */
	const bool has_id = (m->seen >> EXTERNAL_ID & 1) != 0;
	yyjson_val *id = has_id ? m->row[EXTERNAL_ID] : NULL;
	yyjson_val *source = (m->seen >> SOURCE_NAME & 1) ? m->row[SOURCE_NAME] : NULL;
	bool good = true;

	if (source == NULL)
		return; /* told as missing */
	if (text_is(source, "cve"))
		good = bw_is_text(id) && bw_is_cve(bw_json_text(id));
	else if (text_is(source, "capec"))
		good = bw_is_text(id) && bw_is_capec(bw_json_text(id));
	else if (bw_is_text(id))
		good = !bw_is_cve(bw_json_text(id)) && !bw_is_capec(bw_json_text(id));
	else
		good = (m->seen >> URL & 1) || (m->seen >> DESCRIPTION & 1) || has_id;
	if (!good)
		bw_find(c, BW_FINDING_EXTERNAL_REFERENCE, at, id != NULL ? id : source, NULL);
	if (c->warn && !c->told_extref && (m->seen >> URL & 1) && !(m->seen >> HASHES & 1)) {
		c->told_extref = true;
		bw_find(c, BW_FINDING_EXTREF_HASHES, at, NULL, NULL);
	}
}

static void forbid(struct bw_checker *c, yyjson_val *value, const char *name, const char *why)
{
	const struct bw_at at = BW_AT_NAME(NULL, bw_slice_text(name));

	if (value != NULL)
		bw_find_at(c, BW_FINDING_NOT_ALLOWED, &at, NULL, why, c->schema->shapes[c->shape].shape->clause);
}

static void check_malware(struct bw_checker *c, const struct bw_members *m, const struct bw_at *at)
{
	if (yyjson_is_true(bw_member(c, c->shape, m, "is_family")) && bw_member(c, c->shape, m, "name") == NULL)
		bw_find_name(c, BW_FINDING_MISSING, at, "name", "§4.11");
}

static void check_email_message(struct bw_checker *c, const struct bw_members *m)
{
	yyjson_val *multipart = bw_member(c, c->shape, m, "is_multipart");

	if (yyjson_is_true(multipart))
		forbid(c, bw_member(c, c->shape, m, "body"), "body", "is_multipart is true");
	else if (yyjson_is_false(multipart))
		forbid(c, bw_member(c, c->shape, m, "body_multipart"), "body_multipart", "is_multipart is false");
}

static void check_network_traffic(struct bw_checker *c, const struct bw_members *m, const struct bw_at *at)
{
	if (yyjson_is_true(bw_member(c, c->shape, m, "is_active")))
		forbid(c, bw_member(c, c->shape, m, "end"), "end", "is_active is true");
	if (c->warn && (bw_member(c, c->shape, m, "src_port") == NULL || bw_member(c, c->shape, m, "dst_port") == NULL))
		bw_find(c, BW_FINDING_NETWORK_TRAFFIC_PORTS, at, NULL, NULL);
}

static void check_location(struct bw_checker *c, const struct bw_members *m, const struct bw_at *at)
{
	if (bw_member(c, c->shape, m, "precision") != NULL && bw_member(c, c->shape, m, "latitude") == NULL)
		bw_find_at(c, BW_FINDING_NEEDS, at, NULL, "precision latitude longitude", "§4.10");
}

static void check_extension_definition(struct bw_checker *c, const struct bw_members *m)
{
	const struct bw_at names_at = BW_AT_NAME(NULL, BW_LIT("extension_properties"));
	yyjson_val *types = bw_member(c, c->shape, m, "extension_types");
	yyjson_val *names = bw_member(c, c->shape, m, "extension_properties");
	bool toplevel = false;
	yyjson_arr_iter elements;
	yyjson_val *element;

	if (yyjson_is_arr(types)) {
		elements = yyjson_arr_iter_with(types);
		while ((element = yyjson_arr_iter_next(&elements)) != NULL)
			toplevel |= text_is(element, "toplevel-property-extension");
	}
	if (names != NULL && !toplevel)
		bw_find(c, BW_FINDING_EXTENSION_PROPERTIES, &names_at, NULL, NULL);
	if (names == NULL && toplevel)
		bw_find(c, BW_FINDING_EXTENSION_NAMES, &names_at, NULL, NULL);
	if (bw_member(c, c->shape, m, "description") == NULL)
		bw_find_name(c, BW_FINDING_EXTENSION_DESCRIPTION, NULL, "description", NULL);
}

static void check_relationship(struct bw_checker *c, const struct bw_members *m)
{
	yyjson_val *name = bw_member(c, c->shape, m, "relationship_type");
	yyjson_val *source = bw_member(c, c->shape, m, "source_ref");
	yyjson_val *target = bw_member(c, c->shape, m, "target_ref");
	const struct bw_at at = BW_AT_NAME(NULL, BW_LIT("relationship_type"));
	struct bw_id_parts from;
	struct bw_id_parts to;

	if (!c->warn || !bw_is_text(name) || !bw_is_text(source) || !bw_is_text(target) ||
	    !bw_is_id(bw_json_text(source), &from) || !bw_is_id(bw_json_text(target), &to))
		return;
	if (!bw_relation_known(from.type, bw_json_text(name), to.type))
		bw_find(c, BW_FINDING_RELATIONSHIP_TYPES, &at, name, NULL);
}

/* ---- indicators: the pattern (§9) -------------------------------------------------------- */

static bool is_pattern_type(struct bw_slice name)
{
	const bool dash = name.len > 0 && name.ptr[0] == '-';
	const struct bw_slice rest = dash ? bw_slice_from(name, 1) : name;

	for (size_t i = 0; i < rest.len; i++) {
		const uint8_t c = rest.ptr[i];

		if (!bw_is_lower(c) && !bw_is_digit(c) && (c != '-' || i == 0 || rest.ptr[i - 1] == '-'))
			return false;
	}
	return name.len >= 3 && name.len <= 250;
}

static bool is_pattern_property(struct bw_slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (!bw_is_lower(name.ptr[i]) && !bw_is_digit(name.ptr[i]) && name.ptr[i] != '_')
			return false;
	}
	return name.len >= 3 && name.len <= 250;
}

static void check_pattern_path(struct bw_checker *c, const struct bw_pattern_path *path, yyjson_val *pattern,
			       const struct bw_at *at)
{
	const enum bw_stix_type type = bw_stix_type_of(path->type);
	const bool sco = bw_stix_type_group(type) == BW_STIX_SCO;
	const struct bw_slice first = path->steps->key;
	uint16_t number;

	if (!sco && !is_pattern_type(path->type)) {
		bw_find(c, BW_FINDING_PATTERN_TYPE, at, pattern, "not the name of an object type");
		return;
	}
	if (!sco && (c->flags & BW_CHECK_PREFIXES) && !bw_slice_starts(path->type, BW_LIT("x-")))
		bw_find(c, BW_FINDING_CUSTOM_PREFIX, at, pattern, "the pattern names a custom type");
	number = sco ? bw_schema_name(c->schema, first) : 0;
	if (number != 0 && c->schema->row_of[type][number] != 0)
		return;
	if (!is_pattern_property(first))
		bw_find(c, BW_FINDING_PATTERN_TYPE, at, pattern, "not the name of a property");
}

/* Accepted, but not what its author meant. */
static void remark_pattern(struct bw_checker *c, unsigned remarks, yyjson_val *pattern, const struct bw_at *at)
{
	static const struct {
		enum bw_pattern_remark remark;
		enum bw_finding_code code;
	} rows[] = {
		{ BW_PATTERN_MIXED_AND, BW_FINDING_PATTERN_MIXED_AND },
		{ BW_PATTERN_MIXED_SET, BW_FINDING_PATTERN_MIXED_SET },
		{ BW_PATTERN_NO_SUCH_DAY, BW_FINDING_PATTERN_NO_SUCH_DAY },
		{ BW_PATTERN_REPEATED_QUALIFIER, BW_FINDING_PATTERN_REPEATED_QUALIFIER },
		{ BW_PATTERN_EMPTY_WINDOW, BW_FINDING_PATTERN_EMPTY_WINDOW },
		{ BW_PATTERN_UNSAFE_INTEGER, BW_FINDING_PATTERN_UNSAFE_INTEGER },
		{ BW_PATTERN_NEGATIVE_INDEX, BW_FINDING_PATTERN_NEGATIVE_INDEX },
	};

	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		if ((remarks & rows[i].remark) != 0)
			bw_find(c, rows[i].code, at, pattern, bw_pattern_remark_text(rows[i].remark));
	}
}

static void check_pattern(struct bw_checker *c, yyjson_val *value, enum bw_pattern_version version)
{
	const struct bw_at at = BW_AT_NAME(NULL, BW_LIT("pattern"));
	struct bw_pattern *pattern;
	struct bw_fault fault = { 0 };
	struct bw_pattern_walk walk;
	const struct bw_pattern_path *path;
	const struct bw_pattern_value *constant;

	bw_arena_reset(&c->patterns);
	if (bw_pattern_parse(bw_json_text(value), version, &c->patterns, &pattern, &fault) != BW_OK) {
		bw_find(c, BW_FINDING_PATTERN, &at, value, fault.reason);
		return;
	}
	for (const struct bw_pattern_test *test = pattern->tests; test != NULL; test = test->next)
		check_pattern_path(c, &test->path, value, &at);
	if (c->warn && pattern->remarks != 0)
		remark_pattern(c, pattern->remarks, value, &at);
	if (!c->want_terms)
		return;
	walk = (struct bw_pattern_walk){ pattern->tests, 0 };
	while (bw_pattern_next_equal(&walk, &path, &constant)) {
		if (constant->kind == BW_PATTERN_STRING)
			bw_terms_add(&c->values, constant->bytes);
	}
}

static void check_indicator(struct bw_checker *c, const struct bw_members *m, const struct bw_at *at)
{
	yyjson_val *pattern = bw_member(c, c->shape, m, "pattern");
	yyjson_val *type = bw_member(c, c->shape, m, "pattern_type");
	yyjson_val *version = bw_member(c, c->shape, m, "pattern_version");

	if (c->warn && (bw_member(c, c->shape, m, "name") == NULL || bw_member(c, c->shape, m, "description") == NULL))
		bw_find(c, BW_FINDING_INDICATOR_PROPERTIES, at, NULL, NULL);
	if (bw_is_text(pattern) && (text_is(type, "stix") || (c->spec_20 && type == NULL)))
		check_pattern(c, pattern, c->spec_20 || text_is(version, "2.0") ? BW_PATTERN_2_0 : BW_PATTERN_2_1);
}

void bw_check_special(struct bw_checker *c, enum bw_shape_id shape, const struct bw_members *m, const struct bw_at *at)
{
	switch ((unsigned)shape) {
	case BW_SHAPE_EXTERNAL_REFERENCE:
		check_external_reference(c, m, at);
		break;
	case BW_SHAPE_GRANULAR_MARKING:
		bw_check_granular(c, m, at);
		break;
	case BW_STIX_INDICATOR:
		check_indicator(c, m, at);
		break;
	case BW_STIX_RELATIONSHIP:
		check_relationship(c, m);
		break;
	case BW_STIX_MALWARE:
		check_malware(c, m, at);
		break;
	case BW_STIX_LOCATION:
		check_location(c, m, at);
		break;
	case BW_STIX_EMAIL_MESSAGE:
		check_email_message(c, m);
		break;
	case BW_STIX_NETWORK_TRAFFIC:
		check_network_traffic(c, m, at);
		break;
	case BW_STIX_MARKING_DEFINITION:
		bw_check_marking_definition(c, m);
		break;
	case BW_STIX_EXTENSION_DEFINITION:
		check_extension_definition(c, m);
		break;
	default:
		break;
	}
}
