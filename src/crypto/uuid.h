/*
 * UUIDs (RFC 9562): version 4 from random bytes, version 5 from a name. Text is
 * always written in lower case.
 */
#ifndef BW_CRYPTO_UUID_H
#define BW_CRYPTO_UUID_H

#include "base/bytes.h"

enum { BW_UUID_CHARS = 36 };

struct bw_uuid {
	uint8_t bytes[16];
};

void bw_uuid_v4(struct bw_uuid *out);

/* SHA-1 over namespace and name. CRYPTO. */
BW_MUST_USE enum bw_err bw_uuid_v5(const struct bw_uuid *space, struct bw_slice name, struct bw_uuid *out);

/* 36 characters and a NUL. */
void bw_uuid_format(const struct bw_uuid *uuid, char out[BW_UUID_CHARS + 1]);

/* 8-4-4-4-12 hexadecimal digits of either case. SYNTAX. */
BW_MUST_USE enum bw_err bw_uuid_parse(struct bw_slice text, struct bw_uuid *out);

#endif
