/*
 * What the writer remembers of objects with many versions, so that each further
 * one need not walk over all before it: where each version lies, and per
 * collection what a put asks for (the newest and oldest version, revoked or not,
 * which specifications). Private to the room.
 *
 * Derived from the catalogue and kept in the writer's memory alone, about 16
 * bytes a version, from the first long walk until what it says may be untrue: a
 * rollback, an undone step, a removal (bw_lineages_forget). A chain of up to
 * BW_LINEAGE_SHORT rows is walked instead. Without memory it is walked too.
 */
#ifndef BW_STORE_LINEAGE_H
#define BW_STORE_LINEAGE_H

#include "store/catalogue.h"

enum {
	BW_LINEAGE_SHORT = 64,         /* rows whose walk costs less than remembering them */
	BW_LINEAGE_KEPT = 1024 * 1024, /* rows remembered beyond a commit: 16 MiB */
};

struct bw_lineages; /* NULL: nothing is remembered */
struct bw_lineage;

/* What one collection has of the object. Rows, BW_CAT_NONE when there is none; [0] STIX 2.1, [1] 2.0. */
struct bw_lineage_part {
	uint16_t collection;
	bool has[2];
	int64_t last[2];
	int64_t first[2];
	int64_t revoked; /* the revoked row that was added last */
};

void bw_lineages_forget(struct bw_lineages **all);

/* After a commit: forgets when more is remembered than BW_LINEAGE_KEPT. */
void bw_lineages_trim(struct bw_lineages **all);

/* The chain that ends at `newest`, when it is remembered; else NULL. */
struct bw_lineage *bw_lineage_find(const struct bw_lineages *all, const struct bw_catalogue *cat, int64_t newest);

/* Remembers the live rows of the chain that ends at `newest`. NULL without memory. */
struct bw_lineage *bw_lineage_learn(struct bw_lineages **all, const struct bw_catalogue *cat, int64_t newest);

/* `row` was appended behind the lineage's newest. Without memory everything is forgotten. */
void bw_lineage_grow(struct bw_lineages **all, const struct bw_catalogue *cat, struct bw_lineage *lineage, int64_t row);

/* NULL when the collection has no live row of it. As it was when learned, and has grown since. */
const struct bw_lineage_part *bw_lineage_part(const struct bw_lineage *lineage, uint16_t collection);

/*
 * Rows whose version has this mark; call again with the same `probe` (0 at first) until BW_CAT_NONE.
 * Rows removed since it was learned come too: the caller looks at the flags.
 */
int64_t bw_lineage_next(const struct bw_lineage *lineage, const struct bw_catalogue *cat, uint32_t mark,
			uint64_t *probe);

/*
 * The newest live row, or one behind which it lies, once somebody has looked for it: chains can
 * begin with many removed rows, or have no others (BW_CAT_NONE).
 */
int64_t bw_lineage_living(const struct bw_lineage *lineage);
void bw_lineage_set_living(struct bw_lineage *lineage, int64_t row);

#endif
