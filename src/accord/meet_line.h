/*
 * The line two nodes meet over: TLS 1.3 with X25519MLKEM768 and HTTP, in a child process that holds the meeting's TLS
 * key and nothing else. It hands each message over with the secret its connection exports, and knows no more of it
 * than its length; who holds the node's keys (accord/meet.h) never reads from a socket.
 */
#ifndef BW_ACCORD_MEET_LINE_H
#define BW_ACCORD_MEET_LINE_H

#include "accord/meet.h"
#include "base/secret.h"
#include "net/address.h"
#include "net/url.h"
#include "sys/why.h"

struct bw_meet_line;

struct bw_meet_heard {
	uint64_t id;                            /* for the answer */
	uint8_t exported[BW_MEET_EXPORT_BYTES]; /* which connection */
	struct bw_slice message;                /* borrowed until the next call */
};

/*
 * Starts the child that listens on `fd` (bw_net_listen; closed here also when this fails) and answers who asks for
 * `path` alone. The secret's memory is
 * wiped. Errors: SYNTAX, SIGNATURE, CRYPTO (certificate and key), SANDBOX, MEMORY, SYSTEM.
 */
BW_MUST_USE enum bw_err bw_meet_line_listen(int fd, const char *path, struct bw_slice cert_pem,
					    struct bw_secret *key_pem, struct bw_meet_line **out, struct bw_why *why);

/* The next message of anybody, waiting for so long. TIMEOUT; CLOSED: the child has ended. */
BW_MUST_USE enum bw_err bw_meet_line_hear(struct bw_meet_line *line, int timeout_ms, struct bw_meet_heard *out);

/* Answers it; an empty answer refuses, and ends that connection. */
BW_MUST_USE enum bw_err bw_meet_line_answer(struct bw_meet_line *line, uint64_t id, struct bw_slice answer);

/* Starts the child that goes to `host`, whoever that is. As bw_meet_line_listen. */
BW_MUST_USE enum bw_err bw_meet_line_go(const struct bw_url *host, struct bw_meet_line **out, struct bw_why *why);

/* The secret of the connection, which is made now. NOT_FOUND, CLOSED, TIMEOUT and the like with words. */
BW_MUST_USE enum bw_err bw_meet_line_export(struct bw_meet_line *line, uint8_t out[BW_MEET_EXPORT_BYTES],
					    struct bw_why *why);

/* Says one message and hears the answer; borrowed until the next call. DENIED: the other side refused. */
BW_MUST_USE enum bw_err bw_meet_line_ask(struct bw_meet_line *line, struct bw_slice message, struct bw_slice *out,
					 struct bw_why *why);

void bw_meet_line_free(struct bw_meet_line *line); /* ends the child; NULL allowed */

#endif
