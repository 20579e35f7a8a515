#include "guard/copier.h"

#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "guard/sample.h"
#include "sys/clock.h"

enum {
	ASKED_MAX = 4096,       /* a power of two; more samples than the ring holds of the smallest */
	CLOCK_GRAIN_US = 20000, /* a file's times are cut to the kernel's tick: at most 10 ms, and as much again */
	WAIT_US = 500,
	ROOM_TRIES = 400, /* of WAIT_US: after that the sampler is not there, and features come with a later walk */
	WAKE_EVERY = 32,  /* samples: a wake costs as much as the features of one */
};

/* What the sampler was asked, in the order of asking, which is also the order of its answers. */
struct asked {
	uint64_t version;
	struct bw_file_key key;
};

struct bw_copier {
	struct bw_copier_plan plan;
	struct bw_shadow *shadows[BW_VOLUMES_MAX];
	struct asked asked[ASKED_MAX];
	uint32_t first; /* both count on for ever */
	uint32_t last;
	uint32_t unsaid; /* of what was asked: the sampler was not woken for them */
	uint8_t pass[BW_VOLUMES_MAX];
	struct bw_copier_bait *baits; /* by key */
	size_t bait_count;
	uint8_t space[BW_CONTENT_WHOLE_MAX];
};

enum bw_err bw_copier_new(const struct bw_copier_plan *plan, struct bw_copier **out)
{
	struct bw_copier *copier = calloc(1, sizeof(*copier));

	BW_NEED(copier != NULL, MEMORY);
	copier->plan = *plan;
	*out = copier;
	return BW_OK;
}

void bw_copier_free(struct bw_copier *copier)
{
	if (copier == NULL)
		return;
	for (size_t i = 0; i < BW_VOLUMES_MAX; i++)
		bw_shadow_close(copier->shadows[i]);
	free(copier->baits);
	free(copier);
}

struct bw_index *bw_copier_index(struct bw_copier *copier)
{
	return copier->plan.index;
}

struct bw_shadow *bw_copier_shadow(struct bw_copier *copier, uint32_t volume)
{
	return volume < BW_VOLUMES_MAX ? copier->shadows[volume] : NULL;
}

uint8_t bw_copier_pass(const struct bw_copier *copier, uint32_t volume)
{
	return copier->pass[volume];
}

void bw_copier_next_pass(struct bw_copier *copier, uint32_t volume)
{
	copier->pass[volume] ^= BW_INDEX_PASS;
}

/* ---- bait ------------------------------------------------------------------------------------- */

static int compare_baits(const void *a, const void *b)
{
	const struct bw_copier_bait *one = a;
	const struct bw_copier_bait *other = b;

	return bw_file_key_compare(&one->key, &other->key);
}

/* Those of equal inode, tree and generation on two volumes stand side by side. */
static bool is_bait(const struct bw_copier *copier, const struct bw_file_key *key, uint64_t size, int64_t mtime_us)
{
	const struct bw_copier_bait wanted = { .key = *key };
	const struct bw_copier_bait *end = copier->baits + copier->bait_count;
	const struct bw_copier_bait *bait = NULL;

	if (copier->bait_count > 0)
		bait = bsearch(&wanted, copier->baits, copier->bait_count, sizeof(*bait), compare_baits);
	while (bait != NULL && bait > copier->baits && compare_baits(bait - 1, &wanted) == 0)
		bait--;
	for (; bait != NULL && bait < end && compare_baits(bait, &wanted) == 0; bait++) {
		if (bait->key.volume == key->volume)
			return bait->size == size && bait->mtime_us == mtime_us;
	}
	return false;
}

/* What the index has of it, after the list changed. */
static enum bw_err mark(struct bw_copier *copier, const struct bw_file_key *key)
{
	struct bw_index_file file;
	uint8_t flags;

	if (bw_index_by_key(copier->plan.index, key, &file) != BW_OK)
		return BW_OK;
	flags = (uint8_t)(file.flags & ~BW_INDEX_CANARY);
	if (is_bait(copier, key, bw_content_size(&file.content),
		    (int64_t)file.mtime_s * 1000000 + file.mtime_ns / 1000))
		flags |= BW_INDEX_CANARY;
	if (flags == file.flags)
		return BW_OK;
	file.flags = flags;
	return bw_index_put(copier->plan.index, &file);
}

