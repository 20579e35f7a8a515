/* `breakwater accord preview`: what would cross now, and why the rest would not. Nothing is sent or written down. */
#include <stdio.h>

#include "accord/looking.h"
#include "accord/verbs.h"
#include "codec/json_text.h"

enum { EXAMPLES_MAX = 100, BATCH_BYTES = 256 * 1024 * 1024 };

struct counts {
	uint64_t objects;
	uint64_t verdicts[BW_VERDICT_COUNT];
	uint64_t clauses[BW_VERDICT_COUNT][BW_CLAUSE_COUNT];
	uint64_t tidings[BW_TIDING_COUNT]; /* of what goes */
};

struct preview {
	struct bw_looking *l;
	struct bw_outlook outlook;
	struct counts counts;
	uint64_t examples; /* of each verdict and clause, printed as they are met */
};

/* ---- counting --------------------------------------------------------------------------- */

static enum bw_err print_example(struct preview *p, const struct bw_source_row *row, const struct bw_weighed *w)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf said = BW_BUF_INIT(64 * BW_KIB);

	BW_TRY(bw_decision_say(p->outlook.gate, &w->facts, &w->decision, &said));
	(void)fputs("  ", stdout);
	bw_print_foreign(row->id);
	(void)fputs("  ", stdout);
	bw_print_foreign(bw_buf_slice(&said));
	(void)putchar('\n');
	return BW_OK;
}

static enum bw_err count_one(struct preview *p, const struct bw_source_row *row, const struct bw_told *told,
			     const struct bw_weighed *w)
{
	const struct bw_decision *d = &w->decision;
	uint64_t *clause = &p->counts.clauses[d->verdict][d->clause];

	p->counts.objects++;
	p->counts.verdicts[d->verdict]++;
	if (d->verdict <= BW_VERDICT_DERIVED)
		p->counts.tidings[told->tiding]++;
	if (++*clause > p->examples)
		return BW_OK;
	return print_example(p, row, w);
}

static enum bw_err count_all(struct preview *p)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BATCH_BYTES);
	struct bw_outlook_batch batch = { .told = NULL };
	int64_t after_us = -1;
	bool more = true;
	enum bw_err err = BW_OK;

	while (more && err == BW_OK) {
		bw_outlook_done(&batch);
		bw_arena_reset(&arena);
		err = bw_outlook_step(&p->outlook, after_us, &arena, &batch);
		if (err != BW_OK)
			break;
		for (size_t i = 0; i < batch.rows.count && err == BW_OK; i++)
			err = count_one(p, &batch.rows.rows[i], &batch.told[i], &batch.weighed[i]);
		after_us = batch.rows.scanned_us;
		more = batch.rows.more;
	}
	bw_outlook_done(&batch);
	return err;
}

/* ---- telling ------------------------------------------------------------------------------ */

static void print_clauses(const struct counts *c, enum bw_verdict verdict)
{
	const char *comma = "";

	for (size_t i = 0; i < BW_CLAUSE_COUNT; i++) {
		if (c->clauses[verdict][i] == 0 || i == BW_CLAUSE_FREE)
			continue;
		(void)printf("%s%s %llu", comma, bw_clause_name((enum bw_clause)i),
			     (unsigned long long)c->clauses[verdict][i]);
		comma = ", ";
	}
}

static void print_counts(const struct counts *c)
{
	for (unsigned v = 0; v < BW_VERDICT_REFUSED; v++) {
		(void)printf("%-9s %10llu  ", bw_verdict_name((enum bw_verdict)v), (unsigned long long)c->verdicts[v]);
		print_clauses(c, (enum bw_verdict)v);
		(void)putchar('\n');
	}
	for (unsigned t = 0; t < BW_TIDING_COUNT; t++)
		if (c->tidings[t] > 0)
			(void)printf("%llu of what would go: %s\n", (unsigned long long)c->tidings[t],
				     bw_tiding_words((enum bw_tiding)t));
}

static enum bw_err write_clauses(struct bw_buf *out, const struct counts *c, enum bw_verdict verdict)
{
	bool is_first = true;

	BW_TRY(bw_buf_addf(out, ",\"%s\":{\"objects\":%llu,\"clauses\":{", bw_verdict_name(verdict),
			   (unsigned long long)c->verdicts[verdict]));
	for (size_t i = 0; i < BW_CLAUSE_COUNT; i++) {
		if (c->clauses[verdict][i] == 0)
			continue;
		BW_TRY(bw_buf_addf(out, "%s\"%s\":%llu", is_first ? "" : ",", bw_clause_name((enum bw_clause)i),
				   (unsigned long long)c->clauses[verdict][i]));
		is_first = false;
	}
	return bw_buf_add_text(out, "}}");
}

static enum bw_err write_json(const struct bw_accord *accord, const struct counts *c, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "accord", accord->id));
	BW_TRY(bw_json_add_num(out, "sequence", (int64_t)accord->sequence));
	BW_TRY(bw_json_add_num(out, "objects", (int64_t)c->objects));
	for (unsigned v = 0; v < BW_VERDICT_REFUSED; v++)
		BW_TRY(write_clauses(out, c, (enum bw_verdict)v));
	return bw_buf_add_u8(out, '}');
}

static enum bw_err tell(const struct preview *p, const struct bw_accord *accord)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(64 * BW_KIB);

	if (bw_call_json(p->l->call)) {
		BW_TRY(write_json(accord, &p->counts, &json));
		return bw_print_json(p->l->call, BW_OK, &json) == BW_EXIT_OK ? BW_OK : BW_ERR_IO;
	}
	print_counts(&p->counts);
	return BW_OK;
}

/* A version that waits for a signature is what somebody wants to know of; one that begins later is taken as begun. */
static enum bw_err preview(struct bw_looking *l)
{
	const struct bw_slice id = bw_slice_text(bw_call_arg(l->call, 0));
	struct preview p = { .l = l,
			     .examples = bw_call_json(l->call) ? 0 : (uint64_t)bw_call_num(l->call, "examples") };
	struct bw_book_entry entry;
	const struct bw_book_version *version;
	int64_t now_us = l->book.now_us;
	enum bw_err err;

	BW_TRY(bw_book_find(&l->book, id, &entry, &l->why));
	version = entry.next != NULL ? entry.next : entry.now;
	if (version == NULL)
		return bw_why_set(&l->why, BW_ERR_NOT_FOUND, "there is no version of '%.*s' to look at", BW_ARG(id));
	if (now_us < version->accord.from_us)
		now_us = version->accord.from_us;
	err = bw_outlook_init(&p.outlook, &version->accord, entry.we, now_us, l->child, l->sources);
	if (err == BW_OK)
		err = count_all(&p);
	if (err == BW_OK)
		err = tell(&p, &version->accord);
	bw_outlook_release(&p.outlook);
	return err;
}

int bw_accord_preview_run(struct bw_call *call)
{
	return bw_looking_run(call, preview);
}

const struct bw_option bw_accord_preview_options[] = {
	{ .name = "examples",
	  .kind = BW_OPT_NUM,
	  .unit = "objects",
	  .min = 0,
	  .max = EXAMPLES_MAX,
	  .fallback = "3",
	  .help = "of each decision and each reason, so many objects are shown" },
	{ 0 },
};
