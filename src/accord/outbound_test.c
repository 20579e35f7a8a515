#include "accord/outbound.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "accord/log_in_tests.h"

static const struct test_batch three = { .crossing = 3, .withheld = 2, .keep_days = 10 };

static struct bw_outbound_status status_of(const struct test_log *t)
{
	struct bw_outbound_status status;

	bw_outbound_status(t->out, &status);
	return status;
}

static const char *in_folder(const struct test_log *t, const char *name)
{
	static char path[BW_PATH_BYTES];

	assert_ok(bw_path_join(path, t->folder, name));
	return path;
}

static struct bw_buf read_all(const struct test_log *t, const char *name)
{
	struct bw_buf bytes = BW_BUF_INIT((size_t)1 << 28);

	assert_ok(bw_file_read(in_folder(t, name), &bytes, NULL));
	return bytes;
}

static void write_all(const struct test_log *t, const char *name, struct bw_slice bytes)
{
	assert_ok(bw_file_write(in_folder(t, name), bytes, 0600, NULL));
}

static struct bw_hash root_of(struct test_log *t)
{
	struct bw_outbound_ask ask;

	assert_ok(bw_outbound_heard(t->out, 0, NULL));
	assert_ok(bw_outbound_ask_from(t->out, 0, &ask));
	return ask.root;
}

/* ---- the way of a batch ----------------------------------------------------------------------------- */

static void what_was_added_is_delivered_when_the_witnesses_have_cosigned(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(1 << 20);
	struct bw_passage_place place = { 0 };
	struct bw_outbound_batch batch;

	assert_ok(test_add(t, &three, &batch));
	assert_int_equal(batch.from, 0);
	assert_int_equal(batch.to, 3);
	assert_ok(bw_outbound_read(t->out, &place, t->now_us, 1 << 20, &bytes, NULL));
	assert_int_equal(bytes.len, 0); /* what is not delivered is served to nobody */
	test_deliver(t);
	assert_int_equal(status_of(t).delivered_size, 3);
	assert_ok(bw_outbound_read(t->out, &place, t->now_us, 1 << 20, &bytes, NULL));
	assert_int_equal(place.entry, 3);
	assert_int_equal(place.verified, 3);
	assert_true(bytes.len > 0);
}

static void what_is_added_goes_on_where_it_ended(void **state)
{
	struct test_log *t = *state;
	struct bw_outbound_batch first;
	struct bw_outbound_batch second;
	struct bw_hash root;

	assert_ok(test_add(t, &three, &first));
	test_deliver(t);
	assert_ok(test_add(t, &three, &second));
	assert_int_equal(second.from, 3);
	assert_int_not_equal(memcmp(first.hash, second.hash, sizeof(first.hash)), 0);
	root = second.root;
	test_log_close(t);
	test_log_open(t);
	assert_int_equal(status_of(t).size, 6);
	assert_int_equal(status_of(t).delivered_size, 3);
	assert_slice(bw_outbound_source(t->out), "place 1");
	assert_memory_equal(root_of(t).bytes, root.bytes, sizeof(root.bytes));
	test_deliver(t);
	assert_int_equal(status_of(t).delivered_size, 6);
}

static void a_batch_in_which_nothing_crosses_moves_the_source_alone(void **state)
{
	struct test_log *t = *state;
	const struct test_batch withheld = { .withheld = 4, .keep_days = 1 };
	struct bw_outbound_batch batch;
	struct bw_outbound_ask ask;

	assert_ok(test_add(t, &withheld, &batch));
	assert_int_equal(batch.from, batch.to);
	assert_ok(bw_outbound_heard(t->out, 0, NULL));
	assert_int_equal(bw_outbound_ask(t->out, &ask), BW_ERR_NOT_FOUND);
	test_log_close(t);
	test_log_open(t);
	assert_slice(bw_outbound_source(t->out), "place 0");
	assert_int_equal(status_of(t).batches, 1);
}

static void two_cannot_write_one_log(void **state)
{
	struct test_log *t = *state;
	struct bw_outbound *other;

	assert_int_equal(test_log_try(t, false, &other), BW_ERR_BUSY);
}

