#include "desk/delivery.h"
#include "desk/office.h"

#include "desk/office_in_tests.h"
#include "sys/memfile.h"

enum { CHUNK = 256, BATCH_MAX = 4 * 1024 * 1024 };

static const uint8_t lake[BW_SHA256_BYTES] = { 1 };

/* `count` records, of which every third is not taken; `rows` of the delivery may be another number. */
static enum bw_err deliver(struct office_fixture *f, int count, size_t rows, struct bw_partner_tally *tally)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf batch = BW_BUF_INIT(BATCH_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf delivery = BW_BUF_INIT(2 * BATCH_MAX);
	BW_CLEANUP(bw_memfile_release) struct bw_memfile file = BW_MEMFILE_NONE;
	struct bw_provenance from = { .path_count = 0 };
	enum bw_err err;

	bw_policy_open(&from.inherited);
	assert_ok(bw_batch_begin(&batch));
	for (int i = 0; i < count; i++)
		add_record(&batch, i);
	assert_ok(bw_delivery_begin(&delivery, lake, rows));
	for (size_t i = 0; i < rows; i++) {
		from.entry = i;
		assert_ok(i % 3 == 2 ? bw_delivery_skip(&delivery) : bw_delivery_take(&delivery, &from));
	}
	assert_ok(bw_delivery_end(&delivery, bw_buf_slice(&batch)));
	assert_ok(bw_memfile_of("delivery", bw_buf_slice(&delivery), &file));
	assert_ok(bw_store_part_begin(f->store));
	err = bw_office_partner(f->store, bw_slice_of(lake, sizeof(lake)), BW_LIT("Lake"), file.fd, tally);
	return bw_store_part_end(f->store, err);
}

static uint64_t inbound_objects(struct office_fixture *f)
{
	struct bw_collection c;

	assert_ok(bw_store_inbound(f->store, lake, BW_LIT("Lake"), &c));
	return c.object_count;
}

static void what_is_taken_goes_into_the_inbound_collection_with_its_provenance(void **state)
{
	struct office_fixture *f = *state;
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(64 * BW_MIB);
	struct bw_query query = { .added_after_us = -1,
				  .limit = BW_PAGE_MAX,
				  .max_bytes = BATCH_MAX,
				  .picks = BW_PICK_ALL,
				  .origins = true };
	struct bw_partner_tally tally;
	struct bw_page page;

	assert_ok(deliver(f, 2 * CHUNK + 1, 2 * CHUNK + 1, &tally));
	assert_int_equal(tally.skipped, (2 * CHUNK + 1) / 3);
	assert_int_equal(tally.added, 2 * CHUNK + 1 - (2 * CHUNK + 1) / 3);
	assert_ok(bw_store_commit(f->store));
	assert_int_equal(inbound_objects(f), tally.added);
	query.collection = tally.collection.number;
	assert_ok(bw_store_page(f->store, &query, &arena, &page));
	assert_int_equal(page.count, tally.added);
	for (size_t i = 0; i < page.count; i++) {
		assert_non_null(page.rows[i].from);
		assert_int_equal(page.rows[i].from->entry, i / 2 * 3 + i % 2); /* each row is its record's */
		assert_memory_equal(page.rows[i].from->node, lake, sizeof(lake));
	}
	assert_ok(deliver(f, 2 * CHUNK + 1, 2 * CHUNK + 1, &tally));
	assert_int_equal(tally.added, 0);
	assert_int_equal(tally.duplicate, 2 * CHUNK + 1 - (2 * CHUNK + 1) / 3);
}

static void rows_and_records_that_do_not_fit_leave_nothing(void **state)
{
	struct office_fixture *f = *state;
	struct bw_partner_tally tally;

	assert_int_equal(deliver(f, CHUNK + 5, CHUNK + 4, &tally), BW_ERR_PROTOCOL);
	assert_int_equal(deliver(f, CHUNK + 5, CHUNK + 6, &tally), BW_ERR_PROTOCOL);
	assert_ok(bw_store_commit(f->store));
	assert_int_equal(inbound_objects(f), 0);
}

static struct bw_form ask(struct bw_buf *buf, enum bw_office_verb verb, const char *first)
{
	struct bw_form form;

	bw_buf_clear(buf);
	assert_ok(bw_form_add_num(buf, verb));
	assert_ok(bw_form_add_text(buf, first));
	for (int i = 2; i < BW_OFFICE_FIELDS; i++)
		assert_ok(bw_form_add_text(buf, ""));
	assert_ok(bw_form_take(bw_buf_slice(buf), BW_OFFICE_FIELDS, &form));
	return form;
}

static void the_ledger_may_ask_for_five_things_and_an_operator_not_for_two_of_them(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(BW_MIB);
	struct office_fixture *f = *state;
	struct bw_why why = { 0 };

	for (unsigned verb = 0; verb < BW_OFFICE_VERB_COUNT; verb++) {
		const struct bw_form form = ask(&buf, (enum bw_office_verb)verb, "accord-batch");
		const bool is_his_alone = verb == BW_OFFICE_PARTNER || verb == BW_OFFICE_ACCORD_OVER;
		const bool is_his = is_his_alone || verb == BW_OFFICE_NOTE || verb == BW_OFFICE_MEMORY ||
				    verb == BW_OFFICE_BULLETIN;

		assert_int_equal(bw_office_may(BW_OFFICE_LEDGER, &form), is_his);
		assert_int_equal(bw_office_may(BW_OFFICE_OPERATOR, &form), !is_his_alone);
		if (!is_his)
			assert_int_equal(bw_office_do(f->store, BW_OFFICE_LEDGER, &form, -1, &buf, &why),
					 BW_ERR_DENIED);
	}
	{
		const struct bw_form form = ask(&buf, BW_OFFICE_NOTE, "erase");

		assert_false(bw_office_may(BW_OFFICE_LEDGER, &form)); /* the audit log would say what was not done */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_taken_goes_into_the_inbound_collection_with_its_provenance,
						make_office, drop_office),
		cmocka_unit_test_setup_teardown(rows_and_records_that_do_not_fit_leave_nothing, make_office,
						drop_office),
		cmocka_unit_test_setup_teardown(the_ledger_may_ask_for_five_things_and_an_operator_not_for_two_of_them,
						make_office, drop_office),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
