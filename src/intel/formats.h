/*
 * Texts of special form: pure yes-or-no functions over slices, linear in their
 * length. Clauses of STIX 2.1 in the comments.
 */
#ifndef BW_INTEL_FORMATS_H
#define BW_INTEL_FORMATS_H

#include "base/bytes.h"
#include "intel/types.h"

/* §2.16: YYYY-MM-DDTHH:mm:ss[.s+]Z, a day that exists. `out_digits` (may be NULL): digits of the fraction. */
bool bw_is_timestamp(struct bw_slice text, size_t *out_digits);

/* Order of two valid timestamps as instants: <0, 0, >0. */
int bw_timestamp_compare(struct bw_slice a, struct bw_slice b);

/* §2.9: type--UUID, versions 1 to 5 of RFC 4122; so at most 288 bytes. `out` may be NULL. */
struct bw_id_parts {
	struct bw_slice type_name;
	enum bw_stix_type type;
	unsigned version; /* 1..5 */
};
bool bw_is_id(struct bw_slice text, struct bw_id_parts *out);

bool bw_is_type_name(struct bw_slice text);                        /* §3.2 */
bool bw_is_hex(struct bw_slice text);                              /* §2.8 */
bool bw_is_base64(struct bw_slice text);                           /* §2.1 */
bool bw_is_uri(struct bw_slice text);                              /* RFC 3986, absolute */
bool bw_is_ipv4(struct bw_slice text);                             /* §6.8, CIDR too */
bool bw_is_ipv6(struct bw_slice text);                             /* §6.9, CIDR too */
bool bw_is_mac(struct bw_slice text);                              /* §6.10 */
bool bw_is_domain(struct bw_slice text);                           /* §6.4; underscores pass (RFC 8552) */
bool bw_is_email(struct bw_slice text);                            /* §6.5 */
bool bw_is_cpe(struct bw_slice text);                              /* §6.14, CPE 2.3 formatted string */
bool bw_is_language(struct bw_slice text);                         /* RFC 5646, registered first subtag */
bool bw_is_full_registry_key(struct bw_slice text);                /* §6.17: hive not abbreviated */
bool bw_is_cve(struct bw_slice text);                              /* CVE-YYYY-NNNN... */
bool bw_is_capec(struct bw_slice text);                            /* CAPEC-N... */
bool bw_is_hash(struct bw_slice algorithm, struct bw_slice value); /* §2.7; unknown algorithms pass */
bool bw_is_style_word(struct bw_slice text);                       /* lower case, no blanks, no underscores */

#endif
