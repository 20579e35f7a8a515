/* Words of digits, alone or in groups. */
#include "accord/personal_inner.h"

/* ---- reading groups ------------------------------------------------------------------------------ */

static bool add_group(struct bw_number *n, const struct bw_look *look, size_t at, size_t digits_before, char before)
{
	size_t len = 0;

	while (bw_is_digit(bw_look_byte(look, at + len)))
		len++;
	if (len == 0 || n->groups == BW_GROUPS_MAX || digits_before + len > BW_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		n->digits[digits_before + i] = (uint8_t)(look->text.ptr[at + i] - '0');
	n->group[n->groups].at = at;
	n->group[n->groups].len = (uint8_t)len;
	n->group[n->groups].first = (uint8_t)digits_before;
	n->group[n->groups].before = before;
	n->groups++;
	n->end = at + len;
	return true;
}

/* What parts two groups: one blank, hyphen or dot, or the bracket after an area code. Its length, 0 for none. */
static size_t parting(const struct bw_look *look, const struct bw_number *n, char *out)
{
	const uint8_t c = bw_look_byte(look, n->end);
	const bool bracket = n->groups == 1 && n->prefix == '(' && c == ')';

	if (bracket) {
		*out = ')';
		return bw_look_byte(look, n->end + 1) == ' ' ? 2 : 1;
	}
	*out = (char)c;
	if (n->prefix == '+' && c == ' ' && bw_slice_is(bw_slice_sub(look->text, n->end + 1, 3), "(0)") &&
	    look->text.len - n->end > 4)
		return 4 + (bw_look_byte(look, n->end + 4) == ' ');
	return c == ' ' || c == '-' || c == '.' ? 1 : 0;
}

static void read_number(struct bw_look *look, size_t at, struct bw_number *n)
{
	size_t digits;
	size_t skip;
	char part;

	n->groups = 0;
	n->end = at;
	n->prefix = at > 0 ? (char)look->text.ptr[at - 1] : 0;
	if (!add_group(n, look, at, 0, 0))
		return;
	digits = n->group[0].len;
	while ((skip = parting(look, n, &part)) > 0 && bw_is_digit(bw_look_byte(look, n->end + skip))) {
		size_t end = n->end + skip;

		while (bw_is_digit(bw_look_byte(look, end)))
			end++;
		bw_look_worked(look, end - n->end);
		if (bw_is_joined(bw_look_byte(look, end)) || !add_group(n, look, n->end + skip, digits, part))
			break;
		digits += n->group[n->groups - 1].len;
	}
	part = (char)bw_look_byte(look, n->end);
	n->is_open = bw_is_joined((uint8_t)part) || part == '/' ||
		     ((part == '-' || part == '.' || part == ':' || part == ',') &&
		      bw_is_alnum(bw_look_byte(look, n->end + 1)));
}

/* ---- checksums -------------------------------------------------------------------------------------- */

/* Weights 10 down to 2; 11 minus the rest is the last digit, 11 counts as 0, 10 never occurs. */
static bool is_nhs(const uint8_t *d)
{
	unsigned sum = 0;
	unsigned check;

	for (unsigned i = 0; i < 9; i++)
		sum += d[i] * (10 - i);
	check = (11 - sum % 11) % 11;
	return check != 10 && check == d[9] && (d[0] == 3 || d[0] == 4 || d[0] == 6 || d[0] == 7 || d[0] == 9);
}

static bool is_luhn(const uint8_t *d, size_t len)
{
	unsigned sum = 0;

	for (size_t i = 0; i < len; i++) {
		const unsigned twice = d[len - 1 - i] * (i % 2 == 1 ? 2U : 1U);

		sum += twice > 9 ? twice - 9 : twice;
	}
	return sum % 10 == 0;
}

static unsigned leading(const uint8_t *d, size_t count)
{
	unsigned value = 0;

	for (size_t i = 0; i < count; i++)
		value = value * 10 + d[i];
	return value;
}

/* A network's prefix with a length that it gives. */
static bool is_network(const uint8_t *d, size_t len)
{
	const unsigned two = leading(d, 2);
	const unsigned four = leading(d, 4);

	if (d[0] == 4)
		return len == 13 || len == 16 || len == 19;
	if ((two >= 51 && two <= 55) || (four >= 2221 && four <= 2720))
		return len == 16;
	if (two == 34 || two == 37)
		return len == 15;
	if (four == 6011 || two == 65 || (four >= 6440 && four <= 6499) || (four >= 3528 && four <= 3589))
		return len == 16;
	if (two == 36 || two == 38 || (four >= 3000 && four <= 3059))
		return len == 14;
	return two == 62 && len >= 16 && len <= 19;
}

static bool all_alike(const uint8_t *d, size_t len)
{
	for (size_t i = 1; i < len; i++)
		if (d[i] != d[0])
			return false;
	return true;
}

static bool is_card(const uint8_t *d, size_t len)
{
	return len >= 13 && len <= 19 && is_network(d, len) && is_luhn(d, len) && !all_alike(d + 1, len - 1);
}

/* SSA: never 000, 666 or 9xx, never group 00 or serial 0000; two that were printed in advertisements. */
static bool is_ssn(const uint8_t *d)
{
	const unsigned area = leading(d, 3);
	const unsigned whole = leading(d, 9);

	return area != 0 && area != 666 && area < 900 && leading(d + 3, 2) != 0 && leading(d + 5, 4) != 0 &&
	       whole != 78051120 && whole != 219099999 && whole != 123456789;
}

/* NANP: areas and exchanges begin with 2..9, and end not in 11. */
static bool is_nanp(const uint8_t *d)
{
	return d[0] >= 2 && d[3] >= 2 && !(d[1] == 1 && d[2] == 1) && !(d[4] == 1 && d[5] == 1) && !all_alike(d, 7);
}

static bool is_uk_phone(const uint8_t *d, size_t len)
{
	if (len < 10 || len > 11 || d[0] != 0 || all_alike(d + 1, len - 1))
		return false;
	return d[1] == 1 || d[1] == 2 || d[1] == 3 || (d[1] == 7 && len == 11) || (d[1] == 8 && len == 11);
}

/* ---- what groups can be ------------------------------------------------------------------------------- */

struct window {
	struct bw_look *look;
	const struct bw_number *n;
	size_t from;
	size_t count;
	size_t digits;
	const uint8_t *d;
	size_t at;
	size_t end;
	char part; /* between its groups; 0: one group, 1: not always the same */
};

static bool sized(const struct window *w, const char *sizes)
{
	for (size_t i = 0; i < w->count; i++)
		if (sizes[i] == '\0' || w->n->group[w->from + i].len != (uint8_t)(sizes[i] - '0'))
			return false;
	return sizes[w->count] == '\0';
}

static unsigned judge_nhs(const struct window *w)
{
	bool near;

	if (w->digits != 10 || !is_nhs(w->d))
		return 0;
	near = bw_look_near(w->look, w->at, BW_NEAR_NHS);
	if (sized(w, "334") && (w->part == ' ' || w->part == '-'))
		return near ? 98 : 82;
	return w->count == 1 && near ? 97 : 0; /* one in eleven of all ten digits would fit */
}

static unsigned judge_ssn(const struct window *w)
{
	if (w->digits != 9 || !is_ssn(w->d))
		return 0;
	if (sized(w, "324") && w->part == '-')
		return bw_look_near(w->look, w->at, BW_NEAR_SSN) ? 98 : 84;
	if (!bw_look_near(w->look, w->at, BW_NEAR_SSN))
		return 0;
	return w->count == 1 || (sized(w, "324") && w->part == ' ') ? 92 : 0;
}

static unsigned judge_card(const struct window *w)
{
	bool grouped;

	if (w->digits < 13)
		return 0;
	grouped = (sized(w, "4444") || sized(w, "465") || sized(w, "464") || sized(w, "44443")) &&
		  (w->part == ' ' || w->part == '-');
	if ((!grouped && w->count != 1) || !is_card(w->d, w->digits))
		return 0;
	if (bw_look_near(w->look, w->at, BW_NEAR_CARD))
		return 98;
	return grouped ? 95 : 72; /* one in ten of all long numbers passes Luhn: identifiers are long numbers */
}

static bool near_phone(const struct window *w)
{
	return bw_look_near(w->look, w->at, BW_NEAR_PHONE);
}

static unsigned judge_uk_phone(const struct window *w)
{
	if (w->count > 1)
		return w->n->group[w->from].len < 3 ? 0 : near_phone(w) ? 96 : 84;
	return near_phone(w) ? 94 : (w->d[1] == 7 ? 65 : 0);
}

static unsigned judge_nanp(const struct window *w)
{
	if (sized(w, "334") && w->part == 1)
		return 92; /* (415) 555-2671 */
	if (sized(w, "334"))
		return near_phone(w) ? 95 : w->part == '-' ? 82 : 0;
	return w->count == 1 && near_phone(w) ? 90 : 0;
}

static unsigned judge_phone(const struct window *w)
{
	if (w->digits != 10 && w->digits != 11)
		return 0;
	if (is_uk_phone(w->d, w->digits) && w->part != '.' && w->part != 1)
		return judge_uk_phone(w);
	if (w->digits == 10)
		return is_nanp(w->d) ? judge_nanp(w) : 0;
	if (w->d[0] == 1 && is_nanp(w->d + 1) && sized(w, "1334"))
		return near_phone(w) ? 95 : 85;
	return 0;
}

/* ", CA" or " CA" before it. */
static bool after_state(const struct bw_look *look, size_t at)
{
	static const char states[] =
		"AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ "
		"NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC PR GU VI AS MP ";
	const uint8_t *p = look->text.ptr;
	char want[4];

	if (at < 5 || p[at - 1] != ' ' || !bw_is_upper(p[at - 2]) || !bw_is_upper(p[at - 3]) || p[at - 4] != ' ')
		return false;
	if (p[at - 5] != ',' && !bw_is_lower(p[at - 5]))
		return false;
	(void)memcpy(want, (const char[]){ (char)p[at - 3], (char)p[at - 2], ' ', '\0' }, sizeof(want));
	return strstr(states, want) != NULL;
}

static unsigned judge_zip(const struct window *w)
{
	const bool formed = w->digits == 5 ? w->count == 1 : w->digits == 9 && sized(w, "54") && w->part == '-';

	if (!formed || all_alike(w->d, 5))
		return 0;
	if (after_state(w->look, w->at))
		return 88;
	return bw_look_near(w->look, w->at, BW_NEAR_ZIP) ? 86 : 0;
}

static unsigned judge(const struct window *w, enum bw_personal *out)
{
	static const struct {
		unsigned (*judge)(const struct window *w);
		enum bw_personal kind;
	} judges[] = {
		{ judge_ssn, BW_PERSONAL_SSN },     { judge_card, BW_PERSONAL_CARD }, { judge_nhs, BW_PERSONAL_NHS },
		{ judge_phone, BW_PERSONAL_PHONE }, { judge_zip, BW_PERSONAL_ZIP },
	};
	unsigned best = 0;

	for (size_t i = 0; i < BW_COUNT(judges); i++) {
		const unsigned certainty = judges[i].judge(w);

		if (certainty > best) {
			best = certainty;
			*out = judges[i].kind;
		}
	}
	return best;
}

/* ---- windows of groups ----------------------------------------------------------------------------------- */

/* What stands before a number that is by itself. */
static bool starts_free(const struct window *w)
{
	const char before = w->from == 0 ? w->n->prefix : w->n->group[w->from].before;

	if (w->from > 0)
		return before == ' ';
	return before == '+' || bw_look_is((uint8_t)before, BW_LOOK_FREE);
}

static bool ends_free(const struct window *w)
{
	const size_t next = w->from + w->count;

	if (next < w->n->groups)
		return w->n->group[next].before == ' ';
	return !w->n->is_open;
}

static struct window window_of(struct bw_look *look, const struct bw_number *n, size_t from, size_t count)
{
	struct window w = { .look = look,
			    .n = n,
			    .from = from,
			    .count = count,
			    .d = n->digits + n->group[from].first,
			    .at = n->group[from].at };

	for (size_t i = 0; i < count; i++) {
		const char part = n->group[from + i].before;

		w.digits += n->group[from + i].len;
		w.end = n->group[from + i].at + n->group[from + i].len;
		if (i == 1)
			w.part = part;
		else if (i > 1 && part != w.part)
			w.part = 1;
	}
	if (w.part == ')')
		w.part = 1;
	return w;
}

/* "+44 20 7946 0958": the plus makes it a number to call, if something calls by it. */
static unsigned judge_e164(const struct bw_look *look, const struct bw_number *n, size_t *out_count)
{
	size_t digits = 0;
	size_t wanted = 0;
	const size_t plus = n->group[0].at - 1;

	if (n->prefix != '+' || (plus > 0 && bw_is_joined(look->text.ptr[plus - 1])) || n->digits[0] == 0)
		return 0;
	if (n->digits[0] == 1)
		wanted = 11;
	else if (n->digits[0] == 4 && n->digits[1] == 4)
		wanted = 12;
	for (*out_count = 0; *out_count < n->groups; (*out_count)++) {
		if (digits + n->group[*out_count].len > 15 || (wanted > 0 && digits >= wanted))
			break;
		digits += n->group[*out_count].len;
	}
	if (digits < 9 || (wanted == 11 && (digits != 11 || !is_nanp(n->digits + 1))) || (wanted == 12 && digits < 11))
		return 0;
	return *out_count > 1 ? 93 : 86;
}

static size_t look_e164(struct bw_look *look, const struct bw_number *n)
{
	size_t count;
	const unsigned certainty = judge_e164(look, n, &count);
	size_t end;

	if (certainty == 0 || (count == n->groups && n->is_open))
		return 0;
	end = n->group[count - 1].at + n->group[count - 1].len;
	bw_look_tell(look, BW_PERSONAL_PHONE, n->group[0].at - 1, end, certainty);
	return end;
}

/* The surest of the windows that begin at a group, longest first. How many groups it took. */
static size_t look_windows(struct bw_look *look, const struct bw_number *n, size_t from)
{
	size_t most = n->groups - from < 5 ? n->groups - from : 5;

	for (size_t count = most; count > 0; count--) {
		const struct window w = window_of(look, n, from, count);
		enum bw_personal kind = BW_PERSONAL_COUNT;
		unsigned certainty;

		bw_look_worked(look, w.end - w.at);
		if (w.digits < 5 || w.digits > 19 || !starts_free(&w) || !ends_free(&w))
			continue;
		certainty = judge(&w, &kind);
		if (certainty >= BW_PERSONAL_UNSURE) {
			const bool bracket = from == 0 && n->prefix == '(' && kind == BW_PERSONAL_PHONE;

			bw_look_tell(look, kind, bracket ? w.at - 1 : w.at, w.end, certainty);
			return count;
		}
	}
	return 1;
}

size_t bw_look_number(struct bw_look *look, size_t at, size_t end)
{
	struct bw_number n;
	size_t next;

	if (bw_look_byte(look, end) == '.' && end - at <= 3) {
		next = bw_look_ipv4(look, at, end);
		if (next > 0)
			return next;
	}
	if (end - at == 2 && bw_look_spaced_nino(look, at))
		return look->done;
	if (end - at < 5 && bw_look_byte(look, end) != ' ' && bw_look_byte(look, end) != '-' &&
	    bw_look_byte(look, end) != '.' && bw_look_byte(look, end) != ')')
		return end; /* a short number by itself */
	read_number(look, at, &n);
	if (n.groups == 0)
		return end;
	next = look_e164(look, &n);
	for (size_t from = 0; next == 0 && from < n.groups;)
		from += look_windows(look, &n, from);
	return next > 0 ? next : n.end;
}
