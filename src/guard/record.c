#include "guard/record.h"

static const char magic[] = "BWGR";

enum { RULES = sizeof(struct bw_rules) / sizeof(uint32_t) };

/* ---- from an outcome ------------------------------------------------------------------------------ */

static void take_down(const struct bw_proof *proof, struct bw_recorded_proof *out)
{
	out->proof = *proof;
	bw_proof_weigh(&bw_rules_default, proof, &out->weight, &out->finding);
}

static void begin(const struct bw_outcome *outcome, enum bw_record_kind kind, struct bw_record *out)
{
	memset(out, 0, sizeof(*out));
	out->version = BW_RECORD_VERSION;
	out->kind = (uint8_t)kind;
	out->scope = (uint8_t)outcome->scope;
	out->decided_ns = outcome->now_ns;
	out->place = outcome->place;
	out->rules = bw_rules_default;
	out->verdict = outcome->verdict;
}

void bw_record_of(const struct bw_outcome *outcome, struct bw_record *out)
{
	begin(outcome, BW_RECORD_VERDICT, out);
	for (size_t i = 0; i < outcome->count; i++)
		take_down(outcome->proofs[i], &out->proofs[out->count++]);
}

void bw_record_late(const struct bw_outcome *outcome, struct bw_record *out)
{
	begin(outcome, BW_RECORD_LATE, out);
	if (outcome->newest != NULL)
		take_down(outcome->newest, &out->proofs[out->count++]);
}

/* ---- writing ----------------------------------------------------------------------------------------- */

uint8_t bw_record_rules(uint8_t version)
{
	static const uint8_t counts[BW_RECORD_VERSION + 1] = { [2] = 21, [3] = 26, [4] = 27, [5] = RULES };

	return version <= BW_RECORD_VERSION ? counts[version] : 0;
}

static enum bw_err add_key(struct bw_buf *out, const struct bw_file_key *key)
{
	BW_TRY(bw_buf_add_be64(out, key->ino));
	BW_TRY(bw_buf_add_be64(out, key->tree));
	BW_TRY(bw_buf_add_be32(out, key->gen));
	return bw_buf_add_be32(out, key->volume);
}

static enum bw_err add_content(struct bw_buf *out, const struct bw_content *c)
{
	BW_TRY(bw_buf_add_be32(out, c->size_low));
	BW_TRY(bw_buf_add_be16(out, c->size_high));
	BW_TRY(bw_buf_add_u8(out, c->format));
	BW_TRY(bw_buf_add_u8(out, (uint8_t)(c->grade | c->state << 2 | c->windows << 4)));
	BW_TRY(bw_buf_add(out, bw_slice_of(c->classes, sizeof(c->classes))));
	BW_TRY(bw_buf_add_u8(out, c->chi));
	BW_TRY(bw_buf_add_u8(out, c->controls));
	BW_TRY(bw_buf_add_u8(out, (uint8_t)(c->letters | c->spaces << 4)));
	BW_TRY(bw_buf_add_u8(out, c->flags));
	return bw_buf_add_u8(out, c->symbols);
}

static enum bw_err add_finding(struct bw_buf *out, const struct bw_finding *finding)
{
	BW_TRY(bw_buf_add_u8(out, (uint8_t)finding->strength));
	BW_TRY(bw_buf_add_u8(out, finding->blind));
	BW_TRY(bw_buf_add_u8(out, finding->count));
	for (size_t i = 0; i < finding->count; i++) {
		const struct bw_evidence *e = &finding->tests[i];

		BW_TRY(bw_buf_add_u8(out, e->test));
		BW_TRY(bw_buf_add_u8(out, e->strength));
		BW_TRY(bw_buf_add_u8(out, e->format_before));
		BW_TRY(bw_buf_add_u8(out, e->format_after));
		BW_TRY(bw_buf_add_be64(out, e->before));
		BW_TRY(bw_buf_add_be64(out, e->after));
	}
	return BW_OK;
}

