#include <stdio.h>

#include "serve/remote.h"

/* The search: what has been found so far, and what it needs to go on. */
struct find {
	struct bw_remote *remote;
	struct bw_url origin;
	struct bw_arena *arena;
	struct bw_remote_places places;
	size_t roots;
	struct bw_why *why;
};

bool bw_remote_is_called(const struct bw_remote_collection *collection, const char *name)
{
	return strcmp(collection->id, name) == 0 || (name[0] != '\0' && strcmp(collection->alias, name) == 0) ||
	       (name[0] != '\0' && strcmp(collection->title, name) == 0);
}

static enum bw_err get(struct find *find, const char *target, struct bw_remote_answer *out)
{
	BW_TRY(bw_remote_get(find->remote, target, out, find->why));
	if (out->status != 200)
		return bw_remote_refused(find->remote, target, out, find->why);
	return BW_OK;
}

static enum bw_err arena_text(struct bw_arena *arena, const char *a, const char *b, const char *c, char **out)
{
	const size_t size = strlen(a) + strlen(b) + strlen(c) + 1;

	*out = bw_arena_take(arena, size);
	BW_NEED(*out != NULL, MEMORY);
	snprintf(*out, size, "%s%s%s", a, b, c);
	return BW_OK;
}

static enum bw_err add_place(struct find *find, const struct bw_remote_collection *collection, const char *root,
			     int64_t max_content_length)
{
	struct bw_remote_place *place;

	if (find->places.list == NULL) {
		find->places.list = bw_arena_zero(find->arena, BW_REMOTE_COLLECTIONS_MAX, sizeof(*find->places.list));
		BW_NEED(find->places.list != NULL, MEMORY);
	}
	if (find->places.count == BW_REMOTE_COLLECTIONS_MAX)
		return bw_why_set(find->why, BW_ERR_TOO_MANY, "the server has more than %d collections",
				  BW_REMOTE_COLLECTIONS_MAX);
	place = &find->places.list[find->places.count];
	place->collection = *collection;
	place->max_content_length = max_content_length;
	BW_TRY(arena_text(find->arena, root, "", "", &place->root));
	BW_TRY(arena_text(find->arena, root, "collections/", collection->id, &place->target));
	BW_TRY(arena_text(find->arena, place->target, "/", "", &place->target));
	find->places.count++;
	return BW_OK;
}

static enum bw_err add_collections(struct find *find, struct bw_slice json, const char *root,
				   int64_t max_content_length)
{
	struct bw_json_walk walk;
	struct bw_slice list;
	struct bw_slice name;
	struct bw_slice item;
	bool more;

	/* §5.1.1: without collections the member is left out */
	if (bw_remote_member(json, "collections", &list) == BW_ERR_NOT_FOUND)
		return BW_OK;
	if (bw_json_walk_open(list, &walk) != BW_OK)
		return bw_why_set(find->why, BW_ERR_PROTOCOL, "the list of collections below %s is broken", root);
	for (;;) {
		struct bw_remote_collection collection;

		if (bw_json_walk_next(&walk, &name, &item, &more) != BW_OK)
			return bw_why_set(find->why, BW_ERR_PROTOCOL, "the list of collections below %s is broken",
					  root);
		if (!more)
			return BW_OK;
		if (bw_remote_collection_read(item, &collection) == BW_OK)
			BW_TRY(add_place(find, &collection, root, max_content_length));
	}
}

static enum bw_err look_into_root(struct find *find, const char *root, int64_t max_content_length)
{
	struct bw_remote_answer answer;
	char *target;

	BW_TRY(arena_text(find->arena, root, "collections/", "", &target));
	BW_TRY(get(find, target, &answer));
	return add_collections(find, answer.body, root, max_content_length);
}

/* An API root by its URL in a discovery resource. */
static enum bw_err visit_root(struct find *find, const struct bw_url *base, struct bw_slice reference)
{
	struct bw_remote_answer answer;
	struct bw_url url;
	char *root;

	if (bw_url_join(base, reference, &url, NULL) != BW_OK || !bw_url_same_origin(&url, &find->origin)) {
		if (find->places.foreign_roots++ == 0)
			snprintf(find->places.foreign_example, sizeof(find->places.foreign_example), "%.*s",
				 BW_ARG(reference));
		return BW_OK;
	}
	if (find->roots++ >= BW_REMOTE_ROOTS_MAX)
		return bw_why_set(find->why, BW_ERR_TOO_MANY, "the server has more than %d API roots",
				  BW_REMOTE_ROOTS_MAX);
	BW_TRY(arena_text(find->arena, url.target, url.target[strlen(url.target) - 1] == '/' ? "" : "/", "", &root));
	/* A root that is not for us (§4.2: 401, 403, 404) does not hide the others. */
	BW_TRY(bw_remote_get(find->remote, root, &answer, find->why));
	if (answer.status != 200)
		return BW_OK;
	return look_into_root(find, root, bw_remote_number(answer.body, "max_content_length"));
}

