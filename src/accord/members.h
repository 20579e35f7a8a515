/*
 * What those who walk over an object's members (codec/json_walk.h) ask of names, and the type an object says it has.
 * Pure.
 */
#ifndef BW_ACCORD_MEMBERS_H
#define BW_ACCORD_MEMBERS_H

#include "base/bytes.h"
#include "intel/types.h"

/* One name of a list. */
#define BW_MEMBER(text)                                      \
	{                                                    \
		(const uint8_t *)("" text), sizeof(text) - 1 \
	}

bool bw_member_is_one_of(struct bw_slice name, const struct bw_slice *names, size_t count);

/* "…_ref" or "…_refs". */
bool bw_member_is_ref(struct bw_slice name);

/* `out_name` may be NULL. TYPE: no object; MISSING: it says none; and what the walk says. */
BW_MUST_USE enum bw_err bw_members_type(struct bw_slice object, struct bw_slice *out_name, enum bw_stix_type *out);

#endif
