#include "base/test.h"
#include "guard/keep_out.h"

static void check_same(const char *text, const char *expected)
{
	struct bw_address address;
	char written[BW_ADDRESS_TEXT_BYTES];

	assert_ok(bw_address_parse(bw_slice_text(text), &address));
	bw_address_write(&address, written);
	assert_string_equal(written, expected);
}

static enum bw_err parse(const char *text)
{
	struct bw_address address;

	return bw_address_parse(bw_slice_text(text), &address);
}

static void addresses_are_written_anew(void **state)
{
	(void)state;
	check_same("192.0.2.7", "192.0.2.7");
	check_same("2001:DB8:0:0:0:0:0:7", "2001:db8::7");
	check_same("fe80::1%eth0", "fe80::1");
	check_same("fe80::1%\"; flush ruleset", "fe80::1");
}

static void one_host_has_one_address(void **state)
{
	struct bw_address a;
	struct bw_address b;

	(void)state;
	check_same("::ffff:192.0.2.7", "192.0.2.7");
	assert_ok(bw_address_parse(BW_LIT("::ffff:192.0.2.7"), &a));
	assert_ok(bw_address_parse(BW_LIT("192.0.2.7"), &b));
	assert_true(bw_address_equals(&a, &b));
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const wrong[] = { "",      "1.2.3",     "1.2.3.4 }", "1.2.3.4/0", "01.2.3.4",  "host",
					     "%eth0", "1.2.3.4\n", ":",         "::1::2",    "0x1.2.3.4", "1.2.3.256" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(wrong); i++)
		assert_int_equal(parse(wrong[i]), BW_ERR_SYNTAX);
	assert_int_equal(
		bw_address_parse((struct bw_slice){ (const uint8_t *)"1.2.3.4\0x", 9 }, &(struct bw_address){ 0 }),
		BW_ERR_SYNTAX);
}

static void the_machine_itself_and_everybody_are_never_kept_out(void **state)
{
	static const char *const never[] = { "127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1",
					     "::",        "::1",     "ff02::1",         "::ffff:127.0.0.1" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(never); i++)
		assert_int_equal(parse(never[i]), BW_ERR_RANGE);
}

static void the_script_names_the_address_its_time_and_the_incident(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf script = BW_BUF_INIT(8192);
	struct bw_address address;

	(void)state;
	assert_ok(bw_address_parse(BW_LIT("2001:db8::7"), &address));
	assert_ok(bw_keep_out_script(&address, 3600, 12, &script));
	assert_non_null(strstr(bw_buf_text(&script), "out6 { 2001:db8::7 timeout 3600s comment \"incident 12\" }\n"));
	assert_null(strstr(bw_buf_text(&script), "flush ruleset"));
}

static void undoing_is_one_command(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf command = BW_BUF_INIT(1024);
	struct bw_address address;

	(void)state;
	assert_ok(bw_address_parse(BW_LIT("10.0.0.9"), &address));
	assert_ok(bw_let_in_command(&address, &command));
	assert_string_equal(bw_buf_text(&command), "nft delete element inet breakwater_guard out4 '{ 10.0.0.9 }'");
}

static void an_account_is_disabled_when_its_flags_say_so(void **state)
{
	bool enabled = false;

	(void)state;
	assert_ok(bw_account_is_enabled(BW_LIT("Unix username:        anna\nAccount Flags:        [U          ]\n"),
					&enabled));
	assert_true(enabled);
	assert_ok(bw_account_is_enabled(BW_LIT("Account Flags:        [DU         ]\nx\n"), &enabled));
	assert_false(enabled);
	assert_int_equal(bw_account_is_enabled(BW_LIT("Full Name: Account Flags: [U ]\n"), &enabled), BW_ERR_NOT_FOUND);
	assert_int_equal(bw_account_is_enabled(BW_LIT("Account Flags: U\n"), &enabled), BW_ERR_NOT_FOUND);
	assert_int_equal(bw_account_is_enabled(BW_LIT("Username not found!\n"), &enabled), BW_ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_written_anew),
		cmocka_unit_test(one_host_has_one_address),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(the_machine_itself_and_everybody_are_never_kept_out),
		cmocka_unit_test(the_script_names_the_address_its_time_and_the_incident),
		cmocka_unit_test(undoing_is_one_command),
		cmocka_unit_test(an_account_is_disabled_when_its_flags_say_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
