#include "intel/pattern.h"

#include "base/test.h"

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

static enum bw_err check(const char *text, enum bw_pattern_version version, struct bw_fault *fault)
{
	struct bw_pattern *pattern;
	const enum bw_err checked = bw_pattern_check(bw_slice_text(text), version, NULL, fault);

	/* the tree and the quick check never disagree */
	assert_int_equal(bw_pattern_parse(bw_slice_text(text), version, &arena, &pattern, NULL), checked);
	return checked;
}

static const struct bw_pattern *parse(const char *text)
{
	struct bw_pattern *pattern = NULL;
	struct bw_fault fault = { 0, "" };

	if (bw_pattern_parse(bw_slice_text(text), BW_PATTERN_2_1, &arena, &pattern, &fault) != BW_OK)
		fail_msg("%s: %s at %zu", text, fault.reason, fault.offset);
	return pattern;
}

static void assert_rewritten(const char *text, const char *expected)
{
	struct bw_buf out = BW_BUF_INIT(BW_MIB);

	assert_ok(bw_pattern_write(parse(text), &out));
	if (strcmp(bw_buf_text(&out), expected) != 0)
		fail_msg("%s\nbecame %s\nnot    %s", text, bw_buf_text(&out), expected);
	bw_buf_release(&out);
}

struct refused {
	const char *text;
	enum bw_err err;
	size_t offset;
};

static void assert_refused(const struct refused *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct bw_fault fault = { SIZE_MAX, NULL };
		const enum bw_err err = check(rows[i].text, BW_PATTERN_2_1, &fault);

		if (err != rows[i].err || fault.offset != rows[i].offset || fault.reason == NULL)
			fail_msg("%s: %s at %zu", rows[i].text, bw_err_name(err), fault.offset);
	}
}

static void a_pattern_becomes_a_tree(void **state)
{
	const struct bw_pattern *p = parse("[ipv4-addr:value = '198.51.100.1'] WITHIN 5 SECONDS");
	const struct bw_pattern_node *root = p->root;

	(void)state;
	assert_int_equal(root->kind, BW_PATTERN_OBSERVATION);
	assert_int_equal(root->children->kind, BW_PATTERN_TEST);
	assert_int_equal(root->children->offset, 1);
	assert_ptr_equal(root->children->test, p->tests);
	assert_null(p->tests->next);
	assert_int_equal(p->tests->op, BW_PATTERN_EQ);
	assert_slice(p->tests->path.type, "ipv4-addr");
	assert_slice(p->tests->path.steps->key, "value");
	assert_null(p->tests->path.steps->next);
	assert_slice(p->tests->values[0].bytes, "198.51.100.1");
	assert_int_equal(root->qualifiers->kind, BW_PATTERN_WITHIN);
	assert_int_equal(root->qualifiers->window_ns, 5000000000);
	assert_int_equal(p->remarks, 0);
}

static void and_binds_tighter_than_or_and_or_than_followedby(void **state)
{
	(void)state;
	assert_rewritten("[a:b=1] FOLLOWEDBY [a:b=2] OR [a:b=3] AND [a:b=4]",
			 "[a:b = 1] FOLLOWEDBY [a:b = 2] OR [a:b = 3] AND [a:b = 4]");
	assert_rewritten("(([a:b=1] FOLLOWEDBY [a:b=2]) OR ([a:b=3])) AND [a:b=4]",
			 "(([a:b = 1] FOLLOWEDBY [a:b = 2]) OR [a:b = 3]) AND [a:b = 4]");
	assert_rewritten("[a:b=1 OR a:b=2 AND a:b=3]", "[a:b = 1 OR a:b = 2 AND a:b = 3]");
	assert_rewritten("[(a:b=1 OR a:b=2) AND ((a:b=3) AND a:b=4)]",
			 "[(a:b = 1 OR a:b = 2) AND a:b = 3 AND a:b = 4]");
	assert_int_equal(parse("[a:b=1] AND [a:b=2] OR [a:b=3]")->root->kind, BW_PATTERN_OBS_OR);
}

