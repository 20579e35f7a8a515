/*
 * What actors did of late, file by file: made, wrote, removed, moved. Most of it proves nothing and is forgotten; when
 * somebody is held, what he did around each proof belongs to the incident too: the note he left, the file he
 * deleted, the one whose destruction nobody could see. A restore then knows what is to come back, what is to be put
 * aside, and who renamed what (guard/restore_plan.h).
 *
 * Pure memory of fixed size, and the form in which it is written down:
 *
 *   "BWGT" | version u8 = 2 | count be16 | each: what u8 | first be64 | last be64 (wall, us) | version be64 |
 *   file, folder, folder_to: inode be64, tree be64, generation be32, volume be32 | name u8, bytes | name_to u8, bytes
 *
 * Version 1 had no names.
 */
#ifndef BW_GUARD_TRACE_H
#define BW_GUARD_TRACE_H

#include "base/cursor.h"
#include "guard/actor.h"

enum {
	BW_TRACE_ACTORS_MAX = 128,     /* who did nothing for the longest time gives way */
	BW_TRACE_ACTS_MAX = 1024,      /* files of one actor; the oldest give way */
	BW_TRACED_BYTES = 25 + 3 * 24, /* of one without its names */
	BW_TRACED_MAX = 4096,          /* in one record */
};

/* What was done within this of a proof belongs to it. */
#define BW_TRACE_NEAR_NS UINT64_C(60000000000)

enum bw_traced_what {
	/* nobody knew it before: it was new, or too large to be kept (who acts on this looks at its time of birth) */
	BW_TRACED_MADE = 1,
	BW_TRACED_WRITTEN = 2,
	BW_TRACED_REMOVED = 4,
	BW_TRACED_MOVED = 8,
	BW_TRACED_FOLDER = 16, /* a folder (removed, moved) */
	BW_TRACED_ALL = 31,
};

struct bw_traced {
	uint8_t what; /* enum bw_traced_what, together */
	int64_t first_us;
	int64_t last_us;
	uint64_t version; /* good, as the index had it before the first act; 0: none */
	struct bw_file_key file;
	struct bw_file_key folder;    /* where it was before */
	struct bw_file_key folder_to; /* and was last; inode 0: not moved */
	/* of a folder that was moved: what it was called in `folder`, and in `folder_to`; borrowed, else empty */
	struct bw_slice name;
	struct bw_slice name_to;
};

/* ---- written down ------------------------------------------------------------------------- */

/* TOO_MANY, RANGE (a name), MEMORY. */
BW_MUST_USE enum bw_err bw_traced_write(const struct bw_traced *list, size_t count, struct bw_buf *out);

typedef enum bw_err bw_traced_see(void *context, const struct bw_traced *traced);
/* SYNTAX: none. SCHEMA: a newer one. TRUNCATED, RANGE; or what `see` says. */
BW_MUST_USE enum bw_err bw_traced_parse(struct bw_slice bytes, bw_traced_see *see, void *context);

/* ---- remembered ----------------------------------------------------------------------------- */

struct bw_trace;

/* Borrows `actors`, and pins processes in it. MEMORY. */
BW_MUST_USE enum bw_err bw_trace_new(struct bw_actors *actors, struct bw_trace **out);
void bw_trace_free(struct bw_trace *trace); /* NULL allowed */

/*
 * Takes an event in; what hosts, the guard and the kernel do is nobody's. `left_good`: it is a write that
 * left readable content and proves nothing. Returns the incident for which the process was condemned, or 0.
 */
uint64_t bw_trace_event(struct bw_trace *trace, const struct bw_event_view *view, bool left_good);

/*
 * What condemned processes of this incident did near `near_ns`, and was not taken yet; what a Samba client left good
 * is passed over. Call until it gives less than `max`. At the time of the last event only its own actor is looked at.
 * Names are good until the next event.
 */
size_t bw_trace_take(struct bw_trace *trace, uint64_t incident, uint64_t near_ns, struct bw_traced *out, size_t max);

#endif