static void a_reader_sees_what_is_signed_beside_the_one_who_writes(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf entry = BW_BUF_INIT(1 << 20);
	struct bw_outbound_status status;
	struct bw_outbound *reader;

	assert_ok(test_add(t, &three, NULL));
	test_deliver(t);
	assert_ok(test_add(t, &three, NULL));
	assert_ok(test_log_try(t, true, &reader));
	bw_outbound_status(reader, &status);
	assert_int_equal(status.size, 3);
	assert_ok(bw_outbound_entry(reader, 2, t->now_us, &entry, NULL));
	assert_int_equal(bw_outbound_add(reader, NULL, 0, bw_slice_empty, t->now_us, NULL, NULL), BW_ERR_USAGE);
	bw_outbound_close(reader);
}

/* ---- crashes ---------------------------------------------------------------------------------------- */

/*
 * The experiment that would prove it wrong: whatever part of the last append is on disk after a crash, the log that was
 * signed is there, nothing beyond it is half there, and what is signed next is no fork.
 */
static void a_crash_at_any_byte_leaves_the_batch_before_or_after(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf before = BW_BUF_INIT(1);
	BW_CLEANUP(bw_buf_release) struct bw_buf after = BW_BUF_INIT(1);

	assert_ok(test_add(t, &three, NULL));
	test_deliver(t);
	before = read_all(t, "journal/00000000");
	assert_ok(test_add(t, &three, NULL));
	test_log_close(t);
	after = read_all(t, "journal/00000000");
	for (size_t len = before.len; len <= after.len; len += len < after.len && after.len - len < 17 ? 1 : 17) {
		write_all(t, "journal/00000000", bw_slice_of(after.ptr, len));
		test_log_open(t);
		assert_int_equal(status_of(t).size, len == after.len ? 6 : 3);
		assert_slice(bw_outbound_source(t->out), len == after.len ? "place 1" : "place 0");
		test_log_close(t);
	}
	write_all(t, "journal/00000000", bw_slice_of(after.ptr, after.len - 1));
	test_log_open(t);
	assert_ok(test_add(t, &three, NULL));
	test_deliver(t); /* the ally keeps to the rule: it would refuse a fork */
	assert_int_equal(status_of(t).delivered_size, 6);
}

static void bytes_of_a_lost_append_count_for_nothing(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf journal = BW_BUF_INIT(1);
	size_t whole;

	assert_ok(test_add(t, &three, NULL));
	test_log_close(t);
	journal = read_all(t, "journal/00000000");
	whole = journal.len;
	for (int i = 0; i < 5000; i++)
		assert_ok(bw_buf_add_u8(&journal, 0)); /* a file that grew before its bytes arrived */
	write_all(t, "journal/00000000", bw_buf_slice(&journal));
	test_log_open(t);
	assert_int_equal(status_of(t).size, 3);
	bw_buf_release(&journal);
	journal = read_all(t, "journal/00000000");
	assert_int_equal(journal.len, whole);
}

static void tiles_that_a_crash_took_are_made_again(void **state)
{
	struct test_log *t = *state;
	const struct test_batch many = { .crossing = 600, .keep_days = 10 };
	struct bw_hash root;

	assert_ok(test_add(t, &many, NULL));
	test_deliver(t);
	root = root_of(t);
	test_log_close(t);
	write_all(t, "tile/0/000", BW_LIT("zeros"));
	write_all(t, "tile/1/000.p/2", bw_slice_empty);
	assert_int_equal(unlink(in_folder(t, "tile/0/002.p/88")), 0);
	test_log_open(t);
	assert_memory_equal(root_of(t).bytes, root.bytes, sizeof(root.bytes));
	test_log_close(t);
	test_log_open(t);
}

/* A limit of the process stands in for a disk without room. */
static void a_write_that_fails_half_way_ends_the_log_until_it_is_opened_again(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf journal = BW_BUF_INIT(1);
	struct rlimit before;
	struct rlimit tight;

	assert_ok(test_add(t, &three, NULL));
	test_deliver(t);
	journal = read_all(t, "journal/00000000");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tight = before;
	tight.rlim_cur = journal.len + 100;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	assert_int_not_equal(test_add(t, &three, NULL), BW_OK);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_not_equal(test_add(t, &three, NULL), BW_OK); /* what is on disk is not known here any more */
	test_log_close(t);
	test_log_open(t);
	assert_int_equal(status_of(t).size, 3);
	assert_ok(test_add(t, &three, NULL));
	test_deliver(t);
	assert_int_equal(status_of(t).delivered_size, 6);
}

