/*
 * Tables for guard/content.h over real files:
 *
 *   content_tables [-f FILES] [-n FILES_PER_FORMAT] [-m MAX_BYTES] [-v] DIR...
 *
 * Detection by shape and format: at the first look (strong, or suspicious), and with the
 * second look added. False positives: every file against another good file of its format,
 * of another format, grown, edited. Microseconds a file for the first look, by format.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bench/content_patterns.h"
#include "guard/content.h"

enum { FILES_MAX = 1 << 20, NAMES = 1024 };

struct file {
	char *path;
	size_t size;
};

struct tally {
	uint64_t seen;
	uint64_t strong;
	uint64_t suspicious;
	uint64_t second_strong;
	uint64_t second_any;
};

static struct file *files;
static size_t files_n;
static size_t per_format = 40;
static size_t most = 8 * 1024 * 1024;
static size_t files_most = 20000;
static bool verbose;

static int add_file(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)walk;
	if (kind == FTW_F && S_ISREG(st->st_mode) && st->st_size > 0 && files_n < FILES_MAX)
		files[files_n++] = (struct file){ strdup(path), (size_t)st->st_size };
	return 0;
}

/* The same order every time, and no two neighbours of one folder. */
static void shuffle(void)
{
	for (size_t i = files_n; i > 1; i--) {
		uint64_t word;
		struct file file = files[i - 1];
		size_t j;

		bw_shape_noise(i, (uint8_t *)&word, sizeof(word));
		j = word % i;
		files[i - 1] = files[j];
		files[j] = file;
	}
	if (files_n > files_most)
		files_n = files_most;
}

static bool read_file(const char *path, struct bw_buf *out)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	bool ok = false;

	bw_buf_clear(out);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && st.st_size > 0 && (size_t)st.st_size <= most &&
	    bw_buf_reserve(out, (size_t)st.st_size) == BW_OK && read(fd, out->ptr, (size_t)st.st_size) == st.st_size) {
		out->len = (size_t)st.st_size;
		ok = true;
	}
	(void)close(fd);
	return ok;
}

static void sample_of(struct bw_slice bytes, uint64_t salt, struct bw_sample *out)
{
	struct bw_plan plan;

	bw_plan_make(bytes.len, salt, &plan);
	*out = (struct bw_sample){ .size = bytes.len, .count = plan.count };
	for (size_t i = 0; i < plan.count; i++)
		out->pieces[i] = (struct bw_piece){ plan.windows[i].at, bw_slice_sub(bytes, (size_t)plan.windows[i].at,
										     plan.windows[i].len) };
}

static void content_of(struct bw_slice bytes, uint64_t salt, struct bw_content *out)
{
	struct bw_sample sample;

	sample_of(bytes, salt, &sample);
	bw_content_of(&sample, out);
}

static void show(const char *path, const char *what, const struct bw_finding *finding)
{
	for (size_t i = 0; i < finding->count; i++) {
		char line[256];

		bw_evidence_say(&finding->tests[i], line, sizeof(line));
		printf("    %s | %s | %s: %s\n", path, what,
		       finding->tests[i].strength == BW_STRENGTH_STRONG ? "strong" : "suspicious", line);
	}
}

static void judge(const char *path, const char *what, struct bw_slice old, struct bw_slice new, uint64_t salt,
		  struct tally *tally, bool tell)
{
	const struct bw_versions versions = { old, new, old.len, new.len };
	struct bw_content before;
	struct bw_content after;
	struct bw_finding first;
	struct bw_finding second;

	content_of(old, salt, &before);
	content_of(new, salt, &after);
	bw_content_compare(&before, &after, &first);
	bw_content_compare_bytes(&versions, &second);
	tally->seen++;
	tally->strong += first.strength == BW_STRENGTH_STRONG;
	tally->suspicious += first.strength == BW_STRENGTH_SUSPICIOUS;
	tally->second_strong += first.strength == BW_STRENGTH_STRONG || second.strength == BW_STRENGTH_STRONG;
	tally->second_any += first.strength != BW_STRENGTH_NONE || second.strength != BW_STRENGTH_NONE;
	if (tell && verbose) {
		show(path, what, &first);
		show(path, what, &second);
	}
	if (!tell && verbose && first.strength == BW_STRENGTH_NONE && second.strength == BW_STRENGTH_NONE)
		printf("    missed: %s %s (%zu bytes)\n", path, what, old.len);
}

