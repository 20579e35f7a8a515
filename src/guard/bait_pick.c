#include "guard/bait_pick.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "guard/bait_form.h"

enum { ARENA_BYTES = 96 * 1024 * 1024, STORES_MAX = 4096 };

size_t bw_bait_quota(uint64_t files)
{
	const uint64_t quota = files / BW_BAIT_FILES_EACH;

	return quota < BW_BAITS_A_TREE ? (size_t)quota : BW_BAITS_A_TREE;
}

struct bw_slice bw_bait_folder_of(struct bw_slice path)
{
	size_t len = path.len;

	while (len > 0 && path.ptr[len - 1] != '/')
		len--;
	return bw_slice_sub(path, 0, len > 1 ? len - 1 : len);
}

bool bw_bait_is_below(struct bw_slice path, struct bw_slice folder)
{
	if (bw_slice_is(folder, "/"))
		return true;
	return bw_slice_starts(path, folder) && (path.len == folder.len || path.ptr[folder.len] == '/');
}

/* ---- the walk --------------------------------------------------------------------------------------------- */

struct finding {
	const struct bw_volume *volume;
	struct bw_bait_folders *folders;
	struct bw_bait_folder now; /* the folder that is being listed; no path: none */
	struct bw_bait_dice dice;
	uint64_t met;
	size_t store_count;
	const char *stores[STORES_MAX]; /* folders that are under version control */
};

/* Into the list; once it is full, in the place of a random other. */
static enum bw_err close_folder(struct finding *f)
{
	struct bw_bait_folders *folders = f->folders;
	struct bw_slice copy;
	uint64_t at;

	if (f->now.path == NULL || f->now.papers < BW_BAIT_PAPERS_MIN || f->now.papers * 2 < f->now.files ||
	    f->now.models < BW_BAIT_MODELS_MIN)
		return BW_OK;
	f->met++;
	at = folders->count < BW_BAIT_FOLDERS_MAX ? folders->count : bw_bait_roll(&f->dice, f->met);
	if (at >= BW_BAIT_FOLDERS_MAX || bw_arena_copy(&folders->arena, bw_slice_text(f->now.path), &copy) != BW_OK)
		return BW_OK;
	folders->list[at] = f->now;
	folders->list[at].path = (const char *)copy.ptr;
	folders->count += at == folders->count;
	return BW_OK;
}

static bool is_hidden(struct bw_slice path)
{
	for (size_t i = 0; i + 1 < path.len; i++) {
		if (path.ptr[i] == '/' && path.ptr[i + 1] == '.')
			return true;
	}
	return path.len > 0 && path.ptr[0] == '.';
}

static bool is_store(struct bw_slice path)
{
	static const char *const names[] = { "/.git", "/.svn", "/.hg", "/.bzr" };

	for (size_t i = 0; i < BW_COUNT(names); i++) {
		const size_t len = strlen(names[i]);

		if (path.len >= len && bw_slice_is(bw_slice_from(path, path.len - len), names[i]))
			return true;
	}
	return false;
}

static unsigned depth_of(struct bw_slice path)
{
	unsigned depth = 0;

	for (size_t i = 0; i < path.len; i++)
		depth += path.ptr[i] == '/';
	return depth;
}

static enum bw_err see_folder(void *context, const struct bw_walk_folder *folder)
{
	static char path[BW_PATH_BYTES]; /* of the folder that is being listed */
	struct finding *f = context;
	const char *mount = strcmp(f->volume->mount, "/") == 0 ? "" : f->volume->mount;
	struct bw_slice copy;
	int len;

	BW_TRY(close_folder(f));
	f->folders->folders++;
	f->now = (struct bw_bait_folder){ .path = NULL };
	len = snprintf(path, sizeof(path), "%s/%.*s", mount, BW_ARG(folder->path));
	if (len < 0 || (size_t)len >= sizeof(path))
		return BW_OK;
	if (is_store(bw_slice_text(path)) && f->store_count < STORES_MAX) {
		BW_TRY(bw_arena_copy(&f->folders->arena, bw_bait_folder_of(bw_slice_text(path)), &copy));
		f->stores[f->store_count++] = (const char *)copy.ptr;
	}
	if (is_hidden(folder->path) || !bw_bait_path_fits(bw_slice_text(path)) ||
	    depth_of(folder->path) > BW_BAIT_DEPTH_MAX)
		return BW_OK;
	f->now = (struct bw_bait_folder){ .path = path, .depth = depth_of(folder->path) };
	return BW_OK;
}

static enum bw_err see_file(void *context, const struct bw_walk_folder *folder, const char *name, unsigned char type)
{
	struct finding *f = context;

	(void)folder;
	f->folders->files++;
	f->now.files++;
	if (type != DT_REG || name[0] == '.')
		return BW_OK;
	f->now.papers += bw_bait_is_paper(bw_slice_text(name));
	f->now.models += bw_bait_kind_of(bw_slice_text(name)) != BW_BAIT_NONE;
	return BW_OK;
}

/* What people keep under version control is source, and a program reads it. */
static void leave_out_stores(struct finding *f)
{
	struct bw_bait_folders *folders = f->folders;
	size_t left = 0;

	for (size_t i = 0; i < folders->count; i++) {
		bool is_out = false;

		for (size_t k = 0; k < f->store_count && !is_out; k++)
			is_out = bw_bait_is_below(bw_slice_text(folders->list[i].path), bw_slice_text(f->stores[k]));
		if (!is_out)
			folders->list[left++] = folders->list[i];
	}
	folders->count = left;
}

