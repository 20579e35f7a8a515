/* `breakwater export`: collections as a STIX bundle or as JSON lines, page by page, whatever their size. */
#include <stdio.h>
#include <unistd.h>

#include "base/command.h"
#include "base/progress.h"
#include "crypto/uuid.h"
#include "desk/desk_command.h"
#include "serve/limits.h"
#include "serve/taxii.h"

enum { FILTER_OPTIONS = 5 };

struct exporting {
	struct bw_call *call;
	struct bw_store *store;
	struct bw_arena filter_arena;
	struct bw_arena page_arena;
	struct bw_taxii_request filters;
	struct bw_collection *collections;
	size_t collection_count;
	bool as_lines;
	uint64_t left; /* objects that may still be written */
	uint64_t written;
	struct bw_progress progress;
};

/* ---- filters --------------------------------------------------------------- */

/* An option's values, one given several times being a list, as the URL would hold it. */
static enum bw_err join_values(const struct bw_call *call, const char *option, struct bw_buf *out)
{
	const size_t count = bw_call_count(call, option);

	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(bw_buf_add_text(out, bw_call_nth(call, option, i)));
	}
	return BW_OK;
}

static enum bw_err read_filters(struct exporting *ex, struct bw_problem *problem)
{
	static const struct {
		const char *option;
		const char *filter;
	} rows[FILTER_OPTIONS] = {
		{ "added-after", "added_after" },
		{ "match-id", "match[id]" },
		{ "match-type", "match[type]" },
		{ "match-version", "match[version]" },
		{ "match-spec-version", "match[spec_version]" },
	};

	ex->filters = (struct bw_taxii_request){ .added_after_us = -1 };
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf joined = BW_BUF_INIT(BW_MIB);
		struct bw_slice value;

		if (!bw_call_has(ex->call, rows[i].option))
			continue;
		BW_TRY(join_values(ex->call, rows[i].option, &joined));
		BW_TRY(bw_arena_copy(&ex->filter_arena, bw_buf_slice(&joined), &value));
		BW_TRY(bw_taxii_filter(rows[i].filter, value, &ex->filter_arena, &ex->filters, problem));
	}
	return BW_OK;
}

static struct bw_query query_of(const struct exporting *ex, size_t at)
{
	const struct bw_taxii_request *f = &ex->filters;

	return (struct bw_query){
		.collection = ex->collections[at].number,
		.added_after_us = f->added_after_us,
		.limit = BW_PAGE_DEFAULT,
		.max_bytes = BW_PAGE_BYTES_MAX,
		.ids = f->ids.list,
		.id_count = f->ids.count,
		.types = f->types.list,
		.type_count = f->types.count,
		.picks = f->picks,
		.versions = f->versions.list,
		.version_count = f->versions.count,
		.specs = f->specs.list,
		.spec_count = f->specs.count,
		.bodies = true,
	};
}

/* ---- rows -------------------------------------------------------------------- */

/* Was this version written already, out of a collection before `at`? */
static enum bw_err was_written(struct exporting *ex, size_t at, const struct bw_row *row, bool *out)
{
	*out = false;
	for (size_t i = 0; i < at && !*out; i++) {
		BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(64 * BW_MIB);
		struct bw_query query = query_of(ex, i);
		struct bw_page page;

		query.ids = &row->id;
		query.id_count = 1;
		query.bodies = false;
		query.limit = BW_PAGE_MAX;
		BW_TRY(bw_store_page(ex->store, &query, &arena, &page));
		for (size_t r = 0; r < page.count; r++)
			*out = *out || bw_slice_equals(page.rows[r].version, row->version);
	}
	return BW_OK;
}

static void write_row(struct exporting *ex, const struct bw_row *row)
{
	if (!ex->as_lines)
		(void)fputs(ex->written == 0 ? ",\"objects\":[\n" : ",\n", stdout);
	(void)fwrite(row->body.ptr, 1, row->body.len, stdout);
	if (ex->as_lines)
		(void)putchar('\n');
	ex->written++;
	ex->left--;
}

static enum bw_err write_page(struct exporting *ex, size_t at, const struct bw_page *page)
{
	for (size_t i = 0; i < page->count && ex->left > 0; i++) {
		bool twice;

		BW_TRY(was_written(ex, at, &page->rows[i], &twice));
		if (!twice)
			write_row(ex, &page->rows[i]);
	}
	bw_progress_at(&ex->progress, ex->written);
	/* a reader that is gone or a full disk: no use in reading on; main complains */
	return ferror(stdout) != 0 ? BW_ERR_IO : BW_OK;
}

static enum bw_err write_collection(struct exporting *ex, size_t at)
{
	struct bw_query query = query_of(ex, at);
	struct bw_page page;

	do {
		if (ex->left < query.limit)
			query.limit = (uint32_t)ex->left;
		bw_arena_reset(&ex->page_arena);
		BW_TRY(bw_store_page(ex->store, &query, &ex->page_arena, &page));
		BW_TRY(write_page(ex, at, &page));
		query.added_after_us = page.scanned_us;
	} while (page.more && ex->left > 0);
	return BW_OK;
}

static enum bw_err write_all(struct exporting *ex)
{
	char text[BW_UUID_CHARS + 1];
	struct bw_uuid uuid;

