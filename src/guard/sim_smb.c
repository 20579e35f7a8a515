/*
 * The same over a share: a real smbclient for every session, one file at a time. What it transforms passes
 * through a private temporary folder; names on the share are the seeded ones, so nothing else can be reached.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guard/sim_parts.h"
#include "sys/files.h"

enum {
	LINE_BYTES = 8192,
	WORDS = 16,
	GONE_TRIES = 10000 /* two seconds and more */,
	SAID_BYTES = 256,
	NOT_STARTED = 127
};

struct session {
	pid_t child;
	FILE *to;
	FILE *from;
	char folder[64]; /* private, for what passes through */
	char local[96];  /* the file in it */
	char line[LINE_BYTES];
};

/* The n-th login file of a list with commas: sessions of several users. */
static void pick_login(const char *list, unsigned number, char out[BW_PATH_BYTES])
{
	unsigned count = 1;
	const char *at = list;

	for (const char *c = list; *c != 0; c++)
		count += *c == ',';
	for (unsigned skip = number % count; skip > 0; skip--)
		at = strchr(at, ',') + 1;
	(void)snprintf(out, BW_PATH_BYTES, "%.*s", (int)strcspn(at, ","), at);
}

static void become_smbclient(const struct bw_sim_share *share, unsigned number, const char *command)
{
	char login[BW_PATH_BYTES];
	char port[16];
	const char *words[WORDS] = { "smbclient", share->url };
	size_t n = 2;

	(void)snprintf(port, sizeof(port), "%u", share->port == 0 ? 445U : (unsigned)share->port);
	words[n++] = "-p";
	words[n++] = port;
	if (share->login_file == NULL)
		words[n++] = "-N";
	else {
		pick_login(share->login_file, number, login);
		words[n++] = "-A";
		words[n++] = login;
	}
	if (share->dialect != NULL) {
		words[n++] = "-m";
		words[n++] = share->dialect;
	}
	if (share->folder != NULL && share->folder[0] != 0) {
		words[n++] = "-D";
		words[n++] = share->folder;
	}
	if (command != NULL) {
		words[n++] = "-c";
		words[n++] = command;
	}
	(void)execvp(words[0], (char *const *)(uintptr_t)words); /* exec reads the words only */
	_exit(NOT_STARTED);
}

static enum bw_err session_open(const struct bw_sim_share *share, unsigned number, const char *command,
				struct session *out)
{
	int down[2];
	int up[2];

	if (pipe2(down, O_CLOEXEC) != 0)
		return bw_err_from_errno(errno);
	if (pipe2(up, O_CLOEXEC) != 0) {
		(void)close(down[0]);
		(void)close(down[1]);
		return bw_err_from_errno(errno);
	}
	out->child = fork();
	if (out->child == 0) {
		if (dup2(down[0], STDIN_FILENO) >= 0 && dup2(up[1], STDOUT_FILENO) >= 0 &&
		    dup2(up[1], STDERR_FILENO) >= 0)
			become_smbclient(share, number, command);
		_exit(NOT_STARTED);
	}
	(void)close(down[0]);
	(void)close(up[1]);
	out->to = fdopen(down[1], "w");
	out->from = fdopen(up[0], "r");
	return out->child > 0 && out->to != NULL && out->from != NULL ? BW_OK : BW_ERR_SYSTEM;
}

