#include "guard/lineage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "guard/actor.h"
#include "guard/lineage_parts.h"
#include "guard/lineage_proc.h"

enum {
	DATAGRAM_BYTES = 1024,
	EAR_EVERY_MS = 1000,
	CONNECTOR_EVERY_MS = 100, /* its buffer is the kernel's, and smaller */
	ANCESTORS_MOST = 256,     /* looked at before a process that is new */
};

struct bw_lineage {
	struct bw_kernel_ear *ear; /* or NULL, and the connector */
	int connector;
	int proc;
	struct bw_processes *processes;
	bw_lineage_hear *hear; /* while draining */
	void *context;
};

enum bw_err bw_lineage_open(struct bw_lineage **out, struct bw_why *why)
{
	struct bw_lineage *lineage = calloc(1, sizeof(*lineage));
	struct bw_why ear_why = { "" };
	enum bw_err err;

	BW_NEED(lineage != NULL, MEMORY);
	lineage->connector = -1;
	lineage->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = lineage->proc >= 0 ? bw_processes_new(&lineage->processes) : bw_why_errno(why, errno, "open", "/proc");
	if (err == BW_OK && bw_kernel_ear_open(&lineage->ear, &ear_why) != BW_OK) {
		err = bw_connector_open(&lineage->connector, why);
		if (err == BW_ERR_UNSUPPORTED && why != NULL)
			err = bw_why_set(&ear_why, err, "cannot hear of processes: %s; %s", ear_why.text, why->text);
		if (err != BW_OK && why != NULL)
			*why = ear_why;
	}
	if (err != BW_OK) {
		bw_lineage_free(lineage);
		return err;
	}
	*out = lineage;
	return BW_OK;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

void bw_lineage_free(struct bw_lineage *lineage)
{
	if (lineage == NULL)
		return;
	bw_kernel_ear_free(lineage->ear);
	close_fd(lineage->connector);
	close_fd(lineage->proc);
	bw_processes_free(lineage->processes);
	free(lineage);
}

const char *bw_lineage_words(const struct bw_lineage *lineage)
{
	return lineage->ear != NULL ? "a program in the kernel" : "the proc connector";
}

int bw_lineage_fd(const struct bw_lineage *lineage)
{
	return lineage->ear != NULL ? bw_kernel_ear_fd(lineage->ear) : lineage->connector;
}

int bw_lineage_every_ms(const struct bw_lineage *lineage)
{
	return lineage->ear != NULL ? EAR_EVERY_MS : CONNECTOR_EVERY_MS;
}

const struct bw_processes *bw_lineage_processes(const struct bw_lineage *lineage)
{
	return lineage->processes;
}

int bw_lineage_proc(const struct bw_lineage *lineage)
{
	return lineage->proc;
}

/* ---- what was heard, into the table and on ------------------------------------------------- */

static struct bw_process process_of(const struct bw_process_event *event, bool kernel)
{
	struct bw_process process = { .start_ns = event->start_ns,
				      .seen_ns = event->time_ns,
				      .cgroup = event->cgroup,
				      .pid = event->pid,
				      .parent = event->parent,
				      .session = event->session,
				      .group = event->group,
				      .uid = event->uid,
				      .alive = true,
				      .kernel = kernel };

	memcpy(process.comm, event->comm, sizeof(process.comm));
	return process;
}

static struct bw_process_event event_of(const struct bw_process *process, uint32_t act)
{
	struct bw_process_event event = { .time_ns = process->seen_ns,
					  .start_ns = process->start_ns,
					  .cgroup = process->cgroup,
					  .pid = process->pid,
					  .parent = process->parent,
					  .session = process->session,
					  .group = process->group,
					  .uid = process->uid,
					  .act = act };