static double us_of(struct bw_slice bytes)
{
	struct timespec from;
	struct timespec to;
	struct bw_content content;
	double best = 1e9;

	for (int i = 0; i < 5; i++) {
		double us;

		(void)clock_gettime(CLOCK_MONOTONIC, &from);
		content_of(bytes, 7, &content);
		(void)clock_gettime(CLOCK_MONOTONIC, &to);
		us = (double)(to.tv_sec - from.tv_sec) * 1e6 + (double)(to.tv_nsec - from.tv_nsec) / 1e3;
		best = us < best ? us : best;
	}
	return best;
}

/* ---- the tables ---------------------------------------------------------------------------------- */

static struct tally detection[64][BW_FORMAT_COUNT];
static struct tally benign[8][BW_FORMAT_COUNT];
static const char *benign_names[8] = { "another of the format",
				       "another format",
				       "grown by a quarter",
				       "few bytes edited",
				       "cut by a quarter",
				       "lines shuffled in",
				       "",
				       "" };
static double us_sum[BW_FORMAT_COUNT];
static double us_most[BW_FORMAT_COUNT];
static uint64_t us_n[BW_FORMAT_COUNT];
static uint64_t grades[BW_FORMAT_COUNT][4][3];

static void attack(const char *path, struct bw_slice old, enum bw_format format, uint64_t seed)
{
	for (size_t i = 0; i < bw_shapes_n; i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf new = BW_BUF_INIT(SIZE_MAX / 2);

		bw_shapes[i].make(old, seed * 131 + i, &new);
		judge(path, bw_shapes[i].name, old, bw_buf_slice(&new), seed, &detection[i][format], false);
	}
}

static void edit(const char *path, struct bw_slice old, struct bw_slice other, struct bw_slice foreign,
		 enum bw_format format, uint64_t seed)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf grown = BW_BUF_INIT(SIZE_MAX / 2);
	const enum bw_kind kind = bw_format_kind(format);

	judge(path, benign_names[0], old, other, seed, &benign[0][format], true);
	judge(path, benign_names[1], old, foreign, seed, &benign[1][format], true);
	if (kind != BW_KIND_TEXT)
		return;
	if (bw_buf_add(&grown, old) != BW_OK || bw_buf_add(&grown, bw_slice_sub(old, 0, old.len / 4)) != BW_OK)
		abort();
	judge(path, benign_names[2], old, bw_buf_slice(&grown), seed, &benign[2][format], true);
	bw_buf_clear(&grown);
	if (bw_buf_add(&grown, bw_slice_sub(old, 0, old.len / 3)) != BW_OK ||
	    bw_buf_add_text(&grown, "edited here") != BW_OK ||
	    bw_buf_add(&grown, bw_slice_from(old, old.len / 3)) != BW_OK)
		abort();
	judge(path, benign_names[3], old, bw_buf_slice(&grown), seed, &benign[3][format], true);
	judge(path, benign_names[4], old, bw_slice_sub(old, 0, old.len / 4 * 3 + 1), seed, &benign[4][format], true);
}

