#include "crypto/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/ossl.h"

/*
 * Two tiers: a server that sees the hybrid among what the client can do asks
 * for it even when the client guessed something else. '*' marks what we send
 * a share of as a client. (Not const, because OpenSSL's macro casts const away.)
 */
static char groups_preferred[] = "*X25519MLKEM768 / *X25519:P-256";
static char groups_hybrid_only[] = "*X25519MLKEM768";

/* TLS 1.2 with forward secrecy and authenticated encryption; 1.3 knows nothing else. */
static const char ciphers_tls12[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

static const uint8_t alpn_http[] = "\x08http/1.1";
enum { ALPN_HTTP_BYTES = sizeof(alpn_http) - 1, CHAIN_MAX = 10 };

static enum bw_err refuse(struct bw_why *why, enum bw_err err, const char *what)
{
	return bw_why_set(why, err, "%s: %s", what, bw_ossl_reason());
}

/* ---- what both sides have in common -------------------------------------------------- */

static bool set_limits(SSL_CTX *ctx)
{
	SSL_CTX_set_security_level(ctx, 2); /* 112 bits: RSA 2048, P-256 and better */
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
					       SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	/* Not SSL_MODE_RELEASE_BUFFERS: it doubles the time of a small request; see bw_tls_rest */
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1); /* a record costs one read, not two */
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(ctx, ciphers_tls12) == 1 && SSL_CTX_set_num_tickets(ctx, 0) == 1;
}

static enum bw_err set_groups(SSL_CTX *ctx, bool hybrid_only, struct bw_why *why)
{
	/* TLS 1.2 has no such group and would quietly use its own */
	if (hybrid_only && SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1)
		return refuse(why, BW_ERR_CRYPTO, "cannot ask for TLS 1.3");
	if (SSL_CTX_set1_groups_list(ctx, hybrid_only ? groups_hybrid_only : groups_preferred) == 1)
		return BW_OK;
	return refuse(why, BW_ERR_UNSUPPORTED, "the OpenSSL in use cannot do X25519MLKEM768");
}

static enum bw_err new_context(const SSL_METHOD *method, bool hybrid_only, struct bw_tls_context **out,
			       struct bw_why *why)
{
	struct bw_tls_context *context = calloc(1, sizeof(*context));
	enum bw_err err = BW_ERR_CRYPTO;

	BW_NEED(context != NULL, MEMORY);
	context->references = 1;
	context->ctx = SSL_CTX_new(method);
	if (context->ctx == NULL || !set_limits(context->ctx))
		err = refuse(why, BW_ERR_CRYPTO, "cannot set up TLS");
	else
		err = set_groups(context->ctx, hybrid_only, why);
	if (err != BW_OK) {
		bw_tls_context_free(context);
		return err;
	}
	*out = context;
	return BW_OK;
}

void bw_tls_context_free(struct bw_tls_context *context)
{
	if (context == NULL || --context->references > 0)
		return;
	SSL_CTX_free(context->ctx);
	free(context->pins);
	free(context);
}

/* ---- own certificate and key ---------------------------------------------------------------- */

static enum bw_err use_chain(SSL_CTX *ctx, struct bw_slice pem, struct bw_why *why)
{
	BW_CLEANUP(bw_ossl_free_bio) BIO *bio = bw_ossl_bio_over(pem);
	BW_CLEANUP(bw_ossl_free_cert) X509 *leaf = NULL;

	BW_NEED(bio != NULL, MEMORY);
	leaf = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	if (leaf == NULL)
		return refuse(why, BW_ERR_SYNTAX, "no certificate in PEM form");
	if (SSL_CTX_use_certificate(ctx, leaf) != 1)
		return refuse(why, BW_ERR_RANGE, "certificate refused");
	for (int i = 0; i < CHAIN_MAX; i++) {
		BW_CLEANUP(bw_ossl_free_cert) X509 *issuer = PEM_read_bio_X509(bio, NULL, NULL, NULL);

		if (issuer == NULL)
			break;
		if (SSL_CTX_add1_chain_cert(ctx, issuer) != 1)
			return refuse(why, BW_ERR_RANGE, "certificate of the chain refused");
	}
	ERR_clear_error(); /* "no start line" is how a chain ends */
	return BW_OK;
}

