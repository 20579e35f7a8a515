/*
 * The TLP markings (STIX 2.1 §7.2.1.4; TLP 2.0 by its extension definition).
 * Only these may exist; an id settles the colour, whatever a definition says.
 */
#ifndef BW_INTEL_MARKING_H
#define BW_INTEL_MARKING_H

#include "base/bytes.h"

enum bw_tlp {
	BW_TLP_NONE,  /* not a TLP marking */
	BW_TLP_CLEAR, /* TLP 2.0 clear and TLP 1.0 white */
	BW_TLP_GREEN,
	BW_TLP_AMBER,
	BW_TLP_AMBER_STRICT,
	BW_TLP_RED,
};

/* The colour of a marking definition's id. Hexadecimal digits in either case. */
enum bw_tlp bw_tlp_of(struct bw_slice id);

/* "amber+strict", as definitions write it; "" for NONE. */
const char *bw_tlp_word(enum bw_tlp tlp);

/* The id of the TLP 2.0 marking definition of such a word ("white" is clear); NULL when there is none. */
const char *bw_tlp_marking(struct bw_slice word);

#endif
