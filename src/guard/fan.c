#include "guard/fan.h"

#include <sys/fanotify.h>

enum { NAME_MAX_BYTES = 255 };

/* struct fanotify_event_info_header and the file handle's head, without their alignment */
struct piece_head {
	uint8_t type;
	uint8_t pad;
	uint16_t len;
};

struct handle_head {
	uint32_t fsid[2];
	uint32_t len;
	int32_t type;
};

static enum bw_err take_struct(struct bw_cursor *in, void *out, size_t len)
{
	struct bw_slice bytes;

	BW_TRY(bw_take(in, len, &bytes));
	memcpy(out, bytes.ptr, len);
	return BW_OK;
}

/* What follows the handle: a name and its NUL, then padding. */
static enum bw_err take_name(struct bw_slice rest, struct bw_slice *out)
{
	struct bw_slice name;
	struct bw_slice padding;

	BW_NEED(bw_slice_cut(rest, '\0', &name, &padding), PROTOCOL);
	BW_NEED(name.len <= NAME_MAX_BYTES && memchr(name.ptr, '/', name.len) == NULL, PROTOCOL);
	*out = bw_slice_is(name, ".") ? bw_slice_empty : name;
	return BW_OK;
}

static enum bw_err take_id(struct bw_slice body, bool named, struct bw_fan_id *out)
{
	struct bw_cursor c = bw_cursor_over(body);
	struct bw_fan_id id = { .there = true, .name = bw_slice_empty };
	struct handle_head head;
	struct bw_slice handle;

	BW_TRY(take_struct(&c, &head, sizeof(head)));
	BW_TRY(bw_take(&c, head.len, &handle));
	if (named)
		BW_TRY(take_name(bw_slice_from(body, c.at), &id.name));
	if (head.len == 0 || head.len > BW_HANDLE_BYTES_MAX)
		return BW_OK; /* none, or of a file system we do not keep */
	memcpy(id.fsid, head.fsid, sizeof(id.fsid));
	id.handle.type = head.type;
	id.handle.len = (uint8_t)head.len;
	memcpy(id.handle.bytes, handle.ptr, head.len);
	*out = id;
	return BW_OK;
}

static enum bw_err take_piece(struct bw_cursor *in, struct bw_fan_event *event)
{
	struct piece_head head;
	struct bw_slice body;

	BW_TRY(take_struct(in, &head, sizeof(head)));
	BW_NEED(head.len >= sizeof(head), PROTOCOL);
	BW_TRY(bw_take(in, head.len - sizeof(head), &body));
	switch (head.type) {
	case FAN_EVENT_INFO_TYPE_FID:
		return take_id(body, false, &event->file);
	case FAN_EVENT_INFO_TYPE_DFID:
		return take_id(body, false, &event->folder);
	case FAN_EVENT_INFO_TYPE_DFID_NAME:
	case FAN_EVENT_INFO_TYPE_OLD_DFID_NAME:
		return take_id(body, true, &event->folder);
	case FAN_EVENT_INFO_TYPE_NEW_DFID_NAME:
		return take_id(body, true, &event->folder_to);
	default:
		return BW_OK;
	}
}

static enum bw_err take_pieces(struct bw_slice pieces, struct bw_fan_event *event)
{
	struct bw_cursor c = bw_cursor_over(pieces);

	while (bw_cursor_left(&c) > 0)
		BW_TRY(take_piece(&c, event));
	return BW_OK;
}

enum bw_err bw_fan_next(struct bw_cursor *in, struct bw_fan_event *out)
{
	struct bw_cursor c = *in;
	struct bw_fan_event event = { 0 };
	struct fanotify_event_metadata head;
	struct bw_slice rest;
	enum bw_err err;

	BW_NEED(bw_cursor_left(&c) > 0, AGAIN);
	event.file.name = event.folder.name = event.folder_to.name = bw_slice_empty;
	BW_TRY(take_struct(&c, &head, sizeof(head)));
	BW_NEED(head.vers == FANOTIFY_METADATA_VERSION, VERSION);
	BW_NEED(head.event_len >= sizeof(head), PROTOCOL);
	BW_NEED(head.metadata_len >= sizeof(head) && head.metadata_len <= head.event_len, PROTOCOL);
	BW_TRY(bw_take(&c, head.event_len - sizeof(head), &rest));
	event.mask = head.mask;
	event.pid = head.pid > 0 ? (uint32_t)head.pid : 0;
	event.overflow = (head.mask & FAN_Q_OVERFLOW) != 0;
	err = take_pieces(bw_slice_from(rest, head.metadata_len - sizeof(head)), &event);
	BW_NEED(err == BW_OK, PROTOCOL);
	*in = c;
	*out = event;
	return BW_OK;
}
