/*
 * Bench: how fast a tree of small files is taken in, beside cp -a of the same tree in the same run, and what guarding
 * it takes of the memory.
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
	A_FOLDER = 200,
	QUIET_S = 5,
	SIZES = 7, /* 1, 2, 4 … 64 KiB, as many files of each */
};

/* ---- the tree ------------------------------------------------------------------------------------ */

/* Text of a file of its own: words drawn by its number. */
static void compose(unsigned number, uint8_t *text, size_t len)
{
	static const char *const words[] = {
		"lesson ", "the ", "pupil ",  "of ", "paper ",   "mark ",  "and ",  "a ",
		"class ",  "to ",  "school ", "in ", "teacher ", "year\n", "home ", "is "
	};
	uint32_t state = number * 2654435761U + 1;
	size_t at = 0;

	while (at < len) {
		const char *word;
		size_t some;

		state = state * 1664525 + 1013904223;
		word = words[state >> 28];
		some = strlen(word) < len - at ? strlen(word) : len - at;
		memcpy(text + at, word, some);
		at += some;
	}
}

static enum bw_err write_paper(const char *dir, unsigned number, struct bw_why *why)
{
	static uint8_t text[1024 << (SIZES - 1)];
	const size_t len = ((size_t)1024 << number % SIZES) - number % 500;
	char path[BW_PATH_BYTES + 32];
	enum bw_err err;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/paper-%u.txt", dir, number);
	compose(number, text, len);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0640);
	if (fd < 0)
		return bw_why_errno(why, errno, "make", path);
	err = bw_fd_write(fd, bw_slice_of(text, len));
	(void)close(fd);
	return err;
}

static enum bw_err make_tree(const struct bw_gbench *bench, const struct bw_place *place, struct bw_why *why)
{
	char top[BW_PATH_BYTES];
	char dir[BW_PATH_BYTES] = "";
	char name[32];

	BW_TRY(bw_path_join(top, place->tree, "papers"));
	BW_TRY(bw_folder_make(top, why));
	for (unsigned n = 0; n < bench->files; n++) {
		if (n % A_FOLDER == 0) {
			(void)snprintf(name, sizeof(name), "class-%u", n / A_FOLDER);
			BW_TRY(bw_path_join(dir, top, name));
			BW_TRY(bw_folder_make(dir, why));
		}
		BW_TRY(write_paper(dir, n, why));
	}
	return BW_OK;
}

/* ---- rates ----------------------------------------------------------------------------------------- */

/* The place's own disk: a sync of everything would wait for other people's files. */
static enum bw_err sync_place(const struct bw_place *place, struct bw_why *why)
{
	const int fd = open(place->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum bw_err err = BW_OK;

	if (fd < 0 || syncfs(fd) != 0)
		err = bw_why_errno(why, errno, "sync", place->mount);
	if (fd >= 0)
		(void)close(fd);
	return err;
}

/* From nothing each time: the store and the data folder go, the tree stays. */
static enum bw_err enroll_once(struct bw_gbench *bench, struct bw_place *place, int64_t *out_us)
{
	char store[BW_PATH_BYTES];

	BW_TRY(bw_path_join(store, place->mount, ".breakwater-guard"));
	bw_place_clear(store);
	bw_place_clear(place->data);
	BW_TRY(sync_place(place, &bench->why)); /* nobody pays for what was written before */
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
	BW_TRY(sync_place(place, &bench->why));
	began_us = bw_clock_mono_us();
	BW_TRY(bw_place_run(line, NULL, NULL, &bench->why));
	BW_TRY(sync_place(place, &bench->why));
	*out_us = bw_clock_mono_us() - began_us;
	bw_place_clear(copy);
	return BW_OK;
}

static enum bw_err one_run(struct bw_gbench *bench, struct bw_place *place, size_t n, struct bw_bench_row *rate,
			   struct bw_bench_row *beside)
{
	int64_t enroll_us = 0;
	int64_t copy_us = 0;

	if (n % 2 == 1)
		BW_TRY(copy_once(bench, place, &copy_us));
	BW_TRY(enroll_once(bench, place, &enroll_us));
	if (n % 2 == 0)
		BW_TRY(copy_once(bench, place, &copy_us));
	bw_bench_add(rate, bench->files * 1e6 / (double)enroll_us, WANTED_RATE);
	bw_bench_add(beside, (double)enroll_us / 1e6, (double)copy_us / 1e6);
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
	struct bw_bench_row rate = { .unit = "files/s", .limit_name = "at least" };
	struct bw_bench_row beside = { .unit = "s",
				       .limit_name = "cp -a of the same files, and sync",
				       .less_is_better = true };
	char what[64];
	char rate_name[BW_GBENCH_NAME];
	char beside_name[BW_GBENCH_NAME];

	(void)snprintf(what, sizeof(what), "enrolment, %u files of 1 to 64 KiB", bench->files);
	rate.name = bw_gbench_name(place, what, rate_name);
	(void)snprintf(what, sizeof(what), "enrolment beside cp -a, %u files", bench->files);
	beside.name = bw_gbench_name(place, what, beside_name);
	BW_TRY(make_tree(bench, place, &bench->why));
	for (size_t n = 0; n < bench->runs; n++)
		BW_TRY(one_run(bench, place, n, &rate, &beside));
	bw_gbench_print(bench, &rate);
	bw_gbench_print(bench, &beside);
	return memory(bench, place);
}
