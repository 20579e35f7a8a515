#include "guard/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"

#define WALL_US INT64_C(1795400000000000)

enum { ID = 77 };

struct place {
	char data[64];
	struct bw_node_keys *keys;
	struct bw_evidence_manifest *manifest;
	struct bw_buf text;
};

static void make_folder(const char *data, const char *name)
{
	char path[BW_PATH_BYTES];

	assert_ok(bw_path_join(path, data, name));
	assert_int_equal(mkdir(path, 0700), 0);
}

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	(void)snprintf(place->data, sizeof(place->data), "/tmp/guard-evidence-XXXXXX");
	assert_non_null(mkdtemp(place->data));
	make_folder(place->data, "guard");
	assert_ok(bw_node_keys_make(&place->keys));
	place->manifest = calloc(1, sizeof(*place->manifest));
	assert_non_null(place->manifest);
	place->text = BW_BUF_INIT(BW_REPORT_MANIFEST_BYTES);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", place->data);
	assert_int_equal(system(command), 0);
	bw_node_keys_free(place->keys);
	bw_buf_release(&place->text);
	free(place->manifest);
	free(place);
	return 0;
}

/* A sealed report, and its pieces as they were handed in. */
static void finish(struct place *place, uint32_t number, bool with_seal, struct bw_buf *mark)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf pieces = BW_BUF_INIT(BW_REPORT_PIECES_BYTES);
	struct bw_why why = { 0 };

	assert_ok(bw_report_piece_add(&pieces, "page.txt", BW_LIT("what happened\n")));
	assert_ok(bw_report_piece_add(&pieces, "facts.json", BW_LIT("{}\n")));
	assert_ok(bw_report_piece_add(&pieces, "sample-01.bin", bw_slice_empty));
	*place->manifest = (struct bw_evidence_manifest){ .incident = ID,
							  .number = number,
							  .decided_us = WALL_US,
							  .sealed_us = WALL_US + 1000000,
							  .indicators_ms = 12,
							  .sealed_ms = -1,
							  .ledger = { 5, { 9 } } };
	assert_ok(bw_evidence_write(place->data, bw_buf_slice(&pieces), place->manifest, &why));
	bw_buf_clear(&place->text);
	assert_ok(bw_evidence_manifest_add(&place->text, place->manifest));
	assert_ok(bw_evidence_seal(place->keys, bw_buf_slice(&place->text), mark));
	assert_ok(bw_evidence_finish(place->data, place->manifest, bw_buf_slice(&place->text),
				     with_seal ? bw_buf_slice(mark) : bw_slice_empty, &why));
}

static void seal(struct place *place, uint32_t number)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf mark = BW_BUF_INIT(BW_REPORT_SEAL_BYTES);

	finish(place, number, true, &mark);
}

static enum bw_err verify(struct place *place, struct bw_why *why)
{
	struct bw_node_public node;

	return bw_evidence_verify(place->data, ID, 1, place->manifest, &node, why);
}

static void a_manifest_reads_back_and_every_prefix_is_none(void **state)
{
	struct place *place = *state;

	seal(place, 1);
	assert_ok(bw_evidence_manifest_parse(bw_buf_slice(&place->text), place->manifest));
	assert_int_equal(place->manifest->count, 3);
	assert_string_equal(place->manifest->files[0].name, "facts.json"); /* by name */
	assert_int_equal(place->manifest->indicators_ms, 12);
	assert_int_equal(place->manifest->sealed_ms, -1);
	for (size_t n = 0; n + 1 < place->text.len; n++) {
		const struct bw_slice part = bw_slice_sub(bw_buf_slice(&place->text), 0, n);

		/* a list that ends with a whole line is a manifest, of fewer files: the seal tells them apart */
		if (n == 0 || part.ptr[n - 1] != '\n')
			assert_int_not_equal(bw_evidence_manifest_parse(part, place->manifest), BW_OK);
	}
}

static void a_sealed_report_verifies(void **state)
{
	struct place *place = *state;
	struct bw_why why = { 0 };

	seal(place, 1);
	assert_ok(verify(place, &why));
	assert_int_equal(bw_evidence_newest(place->data, ID), 1);
}

static void touch_byte(const char *path, size_t at)
{
	FILE *file = fopen(path, "r+b");
	int c;

	assert_non_null(file);
	assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
	c = fgetc(file);
	assert_int_not_equal(c, EOF);
	assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
	assert_int_not_equal(fputc(c ^ 1, file), EOF);
	assert_int_equal(fclose(file), 0);
}

static void one_byte_that_was_touched_is_found_by_name(void **state)
{
	static const char *const names[] = { "page.txt", "facts.json", "manifest", "seal" };
	struct place *place = *state;

	seal(place, 1);
	for (size_t i = 0; i < BW_COUNT(names); i++) {
		char folder[BW_PATH_BYTES];
		char path[BW_PATH_BYTES];
		struct stat status;

		assert_ok(bw_evidence_report(place->data, ID, 1, folder));
		assert_ok(bw_path_join(path, folder, names[i]));
		assert_int_equal(stat(path, &status), 0);
		/* of the seal, which is long, some */
		for (size_t at = 0; at < (size_t)status.st_size; at += i == 3 ? 577 : 1) {
			struct bw_why why = { 0 };
			struct bw_why after = { 0 };

			touch_byte(path, at);
			assert_int_not_equal(verify(place, &why), BW_OK);
			assert_non_null(strstr(why.text, names[i]));
			touch_byte(path, at);
			assert_ok(verify(place, &after));
		}
	}
}

