#define FUSE_USE_VERSION 35

#include "guard/view_fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

enum {
	READ_BYTES_MAX = 1024 * 1024,
	ANSWER_BYTES_MAX = 128 * 1024,          /* names or values of attributes: BW_META_BYTES_MAX at most */
	LISTING_BYTES_MAX = 64 * 1024 * 1024,   /* of one open folder */
	LISTINGS_BYTES_MAX = 256 * 1024 * 1024, /* of all: whoever opens more is told to wait */
	LISTINGS_MAX = 1024,
	ENDS_WITHIN_MS = 2000,
	STEP_MS = 50,
};

#define KNOWN_S 1.0 /* how long the kernel may rely on an answer: rights that are taken away take effect within it */

struct bw_view_mount {
	struct fuse_session *session;
	struct bw_view *view; /* while it is served */
	bool has_lists;       /* the kernel checks access control lists */
	struct bw_buf answer;
	size_t listings;
	size_t listings_bytes;
};

/* An open folder, as it was when it was opened. */
struct listing {
	size_t count;
	size_t room;
	struct listed {
		uint64_t node;
		mode_t mode;
		uint32_t at; /* in names, which end with NUL */
	} * list;
	struct bw_buf names;
};

static struct bw_view_mount *mount_of(fuse_req_t request)
{
	return fuse_req_userdata(request);
}

static int errno_of(enum bw_err err)
{
	switch (err) {
	case BW_OK:
		return 0;
	case BW_ERR_NOT_FOUND:
		return ENOENT;
	case BW_ERR_MISSING:
		return ENODATA;
	case BW_ERR_TYPE:
		return EINVAL;
	case BW_ERR_MEMORY:
	case BW_ERR_TOO_MANY:
	case BW_ERR_TOO_BIG:
		return ENOMEM;
	default:
		return EIO;
	}
}

static void fail(fuse_req_t request, enum bw_err err)
{
	(void)fuse_reply_err(request, errno_of(err)); /* a request that was given up needs no answer */
}

/* ---- names and what they are ----------------------------------------------------------------------- */

static void on_init(void *context, struct fuse_conn_info *conn)
{
	struct bw_view_mount *mount = context;

	conn->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
	mount->has_lists = (conn->capable & FUSE_CAP_POSIX_ACL) != 0;
	if (mount->has_lists)
		conn->want |= FUSE_CAP_POSIX_ACL;
	else
		fuse_session_exit(mount->session); /* who may read could not be told */
}

static void on_lookup(fuse_req_t request, fuse_ino_t folder, const char *name)
{
	struct fuse_entry_param entry = { .attr_timeout = KNOWN_S, .entry_timeout = KNOWN_S };
	const enum bw_err err = bw_view_lookup(mount_of(request)->view, folder, bw_slice_text(name), &entry.attr);

	if (err != BW_OK) {
		fail(request, err);
		return;
	}
	entry.ino = entry.attr.st_ino;
	(void)fuse_reply_entry(request, &entry);
}

static void on_getattr(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file)
{
	struct stat status;
	const enum bw_err err = bw_view_stat(mount_of(request)->view, node, &status);

	(void)file;
	if (err != BW_OK)
		fail(request, err);
	else
		(void)fuse_reply_attr(request, &status, KNOWN_S);
}

static void on_readlink(fuse_req_t request, fuse_ino_t node)
{
	struct bw_view_mount *mount = mount_of(request);
	enum bw_err err;

	bw_buf_clear(&mount->answer);
	err = bw_view_target(mount->view, node, &mount->answer);
	if (err != BW_OK)
		fail(request, err);
	else
		(void)fuse_reply_readlink(request, bw_buf_text(&mount->answer));
}

/* ---- contents ---------------------------------------------------------------------------------------- */

static void on_open(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file)
{
	(void)node;
	if ((file->flags & O_ACCMODE) != O_RDONLY) {
		(void)fuse_reply_err(request, EROFS);
		return;
	}
	file->keep_cache = 1; /* a version never changes */
	(void)fuse_reply_open(request, file);
}

static void on_read(fuse_req_t request, fuse_ino_t node, size_t size, off_t at, struct fuse_file_info *file)
{
	struct bw_view_mount *mount = mount_of(request);
	const size_t max = size < READ_BYTES_MAX ? size : READ_BYTES_MAX;
	enum bw_err err = at >= 0 ? BW_OK : BW_ERR_TYPE;

	(void)file;
	bw_buf_clear(&mount->answer);
	if (err == BW_OK)
		err = bw_view_read(mount->view, node, (uint64_t)at, max, &mount->answer);
	if (err != BW_OK)
		fail(request, err);
	else
		(void)fuse_reply_buf(request, bw_buf_text(&mount->answer), mount->answer.len);
}

