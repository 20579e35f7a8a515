/* What a rebuild finds in packs and objects: shared by its files only. */
#ifndef BW_GUARD_SHADOW_REBUILD_PARTS_H
#define BW_GUARD_SHADOW_REBUILD_PARTS_H

#include "guard/pack.h"
#include "guard/volume.h"

struct bw_found_content {
	uint64_t number;
	uint64_t at;
	uint64_t size;
	uint64_t kept_bytes;
	int64_t time_us; /* of its file in the store: it is no younger */
	uint32_t pack;   /* 0: an object */
	bool used;
	struct bw_sum sum; /* of what is packed */
};

struct bw_found {
	struct bw_found_content *list; /* by number; one that lies twice, one after the other */
	size_t count;
	size_t room;
	uint64_t most;
	uint32_t last_pack;
};

/* Reads every record of every pack, also behind what is damaged or was given back, and lists the objects. */
BW_MUST_USE enum bw_err bw_found_look(const struct bw_volume *volume, int store, struct bw_found *out,
				      struct bw_why *why);
void bw_found_release(struct bw_found *found);

/* The first of this number, and the one after it of the same; NULL. */
struct bw_found_content *bw_found_first(const struct bw_found *found, uint64_t number);
struct bw_found_content *bw_found_next(const struct bw_found *found, const struct bw_found_content *content);

#endif
