#include "guard/actor.h"

#include <stdio.h>

#include "base/test.h"

enum { GUARD = 50, DAEMON = 60, SHELL = 100, LATE = 100000 };

static int setup(void **state)
{
	struct bw_actors *actors;

	assert_ok(bw_actors_new(GUARD, &actors));
	*state = actors;
	return 0;
}

static int teardown(void **state)
{
	bw_actors_free(*state);
	return 0;
}

static uint32_t born(struct bw_actors *actors, uint32_t pid, uint32_t parent, uint32_t group, uint32_t session,
		     const char *comm)
{
	struct bw_process_event event = { .time_ns = pid,
					  .start_ns = pid,
					  .pid = pid,
					  .parent = parent,
					  .group = group,
					  .session = session,
					  .uid = 1000,
					  .act = BW_PROCESS_FORK };

	(void)snprintf(event.comm, sizeof(event.comm), "%s", comm);
	event.uid = parent <= 1 ? 0 : 1000;
	(void)bw_actors_hear(actors, &event);
	return bw_actors_find(actors, pid, pid);
}

static void begin(struct bw_actors *actors)
{
	(void)born(actors, 1, 0, 1, 1, "systemd");
	(void)born(actors, DAEMON, 1, DAEMON, DAEMON, "sshd");
	(void)born(actors, SHELL, DAEMON, SHELL, SHELL, "bash");
}

static void two_jobs_of_one_shell_are_stopped_each_by_itself(void **state)
{
	struct bw_actors *actors = *state;
	uint32_t roots[8];
	uint32_t processes[2];

	begin(actors);
	(void)born(actors, 110, SHELL, 110, SHELL, "bash"); /* a script: a job with children of its own */
	processes[0] = born(actors, 111, 110, 110, SHELL, "openssl");
	processes[1] = born(actors, 120, SHELL, 120, SHELL, "crypt");
	assert_int_equal(bw_actors_roots(actors, processes, 2, roots, BW_COUNT(roots)), 2);
	assert_int_equal(roots[0], processes[0]);
	assert_int_equal(roots[1], processes[1]);
	assert_int_equal(bw_actors_shell(actors, roots[1]), bw_actors_find(actors, SHELL, SHELL));
}

static void workers_of_one_script_are_stopped_with_it_and_without_the_shell(void **state)
{
	struct bw_actors *actors = *state;
	uint32_t roots[8];
	uint32_t processes[2];
	uint32_t script;

	begin(actors);
	script = born(actors, 110, SHELL, 110, SHELL, "bash");
	processes[0] = born(actors, 111, 110, 110, SHELL, "openssl");
	processes[1] = born(actors, 112, 110, 110, SHELL, "rm");
	assert_int_equal(bw_actors_roots(actors, processes, 2, roots, BW_COUNT(roots)), 1);
	assert_int_equal(roots[0], script);
	assert_int_equal(bw_actors_roots(actors, &script, 1, roots, BW_COUNT(roots)), 1);
	assert_int_equal(roots[0], script); /* though its shell has the same name */
}

static void workers_that_left_for_sessions_of_their_own_are_stopped_with_who_began_them(void **state)
{
	struct bw_actors *actors = *state;
	uint32_t roots[8];
	uint32_t processes[2];

	begin(actors);
	processes[0] = born(actors, 111, SHELL, 111, 111, "crypt");
	processes[1] = born(actors, 112, SHELL, 112, 112, "crypt");
	assert_int_equal(bw_actors_roots(actors, processes, 2, roots, BW_COUNT(roots)), 1);
	assert_int_equal(roots[0], bw_actors_find(actors, SHELL, SHELL));
}

