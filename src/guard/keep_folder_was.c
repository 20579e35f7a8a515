/*
 * What folders are besides their entries (times, owner, mode, attributes) is noted again when an entry came or went, a
 * moment later: so what stood before an attack is known, and a restore can put it back.
 */
#include "guard/keep_parts.h"
#include "sys/clock.h"

#define QUIET_NS UINT64_C(200000000)
#define MOST_NS UINT64_C(2000000000) /* since the first change that was not noted */
#define LOOK_NS UINT64_C(100000000)

static struct bw_keep_stale *stale_of(struct bw_keep *keep, const struct bw_file_key *key)
{
	const uint64_t hash = (key->ino + key->tree * 31 + key->volume * 7 + key->gen) * UINT64_C(0x9e3779b97f4a7c15);

	return &keep->stale[hash >> 40 & (BW_KEEP_STALE - 1)];
}

/* What went meanwhile is noted as gone by its own event; a folder that is not protected is nobody's. */
static enum bw_err note(struct bw_keep *keep, struct bw_keep_stale *stale)
{
	const struct bw_file_key key = stale->key;
	enum bw_err err;

	stale->since_ns = 0;
	keep->stale_count--;
	err = bw_keep_folder_look(keep, &key);
	switch (err) {
	case BW_ERR_NOT_FOUND:
	case BW_ERR_DENIED:
	case BW_ERR_TOO_BIG:
	case BW_ERR_RANGE:
	case BW_ERR_UNSUPPORTED:
	case BW_ERR_TYPE:
		return BW_OK;
	default:
		return err;
	}
}

static enum bw_err changed(struct bw_keep *keep, const struct bw_file_key *key, uint64_t time_ns)
{
	struct bw_keep_stale *stale = stale_of(keep, key);

	if (key->ino == 0)
		return BW_OK;
	if (stale->since_ns != 0 && !bw_file_key_equals(&stale->key, key))
		BW_TRY(note(keep, stale)); /* two that share a place */
	if (stale->since_ns == 0) {
		*stale = (struct bw_keep_stale){ .key = *key, .since_ns = time_ns };
		keep->stale_count++;
	}
	stale->last_ns = time_ns;
	return BW_OK;
}

enum bw_err bw_keep_folder_event(struct bw_keep *keep, const struct bw_event *event)
{
	switch ((enum bw_act)event->act) {
	case BW_ACT_CLOSED:
		return event->was_known != 0 ? BW_OK : changed(keep, &event->folder, event->time_ns);
	case BW_ACT_ATTRIBUTES:
		if (!bw_file_key_equals(&event->folder, &event->file))
			return BW_OK;
		return changed(keep, &event->folder, event->time_ns);
	case BW_ACT_REMOVED:
	case BW_ACT_FOLDER_REMOVED:
		return changed(keep, &event->folder, event->time_ns);
	case BW_ACT_MOVED:
	case BW_ACT_FOLDER:
		BW_TRY(changed(keep, &event->folder, event->time_ns));
		return changed(keep, &event->folder_to, event->time_ns);
	default:
		return BW_OK;
	}
}

enum bw_err bw_keep_folders_due(struct bw_keep *keep, uint64_t now_ns, bool all)
{
	if (!all && now_ns < keep->stale_look_ns)
		return BW_OK;
	keep->stale_look_ns = now_ns + LOOK_NS;
	for (size_t i = 0; i < BW_KEEP_STALE; i++) {
		struct bw_keep_stale *stale = &keep->stale[i];

		if (stale->since_ns != 0 &&
		    (all || now_ns > stale->last_ns + QUIET_NS || now_ns > stale->since_ns + MOST_NS))
			BW_TRY(note(keep, stale));
	}
	return BW_OK;
}

enum bw_err bw_keep_folders_thin(struct bw_keep *keep, uint32_t volume)
{
	const int64_t now_us = bw_clock_now_us();
	const int64_t days = keep->guard->settings.days;

	const int64_t oldest_us = now_us - days * 24 * 3600 * 1000000;
	struct bw_shelf *shelf = bw_shadow_shelf(bw_copier_shadow(keep->copier, volume));

	bw_keep_soil(keep, volume);
	BW_TRY(bw_shelf_folder_thin(shelf, now_us, oldest_us));
	return bw_shelf_names_thin(shelf, now_us, oldest_us);
}
