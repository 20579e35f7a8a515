#include "cli/call.h"

#include <stdlib.h>

#include "base/test.h"
#include "cli/nearest.h"

static const struct bw_option take_options[] = {
	{ .name = "limit",
	  .kind = BW_OPT_SIZE,
	  .unit = "bytes",
	  .min = 16,
	  .max = 1 << 20,
	  .fallback = "64k",
	  .help = "x" },
	{ .name = "wait", .kind = BW_OPT_TIME, .min = 0, .max = 3600000, .fallback = "30s", .help = "x" },
	{ .name = "tag", .kind = BW_OPT_TEXT, .repeat = true, .help = "x" },
	{ .name = "count", .kind = BW_OPT_NUM, .min = -5, .max = 5, .fallback = "0", .help = "x" },
	{ .name = "dry-run", .kind = BW_OPT_FLAG, .help = "x" },
	{ .name = "format", .kind = BW_OPT_CHOICE, .choices = "text|json|sarif", .fallback = "text", .help = "x" },
	{ 0 },
};

static const struct bw_option add_options[] = { { .name = "alias", .kind = BW_OPT_TEXT, .help = "x" }, { 0 } };

static const struct bw_command verbs[] = {
	{ .name = "add", .summary = "x", .options = add_options, .min_args = 1, .max_args = 1 },
	{ .name = "list", .summary = "x" },
	{ 0 },
};

static const struct bw_command take = {
	.name = "take", .summary = "x", .options = take_options, .min_args = 1, .max_args = 3
};
static const struct bw_command sign = {
	.name = "sign", .summary = "x", .usage = "NAME [--to WHOM] USER", .min_args = 2, .max_args = 2
};
static const struct bw_command collection = { .name = "collection", .summary = "x", .verbs = verbs };
static const struct bw_command ways = {
	.name = "ways", .summary = "x", .usage = "sign NAME | list", .min_args = 2, .max_args = 2
};
static const struct bw_command *const commands[] = { &take, &collection, &sign, &ways, NULL };

/* Parses words up to NULL and checks operands; the sentence for the user is in `why`. */
static enum bw_err parse(struct bw_call *call, struct bw_buf *why, const char *const *words)
{
	size_t count = 0;

