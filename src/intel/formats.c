#include "intel/formats.h"

#include "base/text.h"
#include "intel/words.h"

/* ---- time --------------------------------------------------------------------- */

static unsigned two(const uint8_t *p)
{
	return (unsigned)(p[0] - '0') * 10 + (unsigned)(p[1] - '0');
}

static bool is_day(unsigned year, unsigned month, unsigned day)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (month < 1 || month > 12 || day < 1)
		return false;
	return day <= days[month - 1] + (month == 2 && leap ? 1U : 0U);
}

bool bw_is_timestamp(struct bw_slice text, size_t *out_digits)
{
	static const char shape[] = "dddd-dd-ddTdd:dd:dd"; /* then a fraction and Z */
	const size_t head = sizeof(shape) - 1;
	const uint8_t *p = text.ptr;
	size_t digits = 0;

	if (text.len < head + 1 || p[text.len - 1] != 'Z')
		return false;
	for (size_t i = 0; i < head; i++) {
		if (shape[i] == 'd' ? !bw_is_digit(p[i]) : p[i] != (uint8_t)shape[i])
			return false;
	}
	if (text.len > head + 1) {
		digits = text.len - head - 2;
		if (p[head] != '.' || digits == 0)
			return false;
		for (size_t i = 0; i < digits; i++) {
			if (!bw_is_digit(p[head + 1 + i]))
				return false;
		}
	}
	if (!is_day(two(p) * 100 + two(p + 2), two(p + 5), two(p + 8)))
		return false;
	/* RFC 3339 §5.7: second 60 is a leap second, at the end of a day only */
	if (two(p + 11) > 23 || two(p + 14) > 59 || two(p + 17) > 60)
		return false;
	if (two(p + 17) == 60 && (two(p + 11) != 23 || two(p + 14) != 59))
		return false;
	if (out_digits != NULL)
		*out_digits = digits;
	return true;
}

/* Without Z and without zeros at the end of the fraction. */
static struct bw_slice instant(struct bw_slice text)
{
	size_t len = text.len - 1;

	if (len > 19) {
		while (text.ptr[len - 1] == '0')
			len--;
		if (text.ptr[len - 1] == '.')
			len--;
	}
	return bw_slice_sub(text, 0, len);
}

int bw_timestamp_compare(struct bw_slice a, struct bw_slice b)
{
	return bw_slice_compare(instant(a), instant(b));
}

/* ---- names --------------------------------------------------------------------- */