	memcpy(event.comm, process->comm, sizeof(event.comm));
	return event;
}

static void take_event(void *context, const struct bw_process_event *event, bool kernel)
{
	struct bw_lineage *lineage = context;
	const struct bw_process *known = bw_processes_find(lineage->processes, event->pid);
	struct bw_process process = process_of(event, kernel);

	if (event->pid == 0)
		return;
	if (event->act == BW_PROCESS_EXIT) {
		bw_processes_end(lineage->processes, event->pid);
	} else {
		if (event->act == BW_PROCESS_EXEC && known != NULL && known->alive) {
			/* who forked it stays, though that one may be dead by now */
			process.parent = known->parent;
			process.seen_ns = known->seen_ns;
		}
		bw_processes_put(lineage->processes, &process);
	}
	lineage->hear(lineage->context, event);
}

/* ---- from /proc --------------------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void tell(struct bw_lineage *lineage, const struct bw_process *process, uint32_t act)
{
	const struct bw_process_event event = event_of(process, act);

	bw_processes_put(lineage->processes, process);
	lineage->hear(lineage->context, &event);
}

/*
 * A parent is told before its children, though numbers that wrapped around let it come later in /proc: whoever hears of
 * a child first knows nobody it descends from, and takes the shell that began the guard for a stranger.
 */
static void look_at_from(struct bw_lineage *lineage, uint32_t pid, unsigned depth)
{
	const struct bw_process *known = bw_processes_find(lineage->processes, pid);
	struct bw_process process;

	if (bw_process_read(lineage->proc, pid, &process) != BW_OK || !process.alive)
		return;
	if (known != NULL && known->alive && bw_process_same_start(known->start_ns, process.start_ns))
		return;
	if (process.parent != 0 && process.parent != pid && depth < ANCESTORS_MOST)
		look_at_from(lineage, process.parent, depth + 1);
	bw_process_read_more(lineage->proc, &process);
	process.seen_ns = now_ns();
	tell(lineage, &process, BW_PROCESS_FORK);
}

static void look_at(struct bw_lineage *lineage, uint32_t pid)
{
	look_at_from(lineage, pid, 0);
}

static void begin(struct bw_lineage *lineage, bw_lineage_hear *hear, void *context)
{
	lineage->hear = hear;
	lineage->context = context;
}

void bw_lineage_scan(struct bw_lineage *lineage, bw_lineage_hear *hear, void *context)
{
	const int fd = openat(lineage->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	begin(lineage, hear, context);
	while (listing != NULL && (entry = readdir(listing)) != NULL) {
		uint64_t pid;

		if (bw_parse_u64(bw_slice_text(entry->d_name), &pid) == BW_OK && pid <= INT32_MAX)
			look_at(lineage, (uint32_t)pid);
	}
	if (listing != NULL)
		(void)closedir(listing);
	else
		close_fd(fd);
}

/* Root's, and begins work for others; it may go on as one of them without running a program. */
static bool may_become_user(const struct bw_process *known)
{
	return known != NULL && known->alive && known->uid == 0 && !known->kernel &&
	       bw_actors_is_host_name(known->comm);
}

static void become_user(struct bw_lineage *lineage, const struct bw_process *known, uint32_t uid)
{
	struct bw_process process = *known;

	process.uid = uid;
	tell(lineage, &process, BW_PROCESS_USER);
}

/*
 * The program in the kernel tells of users at forks, execs and ends alone, and the connector may not have been asked
 * yet. Of whoever is gone it was told, and waits.
 */
static void look_at_user(struct bw_lineage *lineage, uint32_t pid)
{
	const struct bw_process *known = bw_processes_find(lineage->processes, pid);
	struct bw_process process;
	bool is_it;

	if (!may_become_user(known))
		return;
	is_it = bw_process_read(lineage->proc, pid, &process) == BW_OK &&
		bw_process_same_start(process.start_ns, known->start_ns);
	if (is_it)
		bw_process_read_more(lineage->proc, &process);
	if (is_it && process.uid != 0)
		become_user(lineage, known, process.uid);
	else if (!is_it || kill((pid_t)pid, 0) != 0)
		bw_lineage_drain(lineage, lineage->hear, lineage->context);
}

bool bw_lineage_refresh(struct bw_lineage *lineage, uint32_t pid, bw_lineage_hear *hear, void *context)
{
	const struct bw_process *known;
	const pid_t group = getpgid((pid_t)pid);
	const pid_t session = getsid((pid_t)pid);
	struct bw_process process;

	begin(lineage, hear, context);
	look_at_user(lineage, pid);
	if (group < 0 || session < 0)
		return false;
	known = bw_processes_find(lineage->processes, pid);
	if (known == NULL || !known->alive) {
		look_at(lineage, pid);
		return true;
	}
	if (known->group == (uint32_t)group && known->session == (uint32_t)session)
		return true;
	process = *known;
	process.group = (uint32_t)group;
	process.session = (uint32_t)session;
	tell(lineage, &process, BW_PROCESS_EXEC); /* no act of its own: what is known of it changed */
	return true;
}

/* ---- the connector ---------------------------------------------------------------------------------- */

/* It says who, and /proc what; when /proc is too late, the child is as its parent was. */
static void complete(struct bw_lineage *lineage, struct bw_process_event *event)
{
	const struct bw_process *like = bw_processes_find(lineage->processes, event->pid);
	struct bw_process process;

	if (event->act == BW_PROCESS_FORK)
		like = bw_processes_find(lineage->processes, event->parent);
	if (event->act != BW_PROCESS_EXIT && bw_process_read(lineage->proc, event->pid, &process) == BW_OK) {
		bw_process_read_more(lineage->proc, &process);
		if (event->act == BW_PROCESS_FORK)
			process.parent = event->parent;
		process.seen_ns = event->time_ns;
		*event = event_of(&process, event->act);
		return;
	}
	if (like == NULL)
		return;
	process = *like;
	process.pid = event->pid;
	process.seen_ns = event->time_ns;
	if (event->act == BW_PROCESS_FORK) {
		process.parent = event->parent;
		process.start_ns = 0;
	}
	*event = event_of(&process, event->act);
}

/* True when datagrams were lost. */
static bool drain_connector(struct bw_lineage *lineage)
{
	_Alignas(8) uint8_t bytes[DATAGRAM_BYTES];
	const struct bw_process *known;
	struct bw_process_event event;

	for (;;) {
		struct sockaddr_nl from = { 0 };
		socklen_t from_len = sizeof(from);
		const ssize_t got = recvfrom(lineage->connector, bytes, sizeof(bytes), 0, (struct sockaddr *)&from,
					     &from_len);

		if (got < 0)
			return errno == ENOBUFS;
		if (from.nl_pid != 0) /* not the kernel */
			continue;
		if (bw_connector_parse(bw_slice_of(bytes, (size_t)got), &event) != BW_OK)
			continue;
		if (event.act == BW_PROCESS_USER) {
			known = bw_processes_find(lineage->processes, event.pid);
			if (event.uid != 0 && may_become_user(known))
				become_user(lineage, known, event.uid);
			continue;
		}
		complete(lineage, &event);
		take_event(lineage, &event, false);
	}
}

void bw_lineage_drain(struct bw_lineage *lineage, bw_lineage_hear *hear, void *context)
{
	bool lost;

	begin(lineage, hear, context);
	if (lineage->ear != NULL)
		lost = bw_kernel_ear_drain(lineage->ear, take_event, lineage);
	else
		lost = drain_connector(lineage);
	if (lost)
		bw_lineage_scan(lineage, hear, context);
}
