#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "guard/keep_parts.h"
#include "guard/name.h"
#include "sys/clock.h"

void bw_keep_soil(struct bw_keep *keep, uint32_t volume)
{
	if (keep->dirty_ns == 0) {
		keep->dirty_ns = bw_keep_now();
		keep->busy_ns = keep->dirty_ns;
	}
	if (keep->unsynced_ns == 0)
		keep->unsynced_ns = keep->dirty_ns;
	keep->dirty[volume] = true;
	keep->unsynced[volume] = true;
}

static struct bw_shelf *shelf_of(struct bw_keep *keep, const struct bw_file_key *key)
{
	return bw_shadow_shelf(bw_copier_shadow(keep->copier, key->volume));
}

static struct bw_shelf_key shelf_key(const struct bw_file_key *key)
{
	return (struct bw_shelf_key){ key->ino, key->tree, key->gen };
}

enum bw_err bw_keep_open(struct bw_keep *keep, const struct bw_file_key *key, int *out_fd, struct stat *out_status)
{
	const struct bw_volume *volume;
	struct bw_handle handle;
	int fd = -1;

	BW_NEED(key->volume < keep->guard->volume_count, RANGE);
	volume = &keep->guard->volumes[key->volume];
	BW_TRY(bw_volume_handle_of(volume, key, &handle));
	if (bw_volume_open(volume, &handle, 0, &fd) != BW_OK)
		BW_TRY(bw_volume_open(volume, &handle, O_PATH, &fd));
	if (fstat(fd, out_status) != 0) {
		(void)close(fd);
		return BW_ERR_IO;
	}
	*out_fd = fd;
	return BW_OK;
}

/* ---- one version ------------------------------------------------------------------------------- */

struct wanted {
	struct bw_file_key file;
	struct bw_file_key folder;
	struct bw_slice name;
	uint64_t since_ns;
	uint32_t pid;
	uint32_t maker;
	bool is_new;
};

static void note_pending(struct bw_keep *keep, const struct wanted *wanted)
{
	if (keep->pending_count == BW_KEEP_PENDING) /* more than a commit ever waits for */
		return;
	keep->pending[keep->pending_count].since_ns = wanted->since_ns;
	keep->pending[keep->pending_count++].is_new = wanted->is_new;
}

static bool is_current(struct bw_keep *keep, const struct wanted *wanted, const struct stat *status)
{
	struct bw_index_file known;

	return bw_index_by_key(keep->guard->index, &wanted->file, &known) == BW_OK &&
	       bw_copier_keeps(keep->copier, &known, status, 0);
}

static enum bw_err take_open(struct bw_keep *keep, const struct wanted *wanted, uint32_t folder, int fd)
{
	struct bw_copy copy = { .fd = fd,
				.key = wanted->file,
				.folder_key = wanted->folder,
				.folder = folder,
				.name = wanted->name,
				.state = BW_SHELF_GOOD,
				.maker = wanted->maker,
				.restored = bw_keep_restores(keep, wanted->pid) };
	struct bw_taken taken;

	if (!copy.restored && bw_keep_incident_of(keep, &wanted->file) != 0)
		copy.state = BW_SHELF_DOUBTFUL;
	BW_TRY(bw_copier_take(keep->copier, &copy, &taken));
	bw_keep_soil(keep, wanted->file.volume);
	note_pending(keep, wanted);
	keep->board->versions++;
	return BW_OK;
}

/* What cannot be kept for a reason of its own is counted, and is no reason to stop. */
static enum bw_err judge_result(struct bw_keep *keep, enum bw_err err)
{
	switch (err) {
	case BW_OK:
	case BW_ERR_NOT_FOUND: /* it is gone, or its folder is */
	case BW_ERR_TYPE:
	case BW_ERR_DENIED: /* not protected */
		return BW_OK;
	case BW_ERR_TOO_BIG:
	case BW_ERR_IO:
	case BW_ERR_RANGE:
	case BW_ERR_UNSUPPORTED:
		keep->board->refused++;
		return BW_OK;
	default:
		return err;
	}
}

