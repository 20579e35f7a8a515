/* The view's inside, shared by its files only. */
#ifndef BW_GUARD_VIEW_PARTS_H
#define BW_GUARD_VIEW_PARTS_H

#include "guard/meta.h"
#include "guard/view.h"
#include "guard/view_paths.h"
#include "guard/view_rights.h"

enum { VIEW_MEMORY = 4 * 1024 * 1024, VIEW_ACL_BYTES = 8 * 1024 };

struct bw_view {
	const struct bw_guard_settings *settings;
	const struct bw_volume *volumes;
	size_t volume_count;
	struct bw_shadow *shadows[BW_VOLUMES_MAX];
	struct bw_view_paths *paths;
	struct bw_arena arena; /* of one call */
};

/* A folder of the view. */
struct view_folder {
	uint32_t moment_s;
	const char *path;               /* absolute; "" is "/" */
	bool is_above;                  /* a protected tree lies below it, and it is none itself */
	const struct bw_volume *volume; /* else */
	struct bw_slice inside;         /* the path below the volume's mount */
};

/* view_live.c: what is recorded and what stands there now */
void view_folder_rights(struct bw_view *view, const struct view_folder *folder, struct stat *status,
			struct bw_rights *out);
void view_file_rights(struct bw_view *view, const struct bw_volume *volume, const struct bw_shelf_version *version,
		      const struct bw_meta *meta, struct bw_rights *out);

#endif
