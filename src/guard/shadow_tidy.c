/*
 * Packs whose contents have mostly gone are emptied: what still counts is copied to the end of the growing pack. A
 * step copies, syncs the copies, and only then moves the rows; the old pack goes when no row is left in it and that is
 * on the disk. Killed anywhere, every row points at a whole content, and the next start removes what nothing points at.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/shadow_parts.h"

enum {
	STEP_BYTES = 8 * 1024 * 1024, /* copied, or passed over as many times */
	STEP_PASSED = 8,
	STEP_MOVES = 4096,
	END_DEAD_BYTES = 1024 * 1024,
};

struct move {
	uint64_t version;
	uint64_t from;
	uint32_t pack;
	uint64_t at;
};

/* ---- which pack ------------------------------------------------------------------------------- */

struct choosing {
	struct bw_shadow *shadow;
	uint32_t most; /* live share, in percent */
	uint32_t best;
	uint64_t best_dead;
};

static enum bw_err see_pack(void *context, uint32_t pack, uint64_t bytes)
{
	struct choosing *choosing = context;
	struct bw_shadow *shadow = choosing->shadow;
	uint64_t live = 0;

	if (pack == bw_packs_number(shadow->packs) || pack == shadow->tidy.stuck)
		return BW_OK;
	BW_TRY(bw_shelf_pack_bytes(shadow->shelf, pack, &live));
	if (live > bytes / 100 * choosing->most || bytes - live <= choosing->best_dead)
		return BW_OK;
	choosing->best = pack;
	choosing->best_dead = bytes - live;
	return BW_OK;
}

static enum bw_err choose(struct bw_shadow *shadow, uint32_t most)
{
	struct choosing choosing = { .shadow = shadow, .most = most };

	BW_TRY(bw_packs_list(shadow->packs, see_pack, &choosing));
	shadow->tidy.pack = choosing.best;
	shadow->tidy.at = 0;
	return BW_OK;
}

/* ---- one step -------------------------------------------------------------------------------------- */

/* Whether the record at `at` is what its version's row points at. */
static enum bw_err counts(struct bw_shadow *shadow, uint64_t version, uint64_t at, bool *out)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(2 * (size_t)BW_SHELF_META_BYTES_MAX);
	struct bw_shelf_version row = { .number = 0 };
	const enum bw_err err = bw_shelf_get(shadow->shelf, version, &arena, &row);

	if (err != BW_OK && err != BW_ERR_NOT_FOUND)
		return err;
	*out = err == BW_OK && row.pack == shadow->tidy.pack && row.at == at;
	return BW_OK;
}

static enum bw_err copy_on(struct bw_shadow *shadow, struct move *move)
{
	struct bw_sum sum;

	bw_buf_clear(&shadow->content);
	BW_TRY(bw_packs_read(shadow->packs, shadow->tidy.pack, move->from, move->version, &shadow->content));
	return bw_packs_add(shadow->packs, move->version, bw_buf_slice(&shadow->content), &sum, &move->pack, &move->at);
}

/* Copies until the step is full; *out_end says that the pack ends here, or can be read no further. */
static enum bw_err copy_some(struct bw_shadow *shadow, struct move *moves, size_t *out_count, uint64_t *out_until,
			     bool *out_end)
{
	const uint64_t begin = shadow->tidy.at;
	uint64_t at = begin;
	uint64_t copied = 0;
	size_t count = 0;
	enum bw_err err = BW_OK;

	while (count < STEP_MOVES && copied < STEP_BYTES && at - begin < (uint64_t)STEP_PASSED * STEP_BYTES) {
		struct move *move = &moves[count];
		uint64_t next = 0;
		bool live = false;

		err = bw_packs_head(shadow->packs, shadow->tidy.pack, at, &move->version, &next);
		if (err != BW_OK)
			break;
		BW_TRY(counts(shadow, move->version, at, &live));
		move->from = at;
		if (live) {
			err = copy_on(shadow, move);
			if (err != BW_OK && err != BW_ERR_CORRUPT)
				return err;
			count += err == BW_OK ? 1 : 0; /* a damaged one stays where it is, for verify to name */
			copied += next - at;
		}
		at = next;
	}
	*out_end = err == BW_ERR_NOT_FOUND || err == BW_ERR_CORRUPT || err == BW_ERR_IO;
	*out_count = count;
	*out_until = at;
	return BW_OK;
}

