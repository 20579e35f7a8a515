/*
 * The keep worker: what changed is copied into the shadow stores. It alone writes stores and index.
 *
 * A new file is kept when its event is read, at normal priority; everything else (repeats, walks) steps back. When a
 * version counts: keep_sync.c. Whatever goes wrong with a store, but for want of room (keep_outlast.c), ends the
 * process: the next one begins with what was committed, and a walk finds the rest.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/command.h"
#include "base/log.h"
#include "guard/ask.h"
#include "guard/enroll.h"
#include "guard/keep_parts.h"

enum {
	LOOK_MS = 1000,
	QUIET_LOOK_MS = 10000, /* from then on only others can fill the volume … */
	GLANCE_MS = 1000,      /* … which one call tells */
	LOOK_SHORT_MS = 100,   /* where room is short: a volume fills quickly */
	THIN_MS = 3600 * 1000,
	STEPS = 256,      /* events served before anybody else has a turn */
	HEAR_EVERY = 128, /* files of a walk between two looks at the channels */
	SETTLE_MS = 2000,
	LATE_MS = 5000, /* new files of a burst that goes on: from then on with the same right as it */
	SETTINGS_MEMORY = 8 * 1024 * 1024,
};

#define MS UINT64_C(1000000)

uint64_t bw_keep_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- bursts ------------------------------------------------------------------------------------ */

/* How much of a long burst waits says how far keep is behind it. */
static bool may_wait(const struct bw_keep *keep, const struct bw_queued *queued, uint64_t now)
{
	return !queued->fresh || (now < bw_burst_end_ns(&keep->burst) && now < queued->since_ns + LATE_MS * MS);
}

static void end_burst(struct bw_keep *keep, uint64_t now)
{
	if (bw_queue_fresh(keep->queue) > 0 && now >= bw_burst_end_ns(&keep->burst) &&
	    bw_queue_next_ns(keep->queue) > now)
		bw_queue_hurry(keep->queue);
}

/* All new files, as somebody waits for them. */
static enum bw_err serve_fresh(struct bw_keep *keep)
{
	struct bw_queued queued;

	bw_queue_hurry(keep->queue);
	while (bw_queue_fresh(keep->queue) > 0 && bw_queue_due(keep->queue, UINT64_MAX, &queued))
		BW_TRY(bw_keep_due(keep, &queued));
	return BW_OK;
}

/* ---- serving -------------------------------------------------------------------------------------------- */

static enum bw_err serve_record(struct bw_keep *keep, const struct bw_ring_record *record)
{
	struct bw_event_view view;

	if (record->kind == BW_RECORD_LOST) {
		keep->must_walk = true;
		return BW_OK;
	}
	if (record->kind == BW_RECORD_SETTLE) {
		BW_TRY(serve_fresh(keep));
		return bw_keep_settle(keep, record->bytes);
	}
	if (record->kind != BW_RECORD_EVENT || bw_event_parse(record->bytes, &view) != BW_OK)
		return BW_OK; /* watch can only harm itself: what it does not say the next walk finds */
	bw_keep_step_back(keep, false);
	keep->busy_ns = bw_keep_now();
	return bw_keep_event(keep, &view);
}

static enum bw_err serve_ring(struct bw_keep *keep, bool *out_more)
{
	struct bw_ring_record record;
	enum bw_err err = BW_OK;

	for (unsigned step = 0; step < STEPS; step++) {
		err = bw_ring_next(keep->guard->work, &record);
		if (err != BW_OK)
			break;
		err = serve_record(keep, &record);
		bw_ring_done(keep->guard->work);
		BW_TRY(err);
		if (keep->pending_count == BW_KEEP_PENDING || bw_keep_commit_is_due(keep, bw_keep_now(), true))
			BW_TRY(bw_keep_commit(keep));
	}
	if (err == BW_ERR_PROTOCOL)
		keep->must_walk = true; /* the ring was emptied: who knows what was in it */
	*out_more = err == BW_OK;
	return BW_OK;
}

/* Repeats and bursts that have waited long enough, as long as nothing new comes in. */
static enum bw_err serve_due(struct bw_keep *keep, bool *out_more)
{
	struct bw_queued queued;

	*out_more = false;
	end_burst(keep, bw_keep_now());
	for (unsigned step = 0; step < STEPS / 8; step++) {
		const uint64_t now = bw_keep_now();

		if (!bw_queue_due(keep->queue, now, &queued)) {
			bw_keep_ahead_end(keep);
			return BW_OK;
		}
		bw_keep_look_ahead(keep, now);
		bw_keep_step_back(keep, may_wait(keep, &queued, now));
		BW_TRY(bw_keep_due(keep, &queued));
	}
	*out_more = true;
	return BW_OK;
}

