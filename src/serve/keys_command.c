/* `breakwater keys …`: the node's own keys, from their backup to their end (docs/keys.md). */
#include <stdio.h>
#include <unistd.h>

#include "base/command.h"
#include "base/text.h"
#include "codec/json_text.h"
#include "crypto/keys.h"
#include "crypto/secret_input.h"
#include "desk/folder.h"
#include "desk/node.h"
#include "desk/desk_command.h"
#include "sys/clock.h"

enum { FILE_NAME_BYTES = 96, NAME_PART = 19 }; /* "bw1" and 16 digits tell keys of one node apart */

static enum bw_err seal_into(const struct bw_node_keys *keys, struct bw_slice passphrase, const char *path,
			     bool replace, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf sealed = BW_BUF_INIT(BW_NODE_KEYS_FILE_MAX);

	BW_TRY(bw_node_keys_seal(keys, passphrase, &sealed));
	return replace ? bw_file_write(path, bw_buf_slice(&sealed), 0600, why)
		       : bw_file_create(path, bw_buf_slice(&sealed), 0600, why);
}

static enum bw_err write_public(const struct bw_node_keys *keys, const char *data, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_NODE_PUBLIC_BYTES);
	struct bw_node_public node;
	struct bw_place place;

	bw_node_keys_public(keys, &node);
	BW_TRY(bw_node_public_add(&bytes, &node));
	BW_TRY(bw_folder_place(data, BW_FOLDER_NODE_PUBLIC, &place));
	return bw_file_write(place.path, bw_buf_slice(&bytes), 0644, why);
}

/* keys/<start of the node's name>.<ending> */
static enum bw_err place_of(const char *data, const struct bw_node_label *name, const char *ending,
			    struct bw_place *out)
{
	char file[FILE_NAME_BYTES];

	(void)snprintf(file, sizeof(file), "keys/%.*s.%s", (int)NAME_PART, name->text, ending);
	return bw_folder_place(data, file, out);
}

/* One line in the audit log; tells whether a server runs, which holds the keys it started with. */
static enum bw_err note(const char *data, struct bw_slice action, const struct bw_node_label *target,
			const struct bw_node_label *before, bool *server_runs, struct bw_why *why)
{
	char words[BW_NODE_NAME_CHARS + 16] = "";
	struct bw_desk *desk = NULL;
	enum bw_err err;

	BW_TRY(bw_desk_open(data, &desk, why));
	*server_runs = bw_desk_is_remote(desk);
	if (before != NULL)
		(void)snprintf(words, sizeof(words), "after %s", before->text);
	err = bw_desk_do(desk, BW_OFFICE_NOTE,
			 (const struct bw_slice[]){ action, bw_slice_text(target->text), bw_slice_text(words) }, 3, -1,
			 NULL, why);
	bw_desk_close(desk);
	return err;
}

/* ---- show ---------------------------------------------------------------------- */

static enum bw_err write_show(const struct bw_node_label *name, const struct bw_node_public *node, struct bw_buf *out)
{
	char ed25519[2 * BW_ED25519_PUBLIC_BYTES + 1];
	char mldsa65[2 * BW_MLDSA65_PUBLIC_BYTES + 1];

	bw_hex_encode(bw_slice_of(node->ed25519, sizeof(node->ed25519)), ed25519);
	bw_hex_encode(bw_slice_of(node->mldsa65, sizeof(node->mldsa65)), mldsa65);
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "node", bw_slice_text(name->text)));
	BW_TRY(bw_json_add_text(out, "ed25519", bw_slice_text(ed25519)));
	BW_TRY(bw_json_add_text(out, "ml_dsa_65", bw_slice_text(mldsa65)));
	return bw_buf_add_u8(out, '}');
}

static int show_run(struct bw_call *call)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(64 * BW_KIB);
	struct bw_node_public node;
	struct bw_why why = { 0 };
	struct bw_node_label name;
	enum bw_err err = bw_folder_check(bw_call_data(call), &why);

	if (err == BW_OK)
		err = bw_node_read_public(bw_call_data(call), &node, &why);
	if (err == BW_OK)
		err = bw_node_label_of(&node, &name);
	if (err != BW_OK)
		return bw_complain_why(call, err, &why);
	if (bw_call_json(call))
		return bw_print_json(call, write_show(&name, &node, &json), &json);
	(void)printf("node  %s\nIt signs with Ed25519 and ML-DSA-65 together; --format json shows the public keys.\n",
		     name.text);
	return BW_EXIT_OK;
}

