/*
 * (Named files.h: a src/sys/file.h would hide the system's <sys/file.h>.)
 *
 * Files: read whole and bounded, written so that a crash leaves the old or the
 * new content and never a part. `why` (may be NULL) gets a sentence that names the path.
 *
 * Errors: NOT_FOUND, DENIED, DISK_FULL, READ_ONLY, TOO_BIG, TYPE, BUSY, IO, MEMORY, SYSTEM.
 */
#ifndef BW_SYS_FILES_H
#define BW_SYS_FILES_H

#include <sys/types.h>

#include "sys/why.h"

enum { BW_PATH_BYTES = 4096 };

/* "dir/name" with one slash. TOO_BIG when it does not fit. */
BW_MUST_USE enum bw_err bw_path_join(char out[BW_PATH_BYTES], const char *dir, const char *name);

/* Appends the whole file to `out`. TOO_BIG past the buf's max; TYPE for folders and devices. */
BW_MUST_USE enum bw_err bw_file_read(const char *path, struct bw_buf *out, struct bw_why *why);

/* The same from an open descriptor until its end (pipes too). `name` is for `why`. */
BW_MUST_USE enum bw_err bw_file_read_fd(int fd, const char *name, struct bw_buf *out, struct bw_why *why);

/*
 * A plain file, or a pipe that somebody fills: a FIFO, or /dev/fd/N of the shell's <(...). Read until its end,
 * for 30 seconds in all: TIMEOUT when nobody comes or nobody ends. TYPE for everything else; otherwise as bw_file_read.
 */
BW_MUST_USE enum bw_err bw_file_or_pipe_read(const char *path, struct bw_buf *out, struct bw_why *why);

bool bw_file_is_plain(const char *path);

/* All bytes or an error; goes on after EINTR and short writes. */
BW_MUST_USE enum bw_err bw_fd_write(int fd, struct bw_slice bytes);

/* Temporary file beside it, fsync, rename over, fsync of the folder. */
BW_MUST_USE enum bw_err bw_file_write(const char *path, struct bw_slice bytes, mode_t mode, struct bw_why *why);

/* As bw_file_write, but EXISTS when there already is such a file. */
BW_MUST_USE enum bw_err bw_file_create(const char *path, struct bw_slice bytes, mode_t mode, struct bw_why *why);

bool bw_file_exists(const char *path);

/* fsync of a folder, so that names made in it survive power loss. */
BW_MUST_USE enum bw_err bw_folder_sync(const char *path, struct bw_why *why);

/* One level, mode 0700 whatever the umask; EXISTS when there is something already. Parent folder synced. */
BW_MUST_USE enum bw_err bw_folder_make(const char *path, struct bw_why *why);

/* The folder and those above it that are missing, made as above; OK when it is there. */
BW_MUST_USE enum bw_err bw_folder_need(const char *path, struct bw_why *why);

/*
 * Takes the lock file (made when missing) or BUSY, with the holder's process
 * number in `why`. Held while any process keeps the descriptor, children included;
 * the kernel lets go when they end, however they end.
 */
BW_MUST_USE enum bw_err bw_lock_take(const char *path, int *out_fd, struct bw_why *why);

#endif
