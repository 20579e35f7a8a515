/* The end of retention: what is gone, and what verifies all the same. */
#include "accord/log_in_tests.h"

static const struct test_batch three = { .crossing = 3, .withheld = 2, .keep_days = 10 };

static struct bw_outbound_status status_of(const struct test_log *t)
{
	struct bw_outbound_status status;

	bw_outbound_status(t->out, &status);
	return status;
}

static const char *sought;
static size_t sought_in;

static int seek_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	struct bw_buf bytes = BW_BUF_INIT((size_t)1 << 28);

	(void)st;
	(void)walk;
	if (kind != FTW_F)
		return 0;
	assert_ok(bw_file_read(path, &bytes, NULL));
	sought_in += bytes.len > 0 && memmem(bytes.ptr, bytes.len, sought, strlen(sought)) != NULL;
	bw_buf_release(&bytes);
	return 0;
}

static size_t files_with(const struct test_log *t, const char *text)
{
	sought = text;
	sought_in = 0;
	assert_int_equal(nftw(t->root, seek_one, 16, FTW_PHYS), 0);
	return sought_in;
}

static void when_its_time_is_over_an_entry_is_gone_and_every_proof_still_verifies(void **state)
{
	struct test_log *t = *state;
	const struct test_batch short_ = { .crossing = 3, .keep_days = 2 };
	BW_CLEANUP(bw_buf_release) struct bw_buf first = BW_BUF_INIT(1 << 20);
	BW_CLEANUP(bw_buf_release) struct bw_buf other = BW_BUF_INIT(1 << 20);
	size_t keys;

	assert_ok(test_add(t, &short_, NULL));
	assert_ok(test_add(t, &three, NULL));
	test_deliver(t);
	assert_ok(bw_outbound_entry(t->out, 0, t->now_us, &first, NULL));
	t->now_us += 3 * TEST_DAY;
	assert_int_equal(bw_outbound_entry(t->out, 0, t->now_us, &other, NULL), BW_ERR_ERASED); /* at once */
	assert_ok(bw_outbound_erase(t->out, t->now_us, false, &keys, NULL));
	assert_int_equal(keys, 1);
	assert_int_equal(bw_outbound_entry(t->out, 0, t->now_us - 3 * TEST_DAY, &other, NULL), BW_ERR_ERASED);
	assert_ok(bw_outbound_entry(t->out, 3, t->now_us, &other, NULL));
	test_verify_proof(t, 0, bw_buf_slice(&first)); /* who has the entry can still show that it was sent */
	test_verify_proof(t, 3, bw_buf_slice(&other));
	test_log_close(t);
	test_log_open(t);
	assert_int_equal(status_of(t).size, 6);
	bw_buf_clear(&other);
	assert_ok(bw_outbound_entry(t->out, 5, t->now_us, &other, NULL));
	assert_ok(test_add(t, &three, NULL));
	test_deliver(t);
}

static void nothing_of_an_entry_or_its_id_is_readable_on_disk(void **state)
{
	struct test_log *t = *state;

	assert_ok(test_add(t, &three, NULL));
	assert_int_equal(files_with(t, "Ransomware"), 0);
	assert_int_equal(files_with(t, "indicator--"), 0);
	assert_int_equal(files_with(t, "BWBATCH1"), 1);
}

static void the_end_of_an_accord_can_destroy_everything(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf entry = BW_BUF_INIT(1 << 20);
	size_t keys;

	assert_ok(test_add(t, &three, NULL));
	test_deliver(t);
	assert_true(bw_outbound_is_due(t->folder, t->now_us, true));
	assert_false(bw_outbound_is_due(t->folder, t->now_us, false));
	assert_true(bw_outbound_is_due(t->folder, t->now_us + 11 * TEST_DAY, false));
	assert_ok(bw_outbound_erase(t->out, t->now_us, true, &keys, NULL));
	assert_false(bw_outbound_is_due(t->folder, t->now_us, true));
	assert_int_equal(keys, 1);
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(bw_outbound_entry(t->out, i, t->now_us, &entry, NULL), BW_ERR_ERASED);
	assert_ok(bw_outbound_erase(t->out, t->now_us, true, &keys, NULL));
	assert_int_equal(keys, 0);
	assert_ok(test_add(t, &three, NULL)); /* on the same days, whose keys are others now */
	for (int again = 0; again < 2; again++) {
		assert_int_equal(bw_outbound_entry(t->out, 2, t->now_us, &entry, NULL), BW_ERR_ERASED);
		assert_ok(bw_outbound_entry(t->out, 3, t->now_us, &entry, NULL));
		test_log_close(t);
		test_log_open(t);
	}
}

static void what_has_to_be_gone_already_is_not_logged(void **state)
{
	struct test_log *t = *state;
	const struct test_batch over = { .crossing = 1, .keep_days = 0 };

	assert_int_equal(test_add(t, &over, NULL), BW_ERR_RANGE);
	assert_ok(test_add(t, &three, NULL)); /* nothing was begun */
	assert_int_equal(status_of(t).batches, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_log_make, test_log_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(when_its_time_is_over_an_entry_is_gone_and_every_proof_still_verifies),
		TEST(nothing_of_an_entry_or_its_id_is_readable_on_disk),
		TEST(the_end_of_an_accord_can_destroy_everything),
		TEST(what_has_to_be_gone_already_is_not_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
