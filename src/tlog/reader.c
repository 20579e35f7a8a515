#include "tlog/reader.h"

#include <stdlib.h>

#include "tlog/edge.h"

enum { WAYS = 4 };

struct slot {
	bool is_used;
	bool is_warm; /* asked for since its set last made room */
	unsigned level;
	uint64_t index;
	struct bw_tile_nodes tile;
};

struct bw_tlog_reader {
	struct bw_tile_store store;
	struct bw_hash root;
	struct bw_edge edge;
	struct bw_tile_nodes edge_nodes[BW_TILE_LEVELS];
	struct bw_buf scratch;
	struct bw_buf bundle;
	struct bw_slice entries[BW_TILE_WIDTH];
	struct bw_tlog_reader_fault fault;
	struct slot *slots;
	size_t sets; /* a power of two */
	size_t hand;
};

/* ---- life ----------------------------------------------------------------------------------------- */

static void fill_edge(struct bw_tlog_reader *reader)
{
	for (unsigned level = 0; level < BW_TILE_LEVELS; level++) {
		const struct bw_edge_level *part = &reader->edge.levels[level];
		struct bw_tile_nodes *nodes = &reader->edge_nodes[level];

		nodes->width = part->count;
		memcpy(nodes->nodes, part->hashes, part->count * sizeof(part->hashes[0]));
		bw_tile_nodes_fill(nodes);
	}
}

static size_t sets_for(size_t slots)
{
	size_t sets = BW_TLOG_READER_SLOTS_MIN / WAYS;

	while (sets * WAYS < slots && sets * WAYS < BW_TLOG_READER_SLOTS_MAX)
		sets *= 2;
	return sets;
}

enum bw_err bw_tlog_reader_open(const struct bw_tile_store *store, uint64_t size, const struct bw_hash *root,
				size_t slots, struct bw_tlog_reader_fault *fault, struct bw_tlog_reader **out)
{
	struct bw_tlog_reader *reader = calloc(1, sizeof(*reader));
	enum bw_err err = BW_ERR_MEMORY;

	BW_NEED(reader != NULL, MEMORY);
	reader->store = *store;
	reader->root = *root;
	reader->scratch = BW_BUF_INIT(BW_TILE_BYTES);
	reader->bundle = BW_BUF_INIT(BW_BUNDLE_MAX);
	reader->sets = sets_for(slots);
	reader->slots = calloc(reader->sets * WAYS, sizeof(*reader->slots));
	if (reader->slots != NULL)
		err = bw_edge_read(store, size, root, &reader->edge, &reader->fault.tile);
	if (err != BW_OK) {
		if (fault != NULL)
			*fault = reader->fault;
		bw_tlog_reader_free(reader);
		return err;
	}
	fill_edge(reader);
	*out = reader;
	return BW_OK;
}

void bw_tlog_reader_free(struct bw_tlog_reader *reader)
{
	if (reader == NULL)
		return;
	bw_buf_release(&reader->scratch);
	bw_buf_release(&reader->bundle);
	free(reader->slots);
	free(reader);
}

uint64_t bw_tlog_reader_size(const struct bw_tlog_reader *reader)
{
	return reader->edge.size;
}

struct bw_hash bw_tlog_reader_root(const struct bw_tlog_reader *reader)
{
	return reader->root;
}

struct bw_tlog_reader_fault bw_tlog_reader_fault(const struct bw_tlog_reader *reader)
{
	return reader->fault;
}

/* ---- tiles ------------------------------------------------------------------------------------------ */

static struct slot *set_of(struct bw_tlog_reader *reader, unsigned level, uint64_t index)
{
	/* neighbours in different sets; the levels of one path far apart */
	const uint64_t mixed = (index + level * UINT64_C(0x9e3779b97f4a7c15)) & (reader->sets - 1);

	return &reader->slots[mixed * WAYS];
}

static struct slot *find_slot(struct bw_tlog_reader *reader, unsigned level, uint64_t index)
{
	struct slot *set = set_of(reader, level, index);

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].is_used && set[i].index == index && set[i].level == level)
			return &set[i];
	return NULL;
}

static void forget(struct bw_tlog_reader *reader)
{
	for (size_t i = 0; i < reader->sets * WAYS; i++)
		reader->slots[i].is_used = false;
}

