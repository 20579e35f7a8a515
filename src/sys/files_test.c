#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/files.h"

static char folder[] = "/tmp/bw-files-XXXXXX";

static const char *in_folder(const char *name)
{
	static char path[BW_PATH_BYTES];

	assert_int_equal(bw_path_join(path, folder, name), BW_OK);
	return path;
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
	DIR *dir = opendir(folder);

	(void)state;
	for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
		(void)remove(in_folder(entry->d_name));
	(void)closedir(dir);
	return rmdir(folder);
}

static void paths_join_with_one_slash(void **state)
{
	static char longest[BW_PATH_BYTES];
	char path[BW_PATH_BYTES];

	(void)state;
	assert_int_equal(bw_path_join(path, "a/b", "c"), BW_OK);
	assert_string_equal(path, "a/b/c");
	assert_int_equal(bw_path_join(path, "a/b//", "c"), BW_OK);
	assert_string_equal(path, "a/b/c");
	assert_int_equal(bw_path_join(path, "/", "c"), BW_OK);
	assert_string_equal(path, "/c");
	memset(longest, 'x', sizeof(longest) - 1);
	assert_int_equal(bw_path_join(path, longest, "c"), BW_ERR_TOO_BIG);
}

static void what_is_written_is_read_back_with_its_mode(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(5);
	struct bw_why why = { "" };
	struct stat st;

	(void)state;
	assert_int_equal(bw_file_write(in_folder("f"), BW_LIT("first"), 0640, &why), BW_OK);
	assert_int_equal(bw_file_write(in_folder("f"), BW_LIT("again"), 0600, &why), BW_OK);
	assert_int_equal(stat(in_folder("f"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(bw_file_read(in_folder("f"), &buf, &why), BW_OK);
	assert_string_equal(bw_buf_text(&buf), "again");
}

static void a_file_larger_than_the_limit_is_refused_by_name(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(4);
	struct bw_why why = { "" };

	(void)state;
	assert_int_equal(bw_file_write(in_folder("f"), BW_LIT("12345"), 0600, NULL), BW_OK);
	assert_int_equal(bw_file_read(in_folder("f"), &buf, &why), BW_ERR_TOO_BIG);
	assert_int_equal(buf.len, 0);
	assert_non_null(strstr(why.text, in_folder("f")));
	assert_non_null(strstr(why.text, "larger than 4 bytes"));
}

static void missing_files_and_folders_say_so(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(4);
	struct bw_why why = { "" };

	(void)state;
	assert_int_equal(bw_file_read(in_folder("none"), &buf, &why), BW_ERR_NOT_FOUND);
	assert_non_null(strstr(why.text, "none': not found"));
	assert_int_equal(bw_file_read(folder, &buf, &why), BW_ERR_TYPE);
	assert_int_equal(bw_file_write(in_folder("none/x"), BW_LIT("1"), 0600, &why), BW_ERR_NOT_FOUND);
	assert_false(bw_file_exists(in_folder("none")));
}

static void a_fifo_does_not_hang_the_reader(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(4);

	(void)state;
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	assert_int_equal(bw_file_read(in_folder("fifo"), &buf, NULL), BW_ERR_TYPE);
}

static void create_never_replaces(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(16);

	(void)state;
	assert_int_equal(bw_file_create(in_folder("new"), BW_LIT("one"), 0600, NULL), BW_OK);
	assert_int_equal(bw_file_create(in_folder("new"), BW_LIT("two"), 0600, NULL), BW_ERR_EXISTS);
	assert_int_equal(bw_file_read(in_folder("new"), &buf, NULL), BW_OK);
	assert_string_equal(bw_buf_text(&buf), "one");
}

static void nothing_temporary_stays_behind(void **state)
{
	DIR *dir;

	(void)state;
	assert_int_equal(bw_file_write(in_folder("f"), BW_LIT("x"), 0600, NULL), BW_OK);
	assert_int_equal(bw_file_create(in_folder("f"), BW_LIT("x"), 0600, NULL), BW_ERR_EXISTS);
	dir = opendir(folder);
	assert_non_null(dir);
	for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
		assert_null(strstr(entry->d_name, ".new-"));
	(void)closedir(dir);
}

static void a_private_folder_is_private_whatever_the_umask(void **state)
{
	const mode_t before = umask(0);
	struct stat st;

	(void)state;
	assert_int_equal(bw_folder_make(in_folder("private"), NULL), BW_OK);
	(void)umask(before);
	assert_int_equal(stat(in_folder("private"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(bw_folder_make(in_folder("private"), NULL), BW_ERR_EXISTS);
}

static void a_lock_has_one_holder_and_names_it(void **state)
{
	struct bw_why why = { "" };
	char number[32];
	int fd;
	int other;

	(void)state;
	assert_int_equal(bw_lock_take(in_folder("lock"), &fd, &why), BW_OK);
	assert_int_equal(bw_lock_take(in_folder("lock"), &other, &why), BW_ERR_BUSY);
	(void)snprintf(number, sizeof(number), "process %ld", (long)getpid());
	assert_non_null(strstr(why.text, number));
	(void)close(fd);
	assert_int_equal(bw_lock_take(in_folder("lock"), &fd, &why), BW_OK);
	(void)close(fd);
}

static void a_dead_holder_lets_go(void **state)
{
	int fd;
	pid_t child;

	(void)state;
	child = fork();
	if (child == 0) {
		if (bw_lock_take(in_folder("lock"), &fd, NULL) != BW_OK)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(bw_lock_take(in_folder("lock"), &fd, NULL), BW_OK);
	(void)close(fd);
}

static pid_t write_later(const char *path, const char *text)
{
	const pid_t child = fork();

	if (child == 0) {
		const int fd = open(path, O_WRONLY | O_CLOEXEC); /* waits for the reader */

		_exit(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : 1);
	}
	return child;
}

static void a_pipe_is_read_to_its_end_by_its_name_and_by_its_descriptor(void **state)
{
	struct bw_buf buf = BW_BUF_INIT(16);
	char name[64];
	int pair[2];
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(mkfifo(in_folder("named"), 0600), 0);
	child = write_later(in_folder("named"), "secret\n");
	assert_int_equal(bw_file_or_pipe_read(in_folder("named"), &buf, NULL), BW_OK);
	assert_string_equal(bw_buf_text(&buf), "secret\n");
	assert_int_equal(waitpid(child, &status, 0), child);

	bw_buf_clear(&buf);
	assert_int_equal(pipe(pair), 0);
	assert_int_equal(write(pair[1], "other", 5), 5);
	assert_int_equal(close(pair[1]), 0);
	(void)snprintf(name, sizeof(name), "/dev/fd/%d", pair[0]);
	assert_int_equal(bw_file_or_pipe_read(name, &buf, NULL), BW_OK);
	assert_string_equal(bw_buf_text(&buf), "other");
	assert_int_equal(close(pair[0]), 0);
	bw_buf_release(&buf);
}

static void a_pipe_with_too_much_in_it_is_refused(void **state)
{
	struct bw_buf buf = BW_BUF_INIT(4);
	struct bw_why why = { 0 };
	int status;
	pid_t child;

	(void)state;
	assert_int_equal(mkfifo(in_folder("full"), 0600), 0);
	child = write_later(in_folder("full"), "12345");
	assert_int_equal(bw_file_or_pipe_read(in_folder("full"), &buf, &why), BW_ERR_TOO_BIG);
	assert_int_equal(buf.len, 0);
	assert_non_null(strstr(why.text, "larger than 4 bytes"));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(bw_file_or_pipe_read("/dev/null", &buf, &why), BW_ERR_TYPE);
	bw_buf_release(&buf);
}

static void folders_are_made_down_to_the_last(void **state)
{
	char path[BW_PATH_BYTES];
	struct stat st;

	(void)state;
	memcpy(path, in_folder("deep/er/est"), BW_PATH_BYTES);
	assert_int_equal(bw_folder_need(path, NULL), BW_OK);
	assert_int_equal(bw_folder_need(path, NULL), BW_OK);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(in_folder("deep/er")), 0);
	assert_int_equal(rmdir(in_folder("deep")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_join_with_one_slash),
		cmocka_unit_test(folders_are_made_down_to_the_last),
		cmocka_unit_test(what_is_written_is_read_back_with_its_mode),
		cmocka_unit_test(a_file_larger_than_the_limit_is_refused_by_name),
		cmocka_unit_test(missing_files_and_folders_say_so),
		cmocka_unit_test(a_fifo_does_not_hang_the_reader),
		cmocka_unit_test(create_never_replaces),
		cmocka_unit_test(nothing_temporary_stays_behind),
		cmocka_unit_test(a_private_folder_is_private_whatever_the_umask),
		cmocka_unit_test(a_lock_has_one_holder_and_names_it),
		cmocka_unit_test(a_dead_holder_lets_go),
		cmocka_unit_test(a_pipe_is_read_to_its_end_by_its_name_and_by_its_descriptor),
		cmocka_unit_test(a_pipe_with_too_much_in_it_is_refused),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
