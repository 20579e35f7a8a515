/*
 * For tests: a SQLite file system that forgets. It passes everything on to the
 * real one and remembers every write since the last sync of its file, so that at any moment it can
 * make a copy of the files as power loss would have left them: unsynced writes gone, or
 * some of them there, or one torn in the middle.
 */
#ifndef BW_STORE_CRASH_VFS_H
#define BW_STORE_CRASH_VFS_H

#include "base/bytes.h"

/* What becomes of writes that were not synced. */
enum crash_kind { CRASH_DROP_ALL, CRASH_KEEP_SOME, CRASH_TEAR, CRASH_KINDS };

/* Makes it the default file system; `on_sync` is called before every sync (may be NULL). */
void crash_vfs_begin(void (*on_sync)(void *ctx), void *ctx);
void crash_vfs_end(void);

/* While paused, files opened anew go to the real file system. */
void crash_vfs_pause(bool paused);

/* The tracked files as they would lie on the disk after power loss now, into an existing folder. */
void crash_vfs_copy(const char *folder, enum crash_kind kind, uint64_t seed);

/* The `after`-th write from now on fails, and `length` - 1 more after it: with SQLITE_FULL or SQLITE_IOERR. */
void crash_vfs_fail(unsigned after, unsigned length, bool full);

/* Whether a failure ordered has happened. */
bool crash_vfs_has_failed(void);

#endif
