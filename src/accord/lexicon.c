#include "accord/lexicon.h"

#include <stdlib.h>

#include "crypto/hash.h"

enum { FIRST_SLOTS = 128 };

struct bw_lexicon {
	uint8_t key[BW_SIPHASH_KEY_BYTES];
	struct bw_slice *words; /* by number; each owned */
	uint32_t *slots;        /* number + 1; 0: free; twice as many as words fit */
	size_t slot_count;
	uint32_t count;
};

enum bw_err bw_lexicon_new(struct bw_lexicon **out)
{
	struct bw_lexicon *lexicon = calloc(1, sizeof(*lexicon));

	BW_NEED(lexicon != NULL, MEMORY);
	lexicon->words = calloc(FIRST_SLOTS / 2, sizeof(struct bw_slice));
	lexicon->slots = calloc(FIRST_SLOTS, sizeof(uint32_t));
	lexicon->slot_count = FIRST_SLOTS;
	bw_random(lexicon->key, sizeof(lexicon->key));
	if (lexicon->words == NULL || lexicon->slots == NULL) {
		bw_lexicon_free(lexicon);
		return BW_ERR_MEMORY;
	}
	*out = lexicon;
	return BW_OK;
}

void bw_lexicon_free(struct bw_lexicon *lexicon)
{
	if (lexicon == NULL)
		return;
	for (uint32_t i = 0; lexicon->words != NULL && i < lexicon->count; i++)
		free((void *)(uintptr_t)lexicon->words[i].ptr);
	free(lexicon->words);
	free(lexicon->slots);
	free(lexicon);
}

static size_t slot_of(const struct bw_lexicon *lexicon, struct bw_slice word)
{
	size_t at = (size_t)bw_siphash(lexicon->key, word) & (lexicon->slot_count - 1);

	while (lexicon->slots[at] != 0 && !bw_slice_equals(lexicon->words[lexicon->slots[at] - 1], word))
		at = (at + 1) & (lexicon->slot_count - 1);
	return at;
}

static enum bw_err grow(struct bw_lexicon *lexicon)
{
	const size_t more = lexicon->slot_count * 2;
	struct bw_slice *words;
	uint32_t *slots;

	if ((size_t)lexicon->count < lexicon->slot_count / 2)
		return BW_OK;
	words = reallocarray(lexicon->words, more / 2, sizeof(*words));
	BW_NEED(words != NULL, MEMORY);
	lexicon->words = words;
	slots = calloc(more, sizeof(*slots));
	BW_NEED(slots != NULL, MEMORY);
	free(lexicon->slots);
	lexicon->slots = slots;
	lexicon->slot_count = more;
	for (uint32_t i = 0; i < lexicon->count; i++)
		slots[slot_of(lexicon, words[i])] = i + 1;
	return BW_OK;
}

enum bw_err bw_lexicon_add(struct bw_lexicon *lexicon, struct bw_slice word, uint32_t *out)
{
	const uint32_t known = bw_lexicon_find(lexicon, word);
	uint8_t *copy;

	if (known != BW_WORD_NONE) {
		*out = known;
		return BW_OK;
	}
	BW_NEED(lexicon->count < BW_LEXICON_MAX, TOO_MANY);
	BW_TRY(grow(lexicon));
	copy = malloc(word.len + 1);
	BW_NEED(copy != NULL, MEMORY);
	memcpy(copy, word.ptr, word.len);
	lexicon->words[lexicon->count] = (struct bw_slice){ copy, word.len };
	lexicon->slots[slot_of(lexicon, word)] = lexicon->count + 1; /* before the word counts: the slot is free */
	*out = lexicon->count++;
	return BW_OK;
}

uint32_t bw_lexicon_find(const struct bw_lexicon *lexicon, struct bw_slice word)
{
	return lexicon->slots[slot_of(lexicon, word)] - 1; /* a free slot's 0 becomes BW_WORD_NONE */
}

struct bw_slice bw_lexicon_word(const struct bw_lexicon *lexicon, uint32_t number)
{
	return number < lexicon->count ? lexicon->words[number] : bw_slice_empty;
}
