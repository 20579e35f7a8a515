/*
 * What the guard's workers tell one another in rings and on channels: events, samples, words to the hand. Properties: a
 * record that is accepted points nowhere outside itself, whatever lengths it claims; words that are accepted are
 * written again as the same bytes.
 */
#include <stdlib.h>

#include "guard/event.h"
#include "guard/hand_form.h"
#include "guard/sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static bool is_inside(const void *part, size_t len, struct bw_slice whole)
{
	const uint8_t *ptr = part;

	return len == 0 || (ptr >= whole.ptr && ptr + len <= whole.ptr + whole.len);
}

static void check_sample(const struct bw_sample *sample, struct bw_slice whole)
{
	check(sample->count <= BW_PIECES_MAX);
	for (size_t i = 0; i < sample->count; i++)
		check(is_inside(sample->pieces[i].bytes.ptr, sample->pieces[i].bytes.len, whole));
}

static void read_event(struct bw_slice record)
{
	struct bw_event_view view;

	if (bw_event_parse(record, &view) != BW_OK)
		return;
	check(view.name.len <= BW_EVENT_NAME_BYTES && view.name_to.len <= BW_EVENT_NAME_BYTES);
	check(is_inside(view.name.ptr, view.name.len, record) && is_inside(view.name_to.ptr, view.name_to.len, record));
	check_sample(&view.sample, record);
	check(bw_event_bytes(&view.event) <= record.len);
}

static void read_sample(struct bw_slice record)
{
	struct bw_sample_ask ask;
	struct bw_sample sample;

	if (bw_sample_parse(record, &ask, &sample) == BW_OK)
		check_sample(&sample, record);
}

static void read_who(struct bw_slice body)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_MIB);
	struct bw_who who;

	if (bw_who_parse(body, &who) == BW_OK)
		check(bw_who_add(&again, &who) == BW_OK && bw_slice_equals(bw_buf_slice(&again), body));
}

static void read_peer(struct bw_slice body)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_MIB);
	struct bw_peer_word word;

	if (bw_peer_word_parse(body, &word) == BW_OK)
		check(bw_peer_word_add(&again, &word) == BW_OK && bw_slice_equals(bw_buf_slice(&again), body));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* as records lie in a ring: aligned for any struct */
	uint64_t *aligned = calloc(size / sizeof(*aligned) + 1, sizeof(*aligned));
	const struct bw_slice bytes = bw_slice_of((const uint8_t *)aligned, size);
	uint64_t incident;

	check(aligned != NULL);
	if (size > 0)
		memcpy(aligned, data, size);
	read_event(bytes);
	read_sample(bytes);
	read_who(bytes);
	read_peer(bytes);
	bw_err_drop(bw_lift_parse(bytes, &incident)); /* any number is one */
	free(aligned);
	return 0;
}
