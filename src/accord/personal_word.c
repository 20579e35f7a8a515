/* Words with letters and digits: National Insurance numbers, bank accounts, postcodes. */
#include "accord/personal_inner.h"

static bool is_free_before(const struct bw_look *look, size_t at)
{
	return at == 0 || bw_look_is(look->text.ptr[at - 1], BW_LOOK_FREE);
}

static bool is_free_after(const struct bw_look *look, size_t end)
{
	const uint8_t c = bw_look_byte(look, end);
	const uint8_t next = bw_look_byte(look, end + 1);

	if (bw_is_joined(c) || c == '/' || c == '\\' || c == '@')
		return false;
	return !((c == '-' || c == '.' || c == ':') && bw_is_alnum(next));
}

/* ---- National Insurance numbers ---------------------------------------------------------------- */

/* HMRC's manual NIM39110: letters that are not used, and pairs that are not. */
static bool is_nino_prefix(uint8_t a, uint8_t b)
{
	static const char never[] = "BG GB KN NK NT TN ZZ ";
	const char pair[4] = { (char)a, (char)b, ' ', '\0' };

	return bw_is_upper(a) && bw_is_upper(b) && strchr("DFIQUV", a) == NULL && strchr("DFIOQUV", b) == NULL &&
	       strstr(never, pair) == NULL;
}

/* "AB123456C" or "AB 12 34 56 C"; its end, 0 for none. */
static size_t nino_end(const struct bw_look *look, size_t at)
{
	const uint8_t *p = look->text.ptr;
	size_t i = at + 2;
	const bool spaced = bw_look_byte(look, i) == ' ';

	if (at + 9 > look->text.len || !is_nino_prefix(p[at], p[at + 1]))
		return 0;
	for (unsigned pair = 0; pair < 3; pair++) {
		if (spaced && bw_look_byte(look, i++) != ' ')
			return 0;
		if (!bw_is_digit(bw_look_byte(look, i)) || !bw_is_digit(bw_look_byte(look, i + 1)))
			return 0;
		i += 2;
	}
	if (spaced && bw_look_byte(look, i++) != ' ')
		return 0;
	if (bw_look_byte(look, i) < 'A' || bw_look_byte(look, i) > 'D')
		return 0;
	return i + 1;
}

/* ---- bank accounts -------------------------------------------------------------------------------- */

/* ISO 13616 registry: country and length, four characters each. */
static unsigned iban_length(uint8_t a, uint8_t b)
{
	static const char lengths[] = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29"
				      "ES24FI18FO18FR27GB22GE22"
				      "GI23GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21"
				      "LY25MC27MD24ME22MK19MR27"
				      "MT31MU30NL18NO15PK24PL28PS29PT25QA29RO24RS22SA24SC31SE24SI19SK24SM27ST25SV28TL23"
				      "TN24TR26UA29VA22VG24XK20";

	for (size_t i = 0; i + 3 < sizeof(lengths); i += 4)
		if (lengths[i] == (char)a && lengths[i + 1] == (char)b)
			return (unsigned)(lengths[i + 2] - '0') * 10 + (unsigned)(lengths[i + 3] - '0');
	return 0;
}

static unsigned mod97_add(unsigned rest, uint8_t c)
{
	return bw_is_digit(c) ? (rest * 10 + (c - '0')) % 97
			      : (rest * 100 + (unsigned)(bw_to_lower(c) - 'a') + 10) % 97;
}

/* Upper case, whole or in fours; its end, 0 for none. */
static size_t iban_end(const struct bw_look *look, size_t at)
{
	const uint8_t *p = look->text.ptr;
	uint8_t flat[36];
	unsigned want;
	unsigned count = 0;
	unsigned rest = 0;
	size_t i = at;

	if (at + 4 > look->text.len || !bw_is_digit(p[at + 2]) || !bw_is_digit(p[at + 3]))
		return 0;
	want = iban_length(p[at], p[at + 1]);
	while (count < want) {
		const uint8_t c = bw_look_byte(look, i++);

		if (c == ' ' && count % 4 == 0 && count > 0)
			continue;
		if (!bw_is_digit(c) && !bw_is_upper(c))
			return 0;
		flat[count++] = c;
	}
	for (unsigned n = 4; n < want; n++)
		rest = mod97_add(rest, flat[n]);
	for (unsigned n = 0; n < 4 && n < want; n++)
		rest = mod97_add(rest, flat[n]);
	return want > 0 && rest == 1 ? i : 0;
}

/* ---- postcodes --------------------------------------------------------------------------------------- */

