/*
 * What a TAXII 2.1 request asks for (TAXII 2.1 §3, §4, §5), as plain values.
 * Pure: a parsed HTTP head in, a request or a problem out. What the standard
 * leaves open is decided in docs/taxii.md.
 */
#ifndef BW_SERVE_TAXII_H
#define BW_SERVE_TAXII_H

#include "base/arena.h"
#include "codec/http.h"

#define BW_TAXII_MEDIA "application/taxii+json;version=2.1"
#define BW_TAXII_ROOT "/api/"
#define BW_EVENTS_MEDIA "text/event-stream"

enum bw_taxii_what {
	BW_TAXII_NOWHERE,
	BW_TAXII_DISCOVERY,   /* /taxii2/ */
	BW_TAXII_API_ROOT,    /* /api/ */
	BW_TAXII_STATUS,      /* /api/status/{id}/ */
	BW_TAXII_COLLECTIONS, /* /api/collections/ */
	BW_TAXII_COLLECTION,  /* /api/collections/{id}/ */
	BW_TAXII_MANIFEST,    /* …/manifest/ */
	BW_TAXII_OBJECTS,     /* …/objects/ */
	BW_TAXII_OBJECT,      /* …/objects/{object}/ */
	BW_TAXII_VERSIONS,    /* …/objects/{object}/versions/ */
	BW_TAXII_EVENTS,      /* …/events/: ours, not TAXII's; docs/taxii.md, "events" */
	BW_TAXII_HEALTHZ,
	BW_TAXII_READYZ,
	BW_TAXII_METRICS,
	BW_TAXII_WHAT_COUNT
};

/* A list of match values; borrows from the request or the arena. */
struct bw_words {
	const struct bw_slice *list;
	size_t count;
};

struct bw_taxii_request {
	enum bw_taxii_what what;
	enum bw_http_method method;
	struct bw_slice collection; /* id or alias, as written */
	struct bw_slice object;     /* STIX id, as written */
	struct bw_slice status;     /* status id, as written */
	int64_t added_after_us;     /* -1 when absent */
	uint32_t limit;             /* 0 when absent */
	unsigned picks;             /* BW_PICK_* of store.h; 0 with no versions: the default (last) */
	struct bw_words ids, types, versions, specs;
};

/* An answer that is an error resource (TAXII 2.1 §3.6.1). */
struct bw_problem {
	unsigned status;
	const char *title;     /* static */
	char description[256]; /* plain ASCII words, escaped when rendered */
	const char *allow;     /* for 405: the methods */
};

/* Fills `problem` and returns BW_ERR_USAGE, for `return bw_problem_set(...)`. */
enum bw_err bw_problem_set(struct bw_problem *problem, unsigned status, const char *title, const char *fmt, ...)
	BW_PRINTF(4, 5);

/*
 * Which resource a path names. Never fails: BW_TAXII_NOWHERE. A missing final
 * slash is forgiven. `out` gets what, collection, object, status.
 */
void bw_taxii_route(struct bw_slice path, struct bw_arena *arena, struct bw_taxii_request *out);

/*
 * The rest of the request, after the account is known: method (405), Accept
 * (406), Content-Type of a POST (415), filters (400). USAGE with `problem` filled.
 */
BW_MUST_USE enum bw_err bw_taxii_read(const struct bw_http_request *http, struct bw_arena *arena,
				      struct bw_taxii_request *out, struct bw_problem *problem);

/*
 * One filter by its URL name, e.g. "match[type]", with the value the URL would hold, decoded:
 * for commands that take the same filters. USAGE with `problem` filled.
 */
BW_MUST_USE enum bw_err bw_taxii_filter(const char *name, struct bw_slice value, struct bw_arena *arena,
					struct bw_taxii_request *out, struct bw_problem *problem);

/*
 * `next` is the date_added of the last row seen, as 16 hexadecimal digits: the
 * same walk as added_after, so that both page alike (docs/taxii.md, "paging").
 */
enum { BW_NEXT_TEXT = 17 };
void bw_taxii_next_format(int64_t date_added_us, char out[BW_NEXT_TEXT]);
BW_MUST_USE enum bw_err bw_taxii_next_parse(struct bw_slice text, int64_t *out);

#endif
