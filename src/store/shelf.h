/*
 * The shelf: the guard's catalogue of file versions, one SQLite database in each
 * shadow store. It knows which version of which file lies where; the contents themselves
 * lie beside it in packs and objects and are not this room's.
 *
 * One writer. Changes happen in one open transaction; bw_shelf_commit ends it. A
 * commit survives a killed process at once and a power cut once bw_shelf_sync
 * has returned (WAL with synchronous=NORMAL; sync is an fsync of the log). Whoever
 * writes contents makes them durable before bw_shelf_sync.
 *
 * Names and paths are bytes as the kernel gives them, never assumed to be UTF-8; no NUL inside.
 * Errors besides those named: DISK_FULL, IO, CORRUPT, MEMORY, BUSY (another writer).
 */
#ifndef BW_STORE_SHELF_H
#define BW_STORE_SHELF_H

#include "base/arena.h"
#include "sys/why.h"

enum {
	BW_SHELF_HANDLE_BYTES = 24, /* guard/key.h */
	BW_SHELF_NAME_BYTES = 255,
	BW_SHELF_META_BYTES_MAX = 128 * 1024, /* two times what xattr(7) allows in practice */
	BW_SHELF_CONTENT_BYTES = 24,          /* features of the content, opaque here */
	BW_SHELF_SUM_BYTES = 16,
};

struct bw_shelf;

struct bw_shelf_key {
	uint64_t ino;
	uint64_t tree;
	uint32_t gen;
};

struct bw_shelf_folder {
	uint32_t number;      /* 1.. */
	struct bw_slice path; /* below the file system's mount, no slash at either end; "" is the mount itself */
	struct bw_slice handle;
	int handle_type;
	struct bw_slice meta; /* guard/meta.h; empty: not known, or (put) as it was */
};

enum bw_shelf_state {
	BW_SHELF_GOOD, /* as its user left it */
	/* taken while an incident touched it, or its content looks destroyed; never pushes a good one out */
	BW_SHELF_DOUBTFUL,
	BW_SHELF_FUZZY, /* changed while it was read, three times: a copy of a file in motion */
};

struct bw_shelf_version {
	uint64_t number; /* rises with time; 0 is none */
	struct bw_shelf_key key;
	uint32_t folder;
	struct bw_slice name;
	int64_t taken_us; /* when its content was read */
	int64_t mtime_us; /* of the file, for thinning and for people */
	uint64_t size;
	uint32_t pack;       /* 0: an object file named by its number; else the pack */
	uint64_t at;         /* offset in the pack */
	uint64_t kept_bytes; /* on disk, for the quota: 0 for a reflink */
	uint32_t kind;       /* file type bits of its mode (S_IFREG, S_IFLNK) */
	uint64_t before;     /* the version before of the same file; 0: none, or thinned away */
	uint64_t incident;   /* pinned by it (the first of several): not thinned while it is open; 0: none */
	uint32_t state;      /* enum bw_shelf_state */
	uint32_t actor;      /* who made it, as far as a budget needs to know; 0: nobody knows */
	bool several;        /* add: its file has other names beside this one (bw_shelf_names); else false */
	uint8_t sum[BW_SHELF_SUM_BYTES];
	struct bw_slice meta;
	struct bw_slice content; /* BW_SHELF_CONTENT_BYTES, or empty when not known yet */
};

struct bw_shelf_totals {
	uint64_t files; /* that exist, or whose last version is still kept */
	uint64_t versions;
	uint64_t kept_bytes;
	int64_t oldest_us; /* BW_TIME_MIN when there is none */
};

/* Makes an empty one. EXISTS. */
BW_MUST_USE enum bw_err bw_shelf_create(const char *path, struct bw_why *why);

/*
 * NOT_FOUND, SCHEMA (a newer Breakwater's). A writer brings an older one's up to date; for a reader that is VERSION.
 * `read_only` beside a writer is fine.
 */
BW_MUST_USE enum bw_err bw_shelf_open(const char *path, bool read_only, struct bw_shelf **out, struct bw_why *why);
void bw_shelf_close(struct bw_shelf *shelf); /* rolls back what was not committed; NULL allowed */

/*
 * DISK_FULL: all of it is lost; but not on a shelf that holds: there it waits, as if nobody had tried to commit, for a
 * commit that finds room. MEMORY: it would, and is more than 64 MiB; that is lost.
 */
BW_MUST_USE enum bw_err bw_shelf_commit(struct bw_shelf *shelf);
BW_MUST_USE enum bw_err bw_shelf_sync(struct bw_shelf *shelf); /* commits first */

/*
 * The same for somebody who waits for the disk beside the writer: commits, and *out_fd, borrowed, is what
 * fdatasync puts there. The first call waits itself, for the log's name too.
 */
