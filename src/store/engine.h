/* The inside of the store, shared by the files of this room. */
#ifndef BW_STORE_ENGINE_H
#define BW_STORE_ENGINE_H

#include "store/audit.h"
#include "store/bulletin.h"
#include "store/catalogue.h"
#include "store/lineage.h"
#include "store/provenance.h"
#include "store/sql.h"
#include "store/store.h"
#include "sys/files.h"

/*
 * Every statement on the way of an object, prepared at first use and kept.
 */
#define BW_STATEMENT_ROWS(X)                                                                              \
	X(BEGIN, "BEGIN IMMEDIATE")                                                                       \
	X(COMMIT, "COMMIT")                                                                               \
	X(ROLLBACK, "ROLLBACK")                                                                           \
	X(SAVE, "SAVEPOINT one")                                                                          \
	X(SAVE_UNDO, "ROLLBACK TO one")                                                                   \
	X(SAVE_KEEP, "RELEASE one")                                                                       \
	X(CHANGE_ADD, "INSERT INTO change(added, flags) VALUES(?,?)")                                     \
	X(CHANGE_CLEAR, "DELETE FROM change WHERE added <= ?")                                            \
	X(SEGMENT_ADD, "INSERT INTO segment(number, row_count, last_added, columns) VALUES(?,?,?,?)")     \
	X(SEGMENT_FLAGS, "INSERT INTO segment_flags(number, flags) VALUES(?1,?2)"                         \
			 " ON CONFLICT(number) DO UPDATE SET flags=?2")                                   \
	X(CONFLICT_ADD, "INSERT INTO conflict(seen, collection, id, version, kept, refused)"              \
			" VALUES(?,?,?,?,?,?)")                                                           \
	X(ERASED_FIND, "SELECT 1 FROM erased WHERE id_hash=?")                                            \
	X(TYPE_ADD, "INSERT INTO type_name(number, name) VALUES(?,?)")                                    \
	X(SETTING_GET, "SELECT value FROM setting WHERE name=?")                                          \
	X(SETTING_PUT, "INSERT INTO setting(name, value) VALUES(?1,?2)"                                   \
		       " ON CONFLICT(name) DO UPDATE SET value=?2")                                       \
	X(AUDIT_ADD, "INSERT INTO audit(seq, time, line) VALUES(?,?,?)")                                  \
	X(STATUS_PUT, "INSERT INTO status(id, account, time, body) VALUES(?,?,?,?)")                      \
	X(STATUS_GET, "SELECT body FROM status WHERE id=?1 AND (?2 = 0 OR account=?2) AND time > ?3")     \
	X(STATUS_PRUNE,                                                                                   \
	  "DELETE FROM status WHERE id IN (SELECT id FROM status WHERE time <= ? ORDER BY time LIMIT ?)") \
	X(GRANT_GET, "SELECT access FROM account_grant WHERE account=? AND collection=?")                 \
	X(ROUTE_FIND, "SELECT number FROM route WHERE node=? AND accord=? AND path=?")                    \
	X(ROUTE_ADD, "INSERT INTO route(node, accord, path) VALUES(?,?,?)")                               \
	X(FROM_ADD, "INSERT INTO provenance(added, route, entry, until, policy) VALUES(?,?,?,?,?)")       \
	X(FROM_GET, "SELECT p.entry, p.policy, r.node, r.accord, r.path FROM provenance p"                \
		    " JOIN route r ON r.number = p.route WHERE p.added=?")                                \
	X(FROM_NARROW, "UPDATE provenance SET policy=?2, until=?3 WHERE added=?1")                        \
	X(FROM_DROP, "DELETE FROM provenance WHERE added=?")                                              \
	X(FROM_OVER, "SELECT added FROM provenance WHERE until <= ? ORDER BY until LIMIT ?")
enum bw_statement {
#define X(name, sql) BW_SQL_##name,
	BW_STATEMENT_ROWS(X)
#undef X
		BW_STATEMENT_COUNT
};

/*
 * The same for the tables of rows, of which each lane (lane.c) has its own: # is the lane's number.
 * Those that read stand first. Columns in the order of ROW: id, version, flags, hash, body_at, body.
 */
