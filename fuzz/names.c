/*
 * Short texts that name something: UUIDs, fingerprints, names of nodes, API keys,
 * addresses. Each is refused, or written again it is the same but for case and
 * colons, and reading that gives the same value.
 */
#include <stdlib.h>

#include "base/text.h"
#include "crypto/cert.h"
#include "crypto/keys.h"
#include "crypto/password.h"
#include "crypto/uuid.h"
#include "net/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void read_uuid(struct bw_slice in)
{
	char text[BW_UUID_CHARS + 1];
	struct bw_uuid uuid;

	if (bw_uuid_parse(in, &uuid) != BW_OK)
		return;
	bw_uuid_format(&uuid, text);
	check(bw_slice_is_nocase(in, text));
}

static void read_fingerprint(struct bw_slice in)
{
	char text[BW_FINGERPRINT_CHARS + 1];
	uint8_t first[BW_SHA256_BYTES];
	uint8_t again[BW_SHA256_BYTES];

	if (bw_fingerprint_parse(in, first) != BW_OK)
		return;
	bw_fingerprint_format(first, text);
	check(strlen(text) == BW_FINGERPRINT_CHARS && in.len >= BW_FINGERPRINT_CHARS);
	check(bw_fingerprint_parse(bw_slice_text(text), again) == BW_OK && memcmp(first, again, sizeof(first)) == 0);
}

static void read_node_name(struct bw_slice in)
{
	char text[BW_NODE_NAME_CHARS + 1];
	uint8_t fingerprint[BW_SHA256_BYTES];

	if (bw_node_name_parse(in, fingerprint) != BW_OK)
		return;
	bw_node_name(fingerprint, text);
	check(bw_slice_is_nocase(in, text));
}

static void read_key(struct bw_slice in)
{
	uint8_t hash[BW_SHA256_BYTES];
	const bool good = bw_api_key_is_well_formed(in);

	check(!good || in.len == BW_API_KEY_CHARS);
	check((bw_api_key_hash(in, hash) == BW_OK) == good);
}

static void read_address(struct bw_slice in)
{
	char text[BW_NET_ADDRESS_TEXT];
	char host[BW_NET_ADDRESS_TEXT];
	struct bw_net_address first;
	struct bw_net_address again;

	if (bw_net_address_parse(in, &first) != BW_OK)
		return;
	bw_net_address_text(&first, text);
	bw_net_address_host(&first, host);
	if (strcmp(text, "local") == 0) /* "[::]:0", which is how a socket pair looks */
		return;
	check(strlen(text) < sizeof(text) && strlen(host) < strlen(text));
	check(bw_net_address_parse(bw_slice_text(text), &again) == BW_OK);
	check(memcmp(first.ip, again.ip, sizeof(first.ip)) == 0 && first.port == again.port);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice in = bw_slice_of(data, size);

	read_uuid(in);
	read_fingerprint(in);
	read_node_name(in);
	read_key(in);
	read_address(in);
	return 0;
}
