#include "guard/trace.h"

#include <stdio.h>

#include "base/test.h"

enum { GUARD = 50, DAEMON = 60, ATTACKER = 100, NEIGHBOUR = 200, INCIDENT = 9 };

struct fixture {
	struct bw_actors *actors;
	struct bw_trace *trace;
};

static void born(struct fixture *f, uint32_t pid, uint32_t parent, const char *comm)
{
	struct bw_process_event event = { .time_ns = 1,
					  .start_ns = pid,
					  .pid = pid,
					  .parent = parent,
					  .group = pid,
					  .session = pid,
					  .act = BW_PROCESS_FORK };

	(void)snprintf(event.comm, sizeof(event.comm), "%s", comm);
	(void)bw_actors_hear(f->actors, &event);
}

static int setup(void **state)
{
	static struct fixture f;

	assert_ok(bw_actors_new(GUARD, &f.actors));
	assert_ok(bw_trace_new(f.actors, &f.trace));
	born(&f, 1, 0, "systemd");
	born(&f, DAEMON, 1, "cron");
	born(&f, ATTACKER, DAEMON, "crypt");
	born(&f, NEIGHBOUR, DAEMON, "office");
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	bw_trace_free(f->trace);
	bw_actors_free(f->actors);
	return 0;
}

static uint64_t act(struct fixture *f, uint32_t pid, enum bw_act what, uint64_t ino, uint64_t version, uint64_t second)
{
	struct bw_event_view view = {
		.event = { .time_ns = second * UINT64_C(1000000000),
			   .wall_us = (int64_t)second * 1000000,
			   .pid = pid,
			   .act = (uint8_t)what,
			   .was_known = version != 0,
			   .file = { .ino = ino },
			   .folder = { .ino = 2 } },
	};

	view.event.known.version = version;
	return bw_trace_event(f->trace, &view, false);
}

static void condemn(struct fixture *f, uint32_t pid)
{
	bw_actors_condemn(f->actors, bw_actors_find(f->actors, pid, 1), INCIDENT);
}

static void what_the_condemned_did_near_a_proof_is_told_once_and_nobody_elses(void **state)
{
	struct fixture *f = *state;
	struct bw_traced out[8];

	assert_int_equal(act(f, ATTACKER, BW_ACT_CLOSED, 10, 0, 1000), 0);
	assert_int_equal(act(f, ATTACKER, BW_ACT_REMOVED, 11, 5, 1001), 0);
	assert_int_equal(act(f, ATTACKER, BW_ACT_CLOSED, 12, 6, 500), 0); /* long before */
	assert_int_equal(act(f, NEIGHBOUR, BW_ACT_CLOSED, 13, 0, 1001), 0);
	condemn(f, ATTACKER);
	assert_int_equal(bw_trace_take(f->trace, INCIDENT, UINT64_C(1002000000000), out, BW_COUNT(out)), 2);
	assert_int_equal(bw_trace_take(f->trace, INCIDENT, UINT64_C(1002000000000), out, BW_COUNT(out)), 0);
	assert_int_equal(act(f, ATTACKER, BW_ACT_CLOSED, 14, 7, 1003), INCIDENT);
	assert_int_equal(bw_trace_take(f->trace, INCIDENT, UINT64_C(1003000000000), out, BW_COUNT(out)), 1);
	assert_int_equal(out[0].file.ino, 14);
	assert_int_equal(out[0].version, 7);
	assert_int_equal(out[0].what, BW_TRACED_WRITTEN);
}

static void a_new_file_stays_new_though_the_index_learns_of_it(void **state)
{
	struct fixture *f = *state;
	struct bw_traced out[8];

	(void)act(f, ATTACKER, BW_ACT_CLOSED, 10, 0, 1000);
	(void)act(f, ATTACKER, BW_ACT_CLOSED, 10, 44, 1001);
	condemn(f, ATTACKER);
	assert_int_equal(bw_trace_take(f->trace, INCIDENT, UINT64_C(1002000000000), out, BW_COUNT(out)), 1);
	assert_int_equal(out[0].what, BW_TRACED_MADE);
	assert_int_equal(out[0].version, 0);
	assert_int_equal(out[0].first_us, 1000000000);
	assert_int_equal(out[0].last_us, 1001000000);
}

