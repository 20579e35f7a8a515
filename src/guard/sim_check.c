/* Comparing a sandbox with its manifest, and bringing it back. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/text.h"
#include "guard/sim_parts.h"
#include "sys/files.h"

/* ---- one file against its row ----------------------------------------------------------------- */

enum state { SAME, CHANGED, METADATA, MISSING };

static enum bw_err hash_fd(int fd, uint8_t out[BW_SHA256_BYTES])
{
	struct bw_sha256_run *run = NULL;
	uint8_t piece[65536];
	enum bw_err err = bw_sha256_new(&run);
	ssize_t got = 0;
	off_t at = 0;

	while (err == BW_OK && (got = pread(fd, piece, sizeof(piece), at)) > 0) {
		err = bw_sha256_add(run, bw_slice_of(piece, (size_t)got));
		at += got;
	}
	if (err == BW_OK && got < 0)
		err = bw_err_from_errno(errno);
	if (err == BW_OK)
		err = bw_sha256_end(run, out);
	bw_sha256_free(run);
	return err;
}

static bool note_is_right(int fd, const struct sim_row *row)
{
	char expected[32];
	char found[32];
	const int len = snprintf(expected, sizeof(expected), "%016" PRIx64, row->note);
	const ssize_t got = fgetxattr(fd, "user.breakwater.sim", found, sizeof(found));

	if (got < 0 && errno == ENOTSUP)
		return true; /* a file system without attributes never had it */
	if (row->note == 0)
		return got < 0;
	return got == len && memcmp(found, expected, (size_t)len) == 0;
}

static const char *wrong_metadata(int fd, const struct stat *about, const struct sim_row *row, unsigned twins)
{
	if ((about->st_mode & 07777) != row->mode)
		return "mode";
	if (about->st_uid != row->uid || about->st_gid != row->gid)
		return "owner";
	if ((int64_t)about->st_mtim.tv_sec * 1000000000 + about->st_mtim.tv_nsec != row->mtime_ns)
		return "time";
	if (row->type == SIM_FILE && about->st_nlink != 1 + twins)
		return "links";
	return note_is_right(fd, row) ? NULL : "attributes";
}

/* `why_not` is a static word. */
static enum state state_of(const struct bw_sim_box *box, const struct sim_row *row, unsigned twins,
			   const char **why_not)
{
	const bool folder = row->type == SIM_FOLDER;
	const int fd = sim_open_at(box->root, row->name, O_RDONLY | (folder ? O_DIRECTORY : O_NONBLOCK), 0);
	uint8_t digest[BW_SHA256_BYTES];
	enum state state = SAME;
	struct stat about;

	if (fd < 0) {
		*why_not = errno == ENOENT || errno == ENOTDIR ? "missing" : "cannot be opened";
		return MISSING;
	}
	if (fstat(fd, &about) != 0 || (!folder && !S_ISREG(about.st_mode))) {
		*why_not = "another kind of file";
		state = CHANGED;
	} else if (!folder && ((uint64_t)about.st_size != row->size || hash_fd(fd, digest) != BW_OK ||
			       memcmp(digest, row->sha256, sizeof(digest)) != 0)) {
		*why_not = "content";
		state = CHANGED;
	} else {
		*why_not = wrong_metadata(fd, &about, row, twins);
		state = *why_not == NULL ? SAME : METADATA;
	}
	(void)close(fd);
	return state;
}

static enum state state_of_symlink(const struct bw_sim_box *box, const struct sim_row *row, const char **why_not)
{
	const char *target = strrchr(box->manifest.rows[row->seed].name, '/');
	char found[SIM_NAME_MAX];
	const char *base;
	const int parent = sim_parent_at(box->root, row->name, &base);
	ssize_t got = -1;

	if (parent >= 0) {
		got = readlinkat(parent, base, found, sizeof(found) - 1);
		(void)close(parent);
	}
	*why_not = got < 0 ? "missing" : "target";
	if (got < 0)
		return MISSING;
	found[got] = 0;
	return strcmp(found, target == NULL ? box->manifest.rows[row->seed].name : target + 1) == 0 ? SAME : CHANGED;
}

static unsigned twins_of(const struct sim_manifest *manifest, size_t index)
{
	unsigned twins = 0;

	/* a twin follows its file */
	for (size_t n = index + 1; n < manifest->count && manifest->rows[n].type == SIM_TWIN; n++)
		twins += manifest->rows[n].seed == index;
	return twins;
}

