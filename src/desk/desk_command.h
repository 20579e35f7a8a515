/* What the commands that stand at the desk share. */
#ifndef BW_DESK_DESK_COMMAND_H
#define BW_DESK_DESK_COMMAND_H

#include "desk/desk.h"

/* One verb, and how its answer is told. */
struct bw_errand {
	enum bw_office_verb verb;
	const struct bw_slice *fields;
	size_t count;
	const char *say;       /* text: stands before the verb's answer */
	const char *json_name; /* of the answer; NULL: the verb has none, and its first field is named instead */
	bool answer_is_number;
};

/* Opens the desk, has it done, prints; the exit status. */
int bw_errand_run(const struct bw_call *call, const struct bw_errand *errand);

/* The same without printing: for commands that have more to say. */
BW_MUST_USE enum bw_err bw_errand_do(const struct bw_call *call, const struct bw_errand *errand, struct bw_buf *result,
				     int *status);

/* The option's text, or empty. */
struct bw_slice bw_call_slice(const struct bw_call *call, const char *option);

/* Complains with what `why` says, else with the error's own words; BW_EXIT_FAILED. */
int bw_complain_why(const struct bw_call *call, enum bw_err err, const struct bw_why *why);

/* Complains "cannot WHAT: " with the store's words. */
int bw_complain_store(const struct bw_call *call, struct bw_desk *desk, enum bw_err err, const char *what);

/* Prints text from strangers: controls escaped, quotes as they are, since it stands for itself. */
void bw_print_foreign(struct bw_slice text);

/* Prints one line of JSON that was made; BW_EXIT_FAILED with a complaint when `err` says it was not. */
int bw_print_json(const struct bw_call *call, enum bw_err err, const struct bw_buf *json);

#endif
