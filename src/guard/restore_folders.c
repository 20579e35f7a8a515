#include "guard/restore_folders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/meta.h"
#include "sys/beneath.h"
#include "sys/clock.h"

enum {
	ROW_BYTES = 2 * BW_SHELF_META_BYTES_MAX + 64 * 1024,
	WORDS_BYTES = 1024 * 1024 * 1024,
	COARSE_US = 10 * 1000,
	SLACK_US = 5 * 1000000, /* an event may be read that much later than its act, on a busy machine */
	AFTER_US = 2 * 1000000,
};

struct folder {
	const char *path;
	uint8_t volume;
	bool existed;
	bool stays;            /* others changed it since, or nobody did: only the restore's own doing is undone */
	struct timespec atime; /* before the restore */
	struct timespec mtime;
	struct bw_slice meta; /* the times it gets; empty: nobody knows */
	struct bw_slice
		rights; /* owner, mode and attributes, as before the first act in it; empty: nobody acted, or knows */
};

struct bw_restore_folders {
	const struct bw_restore_plan *plan;
	struct bw_arena arena;
	struct folder *list;
	size_t count;
	size_t room;
	int64_t looked_us; /* less than what a kernel's coarse clock lags */
};

/* ---- which -------------------------------------------------------------------------------------- */

static enum bw_err add(struct bw_restore_folders *folders, uint8_t volume, struct bw_slice path)
{
	struct bw_slice copy;

	if (folders->count > 0 && folders->list[folders->count - 1].volume == volume &&
	    bw_slice_is(path, folders->list[folders->count - 1].path))
		return BW_OK; /* steps are sorted: most have the folder of the one before */
	if (folders->count == folders->room) {
		const size_t room = folders->room == 0 ? 256 : 2 * folders->room;
		struct folder *list = realloc(folders->list, room * sizeof(*list));

		BW_NEED(list != NULL, MEMORY);
		folders->list = list;
		folders->room = room;
	}
	BW_TRY(bw_arena_copy(&folders->arena, path, &copy));
	folders->list[folders->count++] = (struct folder){ .path = (const char *)copy.ptr, .volume = volume };
	return BW_OK;
}

/* Its folder; and of what is missing on the way, all above: making it changes them. */
static enum bw_err add_parents(struct bw_restore_folders *folders, uint8_t volume, const char *path)
{
	struct bw_slice rest = bw_slice_text(path);
	struct bw_slice name;
	int fd = -1;

	while (rest.len > 0) {
		char text[BW_PATH_BYTES];

		bw_restore_split(rest, &rest, &name);
		BW_TRY(add(folders, volume, rest));
		BW_NEED(rest.len < sizeof(text), TOO_BIG);
		memcpy(text, rest.ptr, rest.len);
		text[rest.len] = '\0';
		if (bw_open_beneath(folders->plan->volumes[volume].root, text, O_PATH | O_DIRECTORY, 0, &fd) == BW_OK) {
			(void)close(fd);
			return BW_OK;
		}
	}
	return BW_OK;
}

static int by_depth(const void *a, const void *b)
{
	const struct folder *x = a;
	const struct folder *y = b;

	if (x->volume != y->volume)
		return x->volume < y->volume ? -1 : 1;
	return strcmp(y->path, x->path); /* what lies below comes before what it lies in */
}

static void drop_doubles(struct bw_restore_folders *folders)
{
	size_t kept = 0;

	if (folders->count > 0)
		qsort(folders->list, folders->count, sizeof(*folders->list), by_depth);
	for (size_t i = 0; i < folders->count; i++) {
		if (kept == 0 || by_depth(&folders->list[kept - 1], &folders->list[i]) != 0)
			folders->list[kept++] = folders->list[i];
	}
	folders->count = kept;
}

void bw_restore_folders_free(struct bw_restore_folders *folders)
{
	if (folders == NULL)
		return;
	bw_arena_release(&folders->arena);
	free(folders->list);
	free(folders);
}