enum bw_err bw_copier_baits(struct bw_copier *copier, const struct bw_copier_bait *baits, size_t count)
{
	struct bw_copier_bait *before = copier->baits;
	const size_t count_before = copier->bait_count;
	struct bw_copier_bait *now = calloc(count + 1, sizeof(*now));
	enum bw_err err = BW_OK;

	BW_NEED(now != NULL, MEMORY);
	if (count > 0)
		memcpy(now, baits, count * sizeof(*now));
	qsort(now, count, sizeof(*now), compare_baits);
	copier->baits = now;
	copier->bait_count = count;
	for (size_t i = 0; i < count_before && err == BW_OK; i++)
		err = mark(copier, &before[i].key);
	for (size_t i = 0; i < count && err == BW_OK; i++)
		err = mark(copier, &now[i].key);
	free(before);
	return err;
}

/* ---- filling the index from a catalogue ------------------------------------------------------ */

struct filling {
	struct bw_copier *copier;
	struct bw_shelf *shelf;
	uint32_t volume;
	uint32_t folder; /* whose key is `folder_key`: neighbours mostly share one */
	struct bw_file_key folder_key;
	struct bw_arena arena;
};

static enum bw_err find_folder(struct filling *filling, uint32_t folder)
{
	struct bw_shelf_folder row;

	if (folder == filling->folder)
		return BW_OK;
	bw_arena_reset(&filling->arena);
	BW_TRY(bw_shelf_folder_get(filling->shelf, folder, &filling->arena, &row));
	BW_TRY(bw_file_key_of_handle(row.handle_type, row.handle, filling->volume, &filling->folder_key));
	filling->folder = folder;
	return BW_OK;
}

static void describe(struct bw_index_file *file, const struct bw_shelf_version *version)
{
	if (version->content.len >= sizeof(file->content)) {
		memcpy(&file->content, version->content.ptr, sizeof(file->content));
		return;
	}
	file->content.size_low = (uint32_t)version->size;
	file->content.size_high = (uint16_t)(version->size >> 32);
	file->flags |= BW_INDEX_IN_DOUBT;
}

static enum bw_err put_version(void *context, const struct bw_shelf_version *version)
{
	struct filling *filling = context;
	struct bw_index *index = filling->copier->plan.index;
	struct bw_index_file file = { .key = { .ino = version->key.ino,
					       .tree = version->key.tree,
					       .gen = version->key.gen,
					       .volume = filling->volume },
				      .version = version->number,
				      .mtime_s = (uint32_t)(version->mtime_us / 1000000),
				      .mtime_ns = (uint32_t)(version->mtime_us % 1000000) * 1000 };

	BW_TRY(find_folder(filling, version->folder));
	describe(&file, version);
	if (version->incident != 0)
		file.flags |= BW_INDEX_INCIDENT;
	file.place = bw_index_place(index, &filling->folder_key, version->name);
	return bw_index_put(index, &file);
}

enum bw_err bw_copier_open(struct bw_copier *copier, const struct bw_volume *volume, struct bw_why *why)
{
	struct filling filling = { .copier = copier,
				   .volume = volume->number,
				   .arena = BW_ARENA_INIT(4 * (size_t)BW_SHELF_META_BYTES_MAX) };
	struct bw_shadow *shadow;
	enum bw_err err;

	BW_NEED(volume->number < BW_VOLUMES_MAX && copier->shadows[volume->number] == NULL, RANGE);
	BW_TRY(bw_shadow_open(volume, false, &shadow, why));
	filling.shelf = bw_shadow_shelf(shadow);
	err = bw_shelf_each(filling.shelf, put_version, &filling);
	bw_arena_release(&filling.arena);
	if (err != BW_OK) {
		bw_shadow_close(shadow);
		return bw_why_set(why, err, "cannot read the catalogue of '%s': %s", volume->mount, bw_err_text(err));
	}
	copier->shadows[volume->number] = shadow;
	return BW_OK;
}

/* ---- features --------------------------------------------------------------------------------- */

