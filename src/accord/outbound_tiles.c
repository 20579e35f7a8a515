/*
 * Tiles in a folder, by their C2SP paths. They are not synced one by one: what a crash took is made again from the
 * journal's leaves, beyond the size that `synced` states.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "accord/outbound_inner.h"

enum { TILE_MODE = 0600, FOLDER_MODE = 0700, SYNCED_BYTES = 8 + 8 + BW_SHA256_BYTES, LEAVES_AT_ONCE = 4096 };

static const uint8_t synced_magic[8] = "BWSYNCD1";

/* ---- a folder of tiles ---------------------------------------------------------------------------- */

static enum bw_err tile_path(const char *folder, const struct bw_tile *tile, char path[BW_PATH_BYTES])
{
	char name[BW_TILE_PATH_BYTES];

	bw_tile_path(tile, name);
	return bw_path_join(path, folder, name);
}

static enum bw_err get_tile(void *ctx, const struct bw_tile *tile, struct bw_buf *out)
{
	char path[BW_PATH_BYTES];

	BW_TRY(tile_path(ctx, tile, path));
	return bw_file_read(path, out, NULL);
}

/* The folders between `folder` and the file. */
static enum bw_err make_folders(const char *folder, char *path)
{
	for (char *slash = strchr(path + strlen(folder) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		int made;

		*slash = '\0';
		made = mkdir(path, FOLDER_MODE);
		*slash = '/';
		if (made != 0 && errno != EEXIST)
			return bw_err_from_errno(errno);
	}
	return BW_OK;
}

/* Whole or not at all for whoever reads beside us; whether it survives a crash does not matter. */
static enum bw_err put_tile(void *ctx, const struct bw_tile *tile, struct bw_slice bytes)
{
	char path[BW_PATH_BYTES];
	char fresh[BW_PATH_BYTES];
	BW_CLEANUP(bw_close_fd) int fd = -1;

	BW_TRY(tile_path(ctx, tile, path));
	BW_TRY(bw_path_join(fresh, ctx, "tile.new"));
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, TILE_MODE);
	if (fd < 0)
		return bw_err_from_errno(errno);
	BW_TRY(bw_fd_write(fd, bytes));
	if (rename(fresh, path) == 0)
		return BW_OK;
	if (errno != ENOENT)
		return bw_err_from_errno(errno);
	BW_TRY(make_folders(ctx, path));
	return rename(fresh, path) == 0 ? BW_OK : bw_err_from_errno(errno);
}

struct bw_tile_store bw_outbound_tile_folder(const char *folder)
{
	/* the store's functions take what they only read */
	return (struct bw_tile_store){ (void *)(uintptr_t)folder, get_tile, NULL };
}

/* ---- up to where they are certain ---------------------------------------------------------------- */

enum bw_err bw_outbound_synced_open(struct bw_outbound *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(SYNCED_BYTES);
	char path[BW_PATH_BYTES];
	struct bw_cursor c;
	enum bw_err err;

	out->synced.size = 0;
	out->synced.root = bw_hash_empty();
	BW_TRY(bw_outbound_path(out, "synced", path));
	err = bw_file_read(path, &bytes, why);
	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	if (bytes.len != SYNCED_BYTES || memcmp(bytes.ptr, synced_magic, sizeof(synced_magic)) != 0)
		return bw_why_set(why, BW_ERR_CORRUPT, "'%s' is damaged", path);
	c = bw_cursor_over(bw_slice_from(bw_buf_slice(&bytes), sizeof(synced_magic)));
	BW_TRY(bw_take_be64(&c, &out->synced.size));
	memcpy(out->synced.root.bytes, bytes.ptr + 16, BW_SHA256_BYTES);
	return BW_OK;
}

static enum bw_err write_synced(struct bw_outbound *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(SYNCED_BYTES);
	char path[BW_PATH_BYTES];

	BW_TRY(bw_buf_add(&bytes, bw_slice_of(synced_magic, sizeof(synced_magic))));
	BW_TRY(bw_buf_add_be64(&bytes, out->size));
	BW_TRY(bw_buf_add(&bytes, bw_hash_slice(&out->root)));
	BW_TRY(bw_outbound_path(out, "synced", path));
	BW_TRY(bw_file_write(path, bw_buf_slice(&bytes), TILE_MODE, why));
	out->synced.size = out->size;
	out->synced.root = out->root;
	return BW_OK;
}

enum bw_err bw_outbound_tiles_sync(struct bw_outbound *out, struct bw_why *why)
{
	BW_CLEANUP(bw_close_fd) int fd = -1;

