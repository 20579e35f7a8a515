#include "guard/view_rights.h"

enum { ALL = 0777, OWNER = 0700, READ = 0555 };

const struct bw_rights bw_rights_root = { .mode = OWNER, .acl = { (const uint8_t *)"", 0 }, .is_narrowed = true };

struct bw_rights bw_rights_both(const struct bw_rights *a, const struct bw_rights *b)
{
	struct bw_rights both = *a;

	both.is_narrowed = a->is_narrowed || b->is_narrowed || a->mode != b->mode;
	both.mode = a->mode & b->mode & ALL;
	if (a->uid != b->uid)
		return bw_rights_root;
	if (a->gid == b->gid && bw_slice_equals(a->acl, b->acl))
		return both;
	both.mode &= OWNER;
	both.acl = bw_slice_empty;
	both.is_narrowed = true;
	return both;
}

void bw_rights_read_only(struct bw_rights *rights)
{
	rights->mode &= READ;
}
