/* The book's file. It is the guard's own; a person may have edited it. */
#include <stdio.h>

#include "base/num.h"
#include "guard/foreign_book.h"

/* ---- reading ---------------------------------------------------------------------------- */

static enum bw_err take_word(struct bw_slice *line, struct bw_slice *out)
{
	struct bw_slice rest = bw_slice_empty;

	if (!bw_slice_cut(*line, ' ', out, &rest))
		*out = *line;
	BW_NEED(out->len > 0, SYNTAX);
	*line = rest;
	return BW_OK;
}

static enum bw_err take_num(struct bw_slice *line, uint64_t max, uint64_t *out)
{
	struct bw_slice word;

	BW_TRY(take_word(line, &word));
	BW_TRY(bw_parse_u64(word, out));
	BW_NEED(*out <= max, RANGE);
	return BW_OK;
}

static enum bw_err take_time(struct bw_slice *line, int64_t *out)
{
	uint64_t us;

	BW_TRY(take_num(line, INT64_MAX, &us));
	*out = (int64_t)us;
	return BW_OK;
}

static enum bw_err take_text(struct bw_slice text, char *out, size_t max)
{
	BW_NEED(text.len > 0 && text.len <= max && memchr(text.ptr, '\0', text.len) == NULL, SYNTAX);
	memcpy(out, text.ptr, text.len);
	out[text.len] = '\0';
	return BW_OK;
}

static enum bw_err read_place(struct bw_slice line, struct bw_foreign_book *book)
{
	uint64_t number;

	BW_TRY(take_num(&line, BW_FOREIGN_LINES_MAX - 1, &number));
	return take_text(line, book->places[number], BW_FOREIGN_PLACE_BYTES);
}

static enum bw_err read_peer(struct bw_slice line, struct bw_foreign_book *book)
{
	uint64_t number;
	struct bw_foreign_peer *peer;

	BW_TRY(take_num(&line, BW_FOREIGN_PEERS_MAX - 1, &number));
	peer = &book->peers[number];
	BW_NEED(peer->name[0] == '\0', DUPLICATE);
	BW_TRY(take_num(&line, UINT64_MAX, &peer->refused));
	BW_TRY(take_time(&line, &peer->undone_us));
	return take_text(line, peer->name, BW_FOREIGN_PEER_BYTES);
}

static enum bw_err read_times(struct bw_slice *line, struct bw_foreign_entry *entry)
{
	BW_TRY(take_time(line, &entry->modified_us));
	BW_TRY(take_time(line, &entry->until_us));
	return take_time(line, &entry->came_us);
}

static enum bw_err read_item(struct bw_slice line, struct bw_foreign_book *book)
{
	struct bw_foreign_entry entry = { 0 };
	struct bw_slice word;
	uint64_t confidence;
	uint64_t state;
	uint64_t peer;

	BW_TRY(take_num(&line, BW_FOREIGN_PEERS_MAX - 1, &peer));
	BW_NEED(book->peers[peer].name[0] != '\0' && book->peers[peer].count < BW_FOREIGN_PEER_VALUES, RANGE);
	BW_TRY(take_word(&line, &word));
	BW_TRY(take_text(word, entry.id, BW_FOREIGN_ID_BYTES));
	BW_TRY(read_times(&line, &entry));
	BW_TRY(take_num(&line, 100, &confidence));
	BW_TRY(take_num(&line, BW_FOREIGN_STATES - 1, &state));
	BW_TRY(take_word(&line, &word));
	entry.trait = (uint8_t)bw_trait_of(word);
	BW_NEED(entry.trait != BW_TRAIT_NONE, SYNTAX);
	BW_TRY(take_text(line, entry.value, BW_TRAIT_VALUE_BYTES));
	entry.value_len = (uint8_t)line.len;
	entry.peer = (uint8_t)peer;
	entry.confidence = (uint8_t)confidence;
	entry.state = (uint8_t)state;
	return bw_foreign_book_add(book, &entry);
}

static enum bw_err read_line(struct bw_slice line, struct bw_foreign_book *book)
{
	struct bw_slice word;

