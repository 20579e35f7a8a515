/* What a proof weighs, and when proofs are enough. */
#include "guard/proof.h"

#include "guard/content_finding.h"
#include "guard/settings.h"

const struct bw_rules bw_rules_default = {
	.sure = 60,   /* two tests that know nothing of each other agree: two files decide */
	.strong = 40, /* one test: three files decide */
	.beside = 34,
	.sealed = 20, /* five files sealed, their originals gone */
	.weak = 12,
	.slight = 6,
	.wide = 8, /* for each place of a large file that was lost */
	.wide_window = 4 * 1024 * 1024,
	.decisive = 100,
	.lasting = 250,
	.ordered = 100,
	.ordered_lasting = 300,
	.unusual = 150,
	.folder = 160,
	.volume = 240,
	.volume_lasting = 500,
	.files_least = 2,
	.actors_least = 2,
	.open_least = 3,
	.fast_half_s = 60 * 60,
	.slow_half_s = 3 * 24 * 60 * 60,
	.wide_changed = 20,   /* sealed in part */
	.cleared_folders = 3, /* whoever deletes trees has one empty folder at a time, which goes before the next */
	.cleared_formats = 4, /* tidying chooses by place or by kind */
	.cleared_files = 12,
	.cleared_s = 5, /* a person opens a folder, marks all, deletes and confirms in longer than a second or two */
	.bait = 2,      /* a file nobody works with counts as so many: what is surely destroyed decides alone */
	.warned = 25,   /* somebody's word decides nothing alone … */
	.warned_enough = 45, /* … two words do, or one and a file that was destroyed, or sealed, here */
};

static const struct {
	const char *name;
	const char *words;
} rule_rows[] = {
#define X(name, word, sentence) { word, sentence },
	BW_RULE_ROWS(X)
#undef X
};

const char *bw_rule_name(enum bw_rule rule)
{
	return (size_t)rule < BW_RULE_COUNT ? rule_rows[rule].name : "unknown";
}

const char *bw_rule_words(enum bw_rule rule)
{
	return (size_t)rule < BW_RULE_COUNT ? rule_rows[rule].words : "unknown";
}

const char *bw_gravity_name(enum bw_gravity gravity)
{
	static const char *const names[] = { "nothing", "unusual", "ordered", "destroyed" };

	return (size_t)gravity < BW_COUNT(names) ? names[gravity] : "unknown";
}

bool bw_comm_is_gentle(const char comm[BW_COMM_BYTES])
{
	static const char *const tools[] = { "shred",   "srm",    "wipe",    "scrub",   "gpg",         "gpg2",
					     "gpg-zip", "age",    "rage",    "openssl", "7z",          "7za",
					     "7zr",     "7zz",    "zip",     "rar",     "ccrypt",      "ccencrypt",
					     "bcrypt",  "mcrypt", "aespipe", "qpdf",    "soffice.bin", "cryptsetup" };

	for (size_t i = 0; i < BW_COUNT(tools); i++) {
		if (strncmp(comm, tools[i], BW_COMM_BYTES) == 0)
			return true;
	}
	return false;
}

/* ---- one proof --------------------------------------------------------------------------------- */

/* Half of a good write can look broken, cut, emptied or filled; it cannot look random where it was structured. */
static bool shows_while_open(uint8_t test)
{
	return test != BW_TEST_FORMAT_BROKEN && test != BW_TEST_CUT && test != BW_TEST_EMPTIED &&
	       test != BW_TEST_WIPED && test != BW_TEST_NOISY && test != BW_TEST_TEXT_BINARY;
}

static bool is_wiping(uint8_t test)
{
	return test == BW_TEST_WIPED || test == BW_TEST_EMPTIED;
}

struct counts {
	unsigned strong;
	unsigned strong_shown; /* also while open */
	unsigned strong_wiping;
	unsigned sealed;
	unsigned emptied;
	unsigned odd;        /* the other suspicious ones */
	bool changed_random; /* all that changed is */
	unsigned lost_windows;
	unsigned windows;
};

static struct counts count_tests(const struct bw_finding *finding)
{
	struct counts c = { 0 };

