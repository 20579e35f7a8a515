/*
 * What the hand did about an incident's actor, and what it could not do, as its records in the ledger tell (ACTED):
 * the lines of `guard explain`, and their JSON. Pure but for the time zone.
 *
 * The judge's record says what was decided; only these say what came of it.
 *
 * Errors: TOO_BIG, MEMORY.
 */
#ifndef BW_GUARD_INCIDENT_DEEDS_H
#define BW_GUARD_INCIDENT_DEEDS_H

#include "guard/ledger.h"

enum { BW_DEEDS_SHOWN = 20, BW_DEEDS_BYTES = 16 * 1024 * 1024 };

struct bw_incident_deeds {
	uint64_t incident;
	struct bw_buf text; /* a line each; names are escaped */
	struct bw_buf json; /* objects, with commas between */
	size_t shown;
	size_t more;   /* lines beyond those shown */
	size_t failed; /* lines that tell of what could not be done: all are shown */
};

void bw_incident_deeds_init(struct bw_incident_deeds *out, uint64_t incident);
void bw_incident_deeds_release(struct bw_incident_deeds *deeds);

/* Takes one record in; those of other kinds and incidents, and ones that cannot be read, change nothing. */
BW_MUST_USE enum bw_err bw_incident_deeds_feed(struct bw_incident_deeds *deeds, const struct bw_ledger_record *record);

/* The lines, and what to do about what failed. Of a client of whom nothing is told, that; else nothing at all. */
BW_MUST_USE enum bw_err bw_incident_deeds_words(const struct bw_incident_deeds *deeds, bool is_client,
						struct bw_buf *out);

#endif
