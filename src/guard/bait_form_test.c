/* Names and contents of bait. */
#include "guard/bait_form.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"
#include "base/text.h"
#include "guard/bait_child.h"
#include "guard/bait_name.h"
#include "guard/content.h"
#include "guard/sim_parts.h"

static struct bw_bait_dice dice_of(uint64_t seed)
{
	struct bw_bait_dice dice = { .rolled = 0 };

	memcpy(dice.key, &seed, sizeof(seed));
	return dice;
}

/* ---- names ---------------------------------------------------------------------------------------------- */

static size_t listed(const char *const *texts, size_t count, struct bw_slice *out)
{
	for (size_t i = 0; i < count; i++)
		out[i] = bw_slice_text(texts[i]);
	return count;
}

static const char *const letters[] = {
	"Anna report 2023.docx",    "Ben report 2024.docx",   "Clara letter 2023.docx",
	"Dorota minutes 2024.docx", "Emeka letter 2024.docx", "Farah minutes 2023.docx",
	"Zoe letter 2023.docx",     "Uwe letter 2023.docx",   "a picture of 1999.jpeg",
};

static void a_name_is_made_of_its_neighbours_words_and_is_not_taken(void **state)
{
	struct bw_slice names[BW_COUNT(letters)];
	const size_t count = listed(letters, BW_COUNT(letters), names);

	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct bw_bait_dice dice = dice_of(seed);
		char name[BW_BAIT_NAME_BYTES];

		assert_ok(bw_bait_name(names, count, names[0], BW_BAIT_ANYWHERE, &dice, name));
		assert_true(bw_slice_is(bw_bait_ending(bw_slice_text(name)), "docx"));
		assert_null(strstr(name, "picture")); /* not of another kind's names */
		assert_null(strstr(name, "1999"));
		assert_true(strstr(name, "2023") != NULL || strstr(name, "2024") != NULL);
		for (size_t i = 0; i < count; i++)
			assert_false(bw_slice_is_nocase(names[i], name));
	}
}

static void names_stand_first_and_last_when_asked_to(void **state)
{
	struct bw_slice names[BW_COUNT(letters)];
	const size_t count = listed(letters, BW_COUNT(letters), names);
	struct bw_bait_dice dice = dice_of(7);
	char name[BW_BAIT_NAME_BYTES];

	(void)state;
	assert_ok(bw_bait_name(names, count, names[0], BW_BAIT_FIRST, &dice, name));
	assert_true(strcmp(name, "Anna report 2023.docx") < 0);
	assert_ok(bw_bait_name(names, count, names[0], BW_BAIT_LAST, &dice, name));
	assert_true(strcmp(name, "Zoe letter 2023.docx") > 0);
}

static void a_row_of_numbers_goes_on_with_its_zeros(void **state)
{
	static const char *const rows[] = { "scan0001.txt", "scan0002.txt", "scan0003.txt", "scan0004.txt" };
	struct bw_slice names[BW_COUNT(rows)];
	const size_t count = listed(rows, BW_COUNT(rows), names);

	(void)state;
	/* four digits are years to us: within the row, which is full, there is no other name */
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct bw_bait_dice dice = dice_of(seed);
		char name[BW_BAIT_NAME_BYTES];

		assert_int_equal(bw_bait_name(names, count, names[0], BW_BAIT_LAST, &dice, name), BW_ERR_NOT_FOUND);
	}
	{
		static const char *const longer[] = { "scan00001.txt", "scan00002.txt", "scan00003.txt" };
		struct bw_bait_dice dice = dice_of(1);
		char name[BW_BAIT_NAME_BYTES];

		assert_ok(bw_bait_name(names, listed(longer, BW_COUNT(longer), names), names[0], BW_BAIT_LAST, &dice,
				       name));
		assert_string_equal(name, "scan00007.txt");
	}
}

static void names_that_give_no_other_are_said_so(void **state)
{
	static const char *const bare[] = { "a", "b", "..x", ".", "" };
	struct bw_slice names[BW_COUNT(bare)];
	const size_t count = listed(bare, BW_COUNT(bare), names);
	struct bw_bait_dice dice = dice_of(1);
	char name[BW_BAIT_NAME_BYTES];

	(void)state;
	assert_int_equal(bw_bait_name(names, 0, names[0], BW_BAIT_ANYWHERE, &dice, name), BW_ERR_NOT_FOUND);
	assert_int_equal(bw_bait_name(names, count, names[0], BW_BAIT_ANYWHERE, &dice, name), BW_ERR_NOT_FOUND);
}

