/*
 * The terms of one object as stored beside it, for the indexes:
 *
 *   value_count be16 | values: len be32, bytes … | texts: len be32, bytes … to the end
 *
 * Pure. Private to the room.
 */
#ifndef BW_STORE_TERMS_H
#define BW_STORE_TERMS_H

#include "base/cursor.h"
#include "intel/record.h"

/* Values beyond BW_RECORD_TERMS_MAX are left to full text. Empty for a record without terms. */
BW_MUST_USE enum bw_err bw_terms_pack(const struct bw_record *record, struct bw_buf *out);

struct bw_terms {
	struct bw_cursor values;
	uint16_t value_count;
	struct bw_slice texts; /* packed */
};

/* CORRUPT unless every length fits exactly. */
BW_MUST_USE enum bw_err bw_terms_open(struct bw_slice packed, struct bw_terms *out);

/* The next value; false at the end. */
bool bw_terms_value(struct bw_terms *terms, struct bw_slice *out);

/* Values and texts, one a line, as full text sees them. */
BW_MUST_USE enum bw_err bw_terms_text(struct bw_slice packed, struct bw_buf *out);

#endif
