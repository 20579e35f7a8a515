#include "store/bulletin.h"

#include "crypto/hash.h"

#define PAGE_MAGIC UINT64_C(0x316c754242770a0a)

struct bw_bulletin_page {
	uint64_t magic;
	uint64_t base; /* where every count starts: a writer started again never repeats what caches remember */
	uint64_t accounts;
	uint64_t catalog;
	int64_t last_added_us;
	uint64_t collections[1 << 16]; /* sparse: only what is touched takes memory */
};

enum bw_err bw_bulletin_new(struct bw_bulletin *out)
{
	struct bw_bulletin bulletin = { 0 };

	BW_TRY(bw_shared_new("breakwater-bulletin", sizeof(*bulletin.page), &bulletin.memory));
	bulletin.page = (void *)bulletin.memory.ptr;
	bw_random(&bulletin.page->base, sizeof(bulletin.page->base));
	__atomic_store_n(&bulletin.page->magic, PAGE_MAGIC, __ATOMIC_RELEASE);
	*out = bulletin;
	return BW_OK;
}

enum bw_err bw_bulletin_open(int fd, struct bw_bulletin *out)
{
	struct bw_bulletin bulletin = { 0 };

	BW_TRY(bw_shared_open(fd, sizeof(*bulletin.page), &bulletin.memory));
	bulletin.page = (void *)bulletin.memory.ptr;
	if (bulletin.memory.len != sizeof(*bulletin.page) || bulletin.page->magic != PAGE_MAGIC) {
		bw_shared_release(&bulletin.memory);
		return BW_ERR_CORRUPT;
	}
	*out = bulletin;
	return BW_OK;
}

void bw_bulletin_release(struct bw_bulletin *bulletin)
{
	bw_shared_release(&bulletin->memory);
	bulletin->page = NULL;
}

uint64_t bw_bulletin_collection(const struct bw_bulletin *bulletin, uint16_t number)
{
	return bulletin->page->base + __atomic_load_n(&bulletin->page->collections[number], __ATOMIC_ACQUIRE);
}

uint64_t bw_bulletin_accounts(const struct bw_bulletin *bulletin)
{
	return bulletin->page->base + __atomic_load_n(&bulletin->page->accounts, __ATOMIC_ACQUIRE);
}

uint64_t bw_bulletin_catalog(const struct bw_bulletin *bulletin)
{
	return bulletin->page->base + __atomic_load_n(&bulletin->page->catalog, __ATOMIC_ACQUIRE);
}

int64_t bw_bulletin_last_added_us(const struct bw_bulletin *bulletin)
{
	return __atomic_load_n(&bulletin->page->last_added_us, __ATOMIC_ACQUIRE);
}

void bw_bulletin_bump_collection(struct bw_bulletin *bulletin, uint16_t number)
{
	(void)__atomic_add_fetch(&bulletin->page->collections[number], 1, __ATOMIC_RELEASE);
}

void bw_bulletin_bump_accounts(struct bw_bulletin *bulletin)
{
	(void)__atomic_add_fetch(&bulletin->page->accounts, 1, __ATOMIC_RELEASE);
}

void bw_bulletin_bump_catalog(struct bw_bulletin *bulletin)
{
	(void)__atomic_add_fetch(&bulletin->page->catalog, 1, __ATOMIC_RELEASE);
}

void bw_bulletin_set_last_added_us(struct bw_bulletin *bulletin, int64_t added_us)
{
	__atomic_store_n(&bulletin->page->last_added_us, added_us, __ATOMIC_RELEASE);
}
