/*
 * One line of the audit log: canonical JSON (names in order, RFC 8785 strings),
 * exactly one way to write each fact. Pure.
 *
 *   {"account":…,"action":…,"address":…,"count":1,"note":…,"prev":"hex","seq":1,"status":202,
 *    "target":…,"time":"2026-11-23T01:33:27.000001Z","hash":"hex"}
 *
 * hash = SHA-256(hash of the line before, 32 bytes (zeros before the first) | the line's text up to `,"hash"`).
 */
#ifndef BW_STORE_AUDIT_LINE_H
#define BW_STORE_AUDIT_LINE_H

#include "base/arena.h"

enum {
	BW_AUDIT_HASH_BYTES = 32,
	BW_AUDIT_FIELD_MAX = 8192, /* bytes of one text (a signature has 4,504); a longer one is cut at a character */
	BW_AUDIT_LINE_MAX = 6 * 5 * BW_AUDIT_FIELD_MAX + 1024,
};

struct bw_audit_line {
	uint64_t seq; /* 1.. without gaps */
	int64_t time_us;
	struct bw_slice account, action, address, target, note; /* decoded UTF-8 */
	uint64_t status;
	uint64_t count;
	uint8_t prev[BW_AUDIT_HASH_BYTES];
	uint8_t hash[BW_AUDIT_HASH_BYTES];
};

/* Computes `hash` and appends the line, without a newline. Bytes that are not UTF-8 become U+FFFD. */
BW_MUST_USE enum bw_err bw_audit_line_write(struct bw_audit_line *line, struct bw_buf *out);

/*
 * Reads what bw_audit_line_write wrote, and nothing else: SYNTAX otherwise (writing
 * it again gives the same bytes), UTF8, TOO_BIG. Texts are in the arena. The hash is read, not checked.
 */
BW_MUST_USE enum bw_err bw_audit_line_parse(struct bw_slice text, struct bw_arena *arena, struct bw_audit_line *out,
					    struct bw_fault *fault);

/* A walk along the chain, from its first line or (an export of a part) from any. Zeroed at first. */
struct bw_audit_chain {
	bool begun;
	uint64_t first_seq;
	uint64_t seq;
	uint8_t hash[BW_AUDIT_HASH_BYTES];
	struct bw_arena arena; /* BW_ARENA_INIT(BW_AUDIT_LINE_MAX * 2); released by the caller */
};

/*
 * The next line (without its newline) belongs here: its number follows, it names
 * the hash before it, its own hash fits its text. SYNTAX, UTF8, TOO_BIG as above; CORRUPT with the
 * reason in `fault`. A line numbered 1 must name zeros as the hash before it.
 */
BW_MUST_USE enum bw_err bw_audit_chain_next(struct bw_audit_chain *chain, struct bw_slice text, struct bw_fault *fault);

#endif
