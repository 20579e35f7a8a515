#include "intel/pattern.h"

#include "base/num.h"
#include "intel/pattern_lex.h"
#include "intel/pattern_value.h"

/*
 * One parser serves two callers: with an arena it builds the tree, without one
 * every make_* hands out NULL and only the verdict and the remarks are left.
 */
struct parser {
	struct bw_pattern_lexer lexer;
	struct bw_pattern_token token; /* the one to be read next */
	struct bw_arena *arena;        /* NULL: check only */
	struct bw_pattern_test *tests;
	struct bw_pattern_test **last_test;
	size_t nodes;
	unsigned depth;
	unsigned remarks;
};

/*
 * What an expression turned out to be. `type` is the object type that all its
 * comparisons start from, empty when there are several (joined by OR).
 */
struct part {
	struct bw_pattern_node *node;
	struct bw_slice type;
};

static enum bw_err refuse(const struct parser *p, enum bw_err err, const char *reason)
{
	return bw_fault_set(p->lexer.fault, err, p->token.offset, reason);
}

static enum bw_err advance(struct parser *p)
{
	return bw_pattern_lex(&p->lexer, &p->token);
}

static enum bw_err expect(struct parser *p, enum bw_pattern_token_kind kind, const char *reason)
{
	if (p->token.kind != kind)
		return refuse(p, BW_ERR_SYNTAX, reason);
	return advance(p);
}

static enum bw_err no_memory(const struct parser *p)
{
	return refuse(p, BW_ERR_MEMORY, "no memory left for this pattern");
}

/* Counts one thing of the tree, and makes it, zeroed, when there is a tree to build. */
static void *make(struct parser *p, size_t size, enum bw_err *err)
{
	void *made;

	if (p->nodes == BW_PATTERN_NODES_MAX) {
		*err = refuse(p, BW_ERR_TOO_MANY, "more expressions than the limit");
		return NULL;
	}
	p->nodes++;
	*err = BW_OK;
	if (p->arena == NULL)
		return NULL;
	made = bw_arena_zero(p->arena, 1, size);
	if (made == NULL)
		*err = no_memory(p);
	return made;
}

/* Object paths (§9.7) */

struct path {
	struct bw_pattern_path tree;
	struct bw_pattern_step **end;
	struct bw_slice last_key;
	bool in_hashes; /* a key "hashes" stands in it */
	bool ends_in_key;
};

static enum bw_err take_key(struct parser *p, struct path *path)
{
	struct bw_pattern_step *step;
	struct bw_slice key = p->token.text;
	enum bw_err err;

	if (p->token.kind == TOK_HYPHEN_NAME)
		return refuse(p, BW_ERR_SYNTAX, "a property name with a hyphen stands in apostrophes");
	if (p->token.kind != TOK_NAME && p->token.kind != TOK_STRING)
		return refuse(p, BW_ERR_SYNTAX, "a property name is missing");
	step = make(p, sizeof(*step), &err);
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
	return advance(p);
}

static enum bw_err take_index(struct parser *p, struct path *path)
{
	struct bw_pattern_step *step;
	int64_t index = 0;
	enum bw_err err;

	step = make(p, sizeof(*step), &err);
	BW_TRY(err);
	if (p->token.kind == TOK_INTEGER && bw_parse_i64(p->token.text, &index) != BW_OK)
		return refuse(p, BW_ERR_RANGE, "a list index beyond all range");
	if (p->token.kind != TOK_INTEGER && p->token.kind != TOK_STAR)
		return refuse(p, BW_ERR_SYNTAX, "a list index is a whole number or '*'");
	if (index < 0)
		p->remarks |= BW_PATTERN_NEGATIVE_INDEX;
	path->ends_in_key = false;
	if (step != NULL) {
		step->kind = p->token.kind == TOK_STAR ? BW_PATTERN_EVERY : BW_PATTERN_INDEX;
		step->index = index;
		*path->end = step;
		path->end = &step->next;
	}
	BW_TRY(advance(p));
	return expect(p, TOK_RBRACK, "a list index ends with ']'");
}

