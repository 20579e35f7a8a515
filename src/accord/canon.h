/*
 * Reading canonical JSON (RFC 8785) of a known shape, byte by byte: the next bytes
 * are the ones that a writer would have written, or the text is refused at that
 * offset. For documents that people sign: whitespace, another order, a member too many,
 * an escape that need not be, are all another text. Pure; borrows from the text.
 */
#ifndef BW_ACCORD_CANON_H
#define BW_ACCORD_CANON_H

#include "base/arena.h"
#include "crypto/hash.h"

struct bw_canon {
	struct bw_slice text;
	size_t at;
	struct bw_arena *arena; /* for what strings say */
	struct bw_fault fault;  /* of the first thing that did not fit */
};

#define BW_CANON_OVER(bytes, memory) ((struct bw_canon){ (bytes), 0, (memory), { 0, NULL } })

/* Exactly these bytes next. SYNTAX, TRUNCATED; `reason`: a static string for the fault. */
BW_MUST_USE enum bw_err bw_canon_expect(struct bw_canon *c, const char *bytes, const char *reason);

/* Whether these bytes are next; they are taken when they are. */
bool bw_canon_has(struct bw_canon *c, const char *bytes);

/* "name": with a brace or comma before it, written by the caller as `before`: BW_CANON_MEMBER(c, "{", "basis") */
#define BW_CANON_MEMBER(c, before, name) \
	bw_canon_expect((c), before "\"" name "\":", "the member \"" name "\" is expected here")

/* A string of at most `max` bytes, in its shortest form. SYNTAX, UTF8, TOO_BIG, TRUNCATED, MEMORY. */
BW_MUST_USE enum bw_err bw_canon_string(struct bw_canon *c, size_t max, struct bw_slice *out);

/* A whole number min..max (max <= 2^53-1), no sign, no leading zeros. SYNTAX, RANGE, TRUNCATED. */
BW_MUST_USE enum bw_err bw_canon_number(struct bw_canon *c, uint64_t min, uint64_t max, uint64_t *out);

BW_MUST_USE enum bw_err bw_canon_bool(struct bw_canon *c, bool *out);

/* A string that says an instant, as bw_time_format writes it. SYNTAX, RANGE. */
BW_MUST_USE enum bw_err bw_canon_time(struct bw_canon *c, int64_t *out_us);

/* A string that says a node: "bw1" and 64 hexadecimal digits in lower case. SYNTAX, RANGE. */
BW_MUST_USE enum bw_err bw_canon_node(struct bw_canon *c, uint8_t out[BW_SHA256_BYTES]);

/* A string that is one of the names, which end with NULL: its number. SYNTAX, RANGE. */
BW_MUST_USE enum bw_err bw_canon_name(struct bw_canon *c, const char *const *names, uint8_t *out);

/* Nothing follows. */
BW_MUST_USE enum bw_err bw_canon_end(struct bw_canon *c);

/* Puts the fault where the value that was just refused began. Returns `err`. */
enum bw_err bw_canon_refuse(struct bw_canon *c, enum bw_err err, size_t at, const char *reason);

#endif
