#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"
#include "guard/sim_parts.h"
#include "sys/files.h"

static char folder[] = "/var/tmp/bw-sim-XXXXXX"; /* not /tmp: O_DIRECT and io_uring want a disk's file system */
static char box_path[BW_PATH_BYTES];

static const char *in_folder(const char *name)
{
	static char path[BW_PATH_BYTES];

	assert_ok(bw_path_join(path, folder, name));
	return path;
}

static const char *in_box(const char *name)
{
	static char path[BW_PATH_BYTES];

	assert_ok(bw_path_join(path, box_path, name));
	return path;
}

static void seed(const char *mix, uint32_t files)
{
	const struct bw_sim_seed how = { .seed = 11, .files = files, .homes = 3, .mix = mix, .big_bytes = 300000 };
	struct bw_why why = { 0 };

	assert_ok(bw_sim_seed(box_path, &how, &why));
}

static int make_folder(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL)
		return -1;
	return bw_path_join(box_path, folder, "box") == BW_OK ? 0 : -1;
}

static int remove_box(void **state)
{
	char command[BW_PATH_BYTES + 16];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", box_path);
	return system(command);
}

static int remove_folder(void **state)
{
	(void)remove_box(state);
	return rmdir(folder);
}

static struct bw_sim_box *open_box(void)
{
	struct bw_sim_box *box = NULL;
	struct bw_why why = { 0 };

	assert_ok(bw_sim_open(box_path, &box, &why));
	return box;
}

static void refuses(const char *dir)
{
	struct bw_sim_box *box = NULL;
	struct bw_why why = { 0 };

	assert_int_not_equal(bw_sim_open(dir, &box, &why), BW_OK);
	assert_null(box);
	assert_true(why.text[0] != 0);
}

static void assert_as_seeded(struct bw_sim_box *box, const char *after)
{
	struct bw_sim_check check = { 0 };
	struct bw_why why = { 0 };

	assert_ok(bw_sim_verify(box, &check, &why));
	if (check.first[0] != 0)
		fail_msg("after %s: %s", after, check.first);
	assert_int_equal(check.untouched, bw_sim_rows(box));
}

static struct bw_sim_tally run(struct bw_sim_box *box, struct bw_sim_run how)
{
	struct bw_sim_tally tally = { 0 };
	struct bw_why why = { 0 };

	if (bw_sim_run(box, &how, &tally, &why) != BW_OK)
		fail_msg("%s: %s", how.patterns, why.text);
	return tally;
}

static void undo(struct bw_sim_box *box)
{
	struct bw_why why = { 0 };
	uint64_t restored;

	if (bw_sim_undo(box, &restored, &why) != BW_OK)
		fail_msg("undo: %s", why.text);
}

static void run_and_undo(struct bw_sim_box *box, const char *pattern, uint64_t strain)
{
	struct bw_sim_run how = BW_SIM_RUN_INIT;
	const bool reads_only = strcmp(pattern, "S68") == 0;
	struct bw_sim_check check = { 0 };
	struct bw_sim_tally tally;
	struct bw_why why = { 0 };

	how.patterns = pattern;
	how.strain = strain;
	how.pace_ns = strcmp(pattern, "S57") == 0 ? 1000000 : 0;
	how.actors = strcmp(pattern, "S51") == 0 ? 6 : 0;
	tally = run(box, how);
	assert_int_equal(tally.failed, 0);
	assert_int_equal(tally.left, 0);
	assert_int_equal(tally.touched, tally.finished);
	assert_ok(bw_sim_verify(box, &check, &why));
	if (tally.impossible == 0 && !reads_only)
		assert_true(tally.touched > 0 && check.changed + check.missing > 0);
	if (reads_only)
		assert_int_equal(check.untouched, bw_sim_rows(box));
	undo(box);
	assert_as_seeded(box, pattern);
}

static void every_pattern_changes_files_and_undo_brings_all_back(void **state)
{
	struct bw_sim_box *box;

	(void)state;
	seed("text=2,docx=1,pdf=1,png=1,sqlite=2,mbox=1,tiny=1", 7);
	box = open_box();
	assert_as_seeded(box, "seeding");
	for (size_t n = 0; n < bw_sim_pattern_count(); n++) {
		const char *id = bw_sim_pattern_id(n);

		if (strcmp(id, "S61") == 0 || (strcmp(id, "S56") == 0 && geteuid() != 0))
			continue; /* a story with a real share; root's */
		run_and_undo(box, id, 0);
		run_and_undo(box, id, 12345 + n);
	}
	bw_sim_free(box);
}

