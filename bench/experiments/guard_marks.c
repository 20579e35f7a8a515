/*
 * The experiment that could prove the guard's design wrong (docs/experiments/guard.md): where
 * FAN_MODIFY marks go, what they and the shadow work cost together, what they miss, and how many
 * files an attacker at full speed touches before SIGKILL lands.
 *
 *   cc -O2 -pthread guard_marks.c guard_marks_guard.c -o guard_marks
 *   ./guard_marks DIR ext4|xfs|btrfs cost RUNS VARIANT...      as root; DIR takes a 6 GiB image
 *   ./guard_marks DIR ext4|xfs|btrfs sees 1 VARIANT...
 *   ./guard_marks DIR ext4|xfs|btrfs evict FILES
 *   ./guard_marks DIR ext4|xfs|btrfs window RUNS VARIANT...
 *   ./guard_marks DIR ext4|xfs|btrfs stop RUNS VARIANT...
 *
 * A VARIANT is `none`, or a letter for where MODIFY goes and then flags:
 *   a nowhere   b with the file system's mark, names reported   c a second group, whole file system, identity only
 *   d a second group, evictable marks on shadowed inodes
 *   f a second group, marks on directories: set by the worker once a directory's files are shadowed, lifted
 *     for a second when 16 files that nobody knows are written in it
 *   e  an inode that had two MODIFY is silenced until CLOSE_WRITE
 *   s  shadow work on   i  new files without the 100 ms delay   n  the worker at normal priority, not idle
 *   j  the verdict in a second process (eventfd)   x  the same (futex)   g  a MODIFY of the second group ends the sleep
 *   p  no 16 free wake-ups before batching   digits: the batch in us (2000)
 */
#define _GNU_SOURCE
#include "guard_marks.h"

struct shared *shared;
char root[256];
bool reflinks;

static uint64_t random_state = 0x9e3779b97f4a7c15u;