static void what_a_drill_begins_is_an_actor_of_its_own_each_time(void **state)
{
	struct bw_actors *actors = *state;
	uint32_t attacker[2];
	uint32_t roots[8];

	begin(actors);
	for (unsigned i = 0; i < 2; i++) {
		const uint32_t drill = born(actors, 200 + 10 * i, SHELL, 200 + 10 * i, SHELL, "breakwater");

		bw_actors_stand_apart(actors, drill);
		attacker[i] = born(actors, 201 + 10 * i, 200 + 10 * i, 201 + 10 * i, 201 + 10 * i, "exe");
	}
	assert_int_not_equal(bw_actors_of(actors, attacker[0]), 0);
	assert_int_not_equal(bw_actors_of(actors, attacker[0]), bw_actors_of(actors, attacker[1]));
	assert_int_equal(bw_actors_roots(actors, attacker, 2, roots, BW_COUNT(roots)), 2);
	assert_int_not_equal(bw_actors_of(actors, bw_actors_find(actors, SHELL, SHELL)), 0);
}

static void who_became_another_user_before_he_ran_his_program_is_named_as_that(void **state)
{
	struct bw_process_event event = { .time_ns = LATE,
					  .start_ns = 130,
					  .pid = 130,
					  .parent = DAEMON,
					  .act = BW_PROCESS_FORK,
					  .comm = "setpriv" };
	struct bw_actors *actors = *state;
	struct bw_actor about;

	begin(actors);
	(void)bw_actors_hear(actors, &event);
	event.act = BW_PROCESS_EXEC;
	event.uid = 1000;
	memcpy(event.comm, "crypt", sizeof("crypt"));
	(void)bw_actors_hear(actors, &event);
	bw_actors_about(actors, bw_actors_of(actors, bw_actors_find(actors, 130, LATE)), &about);
	assert_string_equal(about.comm, "crypt");
	assert_int_equal(about.uid, 1000);
}

/* Cron, su and init give birth to processes of their own name, which then run what they were made for. */
static void what_a_host_runs_is_an_actor_with_all_it_begins(void **state)
{
	struct bw_process_event event = { .time_ns = LATE,
					  .start_ns = 130,
					  .pid = 130,
					  .parent = DAEMON,
					  .group = 130,
					  .session = 130,
					  .act = BW_PROCESS_FORK,
					  .comm = "sshd" };
	struct bw_actors *actors = *state;
	uint32_t job;
	uint32_t copier;

	begin(actors);
	(void)bw_actors_hear(actors, &event);
	job = bw_actors_find(actors, 130, LATE);
	assert_int_equal(bw_actors_of(actors, job), 0);
	event.act = BW_PROCESS_EXEC; /* itself again, as one that listens does for each connection */
	(void)bw_actors_hear(actors, &event);
	assert_int_equal(bw_actors_of(actors, job), 0);
	memcpy(event.comm, "tidy", sizeof("tidy"));
	(void)bw_actors_hear(actors, &event);
	assert_int_not_equal(bw_actors_of(actors, job), 0);
	copier = born(actors, 131, 130, 130, 130, "tidy");
	assert_int_equal(bw_actors_of(actors, copier), bw_actors_of(actors, job));
}

static void what_a_host_runs_for_a_user_is_an_actor_whatever_it_is_called(void **state)
{
	struct bw_process_event event = { .time_ns = LATE,
					  .start_ns = 130,
					  .pid = 130,
					  .parent = DAEMON,
					  .group = 130,
					  .session = 130,
					  .act = BW_PROCESS_FORK,
					  .comm = "sshd" };
	struct bw_actors *actors = *state;

	begin(actors);
	(void)bw_actors_hear(actors, &event);
	event.act = BW_PROCESS_EXEC;
	event.uid = 1000;
	(void)bw_actors_hear(actors, &event);
	assert_int_not_equal(bw_actors_of(actors, bw_actors_find(actors, 130, LATE)), 0);
}

