/* `breakwater accord propose`: a first version, or a new one of an accord in force (docs/accord.md, "Agreeing"). */
#include <stdio.h>
#include <stdlib.h>

#include "accord/envelope.h"
#include "accord/task.h"
#include "accord/verbs.h"
#include "sys/clock.h"

#define DAY_US INT64_C(86400000000)

/* ---- what a first version says ---- */

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

static enum bw_err start_accord(struct bw_task *t, struct bw_accord *out)
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
				   /* two clocks may be hours apart, and nothing is in force before both have signed */
				   .from_us = t->book.now_us - DAY_US,
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

static enum bw_err wrong(struct bw_task *t, const char *option, const char *value, const char *wanted)
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
static enum bw_err read_words(struct bw_task *t, const char *option, struct bw_words *out)
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

static enum bw_err read_kinds(struct bw_task *t, const char *option, uint32_t *out)
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

static enum bw_err read_purposes(struct bw_task *t, uint32_t *out)
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

static enum bw_err read_flow(struct bw_task *t, struct bw_flow *flow, const char *kinds, const char *from)
{
	BW_TRY(read_kinds(t, kinds, &flow->kinds));
	BW_TRY(read_words(t, from, &flow->collections));
	BW_TRY(read_words(t, "label", &flow->labels));
	BW_TRY(read_words(t, "sector", &flow->sectors));
	read_terms_of_flow(t->call, flow);
	return BW_OK;
}

static enum bw_err read_until(struct bw_task *t, int64_t *until_us)
{
	const char *until = bw_call_text(t->call, "until");

	if (until != NULL && bw_call_has(t->call, "days"))
		return bw_why_set(&t->why, BW_ERR_USAGE, "either --days or --until");
	if (until == NULL && (*until_us == 0 || bw_call_has(t->call, "days")))
		*until_us = t->book.now_us + bw_call_num(t->call, "days") * DAY_US;
	if (until != NULL && bw_time_parse_any(bw_slice_text(until), until_us) != BW_OK)
		return bw_why_set(&t->why, BW_ERR_USAGE, "--until '%s' is no time like 2027-11-23T00:00:00Z", until);
	return BW_OK;
}

static enum bw_err read_terms(struct bw_task *t, size_t we, struct bw_accord *accord)
{
	const struct bw_call *call = t->call;

	if (bw_call_has(call, "basis"))
		accord->basis = bw_slice_text(bw_call_text(call, "basis"));
	if (bw_call_has(call, "name"))
		accord->party[we].name = bw_slice_text(bw_call_text(call, "name"));
	BW_TRY(read_purposes(t, &accord->purposes));
	BW_TRY(read_until(t, &accord->until_us));
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

static enum bw_err start_version(struct bw_task *t, size_t *we, struct bw_accord *out)
{
	enum bw_err err = bw_task_open_accord(t);

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
static enum bw_err put_version(struct bw_task *t, const struct bw_accord *accord)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_ACCORD_TEXT_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf envelope = BW_BUF_INIT(BW_BOOK_FILE_MAX);
	BW_CLEANUP(bw_task_free_keys) struct bw_node_keys *keys = NULL;
	const char *what = NULL;
	struct bw_slice id;

	if (bw_accord_check(accord, &what) != BW_OK)
		return bw_why_set(&t->why, BW_ERR_USAGE, "this is no accord yet: %s", what);
	BW_TRY(bw_accord_add(&text, accord));
	BW_TRY(bw_task_print_accord(accord));
	BW_TRY(bw_task_confirm(t, "\nPropose this, signed by this node?"));
	BW_TRY(bw_task_open_keys(t, &keys));
	BW_TRY(bw_envelope_sign(keys, BW_ACCORD_MEDIA_TYPE, bw_buf_slice(&text), &envelope));
	BW_TRY(bw_book_take(&t->book, bw_buf_slice(&envelope), &id, &t->why));
	return bw_task_note(t, "accord-propose", accord->id, "");
}

static enum bw_err propose(struct bw_task *t)
{
	struct bw_accord accord = { 0 };
	size_t we = 0;

	BW_TRY(bw_task_open_book(t));
	BW_TRY(start_version(t, &we, &accord));
	BW_TRY(read_terms(t, we, &accord));
	BW_TRY(put_version(t, &accord));
	(void)printf(
		"\nProposed. It takes effect when both have signed. For the other side:\n"
		"  breakwater accord export %.*s > %.*s.accord     and there: breakwater accord receive %.*s.accord\n",
		BW_ARG(accord.id), BW_ARG(accord.id), BW_ARG(accord.id));
	return BW_OK;
}

int bw_accord_propose_run(struct bw_call *call)
{
	return bw_task_run(call, propose);
}

/* ---- rows ---- */

#define MANY(option, value, words)                                                                      \
	{                                                                                               \
		.name = option, .kind = BW_OPT_TEXT, .value_name = value, .help = words, .repeat = true \
	}
#define NUMBER(option, least, most, words)                                                   \
	{                                                                                    \
		.name = option, .kind = BW_OPT_NUM, .min = least, .max = most, .help = words \
	}

const struct bw_option bw_accord_propose_options[] = {
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
	{ .name = "until", .kind = BW_OPT_TEXT, .value_name = "TIME", .help = "until then, instead of --days" },
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
	BW_TASK_PASSPHRASE,
	BW_TASK_YES,
	{ 0 },
};
