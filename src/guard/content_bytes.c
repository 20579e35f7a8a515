/*
 * The second look, with both contents at hand. What tells most is what stands at the
 * places that changed: intermittent encryption leaves a file looking structured, but
 * the bytes it did write are evenly spread while those they replaced were not.
 */
#include "base/text.h"
#include "guard/content_count.h"
#include "guard/content_finding.h"
#include "guard/content_look.h"

enum {
	BLOCK = 4096,
	CHANGED_ENOUGH = 128,               /* fewer changed bytes: chance */
	CHANGED_MANY = 256,                 /* in one block */
	CHANGED_SHARE = 33,                 /* one in so many: less may be a signature or a key that was renewed */
	STRUCTURED_CHI = 2 * BW_CHI_RANDOM, /* what they replaced must have been far from random */
	BLANKS_ENOUGH = 32,
	KEPT_PER_1000 = 990,
	SWAPPED_PER_1000 = 500,
	DIGITS_PER_1000 = 800, /* nine in ten, were they random */
	WORDS_ENOUGH = 32,
	WORDS_KEPT_PER_1000 = 750, /* who sorts, moves or wraps text keeps nearly all */
	ADDED_MOST = 1024,         /* a mark before or behind it all */
	WORD_SLOTS = 1 << 14,      /* words that fall together count as kept */
};

/* Only what held something: where one byte was repeated, nothing was lost, whatever stands there now. */
struct changes {
	struct bw_count old; /* bytes that were replaced */
	struct bw_count new; /* those that stand in their places */
	uint64_t blocks;     /* with changed bytes enough to judge */
	uint64_t random;     /* of those, from structure to random */
};

static void count_block(const uint8_t *old, const uint8_t *new, size_t len, struct changes *changes)
{
	uint8_t was[BLOCK];
	uint8_t is[BLOCK];
	struct bw_count before = { 0 };
	struct bw_count after = { 0 };
	size_t changed = 0;

	for (size_t i = 0; i < len; i++) {
		was[changed] = old[i];
		is[changed] = new[i];
		changed += old[i] != new[i];
	}
	bw_count_add(&before, bw_slice_of(was, changed));
	if (bw_count_values(&before) == 1)
		return;
	bw_count_add(&after, bw_slice_of(is, changed));
	if (changed >= CHANGED_MANY) {
		changes->blocks++;
		changes->random += bw_count_chi(&after) < BW_CHI_RANDOM && bw_count_chi(&before) >= STRUCTURED_CHI;
	}
	bw_count_merge(&changes->old, &before);
	bw_count_merge(&changes->new, &after);
}

static void find_changes(const struct bw_versions *v, struct changes *changes)
{
	const size_t len = v->old.len < v->new.len ? v->old.len : v->new.len;

	for (size_t at = 0; at < len; at += BLOCK) {
		const size_t part = len - at < BLOCK ? len - at : BLOCK;

		if (memcmp(v->old.ptr + at, v->new.ptr + at, part) != 0)
			count_block(v->old.ptr + at, v->new.ptr + at, part, changes);
	}
}

struct second {
	const struct bw_versions *v;
	struct bw_finding *out;
	struct bw_opinion old; /* thorough */
	struct bw_opinion new;
	struct bw_content old_content;
	struct bw_content new_content;
	bool is_good; /* what stands there is readable, as thoroughly as we can tell */
	bool is_image;
};

static void say(const struct second *s, enum bw_test test, enum bw_strength strength, uint64_t before, uint64_t after)
{
	const struct bw_evidence evidence = { .test = (uint8_t)test,
					      .strength = (uint8_t)strength,
					      .format_before = s->old_content.format,
					      .format_after = s->new_content.format,
					      .before = before,
					      .after = after };

	bw_finding_add(s->out, strength, &evidence);
}

