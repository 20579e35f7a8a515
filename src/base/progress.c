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

void bw_progress_line(const struct bw_progress *progress, uint64_t done, int64_t elapsed_ms, char *out, size_t size)
{
	const double seconds = elapsed_ms > 0 ? (double)elapsed_ms / 1000 : 0.001;
	const double rate = (double)done / seconds;

	if (progress->total == 0 || done > progress->total || rate <= 0) {
		(void)snprintf(out, size, "%s %" PRIu64 " %s, %.0f/s", progress->what, done, progress->unit, rate);
		return;
	}
	(void)snprintf(out, size, "%s %" PRIu64 " of %" PRIu64 " %s (%.0f %%), %.0f/s, %.0f s left", progress->what,
		       done, progress->total, progress->unit, 100 * (double)done / (double)progress->total, rate,
		       (double)(progress->total - done) / rate);
}

void bw_progress_at(struct bw_progress *progress, uint64_t done)
{
	char line[LINE_BYTES];
	int64_t now;

	if (!progress->enabled)
		return;
	now = now_ms();
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
}
