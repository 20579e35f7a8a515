#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/cert.h"
#include "crypto/tls.h"
#include "crypto/tls_context.h"

/* One certificate for the whole file; a second identity plays clients and strangers. */
static struct identity {
	struct bw_buf cert;
	struct bw_secret key;
	struct bw_cert_facts facts;
} ours, theirs;

static void make_identity(struct identity *identity, const char *name)
{
	identity->cert = BW_BUF_INIT(BW_CERT_PEM_MAX);
	assert_int_equal(bw_cert_make(&name, 1, &identity->cert, &identity->key, NULL), BW_OK);
	assert_int_equal(bw_cert_read(bw_buf_slice(&identity->cert), &identity->facts), BW_OK);
}

static int make_identities(void **state)
{
	(void)state;
	make_identity(&ours, "node.example");
	make_identity(&theirs, "peer.example");
	return 0;
}

static int drop_identities(void **state)
{
	(void)state;
	bw_buf_release(&ours.cert);
	bw_secret_wipe(&ours.key);
	bw_buf_release(&theirs.cert);
	bw_secret_wipe(&theirs.key);
	return 0;
}

static struct bw_tls_server_options serve_ours(void)
{
	return (struct bw_tls_server_options){ .cert_pem = bw_buf_slice(&ours.cert),
					       .key_pem = bw_secret_slice(&ours.key) };
}

static struct bw_tls_client_options pin_ours(void)
{
	return (struct bw_tls_client_options){ .pin = ours.facts.fingerprint };
}

static struct bw_tls_client_options trust_ours(void)
{
	return (struct bw_tls_client_options){ .ca_pem = bw_buf_slice(&ours.cert) };
}

/* Two ends in one process over a socket pair. */
struct talk {
	int fds[2];
	struct bw_tls *server;
	struct bw_tls *client;
	enum bw_tls_step server_step;
	enum bw_tls_step client_step;
};

static void open_talk(struct talk *talk, struct bw_tls_context *server, struct bw_tls_context *client, const char *host)
{
	*talk = (struct talk){ 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, talk->fds), 0);
	assert_int_equal(bw_tls_accept(server, talk->fds[0], &talk->server), BW_OK);
	assert_int_equal(bw_tls_connect(client, talk->fds[1], host, &talk->client), BW_OK);
}

static void close_talk(struct talk *talk)
{
	bw_tls_free(talk->server);
	bw_tls_free(talk->client);
	(void)close(talk->fds[0]);
	(void)close(talk->fds[1]);
}

static bool is_waiting(enum bw_tls_step step)
{
	return step == BW_TLS_WANT_READ || step == BW_TLS_WANT_WRITE;
}

static void shake_hands(struct talk *talk)
{
	talk->server_step = BW_TLS_WANT_READ;
	talk->client_step = BW_TLS_WANT_READ;
	for (int i = 0; i < 20; i++) {
		if (is_waiting(talk->client_step))
			talk->client_step = bw_tls_handshake(talk->client);
		if (is_waiting(talk->server_step))
			talk->server_step = bw_tls_handshake(talk->server);
	}
}

/* A whole handshake between these options; the verdicts of both sides in `talk`. */
static void meet(struct talk *talk, struct bw_tls_server_options server_options,
		 struct bw_tls_client_options client_options, const char *host)
{
	struct bw_tls_context *server;
	struct bw_tls_context *client;

	assert_int_equal(bw_tls_server_new(&server_options, &server, NULL), BW_OK);
	assert_int_equal(bw_tls_client_new(&client_options, &client, NULL), BW_OK);
	open_talk(talk, server, client, host);
	/* connections hold on to what they need */
	bw_tls_context_free(server);
	bw_tls_context_free(client);
	shake_hands(talk);
}

