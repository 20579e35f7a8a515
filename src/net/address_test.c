#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/address.h"

static void an_address_prints_as_it_was_typed(void **state)
{
	static const char *const rows[] = { "127.0.0.1:8443", "0.0.0.0:0", "[::1]:443", "[2001:db8::7]:65535",
					    "[fe80::1]:1" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct bw_net_address address;
		char text[BW_NET_ADDRESS_TEXT];

		assert_int_equal(bw_net_address_parse(bw_slice_text(rows[i]), &address), BW_OK);
		bw_net_address_text(&address, text);
		assert_string_equal(text, rows[i]);
	}
}

static void what_is_not_an_address_is_refused(void **state)
{
	static const char *const rows[] = {
		"",       ":",     "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "1.2.3:4",      "localhost:80",
		"::1:80", "[::1]", "[::1]80",   "[::1",       "[]:80",       "[1.2.3.4]:80", "1.2.3.4: 80"
	};
	struct bw_net_address address = { .port = 7 };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++)
		assert_int_equal(bw_net_address_parse(bw_slice_text(rows[i]), &address), BW_ERR_SYNTAX);
	assert_int_equal(bw_net_address_parse(BW_LIT("1.2.3.4:65536"), &address), BW_ERR_RANGE);
	assert_int_equal(address.port, 7);
}

static void one_client_is_an_ipv4_address_or_half_an_ipv6_address(void **state)
{
	static const char *const rows[][2] = {
		{ "192.0.2.1:1", "192.0.2.1:2" },
		{ "[2001:db8:1:2::3]:1", "[2001:db8:1:2:ffff::4]:1" },
	};
	struct bw_net_address address;
	uint8_t a[16];
	uint8_t b[16];

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		assert_int_equal(bw_net_address_parse(bw_slice_text(rows[i][0]), &address), BW_OK);
		bw_net_address_client(&address, a);
		assert_int_equal(bw_net_address_parse(bw_slice_text(rows[i][1]), &address), BW_OK);
		bw_net_address_client(&address, b);
		assert_memory_equal(a, b, 16);
	}
	assert_int_equal(bw_net_address_parse(BW_LIT("192.0.2.2:1"), &address), BW_OK);
	bw_net_address_client(&address, b);
	assert_memory_not_equal(a, b, 16);
}

static void loopback_is_known_in_every_form(void **state)
{
	struct bw_net_address address = { 0 };

	(void)state;
	assert_true(bw_net_address_is_loopback(&address));
	assert_int_equal(bw_net_address_parse(BW_LIT("127.8.9.1:1"), &address), BW_OK);
	assert_true(bw_net_address_is_loopback(&address));
	assert_int_equal(bw_net_address_parse(BW_LIT("[::1]:1"), &address), BW_OK);
	assert_true(bw_net_address_is_loopback(&address));
	assert_int_equal(bw_net_address_parse(BW_LIT("[::]:1"), &address), BW_OK);
	assert_false(bw_net_address_is_loopback(&address));
	assert_int_equal(bw_net_address_parse(BW_LIT("0.0.0.0:1"), &address), BW_OK);
	assert_false(bw_net_address_is_loopback(&address));
}

static void a_taken_port_says_so_unless_it_is_shared(void **state)
{
	struct bw_net_address address;
	int first;
	int second;

	(void)state;
	assert_int_equal(bw_net_address_parse(BW_LIT("127.0.0.1:0"), &address), BW_OK);
	assert_int_equal(bw_net_listen(&address, false, &first), BW_OK);
	assert_int_equal(bw_net_local(first, &address), BW_OK);
	assert_int_not_equal(address.port, 0);
	assert_int_equal(bw_net_listen(&address, false, &second), BW_ERR_EXISTS);
	close(first);

	address.port = 0;
	assert_int_equal(bw_net_listen(&address, true, &first), BW_OK);
	assert_int_equal(bw_net_local(first, &address), BW_OK);
	assert_int_equal(bw_net_listen(&address, true, &second), BW_OK);
	close(first);
	close(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_prints_as_it_was_typed),
		cmocka_unit_test(what_is_not_an_address_is_refused),
		cmocka_unit_test(one_client_is_an_ipv4_address_or_half_an_ipv6_address),
		cmocka_unit_test(loopback_is_known_in_every_form),
		cmocka_unit_test(a_taken_port_says_so_unless_it_is_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