static void test_changes(const struct second *s)
{
	struct changes changes = { 0 };
	enum bw_strength strength = BW_STRENGTH_STRONG;
	uint64_t before;
	uint64_t after;

	find_changes(s->v, &changes);
	if (changes.new.total < CHANGED_ENOUGH || s->new.grade == BW_GRADE_WHOLE)
		return;
	/* a file that still reads well may hold packed parts where text was: pages, pictures, members */
	if (s->is_good && s->new_content.format != s->old_content.format)
		return;
	if (s->is_good || s->is_image || s->old_content.format == BW_FORMAT_UNKNOWN ||
	    changes.new.total *(uint64_t)CHANGED_SHARE < s->v->old.len)
		strength = BW_STRENGTH_SUSPICIOUS;
	before = bw_count_chi(&changes.old);
	after = bw_count_chi(&changes.new);
	if (after < BW_CHI_RANDOM && before >= STRUCTURED_CHI)
		say(s, BW_TEST_CHANGED_RANDOM, strength, before, after);
	if (changes.random > 0 && (!s->is_good || changes.random * 2 >= changes.blocks))
		say(s, BW_TEST_BLOCKS_RANDOM, changes.random * 2 >= changes.blocks ? strength : BW_STRENGTH_SUSPICIOUS,
		    changes.blocks, changes.random);
	if (bw_count_values(&changes.new) == 1 && bw_count_values(&changes.old) > 16) {
		const bool is_most = (uint64_t)changes.new.total * 2 >= s->v->old.len;

		say(s, BW_TEST_CHANGED_WIPED, is_most ? strength : BW_STRENGTH_SUSPICIOUS, changes.new.total,
		    changes.new.total);
	}
}

/* ---- formats, all of them ------------------------------------------------------------------------- */

/*
 * Objects of a PDF: where one ended before, one still ends. Only while most of them do: a file
 * that was written anew has another layout, and no object where it was.
 */
static void count_objects(struct second *s)
{
	const struct bw_slice mark = BW_LIT("endobj");
	uint32_t before = 0;
	uint32_t after = 0;
	size_t from = 0;
	size_t at;

	while (bw_find_first(bw_slice_from(s->v->old, from), mark, &at)) {
		from += at;
		before++;
		after += bw_slice_equals(bw_slice_sub(s->v->new, from, mark.len), mark);
		from += mark.len;
	}
	if (after > 1 && before - after > 1 && s->v->new_size >= s->v->old_size)
		say(s, BW_TEST_CONTENT_BROKEN, after * 2 > before ? BW_STRENGTH_STRONG : BW_STRENGTH_SUSPICIOUS, before,
		    after);
}

/* An office document whose first name was damaged is seen as any archive. */
static bool is_same_format(enum bw_format old, enum bw_format new)
{
	return old == new || (old == BW_FORMAT_OFFICE && new == BW_FORMAT_ZIP);
}

static void test_formats(struct second *s)
{
	if (s->old.format == BW_FORMAT_UNKNOWN || s->old.state != BW_STATE_GOOD ||
	    !is_same_format((enum bw_format)s->old.format, (enum bw_format)s->new.format))
		return;
	if (s->new.state == BW_STATE_BROKEN)
		say(s, BW_TEST_CONTENT_BROKEN, BW_STRENGTH_STRONG, s->old.right, s->new.right);
	else if (s->new.state == BW_STATE_SHORT && s->v->new_size >= s->v->old_size)
		say(s, BW_TEST_CONTENT_BROKEN, BW_STRENGTH_SUSPICIOUS, s->old.right, s->new.right);
	else if (s->old.format == BW_FORMAT_PDF)
		count_objects(s);
}

/* ---- text that keeps its shape ------------------------------------------------------------------------- */

struct skeleton {
	uint64_t blanks; /* in either version */
	uint64_t kept;   /* in both, at the same place */
	uint64_t letters;
	uint64_t letters_changed; /* other than in case */
	uint64_t digits;
	uint64_t digits_changed;
};

static struct skeleton skeleton_of(const struct bw_versions *v)
{
	const size_t len = v->old.len < v->new.len ? v->old.len : v->new.len;
	struct skeleton s = { 0 };

	for (size_t i = 0; i < len; i++) {
		const uint8_t old = v->old.ptr[i];
		const uint8_t new = v->new.ptr[i];
		const bool changed = bw_to_lower(old) != bw_to_lower(new);

		s.blanks += bw_is_space(old) || bw_is_space(new);
		s.kept += bw_is_space(old) && old == new;
		s.letters += bw_is_alpha(old);
		s.letters_changed += bw_is_alpha(old) && changed;
		s.digits += bw_is_digit(old);
		s.digits_changed += bw_is_digit(old) && changed;
	}
	return s;
}

