#include "guard/ring.h"

#include <poll.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/test.h"

static void put(struct bw_ring *ring, uint32_t kind, const char *text)
{
	void *room = bw_ring_room(ring, strlen(text));

	assert_non_null(room);
	memcpy(room, text, strlen(text));
	bw_ring_put(ring, kind, strlen(text));
}

static void records_come_out_in_order_with_their_kinds(void **state)
{
	struct bw_ring *ring;
	struct bw_ring_record record;

	(void)state;
	assert_ok(bw_ring_new("test", BW_RING_BYTES_MIN, &ring));
	put(ring, 1, "one");
	put(ring, 2, "");
	put(ring, 3, "three");
	assert_ok(bw_ring_next(ring, &record));
	assert_int_equal(record.kind, 1);
	assert_slice(record.bytes, "one");
	bw_ring_done(ring);
	assert_ok(bw_ring_next(ring, &record));
	assert_int_equal(record.bytes.len, 0);
	bw_ring_done(ring);
	assert_ok(bw_ring_next(ring, &record));
	assert_slice(record.bytes, "three");
	bw_ring_done(ring);
	assert_int_equal(bw_ring_next(ring, &record), BW_ERR_AGAIN);
	bw_ring_free(ring);
}

static void a_full_ring_gives_no_room_and_loses_nothing(void **state)
{
	struct bw_ring *ring;
	struct bw_ring_record record;
	size_t wrote = 0;
	size_t read = 0;
	uint64_t *room;

	(void)state;
	assert_ok(bw_ring_new("test", BW_RING_BYTES_MIN, &ring));
	while ((room = bw_ring_room(ring, sizeof(*room))) != NULL) {
		*room = wrote++;
		bw_ring_put(ring, 1, sizeof(*room));
	}
	assert_int_equal(wrote, BW_RING_BYTES_MIN / 16);
	assert_int_equal(bw_ring_load(ring), 256);
	while (bw_ring_next(ring, &record) == BW_OK) {
		assert_memory_equal(record.bytes.ptr, &read, sizeof(read));
		read++;
		bw_ring_done(ring);
	}
	assert_int_equal(read, wrote);
	assert_null(bw_ring_room(ring, BW_RING_BYTES_MIN / 4 + 1));
	bw_ring_free(ring);
}

static void a_sleeping_reader_is_woken_and_a_waking_one_is_not(void **state)
{
	struct bw_ring *ring;
	struct bw_ring_record record;
	struct pollfd poll_fd;

	(void)state;
	assert_ok(bw_ring_new("test", BW_RING_BYTES_MIN, &ring));
	poll_fd = (struct pollfd){ .fd = bw_ring_fd(ring), .events = POLLIN };
	put(ring, 1, "a");
	assert_int_equal(poll(&poll_fd, 1, 0), 0);
	assert_false(bw_ring_may_sleep(ring));
	assert_ok(bw_ring_next(ring, &record));
	bw_ring_done(ring);
	assert_true(bw_ring_may_sleep(ring));
	put(ring, 1, "b");
	assert_int_equal(poll(&poll_fd, 1, 0), 1);
	bw_ring_awake(ring);
	assert_int_equal(poll(&poll_fd, 1, 0), 0);
	bw_ring_free(ring);
}

/* Two processes, records of every length, many times around. */
static void a_million_bytes_arrive_whole_in_another_process(void **state)
{
	enum { RECORDS = 200000 };
	struct bw_ring *ring;
	int status;
	pid_t child;

	(void)state;
	assert_ok(bw_ring_new("test", BW_RING_BYTES_MIN, &ring));
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct pollfd poll_fd = { .fd = bw_ring_fd(ring), .events = POLLIN };
		struct bw_ring_record record;
		uint32_t seen = 0;

		while (seen < RECORDS) {
			while (bw_ring_next(ring, &record) == BW_OK) {
				if (record.kind != seen || record.bytes.len != seen % 977)
					_exit(1);
				for (size_t i = 0; i < record.bytes.len; i++) {
					if (record.bytes.ptr[i] != (uint8_t)(seen + i))
						_exit(2);
				}
				seen++;
				bw_ring_done(ring);
			}
			if (seen < RECORDS && bw_ring_may_sleep(ring)) {
				(void)poll(&poll_fd, 1, 5000);
				bw_ring_awake(ring);
			}
		}
		_exit(0);
	}
	for (uint32_t n = 0; n < RECORDS; n++) {
		const size_t len = n % 977;
		uint8_t *room;

		while ((room = bw_ring_room(ring, len)) == NULL)
			(void)usleep(100);
		for (size_t i = 0; i < len; i++)
			room[i] = (uint8_t)(n + i);
		bw_ring_put(ring, n, len);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	bw_ring_free(ring);
}

static int lowest_free(void)
{
	const int fd = dup(STDIN_FILENO);

	assert_true(fd >= 0);
	(void)close(fd);
	return fd;
}

static void a_ring_holds_the_one_descriptor_it_names(void **state)
{
	const int before = lowest_free();
	struct bw_ring *ring;

	(void)state;
	assert_int_equal(bw_ring_new("test", BW_RING_BYTES_MIN, &ring), BW_OK);
	assert_int_equal(bw_ring_fd(ring), before);
	assert_int_equal(lowest_free(), before + 1);
	bw_ring_free(ring);
	assert_int_equal(lowest_free(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_out_in_order_with_their_kinds),
		cmocka_unit_test(a_full_ring_gives_no_room_and_loses_nothing),
		cmocka_unit_test(a_sleeping_reader_is_woken_and_a_waking_one_is_not),
		cmocka_unit_test(a_million_bytes_arrive_whole_in_another_process),
		cmocka_unit_test(a_ring_holds_the_one_descriptor_it_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
