/* A whole unit, by the id of its cgroup. */
#include <stdio.h>
#include <unistd.h>

#include "guard/cgroup.h"
#include "guard/hand_parts.h"
#include "guard/lineage_proc.h"

enum { OWN_BYTES = 64 * 1024 };

static bool ends_with(const char *text, const char *end)
{
	const size_t len = strlen(text);
	const size_t end_len = strlen(end);

	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

/* CONFLICT: some process in it must go on: ourselves, the first process, Samba's own. */
static enum bw_err see_process(void *context, uint32_t pid)
{
	const struct hand *hand = context;
	struct bw_process process;

	BW_NEED(pid != (uint32_t)getpid() && pid != (uint32_t)getppid() && pid != 1, CONFLICT);
	BW_NEED(bw_process_read(hand->proc, pid, &process) != BW_OK || strncmp(process.comm, "smbd", 4) != 0, CONFLICT);
	return BW_OK;
}

/* We may sit in a cgroup below it. */
static bool is_ours(const char *path)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(OWN_BYTES);
	const size_t len = strlen(path);
	const char *line;

	if (bw_file_read("/proc/self/cgroup", &text, NULL) != BW_OK)
		return true; /* who cannot tell does not freeze */
	line = strstr(bw_buf_text(&text), "0::");
	return line != NULL && strncmp(line + 3, path, len) == 0 && (line[3 + len] == '/' || line[3 + len] == '\n');
}

static enum bw_err may_freeze(struct hand *hand, int cgroup, const char *path)
{
	BW_NEED(ends_with(path, ".service") || ends_with(path, ".scope"), DENIED);
	BW_NEED(strcmp(path, "/init.scope") != 0 && !is_ours(path), DENIED);
	BW_NEED(bw_cgroup_each(cgroup, see_process, hand) == BW_OK, DENIED);
	return BW_OK;
}

/* "/system.slice/backup.service" */
static enum bw_err path_below(int root, int cgroup, char out[BW_PATH_BYTES])
{
	char mount[BW_PATH_BYTES];
	size_t base;

	BW_TRY(bw_cgroup_place(root, mount));
	BW_TRY(bw_cgroup_place(cgroup, out));
	base = strlen(mount);
	BW_NEED(strncmp(out, mount, base) == 0, NOT_FOUND);
	memmove(out, out + base, strlen(out) - base + 1);
	return BW_OK;
}

enum bw_err hand_cgroup_set(struct hand *hand, uint64_t id, bool frozen, char out_path[BW_PATH_BYTES])
{
	enum bw_err err;
	int cgroup;
	int root;

	BW_TRY(bw_cgroup_root(&root));
	err = bw_cgroup_by_id(root, id, &cgroup);
	if (err != BW_OK) {
		(void)close(root);
		return err;
	}
	err = path_below(root, cgroup, out_path);
	if (err == BW_OK && frozen)
		err = may_freeze(hand, cgroup, out_path);
	if (err == BW_OK)
		err = bw_cgroup_freeze(cgroup, frozen);
	(void)close(cgroup);
	(void)close(root);
	return err;
}
