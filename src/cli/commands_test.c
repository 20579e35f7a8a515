#include "cli/commands.h"

#include "base/test.h"
#include "base/text.h"
#include "cli/call.h"

static void check_word(const char *word)
{
	assert_true(bw_is_lower((uint8_t)word[0]));
	for (const char *c = word; *c != 0; c++)
		assert_true(bw_is_lower((uint8_t)*c) || bw_is_digit((uint8_t)*c) || *c == '-');
}

static void check_row(const struct bw_option *row)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf why = BW_BUF_INIT(BW_WHY_MAX);
	const bool has_range = row->kind == BW_OPT_NUM || row->kind == BW_OPT_SIZE || row->kind == BW_OPT_TIME;
	int64_t num;

	check_word(row->name);
	assert_true(row->help != NULL && row->help[0] != 0);
	assert_true(row->help[strlen(row->help) - 1] != '.');
	assert_true(row->kind != BW_OPT_CHOICE || row->choices != NULL);
	assert_true(!has_range || row->min < row->max);
	assert_true(!row->repeat || row->kind == BW_OPT_TEXT);
	if (row->fallback != NULL && bw_value_read(row, row->fallback, &num, &why) != BW_OK)
		fail_msg("%s", bw_buf_text(&why));
}

static void check_rows(const struct bw_option *rows)
{
	for (; rows != NULL && rows->name != NULL; rows++) {
		check_row(rows);
		for (const struct bw_option *other = rows + 1; other->name != NULL; other++)
			assert_string_not_equal(rows->name, other->name);
	}
}

static void check_command(const struct bw_command *command)
{
	check_word(command->name);
	assert_true(command->summary != NULL && command->summary[0] != 0);
	assert_true(command->summary[strlen(command->summary) - 1] != '.');
	assert_true((command->verbs == NULL) == (command->run != NULL));
	assert_true(command->min_args <= command->max_args);
	check_rows(command->options);
	for (const struct bw_command *verb = command->verbs; verb != NULL && verb->name != NULL; verb++) {
		assert_null(verb->verbs);
		check_command(verb);
	}
}

static void every_row_of_every_command_keeps_its_own_rules(void **state)
{
	(void)state;
	check_rows(bw_common_options);
	for (const struct bw_command *const *c = bw_commands(); *c != NULL; c++)
		check_command(*c);
}

static void no_two_commands_share_a_name(void **state)
{
	(void)state;
	for (const struct bw_command *const *c = bw_commands(); *c != NULL; c++) {
		for (const struct bw_command *const *other = c + 1; *other != NULL; other++)
			assert_string_not_equal((*c)->name, (*other)->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_every_command_keeps_its_own_rules),
		cmocka_unit_test(no_two_commands_share_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
