/*
 * A store whose catalogue is damaged or gone: a new one of what can still be read of it and of what lies in packs and
 * objects. Nothing is deleted: the damaged one is set aside, and a content of which nothing but its number is known is
 * entered under that number (store/shelf_mend.h).
 */
#ifndef BW_GUARD_SHADOW_REBUILD_H
#define BW_GUARD_SHADOW_REBUILD_H

#include "guard/volume.h"
#include "store/shelf_mend.h"

struct bw_rebuilt {
	struct bw_shelf_salvaged salvaged;
	uint64_t contents;         /* that lie in packs and objects */
	uint64_t nameless;         /* of these: nothing else is known of them */
	uint64_t lost;             /* versions whose content is not there, or is damaged */
	int64_t at_us;             /* what is nameless counts as gone from here on */
	char aside[BW_PATH_BYTES]; /* where the damaged catalogue lies now; empty: there was none */
};

/*
 * Whether the catalogue can be read and its books balance: CORRUPT, IO; NOT_FOUND: it is gone, or nothing is enrolled
 * (*out_store false). SCHEMA, VERSION: it is whole, and of another Breakwater.
 */
BW_MUST_USE enum bw_err bw_shadow_examine(const struct bw_volume *volume, bool *out_store, struct bw_why *why);

/* BUSY: somebody writes this store. DENIED: it is not root's alone. DISK_FULL: nothing was changed. IO, MEMORY. */
BW_MUST_USE enum bw_err bw_shadow_rebuild(const struct bw_volume *volume, struct bw_rebuilt *out, struct bw_why *why);

#endif
