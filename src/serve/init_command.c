/* `breakwater init DIR`: everything a first start needs, so that no file has to be edited. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/command.h"
#include "codec/json_text.h"
#include "crypto/cert.h"
#include "crypto/keys.h"
#include "crypto/password.h"
#include "crypto/secret_input.h"
#include "desk/desk.h"
#include "desk/folder.h"
#include "store/accounts.h"
#include "sys/owner.h"

enum { HOST_NAME_MAX_BYTES = 256 };

struct made {
	struct bw_secret passphrase;
	bool passphrase_is_ours; /* show it */
	struct bw_secret admin_key;
	char node[BW_NODE_NAME_CHARS + 1];
	char cert_print[BW_FINGERPRINT_CHARS + 1];
};

static void made_wipe(struct made *made)
{
	bw_secret_wipe(&made->passphrase);
	bw_secret_wipe(&made->admin_key);
}

/* ---- passphrase -------------------------------------------------------- */

static enum bw_err read_passphrase(const struct bw_call *call, struct made *made, struct bw_why *why)
{
	const char *path = bw_call_text(call, "passphrase-file");

	if (path != NULL)
		return bw_secret_from_file(path, BW_PASSPHRASE_MAX, &made->passphrase, why);
	made->passphrase_is_ours = true;
	return bw_passphrase_make(&made->passphrase);
}

/* ---- files ------------------------------------------------------------- */

static enum bw_err make_folder(const char *data, const char *name, struct bw_why *why)
{
	struct bw_place place;

	BW_TRY(bw_folder_place(data, name, &place));
	return bw_folder_make(place.path, why);
}

static enum bw_err write_file(const char *data, const char *name, struct bw_slice bytes, mode_t mode,
			      struct bw_why *why)
{
	struct bw_place place;

	BW_TRY(bw_folder_place(data, name, &place));
	return bw_file_create(place.path, bytes, mode, why);
}

static enum bw_err make_certificate(const char *data, struct made *made, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf cert = BW_BUF_INIT(BW_CERT_PEM_MAX);
	BW_CLEANUP(bw_secret_wipe) struct bw_secret key = { 0 };
	char host[HOST_NAME_MAX_BYTES] = "";
	const char *names[1] = { host };
	struct bw_cert_facts facts;

	(void)gethostname(host, sizeof(host) - 1);
	BW_TRY(bw_cert_make(names, host[0] == 0 ? 0 : 1, &cert, &key, why));
	BW_TRY(bw_cert_read(bw_buf_slice(&cert), &facts));
	bw_fingerprint_format(facts.fingerprint, made->cert_print);
	BW_TRY(write_file(data, BW_FOLDER_KEY, bw_secret_slice(&key), 0600, why));
	return write_file(data, BW_FOLDER_CERT, bw_buf_slice(&cert), 0644, why);
}

static void keys_free(struct bw_node_keys **keys)
{
	bw_node_keys_free(*keys);
}

static enum bw_err make_node_keys(const char *data, struct made *made, struct bw_why *why)
{
	BW_CLEANUP(keys_free) struct bw_node_keys *keys = NULL;
	BW_CLEANUP(bw_buf_release) struct bw_buf sealed = BW_BUF_INIT(BW_NODE_KEYS_FILE_MAX);
	BW_CLEANUP(bw_buf_release) struct bw_buf public = BW_BUF_INIT(BW_NODE_PUBLIC_BYTES);
	uint8_t fingerprint[BW_SHA256_BYTES];
	struct bw_node_public node;

	BW_TRY(bw_node_keys_make(&keys));
	BW_TRY(bw_node_keys_seal(keys, bw_secret_slice(&made->passphrase), &sealed));
	bw_node_keys_public(keys, &node);
	BW_TRY(bw_node_public_add(&public, &node));
	BW_TRY(bw_node_fingerprint(&node, fingerprint));
	bw_node_name(fingerprint, made->node);
	BW_TRY(write_file(data, BW_FOLDER_NODE_KEYS, bw_buf_slice(&sealed), 0600, why));
	return write_file(data, BW_FOLDER_NODE_PUBLIC, bw_buf_slice(&public), 0644, why);
}

/* ---- the first account ------------------------------------------------- */

static enum bw_err make_admin(const char *data, struct made *made, struct bw_why *why)
{
	uint8_t one[8];
	uint8_t hash[BW_SHA256_BYTES];
	struct bw_desk *desk = NULL;
	enum bw_err err;

	BW_TRY(bw_api_key_make(&made->admin_key));
	BW_TRY(bw_api_key_hash(bw_secret_slice(&made->admin_key), hash));
	BW_TRY(bw_desk_open(data, &desk, why));
	err = bw_desk_do(desk, BW_OFFICE_ACCOUNT_ADD,
			 (const struct bw_slice[]){ BW_LIT("admin"), bw_slice_empty, bw_desk_num(1, one) }, 3, -1, NULL,
			 why);
	if (err == BW_OK)
		err = bw_desk_do(desk, BW_OFFICE_ACCOUNT_KEY,
				 (const struct bw_slice[]){ BW_LIT("admin"), bw_slice_of(hash, sizeof(hash)),
							    BW_LIT("made by init") },
				 3, -1, NULL, why);
	bw_desk_close(desk);
	return err;
}

