#include "intel/pattern_lex.h"

#include "base/text.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct keyword {
	const char *word;
	uint8_t len;
	uint8_t kind;
};

#define WORD(text, kind)                         \
	{                                        \
		(text), sizeof(text) - 1, (kind) \
	}

static const struct keyword keywords[] = {
	WORD("AND", TOK_AND),
	WORD("OR", TOK_OR),
	WORD("IN", TOK_IN),
	WORD("NOT", TOK_NOT),
	WORD("LIKE", TOK_LIKE),
	WORD("MATCHES", TOK_MATCHES),
	WORD("FOLLOWEDBY", TOK_FOLLOWEDBY),
	WORD("WITHIN", TOK_WITHIN),
	WORD("SECONDS", TOK_SECONDS),
	WORD("REPEATS", TOK_REPEATS),
	WORD("TIMES", TOK_TIMES),
	WORD("START", TOK_START),
	WORD("STOP", TOK_STOP),
	WORD("ISSUBSET", TOK_ISSUBSET),
	WORD("ISSUPERSET", TOK_ISSUPERSET),
	WORD("EXISTS", TOK_EXISTS),
	WORD("true", TOK_BOOLEAN),
	WORD("false", TOK_BOOLEAN),
};

enum { NAME = 1, HYPHEN = 2, BASE64 = 4 };

static const uint8_t classes[256] = {
	['+'] = BASE64,
	['-'] = HYPHEN,
	['/'] = BASE64,
	['0' ... '9'] = NAME | BASE64,
	['A' ... 'Z'] = NAME | BASE64,
	['_'] = NAME,
	['a' ... 'z'] = NAME | BASE64,
};

static size_t span(struct bw_slice in, size_t from, unsigned wanted)
{
	size_t i = from;

	while (i < in.len && (classes[in.ptr[i]] & wanted) != 0)
		i++;
	return i;
}

/* Index of the next apostrophe or backslash from `from` on; in.len when there is none. */
static size_t string_stop(struct bw_slice in, size_t from)
{
	size_t i = from;

#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('\'');
	const __m128i escape = _mm_set1_epi8('\\');

	while (in.len - i >= 16) {
		const __m128i block = _mm_loadu_si128((const __m128i *)(const void *)&in.ptr[i]);
		const int stops =
			_mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, escape)));

		if (stops != 0)
			return i + (size_t)__builtin_ctz((unsigned)stops);
		i += 16;
	}
#endif
	while (i < in.len && in.ptr[i] != '\'' && in.ptr[i] != '\\')
		i++;
	return i;
}

static uint8_t byte_at(const struct bw_pattern_lexer *l, size_t at)
{
	return at < l->in.len ? l->in.ptr[at] : 0;
}

static enum bw_err refuse(const struct bw_pattern_lexer *l, enum bw_err err, size_t at, const char *reason)
{
	return bw_fault_set(l->fault, err, at, reason);
}

/* Length of the white space (Unicode White_Space, as §9.4 asks) at `at`; 0: none. */
static size_t blank_length(const struct bw_pattern_lexer *l, size_t at)
{
	const uint8_t a = byte_at(l, at);
	const uint8_t b = byte_at(l, at + 1);
	const uint8_t c = byte_at(l, at + 2);

	if (a == ' ' || (a >= '\t' && a <= '\r'))
		return 1;
	if (a < 0x80)
		return 0;
	if (a == 0xc2) /* U+0085, U+00A0 */
		return b == 0x85 || b == 0xa0 ? 2 : 0;
	if (a == 0xe1) /* U+1680 */
		return b == 0x9a && c == 0x80 ? 3 : 0;
	if (a == 0xe3) /* U+3000 */
		return b == 0x80 && c == 0x80 ? 3 : 0;
	if (a != 0xe2)
		return 0;
	if (b == 0x81) /* U+205F */
		return c == 0x9f ? 3 : 0;
	/* U+2000..200A, U+2028, U+2029, U+202F */
	return b == 0x80 && (c <= 0x8a || c == 0xa8 || c == 0xa9 || c == 0xaf) && c >= 0x80 ? 3 : 0;
}

