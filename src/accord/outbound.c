#include "accord/outbound.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "accord/outbound_inner.h"

enum { SECRET_MODE = 0600 };

enum bw_err bw_outbound_path(const struct bw_outbound *out, const char *name, char path[BW_PATH_BYTES])
{
	return bw_path_join(path, out->folder, name);
}

/* ---- opening ------------------------------------------------------------------------------------- */

static enum bw_err make_place(struct bw_outbound *out, struct bw_why *why)
{
	static const char *const names[] = { "journal", "keys" };
	char path[BW_PATH_BYTES];

	for (size_t i = 0; i < BW_COUNT(names); i++) {
		BW_TRY(bw_outbound_path(out, names[i], path));
		BW_TRY(bw_folder_need(path, why));
	}
	BW_TRY(bw_outbound_path(out, "lock", path));
	return bw_lock_take(path, &out->lock_fd, why);
}

static enum bw_err open_secret(struct bw_outbound *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf bytes = BW_BUF_INIT(BW_OUTBOUND_SECRET_BYTES);
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(bw_outbound_path(out, "secret", path));
	err = bw_file_read(path, &bytes, why);
	if (err == BW_ERR_NOT_FOUND && !out->is_reader) {
		BW_TRY(bw_secret_make(&out->secret, BW_OUTBOUND_SECRET_BYTES));
		bw_random(out->secret.ptr, out->secret.len);
		return bw_file_create(path, bw_secret_slice(&out->secret), SECRET_MODE, why);
	}
	BW_TRY(err);
	if (bytes.len != BW_OUTBOUND_SECRET_BYTES)
		return bw_why_set(why, BW_ERR_CORRUPT, "'%s' is damaged", path);
	return bw_secret_set(&out->secret, bw_buf_slice(&bytes));
}

static enum bw_err open_all(struct bw_outbound *out, struct bw_why *why)
{
	char path[BW_PATH_BYTES];
	uint64_t cut;

	if (!out->is_reader)
		BW_TRY(make_place(out, why));
	BW_TRY(bw_outbound_path(out, "journal", path));
	if (!bw_file_exists(path))
		return bw_why_set(why, BW_ERR_NOT_FOUND, "there is no log in '%s'", out->folder);
	BW_TRY(open_secret(out, why));
	BW_TRY(bw_outbound_erased_open(out, why));
	BW_TRY(bw_outbound_synced_open(out, why));
	BW_TRY(bw_outbound_marks_open(out, why)); /* before the journal, which grows beside a reader */
	BW_TRY(bw_journal_scan(out, &cut, why));
	BW_TRY(bw_outbound_tiles_open(out, why));
	BW_TRY(bw_outbound_marks_check(out, why));
	/* only now: a log that lacks what it signed for is evidence, and stays as it is */
	return out->is_reader ? BW_OK : bw_journal_cut(out, cut, why);
}

enum bw_err bw_outbound_open(const char *folder, const struct bw_outbound_rules *rules, struct bw_outbound **out,
			     struct bw_why *why)
{
	struct bw_outbound *made = calloc(1, sizeof(*made));
	enum bw_err err;

	BW_NEED(made != NULL, MEMORY);
	made->lock_fd = -1;
	made->append_fd = -1;
	made->read_fd = -1;
	made->trust = rules->trust;
	made->is_reader = rules->is_reader;
	made->origin = BW_BUF_INIT(BW_ORIGIN_MAX);
	made->source = BW_BUF_INIT(BW_OUTBOUND_SOURCE_MAX);
	made->rows = BW_BUF_INIT((size_t)BW_OUTBOUND_ITEMS_MAX * BW_JOURNAL_ROW_BYTES);
	made->window = BW_BUF_INIT(BW_JOURNAL_BATCH_MAX);
	made->signed_.note = BW_BUF_INIT(BW_NOTE_MAX);
	made->delivered.note = BW_BUF_INIT(BW_NOTE_MAX);
	made->signed_.root = made->delivered.root = made->root = bw_hash_empty();
	err = bw_path_join(made->folder, folder, "");
	if (err == BW_OK) {
		made->folder[strlen(made->folder) - 1] = '\0';
		err = bw_buf_add(&made->origin, rules->origin);
	}
	if (err == BW_OK)
		err = open_all(made, why);
	if (err != BW_OK) {
		bw_outbound_close(made);
		return err;
	}
	*out = made;
	return BW_OK;
}

void bw_outbound_close(struct bw_outbound *out)
{
	if (out == NULL)
		return;
	bw_tlog_reader_free(out->reader);
	bw_tlog_writer_free(out->writer);
	bw_outbound_keys_close(out);
	bw_latest_free(out->latest);
	bw_secret_wipe(&out->secret);
	bw_close_fd(&out->append_fd);
	bw_close_fd(&out->read_fd);
	bw_close_fd(&out->lock_fd);
	bw_buf_release(&out->origin);
	bw_buf_release(&out->source);
	bw_buf_release(&out->rows);
	bw_buf_wipe(&out->window);
	bw_buf_release(&out->signed_.note);
	bw_buf_release(&out->delivered.note);
	free(out->batches);
	free(out);
}

void bw_outbound_status(const struct bw_outbound *out, struct bw_outbound_status *status)
{
	*status = (struct bw_outbound_status){
		.batches = out->batch_count,
		.size = out->size,
		.signed_size = out->signed_.size,
		.delivered_size = out->delivered.size,
		.may_sign = out->is_heard && !out->is_refused,
	};
}

struct bw_slice bw_outbound_source(const struct bw_outbound *out)
{
	return bw_buf_slice(&out->source);
}
