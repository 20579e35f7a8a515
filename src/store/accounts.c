#include "store/accounts.h"

#include "base/text.h"
#include "store/engine.h"

#define COLUMNS "SELECT a.number, a.name, a.password, a.admin, a.disabled, a.created FROM account a "

/* Runs a statement of the room's own with up to two numbers and two values, in the open transaction. */
struct change {
	const char *sql;
	int64_t numbers[2];
	int number_count;
	struct bw_slice text; /* bound after the numbers when it has a ptr */
	struct bw_slice blob; /* … and after the text */
	const char *doing;
};

static enum bw_err carry_out(struct bw_store *store, const struct change *change, int *out_rows)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	int at = 1;

	BW_TRY(bw_store_begin(store));
	BW_TRY(bw_store_note(store, bw_sql_prepare(store->db, change->sql, &stmt), change->doing));
	for (int i = 0; i < change->number_count; i++)
		(void)sqlite3_bind_int64(stmt, at++, change->numbers[i]);
	if (change->text.ptr != NULL)
		bw_sql_bind_text(stmt, at++, change->text);
	if (change->blob.ptr != NULL)
		bw_sql_bind_blob(stmt, at, change->blob);
	BW_TRY(bw_store_do(store, stmt, change->doing));
	store->accounts_changed = true;
	if (out_rows != NULL)
		*out_rows = sqlite3_changes(store->db);
	return BW_OK;
}

/* The same, of a row that must be there. */
static enum bw_err change_one(struct bw_store *store, const struct change *change)
{
	int rows;

	BW_TRY(carry_out(store, change, &rows));
	return rows > 0 ? BW_OK : BW_ERR_NOT_FOUND;
}

static bool name_is_fine(struct bw_slice name)
{
	if (name.len == 0 || name.len >= BW_ACCOUNT_NAME_BYTES || !bw_utf8_is_valid(name, NULL))
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] <= ' ' || name.ptr[i] == 0x7f || name.ptr[i] == ':')
			return false;
	}
	return true;
}

static enum bw_err insert_account(struct bw_store *store, struct bw_account *account)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_sql_prepare(
		store->db, "INSERT INTO account(name, password, admin, disabled, created) VALUES(?,?,?,?,?)", &stmt));
	bw_sql_bind_text(stmt, 1, bw_slice_text(account->name));
	bw_sql_bind_text(stmt, 2, bw_slice_text(account->password));
	(void)sqlite3_bind_int(stmt, 3, account->admin);
	(void)sqlite3_bind_int(stmt, 4, account->disabled);
	(void)sqlite3_bind_int64(stmt, 5, account->created_us);
	return bw_store_do(store, stmt, "add an account");
}

enum bw_err bw_store_account_add(struct bw_store *store, struct bw_account *account)
{
	struct bw_account other;
	enum bw_err err;

	BW_NEED(name_is_fine(bw_slice_text(account->name)), SYNTAX);
	BW_TRY(bw_store_begin(store));
	err = bw_store_account_by_name(store, bw_slice_text(account->name), &other);
	BW_NEED(err != BW_OK, EXISTS);
	if (err != BW_ERR_NOT_FOUND)
		return err;
	account->created_us = store->now_us();
	BW_TRY(insert_account(store, account));
	account->number = (uint32_t)sqlite3_last_insert_rowid(store->db);
	store->accounts_changed = true;
	return BW_OK;
}

enum bw_err bw_store_account_remove(struct bw_store *store, uint32_t number)
{
	/* keys, certificates and grants go by ON DELETE CASCADE */
	return change_one(store, &(struct change){ .sql = "DELETE FROM account WHERE number=?",
						   .numbers = { number },
						   .number_count = 1,
						   .doing = "remove an account" });
}

enum bw_err bw_store_account_set_password(struct bw_store *store, uint32_t number, struct bw_slice phc)
{
	BW_NEED(phc.len < BW_ACCOUNT_SECRET_BYTES, TOO_BIG);
	return change_one(store, &(struct change){ .sql = "UPDATE account SET password=?2 WHERE number=?1",
						   .numbers = { number },
						   .number_count = 1,
						   .text = phc,
						   .doing = "set a password" });
}

enum bw_err bw_store_account_set_disabled(struct bw_store *store, uint32_t number, bool disabled)
{
	return change_one(store, &(struct change){ .sql = "UPDATE account SET disabled=?2 WHERE number=?1",
						   .numbers = { number, disabled },
						   .number_count = 2,
						   .doing = "change an account" });
}

/* ---- look-ups ------------------------------------------------------------------- */

