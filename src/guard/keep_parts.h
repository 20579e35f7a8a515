/* The keep worker's inside, shared by its files only. */
#ifndef BW_GUARD_KEEP_PARTS_H
#define BW_GUARD_KEEP_PARTS_H

#include "guard/copier.h"
#include "guard/gather.h"
#include "guard/keep_burst.h"
#include "guard/keep_queue.h"
#include "guard/second.h"
#include "guard/thin.h"

enum {
	BW_KEEP_FOLDERS = 8192, /* folders remembered at a time; a power of two */
	BW_KEEP_STALE = 1024,   /* folders that changed and were not noted since; a power of two */
	BW_KEEP_PENDING = 4096, /* versions that wait for the next commit, for the measure of exposure */
	BW_KEEP_RESTORES = 16,
	BW_KEEP_AHEAD = 64,  /* files the disk works on before they are kept */
	BW_KEEP_STEPS = 160, /* of a measure: eight to a doubling of microseconds */
};

/* A folder whose number in the catalogue is known; covered false: nothing below it is kept. */
enum { BW_KEEP_DRILLS = 8 };

/* What may go of a drill stays so long: until then its report is made, which tells by its paths that it was one. */
#define BW_KEEP_DRILL_NS (UINT64_C(6) * 1000000000)

/* The folder of a drill that is over. */
struct bw_keep_drill {
	bool used;
	uint32_t volume;
	uint32_t folder;
	uint64_t look_ns; /* when its versions are looked at again */
};

struct bw_keep_folder {
	struct bw_file_key key;
	uint32_t number;
	bool used;
	bool covered;
};

/* A folder in which entries came or went. */
struct bw_keep_stale {
	struct bw_file_key key;
	uint64_t since_ns; /* 0: free */
	uint64_t last_ns;
};

/* Files that are due next, open: keep_ahead.c. */
struct bw_keep_ahead {
	struct {
		struct bw_file_key key;
		int fd;
	} files[BW_KEEP_AHEAD];
	size_t count;
};

/* How long something took: counts on a logarithmic scale, the older ones fading. */
struct bw_keep_measure {
	uint32_t steps[BW_KEEP_STEPS];
	uint32_t count;
};

/* How a volume stands, at a look; keep_room.c. */
struct bw_keep_look {
	uint64_t size;
	uint64_t available;
	uint64_t inodes; /* all; 0: not counted here */
	uint64_t inodes_free;
	uint64_t kept;
	uint64_t dead;
	uint64_t quota;
	uint64_t inode_quota;
	uint64_t objects;
};

/* Whoever was refused, for a while: his next hundred files cost a look at this. */
struct bw_keep_refused {
	uint32_t owner;
	uint64_t until_ns;
	uint64_t told_ns;
};

enum { BW_KEEP_REFUSED = 64 }; /* a power of two; two owners who fall together are looked at more often */

/* Shares of one volume's room among owners; keep_share.c. */
struct bw_keep_share {
	struct bw_fair held;  /* newest copies made since `version`, at the last count */
	struct bw_fair spent; /* these and history */
	uint64_t counted_ns;
	uint64_t count_took_ns;
	/* what is counted: versions above the first number, files above the second appeared since */
	uint64_t version;
	uint64_t file;
	/* these become the two above when they are old enough */
	int64_t next_us;
	uint64_t next_version;
	uint64_t next_file;
	uint64_t contested_ns; /* when somebody had to give last; 0: nobody had */
	uint64_t noticed_ns;   /* when people were told last */
	bool is_denied;        /* the last wish was refused, and nothing more can be done for it */
	struct bw_keep_refused refused[BW_KEEP_REFUSED];
};

/* How a volume stands; keep_room.c. */
struct bw_keep_room {
	uint64_t available; /* at the last look */
	uint64_t reserve;   /* what is to stay free */
	uint64_t looked_ns;
	uint64_t again_ns; /* not before this do versions go for room again */
	uint64_t spare_ns; /* the same for what is set aside */
	uint64_t replaced; /* bytes of reflinks whose files changed since they were weighed */
	uint64_t weighed_ns;
	struct bw_shadow_limit refused; /* how much room there was when a copy found too little */
	uint64_t refused_ns;
	uint64_t patience_ns; /* until the trees are walked for no other reason than that */
	bool full;            /* a copy found no room */
	bool owes_walk;       /* … and has to be made when there is some */
	bool said_full;
	bool said_empty;
	bool is_held; /* something could not be written down: keep_outlast.c */
	bool said_held;
	uint64_t said_held_ns;
	uint64_t try_ns;     /* not before this is it tried again */
	uint64_t shorten_ns; /* the same for a shorter log */
};

