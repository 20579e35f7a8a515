#include "tlog/witness.h"

#include "base/test.h"
#include "tlog/keys_in_tests.h"
#include "tlog/plain_in_tests.h"

static struct plain_tree plain;
static struct plain_tree other; /* the same up to 20, then another history */
static struct test_key log_key;
static struct test_key witness_key;
static struct test_key stranger;

static int make_all(void **state)
{
	(void)state;
	plain_tree_fill(&plain, 100, 1);
	plain_tree_fill(&other, 100, 2);
	memcpy(other.leaves, plain.leaves, 20 * sizeof(plain.leaves[0]));
	assert_ok(test_key_make("log.example/a", BW_NOTE_ED25519, 1, &log_key));
	assert_ok(test_key_make("witness.example/w", BW_COSIGN_MLDSA44, 2, &witness_key));
	assert_ok(test_key_make("log.example/a", BW_NOTE_ED25519, 3, &stranger));
	return 0;
}

static int free_all(void **state)
{
	(void)state;
	bw_sign_key_free(log_key.key);
	bw_sign_key_free(witness_key.key);
	bw_sign_key_free(stranger.key);
	return 0;
}

/* The body with which a log of `tree` asks for its checkpoint of `size`. */
static void ask(const struct plain_tree *tree, const struct test_key *by, uint64_t old_size, uint64_t size,
		struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf checkpoint = BW_BUF_INIT(BW_NOTE_MAX);
	const struct bw_hash root = plain_root(tree, 0, size);
	struct plain_tree *nodes_of = tree == &plain ? &plain : &other;
	const struct bw_nodes nodes = { nodes_of, plain_find };
	struct bw_proof proof = { 0 };

	if (old_size <= size)
		assert_ok(bw_consistency_make(&nodes, old_size, size, &proof));
	assert_ok(bw_checkpoint_make(size, &root, &by->vkey, by->key, 0, &checkpoint));
	bw_buf_clear(out);
	assert_ok(bw_witness_request_add(out, old_size, &proof, bw_buf_slice(&checkpoint)));
}

static struct bw_witness_verdict judge(const struct bw_witness_log *log, const struct bw_buf *body)
{
	static struct bw_witness_request request;
	struct bw_witness_verdict verdict;
	const enum bw_err err = bw_witness_request_parse(bw_buf_slice(body), &request);

	if (err != BW_OK)
		return bw_witness_refuse(err);
	bw_witness_judge(log, &request, &verdict);
	return verdict;
}

#define assert_verdict(verdict, is_status, is_why)           \
	do {                                                 \
		const struct bw_witness_verdict v = verdict; \
		assert_int_equal(v.status, is_status);       \
		assert_int_equal(v.why, is_why);             \
	} while (0)

static struct bw_witness_log at(uint64_t size)
{
	return (struct bw_witness_log){ &log_key.vkey, 1, size, plain_root(&plain, 0, size) };
}

static void a_log_that_only_grows_is_cosigned_at_every_step(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_WITNESS_BODY_MAX);

	(void)state;
	for (uint64_t old = 0; old <= 40; old++) {
		for (uint64_t size = old; size <= 40; size++) {
			const struct bw_witness_log log = at(old);

			ask(&plain, &log_key, old, size, &body);
			assert_verdict(judge(&log, &body), 200, BW_OK);
		}
	}
}

static void an_unknown_log_is_not_found(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_WITNESS_BODY_MAX);

	(void)state;
	ask(&plain, &log_key, 0, 5, &body);
	assert_verdict(judge(NULL, &body), 404, BW_ERR_NOT_FOUND);
}

static void what_no_trusted_key_signed_is_forbidden(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_WITNESS_BODY_MAX);
	const struct bw_witness_log log = at(0);
	struct bw_witness_log rotated = at(0);
	const struct bw_vkey keys[] = { stranger.vkey, log_key.vkey };

	(void)state;
	ask(&plain, &stranger, 0, 5, &body);
	assert_verdict(judge(&log, &body), 403, BW_ERR_SIGNATURE);
	rotated.keys = keys;
	rotated.key_count = 2;
	assert_verdict(judge(&rotated, &body), 200, BW_OK);
	ask(&plain, &log_key, 0, 5, &body);
	assert_verdict(judge(&rotated, &body), 200, BW_OK);
	body.ptr[body.len - 20] ^= 2;
	assert_verdict(judge(&log, &body), 403, BW_ERR_SIGNATURE);
}

