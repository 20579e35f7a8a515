#include "tlog/trust.h"

#include <stdio.h>

#include "base/test.h"
#include "tlog/keys_in_tests.h"

enum { WITNESSES = 6 };

static struct test_key log_key;
static struct test_key witnesses[WITNESSES];
static char log_text[BW_VKEY_TEXT_MAX + 1];
static char texts[WITNESSES][BW_VKEY_TEXT_MAX + 1];

static void write_key(const struct test_key *key, char out[BW_VKEY_TEXT_MAX + 1])
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_VKEY_TEXT_MAX);

	assert_ok(bw_vkey_add(&text, &key->vkey));
	memcpy(out, bw_buf_text(&text), text.len + 1);
}

static int make_all(void **state)
{
	(void)state;
	assert_ok(test_key_make("log.example/a", BW_NOTE_ED25519, 1, &log_key));
	write_key(&log_key, log_text);
	for (uint8_t i = 0; i < WITNESSES; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "witness.example/%u", i);
		assert_ok(test_key_make(name, i % 2 == 0 ? BW_COSIGN_ED25519 : BW_COSIGN_MLDSA44, (uint8_t)(10 + i),
					&witnesses[i]));
		write_key(&witnesses[i], texts[i]);
	}
	return 0;
}

static int free_all(void **state)
{
	(void)state;
	bw_sign_key_free(log_key.key);
	for (size_t i = 0; i < WITNESSES; i++)
		bw_sign_key_free(witnesses[i].key);
	return 0;
}

/* L is the log's key, $0 to $5 the witnesses'; all else as it stands. */
static struct bw_buf spell(const char *text)
{
	struct bw_buf out = BW_BUF_INIT(BW_MIB);

	for (; *text != 0; text++) {
		if (*text == 'L')
			assert_ok(bw_buf_add_text(&out, log_text));
		else if (*text == '$')
			assert_ok(bw_buf_add_text(&out, texts[*++text - '0']));
		else
			assert_ok(bw_buf_add_u8(&out, (uint8_t)*text));
	}
	return out;
}

static enum bw_err parse(const char *text, struct bw_trust **out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf spelt = spell(text);
	struct bw_fault fault = { SIZE_MAX, NULL };
	const enum bw_err err = bw_trust_parse(bw_buf_slice(&spelt), &fault, out);

	if (err != BW_OK) {
		assert_non_null(fault.reason);
		assert_true(fault.offset <= spelt.len);
	}
	return err;
}

/* The example of the standard. */
static const char two_levels[] = "log L https://log.example/\n"
				 "\n"
				 "# ours\n"
				 "witness X1 $0\n"
				 "witness X2 $1 https://witness.example/\n"
				 "\twitness X3 $2 \n"
				 "group X-witnesses 2 X1 X2 X3\n"
				 "witness Y1 $3\n"
				 "witness Y2 $4\n"
				 "witness Y3 $5\n"
				 "group Y-witnesses any Y1 Y2 Y3\n"
				 "group X-and-Y all X-witnesses Y-witnesses\n"
				 "quorum X-and-Y\n";

static void the_quorum_is_as_the_groups_say_for_every_set_of_witnesses(void **state)
{
	struct bw_trust *policy;

	(void)state;
	assert_ok(parse(two_levels, &policy));
	assert_int_equal(bw_trust_log_count(policy), 1);
	assert_slice(bw_trust_log(policy, 0)->url, "https://log.example/");
	assert_int_equal(bw_trust_witness_count(policy), 6);
	assert_slice(bw_trust_witness(policy, 1)->name, "X2");
	assert_slice(bw_trust_witness(policy, 1)->url, "https://witness.example/");
	for (unsigned set = 0; set < 1U << WITNESSES; set++) {
		bool is[WITNESSES];
		const unsigned x = (set & 1) + (set >> 1 & 1) + (set >> 2 & 1);

		for (unsigned i = 0; i < WITNESSES; i++)
			is[i] = set >> i & 1;
		assert_int_equal(bw_trust_quorum(policy, is), x >= 2 && set >> 3 != 0);
	}
	bw_trust_free(policy);
}

static void a_policy_may_ask_for_one_witness_or_none(void **state)
{
	const bool none[1] = { false };
	const bool one[1] = { true };
	struct bw_trust *policy;

	(void)state;
	assert_ok(parse("quorum none", &policy));
	assert_true(bw_trust_quorum(policy, none));
	bw_trust_free(policy);
	assert_ok(parse("witness a $0\nquorum a\n", &policy));
	assert_false(bw_trust_quorum(policy, none));
	assert_true(bw_trust_quorum(policy, one));
	bw_trust_free(policy);
}

