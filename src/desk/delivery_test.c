#include "base/test.h"
#include "desk/delivery.h"

static const uint8_t accord[BW_SHA256_BYTES] = { 0xac };

static struct bw_provenance some_origin(uint64_t entry, size_t path_count)
{
	struct bw_provenance from = { .entry = entry, .path_count = path_count };

	bw_policy_open(&from.inherited);
	from.inherited.tlp = BW_TLP_GREEN;
	for (size_t i = 0; i < path_count; i++)
		memset(from.path[i], (int)i + 1, BW_SHA256_BYTES);
	return from;
}

static void write_delivery(struct bw_buf *out)
{
	const struct bw_provenance one = some_origin(7, 0);
	const struct bw_provenance two = some_origin(9, BW_ROUTE_NODES_MAX);

	assert_ok(bw_delivery_begin(out, accord, 3));
	assert_ok(bw_delivery_take(out, &one));
	assert_ok(bw_delivery_skip(out));
	assert_ok(bw_delivery_take(out, &two));
	assert_ok(bw_delivery_end(out, BW_LIT("the batch")));
}

static void a_delivery_comes_back_as_it_was(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(BW_MIB);
	struct bw_provenance from;
	struct bw_delivery d;
	bool taken;

	(void)state;
	write_delivery(&buf);
	assert_ok(bw_delivery_open(bw_buf_slice(&buf), &d));
	assert_int_equal(d.count, 3);
	assert_slice(d.batch, "the batch");
	assert_ok(bw_delivery_next(&d, &taken, &from));
	assert_true(taken);
	assert_int_equal(from.entry, 7);
	assert_memory_equal(from.accord, accord, sizeof(accord));
	assert_ok(bw_delivery_next(&d, &taken, &from));
	assert_false(taken);
	assert_ok(bw_delivery_next(&d, &taken, &from));
	assert_int_equal(from.path_count, BW_ROUTE_NODES_MAX);
	assert_int_equal(from.path[15][0], 16);
	assert_int_equal(from.inherited.tlp, BW_TLP_GREEN);
	assert_int_equal(bw_delivery_next(&d, &taken, &from), BW_ERR_PROTOCOL);
}

static void rows_that_are_cut_or_are_none_are_refused(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(BW_MIB);
	struct bw_delivery d;
	struct bw_slice whole;

	(void)state;
	write_delivery(&buf);
	whole = bw_buf_slice(&buf);
	for (size_t n = 0; n < whole.len - 9; n++)
		assert_int_equal(bw_delivery_open(bw_slice_sub(whole, 0, n), &d), BW_ERR_TRUNCATED);
	assert_int_equal(bw_delivery_open(BW_LIT("BWD2 and more than thirty-six bytes of it"), &d), BW_ERR_VERSION);
	buf.ptr[4 + BW_SHA256_BYTES + 4] = 2; /* the kind of the first row */
	assert_int_equal(bw_delivery_open(bw_buf_slice(&buf), &d), BW_ERR_PROTOCOL);
}

static void paths_have_an_end(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(BW_MIB);
	struct bw_provenance from = some_origin(1, 1);

	(void)state;
	from.path_count = BW_ROUTE_NODES_MAX + 1;
	assert_int_equal(bw_delivery_take(&buf, &from), BW_ERR_RANGE);
	assert_int_equal(bw_delivery_begin(&buf, accord, BW_DELIVERY_ROWS_MAX + 1), BW_ERR_TOO_MANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_delivery_comes_back_as_it_was),
		cmocka_unit_test(rows_that_are_cut_or_are_none_are_refused),
		cmocka_unit_test(paths_have_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
