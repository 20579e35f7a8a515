/* What a catalogue tells of the folders that drills made. */
#ifndef BW_GUARD_DRILL_MARK_H
#define BW_GUARD_DRILL_MARK_H

#include "store/shelf.h"

/*
 * Whether the folder of this path, below the mount, is a drill's: by its mark, a folder that only root can have made
 * there. Nobody hides files, or has their versions forgotten, by a name.
 */
bool bw_drill_has_mark(struct bw_shelf *shelf, struct bw_slice folder);

#endif