/* Nobody may be told later of a file under a name that leads nowhere. `room` is the name's, when it is another one. */
static enum bw_err find_name(struct bw_keep *keep, struct wanted *wanted, int fd, struct bw_name *room)
{
	const enum bw_err err = bw_name_now(&keep->guard->volumes[wanted->file.volume], fd, &wanted->folder,
					    wanted->name, room);

	if (err == BW_ERR_CONFLICT) { /* a walk comes by its name */
		keep->must_walk = true;
		return BW_ERR_NOT_FOUND;
	}
	if (err == BW_OK && room->is_other) {
		wanted->folder = room->folder;
		wanted->name = bw_slice_of(room->bytes, room->len);
	}
	return err;
}

static enum bw_err keep_open_file(struct bw_keep *keep, const struct wanted *wanted, int fd, const struct stat *status)
{
	uint32_t folder = 0;
	const enum bw_err err = bw_keep_folder(keep, &wanted->folder, &folder);

	if (err == BW_ERR_TOO_BIG) { /* deeper than a path can say: a walk goes by handles */
		keep->must_walk = true;
		return BW_OK;
	}
	BW_TRY(err);
	if (!bw_keep_covers(keep, &wanted->folder, wanted->name) || is_current(keep, wanted, status))
		return BW_OK;
	return take_open(keep, wanted, folder, fd);
}

static enum bw_err open_wanted(struct bw_keep *keep, const struct bw_file_key *key, int *out_fd,
			       struct stat *out_status)
{
	if (!bw_keep_ahead_take(keep, key, out_fd))
		return bw_keep_open(keep, key, out_fd, out_status);
	return fstat(*out_fd, out_status) == 0 ? BW_OK : BW_ERR_IO;
}

static enum bw_err keep_file(struct bw_keep *keep, const struct wanted *told)
{
	struct wanted wanted = *told;
	struct bw_name name;
	struct stat status;
	int fd = -1;
	enum bw_err err = open_wanted(keep, &wanted.file, &fd, &status);

	if (err == BW_OK)
		err = find_name(keep, &wanted, fd, &name);
	if (err == BW_OK)
		err = keep_open_file(keep, &wanted, fd, &status);
	if (fd >= 0)
		(void)close(fd);
	if (err == BW_ERR_DISK_FULL) {
		bw_keep_no_room(keep, wanted.file.volume);
		return BW_OK;
	}
	return judge_result(keep, err);
}

enum bw_err bw_keep_due(struct bw_keep *keep, const struct bw_queued *queued)
{
	struct bw_queued copy = *queued;
	uint8_t name[255];
	struct wanted wanted = {
		.file = copy.file, .folder = copy.folder, .since_ns = copy.since_ns, .maker = copy.maker
	};
	struct bw_index_file known;

	memcpy(name, copy.name.ptr, copy.name.len);
	wanted.name = bw_slice_of(name, copy.name.len);
	wanted.is_new = copy.fresh;
	(void)bw_queue_drop(keep->queue, &copy.file);
	if (copy.open && bw_index_by_key(keep->guard->index, &copy.file, &known) == BW_OK &&
	    (known.flags & BW_INDEX_HOT) == 0) {
		known.flags |= BW_INDEX_HOT;
		BW_TRY(bw_index_put(keep->guard->index, &known));
	}
	return keep_file(keep, &wanted);
}

/* ---- closed, written ------------------------------------------------------------------------------ */

static enum bw_err wait_with(struct bw_keep *keep, const struct bw_event_view *view, bool open)
{
	const struct bw_queued item = { .file = view->event.file,
					.folder = view->event.folder,
					.name = view->name,
					.since_ns = view->event.time_ns,
					.maker = view->event.maker,
					.open = open };

	return bw_queue_put(keep->queue, &item);
}

/*
 * A file without a version is kept at once: until then there is nothing to have back. Not so one of many that come
 * faster than anybody works by hand: they are kept behind the work that makes them, and do not slow it down.
 */
