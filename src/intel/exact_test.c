#include "intel/exact.h"

#include <stdio.h>

#include "base/test.h"

enum { MANY = 5000 };

static const struct bw_exact_value few[] = {
	{ BW_TRAIT_NAME, { (const uint8_t *)"how_to_pay.txt", 14 }, { (const uint8_t *)"a", 1 } },
	{ BW_TRAIT_ENDING, { (const uint8_t *)"locked", 6 }, { (const uint8_t *)"b", 1 } },
	{ BW_TRAIT_ENDING, { (const uint8_t *)"[bad@mail].x1", 13 }, { (const uint8_t *)"c", 1 } },
	{ BW_TRAIT_NAME, { (const uint8_t *)"how_to_pay.txt", 14 }, { (const uint8_t *)"second", 6 } },
};

static void what_was_put_in_is_found_and_nothing_else(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_EXACT_BYTES_MAX);
	static struct bw_exact_value values[MANY];
	static char texts[MANY][16];
	struct bw_exact_found found;
	struct bw_exact set;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		(void)snprintf(texts[i], sizeof(texts[i]), "name%zu", i);
		values[i] = (struct bw_exact_value){ BW_TRAIT_NAME, bw_slice_text(texts[i]), bw_slice_text(texts[i]) };
	}
	assert_ok(bw_exact_write(values, MANY, &bytes));
	assert_ok(bw_exact_open(bw_buf_slice(&bytes), &set));
	assert_int_equal(set.count, MANY);
	for (size_t i = 0; i < MANY; i++) {
		assert_true(bw_exact_find(&set, BW_TRAIT_NAME, values[i].text, &found));
		assert_int_equal(found.number, i);
		assert_true(bw_slice_equals(found.note, values[i].text));
		assert_false(bw_exact_find(&set, BW_TRAIT_ENDING, values[i].text, &found));
	}
	assert_false(bw_exact_find(&set, BW_TRAIT_NAME, BW_LIT("name5000"), &found));
	assert_false(bw_exact_find(&set, BW_TRAIT_NAME, bw_slice_empty, &found));
}

static void a_files_name_is_looked_up_whole_and_by_its_endings(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_EXACT_BYTES_MAX);
	struct bw_exact_found found;
	struct bw_exact set;

	(void)state;
	assert_ok(bw_exact_write(few, BW_COUNT(few), &bytes));
	assert_ok(bw_exact_open(bw_buf_slice(&bytes), &set));
	assert_int_equal(set.count, 3);
	assert_true(bw_exact_find_name(&set, BW_LIT("HOW_TO_PAY.txt"), &found));
	assert_slice(found.note, "a"); /* the first stays */
	assert_true(bw_exact_find_name(&set, BW_LIT("plan.docx.LOCKED"), &found));
	assert_slice(found.note, "b");
	assert_true(bw_exact_find_name(&set, BW_LIT("a.id-7.[bad@mail].x1"), &found));
	assert_slice(found.note, "c");
	assert_false(bw_exact_find_name(&set, BW_LIT("locked"), &found));
	assert_false(bw_exact_find_name(&set, BW_LIT(".locked"), &found)); /* a hidden file, not an ending */
	assert_false(bw_exact_find_name(&set, BW_LIT("a.locked.docx.b.c.d"), &found));
}

static void an_empty_set_holds_nothing(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_EXACT_BYTES_MAX);
	struct bw_exact_found found;
	struct bw_exact set;

	(void)state;
	assert_ok(bw_exact_write(NULL, 0, &bytes));
	assert_ok(bw_exact_open(bw_buf_slice(&bytes), &set));
	assert_false(bw_exact_find_name(&set, BW_LIT("a.locked"), &found));
}

static void no_prefix_and_no_changed_byte_leads_astray(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_EXACT_BYTES_MAX);
	struct bw_exact_found found;
	struct bw_exact set;

	(void)state;
	assert_ok(bw_exact_write(few, BW_COUNT(few), &bytes));
	for (size_t n = 0; n < bytes.len; n++)
		assert_int_not_equal(bw_exact_open(bw_slice_sub(bw_buf_slice(&bytes), 0, n), &set), BW_OK);
	for (size_t i = 0; i < bytes.len; i++) {
		bytes.ptr[i] ^= 0x41;
		if (bw_exact_open(bw_buf_slice(&bytes), &set) == BW_OK)
			bw_exact_find_name(&set, BW_LIT("plan.docx.locked"), &found); /* comes back */
		bytes.ptr[i] ^= 0x41;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_in_is_found_and_nothing_else),
		cmocka_unit_test(a_files_name_is_looked_up_whole_and_by_its_endings),
		cmocka_unit_test(an_empty_set_holds_nothing),
		cmocka_unit_test(no_prefix_and_no_changed_byte_leads_astray),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
