/*
 * The audit log: lines of canonical JSON, each with the hash of the one before,
 * so that nothing can be changed, dropped or put between without showing. A
 * line about a write is part of the write's own transaction: both are there or neither.
 */
#ifndef BW_STORE_AUDIT_H
#define BW_STORE_AUDIT_H

#include "store/store.h"

struct bw_audit_fact {
	struct bw_slice account; /* name; empty: nobody */
	struct bw_slice address; /* text; empty: this machine */
	struct bw_slice action;  /* "GET", "POST", "account-add" … */
	struct bw_slice target;  /* what it was done to */
	uint64_t status;         /* HTTP status; 0: not HTTP */
	uint64_t count;          /* how many times, 1.. */
	struct bw_slice note;    /* "added 12, failed 1"; empty: none */
};

/* In the open transaction. */
BW_MUST_USE enum bw_err bw_store_audit_add(struct bw_store *store, const struct bw_audit_fact *fact);

/* Calls `each` with line after line from `first_seq` (1..) on; an error of it ends the walk and is returned. */
BW_MUST_USE enum bw_err bw_store_audit_walk(struct bw_store *store, uint64_t first_seq,
					    enum bw_err (*each)(void *ctx, uint64_t seq, struct bw_slice line),
					    void *ctx);

struct bw_audit_head {
	uint64_t seq;     /* of the last line; 0: none */
	uint8_t hash[32]; /* of the last line */
};

BW_MUST_USE enum bw_err bw_store_audit_head(struct bw_store *store, struct bw_audit_head *out);

#endif
