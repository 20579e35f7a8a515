/*
 * A query string or path. Properties: what comes out is UTF-8 without controls;
 * encoding every byte of it and decoding again gives the same.
 */
#include <stdlib.h>

#include "base/text.h"
#include "codec/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void check_decoded(struct bw_slice text, struct bw_arena *arena)
{
	struct bw_buf encoded = BW_BUF_INIT(4 * BW_MIB);
	struct bw_slice again;

	check(bw_utf8_is_valid(text, NULL));
	for (size_t i = 0; i < text.len; i++) {
		check(text.ptr[i] >= 0x20 && text.ptr[i] != 0x7f);
		check(bw_buf_addf(&encoded, "%%%02x", text.ptr[i]) == BW_OK);
	}
	if (bw_percent_decode(bw_buf_slice(&encoded), true, arena, &again, NULL) == BW_OK)
		check(bw_slice_equals(again, text));
	bw_buf_release(&encoded);
}

static void check_query(struct bw_slice in, struct bw_arena *arena)
{
	struct bw_fault fault = { 0, NULL };
	struct bw_query query;

	if (bw_query_parse(in, arena, &query, &fault) != BW_OK) {
		check(fault.reason != NULL && fault.offset <= in.len);
		return;
	}
	for (size_t i = 0; i < query.n; i++) {
		struct bw_slice rest = query.pairs[i].value;
		struct bw_slice item;
		size_t total = 0;
		size_t items = 0;

		check_decoded(query.pairs[i].name, arena);
		check_decoded(query.pairs[i].value, arena);
		while (bw_list_next(&rest, &item)) {
			total += item.len;
			items++;
		}
		check(items > 0 && total + items - 1 == query.pairs[i].value.len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice in = bw_slice_of(data, size);
	struct bw_arena arena = BW_ARENA_INIT(4 * BW_MIB);
	struct bw_path path;

	check_query(in, &arena);
	if (bw_path_parse(in, &arena, &path, NULL) == BW_OK) {
		for (size_t i = 0; i < path.n; i++)
			check_decoded(path.segments[i], &arena);
	}
	bw_arena_release(&arena);
	return 0;
}