/* One that nobody asked for of late (second chance). */
static struct slot *make_room(struct bw_tlog_reader *reader, unsigned level, uint64_t index)
{
	struct slot *set = set_of(reader, level, index);

	for (size_t i = 0; i < WAYS; i++)
		if (!set[i].is_used)
			return &set[i];
	for (;;) {
		struct slot *slot = &set[reader->hand++ % WAYS];

		if (!slot->is_warm)
			return slot;
		slot->is_warm = false;
	}
}

/*
 * A full tile is what the tile above says it is, so that one is needed first, and so on up to the edge. The tile
 * lives until the next call.
 */
static enum bw_err find_tile(struct bw_tlog_reader *reader, unsigned level, uint64_t index,
			     const struct bw_tile_nodes **out)
{
	const struct bw_tile_nodes *above;
	struct bw_hash want;
	struct slot *slot;
	enum bw_err err;

	if (index == bw_edge_index(&reader->edge, level)) {
		*out = &reader->edge_nodes[level];
		return BW_OK;
	}
	slot = find_slot(reader, level, index);
	if (slot != NULL) {
		slot->is_warm = true;
		*out = &slot->tile;
		return BW_OK;
	}
	BW_NEED(level + 1 < BW_TILE_LEVELS, RANGE);
	BW_TRY(find_tile(reader, level + 1, index / BW_TILE_WIDTH, &above)); /* at most BW_TILE_LEVELS deep */
	BW_NEED(index % BW_TILE_WIDTH < above->width, RANGE);
	want = above->nodes[index % BW_TILE_WIDTH];
	slot = make_room(reader, level, index);
	slot->is_used = false;
	slot->is_warm = false;
	slot->level = level;
	slot->index = index;
	slot->tile.width = BW_TILE_WIDTH;
	err = bw_tile_fetch(&reader->store, &(struct bw_tile){ false, level, index, BW_TILE_WIDTH }, &reader->scratch,
			    slot->tile.nodes);
	if (err == BW_OK) {
		bw_tile_nodes_fill(&slot->tile);
		err = bw_hash_equals(bw_tile_nodes_root(&slot->tile), &want) ? BW_OK : BW_ERR_EDITED;
	}
	if (err != BW_OK) {
		reader->fault = (struct bw_tlog_reader_fault){ { false, level, index, BW_TILE_WIDTH }, 0 };
		return err;
	}
	slot->is_used = true;
	*out = &slot->tile;
	return BW_OK;
}

static enum bw_err find_node(void *ctx, unsigned level, uint64_t index, struct bw_hash *out)
{
	struct bw_tlog_reader *reader = ctx;
	const unsigned height = level % BW_TILE_HEIGHT;
	const uint64_t first = index << height; /* the first hash of the tile it is over */
	const struct bw_tile_nodes *tile;

	BW_NEED(level < BW_TREE_LEVELS && index < reader->edge.size >> level, RANGE);
	BW_TRY(find_tile(reader, level / BW_TILE_HEIGHT, first / BW_TILE_WIDTH, &tile));
	*out = tile->nodes[bw_tile_offset(height) + (first % BW_TILE_WIDTH >> height)];
	return BW_OK;
}

struct bw_nodes bw_tlog_reader_nodes(struct bw_tlog_reader *reader)
{
	return (struct bw_nodes){ reader, find_node };
}

/* ---- questions ---------------------------------------------------------------------------------------- */

enum bw_err bw_tlog_reader_leaf(struct bw_tlog_reader *reader, uint64_t index, struct bw_hash *out)
{
	return find_node(reader, 0, index, out);
}

enum bw_err bw_tlog_reader_inclusion(struct bw_tlog_reader *reader, uint64_t index, struct bw_proof *out)
{
	const struct bw_nodes nodes = bw_tlog_reader_nodes(reader);

	return bw_inclusion_make(&nodes, index, reader->edge.size, out);
}

enum bw_err bw_tlog_reader_consistency(struct bw_tlog_reader *reader, uint64_t old_size, struct bw_proof *out)
{
	const struct bw_nodes nodes = bw_tlog_reader_nodes(reader);

	return bw_consistency_make(&nodes, old_size, reader->edge.size, out);
}

enum bw_err bw_tlog_reader_root_at(struct bw_tlog_reader *reader, uint64_t size, struct bw_hash *out)
{
	const struct bw_nodes nodes = bw_tlog_reader_nodes(reader);