static enum bw_err skip_comment(struct bw_pattern_lexer *l)
{
	const size_t from = l->at;

	if (byte_at(l, from + 1) == '/') {
		while (l->at < l->in.len && l->in.ptr[l->at] != '\n' && l->in.ptr[l->at] != '\r')
			l->at++;
		return BW_OK;
	}
	if (byte_at(l, from + 1) != '*')
		return refuse(l, BW_ERR_SYNTAX, from, "a '/' that starts no comment");
	for (size_t i = from + 2; i + 1 < l->in.len; i++) {
		if (l->in.ptr[i] == '*' && l->in.ptr[i + 1] == '/') {
			l->at = i + 2;
			return BW_OK;
		}
	}
	return refuse(l, BW_ERR_SYNTAX, from, "a comment without its end");
}

static enum bw_err skip_between(struct bw_pattern_lexer *l)
{
	while (l->at < l->in.len) {
		const uint8_t c = l->in.ptr[l->at];
		size_t blank;

		if (c > ' ' && c < 0x80 && c != '/')
			return BW_OK;
		if (c == '/') {
			BW_TRY(skip_comment(l));
			continue;
		}
		blank = blank_length(l, l->at);
		if (blank == 0)
			return BW_OK;
		l->at += blank;
	}
	return BW_OK;
}

/* Constants in quotes; `from` is just past the opening one. */

static enum bw_err take_string(struct bw_pattern_lexer *l, size_t from, struct bw_pattern_token *t)
{
	size_t i = from;

	t->kind = TOK_STRING;
	for (;;) {
		if (i < l->in.len)
			i = string_stop(l->in, i);
		if (i >= l->in.len)
			return refuse(l, BW_ERR_SYNTAX, t->offset, "a string without its closing apostrophe");
		if (l->in.ptr[i] == '\'')
			break;
		if (byte_at(l, i + 1) != '\'' && byte_at(l, i + 1) != '\\')
			return refuse(l, BW_ERR_SYNTAX, i, "a backslash escapes an apostrophe or a backslash only");
		t->escaped = true;
		i += 2;
	}
	t->text = bw_slice_sub(l->in, from, i - from);
	l->at = i + 1;
	return BW_OK;
}

static enum bw_err take_hex(struct bw_pattern_lexer *l, size_t from, struct bw_pattern_token *t)
{
	size_t i = from;

	t->kind = TOK_HEX;
	while (i < l->in.len && bw_hex_value(l->in.ptr[i]) >= 0)
		i++;
	if (byte_at(l, i) != '\'')
		return refuse(l, BW_ERR_SYNTAX, i, "a hex constant holds hexadecimal digits only");
	if ((i - from) % 2 != 0)
		return refuse(l, BW_ERR_SYNTAX, i, "a hex constant has an even number of digits");
	t->text = bw_slice_sub(l->in, from, i - from);
	l->at = i + 1;
	return BW_OK;
}

/* RFC 4648 §4 with its padding; line feeds may stand anywhere (§9.2). */
static enum bw_err take_binary(struct bw_pattern_lexer *l, size_t from, struct bw_pattern_token *t)
{
	size_t digits = 0;
	size_t pads = 0;
	size_t i = from;

	t->kind = TOK_BINARY;
	for (; i < l->in.len && l->in.ptr[i] != '\''; i++) {
		const uint8_t c = l->in.ptr[i];

		if (c == '\n' || c == '\r')
			t->escaped = true;
		else if (c == '=')
			pads++;
		else if ((classes[c] & BASE64) != 0 && pads == 0)
			digits++;
		else
			return refuse(l, BW_ERR_SYNTAX, i, "a binary constant is base64");
	}
	if (i >= l->in.len)
		return refuse(l, BW_ERR_SYNTAX, t->offset, "a constant without its closing apostrophe");
	if (digits == 0 || pads > 2 || (digits + pads) % 4 != 0)
		return refuse(l, BW_ERR_SYNTAX, i, "a binary constant is base64 in groups of four");
	t->text = bw_slice_sub(l->in, from, i - from);
	l->at = i + 1;
	return BW_OK;
}

