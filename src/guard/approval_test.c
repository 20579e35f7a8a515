#include "guard/approval.h"

#include <stdio.h>

#include "base/test.h"

static struct bw_approval of_programs(uint32_t uid, const char *comm)
{
	struct bw_approval approval = { .incident = 5, .until_us = 1000, .kind = BW_ACTOR_FAMILY, .uid = uid };
	char name[BW_COMM_BYTES] = "";

	(void)snprintf(name, sizeof(name), "%s", comm);
	assert_true(bw_approval_add_program(&approval, name));
	return approval;
}

static void the_same_user_may_begin_the_same_program_anew_until_then(void **state)
{
	const struct bw_approval approval = of_programs(1000, "shred");
	const struct bw_actor actor = { .kind = BW_ACTOR_FAMILY };
	struct bw_process_event process = { .uid = 1000, .comm = "shred" };

	(void)state;
	assert_true(bw_approval_covers(&approval, &actor, &process, 999));
	assert_false(bw_approval_covers(&approval, &actor, &process, 1000));
	process.uid = 1001;
	assert_false(bw_approval_covers(&approval, &actor, &process, 999));
	process = (struct bw_process_event){ .uid = 1000, .comm = "shredder" };
	assert_false(bw_approval_covers(&approval, &actor, &process, 999));
}

static void a_session_is_its_user_at_its_address_and_no_name_covers_nobody(void **state)
{
	struct bw_approval approval = { .until_us = 1000, .kind = BW_ACTOR_SMB, .user = "anna", .address = "10.0.0.7" };
	struct bw_actor actor = { .kind = BW_ACTOR_SMB, .user = "anna", .address = "10.0.0.7" };
	const struct bw_process_event process = { .pid = 7 };

	(void)state;
	assert_true(bw_approval_covers(&approval, &actor, &process, 1));
	actor.address[7] = '8';
	assert_false(bw_approval_covers(&approval, &actor, &process, 1));
	approval.user[0] = approval.address[0] = actor.user[0] = actor.address[0] = '\0';
	assert_false(bw_approval_covers(&approval, &actor, &process, 1));
}

static void what_runs_anything_has_no_name_to_go_by(void **state)
{
	static const char *const refused[] = { "bash", "sh", "python3.11", "perl", "node", "" };
	static const char *const taken[] = { "shred", "gpg", "pythonic", "7z", "show" };
	struct bw_approval approval = { 0 };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(refused); i++) {
		char comm[BW_COMM_BYTES] = "";

		(void)snprintf(comm, sizeof(comm), "%s", refused[i]);
		assert_false(bw_approval_add_program(&approval, comm));
	}
	for (size_t i = 0; i < BW_COUNT(taken); i++) {
		char comm[BW_COMM_BYTES] = "";

		(void)snprintf(comm, sizeof(comm), "%s", taken[i]);
		assert_true(bw_approval_add_program(&approval, comm));
		assert_true(bw_approval_add_program(&approval, comm));
	}
	assert_int_equal(approval.program_count, BW_COUNT(taken));
}

static void what_is_written_reads_back_and_every_prefix_is_refused(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_APPROVAL_BYTES_MAX);
	struct bw_approval approval = of_programs(1000, "gpg");
	struct bw_approval again;

	(void)state;
	(void)snprintf(approval.user, sizeof(approval.user), "anna");
	assert_ok(bw_approval_write(&approval, &bytes));
	assert_ok(bw_approval_parse(bw_buf_slice(&bytes), &again));
	assert_memory_equal(&again, &approval, sizeof(again));
	for (size_t n = 0; n < bytes.len; n++)
		assert_int_not_equal(bw_approval_parse(bw_slice_of(bytes.ptr, n), &again), BW_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_user_may_begin_the_same_program_anew_until_then),
		cmocka_unit_test(a_session_is_its_user_at_its_address_and_no_name_covers_nobody),
		cmocka_unit_test(what_runs_anything_has_no_name_to_go_by),
		cmocka_unit_test(what_is_written_reads_back_and_every_prefix_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
