#include "base/num.h"
#include "base/text.h"
#include "intel/formats.h"

/* ---- RFC 3986 ------------------------------------------------------------------ */

/* Characters that may stand for themselves: pchar, and which part of the URI takes more. */
enum { IN_PATH = 1, IN_QUERY = 2, IN_USER = 4, IN_HOST = 8 };

#define ANYWHERE (IN_PATH | IN_QUERY | IN_USER | IN_HOST)

static const uint8_t classes[256] = {
	['a' ... 'z'] = ANYWHERE,   ['A' ... 'Z'] = ANYWHERE,   ['0' ... '9'] = ANYWHERE,
	['-'] = ANYWHERE,           ['.'] = ANYWHERE,           ['_'] = ANYWHERE,
	['~'] = ANYWHERE,           ['!'] = ANYWHERE,           ['$'] = ANYWHERE,
	['&' ... ','] = ANYWHERE, /* & ' ( ) * + , */
	[';'] = ANYWHERE,           ['='] = ANYWHERE,           [':'] = IN_PATH | IN_QUERY | IN_USER,
	['@'] = IN_PATH | IN_QUERY, ['/'] = IN_PATH | IN_QUERY, ['?'] = IN_QUERY,
};

static bool is_part(struct bw_slice text, unsigned class)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '%') {
			if (text.len - i < 3 || bw_hex_value(text.ptr[i + 1]) < 0 || bw_hex_value(text.ptr[i + 2]) < 0)
				return false;
			i += 2;
		} else if ((classes[text.ptr[i]] & class) == 0) {
			return false;
		}
	}
	return true;
}

static bool is_port(struct bw_slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!bw_is_digit(text.ptr[i]))
			return false;
	}
	return true;
}

static bool is_ipv6_address(struct bw_slice text);

static bool is_authority(struct bw_slice text)
{
	struct bw_slice user;
	struct bw_slice host = text;
	size_t colon;

	if (bw_slice_cut(text, '@', &user, &host) && !is_part(user, IN_USER))
		return false;
	if (host.len > 0 && host.ptr[0] == '[') {
		struct bw_slice inside;
		struct bw_slice port;

		if (!bw_slice_cut(bw_slice_from(host, 1), ']', &inside, &port))
			return false;
		return is_ipv6_address(inside) &&
		       (port.len == 0 || (port.ptr[0] == ':' && is_port(bw_slice_from(port, 1))));
	}
	for (colon = 0; colon < host.len && host.ptr[colon] != ':';)
		colon++;
	return is_part(bw_slice_sub(host, 0, colon), IN_HOST) && is_port(bw_slice_from(host, colon + 1));
}

static size_t index_of(struct bw_slice text, const char *marks)
{
	size_t at = 0;

	while (at < text.len && (text.ptr[at] == 0 || strchr(marks, text.ptr[at]) == NULL))
		at++;
	return at;
}

bool bw_is_uri(struct bw_slice text)
{
	struct bw_slice scheme;
	struct bw_slice rest;
	size_t end;

	if (!bw_slice_cut(text, ':', &scheme, &rest) || scheme.len == 0 || !bw_is_alpha(scheme.ptr[0]))
		return false;
	for (size_t i = 0; i < scheme.len; i++) {
		const uint8_t c = scheme.ptr[i];

		if (!bw_is_alnum(c) && c != '+' && c != '-' && c != '.')
			return false;
	}
	if (bw_slice_starts(rest, BW_LIT("//"))) {
		rest = bw_slice_from(rest, 2);
		end = index_of(rest, "/?#");
		if (!is_authority(bw_slice_sub(rest, 0, end)))
			return false;
		rest = bw_slice_from(rest, end);
	}
	end = index_of(rest, "?#");
	if (!is_part(bw_slice_sub(rest, 0, end), IN_PATH))
		return false;
	rest = bw_slice_from(rest, end);
	if (rest.len > 0 && rest.ptr[0] == '?') {
		end = index_of(rest, "#");
		if (!is_part(bw_slice_sub(rest, 1, end - 1), IN_QUERY))
			return false;
		rest = bw_slice_from(rest, end);
	}
	return rest.len == 0 || is_part(bw_slice_from(rest, 1), IN_QUERY);
}

/* ---- addresses ------------------------------------------------------------------- */

/* A prefix length without leading zeros, at most `most`. */
static bool is_prefix(struct bw_slice text, uint64_t most)
{
	uint64_t bits;

	return text.len >= 1 && text.len <= 3 && (text.len == 1 || text.ptr[0] != '0') &&
	       bw_parse_u64(text, &bits) == BW_OK && bits <= most;
}

static bool is_ipv4_address(struct bw_slice text)
{
	struct bw_slice part;

	for (int dots = 0; dots < 3; dots++) {
		if (!bw_slice_cut(text, '.', &part, &text) || !is_prefix(part, 255))
			return false;
	}
	return is_prefix(text, 255);
}

bool bw_is_ipv4(struct bw_slice text)
{
	struct bw_slice address = text;
	struct bw_slice bits;

	if (bw_slice_cut(text, '/', &address, &bits) && !is_prefix(bits, 32))
		return false;
	return is_ipv4_address(address);
}

