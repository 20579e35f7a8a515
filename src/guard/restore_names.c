/* A file with several names comes back under all of them, as links of one file (bw_shelf_names in store/shelf.h). */
#include "guard/restore_plan.h"

struct naming {
	struct bw_restore_plan *plan;
	const struct bw_step *version;
	size_t count;
};

/* From two on each is looked for among those that are back, and linked to it. */
void bw_restore_plan_name(struct bw_step *step)
{
	step->named = 1;
	step->links = step->links < 2 ? 2 : step->links;
}

static enum bw_err see_name(void *context, const struct bw_shelf_name *name)
{
	struct naming *naming = context;
	BW_CLEANUP(bw_buf_release) struct bw_buf path = BW_BUF_INIT(16 * BW_PATH_BYTES);
	struct bw_step step = *naming->version;

	BW_TRY(bw_buf_add(&path, name->path));
	if (name->path.len > 0)
		BW_TRY(bw_buf_add_u8(&path, '/'));
	BW_TRY(bw_buf_add(&path, name->name));
	bw_restore_plan_name(&step);
	BW_TRY(bw_restore_plan_words(naming->plan, bw_buf_text(&path), &step.path));
	naming->count++;
	return bw_restore_plan_add(naming->plan, &step);
}

enum bw_err bw_restore_plan_names(struct bw_restore_plan *plan, uint8_t volume, const struct bw_step *version,
				  int64_t at_us, size_t *out_count)
{
	const struct bw_shelf_key key = { version->key.ino, version->key.tree, version->key.gen };
	struct naming naming = { .plan = plan, .version = version };

	BW_TRY(bw_shelf_names(bw_shadow_shelf(plan->shadows[volume]), &key, at_us, see_name, &naming));
	*out_count = naming.count;
	return BW_OK;
}