	for (size_t i = 0; i < finding->count; i++) {
		const struct bw_evidence *e = &finding->tests[i];

		if (e->test == BW_TEST_RANDOMISED) {
			c.lost_windows = (unsigned)e->after;
			c.windows = (unsigned)e->before;
		}
		c.changed_random |= e->test == BW_TEST_CHANGED_RANDOM;
		if (e->test == BW_TEST_BLOCKS_RANDOM && i > 0 && finding->tests[i - 1].test == BW_TEST_CHANGED_RANDOM)
			continue; /* the same bytes, counted otherwise */
		if (e->strength == BW_STRENGTH_STRONG) {
			c.strong++;
			c.strong_shown += shows_while_open(e->test);
			c.strong_wiping += is_wiping(e->test);
		} else if (e->test == BW_TEST_ENCRYPTED || e->test == BW_TEST_NO_GAIN ||
			   e->test == BW_TEST_HOLDS_NOISE) {
			c.sealed++;
		} else if (is_wiping(e->test)) {
			c.emptied++;
		} else if (e->strength == BW_STRENGTH_SUSPICIOUS && e->test != BW_TEST_PACKED &&
			   e->test != BW_TEST_CUT) {
			c.odd++;
		}
	}
	return c;
}

static uint32_t strong_points(const struct bw_rules *rules, const struct bw_proof *proof, const struct counts *c)
{
	if (proof->kind == BW_PROOF_BESIDE)
		return rules->beside;
	return c->strong >= 2 ? rules->sure : rules->strong;
}

/* A disk image or a database is many files in one: its places count. */
static void weigh_large(const struct bw_rules *rules, const struct bw_proof *proof, const struct counts *c,
			struct bw_weight *out)
{
	if (proof->kind != BW_PROOF_CHANGED || bw_content_size(&proof->old) < rules->wide_window)
		return;
	if (c->lost_windows < 3 || c->lost_windows * 2 < c->windows) {
		if (c->changed_random && out->gravity < BW_GRAVITY_ORDERED && rules->wide_changed > 0) {
			out->points = rules->wide_changed;
			out->gravity = BW_GRAVITY_ORDERED;
		}
		return;
	}
	out->points += rules->wide * c->lost_windows;
	out->files = (uint16_t)(1 + c->lost_windows / 3);
	if (out->gravity < BW_GRAVITY_ORDERED)
		out->gravity = BW_GRAVITY_ORDERED;
}

static void weigh_weak(const struct bw_rules *rules, const struct bw_proof *proof, const struct counts *c,
		       struct bw_weight *out)
{
	const bool is_gone = proof->kind == BW_PROOF_JOINED || proof->kind == BW_PROOF_REPLACED;

	if (proof->kind == BW_PROOF_SWALLOWED) {
		*out = (struct bw_weight){ .points = rules->weak, .gravity = BW_GRAVITY_ORDERED, .files = 1 };
	} else if (c->sealed > 0) {
		out->points = is_gone ? rules->sealed : rules->weak;
		out->gravity = BW_GRAVITY_ORDERED;
	} else if (c->emptied > 0) {
		out->points = rules->weak;
		out->gravity = BW_GRAVITY_ORDERED;
		out->is_pending = (proof->flags & BW_PROOF_OPEN) != 0;
	} else if (c->odd >= 2) {
		out->points = rules->sealed;
		out->gravity = BW_GRAVITY_ORDERED;
		out->is_pending = (proof->flags & BW_PROOF_OPEN) != 0;
	} else if (c->odd == 1 && (proof->flags & BW_PROOF_OPEN) == 0) {
		out->points = rules->slight;
		out->gravity = BW_GRAVITY_UNUSUAL;
	}
}

static void find_again(const struct bw_proof *proof, struct bw_finding *out)
{
	*out = (struct bw_finding){ 0 };
	if (proof->kind == BW_PROOF_JOINED || proof->kind == BW_PROOF_BESIDE)
		bw_content_join(&proof->old, &proof->new, out);
	else if (proof->kind != BW_PROOF_BAIT_GONE && proof->kind != BW_PROOF_CLEARED && proof->kind != BW_PROOF_WARNED)
		bw_content_compare(&proof->old, &proof->new, out);
	for (size_t i = 0; i < proof->seen_count && i < BW_SECOND_TESTS; i++)
		bw_finding_add(out, (enum bw_strength)proof->seen[i].strength, &proof->seen[i]);
	out->blind = out->blind && proof->seen_count == 0;
}

/*
 * A file that nobody has a reason to change counts as several, by the same tests as any other: who edits, seals,
 * empties or throws away the one he came upon is nobody's enemy. Of records without the number it decided alone.
 */
