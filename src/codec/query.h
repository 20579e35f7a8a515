/*
 * Query strings and paths of a request target, still percent-encoded as
 * codec/http hands them out. Pure; results borrow from the input or stand in
 * the arena.
 */
#ifndef BW_CODEC_QUERY_H
#define BW_CODEC_QUERY_H

#include "base/arena.h"

enum {
	BW_QUERY_PAIRS_MAX = 32,   /* name=value pairs; TAXII knows 7 */
	BW_PATH_SEGMENTS_MAX = 16, /* TAXII needs 7 */
};

/*
 * Decodes %XX (and '+' to a blank when `plus`, as HTML forms and every client
 * library write it). Borrows when there is nothing to decode. The result is
 * valid UTF-8 without control characters. SYNTAX (bad escape, control), UTF8,
 * MEMORY; `fault` may be NULL.
 */
BW_MUST_USE enum bw_err bw_percent_decode(struct bw_slice text, bool plus, struct bw_arena *arena, struct bw_slice *out,
					  struct bw_fault *fault);

struct bw_query_pair {
	struct bw_slice name;  /* decoded, e.g. "match[type]" */
	struct bw_slice value; /* decoded; empty when there is no '=' */
};

struct bw_query {
	size_t n;
	struct bw_query_pair pairs[BW_QUERY_PAIRS_MAX];
};

/*
 * Splits at '&' (empty parts skipped), cuts each part at its first '=', decodes
 * both. Names may repeat here; whether they may is the caller's business (see
 * bw_query_once). SYNTAX, UTF8, TOO_MANY, MEMORY; `out` is undefined then.
 */
BW_MUST_USE enum bw_err bw_query_parse(struct bw_slice text, struct bw_arena *arena, struct bw_query *out,
				       struct bw_fault *fault);

/* The value of `name`. NOT_FOUND; DUPLICATE when it stands more than once. */
BW_MUST_USE enum bw_err bw_query_once(const struct bw_query *query, const char *name, struct bw_slice *value);

/*
 * True for "match[field]": `field` is what stands between the brackets
 * (TAXII 2.1 3.4). False for every other name, "match" and "match[]" included.
 */
bool bw_query_match_field(struct bw_slice name, struct bw_slice *field);

/*
 * Walks "a,b,c": start with *rest = the value, true while there is another
 * item. Empty items are items: "a,,b" has three, "a," two and "" one, so that
 * the caller can refuse them. After the last item *rest is spent and good for
 * nothing but another call, which says false.
 */
bool bw_list_next(struct bw_slice *rest, struct bw_slice *item);

/*
 * The segments of an absolute path, decoded: "/api/collections/" gives two and
 * ends_in_slash. Refused with SYNTAX: no leading '/', an empty segment, "." and
 * "..", an encoded '/'. TOO_MANY, UTF8, MEMORY. `out` is undefined on failure.
 */
struct bw_path {
	size_t n;
	bool ends_in_slash;
	struct bw_slice segments[BW_PATH_SEGMENTS_MAX];
};

BW_MUST_USE enum bw_err bw_path_parse(struct bw_slice text, struct bw_arena *arena, struct bw_path *out,
				      struct bw_fault *fault);

#endif
