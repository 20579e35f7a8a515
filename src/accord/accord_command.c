/* `breakwater accord …`: what this node agrees with others (docs/accord.md, "Agreeing"). */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "accord/accord_show.h"
#include "accord/book.h"
#include "accord/envelope.h"
#include "accord/papers.h"
#include "accord/run_command.h"
#include "accord/log_command.h"
#include "accord/verbs.h"
#include "base/command.h"
#include "base/text.h"
#include "codec/json_text.h"
#include "desk/desk_command.h"
#include "desk/folder.h"
#include "desk/node.h"
#include "sys/clock.h"

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)
#define DAY_US INT64_C(86400000000)

enum { ANSWER_BYTES = 64, DOCUMENTS_BYTES = 8 * 1024 * 1024 };

/* One call: the book, and the accord its first operand names. */
struct task {
	const struct bw_call *call;
	struct bw_arena arena;
	struct bw_book book;
	struct bw_book_entry entry;
	struct bw_why why;
};

static enum bw_err open_book(struct task *t)
{
	return bw_book_open(bw_call_data(t->call), &t->arena, &t->book, &t->why);
}

static enum bw_err open_accord(struct task *t)
{
	BW_TRY(open_book(t));
	return bw_book_find(&t->book, bw_slice_text(bw_call_arg(t->call, 0)), &t->entry, &t->why);
}

static int run_task(struct bw_call *call, enum bw_err (*work)(struct task *t))
{
	struct task t = { .call = call, .arena = BW_ARENA_INIT(ARENA_BYTES) };
	const enum bw_err err = work(&t);
	int status = BW_EXIT_OK;

	if (err == BW_ERR_USAGE)
		status = bw_complain(call, BW_EXIT_USAGE, NULL, "%s", t.why.text);
	else if (err != BW_OK)
		status = bw_complain_why(call, err, &t.why);
	bw_arena_release(&t.arena);
	return status;
}

static enum bw_err note(struct task *t, const char *action, struct bw_slice id, const char *words)
{
	struct bw_desk *desk = NULL;
	enum bw_err err;

	BW_TRY(bw_desk_open(bw_call_data(t->call), &desk, &t->why));
	err = bw_desk_do(desk, BW_OFFICE_NOTE,
			 (const struct bw_slice[]){ bw_slice_text(action), id, bw_slice_text(words) }, 3, -1, NULL,
			 &t->why);
	bw_desk_close(desk);
	return err;
}

static void free_keys(struct bw_node_keys **keys)
{
	bw_node_keys_free(*keys);
}

static enum bw_err open_keys(struct task *t, struct bw_node_keys **out)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret passphrase = { 0 };
	struct bw_place place;

	BW_TRY(bw_folder_place(bw_call_data(t->call), BW_FOLDER_NODE_KEYS, &place));
	BW_TRY(bw_node_passphrase(t->call, "passphrase-file", "passphrase of this node's keys", &passphrase, &t->why));
	BW_TRY(bw_node_open(place.path, bw_secret_slice(&passphrase), out, &t->why));
	/* what is signed here is told by keys of their own, which the node's keys vouch for */
	return bw_papers_ensure(bw_call_data(t->call), *out, &t->why);
}

/* A person says yes, on a terminal or by --yes. */
static enum bw_err confirm(struct task *t, const char *question)
{
	char answer[ANSWER_BYTES];

	if (bw_call_flag(t->call, "yes"))
		return BW_OK;
	(void)printf("%s Type yes: ", question);
	(void)fflush(stdout);
	if (fgets(answer, sizeof(answer), stdin) != NULL && strcmp(answer, "yes\n") == 0)
		return BW_OK;
	return bw_why_set(&t->why, BW_ERR_CLOSED, "nothing was done");
}

static void print_text(struct bw_slice text)
{
	/* what stands in an accord was written by the other side too: no control character of it reaches a terminal */
	while (text.len > 0) {
		const uint8_t *end = memchr(text.ptr, '\n', text.len);
		const size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);

		bw_print_foreign(bw_slice_of(text.ptr, len));
		(void)putchar('\n');
		text = bw_slice_from(text, end == NULL ? len : len + 1);
	}
}

static enum bw_err print_accord(const struct bw_accord *accord)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_ACCORD_TEXT_MAX);

	BW_TRY(bw_accord_show(accord, &text));
	print_text(bw_buf_slice(&text));
	return BW_OK;
}

static enum bw_err print_changes(const struct bw_accord *old, const struct bw_accord *now)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(2 * BW_ACCORD_TEXT_MAX);

	BW_TRY(bw_accord_diff(old, now, &text, NULL));
	print_text(bw_buf_slice(&text));
	return BW_OK;
}

