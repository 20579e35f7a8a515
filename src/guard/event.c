#include "guard/event.h"

size_t bw_event_bytes(const struct bw_event *event)
{
	return sizeof(*event) + event->name_len + event->name_to_len + event->sample_len;
}

static enum bw_err give_sample(const struct bw_event *event, struct bw_slice bytes, struct bw_sample *out)
{
	uint64_t expect = 0;
	size_t at = 0;

	out->size = event->size;
	out->count = event->piece_count;
	for (size_t i = 0; i < event->piece_count; i++) {
		const uint32_t len = event->pieces[i].len;

		BW_NEED(event->pieces[i].at >= expect && len <= bytes.len - at, PROTOCOL);
		expect = event->pieces[i].at + len;
		BW_NEED(expect >= event->pieces[i].at, PROTOCOL);
		out->pieces[i] = (struct bw_piece){ event->pieces[i].at, bw_slice_sub(bytes, at, len) };
		at += len;
	}
	BW_NEED(at == bytes.len, PROTOCOL);
	return BW_OK;
}

enum bw_err bw_event_parse(struct bw_slice record, struct bw_event_view *out)
{
	struct bw_event_view view = { 0 };

	BW_NEED(record.len >= sizeof(view.event), PROTOCOL);
	memcpy(&view.event, record.ptr, sizeof(view.event));
	BW_NEED(view.event.name_len <= BW_EVENT_NAME_BYTES && view.event.name_to_len <= BW_EVENT_NAME_BYTES, PROTOCOL);
	BW_NEED(view.event.sample_len <= BW_EVENT_SAMPLE_BYTES && view.event.piece_count <= BW_PIECES_MAX, PROTOCOL);
	BW_NEED(view.event.act >= BW_ACT_CLOSED && view.event.act <= BW_ACT_LINKED, PROTOCOL);
	BW_NEED(view.event.writer_count <= BW_EVENT_WRITERS_MAX, PROTOCOL);
	BW_NEED(bw_event_bytes(&view.event) == record.len, PROTOCOL);
	view.name = bw_slice_sub(record, sizeof(view.event), view.event.name_len);
	view.name_to = bw_slice_sub(record, sizeof(view.event) + view.event.name_len, view.event.name_to_len);
	BW_TRY(give_sample(&view.event, bw_slice_from(record, record.len - view.event.sample_len), &view.sample));
	*out = view;
	return BW_OK;
}
