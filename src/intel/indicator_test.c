#include "intel/indicator.h"

#include <stdio.h>

#include "base/test.h"

static int set_up(void **state)
{
	struct bw_indicator_reader *reader;

	assert_ok(bw_indicator_reader_new(&reader));
	*state = reader;
	return 0;
}

static int tear_down(void **state)
{
	bw_indicator_reader_free(*state);
	return 0;
}

static enum bw_err read(struct bw_indicator_reader *reader, const char *pattern, const char *more,
			struct bw_indicator *out)
{
	char json[4096];

	(void)snprintf(json, sizeof(json),
		       "{\"type\":\"indicator\",\"spec_version\":\"2.1\","
		       "\"id\":\"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\","
		       "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-02T00:00:00.000Z\","
		       "\"pattern_type\":\"stix\",\"pattern\":\"%s\",\"valid_from\":\"2026-01-03T00:00:00Z\"%s}",
		       pattern, more);
	return bw_indicator_read(reader, bw_slice_text(json), out);
}

/* "word value" of each, with blanks between. */
static const char *values_of(const struct bw_indicator *indicator)
{
	static char text[4096];

	text[0] = '\0';
	for (size_t i = 0; i < indicator->value_count; i++) {
		const size_t at = strlen(text);

		(void)snprintf(text + at, sizeof(text) - at, "%s%s %.*s", at > 0 ? "; " : "",
			       bw_trait_word(indicator->values[i].trait), BW_ARG(indicator->values[i].text));
	}
	return text;
}

static void assert_values(void **state, const char *pattern, const char *values, size_t left_out)
{
	struct bw_indicator indicator;

	assert_ok(read(*state, pattern, "", &indicator));
	assert_string_equal(values_of(&indicator), values);
	assert_int_equal(indicator.left_out, left_out);
}

static void what_a_pattern_says_exactly_is_read(void **state)
{
	assert_values(state, "[file:name = 'READ_ME_NOW.txt']", "name read_me_now.txt", 0);
	assert_values(state, "[file:name LIKE '%.Locked']", "ending locked", 0);
	assert_values(state,
		      "[ipv4-addr:value IN ('203.0.113.7', '198.51.100.1/32')] OR [ipv6-addr:value = '2001:DB8:0::1']",
		      "address 203.0.113.7; address 198.51.100.1; address 2001:db8::1", 0);
	assert_values(state,
		      "[file:hashes.MD5 = 'D41D8CD98F00B204E9800998ECF8427E' OR domain-name:value = 'Bad.Example']",
		      "md5 d41d8cd98f00b204e9800998ecf8427e; domain bad.example", 0);
	assert_values(state, "[x-breakwater-harm:value = 'client joined random']", "harm client joined random", 0);
}

static void what_asks_for_more_than_one_value_is_left_out(void **state)
{
	assert_values(state, "[ipv4-addr:value = '0.0.0.0/0']", "", 1);
	assert_values(state, "[file:name = 'a.exe' AND file:size = 7]", "", 1);
	assert_values(state, "[file:name NOT = 'a.exe']", "", 1);
	assert_values(state, "[file:name = 'a.exe'] FOLLOWEDBY [file:name = 'b.exe']", "", 1);
	assert_values(state, "[file:name = 'a.exe'] REPEATS 5 TIMES", "", 1);
	assert_values(state, "[file:name LIKE '%.a%' OR file:name LIKE 'x.b' OR file:name LIKE '%.c_']", "", 3);
	assert_values(state, "[file:name MATCHES '^a' OR file:size = 7 OR file:name = 'kept']", "name kept", 2);
	assert_values(state, "[process:command_line = 'x' OR file:name = '/etc/passwd']", "", 2);
}

static void times_confidence_and_revocation_are_read(void **state)
{
	struct bw_indicator indicator;

	assert_ok(read(*state, "[file:name = 'a']", ",\"valid_until\":\"2026-01-04T00:00:00Z\",\"confidence\":80",
		       &indicator));
	assert_slice(indicator.id, "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f");
	assert_int_equal(indicator.modified_us, INT64_C(1767312000000000));
	assert_int_equal(indicator.until_us - indicator.from_us, INT64_C(86400000000));
	assert_int_equal(indicator.confidence, 80);
	assert_false(indicator.is_revoked);
	assert_ok(read(*state, "[file:name = 'a']", ",\"revoked\":true", &indicator));
	assert_true(indicator.is_revoked);
	assert_int_equal(indicator.until_us, INT64_MAX);
	assert_int_equal(indicator.confidence, 50);
}

static void what_is_no_indicator_is_refused(void **state)
{
	struct bw_indicator indicator;

	assert_int_equal(read(*state, "[file:name = ]", "", &indicator), BW_ERR_SCHEMA);
	assert_int_equal(read(*state, "[file:name = 'a']", ",\"confidence\":800", &indicator), BW_ERR_SCHEMA);
	assert_int_equal(bw_indicator_read(*state, BW_LIT("[]"), &indicator), BW_ERR_SCHEMA);
	assert_int_equal(
		bw_indicator_read(*state,
				  BW_LIT("{\"type\":\"ipv4-addr\",\"spec_version\":\"2.1\",\"value\":\"203.0.113.7\","
					 "\"id\":\"ipv4-addr--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\"}"),
				  &indicator),
		BW_ERR_TYPE);
}

static void a_long_list_is_cut_and_counted(void **state)
{
	enum { MORE = 10 };
	BW_CLEANUP(bw_buf_release) struct bw_buf pattern = BW_BUF_INIT(1 << 20);
	struct bw_indicator indicator;
	char json[1 << 14];

	assert_ok(bw_buf_add_text(&pattern, "[file:name IN ('0'"));
	for (unsigned i = 1; i < BW_INDICATOR_VALUES_MAX + MORE; i++)
		assert_ok(bw_buf_addf(&pattern, ",'%u'", i));
	assert_ok(bw_buf_add_text(&pattern, ")]"));
	(void)snprintf(json, sizeof(json),
		       "{\"type\":\"indicator\",\"spec_version\":\"2.1\","
		       "\"id\":\"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\","
		       "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-02T00:00:00.000Z\","
		       "\"pattern_type\":\"stix\",\"pattern\":\"%s\",\"valid_from\":\"2026-01-03T00:00:00Z\"}",
		       bw_buf_text(&pattern));
	assert_ok(bw_indicator_read(*state, bw_slice_text(json), &indicator));
	assert_int_equal(indicator.value_count, BW_INDICATOR_VALUES_MAX);
	assert_int_equal(indicator.left_out, MORE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_a_pattern_says_exactly_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_asks_for_more_than_one_value_is_left_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(times_confidence_and_revocation_are_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_indicator_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_long_list_is_cut_and_counted, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