static void read_account(sqlite3_stmt *stmt, struct bw_account *out)
{
	const struct bw_slice name = bw_slice_sub(bw_sql_text(stmt, 1), 0, sizeof(out->name) - 1);
	const struct bw_slice password = bw_slice_sub(bw_sql_text(stmt, 2), 0, sizeof(out->password) - 1);

	*out = (struct bw_account){ .number = (uint32_t)sqlite3_column_int64(stmt, 0),
				    .admin = sqlite3_column_int(stmt, 3) != 0,
				    .disabled = sqlite3_column_int(stmt, 4) != 0,
				    .created_us = sqlite3_column_int64(stmt, 5) };
	memcpy(out->name, name.ptr, name.len);
	memcpy(out->password, password.ptr, password.len);
}

static enum bw_err look_up(struct bw_store *store, sqlite3_stmt *stmt, struct bw_account *out)
{
	bool found;

	BW_TRY(bw_store_note(store, bw_sql_row(stmt, &found), "look for an account"));
	BW_NEED(found, NOT_FOUND);
	read_account(stmt, out);
	return BW_OK;
}

enum bw_err bw_store_account_get(struct bw_store *store, uint32_t number, struct bw_account *out)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_store_note(store, bw_sql_prepare(store->db, COLUMNS "WHERE a.number=?", &stmt),
			     "look for an account"));
	(void)sqlite3_bind_int64(stmt, 1, number);
	return look_up(store, stmt, out);
}

enum bw_err bw_store_account_by_name(struct bw_store *store, struct bw_slice name, struct bw_account *out)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_store_note(store, bw_sql_prepare(store->db, COLUMNS "WHERE a.name=?", &stmt), "look for an account"));
	bw_sql_bind_text(stmt, 1, name);
	return look_up(store, stmt, out);
}

static enum bw_err by_proof(struct bw_store *store, const char *sql, const uint8_t *proof, struct bw_account *out)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;

	BW_TRY(bw_store_note(store, bw_sql_prepare(store->db, sql, &stmt), "look for an account"));
	bw_sql_bind_blob(stmt, 1, bw_slice_of(proof, BW_ACCOUNT_HASH_BYTES));
	return look_up(store, stmt, out);
}

enum bw_err bw_store_account_by_key(struct bw_store *store, const uint8_t hash[BW_ACCOUNT_HASH_BYTES],
				    struct bw_account *out)
{
	return by_proof(store, COLUMNS "JOIN account_key k ON k.account = a.number WHERE k.hash=?", hash, out);
}

enum bw_err bw_store_account_by_cert(struct bw_store *store, const uint8_t print[BW_ACCOUNT_HASH_BYTES],
				     struct bw_account *out)
{
	return by_proof(store, COLUMNS "JOIN account_cert c ON c.account = a.number WHERE c.fingerprint=?", print, out);
}

enum bw_err bw_store_accounts(struct bw_store *store, struct bw_arena *arena, struct bw_account **out,
			      size_t *out_count)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	struct bw_account *list;
	size_t count = 0;
	int64_t cap;
	bool found;

	BW_TRY(bw_store_note(store, bw_sql_number(store->db, "SELECT count(*) FROM account", &cap), "list accounts"));
	list = bw_arena_zero(arena, (size_t)cap + 1, sizeof(*list));
	BW_NEED(list != NULL, MEMORY);
	BW_TRY(bw_sql_prepare(store->db, COLUMNS "ORDER BY a.number", &stmt));
	for (;;) {
		BW_TRY(bw_store_note(store, bw_sql_row(stmt, &found), "list accounts"));
		if (!found || count == (size_t)cap)
			break;
		read_account(stmt, &list[count++]);
	}
	*out = list;
	*out_count = count;
	return BW_OK;
}

/* ---- proofs and grants ------------------------------------------------------------- */

static enum bw_err add_proof(struct bw_store *store, const char *sql, uint32_t number, const uint8_t *proof,
			     struct bw_slice label)
{
	struct bw_account account;
	int rows;

	BW_NEED(label.len <= 256, TOO_BIG);
	BW_TRY(bw_store_account_get(store, number, &account));
	BW_TRY(carry_out(store,
			 &(struct change){ .sql = sql,
					   .numbers = { number, store->now_us() },
					   .number_count = 2,
					   .text = label,
					   .blob = bw_slice_of(proof, BW_ACCOUNT_HASH_BYTES),
					   .doing = "add a proof of identity" },
			 &rows));
	return rows > 0 ? BW_OK : BW_ERR_EXISTS;
}

enum bw_err bw_store_account_add_key(struct bw_store *store, uint32_t number, const uint8_t hash[BW_ACCOUNT_HASH_BYTES],
				     struct bw_slice label)
{
	return add_proof(
		store, "INSERT INTO account_key(account, created, label, hash) VALUES(?,?,?,?) ON CONFLICT DO NOTHING",
		number, hash, label);
}

