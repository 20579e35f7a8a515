#include "sys/clock.h"

#include "base/cursor.h"
#include "base/text.h"

#define US_PER_S INT64_C(1000000)
#define S_PER_DAY INT64_C(86400)

static int64_t read_clock(clockid_t id)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(id, &ts); /* these clocks always exist */
	return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

int64_t bw_clock_now_us(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t bw_clock_mono_us(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t bw_clock_of(const struct timespec *time)
{
	const int64_t seconds = (int64_t)time->tv_sec;

	if (seconds > BW_TIME_MAX / US_PER_S)
		return BW_TIME_MAX;
	if (seconds < BW_TIME_MIN / US_PER_S)
		return BW_TIME_MIN;
	return seconds * US_PER_S + time->tv_nsec / 1000;
}

/* ---- the calendar ------------------------------------------------------- */

struct moment {
	unsigned year, month, day, hour, minute, second;
	int64_t us;
};

static bool is_leap(unsigned year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_in(unsigned year, unsigned month)
{
	static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/*
 * Days since 1970-01-01 in the proleptic Gregorian calendar. Years are counted
 * from March, so that the leap day is the last of its year and months before
 * it have the fixed lengths that (153 m + 2) / 5 gives.
 */
static int64_t days_from_civil(unsigned year, unsigned month, unsigned day)
{
	const int64_t y = (int64_t)year - (month <= 2 ? 1 : 0);
	const int64_t era = (y >= 0 ? y : y - 399) / 400;
	const int64_t year_of_era = y - era * 400;
	const int64_t month_from_march = month > 2 ? (int64_t)month - 3 : (int64_t)month + 9;
	const int64_t day_of_year = (153 * month_from_march + 2) / 5 + (int64_t)day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void civil_from_days(int64_t days, struct moment *out)
{
	const int64_t z = days + 719468;
	const int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	const int64_t day_of_era = z - era * 146097;
	const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	const int64_t m = (5 * day_of_year + 2) / 153;

	out->day = (unsigned)(day_of_year - (153 * m + 2) / 5 + 1);
	out->month = (unsigned)(m < 10 ? m + 3 : m - 9);
	out->year = (unsigned)(year_of_era + era * 400 + (out->month <= 2 ? 1 : 0));
}

/* ---- writing -------------------------------------------------------------- */

static char *put_digits(char *at, uint64_t value, unsigned count)
{
	for (unsigned i = count; i > 0; i--) {
		at[i - 1] = (char)('0' + value % 10);
		value /= 10;
	}
	return at + count;
}

static char *put_mark(char *at, char mark)
{
	*at = mark;
	return at + 1;
}

void bw_time_format(int64_t time_us, char out[BW_TIME_BYTES])
{
	const int64_t clamped = time_us < BW_TIME_MIN ? BW_TIME_MIN : time_us > BW_TIME_MAX ? BW_TIME_MAX : time_us;
	/* counted from year 0, so that division never sees a negative number */
	const uint64_t since = (uint64_t)(clamped - BW_TIME_MIN);
	const uint64_t seconds = since / (uint64_t)US_PER_S;
	const uint64_t of_day = seconds % (uint64_t)S_PER_DAY;
	struct moment m;
	char *at = out;

	civil_from_days((int64_t)(seconds / (uint64_t)S_PER_DAY) + BW_TIME_MIN / US_PER_S / S_PER_DAY, &m);
	at = put_mark(put_digits(at, m.year, 4), '-');
	at = put_mark(put_digits(at, m.month, 2), '-');
	at = put_mark(put_digits(at, m.day, 2), 'T');
	at = put_mark(put_digits(at, of_day / 3600, 2), ':');
	at = put_mark(put_digits(at, of_day / 60 % 60, 2), ':');
	at = put_mark(put_digits(at, of_day % 60, 2), '.');
	at = put_mark(put_digits(at, since % (uint64_t)US_PER_S, 6), 'Z');
	*at = '\0';
}

/* ---- reading ---------------------------------------------------------------- */

static enum bw_err take_digits(struct bw_cursor *c, size_t count, unsigned *out)
{
	struct bw_slice text;
	unsigned value = 0;

	BW_NEED(bw_take(c, count, &text) == BW_OK, SYNTAX);
	for (size_t i = 0; i < count; i++) {
		BW_NEED(bw_is_digit(text.ptr[i]), SYNTAX);
		value = value * 10 + (unsigned)(text.ptr[i] - '0');
	}
	*out = value;
	return BW_OK;
}

static enum bw_err take_mark(struct bw_cursor *c, uint8_t mark)
{
	uint8_t found;

	BW_NEED(bw_take_u8(c, &found) == BW_OK, SYNTAX);
	/* RFC 3339 §5.6: T and Z may be lower case */
	BW_NEED(found == mark || (bw_is_upper(mark) && found == bw_to_lower(mark)), SYNTAX);
	return BW_OK;
}

static enum bw_err take_to_seconds(struct bw_cursor *c, struct moment *m)
{
	BW_TRY(take_digits(c, 4, &m->year));
	BW_TRY(take_mark(c, '-'));
	BW_TRY(take_digits(c, 2, &m->month));
	BW_TRY(take_mark(c, '-'));
	BW_TRY(take_digits(c, 2, &m->day));
	BW_TRY(take_mark(c, 'T'));
	BW_TRY(take_digits(c, 2, &m->hour));
	BW_TRY(take_mark(c, ':'));
	BW_TRY(take_digits(c, 2, &m->minute));
	BW_TRY(take_mark(c, ':'));
	return take_digits(c, 2, &m->second);
}

static enum bw_err check_ranges(const struct moment *m)
{
	BW_NEED(m->month >= 1 && m->month <= 12, RANGE);
	BW_NEED(m->day >= 1 && m->day <= days_in(m->year, m->month), RANGE);
	BW_NEED(m->hour <= 23 && m->minute <= 59 && m->second <= 60, RANGE);
	return BW_OK;
}

/* A dot and at least one digit, or nothing. */
static enum bw_err take_fraction(struct bw_cursor *c, int64_t *out_us)
{
	int64_t scale = US_PER_S / 10;
	int64_t us = 0;
	unsigned digit;

	if (bw_cursor_left(c) == 0 || c->over.ptr[c->at] != '.')
		return BW_OK;
	BW_TRY(take_mark(c, '.'));
	BW_TRY(take_digits(c, 1, &digit));
	for (;;) {
		us += (int64_t)digit * scale;
		scale /= 10;
		if (bw_cursor_left(c) == 0 || !bw_is_digit(c->over.ptr[c->at]))
			break;
		BW_TRY(take_digits(c, 1, &digit));
	}
	*out_us = us;
	return BW_OK;
}

static enum bw_err take_offset(struct bw_cursor *c, int64_t *out_s)
{
	unsigned hours;
	unsigned minutes;
	uint8_t sign;

	BW_NEED(bw_take_u8(c, &sign) == BW_OK, SYNTAX);
	if (sign == 'Z' || sign == 'z') {
		*out_s = 0;
		return BW_OK;
	}
	BW_NEED(sign == '+' || sign == '-', SYNTAX);
	BW_TRY(take_digits(c, 2, &hours));
	BW_TRY(take_mark(c, ':'));
	BW_TRY(take_digits(c, 2, &minutes));
	BW_NEED(hours <= 23 && minutes <= 59, RANGE);
	*out_s = (sign == '-' ? -1 : 1) * (int64_t)(hours * 3600 + minutes * 60);
	return BW_OK;
}

static int64_t to_us(const struct moment *m, int64_t offset_s)
{
	const int64_t seconds = days_from_civil(m->year, m->month, m->day) * S_PER_DAY + (int64_t)m->hour * 3600 +
				(int64_t)m->minute * 60 + (int64_t)m->second - offset_s;

	return seconds * US_PER_S + m->us;
}

/* A leap second ends a UTC day: after the offset, 60 must have come right after 23:59:59. */
static bool leap_second_is_possible(const struct moment *m, int64_t offset_s)
{
	const int64_t of_day = (int64_t)m->hour * 3600 + (int64_t)m->minute * 60 + 60 - offset_s;

	return m->second < 60 || of_day % S_PER_DAY == 0;
}

enum bw_err bw_time_parse(struct bw_slice text, int64_t *out_us)
{
	BW_NEED(text.len == BW_TIME_CHARS && text.ptr[10] == 'T' && text.ptr[19] == '.' && text.ptr[26] == 'Z', SYNTAX);
	BW_NEED(text.ptr[17] != '6', RANGE); /* no leap seconds: one text, one instant */
	return bw_time_parse_any(text, out_us);
}

enum bw_err bw_time_parse_any(struct bw_slice text, int64_t *out_us)
{
	struct bw_cursor c = bw_cursor_over(text);
	struct moment m = { 0 };
	int64_t offset_s;
	int64_t us;

	BW_TRY(take_to_seconds(&c, &m));
	BW_TRY(take_fraction(&c, &m.us));
	BW_TRY(take_offset(&c, &offset_s));
	BW_NEED(bw_cursor_left(&c) == 0, SYNTAX);
	BW_TRY(check_ranges(&m));
	BW_NEED(leap_second_is_possible(&m, offset_s), RANGE);
	us = to_us(&m, offset_s);
	BW_NEED(us >= BW_TIME_MIN && us <= BW_TIME_MAX, RANGE);
	*out_us = us;
	return BW_OK;
}
