/*
 * Old features against new ones. The order of thought: can what stands there be
 * read as anything? If so, little can be held against it. If not: was the old
 * content a format, was it text, was it structured at all?
 */
#include "guard/content_count.h"
#include "guard/content_finding.h"

enum {
	SMALLEST = 32,      /* fewer bytes say nothing */
	FOOTER_MOST = 1024, /* keys that ransomware appends; a file this near in size is the same file */
	SAME_CLASS_MIN = 3, /* chi-square above 690 at 4 KiB: 19 standard deviations, no random window gets there */
	FLAT_CHI = 66,      /* bw_log8(BW_CHI_RANDOM) */
	ORDER_CHI = 83,     /* four times that */
	LANGUAGE_8THS = 11, /* evenness of letters from which on it is some language */
	FADED_WINDOWS = 6,
};

struct windows {
	size_t seen;   /* windows that both have */
	size_t fell;   /* from structure to random */
	size_t random; /* are random now */
	size_t wiped;
	size_t less; /* lost structure, however little */
	size_t lost; /* classes lost in all */
	bool head_fell;
	bool head_random;
	bool tail_random;
};

struct comparison {
	const struct bw_content *old;
	const struct bw_content *new;
	struct bw_finding *out;
	uint64_t old_size;
	uint64_t new_size;
	enum bw_kind old_kind;
	enum bw_kind new_kind;
	bool is_good; /* what stands there now is readable */
	bool is_near; /* in size */
	struct windows w;
};

static void say(const struct comparison *c, enum bw_test test, enum bw_strength strength, uint64_t before,
		uint64_t after)
{
	const struct bw_evidence evidence = { .test = (uint8_t)test,
					      .strength = (uint8_t)strength,
					      .format_before = c->old->format,
					      .format_after = c->new->format,
					      .before = before,
					      .after = after };

	bw_finding_add(c->out, strength, &evidence);
}

static struct windows compare_windows(const struct bw_content *old, const struct bw_content *new)
{
	struct windows w = { 0 };

	if (old->windows == 0 || new->windows == 0)
		return w;
	w.seen = new->windows;
	for (size_t i = 0; i < w.seen; i++) {
		const unsigned before = bw_content_class(old, i * old->windows / w.seen);
		const unsigned after = bw_content_class(new, i);
		const bool is_random = after == BW_CLASS_RANDOM;
		const bool fell = is_random && before >= SAME_CLASS_MIN && before <= BW_CLASS_MOST;
		const bool had = before >= BW_CLASS_RANDOM && before <= BW_CLASS_MOST;
		const bool less = had && after != BW_CLASS_NONE && after < before;

		w.fell += fell;
		w.random += is_random;
		w.wiped += had && after >= BW_CLASS_SAME;
		w.less += less;
		w.lost += less ? before - after : 0;
		w.head_fell |= i == 0 && fell;
		w.head_random |= i == 0 && is_random;
		w.tail_random |= i + 1 == w.seen && is_random;
	}
	return w;
}

/* ---- the old content was a format with rules -------------------------------------------------- */

static void test_same_format(const struct comparison *c)
{
	if (c->new->state == BW_STATE_BROKEN) {
		say(c, BW_TEST_FORMAT_BROKEN, BW_STRENGTH_STRONG, 0, 0);
	} else if (c->new->state == BW_STATE_SHORT) {
		/* a save that was interrupted ends early too; it does not end in random bytes at full length */
		const bool is_bad = c->new_size >= c->old_size && (c->w.tail_random || c->w.fell > 0);

		if (is_bad)
			say(c, BW_TEST_FORMAT_BROKEN, BW_STRENGTH_STRONG, 0, 0);
		else
			say(c, BW_TEST_CUT, BW_STRENGTH_SUSPICIOUS, c->old_size, c->new_size);
	}
}

static void test_format(const struct comparison *c)
{
	const bool is_lost = c->new->format == BW_FORMAT_UNKNOWN || (c->new_kind == BW_KIND_TEXT && !c->is_good);
	const bool is_claim = !is_lost && !c->is_good && c->new->format != c->old->format;
	enum bw_strength strength = BW_STRENGTH_SUSPICIOUS;

	if (c->old_kind == BW_KIND_TEXT || c->old_kind == BW_KIND_OTHER || c->old->state != BW_STATE_GOOD || c->is_good)
		return;
	if (c->new->format == c->old->format) {
		test_same_format(c);
		return;
	}
	if (is_claim && c->w.random * 2 < c->w.seen)
		return;
	/* another program's data has another size and seldom begins with noise */
	if (c->w.head_random || c->is_near || c->w.random == c->w.seen || c->new_kind == BW_KIND_TEXT)
		strength = BW_STRENGTH_STRONG;
	if (is_claim) /* begins as something else, and is random: a real one of these exists too */
		strength = BW_STRENGTH_SUSPICIOUS;
	say(c, BW_TEST_FORMAT_LOST, strength, 0, 0);
}

