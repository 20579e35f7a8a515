#include "base/text.h"
#include "intel/pattern.h"

const char *bw_pattern_remark_text(enum bw_pattern_remark remark)
{
	switch (remark) {
	case BW_PATTERN_MIXED_AND:
		return "AND joins comparisons of different object types, which no single object satisfies";
	case BW_PATTERN_MIXED_SET:
		return "the constants of an IN list are of different types";
	case BW_PATTERN_NO_SUCH_DAY:
		return "a timestamp names a day that its month does not have";
	case BW_PATTERN_REPEATED_QUALIFIER:
		return "one expression has two qualifiers of the same kind";
	case BW_PATTERN_EMPTY_WINDOW:
		return "STOP is not later than START, so nothing can match";
	case BW_PATTERN_UNSAFE_INTEGER:
		return "an integer is beyond 2^53 - 1, where implementations differ";
	case BW_PATTERN_NEGATIVE_INDEX:
		return "a list index is negative, so nothing can match";
	}
	return "an unknown remark";
}

bool bw_pattern_next_equal(struct bw_pattern_walk *walk, const struct bw_pattern_path **path,
			   const struct bw_pattern_value **value)
{
	for (; walk->test != NULL; walk->test = walk->test->next, walk->value = 0) {
		const struct bw_pattern_test *test = walk->test;
		const bool asks = !test->negated && (test->op == BW_PATTERN_EQ || test->op == BW_PATTERN_IN);

		if (asks && walk->value < test->values_n) {
			*path = &test->path;
			*value = &test->values[walk->value++];
			return true;
		}
	}
	return false;
}

struct bw_slice bw_pattern_path_last_key(const struct bw_pattern_path *path)
{
	struct bw_slice key = bw_slice_empty;

	for (const struct bw_pattern_step *step = path->steps; step != NULL; step = step->next) {
		if (step->kind == BW_PATTERN_KEY)
			key = step->key;
	}
	return key;
}

static enum bw_err write_string(struct bw_slice text, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_u8(out, '\''));
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\'' || text.ptr[i] == '\\')
			BW_TRY(bw_buf_add_u8(out, '\\'));
		BW_TRY(bw_buf_add_u8(out, text.ptr[i]));
	}
	return bw_buf_add_u8(out, '\'');
}

/* Lower case needs no apostrophes; the rest may be a keyword or worse. */
static bool is_plain_key(struct bw_slice key)
{
	if (key.len == 0 || bw_slice_is(key, "true") || bw_slice_is(key, "false"))
		return false;
	for (size_t i = 0; i < key.len; i++) {
		if (!bw_is_lower(key.ptr[i]) && key.ptr[i] != '_' && !(i > 0 && bw_is_digit(key.ptr[i])))
			return false;
	}
	return true;
}

static enum bw_err write_step(const struct bw_pattern_step *step, struct bw_buf *out)
{
	if (step->kind == BW_PATTERN_EVERY)
		return bw_buf_add_text(out, "[*]");
	if (step->kind == BW_PATTERN_INDEX)
		return bw_buf_addf(out, "[%lld]", (long long)step->index);
	return is_plain_key(step->key) ? bw_buf_add(out, step->key) : write_string(step->key, out);
}

enum bw_err bw_pattern_path_write(const struct bw_pattern_path *path, struct bw_buf *out)
{
	BW_TRY(bw_buf_add(out, path->type));
	for (const struct bw_pattern_step *step = path->steps; step != NULL; step = step->next) {
		if (step->kind == BW_PATTERN_KEY)
			BW_TRY(bw_buf_add_u8(out, step == path->steps ? ':' : '.'));
		BW_TRY(write_step(step, out));
	}
	return BW_OK;
}

static enum bw_err write_value(const struct bw_pattern_value *value, struct bw_buf *out)
{
	switch (value->kind) {
	case BW_PATTERN_STRING:
		return write_string(value->bytes, out);
	case BW_PATTERN_HEX:
		return bw_buf_addf(out, "h'%.*s'", BW_ARG(value->text));
	case BW_PATTERN_BINARY:
		return bw_buf_addf(out, "b'%.*s'", BW_ARG(value->text));
	case BW_PATTERN_TIMESTAMP:
		return bw_buf_addf(out, "t'%.*s'", BW_ARG(value->text));
	default:
		return bw_buf_add(out, value->text);
	}
}

static enum bw_err write_set(const struct bw_pattern_test *test, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_u8(out, '('));
	for (size_t i = 0; i < test->values_n; i++) {
		BW_TRY(bw_buf_add_text(out, i > 0 ? ", " : ""));
		BW_TRY(write_value(&test->values[i], out));
	}
	return bw_buf_add_u8(out, ')');
}

static enum bw_err write_test(const struct bw_pattern_test *test, struct bw_buf *out)
{
	static const char *const words[] = {
		"=", "!=", "<", "<=", ">", ">=", "IN", "LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET", "EXISTS",
	};