static enum bw_err use_key(SSL_CTX *ctx, struct bw_slice pem, struct bw_why *why)
{
	BW_CLEANUP(bw_ossl_free_key) EVP_PKEY *key = bw_ossl_read_key(pem);

	if (key == NULL)
		return refuse(why, BW_ERR_SYNTAX, "no private key in PEM form");
	if (SSL_CTX_use_PrivateKey(ctx, key) != 1 || SSL_CTX_check_private_key(ctx) != 1)
		return refuse(why, BW_ERR_SIGNATURE, "private key and certificate do not fit");
	return BW_OK;
}

/* ---- whom to trust ------------------------------------------------------------------------------ */

static enum bw_err trust(SSL_CTX *ctx, struct bw_slice pem, bool ask_by_name, struct bw_why *why)
{
	BW_CLEANUP(bw_ossl_free_bio) BIO *bio = bw_ossl_bio_over(pem);
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	unsigned count = 0;

	BW_NEED(bio != NULL, MEMORY);
	for (;;) {
		BW_CLEANUP(bw_ossl_free_cert) X509 *ca = PEM_read_bio_X509(bio, NULL, NULL, NULL);

		if (ca == NULL)
			break;
		if (X509_STORE_add_cert(store, ca) != 1 || (ask_by_name && SSL_CTX_add_client_CA(ctx, ca) != 1))
			return refuse(why, BW_ERR_RANGE, "CA certificate refused");
		count++;
	}
	if (count == 0)
		return refuse(why, BW_ERR_SYNTAX, "no CA certificate in PEM form");
	ERR_clear_error();
	return BW_OK;
}

/* Our OpenSSL's own folder is empty by design: where distributions keep theirs. */
static enum bw_err trust_system(SSL_CTX *ctx, struct bw_why *why)
{
	static const char *const places[] = {
		"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/cert.pem",
	};
	const char *chosen = getenv("SSL_CERT_FILE");

	for (size_t i = 0; chosen == NULL && i < BW_COUNT(places); i++)
		if (access(places[i], R_OK) == 0)
			chosen = places[i];
	if (chosen == NULL)
		return bw_why_set(why, BW_ERR_NOT_FOUND,
				  "no CA certificates on this system: install ca-certificates, or name a file");
	if (X509_STORE_load_file(SSL_CTX_get_cert_store(ctx), chosen) != 1)
		return bw_why_set(why, BW_ERR_SYNTAX, "cannot read CA certificates from '%.200s': %s", chosen,
				  bw_ossl_reason());
	return BW_OK;
}

/* The handshake proves that the client holds the key; whether we know it, the caller says. */
static int let_in(X509_STORE_CTX *chain, void *arg)
{
	(void)arg;
	X509_STORE_CTX_set_error(chain, X509_V_OK);
	return 1;
}

static int compare_with_pins(X509_STORE_CTX *chain, void *arg)
{
	const struct bw_tls_context *context = arg;
	const X509 *leaf = X509_STORE_CTX_get0_cert(chain);
	uint8_t found[BW_SHA256_BYTES];
	bool fits = false;

	if (leaf != NULL && X509_digest(leaf, EVP_sha256(), found, NULL) == 1) {
		for (size_t i = 0; i < context->pin_count; i++)
			fits |= bw_equal_ct(bw_slice_of(found, sizeof(found)),
					    bw_slice_of(context->pins[i], sizeof(context->pins[i])));
	}
	if (fits) {
		X509_STORE_CTX_set_error(chain, X509_V_OK);
		return 1;
	}
	X509_STORE_CTX_set_error(chain, X509_V_ERR_CERT_UNTRUSTED);
	return 0;
}

static enum bw_err trust_pins(struct bw_tls_context *context, const uint8_t (*pins)[BW_SHA256_BYTES], size_t count)
{
	BW_NEED(count <= BW_TLS_PINS_MAX, TOO_MANY);
	context->pins = calloc(count, sizeof(*pins));
	BW_NEED(context->pins != NULL, MEMORY);
	memcpy(context->pins, pins, count * sizeof(*pins));
	context->pin_count = count;
	SSL_CTX_set_cert_verify_callback(context->ctx, compare_with_pins, context);
	return BW_OK;
}