/* ---- contents ------------------------------------------------------------------------------------------------ */

static struct bw_buf formed(enum bw_bait_kind kind, struct bw_slice model, uint64_t seed)
{
	struct bw_buf out = BW_BUF_INIT(BW_BAIT_BYTES_MAX);
	struct bw_bait_dice dice = dice_of(seed);

	assert_ok(bw_bait_form(kind, model, &dice, &out));
	return out;
}

static enum bw_err refused(enum bw_bait_kind kind, struct bw_slice model)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_BAIT_BYTES_MAX);
	struct bw_bait_dice dice = dice_of(3);

	return bw_bait_form(kind, model, &dice, &out);
}

static bool has_word(struct bw_slice text, const char *word)
{
	const size_t len = strlen(word);

	for (size_t at = 0; at + len <= text.len; at++) {
		if (bw_slice_is(bw_slice_sub(text, at, len), word))
			return true;
	}
	return false;
}

static struct bw_buf made(enum bw_err (*make)(struct sim_dice *dice, size_t want, struct bw_buf *out), size_t want)
{
	struct bw_buf out = BW_BUF_INIT(BW_MIB);
	struct sim_dice dice = sim_dice_of(5, 5);

	assert_ok(make(&dice, want, &out));
	return out;
}

/* What the guard itself says of it. */
static void assert_good(struct bw_slice bytes, enum bw_format format)
{
	struct bw_content content;
	struct bw_sample sample = { .size = bytes.len, .count = 1, .pieces = { { 0, bytes } } };

	bw_content_of(&sample, &content);
	assert_int_equal(content.format, format);
	assert_int_equal(content.state, BW_STATE_GOOD);
}

static void a_text_is_laid_out_like_its_model_and_holds_no_number(void **state)
{
	struct bw_buf model = made(sim_make_text, 6000);
	struct bw_buf bait;

	(void)state;
	assert_ok(bw_buf_add_text(&model, "On 12 March 2025 give 250 mg to room 7a.\n"));
	bait = formed(BW_BAIT_TEXT, bw_buf_slice(&model), 1);
	assert_false(bw_slice_equals(bw_buf_slice(&model), bw_buf_slice(&bait)));
	assert_true(bait.len > model.len / 3 && bait.len < 2 * model.len);
	for (size_t i = 0; i < bait.len; i++)
		assert_false(bw_is_digit(bait.ptr[i]));
	assert_true(has_word(bw_buf_slice(&bait), "school"));
	assert_good(bw_buf_slice(&bait), BW_FORMAT_ASCII);
	bw_buf_release(&model);
	bw_buf_release(&bait);
}

static size_t marks(struct bw_slice line)
{
	size_t count = 0;

	for (size_t i = 0; i < line.len; i++)
		count += line.ptr[i] == ',';
	return count;
}

static void a_table_keeps_its_heading_and_its_columns(void **state)
{
	struct bw_buf model = BW_BUF_INIT(BW_MIB);
	struct bw_buf bait;
	struct bw_slice rest;
	struct bw_slice line;
	struct sim_dice dice = sim_dice_of(1, 1);

	(void)state;
	assert_ok(bw_buf_add_text(&model, "surname,subject,remark,room\n"));
	for (unsigned i = 0; i < 200; i++)
		assert_ok(bw_buf_addf(&model, "%s,%s,%s %s,%u\n", sim_word(&dice), sim_word(&dice), sim_word(&dice),
				      sim_word(&dice), i));
	bait = formed(BW_BAIT_TABLE, bw_buf_slice(&model), 2);
	rest = bw_buf_slice(&bait);
	assert_true(bw_slice_cut(rest, '\n', &line, &rest));
	assert_true(bw_slice_is(line, "surname,subject,remark,room"));
	while (bw_slice_cut(rest, '\n', &line, &rest))
		assert_int_equal(marks(line), 3);
	assert_int_equal(rest.len, 0);
	bw_buf_release(&model);
	bw_buf_release(&bait);
}

