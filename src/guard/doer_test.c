#include "guard/doer.h"

#include <stdio.h>

#include "base/test.h"

static struct bw_proof by(const char *comm, uint32_t pid, uint32_t uid)
{
	struct bw_proof proof = { .pid = pid, .start_ns = pid * UINT64_C(1000), .uid = uid };

	(void)snprintf(proof.comm, sizeof(proof.comm), "%s", comm);
	return proof;
}

static void add(struct bw_doers *doers, const char *comm, uint32_t pid, uint32_t uid)
{
	const struct bw_proof proof = by(comm, pid, uid);

	bw_doers_add(doers, &proof, 1);
}

static const struct bw_actor head = { .kind = BW_ACTOR_FAMILY, .pid = 9322, .uid = 0, .comm = "memfd:sealed-91" };

static void assert_said(const struct bw_doers *doers, const struct bw_actor *actor, const char *expected)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(4096);

	assert_ok(bw_doers_say(doers, actor, &out));
	assert_string_equal(bw_buf_text(&out), expected);
}

static void the_program_and_user_that_destroyed_are_named_before_the_head_of_their_tree(void **state)
{
	struct bw_doers doers = { 0 };

	(void)state;
	add(&doers, "python3", 9400, 1006);
	add(&doers, "python3", 9400, 1006);
	assert_said(&doers, &head,
		    "'python3' (process 9400, user 1006), of the processes begun by 'memfd:sealed-91' (process 9322, "
		    "user 0)");
}

static void several_are_all_named_the_commonest_first(void **state)
{
	struct bw_doers doers = { 0 };
	BW_CLEANUP(bw_buf_release) struct bw_buf users = BW_BUF_INIT(64);

	(void)state;
	add(&doers, "dd", 11, 1007);
	add(&doers, "python3", 12, 1006);
	add(&doers, "python3", 13, 1006);
	add(&doers, "rm", 14, 1006);
	assert_said(&doers, &head,
		    "'python3' (2 processes, user 1006), 'dd' (process 11, user 1007) and 'rm' (process 14, user 1006),"
		    " of the processes begun by 'memfd:sealed-91' (process 9322, user 0)");
	assert_ok(bw_doers_users(&doers, &users));
	assert_string_equal(bw_buf_text(&users), "1006, 1007");
}

static void who_did_it_himself_is_named_once(void **state)
{
	struct bw_doers doers = { 0 };

	(void)state;
	add(&doers, "memfd:sealed-91", 9322, 0);
	assert_said(&doers, &head, "the processes begun by 'memfd:sealed-91' (process 9322, user 0)");
}

static void the_children_of_samba_are_nobody_s_programs(void **state)
{
	const struct bw_actor session = { .kind = BW_ACTOR_SMB, .pid = 50, .user = "anna", .address = "10.0.0.7" };
	struct bw_doers doers = { 0 };

	(void)state;
	add(&doers, "smbd", 51, 0);
	assert_false(bw_doers_tell(&doers, &session));
	assert_said(&doers, &session, "the Samba session of anna at 10.0.0.7");
}

static void of_many_programs_some_are_named(void **state)
{
	struct bw_doers doers = { 0 };
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(4096);

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		char comm[BW_COMM_BYTES];

		(void)snprintf(comm, sizeof(comm), "'%u\n", i);
		add(&doers, comm, 100 + i, i);
	}
	assert_int_equal(doers.count, BW_DOERS_MAX);
	assert_ok(bw_doers_say(&doers, &head, &out));
	assert_non_null(strstr(bw_buf_text(&out), " and others, of the processes"));
	assert_null(strchr(bw_buf_text(&out), '\n'));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_program_and_user_that_destroyed_are_named_before_the_head_of_their_tree),
		cmocka_unit_test(several_are_all_named_the_commonest_first),
		cmocka_unit_test(who_did_it_himself_is_named_once),
		cmocka_unit_test(the_children_of_samba_are_nobody_s_programs),
		cmocka_unit_test(of_many_programs_some_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