#define BW_LANE_STATEMENT_ROWS(X)                                                                      \
	X(HEAD, "SELECT id, version, flags, hash, body_at FROM entry_# WHERE added=?")                 \
	X(ROW, "SELECT id, version, flags, hash, body_at, body FROM entry_# WHERE added=?")            \
	X(BODY, "SELECT body FROM entry_# WHERE added=?")                                              \
	X(TERMS, "SELECT terms FROM entry_# WHERE added=?")                                            \
	X(ADD, "INSERT INTO entry_#(added, collection, type, flags, id, version, hash, body_at, body," \
	       " terms) VALUES(?,?,?,?,?,?,?,?,?,?)")                                                  \
	X(DROP, "DELETE FROM entry_# WHERE added=?")                                                   \
	X(ADOPT, "UPDATE entry_# SET body=?2, terms=?3, body_at=NULL WHERE added=?1")                  \
	X(POINT, "UPDATE entry_# SET body_at=?2 WHERE added=?1")                                       \
	X(FORGET, "INSERT INTO forget(added, terms) SELECT e.added, coalesce(e.terms, (SELECT o.terms" \
		  " FROM entry_# o WHERE o.added = e.body_at)) FROM entry_# e WHERE e.added=?")
enum bw_lane_statement {
#define X(name, sql) BW_LANE_##name,
	BW_LANE_STATEMENT_ROWS(X)
#undef X
		BW_LANE_STATEMENT_COUNT,
	BW_LANE_READ_LAST = BW_LANE_TERMS
};

enum {
	BW_LANES = 64,
	BW_LANE_SHARED_FIRST = 56, /* of custom types; one type each below it */
};

struct bw_lane {
	sqlite3_stmt *statements[BW_LANE_STATEMENT_COUNT];
};

enum {
	BW_SEGMENT_ROWS = 65536,
	BW_KEY_BYTES = 16,
	BW_SALT_BYTES = 32,
	BW_TYPE_CUSTOM_FIRST = 64, /* numbers of custom type names: 64..254 */
};

/* Where a step began. */
struct bw_step {
	struct bw_cat_mark mark;
	int64_t last_added_us;
};

struct bw_type_names {
	char *names[256];
	bool known; /* false: read them again at the next use */
};

/* A partner's objects come by one route for long: its number is looked up once. */
struct bw_route_seen {
	int64_t number; /* 0: none */
	uint8_t hash[BW_SHA256_BYTES];
};

struct bw_store {
	char dir[BW_PATH_BYTES]; /* the store's own folder */
	enum bw_store_role role;
	int lock_fd;
	sqlite3 *db;
	sqlite3_stmt *statements[BW_STATEMENT_COUNT];
	struct bw_lane lanes[BW_LANES];
	struct bw_catalogue cat;
	struct bw_lineages *lineages; /* of objects with many versions; the writer's, in a transaction */
	struct bw_bulletin bulletin;
	struct bw_type_names types;
	uint8_t key[BW_KEY_BYTES];   /* of fingerprints */
	uint8_t salt[BW_SALT_BYTES]; /* of the memory of erasures */
	uint64_t erased_count;       /* committed */
	uint64_t erased_added;       /* in the open transaction */
	bool wipe_due;               /* an erasure waits for the WAL to be emptied */
	bool in_transaction;
	struct bw_step part;                           /* the request at work: bw_store_part_begin */
	enum bw_err lost;                              /* the transaction is gone already: why commit must fail */
	int64_t last_added_us;                         /* in the open transaction */
	int64_t kept_added_us;                         /* committed */
	uint64_t saved_rows;                           /* rows that lie in segments */
	uint64_t saved_next;                           /* … once the open transaction commits */
	bool dirty[BW_CAT_ROWS_MAX / BW_SEGMENT_ROWS]; /* segments whose flags changed since they were saved */
	bool saving;                                   /* the open transaction saves flags */
	uint64_t change_rows;                          /* in the change table, about */
	bool accounts_changed;
	bool catalog_changed;
	bool touched[1 << 16]; /* collections the open transaction touches */
	struct bw_buf scratch;
	struct bw_buf terms;
	int64_t (*now_us)(void);         /* the clock; tests set their own */
	struct bw_audit_head audit_head; /* with what the open transaction added */
	struct bw_route_seen route;      /* the last one, with what the open transaction added */
	bool audit_known;
	struct bw_index *index; /* opened at first use; see index.c */
	size_t cache_bytes;
	int checkpoint_pages; /* of WAL, after which it is copied into the file */
	int restart_due;      /* pages at which the next try to begin the WAL anew is due */
	struct bw_why why;
};