static enum state state_of_twin(const struct bw_sim_box *box, const struct sim_row *row, const char **why_not)
{
	const struct sim_row *whole = &box->manifest.rows[row->seed];
	const int a = sim_open_at(box->root, row->name, O_PATH, 0);
	const int b = sim_open_at(box->root, whole->name, O_PATH, 0);
	struct stat one = { 0 };
	struct stat other = { 0 };
	const bool both = a >= 0 && b >= 0 && fstat(a, &one) == 0 && fstat(b, &other) == 0;
	const enum state state = a < 0 ? MISSING : both && one.st_ino == other.st_ino ? SAME : CHANGED;

	*why_not = a < 0 ? "missing" : "no longer a link to its file";
	if (a >= 0)
		(void)close(a);
	if (b >= 0)
		(void)close(b);
	return state;
}

static enum state check_row(const struct bw_sim_box *box, size_t index, const char **why_not)
{
	const struct sim_row *row = &box->manifest.rows[index];

	if (row->type == SIM_SYMLINK)
		return state_of_symlink(box, row, why_not);
	if (row->type == SIM_TWIN)
		return state_of_twin(box, row, why_not);
	return state_of(box, row, twins_of(&box->manifest, index), why_not);
}

/* ---- verify ---------------------------------------------------------------------------------------- */

static void remember_first(struct bw_sim_check *out, const char *name, const char *why_not)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(4 * SIM_NAME_MAX);

	if (out->first[0] != 0)
		return;
	if (bw_text_escape(&text, bw_slice_text(name)) != BW_OK)
		return;
	(void)snprintf(out->first, sizeof(out->first), "%.200s: %s", bw_buf_text(&text), why_not);
}

/* Names on disk below one folder; what is more than the manifest's rows is extra. */
static uint64_t count_names(int root, const char *path, unsigned depth)
{
	const int fd = sim_open_at(root, path, O_RDONLY | O_DIRECTORY, 0);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	uint64_t count = 0;

	if (list == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return 0;
	}
	while ((entry = readdir(list)) != NULL) {
		char below[SIM_NAME_MAX];
		const bool top = strcmp(path, ".") == 0;
		const int len = snprintf(below, sizeof(below), "%s%s%s", top ? "" : path, top ? "" : "/",
					 entry->d_name);

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    (top && strcmp(entry->d_name, BW_SIM_MARK) == 0))
			continue;
		count++;
		if (depth < 100 && len > 0 && (size_t)len < sizeof(below) && entry->d_type == DT_DIR)
			count += count_names(root, below, depth + 1);
	}
	(void)closedir(list);
	return count;
}

enum bw_err bw_sim_verify(struct bw_sim_box *box, struct bw_sim_check *out, struct bw_why *why)
{
	struct bw_sim_check check = { 0 };
	uint64_t there = 0;
	uint64_t names;

	(void)why;
	for (size_t n = 0; n < box->manifest.count; n++) {
		const char *why_not = NULL;
		const enum state state = check_row(box, n, &why_not);

		check.untouched += state == SAME;
		check.changed += state == CHANGED;
		check.metadata += state == METADATA;
		check.missing += state == MISSING;
		there += state != MISSING;
		if (state != SAME)
			remember_first(&check, box->manifest.rows[n].name, why_not);
	}
	names = count_names(box->root, ".", 0);
	check.extra = names > there ? names - there : 0;
	if (check.extra > 0)
		remember_first(&check, ".", "names that were not seeded");
	*out = check;
	return BW_OK;
}

/* ---- undo ---------------------------------------------------------------------------------------------- */

/* The content again, from its seed; whatever the file is now keeps its inode. */
static enum bw_err write_again(struct bw_sim_box *box, const struct sim_row *row)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(2 * (size_t)SIM_CONTENT_MAX);
	uint8_t digest[BW_SHA256_BYTES];
	enum bw_err err;
	int fd;

	BW_TRY(sim_make(row->kind, row->seed, (size_t)row->want, &bytes));
	BW_TRY(bw_sha256(bw_buf_slice(&bytes), digest));
	BW_NEED(memcmp(digest, row->sha256, sizeof(digest)) == 0, CORRUPT); /* a version that makes other bytes */
	fd = sim_open_at(box->root, row->name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		return bw_err_from_errno(errno);
	err = bw_fd_write(fd, bw_buf_slice(&bytes));
	if (err == BW_OK)
		err = sim_dress(fd, row);
	(void)close(fd);
	return err;
}

static enum bw_err dress_again(struct bw_sim_box *box, const struct sim_row *row)
{
	const int fd = sim_open_at(box->root, row->name, O_RDONLY | (row->type == SIM_FOLDER ? O_DIRECTORY : 0), 0);
	enum bw_err err;

