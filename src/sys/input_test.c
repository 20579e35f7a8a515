#include "sys/input.h"

#include <stdio.h>
#include <unistd.h>

#include "base/test.h"

static void packed_files_are_known_by_their_first_bytes(void **state)
{
	(void)state;
	assert_string_equal(bw_input_unpacker(BW_LIT("\x1f\x8b\x08\x00")), "gzip -dc");
	assert_string_equal(bw_input_unpacker(BW_LIT("PK\x03\x04")), "unzip -p");
	assert_string_equal(bw_input_unpacker(BW_LIT("\xff\xfe{\x00")), "iconv -f UTF-16 -t UTF-8");
	assert_null(bw_input_unpacker(BW_LIT("{\"type\":\"bundle\"}")));
	assert_null(bw_input_unpacker(BW_LIT("\xef\xbb\xbf{}")));
	assert_null(bw_input_unpacker(BW_LIT("P")));
	assert_null(bw_input_unpacker(bw_slice_empty));
}

static void looking_at_a_file_leaves_its_place_alone(void **state)
{
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	assert_int_equal(fwrite("BZh91AY", 1, 7, file), 7);
	assert_int_equal(fflush(file), 0);
	assert_string_equal(bw_input_unpacker_fd(fileno(file)), "bzip2 -dc");
	assert_int_equal(lseek(fileno(file), 0, SEEK_CUR), 7);
	assert_int_equal(fclose(file), 0);
}

static void a_pipe_is_not_looked_into(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "BZh9", 4), 4);
	assert_null(bw_input_unpacker_fd(ends[0]));
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void a_folder_is_no_file(void **state)
{
	struct bw_why why = { 0 };
	int fd = -1;

	(void)state;
	assert_int_equal(bw_input_open("/", &fd, &why), BW_ERR_TYPE);
	assert_non_null(strstr(why.text, "is a folder"));
	assert_int_equal(bw_input_open("/nowhere/at/all", &fd, &why), BW_ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packed_files_are_known_by_their_first_bytes),
		cmocka_unit_test(looking_at_a_file_leaves_its_place_alone),
		cmocka_unit_test(a_pipe_is_not_looked_into),
		cmocka_unit_test(a_folder_is_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
