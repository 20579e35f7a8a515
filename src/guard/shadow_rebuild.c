#include "guard/shadow_rebuild.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/meta.h"
#include "guard/shadow_parts.h"
#include "guard/shadow_rebuild_parts.h"
#include "sys/clock.h"

enum { ASIDE_TRIES = 1000, META_BYTES = 4096, COMMIT_EVERY = 4096 };

/* ---- what is asked before -------------------------------------------------------------------------- */

enum bw_err bw_shadow_examine(const struct bw_volume *volume, bool *out_store, struct bw_why *why)
{
	char path[BW_PATH_BYTES];
	struct bw_shelf *shelf;
	int store = -1;
	enum bw_err err = bw_shadow_folder(volume, &store, why);

	*out_store = err != BW_ERR_NOT_FOUND;
	BW_TRY(err);
	(void)close(store);
	BW_TRY(bw_path_join(path, volume->store, "catalogue.db"));
	BW_TRY(bw_shelf_open(path, true, &shelf, why));
	err = bw_shelf_verify(shelf, why);
	bw_shelf_close(shelf);
	return err;
}

/* ---- rows and contents --------------------------------------------------------------------------------- */

struct rebuilding {
	const struct bw_volume *volume;
	struct bw_found *found;
	struct bw_shelf *shelf; /* the new one */
	struct bw_rebuilt *out;
	struct row_change {
		uint64_t number;
		uint64_t at;
		const struct bw_found_content *content; /* where it lies; NULL: nowhere */
		uint32_t pack;
	} * changes;
	size_t change_count;
	size_t change_room;
};

static enum bw_err note_change(struct rebuilding *rebuilding, const struct bw_shelf_place *place,
			       const struct bw_found_content *content)
{
	if (rebuilding->change_count == rebuilding->change_room) {
		const size_t room = rebuilding->change_room == 0 ? 256 : 2 * rebuilding->change_room;
		struct row_change *changes = realloc(rebuilding->changes, room * sizeof(*changes));

		BW_NEED(changes != NULL, MEMORY);
		rebuilding->changes = changes;
		rebuilding->change_room = room;
	}
	rebuilding->changes[rebuilding->change_count++] = (struct row_change){ place->number, place->at, content,
									       place->pack };
	return BW_OK;
}

/* A packed content that was moved may lie twice, or elsewhere than an older page says. */
static enum bw_err see_row(void *context, const struct bw_shelf_place *place)
{
	struct rebuilding *rebuilding = context;
	struct bw_found_content *content;
	const struct bw_found_content *other = NULL;

	if (!S_ISREG(place->kind))
		return BW_OK;
	content = bw_found_first(rebuilding->found, place->number);
	for (; content != NULL; content = bw_found_next(rebuilding->found, content)) {
		content->used = true;
		if (content->pack == place->pack && content->at == place->at)
			return BW_OK;
		if (content->pack != 0 && place->pack != 0)
			other = content;
	}
	return note_change(rebuilding, place, other);
}

static enum bw_err change_rows(struct rebuilding *rebuilding)
{
	for (size_t i = 0; i < rebuilding->change_count; i++) {
		const struct row_change *change = &rebuilding->changes[i];

		if (change->content != NULL) {
			BW_TRY(bw_shelf_move(rebuilding->shelf, change->number, change->pack, change->at,
					     change->content->pack, change->content->at));
			continue;
		}
		BW_TRY(bw_shelf_lose(rebuilding->shelf, change->number));
		rebuilding->out->lost++;
	}
	return BW_OK;
}

/* Root's, and readable by nobody else: whose it was is what is not known. */
static enum bw_err nameless_meta(int64_t taken_us, struct bw_buf *out)
{
	const struct timespec time = { .tv_sec = taken_us / 1000000, .tv_nsec = taken_us % 1000000 * 1000 };
	const struct bw_meta meta = {
		.mode = S_IFREG | 0600, .links = 1, .atime = time, .mtime = time, .target = bw_slice_empty
	};

	return bw_meta_write(&meta, out);
}

static enum bw_err add_nameless(struct rebuilding *rebuilding, const struct bw_found_content *content)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf meta = BW_BUF_INIT(META_BYTES);
	/* it was there when nobody knew that its name was lost */
	const int64_t last_us = rebuilding->out->at_us - 1;
	struct bw_shelf_nameless row = { .number = content->number,
					 .size = content->size,
					 .pack = content->pack,
					 .at = content->at,
					 .kept_bytes = content->kept_bytes,
					 .taken_us = content->time_us < last_us ? content->time_us : last_us,
					 .gone_us = rebuilding->out->at_us };
	enum bw_err err;

	memcpy(row.sum, content->sum.bytes, sizeof(row.sum));
	BW_TRY(nameless_meta(row.taken_us, &meta));
	row.meta = bw_buf_slice(&meta);
	err = bw_shelf_add_nameless(rebuilding->shelf, &row);
	if (err == BW_ERR_EXISTS) /* the same content, moved and not yet removed where it was */
		return BW_OK;
	BW_TRY(err);
	rebuilding->out->nameless++;
	return rebuilding->out->nameless % COMMIT_EVERY == 0 ? bw_shelf_commit(rebuilding->shelf) : BW_OK;
}

static enum bw_err join(struct rebuilding *rebuilding)
{
	const struct bw_found *found = rebuilding->found;

	BW_TRY(bw_shelf_places(rebuilding->shelf, see_row, rebuilding));
	BW_TRY(change_rows(rebuilding));
	for (size_t i = 0; i < found->count; i++) {
		if (!found->list[i].used)
			BW_TRY(add_nameless(rebuilding, &found->list[i]));
	}
	BW_TRY(bw_shelf_begin_pack(rebuilding->shelf, found->last_pack + 1));
	BW_TRY(bw_shelf_sync(rebuilding->shelf));
	return bw_shelf_rest(rebuilding->shelf);
}