static enum bw_err take_path(struct parser *p, struct path *path)
{
	if (p->token.kind != TOK_NAME && p->token.kind != TOK_HYPHEN_NAME)
		return refuse(p, BW_ERR_SYNTAX, "a comparison starts with an object path like file:name");
	path->tree.type = p->token.text;
	BW_TRY(advance(p));
	BW_TRY(expect(p, TOK_COLON, "behind the object type stands a ':'"));
	BW_TRY(take_key(p, path));
	while (p->token.kind == TOK_DOT || p->token.kind == TOK_LBRACK) {
		const bool key = p->token.kind == TOK_DOT;

		BW_TRY(advance(p));
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

static enum bw_err check_constant(const struct parser *p, enum bw_pattern_op op)
{
	if (!is_constant(p->token.kind))
		return refuse(p, BW_ERR_SYNTAX, "a constant is missing");
	if (takes_string_only(op) && p->token.kind != TOK_STRING)
		return refuse(p, BW_ERR_SYNTAX, "this operator takes a string");
	if (op >= BW_PATTERN_LT && op <= BW_PATTERN_GE && p->token.kind == TOK_BOOLEAN)
		return refuse(p, BW_ERR_SYNTAX, "true and false have no order");
	return BW_OK;
}

static enum bw_err take_constant(struct parser *p, enum bw_pattern_op op, const struct path *path,
				 struct bw_pattern_value *out)
{
	BW_TRY(check_constant(p, op));
	BW_TRY(bw_pattern_value_read(&p->token, p->arena, out, &p->remarks, p->lexer.fault));
	if (path->in_hashes && path->ends_in_key && out->kind == BW_PATTERN_STRING &&
	    (op == BW_PATTERN_EQ || op == BW_PATTERN_NE || op == BW_PATTERN_IN) &&
	    !bw_pattern_hash_fits(path->last_key, out->bytes))
		return refuse(p, BW_ERR_RANGE, "this cannot be a hash of that algorithm");
	return advance(p);
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

static enum bw_err gather(struct parser *p, const struct member *first, struct bw_pattern_test *test)
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

static enum bw_err take_set(struct parser *p, const struct path *path, struct bw_pattern_test *test)
{
	struct member *first = NULL;
	struct member **end = &first;
	unsigned kind = 0;

	BW_TRY(expect(p, TOK_LPAREN, "behind IN stands a list in parentheses"));
	while (p->token.kind != TOK_RPAREN) {
		struct bw_pattern_value value;
		struct member *member;
		enum bw_err err;

		if (test->values_n > 0)
			BW_TRY(expect(p, TOK_COMMA, "a ',' or ')' is missing in the list"));
		member = make(p, sizeof(*member), &err);
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
	BW_TRY(advance(p));
	return gather(p, first, test);
}

static enum bw_err take_single(struct parser *p, const struct path *path, struct bw_pattern_test *test)
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

static enum bw_err take_operator(struct parser *p, struct bw_pattern_test *test)
{
	if (p->token.kind == TOK_NOT) {
		test->negated = true;
		BW_TRY(advance(p));
	}
	if (p->token.kind < TOK_EQ || p->token.kind > TOK_ISSUPERSET)
		return refuse(p, BW_ERR_SYNTAX, "a comparison operator is missing");
	test->op = (enum bw_pattern_op)(p->token.kind - TOK_EQ);
	return advance(p);
}

static enum bw_err take_comparison(struct parser *p, struct path *path, struct bw_pattern_test *test)
{
	BW_TRY(take_path(p, path));
	BW_TRY(take_operator(p, test));
	return test->op == BW_PATTERN_IN ? take_set(p, path, test) : take_single(p, path, test);
}

/* EXISTS a, NOT EXISTS a */
static enum bw_err take_exists(struct parser *p, struct path *path, struct bw_pattern_test *test)
{
	if (p->token.kind == TOK_NOT) {
		test->negated = true;
		BW_TRY(advance(p));
	}
	BW_TRY(expect(p, TOK_EXISTS, "a comparison starts with an object path like file:name"));
	test->op = BW_PATTERN_EXISTS;
	return take_path(p, path);
}

static enum bw_err take_test(struct parser *p, struct part *out)
{
	struct bw_pattern_test test = { .op = BW_PATTERN_EQ };
	struct path path = { .last_key = bw_slice_empty };
	struct bw_pattern_node *node;
	const size_t offset = p->token.offset;
	enum bw_err err;

	path.end = &path.tree.steps;
	node = make(p, sizeof(*node), &err);
	BW_TRY(err);
	if (p->token.kind == TOK_EXISTS || p->token.kind == TOK_NOT)
		BW_TRY(take_exists(p, &path, &test));
	else
		BW_TRY(take_comparison(p, &path, &test));
	*out = (struct part){ node, path.tree.type };
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

/* Expressions: chains of one operator, tighter ones inside (§9.5.3) */

struct level {
	enum bw_pattern_token_kind joint;
	enum bw_pattern_node_kind kind;
};

enum { OBSERVATIONS = 0, COMPARISONS = 3, LEVELS = 5 };

static const struct level levels[LEVELS] = {
	{ TOK_FOLLOWEDBY, BW_PATTERN_FOLLOWEDBY },
	{ TOK_OR, BW_PATTERN_OBS_OR },
	{ TOK_AND, BW_PATTERN_OBS_AND },
	{ TOK_OR, BW_PATTERN_OR },
	{ TOK_AND, BW_PATTERN_AND },
};

static enum bw_err take_level(struct parser *p, unsigned level, struct part *out);
static enum bw_err take_observation(struct parser *p, struct part *out);

static enum bw_err take_nested(struct parser *p, unsigned level, struct part *out)
{
	if (p->depth == BW_PATTERN_DEPTH_MAX)
		return refuse(p, BW_ERR_TOO_DEEP, "parentheses nested deeper than the limit");
	p->depth++;
	BW_TRY(advance(p));
	BW_TRY(take_level(p, level, out));
	p->depth--;
	return expect(p, TOK_RPAREN, "a ')' is missing");
}

static enum bw_err take_operand(struct parser *p, unsigned level, struct part *out)
{
	if (level == COMPARISONS - 1)
		return take_observation(p, out);
	if (level < LEVELS - 1)
		return take_level(p, level + 1, out);
	return p->token.kind == TOK_LPAREN ? take_nested(p, COMPARISONS, out) : take_test(p, out);
}

/* The type all of a and b start from: §9.5, "satisfiable with the same object". */
static struct bw_slice join_types(struct parser *p, enum bw_pattern_node_kind kind, struct bw_slice a,
				  struct bw_slice b)
{
	if (kind == BW_PATTERN_AND) {
		if (a.len > 0 && b.len > 0 && !bw_slice_equals(a, b))
			p->remarks |= BW_PATTERN_MIXED_AND;
		return a.len > 0 ? a : b;
	}
	return bw_slice_equals(a, b) ? a : bw_slice_empty;
}

/* A parenthesis without qualifiers around the same operator is part of the chain. */
static void append(struct bw_pattern_node ***end, struct bw_pattern_node *node, enum bw_pattern_node_kind kind)
{
	if (node == NULL || *end == NULL) /* check only: there is no tree */
		return;
	**end = node->kind == kind && node->qualifiers == NULL ? node->children : node;
	while (**end != NULL)
		*end = &(**end)->next;
}

static enum bw_err take_chain(struct parser *p, unsigned level, struct part *out)
{
	const struct level *l = &levels[level];
	struct bw_pattern_node *chain;
	struct bw_pattern_node **end = NULL;
	enum bw_err err;

	chain = make(p, sizeof(*chain), &err);
	BW_TRY(err);
	if (chain != NULL) {
		chain->kind = l->kind;
		chain->offset = out->node->offset;
		end = &chain->children;
		append(&end, out->node, l->kind);
	}
	while (p->token.kind == l->joint) {
		struct part next = { NULL, bw_slice_empty };

		BW_TRY(advance(p));
		BW_TRY(take_operand(p, level, &next));
		out->type = join_types(p, l->kind, out->type, next.type);
		append(&end, next.node, l->kind);
	}
	out->node = chain;
	return BW_OK;
}

static enum bw_err take_level(struct parser *p, unsigned level, struct part *out)
{
	BW_TRY(take_operand(p, level, out));
	return p->token.kind == levels[level].joint ? take_chain(p, level, out) : BW_OK;
}

/* Qualifiers (§9.5.1) */

static enum bw_err take_within(struct parser *p, struct bw_pattern_qualifier *out)
{
	out->kind = BW_PATTERN_WITHIN;
	if (p->token.kind != TOK_INTEGER && p->token.kind != TOK_FLOAT)
		return refuse(p, BW_ERR_SYNTAX, "behind WITHIN stands a number of seconds");
	if (p->token.text.ptr[0] == '-')
		return refuse(p, BW_ERR_RANGE, "a time window is a positive number");
	out->window_ns = bw_pattern_nanoseconds(p->token.text);
	if (out->window_ns == 0)
		return refuse(p, BW_ERR_RANGE, "a time window is a positive number");
	BW_TRY(advance(p));
	return expect(p, TOK_SECONDS, "SECONDS is missing");
}

static enum bw_err take_repeats(struct parser *p, struct bw_pattern_qualifier *out)
{
	out->kind = BW_PATTERN_REPEATS;
	if (p->token.kind != TOK_INTEGER)
		return refuse(p, BW_ERR_SYNTAX, "behind REPEATS stands a whole number");
	if (bw_parse_u64(p->token.text, &out->times) != BW_OK || out->times == 0)
		return refuse(p, BW_ERR_RANGE, "REPEATS takes a positive whole number");
	BW_TRY(advance(p));
	return expect(p, TOK_TIMES, "TIMES is missing");
}

static enum bw_err take_instant(struct parser *p, struct bw_pattern_value *out)
{
	struct bw_pattern_token *t = &p->token;

	if (t->kind == TOK_STRING && p->lexer.version == BW_PATTERN_2_0) {
		if (!bw_pattern_is_timestamp(t->text))
			return refuse(p, BW_ERR_RANGE, "a timestamp is 'YYYY-MM-DDThh:mm:ss.sssZ' in UTC");
		t->kind = TOK_TIMESTAMP;
	}
	if (t->kind != TOK_TIMESTAMP)
		return refuse(p, BW_ERR_SYNTAX, "START and STOP take a timestamp: t'YYYY-MM-DDThh:mm:ssZ'");
	BW_TRY(bw_pattern_value_read(t, p->arena, out, &p->remarks, p->lexer.fault));
	return advance(p);
}

static bool is_after(const struct bw_pattern_value *a, const struct bw_pattern_value *b)
{
	if (a->as.time.seconds != b->as.time.seconds)
		return a->as.time.seconds > b->as.time.seconds;
	return a->as.time.nanos > b->as.time.nanos;
}

static enum bw_err take_start_stop(struct parser *p, struct bw_pattern_qualifier *out)
{
	out->kind = BW_PATTERN_START_STOP;
	BW_TRY(take_instant(p, &out->start));
	BW_TRY(expect(p, TOK_STOP, "START comes with STOP"));
	BW_TRY(take_instant(p, &out->stop));
	if (!is_after(&out->stop, &out->start))
		p->remarks |= BW_PATTERN_EMPTY_WINDOW;
	return BW_OK;
}

/*
 * §9.5.1 forbids two qualifiers of a kind on one expression. On [ ] that is an
 * error, as in the reference validator, which lets it pass on parentheses.
 */
static enum bw_err note_kind(struct parser *p, enum bw_pattern_qualifier_kind kind, size_t offset, bool simple,
			     unsigned *kinds)
{
	const unsigned bit = 1U << kind;

	if ((*kinds & bit) != 0 && simple && p->lexer.version != BW_PATTERN_2_0)
		return bw_fault_set(p->lexer.fault, BW_ERR_DUPLICATE, offset, "this kind of qualifier stands twice");
	if ((*kinds & bit) != 0)
		p->remarks |= BW_PATTERN_REPEATED_QUALIFIER;
	*kinds |= bit;
	return BW_OK;
}

static enum bw_err take_qualifier(struct parser *p, bool simple, unsigned *kinds, struct bw_pattern_qualifier *out)
{
	const enum bw_pattern_token_kind word = p->token.kind;
	const size_t offset = p->token.offset;

	BW_TRY(advance(p));
	if (word == TOK_WITHIN)
		BW_TRY(take_within(p, out));
	else if (word == TOK_REPEATS)
		BW_TRY(take_repeats(p, out));
	else
		BW_TRY(take_start_stop(p, out));
	return note_kind(p, out->kind, offset, simple, kinds);
}

static bool is_qualifier(enum bw_pattern_token_kind kind)
{
	return kind == TOK_WITHIN || kind == TOK_REPEATS || kind == TOK_START;
}

static enum bw_err take_qualifiers(struct parser *p, bool simple, struct bw_pattern_node *node)
{
	struct bw_pattern_qualifier **end = node == NULL ? NULL : &node->qualifiers;
	unsigned kinds = 0;

	/* ([a] WITHIN 5 SECONDS) REPEATS 2 TIMES: the outer ones follow the inner */
	while (end != NULL && *end != NULL)
		end = &(*end)->next;
	while (is_qualifier(p->token.kind)) {
		struct bw_pattern_qualifier qualifier = { .kind = BW_PATTERN_WITHIN };
		struct bw_pattern_qualifier *kept;
		enum bw_err err;

		kept = make(p, sizeof(*kept), &err);
		BW_TRY(err);
		BW_TRY(take_qualifier(p, simple, &kinds, &qualifier));
		if (kept != NULL && end != NULL) {
			*kept = qualifier;
			*end = kept;
			end = &kept->next;
		}
	}
	return BW_OK;
}

/* Observations (§9.5) */

static enum bw_err take_bracket(struct parser *p, struct part *out)
{
	struct part inside = { NULL, bw_slice_empty };
	enum bw_err err;

	out->node = make(p, sizeof(*out->node), &err);
	BW_TRY(err);
	if (out->node != NULL) {
		out->node->kind = BW_PATTERN_OBSERVATION;
		out->node->offset = (uint32_t)p->token.offset;
	}
	BW_TRY(advance(p));
	BW_TRY(take_level(p, COMPARISONS, &inside));
	if (out->node != NULL)
		out->node->children = inside.node;
	return expect(p, TOK_RBRACK, "an AND, OR or ']' is missing");
}

static enum bw_err take_observation(struct parser *p, struct part *out)
{
	const bool simple = p->token.kind == TOK_LBRACK;

	if (simple)
		BW_TRY(take_bracket(p, out));
	else if (p->token.kind == TOK_LPAREN)
		BW_TRY(take_nested(p, OBSERVATIONS, out));
	else
		return refuse(p, BW_ERR_SYNTAX, "an observation stands in square brackets");
	return take_qualifiers(p, simple, out->node);
}

static enum bw_err parse(struct parser *p, struct part *out)
{
	if (p->lexer.in.len > BW_PATTERN_BYTES_MAX)
		return bw_fault_set(p->lexer.fault, BW_ERR_TOO_BIG, BW_PATTERN_BYTES_MAX, "longer than the limit");
	BW_TRY(advance(p));
	BW_TRY(take_level(p, OBSERVATIONS, out));
	if (p->token.kind != TOK_END)
		return refuse(p, BW_ERR_SYNTAX, "AND, OR, FOLLOWEDBY, a qualifier or the end is expected");
	return BW_OK;
}

enum bw_err bw_pattern_parse(struct bw_slice text, enum bw_pattern_version version, struct bw_arena *arena,
			     struct bw_pattern **out, struct bw_fault *fault)
{
	struct parser p = { .lexer = { text, 0, version, fault }, .arena = arena };
	struct part whole = { NULL, bw_slice_empty };
	struct bw_pattern *pattern = bw_arena_zero(arena, 1, sizeof(*pattern));

	if (pattern == NULL)
		return bw_fault_set(fault, BW_ERR_MEMORY, 0, "no memory left for this pattern");
	p.last_test = &p.tests;
	BW_TRY(parse(&p, &whole));
	pattern->root = whole.node;
	pattern->tests = p.tests;
	pattern->remarks = p.remarks;
	*out = pattern;
	return BW_OK;
}

enum bw_err bw_pattern_check(struct bw_slice text, enum bw_pattern_version version, unsigned *remarks,
			     struct bw_fault *fault)
{
	struct parser p = { .lexer = { text, 0, version, fault } };
	struct part whole = { NULL, bw_slice_empty };

	BW_TRY(parse(&p, &whole));
	if (remarks != NULL)
		*remarks = p.remarks;
	return BW_OK;
}
