#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "net/clients.h"

enum { PEOPLE = 40, MOST = 64, EACH = 5 };

static void the_table_counts_as_a_plain_array_does(void **state)
{
	struct bw_clients clients;
	uint32_t counts[PEOPLE] = { 0 };
	size_t used = 0;

	(void)state;
	assert_int_equal(bw_clients_init(&clients, MOST), BW_OK);
	srandom(7);
	for (int i = 0; i < 100000; i++) {
		const size_t who = (size_t)random() % PEOPLE;
		const uint8_t ip[16] = { [3] = (uint8_t)who, [15] = (uint8_t)(who * 16) };

		if (random() % 2 == 0 && counts[who] > 0) {
			bw_clients_leave(&clients, ip);
			counts[who]--;
			used -= counts[who] == 0;
			continue;
		}
		assert_int_equal(bw_clients_enter(&clients, ip, EACH), counts[who] < EACH ? BW_OK : BW_ERR_TOO_MANY);
		used += counts[who] == 0;
		counts[who] += counts[who] < EACH;
		assert_int_equal(clients.used, used);
	}
	bw_clients_release(&clients);
}

static void a_full_table_takes_old_clients_only(void **state)
{
	struct bw_clients clients;

	(void)state;
	assert_int_equal(bw_clients_init(&clients, 2), BW_OK);
	assert_int_equal(bw_clients_enter(&clients, (const uint8_t[16]){ 1 }, 9), BW_OK);
	assert_int_equal(bw_clients_enter(&clients, (const uint8_t[16]){ 2 }, 9), BW_OK);
	assert_int_equal(bw_clients_enter(&clients, (const uint8_t[16]){ 3 }, 9), BW_ERR_TOO_MANY);
	assert_int_equal(bw_clients_enter(&clients, (const uint8_t[16]){ 2 }, 9), BW_OK);
	bw_clients_leave(&clients, (const uint8_t[16]){ 1 });
	assert_int_equal(bw_clients_enter(&clients, (const uint8_t[16]){ 3 }, 9), BW_OK);
	bw_clients_release(&clients);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_counts_as_a_plain_array_does),
		cmocka_unit_test(a_full_table_takes_old_clients_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
