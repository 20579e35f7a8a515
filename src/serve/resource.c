#include "serve/resource.h"

#include "base/text.h"
#include "codec/json_text.h"
#include "crypto/keys.h"
#include "serve/limits.h"
#include "sys/clock.h"

#define STIX_MEDIA "application/stix+json;version="

static enum bw_err open_object(struct bw_buf *out)
{
	return bw_buf_add_u8(out, '{');
}

static enum bw_err close_object(struct bw_buf *out)
{
	return bw_buf_add_u8(out, '}');
}

static enum bw_err add_optional(struct bw_buf *out, const char *name, const char *value)
{
	return value[0] == 0 ? BW_OK : bw_json_add_text(out, name, bw_slice_text(value));
}

static enum bw_err add_time(struct bw_buf *out, const char *name, int64_t time_us)
{
	char text[BW_TIME_BYTES];

	bw_time_format(time_us, text);
	return bw_json_add_text(out, name, bw_slice_text(text));
}

enum bw_err bw_resource_discovery(struct bw_buf *out, const struct bw_server_info *info)
{
	BW_TRY(open_object(out));
	BW_TRY(bw_json_add_text(out, "title", bw_slice_text(info->title)));
	BW_TRY(add_optional(out, "description", info->description));
	BW_TRY(add_optional(out, "contact", info->contact));
	BW_TRY(bw_json_add_text(out, "default", BW_LIT(BW_TAXII_ROOT)));
	BW_TRY(bw_buf_add_text(out, ",\"api_roots\":[\"" BW_TAXII_ROOT "\"]"));
	return close_object(out);
}

enum bw_err bw_resource_api_root(struct bw_buf *out, const struct bw_server_info *info)
{
	BW_TRY(open_object(out));
	BW_TRY(bw_json_add_text(out, "title", bw_slice_text(info->title)));
	BW_TRY(add_optional(out, "description", info->description));
	BW_TRY(bw_buf_add_text(out, ",\"versions\":[\"" BW_TAXII_MEDIA "\"]"));
	BW_TRY(bw_json_add_num(out, "max_content_length", (int64_t)info->max_content_bytes));
	return close_object(out);
}

enum bw_err bw_resource_collection(struct bw_buf *out, const struct bw_collection_access *access)
{
	const struct bw_collection *c = access->collection;

	BW_TRY(open_object(out));
	BW_TRY(bw_json_add_text(out, "id", bw_slice_text(c->id)));
	BW_TRY(bw_json_add_text(out, "title", bw_slice_text(c->title)));
	BW_TRY(add_optional(out, "description", c->description));
	BW_TRY(add_optional(out, "alias", c->alias));
	BW_TRY(bw_json_add_bool(out, "can_read", access->can_read));
	BW_TRY(bw_json_add_bool(out, "can_write", access->can_write));
	BW_TRY(bw_buf_add_text(out, ",\"media_types\":[\"" STIX_MEDIA "2.1\",\"" STIX_MEDIA "2.0\"]"));
	return close_object(out);
}

enum bw_err bw_resource_collections(struct bw_buf *out, const struct bw_collection_access *list, size_t count)
{
	if (count == 0)
		return bw_buf_add_text(out, "{}");
	BW_TRY(bw_buf_add_text(out, "{\"collections\":["));
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(bw_resource_collection(out, &list[i]));
	}
	return bw_buf_add_text(out, "]}");
}

/*
 * Manifests and versions get `next` as well: §7.1 lets them carry what the
 * standard does not name, and the OASIS client's as_pages goes on by `next`
 * alone; without it, it asks for the first page for ever.
 */
static enum bw_err add_more(struct bw_buf *out, const struct bw_page *page)
{
	char next[BW_NEXT_TEXT];

	if (!page->more)
		return BW_OK;
	bw_taxii_next_format(page->scanned_us, next);
	BW_TRY(bw_json_add_bool(out, "more", true));
	return bw_json_add_text(out, "next", bw_slice_text(next));
}

