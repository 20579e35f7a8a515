/*
 * `breakwater guard run`: the parent. It makes what the workers share (index, rings, board), opens
 * the volumes, forks the workers and starts again those that die. It reads settings that
 * root wrote, and totals of the catalogues; nothing that strangers fill.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/command.h"
#include "base/log.h"
#include "guard/ask.h"
#include "guard/exchange.h"
#include "guard/guard.h"
#include "guard/held.h"
#include "crypto/secret_input.h"
#include "guard/seal_keys.h"
#include "guard/shadow.h"
#include "guard/start_book.h"
#include "guard/volumes.h"
#include "sys/service.h"

enum {
	/* touched all of it sooner or later, so this counts against what the guard may take */
	EVENTS_BYTES = 16 * 1024 * 1024,
	WORK_BYTES = 16 * 1024 * 1024, /* thirty thousand acts: a copy of a folder runs ahead of keep by a second */
	STOPS_BYTES = 256 * 1024,
	SAMPLES_BYTES = 2 * 1024 * 1024,
	FEATURES_BYTES = 256 * 1024,
	INDEX_ROOM = 256 * 1024, /* files that may come before the next start, at least; address space only */
	SETTINGS_MEMORY = 8 * 1024 * 1024,
	EXIT_AGAIN = -1, /* never an exit status: the workers begin again */
};

struct parent {
	struct bw_guard guard; /* first: workers find it in bw_seat_shared */
	struct bw_call *call;
	struct bw_arena arena;
	struct bw_shared board;
	struct bw_seal_keys keys;
	struct bw_exchange exchange;
	int lock;
	uint64_t files;    /* in the catalogues at the start */
	bool begins_again; /* whatever the settings say */
};

/* What a reload finds, while what it replaces is in use. */
static struct bw_guard_settings wanted_settings;
static struct bw_volume wanted_volumes[BW_VOLUMES_MAX];
static size_t wanted_count;

static const struct bw_worker workers[] = {
	/* name       runs            after start it may only */
	{ "watch", bw_watch_run, BW_MAY_WATCH },       /* reads kernel records; stops whom the judge names */
	{ "judge", bw_judge_run, BW_MAY_COMPUTE },     /* thinks: says who must be stopped */
	{ "keep", bw_keep_run, BW_MAY_KEEP },          /* copies; reads all, writes the shadow stores */
	{ "sampler", bw_sampler_run, BW_MAY_COMPUTE }, /* looks into contents */
	{ "scribe", bw_scribe_run, BW_MAY_STORE | BW_MAY_ACCEPT }, /* writes the ledger, answers root */
	{ "hand", bw_hand_run, 0 },                                /* confines itself: it starts programs */
	{ "reporter", bw_reporter_run, BW_MAY_COMPUTE },           /* reads records, writes reports */
	{ "witness", bw_witness_run, BW_MAY_KEEP },                /* hashes what reports name; writes nothing */
	{ "sealer", bw_sealer_run, BW_MAY_COMPUTE },               /* holds the keys, signs manifests */
	{ "caller", bw_caller_run, BW_MAY_CONNECT },         /* hears an exchange and tells it; knows its key alone */
	{ "reader", bw_foreign_reader_run, BW_MAY_COMPUTE }, /* reads what others said */
	{ NULL, NULL, 0 },
};

static const struct bw_link links[] = {
	{ "judge", "scribe" },  { "judge", "keep" },       { "scribe", "keep" },    { "judge", "hand" },
	{ "scribe", "hand" },   { "keep", "sampler" },     { "judge", "sampler" },  { "scribe", "reporter" },
	{ "scribe", "sealer" }, { "reporter", "witness" }, { "hand", "witness" },   { "caller", "reader" },
	{ "reader", "scribe" }, { "scribe", "caller" },    { "scribe", "witness" }, { NULL, NULL },
};

