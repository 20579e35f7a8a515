/*
 * Room, on every volume: how much copies may take, and what goes when there is too little.
 *
 * Users' writes win over old history: while a file system is nearly full, or fills faster than the guard looks, history
 * goes until there is some free again, and copies take no more than leaves a little free. What an open incident pinned
 * wins over everything that may go. The quota, in bytes and in inodes, is never passed by more than one file.
 */
#include <stdlib.h>
#include <sys/statvfs.h>

#include "base/log.h"
#include "guard/enroll.h"
#include "guard/keep_parts.h"
#include "sys/clock.h"

enum {
	FREE_SHARE = 50,   /* of a volume the guard leaves free as long as it has history to give */
	MOST_SHARE = 10,   /* … and when it fills quickly, at most this */
	FLOOR_SHARE = 100, /* copies do not take the last of it */
	AHEAD_S = 5,       /* seconds of the present pace that are kept free */
	AGAIN_MS = 60 * 1000,
	AGAIN_MOST_MS = 3600 * 1000,
	TIDY_LIVE = 50, /* percent: a pack that holds less is emptied */
	TIDY_LIVE_SHORT = 90,
	TIDY_STEPS_SHORT = 8, /* of some MiB each, between two looks */
	SPARE_MS = 60 * 1000,
	SHORTEN_MS = 1000,
	HELD_MS = 1000,
	WEIGH_MS = 1000,
	WEIGH_SHORT_MS = 10 * 1000,
	WEIGH_LONG_MS = 3600 * 1000,
	WEIGH_SHARE = 16, /* of the quota */
};

#define MS UINT64_C(1000000)
#define FLOOR_MOST ((uint64_t)BW_GIB)

static struct bw_shadow *shadow_of(struct bw_keep *keep, uint32_t volume)
{
	return bw_copier_shadow(keep->copier, volume);
}

enum bw_err bw_keep_room_look(struct bw_keep *keep, uint32_t volume, struct bw_keep_look *out)
{
	struct bw_shadow *shadow = shadow_of(keep, volume);
	struct bw_shelf_totals totals;
	struct statvfs status;

