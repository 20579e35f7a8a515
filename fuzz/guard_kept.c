/*
 * What the guard reads back of what it wrote down: metadata in the catalogue, the state of the last run, what a restore
 * left in the ledger, settings. Properties: metadata that is accepted is written again as the same bytes and borrows
 * nothing from outside them; a state that is accepted is written and read again the same; trees and exclusions of
 * accepted settings are absolute.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/ledger.h"
#include "guard/meta.h"
#include "guard/settings.h"
#include "guard/start_book.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static bool is_inside(struct bw_slice part, struct bw_slice whole)
{
	return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void read_meta(struct bw_slice bytes)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(2 * (size_t)BW_META_BYTES_MAX);
	struct bw_meta meta;

	if (bw_meta_parse(bytes, &meta) != BW_OK)
		return;
	check(meta.attribute_count <= BW_META_ATTRIBUTES_MAX && is_inside(meta.target, bytes));
	for (size_t i = 0; i < meta.attribute_count; i++)
		check(is_inside(meta.attributes[i].name, bytes) && is_inside(meta.attributes[i].value, bytes));
	check(bw_meta_write(&meta, &again) == BW_OK && bw_slice_equals(bw_buf_slice(&again), bytes));
}

static void read_start(struct bw_slice text)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf written = BW_BUF_INIT(BW_MIB);
	BW_CLEANUP(bw_buf_release) struct bw_buf words = BW_BUF_INIT(BW_MIB);
	static struct bw_start_facts facts;
	static struct bw_start_facts again;

	if (bw_start_parse(text, &facts) != BW_OK || bw_start_write(&facts, &written) != BW_OK)
		return;
	check(bw_start_parse(bw_buf_slice(&written), &again) == BW_OK);
	check(again.runs == facts.runs && again.wall_us == facts.wall_us && again.store_count == facts.store_count);
	for (size_t i = 0; i < facts.store_count; i++)
		check(again.stores[i].ino == facts.stores[i].ino &&
		      bw_slice_equals(again.stores[i].path, facts.stores[i].path));
	bw_err_drop(bw_start_compare(&facts, &again, &words)); /* only that it ends */
}

static void read_restored(struct bw_slice body)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_LEDGER_RESTORED_BYTES);
	struct bw_ledger_restored restored;

	if (bw_ledger_restored_parse(body, &restored) != BW_OK)
		return;
	check(bw_ledger_restored_write(&restored, &again) == BW_OK);
	check(bw_slice_equals(bw_buf_slice(&again), bw_slice_sub(body, 0, again.len)));
}

/* A folder of its own, made once, with the one file that is read. */
static struct {
	char data[40];
	char guard[48];
	char settings[64];
} places;

static void remove_places(void)
{
	(void)unlink(places.settings);
	(void)rmdir(places.guard);
	(void)rmdir(places.data);
}

static void make_places(void)
{
	(void)snprintf(places.data, sizeof(places.data), "/tmp/breakwater-fuzz-XXXXXX");
	check(mkdtemp(places.data) != NULL && atexit(remove_places) == 0);
	(void)snprintf(places.guard, sizeof(places.guard), "%s/guard", places.data);
	check(mkdir(places.guard, 0700) == 0);
	(void)snprintf(places.settings, sizeof(places.settings), "%s/settings", places.guard);
}

static void read_settings(struct bw_slice text)
{
	struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	static struct bw_guard_settings settings;
	FILE *file;

	if (places.data[0] == '\0')
		make_places();
	file = fopen(places.settings, "we");
	check(file != NULL && fwrite(text.ptr, 1, text.len, file) == text.len && fclose(file) == 0);
	if (bw_guard_settings_load(places.data, &arena, &settings, NULL) == BW_OK) {
		check(settings.tree_count <= BW_TREES_MAX && settings.exclude_count <= BW_EXCLUDES_MAX);
		for (size_t i = 0; i < settings.tree_count; i++)
			check(settings.trees[i][0] == '/');
	}
	bw_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice bytes = bw_slice_of(data, size);

	read_meta(bytes);
	read_start(bytes);
	read_restored(bytes);
	read_settings(bytes);
	return 0;
}
