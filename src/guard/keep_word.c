#include <stdlib.h>

#include "base/log.h"
#include "guard/good_version.h"
#include "guard/keep_parts.h"

uint64_t bw_keep_incident_of(const struct bw_keep *keep, const struct bw_file_key *file)
{
	for (size_t i = keep->pin_count; i-- > 0;) {
		if (bw_file_key_equals(&keep->pins[i].file, file))
			return keep->pins[i].incident;
	}
	return 0;
}

bool bw_keep_restores(const struct bw_keep *keep, uint32_t pid)
{
	for (size_t i = 0; i < BW_KEEP_RESTORES && pid != 0; i++) {
		if (keep->restores[i] == pid)
			return true;
	}
	return false;
}

/* ---- pins ------------------------------------------------------------------------------------ */

static enum bw_err remember(struct bw_keep *keep, const struct bw_pin *pin)
{
	if (bw_keep_incident_of(keep, &pin->file) == pin->incident)
		return BW_OK;
	if (keep->pin_count == keep->pin_room) {
		const size_t room = keep->pin_room == 0 ? 256 : 2 * keep->pin_room;
		struct bw_keep_pin *pins = realloc(keep->pins, room * sizeof(*pins));

		BW_NEED(pins != NULL, MEMORY);
		keep->pins = pins;
		keep->pin_room = room;
	}
	keep->pins[keep->pin_count++] = (struct bw_keep_pin){ pin->file, pin->incident };
	return BW_OK;
}

static struct bw_shelf *shelf_of(struct bw_keep *keep, uint32_t volume)
{
	return bw_shadow_shelf(bw_copier_shadow(keep->copier, volume));
}

/* What was taken after the good version, before anybody knew: it is beside what is good, and not instead of it. */
static enum bw_err doubt_newer(struct bw_keep *keep, const struct bw_pin *pin, struct bw_index_file *known)
{
	const uint64_t newer = known->version;
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(2 * (size_t)BW_SHELF_META_BYTES_MAX);
	struct bw_shelf *shelf = shelf_of(keep, pin->file.volume);
	struct bw_shelf_version good;
	struct bw_shelf_version bad;
	enum bw_err err;

	for (uint64_t number = newer; number > pin->version;) {
		bw_arena_reset(&arena);
		err = bw_shelf_get(shelf, number, &arena, &bad);
		if (err == BW_ERR_NOT_FOUND)
			break;
		BW_TRY(err);
		BW_TRY(bw_shelf_describe(shelf, number, bad.content, BW_SHELF_DOUBTFUL));
		number = bad.before;
	}
	bw_arena_reset(&arena);
	if (newer <= pin->version || bw_shelf_get(shelf, pin->version, &arena, &good) != BW_OK)
		return BW_OK;
	known->version = good.number;
	known->mtime_s = (uint32_t)(good.mtime_us / 1000000);
	known->mtime_ns = (uint32_t)(good.mtime_us % 1000000) * 1000;
	if (good.content.len >= sizeof(known->content))
		memcpy(&known->content, good.content.ptr, sizeof(known->content));
	return BW_OK;
}

/*
 * Whether the version is this file's: one that was never committed before keep was killed gives its number to another
 * file's, and the judge may still name it.
 */
static bool is_of(struct bw_keep *keep, const struct bw_pin *pin)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(2 * (size_t)BW_SHELF_META_BYTES_MAX);
	struct bw_shelf_version version;

	return bw_shelf_get(shelf_of(keep, pin->file.volume), pin->version, &arena, &version) == BW_OK &&
	       version.key.ino == pin->file.ino && version.key.tree == pin->file.tree &&
	       version.key.gen == pin->file.gen;
}

/* As the judge names it, unless that one was copied when the file was destroyed already. */
static uint64_t good_of(struct bw_keep *keep, const struct bw_pin *pin)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(2 * (size_t)BW_SHELF_META_BYTES_MAX);
	struct bw_shelf_version good;

	if (pin->version == 0 ||
	    bw_good_version(shelf_of(keep, pin->file.volume), pin->version, &pin->old, &arena, &good) != BW_OK)
		return pin->version;
	return good.number;
}

static enum bw_err pin_file(struct bw_keep *keep, const struct bw_pin *said)
{
	struct bw_pin copy = *said;
	const struct bw_pin *pin = &copy;
	struct bw_index_file known;
	enum bw_err err;

	BW_NEED(pin->file.volume < keep->guard->volume_count && pin->incident != 0, PROTOCOL);
	if (pin->version != 0 && is_of(keep, pin))
		copy.version = good_of(keep, pin);
	BW_TRY(remember(keep, pin));
	bw_keep_soil(keep, pin->file.volume);
	if (pin->version != 0 && is_of(keep, pin)) {
		err = bw_shelf_pin(shelf_of(keep, pin->file.volume), pin->version, pin->incident);
		if (err != BW_OK && err != BW_ERR_NOT_FOUND)
			return err;
	}
	if (bw_index_by_key(keep->guard->index, &pin->file, &known) != BW_OK)
		return BW_OK;
	if (pin->version != 0)
		BW_TRY(doubt_newer(keep, pin, &known));
	known.flags |= BW_INDEX_INCIDENT;
	return bw_index_put(keep->guard->index, &known);
}

/* ---- the end of an incident ---------------------------------------------------------------------- */

static void clear_flag(struct bw_keep *keep, const struct bw_file_key *key)
{
	struct bw_index_file known;

	if (bw_index_by_key(keep->guard->index, key, &known) != BW_OK)
		return;
	known.flags &= (uint8_t)~BW_INDEX_INCIDENT;
	bw_err_drop(bw_index_put(keep->guard->index, &known)); /* it is there: it needs no room */
}

