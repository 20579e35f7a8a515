/*
 * Names beside what was found. A name by itself cannot be told from "Remote Desktop";
 * beside a telephone number, two words in capitals are somebody's, unless they are
 * words that reports use.
 */
#include "accord/personal_inner.h"

enum { BESIDE = 48, NAMES_MAX = 16, REPORTS_ROWS = 17 };

static bool names_a_person(enum bw_personal kind)
{
	/* before a postcode or a ZIP stands a place: its words are in capitals too */
	return kind <= BW_PERSONAL_PHONE;
}

/* The word that ends at `end`: its start. Letters, hyphens and apostrophes, and what is not ASCII. */
static size_t word_start(const struct bw_look *look, size_t end, size_t floor)
{
	const uint8_t *p = look->text.ptr;

	while (end > floor &&
	       (bw_is_alpha(p[end - 1]) || p[end - 1] >= 0x80 || p[end - 1] == '-' || p[end - 1] == '\''))
		end--;
	return end;
}

/* By the first letter. */
static bool is_reports_word(struct bw_slice word)
{
	static const struct bw_look_word words[26][REPORTS_ROWS] = {
		['a' - 'a'] = { { "access" },
				{ "account" },
				{ "address" },
				{ "advisory" },
				{ "agency" },
				{ "alert" },
				{ "and" },
				{ "april" },
				{ "attack" },
				{ "august" },
				{ "avenue" } },
		['b' - 'a'] = { { "bank" }, { "bureau" }, { "by" } },
		['c' - 'a'] = { { "call" },
				{ "campaign" },
				{ "card" },
				{ "center" },
				{ "centre" },
				{ "cisa" },
				{ "client" },
				{ "contact" },
				{ "council" },
				{ "court" },
				{ "credit" },
				{ "cyber" } },
		['d' - 'a'] = { { "data" },
				{ "debit" },
				{ "december" },
				{ "defender" },
				{ "department" },
				{ "desktop" },
				{ "detected" },
				{ "duty" } },
		['e' - 'a'] = { { "e-mail" }, { "email" }, { "emails" }, { "exfiltrated" } },
		['f' - 'a'] = { { "fax" },
				{ "fbi" },
				{ "february" },
				{ "federal" },
				{ "file" },
				{ "for" },
				{ "friday" },
				{ "from" } },
		['g' - 'a'] = { { "group" } },
		['h' - 'a'] = { { "head" }, { "help" }, { "helpdesk" }, { "hospital" }, { "hotline" } },
		['i' - 'a'] = { { "iban" }, { "incident" }, { "indicator" }, { "insurance" } },
		['j' - 'a'] = { { "january" }, { "july" }, { "june" } },
		['k' - 'a'] = { { "kingdom" } },
		['l' - 'a'] = { { "lane" }, { "lead" }, { "leaked" }, { "line" }, { "london" } },
		['m' - 'a'] = { { "mail" },
				{ "malware" },
				{ "march" },
				{ "mastercard" },
				{ "may" },
				{ "microsoft" },
				{ "mobile" },
				{ "monday" } },
		['n' - 'a'] = { { "national" },
				{ "ncsc" },
				{ "nhs" },
				{ "ni" },
				{ "nino" },
				{ "november" },
				{ "number" } },
		['o' - 'a'] = { { "october" }, { "office" }, { "officer" }, { "on" }, { "or" }, { "our" } },
		['p' - 'a'] = { { "patient" },
				{ "payment" },
				{ "phone" },
				{ "please" },
				{ "police" },
				{ "post" },
				{ "postcode" } },
		['r' - 'a'] = { { "ransom" },
				{ "ransomware" },
				{ "records" },
				{ "reference" },
				{ "remote" },
				{ "report" },
				{ "reported" },
				{ "ring" },
				{ "road" } },
		['s' - 'a'] = { { "sample" },
				{ "saturday" },
				{ "school" },
				{ "security" },
				{ "seen" },
				{ "september" },
				{ "server" },
				{ "service" },
				{ "social" },
				{ "ssn" },
				{ "staff" },
				{ "states" },
				{ "stolen" },
				{ "street" },
				{ "sunday" },
				{ "support" },
				{ "suspect" } },
		['t' - 'a'] = { { "team" },
				{ "tel" },
				{ "telephone" },
				{ "text" },
				{ "the" },
				{ "their" },
				{ "threat" },
				{ "thursday" },
				{ "to" },
				{ "trust" },
				{ "tuesday" } },
		['u' - 'a'] = { { "unit" }, { "united" }, { "user" } },
		['v' - 'a'] = { { "victim" }, { "visa" } },
		['w' - 'a'] = { { "wednesday" }, { "windows" }, { "with" } },
		['z' - 'a'] = { { "zip" } },
	};
	struct bw_look_word small;
	const struct bw_look_word *row;

	if (!bw_look_lower(word, &small) || !bw_is_lower((uint8_t)small.text[0]))
		return false;
	row = words[small.text[0] - 'a'];
	for (size_t i = 0; i < REPORTS_ROWS && row[i].text[0] != '\0'; i++)
		if (bw_look_same(&row[i], &small))
			return true;
	return false;
}

static bool is_title(struct bw_slice word)
{
	static const struct bw_look_word titles[] = { { "mr" },   { "mrs" }, { "ms" },    { "miss" }, { "dr" },
						      { "prof" }, { "sir" }, { "nurse" }, { "sgt" },  { "cllr" } };
	struct bw_look_word small;

	if (word.len < 2 || word.len > 5 || !bw_look_lower(word, &small))
		return false;
	for (size_t i = 0; i < BW_COUNT(titles); i++)
		if (bw_look_same(&titles[i], &small))
			return true;
	return false;
}

