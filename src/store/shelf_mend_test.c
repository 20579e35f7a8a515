/* A shelf that is damaged page by page: what the other pages hold is in the new one, and its books balance. */
#include "store/shelf_mend.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"
#include "store/sql.h"

enum { FOLDERS = 40, FILES = 600, VERSIONS = 3 * FILES };

struct fixture {
	char from[64];
	char work[64];
	char to[64];
	uint32_t folders[FOLDERS];
};

static void clear(const char *path)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char name[96];

	for (size_t i = 0; i < BW_COUNT(ends); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		(void)unlink(name);
	}
}

static void fill(struct fixture *f, struct bw_shelf *shelf)
{
	char text[64];

	for (unsigned i = 0; i < FOLDERS; i++) {
		const struct bw_shelf_folder folder = { .path = bw_slice_of(text, (size_t)snprintf(text, sizeof(text),
												   "homes/%u", i)),
							.handle = BW_LIT("12345678"),
							.meta = BW_LIT("what it is") };

		assert_ok(bw_shelf_folder_put(shelf, &folder, &f->folders[i]));
	}
	for (unsigned i = 0; i < VERSIONS; i++) {
		const unsigned file = i % FILES;
		struct bw_shelf_version version = { .key = { .ino = 100 + file, .gen = 1 },
						    .folder = f->folders[file % FOLDERS],
						    .name = bw_slice_of(text, (size_t)snprintf(text, sizeof(text),
											       "file %u.txt", file)),
						    .taken_us = 1000 + i,
						    .size = 10,
						    .pack = 1 + i / FILES,
						    .at = i * UINT64_C(42),
						    .kept_bytes = 42,
						    .kind = S_IFREG,
						    .incident = i == 7 ? 77 : 0,
						    .meta = BW_LIT("owner and mode and all that belongs to a file"),
						    .content = BW_LIT("123456789012345678901234") };

		assert_ok(bw_shelf_add(shelf, &version));
	}
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct bw_shelf *shelf;

	assert_non_null(f);
	(void)snprintf(f->from, sizeof(f->from), "/tmp/breakwater-mend-%d.db", getpid());
	(void)snprintf(f->work, sizeof(f->work), "/tmp/breakwater-mend-%d.db-work", getpid());
	(void)snprintf(f->to, sizeof(f->to), "/tmp/breakwater-mend-%d.db-mended", getpid());
	clear(f->from);
	clear(f->to);
	assert_ok(bw_shelf_create(f->from, NULL));
	assert_ok(bw_shelf_open(f->from, false, &shelf, NULL));
	fill(f, shelf);
	assert_ok(bw_shelf_rest(shelf));
	bw_shelf_close(shelf);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	clear(f->from);
	clear(f->work);
	clear(f->to);
	free(f);
	return 0;
}

static unsigned pages(const struct fixture *f)
{
	struct stat status;

	assert_int_equal(stat(f->from, &status), 0);
	return (unsigned)(status.st_size / BW_SQL_PAGE_BYTES);
}

/* A page's worth of rubbish; the one that stood there into `was`. */
static void spoil(const struct fixture *f, unsigned page, uint8_t was[BW_SQL_PAGE_BYTES])
{
	const int fd = open(f->from, O_RDWR | O_CLOEXEC);
	uint8_t rubbish[BW_SQL_PAGE_BYTES];

	memset(rubbish, 0xa5, sizeof(rubbish));
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, was, sizeof(rubbish), (off_t)page * BW_SQL_PAGE_BYTES), sizeof(rubbish));
	assert_int_equal(pwrite(fd, rubbish, sizeof(rubbish), (off_t)page * BW_SQL_PAGE_BYTES), sizeof(rubbish));
	assert_int_equal(close(fd), 0);
}

static void unspoil(const struct fixture *f, unsigned page, const uint8_t was[BW_SQL_PAGE_BYTES])
{
	const int fd = open(f->from, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, was, BW_SQL_PAGE_BYTES, (off_t)page * BW_SQL_PAGE_BYTES), BW_SQL_PAGE_BYTES);
	assert_int_equal(close(fd), 0);
}

static struct bw_shelf_salvaged salvage(const struct fixture *f)
{
	const struct bw_shelf_salvage plan = {
		.from = f->from, .work = f->work, .to = f->to, .most = VERSIONS, .now_us = 5000
	};
	struct bw_shelf_salvaged salvaged;
	struct bw_shelf *shelf;
	struct bw_why why = { "" };