	BW_NEED(size <= reader->edge.size, RANGE);
	if (size > 0)
		return bw_subtree_hash(&nodes, 0, size, out);
	*out = bw_hash_empty();
	return BW_OK;
}

enum bw_err bw_tlog_reader_continues(struct bw_tlog_reader *reader, uint64_t old_size, const struct bw_hash *old_root)
{
	struct bw_hash root;

	BW_NEED(old_size <= reader->edge.size, ROLLBACK);
	BW_TRY(bw_tlog_reader_root_at(reader, old_size, &root));
	BW_NEED(bw_hash_equals(&root, old_root), SPLIT_VIEW);
	return BW_OK;
}

/*
 * The old root is asked of the new tree. All of its peaks lie in tiles that were the old edge's and so were never
 * in the cache, as were those above them: what answers is fresh. When it fits, the cache is of the new tree too.
 */
static enum bw_err advance(struct bw_tlog_reader *reader, uint64_t size, const struct bw_hash *root)
{
	const uint64_t old_size = reader->edge.size;
	const struct bw_hash old_root = reader->root;

	BW_NEED(size >= old_size, ROLLBACK);
	BW_TRY(bw_edge_read(&reader->store, size, root, &reader->edge, &reader->fault.tile));
	reader->root = *root;
	fill_edge(reader);
	return bw_tlog_reader_continues(reader, old_size, &old_root);
}

enum bw_err bw_tlog_reader_advance(struct bw_tlog_reader *reader, uint64_t size, const struct bw_hash *root)
{
	struct bw_edge *old = malloc(sizeof(*old));
	const struct bw_hash old_root = reader->root;
	enum bw_err err;

	BW_NEED(old != NULL, MEMORY);
	*old = reader->edge;
	err = advance(reader, size, root);
	if (err != BW_OK) {
		reader->edge = *old;
		reader->root = old_root;
		fill_edge(reader);
		forget(reader); /* what was read on the way belongs to the other history */
	}
	free(old);
	return err;
}

/* ---- entries and the whole ------------------------------------------------------------------------------ */

static enum bw_err find_bundle(struct bw_tlog_reader *reader, uint64_t index, const struct bw_tile_nodes **out)
{
	const struct bw_tile_nodes *tile;
	unsigned bad = 0;
	enum bw_err err;

	BW_TRY(find_tile(reader, 0, index, &tile));
	err = bw_bundle_fetch(&reader->store, index, tile->width, tile->nodes, &reader->bundle, reader->entries, &bad);
	if (err != BW_OK)
		reader->fault = (struct bw_tlog_reader_fault){ { true, 0, index, tile->width },
							       index * BW_TILE_WIDTH + bad };
	BW_TRY(err);
	*out = tile;
	return BW_OK;
}

enum bw_err bw_tlog_reader_entry(struct bw_tlog_reader *reader, uint64_t index, struct bw_slice *out)
{
	const struct bw_tile_nodes *tile;

	BW_NEED(index < reader->edge.size, RANGE);
	BW_TRY(find_bundle(reader, index / BW_TILE_WIDTH, &tile));
	*out = reader->entries[index % BW_TILE_WIDTH];
	return BW_OK;
}

static enum bw_err check_tile(struct bw_tlog_reader *reader, const struct bw_tlog_check *check, uint64_t index)
{
	const uint64_t first = index * BW_TILE_WIDTH;
	const struct bw_tile_nodes *tile;

	if (!check->has_entries)
		return find_tile(reader, 0, index, &tile);
	BW_TRY(find_bundle(reader, index, &tile));
	for (unsigned i = 0; check->entry != NULL && i < tile->width; i++)
		if (first + i >= check->from)
			BW_TRY(check->entry(check->ctx, first + i, reader->entries[i]));
	return BW_OK;
}

enum bw_err bw_tlog_check(struct bw_tlog_reader *reader, const struct bw_tlog_check *check)
{
	const uint64_t size = reader->edge.size;

	forget(reader); /* it is what the store has now that is in question */
	for (uint64_t index = check->from / BW_TILE_WIDTH; index * BW_TILE_WIDTH < size; index++) {
		BW_TRY(check_tile(reader, check, index));
		if (check->progress != NULL)
			BW_TRY(check->progress(
				check->ctx,
				size - index * BW_TILE_WIDTH < BW_TILE_WIDTH ? size : (index + 1) * BW_TILE_WIDTH,
				size));
	}
	return BW_OK;
}
