#include "guard/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "guard/meta.h"
#include "guard/shadow_parts.h"
#include "sys/beneath.h"

enum { ARENA_BYTES = 4 * 1024 * 1024, COMPARE_BYTES = 256 * 1024, NAME_BYTES = 256, TRIES = 16 };

/* One version on its way back. */
struct way {
	const struct bw_restore *restore;
	const struct bw_shelf_version *version;
	struct bw_meta meta;
	struct bw_why *why;
	char name[NAME_BYTES];
	int folder;         /* where it goes */
	int there;          /* what stands there, for reading; -1: nothing, or nothing that can be read */
	struct stat status; /* of what stands there */
	bool exists;
	int made;
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

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

static enum bw_err fail(const struct way *way, enum bw_err err, const char *verb)
{
	return bw_why_set(way->why, err, "cannot %s '%s': %s", verb, way->name, bw_err_text(err));
}

/* ---- the folder ------------------------------------------------------------------------------ */

/* Makes what is missing of a path, one folder after the other, as the catalogue remembers each. */
static enum bw_err give_meta(const struct way *way, struct bw_slice path, int fd)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ARENA_BYTES);
	struct bw_shelf *shelf = bw_shadow_shelf(way->restore->shadow);
	struct bw_shelf_folder folder;
	struct bw_meta meta;
	uint32_t number;

	if (bw_shelf_folder_find(shelf, path, &number) != BW_OK ||
	    bw_shelf_folder_get(shelf, number, &arena, &folder) != BW_OK || folder.meta.len == 0)
		return BW_OK; /* nobody knows how it was: root's, 0700, until a person says otherwise */
	BW_TRY(bw_meta_parse(folder.meta, &meta));
	return bw_meta_apply(fd, &meta, way->why);
}

static enum bw_err make_step(const struct way *way, int *folder, struct bw_slice path, const char *name)
{
	int next = -1;
	enum bw_err err = bw_open_beneath(*folder, name, O_RDONLY | O_DIRECTORY, 0, &next);

	if (err == BW_ERR_NOT_FOUND && !way->restore->dry_run) {
		if (mkdirat(*folder, name, 0700) != 0 && errno != EEXIST)
			return bw_err_from_errno(errno);
		err = bw_open_beneath(*folder, name, O_RDONLY | O_DIRECTORY, 0, &next);
		if (err == BW_OK)
			err = give_meta(way, path, next);
	}
	close_fd(*folder);
	*folder = next;
	return err;
}

static enum bw_err make_path(const struct way *way, struct bw_slice path, int *out)
{
	int folder = fcntl(bw_shadow_volume(way->restore->shadow)->root, F_DUPFD_CLOEXEC, 0);
	size_t at = 0;
	enum bw_err err = folder >= 0 ? BW_OK : bw_err_from_errno(errno);

	while (err == BW_OK && at < path.len) {
		const struct bw_slice rest = bw_slice_from(path, at);
		const uint8_t *slash = memchr(rest.ptr, '/', rest.len);
		const size_t len = slash != NULL ? (size_t)(slash - rest.ptr) : rest.len;
		char name[NAME_BYTES];

		if (len == 0 || len >= sizeof(name)) {
			err = BW_ERR_CORRUPT;
			break;
		}
		memcpy(name, rest.ptr, len);
		name[len] = '\0';
		at += len;
		err = make_step(way, &folder, bw_slice_sub(path, 0, at), name);
		at++;
	}
	if (err != BW_OK) {
		close_fd(folder);
		return err;
	}
	*out = folder;
	return BW_OK;
}

/* A folder that was removed while somebody has it open still answers to its handle. */
static bool is_alive(int folder)
{
	struct stat status;

	return fstat(folder, &status) == 0 && status.st_nlink > 0;
}

/* By handle first: a folder that was renamed since is still the one it was. */
static enum bw_err open_folder(struct way *way)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ARENA_BYTES);
	struct bw_shadow *shadow = way->restore->shadow;
	struct bw_shelf_folder folder;
	struct bw_handle handle;
	enum bw_err err = bw_shelf_folder_get(bw_shadow_shelf(shadow), way->version->folder, &arena, &folder);

	if (err != BW_OK)
		return fail(way, err, "find the folder of");
	if (folder.handle.len > 0 && folder.handle.len <= sizeof(handle.bytes)) {
		handle = (struct bw_handle){ .type = folder.handle_type, .len = (uint8_t)folder.handle.len };
		memcpy(handle.bytes, folder.handle.ptr, folder.handle.len);
		if (bw_volume_open(bw_shadow_volume(shadow), &handle, O_DIRECTORY, &way->folder) == BW_OK) {
			if (is_alive(way->folder))
				return BW_OK;
			close_fd(way->folder);
			way->folder = -1;
		}
	}
	err = make_path(way, folder.path, &way->folder);
	return err == BW_OK ? BW_OK : fail(way, err, "reach the folder of");
}