static uint64_t random_next(void) /* splitmix64 */
{
	uint64_t z = (random_state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static void sh(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void sh(const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (system(line) != 0) {
		(void)fprintf(stderr, "guard_marks: failed: %s\n", line);
		exit(3);
	}
}

/* ---- files to work with ---- */

static void fill_text(uint8_t *out, size_t n)
{
	static const char *words[] = {
		"ledger ", "of ",   "the ", "harbour ", "and ",   "its ", "people ", "in ",
		"March, ", "page ", "to ",  "school ",  "reads ", "a ",   "number ", "report\n"
	};
	size_t at = 0;

	while (at < n) {
		const char *word = words[random_next() % 16];
		const size_t length = strlen(word);

		memcpy(out + at, word, length < n - at ? length : n - at);
		at += length;
	}
}

static void write_file(const char *path, const void *bytes, size_t n)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	must(fd >= 0 && write(fd, bytes, n) == (ssize_t)n && close(fd) == 0, path);
}

static void make_tree(const char *name, int files, size_t least, size_t most)
{
	static uint8_t text[PACKED];
	char path[400];

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	(void)mkdir(path, 0755);
	for (int i = 0; i < files; i++) {
		size_t n = least;

		while (n * 2 <= most && random_next() % 5 < 4) /* about evenly in each doubling */
			n *= 2;
		n = most > least ? least + random_next() % n : least;
		(void)snprintf(path, sizeof(path), "%s/%s/%03d", root, name, i / 200);
		if (i % 200 == 0)
			(void)mkdir(path, 0755);
		(void)snprintf(path, sizeof(path), "%s/%s/%03d/%05d.txt", root, name, i / 200, i);
		fill_text(text, n < PACKED ? n : PACKED);
		write_file(path, text, n < PACKED ? n : PACKED);
	}
}

static void make_cost_files(const char *dir)
{
	make_tree("base/source", NEW_FILES, BLOCK, BLOCK);
	make_tree("tree", 5000, 1024, 65536);
	sh("tar cf %s/tree.tar -C %s tree && rm -rf %s/tree && ls -l %s/tree.tar | awk '{print \"# tar bytes \" $5}'",
	   dir, root, root, dir);
	make_tree("base/repo", 2577, 2048, 8192);
	sh("cd %s/base/repo && git init -q -b one . && git config gc.auto 0 && git config user.name a && "
	   "git config user.email a@example && git add . && git commit -qm one && git checkout -qb two",
	   root);
	make_tree("base/repo", 2577, 2048, 8192);
	sh("cd %s/base/repo && git add . && git commit -qm two && git checkout -q one", root);
	sh("mkdir %s/base/flat", root);
	sh("dd if=/dev/zero of=%s/base/big bs=1M count=256 status=none", root);
}

/* ---- cost ---- */

static void random_writes(void)
{
	static uint8_t block[BLOCK];
	char path[300];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/base/big", root);
	fd = open(path, O_RDWR);
	must(fd >= 0, path);
	for (int i = 0; i < RANDOM_WRITES; i++)
		must(pwrite(fd, block, BLOCK, (off_t)(random_next() % BIG_BLOCKS) * BLOCK) == BLOCK, "pwrite");
	(void)close(fd);
	_exit(0);
}

static const char *const work_names[] = { "untar", "cp", "git", "random", "cat", "into" };
enum { WORKS = 6 };

static void work_line(int work, int pass, const char *dir, char *out, size_t n)
{
	if (work == 0)
		(void)snprintf(out, n, "mkdir %s/t && tar xf %s/tree.tar -C %s/t", root, dir, root);
	else if (work == 1)
		(void)snprintf(out, n, "cp -r %s/base/source %s/copy", root, root);
	else if (work == 2)
		(void)snprintf(out, n, "cd %s/base/repo && git checkout -q %s", root, pass % 2 == 0 ? "two" : "one");
	else if (work == 4)
		(void)snprintf(out, n, "find %s/base/source -type f -print0 | xargs -0 cat >/dev/null", root);
	else /* new files in a directory that is guarded already */
		(void)snprintf(out, n, "find %s/base/source -type f -print0 | xargs -0 cp -t %s/base/flat", root, root);
}

struct cell {
	double wall[RUNS_MAX], cpu[RUNS_MAX], reader[RUNS_MAX], worker[RUNS_MAX], late[RUNS_MAX];
	long events, jobs, wakes;
	int runs;
};

static struct cell cells[VARIANTS_MAX][WORKS];

static void run_work(struct guard g, int work, int pass, const char *dir, struct cell *cell)
{
	const double reader = thread_cpu_s(g, shared->reader_tid);
	const double worker = thread_cpu_s(g, shared->worker_tid);
	const long events = shared->events;
	const long queued = shared->queued;
	const long wakes = shared->wakes;
	const int run = cell->runs++;
	struct rusage used;
	char line[1024];
	uint64_t began;
	pid_t pid;
	int status;

	work_line(work, pass, dir, line, sizeof(line));
	(void)fflush(stdout);
	began = now_ns();
	pid = fork();
	if (pid == 0) {
		if (work == 3)
			random_writes();
		(void)execl("/bin/sh", "sh", "-c", line, (char *)NULL);
		_exit(9);
	}
	must(wait4(pid, &status, 0, &used) == pid && status == 0, work_names[work]);
	cell->wall[run] = (double)(now_ns() - began) / 1e9;
	cell->late[run] = guard_catches_up(g);
	cell->cpu[run] = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
			 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
	cell->reader[run] = thread_cpu_s(g, shared->reader_tid) - reader;
	cell->worker[run] = thread_cpu_s(g, shared->worker_tid) - worker;
	cell->events = g.pid != 0 ? shared->events - events : 0;
	cell->wakes = g.pid != 0 ? shared->wakes - wakes : 0;
	cell->jobs = g.pid != 0 ? shared->queued - queued : 0;
}

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), by_size);
	return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void print_costs(const char *fs, const struct variant *variants, int count)
{
	for (int w = 0; w < WORKS; w++)
		for (int v = 0; v < count; v++) {
			struct cell *c = &cells[v][w];
			const int n = c->runs;
			const double wall = median(c->wall, n);
			const double cpu = median(c->cpu, n);
			const double late = median(c->late, n);
			static double none_wall, none_cpu;

			if (v == 0) {
				none_wall = wall;
				none_cpu = cpu;
			}
			(void)printf("%-5s %-6s %-7s wall %.3f (%.3f-%.3f) x%.2f  cpu %.3f x%.2f  reader %.3f"
				     " worker %.3f  behind %.3f (max %.3f)  events %ld wakes %ld jobs %ld\n",
				     fs, work_names[w], variants[v].name, wall, c->wall[0], c->wall[n - 1],
				     wall / none_wall, cpu, cpu / none_cpu, median(c->reader, n), median(c->worker, n),
				     late, c->late[n - 1], c->events, c->wakes, c->jobs);
		}
	(void)fflush(stdout);
}

