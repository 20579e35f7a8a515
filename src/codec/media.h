/*
 * Media types and the Accept field: RFC 9110 8.3.1 (media-type), 12.5.1
 * (Accept), 5.6.6 (parameters), 12.4.2 (weights). Pure; slices borrow from
 * the text. Blanks around ';' and ',' , letter case and quoting are handled
 * here once, so that nobody compares header strings elsewhere.
 */
#ifndef BW_CODEC_MEDIA_H
#define BW_CODEC_MEDIA_H

#include "base/bytes.h"

enum {
	BW_MEDIA_PARAMS_MAX = 8,   /* parameters of one media type; real ones carry one or two */
	BW_ACCEPT_RANGES_MAX = 64, /* ranges in one Accept field; browsers send about 8 */
};

struct bw_media_param {
	struct bw_slice name;
	struct bw_slice value; /* of a quoted string: between the quotes, escapes still in */
	bool quoted;
};

struct bw_media {
	struct bw_slice type;    /* "*" only in an Accept range */
	struct bw_slice subtype; /* "*" only in an Accept range */
	size_t params_n;
	struct bw_media_param params[BW_MEDIA_PARAMS_MAX];
};

/*
 * Parses a whole Content-Type value (no wildcards). SYNTAX, TOO_MANY,
 * DUPLICATE (a parameter twice). `out` only on success; `fault` may be NULL.
 */
BW_MUST_USE enum bw_err bw_media_parse(struct bw_slice text, struct bw_media *out, struct bw_fault *fault);

/* True when type/subtype is `name`, e.g. "application/taxii+json"; parameters are not looked at. */
bool bw_media_is(const struct bw_media *media, const char *name);

/* The parameter of that name (any case), or NULL. */
const struct bw_media_param *bw_media_param(const struct bw_media *media, const char *name);

/* Compares byte for byte, a quoted value without its escapes. */
bool bw_media_param_is(const struct bw_media_param *param, const char *value);

/* One element of Accept: a range and its weight. */
struct bw_media_range {
	struct bw_media media; /* without q */
	unsigned q;            /* thousandths: 1000 when absent, 0: not acceptable */
};

/*
 * Walks the elements of one Accept field; start with *rest = its value. False
 * in *more at the end. Empty elements are skipped (RFC 9110 5.6.1.2). On
 * failure *rest has not moved.
 */
BW_MUST_USE enum bw_err bw_accept_next(struct bw_slice *rest, struct bw_media_range *out, bool *more,
				       struct bw_fault *fault);

/* How well an offer pleases the ranges seen so far; start with { 0 }. */
struct bw_accept_weight {
	unsigned q;           /* thousandths; 0: not acceptable */
	unsigned specificity; /* of the most specific range that matched; 0: none has */
};

/*
 * Weighs `offer` (with its parameters, e.g. application/taxii+json;version=2.1)
 * against one Accept field. The most specific matching range decides: type and
 * parameters, type, type/ *, * / * (RFC 9110 12.5.1). A range matches when each
 * of its parameters stands in the offer with the same value. Call once for
 * each Accept line of the head with the same `weight`.
 * SYNTAX, TOO_MANY: the field is malformed; `weight` is untouched.
 */
BW_MUST_USE enum bw_err bw_accept_weigh(struct bw_slice accept, const struct bw_media *offer,
					struct bw_accept_weight *weight, struct bw_fault *fault);

#endif
