/*
 * `breakwater guard run`: the parent. It makes what the workers share (index, rings, board), opens
 * the volumes, forks the workers and starts again those that die. It reads settings that
 * root wrote, and totals of the catalogues; nothing that strangers fill.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/command.h"
#include "base/log.h"
#include "guard/guard.h"
#include "crypto/secret_input.h"
#include "guard/seal_keys.h"
#include "guard/shadow.h"
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
};

struct parent {
	struct bw_guard guard; /* first: workers find it in bw_seat_shared */
	struct bw_call *call;
	struct bw_arena arena;
	struct bw_shared board;
	struct bw_seal_keys keys;
	int lock;
	uint64_t files; /* in the catalogues at the start */
};

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
	{ NULL, NULL, 0 },
};

static const struct bw_link links[] = {
	{ "judge", "scribe" },  { "judge", "keep" },       { "scribe", "keep" },   { "judge", "hand" },
	{ "scribe", "hand" },   { "keep", "sampler" },     { "judge", "sampler" }, { "scribe", "reporter" },
	{ "scribe", "sealer" }, { "reporter", "witness" }, { "hand", "witness" },  { NULL, NULL },
};

/* The rest is between bw_guard_of and the table of share.c. */
static size_t keep(void *shared, const struct bw_member *who, int out[BW_CREW_KEEP_MAX])
{
	const struct parent *p = shared;

	(void)who;
	return bw_guard_fds(&p->guard, out, BW_CREW_KEEP_MAX);
}

/* The sealer is told its keys; nobody else ever sees them. */
static enum bw_err started(void *shared, struct bw_crew *crew, const struct bw_member *who)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf body = BW_BUF_INIT(2 * BW_NODE_KEYS_FILE_MAX);
	const struct parent *p = shared;

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

/* ---- what is shared ---------------------------------------------------------------------- */

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
	bw_seal_keys_release(&p->keys);
	if (p->lock >= 0)
		(void)close(p->lock);
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

static enum bw_err open_all(struct parent *p, struct bw_why *why)
{
	struct bw_guard *guard = &p->guard;
	const char *mode = bw_call_text(p->call, "mode");
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(bw_guard_settings_load(guard->data, &p->arena, &guard->settings, why));
	if (guard->settings.tree_count == 0)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "nothing is guarded below '%s' yet", guard->data);
	if (mode != NULL)
		guard->settings.mode = bw_guard_mode_of(mode);
	BW_TRY(bw_path_join(path, guard->data, "guard/lock"));
	BW_TRY(bw_lock_take(path, &p->lock, why));
	BW_TRY(bw_volumes_open(&guard->settings, guard->volumes, &guard->volume_count, why));
	BW_TRY(listen_to_all(p, why));
	BW_TRY(count_files(p, why));
	open_keys(p);
	err = make_shared(p);
	return err == BW_OK ? BW_OK : bw_why_set(why, err, "cannot make what the workers share: %s", bw_err_text(err));
}

static const char *hint_for(enum bw_err err)
{
	switch (err) {
	case BW_ERR_NOT_FOUND:
		return "take a folder in: breakwater guard enroll DIR";
	case BW_ERR_BUSY:
		return "a guard or an enrolment is already running on these files";
	default:
		return NULL;
	}
}

static int run_with(struct parent *p)
{
	const struct bw_crew_plan plan = {
		.workers = workers, .links = links, .shared = p, .keep = keep, .started = started, .ready = ready
	};
	struct bw_why why = { 0 };
	enum bw_err err = open_all(p, &why);

	if (err != BW_OK)
		return bw_complain(p->call, BW_EXIT_FAILED, hint_for(err), "%s",
				   why.text[0] != '\0' ? why.text : bw_err_text(err));
	err = bw_crew_run(&plan, &why);
	if (err != BW_OK)
		return bw_complain(p->call, BW_EXIT_FAILED, "the lines above tell why", "the guard has stopped: %s",
				   why.text[0] != '\0' ? why.text : bw_err_text(err));
	return BW_EXIT_OK;
}

static int run_run(struct bw_call *call)
{
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
	status = run_with(p);
	release(p);
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
	{ .name = "require-sandbox",
	  .kind = BW_OPT_FLAG,
	  .help = "do not start on a kernel that cannot confine the workers" },
	{ 0 },
};

const struct bw_command bw_guard_run_command = {
	.name = "run",
	.summary = "guard what was enrolled",
	.usage = "[--mode MODE]",
	.details =
		"Runs until it is stopped, and prints one line when it is ready. Stopped or killed, it goes on where "
		"it was: at the next start only what changed meanwhile is copied.",
	.options = run_options,
	.max_args = 0,
	.run = run_run,
};
