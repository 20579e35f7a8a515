/* A sealed batch goes into a collection: shared by POST and import. */
#include <stdlib.h>

#include "desk/limits.h"
#include "desk/office.h"
#include "intel/batch.h"
#include "sys/clock.h"
#include "sys/memfile.h"

enum { CHUNK = 512 }; /* records handed to the store at once */

struct putting {
	struct bw_store *store;
	uint16_t collection;
	struct bw_arena *arena; /* of the tally */
	struct bw_put_tally *tally;
	struct bw_arena chunk_arena;
	struct bw_record records[CHUNK];
	struct bw_put outcomes[CHUNK];
};

static const char *words_of(enum bw_put_outcome outcome)
{
	switch (outcome) {
	case BW_PUT_CONFLICT:
		return "this version is already there with other content; the first one stays, the conflict is "
		       "recorded";
	case BW_PUT_REVOKED:
		return "the object is revoked; no later version is accepted (STIX 2.1 §3.6.2)";
	case BW_PUT_ERASED:
		return "the object was erased here and must not come back";
	default:
		return "";
	}
}

static uint64_t *counter_of(struct bw_put_tally *tally, enum bw_put_outcome outcome)
{
	switch (outcome) {
	case BW_PUT_ADDED:
		return &tally->added;
	case BW_PUT_DUPLICATE:
		return &tally->duplicate;
	case BW_PUT_CONFLICT:
		return &tally->conflict;
	case BW_PUT_REVOKED:
		return &tally->revoked;
	default:
		return &tally->erased;
	}
}

/* The version as TAXII names it: its own, else when it was added. */
static enum bw_err version_of(const struct bw_record *record, const struct bw_put *put, struct bw_arena *arena,
			      struct bw_slice *out)
{
	char text[BW_TIME_BYTES];

	if (record->version.len > 0)
		return bw_arena_copy(arena, record->version, out);
	bw_time_format(put->date_added_us, text);
	return bw_arena_copy(arena, bw_slice_text(text), out);
}

static enum bw_err list_outcome(struct putting *p, const struct bw_record *record, const struct bw_put *put)
{
	struct bw_put_tally *tally = p->tally;
	const bool fine = put->outcome == BW_PUT_ADDED || put->outcome == BW_PUT_DUPLICATE;
	size_t *count = fine ? &tally->success_count : &tally->failure_count;
	struct bw_status_line *line;

	if (*count >= BW_STATUS_LIST_MAX)
		return BW_OK;
	line = fine ? &tally->successes[*count] : &tally->failures[*count];
	*line = (struct bw_status_line){ .message = bw_slice_text(words_of(put->outcome)) };
	BW_TRY(bw_arena_copy(p->arena, record->id, &line->id));
	BW_TRY(version_of(record, put, p->arena, &line->version));
	(*count)++;
	return BW_OK;
}

static enum bw_err put_chunk(struct putting *p, size_t count)
{
	BW_TRY(bw_store_put(p->store, p->collection, p->records, count, p->outcomes));
	for (size_t i = 0; i < count; i++) {
		(*counter_of(p->tally, p->outcomes[i].outcome))++;
		BW_TRY(list_outcome(p, &p->records[i], &p->outcomes[i]));
	}
	return BW_OK;
}

static enum bw_err put_all(struct putting *p, struct bw_batch *batch)
{
	size_t count = 0;

	for (;;) {
		const enum bw_err err = bw_batch_next(batch, &p->chunk_arena, &p->records[count]);

		if (err == BW_ERR_NOT_FOUND)
			return count == 0 ? BW_OK : put_chunk(p, count);
		BW_TRY(err);
		if (++count < CHUNK)
			continue;
		BW_TRY(put_chunk(p, count));
		bw_arena_reset(&p->chunk_arena);
		count = 0;
	}
}

/* The reader's failures: id, version, message, id … */
static enum bw_err list_failures(struct bw_slice failures, struct bw_arena *arena, struct bw_put_tally *tally)
{
	struct bw_cursor c = bw_cursor_over(failures);
	struct bw_slice id;
	bool bad;

	while (bw_form_list_next(&c, &id, &bad)) {
		struct bw_slice version;
		struct bw_slice message;

		BW_NEED(bw_form_list_next(&c, &version, &bad), PROTOCOL);
		BW_NEED(bw_form_list_next(&c, &message, &bad), PROTOCOL);
		tally->invalid++;
		if (tally->failure_count >= BW_STATUS_LIST_MAX)
			continue;
		BW_TRY(bw_arena_copy(arena, id, &tally->failures[tally->failure_count].id));
		BW_TRY(bw_arena_copy(arena, message, &tally->failures[tally->failure_count].message));
		BW_TRY(bw_arena_copy(arena, version, &tally->failures[tally->failure_count].version));
		tally->failure_count++;
	}
	return bad ? BW_ERR_PROTOCOL : BW_OK;
}

static void putting_free(struct putting **p)
{
	if (*p != NULL)
		bw_arena_release(&(*p)->chunk_arena);
	free(*p);
}

static enum bw_err put_mapped(struct bw_store *store, uint16_t collection, struct bw_slice bytes,
			      struct bw_arena *arena, struct bw_put_tally *tally)
{
	BW_CLEANUP(putting_free) struct putting *p = calloc(1, sizeof(*p));
	struct bw_batch batch;

	BW_NEED(p != NULL, MEMORY);
	p->store = store;
	p->collection = collection;
	p->arena = arena;
	p->tally = tally;
	p->chunk_arena = BW_ARENA_INIT(64 * BW_MIB);
	BW_TRY(bw_batch_open(bytes, &batch)); // NOLINT(clang-analyzer-unix.Malloc): BW_CLEANUP frees it
	return put_all(p, &batch);
}

enum bw_err bw_office_put(struct bw_store *store, uint16_t collection, int batch_fd, uint64_t total,
			  struct bw_slice failures, struct bw_arena *arena, struct bw_put_tally *out)
{
	struct bw_put_tally tally = { .total = total };
	struct bw_mapped mapped;
	enum bw_err err;

	BW_NEED(batch_fd >= 0, PROTOCOL);
	tally.successes = bw_arena_zero(arena, BW_STATUS_LIST_MAX, sizeof(*tally.successes));
	tally.failures = bw_arena_zero(arena, BW_STATUS_LIST_MAX, sizeof(*tally.failures));
	BW_NEED(tally.successes != NULL && tally.failures != NULL, MEMORY);
	BW_TRY(list_failures(failures, arena, &tally));
	BW_TRY(bw_mapped_open(batch_fd, BW_BATCH_BYTES_MAX, &mapped));
	err = put_mapped(store, collection, mapped.bytes, arena, &tally);
	bw_mapped_release(&mapped);
	BW_TRY(err);
	/* the reader lists some failures only, but counts all objects */
	{
		const uint64_t put = tally.added + tally.duplicate + tally.conflict + tally.revoked + tally.erased;

		BW_NEED(put <= total && tally.invalid <= total - put, PROTOCOL);
		tally.invalid = total - put;
	}
	*out = tally;
	return BW_OK;
}
