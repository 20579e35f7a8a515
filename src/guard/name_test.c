/* On the file system of the temporary folder; tests/guard_names_test.py does the same on ext4, XFS and Btrfs. */
#include "guard/name.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/test.h"

struct fixture {
	char dir[64];
	struct bw_volume volume;
	struct bw_file_key folder;
	int fd; /* of the file */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct bw_why why = { 0 };

	assert_non_null(f);
	f->fd = -1;
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/breakwater-name-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	if (bw_volume_of(f->dir, &f->volume, &why) != BW_OK)
		f->volume.root = -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->fd >= 0)
		(void)close(f->fd);
	if (f->volume.root >= 0)
		bw_volume_release(&f->volume);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static const char *in(const struct fixture *f, const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	return path;
}

/* False: nothing of this kind can be guarded here, or opened by handle. */
static bool is_here(struct fixture *f)
{
	struct bw_handle handle;
	int fd = -1;
	int folder;

	if (f->volume.root < 0)
		return false;
	folder = open(f->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(folder >= 0);
	assert_ok(bw_volume_key(&f->volume, folder, &f->folder));
	(void)close(folder);
	if (bw_volume_handle_of(&f->volume, &f->folder, &handle) != BW_OK ||
	    bw_volume_open(&f->volume, &handle, O_DIRECTORY, &fd) != BW_OK)
		return false;
	(void)close(fd);
	return true;
}

static void assert_called(const struct fixture *f, const char *told, const char *expected)
{
	struct bw_name name;

	assert_ok(bw_name_now(&f->volume, f->fd, &f->folder, bw_slice_text(told), &name));
	assert_int_equal(name.is_other, strcmp(told, expected) != 0);
	if (!name.is_other)
		return;
	assert_true(bw_slice_is(bw_slice_of(name.bytes, name.len), expected));
	assert_true(bw_file_key_equals(&name.folder, &f->folder));
}

static void a_number_sign_and_the_inode_is_the_kernels_own_name(void **state)
{
	(void)state;
	assert_true(bw_name_is_temporary(BW_LIT("#62"), 62));
	assert_true(bw_name_is_temporary(BW_LIT("#18446744073709551615"), UINT64_MAX));
	assert_false(bw_name_is_temporary(BW_LIT("#62"), 63));
	assert_false(bw_name_is_temporary(BW_LIT("#062"), 62));
	assert_false(bw_name_is_temporary(BW_LIT("#62 "), 62));
	assert_false(bw_name_is_temporary(BW_LIT("#"), 0));
	assert_false(bw_name_is_temporary(BW_LIT("62"), 62));
	assert_false(bw_name_is_temporary(bw_slice_empty, 0));
}

static void a_file_made_without_a_name_has_none_until_it_gets_one(void **state)
{
	struct fixture *f = *state;
	struct bw_name name;
	struct stat status;
	char link[32];
	char own[32];

	if (!is_here(f))
		skip_because("file handles of another kind here");
	f->fd = open(f->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (f->fd < 0)
		skip_because("no files without a name on this file system");
	assert_int_equal(fstat(f->fd, &status), 0);
	(void)snprintf(own, sizeof(own), "#%llu", (unsigned long long)status.st_ino);
	assert_int_equal(bw_name_now(&f->volume, f->fd, &f->folder, bw_slice_text(own), &name), BW_ERR_NOT_FOUND);
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", f->fd);
	assert_int_equal(linkat(AT_FDCWD, link, AT_FDCWD, in(f, "Ausflug nach 48.docx"), AT_SYMLINK_FOLLOW), 0);
	assert_called(f, own, "Ausflug nach 48.docx");
	assert_called(f, "", "Ausflug nach 48.docx");
	assert_called(f, "Ausflug nach 48.docx", "Ausflug nach 48.docx");
	assert_int_equal(unlink(in(f, "Ausflug nach 48.docx")), 0);
}

static void a_person_may_call_a_file_as_the_kernel_does(void **state)
{
	struct fixture *f = *state;
	struct stat status;
	char from[128];
	char own[32];

	if (!is_here(f))
		skip_because("file handles of another kind here");
	f->fd = open(in(f, "first"), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_true(f->fd >= 0);
	assert_int_equal(fstat(f->fd, &status), 0);
	(void)snprintf(own, sizeof(own), "#%llu", (unsigned long long)status.st_ino);
	(void)snprintf(from, sizeof(from), "%s", in(f, "first"));
	assert_int_equal(rename(from, in(f, own)), 0);
	assert_called(f, own, own);
	assert_int_equal(unlink(in(f, own)), 0);
}

static void a_name_that_is_gone_gives_way_to_the_one_that_is_left(void **state)
{
	struct fixture *f = *state;
	char from[128];

	if (!is_here(f))
		skip_because("file handles of another kind here");
	f->fd = open(in(f, "first"), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	assert_true(f->fd >= 0);
	(void)snprintf(from, sizeof(from), "%s", in(f, "first"));
	assert_int_equal(link(from, in(f, "second")), 0);
	assert_called(f, "first", "first");
	assert_called(f, "second", "second");
	assert_int_equal(unlink(in(f, "first")), 0);
	assert_called(f, "first", "second");
	assert_int_equal(unlink(in(f, "second")), 0);
	assert_called(f, "second", "second"); /* what was told is all there is */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_number_sign_and_the_inode_is_the_kernels_own_name, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_made_without_a_name_has_none_until_it_gets_one, setup, teardown),
		cmocka_unit_test_setup_teardown(a_person_may_call_a_file_as_the_kernel_does, setup, teardown),
		cmocka_unit_test_setup_teardown(a_name_that_is_gone_gives_way_to_the_one_that_is_left, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
