#include "codec/jcs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/text.h"

enum {
	NAMES_ON_STACK = 64, /* members of an object sorted without asking for memory */
	DIGITS_MAX = 17,     /* always enough to tell two doubles apart */
};

static const uint64_t whole_max = (uint64_t)1 << 53;

int bw_jcs_compare(struct bw_slice a, struct bw_slice b)
{
	const size_t common = a.len < b.len ? a.len : b.len;

	for (size_t i = 0; i < common; i++) {
		const uint8_t x = a.ptr[i];
		const uint8_t y = b.ptr[i];

		if (x == y)
			continue;
		/*
		 * UTF-8 orders like UTF-16 but for one case: characters past U+FFFF
		 * (lead bytes F0-F4) are surrogates there, before U+E000-U+FFFF (EE, EF).
		 */
		if (x >= 0xf0 && (y == 0xee || y == 0xef))
			return -1;
		if (y >= 0xf0 && (x == 0xee || x == 0xef))
			return 1;
		return (int)x - (int)y;
	}
	return (a.len > b.len) - (a.len < b.len);
}

/* ---- strings ------------------------------------------------------------ */

static enum bw_err add_escaped(struct bw_buf *out, uint8_t c)
{
	static const char short_names[] = "\bb\ff\nn\rr\tt\"\"\\\\";

	for (size_t i = 0; i + 1 < sizeof(short_names); i += 2) {
		if ((uint8_t)short_names[i] == c) {
			const uint8_t pair[2] = { '\\', (uint8_t)short_names[i + 1] };

			return bw_buf_add(out, bw_slice_of(pair, 2));
		}
	}
	return bw_buf_addf(out, "\\u%04x", (unsigned)c);
}

static bool must_escape(uint8_t c)
{
	return c < 0x20 || c == '"' || c == '\\';
}

/* How many bytes from `p` can be written as they are. */
static size_t writable_run(const uint8_t *p, size_t len)
{
	size_t at = 0;

#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i slash = _mm_set1_epi8('\\');
	const __m128i last_control = _mm_set1_epi8(0x1f);

	for (; len - at >= 16; at += 16) {
		const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(p + at));
		const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
		const unsigned hits = (unsigned)_mm_movemask_epi8(_mm_or_si128(
			control, _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash))));

		if (hits != 0)
			return at + (size_t)__builtin_ctz(hits);
	}
#endif
	while (at < len && !must_escape(p[at]))
		at++;
	return at;
}

enum bw_err bw_jcs_add_string(struct bw_buf *out, struct bw_slice text)
{
	size_t at = 0;

	BW_TRY(bw_buf_add_u8(out, '"'));
	while (at < text.len) {
		const size_t run = writable_run(text.ptr + at, text.len - at);

		BW_TRY(bw_buf_add(out, bw_slice_of(text.ptr + at, run)));
		at += run;
		if (at < text.len)
			BW_TRY(add_escaped(out, text.ptr[at++]));
	}
	return bw_buf_add_u8(out, '"');
}

/* ---- numbers (ECMA-262, Number::toString) --------------------------------- */

struct decimal {
	char digits[DIGITS_MAX + 1]; /* no trailing zeros */
	size_t count;
	int point; /* the value is 0.digits times ten to this */
};

/* "1.2345e+06" to "1.2346e+06": the same text with its last digit one higher. False: all were nines. */
static bool round_up(char *text)
{
	char *digit = strchr(text, 'e');

	while (digit-- > text) {
		if (!bw_is_digit((uint8_t)*digit))
			continue;
		if (*digit != '9') {
			++*digit;
			return true;
		}
		*digit = '0';
	}
	return false;
}

static bool reads_back(const char *text, double number)
{
	return strtod(text, NULL) == number;
}

/*
 * Writes the fewest digits that read back as the same double, among those the
 * nearest. Fifteen digits always survive a normal double, so that fewer are
 * fifteen without their zeros. A power of two has a neighbour below at half the distance: there the
 * nearest text may miss while the one above it still hits.
 */
static void write_shortest(double number, char text[40])
{
	const double least_normal = 2.2250738585072014e-308;
	int exponent;
	const bool power_of_two = frexp(number, &exponent) == 0.5;

	for (int precision = number < least_normal ? 0 : 14; precision < DIGITS_MAX; precision++) {
		(void)snprintf(text, 40, "%.*e", precision, number);
		if (reads_back(text, number) || (power_of_two && round_up(text) && reads_back(text, number)))
			return;
	}
	(void)snprintf(text, 40, "%.*e", DIGITS_MAX - 1, number);
}

static struct decimal shortest(double number)
{
	struct decimal out = { 0 };
	char text[40];
	char *exponent;

	write_shortest(number, text);
	exponent = strchr(text, 'e');
	for (const char *c = text; c < exponent; c++) {
		if (bw_is_digit((uint8_t)*c)) /* skips the point, whatever the locale calls it */
			out.digits[out.count++] = *c;
	}
	while (out.count > 1 && out.digits[out.count - 1] == '0')
		out.count--;
	out.digits[out.count] = 0;
	out.point = (int)strtol(exponent + 1, NULL, 10) + 1;
	return out;
}

static enum bw_err add_zeros(struct bw_buf *out, int count)
{
	while (count-- > 0)
		BW_TRY(bw_buf_add_u8(out, '0'));
	return BW_OK;
}

static enum bw_err add_exponent(struct bw_buf *out, const struct decimal *d)
{
	const int exponent = d->point - 1;