static void both_sides_agree_on_the_hybrid_by_themselves(void **state)
{
	struct bw_tls_facts facts;
	struct talk talk;

	(void)state;
	meet(&talk, serve_ours(), pin_ours(), "anything");
	assert_int_equal(talk.client_step, BW_TLS_DONE);
	assert_int_equal(talk.server_step, BW_TLS_DONE);
	bw_tls_facts(talk.server, &facts);
	assert_string_equal(facts.version, "TLSv1.3");
	assert_string_equal(facts.group, "X25519MLKEM768");
	assert_true(facts.hybrid);
	assert_false(facts.has_peer_cert);
	bw_tls_facts(talk.client, &facts);
	assert_true(facts.has_peer_cert);
	assert_true(facts.peer_is_verified);
	assert_memory_equal(facts.peer_fingerprint, ours.facts.fingerprint, BW_SHA256_BYTES);
	close_talk(&talk);
}

static void a_megabyte_goes_through_and_back_ends_with_a_goodbye(void **state)
{
	enum { SIZE = 1000003 };
	uint8_t *bytes = malloc(SIZE);
	uint8_t *got = malloc(SIZE);
	size_t sent = 0;
	size_t received = 0;
	struct talk talk;

	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (uint8_t)(i * 31 >> 3);
	meet(&talk, serve_ours(), pin_ours(), "x");
	while (received < SIZE) {
		size_t len = 0;
		enum bw_tls_step step = BW_TLS_DONE;

		if (sent < SIZE)
			step = bw_tls_write(talk.server, bw_slice_of(bytes + sent, SIZE - sent), &len);
		assert_true(step == BW_TLS_DONE || step == BW_TLS_WANT_WRITE);
		sent += step == BW_TLS_DONE ? len : 0;
		while ((step = bw_tls_read(talk.client, got + received, SIZE - received, &len)) == BW_TLS_DONE &&
		       len > 0)
			received += len;
		assert_true(received == SIZE || step == BW_TLS_WANT_READ);
	}
	assert_memory_equal(bytes, got, SIZE);
	assert_int_equal(bw_tls_shutdown(talk.server), BW_TLS_DONE);
	assert_int_equal(bw_tls_read(talk.client, got, SIZE, &received), BW_TLS_CLOSED);
	assert_false(bw_tls_was_cut(talk.client));
	free(bytes);
	free(got);
	close_talk(&talk);
}

static void a_connection_goes_on_after_a_rest(void **state)
{
	uint8_t got[8];
	size_t len;
	struct talk talk;

	(void)state;
	meet(&talk, serve_ours(), pin_ours(), "x");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bw_tls_write(talk.client, BW_LIT("hello"), &len), BW_TLS_DONE);
		bw_tls_rest(talk.client);
		assert_int_equal(bw_tls_read(talk.server, got, 2, &len), BW_TLS_DONE);
		bw_tls_rest(talk.server); /* three bytes are under way: nothing is lost */
		assert_true(bw_tls_has_pending(talk.server));
		assert_int_equal(bw_tls_read(talk.server, got, sizeof(got), &len), BW_TLS_DONE);
		assert_int_equal(len, 3);
		bw_tls_rest(talk.server);
	}
	close_talk(&talk);
}

static void an_end_without_goodbye_is_told_apart(void **state)
{
	uint8_t got[10];
	size_t len;
	struct talk talk;

	(void)state;
	meet(&talk, serve_ours(), pin_ours(), "x");
	assert_int_equal(shutdown(talk.fds[0], SHUT_RDWR), 0);
	assert_int_equal(bw_tls_read(talk.client, got, sizeof(got), &len), BW_TLS_CLOSED);
	assert_true(bw_tls_was_cut(talk.client));
	assert_int_equal(bw_tls_read(talk.client, got, sizeof(got), &len), BW_TLS_CLOSED);
	/* and writing to nobody raises no signal */
	assert_int_equal(bw_tls_write(talk.server, BW_LIT("hello"), &len), BW_TLS_CLOSED);
	close_talk(&talk);
}

static void a_server_that_is_not_the_pinned_one_is_refused(void **state)
{
	struct bw_tls_client_options options = { .pin = theirs.facts.fingerprint };
	struct talk talk;

	(void)state;
	meet(&talk, serve_ours(), options, "node.example");
	assert_int_equal(talk.client_step, BW_TLS_FAILED);
	assert_int_equal(talk.server_step, BW_TLS_FAILED);
	assert_non_null(strstr(bw_tls_why(talk.client), "certificate"));
	close_talk(&talk);
}

