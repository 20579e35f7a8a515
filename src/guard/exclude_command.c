/* `breakwater guard exclude` and `breakwater guard unenroll`: what is no longer, or never was, to be guarded. */
#include <assert.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/command.h"
#include "guard/ask.h"
#include "guard/bait.h"
#include "guard/held.h"
#include "guard/restore_plan.h"
#include "guard/volumes.h"

enum { SETTINGS_MEMORY = 16 * 1024 * 1024, ANSWER_BYTES = 32, OPEN_FOLDERS = 32, LOCK_WAIT_MS = 100, LOCK_TRIES = 600 };

struct change {
	struct bw_call *call;
	struct bw_arena arena;
	struct bw_guard_settings settings;
};

static int fail(const struct change *change, const char *next, const struct bw_why *why)
{
	return bw_complain(change->call, BW_EXIT_FAILED, next, "%s", why->text);
}

static int begin(struct change *change)
{
	struct bw_why why = { 0 };

	if (geteuid() != 0)
		return bw_complain(change->call, BW_EXIT_FAILED, "run it as root", "only root says what is guarded");
	if (bw_guard_settings_load(bw_call_data(change->call), &change->arena, &change->settings, &why) != BW_OK)
		return fail(change, "take a folder in: breakwater guard enroll DIR", &why);
	return BW_EXIT_OK;
}

static int save(struct change *change)
{
	struct bw_why why = { 0 };

	if (bw_guard_settings_save(bw_call_data(change->call), &change->settings, &why) != BW_OK)
		return fail(change, NULL, &why);
	switch (bw_ask_reload(bw_call_data(change->call))) {
	case BW_OK:
		(void)printf("the running guard takes this up now\n");
		break;
	case BW_ERR_NOT_FOUND:
		(void)printf("no guard runs: this counts from its next start (breakwater guard run)\n");
		break;
	default:
		(void)printf("the running guard does not answer; it takes this up at its next start\n");
	}
	bw_bait_leave(bw_call_data(change->call), &change->settings); /* what is not guarded needs none */
	return BW_EXIT_OK;
}

/* ---- exclude ---------------------------------------------------------------------------------- */

/* Whether it can touch anything that is guarded: of a pattern, what stands before its first sign must lead there. */
static bool is_near_a_tree(const struct change *change, const char *path, bool is_pattern)
{
	const size_t len = is_pattern ? strcspn(path, "*?[") : strlen(path);

	for (size_t i = 0; i < change->settings.tree_count; i++) {
		const char *tree = change->settings.trees[i];
		const size_t tree_len = strlen(tree);
		const size_t both = len < tree_len ? len : tree_len;

		if (strncmp(path, tree, both) != 0)
			continue;
		if (is_pattern || len == tree_len || both <= 1 || (len < tree_len ? tree : path)[both] == '/')
			return true;
	}
	return false;
}

/* A pattern stays as it was typed; a folder is named by its real path. */
static int add_exclude(struct change *change, const char *given)
{
	struct bw_guard_settings *settings = &change->settings;
	const bool is_pattern = strpbrk(given, "*?[") != NULL && given[0] == '/';
	char path[PATH_MAX];
	struct bw_slice copy;

	if (is_pattern)
		(void)snprintf(path, sizeof(path), "%s", given);
	else if (realpath(given, path) == NULL)
		return bw_complain(change->call, BW_EXIT_FAILED,
				   "a pattern is an absolute path with *, ? or [...] in it, like '/srv/share/*.tmp'",
				   "cannot reach '%s': %m", given);
	if (!is_near_a_tree(change, path, is_pattern))
		return bw_complain(change->call, BW_EXIT_USAGE, "what is enrolled: breakwater guard status",
				   "'%s' is in no enrolled folder, so nothing of it is guarded; nothing was changed",
				   path);
	for (size_t i = 0; i < settings->exclude_count; i++) {
		if (strcmp(settings->excludes[i], path) == 0)
			return BW_EXIT_OK;
	}
	if (settings->exclude_count == BW_EXCLUDES_MAX ||
	    bw_arena_copy(&change->arena, bw_slice_text(path), &copy) != BW_OK)
		return bw_complain(change->call, BW_EXIT_FAILED, NULL, "more than %d exclusions", BW_EXCLUDES_MAX);
	settings->excludes[settings->exclude_count++] = (const char *)copy.ptr;
	return BW_EXIT_OK;
}

static int remove_exclude(struct change *change, const char *given)
{
	struct bw_guard_settings *settings = &change->settings;
	char path[BW_PATH_BYTES];
	struct bw_why why = { 0 };
	size_t left = 0;

	if (bw_restore_path(given, path, &why) != BW_OK) /* what is gone is named as it stands there */
		(void)snprintf(path, sizeof(path), "%s", given);
	for (size_t i = 0; i < settings->exclude_count; i++) {
		if (strcmp(settings->excludes[i], given) != 0 && strcmp(settings->excludes[i], path) != 0)
			settings->excludes[left++] = settings->excludes[i];
	}
	if (left == settings->exclude_count)
		return bw_complain(change->call, BW_EXIT_FAILED, "those there are: breakwater guard exclude",
				   "'%s' is not excluded", given);
	settings->exclude_count = left;
	return BW_EXIT_OK;
}

