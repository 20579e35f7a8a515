/* `breakwater accord held`: what waits for a person before it may cross, and the person's answer. */
#include <stdio.h>

#include "accord/book.h"
#include "accord/hold.h"
#include "accord/verbs.h"
#include "codec/json_text.h"
#include "desk/desk_command.h"
#include "desk/folder.h"
#include "sys/clock.h"

enum { ARENA_BYTES = 256 * 1024 * 1024, TEXT_BYTES = 64 * 1024 };

struct holding {
	const struct bw_call *call;
	struct bw_arena arena;
	struct bw_why why;
};

static const char *data_of(const struct holding *h)
{
	return bw_call_data(h->call);
}

/* ---- telling --------------------------------------------------------------------------------- */

static const char *const answer_words[] = { "waits", "released", "refused" };

static enum bw_err write_row(struct bw_slice accord, const struct bw_held_object *held, struct bw_buf *out)
{
	char time[BW_TIME_BYTES];

	bw_time_format(held->since_us, time);
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "accord", accord));
	BW_TRY(bw_json_add_text(out, "key", bw_slice_text(held->key)));
	BW_TRY(bw_json_add_text(out, "id", held->id));
	BW_TRY(bw_json_add_text(out, "version", held->version));
	BW_TRY(bw_json_add_text(out, "since", bw_slice_text(time)));
	BW_TRY(bw_json_add_text(out, "state", bw_slice_text(answer_words[held->answer])));
	BW_TRY(bw_json_add_text(out, "words", held->words));
	if (held->answer != BW_HELD_WAITS) {
		BW_TRY(bw_json_add_text(out, "by", held->who));
		BW_TRY(bw_json_add_text(out, "reason", held->reason));
	}
	return bw_buf_add_text(out, "}");
}

static enum bw_err print_json(struct holding *h, struct bw_slice accord, const struct bw_held_object *held)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_MIB);
	const enum bw_err err = write_row(accord, held, &out);

	return bw_print_json(h->call, err, &out) == BW_EXIT_OK ? BW_OK : BW_ERR_IO;
}

static void print_line(const char *before, struct bw_slice text)
{
	(void)fputs(before, stdout);
	bw_print_foreign(text);
	(void)putchar('\n');
}

static enum bw_err print_row(struct holding *h, struct bw_slice accord, const struct bw_held_object *held)
{
	if (bw_call_json(h->call))
		return print_json(h, accord, held);
	(void)printf("%.*s  %.8s  %-8s  ", BW_ARG(accord), held->key, answer_words[held->answer]);
	print_line("", held->id);
	return BW_OK;
}

static enum bw_err print_whole(struct holding *h, struct bw_slice accord, const struct bw_held_object *held)
{
	struct bw_slice text = held->words;
	struct bw_slice line;
	char time[BW_TIME_BYTES];

	if (bw_call_json(h->call))
		return print_json(h, accord, held);
	bw_time_format(held->since_us, time);
	print_line("", held->id);
	print_line("  version  ", held->version);
	(void)printf("  since    %s\n  state    %s\n", time, answer_words[held->answer]);
	while (bw_slice_cut(text, '\n', &line, &text))
		print_line("  ", line);
	if (text.len > 0)
		print_line("  ", text);
	if (held->answer == BW_HELD_WAITS) {
		(void)printf("\nThe object itself: breakwater show ID. Then:\n"
			     "  breakwater accord held release %.*s %.8s --reason TEXT\n"
			     "  breakwater accord held refuse %.*s %.8s --reason TEXT\n",
			     BW_ARG(accord), held->key, BW_ARG(accord), held->key);
	} else {
		print_line("  by       ", held->who);
		print_line("  because  ", held->reason);
	}
	return BW_OK;
}

/* ---- list, show ------------------------------------------------------------------------------------ */

static enum bw_err list_one(struct holding *h, struct bw_slice accord)
{
	struct bw_held_object *held;
	size_t count;

	BW_TRY(bw_hold_list(data_of(h), accord, &h->arena, &held, &count, &h->why));
	for (size_t i = 0; i < count; i++)
		BW_TRY(print_row(h, accord, &held[i]));
	return BW_OK;
}

static enum bw_err list(struct holding *h)
{
	struct bw_book_entry *entries;
	struct bw_book book;
	size_t count;

	if (bw_call_args(h->call) > 1)
		return list_one(h, bw_slice_text(bw_call_arg(h->call, 1)));
	BW_TRY(bw_book_open(data_of(h), &h->arena, &book, &h->why));
	BW_TRY(bw_book_list(&book, &entries, &count, &h->why));
	for (size_t i = 0; i < count; i++)
		BW_TRY(list_one(h, entries[i].id));
	return BW_OK;
}

