/*
 * What would "shields up" cost everybody else? A fanotify group of class CONTENT asks before each open on a file
 * system; one thread answers. Measured: what an open costs who is let through, and whom the shield refuses.
 *
 *   gcc -O2 -Wall -Wextra -D_GNU_SOURCE -pthread -o /tmp/guard_shield bench/experiments/guard_shield.c
 *   /tmp/guard_shield DIR [ROUNDS]      as root; DIR on the file system to try, with room for 4,000 small files
 *
 * States, in turn, ROUNDS times: no shield; a mark on the file system, everybody let through without a look (allow);
 * with a look at the opener's user in /proc/PID/status (look), as a shield against a user must; the same with the
 * answering thread asleep between opens that come one a millisecond (idle). Then a child of user 65534 tries to open
 * under a shield against that user, and the answering thread dies with an open waiting.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FILES = 4000, IDLE_OPENS = 300, ROUNDS_MAX = 64, REFUSED = 65534, PRIORITY = 12 };
enum state { NONE, ALLOW, LOOK, NONE_IDLE, LOOK_IDLE, STATES };

static const char *const names[] = { "none", "allow", "look", "none, one a ms", "look, one a ms" };
static int group;
static bool looks;

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void need(bool claim, const char *what)
{
	if (claim)
		return;
	perror(what);
	exit(1);
}

/* The file system user, fourth of "Uid:"; -1 when it is gone. */
static long user_of(int pid)
{
	char path[64];
	char text[2048];
	const char *line;
	long uids[4];
	ssize_t len;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		(void)close(fd);
	if (len <= 0)
		return -1;
	text[len] = '\0';
	line = strstr(text, "\nUid:");
	return line != NULL && sscanf(line + 5, "%ld %ld %ld %ld", &uids[0], &uids[1], &uids[2], &uids[3]) == 4
		       ? uids[3]
		       : -1;
}

static void *answer(void *unused)
{
	static _Alignas(8) char buffer[65536];
	const struct sched_param priority = { .sched_priority = PRIORITY };

	(void)unused;
	(void)pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority);
	for (;;) {
		ssize_t len = read(group, buffer, sizeof(buffer));
		const struct fanotify_event_metadata *event = (const void *)buffer;

		if (len <= 0)
			return NULL;
		for (; FAN_EVENT_OK(event, len); event = FAN_EVENT_NEXT(event, len)) {
			const bool refuse = looks && user_of(event->pid) == REFUSED;
			const struct fanotify_response response = { event->fd, refuse ? FAN_DENY : FAN_ALLOW };

			if (event->fd < 0)
				continue;
			if (write(group, &response, sizeof(response)) != (ssize_t)sizeof(response))
				need(errno == ENOENT, "answer");
			(void)close(event->fd);
		}
	}
}

static void raise_shield(const char *where, bool with_looks)
{
	pthread_t thread;

	group = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_UNLIMITED_QUEUE, O_RDONLY | O_CLOEXEC);
	need(group >= 0, "fanotify_init");
	looks = with_looks;
	need(pthread_create(&thread, NULL, answer, NULL) == 0, "thread");
	(void)pthread_detach(thread);
	need(fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_PERM, AT_FDCWD, where) == 0, "mark");
}

/* The thread ends with a read that fails: the mark goes first, then a second descriptor of nothing takes its place. */
static void drop_shield(const char *where)
{
	const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	need(fanotify_mark(group, FAN_MARK_FLUSH | FAN_MARK_FILESYSTEM, 0, AT_FDCWD, where) == 0, "flush");
	(void)close(nothing);
	(void)close(group);
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double one_round(const char *folder, enum state state)
{
	const bool idle = state == NONE_IDLE || state == LOOK_IDLE;
	const int count = idle ? IDLE_OPENS : FILES;
	uint64_t spent = 0;

	for (int i = 0; i < count; i++) {
		char path[4096];
		uint64_t began;
		int fd;

		(void)snprintf(path, sizeof(path), "%s/shield%d", folder, i);
		if (idle)
			(void)nanosleep(&(const struct timespec){ .tv_nsec = 1000000 }, NULL);
		began = now_ns();
		fd = open(path, O_RDONLY | O_CLOEXEC);
		spent += now_ns() - began;
		need(fd >= 0, path);
		(void)close(fd);
	}
	return (double)spent / count / 1000;
}

static void try_refusing(const char *folder)
{
	char path[4096];
	int status;
	pid_t child;

	(void)snprintf(path, sizeof(path), "%s/shield0", folder);
	raise_shield(folder, true);
	child = fork();
	if (child == 0) {
		const bool opened = setresuid(REFUSED, REFUSED, REFUSED) == 0 && open(path, O_RDONLY) >= 0;

		_exit(opened ? 0 : errno == EPERM ? 1 : 2);
	}
	need(waitpid(child, &status, 0) == child, "wait");
	printf("a refused user's open: %s; root's: %s\n", WEXITSTATUS(status) == 1 ? "refused" : "NOT REFUSED",
	       open(path, O_RDONLY | O_CLOEXEC) >= 0 ? "let through" : "REFUSED");
	drop_shield(folder);
}

/* Whoever answers is killed with an open waiting: the kernel lets it through when the group ends. */
static void try_dying(const char *folder)
{
	const pid_t child = fork();
	char path[4096];
	uint64_t began;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/shield1", folder);
	if (child == 0) {
		group = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
		need(fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_PERM, AT_FDCWD, folder) == 0,
		     "mark");
		(void)nanosleep(&(const struct timespec){ .tv_nsec = 500000000 }, NULL);
		(void)raise(SIGKILL);
	}
	(void)nanosleep(&(const struct timespec){ .tv_nsec = 200000000 }, NULL);
	began = now_ns();
	fd = open(path, O_RDONLY | O_CLOEXEC);
	printf("the one who answers dies: the waiting open is %s after %.0f ms\n", fd >= 0 ? "let through" : "REFUSED",
	       (double)(now_ns() - began) / 1e6);
	(void)waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
	static double us[STATES][ROUNDS_MAX];
	const int rounds = argc > 2 ? atoi(argv[2]) : 9;
	char path[4096];

	need(argc > 1 && rounds > 0 && rounds <= ROUNDS_MAX, "usage: guard_shield DIR [ROUNDS]");
	for (int i = 0; i < FILES; i++) {
		int fd;

		(void)snprintf(path, sizeof(path), "%s/shield%d", argv[1], i);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		need(fd >= 0 && write(fd, path, sizeof(path)) == (ssize_t)sizeof(path), path);
		(void)close(fd);
	}
	for (int round = 0; round < rounds; round++) {
		for (enum state state = NONE; state < STATES; state++) {
			const bool shield = state == ALLOW || state == LOOK || state == LOOK_IDLE;

			if (shield)
				raise_shield(argv[1], state != ALLOW);
			us[state][round] = one_round(argv[1], state);
			if (shield)
				drop_shield(argv[1]);
		}
	}
	for (enum state state = NONE; state < STATES; state++) {
		qsort(us[state], (size_t)rounds, sizeof(us[state][0]), by_size);
		printf("%-16s median %6.2f us an open, %.2f to %.2f\n", names[state], us[state][rounds / 2],
		       us[state][0], us[state][rounds - 1]);
	}
	try_refusing(argv[1]);
	try_dying(argv[1]);
	for (int i = 0; i < FILES; i++) {
		(void)snprintf(path, sizeof(path), "%s/shield%d", argv[1], i);
		(void)unlink(path);
	}
	return 0;
}
