/* Between facts.c and facts_form.c; no door. */
#ifndef BW_ACCORD_FACTS_INNER_H
#define BW_ACCORD_FACTS_INNER_H

#include "accord/facts.h"

enum { BW_ITEM_SCOPE = 1, BW_ITEM_DEFINITION, BW_ITEM_OBJECT, BW_ITEM_DERIVE };

/* One item of a question. Borrows from it and from the arena. */
struct bw_item {
	uint8_t kind;
	uint16_t scope;
	uint8_t profile;
	struct bw_slice marking;
	struct bw_slice object;
	struct bw_redact_plan plan;
};

BW_MUST_USE enum bw_err bw_question_open(struct bw_slice bytes, struct bw_cursor *out);

/* NOT_FOUND at the end. */
BW_MUST_USE enum bw_err bw_question_next(struct bw_cursor *in, struct bw_arena *arena, struct bw_item *out);

BW_MUST_USE enum bw_err bw_answer_begin(struct bw_buf *out);
BW_MUST_USE enum bw_err bw_answer_add(struct bw_buf *out, const struct bw_told *told);

#endif
