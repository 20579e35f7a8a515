#include "codec/media.h"

#include "base/text.h"
#include "codec/chars.h"

struct scan {
	struct bw_slice in;
	size_t at;
	struct bw_fault *fault;
};

static enum bw_err refuse(const struct scan *s, enum bw_err err, const char *reason)
{
	(void)bw_fault_set(s->fault, err, s->at, reason);
	return err;
}

static void skip_blanks(struct scan *s)
{
	while (s->at < s->in.len && bw_is_blank(s->in.ptr[s->at]))
		s->at++;
}

static bool take_byte(struct scan *s, char c)
{
	if (s->at >= s->in.len || s->in.ptr[s->at] != (uint8_t)c)
		return false;
	s->at++;
	return true;
}

static enum bw_err take_token(struct scan *s, const char *reason, struct bw_slice *out)
{
	const size_t end = bw_char_span(s->in, s->at, BW_CHAR_TOKEN);

	if (end == s->at)
		return refuse(s, BW_ERR_SYNTAX, reason);
	*out = bw_slice_sub(s->in, s->at, end - s->at);
	s->at = end;
	return BW_OK;
}

/* The opening quote has been taken. */
static enum bw_err take_quoted(struct scan *s, struct bw_slice *out)
{
	const size_t from = s->at;

	for (;;) {
		s->at = bw_char_span(s->in, s->at, BW_CHAR_QUOTED);
		if (take_byte(s, '"'))
			break;
		if (!take_byte(s, '\\'))
			return refuse(s, BW_ERR_SYNTAX, "a quoted string without its end");
		if (s->at >= s->in.len || !bw_char_is(s->in.ptr[s->at], BW_CHAR_VALUE))
			return refuse(s, BW_ERR_SYNTAX, "nothing that may be escaped behind the backslash");
		s->at++;
	}
	*out = bw_slice_sub(s->in, from, s->at - 1 - from);
	return BW_OK;
}

static enum bw_err take_value(struct scan *s, struct bw_media_param *param)
{
	param->quoted = take_byte(s, '"');
	if (param->quoted)
		return take_quoted(s, &param->value);
	return take_token(s, "a parameter is name=value without blanks", &param->value);
}

static bool same_nocase(struct bw_slice a, struct bw_slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++) {
		if (bw_to_lower(a.ptr[i]) != bw_to_lower(b.ptr[i]))
			return false;
	}
	return true;
}

static enum bw_err keep_param(const struct scan *s, struct bw_media *media, const struct bw_media_param *param)
{
	for (size_t i = 0; i < media->params_n; i++) {
		if (same_nocase(media->params[i].name, param->name))
			return refuse(s, BW_ERR_DUPLICATE, "a parameter stands twice");
	}
	if (media->params_n == BW_MEDIA_PARAMS_MAX)
		return refuse(s, BW_ERR_TOO_MANY, "more parameters than the limit");
	media->params[media->params_n++] = *param;
	return BW_OK;
}

/* qvalue: 0, 0.5, 1.000; three digits at most. RFC 9110 12.4.2 */
static enum bw_err read_weight(const struct scan *s, const struct bw_media_param *param, unsigned *q)
{
	const struct bw_slice text = param->value;
	unsigned value;

	if (param->quoted || text.len > 5 || (text.ptr[0] != '0' && text.ptr[0] != '1'))
		return refuse(s, BW_ERR_SYNTAX, "a weight is 0 to 1 with three decimals at most");
	if (text.len > 1 && text.ptr[1] != '.')
		return refuse(s, BW_ERR_SYNTAX, "a weight is 0 to 1 with three decimals at most");
	value = (unsigned)(text.ptr[0] - '0') * 1000;
	for (size_t i = 2, unit = 100; i < text.len; i++, unit /= 10) {
		if (!bw_is_digit(text.ptr[i]))
			return refuse(s, BW_ERR_SYNTAX, "a weight is 0 to 1 with three decimals at most");
		value += (unsigned)(text.ptr[i] - '0') * (unsigned)unit;
	}
	if (value > 1000)
		return refuse(s, BW_ERR_SYNTAX, "a weight is 0 to 1 with three decimals at most");
	*q = value;
	return BW_OK;
}

/*
 * Parameters up to a comma or the end. With `q` (Accept) a parameter of that
 * name is the weight, and what follows it is an extension nobody defined:
 * checked, then dropped.
 */
static enum bw_err take_params(struct scan *s, struct bw_media *media, unsigned *q)
{
	bool weighed = false;

	for (;;) {
		struct bw_media_param param = { .quoted = false };

		skip_blanks(s);
		if (!take_byte(s, ';'))
			return BW_OK;
		skip_blanks(s);
		if (s->at >= s->in.len || s->in.ptr[s->at] == ';' || s->in.ptr[s->at] == ',')
			continue; /* RFC 9110 5.6.6 lets a parameter be absent */
		BW_TRY(take_token(s, "a parameter needs a name", &param.name));
		if (!take_byte(s, '=')) {
			if (weighed)
				continue; /* accept-ext of RFC 7231 had no need of a value */
			return refuse(s, BW_ERR_SYNTAX, "a parameter is name=value without blanks");
		}
		BW_TRY(take_value(s, &param));
		if (q != NULL && !weighed && bw_slice_is_nocase(param.name, "q")) {
			BW_TRY(read_weight(s, &param, q));
			weighed = true;
		} else if (!weighed) {
			BW_TRY(keep_param(s, media, &param));
		}
	}
}

