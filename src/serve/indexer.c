/*
 * The indexer worker moves stored rows into the indexes that search needs, a
 * bounded piece at a time, at the lowest priority: nobody waits for it, and how
 * far it is behind is shown (metrics, `breakwater search`).
 */
#include <stdlib.h>
#include <sys/resource.h>

#include "base/command.h"
#include "base/log.h"
#include "desk/form.h"
#include "desk/post.h"
#include "serve/ask.h"
#include "serve/settings.h"
#include "serve/workers.h"
#include "store/search.h"

enum {
	IDLE_MS = 500, /* until it looks again when there was nothing to do */
	BUSY_MS = 1,
	TROUBLE_MS = 5000, /* after an error: a full disk does not empty itself at once */
	PRIORITY = 10,
};

struct indexer {
	struct bw_post *post;
	const char *data;
	struct bw_store *store;
	struct bw_serve_settings settings;
	bool in_trouble;
};

static void on_wake(void *ctx)
{
	struct indexer *indexer = ctx;
	bool more = false;
	enum bw_err err;

	if (indexer->store == NULL)
		return;
	err = bw_store_index_step(indexer->store, &more);
	if (err != BW_OK && err != BW_ERR_BUSY && !indexer->in_trouble)
		bw_log(BW_WARNING, "search is falling behind", BW_TEXT("error", bw_err_text(err)),
		       BW_TEXT("why", bw_store_why(indexer->store)));
	indexer->in_trouble = err != BW_OK && err != BW_ERR_BUSY;
	bw_post_wake_in(indexer->post, indexer->in_trouble ? TROUBLE_MS : more ? BUSY_MS : IDLE_MS);
}

static enum bw_err told(void *ctx, const struct bw_frame *message, int fd)
{
	struct indexer *indexer = ctx;
	struct bw_store_options options = { .dir = indexer->data, .role = BW_STORE_READER, .catalogue_fd = fd };
	struct bw_store *fresh;
	struct bw_form form;
	uint64_t what;

	if (message->kind == BW_TELL_SETTINGS)
		return bw_settings_take(message->body, &indexer->settings);
	if (message->kind != BW_TELL_MEMORY)
		return BW_OK;
	BW_TRY(bw_form_take(message->body, 1, &form));
	BW_TRY(bw_form_num(&form, 0, 1, &what));
	if (what != BW_MEMORY_CATALOGUE)
		return BW_OK;
	BW_TRY(bw_store_open(&options, &fresh));
	bw_store_close(indexer->store);
	indexer->store = fresh;
	return BW_OK;
}

static const struct bw_post_rule indexer_rules[] = { { 0 } };

static enum bw_err run_indexer(struct indexer *indexer, struct bw_seat *seat)
{
	const struct bw_serve_shared *shared = bw_seat_shared(seat);
	const struct bw_post_plan plan = { .rules = indexer_rules,
					   .ctx = indexer,
					   .told = told,
					   .wake_ms = IDLE_MS,
					   .woken = on_wake,
					   .guests_fd = -1 };
	const struct bw_sandbox_paths paths = { .folder = shared->store };
	struct bw_why why = { 0 };

	indexer->data = shared->data;
	BW_TRY(bw_post_new(seat, &plan, &indexer->post));
	BW_TRY(bw_post_wait_for(indexer->post, BW_TELL_SETTINGS, 20000));
	(void)setpriority(PRIO_PROCESS, 0, PRIORITY);
	BW_TRY(bw_seat_confine(seat, &paths, indexer->settings.require_sandbox, &why));
	BW_TRY(bw_seat_ready(seat));
	return bw_post_run(indexer->post);
}

int bw_indexer_run(struct bw_seat *seat)
{
	struct indexer indexer = { 0 };
	const enum bw_err err = run_indexer(&indexer, seat);

	if (err != BW_OK && err != BW_ERR_CLOSED)
		bw_log(BW_ERROR, "indexer ends", BW_TEXT("why", bw_err_text(err)));
	bw_post_free(indexer.post);
	bw_store_close(indexer.store);
	return err == BW_OK || err == BW_ERR_CLOSED ? BW_EXIT_OK : BW_EXIT_FAILED;
}
