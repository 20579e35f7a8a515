/*
 * What the node remembers. The one door to storage: no SQL outside this room,
 * and nothing here that another engine (PostgreSQL) could not do.
 *
 * Roles: one process per data folder opens as WRITER (a lock file says who);
 * others may open as READER over the same folder and the writer's catalogue.
 *
 * Acknowledged means on disk: what bw_store_put reports counts only after
 * bw_store_commit returned BW_OK; before that, a crash or bw_store_rollback
 * leaves the state before it. Errors that any function may give: DISK_FULL,
 * READ_ONLY, IO, CORRUPT, MEMORY, BUSY; the store stays usable after them.
 */
#ifndef BW_STORE_STORE_H
#define BW_STORE_STORE_H

#include "base/arena.h"
#include "crypto/hash.h"
#include "intel/pick.h"
#include "intel/record.h"

struct bw_store;

enum bw_store_role { BW_STORE_WRITER, BW_STORE_READER };

struct bw_store_options {
	const char *dir; /* the data folder; the store lives in its store/ */
	enum bw_store_role role;
	int catalogue_fd;   /* READER: from bw_store_catalogue_fd of the writer, -1: build an own one */
	size_t cache_bytes; /* SQLite page cache; 0: default */
};

/* EXISTS when there already is one. */
BW_MUST_USE enum bw_err bw_store_create(const char *dir);

/* NOT_FOUND, BUSY (another writer), SCHEMA (newer), CORRUPT. Migrates older schemas (WRITER). */
BW_MUST_USE enum bw_err bw_store_open(const struct bw_store_options *options, struct bw_store **out);
void bw_store_close(struct bw_store *store);

/* Readable words for the last failure, with SQLite's own; never NULL. */
const char *bw_store_why(const struct bw_store *store);

/* Memory file to hand to readers (they map it read-only). Borrowed. */
int bw_store_catalogue_fd(const struct bw_store *store);

/* ---- collections ------------------------------------------------------ */

enum { BW_UUID_TEXT = 37, BW_TITLE_MAX = 256, BW_DESCRIPTION_MAX = 2048, BW_ALIAS_MAX = 64, BW_MARKING_TEXT = 64 };

struct bw_collection {
	uint16_t number; /* small, never reused: how rows name it */
	char id[BW_UUID_TEXT];
	char title[BW_TITLE_MAX];
	char description[BW_DESCRIPTION_MAX];
	char alias[BW_ALIAS_MAX]; /* "" when none; unique */
	/* id of the marking definition that holds for what bears none; "" when there is none */
	char marking[BW_MARKING_TEXT];
	bool is_inbound;               /* a partner's: store/provenance.h */
	uint8_t node[BW_SHA256_BYTES]; /* which partner's */
	uint64_t object_count;         /* live rows */
	int64_t last_added_us;         /* 0 when empty */
};

/* Fills number. EXISTS when id or alias is taken. In the open transaction. */
BW_MUST_USE enum bw_err bw_store_collection_add(struct bw_store *store, struct bw_collection *collection);

/* Removes the collection and every row of it (versions kept elsewhere stay elsewhere). */
BW_MUST_USE enum bw_err bw_store_collection_remove(struct bw_store *store, uint16_t number);

/* Sets the marking that holds for what bears none; "" takes it away. NOT_FOUND, TOO_BIG. In the open transaction. */
BW_MUST_USE enum bw_err bw_store_collection_mark(struct bw_store *store, uint16_t number, struct bw_slice marking);

/* Whether the collection has not been removed. */
BW_MUST_USE enum bw_err bw_store_collection_is_there(struct bw_store *store, uint16_t number, bool *out);

/* By id or alias. NOT_FOUND. */
BW_MUST_USE enum bw_err bw_store_collection_find(struct bw_store *store, struct bw_slice name,
						 struct bw_collection *out);

/* All, in the order they were made; array in `arena`. */
BW_MUST_USE enum bw_err bw_store_collections(struct bw_store *store, struct bw_arena *arena, struct bw_collection **out,
					     size_t *out_count);

/* ---- objects in ------------------------------------------------------- */

enum bw_put_outcome {
	BW_PUT_ADDED,     /* new in this collection */
	BW_PUT_DUPLICATE, /* the same version with the same content is already there: no error (TAXII §5.5) */
	BW_PUT_CONFLICT,  /* same version, other content: the first stays, this one is recorded in `conflicts` */
	BW_PUT_REVOKED,   /* the object is revoked: no later version (STIX §3.6.2) */
	BW_PUT_ERASED,    /* erased by an operator: refused */
};

