#include "intel/words.h"

/* Every list starts and ends with a line feed; a word may hold anything else. */
bool bw_words_have(const char *words, struct bw_slice word)
{
	const uint8_t *base = (const uint8_t *)words;
	size_t low = 1; /* first byte of some word */
	size_t high = strlen(words);

	if (word.len == 0 || memchr(word.ptr, '\n', word.len) != NULL)
		return false;
	while (low < high) {
		size_t from = low + (high - low) / 2;
		size_t to;
		int order;

		while (base[from - 1] != '\n')
			from--;
		for (to = from; base[to] != '\n';)
			to++;
		order = bw_slice_compare(word, bw_slice_of(base + from, to - from));
		if (order == 0)
			return true;
		if (order < 0)
			high = from;
		else
			low = to + 1;
	}
	return false;
}
