#include "base/test.h"

#include "accord/redact.h"
#include "intel/object.h"

static struct bw_redact_report report;

static enum bw_redact_outcome look(const char *object, enum bw_redaction profile)
{
	assert_ok(bw_redact_look(bw_slice_text(object), profile, &report));
	return report.outcome;
}

#define INDICATOR(members)                                                                                             \
	"{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\"," \
	"\"created\":\"2026-11-01T00:00:00.000Z\",\"modified\":\"2026-11-01T00:00:00.000Z\",\"pattern_type\":"         \
	"\"stix\","                                                                                                    \
	"\"valid_from\":\"2026-11-01T00:00:00Z\"" members "}"
#define PATTERN ",\"pattern\":\"[ipv4-addr:value = '198.51.100.4']\""
#define NEW_ID "indicator--4bfc0d2c-7b8e-4d2a-9d4f-2f0a3f1b7c11"

static const struct bw_redact_plan plan = {
	.id = { (const uint8_t *)NEW_ID, sizeof(NEW_ID) - 1 },
	.time = { (const uint8_t *)"2026-11-23T00:00:00.000Z", 24 },
	.creator = { (const uint8_t *)"identity--311b2d2d-f010-4473-83ec-1edf84858f4c", 46 },
	.personal = true,
};

/* The derived object, which the object check must accept. */
static void derive(const char *object, const struct bw_redact_plan *with, const char *expected)
{
	struct bw_buf out = BW_BUF_INIT(BW_MIB);
	struct bw_checker *checker;
	struct bw_report findings;

	assert_ok(bw_redact_derive(bw_slice_text(object), with, &out));
	assert_string_equal(bw_buf_text(&out), expected);
	assert_ok(bw_checker_new(0, &checker));
	assert_ok(bw_report_init(&findings));
	assert_ok(bw_object_check(checker, bw_buf_slice(&out), &findings, NULL));
	assert_int_equal(findings.errors, 0);
	bw_report_release(&findings);
	bw_checker_free(checker);
	bw_buf_release(&out);
}

static void nothing_found_goes_as_it_is(void **state)
{
	(void)state;
	assert_int_equal(look(INDICATOR(PATTERN ",\"description\":\"Seen 3 times.\""), BW_REDACTION_DERIVE),
			 BW_REDACT_CLEAN);
	assert_int_equal(report.count, 0);
}

static void the_profile_decides_what_becomes_of_what_is_sure(void **state)
{
	static const char object[] = INDICATOR(PATTERN ",\"description\":\"Ask anna.webb@example.org\"");
	struct bw_buf said = BW_BUF_INIT(1024);

	(void)state;
	assert_int_equal(look(object, BW_REDACTION_DERIVE), BW_REDACT_DERIVE);
	assert_string_equal(report.places[0].path, "description");
	assert_int_equal(report.places[0].at, 4);
	assert_ok(bw_redact_say(&report.places[0], &said));
	assert_string_equal(bw_buf_text(&said), "e-mail address in description (certainty 95 of 100)");
	assert_int_equal(look(object, BW_REDACTION_WITHHOLD), BW_REDACT_WITHHOLD);
	assert_int_equal(look(object, BW_REDACTION_NONE), BW_REDACT_CLEAN);
	bw_buf_release(&said);
}

static void what_is_unsure_waits_for_a_person(void **state)
{
	(void)state;
	assert_int_equal(
		look(INDICATOR(PATTERN ",\"description\":\"on \\\\\\\\FILESRV02\\\\pupils\""), BW_REDACTION_DERIVE),
		BW_REDACT_HOLD);
	assert_int_equal(look("{\"type\":\"identity\",\"name\":\"A. Webb\",\"identity_class\":\"individual\"}",
			      BW_REDACTION_DERIVE),
			 BW_REDACT_HOLD);
	assert_string_equal(report.places[0].path, "identity_class");
	assert_int_equal(look("{\"type\":\"identity\",\"name\":\"NCSC\",\"identity_class\":\"organization\"}",
			      BW_REDACTION_DERIVE),
			 BW_REDACT_CLEAN);
}

