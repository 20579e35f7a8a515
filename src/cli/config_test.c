#include "cli/call.h"

#include "base/test.h"

static const struct bw_option serve_options[] = {
	{ .name = "listen", .kind = BW_OPT_TEXT, .repeat = true, .help = "x" },
	{ .name = "body-limit", .kind = BW_OPT_SIZE, .min = 1, .max = 1 << 30, .fallback = "16m", .help = "x" },
	{ .name = "plain", .kind = BW_OPT_FLAG, .help = "x" },
	{ 0 },
};
static const struct bw_option add_options[] = { { .name = "alias", .kind = BW_OPT_TEXT, .help = "x" }, { 0 } };
static const struct bw_command verbs[] = { { .name = "add", .summary = "x", .options = add_options }, { 0 } };
static const struct bw_command serve = { .name = "serve", .summary = "x", .options = serve_options };
static const struct bw_command collection = { .name = "collection", .summary = "x", .verbs = verbs };
static const struct bw_command *const commands[] = { &serve, &collection, NULL };

static void call_serve(struct bw_call *call, struct bw_buf *why)
{
	static const char *const words[] = { "serve", "--body-limit", "1m" };

	assert_ok(bw_call_parse(call, commands, BW_COUNT(words), words, why));
}

static void the_command_line_beats_the_file_and_lists_come_whole_from_one_of_them(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf why = BW_BUF_INIT(BW_WHY_MAX);
	BW_CLEANUP(bw_call_release) struct bw_call call = { 0 };

	(void)state;
	call_serve(&call, &why);
	assert_ok(bw_call_config(&call, commands,
				 BW_LIT("# a comment\n"
					"data = /srv/bw\n"
					"[serve]\n"
					"body-limit = 2m\n"
					"listen = 127.0.0.1:1\n"
					"listen = [::1]:2\n"
					"plain = yes\n"
					"[collection add]\n"
					"alias = other\n"),
				 &why));
	assert_int_equal(bw_call_num(&call, "body-limit"), 1 << 20);
	assert_int_equal(bw_call_count(&call, "listen"), 2);
	assert_string_equal(bw_call_nth(&call, "listen", 1), "[::1]:2");
	assert_true(bw_call_flag(&call, "plain"));
	assert_string_equal(bw_call_data(&call), "/srv/bw");
}

struct mistake {
	const char *text;
	const char *why;
};

static void every_mistake_is_told_with_its_line_even_in_another_commands_section(void **state)
{
	static const struct mistake mistakes[] = {
		{ "[serve]\nlisen = x\n", "line 2: 'lisen' is no option of [serve]" },
		{ "lisen = x\n", "line 1: 'lisen' is no option of every command" },
		{ "[sreve]\nlisten = x\n", "line 2: section [sreve] names no command" },
		{ "[collection ad]\nalias = x\n", "line 2: section [collection ad] names no command" },
		{ "[collection add]\nformat = xml\n", "line 2: --format is 'xml', and must be one of: text, json" },
		{ "[serve]\nplain = perhaps\n", "line 2: --plain is 'perhaps', and must be yes or no" },
		{ "[serve]\nplain = no\nplain = no\n", "line 3: 'plain' is given twice" },
		{ "[serve]\nplain\n", "line 2 is neither '[section]' nor 'name = value'" },
		{ "config = other\n", "line 1: 'config' is no option of every command" },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(mistakes); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf why = BW_BUF_INIT(BW_WHY_MAX);
		BW_CLEANUP(bw_call_release) struct bw_call call = { 0 };

		call_serve(&call, &why);
		assert_int_equal(bw_call_config(&call, commands, bw_slice_text(mistakes[i].text), &why), BW_ERR_USAGE);
		assert_string_equal(bw_buf_text(&why), mistakes[i].why);
	}
}

static void a_line_that_the_reader_would_cut_is_refused(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf why = BW_BUF_INIT(BW_WHY_MAX);
	BW_CLEANUP(bw_call_release) struct bw_call call = { 0 };
	char text[400];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[0] = '\n';
	call_serve(&call, &why);
	assert_int_equal(bw_call_config(&call, commands, bw_slice_of(text, sizeof(text)), &why), BW_ERR_USAGE);
	assert_string_equal(bw_buf_text(&why), "line 2 is longer than 198 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_command_line_beats_the_file_and_lists_come_whole_from_one_of_them),
		cmocka_unit_test(every_mistake_is_told_with_its_line_even_in_another_commands_section),
		cmocka_unit_test(a_line_that_the_reader_would_cut_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
