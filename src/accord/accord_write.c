/* The text of an accord, written in the order of RFC 8785. */
#include "accord/accord_inner.h"
#include "codec/jcs.h"
#include "base/text.h"
#include "crypto/keys.h"
#include "sys/clock.h"

static enum bw_err add_words(struct bw_buf *out, const char *member, const struct bw_words *words)
{
	BW_TRY(bw_buf_addf(out, "%s[", member));
	for (size_t i = 0; i < words->count; i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_u8(out, ','));
		BW_TRY(bw_jcs_add_string(out, words->of[i]));
	}
	return bw_buf_add_u8(out, ']');
}

static enum bw_err add_text(struct bw_buf *out, const char *member, struct bw_slice text)
{
	BW_TRY(bw_buf_add_text(out, member));
	return bw_jcs_add_string(out, text);
}

static enum bw_err add_time(struct bw_buf *out, const char *member, int64_t time_us)
{
	char text[BW_TIME_BYTES];

	bw_time_format(time_us, text);
	return bw_buf_addf(out, "%s\"%s\"", member, text);
}

static enum bw_err add_set(struct bw_buf *out, const char *member, const char *const *names, uint64_t set)
{
	const char *comma = "";

	BW_TRY(bw_buf_addf(out, "%s[", member));
	for (unsigned i = 0; names[i] != NULL; i++)
		if ((set >> i & 1) != 0) {
			BW_TRY(bw_buf_addf(out, "%s\"%s\"", comma, names[i]));
			comma = ",";
		}
	return bw_buf_add_u8(out, ']');
}

static enum bw_err add_types(struct bw_buf *out, const char *member, uint64_t types)
{
	const char *names[BW_STIX_TYPE_COUNT + 1];

	for (unsigned i = 0; i < BW_STIX_TYPE_COUNT; i++)
		names[i] = bw_accord_type_name((enum bw_stix_type)i);
	names[BW_STIX_TYPE_COUNT] = NULL;
	return add_set(out, member, names, types);
}

static enum bw_err add_members(struct bw_buf *out, const char *member, const struct bw_flow *flow)
{
	char name[BW_NODE_NAME_CHARS + 1];

	BW_TRY(bw_buf_addf(out, "%s[", member));
	for (size_t i = 0; i < flow->member_count; i++) {
		bw_node_name(flow->members[i], name);
		BW_TRY(bw_buf_addf(out, "%s\"%s\"", i > 0 ? "," : "", name));
	}
	return bw_buf_add_u8(out, ']');
}

static enum bw_err add_flow(struct bw_buf *out, const struct bw_flow *f)
{
	BW_TRY(add_words(out, "{\"collections\":", &f->collections));
	BW_TRY(bw_buf_addf(out, ",\"confidence_min\":%u,\"highest\":\"%s\"", f->confidence_min,
			   bw_colour_names[f->highest - BW_TLP_CLEAR]));
	BW_TRY(add_set(out, ",\"kinds\":", bw_tiding_names, f->kinds));
	BW_TRY(add_words(out, ",\"labels\":", &f->labels));
	BW_TRY(add_members(out, ",\"members\":", f));
	BW_TRY(bw_buf_addf(out, ",\"onward\":\"%s\",\"per_day_bytes\":%llu,\"per_minute\":%u,\"redaction\":\"%s\"",
			   bw_onward_names[f->onward], (unsigned long long)f->per_day_bytes, f->per_minute,
			   bw_redaction_names[f->redaction]));
	BW_TRY(bw_buf_addf(out, ",\"retention_days\":%u", f->retention_days));
	BW_TRY(add_words(out, ",\"sectors\":", &f->sectors));
	BW_TRY(add_types(out, ",\"types\":", f->types));
	return bw_buf_add_u8(out, '}');
}

static enum bw_err add_party(struct bw_buf *out, const struct bw_party *party)
{
	char name[BW_NODE_NAME_CHARS + 1];

	bw_node_name(party->node, name);
	BW_TRY(add_text(out, "{\"name\":", party->name));
	return bw_buf_addf(out, ",\"node\":\"%s\"}", name);
}

static enum bw_err add_previous(struct bw_buf *out, const struct bw_accord *a)
{
	char hex[2 * BW_SHA256_BYTES + 1];

	if (a->sequence == 1)
		return bw_buf_add_text(out, ",\"previous\":null");
	bw_hex_encode(bw_slice_of(a->previous, BW_SHA256_BYTES), hex);
	return bw_buf_addf(out, ",\"previous\":\"%s\"", hex);
}

static enum bw_err add_first_half(struct bw_buf *out, const struct bw_accord *a)
{
	BW_TRY(add_text(out, "{\"basis\":", a->basis));
	BW_TRY(bw_buf_addf(out, ",\"classical_tls\":%s,\"ends\":{\"data\":\"%s\",\"notice_days\":%u},\"flows\":[",
			   a->classical_tls ? "true" : "false", a->destroy_at_end ? "destroyed" : "kept",
			   a->notice_days));
	BW_TRY(add_flow(out, &a->flow[0]));
	BW_TRY(bw_buf_add_u8(out, ','));
	BW_TRY(add_flow(out, &a->flow[1]));
	BW_TRY(add_time(out, "],\"from\":", a->from_us));
	BW_TRY(add_text(out, ",\"id\":", a->id));
	BW_TRY(bw_buf_add_text(out, ",\"parties\":["));
	BW_TRY(add_party(out, &a->party[0]));
	BW_TRY(bw_buf_add_u8(out, ','));
	BW_TRY(add_party(out, &a->party[1]));
	return bw_buf_add_u8(out, ']');
}

static enum bw_err add_second_half(struct bw_buf *out, const struct bw_accord *a)
{
	BW_TRY(add_previous(out, a));
	BW_TRY(add_set(out, ",\"purposes\":", bw_purpose_names, a->purposes));
	BW_TRY(bw_buf_addf(out, ",\"sequence\":%llu,\"type\":\"" BW_ACCORD_TYPE "\"", (unsigned long long)a->sequence));
	BW_TRY(add_time(out, ",\"until\":", a->until_us));
	BW_TRY(bw_buf_add_text(out, ",\"version\":1,\"witness\":{"));
	BW_TRY(add_words(out, "\"operators\":", &a->witnesses));
	return bw_buf_addf(out, ",\"policy\":\"%s\"}}", bw_witness_names[a->witnessing]);
}

enum bw_err bw_accord_add(struct bw_buf *out, const struct bw_accord *accord)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_ACCORD_TEXT_MAX);

	BW_TRY(bw_accord_check(accord, NULL));
	BW_TRY(add_first_half(&text, accord));
	BW_TRY(add_second_half(&text, accord));
	return bw_buf_add(out, bw_buf_slice(&text));
}