enum bw_err bw_keep_serve_new(struct bw_keep *keep)
{
	bool more = true;

	while (more)
		BW_TRY(serve_ring(keep, &more));
	return BW_OK;
}

static void show(struct bw_keep *keep)
{
	struct bw_guard_board *board = keep->board;
	uint64_t kept = 0;
	uint64_t inodes = 0;

	for (uint32_t i = 0; i < keep->guard->volume_count; i++) {
		struct bw_shadow *shadow = bw_copier_shadow(keep->copier, i);
		struct bw_shelf_totals totals;

		if (bw_shelf_totals(bw_shadow_shelf(shadow), &totals) == BW_OK)
			kept += totals.kept_bytes;
		inodes += bw_shadow_objects(shadow);
	}
	board->kept_bytes = kept;
	board->kept_inodes = inodes;
	board->quota_bytes = keep->quota;
	board->files = bw_index_count(keep->guard->index);
	board->queued = bw_queue_count(keep->queue) + keep->stale_count;
	board->exposure_us = bw_queue_oldest_ns(keep->queue, bw_keep_now()) / 1000;
	board->exposure_p99_new_us = bw_keep_measure_p99(&keep->wait_new);
	board->exposure_p99_again_us = bw_keep_measure_p99(&keep->wait_again);
}

/* Once a second: the board, and room; once an hour: age. */
static enum bw_err look_around(struct bw_keep *keep, uint64_t now)
{
	const bool by_age = keep->thinned_ns == 0 || now - keep->thinned_ns > THIN_MS * MS;

	keep->looked_ns = now;
	show(keep);
	for (uint32_t i = 0; i < keep->guard->volume_count; i++)
		BW_TRY(bw_keep_make_room(keep, i));
	if (keep->walking) /* a walk reads the same tables */
		return BW_OK;
	BW_TRY(bw_keep_drills(keep, now));
	if (!by_age)
		return BW_OK;
	for (uint32_t i = 0; i < keep->guard->volume_count; i++) {
		BW_TRY(bw_keep_thin(keep, i));
		BW_TRY(bw_keep_folders_thin(keep, i));
	}
	keep->thinned_ns = now;
	return BW_OK;
}

/* Asked after every file of a walk: the file systems are not. */
static bool is_short(struct bw_keep *keep, uint64_t now)
{
	if (now - keep->glanced_ns < LOOK_SHORT_MS * MS)
		return keep->is_short;
	keep->glanced_ns = now;
	keep->is_short = false;
	for (uint32_t i = 0; i < keep->guard->volume_count && !keep->is_short; i++)
		keep->is_short = bw_keep_is_short(keep, i);
	return keep->is_short;
}

static uint64_t look_every_ns(struct bw_keep *keep, uint64_t now)
{
	if (is_short(keep, now))
		return LOOK_SHORT_MS * MS;
	return (!keep->restless && bw_keep_is_quiet(keep, now) ? QUIET_LOOK_MS : LOOK_MS) * MS;
}

/* One turn of everything but the walk. */
static enum bw_err serve(struct bw_keep *keep, bool *out_more)
{
	bool more_due = false;
	uint64_t now;

	BW_TRY(serve_ring(keep, out_more));
	BW_TRY(bw_copier_answers(keep->copier));
	if (!*out_more)
		BW_TRY(serve_due(keep, &more_due));
	now = bw_keep_now();
	if (!*out_more && !more_due)
		BW_TRY(bw_keep_folders_due(keep, now, false));
	if (bw_keep_commit_is_due(keep, now, *out_more || more_due))
		BW_TRY(bw_keep_commit(keep));
	BW_TRY(bw_keep_sync(keep, now));
	keep->board->queued = bw_queue_count(keep->queue) + keep->stale_count;
	if (now - keep->looked_ns > look_every_ns(keep, now))
		BW_TRY(look_around(keep, now));
	if (keep->restless && bw_keep_is_quiet(keep, now))
		BW_TRY(bw_keep_rest(keep));
	*out_more = *out_more || more_due;
	return BW_OK;
}

/* ---- who speaks to it ------------------------------------------------------------------------------------- */

static const char *const speakers[] = { "judge", "scribe" };

