#include "crypto/aead.h"

#include "base/test.h"
#include "base/text.h"

/* NIST's validation set (gcmEncryptExtIV256.rsp), and the GCM specification's test case 16 with its additional data. */
static const char key_16[] = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
static const char nonce_16[] = "cafebabefacedbaddecaf888";
static const char with_16[] = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
static const char plain_16[] = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
			       "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
static const char sealed_16[] =
	"522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	"8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b";

static struct bw_slice hex(const char *text, uint8_t *room)
{
	const size_t len = strlen(text) / 2;

	assert_ok(bw_hex_decode(bw_slice_text(text), room, len));
	return bw_slice_of(room, len);
}

static struct bw_aead *make(void)
{
	uint8_t key[32];
	struct bw_aead *aead;

	assert_ok(bw_aead_new(hex(key_16, key), &aead));
	return aead;
}

static void it_is_gcm(void **state)
{
	struct bw_aead *aead = make();
	uint8_t nonce[12];
	uint8_t with[32];
	uint8_t plain[64];
	uint8_t sealed[96];
	uint8_t out[96];
	const struct bw_slice head = hex(with_16, with);
	const struct bw_slice text = hex(plain_16, plain);
	const struct bw_slice want = hex(sealed_16, sealed);

	(void)state;
	(void)hex(nonce_16, nonce);
	assert_int_equal(want.len, text.len + BW_AEAD_TAG_BYTES);
	for (int again = 0; again < 2; again++) {
		assert_ok(bw_aead_seal(aead, nonce, head, text, out));
		assert_memory_equal(out, want.ptr, want.len);
		assert_ok(bw_aead_open(aead, nonce, head, want, out));
		assert_memory_equal(out, text.ptr, text.len);
	}
	bw_aead_free(aead);
}

static void nothing_can_be_changed_or_cut_unseen(void **state)
{
	struct bw_aead *aead = make();
	uint8_t nonce[12] = { 7 };
	uint8_t sealed[5 + BW_AEAD_TAG_BYTES];
	uint8_t out[sizeof(sealed)];

	(void)state;
	assert_ok(bw_aead_seal(aead, nonce, BW_LIT("head"), BW_LIT("hello"), sealed));
	for (size_t i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 1;
		memset(out, 1, sizeof(out));
		assert_int_equal(bw_aead_open(aead, nonce, BW_LIT("head"), bw_slice_of(sealed, sizeof(sealed)), out),
				 BW_ERR_LOCKED);
		for (size_t j = 0; j < 5; j++)
			assert_int_equal(out[j], 0);
		sealed[i] ^= 1;
		assert_int_not_equal(bw_aead_open(aead, nonce, BW_LIT("head"), bw_slice_of(sealed, i), out), BW_OK);
	}
	assert_int_equal(bw_aead_open(aead, nonce, BW_LIT("heat"), bw_slice_of(sealed, sizeof(sealed)), out),
			 BW_ERR_LOCKED);
	nonce[0] = 8;
	assert_int_equal(bw_aead_open(aead, nonce, BW_LIT("head"), bw_slice_of(sealed, sizeof(sealed)), out),
			 BW_ERR_LOCKED);
	bw_aead_free(aead);
}

static void nothing_at_all_can_be_sealed(void **state)
{
	struct bw_aead *aead = make();
	const uint8_t nonce[12] = { 1 };
	uint8_t sealed[BW_AEAD_TAG_BYTES];
	uint8_t out[1] = { 9 };

	(void)state;
	assert_ok(bw_aead_seal(aead, nonce, bw_slice_empty, bw_slice_empty, sealed));
	assert_ok(bw_aead_open(aead, nonce, bw_slice_empty, bw_slice_of(sealed, sizeof(sealed)), out));
	assert_int_equal(out[0], 9);
	assert_int_equal(bw_aead_new(BW_LIT("short"), &aead), BW_ERR_RANGE);
	bw_aead_free(aead);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_gcm),
		cmocka_unit_test(nothing_can_be_changed_or_cut_unseen),
		cmocka_unit_test(nothing_at_all_can_be_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
