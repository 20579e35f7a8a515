/* `breakwater accord explain`: would this object cross to that peer, by which clause, and from which inputs? */
#include <stdio.h>

#include "accord/explain_heard.h"
#include "accord/log_open.h"
#include "accord/looking.h"
#include "accord/verbs.h"
#include "codec/json_text.h"
#include "sys/clock.h"

enum { BATCH_BYTES = 256 * 1024 * 1024 };

struct explaining {
	struct bw_looking *l;
	const struct bw_book_entry *entry;
	struct bw_outlook outlook;
	struct bw_outlook_batch batch;
	struct bw_arena arena;
	bool is_json;
	bool *is_first;        /* of a JSON list */
	struct bw_buf decided; /* what the log says was decided: lines, or elements of a JSON list */
};

/* ---- words ----------------------------------------------------------------------------------- */

static void print_words(const char *before, struct bw_slice words)
{
	(void)fputs(before, stdout);
	bw_print_foreign(words);
	(void)putchar('\n');
}

static void print_lines(const char *before, struct bw_slice text)
{
	struct bw_slice line;

	while (bw_slice_cut(text, '\n', &line, &text))
		print_words(before, line);
}

static enum bw_err print_origin(const struct bw_source_row *row)
{
	char name[BW_NODE_NAME_CHARS + 1];

	print_words("  in collection: ", row->collection);
	if (row->is_foreign && !row->has_provenance)
		(void)printf("  lies in a partner's collection without a word of where it came from: TLP:RED\n");
	if (!row->has_provenance)
		return BW_OK;
	bw_node_name(row->from.node, name);
	(void)printf("  came from %s, entry %llu of its log\n", name, (unsigned long long)row->from.entry);
	for (size_t i = 0; i < row->from.path_count; i++) {
		bw_node_name(row->from.path[i], name);
		(void)printf("  through %s\n", name);
	}
	return BW_OK;
}

static enum bw_err print_text(struct explaining *e)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf said = BW_BUF_INIT(BW_MIB);
	const struct bw_weighed *w = &e->batch.weighed[0];
	const struct bw_told *told = &e->batch.told[0];
	const struct bw_policy_inputs *inputs = bw_policy_class_inputs(e->outlook.classes, w->facts.policy_class);

	print_words("under accord ", e->entry->id);
	BW_TRY(bw_decision_say(e->outlook.gate, &w->facts, &w->decision, &said));
	print_words("  ", bw_buf_slice(&said));
	BW_TRY(print_origin(&e->batch.rows.rows[0]));
	bw_buf_clear(&said);
	if (told->problem != BW_OK)
		(void)printf("  nothing could be told of it: %s\n", bw_err_text(told->problem));
	else if (inputs != NULL)
		BW_TRY(bw_inputs_say(inputs, &said));
	print_lines("  ", bw_buf_slice(&said));
	for (size_t i = 0; i < told->found.count; i++)
		print_words("  found: ", told->found.of[i]);
	for (size_t i = 0; i < told->strange.count; i++)
		print_words("  nobody here knows: ", told->strange.of[i]);
	for (size_t i = 0; i < w->drop_count; i++)
		print_words("  goes without the reference to: ", w->drop[i]);
	for (size_t i = 0; i < w->swap_count; i++)
		print_words("  refers anew to what goes in place of: ", w->swap[i].from);
	print_lines("  ", bw_buf_slice(&e->decided));
	return BW_OK;
}

/* ---- what was decided before ------------------------------------------------------------------------ */

static enum bw_err add_found_json(struct bw_buf *out, const struct bw_outbound_found *found, const char *time)
{
	BW_TRY(bw_buf_add_text(out, out->len == 0 ? "{" : ",{"));
	BW_TRY(bw_json_add_text(out, "time", bw_slice_text(time)));
	BW_TRY(bw_json_add_text(out, "verdict",
				bw_slice_text(bw_verdict_name((enum bw_verdict)found->decision.verdict))));
	BW_TRY(bw_json_add_text(out, "clause", bw_slice_text(bw_clause_name((enum bw_clause)found->decision.clause))));
	if (found->is_logged)
		BW_TRY(bw_json_add_num(out, "entry", (int64_t)found->index));
	if (found->became.len > 0)
		BW_TRY(bw_json_add_text(out, "became", found->became));
	return bw_buf_add_u8(out, '}');
}

