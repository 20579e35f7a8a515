/* The list of bait and what became of each. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/bait.h"
#include "guard/bait_pick.h"
#include "sys/beneath.h"

enum turn { BY_KEY, BY_NAME };

enum bw_err bw_bait_open(const char *data, struct bw_bait_hand *out, struct bw_why *why)
{
	struct bw_bait_hand hand = { .data = data, .lock = -1, .volume = { .root = -1 } };
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(bw_path_join(path, data, "guard/bait-lock"));
	BW_TRY(bw_lock_take(path, &hand.lock, why));
	err = bw_bait_book_init(&hand.book);
	if (err == BW_OK)
		err = bw_bait_book_load(data, &hand.book, why);
	if (err != BW_OK) {
		bw_bait_close(&hand);
		return err;
	}
	*out = hand;
	return BW_OK;
}

void bw_bait_close(struct bw_bait_hand *hand)
{
	bw_bait_book_release(&hand->book);
	bw_volume_release(&hand->volume);
	if (hand->lock >= 0)
		(void)close(hand->lock);
	hand->lock = -1;
}

const char *bw_bait_state_name(enum bw_bait_state state)
{
	static const char *const names[BW_BAIT_STATES] = { "as laid", "moved", "changed", "gone" };

	return (size_t)state < BW_BAIT_STATES ? names[state] : "unknown";
}

/* ---- the file ------------------------------------------------------------------------------------------- */

/* The file system that its path lies on; the folders themselves may be gone. */
static enum bw_err reach(struct bw_bait_hand *hand, struct bw_slice path, struct bw_why *why)
{
	char folder[BW_PATH_BYTES];
	enum bw_err err = BW_ERR_NOT_FOUND;

	while (path.len > 1 && err == BW_ERR_NOT_FOUND) {
		path = bw_bait_folder_of(path);
		(void)snprintf(folder, sizeof(folder), "%.*s", BW_ARG(path));
		if (hand->volume.root >= 0 && bw_volume_holds(&hand->volume, folder))
			return BW_OK;
		if (!bw_file_exists(folder))
			continue;
		bw_volume_release(&hand->volume);
		hand->volume = (struct bw_volume){ .root = -1 };
		err = bw_volume_of(folder, &hand->volume, why);
	}
	return err;
}

static enum bw_err open_by_key(const struct bw_volume *volume, const struct bw_bait *bait, int *out_fd)
{
	struct bw_handle handle;

	BW_TRY(bw_volume_handle_of(volume, &bait->key, &handle));
	return bw_volume_open(volume, &handle, O_NONBLOCK, out_fd);
}

static enum bw_err open_by_name(const struct bw_volume *volume, const struct bw_bait *bait, int *out_fd)
{
	char name[BW_PATH_BYTES];
	struct bw_slice inside;

	BW_NEED(bw_volume_inside(volume, bait->path, &inside), NOT_FOUND);
	(void)snprintf(name, sizeof(name), "%.*s", BW_ARG(inside));
	return bw_open_beneath(volume->root, name, O_RDONLY | O_NONBLOCK | O_NOATIME, 0, out_fd);
}

/* Whether every byte is as it was laid. */
static bool is_whole(int fd, const struct bw_bait *bait)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_BAIT_BYTES_MAX);
	uint8_t sum[BW_SHA256_BYTES];
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (uint64_t)status.st_size == bait->size &&
	       bw_file_read_fd(fd, bait->path, &bytes, NULL) == BW_OK &&
	       bw_sha256(bw_buf_slice(&bytes), sum) == BW_OK && memcmp(sum, bait->sha256, sizeof(sum)) == 0;
}

/* Where an open file is now; false when it has no name any more, or none we can say. */
static bool place_of(int fd, char out[BW_PATH_BYTES])
{
	char link[32];
	struct stat status;
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, out, BW_PATH_BYTES - 1);
	if (len <= 0 || fstat(fd, &status) != 0 || status.st_nlink == 0)
		return false;
	out[len] = '\0';
	return out[0] == '/';
}

static void look(const struct bw_volume *volume, const struct bw_bait *bait, enum turn turn, struct bw_bait_found *out)
{
	int fd = -1;
	const enum bw_err err = turn == BY_KEY ? open_by_key(volume, bait, &fd) : open_by_name(volume, bait, &fd);
	const bool is_there = err == BW_OK && place_of(fd, out->path) && /* a restore moves aside into the store */
			      !bw_bait_is_below(bw_slice_text(out->path), bw_slice_text(volume->store)) &&
			      bw_volume_key(volume, fd, &out->key) == BW_OK;
	const bool whole = is_there && is_whole(fd, bait);

	if (is_there && (whole || turn == BY_KEY)) { /* another file of its old name is another file */
		out->fd = fd;
		out->state = !whole                               ? BW_BAIT_CHANGED
			     : strcmp(out->path, bait->path) == 0 ? BW_BAIT_AS_LAID
								  : BW_BAIT_MOVED;
		return;
	}
	if (fd >= 0)
		(void)close(fd);
	out->path[0] = '\0';
}