static enum bw_err visit_roots(struct find *find, const struct bw_url *base, struct bw_slice json)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf kept = BW_BUF_INIT(BW_REMOTE_PAGE_MAX);
	struct bw_json_walk walk;
	struct bw_slice list;
	struct bw_slice name;
	struct bw_slice item;
	bool more = true;

	/* The next request takes the place of the body this list stands in. */
	BW_TRY(bw_buf_add(&kept, json));
	if (bw_remote_member(bw_buf_slice(&kept), "api_roots", &list) != BW_OK ||
	    bw_json_walk_open(list, &walk) != BW_OK)
		return bw_why_set(find->why, BW_ERR_NOT_FOUND, "the server names no API roots: give the URL of one");
	while (bw_json_walk_next(&walk, &name, &item, &more) == BW_OK && more) {
		BW_CLEANUP(bw_buf_release) struct bw_buf url = BW_BUF_INIT(BW_URL_TEXT_BYTES);

		if (bw_json_walk_string(item, &url) == BW_OK)
			BW_TRY(visit_root(find, base, bw_buf_slice(&url)));
	}
	return BW_OK;
}

/* "/root/collections/ID/..." up to "/root/", or NULL. */
static enum bw_err root_above(struct find *find, const char *target, char **out)
{
	const char *at = strstr(target, "/collections/");

	BW_NEED(at != NULL, NOT_FOUND);
	*out = bw_arena_take(find->arena, (size_t)(at - target) + 2);
	BW_NEED(*out != NULL, MEMORY);
	memcpy(*out, target, (size_t)(at - target) + 1);
	(*out)[at - target + 1] = '\0';
	return BW_OK;
}

static enum bw_err take_collection(struct find *find, const char *target, struct bw_slice json)
{
	struct bw_remote_collection collection;
	struct bw_remote_answer answer;
	int64_t max_content_length = -1;
	char *root;

	if (root_above(find, target, &root) != BW_OK || bw_remote_collection_read(json, &collection) != BW_OK)
		return bw_why_set(find->why, BW_ERR_PROTOCOL, "%s is not a collection one can go on from", target);
	if (bw_remote_get(find->remote, root, &answer, find->why) == BW_OK && answer.status == 200)
		max_content_length = bw_remote_number(answer.body, "max_content_length");
	return add_place(find, &collection, root, max_content_length);
}

static enum bw_err look_at_start(struct find *find, const struct bw_url *start)
{
	const bool bare = strcmp(start->target, "/") == 0;
	struct bw_remote_answer answer;
	char *target;
	char *root;

	/* TAXII 2.1 §3.1: discovery is at /taxii2/; paths end in a slash. */
	if (bare)
		BW_TRY(arena_text(find->arena, "/taxii2/", "", "", &target));
	else
		BW_TRY(arena_text(find->arena, start->target,
				  start->target[strlen(start->target) - 1] == '/' ? "" : "/", "", &target));
	BW_TRY(get(find, target, &answer));
	switch (bw_remote_kind_of(answer.body)) {
	case BW_REMOTE_DISCOVERY:
		return visit_roots(find, start, answer.body);
	case BW_REMOTE_API_ROOT:
		return look_into_root(find, target, bw_remote_number(answer.body, "max_content_length"));
	case BW_REMOTE_COLLECTION:
		return take_collection(find, target, answer.body);
	case BW_REMOTE_COLLECTIONS:
		BW_TRY(root_above(find, target, &root));
		return add_collections(find, answer.body, root, -1);
	case BW_REMOTE_UNKNOWN:
		break;
	}
	return bw_why_set(find->why, BW_ERR_PROTOCOL,
			  "%s is neither discovery nor API root nor collection of a TAXII 2.1 server", target);
}

enum bw_err bw_remote_find(struct bw_remote *remote, const struct bw_url *start, struct bw_arena *arena,
			   struct bw_remote_places *out, struct bw_why *why)
{
	struct find find = { .remote = remote, .origin = *start, .arena = arena, .why = why };

	BW_TRY(look_at_start(&find, start));
	*out = find.places;
	return BW_OK;
}