/* ---- rotate --------------------------------------------------------------------- */

struct rotation {
	const struct bw_call *call;
	const char *data;
	struct bw_secret passphrase;
	struct bw_secret new_passphrase; /* empty: the same */
	struct bw_node_keys *old;        /* NULL: lost */
	struct bw_node_keys *now;
	struct bw_node_label old_name;
	struct bw_node_label new_name;
	struct bw_place keys_file;
	bool server_runs;
};

static void rotation_release(struct rotation *r)
{
	bw_secret_wipe(&r->passphrase);
	bw_secret_wipe(&r->new_passphrase);
	bw_node_keys_free(r->old);
	bw_node_keys_free(r->now);
}

static enum bw_err open_old(struct rotation *r, struct bw_why *why)
{
	struct bw_node_public node;

	if (bw_call_flag(r->call, "lost")) {
		BW_TRY(bw_node_read_public(r->data, &node, why));
		return bw_node_label_of(&node, &r->old_name);
	}
	BW_TRY(bw_node_passphrase(r->call, "passphrase-file", "passphrase of the node keys", &r->passphrase, why));
	BW_TRY(bw_node_open(r->keys_file.path, bw_secret_slice(&r->passphrase), &r->old, why));
	return bw_node_label_of_keys(r->old, &r->old_name);
}

/* The old keys stay, under their own name: what they signed is still to be checked, what was sealed for them opened. */
static enum bw_err keep_old(const struct rotation *r, struct bw_why *why)
{
	static const char *const files[][2] = { { BW_FOLDER_NODE_KEYS, "keys" }, { BW_FOLDER_NODE_PUBLIC, "pub" } };

	for (size_t i = 0; i < BW_COUNT(files); i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf bytes = BW_BUF_INIT(BW_NODE_KEYS_FILE_MAX);
		struct bw_place from;
		struct bw_place to;
		enum bw_err err;

		BW_TRY(bw_folder_place(r->data, files[i][0], &from));
		BW_TRY(place_of(r->data, &r->old_name, files[i][1], &to));
		BW_TRY(bw_file_read(from.path, &bytes, why));
		err = bw_file_create(to.path, bw_buf_slice(&bytes), i == 0 ? 0600 : 0644, why);
		if (err != BW_OK && err != BW_ERR_EXISTS) /* a rotation that was cut short kept them already */
			return err;
	}
	return BW_OK;
}

static enum bw_err write_statement(const struct rotation *r, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf statement = BW_BUF_INIT(BW_ROTATION_MAX);
	struct bw_node_rotation checked;
	struct bw_node_public old;
	struct bw_place place;

	if (r->old == NULL)
		return BW_OK;
	BW_TRY(bw_node_rotation_make(r->old, r->now, bw_clock_now_us(), &statement));
	bw_node_keys_public(r->old, &old);
	BW_TRY(bw_node_rotation_check(bw_buf_slice(&statement), &old, &checked));
	BW_TRY(place_of(r->data, &r->new_name, "follows", &place));
	return bw_file_create(place.path, bw_buf_slice(&statement), 0644, why);
}

static enum bw_err rotate(struct rotation *r, struct bw_why *why)
{
	const bool other = bw_call_text(r->call, "new-passphrase-file") != NULL || bw_call_flag(r->call, "lost");

