/*
 * TLS 1.2 and 1.3 over non-blocking sockets that the caller owns.
 *
 * Fixed, because nobody should have to choose: key exchange X25519MLKEM768, then X25519,
 * then P-256; forward secrecy and authenticated ciphers only; no early data, no
 * renegotiation, no compression; ALPN "http/1.1". Session tickets and caches are off: every
 * connection agrees on fresh keys, no ticket key can open recorded traffic, and
 * several front workers need to share nothing.
 *
 * A context swaps under a running server: make the new one, free the old one;
 * sessions hold on to what they started with. Contexts hold the only copy of
 * the key after bw_tls_server_new; the caller wipes its own.
 */
#ifndef BW_CRYPTO_TLS_H
#define BW_CRYPTO_TLS_H

#include "crypto/hash.h"
#include "sys/why.h"

struct bw_tls_context;
struct bw_tls; /* one connection */

enum { BW_TLS_PINS_MAX = 256 };

enum bw_tls_client_cert {
	BW_TLS_CLIENT_NONE,     /* not asked for */
	BW_TLS_CLIENT_OPTIONAL, /* asked for; whoever has none goes on without */
	BW_TLS_CLIENT_REQUIRED,
};

struct bw_tls_server_options {
	struct bw_slice cert_pem; /* leaf first, then its chain */
	struct bw_slice key_pem;
	enum bw_tls_client_cert client_cert;
	/* A presented certificate must chain to one of these; empty: any is let in, and the
	   caller compares bw_tls_facts.peer_fingerprint with those it knows. */
	struct bw_slice client_ca_pem;
	/* SHA-256 of client certificates (DER): with any, a client has one of these or the handshake fails. Copied. */
	const uint8_t (*pins)[BW_SHA256_BYTES];
	size_t pin_count; /* at most BW_TLS_PINS_MAX */
	bool hybrid_only; /* X25519MLKEM768 or no connection */
};

struct bw_tls_client_options {
	struct bw_slice ca_pem; /* empty: the system's */
	const uint8_t *pin; /* SHA-256 of the leaf (DER): then this alone decides, and name and CA do not; or NULL */
	struct bw_slice cert_pem; /* client certificate; empty: none */
	struct bw_slice key_pem;
	bool any_server; /* whoever it is: the caller has another way to know (accord/meet.h); not with a pin or CA */
	bool hybrid_only;
};

/* SYNTAX (PEM), SIGNATURE (key and certificate do not fit), RANGE (weak key), CRYPTO. */
BW_MUST_USE enum bw_err bw_tls_server_new(const struct bw_tls_server_options *options, struct bw_tls_context **out,
					  struct bw_why *why);
BW_MUST_USE enum bw_err bw_tls_client_new(const struct bw_tls_client_options *options, struct bw_tls_context **out,
					  struct bw_why *why);
void bw_tls_context_free(struct bw_tls_context *context); /* NULL allowed */

/* A connection over a connected non-blocking socket; `fd` stays the caller's. MEMORY, CRYPTO. */
BW_MUST_USE enum bw_err bw_tls_accept(struct bw_tls_context *context, int fd, struct bw_tls **out);

/* `host` is a name or an address: SNI and what the certificate must be for. */
BW_MUST_USE enum bw_err bw_tls_connect(struct bw_tls_context *context, int fd, const char *host, struct bw_tls **out);
void bw_tls_free(struct bw_tls *tls); /* NULL allowed; does not close fd */

enum bw_tls_step {
	BW_TLS_DONE,
	BW_TLS_WANT_READ,  /* call again, the same way, when the socket is readable */
	BW_TLS_WANT_WRITE, /* … when it is writable */
	BW_TLS_CLOSED,     /* the other side said goodbye, or is gone: bw_tls_was_cut tells which */
	BW_TLS_FAILED,     /* bw_tls_why; only bw_tls_free is left */
};

BW_MUST_USE enum bw_tls_step bw_tls_handshake(struct bw_tls *tls);

/*
 * At least one byte on DONE. Call until WANT_READ, or, one system call cheaper where the loop is level-triggered,
 * while bw_tls_has_pending: decrypted bytes may wait where poll cannot see them.
 */
BW_MUST_USE enum bw_tls_step bw_tls_read(struct bw_tls *tls, uint8_t *out, size_t max, size_t *out_len);

/* May take a part. After WANT_*, call again with the same bytes (the address may differ) or more of them. */
BW_MUST_USE enum bw_tls_step bw_tls_write(struct bw_tls *tls, struct bw_slice bytes, size_t *out_len);

/* Says goodbye; DONE when said (does not wait for the answer). */
BW_MUST_USE enum bw_tls_step bw_tls_shutdown(struct bw_tls *tls);

/* After CLOSED: the connection ended without a goodbye, so what came may be cut short (RFC 8446 §6.1). */
bool bw_tls_was_cut(const struct bw_tls *tls);

bool bw_tls_has_pending(const struct bw_tls *tls); /* bytes that poll cannot see */
/*
 * Gives back the record buffers (34 kB) of a connection that has nothing under way; they come back with the
 * next byte. For connections idle for a while: doing it after every request costs as much as the request.
 */
void bw_tls_rest(struct bw_tls *tls);

const char *bw_tls_why(const struct bw_tls *tls); /* words for FAILED; never NULL */

struct bw_tls_facts {        /* after the handshake */
	const char *version; /* "TLSv1.3" */
	const char *cipher;
	const char *group; /* "X25519MLKEM768" */
	bool hybrid;       /* the key exchange holds against quantum computers */
	bool has_peer_cert;
	bool peer_is_verified; /* chained to the CA given, or fits the pin */
	uint8_t peer_fingerprint[BW_SHA256_BYTES];
};

/*
 * A secret of this connection that both ends can compute and nobody else, for what is to be bound to it
 * (RFC 8446 §7.5; RFC 5705 before). `label` starts with "EXPORTER-". After the handshake. CRYPTO.
 */
BW_MUST_USE enum bw_err bw_tls_export(const struct bw_tls *tls, const char *label, uint8_t *out, size_t len);

void bw_tls_facts(const struct bw_tls *tls, struct bw_tls_facts *out);

#endif
