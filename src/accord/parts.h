/* Which parts of an object are marked more strictly and can be left out. Pure. */
#ifndef BW_ACCORD_PARTS_H
#define BW_ACCORD_PARTS_H

#include "base/arena.h"
#include "intel/policy_book.h"

enum { BW_PARTS_MAX = 64 }; /* properties; an object with more stays whole at home */

/*
 * The properties at the top that loose granular markings are about (intel/policy_book.h): without them the object has
 * the policy that bw_policy_kept says. In `arena`. DENIED: a selector, or a name at the top, is written with escapes,
 * so that bytes do not tell whether they are the same; TOO_MANY, MEMORY, SYNTAX …: the object stays at home.
 */
BW_MUST_USE enum bw_err bw_parts_find(const struct bw_marking_book *book, struct bw_slice object,
				      struct bw_arena *arena, struct bw_slice **out, size_t *out_count);

#endif