/* The 124 areas of Royal Mail, by the first letter; a blank where that is all. */
static bool is_area(const uint8_t *p, size_t len)
{
	static const char seconds[26][20] = {
		['A' - 'A'] = "BL",        ['B' - 'A'] = " ABDFHLNRST", ['C' - 'A'] = "ABFHMORTVW",
		['D' - 'A'] = "ADEGHLNTY", ['E' - 'A'] = " CHNX",       ['F' - 'A'] = "KY",
		['G' - 'A'] = " LUY",      ['H' - 'A'] = "ADGPRSUX",    ['I' - 'A'] = "GMPV",
		['J' - 'A'] = "E",         ['K' - 'A'] = "ATWY",        ['L' - 'A'] = " ADELNSU",
		['M' - 'A'] = " EKL",      ['N' - 'A'] = " EGNPRW",     ['O' - 'A'] = "LX",
		['P' - 'A'] = "AEHLOR",    ['R' - 'A'] = "GHM",         ['S' - 'A'] = " AEGKLMNOPRSTWY",
		['T' - 'A'] = "ADFNQRSW",  ['U' - 'A'] = "B",           ['W' - 'A'] = " ACDFNRSV",
		['Y' - 'A'] = "O",         ['Z' - 'A'] = "E",
	};

	return len == 1 || len == 2 ? strchr(seconds[p[0] - 'A'], len == 2 ? p[1] : ' ') != NULL : false;
}

/* The first half: letters of an area, a digit, perhaps one more digit or letter. */
static bool is_outward(const uint8_t *p, size_t len)
{
	size_t letters = 0;

	while (letters < len && bw_is_upper(p[letters]))
		letters++;
	if (len <= letters || len > letters + 2 || !bw_is_digit(p[letters]) || !is_area(p, letters))
		return false;
	return len == letters + 1 || bw_is_digit(p[letters + 1]) || bw_is_upper(p[letters + 1]);
}

/* The second half: a digit and two letters that never look like others. */
static bool is_inward(const struct bw_look *look, size_t at)
{
	const uint8_t a = bw_look_byte(look, at + 1);
	const uint8_t b = bw_look_byte(look, at + 2);

	return bw_is_digit(bw_look_byte(look, at)) && bw_is_upper(a) && bw_is_upper(b) && strchr("CIKMOV", a) == NULL &&
	       strchr("CIKMOV", b) == NULL && is_free_after(look, at + 3);
}

/* Does the line before it read like an address: a comma or a town just before? */
static unsigned postcode_certainty(struct bw_look *look, size_t at)
{
	return bw_look_near(look, at, BW_NEAR_HOME) ? 95 : 84;
}

static size_t look_postcode(struct bw_look *look, size_t at, size_t end)
{
	const uint8_t *p = look->text.ptr;
	const size_t len = end - at;

	if (len <= 4 && is_outward(p + at, len) && bw_look_byte(look, end) == ' ' && is_inward(look, end + 1)) {
		bw_look_tell(look, BW_PERSONAL_POSTCODE, at, end + 4, postcode_certainty(look, at));
		return end + 4;
	}
	if (len >= 5 && len <= 7 && is_outward(p + at, len - 3) && is_inward(look, end - 3)) {
		bw_look_tell(look, BW_PERSONAL_POSTCODE, at, end, bw_look_near(look, at, BW_NEAR_POST) ? 90 : 0);
		return end;
	}
	return 0;
}

bool bw_look_spaced_nino(struct bw_look *look, size_t digits)
{
	size_t end;

	if (digits < look->done + 3 || look->text.ptr[digits - 1] != ' ' || !is_free_before(look, digits - 3))
		return false;
	end = nino_end(look, digits - 3);
	if (end == 0 || !is_free_after(look, end))
		return false;
	bw_look_tell(look, BW_PERSONAL_NINO, digits - 3, end, 94);
	return true;
}

size_t bw_look_mixed(struct bw_look *look, size_t at, size_t end)
{
	size_t found;

	if (!bw_is_upper(look->text.ptr[at]) || !is_free_before(look, at))
		return end;
	found = iban_end(look, at);
	if (found > 0 && is_free_after(look, found)) {
		bw_look_tell(look, BW_PERSONAL_IBAN, at, found, 99);
		return found;
	}
	found = nino_end(look, at);
	if (found > 0 && is_free_after(look, found)) {
		bw_look_tell(look, BW_PERSONAL_NINO, at, found, bw_look_near(look, at, BW_NEAR_NINO) ? 98 : 86);
		return found;
	}
	found = look_postcode(look, at, end);
	return found > 0 ? found : end;
}