/* As OpenSSH's internal-sftp does: a child of the service, which becomes the user and runs no program. */
static void what_a_host_does_as_a_user_is_that_users_alive_or_ended(void **state)
{
	struct bw_process_event event = { .time_ns = LATE,
					  .start_ns = 130,
					  .pid = 130,
					  .parent = DAEMON,
					  .group = 130,
					  .session = 130,
					  .act = BW_PROCESS_FORK,
					  .comm = "sshd" };
	struct bw_actors *actors = *state;
	struct bw_actor about;
	uint32_t processes[2];
	uint32_t roots[2];
	uint32_t shell;

	begin(actors);
	(void)bw_actors_hear(actors, &event);
	assert_int_equal(bw_actors_of(actors, bw_actors_find(actors, 130, LATE)), 0);
	event.act = BW_PROCESS_USER;
	event.uid = 1000;
	(void)bw_actors_hear(actors, &event);
	shell = born(actors, 132, 130, 132, 132, "bash"); /* what it begins for him before it does anything itself */
	processes[0] = bw_actors_find(actors, 130, LATE);
	bw_actors_about(actors, bw_actors_of(actors, processes[0]), &about);
	assert_int_equal(about.uid, 1000);
	assert_string_equal(about.comm, "sshd");
	assert_int_not_equal(bw_actors_of(actors, shell), bw_actors_of(actors, processes[0]));

	event.start_ns = event.pid = 131;
	event.uid = 0;
	event.act = BW_PROCESS_FORK;
	(void)bw_actors_hear(actors, &event);
	event.act = BW_PROCESS_EXIT;
	event.uid = 1000;
	(void)bw_actors_hear(actors, &event);
	processes[1] = bw_actors_find(actors, 131, LATE);
	assert_int_not_equal(bw_actors_of(actors, processes[1]), 0);
	assert_int_equal(bw_actors_roots(actors, processes, 2, roots, 2), 2); /* each by itself, and not the service */
	assert_int_equal(roots[0], processes[0]);
	assert_int_equal(roots[1], processes[1]);
}

static void a_users_service_manager_is_a_host_and_what_it_runs_is_an_actor(void **state)
{
	struct bw_process_event event = { .time_ns = LATE,
					  .start_ns = 130,
					  .pid = 130,
					  .parent = 1,
					  .group = 130,
					  .session = 130,
					  .act = BW_PROCESS_FORK,
					  .comm = "systemd" };
	struct bw_actors *actors = *state;
	uint32_t services[2];

	begin(actors);
	(void)bw_actors_hear(actors, &event);
	event.act = BW_PROCESS_EXEC;
	event.uid = 1000;
	(void)bw_actors_hear(actors, &event);
	assert_int_equal(bw_actors_of(actors, bw_actors_find(actors, 130, LATE)), 0);
	services[0] = born(actors, 131, 130, 131, 131, "indexer");
	services[1] = born(actors, 132, 130, 132, 132, "systemd");
	assert_int_not_equal(bw_actors_of(actors, services[0]), 0);
	assert_int_not_equal(bw_actors_of(actors, services[1]), 0);
	assert_int_not_equal(bw_actors_of(actors, services[0]), bw_actors_of(actors, services[1]));
}

static void whoever_started_the_guard_stays_nobodys_whatever_he_runs(void **state)
{
	struct bw_process_event event = {
		.time_ns = LATE, .start_ns = 40, .pid = 40, .parent = DAEMON, .comm = "bash"
	};
	struct bw_actors *actors = *state;
	uint32_t shell;

	begin(actors);
	shell = born(actors, 40, DAEMON, 40, 40, "bash");
	(void)born(actors, GUARD, 40, 40, 40, "breakwater");
	assert_int_equal(bw_actors_of(actors, shell), 0);
	event.act = BW_PROCESS_EXEC;
	(void)bw_actors_hear(actors, &event);
	assert_int_equal(bw_actors_of(actors, shell), 0);
}

/* As /proc says it: of what began long before the guard did. */
static void told_late(struct bw_actors *actors, uint32_t pid, uint32_t parent, uint64_t start_ns)
{
	struct bw_process_event event = { .time_ns = LATE + pid,
					  .start_ns = start_ns,
					  .pid = pid,
					  .parent = parent,
					  .group = SHELL,
					  .session = SHELL,
					  .uid = 1000,
					  .act = BW_PROCESS_FORK,
					  .comm = "worker" };

	(void)bw_actors_hear(actors, &event);
}

