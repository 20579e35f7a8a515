#include "crypto/uuid.h"

#include "base/text.h"
#include "crypto/hash.h"

static void stamp(struct bw_uuid *uuid, uint8_t version)
{
	uuid->bytes[6] = (uint8_t)((uuid->bytes[6] & 0x0f) | (version << 4));
	uuid->bytes[8] = (uint8_t)((uuid->bytes[8] & 0x3f) | 0x80);
}

void bw_uuid_v4(struct bw_uuid *out)
{
	bw_random(out->bytes, sizeof(out->bytes));
	stamp(out, 4);
}

enum {
	SPACE_BYTES = sizeof(((struct bw_uuid *)NULL)->bytes),
	SHORT_NAME = 1024, /* what deterministic STIX identifiers are made from nearly always fits */
};

enum bw_err bw_uuid_v5(const struct bw_uuid *space, struct bw_slice name, struct bw_uuid *out)
{
	uint8_t small[SPACE_BYTES + SHORT_NAME];
	uint8_t digest[BW_SHA1_BYTES];

	if (name.len <= SHORT_NAME) {
		memcpy(small, space->bytes, SPACE_BYTES);
		memcpy(small + SPACE_BYTES, name.ptr, name.len);
		BW_TRY(bw_sha1(bw_slice_of(small, SPACE_BYTES + name.len), digest));
	} else {
		BW_CLEANUP(bw_buf_release) struct bw_buf whole = BW_BUF_INIT(SIZE_MAX);

		BW_TRY(bw_buf_add(&whole, bw_slice_of(space->bytes, SPACE_BYTES)));
		BW_TRY(bw_buf_add(&whole, name));
		BW_TRY(bw_sha1(bw_buf_slice(&whole), digest));
	}
	memcpy(out->bytes, digest, SPACE_BYTES);
	stamp(out, 5);
	return BW_OK;
}

static bool is_dash_place(size_t at)
{
	return at == 8 || at == 13 || at == 18 || at == 23;
}

void bw_uuid_format(const struct bw_uuid *uuid, char out[BW_UUID_CHARS + 1])
{
	static const char digits[] = "0123456789abcdef";
	size_t at = 0;

	for (size_t i = 0; i < sizeof(uuid->bytes); i++) {
		if (is_dash_place(at))
			out[at++] = '-';
		out[at++] = digits[uuid->bytes[i] >> 4];
		out[at++] = digits[uuid->bytes[i] & 15];
	}
	out[at] = '\0';
}

enum bw_err bw_uuid_parse(struct bw_slice text, struct bw_uuid *out)
{
	struct bw_uuid uuid;
	size_t at = 0;

	BW_NEED(text.len == BW_UUID_CHARS, SYNTAX);
	for (size_t i = 0; i < sizeof(uuid.bytes); i++) {
		int high;
		int low;

		if (is_dash_place(at))
			BW_NEED(text.ptr[at++] == '-', SYNTAX);
		high = bw_hex_value(text.ptr[at++]);
		low = bw_hex_value(text.ptr[at++]);
		BW_NEED(high >= 0 && low >= 0, SYNTAX);
		uuid.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*out = uuid;
	return BW_OK;
}
