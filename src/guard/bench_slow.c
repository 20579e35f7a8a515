/*
 * Bench: one file in ten minutes. Nobody waits for hours: the judge's own score gets the events that watch would send
 * of files the simulator makes and harms, their samples read at the same places, with a clock that is moved. A second
 * look is granted when the score asks for one, as keep and sampler would.
 */
#include <stdio.h>

#include "guard/bench_guard.h"
#include "guard/sample.h"
#include "guard/score.h"
#include "guard/sim.h"

enum {
	GUARD = 900,
	HARNESS = 800,
	ATTACKER = 2000,
	FILES_MOST = 40,
	WANTED = 15,
	PACE_S = 600,
	SALT = 42,
};

struct slow {
	struct bw_actors *actors;
	struct bw_score *score;
	uint64_t now_ns;
	uint64_t number; /* of the next file */
	unsigned files;
	unsigned noticed; /* at this file: written down, at least; 0: not yet */
	unsigned held;    /* somebody would be stopped, or a person asked */
};

static void fork_one(struct slow *slow, uint32_t pid, uint32_t parent, uint32_t session, const char *comm)
{
	struct bw_process_event event = { .act = BW_PROCESS_FORK,
					  .pid = pid,
					  .parent = parent,
					  .session = session,
					  .group = session,
					  .cgroup = 7,
					  .uid = pid == ATTACKER ? 1000 : 0 };

	slow->now_ns += 50000;
	event.time_ns = slow->now_ns;
	event.start_ns = slow->now_ns;
	(void)snprintf(event.comm, sizeof(event.comm), "%s", comm);
	(void)bw_actors_hear(slow->actors, &event);
}

static enum bw_err open_slow(struct slow *slow)
{
	*slow = (struct slow){ .now_ns = UINT64_C(1000000000000), .number = 100 };
	BW_TRY(bw_actors_new(GUARD, &slow->actors));
	BW_TRY(bw_score_new(slow->actors, NULL, NULL, &slow->score));
	fork_one(slow, 1, 0, 1, "systemd");
	fork_one(slow, HARNESS, 1, HARNESS, "bash");
	fork_one(slow, GUARD, HARNESS, HARNESS, "breakwater");
	fork_one(slow, ATTACKER, HARNESS, HARNESS, "tool");
	return BW_OK;
}

static void close_slow(struct slow *slow)
{
	bw_score_free(slow->score);
	bw_actors_free(slow->actors);
}

static void sample_of(const struct bw_file_key *key, const struct bw_buf *content, struct bw_sample *out)
{
	struct bw_plan plan;

	bw_sample_plan(SALT, key, content->len, &plan);
	bw_sample_of(bw_buf_slice(content), &plan, out);
}

static void see(struct slow *slow, const struct bw_outcome *outcome)
{
	if (outcome->verdict.gravity >= BW_GRAVITY_UNUSUAL && slow->noticed == 0)
		slow->noticed = slow->files;
	if (outcome->verdict.gravity >= BW_GRAVITY_ORDERED && slow->held == 0)
		slow->held = slow->files;
}

struct both {
	const struct bw_buf *old;
	const struct bw_buf *new;
};

static enum bw_err read_place(void *context, bool is_old, uint64_t at, uint8_t to[BW_PLACE_BYTES])
{
	const struct both *both = context;
	const struct bw_slice place = bw_slice_sub(bw_buf_slice(is_old ? both->old : both->new), at, BW_PLACE_BYTES);

	BW_NEED(place.len == BW_PLACE_BYTES, NOT_FOUND);
	memcpy(to, place.ptr, place.len);
	return BW_OK;
}

/* As keep and the sampler do it. */
static void look_twice(struct slow *slow, const struct bw_second_ask *ask, struct both *both)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf was = BW_BUF_INIT(BW_SECOND_PLACES_MAX * BW_PLACE_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf is = BW_BUF_INIT(BW_SECOND_PLACES_MAX * BW_PLACE_BYTES);
	const struct bw_second_reader reader = { .read = read_place, .context = both };
	struct bw_second_view view = { .token = ask->token, .is_parts = ask->parts != 0 };
	struct bw_outcome outcome = { .verdict = { .gravity = BW_GRAVITY_NONE } };
	struct bw_second_answer answer;

	view.versions = (struct bw_versions){ bw_buf_slice(both->old), bw_buf_slice(both->new), both->old->len,
					      both->new->len };
	if (view.is_parts) {
		if (bw_second_places(&reader, both->old->len, SALT + slow->files, &was, &is) != BW_OK)
			return;
		view.versions.old = bw_buf_slice(&was);
		view.versions.new = bw_buf_slice(&is);
	}
	bw_second_compare(&view, &answer);
	if (bw_score_seen(slow->score, &answer, slow->now_ns, &outcome))
		see(slow, &outcome);
}

