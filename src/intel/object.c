#include "intel/object.h"

#include <limits.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "intel/check.h"
#include "intel/scoid.h"

enum {
	VERSION_BYTES_MAX = 64, /* of a version: intel/batch.h carries no more */
	PATH_BYTES_MAX = 4096,
	PATTERN_BYTES_MAX = 64 * 1024 * 1024, /* 25 bytes a byte of a pattern of 1 MiB, with room */
};

enum bw_err bw_checker_new(unsigned flags, struct bw_checker **out)
{
	struct bw_checker *c = calloc(1, sizeof(*c));

	BW_NEED(c != NULL, MEMORY);
	c->flags = flags;
	c->body = BW_BUF_INIT(BW_JSON_TEXT_MAX);
	c->canonical = BW_BUF_INIT((size_t)BW_JSON_TEXT_MAX * 7); /* a control character takes six bytes */
	c->path = BW_BUF_INIT(PATH_BYTES_MAX);
	c->patterns = BW_ARENA_INIT(PATTERN_BYTES_MAX);
	bw_json_parser_init(&c->parser);
	c->schema = bw_schema_new();
	if (c->schema == NULL) {
		bw_checker_free(c);
		return BW_ERR_MEMORY;
	}
	*out = c;
	return BW_OK;
}

void bw_checker_free(struct bw_checker *c)
{
	if (c == NULL)
		return;
	bw_json_parser_release(&c->parser);
	bw_buf_release(&c->body);
	bw_buf_release(&c->canonical);
	bw_buf_release(&c->path);
	bw_arena_release(&c->patterns);
	free(c->values.rows);
	free(c->texts.rows);
	bw_schema_free(c->schema);
	free(c);
}

void bw_checker_wrap(struct bw_checker *c, enum bw_wrapping wrapping)
{
	c->wrapping = wrapping;
}

struct bw_slice bw_checker_id(const struct bw_checker *c)
{
	return c->id;
}

struct bw_slice bw_checker_modified(const struct bw_checker *c)
{
	return c->modified;
}

/* ---- members of a shape --------------------------------------------------------------- */

/* Types with types of their own inside: a custom name in there is custom content too. */
static bool is_judged(enum bw_shape_id shape)
{
	switch ((unsigned)shape) {
	case BW_STIX_CUSTOM:
	case BW_SHAPE_CUSTOM_SCO:
	case BW_SHAPE_EXTERNAL_REFERENCE:
	case BW_SHAPE_KILL_CHAIN_PHASE:
	case BW_SHAPE_GRANULAR_MARKING:
	case BW_SHAPE_STATEMENT:
		return false;
	default:
		return true;
	}
}

static bool starts_with_x(struct bw_slice name)
{
	return bw_slice_starts(name, BW_LIT("x_")) && name.len > 2;
}

static void check_custom(struct bw_checker *c, enum bw_shape_id shape, yyjson_val *name, const struct bw_at *at)
{
	const bool outer = shape == c->shape;

	if (!c->warn || !is_judged(shape))
		return;
	if (c->flags & BW_CHECK_PREFIXES) {
		if (!starts_with_x(bw_json_text(name)))
			bw_find(c, BW_FINDING_CUSTOM_PREFIX, at, NULL, NULL);
	} else if (!outer || !(bw_extension_uses(c) & BW_USE_TOPLEVEL)) {
		bw_find(c, BW_FINDING_EXTENSIONS_USE, at, NULL, NULL);
	}
}

static void unknown_member(struct bw_checker *c, enum bw_shape_id shape, yyjson_val *name, const struct bw_at *at)
{
	const bool outer = shape == c->shape;

	if (shape == BW_SHAPE_PE_HEADER) {
		bw_find_at(c, BW_FINDING_NOT_ALLOWED, at, NULL, NULL, "§6.7.6.2");
		return;
	}
	if (outer || (shape >= BW_SHAPE_EXT_ARCHIVE && shape <= BW_SHAPE_EXT_UNIX))
		bw_check_unknown(c, name, name + 1, at);
	else
		bw_check_any(c, name + 1, at);
	check_custom(c, shape, name, at);
}

void bw_check_shape(struct bw_checker *c, enum bw_shape_id shape, yyjson_val *object, const struct bw_at *at)
{
	const uint8_t *row_of = c->schema->row_of[shape];
	const size_t count = unsafe_yyjson_get_len(object);
	yyjson_val *name = count == 0 ? NULL : unsafe_yyjson_get_first(object);
	struct bw_members m;

	m.ready = &c->schema->shapes[shape];
	m.seen = 0;
	for (size_t i = 0; i < count; i++) {
		const struct bw_at inner = BW_AT_NAME(at, bw_json_text(name));
		const uint16_t number = bw_schema_name(c->schema, inner.name);
		const uint8_t row = number == 0 ? 0 : row_of[number];

		if (BW_LIKELY(row != 0)) {
			m.seen |= UINT64_C(1) << (row - 1);
			m.row[row - 1] = name + 1;
			bw_check_prop(c, &m.ready->props[row - 1], name + 1, &inner);
		} else {
			unknown_member(c, shape, name, &inner);
		}
		name = unsafe_yyjson_get_next(name + 1);
	}
	bw_check_rules(c, &m, at);
	bw_check_special(c, shape, &m, at);
}

