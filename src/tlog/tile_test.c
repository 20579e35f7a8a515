#include "tlog/tile.h"

#include "base/test.h"

static void assert_path(struct bw_tile tile, const char *path)
{
	char is[BW_TILE_PATH_BYTES];
	struct bw_tile back;

	bw_tile_path(&tile, is);
	assert_string_equal(is, path);
	assert_ok(bw_tile_parse(bw_slice_text(path), &back));
	assert_int_equal(back.is_entries, tile.is_entries);
	assert_int_equal(back.level, tile.level);
	assert_int_equal(back.index, tile.index);
	assert_int_equal(back.width, tile.width);
}

static void a_tile_has_the_path_of_the_standard(void **state)
{
	(void)state;
	assert_path((struct bw_tile){ false, 0, 0, 256 }, "tile/0/000");
	assert_path((struct bw_tile){ false, 0, 1234067, 256 }, "tile/0/x001/x234/067");
	assert_path((struct bw_tile){ false, 1, 273, 17 }, "tile/1/273.p/17");
	assert_path((struct bw_tile){ true, 0, 1000, 256 }, "tile/entries/x001/000");
	assert_path((struct bw_tile){ true, 0, 999, 255 }, "tile/entries/999.p/255");
	assert_path((struct bw_tile){ false, 0, (UINT64_C(1) << 55) - 1, 255 },
		    "tile/0/x036/x028/x797/x018/x963/967.p/255");
	assert_path((struct bw_tile){ false, 7, 0, 127 }, "tile/7/000.p/127");
}

static void no_other_path_is_a_tile(void **state)
{
	static const char *const bad[] = {
		"",
		"tile",
		"tile/",
		"tile/0",
		"tile/0/",
		"tile/00/000",
		"tile/01/000",
		"tile/-1/000",
		"tile/0/0",
		"tile/0/1",
		"tile/0/0000",
		"tile/0/x000/001",
		"tile/0/x001",
		"tile/0/001/001",
		"tile/0/x01/001",
		"tile/0/x001/x001",
		"tile/0/000/",
		"tile/0/000.p",
		"tile/0/000.p/",
		"tile/0/000.p/0",
		"tile/0/000.p/01",
		"tile/0/000.p/256",
		"tile/0/000.p/1/",
		"tile/0/000.p/1.p/1",
		"/tile/0/000",
		"tile/0/+01",
		"tile/0/ 01",
		"tile/entrie/000",
		"tile/entries/x000/000",
		"tile/0/../000",
		"checkpoint",
	};
	struct bw_tile tile = { .index = 7 };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(bad); i++)
		assert_int_equal(bw_tile_parse(bw_slice_text(bad[i]), &tile), BW_ERR_SYNTAX);
	assert_int_equal(bw_tile_parse(BW_LIT("tile/8/000"), &tile), BW_ERR_RANGE);
	assert_int_equal(bw_tile_parse(BW_LIT("tile/63/000"), &tile), BW_ERR_RANGE);
	assert_int_equal(bw_tile_parse(BW_LIT("tile/7/001"), &tile), BW_ERR_RANGE);
	assert_int_equal(bw_tile_parse(BW_LIT("tile/0/x036/x028/x797/x018/x963/968"), &tile), BW_ERR_RANGE);
	assert_int_equal(bw_tile_parse(BW_LIT("tile/0/x001/x001/x001/x001/x001/x001/000"), &tile), BW_ERR_RANGE);
	assert_int_equal(tile.index, 7);
}

/* The example of tlog-tiles: 273 full tiles and one of 112; one full tile and one of 17; one of 1. */
static void a_log_of_seventy_thousand_has_the_tiles_of_the_standards_example(void **state)
{
	(void)state;
	assert_int_equal(bw_tile_width(0, 272, 70000), 256);
	assert_int_equal(bw_tile_width(0, 273, 70000), 112);
	assert_int_equal(bw_tile_width(0, 274, 70000), 0);
	assert_int_equal(bw_tile_width(1, 0, 70000), 256);
	assert_int_equal(bw_tile_width(1, 1, 70000), 17);
	assert_int_equal(bw_tile_width(2, 0, 70000), 1);
	assert_int_equal(bw_tile_width(3, 0, 70000), 0);
	assert_int_equal(bw_tile_width(0, 0, 256), 256);
	assert_int_equal(bw_tile_width(1, 0, 256), 1);
	assert_int_equal(bw_tile_width(0, 0, 0), 0);
	assert_int_equal(bw_tile_width(7, 0, BW_TREE_SIZE_MAX), 127);
	assert_int_equal(bw_tile_width(0, UINT64_MAX, BW_TREE_SIZE_MAX), 0);
	assert_int_equal(bw_tile_width(8, 0, BW_TREE_SIZE_MAX), 0);
}

static void what_lies_beyond_the_checkpoint_is_not_public(void **state)
{
	(void)state;
	assert_true(bw_tile_is_public(&(struct bw_tile){ false, 0, 0, 256 }, 300));
	assert_true(bw_tile_is_public(&(struct bw_tile){ true, 0, 1, 44 }, 300));
	assert_true(bw_tile_is_public(&(struct bw_tile){ true, 0, 1, 7 }, 300)); /* of an earlier checkpoint */
	assert_false(bw_tile_is_public(&(struct bw_tile){ true, 0, 1, 45 }, 300));
	assert_false(bw_tile_is_public(&(struct bw_tile){ false, 0, 1, 256 }, 300));
	assert_true(bw_tile_is_public(&(struct bw_tile){ false, 1, 0, 1 }, 300));
	assert_false(bw_tile_is_public(&(struct bw_tile){ false, 1, 0, 2 }, 300));
	assert_false(bw_tile_is_public(&(struct bw_tile){ false, 0, 0, 1 }, 0));
}

static void a_bundle_gives_back_the_entries_it_was_made_of(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bundle = BW_BUF_INIT(BW_BUNDLE_MAX);
	static uint8_t longest[BW_ENTRY_MAX + 1];
	struct bw_slice entries[3];

	(void)state;
	assert_ok(bw_entry_add(&bundle, BW_LIT("one")));
	assert_ok(bw_entry_add(&bundle, bw_slice_empty));
	assert_ok(bw_entry_add(&bundle, bw_slice_of(longest, BW_ENTRY_MAX)));
	assert_int_equal(bw_entry_add(&bundle, bw_slice_of(longest, sizeof(longest))), BW_ERR_TOO_BIG);
	assert_ok(bw_bundle_split(bw_buf_slice(&bundle), 3, false, entries));
	assert_slice(entries[0], "one");
	assert_int_equal(entries[1].len, 0);
	assert_int_equal(entries[2].len, BW_ENTRY_MAX);
	assert_int_equal(bw_bundle_split(bw_buf_slice(&bundle), 2, false, entries), BW_ERR_SYNTAX);
	assert_ok(bw_bundle_split(bw_buf_slice(&bundle), 2, true, entries));
	for (size_t len = 0; len < bundle.len; len += len < 10 ? 1 : 4096)
		assert_int_equal(bw_bundle_split(bw_slice_of(bundle.ptr, len), 3, false, entries), BW_ERR_TRUNCATED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tile_has_the_path_of_the_standard),
		cmocka_unit_test(no_other_path_is_a_tile),
		cmocka_unit_test(a_log_of_seventy_thousand_has_the_tiles_of_the_standards_example),
		cmocka_unit_test(what_lies_beyond_the_checkpoint_is_not_public),
		cmocka_unit_test(a_bundle_gives_back_the_entries_it_was_made_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
