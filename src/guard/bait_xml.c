#include "guard/bait_xml.h"

#include "base/text.h"

struct xml {
	struct bw_slice bytes;
	size_t at;
	struct bw_slice tag; /* the name of the last start tag; empty after any other */
};

static bool starts(const struct xml *x, const char *with)
{
	return bw_slice_starts(bw_slice_from(x->bytes, x->at), bw_slice_text(with));
}

static enum bw_err skip_past(struct xml *x, const char *end)
{
	const size_t len = strlen(end);

	while (x->at + len <= x->bytes.len && !starts(x, end))
		x->at++;
	BW_NEED(x->at + len <= x->bytes.len, UNSUPPORTED);
	x->at += len;
	return BW_OK;
}

/* To its '>', which may stand in quotes before. */
static enum bw_err skip_tag(struct xml *x)
{
	uint8_t quote = 0;

	while (x->at < x->bytes.len) {
		const uint8_t c = x->bytes.ptr[x->at++];

		if (quote != 0)
			quote = c == quote ? 0 : quote;
		else if (c == '"' || c == '\'')
			quote = c;
		else if (c == '>')
			return BW_OK;
	}
	return BW_ERR_UNSUPPORTED;
}

static enum bw_err take_tag(struct xml *x)
{
	const size_t from = x->at + 1;
	size_t end = from;

	x->tag = bw_slice_empty;
	if (starts(x, "<!--"))
		return skip_past(x, "-->");
	if (starts(x, "<?"))
		return skip_past(x, "?>");
	BW_NEED(!starts(x, "<!"), UNSUPPORTED);
	BW_TRY(skip_tag(x));
	if (x->bytes.ptr[from] == '/' || x->bytes.ptr[x->at - 2] == '/')
		return BW_OK;
	while (end < x->at - 1 && !bw_is_space(x->bytes.ptr[end]))
		end++;
	x->tag = bw_slice_sub(x->bytes, from, end - from);
	return BW_OK;
}

static bool is_shown(struct bw_slice tag)
{
	static const char *const shown[] = { "w:t",         "a:t",         "dc:title", "dc:subject", "dc:description",
					     "cp:keywords", "meta:keyword" };

	for (size_t i = 0; i < BW_COUNT(shown); i++) {
		if (bw_slice_is(tag, shown[i]))
			return true;
	}
	return false;
}

/* What is between two tags or entities; *out_shown: people see it. CLOSED: the end. */
static enum bw_err next_text(struct xml *x, bool whole, struct bw_slice *out, bool *out_shown)
{
	size_t from;

	while (x->at < x->bytes.len && x->bytes.ptr[x->at] == '<')
		BW_TRY(take_tag(x));
	BW_NEED(x->at < x->bytes.len, CLOSED);
	from = x->at;
	if (x->bytes.ptr[from] == '&') { /* &amp; and its like stay as they are */
		BW_TRY(skip_past(x, ";"));
		*out_shown = false;
	} else {
		while (x->at < x->bytes.len && x->bytes.ptr[x->at] != '<' && x->bytes.ptr[x->at] != '&')
			x->at++;
		*out_shown = whole || is_shown(x->tag);
	}
	*out = bw_slice_sub(x->bytes, from, x->at - from);
	return BW_OK;
}

enum bw_err bw_bait_xml_learn(struct bw_slice xml, bool whole, struct bw_bait_pool *pool, struct bw_bait_tally *tally)
{
	struct xml x = { .bytes = xml, .tag = bw_slice_empty };
	struct bw_slice text;
	size_t letters;
	size_t digits;
	size_t at;
	bool shown;
	enum bw_err err;

	BW_NEED(bw_utf8_is_valid(xml, &at), UNSUPPORTED);
	while ((err = next_text(&x, whole, &text, &shown)) == BW_OK) {
		if (!shown)
			continue;
		bw_bait_tally(text, &letters, &digits);
		tally->letters += letters;
		tally->digits += digits;
		bw_bait_pool_add(pool, text);
	}
	return err == BW_ERR_CLOSED ? BW_OK : err;
}

enum bw_err bw_bait_xml_stir(struct bw_slice xml, bool whole, const struct bw_bait_pool *pool,
			     struct bw_bait_dice *dice, struct bw_buf *out)
{
	struct xml x = { .bytes = xml, .tag = bw_slice_empty };
	struct bw_slice text;
	size_t done = 0;
	bool shown;
	enum bw_err err;

	while ((err = next_text(&x, whole, &text, &shown)) == BW_OK) {
		if (!shown)
			continue;
		BW_TRY(bw_buf_add(out, bw_slice_sub(xml, done, x.at - text.len - done)));
		BW_TRY(bw_bait_stir(pool, text, dice, out));
		done = x.at;
	}
	BW_NEED(err == BW_ERR_CLOSED, UNSUPPORTED);
	return bw_buf_add(out, bw_slice_from(xml, done));
}
