#include "store/search.h"

#include "base/text.h"
#include "store/index.h"
#include "store/terms.h"

enum { CANDIDATES_PER_HIT = 8, WORDS_MAX = 32 };

struct hunt {
	struct bw_store *store;
	const struct bw_search *search;
	struct bw_arena *arena;
	struct bw_found *found;
	uint64_t rows;
	bool exact;
};

/* ---- one row as an answer ------------------------------------------------------------- */

static enum bw_err copy_row(struct bw_arena *arena, const struct bw_entry *entry, int64_t added_us, struct bw_row *out)
{
	out->date_added_us = added_us;
	out->spec_major = 2;
	out->spec_minor = (entry->flags & BW_CAT_SPEC20) != 0 ? 0 : 1;
	BW_TRY(bw_arena_copy(arena, entry->id, &out->id));
	BW_TRY(bw_arena_copy(arena, entry->version, &out->version));
	return bw_arena_copy(arena, entry->body, &out->body);
}

static bool collection_asked(const struct bw_search *search, uint16_t collection)
{
	for (size_t i = 0; i < search->collection_count; i++) {
		if (search->collections[i] == collection)
			return true;
	}
	return search->collection_count == 0;
}

static bool is_hit_already(const struct bw_found *found, int64_t added_us)
{
	for (size_t i = 0; i < found->count; i++) {
		if (found->hits[i].row.date_added_us == added_us)
			return true;
	}
	return false;
}

static enum bw_err add_hit(struct hunt *hunt, int64_t row)
{
	struct bw_found *found = hunt->found;
	const int64_t added_us = hunt->store->cat.added[row];
	struct bw_entry entry;
	enum bw_err err;

	if (is_hit_already(found, added_us))
		return BW_OK;
	if (found->count == hunt->search->limit) {
		found->more = true;
		return BW_OK;
	}
	err = bw_entry_full(hunt->store, (uint64_t)row, &entry);
	if (err == BW_ERR_NOT_FOUND) /* deleted in between */
		return BW_OK;
	BW_TRY(err);
	BW_TRY(copy_row(hunt->arena, &entry, added_us, &found->hits[found->count].row));
	found->hits[found->count].collection = hunt->store->cat.collection[row];
	found->hits[found->count].exact = hunt->exact;
	found->count++;
	return BW_OK;
}

/* The current version, in a collection asked for: its row, or BW_CAT_NONE. */
static int64_t current_row(const struct hunt *hunt, int64_t added_us)
{
	const struct bw_catalogue *cat = &hunt->store->cat;
	const int64_t row = bw_cat_at(cat, added_us, hunt->rows);

	if (row == BW_CAT_NONE || (cat->flags[row] & BW_CAT_GONE) != 0 || (cat->flags[row] & BW_CAT_LAST) == 0)
		return BW_CAT_NONE;
	return collection_asked(hunt->search, cat->collection[row]) ? row : BW_CAT_NONE;
}

/* ---- by id -------------------------------------------------------------------------------- */

static enum bw_err by_id(struct hunt *hunt, struct bw_slice id)
{
	int64_t row;

	BW_TRY(bw_entry_find(hunt->store, id, hunt->rows, &row));
	for (; row != BW_CAT_NONE; row = bw_cat_before(&hunt->store->cat, row)) {
		if (current_row(hunt, hunt->store->cat.added[row]) != BW_CAT_NONE)
			BW_TRY(add_hit(hunt, row));
	}
	return BW_OK;
}

/* ---- by value ------------------------------------------------------------------------------ */

static bool equals_nocase(struct bw_slice a, struct bw_slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (bw_to_lower(a.ptr[i]) != bw_to_lower(b.ptr[i]))
			return false;
	}
	return true;
}

static enum bw_err has_value(struct bw_store *store, uint64_t row, struct bw_slice value, bool *out)
{
	struct bw_terms terms;
	struct bw_slice term;
	const enum bw_err err = bw_entry_terms(store, row, &store->terms);

	*out = false;
	if (err == BW_ERR_NOT_FOUND || store->terms.len == 0)
		return err == BW_ERR_NOT_FOUND ? BW_OK : err;
	BW_TRY(err);
	BW_TRY(bw_terms_open(bw_buf_slice(&store->terms), &terms));
	while (!*out && bw_terms_value(&terms, &term))
		*out = equals_nocase(term, value);
	return BW_OK;
}

static enum bw_err by_value(struct hunt *hunt, struct bw_index *index, struct bw_slice value)
{
	int64_t *dates;
	size_t count;

	BW_TRY(bw_runs_find(index->db, bw_value_hash(hunt->store, value), hunt->arena,
			    (size_t)hunt->search->limit * CANDIDATES_PER_HIT, &dates, &count));
	for (size_t i = count; i-- > 0 && !hunt->found->more;) {
		const int64_t row = current_row(hunt, dates[i]);
		bool has;

		if (row == BW_CAT_NONE)
			continue;
		BW_TRY(has_value(hunt->store, (uint64_t)row, value, &has));
		if (has)
			BW_TRY(add_hit(hunt, row));
	}
	return BW_OK;
}

