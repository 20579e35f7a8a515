/*
 * What watch hears in detail. Besides whole file systems (guard/ears.h) it listens to folders that hold shadowed
 * files: writes and cuts, told at once. New files are made in folders without a mark as a rule, or have it lifted
 * soon; a file written all the time goes silent until it is closed, for a second at most. Marks are set by a thread of
 * ordinary priority, which may wait for a disk; the reader never does. The thread has settings of its own: a reload
 * takes nothing away from under it.
 *
 * Evictable marks came with Linux 5.19, FAN_MARK_IGNORE with 6.0. Only marks on folders of Btrfs subvolumes need
 * 6.8: before, their files are seen at the close.
 */
#ifndef BW_GUARD_WATCH_MARKS_H
#define BW_GUARD_WATCH_MARKS_H

#include "guard/fan.h"
#include "guard/guard.h"

struct bw_marks;

/* Listens with the guard's ears, and to its volumes, also those that come later. MEMORY, SYSTEM. */
BW_MUST_USE enum bw_err bw_marks_open(struct bw_guard *guard, struct bw_marks **out, struct bw_why *why);
void bw_marks_free(struct bw_marks *marks); /* NULL allowed; its thread must have been stopped */

/* The thread that walks the trees and sets marks; after the sandbox. SYSTEM. */
BW_MUST_USE enum bw_err bw_marks_start(struct bw_marks *marks);
void bw_marks_stop(struct bw_marks *marks);

/* The settings changed: the thread reads them again and walks all trees. */
void bw_marks_reload(struct bw_marks *marks);

/* Which volume an event speaks of; NULL: none of ours. */
const struct bw_volume *bw_marks_volume(const struct bw_marks *marks, const struct bw_fan_id *id);

/* Asks the thread for a mark on this folder; false when it has too much to do. */
bool bw_marks_ask(struct bw_marks *marks, const struct bw_volume *volume, const struct bw_handle *folder);

/* The same in a second: new files come into it, and while they do their writes are no news. */
bool bw_marks_ask_later(struct bw_marks *marks, const struct bw_volume *volume, const struct bw_handle *folder);

/* A folder came from elsewhere: the thread walks it. */
bool bw_marks_ask_tree(struct bw_marks *marks, const struct bw_volume *volume, const struct bw_handle *folder);

/* No writes of this folder's files for a second; the thread sets the mark again. */
void bw_marks_lift(struct bw_marks *marks, const struct bw_volume *volume, const struct bw_handle *folder);

/* No writes of this file, or again; a mark that lasts as long as the file is in memory. False: it is gone. */
bool bw_marks_silence(struct bw_marks *marks, const struct bw_volume *volume, const struct bw_handle *file, bool on);

#endif
