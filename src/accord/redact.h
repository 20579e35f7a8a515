/*
 * What an accord's profile makes of personal data in one object (accord/personal.h),
 * and the derived object. Nothing is ever changed under its id (STIX 2.1 §3.5): what is
 * not sent as it is stays at home, waits for a person, or goes as a new object under a new id.
 *
 * Where a text stands matters. In prose (a name, a description, a label …) everything counts. What an object is about
 * (a pattern, the value of an observable, a hash) may be an attacker's mailbox or address: there only numbers with a
 * checksum of people (NHS, NINO, SSN, cards, accounts) and internal addresses and hosts count, and nothing can be taken
 * out of it. Ids, times, references and what the standard fixes are not looked at.
 *
 * Pure; the text must be an object that the object check accepted (intel/object.h).
 */
#ifndef BW_ACCORD_REDACT_H
#define BW_ACCORD_REDACT_H

#include "accord/accord.h"
#include "accord/personal.h"

enum {
	BW_REDACT_PLACES_MAX = 64, /* findings told of one object */
	BW_REDACT_PATH_MAX = 120,  /* "objects.0.name"; a longer one is cut */
};

struct bw_redact_place {
	char path[BW_REDACT_PATH_MAX + 1];
	uint32_t at; /* in what the string says, in bytes */
	uint32_t len;
	uint8_t kind; /* enum bw_personal */
	uint8_t certainty;
	bool is_subject; /* of what the object is about: it cannot be taken out */
};

enum bw_redact_outcome {
	BW_REDACT_CLEAN,    /* it may go as it is */
	BW_REDACT_DERIVE,   /* without what was found */
	BW_REDACT_HOLD,     /* a person decides */
	BW_REDACT_WITHHOLD, /* it stays */
};

struct bw_redact_report {
	struct bw_redact_place places[BW_REDACT_PLACES_MAX];
	size_t count;
	bool is_more; /* than are told; they count all the same */
	enum bw_redact_outcome outcome;
};

/*
 * Looks through an object. `profile`: enum bw_redaction. Unsure findings hold the object, sure ones do as the
 * profile says; a sure one outweighs an unsure one only where it withholds. SYNTAX, TOO_DEEP, UTF8, MEMORY, TOO_BIG
 * (a string longer than BW_REDACT_STRING_MAX): the object must then be withheld.
 */
enum { BW_REDACT_STRING_MAX = 16 * 1024 * 1024 };

BW_MUST_USE enum bw_err bw_redact_look(struct bw_slice object, enum bw_redaction profile, struct bw_redact_report *out);

/* What a derived object goes without, and what it is called. */
struct bw_redact_plan {
	struct bw_slice id;          /* new: the type, two hyphens, a UUIDv4 */
	struct bw_slice creator;     /* the identity of the node that derives; empty: none is named */
	struct bw_slice time;        /* created and modified, a STIX timestamp with milliseconds */
	bool personal;               /* what bw_redact_look calls sure is replaced by "[telephone number removed]" */
	const struct bw_slice *drop; /* properties at the top that go whole, and their granular markings with them */
	size_t drop_count;
	const struct bw_slice *drop_refs; /* ids that no list of references may keep (accord/refs.h) */
	size_t drop_ref_count;
	const struct bw_slice *swap; /* ids, and behind each the one that stands in its place, where it stands alone */
	size_t swap_count;           /* of both together */
	bool parts;                  /* for the clerk: what bw_parts_find gives is dropped as well (accord/parts.h) */
};

/*
 * Appends the derived object. The caller has it checked like any other (intel/object.h), and keeps which id
 * became which at home. USAGE: an observable, whose id is made of what it says, cannot be derived. DENIED: something
 * sure stands in what the object is about. MISSING: no type. SYNTAX …, MEMORY, TOO_BIG.
 */
BW_MUST_USE enum bw_err bw_redact_derive(struct bw_slice object, const struct bw_redact_plan *plan, struct bw_buf *out);

/* "telephone number in description (certainty 95 of 100)"; for explain and the hold queue. Never the data itself. */
BW_MUST_USE enum bw_err bw_redact_say(const struct bw_redact_place *place, struct bw_buf *out);

#endif
