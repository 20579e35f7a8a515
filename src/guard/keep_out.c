#include "guard/keep_out.h"

#include <arpa/inet.h>

#define TABLE "inet breakwater_guard"

/* ---- addresses ------------------------------------------------------------------------ */

static bool nobody_comes_from(const struct bw_address *address)
{
	static const uint8_t zero[16];
	const uint8_t first = address->bytes[0];

	if (!address->is_v6)
		return first == 0 || first == 127 || first >= 224; /* RFC 1122 §3.2.1.3, RFC 1112 §4 */
	/* ::, ::1 and what else begins like them; RFC 4291 §2.5.2, §2.5.3, §2.7 */
	return memcmp(address->bytes, zero, 15) == 0 || first == 0xff;
}

static void unmap(struct bw_address *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff }; /* RFC 4291 §2.5.5.2 */

	if (!address->is_v6 || memcmp(address->bytes, mapped, sizeof(mapped)) != 0)
		return;
	memmove(address->bytes, address->bytes + sizeof(mapped), 4);
	memset(address->bytes + 4, 0, 12);
	address->is_v6 = false;
}

void bw_address_of(const uint8_t *bytes, bool is_v6, struct bw_address *out)
{
	struct bw_address address = { .is_v6 = is_v6 };

	memcpy(address.bytes, bytes, is_v6 ? 16 : 4);
	unmap(&address);
	*out = address;
}

enum bw_err bw_address_parse(struct bw_slice text, struct bw_address *out)
{
	struct bw_address address = { 0 };
	char copy[BW_ADDRESS_TEXT_BYTES];
	struct bw_slice zone;
	struct bw_slice plain = text;

	if (memchr(text.ptr, '%', text.len) != NULL && !bw_slice_cut(text, '%', &plain, &zone))
		return BW_ERR_SYNTAX;
	BW_NEED(plain.len > 0 && plain.len < sizeof(copy) && memchr(plain.ptr, 0, plain.len) == NULL, SYNTAX);
	memcpy(copy, plain.ptr, plain.len);
	copy[plain.len] = 0;
	address.is_v6 = memchr(copy, ':', plain.len) != NULL;
	BW_NEED(inet_pton(address.is_v6 ? AF_INET6 : AF_INET, copy, address.bytes) == 1, SYNTAX);
	unmap(&address);
	BW_NEED(!nobody_comes_from(&address), RANGE);
	*out = address;
	return BW_OK;
}

void bw_address_write(const struct bw_address *address, char out[BW_ADDRESS_TEXT_BYTES])
{
	if (inet_ntop(address->is_v6 ? AF_INET6 : AF_INET, address->bytes, out, BW_ADDRESS_TEXT_BYTES) == NULL)
		out[0] = 0; /* cannot be: family and room are right */
}

bool bw_address_equals(const struct bw_address *a, const struct bw_address *b)
{
	return a->is_v6 == b->is_v6 && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* ---- words for nft --------------------------------------------------------------------- */

/*
 * `add` of what exists changes nothing, but a rule would come twice: so the chain is emptied first. Before the
 * machine's own filter (priority 0), which may accept what is established.
 */
static const char table[] = "add table " TABLE "\n"
			    "add set " TABLE " out4 { type ipv4_addr; flags timeout; }\n"
			    "add set " TABLE " out6 { type ipv6_addr; flags timeout; }\n"
			    "add chain " TABLE " files { type filter hook input priority -150; policy accept; }\n"
			    "flush chain " TABLE " files\n"
			    "add rule " TABLE " files ip saddr @out4 tcp dport { 111, 139, 445, 2049, 20048 } "
			    "counter reject with tcp reset\n"
			    "add rule " TABLE " files ip6 saddr @out6 tcp dport { 111, 139, 445, 2049, 20048 } "
			    "counter reject with tcp reset\n"
			    "add rule " TABLE " files ip saddr @out4 udp dport { 111, 2049, 20048 } counter drop\n"
			    "add rule " TABLE " files ip6 saddr @out6 udp dport { 111, 2049, 20048 } counter drop\n";

static const char *set_of(const struct bw_address *address)
{
	return address->is_v6 ? "out6" : "out4";
}

enum bw_err bw_let_in_script(const struct bw_address *address, struct bw_buf *out)
{
	char text[BW_ADDRESS_TEXT_BYTES];

	bw_address_write(address, text);
	/* deleting what is not there fails, so it is put there first */
	BW_TRY(bw_buf_addf(out, "add element " TABLE " %s { %s timeout 1s }\n", set_of(address), text));
	return bw_buf_addf(out, "delete element " TABLE " %s { %s }\n", set_of(address), text);
}

enum bw_err bw_keep_out_script(const struct bw_address *address, uint32_t seconds, uint64_t incident,
			       struct bw_buf *out)
{
	char text[BW_ADDRESS_TEXT_BYTES];

	bw_address_write(address, text);
	BW_TRY(bw_buf_add_text(out, table));
	BW_TRY(bw_let_in_script(address, out)); /* `add` alone would leave the older time standing */
	return bw_buf_addf(out, "add element " TABLE " %s { %s timeout %us comment \"incident %llu\" }\n",
			   set_of(address), text, seconds, (unsigned long long)incident);
}

enum bw_err bw_let_in_command(const struct bw_address *address, struct bw_buf *out)
{
	char text[BW_ADDRESS_TEXT_BYTES];

	bw_address_write(address, text);
	return bw_buf_addf(out, "nft delete element " TABLE " %s '{ %s }'", set_of(address), text);
}

/* ---- an account ------------------------------------------------------------------------ */

/* "Account Flags:        [DU         ]": D is disabled. */
enum bw_err bw_account_is_enabled(struct bw_slice text, bool *out)
{
	const struct bw_slice front = BW_LIT("Account Flags:");
	struct bw_slice line;

	while (bw_slice_cut(text, '\n', &line, &text)) {
		struct bw_slice flags;

		if (!bw_slice_starts(line, front))
			continue;
		flags = bw_slice_trim(bw_slice_from(line, front.len));
		BW_NEED(flags.len > 2 && flags.ptr[0] == '[' && flags.ptr[flags.len - 1] == ']', NOT_FOUND);
		*out = memchr(flags.ptr, 'D', flags.len) == NULL;
		return BW_OK;
	}
	return BW_ERR_NOT_FOUND;
}