static bool two_digits(const uint8_t *c, unsigned min, unsigned max)
{
	const unsigned value = bw_is_digit(c[0]) && bw_is_digit(c[1]) ? (unsigned)((c[0] - '0') * 10 + (c[1] - '0'))
								      : UINT32_MAX;

	return value >= min && value <= max;
}

bool bw_pattern_is_timestamp(struct bw_slice text)
{
	const uint8_t *c = text.ptr;
	size_t i = 19;

	if (text.len < 20 || !two_digits(c, 0, 99) || !two_digits(&c[2], 0, 99) || c[4] != '-' || c[7] != '-')
		return false;
	if (!two_digits(&c[5], 1, 12) || !two_digits(&c[8], 1, 31) || c[10] != 'T')
		return false;
	if (!two_digits(&c[11], 0, 23) || c[13] != ':' || !two_digits(&c[14], 0, 59) || c[16] != ':' ||
	    !two_digits(&c[17], 0, 60))
		return false;
	if (c[i] == '.') {
		i++;
		while (i < text.len && bw_is_digit(c[i]))
			i++;
		if (i == 20)
			return false;
	}
	return i + 1 == text.len && c[i] == 'Z';
}

static enum bw_err take_timestamp(struct bw_pattern_lexer *l, size_t from, struct bw_pattern_token *t)
{
	const struct bw_slice rest = bw_slice_from(l->in, from);
	const uint8_t *end = memchr(rest.ptr, '\'', rest.len);

	t->kind = TOK_TIMESTAMP;
	if (end == NULL)
		return refuse(l, BW_ERR_SYNTAX, t->offset, "a constant without its closing apostrophe");
	t->text = bw_slice_of(rest.ptr, (size_t)(end - rest.ptr));
	if (!bw_pattern_is_timestamp(t->text))
		return refuse(l, BW_ERR_RANGE, t->offset, "a timestamp is t'YYYY-MM-DDThh:mm:ss.sssZ' in UTC");
	l->at = from + t->text.len + 1;
	return BW_OK;
}

/* Numbers and names */

static enum bw_err take_number(struct bw_pattern_lexer *l, struct bw_pattern_token *t)
{
	const size_t from = l->at;
	const size_t first = l->in.ptr[from] == '-' ? from + 1 : from;
	size_t i = first;

	while (bw_is_digit(byte_at(l, i)))
		i++;
	t->kind = TOK_INTEGER;
	if (byte_at(l, i) == '.' && bw_is_digit(byte_at(l, i + 1))) {
		t->kind = TOK_FLOAT;
		i += 2;
		while (bw_is_digit(byte_at(l, i)))
			i++;
	} else if (i == first) {
		return refuse(l, BW_ERR_SYNTAX, from, "a '-' without a number behind it");
	} else if (i - first > 1 && l->in.ptr[first] == '0') {
		return refuse(l, BW_ERR_SYNTAX, from, "an integer starts with no needless zero");
	}
	t->text = bw_slice_sub(l->in, from, i - from);
	l->at = i;
	return BW_OK;
}

static enum bw_pattern_token_kind name_kind(const struct bw_pattern_lexer *l, struct bw_slice text)
{
	const uint8_t first = text.ptr[0];

