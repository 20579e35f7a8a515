/* Addresses and names of people and machines: '@', '.', ':' and '\' are their marks. */
#include "accord/personal_inner.h"

enum { LOCAL_LONGEST = 64 };

/* ---- e-mail ------------------------------------------------------------------------------------ */

static bool is_local_part(uint8_t c)
{
	return bw_look_is(c, BW_LOOK_LOCAL);
}

static bool is_host_byte(uint8_t c)
{
	return bw_look_is(c, BW_LOOK_HOST);
}

/* "CISAservicedesk", "product-security". In small letters. */
static bool holds_role(struct bw_slice local)
{
	static const char *const parts[] = { "support", "desk",    "security", "psirt",
					     "cert",    "noreply", "no-reply", "abuse" };

	for (size_t at = 0; at + 4 <= local.len; at++) {
		if (strchr("sdpcna", local.ptr[at]) == NULL)
			continue;
		for (size_t i = 0; i < BW_COUNT(parts); i++)
			if (local.ptr[at] == (uint8_t)parts[i][0] &&
			    bw_slice_is(bw_slice_sub(local, at, strlen(parts[i])), parts[i]))
				return true;
	}
	return false;
}

/* Addresses that belong to an office, not to a person. */
static bool is_role(struct bw_slice local)
{
	static const struct bw_look_word roles[] = {
		{ "abuse" },      { "admin" }, { "administrator" }, { "alerts" },    { "billing" },    { "cert" },
		{ "contact" },    { "csirt" }, { "desk" },          { "enquiries" }, { "git" },        { "help" },
		{ "helpdesk" },   { "hello" }, { "hostmaster" },    { "info" },      { "infosec" },    { "it" },
		{ "legal" },      { "mail" },  { "noc" },           { "no-reply" },  { "noreply" },    { "office" },
		{ "postmaster" }, { "press" }, { "privacy" },       { "psirt" },     { "reception" },  { "report" },
		{ "reports" },    { "root" },  { "sales" },         { "security" },  { "service" },    { "soc" },
		{ "support" },    { "team" },  { "threat-intel" },  { "webmaster" }, { "donotreply" },
	};
	uint8_t small[LOCAL_LONGEST];
	struct bw_look_word word;

	if (bw_look_lower(local, &word))
		for (size_t i = 0; i < BW_COUNT(roles); i++)
			if (bw_look_same(&roles[i], &word))
				return true;
	for (size_t i = 0; i < local.len; i++)
		small[i] = bw_to_lower(local.ptr[i]);
	return holds_role(bw_slice_of(small, local.len));
}

/* Where the domain after an '@' ends: labels, the last of at least two letters. 0: none. */
static size_t domain_end(struct bw_look *look, size_t from)
{
	size_t end = from;
	size_t last;

	while (is_host_byte(bw_look_byte(look, end)) && end - from < 254)
		end++;
	bw_look_worked(look, end - from);
	while (end > from && !bw_is_alnum(look->text.ptr[end - 1]))
		end--;
	for (last = end; last > from && bw_is_alpha(look->text.ptr[last - 1]); last--)
		;
	return last > from + 1 && end - last >= 2 && look->text.ptr[last - 1] == '.' ? end : 0;
}

size_t bw_look_mail(struct bw_look *look, size_t at)
{
	const size_t end = domain_end(look, at + 1);
	size_t start = at;
	struct bw_slice local;

	while (start > look->done && at - start < LOCAL_LONGEST && is_local_part(look->text.ptr[start - 1]))
		start--;
	bw_look_worked(look, at - start);
	while (start < at && !bw_is_alnum(look->text.ptr[start]))
		start++;
	if (end == 0 || start == at || bw_look_byte(look, end) == '@' || bw_is_joined(bw_look_byte(look, end)))
		return at + 1;
	if (start > 0 && (look->text.ptr[start - 1] == '/' || look->text.ptr[start - 1] == '@'))
		return end; /* user:secret@host of an address, a package */
	local = bw_slice_sub(look->text, start, at - start);
	bw_look_tell(look, BW_PERSONAL_EMAIL, start, end, is_role(local) ? 0 : 95);
	return end;
}

/* ---- addresses ----------------------------------------------------------------------------------- */

static bool is_internal_v4(const unsigned o[4])
{
	return o[0] == 10 || (o[0] == 172 && o[1] >= 16 && o[1] <= 31) || (o[0] == 192 && o[1] == 168) ||
	       (o[0] == 169 && o[1] == 254) || (o[0] == 100 && o[1] >= 64 && o[1] <= 127);
}