static void names_and_addresses_are_checked_against_the_certificate(void **state)
{
	static const struct {
		const char *host;
		enum bw_tls_step want;
	} rows[] = {
		{ "node.example", BW_TLS_DONE },     { "localhost", BW_TLS_DONE },
		{ "127.0.0.1", BW_TLS_DONE },        { "::1", BW_TLS_DONE },
		{ "other.example", BW_TLS_FAILED },  { "127.0.0.2", BW_TLS_FAILED },
		{ "x.node.example", BW_TLS_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct talk talk;

		meet(&talk, serve_ours(), trust_ours(), rows[i].host);
		assert_int_equal(talk.client_step, rows[i].want);
		close_talk(&talk);
	}
}

static void a_certificate_from_nobody_we_trust_is_refused(void **state)
{
	struct bw_tls_client_options options = { .ca_pem = bw_buf_slice(&theirs.cert) };
	struct talk talk;

	(void)state;
	meet(&talk, serve_ours(), options, "node.example");
	assert_int_equal(talk.client_step, BW_TLS_FAILED);
	close_talk(&talk);
}

/* ---- client certificates ------------------------------------------------------------------ */

static void a_client_certificate_of_any_origin_shows_its_fingerprint(void **state)
{
	struct bw_tls_server_options server = serve_ours();
	struct bw_tls_client_options client = pin_ours();
	struct bw_tls_facts facts;
	struct talk talk;

	(void)state;
	server.client_cert = BW_TLS_CLIENT_OPTIONAL;
	client.cert_pem = bw_buf_slice(&theirs.cert);
	client.key_pem = bw_secret_slice(&theirs.key);
	meet(&talk, server, client, "x");
	assert_int_equal(talk.server_step, BW_TLS_DONE);
	bw_tls_facts(talk.server, &facts);
	assert_true(facts.has_peer_cert);
	assert_false(facts.peer_is_verified); /* the caller compares */
	assert_memory_equal(facts.peer_fingerprint, theirs.facts.fingerprint, BW_SHA256_BYTES);
	close_talk(&talk);
}

static void with_a_ca_only_its_clients_come_in(void **state)
{
	struct bw_tls_server_options server = serve_ours();
	struct bw_tls_client_options client = pin_ours();
	struct bw_tls_facts facts;
	struct talk talk;

	(void)state;
	server.client_cert = BW_TLS_CLIENT_OPTIONAL;
	server.client_ca_pem = bw_buf_slice(&theirs.cert);
	client.cert_pem = bw_buf_slice(&theirs.cert);
	client.key_pem = bw_secret_slice(&theirs.key);
	meet(&talk, server, client, "x");
	assert_int_equal(talk.server_step, BW_TLS_DONE);
	bw_tls_facts(talk.server, &facts);
	assert_true(facts.peer_is_verified);
	close_talk(&talk);

	client.cert_pem = bw_buf_slice(&ours.cert);
	client.key_pem = bw_secret_slice(&ours.key);
	meet(&talk, server, client, "x");
	assert_int_equal(talk.server_step, BW_TLS_FAILED);
	close_talk(&talk);
}

static void with_pins_only_their_holders_come_in(void **state)
{
	const uint8_t pins[2][BW_SHA256_BYTES] = { { 1 } };
	uint8_t known[2][BW_SHA256_BYTES];
	struct bw_tls_server_options server = serve_ours();
	struct bw_tls_client_options client = pin_ours();
	struct bw_tls_facts facts;
	struct talk talk;

	(void)state;
	memcpy(known, pins, sizeof(pins));
	memcpy(known[1], theirs.facts.fingerprint, BW_SHA256_BYTES);
	server.pins = (const uint8_t(*)[BW_SHA256_BYTES])known;
	server.pin_count = 2;
	client.cert_pem = bw_buf_slice(&theirs.cert);
	client.key_pem = bw_secret_slice(&theirs.key);
	meet(&talk, server, client, "node.example");
	assert_int_equal(talk.server_step, BW_TLS_DONE);
	bw_tls_facts(talk.server, &facts);
	assert_true(facts.peer_is_verified);
	close_talk(&talk);

	client.cert_pem = bw_buf_slice(&ours.cert); /* not among them */
	client.key_pem = bw_secret_slice(&ours.key);
	meet(&talk, server, client, "node.example");
	assert_int_equal(talk.server_step, BW_TLS_FAILED);
	close_talk(&talk);

	client.cert_pem = bw_slice_empty; /* none at all */
	meet(&talk, server, client, "node.example");
	assert_int_equal(talk.server_step, BW_TLS_FAILED);
	close_talk(&talk);
}

static void both_ends_export_the_same_secret_and_other_connections_another(void **state)
{
	struct bw_tls_client_options client = { .any_server = true };
	uint8_t secrets[3][32];
	struct talk talk;

	(void)state;
	meet(&talk, serve_ours(), client, "whoever.example");
	assert_int_equal(talk.client_step, BW_TLS_DONE);
	assert_int_equal(bw_tls_export(talk.server, "EXPORTER-test", secrets[0], 32), BW_OK);
	assert_int_equal(bw_tls_export(talk.client, "EXPORTER-test", secrets[1], 32), BW_OK);
	assert_memory_equal(secrets[0], secrets[1], 32);
	assert_int_equal(bw_tls_export(talk.client, "EXPORTER-other", secrets[1], 32), BW_OK);
	assert_memory_not_equal(secrets[0], secrets[1], 32);
	close_talk(&talk);
	meet(&talk, serve_ours(), client, "whoever.example");
	assert_int_equal(bw_tls_export(talk.server, "EXPORTER-test", secrets[2], 32), BW_OK);
	assert_memory_not_equal(secrets[0], secrets[2], 32);
	close_talk(&talk);
}

static void whoever_has_no_certificate_meets_the_server_as_it_was_told(void **state)
{
	struct bw_tls_server_options server = serve_ours();
	struct talk talk;

	(void)state;
	server.client_cert = BW_TLS_CLIENT_OPTIONAL;
	meet(&talk, server, pin_ours(), "x");
	assert_int_equal(talk.server_step, BW_TLS_DONE);
	close_talk(&talk);
	server.client_cert = BW_TLS_CLIENT_REQUIRED;
	meet(&talk, server, pin_ours(), "x");
	assert_int_equal(talk.server_step, BW_TLS_FAILED);
	close_talk(&talk);
}

/* ---- what may be agreed on ------------------------------------------------------------------ */

/* A client that was tampered with, to play old and odd peers. */
static void meet_odd_client(struct talk *talk, struct bw_tls_server_options server_options,
			    void (*make_odd)(SSL_CTX *ctx))
{
	const struct bw_tls_client_options client_options = pin_ours();
	struct bw_tls_context *server;
	struct bw_tls_context *client;

	assert_int_equal(bw_tls_server_new(&server_options, &server, NULL), BW_OK);
	assert_int_equal(bw_tls_client_new(&client_options, &client, NULL), BW_OK);
	make_odd(client->ctx);
	open_talk(talk, server, client, "x");
	bw_tls_context_free(server);
	bw_tls_context_free(client);
	shake_hands(talk);
}

static char x25519[] = "X25519";
static char p256_share_only[] = "*P-256:X25519MLKEM768";
static char p384[] = "P-384";

static void be_classical(SSL_CTX *ctx)
{
	assert_int_equal(SSL_CTX_set1_groups_list(ctx, x25519), 1);
}

static void guess_wrong(SSL_CTX *ctx)
{
	assert_int_equal(SSL_CTX_set1_groups_list(ctx, p256_share_only), 1);
}

static void know_only_p384(SSL_CTX *ctx)
{
	assert_int_equal(SSL_CTX_set1_groups_list(ctx, p384), 1);
}

static void be_tls12(SSL_CTX *ctx)
{
	assert_int_equal(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION), 1);
}

