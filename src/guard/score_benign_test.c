/* Ordinary work that looks like an attack somewhere: none of it may lead to a verdict. */
#include <stdio.h>
#include <stdlib.h>

#include "base/test.h"
#include "bench/content_files.h"
#include "bench/content_patterns.h"
#include "bench/score_stage.h"
#include "guard/settings.h"

enum { WORKER = 2000, FILES = 60, FILE_BYTES = 20000 };

static const char *const makers[] = { "prose", "jpeg", "pdf", "docx", "csv", "png", "source", "sqlite" };

static struct stage_file numbered(struct stage *stage, unsigned n)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "report-%u.doc", n);
	return stage_file(stage, makers[n % BW_COUNT(makers)], FILE_BYTES, name);
}

static void open_with(struct stage *stage, const char *comm)
{
	stage_open(stage);
	stage_fork(stage, STAGE_HARNESS, WORKER, comm);
}

static void assert_quiet(struct stage *stage, const char *what)
{
	if (stage->worst.gravity >= BW_GRAVITY_ORDERED)
		print_error("%s: rule %s, %u points\n", what, bw_rule_name((enum bw_rule)stage->worst.rule),
			    stage->worst.points);
	assert_true(stage->worst.gravity < BW_GRAVITY_ORDERED);
	stage_close(stage);
}

static struct bw_buf other(const char *maker, uint64_t seed)
{
	struct bw_buf buf = BW_BUF_INIT(SIZE_MAX / 2);

	bw_maker_named(maker)->make(FILE_BYTES, seed + 5000, &buf);
	return buf;
}

static void saving_again_accuses_nobody(void **state)
{
	struct stage stage;

	(void)state;
	open_with(&stage, "soffice");
	for (unsigned n = 0; n < FILES; n++) {
		struct stage_file file = numbered(&stage, n);
		struct bw_buf now = other(makers[n % BW_COUNT(makers)], n);

		stage_write(&stage, WORKER, BW_ACT_CLOSED, &file, bw_buf_slice(&now));
		bw_buf_release(&now);
		stage_file_release(&file);
	}
	assert_quiet(&stage, "saving again");
}

/* Write aside, rename over: editors, git, rsync. Another format too: an export over what was there. */
static void renaming_good_files_over_old_ones_accuses_nobody(void **state)
{
	struct stage stage;

	(void)state;
	open_with(&stage, "rsync");
	for (unsigned n = 0; n < FILES; n++) {
		struct stage_file file = numbered(&stage, n);
		struct bw_buf now = other(makers[(n + n / 8) % BW_COUNT(makers)], n);
		const struct bw_file_key made = stage_new(&stage, WORKER, &file.folder, ".report.doc.Xy12",
							  bw_buf_slice(&now));

		stage_move_over(&stage, WORKER, &made, ".report.doc.Xy12", &file);
		bw_buf_release(&now);
		stage_file_release(&file);
	}
	assert_quiet(&stage, "renaming over");
}

static void half_written_files_accuse_nobody_once_they_are_whole(void **state)
{
	struct stage stage;

	(void)state;
	open_with(&stage, "rsync");
	for (unsigned n = 0; n < FILES; n++) {
		struct stage_file file = numbered(&stage, n);
		struct bw_buf now = other(makers[n % BW_COUNT(makers)], n);
		struct bw_buf half = BW_BUF_INIT(SIZE_MAX / 2);

		assert_ok(bw_buf_add(&half, bw_slice_sub(bw_buf_slice(&now), 0, now.len / 2)));
		stage_write(&stage, WORKER, BW_ACT_CHANGED, &file, bw_slice_empty); /* O_TRUNC */
		stage_write(&stage, WORKER, BW_ACT_CHANGED, &file, bw_buf_slice(&half));
		if (file.bytes.len > half.len)
			assert_ok(bw_buf_add(&half, bw_slice_from(bw_buf_slice(&file.bytes), half.len)));
		stage_write(&stage, WORKER, BW_ACT_CHANGED, &file, bw_buf_slice(&half)); /* rsync --inplace */
		stage_write(&stage, WORKER, BW_ACT_CLOSED, &file, bw_buf_slice(&now));
		bw_buf_release(&half);
		bw_buf_release(&now);
		stage_file_release(&file);
	}
	assert_quiet(&stage, "half-written files");
}

