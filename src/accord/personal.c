#include "accord/personal.h"

#include "accord/personal_inner.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { WORD_LONGEST = 34 }; /* an IBAN is the longest that is looked for */

static const char *const rows[BW_PERSONAL_COUNT][2] = {
#define X(name, text, words) { text, words },
	BW_PERSONAL_ROWS(X)
#undef X
};

const char *bw_personal_name(enum bw_personal kind)
{
	return kind < BW_PERSONAL_COUNT ? rows[kind][0] : "";
}

const char *bw_personal_words(enum bw_personal kind)
{
	return kind < BW_PERSONAL_COUNT ? rows[kind][1] : "";
}

/* ---- what the checks share ---------------------------------------------------------------------- */

void bw_look_tell(struct bw_look *look, enum bw_personal kind, size_t at, size_t end, unsigned certainty)
{
	struct bw_personal_list *list = look->list;

	if (certainty < BW_PERSONAL_UNSURE || at < look->done || end > look->text.len)
		return;
	look->done = end;
	if (list->count == BW_PERSONAL_FOUND_MAX) {
		list->is_more = true;
		return;
	}
	list->of[list->count++] = (struct bw_personal_found){ at, (uint32_t)(end - at), (uint8_t)kind,
							      (uint8_t)certainty };
}

/* ---- the pass ------------------------------------------------------------------------------------- */

static bool is_anchor(uint8_t c)
{
	return bw_is_digit(c) || c == '@' || c == '.' || c == ':' || c == '\\' || c == '/';
}

/* The next byte that something could be recognised by. '.', '/', digits and ':' are neighbours in ASCII. */
static size_t next_anchor(struct bw_slice text, size_t at)
{
#ifdef __SSE2__
	while (at + 16 <= text.len) {
		__m128i bytes;
		__m128i low;
		unsigned mask;

		memcpy(&bytes, text.ptr + at, sizeof(bytes));
		low = _mm_sub_epi8(bytes, _mm_set1_epi8('.'));
		low = _mm_cmpeq_epi8(_mm_min_epu8(low, _mm_set1_epi8(':' - '.')), low);
		low = _mm_or_si128(low, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('@')));
		low = _mm_or_si128(low, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
		mask = (unsigned)_mm_movemask_epi8(low);
		if (mask != 0)
			return at + (unsigned)__builtin_ctz(mask);
		at += 16;
	}
#endif
	while (at < text.len && !is_anchor(text.ptr[at]))
		at++;
	return at;
}

/* The word around a digit: letters and digits. */
static size_t look_word(struct bw_look *look, size_t digit)
{
	const uint8_t *p = look->text.ptr;
	size_t start = digit;
	size_t end = digit;
	bool mixed = false;

	while (start > look->done && digit - start <= WORD_LONGEST && bw_is_alnum(p[start - 1])) {
		start--;
		mixed = true; /* letters: the first digit is where we came in */
	}
	while (end < look->text.len && bw_is_alnum(p[end])) {
		mixed = mixed || !bw_is_digit(p[end]);
		end++;
	}
	bw_look_worked(look, end - start);
	if (end - start > WORD_LONGEST)
		return end;
	return mixed ? bw_look_mixed(look, start, end) : bw_look_number(look, start, end);
}

static size_t look_at(struct bw_look *look, size_t at)
{
	switch (look->text.ptr[at]) {
	case '@':
		return bw_look_mail(look, at);
	case '.':
		return bw_look_host(look, at);
	case ':':
		return bw_look_ipv6(look, at);
	case '\\':
	case '/':
		return bw_look_path(look, at);
	default:
		return look_word(look, at);
	}
}

void bw_personal_scan(struct bw_slice text, struct bw_personal_list *out)
{
	struct bw_look look = { .text = text, .list = out };
	size_t at = 0;

	out->count = 0;
	out->is_more = false;
	out->work = 0;
	while ((at = next_anchor(text, at)) < text.len) {
		const size_t next = look_at(&look, at);

		at = next > at ? next : at + 1;
	}
	if (out->count > 0)
		bw_look_names(&look);
}
