/*
 * DSSE envelopes from strangers. What is read, written and read again is the same; what is
 * signed over it begins with the standard's prefix and ends with the payload.
 */
#include <stdlib.h>

#include "codec/dsse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void check_again(const struct bw_dsse *first)
{
	struct bw_arena arena = BW_ARENA_INIT(16 * BW_MIB);
	struct bw_buf text = BW_BUF_INIT(16 * BW_MIB);
	struct bw_dsse again;

	check(bw_dsse_add(&text, first) == BW_OK);
	check(bw_dsse_parse(bw_buf_slice(&text), &arena, &again) == BW_OK);
	check(bw_slice_equals(first->type, again.type) && bw_slice_equals(first->payload, again.payload));
	check(first->count == again.count);
	for (size_t i = 0; i < again.count; i++) {
		check(bw_slice_equals(first->signatures[i].key_id, again.signatures[i].key_id));
		check(bw_slice_equals(first->signatures[i].bytes, again.signatures[i].bytes));
	}
	bw_buf_clear(&text);
	check(bw_dsse_add_pae(&text, again.type, again.payload) == BW_OK);
	check(bw_slice_starts(bw_buf_slice(&text), BW_LIT("DSSEv1 ")));
	check(bw_slice_equals(bw_slice_from(bw_buf_slice(&text), text.len - again.payload.len), again.payload));
	bw_buf_release(&text);
	bw_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bw_arena arena = BW_ARENA_INIT(16 * BW_MIB);
	struct bw_dsse envelope;

	if (bw_dsse_parse(bw_slice_of(data, size), &arena, &envelope) == BW_OK)
		check_again(&envelope);
	bw_arena_release(&arena);
	return 0;
}
