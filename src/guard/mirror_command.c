/* `breakwater guard mirror`: versions on another machine, which root on this one cannot take back. */
#include "guard/mirror_parts.h"
#include "guard/plain.h"

/* docs/keys.md */
#define CERT_FILE "tls/cert.pem"
#define KEY_FILE "tls/key.pem"

enum { KEY_BYTES_MAX = 8 * 1024 };

enum bw_err mirror_identity_load(const char *data, struct mirror_identity *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf key = BW_BUF_INIT(KEY_BYTES_MAX);
	struct bw_cert_facts facts;
	char path[BW_PATH_BYTES];

	out->cert = BW_BUF_INIT(BW_CERT_PEM_MAX);
	BW_TRY(bw_buf_reserve(&key, KEY_BYTES_MAX)); /* all at once: growing would leave copies behind */
	BW_TRY(bw_path_join(path, data, CERT_FILE));
	if (!bw_file_exists(path))
		return bw_why_set(why, BW_ERR_NOT_FOUND, "there is no certificate in '%s': breakwater init makes one",
				  data);
	BW_TRY(bw_file_read(path, &out->cert, why));
	if (bw_cert_read(bw_buf_slice(&out->cert), &facts) != BW_OK)
		return bw_why_set(why, BW_ERR_SYNTAX, "'%s' is no certificate", path);
	bw_fingerprint_format(facts.fingerprint, out->fingerprint);
	BW_TRY(bw_path_join(path, data, KEY_FILE));
	BW_TRY(bw_file_read(path, &key, why));
	return bw_secret_set(&out->key, bw_buf_slice(&key));
}

void mirror_identity_release(struct mirror_identity *identity)
{
	bw_buf_release(&identity->cert);
	bw_secret_wipe(&identity->key);
}

enum bw_err mirror_folder(const char *data, const char *fingerprint, char out[BW_PATH_BYTES])
{
	uint8_t bytes[BW_SHA256_BYTES];
	char name[BW_FINGERPRINT_CHARS + 1];
	char above[BW_PATH_BYTES];

	BW_TRY(bw_fingerprint_parse(bw_slice_text(fingerprint), bytes));
	bw_fingerprint_format(bytes, name);
	BW_TRY(bw_path_join(above, data, BW_MIRROR_FOLDER));
	return bw_path_join(out, above, name);
}

static int mirror_run(struct bw_call *call)
{
	static const struct {
		const char *name;
		int (*run)(const struct bw_call *call);
	} acts[] = {
		{ "serve", mirror_serve },
		{ "push", mirror_push },
		{ "verify", mirror_verify },
		{ "restore", mirror_restore },
	};
	const char *what = bw_call_arg(call, 0);

	for (size_t i = 0; i < BW_COUNT(acts); i++) {
		if (strcmp(what, acts[i].name) != 0)
			continue;
		if (acts[i].run == mirror_push && !bw_plain_is_root(call, "only root may read everybody's versions"))
			return BW_EXIT_FAILED;
		return acts[i].run(call);
	}
	return bw_complain(call, BW_EXIT_USAGE, NULL, "'%s' is none of serve, push, verify and restore", what);
}

static const struct bw_option mirror_options[] = {
	{ .name = "listen", .kind = BW_OPT_TEXT, .value_name = "ADDRESS:PORT", .help = "serve: where, as [::]:8444" },
	{ .name = "sender",
	  .kind = BW_OPT_TEXT,
	  .value_name = "FINGERPRINT",
	  .repeat = true,
	  .help = "serve, verify, restore: SHA-256 of the certificate of the machine whose versions are kept" },
	{ .name = "to", .kind = BW_OPT_TEXT, .value_name = "URL", .help = "push: where the mirror serves" },
	{ .name = "pin",
	  .kind = BW_OPT_TEXT,
	  .value_name = "FINGERPRINT",
	  .help = "push: SHA-256 of the mirror's certificate; nothing else is trusted" },
	{ .name = "into", .kind = BW_OPT_TEXT, .value_name = "DIR", .help = "restore: a folder that is not there yet" },
	{ .name = "at", .kind = BW_OPT_TEXT, .value_name = "TIME", .help = "restore: as it was then; else the newest" },
	{ .name = "path",
	  .kind = BW_OPT_TEXT,
	  .value_name = "PATH",
	  .help = "restore: only what was at or below this path of the guarded machine" },
	{ 0 },
};

const struct bw_command bw_guard_mirror_command = {
	.name = "mirror",
	.summary = "keep versions on another machine, where nobody here can take them back",
	.usage = "serve --listen ADDRESS:PORT --sender FINGERPRINT | push --to URL --pin FINGERPRINT | verify --sender "
		 "FINGERPRINT | restore --sender FINGERPRINT --into DIR",
	.details = "Root on a server can destroy the guard's store as well. The other machine runs 'mirror serve': it "
		   "only ever "
		   "adds what the guarded one sends, and has no request that changes or deletes. 'mirror push', from "
		   "cron or a "
		   "timer, sends what is missing there and where the ledger stands; it goes on where it was broken "
		   "off, and "
		   "says with exit status 1 when this machine's ledger is no longer the one that was mirrored.\n"
		   "Both know each other by the SHA-256 of their certificates (tls/cert.pem of the data folder, made "
		   "by init) "
		   "and by nothing else; TLS 1.3 with X25519MLKEM768 or no connection. 'verify' and 'restore' run "
		   "where the "
		   "versions are kept.",
	.options = mirror_options,
	.min_args = 1,
	.max_args = 1,
	.run = mirror_run,
};
