/*
 * An accord for people: in plain English, a topic a line, so that a minister and a
 * parent can both read what they are asked to agree to; and what a new version changes.
 */
#ifndef BW_ACCORD_ACCORD_SHOW_H
#define BW_ACCORD_ACCORD_SHOW_H

#include "accord/accord.h"

/* Appends the whole agreement, lines of at most a paragraph. TOO_BIG, MEMORY (of `out`). */
BW_MUST_USE enum bw_err bw_accord_show(const struct bw_accord *accord, struct bw_buf *out);

/*
 * Appends what `now` changes: for each topic that reads differently, how it was and how it is;
 * "Nothing changes." when nothing does. `out_changes` (may be NULL): how many topics. The sequence
 * number and the hash, which every version changes, are no topic.
 */
BW_MUST_USE enum bw_err bw_accord_diff(const struct bw_accord *old, const struct bw_accord *now, struct bw_buf *out,
				       size_t *out_changes);

#endif
