/* Papers and the notary's seeds as files below the data folder. */
#include <stdio.h>

#include "accord/envelope.h"
#include "accord/papers.h"
#include "accord/place.h"
#include "desk/folder.h"

#define SEEDS "accord/keys/notary"
#define OWN "accord/keys/papers.json"
#define MAGIC "BWNOTARY1\n"

enum { ARENA_BYTES = 256 * 1024, FILE_BYTES = sizeof(MAGIC) - 1 + BW_NOTARY_SEEDS_BYTES };

/* ---- seeds ------------------------------------------------------------------------ */

static enum bw_err make_seeds(const char *path, struct bw_why *why)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret file = { 0 };

	BW_TRY(bw_secret_make(&file, FILE_BYTES));
	memcpy(file.ptr, MAGIC, sizeof(MAGIC) - 1);
	bw_random(file.ptr + sizeof(MAGIC) - 1, BW_NOTARY_SEEDS_BYTES);
	return bw_file_create(path, bw_secret_slice(&file), 0600, why);
}

enum bw_err bw_notary_seeds(const char *data, struct bw_secret *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf bytes = BW_BUF_INIT(FILE_BYTES + 1);
	struct bw_place place;

	BW_TRY(bw_folder_place(data, SEEDS, &place));
	BW_TRY(bw_buf_reserve(&bytes, FILE_BYTES)); /* growing would leave copies behind */
	BW_TRY(bw_file_read(place.path, &bytes, why));
	if (bytes.len != FILE_BYTES || !bw_slice_starts(bw_buf_slice(&bytes), BW_LIT(MAGIC)))
		return bw_why_set(why, BW_ERR_SYNTAX, "'%s' holds no keys of a notary", place.path);
	return bw_secret_set(out, bw_slice_from(bw_buf_slice(&bytes), sizeof(MAGIC) - 1));
}

static enum bw_err public_of(enum bw_sign_kind kind, struct bw_slice seeds, size_t at, uint8_t *out)
{
	struct bw_sign_key *key = NULL;

	BW_TRY(bw_sign_key_new(kind, bw_slice_sub(seeds, at * BW_SIGN_SEED_BYTES, BW_SIGN_SEED_BYTES), &key));
	memcpy(out, bw_sign_key_public(key).ptr, bw_sign_public_bytes(kind));
	bw_sign_key_free(key);
	return BW_OK;
}

static enum bw_err keys_of(struct bw_slice seeds, struct bw_papers *out)
{
	BW_TRY(public_of(BW_SIGN_ED25519, seeds, 0, out->log_ed25519));
	BW_TRY(public_of(BW_SIGN_MLDSA44, seeds, 1, out->log_mldsa44));
	BW_TRY(public_of(BW_SIGN_ED25519, seeds, 2, out->witness_ed25519));
	return public_of(BW_SIGN_MLDSA44, seeds, 3, out->witness_mldsa44);
}

/* ---- our own ------------------------------------------------------------------------- */

enum bw_err bw_papers_own(const char *data, struct bw_buf *out, struct bw_why *why)
{
	struct bw_place place;

	BW_TRY(bw_folder_place(data, OWN, &place));
	if (!bw_file_exists(place.path))
		return bw_why_set(why, BW_ERR_NOT_FOUND,
				  "this node has no papers yet: they are made when it meets a peer or signs an accord");
	return bw_file_read(place.path, out, why);
}

static bool are_same_keys(const struct bw_papers *a, const struct bw_papers *b)
{
	return memcmp(a->log_ed25519, b->log_ed25519, sizeof(a->log_ed25519)) == 0 &&
	       memcmp(a->log_mldsa44, b->log_mldsa44, sizeof(a->log_mldsa44)) == 0 &&
	       memcmp(a->witness_ed25519, b->witness_ed25519, sizeof(a->witness_ed25519)) == 0 &&
	       memcmp(a->witness_mldsa44, b->witness_mldsa44, sizeof(a->witness_mldsa44)) == 0;
}

static enum bw_err write_own(const char *path, const struct bw_node_keys *keys, const struct bw_papers *papers,
			     struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_PAPERS_TEXT_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf envelope = BW_BUF_INIT(BW_PAPERS_FILE_MAX);

	BW_TRY(bw_papers_add(&text, papers));
	BW_TRY(bw_envelope_sign(keys, BW_PAPERS_TYPE, bw_buf_slice(&text), &envelope));
	return bw_file_write(path, bw_buf_slice(&envelope), 0644, why);
}

