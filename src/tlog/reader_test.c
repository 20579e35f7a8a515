/* Writer and reader together: what one writes, the other proves; and what was damaged, it names. */
#include "tlog/reader.h"

#include "base/test.h"
#include "tlog/plain_in_tests.h"
#include "tlog/store_in_tests.h"
#include "tlog/writer.h"

static struct plain_tree plain;
static struct memory_store memory;

static int make_plain(void **state)
{
	(void)state;
	plain_tree_fill(&plain, PLAIN_MAX, 1);
	return 0;
}

static int forget_store(void **state)
{
	(void)state;
	memory_store_release(&memory);
	return 0;
}

/* ---- helpers --------------------------------------------------------------------------------- */

static struct bw_tlog_writer *open_writer(uint64_t size, bool has_entries)
{
	const struct bw_tile_store store = memory_tiles(&memory);
	const struct bw_hash root = plain_root(&plain, 0, size);
	struct bw_tlog_writer *writer;

	assert_ok(bw_tlog_writer_open(&store, size, &root, has_entries, &writer));
	return writer;
}

static void add_entries(struct bw_tlog_writer *writer, unsigned seed, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++) {
		char room[64];
		const struct bw_slice entry = plain_entry(seed, i, room);

		assert_ok(bw_tlog_writer_add_entries(writer, &entry, 1));
	}
}

static void commit(struct bw_tlog_writer *writer, uint64_t want)
{
	const struct bw_hash root = plain_root(&plain, 0, want);
	struct bw_hash is;
	uint64_t size;

	assert_ok(bw_tlog_writer_commit(writer, &size, &is));
	assert_int_equal(size, want);
	assert_true(bw_hash_equals(&is, &root));
}

static void write_log(uint64_t size, bool has_entries)
{
	struct bw_tlog_writer *writer = open_writer(0, has_entries);

	if (has_entries)
		add_entries(writer, 1, 0, size);
	else
		assert_ok(bw_tlog_writer_add_leaves(writer, plain.leaves, size));
	commit(writer, size);
	bw_tlog_writer_free(writer);
}

static enum bw_err open_reader(uint64_t size, struct bw_tlog_reader **out)
{
	const struct bw_tile_store store = memory_tiles(&memory);
	const struct bw_hash root = plain_root(&plain, 0, size);

	return bw_tlog_reader_open(&store, size, &root, 64, NULL, out);
}

static enum bw_err check_whole(uint64_t size, bool has_entries, struct bw_tlog_reader_fault *fault)
{
	const struct bw_tlog_check check = { .has_entries = has_entries };
	const struct bw_tile_store store = memory_tiles(&memory);
	const struct bw_hash root = plain_root(&plain, 0, size);
	struct bw_tlog_reader *reader;
	enum bw_err err;

	BW_TRY(bw_tlog_reader_open(&store, size, &root, 64, fault, &reader));
	err = bw_tlog_check(reader, &check);
	*fault = bw_tlog_reader_fault(reader);
	bw_tlog_reader_free(reader);
	return err;
}

/* ---- what is written ---------------------------------------------------------------------------- */

static void a_log_grows_in_batches_of_any_size_and_over_restarts(void **state)
{
	static const uint64_t sizes[] = { 0, 1, 2, 255, 256, 257, 511, 512, 700, 65535, 65536, 65537, 66000, 66000 };

	(void)state;
	for (size_t i = 1; i < BW_COUNT(sizes); i++) {
		struct bw_tlog_writer *writer = open_writer(sizes[i - 1], true);

		assert_int_equal(bw_tlog_writer_size(writer), sizes[i - 1]);
		add_entries(writer, 1, sizes[i - 1], sizes[i]);
		commit(writer, sizes[i]);
		bw_tlog_writer_free(writer);
	}
	for (size_t i = 0; i < BW_COUNT(sizes); i++) {
		struct bw_tlog_reader_fault fault;

		assert_ok(check_whole(sizes[i], true, &fault));
	}
}

