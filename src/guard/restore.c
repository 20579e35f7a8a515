#include "guard/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "guard/restore_parts.h"
#include "guard/shadow_parts.h"
#include "sys/beneath.h"
#include "sys/clock.h"

enum {
	TRIES = 16,
	MARKED_BYTES = 64 * 1024 * 1024, /* from here on, reading once more takes longer than the wait for a mark */
	GRAIN_MS = 20,                   /* two writes within a tick of the kernel's clock, 10 ms at most, look alike */
};

const char *bw_restored_words(enum bw_restored what)
{
	static const char *const words[] = { [BW_RESTORED_SAME] = "unchanged",
					     [BW_RESTORED_MISSING] = "was gone, is back",
					     [BW_RESTORED_REPLACED] = "replaced",
					     [BW_RESTORED_META] = "metadata set right",
					     [BW_RESTORED_BESIDE] = "restored, a later edit kept beside",
					     [BW_RESTORED_IN_PLACE] = "written back in place (it has several names)" };

	return words[what];
}

/* ---- what stands there ------------------------------------------------------------------------- */

/*
 * Whether what stands there is the file whose version comes back. Nothing else is written to, or gets its owner and
 * mode: under the name may be another user's file by now, or one that has names where no user could write.
 */
static bool is_its_file(const struct bw_restore_way *way)
{
	const struct bw_volume *volume = bw_shadow_volume(way->restore.shadow);
	const struct bw_file_key key = { .ino = way->version->key.ino,
					 .tree = way->version->key.tree,
					 .gen = way->version->key.gen };
	struct bw_file_key there;

	if (bw_volume_key(volume, way->there, &there) != BW_OK)
		return false;
	there.volume = key.volume;
	return bw_file_key_equals(&there, &key);
}

static enum bw_err look(struct bw_restore_way *way)
{
	if (fstatat(way->folder, way->name, &way->status, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT)
			return BW_OK;
		return bw_why_errno(way->why, errno, "look at", way->name);
	}
	way->exists = true;
	if (S_ISDIR(way->status.st_mode))
		return restore_fail(way, BW_ERR_TYPE, "put a file where a folder stands:");
	if (S_ISREG(way->status.st_mode) &&
	    bw_open_beneath(way->folder, way->name, O_RDONLY | O_NONBLOCK | O_NOATIME, 0, &way->there) != BW_OK)
		way->there = -1;
	if (way->there < 0)
		return BW_OK;
	/* from here on it is what was opened, whatever somebody puts under the name */
	if (fstat(way->there, &way->status) != 0)
		return bw_why_errno(way->why, errno, "look at", way->name);
	if (!S_ISREG(way->status.st_mode)) {
		restore_close(way->there);
		way->there = -1;
		return BW_OK;
	}
	way->is_same = is_its_file(way);
	return BW_OK;
}

static struct bw_restore_mark mark_of(const struct stat *status)
{
	return (struct bw_restore_mark){ .ino = status->st_ino,
					 .size = (uint64_t)status->st_size,
					 .mtime_ns = status->st_mtim.tv_nsec,
					 .ctime_s = status->st_ctim.tv_sec,
					 .ctime_ns = status->st_ctim.tv_nsec };
}

/* Compared before, and nobody wrote to it since. */
static bool is_as_marked(const struct bw_restore_way *way)
{
	const struct bw_restore_mark *was = way->restore.mark;
	const struct bw_restore_mark is = mark_of(&way->status);

	return was != NULL && was->ino == is.ino && was->size == is.size && was->mtime_ns == is.mtime_ns &&
	       was->ctime_s == is.ctime_s && was->ctime_ns == is.ctime_ns;
}

/* Once the clock has gone on, so that what is written from now on shows. */
static void take_mark(struct bw_restore_way *way)
{
	const struct timespec grain = { .tv_nsec = GRAIN_MS * 1000000L };
	struct stat status;

	if (way->made < 0 || way->version->size < MARKED_BYTES)
		return;
	(void)nanosleep(&grain, NULL);
	if (fstat(way->made, &status) == 0)
		way->result.mark = mark_of(&status);
}

