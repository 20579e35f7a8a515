/* Words nearby that make sure what a number is, and sets of whole words: compared by their first letter. */
#include "accord/personal_inner.h"

enum { NEAR_BYTES = 40, LETTERS = 26, NEAR_ROWS = 8 };

#define J BW_LOOK_JOINED
#define F BW_LOOK_FREE
#define P BW_LOOK_PATH
#define L BW_LOOK_LOCAL
#define H BW_LOOK_HOST
#define N BW_LOOK_NAME

const uint8_t bw_look_classes[256] = {
	[0] = F,
	['\t'] = F | P,
	['\n'] = F | P,
	['\r'] = F | P,
	[' '] = F | P,
	['"'] = F | P,
	['%'] = L,
	['\''] = F | P | L,
	['('] = F | P,
	['*'] = F,
	['+'] = L,
	[','] = F | P,
	['-'] = L | H | N,
	['.'] = L | H | N,
	['0' ... '9'] = J | L | H | N,
	[':'] = F,
	[';'] = F | P,
	['<'] = P,
	['='] = F | P,
	['>'] = F | P,
	['A' ... 'Z'] = J | L | H | N,
	['['] = F | P,
	['_'] = J | L | N,
	['`'] = P,
	['a' ... 'z'] = J | L | H | N,
	['{'] = F | P,
	['|'] = F | P,
	[0x80 ... 0xff] = J,
};

/* ---- words nearby -------------------------------------------------------------------------------------- */

struct hint {
	const char *word;
	uint16_t says;
};

/* By the first letter; a word that goes on ("calling") counts too. */
static const struct hint hints[LETTERS][NEAR_ROWS] = {
	['a' -
	 'a'] = { { "amex", BW_NEAR_CARD }, { "address", BW_NEAR_HOME | BW_NEAR_POST }, { "avenue", BW_NEAR_HOME } },
	['b' - 'a'] = { { "build", BW_NEAR_VERSION } },
	['c' - 'a'] = { { "call", BW_NEAR_PHONE },
			{ "cell", BW_NEAR_PHONE },
			{ "contact", BW_NEAR_PHONE },
			{ "card", BW_NEAR_CARD },
			{ "credit", BW_NEAR_CARD } },
	['d' - 'a'] = { { "debit", BW_NEAR_CARD } },
	['f' - 'a'] = { { "fax", BW_NEAR_PHONE }, { "firmware", BW_NEAR_VERSION } },
	['h' - 'a'] = { { "health", BW_NEAR_NHS },
			{ "hospital no", BW_NEAR_NHS },
			{ "helpdesk", BW_NEAR_PHONE },
			{ "home", BW_NEAR_HOME } },
	['l' - 'a'] = { { "lane", BW_NEAR_HOME }, { "live", BW_NEAR_HOME }, { "london", BW_NEAR_HOME } },
	['m' - 'a'] = { { "mobile", BW_NEAR_PHONE }, { "mastercard", BW_NEAR_CARD } },
	['n' - 'a'] = { { "nhs", BW_NEAR_NHS },
			{ "nino", BW_NEAR_NINO },
			{ "national insurance", BW_NEAR_NINO },
			{ "ni number", BW_NEAR_NINO },
			{ "ni no", BW_NEAR_NINO } },
	['p' - 'a'] = { { "patient", BW_NEAR_NHS },
			{ "phone", BW_NEAR_PHONE },
			{ "pan", BW_NEAR_CARD },
			{ "postal code", BW_NEAR_ZIP },
			{ "postcode", BW_NEAR_HOME | BW_NEAR_POST } },
	['r' - 'a'] = { { "ring", BW_NEAR_PHONE },
			{ "release", BW_NEAR_VERSION },
			{ "road", BW_NEAR_HOME },
			{ "resid", BW_NEAR_HOME } },
	['s' - 'a'] = { { "sms", BW_NEAR_PHONE },
			{ "ssn", BW_NEAR_SSN },
			{ "social security", BW_NEAR_SSN },
			{ "street", BW_NEAR_HOME } },
	['t' - 'a'] = { { "tel", BW_NEAR_PHONE } },
	['v' - 'a'] = { { "visa", BW_NEAR_CARD }, { "version", BW_NEAR_VERSION } },
	['w' - 'a'] = { { "whatsapp", BW_NEAR_PHONE } },
	['z' - 'a'] = { { "zip", BW_NEAR_ZIP } },
};

/* What the words that begin at `at` and end by `end` say. */
static unsigned hints_at(const uint8_t *p, size_t at, size_t end)
{
	const uint8_t letter = (uint8_t)(p[at] | 0x20);
	unsigned says = 0;

	if (!bw_is_lower(letter))
		return 0;
	for (const struct hint *hint = hints[letter - 'a']; hint < hints[letter - 'a'] + NEAR_ROWS; hint++) {
		size_t n = 1;

		if (hint->word == NULL)
			break;
		while (hint->word[n] != '\0' && at + n < end && bw_to_lower(p[at + n]) == (uint8_t)hint->word[n])
			n++;
		if (hint->word[n] == '\0')
			says |= hint->says;
	}
	return says;
}

bool bw_look_near(struct bw_look *look, size_t at, unsigned what)
{
	const uint8_t *p = look->text.ptr;
	const size_t from = at > NEAR_BYTES ? at - NEAR_BYTES : 0;
	bool inside = false; /* of a word; where we begin counts as the start of one */

	if (look->near_at != at || !look->near_known) {
		look->near = 0;
		for (size_t i = from; i < at; i++) {
			const bool letter = bw_is_alpha(p[i]);

			if (letter && !inside)
				look->near |= hints_at(p, i, at);
			inside = letter;
		}
		look->near_at = at;
		look->near_known = true;
		bw_look_worked(look, at - from);
	}
	return (look->near & what) != 0;
}

/* ---- sets of words ---------------------------------------------------------------------------------------- */

bool bw_look_lower(struct bw_slice word, struct bw_look_word *out)
{
	if (word.len >= sizeof(out->text))
		return false;
	memset(out->text, 0, sizeof(out->text));
	for (size_t i = 0; i < word.len; i++)
		out->text[i] = (char)bw_to_lower(word.ptr[i]);
	return true;
}