/* RFC 1918 and its like as such: everybody's network, so nobody's. */
static bool is_whole_range(const struct bw_look *look, const unsigned o[4], size_t end)
{
	if (o[0] == 169 && o[2] == 169 && o[3] == 254)
		return true; /* where every cloud answers its machines */
	return bw_look_byte(look, end) == '/' && o[2] == 0 && o[3] == 0 &&
	       (o[1] == 0 || o[1] == 16 || o[1] == 64 || o[1] == 168 || o[1] == 254);
}

static size_t octet(const struct bw_look *look, size_t at, unsigned *out)
{
	size_t i = at;

	*out = 0;
	while (i - at < 3 && bw_is_digit(bw_look_byte(look, i)))
		*out = *out * 10 + (unsigned)(look->text.ptr[i++] - '0');
	if (i == at || *out > 255 || (i - at > 1 && look->text.ptr[at] == '0') || bw_is_digit(bw_look_byte(look, i)))
		return 0;
	return i;
}

size_t bw_look_ipv4(struct bw_look *look, size_t at, size_t end)
{
	const uint8_t before = at > 0 ? look->text.ptr[at - 1] : ' ';
	unsigned o[4];
	size_t i = at;

	(void)end;
	for (unsigned n = 0; n < 4; n++) {
		i = octet(look, n == 0 ? i : i + 1, &o[n]);
		if (i == 0 || (n < 3 && bw_look_byte(look, i) != '.'))
			return 0;
	}
	if (bw_is_joined(before) || before == '.' || before == '-' || bw_is_joined(bw_look_byte(look, i)))
		return i;
	if (bw_look_byte(look, i) == '.' && bw_is_alnum(bw_look_byte(look, i + 1)))
		return i + 1; /* five numbers: a version, or a name of reverse DNS */
	if (!is_internal_v4(o) || is_whole_range(look, o, i))
		return i;
	bw_look_tell(look, BW_PERSONAL_ADDRESS, at, i, bw_look_near(look, at, BW_NEAR_VERSION) ? 0 : 88);
	return i;
}

static bool is_v6_byte(uint8_t c)
{
	return bw_hex_value(c) >= 0 || c == ':';
}

/* fc00::/7 and fe80::/10, with a second group that says something. */
size_t bw_look_ipv6(struct bw_look *look, size_t at)
{
	const uint8_t *p = look->text.ptr;
	size_t start = at;
	size_t end = at;
	unsigned colons = 0;
	uint8_t a;
	uint8_t b;

	while (start > look->done && at - start < 5 && bw_hex_value(p[start - 1]) >= 0)
		start--;
	if (at - start != 4)
		return at + 1;
	a = bw_to_lower(p[start]);
	b = bw_to_lower(p[start + 1]);
	if (a != 'f' || !(b == 'c' || b == 'd' || (b == 'e' && strchr("89abAB", p[start + 2]) != NULL)))
		return at + 1;
	while (is_v6_byte(bw_look_byte(look, end)) && end - start < 40)
		colons += p[end++] == ':';
	bw_look_worked(look, end - start);
	if (end - start < 7 || colons < 2 || bw_is_joined(bw_look_byte(look, end)) || bw_look_byte(look, end) == '/' ||
	    (start > 0 && (bw_is_joined(p[start - 1]) || p[start - 1] == ':' || p[start - 1] == '-')))
		return end;
	bw_look_tell(look, BW_PERSONAL_ADDRESS, start, end, 90);
	return end;
}

/* ---- host names ------------------------------------------------------------------------------------- */

/* What stands after the last dot of a name that only its own network knows (RFC 6762 appendix G, RFC 8375, ICANN). */
static size_t inner_suffix(const struct bw_look *look, size_t dot)
{
	static const char *const suffixes[] = { ".local",       ".lan",       ".internal", ".intranet",  ".corp",
						".localdomain", ".home.arpa", ".private",  ".domain.lan" };

	const uint8_t letter = bw_to_lower(bw_look_byte(look, dot + 1));

	if (letter == 0 || strchr("lichpd", letter) == NULL)
		return 0; /* most dots */
	for (size_t i = 0; i < BW_COUNT(suffixes); i++) {
		const size_t len = strlen(suffixes[i]);
		const uint8_t after = bw_look_byte(look, dot + len);

		if (!bw_slice_is_nocase(bw_slice_sub(look->text, dot, len), suffixes[i]))
			continue;
		if (!bw_is_joined(after) && after != '-' && after != '/' && after != '(' &&
		    !(after == '.' && bw_is_alnum(bw_look_byte(look, dot + len + 1))))
			return dot + len;
		if (after == '/')
			return dot + len;
	}
	return 0;
}