static enum bw_err ensure_papers(const char *data, const struct bw_node_keys *keys, struct bw_papers *fresh,
				 struct bw_why *why)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(ARENA_BYTES);
	BW_CLEANUP(bw_buf_release) struct bw_buf envelope = BW_BUF_INIT(BW_PAPERS_FILE_MAX);
	struct bw_node_public node;
	struct bw_papers known;
	struct bw_place place;

	bw_node_keys_public(keys, &node);
	BW_TRY(bw_node_fingerprint(&node, fresh->node));
	BW_TRY(bw_folder_place(data, OWN, &place));
	fresh->sequence = 1;
	if (!bw_file_exists(place.path))
		return write_own(place.path, keys, fresh, why);
	BW_TRY(bw_file_read(place.path, &envelope, why));
	/* after a rotation of the node's keys the old papers do not verify: new ones, with a name of their own */
	if (bw_papers_check(bw_buf_slice(&envelope), &node, &arena, &known) != BW_OK)
		return write_own(place.path, keys, fresh, why);
	if (are_same_keys(&known, fresh))
		return BW_OK;
	fresh->sequence = known.sequence + 1;
	return write_own(place.path, keys, fresh, why);
}

enum bw_err bw_papers_ensure(const char *data, const struct bw_node_keys *keys, struct bw_why *why)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret seeds = { 0 };
	struct bw_papers fresh = { .sequence = 0 };
	struct bw_place place;
	enum bw_err err;

	BW_TRY(bw_accord_place(data, why));
	BW_TRY(bw_folder_place(data, "accord/keys", &place));
	err = bw_folder_make(place.path, why);
	if (err != BW_OK && err != BW_ERR_EXISTS)
		return err;
	BW_TRY(bw_folder_place(data, SEEDS, &place));
	if (!bw_file_exists(place.path))
		BW_TRY(make_seeds(place.path, why));
	BW_TRY(bw_notary_seeds(data, &seeds, why));
	BW_TRY(keys_of(bw_secret_slice(&seeds), &fresh));
	return ensure_papers(data, keys, &fresh, why);
}

/* ---- a peer's --------------------------------------------------------------------------- */

static enum bw_err place_of(const char *data, const struct bw_peer *peer, struct bw_place *out)
{
	char name[BW_NODE_NAME_CHARS + 32];

	(void)snprintf(name, sizeof(name), "accord/peers/%s.papers", peer->name);
	return bw_folder_place(data, name, out);
}

enum bw_err bw_papers_of_peer(const char *data, const struct bw_peer *peer, struct bw_arena *arena,
			      struct bw_papers *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf envelope = BW_BUF_INIT(BW_PAPERS_FILE_MAX);
	struct bw_slice from = peer->card.papers;
	struct bw_place place;
	enum bw_err err;

	BW_TRY(place_of(data, peer, &place));
	if (bw_file_exists(place.path)) {
		BW_TRY(bw_file_read(place.path, &envelope, why));
		from = bw_buf_slice(&envelope);
	}
	if (from.len == 0)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "%s has not shown its papers yet", peer->name);
	err = bw_papers_check(from, &peer->card.node, arena, out);
	if (err != BW_OK)
		return bw_why_set(why, err, "the papers of %s do not hold: %s", peer->name, bw_err_text(err));
	return BW_OK;
}

enum bw_err bw_papers_take(const char *data, const struct bw_peer *peer, struct bw_slice envelope, bool *is_new,
			   struct bw_why *why)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(4 * ARENA_BYTES);
	struct bw_papers fresh = { .sequence = 0 };
	struct bw_papers known = { .sequence = 0 };
	struct bw_place place;
	enum bw_err err = bw_papers_check(envelope, &peer->card.node, &arena, &fresh);

	if (err != BW_OK)
		return bw_why_set(why, err, "the papers that %s sent do not hold: %s", peer->name, bw_err_text(err));
	*is_new = true;
	err = bw_papers_of_peer(data, peer, &arena, &known, why);
	if (err == BW_OK) {
		if (fresh.sequence < known.sequence)
			return bw_why_set(why, BW_ERR_REVOKED, "%s sent older papers than those it showed before",
					  peer->name);
		*is_new = fresh.sequence > known.sequence;
		if (!*is_new && !are_same_keys(&fresh, &known))
			return bw_why_set(why, BW_ERR_CONFLICT, "%s sent other papers with the same number",
					  peer->name);
	} else if (err != BW_ERR_NOT_FOUND) {
		return err;
	}
	if (!*is_new)
		return BW_OK;
	BW_TRY(place_of(data, peer, &place));
	return bw_file_write(place.path, envelope, 0600, why);
}
