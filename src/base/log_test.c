#include "base/log.h"

#include <unistd.h>

#include "base/test.h"

static int saved_stderr = -1;
static int pipe_out = -1;

static void catch_stderr(void)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	saved_stderr = dup(STDERR_FILENO);
	assert_true(saved_stderr >= 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	(void)close(ends[1]);
	pipe_out = ends[0];
}

static size_t caught(char *out, size_t size)
{
	ssize_t len;

	assert_int_equal(dup2(saved_stderr, STDERR_FILENO), STDERR_FILENO);
	(void)close(saved_stderr);
	len = read(pipe_out, out, size - 1);
	(void)close(pipe_out);
	assert_true(len >= 0);
	out[len] = 0;
	return (size_t)len;
}

static void a_line_is_its_event_and_fields_that_cannot_forge_another(void **state)
{
	char line[8192];

	(void)state;
	bw_log_set_worker("front");
	catch_stderr();
	bw_log(BW_NOTICE, "bundle accepted", BW_TEXT("peer", "cert\n<2>forged"), BW_NUM("objects", -42));
	caught(line, sizeof(line));
	bw_log_set_worker(NULL);
	assert_string_equal(line, "<5>bundle accepted worker=\"front\" peer=\"cert\\n<2>forged\" objects=-42\n");
}

static void lines_above_the_level_are_dropped(void **state)
{
	char line[8192];

	(void)state;
	bw_log_set_level(BW_WARNING);
	catch_stderr();
	bw_log(BW_NOTICE, "not seen");
	bw_log(BW_WARNING, "seen");
	caught(line, sizeof(line));
	bw_log_set_level(BW_INFO);
	assert_string_equal(line, "<4>seen\n");
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
	static char value[10000];
	char line[8192];
	size_t len;

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	catch_stderr();
	bw_log(BW_NOTICE, "long", BW_TEXT("value", value));
	len = caught(line, sizeof(line));
	assert_true(len <= 4096);
	assert_int_equal(line[len - 1], '\n');
	assert_memory_equal(line, "<5>long", 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_its_event_and_fields_that_cannot_forge_another),
		cmocka_unit_test(lines_above_the_level_are_dropped),
		cmocka_unit_test(a_long_line_is_cut_and_still_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
