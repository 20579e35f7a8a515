#include <stdlib.h>

#include "base/test.h"
#include "bench/content_files.h"
#include "bench/content_patterns.h"
#include "bench/score_stage.h"
#include "guard/second.h"

enum { SIZE = 4 * 1024 * 1024, PIECE = 16 * 1024, WRITER = 2000, WORKER = 2002, KIB = 1024 };

/* A large file before and after. */
struct both {
	struct bw_buf old;
	struct bw_buf new;
	struct bw_content known; /* of the old one, when it was asked for */
};

static struct both both_of(const char *maker)
{
	struct both both = { .old = BW_BUF_INIT(SIZE_MAX / 2), .new = BW_BUF_INIT(SIZE_MAX / 2) };

	bw_maker_named(maker)->make(SIZE + SIZE / 8, 7, &both.old);
	assert_true(both.old.len >= SIZE);
	both.old.len = SIZE;
	assert_ok(bw_buf_add(&both.new, bw_buf_slice(&both.old)));
	return both;
}

static void both_release(struct both *both)
{
	bw_buf_release(&both->old);
	bw_buf_release(&both->new);
}

/* Pieces all over the file, one behind each 64th of it. */
static void put_noise(struct both *both, size_t pieces, size_t len)
{
	for (size_t i = 0; i < pieces; i++)
		bw_shape_noise(i + 1, both->new.ptr + i *(SIZE / 64) + 777, len);
}

static enum bw_err read_place(void *context, bool is_old, uint64_t at, uint8_t to[BW_PLACE_BYTES])
{
	const struct both *both = context;

	assert_true(at + BW_PLACE_BYTES <= SIZE);
	memcpy(to, (is_old ? both->old : both->new).ptr + at, BW_PLACE_BYTES);
	return BW_OK;
}

static struct bw_second_answer look(struct both *both, uint64_t token)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf old = BW_BUF_INIT(2 * BW_SECOND_PLACES_MAX * BW_PLACE_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf new = BW_BUF_INIT(BW_SECOND_PLACES_MAX * BW_PLACE_BYTES);
	const struct bw_second_reader reader = { .read = read_place, .context = both };
	struct bw_second_head head = { .token = token, .parts = 1, .old_size = SIZE, .new_size = SIZE };
	struct bw_second_answer answer;
	struct bw_second_answer heard;
	struct bw_second_view view;

	assert_ok(bw_second_places(&reader, SIZE, 99, &old, &new));
	assert_true(old.len > 0 && old.len == new.len);
	head.old_len = head.new_len = old.len;
	assert_ok(bw_buf_reserve(&old, 2 * old.len)); /* as in the memory file: the one behind the other */
	memcpy(old.ptr + old.len, new.ptr, new.len);
	old.len += new.len;
	assert_ok(bw_second_open(bw_slice_of(&head, sizeof(head)), bw_buf_slice(&old), &view));
	assert_true(view.is_parts);
	bw_second_compare(&view, &answer);
	assert_ok(bw_second_parse(bw_slice_of(&answer, sizeof(answer)), &heard));
	assert_int_equal(heard.token, token);
	return heard;
}

static void places_lie_in_the_file_ascending_and_each_round_has_its_own(void **state)
{
	static const uint64_t sizes[] = { SIZE, SIZE + 4097, UINT64_C(200) * 1024 * 1024 * 1024 + 1 };

	(void)state;
	for (size_t s = 0; s < BW_COUNT(sizes); s++) {
		uint64_t first[BW_PLACES_A_ROUND];
		uint64_t second[BW_PLACES_A_ROUND];

		bw_places_make(sizes[s], s, 0, first);
		bw_places_make(sizes[s], s, 1, second);
		for (size_t i = 0; i < BW_PLACES_A_ROUND; i++) {
			assert_true(first[i] % BW_PLACE_BYTES == 0 && first[i] + BW_PLACE_BYTES <= sizes[s]);
			assert_true(i == 0 || first[i] > first[i - 1]);
			assert_true(first[i] != second[i]);
		}
	}
}

