/*
 * What a restore did, step by step, so that it can be undone: one file "notes" in the folder of what it moved away.
 * Read as a stranger's bytes; a torn end is passed over.
 *
 *   each: length be32 (of the rest) | kind u8 | inode be64 | mtime s be64, ns be32 | path, aside, meta: a block each
 */
#ifndef BW_GUARD_RESTORE_NOTE_H
#define BW_GUARD_RESTORE_NOTE_H

#include "base/cursor.h"

enum bw_note_kind {
	BW_NOTE_CAME_BACK = 1, /* nothing stood there */
	BW_NOTE_REPLACED,      /* what stood there lies aside */
	BW_NOTE_BESIDE,        /* what stood there is beside it, under the name `aside` in the same folder */
	BW_NOTE_IN_PLACE,      /* written into the same inode; what it held lies aside */
	BW_NOTE_META,          /* only metadata was set; `meta` is what it was */
	BW_NOTE_MOVED_AWAY,    /* it lies aside, and nothing stands there */
	BW_NOTE_FOLDER_MADE,
	BW_NOTE_FOLDER_META, /* `meta` is what it was */
	BW_NOTE_OF_INCIDENT, /* no step: `ino` is the number of an incident it was the restore of */
	BW_NOTE_UNDONE,      /* no step: all before it was undone */
	BW_NOTE_FOLDER_NAME, /* it was moved here; `meta` is the path it had */
	BW_NOTE_KINDS,
};

enum { BW_NOTE_BYTES_MAX = 256 * 1024, BW_NOTE_PATH_MAX = 64 * 1024 };

struct bw_note {
	uint8_t kind;
	uint64_t ino; /* of what stands at `path` after the step; 0: nothing does */
	int64_t mtime_s;
	uint32_t mtime_ns;
	struct bw_slice path;  /* below the mount, as it was then */
	struct bw_slice aside; /* a name */
	struct bw_slice meta;  /* guard/meta.h, but for FOLDER_NAME */
};

BW_MUST_USE enum bw_err bw_note_write(const struct bw_note *note, struct bw_buf *out); /* RANGE, TOO_BIG, MEMORY */

/* The next one; borrows. AGAIN: the end, or a torn one. SYNTAX, RANGE: no note. On failure the cursor has not moved. */
BW_MUST_USE enum bw_err bw_note_next(struct bw_cursor *in, struct bw_note *out);

#endif
