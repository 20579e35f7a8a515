#include "codec/json.h"

#include <stdlib.h>

#include "base/num.h"
#include "base/text.h"

enum {
	PADDING = 8,    /* yyjson looks up to four bytes past the end */
	FEW_NAMES = 64, /* up to here a filter finds twins, above it sorting does */
	POOL_START = 64 * 1024,
};

static const uint64_t whole_max = ((uint64_t)1 << 53) - 1; /* RFC 7493 §2.2 */

void bw_json_parser_init(struct bw_json_parser *parser)
{
	*parser = (struct bw_json_parser){ 0 };
}

void bw_json_parser_release(struct bw_json_parser *parser)
{
	free(parser->text);
	free(parser->pool);
	free(parser->scratch);
	bw_json_parser_init(parser);
}

/* ---- memory for yyjson: one block, taken from the front, only the last grows ---- */

static void *pool_take(void *ctx, size_t size)
{
	struct bw_json_parser *parser = ctx;
	const size_t need = (size + 15) & ~(size_t)15;
	void *taken;

	if (need < size || need > parser->pool_cap - parser->pool_used)
		return NULL;
	taken = parser->pool + parser->pool_used;
	parser->pool_used += need;
	return taken;
}

static void *pool_grow(void *ctx, void *old, size_t old_size, size_t size)
{
	struct bw_json_parser *parser = ctx;
	const size_t old_need = (old_size + 15) & ~(size_t)15;
	void *moved;

	if (size <= old_size)
		return old;
	if ((uint8_t *)old + old_need == parser->pool + parser->pool_used) {
		parser->pool_used -= old_need;
		moved = pool_take(ctx, size);
		if (moved == NULL)
			parser->pool_used += old_need;
		return moved;
	}
	moved = pool_take(ctx, size);
	if (moved != NULL)
		memcpy(moved, old, old_size);
	return moved;
}

static void pool_drop(void *ctx, void *ptr)
{
	(void)ctx;
	(void)ptr;
}

static enum bw_err grow(uint8_t **block, size_t *cap, size_t need, size_t start)
{
	size_t size = *cap < start ? start : *cap;
	uint8_t *fresh;

	if (need <= *cap)
		return BW_OK;
	while (size < need)
		BW_TRY(bw_mul(size, 2, &size));
	fresh = malloc(size);
	BW_NEED(fresh != NULL, MEMORY);
	free(*block);
	*block = fresh;
	*cap = size;
	return BW_OK;
}

/* ---- what yyjson does not check ------------------------------------------------- */

struct walk {
	struct bw_json_parser *parser;
	struct bw_fault *fault;
};

static uint64_t name_hash(const uint8_t *name, size_t len)
{
	uint64_t head = 0;
	uint64_t tail;

	if (len >= 8) {
		memcpy(&head, name, 8);
		memcpy(&tail, name + len - 8, 8);
	} else {
		/* a name is followed by its quote and more of the text, so eight bytes are there */
		memcpy(&head, name, 8);
		head &= len == 0 ? 0 : UINT64_MAX >> (64 - 8 * len);
		tail = head;
	}
	return (head ^ (tail << 7 | tail >> 57) ^ len) * UINT64_C(0x9e3779b97f4a7c15);
}

static bool same_name(yyjson_val *a, yyjson_val *b)
{
	return bw_slice_equals(bw_json_text(a), bw_json_text(b));
}

/* The second of two equal names, or NULL. */
static yyjson_val *twin_of_few(yyjson_val *object, size_t count)
{
	uint64_t seen[4] = { 0 };
	yyjson_val *name = unsafe_yyjson_get_first(object);

	for (size_t i = 0; i < count; i++) {
		const struct bw_slice text = bw_json_text(name);
		const uint64_t hash = name_hash(text.ptr, text.len);
		uint64_t *word = &seen[hash >> 62];
		const uint64_t bit = (uint64_t)1 << (hash >> 56 & 63);

		if (BW_UNLIKELY(*word & bit)) {
			yyjson_val *earlier = unsafe_yyjson_get_first(object);

			for (; earlier != name; earlier = unsafe_yyjson_get_next(earlier + 1)) {
				if (same_name(earlier, name))
					return name;
			}
		}
		*word |= bit;
		name = unsafe_yyjson_get_next(name + 1);
	}
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	yyjson_val *x = *(yyjson_val *const *)a;
	yyjson_val *y = *(yyjson_val *const *)b;
	const int order = bw_slice_compare(bw_json_text(x), bw_json_text(y));

	return order != 0 ? order : (x > y) - (x < y);
}