/* Told by scribe: as by SIGHUP, and served after the answer. */
static enum bw_err answer_reload(void *shared, const struct bw_member *from, struct bw_slice body, int fd,
				 struct bw_buf *reply, int *reply_fd)
{
	(void)shared;
	(void)from;
	(void)fd;
	(void)reply;
	(void)reply_fd;
	BW_NEED(body.len == 0, PROTOCOL);
	return kill(getpid(), SIGHUP) == 0 ? BW_OK : BW_ERR_SYSTEM;
}

/* More files than the index was made for: it is made anew, from what the catalogues hold by then. */
static enum bw_err answer_larger(void *shared, const struct bw_member *from, struct bw_slice body, int fd,
				 struct bw_buf *reply, int *reply_fd)
{
	struct parent *p = shared;

	p->begins_again = true;
	return answer_reload(shared, from, body, fd, reply, reply_fd);
}

static const struct bw_ask asks[] = {
	{ "scribe", BW_SEAT_ASK_RELOAD, answer_reload },
	{ "keep", BW_SEAT_ASK_LARGER, answer_larger },
	{ NULL, 0, NULL },
};

/*
 * Who does not hear its seat for so long hangs. Reading one file may take hours, so keep and witness are only named;
 * the programs that hand runs have their own limits, and their sum is below its.
 */
static const int silent_ms[] = { 20 * 1000,  60 * 1000,   -60 * 1000, 180 * 1000, 180 * 1000, 180 * 1000,
				 180 * 1000, -180 * 1000, 180 * 1000, 180 * 1000, 180 * 1000 };
_Static_assert(BW_COUNT(silent_ms) == BW_COUNT(workers) - 1, "one a row");

/* The rest is between bw_guard_of and the table of share.c. */
static size_t keep(void *shared, const struct bw_member *who, int out[BW_CREW_KEEP_MAX])
{
	const struct parent *p = shared;

	(void)who;
	return bw_guard_fds(&p->guard, out, BW_CREW_KEEP_MAX);
}

/* Whom it hears, and the key of its account. */
static enum bw_err tell_caller(const struct parent *p, struct bw_crew *crew, const struct bw_member *who)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf body = BW_BUF_INIT(BW_EXCHANGE_BYTES);

	BW_TRY(bw_buf_reserve(&body, BW_EXCHANGE_BYTES - 1)); /* as below */
	BW_TRY(bw_exchange_add(&body, &p->exchange));
	return bw_crew_tell(crew, who, BW_TELL_EXCHANGE, bw_buf_slice(&body), -1);
}

/* The sealer is told its keys; nobody else ever sees them. */
static enum bw_err started(void *shared, struct bw_crew *crew, const struct bw_member *who)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf body = BW_BUF_INIT(2 * BW_NODE_KEYS_FILE_MAX);
	const struct parent *p = shared;

	if (strcmp(who->name, "caller") == 0)
		return tell_caller(p, crew, who);
	if (strcmp(who->name, "sealer") != 0 || p->keys.file.len == 0)
		return BW_OK;
	/* room first: growing would leave copies of the passphrase behind in freed memory */
	BW_TRY(bw_buf_reserve(&body, 2 * BW_NODE_KEYS_FILE_MAX - 1));
	BW_TRY(bw_buf_add_block(&body, bw_buf_slice(&p->keys.file)));
	BW_TRY(bw_buf_add_block(&body, bw_secret_slice(&p->keys.passphrase)));
	return bw_crew_tell(crew, who, BW_TELL_SEAL_KEYS, bw_buf_slice(&body), -1);
}

static void ready(void *shared, struct bw_crew *crew)
{
	const struct parent *p = shared;

	(void)crew;
	(void)printf("breakwater: guard ready, %llu files in %zu tree%s\n", (unsigned long long)p->files,
		     p->guard.settings.tree_count, p->guard.settings.tree_count == 1 ? "" : "s");
	(void)fflush(stdout);
}