static void escapes_hide_nothing(void **state)
{
	(void)state;
	assert_int_equal(
		look(INDICATOR(PATTERN ",\"description\":\"anna.webb\\u0040example.org\""), BW_REDACTION_DERIVE),
		BW_REDACT_DERIVE);
	assert_int_equal(look(INDICATOR(PATTERN ",\"description\":\"\\n943 476 5919\""), BW_REDACTION_DERIVE),
			 BW_REDACT_DERIVE);
}

static void an_attackers_mailbox_in_a_pattern_is_no_personal_data(void **state)
{
	(void)state;
	assert_int_equal(look(INDICATOR(",\"pattern\":\"[email-addr:value = 'anna.webb@evil.example']\""),
			      BW_REDACTION_WITHHOLD),
			 BW_REDACT_CLEAN);
	assert_int_equal(
		look("{\"type\":\"email-addr\",\"id\":\"x\",\"value\":\"bob@evil.example\"}", BW_REDACTION_WITHHOLD),
		BW_REDACT_CLEAN);
}

static void what_an_object_is_about_cannot_be_taken_out(void **state)
{
	static const char object[] = INDICATOR(",\"pattern\":\"[ipv4-addr:value = '10.4.4.9']\"");
	struct bw_buf out = BW_BUF_INIT(BW_MIB);

	(void)state;
	assert_int_equal(look(object, BW_REDACTION_DERIVE), BW_REDACT_WITHHOLD);
	assert_true(report.places[0].is_subject);
	assert_int_equal(bw_redact_derive(bw_slice_text(object), &plan, &out), BW_ERR_DENIED);
	assert_int_equal(out.len, 0);
	assert_int_equal(
		look(INDICATOR(PATTERN ",\"x_own\":{\"anna.webb@example.org 943 476 5919\":1}"), BW_REDACTION_DERIVE),
		BW_REDACT_WITHHOLD);
	assert_int_equal(bw_redact_derive(BW_LIT("{\"type\":\"url\",\"value\":\"x\"}"), &plan, &out), BW_ERR_USAGE);
}

static void ids_times_and_references_are_not_looked_at(void **state)
{
	(void)state;
	assert_int_equal(
		look(INDICATOR(PATTERN
			       ",\"external_references\":[{\"source_name\":\"x\",\"external_id\":\"943 476 5919\"}],"
			       "\"labels\":[\"a\"],\"x_refs\":[\"anna@example.org\"]"),
		     BW_REDACTION_DERIVE),
		BW_REDACT_CLEAN);
}

static void a_derived_object_has_a_new_id_and_not_the_data(void **state)
{
	(void)state;
	derive(INDICATOR(PATTERN ",\"created_by_ref\":\"identity--aaaaaaaa-f010-4473-83ec-1edf84858f4c\",\"labels\":["
				 "\"ring 020 7946 "
				 "0958 now\"],\"description\":\"NHS \\\"943 476 5919\\\", anna.webb@example.org\""),
	       &plan,
	       "{\"type\":\"indicator\",\"id\":\"" NEW_ID
	       "\",\"created\":\"2026-11-23T00:00:00.000Z\",\"modified\":\"2026-11-23T00:00:00.000Z\","
	       "\"created_by_ref\":\"identity--311b2d2d-f010-4473-83ec-1edf84858f4c\",\"spec_version\":\"2.1\","
	       "\"pattern_type\":\"stix\",\"valid_from\":\"2026-11-01T00:00:00Z\","
	       "\"pattern\":\"[ipv4-addr:value = '198.51.100.4']\",\"labels\":[\"ring [telephone number removed] "
	       "now\"],"
	       "\"description\":\"NHS \\\"[NHS number removed]\\\", [e-mail address removed]\"}");
}

static void marked_parts_and_their_markings_go_together(void **state)
{
	static const struct bw_slice drop[] = { { (const uint8_t *)"description", 11 } };
	struct bw_redact_plan with = plan;

	(void)state;
	with.creator = bw_slice_empty;
	with.drop = drop;
	with.drop_count = 1;
	derive(INDICATOR(PATTERN ",\"description\":\"secret\",\"granular_markings\":[{\"marking_ref\":"
				 "\"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed\",\"selectors\":["
				 "\"description\"]}]"),
	       &with,
	       "{\"type\":\"indicator\",\"id\":\"" NEW_ID "\",\"created\":\"2026-11-23T00:00:00.000Z\",\"modified\":"
	       "\"2026-11-23T00:00:00.000Z\",\"spec_version\":\"2.1\","
	       "\"pattern_type\":\"stix\",\"valid_from\":\"2026-11-01T00:00:00Z\","
	       "\"pattern\":\"[ipv4-addr:value = '198.51.100.4']\"}");
}

