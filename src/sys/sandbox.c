#include "sys/sandbox.h"

#include <linux/capability.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/sandbox_parts.h"

static void put_words(struct bw_sandbox_granted *granted)
{
	char landlock[16] = "no";

	if (granted->landlock)
		(void)snprintf(landlock, sizeof(landlock), "%d", granted->landlock_abi);
	(void)snprintf(granted->words, sizeof(granted->words), "landlock=%s seccomp=%s no_new_privs=%s dumpable=%s",
		       landlock, granted->seccomp ? "yes" : "no", granted->no_new_privs ? "yes" : "no",
		       granted->not_dumpable ? "no" : "yes");
}

/* Lowered for good: the hard limit goes down too. Raising is never tried. */
static void lower_limit(__rlimit_resource_t what, rlim_t most)
{
	struct rlimit limit;

	if (getrlimit(what, &limit) != 0 || limit.rlim_max <= most)
		return;
	limit = (struct rlimit){ most, most };
	(void)setrlimit(what, &limit);
}

static void limit_resources(const struct bw_sandbox_paths *paths)
{
	lower_limit(RLIMIT_CORE, 0); /* keys and mail addresses do not belong in a core file */
	if (paths->max_fds > 0)
		lower_limit(RLIMIT_NOFILE, paths->max_fds);
	/* the address sanitizer reserves terabytes it never touches */
	if (paths->memory_bytes > 0 && BW_SANITIZED == 0)
		lower_limit(RLIMIT_AS, paths->memory_bytes);
}

#define CAP_BIT(cap) (UINT32_C(1) << (cap))

/*
 * Started as root, a worker keeps nothing of it, except that one with files may
 * go on using a data folder that belongs to the service's own user.
 */
static bool drop_capabilities(unsigned promises)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };
	struct __user_cap_data_struct before[BW_COUNT(sets)];
	uint32_t keep = 0;

	if (geteuid() == 0 && (promises & BW_MAY_STORE) != 0)
		keep = CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_CHOWN);
	else if (geteuid() == 0 && (promises & BW_MAY_KEEP) != 0)
		/* FOWNER for O_NOATIME: keeping a file must not look like reading it. NICE of itself only: seccomp */
		keep = CAP_BIT(CAP_DAC_READ_SEARCH) | CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_SYS_NICE);
	else if (geteuid() == 0 && (promises & BW_MAY_WATCH) != 0)
		keep = CAP_BIT(CAP_DAC_READ_SEARCH) | CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_KILL) | CAP_BIT(CAP_IPC_LOCK);
	else if (geteuid() == 0 && (promises & BW_MAY_READ_STORE) != 0)
		keep = CAP_BIT(CAP_DAC_OVERRIDE);
	if (syscall(SYS_capget, &head, sets) != 0)
		return false;
	memcpy(before, sets, sizeof(sets));
	for (size_t i = 0; i < BW_COUNT(sets); i++) {
		sets[i].permitted &= i == 0 ? keep : 0;
		sets[i].effective = sets[i].permitted;
		sets[i].inheritable = 0;
	}
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	/* a service manager that gave none may have taken the call away too, and there is nothing to drop */
	return memcmp(before, sets, sizeof(sets)) == 0 || syscall(SYS_capset, &head, sets) == 0;
}

enum bw_err bw_sandbox_enter(unsigned promises, const struct bw_sandbox_paths *paths, struct bw_sandbox_granted *out,
			     struct bw_why *why)
{
	static const struct bw_sandbox_paths nothing = { 0 };
	const struct bw_sandbox_paths *allowed = paths == NULL ? &nothing : paths;
	const bool opens = allowed->read_also != NULL && allowed->read_also[0] != NULL;
	struct bw_sandbox_granted granted = { .landlock_abi = bw_landlock_abi() };
	enum bw_err err;

	limit_resources(allowed);
	if (!drop_capabilities(promises))
		return bw_why_set(why, BW_ERR_SANDBOX, "the kernel refused to drop capabilities");
	granted.no_new_privs = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
	granted.not_dumpable = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
	if (granted.landlock_abi > 0 && granted.no_new_privs) {
		BW_TRY(bw_landlock_enter(granted.landlock_abi, promises, allowed, why));
		granted.landlock = true;
	}
	err = bw_seccomp_enter(promises, opens, why);
	if (err != BW_OK && err != BW_ERR_UNSUPPORTED)
		return err;
	granted.seccomp = err == BW_OK;
	granted.whole = granted.no_new_privs && granted.not_dumpable && granted.landlock && granted.seccomp;
	put_words(&granted);
	*out = granted;
	return BW_OK;
}

void bw_sandbox_probe(struct bw_sandbox_granted *out)
{
	*out = (struct bw_sandbox_granted){ .landlock_abi = bw_landlock_abi(), .seccomp = bw_seccomp_exists() };
	out->landlock = out->landlock_abi > 0;
	/* every kernel since 3.5 has these two */
	out->no_new_privs = true;
	out->not_dumpable = true;
	out->whole = out->landlock && out->seccomp;
	put_words(out);
}
