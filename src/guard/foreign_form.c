#include "guard/foreign.h"

#include "base/text.h"

enum { UNIT = 0x1f, CONFIDENCE_MOST = 100 };

/* A form that ends too early is as wrong as one that goes on. */
static enum bw_err ended(enum bw_err err, const struct bw_cursor *c)
{
	if (err == BW_ERR_TRUNCATED || (err == BW_OK && bw_cursor_left(c) != 0))
		return BW_ERR_PROTOCOL;
	return err;
}

/* It is written into files and shown to people: one line of text each. */
static bool is_plain(struct bw_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
			return false;
	}
	return text.len > 0;
}

static enum bw_err take_line(struct bw_cursor *c, uint8_t *line, struct bw_slice *place)
{
	BW_TRY(bw_take_u8(c, line));
	BW_NEED(*line < BW_FOREIGN_LINES_MAX, PROTOCOL);
	BW_TRY(bw_take_block(c, BW_FOREIGN_PLACE_BYTES, place));
	BW_NEED(place->len == 0 || is_plain(*place), PROTOCOL);
	return BW_OK;
}

/* ---- GO, TOLD ------------------------------------------------------------------------ */

enum bw_err bw_foreign_told_add(struct bw_buf *out, const struct bw_foreign_told *told, bool with_data)
{
	BW_TRY(bw_buf_add_u8(out, told->line));
	BW_TRY(bw_buf_add_block(out, told->place));
	return with_data ? bw_buf_add_block(out, told->data) : BW_OK;
}

enum bw_err bw_foreign_told_parse(struct bw_slice body, bool with_data, struct bw_foreign_told *out)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_foreign_told told = { .data = bw_slice_empty };
	enum bw_err err = take_line(&c, &told.line, &told.place);

	if (err == BW_OK && with_data)
		err = bw_take_block(&c, BW_FOREIGN_DATA_BYTES, &told.data);
	BW_TRY(ended(err, &c));
	*out = told;
	return BW_OK;
}

/* ---- NEWS ---------------------------------------------------------------------------- */

enum bw_err bw_foreign_news_begin(struct bw_buf *out, const struct bw_foreign_news *news)
{
	BW_TRY(bw_buf_add_u8(out, news->line));
	BW_TRY(bw_buf_add_block(out, news->place));
	return bw_buf_add_be16(out, news->count);
}

enum bw_err bw_foreign_item_add(struct bw_buf *out, const struct bw_foreign_item *item,
				const struct bw_trait_value *values)
{
	BW_TRY(bw_buf_add_block(out, item->peer));
	BW_TRY(bw_buf_add_block(out, item->id));
	BW_TRY(bw_buf_add_be64(out, (uint64_t)item->modified_us));
	BW_TRY(bw_buf_add_be64(out, (uint64_t)item->until_us));
	BW_TRY(bw_buf_add_u8(out, item->confidence));
	BW_TRY(bw_buf_add_u8(out, item->is_gone));
	BW_TRY(bw_buf_add_be32(out, item->refused));
	BW_TRY(bw_buf_add_be16(out, item->count));
	for (size_t i = 0; i < item->count; i++) {
		BW_TRY(bw_buf_add_u8(out, (uint8_t)values[i].trait));
		BW_TRY(bw_buf_add_block(out, values[i].text));
	}
	return BW_OK;
}

static enum bw_err take_value(struct bw_cursor *c, struct bw_trait_value *out)
{
	uint8_t trait;

	BW_TRY(bw_take_u8(c, &trait));
	BW_NEED(trait > BW_TRAIT_NONE && trait < BW_TRAIT_COUNT, PROTOCOL);
	BW_TRY(bw_take_block(c, BW_TRAIT_VALUE_BYTES, &out->text));
	BW_NEED(is_plain(out->text), PROTOCOL);
	out->trait = (enum bw_trait)trait;
	return BW_OK;
}

static enum bw_err take_item(struct bw_cursor *c, struct bw_foreign_item *out)
{
	struct bw_trait_value value;
	uint64_t modified;
	uint64_t until;
	uint8_t gone;

	BW_TRY(bw_take_block(c, BW_FOREIGN_PEER_BYTES, &out->peer));
	BW_TRY(bw_take_block(c, BW_FOREIGN_ID_BYTES, &out->id));
	BW_TRY(bw_take_be64(c, &modified));
	BW_TRY(bw_take_be64(c, &until));
	BW_TRY(bw_take_u8(c, &out->confidence));
	BW_TRY(bw_take_u8(c, &gone));
	BW_TRY(bw_take_be32(c, &out->refused));
	BW_TRY(bw_take_be16(c, &out->count));
	BW_NEED(is_plain(out->peer) && is_plain(out->id) && memchr(out->id.ptr, ' ', out->id.len) == NULL, PROTOCOL);
	BW_NEED(modified <= INT64_MAX && until <= INT64_MAX && gone <= 1, PROTOCOL);
	BW_NEED(out->confidence <= CONFIDENCE_MOST && out->count <= BW_INDICATOR_VALUES_MAX, PROTOCOL);
	out->modified_us = (int64_t)modified;
	out->until_us = (int64_t)until;
	out->is_gone = gone == 1;
	out->values = *c;
	for (size_t i = 0; i < out->count; i++)
		BW_TRY(take_value(c, &value));
	return BW_OK;
}

enum bw_err bw_foreign_news_parse(struct bw_slice body, struct bw_foreign_news *out)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_foreign_news news = { 0 };
	struct bw_foreign_item item;
	enum bw_err err = take_line(&c, &news.line, &news.place);

	if (err == BW_OK)
		err = bw_take_be16(&c, &news.count);
	if (err == BW_OK && news.count > BW_FOREIGN_NEWS_ITEMS)
		err = BW_ERR_PROTOCOL;
	news.items = c;
	for (size_t i = 0; i < news.count && err == BW_OK; i++)
		err = take_item(&c, &item);
	BW_TRY(ended(err, &c));
	*out = news;
	return BW_OK;
}

enum bw_err bw_foreign_item_next(struct bw_foreign_news *news, struct bw_foreign_item *out)
{
	return take_item(&news->items, out);
}

enum bw_err bw_foreign_value_next(struct bw_foreign_item *item, struct bw_trait_value *out)
{
	return take_value(&item->values, out);
}

/* ---- hits ----------------------------------------------------------------------------- */

static size_t put(struct bw_slice text, uint8_t *out, size_t at, size_t max)
{
	const size_t len = text.len < max - at ? text.len : max - at;

	memcpy(out + at, text.ptr, len);
	return at + len;
}

size_t bw_foreign_hit_write(const struct bw_foreign_hit *hit, uint8_t *out, size_t max)
{
	static const uint8_t unit = UNIT;
	size_t at = put(hit->peer, out, 0, max);

	at = put(bw_slice_of(&unit, 1), out, at, max);
	at = put(hit->id, out, at, max);
	at = put(bw_slice_of(&unit, 1), out, at, max);
	return put(hit->value, out, at, max);
}

bool bw_foreign_hit_parse(struct bw_slice name, struct bw_foreign_hit *out)
{
	struct bw_slice rest;

	return bw_slice_cut(name, UNIT, &out->peer, &rest) && bw_slice_cut(rest, UNIT, &out->id, &out->value);
}
