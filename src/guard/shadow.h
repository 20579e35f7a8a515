/*
 * The shadow store of one volume: standing copies of protected files, and the way
 * back. Used by keep (which writes it while the guard runs), enroll (which fills
 * it) and restore, versions and verify (which read it).
 *
 *   <mount>/.breakwater-guard/    root's, 0700
 *     catalogue.db                store/shelf.h
 *     packs/                      guard/pack.h
 *     objects/xx/xxxxxxxxxxxxxxxx one content each, named by its version's number
 *     lock                        the one writer
 *
 * A content is written first, its row second, and both reach the disk in that order
 * at bw_shadow_sync. Whoever opens the store for writing makes both agree again (shadow_mend.c): contents without a row
 * are removed, rows without their content forgotten.
 */
#ifndef BW_GUARD_SHADOW_H
#define BW_GUARD_SHADOW_H

#include <sys/stat.h>

#include "guard/pack.h"
#include "guard/volume.h"
#include "store/shelf.h"

struct bw_shadow;

/* Whether there is a store, in whatever state. */
bool bw_shadow_is_there(const struct bw_volume *volume);

/* Makes the folders and an empty catalogue. EXISTS when there is a store already. */
BW_MUST_USE enum bw_err bw_shadow_create(const struct bw_volume *volume, struct bw_why *why);

/* BUSY: another writer. NOT_FOUND: not enrolled. Borrows `volume`. A writer cleans up after a crash. */
BW_MUST_USE enum bw_err bw_shadow_open(const struct bw_volume *volume, bool read_only, struct bw_shadow **out,
				       struct bw_why *why);
void bw_shadow_close(struct bw_shadow *shadow); /* what was not committed is forgotten; NULL allowed */

/* What a writer found when it opened the store. */
struct bw_mended {
	uint64_t orphans;     /* objects without a row */
	uint64_t packs;       /* packs without one */
	uint64_t lost;        /* versions whose content is gone, or was not on the disk when the power failed */
	uint64_t lost_pinned; /* of those: an incident held them */
};
const struct bw_mended *bw_shadow_mended(const struct bw_shadow *shadow);

struct bw_shelf *bw_shadow_shelf(struct bw_shadow *shadow);
const struct bw_volume *bw_shadow_volume(const struct bw_shadow *shadow);

/* One file to keep. */
struct bw_take {
	int fd; /* open for reading; of a symbolic link: O_PATH|O_NOFOLLOW */
	struct bw_file_key key;
	uint32_t folder; /* bw_shelf_folder_put */
	struct bw_slice name;
	uint64_t incident;         /* pinned by it; 0: none */
	enum bw_shelf_state state; /* GOOD or DOUBTFUL */
	uint64_t largest;          /* larger contents are refused with TOO_BIG; 0: none are */
	uint32_t maker;            /* 1 + the user who made it; 0: nobody knows, and the file's owner counts */
};

struct bw_taken {
	uint64_t version;
	struct stat status; /* of the moment it was read */
	bool fuzzy;         /* it changed while it was read, each time it was tried */
	bool meta_whole;
	bool in_pack;            /* `content` holds it */
	struct bw_slice content; /* what went into a pack; borrowed until the next take */
};

/* What takes may still add, until it is set again: at first everything. */
struct bw_shadow_limit {
	uint64_t bytes;
	uint64_t objects;
};
void bw_shadow_limit(struct bw_shadow *shadow, const struct bw_shadow_limit *limit);
struct bw_shadow_limit bw_shadow_left(const struct bw_shadow *shadow); /* of it */

/* What a take would add, and whose it would be (as bw_shelf_version.actor). IO. */
struct bw_shadow_wish {
	uint32_t owner;
	uint64_t bytes;
	uint64_t objects;
};
BW_MUST_USE enum bw_err bw_shadow_wish(const struct bw_shadow *shadow, const struct bw_take *take,
				       struct bw_shadow_wish *out);

/*
 * Keeps the file's present content and metadata as its next version. Regular files and
 * symbolic links only (TYPE). DISK_FULL (the file system's, or the limit), IO: nothing of it counts.
 */
BW_MUST_USE enum bw_err bw_shadow_take(struct bw_shadow *shadow, const struct bw_take *take, struct bw_taken *out);

/*
 * A few MiB that are set aside while there is room, and given up when a writer opens the store of a full file system:
 * so that there is room to write down what goes. Does nothing when it is there, or when too little is free.
 */
void bw_shadow_set_aside(struct bw_shadow *shadow);

