#include <stdlib.h>

#include "base/text.h"
#include "bench/content_patterns.h"
#include "codec/base64.h"
#include "guard/content_look.h"

/* ---- noise ------------------------------------------------------------------------------------ */

static uint64_t next(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15u; /* SplitMix64 */

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

void bw_shape_noise(uint64_t seed, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		const uint64_t word = next(&seed);

		memcpy(out + i, &word, len - i < 8 ? len - i : 8);
	}
}

static void must(enum bw_err err)
{
	if (err != BW_OK)
		abort();
}

/* A copy of `old` in `out`, and where it starts. */
static uint8_t *copy(struct bw_slice old, struct bw_buf *out)
{
	const size_t at = out->len;

	must(bw_buf_add(out, old));
	return out->ptr + at;
}

static void span(uint8_t *bytes, size_t size, size_t at, size_t len, uint64_t seed)
{
	if (at < size)
		bw_shape_noise(seed ^ at * 0x2545f4914f6cdd1du, bytes + at, len < size - at ? len : size - at);
}

/* `noisy` bytes of noise, `kept` bytes kept, over and over. */
static void stripes(struct bw_slice old, uint64_t seed, struct bw_buf *out, size_t noisy, size_t kept)
{
	uint8_t *bytes = copy(old, out);

	for (size_t at = 0; at < old.len; at += noisy + kept)
		span(bytes, old.len, at, noisy, seed);
}

static void head(struct bw_slice old, uint64_t seed, struct bw_buf *out, size_t len)
{
	span(copy(old, out), old.len, 0, len, seed);
}

static void footer(struct bw_slice old, uint64_t seed, struct bw_buf *out, size_t len)
{
	uint8_t extra[1024];

	head(old, seed, out, old.len);
	bw_shape_noise(seed + 1, extra, len);
	must(bw_buf_add(out, bw_slice_of(extra, len)));
}

#define SHAPE(name, call)                                                        \
	static void name(struct bw_slice old, uint64_t seed, struct bw_buf *out) \
	{                                                                        \
		call;                                                            \
	}

SHAPE(full, head(old, seed, out, old.len))
SHAPE(head_4k, head(old, seed, out, 4096))
SHAPE(head_512k, head(old, seed, out, 512 * BW_KIB))
SHAPE(head_1m, head(old, seed, out, BW_MIB))
SHAPE(alternate_16, stripes(old, seed, out, 16, 16))
SHAPE(stripe_64_128, stripes(old, seed, out, 64, 64))
SHAPE(stripe_64_192, stripes(old, seed, out, 64, 128))
SHAPE(mib_mib, stripes(old, seed, out, BW_MIB, BW_MIB))
SHAPE(mib_2mib, stripes(old, seed, out, BW_MIB, 2 * BW_MIB))
SHAPE(skip_step, stripes(old, seed, out, 256 * BW_KIB, 768 * BW_KIB))
SHAPE(percent_5, stripes(old, seed, out, old.len / 200 + 1, old.len / 10 - old.len / 200 + 1))
SHAPE(percent_20, stripes(old, seed, out, old.len / 50 + 1, old.len / 10 - old.len / 50 + 1))
SHAPE(percent_50, stripes(old, seed, out, old.len / 20 + 1, old.len / 10 - old.len / 20 + 1))
SHAPE(first_half, head(old, seed, out, old.len / 2))
SHAPE(four_blocks, stripes(old, seed, out, old.len / 12 + 1, old.len / 4 - old.len / 12 + 1))
SHAPE(each_hundredth, stripes(old, seed, out, BW_MIB, old.len / 100 + 1))
SHAPE(footer_32, footer(old, seed, out, 32))
SHAPE(footer_58, footer(old, seed, out, 58))
SHAPE(footer_512, footer(old, seed, out, 512))

static void smart(struct bw_slice old, uint64_t seed, struct bw_buf *out)
{
	uint8_t *bytes = copy(old, out);

	span(bytes, old.len, 0, 1024, seed);
	for (size_t i = 0; i < 10; i++)
		span(bytes, old.len, old.len / 10 * i, old.len / 100 + 1, seed);
}

static void scattered(struct bw_slice old, uint64_t seed, struct bw_buf *out)
{
	uint8_t *bytes = copy(old, out);

	for (size_t i = 0; i < old.len / 25 + 1; i++) { /* four in a hundred */
		const uint64_t word = next(&seed);

		bytes[(word >> 8) % old.len] = (uint8_t)word;
	}
}

