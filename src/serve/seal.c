#include "serve/seal.h"

#include "base/log.h"
#include "base/text.h"
#include "codec/base64.h"
#include "desk/form.h"
#include "serve/ask.h"

enum bw_err bw_seal_message(uint64_t seq, const uint8_t hash[BW_SHA256_BYTES], struct bw_buf *out)
{
	char hex[2 * BW_SHA256_BYTES + 1];

	bw_hex_encode(bw_slice_of(hash, BW_SHA256_BYTES), hex);
	return bw_buf_addf(out, "seq %llu sha256 %s", (unsigned long long)seq, hex);
}

enum bw_err bw_seal_check(const struct bw_node_public *node, uint64_t seq_before,
			  const uint8_t hash_before[BW_SHA256_BYTES], struct bw_slice note)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf message = BW_BUF_INIT(256);
	uint8_t bytes[BW_NODE_SIGNATURE_BYTES + 3];
	struct bw_node_signature signature;
	struct bw_cursor in;
	size_t len;

	BW_TRY(bw_base64_decode(note, bytes, sizeof(bytes), &len));
	in = bw_cursor_over(bw_slice_of(bytes, len));
	BW_TRY(bw_node_signature_take(&in, &signature));
	BW_NEED(bw_cursor_left(&in) == 0, SYNTAX);
	BW_TRY(bw_seal_message(seq_before, hash_before, &message));
	return bw_node_verify(node, "audit-head", bw_buf_slice(&message), &signature);
}

/* ---- the keeper's side ------------------------------------------------- */

static enum bw_err ask(struct bw_sealing *s, struct bw_post *post)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf message = BW_BUF_INIT(256);
	BW_CLEANUP(bw_buf_release) struct bw_buf form = BW_BUF_INIT(1024);

	BW_TRY(bw_seal_message(s->asked.seq, s->asked.hash, &message));
	BW_TRY(bw_form_add_num(&form, ++s->last_id));
	BW_TRY(bw_form_add_text(&form, "audit-head"));
	BW_TRY(bw_form_add(&form, bw_buf_slice(&message)));
	BW_TRY(bw_post_ask(post, "signer", BW_ASK_SIGN, bw_buf_slice(&form), -1));
	s->asked_id = s->last_id;
	return BW_OK;
}

void bw_sealing_step(struct bw_sealing *s, struct bw_store *store, struct bw_post *post, int64_t now_ms)
{
	if (now_ms < s->next_ms)
		return;
	s->next_ms = now_ms + BW_SEAL_RETRY_MS;
	if (bw_store_audit_head(store, &s->asked) != BW_OK || s->asked.seq == 0 || s->asked.seq <= s->sealed_seq)
		return;
	if (ask(s, post) != BW_OK)
		s->asked_id = 0; /* the signer is being started; there is a next time */
}

static enum bw_err add_seal(struct bw_store *store, const struct bw_audit_head *head, struct bw_slice signature)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf target = BW_BUF_INIT(256);
	BW_CLEANUP(bw_buf_release) struct bw_buf note = BW_BUF_INIT(8192);
	struct bw_audit_fact fact = {
		.account = BW_LIT("node"), .address = bw_slice_empty, .action = BW_LIT(BW_SEAL_ACTION), .count = 1
	};

	BW_TRY(bw_seal_message(head->seq, head->hash, &target));
	BW_TRY(bw_base64_add(&note, signature));
	fact.target = bw_buf_slice(&target);
	fact.note = bw_buf_slice(&note);
	return bw_store_audit_add(store, &fact);
}

bool bw_sealing_answered(struct bw_sealing *s, struct bw_store *store, struct bw_slice answer, bool clean,
			 int64_t now_ms)
{
	struct bw_audit_head head;
	struct bw_form form;
	uint64_t id;
	uint64_t fine;

	if (bw_form_take(answer, BW_FIELDS_ANS_SIGN, &form) != BW_OK ||
	    bw_form_num(&form, 0, UINT64_MAX, &id) != BW_OK || bw_form_num(&form, 1, 1, &fine) != BW_OK ||
	    id != s->asked_id || id == 0)
		return false;
	s->asked_id = 0;
	if (fine == 0) { /* locked; serve has said so at its start */
		s->next_ms = now_ms + BW_SEAL_LOCKED_MS;
		return false;
	}
	if (!clean || bw_store_audit_head(store, &head) != BW_OK || head.seq != s->asked.seq)
		return false;
	if (add_seal(store, &head, form.fields[2]) != BW_OK) {
		bw_log(BW_ERROR, "audit log not sealed", { 0 });
		return false;
	}
	s->sealed_seq = head.seq + 1;
	s->next_ms = now_ms + BW_SEAL_EVERY_MS;
	return true;
}