static void qualifiers_are_not_greedy_and_keep_their_order(void **state)
{
	const struct bw_pattern_node *root =
		parse("[a:b=1] FOLLOWEDBY [a:b=2] REPEATS 5 TIMES WITHIN 0.5 SECONDS")->root;
	const struct bw_pattern_node *last = root->children->next;

	(void)state;
	assert_int_equal(root->kind, BW_PATTERN_FOLLOWEDBY);
	assert_null(root->qualifiers);
	assert_null(root->children->qualifiers);
	assert_int_equal(last->qualifiers->kind, BW_PATTERN_REPEATS);
	assert_int_equal(last->qualifiers->times, 5);
	assert_int_equal(last->qualifiers->next->window_ns, 500000000);
	assert_rewritten("([a:b=1] AND [a:b=2]) WITHIN 1.25 SECONDS REPEATS 2 TIMES",
			 "([a:b = 1] AND [a:b = 2]) WITHIN 1.250000000 SECONDS REPEATS 2 TIMES");
	assert_rewritten("([a:b=1] REPEATS 2 TIMES) REPEATS 3 TIMES", "([a:b = 1] REPEATS 2 TIMES) REPEATS 3 TIMES");
}

static void a_chain_of_one_operator_is_one_node(void **state)
{
	const struct bw_pattern_node *node = parse("[a:b=1 OR a:b=2 OR (a:b=3 OR a:b=4)]")->root->children;
	size_t children = 0;

	(void)state;
	for (const struct bw_pattern_node *child = node->children; child != NULL; child = child->next)
		children++;
	assert_int_equal(node->kind, BW_PATTERN_OR);
	assert_int_equal(children, 4);
}

static void paths_have_keys_indexes_and_quotes(void **state)
{
	const struct bw_pattern_step *step =
		parse("[file:extensions.'windows-pebinary-ext'.sections[*].a[12] > 7.0]")->tests->path.steps;

	(void)state;
	assert_slice(step->key, "extensions");
	step = step->next;
	assert_slice(step->key, "windows-pebinary-ext");
	step = step->next->next;
	assert_int_equal(step->kind, BW_PATTERN_EVERY);
	step = step->next->next;
	assert_int_equal(step->kind, BW_PATTERN_INDEX);
	assert_int_equal(step->index, 12);
	assert_rewritten("[ x-a : b . 'c-d' [ * ] [ 1 ] . 'e' . 'it\\'s' = 1]", "[x-a:b.'c-d'[*][1].e.'it\\'s' = 1]");
	assert_slice(bw_pattern_path_last_key(&parse("[file:hashes.MD5 LIKE 'a%']")->tests->path), "MD5");
	assert_slice(bw_pattern_path_last_key(&parse("[a:b.c[*] = 1]")->tests->path), "c");
}

static void constants_of_all_types_have_values(void **state)
{
	const struct bw_pattern_value *v =
		parse("[a:b IN ('it\\'s \\\\', -5, 2.5, -.25, true, h'C3a0', b'AB\nI=', t'1970-01-02T00:00:01.5Z')]")
			->tests->values;

	(void)state;
	assert_slice(v[0].bytes, "it's \\");
	assert_slice(v[0].text, "it\\'s \\\\");
	assert_int_equal(v[1].as.integer, -5);
	assert_true(v[2].as.number == 2.5);
	assert_true(v[3].as.number == -0.25);
	assert_true(v[4].as.truth);
	assert_slice(v[5].bytes, "\xc3\xa0");
	assert_int_equal(v[6].bytes.len, 2);
	assert_memory_equal(v[6].bytes.ptr, "\x00\x12", 2);
	assert_int_equal(v[7].as.time.seconds, 86401);
	assert_int_equal(v[7].as.time.nanos, 500000000);
	assert_int_equal(v[7].offset, 61);
}

static void timestamps_count_from_1970_in_every_year(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} rows[] = {
		{ "[a:b = t'2000-02-29T12:00:00Z']", 951825600 },
		{ "[a:b = t'1900-03-01T00:00:00Z']", -2203891200 },
		{ "[a:b = t'0000-01-01T00:00:00Z']", -62167219200 },
		{ "[a:b = t'9999-12-31T23:59:60Z']", 253402300800 },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++)
		assert_int_equal(parse(rows[i].text)->tests->values[0].as.time.seconds, rows[i].seconds);
}

