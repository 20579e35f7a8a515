/*
 * Answers that clients have asked for and not taken yet are memory of ours, and a client
 * that does not read holds it for as long as it drips. So they are counted, per account and
 * together, and who holds its share gets no more until it has read. One front's. Pure.
 */
#ifndef BW_SERVE_HELD_H
#define BW_SERVE_HELD_H

#include "base/bytes.h"

struct bw_held;

/* Bounds in bytes: of one account, of all. MEMORY. */
BW_MUST_USE enum bw_err bw_held_new(size_t each, size_t all, struct bw_held **out);
void bw_held_free(struct bw_held *held);

/* Whether this account has nothing left of its share. */
bool bw_held_is_full(const struct bw_held *held, uint32_t account);

/*
 * BUSY: this account would hold more than its share; but whoever holds nothing may take one answer, however
 * large. TOO_MANY: all together would hold too much. MEMORY.
 */
BW_MUST_USE enum bw_err bw_held_take(struct bw_held *held, uint32_t account, size_t bytes);

/* What was taken, once it is sent or given up. */
void bw_held_give(struct bw_held *held, uint32_t account, size_t bytes);

size_t bw_held_bytes(const struct bw_held *held);

#endif
