#include "guard/seal_keys.h"

#include <dirent.h>
#include <string.h>

#include "crypto/secret_input.h"

#define OWN_FOLDER "guard/keys"
#define OWN_KEYS OWN_FOLDER "/seal.keys"
#define OWN_PUBLIC OWN_FOLDER "/seal.pub"
#define OWN_PASSPHRASE OWN_FOLDER "/seal.pass"
#define NODE_FOLDER "keys"
#define NODE_KEYS NODE_FOLDER "/node.keys"
#define NODE_PUBLIC NODE_FOLDER "/node.pub"

enum { NAMES_MOST = 1024 };

void bw_seal_keys_release(struct bw_seal_keys *keys)
{
	bw_buf_release(&keys->file);
	bw_secret_wipe(&keys->passphrase);
}

/* ---- files ----------------------------------------------------------------------------------- */

static enum bw_err read_public(const char *path, struct bw_node_public *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf file = BW_BUF_INIT(BW_NODE_PUBLIC_BYTES);
	struct bw_cursor c;

	BW_TRY(bw_file_read(path, &file, why));
	c = bw_cursor_over(bw_buf_slice(&file));
	if (bw_node_public_take(&c, out) != BW_OK || bw_cursor_left(&c) != 0)
		return bw_why_set(why, BW_ERR_SYNTAX, "'%s' does not hold public keys of a node", path);
	return BW_OK;
}

static enum bw_err name_of(const struct bw_node_public *node, char out[BW_NODE_NAME_CHARS + 1])
{
	uint8_t fingerprint[BW_SHA256_BYTES];

	BW_TRY(bw_node_fingerprint(node, fingerprint));
	bw_node_name(fingerprint, out);
	return BW_OK;
}

static enum bw_err read_keys(const char *data, const char *keys_name, const char *public_name, struct bw_seal_keys *out,
			     struct bw_why *why)
{
	char path[BW_PATH_BYTES];

	out->file = BW_BUF_INIT(BW_NODE_KEYS_FILE_MAX);
	BW_TRY(bw_path_join(path, data, keys_name));
	BW_TRY(bw_file_read(path, &out->file, why));
	BW_TRY(bw_path_join(path, data, public_name));
	BW_TRY(read_public(path, &out->node, why));
	return name_of(&out->node, out->name);
}

/* ---- the guard's own ---------------------------------------------------------------------------- */

static enum bw_err write_own(const char *data, const struct bw_node_keys *keys, const struct bw_secret *passphrase,
			     struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf sealed = BW_BUF_INIT(BW_NODE_KEYS_FILE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf public = BW_BUF_INIT(BW_NODE_PUBLIC_BYTES);
	struct bw_node_public node;
	char path[BW_PATH_BYTES];

	BW_TRY(bw_node_keys_seal(keys, bw_secret_slice(passphrase), &sealed));
	bw_node_keys_public(keys, &node);
	BW_TRY(bw_node_public_add(&public, &node));
	BW_TRY(bw_path_join(path, data, OWN_PASSPHRASE));
	BW_TRY(bw_file_write(path, bw_secret_slice(passphrase), 0600, why));
	BW_TRY(bw_path_join(path, data, OWN_PUBLIC));
	BW_TRY(bw_file_write(path, bw_buf_slice(&public), 0644, why));
	/* last: with this one all three are there */
	BW_TRY(bw_path_join(path, data, OWN_KEYS));
	return bw_file_write(path, bw_buf_slice(&sealed), 0600, why);
}

static enum bw_err make_own(const char *data, struct bw_why *why)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret passphrase = { 0 };
	struct bw_node_keys *keys = NULL;
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(bw_path_join(path, data, OWN_FOLDER));
	err = bw_folder_make(path, why);
	if (err != BW_OK && err != BW_ERR_EXISTS)
		return err;
	BW_TRY(bw_passphrase_make(&passphrase));
	err = bw_node_keys_make(&keys);
	if (err == BW_OK)
		err = write_own(data, keys, &passphrase, why);
	bw_node_keys_free(keys);
	return err;
}

static enum bw_err load_own(const char *data, struct bw_seal_keys *out, struct bw_why *why)
{
	char path[BW_PATH_BYTES];

	BW_TRY(bw_path_join(path, data, OWN_KEYS));
	if (!bw_file_exists(path))
		BW_TRY(make_own(data, why));
	BW_TRY(bw_path_join(path, data, OWN_PASSPHRASE));
	BW_TRY(bw_secret_from_file(path, BW_PASSPHRASE_MAX, &out->passphrase, why));
	return read_keys(data, OWN_KEYS, OWN_PUBLIC, out, why);
}

enum bw_err bw_seal_keys_load(const char *data, const struct bw_secret *passphrase, struct bw_seal_keys *out,
			      struct bw_why *why)
{
	struct bw_seal_keys keys = { .file = BW_BUF_INIT(BW_NODE_KEYS_FILE_MAX) };
	enum bw_err err;

	if (passphrase->len == 0) {
		err = load_own(data, &keys, why);
	} else {
		err = read_keys(data, NODE_KEYS, NODE_PUBLIC, &keys, why);
		if (err == BW_OK)
			err = bw_secret_set(&keys.passphrase, bw_secret_slice(passphrase));
	}
	if (err != BW_OK) {
		bw_seal_keys_release(&keys);
		return err;
	}
	*out = keys;
	return BW_OK;
}

/* ---- whose ---------------------------------------------------------------------------------------- */

static bool is_in(const char *path, const struct bw_node_public *node)
{
	struct bw_node_public other;

	return read_public(path, &other, NULL) == BW_OK && memcmp(&other, node, sizeof(other)) == 0;
}

static bool is_among(const char *folder, const struct bw_node_public *node)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	char path[BW_PATH_BYTES];
	bool found = false;

	if (dir == NULL)
		return false;
	for (unsigned n = 0; n < NAMES_MOST && !found && (entry = readdir(dir)) != NULL; n++) {
		const size_t len = strlen(entry->d_name);

		found = len > 4 && strcmp(entry->d_name + len - 4, ".pub") == 0 &&
			bw_path_join(path, folder, entry->d_name) == BW_OK && is_in(path, node);
	}
	(void)closedir(dir);
	return found;
}

bool bw_seal_keys_are_ours(const char *data, const struct bw_node_public *node, char out_name[BW_NODE_NAME_CHARS + 1])
{
	char own[BW_PATH_BYTES];
	char exchange[BW_PATH_BYTES];

	out_name[0] = '\0';
	if (name_of(node, out_name) != BW_OK || bw_path_join(own, data, OWN_FOLDER) != BW_OK ||
	    bw_path_join(exchange, data, NODE_FOLDER) != BW_OK)
		return false;
	return is_among(own, node) || is_among(exchange, node);
}
