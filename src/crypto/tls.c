#include "crypto/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/ossl.h"
#include "crypto/tls_bio.h"
#include "crypto/tls_context.h"

struct bw_tls {
	SSL *ssl;
	struct bw_tls_context *context;
	bool was_cut;
	bool failed;
	char why[160];
};

static enum bw_err new_session(struct bw_tls_context *context, int fd, struct bw_tls **out)
{
	struct bw_tls *tls = calloc(1, sizeof(*tls));
	BIO *bio = bw_tls_bio_new(fd);

	if (tls != NULL)
		tls->ssl = SSL_new(context->ctx);
	if (tls == NULL || bio == NULL || tls->ssl == NULL) {
		BIO_free(bio);
		if (tls != NULL)
			SSL_free(tls->ssl);
		free(tls);
		return BW_ERR_MEMORY;
	}
	SSL_set_bio(tls->ssl, bio, bio);
	context->references++;
	tls->context = context;
	*out = tls;
	return BW_OK;
}

enum bw_err bw_tls_accept(struct bw_tls_context *context, int fd, struct bw_tls **out)
{
	BW_TRY(new_session(context, fd, out));
	SSL_set_accept_state((*out)->ssl);
	return BW_OK;
}

static bool expect_host(SSL *ssl, const char *host)
{
	uint8_t address[sizeof(struct in6_addr)];

	/* RFC 6066 §3: addresses are not sent as server names */
	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	/* what SSL_set_tlsext_host_name says, without its cast */
	return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, (void *)(uintptr_t)host) == 1 &&
	       SSL_set1_host(ssl, host) == 1;
}

enum bw_err bw_tls_connect(struct bw_tls_context *context, int fd, const char *host, struct bw_tls **out)
{
	struct bw_tls *tls;

	BW_TRY(new_session(context, fd, &tls));
	if (!expect_host(tls->ssl, host)) {
		bw_tls_free(tls);
		ERR_clear_error();
		return BW_ERR_CRYPTO;
	}
	SSL_set_connect_state(tls->ssl);
	*out = tls;
	return BW_OK;
}

void bw_tls_free(struct bw_tls *tls)
{
	if (tls == NULL)
		return;
	SSL_free(tls->ssl);
	bw_tls_context_free(tls->context);
	free(tls);
}

/* ---- steps ----------------------------------------------------------------------------- */

static enum bw_tls_step fail(struct bw_tls *tls)
{
	const long verdict = SSL_get_verify_result(tls->ssl);
	const char *reason = bw_ossl_reason();

	tls->failed = true;
	if (verdict != X509_V_OK)
		(void)snprintf(tls->why, sizeof(tls->why), "%s: %s", reason, X509_verify_cert_error_string(verdict));
	else
		(void)snprintf(tls->why, sizeof(tls->why), "%s", reason);
	return BW_TLS_FAILED;
}

static enum bw_tls_step closed_by_cut(struct bw_tls *tls)
{
	tls->was_cut = true;
	tls->failed = true; /* OpenSSL allows no further step */
	ERR_clear_error();
	return BW_TLS_CLOSED;
}

/* What a call that did not succeed means. */
static enum bw_tls_step step_of(struct bw_tls *tls, int result)
{
	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return BW_TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return BW_TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return BW_TLS_CLOSED;
	case SSL_ERROR_SYSCALL:
		return closed_by_cut(tls);
	case SSL_ERROR_SSL:
		if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
			return closed_by_cut(tls);
		return fail(tls);
	default:
		return fail(tls);
	}
}

static enum bw_tls_step over(const struct bw_tls *tls)
{
	return tls->was_cut ? BW_TLS_CLOSED : BW_TLS_FAILED;
}

enum bw_tls_step bw_tls_handshake(struct bw_tls *tls)
{
	int result;

	if (tls->failed)
		return over(tls);
	ERR_clear_error();
	result = SSL_do_handshake(tls->ssl);
	return result == 1 ? BW_TLS_DONE : step_of(tls, result);
}

enum bw_tls_step bw_tls_read(struct bw_tls *tls, uint8_t *out, size_t max, size_t *out_len)
{
	int result;

	if (tls->failed)
		return over(tls);
	ERR_clear_error();
	result = SSL_read_ex(tls->ssl, out, max, out_len);
	return result == 1 ? BW_TLS_DONE : step_of(tls, result);
}

enum bw_tls_step bw_tls_write(struct bw_tls *tls, struct bw_slice bytes, size_t *out_len)
{
	size_t done = 0;

	if (tls->failed)
		return over(tls);
	ERR_clear_error();
	/* a call takes one record (16 kB); all of a response goes out in one visit */
	while (done < bytes.len) {
		const struct bw_slice rest = bw_slice_from(bytes, done);
		size_t taken = 0;
		const int result = SSL_write_ex(tls->ssl, rest.ptr, rest.len, &taken);

		if (result != 1) {
			const enum bw_tls_step step = step_of(tls, result);

			if (done == 0 || (step != BW_TLS_WANT_READ && step != BW_TLS_WANT_WRITE))
				return step;
			break; /* tell of the part first; the next call meets the same wait */
		}
		done += taken;
	}
	*out_len = done;
	return BW_TLS_DONE;
}

enum bw_tls_step bw_tls_shutdown(struct bw_tls *tls)
{
	int result;

	if (tls->failed)
		return over(tls);
	/* OpenSSL refuses a goodbye in the middle of a handshake */
	if (SSL_is_init_finished(tls->ssl) != 1)
		return BW_TLS_DONE;
	ERR_clear_error();
	result = SSL_shutdown(tls->ssl);
	return result >= 0 ? BW_TLS_DONE : step_of(tls, result);
}

bool bw_tls_was_cut(const struct bw_tls *tls)
{
	return tls->was_cut;
}

bool bw_tls_has_pending(const struct bw_tls *tls)
{
	return SSL_has_pending(tls->ssl) == 1;
}

void bw_tls_rest(struct bw_tls *tls)
{
	if (!tls->failed)
		(void)SSL_free_buffers(tls->ssl); /* refuses while something is under way */
}

const char *bw_tls_why(const struct bw_tls *tls)
{
	return tls->why;
}

/* ---- facts -------------------------------------------------------------------------------- */

static void put_peer(const struct bw_tls *tls, struct bw_tls_facts *facts)
{
	const X509 *peer = SSL_get0_peer_certificate(tls->ssl);

	if (peer == NULL || X509_digest(peer, EVP_sha256(), facts->peer_fingerprint, NULL) != 1)
		return;
	facts->has_peer_cert = true;
	facts->peer_is_verified = (tls->context->has_ca || tls->context->pin_count > 0) &&
				  SSL_get_verify_result(tls->ssl) == X509_V_OK;
}

enum bw_err bw_tls_export(const struct bw_tls *tls, const char *label, uint8_t *out, size_t len)
{
	BW_NEED(SSL_export_keying_material(tls->ssl, out, len, label, strlen(label), NULL, 0, 0) == 1, CRYPTO);
	return BW_OK;
}

void bw_tls_facts(const struct bw_tls *tls, struct bw_tls_facts *out)
{
	const char *group = SSL_get0_group_name(tls->ssl);
	const char *cipher = SSL_get_cipher_name(tls->ssl);

	*out = (struct bw_tls_facts){
		.version = SSL_get_version(tls->ssl),
		.cipher = cipher == NULL ? "" : cipher,
		.group = group == NULL ? "" : group,
	};
	out->hybrid = strcmp(out->group, "X25519MLKEM768") == 0;
	put_peer(tls, out);
}