static void what_was_added_or_taken_away_is_found(void **state)
{
	struct place *place = *state;
	char folder[BW_PATH_BYTES];
	char path[BW_PATH_BYTES];
	struct bw_why why = { 0 };

	seal(place, 1);
	assert_ok(bw_evidence_report(place->data, ID, 1, folder));
	assert_ok(bw_path_join(path, folder, "more.txt"));
	assert_ok(bw_file_write(path, BW_LIT("x"), 0600, &why));
	assert_int_equal(verify(place, &why), BW_ERR_CORRUPT);
	assert_non_null(strstr(why.text, "more.txt"));
	assert_int_equal(unlink(path), 0);
	assert_ok(bw_path_join(path, folder, "facts.json"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(verify(place, &why), BW_ERR_CORRUPT);
	assert_non_null(strstr(why.text, "facts.json"));
}

static void only_manifests_are_sealed(void **state)
{
	struct place *place = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf mark = BW_BUF_INIT(BW_REPORT_SEAL_BYTES);

	assert_int_equal(bw_evidence_seal(place->keys, BW_LIT("pay 100 to eve"), &mark), BW_ERR_SYNTAX);
	assert_int_equal(bw_evidence_seal(place->keys, bw_slice_empty, &mark), BW_ERR_SYNTAX);
}

static void of_many_reports_the_first_and_the_newest_stay(void **state)
{
	struct place *place = *state;
	uint32_t numbers[64];

	for (uint32_t n = 1; n <= 12; n++)
		seal(place, n);
	bw_evidence_thin(place->data, ID);
	assert_int_equal(bw_evidence_reports(place->data, ID, numbers, BW_COUNT(numbers)), BW_EVIDENCE_KEPT);
	assert_int_equal(numbers[0], 1);
	assert_int_equal(numbers[1], 12 - BW_EVIDENCE_KEPT + 2);
	assert_int_equal(numbers[BW_EVIDENCE_KEPT - 1], 12);
	assert_true(bw_evidence_bytes(place->data, ID) > 0);
	bw_evidence_remove(place->data, ID);
	assert_int_equal(bw_evidence_newest(place->data, ID), 0);
}

static void a_report_that_was_cut_short_does_not_count(void **state)
{
	struct place *place = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf pieces = BW_BUF_INIT(4096);
	struct bw_why why = { 0 };

	assert_ok(bw_report_piece_add(&pieces, "page.txt", BW_LIT("half")));
	*place->manifest = (struct bw_evidence_manifest){ .incident = ID, .number = 1 };
	assert_ok(bw_evidence_write(place->data, bw_buf_slice(&pieces), place->manifest, &why));
	assert_int_equal(bw_evidence_newest(place->data, ID), 0);
	seal(place, 1);
	assert_ok(verify(place, &why));
}

static void a_report_without_a_seal_is_found_and_sealed_later_as_it_was_written(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf mark = BW_BUF_INIT(BW_REPORT_SEAL_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_REPORT_MANIFEST_BYTES);
	struct place *place = *state;
	struct bw_why why = { 0 };

	seal(place, 2);
	assert_int_equal(bw_evidence_unsealed(place->data, ID, 0, &text, place->manifest, &why), BW_ERR_NOT_FOUND);
	finish(place, 1, false, &mark);
	assert_int_equal(verify(place, &why), BW_ERR_MISSING);
	assert_false(bw_evidence_has_seal(place->data, ID, 1));
	assert_ok(bw_evidence_unsealed(place->data, ID, 0, &text, place->manifest, &why));
	assert_int_equal(place->manifest->number, 1);
	assert_true(bw_slice_equals(bw_buf_slice(&text), bw_buf_slice(&place->text)));
	assert_int_equal(bw_evidence_unsealed(place->data, ID, 1, &text, place->manifest, &why), BW_ERR_NOT_FOUND);
	assert_ok(bw_evidence_seal_add(place->data, ID, 1, bw_buf_slice(&mark), &why));
	assert_ok(verify(place, &why));
	assert_int_equal(bw_evidence_seal_add(place->data, ID, 1, bw_buf_slice(&mark), &why), BW_ERR_EXISTS);
}

static void a_report_without_a_seal_that_was_touched_gets_none(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf mark = BW_BUF_INIT(BW_REPORT_SEAL_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_REPORT_MANIFEST_BYTES);
	struct place *place = *state;
	char folder[BW_PATH_BYTES];
	char path[BW_PATH_BYTES];
	struct bw_why why = { 0 };

	finish(place, 1, false, &mark);
	assert_ok(bw_evidence_report(place->data, ID, 1, folder));
	assert_ok(bw_path_join(path, folder, "page.txt"));
	touch_byte(path, 0);
	assert_int_equal(bw_evidence_unsealed(place->data, ID, 0, &text, place->manifest, &why), BW_ERR_CORRUPT);
	assert_int_equal(place->manifest->number, 1);
	assert_non_null(strstr(why.text, "page.txt"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_manifest_reads_back_and_every_prefix_is_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_sealed_report_verifies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_byte_that_was_touched_is_found_by_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_added_or_taken_away_is_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(only_manifests_are_sealed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(of_many_reports_the_first_and_the_newest_stay, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_report_that_was_cut_short_does_not_count, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_report_without_a_seal_is_found_and_sealed_later_as_it_was_written,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_report_without_a_seal_that_was_touched_gets_none, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
