/*
 * The watch worker without the rest of the guard, for tests/guard_watch_test.py and for measuring: this program
 * makes what `guard run` would, takes every file below a folder into the index, and is judge and
 * keep itself: it prints what reaches them, a line each, and does what its standard input says.
 *
 *   guard_watch_probe DIR [RING_BYTES [short]]     short: the kernel's queue of names is no longer than any program's
 *
 *   EVENT | WORK  act pid known replaced size sample name name_to first-bytes      PROCESS act pid parent session
 * group start comm
 *   LOST          BOARD events samples lost stops p50_us max_us processes
 *
 *   stop PID START_NS GROUP FREEZE   learn PATH   board   pause   go   quiet   loud
 *   alone N    the same, but the verdict names that one process alone: whoever it forks is for watch to find
 *   late MS    a verdict comes that much after its evidence
 *   auto N     the next N events of known files, whoever caused them, decide: the actor of the last one is stopped, as
 *              the judge names it
 */
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "guard/actor.h"
#include "guard/guard.h"
#include "guard/sample.h"

enum { RING_BYTES = 16 * 1024 * 1024, PRIORITY = 9 };

static struct probe {
	struct bw_guard guard; /* first: as in guard/run.c */
	struct bw_shared board;
	int commands;
	bool quiet;
	bool paused;
	unsigned automatic; /* known files until a stop; 0: never */
	bool alone;
	long late_ms;
	struct bw_actors *actors;
} probe;

static void need(bool claim, const char *what)
{
	if (claim)
		return;
	(void)fprintf(stderr, "guard_watch_probe: %s\n", what);
	exit(3);
}

/* ---- the index ------------------------------------------------------------------------------- */

static void learn(const char *path)
{
	static uint8_t space[BW_CONTENT_WHOLE_MAX];
	const struct bw_volume *volume = &probe.guard.volumes[0];
	struct bw_index_file file = { .version = 1 };
	struct bw_file_key folder;
	struct bw_sample sample;
	struct bw_plan plan;
	char parent[BW_PATH_BYTES];
	const char *name = strrchr(path, '/') + 1;
	struct stat status;
	const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int at;

	(void)snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path);
	at = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	need(fd >= 0 && at >= 0 && fstat(fd, &status) == 0, path);
	need(bw_volume_key(volume, fd, &file.key) == BW_OK && bw_volume_key(volume, at, &folder) == BW_OK, "key");
	bw_sample_plan(probe.guard.settings.salt, &file.key, (uint64_t)status.st_size, &plan);
	if (bw_sample_read(fd, &plan, (uint64_t)status.st_size, space, &sample) == BW_OK)
		bw_content_of(&sample, &file.content);
	file.place = bw_index_place(probe.guard.index, &folder, bw_slice_text(name));
	need(bw_index_put(probe.guard.index, &file) == BW_OK, "index");
	(void)close(fd);
	(void)close(at);
}

static int see(const char *path, const struct stat *status, int kind, struct FTW *at)
{
	(void)at;
	if (kind == FTW_F && S_ISREG(status->st_mode))
		learn(path);
	return 0;
}

/* ---- what arrives ----------------------------------------------------------------------------- */

static void send_stop(uint64_t decided_ns, uint32_t group, const struct bw_actor_target *targets, size_t count)
{
	const size_t bytes = sizeof(struct bw_stop) + count * sizeof(((struct bw_stop *)0)->processes[0]);
	struct bw_stop *stop = bw_ring_room(probe.guard.stops, bytes);

	need(stop != NULL, "no room for a verdict");
	memset(stop, 0, bytes);
	stop->incident = 1;
	stop->decided_ns = decided_ns;
	stop->group = group;
	stop->count = (uint32_t)count;
	for (size_t i = 0; i < count; i++) {
		stop->processes[i].pid = targets[i].pid;
		stop->processes[i].start_ns = targets[i].start_ns;
	}
	bw_ring_put(probe.guard.stops, BW_RECORD_STOP, bytes);
}

static void decide(const struct bw_event *event)
{
	static struct bw_actor_target targets[BW_STOP_PROCESSES_MAX];
	uint32_t roots[4];
	uint32_t process;
	uint32_t group = 0;
	size_t count;

	if (probe.automatic == 0 || !event->was_known || --probe.automatic > 0)
		return;
	(void)printf("DECIDED\n");
	(void)nanosleep(&(const struct timespec){ .tv_nsec = probe.late_ms * 1000000 }, NULL);
	if (probe.alone) {
		send_stop(event->time_ns, 0, &(const struct bw_actor_target){ .pid = event->pid }, 1);
		return;
	}
	process = bw_actors_find(probe.actors, event->pid, event->time_ns);
	need(process != 0, "an event of nobody");
	count = bw_actors_roots(probe.actors, &process, 1, roots, BW_COUNT(roots));
	for (size_t i = 0; i < count; i++)
		bw_actors_condemn(probe.actors, roots[i], 1);
	count = bw_actors_gather(probe.actors, roots, count, targets, BW_COUNT(targets), &group);
	send_stop(event->time_ns, group, targets, count);
}

