#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sys/memfile.h"

static void a_sealed_file_maps_and_no_longer_changes(void **state)
{
	struct bw_memfile file;
	struct bw_mapped mapped;

	(void)state;
	assert_int_equal(bw_memfile_new("test", 8, &file), BW_OK);
	assert_int_equal(bw_memfile_append(&file, BW_LIT("abcd")), BW_OK);
	assert_int_equal(bw_memfile_append(&file, BW_LIT("efghi")), BW_ERR_TOO_BIG);
	assert_int_equal(bw_memfile_append(&file, BW_LIT("ef")), BW_OK);
	assert_int_equal(bw_memfile_seal(&file), BW_OK);
	assert_int_equal(ftruncate(file.fd, 1), -1);
	assert_int_equal(write(file.fd, "x", 1), -1);
	assert_int_equal(bw_mapped_open(file.fd, 8, &mapped), BW_OK);
	bw_memfile_release(&file);
	assert_int_equal(file.fd, -1);
	assert_true(bw_slice_is(mapped.bytes, "abcdef"));
	bw_mapped_release(&mapped);
	bw_mapped_release(&mapped);
}

static void a_file_its_maker_could_still_change_is_refused(void **state)
{
	static const int enough_for_nothing[] = {
		0, F_SEAL_SHRINK, F_SEAL_GROW | F_SEAL_SHRINK, F_SEAL_WRITE | F_SEAL_GROW, F_SEAL_WRITE | F_SEAL_SHRINK,
	};
	struct bw_mapped mapped;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(enough_for_nothing); i++) {
		const int fd = memfd_create("half", MFD_ALLOW_SEALING);

		assert_true(fd >= 0);
		assert_int_equal(ftruncate(fd, 100), 0);
		assert_int_equal(fcntl(fd, F_ADD_SEALS, enough_for_nothing[i]), 0);
		assert_int_equal(bw_mapped_open(fd, 1000, &mapped), BW_ERR_TYPE);
		(void)close(fd);
	}
}

static void a_plain_file_a_pipe_and_nothing_at_all_are_refused(void **state)
{
	struct bw_mapped mapped;
	int pipes[2];
	const int plain = open("/proc/self/exe", O_RDONLY);

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(bw_mapped_open(plain, SIZE_MAX, &mapped), BW_ERR_TYPE);
	assert_int_equal(bw_mapped_open(pipes[0], SIZE_MAX, &mapped), BW_ERR_TYPE);
	assert_int_equal(bw_mapped_open(-1, SIZE_MAX, &mapped), BW_ERR_TYPE);
	(void)close(plain);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
}

static void size_is_bounded_and_empty_is_fine(void **state)
{
	struct bw_memfile file;
	struct bw_mapped mapped;

	(void)state;
	assert_int_equal(bw_memfile_of("test", BW_LIT("abc"), &file), BW_OK);
	assert_int_equal(bw_mapped_open(file.fd, 2, &mapped), BW_ERR_TOO_BIG);
	bw_memfile_release(&file);
	assert_int_equal(bw_memfile_of("empty", bw_slice_empty, &file), BW_OK);
	assert_int_equal(bw_mapped_open(file.fd, 0, &mapped), BW_OK);
	assert_int_equal(mapped.bytes.len, 0);
	bw_mapped_release(&mapped);
	bw_memfile_release(&file);
}

static void shared_memory_is_seen_by_readers_and_cannot_shrink(void **state)
{
	struct bw_shared writer;
	struct bw_shared reader;

	(void)state;
	assert_int_equal(bw_shared_new("table", 1 << 20, &writer), BW_OK);
	assert_int_equal(bw_shared_open(writer.fd, 1 << 20, &reader), BW_OK);
	assert_int_equal(bw_shared_open(writer.fd, 100, &reader), BW_ERR_TOO_BIG);
	writer.ptr[70000] = 42;
	assert_int_equal(reader.ptr[70000], 42);
	assert_int_equal(ftruncate(writer.fd, 0), -1);
	bw_shared_release(&reader);
	bw_shared_release(&writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sealed_file_maps_and_no_longer_changes),
		cmocka_unit_test(a_file_its_maker_could_still_change_is_refused),
		cmocka_unit_test(a_plain_file_a_pipe_and_nothing_at_all_are_refused),
		cmocka_unit_test(size_is_bounded_and_empty_is_fine),
		cmocka_unit_test(shared_memory_is_seen_by_readers_and_cannot_shrink),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