/* ---- propose ------------------------------------------------------------------ */

/* What a first version says where nothing was asked for: what protects, little kept, nothing passed on. */
static void start_flow(struct bw_flow *flow)
{
	*flow = (struct bw_flow){
		.kinds = BW_TIDING_BIT(INDICATOR) | BW_TIDING_BIT(SIGHTING) | BW_TIDING_BIT(SUPPORT),
		.highest = BW_TLP_AMBER,
		.redaction = BW_REDACTION_DERIVE,
		.onward = BW_ONWARD_NONE,
		.retention_days = 90,
		.per_minute = 60000,
		.per_day_bytes = UINT64_C(10) << 30,
	};
	for (unsigned type = BW_STIX_CUSTOM + 1; type < BW_STIX_TYPE_COUNT; type++)
		flow->types |= UINT64_C(1) << type;
}

static enum bw_err start_accord(struct task *t, struct bw_accord *out)
{
	const char *name = bw_call_text(t->call, "name");
	const char *with = bw_call_text(t->call, "with");
	struct bw_peer peer;

	if (name == NULL || with == NULL || bw_call_text(t->call, "basis") == NULL)
		return bw_why_set(
			&t->why, BW_ERR_USAGE,
			"a first version needs --with PEER, --name (what this side is called in it) and --basis "
			"(the legal basis)");
	BW_TRY(bw_peer_find(t->book.data, with, &t->arena, &peer, &t->why));
	*out = (struct bw_accord){ .id = bw_slice_text(bw_call_arg(t->call, 0)),
				   .sequence = 1,
				   .purposes = BW_PURPOSE_BIT(DEFENCE) | BW_PURPOSE_BIT(RESPONSE),
				   .from_us = t->book.now_us,
				   .witnessing = BW_WITNESS_BOTH,
				   .notice_days = 30 };
	out->party[0].name = bw_slice_text(name);
	memcpy(out->party[0].node, t->book.self_name, BW_SHA256_BYTES);
	out->party[1].name = peer.label.len > 0 ? peer.label : bw_slice_text(with);
	BW_TRY(bw_node_fingerprint(&peer.card.node, out->party[1].node));
	for (size_t i = 0; i < BW_ACCORD_NODES; i++)
		start_flow(&out->flow[i]);
	return BW_OK;
}

static enum bw_err wrong(struct task *t, const char *option, const char *value, const char *wanted)
{
	return bw_why_set(&t->why, BW_ERR_USAGE, "--%s '%s' is none of: %s", option, value, wanted);
}

static int by_bytes(const void *a, const void *b)
{
	const struct bw_slice *x = a;
	const struct bw_slice *y = b;
	const int order = memcmp(x->ptr, y->ptr, x->len < y->len ? x->len : y->len);

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* The values of an option that may be given again and again, in the one order a text has. */
static enum bw_err read_words(struct task *t, const char *option, struct bw_words *out)
{
	const size_t count = bw_call_count(t->call, option);
	struct bw_slice *words = bw_arena_zero(&t->arena, count + 1, sizeof(*words));
	size_t kept = 0;

	BW_NEED(words != NULL, MEMORY);
	if (count == 0)
		return BW_OK;
	for (size_t i = 0; i < count; i++)
		words[i] = bw_slice_text(bw_call_nth(t->call, option, i));
	qsort(words, count, sizeof(*words), by_bytes);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || !bw_slice_equals(words[kept - 1], words[i]))
			words[kept++] = words[i];
	}
	*out = (struct bw_words){ words, kept };
	return BW_OK;
}

#define KINDS "indicators, sightings, incidents, guard-reports, advisories, supporting"

static enum bw_err read_kinds(struct task *t, const char *option, uint32_t *out)
{
	uint32_t kinds = 0;

	for (size_t i = 0; i < bw_call_count(t->call, option); i++) {
		const char *word = bw_call_nth(t->call, option, i);
		unsigned tiding = 0;

		if (strcmp(word, "nothing") == 0)
			continue;
		while (tiding < BW_TIDING_COUNT && strcmp(word, bw_tiding_name((enum bw_tiding)tiding)) != 0)
			tiding++;
		if (tiding == BW_TIDING_COUNT)
			return wrong(t, option, word, KINDS ", nothing");
		kinds |= UINT32_C(1) << tiding;
	}
	if (bw_call_count(t->call, option) > 0)
		*out = kinds;
	return BW_OK;
}

static enum bw_err read_purposes(struct task *t, uint32_t *out)
{
	uint32_t purposes = 0;

