/*
 * Bench: how long what was just written is not safe yet, how soon the guard has caught up after
 * a copy of a whole folder, and what it takes while nothing happens.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "guard/bench_guard.h"
#include "sys/clock.h"

enum {
	WANTED_NEW_MS = 50,
	WANTED_AGAIN_MS = 2000,
	WANTED_CATCH_UP_MS = 1000, /* of ten thousand files */
	SINGLE = 200,              /* files written at a walking pace */
	PACE_NS = 20 * 1000 * 1000,
	SHOWN_NS = 1200 * 1000 * 1000,
	WAIT_MS = 60 * 1000,
	FILE_BYTES = 4096,
	MANY = 10000,
	IDLE_S = 10,
	QUIET_S = 10, /* by then what was written is done with, and the catalogue's log is short again */
};

static void nap(long ns)
{
	const struct timespec pause = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	(void)nanosleep(&pause, NULL);
}

static enum bw_err write_one(const char *dir, unsigned number, unsigned edition, struct bw_why *why)
{
	char path[BW_PATH_BYTES + 32];
	char text[FILE_BYTES];
	enum bw_err err;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/f%u.txt", dir, number);
	for (size_t at = 0; at < sizeof(text); at += 32)
		(void)snprintf(text + at, sizeof(text) - at, "pupil %8u, lesson %6u, mark", number, edition);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return bw_why_errno(why, errno, "make", path);
	err = bw_fd_write(fd, bw_slice_of((const uint8_t *)text, sizeof(text)));
	(void)close(fd);
	return err;
}

static enum bw_err write_all(const char *dir, unsigned count, unsigned edition, long pace_ns, struct bw_why *why)
{
	for (unsigned n = 0; n < count; n++) {
		BW_TRY(write_one(dir, n, edition, why));
		if (pace_ns > 0)
			nap(pace_ns);
	}
	return BW_OK;
}

/* The guard's own figure after so many more files; what it remembers of the rounds before is in it. */
static enum bw_err one_round(struct bw_gbench *bench, struct bw_place *place, const char *dir, unsigned edition,
			     struct bw_guard_board *out)
{
	BW_TRY(bw_place_board(place, out));
	BW_TRY(write_all(dir, SINGLE, edition, PACE_NS, &bench->why));
	BW_TRY(bw_place_settle(place, out->versions + SINGLE, WAIT_MS));
	nap(SHOWN_NS); /* the board is written anew once a second */
	return bw_place_board(place, out);
}

static enum bw_err windows(struct bw_gbench *bench, struct bw_place *place)
{
	struct bw_bench_row fresh = { .unit = "ms", .limit_name = "at most", .less_is_better = true };
	struct bw_bench_row again = fresh;
	char fresh_name[BW_GBENCH_NAME];
	char again_name[BW_GBENCH_NAME];

	fresh.name = bw_gbench_name(place, "window, new content: p99", fresh_name);
	again.name = bw_gbench_name(place, "window, repeats: p99", again_name);
	for (size_t n = 0; n < bench->runs; n++) {
		struct bw_guard_board board;
		char dir[BW_PATH_BYTES];
		char name[32];

		(void)snprintf(name, sizeof(name), "single-%zu", n);
		BW_TRY(bw_path_join(dir, place->tree, name));
		BW_TRY(bw_folder_make(dir, &bench->why));
		BW_TRY(one_round(bench, place, dir, 0, &board));
		bw_bench_add(&fresh, (double)board.exposure_p99_new_us / 1000, WANTED_NEW_MS);
		BW_TRY(one_round(bench, place, dir, 1, &board));
		bw_bench_add(&again, (double)board.exposure_p99_again_us / 1000, WANTED_AGAIN_MS);
	}
	bw_gbench_print(bench, &fresh);
	bw_gbench_print(bench, &again);
	return BW_OK;
}

static enum bw_err catching_up(struct bw_gbench *bench, struct bw_place *place)
{
	struct bw_bench_row row = { .unit = "ms", .limit_name = "at most", .less_is_better = true };
	char name[BW_GBENCH_NAME];
	char dir[BW_PATH_BYTES];

	row.name = bw_gbench_name(place, "caught up, 10000 new files", name);
	BW_TRY(bw_path_join(dir, place->tree, "many"));
	for (size_t n = 0; n < bench->runs; n++) {
		struct bw_guard_board board;
		int64_t ended_us;

		BW_TRY(bw_folder_make(dir, &bench->why));
		BW_TRY(bw_place_board(place, &board));
		BW_TRY(write_all(dir, MANY, (unsigned)n, 0, &bench->why));
		ended_us = bw_clock_mono_us();
		BW_TRY(bw_place_settle(place, board.versions + MANY, WAIT_MS));
		bw_bench_add(&row, (double)(bw_clock_mono_us() - ended_us) / 1000, WANTED_CATCH_UP_MS);
		bw_place_clear(dir);
	}
	bw_gbench_print(bench, &row);
	return BW_OK;
}

static enum bw_err idle(struct bw_gbench *bench, struct bw_place *place)
{
	struct bw_bench_row row = { .unit = "%", .limit_name = "at most", .less_is_better = true };
	char name[BW_GBENCH_NAME];
	struct bw_place_use before;
	struct bw_place_use after;

	row.name = bw_gbench_name(place, "processor, idle", name);
	nap(QUIET_S * 1000000000L);
	BW_TRY(bw_place_use(place, &before));
	for (size_t n = 0; n < bench->runs; n++) {
		nap(IDLE_S * 1000000000L);
		BW_TRY(bw_place_use(place, &after));
		bw_bench_add(&row, (double)(after.cpu_us - before.cpu_us) / (IDLE_S * 10000.0), 0.1);
		before = after;
	}
	bw_gbench_print(bench, &row);
	return BW_OK;
}

enum bw_err bw_gbench_window(struct bw_gbench *bench, struct bw_place *place)
{
	enum bw_err err;

	BW_TRY(bw_place_enroll(bench, place, NULL, &bench->why));
	BW_TRY(bw_place_guard(bench, place, "enforce", &bench->why));
	err = windows(bench, place);
	if (err == BW_OK)
		err = catching_up(bench, place);
	if (err == BW_OK)
		err = idle(bench, place);
	bw_place_unguard(place);
	return err;
}
