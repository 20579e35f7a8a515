/* `breakwater guard mend`: a new catalogue for a store whose own is damaged or gone. */
#include <stdio.h>
#include <unistd.h>

#include "codec/json_text.h"
#include "guard/plain.h"
#include "guard/shadow_rebuild.h"
#include "guard/start_book.h"
#include "guard/volumes.h"
#include "sys/clock.h"

enum { SETTINGS_MEMORY = 16 * 1024 * 1024, PAGE_BYTES = 1024 * 1024 };

struct mending {
	struct bw_call *call;
	struct bw_buf json;
	bool is_first;
	bool lost_something;
	bool failed;
};

/* What no new catalogue helps against stays as it is. */
static bool is_damaged(enum bw_err err, bool has_store)
{
	return err == BW_ERR_CORRUPT || err == BW_ERR_IO || (err == BW_ERR_NOT_FOUND && has_store);
}

/* ---- what was done ------------------------------------------------------------------------------------ */

static enum bw_err json_one(struct mending *mending, const struct bw_volume *volume, const char *damage,
			    const struct bw_rebuilt *rebuilt, const char *failure)
{
	struct bw_buf *json = &mending->json;

	BW_TRY(bw_buf_add_text(json, mending->is_first ? "{" : ",{"));
	mending->is_first = false;
	BW_TRY(bw_json_add_text(json, "store", bw_slice_text(volume->store)));
	BW_TRY(bw_json_add_bool(json, "damaged", damage != NULL));
	if (damage != NULL)
		BW_TRY(bw_json_add_text(json, "damage", bw_slice_text(damage)));
	if (failure != NULL)
		BW_TRY(bw_json_add_text(json, "failure", bw_slice_text(failure)));
	if (rebuilt != NULL) {
		BW_TRY(bw_json_add_num(json, "versions", (int64_t)rebuilt->salvaged.versions));
		BW_TRY(bw_json_add_num(json, "files", (int64_t)rebuilt->salvaged.files));
		BW_TRY(bw_json_add_num(json, "unreadable", (int64_t)rebuilt->salvaged.torn));
		BW_TRY(bw_json_add_num(json, "adrift", (int64_t)rebuilt->salvaged.adrift));
		BW_TRY(bw_json_add_num(json, "nameless", (int64_t)rebuilt->nameless));
		BW_TRY(bw_json_add_num(json, "lost", (int64_t)rebuilt->lost));
		BW_TRY(bw_plain_json_time(json, "gone", rebuilt->at_us));
		if (rebuilt->aside[0] != '\0')
			BW_TRY(bw_json_add_text(json, "aside", bw_slice_text(rebuilt->aside)));
	}
	return bw_buf_add_u8(json, '}');
}

static void say_count(uint64_t count, const char *one, const char *many, const char *what)
{
	char words[2 * BW_PLAIN_BYTES];

	if (count > 0)
		(void)printf("  %s %s\n", bw_plain_count(count, one, many, words), what);
}

static void say_rebuilt(const struct bw_volume *volume, const struct bw_rebuilt *rebuilt)
{
	const struct bw_shelf_salvaged *salvaged = &rebuilt->salvaged;
	char before[BW_TIME_BYTES];

	bw_time_format(rebuilt->at_us - 1, before);
	say_count(salvaged->versions, "version", "versions", "are in the new catalogue, with what was known of them");
	say_count(salvaged->adrift, "version", "versions",
		  "among them are of files whose place is not known any more; the guard's next start finds them");
	say_count(rebuilt->lost, "version", "versions", "had no whole content any more, and are forgotten");
	say_count(rebuilt->nameless, "content", "contents", "lost name and owner, and are kept under their numbers:");
	if (rebuilt->nameless > 0)
		(void)printf(
			"    breakwater guard restore --tree '%s/%s' --at %s\n    brings them there, root's alone, "
			"as long as other old versions are kept\n",
			volume->mount, BW_SHELF_LOST, before);
	if (rebuilt->aside[0] != '\0')
		(void)printf("  the damaged catalogue lies in '%s'; remove it when nothing is missed\n",
			     rebuilt->aside);
}

/* ---- one store ------------------------------------------------------------------------------------------ */

static enum bw_err whole(struct mending *mending, const struct bw_volume *volume, bool has_store)
{
	if (bw_call_json(mending->call))
		return json_one(mending, volume, NULL, NULL, NULL);
	(void)printf("%s: %s\n", volume->store, has_store ? "whole, left as it is" : "nothing is kept there yet");
	return BW_OK;
}

static enum bw_err refused(struct mending *mending, const struct bw_volume *volume, const char *damage,
			   const struct bw_why *why, enum bw_err err)
{
	const char *words = why->text[0] != '\0' ? why->text : bw_err_text(err);

	mending->failed = true;
	if (bw_call_json(mending->call))
		return json_one(mending, volume, damage, NULL, words);
	(void)bw_complain(mending->call, BW_EXIT_FAILED, NULL, "%s", words);
	return BW_OK;
}

