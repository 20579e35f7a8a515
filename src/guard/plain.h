/* Numbers and times as people read them, for the guard's commands. Pure but for the time zone. */
#ifndef BW_GUARD_PLAIN_H
#define BW_GUARD_PLAIN_H

#include "base/command.h"
#include "guard/volumes.h"

enum { BW_PLAIN_BYTES = 32, BW_USER_BYTES = 288 };

/* "940 bytes", "1.2 GiB". */
const char *bw_plain_size(uint64_t bytes, char out[BW_PLAIN_BYTES]);

/* "850 us", "40 ms", "3.2 s", "5 min", "2 h", "9 days". */
const char *bw_plain_span(uint64_t us, char out[BW_PLAIN_BYTES]);

/* "2026-11-23 01:04:09 +0100", local time and what it is ahead of UTC; "never" for 0. */
const char *bw_plain_time(int64_t wall_us, char out[BW_PLAIN_BYTES]);

/*
 * A time as a person types it: as above, without the offset (local time then), without the seconds; or RFC 3339.
 * SYNTAX, RANGE (of a day, or an hour when clocks go forward, that does not exist).
 */
BW_MUST_USE enum bw_err bw_plain_time_parse(const char *text, int64_t *out_us);

/* "1 file", "2 files": `many` is the plural. Into `out` of so many bytes. */
const char *bw_plain_count(uint64_t count, const char *one, const char *many, char out[2 * BW_PLAIN_BYTES]);

/* "anna (1001)", or "1001" of a user who has no name here; the name as it is, unescaped. */
const char *bw_plain_user(uint32_t uid, char out[BW_USER_BYTES]);

/* Prints one JSON value and a line end. BW_EXIT_FAILED with a complaint when `err` says that it could not be made. */
int bw_plain_json(const struct bw_call *call, enum bw_err err, const struct bw_buf *json);

/* Root's commands say so before anything else: false after a complaint. */
bool bw_plain_is_root(const struct bw_call *call, const char *reason);

/* Names each tree that is away, and what to do. */
void bw_plain_say_away(const struct bw_call *call, const struct bw_guard_settings *settings);

/* NOT_FOUND with the reason, and BW_AWAY_NEXT in it, for a path in a tree that is away. */
BW_MUST_USE enum bw_err bw_plain_is_here(const struct bw_guard_settings *settings, const char *path,
					 struct bw_why *why);

/* A time as bw_time_format writes it. */
BW_MUST_USE enum bw_err bw_plain_json_time(struct bw_buf *out, const char *name, int64_t wall_us);

#endif
