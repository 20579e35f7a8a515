#include "guard/sim_parts.h"

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Reduces every spread but chance and windows to: from `at` to `end`, `enc` bytes, then `skip` left alone. */
static void set_period(struct sim_spans *s, uint64_t at, uint64_t end, uint64_t enc, uint64_t skip)
{
	s->at = least(at, s->size);
	s->end = least(end, s->size);
	s->enc = enc == 0 ? 1 : enc;
	s->skip = skip;
}

static void set_smart(struct sim_spans *s, const struct sim_plan *plan)
{
	const uint64_t tenth = s->size / 10 + 1;
	const uint64_t enc = tenth * (plan->skip == 0 ? 1 : plan->skip) / 100 + 1;

	s->edge = least(plan->enc * 1024, s->size); /* a head first, then the tenths after it */
	set_period(s, 0, s->size, enc, tenth > enc ? tenth - enc : 0);
}

void sim_spans_over(const struct sim_plan *plan, uint64_t size, uint64_t seed, struct sim_spans *out)
{
	struct sim_spans s = { .spread = plan->row->spread, .size = size, .dice = sim_dice_of(seed, 77) };
	const uint64_t block = plan->block == 0 ? 65536 : plan->block;
	uint64_t part;

	switch (s.spread) {
	case SIM_FULL:
	case SIM_SPREADS:
		set_period(&s, plan->from, size, size, 0);
		break;
	case SIM_HEAD:
		set_period(&s, 0, plan->enc, plan->enc, 0);
		break;
	case SIM_EVERY:
		set_period(&s, size > plan->from + plan->enc ? plan->from : 0, size, plan->enc, plan->skip);
		break;
	case SIM_PERCENT:
		part = least(block, size) * plan->enc / 100;
		set_period(&s, 0, size, part, block > part ? block - part : 0);
		break;
	case SIM_SMART:
		set_smart(&s, plan);
		break;
	case SIM_HALF:
		set_period(&s, 0, size / 2 + 1, size, 0);
		break;
	case SIM_FOUR:
		part = size / 4 + 1;
		set_period(&s, 0, size, part * plan->enc / 100, part - part * plan->enc / 100);
		break;
	case SIM_STEP:
		part = size / 100 + 1;
		set_period(&s, 0, size, plan->enc, part > plan->enc ? part - plan->enc : 0);
		break;
	case SIM_CHANCE:
		s.enc = plan->skip == 0 ? 64 : plan->skip;
		s.left = size * plan->enc / 100 / s.enc + 1;
		break;
	case SIM_MIDDLE:
		part = least(plan->enc, size / 4);
		set_period(&s, part, size - least(plan->skip, size / 4), size, 0);
		break;
	case SIM_WINDOWS:
		s.edge = least(plan->enc, size / 8);
		break;
	}
	*out = s;
}

/* Between the windows at the start, in the middle and at the end. */
static bool next_between_windows(struct sim_spans *s, uint64_t *out_at, uint64_t *out_len)
{
	const uint64_t middle = s->size / 2;
	const uint64_t half = s->edge / 2;

	if (s->part == 0) {
		*out_at = s->edge;
		*out_len = middle - half > s->edge ? middle - half - s->edge : 0;
	} else {
		*out_at = middle + half;
		*out_len = s->size - s->edge > *out_at ? s->size - s->edge - *out_at : 0;
	}
	s->part++;
	return s->part <= 2;
}

bool sim_span_next(struct sim_spans *s, uint64_t *out_at, uint64_t *out_len)
{
	if (s->size == 0)
		return false;
	if (s->spread == SIM_WINDOWS) {
		while (next_between_windows(s, out_at, out_len)) {
			if (*out_len > 0)
				return true;
		}
		return false;
	}
	if (s->spread == SIM_CHANCE) {
		if (s->left == 0)
			return false;
		s->left--;
		*out_at = sim_below(&s->dice, s->size);
		*out_len = least(s->enc, s->size - *out_at);
		return true;
	}
	if (s->edge > 0) { /* SIM_SMART: the head */
		*out_at = 0;
		*out_len = s->edge;
		s->at = s->edge;
		s->edge = 0;
		return true;
	}
	if (s->at >= s->end)
		return false;
	*out_at = s->at;
	*out_len = least(s->enc, s->end - s->at);
	s->at += *out_len + s->skip;
	return true;
}