static void every_shape_and_walk_touches_every_file(void **state)
{
	struct bw_sim_box *box;

	(void)state;
	seed("text=1,tiny=4", 15);
	box = open_box();
	for (int shape = 1; shape < BW_SIM_SHAPES; shape++) {
		for (int walk = 1; walk < BW_SIM_WALKS; walk += 4) {
			struct bw_sim_run how = BW_SIM_RUN_INIT;

			if (shape == BW_SIM_UIDS && geteuid() != 0)
				continue;
			how.patterns = "S22";
			how.shape = (enum bw_sim_shape)shape;
			how.walk = (enum bw_sim_walk)walk;
			how.actors = 5;
			assert_int_equal(run(box, how).finished, 15);
			undo(box);
			assert_as_seeded(box, bw_sim_shape_name(how.shape));
		}
	}
	bw_sim_free(box);
}

static void hostile_names_links_and_depth_come_back_too(void **state)
{
	static const char *const patterns[] = { "S01", "S22", "S23", "S24", "S42", "S60", "S63" };
	struct bw_sim_box *box;

	(void)state;
	seed("hostile", 60);
	box = open_box();
	assert_as_seeded(box, "seeding");
	for (size_t n = 0; n < BW_COUNT(patterns); n++) {
		struct bw_sim_run how = BW_SIM_RUN_INIT;

		how.patterns = patterns[n];
		(void)run(box, how);
		undo(box);
		assert_as_seeded(box, patterns[n]);
	}
	bw_sim_free(box);
}

static void a_limit_and_a_list_of_patterns_are_kept(void **state)
{
	struct bw_sim_box *box;
	struct bw_sim_run how = BW_SIM_RUN_INIT;

	(void)state;
	seed("text", 20);
	box = open_box();
	how.patterns = "S01,S42";
	how.limit = 7;
	assert_int_equal(run(box, how).touched, 7);
	how.limit = 0;
	assert_int_equal(run(box, how).left, 7); /* what a run touched is not seeded content any more */
	how.patterns = "S01,S64";
	assert_int_equal(bw_sim_run(box, &how, &(struct bw_sim_tally){ 0 }, NULL), BW_ERR_USAGE);
	undo(box);
	assert_as_seeded(box, "a list");
	bw_sim_free(box);
}

static void the_report_counts_what_the_run_counted(void **state)
{
	struct bw_sim_report report = { 0 };
	struct bw_sim_run how = BW_SIM_RUN_INIT;
	struct bw_sim_box *box;
	struct bw_sim_tally tally;
	struct bw_why why = { 0 };

	(void)state;
	seed("text", 10);
	box = open_box();
	how.patterns = "S22";
	how.report = in_folder("report");
	tally = run(box, how);
	assert_ok(bw_sim_report_read(in_folder("report"), &report, &why));
	assert_int_equal(report.head.rows, bw_sim_rows(box));
	for (uint64_t n = 0; n < report.head.rows; n++)
		assert_true(report.times[n].began_ns <= report.times[n].ended_ns);
	bw_sim_report_tally(&report, &tally);
	assert_int_equal(tally.finished, 10);
	bw_sim_report_release(&report);
	assert_int_equal(bw_sim_run(box, &how, &tally, &why), BW_ERR_EXISTS); /* nothing is written over */
	assert_int_equal(unlink(in_folder("report")), 0);
	bw_sim_free(box);
}

/* ---- refusals ---------------------------------------------------------------------------------- */

static void a_folder_without_a_marker_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mkdir(box_path, 0755), 0);
	refuses(box_path);
	refuses("/");
	refuses("/nowhere");
	assert_int_equal(mkdir(in_box(".breakwater-sim"), 0700), 0);
	refuses(box_path);
}

static void a_folder_with_anything_in_it_is_not_seeded(void **state)
{
	const struct bw_sim_seed how = { .files = 1 };
	struct bw_why why = { 0 };

	(void)state;
	assert_int_equal(mkdir(box_path, 0755), 0);
	assert_ok(bw_file_write(in_box("mine"), BW_LIT("x"), 0644, NULL));
	assert_int_equal(bw_sim_seed(box_path, &how, &why), BW_ERR_EXISTS);
	assert_true(bw_file_exists(in_box("mine")));
}

