#include "tlog/proof.h"

#include "base/test.h"
#include "tlog/keys_in_tests.h"
#include "tlog/plain_in_tests.h"

enum { SIZE = 77 };

static struct plain_tree plain;
static struct test_key log_key;
static struct test_key witness_key;
static struct bw_trust *policy;
static struct bw_buf checkpoint = BW_BUF_INIT(BW_NOTE_MAX);

static int make_all(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_TRUST_BYTES_MAX);
	struct bw_checkpoint parsed;
	struct bw_hash root;

	(void)state;
	plain_tree_fill(&plain, SIZE, 1);
	root = plain_root(&plain, 0, SIZE);
	assert_ok(test_key_make("log.example/a", BW_NOTE_ED25519, 1, &log_key));
	assert_ok(test_key_make("witness.example/w", BW_COSIGN_MLDSA44, 2, &witness_key));
	assert_ok(bw_buf_add_text(&text, "log "));
	assert_ok(bw_vkey_add(&text, &log_key.vkey));
	assert_ok(bw_buf_add_text(&text, "\nwitness w "));
	assert_ok(bw_vkey_add(&text, &witness_key.vkey));
	assert_ok(bw_buf_add_text(&text, "\nquorum w\n"));
	assert_ok(bw_trust_parse(bw_buf_slice(&text), NULL, &policy));
	assert_ok(bw_checkpoint_make(SIZE, &root, &log_key.vkey, log_key.key, 0, &checkpoint));
	assert_ok(bw_checkpoint_parse(bw_buf_slice(&checkpoint), &parsed));
	assert_ok(bw_checkpoint_sign(&parsed, &witness_key.vkey, witness_key.key, 5, &checkpoint));
	return 0;
}

static int free_all(void **state)
{
	(void)state;
	bw_trust_free(policy);
	bw_buf_release(&checkpoint);
	bw_sign_key_free(log_key.key);
	bw_sign_key_free(witness_key.key);
	return 0;
}

static void make_file(uint64_t index, struct bw_slice extra, struct bw_buf *out)
{
	const struct bw_nodes nodes = { &plain, plain_find };
	struct bw_proof proof;

	bw_buf_clear(out);
	assert_ok(bw_inclusion_make(&nodes, index, SIZE, &proof));
	assert_ok(bw_proof_file_add(out, extra, index, &proof, bw_buf_slice(&checkpoint)));
}

static enum bw_err verify(struct bw_slice bytes, uint64_t index)
{
	static struct bw_proof_file file;

	BW_TRY(bw_proof_file_parse(bytes, &file));
	return bw_proof_file_verify(&file, &plain.leaves[index], policy, NULL, NULL);
}

static void a_proof_of_every_entry_verifies_offline_and_of_no_other(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_PROOF_FILE_MAX);

	(void)state;
	for (uint64_t index = 0; index < SIZE; index++) {
		make_file(index, bw_slice_empty, &text);
		assert_ok(verify(bw_buf_slice(&text), index));
		assert_int_equal(verify(bw_buf_slice(&text), (index + 1) % SIZE), BW_ERR_PROOF);
	}
}

static void extra_data_comes_back_and_is_believed_by_nobody(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_PROOF_FILE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf extra = BW_BUF_INIT(BW_PROOF_EXTRA_MAX);
	static struct bw_proof_file file;
	static uint8_t longest[BW_PROOF_EXTRA_MAX + 1];

	(void)state;
	make_file(5, BW_LIT("a salt"), &text);
	assert_ok(verify(bw_buf_slice(&text), 5));
	assert_ok(bw_proof_file_parse(bw_buf_slice(&text), &file));
	assert_ok(bw_proof_file_extra(&file, &extra));
	assert_string_equal(bw_buf_text(&extra), "a salt");
	make_file(5, bw_slice_of(longest, BW_PROOF_EXTRA_MAX), &text);
	assert_ok(verify(bw_buf_slice(&text), 5));
	assert_int_equal(bw_proof_file_add(&text, bw_slice_of(longest, sizeof(longest)), 5, &(struct bw_proof){ 0 },
					   bw_slice_empty),
			 BW_ERR_TOO_BIG);
}

static void no_bit_before_the_signatures_may_change(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_PROOF_FILE_MAX);
	size_t end;

	(void)state;
	make_file(5, bw_slice_empty, &text);
	end = text.len - checkpoint.len + 80;
	for (size_t bit = 0; bit < end * 8; bit++) {
		text.ptr[bit / 8] ^= (uint8_t)(1U << (bit % 8));
		assert_int_not_equal(verify(bw_buf_slice(&text), 5), BW_OK);
		text.ptr[bit / 8] ^= (uint8_t)(1U << (bit % 8));
	}
	assert_ok(verify(bw_buf_slice(&text), 5));
}

static void no_beginning_of_a_proof_is_a_proof(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_PROOF_FILE_MAX);

	(void)state;
	make_file(5, BW_LIT("extra"), &text);
	for (size_t len = 0; len < text.len; len++)
		assert_int_not_equal(verify(bw_slice_of(text.ptr, len), 5), BW_OK);
}

static void what_is_no_proof_is_refused(void **state)
{
	static const struct {
		const char *text;
		enum bw_err err;
	} bad[] = {
		{ "", BW_ERR_VERSION },
		{ "c2sp.org/tlog-proof@v2\nindex 1\n\n", BW_ERR_VERSION },
		{ "c2sp.org/tlog-proof@v1\n", BW_ERR_SYNTAX },
		{ "c2sp.org/tlog-proof@v1\nextra \nindex 1\n\n", BW_ERR_SYNTAX },
		{ "c2sp.org/tlog-proof@v1\nextra !\nindex 1\n\n", BW_ERR_SYNTAX },
		{ "c2sp.org/tlog-proof@v1\nindex 01\n\n", BW_ERR_SYNTAX },
		{ "c2sp.org/tlog-proof@v1\nindex\n\n", BW_ERR_SYNTAX },
		{ "c2sp.org/tlog-proof@v1\nindex 9223372036854775808\n\n", BW_ERR_RANGE },
		{ "c2sp.org/tlog-proof@v1\nindex 1\nxyz\n\n", BW_ERR_SYNTAX },
		{ "c2sp.org/tlog-proof@v1\nindex 1\n\n", BW_ERR_SYNTAX },
	};
	static struct bw_proof_file file;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(bad); i++)
		assert_int_equal(bw_proof_file_parse(bw_slice_text(bad[i].text), &file), bad[i].err);
}

static void without_the_witness_the_proof_is_not_enough(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_PROOF_FILE_MAX);
	size_t last;

	(void)state;
	make_file(5, bw_slice_empty, &text);
	for (last = text.len - 1; text.ptr[last - 1] != '\n'; last--)
		;
	assert_int_equal(verify(bw_slice_of(text.ptr, last), 5), BW_ERR_MISSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_proof_of_every_entry_verifies_offline_and_of_no_other),
		cmocka_unit_test(extra_data_comes_back_and_is_believed_by_nobody),
		cmocka_unit_test(no_bit_before_the_signatures_may_change),
		cmocka_unit_test(no_beginning_of_a_proof_is_a_proof),
		cmocka_unit_test(what_is_no_proof_is_refused),
		cmocka_unit_test(without_the_witness_the_proof_is_not_enough),
	};

	return cmocka_run_group_tests(tests, make_all, free_all);
}
