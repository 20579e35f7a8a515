#include "intel/pattern_value.h"

#include <stdlib.h>

#include "base/num.h"
#include "base/text.h"

enum bw_err bw_pattern_unescape(const struct bw_pattern_token *token, struct bw_arena *arena, struct bw_slice *out)
{
	uint8_t *bytes;
	size_t n = 0;

	*out = token->text;
	if (!token->escaped || arena == NULL)
		return BW_OK;
	bytes = bw_arena_take(arena, token->text.len);
	BW_NEED(bytes != NULL, MEMORY);
	for (size_t i = 0; i < token->text.len; i++) {
		if (token->text.ptr[i] == '\\')
			i++; /* the lexer saw to it that one follows */
		bytes[n++] = token->text.ptr[i];
	}
	*out = bw_slice_of(bytes, n);
	return BW_OK;
}

static enum bw_err read_hex(struct bw_slice text, struct bw_arena *arena, struct bw_slice *out)
{
	uint8_t *bytes;

	if (arena == NULL || text.len == 0)
		return BW_OK;
	bytes = bw_arena_take(arena, text.len / 2);
	BW_NEED(bytes != NULL, MEMORY);
	BW_TRY(bw_hex_decode(text, bytes, text.len / 2));
	*out = bw_slice_of(bytes, text.len / 2);
	return BW_OK;
}

static unsigned base64_value(uint8_t c)
{
	if (bw_is_upper(c))
		return (unsigned)(c - 'A');
	if (bw_is_lower(c))
		return (unsigned)(c - 'a') + 26;
	if (bw_is_digit(c))
		return (unsigned)(c - '0') + 52;
	return c == '+' ? 62 : 63;
}

/* The lexer has checked alphabet, padding and groups. */
static enum bw_err read_binary(struct bw_slice text, struct bw_arena *arena, struct bw_slice *out)
{
	uint32_t bits = 0;
	unsigned held = 0;
	size_t n = 0;
	uint8_t *bytes;

	if (arena == NULL)
		return BW_OK;
	bytes = bw_arena_take(arena, text.len);
	BW_NEED(bytes != NULL, MEMORY);
	for (size_t i = 0; i < text.len && text.ptr[i] != '='; i++) {
		if (text.ptr[i] == '\n' || text.ptr[i] == '\r')
			continue;
		bits = (bits << 6 | base64_value(text.ptr[i])) & 0xffffff;
		held += 6;
		if (held >= 8) {
			held -= 8;
			bytes[n++] = (uint8_t)(bits >> held);
		}
	}
	*out = bw_slice_of(bytes, n);
	return BW_OK;
}

static enum bw_err read_integer(struct bw_slice text, struct bw_pattern_value *out, unsigned *remarks)
{
	const int64_t most = ((int64_t)1 << 53) - 1; /* §2.9 */

	if (bw_parse_i64(text, &out->as.integer) != BW_OK)
		return BW_ERR_RANGE;
	if (out->as.integer > most || out->as.integer < -most)
		*remarks |= BW_PATTERN_UNSAFE_INTEGER;
	return BW_OK;
}

