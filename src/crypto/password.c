#include "crypto/password.h"

#include "base/num.h"
#include "base/text.h"
#include "crypto/argon2.h"

/* One of OWASP's recommended trios. RFC 9106 §4 would take 64 MiB for every log-in that is being checked. */
static const struct bw_argon2_costs own_costs = { .memory_kib = 19456, .passes = 2, .lanes = 1 };

enum {
	SALT_BYTES = 16,
	TAG_BYTES = 32,
	FIELD_MIN = 8, /* RFC 9106 §3.1: salt at least 8, tag at least 4 */
	FIELD_MAX = 64,
};

struct argon {
	struct bw_argon2_costs costs;
	uint8_t salt[FIELD_MAX];
	size_t salt_len;
	uint8_t tag[FIELD_MAX];
	size_t tag_len;
};

/* What a stored text may ask for: it must not become a bomb. */
static const struct bw_argon2_costs most = { 64 * 1024, 10, 4 };

static enum bw_err derive(const struct argon *argon, struct bw_slice password, uint8_t *out, size_t out_len)
{
	return bw_argon2id(&argon->costs, password, bw_slice_of(argon->salt, argon->salt_len), out, out_len);
}

/* ---- base64 as PHC strings have it: no padding, no line ends -------------------------- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static enum bw_err add_base64(struct bw_buf *out, const uint8_t *bytes, size_t len)
{
	uint32_t bits = 0;
	unsigned held = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | bytes[i];
		held += 8;
		for (; held >= 6; held -= 6)
			BW_TRY(bw_buf_add_u8(out, (uint8_t)alphabet[bits >> (held - 6) & 63]));
	}
	return held == 0 ? BW_OK : bw_buf_add_u8(out, (uint8_t)alphabet[bits << (6 - held) & 63]);
}

static enum bw_err take_base64(struct bw_slice text, uint8_t out[FIELD_MAX], size_t *out_len)
{
	uint32_t bits = 0;
	unsigned held = 0;
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		const char *digit = memchr(alphabet, text.ptr[i], sizeof(alphabet) - 1);

		BW_NEED(digit != NULL, SYNTAX);
		bits = bits << 6 | (uint32_t)(digit - alphabet);
		held += 6;
		if (held >= 8) {
			held -= 8;
			BW_NEED(len < FIELD_MAX, RANGE);
			out[len++] = (uint8_t)(bits >> held);
		}
	}
	/* left-over bits are zero, or two texts would mean the same bytes */
	BW_NEED(held < 6 && (bits & ((1U << held) - 1)) == 0, SYNTAX);
	BW_NEED(len >= FIELD_MIN, RANGE);
	*out_len = len;
	return BW_OK;
}

/* ---- the PHC text ----------------------------------------------------------------------- */

static enum bw_err take_number(struct bw_slice text, const char *name, uint32_t *out)
{
	const struct bw_slice prefix = bw_slice_text(name);
	uint64_t value;

	BW_NEED(bw_slice_starts(text, prefix), SYNTAX);
	BW_TRY(bw_parse_u64(bw_slice_from(text, prefix.len), &value));
	return bw_to_u32(value, out);
}

static enum bw_err take_costs(struct bw_slice text, struct bw_argon2_costs *out)
{
	struct bw_slice memory;
	struct bw_slice passes;
	struct bw_slice lanes;

	BW_NEED(bw_slice_cut(text, ',', &memory, &text) && bw_slice_cut(text, ',', &passes, &lanes), SYNTAX);
	BW_TRY(take_number(memory, "m=", &out->memory_kib));
	BW_TRY(take_number(passes, "t=", &out->passes));
	BW_TRY(take_number(lanes, "p=", &out->lanes));
	return bw_argon2_check(out, &most);
}

static enum bw_err parse(struct bw_slice stored, struct argon *out)
{
	const struct bw_slice prefix = BW_LIT("$argon2id$v=19$");
	struct bw_slice costs;
	struct bw_slice salt;
	struct bw_slice tag;
	struct argon argon = { 0 };

	BW_NEED(bw_slice_starts(stored, prefix), SYNTAX);
	BW_NEED(bw_slice_cut(bw_slice_from(stored, prefix.len), '$', &costs, &tag), SYNTAX);
	BW_NEED(bw_slice_cut(tag, '$', &salt, &tag), SYNTAX);
	BW_TRY(take_costs(costs, &argon.costs));
	BW_TRY(take_base64(salt, argon.salt, &argon.salt_len));
	BW_TRY(take_base64(tag, argon.tag, &argon.tag_len));
	*out = argon;
	return BW_OK;
}

static enum bw_err format(const struct argon *argon, char out[BW_PASSWORD_HASH_BYTES])
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_PASSWORD_HASH_BYTES - 1);

	BW_TRY(bw_buf_addf(&text, "$argon2id$v=19$m=%u,t=%u,p=%u$", argon->costs.memory_kib, argon->costs.passes,
			   argon->costs.lanes));
	BW_TRY(add_base64(&text, argon->salt, argon->salt_len));
	BW_TRY(bw_buf_add_u8(&text, '$'));
	BW_TRY(add_base64(&text, argon->tag, argon->tag_len));
	memcpy(out, bw_buf_text(&text), text.len + 1);
	return BW_OK;
}

static enum bw_err check_length(struct bw_slice password)
{
	BW_NEED(password.len > 0, RANGE);
	BW_NEED(password.len <= BW_PASSWORD_MAX, TOO_BIG);
	return BW_OK;
}

