/*
 * Where `pull` puts what it fetched and `push` takes what it sends: the local
 * store behind two functions, so that the TAXII client knows no STIX and the
 * store knows no HTTP.
 */
#ifndef BW_SERVE_INGEST_H
#define BW_SERVE_INGEST_H

#include "sys/why.h"

/* What became of the objects of one page. */
struct bw_ingest_outcome {
	uint64_t objects;        /* in the page */
	uint64_t added;          /* new here */
	uint64_t duplicate;      /* here already, the same */
	uint64_t conflict;       /* here already under the same id and version, with other content: the first stays */
	uint64_t refused;        /* not valid STIX 2.1, or erased or revoked here */
	char first_refusal[192]; /* "indicator--...: why", for a person; "" when none */
};

struct bw_ingest {
	void *ctx;

	/*
	 * Stores one page: a sealed memory file that holds a TAXII envelope as it came
	 * (bytes of a stranger: whoever reads it holds nothing). OK means durable; objects that
	 * are refused are counted, not an error. NOT_FOUND: no such collection.
	 */
	enum bw_err (*store)(void *ctx, const char *collection, int page_fd, size_t page_bytes,
			     struct bw_ingest_outcome *out, struct bw_why *why);

	/*
	 * Appends to `envelope` what the collection got after `after_us` (-1: from the
	 * start), all versions, oldest first, as {"objects":[...]}: at most `limit` objects and about
	 * `bytes_max` bytes, but one object at least; nothing at all when there is none. `*last_us` is the
	 * date_added of the last. `*more`: others follow.
	 */
	enum bw_err (*fetch)(void *ctx, const char *collection, int64_t after_us, uint32_t limit, size_t bytes_max,
			     struct bw_buf *envelope, uint64_t *count, int64_t *last_us, bool *more,
			     struct bw_why *why);

	/*
	 * Which collection `name` (id, alias or title) is: its id, `out` has BW_UUID_TEXT bytes. What is
	 * remembered between runs goes under the id: another collection may come to have the name.
	 */
	enum bw_err (*find)(void *ctx, const char *name, char *out, struct bw_why *why);

	void (*close)(void *ctx);
};

/* The store of a data folder: a running server's, or opened here. As bw_desk_open. */
BW_MUST_USE enum bw_err bw_ingest_open(const char *data, struct bw_ingest *out, struct bw_why *why);

#endif
