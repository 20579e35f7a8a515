/*
 * How an actor ends: signals to the processes of a verdict, never to anybody else. A process is named by number and
 * start and held by a pidfd between check and signal, so a number used again is not hit.
 *
 * Never signalled, whatever the judge says: this guard, process 1, threads of the kernel, and the parent of all
 * Samba sessions. A session of Samba is never frozen: it may hold locks that others wait for.
 *
 * Children forked by what was stopped, from the evidence until two seconds after, are stopped too, also
 * those in a session of their own.
 */
#ifndef BW_GUARD_WATCH_STOP_H
#define BW_GUARD_WATCH_STOP_H

#include "guard/guard.h"
#include "guard/lineage.h"

struct bw_stopper;

BW_MUST_USE enum bw_err bw_stopper_new(struct bw_guard_board *board, struct bw_lineage *lineage,
				       struct bw_stopper **out); /* MEMORY */
void bw_stopper_free(struct bw_stopper *stopper);                /* NULL allowed */

uint32_t bw_stopper_parent(const struct bw_stopper *stopper); /* of the crew */

/* Every process event passes here: who is Samba's parent, and who was forked by what was stopped. */
void bw_stopper_hear(struct bw_stopper *stopper, const struct bw_process_event *event);

/* A STOP record as it stands in the ring; without processes it ends the chase. PROTOCOL: nobody was signalled. */
BW_MUST_USE enum bw_err bw_stopper_obey(struct bw_stopper *stopper, struct bw_slice record);

/*
 * Stops what was forked by whom it stopped before it could; true when there was somebody. Drain the lineage
 * and ask again.
 */
bool bw_stopper_children(struct bw_stopper *stopper);

/* Whether children may still come: the lineage is then to be drained every millisecond. */
bool bw_stopper_chases(const struct bw_stopper *stopper, uint64_t now_ns);

#endif