/* ---- what it was ----------------------------------------------------------------------------------- */

bool bw_folder_state_counts(const struct bw_folder_state *state, int64_t first_us, int64_t last_us)
{
	if (state->seen_us < first_us)
		return true;
	/* an entry that came or went at that time was another's; INT64_MAX and INT64_MIN: nothing was done in it */
	return first_us > last_us || state->mtime_us < first_us - SLACK_US || state->mtime_us - AFTER_US > last_us;
}

static bool is_key(const struct bw_file_key *a, const struct bw_file_key *b)
{
	return a->ino != 0 && a->ino == b->ino && a->tree == b->tree && a->gen == b->gen;
}

/* When the actor did something in it. */
static void frame(const struct bw_restore_folders *folders, const struct bw_shelf_folder *row, uint8_t volume,
		  int64_t *first_us, int64_t *last_us)
{
	const struct bw_restore_plan *plan = folders->plan;
	struct bw_file_key key;

	*first_us = plan->before_us;
	*last_us = plan->is_tree ? INT64_MAX : plan->good_after_us;
	if (plan->traced_count == 0 || plan->is_tree ||
	    bw_file_key_of_handle(row->handle_type, row->handle, plan->volumes[volume].number, &key) != BW_OK)
		return;
	*first_us = INT64_MAX;
	*last_us = INT64_MIN;
	for (size_t i = 0; i < plan->traced_count; i++) {
		const struct bw_traced *traced = &plan->traced[i];

		if (!is_key(&traced->folder, &key) && !is_key(&traced->folder_to, &key) && !is_key(&traced->file, &key))
			continue;
		*first_us = traced->first_us < *first_us ? traced->first_us : *first_us;
		*last_us = traced->last_us > *last_us ? traced->last_us : *last_us;
	}
}

struct choosing {
	struct bw_arena *arena;
	int64_t first_us;
	int64_t last_us;
	struct bw_slice meta;   /* chosen; empty: none */
	struct bw_slice rights; /* the newest from before the first act: a change of rights leaves the time alone */
};

static enum bw_err see_was(void *context, int64_t seen_us, struct bw_slice bytes)
{
	struct choosing *choosing = context;
	struct bw_folder_state state = { .seen_us = seen_us };
	struct bw_meta meta;

	if (bytes.len == 0 || bw_meta_parse(bytes, &meta) != BW_OK)
		return BW_OK;
	state.mtime_us = bw_clock_of(&meta.mtime);
	if (choosing->meta.len == 0 && bw_folder_state_counts(&state, choosing->first_us, choosing->last_us))
		BW_TRY(bw_arena_copy(choosing->arena, bytes, &choosing->meta)); /* the newest that counts */
	if (seen_us >= choosing->first_us)
		return BW_OK;
	BW_TRY(bw_arena_copy(choosing->arena, bytes, &choosing->rights));
	return BW_ERR_AGAIN;
}

/* Before the restore begins: what it does is noted by a running guard like anything else. */
static enum bw_err choose(struct bw_restore_folders *folders, struct folder *folder)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ROW_BYTES);
	struct bw_shelf *shelf = bw_shadow_shelf(folders->plan->shadows[folder->volume]);
	const struct bw_folder_state present = { INT64_MAX, bw_clock_of(&folder->mtime) };
	struct choosing choosing = { .arena = &folders->arena };
	struct bw_shelf_folder row;
	uint32_t number;
	enum bw_err err = bw_shelf_folder_find(shelf, bw_slice_text(folder->path), &number);

	if (err == BW_ERR_NOT_FOUND)
		return BW_OK; /* above all trees, or never seen */
	if (err == BW_OK)
		err = bw_shelf_folder_get(shelf, number, &arena, &row);
	BW_TRY(err);
	frame(folders, &row, folder->volume, &choosing.first_us, &choosing.last_us);
	folder->stays = folder->existed && bw_folder_state_counts(&present, choosing.first_us, choosing.last_us);
	err = bw_shelf_folder_was(shelf, number, see_was, &choosing);
	folder->meta = choosing.meta;
	folder->rights = choosing.first_us <= choosing.last_us ? choosing.rights : choosing.meta;
	if (folder->existed && choosing.first_us > choosing.last_us)
		folder->rights = bw_slice_empty; /* nobody acted in it */
	return err == BW_ERR_AGAIN ? BW_OK : err;
}

