/*
 * Import as `breakwater import` does it (a servant parses, the store commits),
 * beside SQLite taking in the same rows and indexes without checking anything.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/progress.h"
#include "bench/generate.h"
#include "desk/desk.h"
#include "desk/servant.h"
#include "serve/bench.h"
#include "store/plain.h"
#include "store/search.h"

enum {
	CHUNK = 100000, /* objects made before the clock runs; about 60 MB */
	SHARED = 100,   /* one object in so many goes into the second collection too */
	SEED = 20210610,
};

struct importing {
	struct bw_bench *bench;
	struct bw_servant *servant;
	struct bw_desk *desk;
	struct bw_plain *plain;
	const char *collection; /* into which */
	FILE *chunk;
	struct bw_generated *made;
	struct bw_progress progress;
};

static enum bw_err write_chunk(struct importing *im, uint64_t first, uint64_t count, uint64_t step)
{
	if (ftruncate(fileno(im->chunk), 0) != 0)
		return BW_ERR_IO;
	rewind(im->chunk);
	for (uint64_t i = first; i < first + count; i += step) {
		BW_TRY(bw_generate(SEED, i, im->made));
		(void)fwrite(im->made->record.body.ptr, 1, im->made->record.body.len, im->chunk);
		(void)fputc('\n', im->chunk);
	}
	return fflush(im->chunk) == 0 ? BW_OK : BW_ERR_IO;
}

static enum bw_err store_parts(struct importing *im)
{
	struct bw_servant_part part;

	do {
		uint8_t total[8];
		enum bw_err err = bw_servant_next(im->servant, &part);

		BW_TRY(err);
		if (part.total > 0) {
			const struct bw_slice fields[] = { bw_slice_text(im->collection),
							   bw_desk_num(part.total, total), part.failures };

			err = bw_desk_do(im->desk, BW_OFFICE_IMPORT, fields, BW_COUNT(fields), part.batch_fd, NULL,
					 &im->bench->why);
		}
		(void)close(part.batch_fd);
		BW_TRY(err);
	} while (!part.end);
	return BW_OK;
}

static enum bw_err time_import(struct importing *im, double *seconds)
{
	double began;

	if (lseek(fileno(im->chunk), 0, SEEK_SET) < 0)
		return BW_ERR_IO;
	began = bw_bench_now();
	BW_TRY(bw_servant_give(im->servant, fileno(im->chunk)));
	BW_TRY(store_parts(im));
	*seconds = bw_bench_now() - began;
	return BW_OK;
}

/* Both collections get the chunk: the first all of it, under the clock, the second a few here and there. */
static enum bw_err take_chunk(struct importing *im, uint64_t first, uint64_t count, double *seconds)
{
	double unused;

	im->collection = BW_BENCH_COLLECTION;
	BW_TRY(write_chunk(im, first, count, 1));
	BW_TRY(time_import(im, seconds));
	im->collection = BW_BENCH_SMALL;
	BW_TRY(write_chunk(im, first, count, SHARED));
	return time_import(im, &unused);
}

/* The same objects, in groups of the same size, straight into tables and B-trees. */
static enum bw_err time_plain(struct importing *im, uint64_t first, uint64_t count, double *seconds)
{
	double took = 0;

	for (uint64_t i = first; i < first + count; i++) {
		double began;

		BW_TRY(bw_generate(SEED, i, im->made));
		began = bw_bench_now();
		BW_TRY(bw_plain_add(im->plain, &im->made->record));
		if ((i + 1) % 8000 == 0)
			BW_TRY(bw_plain_commit(im->plain));
		took += bw_bench_now() - began;
	}
	*seconds = took;
	return BW_OK;
}

/* The first and the last tenth, for "flat". */
static void keep_ends(struct bw_bench_row ends[2], uint64_t first, uint64_t objects, double rate)
{
	if (first < objects / 10)
		bw_bench_add(&ends[0], rate, 0);
	if (first >= objects - objects / 10)
		bw_bench_add(&ends[1], rate, 0);
}

