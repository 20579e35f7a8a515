#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>

#include "base/test.h"
#include "guard/lineage_parts.h"
#include "guard/lineage_proc.h"

static void put(struct bw_processes *processes, uint32_t pid, uint32_t parent)
{
	const struct bw_process process = { .pid = pid, .parent = parent, .alive = true };

	bw_processes_put(processes, &process);
}

static void a_grandchild_is_known_though_its_parent_is_dead(void **state)
{
	struct bw_processes *processes;

	(void)state;
	assert_ok(bw_processes_new(&processes));
	put(processes, 100, 1);
	put(processes, 101, 100);
	put(processes, 102, 101);
	bw_processes_end(processes, 101);
	assert_int_equal(bw_processes_alive(processes), 2);
	assert_true(bw_processes_descends(processes, 102, 100));
	assert_false(bw_processes_descends(processes, 100, 102));
	assert_false(bw_processes_descends(processes, 102, 7));
	bw_processes_free(processes);
}

static void a_number_used_again_is_another_process(void **state)
{
	struct bw_processes *processes;

	(void)state;
	assert_ok(bw_processes_new(&processes));
	put(processes, 100, 50);
	bw_processes_end(processes, 100);
	assert_false(bw_processes_find(processes, 100)->alive);
	put(processes, 100, 60);
	assert_int_equal(bw_processes_find(processes, 100)->parent, 60);
	assert_int_equal(bw_processes_alive(processes), 1);
	bw_processes_free(processes);
}

static void the_longest_dead_make_room_and_the_living_stay(void **state)
{
	struct bw_processes *processes;

	(void)state;
	assert_ok(bw_processes_new(&processes));
	put(processes, 2, 1);
	for (uint32_t pid = 10; pid < 10 + 3 * BW_PROCESSES_MAX; pid++) {
		put(processes, pid, 2);
		bw_processes_end(processes, pid);
	}
	assert_true(bw_processes_find(processes, 2)->alive);
	assert_int_equal(bw_processes_alive(processes), 1);
	assert_int_equal(bw_processes_count(processes), BW_PROCESSES_MAX);
	assert_null(bw_processes_find(processes, 10));
	assert_non_null(bw_processes_find(processes, 9 + 3 * BW_PROCESSES_MAX));
	bw_processes_free(processes);
}

static void more_living_than_there_is_room_for_do_no_harm(void **state)
{
	struct bw_processes *processes;

	(void)state;
	assert_ok(bw_processes_new(&processes));
	for (uint32_t pid = 2; pid < 2 + 2 * BW_PROCESSES_MAX; pid++)
		put(processes, pid, pid - 1);
	assert_int_equal(bw_processes_alive(processes), BW_PROCESSES_MAX);
	for (uint32_t pid = 2; pid < 2 + 2 * BW_PROCESSES_MAX; pid++)
		bw_processes_end(processes, pid);
	assert_int_equal(bw_processes_alive(processes), 0);
	bw_processes_free(processes);
}

static const char stat_text[] = "4711 (a ) S 1 (b) R 10 11 12 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 123456 0 0 0";

static void a_name_with_brackets_and_blanks_moves_no_field(void **state)
{
	struct bw_process process;

	(void)state;
	assert_ok(bw_process_parse_stat(bw_slice_text(stat_text), &process));
	assert_int_equal(process.pid, 4711);
	assert_string_equal(process.comm, "a ) S 1 (b");
	assert_int_equal(process.parent, 10);
	assert_int_equal(process.group, 11);
	assert_int_equal(process.session, 12);
	assert_int_equal(process.start_ns, 123456 * UINT64_C(10000000));
	assert_true(process.alive);
	assert_false(process.kernel);
}

static void a_stat_cut_anywhere_before_its_start_is_refused(void **state)
{
	const size_t whole = (size_t)(strstr(stat_text, "123456 ") - stat_text) + 7;
	struct bw_process process;

	(void)state;
	for (size_t n = 0; n < whole; n++)
		assert_int_not_equal(bw_process_parse_stat(bw_slice_of(stat_text, n), &process), BW_OK);
	assert_ok(bw_process_parse_stat(bw_slice_of(stat_text, whole), &process));
}