static enum bw_err keep_new(struct bw_keep *keep, const struct wanted *wanted)
{
	const struct bw_queued item = { .file = wanted->file,
					.folder = wanted->folder,
					.name = wanted->name,
					.since_ns = wanted->since_ns,
					.maker = wanted->maker,
					.fresh = true };
	enum bw_err err = BW_ERR_TOO_MANY;

	if (bw_keep_restores(keep, wanted->pid)) /* its process is only known now */
		return keep_file(keep, wanted);
	if (bw_queue_has(keep->queue, &wanted->file) || bw_burst_takes(&keep->burst, wanted->pid, bw_keep_now()))
		err = bw_queue_put(keep->queue, &item);
	return err == BW_ERR_TOO_MANY ? keep_file(keep, wanted) : err;
}

/* What a restore writes is kept at once as well. */
static enum bw_err changed(struct bw_keep *keep, const struct bw_event_view *view, bool open)
{
	const struct wanted wanted = { .file = view->event.file,
				       .folder = view->event.folder,
				       .name = view->name,
				       .since_ns = view->event.time_ns,
				       .pid = view->event.pid,
				       .maker = view->event.maker,
				       .is_new = true };
	struct bw_index_file known;
	const bool is_known = bw_index_by_key(keep->guard->index, &view->event.file, &known) == BW_OK;
	uint32_t folder;

	if (!is_known && !open)
		return keep_new(keep, &wanted);
	if (!is_known && bw_keep_folder(keep, &view->event.folder, &folder) == BW_ERR_DENIED)
		return BW_OK;
	if ((is_known || open) && !bw_keep_restores(keep, view->event.pid)) {
		const enum bw_err err = wait_with(keep, view, open);

		if (err != BW_ERR_TOO_MANY)
			return err;
	}
	if (open)
		return BW_OK;
	return keep_file(keep, &wanted);
}

/* ---- gone, moved -------------------------------------------------------------------------------------- */

/* One of several names; of a file that had one alone nothing is noted, and nothing changes. */
static enum bw_err name_gone(struct bw_keep *keep, const struct bw_file_key *file, const struct bw_file_key *folder,
			     struct bw_slice name, int64_t when_us)
{
	const struct bw_shelf_key key = shelf_key(file);
	uint32_t number = 0;
	enum bw_err err = bw_keep_folder_number(keep, folder, &number);

	if (err == BW_OK)
		err = bw_shelf_name_gone(shelf_of(keep, file), &key, number, name, when_us);
	bw_keep_soil(keep, file->volume);
	return err == BW_ERR_NOT_FOUND ? BW_OK : err;
}

/* A last version of what changed just before its last name went: some process still has it open. */
static enum bw_err keep_last(struct bw_keep *keep, const struct bw_file_key *key)
{
	struct bw_queued queued;

	if (!bw_queue_get(keep->queue, key, &queued))
		return BW_OK;
	return bw_keep_due(keep, &queued);
}

static enum bw_err gone(struct bw_keep *keep, const struct bw_file_key *key, const struct bw_file_key *folder,
			struct bw_slice name, int64_t when_us)
{
	const struct bw_shelf_key file = shelf_key(key);
	struct bw_index_file known;
	struct stat status;
	int fd = -1;
	enum bw_err err;

	if (key->volume >= keep->guard->volume_count || bw_index_by_key(keep->guard->index, key, &known) != BW_OK)
		return BW_OK;
	if (bw_keep_ahead_take(keep, key, &fd)) /* else it would be there because we have it open */
		(void)close(fd);
	if (bw_keep_open(keep, key, &fd, &status) == BW_OK) {
		(void)close(fd);
		if (status.st_nlink > 0)
			return name_gone(keep, key, folder, name, when_us);
		BW_TRY(keep_last(keep, key));
	}
	(void)bw_queue_drop(keep->queue, key);
	err = bw_shelf_rename(shelf_of(keep, key), &file, 0, bw_slice_empty, when_us);
	bw_keep_soil(keep, key->volume);
	if (err != BW_OK && err != BW_ERR_NOT_FOUND)
		return err;
	err = bw_index_remove(keep->guard->index, key);
	return err == BW_ERR_NOT_FOUND ? BW_OK : err;
}

