#include "accord/inbound.h"

#include "accord/inbound_place.h"
#include "accord/log_in_tests.h"

static const struct test_batch five = { .crossing = 5, .keep_days = 10 };

static struct bw_buf from_the_start(struct test_log *t)
{
	return test_passage(t, (struct bw_passage_place){ 0 });
}

static enum bw_err feed_all(const struct test_log *t, struct bw_slice bytes, struct test_taken *taken)
{
	struct bw_inbound *in = test_inbound(t, bw_buf_slice(&taken->state));
	struct bw_passage_place place;
	enum bw_err err;

	assert_ok(bw_inbound_connect(in, &place));
	err = bw_inbound_feed(in, bytes, test_take, taken);
	bw_inbound_free(in);
	return err;
}

/* ---- what is well ------------------------------------------------------------------------------------ */

static void what_is_delivered_arrives(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(1);
	struct test_taken taken = TEST_TAKEN_INIT;

	assert_ok(test_add(t, &five, NULL));
	test_deliver(t);
	bytes = from_the_start(t);
	assert_ok(feed_all(t, bw_buf_slice(&bytes), &taken));
	assert_int_equal(taken.next, 5);
	assert_int_equal(taken.chunks, 1);
	bw_buf_release(&taken.state);
}

static void it_arrives_whatever_pieces_it_comes_in(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(1);
	struct test_taken taken = TEST_TAKEN_INIT;
	struct bw_inbound *in = test_inbound(t, bw_slice_empty);
	struct bw_passage_place place;

	assert_ok(test_add(t, &five, NULL));
	test_deliver(t);
	bytes = from_the_start(t);
	assert_ok(bw_inbound_connect(in, &place));
	for (size_t i = 0; i < bytes.len; i++)
		assert_ok(bw_inbound_feed(in, bw_slice_of(bytes.ptr + i, 1), test_take, &taken));
	assert_int_equal(taken.next, 5);
	bw_inbound_free(in);
	bw_buf_release(&taken.state);
}

static void a_connection_that_is_lost_at_any_byte_goes_on_there(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf whole = BW_BUF_INIT(1);
	size_t again = 0;

	assert_ok(test_add(t, &five, NULL));
	test_deliver(t);
	whole = from_the_start(t);
	for (size_t cut = 0; cut < whole.len; cut += 41) {
		struct test_taken taken = TEST_TAKEN_INIT;
		struct bw_inbound *in = test_inbound(t, bw_slice_empty);
		struct bw_passage_place place;
		struct bw_buf rest;

		assert_ok(bw_inbound_connect(in, &place));
		assert_ok(bw_inbound_feed(in, bw_slice_of(whole.ptr, cut), test_take, &taken));
		assert_ok(bw_inbound_connect(in, &place));
		again += place.byte > 0;
		rest = test_passage(t, place);
		/* then once more, a few bytes on */
		assert_ok(bw_inbound_feed(in, bw_slice_of(rest.ptr, rest.len - rest.len / 3), test_take, &taken));
		assert_ok(bw_inbound_connect(in, &place));
		bw_buf_release(&rest);
		rest = test_passage(t, place);
		assert_ok(bw_inbound_feed(in, bw_buf_slice(&rest), test_take, &taken));
		assert_int_equal(taken.next, 5);
		bw_buf_release(&rest);
		bw_buf_release(&taken.state);
		bw_inbound_free(in);
	}
	assert_true(again > 20); /* many of the cuts were within an entry */
}

static void no_byte_of_an_entry_is_sent_twice(void **state)
{
	struct test_log *t = *state;
	const struct test_batch large = { .crossing = 1, .keep_days = 10, .padding = 3000000 };
	BW_CLEANUP(bw_buf_release) struct bw_buf whole = BW_BUF_INIT(1);
	BW_CLEANUP(bw_buf_release) struct bw_buf rest = BW_BUF_INIT(1);
	struct test_taken taken = TEST_TAKEN_INIT;
	struct bw_inbound *in = test_inbound(t, bw_slice_empty);
	struct bw_passage_place place;

	assert_ok(test_add(t, &large, NULL));
	test_deliver(t);
	whole = from_the_start(t);
	assert_ok(bw_inbound_connect(in, &place));
	assert_ok(bw_inbound_feed(in, bw_slice_of(whole.ptr, 2900000), test_take, &taken));
	assert_ok(bw_inbound_connect(in, &place));
	assert_int_equal(place.entry, 0);
	assert_true(place.byte > 2800000);
	rest = test_passage(t, place);
	assert_true(rest.len < 200000);
	assert_ok(bw_inbound_feed(in, bw_buf_slice(&rest), test_take, &taken));
	assert_int_equal(taken.next, 1);
	bw_inbound_free(in);
	bw_buf_release(&taken.state);
}

