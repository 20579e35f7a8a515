/*
 * How fast one core checks objects, against yyjson parsing the same bytes.
 * For `breakwater bench exchange` and bench/validate_bench.c.
 */
#ifndef BW_SERVE_VALIDATE_RATE_H
#define BW_SERVE_VALIDATE_RATE_H

#include "base/bytes.h"

/* Seconds of one pass over all bytes, each. */
struct bw_validate_times {
	double parse;  /* yyjson_read of the whole, with memory that is reused */
	double split;  /* finding the objects */
	double check;  /* split and check, errors only: what a server does before it keeps an object */
	double strict; /* split and check, warnings and ids too: `breakwater validate` */
	double record; /* split, check and record: what an import does */
	uint64_t objects;
	uint64_t errors;
};

/* One interleaved run over a bundle in memory. */
BW_MUST_USE enum bw_err bw_validate_time(struct bw_slice bundle, struct bw_validate_times *out);

#endif
