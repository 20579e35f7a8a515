#include "bench/generate.h"
#include "serve/bench.h"
#include "serve/validate_rate.h"
#include "sys/files.h"

enum { MADE_UP = 20000 };

static enum bw_err make_bundle(struct bw_buf *out)
{
	BW_TRY(bw_buf_add_text(
		out, "{\"type\":\"bundle\",\"id\":\"bundle--3ec9f0a0-1111-4222-8333-444455556666\",\"objects\":["));
	for (uint64_t i = 0; i < MADE_UP; i++) {
		struct bw_generated made;

		BW_TRY(bw_generate(1, i, &made));
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(bw_buf_add(out, made.record.body));
	}
	return bw_buf_add_text(out, "]}");
}

static enum bw_err measure(struct bw_bench *bench, struct bw_slice bundle, const char *names[3])
{
	struct bw_bench_row rows[3] = { 0 };
	const double megabytes = (double)bundle.len / 1e6;

	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		rows[i].name = names[i];
		rows[i].unit = "MB/s";
		rows[i].limit_name = "yyjson parse of the same bytes";
	}
	for (size_t run = 0; run < bench->runs; run++) {
		struct bw_validate_times t;
		double parse;

		BW_TRY(bw_validate_time(bundle, &t));
		parse = megabytes / t.parse;
		bw_bench_add(&rows[0], megabytes / t.check, parse);
		bw_bench_add(&rows[1], megabytes / t.strict, parse);
		bw_bench_add(&rows[2], megabytes / t.record, parse);
	}
	for (size_t i = 0; i < BW_COUNT(rows); i++)
		BW_TRY(bw_bench_print(bench, &rows[i]));
	return BW_OK;
}

enum bw_err bw_bench_validate(struct bw_bench *bench)
{
	static const char *given[] = { "validate", "validate with warnings", "validate and make records" };
	static const char *made[] = { "validate, made-up", "validate with warnings, made-up",
				      "validate and make records, made-up" };
	const size_t count = bw_call_count(bench->call, "bundle");
	BW_CLEANUP(bw_buf_release) struct bw_buf own = BW_BUF_INIT(256 * BW_MIB);

	for (size_t i = 0; i < count; i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf bundle = BW_BUF_INIT(BW_GIB);

		BW_TRY(bw_file_read(bw_call_nth(bench->call, "bundle", i), &bundle, &bench->why));
		BW_TRY(measure(bench, bw_buf_slice(&bundle), given));
	}
	BW_TRY(make_bundle(&own));
	return measure(bench, bw_buf_slice(&own), made);
}