static bool is_capital_word(struct bw_slice word)
{
	if (word.len < 2 || !bw_is_upper(word.ptr[0]) || is_reports_word(word))
		return false;
	for (size_t i = 1; i < word.len; i++)
		if (bw_is_lower(word.ptr[i]))
			return true;
	return false; /* all capitals: an abbreviation */
}

/* The letters of a surname inside an e-mail's local part make it sure. */
static bool stands_in_mail(struct bw_look *look, const struct bw_personal_found *found, struct bw_slice word)
{
	const struct bw_slice mail = bw_slice_sub(look->text, found->at, found->len);

	if (found->kind != BW_PERSONAL_EMAIL || word.len < 3)
		return false;
	for (size_t i = 0; i + word.len <= mail.len; i++) {
		bw_look_worked(look, word.len);
		if (strncasecmp((const char *)mail.ptr + i, (const char *)word.ptr, word.len) == 0)
			return true;
	}
	return false;
}

struct name {
	size_t at;
	size_t end;
	unsigned certainty;
};

/* Two capital words that end at `end`, with an initial or a title where there is one. */
static bool name_ending_at(struct bw_look *look, size_t end, size_t floor, const struct bw_personal_found *by,
			   struct name *out)
{
	const uint8_t *p = look->text.ptr;
	const size_t second = word_start(look, end, floor);
	const struct bw_slice last = bw_slice_sub(look->text, second, end - second);
	size_t gap;
	size_t first;
	struct bw_slice given;

	if (!is_capital_word(last) || second < floor + 2 || p[second - 1] != ' ')
		return false;
	gap = second - 1;
	if (gap > floor && p[gap - 1] == '.')
		gap--; /* "Mr. Webb" */
	first = word_start(look, gap, floor);
	given = bw_slice_sub(look->text, first, gap - first);
	bw_look_worked(look, end - first);
	if (is_title(given)) {
		*out = (struct name){ first, end, 90 };
		return true;
	}
	if (!is_capital_word(given))
		return false;
	*out = (struct name){ first, end, 60 };
	if (first >= floor + 3 && p[first - 1] == ' ') {
		const size_t before = first - 1 - (p[first - 2] == '.');
		const size_t start = word_start(look, before, floor);

		if (is_title(bw_slice_sub(look->text, start, before - start)))
			*out = (struct name){ start, end, 92 };
	}
	if (stands_in_mail(look, by, last))
		out->certainty = 95;
	return true;
}

/* The nearest before a finding, in the same sentence. */
static bool name_before(struct bw_look *look, const struct bw_personal_found *by, size_t floor, struct name *out)
{
	const uint8_t *p = look->text.ptr;
	size_t end = by->at;

	if (floor + BESIDE < by->at)
		floor = by->at - BESIDE;
	while (end > floor) {
		const size_t start = word_start(look, end, floor);

		bw_look_worked(look, end - start + 1);
		if (start < end && name_ending_at(look, end, floor, by, out))
			return true;
		end = start < end ? start : end - 1;
		if (p[end] == '\n' || (p[end] == '.' && bw_look_byte(look, end + 1) == ' ' && end > floor + 2 &&
				       bw_is_lower(p[end - 1]) && bw_is_lower(p[end - 2]) && bw_is_lower(p[end - 3])))
			return false;
	}
	return false;
}

/* "<anna.webb@…> (Anna Webb)" and "07700 900123, Anna Webb" are the same person after it. */
static bool name_after(struct bw_look *look, const struct bw_personal_found *by, size_t ceiling, struct name *out)
{
	const uint8_t *p = look->text.ptr;
	size_t at = by->at + by->len;
	size_t word;

	while (at < ceiling && p[at] != 0 && strchr(" ,(<>", p[at]) != NULL && at < by->at + by->len + 3)
		at++;
	word = at;
	for (unsigned words = 0; words < 2; words++) {
		while (at < ceiling && (bw_is_alpha(p[at]) || p[at] == '-' || p[at] == '\'' || p[at] >= 0x80))
			at++;
		bw_look_worked(look, at - word);
		if (words == 0 && (at >= ceiling || p[at++] != ' '))
			return false;
	}
	return at > word && name_ending_at(look, at, word, by, out) && out->at == word;
}

static void insert(struct bw_personal_list *list, const struct name *name)
{
	size_t i = list->count;

	if (list->count == BW_PERSONAL_FOUND_MAX) {
		list->is_more = true;
		return;
	}
	while (i > 0 && list->of[i - 1].at > name->at) {
		list->of[i] = list->of[i - 1];
		i--;
	}
	list->of[i] = (struct bw_personal_found){ name->at, (uint32_t)(name->end - name->at), BW_PERSONAL_NAME,
						  (uint8_t)name->certainty };
	list->count++;
}

void bw_look_names(struct bw_look *look)
{
	struct bw_personal_list *list = look->list;
	struct name names[NAMES_MAX];
	size_t count = 0;
	size_t floor = 0;

	for (size_t i = 0; i < list->count && count < NAMES_MAX; i++) {
		const struct bw_personal_found *by = &list->of[i];
		const size_t ceiling = i + 1 < list->count ? list->of[i + 1].at : look->text.len;
		bool found = false;

		if (names_a_person((enum bw_personal)by->kind))
			found = name_before(look, by, floor, &names[count]) ||
				name_after(look, by, ceiling, &names[count]);
		floor = by->at + by->len;
		if (found) {
			floor = names[count].end > floor ? names[count].end : floor;
			count++;
		}
	}
	for (size_t i = 0; i < count; i++)
		insert(list, &names[i]);
}
