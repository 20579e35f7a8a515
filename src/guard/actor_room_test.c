#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"
#include "guard/actor.h"

enum {
	GUARD = 50,
	DAEMON = 60,
	SHELL = 100,
	OTHER = 101, /* somebody else's shell */
	FIRST = 1000,
	MANY = 400000,
	ROUNDS = 2,
	STORIES = 40, /* told at once, each of another shell */
	STEPS = 1500,
	FLUSHES = 10,  /* in a round: all that ended before is let go */
	VERDICTS = 12, /* of each story, after each */
	NAMED_MOST = 4,
	TALL = 20000,
	ROOTS = 64,
	USER = 1000,
	OTHER_USER = 2000,
};

static struct bw_actors *new_actors(void)
{
	struct bw_actors *actors;

	assert_ok(bw_actors_new(GUARD, &actors));
	return actors;
}

static void hear(struct bw_actors *actors, struct bw_process_event event, const char *comm)
{
	(void)snprintf(event.comm, sizeof(event.comm), "%s", comm);
	(void)bw_actors_hear(actors, &event);
}

static struct bw_process_event fork_of(uint32_t pid, uint32_t parent, uint32_t group, uint32_t session, uint32_t uid)
{
	return (struct bw_process_event){ .time_ns = pid,
					  .start_ns = pid,
					  .pid = pid,
					  .parent = parent,
					  .group = group,
					  .session = session,
					  .uid = uid,
					  .act = BW_PROCESS_FORK };
}

static void end(struct bw_actors *actors, uint32_t pid)
{
	const struct bw_process_event event = { .time_ns = pid, .pid = pid, .act = BW_PROCESS_EXIT };

	(void)bw_actors_hear(actors, &event);
}

static void begin(struct bw_actors *actors)
{
	hear(actors, fork_of(1, 0, 1, 1, 0), "systemd");
	hear(actors, fork_of(DAEMON, 1, DAEMON, DAEMON, 0), "sshd");
	hear(actors, fork_of(SHELL, DAEMON, SHELL, SHELL, USER), "bash");
	hear(actors, fork_of(OTHER, DAEMON, OTHER, OTHER, OTHER_USER), "bash");
}

static uint32_t actor_of(struct bw_actors *actors, uint32_t pid)
{
	return bw_actors_of(actors, bw_actors_find(actors, pid, UINT64_MAX));
}

/* ---- with and without ---------------------------------------------------------------------------------- */

struct person {
	uint32_t group;
	uint32_t session;
	bool alive;
	bool is_seen; /* he destroyed something: pinned */
	uint8_t name;
};

/* The same story told to one that lets go of who ended, and to one that keeps everybody. */
struct both {
	struct bw_actors *short_of;
	struct bw_actors *keeps;
	struct person people[STEPS + 1];
	uint32_t count;
	uint32_t shell;
};

static const char *const names[] = { "bash", "crypt", "tar" };

static uint32_t pick(uint32_t below)
{
	return (uint32_t)rand() % below;
}

static uint32_t number_of(const struct both *b, uint32_t i)
{
	return i == 0 ? b->shell : FIRST + b->shell * STEPS + i;
}

static uint32_t someone_alive(const struct both *b)
{
	uint32_t i = pick(3) == 0 ? pick(b->count) : b->count - 1 - pick(b->count < 6 ? b->count : 6);

	while (!b->people[i].alive)
		i = (i + b->count - 1) % b->count;
	return i;
}

static void tell_both(struct both *b, struct bw_process_event event, uint8_t name)
{
	hear(b->short_of, event, names[name]);
	hear(b->keeps, event, names[name]);
}

static void be_born(struct both *b)
{
	const uint32_t above = someone_alive(b);
	struct person made = b->people[above];
	const uint32_t pid = number_of(b, b->count);

	made.is_seen = false;
	tell_both(b, fork_of(pid, number_of(b, above), made.group, made.session, USER), made.name);
	bw_actors_pin(b->keeps, bw_actors_find(b->keeps, pid, pid));
	b->people[b->count++] = made;
}

/* Another program, a group of its own, or a session. */
static void change(struct both *b)
{
	const uint32_t i = someone_alive(b);
	struct person *one = &b->people[i];
	struct bw_process_event event;

	if (i == 0)
		return;
	if (pick(2) == 0)
		one->group = number_of(b, i);
	if (pick(6) == 0)
		one->group = one->session = number_of(b, i);
	if (pick(2) == 0)
		one->name = (uint8_t)pick(BW_COUNT(names));
	event = fork_of(number_of(b, i), 0, one->group, one->session, USER);
	event.act = BW_PROCESS_EXEC;
	tell_both(b, event, one->name);
}

