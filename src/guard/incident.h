/*
 * Incidents, as the ledger tells of them: each is what its records add up to, in their order, so nothing of it is
 * kept twice. Pure, but for bw_incidents_load.
 */
#ifndef BW_GUARD_INCIDENT_H
#define BW_GUARD_INCIDENT_H

#include "guard/ledger.h"

enum bw_incident_state {
	BW_INCIDENT_OPEN,
	BW_INCIDENT_APPROVED, /* a person said that it was meant */
	BW_INCIDENT_CLOSED,
};

struct bw_incident {
	uint64_t id;
	int64_t first_us; /* when its first record was written */
	int64_t last_us;
	int64_t evidence_us; /* of its newest evidence */
	uint32_t evidence;   /* records of the judge */
	uint32_t restores;   /* that ended */
	uint32_t restoring;  /* that began and have not ended */
	enum bw_incident_state state;
	int64_t decided_us;                     /* when it was approved or closed; 0 while it is open */
	struct bw_ledger_restored restored;     /* by all restores together, since one was undone */
	char manifest[2 * BW_SHA256_BYTES + 1]; /* of its newest evidence folder; "" while there is none */
	int64_t reported_us;                    /* when that was sealed; 0 while there is none */
	int64_t shared_us;                      /* when a report went into the exchange; 0 while none did */
	int64_t released_us;                    /* a person released the full bundle; 0: nobody did */
	int64_t allowed_us;                     /* a person let it go to the exchange that is reported to */
	int64_t sent_us;                        /* when a report went there; 0 while none did */
	int64_t helped_us;                      /* when it was first heard that somebody met what was told of it */
	uint32_t helped;                        /* how often that was heard */
	int64_t approved_us;                    /* since when somebody was let work on; 0: nobody ever was */
	int64_t approval_us;                    /* when that was said or ended last */
	int64_t approved_until_us;              /* by what was said last; 0: no longer, or nobody */
	uint32_t undone;                        /* deeds of the hand that failed */
	uint32_t duties;                        /* that a person said were met: see BW_LEDGER_TOLD */
	bool is_drill;                          /* it began as one; its newest report says whether that is all it was */
	uint64_t bytes;                         /* of its records in the ledger, fronts aside */
};

enum { BW_INCIDENTS_MAX = 1024 * 1024 };

struct bw_incidents {
	struct bw_incident *list; /* in the order in which they began */
	size_t count;
	size_t room;
};

/* Takes one record in; those of no incident change nothing. TOO_MANY, MEMORY. */
BW_MUST_USE enum bw_err bw_incidents_feed(struct bw_incidents *incidents, const struct bw_ledger_record *record);
void bw_incidents_release(struct bw_incidents *incidents);

/* NULL when there is none of this number. The pointer is good until the next feed. */
struct bw_incident *bw_incidents_find(const struct bw_incidents *incidents, uint64_t id);
size_t bw_incidents_open(const struct bw_incidents *incidents); /* how many are open */

/*
 * Which one a person means: a number as `guard incidents` shows it, or "last", the newest that is open, else the
 * newest. NOT_FOUND, SYNTAX.
 */
BW_MUST_USE enum bw_err bw_incidents_named(const struct bw_incidents *incidents, const char *name,
					   const struct bw_incident **out);

/* All of DATA's ledger; without one there are none. As bw_ledger_read but for NOT_FOUND. */
BW_MUST_USE enum bw_err bw_incidents_load(const char *data, struct bw_incidents *out, struct bw_why *why);

const char *bw_incident_state_name(enum bw_incident_state state); /* "open", "approved", "closed" */

#endif
