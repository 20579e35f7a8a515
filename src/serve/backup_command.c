/* `breakwater backup`, `restore` and `verify`: that nothing is lost, and the proof of it. */
#include <inttypes.h>
#include <stdio.h>

#include "base/command.h"
#include "base/progress.h"
#include "codec/json_text.h"
#include "desk/folder.h"
#include "desk/desk_command.h"
#include "store/keeping.h"
#include "sys/owner.h"

enum { KEPT_FILE_MAX = 1024 * 1024 }; /* certificates with their chains, and sealed keys, have some kB */

/* What a backup holds beside the store. The node keys are encrypted; the TLS key is not. */
static const struct {
	const char *name;
	unsigned mode;
} kept_files[] = {
	{ BW_FOLDER_CERT, 0644 },      { BW_FOLDER_KEY, 0600 },         { BW_FOLDER_CLIENT_CA, 0644 },
	{ BW_FOLDER_NODE_KEYS, 0600 }, { BW_FOLDER_NODE_PUBLIC, 0644 },
};

static void on_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct bw_progress *progress = ctx;

	progress->total = total;
	bw_progress_at(progress, done);
}

static enum bw_err make_folder_in(const char *folder, const char *name, struct bw_why *why)
{
	struct bw_place place;
	enum bw_err err;

	BW_TRY(bw_folder_place(folder, name, &place));
	err = bw_folder_make(place.path, why);
	return err == BW_ERR_EXISTS ? BW_OK : err;
}

/* NOT_FOUND when there is none; a file that is there already stays. */
static enum bw_err copy_file(const char *from, const char *to, const char *name, unsigned mode, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf bytes = BW_BUF_INIT(KEPT_FILE_MAX);
	struct bw_place source;
	struct bw_place target;
	enum bw_err err;

	BW_TRY(bw_folder_place(from, name, &source));
	BW_TRY(bw_folder_place(to, name, &target));
	BW_TRY(bw_file_read(source.path, &bytes, why));
	err = bw_file_create(target.path, bw_buf_slice(&bytes), mode, why);
	return err == BW_ERR_EXISTS ? BW_OK : err;
}

/* Copies what there is; `missing` counts what a server needs and does not have. */
static enum bw_err copy_files(const char *from, const char *to, size_t *missing, struct bw_why *why)
{
	*missing = 0;
	BW_TRY(make_folder_in(to, "tls", why));
	BW_TRY(make_folder_in(to, "keys", why));
	for (size_t i = 0; i < BW_COUNT(kept_files); i++) {
		const enum bw_err err = copy_file(from, to, kept_files[i].name, kept_files[i].mode, why);

		if (err != BW_OK && err != BW_ERR_NOT_FOUND)
			return err;
		if (err == BW_ERR_NOT_FOUND && strcmp(kept_files[i].name, BW_FOLDER_CLIENT_CA) != 0)
			++*missing;
	}
	return BW_OK;
}

/* ---- backup ------------------------------------------------------------------- */

static enum bw_err note(struct bw_desk *desk, struct bw_slice action, const char *target, struct bw_why *why)
{
	return bw_desk_do(desk, BW_OFFICE_NOTE,
			  (const struct bw_slice[]){ action, bw_slice_text(target), bw_slice_empty }, 3, -1, NULL, why);
}

/* By this process itself, also while a server runs: its keeper may write below the data folder only. */
static enum bw_err back_up(const struct bw_call *call, struct bw_desk *desk, size_t *missing, struct bw_why *why)
{
	const char *folder = bw_call_arg(call, 0);
	struct bw_progress progress;
	enum bw_err err;

	bw_progress_begin(&progress, "copying", "pages", 0, bw_call_flag(call, "quiet"));
	err = bw_store_backup(bw_desk_store(desk), folder, on_progress, &progress);
	bw_progress_end(&progress);
	if (err == BW_ERR_EXISTS)
		return bw_why_set(why, err, "cannot back up to '%s': there is something in it; name a new folder",
				  folder);
	if (err != BW_OK)
		return bw_why_set(why, err, "cannot back up to '%s': %s", folder, bw_store_why(bw_desk_store(desk)));
	BW_TRY(copy_files(bw_call_data(call), folder, missing, why));
	return note(desk, BW_LIT("backup"), folder, why);
}

