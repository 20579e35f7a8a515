/*
 * The canonical text of a JSON value (RFC 8785): names in the order of their
 * UTF-16 units, no white space, strings with the least escaping, numbers as
 * ECMAScript writes them. Equal values give equal bytes, whoever wrote them.
 */
#ifndef BW_CODEC_JCS_H
#define BW_CODEC_JCS_H

#include "codec/json.h"

/*
 * Appends the canonical text. The value must come from bw_json_parse, which
 * sees to unique names, UTF-8 and depth. MEMORY, TOO_BIG (of `out`).
 */
BW_MUST_USE enum bw_err bw_jcs_add(struct bw_buf *out, yyjson_val *value);

/* Pieces, for canonical text that is put together by hand. */
BW_MUST_USE enum bw_err bw_jcs_add_string(struct bw_buf *out, struct bw_slice text);
BW_MUST_USE enum bw_err bw_jcs_add_double(struct bw_buf *out, double number); /* finite */

/* Order of names: <0, 0, >0 as their UTF-16 units compare (RFC 8785 §3.2.3). */
int bw_jcs_compare(struct bw_slice a, struct bw_slice b);

#endif
