/*
 * The second look: whole contents, old and new, of one file whose first look said too little; of a large file of no
 * format of its own first a few hundred places, and the whole only when hardly any of them had changed.
 *
 *   judge -> keep      SECOND     which file, which good version (struct bw_second_ask)
 *   keep -> sampler    CONTENTS   both contents in a sealed memory file (struct bw_second_head)
 *   sampler -> judge   SEEN       the tests of guard/content.h that need whole contents (struct bw_second_answer)
 *   keep -> judge      CONTENTS   of a large file, the places that differ: counted by the judge itself
 *
 * Whoever holds files parses nothing, and whoever parses holds nothing. None of them waits: what cannot be
 * looked at (gone, changed meanwhile, a worker that died) is not answered, and was never evidence.
 */
#ifndef BW_GUARD_SECOND_H
#define BW_GUARD_SECOND_H

#include "guard/content.h"
#include "guard/key.h"

enum {
	BW_SECOND_TESTS = 4,
	BW_SECOND_CHANGED = 16, /* so many changed places are enough; no further round is read */
	BW_SECOND_PLACES_MAX = BW_PLACES_A_ROUND * BW_PLACES_ROUNDS,
};

struct bw_second_ask {
	uint64_t token;         /* the judge's own */
	uint64_t version;       /* the good one, in the store of old.volume */
	struct bw_file_key old; /* whose version it is */
	struct bw_file_key now; /* the file that stands there */
	uint64_t size;          /* of it, when it was judged */
	uint64_t parts;         /* 1: places that changed, not the whole; the file has the size it had */
};

/*
 * `old_len` bytes of the good version and then `new_len` of what stands there; each at most BW_CONTENT_BYTES_MAX. Of
 * `parts`, places of BW_PLACE_BYTES each, those that differ; the first is there in any case.
 */
struct bw_second_head {
	uint64_t token;
	uint64_t parts;
	uint64_t old_size;
	uint64_t new_size;
	uint64_t old_len;
	uint64_t new_len;
};

struct bw_second_answer {
	uint64_t token;
	uint32_t count;
	uint32_t changed; /* places, when only these were asked for */
	struct bw_evidence tests[BW_SECOND_TESTS];
};

/* Whether a test needs whole contents: only these are answered. */
bool bw_second_is_test(uint8_t test);

/*
 * Reads places of both contents, round by round, until BW_SECOND_CHANGED of them were found changed; appends those that
 * differ, and the first in any case. `read` fills BW_PLACE_BYTES from `at` on of one of them; its error ends it. `soon`
 * (may be NULL) is told before a round which places will be read. TOO_BIG for a buffer of less than
 * BW_SECOND_PLACES_MAX places; NOT_FOUND: a file too small for so many.
 */
struct bw_second_reader {
	enum bw_err (*read)(void *context, bool is_old, uint64_t at, uint8_t to[BW_PLACE_BYTES]);
	void (*soon)(void *context, const uint64_t at[BW_PLACES_A_ROUND]);
	void *context;
};
BW_MUST_USE enum bw_err bw_second_places(const struct bw_second_reader *reader, uint64_t size, uint64_t salt,
					 struct bw_buf *out_old, struct bw_buf *out_new);

/* What was handed over. */
struct bw_second_view {
	uint64_t token;
	bool is_parts;
	struct bw_versions versions;
};

/* PROTOCOL: lengths that do not fit. Borrows from `contents`. */
BW_MUST_USE enum bw_err bw_second_open(struct bw_slice head, struct bw_slice contents, struct bw_second_view *out);

/* Compares. Costs some milliseconds a MiB. */
void bw_second_compare(const struct bw_second_view *view, struct bw_second_answer *out);

/* An answer, checked: the sampler has read strangers' bytes. PROTOCOL: numbers no answer has. */
BW_MUST_USE enum bw_err bw_second_parse(struct bw_slice body, struct bw_second_answer *out);

#endif
