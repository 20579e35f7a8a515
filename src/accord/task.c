#include "accord/task.h"

#include <stdio.h>

#include "accord/accord_show.h"
#include "accord/papers.h"
#include "base/text.h"
#include "desk/desk_command.h"
#include "desk/folder.h"
#include "desk/node.h"

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)

enum { ANSWER_BYTES = 64 };

enum bw_err bw_task_open_book(struct bw_task *t)
{
	return bw_book_open(bw_call_data(t->call), &t->arena, &t->book, &t->why);
}

enum bw_err bw_task_open_accord(struct bw_task *t)
{
	BW_TRY(bw_task_open_book(t));
	return bw_book_find(&t->book, bw_slice_text(bw_call_arg(t->call, 0)), &t->entry, &t->why);
}

int bw_task_run(struct bw_call *call, enum bw_err (*work)(struct bw_task *t))
{
	struct bw_task t = { .call = call, .arena = BW_ARENA_INIT(ARENA_BYTES) };
	const enum bw_err err = work(&t);
	int status = BW_EXIT_OK;

	if (err == BW_ERR_USAGE)
		status = bw_complain(call, BW_EXIT_USAGE, NULL, "%s", t.why.text);
	else if (err != BW_OK)
		status = bw_complain_why(call, err, &t.why);
	bw_arena_release(&t.arena);
	return status;
}

enum bw_err bw_task_note(struct bw_task *t, const char *action, struct bw_slice id, const char *words)
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

void bw_task_free_keys(struct bw_node_keys **keys)
{
	bw_node_keys_free(*keys);
}

enum bw_err bw_task_open_keys(struct bw_task *t, struct bw_node_keys **out)
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
enum bw_err bw_task_confirm(struct bw_task *t, const char *question)
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

enum bw_err bw_task_print_accord(const struct bw_accord *accord)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_ACCORD_TEXT_MAX);

	BW_TRY(bw_accord_show(accord, &text));
	print_text(bw_buf_slice(&text));
	return BW_OK;
}

enum bw_err bw_task_print_changes(const struct bw_accord *old, const struct bw_accord *now)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(2 * BW_ACCORD_TEXT_MAX);

	BW_TRY(bw_accord_diff(old, now, &text, NULL));
	print_text(bw_buf_slice(&text));
	return BW_OK;
}
