/*
 * Finds where a JSON value ends by counting brackets outside strings, 64 bytes
 * at a time. It knows nothing else of JSON: what it cuts out is parsed after.
 */
#ifndef BW_CODEC_SCAN_H
#define BW_CODEC_SCAN_H

#include "base/bytes.h"

/* Where a scan stands; carried from one piece of input to the next. */
struct bw_scan {
	uint32_t depth;     /* open brackets */
	uint32_t depth_max; /* stop above this */
	uint64_t in_string; /* all ones inside a string */
	uint64_t escaped;   /* 1 when the next byte is escaped */
	bool watch;         /* stop at every list that opens at depth 1 */
};

enum bw_scan_stop {
	BW_SCAN_MORE,   /* the input ended first */
	BW_SCAN_CLOSED, /* depth is 0 again */
	BW_SCAN_LIST,   /* watched: a '[' opened at depth 1 (depth is 2 now) */
	BW_SCAN_DEEP,   /* nested deeper than depth_max */
};

/* `out_used`: bytes consumed, the stopping bracket included. */
enum bw_scan_stop bw_scan(struct bw_scan *scan, struct bw_slice input, size_t *out_used);

/* The same by each way there is; the fastest this processor has is bw_scan. For tests. */
enum bw_scan_way { BW_SCAN_PLAIN, BW_SCAN_SSE2, BW_SCAN_AVX2, BW_SCAN_WAYS };
bool bw_scan_has(enum bw_scan_way way);
enum bw_scan_stop bw_scan_by(enum bw_scan_way way, struct bw_scan *scan, struct bw_slice input, size_t *out_used);

#endif
