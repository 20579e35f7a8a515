#include "guard/second.h"

bool bw_second_is_test(uint8_t test)
{
	return test == BW_TEST_CHANGED_RANDOM || test == BW_TEST_BLOCKS_RANDOM || test == BW_TEST_CHANGED_WIPED ||
	       test == BW_TEST_SKELETON || test == BW_TEST_CONTENT_BROKEN || test == BW_TEST_TRANSPOSED;
}

enum bw_err bw_second_open(struct bw_slice head, struct bw_slice contents, uint64_t *out_token, struct bw_versions *out)
{
	struct bw_second_head h;

	BW_NEED(head.len == sizeof(h), PROTOCOL);
	memcpy(&h, head.ptr, sizeof(h));
	BW_NEED(h.old_len <= BW_CONTENT_BYTES_MAX && h.new_len <= BW_CONTENT_BYTES_MAX, PROTOCOL);
	BW_NEED(h.old_len + h.new_len == contents.len, PROTOCOL);
	BW_NEED(h.old_len <= h.old_size && h.new_len <= h.new_size, PROTOCOL);
	*out_token = h.token;
	*out = (struct bw_versions){ .old = bw_slice_sub(contents, 0, h.old_len),
				     .new = bw_slice_from(contents, h.old_len),
				     .old_size = h.old_size,
				     .new_size = h.new_size };
	return BW_OK;
}

void bw_second_compare(uint64_t token, const struct bw_versions *versions, struct bw_second_answer *out)
{
	struct bw_finding finding;

	bw_content_compare_bytes(versions, &finding);
	*out = (struct bw_second_answer){ .token = token };
	for (size_t i = 0; i < finding.count && out->count < BW_SECOND_TESTS; i++) {
		if (bw_second_is_test(finding.tests[i].test))
			out->tests[out->count++] = finding.tests[i];
	}
}

static bool is_sane(const struct bw_evidence *e)
{
	return bw_second_is_test(e->test) && e->strength <= BW_STRENGTH_STRONG && e->format_before < BW_FORMAT_COUNT &&
	       e->format_after < BW_FORMAT_COUNT;
}

enum bw_err bw_second_parse(struct bw_slice body, struct bw_second_answer *out)
{
	struct bw_second_answer answer;

	BW_NEED(body.len == sizeof(answer), PROTOCOL);
	memcpy(&answer, body.ptr, sizeof(answer));
	BW_NEED(answer.count <= BW_SECOND_TESTS, PROTOCOL);
	for (size_t i = 0; i < answer.count; i++)
		BW_NEED(is_sane(&answer.tests[i]), PROTOCOL);
	*out = answer;
	return BW_OK;
}
