/* `breakwater push URL`: what we have and another TAXII 2.1 server does not. */
#include <assert.h>
#include <stdio.h>

#include "base/progress.h"
#include "codec/json_text.h"
#include "desk/desk_command.h"
#include "serve/push.h"

struct job {
	struct bw_call *call;
	struct bw_remote *remote;
	struct bw_ingest ingest;
	struct bw_progress progress;
	struct bw_url start;
	char from[BW_UUID_TEXT]; /* the collection's id, whatever it was called by */
};

static void on_page(void *ctx, const struct bw_push *push)
{
	struct job *job = ctx;

	bw_progress_at(&job->progress, push->sent);
}

static enum bw_err write_json(const struct bw_push *push, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "collection", bw_slice_text(push->to->collection.id)));
	BW_TRY(bw_json_add_text(out, "title", bw_slice_text(push->to->collection.title)));
	BW_TRY(bw_json_add_text(out, "from", bw_slice_text(push->from)));
	BW_TRY(bw_json_add_num(out, "pages", (int64_t)push->pages));
	BW_TRY(bw_json_add_num(out, "objects", (int64_t)push->sent));
	BW_TRY(bw_json_add_num(out, "refused", (int64_t)push->refused));
	BW_TRY(bw_json_add_num(out, "pending", (int64_t)push->unsettled));
	return bw_buf_add_u8(out, '}');
}

static int tell(const struct bw_call *call, const struct bw_push *push)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(16 * BW_KIB);
	const char *title = push->to->collection.title;

	if (bw_call_json(call)) {
		(void)bw_print_json(call, write_json(push, &json), &json);
	} else {
		bw_print_foreign(bw_slice_text(title[0] == '\0' ? push->to->collection.id : title));
		(void)printf(": %llu objects sent, %llu refused there\n", (unsigned long long)push->sent,
			     (unsigned long long)push->refused);
	}
	if (push->unsettled > 0)
		(void)bw_complain(call, BW_EXIT_OK, NULL,
				  "%llu objects were taken, but the server had not decided on them "
				  "when we stopped waiting",
				  (unsigned long long)push->unsettled);
	if (push->refused > 0)
		return bw_complain(call, BW_EXIT_FOUND, NULL, "%llu objects refused there%s%s",
				   (unsigned long long)push->refused, push->first_refusal[0] == '\0' ? "" : ", e.g. ",
				   push->first_refusal);
	return BW_EXIT_OK;
}

/* The one collection meant: the named one, or the only one we may write to. */
static enum bw_err choose(const struct bw_call *call, const struct bw_remote_places *places,
			  const struct bw_remote_place **out, struct bw_why *why)
{
	const char *name = bw_call_text(call, "collection");
	const struct bw_remote_place *found = NULL;

	for (size_t i = 0; i < places->count; i++) {
		const struct bw_remote_place *place = &places->list[i];

		if (name == NULL ? !place->collection.can_write : !bw_remote_is_called(&place->collection, name))
			continue;
		if (found != NULL)
			return bw_why_set(why, BW_ERR_USAGE,
					  "more than one collection fits: name one with --collection ID, "
					  "e.g. '%s' or '%s'",
					  found->collection.id, place->collection.id);
		found = place;
	}
	if (found == NULL && name != NULL)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "the server shows us no collection '%s'", name);
	if (found == NULL)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "the server shows us no collection that we may write to");
	if (!found->collection.can_write)
		return bw_why_set(why, BW_ERR_DENIED, "we may not write to '%s' there", found->collection.id);
	*out = found;
	return BW_OK;
}

static enum bw_err push_to(struct job *job, const struct bw_remote_place *to, int *status, struct bw_why *why)
{
	char origin[BW_URL_TEXT_BYTES];
	struct bw_sync_state state;
	struct bw_push push = {
		.remote = job->remote,
		.ingest = &job->ingest,
		.to = to,
		.from = job->from,
		.state = &state,
		.on_page = on_page,
		.ctx = job,
	};
	enum bw_err err;

	job->start.target[1] = '\0';
	bw_url_text(&job->start, origin);
	BW_TRY(bw_sync_state_at(bw_call_data(job->call), "push", origin, to->target, push.from, &state, why));
	if (bw_call_flag(job->call, "again"))
		BW_TRY(bw_sync_state_drop(&state, why));
	bw_progress_begin(&job->progress, "pushing", "objects", 0, bw_call_flag(job->call, "quiet"));
	err = bw_push_run(&push, why);
	bw_progress_end(&job->progress);
	if (err == BW_OK || push.pages > 0)
		*status = tell(job->call, &push);
	return err;
}

static enum bw_err run(struct job *job, int *status, struct bw_why *why)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(64 * BW_MIB);
	const struct bw_remote_place *to = NULL;
	struct bw_remote_places places;
	enum bw_err err;

	BW_TRY(bw_remote_open(job->call, bw_call_arg(job->call, 0), &job->remote, &job->start, why));
	BW_TRY(bw_remote_find(job->remote, &job->start, &arena, &places, why));
	BW_TRY(choose(job->call, &places, &to, why));
	assert(to != NULL);
	BW_TRY(bw_ingest_open(bw_call_data(job->call), &job->ingest, why));
	err = job->ingest.find(job->ingest.ctx, bw_call_text(job->call, "from"), job->from, why);
	if (err == BW_OK)
		err = push_to(job, to, status, why);
	job->ingest.close(job->ingest.ctx);
	return err;
}

static int push_run(struct bw_call *call)
{
	struct job job = { .call = call };
	struct bw_why why = { "" };
	int status = BW_EXIT_OK;
	enum bw_err err;

	if (bw_call_text(call, "from") == NULL)
		return bw_complain(call, BW_EXIT_USAGE, "see: breakwater collection list",
				   "say which of our collections is sent: --from NAME");
	err = run(&job, &status, &why);
	bw_remote_close(job.remote);
	return err == BW_OK ? status : bw_remote_complain(call, err, &why);
}

static const struct bw_option push_options[] = {
	{ .name = "from",
	  .kind = BW_OPT_TEXT,
	  .value_name = "NAME",
	  .help = "id, alias or title of the collection here that is sent" },
	{ .name = "collection",
	  .kind = BW_OPT_TEXT,
	  .value_name = "NAME",
	  .help = "id, alias or title of the collection there; needed when we may write to several" },
	{ .name = "again", .kind = BW_OPT_FLAG, .help = "from the start, whatever was pushed before" },
	BW_REMOTE_OPTIONS,
	{ 0 },
};

const struct bw_command bw_push_command = {
	.name = "push",
	.summary = "send what is new here to another TAXII 2.1 server",
	.usage = "--from NAME [--collection NAME] URL",
	.details =
		"URL is a server's discovery (https://host/taxii2/), an API root or a collection, or just a domain "
		"whose "
		"DNS names the server (SRV _taxii2._tcp). All versions are "
		"sent, "
		"oldest first, in pages that the server takes; what became of each is read from its status resource. "
		"The next push sends only what was added here since. Everything in the collection is sent, whatever "
		"its "
		"markings: who may see what is decided by what you put into it.",
	.options = push_options,
	.min_args = 1,
	.max_args = 1,
	.run = push_run,
};
