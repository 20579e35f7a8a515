/*
 * What a TAXII client reads out of a server's resources, as plain values. Pure.
 * Tolerant where other servers are loose (numbers for strings, members that are
 * missing), never where it would cost objects. Sizes are cut at what a person reads.
 */
#ifndef BW_SERVE_REMOTE_READ_H
#define BW_SERVE_REMOTE_READ_H

#include "codec/json_walk.h"

enum {
	BW_REMOTE_ID_BYTES = 256,
	BW_REMOTE_TITLE_BYTES = 256,
};

enum bw_remote_kind {
	BW_REMOTE_UNKNOWN,
	BW_REMOTE_DISCOVERY,   /* §4.1.1 */
	BW_REMOTE_API_ROOT,    /* §4.2.1 */
	BW_REMOTE_COLLECTION,  /* §5.2.1 */
	BW_REMOTE_COLLECTIONS, /* §5.1.1 */
};

/* Which resource the text is, by its members. */
enum bw_remote_kind bw_remote_kind_of(struct bw_slice json);

/* The value of a member. NOT_FOUND, or what is wrong with the text. */
BW_MUST_USE enum bw_err bw_remote_member(struct bw_slice json, const char *name, struct bw_slice *value);

/* A string member, cut to fit (never inside a character); "" when absent or no string. */
void bw_remote_text(struct bw_slice json, const char *name, char *out, size_t size);

/* A number, also one written as a string; -1 when absent or none. */
int64_t bw_remote_number(struct bw_slice json, const char *name);

struct bw_remote_collection {
	char id[BW_REMOTE_ID_BYTES];
	char alias[BW_REMOTE_ID_BYTES];
	char title[BW_REMOTE_TITLE_BYTES];
	bool can_read;
	bool can_write;
};

/* MISSING without an id, or with one that no URL can carry. */
BW_MUST_USE enum bw_err bw_remote_collection_read(struct bw_slice json, struct bw_remote_collection *out);

struct bw_remote_envelope {
	uint64_t objects;
	struct bw_slice objects_text; /* the list as it came; empty when absent */
	bool more;
};

/* `next` is appended to; nothing when absent. TYPE: not an envelope (§3.7). */
BW_MUST_USE enum bw_err bw_remote_envelope_read(struct bw_slice json, struct bw_remote_envelope *out,
						struct bw_buf *next);

struct bw_remote_status {
	char id[BW_REMOTE_ID_BYTES];
	bool complete;
	int64_t successes; /* -1: not told */
	int64_t failures;
	char first_failure[256]; /* "id: message"; "" when none */
};

/* §4.3.1. TYPE: no status resource. */
BW_MUST_USE enum bw_err bw_remote_status_read(struct bw_slice json, struct bw_remote_status *out);

/* "title: description" of an error resource (§3.6.1), without control characters; "" when it is none. */
void bw_remote_error_words(struct bw_slice json, char *out, size_t size);

/* The Date field (RFC 9110 5.6.7, the fixed form only) in microseconds; -1 when malformed or before 1970. */
int64_t bw_http_date_us(struct bw_slice text);

#endif
