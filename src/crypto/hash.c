#include "crypto/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/random.h>

#include <errno.h>

/*
 * Fetching an algorithm walks OpenSSL's provider tables (about a microsecond),
 * and a context costs two allocations; both are kept for the life of the
 * thread. EVP_DigestInit_ex2 on a context that already has the
 * algorithm only resets its state.
 */
struct digest {
	EVP_MD *md;
	EVP_MD_CTX *ctx;
};

static _Thread_local struct digest sha256_kept;
static _Thread_local struct digest sha1_kept;
static _Thread_local struct digest md5_kept;

static enum bw_err open_digest(struct digest *kept, const char *name)
{
	EVP_MD *md = EVP_MD_fetch(NULL, name, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (md == NULL || ctx == NULL) {
		EVP_MD_free(md);
		EVP_MD_CTX_free(ctx);
		return BW_ERR_CRYPTO;
	}
	*kept = (struct digest){ md, ctx };
	return BW_OK;
}

static enum bw_err digest_once(struct digest *kept, const char *name, struct bw_slice bytes, uint8_t *out)
{
	unsigned len;

	if (BW_UNLIKELY(kept->ctx == NULL))
		BW_TRY(open_digest(kept, name));
	BW_NEED(EVP_DigestInit_ex2(kept->ctx, kept->md, NULL) == 1, CRYPTO);
	BW_NEED(EVP_DigestUpdate(kept->ctx, bytes.ptr, bytes.len) == 1, CRYPTO);
	BW_NEED(EVP_DigestFinal_ex(kept->ctx, out, &len) == 1, CRYPTO);
	return BW_OK;
}

enum bw_err bw_sha256(struct bw_slice bytes, uint8_t out[BW_SHA256_BYTES])
{
	return digest_once(&sha256_kept, "SHA2-256", bytes, out);
}

enum bw_err bw_sha1(struct bw_slice bytes, uint8_t out[BW_SHA1_BYTES])
{
	return digest_once(&sha1_kept, "SHA1", bytes, out);
}

enum bw_err bw_md5(struct bw_slice bytes, uint8_t out[BW_MD5_BYTES])
{
	return digest_once(&md5_kept, "MD5", bytes, out);
}

struct bw_sha256_run {
	struct digest digest;
};

enum bw_err bw_sha256_new(struct bw_sha256_run **out)
{
	struct bw_sha256_run *run = calloc(1, sizeof(*run));

	BW_NEED(run != NULL, MEMORY);
	if (open_digest(&run->digest, "SHA2-256") != BW_OK ||
	    EVP_DigestInit_ex2(run->digest.ctx, run->digest.md, NULL) != 1) {
		bw_sha256_free(run);
		return BW_ERR_CRYPTO;
	}
	*out = run;
	return BW_OK;
}

enum bw_err bw_sha256_add(struct bw_sha256_run *run, struct bw_slice bytes)
{
	return EVP_DigestUpdate(run->digest.ctx, bytes.ptr, bytes.len) == 1 ? BW_OK : BW_ERR_CRYPTO;
}

enum bw_err bw_sha256_end(struct bw_sha256_run *run, uint8_t out[BW_SHA256_BYTES])
{
	unsigned len;

	BW_NEED(EVP_DigestFinal_ex(run->digest.ctx, out, &len) == 1, CRYPTO);
	BW_NEED(EVP_DigestInit_ex2(run->digest.ctx, run->digest.md, NULL) == 1, CRYPTO);
	return BW_OK;
}

void bw_sha256_free(struct bw_sha256_run *run)
{
	if (run == NULL)
		return;
	EVP_MD_CTX_free(run->digest.ctx);
	EVP_MD_free(run->digest.md);
	free(run);
}

enum { SHA256_BLOCK = 64 };

/* RFC 2104: H(key ^ opad, H(key ^ ipad, text)), over the context that is already there. */
static enum bw_err hmac_half(const uint8_t block[SHA256_BLOCK], uint8_t pad, struct bw_slice bytes, uint8_t *out)
{
	uint8_t padded[SHA256_BLOCK];
	unsigned len;
	bool done;

