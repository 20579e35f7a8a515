#include "guard/bait_name.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/text.h"

enum {
	PARTS_MAX = 32,
	WORDS_MAX = 1024,
	TRIES = 256,
	WIDTH_MAX = 9, /* longer numbers are some program's, and stay as they are */
	YEAR_WIDTH = 4,
	DATE_WIDTH = 2,
	BEYOND = 4, /* the next numbers of a row */
};

enum part_kind { PART_MARKS, PART_WORD, PART_NUMBER };

struct part {
	enum part_kind kind;
	struct bw_slice text;
};

struct parts {
	size_t count;
	struct part of[PARTS_MAX];
};

struct naming {
	const struct bw_slice *names;
	size_t count;
	struct bw_slice ending;
	struct bw_bait_dice *dice;
	size_t word_count;
	struct bw_slice words[WORDS_MAX];
	uint64_t least[WIDTH_MAX + 1]; /* numbers there are, by how many digits they have */
	uint64_t most[WIDTH_MAX + 1];
	size_t peer_count;
	size_t peers[BW_BAIT_NAMES_MAX]; /* the names that have the ending */
};

struct bw_slice bw_bait_ending(struct bw_slice name)
{
	for (size_t i = name.len; i > 1; i--) {
		if (name.ptr[i - 1] == '.')
			return bw_slice_from(name, i);
	}
	return bw_slice_empty;
}

static enum part_kind kind_of(uint8_t c)
{
	if (bw_is_digit(c))
		return PART_NUMBER;
	return bw_is_alpha(c) || c >= 0x80 ? PART_WORD : PART_MARKS;
}

/* Of the name without its ending. What does not fit stays one part. */
static void split(struct bw_slice stem, struct parts *out)
{
	size_t at = 0;

	out->count = 0;
	while (at < stem.len) {
		const bool is_last = out->count == PARTS_MAX - 1;
		const enum part_kind kind = is_last ? PART_MARKS : kind_of(stem.ptr[at]);
		const size_t from = at;

		while (at < stem.len && (is_last || kind_of(stem.ptr[at]) == kind))
			at++;
		out->of[out->count++] = (struct part){ kind, bw_slice_sub(stem, from, at - from) };
	}
}

static struct bw_slice stem_of(struct bw_slice name)
{
	const struct bw_slice ending = bw_bait_ending(name);

	return ending.len == 0 ? name : bw_slice_sub(name, 0, name.len - ending.len - 1);
}

static void learn_number(struct naming *n, struct bw_slice digits)
{
	uint64_t value;

	if (digits.len > WIDTH_MAX || bw_parse_u64(digits, &value) != BW_OK)
		return;
	if (n->most[digits.len] == 0 || value < n->least[digits.len])
		n->least[digits.len] = value;
	if (value > n->most[digits.len])
		n->most[digits.len] = value;
}

static void learn(struct naming *n, struct bw_slice name)
{
	struct parts parts;

	split(stem_of(name), &parts);
	for (size_t i = 0; i < parts.count; i++) {
		const struct part *part = &parts.of[i];

		if (part->kind == PART_NUMBER)
			learn_number(n, part->text);
		else if (part->kind == PART_WORD && part->text.len > 1 && n->word_count < WORDS_MAX)
			n->words[n->word_count++] = part->text;
	}
}

/* ---- one try ------------------------------------------------------------------------------------------------ */

static uint8_t first_of(struct bw_slice word)
{
	return word.ptr[0];
}

/* A word as the one it replaces: capital or not. */
static struct bw_slice other_word(struct naming *n, struct bw_slice word)
{
	for (unsigned i = 0; i < 8; i++) {
		const struct bw_slice other = n->words[bw_bait_roll(n->dice, n->word_count)];

		if (bw_is_upper(first_of(other)) == bw_is_upper(first_of(word)))
			return other;
	}
	return word;
}

/* Between the smallest and the largest there is; a row may go on, a date or year may not leave what was seen. */
static uint64_t other_number(struct naming *n, size_t width)
{
	const uint64_t beyond = width == DATE_WIDTH || width == YEAR_WIDTH ? 0 : BEYOND;

	return n->least[width] + bw_bait_roll(n->dice, n->most[width] - n->least[width] + 1 + beyond);
}

