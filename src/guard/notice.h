/*
 * A notice for the administrator: a plain text, by mail or for a program of theirs. Pure: how it is sent is the hand's.
 *
 * Names of users, hosts and files in it come from the attacker. Whatever is not printable is escaped, so no header can
 * be forged and no terminal driven; a line that is only a dot is an ordinary line (sendmail -i).
 *
 * Errors: SYNTAX (an address for mail that is not plainly one), TOO_BIG, MEMORY.
 */
#ifndef BW_GUARD_NOTICE_H
#define BW_GUARD_NOTICE_H

#include "guard/hand_form.h"

enum { BW_NOTICE_BYTES = 512 * 1024 };

/* "admin@school.example", "root": letters, digits and .!#$%&'*+/=?^_`{|}~- only, no leading '-', one '@' at most. */
bool bw_notice_address_is_plain(struct bw_slice address);

/* The text with its line breaks (and tabs) kept and everything else that is no printable UTF-8 escaped. */
BW_MUST_USE enum bw_err bw_notice_text(const struct bw_notice *notice, struct bw_buf *out);

/* The whole mail for `sendmail -t -i`: To, Subject (RFC 2047 where it must be), Auto-Submitted (RFC 3834), text. */
BW_MUST_USE enum bw_err bw_notice_mail(const struct bw_notice *notice, struct bw_slice to, struct bw_buf *out);

#endif
