/*
 * What changed from one version of an object to the next, property by
 * property; and JSON laid out for people. Pure: well-formed JSON text in, slices of it or text out.
 */
#ifndef BW_SERVE_SHOW_DIFF_H
#define BW_SERVE_SHOW_DIFF_H

#include "base/arena.h"

enum bw_change_kind { BW_CHANGE_ADDED, BW_CHANGE_REMOVED, BW_CHANGE_CHANGED };

struct bw_change {
	enum bw_change_kind kind;
	struct bw_slice name; /* as between the quotes */
	struct bw_slice was;  /* JSON text; empty when ADDED */
	struct bw_slice is;   /* JSON text; empty when REMOVED */
};

/*
 * Properties of two objects, compared byte by byte; changes in the order of
 * their names. Everything borrows from the texts or stands in the arena.
 * TYPE, SYNTAX, TRUNCATED: not objects. MEMORY.
 */
BW_MUST_USE enum bw_err bw_diff_objects(struct bw_slice was, struct bw_slice is, struct bw_arena *arena,
					struct bw_change **out, size_t *out_count);

/*
 * The same for the items of two lists, whatever their order: ADDED and REMOVED
 * only, `name` empty. An item that stands twice counts twice.
 */
BW_MUST_USE enum bw_err bw_diff_lists(struct bw_slice was, struct bw_slice is, struct bw_arena *arena,
				      struct bw_change **out, size_t *out_count);

/*
 * Appends JSON text with one property or item a line, `depth` steps of two
 * blanks further in. Still the same JSON; what could steer a terminal (DEL and C1 controls, which
 * JSON lets stand in strings) is escaped. TOO_BIG, MEMORY.
 */
BW_MUST_USE enum bw_err bw_json_lay_out(struct bw_slice json, unsigned depth, struct bw_buf *out);

#endif