static enum bw_err find(struct holding *h, struct bw_slice *accord, struct bw_held_object *out)
{
	if (bw_call_args(h->call) != 3) {
		(void)bw_why_set(&h->why, BW_ERR_USAGE, "which one? list, then: held %s ACCORD KEY",
				 bw_call_arg(h->call, 0));
		return BW_ERR_USAGE;
	}
	*accord = bw_slice_text(bw_call_arg(h->call, 1));
	return bw_hold_find(data_of(h), *accord, bw_call_arg(h->call, 2), &h->arena, out, &h->why);
}

static enum bw_err show(struct holding *h)
{
	struct bw_held_object held;
	struct bw_slice accord;

	BW_TRY(find(h, &accord, &held));
	return print_whole(h, accord, &held);
}

/* ---- release, refuse --------------------------------------------------------------------------------- */

static enum bw_err note(struct holding *h, const char *action, struct bw_slice target, struct bw_slice words)
{
	const struct bw_slice fields[] = { bw_slice_text(action), target, words };
	struct bw_desk *desk = NULL;
	enum bw_err err;

	BW_TRY(bw_desk_open(data_of(h), &desk, &h->why));
	err = bw_desk_do(desk, BW_OFFICE_NOTE, fields, BW_COUNT(fields), -1, NULL, &h->why);
	bw_desk_close(desk);
	return err;
}

/* The audit log first: an answer that nobody wrote down must not let anything go. */
static enum bw_err answer(struct holding *h, enum bw_held_answer what, const char *action)
{
	const struct bw_slice reason = bw_call_slice(h->call, "reason");
	const struct bw_slice who = bw_call_slice(h->call, "by");
	BW_CLEANUP(bw_buf_release) struct bw_buf words = BW_BUF_INIT(64 * BW_KIB);
	struct bw_held_object held;
	struct bw_slice accord;

	if (reason.len == 0 || reason.len > BW_HELD_REASON_MAX)
		return bw_why_set(&h->why, BW_ERR_USAGE, "--reason says why, in 1 to %d bytes", BW_HELD_REASON_MAX);
	BW_TRY(find(h, &accord, &held));
	if (held.answer != BW_HELD_WAITS)
		return bw_why_set(&h->why, BW_ERR_EXISTS, "it was %s already", answer_words[held.answer]);
	BW_TRY(bw_buf_add(&words, reason));
	if (who.len > 0)
		BW_TRY(bw_buf_addf(&words, " (by %.*s)", BW_ARG(who)));
	BW_TRY(note(h, action, held.id, bw_buf_slice(&words)));
	return bw_hold_answer(data_of(h), accord, held.key, what, who, reason, &h->why);
}

static enum bw_err release(struct holding *h)
{
	BW_TRY(answer(h, BW_HELD_RELEASED, "accord-release"));
	(void)printf("released: it is decided again, and only what was unsure counts no more\n");
	return BW_OK;
}

static enum bw_err refuse(struct holding *h)
{
	BW_TRY(answer(h, BW_HELD_REFUSED, "accord-refuse"));
	(void)printf("refused: it stays here\n");
	return BW_OK;
}

/* ---- the verb ------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum bw_err (*run)(struct holding *h);
} actions[] = { { "list", list }, { "show", show }, { "release", release }, { "refuse", refuse } };

static enum bw_err run(struct holding *h)
{
	const char *name = bw_call_arg(h->call, 0);

	BW_TRY(bw_folder_check(data_of(h), &h->why));
	for (size_t i = 0; i < BW_COUNT(actions); i++)
		if (strcmp(actions[i].name, name) == 0)
			return actions[i].run(h);
	return bw_why_set(&h->why, BW_ERR_USAGE, "'%s' is none of list, show, release, refuse", name);
}

int bw_accord_held_run(struct bw_call *call)
{
	struct holding h = { .call = call, .arena = BW_ARENA_INIT(ARENA_BYTES) };
	const enum bw_err err = run(&h);
	int status = BW_EXIT_OK;

	if (err == BW_ERR_USAGE)
		status = bw_complain(call, BW_EXIT_USAGE, NULL, "%s", h.why.text);
	else if (err != BW_OK)
		status = bw_complain_why(call, err, &h.why);
	bw_arena_release(&h.arena);
	return status;
}

const struct bw_option bw_accord_held_options[] = {
	{ .name = "reason", .kind = BW_OPT_TEXT, .value_name = "TEXT", .help = "why, for the record" },
	{ .name = "by",
	  .kind = BW_OPT_TEXT,
	  .value_name = "NAME",
	  .fallback = "",
	  .help = "who decides, for the record" },
	{ 0 },
};
