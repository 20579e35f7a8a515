/*
 * A passage. Properties: records that are taken can be written as the same bytes; what the receiving end makes of it
 * does not depend on the pieces in which it comes; no chunk comes out that witnesses have not cosigned (there is no
 * key to sign with here but the seeds', so what is cosigned is what they say); a place is written in one way.
 */
#include <stdlib.h>

#include "accord/inbound.h"
#include "tlog/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char policy[] = "log fuzz.example/log+6a89b6fa+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\n"
			     "quorum none\n";

static void check_records(struct bw_slice bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_PASSAGE_BODY_MAX);
	struct bw_cursor c = bw_cursor_over(bytes);
	struct bw_passage_record record;

	while (bw_passage_take(&c, &record) == BW_OK)
		if (bw_passage_add(&again, record.kind, record.body) != BW_OK)
			abort();
	if (!bw_slice_equals(bw_buf_slice(&again), bw_slice_sub(bytes, 0, c.at)))
		abort();
}

static void check_place(struct bw_slice bytes)
{
	char text[BW_PASSAGE_PLACE_CHARS + 1];
	struct bw_passage_place place;

	if (bw_passage_place_parse(bytes, &place) != BW_OK)
		return;
	bw_passage_place_format(&place, text);
	if (!bw_slice_is(bytes, text))
		abort();
}

struct taken {
	uint64_t entries;
	uint64_t bytes;
};

static enum bw_err take(void *ctx, const struct bw_inbound_chunk *chunk)
{
	struct taken *taken = ctx;

	taken->entries += chunk->count;
	for (size_t i = 0; i < chunk->count; i++)
		taken->bytes += chunk->entries[i].text.len;
	return BW_OK;
}

static enum bw_err feed(const struct bw_trust *trust, struct bw_slice bytes, size_t step, struct taken *taken)
{
	struct bw_inbound *in;
	struct bw_passage_place place;
	enum bw_err err;

	if (bw_inbound_new(BW_LIT("fuzz.example/log"), trust, bw_slice_empty, &in) != BW_OK)
		abort();
	err = bw_inbound_connect(in, &place);
	for (size_t at = 0; at < bytes.len && err == BW_OK; at += step)
		err = bw_inbound_feed(in, bw_slice_sub(bytes, at, step), take, taken);
	bw_inbound_free(in);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice bytes = bw_slice_of(data, size);
	struct bw_trust *trust;
	struct taken whole = { 0 };
	struct taken pieces = { 0 };

	if (bw_trust_parse(bw_slice_text(policy), NULL, &trust) != BW_OK)
		abort();
	check_records(bytes);
	check_place(bytes);
	if (feed(trust, bytes, size + 1, &whole) != feed(trust, bytes, 3, &pieces))
		abort();
	if (whole.entries != pieces.entries || whole.bytes != pieces.bytes)
		abort();
	bw_trust_free(trust);
	return 0;
}
