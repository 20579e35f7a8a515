/* Files whose first look said too little, and what a second one says (guard/second.h). */
#include "guard/score_parts.h"

enum {
	LARGE_SHARE = 16,   /* of what looking may cost: a host of machines writes into images all day */
	CHANGED_LEAST = 12, /* places: from here on they tell all there is to tell, of fewer the whole does */
	PARTS_BYTES = 2 * BW_PLACES_A_ROUND * BW_PLACE_BYTES, /* of both, a round */
};

#define ASKED_NS UINT64_C(30000000000)   /* an answer that did not come by then does not come */
#define WISHED_NS UINT64_C(600000000000) /* and a wish is not granted for ever */

/* ---- files that wait -------------------------------------------------------------------------- */

static void end_second(struct bw_score *score, struct score_second *second)
{
	if (second->token == 0)
		return;
	bw_actors_unpin(score->actors, second->process);
	second->token = 0;
}

void score_doubts_end(struct bw_score *score)
{
	for (size_t i = 0; i < BW_SCORE_SECONDS_MAX; i++)
		end_second(score, &score->doubts.seconds[i]);
}

/* What is said of this file now takes the place of what was said before. */
static void forget_file(struct bw_score *score, const struct bw_file_key *now)
{
	for (size_t i = 0; i < BW_SCORE_SECONDS_MAX; i++) {
		struct score_second *second = &score->doubts.seconds[i];

		if (second->token != 0 && bw_file_key_equals(&second->now, now))
			end_second(score, second);
	}
}

static uint32_t actor_of(const struct bw_score *score, const struct score_second *second)
{
	return bw_actors_of(score->actors, second->process);
}

/* Of the actor who has most of them waiting, the one that waits longest: nobody fills the list for others. */
static struct score_second *least_missed(struct bw_score *score)
{
	struct score_second *seconds = score->doubts.seconds;
	struct score_second *least = NULL;
	uint32_t actors[BW_SCORE_SECONDS_MAX];
	size_t most = 0;

	for (size_t i = 0; i < BW_SCORE_SECONDS_MAX; i++)
		actors[i] = actor_of(score, &seconds[i]);
	for (size_t i = 0; i < BW_SCORE_SECONDS_MAX; i++) {
		size_t mine = 0;

		for (size_t k = 0; k < BW_SCORE_SECONDS_MAX && !seconds[i].is_asked; k++)
			mine += actors[k] == actors[i] && !seconds[k].is_asked;
		if (mine > most || (mine > 0 && mine == most && seconds[i].token < least->token)) {
			least = &seconds[i];
			most = mine;
		}
	}
	return least;
}

/* A free place, or that of what has waited too long, or of one of many. NULL: all are being looked at. */
static struct score_second *place_for(struct bw_score *score, uint64_t now_ns)
{
	struct score_second *oldest = NULL;

	for (size_t i = 0; i < BW_SCORE_SECONDS_MAX; i++) {
		struct score_second *second = &score->doubts.seconds[i];
		const uint64_t age = now_ns > second->since_ns ? now_ns - second->since_ns : 0;

		if (second->token == 0)
			return second;
		if (age > (second->is_asked ? ASKED_NS : WISHED_NS) &&
		    (oldest == NULL || second->since_ns < oldest->since_ns))
			oldest = second;
	}
	if (oldest == NULL)
		oldest = least_missed(score);
	if (oldest != NULL)
		end_second(score, oldest);
	return oldest;
}

/*
 * A large file of no format of its own, in which windows hit one changed place in ten: databases change everywhere, and
 * not only to noise. Images of machines are passed over: a film that a machine writes where text was is nobody's harm.
 */
static bool is_large(const struct bw_proof *proof)
{
	const enum bw_kind kind = bw_format_kind((enum bw_format)proof->old.format);

	return proof->kind == BW_PROOF_CHANGED && kind == BW_KIND_OTHER &&
	       bw_content_size(&proof->old) >= bw_rules_default.wide_window &&
	       bw_content_size(&proof->old) == bw_content_size(&proof->new);
}

/*
 * A format with rules of its own, whose inner parts no window showed; or text in its old size, whose
 * letters may have been exchanged one for one. Of other small files whole contents tell no more than windows do.
 */