static void a_notary_that_signed_before_a_crash_is_met_where_it_is(void **state)
{
	struct test_log *t = *state;
	struct bw_outbound_ask ask;

	assert_ok(test_add(t, &three, NULL));
	assert_ok(bw_outbound_heard(t->out, 0, NULL));
	assert_ok(bw_outbound_ask(t->out, &ask));
	assert_int_equal(ask.old_size, 0);
	/* it signed 2 of them, say, and the answer was lost */
	assert_ok(bw_outbound_ask_from(t->out, 2, &ask));
	assert_int_equal(ask.old_size, 2);
	assert_int_equal(bw_outbound_ask_from(t->out, 4, &ask), BW_ERR_RANGE);
}

/* ---- damage ----------------------------------------------------------------------------------------- */

static void a_log_that_lacks_what_it_signed_for_is_not_opened(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf journal = BW_BUF_INIT(1);
	BW_CLEANUP(bw_buf_release) struct bw_buf again = BW_BUF_INIT(1);

	assert_ok(test_add(t, &three, NULL));
	test_deliver(t);
	test_log_close(t);
	journal = read_all(t, "journal/00000000");
	write_all(t, "journal/00000000", bw_slice_of(journal.ptr, journal.len - 1));
	assert_int_equal(test_log_try(t, false, &t->out), BW_ERR_CUT_SHORT);
	again = read_all(t, "journal/00000000");
	assert_int_equal(again.len, journal.len - 1); /* evidence is not cut off */
}

static void a_journal_that_was_edited_is_not_the_one_that_was_signed(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf journal = BW_BUF_INIT(1);

	assert_ok(test_add(t, &three, NULL));
	assert_ok(test_add(t, &three, NULL));
	test_deliver(t);
	test_log_close(t);
	journal = read_all(t, "journal/00000000");
	for (size_t at = 0; at < journal.len; at += 61) {
		journal.ptr[at] ^= 1;
		write_all(t, "journal/00000000", bw_buf_slice(&journal));
		assert_int_equal(test_log_try(t, false, &t->out), BW_ERR_CUT_SHORT);
		journal.ptr[at] ^= 1;
	}
	write_all(t, "journal/00000000", bw_buf_slice(&journal));
	test_log_open(t);
}

