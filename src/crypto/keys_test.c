#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"
#include "crypto/keys_private.h"

static struct bw_node_keys *ours;
static struct bw_node_keys *theirs;

static int make_keys(void **state)
{
	(void)state;
	return bw_node_keys_make(&ours) == BW_OK && bw_node_keys_make(&theirs) == BW_OK ? 0 : -1;
}

static int drop_keys(void **state)
{
	(void)state;
	bw_node_keys_free(ours);
	bw_node_keys_free(theirs);
	return 0;
}

static void a_signature_verifies_for_its_node_purpose_and_message_only(void **state)
{
	struct bw_node_signature signature;

	(void)state;
	assert_int_equal(bw_node_sign(ours, "checkpoint", BW_LIT("hello"), &signature), BW_OK);
	assert_int_equal(bw_node_verify(&ours->public, "checkpoint", BW_LIT("hello"), &signature), BW_OK);
	assert_int_equal(bw_node_verify(&theirs->public, "checkpoint", BW_LIT("hello"), &signature), BW_ERR_SIGNATURE);
	assert_int_equal(bw_node_verify(&ours->public, "accord", BW_LIT("hello"), &signature), BW_ERR_SIGNATURE);
	assert_int_equal(bw_node_verify(&ours->public, "checkpoint", BW_LIT("hellO"), &signature), BW_ERR_SIGNATURE);
}

static void both_halves_must_verify(void **state)
{
	struct bw_node_signature signature;

	(void)state;
	assert_int_equal(bw_node_sign(ours, "x", BW_LIT("m"), &signature), BW_OK);
	signature.ed25519[5] ^= 1;
	assert_int_equal(bw_node_verify(&ours->public, "x", BW_LIT("m"), &signature), BW_ERR_SIGNATURE);
	signature.ed25519[5] ^= 1;
	signature.mldsa65[1000] ^= 1;
	assert_int_equal(bw_node_verify(&ours->public, "x", BW_LIT("m"), &signature), BW_ERR_SIGNATURE);
	signature.mldsa65[1000] ^= 1;
	assert_int_equal(bw_node_verify(&ours->public, "x", BW_LIT("m"), &signature), BW_OK);
}

static void a_purpose_has_a_form(void **state)
{
	static const char *const bad[] = {
		"",    "Upper",    "a b",
		"a_b", "\xc3\xa4", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	};
	struct bw_node_signature signature;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(bad); i++)
		assert_int_equal(bw_node_sign(ours, bad[i], BW_LIT("m"), &signature), BW_ERR_USAGE);
}

static void the_same_seeds_give_the_same_keys(void **state)
{
	/* RFC 8032 §7.1, test 1 */
	static const char ed_seed[] = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
	static const char ed_public[] = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
	BW_CLEANUP(bw_secret_wipe) struct bw_secret seeds = { 0 };
	BW_CLEANUP(bw_secret_wipe) struct bw_secret again = { 0 };
	struct bw_node_keys *a;
	struct bw_node_keys *b;
	char text[65];

	(void)state;
	assert_int_equal(bw_secret_make(&seeds, SEEDS_BYTES), BW_OK);
	assert_int_equal(bw_hex_decode(bw_slice_text(ed_seed), seeds.ptr, BW_SIGN_SEED_BYTES), BW_OK);
	assert_int_equal(bw_secret_set(&again, bw_secret_slice(&seeds)), BW_OK);
	assert_int_equal(bw_node_keys_from_seeds(&seeds, &a), BW_OK);
	assert_int_equal(bw_node_keys_from_seeds(&again, &b), BW_OK);
	bw_hex_encode(bw_slice_of(a->public.ed25519, BW_ED25519_PUBLIC_BYTES), text);
	assert_string_equal(text, ed_public);
	assert_memory_equal(&a->public, &b->public, sizeof(a->public));
	bw_node_keys_free(a);
	bw_node_keys_free(b);
}

/* ---- the file --------------------------------------------------------------------- */

