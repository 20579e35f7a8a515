#include "base/test.h"
#include "guard/hand_form.h"

enum { ROOM = 128 * 1024 };

static void an_address_and_a_user_travel_as_they_are(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(ROOM);
	const struct bw_keep_out sent = { 7, 60, BW_LIT("10.1.2.3; flush ruleset"), BW_LIT("SCHOOL\\\n\"eve\"") };
	struct bw_keep_out got;

	(void)state;
	assert_ok(bw_keep_out_add(&body, &sent));
	assert_ok(bw_keep_out_parse(bw_buf_slice(&body), &got));
	assert_int_equal(got.incident, 7);
	assert_int_equal(got.seconds, 60);
	assert_true(bw_slice_equals(got.address, sent.address));
	assert_true(bw_slice_equals(got.user, sent.user));
}

static void a_question_and_its_answer_travel_as_they_are(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(ROOM);
	const struct bw_peer_word sent = { { 4711, 99 }, 41500, BW_LIT("2001:db8::9") };
	struct bw_peer_word got;
	struct bw_who who;

	(void)state;
	assert_ok(bw_who_parse(bw_slice_empty, &who));
	assert_int_equal(who.pid, 0);
	assert_ok(bw_who_add(&body, &sent.who));
	assert_ok(bw_who_parse(bw_buf_slice(&body), &who));
	assert_int_equal(who.pid, 4711);
	assert_int_equal(who.start_ns, 99);
	bw_buf_clear(&body);
	assert_ok(bw_peer_word_add(&body, &sent));
	for (size_t len = 0; len < body.len; len++)
		assert_int_equal(bw_peer_word_parse(bw_slice_sub(bw_buf_slice(&body), 0, len), &got), BW_ERR_PROTOCOL);
	assert_ok(bw_peer_word_parse(bw_buf_slice(&body), &got));
	assert_int_equal(got.who.pid, 4711);
	assert_int_equal(got.port, 41500);
	assert_true(bw_slice_equals(got.address, sent.address));
}

static void nothing_is_kept_out_for_ever_or_for_no_time(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(ROOM);
	struct bw_keep_out what = { 7, UINT32_MAX, BW_LIT("::1"), bw_slice_empty };
	struct bw_keep_out got;

	(void)state;
	assert_ok(bw_keep_out_add(&body, &what));
	assert_ok(bw_keep_out_parse(bw_buf_slice(&body), &got));
	assert_int_equal(got.seconds, BW_HAND_SECONDS_MAX);
	bw_buf_clear(&body);
	what.seconds = 0;
	assert_ok(bw_keep_out_add(&body, &what));
	assert_ok(bw_keep_out_parse(bw_buf_slice(&body), &got));
	assert_int_equal(got.seconds, BW_HAND_SECONDS_USUAL);
}

static void every_shorter_or_longer_body_breaks_the_protocol(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(ROOM);
	const struct bw_held held[] = { { 12, 99 }, { 13, 0 } };
	const struct bw_freeze freeze = { .incident = 9, .cgroup = 4711, .seconds = 5, .count = 2 };
	struct bw_freeze got;

	(void)state;
	assert_ok(bw_freeze_add(&body, &freeze, held));
	for (size_t len = 0; len < body.len; len++)
		assert_int_equal(bw_freeze_parse(bw_slice_sub(bw_buf_slice(&body), 0, len), &got), BW_ERR_PROTOCOL);
	assert_ok(bw_freeze_parse(bw_buf_slice(&body), &got));
	assert_int_equal(got.cgroup, 4711);
	assert_int_equal(bw_freeze_process(&got, 0).pid, 12);
	assert_int_equal(bw_freeze_process(&got, 0).start_ns, 99);
	assert_int_equal(bw_freeze_process(&got, 1).pid, 13);
	assert_int_equal(bw_freeze_process(&got, 2).pid, 0);
	assert_ok(bw_buf_add_u8(&body, 0));
	assert_int_equal(bw_freeze_parse(bw_buf_slice(&body), &got), BW_ERR_PROTOCOL);
}

static void more_processes_than_a_stop_may_name_are_refused(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(ROOM);
	const struct bw_freeze freeze = { .incident = 9, .count = UINT32_MAX };
	struct bw_freeze got;

	(void)state;
	assert_int_equal(bw_freeze_add(&body, &freeze, NULL), BW_ERR_TOO_MANY);
	assert_ok(bw_buf_add_be64(&body, 9));
	assert_ok(bw_buf_add_be32(&body, 1));
	assert_ok(bw_buf_add_be64(&body, 0));
	assert_ok(bw_buf_add_be32(&body, UINT32_MAX));
	assert_int_equal(bw_freeze_parse(bw_buf_slice(&body), &got), BW_ERR_TOO_MANY);
}

static void a_lift_names_one_incident(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(ROOM);
	uint64_t incident = 0;

	(void)state;
	assert_ok(bw_lift_add(&body, UINT64_C(1) << 60));
	assert_ok(bw_lift_parse(bw_buf_slice(&body), &incident));
	assert_true(incident == UINT64_C(1) << 60);
	assert_int_equal(bw_lift_parse(bw_slice_empty, &incident), BW_ERR_PROTOCOL);
}

static void what_was_done_comes_with_the_command_that_undoes_it(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(ROOM);
	const struct bw_acted sent = { 3, BW_ACTED_KEPT_OUT, 1000, BW_LIT("10.0.0.9"), BW_LIT("nft delete ...") };
	struct bw_acted got;

	(void)state;
	assert_ok(bw_acted_add(&body, &sent));
	assert_ok(bw_acted_parse(bw_buf_slice(&body), &got));
	assert_int_equal(got.what, BW_ACTED_KEPT_OUT);
	assert_int_equal(got.until_us, 1000);
	assert_true(bw_slice_equals(got.undo, sent.undo));
	body.ptr[8] = 0; /* the kind of deed */
	assert_int_equal(bw_acted_parse(bw_buf_slice(&body), &got), BW_ERR_PROTOCOL);
}

static void a_notice_too_long_to_be_read_is_refused(void **state)
{
	static uint8_t much[BW_HAND_TEXT_BYTES + 1];
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(ROOM);
	struct bw_notice notice = { 1, BW_LIT("subject"), { much, sizeof(much) } };
	struct bw_notice got;

	(void)state;
	assert_int_equal(bw_notice_add(&body, &notice), BW_ERR_TOO_BIG);
	notice.text.len--;
	assert_ok(bw_notice_add(&body, &notice));
	assert_ok(bw_notice_parse(bw_buf_slice(&body), &got));
	assert_int_equal(got.text.len, BW_HAND_TEXT_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_and_a_user_travel_as_they_are),
		cmocka_unit_test(a_question_and_its_answer_travel_as_they_are),
		cmocka_unit_test(nothing_is_kept_out_for_ever_or_for_no_time),
		cmocka_unit_test(every_shorter_or_longer_body_breaks_the_protocol),
		cmocka_unit_test(more_processes_than_a_stop_may_name_are_refused),
		cmocka_unit_test(a_lift_names_one_incident),
		cmocka_unit_test(what_was_done_comes_with_the_command_that_undoes_it),
		cmocka_unit_test(a_notice_too_long_to_be_read_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
