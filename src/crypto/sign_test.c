#include "crypto/sign.h"

#include "base/test.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "crypto/vectors_in_tests.h"

enum { FILE_MAX = 8 * 1024 * 1024, FIELD_MAX = 16 * 1024 };

static struct bw_sign_key *fresh_key(enum bw_sign_kind kind)
{
	uint8_t seed[BW_SIGN_SEED_BYTES];
	struct bw_sign_key *key;

	bw_random(seed, sizeof(seed));
	assert_ok(bw_sign_key_new(kind, bw_slice_of(seed, sizeof(seed)), &key));
	return key;
}

static void what_a_key_signs_verifies_and_nothing_else_does(void **state)
{
	(void)state;
	for (enum bw_sign_kind kind = 0; kind < BW_SIGN_KINDS; kind++) {
		struct bw_sign_key *key = fresh_key(kind);
		struct bw_sign_key *other = fresh_key(kind);
		const struct bw_slice public = bw_sign_key_public(key);
		const struct bw_slice message = BW_LIT("a checkpoint");
		uint8_t bytes[BW_SIGN_SIGNATURE_MAX];
		const struct bw_slice signature = bw_slice_of(bytes, bw_sign_signature_bytes(kind));

		assert_int_equal(bw_sign_key_kind(key), kind);
		assert_ok(bw_sign(key, message, bytes));
		assert_ok(bw_sign_verify(kind, public, bw_slice_empty, message, signature));
		assert_int_equal(bw_sign_verify(kind, public, bw_slice_empty, BW_LIT("b checkpoint"), signature),
				 BW_ERR_SIGNATURE);
		assert_int_equal(bw_sign_verify(kind, bw_sign_key_public(other), bw_slice_empty, message, signature),
				 BW_ERR_SIGNATURE);
		assert_int_equal(bw_sign_verify(kind, public, BW_LIT("ctx"), message, signature), BW_ERR_SIGNATURE);
		bytes[5] ^= 1;
		assert_int_equal(bw_sign_verify(kind, public, bw_slice_empty, message, signature), BW_ERR_SIGNATURE);
		bw_sign_key_free(key);
		bw_sign_key_free(other);
	}
}

static void wrong_lengths_are_refused(void **state)
{
	uint8_t zeros[BW_SIGN_SIGNATURE_MAX + 1] = { 0 };
	struct bw_sign_key *key = NULL;

	(void)state;
	assert_int_equal(bw_sign_key_new(BW_SIGN_MLDSA44, bw_slice_of(zeros, 31), &key), BW_ERR_RANGE);
	assert_null(key);
	for (enum bw_sign_kind kind = 0; kind < BW_SIGN_KINDS; kind++) {
		const size_t whole = bw_sign_public_bytes(kind);

		for (size_t len = whole - 1; len <= whole + 1; len++)
			assert_int_equal(bw_sign_verify(kind, bw_slice_of(zeros, len), bw_slice_empty, bw_slice_empty,
							bw_slice_of(zeros, bw_sign_signature_bytes(kind))),
					 BW_ERR_SIGNATURE);
	}
}

/* RFC 8032 §7.1, test 1. */
static void a_seed_is_the_key_it_always_was(void **state)
{
	uint8_t seed[BW_SIGN_SEED_BYTES];
	uint8_t public[32];
	struct bw_sign_key *key;

	(void)state;
	assert_ok(bw_hex_decode(BW_LIT("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"), seed, 32));
	assert_ok(
		bw_hex_decode(BW_LIT("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"), public, 32));
	assert_ok(bw_sign_key_new(BW_SIGN_ED25519, bw_slice_of(seed, sizeof(seed)), &key));
	assert_memory_equal(bw_sign_key_public(key).ptr, public, sizeof(public));
	bw_sign_key_free(key);
}

/* ---- Wycheproof ------------------------------------------------------------------------- */

struct score {
	unsigned right;
	unsigned wrong;
};

/* A field in hexadecimal, empty where there is none. */
static struct bw_slice field(struct bw_slice test, const char *name, uint8_t *room)
{
	struct bw_slice text;

	if (!find_text(test, name, &text))
		return bw_slice_empty;
	assert_true(text.len / 2 <= FIELD_MAX);
	assert_ok(bw_hex_decode(text, room, text.len / 2));
	return bw_slice_of(room, text.len / 2);
}

static void check_one(enum bw_sign_kind kind, struct bw_slice public, struct bw_slice test, struct score *score)
{
	static uint8_t rooms[3][FIELD_MAX];
	const struct bw_slice context = field(test, "ctx", rooms[0]);
	const struct bw_slice message = field(test, "msg", rooms[1]);
	const struct bw_slice signature = field(test, "sig", rooms[2]);
	struct bw_slice result;

	assert_true(find_text(test, "result", &result));
	if ((bw_sign_verify(kind, public, context, message, signature) == BW_OK) == bw_slice_is(result, "valid"))
		score->right++;
	else
		score->wrong++;
}

static void check_group(enum bw_sign_kind kind, const char *key_name, struct bw_slice line, struct score *score)
{
	static uint8_t room[FIELD_MAX];
	const struct bw_slice public = field(line, key_name, room);
	struct bw_slice rest = line;
	const uint8_t *at;

	while ((at = memmem(rest.ptr, rest.len, "\"tcId\"", 6)) != NULL) {
		const struct bw_slice test = bw_slice_from(rest, (size_t)(at - rest.ptr) + 6);
		const uint8_t *next = memmem(test.ptr, test.len, "\"tcId\"", 6);

		check_one(kind, public, next == NULL ? test : bw_slice_sub(test, 0, (size_t)(next - test.ptr)), score);
		rest = test;
	}
}

static void check_file(enum bw_sign_kind kind, const char *file, const char *key_name, unsigned at_least)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(FILE_MAX);
	struct score score = { 0 };
	struct bw_slice rest;
	struct bw_slice line;
	char member[128];

	(void)snprintf(member, sizeof(member), "wycheproof-pq-ed25519/%s", file);
	if (!read_vectors("wycheproof-pq-ed25519.tar.xz", member, &text)) {
		bw_buf_release(&text); /* skipping leaves this scope by a jump */
		skip_because("Wycheproof's vectors are not in ../shared/vectors");
	}
	rest = bw_buf_slice(&text);
	while (bw_slice_cut(rest, '\n', &line, &rest))
		check_group(kind, key_name, line, &score);
	assert_int_equal(score.wrong, 0);
	assert_true(score.right >= at_least);
}

static void ed25519_agrees_with_wycheproof(void **state)
{
	(void)state;
	check_file(BW_SIGN_ED25519, "ed25519_test.jsonl", "pk", 69);
}

static void mldsa44_agrees_with_wycheproof(void **state)
{
	(void)state;
	check_file(BW_SIGN_MLDSA44, "mldsa_44_verify_test.jsonl", "publicKey", 92);
}

static void mldsa65_agrees_with_wycheproof(void **state)
{
	(void)state;
	check_file(BW_SIGN_MLDSA65, "mldsa_65_verify_test.jsonl", "publicKey", 106);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_key_signs_verifies_and_nothing_else_does),
		cmocka_unit_test(wrong_lengths_are_refused),
		cmocka_unit_test(a_seed_is_the_key_it_always_was),
		cmocka_unit_test(ed25519_agrees_with_wycheproof),
		cmocka_unit_test(mldsa44_agrees_with_wycheproof),
		cmocka_unit_test(mldsa65_agrees_with_wycheproof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
