/*
 * Adding versions. A row waits in memory until the transaction ends, somebody looks, or too many wait: by then the
 * features of its content have mostly come (bw_shelf_features), and it is written once instead of twice.
 */
#include <stdlib.h>

#include "store/shelf_rows.h"

enum {
	WAITING_MAX = 1024,
	WAITING_BYTES = 768, /* a name, and metadata with two ACLs; what has more does not wait */
};

struct shelf_waiting {
	struct bw_shelf_version row; /* borrows from the rest */
	uint8_t content[BW_SHELF_CONTENT_BYTES];
	uint8_t bytes[WAITING_BYTES];
};

/* ---- rows ---------------------------------------------------------------------------------- */

static enum bw_err add_file(struct bw_shelf *shelf, const struct bw_shelf_version *version, uint64_t newest,
			    int64_t *out)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_shelf_statement(shelf, SHELF_FILE_ADD, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, (int64_t)version->key.ino);
	(void)sqlite3_bind_int64(stmt, 2, (int64_t)version->key.tree);
	(void)sqlite3_bind_int64(stmt, 3, version->key.gen);
	(void)sqlite3_bind_int64(stmt, 4, version->folder);
	bw_shelf_bind_bytes(stmt, 5, version->name);
	(void)sqlite3_bind_int64(stmt, 6, (int64_t)newest);
	BW_TRY(bw_sql_done(stmt));
	*out = sqlite3_last_insert_rowid(shelf->db);
	shelf->files++;
	return BW_OK;
}

