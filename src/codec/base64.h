/* Base64 with padding (RFC 4648 §4). Pure. */
#ifndef BW_CODEC_BASE64_H
#define BW_CODEC_BASE64_H

#include "base/bytes.h"

/*
 * Decodes into `out` (at least 3 bytes for every 4 characters). SYNTAX: a
 * character outside the alphabet, a length that is no multiple of 4, padding
 * elsewhere than at the end, or bits beyond the last byte that are not zero. TOO_BIG.
 */
BW_MUST_USE enum bw_err bw_base64_decode(struct bw_slice text, uint8_t *out, size_t out_max, size_t *out_len);

BW_MUST_USE enum bw_err bw_base64_add(struct bw_buf *out, struct bw_slice bytes);

#endif