static bool is_worth_looking(const struct bw_proof *proof, const struct bw_finding *finding)
{
	const enum bw_kind kind = bw_format_kind((enum bw_format)proof->old.format);
	const uint64_t old = bw_content_size(&proof->old);
	const uint64_t new = bw_content_size(&proof->new);

	if (finding->strength == BW_STRENGTH_STRONG || proof->version == 0 || (proof->flags & BW_PROOF_OPEN) != 0 ||
	    old == 0 || new == 0)
		return false;
	if (kind == BW_KIND_TEXT)
		return new >= old &&new - old <= BW_KIB;
	if (is_large(proof))
		return true;
	return finding->blind && proof->old.state == BW_STATE_GOOD &&
	       (kind == BW_KIND_DOCUMENT || kind == BW_KIND_PACKED);
}

void score_doubt(struct bw_score *score, const struct bw_proof *proof, const struct bw_finding *finding,
		 const struct bw_file_key *now, uint32_t process)
{
	struct score_second *second;

	forget_file(score, now);
	if (!is_worth_looking(proof, finding))
		return;
	second = place_for(score, proof->time_ns);
	if (second == NULL)
		return;
	bw_actors_pin(score->actors, process);
	*second = (struct score_second){ .token = ++score->doubts.last_token,
					 .since_ns = proof->time_ns,
					 .size = bw_content_size(&proof->new),
					 .now = *now,
					 .process = process,
					 .is_parts = is_large(proof),
					 .proof = *proof };
}

/* ---- asking ---------------------------------------------------------------------------------------- */

static uint64_t looked_at(uint64_t size)
{
	return size < BW_CONTENT_BYTES_MAX ? size : BW_CONTENT_BYTES_MAX;
}

static uint64_t cost_of(const struct score_second *second)
{
	if (second->is_parts)
		return PARTS_BYTES;
	return looked_at(bw_content_size(&second->proof.old)) + looked_at(second->size);
}

/* Documents before images. Destroying in place keeps the size; saving seldom does. Then who waits longest. */
static bool comes_first(const struct score_second *a, const struct score_second *b)
{
	const bool large_a = is_large(&a->proof);
	const bool large_b = is_large(&b->proof);
	const bool kept_a = bw_content_size(&a->proof.old) == a->size;
	const bool kept_b = bw_content_size(&b->proof.old) == b->size;

	if (large_a != large_b)
		return large_b;
	return kept_a != kept_b ? kept_a : a->token < b->token;
}

/* What `passed_ms` give back at so many bytes a second, at most all. */
static uint64_t given_back(uint64_t spent, uint64_t passed_ms, uint64_t a_second)
{
	const uint64_t whole_ms = BW_SCORE_SECONDS_AT_ONCE / a_second * 1000;
	const uint64_t bytes = passed_ms < whole_ms ? passed_ms * a_second / 1000 : BW_SCORE_SECONDS_AT_ONCE;

	return bytes < spent ? spent - bytes : 0;
}

static void refill(struct score_doubts *doubts, uint64_t now_ns)
{
	const uint64_t passed_ms = now_ns > doubts->refilled_ns ? (now_ns - doubts->refilled_ns) / 1000000 : 0;

	if (passed_ms == 0)
		return;
	doubts->spent = given_back(doubts->spent, passed_ms, BW_SCORE_SECONDS_A_SECOND);
	doubts->spent_large = given_back(doubts->spent_large, passed_ms, BW_SCORE_SECONDS_A_SECOND / LARGE_SHARE);
	doubts->spent_parts = given_back(doubts->spent_parts, passed_ms, BW_SCORE_SECONDS_A_SECOND / LARGE_SHARE);
	for (size_t i = 0; i < SCORE_SPENDERS; i++)
		doubts->spent_by[i] = given_back(doubts->spent_by[i], passed_ms,
						 BW_SCORE_SECONDS_A_SECOND / LARGE_SHARE);
	doubts->refilled_ns = now_ns;
}

static uint64_t *spent_by(struct bw_score *score, const struct score_second *second)
{
	return &score->doubts.spent_by[actor_of(score, second) % SCORE_SPENDERS];
}

