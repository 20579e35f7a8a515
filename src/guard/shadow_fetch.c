/* The way back: versions into files, versions forgotten, everything read again. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/shadow_parts.h"

/* Cut only when it is longer: XFS writes a new file's bytes out before it cuts it even to the size it has. */
static enum bw_err write_content(int fd, struct bw_slice content)
{
	struct stat status;

	BW_TRY(bw_fd_write(fd, content));
	if (fstat(fd, &status) == 0 && (uint64_t)status.st_size == content.len)
		return BW_OK;
	return ftruncate(fd, (off_t)content.len) == 0 ? BW_OK : bw_err_from_errno(errno);
}

/*
 * A running guard may move packed contents (shadow_tidy.c) between the reading of a row and of what it points at: then
 * the row says something else by now.
 */
static enum bw_err read_packed(struct bw_shadow *shadow, const struct bw_shelf_version *version)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(2 * (size_t)BW_SHELF_META_BYTES_MAX);
	struct bw_shelf_version now;
	enum bw_err err;

	bw_buf_clear(&shadow->content);
	err = bw_packs_read(shadow->packs, version->pack, version->at, version->number, &shadow->content);
	if (err == BW_OK || bw_shelf_get(shadow->shelf, version->number, &arena, &now) != BW_OK ||
	    (now.pack == version->pack && now.at == version->at) || now.pack == 0)
		return err;
	bw_buf_clear(&shadow->content);
	return bw_packs_read(shadow->packs, now.pack, now.at, now.number, &shadow->content);
}

static enum bw_err fetch_packed(struct bw_shadow *shadow, const struct bw_shelf_version *version, int fd)
{
	BW_TRY(read_packed(shadow, version));
	BW_NEED(shadow->content.len == version->size, CORRUPT);
	return write_content(fd, bw_buf_slice(&shadow->content));
}

static enum bw_err fetch_object(struct bw_shadow *shadow, const struct bw_shelf_version *version, int fd)
{
	struct stat status;
	int object = -1;
	enum bw_err err;

	BW_TRY(bw_object_open(shadow, version->number, &object));
	err = fstat(object, &status) == 0 ? BW_OK : bw_err_from_errno(errno);
	if (err == BW_OK && (uint64_t)status.st_size != version->size)
		err = BW_ERR_CORRUPT;
	if (err == BW_OK) {
		err = bw_copy_reflink(object, fd);
		if (err == BW_ERR_UNSUPPORTED)
			err = bw_copy_sparse(object, fd, version->size);
	}
	(void)close(object);
	return err;
}

enum bw_err bw_shadow_fetch(struct bw_shadow *shadow, const struct bw_shelf_version *version, int fd,
			    struct bw_why *why)
{
	enum bw_err err;

	BW_NEED(S_ISREG(version->kind), TYPE);
	err = version->pack != 0 ? fetch_packed(shadow, version, fd) : fetch_object(shadow, version, fd);
	if (err == BW_OK)
		return BW_OK;
	return bw_why_set(why, err, "cannot bring back version %llu of '%.*s': %s", (unsigned long long)version->number,
			  BW_ARG(version->name), bw_err_text(err));
}

static enum bw_err peek_object(struct bw_shadow *shadow, const struct bw_shelf_version *version, uint64_t at,
			       size_t max, struct bw_buf *out)
{
	int object = -1;
	ssize_t got;

	BW_TRY(bw_object_open(shadow, version->number, &object));
	do {
		got = pread(object, out->ptr + out->len, max, (off_t)at);
	} while (got < 0 && errno == EINTR);
	(void)close(object);
	if (got < 0)
		return bw_err_from_errno(errno);
	out->len += (size_t)got;
	return BW_OK;
}

