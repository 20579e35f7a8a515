#include "guard/enroll_wish.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "guard/volumes.h"

struct wish {
	struct bw_call *call;
	struct bw_arena *arena;
	struct bw_guard_settings *settings;
};

static bool is_inside(const char *path, const char *tree)
{
	const size_t len = strcmp(tree, "/") == 0 ? 0 : strlen(tree);

	return strncmp(path, tree, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Trees never lie inside one another: a wider one takes the place of those it holds. */
static enum bw_err add_tree(struct wish *wish, const char *path)
{
	struct bw_guard_settings *settings = wish->settings;
	struct bw_slice copy;

	for (size_t i = 0; i < settings->tree_count; i++) {
		if (is_inside(path, settings->trees[i])) {
			settings->enrolling[i] = true;
			return BW_OK;
		}
	}
	for (size_t i = settings->tree_count; i-- > 0;) {
		if (is_inside(settings->trees[i], path))
			bw_guard_settings_forget(settings, i);
	}
	BW_NEED(settings->tree_count < BW_TREES_MAX, TOO_MANY);
	BW_TRY(bw_arena_copy(wish->arena, bw_slice_text(path), &copy));
	settings->enrolling[settings->tree_count] = true;
	settings->trees[settings->tree_count++] = (const char *)copy.ptr;
	return BW_OK;
}

/* ---- what the guard itself writes ------------------------------------------------------------------------- */

/* What it is called when it is there, or will be called; false: nobody knows. */
static bool real_path(const char *given, char out[PATH_MAX])
{
	char above[PATH_MAX];
	size_t cut = strlen(given);
	size_t len;

	for (;;) {
		(void)snprintf(above, sizeof(above), "%.*s", (int)cut, given);
		if (realpath(cut > 0 ? above : given[0] == '/' ? "/" : ".", out) != NULL)
			break;
		if (cut == 0)
			return false;
		while (cut > 0 && given[cut - 1] != '/')
			cut--;
		while (cut > 0 && given[cut - 1] == '/')
			cut--;
	}
	while (given[cut] == '/')
		cut++;
	len = strlen(out);
	return snprintf(out + len, PATH_MAX - len, "%s%s", given[cut] != '\0' && strcmp(out, "/") != 0 ? "/" : "",
			given + cut) < (int)(PATH_MAX - len);
}

/* The store is left out where it lies, at the top of its file system; what lies in one is no tree. */
static bool is_in_store(const char *path)
{
	struct bw_slice rest = bw_slice_text(path);
	struct bw_slice name;

	while (bw_slice_cut(rest, '/', &name, &rest)) {
		if (bw_slice_is(name, BW_SHADOW_FOLDER))
			return true;
	}
	return bw_slice_is(rest, BW_SHADOW_FOLDER);
}

/* A guard that guards what it writes down has something to write down for ever. */
static enum bw_err check_data(struct wish *wish, const char *path, struct bw_why *why)
{
	char data[PATH_MAX];

	if (!real_path(bw_call_data(wish->call), data))
		return BW_OK; /* making it says what is wrong with it */
	if (is_inside(path, data))
		return bw_why_set(why, BW_ERR_CONFLICT, "it lies in the guard's own data folder '%s'", data);
	if (is_inside(data, path) && bw_guard_settings_cover(wish->settings, data))
		return bw_why_set(why, BW_ERR_CONFLICT,
				  "the guard's own data folder '%s' lies in it; choose another one (--data DIR), or "
				  "enroll the folders beside it",
				  data);
	return BW_OK;
}

static enum bw_err add_folder(struct wish *wish, const char *path, struct bw_why *why)
{
	const char *strategy = bw_call_text(wish->call, "strategy");

	if (is_in_store(path))
		return bw_why_set(why, BW_ERR_CONFLICT, "it lies in the guard's own store of copies");
	BW_TRY(add_tree(wish, path));
	BW_TRY(check_data(wish, path, why));
	if (strategy == NULL)
		return BW_OK;
	return bw_volumes_choose(wish->settings, wish->arena, path, strcmp(strategy, "copy") == 0, why);
}

static int add_folders(struct wish *wish)
{
	for (size_t i = 0; i < bw_call_args(wish->call); i++) {
		const char *given = bw_call_arg(wish->call, i);
		struct bw_why why = { 0 };
		char path[PATH_MAX];
		enum bw_err err;

		if (realpath(given, path) == NULL)
			return bw_complain(wish->call, BW_EXIT_FAILED, NULL, "cannot reach '%s': %m", given);
		err = add_folder(wish, path, &why);
		if (err != BW_OK)
			return bw_complain(wish->call, BW_EXIT_FAILED, NULL, "cannot add '%s': %s", given,
					   why.text[0] != '\0' ? why.text : bw_err_text(err));
	}
	return BW_EXIT_OK;
}

static void take_options(struct wish *wish)
{
	struct bw_guard_settings *settings = wish->settings;
	const char *mode = bw_call_text(wish->call, "mode");

	if (mode != NULL)
		settings->mode = bw_guard_mode_of(mode);
	if (bw_call_has(wish->call, "quota"))
		settings->quota_bytes = (uint64_t)bw_call_num(wish->call, "quota");
	if (bw_call_has(wish->call, "inodes"))
		settings->quota_inodes = (uint64_t)bw_call_num(wish->call, "inodes");
	if (bw_call_has(wish->call, "largest"))
		settings->largest_bytes = (uint64_t)bw_call_num(wish->call, "largest");
	if (bw_call_has(wish->call, "days"))
		settings->days = (uint32_t)bw_call_num(wish->call, "days");
}

int bw_enroll_wish(struct bw_call *call, struct bw_arena *arena, struct bw_guard_settings *settings)
{
	struct wish wish = { call, arena, settings };

	take_options(&wish);
	return add_folders(&wish);
}

const struct bw_option bw_enroll_options[] = {
	{ .name = "mode",
	  .kind = BW_OPT_CHOICE,
	  .choices = "observe|hold|enforce",
	  .help = "what the guard does to who destroys files; asked for on a terminal. Without it the worst is stopped "
		  "from the start, the rest reported during the first day" },
	{ .name = "quota",
	  .kind = BW_OPT_SIZE,
	  .unit = "bytes",
	  .min = 1024 * 1024,
	  .max = INT64_MAX,
	  .help = "what copies may take on each file system, at most all of it; without it a fifth of it" },
	{ .name = "inodes",
	  .kind = BW_OPT_NUM,
	  .unit = "number",
	  .min = 1,
	  .max = INT64_MAX,
	  .help = "how many inodes copies may take on each file system; without it a fifth of them" },
	{ .name = "largest",
	  .kind = BW_OPT_SIZE,
	  .unit = "bytes",
	  .min = 0,
	  .max = INT64_MAX,
	  .help = "larger files get no copy where copies cost room (ext4); 0: all do" },
	{ .name = "days",
	  .kind = BW_OPT_NUM,
	  .min = 1,
	  .max = 3660,
	  .help = "how long old versions are kept; 30 without it" },
	{ .name = "strategy",
	  .kind = BW_OPT_CHOICE,
	  .choices = "copy|reflink",
	  .help = "how copies are made on the file systems of DIR; without it blocks are shared where that works" },
	{ .name = "bait",
	  .kind = BW_OPT_FLAG,
	  .help = "also lay bait files (breakwater guard bait); asked for on a terminal. Without it none are laid, "
		  "because "
		  "people would come upon files that nobody told them of" },
	{ .name = "dry-run", .kind = BW_OPT_FLAG, .help = "say what it would cost, and do nothing" },
	{ 0 },
};