	if (line.len == 0 || line.ptr[0] == '#')
		return BW_OK;
	BW_TRY(take_word(&line, &word));
	if (bw_slice_is(word, "place"))
		return read_place(line, book);
	if (bw_slice_is(word, "peer"))
		return read_peer(line, book);
	BW_NEED(bw_slice_is(word, "item"), SYNTAX);
	return read_item(line, book);
}

enum bw_err bw_foreign_book_parse(struct bw_slice text, struct bw_foreign_book *out, struct bw_fault *fault)
{
	struct bw_foreign_book book = { 0 };
	const struct bw_slice whole = text;

	while (text.len > 0) {
		struct bw_slice line = text;
		struct bw_slice rest = bw_slice_empty;
		enum bw_err err;

		(void)bw_slice_cut(text, '\n', &line, &rest);
		err = read_line(line, &book);
		if (err != BW_OK) {
			bw_foreign_book_release(&book);
			return bw_fault_set(fault, err, (size_t)(line.ptr - whole.ptr), "no such fact");
		}
		text = rest;
	}
	*out = book;
	return BW_OK;
}

/* ---- writing ------------------------------------------------------------------------------- */

static enum bw_err write_peer(const struct bw_foreign_peer *peer, size_t number, struct bw_buf *out)
{
	if (peer->name[0] == '\0')
		return BW_OK;
	return bw_buf_addf(out, "peer %zu %llu %lld %s\n", number, (unsigned long long)peer->refused,
			   (long long)peer->undone_us, peer->name);
}

static enum bw_err write_item(const struct bw_foreign_entry *entry, struct bw_buf *out)
{
	BW_TRY(bw_buf_addf(out, "item %u %s %lld %lld %lld %u %u %s ", (unsigned)entry->peer, entry->id,
			   (long long)entry->modified_us, (long long)entry->until_us, (long long)entry->came_us,
			   (unsigned)entry->confidence, (unsigned)entry->state,
			   bw_trait_word((enum bw_trait)entry->trait)));
	BW_TRY(bw_buf_add(out, bw_slice_of(entry->value, entry->value_len)));
	return bw_buf_add_u8(out, '\n');
}

enum bw_err bw_foreign_book_write(const struct bw_foreign_book *book, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_text(out, "# what others saw: guard foreign list\n"));
	for (size_t i = 0; i < BW_FOREIGN_LINES_MAX; i++) {
		if (book->places[i][0] != '\0')
			BW_TRY(bw_buf_addf(out, "place %zu %s\n", i, book->places[i]));
	}
	for (size_t i = 0; i < BW_FOREIGN_PEERS_MAX; i++)
		BW_TRY(write_peer(&book->peers[i], i, out));
	for (size_t i = 0; i < book->count; i++)
		BW_TRY(write_item(&book->entries[i], out));
	return BW_OK;
}

/* ---- the file ---------------------------------------------------------------------------------- */

enum bw_err bw_foreign_book_load(const char *data, struct bw_foreign_book *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_FOREIGN_BOOK_BYTES);
	struct bw_fault fault = { 0 };
	char path[BW_PATH_BYTES];
	enum bw_err err;

	*out = (struct bw_foreign_book){ 0 };
	BW_TRY(bw_path_join(path, data, BW_FOREIGN_BOOK));
	if (!bw_file_exists(path))
		return BW_OK;
	BW_TRY(bw_file_read(path, &text, why));
	err = bw_foreign_book_parse(bw_buf_slice(&text), out, &fault);
	if (err != BW_OK)
		return bw_why_set(why, err, "'%s' makes no sense at byte %zu", path, fault.offset);
	return BW_OK;
}

enum bw_err bw_foreign_book_save(const char *data, const struct bw_foreign_book *book, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_FOREIGN_BOOK_BYTES);
	char path[BW_PATH_BYTES];

	BW_TRY(bw_path_join(path, data, BW_FOREIGN_BOOK));
	BW_TRY(bw_foreign_book_write(book, &text));
	return bw_file_write(path, bw_buf_slice(&text), 0600, why);
}
