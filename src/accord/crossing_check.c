/* What the receiver asks of a crossing, whatever the object in it says. */
#include "accord/crossing.h"

static enum bw_err refuse(enum bw_err err, const char *what, const char **out_what)
{
	if (out_what != NULL)
		*out_what = what;
	return err;
}

static bool is_known(const struct bw_crossing_terms *terms, const uint8_t hash[BW_SHA256_BYTES])
{
	for (size_t i = 0; i < terms->hash_count; i++)
		if (memcmp(terms->hashes[i], hash, BW_SHA256_BYTES) == 0)
			return true;
	return false;
}

static bool has_been_at(const struct bw_crossing *crossing, const uint8_t node[BW_SHA256_BYTES])
{
	for (size_t i = 0; i < crossing->path_count; i++)
		if (memcmp(crossing->path[i], node, BW_SHA256_BYTES) == 0)
			return true;
	return false;
}

/* A node that stands twice on the way has passed on what came back to it. */
static bool is_a_loop(const struct bw_crossing *crossing)
{
	for (size_t i = 0; i < crossing->path_count; i++)
		for (size_t j = i + 1; j < crossing->path_count; j++)
			if (memcmp(crossing->path[i], crossing->path[j], BW_SHA256_BYTES) == 0)
				return true;
	return false;
}

enum bw_err bw_crossing_check(const struct bw_crossing *crossing, const struct bw_crossing_terms *terms,
			      const char **out_what)
{
	const uint8_t *sender = terms->accord->party[terms->from].node;
	const uint8_t *here = terms->accord->party[1 - terms->from].node;

	if (!is_known(terms, crossing->accord))
		return refuse(BW_ERR_CONFLICT, "it was sent under no version of this accord", out_what);
	if (memcmp(crossing->path[crossing->path_count - 1], sender, BW_SHA256_BYTES) != 0)
		return refuse(BW_ERR_DENIED, "the last node it says it came through is not the partner", out_what);
	if (has_been_at(crossing, here))
		return refuse(BW_ERR_DENIED, "it has been at this node", out_what);
	if (is_a_loop(crossing))
		return refuse(BW_ERR_DENIED, "it has been at one node twice", out_what);
	if (crossing->policy.not_after_us <= terms->now_us)
		return refuse(BW_ERR_ERASED, "its time is over", out_what);
	return BW_OK;
}

void bw_crossing_tell(const struct bw_crossing *crossing, const struct bw_lexicon *lexicon,
		      struct bw_policy_inputs *inputs, struct bw_facts *facts)
{
	bw_policy_meet(&inputs->of[BW_SOURCE_INHERITED], &crossing->policy, &inputs->of[BW_SOURCE_INHERITED]);
	facts->collection = bw_lexicon_find(lexicon, crossing->collection);
	facts->by_sender = crossing->path_count == 1;
	facts->keep_until_us = crossing->policy.not_after_us;
}
