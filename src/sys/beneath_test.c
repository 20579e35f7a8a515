#include "sys/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"

struct fixture {
	char dir[64];
	int folder;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	assert_non_null(f);
	(void)snprintf(f->dir, sizeof(f->dir), "/tmp/breakwater-beneath-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->folder = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(f->folder >= 0);
	assert_int_equal(mkdirat(f->folder, "in", 0700), 0);
	assert_int_equal(symlinkat("/etc", f->folder, "out"), 0);
	assert_int_equal(symlinkat("in", f->folder, "turn"), 0);
	fd = openat(f->folder, "in/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	(void)unlinkat(f->folder, "in/file", 0);
	(void)unlinkat(f->folder, "in", AT_REMOVEDIR);
	(void)unlinkat(f->folder, "out", 0);
	(void)unlinkat(f->folder, "turn", 0);
	(void)close(f->folder);
	(void)rmdir(f->dir);
	free(f);
	return 0;
}

static enum bw_err try_open(const struct fixture *f, const char *path)
{
	int fd = -1;
	const enum bw_err err = bw_open_beneath(f->folder, path, O_RDONLY, 0, &fd);

	if (err == BW_OK)
		(void)close(fd);
	return err;
}

static void what_lies_below_opens(void **state)
{
	assert_ok(try_open(*state, "in/file"));
	assert_ok(try_open(*state, "in"));
	assert_ok(try_open(*state, ""));
	assert_int_equal(try_open(*state, "in/none"), BW_ERR_NOT_FOUND);
}

static void no_way_leads_out(void **state)
{
	assert_int_equal(try_open(*state, "out"), BW_ERR_TYPE);
	assert_int_equal(try_open(*state, "out/passwd"), BW_ERR_TYPE);
	assert_int_equal(try_open(*state, "turn/file"), BW_ERR_TYPE); /* a link is a link, wherever it leads */
	assert_int_equal(try_open(*state, "../"), BW_ERR_TYPE);
	assert_int_equal(try_open(*state, "in/../../etc"), BW_ERR_TYPE);
	assert_int_equal(try_open(*state, "/etc/passwd"), BW_ERR_TYPE);
}

/* As systemd's RestrictSUIDSGID= does, which once kept the guard from walking. */
static bool take_the_call_away(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	bool done = ctx != NULL && seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0) == 0 &&
		    seccomp_load(ctx) == 0;

	seccomp_release(ctx);
	return done;
}

static void a_filter_that_takes_the_call_away_is_not_just_some_failure(void **state)
{
	const pid_t child = fork();
	int status = 0;

	assert_true(child >= 0);
	if (child == 0)
		_exit(!take_the_call_away() ? 77 : try_open(*state, "in") == BW_ERR_UNSUPPORTED ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_lies_below_opens, setup, teardown),
		cmocka_unit_test_setup_teardown(no_way_leads_out, setup, teardown),
		cmocka_unit_test_setup_teardown(a_filter_that_takes_the_call_away_is_not_just_some_failure, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
