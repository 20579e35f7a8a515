/*
 * A drill takes a copy of all its files. When it is over and its folder is gone, nobody will ever want one back: its
 * versions go, but for those that an open incident holds, which go when it is closed.
 */
#include <stdlib.h>

#include "base/log.h"
#include "guard/drill.h"
#include "guard/drill_mark.h"
#include "guard/keep_parts.h"

#define AGAIN_NS (UINT64_C(60) * 1000000000)

struct found {
	uint64_t *numbers;
	size_t count;
	size_t room;
	size_t pinned;
};

static bool is_drill(struct bw_shelf *shelf, struct bw_slice path)
{
	struct bw_slice name = path;
	const uint8_t *slash = memrchr(path.ptr, '/', path.len);

	if (slash != NULL)
		name = bw_slice_from(path, (size_t)(slash - path.ptr) + 1);
	return bw_slice_starts(name, BW_LIT(BW_DRILL_NAME)) && bw_drill_has_mark(shelf, path);
}

enum bw_err bw_keep_drill_gone(struct bw_keep *keep, uint32_t volume, uint32_t folder)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(4 * BW_MIB);
	struct bw_shelf *shelf = bw_shadow_shelf(bw_copier_shadow(keep->copier, volume));
	struct bw_shelf_folder row;

	BW_TRY(bw_shelf_folder_get(shelf, folder, &arena, &row));
	if (!is_drill(shelf, row.path))
		return BW_OK;
	/* more of them than places: those that were there before go by age, as everything does */
	keep->drills[keep->drill_next++ % BW_KEEP_DRILLS] = (struct bw_keep_drill){
		.used = true, .volume = volume, .folder = folder, .look_ns = bw_keep_now() + BW_KEEP_DRILL_NS
	};
	return BW_OK;
}

static enum bw_err see_version(void *context, const struct bw_shelf_version *version)
{
	struct found *found = context;

	if (version->incident != 0) {
		found->pinned++;
		return BW_OK;
	}
	if (found->count == found->room) {
		const size_t room = found->room == 0 ? 1024 : 2 * found->room;
		uint64_t *numbers = realloc(found->numbers, room * sizeof(*numbers));

		BW_NEED(numbers != NULL, MEMORY);
		found->numbers = numbers;
		found->room = room;
	}
	found->numbers[found->count++] = version->number;
	return BW_OK;
}

static enum bw_err look(struct bw_keep *keep, const struct bw_keep_drill *drill, struct found *out)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(4 * BW_MIB);
	struct bw_shelf *shelf = bw_shadow_shelf(bw_copier_shadow(keep->copier, drill->volume));
	struct bw_shelf_folder row;

	BW_TRY(bw_shelf_folder_get(shelf, drill->folder, &arena, &row));
	if (!is_drill(shelf, row.path)) /* it has another name by now */
		return BW_OK;
	return bw_shelf_gone_below(shelf, row.path, see_version, out);
}

static enum bw_err give_up(struct bw_keep *keep, struct bw_keep_drill *drill, uint64_t now_ns)
{
	struct found found = { .numbers = NULL };
	enum bw_err err = look(keep, drill, &found);

	if (err == BW_OK)
		err = bw_keep_drop(keep, drill->volume, found.numbers, found.count);
	if (err == BW_OK && found.count > 0)
		bw_log(BW_INFO, "a drill is over: its versions went", BW_NUM("versions", found.count),
		       BW_NUM("held_by_incidents", found.pinned));
	free(found.numbers);
	drill->used = found.pinned > 0;
	drill->look_ns = now_ns + AGAIN_NS;
	return err == BW_ERR_NOT_FOUND ? BW_OK : err;
}

enum bw_err bw_keep_drills(struct bw_keep *keep, uint64_t now_ns)
{
	for (size_t i = 0; i < BW_KEEP_DRILLS; i++) {
		struct bw_keep_drill *drill = &keep->drills[i];

		if (drill->used && now_ns >= drill->look_ns)
			BW_TRY(give_up(keep, drill, now_ns));
	}
	return BW_OK;
}
