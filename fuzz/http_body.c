/*
 * A chunked body, cut at a place the first byte names. Properties: cutting does
 * not change what comes out; no more than the limit comes out; what is refused
 * whole is refused in pieces.
 */
#include <stdlib.h>

#include "codec/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_MAX = 4096 };

struct outcome {
	enum bw_err err;
	bool done;
	size_t taken;
	struct bw_buf out;
};

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void feed(struct bw_http_body *body, struct bw_slice piece, struct outcome *o)
{
	struct bw_slice rest = piece;

	while (rest.len > 0 && !body->done && o->err == BW_OK) {
		struct bw_slice part;
		size_t used;

		o->err = bw_http_body_take(body, rest, &used, &part, NULL);
		if (o->err != BW_OK)
			return;
		check(used > 0 && used <= rest.len);
		check(bw_buf_add(&o->out, part) == BW_OK);
		rest = bw_slice_from(rest, used);
		o->taken += used;
	}
}

static struct outcome decode(struct bw_slice in, size_t step)
{
	const struct bw_http_head head = { .body = BW_HTTP_BODY_CHUNKED };
	struct outcome o = { BW_OK, false, 0, BW_BUF_INIT(BODY_MAX) };
	struct bw_http_body body;

	check(bw_http_body_init(&body, &head, BODY_MAX) == BW_OK);
	for (size_t at = 0; at < in.len && !body.done && o.err == BW_OK; at += step)
		feed(&body, bw_slice_sub(in, at, step), &o);
	o.done = body.done;
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice in = bw_slice_from(bw_slice_of(data, size), 1);
	struct outcome whole = decode(in, SIZE_MAX / 2);
	struct outcome cut = decode(in, size == 0 ? 1 : (size_t)data[0] + 1);

	check(whole.err == cut.err && whole.done == cut.done);
	if (whole.err == BW_OK) {
		check(whole.taken == cut.taken);
		check(bw_slice_equals(bw_buf_slice(&whole.out), bw_buf_slice(&cut.out)));
	}
	bw_buf_release(&whole.out);
	bw_buf_release(&cut.out);
	return 0;
}
