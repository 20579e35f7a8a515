/* DSSE's own cases: $BW_SHARED/vectors, or `shared` beside the repository; skipped by name where they are not. */
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "accord/envelope.h"
#include "base/text.h"
#include "codec/json_walk.h"
#include "sys/files.h"

enum { KEYS_MAX = 4 };

struct key {
	struct bw_slice name;
	struct bw_node_public node;
};

static struct key keys[KEYS_MAX];
static size_t key_count;

static bool find_file(char out[BW_PATH_BYTES])
{
	static const char name[] = "vectors/supply/dsse-vectors.json";
	const char *shared = getenv("BW_SHARED");
	char beside[BW_PATH_BYTES] = __FILE__;
	char *slash = strrchr(beside, '/');

	if (shared != NULL)
		return bw_path_join(out, shared, name) == BW_OK && access(out, R_OK) == 0;
	if (slash == NULL)
		return false;
	*slash = '\0';
	return snprintf(out, BW_PATH_BYTES, "%s/../../../shared/%s", beside, name) < BW_PATH_BYTES &&
	       access(out, R_OK) == 0;
}

/* A member of an object's text; empty when it is not there. */
static struct bw_slice member(struct bw_slice object, const char *wanted)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	bool more = true;

	assert_ok(bw_json_walk_open(object, &walk));
	for (;;) {
		assert_ok(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			return bw_slice_empty;
		if (bw_slice_is(name, wanted))
			return value;
	}
}

/* What a string says, without quotes; the vectors have no escapes but one, which is in a type. */
static struct bw_slice inside(struct bw_slice quoted)
{
	return bw_slice_sub(quoted, 1, quoted.len - 2);
}

static void read_keys(struct bw_slice all)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	bool more;

	assert_ok(bw_json_walk_open(all, &walk));
	for (key_count = 0;; key_count++) {
		assert_ok(bw_json_walk_next(&walk, &name, &value, &more));
		if (!more)
			return;
		assert_true(key_count < KEYS_MAX);
		keys[key_count].name = name;
		assert_ok(bw_hex_decode(inside(member(value, "public")), keys[key_count].node.ed25519,
					BW_ED25519_PUBLIC_BYTES));
	}
}

/* Is this string in the list? Both are compared as they stand in the text. */
static bool lists(struct bw_slice list, struct bw_slice bare)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	struct bw_buf said = BW_BUF_INIT(1024);
	bool found = false;
	bool more = true;

	assert_ok(bw_json_walk_open(list, &walk));
	while (more && !found) {
		assert_ok(bw_json_walk_next(&walk, &name, &value, &more));
		bw_buf_clear(&said);
		if (more)
			assert_ok(bw_json_walk_string(value, &said));
		found = more && bw_slice_equals(bw_buf_slice(&said), bare);
	}
	bw_buf_release(&said);
	return found;
}

/* protocol.md: distinct trusted keys that verify; key ids are hints. */
static size_t count_signers(const struct bw_dsse *envelope, struct bw_slice pae, struct bw_slice trusted)
{
	size_t signers = 0;

	for (size_t k = 0; k < key_count; k++) {
		bool verified = false;

		for (size_t i = 0; i < envelope->count && lists(trusted, keys[k].name); i++)
			verified = verified || bw_node_verify_pae(&keys[k].node, BW_NODE_ED25519, pae,
								  envelope->signatures[i].bytes) == BW_OK;
		signers += verified;
	}
	return signers;
}

static void try_case(struct bw_slice vector)
{
	const bool accept = bw_slice_is(member(vector, "expect"), "\"accept\"");
	const struct bw_slice hex = inside(member(vector, "pae"));
	struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct bw_buf pae = BW_BUF_INIT(BW_MIB);
	struct bw_dsse envelope;
	uint8_t wanted[1024];
	size_t threshold;

	assert_ok(bw_dsse_parse(member(vector, "envelope"), &arena, &envelope));
	assert_ok(bw_dsse_add_pae(&pae, envelope.type, envelope.payload));
	threshold = (size_t)(member(vector, "threshold").ptr[0] - '0');
	if (accept) {
		assert_true(hex.len / 2 <= sizeof(wanted));
		assert_ok(bw_hex_decode(hex, wanted, hex.len / 2));
		assert_true(bw_slice_equals(bw_buf_slice(&pae), bw_slice_of(wanted, hex.len / 2)));
	}
	assert_int_equal(accept, lists(member(vector, "supportedPayloadTypes"), envelope.type) &&
					 count_signers(&envelope, bw_buf_slice(&pae), member(vector, "trustedKeys")) >=
						 threshold);
	bw_buf_release(&pae);
	bw_arena_release(&arena);
}

static void every_case_ends_as_the_standard_says(void **state)
{
	struct bw_buf text = BW_BUF_INIT(BW_MIB);
	char path[BW_PATH_BYTES];
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice vector;
	size_t count = 0;
	bool more;

	(void)state;
	if (!find_file(path))
		skip_because("../shared/vectors/supply/dsse-vectors.json is not there");
	assert_ok(bw_file_read(path, &text, NULL));
	read_keys(member(bw_buf_slice(&text), "keys"));
	assert_ok(bw_json_walk_open(member(bw_buf_slice(&text), "vectors"), &walk));
	for (;; count++) {
		assert_ok(bw_json_walk_next(&walk, &name, &vector, &more));
		if (!more)
			break;
		try_case(vector);
	}
	assert_int_equal(count, 9);
	bw_buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_case_ends_as_the_standard_says) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
