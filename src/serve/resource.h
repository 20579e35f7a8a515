/*
 * TAXII 2.1 resources as JSON text (§4, §5). Pure. Keys whose list would be
 * empty are left out, as §2 demands; timestamps have exactly six digits.
 */
#ifndef BW_SERVE_RESOURCE_H
#define BW_SERVE_RESOURCE_H

#include "desk/office.h"
#include "serve/taxii.h"
#include "store/provenance.h"

struct bw_server_info {
	const char *title;
	const char *description; /* "" when none */
	const char *contact;     /* "" when none */
	size_t max_content_bytes;
};

struct bw_collection_access {
	const struct bw_collection *collection;
	bool can_read;
	bool can_write;
};

BW_MUST_USE enum bw_err bw_resource_discovery(struct bw_buf *out, const struct bw_server_info *info);
BW_MUST_USE enum bw_err bw_resource_api_root(struct bw_buf *out, const struct bw_server_info *info);
BW_MUST_USE enum bw_err bw_resource_collection(struct bw_buf *out, const struct bw_collection_access *access);
BW_MUST_USE enum bw_err bw_resource_collections(struct bw_buf *out, const struct bw_collection_access *list,
						size_t count);
BW_MUST_USE enum bw_err bw_resource_envelope(struct bw_buf *out, const struct bw_page *page);
BW_MUST_USE enum bw_err bw_resource_manifest(struct bw_buf *out, const struct bw_page *page);
BW_MUST_USE enum bw_err bw_resource_versions(struct bw_buf *out, const struct bw_page *page);

/*
 * A page as a server-sent event (WHATWG HTML §9.2): its id is `next` of the page, its data the envelope. An object
 * that alone is larger than an event may be is told by its id: "event: large". Nothing for an empty page. `is_inbound`:
 * the collection is a partner's, and "from" says where each row came from (docs/taxii.md, "Events").
 */
BW_MUST_USE enum bw_err bw_resource_event(struct bw_buf *out, const struct bw_page *page, bool is_inbound);

/* The error message resource (§3.6.1); http_status is a string. */
BW_MUST_USE enum bw_err bw_resource_error(struct bw_buf *out, const struct bw_problem *problem);

struct bw_status {
	const char *id;
	int64_t requested_us;
	uint64_t total, success, failure, pending;
	const struct bw_status_line *successes;
	size_t success_count; /* listed; told only when that is all of them */
	const struct bw_status_line *failures;
	size_t failure_count;
};

BW_MUST_USE enum bw_err bw_resource_status(struct bw_buf *out, const struct bw_status *status);

/* The two X-TAXII-Date-Added lines, with CRLF (§3.5). An empty page repeats `added_after_us` (or 1970). */
BW_MUST_USE enum bw_err bw_resource_page_headers(struct bw_buf *out, const struct bw_page *page,
						 int64_t added_after_us);

#endif
