#include "guard/thin.h"

#include <stdlib.h>

#include "base/err.h"

#define SECOND INT64_C(1000000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

/* Which of the spans that hold one version each it falls into; below 0: all of these stay. */
static int64_t span_of(int64_t taken_us, int64_t now_us)
{
	const int64_t age = now_us - taken_us;

	if (age < HOUR)
		return -1;
	if (age < DAY)
		return taken_us / HOUR;
	return taken_us / DAY;
}

static bool must_stay(const struct bw_thin_version *version)
{
	return version->newest || version->pinned;
}

void bw_thin_by_age(const struct bw_thin_version *versions, size_t count, int64_t now_us, uint32_t days, bool *drop)
{
	/* one each for good and other versions: what is doubtful never takes the place of what is good */
	int64_t last_span[2] = { -1, -1 };

	for (size_t i = 0; i < count; i++) {
		const struct bw_thin_version *version = &versions[i];
		const int64_t span = span_of(version->taken_us, now_us);
		int64_t *last = &last_span[version->good ? 1 : 0];
		/* what stood until yesterday is not old because it was written years ago */
		const int64_t left_us = version->until_us < now_us ? version->until_us : now_us;

		drop[i] = false;
		if (must_stay(version))
			continue;
		if (now_us - left_us > (int64_t)days * DAY)
			drop[i] = true;
		else if (span >= 0 && span == *last)
			drop[i] = true;
		if (!drop[i] && span >= 0)
			*last = span;
	}
}

bool bw_thin_is_history(const struct bw_thin_version *version)
{
	return !must_stay(version) && (version->good || version->last);
}

uint64_t bw_thin_worth(const struct bw_thin_version *version, int64_t now_us)
{
	const int64_t until = version->until_us < now_us ? version->until_us : now_us;
	int64_t stood = until - version->taken_us;

	if (must_stay(version))
		return UINT64_MAX;
	if (stood < 0) /* the clock was set back in between: nobody knows */
		stood = DAY;
	/* a doubtful one counts a thousandth: it is evidence, not what anybody wants back */
	return version->good || version->last ? (uint64_t)stood : (uint64_t)stood / 1000;
}

/* ---- for room ------------------------------------------------------------------------------- */

/* A version on its way out, small enough to sort many. */
struct candidate {
	uint64_t worth;
	size_t at; /* among the versions */
	uint32_t actor;
	bool is_evidence;
	bool goes;
};

struct share {
	uint64_t amount;  /* all that counts as the actor's */
	uint64_t history; /* of it: may go */
	uint64_t floor;   /* what the claim leaves him in any case */
	uint32_t actor;
};

struct choice {
	const struct bw_thin_version *versions;
	const struct bw_thin_claim *claim; /* may be NULL */
	struct candidate *list;
	size_t count;
	size_t good_at; /* where the evidence ends */
	struct share *shares;
	size_t share_count;
	struct bw_thin_need freed;
};

static int by_turn(const void *a, const void *b)
{
	const struct candidate *x = a;
	const struct candidate *y = b;

	if (x->is_evidence != y->is_evidence)
		return x->is_evidence ? -1 : 1;
	if (!x->is_evidence && x->actor != y->actor)
		return x->actor < y->actor ? -1 : 1;
	if (x->worth != y->worth)
		return x->worth < y->worth ? -1 : 1;
	return x->at < y->at ? -1 : 1;
}

static uint64_t amount_of(const struct bw_thin_version *version, bool objects)
{
	return objects ? (version->is_object ? 1 : 0) : version->kept_bytes;
}

static void let_go(struct choice *choice, struct candidate *candidate)
{
	const struct bw_thin_version *version = &choice->versions[candidate->at];

	candidate->goes = true;
	choice->freed.bytes += version->kept_bytes;
	choice->freed.objects += version->is_object ? 1 : 0;
}