/* ---- what stands there ------------------------------------------------------------------------- */

static enum bw_err look(struct way *way)
{
	if (fstatat(way->folder, way->name, &way->status, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno == ENOENT)
			return BW_OK;
		return bw_why_errno(way->why, errno, "look at", way->name);
	}
	way->exists = true;
	if (S_ISDIR(way->status.st_mode))
		return fail(way, BW_ERR_TYPE, "put a file where a folder stands:");
	if (S_ISREG(way->status.st_mode) &&
	    bw_open_beneath(way->folder, way->name, O_RDONLY | O_NONBLOCK | O_NOATIME, 0, &way->there) != BW_OK)
		way->there = -1;
	return BW_OK;
}

/* Byte by byte against the store. */
static enum bw_err same_bytes(const struct way *way, int fd, bool *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf kept = BW_BUF_INIT(COMPARE_BYTES + BW_PACK_CONTENT_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf read = BW_BUF_INIT(COMPARE_BYTES);
	const uint64_t size = way->version->size;

	*out = false;
	BW_TRY(bw_buf_reserve(&read, COMPARE_BYTES));
	for (uint64_t at = 0; at < size; at += kept.len) {
		ssize_t got;

		bw_buf_clear(&kept);
		BW_TRY(bw_shadow_peek(way->restore->shadow, way->version, at, COMPARE_BYTES, &kept));
		BW_NEED(kept.len > 0, CORRUPT);
		got = pread(fd, read.ptr, kept.len, (off_t)at);
		if (got < 0)
			return bw_err_from_errno(errno);
		if ((size_t)got != kept.len || memcmp(read.ptr, kept.ptr, kept.len) != 0)
			return BW_OK;
	}
	*out = true;
	return BW_OK;
}

static bool same_link(const struct way *way)
{
	char target[4096];
	ssize_t len;

	if (!way->exists || !S_ISLNK(way->status.st_mode))
		return false;
	len = readlinkat(way->folder, way->name, target, sizeof(target));
	return len >= 0 && bw_slice_equals(bw_slice_of(target, (size_t)len), way->meta.target) &&
	       way->status.st_uid == way->meta.uid && way->status.st_gid == way->meta.gid;
}

static enum bw_err stands_already(const struct way *way, bool *out_content, bool *out_meta)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_META_BYTES_MAX);
	struct bw_meta now;
	bool whole;

	*out_content = *out_meta = false;
	if (way->there < 0 || (uint64_t)way->status.st_size != way->version->size)
		return BW_OK;
	BW_TRY(same_bytes(way, way->there, out_content));
	if (!*out_content)
		return BW_OK;
	BW_TRY(bw_meta_read(way->there, &way->status, &bytes, &whole));
	BW_TRY(bw_meta_parse(bw_buf_slice(&bytes), &now));
	*out_meta = bw_meta_differs(&now, &way->meta) == NULL;
	return BW_OK;
}

/* ---- making it ---------------------------------------------------------------------------------- */

static enum bw_err make_regular(struct way *way)
{
	bool same = false;

