#include "guard/watch_sample.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "guard/sample.h"

enum {
	HOT_PLACES = 8 * 1024,
	HOT_TOLD = 2,
	SPENDERS = 4096,
	SPEND_AT_ONCE = 32,
	OWED_FOR_ONE = 16,
	OWED_MOST = 64 * 1024,
	REFILL_NS = 1000 * 1000 * 1000 / 64,
};

#define SILENT_NS UINT64_C(1000000000)
#define GRUDGE_NS UINT64_C(10000000000)

bool bw_watch_sample(const struct bw_volume *volume, const struct bw_handle *handle, uint64_t salt,
		     struct bw_event *event, uint8_t *space)
{
	struct bw_sample sample;
	struct bw_plan plan;
	struct stat status;
	bool read;
	int fd;

	if (bw_volume_open(volume, handle, O_NONBLOCK, &fd) != BW_OK)
		return false;
	read = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
	if (read) {
		bw_sample_plan(salt, &event->file, (uint64_t)status.st_size, &plan);
		read = bw_sample_read(fd, &plan, (uint64_t)status.st_size, space, &sample) == BW_OK;
	}
	(void)close(fd);
	if (!read)
		return false;
	event->size = sample.size;
	event->mtime_s = (uint32_t)status.st_mtim.tv_sec;
	event->mtime_ns = (uint32_t)status.st_mtim.tv_nsec;
	event->piece_count = (uint8_t)sample.count;
	for (size_t i = 0; i < sample.count; i++) {
		event->pieces[i].at = sample.pieces[i].at;
		event->pieces[i].len = (uint32_t)sample.pieces[i].bytes.len;
		event->sample_len += event->pieces[i].len;
	}
	return true;
}

/* ---- files that are being written --------------------------------------------------------- */

struct hot_file {
	struct bw_file_key key;
	const struct bw_volume *volume; /* NULL: nobody */
	struct bw_handle handle;
	unsigned writes;
	bool silent;
	uint64_t since_ns;
};

struct bw_hot {
	struct bw_marks *marks;
	uint8_t secret[BW_SIPHASH_KEY_BYTES];
	uint32_t used;   /* how many places */
	uint32_t silent; /* and how many of them */
	struct hot_file files[HOT_PLACES];
};

enum bw_err bw_hot_new(struct bw_marks *marks, struct bw_hot **out)
{
	struct bw_hot *hot = calloc(1, sizeof(*hot));

	BW_NEED(hot != NULL, MEMORY);
	hot->marks = marks;
	bw_random(hot->secret, sizeof(hot->secret));
	*out = hot;
	return BW_OK;
}

void bw_hot_free(struct bw_hot *hot)
{
	free(hot);
}

static struct hot_file *hot_place(struct bw_hot *hot, const struct bw_file_key *key)
{
	uint8_t bytes[BW_KEY_BYTES];

	bw_file_key_write(key, bytes);
	return &hot->files[bw_siphash(hot->secret, bw_slice_of(bytes, sizeof(bytes))) % HOT_PLACES];
}

static void be_heard(struct bw_hot *hot, struct hot_file *file)
{
	if (file->silent) {
		(void)bw_marks_silence(hot->marks, file->volume, &file->handle, false);
		hot->silent--;
	}
	hot->used -= file->volume != NULL;
	*file = (struct hot_file){ .volume = NULL };
}

bool bw_hot_written(struct bw_hot *hot, const struct bw_volume *volume, const struct bw_file_key *key,
		    const struct bw_handle *handle, uint64_t now_ns)
{
	struct hot_file *file = hot_place(hot, key);

	if (file->volume == NULL || !bw_file_key_equals(&file->key, key) ||
	    (!file->silent && now_ns - file->since_ns > SILENT_NS)) {
		be_heard(hot, file);
		*file = (struct hot_file){ .key = *key, .volume = volume, .handle = *handle, .since_ns = now_ns };
		hot->used++;
	}
	if (++file->writes < HOT_TOLD)
		return true;
	if (!file->silent && bw_marks_silence(hot->marks, volume, handle, true)) {
		file->silent = true;
		file->since_ns = now_ns;
		hot->silent++;
	}
	return file->writes == HOT_TOLD;
}

void bw_hot_closed(struct bw_hot *hot, const struct bw_file_key *key)
{
	struct hot_file *file;

	if (hot->used == 0) /* as while new files come by the thousand */
		return;
	file = hot_place(hot, key);
	if (file->volume != NULL && bw_file_key_equals(&file->key, key))
		be_heard(hot, file);
}

void bw_hot_tick(struct bw_hot *hot, uint64_t now_ns)
{
	for (size_t i = 0; i < HOT_PLACES && hot->silent > 0; i++) {
		if (hot->files[i].silent && now_ns - hot->files[i].since_ns >= SILENT_NS)
			be_heard(hot, &hot->files[i]);
	}
}

/* ---- who may have new files sampled --------------------------------------------------------- */

struct spender {
	uint64_t destroyed_ns;
	uint64_t refilled_ns;
	uint32_t spent;
	uint32_t owed; /* samples, for what was destroyed since destroyed_ns at most GRUDGE_NS apart */
};

struct bw_spending {
	struct spender spenders[SPENDERS]; /* by the number, whoever shares it: a guess about cost, not about guilt */
};

enum bw_err bw_spending_new(struct bw_spending **out)
{
	struct bw_spending *made = calloc(1, sizeof(*made));

	BW_NEED(made != NULL, MEMORY);
	*out = made;
	return BW_OK;
}

void bw_spending_free(struct bw_spending *spending)
{
	free(spending);
}

static bool has_destroyed(const struct spender *spender, uint64_t now_ns)
{
	return spender->destroyed_ns != 0 && now_ns - spender->destroyed_ns < GRUDGE_NS;
}

static void note_destroyed(struct spender *spender, uint64_t now_ns)
{
	if (!has_destroyed(spender, now_ns))
		spender->owed = 0;
	spender->destroyed_ns = now_ns;
	spender->owed = spender->owed + OWED_FOR_ONE < OWED_MOST ? spender->owed + OWED_FOR_ONE : OWED_MOST;
}

void bw_spending_destroyed(struct bw_spending *spending, uint32_t pid, uint32_t session, uint64_t now_ns)
{
	note_destroyed(&spending->spenders[pid % SPENDERS], now_ns);
	note_destroyed(&spending->spenders[session % SPENDERS], now_ns);
}

static bool is_owed(struct spender *spender, uint64_t now_ns)
{
	if (spender->owed == 0 || !has_destroyed(spender, now_ns))
		return false;
	spender->owed--;
	return true;
}

bool bw_spending_may(struct bw_spending *spending, uint32_t pid, uint32_t session, uint64_t now_ns)
{
	struct spender *spender = &spending->spenders[session % SPENDERS];
	const uint64_t refill = (now_ns - spender->refilled_ns) / REFILL_NS;

	if (is_owed(&spending->spenders[pid % SPENDERS], now_ns) || is_owed(spender, now_ns))
		return true;
	if (refill > 0) {
		spender->spent = refill >= spender->spent ? 0 : spender->spent - (uint32_t)refill;
		spender->refilled_ns = now_ns;
	}
	if (spender->spent >= SPEND_AT_ONCE)
		return false;
	spender->spent++;
	return true;
}
