#include "accord/duty.h"

#include <inttypes.h>

#include "accord/book.h"
#include "desk/desk.h"
#include "store/provenance.h"

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)

static void close_desk(struct bw_desk **desk)
{
	bw_desk_close(*desk);
}

static enum bw_err check_store(const struct bw_book *book, const struct bw_book_entry *entry, struct bw_why *why)
{
	BW_CLEANUP(close_desk) struct bw_desk *desk = NULL;
	uint64_t total = 0;

	BW_TRY(bw_desk_open(book->data, &desk, why));
	for (const struct bw_book_version *at = entry->now; at != NULL; at = at->before) {
		uint64_t count;

		BW_TRY(bw_store_accord_left(bw_desk_store(desk), at->accord.party[1 - entry->we].node, at->hash,
					    book->now_us, &count));
		total += count;
	}
	if (total == 0)
		return BW_OK;
	return bw_why_set(why, BW_ERR_CONFLICT,
			  "%" PRIu64 " versions of objects that came under '%.*s' are to be destroyed and are not yet: "
			  "'breakwater accord run' does it",
			  total, BW_ARG(entry->id));
}

static enum bw_err check_entry(const struct bw_book *book, const struct bw_book_entry *entry,
			       const uint8_t node[BW_SHA256_BYTES], struct bw_why *why)
{
	if (entry->now == NULL || !entry->now->accord.destroy_at_end ||
	    memcmp(entry->now->accord.party[1 - entry->we].node, node, BW_SHA256_BYTES) != 0)
		return BW_OK;
	if (!bw_book_is_over(entry))
		return bw_why_set(why, BW_ERR_CONFLICT,
				  "what was received under '%.*s' is destroyed when it ends: end it first, with "
				  "'breakwater accord end %.*s'",
				  BW_ARG(entry->id), BW_ARG(entry->id));
	return check_store(book, entry, why);
}

static enum bw_err check(struct bw_book *book, const struct bw_peer *peer, struct bw_why *why)
{
	uint8_t node[BW_SHA256_BYTES];
	struct bw_book_entry *entries;
	size_t count;

	BW_TRY(bw_node_fingerprint(&peer->card.node, node));
	BW_TRY(bw_book_list(book, &entries, &count, why));
	for (size_t i = 0; i < count; i++)
		BW_TRY(check_entry(book, &entries[i], node, why));
	return BW_OK;
}

enum bw_err bw_duty_check(const char *data, const struct bw_peer *peer, struct bw_why *why)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ARENA_BYTES);
	struct bw_book book;

	BW_TRY(bw_book_open(data, &arena, &book, why));
	return check(&book, peer, why);
}
