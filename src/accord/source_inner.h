/* Between source.c and source_ask.c; no door. */
#ifndef BW_ACCORD_SOURCE_INNER_H
#define BW_ACCORD_SOURCE_INNER_H

#include "accord/source.h"
#include "store/bulletin.h"

enum { BW_SOURCE_KINDS = 1 << 16 }; /* of collections, by number */

/* What is known of a collection's number; never changes. */
enum bw_source_kind { BW_SOURCE_UNKNOWN, BW_SOURCE_OURS, BW_SOURCE_INBOUND };

struct bw_sources {
	struct bw_store *store;
	bool is_own; /* the store is ours to close */
	bool has_bulletin;
	struct bw_bulletin bulletin;
	uint64_t catalog; /* the generation `collections` is of */
	bool has_collections;
	struct bw_arena arena; /* of them */
	struct bw_collection *collections;
	size_t collection_count;
	uint8_t kinds[BW_SOURCE_KINDS];
};

/* Reads the list of collections when it may have changed. */
BW_MUST_USE enum bw_err bw_sources_know(struct bw_sources *s);

/* The collection of what that node told. NOT_FOUND: it told nothing. */
BW_MUST_USE enum bw_err bw_sources_of(struct bw_sources *s, const uint8_t node[BW_SHA256_BYTES],
				      const struct bw_collection **out);

#endif
