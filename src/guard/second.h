/*
 * The second look: whole contents, old and new, of one file whose first look said too little.
 *
 *   judge -> keep      SECOND     which file, which good version (struct bw_second_ask)
 *   keep -> sampler    CONTENTS   both contents in a sealed memory file (struct bw_second_head)
 *   sampler -> judge   SEEN       the tests of guard/content.h that need whole contents (struct bw_second_answer)
 *
 * Whoever holds files parses nothing, and whoever parses holds nothing. None of them waits: what cannot be
 * looked at (gone, changed meanwhile, a worker that died) is not answered, and was never evidence.
 */
#ifndef BW_GUARD_SECOND_H
#define BW_GUARD_SECOND_H

#include "guard/content.h"
#include "guard/key.h"

enum { BW_SECOND_TESTS = 4 };

struct bw_second_ask {
	uint64_t token;         /* the judge's own */
	uint64_t version;       /* the good one, in the store of old.volume */
	struct bw_file_key old; /* whose version it is */
	struct bw_file_key now; /* the file that stands there */
	uint64_t size;          /* of it, when it was judged */
};

/* `old_len` bytes of the good version and then `new_len` of what stands there; each at most BW_CONTENT_BYTES_MAX. */
struct bw_second_head {
	uint64_t token;
	uint64_t old_size;
	uint64_t new_size;
	uint64_t old_len;
	uint64_t new_len;
};

struct bw_second_answer {
	uint64_t token;
	uint64_t count;
	struct bw_evidence tests[BW_SECOND_TESTS];
};

/* Whether a test needs whole contents: only these are answered. */
bool bw_second_is_test(uint8_t test);

/* Lays out what was handed over; PROTOCOL: lengths that do not fit. Borrows from `contents`. */
BW_MUST_USE enum bw_err bw_second_open(struct bw_slice head, struct bw_slice contents, uint64_t *out_token,
				       struct bw_versions *out);

/* Compares. Costs some milliseconds a MiB. */
void bw_second_compare(uint64_t token, const struct bw_versions *versions, struct bw_second_answer *out);

/* An answer, checked: the sampler has read strangers' bytes. PROTOCOL: numbers no answer has. */
BW_MUST_USE enum bw_err bw_second_parse(struct bw_slice body, struct bw_second_answer *out);

#endif