static void the_tiles_are_those_of_the_standard_and_no_more(void **state)
{
	static const char *const want[] = {
		"tile/0/000",      "tile/0/272",     "tile/0/273.p/112", "tile/1/000",
		"tile/1/001.p/17", "tile/2/000.p/1", "tile/entries/272", "tile/entries/273.p/112",
	};

	(void)state;
	write_log(70000, true);
	for (size_t i = 0; i < BW_COUNT(want); i++)
		assert_non_null(find_kept(&memory, want[i]));
	assert_int_equal(memory.count, 274 + 2 + 1 + 274);
}

static void what_a_crash_left_beyond_the_checkpoint_is_written_over(void **state)
{
	struct bw_tlog_reader_fault fault;
	struct bw_tlog_writer *writer;

	(void)state;
	write_log(300, true);
	writer = open_writer(300, true);
	add_entries(writer, 2, 300, 900); /* another history, never committed */
	bw_tlog_writer_free(writer);
	writer = open_writer(300, true);
	add_entries(writer, 1, 300, 1000);
	commit(writer, 1000);
	bw_tlog_writer_free(writer);
	assert_ok(check_whole(1000, true, &fault));
}

static void a_writer_whose_store_failed_stays_so(void **state)
{
	struct bw_tlog_writer *writer = open_writer(0, false);
	struct bw_hash root;
	uint64_t size;

	(void)state;
	assert_int_equal(bw_tlog_writer_add_entries(writer, &bw_slice_empty, 1), BW_ERR_USAGE);
	memory.fails = BW_ERR_DISK_FULL;
	assert_int_equal(bw_tlog_writer_add_leaves(writer, plain.leaves, 256), BW_ERR_DISK_FULL);
	memory.fails = BW_OK;
	assert_int_equal(bw_tlog_writer_add_leaves(writer, plain.leaves, 1), BW_ERR_DISK_FULL);
	assert_int_equal(bw_tlog_writer_commit(writer, &size, &root), BW_ERR_DISK_FULL);
	bw_tlog_writer_free(writer);
}

static void a_writer_opens_only_at_what_is_there(void **state)
{
	const struct bw_tile_store store = memory_tiles(&memory);
	const struct bw_hash root = plain_root(&plain, 0, 300);
	struct bw_tlog_writer *writer = NULL;

	(void)state;
	write_log(300, true);
	assert_int_equal(bw_tlog_writer_open(&store, 299, &root, true, &writer), BW_ERR_CUT_SHORT);
	assert_int_equal(bw_tlog_writer_open(&store, 300, &plain.leaves[0], true, &writer), BW_ERR_EDITED);
	find_kept(&memory, "tile/entries/001.p/44")->bytes[5] ^= 1;
	assert_int_equal(bw_tlog_writer_open(&store, 300, &root, true, &writer), BW_ERR_EDITED);
	find_kept(&memory, "tile/entries/001.p/44")->len--;
	assert_int_equal(bw_tlog_writer_open(&store, 300, &root, true, &writer), BW_ERR_CUT_SHORT);
	assert_ok(bw_tlog_writer_open(&store, 300, &root, false, &writer));
	bw_tlog_writer_free(writer);
}

/* ---- proofs -------------------------------------------------------------------------------------- */

static void every_leaf_is_proved_from_tiles(void **state)
{
	static const uint64_t sizes[] = { 1, 7, 256, 300, 1000, 66000 };

	(void)state;
	write_log(66000, false);
	for (size_t i = 0; i < BW_COUNT(sizes); i++) {
		const struct bw_hash root = plain_root(&plain, 0, sizes[i]);
		struct bw_tlog_reader *reader;
		struct bw_tlog_writer *writer = open_writer(0, false);

		assert_ok(bw_tlog_writer_add_leaves(writer, plain.leaves, sizes[i])); /* for its partial tiles */
		commit(writer, sizes[i]);
		bw_tlog_writer_free(writer);
		assert_ok(open_reader(sizes[i], &reader));
		for (uint64_t index = 0; index<sizes[i]; index += sizes[i]> 1000 ? 97 : 1) {
			struct bw_proof proof;
			struct bw_hash leaf;

			assert_ok(bw_tlog_reader_leaf(reader, index, &leaf));
			assert_true(bw_hash_equals(&leaf, &plain.leaves[index]));
			assert_ok(bw_tlog_reader_inclusion(reader, index, &proof));
			assert_ok(bw_inclusion_verify(index, sizes[i], &leaf, &root, &proof));
		}
		assert_int_equal(bw_tlog_reader_leaf(reader, sizes[i], &(struct bw_hash){ 0 }), BW_ERR_RANGE);
		bw_tlog_reader_free(reader);
	}
}

