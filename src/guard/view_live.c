/* Who may see a folder or a file of the view: what was recorded, and what stands there now. */
#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "guard/view_parts.h"
#include "sys/beneath.h"

#define ACL_NAME "system.posix_acl_access"

static struct bw_rights rights_of_meta(const struct bw_meta *meta)
{
	struct bw_rights rights = {
		.mode = meta->mode & 07777, .uid = meta->uid, .gid = meta->gid, .acl = bw_slice_empty
	};

	for (size_t i = 0; i < meta->attribute_count; i++) {
		if (bw_slice_is(meta->attributes[i].name, ACL_NAME))
			rights.acl = meta->attributes[i].value;
	}
	rights.mode &= 0777;
	return rights;
}

/* An access list that cannot be read is one that nobody can evaluate. */
static struct bw_rights rights_of_open(struct bw_view *view, int fd)
{
	struct bw_rights rights = { .acl = bw_slice_empty };
	struct stat status;
	uint8_t *acl;
	ssize_t len;

	if (fstat(fd, &status) != 0)
		return bw_rights_root;
	rights.mode = status.st_mode & 0777;
	rights.uid = status.st_uid;
	rights.gid = status.st_gid;
	acl = bw_arena_take(&view->arena, VIEW_ACL_BYTES);
	if (acl == NULL)
		return bw_rights_root;
	len = fgetxattr(fd, ACL_NAME, acl, VIEW_ACL_BYTES);
	if (len < 0 && errno != ENODATA && errno != EOPNOTSUPP)
		return bw_rights_root;
	if (len > 0)
		rights.acl = bw_slice_of(acl, (size_t)len);
	return rights;
}

/* ---- folders ------------------------------------------------------------------------------------- */

struct past {
	struct bw_view *view;
	int64_t until_us;
	struct bw_slice then; /* the newest by then */
	struct bw_slice last; /* the newest of all that says anything */
};

static enum bw_err see_past(void *context, int64_t seen_us, struct bw_slice meta)
{
	struct past *past = context;

	if (meta.len == 0)
		return BW_OK; /* it was removed then: what it was before is what counts */
	if (past->last.len == 0)
		BW_TRY(bw_arena_copy(&past->view->arena, meta, &past->last));
	if (past->then.len == 0 && seen_us <= past->until_us)
		BW_TRY(bw_arena_copy(&past->view->arena, meta, &past->then));
	return BW_OK;
}

static void narrow(struct bw_rights *rights, bool *known, const struct bw_rights *more)
{
	*rights = *known ? bw_rights_both(rights, more) : *more;
	*known = true;
}

static void narrow_by_meta(struct bw_rights *rights, bool *known, struct bw_slice bytes, struct stat *status)
{
	struct bw_meta meta;
	struct bw_rights more;

	if (bytes.len == 0)
		return;
	if (bw_meta_parse(bytes, &meta) != BW_OK) {
		narrow(rights, known, &bw_rights_root);
		return;
	}
	more = rights_of_meta(&meta);
	narrow(rights, known, &more);
	status->st_mtim = meta.mtime;
}

static void narrow_by_recorded(struct bw_view *view, const struct view_folder *folder, struct bw_rights *rights,
			       bool *known, struct stat *status)
{
	struct bw_shelf *shelf = bw_shadow_shelf(view->shadows[folder->volume->number]);
	struct past past = { .view = view,
			     .until_us = (int64_t)folder->moment_s * 1000000,
			     .then = bw_slice_empty,
			     .last = bw_slice_empty };
	struct bw_shelf_folder row;
	uint32_t number;

	if (bw_shelf_folder_find(shelf, folder->inside, &number) != BW_OK)
		return;
	if (bw_shelf_folder_was(shelf, number, see_past, &past) != BW_OK ||
	    bw_shelf_folder_get(shelf, number, &view->arena, &row) != BW_OK) {
		narrow(rights, known, &bw_rights_root);
		return;
	}
	narrow_by_meta(rights, known, past.last, status);
	narrow_by_meta(rights, known, row.meta, status);
	narrow_by_meta(rights, known, past.then, status); /* last, for its time */
}

static int open_live(const struct view_folder *folder)
{
	int fd = -1;

	if (folder->is_above)
		return open(folder->path[0] == '\0' ? "/" : folder->path,
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return bw_open_beneath(folder->volume->root, (const char *)folder->inside.ptr, O_RDONLY | O_DIRECTORY, 0,
			       &fd) == BW_OK
		       ? fd
		       : -1;
}

void view_folder_rights(struct bw_view *view, const struct view_folder *folder, struct stat *status,
			struct bw_rights *out)
{
	struct bw_rights rights = bw_rights_root;
	struct bw_rights now;
	const int fd = open_live(folder);
	bool known = false;

	status->st_mtim = (struct timespec){ .tv_sec = folder->moment_s };
	if (!folder->is_above)
		narrow_by_recorded(view, folder, &rights, &known, status);
	if (fd >= 0) {
		now = rights_of_open(view, fd);
		narrow(&rights, &known, &now);
		(void)close(fd);
	}
	bw_rights_read_only(&rights);
	*out = rights;
}

/* ---- files ---------------------------------------------------------------------------------------- */

/* The file itself, wherever it is now and whatever it is called. */
static bool rights_now(struct bw_view *view, const struct bw_volume *volume, const struct bw_shelf_key *key,
		       uint32_t kind, struct bw_rights *out)
{
	const struct bw_file_key file = {
		.ino = key->ino, .tree = key->tree, .gen = key->gen, .volume = volume->number
	};
	struct bw_handle handle;
	int fd = -1;

	if (!S_ISREG(kind) || bw_volume_handle_of(volume, &file, &handle) != BW_OK ||
	    bw_volume_open(volume, &handle, 0, &fd) != BW_OK)
		return false;
	*out = rights_of_open(view, fd);
	(void)close(fd);
	return true;
}

void view_file_rights(struct bw_view *view, const struct bw_volume *volume, const struct bw_shelf_version *version,
		      const struct bw_meta *meta, struct bw_rights *out)
{
	struct bw_shelf *shelf = bw_shadow_shelf(view->shadows[volume->number]);
	struct bw_rights rights = rights_of_meta(meta);
	struct bw_shelf_version newest;
	struct bw_meta newest_meta;
	struct bw_rights more;

	if (rights_now(view, volume, &version->key, version->kind, &more)) {
		rights = bw_rights_both(&rights, &more);
	} else if (bw_shelf_newest(shelf, &version->key, INT64_MAX, BW_SHELF_FUZZY, &view->arena, &newest) == BW_OK &&
		   newest.number != version->number) {
		/* it is gone: what was last known of it */
		more = bw_rights_root;
		if (bw_meta_parse(newest.meta, &newest_meta) == BW_OK)
			more = rights_of_meta(&newest_meta);
		rights = bw_rights_both(&rights, &more);
	}
	bw_rights_read_only(&rights);
	*out = rights;
}