enum bw_err bw_store_account_add_cert(struct bw_store *store, uint32_t number,
				      const uint8_t print[BW_ACCOUNT_HASH_BYTES], struct bw_slice label)
{
	return add_proof(store,
			 "INSERT INTO account_cert(account, created, label, fingerprint) VALUES(?,?,?,?)"
			 " ON CONFLICT DO NOTHING",
			 number, print, label);
}

#define PROOFS                                                             \
	"SELECT 0, created, label, hash FROM account_key WHERE account=?1" \
	" UNION ALL SELECT 1, created, label, fingerprint FROM account_cert WHERE account=?1 ORDER BY 1, 2"

static enum bw_err read_proof(sqlite3_stmt *stmt, struct bw_arena *arena, struct bw_account_proof *out)
{
	const struct bw_slice print = bw_sql_blob(stmt, 3);

	BW_NEED(print.len == sizeof(out->print), SYNTAX);
	out->certificate = sqlite3_column_int(stmt, 0) != 0;
	out->created_us = sqlite3_column_int64(stmt, 1);
	memcpy(out->print, print.ptr, sizeof(out->print));
	return bw_arena_copy(arena, bw_sql_text(stmt, 2), &out->label);
}

enum bw_err bw_store_account_proofs(struct bw_store *store, uint32_t number, struct bw_arena *arena,
				    struct bw_account_proof **out, size_t *out_count)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	struct bw_account_proof *list = NULL;
	size_t count = 0;
	size_t cap = 0;
	bool found;

	BW_TRY(bw_store_note(store, bw_sql_prepare(store->db, PROOFS, &stmt), "list keys"));
	(void)sqlite3_bind_int64(stmt, 1, number);
	for (;;) {
		BW_TRY(bw_store_note(store, bw_sql_row(stmt, &found), "list keys"));
		if (!found)
			break;
		if (count == cap) {
			struct bw_account_proof *more = bw_arena_zero(arena, 2 * cap + 8, sizeof(*more));

			BW_NEED(more != NULL, MEMORY);
			if (count > 0)
				memcpy(more, list, count * sizeof(*more));
			list = more;
			cap = 2 * cap + 8;
		}
		BW_TRY(read_proof(stmt, arena, &list[count++]));
	}
	*out = list;
	*out_count = count;
	return BW_OK;
}

enum bw_err bw_store_account_revoke(struct bw_store *store, uint32_t number)
{
	struct bw_account account;

	BW_TRY(bw_store_account_get(store, number, &account));
	BW_TRY(carry_out(store,
			 &(struct change){ .sql = "DELETE FROM account_key WHERE account=?",
					   .numbers = { number },
					   .number_count = 1,
					   .doing = "revoke keys" },
			 NULL));
	return carry_out(store,
			 &(struct change){ .sql = "DELETE FROM account_cert WHERE account=?",
					   .numbers = { number },
					   .number_count = 1,
					   .doing = "revoke certificates" },
			 NULL);
}

enum bw_err bw_store_grant_set(struct bw_store *store, uint32_t account, uint16_t collection, enum bw_grant grant)
{
	BW_CLEANUP(bw_sql_finalize) sqlite3_stmt *stmt = NULL;
	struct bw_account found;

	BW_TRY(bw_store_account_get(store, account, &found));
	BW_TRY(bw_store_begin(store));
	BW_TRY(bw_sql_prepare(store->db,
			      grant == BW_GRANT_NONE
				      ? "DELETE FROM account_grant WHERE account=?1 AND collection=?2"
				      : "INSERT INTO account_grant(account, collection, access) VALUES(?1,?2,?3)"
					" ON CONFLICT DO UPDATE SET access=?3",
			      &stmt));
	(void)sqlite3_bind_int64(stmt, 1, account);
	(void)sqlite3_bind_int(stmt, 2, collection);
	if (grant != BW_GRANT_NONE)
		(void)sqlite3_bind_int(stmt, 3, (int)grant);
	BW_TRY(bw_store_do(store, stmt, "set a grant"));
	store->accounts_changed = true;
	return BW_OK;
}

enum bw_err bw_store_grant_get(struct bw_store *store, uint32_t account, uint16_t collection, enum bw_grant *out)
{
	BW_CLEANUP(bw_sql_reset) sqlite3_stmt *stmt = NULL;
	bool found;

	BW_TRY(bw_store_statement(store, BW_SQL_GRANT_GET, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, account);
	(void)sqlite3_bind_int(stmt, 2, collection);
	BW_TRY(bw_store_note(store, bw_sql_row(stmt, &found), "look for a grant"));
	*out = found ? (enum bw_grant)(sqlite3_column_int(stmt, 0) & BW_GRANT_BOTH) : BW_GRANT_NONE;
	return BW_OK;
}
