/* `breakwater guard foreign`: what others told this guard, what came of it, and an end of what one of them told. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "codec/json_text.h"
#include "guard/ask.h"
#include "guard/foreign_book.h"
#include "guard/incident.h"
#include "guard/plain.h"
#include "guard/record.h"
#include "sys/clock.h"

enum { PAGE_BYTES = 64 * 1024 * 1024, FREED_MAX = 256 };

static const char *const state_names[] = { "waits", "met", "own" };
_Static_assert(BW_COUNT(state_names) == BW_FOREIGN_STATES, "one a state");

/* ---- list ------------------------------------------------------------------------------- */

static size_t count_state(const struct bw_foreign_book *book, size_t peer, enum bw_foreign_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < book->count; i++)
		n += book->entries[i].peer == peer && book->entries[i].state == state;
	return n;
}

static enum bw_err json_peer(const struct bw_foreign_book *book, size_t number, struct bw_buf *out)
{
	const struct bw_foreign_peer *peer = &book->peers[number];

	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "peer", bw_slice_text(peer->name)));
	BW_TRY(bw_json_add_num(out, "values", (int64_t)peer->count));
	BW_TRY(bw_json_add_num(out, "met", (int64_t)count_state(book, number, BW_FOREIGN_MET)));
	BW_TRY(bw_json_add_num(out, "own", (int64_t)count_state(book, number, BW_FOREIGN_OWN)));
	BW_TRY(bw_json_add_num(out, "refused", (int64_t)(peer->refused & INT64_MAX)));
	BW_TRY(bw_json_add_bool(out, "undone", peer->undone_us != 0));
	if (peer->undone_us != 0)
		BW_TRY(bw_plain_json_time(out, "undone_at", peer->undone_us));
	return bw_buf_add_u8(out, '}');
}

static enum bw_err json_entry(const struct bw_foreign_book *book, const struct bw_foreign_entry *entry,
			      struct bw_buf *out)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "peer", bw_slice_text(book->peers[entry->peer].name)));
	BW_TRY(bw_json_add_text(out, "indicator", bw_slice_text(entry->id)));
	BW_TRY(bw_json_add_text(out, "what", bw_slice_text(bw_trait_word((enum bw_trait)entry->trait))));
	BW_TRY(bw_json_add_text(out, "value", bw_slice_of(entry->value, entry->value_len)));
	BW_TRY(bw_json_add_num(out, "confidence", entry->confidence));
	BW_TRY(bw_json_add_text(out, "state", bw_slice_text(state_names[entry->state])));
	BW_TRY(bw_plain_json_time(out, "came", entry->came_us));
	BW_TRY(bw_plain_json_time(out, "until", entry->until_us));
	return bw_buf_add_u8(out, '}');
}

static enum bw_err json_book(const struct bw_foreign_book *book, struct bw_buf *out)
{
	bool first = true;

	BW_TRY(bw_buf_add_text(out, "{\"peers\":["));
	for (size_t i = 0; i < BW_FOREIGN_PEERS_MAX; i++) {
		if (book->peers[i].name[0] == '\0')
			continue;
		if (!first)
			BW_TRY(bw_buf_add_u8(out, ','));
		first = false;
		BW_TRY(json_peer(book, i, out));
	}
	BW_TRY(bw_buf_add_text(out, "],\"values\":["));
	for (size_t i = 0; i < book->count; i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(json_entry(book, &book->entries[i], out));
	}
	return bw_buf_add_text(out, "]}");
}

static enum bw_err say_peer(const struct bw_foreign_book *book, size_t number, struct bw_buf *out)
{
	const struct bw_foreign_peer *peer = &book->peers[number];
	char when[BW_PLAIN_BYTES];

	BW_TRY(bw_text_escape(out, bw_slice_text(peer->name)));
	BW_TRY(bw_buf_addf(out,
			   ": %zu values, %zu met here, %zu put aside because files here are called so, %llu refused",
			   peer->count, count_state(book, number, BW_FOREIGN_MET),
			   count_state(book, number, BW_FOREIGN_OWN), (unsigned long long)peer->refused));
	if (peer->undone_us != 0)
		BW_TRY(bw_buf_addf(out, "; undone %s, nothing of theirs is taken",
				   bw_plain_time(peer->undone_us, when)));
	return bw_buf_add_u8(out, '\n');
}

static enum bw_err say_entry(const struct bw_foreign_entry *entry, struct bw_buf *out)
{
	char when[BW_PLAIN_BYTES];

