/* `breakwater show ID`: every version of one object, where it lies, and what changed. */
#include <stdio.h>
#include <stdlib.h>

#include "base/command.h"
#include "codec/json_text.h"
#include "codec/json_walk.h"
#include "desk/desk_command.h"
#include "serve/limits.h"
#include "serve/show_diff.h"
#include "sys/clock.h"

enum { ROWS_MAX = 20000, LONG_VALUE = 160 };

/* One row of the store. */
struct sighting {
	const struct bw_collection *collection;
	int64_t added_us;
	int64_t version_us;
	struct bw_slice version;
	struct bw_slice body;
	unsigned spec_major, spec_minor;
	size_t same_as; /* index of the first with the same content: they are one version */
};

struct showing {
	const struct bw_call *call;
	struct bw_store *store;
	struct bw_slice id;
	const char *version; /* NULL: all */
	struct bw_arena arena;
	struct sighting *rows;
	size_t count;
	struct bw_why why;
};

/* ---- collect ------------------------------------------------------------------ */

static enum bw_err take_page(struct showing *s, const struct bw_collection *collection, const struct bw_page *page)
{
	for (size_t i = 0; i < page->count; i++) {
		const struct bw_row *row = &page->rows[i];
		struct sighting *to = &s->rows[s->count];

		if (s->count == ROWS_MAX)
			return bw_why_set(
				&s->why, BW_ERR_TOO_MANY,
				"'%.*s' has more than %d versions; see: breakwater export --match-version all "
				"--match-id ID",
				BW_ARG(s->id), ROWS_MAX);
		*to = (struct sighting){ .collection = collection,
					 .added_us = row->date_added_us,
					 .version_us = row->date_added_us,
					 .version = row->version,
					 .body = row->body,
					 .spec_major = row->spec_major,
					 .spec_minor = row->spec_minor };
		if (bw_time_parse_any(row->version, &to->version_us) != BW_OK)
			to->version_us = row->date_added_us;
		s->count++;
	}
	return BW_OK;
}

static enum bw_err collect_from(struct showing *s, const struct bw_collection *collection)
{
	static const struct bw_slice specs[] = { BW_LIT("2.0"), BW_LIT("2.1") };
	struct bw_query query = { .collection = collection->number,
				  .added_after_us = -1,
				  .limit = BW_PAGE_MAX,
				  .max_bytes = BW_PAGE_BYTES_MAX,
				  .ids = &s->id,
				  .id_count = 1,
				  .picks = BW_PICK_ALL,
				  .specs = specs,
				  .spec_count = BW_COUNT(specs),
				  .bodies = true };
	struct bw_page page;

	do {
		BW_TRY(bw_store_page(s->store, &query, &s->arena, &page));
		BW_TRY(take_page(s, collection, &page));
		query.added_after_us = page.scanned_us;
	} while (page.more);
	return BW_OK;
}

static int by_version(const void *a, const void *b)
{
	const struct sighting *x = a;
	const struct sighting *y = b;

	if (x->version_us != y->version_us)
		return x->version_us < y->version_us ? -1 : 1;
	return (x->added_us > y->added_us) - (x->added_us < y->added_us);
}

static enum bw_err collect(struct showing *s)
{
	struct bw_collection *collections;
	size_t count;

	BW_TRY(bw_store_collections(s->store, &s->arena, &collections, &count));
	s->rows = bw_arena_zero(&s->arena, ROWS_MAX, sizeof(*s->rows));
	BW_NEED(s->rows != NULL, MEMORY);
	for (size_t i = 0; i < count; i++)
		BW_TRY(collect_from(s, &collections[i]));
	qsort(s->rows, s->count, sizeof(*s->rows), by_version);
	for (size_t i = 0; i < s->count; i++) {
		s->rows[i].same_as = 0;
		while (!bw_slice_equals(s->rows[s->rows[i].same_as].body, s->rows[i].body))
			s->rows[i].same_as++;
	}
	return BW_OK;
}

/* The version before, or NULL. */
static const struct sighting *version_before(const struct showing *s, size_t at)
{
	while (at-- > 0) {
		if (s->rows[at].same_as == at)
			return &s->rows[at];
	}
	return NULL;
}

static bool is_wanted(const struct showing *s, size_t at)
{
	int64_t wanted_us;

	if (s->rows[at].same_as != at)
		return false;
	if (s->version == NULL)
		return true;
	if (strcmp(s->version, "first") == 0)
		return version_before(s, at) == NULL;
	if (strcmp(s->version, "last") == 0) {
		for (size_t i = at + 1; i < s->count; i++) {
			if (s->rows[i].same_as == i)
				return false;
		}
		return true;
	}
	return bw_time_parse_any(bw_slice_text(s->version), &wanted_us) == BW_OK && wanted_us == s->rows[at].version_us;
}

/* ---- text ------------------------------------------------------------------------ */

