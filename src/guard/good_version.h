/*
 * Which version a proof means. A copy that was made between a destructive write and the guard's look at it stands in
 * the index as the newest good one when the judge looks there, with the features of the one before; what the
 * judge compared with tells the two apart.
 */
#ifndef BW_GUARD_GOOD_VERSION_H
#define BW_GUARD_GOOD_VERSION_H

#include "guard/content.h"
#include "store/shelf.h"

/*
 * Of the file's versions from `number` back, the newest whose features are `old`; `number` itself when no kept
 * one has them, or when either is not known (`old` all zero). Borrows from `arena`. NOT_FOUND: `number` is not kept.
 */
BW_MUST_USE enum bw_err bw_good_version(struct bw_shelf *shelf, uint64_t number, const struct bw_content *old,
					struct bw_arena *arena, struct bw_shelf_version *out);

#endif
