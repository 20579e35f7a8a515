#include "store/audit.h"

#include "store/audit_line.h"
#include "store/engine.h"

static enum bw_err read_head(struct bw_store *store, struct bw_audit_head *out)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT((size_t)2 * BW_AUDIT_LINE_MAX);
	struct bw_audit_line line;
	bool found;

	BW_TRY(bw_sql_prepare(store->db, "SELECT line FROM audit ORDER BY seq DESC LIMIT 1", &stmt));
	BW_TRY(bw_sql_row(stmt, &found));
	*out = (struct bw_audit_head){ 0 };
	if (!found)
		return BW_OK;
	if (bw_audit_line_parse(bw_sql_text(stmt, 0), &arena, &line, NULL) != BW_OK)
		return bw_why_set(&store->why, BW_ERR_CORRUPT,
				  "cannot go on with the audit log: its last line is damaged");
	out->seq = line.seq;
	memcpy(out->hash, line.hash, sizeof(out->hash));
	return BW_OK;
}

enum bw_err bw_store_audit_head(struct bw_store *store, struct bw_audit_head *out)
{
	if (store->role == BW_STORE_READER) /* another process writes it */
		return read_head(store, out);
	if (!store->audit_known) {
		BW_TRY(read_head(store, &store->audit_head));
		store->audit_known = true;
	}
	*out = store->audit_head;
	return BW_OK;
}

static enum bw_err write_line(struct bw_store *store, const struct bw_audit_line *line, struct bw_slice text)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_store_statement(store, BW_SQL_AUDIT_ADD, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)line->seq);
	(void)sqlite3_bind_int64(stmt, 2, line->time_us);
	bw_sql_bind_text(stmt, 3, text);
	return bw_store_do(store, stmt, "write the audit log");
}

enum bw_err bw_store_audit_add(struct bw_store *store, const struct bw_audit_fact *fact)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_AUDIT_LINE_MAX);
	struct bw_audit_line line = { .account = fact->account,
				      .action = fact->action,
				      .address = fact->address,
				      .target = fact->target,
				      .note = fact->note,
				      .status = fact->status,
				      .count = fact->count };
	struct bw_audit_head head;

	BW_TRY(bw_store_begin(store));
	BW_TRY(bw_store_audit_head(store, &head));
	line.seq = head.seq + 1;
	line.time_us = store->now_us();
	memcpy(line.prev, head.hash, sizeof(line.prev));
	BW_TRY(bw_audit_line_write(&line, &text));
	BW_TRY(write_line(store, &line, bw_buf_slice(&text)));
	store->audit_head.seq = line.seq;
	memcpy(store->audit_head.hash, line.hash, sizeof(line.hash));
	return BW_OK;
}

enum bw_err bw_store_audit_walk(struct bw_store *store, uint64_t first_seq,
				enum bw_err (*each)(void *ctx, uint64_t seq, struct bw_slice line), void *ctx)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	bool found;

	BW_TRY(bw_store_note(
		store, bw_sql_prepare(store->db, "SELECT seq, line FROM audit WHERE seq >= ? ORDER BY seq", &stmt),
		"read the audit log"));
	(void)sqlite3_bind_int64(stmt, 1, first_seq > INT64_MAX ? INT64_MAX : (int64_t)first_seq);
	for (;;) {
		BW_TRY(bw_store_note(store, bw_sql_row(stmt, &found), "read the audit log"));
		if (!found)
			return BW_OK;
		BW_TRY(each(ctx, (uint64_t)sqlite3_column_int64(stmt, 0), bw_sql_text(stmt, 1)));
	}
}
