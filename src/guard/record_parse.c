/* Reading a record: every number within its bounds, nothing left over. */
#include "guard/record.h"

#include "guard/settings.h"

enum { RULES = sizeof(struct bw_rules) / sizeof(uint32_t), ACTOR_BYTES_MAX = 512, HALF_MOST_S = 366 * 24 * 60 * 60 };

static enum bw_err take_bool(struct bw_cursor *c, bool *out)
{
	uint8_t value;

	BW_TRY(bw_take_u8(c, &value));
	BW_NEED(value <= 1, RANGE);
	*out = value == 1;
	return BW_OK;
}

static enum bw_err take_time(struct bw_cursor *c, int64_t *out)
{
	uint64_t value;

	BW_TRY(bw_take_be64(c, &value));
	*out = (int64_t)value;
	return BW_OK;
}

static enum bw_err take_text(struct bw_cursor *c, char *out, size_t len)
{
	struct bw_slice bytes;

	BW_TRY(bw_take(c, len, &bytes));
	BW_NEED(bytes.ptr[len - 1] == 0, RANGE);
	memcpy(out, bytes.ptr, len);
	return BW_OK;
}

static enum bw_err take_key(struct bw_cursor *c, struct bw_file_key *out)
{
	BW_TRY(bw_take_be64(c, &out->ino));
	BW_TRY(bw_take_be64(c, &out->tree));
	BW_TRY(bw_take_be32(c, &out->gen));
	return bw_take_be32(c, &out->volume);
}

static enum bw_err take_content(struct bw_cursor *c, struct bw_content *out)
{
	struct bw_slice classes;
	uint8_t packed;
	uint8_t text;

	BW_TRY(bw_take_be32(c, &out->size_low));
	BW_TRY(bw_take_be16(c, &out->size_high));
	BW_TRY(bw_take_u8(c, &out->format));
	BW_TRY(bw_take_u8(c, &packed));
	BW_TRY(bw_take(c, sizeof(out->classes), &classes));
	BW_TRY(bw_take_u8(c, &out->chi));
	BW_TRY(bw_take_u8(c, &out->controls));
	BW_TRY(bw_take_u8(c, &text));
	BW_TRY(bw_take_u8(c, &out->flags));
	BW_TRY(bw_take_u8(c, &out->symbols));
	out->grade = packed & 3u;
	out->state = packed >> 2 & 3u;
	out->windows = packed >> 4 & 15u;
	memcpy(out->classes, classes.ptr, sizeof(out->classes));
	out->letters = text & 15u;
	out->spaces = text >> 4 & 15u;
	BW_NEED(out->format < BW_FORMAT_COUNT && out->windows <= BW_CONTENT_WINDOWS, RANGE);
	return BW_OK;
}

static enum bw_err take_evidence(struct bw_cursor *c, struct bw_evidence *out)
{
	BW_TRY(bw_take_u8(c, &out->test));
	BW_TRY(bw_take_u8(c, &out->strength));
	BW_TRY(bw_take_u8(c, &out->format_before));
	BW_TRY(bw_take_u8(c, &out->format_after));
	BW_TRY(bw_take_be64(c, &out->before));
	BW_TRY(bw_take_be64(c, &out->after));
	BW_NEED(out->test < BW_TEST_COUNT && out->strength <= BW_STRENGTH_STRONG, RANGE);
	BW_NEED(out->format_before < BW_FORMAT_COUNT && out->format_after < BW_FORMAT_COUNT, RANGE);
	return BW_OK;
}

static enum bw_err take_finding(struct bw_cursor *c, struct bw_finding *out)
{
	uint8_t strength;

	BW_TRY(bw_take_u8(c, &strength));
	BW_NEED(strength <= BW_STRENGTH_STRONG, RANGE);
	out->strength = (enum bw_strength)strength;
	BW_TRY(take_bool(c, &out->blind));
	BW_TRY(bw_take_u8(c, &out->count));
	BW_NEED(out->count <= BW_FINDING_MAX, TOO_MANY);
	for (size_t i = 0; i < out->count; i++)
		BW_TRY(take_evidence(c, &out->tests[i]));
	return BW_OK;
}

