/* The exchange's limits, each with its reason. */
#ifndef BW_SERVE_LIMITS_H
#define BW_SERVE_LIMITS_H

#include "desk/limits.h"

enum {
	/* objects on a page when the client names no limit: about 1 MB of ATT&CK */
	BW_PAGE_DEFAULT = 1000,
	/* most ids, types, versions in one match[...]: a URL of 8 KiB holds about 140 ids */
	BW_MATCH_MAX = 256,
	/* requests of one front that wait for another worker at the same time */
	BW_IN_FLIGHT_MAX = 4096,
	/* who hears events of one front: a guard is one, and costs 30 kB while nothing happens */
	BW_HEARERS_MAX = 10000,
	/* pages for hearers that one front asks for at the same time */
	BW_HEARERS_ASK_MAX = 32,
	/* pieces that wait for one hearer before the next page is asked for it */
	BW_HEARER_AHEAD_MAX = 4,
	/* bodies being received or parsed at the same time in one front */
	BW_UPLOADS_MAX = 256,
};

/* bytes of the objects in one event: what a guard is to have read in one go; a larger object is told by its id */
#define BW_EVENT_BYTES_MAX (64 * BW_KIB)
/* bytes of a page's bodies: what a client can hold and a socket can drain in its window */
#define BW_PAGE_BYTES_MAX (8 * BW_MIB)
/*
 * a reply that travels between workers: a page with its JSON frame, or a status resource. A page has room
 * for the largest object there can be (BW_BATCH_BODY_MAX), else nobody could ever read past it.
 */
#define BW_REPLY_BYTES_MAX (72 * BW_MIB)
/* body of a POST, as announced in max_content_length; ATT&CK Enterprise whole has 45 MB */
#define BW_CONTENT_DEFAULT (64 * BW_MIB)
/* bodies of all POSTs in flight in one front */
#define BW_UPLOAD_BYTES_MAX (512 * BW_MIB)
/* replies one front keeps for pollers */
#define BW_CACHE_BYTES_MAX (32 * BW_MIB)
#define BW_CACHE_ENTRY_MAX (256 * BW_KIB)
/*
 * answers of one front that clients have yet to take: those of one account (a client that pulls with
 * eight full pages at once has as many), and all together
 */
#define BW_HELD_ACCOUNT_MAX (64 * BW_MIB)
#define BW_HELD_MAX (512 * BW_MIB)

#endif
