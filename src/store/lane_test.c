#include "store/keeping.h"
#include "store/test.h"

#define MALWARE_1 "malware--aaaaaaaa-0000-4000-8000-000000000001"
#define URL_1 "url--28bb3599-77cd-5a82-a950-b5bc3caf07c4"
#define CUSTOM_1 "xthing--aaaaaaaa-0000-4000-8000-000000000001"
#define V1 "2024-01-01T00:00:00.000Z"
#define V2 "2024-01-02T00:00:00.000Z"
#define OTHER "52892447-4d7e-4f70-b94d-d7f22742ff63"

static int64_t number(struct fixture *f, const char *sql)
{
	int64_t value;

	assert_ok(bw_sql_number(f->store->db, sql, &value));
	return value;
}

static void assert_sound(struct fixture *f, uint64_t rows)
{
	struct bw_verify_report report;

	assert_ok(bw_store_verify(f->store, NULL, NULL, &report));
	assert_string_equal(report.first, "");
	assert_int_equal(report.rows, rows);
}

static void every_type_byte_has_a_lane_and_standard_types_one_of_their_own(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		assert_true(bw_lane_of((uint8_t)type) < BW_LANES);
		if (type < BW_STIX_TYPE_COUNT)
			assert_int_equal(bw_lane_of((uint8_t)type), type);
		else if (type >= BW_TYPE_CUSTOM_FIRST)
			assert_true(bw_lane_of((uint8_t)type) >= BW_LANE_SHARED_FIRST);
	}
}

static void put_some(struct fixture *f, uint16_t other)
{
	const struct bw_record shared = record_of(MALWARE_1, V1, "[1]");

	assert_int_equal(put_one(f, MALWARE_1, V1, "[1]"), BW_PUT_ADDED);
	assert_int_equal(put_one(f, URL_1, "", "[2]"), BW_PUT_ADDED);
	assert_int_equal(put_in(f->store, other, &shared).outcome, BW_PUT_ADDED);
	assert_int_equal(put_one(f, CUSTOM_1, V1, "[3]"), BW_PUT_ADDED);
	assert_int_equal(put_one(f, MALWARE_1, V2, "[4]"), BW_PUT_ADDED);
	assert_ok(bw_store_commit(f->store));
}

static void rows_lie_by_type_and_come_back_in_the_order_they_came(void **state)
{
	struct fixture *f = *state;
	struct bw_query query = query_all(f);

	put_some(f, collection_named(f->store, OTHER));
	assert_int_equal(number(f, "SELECT count(*) FROM entry_11"), 3);
	assert_int_equal(number(f, "SELECT count(*) FROM entry"), 5);
	assert_string_equal(bodies(f->store, &query), "[1] [2] [3] [4]");
	fixture_reopen(f);
	assert_string_equal(bodies(f->store, &query), "[1] [2] [3] [4]");
}

/* What schema 1 had: one table of all rows, in the order they came. */
static void go_back_to_schema_1(struct fixture *f)
{
	char sql[64];

	/* what schema 3 added */
	assert_ok(bw_sql_run(f->store->db, "DROP TABLE provenance; DROP TABLE route; DROP INDEX collection_node;"
					   " ALTER TABLE collection DROP COLUMN node;"
					   " ALTER TABLE collection DROP COLUMN marking"));
	assert_ok(bw_sql_run(f->store->db,
			     "BEGIN; CREATE TABLE one(added INTEGER PRIMARY KEY, collection INTEGER NOT NULL,"
			     " type INTEGER NOT NULL, flags INTEGER NOT NULL, id TEXT NOT NULL, version TEXT NOT NULL,"
			     " hash BLOB NOT NULL, body_at INTEGER, body BLOB, terms BLOB) STRICT;"
			     "INSERT INTO one SELECT added, collection, type, flags, id, version, hash, body_at, body,"
			     " terms FROM entry; DROP VIEW entry"));
	for (unsigned lane = 0; lane < BW_LANES; lane++) {
		(void)snprintf(sql, sizeof(sql), "DROP TABLE entry_%u", lane);
		assert_ok(bw_sql_run(f->store->db, sql));
	}
	assert_ok(bw_sql_run(f->store->db, "ALTER TABLE one RENAME TO entry; PRAGMA user_version=1; COMMIT"));
}

static void a_store_of_schema_1_moves_its_rows_when_it_is_opened(void **state)
{
	struct fixture *f = *state;
	struct bw_query query = query_all(f);
	const uint16_t other = collection_named(f->store, OTHER);

	put_some(f, other);
	bw_store_close(f->store);
	fixture_open(f);
	go_back_to_schema_1(f);
	fixture_reopen(f);
	assert_int_equal(number(f, "PRAGMA user_version"), BW_SCHEMA_VERSION);
	assert_int_equal(number(f, "SELECT count(*) FROM entry_11"), 3);
	assert_string_equal(bodies(f->store, &query), "[1] [2] [3] [4]");
	query.collection = other;
	assert_string_equal(bodies(f->store, &query), "[1]");
	assert_sound(f, 5);
}

static void a_row_in_the_table_of_another_type_is_found_when_the_store_is_opened(void **state)
{
	struct fixture *f = *state;
	struct bw_store *again;

	put_some(f, collection_named(f->store, OTHER));
	assert_ok(bw_sql_run(f->store->db, "UPDATE entry_11 SET type=7"));
	bw_store_close(f->store);
	assert_int_equal(bw_store_open(&(struct bw_store_options){ .dir = f->dir, .catalogue_fd = -1 }, &again),
			 BW_ERR_CORRUPT);
	f->store = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_byte_has_a_lane_and_standard_types_one_of_their_own),
		TEST(rows_lie_by_type_and_come_back_in_the_order_they_came),
		TEST(a_store_of_schema_1_moves_its_rows_when_it_is_opened),
		TEST(a_row_in_the_table_of_another_type_is_found_when_the_store_is_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
