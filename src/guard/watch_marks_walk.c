/*
 * The thread that sets marks: all folders of the trees once, then what the reader asks for. It runs at ordinary
 * priority and may wait for disks.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "guard/volumes.h"
#include "guard/walk.h"
#include "guard/watch_marks_parts.h"

enum { LIFTED_NS = 1000 * 1000 * 1000, LOOK_EVERY_MS = 100, SETTINGS_MEMORY = 8 * 1024 * 1024 };

static uint64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- the reader's side of the queue ------------------------------------------------------------- */

enum bw_err bw_marks_queue_new(struct bw_marks *marks, struct bw_why *why)
{
	marks->asks = calloc(MARKS_ASKS, sizeof(*marks->asks));
	BW_NEED(marks->asks != NULL, MEMORY);
	marks->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return marks->wake >= 0 ? BW_OK : bw_why_errno(why, errno, "make", "an event descriptor");
}

static bool queue(struct bw_marks *marks, enum marks_act act, const struct bw_volume *volume,
		  const struct bw_handle *folder)
{
	const uint32_t head = atomic_load_explicit(&marks->head, memory_order_relaxed);
	const uint64_t one = 1;

	if (head - atomic_load_explicit(&marks->tail, memory_order_acquire) >= MARKS_ASKS)
		return false;
	marks->asks[head % MARKS_ASKS] = (struct marks_ask){ act, volume, *folder, now_ns() };
	atomic_store_explicit(&marks->head, head + 1, memory_order_release);
	return write(marks->wake, &one, sizeof(one)) > 0 || errno == EAGAIN;
}

void bw_marks_reload(struct bw_marks *marks)
{
	const uint64_t one = 1;

	atomic_store(&marks->volumes, marks->guard->volume_count);
	atomic_fetch_add(&marks->reloads, 1);
	if (write(marks->wake, &one, sizeof(one)) < 0 && errno != EAGAIN)
		bw_log(BW_ERROR, "the folders of new trees are not marked: their writes are seen at the close");
}

bool bw_marks_ask(struct bw_marks *marks, const struct bw_volume *volume, const struct bw_handle *folder)
{
	return queue(marks, MARKS_FOLDER, volume, folder);
}

bool bw_marks_ask_later(struct bw_marks *marks, const struct bw_volume *volume, const struct bw_handle *folder)
{
	return queue(marks, MARKS_LIFTED, volume, folder);
}

bool bw_marks_ask_tree(struct bw_marks *marks, const struct bw_volume *volume, const struct bw_handle *folder)
{
	return queue(marks, MARKS_TREE, volume, folder);
}

void bw_marks_queue_lifted(struct bw_marks *marks, const struct bw_volume *volume, const struct bw_handle *folder)
{
	/* no room: the next known file that is closed there asks for the mark again */
	(void)bw_marks_ask_later(marks, volume, folder);
}

/* ---- the thread's side ----------------------------------------------------------------------------- */

struct walking {
	struct bw_marks *marks;
	const struct bw_volume *volume;
};

/* A walk ends early when there is no more to walk for, or another one is due. */
static bool is_wanted_elsewhere(struct bw_marks *marks)
{
	return atomic_load(&marks->stop) || atomic_load(&marks->reloads) != marks->reloaded;
}

static enum bw_err see_folder(void *context, const struct bw_walk_folder *folder)
{
	struct walking *walking = context;

	bw_err_drop(bw_marks_set(walking->marks, walking->volume, folder->fd)); /* said once; the close is seen */
	return is_wanted_elsewhere(walking->marks) ? BW_ERR_CLOSED : BW_OK;
}

static enum bw_err see_file(void *context, const struct bw_walk_folder *folder, const char *name, unsigned char type)
{
	(void)context;
	(void)folder;
	(void)name;
	(void)type;
	return BW_OK;
}

static void walk(struct bw_marks *marks, const struct bw_volume *volume, struct bw_slice path)
{
	struct walking walking = { marks, volume };
	const struct bw_walk_plan plan = { .volume = volume,
					   .settings = &marks->settings,
					   .folder = see_folder,
					   .file = see_file,
					   .context = &walking };
	struct bw_why why = { "" };
	const enum bw_err err = bw_walk(&plan, path, &why);

	if (err != BW_OK && err != BW_ERR_CLOSED && err != BW_ERR_NOT_FOUND)
		bw_log(BW_WARNING, "not all folders are marked: in the others writes are seen at the close",
		       BW_TEXT("mount", volume->mount),
		       BW_TEXT("why", why.text[0] != '\0' ? why.text : bw_err_text(err)));
}

