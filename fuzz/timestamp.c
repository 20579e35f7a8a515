/*
 * RFC 3339 timestamps. Properties: what the strict reader takes is what the
 * writer writes, byte for byte, and the tolerant reader agrees; whatever the
 * tolerant reader takes survives being written and read strictly.
 */
#include <stdlib.h>

#include "sys/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice text = bw_slice_of(data, size);
	char written[BW_TIME_BYTES];
	int64_t tolerant;
	int64_t strict;

	if (bw_time_parse_any(text, &tolerant) != BW_OK) {
		check(bw_time_parse(text, &strict) != BW_OK);
		return 0;
	}
	check(tolerant >= BW_TIME_MIN && tolerant <= BW_TIME_MAX);
	bw_time_format(tolerant, written);
	check(bw_time_parse(bw_slice_text(written), &strict) == BW_OK && strict == tolerant);
	if (bw_time_parse(text, &strict) == BW_OK)
		check(strict == tolerant && bw_slice_is(text, written));
	return 0;
}
