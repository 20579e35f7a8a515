/* `breakwater guard versions`: what is kept of one file. */
#include <stdio.h>
#include <sys/stat.h>

#include "codec/json_text.h"
#include "guard/plain.h"
#include "guard/restore_plan.h"
#include "guard/volumes.h"

enum { SETTINGS_MEMORY = 16 * 1024 * 1024, PAGE_BYTES = 64 * 1024 * 1024 };

struct listing {
	const struct bw_call *call;
	struct bw_arena arena;
	struct bw_guard_settings settings;
	struct bw_volume volumes[BW_VOLUMES_MAX];
	size_t volume_count;
	struct bw_buf json;
	size_t count;
};

static const char *state_words(uint32_t state)
{
	return state == BW_SHELF_GOOD       ? "good"
	       : state == BW_SHELF_DOUBTFUL ? "doubtful"
					    : "changed while it was copied";
}

static enum bw_err json_version(struct bw_buf *out, const struct bw_shelf_version *version)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_num(out, "version", (int64_t)version->number));
	BW_TRY(bw_plain_json_time(out, "taken", version->taken_us));
	BW_TRY(bw_plain_json_time(out, "modified", version->mtime_us));
	BW_TRY(bw_json_add_num(out, "size", (int64_t)version->size));
	BW_TRY(bw_json_add_text(out, "state", bw_slice_text(state_words(version->state))));
	if (version->incident != 0)
		BW_TRY(bw_json_add_num(out, "incident", (int64_t)version->incident));
	return bw_buf_add_u8(out, '}');
}

static enum bw_err see(void *context, const struct bw_shelf_version *version)
{
	struct listing *listing = context;
	char taken[BW_PLAIN_BYTES];
	char modified[BW_PLAIN_BYTES];
	char size[BW_PLAIN_BYTES];

	listing->count++;
	if (bw_call_json(listing->call)) {
		if (listing->count > 1)
			BW_TRY(bw_buf_add_u8(&listing->json, ','));
		return json_version(&listing->json, version);
	}
	if (listing->count == 1)
		(void)printf("%-10s  %-25s  %-25s  %10s\n", "version", "taken", "modified", "size");
	(void)printf("%-10llu  %-25s  %-25s  %10s  %s", (unsigned long long)version->number,
		     bw_plain_time(version->taken_us, taken), bw_plain_time(version->mtime_us, modified),
		     bw_plain_size(version->size, size), state_words(version->state));
	if (version->incident != 0)
		(void)printf(", kept for incident %llu", (unsigned long long)version->incident);
	(void)putchar('\n');
	return BW_OK;
}

static enum bw_err list(struct listing *listing, struct bw_why *why)
{
	const char *asked = bw_call_arg(listing->call, 0);
	const struct bw_volume *volume;
	struct bw_shadow *shadow;
	char path[BW_PATH_BYTES];
	struct bw_slice folder;
	struct bw_slice name;
	uint32_t number;
	struct stat status;
	enum bw_err err;

	BW_TRY(bw_guard_settings_load(bw_call_data(listing->call), &listing->arena, &listing->settings, why));
	BW_TRY(bw_volumes_open(&listing->settings, listing->volumes, &listing->volume_count, why));
	BW_TRY(bw_restore_path(asked, path, why));
	BW_TRY(bw_plain_is_here(&listing->settings, path, why));
	volume = bw_volumes_find(listing->volumes, listing->volume_count, path, &folder);
	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return bw_why_set(why, BW_ERR_TYPE, "'%s' is a folder; versions are of a file", asked);
	if (volume == NULL || folder.len == 0)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "'%s' is not on a guarded file system", asked);
	bw_restore_split(folder, &folder, &name);
	BW_TRY(bw_shadow_open(volume, true, &shadow, why));
	err = bw_shelf_folder_find(bw_shadow_shelf(shadow), folder, &number);
	if (err == BW_OK)
		err = bw_shelf_at(bw_shadow_shelf(shadow), number, name, see, listing);
	bw_shadow_close(shadow);
	if (err == BW_ERR_NOT_FOUND || (err == BW_OK && listing->count == 0))
		return bw_why_set(why, BW_ERR_NOT_FOUND, "no version of '%s' is kept", asked);
	return err;
}

static int versions_run(struct bw_call *call)
{
	static struct listing listing; /* large */
	struct bw_why why = { 0 };
	enum bw_err err;
	int exit = BW_EXIT_OK;

	if (!bw_plain_is_root(call, "only root may look at the versions of everybody's files"))
		return BW_EXIT_FAILED;
	listing = (struct listing){ .call = call,
				    .arena = BW_ARENA_INIT(SETTINGS_MEMORY),
				    .json = BW_BUF_INIT(PAGE_BYTES) };
	err = bw_buf_add_u8(&listing.json, '[');
	if (err == BW_OK)
		err = list(&listing, &why);
	if (err != BW_OK) {
		exit = bw_complain(call, BW_EXIT_FAILED,
				   err == BW_ERR_TYPE ? "breakwater guard versions FILE, or all of a folder as it was: "
							"breakwater guard restore --tree DIR --at TIME --dry-run"
				   : err == BW_ERR_MISSING ? BW_AWAY_NEXT
							   : NULL,
				   "%s", why.text[0] != '\0' ? why.text : bw_err_text(err));
	} else if (bw_call_json(call)) {
		err = bw_buf_add_u8(&listing.json, ']');
		exit = bw_plain_json(call, err, &listing.json);
	} else {
		(void)printf("One of them comes back with: breakwater guard restore --file FILE --version N\n");
	}
	bw_volumes_release(listing.volumes, listing.volume_count);
	bw_arena_release(&listing.arena);
	bw_buf_release(&listing.json);
	return exit;
}

const struct bw_command bw_guard_versions_command = {
	.name = "versions",
	.summary = "which versions of a file are kept",
	.usage = "FILE [--format FORMAT]",
	.details = "Newest first, of whatever bore this name in this folder; the file itself may be gone.",
	.min_args = 1,
	.max_args = 1,
	.run = versions_run,
};