static enum bw_err mend_one(struct mending *mending, const struct bw_volume *volume)
{
	struct bw_rebuilt rebuilt;
	struct bw_why damage = { "" };
	struct bw_why why = { "" };
	bool has_store = false;
	enum bw_err err = bw_shadow_examine(volume, &has_store, &damage);

	if (err == BW_OK || (err == BW_ERR_NOT_FOUND && !has_store))
		return whole(mending, volume, has_store);
	if (!is_damaged(err, has_store))
		return refused(mending, volume, NULL, &damage, err);
	if (!bw_call_json(mending->call))
		(void)printf("%s\n", damage.text[0] != '\0' ? damage.text : bw_err_text(err));
	bw_err_drop(bw_volume_hold_store(volume, false)); /* the next start holds it again; else renaming tells */
	err = bw_shadow_rebuild(volume, &rebuilt, &why);
	if (err != BW_OK)
		return refused(mending, volume, damage.text, &why, err);
	mending->lost_something = mending->lost_something ||
				  rebuilt.salvaged.torn + rebuilt.salvaged.adrift + rebuilt.nameless + rebuilt.lost > 0;
	if (bw_call_json(mending->call))
		return json_one(mending, volume, damage.text, &rebuilt, NULL);
	say_rebuilt(volume, &rebuilt);
	return BW_OK;
}

static int mend_all(struct mending *mending, const struct bw_volume *volumes, size_t count)
{
	enum bw_err err = bw_buf_add_text(&mending->json, "[");

	for (size_t i = 0; i < count && err == BW_OK; i++)
		err = mend_one(mending, &volumes[i]);
	if (err == BW_OK)
		err = bw_buf_add_u8(&mending->json, ']');
	if (bw_call_json(mending->call)) {
		const int status = bw_plain_json(mending->call, err, &mending->json);

		if (status != BW_EXIT_OK)
			return status;
	} else if (err != BW_OK) {
		return bw_complain(mending->call, BW_EXIT_FAILED, NULL, "cannot go on: %s", bw_err_text(err));
	} else if (mending->lost_something) {
		(void)printf("what no copy is left of is taken again by the guard's next start\n");
	}
	if (mending->failed)
		return BW_EXIT_FAILED;
	return mending->lost_something ? BW_EXIT_FOUND : BW_EXIT_OK;
}

/* ---- the command ------------------------------------------------------------------------------------------ */

/* A running guard holds its stores; one that starts meanwhile waits for nobody. */
static enum bw_err take_lock(const struct bw_call *call, int *out, struct bw_why *why)
{
	char path[BW_PATH_BYTES];

	BW_TRY(bw_path_join(path, bw_call_data(call), "guard/lock"));
	return bw_lock_take(path, out, why);
}

static int mend_locked(struct mending *mending, const struct bw_volume *volumes, size_t count)
{
	const char *data = bw_call_data(mending->call);
	struct bw_start_own own;
	int status;

	bw_start_own_begin(data, volumes, count, &own);
	status = mend_all(mending, volumes, count);
	bw_start_own_end(data, volumes, count, &own);
	return status;
}

static int mend_run(struct bw_call *call)
{
	struct mending mending = { .call = call, .json = BW_BUF_INIT(PAGE_BYTES), .is_first = true };
	static struct bw_volume volumes[BW_VOLUMES_MAX];
	static struct bw_guard_settings settings;
	struct bw_arena arena = BW_ARENA_INIT(SETTINGS_MEMORY);
	struct bw_why why = { "" };
	size_t count = 0;
	int lock = -1;
	enum bw_err err;
	int status;

	if (!bw_plain_is_root(call, "only root may write the store"))
		return BW_EXIT_FAILED;
	err = bw_guard_settings_load(bw_call_data(call), &arena, &settings, &why);
	if (err == BW_OK)
		err = bw_volumes_open(&settings, volumes, &count, &why);
	if (err == BW_OK)
		err = take_lock(call, &lock, &why);
	bw_plain_say_away(call, &settings);
	if (err == BW_ERR_BUSY)
		status = bw_complain(call, BW_EXIT_FAILED, "stop it, then say this again",
				     "a guard runs, or somebody enrolls");
	else if (err != BW_OK)
		status = bw_complain(call, BW_EXIT_FAILED, NULL, "%s",
				     why.text[0] != '\0' ? why.text : bw_err_text(err));
	else
		status = mend_locked(&mending, volumes, count);
	if (lock >= 0)
		(void)close(lock);
	bw_volumes_release(volumes, count);
	bw_arena_release(&arena);
	bw_buf_release(&mending.json);
	return status;
}

const struct bw_command bw_guard_mend_command = {
	.name = "mend",
	.summary = "make a new catalogue where one is damaged",
	.usage = "[--format FORMAT]",
	.details =
		"For a store whose catalogue cannot be read ('breakwater guard verify' says so, and the guard does not "
		"start over it). What of it can be read goes into a new one; every content in packs and objects is "
		"read "
		"and compared with its sum; one of which nothing is known any more is kept under its number, in "
		"'" BW_SHELF_LOST
		"' below the mount. Nothing is deleted: the damaged catalogue is set aside in the store. A store that "
		"is whole is left as it is. Exit status 1 says that something was lost, and what.",
	.max_args = 0,
	.run = mend_run,
};
