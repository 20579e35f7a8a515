#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "guard/sim_parts.h"
#include "sys/files.h"

#define MARKER_FORM                                                                             \
	"Breakwater simulator sandbox. Everything below this folder was made to be destroyed. " \
	"id %016" PRIx64 " folder %" PRIu64 " owner %" PRIu32 "\n"

enum { MARKER_BYTES = 256 };

int sim_open_at(int root, const char *path, int flags, mode_t mode)
{
	const struct open_how how = { .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
				      .mode = (flags & O_CREAT) != 0 ? mode : 0,
				      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV |
						 RESOLVE_NO_MAGICLINKS };
	long fd;

	do
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || errno == EAGAIN)); /* EAGAIN: something was renamed meanwhile */
	return (int)fd;
}

int sim_parent_at(int root, const char *path, const char **out_base)
{
	const char *slash = strrchr(path, '/');
	char folder[SIM_NAME_MAX];
	size_t len;

	*out_base = slash == NULL ? path : slash + 1;
	if (slash == NULL)
		return sim_open_at(root, ".", O_PATH | O_DIRECTORY, 0);
	len = (size_t)(slash - path);
	if (len >= sizeof(folder)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(folder, path, len);
	folder[len] = 0;
	return sim_open_at(root, folder, O_PATH | O_DIRECTORY, 0);
}

enum bw_err sim_read_all(int fd, size_t max, struct bw_buf *out)
{
	struct stat about;

	if (fstat(fd, &about) != 0)
		return bw_err_from_errno(errno);
	BW_NEED(S_ISREG(about.st_mode), TYPE);
	BW_NEED((uint64_t)about.st_size <= max, TOO_BIG);
	BW_TRY(bw_buf_reserve(out, (size_t)about.st_size + 1));
	for (;;) {
		const ssize_t got = pread(fd, out->ptr + out->len, out->cap - out->len - 1, (off_t)out->len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return bw_err_from_errno(errno);
		out->len += (size_t)got;
		if (got == 0)
			return BW_OK;
		if (out->len + 1 >= out->cap)
			return out->len > (size_t)about.st_size ? BW_ERR_TOO_BIG : BW_OK;
	}
}

enum bw_err sim_dress(int fd, const struct sim_row *row)
{
	const struct timespec times[2] = { { row->mtime_ns / 1000000000, row->mtime_ns % 1000000000 },
					   { row->mtime_ns / 1000000000, row->mtime_ns % 1000000000 } };
	char note[32];

	/* the owner first: chown takes setuid bits away and an owner without write permission keeps attributes out */
	if (geteuid() == 0 && fchown(fd, row->uid, row->gid) != 0)
		return bw_err_from_errno(errno);
	if (row->note != 0) {
		const int len = snprintf(note, sizeof(note), "%016" PRIx64, row->note);

		/* a file system without attributes does without; verify knows */
		if (fsetxattr(fd, "user.breakwater.sim", note, (size_t)len, 0) != 0 && errno != ENOTSUP)
			return bw_err_from_errno(errno);
	}
	if (fchmod(fd, row->mode) != 0 || futimens(fd, times) != 0)
		return bw_err_from_errno(errno);
	return BW_OK;
}

/* ---- the marker -------------------------------------------------------------------------- */

static enum bw_err write_mark(int mark, const char *name, struct bw_slice bytes, struct bw_why *why)
{
	const int fd = sim_open_at(mark, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	enum bw_err err;

	if (fd < 0)
		return bw_why_errno(why, errno, "create", name);
	err = bw_fd_write(fd, bytes);
	(void)close(fd);
	return err == BW_OK ? BW_OK : bw_why_set(why, err, "cannot write '%s': %s", name, bw_err_text(err));
}

static void marker_text(uint64_t id, uint64_t folder, uint32_t owner, char out[MARKER_BYTES])
{
	(void)snprintf(out, MARKER_BYTES, MARKER_FORM, id, folder, owner);
}

enum bw_err sim_box_write_marks(const char *dir, int root, const struct sim_manifest *manifest, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(SIM_MANIFEST_MAX);
	uint8_t key[SIM_KEY_BYTES];
	char marker[MARKER_BYTES];
	struct stat about;
	uint64_t id;
	enum bw_err err;
	int mark;

	if (mkdirat(root, BW_SIM_MARK, 0700) != 0)
		return bw_why_errno(why, errno, "mark", dir);
	mark = sim_open_at(root, BW_SIM_MARK, O_RDONLY | O_DIRECTORY, 0);
	if (mark < 0)
		return bw_why_errno(why, errno, "open the marker of", dir);
	if (fstat(root, &about) != 0 || fchmod(mark, 0700) != 0) {
		(void)close(mark);
		return bw_why_errno(why, errno, "mark", dir);
	}
	bw_random(&id, sizeof(id));
	bw_random(key, sizeof(key));
	marker_text(id, about.st_ino, geteuid(), marker);
	err = sim_manifest_write(manifest, &text);
	if (err == BW_OK)
		err = write_mark(mark, "manifest", bw_buf_slice(&text), why);
	if (err == BW_OK)
		err = write_mark(mark, "key", bw_slice_of(key, sizeof(key)), why);
	if (err == BW_OK) /* last: until it stands nothing may be attacked */
		err = write_mark(mark, "marker", bw_slice_text(marker), why);
	(void)close(mark);
	return err;
}

/* A private file of ours in the marker's folder. */
static enum bw_err read_mark(int mark, const char *name, size_t max, struct bw_buf *out)
{
	const int fd = sim_open_at(mark, name, O_RDONLY, 0);
	struct stat about;
	enum bw_err err;

	if (fd < 0)
		return bw_err_from_errno(errno);
	if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_uid != geteuid() || about.st_nlink != 1 ||
	    (about.st_mode & 077) != 0)
		err = BW_ERR_DENIED;
	else
		err = sim_read_all(fd, max, out);
	(void)close(fd);
	return err;
}

static enum bw_err check_marker(const char *dir, struct bw_sim_box *box, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(MARKER_BYTES);
	const char *at;
	char expected[MARKER_BYTES];
	struct stat about;
	struct stat marker;

	if (fstat(box->root, &about) != 0 || fstat(box->mark, &marker) != 0)
		return bw_why_errno(why, errno, "look at", dir);
	if (marker.st_uid != geteuid())
		return bw_why_set(why, BW_ERR_DENIED,
				  "'%s' is a sandbox of user %u; the simulator runs only in its own", dir,
				  (unsigned)marker.st_uid);
	if ((marker.st_mode & 077) != 0)
		return bw_why_set(why, BW_ERR_DENIED, "the marker of '%s' can be reached by other users; not trusted",
				  dir);
	if (read_mark(box->mark, "marker", MARKER_BYTES - 1, &text) != BW_OK)
		return bw_why_set(why, BW_ERR_DENIED, "'%s' has no marker that the simulator made; nothing was touched",
				  dir);
	at = strstr(bw_buf_text(&text), " id ");
	box->id = at == NULL ? 0 : strtoull(at + 4, NULL, 16);
	marker_text(box->id, about.st_ino, geteuid(), expected);
	if (!bw_slice_is(bw_buf_slice(&text), expected))
		return bw_why_set(why, BW_ERR_DENIED,
				  "the marker of '%s' was made for another folder or user; nothing was touched", dir);
	return BW_OK;
}

static enum bw_err open_marks(const char *dir, struct bw_sim_box *box, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf key = BW_BUF_INIT(SIM_KEY_BYTES + 2);
	BW_CLEANUP(bw_buf_release) struct bw_buf manifest = BW_BUF_INIT(SIM_MANIFEST_MAX);
	enum bw_err err;

	box->root = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (box->root < 0)
		return bw_why_errno(why, errno, "open", dir);
	box->mark = sim_open_at(box->root, BW_SIM_MARK, O_RDONLY | O_DIRECTORY, 0);
	if (box->mark < 0)
		return bw_why_set(why, BW_ERR_DENIED,
				  "'%s' is not a sandbox of the simulator (no marker); it runs nowhere else", dir);
	BW_TRY(check_marker(dir, box, why));
	if (read_mark(box->mark, "key", SIM_KEY_BYTES, &key) != BW_OK || key.len != SIM_KEY_BYTES)
		return bw_why_set(why, BW_ERR_CORRUPT, "the key stream of '%s' is damaged", dir);
	memcpy(box->key, key.ptr, sizeof(box->key));
	err = read_mark(box->mark, "manifest", SIM_MANIFEST_MAX, &manifest);
	if (err == BW_OK)
		err = sim_manifest_parse(bw_buf_slice(&manifest), &box->manifest);
	if (err != BW_OK)
		return bw_why_set(why, err, "the manifest of '%s' cannot be used: %s", dir, bw_err_text(err));
	return BW_OK;
}

enum bw_err bw_sim_open(const char *dir, struct bw_sim_box **out, struct bw_why *why)
{
	struct bw_sim_box *box = calloc(1, sizeof(*box));
	enum bw_err err;

	BW_NEED(box != NULL, MEMORY);
	box->root = -1;
	box->mark = -1;
	err = open_marks(dir, box, why);
	if (err != BW_OK) {
		bw_sim_free(box);
		return err;
	}
	*out = box;
	return BW_OK;
}

void bw_sim_free(struct bw_sim_box *box)
{
	if (box == NULL)
		return;
	sim_manifest_release(&box->manifest);
	if (box->mark >= 0)
		(void)close(box->mark);
	if (box->root >= 0)
		(void)close(box->root);
	free(box);
}

size_t bw_sim_rows(const struct bw_sim_box *box)
{
	return box->manifest.count;
}

struct bw_slice bw_sim_row_name(const struct bw_sim_box *box, size_t row, bool *out_is_file)
{
	*out_is_file = box->manifest.rows[row].type == SIM_FILE;
	return bw_slice_of(box->manifest.rows[row].name, box->manifest.rows[row].name_len);
}