static enum bw_err take_weight(struct bw_cursor *c, struct bw_weight *out)
{
	BW_TRY(bw_take_be32(c, &out->points));
	BW_TRY(bw_take_u8(c, &out->gravity));
	BW_TRY(take_bool(c, &out->is_pending));
	BW_TRY(take_bool(c, &out->is_gentle));
	BW_TRY(bw_take_be16(c, &out->files));
	BW_NEED(out->gravity <= BW_GRAVITY_DESTROYED, RANGE);
	return BW_OK;
}

/* What needed whole contents is not found again from features: it is taken as it was seen. */
static enum bw_err take_seen(const struct bw_finding *finding, struct bw_proof *out)
{
	for (size_t i = 0; i < finding->count; i++) {
		if (!bw_second_is_test(finding->tests[i].test))
			continue;
		BW_NEED(out->seen_count < BW_SECOND_TESTS, TOO_MANY);
		out->seen[out->seen_count++] = finding->tests[i];
	}
	return BW_OK;
}

static enum bw_err take_proof(struct bw_cursor *c, struct bw_recorded_proof *out)
{
	struct bw_proof *p = &out->proof;
	struct bw_slice name;

	BW_TRY(bw_take_be64(c, &p->time_ns));
	BW_TRY(take_time(c, &p->wall_us));
	BW_TRY(take_key(c, &p->file));
	BW_TRY(take_key(c, &p->folder));
	BW_TRY(take_key(c, &p->made));
	BW_TRY(bw_take_be64(c, &p->version));
	BW_TRY(bw_take_be64(c, &p->start_ns));
	BW_TRY(bw_take_be32(c, &p->pid));
	BW_TRY(bw_take_be32(c, &p->uid));
	BW_TRY(bw_take_be32(c, &p->actor));
	BW_TRY(bw_take_u8(c, &p->kind));
	BW_TRY(bw_take_u8(c, &p->flags));
	BW_NEED(p->kind >= BW_PROOF_CHANGED && p->kind < BW_PROOF_KINDS && p->flags < 2 * BW_PROOF_SIGNED, RANGE);
	BW_TRY(take_content(c, &p->old));
	BW_TRY(take_content(c, &p->new));
	BW_TRY(take_text(c, p->comm, sizeof(p->comm)));
	BW_TRY(bw_take_block(c, sizeof(p->name), &name));
	p->name_len = (uint8_t)name.len;
	memcpy(p->name, name.ptr, name.len);
	BW_TRY(take_weight(c, &out->weight));
	BW_TRY(take_finding(c, &out->finding));
	BW_TRY(take_seen(&out->finding, p));
	return bw_cursor_left(c) == 0 ? BW_OK : BW_ERR_TOO_BIG;
}

static enum bw_err take_actor(struct bw_cursor *c, struct bw_actor *out)
{
	uint8_t kind;

	BW_TRY(bw_take_u8(c, &kind));
	BW_NEED(kind <= BW_ACTOR_SMB, RANGE);
	out->kind = kind;
	BW_TRY(bw_take_be64(c, &out->start_ns));
	BW_TRY(bw_take_be64(c, &out->cgroup));
	BW_TRY(bw_take_be32(c, &out->pid));
	BW_TRY(bw_take_be32(c, &out->uid));
	BW_TRY(bw_take_be32(c, &out->session));
	BW_TRY(take_text(c, out->comm, sizeof(out->comm)));
	BW_TRY(take_text(c, out->user, sizeof(out->user)));
	BW_TRY(take_text(c, out->address, sizeof(out->address)));
	return bw_cursor_left(c) == 0 ? BW_OK : BW_ERR_TOO_BIG;
}