static enum bw_err twin_of_many(struct bw_json_parser *parser, yyjson_val *object, size_t count, yyjson_val **out)
{
	yyjson_val *name = unsafe_yyjson_get_first(object);

	if (count > parser->scratch_cap) {
		free(parser->scratch);
		parser->scratch = calloc(count, sizeof(*parser->scratch));
		parser->scratch_cap = parser->scratch == NULL ? 0 : count;
		BW_NEED(parser->scratch != NULL, MEMORY);
	}
	for (size_t i = 0; i < count; i++) {
		parser->scratch[i] = name;
		name = unsafe_yyjson_get_next(name + 1);
	}
	qsort(parser->scratch, count, sizeof(*parser->scratch), by_name);
	*out = NULL;
	for (size_t i = 1; i < count && *out == NULL; i++) {
		yyjson_val *a = (yyjson_val *)(uintptr_t)parser->scratch[i - 1];
		yyjson_val *b = (yyjson_val *)(uintptr_t)parser->scratch[i];

		if (same_name(a, b))
			*out = b;
	}
	return BW_OK;
}

static enum bw_err check_names(const struct walk *walk, yyjson_val *object, size_t count)
{
	yyjson_val *twin;

	if (count <= FEW_NAMES)
		twin = twin_of_few(object, count);
	else
		BW_TRY(twin_of_many(walk->parser, object, count, &twin));
	if (BW_LIKELY(twin == NULL))
		return BW_OK;
	return bw_fault_set(walk->fault, BW_ERR_DUPLICATE, bw_json_offset(walk->parser, twin),
			    "a name appears twice in one object");
}

/* The nearest text before `value` whose place is known: numbers keep none. */
static size_t offset_near(const struct walk *walk, yyjson_val *value)
{
	yyjson_val *root = walk->parser->doc->root;

	while (value > root && !unsafe_yyjson_is_str(value))
		value--;
	return unsafe_yyjson_is_str(value) ? bw_json_offset(walk->parser, value) : 0;
}

static enum bw_err check_number(const struct walk *walk, yyjson_val *value)
{
	bool fits = true;

	if (unsafe_yyjson_get_subtype(value) == YYJSON_SUBTYPE_UINT)
		fits = value->uni.u64 <= whole_max;
	else if (unsafe_yyjson_get_subtype(value) == YYJSON_SUBTYPE_SINT)
		fits = value->uni.i64 >= -(int64_t)whole_max;
	if (BW_LIKELY(fits))
		return BW_OK;
	return bw_fault_set(walk->fault, BW_ERR_RANGE, offset_near(walk, value),
			    "a whole number beyond 2^53 - 1 follows here");
}

static enum bw_err check_container(const struct walk *walk, yyjson_val *container, size_t depth);

static enum bw_err check_value(const struct walk *walk, yyjson_val *value, size_t depth)
{
	switch (unsafe_yyjson_get_type(value)) {
	case YYJSON_TYPE_NUM:
		return check_number(walk, value);
	case YYJSON_TYPE_ARR:
	case YYJSON_TYPE_OBJ:
		return check_container(walk, value, depth);
	default:
		return BW_OK;
	}
}

static enum bw_err check_container(const struct walk *walk, yyjson_val *container, size_t depth)
{
	const size_t count = unsafe_yyjson_get_len(container);
	const bool is_object = unsafe_yyjson_is_obj(container);
	yyjson_val *value;

