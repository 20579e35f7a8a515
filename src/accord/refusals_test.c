#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "accord/refusals.h"
#include "sys/files.h"

static char folder[64];

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/bw-refusals-XXXXXX");
	assert_non_null(mkdtemp(folder));
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "refused", "refused.1", "refused.key" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(names); i++) {
		char path[BW_PATH_BYTES];

		assert_ok(bw_path_join(path, folder, names[i]));
		(void)unlink(path);
	}
	return rmdir(folder);
}

static char said[4096];

static enum bw_err note(void *ctx, const struct bw_refusal *refusal)
{
	size_t *count = ctx;

	(void)snprintf(said, sizeof(said), "%.*s %.*s", BW_ARG(refusal->entry), BW_ARG(refusal->words));
	(*count)++;
	return BW_OK;
}

static size_t found(const char *id)
{
	size_t count = 0;

	said[0] = '\0';
	assert_ok(bw_refusals_find(folder, bw_slice_text(id), note, &count, NULL));
	return count;
}

static void what_was_refused_is_found_again_by_its_id_and_by_nothing_else(void **state)
{
	struct bw_refusals r = BW_REFUSALS_OVER(folder);
	BW_CLEANUP(bw_buf_release) struct bw_buf file = BW_BUF_INIT(BW_REFUSED_FILE_BYTES);
	char path[BW_PATH_BYTES];

	(void)state;
	assert_int_equal(found("tool--1"), 0); /* no files */
	assert_ok(bw_refusals_add(&r, BW_LIT("tool--1"), 7, 1, "refused: one\nline", NULL));
	assert_ok(bw_refusals_write(&r, NULL));
	bw_refusals_release(&r);
	r = BW_REFUSALS_OVER(folder); /* another life, the same key */
	assert_ok(bw_refusals_add(&r, BW_LIT("tool--2"), 8, 2, "refused: two", NULL));
	assert_ok(bw_refusals_add(&r, BW_LIT("tool--1"), 9, 3, "refused: again", NULL));
	assert_int_equal(found("tool--1"), 1);
	assert_string_equal(said, "7 refused: one line");
	assert_ok(bw_refusals_write(&r, NULL));
	assert_int_equal(found("tool--1"), 2);
	assert_string_equal(said, "9 refused: again");
	assert_int_equal(found("tool--3"), 0);
	assert_ok(bw_path_join(path, folder, "refused"));
	assert_ok(bw_file_read(path, &file, NULL));
	assert_null(memmem(file.ptr, file.len, "tool", 4));
	bw_refusals_release(&r);
}

static void a_partner_who_sends_nothing_else_costs_two_files(void **state)
{
	struct bw_refusals r = BW_REFUSALS_OVER(folder);
	char words[BW_REFUSED_WORDS_MAX + 10];

	(void)state;
	memset(words, 'x', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	assert_ok(bw_refusals_add(&r, BW_LIT("tool--first"), 0, 0, "w", NULL));
	for (unsigned i = 0; i < 20000; i++) {
		assert_ok(bw_refusals_add(&r, BW_LIT("tool--x"), i, i, words, NULL));
		if (i % 500 == 0)
			assert_ok(bw_refusals_write(&r, NULL));
	}
	assert_ok(bw_refusals_add(&r, BW_LIT("tool--last"), 0, 0, "w", NULL)); /* fits or not: no error */
	assert_ok(bw_refusals_write(&r, NULL));
	assert_int_equal(found("tool--first"), 0);
	assert_true(found("tool--x") > 1000 && found("tool--x") < 2 * BW_REFUSED_FILE_BYTES / BW_REFUSED_WORDS_MAX);
	bw_refusals_release(&r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_refused_is_found_again_by_its_id_and_by_nothing_else),
		TEST(a_partner_who_sends_nothing_else_costs_two_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
