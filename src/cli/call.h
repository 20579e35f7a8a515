/*
 * How a command line becomes a struct bw_call: rows in, checked values out.
 * Nothing here prints; `why` receives the sentence for the user.
 */
#ifndef BW_CLI_CALL_H
#define BW_CLI_CALL_H

#include "base/arena.h"
#include "base/command.h"

enum {
	BW_CALL_MEMORY_MAX = 64 * 1024 * 1024, /* 64 MiB: a million operands, each a pointer, and a config file */
	BW_CONFIG_VALUES_MAX = 1024,           /* options a config file may set for one command */
	BW_CONFIG_BYTES_MAX = 1024 * 1024,     /* 1 MiB: a hand-written file has some kB */
	BW_CONFIG_LINE_MAX = 198,              /* libinih cuts longer lines in two without a word */
	BW_WHY_MAX = 1024,                     /* one sentence for the user */
	BW_CALL_NAME_MAX = 64,                 /* "collection remove" */
};

struct bw_value {
	const struct bw_option *row;
	const char *text;
	int64_t num;
};

struct bw_call {
	const struct bw_command *command; /* the row to run: a verb's when there are verbs */
	const struct bw_command *parent;  /* the row that holds the verbs, or NULL */
	char name[BW_CALL_NAME_MAX];      /* as typed: "collection add" */
	bool wants_help;
	struct bw_value *values; /* the command line's, then the config file's */
	size_t values_n;
	size_t values_cap;
	const char **args;
	size_t args_n;
	struct bw_arena arena;
};

/* Options that every command understands; the list ends with a NULL name. */
extern const struct bw_option bw_common_options[];

/* The row for a name, of the command, its parent or the common ones; NULL when there is none. */
const struct bw_option *bw_call_find(const struct bw_call *call, struct bw_slice name);

/*
 * Reads words[0..count) against `commands`. On failure `why` holds what is
 * wrong and `call` is still to be released; USAGE (the user's), MEMORY.
 * A command line without a command leaves call->command NULL.
 */
BW_MUST_USE enum bw_err bw_call_parse(struct bw_call *call, const struct bw_command *const *commands, size_t count,
				      const char *const *words, struct bw_buf *why);

/*
 * Adds what the config file says for this command where the command line is
 * silent. `text` is the whole file. Sections are commands ("serve",
 * "collection add"); keys before the first section are common options. A
 * section or key that no command knows is an error, so that no typing mistake
 * is taken for silence.
 */
BW_MUST_USE enum bw_err bw_call_config(struct bw_call *call, const struct bw_command *const *commands,
				       struct bw_slice text, struct bw_buf *why);

/* Operand counts and what only shows once every source was read. */
BW_MUST_USE enum bw_err bw_call_check(const struct bw_call *call, struct bw_buf *why);

void bw_call_release(struct bw_call *call);

/* Checks one value against its row; the fallback of a row passes too. */
BW_MUST_USE enum bw_err bw_value_read(const struct bw_option *row, const char *text, int64_t *num, struct bw_buf *why);

/* The command or verb of that name, or NULL. */
const struct bw_command *bw_command_find(const struct bw_command *const *commands, struct bw_slice name);
const struct bw_command *bw_verb_find(const struct bw_command *parent, struct bw_slice name);

#endif