BW_MUST_USE enum bw_err bw_shelf_log(struct bw_shelf *shelf, int *out_fd);

/*
 * hold: from here on the shelf holds. held_bytes: how much waits since a commit found no room; 0: none did. reserve:
 * blocks for the log and the database are taken ahead of need, so that commits find theirs on a full file system:
 * while there is room; what it cannot have it goes without.
 */
BW_MUST_USE enum bw_err bw_shelf_hold(struct bw_shelf *shelf);
size_t bw_shelf_held_bytes(const struct bw_shelf *shelf);
void bw_shelf_reserve(struct bw_shelf *shelf, uint64_t log_bytes, uint64_t file_bytes);

/* As bw_shelf_sync, and the log goes into the database, so that it is short: when there is time. */
BW_MUST_USE enum bw_err bw_shelf_rest(struct bw_shelf *shelf);

/* As far as that can be had without waiting: from then on the log is written from its beginning, in blocks it has. */
void bw_shelf_shorten(struct bw_shelf *shelf);

/* The folder of this path, made when new; its handle is brought up to date. */
BW_MUST_USE enum bw_err bw_shelf_folder_put(struct bw_shelf *shelf, const struct bw_shelf_folder *folder,
					    uint32_t *out_number);
/* Borrows from `arena`. NOT_FOUND. */
BW_MUST_USE enum bw_err bw_shelf_folder_get(struct bw_shelf *shelf, uint32_t number, struct bw_arena *arena,
					    struct bw_shelf_folder *out);
/* The folder moved: it and all below it have new paths. */
BW_MUST_USE enum bw_err bw_shelf_folder_move(struct bw_shelf *shelf, struct bw_slice from, struct bw_slice to);

/*
 * What folders were over time: bw_shelf_folder_put notes each `meta` it is given, with the time; a folder that was
 * removed has empty bytes noted. was: newest first. gone: folders at or below `path` that were removed after
 * `after_us` and were there then, parents first. thin: older notes, one an hour, then one a day, none before
 * `oldest_us` but the last. A store of before there was a history has none.
 */
typedef enum bw_err bw_shelf_see_folder(void *context, int64_t seen_us, struct bw_slice meta);
BW_MUST_USE enum bw_err bw_shelf_folder_was(struct bw_shelf *shelf, uint32_t number, bw_shelf_see_folder *see,
					    void *context);
BW_MUST_USE enum bw_err bw_shelf_folder_gone(struct bw_shelf *shelf, uint32_t number, int64_t when_us);
typedef enum bw_err bw_shelf_see_gone(void *context, uint32_t number, struct bw_slice path);
BW_MUST_USE enum bw_err bw_shelf_folders_gone(struct bw_shelf *shelf, struct bw_slice path, int64_t after_us,
					      bw_shelf_see_gone *see, void *context);
BW_MUST_USE enum bw_err bw_shelf_folder_thin(struct bw_shelf *shelf, int64_t now_us, int64_t oldest_us);

/* The folder that had this handle last: a pass over all folders. NOT_FOUND. */
BW_MUST_USE enum bw_err bw_shelf_folder_by_handle(struct bw_shelf *shelf, int handle_type, struct bw_slice handle,
						  uint32_t *out_number);

/*
 * The next version of its file; fills number. An object's number is asked for first
 * (bw_shelf_next), so that its file can be written before its row: then `number` is that one.
 * The row may be written by a later call, which may then fail with this one's DISK_FULL or IO; by bw_shelf_commit at
 * the latest. Whatever reads finds it.
 */
BW_MUST_USE enum bw_err bw_shelf_add(struct bw_shelf *shelf, struct bw_shelf_version *version);
uint64_t bw_shelf_next(struct bw_shelf *shelf);

/* The file of this key has a new folder and name, or is gone (folder 0). NOT_FOUND. */
BW_MUST_USE enum bw_err bw_shelf_rename(struct bw_shelf *shelf, const struct bw_shelf_key *key, uint32_t folder,
					struct bw_slice name, int64_t when_us);

/*
 * The names of a file that has several. A version added with `several` notes its own; put: one more, which it has
 * since `when_us`. gone: one of them went at `when_us`; of one that is not noted nothing changes. names: those it had
 * at `at_us`, in order; none of a file that had one name then and ever since. below: the same of all files, of the
 * names at or below `path`. thin: forgets names that went before `oldest_us`, and after an hour those that lasted less
 * than a minute. put, gone: NOT_FOUND, no such file.
 */
struct bw_shelf_name {
	struct bw_shelf_key key;
	uint32_t folder;
	struct bw_slice path; /* the folder's, below the mount */
	struct bw_slice name;
};
typedef enum bw_err bw_shelf_see_linked(void *context, const struct bw_shelf_name *name);
BW_MUST_USE enum bw_err bw_shelf_name_put(struct bw_shelf *shelf, const struct bw_shelf_key *key, uint32_t folder,
					  struct bw_slice name, int64_t when_us);
