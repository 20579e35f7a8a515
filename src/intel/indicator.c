#include "intel/indicator.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/text.h"
#include "crypto/hash.h"
#include "intel/check.h"
#include "intel/pattern.h"
#include "sys/clock.h"

enum {
	CONFIDENCE_UNSAID = 50,
	ARENA_BYTES = 64 * 1024 * 1024, /* a pattern's tree is ten times its text */
};

struct bw_indicator_reader {
	struct bw_checker *checker;
	struct bw_report report;
	struct bw_arena arena;
};

void bw_indicator_reader_free(struct bw_indicator_reader *reader)
{
	if (reader == NULL)
		return;
	bw_checker_free(reader->checker);
	bw_report_release(&reader->report);
	bw_arena_release(&reader->arena);
	free(reader);
}

enum bw_err bw_indicator_reader_new(struct bw_indicator_reader **out)
{
	struct bw_indicator_reader *reader = calloc(1, sizeof(*reader));
	enum bw_err err;

	BW_NEED(reader != NULL, MEMORY);
	reader->arena = BW_ARENA_INIT(ARENA_BYTES);
	err = bw_checker_new(0, &reader->checker);
	if (err == BW_OK)
		err = bw_report_init(&reader->report);
	if (err != BW_OK) {
		bw_indicator_reader_free(reader);
		return err;
	}
	*out = reader;
	return BW_OK;
}

static const char *const words[] = { "",
#define X(name, word, what) word,
				     BW_TRAIT_ROWS(X)
#undef X
};

const char *bw_trait_word(enum bw_trait trait)
{
	return (size_t)trait < BW_TRAIT_COUNT ? words[trait] : "";
}

enum bw_trait bw_trait_of(struct bw_slice word)
{
	for (unsigned trait = BW_TRAIT_NONE + 1; trait < BW_TRAIT_COUNT; trait++) {
		if (bw_slice_is(word, words[trait]))
			return (enum bw_trait)trait;
	}
	return BW_TRAIT_NONE;
}

/* ---- one value ------------------------------------------------------------------ */

struct reading {
	struct bw_arena *arena;
	struct bw_trait_value *values; /* BW_INDICATOR_VALUES_MAX */
	size_t count;
	size_t left_out;
};

/* "type:key" or "type:key.key"; anything longer is none of ours. */
static const struct {
	const char *type;
	const char *key;
	const char *second; /* NULL: none */
	enum bw_trait trait;
} properties[] = {
	{ "file", "name", NULL, BW_TRAIT_NAME },
	{ "file", "hashes", "SHA-256", BW_TRAIT_SHA256 },
	{ "file", "hashes", "SHA-1", BW_TRAIT_SHA1 },
	{ "file", "hashes", "MD5", BW_TRAIT_MD5 },
	{ "ipv4-addr", "value", NULL, BW_TRAIT_ADDRESS },
	{ "ipv6-addr", "value", NULL, BW_TRAIT_ADDRESS },
	{ "domain-name", "value", NULL, BW_TRAIT_DOMAIN },
	{ "url", "value", NULL, BW_TRAIT_URL },
	{ "user-account", "account_login", NULL, BW_TRAIT_LOGIN },
	{ "x-breakwater-harm", "value", NULL, BW_TRAIT_HARM },
};

static bool is_key(const struct bw_pattern_step *step, const char *name)
{
	return step != NULL && step->kind == BW_PATTERN_KEY && bw_slice_is(step->key, name);
}

static enum bw_trait trait_of_path(const struct bw_pattern_path *path)
{
	for (size_t i = 0; i < BW_COUNT(properties); i++) {
		const struct bw_pattern_step *step = path->steps;

		if (!bw_slice_is(path->type, properties[i].type) || !is_key(step, properties[i].key))
			continue;
		step = step->next;
		if (properties[i].second != NULL) {
			if (!is_key(step, properties[i].second))
				continue;
			step = step->next;
		}
		return step == NULL ? properties[i].trait : BW_TRAIT_NONE;
	}
	return BW_TRAIT_NONE;
}

