#include "guard/freezer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"

enum { SOMEBODY = 12345, INCIDENT = 77 };

static const char no_stage[] = "needs root and a version 2 of cgroups that can be written to";

/* Two cgroups of the test's own, one in the other, and a process in the inner one. */
struct stage {
	char data[64];
	struct bw_freezer freezer;
	int proc;
	char base[64];  /* "/bw-test-PID" */
	char inner[96]; /* "/bw-test-PID/inner" */
	int base_fd;
	int inner_fd;
	pid_t child;
};

static void the_path_of_version_2_is_found_among_the_others(void **state)
{
	char path[BW_PATH_BYTES];

	(void)state;
	assert_ok(bw_cgroup_parse(BW_LIT("9:name=systemd:/\n1:cpu:/a\n0::/user.slice/x y\n"), path));
	assert_string_equal(path, "/user.slice/x y");
	assert_ok(bw_cgroup_parse(BW_LIT("0::/\n"), path));
	assert_string_equal(path, "/");
	assert_int_equal(bw_cgroup_parse(BW_LIT("1:cpu:/a\n"), path), BW_ERR_NOT_FOUND);
	assert_int_equal(bw_cgroup_parse(BW_LIT("0::/../beside\n"), path), BW_ERR_NOT_FOUND);
	assert_int_equal(bw_cgroup_parse(BW_LIT("0::relative\n"), path), BW_ERR_NOT_FOUND);
	assert_int_equal(bw_cgroup_parse(BW_LIT("0::/cut off"), path), BW_ERR_NOT_FOUND);
}

static int open_made(int root, const char *path)
{
	int fd = -1;

	if (mkdirat(root, path + 1, 0755) != 0)
		return -1;
	assert_ok(bw_cgroup_at(root, path, &fd));
	return fd;
}

/* False where this machine has no such hierarchy, or does not let us write in it. */
static bool set(struct stage *stage)
{
	char guard[80];

	*stage = (struct stage){ .data = "/tmp/bw-freezer-XXXXXX", .proc = -1, .base_fd = -1, .inner_fd = -1 };
	if (geteuid() != 0 || bw_freezer_usable() != BW_OK)
		return false;
	assert_non_null(mkdtemp(stage->data));
	(void)snprintf(guard, sizeof(guard), "%s/guard", stage->data);
	assert_int_equal(mkdir(guard, 0700), 0);
	assert_ok(bw_freezer_open(stage->data, &stage->freezer));
	stage->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)snprintf(stage->base, sizeof(stage->base), "/bw-test-%d", getpid());
	(void)snprintf(stage->inner, sizeof(stage->inner), "%s/inner", stage->base);
	stage->base_fd = open_made(stage->freezer.root, stage->base);
	if (stage->base_fd < 0) {
		bw_freezer_close(&stage->freezer);
		(void)close(stage->proc);
		assert_int_equal(rmdir(guard), 0);
		assert_int_equal(rmdir(stage->data), 0);
		return false;
	}
	stage->inner_fd = open_made(stage->freezer.root, stage->inner);
	assert_true(stage->inner_fd >= 0);
	stage->child = fork();
	if (stage->child == 0) {
		for (;;)
			(void)pause();
	}
	assert_ok(bw_cgroup_take(stage->inner_fd, (uint32_t)stage->child));
	return true;
}

