#include "guard/mirror_journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"
#include "guard/meta.h"
#include "sys/files.h"

struct fixture {
	char folder[64];
	struct bw_mirror_journal *journal;
	struct bw_buf meta;
	struct bw_buf records;
};

static int setup(void **state)
{
	const struct bw_meta meta = { .mode = S_IFREG | 0640, .target = bw_slice_empty };
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->folder, sizeof(f->folder), "/tmp/breakwater-mirror-%d", getpid());
	f->meta = BW_BUF_INIT(4096);
	f->records = BW_BUF_INIT(BW_MIRROR_BATCH_MAX);
	assert_ok(bw_meta_write(&meta, &f->meta));
	assert_ok(bw_mirror_journal_open(f->folder, &f->journal, NULL));
	*state = f;
	return 0;
}

static char *inside(const struct fixture *f, const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", f->folder, name);
	return path;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	bw_mirror_journal_close(f->journal);
	(void)unlink(inside(f, "head"));
	(void)unlink(inside(f, "journal"));
	(void)rmdir(f->folder);
	bw_buf_release(&f->meta);
	bw_buf_release(&f->records);
	free(f);
	return 0;
}

static void begin(struct fixture *f, uint64_t number, uint64_t size)
{
	const struct bw_mirror_record record = { .kind = BW_MIRROR_VERSION,
						 .version = { .store = { 1 },
							      .number = number,
							      .size = size,
							      .type = S_IFREG,
							      .path = BW_LIT("/srv/a"),
							      .meta = bw_buf_slice(&f->meta) } };

	assert_ok(bw_mirror_add(&f->records, &record));
}

static void piece(struct fixture *f, uint64_t at, const char *text)
{
	const struct bw_mirror_record record = { .kind = BW_MIRROR_CONTENT, .at = at, .bytes = bw_slice_text(text) };

	assert_ok(bw_mirror_add(&f->records, &record));
}

static void whole(struct fixture *f, const char *text)
{
	struct bw_mirror_record record = { .kind = BW_MIRROR_WHOLE };

	assert_ok(bw_sha256(bw_slice_text(text), record.sum));
	assert_ok(bw_mirror_add(&f->records, &record));
}

static enum bw_err send(struct fixture *f)
{
	const enum bw_err err = bw_mirror_journal_add(f->journal, bw_mirror_journal_head(f->journal)->chain,
						      bw_buf_slice(&f->records));

	bw_buf_clear(&f->records);
	return err;
}

static enum bw_err see(void *context, const struct bw_mirror_check *check, const struct bw_mirror_record *record)
{
	(void)check;
	*(unsigned *)context += record->kind == BW_MIRROR_WHOLE;
	return BW_OK;
}

static enum bw_err read_all(struct fixture *f, unsigned *out)
{
	struct bw_mirror_head head;

	*out = 0;
	return bw_mirror_journal_read(f->folder, see, out, &head, NULL);
}

static void send_one(struct fixture *f, uint64_t number)
{
	begin(f, number, 5);
	piece(f, 0, "hel");
	piece(f, 3, "lo");
	whole(f, "hello");
	assert_ok(send(f));
}

static void what_was_sent_is_read_again_after_a_restart(void **state)
{
	struct fixture *f = *state;
	unsigned count;

	send_one(f, 1);
	bw_mirror_journal_close(f->journal);
	assert_ok(bw_mirror_journal_open(f->folder, &f->journal, NULL));
	send_one(f, 7);
	assert_ok(read_all(f, &count));
	assert_int_equal(count, 2);
	assert_int_equal(bw_mirror_head_number(bw_mirror_journal_head(f->journal), (const uint8_t[16]){ 1 }), 7);
}