static void be_tls11(SSL_CTX *ctx)
{
	SSL_CTX_set_security_level(ctx, 0);
	assert_int_equal(SSL_CTX_set_min_proto_version(ctx, TLS1_1_VERSION), 1);
	assert_int_equal(SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION), 1);
	assert_int_equal(SSL_CTX_set_cipher_list(ctx, "ALL"), 1);
}

static void want_cbc(SSL_CTX *ctx)
{
	assert_int_equal(SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION), 1);
	assert_int_equal(SSL_CTX_set_cipher_list(ctx, "ECDHE+AES:!AESGCM:!AESCCM"), 1);
}

static void speak_h2_only(SSL_CTX *ctx)
{
	assert_int_equal(SSL_CTX_set_alpn_protos(ctx, (const uint8_t *)"\x02h2", 3), 0);
}

static void older_and_odder_clients_get_the_best_both_can_do_or_nothing(void **state)
{
	static const struct {
		void (*make_odd)(SSL_CTX *);
		enum bw_tls_step want;
		const char *version;
		const char *group;
	} rows[] = {
		{ be_classical, BW_TLS_DONE, "TLSv1.3", "X25519" },
		{ guess_wrong, BW_TLS_DONE, "TLSv1.3", "X25519MLKEM768" },
		{ be_tls12, BW_TLS_DONE, "TLSv1.2", "x25519" },
		{ know_only_p384, BW_TLS_FAILED, NULL, NULL },
		{ be_tls11, BW_TLS_FAILED, NULL, NULL },
		{ want_cbc, BW_TLS_FAILED, NULL, NULL },
		{ speak_h2_only, BW_TLS_FAILED, NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < BW_COUNT(rows); i++) {
		struct bw_tls_facts facts;
		struct talk talk;

		meet_odd_client(&talk, serve_ours(), rows[i].make_odd);
		assert_int_equal(talk.server_step, rows[i].want);
		if (rows[i].want == BW_TLS_DONE) {
			bw_tls_facts(talk.server, &facts);
			assert_string_equal(facts.version, rows[i].version);
			assert_true(bw_slice_is_nocase(bw_slice_text(facts.group), rows[i].group));
		}
		close_talk(&talk);
	}
}

static void hybrid_only_means_no_connection_otherwise(void **state)
{
	struct bw_tls_server_options server = serve_ours();
	static void (*const odd[])(SSL_CTX *) = { be_classical, be_tls12 };
	struct talk talk;

	(void)state;
	server.hybrid_only = true;
	for (size_t i = 0; i < BW_COUNT(odd); i++) {
		meet_odd_client(&talk, server, odd[i]);
		assert_int_equal(talk.server_step, BW_TLS_FAILED);
		close_talk(&talk);
	}
	meet(&talk, server, pin_ours(), "x");
	assert_int_equal(talk.server_step, BW_TLS_DONE);
	close_talk(&talk);
}

static void no_session_can_be_resumed(void **state)
{
	struct talk talk;

	(void)state;
	/* a ticket would be the first thing a TLS 1.3 client reads */
	meet(&talk, serve_ours(), pin_ours(), "x");
	assert_int_equal(recv(talk.fds[1], &(char){ 0 }, 1, MSG_PEEK), -1);
	close_talk(&talk);
}

/* ---- set-up ------------------------------------------------------------------------------------ */

static void certificate_and_key_must_fit(void **state)
{
	struct bw_tls_server_options options = serve_ours();
	struct bw_tls_context *context;
	struct bw_why why = { "" };

	(void)state;
	options.key_pem = bw_secret_slice(&theirs.key);
	assert_int_equal(bw_tls_server_new(&options, &context, &why), BW_ERR_SIGNATURE);
	assert_non_null(strstr(why.text, "do not fit"));
	options.key_pem = BW_LIT("not a key");
	assert_int_equal(bw_tls_server_new(&options, &context, &why), BW_ERR_SYNTAX);
	options = serve_ours();
	options.cert_pem = BW_LIT("not a certificate");
	assert_int_equal(bw_tls_server_new(&options, &context, &why), BW_ERR_SYNTAX);
	options = serve_ours();
	options.client_cert = BW_TLS_CLIENT_OPTIONAL;
	options.client_ca_pem = BW_LIT("not a CA");
	assert_int_equal(bw_tls_server_new(&options, &context, &why), BW_ERR_SYNTAX);
}

static void a_weak_key_is_refused(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(1024);
	X509 *cert = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	struct bw_tls_server_options options = serve_ours();
	struct bw_tls_context *context;
	char *pem = NULL;
	long len;

	(void)state;
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), 0));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 1000));
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(bio, cert), 1);
	len = BIO_get_mem_data(bio, &pem);
	options.cert_pem = bw_slice_of(pem, (size_t)len);
	assert_int_equal(bw_tls_server_new(&options, &context, NULL), BW_ERR_RANGE);
	BIO_free(bio);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void a_new_certificate_serves_new_connections_and_old_ones_go_on(void **state)
{
	struct bw_tls_server_options options = serve_ours();
	struct bw_tls_client_options pin_theirs = { .pin = theirs.facts.fingerprint };
	struct talk before;
	struct talk after;
	uint8_t got[8];
	size_t len;

	(void)state;
	meet(&before, options, pin_ours(), "x");
	options.cert_pem = bw_buf_slice(&theirs.cert);
	options.key_pem = bw_secret_slice(&theirs.key);
	meet(&after, options, pin_theirs, "x");
	assert_int_equal(after.client_step, BW_TLS_DONE);
	assert_int_equal(bw_tls_write(before.server, BW_LIT("still"), &len), BW_TLS_DONE);
	assert_int_equal(bw_tls_read(before.client, got, sizeof(got), &len), BW_TLS_DONE);
	assert_int_equal(len, 5);
	close_talk(&before);
	close_talk(&after);
}