static void a_marker_moved_elsewhere_or_opened_to_others_is_refused(void **state)
{
	char command[8 * BW_PATH_BYTES];

	(void)state;
	seed("tiny", 3);
	(void)snprintf(command, sizeof(command), "cp -a '%s' '%s.copy'", box_path, box_path);
	assert_int_equal(system(command), 0);
	refuses(in_folder("box.copy"));
	(void)snprintf(command, sizeof(command), "rm -rf '%s.copy'", box_path);
	assert_int_equal(system(command), 0);
	assert_int_equal(chmod(in_box(".breakwater-sim"), 0750), 0);
	refuses(box_path);
	assert_int_equal(chmod(in_box(".breakwater-sim"), 0700), 0);
	assert_int_equal(chmod(in_box(".breakwater-sim/marker"), 0644), 0);
	refuses(box_path);
}

static void a_sandbox_of_another_user_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip_because("only root can give a file to another user");
	seed("tiny", 3);
	assert_int_equal(chown(in_box(".breakwater-sim"), 1234, 1234), 0);
	refuses(box_path);
}

static void a_sandbox_reached_through_a_symlink_is_refused(void **state)
{
	(void)state;
	seed("tiny", 3);
	assert_int_equal(symlink("box", in_folder("link")), 0);
	refuses(in_folder("link"));
	assert_int_equal(unlink(in_folder("link")), 0);
}

/* The first seeded file's path below the sandbox. */
static const char *first_file(const struct bw_sim_box *box)
{
	static char name[BW_PATH_BYTES];

	for (size_t n = 0; n < bw_sim_rows(box); n++) {
		bool file;
		const struct bw_slice row = bw_sim_row_name(box, n, &file);

		if (file) {
			(void)snprintf(name, sizeof(name), "%.*s", BW_ARG(row));
			return name;
		}
	}
	return "";
}

static void foreign_files_are_never_touched(void **state)
{
	static const char *const patterns[] = { "S01", "S22", "S23", "S24", "S42", "S48", "S60" };
	struct bw_sim_box *box;
	struct bw_why why = { 0 };
	uint64_t restored;

	(void)state;
	seed("text", 12);
	box = open_box();
	assert_ok(bw_file_write(in_box("mine.txt"), BW_LIT("mine"), 0644, NULL));
	for (size_t n = 0; n < BW_COUNT(patterns); n++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(100);
		struct bw_sim_run how = BW_SIM_RUN_INIT;

		/* somebody put a file of their own at a seeded name */
		assert_ok(bw_file_write(in_box(first_file(box)), BW_LIT("mine now"), 0644, NULL));
		how.patterns = patterns[n];
		assert_int_equal(run(box, how).left, 1);
		assert_ok(bw_file_read(in_box(first_file(box)), &bytes, NULL));
		assert_slice(bw_buf_slice(&bytes), "mine now");
		assert_ok(bw_sim_undo(box, &restored, &why));
		bw_buf_clear(&bytes);
		assert_ok(bw_file_read(in_box("mine.txt"), &bytes, NULL));
		assert_slice(bw_buf_slice(&bytes), "mine");
	}
	bw_sim_free(box);
}

static void a_foreign_file_at_a_name_the_run_would_make_stays(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(100);
	struct bw_sim_run how = BW_SIM_RUN_INIT;
	struct sim_trail_head names = { 0 };
	char name[BW_PATH_BYTES + SIM_EXT_MAX];
	struct bw_sim_box *box;

	(void)state;
	seed("text", 6);
	box = open_box();
	sim_names_draw(sim_pattern_named(BW_LIT("S22")), 0, &names);
	(void)snprintf(name, sizeof(name), "%s%s", in_box(first_file(box)), names.ext);
	assert_ok(bw_file_write(name, BW_LIT("mine"), 0644, NULL));
	how.patterns = "S22";
	assert_int_equal(run(box, how).failed, 1);
	undo(box);
	assert_ok(bw_file_read(name, &bytes, NULL));
	assert_slice(bw_buf_slice(&bytes), "mine");
	bw_sim_free(box);
}

static void a_folder_that_became_a_symlink_leads_nowhere(void **state)
{
	struct bw_sim_run how = BW_SIM_RUN_INIT;
	char name[BW_PATH_BYTES];
	char command[8 * BW_PATH_BYTES];
	struct bw_sim_box *box;
	char *slash;

	(void)state;
	seed("text", 12);
	box = open_box();
	(void)snprintf(name, sizeof(name), "%s", first_file(box));
	slash = strchr(name, '/');
	assert_non_null(slash);
	*slash = 0;
	/* a copy with the same names, sizes and times, outside: reached only by following the link */
	(void)snprintf(command, sizeof(command),
		       "cp -a '%s/%s' '%s/outside' && mv '%s/%s' '%s/moved' && ln -s '%s/outside' '%s/%s'", box_path,
		       name, folder, box_path, name, folder, folder, box_path, name);
	assert_int_equal(system(command), 0);
	how.patterns = "S42";
	assert_true(run(box, how).left > 0);
	(void)snprintf(command, sizeof(command), "diff -r '%s/outside' '%s/moved'", folder, folder);
	assert_int_equal(system(command), 0);
	(void)snprintf(command, sizeof(command), "rm -rf '%s/outside' '%s/moved'", folder, folder);
	assert_int_equal(system(command), 0);
	bw_sim_free(box);
}