static void remove_at(const struct stage *stage, const char *path)
{
	/* a cgroup is empty only some moments after who was in it is */
	for (int tries = 0; tries < 1000; tries++) {
		if (unlinkat(stage->freezer.root, path + 1, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return;
		(void)poll(NULL, 0, 10);
	}
	fail_msg("%s stays", path);
}

static void unset(struct stage *stage, uint64_t held)
{
	char guard[80];
	char path[160];

	(void)kill(stage->child, SIGKILL); /* also who is frozen */
	assert_int_equal(waitpid(stage->child, NULL, 0), stage->child);
	bw_freezer_tidy(&stage->freezer, held);
	(void)snprintf(path, sizeof(path), "%s/bw-free-%s%u", stage->base, stage->freezer.prefix + strlen("bw-held-"),
		       (unsigned)INCIDENT);
	remove_at(stage, path);
	remove_at(stage, stage->inner);
	remove_at(stage, stage->base);
	(void)close(stage->base_fd);
	(void)close(stage->inner_fd);
	(void)close(stage->proc);
	bw_freezer_close(&stage->freezer);
	(void)snprintf(guard, sizeof(guard), "%s/guard", stage->data);
	assert_int_equal(rmdir(guard), 0);
	assert_int_equal(rmdir(stage->data), 0);
}

static bool is_at(const struct stage *stage, const char *where)
{
	char path[BW_PATH_BYTES];

	assert_ok(bw_cgroup_of(stage->proc, (uint32_t)stage->child, path));
	return strcmp(path, where) == 0;
}

static void ours(const struct stage *stage, const char *place, char out[BW_PATH_BYTES])
{
	(void)snprintf(out, BW_PATH_BYTES, "%s/%s%u", place, stage->freezer.prefix, (unsigned)INCIDENT);
}

static struct bw_frozen hold(const struct stage *stage)
{
	struct bw_frozen frozen;

	assert_ok(bw_freezer_hold(&stage->freezer, stage->proc, INCIDENT, (uint32_t)stage->child, &frozen));
	assert_true(bw_freezer_has(stage->freezer.root, stage->proc, (uint32_t)stage->child));
	return frozen;
}

static void let_go(const struct stage *stage, const struct bw_frozen *frozen)
{
	assert_ok(bw_freezer_let_go(&stage->freezer, stage->proc, (uint32_t)stage->child, frozen));
	assert_false(bw_freezer_has(stage->freezer.root, stage->proc, (uint32_t)stage->child));
}

static void who_is_held_stands_below_his_own_and_goes_back_there(void **state)
{
	char path[BW_PATH_BYTES];
	struct bw_frozen frozen;
	struct bw_frozen again;
	struct stage stage;
	int fd;

	(void)state;
	if (!set(&stage))
		skip_because(no_stage);
	frozen = hold(&stage);
	ours(&stage, stage.inner, path);
	assert_true(is_at(&stage, path));
	assert_true(frozen.home == bw_cgroup_id(stage.inner_fd));
	assert_int_equal(bw_freezer_hold(&stage.freezer, stage.proc, 78, (uint32_t)stage.child, &again), BW_ERR_EXISTS);
	assert_true(again.cgroup == frozen.cgroup && again.home == 0);
	bw_freezer_tidy(&stage.freezer, frozen.cgroup);
	assert_true(is_at(&stage, path)); /* somebody is in it */
	let_go(&stage, &frozen);
	assert_true(is_at(&stage, stage.inner));
	bw_freezer_tidy(&stage.freezer, frozen.cgroup);
	assert_int_equal(bw_cgroup_by_id(stage.freezer.root, frozen.cgroup, &fd), BW_ERR_NOT_FOUND);
	assert_int_equal(bw_freezer_let_go(&stage.freezer, stage.proc, (uint32_t)stage.child, &frozen),
			 BW_ERR_NOT_FOUND);
	unset(&stage, frozen.cgroup);
}

static void whose_cgroup_a_user_may_write_in_is_held_above_it(void **state)
{
	char path[BW_PATH_BYTES];
	struct bw_frozen frozen;
	struct stage stage;

	(void)state;
	if (!set(&stage))
		skip_because(no_stage);
	assert_int_equal(fchown(stage.inner_fd, SOMEBODY, SOMEBODY), 0);
	frozen = hold(&stage);
	ours(&stage, stage.base, path);
	assert_true(is_at(&stage, path));
	let_go(&stage, &frozen);
	assert_true(is_at(&stage, stage.inner));
	assert_int_equal(fchown(stage.inner_fd, 0, 0), 0);
	assert_int_equal(fchownat(stage.inner_fd, "cgroup.procs", SOMEBODY, SOMEBODY, 0), 0);
	frozen = hold(&stage);
	assert_true(is_at(&stage, path));
	unset(&stage, frozen.cgroup);
}

static void who_calls_his_cgroup_as_ours_is_held_all_the_same(void **state)
{
	char path[BW_PATH_BYTES];
	struct bw_frozen frozen;
	struct stage stage;
	int fd;

	(void)state;
	if (!set(&stage))
		skip_because(no_stage);
	ours(&stage, stage.inner, path);
	fd = open_made(stage.freezer.root, path);
	assert_true(fd >= 0);
	assert_int_equal(fchown(stage.inner_fd, SOMEBODY, SOMEBODY), 0);
	assert_int_equal(fchown(fd, SOMEBODY, SOMEBODY), 0);
	assert_ok(bw_cgroup_take(fd, (uint32_t)stage.child));
	assert_ok(bw_cgroup_freeze(fd, true));
	assert_false(bw_freezer_has(stage.freezer.root, stage.proc, (uint32_t)stage.child));
	frozen = hold(&stage);
	(void)close(fd);
	remove_at(&stage, path);
	ours(&stage, stage.base, path);
	assert_true(is_at(&stage, path));
	unset(&stage, frozen.cgroup);
}

static void whose_own_is_gone_goes_on_beside_the_hold(void **state)
{
	char path[BW_PATH_BYTES];
	struct bw_frozen frozen;
	struct stage stage;

	(void)state;
	if (!set(&stage))
		skip_because(no_stage);
	assert_int_equal(fchown(stage.inner_fd, SOMEBODY, SOMEBODY), 0);
	frozen = hold(&stage);
	remove_at(&stage, stage.inner);
	let_go(&stage, &frozen);
	assert_true(is_at(&stage, stage.base));
	/* and where that one takes no processes, in one of its own */
	frozen = hold(&stage);
	frozen.home = 0;
	if (faccessat(stage.base_fd, "cgroup.subtree_control", W_OK, 0) == 0) {
		const int fd = openat(stage.base_fd, "cgroup.subtree_control", O_WRONLY | O_CLOEXEC);

		if (write(fd, "+pids", 5) == 5) {
			let_go(&stage, &frozen);
			(void)snprintf(path, sizeof(path), "%s/bw-free-%s%u", stage.base,
				       stage.freezer.prefix + strlen("bw-held-"), (unsigned)INCIDENT);
			assert_true(is_at(&stage, path));
		}
		(void)close(fd);
	}
	unset(&stage, frozen.cgroup);
}

static enum bw_err count_found(void *context, const struct bw_freezer_found *found)
{
	struct bw_freezer_found *last = context;

	*last = *found;
	return BW_OK;
}

static void who_was_held_is_found_again_by_this_guard_alone(void **state)
{
	struct bw_freezer_found found = { 0 };
	struct bw_freezer other;
	struct bw_frozen frozen;
	struct stage stage;

	(void)state;
	if (!set(&stage))
		skip_because(no_stage);
	frozen = hold(&stage);
	other = stage.freezer;
	(void)snprintf(other.prefix, sizeof(other.prefix), "bw-held-1-2-");
	assert_ok(bw_freezer_scan(&other, count_found, &found));
	assert_int_equal(found.pid, 0);
	assert_ok(bw_freezer_scan(&stage.freezer, count_found, &found));
	assert_int_equal(found.pid, stage.child);
	assert_int_equal(found.incident, INCIDENT);
	assert_true(found.cgroup == frozen.cgroup);
	assert_int_equal(kill(stage.child, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)stage.child, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	unset(&stage, frozen.cgroup);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_path_of_version_2_is_found_among_the_others),
		cmocka_unit_test(who_is_held_stands_below_his_own_and_goes_back_there),
		cmocka_unit_test(whose_cgroup_a_user_may_write_in_is_held_above_it),
		cmocka_unit_test(who_calls_his_cgroup_as_ours_is_held_all_the_same),
		cmocka_unit_test(whose_own_is_gone_goes_on_beside_the_hold),
		cmocka_unit_test(who_was_held_is_found_again_by_this_guard_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
