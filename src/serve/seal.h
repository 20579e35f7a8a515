/*
 * Seals of the audit log: now and then the node signs where the chain stands, and
 * the signature becomes the next line. Whoever holds the node's public keys can then
 * tell that nothing before it was rewritten, even by somebody who can write the store.
 *
 * A seal is a line whose action is "audit-head" and whose note is the node's
 * signature, in base64, over the number and hash of the line right before it.
 */
#ifndef BW_SERVE_SEAL_H
#define BW_SERVE_SEAL_H

#include "crypto/keys.h"
#include "desk/post.h"
#include "store/audit.h"

#define BW_SEAL_ACTION "audit-head"

enum {
	BW_SEAL_EVERY_MS = 600000, /* ten minutes of accesses are the most an intruder could rewrite unseen */
	BW_SEAL_RETRY_MS = 1000,   /* lines came while the signer worked, or it is locked */
	BW_SEAL_LOCKED_MS = 600000,
};

/* What is signed, under the domain "audit-head": "seq N sha256 HEX". */
BW_MUST_USE enum bw_err bw_seal_message(uint64_t seq, const uint8_t hash[BW_SHA256_BYTES], struct bw_buf *out);

/* The line's note fits the line before it. SIGNATURE, SYNTAX. */
BW_MUST_USE enum bw_err bw_seal_check(const struct bw_node_public *node, uint64_t seq_before,
				      const uint8_t hash_before[BW_SHA256_BYTES], struct bw_slice note);

/* The keeper's side. Zeroed at first. */
struct bw_sealing {
	int64_t next_ms;     /* monotonic */
	uint64_t sealed_seq; /* of the last seal's line */
	struct bw_audit_head asked;
	uint64_t asked_id; /* 0: nothing is under way */
	uint64_t last_id;
};

/* Asks the signer when it is time and there is something new. */
void bw_sealing_step(struct bw_sealing *sealing, struct bw_store *store, struct bw_post *post, int64_t now_ms);

/*
 * The signer's answer. True when a line was added to the open transaction. The
 * head must still stand where it stood: `clean` says that nothing waits for a commit.
 */
bool bw_sealing_answered(struct bw_sealing *sealing, struct bw_store *store, struct bw_slice answer, bool clean,
			 int64_t now_ms);

#endif
