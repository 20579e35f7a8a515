/* Shared by ears.c and ears_top.c (the top of a Btrfs). No other file includes this. */
#ifndef BW_GUARD_EARS_PARTS_H
#define BW_GUARD_EARS_PARTS_H

#include "guard/ears.h"

/* A detached mount of subvolume 5 of the volume's file system. UNSUPPORTED, SYSTEM. */
BW_MUST_USE enum bw_err bw_ears_top_of(const struct bw_volume *volume, int *out_fd, struct bw_why *why);

#endif
