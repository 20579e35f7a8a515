/* For tests: keys that are the same every time. */
#ifndef BW_TLOG_KEYS_IN_TESTS_H
#define BW_TLOG_KEYS_IN_TESTS_H

#include "tlog/note.h"

struct test_key {
	struct bw_sign_key *key;
	struct bw_vkey vkey;
};

static inline enum bw_err test_key_make(const char *name, enum bw_note_type type, uint8_t seed, struct test_key *out)
{
	uint8_t bytes[BW_SIGN_SEED_BYTES];

	memset(bytes, seed, sizeof(bytes));
	BW_TRY(bw_sign_key_new(bw_note_kind(type), bw_slice_of(bytes, sizeof(bytes)), &out->key));
	return bw_vkey_make(bw_slice_text(name), type, bw_sign_key_public(out->key), &out->vkey);
}

#endif