	for (size_t i = 0; i < bw_call_count(t->call, "purpose"); i++) {
		const char *word = bw_call_nth(t->call, "purpose", i);
		const uint32_t bit = bw_purpose_bit(bw_slice_text(word));

		if (bit == 0)
			return wrong(t, "purpose", word,
				     "defence, incident-response, supply-chain, research, statistics, law-enforcement, "
				     "oversight");
		purposes |= bit;
	}
	if (purposes != 0)
		*out = purposes;
	return BW_OK;
}

static void read_terms_of_flow(const struct bw_call *call, struct bw_flow *flow)
{
	static const struct {
		const char *word;
		enum bw_tlp tlp;
	} colours[] = { { "clear", BW_TLP_CLEAR },
			{ "green", BW_TLP_GREEN },
			{ "amber", BW_TLP_AMBER },
			{ "amber+strict", BW_TLP_AMBER_STRICT },
			{ "red", BW_TLP_RED } };

	for (size_t i = 0; bw_call_has(call, "highest") && i < BW_COUNT(colours); i++) {
		if (strcmp(bw_call_text(call, "highest"), colours[i].word) == 0)
			flow->highest = (uint8_t)colours[i].tlp;
	}
	for (unsigned i = 0; bw_call_has(call, "personal-data") && i < BW_REDACTION_COUNT; i++) {
		if (strcmp(bw_call_text(call, "personal-data"), bw_redaction_name((enum bw_redaction)i)) == 0)
			flow->redaction = (uint8_t)i;
	}
	for (unsigned i = 0; bw_call_has(call, "onward") && i < BW_ONWARD_COUNT; i++) {
		if (strcmp(bw_call_text(call, "onward"), bw_onward_name((enum bw_onward)i)) == 0)
			flow->onward = (uint8_t)i;
	}
	if (bw_call_has(call, "confidence"))
		flow->confidence_min = (uint8_t)bw_call_num(call, "confidence");
	if (bw_call_has(call, "keep-days"))
		flow->retention_days = (uint32_t)bw_call_num(call, "keep-days");
	if (bw_call_has(call, "per-minute"))
		flow->per_minute = (uint32_t)bw_call_num(call, "per-minute");
	if (bw_call_has(call, "per-day"))
		flow->per_day_bytes = (uint64_t)bw_call_num(call, "per-day");
}

static enum bw_err read_flow(struct task *t, struct bw_flow *flow, const char *kinds, const char *from)
{
	BW_TRY(read_kinds(t, kinds, &flow->kinds));
	BW_TRY(read_words(t, from, &flow->collections));
	BW_TRY(read_words(t, "label", &flow->labels));
	BW_TRY(read_words(t, "sector", &flow->sectors));
	read_terms_of_flow(t->call, flow);
	return BW_OK;
}

static enum bw_err read_terms(struct task *t, size_t we, struct bw_accord *accord)
{
	const struct bw_call *call = t->call;

	if (bw_call_has(call, "basis"))
		accord->basis = bw_slice_text(bw_call_text(call, "basis"));
	if (bw_call_has(call, "name"))
		accord->party[we].name = bw_slice_text(bw_call_text(call, "name"));
	BW_TRY(read_purposes(t, &accord->purposes));
	if (accord->until_us == 0 || bw_call_has(call, "days"))
		accord->until_us = t->book.now_us + bw_call_num(call, "days") * DAY_US;
	if (bw_call_has(call, "witness"))
		accord->witnessing = strcmp(bw_call_text(call, "witness"), "ally") == 0 ? BW_WITNESS_ALLY
											: BW_WITNESS_BOTH;
	BW_TRY(read_words(t, "operator", &accord->witnesses));
	if (bw_call_has(call, "notice-days"))
		accord->notice_days = (uint32_t)bw_call_num(call, "notice-days");
	accord->destroy_at_end |= bw_call_flag(call, "destroy-at-end");
	accord->classical_tls |= bw_call_flag(call, "classical-tls");
	BW_TRY(read_flow(t, &accord->flow[we], "we-tell", "we-tell-from"));
	return read_flow(t, &accord->flow[1 - we], "they-tell", "they-tell-from");
}

static enum bw_err start_version(struct task *t, size_t *we, struct bw_accord *out)
{
	enum bw_err err = open_accord(t);

	if (err == BW_ERR_NOT_FOUND) {
		t->why = (struct bw_why){ 0 };
		*we = 0;
		return start_accord(t, out);
	}
	BW_TRY(err);
	*we = t->entry.we;
	if (t->entry.next != NULL)
		return bw_why_set(&t->why, BW_ERR_EXISTS,
				  "version %llu of '%.*s' waits for a signature already; to take it back: "
				  "breakwater accord withdraw %.*s",
				  (unsigned long long)t->entry.next->accord.sequence, BW_ARG(t->entry.id),
				  BW_ARG(t->entry.id));
	*out = t->entry.now->accord;
	out->sequence++;
	memcpy(out->previous, t->entry.now->hash, BW_SHA256_BYTES);
	return BW_OK;
}

