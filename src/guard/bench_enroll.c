/*
 * Bench: how fast a tree of small files is taken in, beside cp -a of the same tree and the least any program can do
 * in the same run, and what guarding it takes of the memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "guard/bench_guard.h"
#include "sys/clock.h"

enum {
	WANTED_RATE = 20000,
	WANTED_MIB = 160,
	QUIET_S = 5,
	PAPER_BYTES = 128 * 1024, /* more than any of them has */
};

/* ---- rates ----------------------------------------------------------------------------------------- */

/* From nothing each time: the store and the data folder go, the tree stays. */
static enum bw_err enroll_once(struct bw_gbench *bench, struct bw_place *place, int64_t *out_us)
{
	char store[BW_PATH_BYTES];

	BW_TRY(bw_path_join(store, place->mount, ".breakwater-guard"));
	bw_place_clear(store);
	bw_place_clear(place->data);
	BW_TRY(bw_place_sync(place, &bench->why)); /* nobody pays for what was written before */
	return bw_place_enroll(bench, place, out_us, &bench->why);
}

/* The least a copy costs that is safe on the disk, as an enrolment's is. */
static enum bw_err copy_once(struct bw_gbench *bench, struct bw_place *place, int64_t *out_us)
{
	char copy[BW_PATH_BYTES];
	char line[2 * BW_PATH_BYTES + 16];
	int64_t began_us;

	BW_TRY(bw_path_join(copy, place->mount, "copy"));
	(void)snprintf(line, sizeof(line), "cp -a %s %s", place->tree, copy);
	BW_TRY(bw_place_sync(place, &bench->why));
	began_us = bw_clock_mono_us();
	BW_TRY(bw_place_run(line, NULL, NULL, &bench->why));
	BW_TRY(bw_place_sync(place, &bench->why));
	*out_us = bw_clock_mono_us() - began_us;
	bw_place_clear(copy);
	return BW_OK;
}

static enum bw_err append_one(int to, const char *path, struct bw_why *why)
{
	static uint8_t bytes[PAPER_BYTES];
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t got = fd >= 0 ? read(fd, bytes, sizeof(bytes)) : -1;
	const int saved = errno;

	if (fd >= 0)
		(void)close(fd);
	if (got < 0)
		return bw_why_errno(why, saved, "read", path);
	return bw_fd_write(to, bw_slice_of(bytes, (size_t)got));
}

static enum bw_err append_all(struct bw_gbench *bench, const struct bw_place *place, int to)
{
	for (unsigned n = 0; n < bench->files; n++) {
		char path[BW_GBENCH_PATH];

		(void)bw_gbench_paper(place, n, path);
		BW_TRY(append_one(to, path, &bench->why));
	}
	return fsync(to) == 0 ? BW_OK : bw_why_errno(&bench->why, errno, "sync", "what was appended");
}

/* Every file opened, read and appended to one file, and that synced: no names, no sums, no features, no catalogue. */
static enum bw_err floor_once(struct bw_gbench *bench, struct bw_place *place, int64_t *out_us)
{
	char path[BW_PATH_BYTES];
	int64_t began_us;
	enum bw_err err;
	int to;

	BW_TRY(bw_path_join(path, place->mount, "all-in-one"));
	BW_TRY(bw_place_sync(place, &bench->why));
	began_us = bw_clock_mono_us();
	to = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (to < 0)
		return bw_why_errno(&bench->why, errno, "make", path);
	err = append_all(bench, place, to);
	*out_us = bw_clock_mono_us() - began_us;
	(void)close(to);
	(void)unlink(path);
	return err;
}

/* What is printed of every run. */
struct rates {
	struct bw_bench_row rate;
	struct bw_bench_row copy;
	struct bw_bench_row floor;
};

static enum bw_err one_run(struct bw_gbench *bench, struct bw_place *place, size_t n, struct rates *rates)
{
	int64_t enroll_us = 0;
	int64_t copy_us = 0;
	int64_t floor_us = 0;

	if (n % 2 == 1)
		BW_TRY(copy_once(bench, place, &copy_us));
	BW_TRY(enroll_once(bench, place, &enroll_us));
	BW_TRY(floor_once(bench, place, &floor_us));
	if (n % 2 == 0)
		BW_TRY(copy_once(bench, place, &copy_us));
	bw_bench_add(&rates->rate, bench->files * 1e6 / (double)enroll_us, WANTED_RATE);
	bw_bench_add(&rates->copy, (double)enroll_us / 1e6, (double)copy_us / 1e6);
	bw_bench_add(&rates->floor, (double)enroll_us / 1e6, (double)floor_us / 1e6);
	return BW_OK;
}

/* Once it has started: opening the keys that sign evidence takes 64 MiB for a moment, on purpose (a passphrase). */
static enum bw_err memory(struct bw_gbench *bench, struct bw_place *place)
{
	const struct timespec quiet = { .tv_sec = QUIET_S };
	struct bw_bench_row row = { .unit = "MiB",
				    .limit_name = "at most, at a million files",
				    .less_is_better = true };
	struct bw_place_use use;
	char what[64];
	char name[BW_GBENCH_NAME];
	enum bw_err err;

	(void)snprintf(what, sizeof(what), "memory of the guard, %u files", bench->files);
	row.name = bw_gbench_name(place, what, name);
	err = bw_place_guard(bench, place, "enforce", &bench->why);
	if (err == BW_OK) {
		(void)nanosleep(&quiet, NULL);
		err = bw_place_use(place, &use);
	}
	bw_place_unguard(place);
	if (err != BW_OK) {
		bw_gbench_absent(bench, name, row.unit,
				 bench->why.text[0] != '\0' ? bench->why.text : bw_err_text(err));
		return BW_OK;
	}
	bw_bench_add(&row, (double)use.memory_kib / 1024, WANTED_MIB);
	bw_gbench_print(bench, &row);
	return BW_OK;
}

enum bw_err bw_gbench_enroll(struct bw_gbench *bench, struct bw_place *place)
{
	struct rates rates = {
		.rate = { .unit = "files/s", .limit_name = "at least" },
		.copy = { .unit = "s", .limit_name = "cp -a of the same files, and sync", .less_is_better = true },
		.floor = { .unit = "s", .limit_name = "read, appended to one file, synced", .less_is_better = true },
	};
	char what[64];
	char rate_name[BW_GBENCH_NAME];
	char copy_name[BW_GBENCH_NAME];
	char floor_name[BW_GBENCH_NAME];

	(void)snprintf(what, sizeof(what), "enrolment, %u files of 1 to 64 KiB", bench->files);
	rates.rate.name = bw_gbench_name(place, what, rate_name);
	(void)snprintf(what, sizeof(what), "enrolment beside cp -a, %u files", bench->files);
	rates.copy.name = bw_gbench_name(place, what, copy_name);
	(void)snprintf(what, sizeof(what), "enrolment beside the least, %u files", bench->files);
	rates.floor.name = bw_gbench_name(place, what, floor_name);
	BW_TRY(bw_gbench_papers(place, bench->files, &bench->why));
	for (size_t n = 0; n < bench->runs; n++)
		BW_TRY(one_run(bench, place, n, &rates));
	bw_gbench_print(bench, &rates.rate);
	bw_gbench_print(bench, &rates.copy);
	bw_gbench_print(bench, &rates.floor);
	return memory(bench, place);
}