	if (fd < 0)
		return bw_err_from_errno(errno);
	err = sim_dress(fd, row);
	(void)close(fd);
	return err;
}

static enum bw_err link_again(struct bw_sim_box *box, const struct sim_row *row)
{
	const char *target = strrchr(box->manifest.rows[row->seed].name, '/');
	const char *base;
	const int parent = sim_parent_at(box->root, row->name, &base);
	int status;

	if (parent < 0)
		return bw_err_from_errno(errno);
	target = target == NULL ? box->manifest.rows[row->seed].name : target + 1;
	(void)unlinkat(parent, base, 0);
	status = row->type == SIM_TWIN ? linkat(parent, target, parent, base, 0) : symlinkat(target, parent, base);
	(void)close(parent);
	return status == 0 ? BW_OK : bw_err_from_errno(errno);
}

static enum bw_err folder_again(struct bw_sim_box *box, const struct sim_row *row)
{
	const char *base;
	const int parent = sim_parent_at(box->root, row->name, &base);
	int status;

	if (parent < 0)
		return bw_err_from_errno(errno);
	status = mkdirat(parent, base, 0755);
	(void)close(parent);
	return status == 0 || errno == EEXIST ? BW_OK : bw_err_from_errno(errno);
}

static enum bw_err restore_row(struct bw_sim_box *box, size_t index, bool *out_restored)
{
	const struct sim_row *row = &box->manifest.rows[index];
	const char *why_not = NULL;
	const enum state state = check_row(box, index, &why_not);

	*out_restored = state != SAME;
	if (state == SAME)
		return BW_OK;
	if (row->type == SIM_FOLDER)
		return folder_again(box, row); /* its times come last */
	if (row->type == SIM_TWIN || row->type == SIM_SYMLINK)
		return link_again(box, row);
	if (state == METADATA && strcmp(why_not, "links") != 0)
		return dress_again(box, row);
	return state == METADATA ? BW_OK : write_again(box, row);
}

/* A file with one name too few or too many: its twins are linked anew after the trails are gone. */
static enum bw_err dress_folders(struct bw_sim_box *box)
{
	for (size_t n = box->manifest.count; n-- > 0;) {
		const struct sim_row *row = &box->manifest.rows[n];
		const char *why_not = NULL;

		if (row->type == SIM_FOLDER && check_row(box, n, &why_not) != SAME)
			BW_TRY(dress_again(box, row));
	}
	return BW_OK;
}

enum bw_err bw_sim_undo(struct bw_sim_box *box, uint64_t *out_restored, struct bw_why *why)
{
	uint64_t restored = 0;
	char probe[64];

	sim_probe_name(box, probe);
	(void)unlinkat(box->root, probe, 0);
	for (size_t n = 0; n < box->manifest.count; n++) {
		bool again = false;
		const enum bw_err err = restore_row(box, n, &again);

		if (err != BW_OK)
			return bw_why_set(why, err, "cannot bring back row %zu: %s", n, bw_err_text(err));
		restored += again && box->manifest.rows[n].type != SIM_FOLDER;
	}
	/* only now: while a trail stands, an undo that was broken off can be run again */
	BW_TRY(sim_trail_undo_all(box, why));
	if (dress_folders(box) != BW_OK)
		return bw_why_set(why, BW_ERR_IO, "cannot put back the times of folders");
	*out_restored = restored;
	return BW_OK;
}

enum bw_err bw_sim_remove(const char *dir, struct bw_why *why)
{
	static const char *const marks[] = { "manifest", "key", "marker" };
	struct bw_sim_box *box;
	uint64_t restored;
	enum bw_err err;

	BW_TRY(bw_sim_open(dir, &box, why));
	err = bw_sim_undo(box, &restored, why); /* so that only what was seeded stands */
	for (size_t n = box->manifest.count; err == BW_OK && n-- > 0;) {
		const struct sim_row *row = &box->manifest.rows[n];
		const char *base;
		const int parent = sim_parent_at(box->root, row->name, &base);

		if (parent < 0)
			continue;
		/* a folder that holds somebody's file stays */
		(void)unlinkat(parent, base, row->type == SIM_FOLDER ? AT_REMOVEDIR : 0);
		(void)close(parent);
	}
	for (size_t n = 0; err == BW_OK && n < BW_COUNT(marks); n++)
		(void)unlinkat(box->mark, marks[n], 0);
	if (err == BW_OK && unlinkat(box->root, BW_SIM_MARK, AT_REMOVEDIR) != 0)
		err = bw_why_errno(why, errno, "take the marker from", dir);
	bw_sim_free(box);
	if (err == BW_OK)
		(void)rmdir(dir);
	return err;
}
