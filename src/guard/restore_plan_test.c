/* On the file system of the temporary folder; the stories do the same on ext4, XFS and Btrfs of their own. */
#include "guard/restore_folders.h"
#include "guard/restore_plan.h"
#include "guard/restore_undo.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"
#include "sys/clock.h"

struct fixture {
	char dir[64];
	struct bw_volume volume;
	struct bw_shadow *shadow; /* the writer */
	struct bw_restore_plan plan;
	uint32_t folder;
	int tree; /* DIR/share */
};

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const struct bw_shelf_folder folder = { .path = BW_LIT("share"), .handle = bw_slice_empty };

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/breakwater-plan-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->volume = (struct bw_volume){ .root = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	(void)snprintf(f->volume.mount, sizeof(f->volume.mount), "%s", f->dir);
	assert_ok(bw_path_join(f->volume.store, f->dir, BW_SHADOW_FOLDER));
	assert_int_equal(mkdirat(f->volume.root, "share", 0755), 0);
	f->tree = openat(f->volume.root, "share", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->tree >= 0);
	assert_ok(bw_shadow_create(&f->volume, NULL));
	assert_ok(bw_shadow_open(&f->volume, false, &f->shadow, NULL));
	assert_ok(bw_shelf_folder_put(bw_shadow_shelf(f->shadow), &folder, &f->folder));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	bw_restore_plan_release(&f->plan);
	bw_shadow_close(f->shadow);
	(void)close(f->tree);
	bw_volume_release(&f->volume);
	(void)nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static void write_file(struct fixture *f, const char *name, const char *text)
{
	const int fd = openat(f->tree, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
}

static const char *read_back(struct fixture *f, const char *name)
{
	static char text[256];
	const int fd = openat(f->tree, name, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return "(none)";
	len = read(fd, text, sizeof(text) - 1);
	assert_true(len >= 0);
	text[len] = '\0';
	(void)close(fd);
	return text;
}

/* Writes it, keeps it as a version of file `ino`, and pins it when `incident` is not 0. */
static uint64_t keep(struct fixture *f, const char *name, const char *text, uint64_t ino, uint64_t incident)
{
	struct bw_take take = { .key = { .ino = ino }, .folder = f->folder, .name = bw_slice_text(name) };
	struct bw_taken taken;

	write_file(f, name, text);
	take.fd = openat(f->tree, name, O_RDONLY | O_CLOEXEC);
	assert_true(take.fd >= 0);
	assert_ok(bw_shadow_take(f->shadow, &take, &taken));
	if (incident != 0)
		assert_ok(bw_shelf_pin(bw_shadow_shelf(f->shadow), taken.version, incident));
	assert_ok(bw_shadow_commit(f->shadow));
	(void)close(take.fd);
	return taken.version;
}

/* The same, under the key it has. */
static uint64_t keep_as(struct fixture *f, const char *name, const char *text, const struct bw_file_key *key)
{
	struct bw_take take = { .key = *key, .folder = f->folder, .name = bw_slice_text(name) };
	struct bw_taken taken;

	write_file(f, name, text);
	take.fd = openat(f->tree, name, O_RDONLY | O_CLOEXEC);
	assert_true(take.fd >= 0);
	assert_ok(bw_shadow_take(f->shadow, &take, &taken));
	assert_ok(bw_shadow_commit(f->shadow));
	(void)close(take.fd);
	return taken.version;
}

static void open_plan(struct fixture *f)
{
	struct bw_why why = { 0 };

	assert_ok(bw_restore_plan_open(&f->plan, &f->volume, 1, &why));
}

static enum bw_err plan_incident(struct fixture *f, uint64_t incident, struct bw_why *why)
{
	return bw_restore_plan_incidents(&f->plan, &incident, 1, why);
}

static struct bw_ledger_restored run(struct fixture *f, bool dry_run)
{
	struct bw_ledger_restored sum;

	assert_ok(bw_restore_plan_run(&f->plan, dry_run, NULL, NULL, NULL));
	if (!dry_run)
		bw_restore_plan_check(&f->plan, NULL, NULL);
	bw_restore_plan_sum(&f->plan, &sum);
	return sum;
}

static void what_an_incident_pins_comes_back_and_nothing_else_is_touched(void **state)
{
	struct fixture *f = *state;
	struct bw_ledger_restored sum;

	(void)keep(f, "a", "good a", 7, 42);
	(void)keep(f, "b", "good b", 8, 0);
	(void)keep(f, "c", "good c", 9, 42);
	write_file(f, "a", "destroyed");
	write_file(f, "b", "edited since");
	assert_int_equal(unlinkat(f->tree, "c", 0), 0);
	open_plan(f);
	assert_ok(plan_incident(f, 42, NULL));
	sum = run(f, false);
	assert_int_equal(sum.files, 2);
	assert_int_equal(sum.bytes, 12);
	assert_int_equal(sum.failed, 0);
	assert_string_equal(read_back(f, "a"), "good a");
	assert_string_equal(read_back(f, "b"), "edited since");
	assert_string_equal(read_back(f, "c"), "good c");
}

static void a_dry_run_counts_the_same_and_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct bw_ledger_restored sum;

	(void)keep(f, "a", "good a", 7, 42);
	(void)keep(f, "b", "good b", 8, 42);
	write_file(f, "a", "destroyed");
	open_plan(f);
	assert_ok(plan_incident(f, 42, NULL));
	sum = run(f, true);
	assert_int_equal(sum.files, 1);
	assert_int_equal(sum.unchanged, 1);
	assert_string_equal(read_back(f, "a"), "destroyed");
}

static void an_incident_that_pins_nothing_is_said_to_pin_nothing(void **state)
{
	struct fixture *f = *state;
	struct bw_why why = { 0 };

	(void)keep(f, "a", "good a", 7, 42);
	open_plan(f);
	assert_int_equal(plan_incident(f, 43, &why), BW_ERR_NOT_FOUND);
	assert_non_null(strstr(why.text, "incident 43"));
}

static void the_oldest_pinned_version_of_a_file_comes_back(void **state)
{
	struct fixture *f = *state;

	(void)keep(f, "a", "before", 7, 42);
	(void)keep(f, "a", "half destroyed", 7, 42);
	open_plan(f);
	assert_ok(plan_incident(f, 42, NULL));
	assert_int_equal(f->plan.count, 1);
	(void)run(f, false);
	assert_string_equal(read_back(f, "a"), "before");
}

static void of_two_files_that_bore_one_name_the_newer_comes_back(void **state)
{
	struct fixture *f = *state;

	(void)keep(f, "a", "saved first", 7, 42);
	(void)keep(f, "a", "saved anew", 8, 42);
	write_file(f, "a", "destroyed");
	open_plan(f);
	assert_ok(plan_incident(f, 42, NULL));
	assert_int_equal(f->plan.count, 1);
	(void)run(f, false);
	assert_string_equal(read_back(f, "a"), "saved anew");
}

static void a_file_that_only_a_record_names_comes_back_when_its_key_fits(void **state)
{
	struct fixture *f = *state;
	const uint64_t version = keep(f, "a", "good a", 7, 0);
	const struct bw_file_key right = { .ino = 7, .volume = 5 }; /* the number it had in another run */
	const struct bw_file_key wrong = { .ino = 8 };

	write_file(f, "a", "destroyed");
	open_plan(f);
	assert_ok(bw_restore_plan_named(&f->plan, &(struct bw_restore_named){ &wrong, version, NULL, INT64_MIN }));
	assert_int_equal(f->plan.count, 0);
	assert_ok(bw_restore_plan_named(&f->plan, &(struct bw_restore_named){ &right, version, NULL, INT64_MIN }));
	assert_ok(plan_incident(f, 42, NULL));
	(void)run(f, false);
	assert_string_equal(read_back(f, "a"), "good a");
}

static void what_fails_is_told_and_the_rest_goes_on(void **state)
{
	struct fixture *f = *state;
	struct bw_ledger_restored sum;

	(void)keep(f, "a", "good a", 7, 42);
	(void)keep(f, "b", "good b", 8, 42);
	assert_int_equal(unlinkat(f->tree, "a", 0), 0);
	assert_int_equal(mkdirat(f->tree, "a", 0755), 0);
	write_file(f, "b", "destroyed");
	open_plan(f);
	assert_ok(plan_incident(f, 42, NULL));
	sum = run(f, false);
	assert_int_equal(sum.failed, 1);
	assert_int_equal(sum.files, 1);
	assert_int_equal(f->plan.steps[0].err, BW_ERR_TYPE);
	assert_non_null(f->plan.steps[0].word);
	assert_string_equal(read_back(f, "b"), "good b");
}

static void an_edit_after_the_incident_is_kept_beside(void **state)
{
	struct fixture *f = *state;
	struct bw_ledger_restored sum;

	(void)keep(f, "a.txt", "good", 7, 42);
	write_file(f, "a.txt", "written by a person, later");
	open_plan(f);
	f->plan.good_after_us = 1;
	(void)snprintf(f->plan.label, sizeof(f->plan.label), "later");
	assert_ok(plan_incident(f, 42, NULL));
	sum = run(f, false);
	assert_int_equal(sum.beside, 1);
	assert_string_equal(f->plan.steps[0].word, "a (edited later).txt");
	assert_string_equal(read_back(f, "a.txt"), "good");
	assert_string_equal(read_back(f, "a (edited later).txt"), "written by a person, later");
}

static void a_tree_is_brought_back_as_it_was_and_what_came_later_stays(void **state)
{
	struct fixture *f = *state;
	char path[BW_PATH_BYTES];

	(void)keep(f, "a", "good a", 7, 0);
	(void)keep(f, "b", "good b", 8, 0);
	write_file(f, "a", "destroyed");
	assert_int_equal(unlinkat(f->tree, "b", 0), 0);
	write_file(f, "new", "new");
	open_plan(f);
	assert_ok(bw_path_join(path, f->dir, "share"));
	assert_ok(bw_restore_plan_tree(&f->plan, path, INT64_MAX, NULL));
	(void)run(f, false);
	assert_string_equal(read_back(f, "a"), "good a");
	assert_string_equal(read_back(f, "b"), "good b");
	assert_string_equal(read_back(f, "new"), "new");
	assert_int_equal(bw_restore_plan_tree(&f->plan, "/nowhere", INT64_MAX, NULL), BW_OK); /* adds nothing */
	assert_int_equal(f->plan.count, 2);
}

/* Kept as it stands, as an enrolment does. */
static void keep_standing(struct fixture *f, const char *name, uint64_t ino, time_t changed)
{
	const struct timespec times[2] = { { .tv_sec = changed }, { .tv_sec = changed } };
	struct bw_take take = { .key = { .ino = ino }, .folder = f->folder, .name = bw_slice_text(name) };
	struct bw_taken taken;

	assert_int_equal(utimensat(f->tree, name, times, 0), 0);
	take.fd = openat(f->tree, name, O_RDONLY | O_CLOEXEC);
	assert_true(take.fd >= 0);
	assert_ok(bw_shadow_take(f->shadow, &take, &taken));
	assert_ok(bw_shadow_commit(f->shadow));
	(void)close(take.fd);
}

static void a_time_before_the_first_copy_gets_what_had_not_changed_since(void **state)
{
	struct fixture *f = *state;
	char path[BW_PATH_BYTES];

	write_file(f, "old", "as it was");
	keep_standing(f, "old", 7, 1000);
	write_file(f, "young", "made later");
	keep_standing(f, "young", 8, 3000);
	write_file(f, "old", "destroyed");
	write_file(f, "young", "destroyed");
	open_plan(f);
	assert_ok(bw_path_join(path, f->dir, "share"));
	assert_ok(bw_restore_plan_tree(&f->plan, path, INT64_C(2000) * 1000000, NULL));
	assert_int_equal(f->plan.count, 1);
	assert_int_equal(f->plan.steps[0].early, 1);
	assert_int_equal(run(f, false).failed, 0);
	assert_string_equal(read_back(f, "old"), "as it was");
	assert_string_equal(read_back(f, "young"), "destroyed");
}

static void one_file_comes_back_in_the_version_that_was_named(void **state)
{
	struct fixture *f = *state;
	const uint64_t first = keep(f, "a", "one", 7, 0);
	char path[BW_PATH_BYTES];

	(void)keep(f, "a", "two", 7, 0);
	assert_ok(bw_path_join(path, f->dir, "share/a"));
	open_plan(f);
	assert_ok(bw_restore_plan_file(&f->plan, path, first, NULL));
	(void)run(f, false);
	assert_string_equal(read_back(f, "a"), "one");
	assert_int_equal(bw_restore_plan_file(&f->plan, path, first + 1000, NULL), BW_ERR_NOT_FOUND);
	assert_ok(bw_restore_plan_file(&f->plan, path, 0, NULL));
	(void)run(f, false);
	assert_string_equal(read_back(f, "a"), "two");
}

static uint64_t inode_of(struct fixture *f, const char *name, struct bw_file_key *out)
{
	const int fd = openat(f->tree, name, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	if (bw_volume_key(&f->volume, fd, out) != BW_OK)
		*out = (struct bw_file_key){ 0 };
	(void)close(fd);
	return out->ino;
}

static void what_the_actor_made_goes_aside_and_what_was_there_or_was_written_since_stays(void **state)
{
	struct fixture *f = *state;
	const char *names[] = { "note", "older", "rewritten" };
	struct bw_ledger_restored sum;

	open_plan(f);
	for (size_t i = 0; i < BW_COUNT(names); i++) {
		struct bw_traced traced = { .what = BW_TRACED_MADE, .first_us = 1000000, .last_us = INT64_MAX / 2 };

		write_file(f, names[i], "pay us");
		if (inode_of(f, names[i], &traced.file) == 0)
			skip_because("no file handles here");
		traced.first_us = i == 1 ? INT64_MAX / 2 : traced.first_us;
		traced.last_us = i == 2 ? 2000000 : traced.last_us;
		assert_ok(bw_restore_plan_traced(&f->plan, &traced));
	}
	assert_ok(plan_incident(f, 42, NULL));
	sum = run(f, false);
	assert_int_equal(sum.displaced, 1);
	assert_int_equal(sum.failed, 0);
	assert_string_equal(read_back(f, "note"), "(none)");
	assert_string_equal(read_back(f, "older"), "pay us");
	assert_string_equal(read_back(f, "rewritten"), "pay us");
	for (size_t i = 0; i < f->plan.count; i++) /* what is not sure is told */
		assert_int_equal(f->plan.steps[i].stays, strcmp(f->plan.steps[i].path, "share/note") != 0);
}

static void a_file_that_its_user_called_otherwise_comes_back_there_and_not_where_the_actor_moved_it(void **state)
{
	struct fixture *f = *state;
	struct bw_traced traced = { .what = BW_TRACED_WRITTEN, .first_us = 1, .last_us = 2 };

	write_file(f, "a", "good a");
	if (inode_of(f, "a", &traced.file) == 0)
		skip_because("no file handles here");
	for (unsigned round = 0; round < 2; round++) {
		const char *name = round == 0 ? "a" : "b";

		traced.version = keep_as(f, name, "good a", &traced.file);
		write_file(f, name, "XXXXXX");
		assert_int_equal(renameat(f->tree, name, f->tree, round == 0 ? "b" : "b.locked"), 0);
		traced.what |= round == 0 ? 0 : BW_TRACED_MOVED;
		open_plan(f);
		assert_ok(bw_restore_plan_traced(&f->plan, &traced));
		assert_ok(plan_incident(f, 42, NULL));
		assert_int_equal(run(f, false).files, 1);
		assert_string_equal(read_back(f, "b"), "good a");
		assert_string_equal(read_back(f, "a"), "(none)");
		assert_string_equal(read_back(f, "b.locked"), "(none)");
		bw_restore_plan_release(&f->plan);
		(void)inode_of(f, "b", &traced.file);
	}
}

static void a_version_that_is_not_kept_gives_way_to_the_good_one_before_the_attack(void **state)
{
	struct fixture *f = *state;
	const struct bw_file_key key = { .ino = 7 };
	const uint64_t good = keep(f, "a", "good a", 7, 0);
	const int64_t now_us = bw_clock_now_us();
	struct bw_restore_named named = { &key, good + 100, NULL, now_us };

	assert_int_equal(unlinkat(f->tree, "a", 0), 0);
	open_plan(f);
	assert_ok(bw_restore_plan_named(&f->plan, &named));
	named.version = 0;
	assert_ok(bw_restore_plan_named(&f->plan, &named));
	assert_int_equal(f->plan.count, 2);
	named.before_us = INT64_MIN; /* the attacker's own: there was none before */
	assert_ok(bw_restore_plan_named(&f->plan, &named));
	assert_ok(plan_incident(f, 42, NULL));
	(void)run(f, false);
	assert_string_equal(read_back(f, "a"), "good a");
}

static void a_copy_of_what_was_destroyed_already_is_not_taken_for_the_good_one(void **state)
{
	struct fixture *f = *state;
	const struct bw_file_key key = { .ino = 7 };
	const struct bw_content old = { .size_low = 6, .format = BW_FORMAT_ASCII };
	const struct bw_content bad = { .size_low = 6, .chi = 64 };
	uint8_t features[BW_SHELF_CONTENT_BYTES] = { 0 };
	const uint64_t good = keep(f, "a", "good a", 7, 0);
	const uint64_t spoilt = keep(f, "a", "XXXXXX", 7, 0);
	const struct bw_restore_named named = { &key, spoilt, &old, INT64_MAX };

	memcpy(features, &old, sizeof(old));
	assert_ok(bw_shelf_features(bw_shadow_shelf(f->shadow), good, bw_slice_of(features, sizeof(features))));
	memcpy(features, &bad, sizeof(bad));
	assert_ok(bw_shelf_features(bw_shadow_shelf(f->shadow), spoilt, bw_slice_of(features, sizeof(features))));
	assert_ok(bw_shadow_commit(f->shadow));
	open_plan(f);
	assert_ok(bw_restore_plan_named(&f->plan, &named));
	assert_ok(plan_incident(f, 42, NULL));
	(void)run(f, false);
	assert_string_equal(read_back(f, "a"), "good a");
}

/* The actor moved folder `name` in the share to `name_to`: as his trace has it. False: no file handles here. */
static bool traced_move(struct fixture *f, const char *name, const char *name_to, struct bw_traced *out)
{
	*out = (struct bw_traced){ .what = BW_TRACED_FOLDER | BW_TRACED_MOVED,
				   .first_us = 1,
				   .last_us = 2,
				   .name = bw_slice_text(name),
				   .name_to = bw_slice_text(name_to) };
	assert_int_equal(mkdirat(f->tree, name, 0755), 0);
	if (inode_of(f, name, &out->file) == 0 || inode_of(f, ".", &out->folder) == 0)
		return false;
	out->folder_to = out->folder;
	assert_int_equal(renameat(f->tree, name, f->tree, name_to), 0);
	return true;
}

static void a_folder_that_the_actor_renamed_has_its_name_again_and_can_lose_it_once_more(void **state)
{
	struct fixture *f = *state;
	struct bw_undo undo = { .volumes = &f->volume, .volume_count = 1 };
	struct bw_undo_sum sum;
	struct bw_traced outer;
	struct bw_traced inner;

	if (!traced_move(f, "marks", "marks.locked", &outer))
		skip_because("no file handles here");
	inner = outer;
	assert_int_equal(mkdirat(f->tree, "marks.locked/year", 0755), 0);
	(void)inode_of(f, "marks.locked/year", &inner.file);
	inner.folder = inner.folder_to = outer.file;
	inner.name = BW_LIT("year");
	inner.name_to = BW_LIT("year.locked");
	assert_int_equal(renameat(f->tree, "marks.locked/year", f->tree, "marks.locked/year.locked"), 0);
	open_plan(f);
	assert_ok(bw_restore_plan_traced(&f->plan, &outer));
	assert_ok(bw_restore_plan_traced(&f->plan, &inner));
	assert_ok(plan_incident(f, 42, NULL));
	assert_int_equal(run(f, true).failed, 0);
	assert_int_equal(faccessat(f->tree, "marks.locked/year.locked", F_OK, 0), 0);
	for (size_t i = 0; i < f->plan.count; i++)
		f->plan.steps[i].done = 0;
	assert_int_equal(run(f, false).failed, 0);
	assert_int_equal(f->plan.renamed, 2);
	assert_int_equal(faccessat(f->tree, "marks/year", F_OK, 0), 0);
	assert_int_not_equal(faccessat(f->tree, "marks.locked", F_OK, 0), 0);
	assert_ok(bw_undo_named(&undo, "last"));
	assert_ok(bw_undo_run(&undo, &sum, NULL));
	assert_int_equal(sum.failed, 0);
	assert_int_equal(faccessat(f->tree, "marks.locked/year.locked", F_OK, 0), 0);
}

static void a_folder_whose_name_is_taken_keeps_the_other_and_it_is_said(void **state)
{
	struct fixture *f = *state;
	struct bw_traced traced;

	if (!traced_move(f, "marks", "marks.locked", &traced))
		skip_because("no file handles here");
	write_file(f, "marks", "another one");
	open_plan(f);
	assert_ok(bw_restore_plan_traced(&f->plan, &traced));
	assert_ok(plan_incident(f, 42, NULL));
	assert_int_equal(run(f, false).failed, 1);
	assert_non_null(strstr(f->plan.steps[0].word, "share/marks'"));
	assert_string_equal(read_back(f, "marks"), "another one");
	assert_int_equal(faccessat(f->tree, "marks.locked", F_OK, 0), 0);
}

static void a_folder_that_somebody_else_renamed_since_keeps_that_name(void **state)
{
	struct fixture *f = *state;
	struct bw_traced traced;

	if (!traced_move(f, "marks", "marks.locked", &traced))
		skip_because("no file handles here");
	assert_int_equal(renameat(f->tree, "marks.locked", f->tree, "marks of 2026"), 0);
	(void)keep(f, "a", "good a", 7, 42);
	open_plan(f);
	assert_ok(bw_restore_plan_traced(&f->plan, &traced));
	assert_ok(plan_incident(f, 42, NULL));
	assert_int_equal(run(f, false).failed, 0);
	assert_int_equal(f->plan.renamed, 0);
	assert_int_equal(faccessat(f->tree, "marks of 2026", F_OK, 0), 0);
}

static void only_states_that_the_actor_did_not_make_count(void **state)
{
	const struct bw_folder_state before = { .seen_us = 50, .mtime_us = 40 };
	const struct bw_folder_state during = { .seen_us = 100000000, .mtime_us = 60000000 };
	const struct bw_folder_state after = { .seen_us = 200000000, .mtime_us = 150000000 };
	const struct bw_folder_state untouched = { .seen_us = INT64_MAX, .mtime_us = 40 };

	(void)state;
	assert_true(bw_folder_state_counts(&before, 59000000, 61000000));
	assert_false(bw_folder_state_counts(&during, 59000000, 61000000));
	assert_true(bw_folder_state_counts(&after, 59000000, 61000000));
	assert_true(bw_folder_state_counts(&untouched, 59000000, 61000000));
	assert_true(bw_folder_state_counts(&during, INT64_MAX, INT64_MIN));
	assert_false(bw_folder_state_counts(&during, 59000000, INT64_MAX));
}

static void a_path_may_name_what_is_gone(void **state)
{
	struct fixture *f = *state;
	char typed[BW_PATH_BYTES];
	char path[BW_PATH_BYTES];

	assert_ok(bw_path_join(typed, f->dir, "share/./../share/gone"));
	assert_ok(bw_restore_path(typed, path, NULL));
	assert_non_null(strstr(path, "/share/gone"));
	assert_null(strstr(path, ".."));
	assert_ok(bw_restore_path("/no/such/folder/file", path, NULL));
	assert_string_equal(path, "/no/such/folder/file");
	assert_int_equal(bw_restore_path("no/such/folder/file", path, NULL), BW_ERR_RANGE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_an_incident_pins_comes_back_and_nothing_else_is_touched),
		TEST(a_dry_run_counts_the_same_and_changes_nothing),
		TEST(an_incident_that_pins_nothing_is_said_to_pin_nothing),
		TEST(the_oldest_pinned_version_of_a_file_comes_back),
		TEST(of_two_files_that_bore_one_name_the_newer_comes_back),
		TEST(a_file_that_only_a_record_names_comes_back_when_its_key_fits),
		TEST(what_fails_is_told_and_the_rest_goes_on),
		TEST(an_edit_after_the_incident_is_kept_beside),
		TEST(a_tree_is_brought_back_as_it_was_and_what_came_later_stays),
		TEST(a_time_before_the_first_copy_gets_what_had_not_changed_since),
		TEST(one_file_comes_back_in_the_version_that_was_named),
		TEST(what_the_actor_made_goes_aside_and_what_was_there_or_was_written_since_stays),
		TEST(a_file_that_its_user_called_otherwise_comes_back_there_and_not_where_the_actor_moved_it),
		TEST(a_version_that_is_not_kept_gives_way_to_the_good_one_before_the_attack),
		TEST(a_copy_of_what_was_destroyed_already_is_not_taken_for_the_good_one),
		TEST(a_folder_that_the_actor_renamed_has_its_name_again_and_can_lose_it_once_more),
		TEST(a_folder_whose_name_is_taken_keeps_the_other_and_it_is_said),
		TEST(a_folder_that_somebody_else_renamed_since_keeps_that_name),
		TEST(only_states_that_the_actor_did_not_make_count),
		TEST(a_path_may_name_what_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