static bool same_link(const struct bw_restore_way *way)
{
	char target[4096];
	ssize_t len;

	if (!way->exists || !S_ISLNK(way->status.st_mode))
		return false;
	len = readlinkat(way->folder, way->name, target, sizeof(target));
	return len >= 0 && bw_slice_equals(bw_slice_of(target, (size_t)len), way->meta.target) &&
	       way->status.st_uid == way->meta.uid && way->status.st_gid == way->meta.gid;
}

/* `was` gets the metadata it has now. */
static enum bw_err stands_already(const struct bw_restore_way *way, struct bw_buf *was, bool *out_content,
				  bool *out_meta)
{
	struct bw_meta now;
	bool whole;

	*out_content = *out_meta = false;
	if (way->there < 0 || (uint64_t)way->status.st_size != way->version->size)
		return BW_OK;
	if (is_as_marked(way))
		*out_content = true;
	else
		BW_TRY(restore_same(way, way->there, out_content));
	if (!*out_content)
		return BW_OK;
	BW_TRY(bw_meta_read(way->there, &way->status, was, &whole));
	BW_TRY(bw_meta_parse(bw_buf_slice(was), &now));
	*out_meta = bw_meta_differs(&now, &way->meta) == NULL;
	return BW_OK;
}

/* ---- making it ---------------------------------------------------------------------------------- */

/* A file with several names that lives on under another one, whole: the name is linked to it again. */
static bool link_twin(struct bw_restore_way *way, int fd)
{
	struct stat status;
	bool same = false;

	if (fd < 0)
		return false;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink > 0 &&
	    (uint64_t)status.st_size == way->version->size && restore_same(way, fd, &same) == BW_OK && same) {
		way->made = fd;
		return true;
	}
	(void)close(fd);
	return false;
}

static bool find_twin(struct bw_restore_way *way)
{
	const struct bw_volume *volume = bw_shadow_volume(way->restore.shadow);
	const struct bw_file_key key = { .ino = way->version->key.ino,
					 .tree = way->version->key.tree,
					 .gen = way->version->key.gen,
					 .volume = volume->number };
	struct bw_handle handle;
	int fd = -1;

	if ((way->meta.links < 2 && way->restore.twin == NULL) || way->is_same)
		return false;
	if (bw_volume_handle_of(volume, &key, &handle) == BW_OK && bw_volume_open(volume, &handle, 0, &fd) == BW_OK &&
	    link_twin(way, fd))
		return true;
	fd = -1;
	return way->restore.twin != NULL &&
	       bw_open_beneath(volume->root, way->restore.twin, O_RDONLY | O_NONBLOCK, 0, &fd) == BW_OK &&
	       link_twin(way, fd);
}

static enum bw_err make_regular(struct bw_restore_way *way)
{
	bool same = false;

