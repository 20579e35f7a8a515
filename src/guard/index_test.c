#include "guard/index.h"

#include <unistd.h>

#include "base/test.h"

static struct bw_index_file file_of(uint64_t ino, uint32_t gen, uint64_t place)
{
	return (struct bw_index_file){ .key = { .ino = ino, .gen = gen }, .place = place, .version = ino * 3 };
}

static void a_file_is_found_by_its_key_and_by_its_place(void **state)
{
	struct bw_index *index;
	const struct bw_file_key folder = { .ino = 2 };
	const uint64_t place = 77;
	const struct bw_index_file file = file_of(12, 1, place);
	struct bw_index_file found;

	(void)state;
	assert_ok(bw_index_new(10, &index));
	assert_ok(bw_index_put(index, &file));
	assert_ok(bw_index_by_key(index, &file.key, &found));
	assert_int_equal(found.version, 36);
	assert_ok(bw_index_by_place(index, place, &found));
	assert_int_equal(found.key.ino, 12);
	assert_int_not_equal(bw_index_place(index, &folder, BW_LIT("a")), bw_index_place(index, &folder, BW_LIT("b")));
	bw_index_free(index);
}

static void the_same_inode_with_another_generation_is_another_file(void **state)
{
	struct bw_index *index;
	const struct bw_index_file old = file_of(12, 1, 5);
	const struct bw_index_file other = file_of(12, 2, 6);
	struct bw_index_file found;

	(void)state;
	assert_ok(bw_index_new(10, &index));
	assert_ok(bw_index_put(index, &old));
	assert_int_equal(bw_index_by_key(index, &other.key, &found), BW_ERR_NOT_FOUND);
	bw_index_free(index);
}

static void a_file_that_moved_is_found_at_its_new_place_only(void **state)
{
	struct bw_index *index;
	struct bw_index_file file = file_of(12, 1, 5);
	struct bw_index_file found;

	(void)state;
	assert_ok(bw_index_new(10, &index));
	assert_ok(bw_index_put(index, &file));
	file.place = 6;
	assert_ok(bw_index_put(index, &file));
	assert_int_equal(bw_index_by_place(index, 5, &found), BW_ERR_NOT_FOUND);
	assert_ok(bw_index_by_place(index, 6, &found));
	assert_int_equal(bw_index_count(index), 1);
	bw_index_free(index);
}

/* The property that matters: whatever was put and not removed is found, whatever was removed is not. */
static void any_order_of_adding_and_removing_keeps_exactly_what_was_not_removed(void **state)
{
	enum { FILES = 30000, ROUNDS = 200000 };
	static bool present[FILES];
	struct bw_index *index;
	struct bw_index_file found;
	uint64_t random = 88172645463325252;
	size_t count = 0;

	(void)state;
	assert_ok(bw_index_new(FILES, &index));
	for (size_t round = 0; round < ROUNDS; round++) {
		uint64_t which;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		which = random % FILES;
		if (present[which]) {
			const struct bw_file_key key = file_of(which, 9, 0).key;

			assert_ok(bw_index_remove(index, &key));
			count--;
		} else {
			const struct bw_index_file file = file_of(which, 9, which * 64 + 1); /* places that collide */

			assert_ok(bw_index_put(index, &file));
			count++;
		}
		present[which] = !present[which];
	}
	assert_int_equal(bw_index_count(index), count);
	for (uint64_t i = 0; i < FILES; i++) {
		const struct bw_file_key key = file_of(i, 9, 0).key;
		const enum bw_err want = present[i] ? BW_OK : BW_ERR_NOT_FOUND;

		assert_int_equal(bw_index_by_key(index, &key, &found), want);
		assert_int_equal(bw_index_by_place(index, i * 64 + 1, &found), want);
	}
	bw_index_free(index);
}

static void a_reader_sees_what_the_writer_writes_later(void **state)
{
	struct bw_index *writer;
	struct bw_index *reader;
	const struct bw_index_file file = file_of(12, 1, 5);
	struct bw_index_file found;

	(void)state;
	assert_ok(bw_index_new(10, &writer));
	assert_ok(bw_index_view(bw_index_fd(writer), &reader));
	assert_int_equal(bw_index_by_key(reader, &file.key, &found), BW_ERR_NOT_FOUND);
	assert_ok(bw_index_put(writer, &file));
	assert_ok(bw_index_by_key(reader, &file.key, &found));
	assert_int_equal(found.place, 5);
	assert_int_equal(bw_index_fd(reader), -1);
	bw_index_free(reader);
	bw_index_free(writer);
}

static void memory_that_is_no_index_is_refused(void **state)
{
	struct bw_shared other;
	struct bw_index *reader = NULL;

	(void)state;
	assert_ok(bw_shared_new("other", 8192, &other));
	assert_int_equal(bw_index_view(other.fd, &reader), BW_ERR_CORRUPT);
	assert_null(reader);
	bw_shared_release(&other);
}

static void a_full_index_says_so_and_keeps_what_it_has(void **state)
{
	struct bw_index *index;
	enum bw_err err = BW_OK;
	uint64_t n = 0;
	struct bw_index_file found;
	const struct bw_file_key first = { .ino = 1, .gen = 1 };

	(void)state;
	assert_ok(bw_index_new(0, &index));
	while (err == BW_OK) {
		const struct bw_index_file file = file_of(n + 1, 1, n + 1);

		err = bw_index_put(index, &file);
		n++;
	}
	assert_int_equal(err, BW_ERR_TOO_MANY);
	assert_int_equal(bw_index_count(index), BW_INDEX_FILES_MIN);
	assert_ok(bw_index_by_key(index, &first, &found));
	bw_index_free(index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_found_by_its_key_and_by_its_place),
		cmocka_unit_test(the_same_inode_with_another_generation_is_another_file),
		cmocka_unit_test(a_file_that_moved_is_found_at_its_new_place_only),
		cmocka_unit_test(any_order_of_adding_and_removing_keeps_exactly_what_was_not_removed),
		cmocka_unit_test(a_reader_sees_what_the_writer_writes_later),
		cmocka_unit_test(memory_that_is_no_index_is_refused),
		cmocka_unit_test(a_full_index_says_so_and_keeps_what_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