	BW_TRY(bw_buf_addf(out, "  %-8s ", bw_trait_word((enum bw_trait)entry->trait)));
	BW_TRY(bw_text_escape(out, bw_slice_of(entry->value, entry->value_len)));
	return bw_buf_addf(out, "  until %s%s  %s\n", bw_plain_time(entry->until_us, when),
			   entry->state == BW_FOREIGN_MET   ? ", met here"
			   : entry->state == BW_FOREIGN_OWN ? ", put aside"
							    : "",
			   entry->id);
}

static enum bw_err say_book(const struct bw_foreign_book *book, struct bw_buf *out)
{
	bool none = true;

	for (size_t n = 0; n < BW_FOREIGN_PEERS_MAX; n++) {
		if (book->peers[n].name[0] == '\0')
			continue;
		none = false;
		BW_TRY(say_peer(book, n, out));
		for (size_t i = 0; i < book->count; i++) {
			if (book->entries[i].peer == n)
				BW_TRY(say_entry(&book->entries[i], out));
		}
	}
	return none ? bw_buf_add_text(out, "Nobody said anything yet.\n") : BW_OK;
}

static int list(struct bw_call *call, const struct bw_foreign_book *book)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf page = BW_BUF_INIT(PAGE_BYTES);

	if (bw_call_json(call))
		return bw_plain_json(call, json_book(book, &page), &page);
	if (say_book(book, &page) != BW_OK)
		return bw_complain(call, BW_EXIT_FAILED, "--format json", "there is too much to show");
	(void)fwrite(page.ptr, 1, page.len, stdout);
	return BW_EXIT_OK;
}

/* ---- undo, accept -------------------------------------------------------------------------- */

/* Open incidents whose verdict took somebody's word. */
struct freeing {
	struct bw_slice peer;
	const struct bw_incidents *incidents;
	struct bw_record *record;
	uint64_t list[FREED_MAX];
	size_t count;
};

static bool is_named(const struct bw_record *record, struct bw_slice peer)
{
	for (size_t i = 0; i < record->count; i++) {
		const struct bw_proof *proof = &record->proofs[i].proof;
		struct bw_foreign_hit hit;

		if (proof->kind == BW_PROOF_WARNED &&
		    bw_foreign_hit_parse(bw_slice_of(proof->name, proof->name_len), &hit) &&
		    bw_slice_equals(hit.peer, peer))
			return true;
	}
	return false;
}

/* A graver verdict came of what was seen here alone: it stands. */
static void strike(struct freeing *freeing, uint64_t incident)
{
	size_t kept = 0;

	for (size_t i = 0; i < freeing->count; i++) {
		if (freeing->list[i] != incident)
			freeing->list[kept++] = freeing->list[i];
	}
	freeing->count = kept;
}

static enum bw_err see(void *context, const struct bw_ledger_record *row)
{
	struct freeing *freeing = context;
	const struct bw_incident *incident = bw_incidents_find(freeing->incidents, row->incident);

	if (row->kind != BW_LEDGER_EVIDENCE || incident == NULL || incident->state != BW_INCIDENT_OPEN ||
	    bw_record_parse(row->body, freeing->record) != BW_OK || freeing->record->kind != BW_RECORD_VERDICT)
		return BW_OK;
	strike(freeing, row->incident);
	if (freeing->record->verdict.rule == BW_RULE_WARNED && is_named(freeing->record, freeing->peer) &&
	    freeing->count < FREED_MAX)
		freeing->list[freeing->count++] = row->incident;
	return BW_OK;
}

static enum bw_err find_held(const char *data, struct freeing *freeing, struct bw_why *why)
{
	BW_CLEANUP(bw_incidents_release) struct bw_incidents incidents = { 0 };
	struct bw_ledger_seen seen;
	enum bw_err err;

	BW_TRY(bw_incidents_load(data, &incidents, why));
	freeing->record = calloc(1, sizeof(*freeing->record));
	BW_NEED(freeing->record != NULL, MEMORY);
	freeing->incidents = &incidents;
	err = bw_ledger_read(data, see, freeing, &seen, why);
	freeing->incidents = NULL;
	free(freeing->record);
	return err == BW_ERR_NOT_FOUND ? BW_OK : err;
}