/* Signs the text that was made and puts it into the book, where it waits for the other side. */
static enum bw_err put_version(struct task *t, const struct bw_accord *accord)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_ACCORD_TEXT_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf envelope = BW_BUF_INIT(BW_BOOK_FILE_MAX);
	BW_CLEANUP(free_keys) struct bw_node_keys *keys = NULL;
	const char *what = NULL;
	struct bw_slice id;

	if (bw_accord_check(accord, &what) != BW_OK)
		return bw_why_set(&t->why, BW_ERR_USAGE, "this is no accord yet: %s", what);
	BW_TRY(bw_accord_add(&text, accord));
	BW_TRY(print_accord(accord));
	BW_TRY(confirm(t, "\nPropose this, signed by this node?"));
	BW_TRY(open_keys(t, &keys));
	BW_TRY(bw_envelope_sign(keys, BW_ACCORD_MEDIA_TYPE, bw_buf_slice(&text), &envelope));
	BW_TRY(bw_book_take(&t->book, bw_buf_slice(&envelope), &id, &t->why));
	return note(t, "accord-propose", accord->id, "");
}

static enum bw_err propose(struct task *t)
{
	struct bw_accord accord = { 0 };
	size_t we = 0;

	BW_TRY(open_book(t));
	BW_TRY(start_version(t, &we, &accord));
	BW_TRY(read_terms(t, we, &accord));
	BW_TRY(put_version(t, &accord));
	(void)printf(
		"\nProposed. It takes effect when both have signed. For the other side:\n"
		"  breakwater accord export %.*s > %.*s.accord     and there: breakwater accord receive %.*s.accord\n",
		BW_ARG(accord.id), BW_ARG(accord.id), BW_ARG(accord.id));
	return BW_OK;
}

static int propose_run(struct bw_call *call)
{
	return run_task(call, propose);
}

/* ---- list, show, diff ------------------------------------------------------------- */

static struct bw_slice other_party(const struct bw_book_entry *entry)
{
	const struct bw_book_version *version = entry->now != NULL ? entry->now : entry->next;

	return version->accord.party[1 - entry->we].name;
}

static const char *waits_for(const struct bw_book_entry *entry)
{
	if (entry->next == NULL || entry->state == BW_ACCORD_ENDED)
		return "";
	return entry->next->signed_by[entry->we] ? "the other side" : "us";
}

static enum bw_err add_entry(struct bw_buf *out, const struct bw_book_entry *entry)
{
	const struct bw_book_version *version = entry->now != NULL ? entry->now : entry->next;
	char until[BW_TIME_BYTES];

	bw_time_format(version->accord.until_us, until);
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "id", entry->id));
	BW_TRY(bw_json_add_text(out, "with", other_party(entry)));
	BW_TRY(bw_json_add_text(out, "state", bw_slice_text(bw_accord_state_name(entry->state))));
	BW_TRY(bw_json_add_num(out, "version", entry->now == NULL ? 0 : (int64_t)entry->now->accord.sequence));
	BW_TRY(bw_json_add_text(out, "until", bw_slice_text(until)));
	BW_TRY(bw_json_add_text(out, "waits_for", bw_slice_text(waits_for(entry))));
	BW_TRY(bw_json_add_text(out, "end_reason", entry->end_reason));
	return bw_buf_add_u8(out, '}');
}

static void print_entry(const struct bw_book_entry *entry)
{
	(void)printf("%.*s  %s, with ", BW_ARG(entry->id), bw_accord_state_name(entry->state));
	bw_print_foreign(other_party(entry));
	if (waits_for(entry)[0] != '\0')
		(void)printf("; version %llu waits for the signature of %s",
			     (unsigned long long)entry->next->accord.sequence, waits_for(entry));
	if (entry->end_reason.len > 0) {
		(void)printf("; ended by %s: ", entry->ended_by == entry->we ? "us" : "the other side");
		bw_print_foreign(entry->end_reason);
	}
	(void)putchar('\n');
}

static enum bw_err list(struct task *t)
{
	struct bw_book_entry *entries;
	size_t count;