BW_MUST_USE enum bw_err bw_shelf_name_gone(struct bw_shelf *shelf, const struct bw_shelf_key *key, uint32_t folder,
					   struct bw_slice name, int64_t when_us);
BW_MUST_USE enum bw_err bw_shelf_names(struct bw_shelf *shelf, const struct bw_shelf_key *key, int64_t at_us,
				       bw_shelf_see_linked *see, void *context);
BW_MUST_USE enum bw_err bw_shelf_names_below(struct bw_shelf *shelf, struct bw_slice path, int64_t at_us,
					     bw_shelf_see_linked *see, void *context);
BW_MUST_USE enum bw_err bw_shelf_names_thin(struct bw_shelf *shelf, int64_t now_us, int64_t oldest_us);

/*
 * Versions that were written down under the name the kernel gives to files without one ("#" and the inode's number) get
 * the folder and name their file has now; those of a file that is gone stay as they are. A pass over all.
 */
BW_MUST_USE enum bw_err bw_shelf_name_versions(struct bw_shelf *shelf);

/* Borrows from `arena`. NOT_FOUND. */
BW_MUST_USE enum bw_err bw_shelf_get(struct bw_shelf *shelf, uint64_t number, struct bw_arena *arena,
				     struct bw_shelf_version *out);
/* The newest version of the file of this key, of at most state `worst`, taken at or before `until_us`. NOT_FOUND. */
BW_MUST_USE enum bw_err bw_shelf_newest(struct bw_shelf *shelf, const struct bw_shelf_key *key, int64_t until_us,
					enum bw_shelf_state worst, struct bw_arena *arena,
					struct bw_shelf_version *out);

/*
 * Walks; `see` gets each version (borrowing until it returns) and ends the walk by any error, which is passed up.
 * each: the newest GOOD version of every file that is not gone (for the index). at: every version ever taken of what
 * bore this name in this folder, newest first. below: the newest good version taken at or before `until_us` of every
 * file at or below `path`, gone or not. there: of those, the files that were not gone at `until_us`. oldest: all
 * versions, oldest first (for thinning). unchanged: of the files at or below `path` whose first version of all was
 * taken after `until_us`, that version, when it is good and its file says that it was last changed by then. pinned:
 * what an incident pins, oldest first, whatever its state. gone_below: every version that was taken in a folder at or
 * below `path`, of files that are gone.
 */
typedef enum bw_err bw_shelf_see(void *context, const struct bw_shelf_version *version);
BW_MUST_USE enum bw_err bw_shelf_each(struct bw_shelf *shelf, bw_shelf_see *see, void *context);
BW_MUST_USE enum bw_err bw_shelf_at(struct bw_shelf *shelf, uint32_t folder, struct bw_slice name, bw_shelf_see *see,
				    void *context);
BW_MUST_USE enum bw_err bw_shelf_below(struct bw_shelf *shelf, struct bw_slice path, int64_t until_us,
				       bw_shelf_see *see, void *context);
BW_MUST_USE enum bw_err bw_shelf_there(struct bw_shelf *shelf, struct bw_slice path, int64_t until_us,
				       bw_shelf_see *see, void *context);
BW_MUST_USE enum bw_err bw_shelf_unchanged(struct bw_shelf *shelf, struct bw_slice path, int64_t until_us,
					   bw_shelf_see *see, void *context);
BW_MUST_USE enum bw_err bw_shelf_gone_below(struct bw_shelf *shelf, struct bw_slice path, bw_shelf_see *see,
					    void *context);
BW_MUST_USE enum bw_err bw_shelf_pinned(struct bw_shelf *shelf, uint64_t incident, bw_shelf_see *see, void *context);
BW_MUST_USE enum bw_err bw_shelf_oldest(struct bw_shelf *shelf, int64_t until_us, bw_shelf_see *see, void *context);
/* NOT_FOUND when there is no such folder. */
BW_MUST_USE enum bw_err bw_shelf_folder_find(struct bw_shelf *shelf, struct bw_slice path, uint32_t *out_number);

/*
 * For thinning: every version of every file that has more than its newest good one, or is gone; by file, newest first.
 */
struct bw_shelf_spare {
	uint64_t number;
	uint64_t file;   /* versions of one file have the same */
	uint64_t newest; /* of that file; 0: it has no good one */
	int64_t gone_us; /* when its last name went; 0: it exists */
	int64_t taken_us;
	uint64_t kept_bytes;
	uint64_t incident;
	uint32_t state;
	uint32_t actor;
	bool in_pack; /* else an object, which takes an inode */
};
typedef enum bw_err bw_shelf_see_spare(void *context, const struct bw_shelf_spare *spare);
BW_MUST_USE enum bw_err bw_shelf_spares(struct bw_shelf *shelf, bw_shelf_see_spare *see, void *context);

