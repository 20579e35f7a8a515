/*
 * The shelf as it stood at a time, one folder after the other: for a view of previous versions (guard/view.h).
 * Times are compared with when versions were taken; which versions stand for a moment is what thinning left.
 */
#ifndef BW_STORE_SHELF_VIEW_H
#define BW_STORE_SHELF_VIEW_H

#include "store/shelf.h"

/* A name in a folder, and the version that stood there: not doubtful, its file not gone by then, nor elsewhere. */
typedef enum bw_err bw_shelf_see_name(void *context, struct bw_slice name, uint64_t version, uint32_t kind);
BW_MUST_USE enum bw_err bw_shelf_names_in(struct bw_shelf *shelf, uint32_t folder, int64_t until_us,
					  bw_shelf_see_name *see, void *context);

/* The same of one name. NOT_FOUND. */
BW_MUST_USE enum bw_err bw_shelf_name_in(struct bw_shelf *shelf, uint32_t folder, struct bw_slice name,
					 int64_t until_us, uint64_t *out_version);

/*
 * The names of folders in the folder `path` ("" is the mount), those that are only on the way to others included; each
 * once, in byte order. A few look-ups for each, however many folders lie below.
 */
typedef enum bw_err bw_shelf_see_folder_name(void *context, struct bw_slice name);
BW_MUST_USE enum bw_err bw_shelf_folders_in(struct bw_shelf *shelf, struct bw_slice path, bw_shelf_see_folder_name *see,
					    void *context);

/* Whether there is a folder of this path, or one below it. NOT_FOUND. */
BW_MUST_USE enum bw_err bw_shelf_folder_is(struct bw_shelf *shelf, struct bw_slice path);

/* When the last version was taken that was taken at or before `until_us`. NOT_FOUND. */
BW_MUST_USE enum bw_err bw_shelf_taken_until(struct bw_shelf *shelf, int64_t until_us, int64_t *out_us);

#endif
