#include "guard/ledger.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"
#include "sys/files.h"

/* ---- pure ------------------------------------------------------------------------------ */

static void make_three(struct bw_buf *out)
{
	const struct bw_ledger_head head = { .id = { 1, 2, 3 }, .began_us = 1700000000000000 };
	const struct bw_ledger_record records[] = {
		{ .kind = BW_LEDGER_STARTED, .wall_us = 5, .body = BW_LIT("enforce") },
		{ .kind = BW_LEDGER_EVIDENCE, .wall_us = -6, .incident = 77, .body = SLICE(0, 1, 2, 255) },
		{ .kind = BW_LEDGER_CLOSED, .wall_us = 7, .incident = 77 },
	};
	struct bw_ledger_link link;

	assert_ok(bw_ledger_head_write(&head, out, &link));
	for (size_t i = 0; i < BW_COUNT(records); i++)
		assert_ok(bw_ledger_write(&records[i], &link, out));
}

/* How many records verify, and why the next one does not. */
static uint64_t verify(struct bw_slice bytes, enum bw_err *out_end)
{
	struct bw_cursor c = bw_cursor_over(bytes);
	struct bw_ledger_head head;
	struct bw_ledger_link link = { 0 };
	struct bw_ledger_record record;

	*out_end = bw_ledger_head_parse(&c, &head, &link);
	while (*out_end == BW_OK)
		*out_end = bw_ledger_next(&c, &link, &record);
	return link.number;
}

static void what_is_written_is_read(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(4096);
	struct bw_ledger_record record;
	struct bw_ledger_head head;
	struct bw_ledger_link link;
	struct bw_cursor c;

	(void)state;
	make_three(&bytes);
	c = bw_cursor_over(bw_buf_slice(&bytes));
	assert_ok(bw_ledger_head_parse(&c, &head, &link));
	assert_int_equal(head.id[2], 3);
	assert_int_equal(head.began_us, 1700000000000000);
	assert_ok(bw_ledger_next(&c, &link, &record));
	assert_int_equal(record.number, 1);
	assert_slice(record.body, "enforce");
	assert_ok(bw_ledger_next(&c, &link, &record));
	assert_int_equal(record.kind, BW_LEDGER_EVIDENCE);
	assert_int_equal(record.wall_us, -6);
	assert_int_equal(record.incident, 77);
	assert_int_equal(record.body.len, 4);
	assert_ok(bw_ledger_next(&c, &link, &record));
	assert_int_equal(record.body.len, 0);
	assert_int_equal(bw_ledger_next(&c, &link, &record), BW_ERR_AGAIN);
	assert_int_equal(link.number, 3);
}

static void every_prefix_is_a_shorter_ledger_or_a_torn_one_and_never_damaged(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(4096);
	enum bw_err end;
	uint64_t last = 0;

	(void)state;
	make_three(&bytes);
	for (size_t len = 0; len < bytes.len; len++) {
		const uint64_t number = verify(bw_slice_sub(bw_buf_slice(&bytes), 0, len), &end);

		assert_true(end == BW_ERR_TRUNCATED || end == BW_ERR_AGAIN);
		assert_true(number == last || number == last + 1);
		last = number;
	}
	assert_int_equal(last, 2);
}