static void what_is_no_policy_is_refused_with_its_reason(void **state)
{
	static const struct {
		const char *text;
		enum bw_err err;
	} bad[] = {
		{ "", BW_ERR_MISSING },
		{ "log L\n", BW_ERR_MISSING },
		{ "quorum\n", BW_ERR_SYNTAX },
		{ "quorum none none\n", BW_ERR_SYNTAX },
		{ "quorum none\nquorum none\n", BW_ERR_DUPLICATE },
		{ "quorum a\nwitness a $0\n", BW_ERR_NOT_FOUND },
		{ "Quorum none\n", BW_ERR_SYNTAX },
		{ "log\nquorum none\n", BW_ERR_SYNTAX },
		{ "log x\nquorum none\n", BW_ERR_SYNTAX },
		{ "log L u more\nquorum none\n", BW_ERR_SYNTAX },
		{ "log L\nlog L\nquorum none\n", BW_ERR_DUPLICATE },
		{ "log $0\nquorum none\n", BW_ERR_TYPE },
		{ "witness a L\nquorum none\n", BW_ERR_TYPE },
		{ "witness none $0\nquorum none\n", BW_ERR_DUPLICATE },
		{ "witness a $0\nwitness a $1\nquorum none\n", BW_ERR_DUPLICATE },
		{ "witness a $0\nwitness b $0\nquorum none\n", BW_ERR_DUPLICATE },
		{ "witness a\nquorum none\n", BW_ERR_SYNTAX },
		{ "witness a $0\ngroup a all a\nquorum none\n", BW_ERR_DUPLICATE },
		{ "witness a $0\ngroup g all\nquorum none\n", BW_ERR_SYNTAX },
		{ "witness a $0\ngroup g\nquorum none\n", BW_ERR_SYNTAX },
		{ "witness a $0\ngroup g 0 a\nquorum none\n", BW_ERR_SYNTAX },
		{ "witness a $0\ngroup g 2 a\nquorum none\n", BW_ERR_SYNTAX },
		{ "witness a $0\ngroup g 01 a\nquorum none\n", BW_ERR_SYNTAX },
		{ "witness a $0\ngroup g most a\nquorum none\n", BW_ERR_SYNTAX },
		{ "witness a $0\ngroup g all a a\nquorum none\n", BW_ERR_DUPLICATE },
		{ "witness a $0\ngroup g all a\ngroup h all a\nquorum none\n", BW_ERR_DUPLICATE },
		{ "group g all none\nquorum none\n", BW_ERR_NOT_FOUND },
		{ "group g all g\nquorum g\n", BW_ERR_NOT_FOUND },
		{ "group g all h\ngroup h all g\nquorum g\n", BW_ERR_NOT_FOUND },
		{ "# \x01\nquorum none\n", BW_ERR_SYNTAX },
		{ "quorum none\r\n", BW_ERR_SYNTAX },
	};
	struct bw_trust *policy = NULL;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(bad); i++) {
		assert_int_equal(parse(bad[i].text, &policy), bad[i].err);
		assert_null(policy);
	}
}

static void names_are_bytes_and_a_kelvin_is_no_k(void **state)
{
	struct bw_trust *policy;

	(void)state;
	assert_int_equal(parse("witness K $0\nquorum \xe2\x84\xaa\n", &policy), BW_ERR_NOT_FOUND);
	assert_ok(parse("witness \xff\xfe $0\nquorum \xff\xfe\n", &policy));
	bw_trust_free(policy);
}

static void sixty_four_groups_are_read_and_one_more_is_not(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = spell("witness w $0\ngroup g0 all w\n");
	struct bw_trust *policy;
	const bool one[1] = { true };
	size_t before;

	(void)state;
	for (unsigned i = 1; i < BW_TRUST_GROUPS_MAX; i++)
		assert_ok(bw_buf_addf(&text, "group g%u any g%u\n", i, i - 1));
	before = text.len;
	assert_ok(bw_buf_add_text(&text, "quorum g63\n"));
	assert_ok(bw_trust_parse(bw_buf_slice(&text), NULL, &policy));
	assert_true(bw_trust_quorum(policy, one));
	bw_trust_free(policy);
	text.len = before;
	assert_ok(bw_buf_add_text(&text, "group g64 any g63\nquorum g64\n"));
	assert_int_equal(bw_trust_parse(bw_buf_slice(&text), NULL, &policy), BW_ERR_TOO_MANY);
}