	/* properties are lower case: most names are told apart from keywords by their first letter */
	if (text.len > 10 || (bw_is_lower(first) && first != 't' && first != 'f'))
		return TOK_NAME;
	for (size_t i = 0; i < BW_COUNT(keywords); i++) {
		const struct keyword *k = &keywords[i];

		if (k->len != text.len || memcmp(k->word, text.ptr, text.len) != 0)
			continue;
		return k->kind == TOK_EXISTS && l->version == BW_PATTERN_2_0 ? TOK_NAME
									     : (enum bw_pattern_token_kind)k->kind;
	}
	return TOK_NAME;
}

static void take_name(struct bw_pattern_lexer *l, struct bw_pattern_token *t)
{
	const size_t from = l->at;
	size_t end = span(l->in, from, NAME);

	if (byte_at(l, end) == '-') {
		end = span(l->in, end, NAME | HYPHEN);
		t->kind = TOK_HYPHEN_NAME;
		t->text = bw_slice_sub(l->in, from, end - from);
	} else {
		t->text = bw_slice_sub(l->in, from, end - from);
		t->kind = name_kind(l, t->text);
	}
	l->at = end;
}

static enum bw_err take_word(struct bw_pattern_lexer *l, uint8_t c, struct bw_pattern_token *t)
{
	if (byte_at(l, l->at + 1) == '\'') {
		if (c == 'h')
			return take_hex(l, l->at + 2, t);
		if (c == 'b')
			return take_binary(l, l->at + 2, t);
		if (c == 't')
			return take_timestamp(l, l->at + 2, t);
	}
	take_name(l, t);
	return BW_OK;
}

/* Signs */

static enum bw_pattern_token_kind sign_kind(uint8_t c, uint8_t next)
{
	static const uint8_t signs[128] = {
		['['] = TOK_LBRACK, [']'] = TOK_RBRACK, ['('] = TOK_LPAREN, [')'] = TOK_RPAREN,
		[':'] = TOK_COLON,  ['.'] = TOK_DOT,    [','] = TOK_COMMA,  ['*'] = TOK_STAR,
		['='] = TOK_EQ,     ['<'] = TOK_LT,     ['>'] = TOK_GT,
	};

	if (next == '=' && (c == '<' || c == '>' || c == '!'))
		return c == '<' ? TOK_LE : c == '>' ? TOK_GE : TOK_NE;
	if (c == '<' && next == '>')
		return TOK_NE;
	return c < sizeof(signs) ? (enum bw_pattern_token_kind)signs[c] : TOK_END;
}

static enum bw_err take_sign(struct bw_pattern_lexer *l, uint8_t c, struct bw_pattern_token *t)
{
	const uint8_t next = byte_at(l, l->at + 1);
	size_t len = 1;

	t->kind = sign_kind(c, next);
	if (c == '+')
		return refuse(l, BW_ERR_SYNTAX, l->at, "numbers are written without a plus sign");
	if (t->kind == TOK_END)
		return refuse(l, BW_ERR_SYNTAX, l->at, "a character that patterns do not use here");
	if (t->kind == TOK_NE || t->kind == TOK_LE || t->kind == TOK_GE || (t->kind == TOK_EQ && next == '='))
		len = 2;
	t->text = bw_slice_sub(l->in, l->at, len);
	l->at += len;
	return BW_OK;
}

enum bw_err bw_pattern_lex(struct bw_pattern_lexer *lexer, struct bw_pattern_token *out)
{
	uint8_t c;

	BW_TRY(skip_between(lexer));
	out->offset = lexer->at;
	out->escaped = false;
	if (lexer->at >= lexer->in.len) {
		out->kind = TOK_END;
		out->text = bw_slice_empty;
		return BW_OK;
	}
	c = lexer->in.ptr[lexer->at];
	if (c == '\'')
		return take_string(lexer, lexer->at + 1, out);
	if (bw_is_alpha(c) || c == '_')
		return take_word(lexer, c, out);
	if (bw_is_digit(c) || c == '-' || (c == '.' && bw_is_digit(byte_at(lexer, lexer->at + 1))))
		return take_number(lexer, out);
	return take_sign(lexer, c, out);
}
