#include "guard/status.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "codec/json_text.h"
#include "base/text.h"
#include "guard/bait_book.h"
#include "guard/data_seen.h"
#include "guard/enroll.h"
#include "guard/freezer.h"
#include "guard/plain.h"
#include "guard/shadow.h"
#include "guard/start_book.h"
#include "sys/clock.h"

enum { SETTINGS_MEMORY = 16 * 1024 * 1024 };

/* ---- what is not covered: said to everybody who asks, not in a manual only -------------------------------- */

static const char *const not_covered[] = {
	"what was written in the newest moments: while the guard runs, its exposure window says how long that is",
	"what a program with root's rights does; a copy on another machine helps against that",
	"changes in files that stay open, between two of their periodic copies",
	"reading: that files were copied away is not noticed",
	"what was encrypted or damaged before it was enrolled",
};

/* ---- gathering --------------------------------------------------------------------------------------------- */

static void look_at_store(const struct bw_status *status, const struct bw_volume *volume, struct bw_status_volume *out)
{
	struct bw_why why = { 0 };
	struct bw_shadow *shadow;
	struct statvfs space;
	enum bw_err err;

	out->volume = volume;
	if (statvfs(volume->mount, &space) == 0) {
		out->quota_bytes = bw_guard_quota(&status->settings,
						  (uint64_t)space.f_blocks * (uint64_t)space.f_frsize);
		out->quota_inodes = bw_guard_inode_quota(&status->settings, (uint64_t)space.f_files);
	}
	err = bw_shadow_open(volume, true, &shadow, &why);
	if (err == BW_OK) {
		err = bw_shelf_totals(bw_shadow_shelf(shadow), &out->totals);
		bw_shadow_close(shadow);
	}
	out->is_known = err == BW_OK;
	if (err != BW_OK)
		(void)snprintf(out->why, sizeof(out->why), "%.*s", (int)sizeof(out->why) - 1,
			       why.text[0] != '\0' ? why.text : bw_err_text(err));
}

static void look_at_guard(struct bw_status *status)
{
	struct bw_ask_status answer;

	if (bw_ask_open(status->data, &status->channel) != BW_OK)
		return;
	if (bw_ask_status(status->channel, &answer) != BW_OK)
		return;
	status->is_running = true;
	status->mode = answer.mode;
	status->started_us = answer.started_us;
#define X(name) status->board.name = atomic_load_explicit(&answer.board->name, memory_order_relaxed);
	BW_STATUS_ROWS(X)
#undef X
	bw_shared_release(&answer.view);
}

/* A ledger that is not whole is said above; what verified of it still tells of jobs. */
static void look_at_jobs(struct bw_status *status)
{
	struct bw_job_found found;

	bw_err_drop(bw_job_book_load(status->data, &status->jobs, NULL));
	if (bw_job_names(status->data, &status->jobs, &status->arena, status->job_names, BW_STATUS_JOBS_MAX,
			 &status->job_count, NULL) != BW_OK)
		status->job_count = 0;
	for (size_t i = 0; i < status->job_count; i++) {
		bw_job_find(status->data, &status->jobs, status->job_names[i], bw_clock_now_us(), &status->arena,
			    &found);
		status->job_worths[i] = found.worth;
	}
}

/* 0: there is none yet. */
static uint64_t ledger_bytes(const char *data)
{
	char path[BW_PATH_BYTES];
	struct stat found;

	return bw_path_join(path, data, BW_LEDGER_NAME) == BW_OK && stat(path, &found) == 0 ? (uint64_t)found.st_size
											    : 0;
}

static enum bw_err gather(struct bw_status *status, struct bw_why *why)
{
	BW_TRY(bw_guard_settings_load(status->data, &status->arena, &status->settings, why));
	BW_TRY(bw_volumes_open(&status->settings, status->volumes, &status->volume_count, why));
	for (size_t i = 0; i < status->volume_count; i++)
		look_at_store(status, &status->volumes[i], &status->stores[i]);
	status->is_ledger_whole = bw_incidents_load(status->data, &status->incidents, &status->ledger_why) == BW_OK;
	status->ledger_bytes = ledger_bytes(status->data);
	status->open = bw_incidents_open(&status->incidents);
	status->are_holds_known = bw_holds_load(status->data, &status->holds) == BW_OK;
	status->are_baits_known = bw_bait_count(status->data, &status->baits, NULL) == BW_OK;
	look_at_jobs(status);
	status->mode = status->settings.mode;
	look_at_guard(status);
	if (!status->is_running && bw_data_lost_words(status->data, status->lost, sizeof(status->lost)) != BW_OK)
		status->lost[0] = '\0';
	return BW_OK;
}

