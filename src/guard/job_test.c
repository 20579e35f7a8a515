#include "guard/job_book.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"

enum { MEMORY = 1024 * 1024, HOUR = 3600 };

#define SECOND INT64_C(1000000)

struct desk {
	struct bw_arena arena;
	struct bw_node_keys *keys;
	struct bw_node_public node;
	struct bw_buf text;
};

static struct bw_job_file plain_job(const struct desk *d)
{
	struct bw_job_file job = { .name = "nightly",
				   .uid = 34,
				   .folder = "/srv/share/back up",
				   .program = "/usr/local/bin/seal",
				   .word_count = 2,
				   .words = { "--all", "" },
				   .from_us = 1000 * SECOND,
				   .until_us = 900000 * SECOND,
				   .signed_us = 999 * SECOND,
				   .hours_count = 1,
				   .hours = { { .days = 0x7f, .from = 0, .to = 0 } } };

	assert_ok(bw_node_fingerprint(&d->node, job.node));
	return job;
}

static int open_desk(void **state)
{
	struct desk *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	(void)setenv("TZ", "UTC", 1);
	d->arena = BW_ARENA_INIT(MEMORY);
	d->text = BW_BUF_INIT(BW_JOB_BYTES_MAX);
	assert_ok(bw_node_keys_make(&d->keys));
	bw_node_keys_public(d->keys, &d->node);
	*state = d;
	return 0;
}

static int close_desk(void **state)
{
	struct desk *d = *state;

	bw_node_keys_free(d->keys);
	bw_arena_release(&d->arena);
	bw_buf_release(&d->text);
	free(d);
	return 0;
}

static void sign(struct desk *d)
{
	const struct bw_job_file job = plain_job(d);

	bw_buf_clear(&d->text);
	assert_ok(bw_job_write(&job, &d->text));
	assert_ok(bw_job_sign(d->keys, &d->text));
}

static enum bw_err read_again(struct desk *d, struct bw_job_file *out)
{
	const enum bw_err err = bw_job_parse(bw_buf_slice(&d->text), &d->arena, out);

	return err == BW_OK ? bw_job_check(out, bw_buf_slice(&d->text), &d->node) : err;
}

static void a_signed_job_reads_as_it_was_written(void **state)
{
	struct desk *d = *state;
	struct bw_job_file job;

	sign(d);
	assert_ok(read_again(d, &job));
	assert_string_equal(job.name, "nightly");
	assert_string_equal(job.folder, "/srv/share/back up");
	assert_int_equal(job.word_count, 2);
	assert_string_equal(job.words[1], "");
	assert_int_equal(job.uid, 34);
	assert_int_equal(job.hours[0].days, 0x7f);
}

static void no_changed_byte_verifies(void **state)
{
	struct desk *d = *state;
	struct bw_job_file job;

	sign(d);
	for (size_t i = 0; i < d->text.len; i += i < 600 ? 1 : 97) {
		d->text.ptr[i] ^= 1;
		assert_int_not_equal(read_again(d, &job), BW_OK);
		d->text.ptr[i] ^= 1;
	}
	assert_ok(read_again(d, &job));
}

static void what_is_cut_off_is_no_job(void **state)
{
	struct desk *d = *state;
	struct bw_job_file job;

	sign(d);
	for (size_t len = 0; len < d->text.len; len += len < 600 ? 1 : 97) {
		const struct bw_slice part = bw_slice_sub(bw_buf_slice(&d->text), 0, len);

		assert_true(bw_job_parse(part, &d->arena, &job) != BW_OK || !job.is_signed);
	}
}

static void an_unsigned_job_and_another_nodes_are_told_apart(void **state)
{
	struct desk *d = *state;
	struct bw_job_file job = plain_job(d);
	struct bw_node_keys *others;
	struct bw_node_public other;

	assert_ok(bw_job_write(&job, &d->text));
	assert_int_equal(read_again(d, &job), BW_ERR_MISSING);
	sign(d);
	assert_ok(bw_node_keys_make(&others));
	bw_node_keys_public(others, &other);
	assert_ok(bw_job_parse(bw_buf_slice(&d->text), &d->arena, &job));
	assert_int_equal(bw_job_check(&job, bw_buf_slice(&d->text), &other), BW_ERR_CONFLICT);
	bw_node_keys_free(others);
}

static void a_line_end_cannot_be_smuggled_into_a_job(void **state)
{
	struct desk *d = *state;
	struct bw_job_file job = plain_job(d);

	job.words[0] = "x\nuser 0";
	assert_int_equal(bw_job_write(&job, &d->text), BW_ERR_SYNTAX);
	job = plain_job(d);
	job.folder = "/srv\n";
	assert_int_equal(bw_job_write(&job, &d->text), BW_ERR_SYNTAX);
}

static void hours_are_read_in_many_ways_and_written_in_one(void **state)
{
	static const struct {
		const char *text;
		const char *written;
	} rows[] = {
		{ "daily 01:00-03:00", "daily 01:00-03:00" },
		{ "mon-fri 22:00-04:00", "mon,tue,wed,thu,fri 22:00-04:00" },
		{ "sat-mon 00:00-00:00", "mon,sat,sun 00:00-00:00" },
		{ "wed,mon 10:30-11:00", "mon,wed 10:30-11:00" },
		{ "mon-sun 23:59-00:00", "daily 23:59-00:00" },
	};
	static const char *const bad[] = { "",
					   "daily",
					   "daily 1:00-03:00",
					   "day 01:00-02:00",
					   "daily 24:00-01:00",
					   "daily 01:60-02:00",
					   "mon- 01:00-02:00",
					   "mon, 01:00-02:00",
					   "daily 01:00",
					   "daily  01:00-02:00" };
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(256);
	struct bw_job_hours hours;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		bw_buf_clear(&out);
		assert_ok(bw_job_hours_parse(bw_slice_text(rows[i].text), &hours));
		assert_ok(bw_job_hours_write(&hours, &out));
		assert_string_equal(bw_buf_text(&out), rows[i].written);
	}
	for (size_t i = 0; i < BW_COUNT(bad); i++)
		assert_int_not_equal(bw_job_hours_parse(bw_slice_text(bad[i]), &hours), BW_OK);
}

