#include "store/audit.h"

#include "store/audit_line.h"
#include "store/test.h"

static const struct bw_audit_fact fact = { .account = { (const uint8_t *)"analyst", 7 },
					   .address = { (const uint8_t *)"192.0.2.7", 9 },
					   .action = { (const uint8_t *)"POST", 4 },
					   .target = { (const uint8_t *)"/a/\"\\\n\x01\xff", 8 },
					   .status = 202,
					   .count = 1,
					   .note = { (const uint8_t *)"", 0 } };

static void a_line_is_written_in_one_way_only(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_AUDIT_LINE_MAX);
	struct bw_audit_line line = { .seq = 1,
				      .time_us = 1700000000000001,
				      .account = fact.account,
				      .address = fact.address,
				      .action = fact.action,
				      .target = fact.target,
				      .note = bw_slice_empty,
				      .status = 202,
				      .count = 1 };

	(void)state;
	assert_ok(bw_audit_line_write(&line, &text));
	assert_true(bw_slice_starts(
		bw_buf_slice(&text),
		BW_LIT("{\"account\":\"analyst\",\"action\":\"POST\",\"address\":\"192.0.2.7\",\"count\":1,\"note\":"
		       "\"\","
		       "\"prev\":\"0000000000000000000000000000000000000000000000000000000000000000\",\"seq\":1,"
		       "\"status\":202,\"target\":\"/a/\\\"\\\\\\n\\u0001\xef\xbf\xbd\","
		       "\"time\":\"2023-11-14T22:13:20.000001Z\",\"hash\":\"")));
}

static void what_is_read_writes_the_same_bytes_again(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_AUDIT_LINE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(BW_AUDIT_LINE_MAX);
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct bw_audit_line line = {
		.seq = 7, .time_us = 1, .account = fact.account, .target = fact.target, .count = 3
	};
	struct bw_audit_line read;

	(void)state;
	line.address = line.action = line.note = bw_slice_empty;
	assert_ok(bw_audit_line_write(&line, &text));
	assert_ok(bw_audit_line_parse(bw_buf_slice(&text), &arena, &read, NULL));
	assert_int_equal(read.seq, 7);
	assert_slice(read.account, "analyst");
	assert_memory_equal(read.hash, line.hash, 32);
	assert_ok(bw_audit_line_write(&read, &again));
	assert_true(bw_slice_equals(bw_buf_slice(&text), bw_buf_slice(&again)));
}

static void other_spellings_of_a_line_are_refused(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_AUDIT_LINE_MAX);
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct bw_audit_line line = { .seq = 1, .time_us = 1, .count = 1 };
	struct bw_audit_line read;

	(void)state;
	line.account = line.address = line.action = line.note = line.target = bw_slice_empty;
	assert_ok(bw_audit_line_write(&line, &text));
	for (size_t len = 0; len < text.len; len++) {
		bw_arena_reset(&arena);
		assert_int_equal(bw_audit_line_parse(bw_slice_sub(bw_buf_slice(&text), 0, len), &arena, &read, NULL),
				 BW_ERR_SYNTAX);
	}
	bw_arena_reset(&arena);
	assert_ok(bw_buf_add_u8(&text, ' '));
	assert_int_equal(bw_audit_line_parse(bw_buf_slice(&text), &arena, &read, NULL), BW_ERR_SYNTAX);
}

static void a_long_text_is_cut_between_characters(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_AUDIT_LINE_MAX);
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	static char words[BW_AUDIT_FIELD_MAX + 100];
	struct bw_audit_line line = { .seq = 1, .count = 1 };
	struct bw_audit_line read;

	(void)state;
	for (size_t i = 1; i + 2 < sizeof(words); i += 2)
		memcpy(words + i, "ø", 2);
	words[0] = 'x';
	line.account = line.address = line.action = line.note = bw_slice_empty;
	line.target = bw_slice_of(words, sizeof(words) - 3);
	assert_ok(bw_audit_line_write(&line, &text));
	assert_ok(bw_audit_line_parse(bw_buf_slice(&text), &arena, &read, NULL));
	assert_int_equal(read.target.len, BW_AUDIT_FIELD_MAX - 1);
}

