#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"
#include "crypto/hash.h"

static void assert_hex(const uint8_t *bytes, size_t len, const char *hex)
{
	char text[2 * 64 + 1];

	assert_true(len <= 64);
	bw_hex_encode(bw_slice_of(bytes, len), text);
	assert_string_equal(text, hex);
}

static void digests_agree_with_their_standards(void **state)
{
	uint8_t out[BW_SHA256_BYTES];

	(void)state;
	/* FIPS 180-4 examples and RFC 1321 A.5 */
	assert_int_equal(bw_sha256(BW_LIT("abc"), out), BW_OK);
	assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(bw_sha256(bw_slice_empty, out), BW_OK);
	assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_int_equal(bw_sha1(BW_LIT("abc"), out), BW_OK);
	assert_hex(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_int_equal(bw_md5(BW_LIT("abc"), out), BW_OK);
	assert_hex(out, 16, "900150983cd24fb0d6963f7d28e17f72");
}

static void pieces_give_the_digest_of_the_whole_and_a_run_can_be_used_again(void **state)
{
	uint8_t text[1000];
	uint8_t whole[BW_SHA256_BYTES];
	uint8_t pieces[BW_SHA256_BYTES];
	struct bw_sha256_run *run;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 7);
	assert_int_equal(bw_sha256(bw_slice_of(text, sizeof(text)), whole), BW_OK);
	assert_int_equal(bw_sha256_new(&run), BW_OK);
	for (size_t step = 1; step < 200; step += 13) {
		for (size_t at = 0; at < sizeof(text); at += step)
			assert_int_equal(bw_sha256_add(run, bw_slice_sub(bw_slice_of(text, sizeof(text)), at, step)),
					 BW_OK);
		assert_int_equal(bw_sha256_end(run, pieces), BW_OK);
		assert_memory_equal(pieces, whole, sizeof(whole));
	}
	bw_sha256_free(run);
	bw_sha256_free(NULL);
}

struct hmac_case {
	uint8_t key_byte;
	size_t key_len;
	const char *text;
	const char *hex;
};

static void hmac_agrees_with_rfc_4231(void **state)
{
	static const struct hmac_case cases[] = {
		{ 0x0b, 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
		{ 0xaa, 131, "Test Using Larger Than Block-Size Key - Hash Key First",
		  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	};
	uint8_t key[131];
	uint8_t out[BW_SHA256_BYTES];

	(void)state;
	for (size_t i = 0; i < BW_COUNT(cases); i++) {
		memset(key, cases[i].key_byte, sizeof(key));
		assert_int_equal(bw_hmac_sha256(bw_slice_of(key, cases[i].key_len), bw_slice_text(cases[i].text), out),
				 BW_OK);
		assert_hex(out, sizeof(out), cases[i].hex);
	}
	assert_int_equal(bw_hmac_sha256(BW_LIT("Jefe"), BW_LIT("what do ya want for nothing?"), out), BW_OK);
	assert_hex(out, sizeof(out), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void siphash_agrees_with_its_authors_table(void **state)
{
	/* key 00..0f over 00, 00 01, …: the first and the last of the paper's appendix, and some between */
	static const struct {
		size_t len;
		uint64_t want;
	} rows[] = {
		{ 0, UINT64_C(0x726fdb47dd0e0e31) },  { 1, UINT64_C(0x74f839c593dc67fd) },
		{ 8, UINT64_C(0x93f5f5799a932462) },  { 15, UINT64_C(0xa129ca6149be45e5) },
		{ 63, UINT64_C(0x958a324ceb064572) },
	};
	uint8_t key[BW_SIPHASH_KEY_BYTES];
	uint8_t text[64];

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)i;
	memcpy(key, text, sizeof(key));
	for (size_t i = 0; i < BW_COUNT(rows); i++)
		assert_int_equal(bw_siphash(key, bw_slice_of(text, rows[i].len)), rows[i].want);
}

static void random_bytes_differ_from_one_call_to_the_next(void **state)
{
	uint8_t a[32];
	uint8_t b[32];

	(void)state;
	bw_random(a, sizeof(a));
	bw_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_agree_with_their_standards),
		cmocka_unit_test(pieces_give_the_digest_of_the_whole_and_a_run_can_be_used_again),
		cmocka_unit_test(hmac_agrees_with_rfc_4231),
		cmocka_unit_test(siphash_agrees_with_its_authors_table),
		cmocka_unit_test(random_bytes_differ_from_one_call_to_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
