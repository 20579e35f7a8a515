/* A folder in the catalogue, and what it was over time. */
#ifndef BW_GUARD_FOLDER_H
#define BW_GUARD_FOLDER_H

#include "store/shelf.h"

/* As bw_shelf_folder_put, but only what is another than before is noted (access times are not). */
BW_MUST_USE enum bw_err bw_folder_remember(struct bw_shelf *shelf, struct bw_shelf_folder *folder,
					   uint32_t *out_number);

#endif
