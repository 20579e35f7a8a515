/*
 * Old versions go: by age every hour, and in the order of their worth when room is short (keep_room.c says when).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/num.h"
#include "guard/keep_parts.h"
#include "sys/clock.h"

enum {
	FILE_VERSIONS = 4096, /* of one file looked at together; older ones are looked at as another file's */
	BATCH = 256,
	NO_ROOM_BYTES = 4 * 1024 * 1024, /* with less a catalogue may not be written any more */
};

struct thinning {
	struct bw_thin_version *all; /* of every file, one after the other */
	size_t count;
	size_t room;
	size_t file_at; /* where the versions of the present file begin */
	uint64_t file;
	int64_t now_us;
	uint32_t days;
	uint32_t maker; /* of the version looked at before, which came after this one */
	uint64_t *drops;
	size_t drop_count;
};

static enum bw_err mark_file(struct thinning *thinning)
{
	const size_t count = thinning->count - thinning->file_at;
	const struct bw_thin_version *versions = &thinning->all[thinning->file_at];
	bool *drop;
	uint64_t *drops;

	if (count == 0)
		return BW_OK;
	drop = calloc(count, sizeof(*drop));
	drops = realloc(thinning->drops, (thinning->drop_count + count) * sizeof(*drops));
	if (drops != NULL)
		thinning->drops = drops;
	if (drop == NULL || drops == NULL) {
		free(drop);
		return BW_ERR_MEMORY;
	}
	bw_thin_by_age(versions, count, thinning->now_us, thinning->days, drop);
	for (size_t i = 0; i < count; i++) {
		if (drop[i])
			thinning->drops[thinning->drop_count++] = versions[i].number;
	}
	free(drop);
	return BW_OK;
}

static enum bw_err see_spare(void *context, const struct bw_shelf_spare *spare)
{
	struct thinning *thinning = context;
	const bool same = spare->file == thinning->file && thinning->count - thinning->file_at < FILE_VERSIONS;
	struct bw_thin_version *version;

	if (!same) {
		BW_TRY(mark_file(thinning));
		thinning->file = spare->file;
		thinning->file_at = thinning->count;
	}
	if (thinning->count == thinning->room) {
		const size_t room = thinning->room == 0 ? 1024 : 2 * thinning->room;
		struct bw_thin_version *all = realloc(thinning->all, room * sizeof(*all));

		BW_NEED(all != NULL, MEMORY);
		thinning->all = all;
		thinning->room = room;
	}
	version = &thinning->all[thinning->count];
	*version = (struct bw_thin_version){ .number = spare->number,
					     .taken_us = spare->taken_us,
					     .until_us = spare->gone_us != 0 ? spare->gone_us : INT64_MAX,
					     .kept_bytes = spare->kept_bytes,
					     .actor = spare->actor,
					     .good = spare->state == BW_SHELF_GOOD,
					     .newest = spare->gone_us == 0 && spare->number == spare->newest,
					     .last = spare->gone_us == 0 && !same,
					     .pinned = spare->incident != 0,
					     .is_object = !spare->in_pack };
	if (same) {
		version->until_us = version[-1].taken_us;
		version->actor = thinning->maker;
	}
	thinning->maker = spare->actor;
	thinning->count++;
	return BW_OK;
}

static enum bw_err look(struct bw_keep *keep, struct bw_shelf *shelf, int64_t now_us, struct thinning *thinning)
{
	*thinning = (struct thinning){ .now_us = now_us, .days = keep->guard->settings.days };
	BW_TRY(bw_shelf_spares(shelf, see_spare, thinning));
	return mark_file(thinning);
}

static void release(struct thinning *thinning)
{
	free(thinning->all);
	free(thinning->drops);
}