/* ---- all --------------------------------------------------------------- */

/* The store is made last, so what an init without one left behind holds nothing. */
static enum bw_err check_empty(const char *data, struct bw_why *why)
{
	struct bw_place place;

	BW_TRY(bw_folder_place(data, "store", &place));
	if (bw_file_exists(place.path))
		return bw_why_set(why, BW_ERR_EXISTS, "there is an exchange in '%s' already; nothing was changed",
				  data);
	BW_TRY(bw_folder_place(data, "tls", &place));
	if (bw_file_exists(place.path))
		return bw_why_set(why, BW_ERR_EXISTS,
				  "an init that was cut short left its start in '%s', which holds nothing yet; "
				  "take it away and say init again: rm -r %s/tls %s/keys",
				  data, data, data);
	return BW_OK;
}

static enum bw_err make_all(const struct bw_call *call, const char *data, struct made *made, struct bw_why *why)
{
	enum bw_err err;

	BW_TRY(read_passphrase(call, made, why));
	BW_TRY(bw_act_for_owner(data, why));
	err = bw_folder_make(data, why);
	if (err != BW_OK && err != BW_ERR_EXISTS)
		return err;
	BW_TRY(check_empty(data, why));
	BW_TRY(make_folder(data, "tls", why));
	BW_TRY(make_folder(data, "keys", why));
	BW_TRY(make_certificate(data, made, why));
	BW_TRY(make_node_keys(data, made, why));
	/* last: a folder with a store is a whole one */
	err = bw_store_create(data);
	if (err != BW_OK)
		return bw_why_set(why, err, "cannot make the store in '%s': %s", data, bw_err_text(err));
	return make_admin(data, made, why);
}

static int report_text(const char *data, const struct made *made)
{
	(void)printf("An exchange was made in %s.\n\n"
		     "  node         %s\n"
		     "  certificate  SHA-256 %s (self-signed)\n\n"
		     "Keep these; they are shown this once:\n\n"
		     "  admin API key         %.*s\n",
		     data, made->node, made->cert_print, BW_ARG(bw_secret_slice(&made->admin_key)));
	if (made->passphrase_is_ours)
		(void)printf("  node key passphrase   %.*s\n", BW_ARG(bw_secret_slice(&made->passphrase)));
	(void)printf("\nNext:  breakwater --data %s collection add \"Shared indicators\"\n"
		     "       breakwater --data %s serve\n",
		     data, data);
	return BW_EXIT_OK;
}

static enum bw_err write_json(const char *data, const struct made *made, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "data", bw_slice_text(data)));
	BW_TRY(bw_json_add_text(out, "node", bw_slice_text(made->node)));
	BW_TRY(bw_json_add_text(out, "certificate_sha256", bw_slice_text(made->cert_print)));
	BW_TRY(bw_json_add_text(out, "admin_api_key", bw_secret_slice(&made->admin_key)));
	if (made->passphrase_is_ours)
		BW_TRY(bw_json_add_text(out, "node_key_passphrase", bw_secret_slice(&made->passphrase)));
	return bw_buf_add_text(out, "}\n");
}

static int report(const struct bw_call *call, const char *data, const struct made *made)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf json = BW_BUF_INIT(64 * BW_KIB);

	if (!bw_call_json(call))
		return report_text(data, made);
	if (write_json(data, made, &json) != BW_OK)
		return BW_EXIT_FAILED;
	(void)fputs(bw_buf_text(&json), stdout);
	return BW_EXIT_OK;
}

static int init_run(struct bw_call *call)
{
	BW_CLEANUP(made_wipe) struct made made = { 0 };
	const char *data = bw_call_args(call) > 0 ? bw_call_arg(call, 0) : bw_call_data(call);
	struct bw_why why = { 0 };
	const enum bw_err err = make_all(call, data, &made, &why);

	if (err != BW_OK)
		return bw_complain(call, BW_EXIT_FAILED, NULL, "%s", why.text[0] != 0 ? why.text : bw_err_text(err));
	return report(call, data, &made);
}

static const struct bw_option init_options[] = {
	{ .name = "passphrase-file",
	  .kind = BW_OPT_TEXT,
	  .value_name = "FILE",
	  .help = "passphrase for the node keys; without it one is made and shown once" },
	{ 0 },
};

const struct bw_command bw_init_command = {
	.name = "init",
	.summary = "make an exchange: store, certificate, node keys and one admin key",
	.usage = "[DIR]",
	.details =
		"Makes the data folder DIR (else --data) with an empty store, a self-signed certificate for TLS, the "
		"node's Ed25519 and ML-DSA-65 keys encrypted under a passphrase, and the account admin with one API "
		"key. Key and passphrase are shown once. An exchange that is there already is not touched. Run by root "
		"in a folder of another account, the exchange becomes that account's.",
	.options = init_options,
	.max_args = 1,
	.run = init_run,
};
