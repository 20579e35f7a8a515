#include "store/catalogue.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "crypto/hash.h"

#define HEAD_MAGIC UINT64_C(0x3174616357420a0a)

enum {
	HEAD_BYTES = 4096,
	COLLECTIONS = 1 << 16,
	BLOCKS = BW_CAT_ROWS_MAX / BW_CAT_BLOCK_ROWS,
	TABLE_BITS_MIN = 12,
	TABLE_BITS_MAX = 28,
	CHANGE_MAP_KEPT = 64 * 1024, /* places; a larger one is given back after the commit */
	PROBES_MAX = 16 * 1024,      /* at a start: our hash never needs as many, a saved segment that is broken may */
	DEAD_ROW = -1,               /* as uint32_t: a slot whose row was rolled back */
};

struct bw_cat_head {
	uint64_t magic;
	uint64_t published;
	uint32_t table_bits; /* slots of the table in use; it lies at tables + (1 << bits) */
	uint32_t pad;
	uint8_t key[BW_SIPHASH_KEY_BYTES];
};

/* Points the columns into `base`, or, when it is NULL, only says how many bytes they need. */
static size_t lay_out(struct bw_catalogue *cat, uint8_t *base)
{
	size_t at = HEAD_BYTES;

#define PART(field, count)                                   \
	do {                                                 \
		if (base != NULL)                            \
			cat->field = (void *)(base + at);    \
		at += (size_t)(count) * sizeof(*cat->field); \
	} while (0)
	cat->head = (void *)base;
	PART(counts, COLLECTIONS);
	PART(blocks, BLOCKS);
	PART(added, BW_CAT_ROWS_MAX);
	PART(identity, BW_CAT_ROWS_MAX);
	PART(version, BW_CAT_ROWS_MAX);
	PART(prev, BW_CAT_ROWS_MAX);
	PART(collection, BW_CAT_ROWS_MAX);
	PART(type, BW_CAT_ROWS_MAX);
	PART(flags, BW_CAT_ROWS_MAX);
	PART(tables, (size_t)2 << TABLE_BITS_MAX);
#undef PART
	return at;
}

enum bw_err bw_cat_new(const uint8_t key[16], struct bw_catalogue *out)
{
	struct bw_catalogue cat = { 0 };
	const size_t bytes = lay_out(&cat, NULL);

	BW_TRY(bw_shared_new("breakwater-catalogue", bytes, &cat.memory));
	(void)lay_out(&cat, cat.memory.ptr);
	assert(cat.head != NULL);
	memcpy(cat.head->key, key, sizeof(cat.head->key));
	cat.head->table_bits = TABLE_BITS_MIN;
	__atomic_store_n(&cat.head->magic, HEAD_MAGIC, __ATOMIC_RELEASE);
	*out = cat;
	return BW_OK;
}

enum bw_err bw_cat_open(int fd, struct bw_catalogue *out)
{
	struct bw_catalogue cat = { 0 };
	const size_t bytes = lay_out(&cat, NULL);

	BW_TRY(bw_shared_open(fd, bytes, &cat.memory));
	(void)lay_out(&cat, cat.memory.ptr);
	if (cat.memory.len != bytes || __atomic_load_n(&cat.head->magic, __ATOMIC_ACQUIRE) != HEAD_MAGIC) {
		bw_shared_release(&cat.memory);
		return BW_ERR_CORRUPT;
	}
	*out = cat;
	return BW_OK;
}

void bw_cat_release(struct bw_catalogue *cat)
{
	bw_shared_release(&cat->memory);
	free(cat->changes);
	free(cat->change_map);
	free(cat->undo);
	*cat = (struct bw_catalogue){ .memory.fd = -1 };
}

void bw_cat_clear(struct bw_catalogue *cat)
{
	__atomic_store_n(&cat->head->published, 0, __ATOMIC_RELEASE);
	/* everything behind the head: the kernel gives zeroed pages again */
	(void)madvise(cat->memory.ptr + HEAD_BYTES, cat->memory.len - HEAD_BYTES, MADV_REMOVE);
	cat->head->table_bits = TABLE_BITS_MIN;
	cat->rows = 0;
	cat->occupied = 0;
	cat->change_count = 0;
	cat->undo_count = 0;
	if (cat->change_map != NULL)
		memset(cat->change_map, 0, cat->change_map_cap * sizeof(*cat->change_map));
}