static void characters_beyond_ascii_stay_whole(void **state)
{
	struct bw_buf model = BW_BUF_INIT(BW_MIB);
	struct bw_buf bait;
	size_t at;

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		assert_ok(bw_buf_addf(&model, "Größe überprüfen %c%cß, dann naïve Façade – 日本語 %c%c\n",
				      'a' + (int)i % 26, 'a' + (int)i / 2, 'a' + (int)i / 3, 'a' + (int)i % 7));
	bait = formed(BW_BAIT_TEXT, bw_buf_slice(&model), 3);
	assert_true(bw_utf8_is_valid(bw_buf_slice(&bait), &at));
	assert_good(bw_buf_slice(&bait), BW_FORMAT_UTF8);
	bw_buf_release(&model);
	bw_buf_release(&bait);
}

static void a_document_of_words_is_a_whole_document_again(void **state)
{
	static const struct {
		enum bw_err (*make)(struct sim_dice *dice, size_t want, struct bw_buf *out);
		enum bw_format format;
	} rows[] = { { sim_make_docx, BW_FORMAT_OFFICE }, { sim_make_odt, BW_FORMAT_OFFICE } };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct bw_buf model = made(rows[i].make, 9000);
		struct bw_buf bait = formed(BW_BAIT_DOCUMENT, bw_buf_slice(&model), 4);
		struct bw_buf again = formed(BW_BAIT_DOCUMENT, bw_buf_slice(&bait), 5); /* it can be a model itself */
		struct bw_finding finding;
		const struct bw_versions versions = { bw_buf_slice(&model), bw_buf_slice(&bait), model.len, bait.len };

		assert_good(bw_buf_slice(&bait), rows[i].format);
		bw_content_compare_bytes(&versions, &finding); /* every checksum, by the guard's own second look */
		assert_int_equal(finding.strength, BW_STRENGTH_NONE);
		bw_buf_release(&model);
		bw_buf_release(&bait);
		bw_buf_release(&again);
	}
}

static void what_is_no_text_of_words_is_refused(void **state)
{
	struct bw_buf csv = made(sim_make_csv, 5000);
	struct bw_buf xlsx = made(sim_make_xlsx, 5000);
	struct bw_buf docx = made(sim_make_docx, 60000); /* with a picture */
	struct bw_buf pdf = made(sim_make_pdf, 5000);
	struct bw_buf numbers = BW_BUF_INIT(BW_MIB);
	struct bw_buf few = BW_BUF_INIT(BW_MIB);

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		assert_ok(bw_buf_addf(&numbers, "%u;%u;ok\n", i * 7919, i * 104729));
		assert_ok(bw_buf_add_text(&few, "always the same\n"));
	}
	assert_int_equal(refused(BW_BAIT_TABLE, bw_buf_slice(&numbers)), BW_ERR_UNSUPPORTED);
	assert_int_equal(refused(BW_BAIT_TEXT, bw_buf_slice(&few)), BW_ERR_UNSUPPORTED);
	assert_int_equal(refused(BW_BAIT_TEXT, BW_LIT("short")), BW_ERR_UNSUPPORTED);
	assert_int_equal(refused(BW_BAIT_TEXT, bw_buf_slice(&pdf)), BW_ERR_UNSUPPORTED);
	assert_int_equal(refused(BW_BAIT_DOCUMENT, bw_buf_slice(&pdf)), BW_ERR_UNSUPPORTED);
	assert_int_equal(refused(BW_BAIT_DOCUMENT, bw_buf_slice(&xlsx)), BW_ERR_UNSUPPORTED);
	assert_int_equal(refused(BW_BAIT_DOCUMENT, bw_buf_slice(&docx)), BW_ERR_UNSUPPORTED);
	assert_int_equal(refused(BW_BAIT_NONE, bw_buf_slice(&csv)), BW_ERR_UNSUPPORTED);
	bw_buf_release(&csv);
	bw_buf_release(&xlsx);
	bw_buf_release(&docx);
	bw_buf_release(&pdf);
	bw_buf_release(&numbers);
	bw_buf_release(&few);
}