	if (find_twin(way))
		return BW_OK;
	way->made = openat(way->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (way->made < 0)
		return bw_why_errno(way->why, errno, "make a new file for", way->name);
	BW_TRY(bw_shadow_fetch(way->restore.shadow, way->version, way->made, way->why));
	if (restore_same(way, way->made, &same) != BW_OK || !same)
		return restore_fail(way, BW_ERR_CORRUPT, "verify what was written for");
	return bw_meta_apply(way->made, &way->meta, way->why);
}

/* Only the link that was just made: who may write the folder may have put something else under its name. */
static enum bw_err describe_link(const struct bw_restore_way *way, const char *name)
{
	const struct timespec times[2] = { way->meta.atime, way->meta.mtime };
	const int fd = openat(way->folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	enum bw_err err = BW_OK;

	if (fd < 0 || fstat(fd, &status) != 0 || !S_ISLNK(status.st_mode) || status.st_uid != geteuid())
		err = bw_why_set(way->why, BW_ERR_CONFLICT, "somebody put something else in the place of '%s'",
				 way->name);
	else if (fchownat(fd, "", way->meta.uid, way->meta.gid, AT_EMPTY_PATH) != 0)
		err = bw_why_errno(way->why, errno, "set the owner of", way->name);
	else if (utimensat(fd, "", times, AT_EMPTY_PATH) != 0)
		err = bw_why_errno(way->why, errno, "set the times of", way->name);
	restore_close(fd);
	return err;
}

/* Gives the nameless file (or the link) a spare name in the folder. */
static enum bw_err name_it(const struct bw_restore_way *way, char out[RESTORE_NAME_BYTES])
{
	for (unsigned tries = 0; tries < TRIES; tries++) {
		char target[4097];
		char proc[32];
		int done;

		bw_aside_spare(BW_ASIDE_SPARE, out);
		if (S_ISLNK(way->version->kind)) {
			memcpy(target, way->meta.target.ptr, way->meta.target.len);
			target[way->meta.target.len] = '\0';
			done = symlinkat(target, way->folder, out);
			if (done == 0)
				BW_TRY(describe_link(way, out));
		} else {
			(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", way->made);
			done = linkat(AT_FDCWD, proc, way->folder, out, AT_SYMLINK_FOLLOW);
		}
		if (done == 0)
			return BW_OK;
		if (errno != EEXIST)
			break;
	}
	return bw_why_errno(way->why, errno, "name the new file for", way->name);
}

/* "report (edited 2026-11-23 0104).docx", then with a number. TOO_BIG: no file system takes such a name. */
static enum bw_err name_beside(const struct bw_restore_way *way, unsigned attempt, char out[RESTORE_NAME_BYTES])
{
	BW_CLEANUP(bw_buf_release) struct bw_buf name = BW_BUF_INIT(RESTORE_NAME_BYTES - 1);
	const char *dot = strrchr(way->name, '.');
	const size_t stem = dot != NULL && dot != way->name ? (size_t)(dot - way->name) : strlen(way->name);

	BW_TRY(bw_buf_add(&name, bw_slice_of(way->name, stem)));
	BW_TRY(bw_buf_addf(&name, " (edited %s", way->restore.label));
	if (attempt > 1)
		BW_TRY(bw_buf_addf(&name, " %u", attempt));
	BW_TRY(bw_buf_addf(&name, ")%s", way->name + stem));
	memcpy(out, bw_buf_text(&name), name.len + 1);
	return BW_OK;
}

/* A name too long to be added to: beside it stands a short one. */
static enum bw_err keep_beside(const struct bw_restore_way *way, const char *name, char out[RESTORE_NAME_BYTES])
{
	for (unsigned attempt = 1; attempt <= TRIES; attempt++) {
		if (name_beside(way, attempt, out) != BW_OK)
			(void)snprintf(out, RESTORE_NAME_BYTES, "%.100s (edited, %u)", way->name, attempt);
		if (renameat2(way->folder, name, way->folder, out, RENAME_NOREPLACE) == 0)
			return BW_OK;
		if (errno != EEXIST)
			break;
	}
	return bw_why_errno(way->why, errno, "keep beside", way->name);
}

static bool is_good_edit(const struct bw_restore_way *way)
{
	const int64_t mtime_us = bw_clock_of(&way->status.st_mtim);

	return way->exists && S_ISREG(way->status.st_mode) && mtime_us >= way->restore.good_after_us;
}

/* All as it was: else the old content would be left under a name that nobody knows. */
static enum bw_err take_back(const struct bw_restore_way *way, const char *spare, enum bw_err err)
{
	if (renameat2(way->folder, spare, way->folder, way->name, RENAME_EXCHANGE) == 0)
		(void)unlinkat(way->folder, spare, 0);
	return err;
}

/* One step: before it the old stands under the name, after it the new. */
static enum bw_err put_in_place(struct bw_restore_way *way)
{
	struct bw_restore_result *out = &way->result;
	char spare[RESTORE_NAME_BYTES];
	char aside[RESTORE_NAME_BYTES] = "";
	enum bw_err err;

