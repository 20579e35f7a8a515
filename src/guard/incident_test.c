#include "guard/incident.h"

#include "base/test.h"

static void feed(struct bw_incidents *incidents, uint8_t kind, uint64_t incident, int64_t wall_us)
{
	static uint64_t number;
	const struct bw_ledger_record record = {
		.kind = kind, .number = number + 1, .wall_us = wall_us, .incident = incident, .body = bw_slice_empty
	};

	number++;
	assert_ok(bw_incidents_feed(incidents, &record));
}

static void an_incident_is_what_its_records_add_up_to(void **state)
{
	BW_CLEANUP(bw_incidents_release) struct bw_incidents incidents = { 0 };
	const struct bw_incident *one;

	(void)state;
	feed(&incidents, BW_LEDGER_STARTED, 0, 1);
	feed(&incidents, BW_LEDGER_EVIDENCE, 77, 10);
	feed(&incidents, BW_LEDGER_EVIDENCE, 77, 20);
	feed(&incidents, BW_LEDGER_RESTORING, 77, 30);
	assert_int_equal(incidents.count, 1);
	one = bw_incidents_find(&incidents, 77);
	assert_non_null(one);
	assert_int_equal(one->evidence, 2);
	assert_int_equal(one->first_us, 10);
	assert_int_equal(one->evidence_us, 20);
	assert_int_equal(one->restoring, 1);
	assert_int_equal(one->state, BW_INCIDENT_OPEN);
	assert_int_equal(bw_incidents_open(&incidents), 1);
	feed(&incidents, BW_LEDGER_CLOSED, 77, 40);
	assert_int_equal(bw_incidents_open(&incidents), 0);
}

static void the_counts_of_several_restores_add_up(void **state)
{
	BW_CLEANUP(bw_incidents_release) struct bw_incidents incidents = { 0 };
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_LEDGER_RESTORED_BYTES);
	const struct bw_ledger_restored counts = { .files = 3, .failed = 1, .bytes = 10 };
	struct bw_ledger_record record = { .kind = BW_LEDGER_RESTORED, .incident = 5 };
	const struct bw_incident *one;

	(void)state;
	assert_ok(bw_ledger_restored_write(&counts, &body));
	record.body = bw_buf_slice(&body);
	assert_ok(bw_incidents_feed(&incidents, &record));
	assert_ok(bw_incidents_feed(&incidents, &record));
	one = bw_incidents_find(&incidents, 5);
	assert_int_equal(one->restores, 2);
	assert_int_equal(one->restored.files, 6);
	assert_int_equal(one->restored.failed, 2);
	assert_int_equal(one->restored.bytes, 20);
}

static void last_is_the_newest_that_is_open_else_the_newest(void **state)
{
	BW_CLEANUP(bw_incidents_release) struct bw_incidents incidents = { 0 };
	const struct bw_incident *one = NULL;

	(void)state;
	assert_int_equal(bw_incidents_named(&incidents, "last", &one), BW_ERR_NOT_FOUND);
	feed(&incidents, BW_LEDGER_EVIDENCE, 1, 10);
	feed(&incidents, BW_LEDGER_EVIDENCE, 2, 20);
	feed(&incidents, BW_LEDGER_EVIDENCE, 3, 30);
	feed(&incidents, BW_LEDGER_CLOSED, 3, 40);
	assert_ok(bw_incidents_named(&incidents, "last", &one));
	assert_int_equal(one->id, 2);
	feed(&incidents, BW_LEDGER_APPROVED, 2, 50);
	feed(&incidents, BW_LEDGER_CLOSED, 1, 60);
	assert_ok(bw_incidents_named(&incidents, "last", &one));
	assert_int_equal(one->id, 3);
	assert_ok(bw_incidents_named(&incidents, "1", &one));
	assert_int_equal(one->id, 1);
	assert_int_equal(bw_incidents_named(&incidents, "4", &one), BW_ERR_NOT_FOUND);
	assert_int_equal(bw_incidents_named(&incidents, "lost", &one), BW_ERR_SYNTAX);
}