	clear(f->to);
	if (bw_shelf_salvage(&plan, &salvaged, &why) != BW_OK)
		fail_msg("%s", why.text);
	assert_int_equal(access(f->work, F_OK), -1);
	assert_ok(bw_shelf_open(f->to, false, &shelf, NULL));
	if (bw_shelf_verify(shelf, &why) != BW_OK)
		fail_msg("%s", why.text);
	bw_shelf_close(shelf);
	return salvaged;
}

static void test_a_whole_shelf_comes_back_row_for_row(void **state)
{
	const struct fixture *f = *state;
	const struct bw_shelf_salvaged salvaged = salvage(f);

	assert_true(salvaged.has_head);
	assert_int_equal(salvaged.versions, VERSIONS);
	assert_int_equal(salvaged.files, FILES);
	assert_int_equal(salvaged.folders, FOLDERS + 1); /* and the one for what is lost */
	assert_int_equal(salvaged.torn + salvaged.adrift, 0);
}

static void test_whichever_page_is_lost_the_others_come_back(void **state)
{
	const struct fixture *f = *state;
	const unsigned count = pages(f);
	uint8_t was[BW_SQL_PAGE_BYTES];
	uint64_t whole = 0;

	for (unsigned page = 0; page < count; page++) {
		struct bw_shelf_salvaged salvaged;

		spoil(f, page, was);
		salvaged = salvage(f);
		assert_int_equal(salvaged.has_head, page != 0);
		/* the root of a table takes its table with it, another page the few rows on it */
		whole += salvaged.versions == VERSIONS ? 1 : 0;
		if (page == 0)
			assert_int_equal(salvaged.versions, VERSIONS);
		unspoil(f, page, was);
	}
	assert_true(whole > count / 3); /* indexes, and pages of other tables */
}

static void test_versions_of_a_lost_file_and_folder_keep_their_names(void **state)
{
	const struct fixture *f = *state;
	struct bw_shelf_salvaged salvaged;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(f->from, &db), SQLITE_OK);
	assert_ok(bw_sql_run(db, "DELETE FROM file WHERE ino = 107; DELETE FROM folder WHERE number = 3"));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	salvaged = salvage(f);
	assert_int_equal(salvaged.versions, VERSIONS);
	assert_int_equal(salvaged.adrift, 3 + VERSIONS / FOLDERS);
	assert_int_equal(sqlite3_open(f->to, &db), SQLITE_OK);
	{
		int64_t found;

		assert_ok(bw_sql_number(db, "SELECT count(*) FROM version WHERE name = CAST('file 7.txt' AS BLOB)",
					&found));
		assert_int_equal(found, 3);
		assert_ok(bw_sql_number(db, "SELECT count(*) FROM pin WHERE incident = 77", &found));
		assert_int_equal(found, 1);
		assert_ok(bw_sql_number(db,
					"SELECT count(*) FROM folder WHERE path ="
					" CAST('breakwater-lost/folder 3' AS BLOB)",
					&found));
		assert_int_equal(found, 1);
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_of_nothing_comes_an_empty_shelf(void **state)
{
	const struct fixture *f = *state;

	clear(f->from);
	assert_int_equal(salvage(f).versions, 0);
	{
		const int fd = open(f->from, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		assert_true(fd >= 0);
		assert_int_equal(write(fd, "no catalogue at all", 19), 19);
		assert_int_equal(close(fd), 0);
	}
	assert_int_equal(salvage(f).versions, 0);
}

static void test_a_content_without_a_name_is_found_by_its_number(void **state)
{
	const struct fixture *f = *state;
	const struct bw_shelf_nameless nameless = {
		.number = VERSIONS + 10, .size = 5, .pack = 9, .kept_bytes = 37, .taken_us = 4000, .gone_us = 5000
	};
	struct bw_shelf_nameless known = nameless;
	struct bw_shelf *shelf;

	known.number = 5;
	assert_ok(bw_shelf_open(f->from, false, &shelf, NULL));
	assert_ok(bw_shelf_add_nameless(shelf, &nameless));
	assert_int_equal(bw_shelf_add_nameless(shelf, &nameless), BW_ERR_EXISTS);
	assert_int_equal(bw_shelf_add_nameless(shelf, &known), BW_ERR_EXISTS);
	assert_int_equal(bw_shelf_next(shelf), VERSIONS + 11);
	assert_ok(bw_shelf_begin_pack(shelf, 10));
	assert_ok(bw_shelf_sync(shelf));
	assert_ok(bw_shelf_verify(shelf, NULL));
	bw_shelf_close(shelf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_whole_shelf_comes_back_row_for_row, setup, teardown),
		cmocka_unit_test_setup_teardown(test_whichever_page_is_lost_the_others_come_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_versions_of_a_lost_file_and_folder_keep_their_names, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_of_nothing_comes_an_empty_shelf, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_content_without_a_name_is_found_by_its_number, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
