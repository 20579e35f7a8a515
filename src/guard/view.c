#include "guard/view.h"

#include <stdlib.h>

#include "guard/view_parts.h"
#include "guard/volumes.h"
#include "store/shelf_view.h"
#include "sys/clock.h"

enum { KIND_FOLDER = 1, KIND_VERSION = 2, PATH_BITS = 30, VERSION_BITS = 56 };

#define KIND_SHIFT 62
#define PATH_MASK ((UINT64_C(1) << PATH_BITS) - 1)
#define VERSION_MASK ((UINT64_C(1) << VERSION_BITS) - 1)
#define VOLUME_MASK UINT64_C(63)

enum bw_err bw_view_open(const struct bw_guard_settings *settings, const struct bw_volume *volumes, size_t count,
			 struct bw_view **out, struct bw_why *why)
{
	struct bw_view *view = calloc(1, sizeof(*view));
	enum bw_err err;

	BW_NEED(view != NULL, MEMORY);
	view->settings = settings;
	view->volumes = volumes;
	view->volume_count = count;
	view->arena = BW_ARENA_INIT(VIEW_MEMORY);
	err = bw_view_paths_new(BW_VIEW_PATHS_MAX, &view->paths);
	for (size_t i = 0; i < count && err == BW_OK; i++)
		err = bw_shadow_open(&volumes[i], true, &view->shadows[i], why);
	if (err != BW_OK) {
		bw_view_close(view);
		return err;
	}
	*out = view;
	return BW_OK;
}

void bw_view_close(struct bw_view *view)
{
	if (view == NULL)
		return;
	for (size_t i = 0; i < view->volume_count; i++)
		bw_shadow_close(view->shadows[i]);
	bw_view_paths_free(view->paths);
	bw_arena_release(&view->arena);
	free(view);
}

/* ---- nodes --------------------------------------------------------------------------------------- */

static uint64_t folder_node(uint32_t moment_s, uint32_t path)
{
	return (uint64_t)KIND_FOLDER << KIND_SHIFT | (uint64_t)moment_s << PATH_BITS | path;
}

static uint64_t version_node(const struct bw_volume *volume, uint64_t version)
{
	return (uint64_t)KIND_VERSION << KIND_SHIFT | (uint64_t)volume->number << VERSION_BITS |
	       (version & VERSION_MASK);
}

static enum bw_err find_version(struct bw_view *view, uint64_t node, const struct bw_volume **out_volume,
				struct bw_shelf_version *out)
{
	const uint64_t volume = node >> VERSION_BITS & VOLUME_MASK;

	BW_NEED(node >> KIND_SHIFT == KIND_VERSION && volume < view->volume_count, NOT_FOUND);
	*out_volume = &view->volumes[volume];
	return bw_shelf_get(bw_shadow_shelf(view->shadows[volume]), node & VERSION_MASK, &view->arena, out);
}

/* ---- folders ---------------------------------------------------------------------------------------- */

static bool is_above(const struct bw_view *view, const char *path)
{
	const size_t len = strlen(path);

	for (size_t i = 0; i < view->settings->tree_count; i++) {
		const char *tree = view->settings->trees[i];

		if (strncmp(tree, path, len) == 0 && tree[len] == '/' && tree[1] != '\0')
			return true;
	}
	return false;
}

/* What a path is, of those there can be. It is not said that there is anything. */
static enum bw_err place(const struct bw_view *view, uint32_t moment_s, const char *path, struct view_folder *out)
{
	*out = (struct view_folder){ .moment_s = moment_s, .path = path, .is_above = is_above(view, path) };
	if (out->is_above)
		return BW_OK;
	BW_NEED(bw_guard_settings_cover(view->settings, path[0] == '\0' ? "/" : path), NOT_FOUND);
	out->volume = bw_volumes_find(view->volumes, view->volume_count, path, &out->inside);
	BW_NEED(out->volume != NULL, NOT_FOUND);
	return BW_OK;
}

static enum bw_err find_folder(struct bw_view *view, uint64_t node, struct view_folder *out)
{
	struct bw_slice path;

	BW_NEED(node >> KIND_SHIFT == KIND_FOLDER, NOT_FOUND);
	BW_TRY(bw_view_paths_get(view->paths, (uint32_t)(node & PATH_MASK), &path));
	return place(view, (uint32_t)(node >> PATH_BITS), (const char *)path.ptr, out);
}

static enum bw_err is_there(struct bw_view *view, const struct view_folder *folder)
{
	if (folder->is_above || folder->inside.len == 0)
		return BW_OK;
	return bw_shelf_folder_is(bw_shadow_shelf(view->shadows[folder->volume->number]), folder->inside);
}

