#include "guard/gather.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "guard/folder.h"
#include "guard/meta.h"
#include "guard/walk.h"
#include "sys/clock.h"

enum {
	LONG_PATH = 64 * 1024,
};

struct gather {
	const struct bw_gather_plan *plan;
	struct bw_shadow *shadow;
	struct bw_shelf *shelf;
	struct bw_index *index;
	struct bw_gathered counts;
	uint32_t folder; /* the present one */
	/* what changed before this and is in the index was seen by a whole walk; 0: there was none */
	int64_t walked_us;
	bool is_first; /* the catalogue was empty: nothing can be as it was, and nothing gone */
	struct bw_buf meta;
	struct bw_buf path;
};

/* ---- folders ---------------------------------------------------------------------------------- */

static enum bw_err see_folder(void *context, const struct bw_walk_folder *folder)
{
	struct gather *gather = context;
	struct bw_shelf_folder row = { .path = folder->path,
				       .handle = bw_slice_of(folder->handle.bytes, folder->handle.len),
				       .handle_type = folder->handle.type };
	struct stat status;
	bool whole;

	bw_buf_clear(&gather->meta);
	if (fstat(folder->fd, &status) != 0)
		return bw_err_from_errno(errno);
	BW_TRY(bw_meta_read(folder->fd, &status, &gather->meta, &whole));
	row.meta = bw_buf_slice(&gather->meta);
	gather->counts.folders++;
	return bw_folder_remember(gather->shelf, &row, &gather->folder);
}

static const char *path_of(struct gather *gather, const struct bw_walk_folder *folder, const char *name)
{
	struct bw_buf *path = &gather->path;
	const char *mount = gather->plan->volume->mount;

	bw_buf_clear(path);
	if (bw_buf_addf(path, "%s/", strcmp(mount, "/") == 0 ? "" : mount) != BW_OK ||
	    bw_buf_add(path, folder->path) != BW_OK || (folder->path.len > 0 && bw_buf_add_u8(path, '/') != BW_OK) ||
	    bw_buf_add_text(path, name) != BW_OK)
		return name; /* longer than anybody would read */
	return bw_buf_text(path);
}

static void refuse(struct gather *gather, const char *path, enum bw_err err, bool submount)
{
	if (gather->plan->refused != NULL)
		gather->plan->refused(gather->plan->context, path, err, submount);
}

static void skip_folder(void *context, const char *path, enum bw_err err, bool submount)
{
	struct gather *gather = context;

	if (submount)
		gather->counts.submounts++;
	else
		gather->counts.skipped++;
	refuse(gather, path, err, submount);
}

/* ---- what is as it was ----------------------------------------------------------------------------- */

struct named {
	struct bw_file_key key;
	int64_t mtime_us;
	bool found;
};

static enum bw_err see_named(void *context, const struct bw_shelf_version *version)
{
	struct named *named = context;

	named->found = version->key.ino == named->key.ino && version->key.gen == named->key.gen &&
		       version->key.tree == named->key.tree && version->mtime_us == named->mtime_us;
	return BW_ERR_AGAIN; /* the newest is enough */
}

/* A file with several names is kept once under each, so that each can be brought back. */
static bool has_this_name(struct gather *gather, const struct bw_file_key *key, const char *name,
			  const struct stat *status)
{
	struct named named = { .key = *key, .mtime_us = bw_clock_of(&status->st_mtim) };
	const enum bw_err err = bw_shelf_at(gather->shelf, gather->folder, bw_slice_text(name), see_named, &named);

	return (err == BW_OK || err == BW_ERR_AGAIN) && named.found;
}

static bool is_kept(struct gather *gather, const struct bw_index_file *known, const char *name,
		    const struct stat *status)
{
	return bw_copier_keeps(gather->plan->copier, known, status, gather->walked_us) &&
	       (status->st_nlink < 2 || has_this_name(gather, &known->key, name, status));
}

/* ---- one file ------------------------------------------------------------------------------------------ */