/* ---- other settings ------------------------------------------------------------------------ */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* What workers hold since their start and cannot change: volumes, what judge and hand do. */
static bool needs_new_workers(const struct parent *p, const struct bw_guard_settings *wanted)
{
	const struct bw_guard_settings *now = &p->guard.settings;
	bool same = wanted_count == p->guard.volume_count && now->mode == wanted->mode && now->salt == wanted->salt &&
		    same_text(now->mail, wanted->mail) && same_text(now->hook, wanted->hook) &&
		    same_text(now->samba, wanted->samba);

	for (size_t i = 0; i < wanted->tree_count && same; i++)
		same = bw_guard_settings_away(now, wanted->trees[i]) == NULL; /* else it is back */
	for (size_t i = 0; i < wanted->away_count && same; i++)
		same = bw_guard_settings_away(now, wanted->away[i].path) != NULL;
	for (size_t i = 0; i < wanted_count && same; i++)
		same = strcmp(wanted_volumes[i].mount, p->guard.volumes[i].mount) == 0;
	return !same;
}

/* Whether a guard could begin with them: one that runs is not given up for one that cannot start. */
static enum bw_err try_settings(struct bw_guard_settings *settings, struct bw_why *why)
{
	BW_TRY(bw_volumes_open(settings, wanted_volumes, &wanted_count, why));
	for (size_t i = 0; i < wanted_count; i++) {
		struct bw_shadow *shadow = NULL;

		BW_TRY(bw_shadow_open(&wanted_volumes[i], true, &shadow, why));
		bw_shadow_close(shadow);
	}
	return BW_OK;
}

static enum bw_err load_settings(const struct parent *p, struct bw_arena *arena, struct bw_guard_settings *out,
				 struct bw_why *why)
{
	const char *mode = bw_call_text(p->call, "mode");

	BW_TRY(bw_guard_settings_load(p->guard.data, arena, out, why));
	if (mode != NULL)
		out->mode = bw_guard_mode_of(mode);
	return BW_OK;
}

/* In place: workers that are forked later have them from here. */
static void take_over(struct parent *p, struct bw_arena *arena)
{
	bw_log(BW_NOTICE, "the settings are read again", BW_NUM("trees", wanted_settings.tree_count),
	       BW_NUM("left_out", wanted_settings.exclude_count));
	bw_arena_release(&p->arena);
	p->arena = *arena;
	*arena = BW_ARENA_INIT(SETTINGS_MEMORY);
	p->guard.settings = wanted_settings;
}

static enum bw_err reload_with(struct parent *p, struct bw_crew *crew, struct bw_arena *arena, struct bw_why *why)
{
	BW_TRY(load_settings(p, arena, &wanted_settings, why));
	if (wanted_settings.tree_count == 0) {
		bw_log(BW_NOTICE, "nothing is to be guarded any more: the guard ends", { 0 });
		bw_crew_stop(crew);
		return BW_OK;
	}
	BW_TRY(try_settings(&wanted_settings, why));
	if (!p->begins_again && !needs_new_workers(p, &wanted_settings)) {
		take_over(p, arena);
		return BW_OK;
	}
	bw_log(BW_NOTICE, "the workers begin again", BW_NUM("trees", wanted_settings.tree_count),
	       BW_NUM("file_systems", wanted_count));
	bw_crew_begin_again(crew);
	return BW_OK;
}

/*
 * SIGHUP, or a command that changed them. Trees on file systems that are guarded already, what is left out, quota and
 * age count at once: watch and keep read the settings themselves. For everything else the workers begin again, and
 * a walk finds what happened in between.
 */
static void reload(void *shared, struct bw_crew *crew)
{
	struct bw_arena arena = BW_ARENA_INIT(SETTINGS_MEMORY);
	struct bw_why why = { 0 };
	const enum bw_err err = reload_with(shared, crew, &arena, &why);

	if (err != BW_OK)
		bw_log(BW_ERROR, "the settings cannot be used; the guard goes on with those it has",
		       BW_TEXT("why", why.text[0] != '\0' ? why.text : bw_err_text(err)));
	bw_volumes_release(wanted_volumes, wanted_count);
	wanted_count = 0;
	bw_arena_release(&arena);
}

