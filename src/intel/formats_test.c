#include "intel/formats.h"

#include "intel/schema.h"
#include "intel/words.h"

#include "base/test.h"

static bool is_time(struct bw_slice text)
{
	return bw_is_timestamp(text, NULL);
}

static bool is_any_id(struct bw_slice text)
{
	return bw_is_id(text, NULL);
}

static const struct {
	bool (*is)(struct bw_slice text);
	const char *text;
	bool expected;
} rows[] = {
	{ is_time, "2016-02-29T23:59:59Z", true },
	{ is_time, "2017-02-29T23:59:59Z", false },
	{ is_time, "1900-02-29T00:00:00Z", false },
	{ is_time, "2000-02-29T00:00:00.123456789012Z", true },
	{ is_time, "2016-01-01T00:00:00.Z", false },
	{ is_time, "2016-01-01T24:00:00Z", false },
	{ is_time, "2016-12-31T23:59:60Z", true },
	{ is_time, "2016-12-31T22:59:60Z", false },
	{ is_time, "2016-01-01T00:00:00+00:00", false },
	{ is_time, "2016-01-01t00:00:00z", false },
	{ is_time, "2016-00-01T00:00:00Z", false },
	{ is_time, "", false },
	{ is_any_id, "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", true },
	{ is_any_id, "x-foo-bar--8E2E2D2B-17D4-4CBF-938F-98EE46B3CD3F", true },
	{ is_any_id, "tool--8e2e2d2b-17d4-6cbf-938f-98ee46b3cd3f", false },
	{ is_any_id, "tool--8e2e2d2b-17d4-4cbf-c38f-98ee46b3cd3f", false },
	{ is_any_id, "tool-8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", false },
	{ is_any_id, "--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", false },
	{ is_any_id, "tool--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f ", false },
	{ bw_is_type_name, "x-foo", true },
	{ bw_is_type_name, "x--foo", false },
	{ bw_is_type_name, "x_foo", false },
	{ bw_is_type_name, "ab", false },
	{ bw_is_hex, "00ffAA", true },
	{ bw_is_hex, "0", false },
	{ bw_is_hex, "", false },
	{ bw_is_base64, "AAAA", true },
	{ bw_is_base64, "AA==", true },
	{ bw_is_base64, "AAA=", true },
	{ bw_is_base64, "A===", false },
	{ bw_is_base64, "AA=A", false },
	{ bw_is_base64, "AAA", false },
	{ bw_is_uri, "http://example.com/a?b=c#d", true },
	{ bw_is_uri, "http://user:p%20w@[2001:db8::1]:80/", true },
	{ bw_is_uri, "urn:x", true },
	{ bw_is_uri, "mailto:a@b", true },
	{ bw_is_uri, "http://[::1", false },
	{ bw_is_uri, "http://a b", false },
	{ bw_is_uri, "http://a/%zz", false },
	{ bw_is_uri, "http://a:port/", false },
	{ bw_is_uri, "//a/b", false },
	{ bw_is_uri, "1a:b", false },
	{ bw_is_uri, "foo", false },
	{ bw_is_ipv4, "0.0.0.0/0", true },
	{ bw_is_ipv4, "255.255.255.255/32", true },
	{ bw_is_ipv4, "256.0.0.1", false },
	{ bw_is_ipv4, "1.2.3", false },
	{ bw_is_ipv4, "1.2.3.04", false },
	{ bw_is_ipv4, "1.2.3.4/01", false },
	{ bw_is_ipv6, "::", true },
	{ bw_is_ipv6, "1::", true },
	{ bw_is_ipv6, "1:2:3:4:5:6:7:8", true },
	{ bw_is_ipv6, "fe80::1%eth0", true },
	{ bw_is_ipv6, "::ffff:1.2.3.4", true },
	{ bw_is_ipv6, "2001:db8::/32", true },
	{ bw_is_ipv6, "1:2:3:4:5:6:7", false },
	{ bw_is_ipv6, "1::2::3", false },
	{ bw_is_ipv6, "12345::", false },
	{ bw_is_ipv6, ":1", false },
	{ bw_is_ipv6, "1:", false },
	{ bw_is_ipv6, "::1/129", false },
	{ bw_is_mac, "aa:bb:cc:dd:ee:0f", true },
	{ bw_is_mac, "AA:bb:cc:dd:ee:0f", false },
	{ bw_is_mac, "aa-bb-cc-dd-ee-0f", false },
	{ bw_is_domain, "_dmarc.example.com.", true },
	{ bw_is_domain,
	  "b\xc3\xbc"
	  "cher.example",
	  true },
	{ bw_is_domain, "-a.example", false },
	{ bw_is_domain, "a..b", false },
	{ bw_is_domain, "ab--c.example", false },
	{ bw_is_domain, "", false },
	{ bw_is_email, "a.b+c@x-y.example", true },
	{ bw_is_email, "a b@x.example", false },
	{ bw_is_email, "a@b", false },
	{ bw_is_cpe, "cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*", true },
	{ bw_is_cpe, "cpe:2.3:a:b:c\\:d:1.0:-:*:en-us:*:*:*:*", true },
	{ bw_is_cpe, "cpe:2.3:a:b:c:1:*:*:*:*:*:*", false },
	{ bw_is_cpe, "cpe:/a:microsoft:word", false },
	{ bw_is_language, "en", true },
	{ bw_is_language, "zh-Hans-CN", true },
	{ bw_is_language, "x-klingon", true },
	{ bw_is_language, "foo", false },
	{ bw_is_language, "en-", false },
	{ bw_is_language, "e", false },
	{ bw_is_full_registry_key, "HKEY_LOCAL_MACHINE\\a", true },
	{ bw_is_full_registry_key, "hklm\\a", false },
	{ bw_is_cve, "CVE-2021-44228", true },
	{ bw_is_cve, "CVE-2021-0001", true },
	{ bw_is_cve, "CVE-2021-01234", false },
	{ bw_is_cve, "cve-2021-1234", false },
};