/* ---- what stands there ---------------------------------------------------------------------------------- */

static void fill(struct stat *out, uint64_t node, mode_t type, const struct bw_rights *rights)
{
	out->st_ino = node;
	out->st_mode = type | (mode_t)rights->mode;
	out->st_uid = rights->uid;
	out->st_gid = rights->gid;
	out->st_nlink = 1;
	out->st_blksize = 4096;
	out->st_blocks = (out->st_size + 511) / 512;
	out->st_atim = out->st_mtim;
	out->st_ctim = out->st_mtim;
}

static void stat_top(struct stat *out)
{
	const struct bw_rights rights = { .mode = 0555, .acl = bw_slice_empty };

	*out = (struct stat){ 0 };
	fill(out, BW_VIEW_TOP, S_IFDIR, &rights);
}

static void stat_folder(struct bw_view *view, const struct view_folder *folder, uint64_t node, struct stat *out)
{
	struct bw_rights rights;

	*out = (struct stat){ 0 };
	view_folder_rights(view, folder, out, &rights);
	fill(out, node, S_IFDIR, &rights);
}

static enum bw_err stat_version(struct bw_view *view, uint64_t node, struct stat *out, struct bw_rights *out_rights,
				struct bw_meta *out_meta)
{
	const struct bw_volume *volume;
	struct bw_shelf_version version;

	BW_TRY(find_version(view, node, &volume, &version));
	BW_NEED(S_ISREG(version.kind) || S_ISLNK(version.kind), NOT_FOUND);
	BW_TRY(bw_meta_parse(version.meta, out_meta));
	view_file_rights(view, volume, &version, out_meta, out_rights);
	*out = (struct stat){ .st_mtim = out_meta->mtime };
	out->st_size = (off_t)(S_ISLNK(version.kind) ? out_meta->target.len : version.size);
	fill(out, node, version.kind & S_IFMT, out_rights);
	return BW_OK;
}

enum bw_err bw_view_stat(struct bw_view *view, uint64_t node, struct stat *out)
{
	struct view_folder folder;
	struct bw_rights rights;
	struct bw_meta meta;

	bw_arena_reset(&view->arena);
	if (node == BW_VIEW_TOP) {
		stat_top(out);
		return BW_OK;
	}
	if (node >> KIND_SHIFT == KIND_VERSION)
		return stat_version(view, node, out, &rights, &meta);
	BW_TRY(find_folder(view, node, &folder));
	stat_folder(view, &folder, node, out);
	return BW_OK;
}

/* ---- looking up ------------------------------------------------------------------------------------------- */

static enum bw_err lookup_moment(struct bw_view *view, struct bw_slice name, struct stat *out)
{
	struct view_folder folder;
	uint32_t moment;

	BW_NEED(bw_moment_parse(name, &moment) == BW_OK, NOT_FOUND);
	BW_NEED((int64_t)moment * 1000000 <= bw_clock_now_us(), NOT_FOUND);
	BW_TRY(place(view, moment, "", &folder));
	stat_folder(view, &folder, folder_node(moment, 0), out);
	return BW_OK;
}

static enum bw_err join(struct bw_view *view, const struct view_folder *folder, struct bw_slice name, const char **out)
{
	const size_t len = strlen(folder->path);
	char *path = bw_arena_take(&view->arena, len + name.len + 2);

	BW_NEED(path != NULL, MEMORY);
	memcpy(path, folder->path, len);
	path[len] = '/';
	memcpy(path + len + 1, name.ptr, name.len);
	path[len + 1 + name.len] = '\0';
	BW_NEED(len + 1 + name.len < BW_PATH_BYTES, NOT_FOUND);
	*out = path;
	return BW_OK;
}

static enum bw_err lookup_folder(struct bw_view *view, const struct view_folder *parent, struct bw_slice name,
				 struct stat *out)
{
	struct view_folder folder;
	const char *path;
	uint32_t number;

	BW_TRY(join(view, parent, name, &path));
	BW_TRY(place(view, parent->moment_s, path, &folder));
	BW_TRY(is_there(view, &folder));
	BW_TRY(bw_view_paths_put(view->paths, bw_slice_text(path), &number));
	stat_folder(view, &folder, folder_node(parent->moment_s, number), out);
	return BW_OK;
}

static enum bw_err lookup_version(struct bw_view *view, const struct view_folder *parent, struct bw_slice name,
				  struct stat *out)
{
	struct bw_shelf *shelf;
	struct bw_rights rights;
	struct bw_meta meta;
	const char *path;
	uint64_t version;
	uint32_t number;

