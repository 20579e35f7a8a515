#include "guard/enroll.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "guard/walk.h"

enum {
	ROW_BYTES = 600, /* what one file takes in the catalogue, indexes and free pages with it */
	FOLDER_BYTES = 300,
	FILES_A_SECOND = 15000,      /* of small ones; measured: docs/guard.md */
	MIB_A_SECOND = 200,          /* of what has to be copied, on one slow disk */
	LARGE_FILES_A_SECOND = 5000, /* a reflink or a file to make for each */
	QUOTA_SHARE = 5,
	SPARE_SHARE = 50, /* of the volume stays free in any case */
	SEE_EVERY = 512,
};

/* ---- counting ---------------------------------------------------------------------------------- */

struct counting {
	const struct bw_volume *volume;
	const struct bw_guard_settings *settings;
	enum bw_err (*see)(void *context, uint64_t files);
	void *context;
	struct bw_enroll_count count;
};

static enum bw_err count_folder(void *context, const struct bw_walk_folder *folder)
{
	struct counting *counting = context;

	(void)folder;
	counting->count.folders++;
	return BW_OK;
}

static void count_bytes(struct counting *counting, const struct stat *status)
{
	struct bw_enroll_count *count = &counting->count;
	const uint64_t size = (uint64_t)status->st_size;
	const uint64_t largest = counting->settings->largest_bytes;

	count->bytes += size;
	if (size <= BW_PACK_CONTENT_MAX) {
		count->small_files++;
		count->small_bytes += size;
		return;
	}
	if (largest != 0 && size > largest && counting->volume->strategy == BW_STRATEGY_COPY) {
		count->too_big++;
		count->too_big_bytes += size;
		return;
	}
	count->large_files++;
	count->large_bytes += (uint64_t)status->st_blocks * 512;
}

static enum bw_err count_file(void *context, const struct bw_walk_folder *folder, const char *name, unsigned char type)
{
	struct counting *counting = context;
	struct stat status;

