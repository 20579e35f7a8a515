/*
 * One block of shared memory: head, table by key, table by place, entries.
 * A table's slot holds an entry's number plus one; 0 is free, GONE was removed.
 */
#include "guard/index.h"

#include <stdatomic.h>
#include <stdlib.h>

enum {
	INDEX_MAGIC = 0x42574958, /* BWIX */
	READ_TRIES = 64,
};

#define GONE UINT32_MAX

struct head {
	uint32_t magic;
	uint32_t entries; /* room for so many */
	uint32_t slots;   /* of each table: a power of two, at least twice that */
	uint32_t used;    /* entries ever taken */
	uint32_t free;    /* first of the free ones plus one, linked through `version`; writer only */
	uint32_t count;
	uint8_t key[BW_SIPHASH_KEY_BYTES];
};

struct entry {
	uint64_t ino;
	uint32_t gen;
	uint32_t tree;
	struct bw_content content;
	uint32_t mtime_s;
	uint64_t place;
	uint64_t version : 40;
	uint64_t volume : 8;
	uint64_t flags : 8;
	uint64_t live : 1;
	uint32_t mtime_ns;
	_Atomic uint32_t turn; /* odd while it changes */
};

_Static_assert(sizeof(struct entry) == 64, "64 bytes a file");

struct bw_index {
	struct bw_shared memory;
	struct head *head;
	_Atomic uint32_t *by_key;
	_Atomic uint32_t *by_place;
	struct entry *entries;
	uint32_t slots; /* own copies: a reader does not trust the memory twice */
	uint32_t room;
};

static size_t bytes_for(uint32_t entries, uint32_t slots)
{
	return 4096 + (size_t)slots * 8 + (size_t)entries * sizeof(struct entry);
}

static uint32_t slots_for(uint32_t entries)
{
	uint32_t slots = 1024;

	while (slots < 2 * (uint64_t)entries)
		slots *= 2;
	return slots;
}

static void lay_out(struct bw_index *index)
{
	uint8_t *at = index->memory.ptr;

	/* the offsets are multiples of the members' sizes, see bytes_for */
	index->head = (struct head *)(void *)at;
	index->by_key = (_Atomic uint32_t *)(void *)(at + 4096);
	index->by_place = index->by_key + index->slots;
	index->entries = (struct entry *)(void *)(at + 4096 + (size_t)index->slots * 8);
}

enum bw_err bw_index_new(size_t files, struct bw_index **out)
{
	struct bw_index *index;
	enum bw_err err;

	BW_NEED(files <= BW_INDEX_FILES_MAX / 2, RANGE);
	index = calloc(1, sizeof(*index));
	BW_NEED(index != NULL, MEMORY);
	index->room = (uint32_t)(files < BW_INDEX_FILES_MIN / 2 ? BW_INDEX_FILES_MIN : 2 * files);
	index->slots = slots_for(index->room);
	err = bw_shared_new("breakwater-index", bytes_for(index->room, index->slots), &index->memory);
	if (err != BW_OK) {
		free(index);
		return err;
	}
	lay_out(index);
	index->head->entries = index->room;
	index->head->slots = index->slots;
	bw_random(index->head->key, sizeof(index->head->key));
	index->head->magic = INDEX_MAGIC;
	*out = index;
	return BW_OK;
}

static enum bw_err read_head(struct bw_index *index)
{
	const struct head *head = (const struct head *)(const void *)index->memory.ptr;

	BW_NEED(index->memory.len >= 4096, CORRUPT);
	index->room = head->entries;
	index->slots = head->slots;
	BW_NEED(head->magic == INDEX_MAGIC && index->room <= BW_INDEX_FILES_MAX, CORRUPT);
	BW_NEED(index->slots == slots_for(index->room), CORRUPT);
	BW_NEED(index->memory.len >= bytes_for(index->room, index->slots), CORRUPT);
	lay_out(index);
	return BW_OK;
}

enum bw_err bw_index_view(int fd, struct bw_index **out)
{
	struct bw_index *index = calloc(1, sizeof(*index));
	enum bw_err err;

	BW_NEED(index != NULL, MEMORY);
	err = bw_shared_open(fd, bytes_for(BW_INDEX_FILES_MAX, slots_for(BW_INDEX_FILES_MAX)), &index->memory);
	if (err == BW_OK) {
		err = read_head(index);
		if (err != BW_OK)
			bw_shared_release(&index->memory);
	}
	if (err != BW_OK) {
		free(index);
		return err;
	}
	*out = index;
	return BW_OK;
}

