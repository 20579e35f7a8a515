/* Words thrown together: what texts and documents of bait share. Pure. */
#ifndef BW_GUARD_BAIT_WORDS_H
#define BW_GUARD_BAIT_WORDS_H

#include "guard/bait_dice.h"

enum { BW_BAIT_POOL_MAX = 8192, BW_BAIT_WORD_BYTES_MAX = 64 };

struct bw_bait_pool {
	size_t count;
	size_t different;                        /* at least so many different ones; counted up to BW_BAIT_WORDS_MIN */
	struct bw_slice words[BW_BAIT_POOL_MAX]; /* borrow; of letters alone, two at least */
};

/* Adds the words of valid UTF-8; what does not fit is passed over. */
void bw_bait_pool_add(struct bw_bait_pool *pool, struct bw_slice text);

/* `text` again, every word and number of it another word of the pool. The pool has a word. */
BW_MUST_USE enum bw_err bw_bait_stir(const struct bw_bait_pool *pool, struct bw_slice text, struct bw_bait_dice *dice,
				     struct bw_buf *out);

/* How many letters and how many digits. */
void bw_bait_tally(struct bw_slice text, size_t *letters, size_t *digits);

#endif
