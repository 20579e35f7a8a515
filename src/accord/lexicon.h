/*
 * Words under numbers: collections, labels and sectors, so that a decision
 * compares numbers. Numbers live as long as the lexicon, and are the same for equal bytes.
 */
#ifndef BW_ACCORD_LEXICON_H
#define BW_ACCORD_LEXICON_H

#include "base/bytes.h"

enum { BW_LEXICON_MAX = 1 << 20 }; /* words; a partner could otherwise make labels up for ever */

#define BW_WORD_NONE UINT32_MAX /* no word at all: equals none */

struct bw_lexicon;

BW_MUST_USE enum bw_err bw_lexicon_new(struct bw_lexicon **out);
void bw_lexicon_free(struct bw_lexicon *lexicon);

/* TOO_MANY, MEMORY. */
BW_MUST_USE enum bw_err bw_lexicon_add(struct bw_lexicon *lexicon, struct bw_slice word, uint32_t *out);

/* The number of a word, BW_WORD_NONE when nobody has added it: then no accord asks for it either. */
uint32_t bw_lexicon_find(const struct bw_lexicon *lexicon, struct bw_slice word);

struct bw_slice bw_lexicon_word(const struct bw_lexicon *lexicon, uint32_t number); /* empty when there is none */

#endif
