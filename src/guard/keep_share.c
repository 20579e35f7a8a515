/*
 * Shares of the room among owners. While there is room nobody asks whose copies take it. When a copy finds none,
 * whoever holds more than a fair share (fair.h) gives: of his history first, in the order of thin.h, then of the newest
 * copies of his own files, those that appeared last before others. Whoever is within his share loses nothing. Who would
 * be beyond it has history to take, his own and that of those who hold still more, and else is refused; he loses no
 * newest copy for a new one of his own, so that with one owner all is as if there were no shares.
 *
 * What an owner holds is his history, and the newest copies made by him since the shares were settled (keep_since.c).
 * An owner is the user who made the version (of history: the next one, as everywhere); where nobody knows (Samba and
 * NFS as root), the file's. Another user's file is never left without a copy for what was written to it.
 */
#include <stdlib.h>

#include "guard/keep_share_parts.h"
#include "guard/meta.h"

enum {
	SPARE_SHARE = 16, /* of the room stays free for those below their share, while somebody is above his … */
	SPARE_INODES = 4096,
	COUNT_MS = 1000, /* not counted again before; nor before this many times as long as it took */
	COUNT_TIMES = 20,
	REFUSED_MS = 10 * 1000,
	REFUSED_TIMES = 50,
	CONTESTED_MS = 3600 * 1000,
	BATCH = 256,
};

#define MS UINT64_C(1000000)
#define SPARE_BYTES (512 * (uint64_t)BW_MIB)

static struct bw_shadow *shadow_of(struct bw_keep *keep, uint32_t volume)
{
	return bw_copier_shadow(keep->copier, volume);
}

static struct bw_shelf *shelf_of(struct bw_keep *keep, uint32_t volume)
{
	return bw_shadow_shelf(shadow_of(keep, volume));
}