static void add_candidates(struct choice *choice, size_t count, int64_t now_us)
{
	for (size_t i = 0; i < count; i++) {
		const struct bw_thin_version *version = &choice->versions[i];

		if (must_stay(version))
			continue;
		choice->list[choice->count++] = (struct candidate){ .worth = bw_thin_worth(version, now_us),
								    .at = i,
								    .actor = version->actor,
								    .is_evidence = !bw_thin_is_history(version) };
	}
	if (choice->count > 0)
		qsort(choice->list, choice->count, sizeof(*choice->list), by_turn);
	while (choice->good_at < choice->count && choice->list[choice->good_at].is_evidence)
		choice->good_at++;
}

static void drop_evidence(struct choice *choice, const struct bw_thin_need *need)
{
	for (size_t i = 0; i < choice->good_at; i++) {
		struct candidate *candidate = &choice->list[i];
		const bool bytes = choice->freed.bytes < need->bytes;
		const bool objects = choice->freed.objects < need->objects && choice->versions[candidate->at].is_object;

		if (bytes || objects)
			let_go(choice, candidate);
	}
}

static uint64_t held_of(const struct choice *choice, uint32_t actor, bool objects)
{
	struct bw_fair_owner held;

	if (choice->claim == NULL)
		return 0;
	held = bw_fair_of(choice->claim->held, actor);
	return objects ? held.objects : held.bytes;
}

/* How much each actor has, in the order of the list, which is by actor. */
static void sum_shares(struct choice *choice, bool objects)
{
	choice->share_count = 0;
	for (size_t i = choice->good_at; i < choice->count; i++) {
		const struct candidate *candidate = &choice->list[i];
		struct share *share = &choice->shares[choice->share_count == 0 ? 0 : choice->share_count - 1];

		if (choice->share_count == 0 || share->actor != candidate->actor) {
			share = &choice->shares[choice->share_count++];
			*share = (struct share){ .actor = candidate->actor };
		}
		if (!candidate->goes)
			share->history += amount_of(&choice->versions[candidate->at], objects);
	}
	for (size_t i = 0; i < choice->share_count; i++) {
		struct share *share = &choice->shares[i];

		share->amount = share->history + held_of(choice, share->actor, objects);
	}
}

/* Beyond his share who claims takes nothing from anybody who has less than he would. */
static uint64_t would_have(const struct choice *choice, uint64_t wanted, bool objects)
{
	uint64_t own = held_of(choice, choice->claim->owner, objects);

	for (size_t i = 0; i < choice->share_count; i++)
		own += choice->shares[i].actor == choice->claim->owner ? choice->shares[i].history : 0;
	return own + wanted;
}

static void set_floors(struct choice *choice, uint64_t wanted, bool objects)
{
	const struct bw_thin_claim *claim = choice->claim;
	uint64_t floor;

	if (claim == NULL)
		return;
	if (claim->level != NULL)
		floor = objects ? claim->level->objects : claim->level->bytes;
	else
		floor = would_have(choice, wanted, objects);
	for (size_t i = 0; i < choice->share_count; i++) {
		struct share *share = &choice->shares[i];

		share->floor = claim->level == NULL && share->actor == claim->owner ? 0 : floor;
	}
}

static uint64_t gives(const struct share *share, uint64_t level)
{
	const uint64_t stays = level > share->floor ? level : share->floor;
	const uint64_t above = share->amount > stays ? share->amount - stays : 0;

	return above < share->history ? above : share->history;
}

static bool is_enough(const struct choice *choice, uint64_t level, uint64_t wanted)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < choice->share_count && sum < wanted; i++)
		sum += gives(&choice->shares[i], level);
	return sum >= wanted;
}

