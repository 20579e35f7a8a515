/* What the commands share that look at objects under an accord: `accord preview`, `accord explain`. */
#ifndef BW_ACCORD_LOOKING_H
#define BW_ACCORD_LOOKING_H

#include "accord/book.h"
#include "accord/outlook.h"
#include "desk/desk_command.h"

struct bw_looking {
	const struct bw_call *call;
	struct bw_facts_child *child; /* started before anything else was open */
	struct bw_arena arena;
	struct bw_book book;
	struct bw_desk *desk;
	struct bw_sources *sources;
	struct bw_why why;
};

/* Runs `work` with all of it open, and says what went wrong; the exit status. */
int bw_looking_run(struct bw_call *call, enum bw_err (*work)(struct bw_looking *l));

#endif