/* Records why, for bw_store_why, and passes `err` on. */
enum bw_err bw_store_note(struct bw_store *store, enum bw_err err, const char *doing);

/* The prepared statement, reset and without bindings. */
BW_MUST_USE enum bw_err bw_store_statement(struct bw_store *store, enum bw_statement which, sqlite3_stmt **out);

/* Runs a statement that was bound; notes why it failed. */
BW_MUST_USE enum bw_err bw_store_do(struct bw_store *store, sqlite3_stmt *stmt, const char *doing);

/* Opens the transaction when there is none. USAGE for a reader. */
BW_MUST_USE enum bw_err bw_store_begin(struct bw_store *store);

/* All or nothing inside a transaction: keep or undo what came after bw_step_begin. They nest. */
BW_MUST_USE enum bw_err bw_step_begin(struct bw_store *store, struct bw_step *out);
BW_MUST_USE enum bw_err bw_step_end(struct bw_store *store, const struct bw_step *step, enum bw_err err);

/* The next date added: the clock, or one more than the last when the clock is not ahead of it. */
int64_t bw_store_next_added(struct bw_store *store);

void bw_store_touch(struct bw_store *store, uint16_t collection);

/* ---- schema.c --------------------------------------------------------------- */

enum { BW_SCHEMA_VERSION = 3, BW_APPLICATION_ID = 0x42776b52 }; /* "BwkR" */

BW_MUST_USE enum bw_err bw_schema_create(sqlite3 *db);

/* NOT one of ours: CORRUPT; newer: SCHEMA; older: migrated when `may_write`. */
BW_MUST_USE enum bw_err bw_schema_check(sqlite3 *db, bool may_write);

/* ---- lane.c: one table a type ------------------------------------------------- */

/* The lane of the catalogue's type byte. */
unsigned bw_lane_of(uint8_t type);

/* The prepared statement; whoever uses one that reads resets it first. */
BW_MUST_USE enum bw_err bw_lane_statement(struct bw_store *store, enum bw_lane_statement which, unsigned lane,
					  sqlite3_stmt **out);

/* Ends the statements that read, so that they hold no lock. */
void bw_lanes_done(struct bw_store *store);
void bw_lanes_finalize(struct bw_store *store);

/* Schema 2: the tables, the view `entry` over them all, and the rows of schema 1's one table in them. */
BW_MUST_USE enum bw_err bw_lanes_make(sqlite3 *db);

/* ---- segment.c ---------------------------------------------------------------- */

/* Fills the catalogue from segments, tail and changes; from the rows alone when those do not fit. */
BW_MUST_USE enum bw_err bw_segments_load(struct bw_store *store);

/* In the open transaction, before its COMMIT: saves what is due. */
BW_MUST_USE enum bw_err bw_segments_save(struct bw_store *store);

/* After COMMIT or ROLLBACK. */
void bw_segments_settle(struct bw_store *store, bool committed);

/* Drops the saved segments, so that the next save writes them all anew. */
BW_MUST_USE enum bw_err bw_segments_drop(struct bw_store *store);

/* ---- entry.c: one row ------------------------------------------------------------ */

struct bw_entry {
	struct bw_slice id;
	struct bw_slice version; /* exact text, or the date added for content versions */
	uint8_t flags;           /* as it arrived */
	struct bw_slice hash;
	int64_t body_at; /* 0: its own */
	struct bw_slice body;
	char version_text[28];
};

/* Slices live until the statement's next use. NOT_FOUND. */
BW_MUST_USE enum bw_err bw_entry_head(struct bw_store *store, uint64_t row, struct bw_entry *out);

/* The same with its body, its own or shared. */
BW_MUST_USE enum bw_err bw_entry_full(struct bw_store *store, uint64_t row, struct bw_entry *out);

/* Its packed terms, its own or those of the body it shares. */
BW_MUST_USE enum bw_err bw_entry_terms(struct bw_store *store, uint64_t row, struct bw_buf *out);

