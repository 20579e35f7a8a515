/*
 * A Content-Type or Accept value. Properties: a media type that parses, written
 * out again, parses to the same; it accepts itself; weights stay within 0..1.
 */
#include <stdlib.h>

#include "codec/media.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void write_out(const struct bw_media *media, struct bw_buf *out)
{
	check(bw_buf_add(out, media->type) == BW_OK && bw_buf_add_u8(out, '/') == BW_OK);
	check(bw_buf_add(out, media->subtype) == BW_OK);
	for (size_t i = 0; i < media->params_n; i++) {
		const struct bw_media_param *p = &media->params[i];
		const char *quote = p->quoted ? "\"" : "";

		check(bw_buf_addf(out, " ;\t%.*s=%s", BW_ARG(p->name), quote) == BW_OK);
		check(bw_buf_add(out, p->value) == BW_OK && bw_buf_add_text(out, quote) == BW_OK);
	}
}

static bool has_weight(const struct bw_media *media)
{
	return bw_media_param(media, "q") != NULL;
}

static void check_media(const struct bw_media *media)
{
	struct bw_buf text = BW_BUF_INIT(BW_MIB);
	struct bw_accept_weight weight = { 0, 0 };
	struct bw_media again;

	write_out(media, &text);
	check(bw_media_parse(bw_buf_slice(&text), &again, NULL) == BW_OK);
	check(again.params_n == media->params_n && bw_slice_equals(again.subtype, media->subtype));
	if (!has_weight(media)) { /* in Accept, q means something else */
		check(bw_accept_weigh(bw_buf_slice(&text), &again, &weight, NULL) == BW_OK);
		check(weight.q == 1000 && weight.specificity == 3 + media->params_n);
	}
	bw_buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice in = bw_slice_of(data, size);
	struct bw_accept_weight weight = { 0, 0 };
	struct bw_fault fault = { 0, NULL };
	struct bw_media media;

	if (bw_media_parse(in, &media, &fault) == BW_OK)
		check_media(&media);
	else
		check(fault.reason != NULL && fault.offset <= size);
	check(bw_media_parse(BW_LIT("application/taxii+json;version=2.1"), &media, NULL) == BW_OK);
	if (bw_accept_weigh(in, &media, &weight, &fault) == BW_OK)
		check(weight.q <= 1000);
	else
		check(fault.offset <= size && weight.specificity == 0);
	return 0;
}
