#include "guard/data_seen.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"

struct fixture {
	char data[64];
	char folder[80];
	char lock[96];
	char elsewhere[80];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	(void)snprintf(f->data, sizeof(f->data), "/tmp/breakwater-seen-XXXXXX");
	assert_non_null(mkdtemp(f->data));
	(void)snprintf(f->folder, sizeof(f->folder), "%s/guard", f->data);
	(void)snprintf(f->lock, sizeof(f->lock), "%s/lock", f->folder);
	(void)snprintf(f->elsewhere, sizeof(f->elsewhere), "%s/other", f->data);
	assert_int_equal(mkdir(f->folder, 0700), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	(void)unlink(f->lock);
	(void)rmdir(f->folder);
	(void)rmdir(f->elsewhere);
	(void)rmdir(f->data);
	free(f);
	return 0;
}

static void a_folder_is_here_gone_or_another_one(void **state)
{
	struct fixture *f = *state;
	struct bw_data_seen seen;

	bw_data_look(f->data, &seen);
	assert_int_equal(bw_data_state(f->data, &seen), BW_DATA_HERE);
	assert_int_equal(rename(f->folder, f->elsewhere), 0);
	assert_int_equal(bw_data_state(f->data, &seen), BW_DATA_GONE);
	assert_int_equal(mkdir(f->folder, 0700), 0);
	assert_int_equal(bw_data_state(f->data, &seen), BW_DATA_OTHER);
	assert_int_equal(rmdir(f->folder), 0);
	assert_int_equal(rename(f->elsewhere, f->folder), 0);
	assert_int_equal(bw_data_state(f->data, &seen), BW_DATA_HERE);
}

static void one_that_could_not_be_looked_at_tells_nothing(void **state)
{
	const struct bw_data_seen nothing = { 0 };

	(void)state;
	assert_int_equal(bw_data_state("/nowhere", &nothing), BW_DATA_HERE);
}

/* A process of our name that holds the lock open, until it is killed. */
static pid_t begin_keeper(struct fixture *f)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const int fd = open(f->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0 || prctl(PR_SET_NAME, "breakwater") != 0 || write(ready[1], "y", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	(void)close(ready[1]);
	return pid;
}

static void who_holds_a_lock_that_is_gone_is_found_and_who_holds_one_that_is_there_is_not(void **state)
{
	struct fixture *f = *state;
	char words[512];
	pid_t pid;

	if (geteuid() != 0) {
		print_message("skipped: only root's process counts\n");
		skip();
	}
	assert_int_equal(bw_data_keeper(f->data), 0);
	pid = begin_keeper(f);
	assert_int_equal(bw_data_keeper(f->data), 0);
	assert_int_equal(unlink(f->lock), 0);
	assert_int_equal(bw_data_keeper(f->data), pid);
	assert_ok(bw_data_lost_words(f->data, words, sizeof(words)));
	assert_non_null(strstr(words, "has lost its data folder"));
	assert_int_equal(bw_data_keeper("/nowhere"), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(bw_data_lost_words(f->data, words, sizeof(words)), BW_ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_folder_is_here_gone_or_another_one, setup, teardown),
		cmocka_unit_test(one_that_could_not_be_looked_at_tells_nothing),
		cmocka_unit_test_setup_teardown(
			who_holds_a_lock_that_is_gone_is_found_and_who_holds_one_that_is_there_is_not, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