/* 1970-01-01 was a Thursday */
static void hours_that_pass_midnight_end_the_next_day(void **state)
{
	struct bw_job_file job = { .from_us = 0, .until_us = 30 * 24 * HOUR * SECOND, .hours_count = 1 };
	int64_t until;

	(void)state;
	assert_ok(bw_job_hours_parse(BW_LIT("thu 22:00-04:00"), &job.hours[0]));
	assert_ok(bw_job_when(&job, 23 * HOUR * SECOND, &until));
	assert_int_equal(until, 28 * HOUR * SECOND);
	assert_ok(bw_job_when(&job, 27 * HOUR * SECOND, &until));
	assert_int_equal(until, 28 * HOUR * SECOND);
	assert_int_equal(bw_job_when(&job, 28 * HOUR * SECOND, &until), BW_ERR_RANGE);
	assert_int_equal(bw_job_when(&job, 21 * HOUR * SECOND, &until), BW_ERR_RANGE);
	assert_int_equal(bw_job_when(&job, 47 * HOUR * SECOND, &until), BW_ERR_RANGE);
}

static void a_job_ends_with_its_last_day(void **state)
{
	struct bw_job_file job = { .from_us = 10 * SECOND, .until_us = 20 * SECOND };
	int64_t until;

	(void)state;
	assert_int_equal(bw_job_when(&job, 9 * SECOND, &until), BW_ERR_RANGE);
	assert_ok(bw_job_when(&job, 10 * SECOND, &until));
	assert_int_equal(until, 20 * SECOND);
	assert_int_equal(bw_job_when(&job, 20 * SECOND, &until), BW_ERR_REVOKED);
}

static void feed(struct bw_job_book *book, uint8_t act, const char *name, uint64_t passed, int64_t when_us)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(1024);
	const struct bw_job_note note = { .act = act, .name = bw_slice_text(name), .passed = passed };
	struct bw_ledger_record record = { .kind = BW_LEDGER_JOB, .wall_us = when_us };

	assert_ok(bw_job_note_write(&note, &body));
	record.body = bw_buf_slice(&body);
	assert_ok(bw_job_book_feed(book, &record));
}

static void the_book_counts_what_the_ledger_tells(void **state)
{
	struct bw_job_book *book = calloc(1, sizeof(*book));
	const struct bw_job_entry *entry;

	(void)state;
	assert_non_null(book);
	feed(book, BW_JOB_ACT_BEGAN, "never-signed", 0, 1);
	assert_null(bw_job_book_find(book, BW_LIT("never-signed")));
	feed(book, BW_JOB_ACT_SIGNED, "nightly", 0, 2);
	feed(book, BW_JOB_ACT_BEGAN, "nightly", 0, 3);
	feed(book, BW_JOB_ACT_ENDED, "nightly", 7, 4);
	feed(book, BW_JOB_ACT_BEGAN, "nightly", 0, 5);
	entry = bw_job_book_find(book, BW_LIT("nightly"));
	assert_non_null(entry);
	assert_int_equal(entry->runs, 2);
	assert_int_equal(entry->passed, 7);
	assert_int_equal(entry->ended_us, 0);
	feed(book, BW_JOB_ACT_REVOKED, "nightly", 0, 6);
	assert_true(entry->is_revoked);
	free(book);
}

static void a_revoked_name_gives_way_to_new_jobs(void **state)
{
	struct bw_job_book *book = calloc(1, sizeof(*book));
	char name[BW_JOB_NAME_BYTES];

	(void)state;
	assert_non_null(book);
	for (unsigned i = 0; i < 3 * BW_JOBS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "job-%u", i);
		feed(book, BW_JOB_ACT_SIGNED, name, 0, i);
		feed(book, BW_JOB_ACT_REVOKED, name, 0, i);
	}
	assert_int_equal(book->count, BW_JOBS_MAX);
	assert_non_null(bw_job_book_find(book, bw_slice_text(name)));
	free(book);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_signed_job_reads_as_it_was_written, open_desk, close_desk),
		cmocka_unit_test_setup_teardown(no_changed_byte_verifies, open_desk, close_desk),
		cmocka_unit_test_setup_teardown(what_is_cut_off_is_no_job, open_desk, close_desk),
		cmocka_unit_test_setup_teardown(an_unsigned_job_and_another_nodes_are_told_apart, open_desk,
						close_desk),
		cmocka_unit_test_setup_teardown(a_line_end_cannot_be_smuggled_into_a_job, open_desk, close_desk),
		cmocka_unit_test(hours_are_read_in_many_ways_and_written_in_one),
		cmocka_unit_test_setup_teardown(hours_that_pass_midnight_end_the_next_day, open_desk, close_desk),
		cmocka_unit_test(a_job_ends_with_its_last_day),
		cmocka_unit_test(the_book_counts_what_the_ledger_tells),
		cmocka_unit_test(a_revoked_name_gives_way_to_new_jobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