static void every_earlier_size_is_proved_from_tiles(void **state)
{
	const struct bw_hash root = plain_root(&plain, 0, 66000);
	struct bw_tlog_reader *reader;
	struct bw_tree tree = { 0 };

	(void)state;
	write_log(66000, false);
	assert_ok(open_reader(66000, &reader));
	for (uint64_t size = 1; size <= 66000; size++) {
		struct bw_hash want;
		struct bw_hash is;
		struct bw_proof proof;

		assert_ok(bw_tree_add(&tree, 0, &plain.leaves[size - 1]));
		if (size % 131 != 0 && size != 65536 && size != 256)
			continue;
		want = bw_tree_root(&tree);
		assert_ok(bw_tlog_reader_root_at(reader, size, &is));
		assert_true(bw_hash_equals(&is, &want));
		assert_ok(bw_tlog_reader_consistency(reader, size, &proof));
		assert_ok(bw_consistency_verify(size, &want, 66000, &root, &proof));
	}
	bw_tlog_reader_free(reader);
}

static void warm_tiles_are_not_fetched_again(void **state)
{
	struct bw_tlog_reader *reader;
	struct bw_proof proof;
	size_t gets;

	(void)state;
	write_log(66000, false);
	assert_ok(open_reader(66000, &reader));
	assert_ok(bw_tlog_reader_inclusion(reader, 77, &proof));
	gets = memory.gets;
	for (uint64_t i = 0; i < 256; i++)
		assert_ok(bw_tlog_reader_inclusion(reader, i, &proof));
	assert_int_equal(memory.gets, gets);
	for (uint64_t i = 0; i < 66000; i += 256) /* more tiles than there are slots */
		assert_ok(bw_tlog_reader_inclusion(reader, i, &proof));
	bw_tlog_reader_free(reader);
}

static void a_full_tile_stands_in_for_a_partial_one_that_is_gone(void **state)
{
	struct bw_tlog_reader_fault fault;
	struct bw_tlog_writer *writer;

	(void)state;
	write_log(300, true);
	writer = open_writer(300, true);
	add_entries(writer, 1, 300, 600);
	commit(writer, 600);
	bw_tlog_writer_free(writer);
	free(find_kept(&memory, "tile/0/001.p/44")->bytes);
	find_kept(&memory, "tile/0/001.p/44")->bytes = NULL;
	free(find_kept(&memory, "tile/entries/001.p/44")->bytes);
	find_kept(&memory, "tile/entries/001.p/44")->bytes = NULL;
	assert_ok(check_whole(300, true, &fault));
}

/* ---- damage -------------------------------------------------------------------------------------- */

static void a_silent_edit_of_any_byte_is_found_and_its_place_named(void **state)
{
	struct bw_tlog_reader_fault fault;

	(void)state;
	write_log(66000, true);
	for (size_t i = 0; i < memory.count; i += i < 4 || i > memory.count - 8 ? 1 : 53) {
		struct kept *kept = &memory.kept[i];
		const bool is_partial = strstr(kept->path, ".p/") != NULL;
		struct bw_tile tile;

		assert_ok(bw_tile_parse(bw_slice_text(kept->path), &tile));
		for (size_t at = 0; at < kept->len; at += kept->len / 3 + 1) {
			enum bw_err err;

			kept->bytes[at] ^= 0x10;
			err = check_whole(66000, true, &fault);
			/* in a bundle it may be a length, and the bundle too short then */
			assert_true(err == BW_ERR_EDITED || (tile.is_entries && err == BW_ERR_CUT_SHORT));
			if (!is_partial || tile.is_entries) {
				assert_int_equal(fault.tile.is_entries, tile.is_entries);
				assert_int_equal(fault.tile.level, tile.level);
				assert_int_equal(fault.tile.index, tile.index);
			}
			kept->bytes[at] ^= 0x10;
		}
	}
	assert_ok(check_whole(66000, true, &fault));
}