/* ---- the chain ------------------------------------------------------------------ */

enum { LINES = 20 };

struct lines {
	struct bw_buf text[LINES];
	size_t count;
};

static enum bw_err collect(void *ctx, uint64_t seq, struct bw_slice line)
{
	struct lines *lines = ctx;

	assert_int_equal(seq, lines->count + 1);
	lines->text[lines->count] = BW_BUF_INIT(BW_AUDIT_LINE_MAX);
	return bw_buf_add(&lines->text[lines->count++], line);
}

static void release_lines(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		bw_buf_release(&lines->text[i]);
}

static void collect_lines(struct fixture *f, struct lines *lines)
{
	for (int i = 0; i < LINES; i++) {
		assert_ok(bw_store_audit_add(f->store, &fact));
		if (i % 5 == 0) {
			assert_ok(bw_store_commit(f->store));
			fixture_reopen(f);
		}
	}
	assert_ok(bw_store_commit(f->store));
	assert_ok(bw_store_audit_walk(f->store, 1, collect, lines));
	assert_int_equal(lines->count, LINES);
}

static enum bw_err walk_chain(const struct lines *lines, size_t from, size_t skip)
{
	struct bw_audit_chain chain = { .arena = BW_ARENA_INIT((size_t)2 * BW_AUDIT_LINE_MAX) };
	enum bw_err err = BW_OK;

	for (size_t i = from; i < lines->count && err == BW_OK; i++) {
		if (i != skip)
			err = bw_audit_chain_next(&chain, bw_buf_slice(&lines->text[i]), NULL);
	}
	bw_arena_release(&chain.arena);
	return err;
}

static void the_chain_holds_across_commits_and_restarts_and_from_any_line(void **state)
{
	struct fixture *f = *state;
	BW_CLEANUP(release_lines) struct lines lines = { .count = 0 };
	struct bw_audit_head head;

	collect_lines(f, &lines);
	assert_ok(walk_chain(&lines, 0, LINES));
	assert_ok(walk_chain(&lines, 7, LINES));
	assert_ok(bw_store_audit_head(f->store, &head));
	assert_int_equal(head.seq, LINES);
}

static void a_missing_line_or_any_changed_byte_shows(void **state)
{
	struct fixture *f = *state;
	BW_CLEANUP(release_lines) struct lines lines = { .count = 0 };

	collect_lines(f, &lines);
	for (size_t skip = 1; skip + 1 < LINES; skip++)
		assert_int_equal(walk_chain(&lines, 0, skip), BW_ERR_CORRUPT);
	for (size_t i = 0; i < lines.text[3].len; i++) {
		lines.text[3].ptr[i] ^= 1;
		assert_int_not_equal(walk_chain(&lines, 0, LINES), BW_OK);
		lines.text[3].ptr[i] ^= 1;
	}
	assert_ok(walk_chain(&lines, 0, LINES));
}

static void a_line_of_a_write_that_was_undone_is_undone_with_it(void **state)
{
	struct fixture *f = *state;
	BW_CLEANUP(release_lines) struct lines lines = { .count = 0 };
	struct bw_audit_head head;

	assert_ok(bw_store_audit_add(f->store, &fact));
	bw_store_rollback(f->store);
	assert_ok(bw_store_audit_head(f->store, &head));
	assert_int_equal(head.seq, 0);
	collect_lines(f, &lines);
	assert_ok(walk_chain(&lines, 0, LINES));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_written_in_one_way_only),
		cmocka_unit_test(what_is_read_writes_the_same_bytes_again),
		cmocka_unit_test(other_spellings_of_a_line_are_refused),
		cmocka_unit_test(a_long_text_is_cut_between_characters),
		TEST(the_chain_holds_across_commits_and_restarts_and_from_any_line),
		TEST(a_missing_line_or_any_changed_byte_shows),
		TEST(a_line_of_a_write_that_was_undone_is_undone_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
