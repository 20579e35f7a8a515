/* Bench: the tree of small files that parts of it measure on. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "guard/bench_guard.h"

enum {
	A_FOLDER = 200,
	SIZES = 7, /* 1, 2, 4 … 64 KiB, as many files of each */
};

void bw_gbench_paper_text(unsigned number, uint8_t *text, size_t len)
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

size_t bw_gbench_paper(const struct bw_place *place, unsigned number, char out[BW_GBENCH_PATH])
{
	(void)snprintf(out, BW_GBENCH_PATH, "%s/papers/class-%u/paper-%u.txt", place->tree, number / A_FOLDER, number);
	return ((size_t)1024 << number % SIZES) - number % 500;
}

static enum bw_err write_paper(const struct bw_place *place, unsigned number, struct bw_why *why)
{
	static uint8_t text[1024 << (SIZES - 1)];
	char path[BW_GBENCH_PATH];
	const size_t len = bw_gbench_paper(place, number, path);
	enum bw_err err;
	int fd;

	bw_gbench_paper_text(number, text, len);
	fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0640);
	if (fd < 0)
		return bw_why_errno(why, errno, "make", path);
	err = bw_fd_write(fd, bw_slice_of(text, len));
	(void)close(fd);
	return err;
}

enum bw_err bw_gbench_papers(const struct bw_place *place, unsigned count, struct bw_why *why)
{
	char top[BW_PATH_BYTES];
	char dir[BW_PATH_BYTES];
	char name[32];

	BW_TRY(bw_path_join(top, place->tree, "papers"));
	BW_TRY(bw_folder_make(top, why));
	for (unsigned n = 0; n < count; n++) {
		if (n % A_FOLDER == 0) {
			(void)snprintf(name, sizeof(name), "class-%u", n / A_FOLDER);
			BW_TRY(bw_path_join(dir, top, name));
			BW_TRY(bw_folder_make(dir, why));
		}
		BW_TRY(write_paper(place, n, why));
	}
	return BW_OK;
}
