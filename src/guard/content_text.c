#include "base/text.h"
#include "guard/content_text.h"

enum {
	LETTERS_ENOUGH = 256, /* below, the evenness of letters is chance */
	SYMBOLS_ENOUGH = 512,
	EVEN_SYMBOLS_MIN = 16, /* hex; fewer are tables of numbers, genomes */
	EVEN_SYMBOLS_MAX = 96,
	EVEN_MOST_8THS = 10,      /* 1.0 is perfectly even; words make 3 and more */
	FLAT_MOST_8THS = 9,       /* English 13.8, other languages more */
	CONTROLS_PER_TEXT = 2048, /* logs and dumps have a stray control byte now and then */
	NOISE_ENOUGH = 6,
	NOISE_MANY = 24,
	NOISE_CHI = 86, /* 27 degrees of freedom: eight standard deviations above the mean */
};

/* What no text has: C0 without tab, line ends, form feed, ^Z (DOS) and escape; and DEL. */
static const uint8_t control_values[] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  11, 14, 15, 16, 17,
					  18, 19, 20, 21, 22, 23, 24, 25, 28, 29, 30, 31, 127 };

static uint64_t count_controls(const struct bw_count *count)
{
	uint64_t controls = 0;

	for (size_t i = 0; i < BW_COUNT(control_values); i++)
		controls += count->bins[control_values[i]];
	return controls;
}

/* Control bytes are spread as random bytes spread them: data of programs has mostly zeros and small numbers. */
static bool is_noise(const struct bw_count *count, uint64_t controls)
{
	size_t values = 0;

	if (controls < NOISE_ENOUGH)
		return false;
	if (controls >= NOISE_MANY)
		return bw_count_chi_among(count, control_values, BW_COUNT(control_values)) < NOISE_CHI;
	for (size_t i = 0; i < BW_COUNT(control_values); i++)
		values += count->bins[control_values[i]] != 0;
	return values * 2 > controls;
}

static uint8_t letters_of(const struct bw_count *count)
{
	uint64_t pairs = 0;
	uint64_t letters = 0;
	uint64_t eighths;

	for (size_t i = 0; i < 26; i++) {
		const uint64_t n = (uint64_t)count->bins['a' + i] + count->bins['A' + i];

		letters += n;
		pairs += n == 0 ? 0 : n * (n - 1);
	}
	if (letters < LETTERS_ENOUGH)
		return 0;
	eighths = 26 * 8 * pairs / (letters * (letters - 1));
	return eighths > 15 ? 15 : eighths < 1 ? 1 : (uint8_t)eighths;
}

static uint8_t spaces_of(const struct bw_count *count)
{
	const uint64_t spaces = (uint64_t)count->bins[' '] + count->bins['\t'] + count->bins['\n'];
	const uint64_t share = count->total == 0 ? 0 : (spaces * 32 + count->total / 2) / count->total;

	return share > 15 ? 15 : (uint8_t)share;
}

/* An alphabet used evenly, line ends aside: base64, base32, hex, base85. */
static bool is_even(const struct bw_count *count)
{
	const uint64_t rare = count->total / 1024;
	uint64_t squares = 0;
	uint64_t total = 0;
	uint64_t symbols = 0;

	for (size_t i = 0x20; i < 0x7f; i++) {
		const uint64_t n = count->bins[i];

		total += n;
		squares += n * n;
		symbols += n > rare;
	}
	return total >= SYMBOLS_ENOUGH && symbols >= EVEN_SYMBOLS_MIN && symbols <= EVEN_SYMBOLS_MAX &&
	       8 * symbols * squares <= EVEN_MOST_8THS * total * total;
}

/* ---- encodings --------------------------------------------------------------------------------- */

/* A window may begin and end inside a character: up to three bytes at either end are forgiven. */
static bool is_utf8(struct bw_slice bytes)
{
	size_t skip = 0;
	size_t bad;

	while (skip < 3 && skip < bytes.len && (bytes.ptr[skip] & 0xc0) == 0x80)
		skip++;
	bytes = bw_slice_from(bytes, skip);
	return bw_utf8_is_valid(bytes, &bad) || bytes.len - bad <= 3;
}

