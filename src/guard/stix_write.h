/*
 * Writing a STIX 2.1 bundle, object after object. Ids of observables are the deterministic ones (§3.4); all others
 * look like version 4 (§2.9), and come from what the object is about, so that the next report of an incident makes new
 * versions of the same objects and no new ones.
 */
#ifndef BW_GUARD_STIX_WRITE_H
#define BW_GUARD_STIX_WRITE_H

#include "codec/json.h"
#include "codec/json_text.h"
#include "intel/scoid.h"

enum {
	BW_STIX_TIME_BYTES = 25, /* "2026-11-23T01:33:27.000Z" and a NUL: §3.2 wants milliseconds of created */
	BW_STIX_OBJECTS_MAX = 4096,
	BW_STIX_OBJECT_BYTES = 64 * 1024,
};

struct bw_stix_id {
	char text[BW_ID_MAX]; /* "" while it was not written */
};

struct bw_stix_writer {
	struct bw_buf *out;
	struct bw_json_parser parser;
	struct bw_buf object;       /* being written */
	const char *seed;           /* tells the ids of this node's objects from all others */
	const char *marking;        /* of all but the observables that carry nothing; "" : none */
	struct bw_stix_id creator;  /* "" : none */
	struct bw_stix_id *written; /* observables that stand in the bundle already */
	size_t written_count;
	size_t count;
};

/* `seed` and `marking` are borrowed. MEMORY, CRYPTO. */
BW_MUST_USE enum bw_err bw_stix_begin(struct bw_stix_writer *writer, const char *seed, const char *marking,
				      struct bw_buf *out);
BW_MUST_USE enum bw_err bw_stix_end(struct bw_stix_writer *writer);
void bw_stix_release(struct bw_stix_writer *writer);

void bw_stix_time(int64_t wall_us, char out[BW_STIX_TIME_BYTES]);

/*
 * An object that has created and modified: begins it in writer->object, for the caller to add properties with
 * bw_json_add_…, and bw_stix_put ends it. `about` is what it is about, in one word that tells it from its like.
 */
BW_MUST_USE enum bw_err bw_stix_object(struct bw_stix_writer *writer, const char *type, struct bw_slice about,
				       int64_t created_us, int64_t modified_us, struct bw_stix_id *out_id);
BW_MUST_USE enum bw_err bw_stix_put(struct bw_stix_writer *writer);

/* An observable: `properties` is what stands after type, id and spec_version ("" or `"name":"x",…`). Once only. */
BW_MUST_USE enum bw_err bw_stix_observable(struct bw_stix_writer *writer, const char *type,
					   const struct bw_buf *properties, struct bw_slice about,
					   struct bw_stix_id *out_id);

/* "name":["id","id"] with those that were written; nothing when none was. */
BW_MUST_USE enum bw_err bw_stix_refs(struct bw_stix_writer *writer, const char *name, const struct bw_stix_id *ids,
				     size_t count);
BW_MUST_USE enum bw_err bw_stix_ref(struct bw_stix_writer *writer, const char *name, const struct bw_stix_id *id);

/* A string of the pattern language (§9.6), with its quotes. */
BW_MUST_USE enum bw_err bw_stix_pattern_text(struct bw_buf *out, struct bw_slice text);

/* Whether an address is one of the public internet; `out_is_v6` tells which kind when it is an address at all. */
bool bw_stix_address_is_public(const char *address, bool *out_is_address, bool *out_is_v6);

#endif