/* ---- the old content was text ------------------------------------------------------------------- */

static void test_text(const struct comparison *c)
{
	const struct bw_content *new = c->new;

	if (c->old_kind != BW_KIND_TEXT || c->new_kind == BW_KIND_TEXT || c->is_good)
		return;
	if ((new->flags &BW_CONTENT_NOISE) != 0 || c->w.fell > 0)
		say(c, BW_TEST_TEXT_LOST, BW_STRENGTH_STRONG, c->old->controls, new->controls);
	else if (c->is_near && c->old_size >= 4 * BW_KIB && new->format == BW_FORMAT_UNKNOWN)
		say(c, BW_TEST_TEXT_BINARY, BW_STRENGTH_STRONG, c->old->controls, new->controls);
	else
		say(c, BW_TEST_TEXT_BINARY, BW_STRENGTH_SUSPICIOUS, c->old->controls, new->controls);
}

/* Sizes that base64, base32 and hex give, with and without line ends. */
static bool fits_encoding(uint64_t old_size, uint64_t new_size)
{
	const uint64_t ratio = new_size * 100 / old_size;

	return ratio >= 95 && ratio <= 220;
}

static bool had_order(const struct comparison *c)
{
	return c->old->format != BW_FORMAT_UNKNOWN || c->old->chi >= ORDER_CHI;
}

static void test_encoded(const struct comparison *c)
{
	const struct bw_content *old = c->old;
	const struct bw_content *new = c->new;
	/* certificates and keys are base64 between two lines of words: one more renewed is no loss */
	const bool was_coded = c->old_kind == BW_KIND_TEXT && old->letters != 0 && old->letters < LANGUAGE_8THS;
	const bool fits = fits_encoding(c->old_size, c->new_size) && !was_coded;

	if (c->new_kind != BW_KIND_TEXT || (old->flags & BW_CONTENT_EVEN) != 0 || !had_order(c))
		return;
	if ((new->flags &BW_CONTENT_EVEN) != 0)
		say(c, BW_TEST_TEXT_ENCODED, fits ? BW_STRENGTH_STRONG : BW_STRENGTH_SUSPICIOUS, old->symbols + 1u,
		    new->symbols + 1u);
	else if ((new->flags &BW_CONTENT_FLAT) != 0 && c->old_kind == BW_KIND_TEXT && old->letters >= LANGUAGE_8THS)
		say(c, BW_TEST_TEXT_SCRAMBLED, c->is_near ? BW_STRENGTH_STRONG : BW_STRENGTH_SUSPICIOUS, old->letters,
		    new->letters);
}

/* Binary data has zeros and small numbers; random bytes among it have all control bytes alike. */
static void test_noise(const struct comparison *c)
{
	const bool is_new = (c->new->flags & ~c->old->flags &BW_CONTENT_NOISE) != 0;

	if (is_new && !c->is_good && c->old_kind != BW_KIND_TEXT && c->old_kind != BW_KIND_IMAGE &&
	    c->old->chi >= ORDER_CHI)
		say(c, BW_TEST_NOISY, BW_STRENGTH_SUSPICIOUS, c->old->controls, c->new->controls);
}

/* ---- it became a container ------------------------------------------------------------------------ */

static void test_container(const struct comparison *c)
{
	const bool was_open = (c->old->flags & BW_CONTENT_ENCRYPTED) == 0;

	if ((c->new->flags &BW_CONTENT_ENCRYPTED) != 0 && was_open)
		say(c, BW_TEST_ENCRYPTED, BW_STRENGTH_SUSPICIOUS, 0, 0);
	else if (bw_content_has_no_gain(c->old, c->new))
		say(c, BW_TEST_NO_GAIN, BW_STRENGTH_SUSPICIOUS, c->old_size, c->new_size);
	else if ((c->new->flags &BW_CONTENT_HOLDS) != 0 && c->old->state == BW_STATE_GOOD &&
		 (c->old_kind == BW_KIND_TEXT || c->old_kind == BW_KIND_DOCUMENT))
		say(c, BW_TEST_HOLDS_NOISE, BW_STRENGTH_SUSPICIOUS, c->old_size, c->new_size);
	else if (c->new_kind == BW_KIND_PACKED && c->is_good && c->old_kind != BW_KIND_PACKED &&
		 c->old->format != BW_FORMAT_OFFICE && c->old->format != BW_FORMAT_UNKNOWN)
		say(c, BW_TEST_PACKED, BW_STRENGTH_SUSPICIOUS, 0, 0);
}