static void floats_are_the_nearest_double(void **state)
{
	(void)state;
	assert_true(parse("[a:b = 12.658]")->tests->values[0].as.number == 12.658);
	assert_true(parse("[a:b = 0.1]")->tests->values[0].as.number == 0.1);
	assert_true(parse("[a:b = 123456789.123456789123456789]")->tests->values[0].as.number ==
		    123456789.123456789123456789);
}

static void every_operator_is_known(void **state)
{
	(void)state;
	assert_rewritten("[a:b == 1 OR a:b <> 2 OR a:b!=3 OR a:b<4 OR a:b<=5 OR a:b>6 OR a:b>=7]",
			 "[a:b = 1 OR a:b != 2 OR a:b != 3 OR a:b < 4 OR a:b <= 5 OR a:b > 6 OR a:b >= 7]");
	assert_rewritten("[a:b NOT LIKE 'c' OR a:b NOT MATCHES'd' OR a:b NOT IN(1,2) OR a:b NOT = 1 OR a:b IN ()]",
			 "[a:b NOT LIKE 'c' OR a:b NOT MATCHES 'd' OR a:b NOT IN (1, 2) OR a:b NOT = 1 OR a:b IN ()]");
	assert_rewritten("[a:b ISSUBSET '::/0' OR a:b NOT ISSUPERSET '10.0.0.0/8']",
			 "[a:b ISSUBSET '::/0' OR a:b NOT ISSUPERSET '10.0.0.0/8']");
	assert_rewritten("[EXISTS a:b OR NOT EXISTS a:c[0]]", "[EXISTS a:b OR NOT EXISTS a:c[0]]");
}

static void blanks_of_unicode_and_comments_separate_words(void **state)
{
	(void)state;
	assert_rewritten("/* one */[\xc2\xa0"
			 "a:b\xe2\x80\x83=\xe3\x80\x80\t1\r\n// two ]\n]// three",
			 "[a:b = 1]");
	assert_rewritten("[a:b='// no /* comment']WITHIN 5SECONDS", "[a:b = '// no /* comment'] WITHIN 5 SECONDS");
}