static enum bw_err add_found(void *ctx, const struct bw_outbound_found *found)
{
	struct explaining *e = ctx;
	char time[BW_TIME_BYTES];

	bw_time_format(found->time_us, time);
	if (e->is_json)
		return add_found_json(&e->decided, found, time);
	BW_TRY(bw_buf_addf(&e->decided, "decided %s: %s (%s)", time,
			   bw_verdict_name((enum bw_verdict)found->decision.verdict),
			   bw_clause_name((enum bw_clause)found->decision.clause)));
	if (found->is_logged)
		BW_TRY(bw_buf_addf(&e->decided, ", entry %llu of the log", (unsigned long long)found->index));
	if (found->became.len > 0)
		BW_TRY(bw_buf_addf(&e->decided, ", as %.*s", BW_ARG(found->became)));
	return bw_buf_add_u8(&e->decided, '\n');
}

/* No log yet, or none that can be read: then there is nothing to tell of it; what holds now is told all the same. */
static void look_back(struct explaining *e, struct bw_slice id)
{
	struct bw_log_open log;
	struct bw_why why = { 0 };

	if (bw_log_open(&e->l->book, e->entry, &e->arena, &log, &why) == BW_OK &&
	    bw_outbound_find(log.out, id, bw_slice_empty, add_found, e, &why) != BW_OK)
		bw_buf_clear(&e->decided);
	bw_log_close(&log);
}

/* ---- JSON --------------------------------------------------------------------------------------- */

static enum bw_err write_list(struct bw_buf *out, const char *name, const struct bw_slice *words, size_t count)
{
	BW_TRY(bw_json_add_name(out, name));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(bw_json_add_string(out, words[i]));
	}
	return bw_buf_add_u8(out, ']');
}

static enum bw_err write_swaps(struct bw_buf *out, const struct bw_weighed *w)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(4 * BW_MIB);
	struct bw_slice *from = bw_arena_zero(&arena, w->swap_count + 1, sizeof(*from));

	BW_NEED(from != NULL, MEMORY);
	for (size_t i = 0; i < w->swap_count; i++)
		from[i] = w->swap[i].from;
	return write_list(out, "references_anew", from, w->swap_count);
}

static enum bw_err write_json(struct explaining *e, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf said = BW_BUF_INIT(BW_MIB);
	const struct bw_weighed *w = &e->batch.weighed[0];
	const struct bw_told *told = &e->batch.told[0];
	const struct bw_policy_inputs *inputs = bw_policy_class_inputs(e->outlook.classes, w->facts.policy_class);

	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "accord", e->entry->id));
	BW_TRY(bw_json_add_text(out, "verdict", bw_slice_text(bw_verdict_name((enum bw_verdict)w->decision.verdict))));
	BW_TRY(bw_json_add_text(out, "clause", bw_slice_text(bw_clause_name((enum bw_clause)w->decision.clause))));
	BW_TRY(bw_decision_say(e->outlook.gate, &w->facts, &w->decision, &said));
	BW_TRY(bw_json_add_text(out, "words", bw_buf_slice(&said)));
	BW_TRY(bw_json_add_text(out, "collection", e->batch.rows.rows[0].collection));
	bw_buf_clear(&said);
	if (told->problem == BW_OK && inputs != NULL)
		BW_TRY(bw_inputs_say(inputs, &said));
	BW_TRY(bw_json_add_text(out, "inputs", bw_buf_slice(&said)));
	BW_TRY(write_list(out, "found", told->found.of, told->found.count));
	BW_TRY(write_list(out, "unknown_markings", told->strange.of, told->strange.count));
	BW_TRY(write_list(out, "without_references", w->drop, w->drop_count));
	BW_TRY(write_swaps(out, w));
	BW_TRY(bw_json_add_name(out, "decided"));
	BW_TRY(bw_buf_addf(out, "[%s]", bw_buf_text(&e->decided)));
	return bw_buf_add_u8(out, '}');
}

