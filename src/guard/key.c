#include "guard/key.h"

enum { HANDLE_INO32 = 0x01, HANDLE_BTRFS = 0x4d, HANDLE_INO64 = 0x81 };

static uint32_t host32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint64_t host64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

enum bw_err bw_file_key_of_handle(int type, struct bw_slice handle, uint32_t volume, struct bw_file_key *out)
{
	struct bw_file_key key = { .volume = volume };

	if (type == HANDLE_INO32 && handle.len == 8) {
		key.ino = host32(handle.ptr);
		key.gen = host32(handle.ptr + 4);
	} else if (type == HANDLE_INO64 && handle.len == 12) {
		key.ino = host64(handle.ptr);
		key.gen = host32(handle.ptr + 8);
	} else if (type == HANDLE_BTRFS && handle.len == 20) {
		key.ino = host64(handle.ptr);
		key.tree = host64(handle.ptr + 8);
		key.gen = host32(handle.ptr + 16);
	} else {
		return BW_ERR_UNSUPPORTED;
	}
	*out = key;
	return BW_OK;
}

enum bw_err bw_file_key_to_handle(const struct bw_file_key *key, int type, size_t len, uint8_t out[BW_HANDLE_BYTES_MAX])
{
	const uint32_t ino32 = (uint32_t)key->ino;

	if (type == HANDLE_INO32 && len == 8) {
		memcpy(out, &ino32, 4);
		memcpy(out + 4, &key->gen, 4);
	} else if (type == HANDLE_INO64 && len == 12) {
		memcpy(out, &key->ino, 8);
		memcpy(out + 8, &key->gen, 4);
	} else if (type == HANDLE_BTRFS && len == 20) {
		memcpy(out, &key->ino, 8);
		memcpy(out + 8, &key->tree, 8);
		memcpy(out + 16, &key->gen, 4);
	} else {
		return BW_ERR_UNSUPPORTED;
	}
	return BW_OK;
}

static void write_be(uint8_t *at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

void bw_file_key_write(const struct bw_file_key *key, uint8_t out[BW_KEY_BYTES])
{
	write_be(out, key->volume, 4);
	write_be(out + 4, key->gen, 4);
	write_be(out + 8, key->tree, 8);
	write_be(out + 16, key->ino, 8);
}

int bw_file_key_compare(const void *a, const void *b)
{
	const struct bw_file_key *x = a;
	const struct bw_file_key *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	if (x->tree != y->tree)
		return x->tree < y->tree ? -1 : 1;
	return x->gen == y->gen ? 0 : x->gen < y->gen ? -1 : 1;
}