	if (out->synced.size == out->size)
		return BW_OK;
	fd = open(out->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || syncfs(fd) != 0)
		return bw_why_errno(why, errno, "sync", out->folder);
	return write_synced(out, why);
}

/* ---- growing ------------------------------------------------------------------------------------- */

enum bw_err bw_outbound_tiles_add(struct bw_outbound *out, const struct bw_hash *leaves, size_t count,
				  struct bw_why *why)
{
	uint64_t size;
	enum bw_err err = bw_tlog_writer_add_leaves(out->writer, leaves, count);

	if (err == BW_OK)
		err = bw_tlog_writer_commit(out->writer, &size, &out->root);
	if (err != BW_OK)
		return bw_why_doing(why, err, "write the tiles of a log");
	return out->size - out->synced.size >= BW_OUTBOUND_SYNC_ENTRIES ? bw_outbound_tiles_sync(out, why) : BW_OK;
}

static enum bw_err add_again(struct bw_outbound *out, struct bw_hash *leaves, struct bw_why *why)
{
	for (uint64_t at = bw_tlog_writer_size(out->writer); at < out->size;) {
		const uint64_t left = out->size - at;
		const size_t count = left < LEAVES_AT_ONCE ? (size_t)left : LEAVES_AT_ONCE;

		for (size_t i = 0; i < count; i++) {
			struct bw_journal_row row;

			BW_TRY(bw_journal_row(out, at + i, &row, why));
			leaves[i] = row.leaf;
		}
		BW_TRY(bw_tlog_writer_add_leaves(out->writer, leaves, count));
		at += count;
	}
	return BW_OK;
}

static enum bw_err make_again(struct bw_outbound *out, struct bw_why *why)
{
	struct bw_hash leaves[LEAVES_AT_ONCE];
	uint64_t size;
	enum bw_err err = bw_tlog_writer_open(&out->tiles, out->synced.size, &out->synced.root, false, &out->writer);

	if (err == BW_OK)
		err = add_again(out, leaves, why);
	if (err == BW_OK)
		err = bw_tlog_writer_commit(out->writer, &size, &out->root);
	return err == BW_OK ? BW_OK : bw_why_doing(why, err, "make the tiles of a log from its journal");
}

enum bw_err bw_outbound_tiles_open(struct bw_outbound *out, struct bw_why *why)
{
	if (out->synced.size > out->size)
		return bw_why_set(why, BW_ERR_CUT_SHORT, "the journal in '%s' has %llu entries, but there were %llu",
				  out->folder, (unsigned long long)out->size, (unsigned long long)out->synced.size);
	out->tiles = (struct bw_tile_store){ out->folder, get_tile, put_tile };
	return out->is_reader ? BW_OK : make_again(out, why);
}

enum bw_err bw_outbound_nodes(struct bw_outbound *out, struct bw_tlog_reader **reader)
{
	if (out->reader == NULL)
		BW_TRY(bw_tlog_reader_open(&out->tiles, out->size, &out->root, BW_OUTBOUND_SLOTS, NULL, &out->reader));
	else if (bw_tlog_reader_size(out->reader) != out->size)
		BW_TRY(bw_tlog_reader_advance(out->reader, out->size, &out->root));
	*reader = out->reader;
	return BW_OK;
}

/* ---- partial tiles ------------------------------------------------------------------------------- */

static void remove_partials(const char *folder, unsigned level, uint64_t index)
{
	char path[BW_PATH_BYTES];
	struct bw_tile tile = { false, level, index, 1 };

	for (tile.width = 1; tile.width < BW_TILE_WIDTH; tile.width++)
		if (tile_path(folder, &tile, path) == BW_OK)
			(void)unlink(path); /* most of them never were; one that stays harms nobody */
	tile.width = 1;
	if (tile_path(folder, &tile, path) == BW_OK) {
		*strrchr(path, '/') = '\0';
		(void)rmdir(path);
	}
}

/* Only the tile that was the edge before can have had partial ones, and those between were whole at once or soon. */
void bw_outbound_tiles_prune(struct bw_outbound *out, uint64_t old_size)
{
	for (unsigned level = 0; level < BW_TILE_LEVELS - 1; level++) {
		const unsigned height = BW_TILE_HEIGHT * (level + 1);
		const uint64_t end = out->delivered.size >> height;

		for (uint64_t index = old_size >> height; index < end; index++) {
			char path[BW_PATH_BYTES];
			struct bw_tile first = { false, level, index, 1 };

			if (tile_path(out->folder, &first, path) != BW_OK)
				return;
			*strrchr(path, '/') = '\0';
			if (access(path, F_OK) == 0)
				remove_partials(out->folder, level, index);
		}
	}
}
