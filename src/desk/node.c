#include "desk/node.h"

#include <unistd.h>

#include "crypto/secret_input.h"
#include "desk/folder.h"

void bw_node_keys_drop(struct bw_node_keys **keys)
{
	bw_node_keys_free(*keys);
}

enum bw_err bw_node_label_of(const struct bw_node_public *node, struct bw_node_label *out)
{
	uint8_t fingerprint[BW_SHA256_BYTES];

	BW_TRY(bw_node_fingerprint(node, fingerprint));
	bw_node_name(fingerprint, out->text);
	return BW_OK;
}

enum bw_err bw_node_label_of_keys(const struct bw_node_keys *keys, struct bw_node_label *out)
{
	struct bw_node_public node;

	bw_node_keys_public(keys, &node);
	return bw_node_label_of(&node, out);
}

enum bw_err bw_node_passphrase(const struct bw_call *call, const char *option, const char *prompt,
			       struct bw_secret *out, struct bw_why *why)
{
	const char *path = bw_call_text(call, option);

	if (path != NULL)
		return bw_secret_from_file(path, BW_PASSPHRASE_MAX, out, why);
	if (isatty(STDIN_FILENO) != 1)
		return bw_why_set(why, BW_ERR_USAGE, "the passphrase is needed: name a file with --%s", option);
	return bw_secret_from_stdin(prompt, BW_PASSPHRASE_MAX, out, why);
}

enum bw_err bw_node_open(const char *path, struct bw_slice passphrase, struct bw_node_keys **out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf file = BW_BUF_INIT(BW_NODE_KEYS_FILE_MAX);
	enum bw_err err;

	BW_TRY(bw_file_read(path, &file, why));
	err = bw_node_keys_open(bw_buf_slice(&file), passphrase, out);
	if (err == BW_ERR_LOCKED)
		return bw_why_set(why, err, "cannot open '%s': the passphrase is wrong, or the file was changed", path);
	if (err != BW_OK)
		return bw_why_set(why, err, "'%s' is not a file of node keys: %s", path, bw_err_text(err));
	return BW_OK;
}

enum bw_err bw_node_read_public(const char *data, struct bw_node_public *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf file = BW_BUF_INIT(BW_NODE_PUBLIC_BYTES);
	struct bw_cursor c;
	struct bw_place place;

	BW_TRY(bw_folder_place(data, BW_FOLDER_NODE_PUBLIC, &place));
	BW_TRY(bw_file_read(place.path, &file, why));
	c = bw_cursor_over(bw_buf_slice(&file));
	if (bw_node_public_take(&c, out) != BW_OK || bw_cursor_left(&c) != 0)
		return bw_why_set(why, BW_ERR_SYNTAX, "'%s' does not hold public keys of a node", place.path);
	return BW_OK;
}