/* Up to 15 digits are exact as an integer, and dividing by a power of ten rounds once. */
static bool read_short_float(struct bw_slice text, double *out)
{
	static const double powers[] = { 1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
					 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
	const bool minus = text.ptr[0] == '-';
	uint64_t digits = 0;
	size_t fraction = 0;
	bool point = false;

	if (text.len > 16)
		return false;
	for (size_t i = minus ? 1 : 0; i < text.len; i++) {
		if (text.ptr[i] == '.') {
			point = true;
			continue;
		}
		digits = digits * 10 + (uint64_t)(text.ptr[i] - '0');
		fraction += point ? 1 : 0;
	}
	*out = (double)digits / powers[fraction];
	if (minus)
		*out = -*out;
	return true;
}

static enum bw_err read_float(struct bw_slice text, double *out)
{
	char copy[400]; /* 1e308 written out has 309 digits; what is longer is not meant */

	if (read_short_float(text, out))
		return BW_OK;
	BW_NEED(text.len < sizeof(copy), RANGE);
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = 0;
	*out = strtod(copy, NULL); /* the process never leaves the C locale */
	BW_NEED(!__builtin_isinf(*out), RANGE);
	return BW_OK;
}

static unsigned two_digits(const uint8_t *c)
{
	return (unsigned)(c[0] - '0') * 10 + (unsigned)(c[1] - '0');
}

/* Days from 1970-01-01 to the first of a month of the proleptic Gregorian calendar. */
static int64_t days_to_month(int64_t year, unsigned month)
{
	/* years start in March, so that the leap day is the last of its year */
	const int64_t y = month <= 2 ? year - 1 : year;
	const int64_t m = month <= 2 ? (int64_t)month + 9 : (int64_t)month - 3;
	const int64_t era = (y >= 0 ? y : y - 399) / 400;
	const int64_t of_era = y - era * 400;
	const int64_t day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + (153 * m + 2) / 5;

	return era * 146097 + day_of_era - 719468;
}

static void read_timestamp(struct bw_slice text, struct bw_pattern_value *out, unsigned *remarks)
{
	const uint8_t *c = text.ptr;
	const int64_t year = (int64_t)two_digits(c) * 100 + two_digits(&c[2]);
	const unsigned month = two_digits(&c[5]);
	const unsigned day = two_digits(&c[8]);
	const int64_t first = days_to_month(year, month);
	const int64_t after = month == 12 ? days_to_month(year + 1, 1) : days_to_month(year, month + 1);
	uint32_t unit = 100000000;

	if (day > after - first)
		*remarks |= BW_PATTERN_NO_SUCH_DAY;
	out->as.time.seconds = (first + day - 1) * 86400 + (int64_t)two_digits(&c[11]) * 3600 +
			       (int64_t)two_digits(&c[14]) * 60 + two_digits(&c[17]);
	out->as.time.nanos = 0;
	for (size_t i = 20; i + 1 < text.len; i++, unit /= 10)
		out->as.time.nanos += (uint32_t)(c[i] - '0') * unit;
}

enum bw_err bw_pattern_value_read(const struct bw_pattern_token *token, struct bw_arena *arena,
				  struct bw_pattern_value *out, unsigned *remarks, struct bw_fault *fault)
{
	enum bw_err err = BW_OK;

	out->kind = (enum bw_pattern_value_kind)(token->kind - TOK_STRING);
	out->offset = (uint32_t)token->offset;
	out->text = token->text;
	out->bytes = token->text;
	switch (out->kind) {
	case BW_PATTERN_STRING:
		err = bw_pattern_unescape(token, arena, &out->bytes);
		break;
	case BW_PATTERN_INTEGER:
		err = read_integer(token->text, out, remarks);
		break;
	case BW_PATTERN_FLOAT:
		err = read_float(token->text, &out->as.number);
		break;
	case BW_PATTERN_BOOLEAN:
		out->as.truth = token->text.ptr[0] == 't';
		break;
	case BW_PATTERN_HEX:
		err = read_hex(token->text, arena, &out->bytes);
		break;
	case BW_PATTERN_BINARY:
		err = read_binary(token->text, arena, &out->bytes);
		break;
	case BW_PATTERN_TIMESTAMP:
		read_timestamp(token->text, out, remarks);
		break;
	}
	if (err != BW_OK)
		return bw_fault_set(fault, err, token->offset,
				    err == BW_ERR_RANGE ? "a number beyond all range"
							: "no memory left for this pattern");
	return BW_OK;
}

uint64_t bw_pattern_nanoseconds(struct bw_slice text)
{
	uint64_t whole = 0;
	uint64_t unit = 0; /* of the next digit; 0 before the point */

	for (size_t i = 0; i < text.len; i++) {
		const uint8_t c = text.ptr[i];
		uint64_t grown;

		if (c == '.') {
			if (__builtin_mul_overflow(whole, 1000000000U, &whole))
				return UINT64_MAX;
			unit = 100000000;
			continue;
		}
		if (unit > 0) {
			grown = whole + (uint64_t)(c - '0') * unit;
			unit = unit == 1 ? 0 : unit / 10;
			if (unit == 0)
				return grown < whole ? UINT64_MAX : grown;
		} else if (__builtin_mul_overflow(whole, 10U, &grown) ||
			   __builtin_add_overflow(grown, (uint64_t)(c - '0'), &grown)) {
			return UINT64_MAX;
		}
		whole = grown;
	}
	if (unit == 0 && __builtin_mul_overflow(whole, 1000000000U, &whole))
		return UINT64_MAX;
	return whole;
}

/* Hashes: the vocabulary's algorithms (§10.7) and their lengths in hexadecimal digits */

static bool is_hex(struct bw_slice text)
{
	bool hex = true;

	/* no early end: hashes are right nearly always, and straight lines run faster */
	for (size_t i = 0; i < text.len; i++) {
		const unsigned digit = (unsigned)text.ptr[i] - '0';
		const unsigned letter = ((unsigned)text.ptr[i] | 0x20) - 'a';

		hex &= (digit <= 9) | (letter <= 5);
	}
	return hex;
}

static bool is_ssdeep(struct bw_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		const uint8_t c = text.ptr[i];

		if (!bw_is_alnum(c) && c != '/' && c != '+' && c != ':' && c != '.')
			return false;
	}
	return text.len > 0 && text.len <= 128;
}

/* Letter case and dashes do not count: SHA-256, sha256, SHA256. */
static size_t plain_name(struct bw_slice name, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '-')
			continue;
		if (n + 1 == size)
			return 0;
		out[n++] = (char)bw_to_lower(name.ptr[i]);
	}
	out[n] = 0;
	return n;
}

bool bw_pattern_hash_fits(struct bw_slice name, struct bw_slice hash)
{
	static const struct {
		const char *name;
		size_t digits;
	} rows[] = {
		{ "md5", 32 },     { "sha1", 40 },     { "sha256", 64 },    { "sha512", 128 },
		{ "sha224", 56 },  { "sha384", 96 },   { "sha3224", 56 },   { "sha3256", 64 },
		{ "sha3384", 96 }, { "sha3512", 128 }, { "ripemd160", 40 }, { "whirlpool", 128 },
	};
	char plain[16];
	const size_t len = plain_name(name, plain, sizeof(plain));

	if (len == 0)
		return true;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		if (strcmp(rows[i].name, plain) == 0)
			return hash.len == rows[i].digits && is_hex(hash);
	}
	if (strcmp(plain, "md6") == 0)
		return is_hex(hash) && (hash.len == 32 || hash.len == 40 || hash.len == 56 || hash.len == 64 ||
					hash.len == 96 || hash.len == 128);
	return strcmp(plain, "ssdeep") != 0 || is_ssdeep(hash);
}