static void a_new_process_goes_on_from_the_state_that_was_kept(void **state)
{
	struct test_log *t = *state;
	struct test_taken taken = TEST_TAKEN_INIT;
	const struct test_batch many = { .crossing = 5000, .keep_days = 10 };

	for (uint64_t round = 1; round <= 3; round++) {
		struct bw_inbound *in = test_inbound(t, bw_buf_slice(&taken.state));
		struct bw_passage_place place;
		struct bw_buf bytes;

		assert_ok(test_add(t, &many, NULL));
		test_deliver(t);
		assert_ok(bw_inbound_connect(in, &place));
		assert_int_equal(place.entry, 5000 * (round - 1));
		bytes = test_passage(t, place);
		assert_ok(bw_inbound_feed(in, bw_buf_slice(&bytes), test_take, &taken));
		assert_int_equal(taken.next, 5000 * round);
		assert_int_equal(taken.chunks, 2 * round); /* of 4096 entries at most */
		bw_inbound_free(in);
		bw_buf_release(&bytes);
	}
	bw_buf_release(&taken.state);
}

static void there_is_nothing_to_say_to_who_has_all(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(1);
	struct test_taken taken = TEST_TAKEN_INIT;

	assert_ok(test_add(t, &five, NULL));
	test_deliver(t);
	bytes = test_passage(t, (struct bw_passage_place){ .entry = 5, .verified = 5 });
	assert_int_equal(bytes.len, BW_PASSAGE_HEAD_BYTES); /* END, and nothing else */
	assert_ok(feed_all(t, bw_buf_slice(&bytes), &taken));
	bw_buf_release(&taken.state);
}

static void a_checkpoint_that_comes_while_a_chunk_is_under_way_does_not_disturb_it(void **state)
{
	struct test_log *t = *state;
	struct test_taken taken = TEST_TAKEN_INIT;
	struct bw_inbound *in = test_inbound(t, bw_slice_empty);
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(1 << 20);
	struct bw_passage_place place;

	assert_ok(test_add(t, &five, NULL));
	test_deliver(t);
	assert_ok(bw_inbound_connect(in, &place));
	assert_ok(bw_outbound_read(t->out, &place, t->now_us, 1, &bytes, NULL)); /* the checkpoint */
	assert_ok(bw_outbound_read(t->out, &place, t->now_us, 1, &bytes, NULL)); /* and an entry */
	assert_int_equal(place.entry, 1);
	assert_ok(test_add(t, &five, NULL));
	test_deliver(t);
	for (int i = 0; i < 20; i++)
		assert_ok(bw_outbound_read(t->out, &place, t->now_us, 1, &bytes, NULL));
	assert_ok(bw_passage_add(&bytes, BW_PASSAGE_END, bw_slice_empty));
	assert_ok(bw_inbound_feed(in, bw_buf_slice(&bytes), test_take, &taken));
	assert_int_equal(taken.next, 10);
	bw_inbound_free(in);
	bw_buf_release(&taken.state);
}

static void what_was_erased_meanwhile_arrives_as_a_leaf(void **state)
{
	struct test_log *t = *state;
	struct test_taken taken = TEST_TAKEN_INIT;
	struct bw_inbound *in = test_inbound(t, bw_slice_empty);
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(1);
	struct bw_passage_place place;

	assert_ok(test_add(t, &five, NULL));
	test_deliver(t);
	bytes = from_the_start(t);
	assert_ok(bw_inbound_connect(in, &place));
	assert_ok(bw_inbound_feed(in, bw_slice_of(bytes.ptr, bytes.len - 300), test_take, &taken));
	assert_ok(bw_inbound_connect(in, &place));
	assert_true(place.byte > 0 && place.entry > 0);
	t->now_us += 20 * TEST_DAY;
	bw_buf_release(&bytes);
	bytes = test_passage(t, place);
	assert_ok(bw_inbound_feed(in, bw_buf_slice(&bytes), test_take, &taken));
	assert_int_equal(taken.next, 5);
	assert_int_equal(taken.gone, 5 - place.entry);
	bw_inbound_free(in);
	bw_buf_release(&taken.state);
}