static void every_flipped_bit_is_noticed(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(4096);
	enum bw_err end;

	(void)state;
	make_three(&bytes);
	for (size_t bit = 0; bit < bytes.len * 8; bit++) {
		bytes.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
		/* a length that grew asks for more than there is: torn as far as anybody can tell, and not accepted */
		assert_true(verify(bw_buf_slice(&bytes), &end) < 3);
		assert_true(end == BW_ERR_CORRUPT || end == BW_ERR_TRUNCATED || end == BW_ERR_SYNTAX ||
			    end == BW_ERR_SCHEMA);
		bytes.ptr[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_int_equal(verify(bw_buf_slice(&bytes), &end), 3);
}

static void a_record_that_was_left_out_is_noticed(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(4096);
	const size_t first = BW_LEDGER_FRONT_BYTES + 7 + BW_SHA256_BYTES;
	enum bw_err end;

	(void)state;
	make_three(&bytes);
	memmove(bytes.ptr + BW_LEDGER_HEAD_BYTES, bytes.ptr + BW_LEDGER_HEAD_BYTES + first,
		bytes.len - BW_LEDGER_HEAD_BYTES - first);
	bytes.len -= first;
	assert_int_equal(verify(bw_buf_slice(&bytes), &end), 0);
	assert_int_equal(end, BW_ERR_CORRUPT);
}

static void a_body_over_the_limit_is_refused_and_nothing_is_written(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(4 * BW_MIB);
	uint8_t *large = calloc(1, BW_LEDGER_BODY_MAX + 1);
	const struct bw_ledger_record record = { .kind = BW_LEDGER_EVIDENCE,
						 .body = { large, BW_LEDGER_BODY_MAX + 1 } };
	struct bw_ledger_link link = { .number = 4 };

	(void)state;
	assert_non_null(large);
	assert_int_equal(bw_ledger_write(&record, &link, &bytes), BW_ERR_TOO_BIG);
	assert_int_equal(link.number, 4);
	assert_int_equal(bytes.len, 0);
	free(large);
}

static void the_counts_of_a_restore_round_trip(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(64);
	const struct bw_ledger_restored before = { 1, 2, 3, 4, 5, UINT64_MAX };
	struct bw_ledger_restored after;

	(void)state;
	assert_ok(bw_ledger_restored_write(&before, &bytes));
	assert_int_equal(bytes.len, BW_LEDGER_RESTORED_BYTES);
	assert_ok(bw_ledger_restored_parse(bw_buf_slice(&bytes), &after));
	assert_memory_equal(&before, &after, sizeof(after));
	bytes.len--;
	assert_int_equal(bw_ledger_restored_parse(bw_buf_slice(&bytes), &after), BW_ERR_TRUNCATED);
}

/* ---- the file ---------------------------------------------------------------------------- */

struct seen {
	size_t count;
	uint8_t kinds[64];
	char last[256];
};

static enum bw_err see(void *context, const struct bw_ledger_record *record)
{
	struct seen *seen = context;

	assert_true(seen->count < BW_COUNT(seen->kinds));
	seen->kinds[seen->count++] = record->kind;
	(void)snprintf(seen->last, sizeof(seen->last), "%.*s", BW_ARG(record->body));
	return BW_OK;
}

struct place {
	char data[64];
	char guard[80];
	char path[96];
};

static void place_make(struct place *place)
{
	*place = (struct place){ 0 };
	(void)snprintf(place->data, sizeof(place->data), "/tmp/bw-ledger-XXXXXX");
	assert_non_null(mkdtemp(place->data));
	(void)snprintf(place->guard, sizeof(place->guard), "%s/guard", place->data);
	(void)snprintf(place->path, sizeof(place->path), "%s/ledger", place->guard);
	assert_int_equal(mkdir(place->guard, 0700), 0);
}

static void place_remove(const struct place *place)
{
	char words[128];

	(void)snprintf(words, sizeof(words), "rm -r %s", place->data);
	assert_int_equal(system(words), 0);
}

static void write_two(const struct place *place)
{
	struct bw_ledger *ledger;
	struct bw_why why = { 0 };

	assert_ok(bw_ledger_open(place->data, &ledger, &why));
	assert_ok(bw_ledger_append(ledger, BW_LEDGER_STARTED, 0, BW_LIT("first")));
	assert_ok(bw_ledger_append(ledger, BW_LEDGER_EVIDENCE, 9, BW_LIT("second")));
	assert_ok(bw_ledger_sync(ledger));
	bw_ledger_close(ledger);
}

static void read_it(const struct place *place, struct seen *out, struct bw_ledger_seen *out_seen)
{
	struct bw_why why = { 0 };

	memset(out, 0, sizeof(*out));
	assert_ok(bw_ledger_read(place->data, see, out, out_seen, &why));
}

static void a_ledger_goes_on_where_it_was(void **state)
{
	struct bw_ledger_seen end;
	struct place place;
	struct seen seen;

	(void)state;
	place_make(&place);
	write_two(&place);
	write_two(&place);
	read_it(&place, &seen, &end);
	assert_int_equal(seen.count, 4);
	assert_int_equal(end.link.number, 4);
	assert_int_equal(end.torn_bytes, 0);
	place_remove(&place);
}

static void a_second_writer_is_refused_and_a_reader_is_not(void **state)
{
	struct bw_ledger *first;
	struct bw_ledger *second = NULL;
	struct bw_ledger_seen end;
	struct bw_why why = { 0 };
	struct place place;
	struct seen seen;

	(void)state;
	place_make(&place);
	assert_ok(bw_ledger_open(place.data, &first, &why));
	assert_int_equal(bw_ledger_open(place.data, &second, &why), BW_ERR_BUSY);
	read_it(&place, &seen, &end);
	assert_int_equal(seen.count, 0);
	bw_ledger_close(first);
	place_remove(&place);
}

static void a_torn_end_is_cut_off_and_recorded(void **state)
{
	struct place place;
	struct stat whole;

	(void)state;
	place_make(&place);
	write_two(&place);
	assert_int_equal(stat(place.path, &whole), 0);
	for (off_t len = whole.st_size - 1; len > BW_LEDGER_HEAD_BYTES; len -= 7) {
		struct bw_ledger_seen end;
		struct seen before;
		struct seen seen;

		assert_int_equal(truncate(place.path, len), 0);
		read_it(&place, &before, &end);
		write_two(&place);
		read_it(&place, &seen, &end);
		assert_int_equal(end.torn_bytes, 0);
		if (seen.count > before.count + 2)
			assert_int_equal(seen.kinds[before.count], BW_LEDGER_CUT);
		assert_int_equal(seen.kinds[seen.count - 2], BW_LEDGER_STARTED);
		assert_string_equal(seen.last, "second");
	}
	place_remove(&place);
}

static void zeros_at_the_end_are_a_torn_end(void **state)
{
	struct bw_ledger_seen end;
	struct place place;
	struct stat whole;
	struct seen seen;

	(void)state;
	place_make(&place);
	write_two(&place);
	assert_int_equal(stat(place.path, &whole), 0);
	assert_int_equal(truncate(place.path, whole.st_size + 5000), 0);
	write_two(&place);
	read_it(&place, &seen, &end);
	assert_int_equal(seen.count, 5);
	assert_int_equal(seen.kinds[2], BW_LEDGER_CUT);
	place_remove(&place);
}

static void a_damaged_ledger_is_kept_aside_and_its_good_part_goes_on(void **state)
{
	struct bw_ledger *ledger;
	struct bw_ledger_seen end;
	struct bw_why why = { 0 };
	struct place place;
	struct stat whole;
	struct seen seen;
	int fd;

	(void)state;
	place_make(&place);
	write_two(&place);
	assert_int_equal(stat(place.path, &whole), 0);
	fd = open(place.path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "S", 1, whole.st_size - BW_SHA256_BYTES - 6), 1); /* "Second" */
	(void)close(fd);
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(bw_ledger_read(place.data, see, &seen, &end, &why), BW_ERR_CORRUPT);
	assert_int_equal(seen.count, 1);
	assert_non_null(strstr(why.text, "record 2"));
	assert_ok(bw_ledger_open(place.data, &ledger, &why));
	assert_non_null(strstr(why.text, "ledger.damaged-"));
	bw_ledger_close(ledger);
	read_it(&place, &seen, &end);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.kinds[0], BW_LEDGER_STARTED);
	assert_int_equal(seen.kinds[1], BW_LEDGER_DAMAGED);
	place_remove(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(every_prefix_is_a_shorter_ledger_or_a_torn_one_and_never_damaged),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(a_record_that_was_left_out_is_noticed),
		cmocka_unit_test(a_body_over_the_limit_is_refused_and_nothing_is_written),
		cmocka_unit_test(the_counts_of_a_restore_round_trip),
		cmocka_unit_test(a_ledger_goes_on_where_it_was),
		cmocka_unit_test(a_second_writer_is_refused_and_a_reader_is_not),
		cmocka_unit_test(a_torn_end_is_cut_off_and_recorded),
		cmocka_unit_test(zeros_at_the_end_are_a_torn_end),
		cmocka_unit_test(a_damaged_ledger_is_kept_aside_and_its_good_part_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