/* ---- server ------------------------------------------------------------------------------------------ */

/* RFC 7301 §3.2: a client that names protocols, none of them ours, is told so. */
static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
		       unsigned in_len, void *arg)
{
	unsigned char *chosen = NULL;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_len, alpn_http, ALPN_HTTP_BYTES, in, in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static enum bw_err ask_clients(struct bw_tls_context *context, const struct bw_tls_server_options *options,
			       struct bw_why *why)
{
	int mode = SSL_VERIFY_PEER;

	if (options->client_cert == BW_TLS_CLIENT_NONE && options->pin_count == 0)
		return BW_OK;
	if (options->client_cert == BW_TLS_CLIENT_REQUIRED || options->pin_count > 0)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(context->ctx, mode, NULL);
	if (options->pin_count > 0)
		return trust_pins(context, options->pins, options->pin_count);
	context->has_ca = options->client_ca_pem.len > 0;
	if (context->has_ca)
		return trust(context->ctx, options->client_ca_pem, true, why);
	SSL_CTX_set_cert_verify_callback(context->ctx, let_in, NULL);
	return BW_OK;
}

enum bw_err bw_tls_server_new(const struct bw_tls_server_options *options, struct bw_tls_context **out,
			      struct bw_why *why)
{
	struct bw_tls_context *context;
	enum bw_err err;

	BW_TRY(new_context(TLS_server_method(), options->hybrid_only, &context, why));
	SSL_CTX_set_alpn_select_cb(context->ctx, choose_alpn, NULL);
	err = use_chain(context->ctx, options->cert_pem, why);
	if (err == BW_OK)
		err = use_key(context->ctx, options->key_pem, why);
	if (err == BW_OK)
		err = ask_clients(context, options, why);
	if (err != BW_OK) {
		bw_tls_context_free(context);
		return err;
	}
	*out = context;
	return BW_OK;
}

/* ---- client ------------------------------------------------------------------------------------------- */

static enum bw_err set_trust(struct bw_tls_context *context, const struct bw_tls_client_options *options,
			     struct bw_why *why)
{
	SSL_CTX_set_verify(context->ctx, SSL_VERIFY_PEER, NULL);
	if (options->pin != NULL) {
		uint8_t pin[1][BW_SHA256_BYTES];

		memcpy(pin[0], options->pin, sizeof(pin[0]));
		return trust_pins(context, (const uint8_t(*)[BW_SHA256_BYTES])pin, 1);
	}
	if (options->any_server) {
		SSL_CTX_set_cert_verify_callback(context->ctx, let_in, NULL);
		return BW_OK;
	}
	context->has_ca = true;
	return options->ca_pem.len > 0 ? trust(context->ctx, options->ca_pem, false, why)
				       : trust_system(context->ctx, why);
}

static enum bw_err set_own(SSL_CTX *ctx, const struct bw_tls_client_options *options, struct bw_why *why)
{
	if (options->cert_pem.len == 0)
		return BW_OK;
	BW_TRY(use_chain(ctx, options->cert_pem, why));
	return use_key(ctx, options->key_pem, why);
}

enum bw_err bw_tls_client_new(const struct bw_tls_client_options *options, struct bw_tls_context **out,
			      struct bw_why *why)
{
	struct bw_tls_context *context;
	enum bw_err err;

	BW_TRY(new_context(TLS_client_method(), options->hybrid_only, &context, why));
	err = set_trust(context, options, why);
	if (err == BW_OK)
		err = set_own(context->ctx, options, why);
	if (err == BW_OK && SSL_CTX_set_alpn_protos(context->ctx, alpn_http, ALPN_HTTP_BYTES) != 0)
		err = BW_ERR_CRYPTO;
	if (err != BW_OK) {
		bw_tls_context_free(context);
		return err;
	}
	*out = context;
	return BW_OK;
}