/* ---- checkpoints --------------------------------------------------------------------------------- */

static void make_checkpoint(unsigned set, struct bw_buf *out)
{
	const struct bw_hash root = bw_hash_leaf(BW_LIT("x"));
	struct bw_checkpoint checkpoint;

	bw_buf_clear(out);
	assert_ok(bw_buf_reserve(out, BW_NOTE_MAX / 2)); /* so that what was parsed stays where it is */
	assert_ok(bw_checkpoint_make(1, &root, &log_key.vkey, log_key.key, 0, out));
	assert_ok(bw_checkpoint_parse(bw_buf_slice(out), &checkpoint));
	for (unsigned i = 0; i < WITNESSES; i++)
		if (set >> i & 1)
			assert_ok(bw_checkpoint_sign(&checkpoint, &witnesses[i].vkey, witnesses[i].key, 100 + i, out));
}

static void a_checkpoint_is_good_when_log_and_quorum_signed(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_NOTE_MAX);
	static struct bw_checkpoint checkpoint;
	struct bw_trust_result result;
	struct bw_trust *policy;

	(void)state;
	assert_ok(parse(two_levels, &policy));
	for (unsigned set = 0; set < 1U << WITNESSES; set += 5) {
		const unsigned x = (set & 1) + (set >> 1 & 1) + (set >> 2 & 1);
		const bool is_enough = x >= 2 && set >> 3 != 0;

		make_checkpoint(set, &text);
		assert_ok(bw_checkpoint_parse(bw_buf_slice(&text), &checkpoint));
		assert_int_equal(bw_trust_check(policy, NULL, &checkpoint, &result),
				 is_enough ? BW_OK : BW_ERR_MISSING);
		assert_int_equal(result.cosigned, __builtin_popcount(set));
		assert_ptr_equal(result.log, &bw_trust_log(policy, 0)->vkey);
		for (unsigned i = 0; i < WITNESSES; i++)
			assert_int_equal(result.times[i], set >> i & 1 ? 100 + i : 0);
	}
	bw_trust_free(policy);
}

static void a_log_the_policy_does_not_know_is_denied(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_NOTE_MAX);
	static struct bw_checkpoint checkpoint;
	struct bw_trust *policy;

	(void)state;
	make_checkpoint(0, &text);
	assert_ok(bw_checkpoint_parse(bw_buf_slice(&text), &checkpoint));
	assert_ok(parse("quorum none\n", &policy));
	assert_int_equal(bw_trust_check(policy, NULL, &checkpoint, NULL), BW_ERR_DENIED);
	assert_ok(bw_trust_check(policy, &log_key.vkey, &checkpoint, NULL));
	bw_trust_free(policy);
	assert_ok(parse("log L\nquorum none\n", &policy));
	assert_ok(bw_trust_check(policy, NULL, &checkpoint, NULL));
	checkpoint.origin = BW_LIT("log.example/b"); /* the key of one log says nothing of another */
	assert_int_equal(bw_trust_check(policy, NULL, &checkpoint, NULL), BW_ERR_DENIED);
	bw_trust_free(policy);
}

static void a_bad_signature_in_a_known_name_spoils_all(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_NOTE_MAX);
	static struct bw_checkpoint checkpoint;
	struct bw_trust *policy;

	(void)state;
	assert_ok(parse(two_levels, &policy));
	make_checkpoint(0x3f, &text);
	text.ptr[text.len - 10] = text.ptr[text.len - 10] == 'A' ? 'B' : 'A'; /* in the last witness's line */
	assert_ok(bw_checkpoint_parse(bw_buf_slice(&text), &checkpoint));
	assert_int_equal(bw_trust_check(policy, NULL, &checkpoint, NULL), BW_ERR_SIGNATURE);
	bw_trust_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_quorum_is_as_the_groups_say_for_every_set_of_witnesses),
		cmocka_unit_test(a_policy_may_ask_for_one_witness_or_none),
		cmocka_unit_test(what_is_no_policy_is_refused_with_its_reason),
		cmocka_unit_test(names_are_bytes_and_a_kelvin_is_no_k),
		cmocka_unit_test(sixty_four_groups_are_read_and_one_more_is_not),
		cmocka_unit_test(a_checkpoint_is_good_when_log_and_quorum_signed),
		cmocka_unit_test(a_log_the_policy_does_not_know_is_denied),
		cmocka_unit_test(a_bad_signature_in_a_known_name_spoils_all),
	};

	return cmocka_run_group_tests(tests, make_all, free_all);
}
