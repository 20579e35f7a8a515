/* Laying bait in a tree, and what the commands that take folders in or let them go say of it. */
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "guard/ask.h"
#include "guard/bait.h"
#include "guard/bait_pick.h"
#include "sys/clock.h"

/* Whoever threw bait away, or made it his own, is left alone: his folder rests. Returns how many are still there. */
static enum bw_err look_after(struct bw_bait_hand *hand, const char *dir, size_t *out_there, struct bw_why *why)
{
	struct bw_bait_found found;
	size_t at = 0;

	*out_there = 0;
	while (at < hand->book.count) {
		struct bw_bait *bait = &hand->book.baits[at];
		const struct bw_slice path = bw_slice_text(bait->path);

		if (!bw_bait_is_below(path, bw_slice_text(dir))) {
			at++;
			continue;
		}
		BW_TRY(bw_bait_find(hand, bait, &found, why));
		if (found.fd >= 0)
			(void)close(found.fd);
		if (found.state == BW_BAIT_AS_LAID || found.state == BW_BAIT_MOVED) {
			bait->key = found.key; /* a restore made it another file */
			bait->key.volume = 0;
			++*out_there;
			at++;
			continue;
		}
		BW_TRY(bw_bait_book_rest(&hand->book, bw_bait_folder_of(path), bw_clock_now_us()));
		bw_bait_book_drop(&hand->book, at);
	}
	return bw_bait_book_save(hand->data, &hand->book, why);
}

/* A large folder has several spots, and is counted once. */
static bool was_tried(const struct bw_bait_spot *spots, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (spots[i].folder == spots[at].folder)
			return true;
	}
	return false;
}

static enum bw_err lay_spots(struct bw_bait_hand *hand, const struct bw_guard_settings *settings,
			     const struct bw_bait_spot *spots, size_t count, struct bw_bait_laid *out,
			     struct bw_why *why)
{
	struct bw_bait_child child;
	enum bw_err err = bw_bait_child_start(&child, why);

	for (size_t i = 0; i < count && err == BW_OK && out->there + out->laid < out->quota; i++) {
		err = bw_bait_make(hand, settings, &child, spots[i].folder, (unsigned)spots[i].end, why);
		out->laid += err == BW_OK;
		if (err == BW_ERR_NOT_FOUND || err == BW_ERR_TYPE || err == BW_ERR_DENIED) {
			out->no_models += !was_tried(spots, i);
			err = BW_OK;
		}
	}
	bw_bait_child_stop(&child);
	return err == BW_OK ? BW_OK : bw_why_doing(why, err, "lay bait");
}

/* Some folders hold nothing to imitate: others are there in their stead. */
enum { SPARE = 4 };

static enum bw_err lay_below(struct bw_bait_hand *hand, const struct bw_guard_settings *settings,
			     struct bw_slice inside, const char *dir, struct bw_bait_laid *out, struct bw_why *why)
{
	struct bw_bait_spot spots[SPARE * BW_BAITS_A_TREE];
	struct bw_bait_dice dice = { .rolled = 0 };
	struct bw_bait_folders folders;
	size_t count = 0;
	enum bw_err err;

	BW_TRY(look_after(hand, dir, &out->there, why));
	BW_TRY(bw_bait_folders_find(&hand->volume, settings, inside, &folders, why));
	bw_random(dice.key, sizeof(dice.key));
	out->files = folders.files;
	out->folders = folders.folders;
	out->quota = bw_bait_quota(folders.files);
	if (out->quota > out->there)
		count = bw_bait_spots(&folders, &hand->book, bw_clock_now_us(), &dice, spots,
				      SPARE * (out->quota - out->there));
	err = lay_spots(hand, settings, spots, count, out, why);
	bw_bait_folders_release(&folders);
	return err;
}

enum bw_err bw_bait_lay(struct bw_bait_hand *hand, const struct bw_guard_settings *settings, const char *dir,
			struct bw_bait_laid *out, struct bw_why *why)
{
	struct bw_slice inside;