/* `serve`: what comes in meanwhile is not kept waiting. */
static enum bw_err drop_all(struct bw_keep *keep, struct bw_shadow *shadow, const uint64_t *numbers, size_t count,
			    bool serve)
{
	const uint32_t volume = bw_shadow_volume(shadow)->number;

	for (size_t done = 0; done < count; done += BATCH) {
		const size_t some = count - done < BATCH ? count - done : BATCH;
		const uint64_t began = bw_keep_now();

		BW_TRY(bw_keep_outlast(keep, volume, began, bw_shadow_drop(shadow, numbers + done, some)));
		if (keep->rooms[volume].is_held) /* what is forgotten gives nothing back until that is written down */
			return BW_OK;
		if (serve)
			BW_TRY(bw_keep_serve_new(keep));
	}
	return BW_OK;
}

enum bw_err bw_keep_drop(struct bw_keep *keep, uint32_t volume, const uint64_t *numbers, size_t count)
{
	bw_keep_soil(keep, volume);
	return drop_all(keep, bw_copier_shadow(keep->copier, volume), numbers, count, true);
}

/* ---- by age ---------------------------------------------------------------------------------- */

/* "trusted wall steady", as it was at the last look of whoever kept this store before. */
static enum bw_err load_clock(struct bw_shelf *shelf, struct bw_thin_clock *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(96);
	const enum bw_err err = bw_shelf_setting_get(shelf, "clock", &text);
	struct bw_thin_clock clock = { 0 };
	struct bw_slice trusted;
	struct bw_slice wall;
	struct bw_slice rest;

	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	if (bw_slice_cut(bw_buf_slice(&text), ' ', &trusted, &rest) && bw_slice_cut(rest, ' ', &wall, &rest) &&
	    bw_parse_i64(trusted, &clock.trusted_us) == BW_OK && bw_parse_i64(wall, &clock.wall_us) == BW_OK &&
	    bw_parse_i64(rest, &clock.steady_us) == BW_OK)
		*out = clock;
	return BW_OK;
}

static enum bw_err save_clock(struct bw_shelf *shelf, const struct bw_thin_clock *clock)
{
	char text[96];

	(void)snprintf(text, sizeof(text), "%" PRId64 " %" PRId64 " %" PRId64, clock->trusted_us, clock->wall_us,
		       clock->steady_us);
	return bw_shelf_setting_put(shelf, "clock", bw_slice_text(text));
}

/* The time that ages are counted by; see thin.h. */
static enum bw_err time_to_count_by(struct bw_keep *keep, uint32_t volume, int64_t *out_us)
{
	struct bw_shelf *shelf = bw_shadow_shelf(bw_copier_shadow(keep->copier, volume));
	struct bw_thin_clock *clock = &keep->clocks[volume];
	const int64_t wall_us = bw_clock_now_us();
	int64_t ran_us = -1;

	if (clock->wall_us == 0)
		BW_TRY(load_clock(shelf, clock));
	else
		ran_us = (int64_t)((bw_keep_now() - keep->thinned_ns) / 1000);
	*out_us = bw_thin_clock_look(clock, wall_us, ran_us);
	if (wall_us - *out_us > INT64_C(3600) * 1000000)
		bw_log(BW_WARNING,
		       "the wall clock jumped ahead: versions age as if it had not, until it has stayed there",
		       BW_NUM("ahead_s", (wall_us - *out_us) / 1000000));
	bw_keep_soil(keep, volume);
	return save_clock(shelf, clock);
}

enum bw_err bw_keep_thin(struct bw_keep *keep, uint32_t volume)
{
	struct bw_shadow *shadow = bw_copier_shadow(keep->copier, volume);
	struct thinning thinning = { .all = NULL };
	int64_t now_us = 0;
	enum bw_err err = time_to_count_by(keep, volume, &now_us);

	if (err == BW_OK)
		err = look(keep, bw_shadow_shelf(shadow), now_us, &thinning);
	if (err == BW_OK)
		err = drop_all(keep, shadow, thinning.drops, thinning.drop_count, true);
	if (err == BW_OK)
		err = bw_keep_share_age(keep, volume, now_us);
	if (err == BW_OK && thinning.drop_count > 0)
		bw_log(BW_INFO, "old versions went by age", BW_TEXT("mount", keep->guard->volumes[volume].mount),
		       BW_NUM("versions", thinning.drop_count));
	release(&thinning);
	return err;
}