int bw_index_fd(const struct bw_index *index)
{
	return index->memory.fd;
}

void bw_index_free(struct bw_index *index)
{
	if (index == NULL)
		return;
	bw_shared_release(&index->memory);
	free(index);
}

size_t bw_index_count(const struct bw_index *index)
{
	return index->head->count;
}

static uint64_t hash_key(const struct bw_index *index, const struct bw_file_key *key)
{
	uint8_t bytes[BW_KEY_BYTES];

	bw_file_key_write(key, bytes);
	return bw_siphash(index->head->key, bw_slice_of(bytes, sizeof(bytes)));
}

uint64_t bw_index_place(const struct bw_index *index, const struct bw_file_key *folder, struct bw_slice name)
{
	uint8_t bytes[BW_KEY_BYTES + 256];
	const size_t len = name.len < 256 ? name.len : 256; /* the kernel's longest name is 255 bytes */
	uint64_t hash;

	bw_file_key_write(folder, bytes);
	memcpy(bytes + BW_KEY_BYTES, name.ptr, len);
	hash = bw_siphash(index->head->key, bw_slice_of(bytes, BW_KEY_BYTES + len));
	return hash != 0 ? hash : 1;
}

/* ---- looking up ------------------------------------------------------------- */

/* A copy nobody changed meanwhile. False: it is free, or would not hold still. */
static bool copy_entry(const struct entry *at, struct entry *out)
{
	for (unsigned tries = 0; tries < READ_TRIES; tries++) {
		const uint32_t before = atomic_load_explicit(&at->turn, memory_order_acquire);

		if ((before & 1) != 0)
			continue;
		memcpy(out, at, sizeof(*out));
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&at->turn, memory_order_relaxed) == before)
			return out->live != 0;
	}
	return false;
}

static bool is_key(const struct entry *entry, const struct bw_file_key *key)
{
	return entry->ino == key->ino && entry->gen == key->gen && entry->tree == key->tree &&
	       entry->volume == key->volume;
}

static void give(const struct entry *entry, struct bw_index_file *out)
{
	*out = (struct bw_index_file){
		.key = { .ino = entry->ino, .gen = entry->gen, .tree = entry->tree, .volume = (uint32_t)entry->volume },
		.content = entry->content,
		.place = entry->place,
		.version = entry->version,
		.mtime_s = entry->mtime_s,
		.mtime_ns = entry->mtime_ns,
		.flags = (uint8_t)entry->flags,
	};
}

/* The slot that holds what is asked for, or SIZE_MAX; exactly one of `key` and `place` is given. */
static size_t find_slot(const struct bw_index *index, const struct bw_file_key *key, uint64_t place, struct entry *out)
{
	_Atomic uint32_t *table = key != NULL ? index->by_key : index->by_place;
	const uint64_t hash = key != NULL ? hash_key(index, key) : place;

	for (size_t step = 0; step < index->slots; step++) {
		const size_t slot = (size_t)(hash + step) & (index->slots - 1);
		const uint32_t value = atomic_load_explicit(&table[slot], memory_order_acquire);

		if (value == 0)
			return SIZE_MAX;
		if (value == GONE || value > index->room || !copy_entry(&index->entries[value - 1], out))
			continue;
		if (key != NULL ? is_key(out, key) : out->place == place)
			return slot;
	}
	return SIZE_MAX;
}

enum bw_err bw_index_by_key(const struct bw_index *index, const struct bw_file_key *key, struct bw_index_file *out)
{
	struct entry entry;

	BW_NEED(find_slot(index, key, 0, &entry) != SIZE_MAX, NOT_FOUND);
	give(&entry, out);
	return BW_OK;
}

enum bw_err bw_index_by_place(const struct bw_index *index, uint64_t place, struct bw_index_file *out)
{
	struct entry entry;

	BW_NEED(find_slot(index, NULL, place, &entry) != SIZE_MAX, NOT_FOUND);
	give(&entry, out);
	return BW_OK;
}

/* ---- the writer ----------------------------------------------------------------- */

