/*
 * Where accords live: DATA/accord. This node's certificate for partners, and the partners it has met.
 *
 *   accord/tls/cert.pem, key.pem   made at the first meeting; partners pin the certificate
 *   accord/peers/bw1….peer         "BWPEER1\n" | met be64 (microseconds) | card block (accord/meet.h) | label block
 */
#ifndef BW_ACCORD_PLACE_H
#define BW_ACCORD_PLACE_H

#include "accord/meet.h"
#include "base/arena.h"
#include "base/secret.h"
#include "sys/why.h"

enum { BW_PEERS_MAX = 256 };

struct bw_peer {
	char name[BW_NODE_NAME_CHARS + 1];
	int64_t met_us;
	struct bw_meet_card card; /* what it says of itself */
	struct bw_slice label;    /* what it is called here */
};

/* The folders, made when they are missing. As bw_folder_check. */
BW_MUST_USE enum bw_err bw_accord_place(const char *data, struct bw_why *why);

/* Certificate and key for partners; made when there are none, for `names` too. */
BW_MUST_USE enum bw_err bw_accord_certificate(const char *data, const char *const *names, size_t name_count,
					      struct bw_buf *out_cert_pem, struct bw_secret *out_key_pem,
					      uint8_t out_fingerprint[BW_SHA256_BYTES], struct bw_why *why);

/* EXISTS: it is known already (bw_peer_remove first). Fills the name. On disk when it returns. */
BW_MUST_USE enum bw_err bw_peer_add(const char *data, struct bw_peer *peer, struct bw_why *why);

/* All, by name; in the arena. A file that is damaged ends it: SYNTAX, with its name in `why`. */
BW_MUST_USE enum bw_err bw_peers(const char *data, struct bw_arena *arena, struct bw_peer **out, size_t *out_count,
				 struct bw_why *why);

/* By the whole name, its first eight characters or more, or the label. NOT_FOUND, CONFLICT (several fit). */
BW_MUST_USE enum bw_err bw_peer_find(const char *data, const char *word, struct bw_arena *arena, struct bw_peer *out,
				     struct bw_why *why);

BW_MUST_USE enum bw_err bw_peer_remove(const char *data, const struct bw_peer *peer, struct bw_why *why);

#endif
