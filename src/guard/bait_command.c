/* `breakwater guard bait`: files among others that nobody has a reason to change. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "codec/json_text.h"
#include "guard/ask.h"
#include "guard/bait.h"
#include "guard/bait_pick.h"
#include "guard/plain.h"

enum { SETTINGS_MEMORY = 16 * 1024 * 1024, PAGE_BYTES = 64 * 1024 * 1024 };

struct bait {
	const struct bw_call *call;
	struct bw_arena arena;
	struct bw_guard_settings settings;
	struct bw_bait_hand hand;
	size_t dir_count;
	const char *dirs[BW_TREES_MAX];
};

static int fail(const struct bait *bait, const struct bw_why *why, enum bw_err err)
{
	return bw_complain(bait->call, BW_EXIT_FAILED, NULL, "%s", why->text[0] != '\0' ? why->text : bw_err_text(err));
}

static int begin(struct bait *bait)
{
	const char *data = bw_call_data(bait->call);
	struct bw_why why = { 0 };
	enum bw_err err = bw_guard_settings_load(data, &bait->arena, &bait->settings, &why);

	if (err != BW_OK)
		return bw_complain(bait->call, BW_EXIT_FAILED, "take a folder in: breakwater guard enroll DIR", "%s",
				   why.text);
	err = bw_bait_open(data, &bait->hand, &why);
	return err == BW_OK ? BW_EXIT_OK : fail(bait, &why, err);
}

/* Real paths, as the list has them; without any all trees. `gone_too`: folders that are no longer there. */
static int take_dirs(struct bait *bait, size_t first, bool gone_too)
{
	char path[PATH_MAX];
	struct bw_slice copy;

	for (size_t i = first; i < bw_call_args(bait->call) && bait->dir_count < BW_TREES_MAX; i++) {
		const char *given = bw_call_arg(bait->call, i);

		if (realpath(given, path) == NULL) {
			if (!gone_too)
				return bw_complain(bait->call, BW_EXIT_FAILED, NULL, "cannot reach '%s': %m", given);
			(void)snprintf(path, sizeof(path), "%s", given);
		}
		if (bw_arena_copy(&bait->arena, bw_slice_text(path), &copy) != BW_OK)
			return bw_complain(bait->call, BW_EXIT_FAILED, NULL, "out of memory");
		bait->dirs[bait->dir_count++] = (const char *)copy.ptr;
	}
	if (bait->dir_count > 0)
		return BW_EXIT_OK;
	for (size_t i = 0; i < bait->settings.tree_count; i++)
		bait->dirs[bait->dir_count++] = bait->settings.trees[i];
	return BW_EXIT_OK;
}

static void tell_guard(const struct bait *bait)
{
	if (bw_ask_reload(bw_call_data(bait->call)) == BW_OK && !bw_call_flag(bait->call, "quiet"))
		(void)puts("the running guard takes this up now");
}

/* ---- lay ---------------------------------------------------------------------------------------------------- */

static int bait_lay(struct bait *bait)
{
	int status = take_dirs(bait, 1, false);

	for (size_t i = 0; i < bait->dir_count && status == BW_EXIT_OK; i++) {
		if (!bw_guard_settings_cover(&bait->settings, bait->dirs[i]))
			status = bw_complain(bait->call, BW_EXIT_FAILED, "take it in: breakwater guard enroll DIR",
					     "'%s' is not guarded, or left out", bait->dirs[i]);
	}
	if (status != BW_EXIT_OK)
		return status;
	bw_bait_close(&bait->hand); /* it is opened again for the laying */
	if (!bw_bait_lay_in(bw_call_data(bait->call), &bait->settings, bait->dirs, bait->dir_count,
			    bw_call_flag(bait->call, "quiet")))
		status = BW_EXIT_FAILED;
	tell_guard(bait);
	return status;
}

/* ---- list ---------------------------------------------------------------------------------------------------- */

static enum bw_err json_one(struct bw_buf *out, const struct bw_bait *row, const struct bw_bait_found *found)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "path", bw_slice_text(found->path[0] != '\0' ? found->path : row->path)));
	BW_TRY(bw_json_add_text(out, "state", bw_slice_text(bw_bait_state_name(found->state))));
	BW_TRY(bw_json_add_num(out, "bytes", (int64_t)row->size));
	BW_TRY(bw_plain_json_time(out, "laid", row->laid_us));
	return bw_buf_add_u8(out, '}');
}

static enum bw_err text_one(struct bw_buf *out, const struct bw_bait *row, const struct bw_bait_found *found)
{
	char when[BW_PLAIN_BYTES];

	BW_TRY(bw_buf_addf(out, "%-8s  laid %s  ", bw_bait_state_name(found->state),
			   bw_plain_time(row->laid_us, when)));
	BW_TRY(bw_text_escape(out, bw_slice_text(found->path[0] != '\0' ? found->path : row->path)));
	return bw_buf_add_u8(out, '\n');
}

