/* The shelf's inside, shared by its files only. */
#ifndef BW_STORE_SHELF_ROWS_H
#define BW_STORE_SHELF_ROWS_H

#include "store/shelf.h"
#include "store/sql.h"

enum shelf_statement {
	SHELF_TALLY,
	SHELF_TOTALS,
	SHELF_FOLDER_FIND,
	SHELF_FOLDER_ADD,
	SHELF_FOLDER_UPDATE,
	SHELF_FOLDER_GET,
	SHELF_FOLDER_CLEAR,
	SHELF_FOLDER_MOVE,
	SHELF_FOLDER_NOTE,
	SHELF_SETTING_PUT,
	SHELF_SETTING_GET,
	SHELF_PACK_GET,
	SHELF_PACK_ADD,
	SHELF_FILE_FIND,
	SHELF_FILE_ADD,
	SHELF_FILE_AGAIN,
	SHELF_FILE_PLACE,
	SHELF_FILE_NEWEST,
	SHELF_FILE_REMOVE,
	SHELF_VERSION_ADD,
	SHELF_VERSION_GET,
	SHELF_VERSION_NEWEST,
	SHELF_VERSION_PIN,
	SHELF_VERSION_UNPIN,
	SHELF_PIN_ADD,
	SHELF_PIN_REMOVE,
	SHELF_VERSION_DESCRIBE,
	SHELF_VERSION_FEATURES,
	SHELF_VERSION_DROP,
	SHELF_VERSION_MOVE,
	SHELF_VERSION_WEIGH,
	SHELF_PINS_OF,
	SHELF_NAME_HAS,
	SHELF_NAME_OWN,
	SHELF_NAME_ADD,
	SHELF_NAME_GONE,
	SHELF_NAMES_OF,
	SHELF_NAMES_GONE,
	SHELF_NAMES_FORGET,
	SHELF_STATEMENTS
};

struct shelf_waiting;

struct bw_shelf {
	sqlite3 *db;
	sqlite3_stmt *statements[SHELF_STATEMENTS];
	uint64_t next; /* the next version's number */
	bool open;     /* a transaction */
	int log;       /* bw_shelf_log; -1 until it is asked for */
	int file;      /* bw_shelf_reserve; the same */
	bool is_log_synced;
	bool has_names; /* the table is known to be there */
	int64_t files;  /* what the open transaction adds to the tally */
	int64_t versions;
	int64_t kept;
	/* a pack whose row does not say yet by how much its bytes changed */
	uint32_t pack;
	int64_t pack_bytes;
	/* what was added and has no row yet (shelf_add.c): a ring */
	struct shelf_waiting *waiting;
	size_t waiting_first;
	size_t waiting_count;
	/* what the open transaction did, for when its commit finds no room (shelf_redo.c) */
	struct bw_buf redo;
	bool holds;
	bool is_held;    /* a commit found no room */
	bool redo_ended; /* it did more than is remembered */
	bool is_doing_again;
};

/* Prepared at first use, reset and without bindings of the time before. */
BW_MUST_USE enum bw_err bw_shelf_statement(struct bw_shelf *shelf, enum shelf_statement which, sqlite3_stmt **out);

/* A slice nobody filled in is empty bytes, which SQLite would take for NULL. */
static inline void bw_shelf_bind_bytes(sqlite3_stmt *stmt, int at, struct bw_slice bytes)
{
	bw_sql_bind_blob(stmt, at, bw_slice_of(bytes.ptr, bytes.len));
}

BW_MUST_USE enum bw_err bw_shelf_begin(struct bw_shelf *shelf);

/* As bw_sql_done, of a statement that changes something. */
BW_MUST_USE enum bw_err bw_shelf_done(struct bw_shelf *shelf, sqlite3_stmt *stmt);

/* The row of a version and its file's, without totals; what was put so is remembered by the second. */
BW_MUST_USE enum bw_err bw_shelf_put_row(struct bw_shelf *shelf, const struct bw_shelf_version *row);
void bw_shelf_remember_row(struct bw_shelf *shelf, const struct bw_shelf_version *row);

/* After a commit that found no room: all that its transaction did, in a new one. UNSUPPORTED: it is not remembered. */
BW_MUST_USE enum bw_err bw_shelf_do_again(struct bw_shelf *shelf);
void bw_shelf_redo_forget(struct bw_shelf *shelf);

/* Whether the log can have no more blocks, for whatever reason. */
bool bw_shelf_is_full(struct bw_shelf *shelf);

/* The log, open for as long as the shelf is. */
BW_MUST_USE enum bw_err bw_shelf_open_log(struct bw_shelf *shelf);

/* One more row of a folder's history; `meta` empty: it was removed. */
BW_MUST_USE enum bw_err bw_shelf_folder_note(struct bw_shelf *shelf, uint32_t number, int64_t seen_us,
					     struct bw_slice meta);

/* The names of a file that has several (shelf_name.c); `note` is part of its version's row, and done again with it. */
BW_MUST_USE enum bw_err bw_shelf_note_names(struct bw_shelf *shelf, int64_t file, const struct bw_shelf_version *row);
BW_MUST_USE enum bw_err bw_shelf_names_gone(struct bw_shelf *shelf, int64_t file, int64_t when_us);
BW_MUST_USE enum bw_err bw_shelf_names_forget(struct bw_shelf *shelf, int64_t file);

/* Every added version gets its row: before anything is read or changed that could concern one. */
BW_MUST_USE enum bw_err bw_shelf_settle(struct bw_shelf *shelf);
BW_MUST_USE enum bw_err bw_shelf_move_pack(struct bw_shelf *shelf, uint32_t pack, int64_t bytes);
BW_MUST_USE enum bw_err bw_shelf_add_pin(struct bw_shelf *shelf, uint64_t number, uint64_t incident);

struct shelf_file {
	int64_t number;
	uint64_t newest;
};

BW_MUST_USE enum bw_err bw_shelf_find_file(struct bw_shelf *shelf, const struct bw_shelf_key *key,
					   struct shelf_file *out, bool *out_found);

/* True: it has no row yet, and will be written with this content. */
bool bw_shelf_describe_waiting(struct bw_shelf *shelf, uint64_t number, struct bw_slice content);

#endif
