#include "base/test.h"
#include "guard/notice.h"

static const char *mail(struct bw_buf *out, struct bw_slice subject, struct bw_slice text)
{
	const struct bw_notice notice = { 1, subject, text };

	bw_buf_clear(out);
	assert_ok(bw_notice_mail(&notice, BW_LIT("admin@school.example"), out));
	return bw_buf_text(out);
}

static void a_mail_has_its_head_and_its_text(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_NOTICE_BYTES);

	(void)state;
	assert_string_equal(mail(&out, BW_LIT("Files are under attack"), BW_LIT("One.\n\tTwo: \"SCHOOL\\eve\".\n")),
			    "To: admin@school.example\nSubject: Files are under attack\n"
			    "Auto-Submitted: auto-generated\nMIME-Version: 1.0\n"
			    "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
			    "One.\n\tTwo: \"SCHOOL\\eve\".\n");
}

static void no_name_can_forge_a_header(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_NOTICE_BYTES);
	const char *text = mail(&out, BW_LIT("user eve\r\nBcc: x@y\n\nall is well"), BW_LIT("t"));

	(void)state;
	assert_null(strstr(text, "\nBcc:"));
	assert_null(strstr(text, "\r"));
	assert_non_null(strstr(text, "Subject: user eve\\x0d\\nBcc: x@y\\n\\nall is well\n"));
}

static void a_subject_beyond_ascii_is_encoded_in_whole_characters(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_NOTICE_BYTES);
	const char *text = mail(&out, BW_LIT("ååååååååååååååååååååååååå"), BW_LIT("t"));

	(void)state;
	assert_non_null(strstr(text, "Subject: =?UTF-8?B?w6XDpcOlw6XDpcOlw6XDpcOlw6XDpcOlw6XDpcOlw6XDpcOlw6XDpcOl?=\n"
				     " =?UTF-8?B?w6XDpcOlw6U=?=\n"));
}

static void a_long_subject_is_cut(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_NOTICE_BYTES);
	uint8_t much[1000];

	(void)state;
	memset(much, 'a', sizeof(much));
	assert_true(strcspn(mail(&out, bw_slice_of(much, sizeof(much)), BW_LIT("t")) + 26, "\n") < 200);
}

static void no_name_can_drive_a_terminal(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_NOTICE_BYTES);
	const char *text = mail(&out, BW_LIT("s"), BW_LIT("file \x1b]0;x\x07 \xff\n.\n"));

	(void)state;
	assert_null(strchr(text, 0x1b));
	assert_null(strchr(text, 0xff));
	assert_non_null(strstr(text, "\\xff\n.\n"));
}

static void long_lines_are_broken(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_NOTICE_BYTES);
	uint8_t much[5000];
	const char *at;

	(void)state;
	memset(much, 'a', sizeof(much));
	for (at = mail(&out, BW_LIT("s"), bw_slice_of(much, sizeof(much))); *at != 0; at += strcspn(at, "\n") + 1)
		assert_true(strcspn(at, "\n") <= 998);
}

static void only_plain_addresses_get_mail(void **state)
{
	static const char *const wrong[] = { "", "-oQ/tmp", "a b", "a@b@c", "a,b", "a\nb", "<a@b>", "a;b", "\"a\"@b" };

	(void)state;
	assert_true(bw_notice_address_is_plain(BW_LIT("root")));
	assert_true(bw_notice_address_is_plain(BW_LIT("it+guard@school.example")));
	for (size_t i = 0; i < BW_COUNT(wrong); i++)
		assert_false(bw_notice_address_is_plain(bw_slice_text(wrong[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mail_has_its_head_and_its_text),
		cmocka_unit_test(no_name_can_forge_a_header),
		cmocka_unit_test(a_subject_beyond_ascii_is_encoded_in_whole_characters),
		cmocka_unit_test(a_long_subject_is_cut),
		cmocka_unit_test(no_name_can_drive_a_terminal),
		cmocka_unit_test(long_lines_are_broken),
		cmocka_unit_test(only_plain_addresses_get_mail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
