/*
 * A stored password as somebody could have put it into the store. It is refused, or
 * fits the password; then it fits no other one, and does not fit with its last letter changed. What is
 * allowed but too slow to fuzz is left out.
 */
#include <stdlib.h>

#include "base/num.h"
#include "crypto/password.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SLOW_KIB = 64, ALLOWED_KIB = 64 * 1024, ALLOWED_PASSES = 10 };

static void check(bool claim)
{
	if (!claim)
		abort();
}

/* The number after `name`; 0 when there is none. */
static uint64_t number_after(struct bw_slice text, char name)
{
	uint64_t value = 0;
	struct bw_slice head;
	struct bw_slice tail;

	while (bw_slice_cut(text, '=', &head, &tail)) {
		if (head.len > 0 && head.ptr[head.len - 1] == (uint8_t)name) {
			for (size_t i = 0; i < tail.len && tail.ptr[i] >= '0' && tail.ptr[i] <= '9' && i < 18; i++)
				value = value * 10 + (uint64_t)(tail.ptr[i] - '0');
			return value;
		}
		text = tail;
	}
	return 0;
}

static bool is_slow(struct bw_slice stored)
{
	const uint64_t memory_kib = number_after(stored, 'm');
	const uint64_t passes = number_after(stored, 't');

	return memory_kib <= ALLOWED_KIB && passes <= ALLOWED_PASSES && memory_kib * passes > SLOW_KIB;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice stored = bw_slice_of(data, size);
	uint8_t other[BW_PASSWORD_HASH_BYTES];
	enum bw_err err;

	if (is_slow(stored))
		return 0;
	err = bw_password_verify(BW_LIT("word"), stored);
	check(err == BW_OK || err == BW_ERR_UNAUTHENTICATED || err == BW_ERR_SYNTAX || err == BW_ERR_RANGE ||
	      err == BW_ERR_OVERFLOW);
	if (err != BW_OK || size > sizeof(other))
		return 0;
	check(bw_password_verify(BW_LIT("words"), stored) == BW_ERR_UNAUTHENTICATED);
	check(bw_password_verify(bw_slice_empty, stored) == BW_ERR_UNAUTHENTICATED);
	memcpy(other, data, size);
	other[size - 1] = other[size - 1] == 'A' ? 'B' : 'A';
	check(bw_password_verify(BW_LIT("word"), bw_slice_of(other, size)) != BW_OK);
	return 0;
}