static enum bw_err take_answer(struct bw_copier *copier, const struct bw_sample_answer *answer)
{
	uint8_t kept[BW_SHELF_CONTENT_BYTES] = { 0 };
	struct bw_shadow *shadow = bw_copier_shadow(copier, answer->volume);
	const struct asked *asked;
	struct bw_index_file file;
	enum bw_err err;

	/* one that a sampler took with it when it died is passed over */
	while (copier->first != copier->last && copier->asked[copier->first % ASKED_MAX].version != answer->version)
		copier->first++;
	if (copier->first == copier->last || shadow == NULL)
		return BW_OK;
	asked = &copier->asked[copier->first++ % ASKED_MAX];
	memcpy(kept, &answer->content, sizeof(answer->content));
	err = answer->version == 0
		      ? BW_OK
		      : bw_shelf_features(bw_shadow_shelf(shadow), answer->version, bw_slice_of(kept, sizeof(kept)));
	if (err != BW_OK && err != BW_ERR_NOT_FOUND) /* thinned meanwhile */
		return err;
	if (bw_index_by_key(copier->plan.index, &asked->key, &file) != BW_OK || file.version != answer->version)
		return BW_OK;
	file.content = answer->content;
	file.flags &= (uint8_t)~BW_INDEX_IN_DOUBT;
	return bw_index_put(copier->plan.index, &file);
}

static enum bw_err take_answers(struct bw_copier *copier)
{
	struct bw_ring_record record;

	while (bw_ring_next(copier->plan.features, &record) == BW_OK) {
		struct bw_sample_answer answer;
		const bool fits = record.bytes.len == sizeof(answer);

		if (fits)
			memcpy(&answer, record.bytes.ptr, sizeof(answer));
		bw_ring_done(copier->plan.features);
		if (fits)
			BW_TRY(take_answer(copier, &answer));
	}
	return BW_OK;
}

static void wake_sampler(struct bw_copier *copier)
{
	if (copier->unsaid > 0)
		bw_ring_wake(copier->plan.samples);
	copier->unsaid = 0;
}

enum bw_err bw_copier_answers(struct bw_copier *copier)
{
	wake_sampler(copier);
	return take_answers(copier);
}

static void wait_a_little(void)
{
	const struct timespec pause = { 0, WAIT_US * 1000L };

	(void)nanosleep(&pause, NULL);
}

/* Room for a sample, waiting for the sampler when it is behind; NULL when it is not there. */
static enum bw_err find_room(struct bw_copier *copier, size_t bytes, void **out)
{
	*out = NULL;
	for (unsigned tries = 0; tries < ROOM_TRIES; tries++) {
		BW_TRY(take_answers(copier));
		if (copier->last - copier->first < ASKED_MAX)
			*out = bw_ring_room(copier->plan.samples, bytes);
		if (*out != NULL)
			return BW_OK;
		wake_sampler(copier);
		wait_a_little();
	}
	copier->first = copier->last;
	return BW_OK;
}

static enum bw_err ask(struct bw_copier *copier, const struct bw_sample *sample, const struct bw_file_key *key,
		       uint64_t version)
{
	const size_t bytes = bw_sample_bytes(sample);
	void *room;

	BW_TRY(find_room(copier, bytes, &room));
	if (room == NULL) {
		bw_log(BW_WARNING, "the sampler does not answer; features come later", { 0 });
		return BW_OK;
	}
	bw_sample_write(room, key->volume, version, sample);
	bw_ring_put_quietly(copier->plan.samples, BW_RECORD_EVENT, bytes);
	copier->asked[copier->last++ % ASKED_MAX] = (struct asked){ version, *key };
	if (++copier->unsaid >= WAKE_EVERY)
		wake_sampler(copier);
	return BW_OK;
}

static enum bw_err ask_for_file(struct bw_copier *copier, int fd, uint64_t size, const struct bw_file_key *key,
				uint64_t version)
{
	struct bw_sample sample;
	struct bw_plan plan;

	bw_sample_plan(copier->plan.settings->salt, key, size, &plan);
	BW_TRY(bw_sample_read(fd, &plan, size, copier->space, &sample));
	return ask(copier, &sample, key, version);
}

enum bw_err bw_copier_sample(struct bw_copier *copier, int fd, uint64_t size, const struct bw_index_file *known)
{
	return ask_for_file(copier, fd, size, &known->key, known->version);
}

