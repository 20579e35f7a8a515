#include "guard/ears.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/log.h"
#include "guard/ears_parts.h"

/* No FAN_OPEN, FAN_ACCESS or FAN_CLOSE_NOWRITE. CREATE is for links: a new file is told by its close. */
#define NAMES_MASK ((uint64_t)(FAN_CLOSE_WRITE | FAN_DELETE | FAN_RENAME | FAN_CREATE | FAN_ATTRIB | FAN_ONDIR))

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

enum bw_err bw_ears_open(struct bw_ears *ears, struct bw_why *why)
{
	enum bw_err err = open_group(FAN_REPORT_DFID_NAME_TARGET, &ears->names, why);

	if (err == BW_OK)
		err = open_group(FAN_REPORT_FID | FAN_REPORT_DIR_FID, &ears->changes, why);
	if (err != BW_OK)
		bw_ears_close(ears);
	return err;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

void bw_ears_close(struct bw_ears *ears)
{
	close_fd(&ears->names);
	close_fd(&ears->changes);
}

/* ---- one volume -------------------------------------------------------------------------------- */

static bool add_mark(const struct bw_ears *ears, int at)
{
	return fanotify_mark(ears->names, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, NAMES_MASK, at, ".") == 0;
}

static enum bw_err fsid_of(int at, const struct bw_volume *volume, struct bw_ear *ear, struct bw_why *why)
{
	struct statfs status;

	if (fstatfs(at, &status) != 0)
		return bw_why_errno(why, errno, "ask the file system of", volume->mount);
	memcpy(ear->fsid, &status.f_fsid, sizeof(ear->fsid));
	return BW_OK;
}

/*
 * A mount of a Btrfs subvolume takes no mark for the whole file system (EXDEV); one of its top
 * does, and hears all subvolumes. Made for this, seen by nobody; the mark outlives it.
 */
static enum bw_err add_by_top(const struct bw_ears *ears, const struct bw_volume *volume, struct bw_ear *ear,
			      struct bw_why *why)
{
	enum bw_err err;
	int top = -1;

	BW_TRY(bw_ears_top_of(volume, &top, why));
	if (add_mark(ears, top))
		err = fsid_of(top, volume, ear, why);
	else
		err = bw_why_set(why, BW_ERR_UNSUPPORTED, "the top of the Btrfs of '%s' takes no mark: %s",
				 volume->mount, bw_err_text(bw_err_from_errno(errno)));
	(void)close(top);
	if (err == BW_OK)
		bw_log(BW_INFO, "listening through the file system's top", BW_TEXT("mount", volume->mount));
	return err;
}

/*
 * What keep writes is no news. Its folders are silenced one by one, as a mark on a folder holds for
 * its entries only; what is made later is dropped by its place (watch_cover.h).
 */
static void silence_store(const struct bw_ears *ears, const struct bw_volume *volume)
{
	static const char *const folders[] = { "", "/packs", "/objects" };
	const uint64_t all = NAMES_MASK | FAN_EVENT_ON_CHILD;

	for (size_t i = 0; i < BW_COUNT(folders); i++) {
		char path[BW_PATH_BYTES + 16];

		(void)snprintf(path, sizeof(path), "%s%s", volume->store, folders[i]);
		if (fanotify_mark(ears->names, FAN_MARK_ADD | FAN_MARK_IGNORE_SURV, all, AT_FDCWD, path) != 0 &&
		    errno != ENOENT)
			bw_log(BW_DEBUG, "the store's own events are dropped by place", BW_TEXT("folder", path));
	}
}

enum bw_err bw_ears_add(struct bw_ears *ears, const struct bw_volume *volume, struct bw_why *why)
{
	struct bw_ear ear = { .subvolumes = strcmp(volume->type, "btrfs") == 0 };

	if (add_mark(ears, volume->root))
		BW_TRY(fsid_of(volume->root, volume, &ear, why));
	else if (errno == EXDEV)
		BW_TRY(add_by_top(ears, volume, &ear, why));
	else
		return bw_why_errno(why, errno, "listen to", volume->mount);
	silence_store(ears, volume);
	ears->volumes[volume->number] = ear;
	return BW_OK;
}