static void walk_trees(struct bw_marks *marks)
{
	const struct bw_guard *guard = marks->guard;

	for (size_t i = 0; i < marks->settings.tree_count && !is_wanted_elsewhere(marks); i++) {
		struct bw_slice inside;
		const struct bw_volume *volume = bw_volumes_find(guard->volumes, atomic_load(&marks->volumes),
								 marks->settings.trees[i], &inside);

		if (volume != NULL)
			walk(marks, volume, inside);
	}
}

static bool path_of(const struct bw_volume *volume, int fd, char out[BW_PATH_BYTES], struct bw_slice *inside)
{
	char link[64];
	ssize_t len;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, out, BW_PATH_BYTES - 1);
	if (len <= 0)
		return false;
	out[len] = '\0';
	return bw_volume_inside(volume, out, inside);
}

static void carry_out(struct bw_marks *marks, const struct marks_ask *ask)
{
	char path[BW_PATH_BYTES];
	struct bw_slice inside;
	int fd;

	if (bw_volume_open(ask->volume, &ask->folder, O_DIRECTORY, &fd) != BW_OK)
		return;                                    /* gone */
	bw_err_drop(bw_marks_set(marks, ask->volume, fd)); /* as above */
	if (ask->act == MARKS_TREE && path_of(ask->volume, fd, path, &inside))
		walk(marks, ask->volume, inside);
	(void)close(fd);
}

/* What was lifted waits for its second, and all behind it too: a second late is soon enough for a mark. */
static int take_asks(struct bw_marks *marks)
{
	uint32_t tail = atomic_load_explicit(&marks->tail, memory_order_relaxed);

	while (tail != atomic_load_explicit(&marks->head, memory_order_acquire)) {
		const struct marks_ask ask = marks->asks[tail % MARKS_ASKS];

		if (ask.act == MARKS_LIFTED && now_ns() - ask.at_ns < LIFTED_NS)
			return LOOK_EVERY_MS;
		carry_out(marks, &ask);
		atomic_store_explicit(&marks->tail, ++tail, memory_order_release);
	}
	return -1;
}

static void read_settings(struct bw_marks *marks)
{
	struct bw_arena arena = BW_ARENA_INIT(SETTINGS_MEMORY);
	struct bw_guard_settings settings;

	marks->reloaded = atomic_load(&marks->reloads);
	if (bw_guard_settings_reload(marks->guard->data, &marks->settings, &arena, &settings, NULL) != BW_OK) {
		bw_arena_release(&arena); /* the reader says why */
		return;
	}
	bw_arena_release(&marks->arena);
	marks->arena = arena;
	marks->settings = settings;
}

static void *marks_main(void *context)
{
	struct bw_marks *marks = context;

	walk_trees(marks);
	while (!atomic_load(&marks->stop)) {
		struct pollfd wake = { marks->wake, POLLIN, 0 };
		uint64_t count;

		if (atomic_load(&marks->reloads) != marks->reloaded) {
			read_settings(marks);
			walk_trees(marks);
			continue;
		}
		(void)poll(&wake, 1, take_asks(marks));
		if (read(marks->wake, &count, sizeof(count)) < 0 && errno != EAGAIN)
			return NULL;
	}
	return NULL;
}

enum bw_err bw_marks_start(struct bw_marks *marks)
{
	marks->settings = marks->guard->settings; /* its words are the parent's, and stay as long as this process */
	marks->arena = BW_ARENA_INIT(SETTINGS_MEMORY);
	atomic_store(&marks->volumes, marks->guard->volume_count);
	BW_NEED(pthread_create(&marks->thread, NULL, marks_main, marks) == 0, SYSTEM);
	marks->runs = true;
	return BW_OK;
}

void bw_marks_stop(struct bw_marks *marks)
{
	const uint64_t one = 1;

	if (!marks->runs)
		return;
	atomic_store(&marks->stop, true);
	if (write(marks->wake, &one, sizeof(one)) > 0)
		(void)pthread_join(marks->thread, NULL);
	marks->runs = false;
}
