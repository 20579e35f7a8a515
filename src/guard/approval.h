/*
 * Approvals: whom a person let work on after an incident, and until when. Made by `guard approve` from what the judge
 * wrote down of the incident, kept in the ledger, and obeyed by the judge: what they cover is written down and
 * weighs nothing. Everybody else stays judged.
 *
 *   a Samba session   the same user at the same address
 *   a unit            the same cgroup
 *   else              the processes that were held and all born of them; and processes of the same user that run one of
 *                     the named programs, so that what was ended can be begun again
 *
 *   "BWGA" | version u8 = 1 | incident be64 | until be64 (wall, us; 0: no longer) | kind u8 | uid be32 | cgroup be64 |
 *   user block | address block | programs: count u8, 16 bytes each
 */
#ifndef BW_GUARD_APPROVAL_H
#define BW_GUARD_APPROVAL_H

#include "base/cursor.h"
#include "guard/actor.h"

enum {
	BW_APPROVAL_PROGRAMS_MAX = 8,
	BW_APPROVAL_BYTES_MAX = 1024,
	BW_APPROVAL_SECONDS_MAX = 31 * 24 * 3600,
	BW_APPROVAL_SECONDS_USUAL = 8 * 3600, /* a working day */
};

struct bw_approval {
	uint64_t incident;
	int64_t until_us;
	uint32_t kind; /* enum bw_actor_kind */
	uint32_t uid;
	uint64_t cgroup;
	char user[BW_ACTOR_USERS_BYTES];
	char address[BW_ACTOR_NAME_BYTES];
	uint8_t program_count;
	char programs[BW_APPROVAL_PROGRAMS_MAX][BW_COMM_BYTES]; /* the last byte is NUL */
};

BW_MUST_USE enum bw_err bw_approval_write(const struct bw_approval *approval, struct bw_buf *out);
BW_MUST_USE enum bw_err bw_approval_parse(struct bw_slice bytes, struct bw_approval *out); /* SYNTAX, SCHEMA, RANGE … */

/* Whether it covers what this process, of this actor, does at that time; the processes that were held not asked. */
bool bw_approval_covers(const struct bw_approval *approval, const struct bw_actor *actor,
			const struct bw_process_event *process, int64_t wall_us);

/* Adds a program once. False: no room, or it runs whatever it is given (a shell, an interpreter): no name to go by. */
bool bw_approval_add_program(struct bw_approval *approval, const char comm[BW_COMM_BYTES]);

#endif
