#include "serve/taxii.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/num.h"
#include "base/text.h"
#include "codec/media.h"
#include "codec/query.h"
#include "intel/pick.h"
#include "serve/limits.h"
#include "sys/clock.h"

enum bw_err bw_problem_set(struct bw_problem *problem, unsigned status, const char *title, const char *fmt, ...)
{
	va_list args;

	*problem = (struct bw_problem){ .status = status, .title = title };
	va_start(args, fmt);
	(void)vsnprintf(problem->description, sizeof(problem->description), fmt, args);
	va_end(args);
	return BW_ERR_USAGE;
}

/* ---- routes ------------------------------------------------------------ */

/* One row a resource: its path with '*' where a name stands, and what may be done there. */
static const struct route {
	enum bw_taxii_what what;
	const char *segments[6];
	const char *allow;
	unsigned methods; /* bits of 1 << enum bw_http_method */
} routes[] = {
#define READ (1u << BW_HTTP_GET | 1u << BW_HTTP_HEAD)
	{ BW_TAXII_DISCOVERY, { "taxii2" }, "GET, HEAD", READ },
	{ BW_TAXII_API_ROOT, { "api" }, "GET, HEAD", READ },
	{ BW_TAXII_STATUS, { "api", "status", "*" }, "GET, HEAD", READ },
	{ BW_TAXII_COLLECTIONS, { "api", "collections" }, "GET, HEAD", READ },
	{ BW_TAXII_COLLECTION, { "api", "collections", "*" }, "GET, HEAD", READ },
	{ BW_TAXII_MANIFEST, { "api", "collections", "*", "manifest" }, "GET, HEAD", READ },
	{ BW_TAXII_OBJECTS, { "api", "collections", "*", "objects" }, "GET, HEAD, POST", READ | 1u << BW_HTTP_POST },
	{ BW_TAXII_OBJECT,
	  { "api", "collections", "*", "objects", "*" },
	  "GET, HEAD, DELETE",
	  READ | 1u << BW_HTTP_DELETE },
	{ BW_TAXII_VERSIONS, { "api", "collections", "*", "objects", "*", "versions" }, "GET, HEAD", READ },
	{ BW_TAXII_EVENTS, { "api", "collections", "*", "events" }, "GET", 1u << BW_HTTP_GET },
	{ BW_TAXII_HEALTHZ, { "healthz" }, "GET, HEAD", READ },
	{ BW_TAXII_READYZ, { "readyz" }, "GET, HEAD", READ },
	{ BW_TAXII_METRICS, { "metrics" }, "GET, HEAD", READ },
#undef READ
};

static bool route_fits(const struct route *route, const struct bw_path *path)
{
	for (size_t i = 0; i < BW_COUNT(route->segments); i++) {
		const char *want = route->segments[i];

		if (want == NULL)
			return path->n == i;
		if (i >= path->n)
			return false;
		if (strcmp(want, "*") != 0 && !bw_slice_is(path->segments[i], want))
			return false;
	}
	return path->n == BW_COUNT(route->segments);
}

void bw_taxii_route(struct bw_slice path_text, struct bw_arena *arena, struct bw_taxii_request *out)
{
	struct bw_path path;

	*out = (struct bw_taxii_request){
		.added_after_us = -1, .collection = bw_slice_empty, .object = bw_slice_empty, .status = bw_slice_empty
	};
	if (bw_path_parse(path_text, arena, &path, NULL) != BW_OK)
		return;
	for (size_t i = 0; i < BW_COUNT(routes); i++) {
		if (!route_fits(&routes[i], &path))
			continue;
		out->what = routes[i].what;
		if (out->what == BW_TAXII_STATUS)
			out->status = path.segments[2];
		else if (path.n >= 3)
			out->collection = path.segments[2];
		if (path.n >= 5)
			out->object = path.segments[4];
		return;
	}
}

static const struct route *route_of(enum bw_taxii_what what)
{
	for (size_t i = 0; i < BW_COUNT(routes); i++) {
		if (routes[i].what == what)
			return &routes[i];
	}
	return NULL;
}

/* ---- media types ------------------------------------------------------- */

