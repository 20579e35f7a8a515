#include "accord/notary.h"

#include <stdlib.h>

/* A log of our own and one that we witness have rows of their own, whatever others call theirs. */
#define OWN "own\n"

struct signer {
	struct bw_vkey vkey; /* of the witness; of a log its name is put in for each */
	struct bw_sign_key *key;
};

struct bw_notary {
	struct bw_slate *slate;
	struct signer log[BW_NOTARY_KEYS];
	struct signer witness[BW_NOTARY_KEYS];
	struct bw_vkey *trusted; /* those of one origin stand beside each other */
	size_t trusted_count;
};

static const enum bw_sign_kind kinds[BW_NOTARY_KEYS] = { BW_SIGN_ED25519, BW_SIGN_MLDSA44 };
static const enum bw_note_type log_types[BW_NOTARY_KEYS] = { BW_NOTE_ED25519, BW_COSIGN_MLDSA44 };
static const enum bw_note_type witness_types[BW_NOTARY_KEYS] = { BW_COSIGN_ED25519, BW_COSIGN_MLDSA44 };

/* ---- keys --------------------------------------------------------------------------- */

static enum bw_err open_keys(struct bw_slice seeds, struct bw_slice name, const enum bw_note_type *types,
			     struct signer *out)
{
	if (seeds.len == 0)
		return BW_OK;
	BW_NEED(seeds.len == BW_NOTARY_KEYS * BW_SIGN_SEED_BYTES, RANGE);
	for (size_t i = 0; i < BW_NOTARY_KEYS; i++) {
		BW_TRY(bw_sign_key_new(kinds[i], bw_slice_sub(seeds, i * BW_SIGN_SEED_BYTES, BW_SIGN_SEED_BYTES),
				       &out[i].key));
		BW_TRY(bw_vkey_make(name, types[i], bw_sign_key_public(out[i].key), &out[i].vkey));
	}
	return BW_OK;
}

enum bw_err bw_notary_new(struct bw_slice log_seeds, struct bw_slice witness_seeds, struct bw_slice name,
			  struct bw_slate *slate, struct bw_notary **out)
{
	struct bw_notary *notary = calloc(1, sizeof(*notary));
	enum bw_err err;

	BW_NEED(notary != NULL, MEMORY);
	notary->slate = slate;
	err = open_keys(log_seeds, name, log_types, notary->log);
	if (err == BW_OK)
		err = open_keys(witness_seeds, name, witness_types, notary->witness);
	if (err != BW_OK) {
		bw_notary_free(notary);
		return err;
	}
	*out = notary;
	return BW_OK;
}

void bw_notary_free(struct bw_notary *notary)
{
	if (notary == NULL)
		return;
	for (size_t i = 0; i < BW_NOTARY_KEYS; i++) {
		bw_sign_key_free(notary->log[i].key);
		bw_sign_key_free(notary->witness[i].key);
	}
	free(notary->trusted);
	free(notary);
}

void bw_notary_witness_keys(const struct bw_notary *notary, struct bw_vkey out[BW_NOTARY_KEYS])
{
	for (size_t i = 0; i < BW_NOTARY_KEYS; i++)
		out[i] = notary->witness[i].vkey;
}

enum bw_err bw_notary_trust(struct bw_notary *notary, const struct bw_vkey *log)
{
	struct bw_vkey *more;
	size_t at = notary->trusted_count;

	BW_NEED(log->type == BW_NOTE_ED25519 || log->type == BW_COSIGN_MLDSA44, TYPE);
	BW_NEED(at < BW_NOTARY_LOGS_MAX, TOO_MANY);
	more = realloc(notary->trusted, (at + 1) * sizeof(*more));
	BW_NEED(more != NULL, MEMORY);
	notary->trusted = more;
	/* behind the last one of the same origin */
	while (at > 0 && !bw_slice_equals(bw_vkey_name(&more[at - 1]), bw_vkey_name(log)))
		at--;
	if (at == 0)
		at = notary->trusted_count;
	memmove(&more[at + 1], &more[at], (notary->trusted_count - at) * sizeof(*more));
	more[at] = *log;
	notary->trusted_count++;
	return BW_OK;
}

/* ---- logs of our own ------------------------------------------------------------------- */

static enum bw_err add_own(struct bw_buf *out, struct bw_slice origin)
{
	BW_TRY(bw_buf_add_text(out, OWN));
	return bw_buf_add(out, origin);
}