static void go(struct both *b)
{
	const uint32_t i = pick(2) == 0 ? someone_alive(b) : pick(b->count);

	if (i == 0 || !b->people[i].alive)
		return;
	b->people[i].alive = false;
	end(b->short_of, number_of(b, i));
	end(b->keeps, number_of(b, i));
}

static void destroy(struct both *b)
{
	const uint32_t i = someone_alive(b);
	const uint32_t n = bw_actors_find(b->short_of, number_of(b, i), UINT64_MAX);

	assert_int_not_equal(n, 0);
	if (!b->people[i].is_seen)
		bw_actors_pin(b->short_of, n);
	b->people[i].is_seen = true;
}

/* So many others come and go that nobody who ended before is kept for late events. */
static void flush(struct bw_actors *actors)
{
	for (uint32_t i = 0; i <= BW_ACTOR_DEAD_MAX; i++) {
		hear(actors, fork_of(MANY + i, DAEMON, 1, 1, 0), "filler");
		end(actors, MANY + i);
	}
}

static int compare_numbers(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a;
	const uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The living of a family, as one number; they come in no order. */
static uint64_t family_of(const struct bw_actors *actors, uint32_t root, uint32_t *out_group)
{
	static struct bw_actor_target targets[STEPS + 1];
	const size_t count = bw_actors_gather(actors, &root, 1, targets, BW_COUNT(targets), out_group);
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += (targets[i].pid * UINT64_C(0x9e3779b97f4a7c15)) ^ UINT64_C(0xbf58476d1ce4e5b9) / targets[i].pid;
	return sum;
}

/* Who is stopped, in which families; and with whose shell. Families of which nobody lives do not matter. */
static size_t stopped(struct bw_actors *actors, const uint32_t *pids, size_t count, uint64_t out[ROOTS])
{
	uint32_t processes[ROOTS];
	uint32_t roots[ROOTS];
	size_t families = 0;
	size_t found;

	for (size_t i = 0; i < count; i++)
		processes[i] = bw_actors_find(actors, pids[i], UINT64_MAX);
	found = bw_actors_roots(actors, processes, count, roots, ROOTS);
	for (size_t i = 0; i < found; i++) {
		const uint32_t shell = bw_actors_shell(actors, roots[i]);
		uint32_t group;
		uint32_t shell_group;
		const uint64_t family = family_of(actors, roots[i], &group);
		const uint64_t held = shell != 0 ? family_of(actors, shell, &shell_group) : family;

		if (family != 0)
			out[families++] = family * 31 + held;
	}
	qsort(out, families, sizeof(*out), compare_numbers);
	return families;
}

static void compare_verdicts(struct both *b)
{
	uint64_t with[ROOTS] = { 0 };
	uint64_t without[ROOTS] = { 0 };
	uint32_t pids[ROOTS] = { 0 };
	const size_t most = 1 + pick(NAMED_MOST);
	const uint32_t from = pick(b->count);
	size_t count = 0;
	size_t families;

	for (uint32_t i = 0; i < b->count && count < most; i++) {
		if (b->people[(from + i) % b->count].is_seen && pick(4) == 0)
			pids[count++] = number_of(b, (from + i) % b->count);
	}
	families = stopped(b->short_of, pids, count, with);
	assert_int_equal(families, stopped(b->keeps, pids, count, without));
	assert_memory_equal(with, without, families * sizeof(*with));
	for (size_t i = 0; i + 1 < count; i++) {
		const uint32_t x = bw_actors_find(b->short_of, pids[i], UINT64_MAX);
		const uint32_t y = bw_actors_find(b->short_of, pids[i + 1], UINT64_MAX);

		assert_int_equal(bw_actors_descends(b->short_of, y, x),
				 bw_actors_descends(b->keeps, bw_actors_find(b->keeps, pids[i + 1], UINT64_MAX),
						    bw_actors_find(b->keeps, pids[i], UINT64_MAX)));
		assert_int_equal(actor_of(b->short_of, pids[i]) == actor_of(b->short_of, pids[i + 1]),
				 actor_of(b->keeps, pids[i]) == actor_of(b->keeps, pids[i + 1]));
	}
}

static void live_on(struct both *b)
{
	for (unsigned step = 0; step < STEPS / FLUSHES; step++) {
		const uint32_t what = pick(100);

		if (what < 40)
			be_born(b);
		else if (what < 60)
			change(b);
		else if (what < 90)
			go(b);
		else
			destroy(b);
	}
}

static void begin_story(struct both *b, struct bw_actors *short_of, struct bw_actors *keeps, uint32_t shell)
{
	*b = (struct both){ .short_of = short_of, .keeps = keeps, .shell = shell };
	tell_both(b, fork_of(shell, DAEMON, shell, shell, USER), 0);
	b->people[b->count++] = (struct person){ .group = shell, .session = shell, .alive = true };
}

static void who_is_stopped_with_whom_is_the_same_when_those_that_ended_are_let_go(void **state)
{
	static struct both stories[STORIES];

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct bw_actors *short_of = new_actors();
		struct bw_actors *keeps = new_actors();

		srand(round + 1);
		begin(short_of);
		begin(keeps);
		for (uint32_t i = 0; i < STORIES; i++)
			begin_story(&stories[i], short_of, keeps, OTHER + 1 + i);
		for (unsigned part = 0; part < FLUSHES; part++) {
			for (uint32_t i = 0; i < STORIES; i++)
				live_on(&stories[i]);
			flush(short_of);
			for (uint32_t i = 0; i < STORIES * VERDICTS; i++)
				compare_verdicts(&stories[i % STORIES]);
		}
		bw_actors_free(short_of);
		bw_actors_free(keeps);
	}
}