static enum bw_err add_weight(struct bw_buf *out, const struct bw_weight *weight)
{
	BW_TRY(bw_buf_add_be32(out, weight->points));
	BW_TRY(bw_buf_add_u8(out, weight->gravity));
	BW_TRY(bw_buf_add_u8(out, weight->is_pending));
	BW_TRY(bw_buf_add_u8(out, weight->is_gentle));
	return bw_buf_add_be16(out, weight->files);
}

static enum bw_err add_proof(struct bw_buf *out, const struct bw_recorded_proof *recorded)
{
	const struct bw_proof *p = &recorded->proof;

	BW_TRY(bw_buf_add_be64(out, p->time_ns));
	BW_TRY(bw_buf_add_be64(out, (uint64_t)p->wall_us));
	BW_TRY(add_key(out, &p->file));
	BW_TRY(add_key(out, &p->folder));
	BW_TRY(add_key(out, &p->made));
	BW_TRY(bw_buf_add_be64(out, p->version));
	BW_TRY(bw_buf_add_be64(out, p->start_ns));
	BW_TRY(bw_buf_add_be32(out, p->pid));
	BW_TRY(bw_buf_add_be32(out, p->uid));
	BW_TRY(bw_buf_add_be32(out, p->actor));
	BW_TRY(bw_buf_add_u8(out, p->kind));
	BW_TRY(bw_buf_add_u8(out, p->flags));
	BW_TRY(add_content(out, &p->old));
	BW_TRY(add_content(out, &p->new));
	BW_TRY(bw_buf_add(out, bw_slice_of(p->comm, sizeof(p->comm))));
	BW_TRY(bw_buf_add_block(out, bw_slice_of(p->name, p->name_len)));
	BW_TRY(add_weight(out, &recorded->weight));
	return add_finding(out, &recorded->finding);
}

static enum bw_err add_actor(struct bw_buf *out, const struct bw_actor *actor)
{
	BW_TRY(bw_buf_add_u8(out, (uint8_t)actor->kind));
	BW_TRY(bw_buf_add_be64(out, actor->start_ns));
	BW_TRY(bw_buf_add_be64(out, actor->cgroup));
	BW_TRY(bw_buf_add_be32(out, actor->pid));
	BW_TRY(bw_buf_add_be32(out, actor->uid));
	BW_TRY(bw_buf_add_be32(out, actor->session));
	BW_TRY(bw_buf_add(out, bw_slice_of(actor->comm, sizeof(actor->comm))));
	BW_TRY(bw_buf_add(out, bw_slice_of(actor->user, sizeof(actor->user))));
	return bw_buf_add(out, bw_slice_of(actor->address, sizeof(actor->address)));
}

static enum bw_err add_front(struct bw_buf *out, const struct bw_record *record)
{
	BW_TRY(bw_buf_add_text(out, magic));
	BW_TRY(bw_buf_add_u8(out, record->version));
	BW_TRY(bw_buf_add_u8(out, record->kind));
	BW_TRY(bw_buf_add_u8(out, record->mode));
	BW_TRY(bw_buf_add_u8(out, record->is_first_day));
	BW_TRY(bw_buf_add_be64(out, record->incident));
	BW_TRY(bw_buf_add_be64(out, record->decided_ns));
	BW_TRY(bw_buf_add_be64(out, (uint64_t)record->wall_us));
	BW_TRY(bw_buf_add_u8(out, record->scope));
	return bw_buf_add_be64(out, record->place);
}

static enum bw_err add_rules(struct bw_buf *out, const struct bw_record *record)
{
	const uint8_t count = bw_record_rules(record->version);
	const uint32_t numbers[RULES] = {
#define X(name) record->rules.name,
		BW_RULES_ROWS(X)
#undef X
	};

	BW_TRY(bw_buf_add_u8(out, count));
	for (size_t i = 0; i < count; i++)
		BW_TRY(bw_buf_add_be32(out, numbers[i]));
	return BW_OK;
}