static void show_event(const char *ring, struct bw_slice record, bool decides)
{
	static const char *const acts[] = { "?",      "CLOSED",         "CHANGED",    "REMOVED", "MOVED",
					    "FOLDER", "FOLDER_REMOVED", "ATTRIBUTES", "LINKED" };
	struct bw_event_view view;
	char first[17] = "-";

	need(bw_event_parse(record, &view) == BW_OK, "an event that does not parse");
	if (decides)
		decide(&view.event);
	if (probe.quiet)
		return;
	for (size_t i = 0; view.sample.count > 0 && i < 8 && i < view.sample.pieces[0].bytes.len; i++)
		(void)snprintf(first + 2 * i, 3, "%02x", view.sample.pieces[0].bytes.ptr[i]);
	(void)printf("%s\t%s\t%u\t%d\t%d\t%llu\t%u\t%.*s\t%.*s\t%s\n", ring, acts[view.event.act], view.event.pid,
		     view.event.was_known, view.event.has_replaced, (unsigned long long)view.event.size,
		     view.event.sample_len, BW_ARG(view.name), BW_ARG(view.name_to), first);
}

static void show_process(struct bw_slice record)
{
	static const char *const acts[] = { "?", "FORK", "EXEC", "EXIT" };
	struct bw_process_event event;

	need(record.len == sizeof(event), "a process that does not parse");
	memcpy(&event, record.ptr, sizeof(event));
	if (bw_actors_hear(probe.actors, &event) != 0) {
		const struct bw_actor_target born = { .pid = event.pid, .start_ns = event.start_ns };

		send_stop(event.time_ns, 0, &born, 1);
	}
	if (!probe.quiet)
		(void)printf("PROCESS\t%s\t%u\t%u\t%u\t%u\t%llu\t%.16s\n", acts[event.act], event.pid, event.parent,
			     event.session, event.group, (unsigned long long)event.start_ns, event.comm);
}

static void show(struct bw_ring *ring, const char *name)
{
	struct bw_ring_record record;

	while (bw_ring_next(ring, &record) == BW_OK) {
		if (record.kind == BW_RECORD_EVENT)
			show_event(name, record.bytes, ring == probe.guard.events);
		else if (record.kind == BW_RECORD_PROCESS)
			show_process(record.bytes);
		else if (record.kind == BW_RECORD_LOST)
			(void)printf("LOST\n");
		else
			need(record.kind == BW_RECORD_TICK, "a record of another kind");
		bw_ring_done(ring);
	}
}

/* ---- commands ------------------------------------------------------------------------------------ */

static void show_board(void)
{
	const struct bw_guard_board *board = (const struct bw_guard_board *)(const void *)probe.board.ptr;

	(void)printf("BOARD\t%llu\t%llu\t%llu\t%llu\t%llu\t%llu\t%llu\n", (unsigned long long)board->events,
		     (unsigned long long)board->samples, (unsigned long long)board->lost,
		     (unsigned long long)board->stops, (unsigned long long)board->stop_p50_us,
		     (unsigned long long)board->stop_max_us, (unsigned long long)board->processes_known);
}

static void stop_them(const char *words)
{
	const size_t bytes = sizeof(struct bw_stop) + sizeof(((struct bw_stop *)0)->processes[0]);
	struct bw_stop *stop = bw_ring_room(probe.guard.stops, bytes);
	unsigned long long start = 0;
	struct timespec now;
	unsigned pid = 0;
	unsigned group = 0;
	unsigned freeze = 0;

	need(stop != NULL && sscanf(words, "%u %llu %u %u", &pid, &start, &group, &freeze) == 4, "stop what?");
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	memset(stop, 0, bytes);
	stop->incident = 1;
	stop->decided_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	stop->group = group;
	stop->freeze = freeze;
	stop->count = 1;
	stop->processes[0].pid = pid;
	stop->processes[0].start_ns = start;
	bw_ring_put(probe.guard.stops, BW_RECORD_STOP, bytes);
}

static void decide_after(int count, bool alone)
{
	probe.automatic = (unsigned)count;
	probe.alone = alone;
}

static void carry_out(char *line)
{
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, "stop ", 5) == 0)
		stop_them(line + 5);
	else if (strncmp(line, "learn ", 6) == 0)
		learn(line + 6);
	else if (strncmp(line, "auto ", 5) == 0)
		decide_after(atoi(line + 5), false);
	else if (strncmp(line, "alone ", 6) == 0)
		decide_after(atoi(line + 6), true);
	else if (strncmp(line, "late ", 5) == 0)
		probe.late_ms = atol(line + 5);
	else if (strcmp(line, "board") == 0)
		show_board();
	else if (strcmp(line, "pause") == 0 || strcmp(line, "go") == 0)
		probe.paused = line[0] == 'p';
	else if (strcmp(line, "quiet") == 0 || strcmp(line, "loud") == 0)
		probe.quiet = line[0] == 'q';
	else
		need(false, line);
	(void)printf("OK\t%s\n", line);
}