static enum bw_err move_rows(struct bw_shadow *shadow, const struct move *moves, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const enum bw_err err = bw_shelf_move(shadow->shelf, moves[i].version, shadow->tidy.pack, moves[i].from,
						      moves[i].pack, moves[i].at);

		if (err != BW_OK && err != BW_ERR_NOT_FOUND)
			return err;
	}
	return BW_OK;
}

static enum bw_err end_pack(struct bw_shadow *shadow)
{
	const uint32_t pack = shadow->tidy.pack;
	uint64_t left = 0;

	shadow->tidy.pack = 0;
	BW_TRY(bw_shelf_pack_bytes(shadow->shelf, pack, &left));
	if (left == 0)
		return bw_packs_remove(shadow->packs, pack);
	shadow->tidy.stuck = pack; /* something in it is damaged: not looked at again by this writer */
	return BW_OK;
}

static enum bw_err step(struct bw_shadow *shadow, struct move *moves)
{
	const uint64_t begin = shadow->tidy.at;
	uint64_t until = begin;
	size_t count = 0;
	bool end = false;

	BW_TRY(copy_some(shadow, moves, &count, &until, &end));
	if (count > 0)
		BW_TRY(bw_packs_sync(shadow->packs));
	BW_TRY(move_rows(shadow, moves, count));
	BW_TRY(bw_shadow_sync(shadow)); /* the rows too, before any of the old bytes goes */
	if (!end) {
		bw_packs_punch(shadow->packs, shadow->tidy.pack, begin, until - begin);
		shadow->tidy.at = until;
		return BW_OK;
	}
	return end_pack(shadow);
}

enum bw_err bw_shadow_tidy(struct bw_shadow *shadow, uint32_t most_live, bool *out_more)
{
	struct move *moves;
	enum bw_err err;

	*out_more = false;
	if (shadow->tidy.pack == 0)
		BW_TRY(choose(shadow, most_live));
	if (shadow->tidy.pack == 0)
		return BW_OK;
	moves = calloc(STEP_MOVES, sizeof(*moves));
	BW_NEED(moves != NULL, MEMORY);
	err = step(shadow, moves);
	free(moves);
	*out_more = err == BW_OK;
	return err;
}

enum bw_err bw_shadow_end_pack(struct bw_shadow *shadow)
{
	const uint64_t end = bw_packs_end(shadow->packs);
	uint64_t live = 0;

	BW_TRY(bw_shelf_pack_bytes(shadow->shelf, bw_packs_number(shadow->packs), &live));
	return end - (live < end ? live : end) < END_DEAD_BYTES ? BW_OK : bw_packs_turn(shadow->packs);
}

/* ---- what packs take ----------------------------------------------------------------------------------- */

static enum bw_err add_dead(void *context, uint32_t pack, uint64_t bytes)
{
	struct choosing *choosing = context;
	uint64_t live = 0;

	BW_TRY(bw_shelf_pack_bytes(choosing->shadow->shelf, pack, &live));
	choosing->best_dead += bytes > live ? bytes - live : 0;
	return BW_OK;
}

enum bw_err bw_shadow_dead_bytes(struct bw_shadow *shadow, uint64_t *out)
{
	struct choosing adding = { .shadow = shadow };

	BW_TRY(bw_packs_list(shadow->packs, add_dead, &adding));
	*out = adding.best_dead;
	return BW_OK;
}
