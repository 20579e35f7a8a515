/*
 * Bench: how soon everything is back. Ten thousand small files, and ten gigabytes in large ones, are destroyed (written
 * over, replaced, deleted), brought back with one command, and then read and compared by the bench itself. Beside it,
 * in turns, `cp --reflink` from a copy, a sync, and `diff` of both: what a person with the distribution's tools would
 * do for the same certainty.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "guard/bench_guard.h"
#include "sys/clock.h"

enum {
	SMALL = 10000,
	WANTED_S = 60,
	BLOCK = 1024 * 1024,
	LARGE_BLOCKS = 256, /* of a large file */
	LINE_BYTES = 4 * BW_PATH_BYTES,
	MADE_S = 1700000000, /* when the files were last changed, they say */
};

#define SMALL_BYTES (INT64_C(2) << 30) /* room for the small ones, all editions together */
#define LARGE_BYTES ((int64_t)LARGE_BLOCKS * BLOCK)

struct load {
	const char *words;
	const char *folder; /* below the tree */
	unsigned count;
	bool is_large;
};

/* ---- files --------------------------------------------------------------------------------------- */

static uint64_t size_of(const struct bw_place *place, const struct load *load, unsigned number,
			char path[BW_GBENCH_PATH])
{
	if (!load->is_large)
		return bw_gbench_paper(place, number, path);
	(void)snprintf(path, BW_GBENCH_PATH, "%s/%s/disk-%u.img", place->tree, load->folder, number);
	return (uint64_t)LARGE_BYTES;
}

/* What a block holds: no two alike, so that nothing on the way can share or skip one. */
static void compose(uint64_t seed, uint8_t *out, size_t len)
{
	uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (size_t at = 0; at < len; at += sizeof(state)) { /* of a whole block */
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		memcpy(out + at, &state, sizeof(state));
	}
}

static void block_of(const struct load *load, unsigned number, uint64_t block, uint8_t *out, size_t len)
{
	if (load->is_large)
		compose((uint64_t)number * LARGE_BLOCKS + block, out, len);
	else
		bw_gbench_paper_text(number, out, len);
}

static enum bw_err write_blocks(int fd, const struct load *load, unsigned number, uint64_t size, uint64_t ruin,
				uint8_t *buffer)
{
	for (uint64_t at = 0; at < size; at += BLOCK) {
		const size_t some = size - at < BLOCK ? (size_t)(size - at) : BLOCK;

		if (ruin != 0)
			compose(ruin + at / BLOCK, buffer, some);
		else
			block_of(load, number, at / BLOCK, buffer, some);
		BW_TRY(bw_fd_write(fd, bw_slice_of(buffer, some)));
	}
	return BW_OK;
}

/* `ruin` 0: as it should be. */
static enum bw_err write_file(const struct load *load, unsigned number, const char *path, int flags, uint64_t size,
			      uint64_t ruin, uint8_t *buffer, struct bw_why *why)
{
	const struct timespec times[2] = { { .tv_sec = MADE_S + number }, { .tv_sec = MADE_S + number } };
	const int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | flags, 0640);
	enum bw_err err;

	if (fd < 0)
		return bw_why_errno(why, errno, "write", path);
	err = write_blocks(fd, load, number, size, ruin, buffer);
	if (err == BW_OK && ruin == 0 && futimens(fd, times) != 0)
		err = bw_err_from_errno(errno);
	(void)close(fd);
	return err == BW_OK ? BW_OK : bw_why_set(why, err, "cannot write '%s': %s", path, bw_err_text(err));
}

static enum bw_err make_files(const struct bw_place *place, const struct load *load, uint8_t *buffer,
			      struct bw_why *why)
{
	char path[BW_GBENCH_PATH];

	if (!load->is_large)
		BW_TRY(bw_gbench_papers(place, load->count, why));
	(void)snprintf(path, sizeof(path), "%s/%s", place->tree, load->folder);
	if (load->is_large)
		BW_TRY(bw_folder_make(path, why));
	for (unsigned n = 0; n < load->count; n++) { /* papers a second time, for their time */
		const uint64_t size = size_of(place, load, n, path);

		BW_TRY(write_file(load, n, path, O_CREAT, size, 0, buffer, why));
	}
	return bw_place_sync(place, why);
}

