#include "guard/watch_marks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include "base/log.h"
#include "guard/watch_marks_parts.h"

#define CHANGES_MASK ((uint64_t)(FAN_MODIFY | FAN_EVENT_ON_CHILD))

enum { BTRFS_TOP = 5 /* the subvolume that holds all others */ };

enum bw_err bw_marks_open(struct bw_guard *guard, struct bw_marks **out, struct bw_why *why)
{
	struct bw_marks *marks = calloc(1, sizeof(*marks));
	enum bw_err err;

	BW_NEED(marks != NULL, MEMORY);
	marks->guard = guard;
	marks->wake = -1;
	err = bw_marks_queue_new(marks, why);
	if (err != BW_OK) {
		bw_marks_free(marks);
		return err;
	}
	*out = marks;
	return BW_OK;
}

void bw_marks_free(struct bw_marks *marks)
{
	if (marks == NULL)
		return;
	if (marks->wake >= 0)
		(void)close(marks->wake);
	bw_arena_release(&marks->arena);
	free(marks->asks);
	free(marks);
}

/*
 * Events carry the number of the file system that holds the mark. Btrfs mixes the number of the subvolume
 * into it (statfs of fs/btrfs: the root's id by xor), which a handle names too.
 */
static bool is_of(const struct bw_ear *ear, const struct bw_fan_id *id)
{
	struct bw_file_key key;
	uint64_t mixed;

	if (memcmp(ear->fsid, id->fsid, sizeof(ear->fsid)) == 0)
		return true;
	if (!ear->subvolumes)
		return false;
	if (bw_file_key_of_handle(id->handle.type, bw_slice_of(id->handle.bytes, id->handle.len), 0, &key) != BW_OK)
		return false;
	mixed = key.tree ^ BTRFS_TOP;
	return id->fsid[0] == (ear->fsid[0] ^ (uint32_t)(mixed >> 32)) &&
	       id->fsid[1] == (ear->fsid[1] ^ (uint32_t)mixed);
}

const struct bw_volume *bw_marks_volume(const struct bw_marks *marks, const struct bw_fan_id *id)
{
	const struct bw_guard *guard = marks->guard;

	if (!id->there)
		return NULL;
	for (size_t i = 0; i < guard->volume_count; i++) {
		if (is_of(&guard->ears.volumes[i], id))
			return &guard->volumes[i];
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
	done = fanotify_mark(marks->guard->ears.changes, how, mask, fd, NULL) == 0;
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
	if (fanotify_mark(marks->guard->ears.changes, FAN_MARK_ADD, CHANGES_MASK, folder, ".") == 0)
		return BW_OK;
	if (errno == EXDEV && !marks->said_exdev) {
		marks->said_exdev = true;
		bw_log(BW_WARNING, "this kernel marks no folders of Btrfs subvolumes: writes are seen at the close",
		       BW_TEXT("mount", volume->mount));
	}
	return bw_err_from_errno(errno);
}