static void references_to_what_stays_go_and_empty_lists_with_them(void **state)
{
	static const struct bw_slice refs[] = { { (const uint8_t *)"malware--31b940d4-6f7f-459a-80ea-9c1f17b5891b",
						  45 } };
	static const char report_with[] =
		"{\"type\":\"report\",\"spec_version\":\"2.1\",\"id\":\"report--84e4d88f-44ea-4bcd-bbf3-b2c1c320bcb3\","
		"\"created\":\"2026-11-01T00:00:00.000Z\",\"modified\":\"2026-11-01T00:00:00.000Z\",\"name\":\"n\","
		"\"published\":\"2026-11-01T00:00:00Z\",\"object_refs\":[\"malware--31b940d4-6f7f-459a-80ea-"
		"9c1f17b5891b\","
		"\"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\"],"
		"\"x_refs\":[\"malware--31b940d4-6f7f-459a-80ea-9c1f17b5891b\"]}";
	struct bw_redact_plan with = plan;

	(void)state;
	with.id = BW_LIT("report--4bfc0d2c-7b8e-4d2a-9d4f-2f0a3f1b7c11");
	with.creator = bw_slice_empty;
	with.drop_refs = refs;
	with.drop_ref_count = 1;
	derive(report_with, &with,
	       "{\"type\":\"report\",\"id\":\"report--4bfc0d2c-7b8e-4d2a-9d4f-2f0a3f1b7c11\","
	       "\"created\":\"2026-11-23T00:00:00.000Z\",\"modified\":\"2026-11-23T00:00:00.000Z\",\"spec_version\":"
	       "\"2.1\","
	       "\"name\":\"n\",\"published\":\"2026-11-01T00:00:00Z\","
	       "\"object_refs\":[\"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f\"]}");
}

static void what_is_no_object_is_withheld(void **state)
{
	(void)state;
	assert_int_equal(bw_redact_look(BW_LIT("{\"type\":\"malware\",\"name\":"), BW_REDACTION_DERIVE, &report),
			 BW_ERR_TRUNCATED);
	assert_int_equal(report.outcome, BW_REDACT_WITHHOLD);
	assert_int_equal(bw_redact_look(BW_LIT("{\"type\":\"malware\"} {\"a\":\"anna@example.org\"}"),
					BW_REDACTION_DERIVE, &report),
			 BW_ERR_SYNTAX);
	assert_int_equal(look(" \n{ \"type\" : \"malware\" , \"x\" : [ { \"y\" : [ 1 , \"anna@example.org\" ] } ] } ",
			      BW_REDACTION_DERIVE),
			 BW_REDACT_DERIVE);
	assert_string_equal(report.places[0].path, "x.[0].y.[1]");
	assert_int_equal(bw_redact_look(BW_LIT("{\"name\":\"x\"}"), BW_REDACTION_DERIVE, &report), BW_ERR_MISSING);
	assert_int_equal(report.outcome, BW_REDACT_WITHHOLD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_found_goes_as_it_is),
		cmocka_unit_test(the_profile_decides_what_becomes_of_what_is_sure),
		cmocka_unit_test(what_is_unsure_waits_for_a_person),
		cmocka_unit_test(escapes_hide_nothing),
		cmocka_unit_test(an_attackers_mailbox_in_a_pattern_is_no_personal_data),
		cmocka_unit_test(what_an_object_is_about_cannot_be_taken_out),
		cmocka_unit_test(ids_times_and_references_are_not_looked_at),
		cmocka_unit_test(a_derived_object_has_a_new_id_and_not_the_data),
		cmocka_unit_test(marked_parts_and_their_markings_go_together),
		cmocka_unit_test(references_to_what_stays_go_and_empty_lists_with_them),
		cmocka_unit_test(what_is_no_object_is_withheld),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