static void workers_are_not_one_program_with_who_began_them_by_way_of_another(void **state)
{
	struct bw_actors *actors = new_actors();
	uint32_t process;
	uint32_t root;

	(void)state;
	begin(actors);
	hear(actors, fork_of(FIRST, SHELL, FIRST, SHELL, USER), "crypt");
	hear(actors, fork_of(FIRST + 1, FIRST, FIRST, SHELL, USER), "crypt");
	hear(actors, fork_of(FIRST + 2, FIRST + 1, FIRST, SHELL, USER), "tar");
	hear(actors, fork_of(FIRST + 3, FIRST + 2, FIRST, SHELL, USER), "crypt");
	hear(actors, fork_of(FIRST + 4, FIRST + 3, FIRST, SHELL, USER), "crypt");
	for (uint32_t pid = FIRST + 3; pid > FIRST; pid--) {
		end(actors, pid);
		flush(actors);
	}
	process = bw_actors_find(actors, FIRST + 4, UINT64_MAX);
	assert_int_equal(bw_actors_roots(actors, &process, 1, &root, 1), 1);
	assert_int_equal(root, process);
	assert_true(bw_actors_descends(actors, process, bw_actors_find(actors, FIRST, UINT64_MAX)));
	bw_actors_free(actors);
}

/* ---- who holds much -------------------------------------------------------------------------------------- */

static void a_line_of_processes_that_each_begin_the_next_takes_no_room_from_others(void **state)
{
	struct bw_actors *actors = new_actors();
	uint32_t last = SHELL;

	(void)state;
	begin(actors);
	for (uint32_t pid = FIRST; pid < FIRST + 3 * BW_ACTOR_NODES_MAX; pid++) {
		hear(actors, fork_of(pid, last, pid, pid, USER), "chain");
		if (last != SHELL)
			end(actors, last);
		last = pid;
	}
	hear(actors, fork_of(MANY, OTHER, MANY, OTHER, OTHER_USER), "crypt");
	assert_int_not_equal(actor_of(actors, MANY), 0);
	assert_int_equal(actor_of(actors, MANY), actor_of(actors, OTHER));
	assert_int_equal(actor_of(actors, last), actor_of(actors, SHELL));
	assert_true(bw_actors_descends(actors, bw_actors_find(actors, last, UINT64_MAX),
				       bw_actors_find(actors, SHELL, UINT64_MAX)));
	bw_actors_free(actors);
}

