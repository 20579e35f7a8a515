#include "serve/pull.h"

#include <stdio.h>

#include "crypto/hash.h"
#include "sys/memfile.h"

enum { TARGET_MAX = 16 * 1024, LOST_MAX = 3 /* answers in a row */ };

static enum bw_err load_walk(const struct bw_pull *pull, struct bw_walk *walk, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_SYNC_STATE_MAX);
	const enum bw_err err = bw_sync_state_load(pull->state, &text, why);

	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	/* A state nobody can read means from the start: what is here already is skipped. */
	if (bw_walk_load(walk, bw_buf_slice(&text)) != BW_OK)
		return bw_sync_state_drop(pull->state, why);
	return BW_OK;
}

static enum bw_err save_walk(const struct bw_pull *pull, const struct bw_walk *walk, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_SYNC_STATE_MAX);

	BW_TRY(bw_walk_save(walk, &text));
	return bw_sync_state_save(pull->state, bw_buf_slice(&text), why);
}

static enum bw_err make_target(const struct bw_pull *pull, const struct bw_walk *walk, struct bw_buf *out)
{
	BW_TRY(bw_buf_addf(out, "%sobjects/", pull->from->target));
	BW_TRY(bw_walk_query(walk, out));
	if (!pull->newest_only)
		BW_TRY(bw_buf_add_text(out, "&match%5Bversion%5D=all"));
	return BW_OK;
}

/* What can be asked differently is; true: ask again. */
static bool try_otherwise(struct bw_pull *pull, struct bw_walk *walk, unsigned status)
{
	if ((status == 400 || status == 404 || status == 410) && bw_walk_next_refused(walk))
		return true;
	if (status == 400 && !pull->newest_only && pull->pages == 0) {
		pull->newest_only = true;
		return true;
	}
	return (status == 413 || status == 500 || status == 504) && bw_walk_too_slow(walk);
}

static enum bw_err ask_page(struct bw_pull *pull, const struct bw_walk *walk, const char *target,
			    struct bw_remote_answer *answer, struct bw_why *why)
{
	if (walk->next[0] != '\0' && !walk->next_changes)
		return bw_remote_get_once(pull->remote, target, answer, why);
	return bw_remote_get(pull->remote, target, answer, why);
}

/* The next page, by whatever way the server lets us have it. */
static enum bw_err get_page(struct bw_pull *pull, struct bw_walk *walk, struct bw_remote_answer *answer,
			    struct bw_why *why)
{
	for (int lost = 0;;) {
		BW_CLEANUP(bw_buf_release) struct bw_buf target = BW_BUF_INIT(TARGET_MAX);
		enum bw_err err;

		BW_TRY(make_target(pull, walk, &target));
		err = ask_page(pull, walk, bw_buf_text(&target), answer, why);
		if ((err == BW_ERR_TIMEOUT || err == BW_ERR_TOO_BIG) && bw_walk_too_slow(walk))
			continue;
		if (err == BW_ERR_CLOSED && ++lost < LOST_MAX && bw_walk_answer_lost(walk))
			continue;
		BW_TRY(err);
		if (answer->status == 200)
			return BW_OK;
		if (!try_otherwise(pull, walk, answer->status))
			return bw_remote_refused(pull->remote, bw_buf_text(&target), answer, why);
	}
}

static enum bw_err store_page(struct bw_pull *pull, struct bw_slice body, struct bw_why *why)
{
	BW_CLEANUP(bw_memfile_release) struct bw_memfile file = BW_MEMFILE_NONE;
	struct bw_ingest_outcome page = { 0 };
	struct bw_ingest_outcome *sum = &pull->sum;

	BW_TRY(bw_memfile_of("page", body, &file));
	BW_TRY(pull->ingest->store(pull->ingest->ctx, pull->into, file.fd, file.len, &page, why));
	sum->objects += page.objects;
	sum->added += page.added;
	sum->duplicate += page.duplicate;
	sum->conflict += page.conflict;
	sum->refused += page.refused;
	if (sum->first_refusal[0] == '\0')
		memcpy(sum->first_refusal, page.first_refusal, sizeof(sum->first_refusal));
	return BW_OK;
}

static enum bw_err hash_objects(struct bw_slice objects, uint64_t *out)
{
	uint8_t digest[BW_SHA256_BYTES];

	BW_TRY(bw_sha256(objects, digest));
	memcpy(out, digest, sizeof(*out));
	return BW_OK;
}

static enum bw_err take_page(struct bw_pull *pull, struct bw_walk *walk, const struct bw_remote_answer *answer,
			     struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf next = BW_BUF_INIT(TARGET_MAX);
	struct bw_remote_envelope envelope;
	struct bw_walk_page page = {
		.first_us = answer->first_us,
		.last_us = answer->last_us,
		.now_us = answer->now_us,
	};
	const enum bw_err err = bw_remote_envelope_read(answer->body, &envelope, &next);

	if (err != BW_OK)
		return bw_why_set(why, BW_ERR_PROTOCOL, "a page of '%s' is not a TAXII envelope: %s",
				  pull->from->collection.id, bw_err_text(err));
	BW_TRY(hash_objects(envelope.objects_text, &page.hash));
	page.objects = envelope.objects;
	page.more = envelope.more;
	page.next = bw_buf_slice(&next);
	if (envelope.objects > 0)
		BW_TRY(store_page(pull, answer->body, why));
	pull->pages++;
	BW_TRY(bw_walk_page(walk, &page, &pull->end));
	return save_walk(pull, walk, why);
}

enum bw_err bw_pull_run(struct bw_pull *pull, struct bw_why *why)
{
	BW_CLEANUP(bw_walk_release) struct bw_walk walk;
	struct bw_remote_answer answer;

	bw_walk_init(&walk, pull->limit);
	BW_TRY(load_walk(pull, &walk, why));
	do {
		BW_TRY(get_page(pull, &walk, &answer, why));
		BW_TRY(take_page(pull, &walk, &answer, why));
		if (pull->on_page != NULL)
			pull->on_page(pull->ctx, pull);
	} while (pull->end == BW_WALK_ON);
	pull->may_lose = walk.may_lose;
	return BW_OK;
}
