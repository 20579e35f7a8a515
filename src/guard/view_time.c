#include "guard/view_time.h"

#include <stdio.h>
#include <time.h>

#include "base/num.h"

enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

#define SECOND_US INT64_C(1000000)
#define FIRST_S INT64_C(946684800) /* 2000-01-01 */

enum bw_err bw_moment_parse(struct bw_slice name, uint32_t *out_s)
{
	static const char form[] = "@GMT-dddd.dd.dd-dd.dd.dd";
	static const size_t at[] = { 5, 10, 13, 16, 19, 22 };
	uint64_t part[BW_COUNT(at)];
	char again[BW_MOMENT_BYTES];
	struct tm tm = { 0 };
	time_t seconds;

	BW_NEED(name.len == sizeof(form) - 1, SYNTAX);
	for (size_t i = 0; i < name.len; i++)
		BW_NEED(form[i] == 'd' ? name.ptr[i] >= '0' && name.ptr[i] <= '9' : name.ptr[i] == (uint8_t)form[i],
			SYNTAX);
	for (size_t i = 0; i < BW_COUNT(at); i++)
		BW_TRY(bw_parse_u64(bw_slice_sub(name, at[i], i == 0 ? 4 : 2), &part[i]));
	tm.tm_year = (int)part[0] - 1900;
	tm.tm_mon = (int)part[1] - 1;
	tm.tm_mday = (int)part[2];
	tm.tm_hour = (int)part[3];
	tm.tm_min = (int)part[4];
	tm.tm_sec = (int)part[5];
	seconds = timegm(&tm);
	BW_NEED(seconds >= FIRST_S && seconds <= UINT32_MAX, RANGE);
	bw_moment_name((uint32_t)seconds, again); /* the 31st of February is no day */
	BW_NEED(bw_slice_is(name, again), RANGE);
	*out_s = (uint32_t)seconds;
	return BW_OK;
}

void bw_moment_name(uint32_t seconds, char out[BW_MOMENT_BYTES])
{
	const time_t time = seconds;
	struct tm tm;

	out[0] = '\0';
	if (gmtime_r(&time, &tm) != NULL)
		(void)strftime(out, BW_MOMENT_BYTES, "@GMT-%Y.%m.%d-%H.%M.%S", &tm);
}

/* How long the span is that a time lies in. The edges lie on whole spans, so that none overlaps another. */
static int64_t span_of(int64_t time_s, int64_t now_s)
{
	const int64_t minutes_from = now_s / HOUR * HOUR - HOUR;
	const int64_t hours_from = now_s / DAY * DAY - DAY;

	if (time_s >= minutes_from)
		return MINUTE;
	return time_s >= hours_from ? HOUR : DAY;
}

uint32_t bw_moment_of(int64_t taken_us, int64_t now_us)
{
	const int64_t taken_s = taken_us / SECOND_US;
	const int64_t span = span_of(taken_s, now_us / SECOND_US);
	const int64_t end = (taken_s / span + 1) * span;

	return taken_us < FIRST_S * SECOND_US || end * SECOND_US > now_us || end > UINT32_MAX ? 0 : (uint32_t)end;
}

int64_t bw_moment_before(uint32_t moment_s, int64_t now_us)
{
	const int64_t span = span_of((int64_t)moment_s - 1, now_us / SECOND_US);

	return ((int64_t)moment_s - span) * SECOND_US - 1;
}
