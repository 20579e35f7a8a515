#include "serve/validate_rate.h"

#include <stdlib.h>
#include <time.h>

#include "codec/split.h"
#include "intel/object.h"

enum { AS_ERRORS, AS_STRICT, AS_RECORD, AS_SPLIT };

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* yyjson at its best: one document, memory made beforehand. */
static enum bw_err time_parse(struct bw_slice bundle, double *out)
{
	const size_t size = yyjson_read_max_memory_usage(bundle.len, 0);
	void *memory = malloc(size);
	yyjson_alc alc;
	double start;
	bool good;

	BW_NEED(memory != NULL, MEMORY);
	memset(memory, 0, size); /* its pages are there before the clock runs */
	good = yyjson_alc_pool_init(&alc, memory, size);
	start = now();
	good = good && yyjson_read_opts((char *)(uintptr_t)bundle.ptr, bundle.len, 0, &alc, NULL) != NULL;
	*out = now() - start;
	free(memory);
	return good ? BW_OK : BW_ERR_SYNTAX;
}

struct pass {
	struct bw_checker *checker;
	struct bw_split *split;
	struct bw_report report;
	uint64_t objects;
	uint64_t errors;
};

static void pass_release(struct pass *pass)
{
	bw_checker_free(pass->checker);
	bw_split_free(pass->split);
	bw_report_release(&pass->report);
}

static enum bw_err walk(struct pass *pass, struct bw_slice bundle, int as)
{
	struct bw_split_item item;
	struct bw_record record;
	enum bw_err err;

	bw_split_feed(pass->split, bundle, true);
	while ((err = bw_split_next(pass->split, &item)) == BW_OK) {
		if (item.kind != BW_SPLIT_OBJECT)
			continue;
		pass->objects++;
		if (as == AS_SPLIT)
			continue;
		BW_TRY(bw_object_check(pass->checker, item.text, &pass->report, as == AS_RECORD ? &record : NULL));
		pass->errors += pass->report.errors;
	}
	return err == BW_ERR_NOT_FOUND ? BW_OK : err;
}

static enum bw_err time_pass(struct bw_slice bundle, int as, double *out, struct bw_validate_times *times)
{
	BW_CLEANUP(pass_release) struct pass pass = { 0 };
	double start;

	BW_TRY(bw_report_init(&pass.report));
	BW_TRY(bw_checker_new(as == AS_STRICT ? BW_CHECK_WARNINGS | BW_CHECK_IDS : 0, &pass.checker));
	BW_TRY(bw_split_new(&pass.split));
	bw_checker_wrap(pass.checker, BW_WRAP_BUNDLE);
	start = now();
	BW_TRY(walk(&pass, bundle, as));
	*out = now() - start;
	times->objects = pass.objects;
	times->errors = pass.errors;
	return BW_OK;
}

enum bw_err bw_validate_time(struct bw_slice bundle, struct bw_validate_times *out)
{
	struct bw_validate_times times = { 0 };

	BW_TRY(time_parse(bundle, &times.parse));
	BW_TRY(time_pass(bundle, AS_SPLIT, &times.split, &times));
	BW_TRY(time_pass(bundle, AS_ERRORS, &times.check, &times));
	BW_TRY(time_pass(bundle, AS_STRICT, &times.strict, &times));
	BW_TRY(time_pass(bundle, AS_RECORD, &times.record, &times));
	*out = times;
	return BW_OK;
}