static void what_is_no_pattern_is_refused_where_it_breaks(void **state)
{
	static const struct refused rows[] = {
		{ "", BW_ERR_SYNTAX, 0 },
		{ "a:b = 1", BW_ERR_SYNTAX, 0 },
		{ "[]", BW_ERR_SYNTAX, 1 },
		{ "[a:b = 1", BW_ERR_SYNTAX, 8 },
		{ "[a:b = 1]]", BW_ERR_SYNTAX, 9 },
		{ "([a:b = 1]", BW_ERR_SYNTAX, 10 },
		{ "[a:b = 1] AND", BW_ERR_SYNTAX, 13 },
		{ "[a:b = 1] and [a:b = 1]", BW_ERR_SYNTAX, 10 },
		{ "[a:b = 1 FOLLOWEDBY a:b = 2]", BW_ERR_SYNTAX, 9 },
		{ "[a:b]", BW_ERR_SYNTAX, 4 },
		{ "[a = 1]", BW_ERR_SYNTAX, 3 },
		{ "[a:b- = 1]", BW_ERR_SYNTAX, 3 },
		{ "[a:b.SHA-256 = 1]", BW_ERR_SYNTAX, 5 },
		{ "[a:AND = 1]", BW_ERR_SYNTAX, 3 },
		{ "[a:[0] = 1]", BW_ERR_SYNTAX, 3 },
		{ "[a:b[x] = 1]", BW_ERR_SYNTAX, 5 },
		{ "[a:b[1.5] = 1]", BW_ERR_SYNTAX, 5 },
		{ "[a:b[0 = 1]", BW_ERR_SYNTAX, 7 },
		{ "[a:b. = 1]", BW_ERR_SYNTAX, 6 },
		{ "[1:b = 1]", BW_ERR_SYNTAX, 1 },
		{ "[NOT a:b = 1]", BW_ERR_SYNTAX, 5 },
		{ "[a:b NOT NOT = 1]", BW_ERR_SYNTAX, 9 },
		{ "[a:b EXISTS]", BW_ERR_SYNTAX, 5 },
		{ "[a:b = c]", BW_ERR_SYNTAX, 7 },
		{ "[a:b = a:b]", BW_ERR_SYNTAX, 7 },
		{ "[a:b = TRUE]", BW_ERR_SYNTAX, 7 },
		{ "[a:b > true]", BW_ERR_SYNTAX, 7 },
		{ "[a:b LIKE 1]", BW_ERR_SYNTAX, 10 },
		{ "[a:b ISSUBSET h'00']", BW_ERR_SYNTAX, 14 },
		{ "[a:b IN 1]", BW_ERR_SYNTAX, 8 },
		{ "[a:b IN (1,)]", BW_ERR_SYNTAX, 11 },
		{ "[a:b IN (1 2)]", BW_ERR_SYNTAX, 11 },
		{ "[a:b = 'c]", BW_ERR_SYNTAX, 7 },
		{ "[a:b = 'c\\n']", BW_ERR_SYNTAX, 9 },
		{ "[a:b = \"c\"]", BW_ERR_SYNTAX, 7 },
		{ "[a:b = +1]", BW_ERR_SYNTAX, 7 },
		{ "[a:b = 01]", BW_ERR_SYNTAX, 7 },
		{ "[a:b = 1.]", BW_ERR_SYNTAX, 8 },
		{ "[a:b = 1e5]", BW_ERR_SYNTAX, 8 },
		{ "[a:b = -]", BW_ERR_SYNTAX, 7 },
		{ "[a:b = h'abc']", BW_ERR_SYNTAX, 12 },
		{ "[a:b = h'gg']", BW_ERR_SYNTAX, 9 },
		{ "[a:b = b'']", BW_ERR_SYNTAX, 9 },
		{ "[a:b = b'AB=C']", BW_ERR_SYNTAX, 12 },
		{ "[a:b = b'ABC']", BW_ERR_SYNTAX, 12 },
		{ "[a:b = ! 1]", BW_ERR_SYNTAX, 7 },
		{ "[a:b / 1]", BW_ERR_SYNTAX, 5 },
		{ "[a:b = 1] /* ", BW_ERR_SYNTAX, 10 },
		{ "[a:b\xc2\xad= 1]", BW_ERR_SYNTAX, 4 },
		{ "[a:b = 1] START 'x' STOP 'y'", BW_ERR_SYNTAX, 16 },
		{ "[a:b = 1] WITHIN SECONDS", BW_ERR_SYNTAX, 17 },
		{ "[a:b = 1] REPEATS 1.5 TIMES", BW_ERR_SYNTAX, 18 },
	};

	(void)state;
	assert_refused(rows, BW_COUNT(rows));
}

static void what_cannot_be_is_refused(void **state)
{
	static const struct refused rows[] = {
		{ "[a:b = 99999999999999999999]", BW_ERR_RANGE, 7 },
		{ "[a:b[99999999999999999999] = 1]", BW_ERR_RANGE, 5 },
		{ "[a:b = t'2020-02-30']", BW_ERR_RANGE, 7 },
		{ "[a:b = t'2020-13-01T00:00:00Z']", BW_ERR_RANGE, 7 },
		{ "[a:b = t'2020-01-01T00:00:00.Z']", BW_ERR_RANGE, 7 },
		{ "[a:b = t'2020-01-01t00:00:00Z']", BW_ERR_RANGE, 7 },
		{ "[a:b = t'2020-01-01T00:00:00+00:00']", BW_ERR_RANGE, 7 },
		{ "[a:b = 1] WITHIN 0 SECONDS", BW_ERR_RANGE, 17 },
		{ "[a:b = 1] WITHIN -1 SECONDS", BW_ERR_RANGE, 17 },
		{ "[a:b = 1] REPEATS 0 TIMES", BW_ERR_RANGE, 18 },
		{ "[a:b = 1] REPEATS -1 TIMES", BW_ERR_RANGE, 18 },
		{ "[file:hashes.MD5 = 'f00']", BW_ERR_RANGE, 19 },
		{ "[file:hashes.'SHA-256' IN ('f00')]", BW_ERR_RANGE, 27 },
		{ "[a:b = 1] REPEATS 2 TIMES WITHIN 1 SECONDS REPEATS 2 TIMES", BW_ERR_DUPLICATE, 43 },
	};

	(void)state;
	assert_refused(rows, BW_COUNT(rows));
}

