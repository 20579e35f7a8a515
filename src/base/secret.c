#include "base/secret.h"

#include <sys/mman.h>

/* One mapping each: mlock and MADV_DONTDUMP work on whole pages. */
static size_t mapping_size(size_t len)
{
	const size_t page = 4096;

	return (len + page - 1) / page * page;
}

enum bw_err bw_secret_make(struct bw_secret *secret, size_t len)
{
	void *map;

	BW_NEED(len > 0 && len <= BW_SECRET_MAX, TOO_BIG);
	map = mmap(NULL, mapping_size(len), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	BW_NEED(map != MAP_FAILED, MEMORY);
	/* all are best effort: RLIMIT_MEMLOCK may be small in a container */
	(void)mlock(map, mapping_size(len));
	(void)madvise(map, mapping_size(len), MADV_DONTDUMP);
	(void)madvise(map, mapping_size(len), MADV_WIPEONFORK);
	bw_secret_wipe(secret);
	*secret = (struct bw_secret){ map, len };
	return BW_OK;
}

enum bw_err bw_secret_set(struct bw_secret *secret, struct bw_slice bytes)
{
	BW_TRY(bw_secret_make(secret, bytes.len));
	memcpy(secret->ptr, bytes.ptr, bytes.len);
	return BW_OK;
}

void bw_secret_wipe(struct bw_secret *secret)
{
	if (secret->ptr != NULL) {
		explicit_bzero(secret->ptr, secret->len);
		(void)munmap(secret->ptr, mapping_size(secret->len));
	}
	*secret = (struct bw_secret){ 0 };
}

bool bw_equal_ct(struct bw_slice a, struct bw_slice b)
{
	volatile uint8_t differ = 0;

	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		differ |= (uint8_t)(a.ptr[i] ^ b.ptr[i]);
	return differ == 0;
}
