#include "store/shelf.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"

static const struct bw_shelf_key letter = { .ino = 7, .gen = 1 };

struct fixture {
	char path[64];
	struct bw_shelf *shelf;
	uint32_t folder;
};

static void unlink_all(const char *path)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char name[80];

	for (size_t i = 0; i < BW_COUNT(ends); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		(void)unlink(name);
	}
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct bw_shelf_folder folder = { .path = BW_LIT("anna"), .handle = BW_LIT("12345678") };

	assert_non_null(f);
	(void)snprintf(f->path, sizeof(f->path), "/tmp/breakwater-names-%d.db", getpid());
	unlink_all(f->path);
	assert_ok(bw_shelf_create(f->path, NULL));
	assert_ok(bw_shelf_open(f->path, false, &f->shelf, NULL));
	assert_ok(bw_shelf_folder_put(f->shelf, &folder, &f->folder));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_ok(bw_shelf_commit(f->shelf));
	assert_ok(bw_shelf_verify(f->shelf, NULL));
	bw_shelf_close(f->shelf);
	unlink_all(f->path);
	free(f);
	return 0;
}

static uint64_t add(struct fixture *f, const char *name, int64_t taken_us, bool several)
{
	struct bw_shelf_version version = { .key = letter,
					    .folder = f->folder,
					    .name = bw_slice_text(name),
					    .taken_us = taken_us,
					    .kind = 0100000,
					    .several = several };

	assert_ok(bw_shelf_add(f->shelf, &version));
	return version.number;
}

static enum bw_err see(void *context, const struct bw_shelf_name *name)
{
	char(*text)[128] = context;
	const size_t len = strlen(*text);

	(void)snprintf(*text + len, sizeof(*text) - len, "%s%.*s/%.*s", len > 0 ? " " : "", BW_ARG(name->path),
		       BW_ARG(name->name));
	return BW_OK;
}

static const char *names(struct fixture *f, int64_t at_us)
{
	static char text[128];

	text[0] = '\0';
	assert_ok(bw_shelf_names(f->shelf, &letter, at_us, see, &text));
	return text;
}

static void a_file_with_one_name_has_none_noted(void **state)
{
	struct fixture *f = *state;

	(void)add(f, "letter", 100, false);
	assert_string_equal(names(f, 100), "");
	assert_ok(bw_shelf_name_gone(f->shelf, &letter, f->folder, BW_LIT("letter"), 200));
	assert_string_equal(names(f, 300), "");
}

static void each_name_is_there_from_when_it_came_until_it_went(void **state)
{
	struct fixture *f = *state;

	(void)add(f, "letter", 100, false);
	assert_ok(bw_shelf_name_put(f->shelf, &letter, f->folder, BW_LIT("copy"), 200));
	assert_string_equal(names(f, 150), "anna/letter");
	assert_string_equal(names(f, 200), "anna/copy anna/letter");
	assert_ok(bw_shelf_name_gone(f->shelf, &letter, f->folder, BW_LIT("letter"), 300));
	assert_string_equal(names(f, 299), "anna/copy anna/letter");
	assert_string_equal(names(f, 300), "anna/copy");
	assert_ok(bw_shelf_rename(f->shelf, &letter, 0, bw_slice_empty, 400)); /* its last name */
	assert_string_equal(names(f, 399), "anna/copy");
	assert_string_equal(names(f, 400), "");
	assert_ok(bw_shelf_name_put(f->shelf, &letter, f->folder, BW_LIT("copy"), 500));
	assert_string_equal(names(f, 500), "anna/copy");
}

static void a_version_of_a_file_with_several_names_notes_its_own(void **state)
{
	struct fixture *f = *state;
	static char text[128];

	(void)add(f, "letter", 100, true);
	(void)add(f, "copy", 101, true);
	assert_string_equal(names(f, 101), "anna/copy anna/letter");
	assert_ok(bw_shelf_names_below(f->shelf, BW_LIT("anna"), 101, see, &text));
	assert_string_equal(text, "anna/copy anna/letter");
	text[0] = '\0';
	assert_ok(bw_shelf_names_below(f->shelf, BW_LIT("ann"), 101, see, &text));
	assert_string_equal(text, "");
}

static enum bw_err see_version(void *context, const struct bw_shelf_version *version)
{
	uint64_t *sum = context;

	*sum += version->number;
	return BW_OK;
}

static void versions_of_files_that_are_gone_are_found_by_the_folder_they_were_taken_in(void **state)
{
	struct fixture *f = *state;
	const struct bw_shelf_folder elsewhere = { .path = BW_LIT("annabel"), .handle = BW_LIT("12345678") };
	uint64_t sum = 0;
	uint32_t folder = 0;

	assert_ok(bw_shelf_folder_put(f->shelf, &elsewhere, &folder));
	(void)add(f, "letter", 100, false);
	(void)add(f, "letter", 200, false);
	assert_ok(bw_shelf_gone_below(f->shelf, BW_LIT("anna"), see_version, &sum));
	assert_int_equal(sum, 0);
	assert_ok(bw_shelf_rename(f->shelf, &letter, folder, BW_LIT("letter"), 0)); /* moved away, and then removed */
	assert_ok(bw_shelf_rename(f->shelf, &letter, 0, bw_slice_empty, 300));
	assert_ok(bw_shelf_gone_below(f->shelf, BW_LIT("annabel"), see_version, &sum));
	assert_int_equal(sum, 0);
	assert_ok(bw_shelf_gone_below(f->shelf, BW_LIT("anna"), see_version, &sum));
	assert_int_equal(sum, 1 + 2);
}

static void names_go_with_their_file_and_when_nobody_can_ask_for_them_any_more(void **state)
{
	struct fixture *f = *state;
	const int64_t hour_us = INT64_C(3600) * 1000000;
	const uint64_t version = add(f, "letter", 100, true);

	assert_ok(bw_shelf_name_put(f->shelf, &letter, f->folder, BW_LIT("a moment"), 200));
	assert_ok(bw_shelf_name_gone(f->shelf, &letter, f->folder, BW_LIT("a moment"), 300));
	assert_ok(bw_shelf_names_thin(f->shelf, hour_us, 0));
	assert_string_equal(names(f, 250), "anna/a moment anna/letter");
	assert_ok(bw_shelf_names_thin(f->shelf, 2 * hour_us, 0));
	assert_string_equal(names(f, 250), "anna/letter");
	assert_ok(bw_shelf_rename(f->shelf, &letter, 0, bw_slice_empty, 400));
	assert_ok(bw_shelf_drop(f->shelf, version));
	(void)add(f, "another", 500, false);
	assert_string_equal(names(f, 250), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			versions_of_files_that_are_gone_are_found_by_the_folder_they_were_taken_in, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_with_one_name_has_none_noted, setup, teardown),
		cmocka_unit_test_setup_teardown(each_name_is_there_from_when_it_came_until_it_went, setup, teardown),
		cmocka_unit_test_setup_teardown(a_version_of_a_file_with_several_names_notes_its_own, setup, teardown),
		cmocka_unit_test_setup_teardown(names_go_with_their_file_and_when_nobody_can_ask_for_them_any_more,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