	BW_TRY(open_book(t));
	BW_TRY(bw_book_list(&t->book, &entries, &count, &t->why));
	for (size_t i = 0; i < count; i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(BW_MIB);

		if (bw_call_json(t->call))
			(void)bw_print_json(t->call, add_entry(&json, &entries[i]), &json);
		else
			print_entry(&entries[i]);
	}
	if (count == 0 && !bw_call_json(t->call))
		(void)printf("no accords yet; to propose one: breakwater accord propose ID --with PEER …\n");
	return BW_OK;
}

static int list_run(struct bw_call *call)
{
	return run_task(call, list);
}

static enum bw_err show(struct task *t)
{
	const struct bw_book_version *version;

	BW_TRY(open_accord(t));
	version = t->entry.now != NULL ? t->entry.now : t->entry.next;
	if (bw_call_json(t->call)) { /* the text that was signed, as it is */
		(void)printf("%.*s\n", BW_ARG(version->text));
		return BW_OK;
	}
	print_entry(&t->entry);
	(void)putchar('\n');
	return print_accord(&version->accord);
}

static int show_run(struct bw_call *call)
{
	return run_task(call, show);
}

static enum bw_err diff(struct task *t)
{
	BW_TRY(open_accord(t));
	if (t->entry.next == NULL)
		return bw_why_set(&t->why, BW_ERR_NOT_FOUND, "no new version of '%.*s' waits for a signature",
				  BW_ARG(t->entry.id));
	if (t->entry.now != NULL)
		return print_changes(&t->entry.now->accord, &t->entry.next->accord);
	(void)printf("This would be the first version:\n\n");
	return print_accord(&t->entry.next->accord);
}

static int diff_run(struct bw_call *call)
{
	return run_task(call, diff);
}

/* ---- sign, withdraw, end, suspend ---------------------------------------------------- */

static enum bw_err sign(struct task *t)
{
	BW_CLEANUP(free_keys) struct bw_node_keys *keys = NULL;

	BW_TRY(open_accord(t));
	if (t->entry.next == NULL || t->entry.next->signed_by[t->entry.we] || t->entry.state == BW_ACCORD_ENDED)
		return bw_why_set(&t->why, BW_ERR_NOT_FOUND, "nothing of '%.*s' waits for this node's signature",
				  BW_ARG(t->entry.id));
	BW_TRY(diff(t));
	BW_TRY(confirm(t, "\nSign this?"));
	BW_TRY(open_keys(t, &keys));
	BW_TRY(bw_book_sign(&t->book, &t->entry, keys, &t->why));
	BW_TRY(note(t, "accord-sign", t->entry.id, ""));
	(void)printf(
		"Signed by both: in force from its first day on. The other side needs it back:\n"
		"  breakwater accord export %.*s > %.*s.accord     and there: breakwater accord receive %.*s.accord\n",
		BW_ARG(t->entry.id), BW_ARG(t->entry.id), BW_ARG(t->entry.id));
	return BW_OK;
}

static int sign_run(struct bw_call *call)
{
	return run_task(call, sign);
}

static enum bw_err withdraw(struct task *t)
{
	BW_TRY(open_accord(t));
	BW_TRY(bw_book_withdraw(&t->book, &t->entry, &t->why));
	BW_TRY(note(t, "accord-withdraw", t->entry.id, ""));
	(void)printf("The version of '%.*s' that waited is taken back here. The other side may have it still.\n",
		     BW_ARG(t->entry.id));
	return BW_OK;
}

static int withdraw_run(struct bw_call *call)
{
	return run_task(call, withdraw);
}

static enum bw_err end_accord(struct task *t)
{
	BW_CLEANUP(free_keys) struct bw_node_keys *keys = NULL;
	const char *reason = bw_call_text(t->call, "reason");

	BW_TRY(open_accord(t));
	if (reason == NULL)
		return bw_why_set(&t->why, BW_ERR_USAGE, "say why, for both records: --reason TEXT");
	BW_TRY(confirm(t, "An end is for ever: sharing again takes a new accord. End it now?"));
	BW_TRY(open_keys(t, &keys));
	BW_TRY(bw_book_end(&t->book, &t->entry, keys, bw_slice_text(reason), &t->why));
	BW_TRY(note(t, "accord-end", t->entry.id, reason));
	(void)printf("'%.*s' is ended. Nothing crosses any more.\n", BW_ARG(t->entry.id));
	return BW_OK;
}

static int end_run(struct bw_call *call)
{
	return run_task(call, end_accord);
}

/* Where a partner was cut off (accord/inbound_place.h), a person has looked now. */
static enum bw_err let_in_again(struct task *t)
{
	char name[BW_ACCORD_ID_MAX + 32];
	struct bw_place place;

