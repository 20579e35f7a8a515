/*
 * Which old versions go. Like a good backup: everything of the last hour, one an hour for a day, one a day
 * until `days` are over; of what somebody pinned or what is the newest good version, nothing. Pure.
 *
 * When room is short, more must go than age says. What is only evidence goes first. Then whoever has most history
 * gives first, until all are level: that is the budget of churn, an equal share for everybody who made good versions
 * into old ones. Of one actor's, those go first that stood for the shortest time: who rewrites files over
 * and over, slowly or fast, pushes out his own intermediate states, and a version that stood for weeks before it
 * was overwritten goes last.
 */
#ifndef BW_GUARD_THIN_H
#define BW_GUARD_THIN_H

#include "guard/fair.h"

struct bw_thin_version {
	uint64_t number;
	int64_t taken_us;
	/* when the next version of the file was taken, or the file went; INT64_MAX: it is the newest */
	int64_t until_us;
	uint64_t kept_bytes;
	uint32_t actor; /* who made the version after it, and so made this one old; its own maker when it is the last */
	bool good;      /* not doubtful, not fuzzy */
	bool newest;    /* the newest good one of a file that exists */
	bool last;      /* what a file that exists holds now, good or not */
	bool pinned;
	bool is_object; /* takes an inode of its own */
};

/* All versions of one file, newest first; sets `drop[i]`. Clocks that jumped back only keep more. */
void bw_thin_by_age(const struct bw_thin_version *versions, size_t count, int64_t now_us, uint32_t days, bool *drop);

/* Somebody's, who gives of it when room is short: not evidence alone, and not what must stay. */
bool bw_thin_is_history(const struct bw_thin_version *version);

/* How long it stood, for the order in which versions go when room is short; UINT64_MAX: it must not go. */
uint64_t bw_thin_worth(const struct bw_thin_version *version, int64_t now_us);

struct bw_thin_need {
	uint64_t bytes;
	uint64_t objects;
};

/*
 * Whose copies the room is for. Within his share he takes from those above the level, down to it. Beyond it he takes
 * history of his own, and of others only while they hold more than he would: so that a flood of new files pushes out no
 * history but that of its maker.
 */
struct bw_thin_claim {
	uint32_t owner;
	const struct bw_fair *held;        /* what each holds besides history */
	const struct bw_fair_level *level; /* NULL: he is beyond his share */
};

/*
 * For room: brings those that must go to the front and says how many they are, and what that gives. It is less than
 * what is needed when nothing more may go. `claim` NULL: for users' own writes, or a quota that became smaller. MEMORY.
 */
BW_MUST_USE enum bw_err bw_thin_for_room(struct bw_thin_version *versions, size_t count,
					 const struct bw_thin_need *need, const struct bw_thin_claim *claim,
					 int64_t now_us, size_t *out_count, struct bw_thin_need *out_freed);

/*
 * The time that ages are counted by. A wall clock that jumps ahead (a dead battery, a forged time server) must not make
 * everything old at once: this one runs with the machine's own clock, and follows a jump of the wall clock only when
 * that has stayed where it is for BW_THIN_STEADY_DAYS of running time. Where the wall clock is behind, it counts.
 */
enum { BW_THIN_STEADY_DAYS = 7 };

struct bw_thin_clock {
	int64_t trusted_us;
	int64_t wall_us;   /* when it was looked at last; 0: never */
	int64_t steady_us; /* running time since the wall clock jumped last */
};

/* `ran_us` since the last look by the machine's clock; below 0: the guard has just started. The time to count by. */
int64_t bw_thin_clock_look(struct bw_thin_clock *clock, int64_t wall_us, int64_t ran_us);

#endif