struct bw_keep_pin {
	struct bw_file_key file;
	uint64_t incident;
};

struct bw_keep {
	struct bw_seat *seat;
	struct bw_guard *guard;
	struct bw_guard_board *board;
	struct bw_arena settings; /* of a reload */
	struct bw_copier *copier;
	struct bw_queue *queue;
	struct bw_burst burst;
	struct bw_keep_ahead ahead;
	struct bw_buf path;
	struct bw_keep_folder folders[BW_KEEP_FOLDERS];
	struct bw_keep_stale stale[BW_KEEP_STALE];
	size_t stale_count;
	uint64_t stale_look_ns; /* not before this */
	/* commits */
	bool dirty[BW_VOLUMES_MAX];    /* not committed */
	bool unsynced[BW_VOLUMES_MAX]; /* not on the disk */
	uint64_t dirty_ns;             /* since when; 0: nothing is */
	uint64_t unsynced_ns;
	uint64_t committed_ns;
	uint64_t busy_ns; /* when something happened last */
	bool restless;    /* catalogues have long logs */
	bool syncing;     /* a sync is under way on some volume */
	int synced_fd;    /* an eventfd: one of its parts is through */
	struct {
		uint64_t since_ns;
		bool is_new;
	} pending[BW_KEEP_PENDING];
	size_t pending_count;
	struct bw_keep_measure wait_new;
	struct bw_keep_measure wait_again;
	/* what the judge and people said */
	struct bw_keep_pin *pins;
	size_t pin_count;
	size_t pin_room;
	uint32_t restores[BW_KEEP_RESTORES];
	/* SETTLE: the newest number that watch said, and the judge; told is what scribe heard of */
	uint64_t settle_seen;
	uint64_t settle_judged;
	uint64_t settle_told;
	struct bw_keep_drill drills[BW_KEEP_DRILLS];
	uint32_t drill_next; /* counts on for ever */
	/* the walks */
	bool must_walk;
	bool walking;
	uint32_t walking_on; /* that volume */
	bool is_short;       /* some volume is nearly full, at the last glance */
	uint64_t glanced_ns;
	bool stopping;
	bool idle;   /* this process's present class */
	bool urgent; /* and a real-time one */
	uint64_t urgent_until_ns;
	struct bw_keep_room rooms[BW_VOLUMES_MAX];
	struct bw_keep_share shares[BW_VOLUMES_MAX];
	bool must_settle_shares; /* a tree came: what the walk takes of it is nobody's growth */
	struct bw_thin_clock clocks[BW_VOLUMES_MAX];
	uint64_t thinned_ns;
	uint64_t quota;     /* of all volumes together */
	uint64_t looked_ns; /* when the slow duties were done last */
};

uint64_t bw_keep_now(void);

/* ---- keep_sync.c: what was taken, made to last ------------------------------------------------ */

BW_MUST_USE enum bw_err bw_keep_commit(struct bw_keep *keep);
BW_MUST_USE enum bw_err bw_keep_commit_volume(struct bw_keep *keep, uint32_t volume);

/* `more`: there is work at hand that may be committed with it. */
bool bw_keep_commit_is_due(const struct bw_keep *keep, uint64_t now, bool more);

/* Begins and goes on with syncs that nobody waits for, when it is time. */
BW_MUST_USE enum bw_err bw_keep_sync(struct bw_keep *keep, uint64_t now);
void bw_keep_sync_heard(struct bw_keep *keep); /* synced_fd can be read */

/* Waits until all is on the disk. */
BW_MUST_USE enum bw_err bw_keep_sync_all(struct bw_keep *keep);

/* When a commit or sync is due next; UINT64_MAX: nothing is to be done. */
uint64_t bw_keep_sync_next_ns(const struct bw_keep *keep);

/* Nothing waits, and nothing has happened for a while: time to rest, for logs to become short. */
bool bw_keep_is_quiet(const struct bw_keep *keep, uint64_t now);
BW_MUST_USE enum bw_err bw_keep_rest(struct bw_keep *keep);

/* ---- keep_outlast.c: no block left ----------------------------------------------------------------- */

/*
 * What came of a try, begun then, to write down what changed on a volume. DISK_FULL becomes OK: rooms[].is_held says
 * that it is to be tried again, when bw_keep_may_try; the volume is soiled until then.
 */
BW_MUST_USE enum bw_err bw_keep_outlast(struct bw_keep *keep, uint32_t volume, uint64_t began_ns, enum bw_err err);
bool bw_keep_may_try(const struct bw_keep *keep, uint32_t volume);