	(void)snprintf(name, sizeof(name), "accord/in/%.*s/stopped", BW_ARG(t->entry.id));
	BW_TRY(bw_folder_place(t->book.data, name, &place));
	if (unlink(place.path) != 0 && errno != ENOENT)
		return bw_why_errno(&t->why, errno, "remove", place.path);
	return BW_OK;
}

static enum bw_err set_pause(struct task *t, bool pause)
{
	BW_TRY(open_accord(t));
	if (t->entry.now == NULL || t->entry.state == BW_ACCORD_ENDED)
		return bw_why_set(&t->why, BW_ERR_CONFLICT, "'%.*s' is not in force", BW_ARG(t->entry.id));
	BW_TRY(bw_book_pause(&t->book, &t->entry, pause, &t->why));
	if (!pause)
		BW_TRY(let_in_again(t));
	BW_TRY(note(t, pause ? "accord-suspend" : "accord-resume", t->entry.id, ""));
	(void)printf(pause ? "'%.*s' is suspended here: nothing is sent and nothing taken. To go on: breakwater accord "
			     "resume %.*s\n"
			   : "'%.*s' goes on (%.*s).\n",
		     BW_ARG(t->entry.id), BW_ARG(t->entry.id));
	return BW_OK;
}

static enum bw_err suspend(struct task *t)
{
	return set_pause(t, true);
}

static int suspend_run(struct bw_call *call)
{
	return run_task(call, suspend);
}

static enum bw_err resume(struct task *t)
{
	return set_pause(t, false);
}

static int resume_run(struct bw_call *call)
{
	return run_task(call, resume);
}

/* ---- documents by file ------------------------------------------------------------------ */

static enum bw_err export_documents(struct task *t)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(DOCUMENTS_BYTES);

	BW_TRY(open_accord(t));
	BW_TRY(bw_book_export(&t->book, &t->entry, &text, &t->why));
	(void)fwrite(text.ptr, 1, text.len, stdout);
	return BW_OK;
}

static int export_run(struct bw_call *call)
{
	return run_task(call, export_documents);
}

static enum bw_err receive_lines(struct task *t, struct bw_slice text)
{
	struct bw_slice id = bw_slice_empty;
	size_t count = 0;

	while (text.len > 0) {
		const uint8_t *end = memchr(text.ptr, '\n', text.len);
		const struct bw_slice line = bw_slice_sub(text, 0, end == NULL ? text.len : (size_t)(end - text.ptr));

		text = bw_slice_from(text, end == NULL ? text.len : line.len + 1);
		if (line.len == 0)
			continue;
		BW_TRY(bw_book_take(&t->book, line, &id, &t->why));
		count++;
	}
	if (count == 0)
		return bw_why_set(&t->why, BW_ERR_MISSING, "there is no document in it");
	BW_TRY(note(t, "accord-receive", id, ""));
	BW_TRY(bw_book_find(&t->book, id, &t->entry, &t->why));
	print_entry(&t->entry);
	if (strcmp(waits_for(&t->entry), "us") == 0)
		(void)printf("To read it: breakwater accord diff %.*s; to sign it: breakwater accord sign %.*s\n",
			     BW_ARG(id), BW_ARG(id));
	return BW_OK;
}

static enum bw_err receive(struct task *t)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(DOCUMENTS_BYTES);

	BW_TRY(open_book(t));
	BW_TRY(bw_file_or_pipe_read(bw_call_arg(t->call, 0), &text, &t->why));
	return receive_lines(t, bw_buf_slice(&text));
}

static int receive_run(struct bw_call *call)
{
	return run_task(call, receive);
}

/* ---- keys for operators of witnesses -------------------------------------------------------- */

static enum bw_err print_log_keys(struct task *t, const struct bw_papers *papers)
{
	struct bw_vkey keys[BW_PAPERS_KEYS];

	BW_TRY(bw_papers_log(papers, t->entry.id, keys));
	for (size_t i = 0; i < BW_PAPERS_KEYS; i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(BW_VKEY_TEXT_MAX);

		BW_TRY(bw_vkey_add(&line, &keys[i]));
		(void)printf("%s\n", bw_buf_text(&line));
	}
	return BW_OK;
}

static enum bw_err log_keys(struct task *t)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf envelope = BW_BUF_INIT(BW_PAPERS_FILE_MAX);
	struct bw_papers papers;

	BW_TRY(open_accord(t));
	BW_TRY(bw_papers_own(t->book.data, &envelope, &t->why));
	BW_TRY(bw_papers_check(bw_buf_slice(&envelope), &t->book.self, &t->arena, &papers));
	return print_log_keys(t, &papers);
}

static int log_keys_run(struct bw_call *call)
{
	return run_task(call, log_keys);
}

/* ---- rows -------------------------------------------------------------------------------- */

