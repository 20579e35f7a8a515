/*
 * A node's papers: which keys speak for its logs and as its witness. One document, signed by the node's own keys, so
 * that those can stay locked up while a service signs checkpoints (docs/accord.md, "Running").
 *
 *   {"log":[ED25519,MLDSA44],"node":"bw1…","sequence":N,"type":"breakwater-papers","version":1,
 *    "witness":[ED25519,MLDSA44]}        keys in base64; canonical JSON in a DSSE envelope
 *
 * A log's origin, which is the name of its keys too, is "NODE/ACCORD": what that node tells under that accord. A
 * witness's name is "NODE". Newer papers have a higher sequence number; older ones are refused.
 *
 *   accord/keys/notary        "BWNOTARY1\n" | four seeds of 32 bytes: log and witness, Ed25519 and ML-DSA-44 each
 *   accord/keys/papers.json   this node's papers
 *   accord/peers/bw1….papers  a peer's, as they came from it
 */
#ifndef BW_ACCORD_PAPERS_H
#define BW_ACCORD_PAPERS_H

#include "accord/accord.h"
#include "base/arena.h"
#include "base/secret.h"
#include "crypto/keys.h"
#include "sys/why.h"
#include "tlog/note.h"

#define BW_PAPERS_TYPE "application/vnd.breakwater.papers+json"

enum {
	BW_PAPERS_TEXT_MAX = 8 * 1024,
	BW_PAPERS_FILE_MAX = 64 * 1024, /* BW_MEET_PAPERS_MAX: a card carries them */
	BW_PAPERS_KEYS = 2,             /* Ed25519, ML-DSA-44 */
	BW_NOTARY_SEEDS_BYTES = 4 * BW_SIGN_SEED_BYTES,
	BW_POLICY_TEXT_MAX = 64 * 1024,
};

struct bw_papers {
	uint8_t node[BW_SHA256_BYTES];
	uint64_t sequence;
	uint8_t log_ed25519[32];
	uint8_t log_mldsa44[1312];
	uint8_t witness_ed25519[32];
	uint8_t witness_mldsa44[1312];
};

/* ---- pure ---- */

/* Canonical JSON, and back. As bw_accord_add and bw_accord_parse. */
BW_MUST_USE enum bw_err bw_papers_add(struct bw_buf *out, const struct bw_papers *papers);
BW_MUST_USE enum bw_err bw_papers_parse(struct bw_slice text, struct bw_arena *arena, struct bw_papers *out,
					struct bw_fault *fault);

/* An envelope by that node, with both algorithms. SIGNATURE, TYPE, CONFLICT (another node's), and those of reading. */
BW_MUST_USE enum bw_err bw_papers_check(struct bw_slice envelope, const struct bw_node_public *node,
					struct bw_arena *arena, struct bw_papers *out);

/* Keys of the log of that accord: [0] of type 0x01, [1] of type 0x06. A checkpoint carries a line of each. */
BW_MUST_USE enum bw_err bw_papers_log(const struct bw_papers *papers, struct bw_slice accord_id,
				      struct bw_vkey out[BW_PAPERS_KEYS]);

/* Keys of the node as a witness: [0] of type 0x04, [1] of type 0x06. A cosignature comes as a line of each. */
BW_MUST_USE enum bw_err bw_papers_witness(const struct bw_papers *papers, struct bw_vkey out[BW_PAPERS_KEYS]);

/*
 * The witness policy of one direction as a tlog-policy (tlog/trust.h): the log's two keys, the ally with both its keys,
 * and, unless the accord leaves it at that, any one of the operators. `from`: the party that tells. SYNTAX: an operator
 * in the accord is no key of a witness; MISSING: the policy asks for one and there is none.
 */
BW_MUST_USE enum bw_err bw_papers_policy(const struct bw_accord *accord, const struct bw_papers *teller,
					 const struct bw_papers *hearer, struct bw_buf *out);

/* ---- files ---- */

/*
 * Sees to it that the notary has keys and this node papers about them; whoever has the node's keys open calls it.
 * CONFLICT: the papers there are of other keys.
 */
BW_MUST_USE enum bw_err bw_papers_ensure(const char *data, const struct bw_node_keys *keys, struct bw_why *why);

/* This node's own envelope. NOT_FOUND: no accord was signed here since papers are made. */
BW_MUST_USE enum bw_err bw_papers_own(const char *data, struct bw_buf *out, struct bw_why *why);

/* A peer's: those that came from it later, else those of its card. NOT_FOUND: neither is there. */
struct bw_peer;
BW_MUST_USE enum bw_err bw_papers_of_peer(const char *data, const struct bw_peer *peer, struct bw_arena *arena,
					  struct bw_papers *out, struct bw_why *why);

/*
 * Takes papers that came from the peer. `is_new`: they say something that was not known. REVOKED: older than those
 * known; CONFLICT: others with the same number; else as bw_papers_check.
 */
BW_MUST_USE enum bw_err bw_papers_take(const char *data, const struct bw_peer *peer, struct bw_slice envelope,
				       bool *is_new, struct bw_why *why);

/* The notary's seeds, BW_NOTARY_SEEDS_BYTES. NOT_FOUND, SYNTAX. */
BW_MUST_USE enum bw_err bw_notary_seeds(const char *data, struct bw_secret *out, struct bw_why *why);

#endif