enum bw_err bw_status_gather(const char *data, struct bw_status *out, struct bw_why *why)
{
	enum bw_err err;

	*out = (struct bw_status){ .data = data, .arena = BW_ARENA_INIT(SETTINGS_MEMORY) };
	err = gather(out, why);
	if (err != BW_OK)
		bw_status_release(out);
	return err;
}

void bw_status_release(struct bw_status *status)
{
	bw_channel_free(status->channel);
	bw_incidents_release(&status->incidents);
	bw_holds_release(&status->holds);
	bw_volumes_release(status->volumes, status->volume_count);
	bw_arena_release(&status->arena);
	*status = (struct bw_status){ 0 };
}

/* Within the last hour; by then somebody else has tried again. */
static bool is_room_short(const struct bw_status *status)
{
	enum { HOUR_S = 3600 };
	const uint64_t now_us = (uint64_t)bw_clock_mono_us();

	return status->is_running && status->board.share_us != 0 &&
	       now_us < status->board.share_us + (uint64_t)HOUR_S * 1000000;
}

bool bw_status_needs_somebody(const struct bw_status *status)
{
	for (size_t i = 0; i < status->settings.tree_count; i++) {
		if (bw_guard_settings_leave_out(&status->settings, status->settings.trees[i]))
			return true;
	}
	return status->settings.away_count > 0 || !status->is_running || is_room_short(status) ||
	       status->board.unwritten > 0 || status->open > 0 || status->holds.still > 0 || !status->are_holds_known ||
	       !status->is_ledger_whole;
}

static const char *mode_words(enum bw_guard_mode mode)
{
	const char *name = bw_guard_mode_name(mode);

	return name != NULL ? name : "unset";
}

/* ---- JSON ----------------------------------------------------------------------------------------------------- */

static enum bw_err json_texts(struct bw_buf *out, const char *name, const char *const *texts, size_t count)
{
	BW_TRY(bw_json_add_name(out, name));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(bw_json_add_string(out, bw_slice_text(texts[i])));
	}
	return bw_buf_add_u8(out, ']');
}

static enum bw_err json_left_out(const struct bw_status *status, struct bw_buf *out)
{
	const char *trees[BW_TREES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < status->settings.tree_count; i++) {
		if (bw_guard_settings_leave_out(&status->settings, status->settings.trees[i]))
			trees[count++] = status->settings.trees[i];
	}
	return json_texts(out, "trees_left_out", trees, count);
}

static enum bw_err json_away(const struct bw_guard_settings *settings, struct bw_buf *out)
{
	BW_TRY(bw_json_add_name(out, "trees_away"));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < settings->away_count; i++) {
		BW_TRY(bw_buf_add_text(out, i > 0 ? ",{" : "{"));
		BW_TRY(bw_json_add_text(out, "tree", bw_slice_text(settings->away[i].path)));
		BW_TRY(bw_json_add_text(out, "why", bw_slice_text(settings->away[i].why)));
		BW_TRY(bw_buf_add_u8(out, '}'));
	}
	return bw_buf_add_u8(out, ']');
}

static enum bw_err json_volume(struct bw_buf *out, const struct bw_status_volume *store)
{
	BW_TRY(bw_buf_add_text(out, "{"));
	BW_TRY(bw_json_add_text(out, "mount", bw_slice_text(store->volume->mount)));
	BW_TRY(bw_json_add_text(out, "type", bw_slice_text(store->volume->type)));
	BW_TRY(bw_json_add_text(out, "strategy", bw_slice_text(bw_strategy_words(store->volume->strategy))));
	BW_TRY(bw_json_add_num(out, "quota_bytes", (int64_t)store->quota_bytes));
	if (store->quota_inodes != UINT64_MAX)
		BW_TRY(bw_json_add_num(out, "quota_inodes", (int64_t)store->quota_inodes));
	if (!store->is_known) {
		BW_TRY(bw_json_add_text(out, "unreadable", bw_slice_text(store->why)));
		return bw_buf_add_u8(out, '}');
	}
	BW_TRY(bw_json_add_num(out, "files", (int64_t)store->totals.files));
	BW_TRY(bw_json_add_num(out, "versions", (int64_t)store->totals.versions));
	BW_TRY(bw_json_add_num(out, "kept_bytes", (int64_t)store->totals.kept_bytes));
	if (store->totals.oldest_us != BW_TIME_MIN)
		BW_TRY(bw_plain_json_time(out, "oldest", store->totals.oldest_us));
	return bw_buf_add_u8(out, '}');
}