	(void)type;
	if (fstatat(folder->fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return BW_OK;
	counting->count.files++;
	if (S_ISREG(status.st_mode))
		count_bytes(counting, &status);
	if (counting->see != NULL && counting->count.files % SEE_EVERY == 0)
		return counting->see(counting->context, counting->count.files);
	return BW_OK;
}

static void count_skipped(void *context, const char *path, enum bw_err err, bool submount)
{
	struct bw_enroll_count *count = &((struct counting *)context)->count;
	char *first = submount ? count->first_submount : count->first_skipped;

	(void)err;
	if (submount)
		count->submounts++;
	else
		count->skipped++;
	if (first[0] == '\0')
		(void)snprintf(first, BW_PATH_BYTES, "%s", path);
}

enum bw_err bw_enroll_count(const struct bw_volume *volume, const struct bw_guard_settings *settings,
			    enum bw_err (*see)(void *context, uint64_t files), void *context,
			    struct bw_enroll_count *out, struct bw_why *why)
{
	struct counting counting = { .volume = volume, .settings = settings, .see = see, .context = context };
	const struct bw_walk_plan plan = { .volume = volume,
					   .settings = settings,
					   .folder = count_folder,
					   .file = count_file,
					   .skipped = count_skipped,
					   .context = &counting };

	for (size_t i = 0; i < settings->tree_count; i++) {
		struct bw_slice inside;

		if (bw_volume_inside(volume, settings->trees[i], &inside) &&
		    bw_volume_holds(volume, settings->trees[i]))
			BW_TRY(bw_walk(&plan, inside, why));
	}
	*out = counting.count;
	return BW_OK;
}

/* ---- cost and room ------------------------------------------------------------------------------- */

void bw_enroll_cost(const struct bw_enroll_count *count, enum bw_strategy strategy, struct bw_enroll_cost *out)
{
	const uint64_t copied = strategy == BW_STRATEGY_COPY ? count->large_bytes : 0;

	out->bytes = count->small_bytes + count->small_files * BW_PACK_HEAD_BYTES + copied + count->files * ROW_BYTES +
		     count->folders * FOLDER_BYTES;
	/* one inode for each large file, one for each pack, and the folders of the store */
	out->inodes = count->large_files + count->small_bytes / BW_PACK_BYTES_MAX + 300;
	out->seconds = count->files / FILES_A_SECOND + count->large_files / LARGE_FILES_A_SECOND +
		       (count->small_bytes + copied) / (MIB_A_SECOND * BW_MIB) + 1;
}

uint64_t bw_guard_quota(const struct bw_guard_settings *settings, uint64_t size)
{
	if (settings->quota_bytes == 0)
		return size / QUOTA_SHARE;
	return settings->quota_bytes < size ? settings->quota_bytes : size;
}

uint64_t bw_guard_inode_quota(const struct bw_guard_settings *settings, uint64_t inodes)
{
	if (settings->quota_inodes != 0)
		return settings->quota_inodes;
	return inodes == 0 ? UINT64_MAX : inodes / QUOTA_SHARE;
}

static enum bw_err kept_bytes(const struct bw_volume *volume, uint64_t *out)
{
	struct bw_shelf_totals totals;
	struct bw_shadow *shadow;
	enum bw_err err = bw_shadow_open(volume, true, &shadow, NULL);

	*out = 0;
	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	err = bw_shelf_totals(bw_shadow_shelf(shadow), &totals);
	bw_shadow_close(shadow);
	BW_TRY(err);
	*out = totals.kept_bytes;
	return BW_OK;
}

enum bw_err bw_enroll_room(const struct bw_volume *volume, const struct bw_guard_settings *settings,
			   struct bw_enroll_room *out, struct bw_why *why)
{
	struct statvfs status;
	uint64_t kept;
	enum bw_err err;

	if (fstatvfs(volume->root, &status) != 0)
		return bw_why_errno(why, errno, "ask for the room on", volume->mount);
	err = kept_bytes(volume, &kept);
	if (err != BW_OK)
		return bw_why_set(why, err, "cannot read the catalogue of '%s': %s", volume->mount, bw_err_text(err));
	*out = (struct bw_enroll_room){ .size = (uint64_t)status.f_blocks * status.f_frsize,
					.free = (uint64_t)status.f_bavail * status.f_frsize,
					.inodes = status.f_files == 0 ? UINT64_MAX : (uint64_t)status.f_favail,
					.kept = kept,
					.inode_quota = bw_guard_inode_quota(settings, (uint64_t)status.f_files) };
	out->quota = bw_guard_quota(settings, out->size);
	return BW_OK;
}

static enum bw_err too_much(struct bw_why *why, const char *mount, uint64_t need, const char *of, uint64_t have)
{
	return bw_why_set(why, BW_ERR_DISK_FULL, "standing copies on '%s' would take %llu MiB, and %s %llu MiB", mount,
			  (unsigned long long)(need / BW_MIB), of, (unsigned long long)(have / BW_MIB));
}

static enum bw_err too_many(struct bw_why *why, const char *mount, uint64_t need, const char *of, uint64_t have)
{
	return bw_why_set(why, BW_ERR_DISK_FULL, "standing copies on '%s' would take %llu inodes, and %s %llu", mount,
			  (unsigned long long)need, of, (unsigned long long)have);
}

enum bw_err bw_enroll_fits(const struct bw_enroll_cost *cost, const struct bw_enroll_room *room, const char *mount,
			   struct bw_why *why)
{
	const uint64_t more = cost->bytes > room->kept ? cost->bytes - room->kept : 0;
	const uint64_t spare = room->size / SPARE_SHARE;
	const uint64_t usable = room->free > spare ? room->free - spare : 0;

	if (cost->bytes > room->quota)
		return too_much(why, mount, cost->bytes, "the quota is", room->quota);
	if (more > usable)
		return too_much(why, mount, more, "what may be used of its free space is", usable);
	if (cost->inodes > room->inode_quota)
		return too_many(why, mount, cost->inodes, "the quota is", room->inode_quota);
	if (cost->inodes > room->inodes && room->kept == 0)
		return too_many(why, mount, cost->inodes, "free are", room->inodes);
	return BW_OK;
}
