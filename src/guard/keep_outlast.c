/*
 * No block left: a commit, a sync or a pack found no room on a file system that somebody filled to the last byte. That
 * ends nothing and loses nothing. What changed waits in memory (bw_shelf_hold) and is tried again until there is room;
 * meanwhile everything else goes on, and history goes for room as it does on any full file system (keep_room.c).
 */
#include "base/log.h"
#include "guard/keep_parts.h"

enum {
	TRY_MS = 100,
	TRY_TIMES = 10, /* as long as a try took: it does all again that waits */
	SAY_MS = 60 * 1000,
};

#define MS UINT64_C(1000000)

bool bw_keep_may_try(const struct bw_keep *keep, uint32_t volume)
{
	const struct bw_keep_room *room = &keep->rooms[volume];

	return !room->is_held || bw_keep_now() >= room->try_ns;
}

static void say_held(struct bw_keep *keep, uint32_t volume, uint64_t now)
{
	struct bw_keep_room *room = &keep->rooms[volume];

	if (room->said_held || (room->said_held_ns != 0 && now - room->said_held_ns < SAY_MS * MS))
		return;
	room->said_held = true;
	room->said_held_ns = now;
	bw_log(BW_ERROR, "the file system has no block left: what changed is noted in memory until there is room",
	       BW_TEXT("mount", keep->guard->volumes[volume].mount));
}

/* Counted: a keep before this one may have ended with another number. */
static void show_held(struct bw_keep *keep)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < keep->guard->volume_count; i++)
		count += keep->rooms[i].is_held ? 1 : 0;
	keep->board->unwritten = count;
}

static void end_hold(struct bw_keep *keep, uint32_t volume)
{
	struct bw_keep_room *room = &keep->rooms[volume];

	room->is_held = false;
	show_held(keep);
	if (room->said_held)
		bw_log(BW_NOTICE, "what waited for room is written down",
		       BW_TEXT("mount", keep->guard->volumes[volume].mount));
	room->said_held = false;
}

enum bw_err bw_keep_outlast(struct bw_keep *keep, uint32_t volume, uint64_t began_ns, enum bw_err err)
{
	struct bw_keep_room *room = &keep->rooms[volume];
	const uint64_t now = bw_keep_now();
	const uint64_t rest = TRY_TIMES * (now - began_ns);

	if (err == BW_OK && (room->is_held || keep->board->unwritten > 0))
		end_hold(keep, volume);
	if (err != BW_ERR_DISK_FULL)
		return err;
	bw_keep_soil(keep, volume);
	room->is_held = true;
	show_held(keep);
	/* what others say of their room is true, and history goes by that; Btrfs may be full all the same */
	room->full = room->full || strcmp(keep->guard->volumes[volume].type, "btrfs") == 0;
	room->try_ns = now + (rest > TRY_MS * MS ? rest : TRY_MS * MS);
	say_held(keep, volume, now);
	return BW_OK;
}