/* Every second file is written over where it stands, of the rest one is replaced by another file and one deleted. */
static enum bw_err destroy(const struct bw_place *place, const struct load *load, uint64_t edition, uint8_t *buffer,
			   struct bw_why *why)
{
	for (unsigned n = 0; n < load->count; n++) {
		char path[BW_GBENCH_PATH];
		char fresh[BW_GBENCH_PATH + 8];
		const uint64_t size = size_of(place, load, n, path);
		const uint64_t ruin = (edition << 48) + ((uint64_t)n + 1) * LARGE_BLOCKS;

		(void)snprintf(fresh, sizeof(fresh), "%s.new", path);
		if (n % 4 == 1) {
			BW_TRY(write_file(load, n, fresh, O_CREAT | O_EXCL, size, ruin, buffer, why));
			if (rename(fresh, path) != 0)
				return bw_why_errno(why, errno, "replace", path);
		} else if (n % 4 == 3) {
			if (unlink(path) != 0)
				return bw_why_errno(why, errno, "delete", path);
		} else {
			BW_TRY(write_file(load, n, path, 0, size, ruin, buffer, why));
		}
	}
	return bw_place_sync(place, why); /* nobody pays for the attacker's writing */
}

static bool is_back(const struct load *load, unsigned number, const char *path, uint64_t size, uint8_t *buffer,
		    uint8_t *wanted)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;
	bool same = fd >= 0 && fstat(fd, &status) == 0 && (uint64_t)status.st_size == size &&
		    (status.st_mode & 07777) == 0640 && status.st_mtim.tv_sec == MADE_S + (time_t)number;

	for (uint64_t at = 0; same && at < size; at += BLOCK) {
		const size_t some = size - at < BLOCK ? (size_t)(size - at) : BLOCK;

		block_of(load, number, at / BLOCK, wanted, some);
		same = pread(fd, buffer, some, (off_t)at) == (ssize_t)some && memcmp(buffer, wanted, some) == 0;
	}
	if (fd >= 0)
		(void)close(fd);
	return same;
}

/* By the bench's own eyes: each must hold what it was made with, with its mode and its time. */
static unsigned count_wrong(const struct bw_place *place, const struct load *load, uint8_t *buffer, uint8_t *wanted)
{
	unsigned wrong = 0;

	for (unsigned n = 0; n < load->count; n++) {
		char path[BW_GBENCH_PATH];
		const uint64_t size = size_of(place, load, n, path);

		wrong += !is_back(load, n, path, size, buffer, wanted);
	}
	return wrong;
}

/* ---- one turn ----------------------------------------------------------------------------------------- */

struct turns {
	struct bw_gbench *bench;
	struct bw_place *place;
	const struct load *load;
	uint8_t *buffer; /* BLOCK bytes, two of them */
	uint8_t *wanted;
	int64_t enrolled_us; /* wall clock: the time that is to come back */
	uint64_t edition;
	struct bw_bench_row time;
	struct bw_bench_row beside;
	unsigned wrong;
};

static enum bw_err restore_once(struct turns *t, int64_t *out_us)
{
	struct bw_gbench *bench = t->bench;
	char line[LINE_BYTES];
	char at[BW_TIME_BYTES];
	char aside[BW_PATH_BYTES];

	BW_TRY(destroy(t->place, t->load, ++t->edition, t->buffer, &bench->why));
	bw_time_format(t->enrolled_us, at);
	(void)snprintf(line, sizeof(line), "%s guard restore --data=%s --tree=%s/%s --at=%s --yes --format=json",
		       bench->program, t->place->data, t->place->tree, t->load->folder, at);
	BW_TRY(bw_place_run(line, out_us, NULL, &bench->why));
	t->wrong += count_wrong(t->place, t->load, t->buffer, t->wanted);
	BW_TRY(bw_path_join(aside, t->place->mount, ".breakwater-guard/displaced"));
	bw_place_clear(aside); /* what the attacker wrote, for which there is no room twice */
	return BW_OK;
}

static enum bw_err copy_once(struct turns *t, int64_t *out_us)
{
	struct bw_gbench *bench = t->bench;
	const struct bw_place *place = t->place;
	char line[LINE_BYTES];
	int64_t began_us;

	BW_TRY(destroy(place, t->load, ++t->edition, t->buffer, &bench->why));
	began_us = bw_clock_mono_us();
	(void)snprintf(line, sizeof(line), "cp -a --reflink=auto %s/copy/. %s/%s", place->mount, place->tree,
		       t->load->folder);
	BW_TRY(bw_place_run(line, NULL, NULL, &bench->why));
	BW_TRY(bw_place_sync(place, &bench->why));
	(void)snprintf(line, sizeof(line), "diff -rq %s/copy %s/%s", place->mount, place->tree, t->load->folder);
	BW_TRY(bw_place_run(line, NULL, NULL, &bench->why));
	*out_us = bw_clock_mono_us() - began_us;
	return BW_OK;
}

static enum bw_err one_turn(struct turns *t, size_t n)
{
	int64_t restore_us = 0;
	int64_t copy_us = 0;

	if (n % 2 == 1)
		BW_TRY(copy_once(t, &copy_us));
	BW_TRY(restore_once(t, &restore_us));
	if (n % 2 == 0)
		BW_TRY(copy_once(t, &copy_us));
	bw_bench_add(&t->time, (double)restore_us / 1e6, WANTED_S);
	bw_bench_add(&t->beside, (double)restore_us / 1e6, (double)copy_us / 1e6);
	return BW_OK;
}

