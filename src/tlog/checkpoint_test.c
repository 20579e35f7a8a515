#include "tlog/checkpoint.h"

#include "base/test.h"
#include "codec/base64.h"
#include "tlog/cosign.h"
#include "tlog/keys_in_tests.h"

#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
#define LINE                                                                                \
	"\xe2\x80\x94 example.com/behind-the-sofa "                                         \
	"Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+" \
	"xeMcTOAYQ8=\n"
#define WITNESS                                                                            \
	"\xe2\x80\x94 witness.example.com/w1 "                                             \
	"jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5" \
	"nNo0xUe+mbIUBkBIfZ+qnA==\n"

static void the_example_of_the_standard_reads(void **state)
{
	struct bw_checkpoint checkpoint;
	struct bw_hash root;

	(void)state;
	assert_ok(bw_checkpoint_parse(BW_LIT("example.com/behind-the-sofa\n20852163\n" ROOT "\n\n" LINE WITNESS),
				      &checkpoint));
	assert_slice(checkpoint.origin, "example.com/behind-the-sofa");
	assert_int_equal(checkpoint.size, 20852163);
	assert_ok(bw_hash_parse(BW_LIT(ROOT), &root));
	assert_true(bw_hash_equals(&root, &checkpoint.root));
	assert_int_equal(checkpoint.extensions.len, 0);
	assert_int_equal(checkpoint.note.count, 2);
	assert_ok(bw_checkpoint_parse(BW_LIT("o\n0\n" ROOT "\nmore\nand more\n\n" LINE), &checkpoint));
	assert_slice(checkpoint.extensions, "more\nand more\n");
}

static void what_is_no_checkpoint_is_refused(void **state)
{
	static const char *const bad[] = {
		"o\n1\n\n" LINE,
		"o\n\n" LINE,
		"\n1\n" ROOT "\n\n" LINE,
		"o\n01\n" ROOT "\n\n" LINE,
		"o\n+1\n" ROOT "\n\n" LINE,
		"o\n-1\n" ROOT "\n\n" LINE,
		"o\n\n" ROOT "\n\n" LINE,
		"o\n1 \n" ROOT "\n\n" LINE,
		"o\n1\n" ROOT "=\n\n" LINE,
		"o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n\n" LINE,
		"o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n\n" LINE, /* bits beyond the hash */
		"o\n1\n" ROOT "\n\nmore\n\n" LINE,
		"o\n1\n" ROOT "\n",
	};
	struct bw_checkpoint checkpoint;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(bad); i++)
		assert_int_equal(bw_checkpoint_parse(bw_slice_text(bad[i]), &checkpoint), BW_ERR_SYNTAX);
	assert_int_equal(bw_checkpoint_parse(BW_LIT("o\n9223372036854775808\n" ROOT "\n\n" LINE), &checkpoint),
			 BW_ERR_RANGE);
	assert_int_equal(bw_checkpoint_parse(BW_LIT("o\n99999999999999999999\n" ROOT "\n\n" LINE), &checkpoint),
			 BW_ERR_RANGE);
	assert_ok(bw_checkpoint_parse(BW_LIT("o\n9223372036854775807\n" ROOT "\n\n" LINE), &checkpoint));
}

static void an_origin_is_short_and_of_one_line(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(1024);
	char longest[BW_ORIGIN_MAX + 1];
	const struct bw_hash root = bw_hash_empty();

	(void)state;
	memset(longest, 'o', sizeof(longest));
	assert_int_equal(bw_checkpoint_add_text(&text, bw_slice_empty, 1, &root), BW_ERR_SYNTAX);
	assert_int_equal(bw_checkpoint_add_text(&text, BW_LIT("a\nb"), 1, &root), BW_ERR_SYNTAX);
	assert_int_equal(bw_checkpoint_add_text(&text, BW_LIT("\xff"), 1, &root), BW_ERR_SYNTAX);
	assert_int_equal(bw_checkpoint_add_text(&text, bw_slice_of(longest, sizeof(longest)), 1, &root), BW_ERR_SYNTAX);
	assert_int_equal(bw_checkpoint_add_text(&text, BW_LIT("o"), UINT64_MAX, &root), BW_ERR_RANGE);
	assert_int_equal(text.len, 0);
	assert_ok(bw_checkpoint_add_text(&text, bw_slice_of(longest, BW_ORIGIN_MAX), 1, &root));
}

/* ---- who signed it ------------------------------------------------------------------------------ */

struct signers {
	struct test_key log;
	struct test_key witness;
	struct test_key quantum;
};

