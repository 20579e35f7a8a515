/* Between the files accord*.c of this room; no door. */
#ifndef BW_ACCORD_ACCORD_INNER_H
#define BW_ACCORD_ACCORD_INNER_H

#include "accord/accord.h"

#define BW_ACCORD_TYPE "breakwater-accord"
#define BW_NUMBER_MAX ((UINT64_C(1) << 53) - 1) /* RFC 7493 §2.2 */

/* Names by number; a row more than there are numbers ends in NULL. */
extern const char *const bw_redaction_names[BW_REDACTION_COUNT + 1];
extern const char *const bw_onward_names[BW_ONWARD_COUNT + 1];
extern const char *const bw_witness_names[BW_WITNESS_COUNT + 1];
extern const char *const bw_colour_names[]; /* from CLEAR on */
extern const char *const bw_tiding_names[BW_TIDING_COUNT + 1];
extern const char *const bw_purpose_names[BW_PURPOSE_COUNT + 1];

/* The wire name of a STIX type in an accord; CUSTOM has one of its own. */
const char *bw_accord_type_name(enum bw_stix_type type);

#endif
