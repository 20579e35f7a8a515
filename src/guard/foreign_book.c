#include "guard/foreign_book.h"

#include <stdio.h>
#include <stdlib.h>

void bw_foreign_book_release(struct bw_foreign_book *book)
{
	free(book->entries);
	*book = (struct bw_foreign_book){ 0 };
}

/* ---- peers ------------------------------------------------------------------------- */

static size_t find_peer(const struct bw_foreign_book *book, struct bw_slice name)
{
	size_t i = 0;

	while (i < BW_FOREIGN_PEERS_MAX && !bw_slice_is(name, book->peers[i].name))
		i++;
	return i;
}

/* Who has neither entries nor was undone gives way to somebody new. BW_FOREIGN_PEERS_MAX: there are too many. */
static size_t peer_for(struct bw_foreign_book *book, struct bw_slice name)
{
	size_t i = find_peer(book, name);

	if (i < BW_FOREIGN_PEERS_MAX)
		return i;
	for (i = 0; i < BW_FOREIGN_PEERS_MAX; i++) {
		struct bw_foreign_peer *peer = &book->peers[i];

		if (peer->count > 0 || peer->undone_us != 0)
			continue;
		*peer = (struct bw_foreign_peer){ 0 };
		memcpy(peer->name, name.ptr, name.len);
		return i;
	}
	return BW_FOREIGN_PEERS_MAX;
}

/* ---- entries ------------------------------------------------------------------------- */

static enum bw_err grow(struct bw_foreign_book *book)
{
	const size_t cap = book->cap == 0 ? 64 : 2 * book->cap;
	struct bw_foreign_entry *entries;

	if (book->count < book->cap)
		return BW_OK;
	entries = realloc(book->entries, cap * sizeof(*entries));
	BW_NEED(entries != NULL, MEMORY);
	book->entries = entries;
	book->cap = cap;
	return BW_OK;
}

static bool is_of(const struct bw_foreign_entry *entry, size_t peer, struct bw_slice id)
{
	return entry->peer == peer && bw_slice_is(id, entry->id);
}

/* The time of the version that is known; -1: none. */
static int64_t known_us(const struct bw_foreign_book *book, size_t peer, struct bw_slice id)
{
	for (size_t i = 0; i < book->count; i++) {
		if (is_of(&book->entries[i], peer, id))
			return book->entries[i].modified_us;
	}
	return -1;
}

/* Which entries go: those of a peer (and an indicator of his, unless that is empty), and those that ended by then. */
struct going {
	size_t peer;
	struct bw_slice id;
	int64_t ended_us;
};

static bool goes(const struct bw_foreign_entry *entry, const struct going *which)
{
	if (which->peer == BW_FOREIGN_PEERS_MAX)
		return entry->until_us <= which->ended_us;
	return which->id.len == 0 ? entry->peer == which->peer : is_of(entry, which->peer, which->id);
}

static bool drop(struct bw_foreign_book *book, const struct going *which)
{
	const size_t before = book->count;
	size_t kept = 0;

	for (size_t i = 0; i < before; i++) {
		if (goes(&book->entries[i], which))
			book->peers[book->entries[i].peer].count--;
		else if (kept++ < i)
			book->entries[kept - 1] = book->entries[i];
	}
	book->count = kept;
	return kept != before;
}

enum bw_err bw_foreign_book_add(struct bw_foreign_book *book, const struct bw_foreign_entry *entry)
{
	if (book->peers[entry->peer].count >= BW_FOREIGN_PEER_VALUES) {
		book->peers[entry->peer].refused++;
		return BW_OK;
	}
	BW_TRY(grow(book));
	book->entries[book->count++] = *entry;
	book->peers[entry->peer].count++;
	return BW_OK;
}

/* ---- news ------------------------------------------------------------------------------- */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* What is known of a value here holds for the next version of its indicator too: it is looked for without a gap. */
struct known {
	bool is_checked;
	uint8_t state;
};

