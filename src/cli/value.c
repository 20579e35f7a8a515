/*
 * One option's text, checked against its row.
 */
#include "base/num.h"
#include "base/text.h"
#include "cli/call.h"
#include "cli/nearest.h"

struct suffix {
	const char *name;
	int64_t factor;
};

static const struct suffix size_suffixes[] = {
	{ "k", INT64_C(1) << 10 }, { "m", INT64_C(1) << 20 }, { "g", INT64_C(1) << 30 }, { "", 1 }, { NULL, 0 },
};

static const struct suffix time_suffixes[] = {
	{ "ms", 1 }, { "s", 1000 }, { "min", 60 * 1000 }, { "h", 60 * 60 * 1000 }, { "d", 86400000 }, { NULL, 0 },
};

static const struct suffix no_suffixes[] = { { "", 1 }, { NULL, 0 } };

static const struct suffix *suffixes_of(enum bw_option_kind kind)
{
	if (kind == BW_OPT_SIZE)
		return size_suffixes;
	return kind == BW_OPT_TIME ? time_suffixes : no_suffixes;
}

static const char *form_of(enum bw_option_kind kind)
{
	if (kind == BW_OPT_SIZE)
		return "a size: a number, then k, m, g or nothing (bytes)";
	return kind == BW_OPT_TIME ? "a time: a number, then ms, s, min, h or d" : "a whole number";
}

/* number, suffix; a bare 0 needs none. SYNTAX, OVERFLOW. */
static enum bw_err read_scaled(enum bw_option_kind kind, struct bw_slice text, int64_t *out)
{
	size_t digits = text.len > 0 && text.ptr[0] == '-' ? 1 : 0;
	struct bw_slice unit;
	int64_t number;

	while (digits < text.len && bw_is_digit(text.ptr[digits]))
		digits++;
	BW_TRY(bw_parse_i64(bw_slice_sub(text, 0, digits), &number));
	unit = bw_slice_from(text, digits);
	if (number == 0 && unit.len == 0) {
		*out = 0;
		return BW_OK;
	}
	for (const struct suffix *s = suffixes_of(kind); s->name != NULL; s++) {
		if (!bw_slice_is_nocase(unit, s->name))
			continue;
		BW_NEED(!__builtin_mul_overflow(number, s->factor, out), OVERFLOW);
		return BW_OK;
	}
	return BW_ERR_SYNTAX;
}

/* The shortest exact way to write `value`, with the suffix that fits. */
static enum bw_err add_scaled(struct bw_buf *out, enum bw_option_kind kind, int64_t value)
{
	struct suffix best = { kind == BW_OPT_TIME ? "ms" : "", 1 };

	for (const struct suffix *s = suffixes_of(kind); s->name != NULL; s++) {
		if (value != 0 && value % s->factor == 0 && s->factor > best.factor)
			best = *s;
	}
	return bw_buf_addf(out, "%lld%s", (long long)(value / best.factor), best.name);
}

static enum bw_err refuse_range(const struct bw_option *row, const char *text, struct bw_buf *why)
{
	BW_TRY(bw_buf_addf(why, "--%s is '%s', and must be from ", row->name, text));
	BW_TRY(add_scaled(why, row->kind, row->min));
	BW_TRY(bw_buf_add_text(why, " to "));
	BW_TRY(add_scaled(why, row->kind, row->max));
	return BW_ERR_USAGE;
}

static enum bw_err read_number(const struct bw_option *row, const char *text, int64_t *num, struct bw_buf *why)
{
	int64_t value = 0;
	const enum bw_err err = read_scaled(row->kind, bw_slice_text(text), &value);

	if (err == BW_ERR_SYNTAX) {
		BW_TRY(bw_buf_addf(why, "--%s is '%s', and must be %s", row->name, text, form_of(row->kind)));
		return BW_ERR_USAGE;
	}
	if (err != BW_OK || value < row->min || value > row->max)
		return refuse_range(row, text, why);
	*num = value;
	return BW_OK;
}

static enum bw_err read_choice(const struct bw_option *row, const char *text, int64_t *num, struct bw_buf *why)
{
	struct bw_slice rest = bw_slice_text(row->choices);
	struct bw_slice choice;

	for (int64_t n = 0; rest.len > 0; n++) {
		if (!bw_slice_cut(rest, '|', &choice, &rest)) {
			choice = rest;
			rest = bw_slice_empty;
		}
		if (bw_slice_is(choice, text)) {
			*num = n;
			return BW_OK;
		}
	}
	BW_TRY(bw_buf_addf(why, "--%s is '%s', and must be one of: ", row->name, text));
	for (const char *c = row->choices; *c != 0; c++) {
		if (*c == '|')
			BW_TRY(bw_buf_add_text(why, ", "));
		else
			BW_TRY(bw_buf_add_u8(why, (uint8_t)*c));
	}
	return BW_ERR_USAGE;
}

static enum bw_err read_flag(const struct bw_option *row, const char *text, int64_t *num, struct bw_buf *why)
{
	if (strcmp(text, "yes") == 0 || strcmp(text, "no") == 0) {
		*num = text[0] == 'y' ? 1 : 0;
		return BW_OK;
	}
	BW_TRY(bw_buf_addf(why, "--%s is '%s', and must be yes or no", row->name, text));
	return BW_ERR_USAGE;
}

enum bw_err bw_value_read(const struct bw_option *row, const char *text, int64_t *num, struct bw_buf *why)
{
	switch (row->kind) {
	case BW_OPT_FLAG:
		return read_flag(row, text, num, why);
	case BW_OPT_NUM:
	case BW_OPT_SIZE:
	case BW_OPT_TIME:
		return read_number(row, text, num, why);
	case BW_OPT_CHOICE:
		return read_choice(row, text, num, why);
	case BW_OPT_TEXT:
	default:
		*num = 0;
		return BW_OK;
	}
}
