/*
 * The recorded verdicts of the OASIS pattern validator and matcher, and cases
 * written from the text of §9. They lie outside the repository: in $BW_SHARED, or
 * in "shared" beside it; where they are absent the tests say so and skip.
 */
#include <stdio.h>
#include <stdlib.h>

#include <yyjson.h>

#include "intel/pattern.h"

#include "base/test.h"

/*
 * Where the records disagree with one another and the text decides:
 *  - §9.2: a hex constant with an odd number of digits is invalid; §9.4: an
 *    invalid pattern matches nothing, which is what the record wants to see.
 *  - §9.5.1: one [ ] must not have two qualifiers of a kind. The validator
 *    refuses that, the matcher does not look.
 */
static const char *const refused_by_the_text[] = {
	"[file:magic_number_hex = h'ffd']",
	"[person:age < 20] REPEATS 2 TIMES REPEATS 2 TIMES",
};

/* The folder of this file, as the compiler saw it, leads to the one beside the repository. */
static FILE *open_vectors(const char *name)
{
	const char *shared = getenv("BW_SHARED");
	const char *tail = strstr(__FILE__, "src/intel/");
	struct bw_buf path = BW_BUF_INIT(4096);
	FILE *file;

	if (shared != NULL)
		assert_ok(bw_buf_addf(&path, "%s/vectors/patterns/%s", shared, name));
	else
		assert_ok(bw_buf_addf(&path, "%.*s../shared/vectors/patterns/%s",
				      tail == NULL ? 0 : (int)(tail - __FILE__), __FILE__, name));
	file = fopen(bw_buf_text(&path), "r");
	if (file == NULL)
		(void)printf("skipped: no %s\n", bw_buf_text(&path));
	bw_buf_release(&path);
	return file;
}

static bool is_refused_by_the_text(const char *pattern)
{
	for (size_t i = 0; i < BW_COUNT(refused_by_the_text); i++) {
		if (strcmp(refused_by_the_text[i], pattern) == 0)
			return true;
	}
	return false;
}

static bool should_parse(const char *expect, const char *pattern)
{
	return strcmp(expect, "invalid") != 0 && strcmp(expect, "parse_error") != 0 && !is_refused_by_the_text(pattern);
}

static bool run_case(yyjson_val *root)
{
	const char *pattern = yyjson_get_str(yyjson_obj_get(root, "pattern"));
	const char *expect = yyjson_get_str(yyjson_obj_get(root, "expect"));
	const char *version = yyjson_get_str(yyjson_obj_get(root, "stix_version"));
	const enum bw_pattern_version wanted = strcmp(version, "2.0") == 0 ? BW_PATTERN_2_0 : BW_PATTERN_2_1;
	struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct bw_pattern *tree;
	struct bw_fault fault = { 0, "accepted" };
	const enum bw_err err = bw_pattern_check(bw_slice_text(pattern), wanted, NULL, &fault);

	assert_int_equal(bw_pattern_parse(bw_slice_text(pattern), wanted, &arena, &tree, NULL), err);
	bw_arena_release(&arena);
	if ((err == BW_OK) == should_parse(expect, pattern))
		return true;
	(void)printf("%s, STIX %s: %s at %zu: %s\n", expect, version, fault.reason, fault.offset, pattern);
	return false;
}

static void run_vectors(const char *name)
{
	FILE *file = open_vectors(name);
	char *line = NULL;
	size_t cap = 0;
	size_t cases = 0;
	size_t wrong = 0;
	ssize_t len;

	if (file == NULL)
		skip();
	while ((len = getline(&line, &cap, file)) > 0) {
		yyjson_doc *doc = yyjson_read(line, (size_t)len, 0);

		assert_non_null(doc);
		wrong += run_case(yyjson_doc_get_root(doc)) ? 0 : 1;
		cases++;
		yyjson_doc_free(doc);
	}
	free(line);
	(void)fclose(file);
	(void)printf("%s: %zu of %zu\n", name, cases - wrong, cases);
	assert_true(cases > 0);
	assert_int_equal(wrong, 0);
}

static void agrees_with_the_reference_validator(void **state)
{
	(void)state;
	run_vectors("validator.jsonl");
}

static void parses_what_the_reference_matcher_parses(void **state)
{
	(void)state;
	run_vectors("matcher-v21.jsonl");
}

static void parses_the_cases_written_from_the_text(void **state)
{
	(void)state;
	run_vectors("spec-cases.jsonl");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_reference_validator),
		cmocka_unit_test(parses_what_the_reference_matcher_parses),
		cmocka_unit_test(parses_the_cases_written_from_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