	BW_TRY(bw_buf_add_u8(out, (uint8_t)d->digits[0]));
	if (d->count > 1) {
		BW_TRY(bw_buf_add_u8(out, '.'));
		BW_TRY(bw_buf_add(out, bw_slice_of(d->digits + 1, d->count - 1)));
	}
	return bw_buf_addf(out, "e%+d", exponent);
}

enum bw_err bw_jcs_add_double(struct bw_buf *out, double number)
{
	const int count_limit = 21; /* ECMA-262: above 1e21 and below 1e-6 with an exponent */
	struct decimal d;
	int count;

	if (number == 0)
		return bw_buf_add_u8(out, '0'); /* minus zero too */
	if (number < 0) {
		BW_TRY(bw_buf_add_u8(out, '-'));
		number = -number;
	}
	d = shortest(number);
	count = (int)d.count;
	if (count <= d.point && d.point <= count_limit) {
		BW_TRY(bw_buf_add(out, bw_slice_of(d.digits, d.count)));
		return add_zeros(out, d.point - count);
	}
	if (d.point > 0 && d.point <= count_limit) {
		BW_TRY(bw_buf_add(out, bw_slice_of(d.digits, (size_t)d.point)));
		BW_TRY(bw_buf_add_u8(out, '.'));
		return bw_buf_add(out, bw_slice_of(d.digits + d.point, (size_t)(count - d.point)));
	}
	if (d.point > -6 && d.point <= 0) {
		BW_TRY(bw_buf_add_text(out, "0."));
		BW_TRY(add_zeros(out, -d.point));
		return bw_buf_add(out, bw_slice_of(d.digits, d.count));
	}
	return add_exponent(out, &d);
}

static enum bw_err add_whole(struct bw_buf *out, uint64_t size, bool negative)
{
	char text[24];
	size_t at = sizeof(text);

	if (size > whole_max) /* a double to ECMAScript */
		return bw_jcs_add_double(out, negative ? -(double)size : (double)size);
	do {
		text[--at] = (char)('0' + size % 10);
		size /= 10;
	} while (size != 0);
	if (negative)
		text[--at] = '-';
	return bw_buf_add(out, bw_slice_of(text + at, sizeof(text) - at));
}

static enum bw_err add_number(struct bw_buf *out, yyjson_val *value)
{
	const int64_t whole = value->uni.i64;

	switch (unsafe_yyjson_get_subtype(value)) {
	case YYJSON_SUBTYPE_UINT:
		return add_whole(out, value->uni.u64, false);
	case YYJSON_SUBTYPE_SINT:
		return add_whole(out, whole < 0 ? 0 - (uint64_t)whole : (uint64_t)whole, whole < 0);
	default:
		return bw_jcs_add_double(out, value->uni.f64);
	}
}

/* ---- containers ------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	yyjson_val *const *x = a;
	yyjson_val *const *y = b;

	return bw_jcs_compare(bw_json_text(*x), bw_json_text(*y));
}

static void sort_names(yyjson_val **names, size_t count)
{
	if (count > NAMES_ON_STACK) {
		qsort(names, count, sizeof(*names), by_name);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		yyjson_val *name = names[i];
		size_t at = i;

		for (; at > 0 && by_name(&names[at - 1], &name) > 0; at--)
			names[at] = names[at - 1];
		names[at] = name;
	}
}

static enum bw_err add_members(struct bw_buf *out, yyjson_val **names, size_t count, yyjson_val *object)
{
	yyjson_val *name = unsafe_yyjson_get_first(object);

	for (size_t i = 0; i < count; i++) {
		names[i] = name;
		name = unsafe_yyjson_get_next(name + 1);
	}
	sort_names(names, count);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(bw_jcs_add_string(out, bw_json_text(names[i])));
		BW_TRY(bw_buf_add_u8(out, ':'));
		BW_TRY(bw_jcs_add(out, names[i] + 1));
	}
	return bw_buf_add_u8(out, '}');
}

static void free_names(yyjson_val ***names)
{
	free((void *)*names);
}

static enum bw_err add_large(struct bw_buf *out, yyjson_val *object, size_t count)
{
	BW_CLEANUP(free_names) yyjson_val **names = calloc(count, sizeof(*names));

	BW_NEED(names != NULL, MEMORY);
	return add_members(out, names, count, object);
}

static enum bw_err add_object(struct bw_buf *out, yyjson_val *object)
{
	const size_t count = unsafe_yyjson_get_len(object);
	yyjson_val *names[NAMES_ON_STACK];

	BW_TRY(bw_buf_add_u8(out, '{'));
	if (count == 0)
		return bw_buf_add_u8(out, '}');
	if (count > NAMES_ON_STACK)
		return add_large(out, object, count);
	return add_members(out, names, count, object);
}

static enum bw_err add_array(struct bw_buf *out, yyjson_val *array)
{
	const size_t count = unsafe_yyjson_get_len(array);
	yyjson_val *value = count == 0 ? NULL : unsafe_yyjson_get_first(array);

	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(bw_jcs_add(out, value));
		value = unsafe_yyjson_get_next(value);
	}
	return bw_buf_add_u8(out, ']');
}

enum bw_err bw_jcs_add(struct bw_buf *out, yyjson_val *value)
{
	switch (unsafe_yyjson_get_type(value)) {
	case YYJSON_TYPE_OBJ:
		return add_object(out, value);
	case YYJSON_TYPE_ARR:
		return add_array(out, value);
	case YYJSON_TYPE_STR:
		return bw_jcs_add_string(out, bw_json_text(value));
	case YYJSON_TYPE_NUM:
		return add_number(out, value);
	case YYJSON_TYPE_BOOL:
		return bw_buf_add_text(out, unsafe_yyjson_get_bool(value) ? "true" : "false");
	default:
		return bw_buf_add_text(out, "null");
	}
}