static void remember(const struct bw_foreign_book *book, struct bw_foreign_item item, size_t peer,
		     struct known out[BW_INDICATOR_VALUES_MAX])
{
	for (size_t n = 0; n < item.count; n++) {
		struct bw_trait_value value;

		out[n] = (struct known){ 0 };
		if (bw_foreign_value_next(&item, &value) != BW_OK)
			continue;
		for (size_t i = 0; i < book->count; i++) {
			const struct bw_foreign_entry *entry = &book->entries[i];

			if (is_of(entry, peer, item.id) && entry->trait == value.trait &&
			    bw_slice_is(value.text, entry->value))
				out[n] = (struct known){ entry->is_checked, entry->state };
		}
	}
}

static enum bw_err add_values(struct bw_foreign_book *book, struct bw_foreign_item *item, size_t peer, int64_t now_us,
			      const struct known known[BW_INDICATOR_VALUES_MAX])
{
	struct bw_foreign_entry entry = { .peer = (uint8_t)peer,
					  .confidence = item->confidence,
					  .modified_us = item->modified_us,
					  .until_us = earlier(item->until_us, now_us + BW_FOREIGN_LASTS_US),
					  .came_us = now_us };

	if (item->until_us == INT64_MAX)
		entry.until_us = now_us + BW_FOREIGN_USUAL_US;
	memcpy(entry.id, item->id.ptr, item->id.len);
	for (size_t i = 0; i < item->count; i++) {
		struct bw_trait_value value;

		BW_TRY(bw_foreign_value_next(item, &value));
		entry.trait = (uint8_t)value.trait;
		entry.is_checked = known[i].is_checked;
		entry.state = known[i].state;
		entry.value_len = (uint8_t)value.text.len;
		memset(entry.value, 0, sizeof(entry.value));
		memcpy(entry.value, value.text.ptr, value.text.len);
		BW_TRY(bw_foreign_book_add(book, &entry));
	}
	return BW_OK;
}

static enum bw_err take_item(struct bw_foreign_book *book, struct bw_foreign_item *item, int64_t now_us, bool *changed)
{
	const size_t peer = peer_for(book, item->peer);
	struct known values[BW_INDICATOR_VALUES_MAX] = { 0 };
	int64_t known;

	if (peer == BW_FOREIGN_PEERS_MAX || book->peers[peer].undone_us != 0)
		return BW_OK;
	book->peers[peer].refused += item->refused;
	known = known_us(book, peer, item->id);
	if (known >= item->modified_us)
		return BW_OK;
	if (known >= 0)
		remember(book, *item, peer, values);
	if (known >= 0)
		(void)drop(book, &(struct going){ .peer = peer, .id = item->id });
	*changed = *changed || known >= 0;
	if (item->is_gone || item->until_us <= now_us)
		return BW_OK;
	*changed = *changed || item->count > 0;
	return add_values(book, item, peer, now_us, values);
}

enum bw_err bw_foreign_book_take(struct bw_foreign_book *book, struct bw_slice body, int64_t now_us, bool *changed)
{
	struct bw_foreign_news news;
	struct bw_foreign_item item;

	BW_TRY(bw_foreign_news_parse(body, &news));
	for (size_t i = 0; i < news.count; i++) {
		BW_TRY(bw_foreign_item_next(&news, &item));
		BW_TRY(take_item(book, &item, now_us, changed));
	}
	if (news.place.len > 0) {
		memset(book->places[news.line], 0, sizeof(book->places[news.line]));
		memcpy(book->places[news.line], news.place.ptr, news.place.len);
	}
	return BW_OK;
}

bool bw_foreign_book_expire(struct bw_foreign_book *book, int64_t now_us)
{
	return drop(book, &(struct going){ .peer = BW_FOREIGN_PEERS_MAX, .id = bw_slice_empty, .ended_us = now_us });
}

bool bw_foreign_book_mark(struct bw_foreign_book *book, enum bw_trait trait, struct bw_slice value,
			  enum bw_foreign_state state)
{
	bool changed = false;

