/*
 * Walks one level of a JSON text without building anything: for texts of
 * which two members matter and the rest is somebody else's to judge. What is
 * skipped is followed by its brackets and strings only, so one bad object in a
 * page does not cost the page. Pure; slices borrow from the text.
 *
 *   BW_TRY(bw_json_walk_open(text, &walk));
 *   for (;;) {
 *           BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
 *           if (!more)
 *                   break;
 *           ...
 *   }
 *
 * Errors: TYPE (neither object nor array), SYNTAX, TRUNCATED, TOO_DEEP.
 */
#ifndef BW_CODEC_JSON_WALK_H
#define BW_CODEC_JSON_WALK_H

#include "base/bytes.h"

enum { BW_JSON_WALK_DEPTH_MAX = 256 };

struct bw_json_walk {
	struct bw_slice text;
	size_t at;
	uint8_t close; /* '}' or ']' */
	bool first;
	bool done;
};

/* `text`: an object or array with nothing but white space around it, or a value a walk has given. */
BW_MUST_USE enum bw_err bw_json_walk_open(struct bw_slice text, struct bw_json_walk *out);

/*
 * The next member or item. `name` is what stands between the quotes, escapes
 * and all, so a name written with escapes equals nothing (no standard does
 * that); empty in an array. `value` is the value's own text. After the last,
 * `*more` is false, and text behind the closing bracket is SYNTAX.
 */
BW_MUST_USE enum bw_err bw_json_walk_next(struct bw_json_walk *walk, struct bw_slice *name, struct bw_slice *value,
					  bool *more);

/* Appends what a string value says. TYPE: not a string; SYNTAX (escape), UTF8, and the buf's own. */
BW_MUST_USE enum bw_err bw_json_walk_string(struct bw_slice value, struct bw_buf *out);

/* The value is exactly `true`. */
static inline bool bw_json_walk_true(struct bw_slice value)
{
	return bw_slice_is(value, "true");
}

#endif
