/* `breakwater pull URL`: what another TAXII 2.1 server has and we do not. */
#include <stdio.h>

#include "base/progress.h"
#include "codec/json_text.h"
#include "desk/desk_command.h"
#include "serve/pull.h"

struct job {
	struct bw_call *call;
	struct bw_remote *remote;
	struct bw_ingest ingest;
	struct bw_progress progress;
	char origin[BW_URL_TEXT_BYTES];
	uint64_t before; /* objects of the collections that are done */
	int status;
};

static void on_page(void *ctx, const struct bw_pull *pull)
{
	struct job *job = ctx;

	bw_progress_at(&job->progress, job->before + pull->sum.objects);
}

/* ---- telling ----------------------------------------------------------------- */

static const char *words_for(enum bw_walk_step end)
{
	switch (end) {
	case BW_WALK_LOOP:
		return "the server repeats itself; stopped there";
	case BW_WALK_BLIND:
		return "the server says there is more, but neither 'next' nor X-TAXII-Date-Added-Last to go on with";
	case BW_WALK_ON:
	case BW_WALK_DONE:
		break;
	}
	return NULL;
}

static enum bw_err write_json(const struct bw_pull *pull, struct bw_buf *out)
{
	const struct bw_ingest_outcome *sum = &pull->sum;

	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "collection", bw_slice_text(pull->from->collection.id)));
	BW_TRY(bw_json_add_text(out, "title", bw_slice_text(pull->from->collection.title)));
	BW_TRY(bw_json_add_text(out, "into", bw_slice_text(pull->into)));
	BW_TRY(bw_json_add_num(out, "pages", (int64_t)pull->pages));
	BW_TRY(bw_json_add_num(out, "objects", (int64_t)sum->objects));
	BW_TRY(bw_json_add_num(out, "added", (int64_t)sum->added));
	BW_TRY(bw_json_add_num(out, "duplicate", (int64_t)sum->duplicate));
	BW_TRY(bw_json_add_num(out, "conflict", (int64_t)sum->conflict));
	BW_TRY(bw_json_add_num(out, "refused", (int64_t)sum->refused));
	BW_TRY(bw_json_add_bool(out, "complete", pull->end == BW_WALK_DONE && !pull->may_lose));
	return bw_buf_add_u8(out, '}');
}

static void tell(struct job *job, const struct bw_pull *pull)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(16 * BW_KIB);
	const struct bw_ingest_outcome *sum = &pull->sum;
	const char *title = pull->from->collection.title;
	const unsigned long long refused = sum->refused + sum->conflict;

	if (bw_call_json(job->call)) {
		(void)bw_print_json(job->call, write_json(pull, &json), &json);
		return;
	}
	bw_print_foreign(bw_slice_text(title[0] == '\0' ? pull->from->collection.id : title));
	(void)printf(": %llu objects, %llu added, %llu already here, %llu refused\n", (unsigned long long)sum->objects,
		     (unsigned long long)sum->added, (unsigned long long)sum->duplicate, refused);
}

/* What was not as it should be; says so and makes the exit status say so. */
static void tell_doubts(struct job *job, const struct bw_pull *pull)
{
	const struct bw_ingest_outcome *sum = &pull->sum;
	const char *id = pull->from->collection.id;

	if (words_for(pull->end) != NULL)
		job->status = bw_complain(job->call, BW_EXIT_FOUND, NULL, "collection '%s' is not complete: %s", id,
					  words_for(pull->end));
	if (pull->may_lose)
		job->status =
			bw_complain(job->call, BW_EXIT_FOUND, "try a larger --limit",
				    "collection '%s': more objects than a page holds were added at one instant, and "
				    "the server gives no 'next'; some may be missing",
				    id);
	if (pull->newest_only)
		(void)bw_complain(job->call, BW_EXIT_OK, NULL,
				  "collection '%s': the server does not give old versions, only the newest", id);
	if (sum->conflict > 0)
		job->status =
			bw_complain(job->call, BW_EXIT_FOUND, NULL,
				    "collection '%s': %llu objects are here already under the same version with other "
				    "content; ours stay",
				    id, (unsigned long long)sum->conflict);
	if (sum->refused > 0)
		job->status = bw_complain(job->call, BW_EXIT_FOUND, NULL,
					  "collection '%s': %llu objects refused, e.g. %s", id,
					  (unsigned long long)sum->refused, sum->first_refusal);
}

/* ---- doing -------------------------------------------------------------------- */

static enum bw_err pull_one(struct job *job, const struct bw_remote_place *place, const char *into, struct bw_why *why)
{
	struct bw_sync_state state;
	struct bw_pull pull = {
		.remote = job->remote,
		.ingest = &job->ingest,
		.from = place,
		.into = into,
		.state = &state,
		.limit = (uint32_t)bw_call_num(job->call, "limit"),
		.on_page = on_page,
		.ctx = job,
	};
	enum bw_err err;

