#include "guard/second.h"

bool bw_second_is_test(uint8_t test)
{
	return test == BW_TEST_CHANGED_RANDOM || test == BW_TEST_BLOCKS_RANDOM || test == BW_TEST_CHANGED_WIPED ||
	       test == BW_TEST_SKELETON || test == BW_TEST_CONTENT_BROKEN || test == BW_TEST_TRANSPOSED;
}

struct gathering {
	const struct bw_second_reader *reader;
	struct bw_buf *old;
	struct bw_buf *new;
	unsigned changed;
};

static enum bw_err add_place(struct gathering *g, uint64_t at)
{
	uint8_t old[BW_PLACE_BYTES];
	uint8_t new[BW_PLACE_BYTES];
	bool differs;

	BW_TRY(g->reader->read(g->reader->context, true, at, old));
	BW_TRY(g->reader->read(g->reader->context, false, at, new));
	differs = memcmp(old, new, sizeof(old)) != 0;
	g->changed += differs;
	if (!differs && g->old->len > 0)
		return BW_OK;
	BW_TRY(bw_buf_add(g->old, bw_slice_of(old, sizeof(old))));
	return bw_buf_add(g->new, bw_slice_of(new, sizeof(new)));
}

enum bw_err bw_second_places(const struct bw_second_reader *reader, uint64_t size, uint64_t salt,
			     struct bw_buf *out_old, struct bw_buf *out_new)
{
	struct gathering g = { reader, out_old, out_new, 0 };

	BW_NEED(size >= BW_SECOND_PLACES_MAX * (uint64_t)BW_PLACE_BYTES, NOT_FOUND);
	for (unsigned round = 0; round < BW_PLACES_ROUNDS && g.changed < BW_SECOND_CHANGED; round++) {
		uint64_t at[BW_PLACES_A_ROUND];

		bw_places_make(size, salt, round, at); /* ascending: heads of a disk pass over the file once */
		if (reader->soon != NULL)
			reader->soon(reader->context, at);
		for (size_t i = 0; i < BW_PLACES_A_ROUND; i++)
			BW_TRY(add_place(&g, at[i]));
	}
	return BW_OK;
}

static bool are_places(const struct bw_second_head *h)
{
	return h->old_len == h->new_len && h->old_len % BW_PLACE_BYTES == 0 &&
	       h->old_len / BW_PLACE_BYTES <= BW_SECOND_PLACES_MAX;
}

enum bw_err bw_second_open(struct bw_slice head, struct bw_slice contents, struct bw_second_view *out)
{
	struct bw_second_head h;

	BW_NEED(head.len == sizeof(h), PROTOCOL);
	memcpy(&h, head.ptr, sizeof(h));
	BW_NEED(h.parts <= 1 && h.old_len <= BW_CONTENT_BYTES_MAX && h.new_len <= BW_CONTENT_BYTES_MAX, PROTOCOL);
	BW_NEED(h.old_len + h.new_len == contents.len, PROTOCOL);
	BW_NEED(h.old_len <= h.old_size && h.new_len <= h.new_size, PROTOCOL);
	BW_NEED(h.parts == 0 || are_places(&h), PROTOCOL);
	out->token = h.token;
	out->is_parts = h.parts == 1;
	out->versions = (struct bw_versions){ .old = bw_slice_sub(contents, 0, h.old_len),
					      .new = bw_slice_from(contents, h.old_len),
					      .old_size = h.old_size,
					      .new_size = h.new_size };
	return BW_OK;
}

void bw_second_compare(const struct bw_second_view *view, struct bw_second_answer *out)
{
	struct bw_finding finding;

	*out = (struct bw_second_answer){ .token = view->token };
	if (view->is_parts)
		bw_content_compare_places(view->versions.old, view->versions.new, &finding, &out->changed);
	else
		bw_content_compare_bytes(&view->versions, &finding);
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
	BW_NEED(answer.count <= BW_SECOND_TESTS && answer.changed <= BW_SECOND_PLACES_MAX, PROTOCOL);
	for (size_t i = 0; i < answer.count; i++)
		BW_NEED(is_sane(&answer.tests[i]), PROTOCOL);
	*out = answer;
	return BW_OK;
}
