#include "guard/record.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"
#include "bench/score_stage.h"
#include "guard/settings.h"

static struct bw_record *made(const char *shape)
{
	static const char *const makers[] = { "prose", "jpeg", "docx", "csv" };
	struct bw_record *record = calloc(1, sizeof(*record));
	struct stage stage;

	assert_non_null(record);
	stage_open(&stage);
	stage_fork(&stage, STAGE_HARNESS, 2000, "to\nol");
	for (unsigned n = 0; n < 12 && stage.worst.gravity < BW_GRAVITY_ORDERED; n++) {
		char name[32];
		struct stage_file file;
		struct bw_buf bad;

		(void)snprintf(name, sizeof(name), "a\x1b[31m%u.doc", n);
		file = stage_file(&stage, makers[n % BW_COUNT(makers)], 30000, name);
		bad = stage_shaped(&file, shape);
		stage_write(&stage, 2000, BW_ACT_CLOSED, &file, bw_buf_slice(&bad));
		stage_wait(&stage, 77);
		stage_file_release(&file);
		bw_buf_release(&bad);
	}
	assert_true(stage.was_told);
	bw_record_of(&stage.outcome, record);
	record->incident = 12345;
	record->wall_us = INT64_C(1763877600000000);
	record->mode = BW_MODE_ENFORCE;
	record->measure = (uint8_t)bw_verdict_measure(&record->verdict, record->mode, false);
	bw_actors_about(stage.actors, stage.outcome.actor, &record->actor);
	stage_close(&stage);
	return record;
}

static void a_record_comes_back_as_it_was_and_judges_the_same(void **state)
{
	static const char *const shapes[] = { "S01", "S05", "S08", "S43a", "S47b", "S39", "S49a" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(shapes); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_RECORD_BYTES_MAX);
		BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_RECORD_BYTES_MAX);
		struct bw_record *record = made(shapes[i]);
		struct bw_record *read = calloc(1, sizeof(*read));
		struct bw_fault fault = { 0 };

		assert_non_null(read);
		assert_ok(bw_record_replay(record, &fault));
		assert_ok(bw_record_write(record, &bytes));
		assert_ok(bw_record_parse(bw_buf_slice(&bytes), read));
		assert_ok(bw_record_replay(read, &fault));
		assert_ok(bw_record_write(read, &again));
		assert_true(bw_slice_equals(bw_buf_slice(&bytes), bw_buf_slice(&again)));
		free(record);
		free(read);
	}
}

/* Rules that came later are not in force in it. */
static void a_record_of_an_older_guard_judges_as_it_did(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_RECORD_BYTES_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_RECORD_BYTES_MAX);
	struct bw_record *record = made("S01");
	struct bw_record *read = calloc(1, sizeof(*read));
	struct bw_fault fault = { 0 };

	(void)state;
	assert_non_null(read);
	record->version = BW_RECORD_VERSION_OLDEST;
	assert_ok(bw_record_write(record, &bytes));
	assert_ok(bw_record_parse(bw_buf_slice(&bytes), read));
	assert_int_equal(read->rules.slow_half_s, bw_rules_default.slow_half_s);
	assert_int_equal(read->rules.wide_changed, 0);
	assert_int_equal(read->rules.cleared_files, 0);
	assert_int_equal(read->rules.bait, 0);
	assert_ok(bw_record_replay(read, &fault));
	assert_ok(bw_record_write(read, &again));
	assert_true(bw_slice_equals(bw_buf_slice(&bytes), bw_buf_slice(&again)));
	free(record);
	free(read);
}

static void what_was_changed_in_a_record_is_found(void **state)
{
	struct bw_record *record = made("S01");
	struct bw_record *other = malloc(sizeof(*other));
	struct bw_fault fault = { 0 };

	(void)state;
	assert_non_null(other);
	*other = *record;
	other->proofs[0].weight.points++;
	assert_int_equal(bw_record_replay(other, &fault), BW_ERR_CONFLICT);
	*other = *record;
	other->proofs[0].finding.tests[0].after++;
	assert_int_equal(bw_record_replay(other, &fault), BW_ERR_CONFLICT);
	*other = *record;
	other->verdict.points--;
	assert_int_equal(bw_record_replay(other, &fault), BW_ERR_CONFLICT);
	*other = *record;
	other->count--;
	assert_int_equal(bw_record_replay(other, &fault), BW_ERR_CONFLICT);
	*other = *record;
	other->measure = BW_MEASURE_NONE;
	assert_int_equal(bw_record_replay(other, &fault), BW_ERR_CONFLICT);
	free(other);
	free(record);
}

static void a_record_of_no_version_is_not_written(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_RECORD_BYTES_MAX);
	struct bw_record *record = made("S01");

	(void)state;
	record->version = 0;
	assert_int_equal(bw_record_write(record, &bytes), BW_ERR_SCHEMA);
	record->version = BW_RECORD_VERSION + 1;
	assert_int_equal(bw_record_write(record, &bytes), BW_ERR_SCHEMA);
	assert_int_equal(bytes.len, 0);
	free(record);
}

static void every_prefix_is_refused(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_RECORD_BYTES_MAX);
	struct bw_record *record = made("S01");

	(void)state;
	assert_ok(bw_record_write(record, &bytes));
	for (size_t n = 0; n < bytes.len; n++)
		assert_int_not_equal(bw_record_parse(bw_slice_of(bytes.ptr, n), record), BW_OK);
	free(record);
}

static void the_words_name_files_tests_and_rule(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf words = BW_BUF_INIT(64 * 1024);
	struct bw_record *record = made("S01");
	const char *text;

	(void)state;
	assert_ok(bw_record_explain(record, &words));
	text = bw_buf_text(&words);
	assert_non_null(strstr(text, "Rule \"destroyed\""));
	assert_non_null(strstr(text, "randomised"));
	assert_null(strstr(text, "kept out."));
	assert_non_null(strstr(text, "a\\x1b[31m0.doc"));
	assert_null(strstr(text, "to\nol"));
	assert_null(strchr(text, '\x1b'));
	free(record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_comes_back_as_it_was_and_judges_the_same),
		cmocka_unit_test(a_record_of_an_older_guard_judges_as_it_did),
		cmocka_unit_test(what_was_changed_in_a_record_is_found),
		cmocka_unit_test(a_record_of_no_version_is_not_written),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(the_words_name_files_tests_and_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
