#include <stdio.h>

#include "base/test.h"
#include "bench/score_stage.h"
#include "guard/record.h"
#include "guard/settings.h"

enum { WORKER = 2000, FILES = 8, FILE_BYTES = 6000 };

static const char *const all_kinds[] = { "prose", "jpeg", "pdf", "docx" };
static const char *const one_kind[] = { "prose", "csv" };

/* A folder as the kernel shows it while its files go. Its number says where it lies: 12 lies in 1, 123 in 12. */
struct shelf {
	struct bw_file_key key;
	uint32_t path;
	size_t count;
	struct stage_file files[FILES];
};

static struct shelf shelf_of(struct stage *stage, uint32_t path, const char *const *kinds, size_t kind_count)
{
	struct shelf shelf = { .key = { .ino = 1000000 + path, .gen = 1 }, .path = path, .count = FILES };

	for (size_t i = 0; i < FILES; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "file-%u-%zu", path, i);
		shelf.files[i] = stage_file(stage, kinds[i % kind_count], FILE_BYTES, name);
		shelf.files[i].folder = shelf.key;
	}
	return shelf;
}

static struct shelf mixed(struct stage *stage, uint32_t path)
{
	return shelf_of(stage, path, all_kinds, BW_COUNT(all_kinds));
}

/* All but so many. Notes of the actor's own may lie there too. */
static void empty(struct stage *stage, const struct shelf *shelf, size_t spared, size_t notes)
{
	for (size_t i = 0; i + spared < shelf->count; i++) {
		stage->left = (struct bw_event_left){ .names = (uint16_t)(shelf->count - i - 1 + notes),
						      .folder = shelf->path };
		for (uint32_t path = shelf->path; path > 0; path /= 10)
			stage->left.above[stage->left.above_count++] = path / 10;
		stage_remove(stage, WORKER, &shelf->files[i]);
	}
}

static void drop(struct shelf *shelf)
{
	for (size_t i = 0; i < shelf->count; i++)
		stage_file_release(&shelf->files[i]);
}

static void begin(struct stage *stage)
{
	stage_open(stage);
	stage_fork(stage, STAGE_HARNESS, WORKER, "tool");
}

/* What it amounts to when these folders are emptied one after the other. */
static struct bw_verdict of_emptying(const uint32_t *paths, size_t count, const char *const *kinds, size_t kind_count,
				     size_t spared, uint64_t pause_s)
{
	struct stage stage;

	begin(&stage);
	for (size_t i = 0; i < count; i++) {
		struct shelf shelf = shelf_of(&stage, paths[i], kinds, kind_count);

		empty(&stage, &shelf, spared, 0);
		stage_wait(&stage, pause_s);
		drop(&shelf);
	}
	stage_close(&stage);
	return stage.worst;
}

#define OF_EMPTYING(paths, kinds, spared, pause_s) \
	of_emptying(paths, BW_COUNT(paths), kinds, BW_COUNT(kinds), spared, pause_s)

static void who_empties_folder_after_folder_is_held_and_asked(void **state)
{
	static const uint32_t beside[] = { 1, 2, 3 };
	static const uint32_t upwards[] = { 1234, 123, 12, 1 };
	const struct bw_verdict verdict = OF_EMPTYING(beside, all_kinds, 0, 0);

	(void)state;
	assert_int_equal(verdict.rule, BW_RULE_CLEARED);
	assert_int_equal(verdict.gravity, BW_GRAVITY_ORDERED);
	assert_int_equal(bw_verdict_measure(&verdict, BW_MODE_ENFORCE, false), BW_MEASURE_FREEZE);
	assert_int_equal(bw_verdict_measure(&verdict, BW_MODE_OBSERVE, false), BW_MEASURE_NONE);
	assert_int_equal(OF_EMPTYING(upwards, all_kinds, 0, 0).rule, BW_RULE_CLEARED);
	assert_int_equal(OF_EMPTYING(beside, all_kinds, 1, 0).rule, BW_RULE_CLEARED);
}