/* ---- one load ------------------------------------------------------------------------------------------- */

/* Enrolled, and a copy beside, which costs nothing where files share their blocks. */
static enum bw_err prepare(struct turns *t)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	const struct bw_place *place = t->place;
	char line[LINE_BYTES];

	BW_TRY(make_files(place, t->load, t->buffer, &t->bench->why));
	BW_TRY(bw_place_enroll(t->bench, t->place, NULL, &t->bench->why));
	(void)snprintf(line, sizeof(line), "cp -a --reflink=auto %s/%s %s/copy", place->tree, t->load->folder,
		       place->mount);
	BW_TRY(bw_place_run(line, NULL, NULL, &t->bench->why));
	t->enrolled_us = bw_clock_now_us();
	(void)nanosleep(&pause, NULL);
	return BW_OK;
}

static void print(struct turns *t)
{
	struct bw_bench_row wrong = { .unit = "files", .limit_name = "at most" };
	char words[128];
	char name[BW_GBENCH_NAME];

	(void)snprintf(words, sizeof(words), "restore, %s", t->load->words);
	t->time.name = bw_gbench_name(t->place, words, name);
	bw_gbench_print(t->bench, &t->time);
	(void)snprintf(words, sizeof(words), "restore beside cp --reflink, sync and diff, %s", t->load->words);
	t->beside.name = bw_gbench_name(t->place, words, name);
	bw_gbench_print(t->bench, &t->beside);
	(void)snprintf(words, sizeof(words), "restore, files that are not as they were, %s", t->load->words);
	wrong.name = bw_gbench_name(t->place, words, name);
	bw_bench_add(&wrong, t->wrong, 0);
	bw_gbench_print(t->bench, &wrong);
}

static enum bw_err restore_load(struct bw_gbench *bench, struct bw_place *place, const struct load *load)
{
	struct turns *t = calloc(1, sizeof(*t));
	uint8_t *blocks = malloc(2 * (size_t)BLOCK);
	char copy[BW_PATH_BYTES];
	enum bw_err err = t != NULL && blocks != NULL ? BW_OK : BW_ERR_MEMORY;

	if (err == BW_OK) {
		*t = (struct turns){
			.bench = bench,
			.place = place,
			.load = load,
			.buffer = blocks,
			.wanted = blocks + BLOCK,
			.time = { .unit = "s", .limit_name = "at most", .less_is_better = true },
			.beside = { .unit = "s", .limit_name = "cp --reflink, sync and diff", .less_is_better = true }
		};
		err = prepare(t);
	}
	for (size_t n = 0; n < bench->runs && err == BW_OK; n++)
		err = one_turn(t, n);
	if (err == BW_OK)
		print(t);
	free(blocks);
	free(t);
	if (bw_path_join(copy, place->mount, "copy") == BW_OK)
		bw_place_clear(copy);
	return err;
}

/* ---- the part --------------------------------------------------------------------------------------------- */

/* The tree, what is kept, what the attacker wrote; on ext4 the copy and what came back too, which share nothing. */
int64_t bw_gbench_restore_room(const struct bw_gbench *bench, const char *type)
{
	const int64_t size = bw_call_num(bench->call, "size");

	return SMALL_BYTES + (strcmp(type, "ext4") == 0 ? 5 * size : size / 2 * 5);
}

static bool has_room(const struct bw_gbench *bench, const char *type, struct bw_why *why)
{
	const int64_t wanted = bw_gbench_restore_room(bench, type);
	struct statvfs room;

	if (statvfs(bench->folder, &room) != 0)
		return bw_why_errno(why, errno, "look at", bench->folder) == BW_OK;
	if ((int64_t)(room.f_bavail * room.f_frsize) > wanted)
		return true;
	return bw_why_set(why, BW_ERR_DISK_FULL, "needs %lld GiB of room: --dir DIR, or a smaller --size",
			  (long long)(wanted >> 30)) == BW_OK;
}

enum bw_err bw_gbench_restore(struct bw_gbench *bench, struct bw_place *place)
{
	const struct load small = { .words = "10000 files of 1 to 64 KiB", .folder = "papers", .count = SMALL };
	const int64_t size = bw_call_num(bench->call, "size");
	char words[64];
	struct load large = {
		.words = words, .folder = "disks", .count = (unsigned)(size / LARGE_BYTES), .is_large = true
	};

	(void)snprintf(words, sizeof(words), "%u files of 256 MiB", large.count);
	BW_TRY(restore_load(bench, place, &small));
	if (!has_room(bench, place->type, &bench->why))
		return BW_ERR_DISK_FULL;
	return restore_load(bench, place, &large);
}