static void an_edited_entry_is_named_by_its_number(void **state)
{
	struct bw_tlog_reader *reader;
	struct bw_slice entry;
	struct kept *kept;
	struct bw_tlog_reader_fault fault;

	(void)state;
	write_log(1000, true);
	kept = find_kept(&memory, "tile/entries/002");
	*(uint8_t *)memmem(kept->bytes, kept->len, "entry 600", 9) = 'E';
	assert_int_equal(check_whole(1000, true, &fault), BW_ERR_EDITED);
	assert_int_equal(fault.entry, 600);
	assert_ok(open_reader(1000, &reader));
	assert_ok(bw_tlog_reader_entry(reader, 5, &entry));
	assert_slice(entry, "entry 5 of log 1");
	assert_int_equal(bw_tlog_reader_entry(reader, 600, &entry), BW_ERR_EDITED);
	assert_int_equal(bw_tlog_reader_entry(reader, 1000, &entry), BW_ERR_RANGE);
	bw_tlog_reader_free(reader);
}

static void a_log_that_lacks_what_it_signed_for_is_cut_short(void **state)
{
	struct bw_tlog_reader_fault fault;

	(void)state;
	write_log(66000, true);
	for (size_t i = 0; i < memory.count; i += i < 4 || i > memory.count - 8 ? 1 : 53) {
		struct kept *kept = &memory.kept[i];
		uint8_t *bytes = kept->bytes;

		kept->bytes = NULL;
		assert_int_equal(check_whole(66000, true, &fault), BW_ERR_CUT_SHORT);
		kept->bytes = bytes;
		kept->len--;
		assert_int_equal(check_whole(66000, true, &fault), BW_ERR_CUT_SHORT);
		kept->len++;
	}
}

/* ---- two checkpoints -------------------------------------------------------------------------------- */

static void a_log_that_goes_on_keeps_its_reader(void **state)
{
	struct bw_tlog_writer *writer = open_writer(0, false);
	struct bw_tlog_reader *reader = NULL;
	uint64_t before = 0;

	(void)state;
	for (uint64_t size = 1; size < 2000; size = size * 3 / 2 + 1) {
		const struct bw_hash root = plain_root(&plain, 0, size);
		struct bw_proof proof;

		assert_ok(bw_tlog_writer_add_leaves(writer, &plain.leaves[before], size - before));
		commit(writer, size);
		if (reader == NULL)
			assert_ok(open_reader(size, &reader));
		else
			assert_ok(bw_tlog_reader_advance(reader, size, &root));
		assert_int_equal(bw_tlog_reader_size(reader), size);
		for (uint64_t index = 0; index < size; index++) {
			assert_ok(bw_tlog_reader_inclusion(reader, index, &proof));
			assert_ok(bw_inclusion_verify(index, size, &plain.leaves[index], &root, &proof));
		}
		before = size;
	}
	bw_tlog_reader_free(reader);
	bw_tlog_writer_free(writer);
}