static void deleting_a_thousand_files_is_cleaning(void **state)
{
	struct stage stage;

	(void)state;
	open_with(&stage, "rm");
	for (unsigned n = 0; n < 1000; n++) {
		struct stage_file file = numbered(&stage, n);

		if (n == 500) /* bait goes with its folder */
			file.known.flags = BW_INDEX_CANARY;
		stage_remove(&stage, WORKER, &file);
		stage_file_release(&file);
	}
	assert_quiet(&stage, "deleting");
}

static void deleting_old_and_making_new_ones_accuses_nobody(void **state)
{
	static const char *const fresh[] = { "gzip", "png", "zip", "source", "records", "jpeg" };
	struct stage stage;

	(void)state;
	open_with(&stage, "npm");
	for (unsigned n = 0; n < 300; n++) {
		struct stage_file file = numbered(&stage, n);
		struct bw_buf now = other(fresh[n % BW_COUNT(fresh)], n);
		char name[32];

		(void)snprintf(name, sizeof(name), "%u.bin", n);
		stage_remove(&stage, WORKER, &file);
		(void)stage_new(&stage, WORKER, &file.folder, name, bw_buf_slice(&now));
		bw_buf_release(&now);
		stage_file_release(&file);
	}
	assert_quiet(&stage, "upgrading");
}

static void packing_and_removing_logs_accuses_nobody(void **state)
{
	struct stage stage;

	(void)state;
	open_with(&stage, "gzip");
	for (unsigned n = 0; n < FILES; n++) {
		char name[32];
		char packed[40];
		struct stage_file file;
		struct bw_buf now = BW_BUF_INIT(SIZE_MAX / 2);

		(void)snprintf(name, sizeof(name), "app.log.%u", n);
		(void)snprintf(packed, sizeof(packed), "app.log.%u.gz", n);
		file = stage_file(&stage, n % 2 == 0 ? "prose" : "csv", FILE_BYTES, name);
		bw_make_gzip_of(bw_buf_slice(&file.bytes), &now);
		(void)stage_new(&stage, WORKER, &file.folder, packed, bw_buf_slice(&now));
		stage_remove(&stage, WORKER, &file);
		bw_buf_release(&now);
		stage_file_release(&file);
	}
	assert_quiet(&stage, "log rotation");
}

/* zip -m, 7z -sdel without a password: one good archive, and what it holds is deleted. */
static void moving_a_project_into_an_archive_accuses_nobody(void **state)
{
	struct bw_buf archive = BW_BUF_INIT(SIZE_MAX / 2);
	const struct bw_file_key folder = { .ino = 2 };
	struct stage stage;

	(void)state;
	open_with(&stage, "zip");
	bw_maker_named("zip")->make(400000, 1, &archive);
	(void)stage_new(&stage, WORKER, &folder, "project.zip", bw_buf_slice(&archive));
	for (unsigned n = 0; n < FILES; n++) {
		struct stage_file file = numbered(&stage, n);

		stage_remove(&stage, WORKER, &file);
		stage_file_release(&file);
	}
	bw_buf_release(&archive);
	assert_quiet(&stage, "archive and delete");
}

static void sealing_copies_and_keeping_the_originals_accuses_nobody(void **state)
{
	static const char *const shapes[] = { "S49a", "S49b", "S49c", "S48" };
	struct stage stage;

	(void)state;
	open_with(&stage, "gpg");
	for (unsigned n = 0; n < FILES; n++) {
		struct stage_file file = numbered(&stage, n);
		struct bw_buf sealed = stage_shaped(&file, shapes[n % BW_COUNT(shapes)]);

		(void)stage_new(&stage, WORKER, &file.folder, "report.gpg", bw_buf_slice(&sealed));
		bw_buf_release(&sealed);
		stage_file_release(&file);
	}
	assert_quiet(&stage, "sealing copies");
}