static bool is_plain(struct bw_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return false;
	}
	return text.len > 0 && text.len <= BW_TRAIT_VALUE_BYTES;
}

static void lower(uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		text[i] = bw_to_lower(text[i]);
}

/* One host: a whole network is not exact. "/32" and "/128" say the same as nothing. */
static bool write_address(char *text, size_t room)
{
	char *mask = strchr(text, '/');
	const bool is_v6 = strchr(text, ':') != NULL;
	uint8_t bytes[16];

	if (mask != NULL) {
		if (strcmp(mask, is_v6 ? "/128" : "/32") != 0)
			return false;
		*mask = '\0';
	}
	return inet_pton(is_v6 ? AF_INET6 : AF_INET, text, bytes) == 1 &&
	       inet_ntop(is_v6 ? AF_INET6 : AF_INET, bytes, text, (socklen_t)room) != NULL;
}

static bool is_digest(const char *text, size_t len, size_t bytes)
{
	for (size_t i = 0; i < len; i++) {
		if (bw_hex_value((uint8_t)text[i]) < 0)
			return false;
	}
	return len == 2 * bytes;
}

/* The one spelling in which a value is looked up. False: it is not exact, or none at all. */
static bool settle(enum bw_trait trait, char text[BW_TRAIT_VALUE_BYTES + 1])
{
	switch (trait) {
	case BW_TRAIT_ADDRESS:
		return write_address(text, BW_TRAIT_VALUE_BYTES + 1);
	case BW_TRAIT_SHA256:
	case BW_TRAIT_SHA1:
	case BW_TRAIT_MD5:
		lower((uint8_t *)text, strlen(text));
		return is_digest(text, strlen(text),
				 trait == BW_TRAIT_SHA256 ? BW_SHA256_BYTES
				 : trait == BW_TRAIT_SHA1 ? BW_SHA1_BYTES
							  : BW_MD5_BYTES);
	case BW_TRAIT_NAME:
	case BW_TRAIT_ENDING:
	case BW_TRAIT_DOMAIN:
		lower((uint8_t *)text, strlen(text));
		return trait == BW_TRAIT_DOMAIN || strchr(text, '/') == NULL;
	default:
		return true;
	}
}

static enum bw_err add_value(struct reading *r, enum bw_trait trait, struct bw_slice text)
{
	char settled[BW_TRAIT_VALUE_BYTES + 1];
	struct bw_trait_value *value = &r->values[r->count];

	if (trait == BW_TRAIT_NONE || !is_plain(text) || r->count == BW_INDICATOR_VALUES_MAX) {
		r->left_out++;
		return BW_OK;
	}
	memcpy(settled, text.ptr, text.len);
	settled[text.len] = '\0';
	if (!settle(trait, settled) || settled[0] == '\0') {
		r->left_out++;
		return BW_OK;
	}
	BW_TRY(bw_arena_copy(r->arena, bw_slice_text(settled), &value->text));
	value->trait = trait;
	r->count++;
	return BW_OK;
}

/* ---- the pattern ---------------------------------------------------------------------- */

/* '%.locked': what follows the dot, when no other wildcard stands in it. */
static enum bw_err take_like(struct reading *r, const struct bw_pattern_test *test)
{
	const struct bw_slice text = test->values[0].bytes;
	const struct bw_slice ending = bw_slice_from(text, 2);
	const bool is_ending = trait_of_path(&test->path) == BW_TRAIT_NAME && text.len > 2 && text.ptr[0] == '%' &&
			       text.ptr[1] == '.' && memchr(ending.ptr, '%', ending.len) == NULL &&
			       memchr(ending.ptr, '_', ending.len) == NULL;

	return add_value(r, is_ending ? BW_TRAIT_ENDING : BW_TRAIT_NONE, ending);
}

static enum bw_err take_test(struct reading *r, const struct bw_pattern_test *test)
{
	const bool is_equal = test->op == BW_PATTERN_EQ || test->op == BW_PATTERN_IN;

