#include "crypto/cert.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "base/text.h"
#include "crypto/ossl.h"

enum {
	NAMES_TEXT_MAX = 16 * 1024,
	SERIAL_BYTES = 16, /* CA/B Forum asks for 64 random bits; nobody guesses 127 */
	KEY_PEM_MAX = 4096,
	DAY_S = 86400,
};

/* ---- names -------------------------------------------------------------------- */

static bool is_address(const char *name)
{
	uint8_t bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

/* RFC 1123 labels, with '_' and a leading "*." as found in real names. */
static bool is_host_name(const char *name)
{
	const struct bw_slice text = bw_slice_text(name);

	if (text.len == 0 || text.len > 253 || text.ptr[0] == '-' || text.ptr[0] == '.')
		return false;
	for (size_t i = 0; i < text.len; i++) {
		const uint8_t c = text.ptr[i];

		if (!bw_is_alnum(c) && c != '-' && c != '.' && c != '_' && !(c == '*' && i == 0))
			return false;
	}
	return true;
}

/* Appends ",DNS:name" or ",IP:address" unless it is already there. */
static enum bw_err add_name(struct bw_buf *list, const char *name, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf entry = BW_BUF_INIT(300);
	const bool address = is_address(name);

	if (!address && !is_host_name(name))
		return bw_why_set(why, BW_ERR_RANGE, "'%.100s' is neither a host name nor an address", name);
	BW_TRY(bw_buf_addf(&entry, ",%s:%s,", address ? "IP" : "DNS", name));
	/* both ends of the list carry a comma while it is searched */
	if (list->len > 0 && memmem(list->ptr, list->len, entry.ptr, entry.len) != NULL)
		return BW_OK;
	return bw_buf_add(list, bw_slice_from(bw_buf_slice(&entry), list->len == 0 ? 0 : 1));
}

static enum bw_err list_names(const char *const *names, size_t count, struct bw_buf *list, struct bw_why *why)
{
	BW_NEED(count <= BW_CERT_NAMES_MAX, TOO_MANY);
	BW_TRY(add_name(list, "localhost", why));
	BW_TRY(add_name(list, "127.0.0.1", why));
	BW_TRY(add_name(list, "::1", why));
	for (size_t i = 0; i < count; i++)
		BW_TRY(add_name(list, names[i], why));
	return BW_OK;
}

/* ---- making --------------------------------------------------------------------- */

static bool add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX context;
	bool added;

	X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	added = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return added;
}

static bool set_serial(X509 *cert)
{
	uint8_t bytes[SERIAL_BYTES];
	BIGNUM *number;
	bool set;

	bw_random(bytes, sizeof(bytes));
	bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* positive, and of one length */
	number = BN_bin2bn(bytes, sizeof(bytes), NULL);
	set = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
	BN_free(number);
	return set;
}

static bool set_subject(X509 *cert)
{
	X509_NAME *name = X509_get_subject_name(cert);

	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)"Breakwater node", -1, -1,
					  0) == 1 &&
	       X509_set_issuer_name(cert, name) == 1;
}

/* `names`: ",DNS:a,IP:b," */
static bool fill(X509 *cert, EVP_PKEY *key, struct bw_buf *names)
{
	names->ptr[names->len - 1] = 0; /* the last comma */
	return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) && set_subject(cert) &&
	       /* a day early, for clients whose clock is behind */
	       X509_gmtime_adj(X509_getm_notBefore(cert), -DAY_S) != NULL &&
	       X509_time_adj_ex(X509_getm_notAfter(cert), BW_CERT_DAYS, 0, NULL) != NULL &&
	       X509_set_pubkey(cert, key) == 1 && add_extension(cert, NID_subject_alt_name, bw_buf_text(names) + 1) &&
	       add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(cert, NID_ext_key_usage, "serverAuth,clientAuth") &&
	       add_extension(cert, NID_subject_key_identifier, "hash") && X509_sign(cert, key, EVP_sha256()) > 0;
}

static struct bw_slice content_of(BIO *bio)
{
	char *bytes = NULL;
	const long len = BIO_get_mem_data(bio, &bytes);

	return len > 0 ? bw_slice_of(bytes, (size_t)len) : bw_slice_empty;
}

static enum bw_err write_pems(X509 *cert, EVP_PKEY *key, struct bw_buf *out_cert, struct bw_secret *out_key)
{
	BW_CLEANUP(bw_ossl_free_bio) BIO *cert_bio = BIO_new(BIO_s_mem());
	BW_CLEANUP(bw_ossl_wipe_bio) BIO *key_bio = BIO_new(BIO_s_mem());
	BW_CLEANUP(bw_secret_wipe) struct bw_secret secret = { 0 };