#define PASSPHRASE                                                                           \
	{                                                                                    \
		.name = "passphrase-file", .kind = BW_OPT_TEXT, .value_name = "FILE",        \
		.help = "passphrase of this node's keys; without it asked for on a terminal" \
	}
#define YES                                                                              \
	{                                                                                \
		.name = "yes", .kind = BW_OPT_FLAG, .help = "do not ask, I have read it" \
	}
#define MANY(option, value, words)                                                                      \
	{                                                                                               \
		.name = option, .kind = BW_OPT_TEXT, .value_name = value, .help = words, .repeat = true \
	}
#define NUMBER(option, least, most, words)                                                   \
	{                                                                                    \
		.name = option, .kind = BW_OPT_NUM, .min = least, .max = most, .help = words \
	}

static const struct bw_option propose_options[] = {
	{ .name = "with", .kind = BW_OPT_TEXT, .value_name = "PEER", .help = "the other party, a peer of this node" },
	{ .name = "name", .kind = BW_OPT_TEXT, .value_name = "NAME", .help = "what this side is called in the accord" },
	{ .name = "basis", .kind = BW_OPT_TEXT, .value_name = "TEXT", .help = "the legal basis, in words" },
	MANY("purpose", "WORD", "what it may be used for; may be given again (default: defence, incident-response)"),
	{ .name = "days",
	  .kind = BW_OPT_NUM,
	  .min = 1,
	  .max = 36500,
	  .fallback = "365",
	  .help = "for how many days from now" },
	MANY("we-tell", "KIND", "what this side tells: " KINDS ", or nothing"),
	MANY("we-tell-from", "COLLECTION", "from which collections, by alias"),
	MANY("they-tell", "KIND", "what the other side tells"),
	MANY("they-tell-from", "COLLECTION", "from which of its collections"),
	MANY("label", "LABEL", "only objects with one of these labels"),
	MANY("sector", "SECTOR", "only objects about one of these sectors"),
	{ .name = "highest",
	  .kind = BW_OPT_CHOICE,
	  .choices = "clear|green|amber|amber+strict|red",
	  .help = "the highest TLP marking that may cross (first version: amber)" },
	NUMBER("confidence", 0, 100, "the least confidence of what may cross (first version: 0)"),
	{ .name = "personal-data",
	  .kind = BW_OPT_CHOICE,
	  .choices = "none|withhold|derive",
	  .help = "what happens to an object that holds some: look for none, keep it at home, or send a derived object "
		  "without it (first version: derive)" },
	{ .name = "onward",
	  .kind = BW_OPT_CHOICE,
	  .choices = "none|members|as-marked",
	  .help = "to whom a receiver may pass it on (first version: none)" },
	NUMBER("keep-days", 1, 36500, "for how many days a receiver may keep it (first version: 90)"),
	NUMBER("per-minute", 1, 100000000, "most objects a minute each way (first version: 60000)"),
	{ .name = "per-day",
	  .kind = BW_OPT_SIZE,
	  .min = 1024,
	  .max = INT64_C(1) << 50,
	  .help = "most bytes a day each way (first version: 10g)" },
	{ .name = "witness",
	  .kind = BW_OPT_CHOICE,
	  .choices = "both|ally",
	  .help = "who cosigns the logs: the ally and an independent operator, or the ally alone (first version: "
		  "both)" },
	MANY("operator", "KEY", "the key of an independent operator of a witness, one line"),
	NUMBER("notice-days", 0, 3650, "notice before an end that nobody is to blame for (first version: 30)"),
	{ .name = "destroy-at-end", .kind = BW_OPT_FLAG, .help = "what was received is destroyed when it ends" },
	{ .name = "classical-tls", .kind = BW_OPT_FLAG, .help = "connections without X25519MLKEM768 are allowed" },
	PASSPHRASE,
	YES,
	{ 0 },
};

static const struct bw_option signing_options[] = { PASSPHRASE, YES, { 0 } };

static const struct bw_option end_options[] = {
	{ .name = "reason", .kind = BW_OPT_TEXT, .value_name = "TEXT", .help = "why, for both records" },
	PASSPHRASE,
	YES,
	{ 0 },
};

#define VERB(verb, words, operands, function, ...)                                                                \
	{                                                                                                         \
		.name = verb, .summary = words, .usage = operands, .min_args = 1, .max_args = 1, .run = function, \
		__VA_ARGS__                                                                                       \
	}

