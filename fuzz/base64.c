/* Base64 is refused, or encoding what came out gives the text again: no two texts mean the same bytes. */
#include <stdlib.h>

#include "codec/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 4096 };

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void decode(struct bw_slice text, size_t room)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(2 * BYTES_MAX);
	uint8_t *bytes = malloc(room + 1); /* exact, so that a sanitizer sees one byte too far */
	size_t len = SIZE_MAX;

	check(bytes != NULL);
	if (bw_base64_decode(text, bytes, room, &len) == BW_OK) {
		check(len <= room && bw_base64_add(&again, bw_slice_of(bytes, len)) == BW_OK);
		check(bw_slice_equals(bw_buf_slice(&again), text));
	} else {
		check(len == SIZE_MAX); /* outputs are touched on success only */
	}
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(2 * BYTES_MAX);
	uint8_t bytes[BYTES_MAX];
	size_t len;

	if (size > BYTES_MAX)
		return 0;
	decode(bw_slice_of(data, size), size);
	decode(bw_slice_of(data, size), size / 2);
	check(bw_base64_add(&text, bw_slice_of(data, size)) == BW_OK);
	check(bw_base64_decode(bw_buf_slice(&text), bytes, sizeof(bytes), &len) == BW_OK);
	check(bw_slice_equals(bw_slice_of(bytes, len), bw_slice_of(data, size)));
	return 0;
}