/* Whoever is held for that word alone is let go. */
static int free_held(struct bw_call *call, struct bw_channel *channel, struct bw_slice peer)
{
	struct freeing freeing = { .peer = peer };
	struct bw_why why = { 0 };
	int status = BW_EXIT_OK;

	if (find_held(bw_call_data(call), &freeing, &why) != BW_OK)
		return bw_complain(call, BW_EXIT_FAILED, "breakwater guard incidents lists who is held", "%s",
				   why.text);
	for (size_t i = 0; i < freeing.count; i++) {
		if (bw_ask_approve(channel, BW_ASK_APPROVE, freeing.list[i], NULL, 0, &why) == BW_OK)
			(void)printf("incident %llu took their word: who was held for it goes on\n",
				     (unsigned long long)freeing.list[i]);
		else
			status = bw_complain(call, BW_EXIT_FAILED, NULL, "incident %llu: %s",
					     (unsigned long long)freeing.list[i], why.text);
	}
	return status;
}

/* No guard runs: the book alone. Who is held is let go by approve. */
static enum bw_err change_book(const struct bw_call *call, struct bw_foreign_book *book, struct bw_slice peer,
			       bool undo, struct bw_why *why)
{
	const enum bw_err err = undo ? bw_foreign_book_undo(book, peer, bw_clock_now_us())
				     : bw_foreign_book_accept(book, peer);

	if (err != BW_OK)
		return bw_why_set(why, err, "nothing ever came from a peer '%.*s'", BW_ARG(peer));
	return bw_foreign_book_save(bw_call_data(call), book, why);
}

static int change(struct bw_call *call, struct bw_foreign_book *book, bool undo)
{
	const char *name = bw_call_text(call, "peer");
	struct bw_channel *channel = NULL;
	struct bw_why why = { 0 };
	enum bw_err err;
	int status = BW_EXIT_OK;

	if (name == NULL)
		return bw_complain(call, BW_EXIT_USAGE, "breakwater guard foreign list names them",
				   "whose? say --peer NAME");
	err = bw_ask_open(bw_call_data(call), &channel);
	if (err == BW_ERR_NOT_FOUND)
		err = change_book(call, book, bw_slice_text(name), undo, &why);
	else if (err == BW_OK)
		err = bw_ask_foreign(channel, undo ? BW_ASK_FOREIGN_UNDO : BW_ASK_FOREIGN_ACCEPT, bw_slice_text(name),
				     &why);
	if (err != BW_OK) {
		bw_channel_free(channel);
		return bw_complain(call, BW_EXIT_FAILED, "breakwater guard foreign list names them", "%s",
				   why.text[0] != '\0' ? why.text : bw_err_text(err));
	}
	(void)printf(undo ? "all that '%s' said is undone, and nothing more of theirs is taken\n"
			  : "what '%s' says is taken again\n",
		     name);
	if (undo && channel != NULL)
		status = free_held(call, channel, bw_slice_text(name));
	bw_channel_free(channel);
	return status;
}

static int foreign_run(struct bw_call *call)
{
	BW_CLEANUP(bw_foreign_book_release) struct bw_foreign_book book = { 0 };
	const char *verb = bw_call_args(call) > 0 ? bw_call_arg(call, 0) : "list";
	struct bw_why why = { 0 };

	if (!bw_plain_is_root(call, "only root may read what others said to the guard"))
		return BW_EXIT_FAILED;
	if (bw_foreign_book_load(bw_call_data(call), &book, &why) != BW_OK)
		return bw_complain(call, BW_EXIT_FAILED, NULL, "%s", why.text);
	if (strcmp(verb, "list") == 0)
		return list(call, &book);
	if (strcmp(verb, "undo") == 0 || strcmp(verb, "accept") == 0)
		return change(call, &book, strcmp(verb, "undo") == 0);
	return bw_complain(call, BW_EXIT_USAGE, "list, undo or accept", "there is no 'guard foreign %s'", verb);
}

static const struct bw_option foreign_options[] = {
	{ .name = "peer",
	  .kind = BW_OPT_TEXT,
	  .value_name = "NAME",
	  .help = "undo, accept: whose, as list names them" },
	{ 0 },
};

const struct bw_command bw_guard_foreign_command = {
	.name = "foreign",
	.summary = "what others warned this guard of, and the end of it",
	.usage = "[list|undo|accept] [--peer NAME]",
	.details = "A guard that listens to an exchange (guard run --exchange) holds sooner whoever shows what others "
		   "warned "
		   "of; by their word alone nothing is ever ended. 'undo' takes back all that one of them said, lets "
		   "go on "
		   "whoever is held for it, and takes nothing more of theirs until 'accept'.",
	.options = foreign_options,
	.max_args = 1,
	.run = foreign_run,
};