static enum bw_err print_json(struct explaining *e)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(4 * BW_MIB);

	BW_TRY(write_json(e, &out));
	(void)printf("%s%s", *e->is_first ? "" : ",\n", bw_buf_text(&out));
	*e->is_first = false;
	return BW_OK;
}

/* ---- one accord, all accords ------------------------------------------------------------------------ */

static enum bw_err explain_found(struct explaining *e, struct bw_slice id)
{
	enum bw_err err;

	look_back(e, id);
	err = bw_outlook_one(&e->outlook, id, &e->arena, &e->batch);
	if (err == BW_ERR_NOT_FOUND) {
		if (!e->is_json) {
			print_words("under accord ", e->entry->id);
			(void)printf(
				"  it lies in none of the collections that this accord is about: nothing is told\n");
			print_lines("  ", bw_buf_slice(&e->decided));
		}
		return BW_OK;
	}
	if (err == BW_OK)
		err = e->is_json ? print_json(e) : print_text(e);
	return err;
}

static enum bw_err explain_under(struct bw_looking *l, const struct bw_book_entry *entry, bool *is_first)
{
	struct explaining e = { .l = l,
				.entry = entry,
				.arena = BW_ARENA_INIT(BATCH_BYTES),
				.is_json = bw_call_json(l->call),
				.is_first = is_first,
				.decided = BW_BUF_INIT(BW_MIB) };
	enum bw_err err = bw_outlook_init(&e.outlook, &entry->now->accord, entry->we, l->book.now_us, l->child,
					  l->sources);

	if (err == BW_OK) {
		bw_gate_stop(e.outlook.gate, entry->state != BW_ACCORD_IN_FORCE);
		err = explain_found(&e, bw_slice_text(bw_call_arg(l->call, 0)));
	}
	bw_outlook_done(&e.batch);
	bw_outlook_release(&e.outlook);
	bw_buf_release(&e.decided);
	bw_arena_release(&e.arena);
	return err;
}

static bool is_with(const struct bw_book_entry *entry, const struct bw_peer *peer)
{
	char name[BW_NODE_NAME_CHARS + 1];

	if (entry->now == NULL)
		return false;
	bw_node_name(entry->now->accord.party[1 - entry->we].node, name);
	return strcmp(name, peer->name) == 0;
}

static enum bw_err explain_all(struct bw_looking *l, const struct bw_peer *peer)
{
	struct bw_book_entry *entries;
	size_t count;
	size_t told = 0;
	bool is_first = true;

	BW_TRY(bw_book_list(&l->book, &entries, &count, &l->why));
	if (bw_call_json(l->call))
		(void)putchar('[');
	for (size_t i = 0; i < count; i++) {
		if (!is_with(&entries[i], peer))
			continue;
		BW_TRY(explain_under(l, &entries[i], &is_first));
		told++;
	}
	if (bw_call_json(l->call))
		(void)printf("]\n");
	else if (told == 0)
		(void)printf("no accord with that peer has both signatures: nothing is told\n");
	return BW_OK;
}

static enum bw_err explain(struct bw_looking *l)
{
	const char *to = bw_call_text(l->call, "to");
	const char *from = bw_call_text(l->call, "from");
	struct bw_peer peer;

	if ((to == NULL) == (from == NULL))
		return bw_why_set(&l->why, BW_ERR_USAGE,
				  "--to PEER says to whom, or --from PEER by whom it was told; those there are: "
				  "breakwater peer list");
	BW_TRY(bw_peer_find(bw_call_data(l->call), to != NULL ? to : from, &l->arena, &peer, &l->why));
	return to != NULL ? explain_all(l, &peer) : bw_explain_heard(l, &peer);
}

int bw_accord_explain_run(struct bw_call *call)
{
	return bw_looking_run(call, explain);
}

const struct bw_option bw_accord_explain_options[] = {
	{ .name = "to", .kind = BW_OPT_TEXT, .value_name = "PEER", .help = "to whom" },
	{ .name = "from",
	  .kind = BW_OPT_TEXT,
	  .value_name = "PEER",
	  .help = "what became here of an object that this peer told" },
	{ 0 },
};
