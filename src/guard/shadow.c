#include "guard/shadow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/num.h"
#include "guard/meta.h"
#include "guard/shadow_parts.h"
#include "sys/clock.h"

enum {
	TAKE_TRIES = 3,
	HOLLOW_LEAST = 32 * 1024, /* smaller ones are not worth an inode */
	HOLLOW_SHARE = 4,         /* less than that of it is written */
};

/* ---- making and opening --------------------------------------------------------------- */

static enum bw_err inside(char out[BW_PATH_BYTES], const struct bw_volume *volume, const char *name)
{
	return bw_path_join(out, volume->store, name);
}

/*
 * On Btrfs even to overwrite takes new room, and a full file system could not be told what goes. The catalogue is
 * written in place (it has its own checks); packs and objects are not, their folders are there already.
 */
static void write_in_place(const char *store)
{
	const int fd = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int flags = 0;

	if (fd < 0)
		return;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0) {
		flags |= FS_NOCOW_FL;
		(void)ioctl(fd, FS_IOC_SETFLAGS, &flags); /* other file systems know no such flag, and need none */
	}
	(void)close(fd);
}

/* Whether copies lie there already: then a new, empty catalogue would have them all removed. */
static bool has_contents(int store, const char *name)
{
	const int fd = openat(store, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *listing = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	bool any = false;

	if (listing == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return false;
	}
	while (!any && (entry = readdir(listing)) != NULL)
		any = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	(void)closedir(listing);
	return any;
}

/* The store's own folder, and nothing that somebody put in its place before us. */
static enum bw_err make_folder(const struct bw_volume *volume, struct bw_why *why)
{
	enum bw_err err = bw_folder_make(volume->store, why);
	int store = -1;

	if (err != BW_OK && err != BW_ERR_EXISTS)
		return err;
	BW_TRY(bw_shadow_folder(volume, &store, why));
	if (faccessat(store, "catalogue.db", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		err = bw_why_set(why, BW_ERR_EXISTS, "'%s' already keeps shadows", volume->store);
	else if (has_contents(store, "packs") || has_contents(store, "objects"))
		err = bw_why_set(why, BW_ERR_CORRUPT,
				 "the catalogue of '%s' is gone, and copies are there: 'breakwater guard mend' makes a "
				 "new one of them",
				 volume->store);
	else
		err = BW_OK;
	(void)close(store);
	return err;
}

enum bw_err bw_shadow_create(const struct bw_volume *volume, struct bw_why *why)
{
	static const char *const folders[] = { "packs", "objects" };
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(make_folder(volume, why));
	for (size_t i = 0; i < BW_COUNT(folders); i++) {
		BW_TRY(inside(path, volume, folders[i]));
		err = bw_folder_make(path, why);
		if (err != BW_OK && err != BW_ERR_EXISTS)
			return err;
	}
	write_in_place(volume->store);
	BW_TRY(inside(path, volume, "catalogue.db"));
	BW_TRY(bw_shelf_create(path, why));
	return bw_folder_sync(volume->store, why);
}

static enum bw_err open_folder(struct bw_shadow *shadow, struct bw_why *why)
{
	BW_TRY(bw_shadow_folder(shadow->volume, &shadow->folder, why));
	shadow->objects = openat(shadow->folder, "objects", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (shadow->objects < 0)
		return bw_why_errno(why, errno, "open the objects of", shadow->volume->store);
	return BW_OK;
}

enum bw_err bw_shadow_number(struct bw_shadow *shadow, const char *name, uint64_t *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(32);
	const enum bw_err err = bw_shelf_setting_get(shadow->shelf, name, &text);

	if (err == BW_ERR_NOT_FOUND) {
		*out = 0;
		return BW_OK;
	}
	BW_TRY(err);
	return bw_parse_u64(bw_buf_slice(&text), out);
}

static enum bw_err open_packs(struct bw_shadow *shadow, struct bw_why *why)
{
	struct bw_packs_plan plan = { .read_only = shadow->read_only };
	char path[BW_PATH_BYTES];
	struct statvfs status;
	uint64_t number = 0;

	if (fstatvfs(shadow->folder, &status) != 0)
		return bw_why_errno(why, errno, "ask for the room of", shadow->volume->store);
	BW_TRY(bw_shadow_number(shadow, "pack", &number));
	BW_TRY(bw_shadow_number(shadow, "pack_end", &plan.end));
	BW_TRY(inside(path, shadow->volume, "packs"));
	plan.folder = path;
	plan.number = number == 0 ? 1 : (uint32_t)number;
	plan.bytes_max = bw_pack_bytes((uint64_t)status.f_blocks * status.f_frsize);
	return bw_packs_open(&plan, &shadow->packs, why);
}

/* A damaged catalogue, or one that is gone, is nothing that goes by itself. */
static enum bw_err name_the_way_out(const struct bw_shadow *shadow, enum bw_err err, struct bw_why *why)
{
	struct bw_why said;

	if (why == NULL || (err != BW_ERR_CORRUPT && err != BW_ERR_NOT_FOUND))
		return err;
	said = *why;
	return bw_why_set(why, err, "%s; 'breakwater guard mend' makes a new one of what is there",
			  said.text[0] != '\0' ? said.text : shadow->volume->store);
}

static enum bw_err open_parts(struct bw_shadow *shadow, struct bw_why *why)
{
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(open_folder(shadow, why));
	if (!shadow->read_only) {
		BW_TRY(inside(path, shadow->volume, "lock"));
		BW_TRY(bw_lock_take(path, &shadow->lock, why));
		bw_shadow_give_up_spare(shadow);
	}
	BW_TRY(inside(path, shadow->volume, "catalogue.db"));
	err = bw_shelf_open(path, shadow->read_only, &shadow->shelf, why);
	if (err == BW_OK && !shadow->read_only)
		bw_shadow_shorten_log(shadow);
	if (err == BW_OK)
		err = open_packs(shadow, why);
	if (err != BW_OK)
		return name_the_way_out(shadow, err, why);
	if (shadow->read_only)
		return BW_OK;
	err = bw_shelf_hold(shadow->shelf);
	if (err == BW_OK)
		err = bw_shadow_mend(shadow);
	if (err == BW_OK)
		return BW_OK;
	(void)bw_why_set(why, err, "cannot bring the store '%s' in order: %s", shadow->volume->store, bw_err_text(err));
	return name_the_way_out(shadow, err, why);
}

enum bw_err bw_shadow_open(const struct bw_volume *volume, bool read_only, struct bw_shadow **out, struct bw_why *why)
{
	struct bw_shadow *shadow = calloc(1, sizeof(*shadow));
	enum bw_err err;

	BW_NEED(shadow != NULL, MEMORY);
	*shadow = (struct bw_shadow){ .volume = volume,
				      .folder = -1,
				      .objects = -1,
				      .lock = -1,
				      .read_only = read_only,
				      .limit = { UINT64_MAX, UINT64_MAX },
				      .content = BW_BUF_INIT(BW_PACK_CONTENT_MAX + 1),
				      .meta = BW_BUF_INIT(BW_META_BYTES_MAX) };
	err = open_parts(shadow, why);
	if (err != BW_OK) {
		bw_shadow_close(shadow);
		return err;
	}
	*out = shadow;
	return BW_OK;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

void bw_shadow_close(struct bw_shadow *shadow)
{
	if (shadow == NULL)
		return;
	bw_err_drop(bw_shadow_sync_await(shadow)); /* what did not get to the disk the next writer finds out */
	bw_packs_close(shadow->packs);
	bw_shelf_close(shadow->shelf);
	close_fd(shadow->objects);
	close_fd(shadow->folder);
	close_fd(shadow->lock);
	free(shadow->owed);
	bw_buf_release(&shadow->content);
	bw_buf_release(&shadow->meta);
	free(shadow);
}

const struct bw_mended *bw_shadow_mended(const struct bw_shadow *shadow)
{
	return &shadow->mended;
}

uint64_t bw_shadow_objects(const struct bw_shadow *shadow)
{
	return shadow->object_count;
}

struct bw_shelf *bw_shadow_shelf(struct bw_shadow *shadow)
{
	return shadow->shelf;
}

const struct bw_volume *bw_shadow_volume(const struct bw_shadow *shadow)
{
	return shadow->volume;
}

/* ---- taking ------------------------------------------------------------------------------ */

static bool same_moment(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* In a pack each byte of a hole is written, in an object none. */
static bool is_hollow(int fd, const struct stat *status)
{
	const uint64_t written = (uint64_t)status->st_blocks * 512;
	off_t hole;

	if (status->st_size < HOLLOW_LEAST || written >= (uint64_t)status->st_size / HOLLOW_SHARE)
		return false;
	hole = lseek(fd, 0, SEEK_HOLE);
	return hole >= 0 && hole < status->st_size;
}

static bool is_for_a_pack(int fd, const struct stat *status)
{
	return status->st_size <= BW_PACK_CONTENT_MAX && !is_hollow(fd, status);
}

/*
 * All of a file up to what a pack takes; *out_small is false when there is more. A read that ends short at the size
 * the file was said to have is its end: the look at it afterwards says whether that still holds.
 */
static enum bw_err read_small(struct bw_shadow *shadow, int fd, uint64_t size, bool *out_small)
{
	struct bw_buf *content = &shadow->content;

	bw_buf_clear(content);
	BW_TRY(bw_buf_reserve(content, BW_PACK_CONTENT_MAX + 1));
	while (content->len <= BW_PACK_CONTENT_MAX) {
		const size_t wanted = BW_PACK_CONTENT_MAX + 1 - content->len;
		const ssize_t got = pread(fd, content->ptr + content->len, wanted, (off_t)content->len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return bw_err_from_errno(errno);
		content->len += (size_t)got;
		if (got == 0 || ((size_t)got < wanted && content->len == size))
			break;
	}
	*out_small = content->len <= BW_PACK_CONTENT_MAX;
	return BW_OK;
}

static enum bw_err take_object(struct bw_shadow *shadow, int fd, struct bw_shelf_version *row)
{
	struct stat made;
	int object = -1;
	enum bw_err err;

	BW_TRY(bw_object_make(shadow, bw_shelf_next(shadow->shelf), &object));
	err = shadow->volume->strategy == BW_STRATEGY_REFLINK ? bw_copy_reflink(fd, object) : BW_ERR_UNSUPPORTED;
	row->kept_bytes = 0;
	if (err == BW_ERR_UNSUPPORTED) {
		err = bw_copy_sparse(fd, object, row->size);
		if (err == BW_OK && fstat(object, &made) == 0)
			row->kept_bytes = (uint64_t)made.st_blocks * 512;
	}
	if (err == BW_OK && fstat(object, &made) == 0)
		row->size = (uint64_t)made.st_size;
	close_fd(object);
	if (err == BW_OK)
		bw_object_made(shadow, bw_shelf_next(shadow->shelf));
	else
		bw_object_remove(shadow, bw_shelf_next(shadow->shelf));
	row->pack = 0;
	row->at = 0;
	memset(row->sum, 0, sizeof(row->sum));
	return err;
}

/* A reflink takes no room until the file changes. */
static uint64_t needed_bytes(const struct bw_shadow *shadow, bool small, const struct stat *status)
{
	if (small)
		return BW_PACK_HEAD_BYTES + (uint64_t)status->st_size;
	return shadow->volume->strategy == BW_STRATEGY_COPY ? (uint64_t)status->st_blocks * 512 : 0;
}

static enum bw_err check_limit(const struct bw_shadow *shadow, bool small, const struct stat *status)
{
	BW_NEED(needed_bytes(shadow, small, status) <= shadow->limit.bytes && (small || shadow->limit.objects > 0),
		DISK_FULL);
	return BW_OK;
}

static uint32_t maker_of(const struct bw_take *take, const struct stat *status)
{
	return take->maker != 0 ? take->maker : status->st_uid + 1;
}

enum bw_err bw_shadow_wish(const struct bw_shadow *shadow, const struct bw_take *take, struct bw_shadow_wish *out)
{
	struct stat status;
	bool small;

	if (fstat(take->fd, &status) != 0)
		return bw_err_from_errno(errno);
	*out = (struct bw_shadow_wish){ .owner = maker_of(take, &status) };
	if (!S_ISREG(status.st_mode))
		return BW_OK;
	small = is_for_a_pack(take->fd, &status);
	out->bytes = needed_bytes(shadow, small, &status);
	out->objects = small ? 0 : 1;
	return BW_OK;
}

static void count_limit(struct bw_shadow *shadow, const struct bw_shelf_version *row)
{
	struct bw_shadow_limit *limit = &shadow->limit;

	limit->bytes -= row->kept_bytes < limit->bytes ? row->kept_bytes : limit->bytes;
	if (row->pack == 0 && S_ISREG(row->kind) && limit->objects > 0)
		limit->objects--;
}

void bw_shadow_limit(struct bw_shadow *shadow, const struct bw_shadow_limit *limit)
{
	shadow->limit = *limit;
}

struct bw_shadow_limit bw_shadow_left(const struct bw_shadow *shadow)
{
	return shadow->limit;
}

static enum bw_err take_content(struct bw_shadow *shadow, const struct bw_take *take, struct bw_shelf_version *row,
				struct bw_taken *taken)
{
	struct bw_sum sum;
	bool small = is_for_a_pack(take->fd, &taken->status);

	if (small)
		BW_TRY(read_small(shadow, take->fd, (uint64_t)taken->status.st_size, &small));
	taken->in_pack = small;
	BW_TRY(check_limit(shadow, small, &taken->status));
	if (!small)
		return take_object(shadow, take->fd, row);
	taken->content = bw_buf_slice(&shadow->content);
	row->size = taken->content.len;
	row->kept_bytes = BW_PACK_HEAD_BYTES + taken->content.len;
	BW_TRY(bw_packs_add(shadow->packs, bw_shelf_next(shadow->shelf), taken->content, &sum, &row->pack, &row->at));
	memcpy(row->sum, sum.bytes, sizeof(row->sum));
	return BW_OK;
}

/* One try on what taken->status says; `out_after` is what it was when it had been read. */
static enum bw_err take_once(struct bw_shadow *shadow, const struct bw_take *take, struct bw_shelf_version *row,
			     struct bw_taken *taken, struct stat *out_after)
{
	BW_NEED(S_ISREG(taken->status.st_mode), TYPE);
	BW_NEED(take->largest == 0 || (uint64_t)taken->status.st_size <= take->largest, TOO_BIG);
	row->size = (uint64_t)taken->status.st_size;
	row->taken_us = bw_clock_now_us();
	BW_TRY(take_content(shadow, take, row, taken));
	return fstat(take->fd, out_after) == 0 ? BW_OK : bw_err_from_errno(errno);
}

/* What a try left behind that the next one replaces. */
static void undo_try(struct bw_shadow *shadow, const struct bw_taken *taken)
{
	if (!taken->in_pack)
		bw_object_remove(shadow, bw_shelf_next(shadow->shelf));
	/* a record in the pack is simply not referred to */
}

static enum bw_err take_regular(struct bw_shadow *shadow, const struct bw_take *take, struct bw_shelf_version *row,
				struct bw_taken *taken)
{
	bool still = false;

	for (unsigned tries = 0; tries < TAKE_TRIES; tries++) {
		struct stat after;

		BW_TRY(take_once(shadow, take, row, taken, &after));
		still = same_moment(&taken->status, &after);
		if (still)
			break;
		if (tries + 1 < TAKE_TRIES) {
			undo_try(shadow, taken);
			taken->status = after;
		}
	}
	taken->fuzzy = !still;
	if (!still && row->state == BW_SHELF_GOOD)
		row->state = BW_SHELF_FUZZY;
	return BW_OK;
}

enum bw_err bw_shadow_take(struct bw_shadow *shadow, const struct bw_take *take, struct bw_taken *out)
{
	struct bw_taken taken = { .content = bw_slice_empty };
	struct bw_shelf_version row = { .key = { .ino = take->key.ino, .tree = take->key.tree, .gen = take->key.gen },
					.folder = take->folder,
					.name = take->name,
					.incident = take->incident,
					.state = take->state };
	enum bw_err err;

	if (fstat(take->fd, &taken.status) != 0)
		return bw_err_from_errno(errno);
	if (S_ISLNK(taken.status.st_mode))
		row.taken_us = bw_clock_now_us(); /* all there is of a link is metadata */
	else
		BW_TRY(take_regular(shadow, take, &row, &taken));
	row.kind = taken.status.st_mode & S_IFMT;
	row.several = S_ISREG(taken.status.st_mode) && taken.status.st_nlink > 1;
	row.actor = maker_of(take, &taken.status);
	row.mtime_us = bw_clock_of(&taken.status.st_mtim);
	bw_buf_clear(&shadow->meta);
	err = bw_meta_read(take->fd, &taken.status, &shadow->meta, &taken.meta_whole);
	row.meta = bw_buf_slice(&shadow->meta);
	if (err == BW_OK)
		err = bw_shelf_add(shadow->shelf, &row);
	if (err != BW_OK) {
		if (S_ISREG(taken.status.st_mode))
			undo_try(shadow, &taken);
		return err;
	}
	count_limit(shadow, &row);
	if (row.pack == 0 && S_ISREG(row.kind))
		shadow->replaced_bytes += row.size; /* of the one before, as far as this one is like it */
	taken.version = row.number;
	*out = taken;
	return BW_OK;
}