/* ---- one object -------------------------------------------------------------------------- */

static bool has(yyjson_val *object, const char *name)
{
	return yyjson_obj_get(object, name) != NULL;
}

static struct bw_slice text_of(yyjson_val *object, const char *name)
{
	yyjson_val *value = yyjson_obj_get(object, name);

	return bw_is_text(value) ? bw_json_text(value) : bw_slice_empty;
}

static bool is_20(const struct bw_checker *c, yyjson_val *object)
{
	const struct bw_slice spec = text_of(object, "spec_version");

	if (spec.len > 0)
		return bw_slice_is(spec, "2.0");
	if (c->wrapping == BW_WRAP_BUNDLE_20)
		return true;
	/* an SDO without spec_version in a 2.1 bundle is of 2.0; SCOs have no `created` (§3.2) */
	return c->wrapping == BW_WRAP_BUNDLE && has(object, "created");
}

/* What kind of object `object` is; the rules look at these. */
static void settle(struct bw_checker *c, yyjson_val *object)
{
	const struct bw_slice type = text_of(object, "type");

	c->object = object;
	c->type = bw_stix_type_of(type);
	c->extension_types = UINT_MAX;
	c->told_extref = false;
	c->is_sco = bw_stix_type_group(c->type) == BW_STIX_SCO;
	c->shape = (enum bw_shape_id)c->type;
	if (bw_slice_is(type, "bundle"))
		c->shape = BW_SHAPE_BUNDLE;
	else if (c->type == BW_STIX_CUSTOM &&
		 (c->container != NULL || (!has(object, "created") && !has(object, "modified"))))
		c->shape = BW_SHAPE_CUSTOM_SCO;
}

static void check_settled(struct bw_checker *c, const struct bw_at *at)
{
	bw_check_shape(c, c->shape, c->object, at);
	if (!c->warn)
		return;
	if (c->is_sco)
		bw_check_key_case(c, c->object, at);
	if (c->type == BW_STIX_CUSTOM && c->shape != BW_SHAPE_BUNDLE && has(c->object, "type") &&
	    !(bw_extension_uses(c) & BW_USE_NEW))
		bw_find(c, c->flags & BW_CHECK_PREFIXES ? BW_FINDING_CUSTOM_PREFIX : BW_FINDING_EXTENSIONS_USE, at,
			yyjson_obj_get(c->object, "type"), NULL);
}

void bw_check_embedded(struct bw_checker *c, yyjson_val *object, const struct bw_at *at)
{
	const struct bw_checker outer = *c;

	if (!unsafe_yyjson_is_obj(object)) {
		bw_find(c, BW_FINDING_NOT_OBJECT, at, NULL, NULL);
		return;
	}
	settle(c, object);
	check_settled(c, at);
	c->object = outer.object;
	c->type = outer.type;
	c->shape = outer.shape;
	c->is_sco = outer.is_sco;
	c->extension_types = outer.extension_types;
	c->told_extref = outer.told_extref;
}

static enum bw_finding_code code_of(enum bw_err err)
{
	switch (err) {
	case BW_ERR_UTF8:
		return BW_FINDING_JSON_UTF8;
	case BW_ERR_DUPLICATE:
		return BW_FINDING_JSON_DUPLICATE;
	case BW_ERR_TOO_DEEP:
		return BW_FINDING_JSON_DEPTH;
	case BW_ERR_TOO_BIG:
		return BW_FINDING_JSON_SIZE;
	case BW_ERR_RANGE:
		return BW_FINDING_JSON_NUMBER;
	default:
		return BW_FINDING_JSON_SYNTAX;
	}
}

static enum bw_err parse(struct bw_checker *c, struct bw_slice json)
{
	struct bw_fault fault = { 0 };
	const enum bw_err err = bw_json_parse(&c->parser, json, &c->root, &fault);
	struct bw_finding finding = { .level = BW_FINDING_ERROR, .detail = fault.reason, .offset = fault.offset };

	if (err == BW_OK || err == BW_ERR_MEMORY)
		return err;
	finding.code = code_of(err);
	finding.path = finding.value = bw_slice_empty;
	bw_report_add(c->report, &finding);
	c->root = NULL;
	return BW_OK;
}

static void begin(struct bw_checker *c, struct bw_report *report)
{
	bw_report_reset(report);
	c->report = report;
	c->container = NULL;
	c->work = 0;
	c->id = c->modified = bw_slice_empty;
	c->values.count = c->texts.count = 0;
}

