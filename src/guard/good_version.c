#include "guard/good_version.h"

enum { LOOKS_MOST = 64 };

/* Member by member: what lies between them is nobody's. */
static bool same_features(const struct bw_content *a, const struct bw_content *b)
{
	return a->size_low == b->size_low && a->size_high == b->size_high && a->format == b->format &&
	       a->grade == b->grade && a->state == b->state && a->windows == b->windows && a->chi == b->chi &&
	       a->controls == b->controls && a->letters == b->letters && a->spaces == b->spaces &&
	       a->flags == b->flags && a->symbols == b->symbols &&
	       memcmp(a->classes, b->classes, sizeof(a->classes)) == 0;
}

static bool has_features(const struct bw_shelf_version *version, const struct bw_content *old)
{
	struct bw_content content;

	if (version->content.len < sizeof(content))
		return false;
	memcpy(&content, version->content.ptr, sizeof(content));
	return same_features(&content, old);
}

enum bw_err bw_good_version(struct bw_shelf *shelf, uint64_t number, const struct bw_content *old,
			    struct bw_arena *arena, struct bw_shelf_version *out)
{
	static const struct bw_content unknown;
	struct bw_shelf_version version;

	bw_arena_reset(arena);
	BW_TRY(bw_shelf_get(shelf, number, arena, &version));
	if (same_features(old, &unknown) || version.content.len == 0 || has_features(&version, old)) {
		*out = version;
		return BW_OK;
	}
	for (size_t i = 0; i < LOOKS_MOST && version.before != 0; i++) {
		const uint64_t before = version.before;

		bw_arena_reset(arena);
		if (bw_shelf_get(shelf, before, arena, &version) != BW_OK)
			break;
		if (has_features(&version, old) && version.state == BW_SHELF_GOOD) {
			*out = version;
			return BW_OK;
		}
	}
	bw_arena_reset(arena);
	return bw_shelf_get(shelf, number, arena, out);
}
