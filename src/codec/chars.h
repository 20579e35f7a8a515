/*
 * Character classes of the HTTP grammars as one table, shared by the parsers
 * of this room.
 */
#ifndef BW_CODEC_CHARS_H
#define BW_CODEC_CHARS_H

#include "base/bytes.h"

enum {
	BW_CHAR_TOKEN = 1,   /* tchar, RFC 9110 5.6.2 */
	BW_CHAR_VALUE = 2,   /* inside a field value: HTAB, SP, VCHAR, obs-text; 5.5 */
	BW_CHAR_TARGET = 4,  /* request target: visible ASCII without '#', which starts a fragment */
	BW_CHAR_HOST = 8,    /* uri-host and port without userinfo, RFC 3986 3.2.2 */
	BW_CHAR_QUOTED = 16, /* qdtext, RFC 9110 5.6.4 */
	BW_CHAR_PLAIN = 32,  /* visible ASCII and blanks that percent-decoding leaves alone */
	BW_CHAR_PLUS = 64,   /* '+', which it leaves alone in a path */
};

extern const uint8_t bw_char_classes[256];

static inline bool bw_char_is(uint8_t c, unsigned classes)
{
	return (bw_char_classes[c] & classes) != 0;
}

/* Index of the first byte from `from` on that is not of the class; text.len when all are. */
static inline size_t bw_char_span(struct bw_slice text, size_t from, unsigned classes)
{
	size_t i = from;

	while (i < text.len && bw_char_is(text.ptr[i], classes))
		i++;
	return i;
}

/* The same for BW_CHAR_VALUE, sixteen bytes at a time where the machine can. */
size_t bw_char_span_value(struct bw_slice text, size_t from);

#endif