static enum bw_err sample_again(struct gather *gather, const struct bw_walk_folder *folder, const char *name,
				const struct stat *status, const struct bw_index_file *known)
{
	const int fd = openat(folder->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	enum bw_err err;

	if (fd < 0)
		return BW_OK;
	err = bw_copier_sample(gather->plan->copier, fd, (uint64_t)status->st_size, known);
	(void)close(fd);
	return err == BW_ERR_IO ? BW_OK : err;
}

static enum bw_err pass_over(struct gather *gather, const struct bw_walk_folder *folder, const char *name,
			     const struct stat *status, struct bw_index_file *known)
{
	const uint64_t place = bw_index_place(gather->index, &folder->key, bw_slice_text(name));
	const struct bw_shelf_key key = { known->key.ino, known->key.tree, known->key.gen };
	const uint8_t flags = (known->flags & (uint8_t)~BW_INDEX_PASS) |
			      bw_copier_pass(gather->plan->copier, gather->plan->volume->number);
	enum bw_err err;

	gather->counts.unchanged++;
	if (S_ISREG(status->st_mode) && status->st_nlink > 1)
		BW_TRY(bw_shelf_name_put(gather->shelf, &key, gather->folder, bw_slice_text(name), bw_clock_now_us()));
	if ((known->flags & BW_INDEX_IN_DOUBT) != 0 && S_ISREG(status->st_mode))
		BW_TRY(sample_again(gather, folder, name, status, known));
	if (known->place == place && known->flags == flags)
		return BW_OK;
	if (known->place != place) {
		err = bw_shelf_rename(gather->shelf, &key, gather->folder, bw_slice_text(name), 0);
		if (err != BW_OK && err != BW_ERR_NOT_FOUND)
			return err;
	}
	/* an answer of the sampler may have come in between */
	BW_TRY(bw_index_by_key(gather->index, &known->key, known));
	known->place = place;
	known->flags = (known->flags & (uint8_t)~BW_INDEX_PASS) |
		       bw_copier_pass(gather->plan->copier, gather->plan->volume->number);
	return bw_index_put(gather->index, known);
}

static int open_to_keep(const struct bw_walk_folder *folder, const char *name, unsigned char type)
{
	const int flags = O_NOFOLLOW | O_CLOEXEC;
	int fd;

	if (type == DT_LNK)
		return openat(folder->fd, name, flags | O_PATH);
	fd = openat(folder->fd, name, flags | O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOATIME);
	if (fd < 0 && errno == EPERM)
		fd = openat(folder->fd, name, flags | O_RDONLY | O_NONBLOCK | O_NOCTTY);
	return fd;
}

static enum bw_err take(struct gather *gather, const struct bw_walk_folder *folder, const char *name, int fd)
{
	struct bw_copy copy = { .fd = fd,
				.folder_key = folder->key,
				.folder = gather->folder,
				.name = bw_slice_text(name),
				.state = BW_SHELF_GOOD };
	struct bw_taken taken;

	BW_TRY(bw_volume_key(gather->plan->volume, fd, &copy.key));
	BW_TRY(bw_copier_take(gather->plan->copier, &copy, &taken));
	gather->counts.taken++;
	gather->counts.taken_bytes += (uint64_t)taken.status.st_size;
	return BW_OK;
}

static enum bw_err take_name(struct gather *gather, const struct bw_walk_folder *folder, const char *name,
			     unsigned char type)
{
	const int fd = open_to_keep(folder, name, type);
	enum bw_err err;

	if (fd < 0)
		err = bw_err_from_errno(errno);
	else
		err = take(gather, folder, name, fd);
	if (fd >= 0)
		(void)close(fd);
	if (err == BW_OK || err == BW_ERR_NOT_FOUND ||
	    err == BW_ERR_TYPE) /* gone, or another thing, since it was listed */
		return BW_OK;
	if (err == BW_ERR_TOO_BIG)
		gather->counts.too_big++;
	else if (err == BW_ERR_IO || err == BW_ERR_DENIED || (err == BW_ERR_DISK_FULL && gather->plan->full != NULL))
		gather->counts.refused++;
	else
		return err;
	if (err == BW_ERR_DISK_FULL)
		gather->plan->full(gather->plan->context);
	refuse(gather, path_of(gather, folder, name), err, false);
	return BW_OK;
}

static enum bw_err look_at(struct gather *gather, const struct bw_walk_folder *folder, const char *name,
			   unsigned char type)
{
	struct bw_index_file known;
	struct bw_handle handle;
	struct bw_file_key key;
	struct stat status;

	if (gather->is_first)
		return take_name(gather, folder, name, type);
	if (fstatat(folder->fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return BW_OK;
	if (bw_volume_handle_at(folder->fd, name, &handle) == BW_OK &&
	    bw_file_key_of_handle(handle.type, bw_slice_of(handle.bytes, handle.len), gather->plan->volume->number,
				  &key) == BW_OK &&
	    bw_index_by_key(gather->index, &key, &known) == BW_OK && is_kept(gather, &known, name, &status))
		return pass_over(gather, folder, name, &status, &known);
	return take_name(gather, folder, name, type);
}

static enum bw_err see_file(void *context, const struct bw_walk_folder *folder, const char *name, unsigned char type)
{
	struct gather *gather = context;
	const struct bw_gather_plan *plan = gather->plan;

	if (plan->settings->exclude_count > 0 &&
	    !bw_guard_settings_cover(plan->settings, path_of(gather, folder, name)))
		return BW_OK;
	gather->counts.seen++;
	BW_TRY(look_at(gather, folder, name, type));
	return plan->between == NULL ? BW_OK : plan->between(plan->context, &gather->counts);
}

/* ---- what nobody saw ---------------------------------------------------------------------------------------- */

struct unseen {
	const struct gather *gather;
	struct bw_file_key *keys;
	size_t count;
	size_t room;
};

static enum bw_err see_known(void *context, const struct bw_shelf_version *version)
{
	struct unseen *unseen = context;
	const struct gather *gather = unseen->gather;
	struct bw_file_key key = { .ino = version->key.ino,
				   .tree = version->key.tree,
				   .gen = version->key.gen,
				   .volume = gather->plan->volume->number };
	struct bw_index_file file;

	if (bw_index_by_key(gather->index, &key, &file) != BW_OK ||
	    (file.flags & BW_INDEX_PASS) == bw_copier_pass(gather->plan->copier, gather->plan->volume->number))
		return BW_OK;
	if (unseen->count == unseen->room) {
		const size_t room = unseen->room == 0 ? 256 : 2 * unseen->room;
		struct bw_file_key *keys = realloc(unseen->keys, room * sizeof(*keys));

		BW_NEED(keys != NULL, MEMORY);
		unseen->keys = keys;
		unseen->room = room;
	}
	unseen->keys[unseen->count++] = key;
	return BW_OK;
}

/* Where an open file is, absolute; false: nowhere in sight. */
static bool path_of_fd(int fd, char out[BW_PATH_BYTES])
{
	char link[32];
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, out, BW_PATH_BYTES - 1);
	out[len < 0 ? 0 : len] = '\0';
	return len > 0;
}

/*
 * A file that was moved from where the walk had not been yet to where it had been is there all the same: who forgot it
 * would not know it when it is destroyed.
 */
static bool is_still_there(const struct gather *gather, const struct bw_file_key *key)
{
	const struct bw_gather_plan *plan = gather->plan;
	struct bw_handle handle;
	struct bw_slice inside;
	struct bw_slice first;
	struct bw_slice rest;
	char path[BW_PATH_BYTES];
	struct stat status;
	bool there = false;
	int fd = -1;

	if (bw_volume_handle_of(plan->volume, key, &handle) != BW_OK ||
	    bw_volume_open(plan->volume, &handle, O_PATH, &fd) != BW_OK)
		return false;
	if (fstat(fd, &status) == 0 && status.st_nlink > 0 && path_of_fd(fd, path) &&
	    bw_volume_inside(plan->volume, path, &inside)) {
		if (!bw_slice_cut(inside, '/', &first, &rest))
			first = inside;
		there = !bw_slice_is(first, BW_SHADOW_FOLDER) && bw_guard_settings_cover(plan->settings, path);
	}
	(void)close(fd);
	return there;
}

static enum bw_err forget_one(struct gather *gather, const struct bw_file_key *key)
{
	const struct bw_shelf_key shelf_key = { key->ino, key->tree, key->gen };
	enum bw_err err;

	if (is_still_there(gather, key))
		return BW_OK; /* the event of its move says where */
	err = bw_shelf_rename(gather->shelf, &shelf_key, 0, bw_slice_empty, bw_clock_now_us());
	if (err != BW_OK && err != BW_ERR_NOT_FOUND)
		return err;
	gather->counts.gone++;
	return bw_index_remove(gather->index, key);
}

static enum bw_err forget_unseen(struct gather *gather)
{
	struct unseen unseen = { .gather = gather };
	enum bw_err err = bw_shelf_each(gather->shelf, see_known, &unseen);

	for (size_t i = 0; i < unseen.count && err == BW_OK; i++)
		err = forget_one(gather, &unseen.keys[i]);
	free(unseen.keys);
	return err;
}

/* ---- all ------------------------------------------------------------------------------------------------------ */

static enum bw_err load_walked(struct gather *gather)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(32);
	const enum bw_err err = bw_shelf_setting_get(gather->shelf, "walked", &text);
	uint64_t walked = 0;

	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	BW_TRY(bw_parse_u64(bw_buf_slice(&text), &walked));
	/* of a time that has not come: the clock was set back, and what changed since looks older than it is */
	if ((int64_t)walked <= bw_clock_now_us())
		gather->walked_us = (int64_t)walked;
	return BW_OK;
}

static enum bw_err look_whether_first(struct gather *gather)
{
	struct bw_shelf_totals totals;

	BW_TRY(bw_shelf_totals(gather->shelf, &totals));
	gather->is_first = totals.files == 0;
	return BW_OK;
}

static enum bw_err save_walked(struct gather *gather, int64_t began_us)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)began_us);
	return bw_shelf_setting_put(gather->shelf, "walked", bw_slice_text(text));
}