static int backup_run(struct bw_call *call)
{
	struct bw_why why = { 0 };
	size_t missing;
	int status;
	struct bw_desk *desk = bw_desk_for(call, &status);
	enum bw_err err;

	if (desk == NULL)
		return status;
	err = back_up(call, desk, &missing, &why);
	bw_desk_close(desk);
	if (err != BW_OK)
		return bw_complain_why(call, err, &why);
	if (bw_call_json(call)) {
		BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(64 * BW_KIB);

		err = bw_buf_add_u8(&json, '{');
		if (err == BW_OK)
			err = bw_json_add_text(&json, "backup", bw_slice_text(bw_call_arg(call, 0)));
		if (err == BW_OK)
			err = bw_buf_add_u8(&json, '}');
		return bw_print_json(call, err, &json);
	}
	(void)printf("backed up to %s\nIt holds everything but the passphrase of the node keys: keep it as safe as the "
		     "exchange itself.\n",
		     bw_call_arg(call, 0));
	return BW_EXIT_OK;
}

/* ---- restore --------------------------------------------------------------------- */

static enum bw_err check_places(const char *backup, const char *data, struct bw_why *why)
{
	struct bw_place store;
	enum bw_err err;

	if (!bw_file_exists(backup))
		return bw_why_set(why, BW_ERR_NOT_FOUND, "there is no backup in '%s'", backup);
	BW_TRY(bw_folder_place(data, "store", &store));
	if (bw_file_exists(store.path))
		return bw_why_set(why, BW_ERR_EXISTS,
				  "there is an exchange in '%s' already; restore into another folder with --data",
				  data);
	BW_TRY(bw_act_for_owner(data, why));
	err = bw_folder_make(data, why);
	return err == BW_ERR_EXISTS ? BW_OK : err;
}

static enum bw_err restore_store(const struct bw_call *call, const char *data, struct bw_why *why)
{
	const char *backup = bw_call_arg(call, 0);
	struct bw_progress progress;
	enum bw_err err;

	bw_progress_begin(&progress, "restoring", "pages", 0, bw_call_flag(call, "quiet"));
	err = bw_store_restore(backup, data, bw_call_text(call, "erasures-from"), on_progress, &progress);
	bw_progress_end(&progress);
	if (err == BW_ERR_CORRUPT)
		return bw_why_set(why, err,
				  "the backup in '%s' is damaged: a file does not fit its hash; nothing was restored",
				  backup);
	if (err == BW_ERR_NOT_FOUND)
		return bw_why_set(why, err, "there is no backup in '%s'", backup);
	return err == BW_OK ? BW_OK : bw_why_set(why, err, "cannot restore '%s': %s", backup, bw_err_text(err));
}

static enum bw_err note_restore(const char *data, const char *backup, struct bw_why *why)
{
	struct bw_desk *desk = NULL;
	enum bw_err err;

	BW_TRY(bw_desk_open(data, &desk, why));
	err = note(desk, BW_LIT("restore"), backup, why);
	bw_desk_close(desk);
	return err;
}

static int restore_run(struct bw_call *call)
{
	const char *data = bw_call_data(call);
	struct bw_why why = { 0 };
	size_t missing = 0;
	enum bw_err err = check_places(bw_call_arg(call, 0), data, &why);

	/* the store last: a folder with a store is a whole one */
	if (err == BW_OK)
		err = copy_files(bw_call_arg(call, 0), data, &missing, &why);
	if (err == BW_OK)
		err = restore_store(call, data, &why);
	if (err == BW_OK)
		err = note_restore(data, bw_call_arg(call, 0), &why);
	if (err != BW_OK)
		return bw_complain_why(call, err, &why);
	if (bw_call_json(call)) {
		BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(64 * BW_KIB);

		err = bw_buf_add_u8(&json, '{');
		if (err == BW_OK)
			err = bw_json_add_text(&json, "data", bw_slice_text(data));
		if (err == BW_OK)
			err = bw_json_add_num(&json, "files_missing", (int64_t)missing);
		if (err == BW_OK)
			err = bw_buf_add_u8(&json, '}');
		return bw_print_json(call, err, &json);
	}
	(void)printf("restored into %s; to look at every object once: breakwater --data %s verify\n", data, data);
	if (missing > 0)
		(void)printf("The backup had no certificate or no node keys: put them into tls/ and keys/ of that "
			     "folder.\n");
	return BW_EXIT_OK;
}

