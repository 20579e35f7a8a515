/*
 * A file of node keys as an intruder could leave it in place of ours. It is refused,
 * or opens under the passphrase; then no file that differs in one bit opens, and the
 * same file under another passphrase does not either. A file may ask for costs that
 * are allowed but too slow to fuzz: those are left out.
 */
#include <stdlib.h>

#include "crypto/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where the file tells its costs (docs/keys.md), and what one run may take. */
enum { COSTS_AT = 10, COSTS_BYTES = 12, SLOW_KIB = 64, ALLOWED_KIB = 256 * 1024, ALLOWED_PASSES = 16 };

static void check(bool claim)
{
	if (!claim)
		abort();
}

static bool is_slow(struct bw_slice file)
{
	struct bw_cursor c = bw_cursor_over(bw_slice_sub(file, COSTS_AT, COSTS_BYTES));
	uint32_t memory_kib;
	uint32_t passes;

	if (bw_take_be32(&c, &memory_kib) != BW_OK || bw_take_be32(&c, &passes) != BW_OK)
		return false;
	/* beyond what is allowed it must be refused before any work is done */
	return memory_kib <= ALLOWED_KIB && passes <= ALLOWED_PASSES && (uint64_t)memory_kib * passes > SLOW_KIB;
}

static enum bw_err open_with(struct bw_slice file, struct bw_slice passphrase)
{
	struct bw_node_keys *keys = NULL;
	const enum bw_err err = is_slow(file) ? BW_ERR_LOCKED : bw_node_keys_open(file, passphrase, &keys);

	check((err == BW_OK) == (keys != NULL));
	bw_node_keys_free(keys);
	return err;
}

static void check_every_bit_counts(struct bw_slice file)
{
	uint8_t *other = malloc(file.len);
	const size_t bit = file.ptr[file.len / 2] * file.len / 32; /* somewhere, the same for the same file */

	check(other != NULL);
	memcpy(other, file.ptr, file.len);
	other[bit / 8 % file.len] ^= (uint8_t)(1u << bit % 8);
	check(open_with(bw_slice_of(other, file.len), BW_LIT("word")) != BW_OK);
	free(other);
	check(open_with(file, BW_LIT("words")) == BW_ERR_LOCKED);
	check(open_with(bw_slice_sub(file, 0, file.len - 1), BW_LIT("word")) != BW_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice file = bw_slice_of(data, size);

	if (open_with(file, BW_LIT("word")) == BW_OK)
		check_every_bit_counts(file);
	check(open_with(file, bw_slice_empty) != BW_OK);
	return 0;
}