static void cost(const char *dir, const char *fs, int runs, const struct variant *variants, int count)
{
	int pass = 0;

	make_cost_files(dir);
	for (int run = 0; run <= runs; run++) { /* the first warms up and is forgotten */
		int order[VARIANTS_MAX];

		for (int i = 0; i < count; i++)
			order[i] = i;
		for (int i = count - 1; i > 0; i--) {
			const int j = (int)(random_next() % (uint64_t)(i + 1));
			const int t = order[i];

			order[i] = order[j];
			order[j] = t;
		}
		for (int i = 0; i < (run == 0 ? 1 : count); i++) {
			const int v = run == 0 ? 0 : order[i];
			const struct guard g = guard_start(&variants[v]);

			/* each variant begins with the same cache and a quiet disk, enrolled or not */
			sh("find %s/base -type f -print0 | xargs -0 cat >/dev/null; sync -f %s; sleep 0.5", root, root);
			for (int w = 0; w < WORKS; w++) {
				sh("sync -f %s", root);
				run_work(g, w, pass, dir, &cells[v][w]);
				if (run == 0)
					cells[v][w].runs = 0;
			}
			pass++;
			guard_end(g);
			sh("rm -rf %s/t %s/copy && find %s/store %s/base/flat -type f -delete", root, root, root, root);
		}
	}
	print_costs(fs, variants, count);
}

/* ---- sees: acts without a close, on hot and on evicted inodes ---- */

enum { ACT_WRITE, ACT_TRUNCATE, ACT_HANDLE, ACT_LINK, ACTS, TRIES = 5 };

static const char *const act_names[] = { "write, kept open", "truncate(2)", "write by handle", "write by a new link" };

static void drop_caches(void)
{
	sh("sync; echo 3 > /proc/sys/vm/drop_caches; echo 3 > /proc/sys/vm/drop_caches");
}

static int act(int what, const char *path, const struct handle *h)
{
	const int mount_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	static int links;
	char link_path[320];
	int fd;

	(void)snprintf(link_path, sizeof(link_path), "%s/elsewhere-%d", root, links++);
	if (what == ACT_LINK)
		must(mkdir(link_path, 0755) == 0, link_path);
	(void)strcat(link_path, "/x"); /* each in a directory that nobody marked yet */
	if (what == ACT_LINK)
		must(link(path, link_path) == 0, link_path);
	if (what == ACT_HANDLE) /* as a server of NFS opens a file it has not met */
		fd = open_by_handle_at(mount_fd, (struct file_handle *)(uintptr_t)h, O_WRONLY | O_CLOEXEC);
	else
		fd = open(what == ACT_LINK ? link_path : path, O_WRONLY | O_CLOEXEC);
	if (what == ACT_LINK)
		must(unlink(link_path) == 0, link_path);
	(void)close(mount_fd);
	must(fd >= 0, path);
	return fd;
}

static bool act_and_look(int what, const char *path, const struct handle *h)
{
	int fd = -1;
	bool saw;

	shared->saw_modify = 0;
	shared->watched_key = key_of(h);
	if (what == ACT_TRUNCATE) {
		must(truncate(path, 100) == 0, path);
	} else {
		fd = act(what, path, h);
		must(pwrite(fd, "new", 3, 0) == 3, path);
	}
	sleep_us(100000);
	saw = shared->saw_modify != 0;
	if (fd >= 0)
		(void)close(fd);
	return saw;
}

