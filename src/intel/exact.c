#include "intel/exact.h"

#include <stdlib.h>

#include "base/text.h"
#include "crypto/hash.h"

static const char magic[] = "BWX1";

enum {
	KEY_AT = 12,
	SLOTS_AT = KEY_AT + BW_SIPHASH_KEY_BYTES,
	DOTS_MOST = 4, /* ".id-1234.[mail].locked" has three */
	SLOTS_LEAST = 8,
};

static uint32_t be32_at(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void put_be32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

static uint32_t hash(const uint8_t *key, enum bw_trait trait, struct bw_slice text)
{
	uint8_t bytes[1 + BW_TRAIT_VALUE_BYTES];

	bytes[0] = (uint8_t)trait;
	memcpy(bytes + 1, text.ptr, text.len);
	return (uint32_t)bw_siphash(key, bw_slice_of(bytes, 1 + text.len));
}

/* ---- writing ---------------------------------------------------------------------- */

/* Twice as many as values and more: a look-up of what is not there ends soon. */
static uint32_t slots_for(size_t count)
{
	uint32_t slots = SLOTS_LEAST;

	while (slots < 2 * count)
		slots *= 2;
	return slots;
}

static bool is_same(const struct bw_exact_value *a, const struct bw_exact_value *b)
{
	return a->trait == b->trait && bw_slice_equals(a->text, b->text);
}

/* Where each goes; which are kept, in the order in which they came. */
static size_t place(const struct bw_exact_value *values, size_t count, const uint8_t *key, uint8_t *slots,
		    uint32_t mask, uint32_t *kept)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		uint32_t at = hash(key, values[i].trait, values[i].text) & mask;
		uint32_t there;

		while ((there = be32_at(slots + 4 * (size_t)at)) != 0 && !is_same(&values[kept[there - 1]], &values[i]))
			at = (at + 1) & mask;
		if (there != 0)
			continue;
		kept[n++] = (uint32_t)i;
		put_be32(slots + 4 * (size_t)at, (uint32_t)n);
	}
	return n;
}

static enum bw_err add_entries(const struct bw_exact_value *values, const uint32_t *kept, size_t count,
			       struct bw_buf *out)
{
	const size_t offsets = out->len;

	for (size_t i = 0; i < count; i++)
		BW_TRY(bw_buf_add_be32(out, 0));
	for (size_t i = 0; i < count; i++) {
		const struct bw_exact_value *value = &values[kept[i]];

		put_be32(out->ptr + offsets + 4 * i, (uint32_t)out->len);
		BW_TRY(bw_buf_add_u8(out, (uint8_t)value->trait));
		BW_TRY(bw_buf_add_block(out, value->text));
		BW_TRY(bw_buf_add_block(out, value->note));
	}
	return BW_OK;
}

static enum bw_err write(const struct bw_exact_value *values, size_t count, uint8_t *slots, uint32_t slot_count,
			 uint32_t *kept, struct bw_buf *out)
{
	uint8_t key[BW_SIPHASH_KEY_BYTES];
	size_t n;

	bw_random(key, sizeof(key));
	n = place(values, count, key, slots, slot_count - 1, kept);
	BW_TRY(bw_buf_add_text(out, magic));
	BW_TRY(bw_buf_add_be32(out, (uint32_t)n));
	BW_TRY(bw_buf_add_be32(out, slot_count));
	BW_TRY(bw_buf_add(out, bw_slice_of(key, sizeof(key))));
	BW_TRY(bw_buf_add(out, bw_slice_of(slots, 4 * (size_t)slot_count)));
	return add_entries(values, kept, n, out);
}

enum bw_err bw_exact_write(const struct bw_exact_value *values, size_t count, struct bw_buf *out)
{
	const uint32_t slot_count = slots_for(count);
	uint8_t *slots;
	uint32_t *kept;
	enum bw_err err = BW_ERR_MEMORY;

	BW_NEED(count <= BW_EXACT_VALUES_MAX, TOO_MANY);
	for (size_t i = 0; i < count; i++)
		BW_NEED(values[i].text.len <= BW_TRAIT_VALUE_BYTES && values[i].note.len <= BW_EXACT_NOTE_BYTES,
			TOO_BIG);
	slots = calloc(slot_count, 4);
	kept = calloc(count + 1, sizeof(*kept));
	if (slots != NULL && kept != NULL)
		err = write(values, count, slots, slot_count, kept, out);
	free(slots);
	free(kept);
	return err;
}

