#include "guard/freezer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"

enum { NAME_BYTES = 96, DEPTH_MAX = 32 };

static const char held_name[] = "bw-held-";
static const char free_name[] = "bw-free-";

/* ---- names -------------------------------------------------------------------------------------- */

static bool begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

static const char *last_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* "bw-free-…" for "bw-held-…". */
static void free_name_of(const char *held, char out[NAME_BYTES])
{
	(void)snprintf(out, NAME_BYTES, "%s%s", free_name, held + strlen(held_name));
}

static bool is_of(const struct bw_freezer *freezer, const char *name, const char *kind)
{
	return begins(name, kind) && begins(name + strlen(kind), freezer->prefix + strlen(held_name));
}

enum bw_err bw_freezer_open(const char *data, struct bw_freezer *out)
{
	char path[BW_PATH_BYTES];
	struct stat status;

	*out = (struct bw_freezer){ .root = -1 };
	BW_TRY(bw_path_join(path, data, "guard"));
	if (stat(path, &status) != 0)
		return bw_err_from_errno(errno);
	(void)snprintf(out->prefix, sizeof(out->prefix), "%s%llx-%llx-", held_name, (unsigned long long)status.st_dev,
		       (unsigned long long)status.st_ino);
	return bw_cgroup_root(&out->root);
}

void bw_freezer_close(struct bw_freezer *freezer)
{
	if (freezer->root >= 0)
		(void)close(freezer->root);
	freezer->root = -1;
}

enum bw_err bw_freezer_usable(void)
{
	enum bw_err err;
	int root;

	BW_TRY(bw_cgroup_root(&root));
	err = faccessat(root, "cgroup.procs", W_OK, AT_EACCESS) == 0 ? BW_OK : bw_err_from_errno(errno);
	if (err == BW_OK && !bw_cgroup_is_roots(root))
		err = BW_ERR_DENIED;
	(void)close(root);
	return err;
}

/* ---- the place --------------------------------------------------------------------------------------- */

/* The deepest one on the path that is root's alone, with all above it; the path ends with it then. */
static enum bw_err open_place(int root, char path[BW_PATH_BYTES], int *out)
{
	int at = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *end = path;

	BW_NEED(at >= 0, SYSTEM);
	if (!bw_cgroup_is_roots(at)) {
		(void)close(at);
		return BW_ERR_DENIED;
	}
	while (*end == '/' && end[1] != '\0') {
		char *next = strchr(end + 1, '/');
		int below = -1;

		if (next != NULL)
			*next = '\0';
		below = openat(at, end + 1, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next != NULL)
			*next = '/';
		if (below < 0 || !bw_cgroup_is_roots(below)) {
			if (below >= 0)
				(void)close(below);
			break;
		}
		(void)close(at);
		at = below;
		end = next != NULL ? next : end + strlen(end);
	}
	*end = '\0';
	*out = at;
	return BW_OK;
}

/* Whether all of the path is root's: what is called as ours is ours then. */
static bool is_ours(int root, const char *path, uint64_t *out_id)
{
	char cut[BW_PATH_BYTES];
	bool is = false;
	int at;

	if (!begins(last_of(path), held_name))
		return false;
	(void)snprintf(cut, sizeof(cut), "%s", path);
	if (open_place(root, cut, &at) != BW_OK)
		return false;
	is = strcmp(cut, path) == 0;
	*out_id = bw_cgroup_id(at);
	(void)close(at);
	return is;
}

bool bw_freezer_has(int root, int proc, uint32_t pid)
{
	char path[BW_PATH_BYTES];
	uint64_t id;
	bool has;
	int ours;

	if (bw_cgroup_of(proc, pid, path) != BW_OK || !is_ours(root, path, &id) ||
	    bw_cgroup_at(root, path, &ours) != BW_OK)
		return false;
	has = bw_cgroup_is_frozen(ours);
	(void)close(ours);
	return has;
}

/* ---- holding -------------------------------------------------------------------------------------------- */

/* Frozen while it is empty, so that who comes into it runs no more from that moment. */
static enum bw_err hold_below(int place, const char *name, uint32_t pid, uint64_t *out_id)
{
	enum bw_err err = BW_OK;
	int ours;

