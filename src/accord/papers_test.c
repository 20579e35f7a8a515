#include "accord/papers.h"

#include "accord/envelope.h"
#include "accord/test_accord.h"
#include "tlog/trust.h"

static struct bw_node_keys *keys[2];
static struct bw_node_public nodes[2];

static int make_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_ok(bw_node_keys_make(&keys[i]));
		bw_node_keys_public(keys[i], &nodes[i]);
	}
	return 0;
}

static int free_keys(void **state)
{
	(void)state;
	bw_node_keys_free(keys[0]);
	bw_node_keys_free(keys[1]);
	return 0;
}

static struct bw_papers papers_of(size_t node, uint8_t seed)
{
	struct bw_papers papers = { .sequence = 3 };

	assert_ok(bw_node_fingerprint(&nodes[node], papers.node));
	memset(papers.log_ed25519, seed, sizeof(papers.log_ed25519));
	memset(papers.log_mldsa44, seed + 1, sizeof(papers.log_mldsa44));
	memset(papers.witness_ed25519, seed + 2, sizeof(papers.witness_ed25519));
	memset(papers.witness_mldsa44, seed + 3, sizeof(papers.witness_mldsa44));
	return papers;
}

static void papers_have_one_text(void **state)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(256 * 1024);
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_PAPERS_TEXT_MAX);
	const struct bw_papers papers = papers_of(0, 1);
	struct bw_papers again;

	(void)state;
	assert_ok(bw_papers_add(&text, &papers));
	assert_ok(bw_papers_parse(bw_buf_slice(&text), &arena, &again, NULL));
	assert_memory_equal(&again, &papers, sizeof(papers));
	for (size_t n = 0; n < text.len; n++) {
		bw_arena_reset(&arena);
		assert_int_not_equal(bw_papers_parse(bw_slice_of(text.ptr, n), &arena, &again, NULL), BW_OK);
	}
	assert_ok(bw_buf_add_u8(&text, ' '));
	assert_int_not_equal(bw_papers_parse(bw_buf_slice(&text), &arena, &again, NULL), BW_OK);
}

static void only_the_node_itself_speaks_for_its_keys(void **state)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(512 * 1024);
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_PAPERS_TEXT_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf good = BW_BUF_INIT(BW_PAPERS_FILE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf borrowed = BW_BUF_INIT(BW_PAPERS_FILE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf other = BW_BUF_INIT(BW_PAPERS_FILE_MAX);
	const struct bw_papers papers = papers_of(0, 1);
	struct bw_papers out;

	(void)state;
	assert_ok(bw_papers_add(&text, &papers));
	assert_ok(bw_envelope_sign(keys[0], BW_PAPERS_TYPE, bw_buf_slice(&text), &good));
	assert_ok(bw_papers_check(bw_buf_slice(&good), &nodes[0], &arena, &out));
	assert_int_equal(bw_papers_check(bw_buf_slice(&good), &nodes[1], &arena, &out), BW_ERR_SIGNATURE);
	assert_ok(bw_envelope_sign(keys[1], BW_PAPERS_TYPE, bw_buf_slice(&text), &borrowed));
	assert_int_equal(bw_papers_check(bw_buf_slice(&borrowed), &nodes[1], &arena, &out), BW_ERR_CONFLICT);
	assert_ok(bw_envelope_sign(keys[0], BW_ACCORD_MEDIA_TYPE, bw_buf_slice(&text), &other));
	assert_int_equal(bw_papers_check(bw_buf_slice(&other), &nodes[0], &arena, &out), BW_ERR_TYPE);
}

static void add_operator(struct bw_accord *accord, struct bw_buf *line)
{
	static struct bw_slice lines[1];
	uint8_t key[32];
	struct bw_vkey vkey;

	memset(key, 9, sizeof(key));
	assert_ok(bw_vkey_make(BW_LIT("witness.example/one"), BW_COSIGN_ED25519, bw_slice_of(key, sizeof(key)), &vkey));
	assert_ok(bw_vkey_add(line, &vkey));
	assert_ok(bw_buf_add_text(line, " https://witness.example/"));
	lines[0] = bw_buf_slice(line);
	accord->witnesses = test_words(lines, 1);
}

static void the_policy_asks_for_log_and_ally_with_both_keys_and_for_an_operator(void **state)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_POLICY_TEXT_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(BW_ACCORD_KEY_MAX);
	const struct bw_papers teller = papers_of(0, 1);
	const struct bw_papers hearer = papers_of(1, 11);
	struct bw_trust *trust;
	struct bw_accord accord;
	bool are[BW_TRUST_WITNESSES_MAX] = { true, true };

	(void)state;
	test_accord(&accord);
	accord.witnessing = BW_WITNESS_ALLY;
	assert_ok(bw_papers_policy(&accord, &teller, &hearer, &text));
	assert_ok(bw_trust_parse(bw_buf_slice(&text), NULL, &trust));
	assert_int_equal(bw_trust_log_count(trust), 2);
	assert_int_equal(bw_trust_witness_count(trust), 2);
	assert_true(bw_trust_quorum(trust, are));
	are[1] = false;
	assert_false(bw_trust_quorum(trust, are));
	bw_trust_free(trust);
	bw_buf_clear(&text);
	accord.witnessing = BW_WITNESS_BOTH;
	assert_int_equal(bw_papers_policy(&accord, &teller, &hearer, &text), BW_ERR_SYNTAX); /* the test's is no key */
	accord.witnesses.count = 0;
	bw_buf_clear(&text);
	assert_int_equal(bw_papers_policy(&accord, &teller, &hearer, &text), BW_ERR_MISSING);
	add_operator(&accord, &line);
	bw_buf_clear(&text);
	assert_ok(bw_papers_policy(&accord, &teller, &hearer, &text));
	assert_ok(bw_trust_parse(bw_buf_slice(&text), NULL, &trust));
	assert_int_equal(bw_trust_witness_count(trust), 3);
	assert_slice(bw_trust_witness(trust, 2)->url, "https://witness.example/");
	are[1] = true;
	assert_false(bw_trust_quorum(trust, are));
	are[2] = true;
	assert_true(bw_trust_quorum(trust, are));
	bw_trust_free(trust);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(papers_have_one_text),
		cmocka_unit_test(only_the_node_itself_speaks_for_its_keys),
		cmocka_unit_test(the_policy_asks_for_log_and_ally_with_both_keys_and_for_an_operator),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
