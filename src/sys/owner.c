#include "sys/owner.h"

#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The kernel takes the capabilities for files out of the effective set when root's file identity goes
 * (capabilities(7)).
 */
static bool raise_what_is_permitted(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &head, sets) != 0)
		return false;
	for (size_t i = 0; i < BW_COUNT(sets); i++)
		sets[i].effective = sets[i].permitted;
	return syscall(SYS_capset, &head, sets) == 0;
}

enum bw_err bw_act_for_owner(const char *path, struct bw_why *why)
{
	struct stat info;

	if (geteuid() != 0 || stat(path, &info) != 0 || info.st_uid == 0)
		return BW_OK;
	(void)setfsgid(info.st_gid);
	(void)setfsuid(info.st_uid);
	/* neither says whether it did; asked for what nobody is, both only answer who it is now */
	if ((uid_t)setfsuid((uid_t)-1) != info.st_uid || (gid_t)setfsgid((gid_t)-1) != info.st_gid ||
	    !raise_what_is_permitted())
		return bw_why_set(
			why, BW_ERR_DENIED,
			"cannot make files for account number %lu, to whom '%s' belongs; go on as that account",
			(unsigned long)info.st_uid, path);
	return BW_OK;
}
