/* TAXII status resources (TAXII 2.1 §4.3): kept as finished JSON for a day at least, then pruned. */
#ifndef BW_STORE_STATUS_H
#define BW_STORE_STATUS_H

#include "store/store.h"

enum { BW_STATUS_KEEP_HOURS = 48 };

/* In the open transaction, so that it is there exactly when what it tells is. Prunes old ones now and then. */
BW_MUST_USE enum bw_err bw_store_status_put(struct bw_store *store, struct bw_slice id, uint32_t account,
					    struct bw_slice json);

/* NOT_FOUND: unknown, expired, or of another account (0: any account's). `out` is in the arena. */
BW_MUST_USE enum bw_err bw_store_status_get(struct bw_store *store, struct bw_slice id, uint32_t account,
					    struct bw_arena *arena, struct bw_slice *out);

#endif
