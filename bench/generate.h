/*
 * Made-up threat intelligence for measuring: the same (seed, number) gives the
 * same object on every machine, whichever others were made before it.
 *
 * The mix: 40 % indicators, 20 % observables, 25 % relationships, 10 % sightings,
 * 5 % other domain objects. About one in twelve is a later version of an
 * earlier object, half carry a marking, and values come from pools in which a few are met again and again.
 *
 * Every object is valid STIX 2.1 and written as canonical JSON (RFC 8785), so
 * that the hash of its text is the hash of its content.
 */
#ifndef BW_BENCH_GENERATE_H
#define BW_BENCH_GENERATE_H

#include "intel/record.h"

enum {
	BW_GENERATED_BYTES = 2048, /* no object is longer */
	BW_GENERATED_TERMS = 4,
};

/* One object and the memory behind it; may not be moved while its record is in use. */
struct bw_generated {
	struct bw_record record;
	struct bw_slice values[BW_GENERATED_TERMS];
	struct bw_slice texts[BW_GENERATED_TERMS];
	char id[96];
	char version[32];
	char created[32];
	char creator[64];
	char term[4][320];
	char json[BW_GENERATED_BYTES];
};

/* CRYPTO when the library refuses a digest. */
BW_MUST_USE enum bw_err bw_generate(uint64_t seed, uint64_t number, struct bw_generated *out);

#endif
