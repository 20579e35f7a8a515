/* Paths of folders, each with a number; given once and kept, for a view's nodes. Pure memory, bounded. */
#ifndef BW_GUARD_VIEW_PATHS_H
#define BW_GUARD_VIEW_PATHS_H

#include "base/bytes.h"

struct bw_view_paths;

BW_MUST_USE enum bw_err bw_view_paths_new(size_t most, struct bw_view_paths **out);
void bw_view_paths_free(struct bw_view_paths *paths); /* NULL allowed */

/* The number of a path, 0..; number 0 is "". TOO_MANY, MEMORY. */
BW_MUST_USE enum bw_err bw_view_paths_put(struct bw_view_paths *paths, struct bw_slice path, uint32_t *out);

/* NOT_FOUND: nobody got that number. Valid for as long as `paths`. */
BW_MUST_USE enum bw_err bw_view_paths_get(const struct bw_view_paths *paths, uint32_t number, struct bw_slice *out);

#endif