static void test_skeleton(const struct second *s)
{
	struct skeleton k;
	uint64_t kept;

	if (bw_format_kind((enum bw_format)s->old_content.format) != BW_KIND_TEXT ||
	    bw_format_kind((enum bw_format)s->new_content.format) != BW_KIND_TEXT)
		return;
	k = skeleton_of(s->v);
	if (k.blanks < BLANKS_ENOUGH)
		return;
	kept = k.kept * 1000 / k.blanks;
	if (kept < KEPT_PER_1000)
		return;
	if (k.letters >= CHANGED_ENOUGH && k.letters_changed * 1000 >= k.letters * SWAPPED_PER_1000)
		say(s, BW_TEST_SKELETON, BW_STRENGTH_STRONG, kept, k.letters_changed * 1000 / k.letters);
	else if (k.digits >= CHANGED_ENOUGH && k.digits_changed * 1000 >= k.digits * DIGITS_PER_1000)
		say(s, BW_TEST_SKELETON, BW_STRENGTH_SUSPICIOUS, kept, k.digits_changed * 1000 / k.digits);
}

/* ---- the same bytes in another order ------------------------------------------------------------------- */

static uint64_t count_words(struct bw_slice text, int32_t by, int32_t slots[WORD_SLOTS])
{
	uint64_t words = 0;
	size_t i = 0;

	while (i < text.len) {
		uint32_t hash = 2166136261u; /* FNV-1a */
		const size_t from = i;

		for (; i < text.len && !bw_is_space(text.ptr[i]); i++)
			hash = (hash ^ text.ptr[i]) * 16777619u;
		if (i > from) {
			slots[(hash ^ hash >> 14) % WORD_SLOTS] += by;
			words++;
		}
		i++;
	}
	return words;
}

static bool has_all_bytes(const struct bw_versions *v)
{
	struct bw_count old = { 0 };
	struct bw_count new = { 0 };

	bw_count_add(&old, v->old);
	bw_count_add(&new, v->new);
	for (size_t i = 0; i < BW_COUNT(old.bins); i++) {
		if (old.bins[i] > new.bins[i])
			return false;
	}
	return new.total - old.total <= ADDED_MOST;
}

/* No count of bytes sees a transposition. Who sorts lines keeps the words; no other text has exactly these bytes. */
static void test_order(const struct second *s)
{
	int32_t slots[WORD_SLOTS] = { 0 };
	uint64_t lost = 0;
	uint64_t words;

	if (bw_format_kind((enum bw_format)s->old_content.format) != BW_KIND_TEXT || !has_all_bytes(s->v))
		return;
	words = count_words(s->v->old, 1, slots);
	(void)count_words(s->v->new, -1, slots);
	for (size_t i = 0; i < BW_COUNT(slots); i++)
		lost += slots[i] > 0 ? (uint64_t)slots[i] : 0;
	if (words >= WORDS_ENOUGH && (words - lost) * 1000 <= words * WORDS_KEPT_PER_1000)
		say(s, BW_TEST_TRANSPOSED, BW_STRENGTH_STRONG, words, words - lost);
}

/* ---- all together ------------------------------------------------------------------------------------------ */

static struct bw_slice bounded(struct bw_slice bytes)
{
	return bw_slice_sub(bytes, 0, BW_CONTENT_BYTES_MAX);
}

static void look_at(struct bw_slice bytes, uint64_t size, struct bw_content *content, struct bw_opinion *opinion)
{
	const struct bw_sample sample = { .size = size, .count = bytes.len > 0, .pieces = { { 0, bytes } } };

	bw_content_of(&sample, content);
	bw_format_look(&sample, true, opinion);
}

void bw_content_compare_bytes(const struct bw_versions *versions, struct bw_finding *out)
{
	const struct bw_versions v = { bounded(versions->old), bounded(versions->new), versions->old_size,
				       versions->new_size };
	struct second s = { .v = &v, .out = out };

	*out = (struct bw_finding){ 0 };
	if (v.old_size == v.new_size && bw_slice_equals(v.old, v.new))
		return;
	look_at(v.old, v.old_size, &s.old_content, &s.old);
	look_at(v.new, v.new_size, &s.new_content, &s.new);
	bw_content_compare(&s.old_content, &s.new_content, out);
	s.is_good = bw_content_is_good(&s.new_content) && s.new.state == BW_STATE_GOOD;
	s.is_image = bw_format_kind((enum bw_format)s.old_content.format) == BW_KIND_IMAGE;
	test_changes(&s);
	test_formats(&s);
	test_skeleton(&s);
	test_order(&s);
	out->blind = false;
}