enum bw_err bw_bait_find(struct bw_bait_hand *hand, const struct bw_bait *bait, struct bw_bait_found *out,
			 struct bw_why *why)
{
	struct bw_bait_found restored = { .state = BW_BAIT_GONE, .fd = -1 };

	*out = restored;
	BW_TRY(reach(hand, bw_slice_text(bait->path), why));
	look(&hand->volume, bait, BY_KEY, out);
	if (out->state == BW_BAIT_AS_LAID || out->state == BW_BAIT_MOVED)
		return BW_OK;
	look(&hand->volume, bait, BY_NAME, &restored);
	if (restored.fd < 0)
		return BW_OK;
	if (out->fd >= 0)
		(void)close(out->fd);
	*out = restored;
	return BW_OK;
}

/* ---- removing ---------------------------------------------------------------------------------------------- */

static bool is_meant(const struct bw_bait_removal *removal, const struct bw_bait *bait,
		     const struct bw_bait_found *found)
{
	const char *path = found->path[0] != '\0' ? found->path : bait->path;

	if (removal->dir != NULL)
		return bw_bait_is_below(bw_slice_text(path), bw_slice_text(removal->dir));
	return !bw_guard_settings_cover(removal->settings, path);
}

/* By its folder and name, when the name is still this file's. */
static enum bw_err take_away(const struct bw_volume *volume, const struct bw_bait_found *found)
{
	const struct bw_slice path = bw_slice_text(found->path);
	const struct bw_slice folder = bw_bait_folder_of(path);
	const char *name = found->path + folder.len + (folder.len > 1);
	char absolute[BW_PATH_BYTES];
	char below[BW_PATH_BYTES];
	struct bw_slice inside;
	struct stat open_one;
	struct stat named;
	int fd = -1;
	enum bw_err err = BW_OK;

	(void)snprintf(absolute, sizeof(absolute), "%.*s", BW_ARG(folder));
	BW_NEED(bw_volume_inside(volume, absolute, &inside), NOT_FOUND);
	(void)snprintf(below, sizeof(below), "%.*s", BW_ARG(inside));
	BW_TRY(bw_open_beneath(volume->root, below, O_RDONLY | O_DIRECTORY, 0, &fd));
	if (fstat(found->fd, &open_one) != 0 || fstatat(fd, name, &named, AT_SYMLINK_NOFOLLOW) != 0 ||
	    open_one.st_ino != named.st_ino || open_one.st_dev != named.st_dev)
		err = BW_ERR_NOT_FOUND;
	else if (unlinkat(fd, name, 0) != 0)
		err = BW_ERR_IO;
	(void)close(fd);
	return err;
}

static enum bw_err remove_one(const struct bw_bait_hand *hand, const struct bw_bait_removal *removal,
			      const struct bw_bait_found *found, struct bw_bait_removed *out)
{
	enum bw_err err;

	switch (found->state) {
	case BW_BAIT_GONE:
		out->gone++;
		return BW_OK;
	case BW_BAIT_CHANGED:
		out->changed++;
		if (removal->tell != NULL)
			removal->tell(removal->context, found->path);
		return BW_OK;
	default:
		err = take_away(&hand->volume, found);
		out->removed += err == BW_OK;
		out->gone += err == BW_ERR_NOT_FOUND;
		return err == BW_ERR_NOT_FOUND ? BW_OK : err;
	}
}

enum bw_err bw_bait_remove(struct bw_bait_hand *hand, const struct bw_bait_removal *removal,
			   struct bw_bait_removed *out, struct bw_why *why)
{
	struct bw_bait_found found;
	size_t at = 0;

	*out = (struct bw_bait_removed){ 0 };
	while (at < hand->book.count) {
		const struct bw_bait *bait = &hand->book.baits[at];
		enum bw_err err = bw_bait_find(hand, bait, &found, NULL);
		const bool is_wanted = is_meant(removal, bait, &found);

		if (err == BW_OK && is_wanted)
			err = remove_one(hand, removal, &found, out);
		if (found.fd >= 0)
			(void)close(found.fd);
		if (err != BW_OK && is_wanted)
			bw_err_drop(bw_why_set(why, err, "cannot remove '%s': %s", bait->path, bw_err_text(err)));
		if (err == BW_OK && is_wanted)
			bw_bait_book_drop(&hand->book, at);
		else
			at++;
	}
	return bw_bait_book_save(hand->data, &hand->book, why);
}