	if (way->exists)
		BW_TRY(bw_aside_ready(way->restore.aside, way->why));
	BW_TRY(name_it(way, spare));
	if (!way->exists) {
		if (renameat2(way->folder, spare, way->folder, way->name, RENAME_NOREPLACE) == 0)
			return restore_note(way, BW_NOTE_CAME_BACK, "", bw_slice_empty);
		if (errno != EEXIST) {
			err = bw_why_errno(way->why, errno, "put back", way->name);
			(void)unlinkat(way->folder, spare, 0);
			return err;
		}
	}
	if (renameat2(way->folder, spare, way->folder, way->name, RENAME_EXCHANGE) != 0) {
		err = bw_why_errno(way->why, errno, "put back", way->name);
		(void)unlinkat(way->folder, spare, 0);
		return err;
	}
	if (out->what == BW_RESTORED_BESIDE) {
		err = keep_beside(way, spare, out->beside);
		if (err != BW_OK)
			return take_back(way, spare, err);
		return restore_note(way, BW_NOTE_BESIDE, out->beside, bw_slice_empty);
	}
	/* under the name it had: the hidden one is nobody's to read */
	err = bw_aside_take(way->restore.aside, way->folder, spare, way->name, aside, way->why);
	if (err == BW_OK)
		return restore_note(way, BW_NOTE_REPLACED, aside, bw_slice_empty);
	return take_back(way, spare, err);
}

static enum bw_err copy_aside(const struct bw_restore_way *way, char out[RESTORE_NAME_BYTES])
{
	int copy = -1;
	enum bw_err err;

	BW_TRY(bw_aside_make(way->restore.aside, way->name, out, &copy, way->why));
	err = bw_copy_reflink(way->there, copy);
	if (err == BW_ERR_UNSUPPORTED)
		err = bw_copy_sparse(way->there, copy, (uint64_t)way->status.st_size);
	if (err == BW_OK && fsync(copy) != 0)
		err = bw_err_from_errno(errno);
	restore_close(copy);
	return err == BW_OK ? BW_OK : restore_fail(way, err, "keep a copy of");
}

/* In one step where there are reflinks. Elsewhere what stood there comes back when it cannot be done to its end. */
static enum bw_err overwrite(const struct bw_restore_way *way, int fd, const char *aside)
{
	enum bw_err err = bw_copy_reflink(way->made, fd);
	int old = -1;

	if (err == BW_OK && ftruncate(fd, (off_t)way->version->size) != 0)
		return bw_err_from_errno(errno);
	if (err != BW_ERR_UNSUPPORTED)
		return err;
	err = ftruncate(fd, 0) == 0 ? BW_OK : bw_err_from_errno(errno);
	if (err == BW_OK)
		err = bw_shadow_fetch(way->restore.shadow, way->version, fd, way->why);
	if (err != BW_OK && bw_open_beneath(way->restore.aside->folder, aside, O_RDONLY, 0, &old) == BW_OK) {
		if (ftruncate(fd, 0) == 0)
			bw_err_drop(bw_copy_sparse(old, fd, (uint64_t)way->status.st_size)); /* it lies aside, too */
		restore_close(old);
	}
	return err;
}

/* Several names lead to it: what stands there is copied aside, then written into. */
static enum bw_err write_in_place(struct bw_restore_way *way)
{
	char aside[RESTORE_NAME_BYTES];
	struct stat status;
	int fd = -1;
	enum bw_err err;

