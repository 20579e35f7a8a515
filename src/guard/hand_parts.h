/* What the hand's files share; nobody else includes it. */
#ifndef BW_GUARD_HAND_PARTS_H
#define BW_GUARD_HAND_PARTS_H

#include "guard/guard.h"
#include "guard/hand_book.h"
#include "guard/program.h"

enum {
	HAND_SMBD_MAX = 4,     /* parents watched: more than one runs on hardly any machine */
	HAND_NOTICES_MAX = 16, /* that wait */
};

/* The listening smbd: its children come and go with clients. */
struct hand_smbd {
	uint32_t pid;
	uint64_t start_ns;
	uint64_t children; /* a digest of their numbers */
};

struct hand_samba {
	struct bw_program_run run;
	struct hand_smbd parents[HAND_SMBD_MAX];
	size_t parent_count;
	int64_t next_look_us; /* monotonic */
	int64_t next_search_us;
	int64_t asked_us; /* when smbstatus was last started */
	bool wanted;
	bool complained; /* once is enough */
};

struct hand_post {
	struct bw_program_run run;
	struct bw_buf waiting[HAND_NOTICES_MAX]; /* bodies of NOTICE */
	size_t count;
	bool mail_tried;    /* of the first one; its hook comes next */
	int64_t hour_us;    /* monotonic: when the count below began */
	unsigned this_hour; /* notices taken in it */
};

struct hand {
	struct bw_seat *seat;
	const struct bw_guard *guard;
	struct bw_hand_book book;
	char book_path[BW_PATH_BYTES];
	char smbstatus[BW_PATH_BYTES]; /* "": not there, as below */
	char smbcontrol[BW_PATH_BYTES];
	char nft[BW_PATH_BYTES];
	char sendmail[BW_PATH_BYTES];
	bool ends_by_address; /* smbcontrol knows kill-client-ip */
	int proc;             /* /proc */
	struct hand_samba samba;
	struct hand_post post;
};

/* ---- hand_act.c: doing and undoing; each logs once, and tells the scribe ---------------- */

void hand_keep_out(struct hand *hand, const struct bw_keep_out *what);
void hand_freeze(struct hand *hand, const struct bw_freeze *what);
void hand_lift(struct hand *hand, uint64_t incident);
void hand_expire(struct hand *hand);

/* What an earlier hand did and must still be undone. */
void hand_remember(struct hand *hand);

/* ---- hand_cgroup.c ------------------------------------------------------------------------- */

/*
 * Freezes or thaws a cgroup, by its id. For freezing it must be a unit (its name ends with .service or .scope), not
 * ours and not Samba's: DENIED. NOT_FOUND: there is none of that id, or no cgroup v2. `out_path` is below the
 * hierarchy, for people.
 */
BW_MUST_USE enum bw_err hand_cgroup_set(struct hand *hand, uint64_t id, bool frozen, char out_path[BW_PATH_BYTES]);

/* ---- hand_samba.c: who is connected --------------------------------------------------------- */

/* Starts, or goes on with, what is due; returns when it wants to be called again, monotonic. */
int64_t hand_samba_turn(struct hand *hand);

/* ---- hand_post.c: notices --------------------------------------------------------------------- */

void hand_post_take(struct hand *hand, struct bw_slice body);
int64_t hand_post_turn(struct hand *hand);
void hand_post_release(struct hand *hand);

/* ---- hand.c ------------------------------------------------------------------------------------- */

void hand_tell(struct hand *hand, const char *peer, uint8_t kind, struct bw_slice body, int pass_fd);

#endif