static void weigh_bait(const struct bw_rules *rules, const struct bw_proof *proof, const struct counts *c,
		       struct bw_weight *out)
{
	if (proof->kind == BW_PROOF_BAIT_GONE || proof->kind == BW_PROOF_CLEARED)
		return;
	if (rules->bait > 0) {
		out->points *= rules->bait;
		out->files = (uint16_t)(out->files * rules->bait);
	} else if (c->strong + c->sealed + c->odd + c->emptied > 0 && !out->is_pending) {
		out->points = out->points > rules->decisive ? out->points : rules->decisive;
		out->gravity = BW_GRAVITY_DESTROYED;
	}
}

/* Throwing one file away is what people do. */
static struct bw_weight weight_of_gone_bait(const struct bw_rules *rules)
{
	if (rules->bait > 0)
		return (struct bw_weight){ .points = rules->slight, .gravity = BW_GRAVITY_UNUSUAL, .files = 1 };
	return (struct bw_weight){ .points = rules->ordered, .gravity = BW_GRAVITY_ORDERED, .files = 1 };
}

void bw_proof_weigh(const struct bw_rules *rules, const struct bw_proof *proof, struct bw_weight *out,
		    struct bw_finding *out_finding)
{
	const bool is_open = (proof->flags & BW_PROOF_OPEN) != 0;
	struct counts c;

	*out = (struct bw_weight){ .files = 1 };
	find_again(proof, out_finding);
	c = count_tests(out_finding);
	if (proof->kind == BW_PROOF_SWALLOWED && out_finding->strength == BW_STRENGTH_NONE)
		return;
	if (proof->kind == BW_PROOF_WARNED) { /* of no gravity by itself, whatever was said */
		out->points = (proof->flags & BW_PROOF_SIGNED) == 0 ? rules->warned : 0;
		return;
	}
	if (proof->kind == BW_PROOF_BAIT_GONE) {
		*out = weight_of_gone_bait(rules);
	} else if (proof->kind == BW_PROOF_CLEARED) { /* of no gravity by itself: the rule counts folders and kinds */
		*out = (struct bw_weight){ .points = rules->cleared_files > 0, .is_gentle = true, .files = 1 };
	} else if (c.strong > 0 && proof->kind != BW_PROOF_SWALLOWED) {
		out->points = strong_points(rules, proof, &c);
		out->gravity = BW_GRAVITY_DESTROYED;
		out->is_gentle = c.strong == c.strong_wiping || c.sealed > 0;
		out->is_pending = is_open && c.strong_shown == 0;
	} else {
		weigh_weak(rules, proof, &c, out);
	}
	weigh_large(rules, proof, &c, out);
	if ((proof->flags & BW_PROOF_CANARY) != 0)
		weigh_bait(rules, proof, &c, out);
	out->is_gentle |= (proof->flags & BW_PROOF_GENTLE) != 0;
	if ((proof->flags & BW_PROOF_SIGNED) != 0)
		out->points = 0;
}

/* ---- all together --------------------------------------------------------------------------------- */

uint64_t bw_points_fade(uint32_t points, uint64_t age_ns, uint32_t half_s)
{
	const uint64_t half_ns = (uint64_t)half_s * 1000000000;
	const uint64_t halves = age_ns / half_ns;
	uint64_t value = (uint64_t)points * 256;

	if (halves >= 40)
		return 0;
	value >>= halves;
	return value - value * ((age_ns % half_ns) * 1000 / half_ns) / 2000;
}

struct sum {
	uint64_t fast; /* in 1/256 */
	uint64_t slow;
	unsigned files;
	unsigned gentle;
};

struct sums {
	struct sum of[BW_GRAVITY_DESTROYED + 1];
	unsigned actors; /* that destroyed something */
	unsigned baits;
	uint64_t warned; /* in 1/256 */
	unsigned warnings;
};

static bool is_counted_before(const struct bw_proof *const *proofs, const struct bw_weight *weights, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (bw_file_key_equals(&proofs[k]->file, &proofs[i]->file) && weights[k].gravity >= weights[i].gravity)
			return true;
	}
	return false;
}

static bool is_new_actor(const struct bw_proof *const *proofs, const struct bw_weight *weights, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (proofs[k]->actor == proofs[i]->actor && weights[k].gravity == BW_GRAVITY_DESTROYED)
			return false;
	}
	return true;
}