uint32_t bw_cat_identity(const struct bw_catalogue *cat, struct bw_slice id)
{
	return (uint32_t)bw_siphash(cat->head->key, id);
}

uint64_t bw_cat_published(const struct bw_catalogue *cat)
{
	const uint64_t rows = __atomic_load_n(&cat->head->published, __ATOMIC_ACQUIRE);

	return rows <= BW_CAT_ROWS_MAX ? rows : 0;
}

/* ---- the identity table -------------------------------------------------- */

static uint64_t *table_of(const struct bw_catalogue *cat, uint32_t bits)
{
	return cat->tables + ((size_t)1 << bits);
}

static uint64_t slot_make(uint32_t identity, uint32_t stored) /* the row plus one */
{
	return (uint64_t)identity << 32 | stored;
}

static uint32_t bits_now(const struct bw_catalogue *cat)
{
	const uint32_t bits = __atomic_load_n(&cat->head->table_bits, __ATOMIC_ACQUIRE);

	return bits < TABLE_BITS_MIN || bits > TABLE_BITS_MAX ? TABLE_BITS_MIN : bits;
}

/* The newest row of the slot's chain that lies below `rows`. */
static int64_t visible_row(const struct bw_catalogue *cat, uint32_t stored, uint64_t rows)
{
	int64_t row;

	if (stored == 0 || stored == (uint32_t)DEAD_ROW || stored > BW_CAT_ROWS_MAX)
		return BW_CAT_NONE;
	row = (int64_t)stored - 1;
	while (row >= 0 && (uint64_t)row >= rows)
		row = bw_cat_before(cat, row);
	return row;
}

int64_t bw_cat_find(const struct bw_catalogue *cat, uint32_t identity, uint64_t rows, struct bw_cat_probe *probe)
{
	for (;;) {
		const uint32_t bits = bits_now(cat);
		const uint64_t mask = ((uint64_t)1 << bits) - 1;
		const uint64_t *table = table_of(cat, bits);

		if (probe->bits != bits) /* begins, or the table has moved: from the start again */
			*probe = (struct bw_cat_probe){ .bits = bits };
		for (; probe->at <= mask; probe->at++) {
			const uint64_t slot = __atomic_load_n(&table[(identity + probe->at) & mask], __ATOMIC_ACQUIRE);
			int64_t row;

			if (slot == 0)
				break;
			if (slot >> 32 != identity)
				continue;
			row = visible_row(cat, (uint32_t)slot, rows);
			if (row == BW_CAT_NONE)
				continue;
			probe->at++;
			return row;
		}
		/* a table that moved away reads as empty: only a second look makes "none" true */
		if (bits_now(cat) == bits)
			return BW_CAT_NONE;
	}
}

/* False, with nothing put, when the first `most` slots it could take are taken. */
static bool slot_put_new(uint64_t *table, uint64_t mask, uint32_t identity, uint32_t stored, uint64_t most)
{
	uint64_t at = identity & mask;

	for (; table[at] != 0; at = (at + 1) & mask)
		if (most-- == 0)
			return false;
	__atomic_store_n(&table[at], slot_make(identity, stored), __ATOMIC_RELEASE);
	return true;
}

static void table_grow(struct bw_catalogue *cat)
{
	const uint32_t bits = cat->head->table_bits;
	const uint64_t slots = (uint64_t)1 << bits;
	uint64_t *old = table_of(cat, bits);
	uint64_t *grown = table_of(cat, bits + 1);
	uint64_t occupied = 0;

	for (uint64_t i = 0; i < slots; i++) {
		const uint32_t stored = (uint32_t)old[i];

		if (stored == 0 || stored == (uint32_t)DEAD_ROW)
			continue;
		slot_put_new(grown, 2 * slots - 1, (uint32_t)(old[i] >> 32), stored, 2 * slots);
		occupied++;
	}
	cat->occupied = occupied;
	__atomic_store_n(&cat->head->table_bits, bits + 1, __ATOMIC_RELEASE);
	(void)madvise(old, slots * sizeof(*old), MADV_REMOVE);
}