/* ---- opening ------------------------------------------------------------------------- */

static enum bw_err read_entry(struct bw_slice bytes, uint32_t offset, struct bw_exact_found *out)
{
	struct bw_cursor c = { bytes, offset };
	uint8_t trait;

	BW_NEED(offset < bytes.len, CORRUPT);
	BW_NEED(bw_take_u8(&c, &trait) == BW_OK && trait > BW_TRAIT_NONE && trait < BW_TRAIT_COUNT, CORRUPT);
	BW_NEED(bw_take_block(&c, BW_TRAIT_VALUE_BYTES, &out->text) == BW_OK, CORRUPT);
	BW_NEED(bw_take_block(&c, BW_EXACT_NOTE_BYTES, &out->note) == BW_OK, CORRUPT);
	out->trait = (enum bw_trait)trait;
	return BW_OK;
}

static enum bw_err check(const struct bw_exact *set)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i <= set->mask; i++) {
		const uint32_t there = be32_at(set->slots + 4 * (size_t)i);

		BW_NEED(there <= set->count, CORRUPT);
		used += there != 0;
	}
	BW_NEED(used <= set->mask, CORRUPT); /* a free slot ends every look-up */
	for (uint32_t i = 0; i < set->count; i++) {
		struct bw_exact_found found;

		BW_TRY(read_entry(set->bytes, be32_at(set->offsets + 4 * (size_t)i), &found));
	}
	return BW_OK;
}

enum bw_err bw_exact_open(struct bw_slice bytes, struct bw_exact *out)
{
	struct bw_exact set = { .bytes = bytes };
	uint32_t slots;

	BW_NEED(bytes.len >= SLOTS_AT, TRUNCATED);
	BW_NEED(memcmp(bytes.ptr, magic, sizeof(magic) - 1) == 0, VERSION);
	set.count = be32_at(bytes.ptr + 4);
	slots = be32_at(bytes.ptr + 8);
	BW_NEED(set.count <= BW_EXACT_VALUES_MAX && slots >= SLOTS_LEAST && slots <= 4 * BW_EXACT_VALUES_MAX &&
			(slots & (slots - 1)) == 0,
		CORRUPT);
	BW_NEED(bytes.len >= SLOTS_AT + 4 * ((size_t)slots + set.count), TRUNCATED);
	set.mask = slots - 1;
	set.slots = bytes.ptr + SLOTS_AT;
	set.offsets = set.slots + 4 * (size_t)slots;
	BW_TRY(check(&set));
	*out = set;
	return BW_OK;
}

/* ---- looking up --------------------------------------------------------------------------- */

void bw_exact_at(const struct bw_exact *set, uint32_t number, struct bw_exact_found *out)
{
	*out = (struct bw_exact_found){ .number = number, .text = bw_slice_empty, .note = bw_slice_empty };
	/* checked when it was opened */
	bw_err_drop(read_entry(set->bytes, be32_at(set->offsets + 4 * (size_t)number), out));
}

bool bw_exact_find(const struct bw_exact *set, enum bw_trait trait, struct bw_slice text, struct bw_exact_found *out)
{
	uint32_t at;
	uint32_t there;

	if (text.len > BW_TRAIT_VALUE_BYTES || set->count == 0)
		return false;
	at = hash(set->bytes.ptr + KEY_AT, trait, text) & set->mask;
	/* memory that is sealed does not change after the check: there is a free slot */
	while ((there = be32_at(set->slots + 4 * (size_t)at)) != 0) {
		bw_exact_at(set, there - 1, out);
		if (out->trait == trait && bw_slice_equals(out->text, text))
			return true;
		at = (at + 1) & set->mask;
	}
	return false;
}

bool bw_exact_find_name(const struct bw_exact *set, struct bw_slice name, struct bw_exact_found *out)
{
	uint8_t lower[BW_TRAIT_VALUE_BYTES];
	size_t dots = 0;

	if (name.len > sizeof(lower) || set->count == 0)
		return false;
	for (size_t i = 0; i < name.len; i++)
		lower[i] = bw_to_lower(name.ptr[i]);
	if (bw_exact_find(set, BW_TRAIT_NAME, bw_slice_of(lower, name.len), out))
		return true;
	for (size_t i = name.len; i > 1 && dots < DOTS_MOST; i--) {
		if (lower[i - 1] != '.')
			continue;
		dots++;
		if (bw_exact_find(set, BW_TRAIT_ENDING, bw_slice_of(lower + i, name.len - i), out))
			return true;
	}
	return false;
}
