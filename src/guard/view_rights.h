/*
 * Who may read a previous version. A view must never show more than the file would: so what was recorded
 * with the version and what stands on the file now are brought together, and only what both allow is allowed. The
 * kernel evaluates the result (FUSE's default_permissions, access control lists included). Pure.
 */
#ifndef BW_GUARD_VIEW_RIGHTS_H
#define BW_GUARD_VIEW_RIGHTS_H

#include "base/bytes.h"

struct bw_rights {
	uint32_t mode; /* permission bits only */
	uint32_t uid;
	uint32_t gid;
	struct bw_slice acl; /* system.posix_acl_access as the kernel gives it; empty: none */
	bool is_narrowed;    /* less than was recorded: what else says who may read (Samba's own lists) is left out */
};

/* Nobody but root. */
extern const struct bw_rights bw_rights_root;

/*
 * What both allow. Of another owner, or of lists that differ, nobody can say who both would allow: then the owner keeps
 * what both give him when he is the same, and nobody else may anything.
 */
struct bw_rights bw_rights_both(const struct bw_rights *a, const struct bw_rights *b);

/* For reading: write bits go; set-user-ID, set-group-ID and sticky too. */
void bw_rights_read_only(struct bw_rights *rights);

#endif
