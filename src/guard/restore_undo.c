#include "guard/restore_undo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "guard/meta.h"
#include "guard/restore_plan.h"
#include "guard/shadow_parts.h"
#include "sys/beneath.h"
#include "sys/clock.h"

enum { NOTES_BYTES = 1024 * 1024 * 1024 };

/* One note on its way back. */
struct way {
	const struct bw_undo *undo;
	const struct bw_volume *volume;
	const struct bw_note *note;
	struct bw_aside *aside; /* of the undoing: what the restore put in place goes there */
	int displaced;          /* the restore's own folder of what it moved away */
	int folder;             /* in which it stands, or stood */
	char name[BW_ASIDE_NAME_BYTES];
	char other[BW_ASIDE_NAME_BYTES]; /* its name aside, or beside it */
	struct bw_why why;
	const char *words;
};

static void see_folders(const struct bw_volume *volume, uint64_t below, uint64_t *newest)
{
	const struct dirent *entry;
	DIR *listing;
	uint64_t id;
	int fd = -1;

	if (bw_open_beneath(volume->root, BW_ASIDE_FOLDER, O_RDONLY | O_DIRECTORY, 0, &fd) != BW_OK)
		return;
	listing = fdopendir(fd);
	while (listing != NULL && (entry = readdir(listing)) != NULL) {
		if (bw_parse_u64(bw_slice_text(entry->d_name), &id) == BW_OK && id > *newest && id < below)
			*newest = id;
	}
	if (listing != NULL)
		(void)closedir(listing);
	else
		(void)close(fd);
}

static bool is_step(const struct bw_note *note)
{
	return note->kind != BW_NOTE_OF_INCIDENT && note->kind != BW_NOTE_UNDONE;
}

enum undoable { NO_STEPS, WAS_UNDONE, CAN_BE_UNDONE };

/* An undoing has a folder too, but no steps. */
static enum undoable can_be_undone(const struct bw_undo *undo)
{
	enum undoable found = NO_STEPS;

	for (size_t i = 0; i < undo->volume_count; i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(NOTES_BYTES);
		struct bw_cursor c;
		struct bw_note note;
		bool steps = false;
		bool undone = false;
		int folder = -1;

		if (bw_aside_read(&undo->volumes[i], undo->id, &bytes, &folder) != BW_OK)
			continue;
		(void)close(folder);
		c = bw_cursor_over(bw_buf_slice(&bytes));
		while (bw_note_next(&c, &note) == BW_OK) {
			undone |= note.kind == BW_NOTE_UNDONE;
			steps |= is_step(&note);
		}
		if (steps && !undone)
			return CAN_BE_UNDONE;
		if (steps)
			found = WAS_UNDONE;
	}
	return found;
}

/* The newest below `id` of which something was done; 0: there is none. */
static uint64_t older(struct bw_undo *undo, uint64_t id, enum undoable *out)
{
	for (;;) {
		uint64_t newest = 0;

		for (size_t i = 0; i < undo->volume_count; i++)
			see_folders(&undo->volumes[i], id, &newest);
		if (newest == 0)
			return 0;
		(void)snprintf(undo->id, sizeof(undo->id), "%llu", (unsigned long long)newest);
		*out = can_be_undone(undo);
		if (*out != NO_STEPS)
			return newest;
		id = newest;
	}
}

/* Said twice, it must not undo two. */
static enum bw_err name_last(struct bw_undo *undo)
{
	enum undoable can = NO_STEPS;
	const uint64_t last = older(undo, UINT64_MAX, &can);
	uint64_t id = last;

	BW_NEED(last != 0, NOT_FOUND);
	if (can == CAN_BE_UNDONE)
		return BW_OK;
	while (id != 0 && can != CAN_BE_UNDONE)
		id = older(undo, id, &can);
	undo->older = id;
	(void)snprintf(undo->id, sizeof(undo->id), "%llu", (unsigned long long)last);
	return BW_ERR_CONFLICT;
}

enum bw_err bw_undo_named(struct bw_undo *undo, const char *name)
{
	uint64_t id;

	if (strcmp(name, "last") != 0) {
		BW_NEED(bw_parse_u64(bw_slice_text(name), &id) == BW_OK && id != 0, SYNTAX);
		(void)snprintf(undo->id, sizeof(undo->id), "%llu", (unsigned long long)id);
		return BW_OK;
	}
	return name_last(undo);
}

/* ---- one step ------------------------------------------------------------------------------------- */

static enum bw_err open_folder(struct way *way)
{
	char path[BW_PATH_BYTES] = "";
	const struct bw_slice whole = way->note->path;
	const uint8_t *slash = memrchr(whole.ptr, '/', whole.len);
	const size_t len = slash == NULL ? 0 : (size_t)(slash - whole.ptr);
	const struct bw_slice name = slash == NULL ? whole : bw_slice_from(whole, len + 1);

