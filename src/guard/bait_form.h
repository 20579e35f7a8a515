/*
 * What a bait file holds: a file of the same format as its model, laid out like it, whose sentences are its words
 * thrown together. Pure; works on strangers' bytes, so it runs in a process that holds nothing (guard/bait_child.h).
 *
 *   texts and tables   UTF-8: every word is another word of the model, every number too
 *   documents          ZIP containers of OOXML and ODF: member by member as in the model, words changed as in texts
 *
 * No number of the model is in it, as itself or as another: nobody shall find a wrong date, mark or dose that looks
 * right. So tables of numbers, spreadsheets and whatever holds pictures, macros, signatures or foreign objects are
 * refused, and so is what has too few words to make nonsense of.
 */
#ifndef BW_GUARD_BAIT_FORM_H
#define BW_GUARD_BAIT_FORM_H

#include "guard/bait_dice.h"

enum bw_bait_kind {
	BW_BAIT_NONE, /* of this kind no bait is made */
	BW_BAIT_TEXT,
	BW_BAIT_TABLE, /* a text whose first line stays */
	BW_BAIT_DOCUMENT,
};

enum {
	BW_BAIT_MODEL_BYTES_MIN = 256,
	BW_BAIT_MODEL_BYTES_MAX = 192 * 1024,
	BW_BAIT_BYTES_MAX = 256 * 1024,
	BW_BAIT_WORDS_MIN = 24, /* different ones; with fewer a reader could take it for the model */
};

/* By the ending of the name, any case. */
enum bw_bait_kind bw_bait_kind_of(struct bw_slice name);

/* What people make and keep, by the ending: papers, tables, pictures, recordings; also of kinds no bait is made of. */
bool bw_bait_is_paper(struct bw_slice name);

/*
 * UNSUPPORTED: nothing can be made of this model, for whatever reason lies in its bytes. TOO_BIG: more than
 * BW_BAIT_BYTES_MAX. MEMORY.
 */
BW_MUST_USE enum bw_err bw_bait_form(enum bw_bait_kind kind, struct bw_slice model, struct bw_bait_dice *dice,
				     struct bw_buf *out);

#endif
