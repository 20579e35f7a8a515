#include "guard/thin.h"

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

uint64_t bw_thin_worth(const struct bw_thin_version *version, int64_t now_us)
{
	const int64_t until = version->until_us < now_us ? version->until_us : now_us;
	const int64_t stood = until > version->taken_us ? until - version->taken_us : 0;

	if (must_stay(version))
		return UINT64_MAX;
	/* a doubtful one counts a thousandth: it is evidence, not what anybody wants back */
	return version->good ? (uint64_t)stood : (uint64_t)stood / 1000;
}
