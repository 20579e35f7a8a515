#include "guard/report_form.h"

#include "base/test.h"
#include "sys/frame.h"

static void every_form_comes_back_as_it_went(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	const struct bw_look look = { .at = BW_LOOK_FILE,
				      .file = { 1, 2, 3, 4 },
				      .made = { 5, 6, 7, 8 },
				      .version = 9,
				      .max = 10,
				      .sample = 11,
				      .since_us = 12,
				      .pid = 13,
				      .start_ns = 14 };
	const struct bw_seen seen = { .at = BW_LOOK_FOLDER,
				      .path = BW_LIT("/a"),
				      .path_now = BW_LIT("/b"),
				      .before = { true, true, 5, { 1 } },
				      .after = { true, false, 6, { 0 } },
				      .sample = BW_LIT("s"),
				      .note_count = 1,
				      .notes = { { BW_LIT("n"), { true, true, 1, { 2 } }, BW_LIT("text") } } };
	const struct bw_compose composed = {
		.incident = 1, .stage = BW_STAGE_WHOLE, .number = 2, .decided_ns = 3, .decided_us = 4, .of_drill = 5
	};
	struct bw_compose composed_back;
	struct bw_look look_back;
	struct bw_seen seen_back;

	(void)state;
	assert_ok(bw_look_add(&out, &look));
	assert_ok(bw_look_parse(bw_buf_slice(&out), &look_back));
	assert_memory_equal(&look, &look_back, sizeof(look));
	bw_buf_clear(&out);
	assert_ok(bw_seen_add(&out, &seen));
	assert_ok(bw_seen_parse(bw_buf_slice(&out), &seen_back));
	assert_slice(seen_back.path, "/a");
	assert_slice(seen_back.notes[0].text, "text");
	assert_int_equal(seen_back.after.size, 6);
	assert_false(seen_back.after.is_hashed);
	bw_buf_clear(&out);
	assert_ok(bw_compose_add(&out, &composed, true));
	assert_ok(bw_compose_parse(bw_buf_slice(&out), true, &composed_back));
	assert_int_equal(composed_back.decided_us, 4);
	assert_int_equal(composed_back.of_drill, 5);
	assert_int_equal(bw_compose_parse(bw_buf_slice(&out), false, &composed_back), BW_ERR_PROTOCOL);
}

static void every_prefix_and_a_byte_more_is_refused(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_FRAME_BODY_MAX);
	const struct bw_report_word word = { 1, 2, 3, BW_LIT("words") };
	const struct bw_image image = { 5, 6, BW_LIT("/x"), BW_LIT("x -y") };
	struct bw_report_word word_back;
	struct bw_image image_back;

	(void)state;
	assert_ok(bw_report_word_add(&out, BW_REPORT_SHARED, &word));
	for (size_t n = 0; n < out.len; n++)
		assert_int_equal(
			bw_report_word_parse(bw_slice_sub(bw_buf_slice(&out), 0, n), BW_REPORT_SHARED, &word_back),
			BW_ERR_PROTOCOL);
	assert_ok(bw_report_word_parse(bw_buf_slice(&out), BW_REPORT_SHARED, &word_back));
	assert_ok(bw_buf_add_u8(&out, 0));
	assert_int_equal(bw_report_word_parse(bw_buf_slice(&out), BW_REPORT_SHARED, &word_back), BW_ERR_PROTOCOL);
	bw_buf_clear(&out);
	assert_ok(bw_image_add(&out, &image));
	for (size_t n = 0; n < out.len; n++)
		assert_int_equal(bw_image_parse(bw_slice_sub(bw_buf_slice(&out), 0, n), &image_back), BW_ERR_PROTOCOL);
	assert_ok(bw_image_parse(bw_buf_slice(&out), &image_back));
	assert_slice(image_back.command, "x -y");
}

static void a_piece_has_a_name_that_leads_nowhere_else(void **state)
{
	static const char *const wrong[] = { "",
					     ".",
					     "..",
					     ".x",
					     "a/b",
					     "../x",
					     "A",
					     "a b",
					     "a\n",
					     "\xff",
					     "this-name-is-longer-than-any-file-of-a-report-is.txt" };
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(4096);
	struct bw_report_piece piece;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(wrong); i++) {
		struct bw_cursor c;

		bw_buf_clear(&out);
		assert_ok(bw_report_piece_add(&out, wrong[i], BW_LIT("x")));
		c = bw_cursor_over(bw_buf_slice(&out));
		assert_int_equal(bw_report_piece_next(&c, &piece), BW_ERR_PROTOCOL);
	}
	assert_true(bw_report_piece_name_is_fine(BW_LIT("sample-01.bin")));
}

static void an_import_that_was_refused_whole_is_not_taken_for_done(void **state)
{
	(void)state;
	assert_ok(bw_report_imported(0, BW_LIT("{\"objects\":2,\"added\":2,\"duplicate\":0}")));
	assert_int_equal(bw_report_imported(1, BW_LIT("refused: x\n{\"objects\":3,\"added\":2,\"duplicate\":0}")),
			 BW_ERR_CONFLICT);
	assert_int_equal(bw_report_imported(1, BW_LIT("{\"objects\":3,\"added\":0,\"duplicate\":1}")), BW_ERR_CONFLICT);
	assert_int_equal(bw_report_imported(1, BW_LIT("{\"objects\":3,\"added\":0,\"duplicate\":0}")), BW_ERR_IO);
	assert_int_equal(bw_report_imported(1, BW_LIT("{\"added\":9}\n{\"added\":0,\"duplicate\":0}")), BW_ERR_IO);
	assert_int_equal(bw_report_imported(1, BW_LIT("\"added\":")), BW_ERR_IO);
	assert_int_equal(bw_report_imported(1, bw_slice_empty), BW_ERR_IO);
	assert_int_equal(bw_report_imported(3, BW_LIT("{\"added\":2}")), BW_ERR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_comes_back_as_it_went),
		cmocka_unit_test(every_prefix_and_a_byte_more_is_refused),
		cmocka_unit_test(a_piece_has_a_name_that_leads_nowhere_else),
		cmocka_unit_test(an_import_that_was_refused_whole_is_not_taken_for_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