static void hashes_of_unknown_algorithms_pass(void **state)
{
	(void)state;
	assert_ok(check("[file:hashes.TLSH = 'f00' OR file:hashes[*] = 'f00' OR file:hashes.'x-own' = 'f00']",
			BW_PATTERN_2_1, NULL));
	assert_ok(check("[file:hashes.MD5 LIKE 'f00%' OR file:md5 = 'f00']", BW_PATTERN_2_1, NULL));
	assert_ok(check("[file:hashes.ssdeep = '3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C']", BW_PATTERN_2_1, NULL));
}

static void the_older_version_has_its_own_rules(void **state)
{
	(void)state;
	assert_ok(check("[a:b = 1] START '2020-01-01T00:00:00Z' STOP '2020-01-02T00:00:00Z'", BW_PATTERN_2_0, NULL));
	assert_ok(check("[a:b = 1] START t'2020-01-01T00:00:00Z' STOP t'2020-01-02T00:00:00Z'", BW_PATTERN_2_0, NULL));
	assert_int_equal(check("[a:b = 1] START 'yesterday' STOP 'today'", BW_PATTERN_2_0, NULL), BW_ERR_RANGE);
	assert_ok(check("[a:b = 1] REPEATS 1 TIMES REPEATS 2 TIMES", BW_PATTERN_2_0, NULL));
	assert_int_equal(check("[EXISTS a:b]", BW_PATTERN_2_0, NULL), BW_ERR_SYNTAX);
	assert_ok(check("[EXISTS:b = 1]", BW_PATTERN_2_0, NULL));
}

static void what_is_odd_is_remarked(void **state)
{
	static const struct {
		const char *text;
		unsigned remarks;
	} rows[] = {
		{ "[a:b = 1 AND c:d = 2]", BW_PATTERN_MIXED_AND },
		{ "[a:b = 1 OR c:d = 2]", 0 },
		{ "[(a:b = 1 OR c:d = 2) AND a:e = 3]", 0 },
		{ "[(a:b = 1 AND a:c = 2) OR (d:e = 3 AND d:f = 4)]", 0 },
		{ "[(a:b = 1 OR a:c = 2) AND d:e = 3]", BW_PATTERN_MIXED_AND },
		{ "[a:b IN (1, 'a')]", BW_PATTERN_MIXED_SET },
		{ "[a:b IN (1, 2.5) OR a:b IN (h'00', b'AAAA')]", 0 },
		{ "[a:b = t'2023-02-29T00:00:00Z']", BW_PATTERN_NO_SUCH_DAY },
		{ "[a:b = t'2024-12-31T00:00:00Z']", 0 },
		{ "([a:b = 1]) WITHIN 1 SECONDS WITHIN 2 SECONDS", BW_PATTERN_REPEATED_QUALIFIER },
		{ "[a:b = 1] START t'2020-01-01T00:00:00Z' STOP t'2020-01-01T00:00:00.0Z'", BW_PATTERN_EMPTY_WINDOW },
		{ "[a:b = 9007199254740992]", BW_PATTERN_UNSAFE_INTEGER },
		{ "[a:b = -9007199254740991]", 0 },
		{ "[a:b[-1] = 1]", BW_PATTERN_NEGATIVE_INDEX },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		unsigned remarks = 0;

		assert_ok(bw_pattern_check(bw_slice_text(rows[i].text), BW_PATTERN_2_1, &remarks, NULL));
		if (remarks != rows[i].remarks)
			fail_msg("%s: %u", rows[i].text, remarks);
		assert_int_equal(parse(rows[i].text)->remarks, remarks);
		assert_non_null(bw_pattern_remark_text((enum bw_pattern_remark)remarks));
	}
}

