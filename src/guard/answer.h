/*
 * Who answers for what a file holds. Whoever closes a file, or renames it over another, is asked first, but need not
 * have written it (guard/writers.h). Pure.
 *
 *   seen to write it since it was last closed, and
 *   after what its good version holds                  answers
 *   nobody; or only the closer                         the closer
 *   only others: one actor                             it, the process that wrote last
 *   the closer and others, or several others           the one of them against whom there is evidence already;
 *                                                      else, when all are one user's, the closer (of a rename: who
 *                                                      wrote last); else nobody
 *   only others, and all of them before that           as if the closer had written too
 *
 * Programs of one user can end each other anyway; another user's is not stopped for what it may not have written, and
 * evidence against nobody still counts for the place where it happened. Hosts, the guard and the kernel write for
 * nobody, and are not counted.
 */
#ifndef BW_GUARD_ANSWER_H
#define BW_GUARD_ANSWER_H

#include "guard/actor.h"

/* Whether there is evidence against this actor. */
typedef bool bw_answer_has(const void *context, uint32_t actor);

/* The process (guard/actor.h) that answers for this CLOSED, CHANGED or MOVED; 0: nobody can be named. */
uint32_t bw_answer(struct bw_actors *actors, const struct bw_event *event, uint32_t closer, bw_answer_has *has,
		   const void *context);

#endif