static void run(void)
{
	struct bw_buf kept[BW_FORMAT_COUNT];
	struct bw_buf last = BW_BUF_INIT(SIZE_MAX / 2);
	struct bw_buf now = BW_BUF_INIT(SIZE_MAX / 2);
	uint64_t taken[BW_FORMAT_COUNT] = { 0 };

	for (size_t i = 0; i < BW_FORMAT_COUNT; i++)
		kept[i] = BW_BUF_INIT(SIZE_MAX / 2);
	for (size_t i = 0; i < files_n; i++) {
		struct bw_content content;
		struct bw_slice bytes;
		enum bw_format format;
		double us;

		if (files[i].size > most || !read_file(files[i].path, &now))
			continue;
		bytes = bw_buf_slice(&now);
		content_of(bytes, i, &content);
		format = (enum bw_format)content.format;
		grades[format][content.grade][content.state]++;
		if (verbose && content.state != BW_STATE_GOOD)
			printf("    state %d: %s\n", (int)content.state, files[i].path);
		us = us_of(bytes);
		us_sum[format] += us;
		us_most[format] = us > us_most[format] ? us : us_most[format];
		us_n[format]++;
		if (taken[format] < 400 && kept[format].len > 0 && last.len > 0)
			edit(files[i].path, bytes, bw_buf_slice(&kept[format]), bw_buf_slice(&last), format, i);
		if (taken[format]++ < per_format && bytes.len >= 512)
			attack(files[i].path, bytes, format, i);
		bw_buf_clear(&kept[format]);
		bw_buf_clear(&last);
		if (bw_buf_add(&kept[format], bytes) != BW_OK || bw_buf_add(&last, bytes) != BW_OK)
			abort();
	}
}

static void print_tables(void)
{
	printf("\n%-28s %8s %8s %8s | header framed whole | short broken\n", "format", "files", "us mean", "us max");
	for (size_t f = 0; f < BW_FORMAT_COUNT; f++) {
		const uint64_t(*g)[3] = (const uint64_t(*)[3])grades[f];

		if (us_n[f] > 0)
			printf("%-28s %8lu %8.1f %8.1f | %6lu %6lu %5lu | %5lu %6lu\n",
			       bw_format_words((enum bw_format)f), us_n[f], us_sum[f] / (double)us_n[f], us_most[f],
			       g[1][0], g[2][0], g[3][0], g[0][1] + g[1][1], g[1][2]);
	}
	printf("\ndetection: shape, then by format: files, %% strong at once, %% any at once, %% strong / any with the "
	       "second look\n");
	for (size_t f = 0; f < BW_FORMAT_COUNT; f++) {
		for (size_t i = 0; i < bw_shapes_n; i++) {
			const struct tally *t = &detection[i][f];

			if (t->seen > 0 && (verbose || t->second_strong != t->seen || t->strong != t->seen))
				printf("%-12s %-5s %-28s %5lu %6.1f %6.1f | %6.1f %6.1f\n",
				       bw_format_name((enum bw_format)f), bw_shapes[i].id, bw_shapes[i].name, t->seen,
				       100.0 * (double)t->strong / (double)t->seen,
				       100.0 * (double)(t->strong + t->suspicious) / (double)t->seen,
				       100.0 * (double)t->second_strong / (double)t->seen,
				       100.0 * (double)t->second_any / (double)t->seen);
		}
	}
	printf("\nbenign: files, strong and suspicious at once, strong and any with the second look\n");
	for (size_t b = 0; b < BW_COUNT(benign); b++) {
		for (size_t f = 0; f < BW_FORMAT_COUNT; f++) {
			const struct tally *t = &benign[b][f];

			if (t->seen > 0)
				printf("%-24s %-12s %6lu %6lu %6lu | %6lu %6lu\n", benign_names[b],
				       bw_format_name((enum bw_format)f), t->seen, t->strong, t->suspicious,
				       t->second_strong, t->second_any);
		}
	}
}

int main(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "f:n:m:v")) != -1) {
		if (option == 'n')
			per_format = strtoul(optarg, NULL, 10);
		else if (option == 'm')
			most = strtoul(optarg, NULL, 10);
		else if (option == 'f')
			files_most = strtoul(optarg, NULL, 10);
		else if (option == 'v')
			verbose = true;
		else
			return 2;
	}
	files = calloc(FILES_MAX, sizeof(*files));
	if (files == NULL)
		return 3;
	for (int i = optind; i < argc; i++) {
		if (nftw(argv[i], add_file, 32, FTW_PHYS) != 0)
			printf("skipped %s: it cannot be read\n", argv[i]);
	}
	shuffle();
	run();
	print_tables();
	return 0;
}