	BW_NEED(cert_bio != NULL && key_bio != NULL, MEMORY);
	BW_NEED(PEM_write_bio_X509(cert_bio, cert) == 1, CRYPTO);
	BW_NEED(PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) == 1, CRYPTO);
	BW_TRY(bw_secret_set(&secret, content_of(key_bio)));
	BW_TRY(bw_buf_add(out_cert, content_of(cert_bio)));
	bw_secret_wipe(out_key);
	*out_key = secret;
	secret = (struct bw_secret){ 0 };
	return BW_OK;
}

enum bw_err bw_cert_make(const char *const *names, size_t count, struct bw_buf *out_cert_pem,
			 struct bw_secret *out_key_pem, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf list = BW_BUF_INIT(NAMES_TEXT_MAX);
	BW_CLEANUP(bw_ossl_free_key) EVP_PKEY *key = NULL;
	BW_CLEANUP(bw_ossl_free_cert) X509 *cert = NULL;

	BW_TRY(list_names(names, count, &list, why));
	key = EVP_EC_gen("P-256");
	cert = X509_new();
	if (key == NULL || cert == NULL || !fill(cert, key, &list))
		return bw_why_set(why, BW_ERR_CRYPTO, "cannot make a certificate: %s", bw_ossl_reason());
	return write_pems(cert, key, out_cert_pem, out_key_pem);
}

/* ---- reading ----------------------------------------------------------------------- */

static int64_t us_of(const ASN1_TIME *when)
{
	struct tm broken_down;

	if (ASN1_TIME_to_tm(when, &broken_down) != 1)
		return 0;
	return (int64_t)timegm(&broken_down) * 1000000;
}

static void put_subject(const X509 *cert, struct bw_cert_facts *facts)
{
	BW_CLEANUP(bw_ossl_free_bio) BIO *bio = BIO_new(BIO_s_mem());
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(4096);
	size_t len;

	if (bio == NULL || X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0, XN_FLAG_ONELINE) < 0 ||
	    bw_text_escape(&text, bw_slice_sub(content_of(bio), 0, sizeof(facts->subject))) != BW_OK)
		return;
	len = text.len < sizeof(facts->subject) ? text.len : sizeof(facts->subject) - 1;
	memcpy(facts->subject, bw_buf_text(&text), len);
}

enum bw_err bw_cert_read(struct bw_slice pem, struct bw_cert_facts *out)
{
	BW_CLEANUP(bw_ossl_free_bio) BIO *bio = bw_ossl_bio_over(pem);
	BW_CLEANUP(bw_ossl_free_cert) X509 *cert = NULL;
	struct bw_cert_facts facts = { 0 };

	BW_NEED(bio != NULL, MEMORY);
	cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	ERR_clear_error();
	BW_NEED(cert != NULL, SYNTAX);
	BW_NEED(X509_digest(cert, EVP_sha256(), facts.fingerprint, NULL) == 1, CRYPTO);
	facts.not_before_us = us_of(X509_get0_notBefore(cert));
	facts.not_after_us = us_of(X509_get0_notAfter(cert));
	facts.self_signed = X509_self_signed(cert, 0) == 1;
	put_subject(cert, &facts);
	*out = facts;
	return BW_OK;
}

/* ---- fingerprints --------------------------------------------------------------------- */

void bw_fingerprint_format(const uint8_t fingerprint[BW_SHA256_BYTES], char out[BW_FINGERPRINT_CHARS + 1])
{
	bw_hex_encode(bw_slice_of(fingerprint, BW_SHA256_BYTES), out);
}

enum bw_err bw_fingerprint_parse(struct bw_slice text, uint8_t out[BW_SHA256_BYTES])
{
	enum { WITH_COLONS = BW_SHA256_BYTES * 3 - 1 };
	uint8_t digits[BW_FINGERPRINT_CHARS];

	if (text.len != WITH_COLONS)
		return bw_hex_decode(text, out, BW_SHA256_BYTES);
	for (size_t i = 0; i < BW_SHA256_BYTES; i++) {
		BW_NEED(i == BW_SHA256_BYTES - 1 || text.ptr[3 * i + 2] == ':', SYNTAX);
		digits[2 * i] = text.ptr[3 * i];
		digits[2 * i + 1] = text.ptr[3 * i + 1];
	}
	return bw_hex_decode(bw_slice_of(digits, sizeof(digits)), out, BW_SHA256_BYTES);
}