/* ---- what is not well -------------------------------------------------------------------------------- */

static void an_entry_that_was_edited_is_named(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(1);
	struct test_taken taken = TEST_TAKEN_INIT;
	uint8_t *at;

	assert_ok(test_add(t, &five, NULL));
	test_deliver(t);
	bytes = from_the_start(t);
	at = memmem(bytes.ptr, bytes.len, "indicator--3", 12);
	assert_non_null(at);
	at[11] = '4';
	assert_int_equal(feed_all(t, bw_buf_slice(&bytes), &taken), BW_ERR_EDITED);
	assert_int_equal(taken.next, 0); /* nothing of that chunk counts */
	bw_buf_release(&taken.state);
}

static void no_byte_can_be_changed_unseen(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(1);

	assert_ok(test_add(t, &five, NULL));
	test_deliver(t);
	bytes = from_the_start(t);
	for (size_t i = 0; i < bytes.len; i += 11) {
		struct test_taken taken = TEST_TAKEN_INIT;
		struct bw_inbound *in = test_inbound(t, bw_slice_empty);
		struct bw_passage_place place;

		bytes.ptr[i] ^= 0x20;
		assert_ok(bw_inbound_connect(in, &place));
		/* refused, or more is waited for because a length was changed; after the last proof nothing is said */
		if (bw_inbound_feed(in, bw_buf_slice(&bytes), test_take, &taken) == BW_OK && taken.next > 0)
			assert_true(i >= bytes.len - BW_PASSAGE_HEAD_BYTES);
		bytes.ptr[i] ^= 0x20;
		bw_inbound_free(in);
		bw_buf_release(&taken.state);
	}
}

static void a_passage_that_ends_before_what_was_promised_is_cut_short(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(1 << 20);
	struct test_taken taken = TEST_TAKEN_INIT;
	struct bw_passage_place place = { 0 };

	assert_ok(test_add(t, &five, NULL));
	test_deliver(t);
	assert_ok(bw_outbound_read(t->out, &place, t->now_us, 1, &bytes, NULL));
	assert_ok(bw_outbound_read(t->out, &place, t->now_us, 1, &bytes, NULL));
	assert_ok(bw_passage_add(&bytes, BW_PASSAGE_END, bw_slice_empty));
	assert_int_equal(feed_all(t, bw_buf_slice(&bytes), &taken), BW_ERR_CUT_SHORT);
	bw_buf_release(&taken.state);
}

static void too_few_witnesses_and_strangers_are_refused(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf note = BW_BUF_INIT(1);
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(1 << 20);
	struct test_taken taken = TEST_TAKEN_INIT;
	const struct bw_hash root = { { 1 } };
	struct test_key stranger;

	note = test_sign(t, 1, &root);
	assert_ok(bw_passage_add(&bytes, BW_PASSAGE_CHECKPOINT, bw_buf_slice(&note)));
	assert_int_equal(feed_all(t, bw_buf_slice(&bytes), &taken), BW_ERR_MISSING);
	bw_buf_clear(&note);
	bw_buf_clear(&bytes);
	assert_ok(test_key_make(TEST_ORIGIN, BW_NOTE_ED25519, 77, &stranger));
	assert_ok(bw_checkpoint_make(1, &root, &stranger.vkey, stranger.key, 0, &note));
	assert_ok(bw_passage_add(&bytes, BW_PASSAGE_CHECKPOINT, bw_buf_slice(&note)));
	assert_int_equal(feed_all(t, bw_buf_slice(&bytes), &taken), BW_ERR_DENIED);
	bw_sign_key_free(stranger.key);
	bw_buf_release(&taken.state);
}