enum bw_err bw_shadow_peek(struct bw_shadow *shadow, const struct bw_shelf_version *version, uint64_t at, size_t max,
			   struct bw_buf *out)
{
	BW_NEED(S_ISREG(version->kind), TYPE);
	if (version->pack == 0) {
		BW_TRY(bw_buf_reserve(out, max));
		return peek_object(shadow, version, at, max, out);
	}
	BW_TRY(read_packed(shadow, version));
	return bw_buf_add(out, bw_slice_sub(bw_buf_slice(&shadow->content), at, max));
}

enum bw_err bw_shadow_object(struct bw_shadow *shadow, const struct bw_shelf_version *version, int *out_fd)
{
	BW_NEED(S_ISREG(version->kind), TYPE);
	BW_NEED(version->pack == 0, UNSUPPORTED);
	return bw_object_open(shadow, version->number, out_fd);
}

/* ---- forgetting -------------------------------------------------------------------------- */

static enum bw_err make_room_to_owe(struct bw_shadow *shadow, size_t more)
{
	size_t room = shadow->owed_room == 0 ? 256 : shadow->owed_room;
	struct bw_owed *owed;

	while (room < shadow->owed_count + more)
		room *= 2;
	if (room == shadow->owed_room)
		return BW_OK;
	owed = realloc(shadow->owed, room * sizeof(*owed));
	BW_NEED(owed != NULL, MEMORY);
	shadow->owed = owed;
	shadow->owed_room = room;
	return BW_OK;
}

static enum bw_err forget_one(struct bw_shadow *shadow, uint64_t number)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(2 * (size_t)BW_SHELF_META_BYTES_MAX);
	struct bw_shelf_version version;

	BW_TRY(bw_shelf_get(shadow->shelf, number, &arena, &version));
	BW_TRY(bw_shelf_drop(shadow->shelf, number));
	shadow->owed[shadow->owed_count++] = (struct bw_owed){ number, version.pack };
	return BW_OK;
}

static void free_content(struct bw_shadow *shadow, uint64_t number, uint32_t pack)
{
	uint64_t left;

	if (pack == 0)
		bw_object_remove(shadow, number);
	else if (bw_shelf_pack_bytes(shadow->shelf, pack, &left) == BW_OK && left == 0)
		/* the growing pack stays; another one that cannot be removed now goes at the next start */
		bw_err_drop(bw_packs_remove(shadow->packs, pack));
}

enum bw_err bw_shadow_free_first(struct bw_shadow *shadow, const uint64_t *versions, size_t count)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(2 * (size_t)BW_SHELF_META_BYTES_MAX);

	for (size_t i = 0; i < count; i++) {
		struct bw_shelf_version version;
		enum bw_err err;

		bw_arena_reset(&arena);
		err = bw_shelf_get(shadow->shelf, versions[i], &arena, &version);
		if (err != BW_OK && err != BW_ERR_NOT_FOUND)
			return err;
		if (err == BW_OK && version.incident == 0 && version.pack == 0)
			bw_object_remove(shadow, version.number);
	}
	/* Btrfs gives room back only when it has written down what went; who finds no room for that has none to give */
	return syncfs(shadow->objects) == 0 || errno == ENOSPC ? BW_OK : bw_err_from_errno(errno);
}

enum bw_err bw_shadow_drop(struct bw_shadow *shadow, const uint64_t *versions, size_t count)
{
	BW_TRY(make_room_to_owe(shadow, count));
	for (size_t i = 0; i < count; i++) {
		const enum bw_err err = forget_one(shadow, versions[i]);

		if (err != BW_OK && err != BW_ERR_NOT_FOUND && err != BW_ERR_BUSY) /* it went, or is held since */
			return err;
	}
	/* the rows go first and for good: a content without a row is waste, a row without a content is a loss */
	if (shadow->owed_count > 0)
		BW_TRY(bw_shadow_sync(shadow));
	for (size_t i = 0; i < shadow->owed_count; i++)
		free_content(shadow, shadow->owed[i].version, shadow->owed[i].pack);
	shadow->owed_count = 0;
	return BW_OK;
}
