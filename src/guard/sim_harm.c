/* A pattern on a file in memory (guard/sim.h). */
#include "guard/sim_parts.h"

enum { BIG_BYTES = 4 * 1024 * 1024 };

static bool is_in_place(enum sim_act act)
{
	switch (act) {
	case SIM_WRITE:
	case SIM_MAP_CLOSED:
	case SIM_MAP_SYNC:
	case SIM_MAP_PROTECT:
	case SIM_URING:
	case SIM_DIRECT:
	case SIM_AIO:
		return true;
	default:
		return false;
	}
}

static void make_key(struct sim_dice *dice, uint8_t key[SIM_KEY_BYTES])
{
	for (size_t i = 0; i < SIM_KEY_BYTES; i += sizeof(uint64_t)) {
		const uint64_t word = sim_roll(dice);

		memcpy(key + i, &word, sizeof(word));
	}
}

static enum bw_err make_file(const struct bw_sim_pattern *row, struct sim_dice *dice, struct bw_buf *out)
{
	const enum sim_kind kind = row->large_only ? SIM_BIG : (enum sim_kind)sim_below(dice, SIM_BIG);
	const size_t want = sim_usual_size(kind, dice, BIG_BYTES);

	return sim_make(kind, sim_roll(dice), want, out);
}

static enum bw_err change(const struct sim_plan *plan, const uint8_t key[SIM_KEY_BYTES], uint64_t salt,
			  struct bw_slice old, struct bw_buf *out)
{
	struct sim_spans spans;
	uint64_t at;
	uint64_t len;

	if (plan->act == SIM_REWRITE)
		return sim_code_whole(key, plan->row->code, salt, old, out);
	BW_NEED(is_in_place(plan->act), UNSUPPORTED);
	BW_TRY(bw_buf_add(out, old));
	sim_spans_over(plan, out->len, salt, &spans);
	while (sim_span_next(&spans, &at, &len))
		sim_code_bytes(key, plan->row->code, salt, at, out->ptr + at, (size_t)len);
	return BW_OK;
}

enum bw_err bw_sim_harm(const char *pattern, uint64_t strain, uint64_t seed, struct bw_buf *out_old,
			struct bw_buf *out_new)
{
	const struct bw_sim_pattern *row = sim_pattern_named(bw_slice_text(pattern));
	struct sim_dice dice = sim_dice_of(seed, 0x6861726d);
	uint8_t key[SIM_KEY_BYTES];
	struct sim_plan plan;

	BW_NEED(row != NULL, USAGE);
	sim_plan_draw(row, strain, &plan);
	make_key(&dice, key);
	BW_TRY(make_file(row, &dice, out_old));
	return change(&plan, key, sim_roll(&dice), bw_buf_slice(out_old), out_new);
}