static void middle(struct bw_slice old, uint64_t seed, struct bw_buf *out)
{
	const size_t kept = old.len < 64 * BW_KIB ? old.len / 8 : 8 * BW_KIB;

	span(copy(old, out), old.len, kept, old.len - 2 * kept, seed);
}

/* As if the guard looked at the first, middle and last 4 KiB only. */
static void avoiding(struct bw_slice old, uint64_t seed, struct bw_buf *out)
{
	const size_t kept = old.len < 32 * BW_KIB ? old.len / 12 : 4096;
	const size_t half = old.len / 2;
	uint8_t *bytes = copy(old, out);

	span(bytes, old.len, kept, half - kept - kept / 2, seed);
	span(bytes, old.len, half + kept / 2, half - kept - kept / 2, seed);
}

static void emptied(struct bw_slice old, uint64_t seed, struct bw_buf *out)
{
	(void)old, (void)seed, (void)out;
}

static void zeroed(struct bw_slice old, uint64_t seed, struct bw_buf *out)
{
	(void)seed;
	memset(copy(old, out), 0, old.len);
}

static void punched(struct bw_slice old, uint64_t seed, struct bw_buf *out)
{
	uint8_t *bytes = copy(old, out);

	(void)seed;
	memset(bytes + old.len / 8, 0, old.len - old.len / 4);
}

static void base64(struct bw_slice old, uint64_t seed, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf noise = BW_BUF_INIT(SIZE_MAX / 2);

	full(old, seed, &noise);
	must(bw_base64_add(out, bw_buf_slice(&noise)));
}

static void base64_lines(struct bw_slice old, uint64_t seed, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(SIZE_MAX / 2);

	base64(old, seed, &text);
	for (size_t at = 0; at < text.len; at += 76) {
		must(bw_buf_add(out, bw_slice_sub(bw_buf_slice(&text), at, 76)));
		must(bw_buf_add_u8(out, '\n'));
	}
}

static void hex(struct bw_slice old, uint64_t seed, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf noise = BW_BUF_INIT(SIZE_MAX / 2);

	full(old, seed, &noise);
	for (size_t i = 0; i < noise.len; i++) {
		must(bw_buf_add_u8(out, (uint8_t) "0123456789abcdef"[noise.ptr[i] >> 4]));
		must(bw_buf_add_u8(out, (uint8_t) "0123456789abcdef"[noise.ptr[i] & 15]));
	}
}

/* Letters become other letters, digits other digits; for what is not text, every byte another. */
static void same_shape(struct bw_slice old, uint64_t seed, struct bw_buf *out)
{
	uint8_t *bytes = copy(old, out);

	for (size_t i = 0; i < old.len; i++) {
		const uint64_t word = next(&seed) >> 8;

		if (bw_is_lower(bytes[i]))
			bytes[i] = (uint8_t)('a' + word % 26);
		else if (bw_is_upper(bytes[i]))
			bytes[i] = (uint8_t)('A' + word % 26);
		else if (bw_is_digit(bytes[i]))
			bytes[i] = (uint8_t)('0' + word % 10);
	}
}

/* A line of prose after every 64 bytes of noise brings any measure of evenness down. */
static void diluted(struct bw_slice old, uint64_t seed, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf noise = BW_BUF_INIT(SIZE_MAX / 2);

	full(old, seed, &noise);
	for (size_t at = 0; at < noise.len; at += 64) {
		must(bw_buf_add(out, bw_slice_sub(bw_buf_slice(&noise), at, 64)));
		must(bw_buf_add_text(out, "the ships lie in the harbour and the sea is quiet behind the wall "));
	}
}

static void kept(struct bw_slice old, uint64_t seed, struct bw_buf *out, size_t len)
{
	const size_t first = old.len / 4 < len ? old.len / 4 : len;

	span(copy(old, out), old.len, first, old.len, seed);
}

SHAPE(keep_16, kept(old, seed, out, 16))
SHAPE(keep_512, kept(old, seed, out, 512))

static void add_le(struct bw_buf *out, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		must(bw_buf_add_u8(out, (uint8_t)(value >> (8 * i))));
}