/* The trees of which nothing is guarded, a bit each. */
static uint64_t left_out(const struct change *change)
{
	uint64_t trees = 0;

	static_assert(BW_TREES_MAX <= 64, "a bit each");
	for (size_t i = 0; i < change->settings.tree_count; i++) {
		if (bw_guard_settings_leave_out(&change->settings, change->settings.trees[i]))
			trees |= UINT64_C(1) << i;
	}
	return trees;
}

/* A slip of the finger must not end all protection. */
static int is_meant(const struct change *change, uint64_t before)
{
	const uint64_t now = left_out(change) & ~before;

	if (now == 0 || bw_call_flag(change->call, "whole-tree"))
		return BW_EXIT_OK;
	return bw_complain(
		change->call, BW_EXIT_USAGE,
		"add --whole-tree when that is what you want; to end it for good: breakwater guard unenroll DIR",
		"nothing of '%s' would be guarded any more; nothing was changed",
		change->settings.trees[__builtin_ctzll(now)]);
}

static int exclude_with(struct change *change)
{
	const bool remove = bw_call_flag(change->call, "remove");
	uint64_t before;
	int status = begin(change);

	if (status == BW_EXIT_OK && bw_call_args(change->call) == 0) {
		for (size_t i = 0; i < change->settings.exclude_count; i++)
			(void)printf("%s\n", change->settings.excludes[i]);
		return BW_EXIT_OK;
	}
	before = left_out(change);
	for (size_t i = 0; i < bw_call_args(change->call) && status == BW_EXIT_OK; i++)
		status = (remove ? remove_exclude : add_exclude)(change, bw_call_arg(change->call, i));
	if (status == BW_EXIT_OK)
		status = is_meant(change, before);
	return status == BW_EXIT_OK ? save(change) : status;
}

static int exclude_run(struct bw_call *call)
{
	struct change change = { .call = call, .arena = BW_ARENA_INIT(SETTINGS_MEMORY) };
	const int status = exclude_with(&change);

	bw_arena_release(&change.arena);
	return status;
}

static const struct bw_option exclude_options[] = {
	{ .name = "remove", .kind = BW_OPT_FLAG, .help = "guard it again" },
	{ .name = "whole-tree",
	  .kind = BW_OPT_FLAG,
	  .help = "also when nothing of an enrolled folder is guarded then" },
	{ 0 },
};

const struct bw_command bw_guard_exclude_command = {
	.name = "exclude",
	.summary = "leave folders or patterns out, or show what is left out",
	.usage = "[--remove | --whole-tree] [DIR|PATTERN...]",
	.details =
		"A folder is left out with all below it. A pattern is held against whole paths, like "
		"'/srv/share/*.tmp'; a * in it passes over slashes. Copies that were made before stay until they are "
		"old. Whoever can write where nothing is guarded can lose nothing there by the guard's help: leave out "
		"as little as you can. What would leave nothing of an enrolled folder is refused without --whole-tree, "
		"and "
		"`guard status` ends with 1 while it is so.",
	.options = exclude_options,
	.max_args = SIZE_MAX,
	.run = exclude_run,
};

/* ---- unenroll ----------------------------------------------------------------------------------- */

static bool said_yes(const struct change *change)
{
	char answer[ANSWER_BYTES];

	if (bw_call_flag(change->call, "yes"))
		return true;
	if (isatty(STDIN_FILENO) != 1)
		return false;
	(void)printf("type yes to go on: ");
	(void)fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) != NULL && strcmp(answer, "yes\n") == 0;
}

static bool forget_tree(struct bw_guard_settings *settings, const char *path)
{
	for (size_t i = 0; i < settings->tree_count; i++) {
		if (strcmp(settings->trees[i], path) == 0) {
			bw_guard_settings_forget(settings, i);
			return true;
		}
	}
	return false;
}

/* Whether its path leads to another file system than was enrolled, whose store is none of the tree's. */
static bool is_away(const struct change *change, const char *path)
{
	static struct bw_guard_settings settings; /* large */
	static struct bw_volume volumes[BW_VOLUMES_MAX];
	size_t count = 0;

	settings = change->settings;
	if (bw_volumes_open(&settings, volumes, &count, NULL) == BW_OK)
		bw_volumes_release(volumes, count);
	return bw_guard_settings_away(&settings, path) != NULL;
}