static enum bw_err print_value(const char *mark, struct bw_slice name, struct bw_slice value)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf laid = BW_BUF_INIT(256 * BW_MIB);
	const bool has_parts = value.len > 0 && (value.ptr[0] == '{' || value.ptr[0] == '[');

	(void)printf("  %s ", mark);
	bw_print_foreign(name);
	(void)fputs(name.len > 0 ? ": " : "", stdout);
	if (!has_parts || value.len <= LONG_VALUE) {
		bw_print_foreign(value);
	} else {
		BW_TRY(bw_json_lay_out(value, 2, &laid));
		(void)fwrite(laid.ptr, 1, laid.len, stdout);
	}
	(void)putchar('\n');
	return BW_OK;
}

static enum bw_err print_changed(struct showing *s, const struct bw_change *change)
{
	struct bw_change *items = NULL;
	size_t count = 0;

	if (bw_diff_lists(change->was, change->is, &s->arena, &items, &count) != BW_OK) {
		BW_TRY(print_value("-", change->name, change->was));
		return print_value("+", change->name, change->is);
	}
	if (count == 0) {
		(void)fputs("    ", stdout);
		bw_print_foreign(change->name);
		(void)puts(": the same items in another order");
	}
	for (size_t i = 0; i < count; i++) {
		const bool added = items[i].kind == BW_CHANGE_ADDED;

		BW_TRY(print_value(added ? "+" : "-", change->name, added ? items[i].is : items[i].was));
	}
	return BW_OK;
}

static enum bw_err print_changes(struct showing *s, struct bw_slice was, struct bw_slice is)
{
	struct bw_change *changes;
	size_t count;

	BW_TRY(bw_diff_objects(was, is, &s->arena, &changes, &count));
	for (size_t i = 0; i < count; i++) {
		if (bw_slice_is(changes[i].name, "modified")) /* the version's own line says it */
			continue;
		if (changes[i].kind == BW_CHANGE_CHANGED)
			BW_TRY(print_changed(s, &changes[i]));
		else
			BW_TRY(print_value(changes[i].kind == BW_CHANGE_ADDED ? "+" : "-", changes[i].name,
					   changes[i].kind == BW_CHANGE_ADDED ? changes[i].is : changes[i].was));
	}
	return BW_OK;
}

static enum bw_err print_properties(struct bw_slice body)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	bool more;

	BW_TRY(bw_json_walk_open(body, &walk));
	for (;;) {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			return BW_OK;
		BW_TRY(print_value(" ", name, value));
	}
}

static void print_places(const struct showing *s, size_t at)
{
	char time[BW_TIME_BYTES];

	(void)fputs("version ", stdout);
	bw_print_foreign(s->rows[at].version);
	(void)printf("  (STIX %u.%u)\n", s->rows[at].spec_major, s->rows[at].spec_minor);
	for (size_t i = at; i < s->count; i++) {
		if (s->rows[i].same_as != at)
			continue;
		bw_time_format(s->rows[i].added_us, time);
		(void)printf("  added %s to ", time);
		bw_print_foreign(bw_slice_text(s->rows[i].collection->title));
		(void)printf(" (%s)\n", s->rows[i].collection->id);
	}
}

static enum bw_err print_text(struct showing *s, size_t at)
{
	const struct sighting *before = version_before(s, at);

	if (s->version != NULL) {
		BW_CLEANUP(bw_buf_release) struct bw_buf laid = BW_BUF_INIT(512 * BW_MIB);

		BW_TRY(bw_json_lay_out(s->rows[at].body, 0, &laid));
		(void)puts(bw_buf_text(&laid));
		return BW_OK;
	}
	print_places(s, at);
	BW_TRY(before == NULL ? print_properties(s->rows[at].body) : print_changes(s, before->body, s->rows[at].body));
	(void)putchar('\n');
	return BW_OK;
}

/* ---- json -------------------------------------------------------------------------- */

static enum bw_err add_places(const struct showing *s, size_t at, struct bw_buf *out)
{
	BW_TRY(bw_json_add_name(out, "where"));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = at; i < s->count; i++) {
		char time[BW_TIME_BYTES];

		if (s->rows[i].same_as != at)
			continue;
		bw_time_format(s->rows[i].added_us, time);
		BW_TRY(bw_buf_add_text(out, i == at ? "{" : ",{"));
		BW_TRY(bw_json_add_text(out, "collection", bw_slice_text(s->rows[i].collection->id)));
		BW_TRY(bw_json_add_text(out, "title", bw_slice_text(s->rows[i].collection->title)));
		BW_TRY(bw_json_add_text(out, "date_added", bw_slice_text(time)));
		BW_TRY(bw_buf_add_u8(out, '}'));
	}
	return bw_buf_add_u8(out, ']');
}