/* more, next, objects; the brace stays open */
static enum bw_err open_envelope(struct bw_buf *out, const struct bw_page *page)
{
	BW_TRY(open_object(out));
	BW_TRY(add_more(out, page));
	if (page->count > 0) {
		BW_TRY(bw_json_add_name(out, "objects"));
		BW_TRY(bw_buf_add_u8(out, '['));
		for (size_t i = 0; i < page->count; i++) {
			if (i > 0)
				BW_TRY(bw_buf_add_u8(out, ','));
			BW_TRY(bw_buf_add(out, page->rows[i].body));
		}
		BW_TRY(bw_buf_add_u8(out, ']'));
	}
	return BW_OK;
}

enum bw_err bw_resource_envelope(struct bw_buf *out, const struct bw_page *page)
{
	BW_TRY(open_envelope(out, page));
	return close_object(out);
}

/* ---- events --------------------------------------------------------------- */

static enum bw_err add_node(struct bw_buf *out, const uint8_t node[BW_SHA256_BYTES])
{
	char name[BW_NODE_NAME_CHARS + 1];

	bw_node_name(node, name);
	return bw_json_add_string(out, bw_slice_text(name));
}

static enum bw_err add_path(struct bw_buf *out, const struct bw_provenance *from)
{
	BW_TRY(bw_json_add_name(out, "path"));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < from->path_count; i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(add_node(out, from->path[i]));
	}
	return bw_buf_add_u8(out, ']');
}

static enum bw_err add_from(struct bw_buf *out, const struct bw_provenance *from)
{
	const struct bw_policy *p = &from->inherited;
	char accord[2 * BW_SHA256_BYTES + 1];

	bw_hex_encode(bw_slice_of(from->accord, sizeof(from->accord)), accord);
	BW_TRY(open_object(out));
	BW_TRY(bw_json_add_name(out, "node"));
	BW_TRY(add_node(out, from->node));
	BW_TRY(add_path(out, from));
	BW_TRY(bw_json_add_text(out, "accord", bw_slice_text(accord)));
	BW_TRY(bw_buf_addf(out, ",\"entry\":%llu", (unsigned long long)from->entry));
	BW_TRY(bw_json_add_text(out, "tlp", bw_slice_text(bw_tlp_word(bw_policy_colour(p)))));
	BW_TRY(bw_json_add_text(out, "actions", bw_slice_text(bw_action_name((enum bw_action)p->actions))));
	BW_TRY(bw_json_add_num(out, "confidence", p->confidence));
	if (p->not_after_us != INT64_MAX)
		BW_TRY(add_time(out, "until", p->not_after_us));
	return close_object(out);
}

static enum bw_err add_origins(struct bw_buf *out, const struct bw_page *page)
{
	BW_TRY(bw_json_add_name(out, "from"));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < page->count; i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		if (page->rows[i].from == NULL)
			BW_TRY(bw_buf_add_text(out, "null"));
		else
			BW_TRY(add_from(out, page->rows[i].from));
	}
	return bw_buf_add_u8(out, ']');
}

enum bw_err bw_resource_event(struct bw_buf *out, const struct bw_page *page, bool is_inbound)
{
	char next[BW_NEXT_TEXT];

	if (page->count == 0)
		return BW_OK;
	bw_taxii_next_format(page->rows[page->count - 1].date_added_us, next);
	BW_TRY(bw_buf_addf(out, "id: %s\n", next));
	if (page->count == 1 && page->rows[0].body.len > BW_EVENT_BYTES_MAX) {
		BW_TRY(bw_buf_add_text(out, "event: large\ndata: "));
		BW_TRY(open_object(out));
		BW_TRY(bw_json_add_text(out, "id", page->rows[0].id));
		BW_TRY(bw_json_add_text(out, "version", page->rows[0].version));
	} else {
		BW_TRY(bw_buf_add_text(out, "event: objects\ndata: "));
		BW_TRY(open_envelope(out, page));
	}
	if (is_inbound)
		BW_TRY(add_origins(out, page));
	return bw_buf_add_text(out, "}\n\n");
}

static enum bw_err add_manifest_row(struct bw_buf *out, const struct bw_row *row)
{
	BW_TRY(open_object(out));
	BW_TRY(bw_json_add_text(out, "id", row->id));
	BW_TRY(add_time(out, "date_added", row->date_added_us));
	BW_TRY(bw_json_add_text(out, "version", row->version));
	BW_TRY(bw_buf_addf(out, ",\"media_type\":\"" STIX_MEDIA "%u.%u\"", row->spec_major, row->spec_minor));
	return close_object(out);
}