/* ---- structure became noise, whatever the format ---------------------------------------------------- */

static void test_windows(const struct comparison *c)
{
	const struct windows *w = &c->w;
	/* a good file of another kind stands there: nothing can be held against its bytes */
	const bool is_other = c->is_good && c->new->format != c->old->format;
	const bool may_be_strong = !c->is_good && c->old_kind != BW_KIND_IMAGE;
	const bool is_most = w->fell * 2 >= w->seen || (w->head_fell && c->old_kind != BW_KIND_IMAGE);

	if (is_other || w->seen == 0)
		return;
	if (w->fell > 0 && (!c->is_good || w->fell * 2 >= w->seen))
		say(c, BW_TEST_RANDOMISED, may_be_strong && is_most ? BW_STRENGTH_STRONG : BW_STRENGTH_SUSPICIOUS,
		    w->seen, w->fell);
	/* soft pictures are even as a whole, though no window of them is */
	if (c->old->chi >= ORDER_CHI && c->new->chi <= FLAT_CHI && c->new_size >= BW_KIB && w->random * 2 >= w->seen)
		say(c, BW_TEST_FLATTENED, may_be_strong ? BW_STRENGTH_STRONG : BW_STRENGTH_SUSPICIOUS,
		    bw_exp8(c->old->chi), bw_exp8(c->new->chi));
	if (w->wiped > 0 && (!c->is_good || (w->wiped * 3 >= w->seen && c->is_near))) {
		const bool is_all = w->wiped * 2 > w->seen && c->old_kind != BW_KIND_IMAGE && !c->is_good;

		say(c, BW_TEST_WIPED, is_all ? BW_STRENGTH_STRONG : BW_STRENGTH_SUSPICIOUS, w->seen, w->wiped);
	}
	/* windows are alike only in files of one size */
	if (!c->is_good && c->is_near && w->seen >= FADED_WINDOWS && w->less + 1 >= w->seen && w->lost >= w->seen &&
	    w->fell == 0 && w->wiped == 0)
		say(c, BW_TEST_FADED, BW_STRENGTH_SUSPICIOUS, w->seen, w->less);
}

/* ---- all together ------------------------------------------------------------------------------------- */

bool bw_content_equals(const struct bw_content *a, const struct bw_content *b)
{
	return bw_content_size(a) == bw_content_size(b) && a->format == b->format && a->grade == b->grade &&
	       a->state == b->state && a->windows == b->windows &&
	       memcmp(a->classes, b->classes, sizeof(a->classes)) == 0 && a->chi == b->chi &&
	       a->controls == b->controls && a->letters == b->letters && a->spaces == b->spaces &&
	       a->flags == b->flags && a->symbols == b->symbols;
}

static bool is_near(uint64_t old, uint64_t new)
{
	const uint64_t differ = old > new ? old - new : new - old;

	return differ <= FOOTER_MOST && differ * 8 <= old; /* among small files, any two are near */
}

void bw_content_compare(const struct bw_content *old, const struct bw_content *new, struct bw_finding *out)
{
	struct comparison c = { .old = old, .new = new, .out = out };

	*out = (struct bw_finding){ 0 };
	c.old_size = bw_content_size(old);
	c.new_size = bw_content_size(new);
	if (c.old_size < SMALLEST)
		return;
	/* the index knows sizes before it knows features: what nobody looked at says nothing */
	if (old->windows == 0 || (new->windows == 0 && c.new_size > 0)) {
		out->blind = true;
		return;
	}
	if (bw_content_equals(old, new)) { /* as far as windows show */
		out->blind = new->grade != BW_GRADE_WHOLE;
		return;
	}
	if (c.new_size == 0) {
		say(&c, BW_TEST_EMPTIED, BW_STRENGTH_SUSPICIOUS, c.old_size, 0);
		return;
	}
	c.old_kind = bw_format_kind((enum bw_format)old->format);
	c.new_kind = bw_format_kind((enum bw_format) new->format);
	c.is_good = bw_content_is_good(new);
	c.is_near = is_near(c.old_size, c.new_size);
	c.w = compare_windows(old, new);
	/* the same format, no more and no less surely than before */
	if (!c.is_good && new->format == old->format &&new->state == BW_STATE_GOOD &&
	    old->grade <= BW_GRADE_HEADER &&c.old_kind != BW_KIND_TEXT &&
	    old->format != BW_FORMAT_UNKNOWN &&c.w.fell * 2 < c.w.seen)
		c.is_good = true;
	test_format(&c);
	test_text(&c);
	test_encoded(&c);
	test_noise(&c);
	test_container(&c);
	test_windows(&c);
	out->blind = out->strength != BW_STRENGTH_STRONG && new->grade != BW_GRADE_WHOLE;
}
