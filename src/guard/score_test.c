#include <stdio.h>

#include "base/test.h"
#include "bench/content_patterns.h"
#include "bench/score_stage.h"

enum { WRITER = 2000, FILE_BYTES = 20000 };

static const char *const makers[] = { "prose", "jpeg", "pdf", "docx", "csv" };

/* Destroys known files one after the other until told so. How many it took. */
static unsigned destroy(struct stage *stage, const uint32_t *pids, size_t pid_count, const char *shape, uint64_t pace_s)
{
	for (unsigned n = 1; n <= 40; n++) {
		char name[32];
		struct stage_file file;
		struct bw_buf bad;

		(void)snprintf(name, sizeof(name), "file-%u.dat", n);
		file = stage_file(stage, makers[n % BW_COUNT(makers)], FILE_BYTES, name);
		bad = stage_shaped(&file, shape);
		stage_write(stage, pids[n % pid_count], BW_ACT_CLOSED, &file, bw_buf_slice(&bad));
		stage_file_release(&file);
		bw_buf_release(&bad);
		if (stage->worst.gravity == BW_GRAVITY_DESTROYED)
			return n;
		stage_wait(stage, pace_s);
	}
	return 0;
}

static bool is_target(const struct stage *stage, uint32_t pid)
{
	struct bw_actor_target targets[128];
	uint32_t roots[BW_SCORE_ROOTS_MAX];
	uint32_t group;
	const size_t root_count = bw_actors_roots(stage->actors, stage->outcome.processes, stage->outcome.count, roots,
						  BW_COUNT(roots));
	const size_t count = bw_actors_gather(stage->actors, roots, root_count, targets, BW_COUNT(targets), &group);

	for (size_t i = 0; i < count; i++) {
		if (targets[i].pid == pid)
			return true;
	}
	return false;
}

static void condemn(struct stage *stage, uint64_t incident)
{
	uint32_t roots[BW_SCORE_ROOTS_MAX];
	const size_t count = bw_actors_roots(stage->actors, stage->outcome.processes, stage->outcome.count, roots,
					     BW_COUNT(roots));

	for (size_t i = 0; i < count; i++)
		bw_actors_condemn(stage->actors, roots[i], incident);
}

/* ---- shapes of actors ---------------------------------------------------------------------------------- */

static void one_process_is_told_within_three_files(void **state)
{
	static const char *const shapes[] = { "S01", "S05", "S08", "S09", "S10", "S43a", "S44", "S47a", "S28c" };
	const uint32_t pid = WRITER;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(shapes); i++) {
		struct stage stage;
		unsigned files;

		stage_open(&stage);
		stage_fork(&stage, STAGE_HARNESS, pid, "tool");
		files = destroy(&stage, &pid, 1, shapes[i], 0);
		if (files < 2 || files > 4)
			print_error("%s took %u files\n", shapes[i], files);
		assert_in_range(files, 2, 4);
		assert_true(is_target(&stage, pid));
		assert_false(is_target(&stage, STAGE_HARNESS));
		assert_false(is_target(&stage, STAGE_GUARD));
		stage_close(&stage);
	}
}

static void workers_of_one_program_are_one_actor(void **state)
{
	static const unsigned crowds[] = { 18, 64 };

	(void)state;
	for (size_t k = 0; k < BW_COUNT(crowds); k++) {
		struct stage stage;
		uint32_t pids[64];

		stage_open(&stage);
		stage_fork(&stage, STAGE_HARNESS, WRITER, "tool");
		stage_fork(&stage, STAGE_HARNESS, 1500, "cp");
		for (uint32_t i = 0; i < crowds[k]; i++) {
			pids[i] = WRITER + 1 + i;
			stage_fork(&stage, WRITER, pids[i], "tool");
		}
		assert_in_range(destroy(&stage, pids, crowds[k], "S01", 0), 2, 4);
		for (size_t i = 0; i < crowds[k]; i++)
			assert_true(is_target(&stage, pids[i]));
		assert_true(is_target(&stage, WRITER));
		assert_false(is_target(&stage, 1500));
		condemn(&stage, 77);
		assert_int_equal(stage_fork(&stage, WRITER, 3000, "tool"), 77);
		assert_int_equal(stage_fork(&stage, STAGE_HARNESS, 3001, "tool"), 0);
		stage_close(&stage);
	}
}