static void who_does_not_know_the_latest_size_is_told(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_WITNESS_BODY_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf size = BW_BUF_INIT(64);
	const struct bw_witness_log log = at(12);
	struct bw_witness_verdict verdict;
	uint64_t told;

	(void)state;
	ask(&plain, &log_key, 10, 30, &body);
	verdict = judge(&log, &body);
	assert_verdict(verdict, 409, BW_ERR_CONFLICT);
	assert_true(verdict.tells_size);
	assert_ok(bw_witness_size_add(&size, verdict.size));
	assert_string_equal(bw_buf_text(&size), "12\n");
	assert_ok(bw_witness_size_parse(bw_buf_slice(&size), &told));
	ask(&plain, &log_key, told, 30, &body);
	assert_verdict(judge(&log, &body), 200, BW_OK);
	assert_int_equal(bw_witness_size_parse(BW_LIT("12"), &told), BW_ERR_SYNTAX);
	assert_int_equal(bw_witness_size_parse(BW_LIT("\n"), &told), BW_ERR_SYNTAX);
	assert_int_equal(bw_witness_size_parse(BW_LIT("012\n"), &told), BW_ERR_SYNTAX);
}

static void a_rollback_is_refused_and_named(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_WITNESS_BODY_MAX);
	const struct bw_witness_log log = at(30);

	(void)state;
	ask(&plain, &log_key, 30, 25, &body); /* says what it takes back */
	assert_verdict(judge(&log, &body), 400, BW_ERR_ROLLBACK);
	ask(&plain, &log_key, 20, 25, &body); /* or pretends that nothing was there */
	assert_verdict(judge(&log, &body), 409, BW_ERR_CONFLICT);
}

static void a_split_view_is_refused_and_named(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_WITNESS_BODY_MAX);
	const struct bw_witness_log log = at(30);

	(void)state;
	ask(&other, &log_key, 30, 30, &body);
	assert_verdict(judge(&log, &body), 409, BW_ERR_SPLIT_VIEW);
	ask(&other, &log_key, 30, 40, &body);
	assert_verdict(judge(&log, &body), 422, BW_ERR_PROOF);
}

static void a_proof_where_none_belongs_is_refused(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_WITNESS_BODY_MAX);
	static struct bw_witness_request request;
	const struct bw_witness_log fresh = at(0);
	const struct bw_witness_log same = at(9);
	struct bw_witness_verdict verdict;

	(void)state;
	ask(&plain, &log_key, 0, 9, &body);
	assert_ok(bw_witness_request_parse(bw_buf_slice(&body), &request));
	request.proof.count = 1;
	bw_witness_judge(&fresh, &request, &verdict);
	assert_verdict(verdict, 422, BW_ERR_PROOF);
	request.old_size = 9;
	bw_witness_judge(&same, &request, &verdict);
	assert_verdict(verdict, 422, BW_ERR_PROOF);
	request.proof.count = 0;
	bw_witness_judge(&same, &request, &verdict);
	assert_verdict(verdict, 200, BW_OK);
}

static void no_bit_of_the_proof_may_change(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_WITNESS_BODY_MAX);
	static struct bw_witness_request request;
	const struct bw_witness_log log = at(37);
	struct bw_witness_verdict verdict;

	(void)state;
	ask(&plain, &log_key, 37, 99, &body);
	assert_ok(bw_witness_request_parse(bw_buf_slice(&body), &request));
	for (size_t bit = 0; bit < request.proof.count * 256; bit += 3) {
		request.proof.hashes[bit / 256].bytes[bit % 256 / 8] ^= (uint8_t)(1U << (bit % 8));
		bw_witness_judge(&log, &request, &verdict);
		assert_verdict(verdict, 422, BW_ERR_PROOF);
		request.proof.hashes[bit / 256].bytes[bit % 256 / 8] ^= (uint8_t)(1U << (bit % 8));
	}
}