static enum bw_err json_running(const struct bw_status *status, struct bw_buf *out)
{
	char who[BW_USER_BYTES];

	BW_TRY(bw_json_add_bool(out, "room_is_short", is_room_short(status)));
	if (is_room_short(status) && status->board.share_owner != 0)
		BW_TRY(bw_json_add_text(out, "room_taken_by",
					bw_slice_text(bw_plain_user((uint32_t)(status->board.share_owner - 1), who))));
	BW_TRY(bw_plain_json_time(out, "started", status->started_us));
#define X(name) BW_TRY(bw_json_add_num(out, #name, (int64_t)status->board.name));
	BW_STATUS_ROWS(X)
#undef X
	return BW_OK;
}

static enum bw_err json_open(const struct bw_status *status, struct bw_buf *out)
{
	bool first = true;

	BW_TRY(bw_json_add_name(out, "open"));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < status->incidents.count; i++) {
		if (status->incidents.list[i].state != BW_INCIDENT_OPEN)
			continue;
		BW_TRY(bw_buf_addf(out, "%s%llu", first ? "" : ",", (unsigned long long)status->incidents.list[i].id));
		first = false;
	}
	return bw_buf_add_u8(out, ']');
}

static uint64_t passed_by(const struct bw_status *status, size_t job)
{
	const struct bw_job_entry *entry = bw_job_book_find(&status->jobs, bw_slice_text(status->job_names[job]));

	return entry != NULL ? entry->passed : 0;
}

static enum bw_err json_jobs(const struct bw_status *status, struct bw_buf *out)
{
	BW_TRY(bw_json_add_name(out, "jobs"));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < status->job_count; i++) {
		BW_TRY(bw_buf_add_text(out, i > 0 ? ",{" : "{"));
		BW_TRY(bw_json_add_text(out, "job", bw_slice_text(status->job_names[i])));
		BW_TRY(bw_json_add_text(out, "state", bw_slice_text(bw_job_worth_name(status->job_worths[i]))));
		BW_TRY(bw_json_add_num(out, "files_passed", (int64_t)passed_by(status, i)));
		BW_TRY(bw_buf_add_u8(out, '}'));
	}
	return bw_buf_add_u8(out, ']');
}

static enum bw_err json_found(const struct bw_status *status, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf found = BW_BUF_INIT(BW_MIB);
	struct bw_slice rest;
	struct bw_slice line;

	BW_TRY(bw_start_findings(status->data, &found));
	rest = bw_buf_slice(&found);
	BW_TRY(bw_json_add_name(out, "at_start"));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (bool first = true; bw_slice_cut(rest, '\n', &line, &rest); first = false) {
		if (!first)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(bw_json_add_string(out, line));
	}
	return bw_buf_add_u8(out, ']');
}

enum bw_err bw_status_json(const struct bw_status *status, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_bool(out, "running", status->is_running));
	if (status->lost[0] != '\0')
		BW_TRY(bw_json_add_text(out, "data_folder_lost", bw_slice_text(status->lost)));
	BW_TRY(bw_json_add_text(out, "mode", bw_slice_text(mode_words(status->mode))));
	BW_TRY(json_found(status, out));
	BW_TRY(json_texts(out, "trees", status->settings.trees, status->settings.tree_count));
	BW_TRY(json_left_out(status, out));
	BW_TRY(json_away(&status->settings, out));
	BW_TRY(json_texts(out, "excluded", status->settings.excludes, status->settings.exclude_count));
	BW_TRY(bw_json_add_name(out, "volumes"));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < status->volume_count; i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(json_volume(out, &status->stores[i]));
	}
	BW_TRY(bw_buf_add_u8(out, ']'));
	if (status->is_running)
		BW_TRY(json_running(status, out));
	BW_TRY(bw_json_add_num(out, "incidents", (int64_t)status->incidents.count));
	BW_TRY(json_open(status, out));
	BW_TRY(bw_json_add_name(out, "held"));
	BW_TRY(bw_holds_json(&status->holds, 0, out));
	BW_TRY(bw_json_add_text(out, "holds_by", bw_freezer_usable() == BW_OK ? BW_LIT("freezer") : BW_LIT("signal")));
	if (status->are_baits_known)
		BW_TRY(bw_json_add_num(out, "bait", (int64_t)status->baits));
	BW_TRY(json_jobs(status, out));
	BW_TRY(bw_json_add_bool(out, "ledger_whole", status->is_ledger_whole));
	BW_TRY(bw_json_add_num(out, "ledger_bytes", (int64_t)status->ledger_bytes));
	BW_TRY(json_texts(out, "not_covered", not_covered, BW_COUNT(not_covered)));
	return bw_buf_add_u8(out, '}');
}

