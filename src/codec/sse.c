#include "codec/sse.h"

#include "base/num.h"
#include "base/text.h"

void bw_sse_init(struct bw_sse *sse, size_t max)
{
	*sse = (struct bw_sse){ .line = BW_BUF_INIT(max), .data = BW_BUF_INIT(max) };
}

void bw_sse_release(struct bw_sse *sse)
{
	bw_buf_release(&sse->line);
	bw_buf_release(&sse->data);
}

void bw_sse_restart(struct bw_sse *sse)
{
	bw_buf_clear(&sse->line);
	bw_buf_clear(&sse->data);
	sse->name_len = 0;
	sse->after_cr = false;
	sse->began = false;
}

/* ---- lines ------------------------------------------------------------------ */

static void set_id(struct bw_sse *sse, struct bw_slice value)
{
	if (value.len > sizeof(sse->id) || memchr(value.ptr, '\0', value.len) != NULL)
		return; /* no place of ours: the last good one stays */
	memcpy(sse->id, value.ptr, value.len);
	sse->id_len = value.len;
}

static void set_name(struct bw_sse *sse, struct bw_slice value)
{
	sse->name_len = value.len < sizeof(sse->name) ? value.len : sizeof(sse->name);
	memcpy(sse->name, value.ptr, sse->name_len);
}

static void set_retry(struct bw_sse *sse, struct bw_slice value)
{
	uint64_t ms;

	if (bw_parse_u64(value, &ms) == BW_OK)
		sse->retry_ms = ms;
}

static enum bw_err add_data(struct bw_sse *sse, struct bw_slice value)
{
	BW_TRY(bw_buf_add(&sse->data, value));
	return bw_buf_add_u8(&sse->data, '\n');
}

static enum bw_err take_field(struct bw_sse *sse, struct bw_slice line)
{
	struct bw_slice name = line;
	struct bw_slice value = bw_slice_empty;

	if (bw_slice_cut(line, ':', &name, &value) && value.len > 0 && value.ptr[0] == ' ')
		value = bw_slice_from(value, 1);
	if (bw_slice_is(name, "data"))
		return add_data(sse, value);
	if (bw_slice_is(name, "id"))
		set_id(sse, value);
	else if (bw_slice_is(name, "event"))
		set_name(sse, value);
	else if (bw_slice_is(name, "retry"))
		set_retry(sse, value);
	return BW_OK;
}

/* An empty line ends an event; one without data is none. */
static enum bw_err dispatch(struct bw_sse *sse, bw_sse_fn *on_event, void *ctx)
{
	const struct bw_sse_event event = {
		.id = bw_slice_of(sse->id, sse->id_len),
		.name = sse->name_len == 0 ? BW_LIT("message") : bw_slice_of(sse->name, sse->name_len),
		.data = bw_slice_sub(bw_buf_slice(&sse->data), 0, sse->data.len > 0 ? sse->data.len - 1 : 0),
	};
	const enum bw_err err = event.data.len > 0 ? on_event(ctx, &event) : BW_OK;

	bw_buf_clear(&sse->data);
	sse->name_len = 0;
	return err;
}

static enum bw_err end_line(struct bw_sse *sse, bw_sse_fn *on_event, void *ctx)
{
	static const uint8_t mark[] = { 0xef, 0xbb, 0xbf };
	struct bw_slice line = bw_buf_slice(&sse->line);
	enum bw_err err;

	if (!sse->began && bw_slice_starts(line, bw_slice_of(mark, sizeof(mark))))
		line = bw_slice_from(line, sizeof(mark));
	sse->began = true;
	BW_NEED(bw_utf8_is_valid(line, NULL), UTF8);
	if (line.len == 0)
		err = dispatch(sse, on_event, ctx);
	else
		err = line.ptr[0] == ':' ? BW_OK : take_field(sse, line);
	bw_buf_clear(&sse->line);
	return err;
}

static size_t find_end(struct bw_slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.ptr[i] == '\n' || bytes.ptr[i] == '\r')
			return i;
	}
	return bytes.len;
}

enum bw_err bw_sse_take(struct bw_sse *sse, struct bw_slice bytes, bw_sse_fn *on_event, void *ctx)
{
	while (bytes.len > 0) {
		size_t end;

		if (sse->after_cr && bytes.ptr[0] == '\n')
			bytes = bw_slice_from(bytes, 1);
		sse->after_cr = false;
		end = find_end(bytes);
		BW_TRY(bw_buf_add(&sse->line, bw_slice_sub(bytes, 0, end)));
		if (end == bytes.len)
			return BW_OK;
		sse->after_cr = bytes.ptr[end] == '\r';
		BW_TRY(end_line(sse, on_event, ctx));
		bytes = bw_slice_from(bytes, end + 1);
	}
	return BW_OK;
}