/* It is there again, or still. `newest` 0: as it was. */
static enum bw_err file_again(struct bw_shelf *shelf, int64_t file, const struct bw_shelf_version *version,
			      uint64_t newest)
{
	sqlite3_stmt *stmt;

	BW_TRY(bw_shelf_statement(shelf, SHELF_FILE_AGAIN, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, file);
	(void)sqlite3_bind_int64(stmt, 2, version->folder);
	bw_shelf_bind_bytes(stmt, 3, version->name);
	(void)sqlite3_bind_int64(stmt, 4, (int64_t)newest);
	return bw_sql_done(stmt);
}

static enum bw_err write_pack(struct bw_shelf *shelf)
{
	sqlite3_stmt *stmt;

	if (shelf->pack_bytes == 0)
		return BW_OK;
	BW_TRY(bw_shelf_begin(shelf));
	BW_TRY(bw_shelf_statement(shelf, SHELF_PACK_ADD, &stmt));
	(void)sqlite3_bind_int64(stmt, 1, shelf->pack);
	(void)sqlite3_bind_int64(stmt, 2, shelf->pack_bytes);
	BW_TRY(bw_shelf_done(shelf, stmt));
	shelf->pack_bytes = 0;
	return BW_OK;
}

/* Neighbours mostly lie in one pack, whose row is written once for all of them. */
enum bw_err bw_shelf_move_pack(struct bw_shelf *shelf, uint32_t pack, int64_t bytes)
{
	if (pack == 0)
		return BW_OK;
	if (pack != shelf->pack)
		BW_TRY(write_pack(shelf));
	shelf->pack = pack;
	shelf->pack_bytes += bytes;
	return BW_OK;
}

static enum bw_err insert_version(struct bw_shelf *shelf, int64_t file, const struct bw_shelf_version *version)
{
	sqlite3_stmt *stmt;
	int at = 0;

	BW_TRY(bw_shelf_statement(shelf, SHELF_VERSION_ADD, &stmt));
	(void)sqlite3_bind_int64(stmt, ++at, (int64_t)version->number);
	(void)sqlite3_bind_int64(stmt, ++at, file);
	(void)sqlite3_bind_int64(stmt, ++at, version->folder);
	bw_shelf_bind_bytes(stmt, ++at, version->name);
	(void)sqlite3_bind_int64(stmt, ++at, version->taken_us);
	(void)sqlite3_bind_int64(stmt, ++at, version->mtime_us);
	(void)sqlite3_bind_int64(stmt, ++at, (int64_t)version->size);
	(void)sqlite3_bind_int64(stmt, ++at, version->pack);
	(void)sqlite3_bind_int64(stmt, ++at, (int64_t)version->at);
	(void)sqlite3_bind_int64(stmt, ++at, (int64_t)version->kept_bytes);
	(void)sqlite3_bind_int64(stmt, ++at, version->kind);
	(void)sqlite3_bind_int64(stmt, ++at, (int64_t)version->before);
	(void)sqlite3_bind_int64(stmt, ++at, (int64_t)version->incident);
	(void)sqlite3_bind_int64(stmt, ++at, version->state);
	bw_shelf_bind_bytes(stmt, ++at, bw_slice_of(version->sum, sizeof(version->sum)));
	bw_shelf_bind_bytes(stmt, ++at, version->meta);
	bw_shelf_bind_bytes(stmt, ++at, version->content);
	(void)sqlite3_bind_int64(stmt, ++at, version->actor);
	return bw_sql_done(stmt);
}

enum bw_err bw_shelf_put_row(struct bw_shelf *shelf, const struct bw_shelf_version *version)
{
	const uint64_t newest = version->state == BW_SHELF_GOOD ? version->number : 0;
	struct bw_shelf_version row = *version;
	struct shelf_file file = { 0 };
	bool found = false;

	BW_TRY(bw_shelf_find_file(shelf, &row.key, &file, &found));
	if (found && row.several) /* while its row still has the name before this one */
		BW_TRY(bw_shelf_note_names(shelf, file.number, &row));
	if (!found)
		BW_TRY(add_file(shelf, &row, newest, &file.number));
	else
		BW_TRY(file_again(shelf, file.number, &row, newest));
	if (!found && row.several)
		BW_TRY(bw_shelf_note_names(shelf, file.number, &row));
	row.before = file.newest;
	BW_TRY(insert_version(shelf, file.number, &row));
	return row.incident != 0 ? bw_shelf_add_pin(shelf, row.number, row.incident) : BW_OK;
}

static enum bw_err write_row(struct bw_shelf *shelf, const struct bw_shelf_version *version)
{
	BW_TRY(bw_shelf_begin(shelf));
	BW_TRY(bw_shelf_put_row(shelf, version));
	bw_shelf_remember_row(shelf, version);
	BW_TRY(bw_shelf_move_pack(shelf, version->pack, (int64_t)version->kept_bytes));
	shelf->versions++;
	shelf->kept += (int64_t)version->kept_bytes;
	return BW_OK;
}

/* ---- what waits ------------------------------------------------------------------------------ */

static struct shelf_waiting *waiting_at(const struct bw_shelf *shelf, size_t place)
{
	return &shelf->waiting[(shelf->waiting_first + place) % WAITING_MAX];
}

/* The oldest, until at most `left` still wait. What could not be written waits on. */
static enum bw_err write_waiting(struct bw_shelf *shelf, size_t left)
{
	while (shelf->waiting_count > left) {
		BW_TRY(write_row(shelf, &waiting_at(shelf, 0)->row));
		shelf->waiting_first = (shelf->waiting_first + 1) % WAITING_MAX;
		shelf->waiting_count--;
	}
	return BW_OK;
}

enum bw_err bw_shelf_settle(struct bw_shelf *shelf)
{
	BW_TRY(write_waiting(shelf, 0));
	return write_pack(shelf);
}

bool bw_shelf_describe_waiting(struct bw_shelf *shelf, uint64_t number, struct bw_slice content)
{
	struct shelf_waiting *waiting;

	/* numbers follow one another, and the last one given is the last that waits */
	if (number >= shelf->next || shelf->next - number > shelf->waiting_count)
		return false;
	waiting = waiting_at(shelf, shelf->waiting_count - (size_t)(shelf->next - number));
	memcpy(waiting->content, content.ptr, sizeof(waiting->content));
	waiting->row.content = bw_slice_of(waiting->content, sizeof(waiting->content));
	return true;
}

static void copy_to(uint8_t *to, struct bw_slice bytes)
{
	if (bytes.len > 0)
		memcpy(to, bytes.ptr, bytes.len);
}

static void wait_with(struct bw_shelf *shelf, const struct bw_shelf_version *row)
{
	struct shelf_waiting *waiting = waiting_at(shelf, shelf->waiting_count++);

	waiting->row = *row;
	copy_to(waiting->bytes, row->name);
	copy_to(waiting->bytes + row->name.len, row->meta);
	copy_to(waiting->content, row->content);
	waiting->row.name = bw_slice_of(waiting->bytes, row->name.len);
	waiting->row.meta = bw_slice_of(waiting->bytes + row->name.len, row->meta.len);
	waiting->row.content = bw_slice_of(waiting->content, row->content.len);
}

static enum bw_err add_row(struct bw_shelf *shelf, const struct bw_shelf_version *row)
{
	if (row->name.len + row->meta.len > WAITING_BYTES) {
		BW_TRY(bw_shelf_settle(shelf));
		return write_row(shelf, row);
	}
	if (shelf->waiting_count == WAITING_MAX) /* the younger half may still be described */
		BW_TRY(write_waiting(shelf, WAITING_MAX / 2));
	wait_with(shelf, row);
	return BW_OK;
}

enum bw_err bw_shelf_add(struct bw_shelf *shelf, struct bw_shelf_version *version)
{
	struct bw_shelf_version row = *version;

	BW_NEED(row.name.len <= BW_SHELF_NAME_BYTES && row.meta.len <= BW_SHELF_META_BYTES_MAX, TOO_BIG);
	BW_NEED(row.content.len == 0 || row.content.len == BW_SHELF_CONTENT_BYTES, RANGE);
	if (shelf->waiting == NULL)
		shelf->waiting = calloc(WAITING_MAX, sizeof(*shelf->waiting));
	BW_NEED(shelf->waiting != NULL, MEMORY);
	row.number = shelf->next;
	BW_TRY(add_row(shelf, &row));
	shelf->next++;
	version->number = row.number;
	return BW_OK;
}
