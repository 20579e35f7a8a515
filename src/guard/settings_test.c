#include "guard/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"

struct fixture {
	char dir[64];
	char data[80];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/breakwater-settings-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	(void)snprintf(f->data, sizeof(f->data), "%s/data", f->dir);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/guard/settings", f->data);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/guard", f->data);
	(void)rmdir(path);
	(void)rmdir(f->data);
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

static void what_was_saved_is_loaded_again(void **state)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct fixture *f = *state;
	struct bw_guard_settings saved = { .tree_count = 1,
					   .trees = { "/srv/a share\xff" },
					   .exclude_count = 1,
					   .excludes = { "*.tmp/scratch" },
					   .copies_count = 1,
					   .copies = { "/srv" },
					   .mode = BW_MODE_HOLD,
					   .quota_bytes = 7,
					   .mail = "it@school.example",
					   .hook = "/usr/local/sbin/page us",
					   .samba = "/srv/smb.conf" };
	struct bw_guard_settings loaded;

	saved.excludes[0] = "/srv/*/scratch";
	assert_ok(bw_guard_settings_save(f->data, &saved, NULL));
	assert_ok(bw_guard_settings_load(f->data, &arena, &loaded, NULL));
	assert_string_equal(loaded.trees[0], "/srv/a share\xff");
	assert_string_equal(loaded.excludes[0], "/srv/*/scratch");
	assert_int_equal(loaded.copies_count, 1);
	assert_string_equal(loaded.copies[0], "/srv");
	assert_int_equal(loaded.mode, BW_MODE_HOLD);
	assert_int_equal(loaded.quota_bytes, 7);
	assert_int_equal(loaded.days, 30);
	assert_string_equal(loaded.mail, "it@school.example");
	assert_string_equal(loaded.hook, "/usr/local/sbin/page us");
	assert_string_equal(loaded.samba, "/srv/smb.conf");
	assert_true(saved.salt != 0);
	assert_true(loaded.salt == saved.salt);
}

static void what_is_away_is_written_down_in_its_place_with_where_it_was_mounted(void **state)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct fixture *f = *state;
	struct bw_guard_settings saved = { .tree_count = 3,
					   .trees = { "/srv/a", "/srv/b", "/srv/c" },
					   .mounts = { NULL, "/srv", "/" } };
	struct bw_guard_settings loaded;

	bw_guard_settings_put_away(&saved, 1, 1, "its disk is gone");
	assert_int_equal(saved.tree_count, 2);
	assert_string_equal(bw_guard_settings_away(&saved, "/srv/b/below")->why, "its disk is gone");
	assert_null(bw_guard_settings_away(&saved, "/srv/bb"));
	assert_false(bw_guard_settings_cover(&saved, "/srv/b/below"));
	assert_ok(bw_guard_settings_save(f->data, &saved, NULL));
	assert_ok(bw_guard_settings_load(f->data, &arena, &loaded, NULL));
	assert_int_equal(loaded.tree_count, 3);
	assert_string_equal(loaded.trees[1], "/srv/b");
	assert_string_equal(loaded.mounts[1], "/srv");
	assert_string_equal(loaded.mounts[2], "/");
	assert_null(loaded.mounts[0]);
	assert_ok(bw_guard_settings_reload(f->data, &saved, &arena, &loaded, NULL));
	assert_int_equal(loaded.tree_count, 2);
	assert_string_equal(loaded.trees[1], "/srv/c");
	assert_string_equal(loaded.away[0].path, "/srv/b");
}

static void a_tree_of_which_nothing_is_left_is_told_from_one_that_lost_a_part(void **state)
{
	static const char *const whole[] = { "/", "/srv", "/srv/share", "/srv/share/*", "/srv/*", "*" };
	static const char *const part[] = { "/srv/share/scratch", "/srv/share/*.tmp", "/srv/shared", "/home" };
	struct bw_guard_settings settings = { .trees = { "/srv/share" }, .tree_count = 1, .exclude_count = 1 };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(whole); i++) {
		settings.excludes[0] = whole[i];
		assert_true(bw_guard_settings_leave_out(&settings, "/srv/share"));
	}
	for (size_t i = 0; i < BW_COUNT(part); i++) {
		settings.excludes[0] = part[i];
		assert_false(bw_guard_settings_leave_out(&settings, "/srv/share"));
	}
}

static void the_file_is_for_its_owner_only(void **state)
{
	struct fixture *f = *state;
	struct bw_guard_settings saved = { .tree_count = 0 };
	struct stat status;
	char path[128];

	assert_ok(bw_guard_settings_save(f->data, &saved, NULL));
	(void)snprintf(path, sizeof(path), "%s/guard/settings", f->data);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
}

static void a_line_that_cannot_be_understood_is_named_by_its_number(void **state)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct fixture *f = *state;
	struct bw_guard_settings settings = { .tree_count = 0 };
	struct bw_why why = { "" };
	char path[128];

	assert_ok(bw_guard_settings_save(f->data, &settings, NULL));
	(void)snprintf(path, sizeof(path), "%s/guard/settings", f->data);
	assert_ok(bw_file_write(path, BW_LIT("tree /srv\n\nmode sometimes\n"), 0600, NULL));
	assert_int_equal(bw_guard_settings_load(f->data, &arena, &settings, &why), BW_ERR_CORRUPT);
	assert_non_null(strstr(why.text, "line 3"));
}

static void a_tree_covers_what_is_below_it_and_not_its_neighbours(void **state)
{
	const struct bw_guard_settings settings = { .tree_count = 1,
						    .trees = { "/srv/share" },
						    .exclude_count = 2,
						    .excludes = { "/srv/share/scratch", "/srv/share/*/cache" } };

	(void)state;
	assert_true(bw_guard_settings_cover(&settings, "/srv/share"));
	assert_true(bw_guard_settings_cover(&settings, "/srv/share/a/b"));
	assert_false(bw_guard_settings_cover(&settings, "/srv/share2/a"));
	assert_false(bw_guard_settings_cover(&settings, "/srv"));
	assert_false(bw_guard_settings_cover(&settings, "/srv/share/scratch/x"));
	assert_true(bw_guard_settings_cover(&settings, "/srv/share/scratchy"));
	assert_false(bw_guard_settings_cover(&settings, "/srv/share/anna/cache"));
}

static void a_path_with_a_line_break_is_refused(void **state)
{
	struct fixture *f = *state;
	struct bw_guard_settings settings = { .tree_count = 1, .trees = { "/srv/a\nmode observe" } };
	struct bw_why why = { "" };

	assert_int_equal(bw_guard_settings_save(f->data, &settings, &why), BW_ERR_SYNTAX);
	assert_non_null(strstr(why.text, "line break"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_saved_is_loaded_again, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_away_is_written_down_in_its_place_with_where_it_was_mounted,
						setup, teardown),
		cmocka_unit_test(a_tree_of_which_nothing_is_left_is_told_from_one_that_lost_a_part),
		cmocka_unit_test_setup_teardown(the_file_is_for_its_owner_only, setup, teardown),
		cmocka_unit_test_setup_teardown(a_line_that_cannot_be_understood_is_named_by_its_number, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_tree_covers_what_is_below_it_and_not_its_neighbours, setup, teardown),
		cmocka_unit_test_setup_teardown(a_path_with_a_line_break_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