static bool volume_is_needed(const struct change *change, const struct bw_volume *volume)
{
	for (size_t i = 0; i < change->settings.tree_count; i++) {
		if (bw_volume_holds(volume, change->settings.trees[i]))
			return true;
	}
	return false;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

/* A guard that was just told ends with its workers first, and they with what they have begun. */
static enum bw_err wait_for_lock(const char *path, int *out_lock, struct bw_why *why)
{
	const struct timespec pause = { 0, LOCK_WAIT_MS * 1000000L };
	enum bw_err err = BW_ERR_BUSY;

	for (unsigned tries = 0; tries < LOCK_TRIES; tries++) {
		err = bw_lock_take(path, out_lock, why);
		if (err != BW_ERR_BUSY)
			return err;
		(void)nanosleep(&pause, NULL);
	}
	return err;
}

/* Links are not followed and other mounts not entered: the store is root's, but nothing else goes with it. */
static int remove_store(const struct change *change, const struct bw_volume *volume)
{
	char path[BW_PATH_BYTES];
	struct bw_why why = { 0 };
	int lock = -1;

	if (bw_path_join(path, volume->store, "lock") != BW_OK || wait_for_lock(path, &lock, &why) != BW_OK)
		return bw_complain(change->call, BW_EXIT_FAILED,
				   "stop the guard, then say it again for the folder: its copies are in use", "%s",
				   why.text);
	if (bw_volume_hold_store(volume, false) != BW_OK) {
		(void)close(lock);
		return bw_complain(change->call, BW_EXIT_FAILED, NULL,
				   "cannot remove '%s': it is not root's alone, or the file system keeps it",
				   volume->store);
	}
	if (nftw(volume->store, remove_one, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0) {
		(void)close(lock);
		return bw_complain(change->call, BW_EXIT_FAILED, NULL, "cannot remove '%s': %m", volume->store);
	}
	(void)close(lock);
	(void)printf("%s: its copies are removed\n", volume->mount);
	return BW_EXIT_OK;
}

/* One that was cut short: no tree needs the store there any more. */
static bool is_left_over(const struct change *change, const char *path)
{
	struct bw_volume volume = { .root = -1 };
	bool left = false;

	if (bw_volume_of(path, &volume, NULL) != BW_OK)
		return false;
	left = bw_file_exists(volume.store) && !volume_is_needed(change, &volume);
	bw_volume_release(&volume);
	return left;
}

/* What it was on is not known: the folder above it may be on another file system. */
static int forget_missing(struct change *change, const char *path)
{
	const int status = save(change);

	if (status != BW_EXIT_OK)
		return status;
	(void)printf("'%s' is enrolled no more\n", path);
	return bw_complain(change->call, BW_EXIT_FOUND,
			   "with its file system mounted: breakwater guard unenroll --yes DIR, for any folder on it",
			   "'%s' cannot be reached, so its copies were left where they are", path);
}

static int unenroll_tree(struct change *change, const char *given)
{
	struct bw_volume volume = { .root = -1 };
	char path[PATH_MAX];
	struct bw_why why = { 0 };
	bool away;
	int status;

	if (realpath(given, path) == NULL)
		(void)snprintf(path, sizeof(path), "%s",
			       given); /* it may be gone, and is to be forgotten all the same */
	away = is_away(change, path);
	if (!forget_tree(&change->settings, path) && !is_left_over(change, path))
		return bw_complain(change->call, BW_EXIT_FAILED, "those there are: breakwater guard status",
				   "'%s' is not enrolled", given);
	if (away || bw_volume_of(path, &volume, &why) != BW_OK)
		return forget_missing(change, path);
	if (volume_is_needed(change, &volume)) {
		status = save(change);
		if (status == BW_EXIT_OK)
			(void)printf(
				"'%s' is enrolled no more; its copies stay until they are old, since other folders "
				"on '%s' are guarded\n",
				path, volume.mount);
		bw_volume_release(&volume);
		return status;
	}
	(void)printf("'%s' is the last tree on '%s': all copies there go, and nothing brings them back\n", path,
		     volume.mount);
	if (!said_yes(change)) {
		bw_volume_release(&volume);
		return bw_complain(change->call, BW_EXIT_USAGE, "to go on: breakwater guard unenroll --yes DIR",
				   "nothing was changed");
	}
	status = save(change); /* before its copies go: a running guard lets go of them first */
	if (status == BW_EXIT_OK)
		status = remove_store(change, &volume);
	bw_volume_release(&volume);
	return status;
}

static int unenroll_run(struct bw_call *call)
{
	struct change change = { .call = call, .arena = BW_ARENA_INIT(SETTINGS_MEMORY) };
	int status = begin(&change);

	for (size_t i = 0; i < bw_call_args(call) && status == BW_EXIT_OK; i++)
		status = unenroll_tree(&change, bw_call_arg(call, i));
	if (status == BW_EXIT_OK && change.settings.tree_count == 0)
		bw_holds_print(bw_call_data(call), 0); /* no guard will let them go in a week */
	bw_arena_release(&change.arena);
	return status;
}

static const struct bw_option unenroll_options[] = {
	{ .name = "yes", .kind = BW_OPT_FLAG, .help = "do not ask" },
	{ 0 },
};

const struct bw_command bw_guard_unenroll_command = {
	.name = "unenroll",
	.summary = "end the protection of folders",
	.usage = "[--yes] DIR...",
	.details =
		"The copies of a folder stay until they are old as long as another folder on the same file system is "
		"guarded; with the last one the whole store is removed, after a question. Bait files that nobody wrote "
		"to "
		"are removed; nothing else of the folders is touched.",
	.options = unenroll_options,
	.min_args = 1,
	.max_args = SIZE_MAX,
	.run = unenroll_run,
};