static struct sums sum_up(const struct bw_rules *rules, uint64_t now_ns, const struct bw_proof *const *proofs,
			  const struct bw_weight *weights, size_t count)
{
	struct sums s = { 0 };
	unsigned pending = 0;

	for (size_t i = 0; i < count; i++)
		pending += weights[i].is_pending;
	for (size_t i = 0; i < count; i++) {
		const struct bw_weight *w = &weights[i];
		const uint64_t age = now_ns > proofs[i]->time_ns ? now_ns - proofs[i]->time_ns : 0;
		struct sum *sum = &s.of[w->gravity <= BW_GRAVITY_DESTROYED ? w->gravity : 0];

		if (w->points == 0 || (w->is_pending && pending < rules->open_least) ||
		    is_counted_before(proofs, weights, i))
			continue;
		if (proofs[i]->kind == BW_PROOF_WARNED) {
			s.warned += bw_points_fade(w->points, age, rules->fast_half_s);
			s.warnings++;
			continue;
		}
		sum->fast += bw_points_fade(w->points, age, rules->fast_half_s);
		sum->slow += bw_points_fade(w->points, age, rules->slow_half_s);
		sum->files += w->files;
		sum->gentle += w->is_gentle ? w->files : 0u;
		s.baits += (proofs[i]->flags & BW_PROOF_CANARY) != 0 && w->gravity == BW_GRAVITY_DESTROYED;
		s.actors += w->gravity == BW_GRAVITY_DESTROYED && is_new_actor(proofs, weights, i);
	}
	return s;
}

/* True when the rule is met, and then the verdict is made. */
static bool meets(struct bw_verdict *out, enum bw_gravity gravity, enum bw_rule rule, uint64_t sum, uint32_t needed,
		  unsigned files)
{
	if (sum / 256 < needed)
		return false;
	out->gravity = (uint8_t)gravity;
	out->rule = (uint8_t)rule;
	out->points = (uint32_t)(sum / 256 < UINT32_MAX ? sum / 256 : UINT32_MAX);
	out->needed = needed;
	out->files = (uint16_t)(files < UINT16_MAX ? files : UINT16_MAX);
	return true;
}

static void judge_tree(const struct bw_rules *rules, enum bw_scope scope, const struct sums *s, struct bw_verdict *out)
{
	const struct sum *d = &s->of[BW_GRAVITY_DESTROYED];
	const bool is_volume = scope == BW_SCOPE_VOLUME;

	if (s->actors < rules->actors_least)
		return;
	if (meets(out, BW_GRAVITY_DESTROYED, BW_RULE_TREE, d->fast, is_volume ? rules->volume : rules->folder,
		  d->files))
		return;
	if (is_volume)
		meets(out, BW_GRAVITY_DESTROYED, BW_RULE_TREE_LASTING, d->slow, rules->volume_lasting, d->files);
}

/*
 * What others said lowers what is needed, and what follows is a hold: never of the gravity that ends processes, which
 * takes what was seen here alone.
 */
static bool judge_warned(const struct bw_rules *rules, const struct sums *s, struct bw_verdict *out)
{
	const struct sum *d = &s->of[BW_GRAVITY_DESTROYED];
	const struct sum *o = &s->of[BW_GRAVITY_ORDERED];

	return s->warnings > 0 && rules->warned > 0 &&
	       meets(out, BW_GRAVITY_ORDERED, BW_RULE_WARNED, s->warned + d->fast + o->fast, rules->warned_enough,
		     d->files + o->files + s->warnings);
}

static void judge_actor(const struct bw_rules *rules, const struct sums *s, struct bw_verdict *out)
{
	const struct sum *d = &s->of[BW_GRAVITY_DESTROYED];
	const struct sum *o = &s->of[BW_GRAVITY_ORDERED];
	const struct sum *u = &s->of[BW_GRAVITY_UNUSUAL];

	if (s->baits > 0 && meets(out, BW_GRAVITY_DESTROYED, BW_RULE_BAIT, d->fast, rules->decisive, d->files))
		return;
	if (d->files >= rules->files_least &&
	    (meets(out, BW_GRAVITY_DESTROYED, BW_RULE_MANY, d->fast, rules->decisive, d->files) ||
	     meets(out, BW_GRAVITY_DESTROYED, BW_RULE_LASTING, d->slow, rules->lasting, d->files)))
		return;
	if (meets(out, BW_GRAVITY_ORDERED, BW_RULE_ORDERED, o->fast + d->fast, rules->ordered, o->files + d->files) ||
	    meets(out, BW_GRAVITY_ORDERED, BW_RULE_ORDERED_LASTING, o->slow + d->slow, rules->ordered_lasting,
		  o->files + d->files))
		return;
	if (judge_warned(rules, s, out))
		return;
	meets(out, BW_GRAVITY_UNUSUAL, BW_RULE_UNUSUAL, u->fast + o->fast + d->fast, rules->unusual,
	      u->files + o->files + d->files);
}