/* ---- what is shared ---------------------------------------------------------------------- */

/* Not fatal: most stores lie in a folder that only root may write in. */
static void hold_store(const struct bw_volume *volume)
{
	const enum bw_err err = bw_volume_hold_store(volume, true);

	if (err != BW_OK)
		bw_log(BW_WARNING, "whoever may write beside the store may rename it", BW_TEXT("store", volume->store),
		       BW_TEXT("why", bw_err_text(err)));
}

/* How large the index must be. The catalogue is closed again: no database crosses a fork. */
static enum bw_err count_files(struct parent *p, struct bw_why *why)
{
	for (size_t i = 0; i < p->guard.volume_count; i++) {
		struct bw_shelf_totals totals;
		struct bw_shadow *shadow;
		enum bw_err err;

		BW_TRY(bw_shadow_open(&p->guard.volumes[i], true, &shadow, why));
		err = bw_shelf_totals(bw_shadow_shelf(shadow), &totals);
		bw_shadow_close(shadow);
		if (err != BW_OK)
			return bw_why_set(why, err, "cannot read the catalogue of '%s': %s", p->guard.volumes[i].mount,
					  bw_err_text(err));
		p->files += totals.files;
		hold_store(&p->guard.volumes[i]);
	}
	return BW_OK;
}

static enum bw_err listen_to_all(struct parent *p, struct bw_why *why)
{
	BW_TRY(bw_ears_open(&p->guard.ears, why));
	for (size_t i = 0; i < p->guard.volume_count; i++)
		BW_TRY(bw_ears_add(&p->guard.ears, &p->guard.volumes[i], why));
	return BW_OK;
}

static enum bw_err make_shared(struct parent *p)
{
	struct bw_guard *guard = &p->guard;

	BW_TRY(bw_index_new((size_t)p->files + INDEX_ROOM, &guard->index));
	BW_TRY(bw_ring_new("guard-events", EVENTS_BYTES, &guard->events));
	BW_TRY(bw_ring_new("guard-work", WORK_BYTES, &guard->work));
	BW_TRY(bw_ring_new("guard-stops", STOPS_BYTES, &guard->stops));
	BW_TRY(bw_ring_new("guard-samples", SAMPLES_BYTES, &guard->samples));
	BW_TRY(bw_ring_new("guard-features", FEATURES_BYTES, &guard->features));
	BW_TRY(bw_shared_new("guard-board", sizeof(struct bw_guard_board), &p->board));
	guard->board = &p->board;
	return BW_OK;
}

static void release(struct parent *p)
{
	struct bw_guard *guard = &p->guard;
	struct bw_guard again;

	bw_index_free(guard->index);
	bw_ring_free(guard->events);
	bw_ring_free(guard->work);
	bw_ring_free(guard->stops);
	bw_ring_free(guard->samples);
	bw_ring_free(guard->features);
	if (guard->board != NULL)
		bw_shared_release(&p->board);
	bw_volumes_release(guard->volumes, guard->volume_count);
	bw_ears_close(&guard->ears);
	bw_arena_release(&p->arena);
	/* all but keys and lock, which stay ours until the process ends */
	again = (struct bw_guard){ .data = guard->data,
				   .ears = { .names = -1, .changes = -1 },
				   .require_sandbox = guard->require_sandbox };
	memcpy(again.node, guard->node, sizeof(again.node));
	memcpy(again.exchange, guard->exchange, sizeof(again.exchange));
	again.exchange_count = guard->exchange_count;
	memcpy(again.reports_to, guard->reports_to, sizeof(again.reports_to));
	again.reports = guard->reports;
	again.reports_when_approved = guard->reports_when_approved;
	p->guard = again;
	p->begins_again = false;
	p->arena = BW_ARENA_INIT(SETTINGS_MEMORY);
	p->board = (struct bw_shared){ .fd = -1 };
}

