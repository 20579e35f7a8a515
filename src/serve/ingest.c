#include "serve/ingest.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "desk/desk.h"
#include "desk/servant.h"
#include "serve/limits.h"

struct ingest {
	struct bw_servant *servant;
	struct bw_desk *desk;
	struct bw_arena arena;
};

static enum bw_err add_result(const struct bw_form *form, struct bw_ingest_outcome *out)
{
	uint64_t n[BW_OFFICE_IMPORT_FIELDS - 1] = { 0 };

	for (size_t i = 0; i < BW_COUNT(n); i++)
		BW_TRY(bw_form_num(form, i, UINT32_MAX, &n[i]));
	out->objects += n[0];
	out->added += n[1];
	out->duplicate += n[2];
	out->conflict += n[3];
	out->refused += n[4] + n[5] + n[6];
	return BW_OK;
}

static void keep_first_refusal(struct bw_slice refused, struct bw_ingest_outcome *out)
{
	struct bw_cursor list = bw_cursor_over(refused);
	struct bw_slice id;
	struct bw_slice message;
	bool bad;

	if (out->first_refusal[0] != 0 || !bw_form_list_next(&list, &id, &bad) ||
	    !bw_form_list_next(&list, &message, &bad))
		return;
	(void)snprintf(out->first_refusal, sizeof(out->first_refusal), "%.*s: %.*s", BW_ARG(bw_slice_sub(id, 0, 80)),
		       BW_ARG(bw_slice_sub(message, 0, 100)));
}

static enum bw_err store_part(struct ingest *in, const char *collection, const struct bw_servant_part *part,
			      struct bw_ingest_outcome *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf result = BW_BUF_INIT(BW_OFFICE_IMPORT_BYTES);
	struct bw_form form;
	uint8_t total[8];
	const struct bw_slice fields[] = { bw_slice_text(collection), bw_desk_num(part->total, total), part->failures };

	if (part->total == 0)
		return BW_OK;
	BW_TRY(bw_desk_do(in->desk, BW_OFFICE_IMPORT, fields, BW_COUNT(fields), part->batch_fd, &result, why));
	BW_TRY(bw_form_take(bw_buf_slice(&result), BW_OFFICE_IMPORT_FIELDS, &form));
	keep_first_refusal(form.fields[BW_OFFICE_IMPORT_FIELDS - 1], out);
	return add_result(&form, out);
}

static enum bw_err store_page(void *ctx, const char *collection, int page_fd, size_t page_bytes,
			      struct bw_ingest_outcome *out, struct bw_why *why)
{
	struct ingest *in = ctx;
	struct bw_ingest_outcome sum = { 0 };
	struct bw_servant_part part;

	(void)page_bytes;
	if (lseek(page_fd, 0, SEEK_SET) < 0)
		return bw_why_set(why, BW_ERR_SYSTEM, "cannot go to the start of the page");
	BW_TRY(bw_servant_give(in->servant, page_fd));
	do {
		enum bw_err err = bw_servant_next(in->servant, &part);

		if (err != BW_OK)
			return bw_why_set(why, err, "the process that parses the page has ended: %s", bw_err_text(err));
		err = store_part(in, collection, &part, &sum, why);
		(void)close(part.batch_fd);
		BW_TRY(err);
	} while (!part.end);
	if (part.problem.len > 0)
		return bw_why_set(why, BW_ERR_SYNTAX, "the page is not well-formed: %.*s", BW_ARG(part.problem));
	*out = sum;
	return BW_OK;
}

static enum bw_err write_envelope(const struct bw_page *page, struct bw_buf *envelope)
{
	BW_TRY(bw_buf_add_text(envelope, "{\"objects\":["));
	for (size_t i = 0; i < page->count; i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_u8(envelope, ','));
		BW_TRY(bw_buf_add(envelope, page->rows[i].body));
	}
	return bw_buf_add_text(envelope, "]}");
}

static enum bw_err fetch_page(void *ctx, const char *collection, int64_t after_us, uint32_t limit, size_t bytes_max,
			      struct bw_buf *envelope, uint64_t *count, int64_t *last_us, bool *more,
			      struct bw_why *why)
{
	struct ingest *in = ctx;
	struct bw_query query = {
		.added_after_us = after_us, .limit = limit, .max_bytes = bytes_max, .picks = BW_PICK_ALL, .bodies = true
	};
	struct bw_store *store = bw_desk_store(in->desk);
	struct bw_collection found;
	struct bw_page page;
	static const struct bw_slice specs[] = { { (const uint8_t *)"2.0", 3 }, { (const uint8_t *)"2.1", 3 } };

	query.specs = specs;
	query.spec_count = BW_COUNT(specs);
	bw_arena_reset(&in->arena);
	if (bw_store_collection_find(store, bw_slice_text(collection), &found) != BW_OK)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "there is no collection '%s'", collection);
	query.collection = found.number;
	if (bw_store_page(store, &query, &in->arena, &page) != BW_OK)
		return bw_why_set(why, BW_ERR_IO, "cannot read collection '%s': %s", collection, bw_store_why(store));
	*count = page.count;
	*more = page.more;
	*last_us = page.count > 0 ? page.rows[page.count - 1].date_added_us : after_us;
	return page.count == 0 ? BW_OK : write_envelope(&page, envelope);
}

static enum bw_err find_collection(void *ctx, const char *name, char *out, struct bw_why *why)
{
	struct ingest *in = ctx;
	struct bw_collection found;

	BW_TRY(bw_office_collection(bw_desk_store(in->desk), bw_slice_text(name), &found, why));
	memcpy(out, found.id, sizeof(found.id));
	return BW_OK;
}

static void ingest_close(void *ctx)
{
	struct ingest *in = ctx;

	if (in == NULL)
		return;
	bw_desk_close(in->desk);
	bw_servant_free(in->servant);
	bw_arena_release(&in->arena);
	free(in);
}

enum bw_err bw_ingest_open(const char *data, struct bw_ingest *out, struct bw_why *why)
{
	struct ingest *in = calloc(1, sizeof(*in));
	enum bw_err err;

	BW_NEED(in != NULL, MEMORY);
	in->arena = BW_ARENA_INIT(256 * BW_MIB);
	/* the servant first: it must never have seen the store */
	err = bw_servant_start(&in->servant, why);
	if (err == BW_OK)
		err = bw_desk_open(data, &in->desk, why);
	if (err != BW_OK) {
		ingest_close(in);
		return err;
	}
	*out = (struct bw_ingest){ in, store_page, fetch_page, find_collection, ingest_close };
	return BW_OK;
}