	BW_TRY(bw_folder_check(r->data, why));
	BW_TRY(bw_folder_place(r->data, BW_FOLDER_NODE_KEYS, &r->keys_file));
	BW_TRY(open_old(r, why));
	if (other)
		BW_TRY(bw_node_passphrase(r->call, "new-passphrase-file", "passphrase of the new keys",
					  &r->new_passphrase, why));
	BW_TRY(bw_node_keys_make(&r->now));
	BW_TRY(bw_node_label_of_keys(r->now, &r->new_name));
	BW_TRY(keep_old(r, why));
	BW_TRY(write_statement(r, why));
	BW_TRY(seal_into(r->now, bw_secret_slice(other ? &r->new_passphrase : &r->passphrase), r->keys_file.path, true,
			 why));
	BW_TRY(write_public(r->now, r->data, why));
	return note(r->data, r->old == NULL ? BW_LIT("keys-replace") : BW_LIT("keys-rotate"), &r->new_name,
		    &r->old_name, &r->server_runs, why);
}

static enum bw_err write_rotation(const struct rotation *r, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "node", bw_slice_text(r->new_name.text)));
	BW_TRY(bw_json_add_text(out, "before", bw_slice_text(r->old_name.text)));
	BW_TRY(bw_json_add_bool(out, "signed_by_both", r->old != NULL));
	BW_TRY(bw_json_add_bool(out, "reload_needed", r->server_runs));
	return bw_buf_add_u8(out, '}');
}

static int tell_rotation(const struct rotation *r)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(64 * BW_KIB);

	if (bw_call_json(r->call))
		return bw_print_json(r->call, write_rotation(r, &json), &json);
	(void)printf("node    %s\nbefore  %s\n", r->new_name.text, r->old_name.text);
	if (r->old != NULL)
		(void)printf("The statement that one follows the other, signed by both, is in %s/keys/%.*s.follows;\n"
			     "give it to partners who know the old name.\n",
			     r->data, (int)NAME_PART, r->new_name.text);
	else
		(void)puts("Nothing ties the new name to the old one: tell partners yourself, by another way.");
	if (r->server_runs)
		(void)puts("The running server signs with the old keys until it is reloaded: systemctl reload "
			   "breakwater,\n"
			   "or SIGHUP to serve. Its passphrase must open the new ones.");
	return BW_EXIT_OK;
}

static int rotate_run(struct bw_call *call)
{
	BW_CLEANUP(rotation_release) struct rotation r = { .call = call, .data = bw_call_data(call) };
	struct bw_why why = { 0 };
	enum bw_err err;

	if (bw_call_flag(call, "lost") && !bw_call_flag(call, "yes"))
		return bw_complain(call, BW_EXIT_USAGE, "to go on, say: breakwater keys rotate --lost --yes",
				   "without the old keys every partner has to accept the new ones by hand");
	err = rotate(&r, &why);
	return err == BW_OK ? tell_rotation(&r) : bw_complain_why(call, err, &why);
}

/* ---- backup, restore-check, restore ------------------------------------------------ */

static int tell_keys(const struct bw_call *call, const char *did, const struct bw_node_label *name,
		     const struct bw_secret *made)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf json = BW_BUF_INIT(64 * BW_KIB);
	enum bw_err err;

	if (!bw_call_json(call)) {
		(void)printf("%s\nnode  %s\n", did, name->text);
		if (made->len > 0)
			(void)printf("passphrase, shown this once:  %.*s\n", BW_ARG(bw_secret_slice(made)));
		return BW_EXIT_OK;
	}
	err = bw_buf_add_u8(&json, '{');
	if (err == BW_OK)
		err = bw_json_add_text(&json, "node", bw_slice_text(name->text));
	if (err == BW_OK && made->len > 0)
		err = bw_json_add_text(&json, "passphrase", bw_secret_slice(made));
	if (err == BW_OK)
		err = bw_buf_add_u8(&json, '}');
	return bw_print_json(call, err, &json);
}