static enum bw_err add_verdict(struct bw_buf *out, const struct bw_verdict *verdict)
{
	BW_TRY(bw_buf_add_u8(out, verdict->gravity));
	BW_TRY(bw_buf_add_u8(out, verdict->rule));
	BW_TRY(bw_buf_add_u8(out, verdict->gentle));
	BW_TRY(bw_buf_add_be16(out, verdict->files));
	BW_TRY(bw_buf_add_be32(out, verdict->points));
	return bw_buf_add_be32(out, verdict->needed);
}

enum bw_err bw_record_write(const struct bw_record *record, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf part = BW_BUF_INIT(BW_RECORD_PROOF_BYTES_MAX);

	BW_NEED(bw_record_rules(record->version) > 0, SCHEMA);
	BW_TRY(add_front(out, record));
	BW_TRY(add_rules(out, record));
	BW_TRY(add_verdict(out, &record->verdict));
	BW_TRY(bw_buf_add_u8(out, record->measure));
	BW_TRY(add_actor(&part, &record->actor));
	BW_TRY(bw_buf_add_block(out, bw_buf_slice(&part)));
	BW_TRY(bw_buf_add_u8(out, record->count));
	for (size_t i = 0; i < record->count; i++) {
		bw_buf_clear(&part);
		BW_TRY(add_proof(&part, &record->proofs[i]));
		BW_TRY(bw_buf_add_block(out, bw_buf_slice(&part)));
	}
	return BW_OK;
}

/* ---- judging again -------------------------------------------------------------------------------------- */

static bool is_same_finding(const struct bw_finding *a, const struct bw_finding *b)
{
	if (a->strength != b->strength || a->blind != b->blind || a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct bw_evidence *x = &a->tests[i];
		const struct bw_evidence *y = &b->tests[i];

		if (x->test != y->test || x->strength != y->strength || x->format_before != y->format_before ||
		    x->format_after != y->format_after || x->before != y->before || x->after != y->after)
			return false;
	}
	return true;
}

static bool is_same_weight(const struct bw_weight *a, const struct bw_weight *b)
{
	return a->points == b->points && a->gravity == b->gravity && a->is_pending == b->is_pending &&
	       a->is_gentle == b->is_gentle && a->files == b->files;
}

static bool is_same_verdict(const struct bw_verdict *a, const struct bw_verdict *b)
{
	return a->gravity == b->gravity && a->rule == b->rule && a->gentle == b->gentle && a->files == b->files &&
	       a->points == b->points && a->needed == b->needed;
}

enum bw_err bw_record_replay(const struct bw_record *record, struct bw_fault *fault)
{
	const struct bw_proof *proofs[BW_SCORE_ACTOR_MAX];
	struct bw_weight weights[BW_SCORE_ACTOR_MAX];
	struct bw_verdict verdict;

	for (size_t i = 0; i < record->count; i++) {
		const struct bw_recorded_proof *r = &record->proofs[i];
		struct bw_finding finding;

		proofs[i] = &r->proof;
		bw_proof_weigh(&record->rules, &r->proof, &weights[i], &finding);
		if (!is_same_finding(&finding, &r->finding))
			return bw_fault_set(fault, BW_ERR_CONFLICT, i, "a test comes out otherwise");
		if (!is_same_weight(&weights[i], &r->weight))
			return bw_fault_set(fault, BW_ERR_CONFLICT, i, "a proof weighs otherwise");
	}
	if (record->kind == BW_RECORD_LATE)
		return BW_OK;
	bw_rules_judge(&record->rules, (enum bw_scope)record->scope, record->decided_ns, proofs, weights, record->count,
		       &verdict);
	if (!is_same_verdict(&verdict, &record->verdict))
		return bw_fault_set(fault, BW_ERR_CONFLICT, record->count, "the verdict is another");
	if (bw_verdict_measure(&verdict, record->mode, record->is_first_day) != (enum bw_measure)record->measure)
		return bw_fault_set(fault, BW_ERR_CONFLICT, record->count, "the measure is another");
	return BW_OK;
}
