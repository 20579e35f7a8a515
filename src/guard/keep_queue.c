/* A heap by due time, and a table from keys to its entries. */
#include "guard/keep_queue.h"

#include <stdlib.h>

enum { FIRST_ROOM = 256 };

#define MS UINT64_C(1000000)

struct entry {
	struct entry *next; /* in its chain of the table */
	struct bw_file_key file;
	struct bw_file_key folder;
	uint64_t since_ns;
	uint64_t due_ns;
	size_t place; /* in the heap */
	uint32_t maker;
	bool open;
	bool fresh;
	uint8_t name_len;
	uint8_t name[255];
};

struct bw_queue {
	struct entry **heap;
	struct entry **table; /* `room` chains */
	size_t room;          /* a power of two */
	size_t count;
	size_t fresh; /* of them */
};

/* ---- the heap ------------------------------------------------------------------------ */

static void set(struct bw_queue *queue, size_t place, struct entry *entry)
{
	queue->heap[place] = entry;
	entry->place = place;
}

static void rise(struct bw_queue *queue, struct entry *entry)
{
	size_t place = entry->place;

	while (place > 0 && queue->heap[(place - 1) / 2]->due_ns > entry->due_ns) {
		set(queue, place, queue->heap[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	set(queue, place, entry);
}

static void sink(struct bw_queue *queue, struct entry *entry)
{
	size_t place = entry->place;

	for (;;) {
		size_t child = 2 * place + 1;

		if (child >= queue->count)
			break;
		if (child + 1 < queue->count && queue->heap[child + 1]->due_ns < queue->heap[child]->due_ns)
			child++;
		if (queue->heap[child]->due_ns >= entry->due_ns)
			break;
		set(queue, place, queue->heap[child]);
		place = child;
	}
	set(queue, place, entry);
}

static void settle(struct bw_queue *queue, struct entry *entry)
{
	rise(queue, entry);
	sink(queue, entry);
}

/* ---- the table ------------------------------------------------------------------------- */

/* Keys come from the kernel; who could choose inode numbers freely gains a long chain and nothing else. */
static size_t chain_of(const struct bw_queue *queue, const struct bw_file_key *key)
{
	uint64_t hash = (key->ino ^ key->tree * UINT64_C(0x9e3779b97f4a7c15)) + key->gen +
			((uint64_t)key->volume << 56);

	hash *= UINT64_C(0xbf58476d1ce4e5b9);
	return (size_t)(hash >> 32 ^ hash) & (queue->room - 1);
}

static struct entry **find(const struct bw_queue *queue, const struct bw_file_key *key)
{
	struct entry **at = &queue->table[chain_of(queue, key)];

	while (*at != NULL && !bw_file_key_equals(&(*at)->file, key))
		at = &(*at)->next;
	return at;
}

static enum bw_err grow(struct bw_queue *queue)
{
	const size_t room = 2 * queue->room;
	struct entry **table = calloc(room, sizeof(struct entry *));
	struct entry **heap = realloc(queue->heap, room * sizeof(struct entry *));

	if (heap != NULL)
		queue->heap = heap;
	if (table == NULL || heap == NULL) {
		free(table);
		return BW_ERR_MEMORY;
	}
	free(queue->table);
	queue->table = table;
	queue->room = room;
	for (size_t i = 0; i < queue->count; i++) {
		struct entry **chain = &queue->table[chain_of(queue, &queue->heap[i]->file)];

		queue->heap[i]->next = *chain;
		*chain = queue->heap[i];
	}
	return BW_OK;
}

/* ---- the door ----------------------------------------------------------------------------- */

enum bw_err bw_queue_new(struct bw_queue **out)
{
	struct bw_queue *queue = calloc(1, sizeof(*queue));

	BW_NEED(queue != NULL, MEMORY);
	queue->room = FIRST_ROOM;
	queue->heap = malloc(FIRST_ROOM * sizeof(struct entry *));
	queue->table = calloc(FIRST_ROOM, sizeof(struct entry *));
	if (queue->heap == NULL || queue->table == NULL) {
		bw_queue_free(queue);
		return BW_ERR_MEMORY;
	}
	*out = queue;
	return BW_OK;
}

void bw_queue_free(struct bw_queue *queue)
{
	if (queue == NULL)
		return;
	for (size_t i = 0; i < queue->count; i++)
		free(queue->heap[i]);
	free(queue->heap);
	free(queue->table);
	free(queue);
}

static void name_it(struct entry *entry, const struct bw_file_key *folder, struct bw_slice name)
{
	const size_t len = name.len < sizeof(entry->name) ? name.len : sizeof(entry->name);

	entry->folder = *folder;
	entry->name_len = (uint8_t)len;
	memcpy(entry->name, name.ptr, len);
}

static enum bw_err add(struct bw_queue *queue, const struct bw_queued *item, struct entry **out)
{
	struct entry *entry;
	struct entry **at;

	BW_NEED(queue->count < BW_QUEUE_MAX && (!item->fresh || queue->fresh < BW_QUEUE_FRESH_MAX), TOO_MANY);
	if (queue->count == queue->room)
		BW_TRY(grow(queue));
	entry = calloc(1, sizeof(*entry));
	BW_NEED(entry != NULL, MEMORY);
	entry->file = item->file;
	entry->since_ns = item->since_ns;
	entry->due_ns = UINT64_MAX;
	entry->open = !item->fresh; /* until its close is noted below */
	entry->fresh = item->fresh;
	queue->fresh += item->fresh;
	at = find(queue, &item->file);
	*at = entry;
	set(queue, queue->count++, entry);
	*out = entry;
	return BW_OK;
}

/* Closed: quiet for a while, but never later than `most` after the first change, nor than it was due already. */
static uint64_t due_after(const struct entry *entry, const struct bw_queued *item)
{
	const uint64_t most = entry->since_ns + (entry->fresh ? BW_QUEUE_FRESH_MS : BW_QUEUE_MOST_MS) * MS;
	const uint64_t quiet = item->since_ns + BW_QUEUE_QUIET_MS * MS;

	if (entry->fresh)
		return entry->due_ns < most ? entry->due_ns : most;
	if (item->open) {
		const uint64_t open = entry->since_ns + BW_QUEUE_OPEN_MS * MS;

		return entry->due_ns < open ? entry->due_ns : open;
	}
	if (!entry->open)
		return quiet < most ? quiet : most;
	return quiet < entry->due_ns ? quiet : entry->due_ns;
}

enum bw_err bw_queue_put(struct bw_queue *queue, const struct bw_queued *item)
{
	struct entry *entry = *find(queue, &item->file);

	if (entry == NULL)
		BW_TRY(add(queue, item, &entry));
	entry->due_ns = due_after(entry, item);
	if (!item->open && entry->open) {
		/* the window of a file that was open counts from its close: only then was there a version to lose */
		entry->open = false;
		entry->since_ns = item->since_ns;
	}
	entry->maker = item->maker;
	name_it(entry, &item->folder, item->name);
	settle(queue, entry);
	return BW_OK;
}

enum bw_err bw_queue_move(struct bw_queue *queue, const struct bw_file_key *file, const struct bw_file_key *folder,
			  struct bw_slice name)
{
	struct entry *entry = *find(queue, file);

	BW_NEED(name.len <= sizeof(entry->name), TOO_BIG);
	if (entry != NULL)
		name_it(entry, folder, name);
	return BW_OK;
}

bool bw_queue_drop(struct bw_queue *queue, const struct bw_file_key *file)
{
	struct entry **at = find(queue, file);
	struct entry *entry = *at;
	struct entry *last;

	if (entry == NULL)
		return false;
	*at = entry->next;
	queue->fresh -= entry->fresh;
	last = queue->heap[--queue->count];
	if (last != entry) {
		set(queue, entry->place, last);
		settle(queue, last);
	}
	free(entry);
	return true;
}

void bw_queue_hurry(struct bw_queue *queue)
{
	for (size_t i = 0; i < queue->count; i++) {
		if (queue->heap[i]->fresh)
			queue->heap[i]->due_ns = queue->heap[i]->since_ns;
	}
	for (size_t i = queue->count / 2; i-- > 0;)
		sink(queue, queue->heap[i]);
}

size_t bw_queue_fresh(const struct bw_queue *queue)
{
	return queue->fresh;
}

bool bw_queue_has(const struct bw_queue *queue, const struct bw_file_key *file)
{
	return *find(queue, file) != NULL;
}

static void give(const struct entry *entry, struct bw_queued *out)
{
	*out = (struct bw_queued){ .file = entry->file,
				   .folder = entry->folder,
				   .name = bw_slice_of(entry->name, entry->name_len),
				   .since_ns = entry->since_ns,
				   .maker = entry->maker,
				   .open = entry->open,
				   .fresh = entry->fresh };
}

bool bw_queue_get(const struct bw_queue *queue, const struct bw_file_key *file, struct bw_queued *out)
{
	const struct entry *entry = *find(queue, file);

	if (entry != NULL)
		give(entry, out);
	return entry != NULL;
}

bool bw_queue_due(const struct bw_queue *queue, uint64_t now_ns, struct bw_queued *out)
{
	const struct entry *first = queue->count > 0 ? queue->heap[0] : NULL;

	if (first == NULL || first->due_ns > now_ns)
		return false;
	give(first, out);
	return true;
}

/* Children are due after their parents: the next one is always below one that was given already, or the top. */
size_t bw_queue_first(const struct bw_queue *queue, uint64_t now_ns, struct bw_file_key *out, size_t most)
{
	size_t open[BW_QUEUE_FIRST_MAX + 1] = { 0 };
	size_t opened = queue->count > 0 ? 1 : 0;
	size_t count = 0;

	while (opened > 0 && count < most && count < BW_QUEUE_FIRST_MAX) {
		size_t best = 0;
		size_t place;

		for (size_t i = 1; i < opened; i++) {
			if (queue->heap[open[i]]->due_ns < queue->heap[open[best]]->due_ns)
				best = i;
		}
		place = open[best];
		if (queue->heap[place]->due_ns > now_ns)
			break;
		out[count++] = queue->heap[place]->file;
		open[best] = open[--opened];
		for (size_t child = 2 * place + 1; child <= 2 * place + 2 && child < queue->count; child++)
			open[opened++] = child;
	}
	return count;
}

uint64_t bw_queue_next_ns(const struct bw_queue *queue)
{
	return queue->count > 0 ? queue->heap[0]->due_ns : UINT64_MAX;
}

size_t bw_queue_count(const struct bw_queue *queue)
{
	return queue->count;
}

uint64_t bw_queue_oldest_ns(const struct bw_queue *queue, uint64_t now_ns)
{
	uint64_t oldest = now_ns;

	for (size_t i = 0; i < queue->count; i++) {
		if (!queue->heap[i]->open && queue->heap[i]->since_ns < oldest)
			oldest = queue->heap[i]->since_ns;
	}
	return now_ns - oldest;
}