static enum bw_err back_up(const struct bw_call *call, struct bw_node_label *name, struct bw_secret *made,
			   struct bw_why *why)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret passphrase = { 0 };
	BW_CLEANUP(bw_secret_wipe) struct bw_secret chosen = { 0 };
	BW_CLEANUP(bw_node_keys_drop) struct bw_node_keys *keys = NULL;
	struct bw_place place;
	bool server_runs;

	BW_TRY(bw_folder_check(bw_call_data(call), why));
	BW_TRY(bw_folder_place(bw_call_data(call), BW_FOLDER_NODE_KEYS, &place));
	BW_TRY(bw_node_passphrase(call, "passphrase-file", "passphrase of the node keys", &passphrase, why));
	BW_TRY(bw_node_open(place.path, bw_secret_slice(&passphrase), &keys, why));
	BW_TRY(bw_node_label_of_keys(keys, name));
	if (bw_call_text(call, "new-passphrase-file") != NULL)
		BW_TRY(bw_secret_from_file(bw_call_text(call, "new-passphrase-file"), BW_PASSPHRASE_MAX, &chosen, why));
	else
		BW_TRY(bw_passphrase_make(made));
	BW_TRY(seal_into(keys, bw_secret_slice(made->len > 0 ? made : &chosen), bw_call_arg(call, 0), false, why));
	return note(bw_call_data(call), BW_LIT("keys-backup"), name, NULL, &server_runs, why);
}

static int backup_run(struct bw_call *call)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret made = { 0 };
	struct bw_why why = { 0 };
	struct bw_node_label name;
	const enum bw_err err = back_up(call, &name, &made, &why);

	return err == BW_OK ? tell_keys(call, "backed up; keep file and passphrase apart", &name, &made)
			    : bw_complain_why(call, err, &why);
}

static int restore_check_run(struct bw_call *call)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret passphrase = { 0 };
	BW_CLEANUP(bw_secret_wipe) struct bw_secret none = { 0 };
	BW_CLEANUP(bw_node_keys_drop) struct bw_node_keys *keys = NULL;
	struct bw_node_public now;
	struct bw_why why = { 0 };
	struct bw_node_label theirs;
	struct bw_node_label ours;
	enum bw_err err = bw_node_passphrase(call, "passphrase-file", "passphrase of the backup", &passphrase, &why);

	if (err == BW_OK)
		err = bw_node_open(bw_call_arg(call, 0), bw_secret_slice(&passphrase), &keys, &why);
	if (err == BW_ERR_LOCKED)
		return bw_complain(call, BW_EXIT_FOUND, NULL, "%s", why.text);
	if (err == BW_OK)
		err = bw_node_label_of_keys(keys, &theirs);
	if (err == BW_OK)
		err = bw_node_read_public(bw_call_data(call), &now, &why);
	if (err == BW_OK)
		err = bw_node_label_of(&now, &ours);
	if (err != BW_OK)
		return bw_complain_why(call, err, &why);
	if (strcmp(theirs.text, ours.text) != 0)
		return bw_complain(
			call, BW_EXIT_FOUND, "after a rotation, make a new backup: breakwater keys backup FILE",
			"'%s' holds keys of %s, and this node is %s", bw_call_arg(call, 0), theirs.text, ours.text);
	return tell_keys(call, "the backup opens and holds the keys of this node", &theirs, &none);
}

static enum bw_err restore(const struct bw_call *call, struct bw_node_label *name, struct bw_why *why)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret passphrase = { 0 };
	BW_CLEANUP(bw_secret_wipe) struct bw_secret chosen = { 0 };
	BW_CLEANUP(bw_node_keys_drop) struct bw_node_keys *keys = NULL;
	const char *data = bw_call_data(call);
	struct bw_place place;
	bool server_runs;

	BW_TRY(bw_folder_check(data, why));
	BW_TRY(bw_folder_place(data, BW_FOLDER_NODE_KEYS, &place));
	if (bw_file_exists(place.path))
		return bw_why_set(why, BW_ERR_EXISTS, "there are node keys in '%s' already; move them away first",
				  place.path);
	BW_TRY(bw_node_passphrase(call, "passphrase-file", "passphrase of the backup", &passphrase, why));
	BW_TRY(bw_node_open(bw_call_arg(call, 0), bw_secret_slice(&passphrase), &keys, why));
	BW_TRY(bw_node_label_of_keys(keys, name));
	if (bw_call_text(call, "new-passphrase-file") != NULL)
		BW_TRY(bw_secret_from_file(bw_call_text(call, "new-passphrase-file"), BW_PASSPHRASE_MAX, &chosen, why));
	BW_TRY(seal_into(keys, bw_secret_slice(chosen.len > 0 ? &chosen : &passphrase), place.path, false, why));
	BW_TRY(write_public(keys, data, why));
	return note(data, BW_LIT("keys-restore"), name, NULL, &server_runs, why);
}