static void garbage_instead_of_a_handshake_fails_with_a_reason(void **state)
{
	struct bw_tls_server_options options = serve_ours();
	struct bw_tls_context *server;
	struct bw_tls *tls;
	int fds[2];

	(void)state;
	assert_int_equal(bw_tls_server_new(&options, &server, NULL), BW_OK);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(bw_tls_accept(server, fds[0], &tls), BW_OK);
	assert_int_equal(bw_tls_handshake(tls), BW_TLS_WANT_READ);
	assert_int_equal(write(fds[1], "GET / HTTP/1.1\r\n\r\n", 18), 18);
	assert_int_equal(bw_tls_handshake(tls), BW_TLS_FAILED);
	assert_true(bw_tls_why(tls)[0] != '\0');
	assert_int_equal(bw_tls_handshake(tls), BW_TLS_FAILED);
	bw_tls_free(tls);
	bw_tls_context_free(server);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_agree_on_the_hybrid_by_themselves),
		cmocka_unit_test(a_megabyte_goes_through_and_back_ends_with_a_goodbye),
		cmocka_unit_test(a_connection_goes_on_after_a_rest),
		cmocka_unit_test(an_end_without_goodbye_is_told_apart),
		cmocka_unit_test(a_server_that_is_not_the_pinned_one_is_refused),
		cmocka_unit_test(names_and_addresses_are_checked_against_the_certificate),
		cmocka_unit_test(a_certificate_from_nobody_we_trust_is_refused),
		cmocka_unit_test(a_client_certificate_of_any_origin_shows_its_fingerprint),
		cmocka_unit_test(with_a_ca_only_its_clients_come_in),
		cmocka_unit_test(with_pins_only_their_holders_come_in),
		cmocka_unit_test(both_ends_export_the_same_secret_and_other_connections_another),
		cmocka_unit_test(whoever_has_no_certificate_meets_the_server_as_it_was_told),
		cmocka_unit_test(older_and_odder_clients_get_the_best_both_can_do_or_nothing),
		cmocka_unit_test(hybrid_only_means_no_connection_otherwise),
		cmocka_unit_test(no_session_can_be_resumed),
		cmocka_unit_test(certificate_and_key_must_fit),
		cmocka_unit_test(a_weak_key_is_refused),
		cmocka_unit_test(a_new_certificate_serves_new_connections_and_old_ones_go_on),
		cmocka_unit_test(garbage_instead_of_a_handshake_fails_with_a_reason),
	};

	return cmocka_run_group_tests(tests, make_identities, drop_identities);
}
