/*
 * Whether what stands there, or was just made, is what the store has: byte by byte. Of a clone the file system is asked
 * first where its blocks lie: where all of them are those of the store, there is one content to read, and not the same
 * blocks twice.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "guard/restore_parts.h"
#include "guard/shadow.h"

enum {
	COMPARE_BYTES = 1024 * 1024,
	AHEAD_BYTES = 4 * COMPARE_BYTES, /* asked of the disk before it is needed */
	EXTENTS = 256,
	/* where such a one lies says nothing of what it holds, or it does not lie anywhere yet */
	UNCLEAR = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_ENCODED |
		  FIEMAP_EXTENT_DATA_ENCRYPTED | FIEMAP_EXTENT_NOT_ALIGNED | FIEMAP_EXTENT_DATA_INLINE |
		  FIEMAP_EXTENT_DATA_TAIL,
};

/* ---- blocks ---------------------------------------------------------------------------------------- */

static struct fiemap *new_map(void)
{
	return calloc(1, sizeof(struct fiemap) + EXTENTS * sizeof(struct fiemap_extent));
}

static bool ask(int fd, uint64_t from, struct fiemap *out)
{
	*out = (struct fiemap){ .fm_start = from,
				.fm_length = FIEMAP_MAX_OFFSET - from,
				.fm_flags = FIEMAP_FLAG_SYNC,
				.fm_extent_count = EXTENTS };
	return ioctl(fd, FS_IOC_FIEMAP, out) == 0 && out->fm_mapped_extents <= EXTENTS;
}

static bool is_same_extent(const struct fiemap_extent *a, const struct fiemap_extent *b)
{
	const uint32_t flags = UNCLEAR | FIEMAP_EXTENT_UNWRITTEN;

	return a->fe_logical == b->fe_logical && a->fe_physical == b->fe_physical && a->fe_length == b->fe_length &&
	       (a->fe_flags & flags) == (b->fe_flags & flags) && (a->fe_flags & UNCLEAR) == 0;
}

/* `a` and `b`, from the same place on. *out_next: where to go on; UINT64_MAX: that was all. */
static bool are_same(const struct fiemap *a, const struct fiemap *b, uint64_t *out_next)
{
	const uint32_t count = a->fm_mapped_extents;

	*out_next = UINT64_MAX;
	if (count != b->fm_mapped_extents)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		if (!is_same_extent(&a->fm_extents[i], &b->fm_extents[i]))
			return false;
	}
	if (count > 0 && (a->fm_extents[count - 1].fe_flags & FIEMAP_EXTENT_LAST) == 0)
		*out_next = a->fm_extents[count - 1].fe_logical + a->fm_extents[count - 1].fe_length;
	return true;
}

/* False also where nobody can tell. */
static bool share_all_blocks(int a, int b)
{
	struct fiemap *of_a = new_map();
	struct fiemap *of_b = new_map();
	uint64_t next = 0;
	bool same = of_a != NULL && of_b != NULL;

	while (same && next != UINT64_MAX)
		same = ask(a, next, of_a) && ask(b, next, of_b) && are_same(of_a, of_b, &next);
	free(of_a);
	free(of_b);
	return same;
}

static bool is_clone(const struct bw_restore_way *way, int fd)
{
	int object = -1;
	bool same;

	if (way->version->size < COMPARE_BYTES || way->version->pack != 0 ||
	    bw_shadow_object(way->restore.shadow, way->version, &object) != BW_OK)
		return false;
	same = share_all_blocks(object, fd);
	restore_close(object);
	return same;
}

/* ---- bytes ------------------------------------------------------------------------------------------- */

/* A piece of the file. Fewer bytes: it ends there. */
static enum bw_err read_piece(int fd, uint64_t at, size_t len, struct bw_buf *out)
{
	ssize_t got;

	(void)posix_fadvise(fd, (off_t)(at + len), AHEAD_BYTES, POSIX_FADV_WILLNEED);
	bw_buf_clear(out);
	do {
		got = pread(fd, out->ptr, len, (off_t)at);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return bw_err_from_errno(errno);
	out->len = (size_t)got;
	return BW_OK;
}

enum bw_err restore_same(const struct bw_restore_way *way, int fd, bool *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf kept = BW_BUF_INIT(COMPARE_BYTES + BW_PACK_CONTENT_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf read = BW_BUF_INIT(COMPARE_BYTES);
	const uint64_t size = way->version->size;
	const size_t most = size < COMPARE_BYTES ? (size_t)size : COMPARE_BYTES;
	const bool clone = is_clone(way, fd);
	size_t piece;

	*out = false;
	BW_TRY(bw_buf_reserve(&read, most));
	for (uint64_t at = 0; at < size; at += piece) {
		piece = size - at < most ? (size_t)(size - at) : most;
		if (!clone) {
			bw_buf_clear(&kept);
			BW_TRY(bw_shadow_peek(way->restore.shadow, way->version, at, piece, &kept));
			BW_NEED(kept.len > 0 && kept.len <= piece, CORRUPT);
			piece = kept.len;
		}
		BW_TRY(read_piece(fd, at, piece, &read));
		if (read.len != piece || (!clone && memcmp(read.ptr, kept.ptr, piece) != 0))
			return BW_OK;
		if (way->restore.pace != NULL)
			way->restore.pace(way->restore.pace_context, at + piece);
	}
	*out = true;
	return BW_OK;
}