static void another_file_system_inside_is_not_entered(void **state)
{
	char command[8 * BW_PATH_BYTES];
	char name[BW_PATH_BYTES];
	struct bw_sim_run how = BW_SIM_RUN_INIT;
	struct bw_sim_box *box;

	(void)state;
	if (geteuid() != 0)
		skip_because("only root can mount");
	seed("text", 6);
	box = open_box();
	(void)snprintf(name, sizeof(name), "%s", first_file(box));
	*strchr(name, '/') = 0;
	(void)snprintf(command, sizeof(command), "mount -t tmpfs none '%s/%s' 2>/dev/null", box_path, name);
	if (system(command) != 0) {
		bw_sim_free(box);
		skip_because("a container that may not mount");
	}
	how.patterns = "S42";
	assert_true(run(box, how).left > 0);
	(void)snprintf(command, sizeof(command), "umount '%s/%s'", box_path, name);
	assert_int_equal(system(command), 0);
	bw_sim_free(box);
}

static void removing_a_sandbox_leaves_foreign_files(void **state)
{
	struct bw_why why = { 0 };

	(void)state;
	seed("school", 10);
	assert_ok(bw_file_write(in_box("mine.txt"), BW_LIT("mine"), 0644, NULL));
	assert_ok(bw_sim_remove(box_path, &why));
	assert_true(bw_file_exists(in_box("mine.txt")));
	assert_int_equal(unlink(in_box("mine.txt")), 0);
	assert_int_equal(rmdir(box_path), 0);
}

static void a_list_of_patterns_is_checked_before_anything_is_made(void **state)
{
	struct bw_why why = { 0 };

	(void)state;
	assert_int_equal(bw_sim_patterns_check("S01,s22", false, &why), BW_OK);
	assert_int_equal(bw_sim_patterns_check("S61", true, &why), BW_OK);
	assert_int_equal(bw_sim_patterns_check(NULL, false, &why), BW_ERR_USAGE);
	assert_int_equal(bw_sim_patterns_check("S01,", false, &why), BW_ERR_USAGE);
	assert_int_equal(bw_sim_patterns_check("S99", false, &why), BW_ERR_USAGE);
	assert_int_equal(bw_sim_patterns_check("S01,S61", false, &why), BW_ERR_USAGE);
	assert_int_equal(bw_sim_patterns_check("S61,S01", true, &why), BW_ERR_USAGE);
	assert_non_null(strstr(why.text, "S01"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(every_pattern_changes_files_and_undo_brings_all_back, remove_box),
		cmocka_unit_test_teardown(every_shape_and_walk_touches_every_file, remove_box),
		cmocka_unit_test_teardown(hostile_names_links_and_depth_come_back_too, remove_box),
		cmocka_unit_test_teardown(a_limit_and_a_list_of_patterns_are_kept, remove_box),
		cmocka_unit_test_teardown(the_report_counts_what_the_run_counted, remove_box),
		cmocka_unit_test_teardown(a_folder_without_a_marker_is_refused, remove_box),
		cmocka_unit_test_teardown(a_folder_with_anything_in_it_is_not_seeded, remove_box),
		cmocka_unit_test_teardown(a_marker_moved_elsewhere_or_opened_to_others_is_refused, remove_box),
		cmocka_unit_test_teardown(a_sandbox_of_another_user_is_refused, remove_box),
		cmocka_unit_test_teardown(a_sandbox_reached_through_a_symlink_is_refused, remove_box),
		cmocka_unit_test_teardown(foreign_files_are_never_touched, remove_box),
		cmocka_unit_test_teardown(a_foreign_file_at_a_name_the_run_would_make_stays, remove_box),
		cmocka_unit_test_teardown(a_folder_that_became_a_symlink_leads_nowhere, remove_box),
		cmocka_unit_test_teardown(another_file_system_inside_is_not_entered, remove_box),
		cmocka_unit_test_teardown(removing_a_sandbox_leaves_foreign_files, remove_box),
		cmocka_unit_test(a_list_of_patterns_is_checked_before_anything_is_made),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