enum bw_err bw_bait_folders_find(const struct bw_volume *volume, const struct bw_guard_settings *settings,
				 struct bw_slice path, struct bw_bait_folders *out, struct bw_why *why)
{
	struct bw_bait_folders folders = { .arena = BW_ARENA_INIT(ARENA_BYTES) };
	struct finding *f = calloc(1, sizeof(*f));
	const struct bw_walk_plan plan = {
		.volume = volume, .settings = settings, .folder = see_folder, .file = see_file, .context = f
	};
	enum bw_err err = BW_ERR_MEMORY;

	folders.list = calloc(BW_BAIT_FOLDERS_MAX, sizeof(*folders.list));
	if (f != NULL && folders.list != NULL) {
		f->volume = volume;
		f->folders = &folders;
		bw_random(f->dice.key, sizeof(f->dice.key));
		err = bw_walk(&plan, path, why);
		if (err == BW_OK)
			err = close_folder(f);
		leave_out_stores(f);
	}
	free(f);
	if (err != BW_OK) {
		bw_bait_folders_release(&folders);
		return err;
	}
	*out = folders;
	return BW_OK;
}

void bw_bait_folders_release(struct bw_bait_folders *folders)
{
	bw_arena_release(&folders->arena);
	free(folders->list);
	*folders = (struct bw_bait_folders){ .arena = BW_ARENA_INIT(ARENA_BYTES) };
}

/* ---- choosing ----------------------------------------------------------------------------------------------- */

struct choosing {
	struct bw_bait_folders *folders; /* those that are taken, or not free, have no path any more */
	struct bw_bait_dice *dice;
	struct bw_bait_spot *out;
	size_t count;
	size_t room;
};

static int by_path(const void *a, const void *b)
{
	const struct bw_bait_folder *one = a;
	const struct bw_bait_folder *other = b;

	return strcmp(one->path, other->path);
}

/* Has it bait, or had it? */
static bool is_free(const struct bw_bait_book *book, int64_t now_us, struct bw_slice path)
{
	if (bw_bait_book_rests(book, path, now_us))
		return false;
	for (size_t i = 0; i < book->count; i++) {
		if (bw_slice_equals(bw_bait_folder_of(bw_slice_text(book->baits[i].path)), path))
			return false;
	}
	return true;
}

static void put(struct choosing *c, const char *folder, enum bw_bait_end end)
{
	if (c->count < c->room)
		c->out[c->count++] = (struct bw_bait_spot){ folder, end };
}

static void take(struct choosing *c, struct bw_bait_folder *folder)
{
	const bool is_large = folder->files >= BW_BAIT_FOLDER_LARGE;
	const uint64_t more = folder->files / BW_BAIT_FOLDER_HUGE;
	const char *path = folder->path;

	if (!is_large) {
		put(c, path, (enum bw_bait_end)bw_bait_roll(c->dice, BW_BAIT_LAST + 1));
	} else {
		put(c, path, BW_BAIT_FIRST);
		put(c, path, BW_BAIT_LAST);
		for (uint64_t i = 0; i < more && i < BW_BAIT_FOLDER_MOST - 2; i++)
			put(c, path, BW_BAIT_ANYWHERE);
	}
	folder->path = NULL;
}

enum wish { THE_FIRST, THE_LAST, THE_LARGEST, THE_DEEPEST, ANY };

/* The free folder that fits best; they stand in the order of their paths. */
static struct bw_bait_folder *best(const struct choosing *c, enum wish wish)
{
	struct bw_bait_folder *found = NULL;
	uint64_t met = 0;

	for (size_t i = 0; i < c->folders->count; i++) {
		struct bw_bait_folder *folder = &c->folders->list[i];

		if (folder->path == NULL)
			continue;
		met++;
		if (found == NULL || wish == THE_LAST || (wish == THE_LARGEST && folder->files > found->files) ||
		    (wish == THE_DEEPEST && folder->depth > found->depth) ||
		    (wish == ANY && bw_bait_roll(c->dice, met) == 0))
			found = folder;
		if (wish == THE_FIRST)
			break;
	}
	return found;
}

size_t bw_bait_spots(struct bw_bait_folders *folders, const struct bw_bait_book *book, int64_t now_us,
		     struct bw_bait_dice *dice, struct bw_bait_spot *out, size_t room)
{
	static const enum wish turns[] = { THE_LARGEST, ANY, THE_DEEPEST, ANY };
	struct choosing c = { .folders = folders, .dice = dice, .out = out, .room = room };
	struct bw_bait_folder *folder;

	qsort(folders->list, folders->count, sizeof(*folders->list), by_path);
	for (size_t i = 0; i < folders->count; i++) {
		if (!is_free(book, now_us, bw_slice_text(folders->list[i].path)))
			folders->list[i].path = NULL;
	}
	for (size_t turn = 0; c.count < room; turn++) {
		folder = best(&c, turn < 2 ? (turn == 0 ? THE_FIRST : THE_LAST) : turns[turn % BW_COUNT(turns)]);
		if (folder == NULL)
			break;
		take(&c, folder);
	}
	return c.count;
}