static void tell(struct slow *slow, struct bw_event_view *view, const struct bw_buf *old, const struct bw_buf *new)
{
	struct both both = { old, new };
	struct bw_outcome outcome = { .verdict = { .gravity = BW_GRAVITY_NONE } };
	struct bw_second_ask ask;

	slow->files++;
	if (bw_score_event(slow->score, view, &outcome))
		see(slow, &outcome);
	while (bw_score_wish(slow->score, slow->now_ns, &ask)) /* of a large file perhaps twice */
		look_twice(slow, &ask, &both);
}

static enum bw_err harm_one(struct slow *slow, const char *pattern, uint64_t strain)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf old = BW_BUF_INIT(BW_GIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf new = BW_BUF_INIT(BW_GIB);
	struct bw_event_view view = { .event = { .act = BW_ACT_CLOSED,
						 .pid = ATTACKER,
						 .was_known = 1,
						 .file = { .ino = slow->number, .gen = 1 },
						 .folder = { .ino = 2 },
						 .mtime_s = 1 } };
	struct bw_sample before;

	BW_TRY(bw_sim_harm(pattern, strain, slow->number, &old, &new));
	view.event.known.key = view.event.file;
	view.event.known.version = slow->number++;
	sample_of(&view.event.file, &old, &before);
	bw_content_of(&before, &view.event.known.content);
	sample_of(&view.event.file, &new, &view.sample);
	view.event.size = new.len;
	slow->now_ns += PACE_S * UINT64_C(1000000000);
	view.event.time_ns = slow->now_ns;
	view.event.wall_us = (int64_t)(slow->now_ns / 1000);
	tell(slow, &view, &old, &new);
	return BW_OK;
}

/* Files until it is noticed, and held; FILES_MOST and one when not. UNSUPPORTED: not a pattern for one file's bytes. */
static enum bw_err until_held(const char *pattern, uint64_t strain, unsigned *out_noticed, unsigned *out_held)
{
	struct slow slow;
	enum bw_err err = open_slow(&slow);

	while (err == BW_OK && slow.held == 0 && slow.files < FILES_MOST)
		err = harm_one(&slow, pattern, strain);
	close_slow(&slow);
	*out_noticed = slow.noticed > 0 ? slow.noticed : FILES_MOST + 1;
	*out_held = slow.held > 0 ? slow.held : FILES_MOST + 1;
	return err;
}

static enum bw_err one_strain(const struct bw_gbench *bench, const char *words, uint64_t strain)
{
	char names[2][BW_GBENCH_NAME];
	struct bw_bench_row noticed = {
		.name = names[0], .unit = "files", .limit_name = "worst, at most", .less_is_better = true
	};
	struct bw_bench_row held = noticed;

	held.name = names[1];
	(void)snprintf(names[0], sizeof(names[0]), "one file in ten minutes%s: noticed at", words);
	(void)snprintf(names[1], sizeof(names[1]), "one file in ten minutes%s: held or asked about at", words);
	for (size_t i = 0; i < bw_sim_pattern_count(); i++) {
		unsigned files[2];
		const enum bw_err err = until_held(bw_sim_pattern_id(i), strain, &files[0], &files[1]);

		if (err == BW_ERR_UNSUPPORTED)
			continue;
		BW_TRY(err);
		bw_bench_add(&noticed, files[0], WANTED);
		bw_bench_add(&held, files[1], WANTED);
		if (files[1] > WANTED)
			(void)fprintf(stderr, "%s: %s noticed at file %u, held at %u\n", names[1], bw_sim_pattern_id(i),
				      files[0], files[1]);
	}
	bw_gbench_print(bench, &noticed);
	bw_gbench_print(bench, &held);
	return BW_OK;
}

enum bw_err bw_gbench_slow(struct bw_gbench *bench, struct bw_place *place)
{
	const uint64_t named = (uint64_t)bw_call_num(bench->call, "strain");

	(void)place;
	BW_TRY(one_strain(bench, "", 0));
	return one_strain(bench, ", another strain", named != 0 ? named : 20260317);
}