/*
 * For shares among owners: the newest good version of every file that exists, of those numbered above `after`, newest
 * first. `see` may look things up, and changes nothing.
 */
struct bw_shelf_standing {
	uint64_t number;
	uint64_t file; /* rises with a file's first appearance */
	struct bw_shelf_key key;
	uint64_t kept_bytes;
	uint64_t incident;
	uint32_t actor;
	bool is_object; /* takes an inode */
	struct bw_slice meta;
};
typedef enum bw_err bw_shelf_see_standing(void *context, const struct bw_shelf_standing *standing);
BW_MUST_USE enum bw_err bw_shelf_standing(struct bw_shelf *shelf, uint64_t after, bw_shelf_see_standing *see,
					  void *context);

/* The newest good version of this file before `number`. NOT_FOUND. */
BW_MUST_USE enum bw_err bw_shelf_good_before(struct bw_shelf *shelf, uint64_t file, uint64_t number, uint64_t *out);

/* The number of the file that appeared last; 0: there is none. */
BW_MUST_USE enum bw_err bw_shelf_last_file(struct bw_shelf *shelf, uint64_t *out);

/*
 * Pins, also for several incidents at a time: what one of them closes, the others still hold. The features once they
 * are known; the state. NOT_FOUND.
 */
BW_MUST_USE enum bw_err bw_shelf_pin(struct bw_shelf *shelf, uint64_t number, uint64_t incident);
BW_MUST_USE enum bw_err bw_shelf_unpin_all(struct bw_shelf *shelf, uint64_t incident);
BW_MUST_USE enum bw_err bw_shelf_describe(struct bw_shelf *shelf, uint64_t number, struct bw_slice content,
					  enum bw_shelf_state state);

/* The features alone, which come a moment after the version: one row by its number, no state changes. NOT_FOUND. */
BW_MUST_USE enum bw_err bw_shelf_features(struct bw_shelf *shelf, uint64_t number, struct bw_slice content);

/* Forgets a version; the caller removes its content after the commit. NOT_FOUND; BUSY when it is pinned. */
BW_MUST_USE enum bw_err bw_shelf_drop(struct bw_shelf *shelf, uint64_t number);

/* Its content is lost: forgotten whether it is pinned or not. NOT_FOUND. */
BW_MUST_USE enum bw_err bw_shelf_lose(struct bw_shelf *shelf, uint64_t number);

/*
 * A packed content lies elsewhere now. NOT_FOUND when it no longer lies at `from_pack`, `from_at`: it went, or was
 * moved before.
 */
BW_MUST_USE enum bw_err bw_shelf_move(struct bw_shelf *shelf, uint64_t number, uint32_t from_pack, uint64_t from_at,
				      uint32_t pack, uint64_t at);

/*
 * What an object takes on the disk is another amount by now (a reflink's file changed). NOT_FOUND; RANGE: it is
 * packed.
 */
BW_MUST_USE enum bw_err bw_shelf_weigh(struct bw_shelf *shelf, uint64_t number, uint64_t kept_bytes);

/* Where every version's content lies, by number: what is checked against packs and objects after a crash. */
struct bw_shelf_place {
	uint64_t number;
	uint64_t size;
	uint64_t at;
	uint32_t pack;
	uint32_t kind;
	bool is_pinned;
};
typedef enum bw_err bw_shelf_see_place(void *context, const struct bw_shelf_place *place);
BW_MUST_USE enum bw_err bw_shelf_places(struct bw_shelf *shelf, bw_shelf_see_place *see, void *context);

/* How many kept bytes lie in a pack: with none left it can go. */
BW_MUST_USE enum bw_err bw_shelf_pack_bytes(struct bw_shelf *shelf, uint32_t pack, uint64_t *out);

BW_MUST_USE enum bw_err bw_shelf_totals(struct bw_shelf *shelf, struct bw_shelf_totals *out);

/* A small setting of the store (its id, quota, pack numbers). NOT_FOUND. */
BW_MUST_USE enum bw_err bw_shelf_setting_put(struct bw_shelf *shelf, const char *name, struct bw_slice value);
BW_MUST_USE enum bw_err bw_shelf_setting_get(struct bw_shelf *shelf, const char *name, struct bw_buf *out);

/* SQLite's own integrity check and ours; CORRUPT with the first finding in `why`. */
BW_MUST_USE enum bw_err bw_shelf_verify(struct bw_shelf *shelf, struct bw_why *why);

#endif