static void a_new_file_that_was_good_is_work_which_its_sessions_attacker_found(void **state)
{
	struct fixture *f = *state;
	struct bw_event_view view = { .event = { .time_ns = UINT64_C(1001000000000),
						 .wall_us = 1001000000,
						 .pid = ATTACKER,
						 .act = BW_ACT_CLOSED,
						 .was_known = 1,
						 .file = { .ino = 10 },
						 .folder = { .ino = 2 } } };
	struct bw_traced out[8];

	(void)act(f, ATTACKER, BW_ACT_CLOSED, 10, 0, 1000);
	view.event.known.version = 44;
	view.event.known.content = (struct bw_content){
		.size_low = 4000, .format = BW_FORMAT_ASCII, .grade = BW_GRADE_FRAMED, .windows = 1
	};
	(void)bw_trace_event(f->trace, &view, false);
	condemn(f, ATTACKER);
	assert_int_equal(bw_trace_take(f->trace, INCIDENT, UINT64_C(1002000000000), out, BW_COUNT(out)), 1);
	assert_int_equal(out[0].what, BW_TRACED_WRITTEN);
	assert_int_equal(out[0].version, 44);
	assert_int_equal(out[0].first_us, 1001000000);
}

static void a_new_file_that_was_kept_before_its_first_write_was_told_is_its_makers(void **state)
{
	const struct bw_content text = {
		.size_low = 59, .format = BW_FORMAT_ASCII, .grade = BW_GRADE_FRAMED, .windows = 1
	};
	struct fixture *f = *state;
	struct bw_event_view view = { .event = { .time_ns = UINT64_C(1001000000000),
						 .wall_us = 1001000000,
						 .pid = DAEMON + 2,
						 .act = BW_ACT_ATTRIBUTES,
						 .file = { .ino = 10 },
						 .folder = { .ino = 2 } } };
	struct bw_traced out[8];

	born(f, DAEMON + 1, 1, "smbd");
	born(f, DAEMON + 2, DAEMON + 1, "smbd");
	(void)bw_trace_event(f->trace, &view, false);
	view.event.was_known = 1;
	for (unsigned i = 0; i < 2; i++) { /* kept empty, and with its last byte */
		view.event.act = i == 0 ? BW_ACT_CHANGED : BW_ACT_CLOSED;
		view.event.known.version = 44 + i;
		view.event.known.content = i == 0 ? view.event.known.content : text;
		(void)bw_trace_event(f->trace, &view, true);
	}
	view.event.file.ino = 11; /* a known one: its attributes are no deed */
	view.event.act = BW_ACT_ATTRIBUTES;
	(void)bw_trace_event(f->trace, &view, false);
	condemn(f, DAEMON + 2);
	assert_int_equal(bw_trace_take(f->trace, INCIDENT, UINT64_C(1002000000000), out, BW_COUNT(out)), 1);
	assert_int_equal(out[0].what, BW_TRACED_MADE);
	assert_int_equal(out[0].version, 0);
}

static void what_a_process_made_that_is_not_condemned_was_there_before(void **state)
{
	struct fixture *f = *state;
	struct bw_traced out[8];

	born(f, ATTACKER + 1, ATTACKER, "crypt"); /* one actor with its parent */
	assert_int_equal(bw_actors_of(f->actors, bw_actors_find(f->actors, ATTACKER, 1)),
			 bw_actors_of(f->actors, bw_actors_find(f->actors, ATTACKER + 1, 1)));
	(void)act(f, ATTACKER, BW_ACT_CLOSED, 10, 0, 1000);
	(void)act(f, ATTACKER + 1, BW_ACT_CLOSED, 10, 44, 1001);
	(void)act(f, ATTACKER, BW_ACT_CLOSED, 11, 0, 1000);
	(void)act(f, ATTACKER + 1, BW_ACT_REMOVED, 11, 45, 1001);
	condemn(f, ATTACKER + 1);
	assert_int_equal(bw_trace_take(f->trace, INCIDENT, UINT64_C(1002000000000), out, BW_COUNT(out)), 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(out[i].what, out[i].file.ino == 10 ? BW_TRACED_WRITTEN : BW_TRACED_REMOVED);
		assert_int_equal(out[i].version, out[i].file.ino == 10 ? 44 : 45);
		assert_int_equal(out[i].first_us, 1001000000);
	}
}