static void a_process_for_each_file_adds_up(void **state)
{
	struct stage stage;
	struct bw_buf bad;

	(void)state;
	stage_open(&stage);
	stage_fork(&stage, STAGE_HARNESS, WRITER, "sh");
	for (uint32_t n = 0; n < 4 && stage.worst.gravity < BW_GRAVITY_DESTROYED; n++) {
		struct stage_file file = stage_file(&stage, "prose", FILE_BYTES, "a.txt");

		bad = stage_shaped(&file, "S01");
		stage_fork(&stage, WRITER, WRITER + 1 + n, "tool");
		stage_exit(&stage, WRITER + 1 + n); /* its end may be heard before its act */
		stage_write(&stage, WRITER + 1 + n, BW_ACT_CLOSED, &file, bw_buf_slice(&bad));
		bw_buf_release(&bad);
		stage_file_release(&file);
	}
	assert_int_equal(stage.worst.gravity, BW_GRAVITY_DESTROYED);
	assert_true(is_target(&stage, WRITER));
	stage_close(&stage);
}

static void setsid_and_double_fork_do_not_escape(void **state)
{
	const uint32_t pids[] = { 2010, 2020, 2030 };
	struct bw_process_event own = { .uid = 1000, .cgroup = 7, .comm = "tool" };
	struct stage stage;

	(void)state;
	stage_open(&stage);
	stage_fork(&stage, STAGE_HARNESS, WRITER, "tool");
	for (size_t i = 0; i < BW_COUNT(pids); i++) {
		stage_fork(&stage, WRITER, pids[i] - 1, "tool"); /* the middle one, which ends */
		own.pid = pids[i];
		own.parent = pids[i] - 1;
		own.session = pids[i];
		own.group = pids[i];
		own.uid = 1000 + (uint32_t)i; /* and another user each */
		stage_fork_as(&stage, &own);
		stage_exit(&stage, pids[i] - 1);
	}
	stage_exit(&stage, WRITER);
	assert_in_range(destroy(&stage, pids, BW_COUNT(pids), "S01", 0), 2, 4);
	for (size_t i = 0; i < BW_COUNT(pids); i++)
		assert_true(is_target(&stage, pids[i]));
	stage_close(&stage);
}

static void reader_writer_and_deleter_are_one(void **state)
{
	struct stage stage;

	(void)state;
	stage_open(&stage);
	stage_fork(&stage, STAGE_HARNESS, WRITER, "tool");
	stage_fork(&stage, WRITER, 2001, "writer");
	stage_fork(&stage, WRITER, 2002, "deleter");
	for (unsigned n = 0; n < 5 && stage.worst.gravity < BW_GRAVITY_DESTROYED; n++) {
		struct stage_file file = stage_file(&stage, makers[n], FILE_BYTES, "letter.doc");
		struct bw_buf bad = stage_shaped(&file, "S01");

		(void)stage_new(&stage, 2001, &file.folder, "letter.doc.locked", bw_buf_slice(&bad));
		stage_remove(&stage, 2002, &file);
		bw_buf_release(&bad);
		stage_file_release(&file);
	}
	assert_int_equal(stage.worst.gravity, BW_GRAVITY_DESTROYED);
	assert_true(is_target(&stage, 2002));
	stage_close(&stage);
}

static void one_file_in_ten_minutes_is_told_by_the_fifteenth(void **state)
{
	const uint32_t pid = WRITER;
	struct stage stage;

	(void)state;
	stage_open(&stage);
	stage_fork(&stage, STAGE_HARNESS, pid, "tool");
	assert_in_range(destroy(&stage, &pid, 1, "S08", 600), 2, 15);
	stage_close(&stage);
}

