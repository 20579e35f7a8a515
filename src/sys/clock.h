/*
 * Clocks and timestamps. Instants are microseconds since 1970-01-01T00:00:00Z
 * in an int64_t; durations say their unit in their name.
 */
#ifndef BW_SYS_CLOCK_H
#define BW_SYS_CLOCK_H

#include <time.h>

#include "base/bytes.h"

enum {
	BW_TIME_CHARS = 27, /* "2026-11-23T01:33:27.000001Z" */
	BW_TIME_BYTES = 28, /* with its NUL */
};

/* 0000-01-01T00:00:00.000000Z and 9999-12-31T23:59:59.999999Z */
#define BW_TIME_MIN INT64_C(-62167219200000000)
#define BW_TIME_MAX INT64_C(253402300799999999)

int64_t bw_clock_now_us(void);  /* wall clock: may jump either way */
int64_t bw_clock_mono_us(void); /* never goes back; for durations and deadlines */

/* A time of a file, which its owner may set to any second of 64 bits: one that no instant holds becomes the nearest. */
int64_t bw_clock_of(const struct timespec *time);

/* TAXII 2.1 §1.6.5 and §3.2: exactly six digits and Z. Instants outside MIN..MAX are clamped. */
void bw_time_format(int64_t time_us, char out[BW_TIME_BYTES]);

/* Exactly the form bw_time_format writes. SYNTAX; RANGE for a day that does not exist. */
BW_MUST_USE enum bw_err bw_time_parse(struct bw_slice text, int64_t *out_us);

/*
 * Any RFC 3339 timestamp: no fraction or any number of digits (cut after the
 * sixth, never rounded), Z or an offset, t and z too, second 60 where the day ends.
 * SYNTAX, RANGE.
 */
BW_MUST_USE enum bw_err bw_time_parse_any(struct bw_slice text, int64_t *out_us);

#endif
