/*
 * Where watch listens. Two fanotify groups on every volume (docs/experiments/guard.md says why):
 *
 *   names    closes after writing, removals, renames of the whole file system, with names; may wait 2 ms
 *   changes  writes and cuts, identities only, in folders that hold shadowed files; never waits
 *
 * New files are made in folders without a mark as a rule, or have it lifted soon; a file written all the time goes
 * silent until it is closed, for a second at most. Marks are set by a thread of ordinary priority, which may
 * wait for a disk; the reader never does.
 *
 * Everything here is of Linux 6.1 or older: FAN_RENAME and FAN_REPORT_TARGET_FID came with 5.17, evictable marks
 * with 5.19, FAN_MARK_IGNORE with 6.0. Only marks on folders of Btrfs subvolumes need 6.8: before, their files are
 * seen at the close.
 */
#ifndef BW_GUARD_WATCH_MARKS_H
#define BW_GUARD_WATCH_MARKS_H

#include "guard/fan.h"
#include "guard/guard.h"

struct bw_marks;

/* Groups and the file systems' marks; before the sandbox. UNSUPPORTED, DENIED, MEMORY, SYSTEM with what and where. */
BW_MUST_USE enum bw_err bw_marks_open(const struct bw_guard *guard, struct bw_marks **out, struct bw_why *why);
void bw_marks_free(struct bw_marks *marks); /* NULL allowed; its thread must have been stopped */

/* The thread that walks the trees and sets marks; after the sandbox. SYSTEM. */
BW_MUST_USE enum bw_err bw_marks_start(struct bw_marks *marks);
void bw_marks_stop(struct bw_marks *marks);

int bw_marks_names_fd(const struct bw_marks *marks);
int bw_marks_changes_fd(const struct bw_marks *marks);

/* Which volume an event speaks of; NULL: none of ours. */
const struct bw_volume *bw_marks_volume(const struct bw_marks *marks, const struct bw_fan_id *id);

/* Asks the thread for a mark on this folder; false when it has too much to do. */
bool bw_marks_ask(struct bw_marks *marks, const struct bw_volume *volume, const struct bw_handle *folder);

/* A folder came from elsewhere: the thread walks it. */
bool bw_marks_ask_tree(struct bw_marks *marks, const struct bw_volume *volume, const struct bw_handle *folder);

/* No writes of this folder's files for a second; the thread sets the mark again. */
void bw_marks_lift(struct bw_marks *marks, const struct bw_volume *volume, const struct bw_handle *folder);

/* No writes of this file, or again; a mark that lasts as long as the file is in memory. False: it is gone. */
bool bw_marks_silence(struct bw_marks *marks, const struct bw_volume *volume, const struct bw_handle *file, bool on);

#endif
