#include "cli/help.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"

static const struct bw_option take_options[] = {
	{ .name = "limit",
	  .kind = BW_OPT_SIZE,
	  .unit = "bytes",
	  .min = 1,
	  .max = 9,
	  .fallback = "64",
	  .help = "most bytes" },
	{ .name = "format",
	  .kind = BW_OPT_CHOICE,
	  .value_name = "FORMAT",
	  .choices = "text|sarif",
	  .fallback = "text",
	  .help = "how it's printed" },
	{ 0 },
};
static const struct bw_command take = {
	.name = "take",
	.summary = "take things in",
	.usage = "FILE...",
	.details = "First paragraph.\n\n.Second one, with a \\ in it.",
	.options = take_options,
};
static const struct bw_command *const commands[] = { &take, NULL };
static const struct bw_command_group groups[] = { { "first steps", commands }, { 0 } };

struct print {
	char *text;
	size_t size;
	FILE *out;
};

static void print_free(struct print *p)
{
	free(p->text);
}

static const char *printed(struct print *p)
{
	assert_int_equal(fclose(p->out), 0);
	return p->text;
}

static void print_open(struct print *p)
{
	p->out = open_memstream(&p->text, &p->size);
	assert_non_null(p->out);
}

static void help_shows_defaults_units_and_choices_and_no_option_twice(void **state)
{
	BW_CLEANUP(print_free) struct print p = { 0 };
	const char *text;

	(void)state;
	print_open(&p);
	bw_help_command_page(p.out, NULL, &take);
	text = printed(&p);
	assert_non_null(strstr(text, "usage: breakwater take FILE...\n"));
	assert_non_null(strstr(text, "  --limit SIZE              most bytes (default: 64 bytes)\n"));
	assert_non_null(strstr(text, "how it's printed: text, sarif (default: text)\n"));
	assert_null(strstr(strstr(text, "--format") + 1, "--format"));
	assert_non_null(strstr(text, "--data DIR"));
}

static const struct bw_command verbs[] = {
	{ .name = "list", .summary = "list things", .usage = "" },
	{ 0 },
};
static const struct bw_command things = { .name = "things", .summary = "things", .verbs = verbs };

static void no_line_ends_in_a_blank(void **state)
{
	BW_CLEANUP(print_free) struct print bare = { 0 };
	BW_CLEANUP(print_free) struct print with_verbs = { 0 };
	static const struct bw_command serve = { .name = "serve", .summary = "serve things" };

	(void)state;
	print_open(&bare);
	bw_help_command_page(bare.out, NULL, &serve);
	assert_non_null(strstr(printed(&bare), "usage: breakwater serve\n"));
	print_open(&with_verbs);
	bw_help_command_page(with_verbs.out, NULL, &things);
	assert_non_null(strstr(printed(&with_verbs), "  things list\n"));
}

static void the_overview_lists_commands_by_group(void **state)
{
	BW_CLEANUP(print_free) struct print p = { 0 };

	(void)state;
	print_open(&p);
	bw_help_overview(p.out, groups);
	assert_non_null(strstr(printed(&p), "first steps:\n  take        take things in\n"));
}

static void manual_pages_escape_what_man_would_obey(void **state)
{
	BW_CLEANUP(print_free) struct print p = { 0 };
	const char *text;

	(void)state;
	print_open(&p);
	bw_help_man_page(p.out, &take);
	text = printed(&p);
	assert_non_null(strstr(text, ".SH NAME\nbreakwater\\-take \\- take things in\n"));
	assert_non_null(strstr(text, "First paragraph.\n.PP\n\\&.Second one, with a \\e in it.\n"));
	assert_non_null(strstr(text, ".TP\n\\fB\\-\\-limit\\fR \\fISIZE\\fR\n"));
}

static void every_shell_learns_commands_options_and_choices(void **state)
{
	void (*const shells[])(FILE *, const struct bw_command *const *) = { bw_complete_bash, bw_complete_zsh,
									     bw_complete_fish };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(shells); i++) {
		BW_CLEANUP(print_free) struct print p = { 0 };
		const char *text;

		print_open(&p);
		shells[i](p.out, commands);
		text = printed(&p);
		assert_non_null(strstr(text, "take"));
		assert_non_null(strstr(text, "limit"));
		assert_non_null(strstr(text, "text sarif"));
		assert_non_null(strstr(text, "quiet"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_shows_defaults_units_and_choices_and_no_option_twice),
		cmocka_unit_test(no_line_ends_in_a_blank),
		cmocka_unit_test(the_overview_lists_commands_by_group),
		cmocka_unit_test(manual_pages_escape_what_man_would_obey),
		cmocka_unit_test(every_shell_learns_commands_options_and_choices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
