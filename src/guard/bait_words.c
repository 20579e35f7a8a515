#include "guard/bait_words.h"

#include "base/text.h"
#include "guard/bait_form.h"

/* What is beyond ASCII counts as letters: nothing falls apart in the middle of a character. */
static bool is_letter(uint8_t c)
{
	return bw_is_alpha(c) || c >= 0x80;
}

static bool is_inside(uint8_t c)
{
	return is_letter(c) || bw_is_digit(c);
}

/* The next run of letters and digits from `at` on; *out_letters: nothing else is in it. False: there is none. */
static bool next_run(struct bw_slice text, size_t *at, struct bw_slice *out, bool *out_letters)
{
	size_t from;

	while (*at < text.len && !is_inside(text.ptr[*at]))
		(*at)++;
	from = *at;
	*out_letters = true;
	while (*at < text.len && is_inside(text.ptr[*at])) {
		*out_letters = *out_letters && is_letter(text.ptr[*at]);
		(*at)++;
	}
	*out = bw_slice_sub(text, from, *at - from);
	return out->len > 0;
}

static bool is_new(const struct bw_bait_pool *pool, struct bw_slice word)
{
	for (size_t i = 0; i < pool->count; i++) {
		if (bw_slice_equals(pool->words[i], word))
			return false;
	}
	return true;
}

void bw_bait_pool_add(struct bw_bait_pool *pool, struct bw_slice text)
{
	struct bw_slice word;
	size_t at = 0;
	bool letters;

	while (pool->count < BW_BAIT_POOL_MAX && next_run(text, &at, &word, &letters)) {
		if (!letters || word.len < 2 || word.len > BW_BAIT_WORD_BYTES_MAX)
			continue;
		if (pool->different < BW_BAIT_WORDS_MIN)
			pool->different += is_new(pool, word);
		pool->words[pool->count++] = word;
	}
}

static enum bw_err add_word(const struct bw_bait_pool *pool, struct bw_slice instead, struct bw_bait_dice *dice,
			    struct bw_buf *out)
{
	const struct bw_slice word = pool->words[bw_bait_roll(dice, pool->count)];

	if (bw_is_upper(instead.ptr[0]) && bw_is_lower(word.ptr[0])) { /* a sentence begins as one */
		BW_TRY(bw_buf_add_u8(out, (uint8_t)(word.ptr[0] - 'a' + 'A')));
		return bw_buf_add(out, bw_slice_from(word, 1));
	}
	return bw_buf_add(out, word);
}

enum bw_err bw_bait_stir(const struct bw_bait_pool *pool, struct bw_slice text, struct bw_bait_dice *dice,
			 struct bw_buf *out)
{
	struct bw_slice run;
	size_t done = 0;
	size_t at = 0;
	bool letters;

	BW_NEED(pool->count > 0, UNSUPPORTED);
	while (next_run(text, &at, &run, &letters)) {
		BW_TRY(bw_buf_add(out, bw_slice_sub(text, done, at - run.len - done)));
		done = at;
		if (run.len == 1 && letters) /* "a", "I": a word as good as any */
			BW_TRY(bw_buf_add(out, run));
		else
			BW_TRY(add_word(pool, run, dice, out));
	}
	return bw_buf_add(out, bw_slice_from(text, done));
}

void bw_bait_tally(struct bw_slice text, size_t *letters, size_t *digits)
{
	*letters = 0;
	*digits = 0;
	for (size_t i = 0; i < text.len; i++) {
		*letters += is_letter(text.ptr[i]);
		*digits += bw_is_digit(text.ptr[i]);
	}
}
