/*
 * Personal data in running text, and what tells about a network from the inside: where
 * it stands, of what kind, and how sure that is.
 *
 * One pass: bytes that cannot begin or mark anything (most) are passed over sixteen at a
 * time; what remains is looked at by checks, of which those with a checksum count most. Words nearby ("NHS",
 * "tel", "SSN") make sure what could be something else; they are looked for only when a number could be something,
 * and then all of them at once. Findings never overlap. Every check looks only so far, so that the whole is linear.
 *
 *   NHS number      mod 11 (NHS Data Dictionary), 3-3-4 or ten digits
 *   NINO            HMRC's prefixes and suffixes
 *   SSN             areas and groups that the SSA has never given are none; 3-2-4
 *   payment card    Luhn (ISO/IEC 7812-1), a network's prefix and length
 *   IBAN            ISO 13616: the country's length, mod 97
 *   e-mail          addresses of roles (abuse@, noc@) are nobody's
 *   telephone       E.164, UK and North American numbers
 *   postcode, ZIP   the form and the area; a ZIP with its state, or a word that says so
 *   name            two words in capitals beside one of the above; a folder of a user
 *   address         RFC 1918, 3927, 6598, 4193 (ULA), 4291 (link-local); a whole standard range is none
 *   host            names under .local, .lan, .corp, .internal … and of UNC paths
 *
 * Hashes, versions, CVEs, timestamps and wallets are none of these. What is written to deceive a machine (digits as
 * words, text in pictures) is not found: a person's eye is for that. Pure.
 */
#ifndef BW_ACCORD_PERSONAL_H
#define BW_ACCORD_PERSONAL_H

#include "base/bytes.h"

#define BW_PERSONAL_ROWS(X)                                \
	X(NHS, "nhs-number", "NHS number")                 \
	X(NINO, "nino", "National Insurance number")       \
	X(SSN, "ssn", "Social Security number")            \
	X(CARD, "card", "payment card")                    \
	X(IBAN, "iban", "bank account")                    \
	X(EMAIL, "email", "e-mail address")                \
	X(PHONE, "telephone", "telephone number")          \
	X(POSTCODE, "postcode", "postcode")                \
	X(ZIP, "zip", "ZIP code")                          \
	X(NAME, "name", "name")                            \
	X(ADDRESS, "internal-address", "internal address") \
	X(HOST, "internal-host", "internal host name")

enum bw_personal {
#define X(name, text, words) BW_PERSONAL_##name,
	BW_PERSONAL_ROWS(X)
#undef X
		BW_PERSONAL_COUNT
};

enum {
	BW_PERSONAL_SURE = 80,      /* from here on nobody is asked */
	BW_PERSONAL_UNSURE = 40,    /* from here on somebody is; below, it is not told at all */
	BW_PERSONAL_FOUND_MAX = 64, /* of one text; more are counted, not kept */
	BW_PERSONAL_WORK = 64,      /* `work` is at most so many times the bytes of the text, whoever wrote it */
};

struct bw_personal_found {
	size_t at;
	uint32_t len;
	uint8_t kind;      /* enum bw_personal */
	uint8_t certainty; /* BW_PERSONAL_UNSURE..100 */
};

struct bw_personal_list {
	struct bw_personal_found of[BW_PERSONAL_FOUND_MAX]; /* in the order of the text */
	size_t count;
	bool is_more;  /* than are kept: treat the whole text as full of them */
	uint64_t work; /* bytes that checks looked at beside the pass, each as often as it was */
};

void bw_personal_scan(struct bw_slice text, struct bw_personal_list *out);

const char *bw_personal_name(enum bw_personal kind);  /* for machines; "" when out of range */
const char *bw_personal_words(enum bw_personal kind); /* for people */

#endif
