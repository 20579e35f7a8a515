/*
 * What the hand has done and must undo: a small table that outlives the hand, as text in DATA/guard/hand, one deed a
 * line. Pure.
 *
 *   keep-out INCIDENT UNTIL ADDRESS       UNTIL: wall clock in microseconds
 *   user     INCIDENT UNTIL NAME          an account of Samba's that was enabled, and is disabled meanwhile
 *   freeze   INCIDENT UNTIL CGROUP        the cgroup's id
 *   held     INCIDENT UNTIL PID START-NS [CGROUP HOME]   ids: where it is frozen, and where it was (guard/freezer.h)
 *
 * Errors: SYNTAX (of the text), TOO_MANY.
 */
#ifndef BW_GUARD_HAND_BOOK_H
#define BW_GUARD_HAND_BOOK_H

#include "guard/hand_form.h"
#include "guard/keep_out.h"

enum {
	BW_HAND_DEEDS_MAX = 4096,
	BW_HAND_BOOK_BYTES = 1024 * 1024,
	BW_HAND_NAME_BYTES = 128,
};

enum bw_deed_kind { BW_DEED_KEEP_OUT = 1, BW_DEED_FREEZE, BW_DEED_HELD, BW_DEED_USER };

struct bw_deed {
	enum bw_deed_kind kind;
	uint64_t incident;
	int64_t until_us;
	struct bw_address address;     /* KEEP_OUT */
	uint64_t cgroup;               /* FREEZE; HELD: where it is frozen, 0: it is only stopped */
	struct bw_held held;           /* HELD */
	uint64_t home;                 /* HELD: the cgroup it came from; 0: not known */
	bool is_done;                  /* KEEP_OUT, USER: it was seen to succeed, or stood in the text */
	char user[BW_HAND_NAME_BYTES]; /* USER */
};

/*
 * A name that may become a word of a command line and of a line of the book: letters, digits, `.`, `_`, `-`, `+`, `@`,
 * `$` and what is beyond ASCII; no `-` first. SYNTAX: another one, or one of those many share (root, guest, nobody).
 */
BW_MUST_USE enum bw_err bw_hand_name(struct bw_slice name, char out[BW_HAND_NAME_BYTES]);

struct bw_hand_book {
	struct bw_deed *deeds; /* BW_HAND_DEEDS_MAX of them */
	size_t count;
};

BW_MUST_USE enum bw_err bw_hand_book_init(struct bw_hand_book *out); /* MEMORY */
void bw_hand_book_release(struct bw_hand_book *book);

/*
 * The same deed for the same incident again: the later end counts, and nothing is added; so do a cgroup and a home
 * that were not known. TOO_MANY: the table is
 * full, nothing may be done that nobody would undo.
 */
BW_MUST_USE enum bw_err bw_hand_book_note(struct bw_hand_book *book, const struct bw_deed *deed);

/* That what was noted was done; and that it failed, so that it is noted no more, unless it was done before that. */
void bw_hand_book_did(struct bw_hand_book *book, const struct bw_deed *deed);
void bw_hand_book_drop(struct bw_hand_book *book, const struct bw_deed *deed);

/* Whether the same was done already, for any incident. */
bool bw_hand_book_holds(const struct bw_hand_book *book, const struct bw_deed *deed);

/* A process that is held, whatever for, by its number alone and by where it is frozen; NULL: none. */
const struct bw_deed *bw_hand_book_process(const struct bw_hand_book *book, uint32_t pid);
bool bw_hand_book_uses(const struct bw_hand_book *book, uint64_t cgroup);

/*
 * Takes out one deed that is over: of that incident (0: of any), or whose time has come. `*out_last` says that
 * no other incident needs the same thing, so that it has to be undone. False when there is none.
 */
bool bw_hand_book_lift(struct bw_hand_book *book, uint64_t incident, struct bw_deed *out, bool *out_last);
bool bw_hand_book_expire(struct bw_hand_book *book, int64_t now_us, struct bw_deed *out, bool *out_last);

/* When the next one is over; BW_TIME_MAX when there is none. */
int64_t bw_hand_book_next_us(const struct bw_hand_book *book);

BW_MUST_USE enum bw_err bw_hand_book_write(const struct bw_hand_book *book, struct bw_buf *out);

/*
 * Adds what the text says. Ends that lie further away than any deed may last (a clock that was changed) are brought
 * near. On failure the deeds up to the bad line are there.
 */
BW_MUST_USE enum bw_err bw_hand_book_read(struct bw_slice text, int64_t now_us, struct bw_hand_book *book);

#endif