static void an_incident_of_which_the_restore_was_undone_is_open_again(void **state)
{
	BW_CLEANUP(bw_incidents_release) struct bw_incidents incidents = { 0 };

	(void)state;
	feed(&incidents, BW_LEDGER_EVIDENCE, 1, 10);
	feed(&incidents, BW_LEDGER_CLOSED, 1, 20);
	feed(&incidents, BW_LEDGER_REOPENED, 1, 30);
	assert_int_equal(bw_incidents_find(&incidents, 1)->state, BW_INCIDENT_OPEN);
	assert_int_equal(bw_incidents_find(&incidents, 1)->decided_us, 0);
	assert_int_equal(bw_incidents_find(&incidents, 1)->restored.files, 0);
	feed(&incidents, BW_LEDGER_APPROVED, 1, 40); /* what was meant stays so */
	feed(&incidents, BW_LEDGER_REOPENED, 1, 50);
	assert_int_equal(bw_incidents_find(&incidents, 1)->state, BW_INCIDENT_APPROVED);
}

static void what_was_reported_and_whether_it_helped_is_remembered(void **state)
{
	BW_CLEANUP(bw_incidents_release) struct bw_incidents incidents = { 0 };
	const struct bw_incident *one;

	(void)state;
	feed(&incidents, BW_LEDGER_EVIDENCE, 1, 10);
	feed(&incidents, BW_LEDGER_ALLOWED, 1, 20);
	feed(&incidents, BW_LEDGER_SENT, 1, 30);
	feed(&incidents, BW_LEDGER_HELPED, 1, 40);
	feed(&incidents, BW_LEDGER_HELPED, 1, 50);
	one = bw_incidents_find(&incidents, 1);
	assert_int_equal(one->allowed_us, 20);
	assert_int_equal(one->sent_us, 30);
	assert_int_equal(one->helped_us, 40);
	assert_int_equal(one->helped, 2);
	assert_int_equal(one->duties, 0);
}

static void a_drill_is_remembered_and_what_was_written_before_is_none(void **state)
{
	BW_CLEANUP(bw_incidents_release) struct bw_incidents incidents = { 0 };

	(void)state;
	feed(&incidents, BW_LEDGER_EVIDENCE, 1, 10);
	feed(&incidents, BW_LEDGER_EVIDENCE, 2, 20);
	feed(&incidents, BW_LEDGER_DRILL, 2, 30);
	feed(&incidents, BW_LEDGER_REPORTED, 2, 40);
	feed(&incidents, BW_LEDGER_APPROVED, 2, 50);
	assert_false(bw_incidents_find(&incidents, 1)->is_drill);
	assert_true(bw_incidents_find(&incidents, 2)->is_drill);
	assert_int_equal(bw_incidents_find(&incidents, 2)->evidence, 1);
}

static void thousands_of_incidents_are_found_again(void **state)
{
	BW_CLEANUP(bw_incidents_release) struct bw_incidents incidents = { 0 };

	(void)state;
	for (uint64_t id = 1; id <= 3000; id++)
		feed(&incidents, BW_LEDGER_EVIDENCE, id * 1000, (int64_t)id);
	assert_int_equal(incidents.count, 3000);
	assert_int_equal(bw_incidents_find(&incidents, 1000)->first_us, 1);
	assert_int_equal(bw_incidents_find(&incidents, 3000000)->first_us, 3000);
	assert_null(bw_incidents_find(&incidents, 1001));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_incident_is_what_its_records_add_up_to),
		cmocka_unit_test(the_counts_of_several_restores_add_up),
		cmocka_unit_test(last_is_the_newest_that_is_open_else_the_newest),
		cmocka_unit_test(an_incident_of_which_the_restore_was_undone_is_open_again),
		cmocka_unit_test(what_was_reported_and_whether_it_helped_is_remembered),
		cmocka_unit_test(a_drill_is_remembered_and_what_was_written_before_is_none),
		cmocka_unit_test(thousands_of_incidents_are_found_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