static void hear_channel(struct bw_keep *keep, const char *name, struct bw_channel *channel)
{
	struct bw_frame frame;
	enum bw_err err = bw_channel_fill(channel);

	while (err == BW_OK) {
		err = bw_channel_next(channel, &frame, NULL);
		if (err == BW_OK)
			err = bw_keep_word(keep, &frame);
	}
	if (err == BW_ERR_AGAIN || err == BW_ERR_CLOSED || err == BW_ERR_SYSTEM) /* it ended: another one comes */
		return;
	bw_log(BW_ERROR, "a word to keep made no sense", BW_TEXT("from", name), BW_TEXT("why", bw_err_text(err)));
	bw_err_drop(bw_seat_renew(keep->seat, name, 0)); /* else the parent is gone, which hear_parent finds */
}

static uint64_t all_quotas(const struct bw_keep *keep)
{
	uint64_t quota = 0;

	for (uint32_t i = 0; i < keep->guard->volume_count; i++) {
		struct statvfs status;

		if (fstatvfs(keep->guard->volumes[i].root, &status) == 0)
			quota += bw_guard_quota(&keep->guard->settings, (uint64_t)status.f_blocks * status.f_frsize);
	}
	return quota;
}

/*
 * What is left out and what copies may take is read again. Trees and all else are as they were, or this process would
 * be on its way out (run.c).
 */
static void reload(struct bw_keep *keep)
{
	struct bw_arena arena = BW_ARENA_INIT(SETTINGS_MEMORY);
	struct bw_guard_settings settings;
	struct bw_why why = { 0 };
	const enum bw_err err = bw_guard_settings_reload(keep->guard->data, &keep->guard->settings, &arena, &settings,
							 &why);

	if (err != BW_OK) {
		if (err != BW_ERR_CLOSED) /* the guard ends then, and its parent says so */
			bw_log(BW_ERROR, "the settings cannot be read again", BW_TEXT("why", why.text));
		bw_arena_release(&arena);
		return;
	}
	settings.mode = keep->guard->settings.mode;
	keep->must_settle_shares |= settings.tree_count > keep->guard->settings.tree_count;
	bw_arena_release(&keep->settings); /* what the settings before were in; nothing the first time */
	keep->settings = arena;
	keep->guard->settings = settings;
	memset(keep->folders, 0, sizeof(keep->folders)); /* what was covered may not be, and the other way round */
	keep->quota = all_quotas(keep);
	keep->looked_ns = 0;
	keep->must_walk = true;
	if (bw_keep_baits(keep) != BW_OK)
		bw_log(BW_ERROR, "which files are bait is not known");
}

static void hear_parent(struct bw_keep *keep)
{
	struct bw_seat_event event;

	for (;;) {
		if (bw_seat_next(keep->seat, &event) != BW_OK || event.kind == BW_SEAT_STOP) {
			keep->stopping = true;
			return;
		}
		if (event.kind == BW_SEAT_NOTHING)
			return;
		if (event.kind == BW_SEAT_RELOAD)
			reload(keep);
		if (event.kind == BW_SEAT_PEER)
			bw_channel_free(event.old);
		if (event.kind == BW_SEAT_MESSAGE && event.fd >= 0)
			(void)close(event.fd);
	}
}

/* Waits for at most so long, and hears who has something to say. */
static void hear(struct bw_keep *keep, int timeout_ms)
{
	struct pollfd wanted[4 + BW_COUNT(speakers)] = {
		{ bw_seat_fd(keep->seat), POLLIN, 0 },
		{ bw_ring_fd(keep->guard->work), POLLIN, 0 },
		{ bw_ring_fd(keep->guard->features), POLLIN, 0 },
		{ keep->synced_fd, POLLIN, 0 },
	};
	struct bw_channel *channels[BW_COUNT(speakers)];

	for (size_t i = 0; i < BW_COUNT(speakers); i++) {
		channels[i] = bw_seat_peer(keep->seat, speakers[i], 0);
		wanted[4 + i] = (struct pollfd){ .fd = -1, .events = POLLIN };
		if (channels[i] != NULL && !bw_channel_has_ended(channels[i])) /* a new one comes from the parent */
			wanted[4 + i].fd = bw_channel_fd(channels[i]);
	}
	bw_keep_urgent(keep, bw_keep_now() < keep->urgent_until_ns);
	if (poll(wanted, BW_COUNT(wanted), timeout_ms) <= 0)
		return bw_keep_urgent(keep, false);
	for (size_t i = 0; i < BW_COUNT(speakers); i++) {
		if (wanted[4 + i].revents != 0)
			hear_channel(keep, speakers[i], channels[i]);
	}
	bw_keep_urgent(keep, false);
	if (wanted[0].revents != 0)
		hear_parent(keep);
	if (wanted[3].revents != 0)
		bw_keep_sync_heard(keep);
}