static enum bw_err sign_lines(const struct bw_notary *notary, const struct bw_notary_log *log, struct bw_buf *out)
{
	struct bw_checkpoint checkpoint = { .origin = log->origin, .size = log->size, .root = log->root };
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_NOTE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf note = BW_BUF_INIT(BW_NOTE_MAX);

	BW_TRY(bw_checkpoint_add_text(&text, log->origin, log->size, &log->root));
	checkpoint.note.text = bw_buf_slice(&text);
	BW_TRY(bw_buf_add(&note, bw_buf_slice(&text)));
	BW_TRY(bw_buf_add_u8(&note, '\n'));
	for (size_t i = 0; i < BW_NOTARY_KEYS; i++) {
		const bool is_plain = log_types[i] == BW_NOTE_ED25519;
		struct bw_vkey vkey;

		BW_TRY(bw_vkey_make(log->origin, log_types[i], bw_sign_key_public(notary->log[i].key), &vkey));
		BW_TRY(bw_checkpoint_sign(&checkpoint, &vkey, notary->log[i].key, is_plain ? 0 : log->now_s, &note));
	}
	return bw_buf_add(out, bw_buf_slice(&note));
}

enum bw_err bw_notary_sign(struct bw_notary *notary, const struct bw_notary_log *log, struct bw_buf *out,
			   uint64_t *last_size)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf name = BW_BUF_INIT(sizeof(OWN) + BW_ORIGIN_MAX);
	struct bw_hash root;

	BW_NEED(notary->log[0].key != NULL, UNSUPPORTED);
	BW_TRY(add_own(&name, log->origin));
	BW_TRY(bw_slate_get(notary->slate, bw_buf_slice(&name), last_size, &root));
	BW_NEED(log->size >= *last_size, ROLLBACK);
	BW_NEED(log->old_size == *last_size, CONFLICT);
	BW_TRY(bw_checkpoint_follows(*last_size, &root, log->size, &log->root, log->proof));
	BW_TRY(bw_slate_put(notary->slate, bw_buf_slice(&name), log->size, &log->root));
	*last_size = log->size;
	return sign_lines(notary, log, out);
}

/* ---- logs of others ----------------------------------------------------------------------- */

/* What is known of that log; false: nothing. */
static bool find_log(const struct bw_notary *notary, struct bw_slice origin, struct bw_witness_log *out)
{
	for (size_t i = 0; i < notary->trusted_count; i++) {
		if (!bw_slice_equals(bw_vkey_name(&notary->trusted[i]), origin))
			continue;
		if (out->key_count == 0)
			out->keys = &notary->trusted[i];
		out->key_count++;
	}
	return out->key_count > 0;
}

static enum bw_err cosign(const struct bw_notary *notary, const struct bw_checkpoint *checkpoint, uint64_t now_s,
			  struct bw_buf *out)
{
	for (size_t i = 0; i < BW_NOTARY_KEYS; i++)
		BW_TRY(bw_checkpoint_sign(checkpoint, &notary->witness[i].vkey, notary->witness[i].key, now_s, out));
	return BW_OK;
}

enum bw_err bw_notary_witness(struct bw_notary *notary, struct bw_slice request, uint64_t now_s,
			      struct bw_witness_verdict *verdict, struct bw_buf *out)
{
	struct bw_witness_request asked;
	struct bw_witness_log log = { 0 };
	const enum bw_err err = bw_witness_request_parse(request, &asked);
	bool is_known;

	BW_NEED(notary->witness[0].key != NULL, UNSUPPORTED);
	if (err != BW_OK) {
		*verdict = bw_witness_refuse(err);
		return BW_OK;
	}
	is_known = find_log(notary, asked.checkpoint.origin, &log);
	if (is_known)
		BW_TRY(bw_slate_get(notary->slate, asked.checkpoint.origin, &log.size, &log.root));
	bw_witness_judge(is_known ? &log : NULL, &asked, verdict);
	if (verdict->tells_size)
		return bw_witness_size_add(out, verdict->size);
	if (verdict->status != 200)
		return BW_OK;
	BW_TRY(bw_slate_put(notary->slate, asked.checkpoint.origin, asked.checkpoint.size, &asked.checkpoint.root));
	return cosign(notary, &asked.checkpoint, now_s, out);
}
