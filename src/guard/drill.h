/*
 * A drill: the simulator attacks files that it made itself, on a tree that is guarded. The attacker is a process of
 * its own under another name, begun from this program's file, so that a guard that does its work ends the attack and
 * nothing else.
 */
#ifndef BW_GUARD_DRILL_H
#define BW_GUARD_DRILL_H

#include "base/command.h"
#include "guard/sim.h"
#include "sys/files.h"

#define BW_DRILL_NAME "breakwater-drill-" /* its folder's name begins so */

struct bw_drill_attack {
	const char *folder;  /* the sandbox */
	const char *report;  /* a new file; the simulator's times go there */
	const char *pattern; /* "S01,S05" */
	uint64_t strain;
	uint32_t actors;   /* 0: what the pattern says */
	const char *shape; /* "setsid"; NULL: what the pattern says */
	const char *share; /* "//host/share"; NULL: local processes */
	const char *share_folder;
	const char *login;
	uint16_t port; /* 0: 445 */
};

enum bw_drill_end {
	BW_DRILL_DONE,   /* it did all it wanted to */
	BW_DRILL_KILLED, /* the guard ended it */
	BW_DRILL_FROZEN, /* the guard held it, for a person to decide: the drill ended it */
};

/*
 * Starts the attacker and waits until it has ended or is held, however that was. `out_why` gets its last words when it
 * could not begin (SYSTEM, USAGE); to have been stopped is no error. TIMEOUT after `wait_ms`: it was ended. No process
 * of it is left, whatever comes back.
 */
BW_MUST_USE enum bw_err bw_drill_attack(const struct bw_drill_attack *attack, int wait_ms, enum bw_drill_end *out_end,
					struct bw_why *why);

/* The word of the command line; NULL: what the pattern says. BW_SIM_SHAPES: there is no such shape. */
enum bw_sim_shape bw_drill_shape(const char *name);

/* The attacker's side: `guard drill --attack-only FOLDER`. */
int bw_drill_be_attacker(struct bw_call *call);

#endif
