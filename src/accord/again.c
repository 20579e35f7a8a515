#include "accord/again.h"

#include <stdio.h>

#include "base/cursor.h"
#include "base/text.h"
#include "sys/files.h"

static const uint8_t magic[8] = "BWAGAIN1";

enum {
	AGAIN_FIXED = 8 + 3 * 8 + 1 + BW_SHA256_BYTES + 4 + BW_SHA256_BYTES,
	AGAIN_MAX = AGAIN_FIXED + BW_AGAIN_STRANGE_BYTES,
	FILE_MODE = 0600,
	FLAG_EVERYTHING = 1,
	FLAG_MOVED = 2,
	FLAG_BASIS = 4,
	FLAG_ANY = 8,
};

void bw_again_release(struct bw_again *again)
{
	bw_buf_release(&again->strange);
}

/* ---- on disk -------------------------------------------------------------------------- */

static enum bw_err take(struct bw_slice file, struct bw_again *out)
{
	struct bw_cursor c = bw_cursor_over(file);
	uint8_t hash[BW_SHA256_BYTES];
	uint64_t numbers[3];
	struct bw_slice part;
	uint8_t flags;

	BW_NEED(file.len >= AGAIN_FIXED, TRUNCATED);
	BW_TRY(bw_sha256(bw_slice_sub(file, 0, file.len - BW_SHA256_BYTES), hash));
	BW_NEED(memcmp(hash, file.ptr + file.len - BW_SHA256_BYTES, BW_SHA256_BYTES) == 0, CORRUPT);
	BW_TRY(bw_take(&c, sizeof(magic), &part));
	BW_NEED(bw_slice_equals(part, bw_slice_of(magic, sizeof(magic))), VERSION);
	for (size_t i = 0; i < BW_COUNT(numbers); i++)
		BW_TRY(bw_take_be64(&c, &numbers[i]));
	BW_TRY(bw_take_u8(&c, &flags));
	BW_TRY(bw_take(&c, BW_SHA256_BYTES, &part));
	memcpy(out->basis, part.ptr, BW_SHA256_BYTES);
	BW_TRY(bw_take_block(&c, BW_AGAIN_STRANGE_BYTES, &part));
	BW_NEED(bw_cursor_left(&c) == BW_SHA256_BYTES, SYNTAX);
	BW_TRY(bw_buf_add(&out->strange, part));
	out->place_us = (int64_t)numbers[0];
	out->upto_us = (int64_t)numbers[1];
	out->defined_us = (int64_t)numbers[2];
	out->everything = (flags & FLAG_EVERYTHING) != 0;
	out->has_moved = (flags & FLAG_MOVED) != 0;
	out->has_basis = (flags & FLAG_BASIS) != 0;
	out->is_any = (flags & FLAG_ANY) != 0;
	return BW_OK;
}

enum bw_err bw_again_load(const char *folder, struct bw_again *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf file = BW_BUF_INIT(AGAIN_MAX);
	struct bw_again made = BW_AGAIN_INIT;
	char path[BW_PATH_BYTES];
	enum bw_err err;

	bw_again_release(out);
	*out = BW_AGAIN_INIT;
	BW_TRY(bw_path_join(path, folder, "again"));
	err = bw_file_read(path, &file, why);
	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	err = take(bw_buf_slice(&file), &made);
	if (err == BW_OK) {
		*out = made;
		return BW_OK;
	}
	bw_again_release(&made);
	return err == BW_ERR_MEMORY ? err : bw_why_set(why, BW_ERR_CORRUPT, "'%s' is damaged", path);
}

enum bw_err bw_again_save(const char *folder, const struct bw_again *again, struct bw_why *why)
{
	const int64_t numbers[] = { again->place_us, again->upto_us, again->defined_us };
	const unsigned flags = (again->everything ? FLAG_EVERYTHING : 0U) | (again->has_moved ? FLAG_MOVED : 0U) |
			       (again->has_basis ? FLAG_BASIS : 0U) | (again->is_any ? FLAG_ANY : 0U);
	BW_CLEANUP(bw_buf_release) struct bw_buf file = BW_BUF_INIT(AGAIN_MAX);
	uint8_t hash[BW_SHA256_BYTES];
	char path[BW_PATH_BYTES];