static void noise_where_structure_was_is_seen_though_little_changed(void **state)
{
	static const size_t pieces[] = { 3, 12, 26, 64 };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(pieces); i++) {
		struct both both = both_of("prose");
		struct bw_second_answer answer;

		put_noise(&both, pieces[i], pieces[i] == 3 ? 4 * PIECE : PIECE);
		answer = look(&both, 5);
		if (answer.count != 2)
			fail_msg("%zu pieces: %u tests, %u places", pieces[i], answer.count, answer.changed);
		assert_int_equal(answer.tests[0].test, BW_TEST_CHANGED_RANDOM);
		assert_int_equal(answer.tests[1].test, BW_TEST_BLOCKS_RANDOM);
		assert_true(answer.tests[0].before > 10000 && answer.tests[0].after < BW_CHI_RANDOM);
		both_release(&both);
	}
}

/* A machine wrote a film over text in its image, and its file system wrote down that it did. */
static void noise_among_other_changes_is_nothing(void **state)
{
	struct both both = both_of("prose");

	(void)state;
	put_noise(&both, 40, PIECE);
	for (size_t page = 0; page < SIZE / BW_PLACE_BYTES; page += 4) /* a counter in many a page */
		both.new.ptr[page * BW_PLACE_BYTES + 3996] ^= 1;
	assert_int_equal(look(&both, 5).count, 0);
	both_release(&both);
}

/* The same where the book is one page at the beginning, and hardly anything else of it was met. */
static void noise_that_the_first_page_accounts_for_is_nothing(void **state)
{
	struct both both = both_of("prose");

	(void)state;
	put_noise(&both, 60, PIECE);
	memcpy(both.new.ptr, both.old.ptr, SIZE / 64);
	assert_int_equal(look(&both, 5).count, 2);
	both.new.ptr[1080] ^= 1;
	assert_int_equal(look(&both, 5).count, 0);
	both_release(&both);
}

static void text_for_text_and_noise_for_nothing_are_nothing(void **state)
{
	struct both both = both_of("prose");

	(void)state;
	for (size_t i = 0; i < 32; i++)
		memmove(both.new.ptr + i *(SIZE / 64), both.new.ptr + SIZE / 2 + i * 40000, PIECE);
	assert_int_equal(look(&both, 5).count, 0);
	memset(both.old.ptr, 0, SIZE); /* what was made beforehand and is filled now */
	memset(both.new.ptr, 0, SIZE);
	put_noise(&both, 60, PIECE);
	assert_int_equal(look(&both, 5).count, 0);
	bw_shape_noise(1, both.old.ptr, SIZE);
	assert_int_equal(look(&both, 5).count, 0);
	both_release(&both);
}

static struct stage_file large_file(struct stage *stage, struct both *both)
{
	const bool is_first = both->known.windows == 0;
	struct stage_file file = stage_file(stage, "prose", is_first ? SIZE : KIB, "machine.img");

	if (is_first)
		both->known = file.known.content;
	bw_buf_clear(&file.bytes);
	assert_ok(bw_buf_add(&file.bytes, bw_buf_slice(&both->old)));
	file.known.content = both->known;
	file.known.content.format = BW_FORMAT_UNKNOWN;
	file.known.content.size_low = SIZE;
	return file;
}

/* Writes it and answers what is asked; what is asked after that stays unanswered. */
static bool harm(struct stage *stage, struct both *both, bool *out_asked_again)
{
	struct stage_file file = large_file(stage, both);
	struct bw_second_answer answer;
	struct bw_second_ask ask;
	bool said;

	stage_write(stage, WRITER, BW_ACT_CLOSED, &file, bw_buf_slice(&both->new));
	assert_true(bw_score_wish(stage->score, stage->now_ns, &ask));
	assert_int_equal(ask.parts, 1);
	assert_int_equal(ask.size, SIZE);
	answer = look(both, ask.token);
	said = bw_score_seen(stage->score, &answer, stage->now_ns, &stage->outcome);
	if (said)
		stage->worst = stage->outcome.verdict;
	*out_asked_again = bw_score_wish(stage->score, stage->now_ns, &ask) && ask.parts == 0;
	stage_file_release(&file);
	return said;
}