static void sees(const char *fs, const struct variant *v)
{
	static struct handle handles[2][ACTS][TRIES];
	static char paths[2][ACTS][TRIES][300];
	int mount_id;

	sh("rm -rf %s/base/victims", root);
	make_tree("base/victims", 200 * ACTS, VICTIM_BYTES, VICTIM_BYTES);
	for (int n = 0; n < 2 * ACTS * TRIES; n++) {
		const int cold = n % 2;
		const int what = n / 2 % ACTS;
		const int i = n / 2 / ACTS;
		char *path = paths[cold][what][i];

		(void)snprintf(path, 300, "%s/base/victims/%03d/%05d.txt", root, what, what * 200 + cold * 100 + i);
		handles[cold][what][i].bytes = HANDLE;
		must(name_to_handle_at(AT_FDCWD, path, (struct file_handle *)&handles[cold][what][i], &mount_id, 0) ==
			     0,
		     path);
	}
	for (int cold = 0; cold < 2; cold++) {
		const struct guard g = guard_start(v);

		if (cold == 1)
			drop_caches();
		for (int what = ACTS - 1; what >= 0; what--) {
			int saw = 0;

			for (int i = 0; i < TRIES; i++)
				saw += act_and_look(what, paths[cold][what][i], &handles[cold][what][i]);
			(void)printf("%-5s sees %-4s %-19s %s: %d of 5\n", fs, v->name, act_names[what],
				     cold ? "evicted" : "hot", saw);
		}
		guard_end(g);
	}
}

static long marks_left(int group)
{
	char line[512];
	long marks = 0;
	FILE *f;

	(void)snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", group);
	f = fopen(line, "r");
	must(f != NULL, line);
	while (fgets(line, sizeof(line), f) != NULL)
		marks += strncmp(line, "fanotify ino:", 13) == 0;
	(void)fclose(f);
	return marks;
}

static void slab_line(const char *when)
{
	sh("awk -v w='%s' '/^Slab:|^SUnreclaim:|^SReclaimable:/{printf \"# %%s %%s %%d kB\\n\", w, $1, $2}' "
	   "/proc/meminfo",
	   when);
}

static void evict(const char *fs, int files)
{
	const unsigned how[] = { FAN_MARK_ADD | FAN_MARK_EVICTABLE, FAN_MARK_ADD };

	make_tree("base/many", files, 512, 512);
	for (int pinned = 0; pinned < 2; pinned++) {
		char path[300];
		uint64_t began;
		int group;

		drop_caches();
		sh("find %s/base/many -type f -printf '%%i %%s %%m\\n' >/dev/null", root); /* inodes in, no pages */
		slab_line("inodes cached");
		group = fanotify_init(FAN_CLASS_NOTIF | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS | FAN_REPORT_FID,
				      O_RDONLY);
		began = now_ns();
		for (int i = 0; i < files; i++) {
			(void)snprintf(path, sizeof(path), "%s/base/many/%03d/%05d.txt", root, i / 200, i);
			must(fanotify_mark(group, how[pinned], FAN_MODIFY, AT_FDCWD, path) == 0, path);
		}
		(void)printf("%-5s %s marks: %.2f us each by path; listed %ld\n", fs, pinned ? "pinning" : "evictable",
			     (double)(now_ns() - began) / 1e3 / files, marks_left(group));
		(void)fflush(stdout);
		slab_line("marked");
		drop_caches();
		(void)printf("%-5s %s marks after drop_caches: %ld of %d\n", fs, pinned ? "pinning" : "evictable",
			     marks_left(group), files);
		(void)fflush(stdout);
		slab_line("dropped");
		(void)close(group);
	}
}

/* ---- window ---- */

static void write_new_files(long pace_us)
{
	static uint8_t text[BLOCK];
	char path[300];

	fill_text(text, sizeof(text));
	for (int i = 0; i < NEW_FILES; i++) {
		(void)snprintf(path, sizeof(path), "%s/new/%03d", root, i / 200);
		if (i % 200 == 0)
			(void)mkdir(path, 0755);
		(void)snprintf((char *)text, 20, "index %-8d\n", i);
		(void)snprintf(path, sizeof(path), "%s/new/%03d/%05d.txt", root, i / 200, i);
		write_file(path, text, sizeof(text));
		shared->closed_ns[i] = now_ns();
		if (pace_us > 0 && i >= 1000)
			break;
		if (pace_us > 0)
			sleep_us(pace_us);
	}
	_exit(0);
}

