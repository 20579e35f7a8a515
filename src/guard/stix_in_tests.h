/* For tests alone: what STIX's own check finds in a bundle. Apart, because a finding of guard/content.h is another. */
#ifndef BW_GUARD_STIX_IN_TESTS_H
#define BW_GUARD_STIX_IN_TESTS_H

#include "base/bytes.h"

/* Errors and warnings of all objects together, the first as a sentence in `out_first`; -1: no bundle. */
int bw_stix_findings(struct bw_slice bundle, struct bw_buf *out_first);

/* How many objects of this type it has. */
size_t bw_stix_count(struct bw_slice bundle, const char *type);

/* Whether it is JSON. */
bool bw_is_json(struct bw_slice text);

#endif
