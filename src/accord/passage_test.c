#include "accord/passage.h"

#include "base/test.h"

static void add_all(struct bw_buf *out)
{
	const struct bw_proof proof = { .count = 2, .hashes = { { { 1 } }, { { 2 } } } };
	uint8_t body[64] = { 0, 0, 0, 0, 0, 0, 0, 9, 4 };

	assert_ok(bw_passage_add(out, BW_PASSAGE_CHECKPOINT, BW_LIT("note")));
	assert_ok(bw_passage_add(out, BW_PASSAGE_ENTRY, bw_slice_of(body, 60)));
	assert_ok(bw_passage_add(out, BW_PASSAGE_GONE, bw_slice_of(body, 40)));
	assert_ok(bw_passage_add_proof(out, 10, &proof));
	body[8] = 0;
	body[15] = 3;
	assert_ok(bw_passage_add(out, BW_PASSAGE_REST, bw_slice_of(body, 20)));
	assert_ok(bw_passage_add(out, BW_PASSAGE_END, BW_LIT("why")));
}

static void records_come_back_as_they_were_written(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf all = BW_BUF_INIT(4096);
	struct bw_passage_record r;
	struct bw_proof proof;
	struct bw_cursor c;

	(void)state;
	add_all(&all);
	c = bw_cursor_over(bw_buf_slice(&all));
	assert_ok(bw_passage_take(&c, &r));
	assert_slice(r.rest, "note");
	assert_ok(bw_passage_take(&c, &r));
	assert_int_equal(r.kind, BW_PASSAGE_ENTRY);
	assert_int_equal(r.number, 9);
	assert_int_equal(r.rest.len, 52);
	assert_ok(bw_passage_take(&c, &r));
	assert_int_equal(r.rest.len, 32);
	assert_ok(bw_passage_take(&c, &r));
	assert_int_equal(r.number, 10);
	assert_ok(bw_passage_proof(&r, &proof));
	assert_int_equal(proof.count, 2);
	assert_int_equal(proof.hashes[1].bytes[0], 2);
	assert_ok(bw_passage_take(&c, &r));
	assert_int_equal(r.number, 9);
	assert_int_equal(r.offset, 3);
	assert_int_equal(r.rest.len, 4);
	assert_ok(bw_passage_take(&c, &r));
	assert_slice(r.rest, "why");
	assert_int_equal(bw_cursor_left(&c), 0);
}

static void every_prefix_asks_for_more(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf all = BW_BUF_INIT(4096);
	struct bw_passage_record r;

	(void)state;
	assert_ok(bw_passage_add(&all, BW_PASSAGE_END, BW_LIT("why")));
	for (size_t n = 0; n < all.len; n++) {
		struct bw_cursor c = bw_cursor_over(bw_slice_of(all.ptr, n));

		assert_int_equal(bw_passage_take(&c, &r), BW_ERR_TRUNCATED);
		assert_int_equal(c.at, 0);
	}
}

static void what_is_too_long_or_unknown_is_refused_by_its_head(void **state)
{
	struct bw_passage_record r;
	struct bw_cursor c = bw_cursor_over(SLICE(9, 0, 0, 0, 0));

	(void)state;
	assert_int_equal(bw_passage_take(&c, &r), BW_ERR_TYPE);
	c = bw_cursor_over(SLICE(2, 0xff, 0, 0, 0));
	assert_int_equal(bw_passage_take(&c, &r), BW_ERR_TOO_BIG);
	c = bw_cursor_over(SLICE(3, 0, 0, 0, 5, 1, 2, 3, 4, 5));
	assert_int_equal(bw_passage_take(&c, &r), BW_ERR_SYNTAX);
}

static void a_place_is_written_in_one_way(void **state)
{
	const struct bw_passage_place place = { .entry = BW_TREE_SIZE_MAX, .byte = 5, .verified = BW_TREE_SIZE_MAX };
	struct bw_passage_place again;
	char text[BW_PASSAGE_PLACE_CHARS + 1];

	(void)state;
	bw_passage_place_format(&place, text);
	assert_ok(bw_passage_place_parse(bw_slice_text(text), &again));
	assert_memory_equal(&place, &again, sizeof(place));
	assert_int_equal(bw_passage_place_parse(BW_LIT("1.0"), &again), BW_ERR_SYNTAX);
	assert_int_equal(bw_passage_place_parse(BW_LIT("1.0.2"), &again), BW_ERR_RANGE);
	assert_int_equal(bw_passage_place_parse(BW_LIT("01.0.0"), &again), BW_ERR_SYNTAX);
	assert_int_equal(bw_passage_place_parse(BW_LIT("1.99999999999.0"), &again), BW_ERR_RANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_back_as_they_were_written),
		cmocka_unit_test(every_prefix_asks_for_more),
		cmocka_unit_test(what_is_too_long_or_unknown_is_refused_by_its_head),
		cmocka_unit_test(a_place_is_written_in_one_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
