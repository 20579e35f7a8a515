/*
 * Secrets from people: a password on standard input or a passphrase in a file.
 * One line end at the end is no part of it. Whatever held the bytes on the way is wiped.
 */
#ifndef BW_CRYPTO_SECRET_INPUT_H
#define BW_CRYPTO_SECRET_INPUT_H

#include "base/secret.h"
#include "sys/why.h"

/*
 * On a terminal: asks with `prompt` on standard error, reads one line and does
 * not show it. Else: all of standard input, up to `max` bytes.
 * RANGE (empty, or several lines), TOO_BIG, IO.
 */
BW_MUST_USE enum bw_err bw_secret_from_stdin(const char *prompt, size_t max, struct bw_secret *out, struct bw_why *why);

/* The same from a file or a pipe (bw_file_or_pipe_read). */
BW_MUST_USE enum bw_err bw_secret_from_file(const char *path, size_t max, struct bw_secret *out, struct bw_why *why);

/*
 * A passphrase nobody has to think of: 6 groups of 5 characters out of 32, 150
 * bits, readable over the telephone (no i, l, o, u).
 */
BW_MUST_USE enum bw_err bw_passphrase_make(struct bw_secret *out);

#endif