static void who_is_asked_for_before_he_is_told_of_is_the_ancestor_of_his_children(void **state)
{
	struct bw_actors *actors = *state;
	uint32_t runner;
	uint32_t child;

	begin(actors);
	runner = bw_actors_find(actors, 110, LATE);
	bw_actors_pin(actors, runner);
	told_late(actors, 110, SHELL, 110);
	told_late(actors, 111, 110, 111);
	child = bw_actors_find(actors, 111, LATE + 111);
	assert_int_equal(bw_actors_find(actors, 110, LATE + 200), runner);
	assert_true(bw_actors_descends(actors, child, runner));
	assert_true(bw_actors_descends(actors, runner, bw_actors_find(actors, SHELL, SHELL)));
	assert_int_equal(bw_actors_of(actors, runner), bw_actors_of(actors, child));
}

static void what_was_booked_to_him_meanwhile_is_his_familys(void **state)
{
	struct bw_actors *actors = *state;
	uint32_t actor;

	begin(actors);
	actor = bw_actors_of(actors, bw_actors_find(actors, 110, LATE));
	bw_actors_hold(actors, actor);
	told_late(actors, 110, SHELL, 110);
	assert_int_equal(bw_actors_same(actors, actor), bw_actors_of(actors, bw_actors_find(actors, SHELL, SHELL)));
	bw_actors_let(actors, actor);
	assert_int_equal(bw_actors_count(actors), 1);
}

static void a_number_used_again_is_somebody_else(void **state)
{
	struct bw_actors *actors = *state;
	const struct bw_process_event over = { .pid = 112, .act = BW_PROCESS_EXIT };
	uint32_t gone;
	uint32_t ended;

	begin(actors);
	gone = bw_actors_find(actors, 110, LATE);
	ended = bw_actors_find(actors, 112, LATE);
	(void)bw_actors_hear(actors, &over);
	told_late(actors, 110, SHELL, LATE + 100);
	told_late(actors, 112, SHELL, 112);
	assert_int_not_equal(bw_actors_find(actors, 110, LATE + 200), gone);
	assert_int_not_equal(bw_actors_find(actors, 112, LATE + 200), ended);
}

static void starts_count_from_before_the_machine_slept(void **state)
{
	struct bw_actors *actors = *state;
	uint32_t runner;

	begin(actors);
	bw_actors_slept(actors, 10 * LATE);
	runner = bw_actors_find(actors, 110, LATE);
	told_late(actors, 110, SHELL, 10 * LATE + 110);
	assert_int_equal(bw_actors_find(actors, 110, LATE + 200), runner);
}

/* Of all of them something is kept in mind: nobody can be let go. */
static void who_comes_when_the_table_is_full_is_not_taken_for_who_had_his_number(void **state)
{
	struct bw_process_event end = { .time_ns = LATE, .pid = 500, .act = BW_PROCESS_EXIT };
	struct bw_process_event stranger = { .time_ns = LATE,
					     .start_ns = LATE,
					     .pid = 500,
					     .parent = DAEMON,
					     .act = BW_PROCESS_FORK,
					     .comm = "status" };
	struct bw_actors *actors = *state;

	begin(actors);
	for (uint32_t pid = 200; pid < 200 + BW_ACTOR_NODES_MAX - 3; pid++)
		bw_actors_pin(actors, born(actors, pid, pid == 200 ? SHELL : pid - 1, 200, SHELL, "chain"));
	(void)bw_actors_hear(actors, &end);
	bw_actors_pin(actors, bw_actors_find(actors, SHELL, SHELL));
	bw_actors_condemn(actors, bw_actors_find(actors, 200, 200), 7);
	assert_int_equal(bw_actors_condemned(actors, bw_actors_find(actors, 500, 500)), 7);
	assert_int_equal(bw_actors_hear(actors, &stranger), 0);
	assert_int_equal(bw_actors_find(actors, 500, LATE), 0);
	stranger.parent = 500;
	stranger.pid = 501;
	assert_int_equal(bw_actors_hear(actors, &stranger), 0); /* nor is his child of theirs */
	assert_int_equal(bw_actors_find(actors, 501, LATE), 0);
}

