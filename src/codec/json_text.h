/* Writing JSON: strings with everything escaped that must be (RFC 8259 §7). Pure. */
#ifndef BW_CODEC_JSON_TEXT_H
#define BW_CODEC_JSON_TEXT_H

#include "base/bytes.h"

/*
 * Appends `text` in quotes. Bytes that are not UTF-8 become U+FFFD, so that
 * what we write is always valid. U+2028, U+2029 and DEL are escaped too: some readers
 * take JSON for JavaScript.
 */
BW_MUST_USE enum bw_err bw_json_add_string(struct bw_buf *out, struct bw_slice text);

/* Appends  "name":  with a comma before it unless the buf ends in '{' or '['. */
BW_MUST_USE enum bw_err bw_json_add_name(struct bw_buf *out, const char *name);

/* bw_json_add_name and a value. */
BW_MUST_USE enum bw_err bw_json_add_text(struct bw_buf *out, const char *name, struct bw_slice value);
BW_MUST_USE enum bw_err bw_json_add_bool(struct bw_buf *out, const char *name, bool value);
BW_MUST_USE enum bw_err bw_json_add_num(struct bw_buf *out, const char *name, int64_t value);

#endif