/* ---- folders ------------------------------------------------------------------------------------------- */

static void listing_free(struct listing *listing)
{
	free(listing->list);
	bw_buf_release(&listing->names);
	free(listing);
}

static size_t listing_bytes(const struct listing *listing)
{
	return listing->room * sizeof(*listing->list) + listing->names.cap;
}

static enum bw_err see(void *context, struct bw_slice name, uint64_t node, mode_t mode)
{
	struct listing *listing = context;
	struct listed *more;

	if (listing->count == listing->room) {
		const size_t room = listing->room == 0 ? 16 : 2 * listing->room;

		BW_NEED(room <= LISTING_BYTES_MAX / sizeof(*more), TOO_MANY);
		more = realloc(listing->list, room * sizeof(*more));
		BW_NEED(more != NULL, MEMORY);
		listing->list = more;
		listing->room = room;
	}
	listing->list[listing->count] = (struct listed){ node, mode, (uint32_t)listing->names.len };
	BW_TRY(bw_buf_add(&listing->names, name));
	BW_TRY(bw_buf_add_u8(&listing->names, 0));
	listing->count++;
	return BW_OK;
}

static void on_opendir(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file)
{
	struct bw_view_mount *mount = mount_of(request);
	struct listing *listing = calloc(1, sizeof(*listing));
	enum bw_err err = listing == NULL ? BW_ERR_MEMORY : BW_OK;

	if (err == BW_OK) {
		listing->names = BW_BUF_INIT(LISTING_BYTES_MAX);
		err = mount->listings < LISTINGS_MAX && mount->listings_bytes < LISTINGS_BYTES_MAX ? BW_OK
												   : BW_ERR_TOO_MANY;
	}
	if (err == BW_OK)
		err = bw_view_list(mount->view, node, see, listing);
	if (err != BW_OK) {
		if (listing != NULL)
			listing_free(listing);
		fail(request, err);
		return;
	}
	file->fh = (uint64_t)(uintptr_t)listing;
	mount->listings++;
	mount->listings_bytes += listing_bytes(listing);
	if (fuse_reply_open(request, file) == 0)
		return;
	mount->listings--; /* whoever asked is gone, and no release comes */
	mount->listings_bytes -= listing_bytes(listing);
	listing_free(listing);
}

static void on_readdir(fuse_req_t request, fuse_ino_t node, size_t size, off_t from, struct fuse_file_info *file)
{
	struct bw_view_mount *mount = mount_of(request);
	const struct listing *listing = (const struct listing *)(uintptr_t)file->fh;
	const size_t max = size < READ_BYTES_MAX ? size : READ_BYTES_MAX;
	size_t len = 0;

	(void)node;
	bw_buf_clear(&mount->answer);
	if (bw_buf_reserve(&mount->answer, max) != BW_OK) {
		fail(request, BW_ERR_MEMORY);
		return;
	}
	for (size_t i = from < 0 ? SIZE_MAX : (size_t)from; i < listing->count; i++) {
		const struct stat status = { .st_ino = listing->list[i].node, .st_mode = listing->list[i].mode };
		const char *name = (const char *)listing->names.ptr + listing->list[i].at;
		const size_t took = fuse_add_direntry(request, (char *)mount->answer.ptr + len, max - len, name,
						      &status, (off_t)i + 1);

		if (took > max - len)
			break;
		len += took;
	}
	(void)fuse_reply_buf(request, (const char *)mount->answer.ptr, len);
}

static void on_releasedir(fuse_req_t request, fuse_ino_t node, struct fuse_file_info *file)
{
	struct bw_view_mount *mount = mount_of(request);
	struct listing *listing = (struct listing *)(uintptr_t)file->fh;

	(void)node;
	mount->listings--;
	mount->listings_bytes -= listing_bytes(listing);
	listing_free(listing);
	(void)fuse_reply_err(request, 0);
}

/* ---- extended attributes --------------------------------------------------------------------------------- */

static void reply_bytes(fuse_req_t request, enum bw_err err, const struct bw_buf *bytes, size_t size)
{
	if (err != BW_OK)
		fail(request, err);
	else if (size == 0)
		(void)fuse_reply_xattr(request, bytes->len);
	else if (bytes->len > size)
		(void)fuse_reply_err(request, ERANGE);
	else
		(void)fuse_reply_buf(request, bw_buf_text(bytes), bytes->len);
}

