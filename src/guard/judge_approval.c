/* Whom a person let work on: the judge books what they do, and it weighs nothing. */
#include "base/log.h"
#include "guard/judge_parts.h"

static void forget(struct judge *judge, struct bw_pass *pass)
{
	for (size_t i = 0; i < pass->root_count; i++)
		bw_actors_unpin(judge->actors, pass->roots[i]);
	*pass = (struct bw_pass){ 0 };
}

/* An approval of the same incident for the same actor takes the place of the one before. */
static struct bw_pass *place_of(struct judge *judge, const struct bw_approval *approval)
{
	struct bw_pass *oldest = &judge->passes[0];

	for (size_t i = 0; i < BW_SCORE_PASSES_MAX; i++) {
		struct bw_pass *pass = &judge->passes[i];

		if (pass->approval.incident == approval->incident && pass->approval.kind == approval->kind &&
		    pass->approval.uid == approval->uid && pass->approval.cgroup == approval->cgroup &&
		    strcmp(pass->approval.user, approval->user) == 0 &&
		    strcmp(pass->approval.address, approval->address) == 0)
			return pass;
		oldest = pass->approval.until_us < oldest->approval.until_us ? pass : oldest;
	}
	return oldest;
}

static void add_roots(struct judge *judge, struct bw_pass *pass, const uint32_t *roots, size_t count)
{
	for (size_t i = 0; i < count && pass->root_count < BW_COUNT(pass->roots); i++) {
		struct bw_process_event process;

		bw_actors_process(judge->actors, roots[i], &process);
		if (process.uid != pass->approval.uid || pass->approval.kind == BW_ACTOR_SMB)
			continue;
		bw_actors_pin(judge->actors, roots[i]);
		pass->roots[pass->root_count++] = roots[i];
	}
}

/* The processes that are held for it, while the judge still knows them: files are often restored first. */
static void take_roots(struct judge *judge, struct bw_pass *pass)
{
	for (size_t i = 0; i < JUDGE_INCIDENTS_MAX; i++) {
		const struct judge_incident *incident = &judge->incidents[i];

		if (incident->id == pass->approval.incident)
			add_roots(judge, pass, incident->roots, incident->root_count);
	}
	for (size_t i = 0; i < JUDGE_PAST_MAX; i++) {
		const struct judge_past *past = &judge->past[i];

		if (past->id == pass->approval.incident)
			add_roots(judge, pass, past->roots, past->root_count);
	}
}

void judge_remember(struct judge *judge, const struct judge_incident *incident)
{
	struct judge_past *past = &judge->past[judge->past_at++ % JUDGE_PAST_MAX];

	for (size_t i = 0; i < past->root_count; i++)
		bw_actors_unpin(judge->actors, past->roots[i]);
	*past = (struct judge_past){ .id = incident->id, .root_count = incident->root_count };
	memcpy(past->roots, incident->roots, incident->root_count * sizeof(past->roots[0]));
	for (size_t i = 0; i < past->root_count; i++)
		bw_actors_pin(judge->actors, past->roots[i]);
}

enum bw_err judge_approve(struct judge *judge, struct bw_slice body)
{
	struct bw_approval approval;
	struct bw_pass *pass;

	BW_NEED(bw_approval_parse(body, &approval) == BW_OK && approval.incident != 0, PROTOCOL);
	pass = place_of(judge, &approval);
	if (approval.until_us <= judge->wall_us) {
		if (pass->approval.incident == approval.incident)
			forget(judge, pass);
		bw_log(BW_NOTICE, "an approval ends", BW_NUM("incident", approval.incident));
		return BW_OK;
	}
	forget(judge, pass);
	pass->approval = approval;
	take_roots(judge, pass);
	bw_score_passes(judge->score, judge->passes, BW_COUNT(judge->passes));
	bw_log(BW_NOTICE, "an approval begins", BW_NUM("incident", approval.incident),
	       BW_NUM("seconds", (approval.until_us - judge->wall_us) / 1000000), BW_NUM("user", approval.uid),
	       BW_TEXT("samba", approval.user));
	return BW_OK;
}
