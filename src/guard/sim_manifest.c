#include <stdlib.h>

#include "base/cursor.h"
#include "base/num.h"
#include "guard/sim_parts.h"

#define MANIFEST_MAGIC "BWSIMMF1"

/* Fields of a row before its name; what a count in the head is checked against. */
enum { ROW_BYTES = 2 + 3 * 4 + 5 * 8 + BW_SHA256_BYTES + 4 };

void sim_manifest_release(struct sim_manifest *manifest)
{
	for (size_t n = 0; n < manifest->count; n++)
		free(manifest->rows[n].name);
	free(manifest->rows);
	*manifest = (struct sim_manifest){ 0 };
}

bool sim_name_is_safe(struct bw_slice name)
{
	struct bw_slice rest = name;

	if (name.len == 0 || name.len >= SIM_NAME_MAX || memchr(name.ptr, 0, name.len) != NULL)
		return false;
	for (bool more = true; more;) {
		struct bw_slice part;
		struct bw_slice after = bw_slice_empty;

		more = bw_slice_cut(rest, '/', &part, &after);
		if (!more)
			part = rest;
		if (part.len == 0 || part.len > 255 || bw_slice_is(part, ".") || bw_slice_is(part, "..") ||
		    bw_slice_is(part, BW_SIM_MARK))
			return false;
		rest = after;
	}
	return true;
}

enum bw_err sim_manifest_add(struct sim_manifest *manifest, const struct sim_row *row, struct bw_slice name)
{
	char *copy;

	BW_NEED(manifest->count < BW_SIM_FILES_MAX * 2, TOO_MANY);
	if (manifest->count == manifest->cap) {
		const size_t cap = manifest->cap == 0 ? 256 : manifest->cap * 2;
		struct sim_row *rows = realloc(manifest->rows, cap * sizeof(*rows));

		BW_NEED(rows != NULL, MEMORY);
		manifest->rows = rows;
		manifest->cap = cap;
	}
	copy = malloc(name.len + 1);
	BW_NEED(copy != NULL, MEMORY);
	memcpy(copy, name.ptr, name.len);
	copy[name.len] = 0;
	manifest->rows[manifest->count] = *row;
	manifest->rows[manifest->count].name = copy;
	manifest->rows[manifest->count].name_len = name.len;
	manifest->count++;
	return BW_OK;
}

enum bw_err sim_manifest_write(const struct sim_manifest *manifest, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_text(out, MANIFEST_MAGIC));
	BW_TRY(bw_buf_add_be64(out, manifest->seed));
	BW_TRY(bw_buf_add_be64(out, manifest->count));
	for (size_t n = 0; n < manifest->count; n++) {
		const struct sim_row *row = &manifest->rows[n];

		BW_TRY(bw_buf_add_u8(out, (uint8_t)row->type));
		BW_TRY(bw_buf_add_u8(out, (uint8_t)row->kind));
		BW_TRY(bw_buf_add_be32(out, row->mode));
		BW_TRY(bw_buf_add_be32(out, row->uid));
		BW_TRY(bw_buf_add_be32(out, row->gid));
		BW_TRY(bw_buf_add_be64(out, row->seed));
		BW_TRY(bw_buf_add_be64(out, row->want));
		BW_TRY(bw_buf_add_be64(out, row->size));
		BW_TRY(bw_buf_add_be64(out, (uint64_t)row->mtime_ns));
		BW_TRY(bw_buf_add_be64(out, row->note));
		BW_TRY(bw_buf_add(out, bw_slice_of(row->sha256, sizeof(row->sha256))));
		BW_TRY(bw_buf_add_block(out, bw_slice_of(row->name, row->name_len)));
	}
	return BW_OK;
}

static enum bw_err parse_row(struct bw_cursor *c, size_t number, struct sim_row *row, struct bw_slice *name)
{
	struct bw_slice digest;
	uint64_t mtime;
	uint8_t type;
	uint8_t kind;

	BW_TRY(bw_take_u8(c, &type));
	BW_TRY(bw_take_u8(c, &kind));
	BW_TRY(bw_take_be32(c, &row->mode));
	BW_TRY(bw_take_be32(c, &row->uid));
	BW_TRY(bw_take_be32(c, &row->gid));
	BW_TRY(bw_take_be64(c, &row->seed));
	BW_TRY(bw_take_be64(c, &row->want));
	BW_TRY(bw_take_be64(c, &row->size));
	BW_TRY(bw_take_be64(c, &mtime));
	BW_TRY(bw_take_be64(c, &row->note));
	BW_TRY(bw_take(c, BW_SHA256_BYTES, &digest));
	BW_TRY(bw_take_block(c, SIM_NAME_MAX, name));
	BW_NEED(type < SIM_TYPES && kind < SIM_KINDS && row->want <= SIM_CONTENT_MAX, CORRUPT);
	BW_NEED(row->size <= 2 * (uint64_t)SIM_CONTENT_MAX && (row->mode & ~07777U) == 0, CORRUPT);
	BW_NEED((type != SIM_TWIN && type != SIM_SYMLINK) || row->seed < number, CORRUPT);
	BW_NEED(sim_name_is_safe(*name), CORRUPT);
	row->type = (enum sim_type)type;
	row->kind = (enum sim_kind)kind;
	row->mtime_ns = (int64_t)mtime;
	memcpy(row->sha256, digest.ptr, sizeof(row->sha256));
	return BW_OK;
}

static enum bw_err parse_rows(struct bw_cursor *c, uint64_t count, struct sim_manifest *out)
{
	for (uint64_t n = 0; n < count; n++) {
		struct sim_row row = { 0 };
		struct bw_slice name;

		BW_TRY(parse_row(c, n, &row, &name));
		BW_NEED((row.type != SIM_TWIN && row.type != SIM_SYMLINK) || out->rows[row.seed].type == SIM_FILE,
			CORRUPT);
		BW_TRY(sim_manifest_add(out, &row, name));
	}
	BW_NEED(bw_cursor_left(c) == 0, CORRUPT);
	return BW_OK;
}

enum bw_err sim_manifest_parse(struct bw_slice bytes, struct sim_manifest *out)
{
	struct bw_cursor c = bw_cursor_over(bytes);
	struct sim_manifest made = { 0 };
	struct bw_slice magic;
	uint64_t count;
	enum bw_err err;

	BW_TRY(bw_take(&c, sizeof(MANIFEST_MAGIC) - 1, &magic));
	BW_NEED(bw_slice_is(magic, MANIFEST_MAGIC), SCHEMA);
	BW_TRY(bw_take_be64(&c, &made.seed));
	BW_TRY(bw_take_be64(&c, &count));
	BW_NEED(count <= bw_cursor_left(&c) / ROW_BYTES, CORRUPT);
	err = parse_rows(&c, count, &made);
	if (err != BW_OK) {
		sim_manifest_release(&made);
		return err;
	}
	*out = made;
	return BW_OK;
}
