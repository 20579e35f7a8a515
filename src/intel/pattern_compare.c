#include "base/num.h"
#include "intel/pattern_parser.h"
#include "intel/pattern_value.h"

static enum bw_err no_memory(const struct bw_pattern_parser *p)
{
	return bw_pattern_refuse(p, BW_ERR_MEMORY, "no memory left for this pattern");
}

/* Object paths (§9.7) */

struct path {
	struct bw_pattern_path tree;
	struct bw_pattern_step **end;
	struct bw_slice last_key;
	bool in_hashes; /* a key "hashes" stands in it */
	bool ends_in_key;
};

static enum bw_err take_key(struct bw_pattern_parser *p, struct path *path)
{
	struct bw_pattern_step *step;
	struct bw_slice key = p->token.text;
	enum bw_err err;

	if (p->token.kind == TOK_HYPHEN_NAME)
		return bw_pattern_refuse(p, BW_ERR_SYNTAX, "a property name with a hyphen stands in apostrophes");
	if (p->token.kind != TOK_NAME && p->token.kind != TOK_STRING)
		return bw_pattern_refuse(p, BW_ERR_SYNTAX, "a property name is missing");
	step = bw_pattern_make(p, sizeof(*step), &err);
	BW_TRY(err);
	if (p->token.kind == TOK_STRING && bw_pattern_unescape(&p->token, p->arena, &key) != BW_OK)
		return no_memory(p);
	path->in_hashes |= bw_slice_is(key, "hashes");
	path->last_key = key;
	path->ends_in_key = true;
	if (step != NULL) {
		step->kind = BW_PATTERN_KEY;
		step->key = key;
		*path->end = step;
		path->end = &step->next;
	}
	return bw_pattern_advance(p);
}

static enum bw_err take_index(struct bw_pattern_parser *p, struct path *path)
{
	struct bw_pattern_step *step;
	int64_t index = 0;
	enum bw_err err;

	step = bw_pattern_make(p, sizeof(*step), &err);
	BW_TRY(err);
	if (p->token.kind == TOK_INTEGER && bw_parse_i64(p->token.text, &index) != BW_OK)
		return bw_pattern_refuse(p, BW_ERR_RANGE, "a list index beyond all range");
	if (p->token.kind != TOK_INTEGER && p->token.kind != TOK_STAR)
		return bw_pattern_refuse(p, BW_ERR_SYNTAX, "a list index is a whole number or '*'");
	if (index < 0)
		p->remarks |= BW_PATTERN_NEGATIVE_INDEX;
	path->ends_in_key = false;
	if (step != NULL) {
		step->kind = p->token.kind == TOK_STAR ? BW_PATTERN_EVERY : BW_PATTERN_INDEX;
		step->index = index;
		*path->end = step;
		path->end = &step->next;
	}
	BW_TRY(bw_pattern_advance(p));
	return bw_pattern_expect(p, TOK_RBRACK, "a list index ends with ']'");
}

static enum bw_err take_path(struct bw_pattern_parser *p, struct path *path)
{
	if (p->token.kind != TOK_NAME && p->token.kind != TOK_HYPHEN_NAME)
		return bw_pattern_refuse(p, BW_ERR_SYNTAX, "a comparison starts with an object path like file:name");
	path->tree.type = p->token.text;
	BW_TRY(bw_pattern_advance(p));
	BW_TRY(bw_pattern_expect(p, TOK_COLON, "behind the object type stands a ':'"));
	BW_TRY(take_key(p, path));
	while (p->token.kind == TOK_DOT || p->token.kind == TOK_LBRACK) {
		const bool key = p->token.kind == TOK_DOT;

		BW_TRY(bw_pattern_advance(p));
		BW_TRY(key ? take_key(p, path) : take_index(p, path));
	}
	return BW_OK;
}

/* Comparisons (§9.6) */

static bool is_constant(enum bw_pattern_token_kind kind)
{
	return kind >= TOK_STRING && kind <= TOK_TIMESTAMP;
}

static bool takes_string_only(enum bw_pattern_op op)
{
	return op >= BW_PATTERN_LIKE && op <= BW_PATTERN_ISSUPERSET;
}

static enum bw_err check_constant(const struct bw_pattern_parser *p, enum bw_pattern_op op)
{
	if (!is_constant(p->token.kind))
		return bw_pattern_refuse(p, BW_ERR_SYNTAX, "a constant is missing");
	if (takes_string_only(op) && p->token.kind != TOK_STRING)
		return bw_pattern_refuse(p, BW_ERR_SYNTAX, "this operator takes a string");
	if (op >= BW_PATTERN_LT && op <= BW_PATTERN_GE && p->token.kind == TOK_BOOLEAN)
		return bw_pattern_refuse(p, BW_ERR_SYNTAX, "true and false have no order");
	return BW_OK;
}

static enum bw_err take_constant(struct bw_pattern_parser *p, enum bw_pattern_op op, const struct path *path,
				 struct bw_pattern_value *out)
{
	BW_TRY(check_constant(p, op));
	BW_TRY(bw_pattern_value_read(&p->token, p->arena, out, &p->remarks, p->lexer.fault));
	if (path->in_hashes && path->ends_in_key && out->kind == BW_PATTERN_STRING &&
	    (op == BW_PATTERN_EQ || op == BW_PATTERN_NE || op == BW_PATTERN_IN) &&
	    !bw_pattern_hash_fits(path->last_key, out->bytes))
		return bw_pattern_refuse(p, BW_ERR_RANGE, "this cannot be a hash of that algorithm");
	return bw_pattern_advance(p);
}

