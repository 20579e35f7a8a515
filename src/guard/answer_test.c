#include "guard/answer.h"

#include <stdio.h>

#include "base/test.h"

enum { GUARD = 50, DAEMON = 60, ANNA = 1000, BEN = 1001 };
enum { EDITOR = 2000, ATTACKER = 3000, HELPER = 3001, SERVICE = 4000, KERNEL = 0 };

#define SECOND UINT64_C(1000000000)
#define NOW (UINT64_C(10000) * SECOND)

/* Two programs of Anna's, a child of the second, and one of Ben's; evidence against `known`, an actor. */
struct scene {
	struct bw_actors *actors;
	struct bw_event event;
	uint32_t known;
};

static void born(struct scene *scene, uint32_t pid, uint32_t parent, uint32_t uid, const char *comm)
{
	struct bw_process_event event = { .time_ns = SECOND + pid,
					  .start_ns = SECOND + pid,
					  .pid = pid,
					  .parent = parent,
					  .group = pid,
					  .session = pid,
					  .uid = uid,
					  .act = BW_PROCESS_FORK };

	(void)snprintf(event.comm, sizeof(event.comm), "%s", comm);
	(void)bw_actors_hear(scene->actors, &event);
}

static int setup(void **state)
{
	static struct scene scene;

	scene = (struct scene){ .event = { .time_ns = NOW, .act = BW_ACT_CLOSED, .looked_ns = NOW - 60 * SECOND } };
	assert_ok(bw_actors_new(GUARD, &scene.actors));
	born(&scene, 1, 0, 0, "systemd");
	born(&scene, DAEMON, 1, 0, "sshd");
	born(&scene, EDITOR, DAEMON, ANNA, "editor");
	born(&scene, ATTACKER, DAEMON, ANNA, "attacker");
	born(&scene, HELPER, ATTACKER, ANNA, "attacker");
	born(&scene, SERVICE, DAEMON, BEN, "service");
	*state = &scene;
	return 0;
}

static int teardown(void **state)
{
	struct scene *scene = *state;

	bw_actors_free(scene->actors);
	return 0;
}

static bool has(const void *context, uint32_t actor)
{
	const struct scene *scene = context;

	return actor == scene->known;
}

static void wrote(struct scene *scene, uint32_t pid, uint64_t seconds_ago)
{
	scene->event.writers[scene->event.writer_count++] =
		(struct bw_event_writer){ .time_ns = NOW - seconds_ago * SECOND, .pid = pid };
}

/* The number of the process that answers; 0: nobody. */
static uint32_t asked(struct scene *scene, uint32_t closer)
{
	struct bw_process_event who = { 0 };
	const uint32_t process = bw_answer(scene->actors, &scene->event, bw_actors_find(scene->actors, closer, NOW),
					   has, scene);

	if (process != 0)
		bw_actors_process(scene->actors, process, &who);
	return who.pid;
}

static void know(struct scene *scene, uint32_t pid)
{
	scene->known = bw_actors_of(scene->actors, bw_actors_find(scene->actors, pid, NOW));
}

static void without_any_writer_the_closer_answers(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(asked(scene, ATTACKER), ATTACKER);
	assert_int_equal(asked(scene, KERNEL), 0);
}

static void whoever_wrote_alone_answers_for_what_another_closed(void **state)
{
	struct scene *scene = *state;

	wrote(scene, ATTACKER, 1);
	assert_int_equal(asked(scene, EDITOR), ATTACKER);
	assert_int_equal(asked(scene, SERVICE), ATTACKER);
	assert_int_equal(asked(scene, ATTACKER), ATTACKER);
	scene->event.looked_ns = 0;
	assert_int_equal(asked(scene, EDITOR), ATTACKER);
}

static void what_the_kernel_or_a_daemon_closed_is_the_writers(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(asked(scene, KERNEL), 0);
	wrote(scene, ATTACKER, 1);
	assert_int_equal(asked(scene, KERNEL), ATTACKER);
	assert_int_equal(asked(scene, DAEMON), ATTACKER);
}

static void of_one_actors_processes_the_last_answers(void **state)
{
	struct scene *scene = *state;

	wrote(scene, HELPER, 1);
	wrote(scene, ATTACKER, 2);
	assert_int_equal(asked(scene, EDITOR), HELPER);
	assert_int_equal(asked(scene, ATTACKER), ATTACKER);
}

static void whoever_wrote_before_the_last_close_has_answered(void **state)
{
	struct scene *scene = *state;

	wrote(scene, EDITOR, 90);
	wrote(scene, SERVICE, 80);
	wrote(scene, ATTACKER, 1);
	assert_int_equal(asked(scene, ATTACKER), ATTACKER);
	scene->event.looked_ns = 0;
	assert_int_equal(asked(scene, ATTACKER), ATTACKER);
}