static void new_random_files_accuse_nobody(void **state)
{
	struct stage stage;

	(void)state;
	open_with(&stage, "borg");
	for (unsigned n = 0; n < FILES; n++) {
		struct stage_file file = numbered(&stage, n);
		struct bw_buf random = stage_shaped(&file, "S01");

		(void)stage_new(&stage, WORKER, &file.folder, "segment", bw_buf_slice(&random));
		bw_buf_release(&random);
		stage_file_release(&file);
	}
	assert_quiet(&stage, "new random files");
}

/* A pack of git is random and says nothing of itself; a checkout then removes files. */
static void a_pack_and_a_checkout_accuse_nobody(void **state)
{
	struct stage_file large;
	struct bw_buf pack;
	struct stage stage;

	(void)state;
	open_with(&stage, "git");
	large = stage_file(&stage, "source", 4000000, "pack-1.pack");
	pack = stage_shaped(&large, "S01");
	(void)stage_new(&stage, WORKER, &large.folder, "pack-1.pack", bw_buf_slice(&pack));
	for (unsigned n = 0; n < FILES; n++) {
		struct stage_file file = numbered(&stage, n);
		struct bw_buf now = other("source", n);

		stage_remove(&stage, WORKER, &file);
		if (n % 2 == 0)
			(void)stage_new(&stage, WORKER, &file.folder, file.name, bw_buf_slice(&now));
		bw_buf_release(&now);
		stage_file_release(&file);
	}
	bw_buf_release(&pack);
	stage_file_release(&large);
	assert_quiet(&stage, "checkout");
}

static void a_few_emptied_logs_accuse_nobody(void **state)
{
	struct stage stage;

	(void)state;
	open_with(&stage, "sh");
	for (unsigned n = 0; n < 6; n++) {
		struct stage_file file = stage_file(&stage, "prose", FILE_BYTES, "app.log");

		stage_write(&stage, WORKER, BW_ACT_CLOSED, &file, bw_slice_empty);
		stage_file_release(&file);
	}
	assert_quiet(&stage, "emptied logs");
}

/* Who finds files he does not know throws them away, all of them perhaps. */
static void throwing_bait_away_accuses_nobody(void **state)
{
	struct stage stage;

	(void)state;
	open_with(&stage, "rm");
	for (unsigned n = 0; n < FILES; n++) {
		struct stage_file bait = numbered(&stage, n);

		bait.known.flags = BW_INDEX_CANARY;
		stage_remove(&stage, WORKER, &bait);
		stage_file_release(&bait);
	}
	assert_true(stage.worst.gravity <= BW_GRAVITY_UNUSUAL);
	stage_close(&stage);
}

/* What a person may do to a single file of his, he may do to bait: edit it, empty it, seal it. */
static void one_bait_that_is_edited_emptied_or_sealed_stops_nobody(void **state)
{
	static const char *const shapes[] = { "S39", "S49a", "" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(shapes); i++) {
		struct stage stage;
		struct stage_file bait;
		struct bw_buf now;

		open_with(&stage, "editor");
		bait = numbered(&stage, 3);
		bait.known.flags = BW_INDEX_CANARY;
		now = shapes[i][0] != '\0' ? stage_shaped(&bait, shapes[i]) : other(makers[3], 7);
		stage_write(&stage, WORKER, BW_ACT_CLOSED, &bait, bw_buf_slice(&now));
		assert_true(stage.worst.gravity <= BW_GRAVITY_UNUSUAL);
		bw_buf_release(&now);
		stage_file_release(&bait);
		stage_close(&stage);
	}
}

