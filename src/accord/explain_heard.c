#include "accord/explain_heard.h"

#include <stdio.h>

#include "accord/refusals.h"
#include "codec/json_text.h"
#include "desk/folder.h"

enum { SAID_BYTES = 4 * 1024 * 1024 };

struct hearing {
	struct bw_looking *l;
	struct bw_slice id;
	const struct bw_book_entry *entry; /* whose refusals are read */
	bool is_json;
	struct bw_buf said;
	size_t count;
};

static enum bw_err next(struct hearing *h)
{
	if (h->count++ > 0 && h->is_json)
		return bw_buf_add_u8(&h->said, ',');
	return BW_OK;
}

/* ---- what was taken -------------------------------------------------------------------------- */

/* The accord under which it came: its versions have hashes of their own. */
static const struct bw_book_entry *entry_of(const struct bw_book_entry *entries, size_t count,
					    const uint8_t accord[BW_SHA256_BYTES])
{
	for (size_t i = 0; i < count; i++)
		for (const struct bw_book_version *at = entries[i].now; at != NULL; at = at->before)
			if (memcmp(at->hash, accord, BW_SHA256_BYTES) == 0)
				return &entries[i];
	return NULL;
}

static enum bw_err say_taken(struct hearing *h, const struct bw_source_row *row, const struct bw_book_entry *entry)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf terms = BW_BUF_INIT(BW_MIB);
	const struct bw_slice accord = entry != NULL ? entry->id : bw_slice_empty;
	struct bw_policy_inputs inputs;

	bw_policy_inputs_init(&inputs);
	inputs.of[BW_SOURCE_OWN] = row->from.inherited;
	BW_TRY(bw_inputs_say(&inputs, &terms));
	BW_TRY(next(h));
	if (!h->is_json)
		return bw_buf_addf(&h->said,
				   "taken under accord %.*s as entry %llu of its log; may be used here as: %s",
				   BW_ARG(accord), (unsigned long long)row->from.entry,
				   bw_buf_text(&terms) + strcspn(bw_buf_text(&terms), ":") + 2);
	BW_TRY(bw_buf_add_u8(&h->said, '{'));
	BW_TRY(bw_json_add_text(&h->said, "verdict", BW_LIT("taken")));
	BW_TRY(bw_json_add_text(&h->said, "accord", accord));
	BW_TRY(bw_json_add_num(&h->said, "entry", (int64_t)row->from.entry));
	BW_TRY(bw_json_add_text(&h->said, "words", bw_buf_slice(&terms)));
	return bw_buf_add_u8(&h->said, '}');
}

static enum bw_err look_in_store(struct hearing *h, const struct bw_book_entry *entries, size_t count,
				 const uint8_t node[BW_SHA256_BYTES])
{
	struct bw_source_row row;
	const enum bw_err err = bw_source_from(h->l->sources, node, h->id, &h->l->arena, &row);

	if (err == BW_ERR_NOT_FOUND || (err == BW_OK && !row.has_provenance))
		return BW_OK;
	BW_TRY(err);
	return say_taken(h, &row, entry_of(entries, count, row.from.accord));
}

/* ---- what was refused ---------------------------------------------------------------------------- */

static enum bw_err say_refused(void *ctx, const struct bw_refusal *refusal)
{
	struct hearing *h = ctx;

	BW_TRY(next(h));
	if (!h->is_json)
		return bw_buf_addf(
			&h->said, "%.*s: entry %.*s of its log under accord %.*s %s%.*s\n", BW_ARG(refusal->time),
			BW_ARG(refusal->entry), BW_ARG(h->entry->id),
			bw_slice_starts(refusal->words, BW_LIT("refused")) ? "" : "refused: ", BW_ARG(refusal->words));
	BW_TRY(bw_buf_add_u8(&h->said, '{'));
	BW_TRY(bw_json_add_text(&h->said, "verdict", BW_LIT("refused")));
	BW_TRY(bw_json_add_text(&h->said, "accord", h->entry->id));
	BW_TRY(bw_json_add_text(&h->said, "time", refusal->time));
	BW_TRY(bw_json_add_text(&h->said, "entry", refusal->entry));
	BW_TRY(bw_json_add_text(&h->said, "words", refusal->words));
	return bw_buf_add_u8(&h->said, '}');
}

static enum bw_err look_for_refusals(struct hearing *h)
{
	char name[BW_ACCORD_ID_MAX + 16];
	struct bw_place folder;

	(void)snprintf(name, sizeof(name), "accord/in/%.*s", BW_ARG(h->entry->id));
	BW_TRY(bw_folder_place(bw_call_data(h->l->call), name, &folder));
	return bw_refusals_find(folder.path, h->id, say_refused, h, &h->l->why);
}

/* ---- all ------------------------------------------------------------------------------------------- */

static enum bw_err look(struct hearing *h, const uint8_t node[BW_SHA256_BYTES])
{
	struct bw_book_entry *entries;
	size_t count;

	BW_TRY(bw_book_list(&h->l->book, &entries, &count, &h->l->why));
	BW_TRY(look_in_store(h, entries, count, node));
	for (size_t i = 0; i < count; i++) {
		h->entry = &entries[i];
		if (entries[i].now != NULL &&
		    memcmp(entries[i].now->accord.party[1 - entries[i].we].node, node, BW_SHA256_BYTES) == 0)
			BW_TRY(look_for_refusals(h));
	}
	return BW_OK;
}

enum bw_err bw_explain_heard(struct bw_looking *l, const struct bw_peer *peer)
{
	struct hearing h = { .l = l,
			     .id = bw_slice_text(bw_call_arg(l->call, 0)),
			     .is_json = bw_call_json(l->call),
			     .said = BW_BUF_INIT(SAID_BYTES) };
	uint8_t node[BW_SHA256_BYTES];
	enum bw_err err = bw_node_fingerprint(&peer->card.node, node);

	if (err == BW_OK)
		err = look(&h, node);
	if (err == BW_OK && h.is_json)
		(void)printf("[%s]\n", h.said.len > 0 ? bw_buf_text(&h.said) : "");
	else if (err == BW_OK)
		(void)fputs(h.count > 0 ? bw_buf_text(&h.said) : "nothing of it is known here: it was not told us\n",
			    stdout);
	bw_buf_release(&h.said);
	return err;
}
