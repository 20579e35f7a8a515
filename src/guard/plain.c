#include "guard/plain.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "codec/json_text.h"
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
	    strftime(out, BW_PLAIN_BYTES, "%Y-%m-%d %H:%M:%S", &local) == 0)
		(void)snprintf(out, BW_PLAIN_BYTES, "never");
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