/* A guard of before wrote down the kernel's own names of files that were made without one: once, they are set right. */
static enum bw_err name_versions(struct gather *gather)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(32);
	const enum bw_err err = bw_shelf_setting_get(gather->shelf, "named", &text);

	if (err != BW_ERR_NOT_FOUND)
		return err;
	if (!gather->is_first)
		BW_TRY(bw_shelf_name_versions(gather->shelf));
	return bw_shelf_setting_put(gather->shelf, "named", BW_LIT("1"));
}

static enum bw_err walk_trees(struct gather *gather, struct bw_why *why)
{
	const struct bw_gather_plan *plan = gather->plan;
	const struct bw_walk_plan walk = { .volume = plan->volume,
					   .settings = plan->settings,
					   .folder = see_folder,
					   .file = see_file,
					   .skipped = skip_folder,
					   .context = gather };

	for (size_t i = 0; i < plan->settings->tree_count; i++) {
		struct bw_slice inside;

		if (bw_volume_inside(plan->volume, plan->settings->trees[i], &inside) &&
		    bw_volume_holds(plan->volume, plan->settings->trees[i]))
			BW_TRY(bw_walk(&walk, inside, why));
	}
	return BW_OK;
}

enum bw_err bw_gather(const struct bw_gather_plan *plan, struct bw_gathered *out, struct bw_why *why)
{
	struct bw_shadow *shadow = bw_copier_shadow(plan->copier, plan->volume->number);
	struct gather gather = { .plan = plan,
				 .shadow = shadow,
				 .shelf = bw_shadow_shelf(shadow),
				 .index = bw_copier_index(plan->copier),
				 .meta = BW_BUF_INIT(BW_META_BYTES_MAX),
				 .path = BW_BUF_INIT(LONG_PATH) };
	const int64_t began_us = bw_clock_now_us();
	enum bw_err err = load_walked(&gather);

	if (err == BW_OK)
		err = look_whether_first(&gather);
	bw_copier_next_pass(plan->copier, plan->volume->number);
	if (err == BW_OK)
		err = walk_trees(&gather, why);
	/* an unreadable disk is no proof that its files are gone */
	if (err == BW_OK && gather.counts.skipped == 0 && !gather.is_first)
		err = forget_unseen(&gather);
	if (err == BW_OK && gather.counts.skipped == 0 && !gather.is_first)
		err = bw_gather_names(gather.shelf, plan->volume);
	if (err == BW_OK)
		err = name_versions(&gather);
	if (err == BW_OK)
		err = save_walked(&gather, began_us);
	bw_buf_release(&gather.meta);
	bw_buf_release(&gather.path);
	*out = gather.counts;
	return err;
}