static uint64_t over(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* ---- who holds how much ------------------------------------------------------------------------------ */

static enum bw_err see_held(void *context, const struct bw_shelf_standing *standing)
{
	struct bw_keep_share *share = context;
	const uint64_t objects = standing->is_object ? 1 : 0;

	if (standing->incident != 0) /* not his doing, and nobody's to give */
		return BW_OK;
	BW_TRY(bw_fair_add(&share->held, standing->actor, standing->kept_bytes, objects));
	return bw_fair_add(&share->spent, standing->actor, standing->kept_bytes, objects);
}

static enum bw_err count(struct bw_keep *keep, uint32_t volume)
{
	struct bw_keep_share *share = &keep->shares[volume];
	const uint64_t began = bw_keep_now();

	bw_fair_release(&share->held);
	bw_fair_release(&share->spent);
	BW_TRY(bw_shelf_standing(shelf_of(keep, volume), share->version, see_held, share));
	BW_TRY(bw_keep_history(keep, volume, &share->spent));
	share->counted_ns = bw_keep_now();
	share->count_took_ns = share->counted_ns - began;
	return BW_OK;
}

static enum bw_err count_now_and_then(struct bw_keep *keep, uint32_t volume)
{
	const struct bw_keep_share *share = &keep->shares[volume];
	const uint64_t since = bw_keep_now() - share->counted_ns;

	if (share->counted_ns != 0 && (since < COUNT_MS * MS || since < COUNT_TIMES * share->count_took_ns))
		return BW_OK;
	return count(keep, volume);
}

void bw_keep_share_end(struct bw_keep *keep)
{
	for (size_t i = 0; i < BW_COUNT(keep->shares); i++) {
		bw_fair_release(&keep->shares[i].held);
		bw_fair_release(&keep->shares[i].spent);
	}
}

/* ---- one wish ------------------------------------------------------------------------------------------ */

struct way {
	struct bw_keep *keep;
	uint32_t volume;
	struct bw_keep_share *share;
	const struct bw_shadow_wish *wish;
	struct bw_shadow_limit room;  /* all there is */
	struct bw_shadow_limit spare; /* of it, for those below their share */
	struct bw_fair_level level;
};

static struct bw_shadow_limit spare_of(const struct bw_keep_look *look)
{
	const uint64_t bytes = least(look->quota, look->kept + look->available);
	const uint64_t inodes = least(look->inode_quota, look->inodes == 0 ? UINT64_MAX : look->inodes);

	return (struct bw_shadow_limit){ .bytes = least(bytes / SPARE_SHARE, SPARE_BYTES),
					 .objects = least(inodes / SPARE_SHARE, SPARE_INODES) };
}

static bool is_contested(const struct bw_keep_share *share)
{
	return share->contested_ns != 0 && bw_keep_now() - share->contested_ns < CONTESTED_MS * MS;
}

struct bw_shadow_limit bw_keep_share_spare(const struct bw_keep *keep, uint32_t volume, const struct bw_keep_look *look)
{
	return is_contested(&keep->shares[volume]) ? spare_of(look) : (struct bw_shadow_limit){ 0 };
}

static bool fits(const struct way *way)
{
	return way->wish->bytes <= way->room.bytes && way->wish->objects <= way->room.objects;
}

/* In what there is too little: only that is shared. */
static struct bw_thin_need shortage(const struct way *way)
{
	const struct bw_shadow_wish *wish = way->wish;
	struct bw_thin_need need = { 0 };

	if (wish->bytes > 0)
		need.bytes = over(sum(wish->bytes, way->spare.bytes), way->room.bytes);
	if (wish->objects > 0)
		need.objects = over(sum(wish->objects, way->spare.objects), way->room.objects);
	return need;
}

static bool grants(struct way *way)
{
	const struct bw_fair *spent = &way->share->spent;
	const struct bw_thin_need need = shortage(way);
	const struct bw_fair_claim claim = {
		.owner = way->wish->owner,
		.bytes = way->wish->bytes,
		.objects = way->wish->objects,
		.room_bytes = need.bytes == 0 ? UINT64_MAX : over(sum(spent->bytes, way->room.bytes), way->spare.bytes),
		.room_objects = need.objects == 0 ? UINT64_MAX
						  : over(sum(spent->objects, way->room.objects), way->spare.objects),
	};

	way->level = bw_fair_level(spent, &claim);
	return bw_fair_grants(spent, &claim, &way->level);
}

/* `level` as in bw_thin_claim. */
static enum bw_err take_history(struct way *way, const struct bw_fair_level *level, size_t *out_versions)
{
	const struct bw_thin_claim claim = { .owner = way->wish->owner, .held = &way->share->held, .level = level };
	const struct bw_thin_need need = shortage(way);
	struct bw_thin_need freed = { 0 };
	size_t versions = 0;

	*out_versions = 0;
	BW_TRY(bw_keep_drop_for(way->keep, way->volume, &need, &claim, &versions, &freed));
	*out_versions = versions;
	if (versions > 0 || level == NULL) /* else newest copies follow */
		bw_keep_room_say(way->keep, way->volume, level == NULL ? &need : &freed, &freed, versions,
				 "a copy found no room");
	bw_keep_soil(way->keep, way->volume);
	return bw_keep_room_tidy(way->keep, way->volume, way->wish, &way->room);
}

/* ---- newest copies go ---------------------------------------------------------------------------------- */

struct giver {
	uint64_t number;
	uint64_t before; /* the newest good one that is left of the file; 0: none */
	struct bw_file_key key;
};

struct giving {
	struct way *way;
	struct bw_thin_need need;
	struct bw_keep_given given;
	bool older; /* files that were there before the shares were settled, too */
	struct giver *list;
	size_t count;
	size_t room;
};

static bool is_enough(const struct giving *giving)
{
	return giving->given.bytes >= giving->need.bytes && giving->given.inodes >= giving->need.objects;
}

static bool is_own(const struct bw_shelf_standing *standing)
{
	struct bw_meta meta;

	return bw_meta_parse(standing->meta, &meta) == BW_OK && meta.uid + 1 == standing->actor;
}

/* Whether this one may go, and what is left of its file then. */
static enum bw_err may_go(struct giving *giving, const struct bw_shelf_standing *standing, struct giver *out, bool *may)
{
	struct way *way = giving->way;
	const bool helps = (giving->given.bytes < giving->need.bytes && standing->kept_bytes > 0) ||
			   (giving->given.inodes < giving->need.objects && standing->is_object);
	struct bw_index_file known;
	enum bw_err err;

	*may = false;
	if (!helps || standing->incident != 0 || (standing->file > way->share->file) == giving->older ||
	    !bw_fair_gives(&way->share->spent, standing->actor, &way->level))
		return BW_OK;
	*out = (struct giver){ .number = standing->number,
			       .key = { .ino = standing->key.ino,
					.tree = standing->key.tree,
					.gen = standing->key.gen,
					.volume = way->volume } };
	if (bw_index_by_key(way->keep->guard->index, &out->key, &known) == BW_OK &&
	    (known.flags & BW_INDEX_INCIDENT) != 0)
		return BW_OK;
	err = bw_shelf_good_before(shelf_of(way->keep, way->volume), standing->file, standing->number, &out->before);
	if (err != BW_OK && err != BW_ERR_NOT_FOUND)
		return err;
	*may = err == BW_OK || is_own(standing);
	return BW_OK;
}

static enum bw_err add_giver(struct giving *giving, const struct giver *giver)
{
	if (giving->count == giving->room) {
		const size_t room = giving->room == 0 ? BATCH : 2 * giving->room;
		struct giver *list = realloc(giving->list, room * sizeof(*list));

		BW_NEED(list != NULL, MEMORY);
		giving->list = list;
		giving->room = room;
	}
	giving->list[giving->count++] = *giver;
	return BW_OK;
}

static enum bw_err see_giver(void *context, const struct bw_shelf_standing *standing)
{
	struct giving *giving = context;
	struct bw_keep_share *share = giving->way->share;
	const uint64_t objects = standing->is_object ? 1 : 0;
	struct giver giver = { .before = 0 };
	bool may = false;

	BW_TRY(may_go(giving, standing, &giver, &may));
	if (!may)
		return BW_OK;
	BW_TRY(add_giver(giving, &giver));
	giving->given.owner = standing->actor;
	giving->given.bytes += standing->kept_bytes;
	giving->given.inodes += objects;
	bw_fair_take(&share->held, standing->actor, standing->kept_bytes, objects);
	bw_fair_take(&share->spent, standing->actor, standing->kept_bytes, objects);
	return is_enough(giving) ? BW_ERR_AGAIN : BW_OK;
}

/* The file is known on, with what it looked like; a walk takes it again when there is room. */
static enum bw_err forget_in_index(struct bw_keep *keep, const struct giver *giver)
{
	struct bw_index_file known;

	if (bw_index_by_key(keep->guard->index, &giver->key, &known) != BW_OK || known.version != giver->number)
		return BW_OK;
	known.version = giver->before;
	known.mtime_s = 0;
	known.mtime_ns = 0;
	return bw_index_put(keep->guard->index, &known);
}

static enum bw_err let_go(struct giving *giving)
{
	struct way *way = giving->way;
	uint64_t numbers[BATCH];

	for (size_t done = 0; done < giving->count;) {
		size_t some = 0;

		for (; some < BATCH && done + some < giving->count; some++) {
			numbers[some] = giving->list[done + some].number;
			BW_TRY(forget_in_index(way->keep, &giving->list[done + some]));
		}
		BW_TRY(bw_keep_outlast(way->keep, way->volume, bw_keep_now(),
				       bw_shadow_drop(shadow_of(way->keep, way->volume), numbers, some)));
		done += some;
	}
	return BW_OK;
}

static enum bw_err choose(struct giving *giving)
{
	struct way *way = giving->way;
	enum bw_err err = BW_OK;

	for (unsigned pass = 0; pass < 2 && err == BW_OK; pass++) {
		giving->older = pass == 1;
		err = bw_shelf_standing(shelf_of(way->keep, way->volume), way->share->version, see_giver, giving);
	}
	return err == BW_ERR_AGAIN ? BW_OK : err;
}

static enum bw_err take_copies(struct way *way)
{
	struct giving giving = { .way = way, .need = shortage(way) };
	enum bw_err err = choose(&giving);

	if (err == BW_OK)
		err = let_go(&giving);
	giving.given.copies = giving.count;
	free(giving.list);
	BW_TRY(err);
	way->share->contested_ns = bw_keep_now();
	if (giving.given.copies > 0)
		bw_keep_share_say_given(way->keep, way->volume, &giving.given);
	bw_keep_soil(way->keep, way->volume);
	return bw_keep_room_tidy(way->keep, way->volume, way->wish, &way->room);
}

/* ---- all of it -------------------------------------------------------------------------------------------- */

/* Whoever is above gives, what he misses least first. */
static enum bw_err take_from_others(struct way *way)
{
	size_t versions;

	BW_TRY(take_history(way, &way->level, &versions));
	if (fits(way))
		return BW_OK;
	if (versions > 0)
		BW_TRY(count(way->keep, way->volume));
	return grants(way) ? take_copies(way) : BW_OK;
}

/* There is room, and not what others are to have. */
static bool is_settled(struct way *way)
{
	return fits(way) && (!is_contested(way->share) || grants(way));
}

static enum bw_err make_way(struct way *way)
{
	struct bw_keep_look look;
	size_t versions;

	BW_NEED(bw_keep_room_look(way->keep, way->volume, &look) == BW_OK, DISK_FULL);
	way->room = bw_keep_room_of(&look);
	way->spare = spare_of(&look);
	BW_TRY(count_now_and_then(way->keep, way->volume));
	if (is_settled(way))
		return BW_OK;
	if (grants(way))
		BW_TRY(take_from_others(way));
	if (!is_settled(way))
		BW_TRY(take_history(way, NULL, &versions));
	return is_settled(way) ? BW_OK : BW_ERR_DISK_FULL;
}

/* For this one copy, which may have grown a little since, and out of a pack. */
static enum bw_err grant(struct way *way)
{
	const struct bw_shadow_limit limit = {
		.bytes = least(way->room.bytes, way->wish->bytes + BW_PACK_CONTENT_MAX),
		.objects = least(way->room.objects, 1),
	};

	bw_shadow_limit(shadow_of(way->keep, way->volume), &limit);
	BW_TRY(bw_fair_add(&way->share->spent, way->wish->owner, way->wish->bytes, way->wish->objects));
	return bw_fair_add(&way->share->held, way->wish->owner, way->wish->bytes, way->wish->objects);
}

static void refuse(struct way *way, struct bw_keep_refused *refused, uint64_t began)
{
	const uint64_t now = bw_keep_now();
	const uint64_t rest = REFUSED_TIMES * (now - began);

	refused->owner = way->wish->owner;
	refused->until_ns = now + (rest > REFUSED_MS * MS ? rest : REFUSED_MS * MS);
	bw_keep_share_say_refused(way->keep, way->volume, way->wish, shortage(way).bytes == 0);
}

enum bw_err bw_keep_make_way(void *context, uint32_t volume, const struct bw_shadow_wish *wish)
{
	struct bw_keep *keep = context;
	struct bw_keep_share *share = &keep->shares[volume];
	struct bw_keep_refused *refused = &share->refused[wish->owner % BW_KEEP_REFUSED];
	struct way way = { .keep = keep, .volume = volume, .share = share, .wish = wish };
	const uint64_t now = bw_keep_now();
	enum bw_err err = BW_ERR_DISK_FULL;

	if (refused->owner != wish->owner || now >= refused->until_ns)
		err = make_way(&way);
	if (err == BW_OK)
		err = grant(&way);
	else if (err == BW_ERR_DISK_FULL && now >= refused->until_ns)
		refuse(&way, refused, now);
	share->is_denied = err == BW_ERR_DISK_FULL;
	keep->board->share_refused += share->is_denied ? 1 : 0;
	return err;
}
