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

/* The processes that are held for it, while the judge still knows them. */
static void take_roots(struct judge *judge, struct bw_pass *pass)
{
	for (size_t i = 0; i < JUDGE_INCIDENTS_MAX; i++) {
		const struct judge_incident *incident = &judge->incidents[i];

		if (incident->id != pass->approval.incident)
			continue;
		for (size_t n = 0; n < incident->root_count; n++) {
			struct bw_process_event process;

			bw_actors_process(judge->actors, incident->roots[n], &process);
			if (process.uid != pass->approval.uid || pass->approval.kind == BW_ACTOR_SMB)
				continue;
			bw_actors_pin(judge->actors, incident->roots[n]);
			pass->roots[pass->root_count++] = incident->roots[n];
		}
	}
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
