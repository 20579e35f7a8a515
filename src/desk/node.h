/* The node's keys as commands meet them: files below the data folder, and the passphrase. docs/keys.md */
#ifndef BW_DESK_NODE_H
#define BW_DESK_NODE_H

#include "base/command.h"
#include "crypto/keys.h"

/* The node's name as text. */
struct bw_node_label {
	char text[BW_NODE_NAME_CHARS + 1];
};

BW_MUST_USE enum bw_err bw_node_label_of(const struct bw_node_public *node, struct bw_node_label *out);
BW_MUST_USE enum bw_err bw_node_label_of_keys(const struct bw_node_keys *keys, struct bw_node_label *out);

void bw_node_keys_drop(struct bw_node_keys **keys); /* for BW_CLEANUP */

/* From the file that the option names; else asked for on a terminal. USAGE: neither. */
BW_MUST_USE enum bw_err bw_node_passphrase(const struct bw_call *call, const char *option, const char *prompt,
					   struct bw_secret *out, struct bw_why *why);

/* A file of sealed keys. LOCKED: the passphrase is wrong, or the file was changed. */
BW_MUST_USE enum bw_err bw_node_open(const char *path, struct bw_slice passphrase, struct bw_node_keys **out,
				     struct bw_why *why);

/* This node's public keys. */
BW_MUST_USE enum bw_err bw_node_read_public(const char *data, struct bw_node_public *out, struct bw_why *why);

#endif
