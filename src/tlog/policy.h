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
#ifndef BW_TLOG_POLICY_H
#define BW_TLOG_POLICY_H

#include "tlog/cosign.h"

enum {
	BW_POLICY_BYTES_MAX = 512 * 1024,
	BW_POLICY_LOGS_MAX = 64, /* the standard asks for 32 of each */
	BW_POLICY_WITNESSES_MAX = 64,
	BW_POLICY_GROUPS_MAX = 64,
};

struct bw_policy;

/*
 * SYNTAX, DUPLICATE (a name, a key, a member, the quorum), NOT_FOUND (a name not defined before), TYPE (a key that
 * cannot be a log's, or a witness's), MISSING (no quorum), TOO_MANY, TOO_BIG, MEMORY; `fault` (may be NULL) says
 * where and why. `text` is copied.
 */
BW_MUST_USE enum bw_err bw_policy_parse(struct bw_slice text, struct bw_fault *fault, struct bw_policy **out);
void bw_policy_free(struct bw_policy *policy);

struct bw_policy_party {
	struct bw_slice name; /* of a witness, within the policy */
	struct bw_vkey vkey;
	struct bw_slice url; /* empty: none */
};

size_t bw_policy_log_count(const struct bw_policy *policy);
const struct bw_policy_party *bw_policy_log(const struct bw_policy *policy, size_t i);
size_t bw_policy_witness_count(const struct bw_policy *policy);
const struct bw_policy_party *bw_policy_witness(const struct bw_policy *policy, size_t i);

struct bw_policy_result {
	const struct bw_vkey *log; /* who signed as the log */
	size_t cosigned;           /* how many witnesses */
	bool is_cosigned[BW_POLICY_WITNESSES_MAX];
	uint64_t times[BW_POLICY_WITNESSES_MAX];
};

/*
 * OK; DENIED: no log of the policy, whose name is the origin, signed; MISSING: the quorum is not reached; SIGNATURE:
 * a line in the name of a listed key does not verify. `log` (may be NULL) is one more log to accept: a policy may list
 * none where it is known otherwise. `out` (may be NULL) is filled with OK and MISSING.
 */
BW_MUST_USE enum bw_err bw_policy_check(const struct bw_policy *policy, const struct bw_vkey *log,
					const struct bw_checkpoint *checkpoint, struct bw_policy_result *out);

/* Whether these witnesses are enough; has bw_policy_witness_count(policy) elements. */
bool bw_policy_quorum(const struct bw_policy *policy, const bool *is_cosigned);

#endif
