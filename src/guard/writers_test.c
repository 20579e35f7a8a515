#include "guard/writers.h"

#include "base/test.h"

static const struct bw_file_key one_file = { .ino = 12, .gen = 34, .volume = 1 };

static int setup(void **state)
{
	struct bw_writers *writers;
	struct bw_why why = { "" };

	assert_ok(bw_writers_open(&writers, &why)); /* with the program in the kernel or without */
	*state = writers;
	return 0;
}

static int teardown(void **state)
{
	bw_writers_free(*state);
	return 0;
}

static struct bw_event asked(struct bw_writers *writers, const struct bw_file_key *file)
{
	struct bw_event event = { .file = *file };

	bw_writers_tell(writers, &event);
	return event;
}

static bool has(const struct bw_event *event, uint32_t pid, uint64_t time_ns)
{
	for (size_t i = 0; i < event->writer_count; i++) {
		if (event->writers[i].pid == pid && event->writers[i].time_ns == time_ns)
			return true;
	}
	return false;
}

static void who_wrote_is_told_until_the_file_is_forgotten(void **state)
{
	struct bw_writers *writers = *state;
	struct bw_file_key other = one_file;
	struct bw_event event;

	bw_writers_wrote(writers, &one_file, 100, 1);
	bw_writers_wrote(writers, &one_file, 200, 2);
	bw_writers_wrote(writers, &one_file, 100, 3);
	event = asked(writers, &one_file);
	assert_int_equal(event.writer_count, 2);
	assert_true(has(&event, 100, 3));
	assert_true(has(&event, 200, 2));
	assert_int_equal(event.looked_ns, 0);
	other.gen++;
	assert_int_equal(asked(writers, &other).writer_count, 0);
}

static void a_look_is_remembered_and_forgets_nobody(void **state)
{
	struct bw_writers *writers = *state;
	struct bw_event event;

	bw_writers_wrote(writers, &one_file, 100, 1);
	bw_writers_looked(writers, &one_file, 5);
	bw_writers_wrote(writers, &one_file, 200, 7);
	event = asked(writers, &one_file);
	assert_int_equal(event.looked_ns, 5);
	assert_true(has(&event, 100, 1));
	assert_true(has(&event, 200, 7));
}

static void of_more_than_four_the_last_are_told(void **state)
{
	struct bw_writers *writers = *state;
	struct bw_event event;

	for (uint32_t i = 1; i <= 7; i++)
		bw_writers_wrote(writers, &one_file, i, i);
	event = asked(writers, &one_file);
	assert_int_equal(event.writer_count, BW_EVENT_WRITERS_MAX);
	for (uint32_t i = 4; i <= 7; i++)
		assert_true(has(&event, i, i));
}

static void nobody_is_not_remembered(void **state)
{
	struct bw_writers *writers = *state;

	bw_writers_wrote(writers, &one_file, 0, 1);
	assert_int_equal(asked(writers, &one_file).writer_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_wrote_is_told_until_the_file_is_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(a_look_is_remembered_and_forgets_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(of_more_than_four_the_last_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_is_not_remembered, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