/* TAXII 2.1 §1.6.8.1: a request names the media types it takes. */
static enum bw_err check_accept(const struct bw_http_head *head, const char *media, struct bw_problem *problem)
{
	struct bw_accept_weight weight = { 0 };
	struct bw_media offer;
	struct bw_slice line;
	size_t at = 0;

	BW_TRY(bw_media_parse(bw_slice_text(media), &offer, NULL));
	while (bw_http_each(head, "accept", &at, &line)) {
		if (bw_accept_weigh(line, &offer, &weight, NULL) != BW_OK)
			return bw_problem_set(problem, 406, "Accept not understood",
					      "the Accept header is not a list of media ranges");
	}
	if (weight.q == 0)
		return bw_problem_set(problem, 406, "Not acceptable", "this server answers %s; ask for it in Accept",
				      media);
	return BW_OK;
}

static enum bw_err check_content_type(const struct bw_http_head *head, struct bw_problem *problem)
{
	const struct bw_slice text = bw_http_known_value(head, BW_HTTP_CONTENT_TYPE);
	const struct bw_media_param *version;
	struct bw_media media;

	if (!bw_http_has(head, BW_HTTP_CONTENT_TYPE) || bw_media_parse(text, &media, NULL) != BW_OK ||
	    !bw_media_is(&media, "application/taxii+json"))
		return bw_problem_set(problem, 415, "Unsupported media type", "send the body as %s", BW_TAXII_MEDIA);
	version = bw_media_param(&media, "version");
	if (version != NULL && !bw_media_param_is(version, "2.1"))
		return bw_problem_set(problem, 415, "Unsupported media type", "this server speaks TAXII 2.1 only");
	if (bw_http_has(head, BW_HTTP_CONTENT_ENCODING) &&
	    !bw_slice_is_nocase(bw_http_known_value(head, BW_HTTP_CONTENT_ENCODING), "identity"))
		return bw_problem_set(problem, 415, "Unsupported content coding",
				      "send the body without Content-Encoding");
	return BW_OK;
}

/* ---- filters ----------------------------------------------------------- */

/* Which of the URL parameters an endpoint knows (TAXII 2.1 §3.4 and §5). */
enum {
	F_ADDED = 1,
	F_LIMIT = 2,
	F_NEXT = 4,
	F_ID = 8,
	F_TYPE = 16,
	F_VERSION = 32,
	F_SPEC = 64,
	F_PAGE = F_ADDED | F_LIMIT | F_NEXT,
};

static unsigned filters_of(const struct bw_taxii_request *request)
{
	if (request->method == BW_HTTP_POST)
		return 0;
	switch (request->what) {
	case BW_TAXII_MANIFEST:
	case BW_TAXII_OBJECTS:
		return F_PAGE | F_ID | F_TYPE | F_VERSION | F_SPEC;
	case BW_TAXII_OBJECT:
		return request->method == BW_HTTP_DELETE ? F_VERSION | F_SPEC : F_PAGE | F_VERSION | F_SPEC;
	case BW_TAXII_VERSIONS:
		return F_PAGE | F_SPEC;
	case BW_TAXII_EVENTS:
		return F_ADDED | F_NEXT | F_TYPE;
	default:
		return 0;
	}
}

static enum bw_err bad_filter(struct bw_problem *problem, const char *name, const char *why)
{
	return bw_problem_set(problem, 400, "Bad filter", "%s: %s", name, why);
}

static enum bw_err read_words(struct bw_slice value, const char *name, struct bw_arena *arena, struct bw_words *out,
			      struct bw_problem *problem)
{
	struct bw_slice *list = bw_arena_zero(arena, BW_MATCH_MAX, sizeof(*list));
	struct bw_slice item;
	size_t count = 0;

	BW_NEED(list != NULL, MEMORY);
	while (bw_list_next(&value, &item)) {
		if (item.len == 0)
			return bad_filter(problem, name, "an item of the list is empty");
		if (count == BW_MATCH_MAX)
			return bad_filter(problem, name, "more than 256 items");
		list[count++] = item;
	}
	if (count == 0)
		return bad_filter(problem, name, "the list is empty");
	*out = (struct bw_words){ list, count };
	return BW_OK;
}