	BW_NEED(len < sizeof(path) && name.len < sizeof(way->name) && way->note->aside.len < sizeof(way->other),
		TOO_BIG);
	memcpy(path, whole.ptr, len);
	memcpy(way->name, name.ptr, name.len);
	memcpy(way->other, way->note->aside.ptr, way->note->aside.len);
	return bw_open_beneath(way->volume->root, path, O_RDONLY | O_DIRECTORY, 0, &way->folder);
}

static enum bw_err left(struct way *way, const char *words)
{
	way->words = words;
	return BW_ERR_AGAIN;
}

static void say(struct way *way, const char *done, const char *would)
{
	way->words = way->undo->dry_run ? would : done;
}

static bool is_noted(const struct way *way, const struct stat *status)
{
	return status->st_ino == way->note->ino &&
	       (S_ISDIR(status->st_mode) ||
		(status->st_mtim.tv_sec == way->note->mtime_s && status->st_mtim.tv_nsec == (long)way->note->mtime_ns));
}

/* What stands there is what the restore put there. */
static bool is_ours(const struct way *way)
{
	struct stat status;

	return fstatat(way->folder, way->name, &status, AT_SYMLINK_NOFOLLOW) == 0 && is_noted(way, &status);
}

/* The same of what was opened, which is what is written to. */
static enum bw_err open_ours(struct way *way, int flags, int *out)
{
	struct stat status;
	int fd = -1;

	BW_TRY(bw_open_beneath(way->folder, way->name, flags | O_NONBLOCK, 0, &fd));
	if (fstat(fd, &status) != 0 || !is_noted(way, &status)) {
		(void)close(fd);
		return left(way, "somebody changed it since: it stays");
	}
	*out = fd;
	return BW_OK;
}

static enum bw_err put_away(struct way *way, int folder, const char *name)
{
	char unused[BW_ASIDE_NAME_BYTES];

	return bw_aside_take(way->aside, folder, name, way->name, unused, &way->why);
}

static enum bw_err undo_came_back(struct way *way)
{
	struct stat status;