static void make_signers(struct signers *out)
{
	assert_ok(test_key_make("log.example/a", BW_NOTE_ED25519, 1, &out->log));
	assert_ok(test_key_make("witness.example/w", BW_COSIGN_ED25519, 2, &out->witness));
	assert_ok(test_key_make("witness.example/w", BW_COSIGN_MLDSA44, 3, &out->quantum));
}

static void free_signers(struct signers *signers)
{
	bw_sign_key_free(signers->log.key);
	bw_sign_key_free(signers->witness.key);
	bw_sign_key_free(signers->quantum.key);
}

static void make_checkpoint(const struct signers *by, struct bw_buf *out)
{
	const struct bw_hash root = bw_hash_leaf(BW_LIT("an entry"));
	struct bw_checkpoint checkpoint;

	assert_ok(bw_checkpoint_make(1, &root, &by->log.vkey, by->log.key, 0, out));
	assert_ok(bw_checkpoint_parse(bw_buf_slice(out), &checkpoint));
	assert_ok(bw_checkpoint_sign(&checkpoint, &by->witness.vkey, by->witness.key, 1700000000, out));
	assert_ok(bw_checkpoint_parse(bw_buf_slice(out), &checkpoint));
	assert_ok(bw_checkpoint_sign(&checkpoint, &by->quantum.vkey, by->quantum.key, 1700000001, out));
}

static void log_and_witnesses_sign_the_same_checkpoint(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_NOTE_MAX);
	struct bw_checkpoint checkpoint;
	struct signers by;
	uint64_t time = 7;

	(void)state;
	make_signers(&by);
	make_checkpoint(&by, &text);
	assert_ok(bw_checkpoint_parse(bw_buf_slice(&text), &checkpoint));
	assert_int_equal(checkpoint.note.count, 3);
	assert_ok(bw_checkpoint_verify(&checkpoint, &by.log.vkey, &time));
	assert_int_equal(time, 0);
	assert_ok(bw_checkpoint_verify(&checkpoint, &by.witness.vkey, &time));
	assert_int_equal(time, 1700000000);
	assert_ok(bw_checkpoint_verify(&checkpoint, &by.quantum.vkey, &time));
	assert_int_equal(time, 1700000001);
	assert_ok(bw_note_verify(&checkpoint.note, &by.log.vkey));
	assert_int_equal(bw_note_verify(&checkpoint.note, &by.witness.vkey), BW_ERR_USAGE);
	free_signers(&by);
}

/* Each byte of the checkpoint but those of other keys' lines decides. */
static void no_byte_of_a_signed_checkpoint_may_change(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_NOTE_MAX);
	static struct bw_checkpoint checkpoint;
	struct signers by;
	uint64_t time;
	size_t body;

	(void)state;
	make_signers(&by);
	make_checkpoint(&by, &text);
	assert_ok(bw_checkpoint_parse(bw_buf_slice(&text), &checkpoint));
	body = checkpoint.note.text.len;
	for (size_t at = 0; at < text.len; at += at < body + 400 ? 1 : 211) {
		unsigned good = 0;

		text.ptr[at] ^= 1;
		if (bw_checkpoint_parse(bw_buf_slice(&text), &checkpoint) == BW_OK) {
			good += bw_checkpoint_verify(&checkpoint, &by.log.vkey, &time) == BW_OK;
			good += bw_checkpoint_verify(&checkpoint, &by.witness.vkey, &time) == BW_OK;
			good += bw_checkpoint_verify(&checkpoint, &by.quantum.vkey, &time) == BW_OK;
		}
		assert_true(good <= (at < body ? 0 : 2));
		text.ptr[at] ^= 1;
	}
	free_signers(&by);
}

/* The message of an Ed25519 cosignature, as tlog-cosignature has it, signed by hand. */
static void an_ed25519_cosignature_is_over_the_bytes_of_the_standard(void **state)
{
	static const char message[] = "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n" ROOT
				      "\n";
	struct bw_checkpoint checkpoint = { .note.text = BW_LIT("example.com/behind-the-sofa\n20852163\n" ROOT "\n") };
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(BW_NOTE_MAX);
	struct bw_note note;
	uint8_t bytes[BW_NOTE_SIGNATURE_MAX];
	struct bw_slice signature;
	struct signers by;

	(void)state;
	make_signers(&by);
	assert_ok(bw_checkpoint_sign(&checkpoint, &by.witness.vkey, by.witness.key, 1679315147, &line));
	assert_ok(bw_note_parse_signatures(bw_buf_slice(&line), &note));
	signature = bw_note_signature_bytes(&note.signatures[0], bytes);
	assert_int_equal(signature.len, 72);
	assert_memory_equal(signature.ptr, "\0\0\0\0\x64\x18\x50\xcb", 8);
	assert_ok(bw_sign_verify(BW_SIGN_ED25519, bw_vkey_public(&by.witness.vkey), bw_slice_empty,
				 bw_slice_text(message), bw_slice_from(signature, 8)));
	free_signers(&by);
}

