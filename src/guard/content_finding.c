#include "guard/content_count.h"
#include "guard/content_finding.h"

#include <inttypes.h>
#include <stdio.h>

void bw_finding_add(struct bw_finding *finding, enum bw_strength strength, const struct bw_evidence *evidence)
{
	if (strength > finding->strength)
		finding->strength = strength;
	if (finding->count < BW_FINDING_MAX)
		finding->tests[finding->count++] = *evidence;
}

bool bw_content_is_good(const struct bw_content *content)
{
	const enum bw_kind kind = bw_format_kind((enum bw_format)content->format);

	if (kind == BW_KIND_TEXT)
		return (content->flags & (BW_CONTENT_EVEN | BW_CONTENT_FLAT)) == 0;
	return content->state == BW_STATE_GOOD && content->grade >= BW_GRADE_FRAMED;
}

static uint64_t sampled(const struct bw_content *content)
{
	const uint64_t size = bw_content_size(content);

	return size < BW_CONTENT_WHOLE_MAX ? size : BW_CONTENT_WHOLE_MAX;
}

bool bw_content_has_no_gain(const struct bw_content *old, const struct bw_content *new)
{
	const enum bw_kind kind = bw_format_kind((enum bw_format) new->format);
	/* chi-square of twice its length: half its symbols would do, so any packer gains something */
	const bool shrinks = old->chi >= bw_log8(2 * sampled(old));
	size_t random = 0;

	for (size_t i = 0; i < new->windows; i++)
		random += bw_content_class(new, i) == BW_CLASS_RANDOM;
	return kind == BW_KIND_PACKED && shrinks && bw_content_size(old) >= 4 * BW_KIB &&
	       bw_content_size(new) >= bw_content_size(old) && random * 4 >= new->windows * 3u;
}

/* ---- words -------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	const char *sentence;
} tests[] = {
#define X(name, word, sentence) { word, sentence },
	BW_TEST_ROWS(X)
#undef X
};

const char *bw_test_name(enum bw_test test)
{
	return (size_t)test < BW_TEST_COUNT ? tests[test].name : "unknown";
}

struct line {
	char *out;
	size_t size;
	size_t len;
};

static void put(struct line *line, const char *text, size_t len)
{
	const size_t room = line->size - 1 - line->len;
	const size_t fits = len < room ? len : room;

	memcpy(line->out + line->len, text, fits);
	line->len += fits;
}

static void put_value(struct line *line, const struct bw_evidence *evidence, char which)
{
	char number[24];
	const char *text = number;

	if (which == 'A' || which == 'B')
		text = bw_format_words(
			(enum bw_format)(which == 'A' ? evidence->format_before : evidence->format_after));
	else
		(void)snprintf(number, sizeof(number), "%" PRIu64, which == 'a' ? evidence->before : evidence->after);
	put(line, text, strlen(text));
}

void bw_evidence_say(const struct bw_evidence *evidence, char *out, size_t size)
{
	const char *rest = evidence->test < BW_TEST_COUNT ? tests[evidence->test].sentence : "unknown test";
	struct line line = { out, size, 0 };

	if (size == 0)
		return;
	for (const char *mark; (mark = strchr(rest, '%')) != NULL && mark[1] != '\0'; rest = mark + 2) {
		put(&line, rest, (size_t)(mark - rest));
		put_value(&line, evidence, mark[1]);
	}
	put(&line, rest, strlen(rest));
	out[line.len] = '\0';
}
