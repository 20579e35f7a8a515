/*
 * Landlock through raw system calls: Debian 12's header knows two ABIs, the
 * kernel it runs on may know more. Numbers are from the kernel's own
 * documentation of its userspace interface.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/sandbox_parts.h"

#define FS_TRUNCATE (UINT64_C(1) << 14)  /* ABI 3 */
#define FS_IOCTL_DEV (UINT64_C(1) << 15) /* ABI 5 */
#define NET_BIND_TCP (UINT64_C(1) << 0)  /* ABI 4 */
#define NET_CONNECT_TCP (UINT64_C(1) << 1)
#define SCOPE_ABSTRACT_UNIX (UINT64_C(1) << 0) /* ABI 6 */
#define SCOPE_SIGNAL (UINT64_C(1) << 1)

#define FS_READ ((uint64_t)(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR))
#define FS_WRITE                                                                                     \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR | \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REFER | FS_TRUNCATE)

/* What a rule on something that is not a folder may name. */
#define FS_OF_A_FILE ((uint64_t)(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE) | FS_TRUNCATE)

/* As ABI 6 has it; older kernels take it while the tail is zero. */
struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

int bw_landlock_abi(void)
{
	const long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi < 0 ? 0 : (int)abi;
}

static struct ruleset all_that_can_be_refused(int abi, unsigned promises)
{
	struct ruleset rules = { 0 };

	rules.fs = (UINT64_C(1) << 13) - 1; /* ABI 1 */
	if ((promises & (BW_MAY_KEEP | BW_MAY_WATCH)) != 0)
		rules.fs &= ~FS_READ; /* what is opened by handle may hang nowhere, and no rule would ever fit it */
	if (abi >= 2)
		rules.fs |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		rules.fs |= FS_TRUNCATE;
	if (abi >= 4)
		rules.net = NET_BIND_TCP | ((promises & BW_MAY_CONNECT) != 0 ? 0 : NET_CONNECT_TCP);
	if (abi >= 5)
		rules.fs |= FS_IOCTL_DEV;
	if (abi >= 6)
		rules.scoped = SCOPE_ABSTRACT_UNIX | ((promises & BW_MAY_WATCH) != 0 ? 0 : SCOPE_SIGNAL);
	return rules;
}

static enum bw_err allow_below(int ruleset, uint64_t access, const char *path, struct bw_why *why)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = access };
	const int fd = open(path, O_PATH | O_CLOEXEC);
	struct stat st;
	long done;

	if (fd < 0)
		return bw_why_errno(why, errno, "open for the sandbox", path);
	if (fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= FS_OF_A_FILE;
	rule.parent_fd = fd;
	done = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	(void)close(fd);
	if (done != 0)
		return bw_why_set(why, BW_ERR_SANDBOX, "the kernel refused a Landlock rule for '%s'", path);
	return BW_OK;
}

/* What is missing here is refused later, which is what a list of "also" promises. */
static enum bw_err allow_if_there(int ruleset, const char *path, struct bw_why *why)
{
	const enum bw_err err = allow_below(ruleset, FS_READ, path, why);

	return err == BW_ERR_NOT_FOUND ? BW_OK : err;
}

static enum bw_err allow_paths(int ruleset, uint64_t handled, unsigned promises, const struct bw_sandbox_paths *paths,
			       struct bw_why *why)
{
	if (paths->folder != NULL && (promises & BW_MAY_STORE) != 0)
		BW_TRY(allow_below(ruleset, (FS_READ | FS_WRITE) & handled, paths->folder, why));
	else if (paths->folder != NULL && (promises & BW_MAY_READ_STORE) != 0)
		BW_TRY(allow_below(ruleset, FS_READ, paths->folder, why));
	for (const char *const *path = paths->write_also; path != NULL && *path != NULL; path++)
		BW_TRY(allow_below(ruleset, FS_WRITE & handled, *path, why));
	/* SQLite seeds itself from it */
	if ((promises & (BW_MAY_STORE | BW_MAY_READ_STORE)) != 0)
		BW_TRY(allow_if_there(ruleset, "/dev/urandom", why));
	for (const char *const *path = paths->read_also; path != NULL && *path != NULL; path++)
		BW_TRY(allow_if_there(ruleset, *path, why));
	return BW_OK;
}

enum bw_err bw_landlock_enter(int abi, unsigned promises, const struct bw_sandbox_paths *paths, struct bw_why *why)
{
	const struct ruleset rules = all_that_can_be_refused(abi, promises);
	const int fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
	enum bw_err err;

	if (fd < 0)
		return bw_why_set(why, BW_ERR_SANDBOX, "the kernel refused a Landlock ruleset");
	err = allow_paths(fd, rules.fs, promises, paths, why);
	if (err == BW_OK && syscall(SYS_landlock_restrict_self, fd, 0) != 0)
		err = bw_why_set(why, BW_ERR_SANDBOX, "the kernel refused to enter the Landlock ruleset");
	(void)close(fd);
	return err;
}
