/*
 * A STIX pattern; the first byte picks the version. Properties: the quick check
 * and the tree agree on verdict, fault and remarks; a tree written out parses
 * again and is written out the same; its values lie inside the input or arena.
 */
#include <stdlib.h>

#include "intel/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void walk(const struct bw_pattern *pattern)
{
	struct bw_pattern_walk walk = { pattern->tests, 0 };
	const struct bw_pattern_path *path;
	const struct bw_pattern_value *value;
	volatile uint8_t sum = 0;

	while (bw_pattern_next_equal(&walk, &path, &value)) {
		check(path->type.len > 0 && path->steps != NULL && path->steps->kind == BW_PATTERN_KEY);
		for (size_t i = 0; i < value->bytes.len; i++)
			sum = (uint8_t)(sum + value->bytes.ptr[i]);
	}
}

/* Writes out what `text` parses to; false when it is refused. */
static bool rewrite(struct bw_slice text, enum bw_pattern_version version, struct bw_buf *out)
{
	struct bw_arena arena = BW_ARENA_INIT(256 * BW_MIB);
	struct bw_pattern *pattern;
	const enum bw_err err = bw_pattern_parse(text, version, &arena, &pattern, NULL);

	if (err == BW_OK) {
		walk(pattern);
		check(bw_pattern_write(pattern, out) == BW_OK);
	}
	bw_arena_release(&arena);
	return err == BW_OK;
}

static void check_verdicts(struct bw_slice text, enum bw_pattern_version version)
{
	struct bw_arena arena = BW_ARENA_INIT(256 * BW_MIB);
	struct bw_fault quick = { 0, NULL };
	struct bw_fault full = { 0, NULL };
	struct bw_pattern *pattern;
	unsigned remarks = 0;
	const enum bw_err err = bw_pattern_check(text, version, &remarks, &quick);

	check(bw_pattern_parse(text, version, &arena, &pattern, &full) == err);
	check(err == BW_OK || (quick.reason != NULL && quick.reason == full.reason));
	check(quick.offset == full.offset && quick.offset <= text.len);
	check(err != BW_OK || pattern->remarks == remarks);
	bw_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const enum bw_pattern_version version = size > 0 && data[0] == '0' ? BW_PATTERN_2_0 : BW_PATTERN_2_1;
	const struct bw_slice text = bw_slice_from(bw_slice_of(data, size), 1);
	struct bw_buf once = BW_BUF_INIT(64 * BW_MIB);
	struct bw_buf twice = BW_BUF_INIT(64 * BW_MIB);

	check_verdicts(text, version);
	if (rewrite(text, version, &once)) {
		check(rewrite(bw_buf_slice(&once), version, &twice));
		check(bw_slice_equals(bw_buf_slice(&once), bw_buf_slice(&twice)));
	}
	bw_buf_release(&once);
	bw_buf_release(&twice);
	return 0;
}
