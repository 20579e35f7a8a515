#include "guard/volumes.h"

static bool is_known(const struct bw_volume *volumes, size_t count, const struct bw_volume *volume)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(volumes[i].mount, volume->mount) == 0)
			return true;
	}
	return false;
}

static enum bw_err add_volume(const char *tree, struct bw_volume *volumes, size_t *count, struct bw_why *why)
{
	struct bw_volume volume;

	BW_TRY(bw_volume_of(tree, &volume, why));
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
		const enum bw_err err = add_volume(settings->trees[i], out, &count, why);

		if (err != BW_OK) {
			bw_volumes_release(out, count);
			return err;
		}
	}
	*out_count = count;
	return BW_OK;
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
