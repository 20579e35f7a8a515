/*
 * The guard of the experiment: reader, worker and judge. guard_marks.c says what and how.
 */
#define _GNU_SOURCE
#include "guard_marks.h"

struct job {
	struct handle handle, parent;
	struct entry *entry;
	uint64_t due_ns;
};

static const struct variant *now_on; /* the variant this guard runs */
static struct job *jobs;
static _Atomic uint32_t jobs_head, jobs_tail;
static struct {
	struct handle handle;
	uint64_t at_ns;
} lifted[LIFTED];
static _Atomic uint32_t lifted_head, lifted_tail;
static int group_fs = -1, group_modify = -1, mount_fd = -1, worker_wake = -1, judge_wake = -1, verdict_wake = -1;
/* ---- features and the index ---- */

static uint32_t chi_square(const uint8_t *bytes, size_t n)
{
	uint32_t count[256] = { 0 };
	uint64_t squares = 0;

	if (n < 1024)
		return UINT32_MAX; /* too short to say */
	for (size_t i = 0; i < n; i++)
		count[bytes[i]]++;
	for (size_t i = 0; i < 256; i++)
		squares += (uint64_t)count[i] * count[i];
	return (uint32_t)(squares * 256 / n - n);
}

static uint32_t take_sample(int fd, uint8_t *out)
{
	struct stat st;
	ssize_t n = 0;

	if (fstat(fd, &st) != 0)
		return 0;
	if (st.st_size <= SAMPLE) {
		n = pread(fd, out, SAMPLE, 0);
		return n < 0 ? 0 : (uint32_t)n;
	}
	for (int i = 0; i < 3; i++)
		n += pread(fd, out + i * BLOCK, BLOCK, (st.st_size - BLOCK) * i / 2);
	return (uint32_t)n;
}

uint64_t key_of(const struct handle *h)
{
	uint64_t key = 0xcbf29ce484222325u;

	for (uint32_t i = 0; i < h->bytes; i++)
		key = (key ^ h->data[i]) * 0x100000001b3u;
	key ^= key >> 29;
	return key | 1;
}

static struct entry *entry_at(uint64_t key)
{
	size_t at = (key * 0x9e3779b97f4a7c15u) >> 44;

	while (shared->table[at].key != key && shared->table[at].key != 0)
		at = (at + 1) % TABLE;
	shared->table[at].key = key;
	return &shared->table[at];
}

static int open_handle(const struct handle *h)
{
	return open_by_handle_at(mount_fd, (struct file_handle *)(uintptr_t)h, O_RDONLY | O_CLOEXEC | O_NOATIME);
}

/* ---- the verdict: two distinct structured files turned random by one actor ---- */

static bool judge(const struct slot *slot)
{
	static uint8_t seen[TABLE / 8];
	static int scores[4096];
	const uint32_t e = slot->entry;

	if (slot->old < STRUCTURED || slot->old == UINT32_MAX || (seen[e / 8] >> e % 8 & 1) != 0 ||
	    chi_square(slot->sample, slot->bytes) >= STRUCTURED)
		return false;
	seen[e / 8] |= (uint8_t)(1 << e % 8);
	return ++scores[slot->actor % 4096] >= 2;
}

