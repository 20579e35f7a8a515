/* The end of an accord, as a party writes and signs it: accord/book.h says where it counts. Pure. */
#ifndef BW_ACCORD_ACCORD_END_H
#define BW_ACCORD_ACCORD_END_H

#include "base/arena.h"

enum { BW_ACCORD_END_REASON_MAX = 1000, BW_ACCORD_END_TEXT_MAX = 16 * 1024 };

#define BW_ACCORD_END_TYPE "application/vnd.breakwater.accord-end+json"

struct bw_accord_end {
	struct bw_slice accord; /* its id */
	struct bw_slice reason;
	int64_t time_us;
};

/* Canonical JSON, and back. As bw_accord_add and bw_accord_parse. */
BW_MUST_USE enum bw_err bw_accord_end_add(struct bw_buf *out, const struct bw_accord_end *end);
BW_MUST_USE enum bw_err bw_accord_end_parse(struct bw_slice text, struct bw_arena *arena, struct bw_accord_end *out,
					    struct bw_fault *fault);

#endif
