/*
 * Places of a large file before and after: what was written there since? Whoever encrypts parts of it leaves
 * nothing but noise wherever he was; whoever works with it does not.
 */
#include "guard/content_count.h"
#include "guard/content_finding.h"

enum {
	CHANGED_LEAST = 64,                 /* bytes of a place: with fewer, noise and text overlap */
	STRUCTURED_CHI = 2 * BW_CHI_RANDOM, /* what stood there must have been far from random */
	FELL_LEAST = 4,                     /* places: of less, chance and a corner that is packed anyway */
	OTHERWISE_ONE_IN = 4, /* an edge of what was written may hold too little to be told from a field that changed */
};

struct places {
	struct bw_count old; /* bytes that were replaced, where structure fell to noise */
	struct bw_count new; /* and those that stand there */
	uint32_t changed;
	uint32_t fell;
	uint32_t otherwise; /* changed to something else than noise, or hardly at all */
};

static void count_place(const uint8_t *old, const uint8_t *new, struct places *places)
{
	uint8_t was[BW_PLACE_BYTES];
	uint8_t is[BW_PLACE_BYTES];
	struct bw_count before = { 0 };
	struct bw_count after = { 0 };
	size_t changed = 0;

	for (size_t i = 0; i < BW_PLACE_BYTES; i++) {
		was[changed] = old[i];
		is[changed] = new[i];
		changed += old[i] != new[i];
	}
	places->changed++;
	bw_count_add(&before, bw_slice_of(was, changed));
	if (bw_count_values(&before) == 1 && changed >= CHANGED_LEAST)
		return; /* nothing was lost there */
	bw_count_add(&after, bw_slice_of(is, changed));
	if (changed < CHANGED_LEAST || bw_count_chi(&after) >= BW_CHI_RANDOM) {
		places->otherwise++;
		return;
	}
	if (bw_count_chi(&before) < STRUCTURED_CHI)
		return; /* noise for noise says nothing */
	places->fell++;
	bw_count_merge(&places->old, &before);
	bw_count_merge(&places->new, &after);
}

void bw_content_compare_places(struct bw_slice old, struct bw_slice new, struct bw_finding *out, uint32_t *out_changed)
{
	const size_t len = old.len < new.len ? old.len : new.len;
	struct bw_evidence noise = { .test = BW_TEST_CHANGED_RANDOM, .strength = BW_STRENGTH_SUSPICIOUS };
	struct bw_evidence blocks = { .test = BW_TEST_BLOCKS_RANDOM, .strength = BW_STRENGTH_SUSPICIOUS };
	struct places places = { .changed = 0 };
	bool has_kept_books = false; /* a file system or a database, which writes down in its first page what it did */

	for (size_t at = 0; len - at >= BW_PLACE_BYTES; at += BW_PLACE_BYTES) {
		if (memcmp(old.ptr + at, new.ptr + at, BW_PLACE_BYTES) != 0)
			count_place(old.ptr + at, new.ptr + at, &places);
		has_kept_books |= at == 0 && places.otherwise > 0;
	}
	*out = (struct bw_finding){ 0 };
	*out_changed = places.changed;
	if (has_kept_books || places.fell < FELL_LEAST || places.otherwise * OTHERWISE_ONE_IN > places.fell)
		return;
	noise.before = bw_count_chi(&places.old);
	noise.after = bw_count_chi(&places.new);
	blocks.before = places.changed;
	blocks.after = places.fell;
	bw_finding_add(out, BW_STRENGTH_SUSPICIOUS, &noise);
	bw_finding_add(out, BW_STRENGTH_SUSPICIOUS, &blocks);
}
