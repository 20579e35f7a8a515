/* A file vanished, another appeared: is it the same content, made unreadable? */
#include "guard/content_finding.h"

enum {
	FOOTER_MOST = 4096, /* keys, padding, a header */
	SHRUNK_MOST = 64,   /* packed first, then encrypted */
};

/* Sizes that hold all of the original: as it was, in base64, in base32 or hex. */
static bool holds_all(uint64_t gone, uint64_t new)
{
	const uint64_t ratio = new * 100 / gone;

	return (new >= gone &&new - gone <= FOOTER_MOST + gone / 16) || (ratio >= 132 && ratio <= 140) ||
	       (ratio >= 159 && ratio <= 166) || (ratio >= 199 && ratio <= 206);
}

static bool holds_packed(uint64_t gone, uint64_t new)
{
	return new < gone &&new >= gone / SHRUNK_MOST;
}

void bw_content_join(const struct bw_content *gone, const struct bw_content *new, struct bw_finding *out)
{
	const uint64_t gone_size = bw_content_size(gone);
	const uint64_t new_size = bw_content_size(new);
	struct bw_finding all;
	bool fits;

	*out = (struct bw_finding){ 0 };
	if (gone_size == 0 || new_size == 0)
		return;
	fits = holds_all(gone_size, new_size);
	if (!fits && !holds_packed(gone_size, new_size))
		return;
	bw_content_compare(gone, new, &all);
	for (size_t i = 0; i < all.count; i++) {
		struct bw_evidence *evidence = &all.tests[i];

		/* a good archive beside the deleted original is what archives are for; a shorter one was cut nowhere */
		if (evidence->test == BW_TEST_PACKED || evidence->test == BW_TEST_CUT)
			continue;
		if (!fits)
			evidence->strength = BW_STRENGTH_SUSPICIOUS;
		bw_finding_add(out, (enum bw_strength)evidence->strength, evidence);
	}
	out->blind = all.blind && out->strength != BW_STRENGTH_STRONG;
}
