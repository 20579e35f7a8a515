#include "accord/papers.h"

#include <inttypes.h>

#include "accord/accord_inner.h"
#include "accord/canon.h"
#include "accord/envelope.h"
#include "codec/base64.h"

/* ---- writing --------------------------------------------------------------------- */

static enum bw_err add_key(struct bw_buf *out, const char *before, const uint8_t *key, size_t len, const char *after)
{
	BW_TRY(bw_buf_addf(out, "%s\"", before));
	BW_TRY(bw_base64_add(out, bw_slice_of(key, len)));
	return bw_buf_addf(out, "\"%s", after);
}

enum bw_err bw_papers_add(struct bw_buf *out, const struct bw_papers *p)
{
	char node[BW_NODE_NAME_CHARS + 1];

	BW_NEED(p->sequence > 0 && p->sequence <= BW_NUMBER_MAX, RANGE);
	bw_node_name(p->node, node);
	BW_TRY(add_key(out, "{\"log\":[", p->log_ed25519, sizeof(p->log_ed25519), ","));
	BW_TRY(add_key(out, "", p->log_mldsa44, sizeof(p->log_mldsa44), "]"));
	BW_TRY(bw_buf_addf(out, ",\"node\":\"%s\",\"sequence\":%" PRIu64, node, p->sequence));
	BW_TRY(bw_buf_add_text(out, ",\"type\":\"breakwater-papers\",\"version\":1"));
	BW_TRY(add_key(out, ",\"witness\":[", p->witness_ed25519, sizeof(p->witness_ed25519), ","));
	return add_key(out, "", p->witness_mldsa44, sizeof(p->witness_mldsa44), "]}");
}

/* ---- reading ---------------------------------------------------------------------- */

static enum bw_err read_key(struct bw_canon *c, uint8_t *out, size_t len)
{
	const size_t at = c->at;
	uint8_t bytes[BW_SIGN_PUBLIC_MAX];
	struct bw_slice text;
	size_t n = 0;

	BW_TRY(bw_canon_string(c, 4 * sizeof(bytes) / 3, &text));
	/* the decoder takes one spelling of each value, so one key has one text */
	if (bw_base64_decode(text, bytes, sizeof(bytes), &n) != BW_OK || n != len)
		return bw_canon_refuse(c, BW_ERR_SYNTAX, at, "a public key in base64 is expected here");
	memcpy(out, bytes, len);
	return BW_OK;
}

static enum bw_err read_node(struct bw_canon *c, uint8_t out[BW_SHA256_BYTES])
{
	const size_t at = c->at;
	char again[BW_NODE_NAME_CHARS + 1];
	struct bw_slice text;

	BW_TRY(bw_canon_string(c, BW_NODE_NAME_CHARS, &text));
	if (bw_node_name_parse(text, out) != BW_OK)
		return bw_canon_refuse(c, BW_ERR_SYNTAX, at, "the name of a node is expected here");
	bw_node_name(out, again);
	return bw_slice_is(text, again) ? BW_OK
					: bw_canon_refuse(c, BW_ERR_SYNTAX, at, "the name is not in its one form");
}

static enum bw_err read_papers(struct bw_canon *c, struct bw_papers *out)
{
	BW_TRY(BW_CANON_MEMBER(c, "{", "log"));
	BW_TRY(bw_canon_expect(c, "[", "two keys are expected here"));
	BW_TRY(read_key(c, out->log_ed25519, sizeof(out->log_ed25519)));
	BW_TRY(bw_canon_expect(c, ",", "a second key is expected here"));
	BW_TRY(read_key(c, out->log_mldsa44, sizeof(out->log_mldsa44)));
	BW_TRY(bw_canon_expect(c, "]", "there are two keys"));
	BW_TRY(BW_CANON_MEMBER(c, ",", "node"));
	BW_TRY(read_node(c, out->node));
	BW_TRY(BW_CANON_MEMBER(c, ",", "sequence"));
	BW_TRY(bw_canon_number(c, 1, BW_NUMBER_MAX, &out->sequence));
	BW_TRY(bw_canon_expect(c, ",\"type\":\"breakwater-papers\",\"version\":1,\"witness\":[",
			       "the type of papers and the witness's keys are expected here"));
	BW_TRY(read_key(c, out->witness_ed25519, sizeof(out->witness_ed25519)));
	BW_TRY(bw_canon_expect(c, ",", "a second key is expected here"));
	BW_TRY(read_key(c, out->witness_mldsa44, sizeof(out->witness_mldsa44)));
	BW_TRY(bw_canon_expect(c, "]}", "the end is expected here"));
	return bw_canon_end(c);
}

enum bw_err bw_papers_parse(struct bw_slice text, struct bw_arena *arena, struct bw_papers *out, struct bw_fault *fault)
{
	struct bw_canon c = BW_CANON_OVER(text, arena);
	struct bw_papers papers = { .sequence = 0 };
	const enum bw_err err = text.len > BW_PAPERS_TEXT_MAX ? BW_ERR_TOO_BIG : read_papers(&c, &papers);

	if (fault != NULL)
		*fault = c.fault;
	if (err == BW_OK)
		*out = papers;
	return err;
}