static enum bw_err read_added_after(struct bw_slice value, struct bw_taxii_request *out, struct bw_problem *problem)
{
	if (bw_time_parse_any(value, &out->added_after_us) != BW_OK)
		return bad_filter(problem, "added_after", "not a timestamp like 2026-01-31T12:00:00.000000Z");
	/* nothing was added before 1970; -1 means absent */
	if (out->added_after_us < 0)
		out->added_after_us = 0;
	return BW_OK;
}

static enum bw_err read_limit(struct bw_slice value, struct bw_taxii_request *out, struct bw_problem *problem)
{
	uint64_t limit;
	const enum bw_err err = bw_parse_u64(value, &limit);

	if ((err != BW_OK && err != BW_ERR_OVERFLOW) || (err == BW_OK && limit == 0))
		return bad_filter(problem, "limit", "not a positive whole number");
	/* a server may return fewer than asked for (§3.4.1) */
	out->limit = err == BW_ERR_OVERFLOW || limit > BW_PAGE_MAX ? BW_PAGE_MAX : (uint32_t)limit;
	return BW_OK;
}

static bool is_repeated(const struct bw_words *words, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (bw_slice_equals(words->list[i], words->list[at]))
			return true;
	}
	return false;
}

/* §3.4.1.2: last, first, all and instants; no repeats; "all" stands alone. */
static enum bw_err read_versions(struct bw_slice value, struct bw_arena *arena, struct bw_taxii_request *out,
				 struct bw_problem *problem)
{
	struct bw_words words;
	struct bw_slice *instants = bw_arena_zero(arena, BW_MATCH_MAX, sizeof(*instants));
	size_t count = 0;

	BW_NEED(instants != NULL, MEMORY);
	BW_TRY(read_words(value, "match[version]", arena, &words, problem));
	for (size_t i = 0; i < words.count; i++) {
		const struct bw_slice word = words.list[i];
		int64_t instant;

		if (is_repeated(&words, i))
			return bad_filter(problem, "match[version]", "a value stands twice");
		if (bw_slice_is(word, "last"))
			out->picks |= BW_PICK_LAST;
		else if (bw_slice_is(word, "first"))
			out->picks |= BW_PICK_FIRST;
		else if (bw_slice_is(word, "all"))
			out->picks |= BW_PICK_ALL;
		else if (bw_time_parse_any(word, &instant) == BW_OK && word.ptr[word.len - 1] == 'Z')
			instants[count++] = word;
		else
			return bad_filter(problem, "match[version]", "neither first, last, all nor a timestamp in UTC");
	}
	if ((out->picks & BW_PICK_ALL) != 0 && words.count > 1)
		return bad_filter(problem, "match[version]", "'all' stands alone");
	out->versions = (struct bw_words){ instants, count };
	return BW_OK;
}

static enum bw_err read_specs(struct bw_slice value, struct bw_arena *arena, struct bw_taxii_request *out,
			      struct bw_problem *problem)
{
	BW_TRY(read_words(value, "match[spec_version]", arena, &out->specs, problem));
	for (size_t i = 0; i < out->specs.count; i++) {
		const struct bw_slice word = out->specs.list[i];

		if (word.len != 3 || !bw_is_digit(word.ptr[0]) || word.ptr[1] != '.' || !bw_is_digit(word.ptr[2]))
			return bad_filter(problem, "match[spec_version]", "not a version like 2.1");
	}
	return BW_OK;
}

static enum bw_err read_next(struct bw_slice value, struct bw_taxii_request *out, struct bw_problem *problem)
{
	int64_t after;

	if (bw_taxii_next_parse(value, &after) != BW_OK)
		return bad_filter(problem, "next", "not a value this server gave out");
	/* next never goes back behind the added_after it came with */
	if (after > out->added_after_us)
		out->added_after_us = after;
	return BW_OK;
}

/* One parameter, when present. DUPLICATE names it; absent leaves `value` alone. */
static enum bw_err take_once(const struct bw_query *query, const char *name, bool *present, struct bw_slice *value,
			     struct bw_problem *problem)
{
	const enum bw_err err = bw_query_once(query, name, value);

	if (err == BW_ERR_DUPLICATE)
		return bad_filter(problem, name, "given more than once");
	*present = err == BW_OK;
	return BW_OK;
}