static void write_shaped(struct stage *stage, unsigned number, const char *shape, uint8_t flags)
{
	struct stage_file file = numbered(stage, number);
	struct bw_buf bad = stage_shaped(&file, shape);

	file.known.flags = flags;
	stage_write(stage, WORKER, BW_ACT_CLOSED, &file, bw_buf_slice(&bad));
	bw_buf_release(&bad);
	stage_file_release(&file);
}

static void a_bait_that_is_surely_destroyed_decides_alone(void **state)
{
	struct stage stage;

	(void)state;
	open_with(&stage, "tool");
	write_shaped(&stage, 3, "S01", BW_INDEX_CANARY);
	assert_int_equal(stage.worst.gravity, BW_GRAVITY_DESTROYED);
	assert_int_equal(stage.worst.rule, BW_RULE_BAIT);
	stage_close(&stage);
}

/* By one test only: with one more file, where others need three. */
static void a_bait_counts_as_two_files(void **state)
{
	struct stage stage;

	(void)state;
	open_with(&stage, "tool");
	write_shaped(&stage, 0, "S08", BW_INDEX_CANARY);
	assert_true(stage.worst.gravity <= BW_GRAVITY_UNUSUAL);
	write_shaped(&stage, 8, "S08", 0);
	assert_int_equal(stage.worst.gravity, BW_GRAVITY_DESTROYED);
	assert_int_equal(stage.worst.rule, BW_RULE_BAIT);
	stage_close(&stage);
}

/* Copied, encrypted, deleted: what was removed is joined to what was made, bait or not. */
static void a_bait_that_is_encrypted_beside_and_removed_is_destroyed(void **state)
{
	struct stage stage;
	struct stage_file bait;
	struct bw_buf bad;

	(void)state;
	open_with(&stage, "tool");
	bait = numbered(&stage, 3);
	bait.known.flags = BW_INDEX_CANARY;
	bad = stage_shaped(&bait, "S01");
	(void)stage_new(&stage, WORKER, &bait.folder, "report-3.doc.locked", bw_buf_slice(&bad));
	stage_remove(&stage, WORKER, &bait);
	assert_int_equal(stage.worst.gravity, BW_GRAVITY_DESTROYED);
	assert_int_equal(stage.worst.rule, BW_RULE_BAIT);
	bw_buf_release(&bad);
	stage_file_release(&bait);
	stage_close(&stage);
}

/* ---- ordered work that looks like an attack: a person is asked, nobody is killed ------------------------ */

static void sealing_and_deleting_by_a_known_tool_is_frozen_and_never_killed(void **state)
{
	struct stage stage;

	(void)state;
	open_with(&stage, "gpg");
	for (unsigned n = 0; n < 20; n++) {
		struct stage_file file = numbered(&stage, n);
		struct bw_buf sealed = stage_shaped(&file, "S49b");
		char name[80];

		(void)snprintf(name, sizeof(name), "%s.gpg", file.name);
		(void)stage_new(&stage, WORKER, &file.folder, name, bw_buf_slice(&sealed));
		stage_remove(&stage, WORKER, &file);
		bw_buf_release(&sealed);
		stage_file_release(&file);
	}
	assert_true(stage.worst.gravity >= BW_GRAVITY_ORDERED);
	assert_int_equal(bw_verdict_measure(&stage.worst, BW_MODE_ENFORCE, false), BW_MEASURE_FREEZE);
	assert_int_equal(bw_verdict_measure(&stage.worst, BW_MODE_OBSERVE, false), BW_MEASURE_NONE);
	if (stage.worst.gravity == BW_GRAVITY_ORDERED) {
		/* on the first day a few are written down, and many are held */
		stage.worst.files = BW_FIRST_DAY_FILES - 1;
		assert_int_equal(bw_verdict_measure(&stage.worst, BW_MODE_UNSET, true), BW_MEASURE_NONE);
		assert_int_equal(bw_verdict_measure(&stage.worst, BW_MODE_UNSET, false), BW_MEASURE_FREEZE);
		stage.worst.files = BW_FIRST_DAY_FILES;
		assert_int_equal(bw_verdict_measure(&stage.worst, BW_MODE_UNSET, true), BW_MEASURE_FREEZE);
	}
	stage_close(&stage);
}