/* ---- files ------------------------------------------------------------------------------------------------- */

static const char catalogue_name[] = "catalogue.db";
static const char log_name[] = "catalogue.db-wal";
static const char shared_name[] = "catalogue.db-shm";
static const char old_log_name[] = "catalogue.db-wal.old";
static const char new_name[] = "catalogue.db-mended";
static const char work_name[] = "catalogue.db-work";

/* An earlier rebuild was ended in the middle of its last steps. */
static void finish_earlier(int store)
{
	if (faccessat(store, new_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		(void)renameat2(store, old_log_name, store, log_name, RENAME_NOREPLACE);
	else
		(void)unlinkat(store, old_log_name, 0);
	(void)unlinkat(store, new_name, 0);
	(void)unlinkat(store, "catalogue.db-mended-wal", 0);
	(void)unlinkat(store, "catalogue.db-mended-shm", 0);
}

static enum bw_err link_aside(int store, int aside, const char *name, bool *out_any)
{
	if (linkat(store, name, aside, name, 0) == 0)
		*out_any = true;
	else if (errno != ENOENT)
		return bw_err_from_errno(errno);
	return BW_OK;
}

static enum bw_err make_aside(int store, char name[32], int *out)
{
	for (unsigned number = 1; number < ASIDE_TRIES; number++) {
		(void)snprintf(name, 32, "damaged-%u", number);
		if (mkdirat(store, name, 0700) == 0) {
			*out = openat(store, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
			return *out >= 0 ? BW_OK : bw_err_from_errno(errno);
		}
		if (errno != EEXIST)
			break;
	}
	return bw_err_from_errno(errno);
}

/* The damaged one has its second name before it loses its first. */
static enum bw_err set_aside(const struct bw_volume *volume, int store, struct bw_rebuilt *out)
{
	char name[32];
	bool any = false;
	int aside = -1;
	enum bw_err err;

	BW_TRY(make_aside(store, name, &aside));
	err = link_aside(store, aside, catalogue_name, &any);
	if (err == BW_OK)
		err = link_aside(store, aside, log_name, &any);
	if (err == BW_OK && any && (fsync(aside) != 0 || fsync(store) != 0))
		err = bw_err_from_errno(errno);
	(void)close(aside);
	if (!any)
		(void)unlinkat(store, name, AT_REMOVEDIR);
	else if (err == BW_OK)
		err = bw_path_join(out->aside, volume->store, name);
	return err;
}

/* The old log must not be taken for the new catalogue's, nor be missing while the old catalogue still stands. */
static enum bw_err put_in_place(int store)
{
	if (renameat(store, log_name, store, old_log_name) != 0 && errno != ENOENT)
		return bw_err_from_errno(errno);
	(void)unlinkat(store, shared_name, 0);
	if (renameat(store, new_name, store, catalogue_name) != 0 || fsync(store) != 0)
		return bw_err_from_errno(errno);
	(void)unlinkat(store, old_log_name, 0); /* its other name stays */
	return fsync(store) == 0 ? BW_OK : bw_err_from_errno(errno);
}

/* ---- all of it ---------------------------------------------------------------------------------------------- */

static enum bw_err make_new(struct rebuilding *rebuilding, struct bw_why *why)
{
	const char *store = rebuilding->volume->store;
	char from[BW_PATH_BYTES];
	char work[BW_PATH_BYTES];
	char to[BW_PATH_BYTES];
	const struct bw_shelf_salvage plan = {
		.from = from, .work = work, .to = to, .most = rebuilding->found->most, .now_us = rebuilding->out->at_us
	};
	enum bw_err err;

	BW_TRY(bw_path_join(from, store, catalogue_name));
	BW_TRY(bw_path_join(work, store, work_name));
	BW_TRY(bw_path_join(to, store, new_name));
	BW_TRY(bw_shelf_salvage(&plan, &rebuilding->out->salvaged, why));
	BW_TRY(bw_shelf_open(to, false, &rebuilding->shelf, why));
	err = join(rebuilding);
	bw_shelf_close(rebuilding->shelf);
	return err;
}

static enum bw_err rebuild(struct rebuilding *rebuilding, int store, struct bw_why *why)
{
	finish_earlier(store);
	BW_TRY(bw_found_look(rebuilding->volume, store, rebuilding->found, why));
	rebuilding->out->contents = rebuilding->found->count;
	BW_TRY(make_new(rebuilding, why));
	BW_TRY(set_aside(rebuilding->volume, store, rebuilding->out));
	return put_in_place(store);
}

enum bw_err bw_shadow_rebuild(const struct bw_volume *volume, struct bw_rebuilt *out, struct bw_why *why)
{
	struct bw_rebuilt rebuilt = { .at_us = bw_clock_now_us() };
	struct bw_found found = { .list = NULL };
	struct rebuilding rebuilding = { .volume = volume, .found = &found, .out = &rebuilt };
	char path[BW_PATH_BYTES];
	int store = -1;
	int lock = -1;
	enum bw_err err;

	BW_TRY(bw_shadow_folder(volume, &store, why));
	err = bw_path_join(path, volume->store, "lock");
	if (err == BW_OK)
		err = bw_lock_take(path, &lock, why);
	if (err == BW_OK)
		err = rebuild(&rebuilding, store, why);
	free(rebuilding.changes);
	bw_found_release(&found);
	if (lock >= 0)
		(void)close(lock);
	(void)close(store);
	if (err == BW_OK)
		*out = rebuilt;
	else if (why != NULL && why->text[0] == '\0')
		(void)bw_why_set(why, err, "cannot make a new catalogue in '%s': %s", volume->store, bw_err_text(err));
	return err;
}