/* "hxxps://bad[.]example" as people write it to be safe: back to the value itself. */
static enum bw_err refang(struct bw_slice text, struct bw_buf *out)
{
	size_t at = 0;

	if (text.len > 4 && bw_to_lower(text.ptr[0]) == 'h' && equals_nocase(bw_slice_sub(text, 1, 2), BW_LIT("xx")) &&
	    bw_to_lower(text.ptr[3]) == 'p') {
		BW_TRY(bw_buf_add_text(out, "http"));
		at = 4;
	}
	while (at < text.len) {
		const struct bw_slice rest = bw_slice_from(text, at);

		if (bw_slice_starts(rest, BW_LIT("[.]")) || bw_slice_starts(rest, BW_LIT("(.)")) ||
		    bw_slice_starts(rest, BW_LIT("[:]")) || bw_slice_starts(rest, BW_LIT("[@]"))) {
			BW_TRY(bw_buf_add_u8(out, rest.ptr[1]));
			at += 3;
		} else {
			BW_TRY(bw_buf_add_u8(out, rest.ptr[0]));
			at++;
		}
	}
	return BW_OK;
}

/* ---- by words ------------------------------------------------------------------------------- */

/*
 * How many bytes at the front stand between words, 0 when none do: as the
 * index's tokenizer sees it, for ASCII and the usual punctuation beyond.
 */
static size_t separator(struct bw_slice text)
{
	const uint8_t c = text.ptr[0];

	if (c < 0x80)
		return bw_is_alnum(c) ? 0 : 1;
	if (c == 0xc2 && text.len >= 2 && text.ptr[1] <= 0xbf && text.ptr[1] != 0xaa && text.ptr[1] != 0xb5)
		return 2; /* U+0080 to U+00BF but for the letters among them */
	if (text.len >= 3 &&
	    ((c == 0xe2 && (text.ptr[1] == 0x80 || text.ptr[1] == 0x81)) || (c == 0xe3 && text.ptr[1] == 0x80)))
		return 3; /* general and CJK punctuation */
	return 0;
}

/* Every word in quotes, so that nothing of the text is taken for query syntax; all must occur. */
static enum bw_err match_text(struct bw_slice text, struct bw_buf *out)
{
	struct bw_slice rest = text;
	bool in_word = false;
	size_t words = 0;

	while (rest.len > 0) {
		const size_t between = separator(rest);

		if (between > 0 && in_word)
			BW_TRY(bw_buf_add_u8(out, '"'));
		if (between == 0 && !in_word) {
			if (++words > WORDS_MAX)
				return BW_OK;
			BW_TRY(bw_buf_add_text(out, words == 1 ? "\"" : " \""));
		}
		if (between == 0)
			BW_TRY(bw_buf_add_u8(out, rest.ptr[0]));
		in_word = between == 0;
		rest = bw_slice_from(rest, between == 0 ? 1 : between);
	}
	return in_word ? bw_buf_add_u8(out, '"') : BW_OK;
}

static bool contains_nocase(struct bw_slice text, struct bw_slice part)
{
	for (size_t at = 0; part.len <= text.len && at <= text.len - part.len; at++) {
		if (equals_nocase(bw_slice_sub(text, at, part.len), part))
			return true;
	}
	return false;
}

static bool is_gap(uint8_t c) /* quotes around words mean nothing more than the words */
{
	return c <= ' ' || c == '"';
}

/* Takes the next stretch without blanks; `splits` when the tokenizer makes several words of it. */
static bool next_stretch(struct bw_slice *rest, struct bw_slice *out, bool *splits)
{
	size_t len = 0;

	while (rest->len > 0 && is_gap(rest->ptr[0]))
		*rest = bw_slice_from(*rest, 1);
	*splits = false;
	while (len < rest->len && !is_gap(rest->ptr[len])) {
		*splits = *splits || (rest->ptr[len] < 0x80 && !bw_is_alnum(rest->ptr[len]));
		len++;
	}
	*out = bw_slice_sub(*rest, 0, len);
	*rest = bw_slice_from(*rest, len);
	return len > 0;
}

/*
 * The index keeps no positions: "198.51.100.3" or "zero-day" match as an AND of their
 * parts. The row decides whether they are there as written.
 */
static enum bw_err has_words(struct bw_store *store, uint64_t row, struct bw_slice text, bool *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf lines = BW_BUF_INIT(64 * BW_MIB);
	struct bw_slice rest = text;
	struct bw_slice stretch;
	bool splits;
	const enum bw_err err = bw_entry_terms(store, row, &store->terms);

	*out = false;
	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	BW_TRY(bw_terms_text(bw_buf_slice(&store->terms), &lines));
	*out = true;
	while (*out && next_stretch(&rest, &stretch, &splits))
		*out = !splits || contains_nocase(bw_buf_slice(&lines), stretch);
	return BW_OK;
}

static enum bw_err take_words(struct hunt *hunt, sqlite3_stmt *stmt)
{
	const size_t looks = (size_t)hunt->search->limit * CANDIDATES_PER_HIT;
	bool found = false;

