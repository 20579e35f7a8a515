#include "guard/folder.h"

#include "guard/meta.h"

enum { ARENA_BYTES = 4 * 1024 * 1024 };

/* Whether the newest note says the same, and nobody noted since that it was removed. */
struct looking {
	const struct bw_meta *meta;
	bool same;
};

static enum bw_err see_newest(void *context, int64_t seen_us, struct bw_slice bytes)
{
	struct looking *looking = context;
	struct bw_meta was;

	(void)seen_us;
	looking->same = bytes.len > 0 && bw_meta_parse(bytes, &was) == BW_OK &&
			bw_meta_differs(&was, looking->meta) == NULL;
	return BW_ERR_AGAIN; /* the newest is enough */
}

enum bw_err bw_folder_remember(struct bw_shelf *shelf, struct bw_shelf_folder *folder, uint32_t *out_number)
{
	struct bw_shelf_folder row = *folder;
	struct bw_meta meta;
	struct looking looking = { &meta, false };
	uint32_t number;
	enum bw_err err;

	if (row.meta.len > 0 && bw_shelf_folder_find(shelf, row.path, &number) == BW_OK &&
	    bw_meta_parse(row.meta, &meta) == BW_OK) {
		err = bw_shelf_folder_was(shelf, number, see_newest, &looking);
		if (err != BW_OK && err != BW_ERR_AGAIN)
			return err;
	}
	if (looking.same)
		row.meta = bw_slice_empty; /* as it was */
	return bw_shelf_folder_put(shelf, &row, out_number);
}