	while (words[count] != NULL)
		count++;
	bw_buf_clear(why);
	BW_TRY(bw_call_parse(call, commands, count, words, why));
	return call->command == NULL ? BW_ERR_MISSING : bw_call_check(call, why);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void values_come_with_a_blank_or_an_equals_sign_and_options_anywhere(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf why = BW_BUF_INIT(BW_WHY_MAX);
	BW_CLEANUP(bw_call_release) struct bw_call call = { 0 };

	(void)state;
	assert_ok(parse(&call, &why,
			WORDS("--data", "/d", "take", "a", "--limit=1k", "--tag", "x", "-", "--tag=", "--dry-run", "--",
			      "--limit")));
	assert_string_equal(call.name, "take");
	assert_int_equal(bw_call_num(&call, "limit"), 1024);
	assert_int_equal(bw_call_num(&call, "wait"), 30000);
	assert_true(bw_call_flag(&call, "dry-run"));
	assert_int_equal(bw_call_count(&call, "tag"), 2);
	assert_string_equal(bw_call_nth(&call, "tag", 1), "");
	assert_null(bw_call_nth(&call, "tag", 2));
	assert_int_equal(bw_call_args(&call), 3);
	assert_string_equal(bw_call_arg(&call, 1), "-");
	assert_string_equal(bw_call_arg(&call, 2), "--limit");
	assert_string_equal(bw_call_data(&call), "/d");
	assert_false(bw_call_has(&call, "wait"));
}

static void a_verb_has_its_own_options_and_a_full_name(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf why = BW_BUF_INIT(BW_WHY_MAX);
	BW_CLEANUP(bw_call_release) struct bw_call call = { 0 };

	(void)state;
	assert_ok(parse(&call, &why, WORDS("collection", "add", "Title", "--alias", "a")));
	assert_string_equal(call.name, "collection add");
	assert_string_equal(bw_call_text(&call, "alias"), "a");
}

static void a_commands_own_format_stands_before_the_common_one(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf why = BW_BUF_INIT(BW_WHY_MAX);
	BW_CLEANUP(bw_call_release) struct bw_call call = { 0 };

	(void)state;
	assert_ok(parse(&call, &why, WORDS("take", "--format", "sarif", "x")));
	assert_string_equal(bw_call_text(&call, "format"), "sarif");
	assert_false(bw_call_json(&call));
}

struct mistake {
	const char *words[5];
	const char *why;
};

static void every_mistake_is_named_with_what_was_meant(void **state)
{
	static const struct mistake mistakes[] = {
		{ { "tkae", "x" }, "unknown command 'tkae'; did you mean 'take'?" },
		{ { "zzzzz" }, "unknown command 'zzzzz'" },
		{ { "take", "--limt", "1", "x" }, "unknown option '--limt'; did you mean '--limit'?" },
		{ { "take", "--li=1", "x" }, "unknown option '--li'; did you mean '--limit'?" },
		{ { "take", "-x" }, "unknown option '-x'; options are words, like --help" },
		{ { "take", "x", "--limit" }, "--limit needs a value" },
		{ { "take", "--limit=3", "x" }, "--limit is '3', and must be from 16 to 1m" },
		{ { "take", "--limit=99g", "x" }, "--limit is '99g', and must be from 16 to 1m" },
		{ { "take", "--limit=", "x" },
		  "--limit is '', and must be a size: a number, then k, m, g or nothing (bytes)" },
		{ { "take", "--wait=5", "x" }, "--wait is '5', and must be a time: a number, then ms, s, min, h or d" },
		{ { "take", "--wait=2h", "x" }, "--wait is '2h', and must be from 0ms to 1h" },
		{ { "take", "--count=1k", "x" }, "--count is '1k', and must be a whole number" },
		{ { "take", "--count=-6", "x" }, "--count is '-6', and must be from -5 to 5" },
		{ { "take", "--dry-run=maybe", "x" }, "--dry-run is 'maybe', and must be yes or no" },
		{ { "take", "--format=xml", "x" }, "--format is 'xml', and must be one of: text, json, sarif" },
		{ { "take", "--limit=1k", "--limit=1k", "x" }, "--limit is given twice" },
		{ { "take" }, "something is missing after 'take'; usage: breakwater take " },
		{ { "take", "1", "2", "3", "4" }, "'4' is one word too many" },
		{ { "ways" }, "what to do is missing after 'ways'; usage: breakwater ways sign NAME | list" },
		{ { "ways", "sign" }, "NAME is missing after 'ways'; usage: breakwater ways sign NAME | list" },
		{ { "sign", "x" }, "USER is missing after 'sign'; usage: breakwater sign NAME [--to WHOM] USER" },
		{ { "collection" }, "'collection' needs to know what to do: add, list" },
		{ { "collection", "ad", "x" }, "'collection' cannot 'ad'; did you mean 'collection add'?" },
		{ { "collection", "list", "x" }, "'x' is one word too many" },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(mistakes); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf why = BW_BUF_INIT(BW_WHY_MAX);
		BW_CLEANUP(bw_call_release) struct bw_call call = { 0 };
		const char *words[BW_COUNT(mistakes[i].words) + 1] = { NULL };

		memcpy(words, mistakes[i].words, sizeof(mistakes[i].words));
		assert_int_equal(parse(&call, &why, words), BW_ERR_USAGE);
		assert_string_equal(bw_buf_text(&why), mistakes[i].why);
	}
}

static void sizes_and_times_know_their_suffixes(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} times[] = { { "0", 0 }, { "5ms", 5 }, { "2s", 2000 }, { "2min", 120000 }, { "1H", 3600000 } };
	BW_CLEANUP(bw_buf_release) struct bw_buf why = BW_BUF_INIT(BW_WHY_MAX);
	int64_t num;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(times); i++) {
		assert_ok(bw_value_read(&take_options[1], times[i].text, &num, &why));
		assert_int_equal(num, times[i].want);
	}
	assert_ok(bw_value_read(&take_options[0], "1M", &num, &why));
	assert_int_equal(num, 1 << 20);
}

static void the_nearest_name_is_found_and_far_ones_are_not_offered(void **state)
{
	struct bw_nearest nearest = bw_nearest_to(BW_LIT("exprot"));

	(void)state;
	bw_nearest_offer(&nearest, "import");
	bw_nearest_offer(&nearest, "export");
	bw_nearest_offer(&nearest, "account");
	assert_string_equal(nearest.best, "export");
	nearest = bw_nearest_to(BW_LIT("frobnicate"));
	bw_nearest_offer(&nearest, "export");
	assert_null(nearest.best);
}

static void the_data_folder_has_a_place_in_the_environment_and_a_default(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf why = BW_BUF_INIT(BW_WHY_MAX);
	BW_CLEANUP(bw_call_release) struct bw_call call = { 0 };

	(void)state;
	assert_ok(parse(&call, &why, WORDS("take", "x")));
	assert_int_equal(unsetenv("BREAKWATER_DATA"), 0);
	assert_string_equal(bw_call_data(&call), "/var/lib/breakwater");
	assert_int_equal(setenv("BREAKWATER_DATA", "/elsewhere", 1), 0);
	assert_string_equal(bw_call_data(&call), "/elsewhere");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_with_a_blank_or_an_equals_sign_and_options_anywhere),
		cmocka_unit_test(a_verb_has_its_own_options_and_a_full_name),
		cmocka_unit_test(a_commands_own_format_stands_before_the_common_one),
		cmocka_unit_test(every_mistake_is_named_with_what_was_meant),
		cmocka_unit_test(sizes_and_times_know_their_suffixes),
		cmocka_unit_test(the_nearest_name_is_found_and_far_ones_are_not_offered),
		cmocka_unit_test(the_data_folder_has_a_place_in_the_environment_and_a_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
