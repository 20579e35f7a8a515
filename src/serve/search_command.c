/* `breakwater search`: objects by value, id or words. */
#include <inttypes.h>
#include <stdio.h>

#include "base/command.h"
#include "base/progress.h"
#include "codec/json_text.h"
#include "codec/json_walk.h"
#include "desk/desk_command.h"
#include "store/search.h"
#include "sys/clock.h"

enum { COLLECTIONS_MAX = 64, LINE_BYTES = 100 };

struct searching {
	struct bw_call *call;
	struct bw_store *store;
	struct bw_arena arena;
	struct bw_buf text;
	struct bw_collection *all;
	size_t all_count;
	uint16_t chosen[COLLECTIONS_MAX];
	size_t chosen_count;
	uint64_t lag;
};

/* ---- ask ---------------------------------------------------------------------- */

/* The operands are one text: quoted or not, words are words. */
static enum bw_err join_words(const struct bw_call *call, struct bw_buf *out)
{
	for (size_t i = 0; i < bw_call_args(call); i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ' '));
		BW_TRY(bw_buf_add_text(out, bw_call_arg(call, i)));
	}
	return BW_OK;
}

static enum bw_err choose_collections(struct searching *s, struct bw_why *why)
{
	const size_t count = bw_call_count(s->call, "collection");

	BW_TRY(bw_store_collections(s->store, &s->arena, &s->all, &s->all_count));
	for (size_t i = 0; i < count && i < COLLECTIONS_MAX; i++) {
		struct bw_collection one;

		BW_TRY(bw_office_collection(s->store, bw_slice_text(bw_call_nth(s->call, "collection", i)), &one, why));
		s->chosen[s->chosen_count++] = one.number;
	}
	return BW_OK;
}

/*
 * Without a server nobody feeds the indexes: this command does, before it
 * asks. What it cannot feed shows as lag.
 */
static enum bw_err feed_indexes(struct searching *s)
{
	struct bw_progress progress;
	uint64_t before;
	uint64_t left;
	enum bw_err err = bw_store_index_lag(s->store, &before);
	bool more = true;

	BW_TRY(err);
	bw_progress_begin(&progress, "indexing", "objects", before, bw_call_flag(s->call, "quiet"));
	while (more && err == BW_OK) {
		err = bw_store_index_step(s->store, &more);
		if (err == BW_OK && bw_store_index_lag(s->store, &left) == BW_OK)
			bw_progress_at(&progress, before > left ? before - left : 0);
	}
	bw_progress_end(&progress);
	return err == BW_ERR_BUSY ? BW_OK : err;
}

static enum bw_err search(struct searching *s, bool feed, struct bw_found *out, struct bw_why *why)
{
	struct bw_search ask = { .limit = (uint32_t)bw_call_num(s->call, "limit") };

	BW_TRY(choose_collections(s, why));
	if (feed)
		BW_TRY(feed_indexes(s));
	BW_TRY(bw_store_index_lag(s->store, &s->lag));
	ask.text = bw_buf_slice(&s->text);
	ask.collections = s->chosen;
	ask.collection_count = s->chosen_count;
	return bw_store_search(s->store, &ask, &s->arena, out);
}

/* ---- tell --------------------------------------------------------------------- */

static const struct bw_collection *collection_of(const struct searching *s, uint16_t number)
{
	for (size_t i = 0; i < s->all_count; i++) {
		if (s->all[i].number == number)
			return &s->all[i];
	}
	return NULL;
}

/* What says most about an object in one line: its name, else its value, pattern or description. */
static enum bw_err telling_line(struct bw_slice body, struct bw_buf *out)
{
	static const char *const names[] = { "name", "value", "pattern", "path", "subject", "description" };
	size_t best = BW_COUNT(names);
	struct bw_slice chosen = bw_slice_empty;
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	bool more;

	BW_TRY(bw_json_walk_open(body, &walk));
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			break;
		for (size_t i = 0; i < best; i++) {
			if (bw_slice_is(name, names[i]) && value.len > 0 && value.ptr[0] == '"') {
				best = i;
				chosen = value;
			}
		}
	}
	return chosen.len == 0 ? BW_OK : bw_json_walk_string(chosen, out);
}

/* Cut at a character's start, not within. */
static struct bw_slice cut(struct bw_slice text)
{
	size_t len = text.len;

	if (len <= LINE_BYTES)
		return text;
	for (len = LINE_BYTES; len > 0 && (text.ptr[len] & 0xc0) == 0x80;)
		len--;
	return bw_slice_sub(text, 0, len);
}

static void print_text(const struct searching *s, const struct bw_hit *hit)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(64 * BW_MIB);
	const struct bw_collection *collection = collection_of(s, hit->collection);

	bw_print_foreign(hit->row.id);
	(void)fputs("  ", stdout);
	bw_print_foreign(hit->row.version);
	(void)fputs("  in ", stdout);
	bw_print_foreign(bw_slice_text(collection != NULL ? collection->title : "?"));
	(void)puts(hit->exact ? "  (exactly this)" : "");
	if (telling_line(hit->row.body, &line) != BW_OK || line.len == 0)
		return;
	(void)fputs("    ", stdout);
	bw_print_foreign(cut(bw_buf_slice(&line)));
	(void)puts(line.len > LINE_BYTES ? " ..." : "");
}