struct bw_put {
	enum bw_put_outcome outcome;
	int64_t date_added_us; /* of the stored row (ADDED, DUPLICATE) */
};

/*
 * Puts `count` records into a collection, in order, in the open transaction
 * (opened when there is none). `out` has `count` rows. All or nothing on error.
 */
BW_MUST_USE enum bw_err bw_store_put(struct bw_store *store, uint16_t collection, const struct bw_record *records,
				     size_t count, struct bw_put *out);

/*
 * One request among those that share a transaction. bw_store_part_end keeps what came since the begin, or, with
 * an error, undoes that and nothing else, and gives the error. Not nested. When bw_store_is_lost says
 * so after it, the engine has given up the whole transaction, and commit will fail with that error.
 */
BW_MUST_USE enum bw_err bw_store_part_begin(struct bw_store *store);
BW_MUST_USE enum bw_err bw_store_part_end(struct bw_store *store, enum bw_err err);
bool bw_store_is_lost(const struct bw_store *store);

/* Makes everything since the last commit durable (fsync) and then visible to readers. */
BW_MUST_USE enum bw_err bw_store_commit(struct bw_store *store);
void bw_store_rollback(struct bw_store *store);

/* Date added of the newest row that a page may show now; 0 when there is none. */
int64_t bw_store_newest(const struct bw_store *store);

/* ---- objects out ------------------------------------------------------ */

struct bw_query {
	uint16_t collection;
	int64_t added_after_us;     /* rows strictly after; -1: from the start */
	uint32_t limit;             /* 1..BW_PAGE_MAX rows */
	size_t max_bytes;           /* a page ends before it would pass this (one row always fits) */
	const struct bw_slice *ids; /* match[id], OR; count 0: all */
	size_t id_count;
	const struct bw_slice *types; /* match[type], OR; any name */
	size_t type_count;
	unsigned picks;                  /* BW_PICK_*; 0 with version_count 0 means LAST */
	const struct bw_slice *versions; /* exact instants, OR with picks */
	size_t version_count;
	/* match[spec_version] as "2.0" / "2.1"; count 0: only the newest the store has of each object */
	const struct bw_slice *specs;
	size_t spec_count;
	bool bodies;  /* false: rows without body (manifest, versions) */
	bool origins; /* where each row came from too */
};

struct bw_provenance;

struct bw_row {
	int64_t date_added_us;
	struct bw_slice id;
	struct bw_slice version; /* exact text; for content versions the date added as a TAXII timestamp */
	uint8_t spec_major, spec_minor;
	struct bw_slice body;
	/* when origins are asked for */
	const struct bw_provenance *from; /* NULL: it has none */
	uint16_t first_collection;        /* through which the object first came here: bw_store_creator */
};

struct bw_page {
	struct bw_row *rows; /* ascending date_added; in the arena */
	size_t count;
	bool more;          /* rows that match remain after the last one here */
	int64_t scanned_us; /* where to go on when `more`: added_after of the next page */
	bool known;         /* with ids: one of them has a live row in the collection, whatever else is asked */
};

/* READER or WRITER. The arena holds the page. */
BW_MUST_USE enum bw_err bw_store_page(struct bw_store *store, const struct bw_query *query, struct bw_arena *arena,
				      struct bw_page *out);

/*
 * Removes rows of one object from a collection (TAXII DELETE): `query` uses ids
 * (one), versions, picks (0: all) and specs. NOT_FOUND when the object is not there. In the open transaction.
 */
BW_MUST_USE enum bw_err bw_store_delete(struct bw_store *store, const struct bw_query *query, uint64_t *out_removed);

/*
 * Erases an object for good, in every collection: rows, indexes, WAL; the file
 * at the next compact. Its id is remembered as a salted hash so that it is refused if it returns and
 * removed again when an old backup is restored.
 */
BW_MUST_USE enum bw_err bw_store_erase(struct bw_store *store, struct bw_slice id, struct bw_slice reason,
				       uint64_t *out_removed);

/* ---- generations: what a cache may trust ------------------------------- */

/* Shared page of counters (memory file, readers map it read-only; see store/bulletin.h). Borrowed. */
int bw_store_bulletin_fd(const struct bw_store *store);

#endif