static void shredding_is_frozen_and_never_killed(void **state)
{
	struct stage stage;

	(void)state;
	open_with(&stage, "shred");
	for (unsigned n = 0; n < 5; n++) {
		struct stage_file file = numbered(&stage, n);
		struct bw_buf bad = stage_shaped(&file, "S01");

		stage_write(&stage, WORKER, BW_ACT_CLOSED, &file, bw_buf_slice(&bad));
		bw_buf_release(&bad);
		stage_file_release(&file);
	}
	assert_int_equal(stage.worst.gravity, BW_GRAVITY_DESTROYED);
	assert_true(stage.worst.gentle);
	assert_int_equal(bw_verdict_measure(&stage.worst, BW_MODE_ENFORCE, false), BW_MEASURE_FREEZE);
	stage_close(&stage);
}

static void destroy_some(struct stage *stage, uint32_t pid)
{
	for (unsigned n = 0; n < FILES; n++) {
		struct stage_file file = numbered(stage, n);
		struct bw_buf bad = stage_shaped(&file, "S01");

		stage_write(stage, pid, BW_ACT_CLOSED, &file, bw_buf_slice(&bad));
		bw_buf_release(&bad);
		stage_file_release(&file);
	}
}

/* Signed for what descends from WORKER, in the one folder of the stage. */
static void open_job(struct stage *stage, struct bw_job *job)
{
	static const struct bw_file_key folders[] = { { .ino = 1 }, { .ino = 2 }, { .ino = 9 } };
	struct bw_job *jobs[] = { job };

	open_with(stage, "shred");
	*job = (struct bw_job){ .until_us = INT64_MAX,
				.uid = 1000,
				.folders = folders,
				.folder_count = BW_COUNT(folders),
				.root = bw_actors_find(stage->actors, WORKER, stage->now_ns) };
	bw_actors_pin(stage->actors, job->root);
	assert_ok(bw_score_jobs(stage->score, jobs, 1));
}

static void a_signed_job_passes_and_is_written_down(void **state)
{
	struct stage stage;
	struct bw_job job;

	(void)state;
	open_job(&stage, &job);
	stage_fork(&stage, WORKER, WORKER + 1, "rm");
	destroy_some(&stage, WORKER + 1); /* what it starts is the job too */
	assert_true(bw_score_count(stage.score) > 0);
	assert_true(job.passed > 0);
	assert_quiet(&stage, "signed job");
}

static void nobody_passes_beside_a_signed_job(void **state)
{
	struct stage stage;
	struct bw_job job;

	(void)state;
	open_job(&stage, &job);
	stage_fork(&stage, STAGE_HARNESS, WORKER + 1, "shred"); /* the same name, the same user */
	destroy_some(&stage, WORKER + 1);
	assert_int_equal(stage.worst.gravity, BW_GRAVITY_DESTROYED);
	assert_int_equal(job.passed, 0);
	stage_close(&stage);
}

static void a_signed_job_is_bound_to_its_user_its_folders_and_its_time(void **state)
{
	static const struct bw_file_key elsewhere[] = { { .ino = 3 } };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct stage stage;
		struct bw_job job;

		open_job(&stage, &job);
		if (i == 0)
			job.uid = 1001;
		if (i == 1) {
			job.folders = elsewhere;
			job.folder_count = 1;
		}
		if (i == 2)
			job.until_us = INT64_MIN;
		destroy_some(&stage, WORKER);
		assert_int_equal(stage.worst.gravity, BW_GRAVITY_DESTROYED);
		stage_close(&stage);
	}
}

/* The index of this test: versions are numbered as files appear. */
static bool look_number(void *context, const struct bw_file_key *key, struct bw_index_file *out)
{
	(void)context;
	*out = (struct bw_index_file){ .key = *key, .version = key->ino };
	return true;
}

