#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "crypto/cert.h"
#include "sys/clock.h"

static void a_made_certificate_tells_its_facts(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf pem = BW_BUF_INIT(BW_CERT_PEM_MAX);
	BW_CLEANUP(bw_secret_wipe) struct bw_secret key = { 0 };
	static const char *const names[] = { "node.example", "192.0.2.7", "2001:db8::1", "localhost", "node.example" };
	const int64_t now = bw_clock_now_us();
	struct bw_cert_facts facts;

	(void)state;
	assert_int_equal(bw_cert_make(names, BW_COUNT(names), &pem, &key, NULL), BW_OK);
	assert_int_equal(bw_cert_read(bw_buf_slice(&pem), &facts), BW_OK);
	assert_true(facts.self_signed);
	assert_true(facts.not_before_us < now);
	assert_true(facts.not_after_us > now + INT64_C(86400000000) * (BW_CERT_DAYS - 2));
	assert_non_null(strstr(facts.subject, "Breakwater node"));
	assert_true(bw_slice_starts(bw_secret_slice(&key), BW_LIT("-----BEGIN PRIVATE KEY-----")));
}

static void two_certificates_never_share_a_fingerprint(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf a = BW_BUF_INIT(BW_CERT_PEM_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf b = BW_BUF_INIT(BW_CERT_PEM_MAX);
	BW_CLEANUP(bw_secret_wipe) struct bw_secret key = { 0 };
	struct bw_cert_facts x;
	struct bw_cert_facts y;

	(void)state;
	assert_int_equal(bw_cert_make(NULL, 0, &a, &key, NULL), BW_OK);
	assert_int_equal(bw_cert_make(NULL, 0, &b, &key, NULL), BW_OK);
	assert_int_equal(bw_cert_read(bw_buf_slice(&a), &x), BW_OK);
	assert_int_equal(bw_cert_read(bw_buf_slice(&b), &y), BW_OK);
	assert_memory_not_equal(x.fingerprint, y.fingerprint, BW_SHA256_BYTES);
}

static void names_that_are_none_are_refused_by_name(void **state)
{
	static const char *const bad[] = { "", "a b", "-x", ".x", "a,DNS:evil", "a\nb", "email:x@y", "a*b" };
	BW_CLEANUP(bw_buf_release) struct bw_buf pem = BW_BUF_INIT(BW_CERT_PEM_MAX);
	BW_CLEANUP(bw_secret_wipe) struct bw_secret key = { 0 };
	struct bw_why why = { "" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(bad); i++)
		assert_int_equal(bw_cert_make(&bad[i], 1, &pem, &key, &why), BW_ERR_RANGE);
	assert_non_null(strstr(why.text, "a*b"));
	assert_int_equal(pem.len, 0);
}

static void what_is_no_certificate_is_a_syntax_error(void **state)
{
	struct bw_cert_facts facts;

	(void)state;
	assert_int_equal(bw_cert_read(bw_slice_empty, &facts), BW_ERR_SYNTAX);
	assert_int_equal(bw_cert_read(BW_LIT("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), &facts),
			 BW_ERR_SYNTAX);
}

static void fingerprints_are_read_with_and_without_colons(void **state)
{
	static const char plain[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
	static const char colons[] = "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:"
				     "10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F";
	uint8_t a[BW_SHA256_BYTES];
	uint8_t b[BW_SHA256_BYTES];
	char text[BW_FINGERPRINT_CHARS + 1];

	(void)state;
	assert_int_equal(bw_fingerprint_parse(bw_slice_text(plain), a), BW_OK);
	assert_int_equal(bw_fingerprint_parse(bw_slice_text(colons), b), BW_OK);
	assert_memory_equal(a, b, sizeof(a));
	bw_fingerprint_format(a, text);
	assert_string_equal(text, plain);
	assert_int_equal(bw_fingerprint_parse(bw_slice_sub(bw_slice_text(colons), 0, 94), a), BW_ERR_SYNTAX);
	assert_int_equal(bw_fingerprint_parse(BW_LIT("xyz"), a), BW_ERR_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_made_certificate_tells_its_facts),
		cmocka_unit_test(two_certificates_never_share_a_fingerprint),
		cmocka_unit_test(names_that_are_none_are_refused_by_name),
		cmocka_unit_test(what_is_no_certificate_is_a_syntax_error),
		cmocka_unit_test(fingerprints_are_read_with_and_without_colons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