static void who_has_more_living_processes_than_there_is_room_for_makes_nobody_else_unknown(void **state)
{
	struct bw_actors *actors = new_actors();
	uint32_t mine;

	(void)state;
	begin(actors);
	mine = actor_of(actors, SHELL);
	bw_actors_hold(actors, mine);
	hear(actors, fork_of(300, OTHER, 300, OTHER, OTHER_USER), "editor");
	for (uint32_t pid = FIRST; pid < FIRST + BW_ACTOR_NODES_MAX + TALL; pid++)
		hear(actors, fork_of(pid, pid % 2 == 0 ? SHELL : pid - 1, pid, pid, USER), "sleeper");
	hear(actors, fork_of(MANY, OTHER, MANY, OTHER, OTHER_USER), "crypt");
	assert_int_equal(actor_of(actors, MANY), actor_of(actors, OTHER));
	assert_true(bw_actors_descends(actors, bw_actors_find(actors, 300, UINT64_MAX),
				       bw_actors_find(actors, OTHER, UINT64_MAX)));
	/* and each of his own is still his: also who lost his place, and whom such a one bears */
	for (uint32_t pid = FIRST; pid < FIRST + BW_ACTOR_NODES_MAX; pid += 1000)
		assert_int_equal(actor_of(actors, pid), mine);
	hear(actors, fork_of(MANY + 1, FIRST, MANY + 1, SHELL, USER), "crypt");
	assert_int_equal(actor_of(actors, MANY + 1), mine);
	for (uint32_t pid = FIRST; pid < FIRST + BW_ACTOR_NODES_MAX + TALL; pid++)
		end(actors, pid);
	hear(actors, fork_of(FIRST, OTHER, OTHER, OTHER, OTHER_USER), "editor"); /* his number is another's now */
	assert_int_equal(actor_of(actors, FIRST), actor_of(actors, OTHER));
	bw_actors_let(actors, mine);
	bw_actors_free(actors);
}

static void who_begins_more_units_than_there_are_actors_makes_nobody_else_unknown(void **state)
{
	struct bw_actors *actors = new_actors();
	const uint32_t count = BW_ACTORS_MAX + 500;

	(void)state;
	begin(actors);
	for (uint32_t i = 0; i < count; i++) {
		struct bw_process_event event = fork_of(FIRST + i, DAEMON, FIRST + i, FIRST + i, USER);

		event.cgroup = MANY + i;
		hear(actors, event, "sleeper");
	}
	hear(actors, fork_of(MANY, DAEMON, MANY, MANY, OTHER_USER), "crypt");
	assert_int_not_equal(actor_of(actors, MANY), 0);
	assert_int_not_equal(actor_of(actors, MANY), actor_of(actors, FIRST));
	assert_int_not_equal(actor_of(actors, MANY), actor_of(actors, OTHER));
	for (uint32_t i = 0; i < count; i++) { /* all his own have one, the first of them the same */
		assert_int_not_equal(actor_of(actors, FIRST + i), 0);
		assert_true(i > BW_ACTORS_MAX - 500 || actor_of(actors, FIRST + i) == actor_of(actors, SHELL));
	}
	for (uint32_t i = 0; i < count; i++)
		end(actors, FIRST + i);
	flush(actors);
	flush(actors);
	assert_true(bw_actors_count(actors) <= BW_ACTORS_MAX);
	hear(actors, fork_of(MANY + TALL, DAEMON, MANY + TALL, MANY + TALL, OTHER_USER), "crypt");
	assert_int_not_equal(actor_of(actors, MANY + TALL), 0);
	bw_actors_free(actors);
}

static void of_a_long_line_of_living_processes_who_began_it_is_stopped_too(void **state)
{
	static struct bw_actor_target targets[TALL + 1];
	struct bw_actors *actors = new_actors();
	uint32_t processes[2];
	uint32_t roots[ROOTS];
	uint32_t group;

	(void)state;
	begin(actors);
	for (uint32_t pid = FIRST; pid < FIRST + TALL; pid++) /* each in a session of its own, by another name */
		hear(actors, fork_of(pid, pid == FIRST ? SHELL : pid - 1, pid, pid, USER), names[pid % 3]);
	processes[0] = bw_actors_find(actors, FIRST, UINT64_MAX);
	processes[1] = bw_actors_find(actors, FIRST + TALL - 1, UINT64_MAX);
	assert_int_equal(bw_actors_roots(actors, processes, 2, roots, ROOTS), 1);
	assert_int_equal(roots[0], processes[0]);
	assert_true(bw_actors_descends(actors, processes[1], processes[0]));
	assert_int_equal(bw_actors_gather(actors, roots, 1, targets, BW_COUNT(targets), &group), TALL);
	bw_actors_free(actors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_stopped_with_whom_is_the_same_when_those_that_ended_are_let_go),
		cmocka_unit_test(workers_are_not_one_program_with_who_began_them_by_way_of_another),
		cmocka_unit_test(a_line_of_processes_that_each_begin_the_next_takes_no_room_from_others),
		cmocka_unit_test(who_has_more_living_processes_than_there_is_room_for_makes_nobody_else_unknown),
		cmocka_unit_test(who_begins_more_units_than_there_are_actors_makes_nobody_else_unknown),
		cmocka_unit_test(of_a_long_line_of_living_processes_who_began_it_is_stopped_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
