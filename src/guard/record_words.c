/* A record in words. What varies is escaped: names were chosen by whoever destroyed the files. */
#include <inttypes.h>

#include "base/text.h"
#include "guard/foreign.h"
#include "guard/doer.h"
#include "guard/plain.h"
#include "guard/record.h"
#include "guard/settings.h"

enum { SENTENCE_BYTES = 256, FILES_SHOWN = 20 };

static enum bw_err add_escaped(struct bw_buf *out, const char *text)
{
	return bw_text_escape(out, bw_slice_text(text));
}

enum bw_err bw_actor_say(const struct bw_actor *actor, struct bw_buf *out)
{
	switch (actor->kind) {
	case BW_ACTOR_SMB:
		BW_TRY(bw_buf_add_text(out, "the Samba session"));
		if (actor->user[0] != '\0') {
			BW_TRY(bw_buf_add_text(out, " of "));
			BW_TRY(add_escaped(out, actor->user));
		}
		if (actor->address[0] != '\0') {
			BW_TRY(bw_buf_add_text(out, " at "));
			BW_TRY(add_escaped(out, actor->address));
		}
		return actor->user[0] != '\0' ? BW_OK : bw_buf_addf(out, " served by process %" PRIu32, actor->pid);
	case BW_ACTOR_UNIT:
		BW_TRY(bw_buf_addf(out, "the unit with cgroup %" PRIu64 ", begun by ", actor->cgroup));
		break;
	case BW_ACTOR_LOGIN:
		BW_TRY(bw_buf_addf(out, "login session %" PRIu32 ", by ", actor->session));
		break;
	case BW_ACTOR_FAMILY:
		BW_TRY(bw_buf_add_text(out, "the processes begun by "));
		break;
	default:
		return bw_buf_add_text(out,
				       "somebody who cannot be named (the kernel acted, as it does for NFS clients, or "
				       "several wrote the same files)");
	}
	BW_TRY(bw_buf_add_text(out, "'"));
	BW_TRY(add_escaped(out, actor->comm));
	return bw_buf_addf(out, "' (process %" PRIu32 ", user %" PRIu32 ")", actor->pid, actor->uid);
}

static const char *kind_words(uint8_t kind)
{
	switch (kind) {
	case BW_PROOF_CHANGED:
		return "written in place";
	case BW_PROOF_REPLACED:
		return "another file was moved over it";
	case BW_PROOF_JOINED:
		return "removed; a new file with its name holds what it held";
	case BW_PROOF_BESIDE:
		return "removed; the same process wrote a new file of its size beside it";
	case BW_PROOF_SWALLOWED:
		return "removed, after a sealed archive was made that could hold it and all others";
	case BW_PROOF_CLEARED:
		return "removed, with nearly all that its folder held; the folder stands";
	default:
		return "a bait file, removed by itself";
	}
}

static enum bw_err add_time(struct bw_buf *out, int64_t wall_us)
{
	char text[BW_PLAIN_BYTES];

	return bw_buf_add_text(out, bw_plain_time(wall_us, text));
}

static enum bw_err add_tests(struct bw_buf *out, const struct bw_finding *finding)
{
	char sentence[SENTENCE_BYTES];

	for (size_t i = 0; i < finding->count; i++) {
		const struct bw_evidence *e = &finding->tests[i];

		bw_evidence_say(e, sentence, sizeof(sentence));
		BW_TRY(bw_buf_addf(out, "    %s%s: %s\n", bw_test_name((enum bw_test)e->test),
				   e->strength == BW_STRENGTH_STRONG ? "" : " (has innocent causes too)", sentence));
	}
	return BW_OK;
}

/* "  the ally "us" warned of "a.docx.locked" (indicator--…) at …; 25 points" */
static enum bw_err add_warning(struct bw_buf *out, const struct bw_recorded_proof *r)
{
	const struct bw_slice name = bw_slice_of(r->proof.name, r->proof.name_len);
	struct bw_foreign_hit hit = { name, bw_slice_empty, bw_slice_empty };

	(void)bw_foreign_hit_parse(name, &hit); /* cut short, it still tells who */
	BW_TRY(bw_buf_add_text(out, "  \""));
	BW_TRY(bw_text_escape(out, hit.value));
	BW_TRY(bw_buf_add_text(out, "\" at "));
	BW_TRY(add_time(out, r->proof.wall_us));
	BW_TRY(bw_buf_add_text(out, ", of which \""));
	BW_TRY(bw_text_escape(out, hit.peer));
	BW_TRY(bw_buf_add_text(out, "\" warned ("));
	BW_TRY(bw_text_escape(out, hit.id));
	return bw_buf_addf(out, "); %" PRIu32 " points, for a hold at most\n", r->weight.points);
}

static enum bw_err add_file(struct bw_buf *out, const struct bw_recorded_proof *r)
{
	const struct bw_proof *p = &r->proof;

