/*
 * The file of a node's keys; docs/keys.md draws it.
 */
#include "crypto/aead.h"
#include "crypto/argon2.h"
#include "crypto/keys_private.h"

enum {
	FILE_VERSION = 1,
	KDF_ARGON2ID = 1,
	CIPHER_AES256_GCM = 1,
	SALT_BYTES = 16,
	NONCE_BYTES = BW_AEAD_NONCE_BYTES,
	KEY_BYTES = BW_AEAD_KEY_BYTES,
	HIDDEN_BYTES = SEEDS_BYTES + BW_AEAD_TAG_BYTES,
};

static const uint8_t magic[7] = "BWNODEK"; /* without a NUL */

/* Opened once at a start and guessed at for ever: RFC 9106's second choice, and what a file may ask for. */
static const struct bw_argon2_costs own_costs = { 64 * 1024, 3, 4 };
static const struct bw_argon2_costs most = { 256 * 1024, 16, 16 };

struct sealed {
	struct bw_argon2_costs costs;
	struct bw_slice salt;
	struct bw_slice nonce;
	struct bw_slice head;   /* authenticated with the secret part */
	struct bw_slice secret; /* with the tag */
};

static enum bw_err check_passphrase(struct bw_slice passphrase)
{
	BW_NEED(passphrase.len > 0 && passphrase.len <= BW_PASSPHRASE_MAX, RANGE);
	return BW_OK;
}

static enum bw_err derive(const struct bw_argon2_costs *costs, struct bw_slice passphrase, struct bw_slice salt,
			  struct bw_secret *out)
{
	BW_TRY(bw_secret_make(out, KEY_BYTES));
	return bw_argon2id(costs, passphrase, salt, out->ptr, out->len);
}

static void free_aead(struct bw_aead **aead)
{
	bw_aead_free(*aead);
}

/* ---- writing ----------------------------------------------------------------------- */

static enum bw_err write_head(struct bw_buf *out, const uint8_t *salt, const uint8_t *nonce)
{
	BW_TRY(bw_buf_add(out, bw_slice_of(magic, sizeof(magic))));
	BW_TRY(bw_buf_add_u8(out, FILE_VERSION));
	BW_TRY(bw_buf_add_u8(out, KDF_ARGON2ID));
	BW_TRY(bw_buf_add_u8(out, CIPHER_AES256_GCM));
	BW_TRY(bw_buf_add_be32(out, own_costs.memory_kib));
	BW_TRY(bw_buf_add_be32(out, own_costs.passes));
	BW_TRY(bw_buf_add_be32(out, own_costs.lanes));
	BW_TRY(bw_buf_add(out, bw_slice_of(salt, SALT_BYTES)));
	return bw_buf_add(out, bw_slice_of(nonce, NONCE_BYTES));
}

enum bw_err bw_node_keys_seal(const struct bw_node_keys *keys, struct bw_slice passphrase, struct bw_buf *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf file = BW_BUF_INIT(BW_NODE_KEYS_FILE_MAX);
	BW_CLEANUP(bw_secret_wipe) struct bw_secret key = { 0 };
	BW_CLEANUP(free_aead) struct bw_aead *aead = NULL;
	uint8_t salt[SALT_BYTES];
	uint8_t nonce[NONCE_BYTES];
	uint8_t hidden[HIDDEN_BYTES];

	BW_TRY(check_passphrase(passphrase));
	bw_random(salt, sizeof(salt));
	bw_random(nonce, sizeof(nonce));
	BW_TRY(write_head(&file, salt, nonce));
	BW_TRY(derive(&own_costs, passphrase, bw_slice_of(salt, sizeof(salt)), &key));
	BW_TRY(bw_aead_new(bw_secret_slice(&key), &aead));
	BW_TRY(bw_aead_seal(aead, nonce, bw_buf_slice(&file), bw_secret_slice(&keys->seeds), hidden));
	BW_TRY(bw_buf_add_block(&file, bw_slice_of(hidden, SEEDS_BYTES)));
	BW_TRY(bw_buf_add(&file, bw_slice_of(hidden + SEEDS_BYTES, BW_AEAD_TAG_BYTES)));
	return bw_buf_add(out, bw_buf_slice(&file));
}

/* ---- reading ------------------------------------------------------------------------ */

static enum bw_err parse_head(struct bw_cursor *c, struct sealed *out)
{
	struct bw_slice found;
	uint8_t version;
	uint8_t kdf;
	uint8_t cipher;

	BW_TRY(bw_take(c, sizeof(magic), &found));
	BW_NEED(bw_slice_equals(found, bw_slice_of(magic, sizeof(magic))), SYNTAX);
	BW_TRY(bw_take_u8(c, &version));
	BW_NEED(version == FILE_VERSION, VERSION);
	BW_TRY(bw_take_u8(c, &kdf));
	BW_TRY(bw_take_u8(c, &cipher));
	BW_NEED(kdf == KDF_ARGON2ID && cipher == CIPHER_AES256_GCM, VERSION);
	BW_TRY(bw_take_be32(c, &out->costs.memory_kib));
	BW_TRY(bw_take_be32(c, &out->costs.passes));
	BW_TRY(bw_take_be32(c, &out->costs.lanes));
	BW_TRY(bw_argon2_check(&out->costs, &most));
	BW_TRY(bw_take(c, SALT_BYTES, &out->salt));
	return bw_take(c, NONCE_BYTES, &out->nonce);
}

static enum bw_err parse(struct bw_slice file, struct sealed *out)
{
	struct bw_cursor c = bw_cursor_over(file);
	struct sealed sealed = { 0 };

	BW_TRY(parse_head(&c, &sealed));
	sealed.head = bw_slice_sub(file, 0, c.at);
	BW_TRY(bw_take_block(&c, SEEDS_BYTES, &sealed.secret));
	BW_NEED(sealed.secret.len == SEEDS_BYTES, SYNTAX);
	BW_NEED(bw_cursor_left(&c) >= BW_AEAD_TAG_BYTES, TRUNCATED);
	BW_NEED(bw_cursor_left(&c) == BW_AEAD_TAG_BYTES, SYNTAX);
	sealed.secret.len += BW_AEAD_TAG_BYTES; /* it stands right behind */
	*out = sealed;
	return BW_OK;
}

enum bw_err bw_node_keys_open(struct bw_slice file, struct bw_slice passphrase, struct bw_node_keys **out)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret key = { 0 };
	BW_CLEANUP(bw_secret_wipe) struct bw_secret seeds = { 0 };
	BW_CLEANUP(free_aead) struct bw_aead *aead = NULL;
	struct sealed sealed;

	BW_TRY(parse(file, &sealed));
	BW_NEED(check_passphrase(passphrase) == BW_OK, LOCKED);
	BW_TRY(derive(&sealed.costs, passphrase, sealed.salt, &key));
	BW_TRY(bw_secret_make(&seeds, SEEDS_BYTES));
	BW_TRY(bw_aead_new(bw_secret_slice(&key), &aead));
	BW_TRY(bw_aead_open(aead, sealed.nonce.ptr, sealed.head, sealed.secret, seeds.ptr));
	return bw_node_keys_from_seeds(&seeds, out);
}