/* Ends the statements behind the three, so that they hold no lock. */
void bw_entry_done(struct bw_store *store);

/*
 * Newest row of the object, verified by its id; `rows` as in bw_cat_find.
 * BW_CAT_NONE when the store never had it. Reads one row when there is a candidate.
 */
BW_MUST_USE enum bw_err bw_entry_find(struct bw_store *store, struct bw_slice id, uint64_t rows, int64_t *out);

/* Remembers the chain when its walk was a long one and this is the writer at work; else NULL. */
struct bw_lineage *bw_chain_learn(struct bw_store *store, int64_t newest, size_t walked);

/* Order of two versions in time, whatever their precision. */
int bw_version_compare(struct bw_slice a, struct bw_slice b);

/* Fingerprint of a version: of its instant, or of its content. */
uint32_t bw_version_mark(const struct bw_store *store, struct bw_slice version);
uint32_t bw_content_mark(const uint8_t hash[BW_HASH_BYTES]);

/* The byte of a type, with a number for a new custom name when `add`; BW_CAT_TYPE_OTHER when there is none. */
BW_MUST_USE enum bw_err bw_type_number(struct bw_store *store, enum bw_stix_type type, struct bw_slice name, bool add,
				       uint8_t *out);
BW_MUST_USE enum bw_err bw_types_load(struct bw_store *store);
void bw_types_release(struct bw_store *store);

/* What an erased id is remembered by. */
BW_MUST_USE enum bw_err bw_erased_hash(const struct bw_store *store, struct bw_slice id, uint8_t out[32]);

/* Recomputes the flags of every live row of the object in one collection. */
BW_MUST_USE enum bw_err bw_chain_judge(struct bw_store *store, int64_t newest, uint16_t collection);

/* Whether bw_chain_judge would change nothing, in any collection of the chain. */
BW_MUST_USE enum bw_err bw_chain_is_judged(struct bw_store *store, int64_t newest, bool *out);

/* Removes one row: its entry, its flags; hands its body on to those who share it when `keep_body`. */
BW_MUST_USE enum bw_err bw_entry_remove(struct bw_store *store, uint64_t row, int64_t newest, bool keep_body);

/*
 * The collection of the oldest row of the object that `row` is a version of. `firsts` (zeroed at first) remembers what
 * was found: rows in order of date added cost one step each, however many versions there are.
 */
enum { BW_CHAIN_FIRSTS = 1024 };
struct bw_chain_firsts {
	struct {
		uint32_t row; /* plus one */
		uint16_t collection;
	} of[BW_CHAIN_FIRSTS];
};
uint16_t bw_chain_first(const struct bw_catalogue *cat, uint64_t row, struct bw_chain_firsts *firsts);

/* ---- provenance.c ---------------------------------------------------------------- */

/* Keeps where a record came from beside what became of it. */
BW_MUST_USE enum bw_err bw_provenance_keep(struct bw_store *store, const struct bw_provenance *from,
					   const struct bw_put *put);

/* The row goes. */
BW_MUST_USE enum bw_err bw_provenance_drop(struct bw_store *store, int64_t date_added_us);

/* ---- page.c, remove.c, index.c, for one another ------------------------------------- */

/* Rows of one object in the query's collection that the query selects; picks 0: all, no specs: every one. */
BW_MUST_USE enum bw_err bw_page_select(struct bw_store *store, const struct bw_query *query, struct bw_arena *arena,
				       int64_t newest, uint32_t **out, size_t *out_count);

/* Does another collection have live rows of the object? Only such a one can share a body. */
bool bw_chain_is_elsewhere(const struct bw_store *store, int64_t newest, uint16_t collection);

/* No date added is ever given twice, even when the newest rows are gone: in the open transaction, before they go. */
BW_MUST_USE enum bw_err bw_store_keep_floor(struct bw_store *store);

/* Removes every row of a collection. */
BW_MUST_USE enum bw_err bw_collection_empty(struct bw_store *store, uint16_t number);

/* In the open transaction: the row's terms must leave the indexes (they do at the next index step). */
BW_MUST_USE enum bw_err bw_index_forget(struct bw_store *store, uint64_t row);
void bw_index_close(struct bw_store *store);

#endif