static enum bw_err take_type(struct scan *s, struct bw_media *media)
{
	BW_TRY(take_token(s, "a media type is type/subtype", &media->type));
	if (!take_byte(s, '/'))
		return refuse(s, BW_ERR_SYNTAX, "a media type is type/subtype");
	BW_TRY(take_token(s, "a media type is type/subtype", &media->subtype));
	if (bw_slice_is(media->type, "*") && !bw_slice_is(media->subtype, "*"))
		return refuse(s, BW_ERR_SYNTAX, "a wildcard type takes a wildcard subtype");
	return BW_OK;
}

enum bw_err bw_media_parse(struct bw_slice text, struct bw_media *out, struct bw_fault *fault)
{
	struct scan s = { text, 0, fault };
	struct bw_media media;

	media.params_n = 0;
	skip_blanks(&s);
	BW_TRY(take_type(&s, &media));
	if (bw_slice_is(media.type, "*") || bw_slice_is(media.subtype, "*"))
		return refuse(&s, BW_ERR_SYNTAX, "a wildcard is no media type");
	BW_TRY(take_params(&s, &media, NULL));
	if (s.at != text.len)
		return refuse(&s, BW_ERR_SYNTAX, "something behind the media type");
	*out = media;
	return BW_OK;
}

bool bw_media_is(const struct bw_media *media, const char *name)
{
	struct bw_slice type = bw_slice_empty;
	struct bw_slice subtype = bw_slice_empty;

	return bw_slice_cut(bw_slice_text(name), '/', &type, &subtype) && same_nocase(media->type, type) &&
	       same_nocase(media->subtype, subtype);
}

const struct bw_media_param *bw_media_param(const struct bw_media *media, const char *name)
{
	for (size_t i = 0; i < media->params_n; i++) {
		if (bw_slice_is_nocase(media->params[i].name, name))
			return &media->params[i];
	}
	return NULL;
}

/* The next byte of a value without its quoting; -1 at the end. */
static int value_byte(const struct bw_media_param *param, size_t *at)
{
	if (*at >= param->value.len)
		return -1;
	if (param->quoted && param->value.ptr[*at] == '\\')
		++*at; /* the parser saw to it that a byte follows */
	return param->value.ptr[(*at)++];
}

static bool same_value(const struct bw_media_param *a, const struct bw_media_param *b)
{
	size_t at_a = 0;
	size_t at_b = 0;

	for (;;) {
		const int byte = value_byte(a, &at_a);

		if (byte != value_byte(b, &at_b))
			return false;
		if (byte < 0)
			return true;
	}
}

bool bw_media_param_is(const struct bw_media_param *param, const char *value)
{
	const struct bw_media_param plain = { bw_slice_empty, bw_slice_text(value), false };

	return same_value(param, &plain);
}

enum bw_err bw_accept_next(struct bw_slice *rest, struct bw_media_range *out, bool *more, struct bw_fault *fault)
{
	struct scan s = { *rest, 0, fault };

	skip_blanks(&s);
	while (take_byte(&s, ','))
		skip_blanks(&s);
	if (s.at == s.in.len) {
		*rest = bw_slice_empty;
		*more = false;
		return BW_OK;
	}
	out->q = 1000;
	out->media.params_n = 0;
	BW_TRY(take_type(&s, &out->media));
	BW_TRY(take_params(&s, &out->media, &out->q));
	if (s.at < s.in.len && !take_byte(&s, ','))
		return refuse(&s, BW_ERR_SYNTAX, "a comma stands between media ranges");
	*rest = bw_slice_from(s.in, s.at);
	*more = true;
	return BW_OK;
}

/* How specific the range is for this offer; 0: it does not match. */
static unsigned specificity(const struct bw_media *range, const struct bw_media *offer)
{
	const bool any_subtype = bw_slice_is(range->subtype, "*");

	if (bw_slice_is(range->type, "*"))
		return 1;
	if (!same_nocase(range->type, offer->type) || !(any_subtype || same_nocase(range->subtype, offer->subtype)))
		return 0;
	for (size_t i = 0; i < range->params_n; i++) {
		bool found = false;

		for (size_t k = 0; k < offer->params_n && !found; k++) {
			found = same_nocase(range->params[i].name, offer->params[k].name) &&
				same_value(&range->params[i], &offer->params[k]);
		}
		if (!found)
			return 0;
	}
	return any_subtype ? 2 : 3 + (unsigned)range->params_n;
}

/* Equally specific ranges: the kinder one, whatever the order they came in. */
static void weigh(const struct bw_media_range *range, const struct bw_media *offer, struct bw_accept_weight *weight)
{
	const unsigned found = specificity(&range->media, offer);

	if (found == 0 || found < weight->specificity)
		return;
	if (found > weight->specificity || range->q > weight->q)
		weight->q = range->q;
	weight->specificity = found;
}

enum bw_err bw_accept_weigh(struct bw_slice accept, const struct bw_media *offer, struct bw_accept_weight *weight,
			    struct bw_fault *fault)
{
	struct bw_accept_weight sum = *weight;
	struct bw_slice rest = accept;
	struct bw_media_range range;
	bool more = true;

	for (size_t n = 0; n <= BW_ACCEPT_RANGES_MAX; n++) {
		const size_t at = accept.len - rest.len;
		const enum bw_err err = bw_accept_next(&rest, &range, &more, fault);

		if (err != BW_OK) {
			if (fault != NULL)
				fault->offset += at;
			return err;
		}
		if (!more) {
			*weight = sum;
			return BW_OK;
		}
		weigh(&range, offer, &sum);
	}
	return bw_fault_set(fault, BW_ERR_TOO_MANY, accept.len - rest.len, "more media ranges than the limit");
}
