#include "store/terms.h"

enum { TERM_MAX = 1 << 20 }; /* a longer text is cut there; nobody searches by its end */

static enum bw_err add_all(struct bw_buf *out, const struct bw_slice *terms, size_t count)
{
	for (size_t i = 0; i < count; i++)
		BW_TRY(bw_buf_add_block(out, bw_slice_sub(terms[i], 0, TERM_MAX)));
	return BW_OK;
}

enum bw_err bw_terms_pack(const struct bw_record *record, struct bw_buf *out)
{
	const size_t values = record->value_count < BW_RECORD_TERMS_MAX ? record->value_count : BW_RECORD_TERMS_MAX;

	if (record->value_count == 0 && record->text_count == 0)
		return BW_OK;
	BW_TRY(bw_buf_add_be16(out, (uint16_t)values));
	BW_TRY(add_all(out, record->values, values));
	if (values < record->value_count)
		BW_TRY(add_all(out, &record->values[values], record->value_count - values));
	return add_all(out, record->texts, record->text_count);
}

enum bw_err bw_terms_open(struct bw_slice packed, struct bw_terms *out)
{
	struct bw_cursor c = bw_cursor_over(packed);
	struct bw_terms terms = { .values = c, .texts = bw_slice_empty };
	struct bw_slice term;

	if (packed.len == 0) {
		*out = terms;
		return BW_OK;
	}
	BW_NEED(bw_take_be16(&c, &terms.value_count) == BW_OK, CORRUPT);
	terms.values = c;
	for (uint16_t i = 0; i < terms.value_count; i++)
		BW_NEED(bw_take_block(&c, TERM_MAX, &term) == BW_OK, CORRUPT);
	terms.texts = bw_slice_from(packed, c.at);
	while (bw_cursor_left(&c) > 0)
		BW_NEED(bw_take_block(&c, TERM_MAX, &term) == BW_OK, CORRUPT);
	*out = terms;
	return BW_OK;
}

bool bw_terms_value(struct bw_terms *terms, struct bw_slice *out)
{
	if (terms->value_count == 0 || bw_take_block(&terms->values, TERM_MAX, out) != BW_OK)
		return false;
	terms->value_count--;
	return true;
}

enum bw_err bw_terms_text(struct bw_slice packed, struct bw_buf *out)
{
	struct bw_cursor c = bw_cursor_over(packed);
	struct bw_slice term;
	uint16_t values;

	if (packed.len == 0)
		return BW_OK;
	BW_NEED(bw_take_be16(&c, &values) == BW_OK, CORRUPT);
	while (bw_cursor_left(&c) > 0) {
		BW_NEED(bw_take_block(&c, TERM_MAX, &term) == BW_OK, CORRUPT);
		BW_TRY(bw_buf_add(out, term));
		BW_TRY(bw_buf_add_u8(out, '\n'));
	}
	return BW_OK;
}
