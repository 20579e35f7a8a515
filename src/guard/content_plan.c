/* Where to look in a file, and how to find one's way in what was read. */
#include "guard/content.h"

enum { ALIGN = 4096 }; /* pages of databases and file systems start there */

static uint64_t mix(uint64_t x)
{
	/* the finaliser of SplitMix64: every bit of the salt moves every window */
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/* `size` rounded down to a sixteenth of its power of two, so that a footer moves no window */
static uint64_t stepped(uint64_t size)
{
	const unsigned log = 63u - (unsigned)__builtin_clzll(size);

	return log < 4 ? size : size >> (log - 4) << (log - 4);
}

void bw_plan_make(uint64_t size, uint64_t salt, struct bw_plan *out)
{
	const size_t inner = BW_CONTENT_WINDOWS - 2;
	struct bw_plan plan = { 0 };
	uint64_t span;

	if (size == 0) {
		*out = plan;
		return;
	}
	if (size <= BW_CONTENT_WHOLE_MAX) {
		plan.windows[plan.count++] = (struct bw_window){ 0, (uint32_t)size };
		*out = plan;
		return;
	}
	plan.windows[plan.count++] = (struct bw_window){ 0, BW_CONTENT_END_BYTES };
	/* what lies between the ends, in equal stripes, one window at a secret place of each */
	span = (stepped(size - 1) - 2 * (uint64_t)BW_CONTENT_END_BYTES) / inner / ALIGN * ALIGN;
	for (size_t i = 0; i < inner; i++) {
		const uint64_t places = span / ALIGN;
		const uint64_t place = mix(salt + (i + 1) * 0x9e3779b97f4a7c15u) % (places == 0 ? 1 : places);

		if (places == 0)
			continue;
		plan.windows[plan.count++] = (struct bw_window){ BW_CONTENT_END_BYTES + i * span + place * ALIGN,
								 BW_CONTENT_WINDOW_BYTES };
	}
	plan.windows[plan.count++] = (struct bw_window){ size - BW_CONTENT_END_BYTES, BW_CONTENT_END_BYTES };
	*out = plan;
}

void bw_places_make(uint64_t size, uint64_t salt, unsigned round, uint64_t out[BW_PLACES_A_ROUND])
{
	const uint64_t pages = size / BW_PLACE_BYTES / BW_PLACES_A_ROUND; /* in each part */

	for (size_t i = 0; i < BW_PLACES_A_ROUND; i++) {
		const uint64_t first = mix(salt + (i + 1) * 0x9e3779b97f4a7c15u);
		const uint64_t page = pages == 0 ? 0 : (first + round * pages / BW_PLACES_ROUNDS) % pages;

		/* the first page is always looked at: whoever works with such a file keeps his books there */
		out[i] = (i * pages + (i == 0 ? round : page)) * BW_PLACE_BYTES;
	}
}

bool bw_sample_from(const struct bw_sample *sample, uint64_t at, struct bw_slice *out)
{
	for (size_t i = 0; i < sample->count; i++) {
		const struct bw_piece *piece = &sample->pieces[i];

		if (at < piece->at || at - piece->at >= piece->bytes.len)
			continue;
		*out = bw_slice_from(piece->bytes, (size_t)(at - piece->at));
		return true;
	}
	return false;
}

bool bw_sample_at(const struct bw_sample *sample, uint64_t at, size_t len, struct bw_slice *out)
{
	struct bw_slice rest;

	if (!bw_sample_from(sample, at, &rest) || rest.len < len)
		return false;
	*out = bw_slice_sub(rest, 0, len);
	return true;
}
