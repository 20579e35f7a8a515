/*
 * PEM texts: a certificate to be described, and the chain, key and authorities a TLS
 * context is made of. Properties: what is told of a certificate is text without
 * controls; whatever is refused has its sentence, and nothing is left behind.
 */
#include <stdlib.h>

#include "crypto/cert.h"
#include "crypto/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void describe(struct bw_slice pem)
{
	struct bw_cert_facts facts;
	struct bw_cert_facts again;

	memset(&facts, 0x55, sizeof(facts));
	if (bw_cert_read(pem, &facts) != BW_OK)
		return;
	check(memchr(facts.subject, 0, sizeof(facts.subject)) != NULL);
	for (const char *at = facts.subject; *at != '\0'; at++)
		check((uint8_t)*at >= 0x20 && (uint8_t)*at != 0x7f);
	check(bw_cert_read(pem, &again) == BW_OK);
	check(memcmp(facts.fingerprint, again.fingerprint, sizeof(facts.fingerprint)) == 0);
	check(facts.not_before_us == again.not_before_us && facts.not_after_us == again.not_after_us);
}

static void serve_with(struct bw_slice pem)
{
	const struct bw_tls_server_options options = {
		.cert_pem = pem, .key_pem = pem, .client_cert = BW_TLS_CLIENT_OPTIONAL, .client_ca_pem = pem
	};
	struct bw_tls_context *context = NULL;
	struct bw_why why = { 0 };

	if (bw_tls_server_new(&options, &context, &why) != BW_OK)
		check(context == NULL && why.text[0] != '\0');
	bw_tls_context_free(context);
}

static void ask_with(struct bw_slice pem)
{
	const struct bw_tls_client_options options = { .ca_pem = pem, .cert_pem = pem, .key_pem = pem };
	struct bw_tls_context *context = NULL;
	struct bw_why why = { 0 };

	if (bw_tls_client_new(&options, &context, &why) != BW_OK)
		check(context == NULL && why.text[0] != '\0');
	bw_tls_context_free(context);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bw_slice pem = bw_slice_of(data, size);

	if (size > BW_CERT_PEM_MAX)
		return 0;
	describe(pem);
	serve_with(pem);
	ask_with(pem);
	return 0;
}
