#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/channel.h"
#include "sys/memfile.h"

struct ends {
	struct bw_channel *a;
	struct bw_channel *b;
};

static int open_ends(void **state)
{
	static struct ends ends;
	int fds[2];

	assert_int_equal(bw_channel_pair(fds), BW_OK);
	assert_int_equal(bw_channel_new(fds[0], &ends.a), BW_OK);
	assert_int_equal(bw_channel_new(fds[1], &ends.b), BW_OK);
	*state = &ends;
	return 0;
}

static int close_ends(void **state)
{
	struct ends *ends = *state;

	bw_channel_free(ends->a);
	bw_channel_free(ends->b);
	return 0;
}

static void frames_arrive_in_order(void **state)
{
	struct ends *ends = *state;
	struct bw_frame frame;

	for (uint8_t kind = 1; kind <= 100; kind++)
		assert_int_equal(bw_channel_put(ends->a, kind, bw_slice_of(&kind, 1), -1), BW_OK);
	assert_true(bw_channel_has_output(ends->a));
	assert_int_equal(bw_channel_flush(ends->a), BW_OK);
	assert_false(bw_channel_has_output(ends->a));
	for (uint8_t kind = 1; kind <= 100; kind++) {
		assert_int_equal(bw_channel_receive(ends->b, &frame, NULL, 1000), BW_OK);
		assert_int_equal(frame.kind, kind);
		assert_int_equal(frame.body.ptr[0], kind);
	}
	assert_int_equal(bw_channel_next(ends->b, &frame, NULL), BW_ERR_AGAIN);
	assert_int_equal(bw_channel_fill(ends->b), BW_ERR_AGAIN);
	assert_int_equal(bw_channel_receive(ends->b, &frame, NULL, 1), BW_ERR_TIMEOUT);
}

static void assert_memory_says(int fd, const char *text)
{
	struct bw_mapped mapped;

	assert_int_equal(bw_mapped_open(fd, 100, &mapped), BW_OK);
	assert_true(bw_slice_is(mapped.bytes, text));
	bw_mapped_release(&mapped);
	(void)close(fd);
}

static void put_memory(struct bw_channel *channel, uint8_t kind, const char *text)
{
	struct bw_memfile file;

	assert_int_equal(bw_memfile_of("test", bw_slice_text(text), &file), BW_OK);
	assert_int_equal(bw_channel_put(channel, kind, BW_LIT("see"), file.fd), BW_OK);
	bw_memfile_release(&file);
}

static void each_descriptor_comes_with_its_own_frame(void **state)
{
	struct ends *ends = *state;
	struct bw_frame frame;
	int fd;

	assert_int_equal(bw_channel_put(ends->a, 1, BW_LIT("plain"), -1), BW_OK);
	put_memory(ends->a, 2, "two");
	put_memory(ends->a, 3, "three");
	assert_int_equal(bw_channel_put(ends->a, 4, BW_LIT("plain"), -1), BW_OK);
	put_memory(ends->a, 5, "five");
	assert_int_equal(bw_channel_flush(ends->a), BW_OK);
	for (uint8_t kind = 1; kind <= 5; kind++) {
		assert_int_equal(bw_channel_receive(ends->b, &frame, &fd, 1000), BW_OK);
		assert_int_equal(frame.kind, kind);
		assert_int_equal(frame.has_fd, fd >= 0);
		if (kind == 2)
			assert_memory_says(fd, "two");
		if (kind == 3)
			assert_memory_says(fd, "three");
		if (kind == 5)
			assert_memory_says(fd, "five");
	}
}

static void a_full_queue_says_again_and_goes_on_after_the_reader_caught_up(void **state)
{
	struct ends *ends = *state;
	static uint8_t body[1024 * 1024];
	struct bw_frame frame;
	unsigned sent = 0;
	unsigned received = 0;

	while (sent < 40) {
		enum bw_err err = bw_channel_put(ends->a, 1, bw_slice_of(body, sizeof(body)), -1);

		if (err == BW_OK) {
			sent++;
			continue;
		}
		assert_int_equal(err, BW_ERR_AGAIN);
		err = bw_channel_flush(ends->a);
		assert_true(err == BW_OK || err == BW_ERR_AGAIN);
		err = bw_channel_fill(ends->b);
		assert_true(err == BW_OK || err == BW_ERR_AGAIN);
		while (bw_channel_next(ends->b, &frame, NULL) == BW_OK)
			received++;
	}
	while (received < sent) {
		enum bw_err err = bw_channel_flush(ends->a);

		assert_true(err == BW_OK || err == BW_ERR_AGAIN);
		assert_int_equal(bw_channel_fill(ends->b), BW_OK);
		while (bw_channel_next(ends->b, &frame, NULL) == BW_OK) {
			assert_int_equal(frame.body.len, sizeof(body));
			received++;
		}
	}
	assert_false(bw_channel_has_output(ends->a));
}