	if (fstatvfs(keep->guard->volumes[volume].root, &status) != 0)
		return BW_ERR_NOT_FOUND;
	BW_TRY(bw_shelf_totals(bw_shadow_shelf(shadow), &totals));
	*out = (struct bw_keep_look){ .size = (uint64_t)status.f_blocks * status.f_frsize,
				      .available = (uint64_t)status.f_bavail * status.f_frsize,
				      .inodes = (uint64_t)status.f_files,
				      .inodes_free = (uint64_t)status.f_favail,
				      .kept = totals.kept_bytes,
				      .objects = bw_shadow_objects(shadow) };
	out->quota = bw_guard_quota(&keep->guard->settings, out->size);
	out->inode_quota = bw_guard_inode_quota(&keep->guard->settings, out->inodes);
	return bw_shadow_dead_bytes(shadow, &out->dead);
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t over(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* What stays free: a share, and what the present pace takes in some seconds. */
static uint64_t reserve(struct bw_keep_room *room, const struct bw_keep_look *look, uint64_t now)
{
	const uint64_t ran_ms = (now - room->looked_ns) / MS;
	const uint64_t taken = over(room->available, look->available);
	uint64_t ahead = 0;

	if (room->looked_ns != 0 && ran_ms > 0)
		ahead = taken / ran_ms * 1000 * AHEAD_S;
	room->available = look->available;
	room->looked_ns = now;
	room->reserve = look->size / FREE_SHARE;
	if (ahead > room->reserve)
		room->reserve = ahead < look->size / MOST_SHARE ? ahead : look->size / MOST_SHARE;
	return room->reserve;
}

struct bw_shadow_limit bw_keep_room_of(const struct bw_keep_look *look)
{
	const uint64_t floor = look->size / FLOOR_SHARE < FLOOR_MOST ? look->size / FLOOR_SHARE : FLOOR_MOST;
	const uint64_t used = look->kept + look->dead;
	struct bw_shadow_limit limit = { .bytes = over(look->available, floor), .objects = UINT64_MAX };

	if (over(look->quota, used) < limit.bytes)
		limit.bytes = over(look->quota, used);
	if (look->inodes != 0)
		limit.objects = over(look->inodes_free, look->inodes / FLOOR_SHARE);
	if (over(look->inode_quota, look->objects) < limit.objects)
		limit.objects = over(look->inode_quota, look->objects);
	return limit;
}

/* ---- what goes ----------------------------------------------------------------------------------- */

static const char *why(const struct bw_keep_look *look, const struct bw_thin_need *need, uint64_t reserve)
{
	if (look->available < reserve)
		return "the file system is nearly full";
	if (look->kept + look->dead > look->quota)
		return "the quota is reached";
	return need->objects > 0 ? "inodes are nearly used up" : "a copy found no room";
}

void bw_keep_room_say(struct bw_keep *keep, uint32_t volume, const struct bw_thin_need *need,
		      const struct bw_thin_need *freed, size_t versions, const char *why)
{
	struct bw_keep_room *room = &keep->rooms[volume];
	const bool enough = freed->bytes >= need->bytes && freed->objects >= need->objects;

	if (enough || versions > 0) {
		bw_log(BW_WARNING, "old versions went for room", BW_TEXT("mount", keep->guard->volumes[volume].mount),
		       BW_TEXT("why", why), BW_NUM("versions", versions), BW_NUM("bytes", freed->bytes),
		       BW_NUM("inodes", freed->objects));
	}
	if (!enough && !room->said_empty)
		bw_log(BW_ERROR, "no old version is left that may go: new files get no copy until there is room",
		       BW_TEXT("mount", keep->guard->volumes[volume].mount), BW_TEXT("why", why),
		       BW_NUM("wanted_bytes", need->bytes), BW_NUM("freed_bytes", freed->bytes));
	room->said_empty = !enough;
}

/* Nothing was moved, or what was moved is not written down yet. */
static enum bw_err outlast_tidying(struct bw_keep *keep, uint32_t volume)
{
	if (bw_shelf_held_bytes(bw_shadow_shelf(shadow_of(keep, volume))) == 0)
		return BW_OK;
	return bw_keep_outlast(keep, volume, bw_keep_now(), BW_ERR_DISK_FULL);
}

/* What dead bytes in packs give back needs only tidying. */
static enum bw_err tidy(struct bw_keep *keep, uint32_t volume, bool is_short)
{
	bool more = true;

	for (unsigned step = 0; more && step < (is_short ? TIDY_STEPS_SHORT : 1); step++) {
		const enum bw_err err = bw_shadow_tidy(shadow_of(keep, volume), is_short ? TIDY_LIVE_SHORT : TIDY_LIVE,
						       &more);

		if (err == BW_ERR_DISK_FULL) /* versions must go first */
			return outlast_tidying(keep, volume);
		BW_TRY(err);
		BW_TRY(bw_keep_serve_new(keep));
	}
	return BW_OK;
}

static bool is_room(const struct bw_shadow_limit *room, const struct bw_shadow_wish *wish)
{
	return wish->bytes <= room->bytes && wish->objects <= room->objects;
}

enum bw_err bw_keep_room_tidy(struct bw_keep *keep, uint32_t volume, const struct bw_shadow_wish *wish,
			      struct bw_shadow_limit *out)
{
	struct bw_keep_look look;
	bool more = true;

	BW_TRY(bw_shadow_end_pack(shadow_of(keep, volume)));
	for (unsigned step = 0; step <= TIDY_STEPS_SHORT; step++) {
		enum bw_err err;

		BW_TRY(bw_keep_room_look(keep, volume, &look));
		*out = bw_keep_room_of(&look);
		if (!more || is_room(out, wish))
			return BW_OK;
		err = bw_shadow_tidy(shadow_of(keep, volume), TIDY_LIVE_SHORT, &more);
		if (err == BW_ERR_DISK_FULL)
			return outlast_tidying(keep, volume);
		BW_TRY(err);
	}
	return BW_OK;
}

static struct bw_thin_need need_of(const struct bw_keep_room *room, const struct bw_keep_look *look, uint64_t reserve)
{
	struct bw_thin_need need = { .bytes = over(look->kept + look->dead, look->quota),
				     .objects = over(look->objects + 1, look->inode_quota) };

	need.bytes = most(need.bytes, over(reserve, look->available));
	if (room->full)
		need.bytes = most(need.bytes, look->size / FREE_SHARE);
	if (look->inodes != 0)
		need.objects = most(need.objects, over(look->inodes / FREE_SHARE, look->inodes_free));
	/* what is dead already comes back by itself */
	need.bytes = over(need.bytes, look->dead / 100 * TIDY_LIVE_SHORT);
	return need;
}

/*
 * A little is left, and a copy found that too little: then a walk of all trees finds the same, unless there is more. It
 * is made all the same now and then, and more seldom each time.
 */
static bool is_more(struct bw_keep_room *room, const struct bw_shadow_limit *limit, uint64_t now)
{
	if (limit->bytes > room->refused.bytes + BW_PACK_CONTENT_MAX ||
	    (room->refused.objects == 0 && limit->objects > 0)) {
		room->patience_ns = 0;
		return true;
	}
	if (room->patience_ns == 0)
		room->patience_ns = AGAIN_MS * MS;
	if (now <= room->refused_ns + room->patience_ns)
		return false;
	if (room->patience_ns < AGAIN_MOST_MS * MS)
		room->patience_ns *= 2;
	return true;
}

/* There is room again: what was refused is still where it was. */
static void open_again(struct bw_keep *keep, uint32_t volume, const struct bw_shadow_limit *limit, uint64_t now)
{
	struct bw_keep_room *room = &keep->rooms[volume];

	if (!room->owes_walk || !is_more(room, limit, now))
		return;
	room->owes_walk = false;
	room->said_full = false;
	keep->must_walk = true;
	bw_log(BW_NOTICE, "there is room again: the trees are walked for what had no copy",
	       BW_TEXT("mount", keep->guard->volumes[volume].mount));
}

static enum bw_err drop(struct bw_keep *keep, uint32_t volume, const struct bw_keep_look *look,
			const struct bw_thin_need *need, uint64_t reserve)
{
	struct bw_thin_need freed = { 0 };
	size_t versions = 0;

	BW_TRY(bw_keep_drop_for(keep, volume, need, NULL, &versions, &freed));
	bw_keep_room_say(keep, volume, need, &freed, versions, why(look, need, reserve));
	/* what is given back now is somebody else's before it is ours: not all of history is spent on one commit */
	if (keep->rooms[volume].is_held)
		keep->rooms[volume].again_ns = bw_keep_now() + HELD_MS * MS;
	/* when nothing more can go, looking again at once finds nothing more */
	if (freed.bytes < need->bytes || freed.objects < need->objects)
		keep->rooms[volume].again_ns = bw_keep_now() + AGAIN_MS * MS;
	return BW_OK;
}

/*
 * A reflink takes room from the moment its file changes. That is looked at when much has changed, and before anything
 * goes for room, though not more often than once in a while.
 */
static enum bw_err weigh(struct bw_keep *keep, uint32_t volume, const struct bw_keep_look *now, bool is_short)
{
	struct bw_keep_room *room = &keep->rooms[volume];
	uint64_t every_ms;

	room->replaced += bw_shadow_replaced_bytes(shadow_of(keep, volume));
	if (is_short)
		every_ms = room->replaced > 0 ? WEIGH_MS : WEIGH_SHORT_MS; /* files may have been removed, too */
	else
		every_ms = room->replaced > now->quota / WEIGH_SHARE ? WEIGH_MS : WEIGH_LONG_MS;
	if (room->weighed_ns != 0 && bw_keep_now() - room->weighed_ns < every_ms * MS)
		return BW_OK;
	room->replaced = 0;
	BW_TRY(bw_keep_weigh(keep, volume));
	room->weighed_ns = bw_keep_now();
	room->again_ns = 0; /* there may be something to give after all */
	return BW_OK;
}

/*
 * While there is still a little room the log is made short: the commits that follow are written in the blocks it has.
 * What was forgotten before a commit came through is removed now.
 */
static enum bw_err write_down(struct bw_keep *keep, uint32_t volume, bool is_nearly_full)
{
	struct bw_keep_room *room = &keep->rooms[volume];
	const uint64_t now = bw_keep_now();

	if (!room->is_held)
		BW_TRY(bw_keep_outlast(keep, volume, now, bw_shadow_drop(shadow_of(keep, volume), NULL, 0)));
	if (!is_nearly_full || now < room->shorten_ns)
		return BW_OK;
	room->shorten_ns = now + SHORTEN_MS * MS;
	BW_TRY(bw_keep_commit_volume(keep, volume));
	if (!room->is_held)
		bw_shelf_shorten(bw_shadow_shelf(shadow_of(keep, volume)));
	return BW_OK;
}

enum bw_err bw_keep_make_room(struct bw_keep *keep, uint32_t volume)
{
	struct bw_keep_room *room = &keep->rooms[volume];
	const uint64_t now = bw_keep_now();
	struct bw_shadow_limit limit;
	struct bw_shadow_limit spare;
	struct bw_thin_need need;
	struct bw_keep_look look_now;
	uint64_t free;
	bool is_short;

	if (bw_keep_room_look(keep, volume, &look_now) != BW_OK)
		return BW_OK;
	free = reserve(room, &look_now, now);
	BW_TRY(weigh(keep, volume, &look_now, room->full || look_now.available < free));
	if (bw_keep_room_look(keep, volume, &look_now) != BW_OK)
		return BW_OK;
	need = need_of(room, &look_now, free);
	is_short = need.bytes > 0 || need.objects > 0 || look_now.available < free ||
		   look_now.kept + look_now.dead > look_now.quota;
	if (need.bytes == 0 && need.objects == 0)
		room->said_empty = false;
	else if (now >= room->again_ns)
		BW_TRY(drop(keep, volume, &look_now, &need, free));
	room->full = false;
	BW_TRY(write_down(keep, volume, look_now.available < free));
	if (!room->is_held)
		BW_TRY(tidy(keep, volume, is_short));
	BW_TRY(bw_keep_room_look(keep, volume, &look_now));
	limit = bw_keep_room_of(&look_now);
	spare = bw_keep_share_spare(keep, volume, &look_now);
	limit = (struct bw_shadow_limit){ over(limit.bytes, spare.bytes), over(limit.objects, spare.objects) };
	bw_shadow_limit(shadow_of(keep, volume), &limit);
	if (!is_short)
		open_again(keep, volume, &limit, now);
	if (!is_short && now >= room->spare_ns) {
		bw_shadow_set_aside(shadow_of(keep, volume));
		room->spare_ns = now + SPARE_MS * MS;
	}
	return BW_OK;
}

bool bw_keep_is_short(const struct bw_keep *keep, uint32_t volume)
{
	const struct bw_keep_room *room = &keep->rooms[volume];
	struct statvfs status;

	if (room->full || fstatvfs(keep->guard->volumes[volume].root, &status) != 0)
		return room->full;
	return (uint64_t)status.f_bavail * status.f_frsize < 2 * room->reserve;
}

void bw_keep_no_room(struct bw_keep *keep, uint32_t volume)
{
	struct bw_keep_room *room = &keep->rooms[volume];
	struct statvfs status;

	keep->board->refused++;
	/* what can be had was had (keep_share.c); Btrfs alone may be full while it says that there is room */
	room->full = !keep->shares[volume].is_denied && strcmp(keep->guard->volumes[volume].type, "btrfs") == 0;
	room->owes_walk = true;
	room->refused = bw_shadow_left(shadow_of(keep, volume));
	room->refused_ns = bw_keep_now();
	if (fstatvfs(keep->guard->volumes[volume].root, &status) == 0 &&
	    (uint64_t)status.f_bavail * status.f_frsize < room->refused.bytes)
		room->refused.bytes = (uint64_t)status.f_bavail * status.f_frsize;
	if (!room->said_full)
		bw_log(BW_WARNING, "a file gets no copy: there is no room",
		       BW_TEXT("mount", keep->guard->volumes[volume].mount));
	room->said_full = true;
}
