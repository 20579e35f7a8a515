/*
 * A record: one checked STIX object as the store keeps it. Made by
 * bw_object_check (intel/object.h) from hostile JSON in a process that holds
 * nothing; carried to the keeper in a batch (intel/batch.h).
 */
#ifndef BW_INTEL_RECORD_H
#define BW_INTEL_RECORD_H

#include "base/bytes.h"
#include "intel/types.h"

enum {
	BW_HASH_BYTES = 32,
	BW_RECORD_TERMS_MAX = 256, /* index terms of one object; the rest is found by full text */
};

/* Whether a version can be told from the object itself. */
enum bw_versioning {
	BW_VERSION_MODIFIED, /* SDO, SRO, extension definition, language content */
	BW_VERSION_CREATED,  /* marking definitions: one version, named by `created` */
	BW_VERSION_CONTENT,  /* SCOs and what has neither: the content hash tells versions apart */
};

struct bw_record {
	struct bw_slice id;     /* "indicator--…", 38..300 bytes */
	enum bw_stix_type type; /* BW_STIX_CUSTOM for any other name */
	struct bw_slice type_name;
	struct bw_slice version; /* exact text of modified or created; empty for BW_VERSION_CONTENT */
	struct bw_slice created; /* exact text; empty when the object has none */
	struct bw_slice creator; /* created_by_ref; empty when absent */
	enum bw_versioning versioning;
	uint8_t spec_major; /* 2 */
	uint8_t spec_minor; /* 0 or 1 */
	bool revoked;
	/* SHA-256 over the RFC 8785 text: what "the same content" means */
	uint8_t hash[BW_HASH_BYTES];
	/* the object's own bytes, token for token, without white space between tokens */
	struct bw_slice body;
	/* observable values (ipv4 value, domain, url, each file hash, pattern constants …) to be
	   found exactly; borrowed, decoded UTF-8 */
	const struct bw_slice *values;
	size_t value_count;
	/* names, aliases, descriptions for full text; decoded UTF-8 */
	const struct bw_slice *texts;
	size_t text_count;
};

/*
 * The comparable form of a STIX timestamp: the text without 'Z' and without
 * trailing zeros (and a bare dot) of the fraction, so that byte order is time order at any precision and
 * equal instants are equal bytes. `text` must be a valid STIX timestamp.
 */
struct bw_slice bw_timestamp_key(struct bw_slice text);

#endif