static enum bw_err moved_out(struct bw_keep *keep, const struct bw_event *event)
{
	const struct bw_shelf_key file = shelf_key(&event->file);
	enum bw_err err = bw_shelf_rename(shelf_of(keep, &event->file), &file, 0, bw_slice_empty, event->wall_us);

	(void)bw_queue_drop(keep->queue, &event->file);
	bw_keep_soil(keep, event->file.volume);
	if (err == BW_OK || err == BW_ERR_NOT_FOUND)
		err = bw_index_remove(keep->guard->index, &event->file);
	return err == BW_ERR_NOT_FOUND ? BW_OK : err;
}

static enum bw_err see_name(void *context, const struct bw_shelf_name *name)
{
	bool *has_names = context;

	(void)name;
	*has_names = true;
	return BW_OK;
}

/* Of a file with several names one is another now. */
static enum bw_err name_moved(struct bw_keep *keep, const struct bw_event_view *view, uint32_t folder)
{
	const struct bw_event *event = &view->event;
	const struct bw_shelf_key key = shelf_key(&event->file);
	bool has_names = false;

	BW_TRY(bw_shelf_names(shelf_of(keep, &event->file), &key, event->wall_us, see_name, &has_names));
	if (!has_names)
		return BW_OK;
	BW_TRY(name_gone(keep, &event->file, &event->folder, view->name, event->wall_us));
	return bw_shelf_name_put(shelf_of(keep, &event->file), &key, folder, view->name_to, event->wall_us);
}

static enum bw_err renamed(struct bw_keep *keep, const struct bw_event_view *view, uint32_t folder,
			   struct bw_index_file *known)
{
	const struct bw_event *event = &view->event;
	const struct bw_shelf_key file = shelf_key(&event->file);
	const enum bw_err named = name_moved(keep, view, folder);
	const enum bw_err err = bw_shelf_rename(shelf_of(keep, &event->file), &file, folder, view->name_to, 0);

	bw_keep_soil(keep, event->file.volume);
	if (err != BW_OK && err != BW_ERR_NOT_FOUND)
		return err;
	BW_TRY(named);
	BW_TRY(bw_queue_move(keep->queue, &event->file, &event->folder_to, view->name_to));
	known->place = bw_index_place(keep->guard->index, &event->folder_to, view->name_to);
	return bw_index_put(keep->guard->index, known);
}

static enum bw_err moved(struct bw_keep *keep, const struct bw_event_view *view)
{
	const struct bw_event *event = &view->event;
	const struct wanted wanted = { .file = event->file,
				       .folder = event->folder_to,
				       .name = view->name_to,
				       .since_ns = event->time_ns,
				       .pid = event->pid,
				       .maker = event->maker,
				       .is_new = true };
	struct bw_index_file known;
	uint32_t folder = 0;
	enum bw_err covered;

	if (event->has_replaced && !bw_file_key_equals(&event->replaced.key, &event->file))
		BW_TRY(gone(keep, &event->replaced.key, &event->folder_to, view->name_to, event->wall_us));
	covered = bw_keep_folder(keep, &event->folder_to, &folder);
	if (covered == BW_OK && !bw_keep_covers(keep, &event->folder_to, view->name_to))
		covered = BW_ERR_DENIED;
	if (bw_index_by_key(keep->guard->index, &event->file, &known) != BW_OK)
		return covered == BW_OK ? keep_new(keep, &wanted) : BW_OK;
	if (covered == BW_ERR_DENIED)
		return moved_out(keep, event);
	return covered == BW_OK ? renamed(keep, view, folder, &known) : BW_OK;
}

/* ---- attributes, and more names ------------------------------------------------------------------------ */

/*
 * A version of its own for a mode or a name costs a whole copy of a large file where there are no reflinks: there a
 * walk of the trees takes it with what else has changed by then.
 */