static const uint8_t hex_class[256] = {
	['0'] = 1, ['1'] = 1, ['2'] = 1, ['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1,
	['8'] = 1, ['9'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1, ['d'] = 1, ['e'] = 1, ['f'] = 1,
	['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1, ['F'] = 1,
};

static bool is_hex_run(const uint8_t *p, size_t len)
{
	unsigned all = 1;

	for (size_t i = 0; i < len; i++)
		all &= hex_class[p[i]];
	return all != 0;
}

static bool is_uuid(const uint8_t *p)
{
	return is_hex_run(p, 8) && p[8] == '-' && is_hex_run(p + 9, 4) && p[13] == '-' && p[14] >= '1' &&
	       p[14] <= '5' && is_hex_run(p + 15, 3) && p[18] == '-' && memchr("89abAB", p[19], 6) != NULL &&
	       is_hex_run(p + 20, 3) && p[23] == '-' && is_hex_run(p + 24, 12);
}

static bool is_type_part(struct bw_slice name)
{
	if (name.len < 3 || name.len > 250 || !bw_is_lower(name.ptr[0]) || name.ptr[name.len - 1] == '-')
		return false;
	for (size_t i = 1; i < name.len; i++) {
		if (!bw_is_lower(name.ptr[i]) && !bw_is_digit(name.ptr[i]) && name.ptr[i] != '-')
			return false;
	}
	return true;
}

bool bw_is_id(struct bw_slice text, struct bw_id_parts *out)
{
	enum { UUID_LEN = 36 };
	struct bw_slice name;
	enum bw_stix_type type;

	if (text.len < UUID_LEN + 5 || !is_uuid(text.ptr + text.len - UUID_LEN) ||
	    memcmp(text.ptr + text.len - UUID_LEN - 2, "--", 2) != 0)
		return false;
	name = bw_slice_sub(text, 0, text.len - UUID_LEN - 2);
	type = bw_stix_type_of(name);
	if (type == BW_STIX_CUSTOM && !is_type_part(name))
		return false;
	if (out != NULL)
		*out = (struct bw_id_parts){ name, type, (unsigned)(text.ptr[text.len - UUID_LEN + 14] - '0') };
	return true;
}

bool bw_is_type_name(struct bw_slice text)
{
	if (text.len < 3 || text.len > 250 || !bw_is_lower(text.ptr[0]))
		return false;
	for (size_t i = 1; i < text.len; i++) {
		if (text.ptr[i] == '-' && text.ptr[i - 1] == '-')
			return false;
		if (!bw_is_lower(text.ptr[i]) && !bw_is_digit(text.ptr[i]) && text.ptr[i] != '-')
			return false;
	}
	return true;
}

bool bw_is_style_word(struct bw_slice text)
{
	bool lower = false;

	for (size_t i = 0; i < text.len; i++) {
		const uint8_t c = text.ptr[i];

		if (bw_is_upper(c) || c == '_' || c == ' ')
			return false;
		lower |= bw_is_lower(c) || c >= 0x80;
	}
	return lower;
}

bool bw_is_language(struct bw_slice text)
{
	size_t from = 0;

	for (size_t at = 0; at <= text.len; at++) {
		if (at < text.len && text.ptr[at] != '-') {
			if (!bw_is_alnum(text.ptr[at]))
				return false;
			continue;
		}
		if (at - from < 1 || at - from > 8)
			return false;
		if (from == 0) {
			const struct bw_slice first = bw_slice_sub(text, 0, at);

			if (at == 1 && (text.len == 1 || (first.ptr[0] | 0x20) != 'x'))
				return false;
			if (at > 1 && !bw_words_have(bw_words_languages, first))
				return false;
		}
		from = at + 1;
	}
	return true;
}

/* ---- encodings ------------------------------------------------------------------- */

bool bw_is_hex(struct bw_slice text)
{
	return text.len > 0 && text.len % 2 == 0 && is_hex_run(text.ptr, text.len);
}

static bool is_base64_char(uint8_t c)
{
	return bw_is_alnum(c) || c == '+' || c == '/';
}

bool bw_is_base64(struct bw_slice text)
{
	size_t len = text.len;

	if (len == 0 || len % 4 != 0)
		return false;
	if (text.ptr[len - 1] == '=')
		len--;
	if (text.ptr[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++) {
		if (!is_base64_char(text.ptr[i]))
			return false;
	}
	return true;
}

static bool all_digits(struct bw_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!bw_is_digit(text.ptr[i]))
			return false;
	}
	return text.len > 0;
}

bool bw_is_cve(struct bw_slice text)
{
	const struct bw_slice number = bw_slice_from(text, 9);

	return text.len >= 13 && bw_slice_starts(text, BW_LIT("CVE-")) && all_digits(bw_slice_sub(text, 4, 4)) &&
	       text.ptr[8] == '-' && all_digits(number) && (number.len == 4 || number.ptr[0] != '0');
}

bool bw_is_capec(struct bw_slice text)
{
	return bw_slice_starts(text, BW_LIT("CAPEC-")) && all_digits(bw_slice_from(text, 6));
}

static bool is_ssdeep(struct bw_slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (!is_base64_char(value.ptr[i]) && value.ptr[i] != ':' && value.ptr[i] != '.')
			return false;
	}
	return value.len >= 1 && value.len <= 128;
}

static bool is_tlsh(struct bw_slice value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (!bw_is_alnum(value.ptr[i]))
			return false;
	}
	/* 70 digits, or 72 with the version prefix T1 of newer tools */
	return value.len == 70 || (value.len == 72 && bw_slice_starts(value, BW_LIT("T1")));
}

bool bw_is_hash(struct bw_slice algorithm, struct bw_slice value)
{
	static const struct {
		const char *name;
		uint8_t digits;
	} rows[] = {
		{ "MD5", 32 },      { "SHA-1", 40 },    { "SHA-256", 64 },
		{ "SHA-512", 128 }, { "SHA3-256", 64 }, { "SHA3-512", 128 },
	};

	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		if (bw_slice_is(algorithm, rows[i].name))
			return value.len == rows[i].digits && is_hex_run(value.ptr, value.len);
	}
	if (bw_slice_is(algorithm, "SSDEEP"))
		return is_ssdeep(value);
	if (bw_slice_is(algorithm, "TLSH"))
		return is_tlsh(value);
	return true;
}
