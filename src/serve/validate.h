/*
 * `breakwater validate`: a stream of JSON in, findings out, nothing kept.
 * Pure but for memory: bytes in through bw_validate_feed, text out in a buf.
 */
#ifndef BW_SERVE_VALIDATE_H
#define BW_SERVE_VALIDATE_H

#include "codec/split.h"
#include "intel/object.h"

enum bw_validate_format { BW_VALIDATE_TEXT, BW_VALIDATE_JSON, BW_VALIDATE_SARIF };

enum { BW_VALIDATE_IGNORE_MAX = 64 };

struct bw_validate_options {
	enum bw_validate_format format;
	bool strict;                                          /* warnings make an object invalid */
	bool quiet;                                           /* TEXT: only the last line */
	enum bw_finding_code ignored[BW_VALIDATE_IGNORE_MAX]; /* warnings not to be told */
	size_t ignored_count;
};

struct bw_validate_sum {
	uint64_t objects; /* bundles count, and so does what is in them */
	uint64_t invalid;
	uint64_t errors;
	uint64_t warnings;
};

struct bw_validate;

BW_MUST_USE enum bw_err bw_validate_new(const struct bw_validate_options *options, struct bw_validate **out);
void bw_validate_free(struct bw_validate *validate);

/* A stream starts; `name` is shown in messages and must stay. */
BW_MUST_USE enum bw_err bw_validate_begin(struct bw_validate *validate, const char *name);

/*
 * The next piece of the stream. Results are appended to `out`, which the caller
 * writes and clears whenever `more` says that there is more to come from this piece.
 */
BW_MUST_USE enum bw_err bw_validate_feed(struct bw_validate *validate, struct bw_slice chunk, bool last);
BW_MUST_USE enum bw_err bw_validate_step(struct bw_validate *validate, struct bw_buf *out, bool *out_more);

/* What comes before the first and after the last result (SARIF, the summary line). */
BW_MUST_USE enum bw_err bw_validate_head(struct bw_validate *validate, struct bw_buf *out);
BW_MUST_USE enum bw_err bw_validate_tail(struct bw_validate *validate, struct bw_buf *out);

const struct bw_validate_sum *bw_validate_sum(const struct bw_validate *validate);

/* ---- validate_write.c ---- */

struct bw_validate_result {
	const char *name;
	uint64_t n;
	bool in_list;
	uint64_t index;
	uint64_t offset;
	struct bw_slice id;
	bool valid;
	const struct bw_report *report;
};

BW_MUST_USE enum bw_err bw_validate_write(enum bw_validate_format format, const struct bw_validate_result *result,
					  bool first, struct bw_buf *out);
BW_MUST_USE enum bw_err bw_validate_write_head(enum bw_validate_format format, struct bw_buf *out);
BW_MUST_USE enum bw_err bw_validate_write_tail(enum bw_validate_format format, const struct bw_validate_sum *sum,
					       bool strict, struct bw_buf *out);

#endif
