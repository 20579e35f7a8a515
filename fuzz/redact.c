/*
 * Personal data in what strangers write: running text, and objects. Findings lie inside the text, in order, and apart.
 * A derived object is JSON again and carries the new id. What it refers to is found.
 */
#include <stdlib.h>

#include "accord/redact.h"
#include "accord/refs.h"
#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static struct bw_personal_list list;
static struct bw_redact_report report;

static void check_text(struct bw_slice text)
{
	size_t end = 0;

	bw_personal_scan(text, &list);
	for (size_t i = 0; i < list.count; i++) {
		check(list.of[i].at >= end && list.of[i].len > 0 && list.of[i].kind < BW_PERSONAL_COUNT);
		check(list.of[i].certainty >= BW_PERSONAL_UNSURE && list.of[i].certainty <= 100);
		end = list.of[i].at + list.of[i].len;
		check(end <= text.len);
	}
}

static void check_derived(struct bw_slice object, struct bw_json_parser *parser)
{
	const struct bw_redact_plan plan = { .id = BW_LIT("x--4bfc0d2c-7b8e-4d2a-9d4f-2f0a3f1b7c11"),
					     .time = BW_LIT("2026-11-23T00:00:00.000Z"),
					     .personal = true };
	struct bw_buf out = BW_BUF_INIT(64 * BW_MIB);
	yyjson_val *root;

	if (bw_redact_derive(object, &plan, &out) == BW_OK) {
		check(bw_json_parse(parser, bw_buf_slice(&out), &root, NULL) == BW_OK);
		check(bw_slice_equals(bw_json_text(yyjson_obj_get(root, "id")), plan.id));
		check(bw_redact_look(bw_buf_slice(&out), BW_REDACTION_DERIVE, &report) == BW_OK);
	}
	bw_buf_release(&out);
}

/* Every id that is found is one, and stands in the text or was decoded from it. */
static void check_refs(struct bw_slice object)
{
	struct bw_arena arena = BW_ARENA_INIT(64 * BW_MIB);
	struct bw_ref_list refs;

	if (bw_refs_find(object, &arena, &refs) == BW_OK)
		for (size_t i = 0; i < refs.count; i++)
			check(refs.of[i].id.len > 38 && memmem(refs.of[i].id.ptr, refs.of[i].id.len, "--", 2) != NULL);
	bw_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice text = bw_slice_of(data, size);
	struct bw_json_parser parser;
	yyjson_val *root;

	check_text(text);
	bw_json_parser_init(&parser);
	if (bw_json_parse(&parser, text, &root, NULL) == BW_OK && yyjson_is_obj(root)) {
		const enum bw_err err = bw_redact_look(text, BW_REDACTION_DERIVE, &report);

		check(err != BW_OK || report.count <= BW_REDACT_PLACES_MAX);
		check(err == BW_OK || report.outcome == BW_REDACT_WITHHOLD);
		check_derived(text, &parser);
		check_refs(text);
	}
	bw_json_parser_release(&parser);
	return 0;
}