static void forms_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		if (rows[i].is(bw_slice_text(rows[i].text)) != rows[i].expected)
			print_error("wrong about '%s'\n", rows[i].text);
		assert_int_equal(rows[i].is(bw_slice_text(rows[i].text)), rows[i].expected);
	}
}

static void instants_compare_at_any_precision(void **state)
{
	(void)state;
	assert_int_equal(bw_timestamp_compare(BW_LIT("2016-01-01T00:00:00Z"), BW_LIT("2016-01-01T00:00:00.000Z")), 0);
	assert_true(bw_timestamp_compare(BW_LIT("2016-01-01T00:00:00.1Z"), BW_LIT("2016-01-01T00:00:00.09Z")) > 0);
	assert_true(bw_timestamp_compare(BW_LIT("2016-01-01T00:00:00Z"), BW_LIT("2016-01-01T00:00:00.0001Z")) < 0);
}

static void hashes_fit_their_algorithm(void **state)
{
	(void)state;
	assert_true(bw_is_hash(BW_LIT("MD5"), BW_LIT("d41d8cd98f00b204e9800998ecf8427e")));
	assert_false(bw_is_hash(BW_LIT("SHA-1"), BW_LIT("d41d8cd98f00b204e9800998ecf8427e")));
	assert_false(bw_is_hash(BW_LIT("MD5"), BW_LIT("z41d8cd98f00b204e9800998ecf8427e")));
	assert_true(bw_is_hash(BW_LIT("x_mine"), BW_LIT("anything")));
}

static void every_registered_word_is_found(void **state)
{
	static const char *const lists[] = { bw_words_charsets, bw_words_countries, bw_words_http_headers,
					     bw_words_ipfix,    bw_words_languages, bw_words_media_types,
					     bw_words_pdf_info, bw_words_protocols, bw_words_socket_options };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(lists); i++) {
		struct bw_slice rest = bw_slice_from(bw_slice_text(lists[i]), 1);
		struct bw_slice word;

		while (bw_slice_cut(rest, '\n', &word, &rest)) {
			assert_true(bw_words_have(lists[i], word));
			assert_false(bw_words_have(lists[i], bw_slice_sub(word, 0, 0)));
		}
		assert_false(bw_words_have(lists[i], BW_LIT("no such word")));
		assert_false(bw_words_have(lists[i], BW_LIT("zzzz")));
		assert_false(bw_words_have(lists[i], BW_LIT("\n")));
	}
}

static void types_and_tables_know_each_other(void **state)
{
	struct bw_schema *schema = bw_schema_new();

	(void)state;
	assert_non_null(schema);
	for (unsigned type = 1; type < BW_STIX_TYPE_COUNT; type++) {
		const char *name = bw_stix_type_name((enum bw_stix_type)type);

		assert_int_equal(bw_stix_type_of(bw_slice_text(name)), type);
		assert_string_equal(schema->shapes[type].shape->name, name);
		assert_true(bw_schema_row(schema, (enum bw_shape_id)type, "id") < BW_PROPS_MAX);
	}
	assert_int_equal(bw_stix_type_of(BW_LIT("x-foo")), BW_STIX_CUSTOM);
	assert_int_equal(BW_VOCAB_COUNT, 32);
	assert_true(bw_vocab_has(BW_VOCAB_OPINION, BW_LIT("neutral")));
	assert_false(bw_vocab_has(BW_VOCAB_OPINION, BW_LIT("neutral|agree")));
	assert_false(bw_vocab_has(BW_VOCAB_OPINION, BW_LIT("")));
	bw_schema_free(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_are_told_apart),
		cmocka_unit_test(instants_compare_at_any_precision),
		cmocka_unit_test(hashes_fit_their_algorithm),
		cmocka_unit_test(every_registered_word_is_found),
		cmocka_unit_test(types_and_tables_know_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
