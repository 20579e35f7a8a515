/* What each worker keeps of what its parent made; see guard.h. */
#include <stdlib.h>

#include "base/log.h"
#include "guard/guard.h"
#include "guard/index.h"

enum {
	HOLDS_EVENTS = 1,
	HOLDS_WORK = 2,
	HOLDS_STOPS = 4,
	HOLDS_SAMPLES = 8,
	HOLDS_FEATURES = 16,
	HOLDS_VOLUMES = 32,
	READS_INDEX = 64,
	WRITES_INDEX = 128,
	READS_BOARD = 256,
	WRITES_BOARD = 512,
	HOLDS_EARS = 1024,
};

/* The trust of the guard in one place. Whoever looks into contents or names shares as little as its work takes. */
static const struct {
	const char *name;
	unsigned holds;
} table[] = {
	{ "watch", HOLDS_EVENTS | HOLDS_WORK | HOLDS_STOPS | HOLDS_VOLUMES | HOLDS_EARS | READS_INDEX | WRITES_BOARD },
	{ "judge", HOLDS_EVENTS | HOLDS_STOPS | READS_INDEX | WRITES_BOARD },
	{ "keep", HOLDS_WORK | HOLDS_SAMPLES | HOLDS_FEATURES | HOLDS_VOLUMES | WRITES_INDEX | WRITES_BOARD },
	{ "sampler", HOLDS_SAMPLES | HOLDS_FEATURES },
	{ "scribe", READS_BOARD },
	{ "hand", 0 },
	{ "reporter", 0 },
	{ "witness", HOLDS_VOLUMES },
	{ "sealer", 0 },
	{ "caller", 0 },
	{ "reader", 0 },
};

static unsigned holds_of(const char *name)
{
	for (size_t i = 0; i < BW_COUNT(table); i++) {
		if (strcmp(table[i].name, name) == 0)
			return table[i].holds;
	}
	return 0;
}

static void drop_ring(struct bw_ring **ring, bool holds)
{
	if (holds)
		return;
	bw_ring_free(*ring);
	*ring = NULL;
}

/* A reader maps the same memory without the right to write it. */
static void settle_index(struct bw_guard *guard, unsigned holds)
{
	struct bw_index *mine = guard->index;

	if ((holds & WRITES_INDEX) != 0)
		return;
	guard->index = NULL;
	if ((holds & READS_INDEX) != 0 && bw_index_view(bw_index_fd(mine), &guard->index) != BW_OK)
		abort(); /* there is no guard without it, and the parent starts us again */
	bw_index_free(mine);
}

static void settle_board(struct bw_guard *guard, unsigned holds)
{
	const int fd = guard->board->fd;

	if ((holds & WRITES_BOARD) != 0)
		return;
	if ((holds & READS_BOARD) != 0) {
		struct bw_shared view;

		if (bw_shared_open(fd, 2 * sizeof(struct bw_guard_board) + 65536, &view) != BW_OK)
			abort(); /* as above */
		bw_shared_release(guard->board);
		*guard->board = view;
		return;
	}
	bw_shared_release(guard->board);
	guard->board = NULL;
}

size_t bw_guard_fds(const struct bw_guard *guard, int *out, size_t max)
{
	const struct bw_ring *rings[] = { guard->events, guard->work, guard->stops, guard->samples, guard->features };
	size_t count = 0;

	for (size_t i = 0; i < BW_COUNT(rings) && count < max; i++)
		out[count++] = bw_ring_fd(rings[i]);
	if (count < max)
		out[count++] = bw_index_fd(guard->index);
	if (count < max)
		out[count++] = guard->board->fd;
	if (count < max)
		out[count++] = guard->ears.names;
	if (count < max)
		out[count++] = guard->ears.changes;
	for (size_t i = 0; i < guard->volume_count && count < max; i++)
		out[count++] = guard->volumes[i].root;
	return count;
}

struct bw_guard *bw_guard_of(struct bw_seat *seat)
{
	struct bw_guard *guard = bw_seat_shared(seat);
	const unsigned holds = holds_of(bw_seat_name(seat));

	drop_ring(&guard->events, (holds & HOLDS_EVENTS) != 0);
	drop_ring(&guard->work, (holds & HOLDS_WORK) != 0);
	drop_ring(&guard->stops, (holds & HOLDS_STOPS) != 0);
	drop_ring(&guard->samples, (holds & HOLDS_SAMPLES) != 0);
	drop_ring(&guard->features, (holds & HOLDS_FEATURES) != 0);
	settle_index(guard, holds);
	settle_board(guard, holds);
	if ((holds & HOLDS_EARS) == 0)
		bw_ears_close(&guard->ears);
	if ((holds & HOLDS_VOLUMES) == 0) {
		for (size_t i = 0; i < guard->volume_count; i++)
			bw_volume_release(&guard->volumes[i]);
	}
	return guard;
}

/* ---- a volume that comes later ------------------------------------------------------------------- */

/* The same program on both sides of the channel: the structs as they stand in memory. */
struct volume_news {
	struct bw_volume volume;
	struct bw_ear ear;
};

enum bw_err bw_guard_volume_write(const struct bw_guard *guard, const struct bw_volume *volume, struct bw_buf *out)
{
	struct volume_news news;

	memset(&news, 0, sizeof(news));
	news.volume = *volume;
	news.volume.root = -1;
	news.ear = guard->ears.volumes[volume->number];
	return bw_buf_add(out, bw_slice_of(&news, sizeof(news)));
}

enum bw_err bw_guard_take_volume(struct bw_guard *guard, struct bw_slice body, int *fd)
{
	struct volume_news news;

	BW_NEED(body.len == sizeof(news) && *fd >= 0, PROTOCOL);
	memcpy(&news, body.ptr, sizeof(news));
	BW_NEED(guard->volume_count < BW_VOLUMES_MAX && news.volume.number == guard->volume_count, PROTOCOL);
	news.volume.root = *fd;
	*fd = -1;
	guard->ears.volumes[guard->volume_count] = news.ear;
	guard->volumes[guard->volume_count] = news.volume;
	guard->volume_count++;
	return BW_OK;
}
