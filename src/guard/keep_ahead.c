/*
 * The disk works on what is due next while one file is kept. Each file by itself is waited for: a small one that is not
 * in memory to be read (after a copy by reflinks none is), a large one that was just written to be written out, before
 * it can be reflinked. So the next ones are opened and what they need is begun; whoever keeps them finds it done.
 * Nothing here counts: a file that cannot be opened, or is another by now, is looked at again by who keeps it.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/keep_parts.h"
#include "guard/sample.h"

/* Of what is read of a large file: its features' windows. */
static void ask_for_windows(struct bw_keep *keep, const struct bw_file_key *key, int fd, uint64_t size)
{
	struct bw_plan plan;

	bw_sample_plan(keep->guard->settings.salt, key, size, &plan);
	for (size_t i = 0; i < plan.count; i++)
		(void)posix_fadvise(fd, (off_t)plan.windows[i].at, (off_t)plan.windows[i].len, POSIX_FADV_WILLNEED);
}

static void begin(struct bw_keep *keep, const struct bw_file_key *key, int fd, const struct stat *status)
{
	if (status->st_size <= BW_PACK_CONTENT_MAX) {
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
		return;
	}
	if (keep->guard->volumes[key->volume].strategy == BW_STRATEGY_REFLINK)
		(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	ask_for_windows(keep, key, fd, (uint64_t)status->st_size);
}

static void look_at(struct bw_keep *keep, const struct bw_file_key *key)
{
	struct bw_keep_ahead *ahead = &keep->ahead;
	struct bw_handle handle;
	struct stat status;
	int fd;

	if (key->volume >= keep->guard->volume_count ||
	    bw_volume_handle_of(&keep->guard->volumes[key->volume], key, &handle) != BW_OK ||
	    bw_volume_open(&keep->guard->volumes[key->volume], &handle, 0, &fd) != BW_OK)
		return;
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		(void)close(fd);
		return;
	}
	begin(keep, key, fd, &status);
	ahead->files[ahead->count].key = *key;
	ahead->files[ahead->count++].fd = fd;
}

static size_t find(const struct bw_keep_ahead *ahead, const struct bw_file_key *key)
{
	size_t at = 0;

	while (at < ahead->count && !bw_file_key_equals(&ahead->files[at].key, key))
		at++;
	return at;
}

static int give_up(struct bw_keep_ahead *ahead, size_t at)
{
	const int fd = ahead->files[at].fd;

	ahead->files[at] = ahead->files[--ahead->count];
	return fd;
}

/* What nobody waits for any more. */
static void drop_strays(struct bw_keep *keep)
{
	struct bw_keep_ahead *ahead = &keep->ahead;

	for (size_t at = ahead->count; at-- > 0;) {
		if (!bw_queue_has(keep->queue, &ahead->files[at].key))
			(void)close(give_up(ahead, at));
	}
}

void bw_keep_look_ahead(struct bw_keep *keep, uint64_t now)
{
	struct bw_keep_ahead *ahead = &keep->ahead;
	struct bw_file_key next[BW_KEEP_AHEAD];
	size_t count;

	if (ahead->count > BW_KEEP_AHEAD / 2)
		return;
	drop_strays(keep);
	count = bw_queue_first(keep->queue, now, next, BW_KEEP_AHEAD);
	if (count <= BW_KEEP_AHEAD / 8) /* nothing to be won */
		return;
	for (size_t i = 0; i < count && ahead->count < BW_KEEP_AHEAD; i++) {
		if (find(ahead, &next[i]) == ahead->count)
			look_at(keep, &next[i]);
	}
}

bool bw_keep_ahead_take(struct bw_keep *keep, const struct bw_file_key *key, int *out_fd)
{
	const size_t at = find(&keep->ahead, key);

	if (at == keep->ahead.count)
		return false;
	*out_fd = give_up(&keep->ahead, at);
	return true;
}

void bw_keep_ahead_end(struct bw_keep *keep)
{
	while (keep->ahead.count > 0)
		(void)close(give_up(&keep->ahead, 0));
}