enum bw_err bw_copier_settle(struct bw_copier *copier, int most_ms)
{
	const int64_t until = bw_clock_mono_us() + (int64_t)most_ms * 1000;

	BW_TRY(bw_copier_answers(copier));
	while (copier->first != copier->last && bw_clock_mono_us() < until) {
		wait_a_little();
		BW_TRY(bw_copier_answers(copier));
	}
	return BW_OK;
}

/* ---- what is as it was --------------------------------------------------------------------------- */

static bool same_time(const struct bw_index_file *known, const struct stat *status)
{
	return known->mtime_s == (uint32_t)status->st_mtim.tv_sec &&
	       known->mtime_ns == (uint32_t)(status->st_mtim.tv_nsec / 1000 * 1000);
}

/* Anybody can set a file's mtime back, nobody its ctime. */
static bool taken_since(struct bw_copier *copier, const struct bw_index_file *known, const struct stat *status,
			int64_t walked_us)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(2 * (size_t)BW_SHELF_META_BYTES_MAX);
	const int64_t changed_us = bw_clock_of(&status->st_ctim);
	struct bw_shadow *shadow = bw_copier_shadow(copier, known->key.volume);
	struct bw_shelf_version version;

	if (changed_us + CLOCK_GRAIN_US < walked_us)
		return true;
	return shadow != NULL && bw_shelf_get(bw_shadow_shelf(shadow), known->version, &arena, &version) == BW_OK &&
	       /* else keep was killed before it was committed, and the number is another file's by now */
	       version.key.ino == known->key.ino && version.key.gen == known->key.gen &&
	       version.key.tree == known->key.tree &&
	       version.taken_us <= bw_clock_now_us() && /* else the clock was set back, and says nothing */
	       changed_us + CLOCK_GRAIN_US < version.taken_us;
}

bool bw_copier_keeps(struct bw_copier *copier, const struct bw_index_file *known, const struct stat *status,
		     int64_t walked_us)
{
	if (!same_time(known, status))
		return false;
	if ((known->flags & BW_INDEX_IN_DOUBT) == 0 && S_ISREG(status->st_mode) &&
	    bw_content_size(&known->content) != (uint64_t)status->st_size)
		return false;
	if (known->version == 0)
		return (known->flags & (BW_INDEX_NO_SHADOW | BW_INDEX_INCIDENT)) != 0;
	return taken_since(copier, known, status, walked_us);
}

/* ---- taking -------------------------------------------------------------------------------------- */

static void begin_entry(const struct bw_copier *copier, const struct bw_copy *copy, const struct stat *status,
			struct bw_index_file *out)
{
	const uint8_t stay = BW_INDEX_HOT | BW_INDEX_INCIDENT;
	const uint64_t size = (uint64_t)status->st_size;
	struct bw_index_file known;

	*out = (struct bw_index_file){ .key = copy->key,
				       .content = { .size_low = (uint32_t)size, .size_high = (uint16_t)(size >> 32) },
				       .place = bw_index_place(copier->plan.index, &copy->folder_key, copy->name),
				       .mtime_s = (uint32_t)status->st_mtim.tv_sec,
				       .mtime_ns = (uint32_t)status->st_mtim.tv_nsec / 1000 * 1000,
				       .flags = copier->pass[copy->key.volume] };
	if (is_bait(copier, &copy->key, size,
		    (int64_t)status->st_mtim.tv_sec * 1000000 + status->st_mtim.tv_nsec / 1000))
		out->flags |= BW_INDEX_CANARY;
	if (bw_index_by_key(copier->plan.index, &copy->key, &known) != BW_OK)
		return;
	out->flags |= known.flags & stay;
	out->content = known.content; /* until the new features are here: the judge is never without any */
}

/* Of a link there is nothing to sample, of a small file the bytes are at hand. */
static enum bw_err ask_for_taken(struct bw_copier *copier, const struct bw_copy *copy, const struct bw_taken *taken)
{
	struct bw_sample sample;
	struct bw_plan plan;

