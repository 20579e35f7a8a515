#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/files.h"
#include "sys/owner.h"

enum { SOMEBODY = 65534 };

static char folder[] = "/tmp/bw-owner-XXXXXX";
static char roots[] = "/tmp/bw-roots-XXXXXX";

static const char *in(const char *dir, const char *name)
{
	static char path[BW_PATH_BYTES];

	return bw_path_join(path, dir, name) == BW_OK ? path : "";
}

static int make_folders(void **state)
{
	(void)state;
	if (mkdtemp(folder) == NULL || mkdtemp(roots) == NULL)
		return -1;
	return geteuid() == 0 ? chown(folder, SOMEBODY, SOMEBODY) : 0;
}

static int remove_folders(void **state)
{
	static const char *const names[] = { "file", "sub" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(names); i++) {
		(void)remove(in(folder, names[i]));
		(void)remove(in(roots, names[i]));
	}
	return rmdir(folder) | rmdir(roots);
}

/* In a process of its own: there is no way back. */
static int in_a_child(int (*act)(void))
{
	const pid_t child = fork();
	int status;

	if (child == 0)
		_exit(act());
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool belongs_to(const char *path, uid_t owner)
{
	struct stat info;

	return stat(path, &info) == 0 && info.st_uid == owner && info.st_gid == (gid_t)owner;
}

static int make_in_somebodys_folder(void)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(16);

	if (bw_file_create(in(roots, "file"), BW_LIT("root's"), 0600, NULL) != BW_OK ||
	    bw_act_for_owner(folder, NULL) != BW_OK)
		return 1;
	if (bw_file_create(in(folder, "file"), BW_LIT("x"), 0600, NULL) != BW_OK ||
	    !belongs_to(in(folder, "file"), SOMEBODY))
		return 2;
	if (bw_folder_make(in(folder, "sub"), NULL) != BW_OK || !belongs_to(in(folder, "sub"), SOMEBODY))
		return 3;
	/* what is root's alone is still open to root */
	return bw_file_read(in(roots, "file"), &buf, NULL) == BW_OK && geteuid() == 0 ? 0 : 4;
}

static void what_root_makes_in_an_accounts_folder_is_the_accounts(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("skipped: only root can act for somebody\n");
		skip();
	}
	assert_int_equal(in_a_child(make_in_somebodys_folder), 0);
}

static int make_in_own_folder(void)
{
	if (bw_act_for_owner(roots, NULL) != BW_OK || bw_act_for_owner("/tmp/bw-there-is-none", NULL) != BW_OK)
		return 1;
	if (bw_folder_make(in(roots, "sub"), NULL) != BW_OK)
		return 2;
	return access(in(roots, "sub"), R_OK | W_OK) == 0 ? 0 : 3;
}

static void in_ones_own_folder_and_in_none_nothing_changes(void **state)
{
	(void)state;
	assert_int_equal(in_a_child(make_in_own_folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_root_makes_in_an_accounts_folder_is_the_accounts),
		cmocka_unit_test(in_ones_own_folder_and_in_none_nothing_changes),
	};

	return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