/* Numbers compare with one another, and so do hex and binary; all else stays apart (§9.2). */
static unsigned comparable_with(enum bw_pattern_value_kind kind)
{
	if (kind == BW_PATTERN_FLOAT)
		return BW_PATTERN_INTEGER;
	return kind == BW_PATTERN_BINARY ? BW_PATTERN_HEX : (unsigned)kind;
}

/* Members as a list first: how many there are is known only at the ')'. */
struct member {
	struct bw_pattern_value value;
	struct member *next;
};

static enum bw_err gather(struct bw_pattern_parser *p, const struct member *first, struct bw_pattern_test *test)
{
	if (p->arena == NULL || test->values_n == 0)
		return BW_OK;
	test->values = bw_arena_zero(p->arena, test->values_n, sizeof(*test->values));
	if (test->values == NULL)
		return no_memory(p);
	for (size_t i = 0; first != NULL && i < test->values_n; i++, first = first->next)
		test->values[i] = first->value;
	return BW_OK;
}

static enum bw_err take_set(struct bw_pattern_parser *p, const struct path *path, struct bw_pattern_test *test)
{
	struct member *first = NULL;
	struct member **end = &first;
	unsigned kind = 0;

	BW_TRY(bw_pattern_expect(p, TOK_LPAREN, "behind IN stands a list in parentheses"));
	while (p->token.kind != TOK_RPAREN) {
		struct bw_pattern_value value;
		struct member *member;
		enum bw_err err;

		if (test->values_n > 0)
			BW_TRY(bw_pattern_expect(p, TOK_COMMA, "a ',' or ')' is missing in the list"));
		member = bw_pattern_make(p, sizeof(*member), &err);
		BW_TRY(err);
		BW_TRY(take_constant(p, BW_PATTERN_IN, path, &value));
		if (test->values_n > 0 && comparable_with(value.kind) != kind)
			p->remarks |= BW_PATTERN_MIXED_SET;
		kind = comparable_with(value.kind);
		test->values_n++;
		if (member != NULL) {
			member->value = value;
			*end = member;
			end = &member->next;
		}
	}
	BW_TRY(bw_pattern_advance(p));
	return gather(p, first, test);
}

static enum bw_err take_single(struct bw_pattern_parser *p, const struct path *path, struct bw_pattern_test *test)
{
	struct bw_pattern_value value;

	BW_TRY(take_constant(p, test->op, path, &value));
	test->values_n = 1;
	if (p->arena == NULL)
		return BW_OK;
	test->values = bw_arena_take(p->arena, sizeof(value));
	if (test->values == NULL)
		return no_memory(p);
	test->values[0] = value;
	return BW_OK;
}

static enum bw_err take_operator(struct bw_pattern_parser *p, struct bw_pattern_test *test)
{
	if (p->token.kind == TOK_NOT) {
		test->negated = true;
		BW_TRY(bw_pattern_advance(p));
	}
	if (p->token.kind < TOK_EQ || p->token.kind > TOK_ISSUPERSET)
		return bw_pattern_refuse(p, BW_ERR_SYNTAX, "a comparison operator is missing");
	test->op = (enum bw_pattern_op)(p->token.kind - TOK_EQ);
	return bw_pattern_advance(p);
}

static enum bw_err take_comparison(struct bw_pattern_parser *p, struct path *path, struct bw_pattern_test *test)
{
	BW_TRY(take_path(p, path));
	BW_TRY(take_operator(p, test));
	return test->op == BW_PATTERN_IN ? take_set(p, path, test) : take_single(p, path, test);
}

/* EXISTS a, NOT EXISTS a */
static enum bw_err take_exists(struct bw_pattern_parser *p, struct path *path, struct bw_pattern_test *test)
{
	if (p->token.kind == TOK_NOT) {
		test->negated = true;
		BW_TRY(bw_pattern_advance(p));
	}
	BW_TRY(bw_pattern_expect(p, TOK_EXISTS, "a comparison starts with an object path like file:name"));
	test->op = BW_PATTERN_EXISTS;
	return take_path(p, path);
}

enum bw_err bw_pattern_take_test(struct bw_pattern_parser *p, struct bw_pattern_part *out)
{
	struct bw_pattern_test test = { .op = BW_PATTERN_EQ };
	struct path path = { .last_key = bw_slice_empty };
	struct bw_pattern_node *node;
	const size_t offset = p->token.offset;
	enum bw_err err;

	path.end = &path.tree.steps;
	node = bw_pattern_make(p, sizeof(*node), &err);
	BW_TRY(err);
	if (p->token.kind == TOK_EXISTS || p->token.kind == TOK_NOT)
		BW_TRY(take_exists(p, &path, &test));
	else
		BW_TRY(take_comparison(p, &path, &test));
	*out = (struct bw_pattern_part){ node, path.tree.type };
	if (node == NULL)
		return BW_OK;
	node->kind = BW_PATTERN_TEST;
	node->offset = (uint32_t)offset;
	node->test = bw_arena_take(p->arena, sizeof(test));
	if (node->test == NULL)
		return no_memory(p);
	test.path = path.tree;
	*node->test = test;
	*p->last_test = node->test;
	p->last_test = &node->test->next;
	return BW_OK;
}
