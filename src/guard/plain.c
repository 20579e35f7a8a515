#include "guard/plain.h"

#include <pwd.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "codec/json_text.h"
#include "guard/volumes.h"
#include "sys/clock.h"

const char *bw_plain_size(uint64_t bytes, char out[BW_PLAIN_BYTES])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		(void)snprintf(out, BW_PLAIN_BYTES, "%llu byte%s", (unsigned long long)bytes, bytes == 1 ? "" : "s");
		return out;
	}
	while (value >= 1024 && unit + 1 < BW_COUNT(units)) {
		value /= 1024;
		unit++;
	}
	(void)snprintf(out, BW_PLAIN_BYTES, value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return out;
}

const char *bw_plain_span(uint64_t us, char out[BW_PLAIN_BYTES])
{
	static const struct {
		uint64_t us;
		const char *word;
	} units[] = {
		{ UINT64_C(172800000000), "days" },
		{ UINT64_C(7200000000), "h" },
		{ 120000000, "min" },
		{ 1000000, "s" },
		{ 1000, "ms" },
	};
	static const uint64_t one[] = { UINT64_C(86400000000), UINT64_C(3600000000), 60000000, 1000000, 1000 };

	for (size_t i = 0; i < BW_COUNT(units); i++) {
		if (us >= units[i].us) {
			const double value = (double)us / (double)one[i];

			(void)snprintf(out, BW_PLAIN_BYTES, value < 10 ? "%.1f %s" : "%.0f %s", value, units[i].word);
			return out;
		}
	}
	(void)snprintf(out, BW_PLAIN_BYTES, "%llu us", (unsigned long long)us);
	return out;
}

const char *bw_plain_time(int64_t wall_us, char out[BW_PLAIN_BYTES])
{
	const time_t seconds = (time_t)(wall_us / 1000000);
	struct tm local;

	if (wall_us == 0 || localtime_r(&seconds, &local) == NULL ||
	    strftime(out, BW_PLAIN_BYTES, "%Y-%m-%d %H:%M:%S %z", &local) == 0)
		(void)snprintf(out, BW_PLAIN_BYTES, "never");
	return out;
}

/* Like the form, in which d is a digit. */
static bool has_form(struct bw_slice text, const char *form)
{
	if (text.len != strlen(form))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (form[i] == 'd' ? text.ptr[i] < '0' || text.ptr[i] > '9' : text.ptr[i] != (uint8_t)form[i])
			return false;
	}
	return true;
}

static int number_at(struct bw_slice text, size_t at, size_t len)
{
	uint64_t number = 0;

	return bw_parse_u64(bw_slice_sub(text, at, len), &number) == BW_OK ? (int)number : -1; /* digits by the form */
}

static enum bw_err parse_local(struct bw_slice text, int64_t *out_us)
{
	static const size_t at[] = { 5, 8, 11, 14, 17 };
	const bool has_seconds = has_form(text, "dddd-dd-dd dd:dd:dd");
	struct tm local = { .tm_isdst = -1 };
	struct tm asked;
	time_t seconds;

	BW_NEED(has_seconds || has_form(text, "dddd-dd-dd dd:dd"), SYNTAX);
	local.tm_year = number_at(text, 0, 4) - 1900;
	local.tm_mon = number_at(text, at[0], 2) - 1;
	local.tm_mday = number_at(text, at[1], 2);
	local.tm_hour = number_at(text, at[2], 2);
	local.tm_min = number_at(text, at[3], 2);
	local.tm_sec = has_seconds ? number_at(text, at[4], 2) : 0;
	asked = local;
	seconds = mktime(&local);
	BW_NEED(seconds > 0 && local.tm_mon == asked.tm_mon && local.tm_mday == asked.tm_mday &&
			local.tm_hour == asked.tm_hour && local.tm_min == asked.tm_min && local.tm_sec == asked.tm_sec,
		RANGE);
	*out_us = (int64_t)seconds * 1000000;
	return BW_OK;
}

enum bw_err bw_plain_time_parse(const char *text, int64_t *out_us)
{
	const struct bw_slice all = bw_slice_text(text);
	char standard[sizeof("2026-11-23T01:04:09+01:00")];

	if (!has_form(all, "dddd-dd-dd dd:dd:dd +dddd") && !has_form(all, "dddd-dd-dd dd:dd:dd -dddd"))
		return all.len > 10 && all.ptr[10] == ' ' ? parse_local(all, out_us) : bw_time_parse_any(all, out_us);
	(void)snprintf(standard, sizeof(standard), "%.10sT%.8s%.3s:%.2s", text, text + 11, text + 20, text + 23);
	return bw_time_parse_any(bw_slice_text(standard), out_us);
}

const char *bw_plain_user(uint32_t uid, char out[BW_USER_BYTES])
{
	const struct passwd *user = getpwuid((uid_t)uid);

	if (user == NULL)
		(void)snprintf(out, BW_USER_BYTES, "%u", uid);
	else
		(void)snprintf(out, BW_USER_BYTES, "%.256s (%u)", user->pw_name, uid);
	return out;
}

const char *bw_plain_count(uint64_t count, const char *one, const char *many, char out[2 * BW_PLAIN_BYTES])
{
	(void)snprintf(out, 2 * BW_PLAIN_BYTES, "%llu %s", (unsigned long long)count, count == 1 ? one : many);
	return out;
}

int bw_plain_json(const struct bw_call *call, enum bw_err err, const struct bw_buf *json)
{
	if (err != BW_OK)
		return bw_complain(call, BW_EXIT_FAILED, NULL, "cannot make the answer: %s", bw_err_text(err));
	(void)printf("%s\n", bw_buf_text(json));
	return BW_EXIT_OK;
}

bool bw_plain_is_root(const struct bw_call *call, const char *reason)
{
	if (geteuid() == 0)
		return true;
	(void)bw_complain(call, BW_EXIT_FAILED, "run it as root, or with sudo", "%s", reason);
	return false;
}

enum bw_err bw_plain_json_time(struct bw_buf *out, const char *name, int64_t wall_us)
{
	char time[BW_TIME_BYTES];

	bw_time_format(wall_us, time);
	return bw_json_add_text(out, name, bw_slice_text(time));
}

void bw_plain_say_away(const struct bw_call *call, const struct bw_guard_settings *settings)
{
	for (size_t i = 0; i < settings->away_count; i++)
		(void)bw_complain(call, BW_EXIT_OK, BW_AWAY_NEXT, "'%s' is not guarded: %s", settings->away[i].path,
				  settings->away[i].why);
}

enum bw_err bw_plain_is_here(const struct bw_guard_settings *settings, const char *path, struct bw_why *why)
{
	const struct bw_tree_away *away = bw_guard_settings_away(settings, path);

	if (away == NULL)
		return BW_OK;
	return bw_why_set(why, BW_ERR_NOT_FOUND, "'%s' is in '%s', which is not guarded: %s; %s", path, away->path,
			  away->why, BW_AWAY_NEXT);
}
