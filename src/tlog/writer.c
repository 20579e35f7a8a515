#include "tlog/writer.h"

#include <stdlib.h>

#include "tlog/edge.h"

struct bw_tlog_writer {
	struct bw_tile_store store;
	struct bw_edge edge;              /* the tiles that are not full yet */
	unsigned written[BW_TILE_LEVELS]; /* how wide each of them is in the store */
	bool has_entries;
	struct bw_buf bundle; /* the entries beneath the tile of level 0 */
	enum bw_err broken;
};

/* ---- life ---------------------------------------------------------------------------------------- */

static enum bw_err read_bundle(struct bw_tlog_writer *writer)
{
	const uint64_t index = writer->edge.size / BW_TILE_WIDTH;
	const unsigned width = bw_tile_width(0, index, writer->edge.size);
	struct bw_slice entries[BW_TILE_WIDTH];

	if (width == 0)
		return BW_OK;
	BW_TRY(bw_bundle_fetch(&writer->store, index, width, writer->edge.levels[0].hashes, &writer->bundle, entries,
			       NULL));
	writer->bundle.len = (size_t)(entries[width - 1].ptr - writer->bundle.ptr) + entries[width - 1].len;
	return BW_OK;
}

static enum bw_err open_at(struct bw_tlog_writer *writer, uint64_t size, const struct bw_hash *root)
{
	BW_TRY(bw_edge_read(&writer->store, size, root, &writer->edge, NULL));
	for (unsigned level = 0; level < BW_TILE_LEVELS; level++)
		writer->written[level] = writer->edge.levels[level].count;
	return writer->has_entries ? read_bundle(writer) : BW_OK;
}

enum bw_err bw_tlog_writer_open(const struct bw_tile_store *store, uint64_t size, const struct bw_hash *root,
				bool has_entries, struct bw_tlog_writer **out)
{
	struct bw_tlog_writer *writer = calloc(1, sizeof(*writer));
	enum bw_err err;

	BW_NEED(writer != NULL, MEMORY);
	writer->store = *store;
	writer->has_entries = has_entries;
	writer->bundle = BW_BUF_INIT(BW_BUNDLE_MAX);
	err = open_at(writer, size, root);
	if (err != BW_OK) {
		bw_tlog_writer_free(writer);
		return err;
	}
	*out = writer;
	return BW_OK;
}

void bw_tlog_writer_free(struct bw_tlog_writer *writer)
{
	if (writer == NULL)
		return;
	bw_buf_release(&writer->bundle);
	free(writer);
}

uint64_t bw_tlog_writer_size(const struct bw_tlog_writer *writer)
{
	return writer->edge.size;
}

/* ---- adding ---------------------------------------------------------------------------------------- */

static enum bw_err put(struct bw_tlog_writer *writer, const struct bw_tile *tile, struct bw_slice bytes)
{
	const enum bw_err err = writer->store.put(writer->store.ctx, tile, bytes);

	if (err != BW_OK)
		writer->broken = err;
	return err;
}

static enum bw_err put_level(struct bw_tlog_writer *writer, unsigned level)
{
	const struct bw_edge_level *at = &writer->edge.levels[level];

	return put(writer, &(struct bw_tile){ false, level, bw_edge_index(&writer->edge, level), at->count },
		   bw_slice_of(at->hashes, at->count * sizeof(at->hashes[0])));
}

static enum bw_err put_bundle(struct bw_tlog_writer *writer)
{
	const unsigned width = writer->edge.levels[0].count;

	return put(writer, &(struct bw_tile){ true, 0, bw_edge_index(&writer->edge, 0), width },
		   bw_buf_slice(&writer->bundle));
}

/* The tile of level 0 is full: it is put, and its root goes up, where that may fill another. */
static enum bw_err carry(struct bw_tlog_writer *writer)
{
	for (unsigned level = 0; writer->edge.levels[level].count == BW_TILE_WIDTH; level++) {
		BW_TRY(put_level(writer, level));
		writer->written[level] = 0;
		bw_edge_carry(&writer->edge, level);
	}
	return BW_OK;
}

/* The size moves last: until then it lies in the tile that is being filled, whose index follows from it. */
static enum bw_err add_leaf(struct bw_tlog_writer *writer, const struct bw_hash *leaf)
{
	struct bw_edge_level *lowest = &writer->edge.levels[0];

	lowest->hashes[lowest->count++] = *leaf;
	if (lowest->count == BW_TILE_WIDTH) {
		if (writer->has_entries) {
			BW_TRY(put_bundle(writer));
			bw_buf_clear(&writer->bundle);
		}
		BW_TRY(carry(writer));
	}
	writer->edge.size++;
	return BW_OK;
}

static enum bw_err need_room(const struct bw_tlog_writer *writer, bool has_entries, size_t count)
{
	BW_TRY(writer->broken);
	BW_NEED(writer->has_entries == has_entries, USAGE);
	BW_NEED(count <= BW_TREE_SIZE_MAX - writer->edge.size, RANGE);
	return BW_OK;
}

enum bw_err bw_tlog_writer_add_leaves(struct bw_tlog_writer *writer, const struct bw_hash *leaves, size_t count)
{
	BW_TRY(need_room(writer, false, count));
	for (size_t i = 0; i < count; i++)
		BW_TRY(add_leaf(writer, &leaves[i]));
	return BW_OK;
}

static enum bw_err add_entry(struct bw_tlog_writer *writer, struct bw_slice entry)
{
	const struct bw_hash leaf = bw_hash_leaf(entry);

	BW_TRY(bw_entry_add(&writer->bundle, entry));
	return add_leaf(writer, &leaf);
}

enum bw_err bw_tlog_writer_add_entries(struct bw_tlog_writer *writer, const struct bw_slice *entries, size_t count)
{
	BW_TRY(need_room(writer, true, count));
	for (size_t i = 0; i < count; i++)
		BW_NEED(entries[i].len <= BW_ENTRY_MAX, TOO_BIG);
	for (size_t i = 0; i < count; i++) {
		const enum bw_err err = add_entry(writer, entries[i]);

		if (err != BW_OK) {
			writer->broken = err; /* some were added: the caller cannot know how many */
			return err;
		}
	}
	return BW_OK;
}

enum bw_err bw_tlog_writer_commit(struct bw_tlog_writer *writer, uint64_t *out_size, struct bw_hash *out_root)
{
	BW_TRY(writer->broken);
	if (writer->has_entries && writer->edge.levels[0].count != writer->written[0] &&
	    writer->edge.levels[0].count > 0)
		BW_TRY(put_bundle(writer));
	for (unsigned level = 0; level < BW_TILE_LEVELS; level++) {
		const unsigned count = writer->edge.levels[level].count;

		if (count == writer->written[level] || count == 0)
			continue;
		BW_TRY(put_level(writer, level));
		writer->written[level] = count;
	}
	*out_size = writer->edge.size;
	*out_root = bw_edge_root(&writer->edge);
	return BW_OK;
}