/* The slot whose newest row is `row`. */
static uint64_t *slot_of(const struct bw_catalogue *cat, uint32_t identity, uint64_t row)
{
	const uint32_t bits = cat->head->table_bits;
	const uint64_t mask = ((uint64_t)1 << bits) - 1;
	uint64_t *table = table_of(cat, bits);

	for (uint64_t n = 0; n <= mask; n++) {
		uint64_t *slot = &table[(identity + n) & mask];

		if (*slot == 0)
			return NULL;
		if ((uint32_t)*slot == row + 1)
			return slot;
	}
	return NULL;
}

/* ---- writing -------------------------------------------------------------- */

static enum bw_err grow_list(struct bw_cat_change **list, size_t count, size_t *cap)
{
	const size_t want = *cap == 0 ? 256 : *cap * 2;
	struct bw_cat_change *grown;

	if (count < *cap)
		return BW_OK;
	grown = reallocarray(*list, want, sizeof(**list));
	BW_NEED(grown != NULL, MEMORY);
	*list = grown;
	*cap = want;
	return BW_OK;
}

static size_t map_place(const struct bw_catalogue *cat, uint32_t row)
{
	size_t at = (size_t)(uint32_t)(row * UINT32_C(2654435761)) & (cat->change_map_cap - 1);

	while (cat->change_map[at] != 0 && cat->changes[cat->change_map[at] - 1].row != row)
		at = (at + 1) & (cat->change_map_cap - 1);
	return at;
}

static void map_fill(struct bw_catalogue *cat)
{
	for (size_t i = 0; i < cat->change_count; i++)
		cat->change_map[map_place(cat, cat->changes[i].row)] = (uint32_t)i + 1;
}

static enum bw_err map_reserve(struct bw_catalogue *cat)
{
	const size_t cap = cat->change_map_cap == 0 ? 1024 : cat->change_map_cap * 2;
	uint32_t *map;

	if ((cat->change_count + 1) * 2 <= cat->change_map_cap)
		return BW_OK;
	map = calloc(cap, sizeof(*map));
	BW_NEED(map != NULL, MEMORY);
	free(cat->change_map);
	cat->change_map = map;
	cat->change_map_cap = cap;
	map_fill(cat);
	return BW_OK;
}

uint8_t bw_cat_flags(const struct bw_catalogue *cat, uint64_t row)
{
	if (cat->change_count != 0 && row < cat->head->published) {
		const uint32_t index = cat->change_map[map_place(cat, (uint32_t)row)];

		if (index != 0)
			return cat->changes[index - 1].flags;
	}
	return cat->flags[row];
}

/* Room was reserved. */
static void change_flags(struct bw_catalogue *cat, uint64_t row, uint8_t flags)
{
	size_t place;

	bw_cat_set_add(cat->blocks[row / BW_CAT_BLOCK_ROWS].flags, flags);
	if (row >= cat->head->published)
		cat->flags[row] = flags;
	place = map_place(cat, (uint32_t)row);
	if (cat->change_map[place] == 0) {
		cat->changes[cat->change_count++] = (struct bw_cat_change){ (uint32_t)row, flags };
		cat->change_map[place] = (uint32_t)cat->change_count;
	} else {
		cat->changes[cat->change_map[place] - 1].flags = flags;
	}
}

/* Counts follow the rows a reader may see; the writer keeps them when it publishes. */
enum bw_err bw_cat_set_flags(struct bw_catalogue *cat, uint64_t row, uint8_t flags)
{
	const uint8_t old = bw_cat_flags(cat, row);

	assert(row < cat->rows);
	if (old == flags)
		return BW_OK;
	BW_TRY(grow_list(&cat->undo, cat->undo_count, &cat->undo_cap));
	BW_TRY(grow_list(&cat->changes, cat->change_count, &cat->change_cap));
	BW_TRY(map_reserve(cat));
	cat->undo[cat->undo_count++] = (struct bw_cat_change){ (uint32_t)row, old };
	change_flags(cat, row, flags);
	return BW_OK;
}