static bool is_dear(const struct bw_keep *keep, const struct bw_index_file *known)
{
	return keep->guard->volumes[known->key.volume].strategy == BW_STRATEGY_COPY &&
	       bw_content_size(&known->content) > BW_PACK_CONTENT_MAX;
}

static struct wanted wanted_of(const struct bw_event_view *view)
{
	return (struct wanted){ .file = view->event.file,
				.folder = view->event.folder,
				.name = view->name,
				.since_ns = view->event.time_ns,
				.pid = view->event.pid,
				.maker = view->event.maker,
				.is_new = true };
}

/* Owner, mode, times, extended attributes: after a moment, as programs set several one after the other. */
static enum bw_err attributes(struct bw_keep *keep, const struct bw_event_view *view)
{
	const struct wanted wanted = wanted_of(view);
	struct bw_index_file known;
	enum bw_err err;

	if (bw_file_key_equals(&view->event.file, &view->event.folder))
		return BW_OK; /* a folder: keep_folder_was.c */
	/* a file that has no version yet is kept with its attributes when it is closed; one that waits, too */
	if (bw_index_by_key(keep->guard->index, &view->event.file, &known) != BW_OK ||
	    bw_queue_has(keep->queue, &view->event.file) || is_dear(keep, &known))
		return BW_OK;
	if (bw_keep_restores(keep, view->event.pid))
		return keep_file(keep, &wanted);
	err = wait_with(keep, view, false);
	return err == BW_ERR_TOO_MANY ? keep_file(keep, &wanted) : err;
}

/* Noted, whether its file gets a version for it or not. */
static enum bw_err name_came(struct bw_keep *keep, const struct bw_event_view *view)
{
	const struct bw_event *event = &view->event;
	const struct bw_shelf_key key = shelf_key(&event->file);
	uint32_t folder = 0;
	struct stat status;
	int fd = -1;
	enum bw_err err = bw_keep_folder(keep, &event->folder, &folder);

	if (err != BW_OK || !bw_keep_covers(keep, &event->folder, view->name) ||
	    bw_keep_open(keep, &event->file, &fd, &status) != BW_OK)
		return judge_result(keep, err);
	(void)close(fd);
	if (!S_ISREG(status.st_mode) || status.st_nlink < 2)
		return BW_OK;
	err = bw_shelf_name_put(shelf_of(keep, &event->file), &key, folder, view->name, event->wall_us);
	bw_keep_soil(keep, event->file.volume);
	return err == BW_ERR_NOT_FOUND ? BW_OK : err;
}

/* A symbolic link is all there is of it; a file with several names is kept under each. */
static enum bw_err linked(struct bw_keep *keep, const struct bw_event_view *view)
{
	const struct wanted wanted = wanted_of(view);
	struct bw_index_file known;

	if (bw_index_by_key(keep->guard->index, &view->event.file, &known) != BW_OK || !is_dear(keep, &known))
		BW_TRY(keep_file(keep, &wanted));
	return name_came(keep, view);
}

enum bw_err bw_keep_event(struct bw_keep *keep, const struct bw_event_view *view)
{
	enum bw_err err;

	if (view->event.file.volume >= keep->guard->volume_count)
		return BW_OK;
	BW_TRY(bw_keep_folder_event(keep, &view->event));
	switch ((enum bw_act)view->event.act) {
	case BW_ACT_CLOSED:
		return changed(keep, view, false);
	case BW_ACT_CHANGED:
		return changed(keep, view, true);
	case BW_ACT_REMOVED:
		return gone(keep, &view->event.file, &view->event.folder, view->name, view->event.wall_us);
	case BW_ACT_MOVED:
		return moved(keep, view);
	case BW_ACT_FOLDER:
		err = bw_keep_folder_moved(keep, &view->event.file);
		return judge_result(keep, err);
	case BW_ACT_FOLDER_REMOVED:
		err = bw_keep_folder_gone(keep, view);
		return judge_result(keep, err);
	case BW_ACT_ATTRIBUTES:
		return attributes(keep, view);
	case BW_ACT_LINKED:
		return linked(keep, view);
	default:
		return BW_OK;
	}
}
