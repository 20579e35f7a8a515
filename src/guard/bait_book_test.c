#include "guard/bait_book.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"

static const char two[] =
	"bait 17 0 99 1795420800000000 4096 1795400000 123456789 "
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f /srv/share/plan of May.txt\n"
	"bait 18 256 1 1795420800000001 5 -3600 0 "
	"ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f /srv/share/b\n"
	"gone 1795420800000002 /srv/share/thrown away\n";

static void open_book(struct bw_bait_book *book)
{
	assert_ok(bw_bait_book_init(book));
}

static void a_list_that_is_read_is_written_as_it_was(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(4096);
	struct bw_bait_book book;

	(void)state;
	open_book(&book);
	assert_ok(bw_bait_book_parse(bw_slice_text(two), &book));
	assert_int_equal(book.count, 2);
	assert_int_equal(book.baits[1].mtime_s, -3600);
	assert_int_equal(book.baits[0].sha256[31], 0x1f);
	assert_string_equal(book.baits[0].path, "/srv/share/plan of May.txt");
	assert_int_equal(book.rest_count, 1);
	assert_ok(bw_bait_book_write(&book, &again));
	assert_string_equal(bw_buf_text(&again), two);
	bw_bait_book_release(&book);
}

static void lines_that_mean_nothing_are_refused(void **state)
{
	static const char *const bad[] = {
		"bait",
		"bait 1 2 3\n",
		"lure 1 /srv\n",
		"gone 1 relative\n",
		"gone 1 \n",
		"gone 01 /srv\n",
		"gone -1 /srv\n",
		"gone 1 /srv/a\tb\n",
		"gone 1 /srv",
		"bait 17 0 4294967296 1 1 1 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f /a\n",
		"bait 17 0 1 1 1 1 1000000000 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f /a\n",
		"bait 17 0 1 1 1 -0 1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f /a\n",
		"bait 17 0 1 1 1 1 1 00010203 /a\n",
		"bait 17 0 1 1 1 1 1 FF0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f /a\n",
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(bad); i++) {
		struct bw_bait_book book;

		open_book(&book);
		assert_int_not_equal(bw_bait_book_parse(bw_slice_text(bad[i]), &book), BW_OK);
		bw_bait_book_release(&book);
	}
}

static void a_folder_whose_bait_was_thrown_away_rests_for_a_term(void **state)
{
	const int64_t day_us = INT64_C(86400) * 1000000;
	const int64_t now_us = 1795420800000000;
	const struct bw_slice folder = BW_LIT("/srv/share/a");
	struct bw_bait_book book;

	(void)state;
	open_book(&book);
	assert_false(bw_bait_book_rests(&book, folder, now_us));
	assert_ok(bw_bait_book_rest(&book, folder, now_us));
	assert_ok(bw_bait_book_rest(&book, folder, now_us + 1));
	assert_int_equal(book.rest_count, 1);
	assert_true(bw_bait_book_rests(&book, folder, now_us + 1));
	assert_true(bw_bait_book_rests(&book, folder, now_us + (BW_BAIT_REST_DAYS - 1) * day_us));
	assert_false(bw_bait_book_rests(&book, folder, now_us + (BW_BAIT_REST_DAYS + 1) * day_us));
	assert_false(bw_bait_book_rests(&book, folder, now_us - day_us)); /* the clock was set back */
	assert_false(bw_bait_book_rests(&book, BW_LIT("/srv/share"), now_us + 1));
	bw_bait_book_release(&book);
}

static void the_oldest_rest_gives_way_and_baits_have_a_limit(void **state)
{
	const struct bw_bait bait = { .path = "/srv/b" };
	struct bw_bait_book book;
	char path[64];

	(void)state;
	open_book(&book);
	for (unsigned i = 0; i <= BW_BAIT_RESTS_MAX; i++) {
		(void)snprintf(path, sizeof(path), "/srv/%u", i);
		assert_ok(bw_bait_book_rest(&book, bw_slice_text(path), 1000 + i));
	}
	assert_int_equal(book.rest_count, BW_BAIT_RESTS_MAX);
	assert_false(bw_bait_book_rests(&book, BW_LIT("/srv/0"), 9000));
	assert_true(bw_bait_book_rests(&book, BW_LIT("/srv/1"), 9000));
	for (unsigned i = 0; i < BW_BAITS_MAX; i++)
		assert_ok(bw_bait_book_add(&book, &bait));
	assert_int_equal(bw_bait_book_add(&book, &bait), BW_ERR_TOO_MANY);
	bw_bait_book_drop(&book, 0);
	assert_int_equal(book.count, BW_BAITS_MAX - 1);
	bw_bait_book_release(&book);
}

static void a_path_that_no_line_can_hold_is_refused(void **state)
{
	const struct bw_bait odd = { .path = "/srv/two\nlines" };
	struct bw_bait_book book;

	(void)state;
	open_book(&book);
	assert_int_equal(bw_bait_book_add(&book, &odd), BW_ERR_SYNTAX);
	assert_int_equal(book.count, 0);
	bw_bait_book_release(&book);
}

static void what_is_saved_is_loaded_and_none_is_an_empty_list(void **state)
{
	char data[] = "/tmp/bait-book-XXXXXX";
	char folder[64];
	char file[80];
	struct bw_bait_book book;
	struct bw_why why = { 0 };
	size_t count = 7;

	(void)state;
	assert_non_null(mkdtemp(data));
	(void)snprintf(folder, sizeof(folder), "%s/guard", data);
	(void)snprintf(file, sizeof(file), "%s/bait", folder);
	assert_ok(bw_folder_make(folder, NULL));
	assert_ok(bw_bait_count(data, &count, &why));
	assert_int_equal(count, 0);
	open_book(&book);
	assert_ok(bw_bait_book_parse(bw_slice_text(two), &book));
	assert_ok(bw_bait_book_save(data, &book, &why));
	bw_bait_book_release(&book);
	assert_ok(bw_bait_count(data, &count, &why));
	assert_int_equal(count, 2);
	assert_ok(bw_file_write(file, BW_LIT("rubbish\n"), 0600, NULL));
	assert_int_equal(bw_bait_count(data, &count, &why), BW_ERR_SYNTAX);
	assert_non_null(strstr(why.text, "cannot be read"));
	(void)unlink(file);
	(void)rmdir(folder);
	(void)rmdir(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_that_is_read_is_written_as_it_was),
		cmocka_unit_test(lines_that_mean_nothing_are_refused),
		cmocka_unit_test(a_folder_whose_bait_was_thrown_away_rests_for_a_term),
		cmocka_unit_test(the_oldest_rest_gives_way_and_baits_have_a_limit),
		cmocka_unit_test(a_path_that_no_line_can_hold_is_refused),
		cmocka_unit_test(what_is_saved_is_loaded_and_none_is_an_empty_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
