#include "tlog/tile.h"

#include <stdio.h>

#include "base/num.h"
#include "base/text.h"

enum { GROUP = 1000, GROUPS_MAX = 6, LEVEL_DIGITS_MAX = 2, WIDTH_DIGITS_MAX = 3 };

/* ---- paths ------------------------------------------------------------------------------------ */

void bw_tile_path(const struct bw_tile *tile, char out[BW_TILE_PATH_BYTES])
{
	unsigned groups[GROUPS_MAX] = { 0 };
	size_t count = 0;
	uint64_t left = tile->index;
	int at;

	do {
		groups[count++] = (unsigned)(left % GROUP);
		left /= GROUP;
	} while (left > 0 && count < GROUPS_MAX);
	if (tile->is_entries)
		at = snprintf(out, BW_TILE_PATH_BYTES, "tile/entries");
	else
		at = snprintf(out, BW_TILE_PATH_BYTES, "tile/%u", tile->level % 100);
	while (count-- > 0)
		at += snprintf(out + at, BW_TILE_PATH_BYTES - (size_t)at, count > 0 ? "/x%03u" : "/%03u",
			       groups[count] % GROUP);
	if (tile->width < BW_TILE_WIDTH)
		(void)snprintf(out + at, BW_TILE_PATH_BYTES - (size_t)at, ".p/%u", tile->width);
}

/* The largest index a tile of that level has in the largest log. */
static uint64_t last_index(unsigned level)
{
	const unsigned height = BW_TILE_HEIGHT * (level + 1);

	return height >= 64 ? 0 : BW_TREE_SIZE_MAX >> height;
}

static bool is_canonical(struct bw_slice digits, size_t max)
{
	return digits.len >= 1 && digits.len <= max && (digits.len == 1 || digits.ptr[0] != '0');
}

static enum bw_err parse_group(struct bw_slice text, uint64_t *index)
{
	uint64_t value;

	BW_NEED(text.len == 3, SYNTAX);
	BW_TRY(bw_parse_u64(text, &value));
	*index = *index * GROUP + value;
	return BW_OK;
}

static enum bw_err parse_index(struct bw_slice text, uint64_t *out)
{
	struct bw_slice rest = text;
	struct bw_slice group;
	uint64_t index = 0;

	for (size_t count = 0; bw_slice_cut(rest, '/', &group, &rest); count++) {
		BW_NEED(count < GROUPS_MAX - 1, RANGE);
		BW_NEED(group.len > 0 && group.ptr[0] == 'x', SYNTAX);
		BW_NEED(count > 0 || !bw_slice_is(group, "x000"), SYNTAX); /* written shorter */
		BW_TRY(parse_group(bw_slice_from(group, 1), &index));
	}
	BW_TRY(parse_group(rest, &index));
	*out = index;
	return BW_OK;
}

/* Takes "/.p/<width>" off the end; "x123.p/7" reads as "x123" and 7. */
static enum bw_err cut_width(struct bw_slice *path, unsigned *out)
{
	const uint8_t *mark = memmem(path->ptr, path->len, ".p/", 3);
	struct bw_slice digits;
	uint64_t width;

	*out = BW_TILE_WIDTH;
	if (mark == NULL)
		return BW_OK;
	digits = bw_slice_from(*path, (size_t)(mark - path->ptr) + 3);
	BW_NEED(is_canonical(digits, WIDTH_DIGITS_MAX), SYNTAX);
	BW_TRY(bw_parse_u64(digits, &width));
	BW_NEED(width >= 1 && width < BW_TILE_WIDTH, SYNTAX);
	*path = bw_slice_sub(*path, 0, (size_t)(mark - path->ptr));
	*out = (unsigned)width;
	return BW_OK;
}

enum bw_err bw_tile_parse(struct bw_slice path, struct bw_tile *out)
{
	struct bw_slice rest = path;
	struct bw_slice word;
	struct bw_tile tile = { 0 };
	uint64_t level = 0;

	BW_NEED(path.len < BW_TILE_PATH_BYTES, SYNTAX);
	BW_TRY(cut_width(&rest, &tile.width));
	BW_NEED(bw_slice_cut(rest, '/', &word, &rest) && bw_slice_is(word, "tile"), SYNTAX);
	BW_NEED(bw_slice_cut(rest, '/', &word, &rest), SYNTAX);
	tile.is_entries = bw_slice_is(word, "entries");
	if (!tile.is_entries) {
		BW_NEED(is_canonical(word, LEVEL_DIGITS_MAX), SYNTAX);
		BW_TRY(bw_parse_u64(word, &level));
		BW_NEED(level < BW_TILE_LEVELS, RANGE);
	}
	tile.level = (unsigned)level;
	BW_TRY(parse_index(rest, &tile.index));
	BW_NEED(tile.index <= last_index(tile.level), RANGE);
	*out = tile;
	return BW_OK;
}

unsigned bw_tile_width(unsigned level, uint64_t index, uint64_t size)
{
	uint64_t hashes;
	uint64_t before;

	if (level >= BW_TILE_LEVELS || index > last_index(level))
		return 0;
	hashes = size >> (BW_TILE_HEIGHT * level);
	before = index * BW_TILE_WIDTH;
	if (hashes <= before)
		return 0;
	return hashes - before < BW_TILE_WIDTH ? (unsigned)(hashes - before) : BW_TILE_WIDTH;
}

bool bw_tile_is_public(const struct bw_tile *tile, uint64_t size)
{
	return tile->width <= bw_tile_width(tile->level, tile->index, size);
}

/* ---- bundles ------------------------------------------------------------------------------------- */

enum bw_err bw_entry_add(struct bw_buf *bundle, struct bw_slice entry)
{
	BW_NEED(entry.len <= BW_ENTRY_MAX, TOO_BIG);
	BW_TRY(bw_buf_reserve(bundle, 2 + entry.len)); /* all or nothing */
	BW_TRY(bw_buf_add_be16(bundle, (uint16_t)entry.len));
	return bw_buf_add(bundle, entry);
}

enum bw_err bw_entry_take(struct bw_cursor *bundle, struct bw_slice *out)
{
	struct bw_cursor c = *bundle;
	uint16_t len;

	BW_TRY(bw_take_be16(&c, &len));
	BW_TRY(bw_take(&c, len, out));
	*bundle = c;
	return BW_OK;
}

enum bw_err bw_bundle_split(struct bw_slice bundle, unsigned width, bool is_longer_allowed, struct bw_slice *entries)
{
	struct bw_cursor c = bw_cursor_over(bundle);

	for (unsigned i = 0; i < width; i++)
		BW_TRY(bw_entry_take(&c, &entries[i]));
	BW_NEED(is_longer_allowed || bw_cursor_left(&c) == 0, SYNTAX);
	return BW_OK;
}

/* ---- hashes inside a tile --------------------------------------------------------------------------- */

void bw_tile_nodes_fill(struct bw_tile_nodes *tile)
{
	for (unsigned height = 0; height < BW_TILE_HEIGHT; height++) {
		const size_t pairs = tile->width >> (height + 1);

		bw_treehash_nodes(1, tile->nodes[bw_tile_offset(height)].bytes, pairs,
				  tile->nodes[bw_tile_offset(height + 1)].bytes);
	}
}
