#include "base/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { SHOWN_AFTER_MS = 1000, REDRAW_MS = 100, LINE_BYTES = 160 };

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void bw_progress_begin(struct bw_progress *progress, const char *what, const char *unit, uint64_t total, bool quiet)
{
	*progress = (struct bw_progress){ .what = what, .unit = unit, .total = total, .began_ms = now_ms() };
	progress->enabled = !quiet && isatty(STDERR_FILENO);
}

void bw_progress_lines(struct bw_progress *progress, int64_t every_ms)
{
	progress->lines_ms = every_ms;
}

static double unit_of(uint64_t bytes, const char **out_name)
{
	static const char *const names[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	double unit = 1;
	size_t at = 0;

	while (at + 1 < BW_COUNT(names) && (double)bytes >= 1024 * unit) {
		unit *= 1024;
		at++;
	}
	*out_name = names[at];
	return unit;
}

static void line_with_bytes(const struct bw_progress *progress, uint64_t done, double seconds, char *out, size_t size)
{
	const uint64_t bytes = progress->bytes < progress->bytes_total ? progress->bytes : progress->bytes_total;
	const double share = ((double)done / (double)progress->total + (double)bytes / (double)progress->bytes_total) /
			     2;
	const double rate = (double)bytes / seconds;
	const char *of_all;
	const char *of_rate;
	const double all_unit = unit_of(progress->bytes_total, &of_all);
	const double rate_unit = unit_of((uint64_t)rate, &of_rate);
	char left[32] = "";

	if (share > 0)
		(void)snprintf(left, sizeof(left), ", %.0f s left", seconds * (1 - share) / share);
	(void)snprintf(out, size, "%s %" PRIu64 " of %" PRIu64 " %s, %.1f of %.1f %s (%.0f %%), %.1f %s/s%s",
		       progress->what, done, progress->total, progress->unit, (double)bytes / all_unit,
		       (double)progress->bytes_total / all_unit, of_all, 100 * share, rate / rate_unit, of_rate, left);
}

void bw_progress_line(const struct bw_progress *progress, uint64_t done, int64_t elapsed_ms, char *out, size_t size)
{
	const double seconds = elapsed_ms > 0 ? (double)elapsed_ms / 1000 : 0.001;
	const double rate = (double)done / seconds;

	if (progress->bytes_total > 0 && progress->total > 0 && done <= progress->total) {
		line_with_bytes(progress, done, seconds, out, size);
		return;
	}

	if (progress->total == 0 || done > progress->total || rate <= 0) {
		(void)snprintf(out, size, "%s %" PRIu64 " %s, %.0f/s", progress->what, done, progress->unit, rate);
		return;
	}
	(void)snprintf(out, size, "%s %" PRIu64 " of %" PRIu64 " %s (%.0f %%), %.0f/s, %.0f s left", progress->what,
		       done, progress->total, progress->unit, 100 * (double)done / (double)progress->total, rate,
		       (double)(progress->total - done) / rate);
}

static void say_line(struct bw_progress *progress, uint64_t done, int64_t now)
{
	const int64_t last = progress->drawn_ms != 0 ? progress->drawn_ms : progress->began_ms;
	char line[LINE_BYTES];

	if (now - last < progress->lines_ms)
		return;
	bw_progress_line(progress, done, now - progress->began_ms, line, sizeof(line));
	(void)fprintf(stderr, "%s\n", line);
	progress->drawn_ms = now;
}

void bw_progress_at(struct bw_progress *progress, uint64_t done)
{
	char line[LINE_BYTES];
	int64_t now;

	if (!progress->enabled && progress->lines_ms == 0)
		return;
	now = now_ms();
	if (!progress->enabled) {
		say_line(progress, done, now);
		return;
	}
	if (now - progress->began_ms < SHOWN_AFTER_MS || now - progress->drawn_ms < REDRAW_MS)
		return;
	bw_progress_line(progress, done, now - progress->began_ms, line, sizeof(line));
	(void)fprintf(stderr, "\r%s\x1b[K", line);
	(void)fflush(stderr);
	progress->drawn_ms = now;
	progress->drawn = true;
}

void bw_progress_end(struct bw_progress *progress)
{
	if (progress->drawn)
		(void)fprintf(stderr, "\r\x1b[K");
	progress->drawn = false;
	progress->enabled = false;
	progress->lines_ms = 0;
}