enum bw_err bw_papers_check(struct bw_slice envelope, const struct bw_node_public *node, struct bw_arena *arena,
			    struct bw_papers *out)
{
	uint8_t name[BW_SHA256_BYTES];
	struct bw_papers papers;
	struct bw_dsse parsed;

	BW_NEED(envelope.len <= BW_PAPERS_FILE_MAX, TOO_BIG);
	BW_TRY(bw_dsse_parse(envelope, arena, &parsed));
	BW_TRY(bw_envelope_check(&parsed, BW_PAPERS_TYPE, node));
	BW_TRY(bw_papers_parse(parsed.payload, arena, &papers, NULL));
	BW_TRY(bw_node_fingerprint(node, name));
	BW_NEED(memcmp(name, papers.node, sizeof(name)) == 0, CONFLICT);
	*out = papers;
	return BW_OK;
}

/* ---- keys as notes name them ---------------------------------------------------------- */

enum bw_err bw_papers_log(const struct bw_papers *p, struct bw_slice accord_id, struct bw_vkey out[BW_PAPERS_KEYS])
{
	BW_CLEANUP(bw_buf_release) struct bw_buf name = BW_BUF_INIT(BW_NOTE_NAME_MAX);
	char node[BW_NODE_NAME_CHARS + 1];

	bw_node_name(p->node, node);
	BW_TRY(bw_buf_addf(&name, "%s/%.*s", node, BW_ARG(accord_id)));
	BW_TRY(bw_vkey_make(bw_buf_slice(&name), BW_NOTE_ED25519, bw_slice_of(p->log_ed25519, sizeof(p->log_ed25519)),
			    &out[0]));
	return bw_vkey_make(bw_buf_slice(&name), BW_COSIGN_MLDSA44, bw_slice_of(p->log_mldsa44, sizeof(p->log_mldsa44)),
			    &out[1]);
}

enum bw_err bw_papers_witness(const struct bw_papers *p, struct bw_vkey out[BW_PAPERS_KEYS])
{
	char node[BW_NODE_NAME_CHARS + 1];

	bw_node_name(p->node, node);
	BW_TRY(bw_vkey_make(bw_slice_text(node), BW_COSIGN_ED25519,
			    bw_slice_of(p->witness_ed25519, sizeof(p->witness_ed25519)), &out[0]));
	return bw_vkey_make(bw_slice_text(node), BW_COSIGN_MLDSA44,
			    bw_slice_of(p->witness_mldsa44, sizeof(p->witness_mldsa44)), &out[1]);
}

/* ---- the policy -------------------------------------------------------------------------- */

static enum bw_err add_vkeys(struct bw_buf *out, const char *word, const char *name,
			     const struct bw_vkey keys[BW_PAPERS_KEYS])
{
	for (size_t i = 0; i < BW_PAPERS_KEYS; i++) {
		BW_TRY(bw_buf_add_text(out, word));
		if (name != NULL)
			BW_TRY(bw_buf_addf(out, " %s-%zu", name, i + 1));
		BW_TRY(bw_buf_add_u8(out, ' '));
		BW_TRY(bw_vkey_add(out, &keys[i]));
		BW_TRY(bw_buf_add_u8(out, '\n'));
	}
	return BW_OK;
}

/* An operator's line in the accord is a witness's key, alone or with its address behind it. */
static enum bw_err add_operators(struct bw_buf *out, const struct bw_accord *accord)
{
	struct bw_vkey vkey;
	struct bw_slice line;
	struct bw_slice url;

	for (size_t i = 0; i < accord->witnesses.count; i++) {
		if (!bw_slice_cut(accord->witnesses.of[i], ' ', &line, &url))
			line = accord->witnesses.of[i];
		BW_TRY(bw_vkey_parse(line, &vkey));
		BW_NEED(vkey.type == BW_COSIGN_ED25519 || vkey.type == BW_COSIGN_MLDSA44, SYNTAX);
		BW_TRY(bw_buf_addf(out, "witness operator-%zu %.*s\n", i + 1, BW_ARG(accord->witnesses.of[i])));
	}
	BW_TRY(bw_buf_add_text(out, "group operators any"));
	for (size_t i = 0; i < accord->witnesses.count; i++)
		BW_TRY(bw_buf_addf(out, " operator-%zu", i + 1));
	return bw_buf_add_text(out, "\ngroup both all ally operators\nquorum both\n");
}

enum bw_err bw_papers_policy(const struct bw_accord *accord, const struct bw_papers *teller,
			     const struct bw_papers *hearer, struct bw_buf *out)
{
	struct bw_vkey log[BW_PAPERS_KEYS];
	struct bw_vkey ally[BW_PAPERS_KEYS];

	BW_TRY(bw_papers_log(teller, accord->id, log));
	BW_TRY(bw_papers_witness(hearer, ally));
	BW_TRY(add_vkeys(out, "log", NULL, log));
	BW_TRY(add_vkeys(out, "witness", "ally", ally));
	BW_TRY(bw_buf_add_text(out, "group ally all ally-1 ally-2\n"));
	if (accord->witnessing == BW_WITNESS_ALLY)
		return bw_buf_add_text(out, "quorum ally\n");
	BW_NEED(accord->witnesses.count > 0, MISSING);
	return add_operators(out, accord);
}