static void who_calls_himself_smbd_is_nobody_special(void **state)
{
	struct bw_actors *actors = *state;
	struct bw_process_event smbd = { .time_ns = LATE, .pid = 300, .parent = 1, .comm = "smbd" };
	uint32_t processes[2];
	uint32_t roots[8];
	uint32_t parent;

	begin(actors);
	parent = born(actors, 110, SHELL, 110, SHELL, "smbd");
	processes[0] = born(actors, 111, 110, 110, SHELL, "smbd");
	processes[1] = born(actors, 112, 110, 110, SHELL, "smbd[10.0.0.9]");
	assert_int_not_equal(bw_actors_of(actors, parent), 0);
	assert_int_equal(bw_actors_of(actors, processes[0]), bw_actors_of(actors, processes[1]));
	assert_int_equal(bw_actors_roots(actors, processes, 2, roots, BW_COUNT(roots)), 1);
	assert_int_equal(roots[0], parent);
	assert_int_equal(bw_actors_next_unknown(actors, 0), 0); /* nobody asks whom it serves */

	(void)bw_actors_hear(actors, &smbd); /* but root's is, and what it bore for others */
	smbd.parent = smbd.pid++;
	smbd.uid = 1000;
	(void)bw_actors_hear(actors, &smbd);
	assert_int_equal(bw_actors_next_unknown(actors, 0), bw_actors_find(actors, smbd.pid, LATE));
	assert_int_equal(bw_actors_of(actors, bw_actors_find(actors, smbd.parent, LATE)), 0);
}

static void clients_whose_address_is_known_are_found_while_they_live(void **state)
{
	struct bw_actors *actors = *state;
	struct bw_process_event smbd = { .time_ns = LATE, .pid = 300, .parent = 1, .comm = "smbd" };
	struct bw_actor_client client = { .pid = 301, .address = BW_LIT("203.0.113.9") };
	uint32_t child;
	bool is_news;

	begin(actors);
	(void)bw_actors_hear(actors, &smbd);
	smbd.parent = smbd.pid++;
	(void)bw_actors_hear(actors, &smbd);
	assert_int_equal(bw_actors_next_known(actors, 0), 0);
	child = bw_actors_name(actors, &client, &is_news);
	assert_int_not_equal(child, 0);
	assert_int_equal(bw_actors_next_known(actors, 0), child);
	assert_int_equal(bw_actors_next_known(actors, child), 0);
	smbd.act = BW_PROCESS_EXIT;
	smbd.time_ns = LATE + 1;
	(void)bw_actors_hear(actors, &smbd);
	assert_int_equal(bw_actors_next_known(actors, 0), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(two_jobs_of_one_shell_are_stopped_each_by_itself),
		TEST(workers_of_one_script_are_stopped_with_it_and_without_the_shell),
		TEST(workers_that_left_for_sessions_of_their_own_are_stopped_with_who_began_them),
		TEST(what_a_drill_begins_is_an_actor_of_its_own_each_time),
		TEST(what_a_host_runs_is_an_actor_with_all_it_begins),
		TEST(what_a_host_runs_for_a_user_is_an_actor_whatever_it_is_called),
		TEST(what_a_host_does_as_a_user_is_that_users_alive_or_ended),
		TEST(a_users_service_manager_is_a_host_and_what_it_runs_is_an_actor),
		TEST(whoever_started_the_guard_stays_nobodys_whatever_he_runs),
		TEST(who_became_another_user_before_he_ran_his_program_is_named_as_that),
		TEST(who_is_asked_for_before_he_is_told_of_is_the_ancestor_of_his_children),
		TEST(what_was_booked_to_him_meanwhile_is_his_familys),
		TEST(a_number_used_again_is_somebody_else),
		TEST(starts_count_from_before_the_machine_slept),
		TEST(who_comes_when_the_table_is_full_is_not_taken_for_who_had_his_number),
		TEST(who_calls_himself_smbd_is_nobody_special),
		TEST(clients_whose_address_is_known_are_found_while_they_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
