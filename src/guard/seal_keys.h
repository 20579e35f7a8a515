/*
 * Which keys seal the evidence: the node's own (DATA/keys, docs/keys.md) when the guard was given their passphrase,
 * else keys of the guard's alone, DATA/guard/keys: made at its first start, with their passphrase beside them. The
 * latter hold against everybody but root of this machine; the former also against who gets at the disk.
 */
#ifndef BW_GUARD_SEAL_KEYS_H
#define BW_GUARD_SEAL_KEYS_H

#include "base/secret.h"
#include "crypto/keys.h"
#include "sys/files.h"

/* What the sealer is told, once, by its parent: sealed keys block | passphrase block. */
enum { BW_TELL_SEAL_KEYS = 90 };

struct bw_seal_keys {
	struct bw_buf file;          /* sealed under the passphrase; bw_buf_release */
	struct bw_secret passphrase; /* bw_secret_wipe */
	struct bw_node_public node;
	char name[BW_NODE_NAME_CHARS + 1];
};

/* `passphrase` (may be empty) is the node's. The guard's own are made when they are needed and missing. */
BW_MUST_USE enum bw_err bw_seal_keys_load(const char *data, const struct bw_secret *passphrase,
					  struct bw_seal_keys *out, struct bw_why *why);
void bw_seal_keys_release(struct bw_seal_keys *keys);

/*
 * Whether these keys are this node's: the exchange's now or before a rotation (keys/NAME.pub), or the guard's own.
 * `out_name` is their name in any case.
 */
bool bw_seal_keys_are_ours(const char *data, const struct bw_node_public *node, char out_name[BW_NODE_NAME_CHARS + 1]);

#endif
