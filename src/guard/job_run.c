/*
 * `breakwater guard job run`: begins a signed job. The guard learns which process that is and lets pass what descends
 * from it, as the job's user, in its folders, until its time is over. A guard that starts again meanwhile is told
 * again. The pass ends with this process: what the program leaves behind is judged like anybody's work.
 */
#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard/ask.h"
#include "guard/job_parts.h"
#include "guard/job_program.h"
#include "guard/plain.h"
#include "guard/volumes.h"
#include "guard/walk.h"
#include "sys/memfile.h"

enum { AGAIN_MS = 2000, CANNOT_START = 127 };

struct running {
	const struct bw_call *call;
	const char *data;
	struct bw_arena arena;
	struct bw_job_found found;
	struct bw_guard_settings settings;
	size_t volume_count;
	struct bw_volume volumes[BW_VOLUMES_MAX];
	const struct bw_volume *volume;
	struct bw_buf keys; /* struct bw_file_key of each folder */
	struct bw_memfile folders;
	struct bw_channel *channel; /* NULL: the guard does not know of us */
	pid_t child;
};

static volatile sig_atomic_t told; /* a signal for the job */

static void pass_on(int number)
{
	told = number;
}

/* ---- what it may touch --------------------------------------------------------------------------- */

static enum bw_err see_folder(void *context, const struct bw_walk_folder *folder)
{
	struct running *r = context;
	struct bw_file_key key = folder->key;

	key.volume = 0; /* the guard's own number is the guard's to say */
	return bw_buf_add(&r->keys, bw_slice_of(&key, sizeof(key)));
}

static enum bw_err see_file(void *context, const struct bw_walk_folder *folder, const char *name, unsigned char type)
{
	(void)context;
	(void)folder;
	(void)name;
	(void)type;
	return BW_OK;
}

static enum bw_err gather(struct running *r, struct bw_why *why)
{
	const struct bw_walk_plan plan = {
		.settings = &r->settings, .folder = see_folder, .file = see_file, .context = r
	};
	struct bw_walk_plan here = plan;
	struct bw_slice inside;

	BW_TRY(bw_guard_settings_load(r->data, &r->arena, &r->settings, why));
	BW_TRY(bw_volumes_open(&r->settings, r->volumes, &r->volume_count, why));
	BW_TRY(bw_plain_is_here(&r->settings, r->found.file.folder, why));
	r->volume = bw_volumes_find(r->volumes, r->volume_count, r->found.file.folder, &inside);
	if (r->volume == NULL)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "'%s' is not guarded", r->found.file.folder);
	here.volume = r->volume;
	BW_TRY(bw_walk(&here, inside, why));
	qsort(r->keys.ptr, r->keys.len / sizeof(struct bw_file_key), sizeof(struct bw_file_key), bw_file_key_compare);
	return bw_memfile_of("guard-job", bw_buf_slice(&r->keys), &r->folders);
}

/* ---- the guard --------------------------------------------------------------------------------------- */

static enum bw_err announce(struct running *r, struct bw_why *why)
{
	enum bw_err err;

	BW_TRY(bw_ask_open(r->data, &r->channel));
	err = bw_ask_job_begins(r->channel, r->found.file.name, r->volume->device, r->folders.fd, why);
	if (err != BW_OK) {
		bw_channel_free(r->channel);
		r->channel = NULL;
	}
	return err;
}

/* The guard was ended or started again. It is told as soon as it listens. */
static void announce_again(struct running *r)
{
	struct bw_why why = { 0 };
	enum bw_err err = announce(r, &why);

	if (err == BW_ERR_DENIED)
		(void)bw_complain(r->call, BW_EXIT_FAILED, NULL, "the guard no longer lets it pass: %s", why.text);
}

/* ---- the program ---------------------------------------------------------------------------------------- */

static enum bw_err find_user(const struct running *r, const struct passwd **out, struct bw_why *why)
{
	*out = getpwuid(r->found.file.uid);
	if (*out == NULL)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "user %lu of the job '%s' does not exist",
				  (unsigned long)r->found.file.uid, r->found.file.name);
	return BW_OK;
}

static enum bw_err check_program(const struct bw_job_file *job, struct bw_why *why)
{
	uint8_t sum[BW_SHA256_BYTES];

	BW_TRY(bw_job_program_check(job->program, sum, why));
	if (memcmp(sum, job->sha256, sizeof(sum)) != 0)
		return bw_why_set(why, BW_ERR_CONFLICT, "'%s' is not the program that was signed: sign the job again",
				  job->program);
	return BW_OK;
}

static char *pair(struct bw_arena *arena, const char *name, const char *value)
{
	const size_t bytes = strlen(name) + strlen(value) + 2;
	char *out = bw_arena_take(arena, bytes);

	if (out != NULL)
		(void)snprintf(out, bytes, "%s=%s", name, value);
	return out;
}

/*
 * A session of its own, so that a signal ends all of the job. Without us the pass is over: better to be asked to end
 * than to be held as an attacker. Asked for last: the kernel forgets it when the user changes.
 */