/* ---- what reflinks take ---------------------------------------------------------------------- */

/* Of versions that something replaced, or whose file is gone: only those hold what nothing else does. */
static enum bw_err weigh_all(struct bw_keep *keep, struct bw_shadow *shadow, const struct thinning *thinning)
{
	for (size_t i = 0; i < thinning->count; i++) {
		const struct bw_thin_version *version = &thinning->all[i];
		enum bw_err err;

		if (!version->is_object || version->last)
			continue;
		err = bw_shadow_weigh(shadow, version->number, version->kept_bytes);
		if (err != BW_OK && err != BW_ERR_NOT_FOUND)
			return err;
		if (i % BATCH == BATCH - 1)
			BW_TRY(bw_keep_serve_new(keep));
	}
	return BW_OK;
}

enum bw_err bw_keep_weigh(struct bw_keep *keep, uint32_t volume)
{
	struct bw_shadow *shadow = bw_copier_shadow(keep->copier, volume);
	struct thinning thinning;
	enum bw_err err;

	if (keep->guard->volumes[volume].strategy != BW_STRATEGY_REFLINK)
		return BW_OK;
	(void)bw_shadow_replaced_bytes(shadow); /* counted from here on */
	err = look(keep, bw_shadow_shelf(shadow), bw_clock_now_us(), &thinning);
	if (err == BW_OK)
		err = weigh_all(keep, shadow, &thinning);
	release(&thinning);
	bw_keep_soil(keep, volume);
	return err;
}

/* ---- for room -------------------------------------------------------------------------------- */

static enum bw_err drop_front(struct bw_keep *keep, struct bw_shadow *shadow, struct thinning *thinning, size_t count,
			      bool serve)
{
	uint64_t *drops = realloc(thinning->drops, (count + 1) * sizeof(*drops));

	BW_NEED(drops != NULL, MEMORY);
	thinning->drops = drops;
	for (size_t i = 0; i < count; i++)
		drops[i] = thinning->all[i].number;
	if (keep->rooms[bw_shadow_volume(shadow)->number].available < NO_ROOM_BYTES)
		BW_TRY(bw_shadow_free_first(shadow, drops, count < BATCH ? count : BATCH));
	return drop_all(keep, shadow, drops, count, serve);
}

enum bw_err bw_keep_history(struct bw_keep *keep, uint32_t volume, struct bw_fair *fair)
{
	struct thinning thinning = { .all = NULL };
	enum bw_err err = look(keep, bw_shadow_shelf(bw_copier_shadow(keep->copier, volume)), bw_clock_now_us(),
			       &thinning);

	for (size_t i = 0; i < thinning.count && err == BW_OK; i++) {
		const struct bw_thin_version *version = &thinning.all[i];

		if (bw_thin_is_history(version))
			err = bw_fair_add(fair, version->actor, version->kept_bytes, version->is_object ? 1 : 0);
	}
	release(&thinning);
	return err;
}

enum bw_err bw_keep_drop_for(struct bw_keep *keep, uint32_t volume, const struct bw_thin_need *need,
			     const struct bw_thin_claim *claim, size_t *out_versions, struct bw_thin_need *out_freed)
{
	struct bw_shadow *shadow = bw_copier_shadow(keep->copier, volume);
	struct thinning thinning;
	enum bw_err err = look(keep, bw_shadow_shelf(shadow), bw_clock_now_us(), &thinning);

	if (err == BW_OK)
		err = bw_thin_for_room(thinning.all, thinning.count, need, claim, thinning.now_us, out_versions,
				       out_freed);
	if (err == BW_OK)
		err = drop_front(keep, shadow, &thinning, *out_versions, claim == NULL);
	release(&thinning);
	return err;
}