static int judge_run(struct bw_seat *seat)
{
	FILE *commands = fdopen(probe.commands, "r");
	struct bw_ring *rings[] = { probe.guard.events, probe.guard.work };
	char line[BW_PATH_BYTES + 16];

	need(bw_actors_new((uint32_t)getppid(), &probe.actors) == BW_OK, "actors");
	need(commands != NULL && bw_seat_ready(seat) == BW_OK, "seat");
	/* as the judge is: below watch, above everybody else */
	(void)sched_setscheduler(0, SCHED_FIFO, &(const struct sched_param){ .sched_priority = PRIORITY });
	(void)setvbuf(commands, NULL, _IONBF, 0);
	for (;;) {
		struct pollfd fds[] = { { probe.commands, POLLIN, 0 },
					{ bw_ring_fd(rings[0]), POLLIN, 0 },
					{ bw_ring_fd(rings[1]), POLLIN, 0 },
					{ bw_seat_fd(seat), POLLIN, 0 } };
		const bool asleep = bw_ring_may_sleep(rings[0]);
		const bool both = asleep && bw_ring_may_sleep(rings[1]);

		(void)fflush(stdout);
		(void)poll(fds, probe.paused ? 1 : 4, both || probe.paused ? -1 : 0);
		if (asleep)
			bw_ring_awake(rings[0]);
		if (both)
			bw_ring_awake(rings[1]);
		if (fds[0].revents != 0) {
			if (fgets(line, sizeof(line), commands) == NULL)
				return 0;
			carry_out(line);
		}
		if (fds[3].revents != 0 && !probe.paused)
			return 0;
		if (probe.paused)
			continue;
		show(rings[0], "EVENT");
		show(rings[1], "WORK");
	}
}

/* ---- the parent ------------------------------------------------------------------------------------- */

static size_t keep(void *shared, const struct bw_member *who, int out[BW_CREW_KEEP_MAX])
{
	size_t count = bw_guard_fds(&probe.guard, out, BW_CREW_KEEP_MAX - 1);

	(void)shared;
	if (strcmp(who->name, "judge") == 0)
		out[count++] = probe.commands;
	return count;
}

static void ready(void *shared, struct bw_crew *crew)
{
	(void)shared;
	(void)crew;
	(void)printf("ready\n");
	(void)fflush(stdout);
}

/* The guard asks for a queue without an end; what happens when one has an end all the same is to be seen too. */
static void shorten(struct bw_ears *ears)
{
	(void)close(ears->names);
	ears->names = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK | FAN_CLOEXEC | FAN_REPORT_DFID_NAME_TARGET,
				    O_RDONLY);
	need(ears->names >= 0, "a short queue");
}

int main(int argc, char **argv)
{
	static const struct bw_worker workers[] = { { "watch", bw_watch_run, BW_MAY_WATCH },
						    { "judge", judge_run, BW_MAY_COMPUTE },
						    { NULL, NULL, 0 } };
	const struct bw_crew_plan plan = { .workers = workers, .shared = &probe, .keep = keep, .ready = ready };
	struct bw_guard *guard = &probe.guard;
	struct bw_why why = { "" };
	const size_t ring_bytes = argc > 2 ? (size_t)atol(argv[2]) : RING_BYTES;
	char *path = argc >= 2 && argc <= 4 ? realpath(argv[1], NULL) : NULL;

	need(path != NULL, "usage: guard_watch_probe DIR [RING_BYTES [short]]");
	bw_log_set_level(BW_DEBUG);
	/* shared with the judge: a full buffer of his would end within a line, and the parent's "ready" begin there */
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	probe.commands = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	guard->data = "/nonexistent";
	guard->settings = (struct bw_guard_settings){ .tree_count = 1, .trees = { path }, .salt = 1 };
	guard->volume_count = 1;
	need(bw_volume_of(path, &guard->volumes[0], &why) == BW_OK, why.text);
	need(bw_ears_open(&guard->ears, &why) == BW_OK, why.text);
	if (argc == 4)
		shorten(&guard->ears);
	need(bw_ears_add(&guard->ears, &guard->volumes[0], &why) == BW_OK, why.text);
	need(bw_index_new(65536, &guard->index) == BW_OK, "index");
	need(bw_ring_new("events", ring_bytes, &guard->events) == BW_OK, "ring");
	need(bw_ring_new("work", ring_bytes, &guard->work) == BW_OK, "ring");
	need(bw_ring_new("stops", RING_BYTES, &guard->stops) == BW_OK, "ring");
	need(bw_ring_new("samples", RING_BYTES, &guard->samples) == BW_OK, "ring");
	need(bw_ring_new("features", RING_BYTES, &guard->features) == BW_OK, "ring");
	need(bw_shared_new("board", sizeof(struct bw_guard_board), &probe.board) == BW_OK, "board");
	guard->board = &probe.board;
	guard->require_sandbox = true;
	need(nftw(path, see, 64, FTW_PHYS) == 0, "walk");
	need(bw_crew_run(&plan, &why) == BW_OK, why.text);
	return 0;
}