static enum bw_err add_part(struct naming *n, const struct part *part, bool change, struct bw_buf *out)
{
	if (!change || part->kind == PART_MARKS)
		return bw_buf_add(out, part->text);
	if (part->kind == PART_WORD)
		return bw_buf_add(out,
				  part->text.len > 1 && n->word_count > 0 ? other_word(n, part->text) : part->text);
	if (part->text.len > WIDTH_MAX)
		return bw_buf_add(out, part->text);
	return bw_buf_addf(out, "%0*llu", (int)part->text.len, (unsigned long long)other_number(n, part->text.len));
}

static enum bw_err make_up(struct naming *n, struct bw_buf *out)
{
	struct parts parts;
	size_t changed;

	split(stem_of(n->names[n->peers[bw_bait_roll(n->dice, n->peer_count)]]), &parts);
	BW_NEED(parts.count > 0, NOT_FOUND);
	changed = (size_t)bw_bait_roll(n->dice, parts.count);
	bw_buf_clear(out);
	for (size_t i = 0; i < parts.count; i++)
		BW_TRY(add_part(n, &parts.of[i], i == changed || bw_bait_roll(n->dice, 3) == 0, out));
	if (n->ending.len > 0) {
		BW_TRY(bw_buf_add_u8(out, '.'));
		BW_TRY(bw_buf_add(out, n->ending));
	}
	return BW_OK;
}

static int compare(struct bw_slice a, struct bw_slice b)
{
	for (size_t i = 0; i < a.len && i < b.len; i++) {
		const int difference = (int)bw_to_lower(a.ptr[i]) - (int)bw_to_lower(b.ptr[i]);

		if (difference != 0)
			return difference;
	}
	return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

static bool is_taken(const struct naming *n, struct bw_slice name)
{
	for (size_t i = 0; i < n->count; i++) {
		if (compare(n->names[i], name) == 0)
			return true;
	}
	return false;
}

static bool is_better(struct bw_slice name, const char *best, enum bw_bait_end end)
{
	const int order = compare(name, bw_slice_text(best));

	if (best[0] == '\0')
		return true;
	return (end == BW_BAIT_FIRST && order < 0) || (end == BW_BAIT_LAST && order > 0);
}

static enum bw_err try_names(struct naming *n, enum bw_bait_end end, char out[BW_BAIT_NAME_BYTES])
{
	BW_CLEANUP(bw_buf_release) struct bw_buf name = BW_BUF_INIT(16 * BW_KIB);
	char best[BW_BAIT_NAME_BYTES] = "";

	for (unsigned i = 0; i < TRIES && (end != BW_BAIT_ANYWHERE || best[0] == '\0'); i++) {
		BW_TRY(make_up(n, &name));
		if (name.len < BW_BAIT_NAME_BYTES && !is_taken(n, bw_buf_slice(&name)) &&
		    is_better(bw_buf_slice(&name), best, end)) {
			memcpy(best, name.ptr, name.len);
			best[name.len] = '\0';
		}
	}
	BW_NEED(best[0] != '\0', NOT_FOUND);
	memcpy(out, best, sizeof(best));
	return BW_OK;
}

enum bw_err bw_bait_name(const struct bw_slice *names, size_t count, struct bw_slice model, enum bw_bait_end end,
			 struct bw_bait_dice *dice, char out[BW_BAIT_NAME_BYTES])
{
	struct naming *n = calloc(1, sizeof(*n));
	enum bw_err err;

	BW_NEED(n != NULL, MEMORY);
	n->names = names;
	n->count = count;
	n->ending = bw_bait_ending(model);
	n->dice = dice;
	for (size_t i = 0; i < count && n->peer_count < BW_BAIT_NAMES_MAX; i++) {
		if (!bw_slice_equals(bw_bait_ending(names[i]), n->ending))
			continue;
		n->peers[n->peer_count++] = i;
		learn(n, names[i]);
	}
	err = n->peer_count > 0 ? try_names(n, end, out) : BW_ERR_NOT_FOUND;
	free(n);
	return err;
}