/* Half of what looking may cost is for others: whoever works with large files leaves enough for who harms some. */
static bool can_pay(struct bw_score *score, const struct score_second *second)
{
	const struct score_doubts *doubts = &score->doubts;
	const uint64_t cost = cost_of(second);

	if (second->is_parts)
		return doubts->spent_parts + cost <= BW_SCORE_SECONDS_AT_ONCE &&
		       *spent_by(score, second) + cost <= BW_SCORE_SECONDS_AT_ONCE / 2;
	return doubts->spent + cost <= BW_SCORE_SECONDS_AT_ONCE &&
	       (!is_large(&second->proof) || doubts->spent_large + cost <= BW_SCORE_SECONDS_AT_ONCE);
}

static void pay(struct bw_score *score, const struct score_second *second)
{
	struct score_doubts *doubts = &score->doubts;
	const uint64_t cost = cost_of(second);

	if (second->is_parts) {
		doubts->spent_parts += cost;
		*spent_by(score, second) += cost;
		return;
	}
	doubts->spent += cost;
	doubts->spent_large += is_large(&second->proof) ? cost : 0;
}

/* Places that told of harm cost nothing: nobody gets out of sight by harming more files than may be looked at. */
static void pay_back(struct bw_score *score, const struct score_second *second)
{
	struct score_doubts *doubts = &score->doubts;
	uint64_t *mine = spent_by(score, second);
	const uint64_t cost = cost_of(second);

	if (!second->is_parts)
		return;
	doubts->spent_parts -= cost < doubts->spent_parts ? cost : doubts->spent_parts;
	*mine -= cost < *mine ? cost : *mine;
}

/* The next of those that may be looked at now. */
static struct score_second *first_of(struct bw_score *score, bool is_parts)
{
	struct score_second *first = NULL;

	for (size_t i = 0; i < BW_SCORE_SECONDS_MAX; i++) {
		struct score_second *second = &score->doubts.seconds[i];

		if (second->token != 0 && !second->is_asked && second->is_parts == is_parts &&
		    (first == NULL || comes_first(second, first)) && can_pay(score, second))
			first = second;
	}
	return first;
}

static bool is_waiting(const struct score_doubts *doubts)
{
	for (size_t i = 0; i < BW_SCORE_SECONDS_MAX; i++) {
		if (doubts->seconds[i].token != 0 && !doubts->seconds[i].is_asked)
			return true;
	}
	return false;
}

bool bw_score_wish(struct bw_score *score, uint64_t now_ns, struct bw_second_ask *out)
{
	struct score_second *first;

	if (!is_waiting(&score->doubts))
		return false;
	refill(&score->doubts, now_ns);
	first = first_of(score, true); /* costs little, and is paid for otherwise */
	if (first == NULL)
		first = first_of(score, false);
	if (first == NULL)
		return false;
	pay(score, first);
	first->is_asked = true;
	first->since_ns = now_ns;
	*out = (struct bw_second_ask){ .token = first->token,
				       .version = first->proof.version,
				       .old = first->proof.file,
				       .now = first->now,
				       .size = first->size,
				       .parts = first->is_parts };
	return true;
}

/* Hardly any of the places looked at had changed: only the whole tells. */
static void ask_for_all(struct bw_score *score, struct score_second *second)
{
	second->token = ++score->doubts.last_token;
	second->is_asked = false;
	second->is_parts = false;
}

bool bw_score_seen(struct bw_score *score, const struct bw_second_answer *answer, uint64_t now_ns,
		   struct bw_outcome *out)
{
	for (size_t i = 0; i < BW_SCORE_SECONDS_MAX; i++) {
		struct score_second *second = &score->doubts.seconds[i];
		struct bw_proof proof;
		bool said;

		if (second->token != answer->token || answer->token == 0 || !second->is_asked)
			continue;
		if (second->is_parts && answer->count == 0 && answer->changed < CHANGED_LEAST) {
			ask_for_all(score, second);
			return false;
		}
		proof = second->proof;
		proof.seen_count = (uint8_t)answer->count;
		memcpy(proof.seen, answer->tests, sizeof(proof.seen));
		said = answer->count > 0 && score_book(score, &proof, second->process, now_ns, out);
		if (said)
			pay_back(score, second);
		end_second(score, second);
		return said;
	}
	return false;
}