static void one_file_in_six_hours_is_told_by_the_fifteenth(void **state)
{
	const uint32_t pid = WRITER;
	struct stage stage;

	(void)state;
	stage_open(&stage);
	stage_fork(&stage, STAGE_HARNESS, pid, "tool");
	assert_in_range(destroy(&stage, &pid, 1, "S01", 6 * 60 * 60), 2, 15);
	stage_close(&stage);
}

static void actors_that_share_nothing_are_told_by_the_tree(void **state)
{
	struct stage stage;
	uint32_t pids[40];

	(void)state;
	stage_open(&stage);
	for (uint32_t i = 0; i < BW_COUNT(pids); i++) {
		pids[i] = WRITER + i;
		stage_fork(&stage, 1, pids[i], "job");
		stage_exec(&stage, pids[i], "job");
	}
	assert_in_range(destroy(&stage, pids, BW_COUNT(pids), "S01", 0), 3, 8);
	assert_int_equal(stage.outcome.scope, BW_SCOPE_FOLDER);
	stage_close(&stage);
}

/* A descriptor that was passed on, a mapping: the close is told of another, or of the kernel. */
static void who_wrote_is_told_and_not_who_closed(void **state)
{
	static const uint32_t closers[] = { 3000, 0, STAGE_HARNESS };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(closers); i++) {
		const uint32_t closer = closers[i];
		struct stage stage;

		stage_open(&stage);
		stage_fork(&stage, STAGE_HARNESS, WRITER, "tool");
		stage_fork(&stage, STAGE_HARNESS, 3000, "editor");
		stage.writer = WRITER;
		assert_in_range(destroy(&stage, &closer, 1, "S01", 0), 2, 4);
		assert_int_equal(stage.outcome.scope, BW_SCOPE_ACTOR);
		assert_true(is_target(&stage, WRITER));
		assert_false(is_target(&stage, 3000));
		stage_close(&stage);
	}
}

static void nfs_clients_are_told_by_the_tree_and_nobody_is_named(void **state)
{
	const uint32_t pid = 0;
	struct stage stage;

	(void)state;
	stage_open(&stage);
	assert_in_range(destroy(&stage, &pid, 1, "S01", 0), 2, 4);
	assert_int_equal(stage.outcome.scope, BW_SCOPE_KERNEL);
	assert_int_equal(stage.outcome.actor, 0);
	stage_close(&stage);
}

/* ---- smb ------------------------------------------------------------------------------------------------- */

static void start_smbd(struct stage *stage, uint32_t sessions)
{
	struct bw_process_event smbd = {
		.pid = 1000, .parent = 1, .session = 1000, .group = 1000, .cgroup = 7, .comm = "smbd"
	};

	stage_fork_as(stage, &smbd);
	for (uint32_t i = 0; i < sessions; i++) {
		smbd.pid = 1001 + i;
		smbd.parent = 1000;
		stage_fork_as(stage, &smbd);
	}
}

static void an_smb_session_is_an_actor_and_the_listener_is_not(void **state)
{
	const uint32_t pid = 1001;
	struct stage stage;

	(void)state;
	stage_open(&stage);
	start_smbd(&stage, 3);
	assert_in_range(destroy(&stage, &pid, 1, "S01", 0), 2, 4);
	assert_true(is_target(&stage, 1001));
	assert_false(is_target(&stage, 1000));
	assert_false(is_target(&stage, 1002));
	stage_close(&stage);
}

static uint32_t name(struct stage *stage, uint32_t pid, const char *address, const char *user)
{
	const struct bw_actor_client client = { .pid = pid,
						.address = bw_slice_text(address),
						.user = bw_slice_text(user) };
	bool is_news;

	return bw_actors_name(stage->actors, &client, &is_news);
}

static void about(struct stage *stage, uint32_t process, struct bw_actor *out)
{
	bw_actors_about(stage->actors, bw_actors_of(stage->actors, process), out);
}