static void what_is_no_passage_is_refused(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(1 << 20);
	const struct bw_proof nothing = { 0 };
	uint8_t body[100] = { 0 };
	struct test_taken taken = TEST_TAKEN_INIT;

	assert_int_equal(feed_all(t, BW_LIT("HTTP/1.1 200 OK"), &taken), BW_ERR_TYPE);
	assert_ok(bw_passage_add(&bytes, BW_PASSAGE_ENTRY, bw_slice_of(body, sizeof(body))));
	assert_int_equal(feed_all(t, bw_buf_slice(&bytes), &taken), BW_ERR_PROTOCOL); /* before a checkpoint */
	bw_buf_clear(&bytes);
	assert_ok(bw_passage_add_proof(&bytes, 0, &nothing));
	assert_int_equal(feed_all(t, bw_buf_slice(&bytes), &taken), BW_ERR_PROTOCOL);
	bw_buf_release(&taken.state);
}

static void the_other_side_can_say_why_no_more_comes(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(1 << 20);
	struct test_taken taken = TEST_TAKEN_INIT;
	struct bw_inbound *in = test_inbound(t, bw_slice_empty);
	struct bw_passage_place place;

	assert_ok(bw_passage_add(&bytes, BW_PASSAGE_END, BW_LIT("the accord has ended")));
	assert_ok(bw_inbound_connect(in, &place));
	assert_int_equal(bw_inbound_feed(in, bw_buf_slice(&bytes), test_take, &taken), BW_ERR_CLOSED);
	assert_slice(bw_inbound_reason(in), "the accord has ended");
	assert_int_equal(bw_inbound_connect(in, &place), BW_ERR_CLOSED); /* for good */
	bw_inbound_free(in);
}

/* ---- another history ---------------------------------------------------------------------------------- */

