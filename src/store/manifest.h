/*
 * What a backup folder says of itself, in lines:
 *
 *   breakwater backup 1
 *   made 2026-11-23T01:33:27.000001Z
 *   last-added 1700000000000000
 *   entries.db 8631631872 <SHA-256 in hex>
 *
 * Pure. Private to the room.
 */
#ifndef BW_STORE_MANIFEST_H
#define BW_STORE_MANIFEST_H

#include "base/bytes.h"

struct bw_manifest {
	int64_t made_us;
	int64_t last_added_us;
	uint64_t bytes;
	uint8_t digest[32];
};

BW_MUST_USE enum bw_err bw_manifest_write(const struct bw_manifest *manifest, struct bw_buf *out);

/* Only what bw_manifest_write writes: VERSION, SYNTAX. */
BW_MUST_USE enum bw_err bw_manifest_parse(struct bw_slice text, struct bw_manifest *out);

/* SHA-256 and size of a file. NOT_FOUND, IO. */
BW_MUST_USE enum bw_err bw_file_digest(const char *path, uint8_t out[32], uint64_t *out_bytes);

#endif
