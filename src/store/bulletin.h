/*
 * The bulletin: one shared page of counters that tells every process at once what a
 * cache may still trust. The writer bumps after a commit; readers map it read-only.
 * Each writer counts from a number of its own: what was remembered under one before never fits.
 */
#ifndef BW_STORE_BULLETIN_H
#define BW_STORE_BULLETIN_H

#include "base/bytes.h"
#include "sys/memfile.h"

struct bw_bulletin_page;

struct bw_bulletin {
	struct bw_shared memory;
	struct bw_bulletin_page *page;
};

BW_MUST_USE enum bw_err bw_bulletin_new(struct bw_bulletin *out);

/* Over the writer's memory, read-only. CORRUPT when it is not a bulletin. */
BW_MUST_USE enum bw_err bw_bulletin_open(int fd, struct bw_bulletin *out);
void bw_bulletin_release(struct bw_bulletin *bulletin);

/* Moves with every commit that touched the collection. Numbers beyond the range read as 0. */
uint64_t bw_bulletin_collection(const struct bw_bulletin *bulletin, uint16_t number);

/* Moves with every change to accounts, keys, certificates or grants: cached checks are void then. */
uint64_t bw_bulletin_accounts(const struct bw_bulletin *bulletin);

/* Moves when collections are added, changed or removed, or settings change. */
uint64_t bw_bulletin_catalog(const struct bw_bulletin *bulletin);

/* Date added of the newest committed row in the store, 0 when there is none. */
int64_t bw_bulletin_last_added_us(const struct bw_bulletin *bulletin);

/* The writer's half. */
void bw_bulletin_bump_collection(struct bw_bulletin *bulletin, uint16_t number);
void bw_bulletin_bump_accounts(struct bw_bulletin *bulletin);
void bw_bulletin_bump_catalog(struct bw_bulletin *bulletin);
void bw_bulletin_set_last_added_us(struct bw_bulletin *bulletin, int64_t added_us);

#endif
