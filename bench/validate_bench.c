/*
 * validate_bench BUNDLE.json [RUNS]: medians of interleaved runs, one table.
 */
#include <stdio.h>
#include <stdlib.h>

#include "serve/validate_rate.h"

enum { RUNS_MAX = 1001 };

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[count / 2];
}

static enum bw_err read_file(const char *path, struct bw_buf *out)
{
	FILE *file = fopen(path, "rb");
	uint8_t chunk[65536];
	size_t got;
	enum bw_err err = file == NULL ? BW_ERR_NOT_FOUND : BW_OK;

	while (err == BW_OK && (got = fread(chunk, 1, sizeof(chunk), file)) > 0)
		err = bw_buf_add(out, bw_slice_of(chunk, got));
	if (file != NULL)
		(void)fclose(file);
	return err;
}

static void row(const char *what, double *values, size_t runs, double bytes, double limit)
{
	const double rate = bytes / median(values, runs) / 1e6;

	(void)printf("%-34s %9.0f MB/s  %6.1f %% of parse  (%.0f to %.0f)\n", what, rate, 100 * rate / limit,
		     bytes / values[runs - 1] / 1e6, bytes / values[0] / 1e6);
}

int main(int argc, char **argv)
{
	static double parse[RUNS_MAX], split[RUNS_MAX], check[RUNS_MAX], strict[RUNS_MAX], record[RUNS_MAX];
	struct bw_buf bundle = BW_BUF_INIT(BW_GIB);
	struct bw_validate_times t = { 0 };
	const size_t runs = argc > 2 ? strtoul(argv[2], NULL, 10) : 51;
	double limit;

	if (argc < 2 || runs < 1 || runs > RUNS_MAX || read_file(argv[1], &bundle) != BW_OK)
		return 2;
	for (size_t i = 0; i < runs; i++) {
		if (bw_validate_time(bw_buf_slice(&bundle), &t) != BW_OK)
			return 3;
		parse[i] = t.parse;
		split[i] = t.split;
		check[i] = t.check;
		strict[i] = t.strict;
		record[i] = t.record;
	}
	limit = (double)bundle.len / median(parse, runs) / 1e6;
	(void)printf("%s: %zu bytes, %llu objects, %llu errors, %zu runs\n", argv[1], bundle.len,
		     (unsigned long long)t.objects, (unsigned long long)t.errors, runs);
	row("yyjson parses", parse, runs, (double)bundle.len, limit);
	row("split", split, runs, (double)bundle.len, limit);
	row("split, check (errors)", check, runs, (double)bundle.len, limit);
	row("split, check (warnings, ids)", strict, runs, (double)bundle.len, limit);
	row("split, check, record", record, runs, (double)bundle.len, limit);
	bw_buf_release(&bundle);
	return 0;
}
