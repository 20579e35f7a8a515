#include "sys/beneath.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_lies_below_opens, setup, teardown),
		cmocka_unit_test_setup_teardown(no_way_leads_out, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