static void rollback_and_split_view_have_names_of_their_own(void **state)
{
	const struct bw_hash root_400 = plain_root(&plain, 0, 400);
	struct bw_hash other_root;
	struct bw_tlog_reader *reader;
	struct bw_tlog_writer *writer;
	struct bw_proof proof;
	uint64_t size;

	(void)state;
	write_log(400, false);
	assert_ok(open_reader(400, &reader));
	assert_int_equal(bw_tlog_reader_continues(reader, 401, &root_400), BW_ERR_ROLLBACK);
	assert_int_equal(bw_tlog_reader_continues(reader, 400, &plain.leaves[0]), BW_ERR_SPLIT_VIEW);
	assert_int_equal(bw_tlog_reader_continues(reader, 300, &plain.leaves[0]), BW_ERR_SPLIT_VIEW);
	assert_ok(bw_tlog_reader_inclusion(reader, 3, &proof));
	/* another history from 200 on, shown to the same reader as what comes next */
	memory_store_release(&memory);
	writer = open_writer(0, false);
	assert_ok(bw_tlog_writer_add_leaves(writer, plain.leaves, 200));
	assert_ok(bw_tlog_writer_add_leaves(writer, &plain.leaves[1000], 800));
	assert_ok(bw_tlog_writer_commit(writer, &size, &other_root));
	bw_tlog_writer_free(writer);
	assert_int_equal(bw_tlog_reader_advance(reader, 1000, &other_root), BW_ERR_SPLIT_VIEW);
	assert_int_equal(bw_tlog_reader_advance(reader, 399, &other_root), BW_ERR_ROLLBACK);
	assert_int_equal(bw_tlog_reader_size(reader), 400);
	/* it stays with the history it had, of which the store has no tile any more */
	assert_int_equal(bw_tlog_reader_inclusion(reader, 3, &proof), BW_ERR_EDITED);
	bw_tlog_reader_free(reader);
}

static enum bw_err stop_at_ten(void *ctx, uint64_t index, struct bw_slice entry)
{
	uint64_t *seen = ctx;
	char room[64];

	assert_true(bw_slice_equals(entry, plain_entry(1, index, room)));
	*seen = index;
	return index == 310 ? BW_ERR_CLOSED : BW_OK;
}

static void a_check_gives_out_the_entries_from_where_it_is_asked(void **state)
{
	uint64_t seen = 0;
	const struct bw_tlog_check check = { .from = 300, .has_entries = true, .ctx = &seen, .entry = stop_at_ten };
	struct bw_tlog_reader *reader;

	(void)state;
	write_log(400, true);
	assert_ok(open_reader(400, &reader));
	assert_int_equal(bw_tlog_check(reader, &check), BW_ERR_CLOSED);
	assert_int_equal(seen, 310);
	bw_tlog_reader_free(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_log_grows_in_batches_of_any_size_and_over_restarts, forget_store),
		cmocka_unit_test_teardown(the_tiles_are_those_of_the_standard_and_no_more, forget_store),
		cmocka_unit_test_teardown(what_a_crash_left_beyond_the_checkpoint_is_written_over, forget_store),
		cmocka_unit_test_teardown(a_writer_whose_store_failed_stays_so, forget_store),
		cmocka_unit_test_teardown(a_writer_opens_only_at_what_is_there, forget_store),
		cmocka_unit_test_teardown(every_leaf_is_proved_from_tiles, forget_store),
		cmocka_unit_test_teardown(every_earlier_size_is_proved_from_tiles, forget_store),
		cmocka_unit_test_teardown(warm_tiles_are_not_fetched_again, forget_store),
		cmocka_unit_test_teardown(a_full_tile_stands_in_for_a_partial_one_that_is_gone, forget_store),
		cmocka_unit_test_teardown(a_silent_edit_of_any_byte_is_found_and_its_place_named, forget_store),
		cmocka_unit_test_teardown(an_edited_entry_is_named_by_its_number, forget_store),
		cmocka_unit_test_teardown(a_log_that_lacks_what_it_signed_for_is_cut_short, forget_store),
		cmocka_unit_test_teardown(a_log_that_goes_on_keeps_its_reader, forget_store),
		cmocka_unit_test_teardown(rollback_and_split_view_have_names_of_their_own, forget_store),
		cmocka_unit_test_teardown(a_check_gives_out_the_entries_from_where_it_is_asked, forget_store),
	};

	return cmocka_run_group_tests(tests, make_plain, NULL);
}