static void an_index_finds_what_is_asked_to_be_equal(void **state)
{
	const struct bw_pattern *p = parse("[a:b = 'x' AND a:c != 'no' AND a:d NOT = 'no' AND a:e IN ('y', 3)]"
					   " OR [a:f LIKE 'no' OR a:g NOT IN ('no') OR a:h = true]");
	struct bw_pattern_walk walk = { p->tests, 0 };
	struct bw_buf seen = BW_BUF_INIT(1000);
	const struct bw_pattern_path *path;
	const struct bw_pattern_value *value;

	(void)state;
	while (bw_pattern_next_equal(&walk, &path, &value)) {
		assert_ok(bw_pattern_path_write(path, &seen));
		assert_ok(bw_buf_addf(&seen, "=%.*s ", BW_ARG(value->bytes)));
	}
	assert_string_equal(bw_buf_text(&seen), "a:b=x a:e=y a:e=3 a:h=true ");
	bw_buf_release(&seen);
}

/* `unit` over and over between `start` and `end`. */
static enum bw_err check_long(const char *start, const char *unit, size_t times, const char *end)
{
	struct bw_buf text = BW_BUF_INIT(2 * BW_PATTERN_BYTES_MAX);
	enum bw_err err;

	assert_ok(bw_buf_add_text(&text, start));
	for (size_t i = 0; i < times; i++)
		assert_ok(bw_buf_add_text(&text, unit));
	assert_ok(bw_buf_add_text(&text, end));
	err = bw_pattern_check(bw_buf_slice(&text), BW_PATTERN_2_1, NULL, NULL);
	bw_buf_release(&text);
	return err;
}

static void what_grows_without_end_meets_a_limit(void **state)
{
	(void)state;
	assert_int_equal(check_long("[a:b = '", "x", BW_PATTERN_BYTES_MAX, "']"), BW_ERR_TOO_BIG);
	assert_int_equal(check_long("", "(", BW_PATTERN_DEPTH_MAX, "[a:b=1]"), BW_ERR_SYNTAX);
	assert_int_equal(check_long("", "(", BW_PATTERN_DEPTH_MAX + 1, "[a:b=1]"), BW_ERR_TOO_DEEP);
	assert_int_equal(check_long("[", "(", BW_PATTERN_DEPTH_MAX + 1, "a:b=1]"), BW_ERR_TOO_DEEP);
	assert_int_equal(check_long("[a:b IN (1", ",1", BW_PATTERN_NODES_MAX, ")]"), BW_ERR_TOO_MANY);
	assert_int_equal(check_long("[a:b", "[0]", BW_PATTERN_NODES_MAX, " = 1]"), BW_ERR_TOO_MANY);
	assert_ok(check_long("[a:b = 1", " OR a:b = 1", 40000, "]"));
}

static void a_spent_arena_is_an_error(void **state)
{
	const char *text = "([a:b IN ('it\\'s', h'00', b'AAAA')] FOLLOWEDBY [a:b = 1]) WITHIN 5 SECONDS";
	struct bw_pattern *pattern;
	size_t budget = 0;
	enum bw_err err = BW_ERR_MEMORY;

	(void)state;
	for (; err == BW_ERR_MEMORY; budget += 16) {
		struct bw_arena small = BW_ARENA_INIT(budget);

		err = bw_pattern_parse(bw_slice_text(text), BW_PATTERN_2_1, &small, &pattern, NULL);
		bw_arena_release(&small);
	}
	assert_ok(err);
	assert_true(budget > 1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_pattern_becomes_a_tree),
		TEST(and_binds_tighter_than_or_and_or_than_followedby),
		TEST(qualifiers_are_not_greedy_and_keep_their_order),
		TEST(a_chain_of_one_operator_is_one_node),
		TEST(paths_have_keys_indexes_and_quotes),
		TEST(constants_of_all_types_have_values),
		TEST(timestamps_count_from_1970_in_every_year),
		TEST(floats_are_the_nearest_double),
		TEST(every_operator_is_known),
		TEST(blanks_of_unicode_and_comments_separate_words),
		TEST(what_is_no_pattern_is_refused_where_it_breaks),
		TEST(what_cannot_be_is_refused),
		TEST(hashes_of_unknown_algorithms_pass),
		TEST(the_older_version_has_its_own_rules),
		TEST(what_is_odd_is_remarked),
		TEST(an_index_finds_what_is_asked_to_be_equal),
		TEST(what_grows_without_end_meets_a_limit),
		TEST(a_spent_arena_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
