#include "guard/foreign_names.h"

#include <stdlib.h>

struct looking {
	const struct bw_exact *set;
	bool *is_own; /* one a value */
};

static enum bw_err see(void *context, const struct bw_shelf_version *version)
{
	const struct looking *looking = context;
	struct bw_exact_found found;

	if (bw_exact_find_name(looking->set, version->name, &found))
		looking->is_own[found.number] = true;
	return BW_OK;
}

enum bw_err bw_foreign_names(struct bw_shadow *const *shadows, size_t count, const struct bw_exact *set,
			     struct bw_buf *out)
{
	struct looking looking = { set, calloc((size_t)set->count + 1, sizeof(bool)) };
	enum bw_err err = looking.is_own == NULL ? BW_ERR_MEMORY : BW_OK;

	for (size_t i = 0; i < count && err == BW_OK; i++) {
		if (shadows[i] != NULL)
			err = bw_shelf_each(bw_shadow_shelf(shadows[i]), see, &looking);
	}
	for (uint32_t i = 0; i < set->count && err == BW_OK; i++) {
		if (looking.is_own[i])
			err = bw_buf_add_be32(out, i);
	}
	free(looking.is_own);
	return err;
}