	BW_NEED(!parent->is_above, NOT_FOUND);
	BW_TRY(join(view, parent, name, &path));
	BW_NEED(bw_guard_settings_cover(view->settings, path), NOT_FOUND);
	shelf = bw_shadow_shelf(view->shadows[parent->volume->number]);
	BW_TRY(bw_shelf_folder_find(shelf, parent->inside, &number));
	BW_TRY(bw_shelf_name_in(shelf, number, name, (int64_t)parent->moment_s * 1000000, &version));
	return stat_version(view, version_node(parent->volume, version), out, &rights, &meta);
}

enum bw_err bw_view_lookup(struct bw_view *view, uint64_t node, struct bw_slice name, struct stat *out)
{
	struct view_folder folder;
	enum bw_err err;

	bw_arena_reset(&view->arena);
	BW_NEED(name.len > 0 && name.len <= BW_SHELF_NAME_BYTES && memchr(name.ptr, '/', name.len) == NULL &&
			memchr(name.ptr, 0, name.len) == NULL,
		NOT_FOUND);
	if (node == BW_VIEW_TOP)
		return lookup_moment(view, name, out);
	BW_TRY(find_folder(view, node, &folder));
	err = lookup_version(view, &folder, name, out);
	return err == BW_ERR_NOT_FOUND ? lookup_folder(view, &folder, name, out) : err;
}

/* ---- listing ------------------------------------------------------------------------------------------------ */

struct listing {
	struct bw_view *view;
	const struct view_folder *folder;
	bw_view_see *see;
	void *context;
	size_t mark; /* of the arena */
};

/* A moment is listed when something was taken in it, on any volume. */
static enum bw_err list_moments(struct bw_view *view, bw_view_see *see, void *context)
{
	const int64_t now = bw_clock_now_us();
	int64_t until = now;
	char name[BW_MOMENT_BYTES];

	for (size_t n = 0; n < BW_MOMENTS_MAX; n++) {
		int64_t newest = INT64_MIN;
		uint32_t moment;

		for (size_t i = 0; i < view->volume_count; i++) {
			int64_t taken;
			const enum bw_err err = bw_shelf_taken_until(bw_shadow_shelf(view->shadows[i]), until, &taken);

			BW_NEED(err == BW_OK || err == BW_ERR_NOT_FOUND, IO);
			newest = err == BW_OK && taken > newest ? taken : newest;
		}
		if (newest == INT64_MIN)
			return BW_OK;
		moment = bw_moment_of(newest, now);
		until = moment != 0 ? bw_moment_before(moment, now) : newest - 1;
		if (moment == 0)
			until = now / 60000000 * 60000000 - 1; /* the minute that has not ended */
		bw_moment_name(moment, name);
		if (moment != 0)
			BW_TRY(see(context, bw_slice_text(name), folder_node(moment, 0), S_IFDIR));
	}
	return BW_OK;
}

static enum bw_err see_child(struct listing *listing, struct bw_slice name)
{
	struct view_folder folder;
	const char *path;
	uint32_t number;

	BW_TRY(join(listing->view, listing->folder, name, &path));
	if (place(listing->view, listing->folder->moment_s, path, &folder) != BW_OK)
		return BW_OK;
	BW_TRY(bw_view_paths_put(listing->view->paths, bw_slice_text(path), &number));
	return listing->see(listing->context, name, folder_node(listing->folder->moment_s, number), S_IFDIR);
}

static enum bw_err see_folder(void *context, struct bw_slice name)
{
	struct listing *listing = context;

	bw_arena_reset(&listing->view->arena);
	return see_child(listing, name);
}

static enum bw_err see_name(void *context, struct bw_slice name, uint64_t version, uint32_t kind)
{
	struct listing *listing = context;
	const char *path;

	bw_arena_reset(&listing->view->arena);
	BW_TRY(join(listing->view, listing->folder, name, &path));
	if (!bw_guard_settings_cover(listing->view->settings, path))
		return BW_OK;
	return listing->see(listing->context, name, version_node(listing->folder->volume, version), kind & S_IFMT);
}

/* The next part of each tree that lies below. */
static enum bw_err list_above(struct listing *listing)
{
	const struct bw_guard_settings *settings = listing->view->settings;
	const size_t len = strlen(listing->folder->path);

	for (size_t i = 0; i < settings->tree_count; i++) {
		struct bw_slice name = bw_slice_text(settings->trees[i]);
		struct bw_slice rest;
		bool seen = false;

		if (strncmp(settings->trees[i], listing->folder->path, len) != 0 || settings->trees[i][len] != '/')
			continue;
		name = bw_slice_from(name, len + 1);
		(void)bw_slice_cut(name, '/', &name, &rest);
		for (size_t k = 0; k < i && !seen; k++)
			seen = strncmp(settings->trees[k], settings->trees[i], len + 1 + name.len) == 0 &&
			       (settings->trees[k][len + 1 + name.len] == '/' ||
				settings->trees[k][len + 1 + name.len] == '\0');
		if (!seen)
			BW_TRY(see_child(listing, name));
	}
	return BW_OK;
}