	BW_TRY(bw_sync_state_at(bw_call_data(job->call), "pull", job->origin, place->target, into, &state, why));
	if (bw_call_flag(job->call, "again"))
		BW_TRY(bw_sync_state_drop(&state, why));
	err = bw_pull_run(&pull, why);
	bw_progress_end(&job->progress);
	job->before += pull.sum.objects;
	if (err != BW_OK && pull.pages == 0)
		return err;
	tell(job, &pull);
	tell_doubts(job, &pull);
	return err;
}

static bool is_wanted(const struct bw_call *call, const struct bw_remote_collection *collection)
{
	const size_t count = bw_call_count(call, "collection");

	for (size_t i = 0; i < count; i++)
		if (bw_remote_is_called(collection, bw_call_nth(call, "collection", i)))
			return true;
	return count == 0;
}

/* Every name the user gave must be there, and readable. */
static enum bw_err check_wanted(const struct bw_call *call, const struct bw_remote_places *places, struct bw_why *why)
{
	for (size_t i = 0; i < bw_call_count(call, "collection"); i++) {
		const char *name = bw_call_nth(call, "collection", i);
		bool found = false;

		for (size_t p = 0; p < places->count && !found; p++)
			found = bw_remote_is_called(&places->list[p].collection, name);
		if (!found)
			return bw_why_set(why, BW_ERR_NOT_FOUND, "the server shows us no collection '%s'", name);
	}
	return BW_OK;
}

static enum bw_err pull_all(struct job *job, const struct bw_remote_places *places, struct bw_why *why)
{
	char into[BW_UUID_TEXT];
	size_t done = 0;

	BW_TRY(job->ingest.find(job->ingest.ctx, bw_call_text(job->call, "into"), into, why));
	BW_TRY(check_wanted(job->call, places, why));
	for (size_t i = 0; i < places->count; i++) {
		const struct bw_remote_place *place = &places->list[i];

		if (!place->collection.can_read || !is_wanted(job->call, &place->collection))
			continue;
		BW_TRY(pull_one(job, place, into, why));
		done++;
	}
	if (done == 0)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "the server shows us no collection that we may read");
	return BW_OK;
}

static enum bw_err run(struct job *job, struct bw_why *why)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(64 * BW_MIB);
	struct bw_remote_places places;
	struct bw_url start;
	enum bw_err err;

	BW_TRY(bw_remote_open(job->call, bw_call_arg(job->call, 0), &job->remote, &start, why));
	BW_TRY(bw_remote_find(job->remote, &start, &arena, &places, why));
	start.target[1] = '\0';
	bw_url_text(&start, job->origin);
	if (places.foreign_roots > 0)
		(void)bw_complain(job->call, BW_EXIT_OK, "to follow it, pull its own URL",
				  "the server names an API root elsewhere, which is left out: '%s'",
				  places.foreign_example);
	BW_TRY(bw_ingest_open(bw_call_data(job->call), &job->ingest, why));
	bw_progress_begin(&job->progress, "pulling", "objects", 0, bw_call_flag(job->call, "quiet"));
	err = pull_all(job, &places, why);
	bw_progress_end(&job->progress);
	job->ingest.close(job->ingest.ctx);
	return err;
}

static int pull_run(struct bw_call *call)
{
	struct job job = { .call = call, .status = BW_EXIT_OK };
	struct bw_why why = { "" };
	enum bw_err err;

	if (bw_call_text(call, "into") == NULL)
		return bw_complain(call, BW_EXIT_USAGE, "see: breakwater collection list",
				   "say which of our collections the objects go into: --into NAME");
	err = run(&job, &why);
	bw_remote_close(job.remote);
	return err == BW_OK ? job.status : bw_remote_complain(call, err, &why);
}

static const struct bw_option pull_options[] = {
	{ .name = "into",
	  .kind = BW_OPT_TEXT,
	  .value_name = "NAME",
	  .help = "id, alias or title of the collection here that the objects go into" },
	{ .name = "collection",
	  .kind = BW_OPT_TEXT,
	  .value_name = "NAME",
	  .repeat = true,
	  .help = "id, alias or title of a collection there; without it, all we may read" },
	{ .name = "limit",
	  .kind = BW_OPT_NUM,
	  .unit = "objects",
	  .min = 1,
	  .max = BW_WALK_LIMIT_MAX,
	  .fallback = "1000",
	  .help = "objects to ask for in one page" },
	{ .name = "again", .kind = BW_OPT_FLAG, .help = "from the start, whatever was pulled before" },
	BW_REMOTE_OPTIONS,
	{ 0 },
};

const struct bw_command bw_pull_command = {
	.name = "pull",
	.summary = "fetch what is new at another TAXII 2.1 server",
	.usage = "--into NAME [--collection NAME] URL",
	.details = "URL is a server's discovery (https://host/taxii2/), an API root or a collection, or just a domain "
		   "whose "
		   "DNS names the server (SRV _taxii2._tcp). Each page is stored "
		   "before the place in the walk is saved, so a pull that was cut short goes on where it was, and the "
		   "next "
		   "one fetches only what is new. All versions are fetched where the server gives them. Works with "
		   "servers that give many objects one date or no 'next', and says so when something may be missing. "
		   "Credentials go to the host in URL only.",
	.options = pull_options,
	.min_args = 1,
	.max_args = 1,
	.run = pull_run,
};
