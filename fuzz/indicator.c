/*
 * Indicators of strangers, and sets of what they say. Properties: every value is short, without control characters and
 * in the one spelling in which it is looked up; a set made of them finds each; a set of hostile bytes that opens is
 * looked through without harm.
 */
#include <stdlib.h>

#include "intel/exact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void find_all(const struct bw_indicator *indicator)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(1 << 20);
	struct bw_exact_value values[BW_INDICATOR_VALUES_MAX];
	struct bw_exact_found found;
	struct bw_exact set;

	for (size_t i = 0; i < indicator->value_count; i++) {
		const struct bw_trait_value *value = &indicator->values[i];

		check(value->trait > BW_TRAIT_NONE && value->trait < BW_TRAIT_COUNT);
		check(value->text.len > 0 && value->text.len <= BW_TRAIT_VALUE_BYTES);
		for (size_t k = 0; k < value->text.len; k++)
			check(value->text.ptr[k] >= 0x20);
		values[i] = (struct bw_exact_value){ value->trait, value->text, indicator->id };
	}
	check(bw_exact_write(values, indicator->value_count, &bytes) == BW_OK);
	check(bw_exact_open(bw_buf_slice(&bytes), &set) == BW_OK);
	for (size_t i = 0; i < indicator->value_count; i++) {
		check(bw_exact_find(&set, values[i].trait, values[i].text, &found));
		if (values[i].trait == BW_TRAIT_NAME)
			check(bw_exact_find_name(&set, values[i].text, &found));
	}
}

static void look_through(struct bw_slice bytes)
{
	struct bw_exact_found found;
	struct bw_exact set;

	if (bw_exact_open(bytes, &set) != BW_OK)
		return;
	(void)bw_exact_find_name(&set, BW_LIT("plan.docx.locked"), &found);
	for (uint32_t i = 0; i < set.count; i++) {
		bw_exact_at(&set, i, &found);
		check(found.text.ptr >= bytes.ptr && found.note.len <= BW_EXACT_NOTE_BYTES);
		check(found.text.len == 0 || found.text.ptr + found.text.len <= bytes.ptr + bytes.len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bw_indicator_reader *reader;
	struct bw_indicator indicator;

	if (reader == NULL)
		check(bw_indicator_reader_new(&reader) == BW_OK);
	look_through(bw_slice_of(data, size));
	if (bw_indicator_read(reader, bw_slice_of(data, size), &indicator) == BW_OK)
		find_all(&indicator);
	return 0;
}
