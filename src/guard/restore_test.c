/*
 * On the file system of the temporary folder; the stories do the same on ext4,
 * XFS and Btrfs of their own.
 */
#include "guard/restore.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/test.h"
#include "guard/meta.h"
#include "guard/restore_undo.h"

struct fixture {
	char dir[64];
	struct bw_volume volume;
	struct bw_shadow *shadow;
	uint32_t folder;
	int tree; /* DIR/share */
	struct bw_arena arena;
};

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static int open_tree(struct fixture *f)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf meta = BW_BUF_INIT(BW_META_BYTES_MAX);
	struct bw_shelf_folder folder = { .path = BW_LIT("share") };
	struct bw_handle handle;
	struct stat status;
	bool whole;

	f->tree = openat(f->volume.root, "share", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->tree >= 0);
	assert_int_equal(fstat(f->tree, &status), 0);
	assert_ok(bw_meta_read(f->tree, &status, &meta, &whole));
	folder.meta = bw_buf_slice(&meta);
	if (bw_volume_handle(f->tree, &handle) == BW_OK) {
		folder.handle = bw_slice_of(handle.bytes, handle.len);
		folder.handle_type = handle.type;
	}
	assert_ok(bw_shelf_folder_put(bw_shadow_shelf(f->shadow), &folder, &f->folder));
	return 0;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->arena = BW_ARENA_INIT(16 * BW_MIB);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/breakwater-restore-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->volume = (struct bw_volume){ .root = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	(void)snprintf(f->volume.mount, sizeof(f->volume.mount), "%s", f->dir);
	assert_ok(bw_path_join(f->volume.store, f->dir, BW_SHADOW_FOLDER));
	assert_int_equal(mkdirat(f->volume.root, "share", 0755), 0);
	assert_ok(bw_shadow_create(&f->volume, NULL));
	assert_ok(bw_shadow_open(&f->volume, false, &f->shadow, NULL));
	*state = f;
	return open_tree(f);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	bw_shadow_close(f->shadow);
	(void)close(f->tree);
	bw_volume_release(&f->volume);
	bw_arena_release(&f->arena);
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

static struct bw_shelf_version shadow(struct fixture *f, const char *name)
{
	const int fd = openat(f->tree, name, O_RDONLY | O_CLOEXEC);
	struct bw_take take = { .fd = fd, .folder = f->folder, .name = bw_slice_text(name) };
	struct bw_shelf_version version;
	struct bw_taken taken;

	assert_true(fd >= 0);
	if (bw_volume_key(&f->volume, fd, &take.key) != BW_OK)
		take.key = (struct bw_file_key){ .ino = 77 };
	assert_ok(bw_shadow_take(f->shadow, &take, &taken));
	assert_ok(bw_shadow_commit(f->shadow));
	assert_ok(bw_shelf_get(bw_shadow_shelf(f->shadow), taken.version, &f->arena, &version));
	(void)close(fd);
	return version;
}

/* Without them nobody can tell whether what stands there is the file itself. */
static void need_keys(struct fixture *f)
{
	struct bw_file_key key;

	if (bw_volume_key(&f->volume, f->tree, &key) != BW_OK)
		skip_because("no file handles here");
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

static enum bw_restored restore(struct fixture *f, const struct bw_shelf_version *version, int64_t good_after_us)
{
	struct bw_aside aside;
	const struct bw_restore how = {
		.shadow = f->shadow, .aside = &aside, .good_after_us = good_after_us, .label = "later"
	};
	struct bw_restore_result result;
	struct bw_why why = { "" };
	enum bw_err err;

	bw_aside_init(&aside, &f->volume, "7");
	err = bw_restore_version(&how, version, &result, &why);
	bw_aside_release(&aside);
	if (err != BW_OK)
		fail_msg("%s", why.text);
	return result.what;
}

/* Names in the tree that begin with a dot, so nothing half-made stayed behind. */
static unsigned spare_names(struct fixture *f)
{
	DIR *listing = fdopendir(openat(f->tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const struct dirent *entry;
	unsigned count = 0;

	assert_non_null(listing);
	while ((entry = readdir(listing)) != NULL)
		count += strncmp(entry->d_name, ".breakwater", 11) == 0;
	(void)closedir(listing);
	return count;
}

static void an_overwritten_file_is_replaced_and_what_stood_there_is_kept_aside(void **state)
{
	struct fixture *f = *state;
	struct bw_shelf_version version;
	char path[BW_PATH_BYTES];
	DIR *listing;

	write_file(f, "a.txt", "good");
	version = shadow(f, "a.txt");
	write_file(f, "a.txt", "XXXXXX");
	assert_int_equal(restore(f, &version, INT64_MAX), BW_RESTORED_REPLACED);
	assert_string_equal(read_back(f, "a.txt"), "good");
	assert_int_equal(spare_names(f), 0);
	assert_ok(bw_path_join(path, f->volume.store, "displaced"));
	listing = opendir(path);
	assert_non_null(listing);
	(void)closedir(listing);
}

static void a_deleted_file_comes_back_also_when_its_folder_is_gone(void **state)
{
	struct fixture *f = *state;
	struct bw_shelf_version version;
	struct stat status;

	write_file(f, "a.txt", "good");
	version = shadow(f, "a.txt");
	assert_int_equal(unlinkat(f->tree, "a.txt", 0), 0);
	assert_int_equal(restore(f, &version, INT64_MAX), BW_RESTORED_MISSING);
	assert_string_equal(read_back(f, "a.txt"), "good");

	assert_int_equal(unlinkat(f->tree, "a.txt", 0), 0);
	assert_int_equal(unlinkat(f->volume.root, "share", AT_REMOVEDIR), 0);
	assert_int_equal(restore(f, &version, INT64_MAX), BW_RESTORED_MISSING);
	(void)close(f->tree);
	f->tree = openat(f->volume.root, "share", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_string_equal(read_back(f, "a.txt"), "good");
	assert_int_equal(fstat(f->tree, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0755);
}

static void what_stands_right_is_left_alone_and_wrong_metadata_is_set_right(void **state)
{
	struct fixture *f = *state;
	struct bw_shelf_version version;
	struct stat status;

	need_keys(f);
	write_file(f, "a.txt", "good");
	version = shadow(f, "a.txt");
	assert_int_equal(restore(f, &version, INT64_MAX), BW_RESTORED_SAME);
	assert_int_equal(fchmodat(f->tree, "a.txt", 0666, 0), 0);
	assert_int_equal(restore(f, &version, INT64_MAX), BW_RESTORED_META);
	assert_int_equal(fstatat(f->tree, "a.txt", &status, 0), 0);
	assert_int_equal(status.st_mode & 0777, 0644);
}

static void a_good_edit_since_is_kept_beside(void **state)
{
	struct fixture *f = *state;
	struct bw_shelf_version version;

	write_file(f, "a.txt", "good");
	version = shadow(f, "a.txt");
	write_file(f, "a.txt", "teacher's own words");
	assert_int_equal(restore(f, &version, 0), BW_RESTORED_BESIDE);
	assert_string_equal(read_back(f, "a.txt"), "good");
	assert_string_equal(read_back(f, "a (edited later).txt"), "teacher's own words");
}

static void a_dry_run_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct bw_restore how = { .shadow = f->shadow, .dry_run = true, .good_after_us = INT64_MAX, .label = "x" };
	struct bw_restore_result result;
	struct bw_shelf_version version;

	write_file(f, "a.txt", "good");
	version = shadow(f, "a.txt");
	write_file(f, "a.txt", "XXXX");
	assert_ok(bw_restore_version(&how, &version, &result, NULL));
	assert_int_equal(result.what, BW_RESTORED_REPLACED);
	assert_string_equal(read_back(f, "a.txt"), "XXXX");
}

static void all_names_of_a_hard_linked_file_get_it_back(void **state)
{
	struct fixture *f = *state;
	struct bw_shelf_version version;

	need_keys(f);
	write_file(f, "a.txt", "good");
	assert_int_equal(linkat(f->tree, "a.txt", f->tree, "b.txt", 0), 0);
	version = shadow(f, "a.txt");
	write_file(f, "b.txt", "XXXXXXX");
	assert_int_equal(restore(f, &version, INT64_MAX), BW_RESTORED_IN_PLACE);
	assert_string_equal(read_back(f, "a.txt"), "good");
	assert_string_equal(read_back(f, "b.txt"), "good");
}

static void another_file_under_the_name_is_moved_aside_and_never_written_to(void **state)
{
	struct fixture *f = *state;
	struct bw_shelf_version version;
	struct stat status;

	write_file(f, "a.txt", "good");
	version = shadow(f, "a.txt");
	write_file(f, "theirs.txt", "good");
	assert_int_equal(fchmodat(f->tree, "theirs.txt", 0600, 0), 0);
	for (unsigned turn = 0; turn < 2; turn++) {
		assert_int_equal(unlinkat(f->tree, "a.txt", 0), 0);
		assert_int_equal(linkat(f->tree, "theirs.txt", f->tree, "a.txt", 0), 0);
		assert_int_equal(restore(f, &version, INT64_MAX), BW_RESTORED_REPLACED);
		assert_string_equal(read_back(f, "a.txt"), "good");
		assert_string_equal(read_back(f, "theirs.txt"), turn == 0 ? "good" : "their own");
		assert_int_equal(fstatat(f->tree, "theirs.txt", &status, 0), 0);
		assert_int_equal(status.st_mode & 0777, 0600);
		write_file(f, "theirs.txt", "their own");
	}
}

static struct bw_undo_sum undo(struct fixture *f)
{
	const struct bw_undo how = { .volumes = &f->volume, .volume_count = 1, .id = "7" };
	struct bw_undo_sum sum;

	assert_ok(bw_undo_run(&how, &sum, NULL));
	return sum;
}

static void what_was_done_can_be_undone_and_what_changed_since_stays(void **state)
{
	struct fixture *f = *state;
	struct bw_shelf_version first;
	struct bw_shelf_version second;
	struct bw_undo again = { .volumes = &f->volume, .volume_count = 1, .id = "7" };
	struct bw_undo_sum sum;

	write_file(f, "a.txt", "good");
	first = shadow(f, "a.txt");
	write_file(f, "b.txt", "fine");
	second = shadow(f, "b.txt");
	write_file(f, "a.txt", "XXXXXX");
	assert_int_equal(unlinkat(f->tree, "b.txt", 0), 0);
	assert_int_equal(restore(f, &first, INT64_MAX), BW_RESTORED_REPLACED);
	assert_int_equal(restore(f, &second, INT64_MAX), BW_RESTORED_MISSING);
	write_file(f, "b.txt", "worked on since");
	sum = undo(f);
	assert_int_equal(sum.undone, 1);
	assert_int_equal(sum.left, 1);
	assert_int_equal(sum.failed, 0);
	assert_string_equal(read_back(f, "a.txt"), "XXXXXX");
	assert_string_equal(read_back(f, "b.txt"), "worked on since");
	assert_int_equal(bw_undo_run(&again, &sum, NULL), BW_ERR_CONFLICT); /* once is all */
	assert_int_equal(bw_undo_named(&again, "last"), BW_ERR_CONFLICT);
	assert_int_equal(again.older, 0);
}

static void a_link_put_in_the_way_is_not_followed(void **state)
{
	struct fixture *f = *state;
	struct bw_shelf_version version;
	char outside[96];

	(void)snprintf(outside, sizeof(outside), "%s/outside", f->dir);
	write_file(f, "a.txt", "good");
	version = shadow(f, "a.txt");
	assert_int_equal(unlinkat(f->tree, "a.txt", 0), 0);
	write_file(f, "../outside", "not yours");
	assert_int_equal(symlinkat("../outside", f->tree, "a.txt"), 0);
	assert_int_equal(restore(f, &version, INT64_MAX), BW_RESTORED_REPLACED);
	assert_string_equal(read_back(f, "a.txt"), "good");
	assert_string_equal(read_back(f, "../outside"), "not yours");
}

static void a_folder_in_the_way_is_an_error_that_says_so(void **state)
{
	struct fixture *f = *state;
	struct bw_aside aside;
	const struct bw_restore how = {
		.shadow = f->shadow, .aside = &aside, .good_after_us = INT64_MAX, .label = "x"
	};
	struct bw_restore_result result;
	struct bw_shelf_version version;
	struct bw_why why = { "" };

	bw_aside_init(&aside, &f->volume, "7");
	write_file(f, "a.txt", "good");
	version = shadow(f, "a.txt");
	assert_int_equal(unlinkat(f->tree, "a.txt", 0), 0);
	assert_int_equal(mkdirat(f->tree, "a.txt", 0755), 0);
	assert_int_equal(bw_restore_version(&how, &version, &result, &why), BW_ERR_TYPE);
	assert_non_null(strstr(why.text, "folder"));
}

static void a_damaged_version_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct bw_aside aside;
	const struct bw_restore how = {
		.shadow = f->shadow, .aside = &aside, .good_after_us = INT64_MAX, .label = "x"
	};
	struct bw_restore_result result;
	struct bw_shelf_version version;
	char path[BW_PATH_BYTES];
	int fd;

	bw_aside_init(&aside, &f->volume, "7");
	write_file(f, "a.txt", "good");
	version = shadow(f, "a.txt");
	write_file(f, "a.txt", "XXXX");
	assert_ok(bw_path_join(path, f->volume.store, "packs/00000001.pack"));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "!", 1, BW_PACK_HEAD_BYTES + 1), 1);
	(void)close(fd);
	assert_int_equal(bw_restore_version(&how, &version, &result, NULL), BW_ERR_CORRUPT);
	assert_string_equal(read_back(f, "a.txt"), "XXXX");
	assert_int_equal(spare_names(f), 0);
}

/* A sparse one, so that the test costs no room. */
static struct bw_shelf_version large_file(struct fixture *f, char object[BW_PATH_BYTES])
{
	struct bw_shelf_version version;
	char name[64];
	int fd;

	write_file(f, "disk", "what a disk begins with");
	fd = openat(f->tree, "disk", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, INT64_C(80) << 20), 0);
	(void)close(fd);
	version = shadow(f, "disk");
	(void)snprintf(name, sizeof(name), "objects/%02x/%016llx", (unsigned)(version.number >> 12 & 0xff),
		       (unsigned long long)version.number);
	assert_ok(bw_path_join(object, f->volume.store, name));
	return version;
}

static enum bw_restored look_again(struct fixture *f, const struct bw_shelf_version *version,
				   const struct bw_restore_mark *mark)
{
	const struct bw_restore how = {
		.shadow = f->shadow, .dry_run = true, .good_after_us = INT64_MAX, .mark = mark
	};
	struct bw_restore_result result;

	assert_ok(bw_restore_version(&how, version, &result, NULL));
	return result.what;
}

static void a_large_file_is_compared_once_and_again_when_somebody_touched_it(void **state)
{
	struct fixture *f = *state;
	struct bw_aside aside;
	const struct bw_restore how = {
		.shadow = f->shadow, .aside = &aside, .good_after_us = INT64_MAX, .label = "later"
	};
	char object[BW_PATH_BYTES];
	struct bw_shelf_version version = large_file(f, object);
	struct bw_restore_result result;
	struct stat status;
	int fd;

	assert_int_equal(unlinkat(f->tree, "disk", 0), 0);
	bw_aside_init(&aside, &f->volume, "7");
	assert_ok(bw_restore_version(&how, &version, &result, NULL));
	bw_aside_release(&aside);
	assert_int_not_equal(result.mark.ino, 0);
	fd = open(object, O_WRONLY | O_CLOEXEC); /* who looks at the store again would see a difference */
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "!", 1, 0), 1);
	(void)close(fd);
	assert_int_equal(look_again(f, &version, NULL), BW_RESTORED_REPLACED);
	assert_int_equal(look_again(f, &version, &result.mark), BW_RESTORED_SAME);
	fd = openat(f->tree, "disk", O_WRONLY | O_CLOEXEC);
	assert_int_equal(fstat(fd, &status), 0);
	assert_int_equal(pwrite(fd, "?", 1, 0), 1);
	assert_int_equal(futimens(fd, (const struct timespec[]){ status.st_atim, status.st_mtim }), 0);
	(void)close(fd);
	assert_int_equal(look_again(f, &version, &result.mark), BW_RESTORED_REPLACED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_overwritten_file_is_replaced_and_what_stood_there_is_kept_aside,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_deleted_file_comes_back_also_when_its_folder_is_gone, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_stands_right_is_left_alone_and_wrong_metadata_is_set_right, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_good_edit_since_is_kept_beside, setup, teardown),
		cmocka_unit_test_setup_teardown(a_dry_run_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(all_names_of_a_hard_linked_file_get_it_back, setup, teardown),
		cmocka_unit_test_setup_teardown(another_file_under_the_name_is_moved_aside_and_never_written_to, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_was_done_can_be_undone_and_what_changed_since_stays, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_link_put_in_the_way_is_not_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_folder_in_the_way_is_an_error_that_says_so, setup, teardown),
		cmocka_unit_test_setup_teardown(a_damaged_version_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_large_file_is_compared_once_and_again_when_somebody_touched_it, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