static void keys_come_back_from_their_file_with_the_passphrase(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf file = BW_BUF_INIT(BW_NODE_KEYS_FILE_MAX);
	struct bw_node_signature signature;
	struct bw_node_keys *keys;

	(void)state;
	assert_int_equal(bw_node_keys_seal(ours, BW_LIT("open sesame"), &file), BW_OK);
	assert_null(memmem(file.ptr, file.len, ours->seeds.ptr, 16));
	assert_int_equal(bw_node_keys_open(bw_buf_slice(&file), BW_LIT("open sesame"), &keys), BW_OK);
	assert_memory_equal(&keys->public, &ours->public, sizeof(keys->public));
	assert_int_equal(bw_node_sign(keys, "x", BW_LIT("m"), &signature), BW_OK);
	assert_int_equal(bw_node_verify(&ours->public, "x", BW_LIT("m"), &signature), BW_OK);
	bw_node_keys_free(keys);
	assert_int_equal(bw_node_keys_open(bw_buf_slice(&file), BW_LIT("open Sesame"), &keys), BW_ERR_LOCKED);
	assert_int_equal(bw_node_keys_open(bw_buf_slice(&file), bw_slice_empty, &keys), BW_ERR_LOCKED);
	assert_int_equal(bw_node_keys_seal(ours, bw_slice_empty, &file), BW_ERR_RANGE);
}

static void no_prefix_of_the_file_and_nothing_after_it_is_accepted(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf file = BW_BUF_INIT(BW_NODE_KEYS_FILE_MAX);
	struct bw_node_keys *keys;

	(void)state;
	assert_int_equal(bw_node_keys_seal(ours, BW_LIT("p"), &file), BW_OK);
	for (size_t n = 0; n < file.len; n++)
		assert_int_equal(bw_node_keys_open(bw_slice_sub(bw_buf_slice(&file), 0, n), BW_LIT("p"), &keys),
				 BW_ERR_TRUNCATED);
	assert_int_equal(bw_buf_add_u8(&file, 0), BW_OK);
	assert_int_equal(bw_node_keys_open(bw_buf_slice(&file), BW_LIT("p"), &keys), BW_ERR_SYNTAX);
}

static void a_changed_file_never_opens(void **state)
{
	/* magic, version, kdf, cipher, a cost beyond the limit, salt, nonce, length, secret, tag */
	static const struct {
		size_t at;
		enum bw_err want;
	} rows[] = {
		{ 0, BW_ERR_SYNTAX },  { 7, BW_ERR_VERSION },  { 8, BW_ERR_VERSION }, { 9, BW_ERR_VERSION },
		{ 10, BW_ERR_RANGE },  { 22, BW_ERR_LOCKED },  { 38, BW_ERR_LOCKED }, { 50, BW_ERR_TOO_BIG },
		{ 54, BW_ERR_LOCKED }, { 118, BW_ERR_LOCKED },
	};
	BW_CLEANUP(bw_buf_release) struct bw_buf file = BW_BUF_INIT(BW_NODE_KEYS_FILE_MAX);
	struct bw_node_keys *keys;

	(void)state;
	assert_int_equal(bw_node_keys_seal(ours, BW_LIT("p"), &file), BW_OK);
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		file.ptr[rows[i].at] ^= 0x80;
		assert_int_equal(bw_node_keys_open(bw_buf_slice(&file), BW_LIT("p"), &keys), rows[i].want);
		file.ptr[rows[i].at] ^= 0x80;
	}
}

/* ---- bytes and names ------------------------------------------------------------------ */

static void public_keys_and_signatures_survive_their_encoding(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(16384);
	struct bw_node_signature signature;
	struct bw_node_signature signature_back;
	struct bw_node_public back;
	struct bw_cursor c;

	(void)state;
	assert_int_equal(bw_node_sign(ours, "x", BW_LIT("m"), &signature), BW_OK);
	assert_int_equal(bw_node_public_add(&buf, &ours->public), BW_OK);
	assert_int_equal(buf.len, BW_NODE_PUBLIC_BYTES);
	assert_int_equal(bw_node_signature_add(&buf, &signature), BW_OK);
	assert_int_equal(buf.len, BW_NODE_PUBLIC_BYTES + BW_NODE_SIGNATURE_BYTES);
	c = bw_cursor_over(bw_buf_slice(&buf));
	assert_int_equal(bw_node_public_take(&c, &back), BW_OK);
	assert_int_equal(bw_node_signature_take(&c, &signature_back), BW_OK);
	assert_int_equal(bw_cursor_left(&c), 0);
	assert_memory_equal(&back, &ours->public, sizeof(back));
	assert_memory_equal(&signature_back, &signature, sizeof(signature));
	c = bw_cursor_over(bw_slice_sub(bw_buf_slice(&buf), 0, BW_NODE_PUBLIC_BYTES - 1));
	assert_int_equal(bw_node_public_take(&c, &back), BW_ERR_TRUNCATED);
	assert_int_equal(c.at, 0);
	buf.ptr[1] = 2;
	c = bw_cursor_over(bw_buf_slice(&buf));
	assert_int_equal(bw_node_public_take(&c, &back), BW_ERR_VERSION);
}

