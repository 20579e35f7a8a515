#include "net/srv.h"

#include "base/test.h"

/* Two answers to "_taxii2._tcp.ex.org SRV?": port 8443 at b.ex.org, of more weight than port 443 at a.ex.org. */
#define HEAD(answers) 0, 1, 0x81, 0x80, 0, 1, 0, (answers), 0, 0, 0, 0
#define QUESTION \
	7, '_', 't', 'a', 'x', 'i', 'i', '2', 4, '_', 't', 'c', 'p', 2, 'e', 'x', 3, 'o', 'r', 'g', 0, 0, 33, 0, 1
#define RECORD(priority, weight, high, low, letter) \
	0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 60, 0, 10, 0, (priority), 0, (weight), (high), (low), 1, (letter), 0xc0, 25

static void the_record_of_least_priority_and_greatest_weight_is_used(void **state)
{
	const struct bw_slice answer = SLICE(HEAD(3), QUESTION, RECORD(1, 1, 1, 0xbb, 'a'),
					     RECORD(1, 9, 0x20, 0xfb, 'B'), RECORD(2, 99, 0, 80, 'c'));
	struct bw_srv srv;

	(void)state;
	assert_ok(bw_srv_parse(answer, &srv));
	assert_string_equal(srv.host, "b.ex.org");
	assert_int_equal(srv.port, 8443);
	for (size_t len = 0; len < answer.len; len++) /* every prefix is refused */
		assert_int_not_equal(bw_srv_parse(bw_slice_sub(answer, 0, len), &srv), BW_OK);
}

static void an_answer_without_a_server_is_none(void **state)
{
	const struct bw_slice empty = SLICE(HEAD(0), QUESTION);
	const struct bw_slice nowhere = SLICE(HEAD(1), QUESTION, 0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 60, 0, 7, 0, 0, 0, 0,
					      0, 0, 0);
	struct bw_srv srv;

	(void)state;
	assert_int_equal(bw_srv_parse(empty, &srv), BW_ERR_NOT_FOUND);
	assert_int_equal(bw_srv_parse(nowhere, &srv), BW_ERR_NOT_FOUND);
	assert_int_equal(bw_srv_parse(bw_slice_empty, &srv), BW_ERR_SYNTAX);
}

static void a_domain_is_told_from_a_url_and_an_address(void **state)
{
	static const char *const domains[] = { "example.org", "localhost", "a-b.c", "xn--bcher-kva.example" };
	static const char *const others[] = { "",     "https://a.b/", "a.b:443", "a.b/c", "10.0.0.1",
					      "host", "a..b",         "[::1]",   ".a" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(domains); i++)
		assert_true(bw_srv_is_domain(domains[i]));
	for (size_t i = 0; i < BW_COUNT(others); i++)
		assert_false(bw_srv_is_domain(others[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_record_of_least_priority_and_greatest_weight_is_used),
		cmocka_unit_test(an_answer_without_a_server_is_none),
		cmocka_unit_test(a_domain_is_told_from_a_url_and_an_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
