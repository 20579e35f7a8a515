/*
 * `breakwater guard view`: previous versions for people, in the windows they know. A parent that mounts and unmounts,
 * and a child that serves: it reads everything and writes nothing.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "guard/plain.h"
#include "guard/view_fuse.h"
#include "guard/volumes.h"
#include "sys/sandbox.h"

enum { SETTINGS_MEMORY = 8 * 1024 * 1024, MEMORY_BYTES = 2047 * 1024 * 1024, ENDS_WITHIN_S = 5 };

struct viewing {
	const struct bw_call *call;
	struct bw_arena arena;
	struct bw_guard_settings settings;
	size_t volume_count;
	struct bw_volume volumes[BW_VOLUMES_MAX];
	struct bw_view_mount *mount;
	char path[PATH_MAX];
};

static volatile sig_atomic_t is_over;

static void end(int number)
{
	(void)number;
	is_over = 1;
}

static void say(const struct viewing *v)
{
	(void)printf("breakwater: previous versions at %s\n", v->path);
	(void)printf("\nIn smb.conf, in [global] or in the share's own section:\n\n"
		     "  vfs objects = shadow_copy2\n"
		     "  shadow:mountpoint = /\n"
		     "  shadow:basedir = /\n"
		     "  shadow:snapdir = %s\n"
		     "  shadow:sort = desc\n"
		     "  shadow:format = @GMT-%%Y.%%m.%%d-%%H.%%M.%%S\n"
		     "  shadow:localtime = no\n\n"
		     "A share that names 'vfs objects' of its own gets shadow_copy2 added to that line.\n",
		     v->path);
	(void)fflush(stdout);
}

/* ---- the child ---------------------------------------------------------------------------------------- */

static enum bw_err confine(struct bw_why *why)
{
	const struct bw_sandbox_paths paths = { .memory_bytes = MEMORY_BYTES };
	struct bw_sandbox_granted granted;

	BW_TRY(bw_sandbox_enter(BW_MAY_KEEP, &paths, &granted, why));
	bw_log(granted.whole ? BW_INFO : BW_WARNING, "confined", BW_TEXT("granted", granted.words));
	return BW_OK;
}

static int serve(struct viewing *v)
{
	struct bw_view *view = NULL;
	struct bw_why why = { 0 };
	enum bw_err err;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGINT, SIG_IGN); /* the parent unmounts, and that ends us */
	(void)signal(SIGTERM, SIG_IGN);
	err = bw_view_open(&v->settings, v->volumes, v->volume_count, &view, &why);
	if (err == BW_OK)
		err = confine(&why);
	if (err == BW_OK) {
		say(v);
		err = bw_view_serve(v->mount, view);
	}
	if (err == BW_ERR_UNSUPPORTED)
		(void)bw_why_set(&why, err, "this kernel does not check access control lists for FUSE");
	if (bw_why_doing(&why, err, "show it") != BW_OK)
		bw_log(BW_ERROR, "the view ends", BW_TEXT("why", why.text));
	bw_view_close(view);
	return err == BW_OK ? BW_EXIT_OK : BW_EXIT_FAILED;
}

/* ---- the parent ------------------------------------------------------------------------------------------ */

static int attend(const struct viewing *v, pid_t child)
{
	int status = 0;

	while (is_over == 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (umount2(v->path, MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
		bw_log(BW_WARNING, "the view could not be unmounted", BW_TEXT("at", v->path));
	if (is_over == 0)
		return WIFEXITED(status) ? WEXITSTATUS(status) : BW_EXIT_FAILED;
	(void)alarm(ENDS_WITHIN_S); /* somebody may still have it open: then it goes without them */
	if (waitpid(child, &status, 0) < 0) {
		(void)kill(child, SIGKILL);
		(void)waitpid(child, &status, 0);
	}
	return BW_EXIT_OK;
}

static enum bw_err begin(struct viewing *v, struct bw_why *why)
{
	const char *path = bw_call_text(v->call, "mount");
	struct bw_view *view;

	if (path == NULL)
		return bw_why_set(why, BW_ERR_USAGE, "--mount DIR is needed: an empty folder of root's");
	if (realpath(path, v->path) == NULL && errno != ENOTCONN)
		return bw_why_errno(why, errno, "reach", path);
	if (v->path[0] != '/')
		(void)snprintf(v->path, sizeof(v->path), "%s", path);
	BW_TRY(bw_guard_settings_load(bw_call_data(v->call), &v->arena, &v->settings, why));
	if (bw_guard_settings_cover(&v->settings, v->path))
		return bw_why_set(why, BW_ERR_DENIED, "'%s' is guarded itself: take another folder, as below /run",
				  v->path);
	BW_TRY(bw_volumes_open(&v->settings, v->volumes, &v->volume_count, why));
	bw_plain_say_away(v->call, &v->settings);
	BW_TRY(bw_view_open(&v->settings, v->volumes, v->volume_count, &view, why));
	bw_view_close(view); /* the child opens its own: no database crosses a fork */
	return bw_view_mount(v->path, &v->mount, why);
}

static int run(struct viewing *v)
{
	const struct sigaction on_end = { .sa_handler = end };
	struct bw_why why = { 0 };
	const enum bw_err err = begin(v, &why);
	pid_t child;

	if (err != BW_OK)
		return bw_complain(v->call, err == BW_ERR_USAGE ? BW_EXIT_USAGE : BW_EXIT_FAILED, NULL, "%s",
				   why.text[0] != '\0' ? why.text : bw_err_text(err));
	(void)sigaction(SIGINT, &on_end, NULL);
	(void)sigaction(SIGTERM, &on_end, NULL);
	(void)sigaction(SIGALRM, &on_end, NULL);
	child = fork();
	if (child == 0)
		_exit(serve(v));
	bw_view_mount_leave(v->mount);
	return child > 0 ? attend(v, child) : BW_EXIT_FAILED;
}

static int view_run(struct bw_call *call)
{
	static struct viewing v; /* large */
	int status;

	if (!bw_plain_is_root(call, "only root may show previous versions: the kernel then says who may see which"))
		return BW_EXIT_FAILED;
	v = (struct viewing){ .call = call, .arena = BW_ARENA_INIT(SETTINGS_MEMORY) };
	status = run(&v);
	bw_volumes_release(v.volumes, v.volume_count);
	bw_arena_release(&v.arena);
	return status;
}

static const struct bw_option view_options[] = {
	{ .name = "mount", .kind = BW_OPT_TEXT, .value_name = "DIR", .help = "where: an empty folder of root's" },
	{ 0 },
};

const struct bw_command bw_guard_view_command = {
	.name = "view",
	.summary = "show previous versions to everybody who may see them, in Windows Explorer too",
	.usage = "--mount DIR",
	.details =
		"Mounts a read-only file system at DIR with a folder for each moment something was kept, and below it "
		"every protected tree as it was; prints what Samba's configuration needs for \"Previous Versions\", "
		"and "
		"serves until it is stopped. Who may read a version is decided by what was recorded with it and by "
		"what "
		"the file and all folders above it say today, whichever is less.",
	.options = view_options,
	.max_args = 0,
	.run = view_run,
};