/* ---- keep_folder.c: from keys to places --------------------------------------------------- */

/*
 * The number of a folder in the catalogue, made when new; DENIED: what lies in it is not protected. NOT_FOUND: it is
 * gone.
 */
BW_MUST_USE enum bw_err bw_keep_folder(struct bw_keep *keep, const struct bw_file_key *key, uint32_t *out_number);

/* Whether a name in it is protected too (patterns may name files). */
bool bw_keep_covers(struct bw_keep *keep, const struct bw_file_key *folder, struct bw_slice name);

/* It was renamed, and all below it. */
BW_MUST_USE enum bw_err bw_keep_folder_moved(struct bw_keep *keep, const struct bw_file_key *key);

/* It is gone: its name, and when. */
BW_MUST_USE enum bw_err bw_keep_folder_gone(struct bw_keep *keep, const struct bw_event_view *view);

/* Its number, also when it is gone by now. NOT_FOUND: the catalogue never saw it. */
BW_MUST_USE enum bw_err bw_keep_folder_number(struct bw_keep *keep, const struct bw_file_key *key, uint32_t *out);

/* Looks at it again, and notes what changed. As bw_keep_folder. */
BW_MUST_USE enum bw_err bw_keep_folder_look(struct bw_keep *keep, const struct bw_file_key *key);

/* ---- keep_folder_was.c: what folders are, over time --------------------------------------------- */

BW_MUST_USE enum bw_err bw_keep_folder_event(struct bw_keep *keep, const struct bw_event *event);

/* Notes what has been quiet for a moment, or all. */
BW_MUST_USE enum bw_err bw_keep_folders_due(struct bw_keep *keep, uint64_t now_ns, bool all);
BW_MUST_USE enum bw_err bw_keep_folders_thin(struct bw_keep *keep, uint32_t volume);

/* ---- keep_file.c: from events to versions --------------------------------------------------- */

/* One event of watch. An error is one of the store (DISK_FULL, IO, CORRUPT) and says that the event was not served. */
BW_MUST_USE enum bw_err bw_keep_event(struct bw_keep *keep, const struct bw_event_view *view);

/* The entry of the queue that is due; it is dropped from the queue whatever comes of it. */
BW_MUST_USE enum bw_err bw_keep_due(struct bw_keep *keep, const struct bw_queued *queued);

void bw_keep_soil(struct bw_keep *keep, uint32_t volume);

/* A file by its key; a link, which cannot be opened for reading, as itself. The caller closes. */
BW_MUST_USE enum bw_err bw_keep_open(struct bw_keep *keep, const struct bw_file_key *key, int *out_fd,
				     struct stat *out_status);

/* ---- keep_ahead.c: the disk, begun before it is waited for -------------------------------------- */

/* Of what is due by now, the first files are opened and what keeping them waits for is begun. */
void bw_keep_look_ahead(struct bw_keep *keep, uint64_t now);

/* One of them, the caller's from now on; false: it is not open. */
bool bw_keep_ahead_take(struct bw_keep *keep, const struct bw_file_key *key, int *out_fd);
void bw_keep_ahead_end(struct bw_keep *keep); /* none is */

/* ---- keep_word.c: what judge and scribe say -------------------------------------------------- */

BW_MUST_USE enum bw_err bw_keep_word(struct bw_keep *keep, const struct bw_frame *frame);
uint64_t bw_keep_incident_of(const struct bw_keep *keep, const struct bw_file_key *file);
bool bw_keep_restores(const struct bw_keep *keep, uint32_t pid);

/* Watch's SETTLE, in the ring. */
BW_MUST_USE enum bw_err bw_keep_settle(struct bw_keep *keep, struct bw_slice bytes);

/* ---- keep_bait.c: which files are bait ----------------------------------------------------------- */

/* Reads the list again. One that cannot be read changes nothing, and the log says so. */
BW_MUST_USE enum bw_err bw_keep_baits(struct bw_keep *keep);

/* ---- keep_second.c: both contents for a second look ------------------------------------------- */

/* PROTOCOL: an ask that makes no sense. What cannot be laid out is passed over. */
BW_MUST_USE enum bw_err bw_keep_second(struct bw_keep *keep, const struct bw_second_ask *ask);

/* ---- keep_turn.c: when it has its turn -------------------------------------------------------- */

/*
 * This process's own scheduling. What can wait steps back behind everybody else, and returns when somebody waits;
 * urgent is a look the judge waits for, and comes before everybody's work. A machine that refuses costs only speed.
 * `begin`: before anything else.
 */
