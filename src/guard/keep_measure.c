#include "guard/keep_parts.h"

enum { FADE_AT = 16384, A_DOUBLING = 8 };

static size_t step_of(uint64_t us)
{
	size_t doubling = 0;
	size_t step;

	if (us < A_DOUBLING)
		return (size_t)us;
	while (us >> doubling >= 2 * A_DOUBLING)
		doubling++;
	step = (doubling + 1) * A_DOUBLING + (size_t)(us >> doubling) - A_DOUBLING;
	return step < BW_KEEP_STEPS ? step : BW_KEEP_STEPS - 1;
}

static uint64_t upper_end(size_t step)
{
	if (step < A_DOUBLING)
		return step;
	return ((uint64_t)(step % A_DOUBLING) + A_DOUBLING + 1) << (step / A_DOUBLING - 1);
}

void bw_keep_measure_add(struct bw_keep_measure *measure, uint64_t us)
{
	measure->steps[step_of(us)]++;
	if (++measure->count < FADE_AT)
		return;
	measure->count = 0;
	for (size_t i = 0; i < BW_KEEP_STEPS; i++) {
		measure->steps[i] /= 2;
		measure->count += measure->steps[i];
	}
}

uint64_t bw_keep_measure_p99(const struct bw_keep_measure *measure)
{
	const uint32_t above = measure->count / 100; /* so many may be longer */
	uint32_t seen = 0;

	for (size_t i = BW_KEEP_STEPS; i-- > 0;) {
		seen += measure->steps[i];
		if (seen > above)
			return upper_end(i);
	}
	return 0;
}