static void random_sizes_with_and_without_descriptors_survive_small_socket_buffers(void **state)
{
	struct ends *ends = *state;
	static uint8_t body[20000];
	const int small = 4096;
	unsigned seed = 1;
	struct bw_frame frame;
	int fd;

	(void)setsockopt(bw_channel_fd(ends->a), SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	for (int round = 0; round < 50; round++) {
		size_t lens[20];
		bool with_fd[20];

		for (size_t i = 0; i < BW_COUNT(lens); i++) {
			seed = seed * 1103515245 + 12345;
			lens[i] = (seed >> 8) % sizeof(body);
			with_fd[i] = (seed >> 4) % 3 == 0;
			memset(body, (int)(i + 1), lens[i]);
			assert_int_equal(bw_channel_put(ends->a, (uint8_t)(i + 1), bw_slice_of(body, lens[i]),
							with_fd[i] ? bw_channel_fd(ends->a) : -1),
					 BW_OK);
		}
		for (size_t i = 0; i < BW_COUNT(lens);) {
			enum bw_err err = bw_channel_flush(ends->a);

			assert_true(err == BW_OK || err == BW_ERR_AGAIN);
			err = bw_channel_fill(ends->b);
			assert_true(err == BW_OK || err == BW_ERR_AGAIN);
			while (i < BW_COUNT(lens) && bw_channel_next(ends->b, &frame, &fd) == BW_OK) {
				assert_int_equal(frame.kind, i + 1);
				assert_int_equal(frame.body.len, lens[i]);
				assert_int_equal(fd >= 0, with_fd[i]);
				if (lens[i] > 0)
					assert_int_equal(frame.body.ptr[lens[i] - 1], i + 1);
				if (fd >= 0)
					(void)close(fd);
				i++;
			}
		}
	}
}

static void a_frame_that_announces_a_descriptor_without_one_breaks_the_channel(void **state)
{
	struct ends *ends = *state;
	static const uint8_t lie[] = { 1, BW_FRAME_WITH_FD | 3, 0, 0, 0, 0 };
	struct bw_frame frame;

	assert_int_equal(write(bw_channel_fd(ends->a), lie, sizeof(lie)), sizeof(lie));
	assert_int_equal(bw_channel_receive(ends->b, &frame, NULL, 1000), BW_ERR_PROTOCOL);
	assert_int_equal(bw_channel_put(ends->b, 1, bw_slice_empty, -1), BW_ERR_PROTOCOL);
	assert_int_equal(bw_channel_fill(ends->b), BW_ERR_PROTOCOL);
}

static void a_descriptor_for_which_there_is_no_room_is_lost_and_nothing_else(void **state)
{
	struct ends *ends = *state;
	struct rlimit before;
	struct rlimit tight;
	struct bw_frame frame;
	int next_free;
	int fd;

	put_memory(ends->a, 1, "lost");
	assert_int_equal(bw_channel_put(ends->a, 2, BW_LIT("plain"), -1), BW_OK);
	assert_int_equal(bw_channel_flush(ends->a), BW_OK);
	next_free = dup(bw_channel_fd(ends->b));
	assert_true(next_free >= 0);
	assert_int_equal(close(next_free), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	tight = (struct rlimit){ (rlim_t)next_free, before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	assert_int_equal(bw_channel_receive(ends->b, &frame, &fd, 1000), BW_OK);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_true(frame.has_fd);
	assert_int_equal(fd, -1);
	assert_int_equal(bw_channel_receive(ends->b, &frame, &fd, 1000), BW_OK);
	assert_int_equal(frame.kind, 2);
	put_memory(ends->a, 3, "here");
	assert_int_equal(bw_channel_flush(ends->a), BW_OK);
	assert_int_equal(bw_channel_receive(ends->b, &frame, &fd, 1000), BW_OK);
	assert_memory_says(fd, "here");
}

/* One byte and `count` descriptors, as no honest peer sends them. */
static void send_raw(int over, size_t count)
{
	union {
		char bytes[CMSG_SPACE(8 * sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	uint8_t byte = 1;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes };
	struct cmsghdr *head;

	message.msg_controllen = CMSG_SPACE(count * sizeof(int));
	head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (size_t i = 0; i < count; i++)
		memcpy(CMSG_DATA(head) + i * sizeof(int), &over, sizeof(int));
	assert_int_equal(sendmsg(over, &message, 0), 1);
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void too_many_descriptors_at_once_break_the_channel_and_leak_none(void **state)
{
	struct ends *ends = *state;
	const int before = open_descriptors();

	send_raw(bw_channel_fd(ends->a), 8);
	assert_int_equal(bw_channel_fill(ends->b), BW_ERR_PROTOCOL);
	bw_channel_free(ends->b);
	ends->b = NULL;
	assert_int_equal(open_descriptors(), before - 1);
}

static void descriptors_nobody_announced_are_bounded(void **state)
{
	struct ends *ends = *state;
	enum bw_err err = BW_OK;
	int rounds = 0;

	while (err == BW_OK && rounds < 1000) {
		send_raw(bw_channel_fd(ends->a), 1);
		err = bw_channel_fill(ends->b);
		rounds++;
	}
	assert_int_equal(err, BW_ERR_PROTOCOL);
	assert_true(rounds <= BW_CHANNEL_FDS_MAX + 1);
}

static void a_secret_channel_still_carries_frames_in_order_in_pieces(void **state)
{
	struct ends *ends = *state;
	static uint8_t body[300000];
	struct bw_frame frame;

	assert_int_equal(bw_channel_keep_secret(ends->a), BW_OK);
	assert_int_equal(bw_channel_keep_secret(ends->b), BW_OK);
	for (int i = 0; i < 4; i++) {
		memset(body, i + 1, sizeof(body));
		assert_int_equal(bw_channel_put(ends->a, 1, bw_slice_of(body, sizeof(body)), -1), BW_OK);
		assert_int_equal(bw_channel_put(ends->a, 2, BW_LIT("key"), -1), BW_OK);
	}
	for (int i = 0; i < 8; i++) {
		enum bw_err err = BW_ERR_AGAIN;

		while (err == BW_ERR_AGAIN) {
			err = bw_channel_flush(ends->a);
			assert_true(err == BW_OK || err == BW_ERR_AGAIN);
			err = bw_channel_receive(ends->b, &frame, NULL, 1);
			err = err == BW_ERR_TIMEOUT ? BW_ERR_AGAIN : err;
		}
		assert_int_equal(err, BW_OK);
		assert_int_equal(frame.kind, i % 2 + 1);
		if (frame.kind == 1)
			assert_int_equal(frame.body.ptr[sizeof(body) - 1], i / 2 + 1);
		else
			assert_true(bw_slice_is(frame.body, "key"));
	}
}

static void garbage_breaks_the_channel(void **state)
{
	struct ends *ends = *state;
	struct bw_frame frame;

	assert_int_equal(write(bw_channel_fd(ends->a), "GET / HTTP/1.1\r\n", 16), 16);
	assert_int_equal(bw_channel_receive(ends->b, &frame, NULL, 1000), BW_ERR_PROTOCOL);
}

static void one_that_was_given_up_says_nothing_but_that_it_is_over(void **state)
{
	struct ends *ends = *state;
	struct bw_frame frame;

	assert_int_equal(bw_channel_send(ends->a, 9, BW_LIT("nonsense"), -1, 1000), BW_OK);
	assert_int_equal(bw_channel_send(ends->a, 9, BW_LIT("more of it"), -1, 1000), BW_OK);
	assert_int_equal(bw_channel_receive(ends->b, &frame, NULL, 1000), BW_OK);
	bw_channel_give_up(ends->b);
	assert_true(bw_channel_has_ended(ends->b));
	assert_int_equal(bw_channel_next(ends->b, &frame, NULL), BW_ERR_CLOSED);
	assert_int_equal(bw_channel_fill(ends->b), BW_ERR_CLOSED);
}

static void the_end_of_the_other_side_is_closed_after_what_it_sent(void **state)
{
	struct ends *ends = *state;
	struct bw_frame frame;

	assert_int_equal(bw_channel_send(ends->a, 9, BW_LIT("last words"), -1, 1000), BW_OK);
	bw_channel_free(ends->a);
	ends->a = NULL;
	assert_int_equal(bw_channel_receive(ends->b, &frame, NULL, 1000), BW_OK);
	assert_true(bw_slice_is(frame.body, "last words"));
	assert_false(bw_channel_has_ended(ends->b));
	assert_int_equal(bw_channel_receive(ends->b, &frame, NULL, 1000), BW_ERR_CLOSED);
	assert_true(bw_channel_has_ended(ends->b));
	assert_int_equal(bw_channel_send(ends->b, 1, BW_LIT("anyone?"), -1, 1000), BW_ERR_CLOSED);
}

#define WITH_ENDS(test) cmocka_unit_test_setup_teardown(test, open_ends, close_ends)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ENDS(frames_arrive_in_order),
		WITH_ENDS(each_descriptor_comes_with_its_own_frame),
		WITH_ENDS(a_full_queue_says_again_and_goes_on_after_the_reader_caught_up),
		WITH_ENDS(random_sizes_with_and_without_descriptors_survive_small_socket_buffers),
		WITH_ENDS(a_frame_that_announces_a_descriptor_without_one_breaks_the_channel),
		WITH_ENDS(a_descriptor_for_which_there_is_no_room_is_lost_and_nothing_else),
		WITH_ENDS(too_many_descriptors_at_once_break_the_channel_and_leak_none),
		WITH_ENDS(descriptors_nobody_announced_are_bounded),
		WITH_ENDS(a_secret_channel_still_carries_frames_in_order_in_pieces),
		WITH_ENDS(garbage_breaks_the_channel),
		WITH_ENDS(one_that_was_given_up_says_nothing_but_that_it_is_over),
		WITH_ENDS(the_end_of_the_other_side_is_closed_after_what_it_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
