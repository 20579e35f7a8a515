#include <assert.h>
#include <stdlib.h>

#include "intel/schema.h"

static const uint64_t types_of[BW_REFS_COUNT] = {
#define X(name, types) [BW_REFS_##name] = (types),
	BW_REFS_ROWS(X)
#undef X
};

bool bw_refs_allow(enum bw_refs refs, enum bw_stix_type type)
{
	return (types_of[refs] >> type & 1) != 0;
}

/* Eight bytes at either end and the length tell all our names apart well enough for a table. */
static uint32_t slot_of(struct bw_slice name)
{
	uint64_t head = 0;
	uint64_t tail = 0;

	if (name.len >= 8) {
		memcpy(&head, name.ptr, 8);
		memcpy(&tail, name.ptr + name.len - 8, 8);
	} else {
		for (size_t i = 0; i < name.len; i++)
			head |= (uint64_t)name.ptr[i] << (8 * i);
	}
	head = (head ^ (tail << 21 | tail >> 43) ^ name.len) * UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t)(head >> 53); /* 11 bits: BW_NAME_SLOTS */
}

uint16_t bw_schema_name(const struct bw_schema *schema, struct bw_slice name)
{
	uint32_t at = slot_of(name);

	while (schema->slots[at].number != 0) {
		if (schema->slots[at].len == name.len && memcmp(schema->slots[at].text, name.ptr, name.len) == 0)
			return schema->slots[at].number;
		at = (at + 1) % BW_NAME_SLOTS;
	}
	return 0;
}

static uint16_t add_name(struct bw_schema *schema, const char *text)
{
	const struct bw_slice name = bw_slice_text(text);
	uint16_t number = bw_schema_name(schema, name);
	uint32_t at = slot_of(name);

	if (number != 0)
		return number;
	while (schema->slots[at].number != 0)
		at = (at + 1) % BW_NAME_SLOTS;
	number = (uint16_t)++schema->name_count;
	assert(number < BW_NAMES_MAX && name.len <= UINT8_MAX);
	schema->slots[at].text = text;
	schema->slots[at].len = (uint8_t)name.len;
	schema->slots[at].number = number;
	return number;
}

size_t bw_schema_row(const struct bw_schema *schema, enum bw_shape_id shape, const char *name)
{
	const uint16_t number = bw_schema_name(schema, bw_slice_text(name));
	const uint8_t row = number == 0 ? 0 : schema->row_of[shape][number];

	return row == 0 ? BW_PROPS_MAX : row - 1U;
}

/* The properties every object of the kind has; what else a shape has is its own. */
static bool is_common(const char *name)
{
	static const char *const common[] = {
		"type",
		"spec_version",
		"id",
		"created_by_ref",
		"created",
		"modified",
		"revoked",
		"labels",
		"confidence",
		"lang",
		"external_references",
		"object_marking_refs",
		"granular_markings",
		"defanged",
	};

	for (size_t i = 0; i < BW_COUNT(common); i++) {
		if (strcmp(name, common[i]) == 0)
			return true;
	}
	return false;
}

static void ready_props(struct bw_schema *schema, enum bw_shape_id id, const struct bw_shape *shape)
{
	struct bw_shape_ready *ready = &schema->shapes[id];

	ready->shape = shape;
	ready->props = shape->props;
	for (unsigned row = 0; shape->props[row].name != NULL; row++) {
		const struct bw_prop *prop = &shape->props[row];
		const uint64_t bit = UINT64_C(1) << row;

		assert(row < BW_PROPS_MAX);
		schema->row_of[id][add_name(schema, prop->name)] = (uint8_t)(row + 1);
		if (prop->flags & BW_PROP_REQUIRED)
			ready->required |= bit;
		if ((prop->flags & BW_PROP_REQUIRED) && !(prop->flags & BW_PROP_NEW))
			ready->required_20 |= bit;
		if (!is_common(prop->name))
			ready->own |= bit;
	}
}

static void ready_rules(struct bw_schema *schema, enum bw_shape_id id, const struct bw_shape *shape)
{
	struct bw_shape_ready *ready = &schema->shapes[id];

	for (size_t i = 0; i < BW_RULES_MAX && shape->rules[i].op != BW_RULE_NONE; i++) {
		struct bw_slice rest = bw_slice_text(shape->rules[i].names);
		size_t count = 0;

		ready->rules[i].op = (uint8_t)shape->rules[i].op;
		ready->rule_count = i + 1;
		while (rest.len > 0) {
			struct bw_slice name = rest;
			char text[64];
			size_t row;

			if (!bw_slice_cut(rest, ' ', &name, &rest))
				rest = bw_slice_empty;
			memcpy(text, name.ptr, name.len);
			text[name.len] = 0;
			row = bw_schema_row(schema, id, text);
			assert(row < BW_PROPS_MAX);
			ready->rules[i].rows |= UINT64_C(1) << row;
			if (count++ == 0)
				ready->rules[i].first = (uint8_t)row;
			else if (count == 2)
				ready->rules[i].second = (uint8_t)row;
		}
	}
}

struct bw_schema *bw_schema_new(void)
{
	struct bw_schema *schema = calloc(1, sizeof(*schema));

	if (schema == NULL)
		return NULL;
	for (unsigned id = 0; id < BW_SHAPE_COUNT; id++) {
		const struct bw_shape *shape = bw_shapes_sdo[id].props != NULL ? &bw_shapes_sdo[id]
									       : &bw_shapes_sco[id];

		assert(shape->props != NULL);
		ready_props(schema, (enum bw_shape_id)id, shape);
		ready_rules(schema, (enum bw_shape_id)id, shape);
	}
	return schema;
}

void bw_schema_free(struct bw_schema *schema)
{
	free(schema);
}