static void check_deterministic(struct bw_checker *c)
{
	const struct bw_at at = BW_AT_NAME(NULL, BW_LIT("id"));
	struct bw_id_parts parts;
	char expected[BW_ID_MAX];

	if (!c->is_sco || !bw_is_id(c->id, &parts) || parts.version != 5 || bw_sco_id(c->root, NULL, expected) != BW_OK)
		return;
	if (!bw_slice_is_nocase(c->id, expected))
		bw_find(c, BW_FINDING_DETERMINISTIC_ID, &at, yyjson_obj_get(c->root, "id"), NULL);
}

/* A time that names a version is a key: its fraction cannot go on for ever (§2.16 sets no end). */
static void check_version_length(struct bw_checker *c)
{
	static const char *const names[] = { "created", "modified" };

	for (size_t i = 0; i < BW_COUNT(names); i++) {
		const struct bw_at at = BW_AT_NAME(NULL, bw_slice_text(names[i]));

		if (text_of(c->root, names[i]).len > VERSION_BYTES_MAX)
			bw_find(c, BW_FINDING_TIMESTAMP, &at, NULL, "longer than 64 characters");
	}
}

static enum bw_err fill_record(struct bw_checker *c, struct bw_slice json, struct bw_record *out);

enum bw_err bw_object_check(struct bw_checker *c, struct bw_slice json, struct bw_report *report,
			    struct bw_record *out_record)
{
	begin(c, report);
	BW_TRY(parse(c, json));
	if (c->root == NULL)
		return BW_OK;
	if (!unsafe_yyjson_is_obj(c->root)) {
		c->warn = false;
		bw_find(c, BW_FINDING_NOT_OBJECT, NULL, NULL, NULL);
		return BW_OK;
	}
	c->id = text_of(c->root, "id");
	c->modified = text_of(c->root, "modified");
	c->spec_20 = is_20(c, c->root);
	c->warn = (c->flags & BW_CHECK_WARNINGS) != 0 && !c->spec_20;
	c->want_terms = out_record != NULL;
	settle(c, c->root);
	check_settled(c, NULL);
	if (c->flags & BW_CHECK_IDS)
		check_deterministic(c);
	if (out_record != NULL)
		check_version_length(c);
	if (out_record != NULL && c->shape == BW_SHAPE_BUNDLE)
		bw_find(c, BW_FINDING_BUNDLE_OBJECT, NULL, NULL, "a bundle is no object to keep"); /* §8 */
	if (out_record != NULL && report->errors == 0)
		return fill_record(c, json, out_record);
	return BW_OK;
}

enum bw_err bw_bundle_check(struct bw_checker *c, struct bw_slice frame, size_t objects, struct bw_report *report)
{
	const struct bw_at at = BW_AT_NAME(NULL, BW_LIT("objects"));

	BW_TRY(bw_object_check(c, frame, report, NULL));
	if (c->root != NULL && c->shape != BW_SHAPE_BUNDLE)
		bw_find(c, BW_FINDING_BUNDLE_OBJECT, NULL, NULL, "the wrapper is not a bundle");
	else if (c->root != NULL && objects == 0 && has(c->root, "objects"))
		bw_find(c, BW_FINDING_EMPTY_LIST, &at, NULL, NULL);
	return BW_OK;
}

/* ---- the record -------------------------------------------------------------------------- */

/* Who made it, when that can be said: an observable may call any text of its own `created_by_ref`. */
static struct bw_slice creator_of(yyjson_val *root)
{
	const struct bw_slice creator = text_of(root, "created_by_ref");

	return bw_is_id(creator, NULL) ? creator : bw_slice_empty;
}

static enum bw_err fill_record(struct bw_checker *c, struct bw_slice json, struct bw_record *out)
{
	struct bw_record record = {
		.id = c->id,
		.type = c->type,
		.type_name = text_of(c->root, "type"),
		.created = text_of(c->root, "created"),
		.creator = creator_of(c->root),
		.spec_major = 2,
		.spec_minor = c->spec_20 ? 0 : 1,
		.revoked = yyjson_is_true(yyjson_obj_get(c->root, "revoked")),
	};

	if (c->modified.len > 0) {
		record.versioning = BW_VERSION_MODIFIED;
		record.version = c->modified;
	} else if (record.created.len > 0) {
		record.versioning = BW_VERSION_CREATED;
		record.version = record.created;
	} else {
		record.versioning = BW_VERSION_CONTENT;
		record.version = bw_slice_empty;
	}
	bw_buf_clear(&c->body);
	BW_TRY(bw_json_minify(json, &c->body));
	record.body = bw_buf_slice(&c->body);
	bw_buf_clear(&c->canonical);
	BW_TRY(bw_jcs_add(&c->canonical, c->root));
	BW_TRY(bw_sha256(bw_buf_slice(&c->canonical), record.hash));
	record.values = c->values.rows;
	record.value_count = c->values.count;
	record.texts = c->texts.rows;
	record.text_count = c->texts.count;
	*out = record;
	return BW_OK;
}
