/* Where an incident's newest report lies and what became of it: what explain, incidents and report say of it. */
#ifndef BW_GUARD_REPORT_H
#define BW_GUARD_REPORT_H

#include "guard/incident.h"

/*
 * What the newest report is of, as its manifest says: of a drill nothing is made that others get. While there is none,
 * or when it was removed for room: what the incident itself remembers.
 */
enum bw_report_of { BW_REPORT_OF_NOTHING, BW_REPORT_OF_ATTACK, BW_REPORT_OF_DRILL };
enum bw_report_of bw_report_of(const char *data, const struct bw_incident *incident);

/* ,"report":{"number":…,"folder":…,"files":[…],…} behind other members; nothing while there is no report. */
BW_MUST_USE enum bw_err bw_report_json(const char *data, const struct bw_incident *incident, struct bw_buf *out);

/* The same in sentences. */
BW_MUST_USE enum bw_err bw_report_words(const char *data, const struct bw_incident *incident, struct bw_buf *out);

#endif