static bool is_everybodys(struct bw_slice host)
{
	return bw_slice_is_nocase(host, "localhost.localdomain") || bw_slice_is_nocase(host, "localhost.local") ||
	       memchr(host.ptr, '_', host.len) != NULL;
}

size_t bw_look_host(struct bw_look *look, size_t at)
{
	const size_t end = inner_suffix(look, at);
	const uint8_t *p = look->text.ptr;
	size_t start = at;

	if (end == 0)
		return at + 1;
	while (start > look->done && at - start < 200 && (is_host_byte(p[start - 1]) || p[start - 1] == '_'))
		start--;
	bw_look_worked(look, end - start);
	while (start < at && !bw_is_alnum(p[start]))
		start++;
	if (start == at || is_everybodys(bw_slice_sub(look->text, start, end - start)) ||
	    (start > 0 && (p[start - 1] == '/' || p[start - 1] == '\\') && (start < 2 || p[start - 2] != p[start - 1])))
		return end; /* nothing before the dot, or a file in a folder: ~/.local */
	bw_look_tell(look, BW_PERSONAL_HOST, start, end, 86);
	return end;
}

/* ---- paths ---------------------------------------------------------------------------------------------- */

static bool is_name_byte(uint8_t c)
{
	return bw_look_is(c, BW_LOOK_NAME);
}

/* Accounts that are on every machine. */
static bool is_common_user(struct bw_slice name)
{
	static const char *const users[] = { "public",   "default", "administrator", "admin",  "user",    "all",
					     "username", "guest",   "ubuntu",        "runner", "vagrant", "ec2-user",
					     "appdata",  "shared",  "root",          "test",   "victim",  "sandbox",
					     "desktop",  "analyst", "malware" };

	for (size_t i = 0; i < BW_COUNT(users); i++)
		if (bw_slice_is_nocase(name, users[i]))
			return true;
	return name.len < 2;
}

static size_t look_user(struct bw_look *look, size_t from, uint8_t slash)
{
	size_t end = from;

	while (is_name_byte(bw_look_byte(look, end)))
		end++;
	bw_look_worked(look, end - from);
	if (bw_look_byte(look, end) == slash && !is_common_user(bw_slice_sub(look->text, from, end - from)))
		bw_look_tell(look, BW_PERSONAL_NAME, from, end, 65);
	return end;
}

static size_t look_unc(struct bw_look *look, size_t from)
{
	size_t end = from;
	bool letter = false;
	bool dot = false;

	while (is_name_byte(bw_look_byte(look, end)) && end - from < 64) {
		letter = letter || bw_is_alpha(look->text.ptr[end]);
		dot = dot || look->text.ptr[end] == '.';
		end++;
	}
	bw_look_worked(look, end - from);
	if (bw_look_byte(look, end) == '\\' && letter && !dot && end - from >= 2)
		bw_look_tell(look, BW_PERSONAL_HOST, from, end, 72);
	return dot ? from : end;
}

/* A path begins here: after nothing, a blank, a quote, a bracket. */
static bool may_begin(const struct bw_look *look, size_t at)
{
	return at == 0 || bw_look_is(look->text.ptr[at - 1], BW_LOOK_PATH);
}

size_t bw_look_path(struct bw_look *look, size_t at)
{
	const uint8_t c = look->text.ptr[at];
	const uint8_t next = bw_to_lower(bw_look_byte(look, at + 1));
	const struct bw_slice after = bw_slice_from(look->text, at + 1);

	if (next != 'u' && next != 'h' && next != '\\')
		return at + 1;
	if (c == '\\') {
		if (bw_slice_is_nocase(bw_slice_sub(after, 0, 6), "users\\"))
			return look_user(look, at + 7, c);
		if (after.len > 0 && after.ptr[0] == '\\' && may_begin(look, at))
			return look_unc(look, at + 2);
		return at + 1;
	}
	if (!may_begin(look, at))
		return at + 1; /* inside an address or a longer path */
	if (bw_slice_starts(after, BW_LIT("home/")) || bw_slice_starts(after, BW_LIT("Users/")))
		return look_user(look, at + 1 + (after.ptr[0] == 'h' ? 5U : 6U), c);
	return at + 1;
}