/* ---- folders that were emptied ---------------------------------------------------------------------- */

struct cleared {
	unsigned files;
	unsigned folders;
	unsigned formats;
	uint64_t seen; /* formats, a bit each */
};

/* Texts are one: they differ by the letters their writer used. */
static unsigned format_of(const struct bw_proof *proof)
{
	const enum bw_format format = (enum bw_format)proof->old.format;

	return bw_format_kind(format) == BW_KIND_TEXT ? BW_FORMAT_ASCII : format;
}

static bool is_cleared(const struct bw_rules *rules, uint64_t now_ns, const struct bw_proof *proof,
		       const struct bw_weight *weight)
{
	const uint64_t age = now_ns > proof->time_ns ? now_ns - proof->time_ns : 0;

	return proof->kind == BW_PROOF_CLEARED && weight->points > 0 && age <= rules->cleared_s * UINT64_C(1000000000);
}

static struct cleared count_cleared(const struct bw_rules *rules, uint64_t now_ns, const struct bw_proof *const *proofs,
				    const struct bw_weight *weights, size_t count)
{
	struct cleared c = { 0 };

	_Static_assert(BW_FORMAT_COUNT <= 64, "a bit for every format");
	for (size_t i = 0; i < count; i++) {
		bool is_new = true;

		if (!is_cleared(rules, now_ns, proofs[i], &weights[i]))
			continue;
		for (size_t k = 0; k < i && is_new; k++)
			is_new = !is_cleared(rules, now_ns, proofs[k], &weights[k]) ||
				 !bw_file_key_equals(&proofs[k]->folder, &proofs[i]->folder);
		c.files++;
		c.folders += is_new;
		c.formats += (c.seen >> format_of(proofs[i]) & 1) == 0;
		c.seen |= UINT64_C(1) << format_of(proofs[i]);
	}
	return c;
}

static void judge_cleared(const struct bw_rules *rules, const struct cleared *c, struct bw_verdict *out)
{
	if (rules->cleared_files > 0 && out->gravity < BW_GRAVITY_ORDERED && c->folders >= rules->cleared_folders &&
	    c->formats >= rules->cleared_formats)
		meets(out, BW_GRAVITY_ORDERED, BW_RULE_CLEARED, c->files * UINT64_C(256), rules->cleared_files,
		      c->files);
}

void bw_rules_judge(const struct bw_rules *rules, enum bw_scope scope, uint64_t now_ns,
		    const struct bw_proof *const *proofs, const struct bw_weight *weights, size_t count,
		    struct bw_verdict *out)
{
	const struct sums s = sum_up(rules, now_ns, proofs, weights, count);
	const struct sum *d = &s.of[BW_GRAVITY_DESTROYED];

	*out = (struct bw_verdict){ 0 };
	if (scope == BW_SCOPE_FOLDER || scope == BW_SCOPE_VOLUME) {
		judge_tree(rules, scope, &s, out);
	} else {
		const struct cleared c = count_cleared(rules, now_ns, proofs, weights, count);

		judge_actor(rules, &s, out);
		judge_cleared(rules, &c, out);
	}
	out->gentle = out->gravity != BW_GRAVITY_NONE && d->files > 0 && d->gentle == d->files;
}

enum bw_measure bw_verdict_measure(const struct bw_verdict *verdict, uint32_t mode, bool is_first_day)
{
	if (mode == BW_MODE_OBSERVE || verdict->gravity < BW_GRAVITY_ORDERED)
		return BW_MEASURE_NONE;
	if (verdict->gravity == BW_GRAVITY_DESTROYED && mode != BW_MODE_HOLD && !verdict->gentle)
		return BW_MEASURE_KILL;
	/* many known-good files are gone, however: of the highest class, and held, because it may be ordered */
	if (verdict->gravity == BW_GRAVITY_ORDERED && mode == BW_MODE_UNSET && is_first_day &&
	    verdict->files < BW_FIRST_DAY_FILES)
		return BW_MEASURE_NONE;
	return BW_MEASURE_FREEZE;
}