/* The highest level down to which those above it must give, so that all give that much together; else 0. */
static uint64_t level_for(const struct choice *choice, uint64_t wanted)
{
	uint64_t low = 0;
	uint64_t high = 0;

	for (size_t i = 0; i < choice->share_count; i++)
		high = choice->shares[i].amount > high ? choice->shares[i].amount : high;
	while (low < high) {
		const uint64_t middle = low + (high - low) / 2 + 1;

		if (is_enough(choice, middle, wanted))
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

static void drop_down_to(struct choice *choice, uint64_t level, uint64_t wanted, bool objects)
{
	uint64_t left = 0;
	uint64_t given = 0;
	uint32_t actor = 0;
	bool any = false;

	for (size_t i = choice->good_at, share = 0; i < choice->count && given < wanted; i++) {
		struct candidate *candidate = &choice->list[i];
		const uint64_t amount = amount_of(&choice->versions[candidate->at], objects);

		if (!any || candidate->actor != actor) {
			any = true;
			actor = candidate->actor;
			left = gives(&choice->shares[share++], level);
		}
		if (candidate->goes || amount == 0 || left == 0)
			continue;
		let_go(choice, candidate);
		left -= amount < left ? amount : left;
		given += amount;
	}
}

static void level_down(struct choice *choice, uint64_t wanted, bool objects)
{
	if (wanted == 0)
		return;
	sum_shares(choice, objects);
	set_floors(choice, wanted, objects);
	drop_down_to(choice, level_for(choice, wanted), wanted, objects);
}

/* Those that go to the front, in no other order. */
static size_t bring_forward(const struct choice *choice, struct bw_thin_version *versions, size_t count)
{
	bool *goes = calloc(count, sizeof(*goes));
	size_t front = 0;

	if (goes == NULL)
		return SIZE_MAX;
	for (size_t i = 0; i < choice->count; i++)
		goes[choice->list[i].at] = choice->list[i].goes;
	for (size_t i = 0; i < count; i++) {
		const struct bw_thin_version version = versions[i];

		if (!goes[i])
			continue;
		versions[i] = versions[front];
		versions[front++] = version;
	}
	free(goes);
	return front;
}

enum bw_err bw_thin_for_room(struct bw_thin_version *versions, size_t count, const struct bw_thin_need *need,
			     const struct bw_thin_claim *claim, int64_t now_us, size_t *out_count,
			     struct bw_thin_need *out_freed)
{
	struct choice choice = { .versions = versions,
				 .claim = claim,
				 .list = calloc(count + 1, sizeof(*choice.list)),
				 .shares = calloc(count + 1, sizeof(*choice.shares)) };
	size_t front = SIZE_MAX;

	if (choice.list != NULL && choice.shares != NULL) {
		add_candidates(&choice, count, now_us);
		drop_evidence(&choice, need);
		level_down(&choice, need->bytes > choice.freed.bytes ? need->bytes - choice.freed.bytes : 0, false);
		level_down(&choice, need->objects > choice.freed.objects ? need->objects - choice.freed.objects : 0,
			   true);
		front = count == 0 ? 0 : bring_forward(&choice, versions, count);
	}
	free(choice.list);
	free(choice.shares);
	BW_NEED(front != SIZE_MAX, MEMORY);
	*out_count = front;
	*out_freed = choice.freed;
	return BW_OK;
}

/* ---- the time to count by ----------------------------------------------------------------------- */

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
	return value < least ? least : value > most ? most : value;
}

int64_t bw_thin_clock_look(struct bw_thin_clock *clock, int64_t wall_us, int64_t ran_us)
{
	const bool starts = ran_us < 0;
	int64_t moved;

	if (clock->wall_us == 0) {
		*clock = (struct bw_thin_clock){ .trusted_us = wall_us, .wall_us = wall_us };
		return wall_us;
	}
	moved = wall_us - clock->wall_us;
	/* nobody knows how long the machine was off: it counts for a day at most */
	if (starts)
		ran_us = clamp(moved, 0, DAY);
	if (moved - ran_us > HOUR || moved - ran_us < -HOUR)
		clock->steady_us = 0;
	else if (!starts)
		clock->steady_us += ran_us;
	clock->wall_us = wall_us;
	clock->trusted_us += ran_us;
	if (clock->steady_us >= BW_THIN_STEADY_DAYS * DAY)
		clock->trusted_us = wall_us;
	return clock->trusted_us < wall_us ? clock->trusted_us : wall_us;
}
