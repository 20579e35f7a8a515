/*
 * The hold queue of one direction: objects that wait for a person. The ledger puts them in and takes the answers out;
 * `accord held` lists them and answers. One file each, so that both may work at the same time:
 *
 *   accord/out/ID/held/KEY          "BWHELD1\n" | fields as blocks (below)
 *   accord/out/ID/held/KEY.answer   "BWHELD1\n" | 1 released, 2 refused | time be64 | who block | reason block
 *
 * KEY is the hex of the first 16 bytes of SHA-256 over id, NUL and version: one answer is for one version, never for
 * the next.
 */
#ifndef BW_ACCORD_HOLD_H
#define BW_ACCORD_HOLD_H

#include "base/arena.h"
#include "base/bytes.h"
#include "sys/why.h"

enum {
	BW_HELD_MAX = 10000, /* of one direction; then the ledger withholds what is unsure, and says so */
	BW_HELD_KEY_CHARS = 32,
	BW_HELD_WORDS_MAX = 16 * 1024, /* reasons; cut there */
	BW_HELD_REASON_MAX = 1000,
};

struct bw_held_object {
	char key[BW_HELD_KEY_CHARS + 1];
	struct bw_slice id;
	struct bw_slice version;
	int64_t date_added_us; /* for bw_source_at */
	int64_t since_us;
	struct bw_slice words; /* why, a line each; never the personal data itself */
	uint8_t answer;        /* enum bw_held_answer */
	int64_t answered_us;
	struct bw_slice who;
	struct bw_slice reason;
};

enum bw_held_answer { BW_HELD_WAITS, BW_HELD_RELEASED, BW_HELD_REFUSED };

void bw_held_key(struct bw_slice id, struct bw_slice version, char out[BW_HELD_KEY_CHARS + 1]);

/* The files' contents; pure, for tests. `out` keeps what the other file says. SYNTAX, TRUNCATED, TOO_BIG. */
BW_MUST_USE enum bw_err bw_held_read(struct bw_slice bytes, struct bw_held_object *out);
BW_MUST_USE enum bw_err bw_held_read_answer(struct bw_slice bytes, struct bw_held_object *out);

/* Puts one in; the key is made. It is there already: nothing changes. TOO_MANY. On disk when it returns. */
BW_MUST_USE enum bw_err bw_hold_put(const char *data, struct bw_slice accord_id, const struct bw_held_object *held,
				    struct bw_why *why);

/* All of one direction, the longest waiting first, answered ones too. A damaged file is left out and logged. */
BW_MUST_USE enum bw_err bw_hold_list(const char *data, struct bw_slice accord_id, struct bw_arena *arena,
				     struct bw_held_object **out, size_t *out_count, struct bw_why *why);

/* NOT_FOUND. `key`: whole, or its first eight characters or more; CONFLICT when several begin so. */
BW_MUST_USE enum bw_err bw_hold_find(const char *data, struct bw_slice accord_id, const char *key,
				     struct bw_arena *arena, struct bw_held_object *out, struct bw_why *why);

/* A person's answer. EXISTS: somebody has answered. */
BW_MUST_USE enum bw_err bw_hold_answer(const char *data, struct bw_slice accord_id, const char *key,
				       enum bw_held_answer answer, struct bw_slice who, struct bw_slice reason,
				       struct bw_why *why);

/* The ledger has dealt with it: both files go. */
BW_MUST_USE enum bw_err bw_hold_done(const char *data, struct bw_slice accord_id, const char *key, struct bw_why *why);

#endif