static void sessions_of_one_address_are_joined_before_anybody_is_named(void **state)
{
	struct stage stage;
	struct bw_actor actor;
	uint32_t pids[16];

	(void)state;
	stage_open(&stage);
	start_smbd(&stage, 17);
	for (uint32_t i = 0; i < BW_COUNT(pids); i++) {
		pids[i] = 1001 + i;
		assert_int_not_equal(name(&stage, pids[i], "10.0.0.9", ""), 0);
	}
	assert_int_not_equal(name(&stage, 1017, "10.0.0.8", ""), 0);
	assert_in_range(destroy(&stage, pids, BW_COUNT(pids), "S01", 0), 2, 4);
	assert_int_equal(stage.outcome.scope, BW_SCOPE_ACTOR);
	for (size_t i = 0; i < BW_COUNT(pids); i++)
		assert_true(is_target(&stage, pids[i]));
	assert_false(is_target(&stage, 1017));
	about(&stage, name(&stage, 1001, "10.0.0.9", "eve"), &actor);
	assert_string_equal(actor.user, "eve");
	assert_string_equal(actor.address, "10.0.0.9");
	stage_close(&stage);
}

static void a_child_that_has_ended_is_named_by_its_connection(void **state)
{
	const struct bw_process_event gone = { .pid = 1001, .act = BW_PROCESS_EXIT };
	struct bw_actor_client late = {
		.pid = 1001, .port = 4711, .address = BW_LIT("10.0.0.9"), .user = BW_LIT("eve")
	};
	struct bw_actor_client first = { .pid = 1001, .port = 4711, .address = BW_LIT("10.0.0.9") };
	struct stage stage;
	struct bw_actor actor;
	bool is_news;

	(void)state;
	stage_open(&stage);
	start_smbd(&stage, 2);
	assert_int_not_equal(bw_actors_name(stage.actors, &first, &is_news), 0);
	assert_true(is_news);
	assert_int_not_equal(bw_actors_name(stage.actors, &first, &is_news), 0);
	assert_false(is_news);
	(void)bw_actors_hear(stage.actors, &gone);
	late.port = 4712; /* an older session of the same number */
	assert_int_equal(bw_actors_name(stage.actors, &late, &is_news), 0);
	late.port = 4711;
	about(&stage, bw_actors_name(stage.actors, &late, &is_news), &actor);
	assert_true(is_news);
	assert_string_equal(actor.user, "eve");
	stage_close(&stage);
}

static void another_process_of_the_same_number_is_not_named(void **state)
{
	struct bw_actor_client client = { .pid = 1001, .start_ns = 77, .address = BW_LIT("10.0.0.9") };
	struct bw_process_event event;
	struct stage stage;
	bool is_news;

	(void)state;
	stage_open(&stage);
	start_smbd(&stage, 2);
	bw_actors_process(stage.actors, bw_actors_find(stage.actors, 1001, stage.now_ns), &event);
	client.start_ns = event.start_ns + 1;
	assert_int_equal(bw_actors_name(stage.actors, &client, &is_news), 0);
	client.start_ns = event.start_ns;
	assert_int_not_equal(bw_actors_name(stage.actors, &client, &is_news), 0);
	client.pid = 1000; /* the one that listens serves nobody */
	client.start_ns = 0;
	assert_int_equal(bw_actors_name(stage.actors, &client, &is_news), 0);
	stage_close(&stage);
}

static void users_of_a_terminal_server_are_all_named_and_users_of_this_machine_stay_apart(void **state)
{
	struct stage stage;
	struct bw_actor actor;

	(void)state;
	stage_open(&stage);
	start_smbd(&stage, 5);
	(void)name(&stage, 1001, "10.0.0.9", "eve");
	(void)name(&stage, 1001, "10.0.0.9", "bob");
	(void)name(&stage, 1001, "10.0.0.9", "bob");
	(void)name(&stage, 1002, "10.0.0.9", "");
	about(&stage, name(&stage, 1002, "10.0.0.9", "ann"), &actor);
	assert_string_equal(actor.user, "eve, bob, ann");
	(void)name(&stage, 1003, "127.0.0.1", "eve");
	(void)name(&stage, 1004, "127.0.0.1", "bob");
	about(&stage, name(&stage, 1005, "127.0.0.1", "bob"), &actor);
	assert_string_equal(actor.user, "bob");
	assert_int_equal(actor.pid, 1004);
	stage_close(&stage);
}

