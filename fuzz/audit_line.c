/* A line is refused, or writing it again gives its bytes; the hash of the text alone may differ. */
#include <stdlib.h>
#include <string.h>

#include "store/audit_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(4 * (size_t)BW_AUDIT_LINE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_AUDIT_LINE_MAX);
	const struct bw_slice text = bw_slice_of(data, size);
	struct bw_audit_line line;
	uint8_t hash[BW_AUDIT_HASH_BYTES];

	if (bw_audit_line_parse(text, &arena, &line, NULL) != BW_OK)
		return 0;
	memcpy(hash, line.hash, sizeof(hash));
	if (bw_audit_line_write(&line, &again) != BW_OK || again.len != size)
		abort();
	/* all but the hash itself, which is 64 digits before the closing two bytes */
	if (memcmp(again.ptr, data, size - 2 - sizeof(hash) * 2) != 0)
		abort();
	return 0;
}