	if (mkdirat(place, name, 0755) != 0 && errno != EEXIST)
		return bw_err_from_errno(errno);
	ours = openat(place, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (ours < 0)
		return bw_err_from_errno(errno);
	err = bw_cgroup_is_roots(ours) ? bw_cgroup_freeze(ours, true) : BW_ERR_DENIED;
	if (err == BW_OK)
		err = bw_cgroup_take(ours, pid);
	*out_id = bw_cgroup_id(ours);
	(void)close(ours);
	if (err != BW_OK)
		(void)unlinkat(place, name, AT_REMOVEDIR); /* not when somebody is in it */
	return err;
}

/* From the nearest that may be used upwards: a limit on cgroups, or threads apart from one another, may forbid one. */
static enum bw_err hold_near(const struct bw_freezer *freezer, char path[BW_PATH_BYTES], const char *name, uint32_t pid,
			     uint64_t *out_id)
{
	for (;;) {
		enum bw_err err;
		int place;

		BW_TRY(open_place(freezer->root, path, &place));
		err = hold_below(place, name, pid, out_id);
		(void)close(place);
		if (err == BW_OK || path[0] == '\0')
			return err;
		*strrchr(path, '/') = '\0';
	}
}

static uint64_t id_at(int root, const char *path)
{
	uint64_t id = 0;
	int fd;

	if (bw_cgroup_at(root, path, &fd) == BW_OK) {
		id = bw_cgroup_id(fd);
		(void)close(fd);
	}
	return id;
}

/* Root may have thawed it by hand. */
static void freeze_again(int root, uint64_t id)
{
	int fd;

	if (bw_cgroup_by_id(root, id, &fd) != BW_OK)
		return;
	bw_err_drop(bw_cgroup_freeze(fd, true)); /* it is frozen, unless root's hand is quicker */
	(void)close(fd);
}

enum bw_err bw_freezer_hold(const struct bw_freezer *freezer, int proc, uint64_t incident, uint32_t pid,
			    struct bw_frozen *out)
{
	char path[BW_PATH_BYTES];
	char name[NAME_BYTES];
	struct bw_frozen frozen = { 0 };

