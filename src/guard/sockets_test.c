#include "guard/sockets.h"

#include <stdio.h>

#include "base/test.h"

#define HEAD "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
#define REST " 00000000:00000000 02:000AFC50 00000000     0        0 "

/* A server on 445 with two clients; 10.77.0.11 is another process's; 10.77.0.1 itself asks a directory server. */
static const char tcp[] = HEAD "   0: 01004D0A:01BD 00000000:0000 0A" REST "100 1 000000008cda1c0f 100 0 0 10 0\n"
			       "   1: 01004D0A:01BD 0B004D0A:B0DC 01" REST "101 2 0000000099d2e413 20 4 5 24 -1\n"
			       "   2: 01004D0A:01BD 0A004D0A:A21C 01" REST "102 2 00000000b98ff4e8 20 4 5 24 -1\n"
			       "   3: 01004D0A:D431 02004D0A:0185 01" REST "103 2 00000000b98ff4e8 20 4 5 24 -1\n";

static const char tcp6[] = HEAD
	"   0: 00000000000000000000000000000000:01BD 00000000000000000000000000000000:0000 0A" REST "200 1 0 100\n"
	"   1: 0000000000000000FFFF000001004D0A:01BD 0000000000000000FFFF00000C004D0A:C000 01" REST "201 1 0 100\n"
	"   2: B80D0120000000000000000001000000:01BD B80D0120000000000000000009000000:C001 08" REST "202 1 0 100\n";

static void open_all(struct bw_sockets *sockets, const char *const *links, size_t count)
{
	*sockets = (struct bw_sockets){ 0 };
	for (size_t i = 0; i < count; i++)
		assert_true(bw_sockets_add(sockets, bw_slice_text(links[i])));
	bw_sockets_listeners(sockets, bw_slice_text(tcp), false);
	bw_sockets_listeners(sockets, bw_slice_text(tcp6), true);
	bw_sockets_look(sockets, bw_slice_text(tcp), false);
	bw_sockets_look(sockets, bw_slice_text(tcp6), true);
}

static void assert_peer(const struct bw_sockets *sockets, size_t n, const char *address, uint16_t port)
{
	char text[BW_ADDRESS_TEXT_BYTES];

	assert_in_range(n, 0, sockets->peer_count - 1);
	bw_address_write(&sockets->peers[n].address, text);
	assert_string_equal(text, address);
	assert_int_equal(sockets->peers[n].port, port);
}

static void the_client_of_a_session_is_told(void **state)
{
	static const char *const links[] = { "socket:[102]" };
	struct bw_sockets sockets;

	(void)state;
	open_all(&sockets, links, 1);
	assert_int_equal(sockets.peer_count, 1);
	assert_peer(&sockets, 0, "10.77.0.10", 41500);
}

static void the_listener_and_what_it_asks_itself_have_no_client(void **state)
{
	static const char *const links[] = { "socket:[100]", "socket:[200]", "socket:[103]", "socket:[999]" };
	struct bw_sockets sockets;

	(void)state;
	open_all(&sockets, links, BW_COUNT(links));
	assert_int_equal(sockets.peer_count, 0);
}

static void every_address_of_a_client_is_told_and_a_mapped_one_is_ipv4(void **state)
{
	static const char *const links[] = { "socket:[201]", "socket:[202]" };
	struct bw_sockets sockets;

	(void)state;
	open_all(&sockets, links, BW_COUNT(links));
	assert_int_equal(sockets.peer_count, 2);
	assert_peer(&sockets, 0, "10.77.0.12", 0xc000);
	assert_false(sockets.peers[0].address.is_v6);
	assert_peer(&sockets, 1, "2001:db8::9", 0xc001);
}

static void only_sockets_are_sockets(void **state)
{
	static const char *const others[] = { "",
					      "socket:[",
					      "socket:[]",
					      "socket:[-1]",
					      "pipe:[12]",
					      "/tmp/socket:[1]",
					      "socket:[12x]",
					      "socket:[12",
					      "socket:[99999999999999999999]" };
	struct bw_sockets sockets = { 0 };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(others); i++)
		assert_false(bw_sockets_add(&sockets, bw_slice_text(others[i])));
	assert_int_equal(sockets.count, 0);
}

static void more_sockets_and_peers_than_there_is_room_for_do_no_harm(void **state)
{
	struct bw_sockets sockets = { 0 };
	char row[256];

	(void)state;
	for (int i = 1; i <= BW_SOCKETS_MAX + 1; i++) {
		(void)snprintf(row, sizeof(row), "socket:[%d]", i);
		assert_int_equal(bw_sockets_add(&sockets, bw_slice_text(row)), i <= BW_SOCKETS_MAX);
	}
	memset(sockets.listens, 0xff, sizeof(sockets.listens));
	for (unsigned i = 1; i <= BW_SOCKETS_MAX; i++) {
		(void)snprintf(row, sizeof(row), " %u: 01004D0A:01BD %08X:B0DC 01" REST "%u 2 0 20 4 5 24 -1\n", i,
			       0x0a4d0a00u + i, i);
		bw_sockets_look(&sockets, bw_slice_text(row), false);
		bw_sockets_look(&sockets, bw_slice_text(row), false);
	}
	assert_int_equal(sockets.peer_count, BW_SOCKETS_PEERS_MAX);
}

/* A table that grew past the bound is cut anywhere: what is whole is read, the cut row is not. */
static void a_table_that_is_cut_off_tells_its_whole_rows(void **state)
{
	const size_t whole = strlen(tcp);

	(void)state;
	for (size_t len = 0; len <= whole; len++) {
		struct bw_sockets sockets = { 0 };

		assert_true(bw_sockets_add(&sockets, BW_LIT("socket:[102]")));
		bw_sockets_listeners(&sockets, bw_slice_of(tcp, len), false);
		bw_sockets_look(&sockets, bw_slice_of(tcp, len), false);
		assert_int_equal(sockets.peer_count,
				 strstr(tcp, "102 2") + sizeof("102 2 00000000b98ff4e8 20 4 5 24 -1") - tcp <=
					 (ptrdiff_t)len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_client_of_a_session_is_told),
		cmocka_unit_test(the_listener_and_what_it_asks_itself_have_no_client),
		cmocka_unit_test(every_address_of_a_client_is_told_and_a_mapped_one_is_ipv4),
		cmocka_unit_test(only_sockets_are_sockets),
		cmocka_unit_test(more_sockets_and_peers_than_there_is_room_for_do_no_harm),
		cmocka_unit_test(a_table_that_is_cut_off_tells_its_whole_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
