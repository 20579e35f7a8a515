/*
 * Commands and options are rows. One row feeds the command line, the config
 * file, --help, the manual page and shell completion.
 *
 * A room's command.c defines its rows and run functions; cli/main.c lists
 * pointers to them and does what all commands share (--help, --data, --format,
 * --config, --log-level, exit status, a full disk on standard output).
 */
#ifndef BW_BASE_COMMAND_H
#define BW_BASE_COMMAND_H

#include <stdio.h>

#include "base/bytes.h"

enum bw_exit {
	BW_EXIT_OK = 0,    /* all well */
	BW_EXIT_FOUND = 1, /* something was found, or did not verify */
	BW_EXIT_USAGE = 2, /* the command line was wrong */
	BW_EXIT_FAILED = 3 /* the job could not be done */
};

enum bw_option_kind {
	BW_OPT_FLAG,   /* present or not; "no" and "yes" in a config file */
	BW_OPT_TEXT,   /* any text */
	BW_OPT_NUM,    /* whole number min..max */
	BW_OPT_SIZE,   /* bytes min..max; suffixes k, m, g (powers of 1024) */
	BW_OPT_TIME,   /* milliseconds min..max; suffixes ms, s, min, h, d */
	BW_OPT_CHOICE, /* one of .choices, "a|b|c" */
};

struct bw_option {
	const char *name; /* without the dashes; the list ends with NULL */
	enum bw_option_kind kind;
	const char *value_name; /* for help, e.g. "FILE"; NULL: from the kind */
	const char *unit;
	const char *choices;
	int64_t min;
	int64_t max;
	const char *fallback; /* as it would be typed; NULL: absent */
	const char *help;
	bool repeat; /* may be given more than once (TEXT only) */
};

/* What a command was called with: options checked against their rows. */
struct bw_call;

const char *bw_call_text(const struct bw_call *call, const char *option); /* NULL when absent */
int64_t bw_call_num(const struct bw_call *call, const char *option);      /* NUM, SIZE, TIME */
bool bw_call_flag(const struct bw_call *call, const char *option);
bool bw_call_has(const struct bw_call *call, const char *option); /* given by the user or the config file */
size_t bw_call_count(const struct bw_call *call, const char *option);
const char *bw_call_nth(const struct bw_call *call, const char *option, size_t n);

size_t bw_call_args(const struct bw_call *call); /* operands after the options */
const char *bw_call_arg(const struct bw_call *call, size_t n);

bool bw_call_json(const struct bw_call *call);        /* --format json */
const char *bw_call_data(const struct bw_call *call); /* --data DIR; has a default */

/*
 * "breakwater import: cannot read 'x.json': permission denied", on stderr, with
 * control characters of the subject escaped. Returns `status` for
 * `return bw_complain(call, BW_EXIT_FAILED, ...)`. `next_step` (may be NULL)
 * goes on a line of its own.
 */
int bw_complain(const struct bw_call *call, enum bw_exit status, const char *next_step, const char *fmt, ...)
	BW_PRINTF(4, 5);

struct bw_command {
	const char *name;    /* the verb list ends with a row whose name is NULL */
	const char *summary; /* one line, lower case, no full stop */
	const char *usage;   /* operands, e.g. "[--since TIME] LOG..." */
	const char *details; /* paragraphs for the manual and --help; NULL: none */
	const struct bw_option *options;
	const struct bw_command *verbs; /* `collection add`; then run is NULL */
	size_t min_args;
	size_t max_args; /* SIZE_MAX: any number */
	int (*run)(struct bw_call *call);
};

#endif
