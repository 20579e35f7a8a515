/*
 * The index: what the guard must know of every protected file without touching a
 * disk. One process (keep) writes it, others read the same memory while it changes.
 *
 * 64 bytes a file and two tables of 4 bytes a slot: by key, and by
 * the place (folder and name) where a file was last seen, because the kernel does
 * not say which file a rename replaced. It is rebuilt from the catalogue at every
 * start; nothing in it needs saving.
 *
 * A reader copies an entry and checks a counter around the copy, so it never sees
 * half of a change. Readers treat what they read as a stranger's: every number is bounded before use.
 */
#ifndef BW_GUARD_INDEX_H
#define BW_GUARD_INDEX_H

#include "crypto/hash.h"
#include "guard/content.h"
#include "guard/key.h"
#include "sys/memfile.h"

enum {
	BW_INDEX_FILES_MIN = 64 * 1024,
	BW_INDEX_FILES_MAX = 256 * 1024 * 1024,
};

enum bw_index_flag {
	BW_INDEX_CANARY = 1,     /* nobody but the guard knows it is bait */
	BW_INDEX_HOT = 2,        /* open for long or mapped: shadowed by the clock, not by closes */
	BW_INDEX_IN_DOUBT = 4,   /* changed since its features were taken; a new version is on its way */
	BW_INDEX_INCIDENT = 8,   /* part of an open incident: its good version stays */
	BW_INDEX_NO_SHADOW = 16, /* known, but nothing could be kept (too large, quota) */
	BW_INDEX_PASS = 128      /* turns with every walk of the trees: who has it not was not seen; keep alone */
};

struct bw_index_file {
	struct bw_file_key key; /* its volume below 256, its tree below 2^32 */
	struct bw_content content;
	uint64_t place;   /* bw_index_place of its folder and name */
	uint64_t version; /* the newest good one in the catalogue; 0: none */
	uint32_t mtime_s; /* of that version */
	uint32_t mtime_ns;
	uint8_t flags;
};

struct bw_index; /* one process's view */

/* For `files` files and as many again; the writer. Only what is used takes memory. MEMORY, SYSTEM, RANGE. */
BW_MUST_USE enum bw_err bw_index_new(size_t files, struct bw_index **out);

/* A reader over the writer's descriptor, which stays the caller's. TYPE, CORRUPT, MEMORY. */
BW_MUST_USE enum bw_err bw_index_view(int fd, struct bw_index **out);
int bw_index_fd(const struct bw_index *index); /* the writer's, to pass on; -1 in a reader */
void bw_index_free(struct bw_index *index);    /* NULL allowed */

/* Keyed, so that nobody can aim names at one slot. Never 0. */
uint64_t bw_index_place(const struct bw_index *index, const struct bw_file_key *folder, struct bw_slice name);

/* NOT_FOUND; AGAIN in a reader when the writer would not hold still. */
BW_MUST_USE enum bw_err bw_index_by_key(const struct bw_index *index, const struct bw_file_key *key,
					struct bw_index_file *out);
BW_MUST_USE enum bw_err bw_index_by_place(const struct bw_index *index, uint64_t place, struct bw_index_file *out);

/* The writer: adds or replaces by key. TOO_MANY: the index must be made larger, which means a restart. */
BW_MUST_USE enum bw_err bw_index_put(struct bw_index *index, const struct bw_index_file *file);

/* NOT_FOUND. */
BW_MUST_USE enum bw_err bw_index_remove(struct bw_index *index, const struct bw_file_key *key);

size_t bw_index_count(const struct bw_index *index);

#endif
