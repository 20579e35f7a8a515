#include <stdlib.h>

#include "base/test.h"
#include "bench/content_files.h"
#include "bench/content_patterns.h"
#include "guard/second.h"

enum { SIZE = 200 * 1000, ENDS = 20 * 1000 };

struct pair {
	struct bw_buf old;
	struct bw_buf new;
};

static struct pair pair_of(const char *maker, size_t size)
{
	struct pair pair = { BW_BUF_INIT(SIZE_MAX / 2), BW_BUF_INIT(SIZE_MAX / 2) };

	bw_maker_named(maker)->make(size, 7, &pair.old);
	assert_ok(bw_buf_add(&pair.new, bw_buf_slice(&pair.old)));
	return pair;
}

static void pair_release(struct pair *pair)
{
	bw_buf_release(&pair->old);
	bw_buf_release(&pair->new);
}

static struct bw_second_answer look(const struct pair *pair)
{
	const struct bw_second_view view = { .token = 9,
					     .versions = { bw_buf_slice(&pair->old), bw_buf_slice(&pair->new),
							   pair->old.len, pair->new.len } };
	struct bw_second_answer answer;

	bw_second_compare(&view, &answer);
	assert_int_equal(answer.token, 9);
	return answer;
}

static bool has_strong(const struct bw_second_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++) {
		if (answer->tests[i].strength == BW_STRENGTH_STRONG)
			return true;
	}
	return false;
}

static void the_middle_of_a_packed_file_is_seen_though_its_ends_stayed(void **state)
{
	static const char *const makers[] = { "docx", "zip", "gzip", "png" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(makers); i++) {
		struct pair pair = pair_of(makers[i], SIZE);
		struct bw_second_answer answer;

		assert_true(pair.new.len > 4 * (size_t)ENDS);
		bw_shape_noise(3, pair.new.ptr + ENDS, pair.new.len - 2 * (size_t)ENDS);
		answer = look(&pair);
		if (!has_strong(&answer))
			print_error("%s: %u tests, none is strong\n", makers[i], (unsigned)answer.count);
		assert_true(has_strong(&answer));
		pair_release(&pair);
	}
}

static void a_good_file_in_the_place_of_another_is_nothing_strong(void **state)
{
	(void)state;
	for (size_t i = 0; i < bw_makers_n; i++) {
		struct pair pair = pair_of(bw_makers[i].name, SIZE / 2);
		struct bw_second_answer answer;

		bw_buf_clear(&pair.new);
		bw_makers[i].make(SIZE / 2, 8, &pair.new);
		answer = look(&pair);
		if (has_strong(&answer))
			print_error("%s: test %u is strong\n", bw_makers[i].name, answer.tests[0].test);
		assert_false(has_strong(&answer));
		pair_release(&pair);
	}
}

/* What fio, databases and downloaders do to files they made beforehand. */
static void where_one_byte_was_repeated_nothing_is_lost(void **state)
{
	struct pair pair = { BW_BUF_INIT(SIZE_MAX / 2), BW_BUF_INIT(SIZE_MAX / 2) };
	struct bw_second_answer answer;

	(void)state;
	for (size_t i = 0; i < SIZE; i++) {
		assert_ok(bw_buf_add_u8(&pair.old, 0));
		assert_ok(bw_buf_add_u8(&pair.new, 0));
	}
	bw_shape_noise(3, pair.new.ptr + SIZE / 4, SIZE / 2);
	answer = look(&pair);
	assert_int_equal(answer.count, 0);
	pair_release(&pair);
}

static void swap_pieces(struct bw_buf *buf, size_t a, size_t b, size_t len)
{
	uint8_t kept[64];

	assert_true(len <= sizeof(kept));
	memcpy(kept, buf->ptr + a, len);
	memmove(buf->ptr + a, buf->ptr + b, len);
	memcpy(buf->ptr + b, kept, len);
}

/* Pieces of `len` bytes change places. */
static void transpose(struct bw_buf *buf, size_t len)
{
	uint64_t dice = 7;

	for (size_t i = buf->len / len - 1; i > 0; i--) {
		dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
		swap_pieces(buf, i * len, (size_t)(dice >> 33) % i * len, len);
	}
}

static void text_whose_bytes_changed_places_is_seen(void **state)
{
	static const char *const makers[] = { "prose", "source", "xml" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(makers); i++) {
		for (size_t len = 1; len <= 4; len *= 4) {
			struct pair pair = pair_of(makers[i], SIZE / 4);
			struct bw_second_answer answer;

			transpose(&pair.new, len);
			answer = look(&pair);
			if (!has_strong(&answer))
				fail_msg("%s in pieces of %zu is not seen", makers[i], len);
			pair_release(&pair);
		}
	}
}

