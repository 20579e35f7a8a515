/*
 * Bench: drills, as people run them, counted: how many files an attacker reaches, whether it was stopped, and whether
 * every byte came back (guard/bench_guard.h). And every stop's time, of all drills together.
 */
#include <stdio.h>
#include <stdlib.h>

#include "guard/bench_guard.h"

enum { LINE_BYTES = 4 * BW_PATH_BYTES };

/* ---- stops ------------------------------------------------------------------------------------- */

enum bw_err bw_gbench_gather_stops(struct bw_gbench *bench, struct bw_place *place)
{
	struct bw_guard_board board;

	BW_TRY(bw_place_board(place, &board));
	for (; place->stops_seen < board.stop_count; place->stops_seen++) {
		if (board.stop_count - place->stops_seen <= BW_BOARD_STOPS && bench->stop_count < BW_GBENCH_STOPS)
			bench->stops[bench->stop_count++] = board.stop_us[place->stops_seen % BW_BOARD_STOPS];
	}
	return BW_OK;
}

static int by_size(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a;
	const uint32_t y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void print_stop(const struct bw_gbench *bench, const char *name, double value, const char *unit, double most)
{
	struct bw_bench_row row = {
		.name = name, .unit = unit, .limit_name = most > 0 ? "at most" : NULL, .less_is_better = true
	};

	bw_bench_add(&row, value, most);
	bw_gbench_print(bench, &row);
}

void bw_gbench_print_stops(struct bw_gbench *bench)
{
	const size_t count = bench->stop_count;
	uint64_t middle;
	uint64_t high;

	if (count == 0)
		return;
	qsort(bench->stops, count, sizeof(bench->stops[0]), by_size);
	middle = bench->stops[count / 2];
	high = bench->stops[(count - 1) * 99 / 100];
	print_stop(bench, "stops after the evidence that decided", (double)count, "stops", 0);
	print_stop(bench, "evidence to stop: median", (double)middle / 1000, "ms", 3);
	print_stop(bench, "evidence to stop: p99", (double)high / 1000, "ms", 50);
	print_stop(bench, "evidence to stop: longest", bench->stops[count - 1] / 1000.0, "ms", 0);
}

/* ---- drills -------------------------------------------------------------------------------------- */

double bw_gbench_number(const char *json, const char *name)
{
	char wanted[64];
	const char *at;

	(void)snprintf(wanted, sizeof(wanted), "\"%s\":", name);
	at = strstr(json, wanted);
	return at == NULL ? -1 : strtod(at + strlen(wanted), NULL);
}

static void note_missed(struct bw_drills *drills, const char *pattern)
{
	const size_t len = strlen(drills->missed);

	(void)snprintf(drills->missed + len, sizeof(drills->missed) - len, "%s%s", len > 0 ? ", " : "", pattern);
}

static void note_beyond(struct bw_drills *drills, const char *pattern, double touched)
{
	const size_t len = strlen(drills->beyond);

	(void)snprintf(drills->beyond + len, sizeof(drills->beyond) - len, "%s%s (%.0f)", len > 0 ? ", " : "", pattern,
		       touched);
}

enum bw_err bw_gbench_drill(struct bw_gbench *bench, struct bw_place *place, const struct bw_drill_words *words,
			    struct bw_drills *drills)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf said = BW_BUF_INIT(1024 * 1024);
	char line[LINE_BYTES];
	double touched;
	double stopped;

	(void)snprintf(line, sizeof(line),
		       "%s guard drill --data=%s --format=json --files=%u --pattern %s --strain %llu %s",
		       bench->program, place->data, words->files, words->pattern, (unsigned long long)words->strain,
		       words->options != NULL ? words->options : "");
	BW_TRY(bw_place_run_found(line, &said, &bench->why));
	touched = bw_gbench_number(bw_buf_text(&said), "touched");
	if (touched < 0)
		return bw_why_set(&bench->why, BW_ERR_SYSTEM, "a drill of %s said: %.200s", words->pattern,
				  bw_buf_text(&said));
	if (touched == 0 && bw_gbench_number(bw_buf_text(&said), "incident") <= 0)
		return BW_OK; /* this file system cannot do it */
	stopped = bw_gbench_number(bw_buf_text(&said), "killed") + bw_gbench_number(bw_buf_text(&said), "frozen");
	bw_bench_add(&drills->touched, touched, words->most);
	drills->lost += bw_gbench_number(bw_buf_text(&said), "bytes_not_back");
	drills->metadata += bw_gbench_number(bw_buf_text(&said), "metadata_not_back");
	drills->stopped += stopped;
	drills->count++;
	if (stopped < 1)
		note_missed(drills, words->pattern);
	if (touched > words->most)
		note_beyond(drills, words->pattern, touched);
	else
		drills->within++;
	return bw_gbench_gather_stops(bench, place);
}

static void print_one(const struct bw_gbench *bench, const struct bw_place *place, const char *who, const char *what,
		      const char *unit, const char *limit_name, double value, double limit)
{
	struct bw_bench_row row = { .unit = unit, .limit_name = limit_name };
	char words[128];
	char name[BW_GBENCH_NAME];

	(void)snprintf(words, sizeof(words), "%s: %s", who, what);
	row.name = bw_gbench_name(place, words, name);
	bw_bench_add(&row, value, limit);
	bw_gbench_print(bench, &row);
}

void bw_gbench_print_drills(const struct bw_gbench *bench, const struct bw_place *place, const char *who,
			    struct bw_drills *drills)
{
	char words[64 + sizeof(drills->missed)]; /* or beyond, which is as long */
	char name[BW_GBENCH_NAME];

	if (drills->count == 0) {
		bw_gbench_absent(bench, bw_gbench_name(place, who, name), "files", "this file system cannot do it");
		return;
	}
	(void)snprintf(words, sizeof(words), "%s: files touched", who);
	drills->touched.name = bw_gbench_name(place, words, name);
	drills->touched.unit = "files";
	drills->touched.limit_name = "worst, at most";
	bw_gbench_print(bench, &drills->touched);
	(void)snprintf(words, sizeof(words), "drills stopped%s%s", drills->missed[0] != '\0' ? ", all but " : "",
		       drills->missed);
	print_one(bench, place, who, words, "%", "wanted", 100 * drills->stopped / (double)drills->count, 100);
	(void)snprintf(words, sizeof(words), "drills within that%s%s", drills->beyond[0] != '\0' ? ", all but " : "",
		       drills->beyond);
	print_one(bench, place, who, words, "%", "wanted", 100 * (double)drills->within / (double)drills->count, 100);
	print_one(bench, place, who, "files whose bytes are not back", "files", "at most", drills->lost, 0);
	print_one(bench, place, who, "metadata not back, folders too", "names", "at most", drills->metadata, 0);
}