static void window(const char *fs, const struct variant *v, long pace_us)
{
	static double late[NEW_FILES];
	const struct guard g = guard_start(v);
	char path[300];
	uint64_t began;
	double wall;
	int n = 0;
	pid_t pid;

	(void)snprintf(path, sizeof(path), "%s/new", root);
	(void)mkdir(path, 0755);
	began = now_ns();
	pid = fork();
	if (pid == 0)
		write_new_files(pace_us);
	(void)waitpid(pid, NULL, 0);
	wall = (double)(now_ns() - began) / 1e9;
	(void)guard_catches_up(g);
	for (int i = 0; i < NEW_FILES; i++)
		if (shared->closed_ns[i] != 0 && shared->shadowed_ns[i] != 0)
			late[n++] = ((double)shared->shadowed_ns[i] - (double)shared->closed_ns[i]) / 1e6;
	qsort(late, (size_t)n, sizeof(*late), by_size);
	(void)printf("%-5s window %-6s %s: %d files in %.2f s; ms p50 %.2f p99 %.2f max %.2f; worker %.2f cpu-s\n", fs,
		     v->name, pace_us > 0 ? "200/s" : "full speed", n, wall, late[n / 2], late[n * 99 / 100],
		     late[n - 1], thread_cpu_s(g, shared->worker_tid));
	(void)fflush(stdout);
	guard_end(g);
	sh("rm -rf %s/new && find %s/store -type f -delete", root, root);
}

/* ---- stop ---- */