/* ---- the command ---------------------------------------------------------------------------- */

/* A guard without keys guards all the same: its reports are not sealed, which they say. */
static void open_keys(struct parent *p)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret passphrase = { 0 };
	const char *path = bw_call_text(p->call, "passphrase-file");
	struct bw_why why = { 0 };
	enum bw_err err;

	if (path != NULL)
		err = bw_secret_from_file(path, BW_PASSPHRASE_MAX, &passphrase, &why);
	else
		err = bw_service_credential("node-passphrase", &passphrase, &why);
	if (err == BW_OK || err == BW_ERR_NOT_FOUND)
		err = bw_seal_keys_load(p->guard.data, &passphrase, &p->keys, &why);
	if (err == BW_OK)
		memcpy(p->guard.node, p->keys.name, sizeof(p->guard.node));
	else
		bw_log(BW_ERROR, "evidence will not be sealed",
		       BW_TEXT("why", why.text[0] != '\0' ? why.text : bw_err_text(err)));
}

static enum bw_err take_lock(struct parent *p, struct bw_why *why)
{
	char path[BW_PATH_BYTES];

	if (p->lock >= 0)
		return BW_OK; /* the workers begin again */
	BW_TRY(bw_path_join(path, p->guard.data, "guard/lock"));
	return bw_lock_take(path, &p->lock, why);
}

static enum bw_err open_all(struct parent *p, struct bw_why *why)
{
	struct bw_guard *guard = &p->guard;
	enum bw_err err;

	p->files = 0;
	BW_TRY(load_settings(p, &p->arena, &guard->settings, why));
	if (guard->settings.tree_count == 0)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "nothing is guarded below '%s' yet", guard->data);
	BW_TRY(take_lock(p, why));
	BW_TRY(bw_volumes_open(&guard->settings, guard->volumes, &guard->volume_count, why));
	bw_volumes_log_away(&guard->settings);
	BW_TRY(listen_to_all(p, why));
	BW_TRY(count_files(p, why));
	if (p->keys.file.len == 0) /* else the workers begin again */
		open_keys(p);
	err = make_shared(p);
	return err == BW_OK ? BW_OK : bw_why_set(why, err, "cannot make what the workers share: %s", bw_err_text(err));
}

static const char *hint_for(enum bw_err err)
{
	switch (err) {
	case BW_ERR_NOT_FOUND:
		return "take a folder in: breakwater guard enroll DIR";
	case BW_ERR_MISSING:
		return BW_AWAY_NEXT;
	case BW_ERR_BUSY:
		return "a guard or an enrolment is already running on these files";
	default:
		return NULL;
	}
}

/* They stand still without a guard, too; only the week after which they go on is counted by one. */
static void say_held(const char *data)
{
	struct bw_holds holds;

	if (bw_holds_load(data, &holds) == BW_OK && holds.still > 0)
		bw_log(BW_WARNING, "whoever was held stands still: guard status names him",
		       BW_NUM("processes", holds.still));
	bw_holds_release(&holds);
}

