#include "guard/samba_sessions.h"

#include "base/test.h"

struct seen {
	size_t count;
	uint32_t pid[4];
	uint16_t port[4];
	char user[4][64];
	char address[4][64];
};

static enum bw_err see(void *context, const struct bw_samba_session *session)
{
	struct seen *seen = context;

	assert_in_range(seen->count, 0, 3);
	seen->pid[seen->count] = session->pid;
	seen->port[seen->count] = session->port;
	memcpy(seen->user[seen->count], session->user.ptr, session->user.len);
	memcpy(seen->address[seen->count], session->address.ptr, session->address.len);
	seen->count++;
	return BW_OK;
}

/* As Samba 4.17.12 writes it, shortened. */
static const char two[] =
	"{\"timestamp\": \"2026-11-23T05:37:24.073505+0000\", \"version\": \"4.17.12-Debian\", \"sessions\": {"
	"\"363434702\": {\"session_id\": \"363434702\", \"server_id\": {\"pid\": \"1699\", \"task_id\": \"0\","
	" \"vnn\": \"4294967295\"}, \"uid\": 1000, \"gid\": 0, \"username\": \"eve\","
	" \"remote_machine\": \"\\\"];quoted\", \"hostname\": \"ipv4:127.0.0.1:60638\", \"encryption\": {\"cipher\": "
	"\"-\"}},"
	"\"7\": {\"server_id\": {\"pid\": \"42\"}, \"username\": \"DOM\\\\b\\u00f6b\", \"hostname\": "
	"\"ipv6:[fe80::1]:9\"}},"
	" \"tcons\": {\"1\": {\"service\": \"s\"}}, \"open_files\": {}}";

static void sessions_are_seen_with_user_and_address(void **state)
{
	struct seen seen = { 0 };
	size_t passed_over;

	(void)state;
	assert_ok(bw_samba_sessions(bw_slice_text(two), see, &seen, &passed_over));
	assert_int_equal(seen.count, 2);
	assert_int_equal(passed_over, 0);
	assert_int_equal(seen.pid[0], 1699);
	assert_string_equal(seen.user[0], "eve");
	assert_string_equal(seen.address[0], "127.0.0.1");
	assert_int_equal(seen.port[0], 60638);
	assert_string_equal(seen.user[1], "DOM\\b\xc3\xb6"
					  "b");
	assert_string_equal(seen.address[1], "fe80::1");
	assert_int_equal(seen.port[1], 9);
}

static void who_is_still_logging_in_has_no_name_yet(void **state)
{
	struct seen seen = { 0 };
	size_t passed_over;

	(void)state;
	assert_ok(
		bw_samba_sessions(BW_LIT("{\"sessions\": {\"1\": {\"server_id\": {\"pid\": \"7\"}, \"uid\": -1, "
					 "\"username\": \"(auth in progress)\", \"hostname\": \"ipv4:10.0.0.9:5\"}}}"),
				  see, &seen, &passed_over));
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.user[0], "");
	assert_string_equal(seen.address[0], "10.0.0.9");
}

static void every_prefix_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n + 1 < sizeof(two) - 1; n++) {
		struct seen seen = { 0 };
		size_t passed_over;

		assert_int_not_equal(bw_samba_sessions(bw_slice_of(two, n), see, &seen, &passed_over), BW_OK);
	}
}

static void an_address_is_only_what_smbd_wrote(void **state)
{
	static const char *const hosts[] = { "10.0.0.1", "ipv4:", "ipv4:10.0.0.1;reboot:5", "ipv6:[]:1", "host:1:2" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(hosts); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(1024);
		struct seen seen = { 0 };
		size_t passed_over;

		assert_ok(bw_buf_addf(
			&text,
			"{\"sessions\":{\"1\":{\"server_id\":{\"pid\":\"5\"},\"username\":\"u\",\"hostname\":\"%s\"}}}",
			hosts[i]));
		assert_ok(bw_samba_sessions(bw_buf_slice(&text), see, &seen, &passed_over));
		assert_int_equal(seen.count, 1);
		assert_string_equal(seen.address[0], "");
	}
}

static void sessions_of_another_form_are_passed_over(void **state)
{
	struct seen seen = { 0 };
	size_t passed_over;

	(void)state;
	assert_ok(bw_samba_sessions(BW_LIT("{\"sessions\":{\"1\":5,\"2\":{\"username\":\"u\"},\"3\":{\"server_id\":"
					   "{\"pid\":\"-1\"},\"username\":\"u\"},\"4\":{\"server_id\":{\"pid\":\"9\"},"
					   "\"username\":\"last\"}}}"),
				    see, &seen, &passed_over));
	assert_int_equal(seen.count, 1);
	assert_int_equal(passed_over, 3);
	assert_string_equal(seen.user[0], "last");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sessions_are_seen_with_user_and_address),
		cmocka_unit_test(who_is_still_logging_in_has_no_name_yet),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(an_address_is_only_what_smbd_wrote),
		cmocka_unit_test(sessions_of_another_form_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
