/*
 * The developers' half of the OASIS validator's verdicts and the deterministic
 * ids, in $BW_SHARED or in "shared" beside the repository; skipped by name where
 * they are absent. docs/stix.md says where we and the validator part.
 */
#include <stdio.h>
#include <stdlib.h>

#include "codec/split.h"
#include "intel/object.h"
#include "intel/scoid.h"

#include "base/test.h"

enum { LINE_MAX_BYTES = 4 * 1024 * 1024 };

static FILE *open_vectors(const char *name)
{
	const char *shared = getenv("BW_SHARED");
	const char *tail = strstr(__FILE__, "src/intel/");
	struct bw_buf path = BW_BUF_INIT(4096);
	FILE *file;

	if (shared != NULL)
		assert_ok(bw_buf_addf(&path, "%s/vectors/stix/%s", shared, name));
	else
		assert_ok(bw_buf_addf(&path, "%.*s../shared/vectors/stix/%s", tail == NULL ? 0 : (int)(tail - __FILE__),
				      __FILE__, name));
	file = fopen(bw_buf_text(&path), "r");
	if (file == NULL)
		(void)printf("skipped: no %s\n", bw_buf_text(&path));
	bw_buf_release(&path);
	return file;
}

static char line[LINE_MAX_BYTES];

struct verdict {
	size_t errors;
	size_t warnings;
};

/* All objects of a text together, as the validator counts a bundle or a list. */
static struct verdict judge(struct bw_checker *checker, struct bw_report *report, struct bw_slice text)
{
	struct verdict v = { 0 };
	struct bw_split *split;
	struct bw_split_item item;
	enum bw_err err;

	assert_ok(bw_split_new(&split));
	bw_split_feed(split, text, true);
	while ((err = bw_split_next(split, &item)) == BW_OK) {
		if (item.kind == BW_SPLIT_FAULT) {
			v.errors++;
			continue;
		}
		bw_checker_wrap(checker, item.kind == BW_SPLIT_OBJECT && item.in == BW_SPLIT_BUNDLE ? BW_WRAP_BUNDLE
												    : BW_WRAP_NONE);
		if (item.kind == BW_SPLIT_FRAME)
			assert_ok(bw_bundle_check(checker, item.text, (size_t)item.objects, report));
		else
			assert_ok(bw_object_check(checker, item.text, report, NULL));
		v.errors += report->errors;
		v.warnings += report->warnings;
	}
	assert_int_equal(err, BW_ERR_NOT_FOUND);
	bw_split_free(split);
	return v;
}

struct tally {
	size_t cases;
	size_t agreed;
	size_t strict_cases;
	size_t strict_agreed;
};

static void count_case(struct bw_checker *checker, struct bw_report *report, yyjson_val *row, struct tally *tally)
{
	yyjson_val *options = yyjson_obj_get(row, "options");
	yyjson_val *text = yyjson_obj_get(row, "object");
	const bool wanted = yyjson_get_bool(yyjson_obj_get(row, "valid_without_should"));
	const struct verdict v = judge(checker, report, bw_slice_of(yyjson_get_str(text), yyjson_get_len(text)));

	if (yyjson_obj_get(options, "custom_schemas") != NULL)
		return;
	tally->cases++;
	if ((v.errors == 0) == wanted)
		tally->agreed++;
	else
		(void)printf("parted: %s\n", yyjson_get_str(yyjson_obj_get(row, "id")));
	/* strict, and nothing switched on or off; twins in a bundle are the command's business */
	if (!yyjson_get_bool(yyjson_obj_get(options, "strict")) || yyjson_obj_size(options) != 1 ||
	    strstr(yyjson_get_str(yyjson_obj_get(row, "id")), "duplicate_ids") != NULL)
		return;
	tally->strict_cases++;
	if ((v.errors + v.warnings == 0) == yyjson_get_bool(yyjson_obj_get(row, "valid")))
		tally->strict_agreed++;
	else
		(void)printf("parted when strict: %s\n", yyjson_get_str(yyjson_obj_get(row, "id")));
}

static void verdicts_agree_with_the_oasis_validator(void **state)
{
	FILE *file = open_vectors("validity.jsonl");
	struct tally tally = { 0 };
	struct bw_checker *checker;
	struct bw_report report;

	(void)state;
	if (file == NULL)
		skip();
	assert_ok(bw_checker_new(BW_CHECK_WARNINGS | BW_CHECK_IDS, &checker));
	assert_ok(bw_report_init(&report));
	while (fgets(line, LINE_MAX_BYTES, file) != NULL) {
		yyjson_doc *doc = yyjson_read(line, strlen(line), 0);

		assert_non_null(doc);
		count_case(checker, &report, yyjson_doc_get_root(doc), &tally);
		yyjson_doc_free(doc);
	}
	(void)printf("errors: %zu of %zu agree; strict: %zu of %zu\n", tally.agreed, tally.cases, tally.strict_agreed,
		     tally.strict_cases);
	assert_true(tally.cases > 200);
	assert_true(tally.agreed * 100 >= tally.cases * 99);
	assert_true(tally.strict_agreed * 100 >= tally.strict_cases * 99);
	bw_checker_free(checker);
	bw_report_release(&report);
	(void)fclose(file);
}

static void check_id(yyjson_val *row, size_t *cases, size_t *agreed)
{
	yyjson_val *names = yyjson_obj_get(row, "contributing");
	struct bw_buf contributing = BW_BUF_INIT(4096);
	char id[BW_ID_MAX] = "";
	yyjson_val *name;
	size_t i;
	size_t count;

	yyjson_arr_foreach(names, i, count, name)
	{
		assert_ok(bw_buf_addf(&contributing, "%s%s", i == 0 ? "" : " ", yyjson_get_str(name)));
	}
	(*cases)++;
	if (bw_sco_id(yyjson_obj_get(row, "object"), bw_buf_text(&contributing), id) == BW_OK &&
	    strcmp(id, yyjson_get_str(yyjson_obj_get(row, "id"))) == 0)
		(*agreed)++;
	else
		(void)printf("parted: wanted %s, got %s\n", yyjson_get_str(yyjson_obj_get(row, "id")), id);
	bw_buf_release(&contributing);
}

static void deterministic_ids_are_recomputed(void **state)
{
	FILE *file = open_vectors("deterministic-ids.jsonl");
	size_t cases = 0;
	size_t agreed = 0;

	(void)state;
	if (file == NULL)
		skip();
	while (fgets(line, LINE_MAX_BYTES, file) != NULL) {
		yyjson_doc *doc = yyjson_read(line, strlen(line), 0);

		assert_non_null(doc);
		check_id(yyjson_doc_get_root(doc), &cases, &agreed);
		yyjson_doc_free(doc);
	}
	(void)printf("ids: %zu of %zu agree\n", agreed, cases);
	assert_true(cases > 50);
	assert_int_equal(agreed, cases);
	(void)fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts_agree_with_the_oasis_validator),
		cmocka_unit_test(deterministic_ids_are_recomputed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
