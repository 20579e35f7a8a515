/*
 * What a line says of an incident beside its state: who, how many files, and whether it was a drill. From the judge's
 * records in the ledger, all read once.
 */
#ifndef BW_GUARD_INCIDENT_ABOUT_H
#define BW_GUARD_INCIDENT_ABOUT_H

#include "guard/incident.h"

enum { BW_ABOUT_WHO_BYTES = 512 };

struct bw_incident_about {
	uint64_t files;               /* that evidence names, each once */
	char who[BW_ABOUT_WHO_BYTES]; /* bw_actor_say of the newest record; "" while nothing is known */
};

/*
 * Of an incident whose actor was let work on: what it did since is no part of the incident, and how that comes back.
 * Nothing of others. TOO_BIG, MEMORY.
 */
BW_MUST_USE enum bw_err bw_incident_since_words(int64_t approved_us, struct bw_buf *out);

/* One for each of `incidents`, in their order; the caller frees. As bw_ledger_read; MEMORY, TOO_MANY. */
BW_MUST_USE enum bw_err bw_incident_abouts(const char *data, const struct bw_incidents *incidents,
					   struct bw_incident_about **out, struct bw_why *why);

#endif
