#include "accord/accord_end.h"

#include "accord/accord.h"
#include "accord/canon.h"
#include "base/text.h"
#include "codec/jcs.h"
#include "sys/clock.h"

enum bw_err bw_accord_end_add(struct bw_buf *out, const struct bw_accord_end *end)
{
	char time[BW_TIME_BYTES];

	BW_NEED(end->reason.len > 0 && end->reason.len <= BW_ACCORD_END_REASON_MAX, RANGE);
	BW_NEED(bw_utf8_is_valid(end->reason, NULL), RANGE);
	BW_NEED(end->accord.len <= BW_ACCORD_ID_MAX, RANGE);
	bw_time_format(end->time_us, time);
	BW_TRY(bw_buf_add_text(out, "{\"accord\":"));
	BW_TRY(bw_jcs_add_string(out, end->accord));
	BW_TRY(bw_buf_add_text(out, ",\"reason\":"));
	BW_TRY(bw_jcs_add_string(out, end->reason));
	BW_TRY(bw_buf_addf(out, ",\"time\":\"%s\"", time));
	return bw_buf_add_text(out, ",\"type\":\"breakwater-accord-end\",\"version\":1}");
}

static enum bw_err read_end(struct bw_canon *c, struct bw_accord_end *out)
{
	BW_TRY(BW_CANON_MEMBER(c, "{", "accord"));
	BW_TRY(bw_canon_string(c, BW_ACCORD_ID_MAX, &out->accord));
	BW_TRY(BW_CANON_MEMBER(c, ",", "reason"));
	BW_TRY(bw_canon_string(c, BW_ACCORD_END_REASON_MAX, &out->reason));
	BW_TRY(BW_CANON_MEMBER(c, ",", "time"));
	BW_TRY(bw_canon_time(c, &out->time_us));
	BW_TRY(bw_canon_expect(c, ",\"type\":\"breakwater-accord-end\",\"version\":1}",
			       "the end of an accord's end is expected here"));
	return bw_canon_end(c);
}

enum bw_err bw_accord_end_parse(struct bw_slice text, struct bw_arena *arena, struct bw_accord_end *out,
				struct bw_fault *fault)
{
	struct bw_canon c = BW_CANON_OVER(text, arena);
	const enum bw_err err = text.len > BW_ACCORD_END_TEXT_MAX ? BW_ERR_TOO_BIG : read_end(&c, out);

	if (fault != NULL)
		*fault = c.fault;
	return err;
}
