#include "guard/content_count.h"
#include "guard/content.h"

enum {
	LANES = 4,    /* so that equal neighbours do not wait for one another's counter */
	SHORTEST = 64 /* below this the chi-square of text and of noise overlap */
};

void bw_count_add(struct bw_count *count, struct bw_slice bytes)
{
	uint32_t lanes[LANES][256] = { 0 };
	const uint8_t *at = bytes.ptr;
	size_t left = bytes.len;

	for (; left >= 8; left -= 8, at += 8) {
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		lanes[0][word & 255]++;
		lanes[1][word >> 8 & 255]++;
		lanes[2][word >> 16 & 255]++;
		lanes[3][word >> 24 & 255]++;
		lanes[0][word >> 32 & 255]++;
		lanes[1][word >> 40 & 255]++;
		lanes[2][word >> 48 & 255]++;
		lanes[3][word >> 56]++;
	}
	for (; left > 0; left--, at++)
		lanes[0][*at]++;
	for (size_t i = 0; i < 256; i++)
		count->bins[i] += lanes[0][i] + lanes[1][i] + lanes[2][i] + lanes[3][i];
	count->total += (uint32_t)bytes.len;
}

void bw_count_merge(struct bw_count *into, const struct bw_count *from)
{
	for (size_t i = 0; i < 256; i++)
		into->bins[i] += from->bins[i];
	into->total += from->total;
}

static uint64_t chi_of(uint64_t squares, uint64_t total, uint64_t values)
{
	uint64_t scaled;

	if (total == 0)
		return 0;
	/* sum((c - n/k)^2 / (n/k)) = k * sum(c^2) / n - n; squares < 2^64 / 256 for n < 2^28 */
	scaled = total < (1u << 28) ? squares * values / total : squares / total * values;
	return scaled > total ? scaled - total : 0;
}

uint64_t bw_count_chi(const struct bw_count *count)
{
	uint64_t squares = 0;

	for (size_t i = 0; i < 256; i++)
		squares += (uint64_t)count->bins[i] * count->bins[i];
	return chi_of(squares, count->total, 256);
}

uint64_t bw_count_chi_among(const struct bw_count *count, const uint8_t *values, size_t values_n)
{
	uint64_t squares = 0;
	uint64_t total = 0;

	for (size_t i = 0; i < values_n; i++) {
		const uint64_t bin = count->bins[values[i]];

		squares += bin * bin;
		total += bin;
	}
	return chi_of(squares, total, values_n);
}

unsigned bw_count_values(const struct bw_count *count)
{
	unsigned values = 0;

	for (size_t i = 0; i < 256; i++)
		values += count->bins[i] != 0;
	return values;
}

static unsigned log2_of(uint64_t value)
{
	return value == 0 ? 0 : 63u - (unsigned)__builtin_clzll(value);
}

unsigned bw_count_class(const struct bw_count *count)
{
	const uint64_t chi = bw_count_chi(count);
	unsigned class;

	if (count->total < SHORTEST)
		return BW_CLASS_NONE;
	if (count->bins[0] == count->total)
		return BW_CLASS_ZERO;
	if (bw_count_values(count) == 1)
		return BW_CLASS_SAME;
	if (chi < BW_CHI_RANDOM)
		return BW_CLASS_RANDOM;
	class = BW_CLASS_RANDOM + 1 + log2_of(chi / BW_CHI_RANDOM);
	return class > BW_CLASS_MOST ? BW_CLASS_MOST : class;
}

uint8_t bw_log8(uint64_t value)
{
	const unsigned whole = log2_of(value);
	const uint64_t eighths = whole >= 3 ? value >> (whole - 3) & 7 : value << (3 - whole) & 7;

	if (value < 2)
		return 0;
	return whole >= 32 ? 255 : (uint8_t)(8 * whole + eighths);
}

uint64_t bw_exp8(uint8_t log)
{
	return log == 0 ? 0 : ((uint64_t)(8 + log % 8) << (log / 8)) / 8;
}