static const struct bw_command accord_verbs[] = {
	VERB("propose", "propose an accord, or a new version of one", "[TERMS] ID", propose_run,
	     .options = propose_options,
	     .details =
		     "A first version needs --with, --name and --basis; what is not said protects: TLP:AMBER at most, "
		     "no passing on, 90 days. A later version begins with the one in force and changes what is said. "
		     "It "
		     "is shown in plain English, signed, and takes effect when the other side has signed it too."),
	{ .name = "list", .summary = "list the accords and their state", .usage = "", .max_args = 0, .run = list_run },
	VERB("show", "show an accord in plain English", "ID", show_run,
	     .details = "With --format json: the canonical text that was signed."),
	VERB("diff", "show what a version that waits for a signature would change", "ID", diff_run, .options = NULL),
	VERB("sign", "sign the version that waits for this node's signature", "[--yes] ID", sign_run,
	     .options = signing_options),
	VERB("withdraw", "take back the version that waits for a signature", "ID", withdraw_run, .options = NULL),
	VERB("suspend", "stop sending and taking for now", "ID", suspend_run,
	     .details = "This node's own affair: nothing is signed, and 'resume' undoes it."),
	VERB("resume", "go on after 'suspend', or after a partner was cut off", "ID", resume_run, .options = NULL),
	VERB("preview", "show what would cross now, and why the rest would not", "[--examples N] ID",
	     bw_accord_preview_run, .options = bw_accord_preview_options,
	     .details =
		     "Goes through the accord's collections as the exchange would and counts what becomes of each "
		     "object; "
		     "a version that waits for a signature comes before the one in force. Nothing is sent or written "
		     "down."),
	VERB("explain", "say whether an object may cross to a peer, by which clause and from which inputs",
	     "--to PEER OBJECT", bw_accord_explain_run, .options = bw_accord_explain_options),
	{ .name = "held",
	  .summary = "work the hold queue: what may hold personal data waits there for a person",
	  .usage = "list [ID]|show ID KEY|release --reason TEXT ID KEY|refuse --reason TEXT ID KEY",
	  .options = bw_accord_held_options,
	  .min_args = 1,
	  .max_args = 3,
	  .run = bw_accord_held_run,
	  .details = "KEY is what 'list' shows. An answer is for one version of one object; a newer one waits anew." },
	VERB("end", "end an accord, at once and for ever", "--reason TEXT ID", end_run, .options = end_options,
	     .details =
		     "One party's signature is enough. The flow stops at once; what was agreed about what was received "
		     "goes on to hold."),
	{ .name = "run",
	  .summary = "exchange with partners under the accords in force",
	  .usage = "[--listen ADDRESS:PORT]... [--log-listen ADDRESS:PORT]...",
	  .details = "Runs in the foreground until SIGTERM, beside 'breakwater serve' on the same data folder. New "
		     "documents "
		     "take effect at once; SIGHUP looks partners' addresses up again. It needs no passphrase: the logs "
		     "have "
		     "keys of their own.",
	  .options = bw_accord_run_options,
	  .max_args = 0,
	  .run = bw_accord_run },
	VERB("log-keys", "print the keys of what this node tells under an accord", "ID", log_keys_run,
	     .details = "For operators of witnesses: breakwater witness trust KEY..."),
	VERB("export", "write an accord's signed documents to standard output", "ID", export_run,
	     .details = "For the other side, which takes them with 'breakwater accord receive'."),
	VERB("receive", "take signed documents of an accord from a file", "FILE", receive_run,
	     .details = "Nothing takes effect by it but an end: a version waits for this node's signature."),
	{ .name = "verify",
	  .summary = "hold a whole log against its signatures",
	  .usage = "ID | --folder DIR --policy FILE",
	  .max_args = 1,
	  .options = bw_accord_verify_options,
	  .run = bw_accord_verify_run,
	  .details = "Every hash and every entry of what this node told under an accord, or of anybody's log in C2SP "
		     "tlog-tiles; needs no network, and runs beside 'accord run'. Exit status 1: it does not verify, "
		     "and the name of what is wrong." },
	{ .name = "prove",
	  .summary = "write a proof that an object was told under an accord",
	  .usage = "[--to DIR] ID OBJECT",
	  .min_args = 2,
	  .max_args = 2,
	  .options = bw_accord_prove_options,
	  .run = bw_accord_prove_run,
	  .details = "Three files: the entry, a C2SP tlog-proof, and the policy with the keys; whoever has them needs "
		     "nothing else to verify. The proof outlives the content." },
	{ 0 },
};

const struct bw_command bw_accord_command = {
	.name = "accord",
	.summary = "agree with other nodes what may be shared",
	.usage = "propose|list|show|diff|sign|withdraw|suspend|resume|preview|explain|held|run|log-keys|end|export|"
		 "receive|"
		 "verify|prove",
	.verbs = accord_verbs,
};