static void who_chooses_by_place_by_kind_or_by_hand_is_left_alone(void **state)
{
	static const uint32_t two[] = { 1, 2 };
	static const uint32_t three[] = { 1, 2, 3 };

	(void)state;
	assert_int_equal(OF_EMPTYING(two, all_kinds, 0, 0).gravity, BW_GRAVITY_NONE);
	assert_int_equal(OF_EMPTYING(three, one_kind, 0, 0).gravity, BW_GRAVITY_NONE);
	assert_int_equal(OF_EMPTYING(three, all_kinds, 3, 0).gravity, BW_GRAVITY_NONE);
	assert_int_equal(OF_EMPTYING(three, all_kinds, 0, 3).gravity, BW_GRAVITY_NONE);
}

static void folder_goes(struct stage *stage, const struct shelf *shelf)
{
	stage_folder_gone(stage, WORKER, &shelf->key);
}

static void a_tree_that_goes_with_its_folders_accuses_nobody(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	for (uint32_t i = 1; i <= 9; i++) {
		struct shelf shelf = mixed(&stage, i);

		empty(&stage, &shelf, 0, 0);
		folder_goes(&stage, &shelf);
		drop(&shelf);
	}
	assert_int_equal(stage.worst.gravity, BW_GRAVITY_NONE);
	stage_close(&stage);
}

/* Files first, folders after: what lies above is empty and waits. */
static void a_tree_deleted_from_the_top_accuses_nobody(void **state)
{
	static const uint32_t downwards[] = { 1, 12, 123, 1234, 12345 };
	struct shelf shelves[BW_COUNT(downwards)];
	struct stage stage;

	(void)state;
	begin(&stage);
	for (unsigned round = 0; round < 3; round++) {
		for (size_t i = 0; i < BW_COUNT(downwards); i++) {
			shelves[i] = mixed(&stage, downwards[i]);
			empty(&stage, &shelves[i], 0, 0);
		}
		for (size_t i = BW_COUNT(downwards); i > 0; i--) {
			folder_goes(&stage, &shelves[i - 1]);
			drop(&shelves[i - 1]);
		}
	}
	assert_int_equal(stage.worst.gravity, BW_GRAVITY_NONE);
	stage_close(&stage);
}

static void what_was_left_behind_above_counts_when_he_goes_elsewhere(void **state)
{
	static const uint32_t paths[] = { 1, 12, 2 };

	(void)state;
	assert_int_equal(OF_EMPTYING(paths, all_kinds, 0, 0).rule, BW_RULE_CLEARED);
}

static void notes_in_empty_folders_change_nothing(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	for (uint32_t i = 1; i <= 3; i++) {
		struct shelf shelf = mixed(&stage, i);

		for (unsigned n = 0; n < 4; n++)
			(void)stage_new(&stage, WORKER, &shelf.key, n == 0 ? "README" : "key", BW_LIT("pay us"));
		empty(&stage, &shelf, 0, 4);
		drop(&shelf);
	}
	assert_int_equal(stage.worst.rule, BW_RULE_CLEARED);
	stage_close(&stage);
}

static void what_was_copied_or_packed_before_may_go(void **state)
{
	(void)state;
	for (unsigned packed = 0; packed < 2; packed++) {
		const struct bw_file_key elsewhere = { .ino = 77, .gen = 1 };
		struct stage stage;
		struct shelf shelves[4];

		begin(&stage);
		for (uint32_t i = 0; i < BW_COUNT(shelves); i++)
			shelves[i] = mixed(&stage, i + 1);
		if (packed) {
			struct stage_file archive = stage_file(&stage, "zip", 200000, "all.zip");

			(void)stage_new(&stage, WORKER, &elsewhere, "all.zip", bw_buf_slice(&archive.bytes));
			stage_file_release(&archive);
		}
		for (size_t i = 0; i < BW_COUNT(shelves); i++) {
			for (size_t n = 0; n < FILES && !packed; n++)
				(void)stage_new(&stage, WORKER, &elsewhere, "copy",
						bw_buf_slice(&shelves[i].files[n].bytes));
			empty(&stage, &shelves[i], 0, 0);
			drop(&shelves[i]);
		}
		assert_int_equal(stage.worst.gravity, BW_GRAVITY_NONE);
		stage_close(&stage);
	}
}