static void more_users_than_there_is_room_for_are_left_out_whole(void **state)
{
	struct stage stage;
	struct bw_actor actor;
	char user[40];

	(void)state;
	stage_open(&stage);
	start_smbd(&stage, 1);
	for (int i = 0; i < 20; i++) {
		(void)snprintf(user, sizeof(user), "somebody.with.a.long.name.%02d", i);
		(void)name(&stage, 1001, "10.0.0.9", user);
	}
	about(&stage, name(&stage, 1001, "10.0.0.9", "x"), &actor);
	assert_in_range(strlen(actor.user), 200, BW_ACTOR_USERS_BYTES - 1);
	assert_non_null(strstr(actor.user, "name.00, "));
	assert_string_equal(actor.user + strlen(actor.user) - 3, ", x");
	stage_close(&stage);
}

static void a_script_that_a_session_starts_is_the_session(void **state)
{
	const uint32_t pid = 1050;
	struct bw_process_event child = {
		.pid = 1050, .parent = 1001, .session = 1000, .group = 1000, .cgroup = 7, .comm = "smbd"
	};
	struct stage stage;

	(void)state;
	stage_open(&stage);
	start_smbd(&stage, 2);
	stage_fork_as(&stage, &child);
	stage_exec(&stage, pid, "sh");
	assert_int_equal(bw_actors_of(stage.actors, bw_actors_find(stage.actors, pid, stage.now_ns)),
			 bw_actors_of(stage.actors, bw_actors_find(stage.actors, 1001, stage.now_ns)));
	stage_close(&stage);
}

/* The ends of a packed file stay, and no window of its middle grew more random: only whole contents tell. */
static void the_middle_of_packed_files_is_told_at_the_second_look(void **state)
{
	struct bw_second_ask ask;
	struct stage stage;
	unsigned files = 0;

	(void)state;
	stage_open(&stage);
	stage_fork(&stage, STAGE_HARNESS, WRITER, "tool");
	for (unsigned n = 0; n < 4 && stage.worst.gravity < BW_GRAVITY_DESTROYED; n++) {
		struct stage_file file = stage_file(&stage, "gzip", 10 * FILE_BYTES, "minutes.gz");
		struct bw_buf bad = BW_BUF_INIT(SIZE_MAX / 2);
		struct bw_second_answer answer;
		struct bw_second_view view;

		assert_ok(bw_buf_add(&bad, bw_buf_slice(&file.bytes)));
		bw_shape_noise(n, bad.ptr + FILE_BYTES, bad.len - 2 * FILE_BYTES);
		stage_write(&stage, WRITER, BW_ACT_CLOSED, &file, bw_buf_slice(&bad));
		assert_false(stage.was_told);
		assert_true(bw_score_wish(stage.score, stage.now_ns, &ask));
		assert_true(bw_file_key_equals(&ask.now, &file.known.key));
		assert_int_equal(ask.version, file.known.version);
		view = (struct bw_second_view){ .token = ask.token,
						.versions = { bw_buf_slice(&file.bytes), bw_buf_slice(&bad),
							      file.bytes.len, bad.len } };
		bw_second_compare(&view, &answer);
		assert_true(bw_score_seen(stage.score, &answer, stage.now_ns, &stage.outcome));
		assert_false(bw_score_seen(stage.score, &answer, stage.now_ns, &stage.outcome));
		stage.worst = stage.outcome.verdict;
		files++;
		bw_buf_release(&bad);
		stage_file_release(&file);
	}
	assert_int_equal(stage.worst.gravity, BW_GRAVITY_DESTROYED);
	assert_in_range(files, 2, 3);
	assert_false(bw_score_wish(stage.score, stage.now_ns, &ask));
	stage_close(&stage);
}