	if (!S_ISREG(taken->status.st_mode))
		return BW_OK;
	if (!taken->in_pack)
		return ask_for_file(copier, copy->fd, (uint64_t)taken->status.st_size, &copy->key, taken->version);
	bw_sample_plan(copier->plan.settings->salt, &copy->key, taken->content.len, &plan);
	bw_sample_of(taken->content, &plan, &sample);
	return ask(copier, &sample, &copy->key, taken->version);
}

static enum bw_err note_taken(struct bw_copier *copier, const struct bw_copy *copy, const struct bw_taken *taken)
{
	struct bw_index_file file;
	enum bw_err err;

	begin_entry(copier, copy, &taken->status, &file);
	if (!taken->fuzzy)
		file.version = taken->version;
	if (S_ISREG(taken->status.st_mode))
		file.flags |= BW_INDEX_IN_DOUBT;
	BW_TRY(bw_index_put(copier->plan.index, &file));
	err = taken->fuzzy ? BW_OK : ask_for_taken(copier, copy, taken);
	return err == BW_ERR_IO ? BW_OK : err; /* it was cut to nothing since: its next close brings it again */
}

/* Nothing is kept of it, but what it looked like is known, so that its destruction is seen. */
static enum bw_err note_too_big(struct bw_copier *copier, const struct bw_copy *copy)
{
	struct bw_index_file file;
	struct stat status;

	if (fstat(copy->fd, &status) != 0)
		return BW_OK;
	begin_entry(copier, copy, &status, &file);
	file.flags |= BW_INDEX_NO_SHADOW | BW_INDEX_IN_DOUBT;
	BW_TRY(bw_index_put(copier->plan.index, &file));
	return ask_for_file(copier, copy->fd, (uint64_t)status.st_size, &copy->key, 0);
}

/* A file that came with an incident is known from then on, as one without a good version. */
static enum bw_err note_doubtful(struct bw_copier *copier, const struct bw_copy *copy, const struct bw_taken *taken)
{
	struct bw_index_file file;

	if (bw_index_by_key(copier->plan.index, &copy->key, &file) == BW_OK)
		return BW_OK;
	begin_entry(copier, copy, &taken->status, &file);
	file.flags |= BW_INDEX_INCIDENT;
	return bw_index_put(copier->plan.index, &file);
}

static enum bw_shelf_state state_of(const struct bw_copier *copier, const struct bw_copy *copy)
{
	struct bw_index_file known;

	if (copy->state == BW_SHELF_GOOD && !copy->restored &&
	    bw_index_by_key(copier->plan.index, &copy->key, &known) == BW_OK && (known.flags & BW_INDEX_INCIDENT) != 0)
		return BW_SHELF_DOUBTFUL;
	return copy->state;
}

static enum bw_err take_with_room(struct bw_copier *copier, const struct bw_take *take, struct bw_taken *out)
{
	struct bw_shadow *shadow = bw_copier_shadow(copier, take->key.volume);
	const enum bw_err err = bw_shadow_take(shadow, take, out);
	struct bw_shadow_wish wish;

	if (err != BW_ERR_DISK_FULL || copier->plan.make_way == NULL)
		return err;
	BW_TRY(bw_shadow_wish(shadow, take, &wish));
	BW_TRY(copier->plan.make_way(copier->plan.context, take->key.volume, &wish));
	return bw_shadow_take(shadow, take, out);
}

enum bw_err bw_copier_take(struct bw_copier *copier, const struct bw_copy *copy, struct bw_taken *out)
{
	struct bw_shadow *shadow = bw_copier_shadow(copier, copy->key.volume);
	struct bw_take take = { .fd = copy->fd,
				.key = copy->key,
				.folder = copy->folder,
				.name = copy->name,
				.incident = copy->incident,
				.state = state_of(copier, copy),
				.maker = copy->maker };
	enum bw_err err;

	BW_NEED(shadow != NULL, NOT_FOUND);
	if (bw_shadow_volume(shadow)->strategy == BW_STRATEGY_COPY)
		take.largest = copier->plan.settings->largest_bytes;
	err = take_with_room(copier, &take, out);
	if (err == BW_ERR_TOO_BIG) {
		BW_TRY(note_too_big(copier, copy));
		return err;
	}
	BW_TRY(err);
	return take.state == BW_SHELF_DOUBTFUL ? note_doubtful(copier, copy, out) : note_taken(copier, copy, out);
}