static bool end_with(pid_t runner)
{
	return prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) == 0 && getppid() == runner;
}

/* Nothing of whoever calls: neither variables nor descriptors. Of the kernel no right that a program could bring. */
BW_NORETURN static void become(struct running *r, const struct passwd *user, pid_t runner)
{
	const struct bw_job_file *job = &r->found.file;
	char *env[] = { pair(&r->arena, "HOME", user->pw_dir),
			pair(&r->arena, "USER", user->pw_name),
			pair(&r->arena, "LOGNAME", user->pw_name),
			pair(&r->arena, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
			pair(&r->arena, "LANG", "C.UTF-8"),
			NULL };
	char **words = bw_arena_zero(&r->arena, job->word_count + 2, sizeof(*words));
	struct bw_slice copy;
	bool ready = words != NULL;

	for (size_t i = 0; ready && i <= job->word_count; i++) {
		ready = bw_arena_copy(&r->arena, bw_slice_text(i == 0 ? job->program : job->words[i - 1]), &copy) ==
			BW_OK;
		words[i] = (char *)(uintptr_t)copy.ptr;
	}
	if (ready && setsid() >= 0 && close_range(3, ~0U, 0) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    initgroups(user->pw_name, user->pw_gid) == 0 && setresgid(user->pw_gid, user->pw_gid, user->pw_gid) == 0 &&
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == 0 && end_with(runner) && chdir("/") == 0)
		(void)execve(job->program, words, env);
	_exit(CANNOT_START);
}

static void hear(struct running *r, int pidfd)
{
	struct pollfd fds[2] = { { .fd = pidfd, .events = POLLIN },
				 { .fd = r->channel != NULL ? bw_channel_fd(r->channel) : -1, .events = POLLIN } };

	(void)poll(fds, 2, r->channel != NULL ? -1 : AGAIN_MS);
	if (told != 0 && kill(-r->child, told) != 0) /* before it leads a group */
		(void)kill(r->child, told);
	told = 0;
	if (fds[0].revents != 0)
		return;
	if (fds[1].revents != 0) { /* it never speaks unasked: it is gone */
		bw_channel_free(r->channel);
		r->channel = NULL;
	} else if (r->channel == NULL) {
		announce_again(r);
	}
}

/* The child's exit status, as a shell would say it. */
static int attend(struct running *r)
{
	const int pidfd = pidfd_open(r->child, 0);
	int status = 0;

	while (waitpid(r->child, &status, pidfd >= 0 ? WNOHANG : 0) == 0)
		hear(r, pidfd);
	if (pidfd >= 0)
		(void)close(pidfd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static enum bw_err begin(struct running *r, int *out_status, struct bw_why *why)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	const struct sigaction action = { .sa_handler = pass_on };
	const struct passwd *user;
	pid_t runner;
	enum bw_err err;

	BW_TRY(find_user(r, &user, why));
	BW_TRY(check_program(&r->found.file, why));
	BW_TRY(gather(r, why));
	err = announce(r, why);
	if (err == BW_ERR_NOT_FOUND)
		(void)bw_complain(r->call, BW_EXIT_OK, NULL, "no guard runs; the job begins all the same");
	else if (err != BW_OK)
		return err;
	for (size_t i = 0; i < BW_COUNT(signals); i++)
		(void)sigaction(signals[i], &action, NULL);
	runner = getpid();
	r->child = fork();
	BW_NEED(r->child >= 0, SYSTEM);
	if (r->child == 0)
		become(r, user, runner);
	*out_status = attend(r);
	return BW_OK;
}

static enum bw_err find(struct running *r, struct bw_why *why)
{
	static struct bw_job_book book; /* large */

	BW_TRY(bw_job_book_load(r->data, &book, why));
	bw_job_find(r->data, &book, bw_call_arg(r->call, 1), bw_clock_now_us(), &r->arena, &r->found);
	if (r->found.worth != BW_JOB_GOOD)
		return bw_why_set(why, BW_ERR_DENIED, "%s", r->found.why.text);
	return BW_OK;
}

int job_run(const struct bw_call *call)
{
	static struct running r; /* large */
	struct bw_why why = { 0 };
	int status = BW_EXIT_FAILED;
	enum bw_err err;

	r = (struct running){ .call = call,
			      .data = bw_call_data(call),
			      .arena = BW_ARENA_INIT(JOB_MEMORY),
			      .keys = BW_BUF_INIT(BW_JOB_FOLDERS_MAX * sizeof(struct bw_file_key)),
			      .folders = BW_MEMFILE_NONE };
	err = find(&r, &why);
	if (err == BW_OK)
		err = begin(&r, &status, &why);
	bw_channel_free(r.channel);
	bw_memfile_release(&r.folders);
	bw_volumes_release(r.volumes, r.volume_count);
	bw_buf_release(&r.keys);
	bw_arena_release(&r.arena);
	if (err != BW_OK)
		return bw_complain(call, BW_EXIT_FAILED, "breakwater guard job list tells more", "%s",
				   why.text[0] != '\0' ? why.text : bw_err_text(err));
	return status;
}