/* ---- text ------------------------------------------------------------------------------------------------------- */

static enum bw_err text_volume(struct bw_buf *out, const struct bw_status_volume *store)
{
	char kept[BW_PLAIN_BYTES];
	char quota[BW_PLAIN_BYTES];

	BW_TRY(bw_buf_add_text(out, "Volume     "));
	BW_TRY(bw_text_escape(out, bw_slice_text(store->volume->mount)));
	BW_TRY(bw_buf_addf(out, " (%s): %s\n", store->volume->type, bw_strategy_words(store->volume->strategy)));
	if (!store->is_known) {
		BW_TRY(bw_buf_add_text(out, "           its store cannot be read: "));
		BW_TRY(bw_text_escape(out, bw_slice_text(store->why)));
		return bw_buf_add_u8(out, '\n');
	}
	BW_TRY(bw_buf_addf(out, "           %llu files, %llu versions; %s kept of %s",
			   (unsigned long long)store->totals.files, (unsigned long long)store->totals.versions,
			   bw_plain_size(store->totals.kept_bytes, kept), bw_plain_size(store->quota_bytes, quota)));
	if (store->quota_inodes == UINT64_MAX)
		return bw_buf_add_u8(out, '\n');
	return bw_buf_addf(out, " and %llu inodes\n", (unsigned long long)store->quota_inodes);
}

/* Before the first file there is nothing to say of how long one waits. */
static enum bw_err text_exposure(const struct bw_status_board *board, struct bw_buf *out)
{
	const uint64_t new_us = board->exposure_p99_new_us;
	const uint64_t again_us = board->exposure_p99_again_us;
	char span[BW_PLAIN_BYTES];

	BW_TRY(bw_buf_addf(out, "Exposure   now %s", bw_plain_span(board->exposure_us, span)));
	if (new_us == 0 && again_us == 0)
		return bw_buf_add_text(out, "; no file has changed since the guard started\n");
	BW_TRY(bw_buf_add_text(out, "; of 100 files 99 were safe within "));
	if (new_us != 0)
		BW_TRY(bw_buf_addf(out, "%s when new%s", bw_plain_span(new_us, span), again_us != 0 ? ", " : ""));
	if (again_us != 0)
		BW_TRY(bw_buf_addf(out, "%s when changed", bw_plain_span(again_us, span)));
	return bw_buf_add_u8(out, '\n');
}

/* Who took most of the room, when it was too little for somebody. */
static enum bw_err text_share(const struct bw_status *status, struct bw_buf *out)
{
	const struct bw_status_board *board = &status->board;
	char size[BW_PLAIN_BYTES];
	char who[BW_USER_BYTES];

	if (!is_room_short(status))
		return BW_OK;
	BW_TRY(bw_buf_addf(out, "NO ROOM    %llu copies were refused for want of room since the start",
			   (unsigned long long)board->share_refused));
	if (board->share_gone > 0)
		BW_TRY(bw_buf_addf(out, ", %llu newest copies went for others'",
				   (unsigned long long)board->share_gone));
	if (board->share_owner != 0) {
		BW_TRY(bw_buf_add_text(out, "\n           most of what was copied of late is of user "));
		BW_TRY(bw_text_escape(out, bw_slice_text(bw_plain_user((uint32_t)(board->share_owner - 1), who))));
		BW_TRY(bw_buf_addf(out, ": %s and %llu inodes", bw_plain_size(board->share_bytes, size),
				   (unsigned long long)board->share_inodes));
	}
	return bw_buf_add_text(out, "\n           look what is written there, bound it (setquota), or give the guard "
				    "more room (guard enroll --quota SIZE --inodes NUMBER)\n");
}

