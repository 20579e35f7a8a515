#include "accord/chunk.h"

#include "base/test.h"

static struct bw_chunk_row fine(uint64_t index)
{
	struct bw_chunk_row row = { .kind = BW_CHUNK_FINE, .index = index, .words = bw_slice_empty };

	memset(row.crossing.accord, 7, sizeof(row.crossing.accord));
	row.crossing.tiding = BW_TIDING_SIGHTING;
	row.crossing.collection = BW_LIT("seen");
	row.crossing.path_count = 2;
	memset(row.crossing.path, 3, 2 * BW_SHA256_BYTES);
	row.crossing.object = bw_slice_empty;
	bw_policy_open(&row.crossing.policy);
	row.crossing.policy.tlp = BW_TLP_GREEN;
	return row;
}

static void write_chunk(struct bw_buf *out)
{
	const struct bw_chunk_row gone = { .kind = BW_CHUNK_GONE, .index = 5, .words = bw_slice_empty };
	const struct bw_chunk_row refused = { .kind = BW_CHUNK_REFUSED, .index = 7, .words = BW_LIT("no object") };
	const struct bw_chunk_row row = fine(6);

	assert_ok(bw_chunk_begin(out, 5, 3, 1234));
	assert_ok(bw_chunk_row(out, &gone));
	assert_ok(bw_chunk_row(out, &row));
	assert_ok(bw_chunk_row(out, &refused));
	assert_ok(bw_chunk_end(out, BW_LIT("state"), BW_LIT("batch"), BW_LIT("answer")));
}

static void what_was_written_is_read(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_MIB);
	const struct bw_chunk_row wanted = fine(6);
	struct bw_chunk_row row;
	struct bw_chunk chunk;

	(void)state;
	write_chunk(&bytes);
	assert_ok(bw_chunk_open(bw_buf_slice(&bytes), &chunk));
	assert_int_equal(chunk.from, 5);
	assert_int_equal(chunk.count, 3);
	assert_int_equal(chunk.fine, 1);
	assert_int_equal(chunk.bytes, 1234);
	assert_slice(chunk.state, "state");
	assert_slice(chunk.batch, "batch");
	assert_slice(chunk.answer, "answer");
	assert_ok(bw_chunk_next(&chunk, &row));
	assert_int_equal(row.kind, BW_CHUNK_GONE);
	assert_ok(bw_chunk_next(&chunk, &row));
	assert_int_equal(row.kind, BW_CHUNK_FINE);
	assert_slice(row.crossing.collection, "seen");
	assert_int_equal(row.crossing.path_count, 2);
	assert_memory_equal(row.crossing.path, wanted.crossing.path, 2 * BW_SHA256_BYTES);
	assert_int_equal(row.crossing.policy.tlp, BW_TLP_GREEN);
	assert_ok(bw_chunk_next(&chunk, &row));
	assert_slice(row.words, "no object");
	assert_int_equal(bw_chunk_next(&chunk, &row), BW_ERR_PROTOCOL);
}

static void every_prefix_and_what_follows_is_refused(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_MIB);
	struct bw_chunk chunk;

	(void)state;
	write_chunk(&bytes);
	for (size_t n = 0; n < bytes.len; n++)
		assert_int_not_equal(bw_chunk_open(bw_slice_of(bytes.ptr, n), &chunk), BW_OK);
	assert_ok(bw_buf_add_u8(&bytes, 0));
	assert_int_equal(bw_chunk_open(bw_buf_slice(&bytes), &chunk), BW_ERR_PROTOCOL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read),
		cmocka_unit_test(every_prefix_and_what_follows_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
