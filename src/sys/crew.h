/*
 * The parent's view of its workers: shared by worker.c (their life) and worker_join.c
 * (their channels to one another). No other file includes this.
 */
#ifndef BW_SYS_CREW_H
#define BW_SYS_CREW_H

#include "sys/worker_wire.h"

enum seat_state { DOWN, STARTING, RUNNING };

struct seat_view {
	size_t row;
	unsigned copy;
	enum seat_state state;
	pid_t pid;
	struct bw_channel *control; /* NULL when DOWN */
	unsigned failures;          /* in a row */
	int64_t ready_us;           /* 0 until ready */
	int64_t start_at_us;        /* DOWN: when to try again */
	bool told_to_stop;
	uint64_t broken;  /* seats whose channel to this one is to be made anew: a bit each */
	unsigned breaks;  /* in a row */
	int64_t broke_us; /* when it last said that one is broken */
	int64_t renew_at_us;
	int64_t asked_us; /* whether it still hears us: since when there was no answer; 0: none is due */
	bool is_silent;   /* and the log says so */
};

struct bw_crew {
	const struct bw_crew_plan *plan;
	struct seat_view seats[BW_CREW_SEATS_MAX];
	size_t count;
	int signals;
	sigset_t mask_before;
	pid_t self;
	bool was_ready; /* every worker, once */
	bool stopping;
	bool hurry;
	int64_t kill_at_us;
	int64_t looked_us; /* at who is silent */
	enum bw_err result;
	struct bw_why *why;
};

const struct bw_worker *crew_row_of(const struct bw_crew *crew, const struct seat_view *seat);
bool crew_is_up(const struct seat_view *seat);

/* A worker that does not even take control frames is beyond help. */
void crew_give_up_on(struct seat_view *seat);

/* Sends what is queued for it. */
void crew_push(struct seat_view *seat);

/* How long to wait after so many failures in a row. */
int64_t crew_backoff_us(unsigned failures);

/* Joins every two seats that a link names; or this one, which was just started, with those that are up. */
void crew_join_all(struct bw_crew *crew);
void crew_join_again(struct bw_crew *crew, struct seat_view *seat);

/* The worker has given up its channel to a peer: row u8 | copy u8. DENIED when nothing links the two. */
BW_MUST_USE enum bw_err crew_note_broken(struct bw_crew *crew, struct seat_view *seat, struct bw_slice body);

/* Makes the channels anew whose time has come; when the next one's comes (INT64_MAX: there is none). */
void crew_renew_due(struct bw_crew *crew);
int64_t crew_renew_at_us(const struct bw_crew *crew);

/* ---- worker_alive.c: who hangs is noticed, and the service manager hears that we do not ---- */

void crew_look_alive(struct bw_crew *crew);
int64_t crew_look_at_us(const struct bw_crew *crew); /* when next; INT64_MAX: nobody wants it */
void crew_note_alive(struct seat_view *seat);

#endif
