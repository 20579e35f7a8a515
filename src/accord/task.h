/*
 * What the verbs of `breakwater accord` share that read and write documents: the book, the accord that the first
 * operand names, a person's yes, the node's keys, a line in the audit log. One call at a time.
 */
#ifndef BW_ACCORD_TASK_H
#define BW_ACCORD_TASK_H

#include "accord/book.h"
#include "base/command.h"
#include "crypto/keys.h"

struct bw_task {
	const struct bw_call *call;
	struct bw_arena arena;
	struct bw_book book;
	struct bw_book_entry entry;
	struct bw_why why;
};

/* Runs `work`, and says what went wrong; the exit status. USAGE is one of the command line. */
int bw_task_run(struct bw_call *call, enum bw_err (*work)(struct bw_task *t));

BW_MUST_USE enum bw_err bw_task_open_book(struct bw_task *t);
BW_MUST_USE enum bw_err bw_task_open_accord(struct bw_task *t);

BW_MUST_USE enum bw_err bw_task_note(struct bw_task *t, const char *action, struct bw_slice id, const char *words);

/* The node's own keys, by the passphrase; with them its papers are made sure of. */
BW_MUST_USE enum bw_err bw_task_open_keys(struct bw_task *t, struct bw_node_keys **out);
void bw_task_free_keys(struct bw_node_keys **keys);

/* A person says yes, on a terminal or by --yes. CLOSED: not. */
BW_MUST_USE enum bw_err bw_task_confirm(struct bw_task *t, const char *question);

BW_MUST_USE enum bw_err bw_task_print_accord(const struct bw_accord *accord);
BW_MUST_USE enum bw_err bw_task_print_changes(const struct bw_accord *old, const struct bw_accord *now);

#define BW_TASK_PASSPHRASE                                                                   \
	{                                                                                    \
		.name = "passphrase-file", .kind = BW_OPT_TEXT, .value_name = "FILE",        \
		.help = "passphrase of this node's keys; without it asked for on a terminal" \
	}
#define BW_TASK_YES                                                                      \
	{                                                                                \
		.name = "yes", .kind = BW_OPT_FLAG, .help = "do not ask, I have read it" \
	}

#endif