	BW_NEED(freezer->root >= 0, NOT_FOUND);
	if (bw_cgroup_of(proc, pid, path) != BW_OK)
		path[0] = '\0'; /* too long, or beside our view: it is held all the same */
	if (is_ours(freezer->root, path, &frozen.cgroup)) {
		if (is_of(freezer, last_of(path), held_name))
			freeze_again(freezer->root, frozen.cgroup);
		else
			frozen.cgroup = 0; /* another guard's: it lets go by itself */
		*out = frozen;
		return BW_ERR_EXISTS;
	}
	if (path[0] != '\0')
		frozen.home = id_at(freezer->root, path);
	(void)snprintf(name, sizeof(name), "%s%llu", freezer->prefix, (unsigned long long)incident);
	BW_TRY(hold_near(freezer, path, name, pid, &frozen.cgroup));
	*out = frozen;
	return BW_OK;
}

/* ---- letting go ----------------------------------------------------------------------------------------------- */

static int open_above(int cgroup)
{
	return openat(cgroup, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static enum bw_err take_home(int root, uint64_t home, uint32_t pid)
{
	enum bw_err err;
	int fd;

	BW_NEED(home != 0, NOT_FOUND);
	BW_TRY(bw_cgroup_by_id(root, home, &fd));
	err = bw_cgroup_take(fd, pid);
	(void)close(fd);
	return err;
}

static enum bw_err take_beside(int ours, const char *name, uint32_t pid)
{
	const int above = open_above(ours);
	char beside[NAME_BYTES];
	enum bw_err err;
	int fd;

	BW_NEED(above >= 0, SYSTEM);
	err = bw_cgroup_take(above, pid);
	free_name_of(name, beside);
	if (err != BW_OK && (mkdirat(above, beside, 0755) == 0 || errno == EEXIST)) {
		fd = openat(above, beside, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		err = fd < 0 ? bw_err_from_errno(errno) : bw_cgroup_take(fd, pid);
		if (fd >= 0)
			(void)close(fd);
	}
	(void)close(above);
	return err;
}

/* Of this guard, with its name. NOT_FOUND. */
static enum bw_err open_ours(const struct bw_freezer *freezer, uint64_t id, char name[NAME_BYTES], int *out)
{
	char place[BW_PATH_BYTES];
	enum bw_err err;
	int fd;

	BW_NEED(freezer->root >= 0 && id != 0, NOT_FOUND);
	BW_TRY(bw_cgroup_by_id(freezer->root, id, &fd));
	err = bw_cgroup_place(fd, place);
	if (err == BW_OK && (!is_of(freezer, last_of(place), held_name) || strlen(last_of(place)) >= NAME_BYTES))
		err = BW_ERR_NOT_FOUND; /* an id of another boot */
	if (err != BW_OK) {
		(void)close(fd);
		return err;
	}
	(void)snprintf(name, NAME_BYTES, "%s", last_of(place));
	*out = fd;
	return BW_OK;
}

enum bw_err bw_freezer_let_go(const struct bw_freezer *freezer, int proc, uint32_t pid, const struct bw_frozen *frozen)
{
	char path[BW_PATH_BYTES];
	char name[NAME_BYTES];
	enum bw_err err;
	int ours;

	BW_TRY(open_ours(freezer, frozen->cgroup, name, &ours));
	err = bw_cgroup_of(proc, pid, path);
	if (err == BW_OK && id_at(freezer->root, path) != frozen->cgroup)
		err = BW_ERR_CONFLICT; /* root took it out */
	if (err == BW_OK && take_home(freezer->root, frozen->home, pid) != BW_OK)
		err = take_beside(ours, name, pid);
	(void)close(ours);
	return err;
}

void bw_freezer_tidy(const struct bw_freezer *freezer, uint64_t cgroup)
{
	char name[NAME_BYTES];
	int above;
	int ours;

	if (open_ours(freezer, cgroup, name, &ours) != BW_OK)
		return;
	above = open_above(ours);
	(void)close(ours);
	if (above < 0)
		return;
	(void)unlinkat(above, name, AT_REMOVEDIR); /* the kernel does not while somebody is in it */
	(void)close(above);
}

/* ---- finding again ------------------------------------------------------------------------------------------ */

struct scan {
	const struct bw_freezer *freezer;
	bw_freezer_found_fn *each;
	void *context;
	struct bw_freezer_found found;
};

static enum bw_err see_process(void *context, uint32_t pid)
{
	struct scan *scan = context;

	scan->found.pid = pid;
	return scan->each(scan->context, &scan->found);
}

static enum bw_err see_ours(struct scan *scan, int folder, const char *name)
{
	const int ours = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const char *number = name + strlen(scan->freezer->prefix);
	enum bw_err err = BW_OK;

	if (ours < 0)
		return BW_OK;
	scan->found.cgroup = bw_cgroup_id(ours);
	if (bw_cgroup_is_roots(ours) && bw_parse_u64(bw_slice_text(number), &scan->found.incident) == BW_OK)
		err = bw_cgroup_each(ours, see_process, scan);
	(void)close(ours);
	(void)unlinkat(folder, name, AT_REMOVEDIR); /* not when somebody is in it */
	return err;
}

static enum bw_err see_folder(struct scan *scan, int folder, unsigned depth);

/* Nothing of ours lies below what others may write in: users' own folders, however many, are not walked. */
static enum bw_err see_below(struct scan *scan, int folder, const char *name, unsigned depth)
{
	const int below = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (below < 0)
		return BW_OK; /* it is gone */
	if (depth < DEPTH_MAX && bw_cgroup_is_roots(below))
		return see_folder(scan, below, depth + 1);
	(void)close(below);
	return BW_OK;
}

/* Owns `folder`. */
static enum bw_err see_folder(struct scan *scan, int folder, unsigned depth)
{
	DIR *list = fdopendir(folder);
	const struct dirent *row;
	enum bw_err err = BW_OK;

	if (list == NULL) {
		(void)close(folder);
		return BW_ERR_MEMORY;
	}
	while (err == BW_OK && (row = readdir(list)) != NULL) {
		if (row->d_type != DT_DIR || strcmp(row->d_name, ".") == 0 || strcmp(row->d_name, "..") == 0)
			continue;
		if (is_of(scan->freezer, row->d_name, held_name))
			err = see_ours(scan, folder, row->d_name);
		else if (is_of(scan->freezer, row->d_name, free_name))
			(void)unlinkat(folder, row->d_name, AT_REMOVEDIR);
		else
			err = see_below(scan, folder, row->d_name, depth);
	}
	(void)closedir(list);
	return err;
}

enum bw_err bw_freezer_scan(const struct bw_freezer *freezer, bw_freezer_found_fn *each, void *context)
{
	struct scan scan = { .freezer = freezer, .each = each, .context = context };
	int root;

	BW_NEED(freezer->root >= 0, NOT_FOUND);
	root = openat(freezer->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	BW_NEED(root >= 0, SYSTEM);
	return see_folder(&scan, root, 0);
}