static void whoever_encrypts_parts_of_large_files_is_held_at_the_fifth(void **state)
{
	struct both both = both_of("prose");
	struct stage stage;
	bool again;
	unsigned files = 0;

	(void)state;
	stage_open(&stage);
	stage_fork(&stage, STAGE_HARNESS, WRITER, "tool");
	put_noise(&both, 26, PIECE);
	while (files < 20 && stage.worst.gravity < BW_GRAVITY_ORDERED) {
		assert_true(harm(&stage, &both, &again));
		assert_false(again);
		files++;
	}
	assert_int_equal(stage.worst.gravity, BW_GRAVITY_ORDERED);
	assert_in_range(files, 2, 5);
	stage_close(&stage);
	both_release(&both);
}

/* However many files somebody harms, each of them is looked at. */
static void a_look_that_found_harm_costs_nothing(void **state)
{
	struct both both = both_of("prose");
	struct stage stage;
	bool again;

	(void)state;
	stage_open(&stage);
	stage_fork(&stage, STAGE_HARNESS, WRITER, "tool");
	put_noise(&both, 26, PIECE);
	for (unsigned n = 0; n < BW_SCORE_SECONDS_MAX + 8; n++)
		assert_true(harm(&stage, &both, &again));
	stage_close(&stage);
	both_release(&both);
}

/* More large files than may be looked at, and nothing wrong with them. Returns how many were. */
static unsigned work(struct stage *stage, struct both *both, uint32_t worker)
{
	struct bw_second_answer answer = { .changed = BW_SECOND_PLACES_MAX };
	struct bw_second_ask ask;
	unsigned looked_at = 0;

	for (unsigned n = 0; n < 2 * BW_SCORE_SECONDS_MAX; n++) {
		struct stage_file file = large_file(stage, both);

		stage_write(stage, worker, BW_ACT_CLOSED, &file, bw_buf_slice(&both->old));
		while (bw_score_wish(stage->score, stage->now_ns, &ask)) {
			answer.token = ask.token;
			assert_false(bw_score_seen(stage->score, &answer, stage->now_ns, &stage->outcome));
			looked_at++;
		}
		stage_file_release(&file);
	}
	return looked_at;
}

static void whoever_works_with_large_files_leaves_looks_for_others(void **state)
{
	struct both both = both_of("prose");
	struct stage stage;
	unsigned looked_at;
	bool again;

	(void)state;
	stage_open(&stage);
	stage_fork(&stage, STAGE_HARNESS, WORKER, "database");
	stage_fork(&stage, STAGE_HARNESS, WRITER, "tool");
	looked_at = work(&stage, &both, WORKER);
	assert_in_range(looked_at, 16, BW_SCORE_SECONDS_MAX / 2);
	put_noise(&both, 26, PIECE);
	for (unsigned n = 0; n < 5; n++) /* as many as decide */
		assert_true(harm(&stage, &both, &again));
	assert_int_equal(stage.worst.gravity, BW_GRAVITY_ORDERED);
	stage_close(&stage);
	both_release(&both);
}

static void where_hardly_anything_changed_the_whole_is_asked_for(void **state)
{
	struct both both = both_of("prose");
	struct stage stage;
	bool again;

	(void)state;
	stage_open(&stage);
	stage_fork(&stage, STAGE_HARNESS, WRITER, "tool");
	put_noise(&both, 1, KIB);
	assert_false(harm(&stage, &both, &again));
	assert_true(again);
	stage_close(&stage);
	both_release(&both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_lie_in_the_file_ascending_and_each_round_has_its_own),
		cmocka_unit_test(noise_where_structure_was_is_seen_though_little_changed),
		cmocka_unit_test(noise_among_other_changes_is_nothing),
		cmocka_unit_test(noise_that_the_first_page_accounts_for_is_nothing),
		cmocka_unit_test(text_for_text_and_noise_for_nothing_are_nothing),
		cmocka_unit_test(whoever_encrypts_parts_of_large_files_is_held_at_the_fifth),
		cmocka_unit_test(a_look_that_found_harm_costs_nothing),
		cmocka_unit_test(whoever_works_with_large_files_leaves_looks_for_others),
		cmocka_unit_test(where_hardly_anything_changed_the_whole_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