static int until_next_ms(struct bw_keep *keep)
{
	const uint64_t now = bw_keep_now();
	uint64_t until = now + GLANCE_MS * MS;

	if (look_every_ns(keep, now) < GLANCE_MS * MS)
		until = now + look_every_ns(keep, now);
	if (bw_keep_sync_next_ns(keep) < until)
		until = bw_keep_sync_next_ns(keep);
	if (bw_queue_next_ns(keep->queue) < until)
		until = bw_queue_next_ns(keep->queue);
	if (bw_queue_fresh(keep->queue) > 0 && bw_burst_end_ns(&keep->burst) < until)
		until = bw_burst_end_ns(&keep->burst);
	if (keep->stale_count > 0 && keep->stale_look_ns < until)
		until = keep->stale_look_ns;
	return until <= now ? 0 : (int)((until - now) / MS) + 1;
}

static void sleep_a_while(struct bw_keep *keep)
{
	bool work;
	bool features;

	bw_keep_step_back(keep, false); /* whoever wakes us has something new */
	work = bw_ring_may_sleep(keep->guard->work);
	features = bw_ring_may_sleep(keep->guard->features);
	hear(keep, work && features ? until_next_ms(keep) : 0);
	bw_ring_awake(keep->guard->work);
	bw_ring_awake(keep->guard->features);
}

/* ---- walks ---------------------------------------------------------------------------------------------------- */

static enum bw_err between(void *context, const struct bw_gathered *so_far)
{
	struct bw_keep *keep = context;
	bool more = true;

	/* the walk changes catalogues without a word: they are all taken as changed */
	if (so_far->seen % HEAR_EVERY == 0) {
		for (uint32_t i = 0; i < keep->guard->volume_count; i++)
			bw_keep_soil(keep, i);
		hear(keep, 0);
		keep->board->enrolling = keep->board->files > so_far->seen ? keep->board->files - so_far->seen : 1;
	}
	while (more && !keep->stopping)
		BW_TRY(serve(keep, &more));
	bw_keep_step_back(keep, true);
	return keep->stopping ? BW_ERR_CLOSED : BW_OK;
}

static void note_full(void *context)
{
	struct bw_keep *keep = context;

	bw_keep_no_room(keep, keep->walking_on);
}

static void say_walked(const struct bw_volume *volume, const struct bw_gathered *g)
{
	if (g->taken + g->gone + g->refused + g->skipped == 0)
		return;
	bw_log(g->refused + g->skipped == 0 ? BW_INFO : BW_WARNING, "trees walked", BW_TEXT("mount", volume->mount),
	       BW_NUM("files", g->seen), BW_NUM("kept", g->taken), BW_NUM("gone", g->gone),
	       BW_NUM("refused", g->refused + g->skipped));
}

static enum bw_err walk(struct bw_keep *keep, struct bw_why *why)
{
	enum bw_err err = BW_OK;

	keep->must_walk = false;
	keep->walking = true;
	keep->board->enrolling = 1;
	keep->board->rescans++;
	bw_keep_step_back(keep, true);
	for (uint32_t i = 0; i < keep->guard->volume_count && err == BW_OK; i++) {
		const struct bw_gather_plan plan = { .copier = keep->copier,
						     .volume = &keep->guard->volumes[i],
						     .settings = &keep->guard->settings,
						     .full = note_full,
						     .between = between,
						     .context = keep };
		struct bw_gathered gathered = { 0 };

		keep->walking_on = i;
		err = bw_gather(&plan, &gathered, why);
		bw_keep_soil(keep, i);
		keep->board->refused += gathered.refused;
		say_walked(&keep->guard->volumes[i], &gathered);
	}
	for (uint32_t i = 0; i < keep->guard->volume_count && err == BW_OK && keep->must_settle_shares; i++)
		err = bw_keep_share_settle(keep, i);
	keep->must_settle_shares &= err != BW_OK;
	keep->walking = false;
	keep->board->enrolling = 0;
	return err == BW_ERR_CLOSED ? BW_OK : err;
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

/* All that waits is kept before it goes: the next start then finds nothing to do. */
static enum bw_err finish(struct bw_keep *keep)
{
	struct bw_queued queued;
	bool more = true;

	bw_keep_step_back(keep, false);
	while (more)
		BW_TRY(serve(keep, &more));
	while (bw_queue_due(keep->queue, UINT64_MAX, &queued))
		BW_TRY(bw_keep_due(keep, &queued));
	BW_TRY(bw_keep_folders_due(keep, bw_keep_now(), true));
	BW_TRY(bw_copier_settle(keep->copier, SETTLE_MS));
	return bw_keep_sync_all(keep);
}

static enum bw_err work(struct bw_keep *keep, struct bw_why *why)
{
	bool more = false;