static void a_document_that_is_damaged_anywhere_is_refused_or_whole(void **state)
{
	struct bw_buf model = made(sim_make_odt, 3000);

	(void)state;
	for (size_t at = 0; at < model.len; at += 7) {
		const uint8_t was = model.ptr[at];
		BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_BAIT_BYTES_MAX);
		struct bw_bait_dice dice = dice_of(at);

		model.ptr[at] ^= 0x55;
		bw_err_drop(bw_bait_form(BW_BAIT_DOCUMENT, bw_buf_slice(&model), &dice, &out)); /* it may not matter */
		model.ptr[at] = was;
	}
	for (size_t len = 0; len < model.len; len += 11)
		assert_int_equal(refused(BW_BAIT_DOCUMENT, bw_slice_sub(bw_buf_slice(&model), 0, len)),
				 BW_ERR_UNSUPPORTED);
	bw_buf_release(&model);
}

static void only_papers_that_people_write_are_imitated(void **state)
{
	(void)state;
	assert_int_equal(bw_bait_kind_of(BW_LIT("Plan.DOCX")), BW_BAIT_DOCUMENT);
	assert_int_equal(bw_bait_kind_of(BW_LIT("a.b.txt")), BW_BAIT_TEXT);
	assert_int_equal(bw_bait_kind_of(BW_LIT("marks.csv")), BW_BAIT_TABLE);
	assert_int_equal(bw_bait_kind_of(BW_LIT("nginx.conf")), BW_BAIT_NONE);
	assert_int_equal(bw_bait_kind_of(BW_LIT("run.sh")), BW_BAIT_NONE);
	assert_int_equal(bw_bait_kind_of(BW_LIT("budget.xlsx")), BW_BAIT_NONE);
	assert_int_equal(bw_bait_kind_of(BW_LIT("txt")), BW_BAIT_NONE);
	assert_int_equal(bw_bait_kind_of(BW_LIT(".txt")), BW_BAIT_NONE);
}

static void the_process_that_makes_bait_makes_it_and_outlives_what_it_refuses(void **state)
{
	struct bw_buf model = made(sim_make_text, 3000);
	struct bw_buf out = BW_BUF_INIT(BW_BAIT_BYTES_MAX);
	struct bw_bait_child child;
	struct bw_why why = { 0 };

	(void)state;
	assert_ok(bw_bait_child_start(&child, &why));
	assert_int_equal(bw_bait_child_form(&child, BW_BAIT_DOCUMENT, bw_buf_slice(&model), &out), BW_ERR_UNSUPPORTED);
	assert_ok(bw_bait_child_form(&child, BW_BAIT_TEXT, bw_buf_slice(&model), &out));
	assert_true(out.len > 1000);
	assert_int_equal(kill(child.pid, SIGKILL), 0);
	bw_buf_clear(&out);
	assert_int_equal(bw_bait_child_form(&child, BW_BAIT_TEXT, bw_buf_slice(&model), &out), BW_ERR_UNSUPPORTED);
	assert_ok(bw_bait_child_form(&child, BW_BAIT_TEXT, bw_buf_slice(&model), &out));
	bw_bait_child_stop(&child);
	bw_buf_release(&model);
	bw_buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_made_of_its_neighbours_words_and_is_not_taken),
		cmocka_unit_test(names_stand_first_and_last_when_asked_to),
		cmocka_unit_test(a_row_of_numbers_goes_on_with_its_zeros),
		cmocka_unit_test(names_that_give_no_other_are_said_so),
		cmocka_unit_test(a_text_is_laid_out_like_its_model_and_holds_no_number),
		cmocka_unit_test(a_table_keeps_its_heading_and_its_columns),
		cmocka_unit_test(characters_beyond_ascii_stay_whole),
		cmocka_unit_test(a_document_of_words_is_a_whole_document_again),
		cmocka_unit_test(what_is_no_text_of_words_is_refused),
		cmocka_unit_test(a_document_that_is_damaged_anywhere_is_refused_or_whole),
		cmocka_unit_test(only_papers_that_people_write_are_imitated),
		cmocka_unit_test(the_process_that_makes_bait_makes_it_and_outlives_what_it_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