enum bw_err bw_password_hash(struct bw_slice password, char out[BW_PASSWORD_HASH_BYTES])
{
	struct argon argon = { .costs = own_costs, .salt_len = SALT_BYTES, .tag_len = TAG_BYTES };

	BW_TRY(check_length(password));
	bw_random(argon.salt, argon.salt_len);
	BW_TRY(derive(&argon, password, argon.tag, argon.tag_len));
	return format(&argon, out);
}

enum bw_err bw_password_verify(struct bw_slice password, struct bw_slice stored)
{
	struct argon argon = { 0 };
	uint8_t tag[FIELD_MAX];
	bool fits;

	BW_TRY(parse(stored, &argon));
	BW_NEED(check_length(password) == BW_OK, UNAUTHENTICATED);
	BW_TRY(derive(&argon, password, tag, argon.tag_len));
	fits = bw_equal_ct(bw_slice_of(tag, argon.tag_len), bw_slice_of(argon.tag, argon.tag_len));
	explicit_bzero(tag, sizeof(tag));
	return fits ? BW_OK : BW_ERR_UNAUTHENTICATED;
}

enum bw_err bw_password_verify_nobody(struct bw_slice password)
{
	const struct argon argon = { .costs = own_costs, .salt_len = SALT_BYTES };
	uint8_t tag[TAG_BYTES];

	BW_NEED(check_length(password) == BW_OK, UNAUTHENTICATED);
	BW_TRY(derive(&argon, password, tag, sizeof(tag)));
	explicit_bzero(tag, sizeof(tag));
	return BW_ERR_UNAUTHENTICATED;
}

/* ---- API keys ------------------------------------------------------------------------------ */

enum {
	KEY_PREFIX_CHARS = 4,
	KEY_BODY_CHARS = 50, /* 36^50 > 2^256 */
	KEY_CHECK_CHARS = 6,
	KEY_RANDOM_BYTES = 32,
};

_Static_assert(KEY_PREFIX_CHARS + KEY_BODY_CHARS + KEY_CHECK_CHARS == BW_API_KEY_CHARS, "parts of a key");

static const char key_prefix[] = "bwk_";
static const char base36[] = "0123456789abcdefghijklmnopqrstuvwxyz";

/* `number`, big-endian, is divided down to zero; the least digit comes last. */
static void put_base36(uint8_t *number, size_t len, uint8_t *out, size_t digits)
{
	for (size_t at = digits; at > 0; at--) {
		uint32_t rest = 0;

		for (size_t i = 0; i < len; i++) {
			const uint32_t value = rest << 8 | number[i];

			number[i] = (uint8_t)(value / 36);
			rest = value % 36;
		}
		out[at - 1] = (uint8_t)base36[rest];
	}
}

/* Tells typing errors, keeps nobody out: 31 bits of a hash over what stands before it. */
static enum bw_err put_check(struct bw_slice before, uint8_t out[KEY_CHECK_CHARS])
{
	uint8_t digest[BW_SHA256_BYTES];

	BW_TRY(bw_sha256(before, digest));
	put_base36(digest, 4, out, KEY_CHECK_CHARS);
	return BW_OK;
}

enum bw_err bw_api_key_make(struct bw_secret *out)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret key = { 0 };
	uint8_t random[KEY_RANDOM_BYTES];
	uint8_t *check;

	BW_TRY(bw_secret_make(&key, BW_API_KEY_CHARS));
	memcpy(key.ptr, key_prefix, KEY_PREFIX_CHARS);
	bw_random(random, sizeof(random));
	put_base36(random, sizeof(random), key.ptr + KEY_PREFIX_CHARS, KEY_BODY_CHARS); /* leaves zeros in `random` */
	check = key.ptr + KEY_PREFIX_CHARS + KEY_BODY_CHARS;
	BW_TRY(put_check(bw_slice_of(key.ptr, KEY_PREFIX_CHARS + KEY_BODY_CHARS), check));
	bw_secret_wipe(out);
	*out = key;
	key = (struct bw_secret){ 0 };
	return BW_OK;
}

bool bw_api_key_is_well_formed(struct bw_slice key)
{
	const struct bw_slice before = bw_slice_sub(key, 0, KEY_PREFIX_CHARS + KEY_BODY_CHARS);
	uint8_t check[KEY_CHECK_CHARS];

	if (key.len != BW_API_KEY_CHARS || !bw_slice_starts(key, BW_LIT("bwk_")))
		return false;
	for (size_t i = KEY_PREFIX_CHARS; i < key.len; i++)
		if (!bw_is_digit(key.ptr[i]) && !bw_is_lower(key.ptr[i]))
			return false;
	return put_check(before, check) == BW_OK &&
	       bw_equal_ct(bw_slice_of(check, sizeof(check)), bw_slice_from(key, before.len));
}

enum bw_err bw_api_key_hash(struct bw_slice key, uint8_t out[BW_SHA256_BYTES])
{
	static const char domain[] = "breakwater/v1/api-key"; /* its NUL separates */
	uint8_t whole[sizeof(domain) + BW_API_KEY_CHARS];
	enum bw_err err;

	BW_NEED(bw_api_key_is_well_formed(key), SYNTAX);
	memcpy(whole, domain, sizeof(domain));
	memcpy(whole + sizeof(domain), key.ptr, BW_API_KEY_CHARS);
	err = bw_sha256(bw_slice_of(whole, sizeof(whole)), out);
	explicit_bzero(whole, sizeof(whole));
	return err;
}