static void when_all_wrote_before_the_last_close_nobody_of_another_user_is_named(void **state)
{
	struct scene *scene = *state;

	wrote(scene, SERVICE, 90);
	assert_int_equal(asked(scene, ATTACKER), 0);
	know(scene, ATTACKER);
	assert_int_equal(asked(scene, ATTACKER), ATTACKER);
	scene->known = 0;
	scene->event.writer_count = 0;
	wrote(scene, EDITOR, 90);
	assert_int_equal(asked(scene, ATTACKER), ATTACKER);
	assert_int_equal(asked(scene, KERNEL), 0);
	assert_int_equal(asked(scene, DAEMON), DAEMON);
	scene->event.writer_count = 0;
	wrote(scene, SERVICE, 700);
	assert_int_equal(asked(scene, ATTACKER), ATTACKER);
}

static void what_the_good_version_holds_did_no_harm(void **state)
{
	struct scene *scene = *state;

	scene->event.looked_ns = 0;
	scene->event.wall_us = INT64_C(1000000) * 5000;
	scene->event.was_known = 1;
	scene->event.known.mtime_s = 4995;
	wrote(scene, SERVICE, 6);
	assert_int_equal(asked(scene, ATTACKER), 0);
	wrote(scene, ATTACKER, 1);
	assert_int_equal(asked(scene, ATTACKER), ATTACKER);
	assert_int_equal(asked(scene, SERVICE), ATTACKER);
	scene->event.known.mtime_s = 5100; /* ahead of the clock: set by somebody */
	assert_int_equal(asked(scene, ATTACKER), 0);
}

static void two_who_wrote_of_different_users_are_told_apart_by_evidence_or_not_at_all(void **state)
{
	struct scene *scene = *state;

	wrote(scene, ATTACKER, 2);
	wrote(scene, SERVICE, 1);
	assert_int_equal(asked(scene, SERVICE), 0);
	assert_int_equal(asked(scene, ATTACKER), 0);
	assert_int_equal(asked(scene, KERNEL), 0);
	know(scene, ATTACKER);
	assert_int_equal(asked(scene, SERVICE), ATTACKER);
	assert_int_equal(asked(scene, ATTACKER), ATTACKER);
	assert_int_equal(asked(scene, KERNEL), ATTACKER);
}

static void of_one_users_programs_that_both_wrote_the_closer_answers(void **state)
{
	struct scene *scene = *state;

	wrote(scene, EDITOR, 2);
	wrote(scene, ATTACKER, 1);
	assert_int_equal(asked(scene, EDITOR), EDITOR);
	assert_int_equal(asked(scene, ATTACKER), ATTACKER);
	know(scene, ATTACKER);
	assert_int_equal(asked(scene, EDITOR), ATTACKER);
}

static void whoever_wrote_last_answers_for_what_the_same_user_renames(void **state)
{
	struct scene *scene = *state;

	scene->event.act = BW_ACT_MOVED;
	wrote(scene, EDITOR, 2);
	wrote(scene, ATTACKER, 1);
	assert_int_equal(asked(scene, EDITOR), ATTACKER);
	scene->event.writer_count = 0;
	wrote(scene, EDITOR, 1);
	wrote(scene, ATTACKER, 2);
	assert_int_equal(asked(scene, EDITOR), EDITOR);
}

static void hosts_and_the_guard_write_for_nobody(void **state)
{
	struct scene *scene = *state;

	wrote(scene, DAEMON, 1);
	wrote(scene, GUARD, 1);
	assert_int_equal(asked(scene, ATTACKER), ATTACKER);
	assert_int_equal(asked(scene, KERNEL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_any_writer_the_closer_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(whoever_wrote_alone_answers_for_what_another_closed, setup, teardown),
		cmocka_unit_test_setup_teardown(what_the_kernel_or_a_daemon_closed_is_the_writers, setup, teardown),
		cmocka_unit_test_setup_teardown(of_one_actors_processes_the_last_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(whoever_wrote_before_the_last_close_has_answered, setup, teardown),
		cmocka_unit_test_setup_teardown(when_all_wrote_before_the_last_close_nobody_of_another_user_is_named,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_the_good_version_holds_did_no_harm, setup, teardown),
		cmocka_unit_test_setup_teardown(
			two_who_wrote_of_different_users_are_told_apart_by_evidence_or_not_at_all, setup, teardown),
		cmocka_unit_test_setup_teardown(of_one_users_programs_that_both_wrote_the_closer_answers, setup,
						teardown),
		cmocka_unit_test_setup_teardown(whoever_wrote_last_answers_for_what_the_same_user_renames, setup,
						teardown),
		cmocka_unit_test_setup_teardown(hosts_and_the_guard_write_for_nobody, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