enum bw_err bw_view_list(struct bw_view *view, uint64_t node, bw_view_see *see, void *context)
{
	struct listing listing = { .view = view, .see = see, .context = context };
	struct view_folder folder;
	struct bw_shelf *shelf;
	uint32_t number;
	enum bw_err err;

	bw_arena_reset(&view->arena);
	if (node == BW_VIEW_TOP)
		return list_moments(view, see, context);
	BW_TRY(find_folder(view, node, &folder));
	listing.folder = &folder;
	if (folder.is_above)
		return list_above(&listing);
	shelf = bw_shadow_shelf(view->shadows[folder.volume->number]);
	err = bw_shelf_folder_find(shelf, folder.inside, &number);
	if (err == BW_OK)
		err = bw_shelf_names_in(shelf, number, (int64_t)folder.moment_s * 1000000, see_name, &listing);
	if (err != BW_OK && err != BW_ERR_NOT_FOUND)
		return err;
	return bw_shelf_folders_in(shelf, folder.inside, see_folder, &listing);
}

/* ---- contents ------------------------------------------------------------------------------------------------- */

enum bw_err bw_view_read(struct bw_view *view, uint64_t node, uint64_t at, size_t max, struct bw_buf *out)
{
	const struct bw_volume *volume;
	struct bw_shelf_version version;

	bw_arena_reset(&view->arena);
	BW_TRY(find_version(view, node, &volume, &version));
	if (at >= version.size)
		return BW_OK;
	return bw_shadow_peek(view->shadows[volume->number], &version, at, max, out);
}

enum bw_err bw_view_target(struct bw_view *view, uint64_t node, struct bw_buf *out)
{
	struct bw_rights rights;
	struct bw_meta meta;
	struct stat status;

	bw_arena_reset(&view->arena);
	BW_TRY(stat_version(view, node, &status, &rights, &meta));
	BW_NEED(S_ISLNK(status.st_mode), TYPE);
	return bw_buf_add(out, meta.target);
}

/* Of what says who may read, only what the rights above took in whole. */
static bool is_shown(struct bw_slice name, const struct bw_rights *rights)
{
	if (bw_slice_is(name, "system.posix_acl_access"))
		return rights->acl.len > 0;
	if (bw_slice_is(name, "security.NTACL"))
		return !rights->is_narrowed;
	return bw_slice_starts(name, BW_LIT("user."));
}

/* NOT_FOUND with OK's place: a folder has none but its list. */
static enum bw_err attributes_of(struct bw_view *view, uint64_t node, struct bw_rights *out_rights,
				 struct bw_meta *out_meta)
{
	struct view_folder folder;
	struct stat status;

	*out_meta = (struct bw_meta){ 0 };
	*out_rights = bw_rights_root;
	bw_arena_reset(&view->arena);
	if (node == BW_VIEW_TOP)
		return BW_OK;
	if (node >> KIND_SHIFT == KIND_VERSION)
		return stat_version(view, node, &status, out_rights, out_meta);
	BW_TRY(find_folder(view, node, &folder));
	view_folder_rights(view, &folder, &status, out_rights);
	if (out_rights->acl.len > 0) {
		out_meta->attributes[0] = (struct bw_attribute){ BW_LIT("system.posix_acl_access"), out_rights->acl };
		out_meta->attribute_count = 1;
	}
	return BW_OK;
}

enum bw_err bw_view_attribute(struct bw_view *view, uint64_t node, struct bw_slice name, struct bw_buf *out)
{
	struct bw_rights rights;
	struct bw_meta meta;

	BW_TRY(attributes_of(view, node, &rights, &meta));
	for (size_t i = 0; i < meta.attribute_count; i++) {
		if (bw_slice_equals(meta.attributes[i].name, name) && is_shown(name, &rights))
			return bw_buf_add(out, meta.attributes[i].value);
	}
	return BW_ERR_MISSING;
}

enum bw_err bw_view_attributes(struct bw_view *view, uint64_t node, struct bw_buf *out)
{
	struct bw_rights rights;
	struct bw_meta meta;

	BW_TRY(attributes_of(view, node, &rights, &meta));
	for (size_t i = 0; i < meta.attribute_count; i++) {
		if (!is_shown(meta.attributes[i].name, &rights))
			continue;
		BW_TRY(bw_buf_add(out, meta.attributes[i].name));
		BW_TRY(bw_buf_add_u8(out, 0));
	}
	return BW_OK;
}