static void what_is_no_request_is_bad(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_WITNESS_BODY_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf bent = BW_BUF_INIT(BW_WITNESS_BODY_MAX);
	const struct bw_witness_log log = at(3);
	static const char *const heads[] = { "",         "old\n",    "old \n",   "old 03\n",      "old 3", "new 3\n",
					     "old  3\n", "old 3 \n", "old -3\n", "old 3\nAAAA\n", "3\n" };
	struct bw_slice rest;
	struct bw_slice line;

	(void)state;
	ask(&plain, &log_key, 3, 9, &body);
	assert_verdict(judge(&log, &body), 200, BW_OK);
	assert_true(bw_slice_cut(bw_buf_slice(&body), '\n', &line, &rest));
	for (size_t i = 0; i < BW_COUNT(heads); i++) {
		bw_buf_clear(&bent);
		assert_ok(bw_buf_add_text(&bent, heads[i]));
		assert_ok(bw_buf_add(&bent, rest));
		assert_int_equal(judge(&log, &bent).status, 400);
	}
	/* 64 hashes, where 63 are the most */
	bw_buf_clear(&bent);
	assert_ok(bw_buf_add_text(&bent, "old 3\n"));
	for (size_t i = 0; i < BW_WITNESS_PROOF_MAX + 1; i++)
		assert_ok(bw_hash_add_line(&bent, &plain.leaves[i]));
	assert_ok(bw_buf_add(&bent, rest));
	assert_verdict(judge(&log, &bent), 400, BW_ERR_TOO_MANY);
	for (size_t len = 0; len < body.len; len++) {
		const struct bw_buf part = { body.ptr, len, body.cap, body.max };

		assert_int_equal(judge(&log, &part).status, 400);
	}
}

/* ---- answers -------------------------------------------------------------------------------------- */

static void of_an_answer_the_known_lines_are_kept(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_NOTE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf answer = BW_BUF_INIT(BW_NOTE_MAX);
	const struct bw_hash root = plain_root(&plain, 0, 9);
	struct bw_checkpoint checkpoint;
	struct test_key unknown;
	uint64_t time;

	(void)state;
	assert_ok(test_key_make("witness.example/u", BW_COSIGN_ED25519, 9, &unknown));
	assert_ok(bw_checkpoint_make(9, &root, &log_key.vkey, log_key.key, 0, &text));
	assert_ok(bw_checkpoint_parse(bw_buf_slice(&text), &checkpoint));
	assert_ok(bw_checkpoint_sign(&checkpoint, &unknown.vkey, unknown.key, 5, &answer));
	assert_int_equal(bw_witness_answer_take(&checkpoint, bw_buf_slice(&answer), &witness_key.vkey, 1, &text),
			 BW_ERR_NOT_FOUND);
	assert_ok(bw_checkpoint_sign(&checkpoint, &witness_key.vkey, witness_key.key, 5, &answer));
	assert_ok(bw_buf_reserve(&text, BW_NOTE_SIGNATURE_MAX));
	assert_ok(bw_checkpoint_parse(bw_buf_slice(&text), &checkpoint));
	assert_ok(bw_witness_answer_take(&checkpoint, bw_buf_slice(&answer), &witness_key.vkey, 1, &text));
	assert_ok(bw_checkpoint_parse(bw_buf_slice(&text), &checkpoint));
	assert_int_equal(checkpoint.note.count, 2);
	assert_ok(bw_checkpoint_verify(&checkpoint, &log_key.vkey, &time));
	assert_ok(bw_checkpoint_verify(&checkpoint, &witness_key.vkey, &time));
	assert_int_equal(time, 5);
	bw_buf_clear(&answer);
	checkpoint.size++; /* a cosignature of another checkpoint */
	assert_ok(bw_checkpoint_sign(&checkpoint, &witness_key.vkey, witness_key.key, 5, &answer));
	checkpoint.size--;
	assert_int_equal(bw_witness_answer_take(&checkpoint, bw_buf_slice(&answer), &witness_key.vkey, 1, &text),
			 BW_ERR_SIGNATURE);
	bw_sign_key_free(unknown.key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_that_only_grows_is_cosigned_at_every_step),
		cmocka_unit_test(an_unknown_log_is_not_found),
		cmocka_unit_test(what_no_trusted_key_signed_is_forbidden),
		cmocka_unit_test(who_does_not_know_the_latest_size_is_told),
		cmocka_unit_test(a_rollback_is_refused_and_named),
		cmocka_unit_test(a_split_view_is_refused_and_named),
		cmocka_unit_test(a_proof_where_none_belongs_is_refused),
		cmocka_unit_test(no_bit_of_the_proof_may_change),
		cmocka_unit_test(what_is_no_request_is_bad),
		cmocka_unit_test(of_an_answer_the_known_lines_are_kept),
	};

	return cmocka_run_group_tests(tests, make_all, free_all);
}