static enum bw_err add_version_row(struct bw_buf *out, const struct bw_row *row)
{
	return bw_json_add_string(out, row->version);
}

static enum bw_err add_page(struct bw_buf *out, const struct bw_page *page, const char *list_name,
			    enum bw_err (*add_row)(struct bw_buf *, const struct bw_row *))
{
	BW_TRY(open_object(out));
	BW_TRY(add_more(out, page));
	if (page->count > 0) {
		BW_TRY(bw_json_add_name(out, list_name));
		BW_TRY(bw_buf_add_u8(out, '['));
		for (size_t i = 0; i < page->count; i++) {
			if (i > 0)
				BW_TRY(bw_buf_add_u8(out, ','));
			BW_TRY(add_row(out, &page->rows[i]));
		}
		BW_TRY(bw_buf_add_u8(out, ']'));
	}
	return close_object(out);
}

enum bw_err bw_resource_manifest(struct bw_buf *out, const struct bw_page *page)
{
	return add_page(out, page, "objects", add_manifest_row);
}

enum bw_err bw_resource_versions(struct bw_buf *out, const struct bw_page *page)
{
	return add_page(out, page, "versions", add_version_row);
}

enum bw_err bw_resource_error(struct bw_buf *out, const struct bw_problem *problem)
{
	BW_TRY(open_object(out));
	BW_TRY(bw_json_add_text(out, "title", bw_slice_text(problem->title)));
	BW_TRY(add_optional(out, "description", problem->description));
	BW_TRY(bw_buf_addf(out, ",\"http_status\":\"%u\"", problem->status));
	return close_object(out);
}

/* The whole list or none (§4.3.1: it may be left out): clients refuse one shorter than its count. */
static enum bw_err add_status_lines(struct bw_buf *out, const char *name, const struct bw_status_line *lines,
				    size_t count, uint64_t total)
{
	if (count == 0 || count != total)
		return BW_OK;
	BW_TRY(bw_json_add_name(out, name));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(open_object(out));
		BW_TRY(bw_json_add_text(out, "id", lines[i].id));
		BW_TRY(bw_json_add_text(out, "version", lines[i].version));
		if (lines[i].message.len > 0)
			BW_TRY(bw_json_add_text(out, "message", lines[i].message));
		BW_TRY(close_object(out));
	}
	return bw_buf_add_u8(out, ']');
}

enum bw_err bw_resource_status(struct bw_buf *out, const struct bw_status *status)
{
	BW_TRY(open_object(out));
	BW_TRY(bw_json_add_text(out, "id", bw_slice_text(status->id)));
	BW_TRY(bw_json_add_text(out, "status", status->pending > 0 ? BW_LIT("pending") : BW_LIT("complete")));
	BW_TRY(add_time(out, "request_timestamp", status->requested_us));
	BW_TRY(bw_json_add_num(out, "total_count", (int64_t)status->total));
	BW_TRY(bw_json_add_num(out, "success_count", (int64_t)status->success));
	BW_TRY(add_status_lines(out, "successes", status->successes, status->success_count, status->success));
	BW_TRY(bw_json_add_num(out, "failure_count", (int64_t)status->failure));
	BW_TRY(add_status_lines(out, "failures", status->failures, status->failure_count, status->failure));
	BW_TRY(bw_json_add_num(out, "pending_count", (int64_t)status->pending));
	return close_object(out);
}

enum bw_err bw_resource_page_headers(struct bw_buf *out, const struct bw_page *page, int64_t added_after_us)
{
	/* an empty page that promises more says where to go on, or who pages by added_after would stand still */
	const int64_t none = page->more ? page->scanned_us : added_after_us < 0 ? 0 : added_after_us;
	char first[BW_TIME_BYTES];
	char last[BW_TIME_BYTES];

	bw_time_format(page->count > 0 ? page->rows[0].date_added_us : none, first);
	bw_time_format(page->count > 0 ? page->rows[page->count - 1].date_added_us : none, last);
	return bw_buf_addf(out, "X-TAXII-Date-Added-First: %s\r\nX-TAXII-Date-Added-Last: %s\r\n", first, last);
}