static int restore_run(struct bw_call *call)
{
	BW_CLEANUP(bw_secret_wipe) struct bw_secret none = { 0 };
	struct bw_why why = { 0 };
	struct bw_node_label name;
	const enum bw_err err = restore(call, &name, &why);

	return err == BW_OK ? tell_keys(call, "restored", &name, &none) : bw_complain_why(call, err, &why);
}

/* ---- rows ------------------------------------------------------------------------------ */

#define PASSPHRASE_FILE(words)                                                                      \
	{                                                                                           \
		.name = "passphrase-file", .kind = BW_OPT_TEXT, .value_name = "FILE", .help = words \
	}
#define NEW_PASSPHRASE_FILE(words)                                                                      \
	{                                                                                               \
		.name = "new-passphrase-file", .kind = BW_OPT_TEXT, .value_name = "FILE", .help = words \
	}

static const struct bw_option rotate_options[] = {
	PASSPHRASE_FILE("passphrase of the keys; without it asked for on a terminal"),
	NEW_PASSPHRASE_FILE("passphrase for the new keys (default: the same)"),
	{ .name = "lost", .kind = BW_OPT_FLAG, .help = "the old keys or their passphrase are lost: start anew" },
	{ .name = "yes", .kind = BW_OPT_FLAG, .help = "yes, start anew" },
	{ 0 },
};

static const struct bw_option backup_options[] = {
	PASSPHRASE_FILE("passphrase of the keys; without it asked for on a terminal"),
	NEW_PASSPHRASE_FILE("passphrase for the backup; without it one is made and shown once"),
	{ 0 },
};

static const struct bw_option check_options[] = {
	PASSPHRASE_FILE("passphrase of the backup; without it asked for on a terminal"),
	{ 0 },
};

static const struct bw_option restore_options[] = {
	PASSPHRASE_FILE("passphrase of the backup; without it asked for on a terminal"),
	NEW_PASSPHRASE_FILE("passphrase from now on (default: the backup's)"),
	{ 0 },
};

static const struct bw_command keys_verbs[] = {
	{ .name = "show",
	  .summary = "show the node's name and public keys",
	  .usage = "",
	  .max_args = 0,
	  .run = show_run },
	{ .name = "rotate",
	  .summary = "make new node keys that follow the old ones",
	  .usage = "[--passphrase-file FILE] [--new-passphrase-file FILE]",
	  .details =
		  "The node gets a new name. A statement that it follows the old one, signed by both, is written for "
		  "partners; the old keys are kept under their own name. A running server takes the new ones at its "
		  "next start. With --lost there is no statement, and partners have to accept the new name by hand.",
	  .options = rotate_options,
	  .max_args = 0,
	  .run = rotate_run },
	{ .name = "backup",
	  .summary = "write the node keys to a file under a passphrase of its own",
	  .usage = "[--passphrase-file FILE] [--new-passphrase-file FILE] FILE",
	  .options = backup_options,
	  .min_args = 1,
	  .max_args = 1,
	  .run = backup_run },
	{ .name = "restore-check",
	  .summary = "say whether a backup of the node keys opens and is this node's",
	  .usage = "[--passphrase-file FILE] FILE",
	  .details =
		  "Changes nothing. Exit status 1 when the passphrase is wrong, the file was changed, or it holds the "
		  "keys of another node.",
	  .options = check_options,
	  .min_args = 1,
	  .max_args = 1,
	  .run = restore_check_run },
	{ .name = "restore",
	  .summary = "put node keys from a backup in place",
	  .usage = "[--passphrase-file FILE] [--new-passphrase-file FILE] FILE",
	  .options = restore_options,
	  .min_args = 1,
	  .max_args = 1,
	  .run = restore_run },
	{ 0 },
};

const struct bw_command bw_keys_command = {
	.name = "keys",
	.summary = "look after the keys this node signs with",
	.usage = "show|rotate|backup|restore-check|restore",
	.verbs = keys_verbs,
};