	if (test->op == BW_PATTERN_EXISTS) {
		BW_TRY(bw_buf_add_text(out, test->negated ? "NOT EXISTS " : "EXISTS "));
		return bw_pattern_path_write(&test->path, out);
	}
	BW_TRY(bw_pattern_path_write(&test->path, out));
	BW_TRY(bw_buf_addf(out, " %s%s ", test->negated ? "NOT " : "", words[test->op]));
	return test->op == BW_PATTERN_IN ? write_set(test, out) : write_value(&test->values[0], out);
}

static enum bw_err write_qualifier(const struct bw_pattern_qualifier *q, struct bw_buf *out)
{
	const unsigned long long seconds = q->window_ns / 1000000000U;
	const unsigned long long nanos = q->window_ns % 1000000000U;

	switch (q->kind) {
	case BW_PATTERN_WITHIN:
		return nanos == 0 ? bw_buf_addf(out, " WITHIN %llu SECONDS", seconds)
				  : bw_buf_addf(out, " WITHIN %llu.%09llu SECONDS", seconds, nanos);
	case BW_PATTERN_REPEATS:
		return bw_buf_addf(out, " REPEATS %llu TIMES", (unsigned long long)q->times);
	default:
		return bw_buf_addf(out, " START t'%.*s' STOP t'%.*s'", BW_ARG(q->start.text), BW_ARG(q->stop.text));
	}
}

/*
 * Where the qualifiers of a [ ] must be closed in by a parenthesis, because the
 * next one repeats a kind (2.1 refuses that on a bare [ ]). NULL: nowhere.
 */
static const struct bw_pattern_qualifier *first_repeat(const struct bw_pattern_node *node)
{
	unsigned kinds = 0;

	if (node->kind != BW_PATTERN_OBSERVATION)
		return NULL;
	for (const struct bw_pattern_qualifier *q = node->qualifiers; q != NULL; q = q->next) {
		if ((kinds & (1U << q->kind)) != 0)
			return q;
		kinds |= 1U << q->kind;
	}
	return NULL;
}

static const char *joint(enum bw_pattern_node_kind kind)
{
	if (kind == BW_PATTERN_FOLLOWEDBY)
		return " FOLLOWEDBY ";
	return kind == BW_PATTERN_AND || kind == BW_PATTERN_OBS_AND ? " AND " : " OR ";
}

/* How tightly a kind binds; a looser child needs parentheses. */
static unsigned tightness(enum bw_pattern_node_kind kind)
{
	switch (kind) {
	case BW_PATTERN_FOLLOWEDBY:
		return 0;
	case BW_PATTERN_OBS_OR:
	case BW_PATTERN_OR:
		return 1;
	case BW_PATTERN_OBS_AND:
	case BW_PATTERN_AND:
		return 2;
	default:
		return 3;
	}
}

static enum bw_err write_node(const struct bw_pattern_node *node, struct bw_buf *out);

static enum bw_err write_chain(const struct bw_pattern_node *node, struct bw_buf *out)
{
	for (const struct bw_pattern_node *child = node->children; child != NULL; child = child->next) {
		/* qualifiers bring parentheses of their own */
		const bool wrap = child->qualifiers == NULL && tightness(child->kind) < tightness(node->kind);

		BW_TRY(bw_buf_add_text(out, child == node->children ? "" : joint(node->kind)));
		BW_TRY(bw_buf_add_text(out, wrap ? "(" : ""));
		BW_TRY(write_node(child, out));
		BW_TRY(bw_buf_add_text(out, wrap ? ")" : ""));
	}
	return BW_OK;
}

static enum bw_err write_bare(const struct bw_pattern_node *node, struct bw_buf *out)
{
	if (node->kind == BW_PATTERN_TEST)
		return write_test(node->test, out);
	if (node->kind != BW_PATTERN_OBSERVATION)
		return write_chain(node, out);
	BW_TRY(bw_buf_add_u8(out, '['));
	BW_TRY(write_node(node->children, out));
	return bw_buf_add_u8(out, ']');
}

/* Recursion is bounded by BW_PATTERN_DEPTH_MAX: the parser made no deeper tree. */
static enum bw_err write_node(const struct bw_pattern_node *node, struct bw_buf *out)
{
	const struct bw_pattern_qualifier *repeat = first_repeat(node);
	const bool wrap = repeat != NULL || (node->qualifiers != NULL && node->kind != BW_PATTERN_OBSERVATION);

	BW_TRY(bw_buf_add_text(out, wrap ? "(" : ""));
	BW_TRY(write_bare(node, out));
	if (wrap && repeat == NULL)
		BW_TRY(bw_buf_add_u8(out, ')'));
	for (const struct bw_pattern_qualifier *q = node->qualifiers; q != NULL; q = q->next) {
		BW_TRY(bw_buf_add_text(out, q == repeat ? ")" : ""));
		BW_TRY(write_qualifier(q, out));
	}
	return BW_OK;
}

enum bw_err bw_pattern_write(const struct bw_pattern *pattern, struct bw_buf *out)
{
	return write_node(pattern->root, out);
}