	way->made = openat(way->folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (way->made < 0)
		return bw_why_errno(way->why, errno, "make a new file for", way->name);
	BW_TRY(bw_shadow_fetch(way->restore->shadow, way->version, way->made, way->why));
	if (same_bytes(way, way->made, &same) != BW_OK || !same)
		return fail(way, BW_ERR_CORRUPT, "verify what was written for");
	BW_TRY(bw_meta_apply(way->made, &way->meta, way->why));
	if (fsync(way->made) != 0)
		return bw_why_errno(way->why, errno, "write", way->name);
	return BW_OK;
}

static void spare_name(const char *hint, char out[NAME_BYTES])
{
	uint64_t random;

	bw_random(&random, sizeof(random));
	(void)snprintf(out, NAME_BYTES, ".%.*s-%016llx", 64, hint, (unsigned long long)random);
}

/* Gives the nameless file (or the link) a spare name in the folder. */
static enum bw_err name_it(const struct way *way, char out[NAME_BYTES])
{
	for (unsigned tries = 0; tries < TRIES; tries++) {
		char target[4097];
		char proc[32];
		int done;

		spare_name("breakwater-restore", out);
		if (S_ISLNK(way->version->kind)) {
			memcpy(target, way->meta.target.ptr, way->meta.target.len);
			target[way->meta.target.len] = '\0';
			done = symlinkat(target, way->folder, out);
			if (done == 0 &&
			    fchownat(way->folder, out, way->meta.uid, way->meta.gid, AT_SYMLINK_NOFOLLOW) != 0)
				return bw_why_errno(way->why, errno, "set the owner of", way->name);
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

/* Where displaced files go: the store's own folder, on the same file system. */
static enum bw_err displaced_folder(const struct way *way, int *out)
{
	const struct bw_volume *volume = bw_shadow_volume(way->restore->shadow);
	static const char path[] = BW_SHADOW_FOLDER "/displaced";

	if (mkdirat(volume->root, path, 0700) != 0 && errno != EEXIST)
		return bw_why_errno(way->why, errno, "make", path);
	return bw_open_beneath(volume->root, path, O_RDONLY | O_DIRECTORY, 0, out);
}

static enum bw_err displace(const struct way *way, const char *name)
{
	char spare[NAME_BYTES];
	int folder = -1;
	int done = -1;

	BW_TRY(displaced_folder(way, &folder));
	for (unsigned tries = 0; tries < TRIES && done != 0; tries++) {
		spare_name(way->name, spare);
		done = renameat2(way->folder, name, folder, spare + 1, RENAME_NOREPLACE);
		if (done != 0 && errno != EEXIST)
			break;
	}
	close_fd(folder);
	return done == 0 ? BW_OK : bw_why_errno(way->why, errno, "move aside", way->name);
}

/* "report (edited 2026-11-23 0104).docx", then with a number. TOO_BIG: no file system takes such a name. */
static enum bw_err name_beside(const struct way *way, unsigned attempt, char out[NAME_BYTES])
{
	BW_CLEANUP(bw_buf_release) struct bw_buf name = BW_BUF_INIT(NAME_BYTES - 1);
	const char *dot = strrchr(way->name, '.');
	const size_t stem = dot != NULL && dot != way->name ? (size_t)(dot - way->name) : strlen(way->name);

	BW_TRY(bw_buf_add(&name, bw_slice_of(way->name, stem)));
	BW_TRY(bw_buf_addf(&name, " (edited %s", way->restore->label));
	if (attempt > 1)
		BW_TRY(bw_buf_addf(&name, " %u", attempt));
	BW_TRY(bw_buf_addf(&name, ")%s", way->name + stem));
	memcpy(out, bw_buf_text(&name), name.len + 1);
	return BW_OK;
}

/* A name too long to be added to: beside it stands a short one. */
static enum bw_err keep_beside(const struct way *way, const char *name, char out[NAME_BYTES])
{
	for (unsigned attempt = 1; attempt <= TRIES; attempt++) {
		if (name_beside(way, attempt, out) != BW_OK)
			(void)snprintf(out, NAME_BYTES, "%.100s (edited, %u)", way->name, attempt);
		if (renameat2(way->folder, name, way->folder, out, RENAME_NOREPLACE) == 0)
			return BW_OK;
		if (errno != EEXIST)
			break;
	}
	return bw_why_errno(way->why, errno, "keep beside", way->name);
}

static bool is_good_edit(const struct way *way)
{
	const int64_t mtime_us = (int64_t)way->status.st_mtim.tv_sec * 1000000 + way->status.st_mtim.tv_nsec / 1000;

	return way->exists && S_ISREG(way->status.st_mode) && mtime_us >= way->restore->good_after_us;
}

/* One step: before it the old stands under the name, after it the new. */
static enum bw_err put_in_place(struct way *way, struct bw_restore_result *out)
{
	char spare[NAME_BYTES];
	enum bw_err err;

	BW_TRY(name_it(way, spare));
	if (!way->exists) {
		if (renameat2(way->folder, spare, way->folder, way->name, RENAME_NOREPLACE) == 0)
			return BW_OK;
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
	if (out->what == BW_RESTORED_BESIDE)
		return keep_beside(way, spare, out->beside);
	return displace(way, spare);
}

static enum bw_err copy_aside(const struct way *way)
{
	char spare[NAME_BYTES];
	int folder = -1;
	int copy;
	enum bw_err err;

	BW_TRY(displaced_folder(way, &folder));
	spare_name(way->name, spare);
	copy = openat(folder, spare + 1, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	close_fd(folder);
	if (copy < 0)
		return bw_why_errno(way->why, errno, "keep a copy of", way->name);
	err = bw_copy_reflink(way->there, copy);
	if (err == BW_ERR_UNSUPPORTED)
		err = bw_copy_sparse(way->there, copy, (uint64_t)way->status.st_size);
	close_fd(copy);
	return err == BW_OK ? BW_OK : fail(way, err, "keep a copy of");
}

/* Several names lead to it: what stands there is copied aside, then written into. */
static enum bw_err write_in_place(struct way *way)
{
	int fd = -1;
	enum bw_err err;

	BW_TRY(copy_aside(way));
	BW_TRY(bw_open_beneath(way->folder, way->name, O_RDWR, 0, &fd));
	err = ftruncate(fd, 0) == 0 ? BW_OK : bw_err_from_errno(errno);
	if (err == BW_OK)
		err = bw_shadow_fetch(way->restore->shadow, way->version, fd, way->why);
	if (err == BW_OK)
		err = bw_meta_apply(fd, &way->meta, way->why);
	if (err == BW_OK && fsync(fd) != 0)
		err = bw_err_from_errno(errno);
	close_fd(fd);
	return err == BW_OK ? BW_OK : fail(way, err, "write back");
}

static enum bw_err bring_back(struct way *way, struct bw_restore_result *out)
{
	const bool regular = S_ISREG(way->version->kind);
	bool content = false;
	bool meta = false;

	if (regular)
		BW_TRY(stands_already(way, &content, &meta));
	else
		content = meta = same_link(way);
	out->bytes = way->version->size;
	if (content && meta) {
		out->what = BW_RESTORED_SAME;
		return BW_OK;
	}
	if (content)
		out->what = BW_RESTORED_META;
	else if (!way->exists)
		out->what = BW_RESTORED_MISSING;
	else if (is_good_edit(way))
		out->what = BW_RESTORED_BESIDE;
	else if (regular && way->there >= 0 && way->status.st_nlink > 1)
		out->what = BW_RESTORED_IN_PLACE;
	else
		out->what = BW_RESTORED_REPLACED;
	if (way->restore->dry_run)
		return BW_OK;
	if (out->what == BW_RESTORED_META)
		return bw_meta_apply(way->there, &way->meta, way->why);
	if (regular)
		BW_TRY(make_regular(way)); /* also before writing in place: it proves that the version is good */
	if (out->what == BW_RESTORED_IN_PLACE)
		return write_in_place(way);
	return put_in_place(way, out);
}

enum bw_err bw_restore_version(const struct bw_restore *restore, const struct bw_shelf_version *version,
			       struct bw_restore_result *out, struct bw_why *why)
{
	struct way way = { .restore = restore, .version = version, .why = why, .folder = -1, .there = -1, .made = -1 };
	struct bw_restore_result result = { .beside = "" };
	enum bw_err err;

	BW_NEED(S_ISREG(version->kind) || S_ISLNK(version->kind), TYPE);
	BW_NEED(version->name.len > 0 && version->name.len < sizeof(way.name), CORRUPT);
	BW_NEED(memchr(version->name.ptr, '/', version->name.len) == NULL, CORRUPT);
	memcpy(way.name, version->name.ptr, version->name.len);
	BW_NEED(strcmp(way.name, ".") != 0 && strcmp(way.name, "..") != 0, CORRUPT);
	err = bw_meta_parse(version->meta, &way.meta);
	if (err != BW_OK)
		return fail(&way, BW_ERR_CORRUPT, "read the metadata of");
	err = open_folder(&way);
	if (err == BW_ERR_NOT_FOUND && restore->dry_run) {
		result = (struct bw_restore_result){ .what = BW_RESTORED_MISSING, .bytes = version->size };
		err = BW_OK;
	} else if (err == BW_OK) {
		err = look(&way);
		if (err == BW_OK)
			err = bring_back(&way, &result);
	}
	close_fd(way.made);
	close_fd(way.there);
	close_fd(way.folder);
	if (err == BW_OK)
		*out = result;
	return err;
}

enum bw_err bw_restore_displace(const struct bw_restore *restore, struct bw_slice folder_path, struct bw_slice name,
				struct bw_why *why)
{
	struct way way = { .restore = restore, .why = why, .folder = -1, .there = -1, .made = -1 };
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_NEED(name.len > 0 && name.len < sizeof(way.name) && folder_path.len < sizeof(path), RANGE);
	memcpy(way.name, name.ptr, name.len);
	memcpy(path, folder_path.ptr, folder_path.len);
	path[folder_path.len] = '\0';
	err = bw_open_beneath(bw_shadow_volume(restore->shadow)->root, path, O_RDONLY | O_DIRECTORY, 0, &way.folder);
	if (err != BW_OK)
		return fail(&way, err, "reach the folder of");
	if (!restore->dry_run)
		err = displace(&way, way.name);
	close_fd(way.folder);
	return err;
}