	for (size_t i = 0; i < book->count; i++) {
		struct bw_foreign_entry *entry = &book->entries[i];

		if (entry->trait != trait || entry->state >= state || !bw_slice_is(value, entry->value))
			continue;
		entry->state = (uint8_t)state;
		changed = true;
	}
	return changed;
}

/* ---- undoing --------------------------------------------------------------------------------- */

enum bw_err bw_foreign_book_undo(struct bw_foreign_book *book, struct bw_slice name, int64_t now_us)
{
	const size_t peer = name.len > 0 ? find_peer(book, name) : BW_FOREIGN_PEERS_MAX;

	BW_NEED(peer < BW_FOREIGN_PEERS_MAX, NOT_FOUND);
	book->peers[peer].undone_us = now_us;
	(void)drop(book, &(struct going){ .peer = peer, .id = bw_slice_empty });
	return BW_OK;
}

enum bw_err bw_foreign_book_accept(struct bw_foreign_book *book, struct bw_slice name)
{
	const size_t peer = name.len > 0 ? find_peer(book, name) : BW_FOREIGN_PEERS_MAX;

	BW_NEED(peer < BW_FOREIGN_PEERS_MAX, NOT_FOUND);
	book->peers[peer].undone_us = 0;
	/* what was passed by while he was undone comes again from the beginning */
	memset(book->places, 0, sizeof(book->places));
	return BW_OK;
}

/* ---- the set ------------------------------------------------------------------------------------ */

static bool is_in(const struct bw_foreign_entry *entry, enum bw_foreign_set which)
{
	const bool is_name = entry->trait == BW_TRAIT_NAME || entry->trait == BW_TRAIT_ENDING;

	if (entry->state == BW_FOREIGN_OWN)
		return false;
	if (which == BW_FOREIGN_FOR_WITNESS)
		return is_name && !entry->is_checked;
	return is_name ? entry->is_checked : entry->trait == BW_TRAIT_ADDRESS || entry->trait == BW_TRAIT_HARM;
}

enum { NOTE_BYTES = BW_FOREIGN_PEER_BYTES + 1 + BW_FOREIGN_ID_BYTES };

static size_t fill(const struct bw_foreign_book *book, enum bw_foreign_set which, struct bw_exact_value *values,
		   char (*notes)[NOTE_BYTES + 1])
{
	size_t n = 0;

	for (size_t i = 0; i < book->count; i++) {
		const struct bw_foreign_entry *entry = &book->entries[i];

		if (!is_in(entry, which))
			continue;
		(void)snprintf(notes[n], sizeof(notes[n]), "%s\x1f%s", book->peers[entry->peer].name, entry->id);
		values[n] = (struct bw_exact_value){ (enum bw_trait)entry->trait,
						     bw_slice_of(entry->value, entry->value_len),
						     bw_slice_text(notes[n]) };
		n++;
	}
	return n;
}

enum bw_err bw_foreign_book_set(const struct bw_foreign_book *book, enum bw_foreign_set which, struct bw_buf *out,
				size_t *count)
{
	struct bw_exact_value *values = calloc(book->count + 1, sizeof(*values));
	char(*notes)[NOTE_BYTES + 1] = calloc(book->count + 1, sizeof(*notes));
	enum bw_err err = BW_ERR_MEMORY;

	if (values != NULL && notes != NULL) {
		*count = fill(book, which, values, notes);
		err = bw_exact_write(values, *count, out);
	}
	free(values);
	free(notes);
	return err;
}

void bw_foreign_book_check(struct bw_foreign_book *book, const struct bw_exact *asked)
{
	struct bw_exact_found found;

	for (size_t i = 0; i < book->count; i++) {
		struct bw_foreign_entry *entry = &book->entries[i];

		if (!entry->is_checked && bw_exact_find(asked, (enum bw_trait)entry->trait,
							bw_slice_of(entry->value, entry->value_len), &found))
			entry->is_checked = true;
	}
}
