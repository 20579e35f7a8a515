#include "guard/stix_in_tests.h"

#include <stdlib.h>

#include "codec/json.h"
#include "intel/object.h"

static int check_one(struct bw_checker *checker, struct bw_report *report, yyjson_val *object, struct bw_buf *first)
{
	size_t len = 0;
	char *text = yyjson_val_write(object, 0, &len);
	int found = -1;

	if (text != NULL && bw_object_check(checker, bw_slice_of(text, len), report, NULL) == BW_OK) {
		found = (int)(report->errors + report->warnings);
		/* notes count too: an id that is not the deterministic one */
		found = report->count > (size_t)found ? (int)report->count : found;
		if (found > 0 && first->len == 0 && bw_finding_say(&report->rows[0], first) != BW_OK)
			found = -1;
	}
	free(text);
	return found;
}

int bw_stix_findings(struct bw_slice bundle, struct bw_buf *out_first)
{
	struct bw_json_parser parser;
	struct bw_checker *checker = NULL;
	struct bw_report report = { 0 };
	yyjson_val *root = NULL;
	yyjson_val *object;
	size_t i;
	size_t count;
	int sum = -1;

	bw_json_parser_init(&parser);
	if (bw_json_parse(&parser, bundle, &root, NULL) == BW_OK &&
	    bw_checker_new(BW_CHECK_WARNINGS | BW_CHECK_IDS, &checker) == BW_OK && bw_report_init(&report) == BW_OK) {
		sum = 0;
		bw_checker_wrap(checker, BW_WRAP_BUNDLE);
		yyjson_arr_foreach(yyjson_obj_get(root, "objects"), i, count, object)
		{
			const int found = check_one(checker, &report, object, out_first);

			sum = found < 0 || sum < 0 ? -1 : sum + found;
		}
	}
	bw_report_release(&report);
	bw_checker_free(checker);
	bw_json_parser_release(&parser);
	return sum;
}

size_t bw_stix_count(struct bw_slice bundle, const char *type)
{
	struct bw_json_parser parser;
	yyjson_val *root = NULL;
	yyjson_val *object;
	size_t i;
	size_t count;
	size_t sum = 0;

	bw_json_parser_init(&parser);
	if (bw_json_parse(&parser, bundle, &root, NULL) == BW_OK) {
		yyjson_arr_foreach(yyjson_obj_get(root, "objects"), i, count, object)
			sum += yyjson_equals_str(yyjson_obj_get(object, "type"), type) ? 1 : 0;
	}
	bw_json_parser_release(&parser);
	return sum;
}

bool bw_is_json(struct bw_slice text)
{
	struct bw_json_parser parser;
	yyjson_val *root = NULL;
	bool is;

	bw_json_parser_init(&parser);
	is = bw_json_parse(&parser, text, &root, NULL) == BW_OK;
	bw_json_parser_release(&parser);
	return is;
}