static void a_newer_write_takes_the_place_of_a_question(void **state)
{
	struct bw_second_answer answer = { .count = 1 };
	struct bw_second_ask ask;
	struct stage stage;
	struct stage_file file;

	(void)state;
	stage_open(&stage);
	stage_fork(&stage, STAGE_HARNESS, WRITER, "tool");
	file = stage_file(&stage, "docx", 10 * FILE_BYTES, "minutes.docx");
	file.bytes.ptr[5 * FILE_BYTES] ^= 1;
	stage_write(&stage, WRITER, BW_ACT_CLOSED, &file, bw_buf_slice(&file.bytes));
	assert_true(bw_score_wish(stage.score, stage.now_ns, &ask));
	answer.token = ask.token;
	answer.tests[0] = (struct bw_evidence){ .test = BW_TEST_CONTENT_BROKEN, .strength = BW_STRENGTH_STRONG };
	stage_write(&stage, WRITER, BW_ACT_CLOSED, &file, bw_buf_slice(&file.bytes));
	assert_false(bw_score_seen(stage.score, &answer, stage.now_ns, &stage.outcome));
	assert_true(bw_score_wish(stage.score, stage.now_ns, &ask));
	stage_file_release(&file);
	stage_close(&stage);
}

/* Questions cost time: who writes large files without end is not looked at without end. */
static void second_looks_are_bounded(void **state)
{
	struct bw_second_ask ask;
	struct stage stage;
	struct stage_file file;
	unsigned asked = 0;

	(void)state;
	stage_open(&stage);
	stage_fork(&stage, STAGE_HARNESS, WRITER, "tool");
	file = stage_file(&stage, "zip", 4 * 1024 * 1024, "all.zip");
	for (unsigned n = 0; n < 40; n++) {
		stage_write(&stage, WRITER, BW_ACT_CLOSED, &file, bw_buf_slice(&file.bytes));
		asked += bw_score_wish(stage.score, stage.now_ns, &ask);
	}
	assert_in_range(asked, 10, 16);
	stage_wait(&stage, 60);
	assert_true(bw_score_wish(stage.score, stage.now_ns, &ask));
	stage_file_release(&file);
	stage_close(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_process_is_told_within_three_files),
		cmocka_unit_test(workers_of_one_program_are_one_actor),
		cmocka_unit_test(a_process_for_each_file_adds_up),
		cmocka_unit_test(setsid_and_double_fork_do_not_escape),
		cmocka_unit_test(reader_writer_and_deleter_are_one),
		cmocka_unit_test(one_file_in_ten_minutes_is_told_by_the_fifteenth),
		cmocka_unit_test(one_file_in_six_hours_is_told_by_the_fifteenth),
		cmocka_unit_test(actors_that_share_nothing_are_told_by_the_tree),
		cmocka_unit_test(who_wrote_is_told_and_not_who_closed),
		cmocka_unit_test(nfs_clients_are_told_by_the_tree_and_nobody_is_named),
		cmocka_unit_test(an_smb_session_is_an_actor_and_the_listener_is_not),
		cmocka_unit_test(sessions_of_one_address_are_joined_before_anybody_is_named),
		cmocka_unit_test(a_child_that_has_ended_is_named_by_its_connection),
		cmocka_unit_test(another_process_of_the_same_number_is_not_named),
		cmocka_unit_test(users_of_a_terminal_server_are_all_named_and_users_of_this_machine_stay_apart),
		cmocka_unit_test(more_users_than_there_is_room_for_are_left_out_whole),
		cmocka_unit_test(a_script_that_a_session_starts_is_the_session),
		cmocka_unit_test(the_middle_of_packed_files_is_told_at_the_second_look),
		cmocka_unit_test(a_newer_write_takes_the_place_of_a_question),
		cmocka_unit_test(second_looks_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