struct clearing {
	struct bw_keep *keep;
	uint32_t volume;
};

static enum bw_err see_pinned(void *context, const struct bw_shelf_version *version)
{
	const struct clearing *clearing = context;
	const struct bw_file_key key = {
		.ino = version->key.ino, .tree = version->key.tree, .gen = version->key.gen, .volume = clearing->volume
	};

	clear_flag(clearing->keep, &key);
	return BW_OK;
}

static enum bw_err close_incident(struct bw_keep *keep, uint64_t incident)
{
	size_t left = 0;

	for (uint32_t i = 0; i < keep->guard->volume_count; i++) {
		struct clearing clearing = { keep, i };

		BW_TRY(bw_shelf_pinned(shelf_of(keep, i), incident, see_pinned, &clearing));
		BW_TRY(bw_shelf_unpin_all(shelf_of(keep, i), incident));
		bw_keep_soil(keep, i);
	}
	for (size_t i = 0; i < keep->pin_count; i++) {
		if (keep->pins[i].incident == incident)
			clear_flag(keep, &keep->pins[i].file);
		else
			keep->pins[left++] = keep->pins[i];
	}
	keep->pin_count = left;
	for (size_t i = 0; i < BW_KEEP_DRILLS; i++)
		keep->drills[i].look_ns = bw_keep_now() + BW_KEEP_DRILL_NS; /* what it held of them may go then */
	keep->must_walk =
		true; /* what stands there now is good by a person's word: it becomes the newest good version */
	return BW_OK;
}

/* ---- restores --------------------------------------------------------------------------------------- */

static void note_restore(struct bw_keep *keep, const struct bw_restore_word *word)
{
	for (size_t i = 0; i < BW_KEEP_RESTORES; i++) {
		if (keep->restores[i] == (word->begins != 0 ? 0 : word->pid)) {
			keep->restores[i] = word->begins != 0 ? word->pid : 0;
			return;
		}
	}
	if (word->begins != 0)
		bw_log(BW_WARNING, "too many restores at a time; what this one writes is kept beside",
		       BW_NUM("pid", word->pid));
}

/* ---- all that happened until now ------------------------------------------------------------------------ */

/* Both have said it: what watch saw is served, what the judge pinned is pinned. */
static enum bw_err settle(struct bw_keep *keep)
{
	struct bw_channel *scribe = bw_seat_peer(keep->seat, "scribe", 0);
	const struct bw_settle_word word = { keep->settle_seen < keep->settle_judged ? keep->settle_seen
										     : keep->settle_judged };
	enum bw_err err;

	if (word.number <= keep->settle_told)
		return BW_OK;
	for (uint32_t i = 0; i < keep->guard->volume_count; i++) { /* a walk changes catalogues without a word */
		BW_TRY(bw_keep_commit_volume(keep, i));
		if (keep->rooms[i].is_held) /* it is not kept yet, and whoever waits asks again */
			return BW_OK;
	}
	keep->settle_told = word.number;
	err = scribe == NULL ? BW_ERR_CLOSED
			     : bw_channel_put(scribe, BW_RECORD_SETTLE, bw_slice_of(&word, sizeof(word)), -1);
	if (err == BW_OK)
		err = bw_channel_flush(scribe);
	if (err != BW_OK) /* whoever waits asks again */
		bw_log(BW_WARNING, "scribe could not be told that all is kept", BW_TEXT("why", bw_err_text(err)));
	return BW_OK;
}

static enum bw_err take_settle(struct bw_keep *keep, struct bw_slice bytes, uint64_t *out)
{
	struct bw_settle_word word;

	BW_NEED(bytes.len == sizeof(word), PROTOCOL);
	memcpy(&word, bytes.ptr, sizeof(word));
	*out = word.number > *out ? word.number : *out;
	return settle(keep);
}

enum bw_err bw_keep_settle(struct bw_keep *keep, struct bw_slice bytes)
{
	const enum bw_err err = take_settle(keep, bytes, &keep->settle_seen);

	return err == BW_ERR_PROTOCOL ? BW_OK : err; /* watch can only harm itself */
}

enum bw_err bw_keep_word(struct bw_keep *keep, const struct bw_frame *frame)
{
	struct bw_pin pin;
	struct bw_incident_word incident;
	struct bw_restore_word restore;
	struct bw_second_ask second;

	switch (frame->kind) {
	case BW_RECORD_PIN:
		BW_NEED(frame->body.len == sizeof(pin), PROTOCOL);
		memcpy(&pin, frame->body.ptr, sizeof(pin));
		return pin_file(keep, &pin);
	case BW_RECORD_INCIDENT:
		BW_NEED(frame->body.len == sizeof(incident), PROTOCOL);
		memcpy(&incident, frame->body.ptr, sizeof(incident));
		return incident.open != 0 ? BW_OK : close_incident(keep, incident.incident);
	case BW_RECORD_RESTORE:
		BW_NEED(frame->body.len == sizeof(restore), PROTOCOL);
		memcpy(&restore, frame->body.ptr, sizeof(restore));
		note_restore(keep, &restore);
		/* bait that came back is another file by now */
		return restore.begins != 0 ? BW_OK : bw_keep_baits(keep);
	case BW_RECORD_SECOND:
		BW_NEED(frame->body.len == sizeof(second), PROTOCOL);
		memcpy(&second, frame->body.ptr, sizeof(second));
		return bw_keep_second(keep, &second);
	case BW_RECORD_SETTLE:
		return take_settle(keep, frame->body, &keep->settle_judged);
	default:
		return BW_ERR_PROTOCOL;
	}
}