static void what_a_client_left_good_is_work_and_what_a_program_left_good_is_its_attack(void **state)
{
	struct fixture *f = *state;
	struct bw_event_view view = { .event = { .time_ns = UINT64_C(1001000000000),
						 .wall_us = 1001000000,
						 .act = BW_ACT_CLOSED,
						 .was_known = 1,
						 .file = { .ino = 10 },
						 .folder = { .ino = 2 } } };
	struct bw_traced out[8];

	born(f, DAEMON + 1, 1, "smbd");
	born(f, DAEMON + 2, DAEMON + 1, "smbd");
	view.event.known.version = 44;
	for (unsigned i = 0; i < 2; i++) {
		view.event.pid = i == 0 ? DAEMON + 2 : ATTACKER;
		(void)bw_trace_event(f->trace, &view, true);
		condemn(f, view.event.pid);
		assert_int_equal(bw_trace_take(f->trace, INCIDENT, UINT64_C(1002000000000), out, BW_COUNT(out)), i);
	}
}

static void more_files_than_fit_push_out_the_oldest_of_the_same_actor(void **state)
{
	struct fixture *f = *state;
	struct bw_traced out[2 * BW_TRACE_ACTS_MAX];
	size_t count;

	(void)act(f, NEIGHBOUR, BW_ACT_CLOSED, 1, 0, 1000);
	for (unsigned i = 0; i < 4 * BW_TRACE_ACTS_MAX; i++)
		(void)act(f, ATTACKER, BW_ACT_CLOSED, 100 + i, 0, 1000);
	condemn(f, ATTACKER);
	count = bw_trace_take(f->trace, INCIDENT, UINT64_C(1001000000000), out, BW_COUNT(out));
	assert_true(count > BW_TRACE_ACTS_MAX / 2 && count <= BW_TRACE_ACTS_MAX);
	condemn(f, NEIGHBOUR);
	assert_int_equal(bw_trace_take(f->trace, INCIDENT, UINT64_C(1001000000000), out, BW_COUNT(out)), 1);
}

static void move_folder(struct fixture *f, const char *name, const char *name_to, uint64_t to, uint64_t second)
{
	struct bw_event_view view = { .event = { .time_ns = second * UINT64_C(1000000000),
						 .wall_us = (int64_t)second * 1000000,
						 .pid = ATTACKER,
						 .act = BW_ACT_FOLDER,
						 .file = { .ino = 20 },
						 .folder = { .ino = 2 },
						 .folder_to = { .ino = to } },
				      .name = bw_slice_text(name),
				      .name_to = bw_slice_text(name_to) };

	(void)bw_trace_event(f->trace, &view, false);
}

static void a_renamed_folder_is_told_with_its_first_name_and_its_last_each_time(void **state)
{
	struct fixture *f = *state;
	struct bw_traced out[8];

	move_folder(f, "marks", "marks.locked", 2, 1000);
	condemn(f, ATTACKER);
	assert_int_equal(bw_trace_take(f->trace, INCIDENT, UINT64_C(1001000000000), out, BW_COUNT(out)), 1);
	assert_int_equal(out[0].what, BW_TRACED_FOLDER | BW_TRACED_MOVED);
	assert_true(bw_slice_is(out[0].name, "marks"));
	assert_true(bw_slice_is(out[0].name_to, "marks.locked"));
	move_folder(f, "marks.locked", "x", 3, 1000);
	assert_int_equal(bw_trace_take(f->trace, INCIDENT, UINT64_C(1000000000000), out, BW_COUNT(out)), 1);
	assert_true(bw_slice_is(out[0].name, "marks"));
	assert_true(bw_slice_is(out[0].name_to, "x"));
	assert_int_equal(out[0].folder.ino, 2);
	assert_int_equal(out[0].folder_to.ino, 3);
}

