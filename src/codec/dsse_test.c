#include "base/test.h"

#include "codec/dsse.h"

static struct bw_arena arena;

static int set_up(void **state)
{
	(void)state;
	arena = BW_ARENA_INIT(BW_MIB);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	bw_arena_release(&arena);
	return 0;
}

static void what_is_signed_is_the_standards(void **state)
{
	struct bw_buf pae = BW_BUF_INIT(1024);

	(void)state;
	/* the example of protocol.md */
	assert_ok(bw_dsse_add_pae(&pae,
				  BW_LIT("http"
					 "://example.com/HelloWorld"),
				  BW_LIT("hello world")));
	assert_string_equal(bw_buf_text(&pae), "DSSEv1 29 http"
					       "://example.com/HelloWorld 11 hello world");
	bw_buf_release(&pae);
}

static void an_envelope_is_read_as_it_was_written(void **state)
{
	struct bw_dsse envelope = { .type = BW_LIT("text/plain"), .payload = BW_LIT("{}"), .count = 2 };
	struct bw_dsse read;
	struct bw_buf text = BW_BUF_INIT(1024);

	(void)state;
	envelope.signatures[0] = (struct bw_dsse_signature){ BW_LIT("a\"b"), SLICE(0xff, 0xfe, 0xfd) };
	envelope.signatures[1] = (struct bw_dsse_signature){ bw_slice_empty, SLICE(1) };
	assert_ok(bw_dsse_add(&text, &envelope));
	assert_string_equal(bw_buf_text(&text),
			    "{\"payload\":\"e30=\",\"payloadType\":\"text/plain\",\"signatures\":["
			    "{\"keyid\":\"a\\\"b\",\"sig\":\"//79\"},{\"keyid\":\"\",\"sig\":\"AQ==\"}]}");
	assert_ok(bw_dsse_parse(bw_buf_slice(&text), &arena, &read));
	assert_slice(read.payload, "{}");
	assert_slice(read.type, "text/plain");
	assert_int_equal(read.count, 2);
	assert_slice(read.signatures[0].key_id, "a\"b");
	assert_memory_equal(read.signatures[0].bytes.ptr, "\xff\xfe\xfd", 3);
	bw_buf_release(&text);
}

static void either_alphabet_and_strange_members_are_read(void **state)
{
	struct bw_dsse read;

	(void)state;
	assert_ok(bw_dsse_parse(BW_LIT(" {\"x\":[1,{\"payload\":2}],\"signatures\":[{\"sig\":\"__79\",\"cert\":\"x\"}],"
				       "\"payloadType\":\"t\",\"payload\":\"-_-_\"} "),
				&arena, &read));
	assert_memory_equal(read.payload.ptr, "\xfb\xff\xbf", 3);
	assert_int_equal(read.signatures[0].key_id.len, 0);
}

static void what_is_no_envelope_is_refused(void **state)
{
	static const struct {
		const char *text;
		enum bw_err err;
	} rows[] = {
		{ "[]", BW_ERR_TYPE },
		{ "{}", BW_ERR_MISSING },
		{ "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[]}", BW_ERR_MISSING },
		{ "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[{}]}", BW_ERR_MISSING },
		{ "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":{}}", BW_ERR_TYPE },
		{ "{\"payload\":\"\",\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"\"}]}",
		  BW_ERR_DUPLICATE },
		{ "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"\",\"sig\":\"\"}]}",
		  BW_ERR_DUPLICATE },
		{ "{\"payload\":\"!!!!\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"\"}]}", BW_ERR_SYNTAX },
		{ "{\"payload\":7,\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"\"}]}", BW_ERR_TYPE },
	};
	struct bw_dsse read;

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++)
		assert_int_equal(bw_dsse_parse(bw_slice_text(rows[i].text), &arena, &read), rows[i].err);
}

static void too_many_signatures_are_refused(void **state)
{
	struct bw_buf text = BW_BUF_INIT(BW_MIB);
	struct bw_dsse read;

	(void)state;
	assert_ok(bw_buf_add_text(&text, "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"\"}"));
	for (int i = 0; i < BW_DSSE_SIGNATURES_MAX; i++)
		assert_ok(bw_buf_add_text(&text, ",{\"sig\":\"\"}"));
	assert_ok(bw_buf_add_text(&text, "]}"));
	assert_int_equal(bw_dsse_parse(bw_buf_slice(&text), &arena, &read), BW_ERR_TOO_MANY);
	bw_buf_release(&text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_is_signed_is_the_standards),
		TEST(an_envelope_is_read_as_it_was_written),
		TEST(either_alphabet_and_strange_members_are_read),
		TEST(what_is_no_envelope_is_refused),
		TEST(too_many_signatures_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
