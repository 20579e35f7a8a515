#include "guard/bait_book.h"

#include <stdlib.h>

#include "base/num.h"
#include "base/text.h"

enum { ARENA_BYTES = (BW_BAITS_MAX + BW_BAIT_RESTS_MAX) * (BW_PATH_BYTES + 64) };

#define DAY_US (INT64_C(86400) * 1000000)

static const char place[] = "guard/bait";

enum bw_err bw_bait_book_init(struct bw_bait_book *out)
{
	struct bw_bait_book book = { .arena = BW_ARENA_INIT(ARENA_BYTES) };

	book.baits = calloc(BW_BAITS_MAX, sizeof(*book.baits));
	book.rests = calloc(BW_BAIT_RESTS_MAX, sizeof(*book.rests));
	if (book.baits == NULL || book.rests == NULL) {
		bw_bait_book_release(&book);
		return BW_ERR_MEMORY;
	}
	*out = book;
	return BW_OK;
}

void bw_bait_book_release(struct bw_bait_book *book)
{
	bw_arena_release(&book->arena);
	free(book->baits);
	free(book->rests);
	*book = (struct bw_bait_book){ .arena = BW_ARENA_INIT(ARENA_BYTES) };
}

bool bw_bait_path_fits(struct bw_slice path)
{
	if (path.len == 0 || path.len >= BW_PATH_BYTES || path.ptr[0] != '/')
		return false;
	for (size_t i = 0; i < path.len; i++) {
		if (path.ptr[i] < ' ' || path.ptr[i] == 0x7f)
			return false;
	}
	return true;
}

/* ---- changing ----------------------------------------------------------------------------------------- */

static enum bw_err keep_path(struct bw_bait_book *book, struct bw_slice path, const char **out)
{
	struct bw_slice copy;

	BW_NEED(bw_bait_path_fits(path), SYNTAX);
	BW_TRY(bw_arena_copy(&book->arena, path, &copy));
	*out = (const char *)copy.ptr;
	return BW_OK;
}

enum bw_err bw_bait_book_add(struct bw_bait_book *book, const struct bw_bait *bait)
{
	struct bw_bait row = *bait;

	BW_NEED(book->count < BW_BAITS_MAX, TOO_MANY);
	row.key.volume = 0;
	BW_TRY(keep_path(book, bw_slice_text(bait->path), &row.path));
	book->baits[book->count++] = row;
	return BW_OK;
}

void bw_bait_book_drop(struct bw_bait_book *book, size_t which)
{
	book->count--;
	memmove(&book->baits[which], &book->baits[which + 1], (book->count - which) * sizeof(*book->baits));
}

static struct bw_bait_rest *rest_of(const struct bw_bait_book *book, struct bw_slice folder)
{
	for (size_t i = 0; i < book->rest_count; i++) {
		if (bw_slice_is(folder, book->rests[i].path))
			return &book->rests[i];
	}
	return NULL;
}

static struct bw_bait_rest *oldest(struct bw_bait_book *book)
{
	struct bw_bait_rest *found = &book->rests[0];

	for (size_t i = 1; i < book->rest_count; i++) {
		if (book->rests[i].when_us < found->when_us)
			found = &book->rests[i];
	}
	return found;
}

enum bw_err bw_bait_book_rest(struct bw_bait_book *book, struct bw_slice folder, int64_t now_us)
{
	struct bw_bait_rest *rest = rest_of(book, folder);
	const char *path;

	if (rest != NULL) {
		rest->when_us = now_us;
		return BW_OK;
	}
	BW_TRY(keep_path(book, folder, &path));
	rest = book->rest_count < BW_BAIT_RESTS_MAX ? &book->rests[book->rest_count++] : oldest(book);
	*rest = (struct bw_bait_rest){ now_us, path };
	return BW_OK;
}

bool bw_bait_book_rests(const struct bw_bait_book *book, struct bw_slice folder, int64_t now_us)
{
	const struct bw_bait_rest *rest = rest_of(book, folder);

	/* a clock that was set back makes nobody wait for ever */
	return rest != NULL && rest->when_us <= now_us && now_us - rest->when_us < BW_BAIT_REST_DAYS * DAY_US;
}

/* ---- the text ------------------------------------------------------------------------------------------- */

static enum bw_err take_number(struct bw_slice *rest, uint64_t *out)
{
	struct bw_slice word;

	BW_NEED(bw_slice_cut(*rest, ' ', &word, rest), SYNTAX);
	/* one way to write a number: what is read is written again as it was */
	BW_NEED(word.len == 1 || (word.len > 0 && word.ptr[0] != '0'), SYNTAX);
	return bw_parse_u64(word, out);
}

static enum bw_err take_u32(struct bw_slice *rest, uint32_t *out)
{
	uint64_t value;

	BW_TRY(take_number(rest, &value));
	return bw_to_u32(value, out);
}

static enum bw_err take_time(struct bw_slice *rest, int64_t *out)
{
	uint64_t value;

	BW_TRY(take_number(rest, &value));
	BW_NEED(value <= INT64_MAX, RANGE);
	*out = (int64_t)value;
	return BW_OK;
}

/* Files may be older than 1970. */
static enum bw_err take_signed(struct bw_slice *rest, int64_t *out)
{
	const bool is_negative = rest->len > 0 && rest->ptr[0] == '-';
	int64_t value;