	if (!is_ours(way))
		return left(way, "somebody changed it since: it stays");
	say(way, "was brought back; put aside", "was brought back; would be put aside");
	if (way->undo->dry_run)
		return BW_OK;
	/* another name of a file that has several: it is the file's, and not for the store to keep */
	if (fstatat(way->folder, way->name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
	    status.st_nlink > 1 && unlinkat(way->folder, way->name, 0) == 0)
		return BW_OK;
	return put_away(way, way->folder, way->name);
}

/* The old one takes its place again, in one step; the one that was brought back goes aside. */
static enum bw_err undo_exchange(struct way *way, int from)
{
	if (!is_ours(way))
		return left(way, "somebody changed it since: it stays");
	if (faccessat(from, way->other, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return left(way, "what stood there before is no longer kept");
	say(way, "what stood there before stands there again", "what stood there before would stand there again");
	if (way->undo->dry_run)
		return BW_OK;
	if (renameat2(from, way->other, way->folder, way->name, RENAME_EXCHANGE) != 0)
		return bw_why_errno(&way->why, errno, "put back", way->name);
	return put_away(way, from, way->other);
}

static enum bw_err undo_moved(struct way *way)
{
	struct stat status;

	if (fstatat(way->folder, way->name, &status, AT_SYMLINK_NOFOLLOW) == 0)
		return left(way, "another one stands there now");
	if (faccessat(way->displaced, way->other, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return left(way, "it is no longer kept");
	say(way, "is back where it was", "would be back where it was");
	if (way->undo->dry_run || renameat2(way->displaced, way->other, way->folder, way->name, RENAME_NOREPLACE) == 0)
		return BW_OK;
	return bw_why_errno(&way->why, errno, "put back", way->name);
}

static enum bw_err write_back(struct way *way, int from, int to)
{
	struct stat status;
	enum bw_err err;

	if (fstat(from, &status) != 0 || ftruncate(to, 0) != 0)
		return bw_why_errno(&way->why, errno, "write back", way->name);
	err = bw_copy_reflink(from, to);
	if (err == BW_ERR_UNSUPPORTED)
		err = bw_copy_sparse(from, to, (uint64_t)status.st_size);
	if (err == BW_OK && fsync(to) != 0)
		err = bw_err_from_errno(errno);
	return err;
}

static enum bw_err undo_in_place(struct way *way)
{
	int from = -1;
	int to = -1;
	enum bw_err err;

	if (!is_ours(way))
		return left(way, "somebody changed it since: it stays");
	say(way, "holds again what it held", "would hold again what it held");
	if (way->undo->dry_run)
		return BW_OK;
	BW_TRY(bw_open_beneath(way->displaced, way->other, O_RDONLY, 0, &from));
	err = open_ours(way, O_RDWR, &to);
	if (err == BW_OK)
		err = write_back(way, from, to);
	(void)close(from);
	if (to >= 0)
		(void)close(to);
	return err;
}

static enum bw_err undo_meta(struct way *way)
{
	struct bw_meta meta;
	int fd = -1;
	enum bw_err err;

	if (!is_ours(way))
		return left(way, "somebody changed it since: it stays");
	say(way, "has the metadata again that it had", "would have the metadata again that it had");
	if (way->undo->dry_run)
		return BW_OK;
	BW_TRY(bw_meta_parse(way->note->meta, &meta));
	BW_TRY(open_ours(way, O_RDONLY, &fd));
	err = bw_meta_apply(fd, &meta, &way->why);
	(void)close(fd);
	return err;
}

/* Somebody else may use it by now. */
static enum bw_err undo_folder(struct way *way)
{
	say(way, "the folder is gone again", "the folder would be gone again");
	if (way->undo->dry_run || unlinkat(way->folder, way->name, AT_REMOVEDIR) == 0)
		return BW_OK;
	if (errno == ENOENT)
		return left(way, "the folder is gone already");
	if (errno == ENOTEMPTY || errno == EEXIST)
		return left(way, "the folder is in use: it stays");
	return bw_why_errno(&way->why, errno, "remove the folder", way->name);
}

/* Back to where it was before the restore, when that is free. */
static enum bw_err undo_name(struct way *way)
{
	char path[BW_PATH_BYTES] = "";
	struct bw_slice folder;
	struct bw_slice name;
	char other[BW_ASIDE_NAME_BYTES] = "";
	int there = -1;
	int done;

	if (!is_ours(way))
		return left(way, "somebody renamed it since: it stays");
	bw_restore_split(way->note->meta, &folder, &name);
	BW_NEED(folder.len < sizeof(path) && name.len > 0 && name.len < sizeof(other) &&
			memchr(way->note->meta.ptr, 0, way->note->meta.len) == NULL,
		RANGE);
	memcpy(path, folder.ptr, folder.len);
	memcpy(other, name.ptr, name.len);
	say(way, "the folder is called again as it was before the restore",
	    "the folder would be called again as it was before the restore");
	if (way->undo->dry_run)
		return BW_OK;
	if (bw_open_beneath(way->volume->root, path, O_RDONLY | O_DIRECTORY, 0, &there) != BW_OK)
		return left(way, "the folder it was in is gone");
	done = renameat2(way->folder, way->name, there, other, RENAME_NOREPLACE) == 0 ? 0 : errno;
	(void)close(there);
	if (done == EEXIST)
		return left(way, "another one has the name by now");
	return done == 0 ? BW_OK : bw_why_errno(&way->why, done, "rename the folder", way->name);
}

static enum bw_err undo_note(struct way *way)
{
	const enum bw_err err = open_folder(way);

	if (err == BW_ERR_NOT_FOUND)
		return left(way, "its folder is gone");
	BW_TRY(err);
	switch ((enum bw_note_kind)way->note->kind) {
	case BW_NOTE_CAME_BACK:
		return undo_came_back(way);
	case BW_NOTE_REPLACED:
		return undo_exchange(way, way->displaced);
	case BW_NOTE_BESIDE:
		return undo_exchange(way, way->folder);
	case BW_NOTE_IN_PLACE:
		return undo_in_place(way);
	case BW_NOTE_META:
	case BW_NOTE_FOLDER_META:
		return undo_meta(way);
	case BW_NOTE_MOVED_AWAY:
		return undo_moved(way);
	case BW_NOTE_FOLDER_MADE:
		return undo_folder(way);
	case BW_NOTE_FOLDER_NAME:
		return undo_name(way);
	default:
		return BW_ERR_RANGE;
	}
}

/* ---- all of them ------------------------------------------------------------------------------------ */

static void count(const struct bw_undo *undo, const struct way *way, enum bw_err err, struct bw_undo_sum *out)
{
	const char *words = err == BW_OK || err == BW_ERR_AGAIN ? way->words
			    : way->why.text[0] != '\0'          ? way->why.text
								: bw_err_text(err);

	out->undone += err == BW_OK;
	out->left += err == BW_ERR_AGAIN;
	out->failed += err != BW_OK && err != BW_ERR_AGAIN;
	if (undo->see != NULL)
		undo->see(undo->context, way->volume, way->note->path, words, err == BW_ERR_AGAIN ? BW_OK : err);
}

static enum bw_err take_notes(struct bw_slice bytes, struct bw_note **out, size_t *out_count)
{
	struct bw_cursor c = bw_cursor_over(bytes);
	struct bw_note *list = NULL;
	size_t room = 0;
	enum bw_err err;

	*out_count = 0;
	for (;;) {
		struct bw_note note;

		err = bw_note_next(&c, &note);
		if (err != BW_OK)
			break;
		if (*out_count == room) {
			struct bw_note *more;

			room = room == 0 ? 256 : 2 * room;
			more = realloc(list, room * sizeof(*more));
			if (more == NULL) {
				err = BW_ERR_MEMORY;
				break;
			}
			list = more;
		}
		list[(*out_count)++] = note;
	}
	*out = list;
	return err == BW_ERR_AGAIN ? BW_OK : err;
}

static void add_incident(struct bw_undo_sum *sum, uint64_t incident)
{
	for (size_t i = 0; i < sum->incident_count; i++) {
		if (sum->incidents[i] == incident)
			return;
	}
	if (sum->incident_count < BW_UNDO_INCIDENTS_MAX)
		sum->incidents[sum->incident_count++] = incident;
}

static enum bw_err note_undone(const struct bw_undo *undo, const struct bw_volume *volume)
{
	const struct bw_note note = {
		.kind = BW_NOTE_UNDONE, .path = bw_slice_empty, .aside = bw_slice_empty, .meta = bw_slice_empty
	};
	struct bw_aside aside;
	struct bw_why why = { 0 };
	enum bw_err err;

	bw_aside_init(&aside, volume, undo->id);
	err = bw_aside_note(&aside, &note, &why);
	if (err == BW_OK)
		err = bw_aside_sync(&aside);
	bw_aside_release(&aside);
	return err;
}

static enum bw_err undo_notes(const struct bw_undo *undo, struct way *way, const struct bw_note *notes,
			      size_t note_count, struct bw_undo_sum *out)
{
	const uint64_t failed = out->failed;

	for (size_t i = 0; i < note_count; i++) {
		BW_NEED(notes[i].kind != BW_NOTE_UNDONE, CONFLICT);
		if (notes[i].kind == BW_NOTE_OF_INCIDENT)
			add_incident(out, notes[i].ino);
	}
	for (size_t i = note_count; i-- > 0;) {
		way->note = &notes[i];
		way->folder = -1;
		way->words = "";
		way->why = (struct bw_why){ 0 };
		memset(way->name, 0, sizeof(way->name));
		memset(way->other, 0, sizeof(way->other));
		if (!is_step(way->note))
			continue;
		count(undo, way, undo_note(way), out);
		if (way->folder >= 0)
			(void)close(way->folder);
	}
	if (undo->dry_run)
		return BW_OK;
	if (out->failed == failed)
		BW_TRY(note_undone(undo, way->volume));
	return syncfs(way->volume->root) == 0 ? BW_OK : bw_err_from_errno(errno);
}

static enum bw_err undo_volume(const struct bw_undo *undo, const struct bw_volume *volume, const char *own_id,
			       struct bw_undo_sum *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(NOTES_BYTES);
	struct bw_note *notes = NULL;
	size_t note_count = 0;
	struct bw_aside aside;
	int displaced = -1;
	enum bw_err err = bw_aside_read(volume, undo->id, &bytes, &displaced);

	BW_TRY(err);
	bw_aside_init(&aside, volume, own_id);
	err = take_notes(bw_buf_slice(&bytes), &notes, &note_count);
	if (err == BW_OK) {
		struct way way = { .undo = undo, .volume = volume, .aside = &aside, .displaced = displaced };

		err = undo_notes(undo, &way, notes, note_count, out);
	}
	bw_aside_release(&aside);
	(void)close(displaced);
	free(notes);
	return err;
}

enum bw_err bw_undo_run(const struct bw_undo *undo, struct bw_undo_sum *out, struct bw_why *why)
{
	char own_id[BW_ASIDE_ID_BYTES];
	bool found = false;
	bool was_undone = false;

	*out = (struct bw_undo_sum){ 0 };
	(void)snprintf(own_id, sizeof(own_id), "%lld", (long long)bw_clock_now_us());
	for (size_t i = 0; i < undo->volume_count; i++) {
		const enum bw_err err = undo_volume(undo, &undo->volumes[i], own_id, out);

		was_undone |= err == BW_ERR_CONFLICT;
		if (err != BW_OK && err != BW_ERR_NOT_FOUND && err != BW_ERR_CONFLICT)
			return bw_why_set(why, err, "cannot undo all that was done on '%s': %s", undo->volumes[i].mount,
					  bw_err_text(err));
		found |= err == BW_OK;
	}
	if (!found && was_undone)
		return bw_why_set(why, BW_ERR_CONFLICT, "restore %s was undone before: nothing is left to undo",
				  undo->id);
	return found ? BW_OK
		     : bw_why_set(why, BW_ERR_NOT_FOUND, "no restore %s is remembered, or it changed nothing",
				  undo->id);
}