static enum bw_err import_all(struct importing *im)
{
	struct bw_bench *bench = im->bench;
	struct bw_bench_row row = { .name = "import, acknowledged",
				    .unit = "objects/s",
				    .limit_name = "SQLite, same rows and indexes" };
	struct bw_bench_row ends[2] = { { .name = "import, first tenth", .unit = "objects/s" },
					{ .name = "import, last tenth", .unit = "objects/s" } };
	double plain = 0;
	uint64_t plain_done = 0;

	for (uint64_t first = 0; first < bench->objects; first += CHUNK) {
		const uint64_t count = bench->objects - first < CHUNK ? bench->objects - first : CHUNK;
		double took;
		double plain_took = 0;

		BW_TRY(take_chunk(im, first, count, &took));
		/* the plain tables slow down so much that a million of them is enough to wait for */
		if (first < 1000000) {
			BW_TRY(time_plain(im, first, count, &plain_took));
			plain += plain_took;
			plain_done += count;
		}
		bw_bench_add(&row, (double)count / took,
			     plain_took > 0 ? (double)count / plain_took : (double)plain_done / plain);
		keep_ends(ends, first, bench->objects, (double)count / took);
		bw_progress_at(&im->progress, first + count);
	}
	bw_progress_end(&im->progress);
	BW_TRY(bw_bench_print(bench, &row));
	for (size_t i = 0; i < BW_COUNT(ends); i++) {
		if (ends[i].runs > 0)
			BW_TRY(bw_bench_print(bench, &ends[i]));
	}
	return BW_OK;
}

/* How long the search needs to catch up with what was acknowledged. */
static enum bw_err index_all(struct importing *im)
{
	struct bw_bench_row row = { .name = "search index, behind the import", .unit = "objects/s" };
	const double began = bw_bench_now();
	bool more;

	do
		BW_TRY(bw_store_index_step(bw_desk_store(im->desk), &more));
	while (more);
	bw_bench_add(&row, (double)im->bench->objects / (bw_bench_now() - began), 0);
	return bw_bench_print(im->bench, &row);
}

static enum bw_err open_all(struct importing *im, const char *data, const char *plain)
{
	struct bw_why *why = &im->bench->why;
	const char *const names[] = { BW_BENCH_COLLECTION, BW_BENCH_SMALL };

	BW_TRY(bw_servant_start(&im->servant, why));
	BW_TRY(bw_desk_open(data, &im->desk, why));
	for (size_t i = 0; i < BW_COUNT(names); i++) {
		const struct bw_slice name = bw_slice_text(names[i]);

		BW_TRY(bw_desk_do(im->desk, BW_OFFICE_COLLECTION_ADD,
				  (const struct bw_slice[]){ name, bw_slice_empty, name, bw_slice_empty }, 4, -1, NULL,
				  why));
	}
	BW_TRY(bw_plain_open(plain, &im->plain));
	im->made = malloc(sizeof(*im->made));
	im->chunk = tmpfile();
	return im->made == NULL || im->chunk == NULL ? BW_ERR_MEMORY : BW_OK;
}

static void close_all(struct importing *im)
{
	bw_desk_close(im->desk);
	bw_servant_free(im->servant);
	bw_plain_close(im->plain);
	free(im->made);
	if (im->chunk != NULL)
		(void)fclose(im->chunk);
}

/* As its user would: with the command. */
static enum bw_err make_exchange(struct bw_bench *bench)
{
	int status = -1;
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		if (freopen("/dev/null", "w", stdout) != NULL)
			(void)execl("/proc/self/exe", "breakwater", "init", bw_bench_data(bench), (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		return bw_why_set(&bench->why, BW_ERR_SYSTEM, "`breakwater init %s` failed", bw_bench_data(bench));
	return BW_OK;
}

enum bw_err bw_bench_import(struct bw_bench *bench)
{
	struct importing im = { .bench = bench };
	char plain[4096];
	enum bw_err err;

	(void)snprintf(plain, sizeof(plain), "%s/plain.db", bench->folder);
	BW_TRY(make_exchange(bench));
	bw_progress_begin(&im.progress, "importing", "objects", bench->objects, bw_call_json(bench->call));
	err = open_all(&im, bw_bench_data(bench), plain);
	if (err == BW_OK)
		err = import_all(&im);
	if (err == BW_OK)
		err = index_all(&im);
	close_all(&im);
	(void)unlink(plain);
	return err;
}