	for (size_t i = 0; !hunt->found->more; i++) {
		const enum bw_err err = bw_sql_row(stmt, &found);
		int64_t row;
		bool has;

		/* a word that the tokenizer splits where we do not is a phrase, and needs positions: no match */
		if (err == BW_ERR_SYSTEM || (err == BW_OK && !found))
			return BW_OK;
		BW_TRY(err);
		if (i > looks) {
			hunt->found->more = true;
			return BW_OK;
		}
		row = current_row(hunt, sqlite3_column_int64(stmt, 0));
		if (row == BW_CAT_NONE)
			continue;
		BW_TRY(has_words(hunt->store, (uint64_t)row, hunt->search->text, &has));
		if (has)
			BW_TRY(add_hit(hunt, row));
	}
	return BW_OK;
}

static enum bw_err by_words(struct hunt *hunt, struct bw_index *index)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	BW_CLEANUP(bw_buf_release) struct bw_buf match = BW_BUF_INIT((size_t)4 * BW_SEARCH_TEXT_MAX);

	BW_TRY(match_text(hunt->search->text, &match));
	if (match.len == 0)
		return BW_OK;
	BW_TRY(bw_sql_prepare(index->db, "SELECT rowid FROM word WHERE word MATCH ? ORDER BY rowid DESC", &stmt));
	bw_sql_bind_text(stmt, 1, bw_buf_slice(&match));
	return take_words(hunt, stmt);
}

/* ---- all -------------------------------------------------------------------------------------- */

static enum bw_err in_index(struct hunt *hunt, struct bw_slice trimmed)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf plain = BW_BUF_INIT(BW_SEARCH_TEXT_MAX);
	struct bw_index *index;
	const enum bw_err err = bw_index_open(hunt->store, false, &index);

	if (err == BW_ERR_NOT_FOUND) /* nothing indexed yet */
		return BW_OK;
	BW_TRY(err);
	BW_TRY(by_value(hunt, index, trimmed));
	BW_TRY(refang(trimmed, &plain));
	if (!bw_slice_equals(bw_buf_slice(&plain), trimmed))
		BW_TRY(by_value(hunt, index, bw_buf_slice(&plain)));
	hunt->exact = false;
	return by_words(hunt, index);
}

enum bw_err bw_store_search(struct bw_store *store, const struct bw_search *search, struct bw_arena *arena,
			    struct bw_found *out)
{
	const struct bw_slice trimmed = bw_slice_trim(search->text);
	struct bw_found found = { 0 };
	struct hunt hunt = { .store = store, .search = search, .arena = arena, .found = &found, .exact = true };
	enum bw_err err;

	BW_NEED(search->limit >= 1 && search->limit <= BW_SEARCH_LIMIT_MAX, RANGE);
	BW_NEED(search->text.len <= BW_SEARCH_TEXT_MAX, TOO_BIG);
	hunt.rows = bw_cat_published(&store->cat);
	found.hits = bw_arena_zero(arena, search->limit, sizeof(*found.hits));
	BW_NEED(found.hits != NULL, MEMORY);
	err = trimmed.len == 0 ? BW_OK : by_id(&hunt, trimmed);
	if (err == BW_OK && trimmed.len > 0)
		err = in_index(&hunt, trimmed);
	bw_entry_done(store);
	BW_TRY(err);
	*out = found;
	return BW_OK;
}

enum bw_err bw_store_show(struct bw_store *store, struct bw_slice id, struct bw_arena *arena, struct bw_shown **out,
			  size_t *out_count)
{
	const struct bw_catalogue *cat = &store->cat;
	const uint64_t rows = bw_cat_published(cat);
	struct bw_shown *list;
	int64_t newest;
	size_t length = 0;
	size_t at;

	BW_TRY(bw_entry_find(store, id, rows, &newest));
	bw_entry_done(store);
	for (int64_t row = newest; row != BW_CAT_NONE; row = bw_cat_before(cat, row))
		length++;
	BW_NEED(length > 0, NOT_FOUND);
	list = bw_arena_zero(arena, length, sizeof(*list));
	BW_NEED(list != NULL, MEMORY);
	at = length;
	for (int64_t row = newest; row != BW_CAT_NONE; row = bw_cat_before(cat, row)) {
		struct bw_entry entry;
		enum bw_err err;

		if ((cat->flags[row] & BW_CAT_GONE) != 0)
			continue;
		err = bw_entry_full(store, (uint64_t)row, &entry);
		if (err == BW_ERR_NOT_FOUND)
			continue;
		BW_TRY(err);
		at--;
		list[at].collection = cat->collection[row];
		list[at].last = (cat->flags[row] & BW_CAT_LAST) != 0;
		list[at].revoked = (cat->flags[row] & BW_CAT_REVOKED) != 0;
		BW_TRY(copy_row(arena, &entry, cat->added[row], &list[at].row));
		bw_entry_done(store);
	}
	BW_NEED(at < length, NOT_FOUND);
	*out = list + at;
	*out_count = length - at;
	return BW_OK;
}
