/*
 * What was taken is made to last. A version counts when its row is committed: at the end of what was there to do, or
 * after 20 ms; from then on nothing that users do takes it away. Once a second what was committed is synced, so that
 * a power cut does not either. The taking of new versions does not wait for the disk: on Btrfs a sync takes 60 ms and
 * more.
 */
#include <unistd.h>

#include "base/log.h"
#include "guard/keep_parts.h"

enum {
	COMMIT_MS = 20,
	GATHER_MS = 10, /* after a commit: a page costs as much for one row as for fifty */
	SYNC_MS = 1000,
	REST_MS = 5000, /* without events; longer than folders wait to be noted (keep_folder_was.c) */
};

#define MS UINT64_C(1000000)

static struct bw_shadow *shadow_of(const struct bw_keep *keep, uint32_t volume)
{
	return bw_copier_shadow(keep->copier, volume);
}

/* ---- commits ------------------------------------------------------------------------------------ */

static void measure_pending(struct bw_keep *keep)
{
	const uint64_t now = bw_keep_now();

	for (size_t i = 0; i < keep->pending_count; i++) {
		const uint64_t since = keep->pending[i].since_ns;
		const uint64_t us = now > since ? (now - since) / 1000 : 0;

		bw_keep_measure_add(keep->pending[i].is_new ? &keep->wait_new : &keep->wait_again, us);
	}
	keep->pending_count = 0;
}

enum bw_err bw_keep_commit_volume(struct bw_keep *keep, uint32_t volume)
{
	const uint64_t began = bw_keep_now();

	if (!bw_keep_may_try(keep, volume))
		return BW_OK;
	BW_TRY(bw_keep_outlast(keep, volume, began, bw_shadow_commit(shadow_of(keep, volume))));
	keep->dirty[volume] = keep->rooms[volume].is_held;
	return BW_OK;
}

enum bw_err bw_keep_commit(struct bw_keep *keep)
{
	bool is_held = false;

	for (uint32_t i = 0; i < keep->guard->volume_count; i++) {
		if (keep->dirty[i])
			BW_TRY(bw_keep_commit_volume(keep, i));
		is_held = is_held || keep->dirty[i];
	}
	keep->committed_ns = bw_keep_now();
	if (is_held)
		return BW_OK;
	keep->dirty_ns = 0;
	measure_pending(keep);
	return BW_OK;
}

/* What comes alone is committed at once, what comes in a burst together. */
bool bw_keep_commit_is_due(const struct bw_keep *keep, uint64_t now, bool more)
{
	if (keep->dirty_ns == 0 || keep->dirty_ns > now)
		return false;
	return now - keep->dirty_ns > COMMIT_MS * MS ||
	       (!more && !keep->walking && now - keep->committed_ns > GATHER_MS * MS);
}

/* ---- syncs -------------------------------------------------------------------------------------- */

static void note_synced(struct bw_keep *keep)
{
	keep->syncing = false;
	keep->restless = true;
	keep->looked_ns = 0; /* the board says soon that all is done */
}

static enum bw_err go_on(struct bw_keep *keep)
{
	bool any = false;

	for (uint32_t i = 0; i < keep->guard->volume_count; i++) {
		const uint64_t began = bw_keep_now();
		bool busy = false;
		const enum bw_err err = bw_shadow_sync_go_on(shadow_of(keep, i), &busy);

		if (err != BW_OK) /* a commit says when there is room again, not a step of a sync */
			BW_TRY(bw_keep_outlast(keep, i, began, err));
		any = any || (err == BW_OK && busy);
	}
	if (!any)
		note_synced(keep);
	return BW_OK;
}

static enum bw_err begin_sync(struct bw_keep *keep, uint32_t volume, uint64_t now)
{
	const uint64_t began = bw_keep_now();
	enum bw_err err = BW_ERR_DISK_FULL;

	if (bw_keep_may_try(keep, volume)) {
		err = bw_shadow_sync_begin(shadow_of(keep, volume), keep->synced_fd);
		BW_TRY(bw_keep_outlast(keep, volume, began, err));
	}
	keep->unsynced[volume] = err != BW_OK;
	if (err == BW_OK)
		keep->syncing = true;
	else
		keep->unsynced_ns = now;
	return BW_OK;
}

enum bw_err bw_keep_sync(struct bw_keep *keep, uint64_t now)
{
	if (keep->syncing)
		BW_TRY(go_on(keep));
	if (keep->syncing || keep->unsynced_ns == 0 || now < keep->unsynced_ns + SYNC_MS * MS)
		return BW_OK;
	BW_TRY(bw_keep_commit(keep));
	keep->unsynced_ns = 0;
	for (uint32_t i = 0; i < keep->guard->volume_count; i++) {
		if (keep->unsynced[i])
			BW_TRY(begin_sync(keep, i, now));
	}
	return BW_OK;
}

void bw_keep_sync_heard(struct bw_keep *keep)
{
	uint64_t count;

	/* it says when to look, and nothing else; a turn of everything follows */
	while (read(keep->synced_fd, &count, sizeof(count)) > 0)
		;
}

enum bw_err bw_keep_sync_all(struct bw_keep *keep)
{
	BW_TRY(bw_keep_commit(keep));
	for (uint32_t i = 0; i < keep->guard->volume_count; i++) {
		const uint64_t began = bw_keep_now();

		if (keep->unsynced[i] || keep->syncing)
			BW_TRY(bw_keep_outlast(keep, i, began, bw_shadow_sync(shadow_of(keep, i))));
		if (keep->rooms[i].is_held)
			bw_log(BW_WARNING,
			       "the guard ends before there was room: the next start finds what it had noted",
			       BW_TEXT("mount", keep->guard->volumes[i].mount));
		keep->unsynced[i] = false;
	}
	keep->unsynced_ns = 0;
	note_synced(keep);
	return BW_OK;
}

uint64_t bw_keep_sync_next_ns(const struct bw_keep *keep)
{
	uint64_t next = UINT64_MAX;

	if (keep->dirty_ns != 0)
		next = keep->committed_ns + GATHER_MS * MS;
	/* one under way says itself when it is through */
	if (keep->unsynced_ns != 0 && !keep->syncing && keep->unsynced_ns + SYNC_MS * MS < next)
		next = keep->unsynced_ns + SYNC_MS * MS;
	return next;
}

/* ---- rest ----------------------------------------------------------------------------------------- */

bool bw_keep_is_quiet(const struct bw_keep *keep, uint64_t now)
{
	return keep->unsynced_ns == 0 && !keep->syncing && bw_queue_count(keep->queue) == 0 && !keep->walking &&
	       now - keep->busy_ns > REST_MS * MS;
}

/* Moving a log into its database takes several syncs: not while somebody writes. */
enum bw_err bw_keep_rest(struct bw_keep *keep)
{
	keep->restless = false;
	for (uint32_t i = 0; i < keep->guard->volume_count; i++) {
		const enum bw_err err = bw_shelf_rest(bw_shadow_shelf(shadow_of(keep, i)));

		if (err != BW_ERR_DISK_FULL) /* else the log stays long until there is room */
			BW_TRY(err);
	}
	return BW_OK;
}
