#include "guard/watch_marks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/log.h"
#include "guard/watch_marks_parts.h"

/* Kept apart from the kernel headers of Debian 12, which have them all. */
#define NAMES_MASK ((uint64_t)(FAN_CLOSE_WRITE | FAN_DELETE | FAN_RENAME | FAN_ONDIR))
#define CHANGES_MASK ((uint64_t)(FAN_MODIFY | FAN_EVENT_ON_CHILD))

static enum bw_err open_group(unsigned report, int *out_fd, struct bw_why *why)
{
	const unsigned common = FAN_CLASS_NOTIF | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS | FAN_NONBLOCK |
				FAN_CLOEXEC;
	const int fd = fanotify_init(common | report, O_RDONLY);

	if (fd < 0 && errno == EINVAL)
		return bw_why_set(why, BW_ERR_UNSUPPORTED,
				  "this kernel does not report renames with both names (Linux 5.17 does)");
	if (fd < 0)
		return bw_why_errno(why, errno, "listen to", "file systems");
	*out_fd = fd;
	return BW_OK;
}

/* ---- one volume -------------------------------------------------------------------------------- */

static enum bw_err add_mark(const struct marks_volume *v, int group, int at)
{
	if (fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, NAMES_MASK, at, ".") != 0)
		return errno == EXDEV ? BW_ERR_TYPE : bw_err_from_errno(errno);
	(void)v;
	return BW_OK;
}

/*
 * A mount of a Btrfs subvolume takes no mark for the whole file system (EXDEV); one of its top
 * does, and hears all subvolumes. Made for this, and seen by nobody.
 */
static enum bw_err mark_top(struct marks_volume *v, int group, struct bw_why *why)
{
	enum bw_err err = bw_marks_top_of(v->volume, &v->top, why);

	BW_TRY(err);
	err = add_mark(v, group, v->top);
	if (err != BW_OK)
		return bw_why_set(why, BW_ERR_UNSUPPORTED, "the top of the Btrfs of '%s' takes no mark: %s",
				  v->volume->mount, bw_err_text(err));
	bw_log(BW_INFO, "listening through the file system's top", BW_TEXT("mount", v->volume->mount));
	return BW_OK;
}

static enum bw_err mark_volume(struct marks_volume *v, int group, struct bw_why *why)
{
	struct statfs status;
	enum bw_err err = add_mark(v, group, v->volume->root);

	if (err == BW_ERR_TYPE)
		err = mark_top(v, group, why);
	else if (err != BW_OK)
		err = bw_why_set(why, err, "cannot listen to '%s': %s", v->volume->mount, bw_err_text(err));
	BW_TRY(err);
	if (fstatfs(v->top >= 0 ? v->top : v->volume->root, &status) != 0)
		return bw_why_errno(why, errno, "ask the file system of", v->volume->mount);
	memcpy(v->fsid, &status.f_fsid, sizeof(v->fsid));
	v->subvolumes = strcmp(v->volume->type, "btrfs") == 0;
	return BW_OK;
}

/*
 * What keep writes is no news. Its folders are silenced one by one, as a mark on a folder holds for
 * its entries only; what is made later is dropped by its place (watch_cover.h).
 */
static void silence_store(const struct marks_volume *v, int group)
{
	static const char *const folders[] = { "", "/packs", "/objects" };
	const uint64_t all = NAMES_MASK | FAN_EVENT_ON_CHILD;

	for (size_t i = 0; i < BW_COUNT(folders); i++) {
		char path[BW_PATH_BYTES + 16];

		(void)snprintf(path, sizeof(path), "%s%s", v->volume->store, folders[i]);
		if (fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_IGNORE_SURV, all, AT_FDCWD, path) != 0 &&
		    errno != ENOENT)
			bw_log(BW_DEBUG, "the store's own events are dropped by place", BW_TEXT("folder", path));
	}
}

/* ---- all ------------------------------------------------------------------------------------------ */

static enum bw_err open_all(struct bw_marks *marks, struct bw_why *why)
{
	BW_TRY(open_group(FAN_REPORT_DFID_NAME_TARGET, &marks->names, why));
	BW_TRY(open_group(FAN_REPORT_FID | FAN_REPORT_DIR_FID, &marks->changes, why));
	for (size_t i = 0; i < marks->count; i++) {
		BW_TRY(mark_volume(&marks->volumes[i], marks->names, why));
		silence_store(&marks->volumes[i], marks->names);
	}
	return bw_marks_queue_new(marks, why);
}

