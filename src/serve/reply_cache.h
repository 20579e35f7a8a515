/*
 * Answers a front may give again without asking anybody: a GET of one account
 * stays true until the collection's generation moves (store/bulletin.h). Bounded
 * in bytes and entries; the oldest make room.
 */
#ifndef BW_SERVE_REPLY_CACHE_H
#define BW_SERVE_REPLY_CACHE_H

#include "net/reply.h"

struct bw_reply_cache;

/* What an answer depends on. */
struct bw_cache_stamp {
	uint16_t collection; /* 0: no collection's objects */
	uint64_t generation; /* of that collection when the answer was made; else of the list of collections */
	uint64_t accounts;   /* generation of accounts and grants */
};

BW_MUST_USE enum bw_err bw_reply_cache_new(size_t max_bytes, struct bw_reply_cache **out);
void bw_reply_cache_free(struct bw_reply_cache *cache);

/* `key` names account and target. NULL when not held; else borrowed, with the stamp it was made under. */
struct bw_reply *bw_reply_cache_find(struct bw_reply_cache *cache, struct bw_slice key, struct bw_cache_stamp *stamp);

/* Holds the reply. Too large ones and failures to allocate are simply not kept. */
void bw_reply_cache_keep(struct bw_reply_cache *cache, struct bw_slice key, const struct bw_cache_stamp *stamp,
			 struct bw_reply *reply);

#endif
