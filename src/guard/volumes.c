#include "guard/volumes.h"

static bool is_known(const struct bw_volume *volumes, size_t count, const struct bw_volume *volume)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(volumes[i].mount, volume->mount) == 0)
			return true;
	}
	return false;
}

static bool wants_copies(const struct bw_guard_settings *settings, const char *mount)
{
	for (size_t i = 0; i < settings->copies_count; i++) {
		if (strcmp(settings->copies[i], mount) == 0)
			return true;
	}
	return false;
}

static enum bw_err add_volume(const struct bw_guard_settings *settings, const char *tree, struct bw_volume *volumes,
			      size_t *count, struct bw_why *why)
{
	struct bw_volume volume;

	BW_TRY(bw_volume_of(tree, &volume, why));
	if (wants_copies(settings, volume.mount))
		volume.strategy = BW_STRATEGY_COPY;
	if (is_known(volumes, *count, &volume)) {
		bw_volume_release(&volume);
		return BW_OK;
	}
	if (*count == BW_VOLUMES_MAX) {
		bw_volume_release(&volume);
		return bw_why_set(why, BW_ERR_TOO_MANY, "more than %d file systems", BW_VOLUMES_MAX);
	}
	volume.number = (uint32_t)*count;
	volumes[(*count)++] = volume;
	return BW_OK;
}

enum bw_err bw_volumes_open(const struct bw_guard_settings *settings, struct bw_volume out[BW_VOLUMES_MAX],
			    size_t *out_count, struct bw_why *why)
{
	size_t count = 0;

	for (size_t i = 0; i < settings->tree_count; i++) {
		const enum bw_err err = add_volume(settings, settings->trees[i], out, &count, why);

		if (err != BW_OK) {
			bw_volumes_release(out, count);
			return err;
		}
	}
	*out_count = count;
	return BW_OK;
}

static void forget_copies(struct bw_guard_settings *settings, const char *mount)
{
	size_t kept = 0;

	for (size_t i = 0; i < settings->copies_count; i++) {
		if (strcmp(settings->copies[i], mount) != 0)
			settings->copies[kept++] = settings->copies[i];
	}
	settings->copies_count = kept;
}

static enum bw_err choose(struct bw_guard_settings *settings, struct bw_arena *arena, const struct bw_volume *volume,
			  bool copies, struct bw_why *why)
{
	struct bw_slice mount;

	if (!copies && volume->strategy != BW_STRATEGY_REFLINK)
		return bw_why_set(why, BW_ERR_UNSUPPORTED, "%s at '%s' cannot share blocks between files", volume->type,
				  volume->mount);
	forget_copies(settings, volume->mount);
	if (!copies)
		return BW_OK;
	BW_NEED(settings->copies_count < BW_VOLUMES_MAX, TOO_MANY);
	BW_TRY(bw_arena_copy(arena, bw_slice_text(volume->mount), &mount));
	settings->copies[settings->copies_count++] = (const char *)mount.ptr;
	return BW_OK;
}

enum bw_err bw_volumes_choose(struct bw_guard_settings *settings, struct bw_arena *arena, const char *path, bool copies,
			      struct bw_why *why)
{
	struct bw_volume volume;
	enum bw_err err;

	BW_TRY(bw_volume_of(path, &volume, why));
	err = choose(settings, arena, &volume, copies, why);
	bw_volume_release(&volume);
	return err;
}

void bw_volumes_release(struct bw_volume *volumes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		bw_volume_release(&volumes[i]);
}

const struct bw_volume *bw_volumes_find(const struct bw_volume *volumes, size_t count, const char *path,
					struct bw_slice *out_inside)
{
	const struct bw_volume *best = NULL;
	struct bw_slice inside;

	for (size_t i = 0; i < count; i++) {
		if (!bw_volume_inside(&volumes[i], path, &inside) ||
		    (best != NULL && strlen(volumes[i].mount) < strlen(best->mount)))
			continue;
		best = &volumes[i];
		*out_inside = inside;
	}
	return best;
}