enum bw_err bw_marks_open(const struct bw_guard *guard, struct bw_marks **out, struct bw_why *why)
{
	struct bw_marks *marks = calloc(1, sizeof(*marks));
	enum bw_err err;

	BW_NEED(marks != NULL, MEMORY);
	marks->names = marks->changes = marks->wake = -1;
	marks->settings = &guard->settings;
	marks->count = guard->volume_count;
	for (size_t i = 0; i < marks->count; i++)
		marks->volumes[i] = (struct marks_volume){ .volume = &guard->volumes[i], .top = -1 };
	err = open_all(marks, why);
	if (err != BW_OK) {
		bw_marks_free(marks);
		return err;
	}
	*out = marks;
	return BW_OK;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

void bw_marks_free(struct bw_marks *marks)
{
	if (marks == NULL)
		return;
	close_fd(marks->names);
	close_fd(marks->changes);
	close_fd(marks->wake);
	for (size_t i = 0; i < marks->count; i++)
		close_fd(marks->volumes[i].top);
	free(marks->asks);
	free(marks);
}

int bw_marks_names_fd(const struct bw_marks *marks)
{
	return marks->names;
}

int bw_marks_changes_fd(const struct bw_marks *marks)
{
	return marks->changes;
}

/*
 * Events carry the number of the file system that holds the mark. Btrfs mixes the number of the subvolume
 * into it (statfs of fs/btrfs: the root's id by xor), which a handle names too.
 */
static bool is_of(const struct marks_volume *v, const struct bw_fan_id *id)
{
	struct bw_file_key key;
	uint64_t mixed;

	if (memcmp(v->fsid, id->fsid, sizeof(v->fsid)) == 0)
		return true;
	if (!v->subvolumes)
		return false;
	if (bw_file_key_of_handle(id->handle.type, bw_slice_of(id->handle.bytes, id->handle.len), 0, &key) != BW_OK)
		return false;
	mixed = key.tree ^ BTRFS_TOP;
	return id->fsid[0] == (v->fsid[0] ^ (uint32_t)(mixed >> 32)) && id->fsid[1] == (v->fsid[1] ^ (uint32_t)mixed);
}

const struct bw_volume *bw_marks_volume(const struct bw_marks *marks, const struct bw_fan_id *id)
{
	for (size_t i = 0; i < marks->count; i++) {
		if (is_of(&marks->volumes[i], id))
			return marks->volumes[i].volume;
	}
	return NULL;
}

/* ---- the reader's own, cheap calls: what they name was in use a moment ago, so it is in memory ------------- */

static bool mark_by_handle(struct bw_marks *marks, const struct bw_volume *volume, const struct bw_handle *handle,
			   unsigned how, uint64_t mask)
{
	bool done;
	int fd;

	if (bw_volume_open(volume, handle, O_PATH, &fd) != BW_OK)
		return false;
	done = fanotify_mark(marks->changes, how, mask, fd, NULL) == 0;
	(void)close(fd);
	return done;
}

bool bw_marks_silence(struct bw_marks *marks, const struct bw_volume *volume, const struct bw_handle *file, bool on)
{
	const unsigned how = on ? FAN_MARK_ADD | FAN_MARK_IGNORE_SURV | FAN_MARK_EVICTABLE
				: FAN_MARK_REMOVE | FAN_MARK_IGNORE;

	return mark_by_handle(marks, volume, file, how, FAN_MODIFY);
}

void bw_marks_lift(struct bw_marks *marks, const struct bw_volume *volume, const struct bw_handle *folder)
{
	if (mark_by_handle(marks, volume, folder, FAN_MARK_REMOVE, CHANGES_MASK))
		bw_marks_queue_lifted(marks, volume, folder);
}

enum bw_err bw_marks_set(struct bw_marks *marks, const struct bw_volume *volume, int folder)
{
	if (fanotify_mark(marks->changes, FAN_MARK_ADD, CHANGES_MASK, folder, ".") == 0)
		return BW_OK;
	if (errno == EXDEV && !marks->said_exdev) {
		marks->said_exdev = true;
		bw_log(BW_WARNING, "this kernel marks no folders of Btrfs subvolumes: writes are seen at the close",
		       BW_TEXT("mount", volume->mount));
	}
	return bw_err_from_errno(errno);
}