static enum bw_err read_filter(unsigned bit, struct bw_slice value, struct bw_arena *arena,
			       struct bw_taxii_request *out, struct bw_problem *problem)
{
	switch (bit) {
	case F_ADDED:
		return read_added_after(value, out, problem);
	case F_NEXT:
		return read_next(value, out, problem);
	case F_LIMIT:
		return read_limit(value, out, problem);
	case F_ID:
		return read_words(value, "match[id]", arena, &out->ids, problem);
	case F_TYPE:
		return read_words(value, "match[type]", arena, &out->types, problem);
	case F_VERSION:
		return read_versions(value, arena, out, problem);
	default:
		return read_specs(value, arena, out, problem);
	}
}

static const struct {
	const char *name;
	unsigned bit;
} known[] = {
	{ "added_after", F_ADDED },
	{ "next", F_NEXT }, /* after added_after: it never goes back behind it */
	{ "limit", F_LIMIT },
	{ "match[id]", F_ID },
	{ "match[type]", F_TYPE },
	{ "match[version]", F_VERSION },
	{ "match[spec_version]", F_SPEC },
};

enum bw_err bw_taxii_filter(const char *name, struct bw_slice value, struct bw_arena *arena,
			    struct bw_taxii_request *out, struct bw_problem *problem)
{
	for (size_t i = 0; i < BW_COUNT(known); i++) {
		if (strcmp(known[i].name, name) == 0)
			return read_filter(known[i].bit, value, arena, out, problem);
	}
	return bad_filter(problem, name, "there is no such filter");
}

static enum bw_err read_filters(struct bw_slice text, struct bw_arena *arena, struct bw_taxii_request *out,
				struct bw_problem *problem)
{
	const unsigned allowed = filters_of(out);
	struct bw_query query;
	struct bw_fault fault = { 0 };

	if (text.len == 0)
		return BW_OK;
	if (bw_query_parse(text, arena, &query, &fault) != BW_OK)
		return bad_filter(problem, "query string", fault.reason != NULL ? fault.reason : "not well-formed");
	for (size_t i = 0; i < BW_COUNT(known); i++) {
		struct bw_slice value = bw_slice_empty;
		bool present = false;

		BW_TRY(take_once(&query, known[i].name, &present, &value, problem));
		/* a filter that this endpoint does not know is ignored, as §3.4 allows */
		if (present && (allowed & known[i].bit) != 0)
			BW_TRY(read_filter(known[i].bit, value, arena, out, problem));
	}
	return BW_OK;
}

enum bw_err bw_taxii_read(const struct bw_http_request *http, struct bw_arena *arena, struct bw_taxii_request *out,
			  struct bw_problem *problem)
{
	const struct route *route = route_of(out->what);

	out->method = http->method;
	if (route == NULL)
		return bw_problem_set(problem, 404, "Not found",
				      "there is nothing at this path; discovery is at /taxii2/");
	if ((route->methods & 1u << http->method) == 0) {
		const enum bw_err err = bw_problem_set(problem, 405, "Method not allowed", "this resource allows %s",
						       route->allow);
		problem->allow = route->allow;
		return err;
	}
	if (out->what == BW_TAXII_HEALTHZ || out->what == BW_TAXII_READYZ || out->what == BW_TAXII_METRICS)
		return BW_OK;
	BW_TRY(check_accept(&http->head, out->what == BW_TAXII_EVENTS ? BW_EVENTS_MEDIA : BW_TAXII_MEDIA, problem));
	if (http->method == BW_HTTP_POST)
		BW_TRY(check_content_type(&http->head, problem));
	return read_filters(http->query, arena, out, problem);
}

/* ---- next -------------------------------------------------------------- */

void bw_taxii_next_format(int64_t date_added_us, char out[BW_NEXT_TEXT])
{
	(void)snprintf(out, BW_NEXT_TEXT, "%016llx", (unsigned long long)date_added_us);
}

enum bw_err bw_taxii_next_parse(struct bw_slice text, int64_t *out)
{
	uint64_t value = 0;

	BW_NEED(text.len == BW_NEXT_TEXT - 1, SYNTAX);
	for (size_t i = 0; i < text.len; i++) {
		const int digit = bw_hex_value(text.ptr[i]);

		BW_NEED(digit >= 0, SYNTAX);
		value = value << 4 | (uint64_t)digit;
	}
	BW_NEED(value <= INT64_MAX, SYNTAX);
	*out = (int64_t)value;
	return BW_OK;
}