	keep->must_walk = true; /* what changed while nobody looked */
	while (!keep->stopping) {
		BW_TRY(bw_why_doing(why, serve(keep, &more), "keep what changed"));
		if (keep->must_walk)
			keep->board->enrolling = 1; /* from now on it is not caught up */
		if (!more && keep->must_walk)
			BW_TRY(bw_why_doing(why, walk(keep, why), "walk the trees"));
		else if (!more)
			sleep_a_while(keep);
		else
			hear(keep, 0);
	}
	return bw_why_doing(why, finish(keep), "keep what was left at the end");
}

static enum bw_err confine(struct bw_keep *keep, struct bw_why *why)
{
	const char *stores[BW_VOLUMES_MAX + 1] = { NULL };
	const struct bw_sandbox_paths paths = { .write_also = stores };

	for (size_t i = 0; i < keep->guard->volume_count; i++)
		stores[i] = keep->guard->volumes[i].store;
	bw_keep_turns_begin();
	return bw_seat_confine(keep->seat, &paths, keep->guard->require_sandbox, why);
}

static void say_mended(struct bw_keep *keep, uint32_t volume)
{
	const struct bw_mended *mended = bw_shadow_mended(bw_copier_shadow(keep->copier, volume));
	const char *mount = keep->guard->volumes[volume].mount;

	if (mended->orphans + mended->packs > 0)
		bw_log(BW_INFO, "what a crash left in the store is removed", BW_TEXT("mount", mount),
		       BW_NUM("objects", mended->orphans), BW_NUM("packs", mended->packs));
	if (mended->lost > 0)
		bw_log(BW_ERROR, "versions whose content is gone are forgotten; the files are taken again",
		       BW_TEXT("mount", mount), BW_NUM("versions", mended->lost),
		       BW_NUM("held_by_incidents", mended->lost_pinned));
}

static enum bw_err run(struct bw_keep *keep, struct bw_why *why)
{
	const struct bw_copier_plan plan = { .settings = &keep->guard->settings,
					     .index = keep->guard->index,
					     .samples = keep->guard->samples,
					     .features = keep->guard->features,
					     .make_way = bw_keep_make_way,
					     .context = keep };

	BW_TRY(confine(keep, why));
	keep->synced_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	BW_NEED(keep->synced_fd >= 0, SYSTEM);
	BW_TRY(bw_queue_new(&keep->queue));
	BW_TRY(bw_copier_new(&plan, &keep->copier));
	for (uint32_t i = 0; i < keep->guard->volume_count; i++) {
		BW_TRY(bw_copier_open(keep->copier, &keep->guard->volumes[i], why));
		say_mended(keep, i);
		BW_TRY(bw_keep_share_begin(keep, i));
	}
	keep->quota = all_quotas(keep);
	BW_TRY(bw_keep_baits(keep));
	show(keep);
	BW_TRY(bw_why_doing(why, bw_seat_ready(keep->seat), "say that all is ready"));
	return work(keep, why);
}

int bw_keep_run(struct bw_seat *seat)
{
	struct bw_keep *keep = calloc(1, sizeof(*keep));
	struct bw_why why = { 0 };
	enum bw_err err;

	if (keep == NULL)
		return BW_EXIT_FAILED;
	keep->seat = seat;
	keep->synced_fd = -1;
	keep->guard = bw_guard_of(seat);
	keep->board = (struct bw_guard_board *)(void *)keep->guard->board->ptr; /* a page: aligned for anything */
	err = bw_why_doing(&why, run(keep, &why), "begin");
	if (err == BW_ERR_TOO_MANY && bw_seat_ask(seat, BW_SEAT_ASK_LARGER, bw_slice_empty, -1) == BW_OK)
		bw_log(BW_NOTICE, "more files than the index was made for: it is made larger");
	else if (err != BW_OK)
		bw_log(BW_ERROR, "keep ends", BW_TEXT("why", why.text));
	bw_keep_share_end(keep);
	bw_copier_free(keep->copier); /* waits for the syncs under way, which write to synced_fd */
	if (keep->synced_fd >= 0)
		(void)close(keep->synced_fd);
	bw_queue_free(keep->queue);
	bw_arena_release(&keep->settings);
	free(keep->pins);
	free(keep);
	return err == BW_OK ? BW_EXIT_OK : BW_EXIT_FAILED;
}
