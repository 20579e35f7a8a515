/*
 * A document made of another: the same members in the same order with the same headers, times and extra fields
 * (PKWARE's APPNOTE.TXT 6.3), of which those that hold words are written anew. Pure.
 *
 * At most 512 members and 16 MiB unpacked; stored or deflated; nothing encrypted, split or of ZIP64; XML parts only
 * (the preview that ODF keeps is left out, and its line in the manifest with it).
 */
#ifndef BW_GUARD_BAIT_ZIP_H
#define BW_GUARD_BAIT_ZIP_H

#include "guard/bait_words.h"

/* UNSUPPORTED: not such a document, or too few words. TOO_BIG, MEMORY. */
BW_MUST_USE enum bw_err bw_bait_zip(struct bw_slice model, struct bw_bait_pool *pool, struct bw_bait_dice *dice,
				    struct bw_buf *out);

#endif