/* cosigned_message of tlog-cosignature, written out. */
static void an_mldsa_cosignature_is_over_the_bytes_of_the_standard(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf message = BW_BUF_INIT(1024);
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(BW_NOTE_MAX);
	struct bw_checkpoint checkpoint = { .origin = BW_LIT("log.example/a"),
					    .size = 20852163,
					    .root = bw_hash_empty() };
	const struct bw_hash root = bw_hash_empty();
	struct bw_note note;
	uint8_t bytes[BW_NOTE_SIGNATURE_MAX];
	struct bw_slice signature;
	struct signers by;

	(void)state;
	make_signers(&by);
	assert_ok(bw_buf_add(&message, BW_LIT("subtree/v1\n\0\x11witness.example/w\0\0\0\0\x64\x18\x50\xcb\x0dlog."
					      "example/a\0\0\0\0\0\0\0\0\0\0\0\0\x01\x3e\x2d\xc3")));
	assert_ok(bw_buf_add(&message, bw_hash_slice(&root)));
	assert_ok(bw_checkpoint_sign(&checkpoint, &by.quantum.vkey, by.quantum.key, 1679315147, &line));
	assert_ok(bw_note_parse_signatures(bw_buf_slice(&line), &note));
	signature = bw_note_signature_bytes(&note.signatures[0], bytes);
	assert_int_equal(signature.len, 8 + 2420);
	assert_ok(bw_sign_verify(BW_SIGN_MLDSA44, bw_vkey_public(&by.quantum.vkey), bw_slice_empty,
				 bw_buf_slice(&message), bw_slice_from(signature, 8)));
	free_signers(&by);
}

static void a_subtree_can_be_cosigned_without_a_time(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf signature = BW_BUF_INIT(BW_NOTE_SIGNATURE_MAX);
	struct bw_subtree subtree = { BW_LIT("log.example/a"), 8, 13, bw_hash_leaf(BW_LIT("x")) };
	struct signers by;
	uint64_t time;

	(void)state;
	make_signers(&by);
	assert_int_equal(bw_subtree_sign(&subtree, &by.quantum.vkey, by.quantum.key, 5, &signature), BW_ERR_RANGE);
	assert_int_equal(bw_subtree_sign(&subtree, &by.witness.vkey, by.witness.key, 0, &signature), BW_ERR_USAGE);
	assert_int_equal(bw_subtree_sign(&subtree, &by.quantum.vkey, by.witness.key, 0, &signature), BW_ERR_USAGE);
	assert_ok(bw_subtree_sign(&subtree, &by.quantum.vkey, by.quantum.key, 0, &signature));
	assert_ok(bw_subtree_check(&subtree, &by.quantum.vkey, bw_buf_slice(&signature), &time));
	subtree.end = 14;
	assert_int_equal(bw_subtree_check(&subtree, &by.quantum.vkey, bw_buf_slice(&signature), &time),
			 BW_ERR_SIGNATURE);
	subtree.end = 13;
	signature.ptr[7] = 1;
	assert_int_equal(bw_subtree_check(&subtree, &by.quantum.vkey, bw_buf_slice(&signature), &time), BW_ERR_RANGE);
	free_signers(&by);
}

static void times_beyond_two_to_the_63_are_refused(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(BW_NOTE_MAX);
	const struct bw_checkpoint checkpoint = { .origin = BW_LIT("o") };
	struct signers by;

	(void)state;
	make_signers(&by);
	assert_int_equal(
		bw_checkpoint_sign(&checkpoint, &by.quantum.vkey, by.quantum.key, BW_COSIGN_TIME_MAX + 1, &line),
		BW_ERR_RANGE);
	assert_int_equal(line.len, 0);
	free_signers(&by);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_of_the_standard_reads),
		cmocka_unit_test(what_is_no_checkpoint_is_refused),
		cmocka_unit_test(an_origin_is_short_and_of_one_line),
		cmocka_unit_test(log_and_witnesses_sign_the_same_checkpoint),
		cmocka_unit_test(no_byte_of_a_signed_checkpoint_may_change),
		cmocka_unit_test(an_ed25519_cosignature_is_over_the_bytes_of_the_standard),
		cmocka_unit_test(an_mldsa_cosignature_is_over_the_bytes_of_the_standard),
		cmocka_unit_test(a_subtree_can_be_cosigned_without_a_time),
		cmocka_unit_test(times_beyond_two_to_the_63_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