	for (size_t i = 0; i < SHA256_BLOCK; i++)
		padded[i] = block[i] ^ pad;
	done = EVP_DigestInit_ex2(sha256_kept.ctx, sha256_kept.md, NULL) == 1 &&
	       EVP_DigestUpdate(sha256_kept.ctx, padded, sizeof(padded)) == 1 &&
	       EVP_DigestUpdate(sha256_kept.ctx, bytes.ptr, bytes.len) == 1 &&
	       EVP_DigestFinal_ex(sha256_kept.ctx, out, &len) == 1;
	explicit_bzero(padded, sizeof(padded));
	return done ? BW_OK : BW_ERR_CRYPTO;
}

enum bw_err bw_hmac_sha256(struct bw_slice key, struct bw_slice bytes, uint8_t out[BW_SHA256_BYTES])
{
	uint8_t block[SHA256_BLOCK] = { 0 };
	uint8_t inner[BW_SHA256_BYTES];
	enum bw_err err = BW_OK;

	if (sha256_kept.ctx == NULL)
		BW_TRY(open_digest(&sha256_kept, "SHA2-256"));
	if (key.len > sizeof(block))
		err = bw_sha256(key, block);
	else
		memcpy(block, key.ptr, key.len);
	if (err == BW_OK)
		err = hmac_half(block, 0x36, bytes, inner);
	if (err == BW_OK)
		err = hmac_half(block, 0x5c, bw_slice_of(inner, sizeof(inner)), out);
	explicit_bzero(block, sizeof(block));
	explicit_bzero(inner, sizeof(inner));
	return err;
}

void bw_random(void *out, size_t len)
{
	uint8_t *at = out;

	while (len > 0) {
		const ssize_t got = getrandom(at, len, 0);

		if (got < 0) {
			if (errno == EINTR)
				continue;
			abort();
		}
		at += (size_t)got;
		len -= (size_t)got;
	}
}

/* ---- SipHash-2-4 (Aumasson and Bernstein, 2012) ------------------------ */

struct sip {
	uint64_t a, b, c, d;
};

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
	return (x << bits) | (x >> (64 - bits));
}

static inline void sip_round(struct sip *s)
{
	s->a += s->b;
	s->c += s->d;
	s->b = rotate(s->b, 13) ^ s->a;
	s->d = rotate(s->d, 16) ^ s->c;
	s->a = rotate(s->a, 32);
	s->c += s->b;
	s->a += s->d;
	s->b = rotate(s->b, 17) ^ s->c;
	s->d = rotate(s->d, 21) ^ s->a;
	s->c = rotate(s->c, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
	s->d ^= word;
	sip_round(s);
	sip_round(s);
	s->a ^= word;
}

static inline uint64_t load_le64(const uint8_t *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

uint64_t bw_siphash(const uint8_t key[BW_SIPHASH_KEY_BYTES], struct bw_slice bytes)
{
	const uint64_t k0 = load_le64(key);
	const uint64_t k1 = load_le64(key + 8);
	const size_t whole = bytes.len / 8 * 8;
	uint64_t last = (uint64_t)bytes.len << 56;
	struct sip s = {
		k0 ^ UINT64_C(0x736f6d6570736575),
		k1 ^ UINT64_C(0x646f72616e646f6d),
		k0 ^ UINT64_C(0x6c7967656e657261),
		k1 ^ UINT64_C(0x7465646279746573),
	};

	for (size_t i = 0; i < whole; i += 8)
		sip_word(&s, load_le64(bytes.ptr + i));
	for (size_t i = whole; i < bytes.len; i++)
		last |= (uint64_t)bytes.ptr[i] << (8 * (i - whole));
	sip_word(&s, last);
	s.c ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(&s);
	return s.a ^ s.b ^ s.c ^ s.d;
}