/* An archive in store mode with a password: signature header, noise, a header that names AES. */
static void seven_zip(struct bw_slice old, uint64_t seed, struct bw_buf *out)
{
	static const uint8_t names[] = { 0x01, 0x04, 0x06, 0x00, 0x01, 0x09, 0x40, 0x00, 0x07, 0x0b, 0x01,
					 0x00, 0x01, 0x24, 0x06, 0xf1, 0x07, 0x01, 0x0a, 0x53, 0x07 };
	BW_CLEANUP(bw_buf_release) struct bw_buf start = BW_BUF_INIT(64);
	const size_t padded = (old.len + 15) & ~(size_t)15;
	size_t at;

	add_le(&start, padded, 8);
	add_le(&start, sizeof(names), 8);
	add_le(&start, bw_crc32(bw_slice_of(names, sizeof(names))), 4);
	must(bw_buf_add(out, BW_LIT("7z\xbc\xaf\x27\x1c\0\4")));
	add_le(out, bw_crc32(bw_buf_slice(&start)), 4);
	must(bw_buf_add(out, bw_buf_slice(&start)));
	at = out->len;
	must(bw_buf_reserve(out, padded));
	bw_shape_noise(seed, out->ptr + at, padded);
	out->len += padded;
	must(bw_buf_add(out, bw_slice_of(names, sizeof(names))));
}

static void salted(struct bw_slice old, uint64_t seed, struct bw_buf *out)
{
	must(bw_buf_add_text(out, "Salted__"));
	footer(old, seed, out, 8 + 16 - old.len % 16);
}

static void open_pgp(struct bw_slice old, uint64_t seed, struct bw_buf *out)
{
	must(bw_buf_add(out, BW_LIT("\x8c\x0d\x04\x09\x03\x08"
				    "abcdefgh"
				    "\xff\xd2")));
	footer(old, seed, out, 40);
}

static void age(struct bw_slice old, uint64_t seed, struct bw_buf *out)
{
	must(bw_buf_add_text(out, "age-encryption.org/v1\n-> scrypt 8Bc1zw 18\nAAAA\n--- BBBB\n"));
	footer(old, seed, out, 32);
}

const struct bw_shape bw_shapes[] = {
	{ "S01", "all of it", full },
	{ "S05", "first 4 KiB", head_4k },
	{ "S06", "first 512 KiB", head_512k },
	{ "S07", "first 1 MiB", head_1m },
	{ "S08", "16 of 32 bytes", alternate_16 },
	{ "S09", "64 of 128 bytes", stripe_64_128 },
	{ "S10", "64 of 192 bytes", stripe_64_192 },
	{ "S11", "1 of 2 MiB", mib_mib },
	{ "S12", "1 of 3 MiB", mib_2mib },
	{ "S13", "256 KiB of each MiB", skip_step },
	{ "S14a", "5 % in ten places", percent_5 },
	{ "S14b", "20 % in ten places", percent_20 },
	{ "S14c", "50 % in ten places", percent_50 },
	{ "S15", "1 KiB and 1 % of each tenth", smart },
	{ "S16", "first half", first_half },
	{ "S17", "a third of each quarter", four_blocks },
	{ "S18", "1 MiB, skip a hundredth", each_hundredth },
	{ "S19", "4 % single bytes", scattered },
	{ "S20", "all but head and tail", middle },
	{ "S21", "around fixed probes", avoiding },
	{ "S28a", "all, 32 bytes more", footer_32 },
	{ "S28b", "all, 58 bytes more", footer_58 },
	{ "S28c", "all, 512 bytes more", footer_512 },
	{ "S39", "cut to nothing", emptied },
	{ "S40a", "zeroed", zeroed },
	{ "S40b", "hole in the middle", punched },
	{ "S43a", "base64, one line", base64 },
	{ "S43b", "base64, lines of 76", base64_lines },
	{ "S44", "hex", hex },
	{ "S45", "letters to letters", same_shape },
	{ "S46", "diluted with prose", diluted },
	{ "S47a", "16 bytes kept", keep_16 },
	{ "S47b", "512 bytes kept", keep_512 },
	{ "S48", "7z with a password", seven_zip },
	{ "S49a", "openssl enc", salted },
	{ "S49b", "gpg -c", open_pgp },
	{ "S49c", "age", age },
};
const size_t bw_shapes_n = BW_COUNT(bw_shapes);
