/*
 * Two nodes meet (docs/accord.md, "Meeting"): each learns the other's keys over a connection nobody vouches for, and
 * two people read each other a code over the telephone that proves there is nobody in between. Pure.
 *
 *   1  guest -> host   commitment: SHA-256 over the guest's card and its 32 random bytes
 *   2  host  -> guest  the host's card, its 32 random bytes
 *   3  guest -> host   the guest's card and random bytes, which must fit the commitment; the guest's signature
 *   4  host  -> guest  the host's signature
 *
 * Both sign, with both algorithms of their node keys, the hash of everything above and of the TLS connection's
 * exported secret (RFC 8446 §7.5): so each holds the keys it shows, and the connection ends where
 * the keys are. Whoever sits in between has to fix what it says on one side before it has heard the other side's random
 * bytes, so it can only hope that the codes agree: one chance in 100,000,000 for each of the two.
 *
 * There are two codes, one for each direction: who reads his own aloud and types the other's has compared
 * both, and cannot have copied what his own screen shows.
 *
 * A card is: version be16 (1) | node public keys (crypto/keys.h) | label block | address block | SHA-256 of the
 * certificate for TLS | papers block. Blocks are be32 length and bytes. Papers are the node's signed documents; this
 * module carries them.
 */
#ifndef BW_ACCORD_MEET_H
#define BW_ACCORD_MEET_H

#include "crypto/keys.h"

enum {
	BW_MEET_EXPORT_BYTES = 32,
	BW_MEET_LABEL_MAX = 120,   /* UTF-8 bytes; shown to people, proves nothing */
	BW_MEET_ADDRESS_MAX = 300, /* https://host:port/; empty: this node only goes out */
	BW_MEET_PAPERS_MAX = 64 * 1024,
	BW_MEET_MESSAGE_MAX = 96 * 1024,
	BW_MEET_CODE_CHARS = 9, /* "1234 5678" */
};

/* Label for the exporter, the same on both sides. */
#define BW_MEET_EXPORT_LABEL "EXPORTER-breakwater-meet-v1"

struct bw_meet_card {
	struct bw_node_public node;
	struct bw_slice label;
	struct bw_slice address;
	uint8_t certificate[BW_SHA256_BYTES];
	struct bw_slice papers;
};

/* A card as bytes. Taking borrows. RANGE (text), TRUNCATED, TOO_BIG, SYNTAX, VERSION. */
BW_MUST_USE enum bw_err bw_meet_card_add(struct bw_buf *out, const struct bw_meet_card *card);
BW_MUST_USE enum bw_err bw_meet_card_take(struct bw_slice bytes, struct bw_meet_card *out);

struct bw_meet; /* one meeting, of one side */

enum bw_meet_side { BW_MEET_HOST, BW_MEET_GUEST };

/*
 * `keys` is borrowed until bw_meet_free; `mine` is copied, and its node must be that of the keys (RANGE).
 * RANGE also when a part is too long or no UTF-8 or holds a control character. MEMORY, CRYPTO.
 */
BW_MUST_USE enum bw_err bw_meet_new(enum bw_meet_side side, const struct bw_node_keys *keys,
				    const struct bw_meet_card *mine, const uint8_t exported[BW_MEET_EXPORT_BYTES],
				    struct bw_meet **out);
void bw_meet_free(struct bw_meet *meet); /* NULL allowed */

/* The guest's first message. PROTOCOL: not the guest's turn. */
BW_MUST_USE enum bw_err bw_meet_begin(struct bw_meet *meet, struct bw_buf *out);

/*
 * Takes the other side's next message and gives the answer; after the last one `out` stays empty. Any error ends the
 * meeting, and every call after it says PROTOCOL. PROTOCOL: not this message now; TRUNCATED, TOO_BIG, SYNTAX,
 * VERSION, RANGE: not such a message; SIGNATURE: the commitment or a signature does not fit; CONFLICT: the other is
 * this node itself. MEMORY, CRYPTO.
 */
BW_MUST_USE enum bw_err bw_meet_take(struct bw_meet *meet, struct bw_slice message, struct bw_buf *out);

/* All messages are through: the codes stand. */
bool bw_meet_is_done(const struct bw_meet *meet);

/* Who the other says to be. Only of a meeting that is done; borrowed from it. */
const struct bw_meet_card *bw_meet_other(const struct bw_meet *meet);

/* What this side's person reads aloud. Only of a meeting that is done. */
void bw_meet_my_code(const struct bw_meet *meet, char out[BW_MEET_CODE_CHARS + 1]);

/*
 * Whether this is what the other side's person reads aloud; spaces and dashes do not count. Once: whatever is asked
 * after a wrong answer is false too.
 */
bool bw_meet_check_code(struct bw_meet *meet, struct bw_slice typed);

#endif