static long futex(_Atomic uint32_t *word, int op, uint32_t value)
{
	return syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

static void realtime(int priority)
{
	const struct sched_param p = { .sched_priority = priority };

	must(sched_setscheduler(0, SCHED_FIFO, &p) == 0, "SCHED_FIFO");
}

static void judge_main(void) /* no privilege: it sees samples, and answers with an actor */
{
	uint64_t n;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	realtime(9);
	must(setresuid(65534, 65534, 65534) == 0, "setresuid");
	for (;;) {
		const uint32_t at = shared->tail;

		if (at == shared->head) {
			if (!now_on->futex) {
				if (read(judge_wake, &n, sizeof(n)) < 0)
					_exit(0);
				continue;
			}
			shared->asleep = 1;
			if (at == shared->head)
				(void)futex(&shared->asleep, FUTEX_WAIT, 1);
			shared->asleep = 0;
			continue;
		}
		if (judge(&shared->slots[at % SLOTS])) {
			shared->verdict = (uint32_t)shared->slots[at % SLOTS].actor;
			n = 1;
			if (write(verdict_wake, &n, sizeof(n)) < 0)
				_exit(0);
		}
		shared->tail = at + 1;
	}
}

static void stop_actor(int actor)
{
	if (actor <= 1 || actor != shared->actor) /* only ever the bench's own attackers */
		return;
	(void)kill(-actor, SIGKILL);
	if (shared->killed_ns == 0)
		shared->killed_ns = now_ns();
}

static void hand_to_judge(const struct handle *h, struct entry *e, int pid)
{
	static struct slot own;
	const bool other = now_on->process;
	struct slot *slot = other ? &shared->slots[shared->head % SLOTS] : &own;
	const uint64_t one = 1;
	const int fd = other && shared->head - shared->tail >= SLOTS ? -1 : open_handle(h);

	if (fd < 0)
		return;
	slot->entry = (uint32_t)(e - shared->table);
	slot->old = e->feature;
	slot->actor = getpgid(pid);
	slot->bytes = take_sample(fd, slot->sample);
	(void)close(fd);
	if (!other) {
		if (judge(slot))
			stop_actor(slot->actor);
		return;
	}
	shared->head++;
	if (now_on->futex) {
		if (shared->asleep != 0) {
			shared->asleep = 0;
			(void)futex(&shared->asleep, FUTEX_WAKE, 1);
		}
	} else if (write(judge_wake, &one, sizeof(one)) < 0) {
		die("eventfd");
	}
}

/* ---- the worker: shadows, features, marks ---- */

static uint8_t *pack_buffer;
static size_t pack_used;
static int pack_fd = -1, store_fd = -1;
static int pack_new[NEW_FILES];
static size_t pack_new_count;

static void pack_flush(void)
{
	uint64_t t;

	if (pack_used > 0)
		must(write(pack_fd, pack_buffer, pack_used) == (ssize_t)pack_used, "pack");
	pack_used = 0;
	t = now_ns();
	for (size_t i = 0; i < pack_new_count; i++)
		shared->shadowed_ns[pack_new[i]] = t;
	pack_new_count = 0;
}

static void clone_or_copy(int fd, off_t size)
{
	static long count;
	char name[32];
	int out;

	if (!reflinks && size > 1024 * 1024)
		return; /* ext4: ahead of time or not at all; not part of this experiment */
	(void)snprintf(name, sizeof(name), "%03ld-%ld", count % 256, count);
	count++;
	out = openat(store_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(out >= 0, "store");
	if (!reflinks || ioctl(out, FICLONE, fd) != 0)
		while (copy_file_range(fd, NULL, out, NULL, (size_t)size, 0) > 0)
			continue;
	(void)close(out);
}

static void shadow(const struct handle *h, int fd, struct entry *e)
{
	static uint8_t sample[SAMPLE];
	struct stat st;
	size_t head = sizeof(*h);
	int index;

	if (fstat(fd, &st) != 0)
		return;
	if (now_on->shadow && st.st_size <= PACKED) {
		uint8_t *body;

		if (pack_used + head + (size_t)st.st_size > 1024 * 1024)
			pack_flush();
		body = pack_buffer + pack_used + head;
		memcpy(pack_buffer + pack_used, h, head);
		if (pread(fd, body, (size_t)st.st_size, 0) != st.st_size)
			return; /* it changed: its next close brings it back */
		pack_used += head + (size_t)st.st_size;
		if (st.st_size > 16 && sscanf((char *)body, "index %d", &index) == 1 && index < NEW_FILES)
			pack_new[pack_new_count++] = index;
	} else if (now_on->shadow) {
		clone_or_copy(fd, st.st_size);
	}
	e->feature = chi_square(sample, take_sample(fd, sample));
}

static void mark_directory(const struct handle *h)
{
	struct entry *e = entry_at(key_of(h));
	int fd;

	if (e->known)
		return;
	e->known = 1;
	e->modifies = 0;
	fd = open_handle(h);
	if (fd < 0)
		return;
	if (fanotify_mark(group_modify, FAN_MARK_ADD, FAN_MODIFY | FAN_EVENT_ON_CHILD, fd, NULL) == 0)
		shared->marks++;
	(void)close(fd);
}

/* Reader: a directory where strangers are being written stops reporting MODIFY; the worker marks it again. */
static void lift_directory(const struct handle *h)
{
	struct entry *e = entry_at(key_of(h));
	int fd;

	if (!e->known || ++e->modifies < STRANGERS || lifted_head - lifted_tail >= LIFTED)
		return;
	fd = open_handle(h);
	if (fd < 0)
		return;
	(void)fanotify_mark(group_modify, FAN_MARK_REMOVE, FAN_MODIFY | FAN_EVENT_ON_CHILD, fd, NULL);
	(void)close(fd);
	lifted[lifted_head % LIFTED].handle = *h;
	lifted[lifted_head % LIFTED].at_ns = now_ns();
	lifted_head++;
}

static void mark_lifted_again(void)
{
	while (lifted_tail != lifted_head && now_ns() - lifted[lifted_tail % LIFTED].at_ns > 1000000000u) {
		const struct handle *h = &lifted[lifted_tail % LIFTED].handle;

		entry_at(key_of(h))->known = 0;
		mark_directory(h);
		lifted_tail++;
	}
}

static void shadow_one(const struct job *job)
{
	struct entry *e = job->entry;
	int fd;

	e->queued = 0;
	fd = open_handle(&job->handle);
	if (fd < 0)
		return; /* deleted since */
	shadow(&job->handle, fd, e);
	if (now_on->where == 'd' && (!e->known || e->quiet)) {
		if (fanotify_mark(group_modify, FAN_MARK_ADD | FAN_MARK_EVICTABLE, FAN_MODIFY, fd, NULL) == 0)
			shared->marks++;
		e->quiet = 0;
		e->modifies = 0;
	}
	if (now_on->where == 'f' && job->parent.bytes > 0)
		mark_directory(&job->parent);
	e->known = 1;
	(void)close(fd);
}

static void *worker_main(void *unused)
{
	const struct sched_param zero = { 0 };
	uint64_t n;

	(void)unused;
	must(sched_setscheduler(0, now_on->normal ? SCHED_OTHER : SCHED_IDLE, &zero) == 0, "SCHED_IDLE");
	if (!now_on->normal)
		(void)syscall(SYS_ioprio_set, 1, 0, 3 << 13); /* idle class */
	shared->worker_tid = gettid();
	for (;;) {
		const uint32_t at = jobs_tail;
		const struct job *job = &jobs[at % JOBS];
		struct pollfd wake = { worker_wake, POLLIN, 0 };

		mark_lifted_again();
		if (at == jobs_head) {
			pack_flush();
			shared->done = at;
			if (poll(&wake, 1, lifted_tail != lifted_head ? 200 : -1) == 0)
				continue;
			if (read(worker_wake, &n, sizeof(n)) < 0)
				return NULL;
			continue;
		}
		if (job->due_ns > now_ns()) {
			pack_flush();
			shared->done = at;
			sleep_us((long)((job->due_ns - now_ns()) / 1000 + 1000) % 200000);
			continue;
		}
		shadow_one(job);
		jobs_tail = at + 1;
	}
}

static void queue(const struct handle *h, const struct handle *parent, struct entry *e)
{
	const bool marks = now_on->where == 'd' || now_on->where == 'f';
	const uint64_t one = 1;
	struct job *job = &jobs[jobs_head % JOBS];

	if (e->queued || (!now_on->shadow && !marks && e->known))
		return;
	if (!now_on->shadow && !marks) {
		e->known = 1; /* nothing to do for it in this variant */
		e->feature = 0;
		return;
	}
	e->queued = 1;
	job->handle = *h;
	job->parent = *parent;
	job->entry = e;
	job->due_ns = now_on->at_once && !e->known ? 0 : now_ns() + 100000000u;
	shared->queued++;
	if (jobs_head++ == jobs_tail && write(worker_wake, &one, sizeof(one)) < 0)
		die("eventfd");
}

/* ---- the reader ---- */

static void silence(const struct handle *h, const struct handle *parent, struct entry *e, bool on)
{
	const int fd = open_handle(h);
	unsigned how = (on ? FAN_MARK_ADD : FAN_MARK_REMOVE) | FAN_MARK_IGNORE_SURV | FAN_MARK_EVICTABLE;

	if (fd < 0)
		return;
	if (now_on->where == 'd')
		how = FAN_MARK_REMOVE;
	else if (!on)
		how = FAN_MARK_REMOVE | FAN_MARK_IGNORE;
	if (fanotify_mark(now_on->where == 'b' ? group_fs : group_modify, how, FAN_MODIFY, fd, NULL) == 0)
		e->quiet = on;
	(void)close(fd);
	if (on && now_on->where == 'd')
		queue(h, parent, e); /* which puts the mark back */
}

static void on_event(const struct fanotify_event_metadata *event)
{
	const char *at = (const char *)event + event->metadata_len;
	const char *end = (const char *)event + event->event_len;
	struct handle file = { 0 };
	struct handle parent = { 0 };
	struct entry *e;

	while (at < end) {
		const struct fanotify_event_info_fid *info = (const void *)at;
		const struct file_handle *h = (const void *)info->handle;
		struct handle *out = info->hdr.info_type == FAN_EVENT_INFO_TYPE_FID ? &file : &parent;

		out->bytes = h->handle_bytes < HANDLE ? h->handle_bytes : HANDLE;
		out->type = h->handle_type;
		memcpy(out->data, h->f_handle, out->bytes);
		at += info->hdr.len;
	}
	shared->events++;
	if (file.bytes == 0)
		return;
	if ((event->mask & FAN_ONDIR) != 0)
		return;
	e = entry_at(key_of(&file));
	if ((event->mask & FAN_MODIFY) != 0) {
		shared->modifies++;
		if (e->key == shared->watched_key)
			shared->saw_modify = 1;
		if (now_on->where == 'f' && !e->known && parent.bytes > 0)
			lift_directory(&parent);
		if (e->modifies < 2 && ++e->modifies == 1 && e->known)
			hand_to_judge(&file, e, event->pid);
		if (e->modifies == 2 && now_on->quiet && !e->quiet && (event->mask & FAN_CLOSE_WRITE) == 0)
			silence(&file, &parent, e, true);
	}
	if ((event->mask & FAN_CLOSE_WRITE) == 0)
		return;
	if (e->known)
		hand_to_judge(&file, e, event->pid);
	if (e->quiet && now_on->where != 'd')
		silence(&file, &parent, e, false);
	e->modifies = 0;
	queue(&file, &parent, e);
}

static long drain(int group)
{
	static char buffer[256 * 1024] __attribute__((aligned(8)));
	long events = 0;
	ssize_t n;

	while (group >= 0 && (n = read(group, buffer, sizeof(buffer))) > 0) {
		struct fanotify_event_metadata *event = (void *)buffer;

		while (FAN_EVENT_OK(event, n)) {
			on_event(event);
			events++;
			event = FAN_EVENT_NEXT(event, n);
		}
	}
	return events;
}

/* The first event wakes at once; so do the next 16 after a quiet time; then 2 ms pass between two drains. */
static void reader_main(int stop)
{
	struct pollfd fds[] = {
		{ stop, POLLIN, 0 }, { verdict_wake, POLLIN, 0 }, { group_modify, POLLIN, 0 }, { group_fs, POLLIN, 0 }
	};
	const struct timespec batch = { 0, now_on->batch_us * 1000 };
	uint64_t last_event = 0;
	int wakes = now_on->plain ? FREE_WAKES : 0;
	uint64_t n;

	realtime(10);
	shared->reader_tid = gettid();
	for (;;) {
		(void)poll(fds, 4, -1);
		shared->wakes++;
		if (!now_on->plain && now_ns() - last_event > 50000000u)
			wakes = 0;
		while (drain(group_modify) + drain(group_fs) > 0) {
			if (shared->verdict != 0)
				stop_actor((int)shared->verdict);
			last_event = now_ns();
			if (wakes < FREE_WAKES) {
				wakes++;
				break;
			}
			/* only a verdict, the end, or (g) a known file's MODIFY may cut the sleep short */
			(void)ppoll(fds, now_on->wake ? 3 : 2, &batch, NULL);
			shared->wakes++;
		}
		if ((fds[1].revents & POLLIN) != 0 && read(verdict_wake, &n, sizeof(n)) > 0)
			stop_actor((int)shared->verdict);
		if ((fds[0].revents & POLLIN) != 0)
			return;
	}
}

static int enroll_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	static uint8_t sample[SAMPLE];
	struct handle h = { .bytes = HANDLE };
	struct entry *e;
	int mount_id;
	int fd;

	(void)st;
	if (kind == FTW_D && strcmp(path + at->base, "store") == 0)
		return FTW_SKIP_SUBTREE;
	if (kind != FTW_F && (kind != FTW_D || now_on->where != 'f'))
		return FTW_CONTINUE;
	must(name_to_handle_at(AT_FDCWD, path, (struct file_handle *)&h, &mount_id, 0) == 0, path);
	if (kind == FTW_D) {
		mark_directory(&h);
		return FTW_CONTINUE;
	}
	e = entry_at(key_of(&h));
	fd = open(path, O_RDONLY | O_NOATIME | O_CLOEXEC);
	must(fd >= 0, path);
	e->feature = chi_square(sample, take_sample(fd, sample));
	e->known = 1;
	if (now_on->where == 'd') {
		must(fanotify_mark(group_modify, FAN_MARK_ADD | FAN_MARK_EVICTABLE, FAN_MODIFY, fd, NULL) == 0, "mark");
		shared->marks++;
	}
	(void)close(fd);
	return FTW_CONTINUE;
}

static void open_groups(void)
{
	const unsigned common = FAN_CLASS_NOTIF | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS | FAN_NONBLOCK |
				FAN_CLOEXEC;
	const uint64_t all = FAN_MODIFY | FAN_CLOSE_WRITE | FAN_DELETE | FAN_RENAME | FAN_EVENT_ON_CHILD | FAN_ONDIR;
	const uint64_t kinds = FAN_CLOSE_WRITE | FAN_DELETE | FAN_RENAME | (now_on->where == 'b' ? FAN_MODIFY : 0);
	char store[300];

	(void)snprintf(store, sizeof(store), "%s/store", root);
	group_fs = fanotify_init(common | FAN_REPORT_DFID_NAME_TARGET, O_RDONLY);
	must(group_fs >= 0, "fanotify_init");
	must(fanotify_mark(group_fs, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, kinds, AT_FDCWD, root) == 0, "mark");
	must(fanotify_mark(group_fs, FAN_MARK_ADD | FAN_MARK_IGNORE_SURV, all, AT_FDCWD, store) == 0, "ignore");
	if (strchr("cdf", now_on->where) == NULL)
		return;
	group_modify = fanotify_init(common | FAN_REPORT_FID | (now_on->where == 'f' ? FAN_REPORT_DIR_FID : 0),
				     O_RDONLY);
	must(group_modify >= 0, "fanotify_init");
	if (now_on->where != 'c')
		return;
	must(fanotify_mark(group_modify, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_MODIFY, AT_FDCWD, root) == 0, "mark");
	must(fanotify_mark(group_modify, FAN_MARK_ADD | FAN_MARK_IGNORE_SURV, FAN_MODIFY | FAN_EVENT_ON_CHILD, AT_FDCWD,
			   store) == 0,
	     "ignore");
}

static void guard_main(int stop)
{
	const struct rlimit files = { 65536, 65536 };
	char path[300];
	pthread_t worker;
	pid_t judge_pid = 0;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)setrlimit(RLIMIT_NOFILE, &files);
	worker_wake = eventfd(0, EFD_CLOEXEC);
	judge_wake = eventfd(0, EFD_CLOEXEC);
	verdict_wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (now_on->process && (judge_pid = fork()) == 0)
		judge_main();
	shared->judge_pid = judge_pid;
	mount_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "%s/store", root);
	store_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pack_fd = openat(store_fd, "pack", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	jobs = mmap(NULL, JOBS * sizeof(*jobs), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pack_buffer = malloc(1024 * 1024 + PACKED);
	must(mount_fd >= 0 && pack_fd >= 0 && jobs != MAP_FAILED && pack_buffer != NULL, "guard");
	open_groups();
	(void)snprintf(path, sizeof(path), "%s/base", root);
	must(mlockall(MCL_CURRENT | MCL_FUTURE) == 0, "mlockall"); /* the reader never waits for a page */
	must(nftw(path, enroll_one, 64, FTW_PHYS | FTW_ACTIONRETVAL) == 0, "enrol");
	must(pthread_create(&worker, NULL, worker_main, NULL) == 0, "thread");
	while (shared->worker_tid == 0)
		sleep_us(1000);
	shared->ready = 1;
	reader_main(stop);
	if (judge_pid > 0)
		(void)kill(judge_pid, SIGKILL);
	_exit(0);
}

struct guard guard_start(const struct variant *v)
{
	struct guard g = { 0 };

	if (v->none)
		return g;
	memset(shared->table, 0, sizeof(shared->table));
	memset(shared, 0, offsetof(struct shared, slots));
	now_on = v;
	g.stop = eventfd(0, EFD_CLOEXEC);
	(void)fflush(stdout);
	g.pid = fork();
	if (g.pid == 0)
		guard_main(g.stop);
	while (shared->ready == 0 || shared->reader_tid == 0)
		must(waitpid(g.pid, NULL, WNOHANG) == 0, "the guard ended"), sleep_us(1000);
	sleep_us(60000);
	return g;
}

void guard_end(struct guard g)
{
	const uint64_t one = 1;

	if (g.pid == 0)
		return;
	must(write(g.stop, &one, sizeof(one)) == sizeof(one), "stop");
	(void)waitpid(g.pid, NULL, 0);
	(void)close(g.stop);
}

/* Seconds until all that was queued is done. */
double guard_catches_up(struct guard g)
{
	const uint64_t began = now_ns();
	uint64_t last = began;

	if (g.pid == 0)
		return 0;
	for (int quiet = 0; quiet < 10; sleep_us(2000)) {
		if (shared->done == shared->queued) {
			quiet++;
		} else {
			quiet = 0;
			last = now_ns();
		}
		must(now_ns() - began < 60000000000u, "never caught up");
	}
	return (double)(last - began) / 1e9;
}

double thread_cpu_s(struct guard g, int tid)
{
	char path[64];
	unsigned long long ns = 0;
	FILE *f;

	if (g.pid == 0)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", (int)g.pid, tid);
	f = fopen(path, "r");
	if (f == NULL || fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	if (f != NULL)
		(void)fclose(f);
	return (double)ns / 1e9;
}