/* A random file (a key, a download), and then documents go: sealed in it can only be what was there before it. */
static enum bw_gravity gravity_of_clearing(bool documents_first, const char *mark)
{
	const struct bw_file_key folder = { .ino = 2 };
	struct stage_file files[40];
	uint8_t *noise = calloc(1, 400000);
	struct stage stage;
	enum bw_gravity worst;

	assert_non_null(noise);
	bw_shape_noise(1, noise, 400000);
	memcpy(noise, mark, strlen(mark));
	stage_open(&stage);
	bw_score_free(stage.score);
	assert_ok(bw_score_new(stage.actors, look_number, NULL, &stage.score));
	stage_fork(&stage, STAGE_HARNESS, WORKER, "tool");
	if (!documents_first)
		(void)stage_new(&stage, WORKER, &folder, "key", bw_slice_of(noise, 400000));
	for (size_t i = 0; i < BW_COUNT(files); i++)
		files[i] = stage_file(&stage, "prose", 10000, "a.txt");
	if (documents_first)
		(void)stage_new(&stage, WORKER, &folder, "all.bin", bw_slice_of(noise, 400000));
	for (size_t i = 0; i < BW_COUNT(files); i++) {
		stage_remove(&stage, WORKER, &files[i]);
		stage_file_release(&files[i]);
	}
	worst = (enum bw_gravity)stage.worst.gravity;
	stage_close(&stage);
	free(noise);
	return worst;
}

static void a_sealed_archive_holds_only_what_was_there_before_it(void **state)
{
	(void)state;
	assert_int_equal(gravity_of_clearing(true, "Salted__"), BW_GRAVITY_ORDERED);
	assert_int_equal(gravity_of_clearing(false, "Salted__"), BW_GRAVITY_NONE);
}

/* A browser's cache, a download, a key: nothing in them says that they hold what is deleted beside them. */
static void a_random_file_and_a_folder_that_is_cleared_hold_nobody(void **state)
{
	(void)state;
	assert_int_equal(gravity_of_clearing(true, ""), BW_GRAVITY_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(saving_again_accuses_nobody),
		cmocka_unit_test(renaming_good_files_over_old_ones_accuses_nobody),
		cmocka_unit_test(half_written_files_accuse_nobody_once_they_are_whole),
		cmocka_unit_test(deleting_a_thousand_files_is_cleaning),
		cmocka_unit_test(deleting_old_and_making_new_ones_accuses_nobody),
		cmocka_unit_test(packing_and_removing_logs_accuses_nobody),
		cmocka_unit_test(moving_a_project_into_an_archive_accuses_nobody),
		cmocka_unit_test(a_sealed_archive_holds_only_what_was_there_before_it),
		cmocka_unit_test(a_random_file_and_a_folder_that_is_cleared_hold_nobody),
		cmocka_unit_test(sealing_copies_and_keeping_the_originals_accuses_nobody),
		cmocka_unit_test(new_random_files_accuse_nobody),
		cmocka_unit_test(a_pack_and_a_checkout_accuse_nobody),
		cmocka_unit_test(a_few_emptied_logs_accuse_nobody),
		cmocka_unit_test(throwing_bait_away_accuses_nobody),
		cmocka_unit_test(one_bait_that_is_edited_emptied_or_sealed_stops_nobody),
		cmocka_unit_test(a_bait_that_is_surely_destroyed_decides_alone),
		cmocka_unit_test(a_bait_counts_as_two_files),
		cmocka_unit_test(a_bait_that_is_encrypted_beside_and_removed_is_destroyed),
		cmocka_unit_test(sealing_and_deleting_by_a_known_tool_is_frozen_and_never_killed),
		cmocka_unit_test(shredding_is_frozen_and_never_killed),
		cmocka_unit_test(a_signed_job_passes_and_is_written_down),
		cmocka_unit_test(nobody_passes_beside_a_signed_job),
		cmocka_unit_test(a_signed_job_is_bound_to_its_user_its_folders_and_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