static void attack(bool keeps)
{
	static uint8_t bytes[VICTIM_BYTES];
	char path[300];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (shared->go == 0)
		sched_yield();
	for (;;) {
		const int i = shared->next++;
		int fd;

		if (i >= VICTIMS)
			_exit(0);
		(void)snprintf(path, sizeof(path), "%s/base/victims/%03d/%05d.txt", root, i / 200, i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0 || pread(fd, bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
			_exit(1);
		for (size_t k = 0; k < sizeof(bytes); k += 8) { /* stands for a cipher: random, and fast */
			const uint64_t r = random_next();

			memcpy(bytes + k, &r, 8);
		}
		if (pwrite(fd, bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
			_exit(1);
		if (!keeps)
			(void)close(fd);
		if (i == 1 && shared->decisive_ns == 0)
			shared->decisive_ns = now_ns();
	}
}

static void busy_copy(void)
{
	static uint8_t text[BLOCK];
	char path[300];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	fill_text(text, sizeof(text));
	for (int i = 0; shared->busy_stop == 0 && i < 100000; i++) {
		(void)snprintf(path, sizeof(path), "%s/new/%06d", root, i);
		write_file(path, text, sizeof(text));
	}
	_exit(0);
}

static int attack_once(const struct variant *v, int processes, bool keeps, bool busy, double *ms)
{
	const struct rlimit files = { 65536, 65536 };
	const struct guard g = guard_start(v);
	pid_t first = 0;
	pid_t copier = 0;

	(void)setrlimit(RLIMIT_NOFILE, &files);
	if (busy && (copier = fork()) == 0)
		busy_copy();
	for (int i = 0; i < processes; i++) {
		const pid_t pid = fork();

		if (pid == 0) {
			random_state += (uint64_t)getpid() * 7919;
			attack(keeps);
		}
		first = first == 0 ? pid : first;
		must(setpgid(pid, first) == 0, "setpgid");
	}
	shared->actor = first;
	sleep_us(busy ? 150000 : 20000);
	shared->go = 1;
	for (int i = 0; i < processes; i++)
		(void)waitpid(-first, NULL, 0);
	*ms = shared->decisive_ns != 0 ? ((double)now_ns() - (double)shared->decisive_ns) / 1e6
				       : 0; /* 0: killed before */
	shared->busy_stop = 1;
	if (copier > 0)
		(void)waitpid(copier, NULL, 0);
	guard_end(g);
	return shared->next < VICTIMS ? shared->next : VICTIMS;
}

static void restore_victims(int touched)
{
	static uint8_t text[VICTIM_BYTES];
	char path[300];

	for (int i = 0; i < touched; i++) {
		(void)snprintf(path, sizeof(path), "%s/base/victims/%03d/%05d.txt", root, i / 200, i);
		fill_text(text, sizeof(text));
		write_file(path, text, sizeof(text));
	}
	sh("find %s/store %s/new -type f -delete", root, root);
}

static void stop(const char *fs, int runs, const struct variant *v)
{
	static const int processes[] = { 1, 18 };

	for (int busy = 0; busy < 2; busy++)
		for (int keeps = 0; keeps < 2; keeps++)
			for (int p = 0; p < 2; p++) {
				double touched[RUNS_MAX], ms[RUNS_MAX];
				double middle, middle_ms;

				for (int run = 0; run < runs; run++) {
					touched[run] = attack_once(v, processes[p], keeps != 0, busy != 0, &ms[run]);
					restore_victims((int)touched[run]);
				}
				middle = median(touched, runs);
				middle_ms = median(ms, runs);
				(void)printf("%-5s stop %-7s %2d attackers, %s%s: touched median %.0f (%.0f-%.0f)", fs,
					     v->name, processes[p], keeps ? "kept open" : "closed",
					     busy ? ", during a bulk copy" : "", middle, touched[0], touched[runs - 1]);
				(void)printf("; 2nd file to all ended, ms %.2f (max %.2f)\n", middle_ms, ms[runs - 1]);
				(void)fflush(stdout);
			}
}

/* ---- the file system, and main ---- */

static struct variant variant_parse(const char *text)
{
	struct variant v = { .name = text, .where = text[0], .none = strcmp(text, "none") == 0, .batch_us = 2000 };

	for (const char *c = text + 1; !v.none && *c != '\0'; c++) {
		v.quiet |= *c == 'e';
		v.shadow |= *c == 's';
		v.at_once |= *c == 'i';
		v.normal |= *c == 'n';
		v.process |= *c == 'j' || *c == 'x';
		v.futex |= *c == 'x';
		v.wake |= *c == 'g';
		v.plain |= *c == 'p';
		if (*c >= '0' && *c <= '9') {
			v.batch_us = strtol(c, NULL, 10);
			break; /* digits come last */
		}
	}
	return v;
}

static void mount_new(const char *dir, const char *fs)
{
	(void)snprintf(root, sizeof(root), "%s/mnt-%s", dir, fs);
	reflinks = strcmp(fs, "ext4") != 0;
	sh("umount -q %s 2>/dev/null; mkdir -p %s && rm -f %s/%s.img && truncate -s 6G %s/%s.img", root, root, dir, fs,
	   dir, fs);
	sh("mkfs.%s -q %s %s/%s.img", fs, strcmp(fs, "xfs") == 0 ? "-m reflink=1" : "", dir, fs);
	sh("l=$(losetup --direct-io=on -f --show %s/%s.img) && mount $l %s && losetup -d $l", dir, fs,
	   root); /* freed at umount */
	sh("mkdir %s/base %s/store %s/new", root, root, root);
}

static void unmount(const char *dir, const char *fs)
{
	sh("umount %s && rmdir %s && rm -f %s/%s.img %s/tree.tar", root, root, dir, fs, dir);
}

int main(int argc, char **argv)
{
	static struct variant variants[VARIANTS_MAX];
	const int count = argc > 5 ? argc - 5 : 0;
	int runs;

	if (argc < 5 || geteuid() != 0 || count > VARIANTS_MAX || (runs = atoi(argv[4])) < 1) {
		(void)fprintf(
			stderr,
			"usage (root): guard_marks DIR ext4|xfs|btrfs cost|sees|evict|window|stop N VARIANT...\n");
		return 2;
	}
	for (int i = 0; i < count; i++)
		variants[i] = variant_parse(argv[5 + i]);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(shared != MAP_FAILED, "mmap");
	mount_new(argv[1], argv[2]);
	if (strcmp(argv[3], "stop") == 0)
		make_tree("base/victims", VICTIMS, VICTIM_BYTES, VICTIM_BYTES);
	if (strcmp(argv[3], "cost") == 0)
		cost(argv[1], argv[2], runs < RUNS_MAX ? runs : RUNS_MAX, variants, count);
	if (strcmp(argv[3], "evict") == 0)
		evict(argv[2], runs);
	for (int i = 0; i < count; i++) {
		if (strcmp(argv[3], "sees") == 0)
			sees(argv[2], &variants[i]);
		for (int run = 0; strcmp(argv[3], "window") == 0 && run < runs; run++) {
			window(argv[2], &variants[i], 0);
			window(argv[2], &variants[i], 5000);
		}
		if (strcmp(argv[3], "stop") == 0)
			stop(argv[2], runs < RUNS_MAX ? runs : RUNS_MAX, &variants[i]);
	}
	unmount(argv[1], argv[2]);
	return 0;
}