static void mark_block(struct bw_catalogue *cat, uint64_t row)
{
	struct bw_cat_block *block = &cat->blocks[row / BW_CAT_BLOCK_ROWS];

	bw_cat_set_add(block->types, cat->type[row]);
	bw_cat_set_add(block->flags, cat->flags[row]);
	bw_cat_set_add(block->collections, (uint8_t)cat->collection[row]);
}

enum bw_err bw_cat_append(struct bw_catalogue *cat, const struct bw_cat_row *row, int64_t newest)
{
	const uint64_t at = cat->rows;
	uint64_t *slot = NULL;

	BW_NEED(at < BW_CAT_ROWS_MAX, TOO_MANY);
	if (newest == BW_CAT_NONE && cat->occupied * 10 >= ((uint64_t)7 << cat->head->table_bits))
		table_grow(cat);
	if (newest != BW_CAT_NONE) {
		slot = slot_of(cat, row->identity, (uint64_t)newest);
		BW_NEED(slot != NULL, CORRUPT);
	}
	cat->added[at] = row->added_us;
	cat->identity[at] = row->identity;
	cat->version[at] = row->version;
	cat->prev[at] = (uint32_t)(newest + 1);
	cat->collection[at] = row->collection;
	cat->type[at] = row->type;
	cat->flags[at] = row->flags;
	mark_block(cat, at);
	cat->rows = at + 1;
	if (slot != NULL) {
		__atomic_store_n(slot, slot_make(row->identity, (uint32_t)(at + 1)), __ATOMIC_RELEASE);
	} else {
		const uint32_t bits = cat->head->table_bits;

		slot_put_new(table_of(cat, bits), ((uint64_t)1 << bits) - 1, row->identity, (uint32_t)(at + 1),
			     UINT64_MAX);
		cat->occupied++;
	}
	return BW_OK;
}

struct bw_cat_mark bw_cat_mark(const struct bw_catalogue *cat)
{
	return (struct bw_cat_mark){ cat->rows, cat->undo_count, cat->change_count };
}

static void drop_newest(struct bw_catalogue *cat)
{
	const uint64_t row = cat->rows - 1;
	const uint32_t prev = cat->prev[row];
	uint64_t *slot = slot_of(cat, cat->identity[row], row);

	assert(slot != NULL);
	__atomic_store_n(slot, slot_make(cat->identity[row], prev != 0 ? prev : (uint32_t)DEAD_ROW), __ATOMIC_RELEASE);
	cat->flags[row] = 0;
	cat->rows = row;
}

void bw_cat_undo(struct bw_catalogue *cat, struct bw_cat_mark mark)
{
	assert(mark.undo_count <= cat->undo_count && mark.change_count <= cat->change_count);
	while (cat->undo_count > mark.undo_count) {
		const struct bw_cat_change was = cat->undo[--cat->undo_count];

		change_flags(cat, was.row, was.flags); /* its place in the map is there already */
	}
	while (cat->rows > mark.rows)
		drop_newest(cat);
	/* what was not in the list then has its flags of then again */
	if (cat->change_count > mark.change_count) {
		memset(cat->change_map, 0, cat->change_map_cap * sizeof(*cat->change_map));
		cat->change_count = mark.change_count;
		map_fill(cat);
	}
}

void bw_cat_reserve(struct bw_catalogue *cat, uint64_t identities)
{
	uint32_t bits = cat->head->table_bits;

	while (bits < TABLE_BITS_MAX && identities * 10 >= ((uint64_t)7 << bits))
		bits++;
	cat->head->table_bits = bits;
}

static enum bw_err restore_row(struct bw_catalogue *cat, uint64_t row)
{
	const uint32_t prev = cat->prev[row];
	const uint32_t bits = cat->head->table_bits;
	uint64_t *slot;

