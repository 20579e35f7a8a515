/*
 * Deflate (RFC 1951). How a stream begins is judged without unpacking anything: the
 * tables of a dynamic block must be complete prefix codes, which chance does not make.
 */
#define ZLIB_CONST
#include <zlib.h>

#include "guard/content_look.h"

struct bits {
	struct bw_slice bytes;
	size_t at; /* bits */
};

static bool take_bits(struct bits *bits, unsigned count, unsigned *out)
{
	unsigned value = 0;

	if (bits->bytes.len * 8 - bits->at < count)
		return false;
	for (unsigned i = 0; i < count; i++, bits->at++)
		value |= (unsigned)(bits->bytes.ptr[bits->at / 8] >> (bits->at % 8) & 1) << i;
	*out = value;
	return true;
}

/* A prefix code whose lengths fill the tree exactly, or a single code (3.2.7). */
struct code {
	uint16_t counts[16];
	uint16_t sorted[320];
};

static bool code_make(struct code *code, const uint8_t *lengths, unsigned n, bool may_be_single)
{
	uint16_t next[16] = { 0 };
	unsigned used = 0;
	int left = 1;

	memset(code, 0, sizeof(*code));
	for (unsigned i = 0; i < n; i++)
		code->counts[lengths[i]]++;
	used = n - code->counts[0];
	code->counts[0] = 0;
	for (unsigned len = 1; len < 16; len++) {
		left = left * 2 - code->counts[len];
		if (left < 0)
			return false;
		if (len < 15)
			next[len + 1] = (uint16_t)(next[len] + code->counts[len]);
	}
	for (unsigned i = 0; i < n; i++) {
		if (lengths[i] != 0)
			code->sorted[next[lengths[i]]++] = (uint16_t)i;
	}
	return left == 0 || (may_be_single && used <= 1);
}

/* The next symbol; 1 bit at a time, which is enough for a few hundred of them. */
static bool code_take(const struct code *code, struct bits *bits, unsigned *out)
{
	unsigned value = 0;
	unsigned first = 0;
	unsigned index = 0;

	for (unsigned len = 1; len < 16; len++) {
		unsigned bit;

		if (!take_bits(bits, 1, &bit))
			return false;
		value |= bit;
		if (value < first + code->counts[len]) {
			*out = code->sorted[index + value - first];
			return true;
		}
		index += code->counts[len];
		first = (first + code->counts[len]) << 1;
		value <<= 1;
	}
	*out = UINT32_MAX;
	return true;
}

/* The lengths of both alphabets, run-length coded (3.2.7). */
static enum bw_deflate take_lengths(struct bits *bits, const struct code *code, uint8_t *lengths, unsigned n)
{
	unsigned have = 0;

	while (have < n) {
		unsigned symbol;
		unsigned repeat = 0;
		uint8_t value = 0;

		if (!code_take(code, bits, &symbol))
			return BW_DEFLATE_UNKNOWN;
		if (symbol > 18 || (symbol == 16 && have == 0))
			return BW_DEFLATE_BAD;
		if (symbol < 16) {
			lengths[have++] = (uint8_t)symbol;
			continue;
		}
		if (!take_bits(bits, symbol == 16 ? 2 : symbol == 17 ? 3 : 7, &repeat))
			return BW_DEFLATE_UNKNOWN;
		repeat += symbol == 18 ? 11 : 3;
		if (symbol == 16)
			value = lengths[have - 1];
		if (repeat > n - have)
			return BW_DEFLATE_BAD;
		memset(lengths + have, value, repeat);
		have += repeat;
	}
	return BW_DEFLATE_GOOD;
}

static enum bw_deflate check_dynamic(struct bits *bits)
{
	static const uint8_t order[19] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };
	uint8_t lengths[320] = { 0 };
	uint8_t small[19] = { 0 };
	struct code code;
	enum bw_deflate said;
	unsigned literals;
	unsigned distances;
	unsigned n;

	if (!take_bits(bits, 5, &literals) || !take_bits(bits, 5, &distances) || !take_bits(bits, 4, &n))
		return BW_DEFLATE_UNKNOWN;
	literals += 257;
	distances += 1;
	if (literals > 286 || distances > 30)
		return BW_DEFLATE_BAD;
	for (unsigned i = 0; i < n + 4; i++) {
		unsigned len;

		if (!take_bits(bits, 3, &len))
			return BW_DEFLATE_UNKNOWN;
		small[order[i]] = (uint8_t)len;
	}
	if (!code_make(&code, small, 19, false))
		return BW_DEFLATE_BAD;
	said = take_lengths(bits, &code, lengths, literals + distances);
	if (said != BW_DEFLATE_GOOD)
		return said;
	if (lengths[256] == 0 || !code_make(&code, lengths, literals, true) ||
	    !code_make(&code, lengths + literals, distances, true))
		return BW_DEFLATE_BAD;
	return BW_DEFLATE_GOOD;
}

enum bw_deflate bw_deflate_starts(struct bw_slice bytes)
{
	struct bits bits = { bytes, 0 };
	unsigned kind;

	if (!take_bits(&bits, 3, &kind))
		return BW_DEFLATE_UNKNOWN;
	kind >>= 1;
	if (kind == 0) {
		if (bytes.len < 5)
			return BW_DEFLATE_UNKNOWN;
		return (bytes.ptr[1] ^ bytes.ptr[3]) == 0xff && (bytes.ptr[2] ^ bytes.ptr[4]) == 0xff ? BW_DEFLATE_GOOD
												      : BW_DEFLATE_BAD;
	}
	if (kind == 1) /* fixed codes: nearly any bits decode */
		return BW_DEFLATE_UNKNOWN;
	return kind == 3 ? BW_DEFLATE_BAD : check_dynamic(&bits);
}

void bw_inflate_check(struct bw_slice bytes, bool raw, uint64_t most, struct bw_inflated *out)
{
	uint8_t room[16 * 1024];
	z_stream stream = { 0 };
	int status = Z_OK;

	*out = (struct bw_inflated){ 0 };
	if (bytes.len > UINT32_MAX || inflateInit2(&stream, raw ? -MAX_WBITS : MAX_WBITS + 32) != Z_OK)
		return;
	stream.next_in = bytes.ptr;
	stream.avail_in = (uInt)bytes.len;
	out->crc = (uint32_t)crc32(0, NULL, 0);
	while (status == Z_OK && out->bytes < most) {
		stream.next_out = room;
		stream.avail_out = sizeof(room);
		status = inflate(&stream, Z_NO_FLUSH);
		out->bytes += sizeof(room) - stream.avail_out;
		out->crc = (uint32_t)crc32(out->crc, room, (uInt)sizeof(room) - stream.avail_out);
	}
	out->used = bytes.len - stream.avail_in;
	out->ended = status == Z_STREAM_END;
	out->bad = status == Z_DATA_ERROR || status == Z_NEED_DICT || status == Z_STREAM_ERROR;
	(void)inflateEnd(&stream);
}

uint32_t bw_crc32(struct bw_slice bytes)
{
	return (uint32_t)crc32_z(crc32(0, NULL, 0), bytes.ptr, bytes.len);
}
