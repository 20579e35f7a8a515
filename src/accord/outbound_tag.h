/* Under what a decision is found again, for who has the secret: a keyed hash of the id, and one of the version. */
#ifndef BW_ACCORD_OUTBOUND_TAG_H
#define BW_ACCORD_OUTBOUND_TAG_H

#include "accord/outbound_inner.h"

enum { BW_OUTBOUND_TAG_ID_BYTES = 16, BW_OUTBOUND_TAG_BYTES = 24 };

static inline void bw_outbound_tag(const struct bw_secret *secret, struct bw_slice id, struct bw_slice version,
				   uint8_t tag[BW_OUTBOUND_TAG_BYTES])
{
	const struct bw_slice of[] = { id, id, version };

	for (size_t i = 0; i < BW_COUNT(of); i++) {
		const uint64_t hash = bw_siphash(secret->ptr + i * BW_SIPHASH_KEY_BYTES, of[i]);

		for (size_t j = 0; j < 8; j++)
			tag[8 * i + j] = (uint8_t)(hash >> (56 - 8 * j));
	}
}

#endif