/* Half-lives divide. */
static enum bw_err take_rules(struct bw_cursor *c, uint8_t version, struct bw_rules *out)
{
	uint32_t *const numbers[RULES] = {
#define X(name) &out->name,
		BW_RULES_ROWS(X)
#undef X
	};
	uint8_t count;

	BW_TRY(bw_take_u8(c, &count));
	BW_NEED(count == bw_record_rules(version), RANGE);
	for (size_t i = 0; i < count; i++)
		BW_TRY(bw_take_be32(c, numbers[i]));
	BW_NEED(out->fast_half_s > 0 && out->fast_half_s <= HALF_MOST_S, RANGE);
	BW_NEED(out->slow_half_s > 0 && out->slow_half_s <= HALF_MOST_S, RANGE);
	return BW_OK;
}

static enum bw_err take_verdict(struct bw_cursor *c, struct bw_verdict *out)
{
	BW_TRY(bw_take_u8(c, &out->gravity));
	BW_TRY(bw_take_u8(c, &out->rule));
	BW_TRY(take_bool(c, &out->gentle));
	BW_TRY(bw_take_be16(c, &out->files));
	BW_TRY(bw_take_be32(c, &out->points));
	BW_TRY(bw_take_be32(c, &out->needed));
	BW_NEED(out->gravity <= BW_GRAVITY_DESTROYED && out->rule < BW_RULE_COUNT, RANGE);
	return BW_OK;
}

static enum bw_err take_front(struct bw_cursor *c, struct bw_record *out)
{
	struct bw_slice mark;

	BW_TRY(bw_take(c, 4, &mark));
	BW_NEED(bw_slice_is(mark, "BWGR"), SYNTAX);
	BW_TRY(bw_take_u8(c, &out->version));
	BW_NEED(bw_record_rules(out->version) > 0, SCHEMA);
	BW_TRY(bw_take_u8(c, &out->kind));
	BW_NEED(out->kind == BW_RECORD_VERDICT || out->kind == BW_RECORD_LATE, RANGE);
	BW_TRY(bw_take_u8(c, &out->mode));
	BW_NEED(out->mode <= BW_MODE_ENFORCE, RANGE);
	BW_TRY(take_bool(c, &out->is_first_day));
	BW_TRY(bw_take_be64(c, &out->incident));
	BW_TRY(bw_take_be64(c, &out->decided_ns));
	BW_TRY(take_time(c, &out->wall_us));
	BW_TRY(bw_take_u8(c, &out->scope));
	BW_NEED(out->scope >= BW_SCOPE_ACTOR && out->scope < BW_SCOPE_COUNT, RANGE);
	return bw_take_be64(c, &out->place);
}

enum bw_err bw_record_parse(struct bw_slice bytes, struct bw_record *out)
{
	struct bw_cursor c = bw_cursor_over(bytes);
	struct bw_cursor inner;
	struct bw_slice block;

	memset(out, 0, sizeof(*out));
	BW_TRY(take_front(&c, out));
	BW_TRY(take_rules(&c, out->version, &out->rules));
	BW_TRY(take_verdict(&c, &out->verdict));
	BW_TRY(bw_take_u8(&c, &out->measure));
	BW_NEED(out->measure <= BW_MEASURE_KILL, RANGE);
	BW_TRY(bw_take_block(&c, ACTOR_BYTES_MAX, &block));
	inner = bw_cursor_over(block);
	BW_TRY(take_actor(&inner, &out->actor));
	BW_TRY(bw_take_u8(&c, &out->count));
	BW_NEED(out->count <= BW_SCORE_ACTOR_MAX, TOO_MANY);
	for (size_t i = 0; i < out->count; i++) {
		BW_TRY(bw_take_block(&c, BW_RECORD_PROOF_BYTES_MAX, &block));
		inner = bw_cursor_over(block);
		BW_TRY(take_proof(&inner, &out->proofs[i]));
	}
	return bw_cursor_left(&c) == 0 ? BW_OK : BW_ERR_TOO_BIG;
}
