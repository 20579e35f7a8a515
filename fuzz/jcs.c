/*
 * Canonical JSON over hostile text. Properties: what comes out is JSON again, is
 * its own canonical form, is no longer than six times the text, and its names are in order.
 */
#include <stdlib.h>

#include "codec/jcs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void check_order(yyjson_val *value)
{
	yyjson_val *name;
	yyjson_val *before = NULL;
	yyjson_val *element;
	size_t i;
	size_t count;

	yyjson_obj_foreach(value, i, count, name, element)
	{
		check(before == NULL || bw_jcs_compare(bw_json_text(before), bw_json_text(name)) < 0);
		before = name;
		check_order(element);
	}
	yyjson_arr_foreach(value, i, count, element)
	{
		check_order(element);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bw_json_parser parser;
	struct bw_json_parser second;
	struct bw_buf once = BW_BUF_INIT(SIZE_MAX - 1);
	struct bw_buf twice = BW_BUF_INIT(SIZE_MAX - 1);
	struct bw_fault fault = { SIZE_MAX, NULL };
	yyjson_val *root;

	bw_json_parser_init(&parser);
	bw_json_parser_init(&second);
	if (bw_json_parse(&parser, bw_slice_of(data, size), &root, &fault) != BW_OK) {
		check(fault.reason != NULL && fault.offset <= size);
	} else {
		enum bw_err err;

		check(bw_jcs_add(&once, root) == BW_OK);
		check(once.len <= 24 + size * 6);
		err = bw_json_parse(&second, bw_buf_slice(&once), &root, NULL);
		/* a fraction beyond 2^53 is written as a whole number, which the parser refuses there */
		check(err == BW_OK || err == BW_ERR_RANGE);
		if (err == BW_OK) {
			check(bw_jcs_add(&twice, root) == BW_OK);
			check(bw_slice_equals(bw_buf_slice(&once), bw_buf_slice(&twice)));
			check_order(root);
		}
	}
	bw_json_parser_release(&parser);
	bw_json_parser_release(&second);
	bw_buf_release(&once);
	bw_buf_release(&twice);
	return 0;
}