static int by_text(const void *a, const void *b)
{
	const struct bw_slice x = *(const struct bw_slice *)a;
	const struct bw_slice y = *(const struct bw_slice *)b;

	return memcmp(x.ptr, y.ptr, x.len < y.len ? x.len : y.len);
}

static void text_whose_lines_were_sorted_is_nothing(void **state)
{
	static const char *const makers[] = { "prose", "source", "csv" };
	static struct bw_slice lines[SIZE];

	(void)state;
	for (size_t i = 0; i < BW_COUNT(makers); i++) {
		struct pair pair = pair_of(makers[i], SIZE / 4);
		struct bw_slice rest = bw_buf_slice(&pair.old);
		size_t count = 0;

		pair.new.len = 0;
		while (bw_slice_cut(rest, '\n', &lines[count], &rest))
			count++;
		qsort(lines, count, sizeof(lines[0]), by_text);
		for (size_t n = 0; n < count; n++)
			assert_ok(bw_buf_addf(&pair.new, "%.*s\n", BW_ARG(lines[n])));
		assert_ok(bw_buf_add(&pair.new, rest));
		assert_int_equal(look(&pair).count, 0);
		pair_release(&pair);
	}
}

static void lengths_that_do_not_fit_are_refused(void **state)
{
	const uint8_t bytes[10] = { 0 };
	struct bw_second_head head = { .token = 1, .old_size = 6, .new_size = 4, .old_len = 6, .new_len = 4 };
	struct bw_second_view view;

	(void)state;
	assert_ok(bw_second_open(bw_slice_of(&head, sizeof(head)), bw_slice_of(bytes, 10), &view));
	assert_int_equal(view.versions.old.len, 6);
	assert_int_equal(view.versions.new.len, 4);
	assert_false(view.is_parts);
	assert_int_equal(bw_second_open(bw_slice_of(&head, sizeof(head)), bw_slice_of(bytes, 9), &view),
			 BW_ERR_PROTOCOL);
	head.parts = 1; /* no whole places */
	assert_int_equal(bw_second_open(bw_slice_of(&head, sizeof(head)), bw_slice_of(bytes, 10), &view),
			 BW_ERR_PROTOCOL);
	head.parts = 0;
	head.old_len = UINT64_MAX;
	head.new_len = 11;
	assert_int_equal(bw_second_open(bw_slice_of(&head, sizeof(head)), bw_slice_of(bytes, 10), &view),
			 BW_ERR_PROTOCOL);
	assert_int_equal(bw_second_open(bw_slice_of(&head, 8), bw_slice_of(bytes, 10), &view), BW_ERR_PROTOCOL);
}

static void an_answer_says_only_what_needs_whole_contents(void **state)
{
	struct bw_second_answer answer = { .token = 1, .count = 1 };
	struct bw_second_answer read;

	(void)state;
	answer.tests[0] = (struct bw_evidence){ .test = BW_TEST_SKELETON, .strength = BW_STRENGTH_STRONG };
	assert_ok(bw_second_parse(bw_slice_of(&answer, sizeof(answer)), &read));
	answer.tests[0].test = BW_TEST_FORMAT_LOST;
	assert_int_equal(bw_second_parse(bw_slice_of(&answer, sizeof(answer)), &read), BW_ERR_PROTOCOL);
	answer.tests[0].test = BW_TEST_SKELETON;
	answer.count = BW_SECOND_TESTS + 1;
	assert_int_equal(bw_second_parse(bw_slice_of(&answer, sizeof(answer)), &read), BW_ERR_PROTOCOL);
	assert_int_equal(bw_second_parse(bw_slice_of(&answer, 8), &read), BW_ERR_PROTOCOL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_middle_of_a_packed_file_is_seen_though_its_ends_stayed),
		cmocka_unit_test(a_good_file_in_the_place_of_another_is_nothing_strong),
		cmocka_unit_test(where_one_byte_was_repeated_nothing_is_lost),
		cmocka_unit_test(text_whose_bytes_changed_places_is_seen),
		cmocka_unit_test(text_whose_lines_were_sorted_is_nothing),
		cmocka_unit_test(lengths_that_do_not_fit_are_refused),
		cmocka_unit_test(an_answer_says_only_what_needs_whole_contents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