	if (depth >= BW_JSON_DEPTH_MAX) {
		return bw_fault_set(walk->fault, BW_ERR_TOO_DEEP, offset_near(walk, container),
				    "nested deeper than 64 levels after here");
	}
	if (count == 0)
		return BW_OK;
	if (is_object && count > 1)
		BW_TRY(check_names(walk, container, count));
	value = unsafe_yyjson_get_first(container);
	for (size_t i = 0; i < count; i++) {
		if (is_object)
			value++;
		BW_TRY(check_value(walk, value, depth + 1));
		value = unsafe_yyjson_get_next(value);
	}
	return BW_OK;
}

/* ---- the door ---------------------------------------------------------------------- */

static enum bw_err refuse(struct bw_slice text, const yyjson_read_err *why, struct bw_fault *fault)
{
	const size_t at = why->pos < text.len ? why->pos : text.len;
	size_t bad;

	switch (why->code) {
	case YYJSON_READ_ERROR_MEMORY_ALLOCATION:
		return bw_fault_set(fault, BW_ERR_MEMORY, 0, "no memory for so many values");
	case YYJSON_READ_ERROR_EMPTY_CONTENT:
		return bw_fault_set(fault, BW_ERR_TRUNCATED, text.len, "there is no JSON value");
	case YYJSON_READ_ERROR_UNEXPECTED_END:
		return bw_fault_set(fault, BW_ERR_TRUNCATED, text.len, "the text ends inside a value");
	case YYJSON_READ_ERROR_UNEXPECTED_CONTENT:
		return bw_fault_set(fault, BW_ERR_SYNTAX, at, "text after the value");
	case YYJSON_READ_ERROR_INVALID_NUMBER:
		return bw_fault_set(fault, BW_ERR_SYNTAX, at, "not a number JSON can carry");
	case YYJSON_READ_ERROR_INVALID_STRING:
		if (!bw_utf8_is_valid(text, &bad))
			return bw_fault_set(fault, BW_ERR_UTF8, bad, "bytes that are not UTF-8");
		return bw_fault_set(fault, BW_ERR_SYNTAX, at, "a string with a raw control character or a bad escape");
	default:
		if (!bw_utf8_is_valid(text, &bad))
			return bw_fault_set(fault, BW_ERR_UTF8, bad, "bytes that are not UTF-8");
		return bw_fault_set(fault, BW_ERR_SYNTAX, at, "not well-formed JSON");
	}
}

enum bw_err bw_json_parse(struct bw_json_parser *parser, struct bw_slice text, yyjson_val **out_root,
			  struct bw_fault *fault)
{
	const yyjson_alc alc = { pool_take, pool_grow, pool_drop, parser };
	const struct walk walk = { parser, fault };
	yyjson_read_err why = { 0 };

	parser->doc = NULL;
	parser->pool_used = 0;
	if (text.len > BW_JSON_TEXT_MAX)
		return bw_fault_set(fault, BW_ERR_TOO_BIG, BW_JSON_TEXT_MAX, "one object may have 64 MiB of text");
	if (text.len == 0)
		return bw_fault_set(fault, BW_ERR_TRUNCATED, 0, "there is no JSON value");
	BW_TRY(grow(&parser->text, &parser->text_cap, text.len + PADDING, POOL_START));
	/* the most yyjson takes for this much text, and room to round up */
	BW_TRY(grow(&parser->pool, &parser->pool_cap, yyjson_read_max_memory_usage(text.len, YYJSON_READ_INSITU) + 1024,
		    POOL_START));
	memcpy(parser->text, text.ptr, text.len);
	memset(parser->text + text.len, 0, PADDING);

	parser->doc = yyjson_read_opts((char *)parser->text, text.len, YYJSON_READ_INSITU, &alc, &why);
	if (parser->doc == NULL)
		return refuse(text, &why, fault);
	BW_TRY(check_value(&walk, parser->doc->root, 0));
	*out_root = parser->doc->root;
	return BW_OK;
}

size_t bw_json_offset(const struct bw_json_parser *parser, yyjson_val *string)
{
	return (size_t)((const uint8_t *)unsafe_yyjson_get_str(string) - parser->text) - 1;
}
