/*
 * Contents for a second look are refused, or lie within what was handed over; what is answered about them passes
 * the judge's own check. An answer that is refused changes nothing.
 */
#include <stdlib.h>

#include "guard/second.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice all = bw_slice_of(data, size);
	struct bw_second_answer answer = { .token = 77 };
	struct bw_second_view view;

	if (bw_second_parse(all, &answer) != BW_OK && answer.token != 77)
		abort();
	if (size < sizeof(struct bw_second_head) || size > 1024 * 1024)
		return 0;
	if (bw_second_open(bw_slice_sub(all, 0, sizeof(struct bw_second_head)),
			   bw_slice_from(all, sizeof(struct bw_second_head)), &view) != BW_OK)
		return 0;
	if (view.versions.old.len + view.versions.new.len + sizeof(struct bw_second_head) != size)
		abort();
	bw_second_compare(&view, &answer);
	if (bw_second_parse(bw_slice_of(&answer, sizeof(answer)), &answer) != BW_OK || answer.token != view.token)
		abort();
	return 0;
}
