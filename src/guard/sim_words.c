#include "guard/sim_parts.h"

/* Ordinary words of a school's office; common ones come first and are met more often. */
static const char *const words[] = {
	"the",       "and",      "of",       "to",       "in",      "for",      "is",         "on",      "we",
	"that",      "with",     "this",     "will",     "be",      "are",      "from",       "all",     "have",
	"school",    "pupils",   "year",     "class",    "please",  "report",   "week",       "parents", "teacher",
	"meeting",   "lesson",   "next",     "plan",     "term",    "staff",    "Monday",     "reading", "results",
	"group",     "work",     "support",  "time",     "letter",  "science",  "history",    "budget",  "visit",
	"library",   "Friday",   "exam",     "homework", "maths",   "progress", "attendance", "trip",    "invoice",
	"governors", "policy",   "review",   "music",    "sports",  "autumn",   "summer",     "winter",  "office",
	"children",  "learning", "agreed",   "minutes",  "contact", "address",  "number",     "room",    "project",
	"garden",    "kitchen",  "computer", "network",  "printer", "safety",   "medical",    "consent", "transport",
	"January",   "March",    "May",      "July",     "October", "December", "targets",    "improve", "evidence",
	"assembly",  "training", "summary",  "draft",    "final",   "approved", "question",   "answer",  "paper",
};

static const char *const names[] = { "Amina", "Bilal",  "Chen",  "Dorota", "Emeka", "Farah",  "Grace",
				     "Hugo",  "Ingrid", "Jakub", "Kemi",   "Liam",  "Mariam", "Nadia" };

uint64_t sim_between(struct sim_dice *dice, uint64_t low, uint64_t high)
{
	uint64_t top = low == 0 ? 1 : low;
	unsigned doublings = 0;

	if (high <= low)
		return low;
	while (top <= high / 2) {
		top *= 2;
		doublings++;
	}
	top = (low == 0 ? 1 : low) << sim_below(dice, doublings + 1U);
	top += sim_below(dice, top);
	return top > high ? high : top;
}

const char *sim_word(struct sim_dice *dice)
{
	/* the square of a uniform number leans to the front, as words do */
	const uint64_t a = sim_below(dice, 1000);

	return words[a * a / 1000 * BW_COUNT(words) / 1000];
}

static enum bw_err sentence(struct sim_dice *dice, struct bw_buf *out)
{
	const uint64_t count = 5 + sim_below(dice, 12);

	for (uint64_t n = 0; n < count; n++) {
		BW_TRY(bw_buf_add_text(out, n == 0 ? names[sim_below(dice, BW_COUNT(names))] : sim_word(dice)));
		BW_TRY(bw_buf_add_text(out, n + 1 < count ? " " : ". "));
	}
	return BW_OK;
}

enum bw_err sim_make_text(struct sim_dice *dice, size_t want, struct bw_buf *out)
{
	const size_t end = out->len + want;

	while (out->len < end) {
		for (unsigned n = 0; n < 6; n++)
			BW_TRY(sentence(dice, out));
		BW_TRY(bw_buf_add_text(out, "\n\n"));
	}
	return BW_OK;
}

enum bw_err sim_make_csv(struct sim_dice *dice, size_t want, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_text(out, "number,name,class,date,mark,remark\n"));
	for (unsigned n = 1; out->len < want; n++) {
		const unsigned day = 1 + (unsigned)sim_below(dice, 28);

		BW_TRY(bw_buf_addf(out, "%u,%s %c.,%u%c,2025-%02u-%02u,%u,%s %s\n", n,
				   names[sim_below(dice, BW_COUNT(names))], (int)('A' + sim_below(dice, 26)),
				   7 + (unsigned)sim_below(dice, 6), (int)('a' + sim_below(dice, 4)),
				   1 + (unsigned)sim_below(dice, 12), day, (unsigned)sim_below(dice, 101),
				   sim_word(dice), sim_word(dice)));
	}
	return BW_OK;
}

enum bw_err sim_make_source(struct sim_dice *dice, size_t want, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_text(out, "#include <stdio.h>\n\n"));
	for (unsigned n = 0; out->len < want; n++) {
		const char *noun = sim_word(dice);

		BW_TRY(bw_buf_addf(out, "/* the %s of the %s */\nint %s_%u(int a, int b)\n{\n", sim_word(dice), noun,
				   noun, n));
		for (uint64_t lines = 2 + sim_below(dice, 12); lines > 0; lines--)
			BW_TRY(bw_buf_addf(out, "\tif (a > %u)\n\t\tb += a * %u; /* %s */\n",
					   (unsigned)sim_below(dice, 1000), (unsigned)sim_below(dice, 77),
					   sim_word(dice)));
		BW_TRY(bw_buf_add_text(out, "\treturn a + b;\n}\n\n"));
	}
	return BW_OK;
}

enum bw_err sim_make_mbox(struct sim_dice *dice, size_t want, struct bw_buf *out)
{
	for (unsigned n = 0; out->len < want; n++) {
		const char *who = names[sim_below(dice, BW_COUNT(names))];

		BW_TRY(bw_buf_addf(
			out,
			"From %s@school.example Mon Mar  3 09:%02u:00 2025\nFrom: %s <%s@school.example>\n"
			"To: office@school.example\nSubject: %s %s\nMessage-ID: <%u.%llx@school.example>\n\n",
			who, n % 60, who, who, sim_word(dice), sim_word(dice), n, (unsigned long long)sim_roll(dice)));
		BW_TRY(sim_make_text(dice, (size_t)(200 + sim_below(dice, 1500)), out));
	}
	return BW_OK;
}

enum bw_err sim_make_big(struct sim_dice *dice, size_t want, struct bw_buf *out)
{
	const size_t end = out->len + want;

	/* what a machine's image holds: text, then what was packed, then nothing */
	while (out->len < end) {
		const size_t left = end - out->len;
		const size_t part = left < 65536 ? left : 65536;

		switch (sim_below(dice, 4)) {
		case 0:
			BW_TRY(sim_add_random(dice, part, out));
			break;
		case 1:
			BW_TRY(bw_buf_reserve(out, part));
			memset(out->ptr + out->len, 0, part);
			out->len += part;
			break;
		default:
			BW_TRY(sim_make_text(dice, part, out));
			break;
		}
	}
	out->len = end; /* the text goes a little past it */
	return BW_OK;
}
