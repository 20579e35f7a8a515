/*
 * Whose word counts for a log: C2SP tlog-policy. A file of lines:
 *
 *   log <vkey> [<url>]
 *   witness <name> <vkey> [<url>]
 *   group <name> all|any|<k> <name>...
 *   quorum <name>|none
 *
 * A checkpoint is good when one of the logs signed it and the quorum's witnesses cosigned it. Keys of logs are of type
 * 0x01 or 0x06, of witnesses 0x04 or 0x06 (note.h). Pure.
 */
#ifndef BW_TLOG_TRUST_H
#define BW_TLOG_TRUST_H

#include "tlog/cosign.h"

enum {
	BW_TRUST_BYTES_MAX = 512 * 1024,
	BW_TRUST_LOGS_MAX = 64, /* the standard asks for 32 of each */
	BW_TRUST_WITNESSES_MAX = 64,
	BW_TRUST_GROUPS_MAX = 64,
};

struct bw_trust;

/*
 * SYNTAX, DUPLICATE (a name, a key, a member, the quorum), NOT_FOUND (a name not defined before), TYPE (a key that
 * cannot be a log's, or a witness's), MISSING (no quorum), TOO_MANY, TOO_BIG, MEMORY; `fault` (may be NULL) says
 * where and why. `text` is copied.
 */
BW_MUST_USE enum bw_err bw_trust_parse(struct bw_slice text, struct bw_fault *fault, struct bw_trust **out);
void bw_trust_free(struct bw_trust *policy);

struct bw_trust_party {
	struct bw_slice name; /* of a witness, within the policy */
	struct bw_vkey vkey;
	struct bw_slice url; /* empty: none */
};

size_t bw_trust_log_count(const struct bw_trust *policy);
const struct bw_trust_party *bw_trust_log(const struct bw_trust *policy, size_t i);
size_t bw_trust_witness_count(const struct bw_trust *policy);
const struct bw_trust_party *bw_trust_witness(const struct bw_trust *policy, size_t i);

struct bw_trust_result {
	const struct bw_vkey *log; /* who signed as the log */
	size_t cosigned;           /* how many witnesses */
	bool is_cosigned[BW_TRUST_WITNESSES_MAX];
	uint64_t times[BW_TRUST_WITNESSES_MAX];
};

/*
 * OK; DENIED: no log of the policy, whose name is the origin, signed; MISSING: the quorum is not reached; SIGNATURE:
 * a line in the name of a listed key does not verify. `log` (may be NULL) is one more log to accept: a policy may list
 * none where it is known otherwise. `out` (may be NULL) is filled with OK and MISSING.
 */
BW_MUST_USE enum bw_err bw_trust_check(const struct bw_trust *policy, const struct bw_vkey *log,
				       const struct bw_checkpoint *checkpoint, struct bw_trust_result *out);

/* The same for logs that sign with several keys: each key of the policy whose name is the origin must have signed. */
BW_MUST_USE enum bw_err bw_trust_check_all(const struct bw_trust *policy, const struct bw_checkpoint *checkpoint,
					   struct bw_trust_result *out);

/* Whether these witnesses are enough; has bw_trust_witness_count(policy) elements. */
bool bw_trust_quorum(const struct bw_trust *policy, const bool *is_cosigned);

#endif