static enum bw_err count_them(void *context, const struct bw_traced *traced)
{
	size_t *count = context;

	assert_int_equal(traced->file.ino, *count + 1);
	(*count)++;
	return BW_OK;
}

static void what_is_written_down_reads_back_and_every_prefix_is_refused(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_MIB);
	const struct bw_traced list[] = {
		{ .what = BW_TRACED_MADE, .first_us = 1, .last_us = -2, .file = { .ino = 1 } },
		{ .what = BW_TRACED_FOLDER | BW_TRACED_REMOVED,
		  .version = 7,
		  .file = { .ino = 2, .gen = 3, .volume = 1 } },
		{ .what = BW_TRACED_FOLDER | BW_TRACED_MOVED,
		  .file = { .ino = 3 },
		  .name = BW_LIT("before"),
		  .name_to = BW_LIT("a longer name after") },
	};
	size_t count = 0;

	(void)state;
	assert_ok(bw_traced_write(list, BW_COUNT(list), &bytes));
	assert_ok(bw_traced_parse(bw_buf_slice(&bytes), count_them, &count));
	assert_int_equal(count, 3);
	for (size_t n = 0; n < bytes.len; n++) {
		count = 0;
		assert_int_not_equal(bw_traced_parse(bw_slice_of(bytes.ptr, n), count_them, &count), BW_OK);
	}
}

static enum bw_err see_nameless(void *context, const struct bw_traced *traced)
{
	assert_int_equal(traced->name.len + traced->name_to.len, 0);
	return count_them(context, traced);
}

static void what_a_guard_before_wrote_without_names_is_read(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_MIB);
	const struct bw_traced list[] = { { .what = BW_TRACED_MADE, .file = { .ino = 1 } } };
	size_t count = 0;

	(void)state;
	assert_ok(bw_traced_write(list, BW_COUNT(list), &bytes));
	bytes.ptr[4] = 1;
	assert_ok(bw_traced_parse(bw_slice_sub(bw_buf_slice(&bytes), 0, bytes.len - 2), see_nameless, &count));
	assert_int_equal(count, 1);
	count = 0;
	assert_int_equal(bw_traced_parse(bw_buf_slice(&bytes), see_nameless, &count), BW_ERR_RANGE);
}

static void a_name_that_is_a_path_is_refused(void **state)
{
	static const char *const names[] = { "..", ".", "a/b" };
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(names); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_MIB);
		const struct bw_traced traced = { .what = BW_TRACED_FOLDER, .name = bw_slice_text(names[i]) };

		assert_ok(bw_traced_write(&traced, 1, &bytes));
		assert_int_equal(bw_traced_parse(bw_buf_slice(&bytes), count_them, &count), BW_ERR_RANGE);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_the_condemned_did_near_a_proof_is_told_once_and_nobody_elses),
		TEST(a_new_file_stays_new_though_the_index_learns_of_it),
		TEST(a_new_file_that_was_good_is_work_which_its_sessions_attacker_found),
		TEST(a_new_file_that_was_kept_before_its_first_write_was_told_is_its_makers),
		TEST(what_a_process_made_that_is_not_condemned_was_there_before),
		TEST(what_a_client_left_good_is_work_and_what_a_program_left_good_is_its_attack),
		TEST(a_renamed_folder_is_told_with_its_first_name_and_its_last_each_time),
		cmocka_unit_test(what_a_guard_before_wrote_without_names_is_read),
		cmocka_unit_test(a_name_that_is_a_path_is_refused),
		TEST(more_files_than_fit_push_out_the_oldest_of_the_same_actor),
		cmocka_unit_test(what_is_written_down_reads_back_and_every_prefix_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
