#include "base/test.h"

#include "accord/envelope.h"

static const char type[] = BW_ACCORD_MEDIA_TYPE;

static struct bw_node_keys *uk;
static struct bw_node_keys *us;
static struct bw_arena arena;

static int set_up(void **state)
{
	(void)state;
	arena = BW_ARENA_INIT(8 * BW_MIB);
	return bw_node_keys_make(&uk) == BW_OK && bw_node_keys_make(&us) == BW_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	bw_node_keys_free(uk);
	bw_node_keys_free(us);
	bw_arena_release(&arena);
	return 0;
}

static struct bw_node_public public_of(const struct bw_node_keys *keys)
{
	struct bw_node_public node;

	bw_node_keys_public(keys, &node);
	return node;
}

static enum bw_err check(const struct bw_buf *text, const struct bw_node_keys *keys)
{
	const struct bw_node_public node = public_of(keys);
	struct bw_dsse envelope;

	assert_ok(bw_dsse_parse(bw_buf_slice(text), &arena, &envelope));
	return bw_envelope_check(&envelope, type, &node);
}

static void both_parties_sign_one_document(void **state)
{
	struct bw_buf one = BW_BUF_INIT(BW_MIB);
	struct bw_buf other = BW_BUF_INIT(BW_MIB);
	struct bw_buf both = BW_BUF_INIT(BW_MIB);
	struct bw_buf again = BW_BUF_INIT(BW_MIB);
	struct bw_dsse envelope;

	(void)state;
	assert_ok(bw_envelope_sign(uk, type, BW_LIT("{\"a\":1}"), &one));
	assert_ok(bw_envelope_sign(us, type, BW_LIT("{\"a\":1}"), &other));
	assert_ok(check(&one, uk));
	assert_int_equal(check(&one, us), BW_ERR_SIGNATURE);
	assert_ok(bw_envelope_join(bw_buf_slice(&one), bw_buf_slice(&other), &both));
	assert_ok(check(&both, uk));
	assert_ok(check(&both, us));
	assert_ok(bw_dsse_parse(bw_buf_slice(&both), &arena, &envelope));
	assert_int_equal(envelope.count, 4);
	assert_ok(bw_envelope_join(bw_buf_slice(&both), bw_buf_slice(&one), &again));
	assert_string_equal(bw_buf_text(&again), bw_buf_text(&both));
	bw_buf_release(&one);
	bw_buf_release(&other);
	bw_buf_release(&both);
	bw_buf_release(&again);
}

static void signatures_of_other_documents_do_not_join(void **state)
{
	struct bw_buf one = BW_BUF_INIT(BW_MIB);
	struct bw_buf other = BW_BUF_INIT(BW_MIB);
	struct bw_buf both = BW_BUF_INIT(BW_MIB);

	(void)state;
	assert_ok(bw_envelope_sign(uk, type, BW_LIT("1"), &one));
	assert_ok(bw_envelope_sign(us, type, BW_LIT("2"), &other));
	assert_int_equal(bw_envelope_join(bw_buf_slice(&one), bw_buf_slice(&other), &both), BW_ERR_CONFLICT);
	bw_buf_release(&one);
	bw_buf_release(&other);
	bw_buf_release(&both);
}

static void one_algorithm_is_not_enough(void **state)
{
	const struct bw_node_public node = public_of(uk);
	struct bw_buf text = BW_BUF_INIT(BW_MIB);
	struct bw_dsse envelope;

	(void)state;
	assert_ok(bw_envelope_sign(uk, type, BW_LIT("1"), &text));
	assert_ok(bw_dsse_parse(bw_buf_slice(&text), &arena, &envelope));
	assert_ok(bw_envelope_check(&envelope, type, &node));
	assert_int_equal(bw_envelope_check(&envelope, "text/plain", &node), BW_ERR_TYPE);
	envelope.count = 1;
	assert_int_equal(bw_envelope_check(&envelope, type, &node), BW_ERR_SIGNATURE);
	envelope.signatures[0] = envelope.signatures[1];
	assert_int_equal(bw_envelope_check(&envelope, type, &node), BW_ERR_SIGNATURE);
	bw_buf_release(&text);
}

static void a_changed_payload_or_type_does_not_verify(void **state)
{
	const struct bw_node_public node = public_of(uk);
	struct bw_buf text = BW_BUF_INIT(BW_MIB);
	struct bw_dsse envelope;
	struct bw_dsse changed;

	(void)state;
	assert_ok(bw_envelope_sign(uk, type, BW_LIT("keep 90 days"), &text));
	assert_ok(bw_dsse_parse(bw_buf_slice(&text), &arena, &envelope));
	changed = envelope;
	changed.payload = BW_LIT("keep 99 days");
	assert_int_equal(bw_envelope_check(&changed, type, &node), BW_ERR_SIGNATURE);
	changed = envelope;
	changed.type = BW_LIT("text/plain");
	assert_int_equal(bw_envelope_check(&changed, "text/plain", &node), BW_ERR_SIGNATURE);
	bw_buf_release(&text);
}

static void only_envelopes_are_signed_without_a_domain(void **state)
{
	struct bw_node_signature signature;

	(void)state;
	assert_int_equal(bw_node_sign_pae(uk, BW_LIT("breakwater/v1/rotation"), &signature), BW_ERR_USAGE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(both_parties_sign_one_document),
		TEST(signatures_of_other_documents_do_not_join),
		TEST(one_algorithm_is_not_enough),
		TEST(a_changed_payload_or_type_does_not_verify),
		TEST(only_envelopes_are_signed_without_a_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
