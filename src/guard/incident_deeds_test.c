#include "guard/incident_deeds.h"

#include "base/test.h"
#include "guard/hand_form.h"

#define WALL_US INT64_C(1795400000000000)

static void feed(struct bw_incident_deeds *deeds, uint64_t incident, const struct bw_acted *acted)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(64 * 1024);
	struct bw_ledger_record record = { .kind = BW_LEDGER_ACTED, .wall_us = WALL_US, .incident = incident };

	assert_ok(bw_acted_add(&body, acted));
	record.body = bw_buf_slice(&body);
	assert_ok(bw_incident_deeds_feed(deeds, &record));
}

static void what_failed_is_told_with_its_reason_and_what_to_do(void **state)
{
	BW_CLEANUP(bw_incident_deeds_release) struct bw_incident_deeds deeds;
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(64 * 1024);
	const struct bw_acted failed = { 7, BW_ACTED_FAILED, 0, BW_LIT("10.77.0.9\x1b"), BW_LIT("there is no nft") };
	const struct bw_acted done = { 7, BW_ACTED_KEPT_OUT, WALL_US + 1, BW_LIT("user anna"), BW_LIT("smbpasswd") };

	(void)state;
	bw_incident_deeds_init(&deeds, 7);
	feed(&deeds, 7, &failed);
	feed(&deeds, 7, &done);
	feed(&deeds, 8, &done); /* another's */
	assert_int_equal(deeds.failed, 1);
	assert_int_equal(deeds.shown, 2);
	assert_ok(bw_incident_deeds_words(&deeds, false, &out));
	assert_non_null(strstr(bw_buf_text(&out), "NOT DONE at "));
	assert_non_null(strstr(bw_buf_text(&out), "10.77.0.9\\x1b: there is no nft"));
	assert_non_null(strstr(bw_buf_text(&out), "user anna"));
	assert_non_null(strstr(bw_buf_text(&out), "off the network"));
	assert_non_null(strstr(bw_buf_text(&deeds.json), "\"why\":\"there is no nft\""));
}

static void where_nothing_was_done_nothing_is_said(void **state)
{
	BW_CLEANUP(bw_incident_deeds_release) struct bw_incident_deeds deeds;
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(64 * 1024);
	const struct bw_acted noticed = { 7, BW_ACTED_NOTICED, 0, BW_LIT("by mail"), bw_slice_empty };

	(void)state;
	bw_incident_deeds_init(&deeds, 7);
	feed(&deeds, 7, &noticed);
	assert_ok(bw_incident_deeds_words(&deeds, false, &out));
	assert_int_equal(out.len, 0);
	assert_ok(bw_incident_deeds_words(&deeds, true, &out)); /* but of a client it is */
	assert_non_null(strstr(bw_buf_text(&out), "Nothing is written down"));
}

static void a_crowd_is_counted_and_no_failure_is_lost_in_it(void **state)
{
	BW_CLEANUP(bw_incident_deeds_release) struct bw_incident_deeds deeds;
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(64 * 1024);
	const struct bw_acted held = { 7, BW_ACTED_HELD, WALL_US + 1, BW_LIT("process 5"), BW_LIT("kill -CONT 5") };
	const struct bw_acted failed = { 7, BW_ACTED_FAILED, 0, BW_LIT("/a.service"), BW_LIT("not frozen") };

	(void)state;
	bw_incident_deeds_init(&deeds, 7);
	for (unsigned i = 0; i < BW_DEEDS_SHOWN + 3; i++)
		feed(&deeds, 7, &held);
	feed(&deeds, 7, &failed);
	assert_ok(bw_incident_deeds_words(&deeds, false, &out));
	assert_non_null(strstr(bw_buf_text(&out), "and 3 more"));
	assert_non_null(strstr(bw_buf_text(&out), "/a.service: not frozen"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_failed_is_told_with_its_reason_and_what_to_do),
		cmocka_unit_test(where_nothing_was_done_nothing_is_said),
		cmocka_unit_test(a_crowd_is_counted_and_no_failure_is_lost_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