static bool is_ipv6_address(struct bw_slice text)
{
	unsigned groups = 0;
	bool gap = false;
	size_t at = 0;

	if (text.len >= 2 && text.ptr[0] == ':' && text.ptr[1] == ':') {
		gap = true;
		at = 2;
	}
	while (at < text.len) {
		size_t end = at;

		while (end < text.len && bw_hex_value(text.ptr[end]) >= 0)
			end++;
		if (end < text.len && text.ptr[end] == '.') { /* the last 32 bits as IPv4 */
			groups += 2;
			return is_ipv4_address(bw_slice_from(text, at)) && (gap ? groups <= 7 : groups == 8);
		}
		if (end == at || end - at > 4 || ++groups > 8)
			return false;
		at = end;
		if (at == text.len)
			break;
		if (text.ptr[at++] != ':' || at == text.len)
			return false;
		if (text.ptr[at] == ':') {
			if (gap)
				return false;
			gap = true;
			at++;
		}
	}
	return gap ? groups <= 7 : groups == 8;
}

bool bw_is_ipv6(struct bw_slice text)
{
	struct bw_slice address = text;
	struct bw_slice rest;

	if (bw_slice_cut(text, '/', &address, &rest) && !is_prefix(rest, 128))
		return false;
	if (bw_slice_cut(address, '%', &address, &rest) && rest.len == 0) /* RFC 4007 zone */
		return false;
	return is_ipv6_address(address);
}

bool bw_is_mac(struct bw_slice text)
{
	if (text.len != 17)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		const uint8_t c = text.ptr[i];

		if (i % 3 == 2 ? c != ':' : bw_hex_value(c) < 0 || bw_is_upper(c))
			return false;
	}
	return true;
}

/* ---- names of hosts and mailboxes --------------------------------------------------- */

static bool is_label(struct bw_slice label)
{
	if (label.len < 1 || label.len > 63 || label.ptr[0] == '-' || label.ptr[label.len - 1] == '-')
		return false;
	for (size_t i = 0; i < label.len; i++) {
		const uint8_t c = label.ptr[i];

		if (!bw_is_alnum(c) && c != '-' && c != '_' && c < 0x80)
			return false;
	}
	/* RFC 5890 §2.3.1: hyphens third and fourth are kept for encodings */
	return label.len < 4 || memcmp(label.ptr + 2, "--", 2) != 0 || bw_slice_starts(label, BW_LIT("xn--"));
}

bool bw_is_domain(struct bw_slice text)
{
	struct bw_slice label;
	struct bw_slice rest = text;

	if (text.len == 0 || text.len > 255)
		return false;
	while (bw_slice_cut(rest, '.', &label, &rest)) {
		if (!is_label(label))
			return false;
		if (rest.len == 0) /* the dot of the root */
			return true;
	}
	return is_label(rest);
}

bool bw_is_email(struct bw_slice text)
{
	struct bw_slice local;
	struct bw_slice host;
	bool dot = false;

	if (!bw_slice_cut(text, '@', &local, &host) || local.len == 0)
		return false;
	for (size_t i = 0; i < local.len; i++) {
		const uint8_t c = local.ptr[i];

		if (!bw_is_alnum(c) && c < 0x80 && (c == 0 || strchr("!#$%&'*+-/=?^_`{|}~.", c) == NULL))
			return false;
	}
	for (size_t i = 0; i < host.len; i++) {
		const uint8_t c = host.ptr[i];

		if (!bw_is_alnum(c) && c != '-' && c != '.' && c < 0x80)
			return false;
		dot |= c == '.' && i > 0 && i + 1 < host.len;
	}
	return dot;
}

/* ---- software and registry ---------------------------------------------------------- */

/* NISTIR 7695 §6.2: an unquoted dash or star, or characters with the others quoted, ? and * at the ends. */
static bool is_cpe_value(struct bw_slice value)
{
	size_t at = 0;
	size_t end = value.len;

	if (value.len == 1 && (value.ptr[0] == '*' || value.ptr[0] == '-'))
		return true;
	while (at < end && (value.ptr[at] == '?' || value.ptr[at] == '*'))
		at++;
	while (end > at && (value.ptr[end - 1] == '?' || value.ptr[end - 1] == '*') &&
	       (end < 2 || value.ptr[end - 2] != '\\'))
		end--;
	if (at == end)
		return false;
	for (; at < end; at++) {
		const uint8_t c = value.ptr[at];

		if (c == '\\') {
			if (++at == end || bw_is_alnum(value.ptr[at]))
				return false;
		} else if (!bw_is_alnum(c) && c != '-' && c != '.' && c != '_') {
			return false;
		}
	}
	return true;
}

bool bw_is_cpe(struct bw_slice text)
{
	enum { VALUES = 10 }; /* after the part */
	unsigned count = 0;
	size_t from;

	if (!bw_slice_starts(text, BW_LIT("cpe:2.3:")) || text.len < 10 || strchr("aho*-", text.ptr[8]) == NULL ||
	    text.ptr[8] == 0 || text.ptr[9] != ':')
		return false;
	from = 10;
	for (size_t at = from; at <= text.len; at++) {
		if (at < text.len && text.ptr[at] == '\\') {
			at++;
			continue;
		}
		if (at < text.len && text.ptr[at] != ':')
			continue;
		if (!is_cpe_value(bw_slice_sub(text, from, at - from)))
			return false;
		count++;
		from = at + 1;
	}
	return count == VALUES;
}

bool bw_is_full_registry_key(struct bw_slice text)
{
	static const char *const short_hives[] = { "HKLM", "HKCC", "HKCR", "HKCU", "HKU" };
	struct bw_slice hive = text;
	struct bw_slice rest;

	(void)bw_slice_cut(text, '\\', &hive, &rest);
	for (size_t i = 0; i < BW_COUNT(short_hives); i++) {
		if (bw_slice_is_nocase(hive, short_hives[i]))
			return false;
	}
	return true;
}