static void look(const struct bw_restore_folders *folders, struct folder *folder)
{
	struct stat status;
	int fd = -1;

	if (bw_open_beneath(folders->plan->volumes[folder->volume].root, folder->path, O_PATH | O_DIRECTORY, 0, &fd) !=
	    BW_OK)
		return;
	if (fstat(fd, &status) == 0) {
		folder->existed = true;
		folder->atime = status.st_atim;
		folder->mtime = status.st_mtim;
	}
	(void)close(fd);
}

enum bw_err bw_restore_folders_look(const struct bw_restore_plan *plan, struct bw_restore_folders **out)
{
	struct bw_restore_folders *folders = calloc(1, sizeof(*folders));
	enum bw_err err = BW_OK;

	BW_NEED(folders != NULL, MEMORY);
	folders->plan = plan;
	folders->looked_us = bw_clock_now_us() - COARSE_US;
	folders->arena = BW_ARENA_INIT(WORDS_BYTES);
	for (size_t i = 0; i < plan->count && err == BW_OK; i++) {
		err = add_parents(folders, plan->steps[i].volume, plan->steps[i].path);
		if (err == BW_OK && (plan->steps[i].kind == BW_STEP_FOLDER || plan->steps[i].kind == BW_STEP_RENAME))
			err = add(folders, plan->steps[i].volume, bw_slice_text(plan->steps[i].path));
		if (err == BW_OK && plan->steps[i].kind == BW_STEP_RENAME)
			err = add_parents(folders, plan->steps[i].volume, plan->steps[i].to);
	}
	if (err != BW_OK) {
		bw_restore_folders_free(folders);
		return err;
	}
	drop_doubles(folders);
	for (size_t i = 0; i < folders->count && err == BW_OK; i++) {
		look(folders, &folders->list[i]);
		err = choose(folders, &folders->list[i]);
	}
	if (err != BW_OK) {
		bw_restore_folders_free(folders);
		return err;
	}
	*out = folders;
	return BW_OK;
}

enum bw_err bw_restore_folders_moved(struct bw_restore_folders *folders, uint8_t volume, const char *from,
				     const char *to)
{
	for (size_t i = 0; i < folders->count; i++) {
		const char *moved = NULL;

		if (folders->list[i].volume == volume)
			BW_TRY(bw_restore_moved_path(&folders->arena, folders->list[i].path, from, to, &moved));
		folders->list[i].path = moved != NULL ? moved : folders->list[i].path;
	}
	return BW_OK;
}

/* Whether somebody who did it could change more of a folder than its times. */
static bool could_own(const struct bw_restore_plan *plan, uint32_t owner)
{
	bool could = plan->has_anybody;

	for (size_t i = 0; i < plan->uid_count; i++)
		could |= plan->uids[i] == owner || plan->uids[i] == 0;
	return could;
}

/* ---- putting it back -------------------------------------------------------------------------------- */

/* Its times of one moment, its rights of another. */
static enum bw_err wanted(const struct folder *folder, const struct bw_meta *now, struct bw_meta *out)
{
	struct bw_meta times = *now;

	*out = *now;
	if (folder->rights.len > 0)
		BW_TRY(bw_meta_parse(folder->rights, out));
	if (folder->stays) { /* others changed it since, or nobody did: only the restore's own doing is undone */
		times.atime = folder->atime;
		times.mtime = folder->mtime;
	} else if (folder->meta.len > 0) {
		BW_TRY(bw_meta_parse(folder->meta, &times));
	}
	out->atime = times.atime;
	out->mtime = times.mtime;
	return BW_OK;
}

