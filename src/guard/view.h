/*
 * Previous versions as a tree: MOMENT/absolute path/..., read-only, as Samba's shadow_copy2 wants it. What a name shows
 * is worked out from the catalogues when it is asked for; nothing is kept but the paths of folders that were seen.
 *
 * Rights are those that were recorded and those of today, whichever is less (guard/view_rights.h), for every folder
 * on the way too. A folder of which neither is known is root's. Folders stand where they are now, whatever they were
 * called then; links and files show what was kept of them.
 *
 * Nodes are numbers that say by themselves what they are, so a kernel that forgets, or somebody who invents
 * them, costs nothing:  1 the top | kind 2 bits, 1: moment 32 bits, path 30 bits | 2: volume 6 bits, version 56 bits
 */
#ifndef BW_GUARD_VIEW_H
#define BW_GUARD_VIEW_H

#include <sys/stat.h>

#include "guard/settings.h"
#include "guard/shadow.h"
#include "guard/view_time.h"

enum { BW_VIEW_TOP = 1, BW_VIEW_PATHS_MAX = 1024 * 1024 };

struct bw_view;

/* Opens the catalogues for reading. Borrows all. As bw_shadow_open. */
BW_MUST_USE enum bw_err bw_view_open(const struct bw_guard_settings *settings, const struct bw_volume *volumes,
				     size_t count, struct bw_view **out, struct bw_why *why);
void bw_view_close(struct bw_view *view); /* NULL allowed */

/* In all of these NOT_FOUND also says that a version was thinned away meanwhile, or a number is nobody's. */

BW_MUST_USE enum bw_err bw_view_lookup(struct bw_view *view, uint64_t folder, struct bw_slice name, struct stat *out);
BW_MUST_USE enum bw_err bw_view_stat(struct bw_view *view, uint64_t node, struct stat *out); /* st_ino is the node */

/* What lies in a folder; `mode` has the type alone. An error of `see` ends it and is passed up. */
typedef enum bw_err bw_view_see(void *context, struct bw_slice name, uint64_t node, mode_t mode);
BW_MUST_USE enum bw_err bw_view_list(struct bw_view *view, uint64_t folder, bw_view_see *see, void *context);

/* Appends. TYPE: no file, no link. */
BW_MUST_USE enum bw_err bw_view_read(struct bw_view *view, uint64_t node, uint64_t at, size_t max, struct bw_buf *out);
BW_MUST_USE enum bw_err bw_view_target(struct bw_view *view, uint64_t node, struct bw_buf *out);

/* An extended attribute; all their names, each with its NUL. Which are shown: docs/guard.md. */
BW_MUST_USE enum bw_err bw_view_attribute(struct bw_view *view, uint64_t node, struct bw_slice name,
					  struct bw_buf *out);
BW_MUST_USE enum bw_err bw_view_attributes(struct bw_view *view, uint64_t node, struct bw_buf *out);

#endif