	if (!test->negated && test->op == BW_PATTERN_LIKE && test->values_n == 1)
		return take_like(r, test);
	if (test->negated || !is_equal) {
		r->left_out++;
		return BW_OK;
	}
	for (size_t i = 0; i < test->values_n; i++) {
		const struct bw_pattern_value *value = &test->values[i];

		BW_TRY(add_value(r, value->kind == BW_PATTERN_STRING ? trait_of_path(&test->path) : BW_TRAIT_NONE,
				 value->bytes));
	}
	return BW_OK;
}

/* The parser bounds how deep it goes (BW_PATTERN_DEPTH_MAX). */
static enum bw_err take_node(struct reading *r, const struct bw_pattern_node *node)
{
	const bool is_any = node->kind == BW_PATTERN_OR || node->kind == BW_PATTERN_OBS_OR ||
			    node->kind == BW_PATTERN_OBSERVATION;

	if (node->kind == BW_PATTERN_TEST)
		return take_test(r, node->test);
	if (!is_any || node->qualifiers != NULL) {
		r->left_out++;
		return BW_OK;
	}
	for (const struct bw_pattern_node *child = node->children; child != NULL; child = child->next)
		BW_TRY(take_node(r, child));
	return BW_OK;
}

/* ---- the object ---------------------------------------------------------------------------- */

static struct bw_slice text_of(yyjson_val *root, const char *name)
{
	yyjson_val *value = yyjson_obj_get(root, name);

	return bw_is_text(value) ? bw_json_text(value) : bw_slice_empty;
}

static int64_t time_of(yyjson_val *root, const char *name, int64_t fallback)
{
	int64_t us;

	return bw_time_parse_any(text_of(root, name), &us) == BW_OK ? us : fallback;
}

static uint8_t confidence_of(yyjson_val *root)
{
	yyjson_val *value = yyjson_obj_get(root, "confidence");

	if (!yyjson_is_uint(value) || yyjson_get_uint(value) > 100)
		return CONFIDENCE_UNSAID;
	return (uint8_t)yyjson_get_uint(value);
}

static enum bw_err read_pattern(yyjson_val *root, bool is_20, struct bw_arena *arena, struct bw_indicator *out)
{
	struct reading r = { .arena = arena };
	struct bw_pattern *pattern;

	/* 2.0 knows no other language */
	BW_NEED(is_20 || bw_slice_is(text_of(root, "pattern_type"), "stix"), TYPE);
	r.values = bw_arena_zero(arena, BW_INDICATOR_VALUES_MAX, sizeof(*r.values));
	BW_NEED(r.values != NULL, MEMORY);
	BW_TRY(bw_pattern_parse(text_of(root, "pattern"), is_20 ? BW_PATTERN_2_0 : BW_PATTERN_2_1, arena, &pattern,
				NULL));
	BW_TRY(take_node(&r, pattern->root));
	out->values = r.values;
	out->value_count = r.count;
	out->left_out = r.left_out;
	return BW_OK;
}

enum bw_err bw_indicator_read(struct bw_indicator_reader *reader, struct bw_slice json, struct bw_indicator *out)
{
	struct bw_indicator indicator = { 0 };
	yyjson_val *root;

	bw_arena_reset(&reader->arena);
	BW_TRY(bw_object_check(reader->checker, json, &reader->report, NULL));
	root = reader->checker->root;
	BW_NEED(reader->report.errors == 0 && root != NULL, SCHEMA);
	BW_NEED(bw_slice_is(text_of(root, "type"), "indicator"), TYPE);
	indicator.id = bw_checker_id(reader->checker);
	indicator.name = text_of(root, "name");
	indicator.modified_us = time_of(root, "modified", 0);
	indicator.from_us = time_of(root, "valid_from", 0);
	indicator.until_us = time_of(root, "valid_until", INT64_MAX);
	indicator.is_revoked = yyjson_is_true(yyjson_obj_get(root, "revoked"));
	indicator.confidence = confidence_of(root);
	BW_TRY(read_pattern(root, reader->checker->spec_20, &reader->arena, &indicator));
	*out = indicator;
	return BW_OK;
}