enum { SHELVES = 4, SINCE = 300 }; /* more than an actor's new files that are followed in full */

/* The index, with what was copied. */
struct copies {
	size_t count;
	struct bw_index_file files[SHELVES * FILES];
};

static bool look_at_copies(void *context, const struct bw_file_key *key, struct bw_index_file *out)
{
	const struct copies *copies = context;

	for (size_t i = 0; i < copies->count; i++) {
		if (bw_file_key_equals(&copies->files[i].key, key)) {
			*out = copies->files[i];
			return true;
		}
	}
	return false;
}

static void copy_shelf(struct stage *stage, const struct shelf *shelf, bool truly, struct copies *copies)
{
	const struct bw_file_key elsewhere = { .ino = 77, .gen = 1 };

	for (size_t i = 0; i < shelf->count; i++) {
		const struct stage_file *like = &shelf->files[truly ? i : (i + 1) % shelf->count];
		struct bw_index_file *copy = &copies->files[copies->count++];

		*copy = like->known;
		copy->key = stage_new(stage, WORKER, &elsewhere, shelf->files[i].name, bw_buf_slice(&like->bytes));
	}
}

static enum bw_gravity after_much_else(bool truly)
{
	const struct bw_file_key elsewhere = { .ino = 77, .gen = 1 };
	struct copies copies = { 0 };
	struct shelf shelves[SHELVES];
	struct stage stage;

	begin(&stage);
	bw_score_free(stage.score);
	assert_ok(bw_score_new(stage.actors, look_at_copies, &copies, &stage.score));
	for (uint32_t i = 0; i < SHELVES; i++) {
		shelves[i] = mixed(&stage, i + 1);
		copy_shelf(&stage, &shelves[i], truly, &copies);
	}
	for (unsigned n = 0; n < SINCE; n++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "other-%u", n);
		(void)stage_new(&stage, WORKER, &elsewhere, name, BW_LIT("made since"));
	}
	for (size_t i = 0; i < SHELVES; i++) {
		empty(&stage, &shelves[i], 0, 0);
		drop(&shelves[i]);
	}
	stage_close(&stage);
	return stage.worst.gravity;
}

static void what_was_copied_long_before_may_go_and_what_only_has_its_name_may_not(void **state)
{
	(void)state;
	assert_int_equal(after_much_else(true), BW_GRAVITY_NONE);
	assert_int_not_equal(after_much_else(false), BW_GRAVITY_NONE);
}

static void the_verdict_replays_from_its_record(void **state)
{
	static struct bw_record record;
	struct bw_fault fault = { 0 };
	struct stage stage;

	(void)state;
	begin(&stage);
	for (uint32_t i = 1; i <= 3 && stage.worst.rule != BW_RULE_CLEARED; i++) {
		struct shelf shelf = mixed(&stage, i);

		empty(&stage, &shelf, 0, 0);
		drop(&shelf);
	}
	assert_int_equal(stage.outcome.verdict.rule, BW_RULE_CLEARED);
	bw_record_of(&stage.outcome, &record);
	record.mode = BW_MODE_ENFORCE;
	record.measure = BW_MEASURE_FREEZE;
	assert_ok(bw_record_replay(&record, &fault));
	record.rules.cleared_folders = 4;
	assert_int_equal(bw_record_replay(&record, &fault), BW_ERR_CONFLICT);
	stage_close(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_empties_folder_after_folder_is_held_and_asked),
		cmocka_unit_test(who_chooses_by_place_by_kind_or_by_hand_is_left_alone),
		cmocka_unit_test(a_tree_that_goes_with_its_folders_accuses_nobody),
		cmocka_unit_test(a_tree_deleted_from_the_top_accuses_nobody),
		cmocka_unit_test(what_was_left_behind_above_counts_when_he_goes_elsewhere),
		cmocka_unit_test(notes_in_empty_folders_change_nothing),
		cmocka_unit_test(what_was_copied_or_packed_before_may_go),
		cmocka_unit_test(what_was_copied_long_before_may_go_and_what_only_has_its_name_may_not),
		cmocka_unit_test(the_verdict_replays_from_its_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
