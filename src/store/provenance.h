/*
 * Where an object came from, when it came from another node: kept beside its row, written in the same transaction.
 *
 * Each partner has an inbound collection of its own, whose number never names another's. A row of an inbound
 * collection without provenance was put there by somebody else: nobody has said what may be done with it, and whoever
 * decides reads it as TLP:RED. Narrowing is remembered, widening is not: the same version that comes
 * again meets what it came with before (intel/policy.h).
 */
#ifndef BW_STORE_PROVENANCE_H
#define BW_STORE_PROVENANCE_H

#include "intel/policy.h"
#include "store/store.h"

enum { BW_ROUTE_NODES_MAX = 16 }; /* a path longer than that is refused: RANGE */

struct bw_provenance {
	uint8_t node[BW_SHA256_BYTES];   /* the partner who told this node */
	uint8_t accord[BW_SHA256_BYTES]; /* hash of the accord's text under which it did */
	uint64_t entry;                  /* in the partner's log of that direction */
	struct bw_policy inherited;      /* not_after_us is the end of its retention here */
	size_t path_count;               /* nodes it went through before that partner, the first one first */
	uint8_t path[BW_ROUTE_NODES_MAX][BW_SHA256_BYTES];
};

/* Has it been at this node? The partner who told counts. */
bool bw_provenance_has_been(const struct bw_provenance *from, const uint8_t node[BW_SHA256_BYTES]);

/*
 * The inbound collection of a partner, made when there is none: `title` is for people, and its alias is made of it
 * ("from-lake-centre") where that is free. In the open transaction.
 */
BW_MUST_USE enum bw_err bw_store_inbound(struct bw_store *store, const uint8_t node[BW_SHA256_BYTES],
					 struct bw_slice title, struct bw_collection *out);

/* Whose a collection is, also one that has been removed. NOT_FOUND. */
BW_MUST_USE enum bw_err bw_store_collection_node(struct bw_store *store, uint16_t number, bool *is_inbound,
						 uint8_t out_node[BW_SHA256_BYTES]);

/* As bw_store_put, of records that a partner sent; `from` has `count` rows. RANGE: a path that is too long. */
BW_MUST_USE enum bw_err bw_store_put_foreign(struct bw_store *store, uint16_t collection,
					     const struct bw_record *records, const struct bw_provenance *from,
					     size_t count, struct bw_put *out);

/* The provenance of the row added then. NOT_FOUND: it has none. */
BW_MUST_USE enum bw_err bw_store_provenance(struct bw_store *store, int64_t date_added_us, struct bw_provenance *out);

/*
 * The collection through which the object first came here: its creator is the node behind it. Objects carry no
 * signatures, so a newer version, a revocation or a wider marking counts only if it came the same way. NOT_FOUND.
 */
BW_MUST_USE enum bw_err bw_store_creator(struct bw_store *store, struct bw_slice id, uint16_t *out_collection);

/*
 * The accord has ended and asks that what came under it is destroyed: its time is over now, for bw_store_retire. Each
 * version of an accord has a hash of its own. In the open transaction.
 */
BW_MUST_USE enum bw_err bw_store_accord_over(struct bw_store *store, const uint8_t node[BW_SHA256_BYTES],
					     const uint8_t accord[BW_SHA256_BYTES], uint64_t *out_count);

/*
 * How many object versions that came so are not at their end at `now_us`: what bw_store_accord_over would still end.
 * For reading; it looks at every row that came from another node.
 */
BW_MUST_USE enum bw_err bw_store_accord_left(struct bw_store *store, const uint8_t node[BW_SHA256_BYTES],
					     const uint8_t accord[BW_SHA256_BYTES], int64_t now_us,
					     uint64_t *out_count);

/*
 * Erases what a partner sent and whose time is over at `now_us`: at most `most` rows, the earliest first. In the open
 * transaction. The id may come back under another accord.
 */
BW_MUST_USE enum bw_err bw_store_retire(struct bw_store *store, int64_t now_us, size_t most, size_t *out_count);

#endif