static void what_does_not_follow_is_refused_and_changes_nothing(void **state)
{
	static const uint8_t other[BW_SHA256_BYTES] = { 9 };
	struct fixture *f = *state;
	unsigned count;

	send_one(f, 5);
	begin(f, 5, 0);
	whole(f, "");
	assert_int_equal(send(f), BW_ERR_CONFLICT); /* nobody writes a version anew */
	piece(f, 0, "x");
	assert_int_equal(send(f), BW_ERR_CONFLICT);
	begin(f, 6, 3);
	piece(f, 1, "el");
	assert_int_equal(send(f), BW_ERR_CONFLICT);
	begin(f, 6, 3);
	piece(f, 0, "hello");
	assert_int_equal(send(f), BW_ERR_CONFLICT);
	begin(f, 6, 3);
	piece(f, 0, "abc");
	whole(f, "abd");
	assert_int_equal(send(f), BW_ERR_CORRUPT);
	begin(f, 6, 0);
	assert_int_equal(bw_mirror_journal_add(f->journal, other, bw_buf_slice(&f->records)), BW_ERR_CONFLICT);
	assert_ok(read_all(f, &count));
	assert_int_equal(count, 1);
}

static void a_version_that_was_broken_off_is_begun_again(void **state)
{
	struct fixture *f = *state;
	unsigned count;

	begin(f, 1, 5);
	piece(f, 0, "hel");
	assert_ok(send(f));
	bw_mirror_journal_close(f->journal);
	assert_ok(bw_mirror_journal_open(f->folder, &f->journal, NULL));
	piece(f, 3, "lo");
	assert_int_equal(send(f), BW_ERR_CONFLICT);
	send_one(f, 1);
	assert_ok(read_all(f, &count));
	assert_int_equal(count, 1);
}

static void a_changed_byte_is_found_and_a_torn_end_is_cut_off(void **state)
{
	struct fixture *f = *state;
	struct stat status;
	unsigned count;
	FILE *file;

	send_one(f, 1);
	assert_int_equal(stat(inside(f, "journal"), &status), 0);
	for (long at = 0; at < status.st_size; at++) {
		int c;

		file = fopen(inside(f, "journal"), "r+");
		assert_non_null(file);
		(void)fseek(file, at, SEEK_SET);
		c = fgetc(file);
		(void)fseek(file, at, SEEK_SET);
		(void)fputc(c ^ 1, file);
		(void)fclose(file);
		assert_int_equal(read_all(f, &count), BW_ERR_CORRUPT);
		file = fopen(inside(f, "journal"), "r+");
		(void)fseek(file, at, SEEK_SET);
		(void)fputc(c, file);
		(void)fclose(file);
	}
	file = fopen(inside(f, "journal"), "a");
	(void)fputs("torn", file);
	(void)fclose(file);
	bw_mirror_journal_close(f->journal);
	assert_ok(bw_mirror_journal_open(f->folder, &f->journal, NULL));
	send_one(f, 2);
	assert_ok(read_all(f, &count));
	assert_int_equal(count, 2);
}

static void a_shorter_journal_is_not_gone_on_with(void **state)
{
	struct fixture *f = *state;

	send_one(f, 1);
	bw_mirror_journal_close(f->journal);
	f->journal = NULL;
	assert_int_equal(truncate(inside(f, "journal"), 20), 0);
	assert_int_equal(bw_mirror_journal_open(f->folder, &f->journal, NULL), BW_ERR_CORRUPT);
}

static void every_prefix_of_a_record_is_refused(void **state)
{
	struct fixture *f = *state;
	struct bw_mirror_record record;

	begin(f, 1, 5);
	for (size_t len = 0; len < f->records.len; len++) {
		struct bw_cursor c = bw_cursor_over(bw_slice_sub(bw_buf_slice(&f->records), 0, len));

		assert_int_equal(bw_mirror_next(&c, &record), BW_ERR_TRUNCATED);
		assert_int_equal(c.at, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_sent_is_read_again_after_a_restart, setup, teardown),
		cmocka_unit_test_setup_teardown(what_does_not_follow_is_refused_and_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_version_that_was_broken_off_is_begun_again, setup, teardown),
		cmocka_unit_test_setup_teardown(a_changed_byte_is_found_and_a_torn_end_is_cut_off, setup, teardown),
		cmocka_unit_test_setup_teardown(a_shorter_journal_is_not_gone_on_with, setup, teardown),
		cmocka_unit_test_setup_teardown(every_prefix_of_a_record_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
