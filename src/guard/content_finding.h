/* Building a finding. Private to the content files. */
#ifndef BW_GUARD_CONTENT_FINDING_H
#define BW_GUARD_CONTENT_FINDING_H

#include "guard/content.h"

/* Adds one piece of evidence and raises the whole; what no longer fits still raises it. */
void bw_finding_add(struct bw_finding *finding, enum bw_strength strength, const struct bw_evidence *evidence);

/* Readable as what it claims to be: good text, or a format whose framing was seen to fit. */
bool bw_content_is_good(const struct bw_content *content);

/* The packed file keeps the size of a file that shrinks when it is packed, so it was not packed. */
bool bw_content_has_no_gain(const struct bw_content *old, const struct bw_content *new);

#endif