void bw_keep_turns_begin(void);
void bw_keep_step_back(struct bw_keep *keep, bool idle);
void bw_keep_urgent(struct bw_keep *keep, bool urgent);

/* ---- keep_thin.c: old versions go -------------------------------------------------------------- */

BW_MUST_USE enum bw_err bw_keep_thin(struct bw_keep *keep, uint32_t volume);

/* These go now; what is pinned stays. */
BW_MUST_USE enum bw_err bw_keep_drop(struct bw_keep *keep, uint32_t volume, const uint64_t *numbers, size_t count);

/* ---- keep_drill.c: what drills left ----------------------------------------------------------- */

/* A folder was removed; and once a second, what is to go because of it. */
BW_MUST_USE enum bw_err bw_keep_drill_gone(struct bw_keep *keep, uint32_t volume, uint32_t folder);
BW_MUST_USE enum bw_err bw_keep_drills(struct bw_keep *keep, uint64_t now_ns);

/* On file systems with reflinks: what old versions really take is looked at again. */
BW_MUST_USE enum bw_err bw_keep_weigh(struct bw_keep *keep, uint32_t volume);

/*
 * As much as is needed, in the order of their worth; *out_versions and *out_freed say what went. `claim` as in
 * bw_thin_for_room; with one, nothing else is served meanwhile.
 */
BW_MUST_USE enum bw_err bw_keep_drop_for(struct bw_keep *keep, uint32_t volume, const struct bw_thin_need *need,
					 const struct bw_thin_claim *claim, size_t *out_versions,
					 struct bw_thin_need *out_freed);

/* Adds everybody's history. MEMORY. */
BW_MUST_USE enum bw_err bw_keep_history(struct bw_keep *keep, uint32_t volume, struct bw_fair *fair);

/* ---- keep_room.c: how much copies may take ------------------------------------------------------ */

/* Once a second and when a copy found no room: what has to go goes, packs are tidied, limits are set anew. */
BW_MUST_USE enum bw_err bw_keep_make_room(struct bw_keep *keep, uint32_t volume);

/* A copy found no room: it is made when there is some. */
void bw_keep_no_room(struct bw_keep *keep, uint32_t volume);

BW_MUST_USE enum bw_err bw_keep_room_look(struct bw_keep *keep, uint32_t volume, struct bw_keep_look *out);

/* What copies may still take, all of it. */
struct bw_shadow_limit bw_keep_room_of(const struct bw_keep_look *look);

/* Packs are emptied until a wish fits, or nothing is left to empty; what may be taken then is *out. */
BW_MUST_USE enum bw_err bw_keep_room_tidy(struct bw_keep *keep, uint32_t volume, const struct bw_shadow_wish *wish,
					  struct bw_shadow_limit *out);

/* Says once what went of history, or that nothing is left of it that may go. */
void bw_keep_room_say(struct bw_keep *keep, uint32_t volume, const struct bw_thin_need *need,
		      const struct bw_thin_need *freed, size_t versions, const char *why);

/* Nearly full: worth a look more often. */
bool bw_keep_is_short(const struct bw_keep *keep, uint32_t volume);

/* ---- keep_share.c: who gives when others have too little; keep_since.c: since when that is counted --------- */

BW_MUST_USE enum bw_err bw_keep_share_begin(struct bw_keep *keep, uint32_t volume);
void bw_keep_share_end(struct bw_keep *keep);

/* From here on what is there now is nobody's growth, at once or (by age) when it has been there for `days`. */
BW_MUST_USE enum bw_err bw_keep_share_settle(struct bw_keep *keep, uint32_t volume);
BW_MUST_USE enum bw_err bw_keep_share_age(struct bw_keep *keep, uint32_t volume, int64_t now_us);

/* For bw_copier_plan.make_way; `context` is the keep. */
enum bw_err bw_keep_make_way(void *context, uint32_t volume, const struct bw_shadow_wish *wish);

/* What stays free of a room for those who are below their share, while somebody is above it. */
struct bw_shadow_limit bw_keep_share_spare(const struct bw_keep *keep, uint32_t volume,
					   const struct bw_keep_look *look);

/* keep.c: what has just come in, for those who work for long. */
BW_MUST_USE enum bw_err bw_keep_serve_new(struct bw_keep *keep);

/* ---- keep_measure.c ----------------------------------------------------------------------------- */

void bw_keep_measure_add(struct bw_keep_measure *measure, uint64_t us);
uint64_t bw_keep_measure_p99(const struct bw_keep_measure *measure);

#endif