	if (is_negative)
		*rest = bw_slice_from(*rest, 1);
	BW_TRY(take_time(rest, &value));
	BW_NEED(!is_negative || value > 0, SYNTAX);
	*out = is_negative ? -value : value;
	return BW_OK;
}

static enum bw_err parse_bait(struct bw_slice rest, struct bw_bait_book *book)
{
	struct bw_bait bait = { 0 };
	struct bw_slice sum;
	char again[2 * BW_SHA256_BYTES + 1];

	BW_TRY(take_number(&rest, &bait.key.ino));
	BW_TRY(take_number(&rest, &bait.key.tree));
	BW_TRY(take_u32(&rest, &bait.key.gen));
	BW_TRY(take_time(&rest, &bait.laid_us));
	BW_TRY(take_number(&rest, &bait.size));
	BW_TRY(take_signed(&rest, &bait.mtime_s));
	BW_TRY(take_u32(&rest, &bait.mtime_ns));
	BW_NEED(bait.mtime_ns < 1000000000, RANGE);
	BW_NEED(bw_slice_cut(rest, ' ', &sum, &rest), SYNTAX);
	BW_TRY(bw_hex_decode(sum, bait.sha256, sizeof(bait.sha256)));
	bw_hex_encode(bw_slice_of(bait.sha256, sizeof(bait.sha256)), again);
	BW_NEED(bw_slice_is(sum, again), SYNTAX);
	BW_NEED(book->count < BW_BAITS_MAX, TOO_MANY);
	BW_TRY(keep_path(book, rest, &bait.path));
	book->baits[book->count++] = bait;
	return BW_OK;
}

static enum bw_err parse_gone(struct bw_slice rest, struct bw_bait_book *book)
{
	struct bw_bait_rest gone;

	BW_TRY(take_time(&rest, &gone.when_us));
	BW_NEED(book->rest_count < BW_BAIT_RESTS_MAX, TOO_MANY);
	BW_TRY(keep_path(book, rest, &gone.path));
	book->rests[book->rest_count++] = gone;
	return BW_OK;
}

enum bw_err bw_bait_book_parse(struct bw_slice text, struct bw_bait_book *book)
{
	struct bw_slice line;
	struct bw_slice word;
	struct bw_slice rest;

	while (bw_slice_cut(text, '\n', &line, &text)) {
		BW_NEED(bw_slice_cut(line, ' ', &word, &rest), SYNTAX);
		if (bw_slice_is(word, "bait"))
			BW_TRY(parse_bait(rest, book));
		else if (bw_slice_is(word, "gone"))
			BW_TRY(parse_gone(rest, book));
		else
			return BW_ERR_SYNTAX;
	}
	return text.len == 0 ? BW_OK : BW_ERR_SYNTAX;
}

static enum bw_err write_bait(const struct bw_bait *bait, struct bw_buf *out)
{
	char sum[2 * BW_SHA256_BYTES + 1];

	bw_hex_encode(bw_slice_of(bait->sha256, sizeof(bait->sha256)), sum);
	return bw_buf_addf(out, "bait %llu %llu %u %lld %llu %lld %u %s %s\n", (unsigned long long)bait->key.ino,
			   (unsigned long long)bait->key.tree, bait->key.gen, (long long)bait->laid_us,
			   (unsigned long long)bait->size, (long long)bait->mtime_s, bait->mtime_ns, sum, bait->path);
}

enum bw_err bw_bait_book_write(const struct bw_bait_book *book, struct bw_buf *out)
{
	for (size_t i = 0; i < book->count; i++)
		BW_TRY(write_bait(&book->baits[i], out));
	for (size_t i = 0; i < book->rest_count; i++)
		BW_TRY(bw_buf_addf(out, "gone %lld %s\n", (long long)book->rests[i].when_us, book->rests[i].path));
	return BW_OK;
}

/* ---- the file --------------------------------------------------------------------------------------------- */

enum bw_err bw_bait_book_load(const char *data, struct bw_bait_book *book, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_BAIT_BOOK_BYTES);
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(bw_path_join(path, data, place));
	err = bw_file_read(path, &text, why);
	if (err == BW_ERR_NOT_FOUND) {
		if (why != NULL)
			why->text[0] = '\0';
		return BW_OK;
	}
	BW_TRY(err);
	err = bw_bait_book_parse(bw_buf_slice(&text), book);
	if (err != BW_OK)
		return bw_why_set(why, err, "the list of bait files '%s' cannot be read after %zu lines: %s", path,
				  book->count + book->rest_count, bw_err_text(err));
	return BW_OK;
}

enum bw_err bw_bait_book_save(const char *data, const struct bw_bait_book *book, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_BAIT_BOOK_BYTES);
	char path[BW_PATH_BYTES];

	BW_TRY(bw_path_join(path, data, place));
	BW_TRY(bw_bait_book_write(book, &text));
	return bw_file_write(path, bw_buf_slice(&text), 0600, why);
}

enum bw_err bw_bait_count(const char *data, size_t *out, struct bw_why *why)
{
	struct bw_bait_book book;
	enum bw_err err;

	BW_TRY(bw_bait_book_init(&book));
	err = bw_bait_book_load(data, &book, why);
	if (err == BW_OK)
		*out = book.count;
	bw_bait_book_release(&book);
	return err;
}
