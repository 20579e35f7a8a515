/* Loop images, and programs run on them (guard/bench_guard.h). */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/bench_guard.h"
#include "sys/clock.h"

enum {
	OUTPUT_MAX = 256 * 1024 * 1024, /* a list of a million files */
	LAST_WORDS = 200,
	RUN_MS = 30 * 60 * 1000,
	LINE_BYTES = 4 * BW_PATH_BYTES,
};

#define IMAGE_BYTES (INT64_C(16) << 30) /* sparse, where a part asks for no other size */

static const struct {
	const char *type;
	const char *maker;
} makers[BW_PLACES] = {
	{ "ext4", "mkfs.ext4 -q -F" },
	{ "xfs", "mkfs.xfs -q -f -m reflink=1" },
	{ "btrfs", "mkfs.btrfs -q -f" },
};

/* ---- programs ------------------------------------------------------------------------------------------ */

static enum bw_err split_words(char *line, struct bw_program *out, struct bw_why *why)
{
	char *rest = NULL;
	size_t count = 0;

	for (char *word = strtok_r(line, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
		if (out->path == NULL) {
			out->path = word;
			continue;
		}
		if (count + 1 == BW_PROGRAM_WORDS_MAX)
			return bw_why_set(why, BW_ERR_TOO_MANY, "too many words for '%s'", out->path);
		out->words[count++] = word;
	}
	return BW_OK;
}

static enum bw_err say_last(const char *path, int status, const struct bw_buf *said, struct bw_why *why)
{
	const char *text = bw_buf_text(said);
	const size_t len = strlen(text);

	return bw_why_set(why, BW_ERR_SYSTEM, "'%s' ended with status %d: %s", path, status,
			  len > LAST_WORDS ? text + len - LAST_WORDS : text);
}

static enum bw_err run(const char *line, int most, int64_t *out_us, struct bw_buf *out_output, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf said = BW_BUF_INIT(OUTPUT_MAX);
	struct bw_program program = { .output_max = OUTPUT_MAX, .timeout_ms = RUN_MS, .errors_too = true };
	char words[LINE_BYTES];
	char found[BW_PATH_BYTES];
	int64_t began_us;
	int status;
	enum bw_err err;

	if (snprintf(words, sizeof(words), "%s", line) >= (int)sizeof(words))
		return bw_why_set(why, BW_ERR_TOO_BIG, "a line of %zu bytes is too long", strlen(line));
	BW_TRY(split_words(words, &program, why));
	if (program.path == NULL)
		return bw_why_set(why, BW_ERR_MISSING, "a line without a program");
	if (program.path[0] != '/') {
		if (bw_program_find(program.path, found) != BW_OK)
			return bw_why_set(why, BW_ERR_UNSUPPORTED, "'%s' is not installed", program.path);
		program.path = found;
	}
	began_us = bw_clock_mono_us();
	err = bw_program_whole(&program, &said, &status);
	if (err != BW_OK)
		return bw_why_set(why, err, "cannot run '%s': %s", program.path, bw_err_text(err));
	if (out_us != NULL)
		*out_us = bw_clock_mono_us() - began_us;
	if (status > most)
		return say_last(program.path, status, &said, why);
	if (out_output != NULL)
		*out_output = bw_buf_move(&said);
	return BW_OK;
}

enum bw_err bw_place_run(const char *line, int64_t *out_us, struct bw_buf *out_output, struct bw_why *why)
{
	return run(line, BW_EXIT_OK, out_us, out_output, why);
}

enum bw_err bw_place_run_found(const char *line, struct bw_buf *out_output, struct bw_why *why)
{
	return run(line, BW_EXIT_FOUND, NULL, out_output, why);
}

/* ---- a file system of our own ---------------------------------------------------------------------------- */

static const char *maker_of(const char *type)
{
	for (size_t i = 0; i < BW_COUNT(makers); i++) {
		if (strcmp(makers[i].type, type) == 0)
			return makers[i].maker;
	}
	return NULL;
}

static enum bw_err make_image(const char *path, int64_t bytes, struct bw_why *why)
{
	const int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	const bool made = fd >= 0 && ftruncate(fd, bytes) == 0;
	const int saved = errno;

	if (fd >= 0)
		(void)close(fd);
	return made ? BW_OK : bw_why_errno(why, saved, "make", path);
}

static enum bw_err name_all(const struct bw_gbench *bench, struct bw_place *place)
{
	char name[64];

	(void)snprintf(name, sizeof(name), "%s.img", place->type);
	BW_TRY(bw_path_join(place->image, bench->folder, name));
	BW_TRY(bw_path_join(place->mount, bench->folder, place->type));
	(void)snprintf(name, sizeof(name), "%s.data", place->type);
	BW_TRY(bw_path_join(place->data, bench->folder, name));
	return bw_path_join(place->tree, place->mount, "share");
}

enum bw_err bw_place_make(const struct bw_gbench *bench, const char *type, struct bw_place *out, struct bw_why *why)
{
	const char *maker = maker_of(type);
	char line[LINE_BYTES];

	*out = (struct bw_place){ .type = type, .guard = BW_PROGRAM_NONE };
	if (maker == NULL)
		return bw_why_set(why, BW_ERR_USAGE, "there is no file system '%s' here: ext4, xfs or btrfs", type);
	BW_TRY(name_all(bench, out));
	BW_TRY(make_image(out->image, bench->image_bytes != 0 ? bench->image_bytes : IMAGE_BYTES, why));
	(void)snprintf(line, sizeof(line), "%s %s", maker, out->image);
	BW_TRY(bw_place_run(line, NULL, NULL, why));
	BW_TRY(bw_folder_make(out->mount, why));
	(void)snprintf(line, sizeof(line), "mount -o loop %s %s", out->image, out->mount);
	BW_TRY(bw_place_run(line, NULL, NULL, why));
	return bw_folder_make(out->tree, why);
}

enum bw_err bw_place_sync(const struct bw_place *place, struct bw_why *why)
{
	const int fd = open(place->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum bw_err err = BW_OK;

	if (fd < 0 || syncfs(fd) != 0)
		err = bw_why_errno(why, errno, "sync", place->mount);
	if (fd >= 0)
		(void)close(fd);
	return err;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info;
	(void)kind;
	(void)where;
	return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

void bw_place_clear(const char *dir)
{
	(void)nftw(dir, remove_one, 64, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void bw_place_drop(struct bw_place *place)
{
	bw_place_unguard(place);
	(void)umount2(place->mount, MNT_DETACH); /* the loop device goes with the last mount */
	(void)rmdir(place->mount);
	(void)unlink(place->image);
	bw_place_clear(place->data);
}
