/*
 * Room: what is set aside for a full file system, as forgetting old versions has to be written down somewhere first;
 * and what a reflink really takes.
 */
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "guard/shadow_parts.h"

enum {
	SPARE_SHARE = 256, /* of the file system … */
	SPARE_PLENTY = 8,  /* as much again must be free before it is set aside */
};

#define SPARE_LEAST ((uint64_t)BW_MIB)
#define SPARE_MOST (16 * (uint64_t)BW_MIB)
#define SPARE_NAME "spare"

/* How much is set aside here, and how much is free; 0: nobody knows. */
static uint64_t spare_bytes(const struct bw_shadow *shadow, uint64_t *out_free)
{
	struct statvfs status;
	uint64_t bytes;

	*out_free = 0;
	if (fstatvfs(shadow->folder, &status) != 0)
		return 0;
	*out_free = (uint64_t)status.f_bavail * status.f_frsize; /* Btrfs counts as free what data cannot have */
	bytes = (uint64_t)status.f_blocks * status.f_frsize / SPARE_SHARE;
	return bytes < SPARE_LEAST ? SPARE_LEAST : bytes > SPARE_MOST ? SPARE_MOST : bytes;
}

/* Its name stays: the folder gives none up (bw_volume_hold_store). */
static bool empty_spare(const struct bw_shadow *shadow)
{
	const int fd = openat(shadow->folder, SPARE_NAME, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;
	bool was_full;

	if (fd < 0)
		return false;
	was_full = fstat(fd, &status) == 0 && status.st_size > 0;
	if (was_full && ftruncate(fd, 0) != 0)
		(void)unlinkat(shadow->folder, SPARE_NAME, 0);
	(void)close(fd);
	return was_full;
}

bool bw_shadow_use_spare(struct bw_shadow *shadow)
{
	return empty_spare(shadow);
}

void bw_shadow_give_up_spare(struct bw_shadow *shadow)
{
	uint64_t free;
	const uint64_t bytes = spare_bytes(shadow, &free);

	if (free < bytes)
		(void)empty_spare(shadow); /* without it the next write says what is wrong */
}

void bw_shadow_shorten_log(struct bw_shadow *shadow)
{
	uint64_t free;
	const uint64_t bytes = spare_bytes(shadow, &free);

	if (free < bytes)
		bw_shelf_shorten(shadow->shelf);
}

void bw_shadow_set_aside(struct bw_shadow *shadow)
{
	struct stat status;
	uint64_t free;
	const uint64_t bytes = spare_bytes(shadow, &free);
	int fd;

	if (bytes == 0 || free < SPARE_PLENTY * bytes)
		return;
	bw_shelf_reserve(shadow->shelf, bytes, bytes / 2);
	if (fstatat(shadow->folder, SPARE_NAME, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_size > 0)
		return;
	fd = openat(shadow->folder, SPARE_NAME, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return; /* it is only a spare */
	if (fallocate(fd, 0, 0, (off_t)bytes) != 0)
		(void)empty_spare(shadow);
	(void)close(fd);
}

/* ---- what a reflink takes -------------------------------------------------------------------- */

enum { EXTENTS = 256 };

/* One call's worth: adds what is nobody else's, and says where to go on; UINT64_MAX: that was all. */
static enum bw_err add_extents(int fd, struct fiemap *map, uint64_t from, uint64_t *bytes, uint64_t *out_next)
{
	*map = (struct fiemap){ .fm_start = from, .fm_length = FIEMAP_MAX_OFFSET - from, .fm_extent_count = EXTENTS };
	*out_next = UINT64_MAX;
	if (ioctl(fd, FS_IOC_FIEMAP, map) != 0)
		return BW_ERR_UNSUPPORTED;
	for (uint32_t i = 0; i < map->fm_mapped_extents; i++) {
		const struct fiemap_extent *extent = &map->fm_extents[i];

		if ((extent->fe_flags & FIEMAP_EXTENT_SHARED) == 0)
			*bytes += extent->fe_length;
		*out_next = extent->fe_logical + extent->fe_length;
		if ((extent->fe_flags & FIEMAP_EXTENT_LAST) != 0)
			*out_next = UINT64_MAX;
	}
	return BW_OK;
}

static enum bw_err exclusive_bytes(int fd, uint64_t *out)
{
	struct fiemap *map = calloc(1, sizeof(*map) + EXTENTS * sizeof(map->fm_extents[0]));
	uint64_t bytes = 0;
	uint64_t next = 0;
	enum bw_err err = BW_OK;

	BW_NEED(map != NULL, MEMORY);
	while (err == BW_OK && next != UINT64_MAX)
		err = add_extents(fd, map, next, &bytes, &next);
	free(map);
	BW_TRY(err);
	*out = bytes;
	return BW_OK;
}

enum bw_err bw_shadow_weigh(struct bw_shadow *shadow, uint64_t version, uint64_t known_bytes)
{
	uint64_t bytes = 0;
	int fd = -1;
	enum bw_err err;

	if (shadow->volume->strategy != BW_STRATEGY_REFLINK)
		return BW_OK;
	BW_TRY(bw_object_open(shadow, version, &fd));
	err = exclusive_bytes(fd, &bytes);
	(void)close(fd);
	if (err == BW_ERR_UNSUPPORTED || (err == BW_OK && bytes == known_bytes))
		return BW_OK;
	BW_TRY(err);
	return bw_shelf_weigh(shadow->shelf, version, bytes);
}

uint64_t bw_shadow_replaced_bytes(struct bw_shadow *shadow)
{
	const uint64_t bytes = shadow->replaced_bytes;

	shadow->replaced_bytes = 0;
	return bytes;
}