static int run_with(struct parent *p)
{
	const unsigned speaks = p->guard.exchange_count > 0 || p->guard.reports;
	const unsigned copies[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, speaks, speaks };
	const struct bw_crew_plan plan = { .workers = workers,
					   .links = links,
					   .copies = copies,
					   .asks = asks,
					   .shared = p,
					   .keep = keep,
					   .silent_ms = silent_ms,
					   .started = started,
					   .ready = ready,
					   .reload = reload };
	struct bw_why why = { 0 };
	enum bw_err err = open_all(p, &why);

	_Static_assert(BW_COUNT(copies) == BW_COUNT(workers) - 1, "one a row");
	if (err != BW_OK)
		return bw_complain(p->call, BW_EXIT_FAILED, hint_for(err), "%s",
				   why.text[0] != '\0' ? why.text : bw_err_text(err));
	bw_start_begin(p->guard.data, p->guard.volumes, p->guard.volume_count);
	err = bw_crew_run(&plan, &why);
	bw_start_end(p->guard.data, p->guard.volumes, p->guard.volume_count);
	if (err == BW_ERR_AGAIN)
		return EXIT_AGAIN;
	if (err == BW_OK) {
		bw_log(BW_NOTICE, "the guard has stopped: nothing new is copied, and nobody is stopped");
		say_held(p->guard.data);
	}
	if (err != BW_OK)
		return bw_complain(p->call, BW_EXIT_FAILED, "the lines above tell why", "the guard has stopped: %s",
				   why.text[0] != '\0' ? why.text : bw_err_text(err));
	return BW_EXIT_OK;
}

static enum bw_err open_exchange(struct parent *p, struct bw_why *why)
{
	BW_TRY(bw_exchange_read(p->call, &p->exchange, why));
	p->guard.exchange_count = p->exchange.count;
	memcpy(p->guard.exchange, p->exchange.names, sizeof(p->guard.exchange));
	p->guard.reports = p->exchange.reports;
	p->guard.reports_when_approved = strcmp(bw_call_text(p->call, "report-when"), "approved") == 0;
	memcpy(p->guard.reports_to, p->exchange.report_name, sizeof(p->guard.reports_to));
	return BW_OK;
}

static int run_run(struct bw_call *call)
{
	struct bw_why why = { 0 };
	struct parent *p;
	int status;

	if (geteuid() != 0)
		return bw_complain(call, BW_EXIT_FAILED, "run it as root, or as the service breakwater-guard",
				   "the guard needs root: it keeps copies of everybody's files");
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return bw_complain(call, BW_EXIT_FAILED, NULL, "out of memory");
	p->call = call;
	p->arena = BW_ARENA_INIT(SETTINGS_MEMORY);
	p->lock = -1;
	p->guard.data = bw_call_data(call);
	p->guard.ears = (struct bw_ears){ .names = -1, .changes = -1 };
	p->guard.require_sandbox = bw_call_flag(call, "require-sandbox");
	if (open_exchange(p, &why) != BW_OK) {
		free(p);
		return bw_complain(call, BW_EXIT_USAGE, NULL, "%s", why.text);
	}
	do {
		status = run_with(p);
		release(p);
	} while (status == EXIT_AGAIN);
	bw_seal_keys_release(&p->keys);
	bw_exchange_release(&p->exchange);
	if (p->lock >= 0)
		(void)close(p->lock);
	free(p);
	return status;
}

static const struct bw_option run_options[] = {
	{ .name = "mode",
	  .kind = BW_OPT_CHOICE,
	  .choices = "observe|hold|enforce",
	  .help = "observe: report only; hold: freeze the actor until a person decides; enforce: stop it. Without it "
		  "what enroll was told" },
	{ .name = "passphrase-file",
	  .kind = BW_OPT_TEXT,
	  .value_name = "FILE",
	  .help = "passphrase of the node keys of the exchange in the same data folder, which then seal the evidence; "
		  "without it the guard has keys of its own" },
	BW_EXCHANGE_OPTIONS,
	{ .name = "require-sandbox",
	  .kind = BW_OPT_FLAG,
	  .help = "do not start on a kernel that cannot confine the workers" },
	{ 0 },
};

const struct bw_command bw_guard_run_command = {
	.name = "run",
	.summary = "guard what was enrolled",
	.usage = "[--mode MODE] [--exchange URL] [--report-to URL] [--key FILE]",
	.details =
		"Runs until it is stopped, and prints one line when it is ready. Stopped or killed, it goes on where "
		"it was: at the next start only what changed meanwhile is copied.",
	.options = run_options,
	.max_args = 0,
	.run = run_run,
};
