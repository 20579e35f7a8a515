/*
 * Keeping what was taken: commits, which a killed process survives, and syncs, which survive a power cut. A sync is in
 * two parts, because the row that says how far contents are on the disk ("synced", shadow_mend.c) may only be written
 * when they are: contents first, then the catalogue's log.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "guard/shadow_parts.h"

static enum bw_err save_number(struct bw_shadow *shadow, const char *name, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return bw_shelf_setting_put(shadow->shelf, name, bw_slice_text(text));
}

static enum bw_err save_end(struct bw_shadow *shadow)
{
	BW_TRY(save_number(shadow, "pack", bw_packs_number(shadow->packs)));
	return save_number(shadow, "pack_end", bw_packs_end(shadow->packs));
}

/* What is set aside is for this. Each of these may be done again: a shelf that holds loses nothing. */
static enum bw_err with_spare(struct bw_shadow *shadow, enum bw_err (*write)(struct bw_shadow *shadow))
{
	const enum bw_err err = write(shadow);

	return err == BW_ERR_DISK_FULL && bw_shadow_use_spare(shadow) ? write(shadow) : err;
}

static enum bw_err commit(struct bw_shadow *shadow)
{
	BW_TRY(bw_packs_flush(shadow->packs));
	BW_TRY(save_end(shadow));
	return bw_shelf_commit(shadow->shelf);
}

enum bw_err bw_shadow_commit(struct bw_shadow *shadow)
{
	return with_spare(shadow, commit);
}

static enum bw_err sync_now(struct bw_shadow *shadow)
{
	const uint64_t synced = bw_shelf_next(shadow->shelf) - 1;

	BW_TRY(bw_shadow_sync_await(shadow));
	BW_TRY(bw_packs_sync(shadow->packs));
	BW_TRY(bw_objects_sync(shadow->objects, &shadow->fresh));
	BW_TRY(save_end(shadow));
	BW_TRY(save_number(shadow, "synced", synced));
	return bw_shelf_sync(shadow->shelf);
}

enum bw_err bw_shadow_sync(struct bw_shadow *shadow)
{
	return with_spare(shadow, sync_now);
}

/* ---- beside the writer ------------------------------------------------------------------------ */

/*
 * Closes what it was given, whatever happens. `forget`: nobody will read it soon. What users have in memory stays there
 * then, and the next pack is written into memory that is at hand: a quarter of the processor time of an enrolment in a
 * virtual machine, whose host has to find other memory (measured).
 */
static enum bw_err sync_packs(struct bw_packs_due *due, bool forget)
{
	enum bw_err err = BW_OK;

	for (size_t i = 0; i < due->count; i++) {
		if (err == BW_OK && fdatasync(due->files[i]) != 0)
			err = bw_err_from_errno(errno);
		if (forget)
			(void)posix_fadvise(due->files[i], 0, 0, POSIX_FADV_DONTNEED);
		(void)close(due->files[i]);
	}
	if (due->folder >= 0) {
		if (err == BW_OK && fsync(due->folder) != 0)
			err = bw_err_from_errno(errno);
		(void)close(due->folder);
	}
	*due = (struct bw_packs_due){ .folder = -1 };
	return err;
}

static enum bw_err sync_stage(struct bw_syncing *syncing)
{
	if (syncing->stage == BW_SYNCING_CONTENTS) {
		BW_TRY(sync_packs(&syncing->packs, syncing->wake < 0));
		return bw_objects_sync(syncing->objects, &syncing->fresh);
	}
	return fdatasync(syncing->log) == 0 ? BW_OK : bw_err_from_errno(errno);
}

static void *sync_main(void *context)
{
	struct bw_syncing *syncing = context;
	const uint64_t one = 1;
	ssize_t written;

	syncing->err = sync_stage(syncing);
	atomic_store(&syncing->done, true);
	if (syncing->wake < 0)
		return NULL;
	do {
		written = write(syncing->wake, &one, sizeof(one));
	} while (written < 0 && errno == EINTR);
	return NULL;
}

/* Without a thread it is done here and now: late is better than not. */
static void start(struct bw_syncing *syncing)
{
	atomic_store(&syncing->done, false);
	syncing->has_thread = pthread_create(&syncing->thread, NULL, sync_main, syncing) == 0;
	if (!syncing->has_thread)
		(void)sync_main(syncing);
}

static enum bw_err join(struct bw_syncing *syncing)
{
	if (syncing->has_thread && pthread_join(syncing->thread, NULL) != 0)
		return BW_ERR_SYSTEM;
	syncing->has_thread = false;
	return syncing->err;
}

enum bw_err bw_shadow_sync_await(struct bw_shadow *shadow)
{
	struct bw_syncing *syncing = &shadow->syncing;
	enum bw_err err;

	if (syncing->stage == BW_SYNCING_NOTHING)
		return BW_OK;
	err = join(syncing);
	syncing->stage = BW_SYNCING_NOTHING;
	if (err != BW_OK) /* who tries again takes all: which of them are on the disk nobody knows */
		shadow->fresh.count = BW_FRESH_MAX + 1;
	return err;
}

enum bw_err bw_shadow_sync_begin(struct bw_shadow *shadow, int wake)
{
	struct bw_syncing *syncing = &shadow->syncing;

	BW_NEED(syncing->stage == BW_SYNCING_NOTHING, BUSY);
	BW_TRY(bw_shadow_commit(shadow));
	BW_TRY(bw_packs_hand_out(shadow->packs, &syncing->packs));
	syncing->fresh = shadow->fresh;
	shadow->fresh.count = 0;
	syncing->objects = shadow->objects;
	syncing->last = bw_shelf_next(shadow->shelf) - 1;
	syncing->wake = wake;
	syncing->stage = BW_SYNCING_CONTENTS;
	start(syncing);
	return BW_OK;
}

/* The contents are there; the row that says so goes into the log, and the log to the disk. */
static enum bw_err begin_log(struct bw_shadow *shadow)
{
	struct bw_syncing *syncing = &shadow->syncing;

	BW_TRY(bw_packs_flush(shadow->packs));
	BW_TRY(save_end(shadow));
	BW_TRY(save_number(shadow, "synced", syncing->last));
	BW_TRY(bw_shelf_log(shadow->shelf, &syncing->log));
	syncing->stage = BW_SYNCING_LOG;
	start(syncing);
	return BW_OK;
}

enum bw_err bw_shadow_sync_go_on(struct bw_shadow *shadow, bool *out_busy)
{
	struct bw_syncing *syncing = &shadow->syncing;
	const bool was_log = syncing->stage == BW_SYNCING_LOG;

	*out_busy = syncing->stage != BW_SYNCING_NOTHING;
	if (!*out_busy || !atomic_load(&syncing->done))
		return BW_OK;
	BW_TRY(bw_shadow_sync_await(shadow));
	*out_busy = !was_log;
	return was_log ? BW_OK : with_spare(shadow, begin_log);
}
