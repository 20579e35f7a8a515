/*
 * Which of the names that others warned of are names of this server's own good files. Reads every catalogue once, names
 * alone: a second for a million files.
 */
#ifndef BW_GUARD_FOREIGN_NAMES_H
#define BW_GUARD_FOREIGN_NAMES_H

#include "guard/shadow.h"
#include "intel/exact.h"

/*
 * Appends the numbers of those values of `set`, be32 each, rising. A store that could not be opened is NULL, and
 * leaves out what it holds; one that cannot be read is an error.
 */
BW_MUST_USE enum bw_err bw_foreign_names(struct bw_shadow *const *shadows, size_t count, const struct bw_exact *set,
					 struct bw_buf *out);

#endif
