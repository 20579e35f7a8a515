#include "intel/pattern.h"

#include "base/num.h"
#include "intel/pattern_parser.h"
#include "intel/pattern_value.h"

enum bw_err bw_pattern_refuse(const struct bw_pattern_parser *p, enum bw_err err, const char *reason)
{
	return bw_fault_set(p->lexer.fault, err, p->token.offset, reason);
}

enum bw_err bw_pattern_advance(struct bw_pattern_parser *p)
{
	return bw_pattern_lex(&p->lexer, &p->token);
}

enum bw_err bw_pattern_expect(struct bw_pattern_parser *p, enum bw_pattern_token_kind kind, const char *reason)
{
	if (p->token.kind != kind)
		return bw_pattern_refuse(p, BW_ERR_SYNTAX, reason);
	return bw_pattern_advance(p);
}

void *bw_pattern_make(struct bw_pattern_parser *p, size_t size, enum bw_err *err)
{
	void *made;

	if (p->nodes == BW_PATTERN_NODES_MAX) {
		*err = bw_pattern_refuse(p, BW_ERR_TOO_MANY, "more expressions than the limit");
		return NULL;
	}
	p->nodes++;
	*err = BW_OK;
	if (p->arena == NULL)
		return NULL;
	made = bw_arena_zero(p->arena, 1, size);
	if (made == NULL)
		*err = bw_pattern_refuse(p, BW_ERR_MEMORY, "no memory left for this pattern");
	return made;
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

static enum bw_err take_level(struct bw_pattern_parser *p, unsigned level, struct bw_pattern_part *out);
static enum bw_err take_observation(struct bw_pattern_parser *p, struct bw_pattern_part *out);

static enum bw_err take_nested(struct bw_pattern_parser *p, unsigned level, struct bw_pattern_part *out)
{
	if (p->depth == BW_PATTERN_DEPTH_MAX)
		return bw_pattern_refuse(p, BW_ERR_TOO_DEEP, "parentheses nested deeper than the limit");
	p->depth++;
	BW_TRY(bw_pattern_advance(p));
	BW_TRY(take_level(p, level, out));
	p->depth--;
	return bw_pattern_expect(p, TOK_RPAREN, "a ')' is missing");
}

static enum bw_err take_operand(struct bw_pattern_parser *p, unsigned level, struct bw_pattern_part *out)
{
	if (level == COMPARISONS - 1)
		return take_observation(p, out);
	if (level < LEVELS - 1)
		return take_level(p, level + 1, out);
	return p->token.kind == TOK_LPAREN ? take_nested(p, COMPARISONS, out) : bw_pattern_take_test(p, out);
}

/* The type all of a and b start from: §9.5, "satisfiable with the same object". */
static struct bw_slice join_types(struct bw_pattern_parser *p, enum bw_pattern_node_kind kind, struct bw_slice a,
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

static enum bw_err take_chain(struct bw_pattern_parser *p, unsigned level, struct bw_pattern_part *out)
{
	const struct level *l = &levels[level];
	struct bw_pattern_node *chain;
	struct bw_pattern_node **end = NULL;
	enum bw_err err;

	chain = bw_pattern_make(p, sizeof(*chain), &err);
	BW_TRY(err);
	if (chain != NULL) {
		chain->kind = l->kind;
		chain->offset = out->node->offset;
		end = &chain->children;
		append(&end, out->node, l->kind);
	}
	while (p->token.kind == l->joint) {
		struct bw_pattern_part next = { NULL, bw_slice_empty };

		BW_TRY(bw_pattern_advance(p));
		BW_TRY(take_operand(p, level, &next));
		out->type = join_types(p, l->kind, out->type, next.type);
		append(&end, next.node, l->kind);
	}
	out->node = chain;
	return BW_OK;
}

static enum bw_err take_level(struct bw_pattern_parser *p, unsigned level, struct bw_pattern_part *out)
{
	BW_TRY(take_operand(p, level, out));
	return p->token.kind == levels[level].joint ? take_chain(p, level, out) : BW_OK;
}

/* Qualifiers (§9.5.1) */

static enum bw_err take_within(struct bw_pattern_parser *p, struct bw_pattern_qualifier *out)
{
	out->kind = BW_PATTERN_WITHIN;
	if (p->token.kind != TOK_INTEGER && p->token.kind != TOK_FLOAT)
		return bw_pattern_refuse(p, BW_ERR_SYNTAX, "behind WITHIN stands a number of seconds");
	if (p->token.text.ptr[0] == '-')
		return bw_pattern_refuse(p, BW_ERR_RANGE, "a time window is a positive number");
	out->window_ns = bw_pattern_nanoseconds(p->token.text);
	if (out->window_ns == 0)
		return bw_pattern_refuse(p, BW_ERR_RANGE, "a time window is a positive number");
	BW_TRY(bw_pattern_advance(p));
	return bw_pattern_expect(p, TOK_SECONDS, "SECONDS is missing");
}

static enum bw_err take_repeats(struct bw_pattern_parser *p, struct bw_pattern_qualifier *out)
{
	out->kind = BW_PATTERN_REPEATS;
	if (p->token.kind != TOK_INTEGER)
		return bw_pattern_refuse(p, BW_ERR_SYNTAX, "behind REPEATS stands a whole number");
	if (bw_parse_u64(p->token.text, &out->times) != BW_OK || out->times == 0)
		return bw_pattern_refuse(p, BW_ERR_RANGE, "REPEATS takes a positive whole number");
	BW_TRY(bw_pattern_advance(p));
	return bw_pattern_expect(p, TOK_TIMES, "TIMES is missing");
}

static enum bw_err take_instant(struct bw_pattern_parser *p, struct bw_pattern_value *out)
{
	struct bw_pattern_token *t = &p->token;

	if (t->kind == TOK_STRING && p->lexer.version == BW_PATTERN_2_0) {
		if (!bw_pattern_is_timestamp(t->text))
			return bw_pattern_refuse(p, BW_ERR_RANGE, "a timestamp is 'YYYY-MM-DDThh:mm:ss.sssZ' in UTC");
		t->kind = TOK_TIMESTAMP;
	}
	if (t->kind != TOK_TIMESTAMP)
		return bw_pattern_refuse(p, BW_ERR_SYNTAX, "START and STOP take a timestamp: t'YYYY-MM-DDThh:mm:ssZ'");
	BW_TRY(bw_pattern_value_read(t, p->arena, out, &p->remarks, p->lexer.fault));
	return bw_pattern_advance(p);
}

static bool is_after(const struct bw_pattern_value *a, const struct bw_pattern_value *b)
{
	if (a->as.time.seconds != b->as.time.seconds)
		return a->as.time.seconds > b->as.time.seconds;
	return a->as.time.nanos > b->as.time.nanos;
}

static enum bw_err take_start_stop(struct bw_pattern_parser *p, struct bw_pattern_qualifier *out)
{
	out->kind = BW_PATTERN_START_STOP;
	BW_TRY(take_instant(p, &out->start));
	BW_TRY(bw_pattern_expect(p, TOK_STOP, "START comes with STOP"));
	BW_TRY(take_instant(p, &out->stop));
	if (!is_after(&out->stop, &out->start))
		p->remarks |= BW_PATTERN_EMPTY_WINDOW;
	return BW_OK;
}

/*
 * §9.5.1 forbids two qualifiers of a kind on one expression. On [ ] that is an
 * error, as in the reference validator, which lets it pass on parentheses.
 */
static enum bw_err note_kind(struct bw_pattern_parser *p, enum bw_pattern_qualifier_kind kind, size_t offset,
			     bool simple, unsigned *kinds)
{
	const unsigned bit = 1U << kind;

	if ((*kinds & bit) != 0 && simple && p->lexer.version != BW_PATTERN_2_0)
		return bw_fault_set(p->lexer.fault, BW_ERR_DUPLICATE, offset, "this kind of qualifier stands twice");
	if ((*kinds & bit) != 0)
		p->remarks |= BW_PATTERN_REPEATED_QUALIFIER;
	*kinds |= bit;
	return BW_OK;
}

static enum bw_err take_qualifier(struct bw_pattern_parser *p, bool simple, unsigned *kinds,
				  struct bw_pattern_qualifier *out)
{
	const enum bw_pattern_token_kind word = p->token.kind;
	const size_t offset = p->token.offset;

	BW_TRY(bw_pattern_advance(p));
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

static enum bw_err take_qualifiers(struct bw_pattern_parser *p, bool simple, struct bw_pattern_node *node)
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

		kept = bw_pattern_make(p, sizeof(*kept), &err);
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

static enum bw_err take_bracket(struct bw_pattern_parser *p, struct bw_pattern_part *out)
{
	struct bw_pattern_part inside = { NULL, bw_slice_empty };
	enum bw_err err;

	out->node = bw_pattern_make(p, sizeof(*out->node), &err);
	BW_TRY(err);
	if (out->node != NULL) {
		out->node->kind = BW_PATTERN_OBSERVATION;
		out->node->offset = (uint32_t)p->token.offset;
	}
	BW_TRY(bw_pattern_advance(p));
	BW_TRY(take_level(p, COMPARISONS, &inside));
	if (out->node != NULL)
		out->node->children = inside.node;
	return bw_pattern_expect(p, TOK_RBRACK, "an AND, OR or ']' is missing");
}

static enum bw_err take_observation(struct bw_pattern_parser *p, struct bw_pattern_part *out)
{
	const bool simple = p->token.kind == TOK_LBRACK;

	if (simple)
		BW_TRY(take_bracket(p, out));
	else if (p->token.kind == TOK_LPAREN)
		BW_TRY(take_nested(p, OBSERVATIONS, out));
	else
		return bw_pattern_refuse(p, BW_ERR_SYNTAX, "an observation stands in square brackets");
	return take_qualifiers(p, simple, out->node);
}

static enum bw_err parse(struct bw_pattern_parser *p, struct bw_pattern_part *out)
{
	if (p->lexer.in.len > BW_PATTERN_BYTES_MAX)
		return bw_fault_set(p->lexer.fault, BW_ERR_TOO_BIG, BW_PATTERN_BYTES_MAX, "longer than the limit");
	BW_TRY(bw_pattern_advance(p));
	BW_TRY(take_level(p, OBSERVATIONS, out));
	if (p->token.kind != TOK_END)
		return bw_pattern_refuse(p, BW_ERR_SYNTAX, "AND, OR, FOLLOWEDBY, a qualifier or the end is expected");
	return BW_OK;
}

enum bw_err bw_pattern_parse(struct bw_slice text, enum bw_pattern_version version, struct bw_arena *arena,
			     struct bw_pattern **out, struct bw_fault *fault)
{
	struct bw_pattern_parser p = { .lexer = { text, 0, version, fault }, .arena = arena };
	struct bw_pattern_part whole = { NULL, bw_slice_empty };
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
	struct bw_pattern_parser p = { .lexer = { text, 0, version, fault } };
	struct bw_pattern_part whole = { NULL, bw_slice_empty };

	BW_TRY(parse(&p, &whole));
	if (remarks != NULL)
		*remarks = p.remarks;
	return BW_OK;
}
