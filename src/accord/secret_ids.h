/*
 * Ids that must not be named to a partner, because what they name was decided to stay at home, to wait, or to go as a
 * derived object: what bw_weigh asks about objects of earlier batches. Keyed 64-bit hashes; two ids that share one make
 * a secret too many, never one too few. Ids compare without case, as in accord/refs.h.
 */
#ifndef BW_ACCORD_SECRET_IDS_H
#define BW_ACCORD_SECRET_IDS_H

#include "base/bytes.h"

struct bw_secret_ids;

BW_MUST_USE enum bw_err bw_secret_ids_new(struct bw_secret_ids **out);
void bw_secret_ids_free(struct bw_secret_ids *ids);

BW_MUST_USE enum bw_err bw_secret_ids_add(struct bw_secret_ids *ids, struct bw_slice id);
bool bw_secret_ids_has(const struct bw_secret_ids *ids, struct bw_slice id);

/* As bw_refs_secret_fn, over a struct bw_secret_ids. */
bool bw_secret_ids_is(void *with, struct bw_slice id);

#endif
