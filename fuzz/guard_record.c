/*
 * A record is refused, or says the same when written again; it can be judged again and told in words, and no control
 * byte of it reaches a terminal.
 */
#include <stdlib.h>

#include "guard/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_RECORD_BYTES_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf words = BW_BUF_INIT(BW_MIB);
	static struct bw_record record;
	struct bw_fault first = { 0 };
	struct bw_fault second = { 0 };

	if (size > BW_RECORD_BYTES_MAX || bw_record_parse(bw_slice_of(data, size), &record) != BW_OK)
		return 0;
	if (bw_record_write(&record, &again) != BW_OK ||
	    !bw_slice_equals(bw_buf_slice(&again), bw_slice_of(data, size)))
		abort();
	if (bw_record_replay(&record, &first) != bw_record_replay(&record, &second) || first.offset != second.offset)
		abort();
	if (bw_record_explain(&record, &words) != BW_OK)
		abort();
	for (size_t i = 0; i < words.len; i++) {
		if ((words.ptr[i] < ' ' && words.ptr[i] != '\n') || words.ptr[i] == 0x7f)
			abort();
	}
	return 0;
}
