#include "accord/notary.h"

#include <sys/mman.h>
#include <unistd.h>

#include "accord/papers.h"
#include "accord/test_accord.h"
#include "tlog/plain_in_tests.h"
#include "tlog/trust.h"

static struct plain_tree plain;
static struct plain_tree other; /* the same up to 20, then another history */
static struct bw_slate *slates[2];
static struct bw_notary *notaries[2]; /* of the log's owner, of the witness */
static int fds[2];

#define ORIGIN BW_LIT("bw1owner/uk-us")
#define WITNESS BW_LIT("bw1witness")

static int make_notary(size_t at)
{
	static const uint8_t head[128] = "BWSLATE1";
	uint8_t seeds[BW_NOTARY_SEEDS_BYTES];

	memset(seeds, (int)at + 1, sizeof(seeds));
	fds[at] = memfd_create("slate", MFD_CLOEXEC);
	assert_int_equal(pwrite(fds[at], head, sizeof(head), 0), sizeof(head));
	assert_ok(bw_slate_open(fds[at], &slates[at]));
	assert_ok(
		bw_notary_new(bw_slice_of(seeds, 64), bw_slice_of(seeds + 64, 64), WITNESS, slates[at], &notaries[at]));
	return 0;
}

static int make_all(void **state)
{
	(void)state;
	plain_tree_fill(&plain, 100, 1);
	plain_tree_fill(&other, 100, 2);
	memcpy(other.leaves, plain.leaves, 20 * sizeof(plain.leaves[0]));
	make_notary(0);
	return make_notary(1);
}

static int free_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		bw_notary_free(notaries[i]);
		bw_slate_free(slates[i]);
		(void)close(fds[i]);
	}
	return 0;
}

static enum bw_err sign(struct plain_tree *tree, uint64_t old_size, uint64_t size, struct bw_buf *out, uint64_t *last)
{
	const struct bw_nodes nodes = { tree, plain_find };
	struct bw_proof proof = { 0 };
	struct bw_notary_log log = { .origin = ORIGIN, .old_size = old_size, .size = size, .now_s = 1795000000 };

	log.root = plain_root(tree, 0, size);
	log.proof = &proof;
	if (old_size <= size)
		assert_ok(bw_consistency_make(&nodes, old_size, size, &proof));
	bw_buf_clear(out);
	return bw_notary_sign(notaries[0], &log, out, last);
}

static unsigned cosign(const struct bw_buf *checkpoint, struct plain_tree *tree, uint64_t old_size, uint64_t size,
		       struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf body = BW_BUF_INIT(BW_WITNESS_BODY_MAX);
	const struct bw_nodes nodes = { tree, plain_find };
	struct bw_witness_verdict verdict;
	struct bw_proof proof = { 0 };

	if (old_size <= size)
		assert_ok(bw_consistency_make(&nodes, old_size, size, &proof));
	assert_ok(bw_witness_request_add(&body, old_size, &proof, bw_buf_slice(checkpoint)));
	bw_buf_clear(out);
	assert_ok(bw_notary_witness(notaries[1], bw_buf_slice(&body), 1795000001, &verdict, out));
	return verdict.status;
}

/* The keys by which others know the owner's log: its papers. */
static void log_keys(struct bw_vkey out[BW_PAPERS_KEYS])
{
	static const enum bw_note_type types[] = { BW_NOTE_ED25519, BW_COSIGN_MLDSA44 };
	uint8_t seed[BW_SIGN_SEED_BYTES];

	memset(seed, 1, sizeof(seed));
	for (size_t i = 0; i < BW_PAPERS_KEYS; i++) {
		struct bw_sign_key *key;

		assert_ok(bw_sign_key_new(bw_note_kind(types[i]), bw_slice_of(seed, sizeof(seed)), &key));
		assert_ok(bw_vkey_make(ORIGIN, types[i], bw_sign_key_public(key), &out[i]));
		bw_sign_key_free(key);
	}
}