/* What it was before the restore, for whoever undoes it. */
static enum bw_err note_was(const struct folder *folder, const struct bw_meta *now, const struct stat *status,
			    struct bw_note *note, struct bw_aside *aside, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_META_BYTES_MAX);
	struct bw_meta was = *now;

	was.mtime = folder->mtime;
	was.atime = folder->atime;
	BW_TRY(bw_meta_write(&was, &bytes));
	note->ino = status->st_ino;
	note->meta = bw_buf_slice(&bytes);
	return bw_aside_note(aside, note, why);
}

/* A folder that was missing is the one that was made again, and none that somebody put in its place meanwhile. */
static bool is_ours(const struct bw_restore_folders *folders, int fd, const struct bw_meta *now,
		    const struct bw_meta *want)
{
	struct statx status;

	if (now->uid == want->uid)
		return true;
	return now->uid == geteuid() && statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &status) == 0 &&
	       (status.stx_mask & STATX_BTIME) != 0 &&
	       status.stx_btime.tv_sec * 1000000 + status.stx_btime.tv_nsec / 1000 >= folders->looked_us;
}

static enum bw_err apply(const struct bw_restore_folders *folders, const struct folder *folder, int fd,
			 struct bw_aside *aside, bool *out_set, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_META_BYTES_MAX);
	struct bw_note note = { .kind = BW_NOTE_FOLDER_META,
				.path = bw_slice_text(folder->path),
				.aside = bw_slice_empty };
	struct timespec times[2];
	struct bw_meta want;
	struct bw_meta now;
	struct stat status;
	bool whole;

	if (fstat(fd, &status) != 0)
		return bw_err_from_errno(errno);
	BW_TRY(bw_meta_read(fd, &status, &bytes, &whole));
	BW_TRY(bw_meta_parse(bw_buf_slice(&bytes), &now));
	BW_TRY(wanted(folder, &now, &want));
	if (bw_meta_differs(&now, &want) == NULL)
		return BW_OK;
	if (folder->existed && !folder->stays)
		BW_TRY(note_was(folder, &now, &status, &note, aside, why));
	*out_set |= !folder->stays;
	if (folder->existed ? could_own(folders->plan, now.uid) : is_ours(folders, fd, &now, &want))
		return bw_meta_apply(fd, &want, why);
	times[0] = want.atime;
	times[1] = want.mtime;
	return futimens(fd, times) == 0 ? BW_OK : bw_why_errno(why, errno, "set the times of", folder->path);
}

static enum bw_err settle(const struct bw_restore_folders *folders, const struct folder *folder, struct bw_aside *aside,
			  bool *out_set, struct bw_why *why)
{
	int fd = -1;
	enum bw_err err;

	if (folder->meta.len == 0 && !folder->stays)
		return BW_OK;
	if (bw_open_beneath(folders->plan->volumes[folder->volume].root, folder->path, O_RDONLY | O_DIRECTORY, 0,
			    &fd) != BW_OK)
		return BW_OK; /* what was to stand in it could not be brought back either */
	err = apply(folders, folder, fd, aside, out_set, why);
	(void)close(fd);
	return err;
}

enum bw_err bw_restore_folders_settle(struct bw_restore_folders *folders, struct bw_aside *asides, uint64_t *out_set,
				      struct bw_why *why)
{
	enum bw_err first = BW_OK;

	for (size_t i = 0; i < folders->count; i++) {
		struct bw_why one = { 0 };
		bool set = false;
		const enum bw_err err = settle(folders, &folders->list[i], &asides[folders->list[i].volume], &set,
					       &one);

		*out_set += set;
		if (err != BW_OK && first == BW_OK) {
			first = err;
			if (why != NULL)
				*why = one;
		}
	}
	return first;
}