static void another_log_of_the_same_size_is_told_from_the_one_that_was_signed(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf signed_ = BW_BUF_INIT(1);

	assert_ok(test_add(t, &three, NULL));
	test_deliver(t);
	signed_ = read_all(t, "signed");
	test_log_close(t);
	assert_int_equal(nftw(t->root, test_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	assert_int_equal(mkdir(t->root, 0700), 0);
	test_log_open(t);
	assert_ok(test_add(t, &three, NULL)); /* other salts, so other leaves */
	test_log_close(t);
	write_all(t, "signed", bw_buf_slice(&signed_));
	assert_int_equal(test_log_try(t, false, &t->out), BW_ERR_EDITED);
}

/* ---- restored backups ------------------------------------------------------------------------------- */

static void nothing_is_signed_before_somebody_was_heard(void **state)
{
	struct test_log *t = *state;
	struct bw_outbound_ask ask;

	assert_ok(test_add(t, &three, NULL));
	assert_int_equal(bw_outbound_ask(t->out, &ask), BW_ERR_AGAIN);
	assert_false(status_of(t).may_sign);
	assert_ok(bw_outbound_heard(t->out, 0, NULL));
	assert_ok(bw_outbound_ask(t->out, &ask));
}

static void a_restored_copy_signs_nothing_once_it_hears_of_more(void **state)
{
	struct test_log *t = *state;
	struct bw_outbound_ask ask;
	struct bw_hash other = { { 1 } };

	assert_ok(test_add(t, &three, NULL));
	assert_int_equal(bw_outbound_heard(t->out, 9, NULL), BW_ERR_ROLLBACK);
	assert_int_equal(bw_outbound_ask(t->out, &ask), BW_ERR_AGAIN);
	assert_ok(bw_outbound_heard(t->out, 0, NULL)); /* another voice does not make it good */
	assert_int_equal(bw_outbound_ask(t->out, &ask), BW_ERR_AGAIN);
	test_log_close(t);
	test_log_open(t);
	assert_int_equal(bw_outbound_heard(t->out, 3, &other), BW_ERR_SPLIT_VIEW);
	assert_int_equal(bw_outbound_ask(t->out, &ask), BW_ERR_AGAIN);
}

/* ---- signatures ------------------------------------------------------------------------------------- */

static void a_checkpoint_counts_only_with_every_key_of_the_log(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf one = BW_BUF_INIT(BW_NOTE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf other = BW_BUF_INIT(BW_NOTE_MAX);
	struct bw_outbound_batch batch;
	const struct bw_hash wrong = { { 3 } };

	assert_ok(test_add(t, &three, &batch));
	assert_ok(bw_checkpoint_make(3, &batch.root, &t->log[0].vkey, t->log[0].key, 0, &one));
	assert_int_equal(bw_outbound_signed(t->out, bw_buf_slice(&one), NULL), BW_ERR_DENIED);
	other = test_sign(t, 3, &wrong);
	assert_int_equal(bw_outbound_signed(t->out, bw_buf_slice(&other), NULL), BW_ERR_EDITED);
	bw_buf_release(&other);
	other = test_sign(t, 4, &batch.root);
	assert_int_equal(bw_outbound_signed(t->out, bw_buf_slice(&other), NULL), BW_ERR_RANGE);
	assert_int_equal(status_of(t).signed_size, 0);
}

static void cosignatures_of_another_checkpoint_do_not_count(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf old = BW_BUF_INIT(BW_NOTE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf note = BW_BUF_INIT(BW_NOTE_MAX);
	struct bw_outbound_ask ask;

	assert_ok(test_add(t, &three, NULL));
	test_deliver(t);
	test_operator_cosigns(t, &old);
	assert_ok(test_add(t, &three, NULL));
	assert_ok(bw_outbound_ask(t->out, &ask));
	note = test_sign(t, ask.size, &ask.root);
	assert_ok(bw_outbound_signed(t->out, bw_buf_slice(&note), NULL));
	assert_int_equal(bw_outbound_cosigned(t->out, bw_buf_slice(&old), NULL, NULL), BW_ERR_SIGNATURE);
	assert_int_equal(status_of(t).delivered_size, 3);
}

/* ---- what caches may have ---------------------------------------------------------------------------- */

static void only_what_is_delivered_is_public(void **state)
{
	struct test_log *t = *state;
	const struct test_batch many = { .crossing = 300, .keep_days = 10 };
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(1 << 20);
	bool is_tile;

	assert_ok(test_add(t, &three, NULL));
	assert_int_equal(bw_outbound_public(t->out, BW_LIT("checkpoint"), &bytes, &is_tile), BW_ERR_NOT_FOUND);
	assert_int_equal(bw_outbound_public(t->out, BW_LIT("tile/0/000.p/3"), &bytes, &is_tile), BW_ERR_NOT_FOUND);
	test_deliver(t);
	assert_ok(bw_outbound_public(t->out, BW_LIT("tile/0/000.p/3"), &bytes, &is_tile));
	assert_true(is_tile);
	assert_int_equal(bytes.len, 96);
	assert_ok(test_add(t, &many, NULL));
	assert_int_equal(bw_outbound_public(t->out, BW_LIT("tile/0/000"), &bytes, &is_tile), BW_ERR_NOT_FOUND);
	test_deliver(t);
	assert_ok(bw_outbound_public(t->out, BW_LIT("tile/0/000"), &bytes, &is_tile));
	/* the whole one stands for the partial one, which is gone */
	assert_int_equal(bw_outbound_public(t->out, BW_LIT("tile/0/000.p/3"), &bytes, &is_tile), BW_ERR_NOT_FOUND);
	assert_int_equal(bw_outbound_public(t->out, BW_LIT("tile/entries/000"), &bytes, &is_tile), BW_ERR_NOT_FOUND);
	assert_int_equal(bw_outbound_public(t->out, BW_LIT("secret"), &bytes, &is_tile), BW_ERR_NOT_FOUND);
	bw_buf_clear(&bytes);
	assert_ok(bw_outbound_public(t->out, BW_LIT("checkpoint"), &bytes, &is_tile));
	assert_false(is_tile);
}

/* ---- looking back ----------------------------------------------------------------------------------- */

struct finds {
	size_t count;
	struct bw_outbound_found last;
};

static enum bw_err note_find(void *ctx, const struct bw_outbound_found *found)
{
	struct finds *finds = ctx;

	finds->count++;
	finds->last = *found;
	return BW_OK;
}

static void decisions_are_found_by_who_has_the_folder(void **state)
{
	struct test_log *t = *state;
	struct finds finds = { 0 };

	assert_ok(test_add(t, &three, NULL));
	assert_ok(test_add(t, &three, NULL));
	assert_ok(bw_outbound_find(t->out, BW_LIT("indicator--4"), bw_slice_empty, note_find, &finds, NULL));
	assert_int_equal(finds.count, 1);
	assert_int_equal(finds.last.batch, 1);
	assert_true(finds.last.is_logged);
	assert_int_equal(finds.last.index, 4);
	assert_ok(bw_outbound_find(t->out, BW_LIT("indicator--1000003"), bw_slice_empty, note_find, &finds, NULL));
	assert_int_equal(finds.count, 3); /* withheld twice */
	assert_false(finds.last.is_logged);
	assert_int_equal(finds.last.decision.clause, BW_CLAUSE_COLOUR);
	assert_ok(bw_outbound_find(t->out, BW_LIT("indicator--4"), BW_LIT("another version"), note_find, &finds, NULL));
	assert_int_equal(finds.count, 3);
}

static void the_newest_decision_is_found_at_once(void **state)
{
	struct test_log *t = *state;
	struct bw_outbound_found found;

	assert_int_equal(bw_outbound_latest(t->out, BW_LIT("indicator--0"), &found, NULL), BW_ERR_NOT_FOUND);
	for (int i = 0; i < 400; i++)
		assert_ok(test_add(t, &three, NULL));
	assert_ok(bw_outbound_latest(t->out, BW_LIT("indicator--700"), &found, NULL));
	assert_int_equal(found.index, 700);
	assert_int_equal(found.batch, 233);
	assert_ok(bw_outbound_latest(t->out, BW_LIT("indicator--1000004"), &found, NULL));
	assert_int_equal(found.batch, 399); /* each batch had it */
	assert_int_equal(found.decision.verdict, BW_VERDICT_WITHHELD);
	assert_ok(test_add(t, &three, NULL));
	assert_ok(bw_outbound_latest(t->out, BW_LIT("indicator--1000004"), &found, NULL));
	assert_int_equal(found.batch, 400);
	assert_int_equal(bw_outbound_latest(t->out, BW_LIT("indicator--x"), &found, NULL), BW_ERR_NOT_FOUND);
}

static void every_entry_can_be_proved_once_it_is_delivered(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(1 << 20);
	const struct test_batch many = { .crossing = 300, .keep_days = 10 };

	assert_ok(test_add(t, &many, NULL));
	assert_int_equal(bw_outbound_prove(t->out, 0, &bytes), BW_ERR_AGAIN);
	test_deliver(t);
	for (uint64_t i = 0; i < 300; i += 37) {
		bw_buf_clear(&bytes);
		assert_ok(bw_outbound_entry(t->out, i, t->now_us, &bytes, NULL));
		test_verify_proof(t, i, bw_buf_slice(&bytes));
	}
	assert_int_equal(bw_outbound_entry(t->out, 300, t->now_us, &bytes, NULL), BW_ERR_RANGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_log_make, test_log_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_added_is_delivered_when_the_witnesses_have_cosigned),
		TEST(what_is_added_goes_on_where_it_ended),
		TEST(a_batch_in_which_nothing_crosses_moves_the_source_alone),
		TEST(two_cannot_write_one_log),
		TEST(a_reader_sees_what_is_signed_beside_the_one_who_writes),
		TEST(a_crash_at_any_byte_leaves_the_batch_before_or_after),
		TEST(bytes_of_a_lost_append_count_for_nothing),
		TEST(tiles_that_a_crash_took_are_made_again),
		TEST(a_write_that_fails_half_way_ends_the_log_until_it_is_opened_again),
		TEST(a_notary_that_signed_before_a_crash_is_met_where_it_is),
		TEST(a_log_that_lacks_what_it_signed_for_is_not_opened),
		TEST(a_journal_that_was_edited_is_not_the_one_that_was_signed),
		TEST(another_log_of_the_same_size_is_told_from_the_one_that_was_signed),
		TEST(nothing_is_signed_before_somebody_was_heard),
		TEST(a_restored_copy_signs_nothing_once_it_hears_of_more),
		TEST(a_checkpoint_counts_only_with_every_key_of_the_log),
		TEST(cosignatures_of_another_checkpoint_do_not_count),
		TEST(only_what_is_delivered_is_public),
		TEST(decisions_are_found_by_who_has_the_folder),
		TEST(the_newest_decision_is_found_at_once),
		TEST(every_entry_can_be_proved_once_it_is_delivered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