static enum bw_err text_running(const struct bw_status *status, struct bw_buf *out)
{
	const struct bw_status_board *board = &status->board;
	char now[BW_PLAIN_BYTES];
	char slowest[BW_PLAIN_BYTES];

	BW_TRY(text_exposure(board, out));
	BW_TRY(bw_buf_addf(out, "Copies     %llu taken, %llu waiting, %llu could not be kept; they take %llu inodes\n",
			   (unsigned long long)board->versions, (unsigned long long)board->queued,
			   (unsigned long long)board->refused, (unsigned long long)board->kept_inodes));
	if (board->unwritten > 0)
		BW_TRY(bw_buf_addf(
			out,
			"NO BLOCK   on %llu file systems: what changes there is noted in memory until there is "
			"room; remove or move what filled them\n",
			(unsigned long long)board->unwritten));
	BW_TRY(text_share(status, out));
	if (board->enrolling > 0)
		BW_TRY(bw_buf_addf(out, "Catching up: %llu files still to look at\n",
				   (unsigned long long)board->enrolling));
	BW_TRY(bw_buf_addf(out, "Events     %llu seen, %llu sampled, lost %llu times (the trees were walked again)\n",
			   (unsigned long long)board->events, (unsigned long long)board->samples,
			   (unsigned long long)board->lost));
	BW_TRY(bw_buf_addf(out, "Judged     %llu findings, %llu verdicts, %llu actors in view\n",
			   (unsigned long long)board->findings, (unsigned long long)board->verdicts,
			   (unsigned long long)board->actors));
	if (board->stops == 0)
		return BW_OK;
	return bw_buf_addf(out, "Stopped    %llu processes; half of them within %s, the slowest %s\n",
			   (unsigned long long)board->stops, bw_plain_span(board->stop_p50_us, now),
			   bw_plain_span(board->stop_max_us, slowest));
}

static enum bw_err text_found(const struct bw_status *status, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf found = BW_BUF_INIT(BW_MIB);
	struct bw_slice rest;
	struct bw_slice line;

	BW_TRY(bw_start_findings(status->data, &found));
	rest = bw_buf_slice(&found);
	while (bw_slice_cut(rest, '\n', &line, &rest)) {
		BW_TRY(bw_buf_add_text(out, "At start   "));
		BW_TRY(bw_text_escape(out, line));
		BW_TRY(bw_buf_add_u8(out, '\n'));
	}
	return BW_OK;
}

static enum bw_err text_away(const struct bw_guard_settings *settings, struct bw_buf *out)
{
	for (size_t i = 0; i < settings->away_count; i++) {
		BW_TRY(bw_buf_add_text(out, "AWAY       "));
		BW_TRY(bw_text_escape(out, bw_slice_text(settings->away[i].path)));
		BW_TRY(bw_buf_add_text(out, ": NOT GUARDED, "));
		BW_TRY(bw_text_escape(out, bw_slice_text(settings->away[i].why)));
		BW_TRY(bw_buf_add_text(out, "\n           " BW_AWAY_NEXT "\n"));
	}
	return BW_OK;
}

static enum bw_err text_head(const struct bw_status *status, struct bw_buf *out)
{
	char since[BW_PLAIN_BYTES];

	if (status->lost[0] != '\0')
		BW_TRY(bw_buf_addf(out, "Guard      CANNOT BE ASKED: %s\n", status->lost));
	else if (!status->is_running)
		BW_TRY(bw_buf_add_text(out, "Guard      NOT RUNNING: nothing new is copied, nobody is stopped\n"));
	else
		BW_TRY(bw_buf_addf(out, "Guard      running since %s, mode %s%s\n",
				   bw_plain_time(status->started_us, since), mode_words(status->mode),
				   status->mode == BW_MODE_UNSET
					   ? " (the gravest is stopped; on the first day all else is only noted)"
					   : ""));
	BW_TRY(text_found(status, out));
	for (size_t i = 0; i < status->settings.tree_count; i++) {
		BW_TRY(bw_buf_add_text(out, i == 0 ? "Protected  " : "           "));
		BW_TRY(bw_text_escape(out, bw_slice_text(status->settings.trees[i])));
		if (bw_guard_settings_leave_out(&status->settings, status->settings.trees[i]))
			BW_TRY(bw_buf_add_text(out, ": NOT GUARDED, all of it is left out"));
		BW_TRY(bw_buf_add_u8(out, '\n'));
	}
	BW_TRY(text_away(&status->settings, out));
	for (size_t i = 0; i < status->settings.exclude_count; i++) {
		BW_TRY(bw_buf_add_text(out, i == 0 ? "Left out   " : "           "));
		BW_TRY(bw_text_escape(out, bw_slice_text(status->settings.excludes[i])));
		BW_TRY(bw_buf_add_u8(out, '\n'));
	}
	return BW_OK;
}

