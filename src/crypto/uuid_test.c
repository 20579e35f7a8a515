#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "crypto/uuid.h"

static const char *text_of(const struct bw_uuid *uuid)
{
	static char text[BW_UUID_CHARS + 1];

	bw_uuid_format(uuid, text);
	return text;
}

static void a_name_in_the_dns_space_gives_the_uuid_of_rfc_9562(void **state)
{
	struct bw_uuid space;
	struct bw_uuid uuid;

	(void)state;
	/* RFC 9562 A.4 */
	assert_int_equal(bw_uuid_parse(BW_LIT("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), &space), BW_OK);
	assert_int_equal(bw_uuid_v5(&space, BW_LIT("www.example.com"), &uuid), BW_OK);
	assert_string_equal(text_of(&uuid), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

static void a_long_name_hashes_like_a_short_one(void **state)
{
	static uint8_t name[5000];
	struct bw_uuid space = { { 1, 2, 3 } };
	struct bw_uuid a;
	struct bw_uuid b;

	(void)state;
	memset(name, 'x', sizeof(name));
	assert_int_equal(bw_uuid_v5(&space, bw_slice_of(name, 1024), &a), BW_OK);
	assert_int_equal(bw_uuid_v5(&space, bw_slice_of(name, 1025), &b), BW_OK);
	assert_memory_not_equal(&a, &b, sizeof(a));
	assert_int_equal(b.bytes[6] >> 4, 5);
}

static void random_uuids_say_version_four_and_differ(void **state)
{
	struct bw_uuid a;
	struct bw_uuid b;

	(void)state;
	bw_uuid_v4(&a);
	bw_uuid_v4(&b);
	assert_int_equal(a.bytes[6] >> 4, 4);
	assert_int_equal(a.bytes[8] >> 6, 2);
	assert_memory_not_equal(&a, &b, sizeof(a));
}

static void text_comes_back_in_lower_case(void **state)
{
	struct bw_uuid uuid;

	(void)state;
	assert_int_equal(bw_uuid_parse(BW_LIT("2ED6657D-E927-568B-95E1-2665A8AEA6A2"), &uuid), BW_OK);
	assert_string_equal(text_of(&uuid), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
}

static void any_other_form_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"2ed6657d-e927-568b-95e1-2665a8aea6a",
		"2ed6657d-e927-568b-95e1-2665a8aea6a22",
		"2ed6657de-927-568b-95e1-2665a8aea6a2",
		"2ed6657d-e927-568b-95e1-2665a8aea6ag",
		"{2ed6657d-e927-568b-95e1-2665a8aea6}",
		"2ed6657dxe927x568bx95e1x2665a8aea6a2",
	};
	struct bw_uuid uuid = { { 9 } };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(bad); i++)
		assert_int_equal(bw_uuid_parse(bw_slice_text(bad[i]), &uuid), BW_ERR_SYNTAX);
	assert_int_equal(uuid.bytes[0], 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_in_the_dns_space_gives_the_uuid_of_rfc_9562),
		cmocka_unit_test(a_long_name_hashes_like_a_short_one),
		cmocka_unit_test(random_uuids_say_version_four_and_differ),
		cmocka_unit_test(text_comes_back_in_lower_case),
		cmocka_unit_test(any_other_form_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