static enum bw_err list_all(struct bait *bait, struct bw_buf *out, bool json)
{
	const struct bw_bait_book *book = &bait->hand.book;
	struct bw_bait_found found;

	if (json)
		BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < book->count; i++) {
		bw_err_drop(bw_bait_find(&bait->hand, &book->baits[i], &found, NULL)); /* then it is told as gone */
		if (found.fd >= 0)
			(void)close(found.fd);
		if (json && i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY((json ? json_one : text_one)(out, &book->baits[i], &found));
	}
	return json ? bw_buf_add_u8(out, ']') : BW_OK;
}

static int bait_list(struct bait *bait)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf page = BW_BUF_INIT(PAGE_BYTES);
	const bool json = bw_call_json(bait->call);
	const enum bw_err err = list_all(bait, &page, json);

	if (json)
		return bw_plain_json(bait->call, err, &page);
	if (err != BW_OK)
		return bw_complain(bait->call, BW_EXIT_FAILED, NULL, "%s", bw_err_text(err));
	(void)fputs(page.len > 0 ? bw_buf_text(&page) : "No bait is laid.\n", stdout);
	return BW_EXIT_OK;
}

/* ---- remove --------------------------------------------------------------------------------------------------- */

static void tell_changed(void *context, const char *path)
{
	const struct bait *bait = context;

	(void)bw_complain(bait->call, BW_EXIT_OK, NULL, "'%s' is left: somebody wrote to it", path);
}

static int bait_remove(struct bait *bait)
{
	struct bw_bait_removed all = { 0 };
	struct bw_bait_removed one;
	int status = take_dirs(bait, 1, true);

	for (size_t i = 0; i < bait->dir_count && status == BW_EXIT_OK; i++) {
		const struct bw_bait_removal removal = {
			.settings = &bait->settings, .dir = bait->dirs[i], .tell = tell_changed, .context = bait
		};
		struct bw_why why = { 0 };
		const enum bw_err err = bw_bait_remove(&bait->hand, &removal, &one, &why);

		all.removed += one.removed;
		all.changed += one.changed;
		all.gone += one.gone;
		if (err != BW_OK || why.text[0] != '\0')
			status = fail(bait, &why, err);
	}
	if (!bw_call_flag(bait->call, "quiet"))
		(void)printf("%zu removed, %zu left because somebody wrote to them, %zu were gone already\n",
			     all.removed, all.changed, all.gone);
	tell_guard(bait);
	return status;
}

/* ---- all ------------------------------------------------------------------------------------------------------- */

static int run_with(struct bait *bait)
{
	static const struct {
		const char *name;
		int (*run)(struct bait *bait);
	} acts[] = { { "lay", bait_lay }, { "list", bait_list }, { "remove", bait_remove } };
	const char *act = bw_call_arg(bait->call, 0);

	for (size_t i = 0; i < BW_COUNT(acts); i++) {
		int status;

		if (strcmp(act, acts[i].name) != 0)
			continue;
		status = begin(bait);
		return status == BW_EXIT_OK ? acts[i].run(bait) : status;
	}
	return bw_complain(bait->call, BW_EXIT_USAGE, NULL, "'%s' is none of lay, list and remove", act);
}

static int bait_run(struct bw_call *call)
{
	struct bait *bait;
	int status;

	if (!bw_plain_is_root(call, "only root may know which files are bait"))
		return BW_EXIT_FAILED;
	bait = calloc(1, sizeof(*bait));
	if (bait == NULL)
		return bw_complain(call, BW_EXIT_FAILED, NULL, "out of memory");
	bait->call = call;
	bait->arena = BW_ARENA_INIT(SETTINGS_MEMORY);
	bait->hand = (struct bw_bait_hand){ .lock = -1, .volume = { .root = -1 } };
	status = run_with(bait);
	bw_bait_close(&bait->hand);
	bw_arena_release(&bait->arena);
	free(bait);
	return status;
}

const struct bw_command bw_guard_bait_command = {
	.name = "bait",
	.summary = "lay files among others that nobody has a reason to change",
	.usage = "lay [DIR...] | list | remove [DIR...]",
	.details =
		"A bait file looks like the files beside it and has their owner, rights and times; what it says are "
		"words "
		"of one of them, thrown together, without a number. It is shadowed like any file. Reading, copying and "
		"moving it means nothing, throwing it away nearly nothing; destroying its content counts as two files "
		"destroyed. 'lay' lays one for each 50 files of a guarded folder, 64 in a tree at most, and none where "
		"somebody threw one away within 90 days. 'list' says where they are and what became of them. 'remove' "
		"takes away those that nobody changed, and so does 'unenroll'. Without DIR all enrolled folders are "
		"meant.\n"
		"People see these files. Lay them where their users have been told, or are few.",
	.min_args = 1,
	.max_args = SIZE_MAX,
	.run = bait_run,
};