static void a_log_that_grows_is_signed_with_both_keys_and_cosigned(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf note = BW_BUF_INIT(BW_NOTE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf lines = BW_BUF_INIT(BW_NOTE_MAX);
	struct bw_checkpoint checkpoint;
	struct bw_vkey witness[BW_NOTARY_KEYS];
	struct bw_vkey log[BW_PAPERS_KEYS];
	uint64_t last = 99;
	uint64_t time;

	(void)state;
	log_keys(log);
	for (size_t i = 0; i < BW_PAPERS_KEYS; i++)
		assert_ok(bw_notary_trust(notaries[1], &log[i]));
	bw_notary_witness_keys(notaries[1], witness);
	assert_int_equal(bw_notary_trust(notaries[1], &witness[0]), BW_ERR_TYPE);
	assert_ok(sign(&plain, 0, 5, &note, &last));
	assert_ok(sign(&plain, 5, 30, &note, &last));
	assert_int_equal(last, 30);
	assert_ok(bw_checkpoint_parse(bw_buf_slice(&note), &checkpoint));
	for (size_t i = 0; i < BW_PAPERS_KEYS; i++)
		assert_ok(bw_checkpoint_verify(&checkpoint, &log[i], &time));
	assert_int_equal(cosign(&note, &plain, 0, 30, &lines), 200);
	for (size_t i = 0; i < BW_NOTARY_KEYS; i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf one = BW_BUF_INIT(BW_NOTE_MAX);

		assert_ok(bw_witness_answer_take(&checkpoint, bw_buf_slice(&lines), &witness[i], 1, &one));
	}
	assert_int_equal(cosign(&note, &plain, 0, 30, &lines), 409);
	assert_slice(bw_buf_slice(&lines), "30\n");
}

static void nothing_is_signed_that_does_not_go_on_from_the_last(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf note = BW_BUF_INIT(BW_NOTE_MAX);
	uint64_t last = 0;

	(void)state;
	assert_int_equal(sign(&plain, 5, 20, &note, &last), BW_ERR_ROLLBACK);
	assert_int_equal(last, 30);
	assert_int_equal(sign(&plain, 5, 40, &note, &last), BW_ERR_CONFLICT);
	assert_int_equal(last, 30);
	assert_int_equal(sign(&other, 30, 40, &note, &last), BW_ERR_PROOF);
	assert_int_equal(sign(&other, 30, 30, &note, &last), BW_ERR_SPLIT_VIEW);
	assert_int_equal(note.len, 0);
	assert_ok(sign(&plain, 30, 30, &note, &last)); /* the same again is nothing new */
	assert_ok(sign(&plain, 30, 40, &note, &last));
}

static void a_witness_that_was_started_again_remembers(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf note = BW_BUF_INIT(BW_NOTE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf lines = BW_BUF_INIT(BW_NOTE_MAX);
	struct bw_vkey log[BW_PAPERS_KEYS];
	struct bw_slate *again;
	uint64_t last = 0;
	uint8_t seeds[BW_NOTARY_SEEDS_BYTES];

	(void)state;
	log_keys(log);
	memset(seeds, 2, sizeof(seeds));
	bw_notary_free(notaries[1]);
	bw_slate_free(slates[1]);
	assert_ok(bw_slate_open(fds[1], &again));
	slates[1] = again;
	assert_ok(bw_notary_new(bw_slice_empty, bw_slice_of(seeds + 64, 64), WITNESS, again, &notaries[1]));
	assert_ok(bw_notary_trust(notaries[1], &log[0]));
	assert_ok(sign(&plain, 40, 50, &note, &last));
	assert_int_equal(cosign(&note, &plain, 0, 50, &lines), 409);
	assert_slice(bw_buf_slice(&lines), "30\n");
	assert_int_equal(cosign(&note, &plain, 30, 50, &lines), 200);
	/* it holds no log of its own */
	assert_int_equal(bw_notary_sign(notaries[1], &(struct bw_notary_log){ .origin = ORIGIN }, &lines, &last),
			 BW_ERR_UNSUPPORTED);
}

static void an_unknown_log_and_nonsense_are_refused(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf lines = BW_BUF_INIT(BW_NOTE_MAX);
	struct bw_witness_verdict verdict;

	(void)state;
	assert_ok(bw_notary_witness(notaries[1], BW_LIT("old x\n"), 1, &verdict, &lines));
	assert_int_equal(verdict.status, 400);
	assert_int_equal(lines.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_that_grows_is_signed_with_both_keys_and_cosigned),
		cmocka_unit_test(nothing_is_signed_that_does_not_go_on_from_the_last),
		cmocka_unit_test(a_witness_that_was_started_again_remembers),
		cmocka_unit_test(an_unknown_log_and_nonsense_are_refused),
	};

	return cmocka_run_group_tests(tests, make_all, free_all);
}
