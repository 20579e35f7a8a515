/* What a partner sent goes into its inbound collection, with where each object came from. */
#include <stdlib.h>

#include "desk/delivery.h"
#include "desk/limits.h"
#include "desk/office.h"
#include "intel/batch.h"
#include "sys/memfile.h"

enum { CHUNK = 256 }; /* records handed to the store at once */

/* The rows beside a batch of the largest size: each is less than 2 KiB. */
#define DELIVERY_BYTES_MAX (BW_BATCH_BYTES_MAX + BW_DELIVERY_ROWS_MAX * (size_t)2048)

struct taking {
	struct bw_store *store;
	struct bw_partner_tally *tally;
	struct bw_slice node; /* of all of them */
	struct bw_delivery delivery;
	struct bw_batch batch;
	struct bw_arena arena;
	size_t count;
	struct bw_record records[CHUNK];
	struct bw_provenance from[CHUNK];
	struct bw_put outcomes[CHUNK];
};

static void taking_free(struct taking **t)
{
	if (*t != NULL)
		bw_arena_release(&(*t)->arena);
	free(*t);
}

static void count_outcome(struct bw_partner_tally *tally, enum bw_put_outcome outcome)
{
	switch (outcome) {
	case BW_PUT_ADDED:
		tally->added++;
		break;
	case BW_PUT_DUPLICATE:
		tally->duplicate++;
		break;
	case BW_PUT_CONFLICT:
		tally->conflict++;
		break;
	case BW_PUT_REVOKED:
		tally->revoked++;
		break;
	default:
		tally->erased++;
		break;
	}
}

static enum bw_err put_chunk(struct taking *t)
{
	BW_TRY(bw_store_put_foreign(t->store, t->tally->collection.number, t->records, t->from, t->count, t->outcomes));
	for (size_t i = 0; i < t->count; i++)
		count_outcome(t->tally, t->outcomes[i].outcome);
	t->count = 0;
	bw_arena_reset(&t->arena);
	return BW_OK;
}

static enum bw_err take_one(struct taking *t)
{
	struct bw_provenance *from = &t->from[t->count];
	bool taken;

	BW_TRY(bw_batch_next(&t->batch, &t->arena, &t->records[t->count]));
	BW_TRY(bw_delivery_next(&t->delivery, &taken, from));
	memcpy(from->node, t->node.ptr, sizeof(from->node));
	if (taken)
		t->count++;
	else
		t->tally->skipped++;
	return t->count == CHUNK ? put_chunk(t) : BW_OK;
}

static enum bw_err take_all(struct taking *t)
{
	struct bw_record one_more;

	for (size_t i = 0; i < t->delivery.count; i++) {
		const enum bw_err err = take_one(t);

		BW_NEED(err != BW_ERR_NOT_FOUND, PROTOCOL); /* fewer records than rows */
		BW_TRY(err);
	}
	BW_NEED(bw_batch_next(&t->batch, &t->arena, &one_more) == BW_ERR_NOT_FOUND, PROTOCOL);
	return t->count == 0 ? BW_OK : put_chunk(t);
}

static enum bw_err take_mapped(struct bw_store *store, struct bw_slice node, struct bw_slice bytes,
			       struct bw_partner_tally *tally)
{
	BW_CLEANUP(taking_free) struct taking *t = calloc(1, sizeof(*t));

	BW_NEED(t != NULL, MEMORY);
	t->store = store;
	t->tally = tally;
	t->arena = BW_ARENA_INIT(64 * BW_MIB);
	t->node = node;
	BW_TRY(bw_delivery_open(bytes, &t->delivery)); // NOLINT(clang-analyzer-unix.Malloc): BW_CLEANUP frees it
	BW_TRY(bw_batch_open(t->delivery.batch, &t->batch));
	return take_all(t);
}

enum bw_err bw_office_partner(struct bw_store *store, struct bw_slice node, struct bw_slice label, int delivery_fd,
			      struct bw_partner_tally *out)
{
	struct bw_partner_tally tally = { .added = 0 };
	struct bw_mapped mapped;
	enum bw_err err;

	BW_NEED(node.len == BW_SHA256_BYTES && delivery_fd >= 0, PROTOCOL);
	BW_TRY(bw_store_inbound(store, node.ptr, label, &tally.collection));
	BW_TRY(bw_mapped_open(delivery_fd, DELIVERY_BYTES_MAX, &mapped));
	err = take_mapped(store, node, mapped.bytes, &tally);
	bw_mapped_release(&mapped);
	BW_TRY(err);
	*out = tally;
	return BW_OK;
}