static void put_slot(_Atomic uint32_t *table, uint32_t slots, uint64_t hash, uint32_t value)
{
	size_t slot = (size_t)hash & (slots - 1);
	uint32_t there;

	/* there are twice as many slots as entries, so a free or gone one comes */
	while ((there = atomic_load_explicit(&table[slot], memory_order_relaxed)) != 0 && there != GONE)
		slot = (slot + 1) & (slots - 1);
	atomic_store_explicit(&table[slot], value, memory_order_release);
}

/* A gone slot before a free one ends no search, so it may be free itself. */
static void clear_slot(_Atomic uint32_t *table, uint32_t slots, size_t slot)
{
	const size_t next = (slot + 1) & (slots - 1);

	if (atomic_load_explicit(&table[next], memory_order_relaxed) != 0) {
		atomic_store_explicit(&table[slot], GONE, memory_order_release);
		return;
	}
	do {
		atomic_store_explicit(&table[slot], 0, memory_order_release);
		slot = (slot - 1) & (slots - 1);
	} while (atomic_load_explicit(&table[slot], memory_order_relaxed) == GONE);
}

static void drop_place(struct bw_index *index, uint32_t number)
{
	const uint64_t hash = index->entries[number - 1].place;

	for (size_t step = 0; step < index->slots; step++) {
		const size_t slot = (size_t)(hash + step) & (index->slots - 1);
		const uint32_t value = atomic_load_explicit(&index->by_place[slot], memory_order_relaxed);

		if (value == 0)
			return;
		if (value == number) {
			clear_slot(index->by_place, index->slots, slot);
			return;
		}
	}
}

static enum bw_err take_entry(struct bw_index *index, uint32_t *out)
{
	struct head *head = index->head;

	if (head->free != 0) {
		*out = head->free;
		head->free = (uint32_t)index->entries[*out - 1].version;
		return BW_OK;
	}
	BW_NEED(head->used < index->room, TOO_MANY);
	*out = ++head->used;
	return BW_OK;
}

static void write_entry(struct entry *at, const struct bw_index_file *file)
{
	const uint32_t turn = atomic_load_explicit(&at->turn, memory_order_relaxed);

	atomic_store_explicit(&at->turn, turn + 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	at->ino = file->key.ino;
	at->gen = file->key.gen;
	at->tree = (uint32_t)file->key.tree;
	at->content = file->content;
	at->place = file->place;
	at->version = file->version & ((UINT64_C(1) << 40) - 1);
	at->volume = file->key.volume & 0xff;
	at->flags = file->flags;
	at->mtime_s = file->mtime_s;
	at->mtime_ns = file->mtime_ns;
	at->live = 1;
	atomic_store_explicit(&at->turn, turn + 2, memory_order_release);
}

enum bw_err bw_index_put(struct bw_index *index, const struct bw_index_file *file)
{
	struct entry entry;
	const size_t slot = find_slot(index, &file->key, 0, &entry);
	uint32_t number;

	if (slot != SIZE_MAX) {
		number = atomic_load_explicit(&index->by_key[slot], memory_order_relaxed);
		if (entry.place != file->place)
			drop_place(index, number);
	} else {
		BW_TRY(take_entry(index, &number));
		index->head->count++;
	}
	write_entry(&index->entries[number - 1], file);
	if (slot == SIZE_MAX)
		put_slot(index->by_key, index->slots, hash_key(index, &file->key), number);
	if (slot == SIZE_MAX || entry.place != file->place)
		put_slot(index->by_place, index->slots, file->place, number);
	return BW_OK;
}

enum bw_err bw_index_remove(struct bw_index *index, const struct bw_file_key *key)
{
	struct entry entry;
	const size_t slot = find_slot(index, key, 0, &entry);
	struct entry *at;
	uint32_t number;

	BW_NEED(slot != SIZE_MAX, NOT_FOUND);
	number = atomic_load_explicit(&index->by_key[slot], memory_order_relaxed);
	at = &index->entries[number - 1];
	clear_slot(index->by_key, index->slots, slot);
	drop_place(index, number);
	atomic_fetch_add_explicit(&at->turn, 1, memory_order_acq_rel);
	at->live = 0;
	at->version = index->head->free;
	atomic_fetch_add_explicit(&at->turn, 1, memory_order_release);
	index->head->free = number;
	index->head->count--;
	return BW_OK;
}