	BW_TRY(copy_aside(way, aside));
	BW_TRY(bw_open_beneath(way->folder, way->name, O_RDWR | O_NONBLOCK, 0, &fd));
	err = fstat(fd, &status) == 0 ? BW_OK : bw_err_from_errno(errno);
	if (err == BW_OK && (status.st_ino != way->status.st_ino || status.st_dev != way->status.st_dev))
		err = BW_ERR_CONFLICT; /* somebody put another one there since it was looked at */
	if (err == BW_OK)
		err = overwrite(way, fd, aside);
	if (err == BW_OK)
		err = bw_meta_apply(fd, &way->meta, way->why);
	if (err == BW_OK && fsync(fd) != 0)
		err = bw_err_from_errno(errno);
	restore_close(fd);
	if (err != BW_OK)
		return restore_fail(way, err, "write back");
	return restore_note(way, BW_NOTE_IN_PLACE, aside, bw_slice_empty);
}

static enum bw_restored what_to_do(const struct bw_restore_way *way, bool regular, bool content, bool meta)
{
	if (content && meta)
		return BW_RESTORED_SAME;
	if (content && way->is_same)
		return BW_RESTORED_META;
	if (!way->exists)
		return BW_RESTORED_MISSING;
	if (is_good_edit(way))
		return BW_RESTORED_BESIDE;
	if (regular && way->is_same && way->status.st_nlink > 1)
		return BW_RESTORED_IN_PLACE;
	return BW_RESTORED_REPLACED;
}

/* All up to the step that changes a content under its name; `out_more`: that step is to come. */
static enum bw_err prepare(struct bw_restore_way *way, bool *out_more)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf was = BW_BUF_INIT(BW_META_BYTES_MAX);
	const bool regular = S_ISREG(way->version->kind);
	bool content = false;
	bool meta = false;

	if (regular)
		BW_TRY(stands_already(way, &was, &content, &meta));
	else
		content = meta = same_link(way);
	way->result.bytes = way->version->size;
	way->result.what = what_to_do(way, regular, content, meta);
	if (way->result.what == BW_RESTORED_SAME || way->restore.dry_run)
		return BW_OK;
	if (way->result.what == BW_RESTORED_META) {
		BW_TRY(bw_meta_apply(way->there, &way->meta, way->why));
		return restore_note(way, BW_NOTE_META, "", bw_buf_slice(&was));
	}
	if (regular)
		BW_TRY(make_regular(way)); /* also before writing in place: it proves that the version is good */
	*out_more = true;
	return BW_OK;
}

static void free_way(struct bw_restore_way *way)
{
	restore_close(way->made);
	restore_close(way->there);
	restore_close(way->folder);
	free(way);
}

static enum bw_err begin(struct bw_restore_way *way)
{
	const struct bw_shelf_version *version = way->version;
	const char *slash = way->restore.place == NULL ? NULL : strrchr(way->restore.place, '/');
	struct bw_slice name = version->name;
	enum bw_err err;

	if (way->restore.place != NULL)
		name = bw_slice_text(slash == NULL ? way->restore.place : slash + 1);
	BW_NEED(S_ISREG(version->kind) || S_ISLNK(version->kind), TYPE);
	BW_NEED(name.len > 0 && name.len < sizeof(way->name), CORRUPT);
	BW_NEED(memchr(name.ptr, '/', name.len) == NULL, CORRUPT);
	memcpy(way->name, name.ptr, name.len);
	BW_NEED(strcmp(way->name, ".") != 0 && strcmp(way->name, "..") != 0, CORRUPT);
	err = bw_meta_parse(version->meta, &way->meta);
	return err == BW_OK ? BW_OK : restore_fail(way, BW_ERR_CORRUPT, "read the metadata of");
}

static enum bw_err go(struct bw_restore_way *way, bool *out_more)
{
	enum bw_err err;