	*out = (struct bw_bait_laid){ 0 };
	bw_volume_release(&hand->volume);
	hand->volume = (struct bw_volume){ .root = -1 };
	BW_TRY(bw_volume_of(dir, &hand->volume, why));
	BW_NEED(bw_volume_inside(&hand->volume, dir, &inside), NOT_FOUND);
	return lay_below(hand, settings, inside, dir, out, why);
}

/* ---- for other commands -------------------------------------------------------------------------------------- */

static void say_why_not_all(const struct bw_bait_laid *laid)
{
	(void)printf(" of the %zu it may have: ", laid->quota);
	if (laid->no_models > 0)
		(void)printf("%zu folder%s papers, but none that could be imitated: that takes a text, table or "
			     "document of %d bytes to %d KiB with %d different words, with one name and no right to "
			     "be executed",
			     laid->no_models, laid->no_models == 1 ? " holds" : "s hold", (int)BW_BAIT_MODEL_BYTES_MIN,
			     (int)(BW_BAIT_MODEL_BYTES_MAX / BW_KIB), (int)BW_BAIT_WORDS_MIN);
	else
		(void)printf("no other folder has %d papers, %d of them texts, tables or documents, without bait or "
			     "a user who threw some away",
			     (int)BW_BAIT_PAPERS_MIN, (int)BW_BAIT_MODELS_MIN);
}

static void say(const char *dir, const struct bw_bait_laid *laid)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf shown = BW_BUF_INIT(4 * BW_PATH_BYTES);

	if (bw_text_escape(&shown, bw_slice_text(dir)) != BW_OK)
		return;
	(void)printf("%s: %zu bait file%s laid", bw_buf_text(&shown), laid->laid, laid->laid == 1 ? "" : "s");
	if (laid->there > 0)
		(void)printf(", %zu there already", laid->there);
	if (laid->quota == 0)
		(void)printf(": fewer than %d files", (int)BW_BAIT_FILES_EACH);
	else if (laid->laid + laid->there < laid->quota)
		say_why_not_all(laid);
	(void)puts(laid->laid > 0 ? "; where: breakwater guard bait list" : "");
}

bool bw_bait_lay_in(const char *data, const struct bw_guard_settings *settings, const char *const *dirs, size_t count,
		    bool quiet)
{
	struct bw_bait_hand hand = { .lock = -1, .volume = { .root = -1 } };
	struct bw_bait_laid laid;
	struct bw_why why = { 0 };
	enum bw_err err = bw_bait_open(data, &hand, &why);

	for (size_t i = 0; i < count && err == BW_OK; i++) {
		err = bw_bait_lay(&hand, settings, dirs[i], &laid, &why);
		if (!quiet)
			say(dirs[i], &laid);
	}
	if (err != BW_OK)
		(void)fprintf(stderr, "no more bait was laid: %s\n", why.text[0] != '\0' ? why.text : bw_err_text(err));
	bw_bait_close(&hand);
	return err == BW_OK;
}

static void tell_changed(void *context, const char *path)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf shown = BW_BUF_INIT(4 * BW_PATH_BYTES);

	(void)context;
	if (bw_text_escape(&shown, bw_slice_text(path)) == BW_OK)
		(void)printf("'%s' was bait, and somebody wrote to it: it is left to him\n", bw_buf_text(&shown));
}

void bw_bait_leave(const char *data, const struct bw_guard_settings *settings)
{
	const struct bw_bait_removal removal = { .settings = settings, .tell = tell_changed };
	struct bw_bait_removed removed = { 0 };
	struct bw_bait_hand hand = { .lock = -1, .volume = { .root = -1 } };
	struct bw_why why = { 0 };
	enum bw_err err = bw_bait_open(data, &hand, &why);

	if (err == BW_OK && hand.book.count > 0)
		err = bw_bait_remove(&hand, &removal, &removed, &why);
	if (removed.removed > 0)
		(void)printf("%zu bait file%s removed\n", removed.removed, removed.removed == 1 ? " is" : "s are");
	if (err != BW_OK || why.text[0] != '\0')
		(void)fprintf(stderr, "bait files may be left: %s; see breakwater guard bait list\n",
			      why.text[0] != '\0' ? why.text : bw_err_text(err));
	bw_bait_close(&hand);
}
