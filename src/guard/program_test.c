#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"
#include "guard/program.h"
#include "sys/clock.h"

enum { ROOM = 64 * 1024, LONG_MS = 60000 };

static enum bw_err run(struct bw_program program, struct bw_buf *out, int *out_status)
{
	if (program.output_max == 0)
		program.output_max = ROOM;
	if (program.timeout_ms == 0)
		program.timeout_ms = LONG_MS;
	return bw_program_whole(&program, out, out_status);
}

static void a_program_gets_its_words_and_input_and_gives_output_and_status(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf output = BW_BUF_INIT(0);
	int status = -1;

	(void)state;
	assert_ok(
		run((struct bw_program){ .path = "/usr/bin/cat", .words = { "-", NULL }, .input = BW_LIT("one\ntwo") },
		    &output, &status));
	assert_string_equal(bw_buf_text(&output), "one\ntwo");
	assert_int_equal(status, 0);
	bw_buf_release(&output);
	assert_ok(run((struct bw_program){ .path = "/usr/bin/false" }, &output, &status));
	assert_int_equal(status, 1);
}

static void words_are_never_read_by_a_shell(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf output = BW_BUF_INIT(0);
	int status = -1;

	(void)state;
	assert_ok(run((struct bw_program){ .path = "/usr/bin/printf", .words = { "%s", "$(id) `id`; id", NULL } },
		      &output, &status));
	assert_string_equal(bw_buf_text(&output), "$(id) `id`; id");
}

static void nothing_of_our_environment_gets_there(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf output = BW_BUF_INIT(0);
	int status = -1;

	(void)state;
	assert_int_equal(setenv("LD_PRELOAD_FOR_TEST", "secret", 1), 0);
	assert_ok(run((struct bw_program){ .path = "/usr/bin/env" }, &output, &status));
	assert_string_equal(bw_buf_text(&output), "PATH=/usr/sbin:/usr/bin:/sbin:/bin\nLC_ALL=C\n");
}

static void descriptors_stay_here(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf output = BW_BUF_INIT(0);
	int status = -1;
	const int mine = dup(0);

	(void)state;
	assert_true(mine > 2);
	/* 3 is the folder that ls itself reads */
	assert_ok(run((struct bw_program){ .path = "/usr/bin/ls", .words = { "/proc/self/fd", NULL } }, &output,
		      &status));
	assert_string_equal(bw_buf_text(&output), "0\n1\n2\n3\n");
	(void)close(mine);
}

static void who_takes_too_long_is_killed(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf output = BW_BUF_INIT(0);
	int status = -1;

	(void)state;
	assert_int_equal(
		run((struct bw_program){ .path = "/usr/bin/sleep", .words = { "1000", NULL }, .timeout_ms = 20 },
		    &output, &status),
		BW_ERR_TIMEOUT);
}

static void who_says_too_much_is_killed(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf output = BW_BUF_INIT(0);
	int status = -1;

	(void)state;
	assert_int_equal(run((struct bw_program){ .path = "/usr/bin/yes" }, &output, &status), BW_ERR_TOO_BIG);
}

static void errors_come_along_only_when_asked_for(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf output = BW_BUF_INIT(0);
	struct bw_program program = { .path = "/usr/bin/cat", .words = { "/no/such/file", NULL } };
	int status = -1;

	(void)state;
	assert_ok(run(program, &output, &status));
	assert_int_equal(output.len, 0);
	bw_buf_release(&output);
	program.errors_too = true;
	assert_ok(run(program, &output, &status));
	assert_non_null(strstr(bw_buf_text(&output), "/no/such/file"));
}

static void a_program_others_may_change_is_not_ours_to_start(void **state)
{
	char folder[] = "/tmp/breakwater-program-XXXXXX"; /* below a folder everybody writes */
	char path[BW_PATH_BYTES];

	(void)state;
	assert_non_null(mkdtemp(folder));
	assert_ok(bw_path_join(path, folder, "tool"));
	assert_ok(bw_file_write(path, BW_LIT("#!/bin/true\n"), 0755, NULL));
	assert_int_equal(bw_program_check(path), BW_ERR_DENIED);
	assert_int_equal(bw_program_check("tool"), BW_ERR_SYNTAX);
	assert_int_equal(bw_program_check("/usr/bin/no-such-program"), BW_ERR_NOT_FOUND);
	assert_ok(bw_program_find("env", path));
	assert_ok(bw_path_join(path, folder, "tool"));
	(void)unlink(path);
	(void)rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_gets_its_words_and_input_and_gives_output_and_status),
		cmocka_unit_test(words_are_never_read_by_a_shell),
		cmocka_unit_test(nothing_of_our_environment_gets_there),
		cmocka_unit_test(descriptors_stay_here),
		cmocka_unit_test(who_takes_too_long_is_killed),
		cmocka_unit_test(who_says_too_much_is_killed),
		cmocka_unit_test(errors_come_along_only_when_asked_for),
		cmocka_unit_test(a_program_others_may_change_is_not_ours_to_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