static void on_getxattr(fuse_req_t request, fuse_ino_t node, const char *name, size_t size)
{
	struct bw_view_mount *mount = mount_of(request);
	enum bw_err err;

	bw_buf_clear(&mount->answer);
	err = bw_view_attribute(mount->view, node, bw_slice_text(name), &mount->answer);
	reply_bytes(request, err, &mount->answer, size);
}

static void on_listxattr(fuse_req_t request, fuse_ino_t node, size_t size)
{
	struct bw_view_mount *mount = mount_of(request);
	enum bw_err err;

	bw_buf_clear(&mount->answer);
	err = bw_view_attributes(mount->view, node, &mount->answer);
	reply_bytes(request, err, &mount->answer, size);
}

/* What is not here the kernel is told to be unknown; what would write it refuses itself on a read-only mount. */
static const struct fuse_lowlevel_ops operations = {
	.init = on_init,
	.lookup = on_lookup,
	.getattr = on_getattr,
	.readlink = on_readlink,
	.open = on_open,
	.read = on_read,
	.opendir = on_opendir,
	.readdir = on_readdir,
	.releasedir = on_releasedir,
	.getxattr = on_getxattr,
	.listxattr = on_listxattr,
};

/* ---- life --------------------------------------------------------------------------------------------------- */

static bool is_mounted(const char *path)
{
	struct stat status;
	struct stat above;
	char parent[BW_PATH_BYTES];

	return bw_path_join(parent, path, "..") == BW_OK && stat(path, &status) == 0 && stat(parent, &above) == 0 &&
	       status.st_dev != above.st_dev;
}

/* One that was killed leaves a mount that answers nobody, a moment after its end. */
static enum bw_err take_away(const char *path, struct bw_why *why)
{
	struct stat status;

	for (unsigned i = 0; i < ENDS_WITHIN_MS / STEP_MS && is_mounted(path); i++)
		(void)poll(NULL, 0, STEP_MS);
	if (stat(path, &status) != 0 && errno == ENOTCONN && umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
		return bw_why_errno(why, errno, "take away what was mounted at", path);
	return BW_OK;
}

static enum bw_err prepare(const char *path, struct bw_why *why)
{
	struct stat status;

	BW_TRY(take_away(path, why));
	if (lstat(path, &status) != 0)
		return bw_why_errno(why, errno, "look at", path);
	if (!S_ISDIR(status.st_mode))
		return bw_why_set(why, BW_ERR_TYPE, "'%s' is no folder", path);
	if (is_mounted(path))
		return bw_why_set(why, BW_ERR_BUSY, "something is mounted at '%s' already", path);
	if (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return bw_why_set(why, BW_ERR_DENIED, "'%s' must be root's, and nobody else may write there", path);
	return BW_OK;
}

enum bw_err bw_view_mount(const char *path, struct bw_view_mount **out, struct bw_why *why)
{
	char name[] = "breakwater";
	char option[] = "-o";
	char options[] = "ro,nosuid,nodev,noexec,noatime,allow_other,default_permissions,"
			 "fsname=breakwater,subtype=breakwater";
	char *words[] = { name, option, options, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, words);
	struct bw_view_mount *mount;

	BW_TRY(prepare(path, why));
	mount = calloc(1, sizeof(*mount));
	BW_NEED(mount != NULL, MEMORY);
	mount->answer = BW_BUF_INIT(READ_BYTES_MAX + ANSWER_BYTES_MAX);
	mount->session = fuse_session_new(&args, &operations, sizeof(operations), mount);
	if (mount->session == NULL) {
		free(mount);
		return bw_why_set(why, BW_ERR_SYSTEM, "libfuse could not begin");
	}
	if (fuse_session_mount(mount->session, path) != 0) {
		fuse_session_destroy(mount->session);
		free(mount);
		return bw_why_set(why, BW_ERR_UNSUPPORTED, "cannot mount at '%s': is there /dev/fuse?", path);
	}
	*out = mount;
	return BW_OK;
}

void bw_view_mount_leave(struct bw_view_mount *mount)
{
	(void)close(fuse_session_fd(mount->session));
}

enum bw_err bw_view_serve(struct bw_view_mount *mount, struct bw_view *view)
{
	int failed;

	mount->view = view;
	failed = fuse_session_loop(mount->session);
	if (!mount->has_lists)
		return BW_ERR_UNSUPPORTED;
	return failed == 0 ? BW_OK : BW_ERR_SYSTEM;
}
