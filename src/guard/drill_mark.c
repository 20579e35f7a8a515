#include "guard/drill_mark.h"

#include <stdio.h>
#include <sys/stat.h>

#include "guard/meta.h"
#include "guard/sim_parts.h"
#include "sys/files.h"

struct last_meta {
	bool is_root_only;
	bool is_known;
};

static enum bw_err see_meta(void *context, int64_t seen_us, struct bw_slice bytes)
{
	struct last_meta *last = context;
	struct bw_meta meta;

	(void)seen_us;
	if (last->is_known || bw_meta_parse(bytes, &meta) != BW_OK) /* empty: when it was removed */
		return BW_OK;
	last->is_known = true;
	last->is_root_only = meta.uid == 0 && S_ISDIR(meta.mode) && (meta.mode & 07777) == 0700;
	return BW_OK;
}

bool bw_drill_has_mark(struct bw_shelf *shelf, struct bw_slice folder)
{
	char mark[BW_PATH_BYTES + sizeof(BW_SIM_MARK)];
	struct last_meta last = { 0 };
	uint32_t number;

	if (folder.len >= BW_PATH_BYTES)
		return false;
	(void)snprintf(mark, sizeof(mark), "%.*s/%s", (int)folder.len, (const char *)folder.ptr, BW_SIM_MARK);
	return bw_shelf_folder_find(shelf, bw_slice_text(mark), &number) == BW_OK &&
	       bw_shelf_folder_was(shelf, number, see_meta, &last) == BW_OK && last.is_root_only;
}
