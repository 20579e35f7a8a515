/*
 * Old versions go: by age every hour, and in the order of their worth when the quota is reached or the volume fills.
 * Users' writes win over old history; what an open incident pinned wins over everything that may go.
 */
#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/log.h"
#include "guard/enroll.h"
#include "guard/keep_parts.h"
#include "guard/thin.h"
#include "sys/clock.h"

enum {
	FILE_VERSIONS = 4096, /* of one file looked at together; older ones are looked at as another file's */
	BATCH = 256,
	FREE_SHARE = 50, /* of a volume the guard leaves free as long as it has history to give */
	AGAIN_MS = 60 * 1000,
};

struct thinning {
	struct bw_thin_version *all; /* of every file, one after the other */
	size_t count;
	size_t room;
	size_t file_at; /* where the versions of the present file begin */
	uint64_t file;
	int64_t now_us;
	uint32_t days;
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
					     .good = spare->state == BW_SHELF_GOOD,
					     .newest = spare->gone_us == 0 && spare->number == spare->newest,
					     .pinned = spare->incident != 0 };
	if (same)
		version->until_us = version[-1].taken_us;
	thinning->count++;
	return BW_OK;
}

static enum bw_err look(struct bw_keep *keep, struct bw_shelf *shelf, struct thinning *thinning)
{
	*thinning = (struct thinning){ .now_us = bw_clock_now_us(), .days = keep->guard->settings.days };
	BW_TRY(bw_shelf_spares(shelf, see_spare, thinning));
	return mark_file(thinning);
}

static void release(struct thinning *thinning)
{
	free(thinning->all);
	free(thinning->drops);
}

static enum bw_err drop_all(struct bw_keep *keep, struct bw_shadow *shadow, const uint64_t *numbers, size_t count)
{
	for (size_t done = 0; done < count; done += BATCH) {
		const size_t some = count - done < BATCH ? count - done : BATCH;
		const enum bw_err err = bw_shadow_drop(shadow, numbers + done, some);

		if (err != BW_OK && err != BW_ERR_NOT_FOUND && err != BW_ERR_BUSY)
			return err;
		BW_TRY(bw_keep_serve_new(keep));
	}
	return BW_OK;
}

/* ---- by age ---------------------------------------------------------------------------------- */

enum bw_err bw_keep_thin(struct bw_keep *keep, uint32_t volume)
{
	struct bw_shadow *shadow = bw_copier_shadow(keep->copier, volume);
	struct thinning thinning;
	enum bw_err err = look(keep, bw_shadow_shelf(shadow), &thinning);

	if (err == BW_OK)
		err = drop_all(keep, shadow, thinning.drops, thinning.drop_count);
	if (err == BW_OK && thinning.drop_count > 0)
		bw_log(BW_INFO, "old versions went by age", BW_TEXT("mount", keep->guard->volumes[volume].mount),
		       BW_NUM("versions", thinning.drop_count));
	release(&thinning);
	return err;
}

/* ---- for room -------------------------------------------------------------------------------- */

static int64_t sorting_now;

static int by_worth(const void *a, const void *b)
{
	const uint64_t x = bw_thin_worth(a, sorting_now);
	const uint64_t y = bw_thin_worth(b, sorting_now);

	return x < y ? -1 : x > y ? 1 : 0;
}

/* The first `drop_count` of all. */
static enum bw_err drop_some(struct bw_keep *keep, struct bw_shadow *shadow, struct thinning *thinning)
{
	uint64_t *drops = realloc(thinning->drops, (thinning->drop_count + 1) * sizeof(*drops));

	BW_NEED(drops != NULL, MEMORY);
	thinning->drops = drops;
	for (size_t i = 0; i < thinning->drop_count; i++)
		drops[i] = thinning->all[i].number;
	return drop_all(keep, shadow, drops, thinning->drop_count);
}

/* The worthless first, until that much is free; says what it freed. */
static enum bw_err free_bytes(struct bw_keep *keep, uint32_t volume, uint64_t wanted, uint64_t *out_freed)
{
	struct bw_shadow *shadow = bw_copier_shadow(keep->copier, volume);
	struct thinning thinning;
	enum bw_err err = look(keep, bw_shadow_shelf(shadow), &thinning);
	uint64_t freed = 0;

	thinning.drop_count = 0;
	if (err == BW_OK && thinning.count > 0) {
		sorting_now = thinning.now_us;
		qsort(thinning.all, thinning.count, sizeof(*thinning.all), by_worth);
		for (size_t i = 0; i < thinning.count && freed < wanted; i++) {
			if (bw_thin_worth(&thinning.all[i], thinning.now_us) == UINT64_MAX)
				break;
			freed += thinning.all[i].kept_bytes;
			thinning.drop_count++;
		}
		err = drop_some(keep, shadow, &thinning);
	}
	release(&thinning);
	*out_freed = freed;
	return err;
}

enum bw_err bw_keep_make_room(struct bw_keep *keep, uint32_t volume)
{
	const struct bw_volume *v = &keep->guard->volumes[volume];
	struct bw_shelf_totals totals;
	struct statvfs status;
	uint64_t quota;
	uint64_t wanted = 0;
	uint64_t freed = 0;
	uint64_t size;
	uint64_t available;

	if (fstatvfs(v->root, &status) != 0)
		return BW_OK;
	BW_TRY(bw_shelf_totals(bw_shadow_shelf(bw_copier_shadow(keep->copier, volume)), &totals));
	size = (uint64_t)status.f_blocks * status.f_frsize;
	available = (uint64_t)status.f_bavail * status.f_frsize;
	quota = bw_guard_quota(&keep->guard->settings, size);
	if (totals.kept_bytes > quota)
		wanted = totals.kept_bytes - quota;
	if (keep->full[volume])
		wanted = wanted > size / FREE_SHARE ? wanted : size / FREE_SHARE;
	keep->full[volume] = false;
	if (available < size / FREE_SHARE && size / FREE_SHARE - available > wanted)
		wanted = size / FREE_SHARE - available;
	if (wanted == 0 || bw_keep_now() < keep->room_ns[volume])
		return BW_OK;
	BW_TRY(free_bytes(keep, volume, wanted, &freed));
	bw_log(BW_WARNING, freed >= wanted ? "old versions went for room" : "no old versions are left to give room",
	       BW_TEXT("mount", v->mount), BW_NUM("wanted_bytes", wanted), BW_NUM("freed_bytes", freed));
	/* when nothing more can go, looking again at once finds nothing more */
	keep->room_ns[volume] = bw_keep_now() + (freed >= wanted ? 0 : (uint64_t)AGAIN_MS * 1000000);
	return BW_OK;
}
