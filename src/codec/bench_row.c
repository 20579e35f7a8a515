/* Rows of benches (codec/bench_row.h). */
#include "codec/bench_row.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/json_text.h"

enum { DRAWS = 2000 };

void bw_bench_add(struct bw_bench_row *row, double value, double limit)
{
	if (row->runs == BW_BENCH_RUNS_MAX)
		return;
	row->values[row->runs] = value;
	row->limits[row->runs] = limit;
	row->runs++;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* `sorted` gets the values in order. */
static double median_of(const double *values, size_t count, double sorted[BW_BENCH_RUNS_MAX])
{
	memcpy(sorted, values, count * sizeof(*values));
	qsort(sorted, count, sizeof(*sorted), by_size);
	return count % 2 == 1 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
}

static enum bw_err add_real(struct bw_buf *out, const char *name, double value)
{
	BW_TRY(bw_json_add_name(out, name));
	return bw_buf_addf(out, "%.6g", value);
}

static enum bw_err write_json(const struct bw_bench_row *row, struct bw_buf *out)
{
	double sorted[BW_BENCH_RUNS_MAX];
	double other[BW_BENCH_RUNS_MAX];
	const double value = median_of(row->values, row->runs, sorted);
	double low;
	double high;

	bw_bench_between(row->values, row->runs, &low, &high);
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "name", bw_slice_text(row->name)));
	BW_TRY(add_real(out, "value", value));
	BW_TRY(bw_json_add_text(out, "unit", bw_slice_text(row->unit)));
	if (row->limit_name != NULL) {
		const double limit = median_of(row->limits, row->runs, other);

		BW_TRY(bw_json_add_text(out, "limit_name", bw_slice_text(row->limit_name)));
		BW_TRY(add_real(out, "limit_value", limit));
		BW_TRY(add_real(out, "ratio", limit > 0 ? value / limit : 0));
	} else {
		BW_TRY(bw_buf_add_text(out, ",\"limit_name\":null,\"limit_value\":null,\"ratio\":null"));
	}
	BW_TRY(bw_json_add_num(out, "runs", (int64_t)row->runs));
	BW_TRY(add_real(out, "min", sorted[0]));
	BW_TRY(add_real(out, "max", sorted[row->runs - 1]));
	BW_TRY(add_real(out, "low", low));
	BW_TRY(add_real(out, "high", high));
	return bw_buf_add_text(out, "}\n");
}

/* A short time is not nothing: three digits that count, and one behind the point at least. */
static const char *short_of(double value, char out[32])
{
	const double size = value < 0 ? -value : value;

	(void)snprintf(out, 32, size >= 10 || size == 0 ? "%.1f" : "%.3g", value);
	return out;
}

static enum bw_err write_text(const struct bw_bench_row *row, struct bw_buf *out)
{
	double sorted[BW_BENCH_RUNS_MAX];
	double other[BW_BENCH_RUNS_MAX];
	const double value = median_of(row->values, row->runs, sorted);
	char number[32];
	char more[32];
	double low;
	double high;

	BW_TRY(bw_buf_addf(out, "%-34s %12s %-10s", row->name, short_of(value, number), row->unit));
	if (row->limit_name != NULL) {
		const double limit = median_of(row->limits, row->runs, other);

		BW_TRY(bw_buf_addf(out, " %6s of %s %s", short_of(limit > 0 ? value / limit : 0, number),
				   short_of(limit, more), row->limit_name));
	}
	BW_TRY(bw_buf_addf(out, "  (%zu run%s, %s to %s", row->runs, row->runs == 1 ? "" : "s",
			   short_of(sorted[0], number), short_of(sorted[row->runs - 1], more)));
	if (row->runs == 1)
		return bw_buf_add_text(out, ")\n");
	bw_bench_between(row->values, row->runs, &low, &high);
	return bw_buf_addf(out, "; median %s to %s)\n", short_of(low, number), short_of(high, more));
}

enum bw_err bw_bench_write(const struct bw_bench_row *row, bool json, struct bw_buf *out)
{
	BW_NEED(row->runs > 0, MISSING);
	return json ? write_json(row, out) : write_text(row, out);
}

enum bw_err bw_bench_write_absent(const char *name, const char *unit, const char *why, bool json, struct bw_buf *out)
{
	if (!json)
		return bw_buf_addf(out, "%-34s not run: %s\n", name, why);
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "name", bw_slice_text(name)));
	BW_TRY(bw_buf_add_text(out, ",\"value\":null"));
	BW_TRY(bw_json_add_text(out, "unit", bw_slice_text(unit)));
	BW_TRY(bw_buf_add_text(out, ",\"limit_name\":null,\"limit_value\":null,\"ratio\":null,\"runs\":0,\"min\":null,"
				    "\"max\":null,\"low\":null,\"high\":null"));
	BW_TRY(bw_json_add_text(out, "why", bw_slice_text(why)));
	return bw_buf_add_text(out, "}\n");
}

double bw_bench_median(const double *values, size_t count)
{
	double sorted[BW_BENCH_RUNS_MAX];

	return median_of(values, count, sorted);
}

/* Of Lehmer: as good as needed to draw runs, and the same on every machine. */
static uint32_t draw(uint64_t *state)
{
	*state = *state * 48271 % 2147483647;
	return (uint32_t)*state;
}

void bw_bench_between(const double *values, size_t count, double *out_low, double *out_high)
{
	double medians[DRAWS];
	uint64_t state = 1;

	for (size_t n = 0; n < DRAWS; n++) {
		double again[BW_BENCH_RUNS_MAX];

		for (size_t i = 0; i < count; i++)
			again[i] = values[draw(&state) % count];
		medians[n] = bw_bench_median(again, count);
	}
	qsort(medians, DRAWS, sizeof(*medians), by_size);
	*out_low = medians[DRAWS * 5 / 100];
	*out_high = medians[DRAWS * 95 / 100];
}

double bw_bench_bound(const struct bw_bench_row *row)
{
	double ratios[BW_BENCH_RUNS_MAX];
	double low;
	double high;

	for (size_t i = 0; i < row->runs; i++)
		ratios[i] = row->limits[i] > 0 ? row->values[i] / row->limits[i] : 0;
	bw_bench_between(ratios, row->runs, &low, &high);
	return high;
}