/* The same keys, the same sizes, other entries: what an owner who lies has. */
static void begin_another_history(struct test_log *t)
{
	test_log_close(t);
	assert_int_equal(nftw(t->folder, test_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
	t->ally_size = 0; /* it conspires */
	t->ally_root = bw_hash_empty();
	test_log_open(t);
}

static enum bw_err feed_from(struct test_log *t, struct bw_passage_place place, struct test_taken *taken,
			     struct bw_inbound **out)
{
	struct bw_inbound *in = test_inbound(t, bw_buf_slice(&taken->state));
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = test_passage(t, place);
	struct bw_passage_place mine;

	assert_ok(bw_inbound_connect(in, &mine));
	*out = in;
	return bw_inbound_feed(in, bw_buf_slice(&bytes), test_take, taken);
}

static void two_histories_are_a_split_view_and_both_checkpoints_the_evidence(void **state)
{
	struct test_log *t = *state;
	const struct test_batch more = { .crossing = 4, .keep_days = 10 };
	struct test_taken taken = TEST_TAKEN_INIT;
	struct bw_checkpoint checkpoint;
	struct bw_inbound *in;
	struct bw_slice old;
	struct bw_slice now;

	assert_ok(test_add(t, &five, NULL));
	test_deliver(t);
	assert_ok(feed_from(t, (struct bw_passage_place){ 0 }, &taken, &in));
	bw_inbound_free(in);
	begin_another_history(t);
	assert_ok(test_add(t, &five, NULL));
	assert_ok(test_add(t, &more, NULL));
	test_deliver(t);
	assert_int_equal(feed_from(t, (struct bw_passage_place){ .entry = 5, .verified = 5 }, &taken, &in),
			 BW_ERR_SPLIT_VIEW);
	bw_inbound_evidence(in, &old, &now);
	assert_ok(bw_checkpoint_parse(old, &checkpoint));
	assert_int_equal(checkpoint.size, 5);
	assert_ok(bw_trust_check_all(t->trust, &checkpoint, NULL));
	assert_ok(bw_checkpoint_parse(now, &checkpoint));
	assert_int_equal(checkpoint.size, 9);
	assert_ok(bw_trust_check_all(t->trust, &checkpoint, NULL));
	assert_int_equal(taken.next, 5);
	bw_inbound_free(in);
	bw_buf_release(&taken.state);
}

static void another_root_of_the_same_size_is_a_split_view(void **state)
{
	struct test_log *t = *state;
	struct test_taken taken = TEST_TAKEN_INIT;
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(1 << 20);
	struct bw_inbound *in;

	assert_ok(test_add(t, &five, NULL));
	test_deliver(t);
	assert_ok(feed_from(t, (struct bw_passage_place){ 0 }, &taken, &in));
	bw_inbound_free(in);
	begin_another_history(t);
	assert_ok(test_add(t, &five, NULL));
	test_deliver(t);
	assert_ok(bw_passage_add(&bytes, BW_PASSAGE_CHECKPOINT, bw_outbound_checkpoint(t->out)));
	assert_int_equal(feed_all(t, bw_buf_slice(&bytes), &taken), BW_ERR_SPLIT_VIEW);
	bw_buf_release(&taken.state);
}

static void a_smaller_checkpoint_is_a_rollback(void **state)
{
	struct test_log *t = *state;
	struct test_taken taken = TEST_TAKEN_INIT;
	BW_CLEANUP(bw_buf_release) struct bw_buf old = BW_BUF_INIT(BW_NOTE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(1 << 20);
	struct bw_inbound *in;

	assert_ok(test_add(t, &five, NULL));
	test_deliver(t);
	assert_ok(bw_buf_add(&old, bw_outbound_checkpoint(t->out)));
	assert_ok(test_add(t, &five, NULL));
	test_deliver(t);
	assert_ok(feed_from(t, (struct bw_passage_place){ 0 }, &taken, &in));
	bw_inbound_free(in);
	assert_ok(bw_passage_add(&bytes, BW_PASSAGE_CHECKPOINT, bw_buf_slice(&old)));
	assert_int_equal(feed_all(t, bw_buf_slice(&bytes), &taken), BW_ERR_ROLLBACK);
	bw_buf_release(&taken.state);
}

/* ---- the place ---------------------------------------------------------------------------------------- */

static void a_state_is_refused_when_it_is_damaged_or_of_another_log(void **state)
{
	struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(1);
	struct test_taken taken = TEST_TAKEN_INIT;
	struct bw_inbound *in;
	uint64_t size;
	struct bw_hash root;

	assert_ok(test_add(t, &five, NULL));
	test_deliver(t);
	bytes = from_the_start(t);
	assert_ok(feed_all(t, bw_buf_slice(&bytes), &taken));
	for (size_t len = 1; len < taken.state.len; len += 5)
		assert_int_equal(bw_inbound_new(BW_LIT(TEST_ORIGIN), t->trust, bw_slice_of(taken.state.ptr, len), &in),
				 BW_ERR_CORRUPT);
	assert_int_equal(bw_inbound_new(BW_LIT("bw1/other"), t->trust, bw_buf_slice(&taken.state), &in),
			 BW_ERR_CORRUPT);
	in = test_inbound(t, bw_buf_slice(&taken.state));
	bw_inbound_known(in, &size, &root);
	assert_int_equal(size, 5);
	assert_ok(bw_outbound_heard(t->out, size, &root)); /* and the owner agrees */
	bw_inbound_free(in);
	bw_buf_release(&taken.state);
}

static void a_place_is_kept_with_what_was_counted(void **state)
{
	const struct test_log *t = *state;
	struct bw_inbound_place place = BW_INBOUND_PLACE_INIT;
	struct bw_inbound_place again = BW_INBOUND_PLACE_INIT;
	char folder[BW_PATH_BYTES];
	char path[BW_PATH_BYTES];

	assert_ok(bw_path_join(folder, t->root, "in/uk-us"));
	assert_ok(bw_inbound_place_load(folder, &place, NULL));
	assert_int_equal(place.state.len, 0);
	assert_ok(bw_buf_add(&place.state, BW_LIT("state")));
	place.limits = (struct bw_inbound_limits){ 1, 2, 3, 4 };
	assert_ok(bw_inbound_place_save(folder, &place, NULL));
	assert_ok(bw_inbound_place_load(folder, &again, NULL));
	assert_slice(bw_buf_slice(&again.state), "state");
	assert_int_equal(again.limits.day_bytes, 4);
	assert_ok(bw_path_join(path, folder, "place"));
	assert_ok(bw_file_write(path,
				BW_LIT("BWPLACE1 and something else that is long enough for a place of this kind, "
				       "and then a little more"),
				0600, NULL));
	assert_int_equal(bw_inbound_place_load(folder, &again, NULL), BW_ERR_CORRUPT);
	bw_inbound_place_release(&place);
	bw_inbound_place_release(&again);
}

static void evidence_and_a_stop_stay_until_a_person_looks(void **state)
{
	const struct test_log *t = *state;
	BW_CLEANUP(bw_buf_release) struct bw_buf reason = BW_BUF_INIT(BW_INBOUND_REASON_MAX);
	char folder[BW_PATH_BYTES];

	assert_ok(bw_path_join(folder, t->root, "in/uk-us"));
	assert_int_equal(bw_inbound_stopped(folder, &reason, NULL), BW_ERR_NOT_FOUND);
	assert_ok(bw_inbound_stop(folder, BW_LIT("the log has signed two histories"), NULL));
	assert_ok(bw_inbound_stopped(folder, &reason, NULL));
	assert_slice(bw_buf_slice(&reason), "the log has signed two histories");
	assert_ok(bw_inbound_evidence_keep(folder, BW_LIT("old"), BW_LIT("new"), NULL));
	assert_ok(bw_inbound_evidence_keep(folder, BW_LIT("old"), BW_LIT("new"), NULL));
}

static void limits_hold_back_and_never_for_ever(void **state)
{
	const struct bw_flow flow = { .per_minute = 100, .per_day_bytes = 1000 };
	struct bw_inbound_limits limits = { 0 };
	int64_t wait = 0;

	(void)state;
	assert_ok(bw_inbound_count(&limits, &flow, 60, 100, TEST_TIME, &wait));
	assert_ok(bw_inbound_count(&limits, &flow, 40, 100, TEST_TIME, &wait));
	assert_int_equal(bw_inbound_count(&limits, &flow, 1, 1, TEST_TIME + 20000000, &wait), BW_ERR_AGAIN);
	assert_int_equal(wait, 40000000);
	assert_ok(bw_inbound_count(&limits, &flow, 100, 1, TEST_TIME + 60000000, &wait));
	assert_int_equal(bw_inbound_count(&limits, &flow, 1, 900, TEST_TIME + 120000000, &wait), BW_ERR_AGAIN);
	assert_int_equal(wait, TEST_DAY - 120000000);
	/* a clock that went back does not lock anybody out */
	assert_ok(bw_inbound_count(&limits, &flow, 1, 1, TEST_TIME - 3 * TEST_DAY, &wait));
	/* what is larger than a day's limit passes by itself, once */
	limits = (struct bw_inbound_limits){ 0 };
	assert_ok(bw_inbound_count(&limits, &flow, 1, 5000, TEST_TIME, &wait));
	assert_int_equal(bw_inbound_count(&limits, &flow, 1, 1, TEST_TIME, &wait), BW_ERR_AGAIN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_log_make, test_log_drop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_delivered_arrives),
		TEST(it_arrives_whatever_pieces_it_comes_in),
		TEST(a_connection_that_is_lost_at_any_byte_goes_on_there),
		TEST(no_byte_of_an_entry_is_sent_twice),
		TEST(a_new_process_goes_on_from_the_state_that_was_kept),
		TEST(there_is_nothing_to_say_to_who_has_all),
		TEST(a_checkpoint_that_comes_while_a_chunk_is_under_way_does_not_disturb_it),
		TEST(what_was_erased_meanwhile_arrives_as_a_leaf),
		TEST(an_entry_that_was_edited_is_named),
		TEST(no_byte_can_be_changed_unseen),
		TEST(a_passage_that_ends_before_what_was_promised_is_cut_short),
		TEST(too_few_witnesses_and_strangers_are_refused),
		TEST(what_is_no_passage_is_refused),
		TEST(the_other_side_can_say_why_no_more_comes),
		TEST(two_histories_are_a_split_view_and_both_checkpoints_the_evidence),
		TEST(another_root_of_the_same_size_is_a_split_view),
		TEST(a_smaller_checkpoint_is_a_rollback),
		TEST(a_state_is_refused_when_it_is_damaged_or_of_another_log),
		TEST(a_place_is_kept_with_what_was_counted),
		TEST(evidence_and_a_stop_stay_until_a_person_looks),
		cmocka_unit_test(limits_hold_back_and_never_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