	BW_TRY(bw_buf_add(&file, bw_slice_of(magic, sizeof(magic))));
	for (size_t i = 0; i < BW_COUNT(numbers); i++)
		BW_TRY(bw_buf_add_be64(&file, (uint64_t)numbers[i]));
	BW_TRY(bw_buf_add_u8(&file, (uint8_t)flags));
	BW_TRY(bw_buf_add(&file, bw_slice_of(again->basis, sizeof(again->basis))));
	BW_TRY(bw_buf_add_block(&file, bw_buf_slice(&again->strange)));
	BW_TRY(bw_sha256(bw_buf_slice(&file), hash));
	BW_TRY(bw_buf_add(&file, bw_slice_of(hash, sizeof(hash))));
	BW_TRY(bw_path_join(path, folder, "again"));
	return bw_file_write(path, bw_buf_slice(&file), FILE_MODE, why);
}

/* ---- a walk --------------------------------------------------------------------------------- */

bool bw_again_is_walking(const struct bw_again *again)
{
	return again->place_us < again->upto_us;
}

void bw_again_begin(struct bw_again *again, int64_t upto_us, bool everything)
{
	again->everything = everything || (bw_again_is_walking(again) && again->everything);
	again->place_us = 0;
	again->upto_us = upto_us;
	again->has_moved = false;
}

void bw_again_walked(struct bw_again *again, int64_t place_us, bool moved)
{
	again->place_us = place_us;
	again->has_moved |= moved;
	if (!bw_again_is_walking(again) && again->has_moved)
		bw_again_begin(again, again->upto_us, false); /* what refers to what went */
}

bool bw_again_wants(const struct bw_again *again, const struct bw_decision *last)
{
	/* whose it is, and where it came from, does not change */
	if (last->verdict != BW_VERDICT_WITHHELD || last->clause == BW_CLAUSE_COPY || last->clause == BW_CLAUSE_RETURNS)
		return false;
	return again->everything || last->clause == BW_CLAUSE_STRANGE || last->clause == BW_CLAUSE_REFERENCE;
}

/* ---- definitions that nobody knew ------------------------------------------------------------ */

/* Where its line begins; `strange.len`: nowhere. */
static size_t line_of(const struct bw_again *again, struct bw_slice id, size_t *out_lines)
{
	struct bw_slice rest = bw_buf_slice(&again->strange);
	struct bw_slice line;
	size_t at = 0;

	*out_lines = 0;
	while (bw_slice_cut(rest, '\n', &line, &rest)) {
		if (bw_slice_equals(line, id))
			return at;
		at += line.len + 1;
		(*out_lines)++;
	}
	return again->strange.len;
}

bool bw_again_strange(struct bw_again *again, struct bw_slice id, int64_t upto_us)
{
	const size_t before = again->strange.len;
	size_t lines;

	if (again->is_any || line_of(again, id, &lines) < before)
		return false;
	if (!bw_again_is_waiting(again) || again->defined_us > upto_us)
		again->defined_us = upto_us;
	if (lines < BW_AGAIN_STRANGE_MAX && memchr(id.ptr, '\n', id.len) == NULL &&
	    bw_buf_add(&again->strange, id) == BW_OK && bw_buf_add_u8(&again->strange, '\n') == BW_OK)
		return true;
	again->strange.len = before;
	again->is_any = true;
	return true;
}

bool bw_again_is_waiting(const struct bw_again *again)
{
	return again->is_any || again->strange.len > 0;
}

bool bw_again_defined(struct bw_again *again, struct bw_slice id)
{
	size_t lines;
	const size_t at = line_of(again, id, &lines);

	if (at == again->strange.len)
		return again->is_any;
	memmove(again->strange.ptr + at, again->strange.ptr + at + id.len + 1, again->strange.len - at - id.len - 1);
	again->strange.len -= id.len + 1;
	return true;
}

/* ---- what decisions rest on -------------------------------------------------------------------- */

bool bw_again_rests_on(struct bw_again *again, const uint8_t basis[BW_SHA256_BYTES])
{
	if (again->has_basis && memcmp(again->basis, basis, sizeof(again->basis)) == 0)
		return false;
	memcpy(again->basis, basis, sizeof(again->basis));
	again->has_basis = true;
	return true;
}