static enum bw_err text_incidents(const struct bw_status *status, struct bw_buf *out)
{
	char count[2 * BW_PLAIN_BYTES];
	char when[BW_PLAIN_BYTES];

	if (!status->is_ledger_whole) {
		BW_TRY(bw_buf_add_text(out, "LEDGER     "));
		BW_TRY(bw_text_escape(out, bw_slice_text(status->ledger_why.text)));
		BW_TRY(bw_buf_add_u8(out, '\n'));
	} else if (status->ledger_bytes > 0) {
		BW_TRY(bw_buf_addf(out, "Ledger     %s, whole\n", bw_plain_size(status->ledger_bytes, when)));
	}
	if (status->open == 0)
		return bw_buf_addf(out, "Incidents  none open; %s in all\n",
				   bw_plain_count(status->incidents.count, "incident", "incidents", count));
	for (size_t i = 0; i < status->incidents.count; i++) {
		const struct bw_incident *incident = &status->incidents.list[i];

		if (incident->state != BW_INCIDENT_OPEN)
			continue;
		BW_TRY(bw_buf_addf(out, "OPEN       incident %llu since %s: breakwater guard explain %llu\n",
				   (unsigned long long)incident->id, bw_plain_time(incident->first_us, when),
				   (unsigned long long)incident->id));
		if (incident->undone > 0)
			BW_TRY(bw_buf_addf(out, "           NOT DONE of what should be: %s; explain says which\n",
					   bw_plain_count(incident->undone, "thing", "things", count)));
	}
	return BW_OK;
}

static enum bw_err text_jobs(const struct bw_status *status, struct bw_buf *out)
{
	for (size_t i = 0; i < status->job_count; i++) {
		BW_TRY(bw_buf_add_text(out, i == 0 ? "Jobs       " : "           "));
		BW_TRY(bw_text_escape(out, bw_slice_text(status->job_names[i])));
		BW_TRY(bw_buf_addf(out, ": %s, %llu files passed\n", bw_job_worth_name(status->job_worths[i]),
				   (unsigned long long)passed_by(status, i)));
	}
	return BW_OK;
}

static enum bw_err text_bait(const struct bw_status *status, struct bw_buf *out)
{
	char count[2 * BW_PLAIN_BYTES];

	if (!status->are_baits_known)
		return bw_buf_add_text(out, "Bait       its list cannot be read: breakwater guard bait list\n");
	if (status->baits == 0)
		return BW_OK;
	return bw_buf_addf(out, "Bait       %s: breakwater guard bait list\n",
			   bw_plain_count(status->baits, "file", "files", count));
}

enum bw_err bw_status_text(const struct bw_status *status, bool brief, struct bw_buf *out)
{
	BW_TRY(text_head(status, out));
	for (size_t i = 0; i < status->volume_count; i++)
		BW_TRY(text_volume(out, &status->stores[i]));
	if (status->is_running)
		BW_TRY(text_running(status, out));
	BW_TRY(text_incidents(status, out));
	if (!status->are_holds_known)
		BW_TRY(bw_buf_add_text(out,
				       "Held       the book of who is held cannot be read: breakwater guard verify\n"));
	BW_TRY(bw_holds_text(&status->holds, 0, out));
	if (bw_freezer_usable() != BW_OK)
		BW_TRY(bw_buf_add_text(out, "Holding    by a signal alone, which the user of who is held may undo: no "
					    "cgroup v2 to be written here\n"));
	BW_TRY(text_bait(status, out));
	BW_TRY(text_jobs(status, out));
	if (brief)
		return BW_OK;
	BW_TRY(bw_buf_add_text(out, "Not covered:\n"));
	for (size_t i = 0; i < BW_COUNT(not_covered); i++)
		BW_TRY(bw_buf_addf(out, "  - %s\n", not_covered[i]));
	return BW_OK;
}
