/*
 * A log whose store lies: the input says which tiles are changed, cut, lengthened or missing. Property: whatever the
 * reader then gives, hash, entry or proof, is the truth, or it gives an error; and a check of the whole that finds
 * nothing was of the log as it is.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "tlog/reader.h"
#include "tlog/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ENTRIES = 700, TILES = 16 };

static struct kept {
	struct bw_tile tile;
	struct bw_buf bytes;
	struct bw_buf shown; /* what the store says today */
	bool is_missing;
} kept[TILES];
static size_t kept_count;
static struct bw_hash root;

static void check(bool claim)
{
	if (!claim)
		abort();
}

static struct kept *find(const struct bw_tile *tile)
{
	for (size_t i = 0; i < kept_count; i++)
		if (kept[i].tile.is_entries == tile->is_entries && kept[i].tile.level == tile->level &&
		    kept[i].tile.index == tile->index && kept[i].tile.width == tile->width)
			return &kept[i];
	return NULL;
}

static enum bw_err put(void *ctx, const struct bw_tile *tile, struct bw_slice bytes)
{
	(void)ctx;
	check(kept_count < TILES);
	kept[kept_count] = (struct kept){ *tile, BW_BUF_INIT(BW_MIB), BW_BUF_INIT(BW_MIB), false };
	return bw_buf_add(&kept[kept_count++].bytes, bytes);
}

static enum bw_err get(void *ctx, const struct bw_tile *tile, struct bw_buf *out)
{
	const struct kept *found = find(tile);

	(void)ctx;
	BW_NEED(found != NULL && !found->is_missing, NOT_FOUND);
	return bw_buf_add(out, bw_buf_slice(&found->shown));
}

static struct bw_slice entry_at(uint64_t index, char room[32])
{
	const int len = snprintf(room, 32, "entry %u", (unsigned)index);

	return bw_slice_of(room, (size_t)len);
}

static void make_log(const struct bw_tile_store *store)
{
	const struct bw_hash empty = bw_hash_empty();
	struct bw_tlog_writer *writer;
	uint64_t size;

	check(bw_tlog_writer_open(store, 0, &empty, true, &writer) == BW_OK);
	for (uint64_t i = 0; i < ENTRIES; i++) {
		char room[32];
		const struct bw_slice entry = entry_at(i, room);

		check(bw_tlog_writer_add_entries(writer, &entry, 1) == BW_OK);
	}
	check(bw_tlog_writer_commit(writer, &size, &root) == BW_OK && size == ENTRIES);
	bw_tlog_writer_free(writer);
}

/* Each four bytes: which tile, how, and where. */
static void lie(struct bw_slice how)
{
	for (size_t i = 0; i + 4 <= how.len && i < 64; i += 4) {
		struct kept *one = &kept[how.ptr[i] % kept_count];
		const size_t at = (size_t)how.ptr[i + 2] << 8 | how.ptr[i + 3];

		switch (how.ptr[i + 1] % 8) {
		case 0:
			one->is_missing = true;
			break;
		case 1:
			one->shown.len = one->shown.len == 0 ? 0 : at % one->shown.len;
			break;
		case 2:
			check(bw_buf_add_u8(&one->shown, (uint8_t)at) == BW_OK);
			break;
		default:
			if (one->shown.len > 0)
				one->shown.ptr[at % one->shown.len] ^= how.ptr[i + 1];
		}
	}
}

static void ask(struct bw_tlog_reader *reader, uint64_t index)
{
	char room[32];
	const struct bw_slice want = entry_at(index, room);
	const struct bw_hash want_leaf = bw_hash_leaf(want);
	struct bw_slice entry;
	struct bw_hash leaf;
	struct bw_proof proof;

	if (bw_tlog_reader_leaf(reader, index, &leaf) == BW_OK)
		check(bw_hash_equals(&leaf, &want_leaf));
	if (bw_tlog_reader_inclusion(reader, index, &proof) == BW_OK)
		check(bw_inclusion_verify(index, ENTRIES, &want_leaf, &root, &proof) == BW_OK);
	if (bw_tlog_reader_entry(reader, index, &entry) == BW_OK)
		check(bw_slice_equals(entry, want));
}

static bool is_honest(void)
{
	for (size_t i = 0; i < kept_count; i++)
		if (kept[i].is_missing || !bw_slice_equals(bw_buf_slice(&kept[i].bytes), bw_buf_slice(&kept[i].shown)))
			return false;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_tile_store store = { NULL, get, put };
	const struct bw_tlog_check whole = { .has_entries = true };
	struct bw_tlog_reader *reader;

	if (kept_count == 0)
		make_log(&store);
	for (size_t i = 0; i < kept_count; i++) {
		kept[i].is_missing = false;
		bw_buf_clear(&kept[i].shown);
		check(bw_buf_add(&kept[i].shown, bw_buf_slice(&kept[i].bytes)) == BW_OK);
	}
	lie(bw_slice_of(data, size));
	if (bw_tlog_reader_open(&store, ENTRIES, &root, 64, NULL, &reader) != BW_OK) {
		check(!is_honest());
		return 0;
	}
	for (uint64_t index = 0; index < ENTRIES; index += 61)
		ask(reader, index);
	check((bw_tlog_check(reader, &whole) == BW_OK) == is_honest());
	bw_tlog_reader_free(reader);
	return 0;
}