	if (!ex->as_lines) {
		bw_uuid_v4(&uuid);
		bw_uuid_format(&uuid, text);
		(void)printf("{\"type\":\"bundle\",\"id\":\"bundle--%s\"", text);
	}
	for (size_t i = 0; i < ex->collection_count && ex->left > 0; i++)
		BW_TRY(write_collection(ex, i));
	if (!ex->as_lines) /* an empty list is never written (STIX 2.1 §2.2) */
		(void)fputs(ex->written > 0 ? "\n]}\n" : "}\n", stdout);
	return BW_OK;
}

/* ---- the command --------------------------------------------------------------- */

static enum bw_err choose_collections(struct exporting *ex, struct bw_why *why)
{
	const char *name = bw_call_text(ex->call, "collection");

	if (name == NULL)
		return bw_store_collections(ex->store, &ex->filter_arena, &ex->collections, &ex->collection_count);
	ex->collections = bw_arena_zero(&ex->filter_arena, 1, sizeof(*ex->collections));
	BW_NEED(ex->collections != NULL, MEMORY);
	ex->collection_count = 1;
	return bw_office_collection(ex->store, bw_slice_text(name), ex->collections, why);
}

static uint64_t count_objects(const struct exporting *ex)
{
	uint64_t count = 0;

	for (size_t i = 0; i < ex->collection_count; i++)
		count += ex->collections[i].object_count;
	return count < ex->left ? count : ex->left;
}

static int export_with(struct exporting *ex, struct bw_desk *desk)
{
	const bool quiet = bw_call_flag(ex->call, "quiet") || isatty(STDOUT_FILENO) == 1;
	struct bw_why why = { 0 };
	enum bw_err err = choose_collections(ex, &why);

	if (err != BW_OK)
		return bw_complain_why(ex->call, err, &why);
	bw_progress_begin(&ex->progress, "exporting", "objects", count_objects(ex), quiet);
	err = write_all(ex);
	bw_progress_end(&ex->progress);
	if (err == BW_OK || ferror(stdout) != 0)
		return BW_EXIT_OK;
	return bw_complain_store(ex->call, desk, err, "read objects; what was written is not whole");
}

static int export_run(struct bw_call *call)
{
	struct exporting ex = { .call = call,
				.filter_arena = BW_ARENA_INIT(256 * BW_MIB),
				.page_arena = BW_ARENA_INIT(64 * BW_MIB) };
	struct bw_problem problem = { 0 };
	struct bw_desk *desk = NULL;
	int status = BW_EXIT_OK;

	ex.as_lines = strcmp(bw_call_text(call, "format-out"), "jsonl") == 0;
	ex.left = bw_call_has(call, "limit") ? (uint64_t)bw_call_num(call, "limit") : UINT64_MAX;
	if (read_filters(&ex, &problem) != BW_OK)
		status = bw_complain(call, BW_EXIT_USAGE, NULL, "cannot use the filter %s", problem.description);
	else
		desk = bw_desk_for(call, &status);
	if (desk != NULL) {
		ex.store = bw_desk_store(desk);
		status = export_with(&ex, desk);
	}
	bw_desk_close(desk);
	bw_arena_release(&ex.page_arena);
	bw_arena_release(&ex.filter_arena);
	return status;
}

static const struct bw_option export_options[] = {
	{ .name = "collection",
	  .kind = BW_OPT_TEXT,
	  .value_name = "NAME",
	  .help = "id, alias or title; without it every collection, each version once" },
	{ .name = "added-after",
	  .kind = BW_OPT_TEXT,
	  .value_name = "TIME",
	  .help = "only what was added after, e.g. 2026-01-31T12:00:00Z" },
	{ .name = "match-id", .kind = BW_OPT_TEXT, .value_name = "ID", .repeat = true, .help = "only these objects" },
	{ .name = "match-type", .kind = BW_OPT_TEXT, .value_name = "TYPE", .repeat = true, .help = "only these types" },
	{ .name = "match-version",
	  .kind = BW_OPT_TEXT,
	  .value_name = "VERSION",
	  .repeat = true,
	  .help = "first, last, all or a timestamp (default: last)" },
	{ .name = "match-spec-version",
	  .kind = BW_OPT_TEXT,
	  .value_name = "N.M",
	  .repeat = true,
	  .help = "2.0 or 2.1 (default: the newest there is of each object)" },
	{ .name = "limit",
	  .kind = BW_OPT_NUM,
	  .min = 1,
	  .max = INT64_MAX,
	  .unit = "objects",
	  .help = "stop after so many objects" },
	{ .name = "format-out",
	  .kind = BW_OPT_CHOICE,
	  .value_name = "FORMAT",
	  .choices = "bundle|jsonl",
	  .fallback = "bundle",
	  .help = "one STIX bundle with a new id, or one object a line" },
	{ 0 },
};

const struct bw_command bw_export_command = {
	.name = "export",
	.summary = "write objects to standard output, as a bundle or one a line",
	.usage = "[--collection NAME] [filters] [--format-out bundle|jsonl]",
	.details = "Writes objects in the order in which they were added, each with the bytes it came in with. The "
		   "filters are those of TAXII 2.1 (§3.4): several values of one filter are alternatives, several "
		   "filters must all fit, and without --match-version only the last version of each object is written. "
		   "Memory does not grow with the collection; a server may run meanwhile.",
	.options = export_options,
	.run = export_run,
};
