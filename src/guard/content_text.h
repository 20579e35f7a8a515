/*
 * Is it text, which encoding, and does it look as if people or programs wrote it?
 * Nearly all of it is read off the histogram; only non-ASCII text costs a second pass.
 */
#ifndef BW_GUARD_CONTENT_TEXT_H
#define BW_GUARD_CONTENT_TEXT_H

#include "guard/content_count.h"
#include "guard/content_format.h"

struct bw_text_look {
	enum bw_format format; /* ASCII, UTF8, UTF16, LATIN or UNKNOWN */
	uint8_t controls;      /* as in struct bw_content */
	uint8_t letters;
	uint8_t spaces;
	bool noise;
	bool even;
	bool flat;
};

/* `count` is the histogram of the whole sample. */
void bw_text_look(const struct bw_sample *sample, const struct bw_count *count, struct bw_text_look *out);

#endif