	BW_TRY(begin(way));
	err = restore_reach(way);
	if (err == BW_ERR_NOT_FOUND && way->restore.dry_run) {
		way->result = (struct bw_restore_result){ .what = BW_RESTORED_MISSING, .bytes = way->version->size };
		return BW_OK;
	}
	BW_TRY(err);
	if (way->restore.aside != NULL && !way->restore.dry_run)
		BW_TRY(bw_aside_sweep(way->restore.aside, way->folder, way->why));
	BW_TRY(look(way));
	return prepare(way, out_more);
}

enum bw_err bw_restore_prepare(const struct bw_restore *restore, const struct bw_shelf_version *version,
			       struct bw_restore_way **out_way, struct bw_restore_result *out, struct bw_why *why)
{
	struct bw_restore_way *way = calloc(1, sizeof(*way));
	bool more = false;
	enum bw_err err;

	BW_NEED(way != NULL, MEMORY);
	way->restore = *restore;
	way->version = version;
	way->why = why;
	way->folder = way->there = way->made = -1;
	err = go(way, &more);
	if (err == BW_OK) {
		*out = way->result;
		*out_way = more ? way : NULL;
	}
	if (err != BW_OK || !more)
		free_way(way);
	return err;
}

enum bw_err bw_restore_finish(struct bw_restore_way *way, struct bw_restore_result *out, struct bw_why *why)
{
	enum bw_err err;

	way->why = why;
	if (way->result.what == BW_RESTORED_IN_PLACE) {
		err = write_in_place(way);
	} else {
		err = put_in_place(way);
		take_mark(way);
	}
	if (err == BW_OK)
		*out = way->result;
	free_way(way);
	return err;
}

void bw_restore_drop(struct bw_restore_way *way)
{
	if (way != NULL)
		free_way(way);
}

enum bw_err bw_restore_version(const struct bw_restore *restore, const struct bw_shelf_version *version,
			       struct bw_restore_result *out, struct bw_why *why)
{
	struct bw_restore_way *way = NULL;
	struct bw_restore_result result = { 0 };

	BW_TRY(bw_restore_prepare(restore, version, &way, &result, why));
	if (way != NULL && way->made >= 0 && fsync(way->made) != 0) {
		free_way(way);
		return bw_why_errno(why, errno, "write", "the new file");
	}
	if (way != NULL)
		BW_TRY(bw_restore_finish(way, &result, why));
	*out = result;
	return BW_OK;
}

enum bw_err bw_restore_folder(const struct bw_restore *restore, const char *path, bool *out_made, struct bw_why *why)
{
	struct bw_restore_way way = { .restore = *restore, .why = why, .folder = -1, .there = -1, .made = -1 };
	enum bw_err err = bw_open_beneath(bw_shadow_volume(restore->shadow)->root, path, O_RDONLY | O_DIRECTORY, 0,
					  &way.folder);

	*out_made = err == BW_ERR_NOT_FOUND;
	if (err == BW_ERR_NOT_FOUND && !restore->dry_run)
		err = restore_make_path(&way, bw_slice_text(path), &way.folder);
	restore_close(way.folder);
	if (err == BW_OK || (err == BW_ERR_NOT_FOUND && restore->dry_run))
		return BW_OK;
	return bw_why_set(why, err, "cannot make the folder '%s' again: %s", path, bw_err_text(err));
}

enum bw_err bw_restore_displace(const struct bw_restore *restore, const char *path, struct bw_why *why)
{
	struct bw_restore_way way = { .restore = *restore, .why = why, .folder = -1, .there = -1, .made = -1 };
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	char aside[RESTORE_NAME_BYTES];
	enum bw_err err;

	BW_NEED(name[0] != '\0' && strlen(name) < sizeof(way.name), RANGE);
	memcpy(way.name, name, strlen(name));
	way.restore.place = path;
	BW_TRY(restore_reach_place(&way));
	err = restore->dry_run ? BW_OK : bw_aside_take(restore->aside, way.folder, way.name, way.name, aside, why);
	if (err == BW_OK && !restore->dry_run)
		err = restore_note(&way, BW_NOTE_MOVED_AWAY, aside, bw_slice_empty);
	restore_close(way.folder);
	return err;
}
