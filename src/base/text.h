/*
 * Character classes and small text helpers, the same in every locale.
 */
#ifndef BW_BASE_TEXT_H
#define BW_BASE_TEXT_H

#include "base/bytes.h"

static inline bool bw_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline bool bw_is_lower(uint8_t c)
{
	return c >= 'a' && c <= 'z';
}

static inline bool bw_is_upper(uint8_t c)
{
	return c >= 'A' && c <= 'Z';
}

static inline bool bw_is_alpha(uint8_t c)
{
	return bw_is_lower(c) || bw_is_upper(c);
}

static inline bool bw_is_alnum(uint8_t c)
{
	return bw_is_alpha(c) || bw_is_digit(c);
}

static inline bool bw_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static inline bool bw_is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline uint8_t bw_to_lower(uint8_t c)
{
	return bw_is_upper(c) ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* 0..15, or -1 when not a hexadecimal digit. */
int bw_hex_value(uint8_t c);

/* Writes 2*len lower-case digits and a NUL. */
void bw_hex_encode(struct bw_slice bytes, char *out);

/* Exactly 2*out_len digits, either case. SYNTAX otherwise. */
BW_MUST_USE enum bw_err bw_hex_decode(struct bw_slice text, uint8_t *out, size_t out_len);

/*
 * Well-formed UTF-8 (Unicode 15, table 3-7: no surrogates, no overlong forms).
 * On failure `at` (may be NULL) is the offset of the first bad sequence.
 */
bool bw_utf8_is_valid(struct bw_slice text, size_t *at);

/*
 * Appends `text` with controls, quotes, backslashes and bytes that are not
 * UTF-8 escaped (\n, \t, \", \\, \xNN), so that no input can forge a line or a
 * terminal sequence.
 */
BW_MUST_USE enum bw_err bw_text_escape(struct bw_buf *out, struct bw_slice text);

#endif