static bool all_utf8(const struct bw_sample *sample)
{
	for (size_t i = 0; i < sample->count; i++) {
		if (!is_utf8(sample->pieces[i].bytes))
			return false;
	}
	return true;
}

/* 0: no; 1: low byte first; 2: high byte first. */
static unsigned utf16_order(struct bw_slice head)
{
	size_t zeros[2] = { 0, 0 };
	const size_t n = head.len < 256 ? head.len & ~(size_t)1 : 256;

	if (n < 4)
		return 0;
	if (head.ptr[0] == 0xff && head.ptr[1] == 0xfe)
		return 1;
	if (head.ptr[0] == 0xfe && head.ptr[1] == 0xff)
		return 2;
	for (size_t i = 0; i < n; i++)
		zeros[i & 1] += head.ptr[i] == 0;
	if (zeros[0] == 0 && zeros[1] * 10 >= n * 4)
		return 1;
	return zeros[1] == 0 && zeros[0] * 10 >= n * 4 ? 2 : 0;
}

static bool is_odd_unit(unsigned unit)
{
	return (unit < 0x20 && unit != 9 && unit != 10 && unit != 12 && unit != 13) || unit == 0xffff ||
	       unit == 0xfffe || (unit >= 0xe000 && unit < 0xf900); /* private use: not in people's text */
}

/* Units that text has not: controls, private use, halves of pairs on their own. */
static bool is_utf16(const struct bw_sample *sample, unsigned order)
{
	uint64_t odd = 0;
	uint64_t units = 0;

	for (size_t p = 0; p < sample->count; p++) {
		const struct bw_slice bytes = sample->pieces[p].bytes;
		bool open = true; /* the first half may lie before the window */

		for (size_t i = sample->pieces[p].at & 1; i + 1 < bytes.len; i += 2, units++) {
			const size_t hi = order == 2 ? i : i + 1;
			const unsigned unit = (unsigned)bytes.ptr[hi] << 8 | bytes.ptr[i + (hi == i)];
			const bool is_low = unit >= 0xdc00 && unit < 0xe000;

			odd += is_odd_unit(unit) || (is_low && !open);
			open = unit >= 0xd800 && unit < 0xdc00;
		}
	}
	return units >= 2 && odd * 256 <= units;
}

static enum bw_format encoding_of(const struct bw_sample *sample, const struct bw_count *count, uint64_t controls)
{
	uint64_t high = 0;
	unsigned order;

	if (count->total == 0 || sample->pieces[0].at != 0)
		return BW_FORMAT_UNKNOWN;
	order = utf16_order(sample->pieces[0].bytes);
	if (order != 0)
		return is_utf16(sample, order) ? BW_FORMAT_UTF16 : BW_FORMAT_UNKNOWN;
	if (controls * CONTROLS_PER_TEXT > count->total)
		return BW_FORMAT_UNKNOWN;
	for (size_t i = 0x80; i < 0x100; i++)
		high += count->bins[i];
	if (high == 0)
		return BW_FORMAT_ASCII;
	if (all_utf8(sample))
		return BW_FORMAT_UTF8;
	/* 8-bit text is letters with some accents, or letters of another script between blanks */
	return count->total >= 64 && spaces_of(count) >= 1 ? BW_FORMAT_LATIN : BW_FORMAT_UNKNOWN;
}

void bw_text_look(const struct bw_sample *sample, const struct bw_count *count, struct bw_text_look *out)
{
	const uint64_t controls = count_controls(count);
	const uint64_t share = count->total == 0 ? 0 : (controls * 1024 + count->total - 1) / count->total;
	struct bw_text_look look = { .format = encoding_of(sample, count, controls) };

	look.controls = share > 255 ? 255 : (uint8_t)share;
	look.noise = look.format == BW_FORMAT_UNKNOWN && is_noise(count, controls);
	look.letters = letters_of(count);
	look.spaces = spaces_of(count);
	if (look.format != BW_FORMAT_UNKNOWN) {
		look.even = is_even(count);
		look.flat = look.letters != 0 && look.letters <= FLAT_MOST_8THS;
	}
	*out = look;
}
