#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "intel/batch.h"

static struct bw_record example(void)
{
	static const struct bw_slice values[] = { { (const uint8_t *)"203.0.113.9", 11 }, { (const uint8_t *)"x", 1 } };

	return (struct bw_record){
		.id = BW_LIT("indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"),
		.type = BW_STIX_INDICATOR,
		.type_name = BW_LIT("indicator"),
		.version = BW_LIT("2026-01-02T03:04:05.678Z"),
		.created = BW_LIT("2026-01-02T03:04:05Z"),
		.creator = bw_slice_empty,
		.versioning = BW_VERSION_MODIFIED,
		.spec_major = 2,
		.spec_minor = 1,
		.revoked = true,
		.hash = { 1, 2, 3 },
		.body = BW_LIT("{\"type\":\"indicator\"}"),
		.values = values,
		.value_count = 2,
	};
}

static void records_come_back_as_they_went_in(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(4096);
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(4096);
	const struct bw_record in = example();
	struct bw_record out;
	struct bw_batch batch;

	(void)state;
	assert_int_equal(bw_batch_begin(&bytes), BW_OK);
	assert_int_equal(bw_batch_add(&bytes, &in), BW_OK);
	assert_int_equal(bw_batch_add(&bytes, &in), BW_OK);
	assert_int_equal(bw_batch_open(bw_buf_slice(&bytes), &batch), BW_OK);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(bw_batch_next(&batch, &arena, &out), BW_OK);
		assert_true(bw_slice_equals(in.id, out.id));
		assert_true(bw_slice_equals(in.version, out.version));
		assert_true(bw_slice_equals(in.body, out.body));
		assert_int_equal(out.type, in.type);
		assert_true(out.revoked);
		assert_int_equal(out.value_count, 2);
		assert_true(bw_slice_equals(in.values[1], out.values[1]));
		assert_int_equal(out.text_count, 0);
		assert_memory_equal(out.hash, in.hash, BW_HASH_BYTES);
	}
	assert_int_equal(bw_batch_next(&batch, &arena, &out), BW_ERR_NOT_FOUND);
}

static void every_prefix_is_refused_and_leaves_the_place(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(4096);
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(1 << 20);
	const struct bw_record in = example();

	(void)state;
	assert_int_equal(bw_batch_begin(&bytes), BW_OK);
	assert_int_equal(bw_batch_add(&bytes, &in), BW_OK);
	for (size_t n = 5; n < bytes.len; n++) {
		struct bw_batch batch;
		struct bw_record out;

		assert_int_equal(bw_batch_open(bw_slice_of(bytes.ptr, n), &batch), BW_OK);
		assert_int_not_equal(bw_batch_next(&batch, &arena, &out), BW_OK);
		assert_int_equal(batch.in.at, 4);
	}
}

static void a_writer_that_lies_is_refused(void **state)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(1 << 20);
	struct bw_record lies[6];

	(void)state;
	for (size_t i = 0; i < BW_COUNT(lies); i++)
		lies[i] = example();
	lies[0].id = BW_LIT("malware--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f");
	lies[1].id = BW_LIT("indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3");
	lies[2].version = BW_LIT("yesterday");
	lies[3].body = BW_LIT("[]");
	lies[4].type = BW_STIX_TOOL;
	lies[5].spec_major = 3;
	for (size_t i = 0; i < BW_COUNT(lies); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(4096);
		struct bw_batch batch;
		struct bw_record out;

		assert_int_equal(bw_batch_begin(&bytes), BW_OK);
		assert_int_equal(bw_batch_add(&bytes, &lies[i]), BW_OK);
		assert_int_equal(bw_batch_open(bw_buf_slice(&bytes), &batch), BW_OK);
		assert_int_equal(bw_batch_next(&batch, &arena, &out), BW_ERR_PROTOCOL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_back_as_they_went_in),
		cmocka_unit_test(every_prefix_is_refused_and_leaves_the_place),
		cmocka_unit_test(a_writer_that_lies_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
