/*
 * Logs are facts with a name:
 *
 *   bw_log(BW_NOTICE, "bundle accepted", BW_TEXT("peer", peer), BW_NUM("objects", n));
 *   <5>bundle accepted peer="cert-se" objects=42
 *
 * The event is a constant to search for; whatever varies is a field, escaped so
 * that no input can forge a line. Goes to stderr; journald files it by the
 * priority in angle brackets, which a terminal does not get to see.
 * Library rooms return errors and stay silent; the worker or command that
 * decides what to do logs once. A field never carries a secret.
 */
#ifndef BW_BASE_LOG_H
#define BW_BASE_LOG_H

#include "base/bytes.h"

/* syslog's numbers */
enum bw_level {
	BW_CRIT = 2,
	BW_ERROR = 3,
	BW_WARNING = 4,
	BW_NOTICE = 5,
	BW_INFO = 6,
	BW_DEBUG = 7,
};

struct bw_field {
	const char *name;
	enum { BW_FIELD_TEXT, BW_FIELD_NUM } kind;
	struct bw_slice text;
	int64_t num;
};

#define BW_TEXT(field, value) ((struct bw_field){ (field), BW_FIELD_TEXT, bw_slice_text(value), 0 })
#define BW_SLICE(field, value) ((struct bw_field){ (field), BW_FIELD_TEXT, (value), 0 })
#define BW_NUM(field, value) ((struct bw_field){ (field), BW_FIELD_NUM, { (const uint8_t *)"", 0 }, (int64_t)(value) })

#ifdef BW_CPPCHECK /* which does not know __VA_OPT__ yet */
#define bw_log(level, event, ...) bw_log_fields((level), (event), (const struct bw_field *)"")
#else
#define bw_log(level, event, ...) \
	bw_log_fields((level), (event), (const struct bw_field[]){ __VA_ARGS__ __VA_OPT__(, ){ 0 } })
#endif

/* `fields` ends with a row whose name is NULL. */
void bw_log_fields(enum bw_level level, const char *event, const struct bw_field *fields);

/* Lines above this level are dropped; BW_INFO at start. */
void bw_log_set_level(enum bw_level most);

/* A short word for the process, e.g. "front"; shown as worker="front". NULL for none. */
void bw_log_set_worker(const char *name);

#endif