static int session_close(struct session *session)
{
	int status = 0;

	if (session->to != NULL)
		(void)fclose(session->to);
	if (session->from != NULL)
		(void)fclose(session->from);
	while (session->child > 0 && waitpid(session->child, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* Until smbclient speaks of our local file, or says that it could not. */
static enum bw_err await(struct session *session)
{
	while (fgets(session->line, sizeof(session->line), session->from) != NULL) {
		if (strstr(session->line, "ting file ") != NULL && strstr(session->line, session->local) != NULL)
			return BW_OK;
		if (strstr(session->line, "NT_STATUS") != NULL && strstr(session->line, "renaming") == NULL &&
		    strstr(session->line, "deleting") == NULL)
			return BW_ERR_DENIED;
	}
	return BW_ERR_CLOSED;
}

/*
 * smbclient says nothing of a rename or delete that went well, and a second command sent meanwhile would stay in its
 * buffer unread; so the sandbox itself is watched until the old name is gone.
 */
static enum bw_err await_gone(const struct sim_job *job)
{
	const struct timespec pause = { 0, 200000 };

	for (unsigned n = 0; n < GONE_TRIES; n++) {
		const int fd = sim_open_at(job->hand->box->root, job->row->name, O_PATH, 0);

		if (fd < 0)
			return BW_OK;
		(void)close(fd);
		(void)nanosleep(&pause, NULL);
	}
	return BW_ERR_CLOSED;
}

/* A seeded name as smbclient's command line takes it; false for names it cannot say. */
static bool quote(const char *name, char out[SIM_NAME_MAX])
{
	size_t at = 0;

	if (strpbrk(name, "\"\\\n\r;") != NULL)
		return false;
	for (; name[at] != 0; at++)
		out[at] = (char)(name[at] == '/' ? '\\' : name[at]);
	out[at] = 0;
	return true;
}

static enum bw_err write_local(struct session *session, struct bw_slice bytes)
{
	const int fd = open(session->local, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	enum bw_err err;

	if (fd < 0)
		return bw_err_from_errno(errno);
	err = bw_fd_write(fd, bytes);
	(void)close(fd);
	return err;
}

/* Fetch, transform, put over and rename; or put under a new name and delete. */
static enum bw_err over_share(struct sim_job *job, struct session *session)
{
	struct sim_hand *hand = job->hand;
	_Atomic uint8_t *made = &hand->trail->made[job->index];
	const bool copy = job->plan->act == SIM_COPY_NEW;
	char old_name[SIM_NAME_MAX];
	char new_name[SIM_NAME_MAX];
	char target[SIM_NAME_MAX];

	BW_NEED(sim_trail_name(hand->trail->head, job->row, SIM_MADE_NEW, target), UNSUPPORTED);
	BW_NEED(quote(job->row->name, old_name) && quote(target, new_name), UNSUPPORTED);
	if (fprintf(session->to, "get \"%s\" %s\n", old_name, session->local) < 0 || fflush(session->to) != 0)
		return BW_ERR_CLOSED;
	BW_TRY(await(session));
	bw_buf_clear(&hand->in);
	bw_buf_clear(&hand->out);
	BW_TRY(bw_file_read(session->local, &hand->in, NULL));
	BW_TRY(sim_code_whole(hand->box->key, job->plan->row->code, job->salt, bw_buf_slice(&hand->in), &hand->out));
	BW_TRY(write_local(session, bw_buf_slice(&hand->out)));
	atomic_fetch_or(made, SIM_MADE_NEW);
	if (!copy)
		sim_touch(job);
	if (fprintf(session->to, "put %s \"%s\"\n", session->local, copy ? new_name : old_name) < 0 ||
	    fflush(session->to) != 0)
		return BW_ERR_CLOSED;
	BW_TRY(await(session));
	atomic_fetch_or(made, SIM_MADE_NEW << SIM_MADE_SHIFT);
	if (copy)
		sim_touch(job);
	if ((copy ? fprintf(session->to, "del \"%s\"\n", old_name)
		  : fprintf(session->to, "rename \"%s\" \"%s\"\n", old_name, new_name)) < 0 ||
	    fflush(session->to) != 0)
		return BW_ERR_CLOSED;
	return await_gone(job);
}

/* False when the session is over. */
static bool attack_over_share(struct sim_hand *hand, struct session *session, size_t index, size_t turn)
{
	struct bw_sim_report_head *head = hand->live->head;
	struct sim_job job = { .hand = hand,
			       .plan = &hand->plans[turn % hand->plan_count],
			       .row = &hand->box->manifest.rows[index],
			       .index = index };
	char target[SIM_NAME_MAX];
	enum bw_err err;
	int fd;

	job.salt = job.row->seed ^ hand->trail->head->strain;
	/* the share cannot say "only where nothing is", so it is asked here */
	fd = sim_trail_name(hand->trail->head, job.row, SIM_MADE_NEW, target)
		     ? sim_open_at(hand->box->root, target, O_PATH, 0)
		     : -1;
	if (fd >= 0 || !sim_is_as_seeded(&job)) {
		if (fd >= 0)
			(void)close(fd);
		__atomic_fetch_add(&head->left, 1, __ATOMIC_RELAXED);
		return true;
	}
	err = over_share(&job, session);
	if (err == BW_OK)
		__atomic_store_n(&hand->live->times[index].ended_ns, sim_now_ns(), __ATOMIC_RELAXED);
	else if (err == BW_ERR_UNSUPPORTED)
		__atomic_fetch_add(&head->impossible, 1, __ATOMIC_RELAXED);
	else
		__atomic_fetch_add(&head->failed, 1, __ATOMIC_RELAXED);
	return err != BW_ERR_CLOSED;
}

void sim_share_work(struct sim_crew *crew, unsigned number)
{
	struct session session = { .folder = "/tmp/breakwater-sim-XXXXXX" };
	struct sim_hand hand;
	size_t turn;

	(void)signal(SIGPIPE, SIG_IGN); /* a session that was cut is an ordinary end */
	if (mkdtemp(session.folder) == NULL)
		return;
	(void)snprintf(session.local, sizeof(session.local), "%s/file", session.folder);
	sim_hand_init(&hand, crew, number);
	if (session_open(crew->how->share, number, NULL, &session) == BW_OK) {
		while (sim_crew_next(crew, &turn)) {
			if (!attack_over_share(&hand, &session, crew->order[turn], turn))
				break;
		}
	}
	(void)session_close(&session);
	(void)unlink(session.local);
	(void)rmdir(session.folder);
	sim_hand_finish(&hand);
}

/* ---- is it the same folder? ------------------------------------------------------------------ */

void sim_probe_name(const struct bw_sim_box *box, char out[64])
{
	(void)snprintf(out, 64, "sim-probe-%016" PRIx64, box->id); /* nobody else knows the id */
}

/* The last line with a status of SMB's tells most; without one, the last line that is not empty. */
static void note_said(const char *line, char said[SAID_BYTES])
{
	const size_t len = strcspn(line, "\n");

	if (len > 0 && (strstr(line, "NT_STATUS") != NULL || strstr(said, "NT_STATUS") == NULL))
		(void)snprintf(said, SAID_BYTES, "%.*s", (int)len, line);
}

static enum bw_err look_for(const struct bw_sim_share *share, const char *name, struct bw_why *why)
{
	struct session session = { 0 };
	char said[SAID_BYTES] = "nothing";
	char command[96];
	bool found = false;
	bool listed = false;
	int status;

	(void)snprintf(command, sizeof(command), "ls %s", name);
	if (session_open(share, 0, command, &session) == BW_OK) {
		while (fgets(session.line, sizeof(session.line), session.from) != NULL) {
			const bool is_bad = strstr(session.line, "NT_STATUS") != NULL;

			found = found || (strstr(session.line, name) != NULL && !is_bad);
			listed = listed || (is_bad && strstr(session.line, " listing ") != NULL &&
					    strstr(session.line, "CONNECTION") == NULL); /* it was cut off meanwhile */
			note_said(session.line, said);
		}
	}
	status = session_close(&session);
	if (found)
		return BW_OK;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_STARTED)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "smbclient cannot be started; is it installed?");
	if (listed)
		return bw_why_set(why, BW_ERR_DENIED,
				  "'%s' shows other files in its folder '%s' than this drill's; nothing was touched "
				  "(smbclient said: %s)",
				  share->url, share->folder == NULL ? "" : share->folder, said);
	return bw_why_set(why, BW_ERR_DENIED,
			  "smbclient did not get into '%s', port %u; nothing was touched. It said: %s", share->url,
			  share->port == 0 ? 445U : (unsigned)share->port, said);
}

enum bw_err sim_share_check(struct bw_sim_box *box, const struct bw_sim_share *share, struct bw_why *why)
{
	char name[64];
	enum bw_err err;
	int fd;

	sim_probe_name(box, name);
	fd = sim_open_at(box->root, name, O_WRONLY | O_CREAT, 0644);
	if (fd < 0)
		return bw_why_errno(why, errno, "create", name);
	(void)close(fd);
	err = look_for(share, name, why);
	(void)unlinkat(box->root, name, 0);
	return err;
}