static enum bw_err add_raw(struct bw_buf *out, const char *name, struct bw_slice json)
{
	if (json.len == 0)
		return BW_OK;
	BW_TRY(bw_json_add_name(out, name));
	return bw_buf_add(out, json);
}

static enum bw_err add_changes(struct showing *s, const struct sighting *before, struct bw_slice is, struct bw_buf *out)
{
	static const char *const words[] = { "added", "removed", "changed" };
	struct bw_change *changes;
	size_t count;

	if (before == NULL)
		return BW_OK;
	BW_TRY(bw_diff_objects(before->body, is, &s->arena, &changes, &count));
	BW_TRY(bw_json_add_name(out, "changes"));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < count; i++) {
		BW_TRY(bw_buf_addf(out, "%s{\"property\":\"", i > 0 ? "," : ""));
		BW_TRY(bw_buf_add(out, changes[i].name)); /* escaped already, as it was between quotes */
		BW_TRY(bw_buf_addf(out, "\",\"change\":\"%s\"", words[changes[i].kind]));
		BW_TRY(add_raw(out, "was", changes[i].was));
		BW_TRY(add_raw(out, "is", changes[i].is));
		BW_TRY(bw_buf_add_u8(out, '}'));
	}
	return bw_buf_add_u8(out, ']');
}

/* One version a line. */
static enum bw_err print_json(struct showing *s, size_t at)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(512 * BW_MIB);
	const struct sighting *row = &s->rows[at];

	BW_TRY(bw_buf_add_u8(&out, '{'));
	BW_TRY(bw_json_add_text(&out, "id", s->id));
	BW_TRY(bw_json_add_text(&out, "version", row->version));
	BW_TRY(bw_buf_addf(&out, ",\"spec_version\":\"%u.%u\"", row->spec_major, row->spec_minor));
	BW_TRY(add_places(s, at, &out));
	BW_TRY(add_changes(s, version_before(s, at), row->body, &out));
	BW_TRY(add_raw(&out, "object", row->body));
	BW_TRY(bw_buf_add_u8(&out, '}'));
	(void)fwrite(out.ptr, 1, out.len, stdout);
	(void)putchar('\n');
	return BW_OK;
}

/* ---- the command ---------------------------------------------------------------------- */

static enum bw_err print_all(struct showing *s, size_t *printed)
{
	*printed = 0;
	for (size_t i = 0; i < s->count; i++) {
		if (!is_wanted(s, i))
			continue;
		BW_TRY(bw_call_json(s->call) ? print_json(s, i) : print_text(s, i));
		++*printed;
	}
	return BW_OK;
}

static int show_with(struct showing *s, struct bw_desk *desk)
{
	size_t printed;
	enum bw_err err = collect(s);

	if (err != BW_OK && s->why.text[0] != 0)
		return bw_complain_why(s->call, err, &s->why);
	if (err != BW_OK)
		return bw_complain_store(s->call, desk, err, "read the object");
	if (s->count == 0)
		return bw_complain(s->call, BW_EXIT_FAILED, "to look for one: breakwater search WORDS",
				   "there is no object '%.*s' in any collection", BW_ARG(s->id));
	err = print_all(s, &printed);
	if (err != BW_OK)
		return bw_complain(s->call, BW_EXIT_FAILED, NULL, "cannot show '%.*s': %s", BW_ARG(s->id),
				   bw_err_text(err));
	if (printed == 0)
		return bw_complain(s->call, BW_EXIT_FAILED, "leave --version out to see which there are",
				   "'%.*s' has no version '%s'", BW_ARG(s->id), s->version);
	return BW_EXIT_OK;
}

static int show_run(struct bw_call *call)
{
	struct showing s = { .call = call,
			     .id = bw_slice_text(bw_call_arg(call, 0)),
			     .version = bw_call_text(call, "version"),
			     .arena = BW_ARENA_INIT(BW_GIB) };
	int status;
	struct bw_desk *desk = bw_desk_for(call, &status);

	if (desk == NULL)
		return status;
	s.store = bw_desk_store(desk);
	status = show_with(&s, desk);
	bw_arena_release(&s.arena);
	bw_desk_close(desk);
	return status;
}

static const struct bw_option show_options[] = {
	{ .name = "version",
	  .kind = BW_OPT_TEXT,
	  .value_name = "VERSION",
	  .help = "this version alone, whole: a timestamp, first or last" },
	{ 0 },
};

const struct bw_command bw_show_command = {
	.name = "show",
	.summary = "show an object: its versions, where they are, what changed",
	.usage = "[--version VERSION] ID",
	.details =
		"The first version is shown whole; of each later one the properties that came (+) and went (-), item "
		"by item where both are lists. Versions with the same content in several collections are one. With "
		"--format json: one version a line, with its changes and the object itself.",
	.options = show_options,
	.min_args = 1,
	.max_args = 1,
	.run = show_run,
};
