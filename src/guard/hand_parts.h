/* What the hand's files share; nobody else includes it. */
#ifndef BW_GUARD_HAND_PARTS_H
#define BW_GUARD_HAND_PARTS_H

#include "guard/freezer.h"
#include "guard/guard.h"
#include "guard/hand_book.h"
#include "guard/program.h"

enum {
	HAND_SMBD_MAX = 4,     /* parents watched: more than one runs on hardly any machine */
	HAND_NOTICES_MAX = 16, /* that wait */
	HAND_JOBS_MAX = 256,   /* clients of one attack come by the dozen */
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
	bool is_mail;       /* what runs now */
	uint64_t incident;  /* whose notice it is */
	int64_t hour_us;    /* monotonic: when the count below began */
	unsigned this_hour; /* notices taken in it */
};

/* What is done by starting a program. One at a time: nobody who asks something else waits for it. */
enum hand_job_kind {
	HAND_JOB_NOTHING,
	HAND_JOB_KEEP_OUT,     /* nft: the address */
	HAND_JOB_END_SESSIONS, /* smbcontrol: what it has open */
	HAND_JOB_LOOK_UP,      /* pdbedit: is the account one of Samba's own, and enabled? */
	HAND_JOB_DISABLE,      /* smbpasswd */
	HAND_JOB_LET_IN,       /* nft */
	HAND_JOB_ENABLE,       /* smbpasswd */
};

struct hand_job {
	enum hand_job_kind kind;
	struct bw_deed deed;
};

struct hand_work {
	struct bw_program_run run; /* of jobs[0] */
	struct hand_job jobs[HAND_JOBS_MAX];
	size_t count;
};

enum { HAND_SHARES_MAX = 16 };

struct hand_share_one {
	uint64_t incident;
	uint32_t number; /* of the report */
};

/* Bundles that go into the exchange, one after the other. */
struct hand_share {
	struct bw_program_run run;
	struct hand_share_one waiting[HAND_SHARES_MAX];
	size_t count;
	enum { HAND_SHARE_IMPORT, HAND_SHARE_COLLECTION, HAND_SHARE_AGAIN } step;
};

struct hand {
	struct bw_seat *seat;
	const struct bw_guard *guard;
	struct bw_hand_book book;
	char book_path[BW_PATH_BYTES];
	char data[BW_PATH_BYTES];      /* the data folder, absolute: programs start elsewhere */
	char smbstatus[BW_PATH_BYTES]; /* "": not there, as below */
	char smbcontrol[BW_PATH_BYTES];
	char nft[BW_PATH_BYTES];
	char pdbedit[BW_PATH_BYTES];
	char smbpasswd[BW_PATH_BYTES];
	char sendmail[BW_PATH_BYTES];
	bool ends_by_address; /* smbcontrol knows kill-client-ip */
	int proc;             /* /proc */
	struct bw_freezer freezer;
	bool complained; /* that there is none: once is enough */
	uint32_t held_now[BW_STOP_PROCESSES_MAX + BW_HAND_DEEDS_MAX];
	struct hand_samba samba;
	struct hand_work work;
	struct hand_post post;
	struct hand_share share;
};

/* ---- hand_act.c: doing and undoing; each logs once, and tells the scribe ---------------- */

void hand_freeze(struct hand *hand, const struct bw_freeze *what);
void hand_lift(struct hand *hand, uint64_t incident);
void hand_expire(struct hand *hand);

/* What an earlier hand did and must still be undone. */
void hand_remember(struct hand *hand);

/* For the files that do: the book first (false: it is full, and that was told), then the deed. */
bool hand_note(struct hand *hand, const struct bw_deed *deed, struct bw_slice subject);
void hand_save(struct hand *hand);
void hand_tell_acted(struct hand *hand, const struct bw_acted *acted);
void hand_tell_failure(struct hand *hand, uint64_t incident, struct bw_slice subject, const char *why);

/* ---- hand_hold.c: local processes ------------------------------------------------------------ */

/* Freezes and notes the processes, and what they bore meanwhile; where nothing can be frozen, they are only noted. */
void hand_hold(struct hand *hand, const struct bw_freeze *what, int64_t until_us);

/* Removes the cgroups of those that have ended meanwhile; at the hand's end. */
void hand_hold_tidy(struct hand *hand);

/* Opens the freezer, and finds again what an earlier hand had frozen and not written down; after hand_remember. */
void hand_hold_again(struct hand *hand);

/* ---- hand_out.c: who is kept out, and let in again -------------------------------------------- */

void hand_keep_out(struct hand *hand, const struct bw_keep_out *what);
void hand_let_in(struct hand *hand, const struct bw_deed *deed, bool timed); /* KEEP_OUT, USER */
void hand_forget_looks(struct hand *hand, uint64_t incident);                /* 0: of all */
int64_t hand_work_turn(struct hand *hand);                                   /* as hand_samba_turn */

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

/* ---- hand_peer.c: the client of one smbd child ---------------------------------------------- */

/* Tells the judge its addresses, at once; says nothing when it has none. */
void hand_peer(struct hand *hand, const struct bw_who *who);

/* ---- hand_post.c: notices --------------------------------------------------------------------- */

void hand_post_take(struct hand *hand, struct bw_slice body);
int64_t hand_post_turn(struct hand *hand);
void hand_post_release(struct hand *hand);

/* ---- hand_share.c: the exchange ------------------------------------------------------------------ */

void hand_share_take(struct hand *hand, uint64_t incident, uint32_t number);
int64_t hand_share_turn(struct hand *hand);

/* ---- hand_image.c: what program a process runs ------------------------------------------------------ */

struct bw_image;
void hand_image(struct hand *hand, const struct bw_image *what);

/* ---- hand.c ------------------------------------------------------------------------------------- */

void hand_tell(struct hand *hand, const char *peer, uint8_t kind, struct bw_slice body, int pass_fd);

#endif