	BW_NEED(row == 0 || cat->added[row] > cat->added[row - 1], CORRUPT);
	mark_block(cat, row);
	if (prev == 0) {
		BW_NEED(slot_put_new(table_of(cat, bits), ((uint64_t)1 << bits) - 1, cat->identity[row],
				     (uint32_t)row + 1, PROBES_MAX),
			CORRUPT);
		cat->occupied++;
		return BW_OK;
	}
	slot = prev <= row ? slot_of(cat, cat->identity[row], prev - 1) : NULL;
	BW_NEED(slot != NULL, CORRUPT);
	*slot = slot_make(cat->identity[row], (uint32_t)row + 1);
	return BW_OK;
}

enum bw_err bw_cat_restore(struct bw_catalogue *cat, uint64_t count)
{
	enum { AHEAD = 16 };

	BW_NEED(count <= BW_CAT_ROWS_MAX - cat->rows, TOO_MANY);
	for (uint64_t end = cat->rows + count; cat->rows < end; cat->rows++) {
		const uint32_t bits = cat->head->table_bits;

		if (cat->occupied * 10 >= ((uint64_t)7 << bits))
			table_grow(cat);
		else if (cat->rows + AHEAD < end)
			__builtin_prefetch(table_of(cat, bits) +
					   (cat->identity[cat->rows + AHEAD] & (((uint64_t)1 << bits) - 1)));
		BW_TRY(restore_row(cat, cat->rows));
	}
	return BW_OK;
}

static void forget_changes(struct bw_catalogue *cat)
{
	cat->change_count = 0;
	cat->undo_count = 0;
	if (cat->change_map_cap > CHANGE_MAP_KEPT) {
		free(cat->change_map);
		cat->change_map = NULL;
		cat->change_map_cap = 0;
	} else if (cat->change_map != NULL) {
		memset(cat->change_map, 0, cat->change_map_cap * sizeof(*cat->change_map));
	}
}

void bw_cat_rollback(struct bw_catalogue *cat)
{
	bw_cat_undo(cat, (struct bw_cat_mark){ cat->head->published, 0, 0 });
	forget_changes(cat);
}

static void count_row(struct bw_catalogue *cat, uint64_t row)
{
	struct bw_cat_count *count = &cat->counts[cat->collection[row]];

	if ((cat->flags[row] & BW_CAT_GONE) == 0) {
		__atomic_store_n(&count->live, count->live + 1, __ATOMIC_RELAXED);
		__atomic_store_n(&count->last_added_us, cat->added[row], __ATOMIC_RELAXED);
	}
}

void bw_cat_publish(struct bw_catalogue *cat)
{
	for (uint64_t row = cat->head->published; row < cat->rows; row++)
		count_row(cat, row);
	/* new rows first: between the two a reader may meet both versions, never neither */
	__atomic_store_n(&cat->head->published, cat->rows, __ATOMIC_RELEASE);
	for (size_t i = 0; i < cat->change_count; i++) {
		const struct bw_cat_change *change = &cat->changes[i];
		struct bw_cat_count *count = &cat->counts[cat->collection[change->row]];
		const bool was_gone = (cat->flags[change->row] & BW_CAT_GONE) != 0;
		const bool is_gone = (change->flags & BW_CAT_GONE) != 0;

		if (is_gone && !was_gone && count->live > 0)
			__atomic_store_n(&count->live, count->live - 1, __ATOMIC_RELAXED);
		__atomic_store_n(&cat->flags[change->row], change->flags, __ATOMIC_RELAXED);
	}
	forget_changes(cat);
}

/* ---- reading -------------------------------------------------------------- */

uint64_t bw_cat_after(const struct bw_catalogue *cat, int64_t added_us, uint64_t rows)
{
	uint64_t low = 0;
	uint64_t high = rows;

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (cat->added[middle] <= added_us)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int64_t bw_cat_at(const struct bw_catalogue *cat, int64_t added_us, uint64_t rows)
{
	const uint64_t row = bw_cat_after(cat, added_us, rows);

	return row > 0 && cat->added[row - 1] == added_us ? (int64_t)row - 1 : BW_CAT_NONE;
}
