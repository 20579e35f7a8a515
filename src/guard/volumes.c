#include "guard/volumes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/log.h"
#include "guard/shadow.h"

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

/* ---- what is not there ---------------------------------------------------------------------- */

static bool is_mounted(const char *mount)
{
	struct statx status;

	return statx(AT_FDCWD, mount, 0, 0, &status) == 0 && (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

static enum bw_err say_unmounted(const struct bw_guard_settings *settings, size_t index, struct bw_why *why)
{
	return bw_why_set(why, BW_ERR_NOT_FOUND, "the file system that was enrolled is not mounted at '%s'",
			  settings->mounts[index]);
}

/* Another file system may show an empty folder under the same name: that one was never enrolled. */
static enum bw_err check_volume(const struct bw_guard_settings *settings, size_t index, const struct bw_volume *volume,
				struct bw_why *why)
{
	const char *mount = settings->mounts[index];

	if (mount != NULL && strcmp(mount, volume->mount) != 0)
		return say_unmounted(settings, index, why);
	if (settings->enrolling[index] || bw_shadow_is_there(volume))
		return BW_OK;
	return bw_why_set(why, BW_ERR_NOT_FOUND,
			  "the file system that was enrolled is not mounted: the one at '%s' has no store",
			  volume->mount);
}

static enum bw_err open_volume(const struct bw_guard_settings *settings, size_t index, struct bw_volume *out,
			       struct bw_why *why)
{
	enum bw_err err = bw_volume_of(settings->trees[index], out, why);

	if (err != BW_OK && settings->mounts[index] != NULL && !is_mounted(settings->mounts[index]))
		return say_unmounted(settings, index, why);
	if (err == BW_ERR_NOT_FOUND)
		return bw_why_set(why, err, "it is not there: renamed, removed, or its file system is not mounted");
	BW_TRY(err);
	err = check_volume(settings, index, out, why);
	if (err != BW_OK)
		bw_volume_release(out);
	return err;
}

/* ---- all of them ------------------------------------------------------------------------------ */

static enum bw_err add_volume(const struct bw_guard_settings *settings, size_t index, struct bw_volume *volumes,
			      size_t *count, struct bw_why *why)
{
	struct bw_volume volume;

	BW_TRY(open_volume(settings, index, &volume, why));
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

/* Of what can be reached the reason names the tree itself. */
static enum bw_err refuse(const char *tree, enum bw_err err, const struct bw_why *reason, struct bw_why *why)
{
	if (err == BW_ERR_NOT_FOUND)
		return bw_why_set(why, err, "cannot reach '%s': %s", tree, reason->text);
	return bw_why_set(why, err, "%s", reason->text[0] != '\0' ? reason->text : bw_err_text(err));
}

static enum bw_err add_volumes(struct bw_guard_settings *settings, struct bw_volume *volumes, size_t *count,
			       struct bw_why *why)
{
	size_t index = 0;

	for (size_t at = settings->away_count; index < settings->tree_count; at++) {
		struct bw_why reason = { 0 };
		const enum bw_err err = add_volume(settings, index, volumes, count, &reason);

		if (err == BW_OK)
			index++;
		else if (err == BW_ERR_TOO_MANY || settings->enrolling[index])
			return refuse(settings->trees[index], err, &reason, why);
		else
			bw_guard_settings_put_away(settings, index, at,
						   reason.text[0] != '\0' ? reason.text : bw_err_text(err));
	}
	if (settings->tree_count > 0 || settings->away_count == 0)
		return BW_OK;
	return bw_why_set(why, BW_ERR_MISSING, "no enrolled folder can be reached; '%s': %s", settings->away[0].path,
			  settings->away[0].why);
}

enum bw_err bw_volumes_open(struct bw_guard_settings *settings, struct bw_volume out[BW_VOLUMES_MAX], size_t *out_count,
			    struct bw_why *why)
{
	size_t count = 0;
	const enum bw_err err = add_volumes(settings, out, &count, why);

	if (err != BW_OK)
		bw_volumes_release(out, count);
	else
		*out_count = count;
	return err;
}

void bw_volumes_log_away(const struct bw_guard_settings *settings)
{
	for (size_t i = 0; i < settings->away_count; i++)
		bw_log(BW_ERROR, "an enrolled folder is not guarded", BW_TEXT("tree", settings->away[i].path),
		       BW_TEXT("why", settings->away[i].why), BW_TEXT("next", BW_AWAY_NEXT));
}

void bw_volumes_note(struct bw_guard_settings *settings, const struct bw_volume *volumes, size_t count)
{
	for (size_t i = 0; i < settings->tree_count; i++) {
		for (size_t n = 0; n < count; n++) {
			if (bw_volume_holds(&volumes[n], settings->trees[i]))
				settings->mounts[i] = volumes[n].mount;
		}
	}
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