	if (p->kind == BW_PROOF_WARNED)
		return add_warning(out, r);
	BW_TRY(bw_buf_add_text(out, "  "));
	BW_TRY(bw_text_escape(out, bw_slice_of(p->name, p->name_len)));
	BW_TRY(bw_buf_add_text(out, " at "));
	BW_TRY(add_time(out, p->wall_us));
	BW_TRY(bw_buf_addf(out, ": %s, %s", bw_format_words((enum bw_format)p->old.format), kind_words(p->kind)));
	if (p->comm[0] != '\0') {
		BW_TRY(bw_buf_add_text(out, ", by '"));
		BW_TRY(add_escaped(out, p->comm));
		BW_TRY(bw_buf_addf(out, "' (%" PRIu32 ")", p->pid));
	}
	BW_TRY(bw_buf_addf(out, "; %" PRIu32 " points%s%s%s\n", r->weight.points,
			   (p->flags & BW_PROOF_CANARY) != 0 ? "; a bait file, which weighs more" : "",
			   (p->flags & BW_PROOF_SIGNED) != 0 ? "; a signed job, so it does not count" : "",
			   (p->flags & BW_PROOF_OPEN) != 0 ? "; still being written then" : ""));
	return add_tests(out, &r->finding);
}

static enum bw_err add_rule(struct bw_buf *out, const struct bw_record *record)
{
	const struct bw_verdict *v = &record->verdict;

	BW_TRY(bw_buf_addf(out, "Rule \"%s\": %s. %" PRIu32 " points of %" PRIu32 " needed, %u file%s.\n",
			   bw_rule_name((enum bw_rule)v->rule), bw_rule_words((enum bw_rule)v->rule), v->points,
			   v->needed, (unsigned)v->files, v->files == 1 ? "" : "s"));
	if (v->rule == BW_RULE_WARNED)
		BW_TRY(bw_buf_add_text(out, "Without what others said, these files alone would not have sufficed. "
					    "All that came from one of them goes with:  "
					    "breakwater guard foreign undo --peer NAME\n"));
	return bw_buf_addf(out,
			   "A file weighs %" PRIu32 " points when two tests agree, %" PRIu32
			   " when one speaks; half of them fade in %" PRIu32 " minutes, over days in %" PRIu32
			   " hours.\n",
			   record->rules.sure, record->rules.strong, record->rules.fast_half_s / 60,
			   record->rules.slow_half_s / 3600);
}

/*
 * What was decided: what the hand made of it, the ledger tells (guard/incident_deeds.h). Of several actors, and of one
 * that nobody can name, some may have been clients.
 */
static const char *stopped_words(uint8_t measure, uint32_t kind)
{
	const bool is_ended = measure == BW_MEASURE_KILL;

	if (kind == BW_ACTOR_SMB)
		return "Its connection was ended; what was done to keep the client out, and what failed, stands below.";
	if (kind != BW_ACTOR_NONE)
		return is_ended ? "Its processes were ended."
				: "Its processes were stopped, to stand still until a person decides.";
	return is_ended ? "Processes that did it were ended; what was done to keep clients out stands below."
			: "Processes that did it were stopped, to stand still until a person decides; what was done to "
			  "keep clients out stands below.";
}

static const char *measure_words(const struct bw_record *record)
{
	if (record->measure == BW_MEASURE_KILL || record->measure == BW_MEASURE_FREEZE)
		return stopped_words(record->measure, record->actor.kind);
	if (record->mode == BW_MODE_OBSERVE)
		return "Nothing was done: the guard only observes.";
	if (record->verdict.gravity == BW_GRAVITY_UNUSUAL)
		return "Nothing was done: this is written down, never acted on.";
	return "Nothing was done: on the first day only the highest class of verdicts is acted on.";
}

enum bw_err bw_record_explain(const struct bw_record *record, struct bw_buf *out)
{
	const size_t shown = record->count < FILES_SHOWN ? record->count : FILES_SHOWN;
	struct bw_doers doers;

	bw_doers_of(record, &doers);
	BW_TRY(bw_buf_addf(out, "Incident %" PRIu64 ", ", record->incident));
	BW_TRY(add_time(out, record->wall_us));
	BW_TRY(bw_buf_add_text(out, record->kind == BW_RECORD_LATE ? ", found later: " : ": "));
	BW_TRY(bw_doers_say(&doers, &record->actor, out));
	BW_TRY(bw_buf_add_text(out, ".\n"));
	if (record->kind == BW_RECORD_VERDICT) {
		BW_TRY(add_rule(out, record));
		BW_TRY(bw_buf_addf(out, "%s\n", measure_words(record)));
	}
	for (size_t i = 0; i < shown; i++)
		BW_TRY(add_file(out, &record->proofs[i]));
	if (shown < record->count)
		BW_TRY(bw_buf_addf(out, "  and %zu more\n", record->count - shown));
	return BW_OK;
}
