/*
 * A policy as bytes: between processes, and in the store beside the objects it came with.
 *
 *   not_before be64 | not_after be64 | purposes be32 | recipient_count be32 | tlp u8 | actions u8 | duties u8 |
 *   confidence u8 | recipients, 32 bytes each
 *
 * One policy has one text: equal policies are equal bytes. Pure.
 */
#ifndef BW_INTEL_POLICY_PACK_H
#define BW_INTEL_POLICY_PACK_H

#include "base/cursor.h"
#include "intel/policy.h"

enum { BW_POLICY_PACK_MAX = 28 + BW_POLICY_RECIPIENTS_MAX * BW_SHA256_BYTES };

BW_MUST_USE enum bw_err bw_policy_pack(const struct bw_policy *policy, struct bw_buf *out);

/*
 * Reads what bw_policy_pack writes and nothing else, whoever wrote it. TRUNCATED; PROTOCOL (a colour, an action, a bit
 * that there is not; recipients out of order). The cursor moves only on success.
 */
BW_MUST_USE enum bw_err bw_policy_unpack(struct bw_cursor *in, struct bw_policy *out);

#endif