/* Survives a killed process; and a power cut. */
BW_MUST_USE enum bw_err bw_shadow_commit(struct bw_shadow *shadow);
BW_MUST_USE enum bw_err bw_shadow_sync(struct bw_shadow *shadow);

/*
 * A sync that the taking of new versions does not wait for: contents, then the rows that say they are there, each
 * by a thread. begin: commits; BUSY: one is under way. `wake` (-1: nobody waits for it, nor will soon read what it
 * syncs) is an eventfd that is written to when go_on has something to do. go_on: *out_busy false: none is under way
 * any more, what was taken before begin survives a power cut. An error of the disk is told by go_on, or by
 * bw_shadow_sync, which waits for one that is under way.
 */
BW_MUST_USE enum bw_err bw_shadow_sync_begin(struct bw_shadow *shadow, int wake);
BW_MUST_USE enum bw_err bw_shadow_sync_go_on(struct bw_shadow *shadow, bool *out_busy);

/*
 * Writes a version's content into `fd`, an empty regular file on the same volume (a reflink where the store has one),
 * holes kept, checked against its sum where one is kept. Metadata is the caller's (bw_meta_apply). CORRUPT, NOT_FOUND,
 * DISK_FULL, IO.
 */
BW_MUST_USE enum bw_err bw_shadow_fetch(struct bw_shadow *shadow, const struct bw_shelf_version *version, int fd,
					struct bw_why *why);

/* At most `max` bytes of a version from `at` on, appended: for a second look without a file. */
BW_MUST_USE enum bw_err bw_shadow_peek(struct bw_shadow *shadow, const struct bw_shelf_version *version, uint64_t at,
				       size_t max, struct bw_buf *out);

/* The object that holds a version's content, to read from; the caller closes. UNSUPPORTED: it lies in a pack. */
BW_MUST_USE enum bw_err bw_shadow_object(struct bw_shadow *shadow, const struct bw_shelf_version *version, int *out_fd);

/* Objects there are, each an inode of the file system. */
uint64_t bw_shadow_objects(const struct bw_shadow *shadow);

/*
 * One step of emptying a pack of which at most `most_live` percent still count: a few MiB, copied and on the disk when
 * it returns; what was open is committed. *out_more: there may be more to do. DISK_FULL, IO: nothing was moved.
 */
BW_MUST_USE enum bw_err bw_shadow_tidy(struct bw_shadow *shadow, uint32_t most_live, bool *out_more);

/* The pack that grows is not tidied. When much of it is dead it ends here, and the next one grows. */
BW_MUST_USE enum bw_err bw_shadow_end_pack(struct bw_shadow *shadow);

/*
 * What an object takes that nothing else holds, on a file system with reflinks: nothing while its file is as it was,
 * more with every write to it. It is written down (bw_shelf_weigh). NOT_FOUND.
 */
BW_MUST_USE enum bw_err bw_shadow_weigh(struct bw_shadow *shadow, uint64_t version, uint64_t known_bytes);

/* Bytes of objects that were replaced since this was asked last, whose reflinks take room of their own now. */
uint64_t bw_shadow_replaced_bytes(struct bw_shadow *shadow);

/* What packs take besides what counts in them. */
BW_MUST_USE enum bw_err bw_shadow_dead_bytes(struct bw_shadow *shadow, uint64_t *out);

/*
 * For a file system without any room, on which nothing can be written down: removes the objects of versions that are
 * about to be forgotten (bw_shadow_drop comes next). Should that fail, the next writer forgets them, as their contents
 * are gone. What is pinned stays.
 */
BW_MUST_USE enum bw_err bw_shadow_free_first(struct bw_shadow *shadow, const uint64_t *versions, size_t count);

/* Forgets versions and frees what they kept, once that is on the disk; what is pinned or gone is passed over. */
BW_MUST_USE enum bw_err bw_shadow_drop(struct bw_shadow *shadow, const uint64_t *versions, size_t count);

/*
 * Reads everything back: catalogue, every pack record, every object. A writer beside it may move and forget versions
 * meanwhile. CORRUPT with the first finding; `see` counts, `tell` (may be NULL) gets each finding as a sentence, at
 * most BW_VERIFY_FINDINGS of them.
 */
enum { BW_VERIFY_FINDINGS = 1000 };

struct bw_verify_plan {
	void (*see)(void *context, uint64_t versions); /* may be NULL */
	void (*tell)(void *context, const char *finding);
	void *context;
};
BW_MUST_USE enum bw_err bw_shadow_verify(struct bw_shadow *shadow, const struct bw_verify_plan *plan,
					 struct bw_why *why);

#endif