static void a_node_has_one_name(void **state)
{
	uint8_t fingerprint[BW_SHA256_BYTES];
	uint8_t other[BW_SHA256_BYTES];
	char name[BW_NODE_NAME_CHARS + 1];

	(void)state;
	assert_int_equal(bw_node_fingerprint(&ours->public, fingerprint), BW_OK);
	assert_int_equal(bw_node_fingerprint(&theirs->public, other), BW_OK);
	assert_memory_not_equal(fingerprint, other, sizeof(other));
	bw_node_name(fingerprint, name);
	assert_int_equal(strlen(name), BW_NODE_NAME_CHARS);
	assert_true(bw_slice_starts(bw_slice_text(name), BW_LIT("bw1")));
	assert_int_equal(bw_node_name_parse(bw_slice_text(name), other), BW_OK);
	assert_memory_equal(fingerprint, other, sizeof(other));
	assert_int_equal(bw_node_name_parse(bw_slice_text(name + 1), other), BW_ERR_SYNTAX);
}

/* ---- rotation ----------------------------------------------------------------------------- */

static void a_rotation_convinces_who_trusts_the_old_keys(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf statement = BW_BUF_INIT(BW_ROTATION_MAX);
	struct bw_node_rotation rotation;

	(void)state;
	assert_int_equal(bw_node_rotation_make(ours, theirs, 1234567, &statement), BW_OK);
	assert_int_equal(bw_node_rotation_check(bw_buf_slice(&statement), &ours->public, &rotation), BW_OK);
	assert_int_equal(rotation.time_us, 1234567);
	assert_memory_equal(&rotation.now, &theirs->public, sizeof(rotation.now));
	/* nobody else's keys, and not the new ones in place of the old */
	assert_int_equal(bw_node_rotation_check(bw_buf_slice(&statement), &theirs->public, &rotation),
			 BW_ERR_SIGNATURE);
}

static void a_rotation_that_was_touched_or_cut_convinces_nobody(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf statement = BW_BUF_INIT(BW_ROTATION_MAX);
	struct bw_node_rotation rotation;

	(void)state;
	assert_int_equal(bw_node_rotation_make(ours, theirs, 1234567, &statement), BW_OK);
	for (size_t at = 0; at < statement.len; at += 97) {
		statement.ptr[at] ^= 1;
		assert_int_not_equal(bw_node_rotation_check(bw_buf_slice(&statement), &ours->public, &rotation), BW_OK);
		statement.ptr[at] ^= 1;
		assert_int_equal(
			bw_node_rotation_check(bw_slice_sub(bw_buf_slice(&statement), 0, at), &ours->public, &rotation),
			BW_ERR_TRUNCATED);
	}
	assert_int_equal(bw_buf_add_u8(&statement, 0), BW_OK);
	assert_int_equal(bw_node_rotation_check(bw_buf_slice(&statement), &ours->public, &rotation), BW_ERR_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signature_verifies_for_its_node_purpose_and_message_only),
		cmocka_unit_test(both_halves_must_verify),
		cmocka_unit_test(a_purpose_has_a_form),
		cmocka_unit_test(the_same_seeds_give_the_same_keys),
		cmocka_unit_test(keys_come_back_from_their_file_with_the_passphrase),
		cmocka_unit_test(no_prefix_of_the_file_and_nothing_after_it_is_accepted),
		cmocka_unit_test(a_changed_file_never_opens),
		cmocka_unit_test(public_keys_and_signatures_survive_their_encoding),
		cmocka_unit_test(a_node_has_one_name),
		cmocka_unit_test(a_rotation_convinces_who_trusts_the_old_keys),
		cmocka_unit_test(a_rotation_that_was_touched_or_cut_convinces_nobody),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