/* ---- verify ------------------------------------------------------------------------ */

static enum bw_err write_report(const struct bw_verify_report *report, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_bool(out, "whole", report->first[0] == 0));
	BW_TRY(bw_json_add_num(out, "objects", (int64_t)report->rows));
	BW_TRY(bw_json_add_num(out, "bad_objects", (int64_t)report->bad_rows));
	BW_TRY(bw_json_add_num(out, "bad_index_entries", (int64_t)report->bad_index));
	BW_TRY(bw_json_add_num(out, "bad_audit_lines", (int64_t)report->bad_audit));
	if (report->first[0] != 0)
		BW_TRY(bw_json_add_text(out, "first", bw_slice_text(report->first)));
	return bw_buf_add_u8(out, '}');
}

static int tell_report(const struct bw_call *call, const struct bw_verify_report *report)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf json = BW_BUF_INIT(64 * BW_KIB);
	const bool whole = report->bad_rows + report->bad_index + report->bad_audit == 0 && report->first[0] == 0;
	int status = BW_EXIT_OK;

	if (bw_call_json(call))
		status = bw_print_json(call, write_report(report, &json), &json);
	else
		(void)printf("objects looked at:    %" PRIu64 "\n"
			     "objects damaged:      %" PRIu64 "\n"
			     "index entries wrong:  %" PRIu64 "\n"
			     "audit lines wrong:    %" PRIu64 "\n",
			     report->rows, report->bad_rows, report->bad_index, report->bad_audit);
	if (whole)
		return status;
	return bw_complain(call, BW_EXIT_FOUND, "the way back: breakwater restore BACKUP --data NEWFOLDER",
			   "the store is damaged: %s", report->first);
}

static int verify_run(struct bw_call *call)
{
	struct bw_verify_report report = { 0 };
	struct bw_progress progress;
	int status;
	struct bw_desk *desk = bw_desk_for(call, &status);
	enum bw_err err;

	if (desk == NULL)
		return status;
	bw_progress_begin(&progress, "checking", "objects", 0, bw_call_flag(call, "quiet"));
	err = bw_store_verify(bw_desk_store(desk), on_progress, &progress, &report);
	bw_progress_end(&progress);
	status = err == BW_OK ? tell_report(call, &report) : bw_complain_store(call, desk, err, "check the store");
	bw_desk_close(desk);
	return status;
}

/* ---- rows ---------------------------------------------------------------------------- */

static const struct bw_option restore_options[] = {
	{ .name = "erasures-from",
	  .kind = BW_OPT_TEXT,
	  .value_name = "DIR",
	  .help = "a data folder that was used after the backup: what was erased there is erased here too" },
	{ 0 },
};

const struct bw_command bw_backup_command = {
	.name = "backup",
	.summary = "copy the whole exchange into a new folder, while it runs",
	.usage = "FOLDER",
	.details = "FOLDER gets the store as of one moment with hashes of its files, the list of what was erased, the "
		   "certificate with its key, and the node keys, encrypted as they are. The passphrase of the node "
		   "keys is "
		   "not in it. 'restore' makes an exchange of it.",
	.min_args = 1,
	.max_args = 1,
	.run = backup_run,
};

const struct bw_command bw_restore_command = {
	.name = "restore",
	.summary = "make an exchange from a backup",
	.usage = "[--erasures-from DIR] BACKUP",
	.details =
		"The data folder (--data) must have no store yet. Every file is held against its hash first. What was "
		"erased up to the backup stays erased; what was erased later is erased again when --erasures-from "
		"names a data folder that remembers.",
	.options = restore_options,
	.min_args = 1,
	.max_args = 1,
	.run = restore_run,
};

const struct bw_command bw_verify_command = {
	.name = "verify",
	.summary = "look at every object, index and audit line and say whether all is whole",
	.usage = "",
	.details =
		"Hashes every object again, holds every index against the objects and walks the audit chain. Changes "
		"nothing; a server may run. Exit status 1 when something does not fit.",
	.max_args = 0,
	.run = verify_run,
};