static void starts_are_compared_as_coarsely_as_proc_tells_them(void **state)
{
	(void)state;
	assert_true(bw_process_same_start(1234560000000, 1234567891234));
	assert_false(bw_process_same_start(1234560000000, 1234570000000));
}

struct datagram {
	struct nlmsghdr netlink;
	uint32_t connector[5];
	uint32_t what;
	uint32_t cpu;
	uint32_t time_ns[2];
	uint32_t words[6];
};

static struct datagram datagram_of(uint32_t what, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	return (struct datagram){ .netlink = { .nlmsg_len = sizeof(struct datagram), .nlmsg_type = NLMSG_DONE },
				  .connector = { CN_IDX_PROC, CN_VAL_PROC },
				  .what = what,
				  .time_ns = { 77 },
				  .words = { a, b, c, d } };
}

static void the_connector_tells_processes_and_not_threads(void **state)
{
	struct datagram datagram = datagram_of(PROC_EVENT_FORK, 9, 8, 10, 10);
	struct bw_process_event event;

	(void)state;
	assert_ok(bw_connector_parse(bw_slice_of(&datagram, sizeof(datagram)), &event));
	assert_int_equal(event.act, BW_PROCESS_FORK);
	assert_int_equal(event.parent, 8);
	assert_int_equal(event.pid, 10);
	assert_int_equal(event.time_ns, 77);
	datagram = datagram_of(PROC_EVENT_FORK, 9, 8, 11, 10);
	assert_int_equal(bw_connector_parse(bw_slice_of(&datagram, sizeof(datagram)), &event), BW_ERR_NOT_FOUND);
	datagram = datagram_of(PROC_EVENT_EXIT, 10, 10, 0, 0);
	assert_ok(bw_connector_parse(bw_slice_of(&datagram, sizeof(datagram)), &event));
	assert_int_equal(event.act, BW_PROCESS_EXIT);
}

static void the_connector_tells_who_goes_on_as_another_user(void **state)
{
	struct datagram datagram = datagram_of(PROC_EVENT_UID, 10, 10, 1000, 1000);
	struct bw_process_event event;

	(void)state;
	assert_ok(bw_connector_parse(bw_slice_of(&datagram, sizeof(datagram)), &event));
	assert_int_equal(event.act, BW_PROCESS_USER);
	assert_int_equal(event.pid, 10);
	assert_int_equal(event.uid, 1000);
	datagram = datagram_of(PROC_EVENT_UID, 11, 10, 1000, 1000); /* a thread of it alone */
	assert_int_equal(bw_connector_parse(bw_slice_of(&datagram, sizeof(datagram)), &event), BW_ERR_NOT_FOUND);
}

static void a_datagram_cut_short_is_refused(void **state)
{
	const struct datagram datagram = datagram_of(PROC_EVENT_EXEC, 5, 5, 0, 0);
	struct bw_process_event event;

	(void)state;
	for (size_t n = 0; n < offsetof(struct datagram, words) + 16; n++)
		assert_int_not_equal(bw_connector_parse(bw_slice_of(&datagram, n), &event), BW_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_grandchild_is_known_though_its_parent_is_dead),
		cmocka_unit_test(a_number_used_again_is_another_process),
		cmocka_unit_test(the_longest_dead_make_room_and_the_living_stay),
		cmocka_unit_test(more_living_than_there_is_room_for_do_no_harm),
		cmocka_unit_test(a_name_with_brackets_and_blanks_moves_no_field),
		cmocka_unit_test(a_stat_cut_anywhere_before_its_start_is_refused),
		cmocka_unit_test(starts_are_compared_as_coarsely_as_proc_tells_them),
		cmocka_unit_test(the_connector_tells_processes_and_not_threads),
		cmocka_unit_test(the_connector_tells_who_goes_on_as_another_user),
		cmocka_unit_test(a_datagram_cut_short_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