static enum bw_err print_json(const struct searching *s, const struct bw_hit *hit)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(256 * BW_MIB);
	const struct bw_collection *collection = collection_of(s, hit->collection);
	char time[BW_TIME_BYTES];

	bw_time_format(hit->row.date_added_us, time);
	BW_TRY(bw_buf_add_u8(&out, '{'));
	BW_TRY(bw_json_add_text(&out, "id", hit->row.id));
	BW_TRY(bw_json_add_text(&out, "version", hit->row.version));
	BW_TRY(bw_json_add_text(&out, "date_added", bw_slice_text(time)));
	BW_TRY(bw_json_add_text(&out, "collection", bw_slice_text(collection != NULL ? collection->id : "")));
	BW_TRY(bw_json_add_bool(&out, "exact", hit->exact));
	if (hit->row.body.len > 0) {
		BW_TRY(bw_json_add_name(&out, "object"));
		BW_TRY(bw_buf_add(&out, hit->row.body));
	}
	BW_TRY(bw_buf_add_text(&out, "}\n"));
	(void)fwrite(out.ptr, 1, out.len, stdout);
	return BW_OK;
}

static int tell_json(const struct searching *s, const struct bw_found *found)
{
	for (size_t i = 0; i < found->count; i++) {
		const enum bw_err err = print_json(s, &found->hits[i]);

		if (err != BW_OK)
			return bw_complain(s->call, BW_EXIT_FAILED, NULL, "cannot write the answer: %s",
					   bw_err_text(err));
	}
	(void)printf("{\"found\":%zu,\"more\":%s,\"lag_rows\":%" PRIu64 "}\n", found->count,
		     found->more ? "true" : "false", s->lag);
	return BW_EXIT_OK;
}

static int tell(const struct searching *s, const struct bw_found *found)
{
	if (bw_call_json(s->call))
		return tell_json(s, found);
	for (size_t i = 0; i < found->count; i++)
		print_text(s, &found->hits[i]);
	if (found->count == 0)
		(void)puts("nothing found");
	if (found->more)
		(void)printf("there is more; --limit N shows up to %d\n", BW_SEARCH_LIMIT_MAX);
	if (s->lag > 0)
		(void)printf("%" PRIu64 " objects that were stored last are not searched yet\n", s->lag);
	return BW_EXIT_OK;
}

/* ---- the command ------------------------------------------------------------------ */

static int search_with(struct searching *s, struct bw_desk *desk)
{
	struct bw_why why = { 0 };
	struct bw_found found;
	enum bw_err err = join_words(s->call, &s->text);

	if (err == BW_OK)
		err = search(s, !bw_desk_is_remote(desk) && !bw_call_flag(s->call, "no-wait"), &found, &why);
	if (err == BW_OK)
		return tell(s, &found);
	if (err == BW_ERR_TOO_BIG)
		return bw_complain(s->call, BW_EXIT_USAGE, NULL, "cannot search for more than %d bytes of text",
				   BW_SEARCH_TEXT_MAX);
	return why.text[0] != 0 ? bw_complain_why(s->call, err, &why) : bw_complain_store(s->call, desk, err, "search");
}

static int search_run(struct bw_call *call)
{
	struct searching s = { .call = call, .arena = BW_ARENA_INIT(512 * BW_MIB), .text = BW_BUF_INIT(BW_MIB) };
	int status;
	struct bw_desk *desk = bw_desk_for(call, &status);

	if (desk == NULL)
		return status;
	s.store = bw_desk_store(desk);
	status = search_with(&s, desk);
	bw_buf_release(&s.text);
	bw_arena_release(&s.arena);
	bw_desk_close(desk);
	return status;
}

static const struct bw_option search_options[] = {
	{ .name = "collection",
	  .kind = BW_OPT_TEXT,
	  .value_name = "NAME",
	  .repeat = true,
	  .help = "only in this one: id, alias or title" },
	{ .name = "limit",
	  .kind = BW_OPT_NUM,
	  .min = 1,
	  .max = BW_SEARCH_LIMIT_MAX,
	  .fallback = "20",
	  .unit = "objects",
	  .help = "show at most so many" },
	{ .name = "no-wait", .kind = BW_OPT_FLAG, .help = "do not bring the indexes up to date first" },
	{ 0 },
};

const struct bw_command bw_search_command = {
	.name = "search",
	.summary = "find objects by an observable's value, an id or words",
	.usage = "[--collection NAME] VALUE|ID|WORDS...",
	.details =
		"An address, domain, URL or hash finds every object that holds it, also when it is written defanged; "
		"words find the objects in which all of them occur. Only current versions are searched. The "
		"indexes follow the store by a moment, and the answer says when they lag behind; without a running "
		"server they are brought up to date first.",
	.options = search_options,
	.min_args = 1,
	.max_args = SIZE_MAX,
	.run = search_run,
};
